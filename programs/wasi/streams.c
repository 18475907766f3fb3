// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/streams.c: the standard input. What was asked for ahead (poll) is kept here and
// read first, so that no byte is lost or out of order.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

// Input asked for ahead. At most one of: under way (`id`), bytes at hand, an end or failure not yet
// told.
static struct {
    u64 id; // of the message under way; 0: none
    u32 start;
    u32 end; // bytes at hand: [start, end)
    bool over;
    i32 error; // with `over`: why, or WASI_OK at the end of the stream
    u8 bytes[WASI_AHEAD_BYTES];
} ahead;

// ---- input ahead

i32 input_ask(void)
{
    if (ahead.id != 0 || ahead.start != ahead.end || ahead.over) {
        return WASI_OK;
    }
    return message_read_send(WASI_AHEAD_BYTES, &ahead.id);
}

enum input input_state(u32 *bytes)
{
    *bytes = ahead.end - ahead.start;
    return *bytes != 0 || ahead.over ? INPUT_READY : INPUT_UNKNOWN;
}

bool input_event(const struct rt_event *event)
{
    if (event->kind != NOTIFICATION_ANSWER || ahead.id == 0 || event->id != ahead.id) {
        return false;
    }
    struct span bytes = {0};
    ahead.id = 0;
    ahead.error =
        event->error != 0 ? WASI_IO : message_read_answer(event->body, sizeof ahead.bytes, &bytes);
    ahead.over = ahead.error != WASI_OK || bytes.size == 0;
    mem_copy(ahead.bytes, bytes.data, bytes.size);
    ahead.start = 0;
    ahead.end = (u32)bytes.size;
    return true;
}

i32 input_read(u32 max, bool blocks, struct span *bytes)
{
    if (!blocks && ahead.start == ahead.end && !ahead.over) {
        i32 error = input_ask();
        struct rt_event event;
        while (error == WASI_OK && ahead.id != 0 && rt_poll(&event)) {
            (void)input_event(
                &event); // what is not input is a timer that nobody waits for any more
        }
        if (error != WASI_OK || ahead.id != 0) {
            return error != WASI_OK ? error : WASI_AGAIN;
        }
    }
    while (ahead.id != 0) {
        struct rt_event event;
        rt_next(&event);
        (void)input_event(&event);
    }
    *bytes = (struct span){0};
    if (ahead.start != ahead.end) {
        u32 left = ahead.end - ahead.start;
        *bytes = span_of(ahead.bytes + ahead.start, left < max ? left : max);
        ahead.start += (u32)bytes->size;
        return WASI_OK;
    }
    if (ahead.over) { // told once; a terminal may go on after its end
        ahead.over = false;
        return ahead.error;
    }
    return message_read(max, bytes);
}
