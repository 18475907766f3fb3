// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/random.
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/random.h"
#include "machines/bare/common/devices.h"
#include "machines/bare/common/limits.h"
#include "machines/bare/common/random.h"

static void do_bytes(void *context, const struct interface_message *message,
                     const struct random_bytes_call *call)
{
    u32 count = call->count < DEVICE_BYTES ? call->count : DEVICE_BYTES;
    struct wire_writer out = wire_writer_over(device_scratch(), DEVICE_SCRATCH_BYTES);
    wire_write_u32(&out, count); // a byte list, made in place
    u8 *bytes = wire_writer_take(&out, count);
    ASSERT(bytes != NULL);
    random_fill(bytes, count);
    device_answer(context, message->id, span_of(device_scratch(), out.size));
    mem_zero(bytes, count); // they may become somebody's key
}

static const struct random_handler handler = {.bytes = do_bytes};

static void handle(struct device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = device_message(event);
        device_dispatched(device, event->id, random_dispatch(&handler, device, &message));
    }
}

const struct device_kind device_random = {.interface = &random_interface, .handle = handle};
