// SPDX-License-Identifier: GPL-3.0-or-later
// Does the store of exceptions keep the promises of core/wasm/exception.h? Throwing and catching
// are tested by scripts (tests/spec/beyond).
#include "core/base/arena.h"
#include "core/base/memory.h"
#include "core/wasm/code.h"
#include "core/wasm/exception.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static const u8 types[2 * WASM_PARAMS];
static struct wasm_func_type types_of[3] = {
    {.types = types, .param_count = 1, .param_slots = 1},
    {.types = types, .param_count = 3, .param_slots = 3},
    {.types = types, .param_count = WASM_PARAMS, .param_slots = 2 * WASM_PARAMS},
};

// A store with one thread, whose `others` are the only roots.
struct world {
    struct test_memory memory;
    struct wasm_store store;
    struct wasm_thread thread;
    struct wasm_tag tags[3];
    wasm_slot *roots;
    u32 count;
};

static void world_open(struct world *world, i64 allocations_left)
{
    *world = (struct world){.memory = test_memory_over_malloc(allocations_left)};
    world->store.memory = &world->memory.memory;
    wasm_thread_init(&world->thread, &world->store, 1024);
    world->store.threads = &world->thread; // as if it had a stack
    world->thread.link = &world->store.threads;
    world->roots = calloc(WASM_EXCEPTION_COUNT + 1, sizeof *world->roots);
    assert_non_null(world->roots);
    world->thread.others[0] = (struct wasm_words){world->roots, WASM_EXCEPTION_COUNT + 1};
    for (u32 i = 0; i < 3; i++) {
        world->tags[i].type = &types_of[i];
    }
}

static void world_close(struct world *world)
{
    wasm_exceptions_drop(&world->store);
    wasm_thread_drop(&world->thread);
    assert_null(world->store.threads);
    free(world->roots);
    assert_int_equal(world->memory.blocks, 0);
}

static enum trap make(struct world *world, u32 tag, wasm_slot first, wasm_slot *out)
{
    static wasm_slot slots[2 * WASM_PARAMS];
    i64 fuel = 0;
    slots[0] = first;
    return wasm_exception_make(&world->store, &world->tags[tag], slots, &fuel, out);
}

static void handles_name_what_was_made(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1);
    for (u32 i = 0; i < 300; i++) {
        assert_int_equal(make(&world, i % 3, i, &world.roots[i]), TRAP_NONE);
    }
    for (u32 i = 0; i < 300; i++) {
        const struct wasm_exception *exception = wasm_exception_find(&world.store, world.roots[i]);
        assert_non_null(exception);
        assert_ptr_equal(exception->tag, &world.tags[i % 3]);
        assert_int_equal(exception->slots[0], i);
        assert_int_equal(exception->slot_count, types_of[i % 3].param_slots);
    }
    world_close(&world);
}

static void others_name_nothing(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1);
    wasm_slot handle;
    assert_null(wasm_exception_find(&world.store, 0));
    assert_int_equal(make(&world, 1, 5, &handle), TRAP_NONE);
    for (u32 bit = 0; bit < 64; bit++) {
        assert_null(wasm_exception_find(&world.store, handle ^ (u64)1 << bit));
    }
    assert_null(wasm_exception_find(&world.store, UINT64_MAX));
    wasm_exception_caught(&world.store, handle ^ 1);
    assert_non_null(wasm_exception_find(&world.store, handle));
    wasm_exception_caught(&world.store, handle); // nobody has a reference
    assert_null(wasm_exception_find(&world.store, handle));
    wasm_exception_caught(&world.store, handle);
    wasm_slot next; // in the same place, by another name
    assert_int_equal(make(&world, 0, 6, &next), TRAP_NONE);
    assert_int_equal(next & 0xffffff, handle & 0xffffff);
    assert_int_not_equal(next, handle);
    assert_null(wasm_exception_find(&world.store, handle));
    wasm_exception_find(&world.store, next)->has_reference = true;
    wasm_exception_caught(&world.store, next);
    assert_non_null(wasm_exception_find(&world.store, next));
    world_close(&world);
}

static void garbage_makes_room(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1);
    for (u32 i = 0; i < 1000000; i++) {
        assert_int_equal(make(&world, i % 2, i, &world.roots[i % 10]), TRAP_NONE);
        wasm_exception_find(&world.store, world.roots[i % 10])->has_reference = true;
    }
    assert_true(world.store.exceptions.capacity <= 64);
    assert_true(world.store.exceptions.slot_limit <= 1024);
    world_close(&world);
}

static void what_an_exception_holds_stays(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1);
    enum { LENGTH = 5000 };
    for (u32 i = 0; i < LENGTH; i++) { // a chain that begins at the only root
        assert_int_equal(make(&world, i % 2, world.roots[0], &world.roots[0]), TRAP_NONE);
    }
    wasm_slot at = world.roots[0];
    for (u32 i = 0; i < LENGTH; i++) {
        const struct wasm_exception *exception = wasm_exception_find(&world.store, at);
        assert_non_null(exception);
        at = exception->slots[0];
    }
    assert_int_equal(at, 0);
    world_close(&world);
}

