// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/loop.h: the libuv loop in which all devices of the hosted machine live.
//
// One thread at a time is in the loop. That is worker 0 while it has nothing to run: then a message
// to a device and its answer need no other thread. When worker 0 is busy for longer than a tick or
// two, the loop's own thread goes in, until worker 0 sleeps again; the longer, the more often that
// happens.
//
// Use     hosted_loop_init; hosted_device_add for each device; hosted_loop_start; hosted_loop_stop
//         once the kernel's workers have returned; hosted_loop_drop.
// Owner   a device belongs to the file that made it; the loop links it until hosted_loop_drop.
// Threads whatever a device does happens in the thread that is in the loop, but for `wake`, which
// any
//         worker calls.
// Limits  HOSTED_LOOP_EVENTS at a time of one device, so that none keeps the others waiting.
#pragma once
#include <pthread.h>
#include <semaphore.h>
#include <uv.h>

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/base/wire.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/platform.h"
struct kernel;
struct kernel_device;
struct kernel_event;
struct report;

struct hosted_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t before_sleep;
    uv_check_t after_sleep;
    uv_idle_t restless;  // active: the loop must not sleep, because events wait
    uv_timer_t patience; // how long the end waits for the host's resolver
    pthread_t thread;
    sem_t needed;    // wakes the thread: nobody is in the loop
    bool is_needed;  // atomic: that was posted and not taken yet
    bool is_held;    // atomic: somebody is in the loop
    u32 polls;       // atomic: how often the host was asked
    u32 idle_ticks;  // the ticker's: in which it was not
    u32 polls_seen;  // the ticker's
    u32 skips;       // entries since then in which it was not
    u64 attend_ns;   // our own thread's: how long it stays
    u64 left_ns;     // its own too: when it left
    const u32 *word; // of the worker that is in the loop; NULL: it is our own thread
    struct hosted_idle idle;
    bool is_started;
    bool is_asleep;   // atomic: it waits for the host, or is about to; a wake must send for it
    bool is_stopping; // atomic
    bool is_stuck;    // the host still works on something that cannot be called back
    struct list devices;
    // For an answer while it is being made; nobody keeps a pointer into it.
    u8 scratch[HOSTED_SCRATCH_BYTES];
};

struct hosted_device {
    struct list_node of_loop;
    struct hosted_loop *loop;
    struct kernel_device *kernel;
    bool is_pending; // atomic: there may be events to take
    bool is_paused;  // takes no events until hosted_device_resume
    // Acts on one event. A message with an id must be answered, now or later.
    void (*handle)(struct hosted_device *device, const struct kernel_event *event);
    // kernel_device_config's: what is answered on the worker that asks; or NULL.
    bool (*now)(void *device, u64 function, u8 *to, u32 *size);
    // Closes every libuv handle of the device; or NULL.
    void (*stop)(struct hosted_device *device);
    // Frees what the device owns, when the loop has ended.
    void (*drop)(struct hosted_device *device);
};

// SIGINT, SIGTERM, SIGHUP and SIGWINCH for the calling thread and those it starts. The loop's
// thread lets them through, so a machine whose threads block them has their handlers run there,
// where no worker is held up.
void hosted_signals_block(bool block);

enum err hosted_loop_init(struct hosted_loop *loop, struct report *report);

// Registers the device with the kernel and links it to the loop. handle, stop and drop are set.
// ERR_EXISTS  the interface has a handler
enum err hosted_device_add(struct hosted_loop *loop, struct kernel *kernel,
                           const struct interface_definition *interface,
                           struct hosted_device *device);

enum err hosted_loop_start(struct hosted_loop *loop, struct report *report);

// Handles what clients have sent until now, stops every device and joins the thread. False: the
// host is stuck in a call that cannot be ended (a name that does not resolve), so memory must stay
// as it is; all that is left to do is to leave the process.
bool hosted_loop_stop(struct hosted_loop *loop);

// Drops every device; only after a hosted_loop_stop that returned true, or without
// hosted_loop_start.
void hosted_loop_drop(struct hosted_loop *loop);

// The host has called a device: the loop does not sleep. Saves whoever is answered the system calls
// of waking it; calling it is never needed.
static inline void hosted_loop_awake(struct hosted_loop *loop)
{
    __atomic_store_n(&loop->is_asleep, false, __ATOMIC_RELAXED);
}

// Takes events again after is_paused; from any thread.
void hosted_device_resume(struct hosted_device *device);

// The event as generated dispatch functions take it.
struct interface_message hosted_message(const struct kernel_event *event);
// What a generated dispatch function returned: answers with the error that goes with it.
void hosted_dispatched(struct hosted_device *device, u64 message, enum err err);

// Answers that nobody wants (message 0) are dropped here.
void hosted_answer(struct hosted_device *device, u64 message, struct span body);
// `code` as in core/base/abi.h, below 0.
void hosted_answer_error(struct hosted_device *device, u64 message, i32 code);
