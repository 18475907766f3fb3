// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/stdio: one console for all programs. Reads are answered in the order they
// came. A write goes to the console as far as there is room; while one is under way, what else is
// asked of the device waits.
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/stdio.h"
#include "machines/bare/common/console.h"
#include "machines/bare/common/devices.h"
#include "machines/bare/common/limits.h"

struct reading {
    u64 message;
    u64 client;
    u32 max;
};

static struct reading readings[DEVICE_READS]; // the oldest first
static u32 reading_count;
static bool end_typed; // behind bytes that were given out: the next read finds the end
static struct {
    u64 message;       // 0: no answer is wanted
    struct span bytes; // still to be written; they lie in the message
    bool is_under_way;
} writing;

// ---- reading

enum { KEY_END = 4 }; // ^D: the end of the stream for one reader

static bool has_input(void)
{
    return end_typed || console_has_input();
}

static void answer_read(struct device *device, u64 message, u32 max)
{
    static u8 typed[CONSOLE_INPUT_BYTES];
    size_t size = 0;
    if (max != 0 && end_typed) {
        end_typed = false;
    } else {
        size = console_read(typed, max < sizeof typed ? max : sizeof typed, KEY_END);
        if (size > 0 && typed[size - 1] == KEY_END) {
            size--;
            end_typed = size > 0;
        }
    }
    for (size_t i = 0; i < size; i++) {
        typed[i] = typed[i] == '\r' ? '\n' : typed[i]; // what the key at the end of a line sends
    }
    struct stdio_result_bytes_error result = {.ok = true, .value = span_of(typed, size)};
    size_t bytes = stdio_read_encode_result(device_scratch(), DEVICE_SCRATCH_BYTES, &result);
    ASSERT(bytes <= DEVICE_SCRATCH_BYTES);
    device_answer(device, message, span_of(device_scratch(), bytes));
}

static void do_read(void *context, const struct interface_message *message,
                    const struct stdio_read_call *call)
{
    if (message->id == 0) {
        return; // typed bytes are kept for somebody who wants them
    }
    if (call->max == 0 || (reading_count == 0 && has_input())) {
        answer_read(context, message->id, call->max);
    } else if (reading_count == DEVICE_READS) {
        device_refuse(context, message->id, E_BUSY);
    } else {
        readings[reading_count++] = (struct reading){message->id, message->client, call->max};
    }
}

// Answers the reads of that message or of that client (the other is 0), which nobody waits for any
// more.
static void forget(struct device *device, u64 message, u64 client)
{
    u32 kept = 0;
    for (u32 i = 0; i < reading_count; i++) {
        struct reading reading = readings[i];
        if ((message != 0 && reading.message == message) ||
            (message == 0 && reading.client == client)) {
            device_refuse(device, reading.message, E_CANCELLED);
        } else {
            readings[kept++] = reading;
        }
    }
    reading_count = kept;
}

// ---- writing

// Writes what there is room for, and answers when that was all.
static bool write_on(struct device *device)
{
    size_t room = console_room();
    size_t size = writing.bytes.size < room ? writing.bytes.size : room;
    console_write(span_slice(writing.bytes, 0, size));
    writing.bytes = span_slice(writing.bytes, size, writing.bytes.size);
    if (writing.bytes.size == 0) {
        u8 body[STDIO_WRITE_RESULT_BYTES];
        struct stdio_result_none_error result = {.ok = true};
        writing.is_under_way = false;
        device_answer(device, writing.message,
                      span_of(body, stdio_write_encode_result(body, sizeof body, &result)));
    }
    return size > 0;
}

static void do_write(void *context, const struct interface_message *message,
                     const struct stdio_write_call *call)
{
    u8 body[STDIO_WRITE_RESULT_BYTES];
    if (call->stream == STDIO_STREAM_INPUT || call->bytes.size > DEVICE_BYTES) {
        struct stdio_result_none_error result = {.ok = false, .error = STDIO_ERROR_FAILED};
        device_answer(context, message->id,
                      span_of(body, stdio_write_encode_result(body, sizeof body, &result)));
        return;
    }
    ASSERT(!writing.is_under_way);
    writing.message = message->id;
    writing.bytes = call->bytes;
    writing.is_under_way = true;
    (void)write_on(context);
}

static void do_is_terminal(void *context, const struct interface_message *message,
                           const struct stdio_is_terminal_call *call)
{
    (void)call;
    u8 body[STDIO_IS_TERMINAL_RESULT_BYTES];
    device_answer(context, message->id,
                  span_of(body, stdio_is_terminal_encode_result(body, sizeof body, true)));
}

static const struct stdio_handler handler = {
    .read = do_read, .write = do_write, .is_terminal = do_is_terminal};

static bool run(struct device *device)
{
    bool worked = false;
    if (reading_count > 0 && has_input()) {
        struct reading first = readings[0];
        reading_count--;
        mem_move(readings, readings + 1, reading_count * sizeof readings[0]);
        answer_read(device, first.message, first.max);
        worked = true;
    }
    if (writing.is_under_way) {
        worked = write_on(device) || worked;
    }
    return worked;
}

static void handle(struct device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = device_message(event);
        device_dispatched(device, event->id, stdio_dispatch(&handler, device, &message));
    } else if (event->kind == KERNEL_EVENT_CANCELLED) {
        forget(device, event->id, 0);
    } else if (event->kind == KERNEL_EVENT_CLIENT_GONE) {
        forget(device, 0, event->client);
    }
}

static bool ready(void)
{
    return !writing.is_under_way;
}

const struct device_kind device_stdio = {
    .interface = &stdio_interface, .handle = handle, .run = run, .ready = ready};
