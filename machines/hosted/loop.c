// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/loop.h"

#include <signal.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/device.h"
#include "core/platform.h"

enum { PATIENCE_MS = 500 };

void hosted_answer(struct hosted_device *device, u64 message, struct span body)
{
    if (message != 0) {
        kernel_device_answer(device->kernel, message, body);
    }
}

void hosted_answer_error(struct hosted_device *device, u64 message, i32 code)
{
    ASSERT(code < 0);
    if (message != 0) {
        kernel_device_answer_error(device->kernel, message, (u32)-code);
    }
}

struct interface_message hosted_message(const struct kernel_event *event)
{
    return (struct interface_message){event->id, event->function, event->client, event->body};
}

void hosted_dispatched(struct hosted_device *device, u64 message, enum err err)
{
    switch (err) {
    case ERR_OK:
        return;
    case ERR_NOT_FOUND:
        hosted_answer_error(device, message, E_FUNCTION);
        return;
    case ERR_UNSUPPORTED:
        hosted_answer_error(device, message, E_UNSUPPORTED);
        return;
    default:
        hosted_answer_error(device, message, E_MALFORMED);
        return;
    }
}

// ---- events

static bool is_stopping(struct hosted_loop *loop)
{
    return __atomic_load_n(&loop->is_stopping, __ATOMIC_ACQUIRE);
}

// Ends the loop's sleep. An eventfd costs two system calls, so only who finds it asleep sends.
static void loop_wake(struct hosted_loop *loop)
{
    if (__atomic_load_n(&loop->is_asleep, __ATOMIC_SEQ_CST) &&
        __atomic_exchange_n(&loop->is_asleep, false, __ATOMIC_SEQ_CST)) {
        int failed = uv_async_send(&loop->wake);
        ASSERT(failed == 0);
    }
}

static void device_wake(void *context)
{
    struct hosted_device *device = context;
    // At the end nobody takes any more, and the loop's handles are closed.
    if (!is_stopping(device->loop) &&
        !__atomic_exchange_n(&device->is_pending, true, __ATOMIC_SEQ_CST)) {
        loop_wake(device->loop);
    }
}

void hosted_device_resume(struct hosted_device *device)
{
    __atomic_store_n(&device->is_paused, false, __ATOMIC_RELEASE);
    device_wake(device);
}

static void loop_restless(uv_idle_t *idle)
{
    (void)idle; // that it is active is all
}

// Handles at most `limit` events. False: there may be more.
static bool device_run(struct hosted_device *device, u32 limit)
{
    for (u32 i = 0; i < limit; i++) {
        struct kernel_event event;
        bool rests = __atomic_load_n(&device->is_paused, __ATOMIC_ACQUIRE) &&
                     !is_stopping(device->loop); // at the end, what was sent is still handled
        if (rests || !kernel_device_take(device->kernel, &event)) {
            return true;
        }
        device->handle(device, &event);
    }
    return false;
}

