// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/time. Timers lie in a heap; the host is asked for the earliest only, by a
// timerfd, because libuv's own timers know milliseconds and time.wit speaks of ns.
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "core/kernel/limits.h"
#include "core/platform.h"
#include "interfaces/time.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"

struct timer {
    struct call call;
    u64 deadline_ns;
    u32 place; // in the heap
};

struct clock {
    struct hosted_device device;
    struct calls calls;
    uv_poll_t poll;
    int file;
    struct timer **heap; // each no later than its two children, at 2i + 1 and 2i + 2
    u32 count;
    u32 capacity;
    u64 armed_ns; // what the timerfd is set to; 0: nothing
};

// ---- the heap

static void heap_put(struct clock *clock, u32 place, struct timer *timer)
{
    clock->heap[place] = timer;
    timer->place = place;
}

static void heap_up(struct clock *clock, struct timer *timer)
{
    u32 place = timer->place;
    while (place > 0) {
        u32 parent = (place - 1) / 2;
        if (clock->heap[parent]->deadline_ns <= timer->deadline_ns) {
            break;
        }
        heap_put(clock, place, clock->heap[parent]);
        place = parent;
    }
    heap_put(clock, place, timer);
}

static void heap_down(struct clock *clock, struct timer *timer)
{
    u32 place = timer->place;
    for (;;) {
        u32 child = place * 2 + 1;
        if (child >= clock->count) {
            break;
        }
        if (child + 1 < clock->count &&
            clock->heap[child + 1]->deadline_ns < clock->heap[child]->deadline_ns) {
            child++;
        }
        if (timer->deadline_ns <= clock->heap[child]->deadline_ns) {
            break;
        }
        heap_put(clock, place, clock->heap[child]);
        place = child;
    }
    heap_put(clock, place, timer);
}

static bool heap_add(struct clock *clock, struct timer *timer)
{
    if (clock->count == clock->capacity) {
        u32 capacity = clock->capacity == 0 ? 64 : clock->capacity * 2;
        struct timer **heap = realloc(clock->heap, capacity * sizeof(struct timer *));
        if (heap == NULL) {
            return false;
        }
        clock->heap = heap;
        clock->capacity = capacity;
    }
    heap_put(clock, clock->count++, timer);
    heap_up(clock, timer);
    return true;
}

static void heap_remove(struct clock *clock, struct timer *timer)
{
    ASSERT(clock->heap[timer->place] == timer);
    struct timer *last = clock->heap[--clock->count];
    if (last != timer) {
        heap_put(clock, timer->place, last);
        heap_up(clock, last);
        heap_down(clock, last);
    }
}

// ---- timers

// Sets the host's timer to the earliest of ours.
static void clock_arm(struct clock *clock)
{
    u64 wanted_ns = clock->count == 0 ? 0 : clock->heap[0]->deadline_ns;
    if (wanted_ns == clock->armed_ns) {
        return;
    }
    struct itimerspec at = {0};
    at.it_value.tv_sec = (time_t)(wanted_ns / 1000000000);
    at.it_value.tv_nsec = (long)(wanted_ns % 1000000000);
    int failed = timerfd_settime(clock->file, TFD_TIMER_ABSTIME, &at, NULL);
    ASSERT(failed == 0);
    clock->armed_ns = wanted_ns;
}

// Forgets a timer and answers its message.
static void timer_end(struct clock *clock, struct timer *timer)
{
    u64 message = timer->call.message;
    heap_remove(clock, timer);
    calls_end(&clock->calls, &timer->call);
    free(timer);
    hosted_answer(&clock->device, message, (struct span){0});
}

static void clock_ticked(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct clock *clock = poll->data;
    hosted_loop_awake(clock->device.loop);
    u64 ticks;
    if (read(clock->file, &ticks, sizeof ticks) < 0) {
        // it was set anew between the tick and now: nothing to read
    }
    clock->armed_ns = 0;
    u64 now_ns = platform_clock_ns();
    while (clock->count > 0 && clock->heap[0]->deadline_ns <= now_ns) {
        timer_end(clock, clock->heap[0]);
    }
    clock_arm(clock);
}

// ---- the interface

static void answer_u64(struct clock *clock, u64 message, u64 value)
{
    u8 body[TIME_MONOTONIC_RESULT_BYTES];
    size_t size = time_monotonic_encode_result(body, sizeof body, value);
    ASSERT(size <= sizeof body);
    hosted_answer(&clock->device, message, span_of(body, size));
}

static void do_monotonic(void *context, const struct interface_message *message)
{
    answer_u64(context, message->id, platform_clock_ns());
}

static void do_wall(void *context, const struct interface_message *message)
{
    answer_u64(context, message->id, platform_wall_clock_ns());
}

