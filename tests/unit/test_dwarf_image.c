// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/dwarf/image.h keep its promises: places become registers where expressions are, and
// nowhere else; functions without an entry get one; limits, each allocation failing, and damage at
// every byte? Whether debuggers understand it is the question of tests/hosted/test_lldb.py.
#include "core/base/arena.h"
#include "core/base/compiler.h"
#include "lib/dwarf/dwarf.h"
#include "lib/dwarf/image.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { EXPRESSION_BYTES = 32, ARENA_BYTES = 1 << 24 };

static struct dwarf_scratch scratch;
static struct test_memory memory;
static struct arena arena;
static struct dwarf_image image;

static enum err make(const struct wasm_bytes *module)
{
    memory = test_memory_over_malloc(-1);
    arena_init(&arena, &memory.memory, ARENA_BYTES);
    image = (struct dwarf_image){0};
    memset(&scratch, 0xaa, sizeof scratch); // nothing is taken over from before
    return dwarf_image_make(wasm_bytes_span(module), &scratch, &arena, &image);
}

static void drop(struct wasm_bytes *module)
{
    arena_drop(&arena);
    assert_int_equal(memory.blocks, 0);
    wasm_bytes_free(module);
}

// The image of a module with one section besides its code, in which `expression` stands at the end.
// Returns where that is.
static size_t with_expression(struct wasm_bytes *module, const char *section, struct span before,
                              struct span expression)
{
    *module = wasm_bytes_begin();
    put_section(module, 0);
    put_name(module, section);
    put_bytes(module, before.data, before.size);
    put_bytes(module, expression.data, expression.size);
    end_section(module);
    size_t at = module->size - expression.size;
    assert_int_equal(make(module), ERR_OK);
    return at;
}

static void expect_rewritten(struct span expression, struct span wanted, u32 register_count)
{
    static const u8 pair[] = {1, 0, 0, 0, 2, 0, 0, 0};
    u8 old[sizeof pair + 2];
    memcpy(old, pair, sizeof pair);
    old[sizeof pair] = (u8)expression.size;
    old[sizeof pair + 1] = 0;
    struct wasm_bytes module;
    size_t at = with_expression(&module, ".debug_loc", span_of(old, sizeof old), expression);
    assert_memory_equal(image.bytes.data + at, wanted.data, wanted.size);
    assert_int_equal(image.register_count, register_count);
    assert_memory_equal(image.bytes.data, module.data, at);
    drop(&module);
}

