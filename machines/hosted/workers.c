// SPDX-License-Identifier: GPL-3.0-or-later
// Workers and time slices of core/platform.h: a worker is an OS thread.
//
// Worker 0 works at the devices while it has nothing to run (struct hosted_idle), so that a program
// and its devices need no switch between threads.
//
// A worker sleeps on a word of its own: RUNNING, WOKEN (a wake came, the next wait returns at once)
// or SLEEPING. Waking one that runs is a single exchange without a system call.
//
// Slices are told by one ticker thread, so that starting a slice is three stores and no system
// call, and not even a look at the clock: the ticker notices at its next tick that a slice's number
// is new, and counts ticks from there. It was started up to one tick before, so the flag is raised
// one tick early: between
// 7/8 and 8/8 of the slice. The turned-down alternative, a POSIX timer for each worker, costs a
// system call of some 500 ns for each slice that is started and each that is cancelled.
#define _GNU_SOURCE 1
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sodium.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/platform.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/platform.h"

enum { RUNNING, WOKEN, SLEEPING, WORKING = HOSTED_IDLE_WORD };
enum { TICK_NS_MIN = 250000, TICK_NS_MAX = 5000000 };
enum { SPINS_PER_YIELD = 64, RELAX_STEPS = 50 };

struct ALIGNED(64) worker {
    u32 wake;  // atomic: RUNNING, WOKEN or SLEEPING
    u32 rests; // atomic: calls of platform_wait
    // Written by the worker, read by the ticker; atomic.
    u32 slice; // number of the slice; even: none runs
    bool *flag;
    u64 slice_ns;
    // The ticker's own.
    u32 seen;
    u64 seen_ns;
    bool is_over; // the slice that was seen
    // Set before the thread starts.
    pthread_t thread;
    bool started;
    u32 index;
    void (*run)(void *context, u32 index);
    void *context;
};

static struct {
    struct worker workers[HOSTED_WORKERS];
    u32 worker_count;
    pthread_t ticker;
    u32 ticker_wake;                // atomic: as a worker's
    bool stopping;                  // atomic
    const struct hosted_idle *idle; // atomic; or NULL
} machine;

static void word_wait(u32 *word, u64 deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000)};
    // Early ends (a signal, a wake that came first) are allowed: the caller looks again.
    (void)syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, SLEEPING,
                  deadline_ns == UINT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
}

static void word_sleep(u32 *word, u64 deadline_ns)
{
    u32 expected = RUNNING;
    if (__atomic_compare_exchange_n(word, &expected, SLEEPING, false, __ATOMIC_ACQ_REL,
                                    __ATOMIC_ACQUIRE)) {
        word_wait(word, deadline_ns);
    }
    (void)__atomic_exchange_n(word, RUNNING, __ATOMIC_ACQ_REL);
}

