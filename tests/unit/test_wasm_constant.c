// SPDX-License-Identifier: GPL-3.0-or-later
// Do constant expressions of several instructions keep the promises of core/wasm/constant.h, from
// the file to what an instance holds? Each module is loaded, and each instance made, in the
// smallest portions there are.
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/unit/calloc_store.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 1 << 20, IMPORTED_VALUE = 1000 };

struct world {
    struct test_memory memory;
    struct wasm_store store;
    struct arena arena;
    struct wasm_module *module;
    struct wasm_instance *instance;
    struct report report;
};

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    return calloc_memory_take(pages, pages, pages_max, base);
}

static enum err load(struct world *world, const struct wasm_bytes *bytes, u32 features)
{
    *world = (struct world){
        .memory = test_memory_over_malloc(-1),
        .store = {.memory_create = memory_create, .memory_destroy = calloc_memory_destroy},
    };
    world->store.memory = &world->memory.memory;
    arena_init(&world->arena, &world->memory.memory, SIZE_MAX);
    struct arena scratch;
    arena_init(&scratch, &world->memory.memory, SIZE_MAX);
    struct wasm_load progress;
    wasm_load_begin(&progress, wasm_bytes_span(bytes), features, &world->arena, &scratch);
    enum err err = ERR_PAUSED;
    for (u32 i = 0; i < STEPS && err == ERR_PAUSED; i++) {
        i64 work = 1;
        err = wasm_load_step(&progress, &work, &world->report);
    }
    world->module = progress.module;
    arena_drop(&scratch);
    return err;
}

static void instantiate(struct world *world)
{
    struct wasm_global imported = {.value = {IMPORTED_VALUE}, .type = {.type = WASM_I32}};
    struct wasm_extern import = {WASM_GLOBAL, {.global = &imported}};
    struct wasm_making making;
    enum trap trap;
    enum err err = wasm_making_begin(&making, world->module, &import, &world->store, &world->arena,
                                     &world->report);
    assert_int_equal(err, ERR_OK);
    err = ERR_PAUSED;
    for (u32 i = 0; i < STEPS && err == ERR_PAUSED; i++) {
        i64 work = 1;
        err = wasm_making_step(&making, &work, &world->instance, &trap, &world->report);
    }
    assert_int_equal(err, ERR_OK);
}

static void close_world(struct world *world)
{
    if (world->instance != NULL) {
        wasm_instance_destroy(world->instance);
    }
    arena_drop(&world->arena);
    assert_int_equal(world->memory.blocks, 0);
}

// Imports an i32 as global 0; globals of `type` follow, one for each text.
static struct wasm_bytes with_globals(u8 type, const char *const *texts, const u32 *sizes,
                                      u32 count)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 2);
    PUT(&b, "\x01\x01m\x01g\x03\x7f\x00");
    end_section(&b);
    put_section(&b, 6);
    put_u32(&b, count);
    for (u32 i = 0; i < count; i++) {
        put_u8(&b, type);
        put_u8(&b, 0);
        put_bytes(&b, texts[i], sizes[i]);
    }
    end_section(&b);
    return b;
}

static void sums_are_computed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 size;
        u8 type;
        u64 expected;
    } cases[] = {
        {"\x41\x07\x41\x03\x6a\x0b", 6, WASM_I32, 10},
        {"\x41\x03\x41\x07\x6b\x0b", 6, WASM_I32, 0xfffffffc},
        {"\x41\x7f\x41\x07\x6c\x0b", 6, WASM_I32, 0xfffffff9},
        {"\x23\x00\x41\x07\x6c\x41\x01\x6b\x0b", 9, WASM_I32, 6999},
        {"\x41\x01\x23\x00\x41\x7f\x6a\x6b\x0b", 9, WASM_I32, 0xfffffc1a}, // 1 - 999
        {"\x23\x00\x23\x00\x6a\x23\x00\x6a\x0b", 9, WASM_I32, 3000},
        {"\x42\x07\x42\x03\x7c\x0b", 6, WASM_I64, 10},
        {"\x42\x03\x42\x07\x7d\x0b", 6, WASM_I64, 0xfffffffffffffffc},
        {"\x42\x7f\x42\x07\x7e\x0b", 6, WASM_I64, 0xfffffffffffffff9},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct world world;
        struct wasm_bytes b = with_globals(cases[i].type, &cases[i].text, &cases[i].size, 1);
        assert_int_equal(load(&world, &b, WASM_EXTENDED_CONST), ERR_OK);
        instantiate(&world);
        assert_int_equal(wasm_instance_global(world.instance, 1)->value[0], cases[i].expected);
        close_world(&world);
        wasm_bytes_free(&b);
    }
}