static void places_become_registers(void **state)
{
    (void)state;
    static const struct {
        u8 size;
        u32 register_count;
        u8 from[EXPRESSION_BYTES];
        u8 to[EXPRESSION_BYTES];
    } cases[] = {
        {4, 1, {0xed, 0, 0, 0x9f}, {0x92, 0, 0, 0x9f}},
        {3, 96, {0xed, 0, 95}, {0x92, 95, 0}},
        {3, 0, {0xed, 0, 96}, {0xed, 0, 96}}, // has no number of one byte
        {4, 129, {0xed, 0, 0x80, 1}, {0x92, 0x80, 1, 0}},
        {4, DWARF_REGISTERS, {0xed, 0, 0xff, 0x0f}, {0x92, 0xff, 0x0f, 0}},
        {4, 0, {0xed, 0, 0x80, 0x10}, {0xed, 0, 0x80, 0x10}}, // beyond DWARF_REGISTERS
        {5, 6, {0xed, 0, 0x85, 0x80, 0}, {0x92, 0x85, 0x80, 0, 0}},
        {3, 97, {0xed, 2, 0}, {0x92, 96, 0}},
        {3, 128, {0xed, 2, 31}, {0x92, 127, 0}},
        {3, 0, {0xed, 2, 32}, {0xed, 2, 32}},
        {7, 0, {0xed, 3, 0, 0, 0, 0, 0x9f}, {0x92, 0x82, 0x80, 0xc0, 0, 0, 0x9f}},
        {6, 0, {0xed, 3, 3, 0, 0, 0}, {0x92, 0x85, 0x80, 0xc0, 0, 0}},
        {6, 0, {0xed, 3, 4, 0, 0, 0}, {0xed, 3, 4, 0, 0, 0}}, // beyond DWARF_GLOBALS
        {3, 0, {0xed, 1, 0}, {0xed, 1, 0}},                   // a global, in one byte
        {3, 0, {0xed, 4, 0}, {0xed, 4, 0}},                   // no kind that there is
        // Behind operands that look like the operator, with each kind of operand.
        {5, 1, {0x08, 0xed, 0xed, 0, 0}, {0x08, 0xed, 0x92, 0, 0}},
        {6, 1, {0x0a, 0xed, 0, 0xed, 0, 0}, {0x0a, 0xed, 0, 0x92, 0, 0}},
        {8, 1, {0x03, 0xed, 0, 0, 0, 0xed, 0, 0}, {0x03, 0xed, 0, 0, 0, 0x92, 0, 0}},
        {12,
         1,
         {0x0e, 0xed, 0, 0, 0, 0, 0, 0, 0, 0xed, 0, 0},
         {0x0e, 0xed, 0, 0, 0, 0, 0, 0, 0, 0x92}},
        {6, 1, {0x10, 0xed, 0, 0xed, 0, 0}, {0x10, 0xed, 0, 0x92, 0, 0}},
        {7, 1, {0x92, 0xed, 0, 0, 0xed, 0, 0}, {0x92, 0xed, 0, 0, 0x92, 0, 0}},
        {8, 1, {0x9e, 3, 0xed, 0, 0, 0xed, 0, 0}, {0x9e, 3, 0xed, 0, 0, 0x92, 0, 0}},
        {8, 1, {0xa3, 3, 0xed, 0, 0, 0xed, 0, 0}, {0xa3, 3, 0xed, 0, 0, 0x92, 0, 0}},
        {6, 1, {0xa6, 4, 0, 0xed, 0, 0}, {0xa6, 4, 0, 0x92, 0, 0}},
        {9, 1, {0xa0, 0xed, 0, 0, 0, 0, 0xed, 0, 0}, {0xa0, 0xed, 0, 0, 0, 0, 0x92}},
        {7, 1, {0xa4, 0, 1, 0xed, 0xed, 0, 0}, {0xa4, 0, 1, 0xed, 0x92, 0, 0}},
        {6, 2, {0xed, 0, 1, 0xed, 0, 0}, {0x92, 1, 0, 0x92, 0, 0}},
        // What cannot be read ends it.
        {4, 0, {0xff, 0xed, 0, 0}, {0xff, 0xed, 0, 0}},
        {5, 1, {0xed, 0, 0, 0xed, 0}, {0x92, 0, 0, 0xed, 0}},
        {4, 0, {0x9e, 9, 0xed, 0}, {0x9e, 9, 0xed, 0}},
        {4, 0, {0xed, 3, 0, 0}, {0xed, 3, 0, 0}},
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        expect_rewritten(span_of(cases[i].from, cases[i].size), span_of(cases[i].to, cases[i].size),
                         cases[i].register_count);
    }
}

static void lists_of_both_versions(void **state)
{
    (void)state;
    static const u8 old[] = {
        0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0,                   // a base
        1,    0,    0,    0,    2, 0, 0, 0, 3, 0, 0xed, 0, 7, // an entry
        0,    0,    0,    0,    0, 0, 0, 0,                   // the end
        1,    0,    0,    0,    2, 0, 0, 0, 3, 0,
    };
    static const u8 recent[] = {
        3,    0,    0,    0, 5,    0, 4, // one that is too short
        76,   0,    0,    0, 5,    0, 4, 0,    1, 0, 0,    0, 0xed,
        0xed, 0xed, 0xed,                                        // a head, an offset
        1,    0,                                                 // base by index
        2,    0,    1,    3, 0xed, 0, 1,                         // two indices
        3,    0,    1,    3, 0xed, 0, 2,                         // index and length
        4,    0,    1,    3, 0xed, 0, 3,                         // offsets
        5,    3,    0xed, 0, 4,                                  // default
        6,    0,    0,    0, 0,                                  // base
        7,    0,    0,    0, 0,    0, 0, 0,    0, 3, 0xed, 0, 5, // two addresses
        8,    0,    0,    0, 0,    1, 3, 0xed, 0, 6,             // address and length
        0,    4,    0,    1, 3,
    };
    static const u8 expression[] = {0xed, 0, 8};
    static const u8 wanted[] = {0x92, 8, 0};
    struct wasm_bytes module;
    size_t at = with_expression(&module, ".debug_loc", span_of(old, sizeof old),
                                span_of(expression, sizeof expression));
    assert_memory_equal(image.bytes.data + at, wanted, sizeof wanted);
    assert_int_equal(image.bytes.data[at - 21], 0x92);
    assert_int_equal(image.register_count, 9);
    drop(&module);
    at = with_expression(&module, ".debug_loclists", span_of(recent, sizeof recent),
                         span_of(expression, sizeof expression));
    assert_memory_equal(image.bytes.data + at, wanted, sizeof wanted);
    u32 changed = 0;
    for (size_t i = 0; i < module.size; i++) {
        changed += image.bytes.data[i] == 0x92;
    }
    assert_int_equal(changed, 7);
    drop(&module);
}