static void do_resolution(void *context, const struct interface_message *message)
{
    struct timespec step;
    int failed = clock_getres(CLOCK_MONOTONIC, &step);
    ASSERT(failed == 0);
    answer_u64(context, message->id, (u64)step.tv_sec * 1000000000 + (u64)step.tv_nsec);
}

static void do_wait_until(void *context, const struct interface_message *message,
                          const struct time_wait_until_call *arguments)
{
    struct clock *clock = context;
    if (message->id == 0) {
        return;
    }
    if (arguments->monotonic <= platform_clock_ns()) {
        hosted_answer(&clock->device, message->id, (struct span){0});
        return;
    }
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        hosted_answer_error(&clock->device, message->id, E_NO_MEMORY);
        return;
    }
    // The host's timer knows times up to 2^63 s; ours end in 584 years.
    timer->deadline_ns = arguments->monotonic;
    if (calls_begin(&clock->calls, &timer->call, message->client, message->id) != ERR_OK) {
        free(timer);
        hosted_answer_error(&clock->device, message->id, E_BUSY);
        return;
    }
    if (!heap_add(clock, timer)) {
        calls_end(&clock->calls, &timer->call);
        free(timer);
        hosted_answer_error(&clock->device, message->id, E_NO_MEMORY);
        return;
    }
    clock_arm(clock);
}

static const struct time_handler handler = {
    .monotonic = do_monotonic,
    .wall = do_wall,
    .resolution = do_resolution,
    .wait_until = do_wait_until,
};

// What time it is: a round of the loop would take twenty times as long.
static bool clock_now(void *device, u64 function, u8 *to, u32 *size)
{
    (void)device;
    if (function == TIME_MONOTONIC_ID) {
        *size = (u32)time_monotonic_encode_result(to, KERNEL_NOW_BYTES, platform_clock_ns());
        return true;
    }
    if (function == TIME_WALL_ID) {
        *size = (u32)time_wall_encode_result(to, KERNEL_NOW_BYTES, platform_wall_clock_ns());
        return true;
    }
    return false;
}

static void timer_cancel(struct clock *clock, struct call *call)
{
    if (call != NULL) {
        timer_end(clock, CONTAINER_OF(call, struct timer, call));
    }
}

static void clock_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct clock *clock = CONTAINER_OF(device, struct clock, device);
    struct interface_message message = hosted_message(event);
    struct call *call;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, time_dispatch(&handler, clock, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        while ((call = calls_of_client(&clock->calls, event->client)) != NULL) {
            timer_cancel(clock, call);
        }
        clock_arm(clock);
        return;
    case KERNEL_EVENT_CANCELLED:
        timer_cancel(clock, calls_find(&clock->calls, event->id));
        clock_arm(clock);
        return;
    }
}

static void clock_stop(struct hosted_device *device)
{
    struct clock *clock = CONTAINER_OF(device, struct clock, device);
    while (clock->count > 0) {
        timer_end(clock, clock->heap[0]);
    }
    uv_close((uv_handle_t *)&clock->poll, NULL);
}

static void clock_free(struct clock *clock)
{
    close(clock->file);
    free(clock->heap);
    free(clock);
}

static void clock_drop(struct hosted_device *device)
{
    struct clock *clock = CONTAINER_OF(device, struct clock, device);
    if (!uv_is_closing((uv_handle_t *)&clock->poll)) { // the loop never ran
        uv_close((uv_handle_t *)&clock->poll, NULL);
        (void)uv_run(&device->loop->uv, UV_RUN_DEFAULT);
    }
    calls_drop(&clock->calls);
    clock_free(clock);
}

enum err hosted_time_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct clock *clock = calloc(1, sizeof *clock);
    if (clock == NULL) {
        return ERR_NO_MEMORY;
    }
    clock->file = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (clock->file < 0) {
        free(clock);
        return ERR_IO;
    }
    enum err err =
        calls_init(&clock->calls, (struct calls_limits){HOSTED_CLIENT_TIMERS, HOSTED_TIMERS, 0, 0});
    if (err != ERR_OK) {
        clock_free(clock);
        return err;
    }
    clock->device = (struct hosted_device){
        .handle = clock_handle, .now = clock_now, .stop = clock_stop, .drop = clock_drop};
    err = hosted_device_add(loop, kernel, &time_interface, &clock->device);
    if (err != ERR_OK) {
        calls_drop(&clock->calls);
        clock_free(clock);
        return err;
    }
    clock->poll.data = clock;
    int failed = uv_poll_init(&loop->uv, &clock->poll, clock->file);
    ASSERT(failed == 0);
    failed = uv_poll_start(&clock->poll, UV_READABLE, clock_ticked);
    ASSERT(failed == 0);
    return ERR_OK;
}
