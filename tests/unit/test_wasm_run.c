// SPDX-License-Identifier: GPL-3.0-or-later
// Do translation, instances and threads keep the promises of their headers? What the instructions
// compute is checked by the core test suite (tests/spec) and against other engines (tests/diff).
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/crossing.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/thread.h"
#include "tests/diff/execute.h"
#include "tests/diff/generate.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MEMORY_PAGES = 8, MODULE_BYTES = 1 << 16, SOME = 1000000, OPEN_TABLE = 1 };

static u8 run_bytes[MODULE_BYTES];
static u8 client_bytes[MODULE_BYTES];
static u8 tail_bytes[MODULE_BYTES];
static struct span run_module;
static struct span client_module;
static struct span tail_module;

static struct span read_module(const char *path, u8 *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, MODULE_BYTES, file);
    fclose(file);
    return span_of(bytes, size);
}

static int read_modules(void **state)
{
    (void)state;
    run_module = read_module("build/test/wasm/run.wasm", run_bytes);
    client_module = read_module("build/test/wasm/client.wasm", client_bytes);
    tail_module = read_module("build/test/wasm/tail.wasm", tail_bytes);
    return 0;
}

// ---- a world with one store

struct world {
    struct test_memory memory;
    struct wasm_store store;
    u32 memories; // created and not destroyed
    struct arena arena;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct wasm_thread thread;
    struct wasm_func host[2];
};

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    struct world *world = CONTAINER_OF(self, struct world, store);
    if (world->memory.allocations_left == 0 || pages > MEMORY_PAGES) {
        return ERR_NO_MEMORY;
    }
    *pages_max = *pages_max < MEMORY_PAGES ? *pages_max : MEMORY_PAGES;
    *base = calloc(MEMORY_PAGES, WASM_PAGE_BYTES);
    assert_non_null(*base);
    world->memories++;
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    assert_non_null(base);
    assert_true(pages_old < pages_new && pages_new <= MEMORY_PAGES);
    return ERR_OK;
}

static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    struct world *world = CONTAINER_OF(self, struct world, store);
    assert_true(pages <= pages_max);
    world->memories--;
    free(base);
}

static const u8 types_add[] = {WASM_I32, WASM_I64, WASM_I64};
static const struct wasm_func_type type_add = {
    .types = types_add, .param_count = 2, .result_count = 1};
static const struct wasm_func_type type_grow = {.types = types_add};

static void world_open(struct world *world, i64 allocations_left, u32 stack_limit)
{
    *world = (struct world){
        .memory = test_memory_over_malloc(allocations_left),
        .store = {memory_create, memory_grow, memory_destroy, NULL},
        .host = {{.type = &type_add, .index = 7}, {.type = &type_grow, .index = 8}},
    };
    world->store.memory = &world->memory.memory;
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    wasm_thread_init(&world->thread, &world->store, stack_limit);
}

static enum err translate(struct world *world, struct span bytes, struct wasm_module **out)
{
    struct arena scratch;
    struct report report;
    report_clear(&report);
    arena_init(&scratch, &world->memory.memory, SIZE_MAX);
    struct wasm_load progress;
    wasm_load_begin(&progress, bytes, WASM_FEATURES_ALL, &world->arena, &scratch);
    enum err err;
    do { // in the smallest steps there are
        i64 work = 1;
        err = wasm_load_step(&progress, &work, &report);
    } while (err == ERR_PAUSED);
    *out = progress.module;
    arena_drop(&scratch);
    return err;
}

static enum err load(struct world *world)
{
    struct wasm_extern imports[] = {
        {WASM_FUNCTION, {.function = &world->host[0]}},
        {WASM_FUNCTION, {.function = &world->host[1]}},
    };
    enum trap trap = TRAP_NONE;
    enum err err = translate(world, run_module, &world->module);
    if (err != ERR_OK) {
        return err;
    }
    struct wasm_making making;
    err = wasm_making_begin(&making, world->module, imports, &world->store, &world->arena, NULL);
    for (i64 work = 1; err == ERR_OK || err == ERR_PAUSED; work = 1) { // in the smallest steps
        err = wasm_making_step(&making, &work, &world->instance, &trap, NULL);
        if (err == ERR_OK) {
            break;
        }
    }
    return err;
}

