// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/poll.c: poll_oneoff over clocks and the three streams. Writing is always possible
// at once; input is asked for ahead; one timer is set, for the earliest clock.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/files.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

#define NEVER_NS UINT64_MAX

struct poll {
    struct wasi_subscription
        subscriptions[WASI_SUBSCRIPTIONS]; // clocks: timeout_ns on the monotonic clock
    u32 count;
    u32 out; // where the client wants its events
    u32 event_count;
};

static struct poll poll;

static u64 later(u64 now_ns, u64 by_ns)
{
    return by_ns > NEVER_NS - now_ns ? NEVER_NS : now_ns + by_ns;
}

static bool is_clock(const struct wasi_subscription *subscription)
{
    return subscription->type == WASI_EVENT_CLOCK && subscription->clock.id <= WASI_CLOCK_MONOTONIC;
}

// Whether it waits for the standard input.
static bool is_input(const struct wasi_subscription *subscription)
{
    const struct descriptor *descriptor =
        subscription->type == WASI_EVENT_FD_READ ? descriptor_of(subscription->fd) : NULL;
    return descriptor != NULL && descriptor->kind == DESCRIPTOR_STREAM &&
           descriptor->stream == STREAM_INPUT;
}

// Turns the clocks' timeouts, which may be relative or of the wall clock, into times of the
// monotonic clock.
static i32 deadlines_set(void)
{
    u64 now_ns = 0;
    u64 wall_ns = 0;
    bool known = false;
    bool wall_known = false;
    for (u32 i = 0; i < poll.count; i++) {
        struct wasi_subscription *subscription = &poll.subscriptions[i];
        bool absolute = (subscription->clock.flags & WASI_SUBSCRIPTION_ABSTIME) != 0;
        bool wall = absolute && subscription->clock.id == WASI_CLOCK_REALTIME;
        if (!is_clock(subscription) || (absolute && !wall)) {
            continue;
        }
        i32 error = known ? WASI_OK : message_clock(WASI_CLOCK_MONOTONIC, &now_ns);
        known = true;
        if (error == WASI_OK && wall && !wall_known) {
            error = message_clock(WASI_CLOCK_REALTIME, &wall_ns);
            wall_known = true;
        }
        if (error != WASI_OK) {
            return error;
        }
        u64 timeout_ns = subscription->clock.timeout_ns;
        if (wall) {
            timeout_ns = timeout_ns > wall_ns ? timeout_ns - wall_ns : 0;
        }
        subscription->clock.timeout_ns = later(now_ns, timeout_ns);
    }
    return WASI_OK;
}

// A file never lets one wait: an event to tell.
static void file_ready(const struct descriptor *file, bool reads, struct wasi_event *event)
{
    struct wasi_filestat stat;
    u64 right = WASI_RIGHT_POLL_FD_READWRITE;
    event->bytes = CHUNK_BYTES;
    if (file->kind != DESCRIPTOR_FILE || (file->rights & right) == 0) {
        event->error = file->kind != DESCRIPTOR_FILE ? WASI_BADF : WASI_NOTCAPABLE;
    } else if (reads && file_about(file->handle, &stat) == WASI_OK) {
        event->bytes = stat.size > file->position ? stat.size - file->position : 0;
    }
}

// What is ready of a stream or file: an event to tell, or false.
static bool stream_ready(const struct wasi_subscription *subscription, struct wasi_event *event)
{
    const struct descriptor *stream = descriptor_of(subscription->fd);
    bool reads = subscription->type == WASI_EVENT_FD_READ;
    if (stream != NULL && stream->kind != DESCRIPTOR_STREAM) {
        file_ready(stream, reads, event);
        return true;
    }
    if (stream == NULL || reads != (stream->stream == STREAM_INPUT)) {
        event->error = WASI_BADF;
        return true;
    }
    if (!reads) {
        event->bytes = CHUNK_BYTES;
        return true;
    }
    u32 bytes;
    if (input_state(&bytes) == INPUT_UNKNOWN) {
        return false;
    }
    event->bytes = bytes;
    event->flags = bytes == 0 ? WASI_EVENT_HANGUP : 0;
    return true;
}

