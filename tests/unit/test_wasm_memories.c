// SPDX-License-Identifier: GPL-3.0-or-later
// Modules with several memories, in the interpreter: who may have them, how many, two that are one,
// growth of all, and memory that is refused anywhere. What each instruction computes is checked by
// the official tests (make test-spec-beyond) and against other engines (tests/diff).
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/thread.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RESERVED_PAGES = 4, IMPORTED = 2, OWN = WASM_MEMORIES - IMPORTED, MODULE_BYTES = 4096 };

static u8 module_bytes[MODULE_BYTES];
static struct span module_span;

static int read_module(void **state)
{
    (void)state;
    FILE *file = fopen("build/test/wasm/memories.wasm", "rb");
    assert_non_null(file);
    module_span = span_of(module_bytes, fread(module_bytes, 1, MODULE_BYTES, file));
    fclose(file);
    return 0;
}

// ---- a world with one store, which has so many pages

struct world {
    struct test_memory memory;
    struct wasm_store store;
    i64 creations_left; // memories that are made before one is refused; below 0: all are
    u32 pages_left;
    u32 memories; // created and not destroyed
    struct arena arena;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_thread thread;
    struct wasm_memory shared; // what is imported
};

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    struct world *world = CONTAINER_OF(self, struct world, store);
    assert_non_null(base);
    if (pages_new - pages_old > world->pages_left) {
        return ERR_NO_MEMORY;
    }
    world->pages_left -= pages_new - pages_old;
    return ERR_OK;
}

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    struct world *world = CONTAINER_OF(self, struct world, store);
    if (world->creations_left == 0) {
        return ERR_NO_MEMORY;
    }
    world->creations_left--;
    u8 *made = calloc(RESERVED_PAGES, WASM_PAGE_BYTES);
    enum err err = memory_grow(self, made, 0, pages);
    if (err != ERR_OK) {
        free(made);
        return err;
    }
    *pages_max = *pages_max < RESERVED_PAGES ? *pages_max : RESERVED_PAGES;
    *base = made;
    world->memories++;
    return ERR_OK;
}

static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    struct world *world = CONTAINER_OF(self, struct world, store);
    assert_true(pages <= pages_max);
    world->pages_left += pages;
    world->memories--;
    free(base);
}

static enum err load(struct span bytes, u32 features, struct arena *arena, struct wasm_module **out,
                     struct report *report)
{
    struct arena scratch;
    arena_init(&scratch, arena->memory, SIZE_MAX);
    struct wasm_load progress;
    wasm_load_begin(&progress, bytes, features, arena, &scratch);
    enum err err;
    do { // in the smallest steps there are
        i64 work = 1;
        err = wasm_load_step(&progress, &work, report);
    } while (err == ERR_PAUSED);
    *out = progress.module;
    arena_drop(&scratch);
    return err;
}

static void world_open(struct world *world, i64 allocations_left, i64 creations_left, u32 pages)
{
    *world = (struct world){
        .memory = test_memory_over_malloc(allocations_left),
        .store = {memory_create, memory_grow, memory_destroy, NULL},
        .creations_left = creations_left,
        .pages_left = pages,
    };
    world->store.memory = &world->memory.memory;
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    wasm_thread_init(&world->thread, &world->store, WASM_STACK_BYTES);
    u8 *base = calloc(RESERVED_PAGES, WASM_PAGE_BYTES);
    assert_non_null(base);
    world->shared = (struct wasm_memory){
        .base = base,
        .size_bytes = WASM_PAGE_BYTES,
        .pages_max = RESERVED_PAGES,
        .limits = {.min = 1, .max = UINT32_MAX},
        .store = &world->store,
    };
}

// An instance whose first two memories are the same one.
static enum err world_make(struct world *world)
{
    struct wasm_extern imports[IMPORTED] = {
        {WASM_MEMORY, {.memory = &world->shared}},
        {WASM_MEMORY, {.memory = &world->shared}},
    };
    enum trap trap;
    struct report report;
    report_clear(&report);
    enum err err = load(module_span, WASM_FEATURES_ALL, &world->arena, &world->module, &report);
    return err != ERR_OK ? err
                         : wasm_instance_create(world->module, imports, &world->store,
                                                &world->arena, &world->instance, &trap, &report);
}

static void world_close(struct world *world)
{
    wasm_thread_drop(&world->thread);
    if (world->instance != NULL) {
        wasm_instance_destroy(world->instance);
    }
    arena_drop(&world->arena);
    free(world->shared.base);
    assert_int_equal(world->memory.blocks, 0);
    assert_int_equal(world->memories, 0);
}

static void begin(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    struct wasm_extern found;
    wasm_slot arguments[] = {a, b, c};
    assert_int_equal(wasm_instance_export(world->instance, span_string(name), &found), ERR_OK);
    assert_int_equal(found.kind, WASM_FUNCTION);
    assert_int_equal(wasm_thread_call(&world->thread, found.function, arguments), ERR_OK);
}

