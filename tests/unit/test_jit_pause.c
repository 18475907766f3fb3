// SPDX-License-Identifier: GPL-3.0-or-later
// Does the compiler give way often enough, whatever it compiles (core/jit/pace.h), and can what has
// given way be left, gone on with and given up (core/jit/aside.h, core/jit/compile.h)?
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/aside.h"
#include "core/jit/compile.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/jit_host.h"
#include "tests/unit/large_bodies.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { PORTION = 50000 };

struct world {
    struct test_memory memory;
    struct jit_host host;
    struct wasm_bytes bytes;
    struct arena arena;
    struct arena scratch;
    struct wasm_module *module;
};

static void world_open(struct world *world, u32 shape, u32 body_bytes)
{
    world->memory = test_memory_over_malloc(-1);
    assert_int_equal(jit_host_open(&world->host, &jit_target_x86_64, &world->memory.memory),
                     ERR_OK);
    world->bytes = large_module(shape, body_bytes);
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    arena_init(&world->scratch, &world->memory.memory, SIZE_MAX);
    struct span bytes = wasm_bytes_span(&world->bytes);
    assert_int_equal(wasm_module_decode(bytes, &world->arena, &world->module, NULL), ERR_OK);
    assert_int_equal(wasm_module_validate(world->module, &world->scratch, NULL), ERR_OK);
    assert_int_equal(wasm_module_translate(world->module, &world->scratch, NULL), ERR_OK);
    arena_drop(&world->scratch);
}

static void world_close(struct world *world)
{
    arena_drop(&world->arena);
    wasm_bytes_free(&world->bytes);
    jit_host_close(&world->host);
    assert_int_equal(world->memory.blocks, 0);
}

// ---- how often it gives way

struct count {
    struct jit_pace pace;
    u64 pauses;
    i64 most; // units that were used beyond what there was
};

static void count_pause(struct jit_pace *pace)
{
    struct count *count = CONTAINER_OF(pace, struct count, pace);
    count->pauses++;
    count->most = -pace->left > count->most ? -pace->left : count->most;
    pace->left = PORTION;
}

// The largest body of each shape. None takes longer between two pauses than limits.h says, and
// compiling it takes so many that the portions are what it consists of.
static void no_portion_is_long(void **state)
{
    (void)state;
    for (u32 shape = 0; shape < large_shape_count; shape++) {
        struct world world;
        world_open(&world, shape, JIT_BODY_BYTES);
        assert_in_range(world.module->bodies[0].code.size, JIT_BODY_BYTES * 9 / 10, JIT_BODY_BYTES);
        struct count count = {.pace = {PORTION, count_pause}};
        struct jit_source source = {.target = &jit_target_x86_64,
                                    .options = &world.host.space.options,
                                    .module = world.module,
                                    .pace = &count.pace};
        struct jit_function code;
        struct arena scratch;
        arena_init(&scratch, &world.memory.memory, jit_scratch_limit(JIT_BODY_BYTES));
        enum err err = jit_compile_source(&source, &scratch, &world.arena, &code);
        assert_true(err == ERR_OK || err == ERR_LIMIT || err == ERR_NO_MEMORY);
        assert_true(count.pauses > 5);
        assert_true(count.most <= JIT_PACE_UNITS);
        arena_drop(&scratch);
        world_close(&world);
    }
}

// ---- stacks aside

struct numbers {
    struct jit_aside *aside;
    u32 number;
    u32 end;
};

static void count_up(void *context)
{
    struct numbers *numbers = context;
    volatile u8 frame[256]; // of which nothing may be lost
    mem_fill((u8 *)frame, (u8)numbers->end, sizeof frame);
    f64 sum = 0.5;
    while (numbers->number < numbers->end) {
        numbers->number++;
        sum += 1;
        jit_pace(&numbers->aside->pace, 10);
    }
    for (u32 i = 0; i < sizeof frame; i++) {
        assert_int_equal(frame[i], (u8)numbers->end);
    }
    assert_true(sum == 0.5 + numbers->end);
}

