// SPDX-License-Identifier: GPL-3.0-or-later
// Does a v128 cross every boundary whole, and stop at every bound? What instructions compute is the
// business of the core test suite and of tests/diff.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/decode.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/thread.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/calloc_store.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SOME = 1 << 20, SLOTS_MAX = 65534, MODULE_BYTES = 4096 };

struct world {
    struct test_memory memory;
    struct wasm_store store;
    struct arena arena;
    struct wasm_func mix;
    struct wasm_global first;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_thread thread;
};

static struct span module_bytes;

static int read_module(void **state)
{
    (void)state;
    static u8 bytes[MODULE_BYTES];
    FILE *file = fopen("build/test/wasm/vector.wasm", "rb");
    assert_non_null(file);
    module_bytes = span_of(bytes, fread(bytes, 1, sizeof bytes, file));
    fclose(file);
    return 0;
}

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    return calloc_memory_take(pages, pages, pages_max, base);
}

static const u8 types_mix[] = {WASM_I32,  WASM_V128, WASM_I64, WASM_V128,
                               WASM_V128, WASM_I32,  WASM_V128};
static const struct wasm_func_type type_mix = {
    .types = types_mix, .param_count = 4, .result_count = 3};

static enum err translate(struct world *world, struct span bytes)
{
    struct arena scratch;
    arena_init(&scratch, &world->memory.memory, SIZE_MAX);
    enum err err = wasm_module_decode(bytes, &world->arena, &world->module, NULL);
    if (err == ERR_OK) {
        err = wasm_module_validate(world->module, &scratch, NULL);
    }
    if (err == ERR_OK) {
        err = wasm_module_translate(world->module, &scratch, NULL);
    }
    arena_drop(&scratch);
    return err;
}

static void world_open(struct world *world, struct span bytes, enum err expected)
{
    *world = (struct world){
        .memory = test_memory_over_malloc(-1),
        .store = {memory_create, calloc_memory_grow, calloc_memory_destroy, NULL},
        .mix = {.type = &type_mix},
        .first = {.value = {10, 20}, .type = {.type = WASM_V128}},
    };
    world->store.memory = &world->memory.memory;
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    wasm_thread_init(&world->thread, &world->store, WASM_STACK_BYTES);
    assert_int_equal(translate(world, bytes), expected);
}

// Starts a function; `args` are slots.
static enum wasm_run start(struct world *world, const char *name, const wasm_slot *args, i64 fuel)
{
    struct wasm_extern function;
    assert_int_equal(wasm_instance_export(world->instance, span_string(name), &function), ERR_OK);
    assert_int_equal(wasm_thread_call(&world->thread, function.function, args), ERR_OK);
    return wasm_thread_run(&world->thread, &fuel);
}

static void world_load(struct world *world)
{
    enum trap trap;
    world_open(world, module_bytes, ERR_OK);
    struct wasm_extern imports[] = {{WASM_FUNCTION, {.function = &world->mix}},
                                    {WASM_GLOBAL, {.global = &world->first}}};
    assert_int_equal(wasm_instance_create(world->module, imports, &world->store, &world->arena,
                                          &world->instance, &trap, NULL),
                     ERR_OK);
    struct wasm_func *begin = wasm_instance_func(world->instance, world->module->start);
    i64 fuel = SOME;
    assert_int_equal(wasm_thread_call(&world->thread, begin, NULL), ERR_OK);
    assert_int_equal(wasm_thread_run(&world->thread, &fuel), WASM_RUN_DONE);
}

static void world_close(struct world *world)
{
    if (world->instance != NULL) {
        wasm_instance_destroy(world->instance);
    }
    wasm_thread_drop(&world->thread);
    arena_drop(&world->arena);
    assert_int_equal(world->memory.blocks, 0);
}

static void globals_and_the_start_function_keep_both_halves(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    assert_int_equal(start(&world, "own", NULL, SOME), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 13);
    assert_int_equal(world.thread.results[1], 24);
    world_close(&world);
}

static void parameters_and_results_lie_in_order(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    wasm_slot args[] = {0xffffffff00000007, 1, 2, 3, 4, 5}; // an i32 may have anything above it
    wasm_slot wanted[] = {4, 5, 7, 1, 2, 3};
    assert_int_equal(start(&world, "swap", args, SOME), WASM_RUN_DONE);
    assert_memory_equal(world.thread.results, wanted, sizeof wanted);
    world_close(&world);
}