static void world_close(struct world *world)
{
    wasm_thread_drop(&world->thread);
    if (world->instance != NULL) {
        wasm_instance_destroy(world->instance);
    }
    arena_drop(&world->arena);
    assert_int_equal(world->memory.blocks, 0);
    assert_int_equal(world->memories, 0);
}

static void world_load(struct world *world, u32 stack_limit)
{
    world_open(world, -1, stack_limit);
    assert_int_equal(load(world), ERR_OK);
}

static struct wasm_func *export(struct wasm_instance *instance, const char *name)
{
    struct wasm_extern found;
    assert_int_equal(wasm_instance_export(instance, span_string(name), &found), ERR_OK);
    assert_int_equal(found.kind, WASM_FUNCTION);
    return found.function;
}

static enum wasm_run start(struct world *world, const char *name, u64 a, u64 b, u64 c, i64 *fuel)
{
    wasm_slot arguments[] = {a, b, c};
    assert_int_equal(wasm_thread_call(&world->thread, export(world->instance, name), arguments),
                     ERR_OK);
    return wasm_thread_run(&world->thread, fuel);
}

static u64 call(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    i64 fuel = SOME;
    assert_int_equal(start(world, name, a, b, c, &fuel), WASM_RUN_DONE);
    return world->thread.results[0];
}

static enum trap fails(struct world *world, const char *name, u64 a, u64 b)
{
    i64 fuel = SOME;
    assert_int_equal(start(world, name, a, b, 0, &fuel), WASM_RUN_TRAPPED);
    return world->thread.trap;
}

// ---- tests

static void results_of_calls(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(call(&world, "count_to", 10, 0, 0), 10);
    assert_int_equal(call(&world, "fib", 20, 0, 0), 6765);
    assert_int_equal(call(&world, "swap", 42, 0x4000000000000000, 0), 0x4000000000000000);
    assert_int_equal(world.thread.results[1], 42);
    assert_int_equal(call(&world, "indirect", 1, 10, 0), 55);
    assert_int_equal(call(&world, "many_locals", 0, 0, 0), 0);
    world_close(&world);
}

// A load takes the place of the addition before it; the next one must not take it for that
// addition.
static void loads_of_loads(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(call(&world, "chase", 32, 4, 0), 12345);
    world_close(&world);
}

// The comparison at a loop's end disappears into the counting before it; what stands in its place
// must not be taken for it.
static void conditions_behind_loops(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(call(&world, "count_then", 32, 4, 0), 1);
    assert_int_equal(call(&world, "count_then", 36, 4, 0), 2);
    world_close(&world);
}

static void halves_of_what_blocks_leave(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(call(&world, "widen", 1, 0x1234567800000009, 0), 9);
    world_close(&world);
}

// The embedder may leave anything above an i32; results have zeros there.
static void upper_halves(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(call(&world, "count_to", 0xffffffff00000003, 0, 0), 3);
    assert_int_equal(call(&world, "divide", (u64)-6, 3, 0), 0xfffffffe);
    world_close(&world);
}

static void named_traps(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(fails(&world, "divide", 1, 0), TRAP_DIVIDE_BY_ZERO);
    assert_int_equal(fails(&world, "divide", 0x80000000, 0xffffffff), TRAP_INTEGER_OVERFLOW);
    assert_int_equal(fails(&world, "load", 65533, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(fails(&world, "load", 0xfffffffe, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(fails(&world, "indirect", 2, 0), TRAP_UNINITIALIZED_ELEMENT);
    assert_int_equal(fails(&world, "indirect", 4, 0), TRAP_UNDEFINED_ELEMENT);
    assert_int_equal(fails(&world, "fill", 65530, 7), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(call(&world, "load", 65532, 0, 0), 0); // nothing was filled
    assert_int_equal(call(&world, "memory_grow", 4, 0, 0), 0xffffffff);
    assert_int_equal(call(&world, "memory_grow", 3, 0, 0), 1);
    assert_int_equal(call(&world, "load", 200000, 0, 0), 0);
    for (u32 trap = 0; trap <= TRAP_COUNT; trap++) {
        assert_true(strlen(trap_name((enum trap)trap)) > 0);
    }
    world_close(&world);
}

static void traps_say_where(void **state)
{
    (void)state;
    struct world world;
    struct wasm_frame frames[4];
    char buffer[200];
    struct text text = text_over(buffer, sizeof buffer);
    world_load(&world, WASM_STACK_BYTES);
    assert_int_equal(fails(&world, "load", 65536, 0), TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 2);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, 1), 1);
    wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames));
    assert_int_equal(run_module.data[frames[0].offset], 0x28); // i32.load
    assert_int_equal(run_module.data[frames[1].offset], 0x10); // call
    assert_int_equal(frames[1].function, frames[0].function + 1);
    assert_ptr_equal(frames[0].instance, world.instance);
    wasm_thread_describe(&world.thread, &text);
    assert_non_null(strstr(buffer,
                           "out of bounds memory access in \"inner\" (function 7) at offset "
                           "0x"));
    assert_int_equal(fails(&world, "divide", 1, 0), TRAP_DIVIDE_BY_ZERO);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 1);
    assert_int_equal(run_module.data[frames[0].offset], 0x6d); // i32.div_s
    world_close(&world);
}

