// SPDX-License-Identifier: GPL-3.0-or-later
// How long does the register allocator take, and what does its code cost? On functions made of a
// seed; several sizes, and the two that hurt: very many values that live at once, and very many
// blocks.
#include "core/jit/alloc.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "tests/unit/mach_check.h"
#include "tests/unit/mach_random.h"
#include "tests/unit/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void measure(const char *name, struct mach_shape shape, u64 seed)
{
    double best = 1e9;
    for (u32 round = 0; round < 5; round++) {
        struct test_memory memory = test_memory_over_malloc(-1);
        struct arena arena;
        struct arena scratch;
        arena_init(&arena, &memory.memory, (size_t)4 << 30);
        arena_init(&scratch, &memory.memory, (size_t)4 << 30);
        struct mach mach;
        mach_random(&arena, &mach_random_registers[0], shape, seed, &mach);
        double start = now_ms();
        enum err err = mach_allocate(&mach, &scratch);
        double taken = now_ms() - start;
        best = taken < best ? taken : best;
        if (round == 4) {
            struct mach_statistics sum = mach_statistics(&mach);
            printf(
                "%-10s %-9s %7u ins %6u blocks %7u vregs  %6.0f ns/ins %5zu B/ins  of 100: moves "
                "%.1f loads %.1f stores %.1f constants %.1f\n",
                name, err_name(err), mach.ins_count, mach.block_count, mach.vreg_count,
                best * 1e6 / mach.ins_count, scratch.used_bytes / mach.ins_count,
                100 * sum.moves / sum.instructions, 100 * sum.loads / sum.instructions,
                100 * sum.stores / sum.instructions, 100 * sum.constants / sum.instructions);
        }
        arena_drop(&scratch);
        arena_drop(&arena);
    }
}

int main(void)
{
    measure("small", (struct mach_shape){60, 6, 2, 3, 50}, 1);
    measure("middle", (struct mach_shape){500, 10, 3, 3, 50}, 2);
    measure("middle", (struct mach_shape){2000, 10, 4, 3, 50}, 3);
    measure("pressure", (struct mach_shape){2000, 40, 4, 3, 50}, 3);
    measure("large", (struct mach_shape){20000, 10, 5, 3, 50}, 4);
    measure("huge", (struct mach_shape){200000, 10, 6, 3, 50}, 5);
    measure("crowded", (struct mach_shape){100000, 20000, 3, 1, 4}, 6);
    measure("flat", (struct mach_shape){100000, 20000, 0, 1, 4}, 7);
    return 0;
}
