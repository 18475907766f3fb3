// SPDX-License-Identifier: GPL-3.0-or-later
// Tail calls out of compiled code: from the version of a function that begins at a loop, between
// both engines, what a backtrace shows, and how many arguments there may be. What they compute is
// the business of tests/spec.
#include "core/base/arena.h"
#include "core/jit/compile.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/platform.h"
#include "core/wasm/crossing.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/unit/jit_host.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MODULE_BYTES = 1 << 12, CODE_LIMIT = 1 << 20, PORTION = 100000 };
enum { EVEN = 1, ODD = 2 }; // functions of tests/unit/wasm/tail.wat

struct world {
    struct test_memory memory;
    struct wasm_store store;
    struct arena arena;
    struct jit_host host;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_func add;
    struct jit_module compiled;
    struct jit_compiler compiler;
    struct wasm_thread wasm;
    struct jit_thread thread;
};

static u8 bytes[MODULE_BYTES];
static size_t size;

static int read_module(void **state)
{
    (void)state;
    FILE *file = fopen("build/test/wasm/tail.wasm", "rb");
    assert_non_null(file);
    size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    return 0;
}

static const u8 types_add[] = {WASM_I32, WASM_I64, WASM_I64};
static const struct wasm_func_type type_add = {
    .types = types_add, .param_count = 2, .result_count = 1, .param_slots = 2, .result_slots = 1};

static void world_open(struct world *world)
{
    *world = (struct world){.memory = test_memory_over_malloc(-1), .add = {.type = &type_add}};
    world->store = (struct wasm_store){jit_host_memory_create, jit_host_memory_grow,
                                       jit_host_memory_destroy, &world->memory.memory};
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    assert_int_equal(jit_host_open(&world->host, &jit_target_x86_64, &world->memory.memory),
                     ERR_OK);
    struct wasm_load load;
    struct arena scratch;
    i64 work = INT64_MAX;
    enum trap trap;
    arena_init(&scratch, &world->memory.memory, SIZE_MAX);
    wasm_load_begin(&load, span_of(bytes, size), WASM_FEATURES_ALL, &world->arena, &scratch);
    assert_int_equal(wasm_load_step(&load, &work, NULL), ERR_OK);
    arena_drop(&scratch);
    world->module = load.module;
    struct wasm_extern import = {WASM_FUNCTION, {.function = &world->add}};
    assert_int_equal(wasm_instance_create(world->module, &import, &world->store, &world->arena,
                                          &world->instance, &trap, NULL),
                     ERR_OK);
    assert_int_equal(jit_module_create(&world->host.space, world->module, JIT_BOUNDS_GUARD,
                                       CODE_LIMIT, &world->compiled),
                     ERR_OK);
    jit_module_attach(&world->compiled, world->instance);
    jit_compile_begin(&world->compiler, &world->compiled, &world->memory.memory);
    wasm_thread_init(&world->wasm, &world->store, WASM_STACK_BYTES);
    jit_thread_init(&world->thread, &world->wasm, &world->host.space, JIT_BOUNDS_GUARD, NULL);
}

static void world_close(struct world *world)
{
    jit_thread_drop(&world->thread);
    wasm_thread_drop(&world->wasm);
    wasm_instance_destroy(world->instance);
    jit_module_destroy(&world->compiled);
    jit_host_close(&world->host);
    arena_drop(&world->arena);
    assert_int_equal(world->memory.blocks, 0);
}

static enum wasm_run start(struct world *world, const char *name, u64 argument, i64 fuel)
{
    struct wasm_extern found;
    wasm_slot arguments[] = {argument, 0};
    assert_int_equal(wasm_instance_export(world->instance, span_string(name), &found), ERR_OK);
    assert_int_equal(jit_thread_call(&world->thread, found.function, arguments), ERR_OK);
    return jit_thread_run(&world->thread, &fuel);
}