// Every loop turn and every call costs one unit, whatever the slices.
static void fuel_is_counted(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    i64 fuel = 99;
    assert_int_equal(start(&world, "count_to", 100, 0, 0, &fuel), WASM_RUN_DONE);
    assert_int_equal(fuel, 0);
    fuel = 98;
    assert_int_equal(start(&world, "count_to", 100, 0, 0, &fuel), WASM_RUN_PAUSED);
    assert_int_equal(fuel, 0);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_PAUSED);
    fuel = 5;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(fuel, 4);
    assert_int_equal(world.thread.results[0], 100);
    fuel = 1000;
    assert_int_equal(start(&world, "forever", 0, 0, 0, &fuel), WASM_RUN_PAUSED);
    fuel = SOME;
    assert_int_equal(start(&world, "fib", 10, 0, 0, &fuel), WASM_RUN_DONE);
    assert_int_equal(SOME - fuel, 176); // calls within fib(10)
    world_close(&world);
}

// Large fills and copies stop in the middle, and end as they would have.
static void bulk_in_parts(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    struct wasm_memory *memory = wasm_instance_memory0(world.instance);
    i64 fuel = 10;
    u32 pauses = 0;
    enum wasm_run status = start(&world, "fill", 0, 65536, 0, &fuel);
    while (status == WASM_RUN_PAUSED) {
        pauses++;
        assert_int_equal(memory->base[pauses * 10 * WASM_FUEL_BULK_BYTES - 1], 0x5a);
        assert_int_equal(memory->base[pauses * 10 * WASM_FUEL_BULK_BYTES],
                         pauses == 102 ? 0x5a : 0);
        fuel = 10;
        status = wasm_thread_run(&world.thread, &fuel);
        if (pauses == 101) {
            break;
        }
    }
    while (status == WASM_RUN_PAUSED) {
        fuel = 10;
        status = wasm_thread_run(&world.thread, &fuel);
    }
    assert_int_equal(status, WASM_RUN_DONE);
    for (u32 i = 0; i < 65536; i++) {
        memory->base[i] = (u8)(i * 7 + (i >> 8));
    }
    static u8 expected[65536];
    for (u32 to = 90; to <= 110; to += 20) { // both directions, overlapping
        memcpy(expected, memory->base, sizeof expected);
        memmove(expected + to, expected + 100, 1001);
        fuel = 1;
        status = start(&world, "copy", to, 100, 1001, &fuel);
        for (pauses = 0; status == WASM_RUN_PAUSED; pauses++) {
            fuel = 1;
            status = wasm_thread_run(&world.thread, &fuel);
        }
        assert_int_equal(pauses, 15);
        assert_memory_equal(memory->base, expected, sizeof expected);
    }
    world_close(&world);
}

static void table_growth_is_paid_first(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    struct wasm_table *table = wasm_instance_table(world.instance, 0);
    i64 fuel = 1000;
    assert_int_equal(start(&world, "table_grow", 99996, 0, 0, &fuel), WASM_RUN_PAUSED);
    assert_int_equal(table->count, 4);
    fuel = SOME;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(SOME - fuel, 100000 / 8 - 1000);
    assert_int_equal(world.thread.results[0], 4);
    assert_int_equal(table->count, 100000);
    assert_int_equal(call(&world, "table_grow", SOME, 0, 0), 0xffffffff); // beyond the type's max
    assert_int_equal(call(&world, "table_grow", 0, 0, 0), 100000);
    world_close(&world);
}

