// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/poll.c: poll_oneoff over clocks and descriptors. Writing is always possible at
// once, and so is a file; what arrives is asked for ahead; one timer is set, for the earliest
// clock.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/ahead.h"
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

// What it waits for, where that arrives by itself; or NULL.
static struct ahead *arrival_of(const struct wasi_subscription *subscription)
{
    const struct descriptor *from =
        subscription->type == WASI_EVENT_FD_READ ? descriptor_of(subscription->fd) : NULL;
    if (from == NULL || (from->rights & WASI_RIGHT_POLL_FD_READWRITE) == 0) {
        return NULL;
    }
    bool is_input = from->kind == DESCRIPTOR_STREAM && from->stream == STREAM_INPUT;
    return is_input ? &ahead_input : from->is_deaf ? NULL : from->ahead;
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
    event->bytes = CHUNK_BYTES;
    if (reads && file_about(file->handle, &stat) == WASI_OK) {
        event->bytes = stat.size > file->position ? stat.size - file->position : 0;
    }
}

// What is wrong with waiting for that, or WASI_OK.
static u16 event_error(const struct descriptor *descriptor, bool reads)
{
    if (descriptor == NULL || descriptor->kind == DESCRIPTOR_FOLDER) {
        return WASI_BADF;
    }
    bool is_wrong = descriptor->kind == DESCRIPTOR_STREAM
                        ? reads != (descriptor->stream == STREAM_INPUT)
                        : descriptor->kind == DESCRIPTOR_LISTENER && !reads;
    return is_wrong                                                   ? WASI_BADF
           : (descriptor->rights & WASI_RIGHT_POLL_FD_READWRITE) == 0 ? WASI_NOTCAPABLE
                                                                      : WASI_OK;
}

// What is ready of a descriptor: an event to tell, or false.
static bool descriptor_ready(const struct wasi_subscription *subscription, struct wasi_event *event)
{
    const struct descriptor *descriptor = descriptor_of(subscription->fd);
    bool reads = subscription->type == WASI_EVENT_FD_READ;
    event->error = event_error(descriptor, reads);
    if (event->error != WASI_OK) {
        return true;
    }
    if (descriptor->kind == DESCRIPTOR_FILE) {
        file_ready(descriptor, reads, event);
        return true;
    }
    const struct ahead *arrival = arrival_of(subscription);
    u32 bytes = reads ? 0 : CHUNK_BYTES;
    if (arrival != NULL && !ahead_is_ready(arrival, &bytes)) {
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
            ready = descriptor_ready(subscription, &event);
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

// Waits for an arrival or for a time, whichever is first.
static i32 wait_for_arrival(u64 until_ns)
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
            over = ahead_event(&event);
        }
    }
    if (timer != 0) {
        message_cancel(timer); // its answer comes later and is read over
    }
    return error;
}

// Asks for everything that arrives by itself; whether there is anything.
static i32 arrivals_ask(bool *any)
{
    i32 error = WASI_OK;
    *any = false;
    for (u32 i = 0; i < poll.count && error == WASI_OK; i++) {
        struct ahead *arrival = arrival_of(&poll.subscriptions[i]);
        if (arrival != NULL) {
            *any = true;
            error = ahead_ask(arrival);
        }
    }
    return error;
}

// Tells what is ready, once something is.
static i32 events_await(void)
{
    u64 until_ns = NEVER_NS;
    u64 now_ns = 0;
    bool arrivals;
    bool clocks = false;
    for (u32 i = 0; i < poll.count; i++) {
        const struct wasi_subscription *subscription = &poll.subscriptions[i];
        if (is_clock(subscription)) {
            clocks = true;
            until_ns = subscription->clock.timeout_ns < until_ns ? subscription->clock.timeout_ns
                                                                 : until_ns;
        }
    }
    for (;;) {
        i32 error = arrivals_ask(&arrivals);
        if (error == WASI_OK && clocks) {
            error = message_clock(WASI_CLOCK_MONOTONIC, &now_ns);
        }
        if (error == WASI_OK) {
            ahead_look();
            error = events_write(now_ns);
        }
        if (error != WASI_OK || poll.event_count != 0) {
            return error;
        }
        error = arrivals ? wait_for_arrival(until_ns) : message_sleep(until_ns);
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
