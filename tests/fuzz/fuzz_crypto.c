// SPDX-License-Identifier: GPL-3.0-or-later
// Messages to the device redshirt:io/crypto. An input is a list of messages: a byte that says which
// function and client, one for its size, its body. Whatever it is, it is answered once.
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/crypto.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// ---- what stands in the loop's place

static struct hosted_device *device;
static u32 answers;
static u64 sum;

enum err hosted_device_add(struct hosted_loop *loop, struct kernel *kernel,
                           const struct interface_definition *interface,
                           struct hosted_device *added)
{
    (void)loop;
    (void)kernel;
    (void)interface;
    device = added;
    return ERR_OK;
}

struct interface_message hosted_message(const struct kernel_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

void hosted_answer(struct hosted_device *from, u64 message, struct span body)
{
    ASSERT(from == device && message == 1 && body.size >= 1);
    for (size_t i = 0; i < body.size; i++) { // all of it is there
        sum += body.data[i];
    }
    answers++;
}

void hosted_answer_error(struct hosted_device *from, u64 message, i32 code)
{
    ASSERT(from == device && message == 1 && code < 0);
    answers++;
}

void hosted_dispatched(struct hosted_device *from, u64 message, enum err err)
{
    if (err != ERR_OK) {
        hosted_answer_error(from, message, E_MALFORMED);
    }
}

// ---- inputs

static void deliver(u8 how, const u8 *data, size_t size)
{
    u8 *body = malloc(size); // of its own, so that the sanitizer sees its end
    mem_copy(body, data, size);
    struct kernel_event event = {.kind = KERNEL_EVENT_MESSAGE,
                                 .id = 1,
                                 .function =
                                     crypto_interface.functions[how % CRYPTO_FUNCTION_COUNT].id,
                                 .client = 1 + how / 128,
                                 .body = span_of(body, size)};
    answers = 0;
    device->handle(device, &event);
    ASSERT(answers == 1);
    free(body);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    ASSERT(hosted_crypto_add(NULL, NULL) == ERR_OK);
    for (size_t at = 0; at + 2 <= size;) {
        u8 how = data[at];
        size_t length = data[at + 1];
        at += 2;
        length = length < size - at ? length : size - at;
        if (how == 127) {
            struct kernel_event gone = {.kind = KERNEL_EVENT_CLIENT_GONE, .client = 1};
            device->handle(device, &gone);
        } else {
            deliver(how, data + at, length);
        }
        at += length;
    }
    device->drop(device);
    return 0;
}
