// SPDX-License-Identifier: GPL-3.0-or-later
// Does the register allocator leave every function what it was? Thousands of random ones, checked
// on every path, and one made by hand for each rule of core/jit/mach.h.
#include "core/base/arena.h"
#include "core/base/text.h"
#include "core/jit/alloc.h"
#include "core/jit/limits.h"
#include "tests/unit/mach_check.h"
#include "tests/unit/mach_random.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ARENA_BYTES = 1 << 30 };

struct bench {
    struct test_memory memory;
    struct arena arena;
    struct arena scratch;
    struct mach mach;
};

static void bench_open(struct bench *bench)
{
    bench->memory = test_memory_over_malloc(-1);
    arena_init(&bench->arena, &bench->memory.memory, ARENA_BYTES);
    arena_init(&bench->scratch, &bench->memory.memory, ARENA_BYTES);
}

static void bench_close(struct bench *bench)
{
    arena_drop(&bench->arena);
    arena_drop(&bench->scratch);
}

static void complain(const struct bench *bench, u64 seed, const char *words)
{
    enum { TEXT_BYTES = 1 << 20 };
    char *buffer = malloc(TEXT_BYTES);
    struct text text = text_over(buffer, TEXT_BYTES);
    if (bench->mach.ins_count < 400) {
        mach_print(&bench->mach, NULL, &text);
    }
    fprintf(stderr, "%s\nseed %llu: %s\n", text.data, (unsigned long long)seed, words);
    free(buffer);
    fail();
}

static void allocate_and_check(struct bench *bench, u64 seed)
{
    assert_int_equal(mach_verify(&bench->mach, &bench->scratch), ERR_OK);
    enum err err = mach_allocate(&bench->mach, &bench->scratch);
    if (err != ERR_OK) {
        complain(bench, seed, err_name(err));
    }
    struct mach_error error = mach_check(&bench->mach);
    if (error.found) {
        complain(bench, seed, error.words);
    }
}

static void random_functions(u64 first, u64 count, u32 registers, struct mach_shape shape)
{
    for (u64 seed = first; seed < first + count; seed++) {
        struct bench bench;
        bench_open(&bench);
        mach_random(&bench.arena, &mach_random_registers[registers], shape, seed, &bench.mach);
        allocate_and_check(&bench, seed);
        bench_close(&bench);
    }
}

static u64 runs(u64 usual)
{
    const char *times = getenv("ALLOC_TIMES");
    return times == NULL ? usual : usual * strtoull(times, NULL, 10);
}

static void small_functions(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(2000), registers, (struct mach_shape){12, 6, 1, 5, 4});
        random_functions(1, runs(2000), registers, (struct mach_shape){40, 12, 2, 5, 4});
    }
}

static void functions_with_loops(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(500), registers, (struct mach_shape){150, 20, 4, 3, 4});
        random_functions(1, runs(100), registers, (struct mach_shape){600, 60, 5, 1, 4});
    }
}

static void functions_with_calls(void **state)
{
    (void)state;
    for (u32 registers = 0; registers < 3; registers++) {
        random_functions(1, runs(500), registers, (struct mach_shape){120, 20, 2, 40, 4});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_functions),
        cmocka_unit_test(functions_with_loops),
        cmocka_unit_test(functions_with_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