static void a_table_grows_to_its_limit(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    static const struct {
        u32 count;
        u32 result;
    } steps[] = {{WASM_TABLE_ELEMENTS, UINT32_MAX},
                 {WASM_TABLE_ELEMENTS - 2, 1},
                 {2, UINT32_MAX},
                 {1, WASM_TABLE_ELEMENTS - 1},
                 {1, UINT32_MAX},
                 {UINT32_MAX, UINT32_MAX},
                 {0, WASM_TABLE_ELEMENTS}};
    for (u32 i = 0; i < COUNT_OF(steps); i++) {
        i64 fuel = WASM_TABLE_ELEMENTS;
        assert_int_equal(start(&world, "open_table_grow", steps[i].count, 0, 0, &fuel),
                         WASM_RUN_DONE);
        assert_int_equal((u32)world.thread.results[0], steps[i].result);
    }
    world_close(&world);
}

// A table that grows by one again and again is moved now and then only, so that n times cost about
// n; nothing is lost on the way, and what it holds beyond its size is a half of it at most.
static void growing_by_one_costs_by_one(void **state)
{
    (void)state;
    enum { GROWS = 20000 };
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    const struct wasm_table *table = wasm_instance_table(world.instance, OPEN_TABLE);
    i64 spent = 0;
    u32 moves = 0;
    for (u32 i = 1; i < GROWS; i++) {
        const wasm_slot *before = table->elements;
        table->elements[i - 1] = i;
        i64 fuel = SOME;
        assert_int_equal(start(&world, "open_table_grow", 1, 0, 0, &fuel), WASM_RUN_DONE);
        assert_int_equal(world.thread.results[0], i);
        assert_int_equal(table->elements[i], 0);
        assert_in_range(table->room, table->count, table->count + table->count / 2);
        moves += table->elements != before;
        spent += SOME - fuel;
    }
    assert_in_range(spent, GROWS - 1, 2 * GROWS);
    assert_in_range(moves, 2, 32);
    for (u32 i = 0; i + 1 < GROWS; i++) {
        assert_int_equal(table->elements[i], i + 1);
    }
    world_close(&world);
}

// Until it is done it is what it was, also where nothing moves; and one that nobody goes on with
// leaves nothing behind.
static void growth_in_place_is_paid_first(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    const struct wasm_table *table = wasm_instance_table(world.instance, OPEN_TABLE);
    assert_int_equal(call(&world, "open_table_grow", 999, 0, 0), 1);
    assert_int_equal(call(&world, "open_table_grow", 1, 0, 0), 1000);
    assert_int_equal(table->room, 1500);
    const wasm_slot *elements = table->elements;
    for (u32 i = 0; i < 2; i++) { // the first is given up
        i64 fuel = 10;
        assert_int_equal(start(&world, "open_table_grow", 499, 0, 0, &fuel), WASM_RUN_PAUSED);
        assert_int_equal(fuel, 0);
        assert_int_equal(table->count, 1001);
    }
    i64 fuel = SOME;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(SOME - fuel, (499 + 7) / 8 - 10);
    assert_int_equal(world.thread.results[0], 1001);
    assert_int_equal(table->count, 1500);
    assert_ptr_equal(table->elements, elements);
    assert_int_equal(call(&world, "open_table_grow", 1, 0, 0), 1500); // beyond its room
    assert_int_equal(table->room, 2250);
    fuel = 1;
    assert_int_equal(start(&world, "open_table_grow", 100, 0, 0, &fuel), WASM_RUN_PAUSED);
    world_close(&world);
}

// Refuses larger blocks than `limit` bytes.
struct small_memory {
    struct memory memory;
    struct memory *under;
    size_t limit;
};

static void *small_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct small_memory *small = CONTAINER_OF(self, struct small_memory, memory);
    return new_size > small->limit ? NULL
                                   : small->under->resize(small->under, block, old_size, new_size);
}

static void a_table_takes_what_its_owner_can_pay(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    struct small_memory small = {{small_resize}, &world.memory.memory, SIZE_MAX};
    const struct wasm_table *table = wasm_instance_table(world.instance, OPEN_TABLE);
    assert_int_equal(call(&world, "open_table_grow", 999, 0, 0), 1);
    world.store.memory = &small.memory;
    small.limit = 1001 * sizeof(wasm_slot); // not the half that would be wanted
    assert_int_equal(call(&world, "open_table_grow", 1, 0, 0), 1000);
    assert_int_equal(table->room, 1001);
    assert_int_equal(call(&world, "open_table_grow", 1, 0, 0), UINT32_MAX);
    assert_int_equal(table->count, 1001);
    assert_int_equal(call(&world, "open_table_grow", 0, 0, 0), 1001);
    world.store.memory = &world.memory.memory;
    world_close(&world);
}