// Runs in slices of `slice` units. Returns how many there were.
static u32 finish(struct world *world, i64 slice, enum wasm_run *run)
{
    for (u32 slices = 1;; slices++) {
        i64 fuel = slice;
        *run = wasm_thread_run(&world->thread, &fuel);
        if (*run != WASM_RUN_PAUSED) {
            return slices;
        }
    }
}

static u64 call(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    enum wasm_run run;
    begin(world, name, a, b, c);
    (void)finish(world, 1, &run);
    assert_int_equal(run, WASM_RUN_DONE);
    return world->thread.results[0];
}

static enum trap fails(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    enum wasm_run run;
    begin(world, name, a, b, c);
    (void)finish(world, 1, &run);
    assert_int_equal(run, WASM_RUN_TRAPPED);
    return world->thread.trap;
}

// ---- tests

static void without_the_feature_there_is_one(void **state)
{
    (void)state;
    static const struct {
        struct span memories; // what the section holds
        struct span body;
        enum err err;
        const char *text;
    } cases[] = {
#define CASE(memories, body, err, text) {SPAN_LITERAL(memories), SPAN_LITERAL(body), err, text}
        CASE("\2\0\0\0\0", "\0\x0b", ERR_INVALID, "multiple memories"),
        CASE("\1\0\0", "\0\x41\0\x28\x42\0\0\x1a\x0b", ERR_MALFORMED, "malformed memop flags"),
        CASE("\1\0\0", "\0\x41\0\xfd\0\x44\0\0\x1a\x0b", ERR_MALFORMED, "malformed memop flags"),
        CASE("\1\0\0", "\0\x3f\x80\0\x1a\x0b", ERR_MALFORMED, "zero byte expected"),
        CASE("\1\0\0", "\0\x41\0\x40\x80\0\x1a\x0b", ERR_MALFORMED, "zero byte expected"),
        CASE("\1\0\0", "\0\x41\0\x41\0\x41\0\xfc\x0a\0\x80\0\x0b", ERR_MALFORMED,
             "zero byte expected"),
        CASE("\1\0\0", "\0\x41\0\x41\0\x41\0\xfc\x0b\x80\0\x0b", ERR_MALFORMED,
             "zero byte expected"),
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct wasm_bytes b = wasm_bytes_begin();
        put_plain_functions(&b, 1);
        put_section(&b, 5);
        put_bytes(&b, cases[i].memories.data, cases[i].memories.size);
        end_section(&b);
        put_section(&b, 10);
        PUT(&b, "\1");
        size_t body = put_body(&b);
        put_bytes(&b, cases[i].body.data, cases[i].body.size);
        end_body(&b, body);
        end_section(&b);
        for (u32 with = 0; with < 2; with++) {
            struct test_memory memory = test_memory_over_malloc(-1);
            struct arena arena;
            struct wasm_module *module;
            struct report report;
            report_clear(&report);
            arena_init(&arena, &memory.memory, SIZE_MAX);
            u32 features = with ? WASM_MULTI_MEMORY : WASM_FEATURES_ALL & ~WASM_MULTI_MEMORY;
            assert_int_equal(load(wasm_bytes_span(&b), features, &arena, &module, &report),
                             with ? ERR_OK : cases[i].err);
            assert_string_equal(report.text, with ? "" : cases[i].text);
            arena_drop(&arena);
        }
        wasm_bytes_free(&b);
    }
}