static void asides_take_turns(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 0, 5000);
    struct jit_aside asides[3];
    struct numbers numbers[3];
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(jit_aside_open(&asides[i], &world.host.space), ERR_OK);
        numbers[i] = (struct numbers){&asides[i], 0, 20 + i};
        jit_aside_begin(&asides[i], count_up, &numbers[i]);
    }
    for (u32 step = 1; step <= 9; step++) {
        for (u32 i = 0; i < 3; i++) {
            i64 units = 15;
            assert_false(jit_aside_step(&asides[i], &units));
            assert_int_equal(units, -5);
            assert_int_equal(numbers[i].number, 2 * step);
        }
    }
    jit_aside_close(&asides[2]); // in the middle
    for (u32 i = 0; i < 2; i++) {
        i64 units = 1000;
        assert_true(jit_aside_step(&asides[i], &units));
        assert_int_equal(units, 1000 - 10 * (2 + (i64)i));
        assert_int_equal(numbers[i].number, 20 + i);
        // And once more on the same stack.
        numbers[i].number = 0;
        jit_aside_begin(&asides[i], count_up, &numbers[i]);
        units = 100000;
        assert_true(jit_aside_step(&asides[i], &units));
        jit_aside_close(&asides[i]);
    }
    world_close(&world);
}

static void asides_need_a_stack(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 0, 5000);
    static struct jit_aside asides[JIT_STACKS];
    u32 count = 0;
    while (count < JIT_STACKS && jit_aside_open(&asides[count], &world.host.space) == ERR_OK) {
        count++;
    }
    struct jit_aside more;
    assert_int_equal(jit_aside_open(&more, &world.host.space), ERR_NO_MEMORY);
    jit_aside_close(&more);
    // Without one, a function is compiled at once.
    struct jit_module compiled;
    struct jit_compiler compiler;
    assert_int_equal(jit_module_create(&world.host.space, world.module, 1 << 20, &compiled),
                     ERR_OK);
    jit_compile_begin(&compiler, &compiled, &world.memory.memory);
    i64 work = 1;
    compiler.work = &work;
    assert_int_equal(jit_compile_one(&compiler, 0), ERR_OK);
    assert_int_equal(jit_compile_end(&compiler), ERR_OK);
    assert_true(jit_module_has(&compiled, 0));
    jit_module_destroy(&compiled);
    while (count > 0) {
        jit_aside_close(&asides[--count]);
    }
    world_close(&world);
}

// ---- the compiler, in portions

// Code does not depend on where compiling it paused.
static void pauses_change_nothing(void **state)
{
    (void)state;
    for (u32 shape = 0; shape < large_shape_count; shape++) {
        struct world world;
        world_open(&world, shape, 6000);
        struct jit_function whole;
        struct jit_space *space = &world.host.space;
        assert_int_equal(jit_compile(&jit_target_x86_64, &space->options, world.module, 0,
                                     &world.scratch, &world.arena, &whole),
                         ERR_OK);
        arena_drop(&world.scratch);
        struct jit_module compiled;
        struct jit_compiler compiler;
        assert_int_equal(jit_module_create(space, world.module, 1 << 20, &compiled), ERR_OK);
        jit_compile_begin(&compiler, &compiled, &world.memory.memory);
        i64 work = 0;
        compiler.work = &work;
        u32 pauses = 0;
        while (jit_compile_one(&compiler, 0) == ERR_PAUSED) {
            assert_true(jit_compile_is_paused(&compiler) && work <= 0);
            work = 1 + pauses++ % 7 * 100;
        }
        assert_true(pauses > 20);
        assert_int_equal(compiler.placed_count, 1);
        const struct jit_function *code = &compiler.placed[0].code;
        assert_int_equal(code->code_bytes, whole.code_bytes);
        assert_memory_equal(code->code, whole.code, whole.code_bytes);
        assert_int_equal(jit_compile_end(&compiler), ERR_OK);
        assert_true(jit_module_has(&compiled, 0));
        // Given up after each number of steps, and nothing is left.
        for (u32 steps = 0; steps < 20; steps++) {
            jit_compile_begin(&compiler, &compiled, &world.memory.memory);
            compiled.has[0] = false;
            compiler.work = &work;
            for (u32 i = 0; i < steps; i++) {
                work = 500;
                (void)jit_compile_one(&compiler, 0);
            }
            jit_compile_give_up(&compiler);
        }
        jit_module_destroy(&compiled);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_portion_is_long),
        cmocka_unit_test(asides_take_turns),
        cmocka_unit_test(asides_need_a_stack),
        cmocka_unit_test(pauses_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