static void the_limits_hold(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1);
    for (u32 i = 0; i < WASM_EXCEPTION_COUNT; i++) {
        assert_int_equal(make(&world, 0, i, &world.roots[i]), TRAP_NONE);
    }
    wasm_slot handle = 0;
    assert_int_equal(make(&world, 0, 0, &handle), TRAP_EXCEPTIONS);
    assert_int_equal(handle, 0);
    world.roots[77] = 0;
    assert_int_equal(make(&world, 0, 0, &world.roots[77]), TRAP_NONE);
    assert_int_equal(make(&world, 0, 0, &handle), TRAP_EXCEPTIONS);
    world_close(&world);

    world_open(&world, -1);
    u32 fit = WASM_EXCEPTION_SLOTS / (2 * WASM_PARAMS);
    for (u32 i = 0; i < fit; i++) {
        assert_int_equal(make(&world, 2, i, &world.roots[i]), TRAP_NONE);
    }
    assert_int_equal(make(&world, 2, 0, &handle), TRAP_EXCEPTIONS);
    assert_int_equal(make(&world, 0, 0, &handle), TRAP_NONE); // has its values in its place
    world.roots[3] = 0;
    assert_int_equal(make(&world, 2, 0, &handle), TRAP_NONE);
    world_close(&world);
}

// A module of two tables of exnref, with so many elements to begin with, and nothing else.
static struct wasm_bytes two_tables(u32 first, u32 second)
{
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_section(&bytes, 4);
    put_u32(&bytes, 2);
    PUT(&bytes, "\x69\x00");
    put_u32(&bytes, first);
    PUT(&bytes, "\x69\x00");
    put_u32(&bytes, second);
    end_section(&bytes);
    return bytes;
}

static enum err instantiate(struct world *world, struct arena *arena, u32 first, u32 second,
                            struct wasm_instance **out)
{
    struct wasm_bytes bytes = two_tables(first, second);
    struct arena scratch;
    arena_init(&scratch, world->store.memory, SIZE_MAX);
    struct wasm_load load;
    i64 work = INT64_MAX;
    wasm_load_begin(&load, wasm_bytes_span(&bytes), WASM_FEATURES_ALL, arena, &scratch);
    assert_int_equal(wasm_load_step(&load, &work, NULL), ERR_OK);
    arena_drop(&scratch);
    enum trap trap;
    enum err err = wasm_instance_create(load.module, NULL, &world->store, arena, out, &trap, NULL);
    wasm_bytes_free(&bytes);
    return err;
}

// All tables of exnref of one store have so many elements together, from the beginning or grown.
static void tables_have_so_many_roots(void **state)
{
    (void)state;
    enum { HALF = WASM_EXCEPTION_ROOTS / 2 };
    struct world world;
    struct arena arena;
    struct wasm_instance *instance;
    static const u32 refused[][2] = {
        {WASM_EXCEPTION_ROOTS + 1, 0}, {0, WASM_EXCEPTION_ROOTS + 1}, {HALF, HALF + 1}};
    for (u32 i = 0; i < COUNT_OF(refused); i++) {
        world_open(&world, -1);
        arena_init(&arena, world.store.memory, SIZE_MAX);
        assert_int_equal(instantiate(&world, &arena, refused[i][0], refused[i][1], &instance),
                         ERR_LIMIT);
        assert_int_equal(world.store.exception_roots, 0); // given back
        arena_drop(&arena);
        world_close(&world);
    }
    world_open(&world, -1);
    arena_init(&arena, world.store.memory, SIZE_MAX);
    assert_int_equal(instantiate(&world, &arena, HALF, HALF, &instance), ERR_OK);
    assert_int_equal(world.store.exception_roots, WASM_EXCEPTION_ROOTS);
    struct wasm_instance *second;
    assert_int_equal(instantiate(&world, &arena, 0, 1, &second), ERR_LIMIT);
    wasm_instance_destroy(instance); // and so are those of another
    assert_int_equal(instantiate(&world, &arena, 0, HALF, &second), ERR_OK);
    struct wasm_table *grown = wasm_instance_table(second, 0);
    assert_false(wasm_table_grow(grown, HALF + 1, 0));
    assert_true(wasm_table_grow(grown, HALF - 1, 0));
    assert_true(wasm_table_grow(grown, 1, 0));
    assert_false(wasm_table_grow(grown, 1, 0));
    assert_int_equal(grown->count, HALF);
    wasm_instance_destroy(second);
    arena_drop(&arena);
    world_close(&world);
}

static void memory_may_fail(void **state)
{
    (void)state;
    for (i64 n = 0, done = 0; !done; n++) {
        struct world world;
        world_open(&world, n);
        u32 made = 0;
        enum trap trap = TRAP_NONE;
        while (made < 100 && trap == TRAP_NONE) {
            trap = make(&world, made % 2, made, &world.roots[made]);
            made += trap == TRAP_NONE;
        }
        assert_true(trap == TRAP_NONE || trap == TRAP_NO_MEMORY);
        for (u32 i = 0; i < made; i++) {
            assert_int_equal(wasm_exception_find(&world.store, world.roots[i])->slots[0], i);
        }
        done = trap == TRAP_NONE;
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handles_name_what_was_made),
        cmocka_unit_test(others_name_nothing),
        cmocka_unit_test(garbage_makes_room),
        cmocka_unit_test(what_an_exception_holds_stays),
        cmocka_unit_test(the_limits_hold),
        cmocka_unit_test(tables_have_so_many_roots),
        cmocka_unit_test(memory_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