// ---- functions

enum { CODE_BYTES = 1 + 3 * 5 }; // three bodies of four bytes and their sizes

// Two functions are imported beside one of everything else; three are defined, of which the second
// has an entry, whose base is in a local.
static struct wasm_bytes functions(void)
{
    static const u8 abbrev[] = {1,    0x11, 1,    0,    0, //
                                2,    0x2e, 0,    0x03, 0x08, 0x11, 0x01,
                                0x12, 0x0b, 0x40, 0x18, 0,    0,    0};
    static const u8 info[] = {26, 0,    0,   0,   4,    0,   0, 0, 0, 0, 4, 1, //
                              2,  'k',  'n', 'o', 'w',  'n', 0, 7, 0, 0, 0, 4,
                              4,  0xed, 0,   1,   0x9f, 0};
    struct wasm_bytes module = wasm_bytes_begin();
    put_section(&module, 2);
    PUT(&module, "\6\1a\1f\0\0"       // a function
                 "\1a\1t\1\x70\1\1\2" // a table with a limit
                 "\1a\1r\1\x63\0\0\1" // one of references to a type
                 "\1a\1m\2\0\1"       // a memory
                 "\1a\1g\3\x7f\0"     // a global
                 "\1a\1g\0\0");       // a function
    end_section(&module);
    put_section(&module, 10);
    PUT(&module, "\3\4\0\1\1\x0b\4\0\1\1\x0b\4\0\1\1\x0b");
    end_section(&module);
    put_section(&module, 0);
    put_name(&module, ".debug_abbrev");
    put_bytes(&module, abbrev, sizeof abbrev);
    end_section(&module);
    put_section(&module, 0);
    put_name(&module, ".debug_info");
    put_bytes(&module, info, sizeof info);
    end_section(&module);
    put_section(&module, 0);
    put_name(&module, "name");
    PUT(&module, "\0\2\1x"                          // the module's
                 "\1\x11\3\0\1f\2\5first\3\4next"); // of functions 0, 2 and 3
    end_section(&module);
    return module;
}

static void expect_function(u64 at, const char *name)
{
    struct dwarf dwarf;
    struct dwarf_place place;
    i64 work = DWARF_WORK;
    assert_int_equal(dwarf_open(image.bytes, &dwarf), ERR_NOT_FOUND); // it has no lines
    assert_int_equal(dwarf.code_size, CODE_BYTES);
    u32 count = dwarf_find(&dwarf, dwarf.code_start + at, &scratch, &work, &place, 1);
    assert_int_equal(count, name == NULL ? 0 : 1);
    if (name != NULL) {
        assert_int_equal(place.function.size, strlen(name));
        assert_memory_equal(place.function.data, name, strlen(name));
    }
}

static void functions_get_entries(void **state)
{
    (void)state;
    struct wasm_bytes module = functions();
    assert_int_equal(make(&module), ERR_OK);
    assert_int_equal(image.register_count, 2);
    expect_function(1, NULL); // the size of a body is not of it
    expect_function(2, "first");
    expect_function(5, "first");
    expect_function(7, "known");
    expect_function(10, "known");
    expect_function(12, "wasm-function[4]");
    expect_function(15, "wasm-function[4]");
    drop(&module);
}

