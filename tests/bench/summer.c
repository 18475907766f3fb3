// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/summer.c: sums an array again and again, each thread its part of it.
//
// Use     summer THREADS TURNS   ends with 0 when all sums are the same, as the parts are
#include "programs/rt/redshirt.h"
#include "programs/rt/thread.h"

enum { THREADS = 2, STACK_BYTES = 4096, VALUES = 1 << 12 };

static ALIGNED(16) u8 stacks[THREADS][STACK_BYTES];
static struct rt_thread threads[THREADS];
static u32 values[VALUES];
static u32 sums[THREADS];
static u32 thread_count;
static u32 turns;

static u32 number(u32 index)
{
    struct span text = rt_argument(index);
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u32)(text.data[i] - '0');
    }
    return value;
}

static void sum(void *context)
{
    u32 index = (u32)(uintptr_t)context;
    u32 part = VALUES / thread_count;
    u32 total = 0;
    for (u32 turn = 0; turn < turns; turn++) {
        for (u32 i = index * part; i < (index + 1) * part; i++) {
            total = total * 31 + (values[i] ^ turn);
        }
        __asm__ volatile("" ::: "memory"); // no turn can be left out
    }
    sums[index] = total;
}

u32 program_main(void)
{
    thread_count = number(1);
    turns = number(2);
    if (thread_count == 0 || thread_count > THREADS) {
        return 2;
    }
    for (u32 i = 0; i < VALUES; i++) {
        values[i] = i % (VALUES / thread_count) * 2654435761u;
    }
    for (u32 i = 1; i < thread_count; i++) {
        if (rt_thread_start(&threads[i], stacks[i], STACK_BYTES, sum, (void *)(uintptr_t)i) <= 0) {
            return 3;
        }
    }
    sum(NULL);
    for (u32 i = 1; i < thread_count; i++) {
        rt_thread_join(&threads[i]);
    }
    return sums[0] == sums[thread_count - 1] ? 0 : 1;
}
