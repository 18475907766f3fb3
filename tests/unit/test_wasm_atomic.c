// SPDX-License-Identifier: GPL-3.0-or-later
// A shared memory in the interpreter, with several threads of the machine: nothing that one adds is
// lost, growth is seen, and how waiting leaves the engine. What each instruction computes is
// checked by the official tests (make test-spec-beyond) and against the compiler (tests/diff).
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/wasm/atomic.h"
#include "core/wasm/code.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/thread.h"
#include "tests/unit/support.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { PAGES = 3, MODULE_BYTES = 4096, THREADS = 4, TIMES = 20000 };

static u8 module_bytes[MODULE_BYTES];
static struct span module_span;
static struct wasm_memory memory; // that all worlds share
static struct wasm_memory other;  // the same, of one page

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    (void)pages;
    assert_true(*pages_max >= PAGES);
    *base = calloc(PAGES, WASM_PAGE_BYTES);
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    (void)base;
    assert_true(pages_old < pages_new);
    return ERR_OK;
}

static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    (void)self;
    assert_true(pages <= pages_max);
    free(base);
}

static struct wasm_store store = {memory_create, memory_grow, memory_destroy, NULL};

static int setup(void **state)
{
    (void)state;
    FILE *file = fopen("build/test/wasm/atomic.wasm", "rb");
    assert_non_null(file);
    module_span = span_of(module_bytes, fread(module_bytes, 1, MODULE_BYTES, file));
    fclose(file);
    struct wasm_limits limits = {.min = 1, .max = PAGES, .has_max = true, .is_shared = true};
    assert_int_equal(wasm_memory_create(&memory, &limits, &store), ERR_OK);
    assert_int_equal(wasm_memory_create(&other, &limits, &store), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    wasm_memory_destroy(&memory);
    wasm_memory_destroy(&other);
    return 0;
}

// ---- one thread of the machine, with an instance of its own

struct world {
    struct test_memory heap;
    struct wasm_store store;
    struct arena arena;
    struct wasm_instance *instance;
    struct wasm_thread thread;
};

static void world_open(struct world *world)
{
    *world = (struct world){.heap = test_memory_over_malloc(-1), .store = store};
    world->store.memory = &world->heap.memory;
    arena_init(&world->arena, &world->heap.memory, SIZE_MAX);
    struct arena scratch;
    arena_init(&scratch, &world->heap.memory, SIZE_MAX);
    struct wasm_load load;
    struct report report;
    report_clear(&report);
    wasm_load_begin(&load, module_span, WASM_THREADS | WASM_MULTI_MEMORY, &world->arena, &scratch);
    i64 work = INT64_MAX;
    assert_int_equal(wasm_load_step(&load, &work, &report), ERR_OK);
    arena_drop(&scratch);
    const struct wasm_extern imports[] = {{WASM_MEMORY, {.memory = &memory}},
                                          {WASM_MEMORY, {.memory = &memory}},
                                          {WASM_MEMORY, {.memory = &other}}};
    enum trap trap;
    assert_int_equal(wasm_instance_create(load.module, imports, &world->store, &world->arena,
                                          &world->instance, &trap, &report),
                     ERR_OK);
    wasm_thread_init(&world->thread, &world->store, WASM_STACK_BYTES);
}

static void world_close(struct world *world)
{
    wasm_thread_drop(&world->thread);
    wasm_instance_destroy(world->instance);
    arena_drop(&world->arena);
    assert_int_equal(world->heap.blocks, 0);
}

static enum wasm_run start(struct world *world, const char *name, u64 a, u64 b, u64 c)
{
    struct wasm_extern function;
    const wasm_slot args[] = {a, b, c};
    i64 fuel = INT64_MAX;
    assert_int_equal(wasm_instance_export(world->instance, span_string(name), &function), ERR_OK);
    assert_int_equal(wasm_thread_call(&world->thread, function.function, args), ERR_OK);
    return wasm_thread_run(&world->thread, &fuel);
}

static u32 result_of(struct world *world, const char *name, u64 a)
{
    enum wasm_run run;
    while ((run = start(world, name, a, 0, 0)) == WASM_RUN_PAUSED) {
    }
    assert_int_equal(run, WASM_RUN_DONE);
    return (u32)world->thread.results[0];
}

// ---- several at once

static void *add(void *unused)
{
    (void)unused;
    struct world world;
    world_open(&world);
    (void)result_of(&world, "add", TIMES);
    world_close(&world);
    return NULL;
}

static void *await_growth(void *unused)
{
    (void)unused;
    struct world world;
    world_open(&world);
    u32 found = result_of(&world, "await_growth", PAGES);
    world_close(&world);
    return (void *)(uintptr_t)found;
}

static void run_all(void *(*run)(void *unused), void **results)
{
    pthread_t threads[THREADS];
    for (u32 i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, run, NULL), 0);
    }
    for (u32 i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &results[i]);
    }
}