// The interpreter's loop goes on in compiled code, which ends in a tail call: of a function that is
// compiled or not, which calls one that is or not, and so on, 200,001 times.
static void from_a_loop_on(void **state)
{
    (void)state;
    enum { TURNS = 200001 };
    for (u32 compiled = 0; compiled < 4; compiled++) {
        static struct world world;
        world_open(&world);
        for (u32 i = EVEN; i <= ODD; i++) {
            if ((compiled & i) != 0) {
                assert_int_equal(jit_compile_one(&world.compiler, i), ERR_OK);
            }
        }
        assert_int_equal(start(&world, "loop", TURNS, 1000), WASM_RUN_PAUSED);
        struct wasm_loop loop = wasm_thread_loop_place(&world.wasm);
        assert_int_equal(
            jit_compile_one_loop(&world.compiler, loop.function, loop.origin, loop.head), ERR_OK);
        assert_int_equal(jit_compile_end(&world.compiler), ERR_OK);
        assert_non_null(jit_module_loop(&world.compiled, loop.head));
        enum wasm_run status = WASM_RUN_PAUSED;
        while (status == WASM_RUN_PAUSED) {
            i64 fuel = PORTION;
            status = jit_thread_run(&world.thread, &fuel);
        }
        assert_int_equal(status, WASM_RUN_DONE);
        assert_int_equal(world.wasm.results[0], TURNS % 2 == 0);
        assert_true(world.wasm.stack_bytes <= WASM_STACK_BYTES_FIRST);
        world_close(&world);
    }
}

static void backtraces_have_no_frame_of_them(void **state)
{
    (void)state;
    for (u32 is_compiled = 0; is_compiled < 2; is_compiled++) {
        static struct world world;
        struct wasm_frame frames[4];
        world_open(&world);
        if (is_compiled) {
            assert_int_equal(jit_compile_all(&world.compiler), ERR_OK);
        }
        assert_int_equal(jit_compile_end(&world.compiler), ERR_OK);
        assert_int_equal(start(&world, "trap", 1, PORTION), WASM_RUN_TRAPPED);
        assert_int_equal(world.wasm.trap, TRAP_UNREACHABLE);
        assert_int_equal(jit_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 2);
        assert_int_equal(bytes[frames[0].offset], 0x00);
        assert_int_equal(bytes[frames[1].offset], 0x10);
        // A function of the embedder's, which answers to whoever called.
        assert_int_equal(start(&world, "ask", 5, PORTION), WASM_RUN_HOST);
        assert_int_equal(world.wasm.host.slots[0], 5);
        world.wasm.host.slots[0] = 123;
        i64 fuel = PORTION;
        assert_int_equal(jit_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
        assert_int_equal(world.wasm.results[0], 123);
        world_close(&world);
    }
}

// A function of one parameter that calls one of so many in the place of a return.
static void module_of(u32 params)
{
    enum { TYPE = 1, FUNCTION = 3, EXPORT = 7, CODE = 10 };
    struct wasm_bytes out = wasm_bytes_begin();
    put_section(&out, TYPE);
    PUT(&out, "\x02\x60\x01\x7e\x01\x7e\x60");
    put_u32(&out, params);
    put_run(&out, 0x7e, params);
    PUT(&out, "\x01\x7e");
    end_section(&out);
    put_section(&out, FUNCTION);
    PUT(&out, "\x02\x00\x01");
    end_section(&out);
    put_section(&out, EXPORT);
    PUT(&out, "\x01\x03run\x00\x00");
    end_section(&out);
    put_section(&out, CODE);
    PUT(&out, "\x02");
    size_t body = put_body(&out);
    PUT(&out, "\x00");
    for (u32 i = 0; i < params; i++) {
        PUT(&out, "\x20\x00\x42");
        put_i32(&out, (i32)i);
        PUT(&out, "\x7c"); // the argument, and its number
    }
    PUT(&out, "\x12\x01\x0b");
    end_body(&out, body);
    body = put_body(&out);
    PUT(&out, "\x00\x20");
    put_u32(&out, params - 1);
    PUT(&out, "\x0b");
    end_body(&out, body);
    end_section(&out);
    assert_true(out.size <= sizeof bytes);
    size = out.size;
    memcpy(bytes, out.data, size);
    wasm_bytes_free(&out);
}

// A tail call of a function with so many more arguments on the stack is compiled; with one more,
// its function stays with the interpreter.
static void so_many_more_arguments(void **state)
{
    (void)state;
    enum { MOST = 8 + JIT_TAIL_WORDS };
    for (u32 params = MOST; params <= MOST + 1; params++) {
        static struct world world;
        module_of(params);
        world_open(&world);
        assert_int_equal(jit_compile_all(&world.compiler), ERR_OK);
        assert_int_equal(jit_compile_end(&world.compiler), ERR_OK);
        assert_int_equal(world.compiler.refused, params > MOST);
        assert_int_equal(start(&world, "run", 1000, PORTION), WASM_RUN_DONE);
        assert_int_equal(world.wasm.results[0], 1000 + params - 1);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_a_loop_on),
        cmocka_unit_test(backtraces_have_no_frame_of_them),
        cmocka_unit_test(so_many_more_arguments),
    };
    return cmocka_run_group_tests(tests, read_module, NULL);
}