static void globals_that_stand_before(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\x23\x00\x0b",             // the imported one
        "\x23\x01\x41\x05\x6a\x0b", // the first of its own, and 5
        "\x23\x02\x23\x02\x6c\x41\x01\x6b\x0b",
    };
    static const u32 sizes[] = {3, 6, 9};
    struct world world;
    struct wasm_bytes b = with_globals(WASM_I32, texts, sizes, 3);
    assert_int_equal(load(&world, &b, WASM_EXTENDED_CONST), ERR_OK);
    instantiate(&world);
    assert_int_equal(wasm_instance_global(world.instance, 1)->value[0], 1000);
    assert_int_equal(wasm_instance_global(world.instance, 2)->value[0], 1005);
    assert_int_equal(wasm_instance_global(world.instance, 3)->value[0], 1005 * 1005 - 1);
    close_world(&world);
    wasm_bytes_free(&b);
}

static void what_is_refused_and_how(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u32 size;
        u32 features;
        const char *words;
    } cases[] = {
        {"\x41\x07\x41\x03\x6a\x0b", 6, 0, "constant expression required"},
        {"\x41\x07\x41\x03\x0b", 5, 0, "type mismatch: a constant expression gives one value"},
        {"\x41\x07\x41\x03\x0b", 5, 1, "type mismatch: a constant expression gives one value"},
        {"\x0b", 1, 1, "type mismatch: a constant expression gives one value"},
        {"\x6a\x0b", 2, 1, "type mismatch: an operand of a constant"},
        {"\x41\x07\x6a\x0b", 4, 1, "type mismatch: an operand of a constant"},
        {"\x41\x07\x42\x07\x6a\x0b", 6, 1, "type mismatch: an operand of a constant"},
        {"\x42\x07\x42\x07\x7c\x0b", 6, 1, "type mismatch: the wrong constant"},
        {"\x41\x07\x41\x03\x6d\x0b", 6, 1, "constant expression required"}, // a division
        {"\x23\x01\x0b", 3, 1, "unknown global 1"},                         // itself
        {"\x23\x01\x41\x03\x6a\x0b", 6, 1, "unknown global 1"},
        {"\x41\x03\x23\x07\x6a\x0b", 6, 1, "unknown global 7"},
        {"\x41\x03\xd2\x07\x6a\x0b", 6, 1, "unknown function 7"},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct world world;
        struct wasm_bytes b = with_globals(WASM_I32, &cases[i].text, &cases[i].size, 1);
        u32 features = cases[i].features != 0 ? WASM_EXTENDED_CONST : WASM_FEATURES_2_0;
        assert_int_equal(load(&world, &b, features), ERR_INVALID);
        assert_string_equal(world.report.text, cases[i].words);
        close_world(&world);
        wasm_bytes_free(&b);
    }
}

static void core_2_0_reads_imported_globals_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {"\x23\x00\x0b", "\x23\x01\x0b"};
    static const u32 sizes[] = {3, 3};
    struct world world;
    struct wasm_bytes b = with_globals(WASM_I32, texts, sizes, 2);
    assert_int_equal(load(&world, &b, WASM_FEATURES_2_0), ERR_INVALID);
    assert_string_equal(world.report.text, "unknown global 1");
    close_world(&world);
    wasm_bytes_free(&b);
}