// The image is a module, of the same sections and one of each that is again there.
static void images_are_modules(void **state)
{
    (void)state;
    static const char *const again[] = {".debug_abbrev", ".debug_ranges", ".debug_info",
                                        ".debug_frame"};
    struct wasm_bytes module = functions();
    assert_int_equal(make(&module), ERR_OK);
    size_t at = 8;
    u32 number = 0;
    while (at < image.bytes.size) {
        size_t id = at++;
        u32 size = 0;
        u32 shift = 0;
        do {
            size |= (u32)(image.bytes.data[at] & 0x7f) << shift;
            shift += 7;
        } while (image.bytes.data[at++] >= 0x80);
        if (id >= module.size) {
            const char *name = again[number++];
            assert_int_equal(image.bytes.data[at], strlen(name));
            assert_memory_equal(image.bytes.data + at + 1, name, strlen(name));
        } else if (image.bytes.data[id] == 0 && image.bytes.data[at + 1] != 'n') {
            assert_int_equal(image.bytes.data[at + 1], 'x'); // no more the debugger's
        }
        at += size;
    }
    assert_int_equal(at, image.bytes.size);
    assert_int_equal(number, COUNT_OF(again));
    drop(&module);
}

static void modules_without_anything(void **state)
{
    (void)state;
    struct wasm_bytes module = wasm_bytes_begin();
    assert_int_equal(make(&module), ERR_OK);
    assert_int_equal(image.register_count, 0);
    assert_true(image.bytes.size > module.size);
    drop(&module);
    struct wasm_bytes none = {0};
    put_u8(&none, 0);
    assert_int_equal(make(&none), ERR_MALFORMED);
    drop(&none);
}

static void limits_of_images(void **state)
{
    (void)state;
    struct wasm_bytes module = functions();
    arena_init(&arena, &memory.memory, ARENA_BYTES);
    struct span large = span_of(module.data, (size_t)DWARF_IMAGE_BYTES + 1);
    assert_int_equal(dwarf_image_make(large, &scratch, &arena, &image), ERR_LIMIT);
    for (i64 left = 0;; left++) {
        memory = test_memory_over_malloc(left);
        arena_init(&arena, &memory.memory, ARENA_BYTES);
        enum err err = dwarf_image_make(wasm_bytes_span(&module), &scratch, &arena, &image);
        arena_drop(&arena);
        assert_int_equal(memory.blocks, 0);
        if (err == ERR_OK) {
            assert_true(left > 0);
            break;
        }
        assert_int_equal(err, ERR_NO_MEMORY);
    }
    wasm_bytes_free(&module);
}

// Whatever is damaged: the code is as it was, and what there is of sections ends where it should.
static void damage_at_every_byte(void **state)
{
    (void)state;
    struct wasm_bytes sound = functions();
    for (size_t i = 0; i < sound.size; i++) {
        for (u32 j = 0; j < 4; j++) {
            static const u8 values[] = {0, 0x7f, 0x80, 0xff};
            struct wasm_bytes module = functions();
            module.data[i] = values[j];
            struct span exact =
                span_of(malloc(module.size), module.size); // the sanitizer sees its end
            memcpy((u8 *)exact.data, module.data, module.size);
            memory = test_memory_over_malloc(-1);
            arena_init(&arena, &memory.memory, ARENA_BYTES);
            struct dwarf dwarf;
            if (dwarf_image_make(exact, &scratch, &arena, &image) == ERR_OK &&
                dwarf_open(exact, &dwarf) == ERR_NOT_FOUND) {
                assert_true(image.bytes.size > exact.size);
                assert_memory_equal(image.bytes.data + dwarf.code_start,
                                    exact.data + dwarf.code_start, dwarf.code_size);
            }
            free((u8 *)exact.data);
            drop(&module);
        }
    }
    wasm_bytes_free(&sound);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_become_registers),  cmocka_unit_test(lists_of_both_versions),
        cmocka_unit_test(functions_get_entries),    cmocka_unit_test(images_are_modules),
        cmocka_unit_test(modules_without_anything), cmocka_unit_test(limits_of_images),
        cmocka_unit_test(damage_at_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