static void stack_grows_to_its_limit(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, 64 * 1024);
    assert_int_equal(call(&world, "deep", 10, 0, 0), 10);
    assert_true(world.thread.stack_bytes <= WASM_STACK_BYTES_FIRST);
    assert_int_equal(call(&world, "deep", 1000, 0, 0), 1000);
    assert_int_equal(fails(&world, "runaway", 0, 0), TRAP_STACK_EXHAUSTED);
    assert_int_equal(world.thread.stack_bytes, 64 * 1024);
    assert_int_equal(call(&world, "fib", 10, 0, 0), 55); // the thread can be used again
    // The deepest call that fits, and one more.
    u64 depth = 1000;
    i64 fuel = SOME;
    while (start(&world, "deep", depth, 0, 0, &fuel) == WASM_RUN_DONE) {
        depth++;
        fuel = SOME;
    }
    assert_int_equal(world.thread.trap, TRAP_STACK_EXHAUSTED);
    assert_int_equal(call(&world, "deep", depth - 1, 0, 0), depth - 1);
    world_close(&world);
    // A limit below the first frame: the call itself is no error, but it traps.
    world_load(&world, 16);
    assert_int_equal(fails(&world, "many_locals", 0, 0), TRAP_STACK_EXHAUSTED);
    world_close(&world);
}

static void host_calls(void **state)
{
    (void)state;
    struct world world;
    world_load(&world, WASM_STACK_BYTES);
    i64 fuel = SOME;
    assert_int_equal(start(&world, "ask", 5, 1ull << 40, 0, &fuel), WASM_RUN_HOST);
    const struct wasm_host_call *host = &world.thread.host;
    assert_ptr_equal(host->function, &world.host[0]);
    assert_ptr_equal(host->caller, world.instance);
    assert_int_equal(host->slots[0], 5);
    assert_int_equal(host->slots[1], 1ull << 40);
    host->slots[0] = 123;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 1230);

    // The memory may have grown in between.
    assert_int_equal(start(&world, "after_growth", 0, 0, 0, &fuel), WASM_RUN_HOST);
    struct wasm_memory *memory = wasm_instance_memory0(world.instance);
    memory->size_bytes = 2 * WASM_PAGE_BYTES;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 9);

    struct wasm_frame frame;
    assert_int_equal(start(&world, "ask", 1, 1, 0, &fuel), WASM_RUN_HOST);
    wasm_thread_refuse(&world.thread, TRAP_HOST);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
    assert_int_equal(world.thread.trap, TRAP_HOST);
    assert_int_equal(wasm_thread_backtrace(&world.thread, &frame, 1), 1);
    assert_int_equal(run_module.data[frame.offset], 0x10);

    // A host function may be called first.
    wasm_slot arguments[] = {1, 2};
    assert_int_equal(wasm_thread_call(&world.thread, &world.host[0], arguments), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_HOST);
    assert_int_equal(world.thread.host.slots[1], 2);
    world.thread.host.slots[0] = 77;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 77);
    world_close(&world);
}

static void world_load_tail(struct world *world)
{
    enum trap trap;
    struct wasm_extern import = {WASM_FUNCTION, {.function = &world->host[0]}};
    world_open(world, -1, WASM_STACK_BYTES);
    assert_int_equal(translate(world, tail_module, &world->module), ERR_OK);
    assert_int_equal(wasm_instance_create(world->module, &import, &world->store, &world->arena,
                                          &world->instance, &trap, NULL),
                     ERR_OK);
}

// Each turn costs one unit, and a slice may end in any; the stack stays as it was given first.
static void tail_calls_take_no_stack(void **state)
{
    (void)state;
    enum { TURNS = 10000000, SLICE = 999983 };
    struct world world;
    world_load_tail(&world);
    i64 fuel = SLICE;
    i64 spent = 0;
    enum wasm_run status = start(&world, "even", TURNS, 0, 0, &fuel);
    while (status == WASM_RUN_PAUSED) {
        spent += SLICE - fuel;
        fuel = SLICE;
        status = wasm_thread_run(&world.thread, &fuel);
    }
    spent += SLICE - fuel;
    assert_int_equal(status, WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 1);
    assert_int_equal(spent, TURNS);
    assert_true(world.thread.stack_bytes <= WASM_STACK_BYTES_FIRST);
    world_close(&world);
}