static void nothing_that_is_added_is_lost(void **state)
{
    (void)state;
    void *results[THREADS];
    run_all(add, results);
    assert_int_equal(*(u32 *)(void *)(memory.base + 8), THREADS * TIMES);
}

// The slice of each began when the memory was smaller.
static void growth_is_seen_within_a_slice(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    mem_store_u32(memory.base + PAGES * WASM_PAGE_BYTES - 4, 42);
    for (u32 i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, await_growth, NULL), 0);
    }
    struct timespec pause = {0, 20000000}; // so that they have begun
    (void)nanosleep(&pause, NULL);
    struct world world;
    world_open(&world);
    assert_int_equal(result_of(&world, "grow_all", 0), PAGES - 1);
    world_close(&world);
    for (u32 i = 0; i < THREADS; i++) {
        void *found;
        pthread_join(threads[i], &found);
        assert_int_equal((uintptr_t)found, 42);
    }
}

// While somebody grows it, others try again.
static void growth_is_tried_again(void **state)
{
    (void)state;
    u32 before;
    memory.is_growing = 1;
    assert_int_equal(wasm_memory_grow(&memory, 0, &before), ERR_PAUSED);
    struct world world;
    world_open(&world);
    assert_int_equal(start(&world, "grow_all", 0, 0, 0), WASM_RUN_PAUSED);
    i64 fuel = WASM_FUEL_GROW * 10;
    for (u32 tries = 0; fuel > 0; tries++) { // which is paid for: not for ever in one slice
        assert_in_range(tries, 0, 10);
        assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_PAUSED);
    }
    memory.is_growing = 0;
    fuel = INT64_MAX;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    world_close(&world);
    assert_int_equal(wasm_memory_grow(&memory, 0, &before), ERR_OK);
    assert_int_equal(wasm_memory_grow(&memory, PAGES + 1 - before, &before), ERR_LIMIT);
}

// ---- waiting

static void waiting_leaves_as_a_host_call(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    mem_store_u32(memory.base + 20, 7);
    assert_int_equal(start(&world, "wait32", 16, 7, 123), WASM_RUN_HOST);
    struct wasm_host_call *host = &world.thread.host;
    enum wasm_wait kind;
    assert_true(wasm_wait_kind(host->function, &kind));
    assert_int_equal(kind, WASM_WAIT_32);
    assert_ptr_equal(host->caller, world.instance);
    assert_int_equal(host->slots[0], 20);
    assert_int_equal(host->slots[2], 123);
    assert_true(wasm_wait_is_equal(&memory, kind, host->slots));
    mem_store_u32(memory.base + 20, 8);
    assert_false(wasm_wait_is_equal(&memory, kind, host->slots));
    host->slots[0] = WASM_TIMED_OUT;
    i64 fuel = INT64_MAX;
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_DONE);
    assert_int_equal(world.thread.results[0], 16 * 1000 + WASM_TIMED_OUT);
    assert_int_equal(start(&world, "notify", 24, 5, 0), WASM_RUN_HOST);
    assert_true(wasm_wait_kind(host->function, &kind) && kind == WASM_WAIT_NOTIFY);
    wasm_thread_refuse(&world.thread, TRAP_HOST);
    assert_int_equal(wasm_thread_run(&world.thread, &fuel), WASM_RUN_TRAPPED);
    world_close(&world);
}

