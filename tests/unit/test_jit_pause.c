// SPDX-License-Identifier: GPL-3.0-or-later
// Does the compiler give way often enough, whatever it compiles (core/jit/pace.h), can what has
// given way be left, gone on with and given up (core/jit/aside.h, core/jit/compile.h), and do the
// bounds of what it takes hold to the last (core/jit/limits.h)?
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/aside.h"
#include "core/jit/build.h"
#include "core/jit/compile.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/limits.h"
#include "core/jit/mach.h"
#include "core/jit/module.h"
#include "core/jit/passes.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/wasm/decode.h"
#include "core/wasm/module.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/jit_host.h"
#include "tests/unit/large_bodies.h"
#include "tests/unit/support.h"
#include <pthread.h>
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
    assert_int_equal(
        jit_module_create(&world.host.space, world.module, JIT_BOUNDS_GUARD, 1 << 20, &compiled),
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
        assert_int_equal(
            jit_module_create(space, world.module, JIT_BOUNDS_GUARD, 1 << 20, &compiled), ERR_OK);
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

struct portion {
    struct jit_compiler *compiler;
    enum err err;
};

static void *compile_portion(void *context)
{
    struct portion *portion = context;
    portion->err = jit_compile_one(portion->compiler, 0);
    return NULL;
}

// Each portion is another worker's, and the one before is gone, with whatever was its own.
static void any_thread_goes_on(void **state)
{
    (void)state;
    for (u32 shape = 0; shape < large_shape_count; shape++) {
        struct world world;
        world_open(&world, shape, 6000);
        struct jit_module compiled;
        struct jit_compiler compiler;
        assert_int_equal(jit_module_create(&world.host.space, world.module, JIT_BOUNDS_GUARD,
                                           1 << 20, &compiled),
                         ERR_OK);
        jit_compile_begin(&compiler, &compiled, &world.memory.memory);
        i64 work = 0;
        compiler.work = &work;
        struct portion portion = {&compiler, ERR_PAUSED};
        for (u32 pauses = 0; portion.err == ERR_PAUSED; pauses++) {
            work = 1 + pauses % 7 * 100;
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, compile_portion, &portion), 0);
            assert_int_equal(pthread_join(thread, NULL), 0);
        }
        assert_int_equal(portion.err, ERR_OK);
        assert_int_equal(jit_compile_end(&compiler), ERR_OK);
        assert_true(jit_module_has(&compiled, 0));
        jit_module_destroy(&compiled);
        world_close(&world);
    }
}

// ---- bounds

// A module has as much code as its owner says, to the byte, and not one more.
static void code_of_a_module_has_a_limit(void **state)
{
    (void)state;
    u64 bytes = 0;
    for (u32 less = 0; less < 3; less++) { // without a limit, with what that took, with one less
        struct world world;
        world_open(&world, 0, 6000);
        struct jit_module compiled;
        struct jit_compiler compiler;
        assert_int_equal(jit_module_create(&world.host.space, world.module, JIT_BOUNDS_GUARD,
                                           1 << 20, &compiled),
                         ERR_OK);
        compiled.code_bytes_most = less == 0 ? JIT_SPACE_BYTES : bytes + 1 - less;
        jit_compile_begin(&compiler, &compiled, &world.memory.memory);
        assert_int_equal(jit_compile_one(&compiler, 0), ERR_OK);
        assert_int_equal(jit_compile_end(&compiler), less == 2 ? ERR_LIMIT : ERR_OK);
        assert_int_equal(jit_module_has(&compiled, 0), less != 2);
        bytes = less == 0 ? compiled.code_bytes : bytes;
        assert_int_equal(compiled.code_bytes, less == 2 ? 0 : bytes);
        jit_module_destroy(&compiled);
        world_close(&world);
    }
}

