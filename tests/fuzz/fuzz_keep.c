// SPDX-License-Identifier: GPL-3.0-or-later
// Messages to the device redshirt:io/keep, with a store in a folder of its own. An input is a list
// of messages: a byte that says which function and client, one for its size, its body. Whatever it
// is, it is answered once; whoever may not is answered E_DENIED.
#define _GNU_SOURCE 1
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/keep.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/store.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { OWNER = 7 };

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// ---- what stands in the loop's and the host's place

static struct hosted_device *device;
static struct hosted_loop loop;
static u32 answers;
static i32 refusal;

enum err hosted_device_add(struct hosted_loop *where, struct kernel *kernel,
                           const struct interface_definition *interface,
                           struct hosted_device *added)
{
    (void)kernel;
    (void)interface;
    device = added;
    device->loop = where;
    return ERR_OK;
}

struct interface_message hosted_message(const struct kernel_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

void hosted_answer(struct hosted_device *from, u64 message, struct span body)
{
    ASSERT(from == device && message == 1 && body.size >= 1);
    answers++;
}

void hosted_answer_error(struct hosted_device *from, u64 message, i32 code)
{
    ASSERT(from == device && message == 1 && code < 0);
    answers++;
    refusal = code;
}

void hosted_dispatched(struct hosted_device *from, u64 message, enum err err)
{
    if (err != ERR_OK) {
        hosted_answer_error(from, message, E_MALFORMED);
    }
}

// libuv's: at once, on this thread.
int uv_queue_work(uv_loop_t *where, uv_work_t *request, uv_work_cb work, uv_after_work_cb after)
{
    (void)where;
    work(request);
    after(request, 0);
    return 0;
}

// ---- inputs

static void deliver(u8 how, const u8 *data, size_t size)
{
    u8 *body = malloc(size); // of its own, so that the sanitizer sees its end
    mem_copy(body, data, size);
    bool may = how % 8 != 0;
    struct kernel_event event = {.kind = KERNEL_EVENT_MESSAGE,
                                 .id = 1,
                                 .function =
                                     keep_interface.functions[how / 8 % KEEP_FUNCTION_COUNT].id,
                                 .client = (u64)(may ? OWNER : OWNER + 1) << 31 | 1,
                                 .body = span_of(body, size)};
    answers = 0;
    refusal = 0;
    device->handle(device, &event);
    ASSERT(answers == 1);
    ASSERT(may || refusal == E_DENIED);
    free(body);
}

static char folder[] = "/tmp/redshirt-fuzz-keep-XXXXXX";

static void folder_remove(void)
{
    char command[sizeof folder + 16];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    (void)!system(command);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct store store;
    struct keep *keep;
    if (device == NULL) {
        ASSERT(mkdtemp(folder) != NULL && store_open(&store, folder, NULL) == ERR_OK);
        atexit(folder_remove);
    }
    ASSERT(hosted_keep_add(&loop, NULL, &store, &keep) == ERR_OK);
    hosted_keep_allow(keep, OWNER);
    for (size_t at = 0; at + 2 <= size;) {
        u8 how = data[at];
        size_t length = data[at + 1];
        at += 2;
        length = length < size - at ? length : size - at;
        deliver(how, data + at, length);
        at += length;
    }
    device->drop(device);
    return 0;
}