// Returns what the word was.
static u32 word_wake(u32 *word)
{
    u32 before = __atomic_exchange_n(word, WOKEN, __ATOMIC_SEQ_CST);
    if (before == SLEEPING) {
        (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    }
    return before;
}

u32 platform_worker_count(void)
{
    return machine.worker_count;
}

static const struct hosted_idle *idle_work(void)
{
    return __atomic_load_n(&machine.idle, __ATOMIC_ACQUIRE);
}

// Works while there is nothing to run; true: that was all, because a wake has come.
static bool word_work(u32 *word)
{
    const struct hosted_idle *idle = idle_work();
    u32 expected = RUNNING;
    if (idle == NULL || !__atomic_compare_exchange_n(word, &expected, WORKING, false,
                                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        return false;
    }
    if (!idle->work(idle->context, word)) {
        expected = WORKING;
        if (__atomic_compare_exchange_n(word, &expected, RUNNING, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            return false;
        }
    }
    (void)__atomic_exchange_n(word, RUNNING, __ATOMIC_SEQ_CST);
    return true;
}

void platform_wait(u32 index, u64 deadline_ns)
{
    ASSERT(index < machine.worker_count);
    u32 *word = &machine.workers[index].wake;
    __atomic_fetch_add(&machine.workers[index].rests, 1, __ATOMIC_RELAXED);
    if (index != 0 || deadline_ns != UINT64_MAX || !word_work(word)) {
        word_sleep(word, deadline_ns);
    }
}

void platform_wake(u32 index)
{
    ASSERT(index < machine.worker_count);
    u32 before = word_wake(&machine.workers[index].wake);
    if (before == WORKING) {
        const struct hosted_idle *idle = idle_work();
        idle->interrupt(idle->context);
    }
}

void hosted_platform_idle(const struct hosted_idle *idle)
{
    __atomic_store_n(&machine.idle, idle, __ATOMIC_RELEASE);
}

u32 hosted_platform_rests(void)
{
    return __atomic_load_n(&machine.workers[0].rests, __ATOMIC_RELAXED);
}

void hosted_platform_stir(void)
{
    if (__atomic_load_n(&machine.ticker_wake, __ATOMIC_SEQ_CST) == SLEEPING) {
        (void)word_wake(&machine.ticker_wake);
    }
}

void platform_relax(void)
{
    // Whoever is waited for may have lost its CPU to the host's other processes: now and then, give
    // ours.
    static _Thread_local u32 spins;
    for (u32 i = 0; i < RELAX_STEPS; i++) {
        COMPILER_FENCE();
    }
    if (++spins % SPINS_PER_YIELD == 0) {
        (void)sched_yield();
    }
}

void platform_slice(u32 index, u64 slice_ns, bool *flag)
{
    ASSERT(index < machine.worker_count);
    struct worker *worker = &machine.workers[index];
    u32 number = __atomic_load_n(&worker->slice, __ATOMIC_RELAXED);
    if (slice_ns == 0) {
        if (number % 2 != 0) {
            __atomic_store_n(&worker->slice, number + 1, __ATOMIC_RELEASE);
        }
        return;
    }
    __atomic_store_n(&worker->flag, flag, __ATOMIC_RELAXED);
    __atomic_store_n(&worker->slice_ns, slice_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&worker->slice, (number | 1) + (number % 2 != 0 ? 2 : 0), __ATOMIC_SEQ_CST);
    hosted_platform_stir();
}

// Looks at one worker's slice; gives the length of the tick that it asks for, 0 when no slice runs.
static u64 ticker_visit(struct worker *worker, u64 now_ns, u64 tick_ns)
{
    u32 number = __atomic_load_n(&worker->slice, __ATOMIC_SEQ_CST);
    if (number % 2 == 0) {
        return 0;
    }
    u64 slice_ns = __atomic_load_n(&worker->slice_ns, __ATOMIC_RELAXED);
    if (number != worker->seen) {
        worker->seen = number;
        worker->seen_ns = now_ns;
        worker->is_over = false;
    } else if (worker->is_over || now_ns - worker->seen_ns + tick_ns >= slice_ns) {
        // The worker may be in its next slice by now: then that one ends early, once.
        bool *flag = __atomic_load_n(&worker->flag, __ATOMIC_RELAXED);
        __atomic_store_n(flag, true, __ATOMIC_RELAXED);
        // One that is in compiled code does not look. It may be just on its way there, where it
        // cannot be interrupted: hence again at each tick.
        hosted_interrupts_tick(worker->index);
        worker->is_over = true;
    }
    u64 tick = slice_ns / HOSTED_TICKS_PER_SLICE;
    return tick < TICK_NS_MIN ? TICK_NS_MIN : tick > TICK_NS_MAX ? TICK_NS_MAX : tick;
}

// One look at all workers and at the work of the idle. False: nothing needs the next look.
static bool ticker_tick(u64 *tick_ns)
{
    const struct hosted_idle *idle = idle_work();
    bool is_attended = idle == NULL || idle->tick(idle->context);
    u64 now_ns = platform_clock_ns();
    u64 wanted_ns = 0;
    for (u32 i = 0; i < machine.worker_count; i++) {
        u64 tick = ticker_visit(&machine.workers[i], now_ns, *tick_ns);
        if (tick != 0 && (wanted_ns == 0 || tick < wanted_ns)) {
            wanted_ns = tick;
        }
    }
    if (wanted_ns != 0) {
        *tick_ns = wanted_ns;
    }
    return wanted_ns != 0 || !is_attended;
}

// Sleeps until a slice starts. SLEEPING is written before the workers are looked at once more, and
// a worker writes its slice before it looks for SLEEPING, so one of the two sees the other.
static void ticker_sleep(u64 *tick_ns)
{
    u32 expected = RUNNING;
    if (__atomic_compare_exchange_n(&machine.ticker_wake, &expected, SLEEPING, false,
                                    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
        !ticker_tick(tick_ns)) {
        word_wait(&machine.ticker_wake, UINT64_MAX);
    }
    (void)__atomic_exchange_n(&machine.ticker_wake, RUNNING, __ATOMIC_SEQ_CST);
}

static void *ticker_run(void *unused)
{
    (void)unused;
    u32 idle_ticks = 0;
    u64 tick_ns = TICK_NS_MIN;
    while (!__atomic_load_n(&machine.stopping, __ATOMIC_ACQUIRE)) {
        idle_ticks = ticker_tick(&tick_ns) ? 0 : idle_ticks + 1;
        if (idle_ticks < HOSTED_IDLE_TICKS) {
            struct timespec pause = {0, (long)tick_ns};
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        } else {
            ticker_sleep(&tick_ns);
        }
    }
    return NULL;
}

static void *worker_run(void *context)
{
    struct worker *worker = context;
    // Without it, what this worker runs is interrupted late, or the machine ends at a fault.
    enum err err = hosted_interrupts_open(worker->index);
    ASSERT(err == ERR_OK);
    worker->run(worker->context, worker->index);
    hosted_interrupts_close(worker->index);
    return NULL;
}

enum err platform_worker_start(u32 index, void (*run)(void *context, u32 index), void *context)
{
    ASSERT(index > 0);
    ASSERT(index < machine.worker_count);
    struct worker *worker = &machine.workers[index];
    ASSERT(!worker->started);
    worker->run = run;
    worker->context = context;
    worker->started = pthread_create(&worker->thread, NULL, worker_run, worker) == 0;
    return worker->started ? ERR_OK : ERR_NO_MEMORY;
}

enum err hosted_platform_start(u32 workers, struct report *report)
{
    if (workers == 0 || workers > HOSTED_WORKERS) {
        return report_err(report, ERR_LIMIT, 0, "the number of workers is not between 1 and 64");
    }
    if (sodium_init() < 0) {
        return report_err(report, ERR_IO, 0, "libsodium does not start");
    }
    mem_zero(&machine, sizeof machine);
    machine.worker_count = workers;
    for (u32 i = 0; i < workers; i++) {
        machine.workers[i].index = i;
    }
    if (pthread_create(&machine.ticker, NULL, ticker_run, NULL) != 0) {
        return report_err(report, ERR_NO_MEMORY, 0, "the host gives no thread for time slices");
    }
    return ERR_OK;
}

void hosted_platform_stop(void)
{
    for (u32 i = 1; i < machine.worker_count; i++) {
        if (machine.workers[i].started) {
            int failed = pthread_join(machine.workers[i].thread, NULL);
            ASSERT(failed == 0);
        }
    }
    __atomic_store_n(&machine.stopping, true, __ATOMIC_RELEASE);
    (void)word_wake(&machine.ticker_wake);
    int failed = pthread_join(machine.ticker, NULL);
    ASSERT(failed == 0);
}