// All of the space can be code, but for what the stubs lie in; then there is none, until some is
// given back.
static void the_space_has_an_end(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, 0, 5000);
    struct jit_space *space = &world.host.space;
    struct jit_run *runs = NULL;
    struct jit_run *last = NULL;
    assert_null(jit_space_take(space, &runs, (u64)JIT_SPACE_BYTES + 1));
    assert_null(jit_space_take(space, &runs, JIT_SPACE_BYTES)); // the stubs are there
    for (u32 i = 1; i + 1 < JIT_CHUNKS; i++) {
        assert_non_null(jit_space_take(space, &runs, JIT_CHUNK_BYTES));
    }
    u8 *end = jit_space_take(space, &last, JIT_CHUNK_BYTES);
    assert_non_null(end);
    struct jit_run *none = NULL;
    assert_null(jit_space_take(space, &none, 1));
    assert_non_null(jit_space_run(space, (u64)(uintptr_t)space->base + JIT_SPACE_BYTES - 1));
    assert_null(jit_space_run(space, (u64)(uintptr_t)space->base + JIT_SPACE_BYTES));
    jit_space_give(space, &last);
    assert_ptr_equal(jit_space_take(space, &none, 1), end);
    jit_space_give(space, &none);
    jit_space_give(space, &runs);
    world_close(&world);
}

// A function whose branches carry 1,000 values each, no two alike, to its end.
static struct wasm_bytes branches_with_values(u32 count, u32 body_bytes)
{
    enum { VALUES = 1000 };
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_section(&bytes, 1);
    PUT(&bytes, "\x02\x60\x01\x7f");
    put_u32(&bytes, VALUES);
    put_run(&bytes, WASM_I32, VALUES);
    PUT(&bytes, "\x60\x00");
    put_u32(&bytes, VALUES);
    put_run(&bytes, WASM_I32, VALUES);
    end_section(&bytes);
    put_section(&bytes, 3);
    PUT(&bytes, "\x01\x00");
    end_section(&bytes);
    put_section(&bytes, 5);
    PUT(&bytes, "\x01\x00\x01");
    end_section(&bytes);
    put_section(&bytes, 10);
    put_u32(&bytes, 1);
    size_t body = put_body(&bytes);
    size_t start = bytes.size;
    PUT(&bytes, "\x00\x02\x01"); // no locals; block
    for (u32 i = 0; i < VALUES + count; i++) {
        PUT(&bytes, "\x20\x00\x28\x02");
        put_u32(&bytes, 4 * i);
        if (i >= VALUES) {
            PUT(&bytes, "\x20\x00\x0d\x00"); // br_if 0
        }
    }
    PUT(&bytes, "\x0c\x00\x0b"); // br 0
    put_run(&bytes, 0x01, body_bytes - (bytes.size - start) - 1);
    PUT(&bytes, "\x0b");
    end_body(&bytes, body);
    end_section(&bytes);
    return bytes;
}

static enum err select_branches(u32 count, u32 *items)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    struct wasm_module *module;
    struct ir ir;
    struct mach mach = {0};
    struct jit_options options = {.segment = true};
    struct wasm_bytes bytes = branches_with_values(count, JIT_BODY_BYTES);
    arena_init(&arena, &memory.memory, SIZE_MAX);
    assert_int_equal(wasm_module_decode(wasm_bytes_span(&bytes), &arena, &module, NULL), ERR_OK);
    assert_int_equal(wasm_module_validate(module, &arena, NULL), ERR_OK);
    assert_int_equal(ir_build(module, 0, NULL, &arena, &ir), ERR_OK);
    assert_int_equal(ir_improve(&ir), ERR_OK);
    enum err err = jit_target_x86_64.select(&ir, &options, &mach);
    *items = mach.list_count;
    arena_drop(&arena);
    wasm_bytes_free(&bytes);
    return err;
}

// Each branch adds as much to the largest table of the machine's function: with the last that fits,
// less than one more is left; one more is beyond the limit.
static void a_machine_function_has_a_limit(void **state)
{
    (void)state;
    u32 few;
    u32 items;
    assert_int_equal(select_branches(100, &few), ERR_OK);
    assert_int_equal(select_branches(200, &items), ERR_OK);
    u32 each = (items - few) / 100;
    assert_true(each >= 1000 && (items - few) % 100 == 0);
    u32 most = 200 + (JIT_MACH_ITEMS - items) / each;
    assert_int_equal(select_branches(most, &items), ERR_OK);
    assert_true(items <= JIT_MACH_ITEMS && items + each > JIT_MACH_ITEMS);
    assert_int_equal(select_branches(most + 1, &items), ERR_LIMIT);
}

