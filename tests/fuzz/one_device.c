// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/fuzz/one_device.h"
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include <stdio.h>
#include <stdlib.h>

struct hosted_loop one_device_loop;
static struct hosted_device *device;
static u32 answers;
static i32 error;
static u64 sum;

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// ---- the loop

enum err hosted_device_add(struct hosted_loop *loop, struct kernel *kernel,
                           const struct interface_definition *interface,
                           struct hosted_device *added)
{
    (void)kernel;
    (void)interface;
    device = added;
    device->loop = loop;
    return ERR_OK;
}

struct interface_message hosted_message(const struct kernel_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

void hosted_answer(struct hosted_device *from, u64 message, struct span body)
{
    ASSERT(from == device && message == 1 && body.size >= 1 && body.size <= KERNEL_BODY_BYTES);
    for (size_t i = 0; i < body.size; i++) { // all of it is there
        sum += body.data[i];
    }
    answers++;
}

void hosted_answer_error(struct hosted_device *from, u64 message, i32 code)
{
    ASSERT(from == device && message == 1 && code < 0);
    answers++;
    error = code;
}

void hosted_dispatched(struct hosted_device *from, u64 message, enum err err)
{
    if (err != ERR_OK) {
        hosted_answer_error(from, message, E_MALFORMED);
    }
}

int uv_queue_work(uv_loop_t *loop, uv_work_t *request, uv_work_cb work, uv_after_work_cb after)
{
    (void)loop;
    work(request);
    after(request, 0);
    return 0;
}

int uv_cancel(uv_req_t *request)
{
    (void)request;
    return UV_EBUSY; // it has been done
}

// ---- the kernel

void one_device_answered(u64 message, const u8 *body, u32 size)
{
    hosted_answer(device, message, span_of(body, size));
}

i32 one_device_tell(const struct kernel_event *event)
{
    u8 *body = malloc(event->body.size + 1);
    ASSERT(body != NULL && event->id == 1);
    mem_copy(body + 1, event->body.data, event->body.size);
    struct kernel_event own = *event;
    own.body = span_of(body + 1, event->body.size);
    answers = 0;
    error = 0;
    device->handle(device, &own);
    ASSERT(answers == (own.kind == KERNEL_EVENT_MESSAGE ? 1 : 0));
    free(body);
    return error;
}

void one_device_drop(void)
{
    device->drop(device);
}
