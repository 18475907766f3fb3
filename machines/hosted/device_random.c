// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/random, out of platform_random.
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/random.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"

static void do_bytes(void *context, const struct interface_message *message,
                     const struct random_bytes_call *arguments)
{
    struct hosted_device *device = context;
    if (message->id == 0) {
        return;
    }
    u32 count = arguments->count < HOSTED_RANDOM_BYTES ? arguments->count : HOSTED_RANDOM_BYTES;
    struct wire_writer out = wire_writer_over(device->loop->scratch, sizeof device->loop->scratch);
    wire_write_u32(&out, count); // a byte list, made in place
    u8 *bytes = wire_writer_take(&out, count);
    ASSERT(bytes != NULL);
    platform_random(bytes, count);
    hosted_answer(device, message->id, span_of(device->loop->scratch, out.size));
    mem_zero(bytes, count); // they may become somebody's key
}

static const struct random_handler handler = {.bytes = do_bytes};

static void random_handle(struct hosted_device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = hosted_message(event);
        hosted_dispatched(device, event->id, random_dispatch(&handler, device, &message));
    }
}

static void random_drop(struct hosted_device *device)
{
    free(device);
}

enum err hosted_random_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct hosted_device *device = calloc(1, sizeof *device);
    if (device == NULL) {
        return ERR_NO_MEMORY;
    }
    device->handle = random_handle;
    device->drop = random_drop;
    enum err err = hosted_device_add(loop, kernel, &random_interface, device);
    if (err != ERR_OK) {
        free(device);
    }
    return err;
}