// Whether somebody waits for the thread that is in the loop: a device's client, or the worker
// itself.
static bool is_wanted(struct hosted_loop *loop)
{
    if (loop->word != NULL && __atomic_load_n(loop->word, __ATOMIC_SEQ_CST) != HOSTED_IDLE_WORD) {
        return true;
    }
    for (struct list_node *node = list_first(&loop->devices); node != NULL;
         node = list_next(&loop->devices, node)) {
        struct hosted_device *device = LIST_ITEM(node, struct hosted_device, of_loop);
        if (__atomic_load_n(&device->is_pending, __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

// Handles what waits, of each device in turn. False: some have more than their turn.
static bool devices_run(struct hosted_loop *loop)
{
    bool done = true;
    for (struct list_node *node = list_first(&loop->devices); node != NULL;
         node = list_next(&loop->devices, node)) {
        struct hosted_device *device = LIST_ITEM(node, struct hosted_device, of_loop);
        if (__atomic_load_n(&device->is_pending, __ATOMIC_RELAXED) &&
            __atomic_exchange_n(&device->is_pending, false, __ATOMIC_SEQ_CST) &&
            !device_run(device, HOSTED_LOOP_EVENTS)) {
            __atomic_store_n(&device->is_pending, true, __ATOMIC_RELEASE);
            done = false;
        }
    }
    return done;
}

// Before the loop asks the host: handles what waits, then says that it sleeps, and looks once more.
// A worker writes is_pending before it looks for is_asleep, so one of the two sees the other.
static void loop_before_sleep(uv_prepare_t *prepare)
{
    struct hosted_loop *loop = prepare->data;
    for (u32 turn = 0; turn < HOSTED_LOOP_TURNS; turn++) {
        if (devices_run(loop)) {
            __atomic_store_n(&loop->is_asleep, true, __ATOMIC_SEQ_CST);
            if (!is_wanted(loop)) {
                (void)uv_idle_stop(&loop->restless);
                return;
            }
            __atomic_store_n(&loop->is_asleep, false, __ATOMIC_SEQ_CST);
        }
    }
    (void)uv_idle_start(&loop->restless, loop_restless); // the sockets' turn, without waiting
}

static void loop_after_sleep(uv_check_t *check)
{
    struct hosted_loop *loop = check->data;
    __atomic_store_n(&loop->is_asleep, false, __ATOMIC_SEQ_CST);
    __atomic_fetch_add(&loop->polls, 1, __ATOMIC_RELAXED);
    loop->skips = 0;
}

// ---- the end

static void patience_ended(uv_timer_t *timer)
{
    struct hosted_loop *loop = timer->data;
    loop->is_stuck = true;
    uv_stop(&loop->uv);
}

static void handles_close(struct hosted_loop *loop)
{
    uv_close((uv_handle_t *)&loop->wake, NULL);
    uv_close((uv_handle_t *)&loop->before_sleep, NULL);
    uv_close((uv_handle_t *)&loop->after_sleep, NULL);
    uv_close((uv_handle_t *)&loop->restless, NULL);
}

static void device_stop(struct hosted_device *device)
{
    if (device->stop != NULL) {
        device->stop(device);
    }
}

static void devices_stop(struct hosted_loop *loop)
{
    struct list_node *node;
    for (node = list_first(&loop->devices); node != NULL; node = list_next(&loop->devices, node)) {
        struct hosted_device *device = LIST_ITEM(node, struct hosted_device, of_loop);
        while (!device_run(device, HOSTED_LOOP_EVENTS)) {
            // no worker runs any more, so this ends
        }
        device_stop(device);
    }
    int failed = uv_timer_start(&loop->patience, patience_ended, PATIENCE_MS, 0);
    ASSERT(failed == 0);
    uv_unref((uv_handle_t *)&loop->patience);
    handles_close(loop);
}

// Events are looked at before the loop sleeps again.
static void loop_woken(uv_async_t *async)
{
    struct hosted_loop *loop = async->data;
    if (is_stopping(loop) && !uv_is_closing((uv_handle_t *)&loop->wake)) {
        devices_stop(loop);
    }
}

// ---- life

void hosted_signals_block(bool block)
{
    sigset_t set;
    int failed = sigemptyset(&set) | sigaddset(&set, SIGINT) | sigaddset(&set, SIGTERM) |
                 sigaddset(&set, SIGHUP) | sigaddset(&set, SIGWINCH) |
                 pthread_sigmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
    ASSERT(failed == 0);
}

// ---- who is in the loop

static bool loop_enter(struct hosted_loop *loop, const u32 *word)
{
    if (__atomic_exchange_n(&loop->is_held, true, __ATOMIC_ACQ_REL)) {
        return false;
    }
    loop->word = word;
    return true;
}

static void loop_leave(struct hosted_loop *loop)
{
    loop->word = NULL;
    __atomic_store_n(&loop->is_held, false, __ATOMIC_SEQ_CST);
    hosted_platform_stir();
}

// struct hosted_idle: worker 0 has nothing to run. What its programs have just asked of devices
// comes first; when that already gave it something to run, the host is asked another time, but not
// never.
static bool idle_work(void *context, const u32 *word)
{
    struct hosted_loop *loop = context;
    if (!loop_enter(loop, word)) {
        return false;
    }
    (void)devices_run(loop);
    bool skip = loop->skips++ < HOSTED_LOOP_SKIPS;
    while (!skip || __atomic_load_n(word, __ATOMIC_SEQ_CST) == HOSTED_IDLE_WORD) {
        skip = true;
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
    }
    loop_leave(loop);
    return true;
}

static void idle_interrupt(void *context)
{
    loop_wake(context);
}

static void loop_need(struct hosted_loop *loop)
{
    if (!__atomic_exchange_n(&loop->is_needed, true, __ATOMIC_ACQ_REL)) {
        int failed = sem_post(&loop->needed);
        ASSERT(failed == 0);
    }
}

// struct hosted_idle: when nobody has asked the host for some ticks, our own thread shall.
static bool idle_tick(void *context)
{
    struct hosted_loop *loop = context;
    if (__atomic_load_n(&loop->is_held, __ATOMIC_SEQ_CST)) {
        return true;
    }
    u32 polls = __atomic_load_n(&loop->polls, __ATOMIC_RELAXED);
    loop->idle_ticks = polls == loop->polls_seen ? loop->idle_ticks + 1 : 0;
    loop->polls_seen = polls;
    if (loop->idle_ticks >= HOSTED_UNATTENDED_TICKS) {
        loop_need(loop);
    }
    return false;
}

// Our own thread is in the loop until worker 0 comes to rest now and then; handing over costs a
// switch of threads, which is not worth it at once.
static void loop_attend(struct hosted_loop *loop)
{
    u64 start_ns = platform_clock_ns();
    bool is_soon = start_ns - loop->left_ns < loop->attend_ns * HOSTED_ATTEND_SOON;
    u64 twice_ns = loop->attend_ns * 2;
    loop->attend_ns = !is_soon                           ? HOSTED_ATTEND_NS
                      : twice_ns > HOSTED_ATTEND_NS_MOST ? HOSTED_ATTEND_NS_MOST
                                                         : twice_ns;
    u32 start_rests = hosted_platform_rests();
    bool hands_over = false;
    while (!is_stopping(loop) && !hands_over) {
        (void)uv_run(&loop->uv, UV_RUN_ONCE);
        hands_over = hosted_platform_rests() != start_rests &&
                     platform_clock_ns() - start_ns > loop->attend_ns;
    }
    loop->left_ns = platform_clock_ns();
    loop_leave(loop);
    if (hands_over) {
        platform_wake(0); // it may sleep: then it comes in
    }
}

static void *loop_run(void *context)
{
    struct hosted_loop *loop = context;
    hosted_signals_block(false);
    while (!is_stopping(loop)) {
        if (sem_wait(&loop->needed) == 0) {
            __atomic_store_n(&loop->is_needed, false, __ATOMIC_RELEASE);
            if (loop_enter(loop, NULL)) {
                loop_attend(loop);
            }
        }
    }
    // Worker 0 has returned: nobody else can be in the loop.
    bool entered = loop_enter(loop, NULL);
    ASSERT(entered);
    int left = uv_run(&loop->uv, UV_RUN_DEFAULT);
    if (!loop->is_stuck) {
        ASSERT(left == 0);
        uv_close((uv_handle_t *)&loop->patience, NULL);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    return NULL;
}

enum err hosted_loop_init(struct hosted_loop *loop, struct report *report)
{
    *loop = (struct hosted_loop){0};
    list_init(&loop->devices);
    if (uv_loop_init(&loop->uv) != 0) {
        return report_err(report, ERR_IO, 0, "the host gives no event loop");
    }
    loop->wake.data = loop;
    loop->patience.data = loop;
    int failed = sem_init(&loop->needed, 0, 0);
    ASSERT(failed == 0);
    failed = uv_async_init(&loop->uv, &loop->wake, loop_woken);
    if (failed != 0) {
        (void)uv_loop_close(&loop->uv);
        return report_err(report, ERR_IO, 0, "the host gives no event descriptor");
    }
    loop->before_sleep.data = loop;
    loop->after_sleep.data = loop;
    // None of these takes anything from the host.
    failed = uv_timer_init(&loop->uv, &loop->patience) |
             uv_prepare_init(&loop->uv, &loop->before_sleep) |
             uv_check_init(&loop->uv, &loop->after_sleep) |
             uv_idle_init(&loop->uv, &loop->restless) |
             uv_prepare_start(&loop->before_sleep, loop_before_sleep) |
             uv_check_start(&loop->after_sleep, loop_after_sleep);
    ASSERT(failed == 0);
    return ERR_OK;
}

enum err hosted_device_add(struct hosted_loop *loop, struct kernel *kernel,
                           const struct interface_definition *interface,
                           struct hosted_device *device)
{
    ASSERT(!loop->is_started);
    ASSERT(device->handle != NULL && device->drop != NULL);
    device->loop = loop;
    struct kernel_device_config config = {interface, device_wake, device, device->now};
    TRY(kernel_device_register(kernel, &config, &device->kernel));
    list_append(&loop->devices, &device->of_loop);
    return ERR_OK;
}

enum err hosted_loop_start(struct hosted_loop *loop, struct report *report)
{
    if (pthread_create(&loop->thread, NULL, loop_run, loop) != 0) {
        return report_err(report, ERR_NO_MEMORY, 0, "the host gives no thread for devices");
    }
    loop->is_started = true;
    loop->idle = (struct hosted_idle){idle_work, idle_interrupt, idle_tick, loop};
    hosted_platform_idle(&loop->idle);
    loop_need(loop); // until worker 0 comes to rest
    return ERR_OK;
}

bool hosted_loop_stop(struct hosted_loop *loop)
{
    ASSERT(loop->is_started);
    __atomic_store_n(&loop->is_stopping, true, __ATOMIC_RELEASE);
    int failed = uv_async_send(&loop->wake) | sem_post(&loop->needed);
    ASSERT(failed == 0);
    failed = pthread_join(loop->thread, NULL);
    ASSERT(failed == 0);
    return !loop->is_stuck;
}

void hosted_loop_drop(struct hosted_loop *loop)
{
    ASSERT(!loop->is_stuck);
    struct list_node *node;
    if (!loop->is_started) { // the devices have handles, too
        for (node = list_first(&loop->devices); node != NULL;
             node = list_next(&loop->devices, node)) {
            device_stop(LIST_ITEM(node, struct hosted_device, of_loop));
        }
        handles_close(loop);
        uv_close((uv_handle_t *)&loop->patience, NULL);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    while ((node = list_take(&loop->devices)) != NULL) {
        struct hosted_device *device = LIST_ITEM(node, struct hosted_device, of_loop);
        device->drop(device);
    }
    int failed = uv_loop_close(&loop->uv) | sem_destroy(&loop->needed);
    ASSERT(failed == 0);
}