// Tells the client of everything that is ready at `now_ns`.
static i32 events_write(u64 now_ns)
{
    for (u32 i = 0; i < poll.count; i++) {
        const struct wasi_subscription *subscription = &poll.subscriptions[i];
        struct wasi_event event = {.userdata = subscription->userdata, .type = subscription->type};
        bool ready;
        if (subscription->type == WASI_EVENT_CLOCK) {
            event.error = is_clock(subscription) ? WASI_OK : WASI_INVAL;
            ready = event.error != WASI_OK || subscription->clock.timeout_ns <= now_ns;
        } else {
            ready = stream_ready(subscription, &event);
        }
        if (!ready) {
            continue;
        }
        u64 at = (u64)poll.out + (u64)poll.event_count * sizeof event;
        if (at > UINT32_MAX || client_write((u32)at, &event, sizeof event) != 0) {
            return WASI_FAULT;
        }
        poll.event_count++;
    }
    return WASI_OK;
}

// Waits for input or for a time, whichever is first.
static i32 wait_for_input(u64 until_ns)
{
    u64 timer = 0;
    i32 error = until_ns == NEVER_NS ? WASI_OK : message_sleep_send(until_ns, &timer);
    bool over = error != WASI_OK;
    while (!over) {
        struct rt_event event;
        rt_next(&event);
        if (timer != 0 && event.kind == NOTIFICATION_ANSWER && event.id == timer) {
            error = event.error == 0 ? WASI_OK : WASI_IO;
            timer = 0;
            over = true;
        } else {
            over = input_event(&event);
        }
    }
    if (timer != 0) {
        message_cancel(timer); // its answer comes later and is read over
    }
    return error;
}

// Tells what is ready, once something is.
static i32 events_await(void)
{
    u64 until_ns = NEVER_NS;
    u64 now_ns = 0;
    bool input = false;
    bool clocks = false;
    for (u32 i = 0; i < poll.count; i++) {
        const struct wasi_subscription *subscription = &poll.subscriptions[i];
        input |= is_input(subscription);
        if (is_clock(subscription)) {
            clocks = true;
            until_ns = subscription->clock.timeout_ns < until_ns ? subscription->clock.timeout_ns
                                                                 : until_ns;
        }
    }
    for (;;) {
        i32 error = input ? input_ask() : WASI_OK;
        if (error == WASI_OK && clocks) {
            error = message_clock(WASI_CLOCK_MONOTONIC, &now_ns);
        }
        if (error == WASI_OK) {
            error = events_write(now_ns);
        }
        if (error != WASI_OK || poll.event_count != 0) {
            return error;
        }
        error = input ? wait_for_input(until_ns) : message_sleep(until_ns);
        if (error != WASI_OK) {
            return error;
        }
    }
}

WASI_EXPORT(poll_oneoff, u32 in, u32 out, u32 count, u32 count_at)
{
    if (count == 0 || count > WASI_SUBSCRIPTIONS) {
        return WASI_INVAL;
    }
    u32 bytes = count * (u32)sizeof(struct wasi_subscription);
    if (client_read(poll.subscriptions, in, bytes) != 0 || !client_has(count_at, sizeof(u32))) {
        return WASI_FAULT;
    }
    poll.count = count;
    poll.out = out;
    poll.event_count = 0;
    for (u32 i = 0; i < count; i++) {
        if (poll.subscriptions[i].type > WASI_EVENT_FD_WRITE) {
            return WASI_INVAL;
        }
    }
    i32 error = deadlines_set();
    if (error == WASI_OK) {
        error = events_await();
    }
    return error == WASI_OK ? client_store_u32(count_at, poll.event_count) : error;
}