// The imported global `depth` times, then as many additions as that takes.
static struct wasm_bytes with_depth(u32 depth)
{
    struct wasm_bytes text = wasm_bytes_begin();
    size_t start = text.size;
    for (u32 i = 0; i < depth; i++) {
        PUT(&text, "\x23\x00");
    }
    put_run(&text, 0x6a, depth - 1);
    PUT(&text, "\x0b");
    const char *bytes = (const char *)text.data + start;
    u32 size = (u32)(text.size - start);
    struct wasm_bytes b = with_globals(WASM_I32, &bytes, &size, 1);
    wasm_bytes_free(&text);
    return b;
}

static void depth_is_limited(void **state)
{
    (void)state;
    for (u32 beyond = 0; beyond < 2; beyond++) {
        struct world world;
        struct wasm_bytes b = with_depth(WASM_CONST_DEPTH + beyond);
        enum err err = load(&world, &b, WASM_EXTENDED_CONST);
        assert_int_equal(err, beyond ? ERR_LIMIT : ERR_OK);
        if (beyond) {
            assert_string_equal(world.report.text, "a constant expression is too deep");
        } else {
            instantiate(&world);
            assert_int_equal(wasm_instance_global(world.instance, 1)->value[0],
                             IMPORTED_VALUE * WASM_CONST_DEPTH);
        }
        close_world(&world);
        wasm_bytes_free(&b);
    }
}

// A memory or a table, and a segment whose offset has WASM_CONST_BYTES bytes and more: 1 + 0 * the
// global + ... It is longer than a portion of work, and must not be begun again for ever.
static struct wasm_bytes with_long_offset(bool is_data)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 2);
    PUT(&b, "\x01\x01m\x01g\x03\x7f\x00");
    end_section(&b);
    put_section(&b, is_data ? 5 : 4);
    put_bytes(&b, is_data ? "\x01\x00\x01" : "\x01\x70\x00\x04", is_data ? 3 : 4);
    end_section(&b);
    put_section(&b, is_data ? 11 : 9);
    PUT(&b, "\x01");
    put_u8(&b, is_data ? 0 : 4);
    PUT(&b, "\x41\x01");
    for (u32 size = 2; size + 6 <= WASM_CONST_BYTES; size += 6) {
        PUT(&b, "\x41\x00\x23\x00\x6c\x6a");
    }
    PUT(&b, "\x0b");
    put_bytes(&b, is_data ? "\x02xy" : "\x02\xd0\x70\x0b\xd0\x70\x0b", is_data ? 3 : 7);
    end_section(&b);
    return b;
}

static void offsets_may_be_sums(void **state)
{
    (void)state;
    for (u32 is_data = 0; is_data < 2; is_data++) {
        struct world world;
        struct wasm_bytes b = with_long_offset(is_data);
        assert_int_equal(load(&world, &b, WASM_EXTENDED_CONST), ERR_OK);
        instantiate(&world);
        if (is_data) {
            assert_memory_equal(wasm_instance_memory(world.instance, 0)->base, "\0xy", 4);
        }
        close_world(&world);
        wasm_bytes_free(&b);
    }
}

static void items_of_segments_are_no_sums(void **state)
{
    (void)state;
    struct world world;
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 9);
    PUT(&b, "\x01\x05\x70\x01\x41\x01\x41\x02\x6a\x0b"); // passive
    end_section(&b);
    assert_int_equal(load(&world, &b, WASM_EXTENDED_CONST), ERR_INVALID);
    assert_string_equal(world.report.text, "type mismatch: a constant expression gives one value");
    close_world(&world);
    wasm_bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_computed),
        cmocka_unit_test(globals_that_stand_before),
        cmocka_unit_test(what_is_refused_and_how),
        cmocka_unit_test(core_2_0_reads_imported_globals_alone),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(offsets_may_be_sums),
        cmocka_unit_test(items_of_segments_are_no_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