static void host_calls_have_two_slots_for_each(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    wasm_slot args[] = {9, 11, 12, 13, 14};
    wasm_slot seen[] = {9, 11, 12, UINT64_MAX, 13, 14};
    wasm_slot answer[] = {21, 22, 0xffffffff00000017, 24, 25};
    assert_int_equal(start(&world, "ask", args, SOME), WASM_RUN_HOST);
    assert_memory_equal(world.thread.host.slots, seen, sizeof seen);
    memcpy(world.thread.host.slots, answer, sizeof answer);
    i64 fuel = SOME;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    answer[2] = 0x17; // cleaned, which is not where the second value of three would be
    assert_memory_equal(world.thread.results, answer, sizeof answer);

    // The same when a host function is called first.
    assert_int_equal(wasm_thread_call(&world.thread, &world.mix, seen), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_HOST);
    assert_memory_equal(world.thread.host.slots, seen, sizeof seen);
    memcpy(world.thread.host.slots, answer, sizeof answer);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_memory_equal(world.thread.results, answer, sizeof answer);
    world_close(&world);
}

// Calls `name` with an address; returns whether it trapped, at an instruction behind the prefix.
static bool traps(struct world *world, const char *name, u32 address)
{
    wasm_slot args[] = {address, 1, 2};
    struct wasm_frame frame;
    if (start(world, name, args, SOME) == WASM_RUN_DONE) {
        return false;
    }
    assert_int_equal(world->thread.trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(wasm_thread_backtrace(&world->thread, &frame, 1), 1);
    assert_int_equal(module_bytes.data[frame.offset], 0xfd);
    return true;
}

static void accesses_end_exactly_with_the_memory(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    assert_false(traps(&world, "load", WASM_PAGE_BYTES - 24));
    assert_true(traps(&world, "load", WASM_PAGE_BYTES - 23));
    assert_true(traps(&world, "load", UINT32_MAX)); // its offset does not wrap
    assert_true(traps(&world, "load_lane", 0));
    assert_false(traps(&world, "store_lane", WASM_PAGE_BYTES - 8));
    assert_true(traps(&world, "store_lane", WASM_PAGE_BYTES - 7));
    char line[128];
    struct text text = text_over(line, sizeof line);
    wasm_thread_describe(&world.thread, &text);
    assert_non_null(strstr(line, "out of bounds memory access in"));
    world_close(&world);
}

static void slices_and_deep_calls_change_nothing(void **state)
{
    (void)state;
    struct world world;
    world_load(&world);
    wasm_slot args[] = {100, 0x0000000200000001, 0x0000000400000003};
    enum wasm_run run = start(&world, "rounds", args, 1);
    for (u32 i = 0; run == WASM_RUN_PAUSED; i++) {
        i64 fuel = 1;
        assert_true(i < 1000);
        run = wasm_thread_run(&world.thread, &fuel);
    }
    assert_int_equal(run, WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 0x000000c800000064);
    assert_int_equal(world.thread.results[1], 0x000001900000012c);
    args[0] = 5000; // the stack moves on the way
    assert_int_equal(start(&world, "deep", args, SOME), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[1], 0x0000000400000003 + 5000);
    args[0] = 1 << 20;
    assert_int_equal(start(&world, "deep", args, 1 << 24), WASM_RUN_TRAPPED);
    assert_int_equal(world.thread.trap, TRAP_STACK_EXHAUSTED);
    world_close(&world);
}

// A function with so many locals of v128 and nothing else.
static struct wasm_bytes with_locals(u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_plain_functions(&b, 1);
    put_section(&b, 10);
    PUT(&b, "\x01");
    size_t at = put_body(&b);
    PUT(&b, "\x01");
    put_u32(&b, count);
    PUT(&b, "\x7b\x0b");
    end_body(&b, at);
    end_section(&b);
    return b;
}

static void locals_take_two_slots_of_the_limit(void **state)
{
    (void)state;
    u32 most = (SLOTS_MAX - 1) / 2; // one is the return address
    for (u32 beyond = 0; beyond <= 1; beyond++) {
        struct world world;
        struct wasm_bytes b = with_locals(most + beyond);
        world_open(&world, wasm_bytes_span(&b), beyond ? ERR_LIMIT : ERR_OK);
        wasm_bytes_free(&b);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(globals_and_the_start_function_keep_both_halves),
        cmocka_unit_test(parameters_and_results_lie_in_order),
        cmocka_unit_test(host_calls_have_two_slots_for_each),
        cmocka_unit_test(accesses_end_exactly_with_the_memory),
        cmocka_unit_test(slices_and_deep_calls_change_nothing),
        cmocka_unit_test(locals_take_two_slots_of_the_limit),
    };
    return cmocka_run_group_tests(tests, read_module, NULL);
}
