// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/log: lines go to the console, each in one piece. While the console has no
// room for one, they wait in the device's queue.
#include "core/base/text.h"
#include "core/kernel/device.h"
#include "interfaces/log.h"
#include "machines/bare/common/console.h"
#include "machines/bare/common/devices.h"
#include "machines/bare/common/limits.h"

enum { AROUND_BYTES = 16 }; // the level in front, the newline behind

// Characters that would move a terminal's cursor are not let through; the rest of UTF-8 is.
static void put_line(struct text *text, struct span line)
{
    size_t size = line.size < DEVICE_LINE_BYTES ? line.size : DEVICE_LINE_BYTES;
    for (size_t i = 0; i < size; i++) {
        u8 byte = line.data[i];
        text_char(text, byte < ' ' || byte == 0x7f ? '?' : (char)byte);
    }
}

static void do_write(void *context, const struct interface_message *message,
                     const struct log_write_call *call)
{
    static const char *const levels[] = {"debug: ", "", "warning: ", "error: "};
    static char buffer[DEVICE_LINE_BYTES + AROUND_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, levels[call->level]);
    put_line(&text, call->line);
    text_char(&text, '\n');
    console_write(span_of(text.data, text.size));
    u8 none[1];
    device_answer(context, message->id, span_of(none, log_write_encode_result(none, sizeof none)));
}

static const struct log_handler handler = {.write = do_write};

static void handle(struct device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = device_message(event);
        device_dispatched(device, event->id, log_dispatch(&handler, device, &message));
    }
}

static bool ready(void)
{
    return console_room() >= DEVICE_LINE_BYTES + AROUND_BYTES;
}

const struct device_kind device_log = {
    .interface = &log_interface, .handle = handle, .ready = ready};