static void tail_calls_leave_no_frame(void **state)
{
    (void)state;
    struct world world;
    struct wasm_frame frames[4];
    world_load_tail(&world);
    assert_int_equal(fails(&world, "trap", 1, 0), TRAP_UNREACHABLE);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 2);
    assert_int_equal(tail_module.data[frames[0].offset], 0x00);
    assert_int_equal(tail_module.data[frames[1].offset], 0x10);
    // A host function has no frame: the one that calls it stays until it has answered.
    i64 fuel = SOME;
    assert_int_equal(start(&world, "ask", 5, 6, 0, &fuel), WASM_RUN_HOST);
    assert_int_equal(world.thread.host.slots[0], 5);
    assert_int_equal(world.thread.host.slots[1], 6);
    world.thread.host.slots[0] = 123;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 123);
    assert_int_equal(start(&world, "ask", 5, 6, 0, &fuel), WASM_RUN_HOST);
    wasm_thread_refuse(&world.thread, TRAP_HOST);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 1);
    assert_int_equal(tail_module.data[frames[0].offset], 0x12);
    world_close(&world);
}

static struct wasm_instance *load_client(struct world *world, struct wasm_module **module)
{
    struct wasm_instance *client = NULL;
    enum trap trap;
    struct wasm_extern imports[] = {
        {WASM_FUNCTION, {.function = export(world->instance, "fib")}},
        {WASM_FUNCTION, {.function = export(world->instance, "load")}},
        {WASM_FUNCTION, {.function = export(world->instance, "swap")}},
        {WASM_FUNCTION, {.function = export(world->instance, "runaway")}},
    };
    assert_int_equal(translate(world, client_module, module), ERR_OK);
    assert_int_equal(
        wasm_instance_create(*module, imports, &world->store, &world->arena, &client, &trap, NULL),
        ERR_OK);
    return client;
}