// The memory is told, not its index.
static void waiting_is_in_the_memory_that_is_named(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    const struct wasm_host_call *host = &world.thread.host;
    static const struct {
        const char *name;
        struct wasm_memory *memory;
        u32 address;
        enum wasm_wait kind;
    } cases[] = {
        {"wait32", &memory, 20, WASM_WAIT_32},          {"wait32_again", &memory, 20, WASM_WAIT_32},
        {"wait32_other", &other, 16, WASM_WAIT_32},     {"wait64_other", &other, 16, WASM_WAIT_64},
        {"notify_other", &other, 16, WASM_WAIT_NOTIFY},
    };
    mem_store_u64(memory.base + 16, 0x500000005);
    mem_store_u64(other.base + 16, 7);
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        u64 expected = cases[i].memory == &other ? 7 : 5;
        assert_int_equal(start(&world, cases[i].name, 16, expected, 0), WASM_RUN_HOST);
        enum wasm_wait kind;
        assert_true(wasm_wait_kind(host->function, &kind));
        assert_int_equal(kind, cases[i].kind);
        assert_ptr_equal(host->wait_memory, cases[i].memory);
        assert_int_equal(host->slots[0], cases[i].address);
        if (kind != WASM_WAIT_NOTIFY) {
            assert_true(wasm_wait_is_equal(host->wait_memory, kind, host->slots));
        }
    }
    world_close(&world);
}

static void expect_trap(struct world *world, const char *name, u64 a, enum trap trap)
{
    assert_int_equal(start(world, name, a, 0, 0), WASM_RUN_TRAPPED);
    assert_int_equal(world->thread.trap, trap);
}

static void where_nobody_can_wait(void **state)
{
    (void)state;
    struct world world;
    world_open(&world);
    u64 end = wasm_memory_bytes(&memory);
    expect_trap(&world, "wait32", 2, TRAP_UNALIGNED_ATOMIC);
    expect_trap(&world, "wait64", 4, TRAP_UNALIGNED_ATOMIC);
    expect_trap(&world, "notify", 1, TRAP_UNALIGNED_ATOMIC);
    expect_trap(&world, "wait32", end - 4, TRAP_MEMORY_OUT_OF_BOUNDS);
    expect_trap(&world, "notify", end, TRAP_MEMORY_OUT_OF_BOUNDS);
    expect_trap(&world, "wait32", 0xfffffffc, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(start(&world, "wait32", end - 8, 0, 0), WASM_RUN_HOST); // the last place
    assert_true(wasm_memory_bytes(&other) < end);                            // and its size counts
    expect_trap(&world, "wait32_other", WASM_PAGE_BYTES, TRAP_MEMORY_OUT_OF_BOUNDS);
    expect_trap(&world, "wait64_other", WASM_PAGE_BYTES - 4, TRAP_UNALIGNED_ATOMIC);
    expect_trap(&world, "notify_other", WASM_PAGE_BYTES, TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(start(&world, "wait64_other", WASM_PAGE_BYTES - 8, 0, 0), WASM_RUN_HOST);
    other.limits.is_shared = false;
    expect_trap(&world, "wait32_other", 0, TRAP_UNSHARED_WAIT);
    expect_trap(&world, "wait64_other", 0, TRAP_UNSHARED_WAIT);
    assert_int_equal(start(&world, "notify_other", 0, 1, 0), WASM_RUN_HOST);
    other.limits.is_shared = true;
    memory.limits.is_shared = false;
    expect_trap(&world, "wait32", 0, TRAP_UNSHARED_WAIT);
    expect_trap(&world, "wait64", 0, TRAP_UNSHARED_WAIT);
    assert_int_equal(start(&world, "notify", 0, 1, 0), WASM_RUN_HOST);
    memory.limits.is_shared = true;
    assert_int_equal(start(&world, "fence", 0, 0, 0), WASM_RUN_DONE);
    world_close(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_that_is_added_is_lost),
        cmocka_unit_test(growth_is_seen_within_a_slice),
        cmocka_unit_test(growth_is_tried_again),
        cmocka_unit_test(waiting_leaves_as_a_host_call),
        cmocka_unit_test(waiting_is_in_the_memory_that_is_named),
        cmocka_unit_test(where_nobody_can_wait),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
