// SPDX-License-Identifier: GPL-3.0-or-later
// tests/programs/threads.c: threads that count together, by atomics and under a mutex, and one that
// waits until it is over. Prints what it found, each line exact.
//
//   threads            all of that
//   threads sum N      N threads add up the same array between them; for a look at the time
//   threads trap|exit  one of several ends the process: by a trap, or with code 7
#include "core/base/span.h"
#include "core/base/text.h"
#include "programs/rt/redshirt.h"
#include "programs/rt/thread.h"

enum { THREADS = 8, TURNS = 2000, STACK_BYTES = 8192, NUMBERS = 1 << 16, ROUNDS = 1200 };

static ALIGNED(16) u8 stacks[THREADS][STACK_BYTES];
static struct rt_thread threads[THREADS];
static struct rt_mutex mutex;
static u32 count_atomic;
static volatile u32 count_guarded;
static u32 numbers[NUMBERS];
static u64 total;
static u32 parts;

static void say(const char *what, u64 number)
{
    char line[80];
    struct text text = text_over(line, sizeof line);
    text_string(&text, what);
    text_u64(&text, number);
    text_char(&text, '\n');
    (void)rt_print_span(span_of(text.data, text.size));
}

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

static void sum(void *context)
{
    u32 part = (u32)(uintptr_t)context;
    u64 mine = 0;
    for (u32 round = 0; round < ROUNDS; round++) {
        for (u32 i = part; i < NUMBERS; i += parts) {
            mine += numbers[i] ^ round;
        }
    }
    (void)__atomic_fetch_add(&total, mine, __ATOMIC_RELAXED);
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

static void stay(void *context)
{
    (void)__builtin_wasm_memory_atomic_wait32(context, 0, -1);
}

// Starts as many as asked for. False: the system has refused one.
static bool start(u32 threads_wanted, void (*run)(void *context))
{
    for (u32 i = 0; i < threads_wanted; i++) {
        void *context = run == stay ? (void *)&total : (void *)(uintptr_t)i;
        if (rt_thread_start(&threads[i], stacks[i], STACK_BYTES, run, context) < 0) {
            return false;
        }
    }
    return true;
}

static void join(u32 wanted)
{
    for (u32 i = 0; i < wanted; i++) {
        rt_thread_join(&threads[i]);
    }
}

static u32 run_all(void)
{
    static int never;
    if (!start(THREADS, count)) {
        return 1;
    }
    join(THREADS);
    say("atomic ", count_atomic);
    say("guarded ", count_guarded);
    say("not equal ", (u64)__builtin_wasm_memory_atomic_wait32(&never, 1, -1));
    say("timed out ", (u64)__builtin_wasm_memory_atomic_wait32(&never, 0, 1000000));
    say("nobody ", __builtin_wasm_memory_atomic_notify(&never, 5));
    say("pages ", __builtin_wasm_memory_grow(0, 1) != (size_t)-1);
    return 0;
}

static u32 run_sum(u32 wanted)
{
    for (u32 i = 0; i < NUMBERS; i++) {
        numbers[i] = i * 2654435761u;
    }
    parts = wanted;
    if (wanted == 0 || wanted > THREADS || !start(wanted, sum)) {
        return 1;
    }
    join(wanted);
    say("sum ", total);
    return 0;
}

u32 program_main(void)
{
    struct span what = rt_argument(1);
    if (span_equal(what, SPAN_LITERAL("sum"))) {
        struct span wanted = rt_argument(2);
        return run_sum(wanted.size == 1 ? wanted.data[0] - '0' : 0);
    }
    bool traps = span_equal(what, SPAN_LITERAL("trap"));
    if (traps || span_equal(what, SPAN_LITERAL("exit"))) {
        (void)start(THREADS - 1, stay);
        (void)rt_thread_start(&threads[THREADS - 1], stacks[THREADS - 1], STACK_BYTES,
                              traps ? trap : leave, NULL);
        rt_thread_join(&threads[0]); // who stays for ever
        return 1;
    }
    return run_all();
}