// A body may have so much working space and not more; what would need more is refused.
static void working_space_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(jit_scratch_limit(0), JIT_SCRATCH_KEPT);
    assert_int_equal(jit_scratch_limit(1000), JIT_SCRATCH_KEPT + 1000 * JIT_SCRATCH_EACH);
    assert_int_equal(jit_scratch_limit(JIT_BODY_BYTES), JIT_SCRATCH_BYTES);
    struct world world;
    world_open(&world, 5, 6000);
    struct jit_options *options = &world.host.space.options;
    struct jit_function code;
    struct arena scratch;
    arena_init(&scratch, &world.memory.memory, SIZE_MAX);
    assert_int_equal(
        jit_compile(&jit_target_x86_64, options, world.module, 0, &scratch, &world.arena, &code),
        ERR_OK);
    size_t used = scratch.used_bytes;
    for (u32 less = 0; less < 2; less++) {
        arena_drop(&scratch);
        arena_init(&scratch, &world.memory.memory, less == 0 ? used : used / 2);
        assert_int_equal(jit_compile(&jit_target_x86_64, options, world.module, 0, &scratch,
                                     &world.arena, &code),
                         less == 0 ? ERR_OK : ERR_NO_MEMORY);
        assert_true(scratch.used_bytes <= used);
    }
    arena_drop(&scratch);
    world_close(&world);
}

// A body that needs more is compiled once more, as well as the space allows.
static void what_has_no_space_is_compiled_coarsely(void **state)
{
    (void)state;
    enum { LOOPS = 4, CODE_LIMIT = 64 << 20 }; // a shape of large_bodies.c
    assert_string_equal(large_shape_name(LOOPS), "loops behind each other");
    struct world world;
    world_open(&world, LOOPS, JIT_BODY_BYTES);
    struct jit_options *options = &world.host.space.options;
    struct jit_function code;
    arena_init(&world.scratch, &world.memory.memory, jit_scratch_limit(JIT_BODY_BYTES));
    assert_int_equal(jit_compile(&jit_target_x86_64, options, world.module, 0, &world.scratch,
                                 &world.arena, &code),
                     ERR_NO_MEMORY);
    arena_drop(&world.scratch);
    struct jit_module compiled;
    static struct jit_compiler compiler;
    assert_int_equal(
        jit_module_create(&world.host.space, world.module, JIT_BOUNDS_GUARD, CODE_LIMIT, &compiled),
        ERR_OK);
    jit_compile_begin(&compiler, &compiled, &world.memory.memory);
    assert_int_equal(jit_compile_one(&compiler, 0), ERR_OK);
    assert_int_equal(compiler.refused, 0);
    assert_int_equal(compiler.placed_count + jit_module_has(&compiled, 0), 1);
    assert_int_equal(jit_compile_end(&compiler), ERR_OK);
    jit_module_destroy(&compiled);
    world_close(&world);
}

// Working space of a body of about that size; 0: it is refused.
static size_t space_of(u32 shape, u32 body_bytes)
{
    struct world world;
    world_open(&world, shape, body_bytes);
    struct jit_function code;
    struct arena scratch;
    arena_init(&scratch, &world.memory.memory, SIZE_MAX);
    enum err err = jit_compile(&jit_target_x86_64, &world.host.space.options, world.module, 0,
                               &scratch, &world.arena, &code);
    size_t used = err == ERR_OK ? scratch.used_bytes : 0;
    arena_drop(&scratch);
    world_close(&world);
    return used;
}

// Four times the body takes about four times the space: where thousands of branches meet, nothing
// is copied for each of them. One shape is refused then for its frame.
static void working_space_grows_with_the_body(void **state)
{
    (void)state;
    enum { BYTES = 32 << 10, TIMES = 4 };
    u32 refused = 0;
    for (u32 shape = 0; shape < large_shape_count; shape++) {
        size_t less = space_of(shape, BYTES);
        size_t more = space_of(shape, TIMES * BYTES);
        assert_int_not_equal(less, 0);
        assert_true(more <= (TIMES + 1) * less);
        refused += more == 0;
    }
    assert_in_range(refused, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_portion_is_long),
        cmocka_unit_test(asides_take_turns),
        cmocka_unit_test(asides_need_a_stack),
        cmocka_unit_test(pauses_change_nothing),
        cmocka_unit_test(any_thread_goes_on),
        cmocka_unit_test(code_of_a_module_has_a_limit),
        cmocka_unit_test(the_space_has_an_end),
        cmocka_unit_test(a_machine_function_has_a_limit),
        cmocka_unit_test(working_space_has_a_limit),
        cmocka_unit_test(what_has_no_space_is_compiled_coarsely),
        cmocka_unit_test(working_space_grows_with_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