// Calls into another instance use that instance's memory, also when slices end within them.
static void calls_between_instances(void **state)
{
    (void)state;
    struct world world;
    struct wasm_module *module;
    struct wasm_frame frames[4];
    world_load(&world, WASM_STACK_BYTES);
    struct wasm_instance *client = load_client(&world, &module);
    struct wasm_instance *own = world.instance;
    wasm_slot arguments[] = {12, 0x3ff0000000000000};
    for (i64 slice = 1; slice < 4; slice++) {
        assert_int_equal(wasm_thread_call(&world.thread, export(client, "twice"), arguments),
                         ERR_OK);
        enum wasm_run status = WASM_RUN_PAUSED;
        while (status == WASM_RUN_PAUSED) {
            i64 fuel = slice;
            status = wasm_thread_run(&world.thread, &fuel);
        }
        assert_int_equal(status, WASM_RUN_DONE);
        assert_int_equal(world.thread.results[0], 288);
    }
    i64 fuel = SOME;
    wasm_thread_drop(&world.thread); // so that the stack must grow within the call
    assert_int_equal(wasm_thread_call(&world.thread, export(client, "swapped"), arguments), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 0x3ff0000000000000);
    assert_int_equal(world.thread.results[1], 12);

    arguments[0] = 70000; // within the client's memory, beyond the other's
    assert_int_equal(wasm_thread_call(&world.thread, export(client, "theirs"), arguments), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
    assert_int_equal(world.thread.trap, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(wasm_thread_backtrace(&world.thread, frames, COUNT_OF(frames)), 3);
    assert_ptr_equal(frames[1].instance, own);
    assert_ptr_equal(frames[2].instance, client);
    assert_int_equal(client_module.data[frames[2].offset], 0x10);

    assert_int_equal(wasm_thread_call(&world.thread, export(client, "loops"), arguments), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
    assert_int_equal(world.thread.trap, TRAP_STACK_EXHAUSTED);
    wasm_instance_destroy(client);
    world_close(&world);
}

// Where compiled code may take over, slices end at loops, also when what the loop called has taken
// more than was left.
static void slices_end_at_loops(void **state)
{
    (void)state;
    struct world world;
    struct wasm_module *module;
    world_load(&world, WASM_STACK_BYTES);
    struct wasm_instance *client = load_client(&world, &module);
    struct wasm_func *const functions[] = {export(world.instance, "count_to"),
                                           export(world.instance, "forever"),
                                           export(client, "choose")};
    world.thread.stops_at_loops = true;
    for (u32 i = 0; i < COUNT_OF(functions); i++) {
        wasm_slot argument = 1000;
        i64 fuel = 10;
        assert_int_equal(wasm_thread_call(&world.thread, functions[i], &argument), ERR_OK);
        assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_PAUSED);
        assert_int_equal(fuel, 0);
        assert_non_null(wasm_thread_loop(&world.thread));
        fuel = -7; // which counts as none
        assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_PAUSED);
        assert_non_null(wasm_thread_loop(&world.thread));
    }
    wasm_instance_destroy(client);
    world_close(&world);
}

static void imports_are_checked(void **state)
{
    (void)state;
    struct world world;
    struct wasm_instance *instance = NULL;
    enum trap trap;
    struct report report;
    world_load(&world, WASM_STACK_BYTES);
    struct wasm_extern imports[] = {
        {WASM_FUNCTION, {.function = &world.host[0]}},
        {WASM_FUNCTION, {.function = &world.host[0]}}, // should be () -> ()
    };
    report_clear(&report);
    assert_int_equal(wasm_instance_create(world.module, imports, &world.store, &world.arena,
                                          &instance, &trap, &report),
                     ERR_MISMATCH);
    assert_non_null(strstr(report.text, "incompatible import type"));
    assert_non_null(strstr(report.text, "grow"));
    imports[1] =
        (struct wasm_extern){WASM_MEMORY, {.memory = wasm_instance_memory0(world.instance)}};
    assert_int_equal(wasm_instance_create(world.module, imports, &world.store, &world.arena,
                                          &instance, &trap, NULL),
                     ERR_MISMATCH);
    world_close(&world);
}

// Each allocation fails in turn; what was taken is given back.
static void every_allocation_fails(void **state)
{
    (void)state;
    struct world world;
    enum err err = ERR_NO_MEMORY;
    bool is_done = false;
    for (i64 allocations = 0; !is_done; allocations++) {
        wasm_slot argument = 1000;
        i64 fuel = SOME;
        world_open(&world, allocations, WASM_STACK_BYTES);
        err = load(&world);
        if (err == ERR_OK) {
            err = wasm_thread_call(&world.thread, export(world.instance, "deep"), &argument);
        }
        assert_true(err == ERR_OK || err == ERR_NO_MEMORY);
        if (err == ERR_OK) {
            enum wasm_run status = wasm_thread_run(&world.thread, &fuel);
            is_done = status == WASM_RUN_DONE;
            assert_true(is_done || world.thread.trap == TRAP_NO_MEMORY);
        }
        world_close(&world);
    }
}

// What an idle process costs beside its memory: DESIGN.md wants 100,000 of them.
static void instances_are_small(void **state)
{
    (void)state;
    struct world world;
    struct wasm_module *module;
    world_load(&world, WASM_STACK_BYTES);
    u64 before = world.memory.bytes;
    struct arena arena;
    struct wasm_instance *instance;
    enum trap trap;
    struct wasm_extern imports[] = {
        {WASM_FUNCTION, {.function = &world.host[0]}},
        {WASM_FUNCTION, {.function = &world.host[1]}},
    };
    (void)module;
    arena_init(&arena, &world.memory.memory, SIZE_MAX);
    assert_int_equal(
        wasm_instance_create(world.module, imports, &world.store, &arena, &instance, &trap, NULL),
        ERR_OK);
    wasm_slot arguments[] = {1, 1};
    i64 fuel = 10;
    assert_int_equal(wasm_thread_call(&world.thread, export(instance, "ask"), arguments), ERR_OK);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_HOST);
    assert_true(world.memory.bytes - before <= 3072);
    wasm_instance_destroy(instance);
    arena_drop(&arena);
    world_close(&world);
}

