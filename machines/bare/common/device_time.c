// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/time. Timers are kept in order, the earliest last, so that it is found and
// taken at once. When there are DEVICE_TIMERS, what else is asked of the device waits until one has
// ended.
#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/kernel/device.h"
#include "core/platform.h"
#include "interfaces/time.h"
#include "machines/bare/common/devices.h"
#include "machines/bare/common/limits.h"

struct timer {
    u64 deadline_ns;
    u64 message;
    u64 client;
};

static struct timer timers[DEVICE_TIMERS];
static u32 timer_count;

static void answer_u64(struct device *device, u64 message, u64 value)
{
    u8 body[8];
    mem_store_u64(body, value);
    device_answer(device, message, span_of(body, sizeof body));
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
    answer_u64(context, message->id, 1000000000 / TICK_HZ); // timers are looked at once a tick
}

static void do_wait_until(void *context, const struct interface_message *message,
                          const struct time_wait_until_call *call)
{
    (void)context;
    if (message->id == 0) {
        return; // nobody waits for it
    }
    ASSERT(timer_count < DEVICE_TIMERS);
    u32 low =
        0; // of those that are later, or as late: they stay in front, so equal ones end in order
    u32 high = timer_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (timers[middle].deadline_ns > call->monotonic) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    mem_move(&timers[low + 1], &timers[low], (timer_count - low) * sizeof timers[0]);
    timers[low] = (struct timer){call->monotonic, message->id, message->client};
    timer_count++;
}

static const struct time_handler handler = {
    .monotonic = do_monotonic,
    .wall = do_wall,
    .resolution = do_resolution,
    .wait_until = do_wait_until,
};

static bool run(struct device *device)
{
    bool worked = false;
    u64 now_ns = timer_count == 0 ? 0 : platform_clock_ns();
    while (timer_count > 0 && timers[timer_count - 1].deadline_ns <= now_ns) {
        device_answer(device, timers[--timer_count].message, (struct span){0});
        worked = true;
    }
    return worked;
}

// Answers the timers of that message or of that client (the other is 0), which nobody waits for any
// more.
static void forget(struct device *device, u64 message, u64 client)
{
    u32 kept = 0;
    for (u32 i = 0; i < timer_count; i++) {
        struct timer timer = timers[i];
        if ((message != 0 && timer.message == message) ||
            (message == 0 && timer.client == client)) {
            device_refuse(device, timer.message, E_CANCELLED);
        } else {
            timers[kept++] = timer;
        }
    }
    timer_count = kept;
}

static void handle(struct device *device, const struct kernel_event *event)
{
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = device_message(event);
        device_dispatched(device, event->id, time_dispatch(&handler, device, &message));
    } else if (event->kind == KERNEL_EVENT_CANCELLED) {
        forget(device, event->id, 0);
    } else if (event->kind == KERNEL_EVENT_CLIENT_GONE) {
        forget(device, 0, event->client);
    }
}

static bool ready(void)
{
    return timer_count < DEVICE_TIMERS;
}

u64 device_time_deadline_ns(void)
{
    return timer_count == 0 ? UINT64_MAX : timers[timer_count - 1].deadline_ns;
}

const struct device_kind device_time = {
    .interface = &time_interface, .handle = handle, .run = run, .ready = ready};
