// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/threads.c: a process of several threads. Its first argument says what it
// does; it ends with 0 when all was as it should be.
//
//   count   threads add to one number by atomics, and to another under a mutex
//   limit   starts threads that wait at one address until no more are allowed, and wakes them all:
//           ends with how many there were
//   times   threads wait for times near and far, and nobody wakes them
//   far     as many threads as are allowed wait for a time that nobody sees
//   near    waits a nanosecond again and again
//   mutate  sends the kernel bodies whose bytes another thread changes meanwhile
//   trap    one thread traps while others wait, send and run
//   first   the first traps while its threads wait, send and run
//   both    threads trap and end the process with 7 at the same time, and the first traps
//   exit    one ends the process with 7 meanwhile
//   stay    they do so for ever
#include "core/base/mem.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"
#include "programs/rt/thread.h"

enum {
    THREADS = 4,
    TURNS = 200,
    MOST = 80,
    STACK_BYTES = 2048,
    BODY_BYTES = 256,
    SENDS = 400,
    NEAR = 300,
    LATER = 30000,
};

static ALIGNED(16) u8 stacks[MOST][STACK_BYTES];
static struct rt_thread threads[MOST];
static struct rt_mutex mutex;
static u32 count_atomic;
static volatile u32 count_guarded;
static int gate;
static u32 at_gate;
static u32 wrong;
static volatile u8 body[BODY_BYTES];
static u32 stop;

static void count(void *context)
{
    (void)context;
    for (u32 i = 0; i < TURNS; i++) {
        (void)__atomic_fetch_add(&count_atomic, 1, __ATOMIC_RELAXED);
        rt_mutex_lock(&mutex);
        count_guarded = count_guarded + 1;
        rt_mutex_unlock(&mutex);
    }
}

static void wait_at_gate(void *context)
{
    (void)context;
    (void)__atomic_fetch_add(&at_gate, 1, __ATOMIC_RELAXED);
    (void)__builtin_wasm_memory_atomic_wait32(&gate, 0, -1);
}

static void wait_until(void *context)
{
    static const i64 times_ns[THREADS] = {1, 3000000, 1024ll << 20, 5000000000};
    i64 time_ns = times_ns[(uintptr_t)context];
    u32 is_wrong = __builtin_wasm_memory_atomic_wait32(&gate, 0, time_ns) != 2;
    (void)__atomic_fetch_add(&wrong, is_wrong, __ATOMIC_RELAXED);
}

static void mutate(void *context)
{
    (void)context;
    u32 random = 1;
    while (__atomic_load_n(&stop, __ATOMIC_RELAXED) == 0) {
        random = random * 1664525 + 1013904223;
        body[random >> 24] = (u8)(random >> 16);
    }
}

static void spin(void *context)
{
    (void)context;
    while (__atomic_load_n(&stop, __ATOMIC_RELAXED) == 0) {
    }
}

static void send(void *context)
{
    (void)context;
    for (;;) { // a cancel of what is not there; small answers fit
        u8 call[8] = {1};
        u8 answer[16];
        (void)redshirt_send(RT_SYSTEM_BOND, SYSTEM_CANCEL_ID, call, sizeof call, answer,
                            sizeof answer, SEND_WAIT);
    }
}

static void trap(void *context)
{
    (void)context;
    __builtin_trap();
}

static void leave(void *context)
{
    (void)context;
    rt_exit(7);
}

static bool start(u32 index, void (*run)(void *context))
{
    return rt_thread_start(&threads[index], stacks[index], STACK_BYTES, run,
                           (void *)(uintptr_t)index) > 0;
}

static u32 start_all(void (*run)(void *context))
{
    u32 started = 0;
    while (started < THREADS && start(started, run)) {
        started++;
    }
    return started;
}

static void join_all(u32 count)
{
    for (u32 i = 0; i < count; i++) {
        rt_thread_join(&threads[i]);
    }
}

static u32 run_count(void)
{
    u32 started = start_all(count);
    join_all(started);
    bool ok =
        started == THREADS && count_atomic == THREADS * TURNS && count_guarded == THREADS * TURNS;
    return ok ? 0 : 1;
}

static u32 run_limit(void)
{
    u32 started = 0;
    while (started < MOST && start(started, wait_at_gate)) {
        started++;
    }
    u32 woken = 0;
    while (woken < started) {
        woken += __builtin_wasm_memory_atomic_notify(&gate, 3);
    }
    join_all(started);
    return at_gate == started ? started : 0;
}

static u32 run_times(void)
{
    u32 started = start_all(wait_until);
    join_all(started);
    return started == THREADS ? wrong : 1;
}

static void wait_far(void *context)
{
    (void)context;
    (void)__builtin_wasm_memory_atomic_wait32(&gate, 0, 1000000000000000000);
}

static u32 run_far(void)
{
    u32 started = 0;
    while (started < MOST && start(started, wait_far)) {
        started++;
    }
    wait_far(NULL);
    return 1;
}

static u32 run_near(void)
{
    u32 not_over = 0;
    for (u32 i = 0; i < NEAR; i++) {
        not_over += __builtin_wasm_memory_atomic_wait32(&gate, 0, 1) != 2;
    }
    return not_over;
}

static u32 run_first(void)
{
    (void)start(0, wait_at_gate);
    (void)start(1, send);
    (void)start(2, spin);
    __builtin_trap();
}

static u32 run_both(void)
{
    (void)start(0, leave);
    (void)start(1, trap);
    (void)start(2, leave);
    (void)start(3, trap);
    (void)start(4, spin);
    for (volatile u32 i = 0; i < LATER; i = i + 1) { // often one of them is first
    }
    __builtin_trap();
}

// Whatever the kernel reads of them, it must be right in itself.
static u32 run_mutate(void)
{
    static const u64 functions[] = {SYSTEM_BIND_ID, SYSTEM_SPAWN_ID, SYSTEM_CANCEL_ID,
                                    SYSTEM_REGISTER_ID};
    static u8 answer[512];
    if (!start(0, mutate)) {
        return 1;
    }
    for (u32 i = 0; i < SENDS; i++) {
        u32 len = i % 5 == 0 ? 40 : BODY_BYTES;
        (void)redshirt_send(RT_SYSTEM_BOND, functions[i % 4], (const void *)body, len, answer,
                            sizeof answer, SEND_WAIT);
        (void)redshirt_answer(i, (const void *)body, 4, NULL, 0, ANSWER_ERROR);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    join_all(1);
    return 0;
}

static u32 run_end(void (*end)(void *context))
{
    (void)start(0, wait_at_gate);
    (void)start(1, send);
    (void)start(2, spin);
    (void)start(3, wait_until); // the longest of its times
    if (end != NULL) {
        (void)start(4, end);
    }
    rt_thread_join(&threads[0]); // which stays
    return 1;
}

u32 program_main(void)
{
    static const struct {
        const char *name;
        u32 (*run)(void);
    } plain[] = {{"count", run_count}, {"limit", run_limit}, {"times", run_times},
                 {"far", run_far},     {"near", run_near},   {"mutate", run_mutate},
                 {"first", run_first}, {"both", run_both}};
    struct span what = rt_argument(1);
    for (u32 i = 0; i < COUNT_OF(plain); i++) {
        if (span_equal(what, span_string(plain[i].name))) {
            return plain[i].run();
        }
    }
    return run_end(span_equal(what, SPAN_LITERAL("trap"))   ? trap
                   : span_equal(what, SPAN_LITERAL("exit")) ? leave
                                                            : NULL);
}