// Code without calls and loops spends fuel too, as much by small slices as at once.
static void straight_code_pays(void **state)
{
    (void)state;
    enum { TYPE = 1, FUNCTION = 3, EXPORT = 7, CODE = 10, TIMES = 2000 };
    static struct execute_outcome out;
    static const i64 slices[][2] = {{100000, 1}, {1, 1}, {WASM_FUEL_STRAIGHT, 7}};
    struct wasm_bytes bytes = wasm_bytes_begin();
    put_section(&bytes, TYPE);
    PUT(&bytes, "\x01\x60\x00\x01\x7f");
    end_section(&bytes);
    put_section(&bytes, FUNCTION);
    PUT(&bytes, "\x01\x00");
    end_section(&bytes);
    put_section(&bytes, EXPORT);
    PUT(&bytes, "\x01\x03run\x00\x00");
    end_section(&bytes);
    put_section(&bytes, CODE);
    PUT(&bytes, "\x01");
    size_t body = put_body(&bytes);
    PUT(&bytes, "\x01\x01\x7f");
    for (u32 i = 0; i < TIMES; i++) {
        PUT(&bytes, "\x20\x00\x41\x05\x6a\x41\x03\x6c\x21\x00"); // (local + 5) * 3
    }
    PUT(&bytes, "\x20\x00\x0b");
    end_body(&bytes, body);
    end_section(&bytes);
    u64 fuel = 0;
    for (u32 i = 0; i < COUNT_OF(slices); i++) {
        execute_module(wasm_bytes_span(&bytes), slices[i], 2, 100000, &out);
        assert_int_equal(out.call_count, 1);
        assert_true(out.calls[0].is_done);
        fuel = i == 0 ? out.calls[0].fuel : fuel;
        assert_int_equal(out.calls[0].fuel, fuel);
    }
    assert_in_range(fuel, TIMES / WASM_FUEL_INS, 4 * TIMES / WASM_FUEL_INS);
    wasm_bytes_free(&bytes);
}

// Generated modules end the same way whether they run whole or a single unit of fuel at a time.
static void pausing_changes_nothing(void **state)
{
    (void)state;
    static struct execute_outcome whole;
    static struct execute_outcome sliced;
    static const i64 all[] = {20000};
    static const i64 one[] = {1};
    u64 random = 42;
    u32 ended = 0;
    for (u32 seed = 0; seed < 40; seed++) {
        u8 choices[1500];
        for (size_t i = 0; i < sizeof choices; i++) {
            random = random * 6364136223846793005 + 1442695040888963407;
            choices[i] = (u8)(random >> 56);
        }
        struct wasm_bytes module =
            generate_module(span_of(choices, sizeof choices),
                            GENERATE_VECTORS | GENERATE_TAIL_CALLS | GENERATE_ATOMICS);
        execute_module(wasm_bytes_span(&module), all, 1, all[0], &whole);
        execute_module(wasm_bytes_span(&module), one, 1, all[0], &sliced);
        wasm_bytes_free(&module);
        assert_int_equal(whole.err, ERR_OK);
        assert_memory_equal(&whole, &sliced, sizeof whole);
        for (u32 i = 0; i < whole.call_count; i++) {
            ended += whole.calls[i].is_done;
        }
    }
    assert_true(ended > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_of_calls),
        cmocka_unit_test(loads_of_loads),
        cmocka_unit_test(conditions_behind_loops),
        cmocka_unit_test(halves_of_what_blocks_leave),
        cmocka_unit_test(upper_halves),
        cmocka_unit_test(named_traps),
        cmocka_unit_test(traps_say_where),
        cmocka_unit_test(fuel_is_counted),
        cmocka_unit_test(bulk_in_parts),
        cmocka_unit_test(table_growth_is_paid_first),
        cmocka_unit_test(a_table_grows_to_its_limit),
        cmocka_unit_test(growing_by_one_costs_by_one),
        cmocka_unit_test(growth_in_place_is_paid_first),
        cmocka_unit_test(a_table_takes_what_its_owner_can_pay),
        cmocka_unit_test(stack_grows_to_its_limit),
        cmocka_unit_test(host_calls),
        cmocka_unit_test(tail_calls_take_no_stack),
        cmocka_unit_test(tail_calls_leave_no_frame),
        cmocka_unit_test(calls_between_instances),
        cmocka_unit_test(slices_end_at_loops),
        cmocka_unit_test(imports_are_checked),
        cmocka_unit_test(every_allocation_fails),
        cmocka_unit_test(instances_are_small),
        cmocka_unit_test(straight_code_pays),
        cmocka_unit_test(pausing_changes_nothing),
    };
    return cmocka_run_group_tests(tests, read_modules, NULL);
}