static void instructions_take_their_memory(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1, -1, UINT32_MAX);
    assert_int_equal(world_make(&world), ERR_OK);
    assert_int_equal(wasm_instance_module(world.instance)->memory_count, WASM_MEMORIES);
    assert_int_equal(call(&world, "load_last", 65534, 0, 0), 'b');
    u8 *second = wasm_instance_memory(world.instance, 2)->base;
    mem_store_u32(world.shared.base + 44, 1000);
    mem_store_u32(second + 40, 234);
    assert_int_equal(call(&world, "mixed", 40, 8, 0), 1234 + 0x63626100);
    assert_int_equal(mem_load_u32(wasm_instance_memory(world.instance, 3)->base + 56), 1234);
    (void)call(&world, "fill_last", 100, 0x1234, 3);
    (void)call(&world, "init_last", 102, 5, 5);
    assert_memory_equal(wasm_instance_memory(world.instance, 15)->base + 100,
                        "\x34\x34"
                        "56789",
                        7);
    for (u32 i = 0; i < 2; i++) { // each ends where its memory does, and memory 0 is itself again
        assert_int_equal(fails(&world, "load_last", 65536, 0, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(call(&world, "load_first", 44, 0, 0), 1000);
        assert_int_equal(fails(&world, "fill_last", 65530, 0, 7), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(fails(&world, "init_last", 65532, 0, 5), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(fails(&world, "copy_apart", 65530, 0, 7), TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(fails(&world, "copy_home", 0, 65530, 7), TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    assert_int_equal(call(&world, "load_last", 65535, 0, 0), 'c');
    world_close(&world);
}

static void two_imports_may_be_one(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1, -1, UINT32_MAX);
    assert_int_equal(world_make(&world), ERR_OK);
    (void)call(&world, "store_second", 8, 0x1122334455667788, 0);
    assert_int_equal(call(&world, "load_first", 8, 0, 0), 0x1122334455667788);
    // What grows by one name is larger by the other, for memory 0 at once.
    assert_int_equal(call(&world, "grow_second", 2, 0, 0), 1);
    assert_int_equal(call(&world, "size_first", 0, 0, 0), 3);
    assert_int_equal(call(&world, "size_second", 0, 0, 0), 3);
    (void)call(&world, "store_first", 3 * WASM_PAGE_BYTES - 8, 77, 0);
    assert_int_equal(call(&world, "load_second", 3 * WASM_PAGE_BYTES - 8, 0, 0), 77);
    // A memory that is smaller than memory 0 ends where it ends.
    assert_int_equal(fails(&world, "load_last", WASM_PAGE_BYTES, 0, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
    world_close(&world);
}

// A copy from one name to the other that overlaps, up and down, interrupted after each unit.
static void copies_overlap_across_names(void **state)
{
    (void)state;
    enum { BYTES = 5000, FROM = 10000 };
    static const u32 targets[] = {FROM - 4999, FROM - 1, FROM, FROM + 1, FROM + 64, FROM + 4999};
    static u8 expected[WASM_PAGE_BYTES];
    struct world world;
    world_open(&world, -1, -1, UINT32_MAX);
    assert_int_equal(world_make(&world), ERR_OK);
    for (u32 i = 0; i < COUNT_OF(targets); i++) {
        for (u32 at = 0; at < WASM_PAGE_BYTES; at++) {
            world.shared.base[at] = expected[at] = (u8)(at * 7 + (at >> 8));
        }
        memmove(expected + targets[i], expected + FROM, BYTES);
        enum wasm_run run;
        begin(&world, "copy_across", targets[i], FROM, BYTES);
        assert_true(finish(&world, 1, &run) >= BYTES / WASM_FUEL_BULK_BYTES);
        assert_int_equal(run, WASM_RUN_DONE);
        assert_memory_equal(world.shared.base, expected, WASM_PAGE_BYTES);
    }
    world_close(&world);
}

// Each has its own limit, and all of them one budget.
static void all_grow_until_they_may_not(void **state)
{
    (void)state;
    struct world world;
    world_open(&world, -1, -1, 2 * OWN + 5);
    assert_int_equal(world_make(&world), ERR_OK);
    assert_int_equal(world.pages_left, OWN + 5);
    assert_int_equal(call(&world, "grow_all", 1, 0, 0), OWN);
    assert_int_equal(call(&world, "grow_all", 1, 0, 0), 5); // refused: changes nothing
    assert_int_equal(world.pages_left, 0);
    assert_int_equal(call(&world, "grow_all", 0, 0, 0), OWN);
    world.pages_left = UINT32_MAX / 2;
    assert_int_equal(call(&world, "grow_all", 1, 0, 0), OWN);
    assert_int_equal(call(&world, "grow_all", 1, 0, 0), OWN - 5);
    assert_int_equal(call(&world, "grow_all", 1, 0, 0), 0);
    assert_int_equal(call(&world, "size_last", 0, 0, 0), RESERVED_PAGES);
    world_close(&world);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (i64 left = 0, done = 0; !done; left++) {
        struct world world;
        world_open(&world, left, -1, UINT32_MAX);
        enum err err = world_make(&world);
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        done = err == ERR_OK;
        world_close(&world);
    }
    for (i64 left = 0; left <= OWN; left++) {
        struct world world;
        world_open(&world, -1, left, UINT32_MAX);
        assert_int_equal(world_make(&world), left == OWN ? ERR_OK : ERR_NO_MEMORY);
        world_close(&world);
    }
    for (u32 pages = 0; pages <= OWN; pages++) {
        struct world world;
        world_open(&world, -1, -1, pages);
        assert_int_equal(world_make(&world), pages == OWN ? ERR_OK : ERR_NO_MEMORY);
        assert_int_equal(world.pages_left, pages == OWN ? 0 : pages);
        world_close(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_feature_there_is_one),
        cmocka_unit_test(instructions_take_their_memory),
        cmocka_unit_test(two_imports_may_be_one),
        cmocka_unit_test(copies_overlap_across_names),
        cmocka_unit_test(all_grow_until_they_may_not),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, read_module, NULL);
}
