// SPDX-License-Identifier: GPL-3.0-or-later
// Does the decoder keep the promises of core/wasm/decode.h and module.h? The rules of the format
// themselves are checked by the core test suite (tests/spec).
#include "core/base/arena.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/features.h"
#include "core/wasm/module.h"
#include "core/wasm/names.h"
#include "core/wasm/opcode.h"
#include "core/wasm/validate.h"
#include "tests/unit/support.h"
#include "tests/unit/wasm_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct test_memory memory;
    struct arena arena;
    struct report report;
    struct wasm_module *module;
};

static struct fixture *begin(struct fixture *f)
{
    f->memory = test_memory_over_malloc(-1);
    arena_init(&f->arena, &f->memory.memory, SIZE_MAX);
    report_clear(&f->report);
    f->module = NULL;
    return f;
}

static void end(struct fixture *f)
{
    arena_drop(&f->arena);
    assert_int_equal(f->memory.blocks, 0);
}

static enum err decode(struct fixture *f, const struct wasm_bytes *bytes)
{
    return wasm_module_decode(wasm_bytes_span(bytes), &f->arena, &f->module, &f->report);
}

// A module with something in every section.
static struct wasm_bytes whole_module(void)
{
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 0);
    put_name(&b, "first");
    PUT(&b, "abc");
    end_section(&b);
    put_section(&b, 1); // () -> (), (i32 i64) -> (f32), () -> (), (f32) -> (i32 i64)
    PUT(&b, "\x04\x60\x00\x00\x60\x02\x7f\x7e\x01\x7d\x60\x00\x00\x60\x01\x7d\x02\x7f\x7e");
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x04");
    PUT(&b, "\x01m\x01"
            "f\x00\x01");
    PUT(&b, "\x01m\x01t\x01\x6f\x01\x02\x08");
    PUT(&b, "\x01m\x01g\x03\x7f\x00");
    PUT(&b, "\x01m\x01h\x03\x7e\x01");
    end_section(&b);
    put_section(&b, 3);
    PUT(&b, "\x02\x00\x02");
    end_section(&b);
    put_section(&b, 4);
    PUT(&b, "\x01\x70\x00\x05");
    end_section(&b);
    put_section(&b, 5);
    PUT(&b, "\x01\x01\x01\x03");
    end_section(&b);
    put_section(&b, 6);
    PUT(&b, "\x06\x7f\x00\x41\x7f\x0b\x7e\x01\x42\x7e\x0b\x7d\x00\x43\x00\x00\xc0\x3f\x0b");
    PUT(&b,
        "\x7c\x00\x44\x00\x00\x00\x00\x00\x00\xf8\x3f\x0b\x70\x00\xd2\x01\x0b\x7f\x00\x23\x00\x0b");
    end_section(&b);
    put_section(&b, 7);
    PUT(&b, "\x04\x04memo\x02\x00\x03run\x00\x02\x04glob\x03\x02\x03tab\x01\x01");
    end_section(&b);
    put_section(&b, 8);
    PUT(&b, "\x01");
    end_section(&b);
    put_section(&b, 9);
    PUT(&b, "\x08");
    PUT(&b, "\x00\x41\x00\x0b\x00"); // into table 0, which holds externref: decodes, is not valid
    PUT(&b, "\x01\x00\x02\x01\x02");
    PUT(&b, "\x02\x01\x41\x01\x0b\x00\x01\x02");
    PUT(&b, "\x03\x00\x01\x01");
    PUT(&b, "\x04\x41\x02\x0b\x00");
    PUT(&b, "\x05\x6f\x01\xd0\x6f\x0b");
    PUT(&b, "\x06\x01\x41\x03\x0b\x70\x01\xd2\x01\x0b");
    PUT(&b, "\x07\x70\x01\xd0\x70\x0b");
    end_section(&b);
    put_section(&b, 12);
    PUT(&b, "\x03");
    end_section(&b);
    put_section(&b, 10);
    PUT(&b, "\x02\x06\x02\x02\x7f\x03\x7e\x0b\x03\x00\x01\x0b");
    end_section(&b);
    put_section(&b, 11);
    PUT(&b, "\x03\x00\x41\x00\x0b\x02hi\x01\x03xyz\x02\x00\x23\x00\x0b\x01!");
    end_section(&b);
    put_section(&b, 0);
    put_name(&b, "name");
    PUT(&b, "\x00\x04\x03mod\x01\x0d\x02\x00\x03imp\x01\x05start");
    end_section(&b);
    return b;
}

static void every_section_is_decoded(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    const struct wasm_module *m = f.module;
    assert_int_equal(m->type_count, 4);
    assert_int_equal(m->types[1].param_count, 2);
    assert_int_equal(m->types[1].result_count, 1);
    assert_memory_equal(m->types[1].types, "\x7f\x7e\x7d", 3);
    assert_memory_equal(m->types[3].types, "\x7d\x7f\x7e", 3);
    assert_int_equal(m->types[0].canonical, 0);
    assert_int_equal(m->types[1].canonical, 1);
    assert_int_equal(m->types[2].canonical, 0);
    assert_int_equal(m->types[3].canonical, 3);

    assert_int_equal(m->import_count, 4);
    assert_true(span_equal(m->imports[1].name, SPAN_LITERAL("t")));
    assert_int_equal(m->function_count, 3);
    assert_int_equal(m->function_import_count, 1);
    assert_memory_equal(m->function_types, ((u32[]){1, 0, 2}), 12);
    assert_int_equal(m->table_count, 2);
    assert_int_equal(m->tables[0].element, WASM_EXTERNREF);
    assert_true(m->tables[0].limits.has_max && m->tables[0].limits.max == 8);
    assert_int_equal(m->tables[1].limits.min, 5);
    assert_false(m->tables[1].limits.has_max);
    assert_int_equal(m->tables[1].limits.max, UINT32_MAX);
    assert_int_equal(m->memory_count, 1);
    assert_int_equal(m->memories[0].limits.max, 3);
    assert_int_equal(m->global_count, 8);
    assert_true(m->globals[1].is_mutable && !m->globals[0].is_mutable);
    assert_int_equal(m->export_count, 4);
    assert_true(m->has_start && m->start == 1);
    assert_true(m->has_data_count && m->data_count_declared == 3);
    assert_int_equal(m->custom_count, 2);
    assert_false(m->is_valid);
    end(&f);
    wasm_bytes_free(&b);
}

static void constants_are_what_they_say(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    const struct wasm_const *inits = f.module->global_inits;
    static const struct wasm_const expected[] = {
        {.kind = WASM_CONST_VALUE, .type = WASM_I32, .bits = {0xffffffff}},
        {.kind = WASM_CONST_VALUE, .type = WASM_I64, .bits = {0xfffffffffffffffe}},
        {.kind = WASM_CONST_VALUE, .type = WASM_F32, .bits = {0x3fc00000}},
        {.kind = WASM_CONST_VALUE, .type = WASM_F64, .bits = {0x3ff8000000000000}},
        {.kind = WASM_CONST_FUNCTION, .type = WASM_FUNCREF, .index = 1},
        {.kind = WASM_CONST_GLOBAL, .index = 0},
    };
    for (u32 i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(inits[i].kind, expected[i].kind);
        assert_int_equal(inits[i].type, expected[i].type);
        assert_int_equal(inits[i].index, expected[i].index);
        assert_int_equal(inits[i].bits[0], expected[i].bits[0]);
        assert_true(inits[i].offset > 8 && inits[i].offset < b.size);
    }
    end(&f);
    wasm_bytes_free(&b);
}

static void segments_come_in_all_their_forms(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    const struct wasm_module *m = f.module;
    static const struct {
        u8 mode;
        u8 type;
        u32 table;
        u32 count;
        u8 kind;
    } expected[] = {
        {WASM_SEGMENT_ACTIVE, WASM_FUNCREF, 0, 0, 0},
        {WASM_SEGMENT_PASSIVE, WASM_FUNCREF, 0, 2, WASM_CONST_FUNCTION},
        {WASM_SEGMENT_ACTIVE, WASM_FUNCREF, 1, 1, WASM_CONST_FUNCTION},
        {WASM_SEGMENT_DECLARATIVE, WASM_FUNCREF, 0, 1, WASM_CONST_FUNCTION},
        {WASM_SEGMENT_ACTIVE, WASM_FUNCREF, 0, 0, 0},
        {WASM_SEGMENT_PASSIVE, WASM_EXTERNREF, 0, 1, WASM_CONST_NULL},
        {WASM_SEGMENT_ACTIVE, WASM_FUNCREF, 1, 1, WASM_CONST_FUNCTION},
        {WASM_SEGMENT_DECLARATIVE, WASM_FUNCREF, 0, 1, WASM_CONST_NULL},
    };
    assert_int_equal(m->elem_count, COUNT_OF(expected));
    for (u32 i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(m->elems[i].mode, expected[i].mode);
        assert_int_equal(m->elems[i].type, expected[i].type);
        assert_int_equal(m->elems[i].table, expected[i].table);
        assert_int_equal(m->elems[i].count, expected[i].count);
        if (expected[i].count != 0) {
            assert_int_equal(m->elems[i].items[0].kind, expected[i].kind);
        }
    }
    assert_int_equal(m->data_count, 3);
    assert_int_equal(m->datas[0].mode, WASM_SEGMENT_ACTIVE);
    assert_int_equal(m->datas[1].mode, WASM_SEGMENT_PASSIVE);
    assert_true(span_equal(m->datas[1].bytes, SPAN_LITERAL("xyz")));
    assert_int_equal(m->datas[2].mode, WASM_SEGMENT_ACTIVE);
    assert_int_equal(m->datas[2].offset.kind, WASM_CONST_GLOBAL);
    end(&f);
    wasm_bytes_free(&b);
}

static void bodies_know_their_locals_and_their_place(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    const struct wasm_body *body = &f.module->bodies[0];
    assert_int_equal(body->local_run_count, 2);
    assert_int_equal(body->local_count, 5);
    assert_int_equal(body->locals[0].first, 0);
    assert_int_equal(body->locals[0].count, 2);
    assert_int_equal(body->locals[0].type, WASM_I32);
    assert_int_equal(body->locals[1].first, 2);
    assert_int_equal(body->locals[1].count, 3);
    assert_int_equal(body->locals[1].type, WASM_I64);
    assert_int_equal(body->code.size, 1);
    assert_ptr_equal(body->code.data, b.data + body->offset);
    assert_int_equal(f.module->bodies[1].code.size, 2);
    end(&f);
    wasm_bytes_free(&b);
}

static void assert_name(const struct wasm_module *module, u32 function, const char *name)
{
    struct span found = wasm_module_function_name(module, function);
    assert_int_equal(found.size, strlen(name));
    assert_memory_equal(found.data, name, found.size);
}

static void names_are_found(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    assert_name(f.module, 0, "imp");
    assert_name(f.module, 1, "start");
    assert_name(f.module, 2, "run"); // the export's: the name section has none
    const struct wasm_custom *first = wasm_module_custom(f.module, SPAN_LITERAL("first"));
    assert_non_null(first);
    assert_true(span_equal(first->bytes, SPAN_LITERAL("abc")));
    assert_ptr_equal(first->bytes.data, b.data + first->offset);
    assert_null(wasm_module_custom(f.module, SPAN_LITERAL("second")));
    assert_int_equal(wasm_module_export(f.module, SPAN_LITERAL("glob"))->index, 2);
    assert_int_equal(wasm_module_export(f.module, SPAN_LITERAL("tab"))->kind, WASM_TABLE);
    assert_null(wasm_module_export(f.module, SPAN_LITERAL("glo")));
    end(&f);
    wasm_bytes_free(&b);
}

// By a place, in any order, names are the same.
static void names_are_found_in_any_order(void **state)
{
    (void)state;
    static const char sound[] = "\x00\x04\x03mod\x01\x0f\x04\x01\x01"
                                "a\x02\x02"
                                "bb\x05\x00\x09\x03"
                                "ccc";
    static const u32 orders[][6] = {
        {0, 1, 2, 5, 9, 10}, {10, 9, 5, 2, 1, 0}, {9, 1, 9, 0, 2, 2}, {3, 4, 2, 11, 1, 9}};
    static const char *const names[] = {[1] = "a", [2] = "bb", [9] = "ccc", [11] = NULL};
    for (u32 i = 0; i < COUNT_OF(orders); i++) {
        struct wasm_names_place place = {0};
        struct wasm_names_place none = {0};
        for (u32 k = 0; k < COUNT_OF(orders[i]); k++) {
            u32 function = orders[i][k];
            struct span section = span_of(sound, sizeof sound - 1);
            struct span found = wasm_names_function_from(section, &place, function);
            const char *name = names[function] == NULL ? "" : names[function];
            assert_true(span_equal(found, span_string(name)));
            assert_true(span_equal(found, wasm_names_function(section, function)));
            section.size = 6; // without the map
            assert_int_equal(wasm_names_function_from(section, &none, function).size, 0);
        }
    }
}

// Every byte of the name section replaced, and every length of it: always decodes, and names stay
// inside.
static void damaged_names_are_no_names(void **state)
{
    (void)state;
    struct fixture f;
    static const char sound[] = "\x00\x04\x03mod\x01\x0d\x02\x00\x03imp\x01\x05start";
    u32 empty_count = 0;
    for (size_t size = 0; size < sizeof sound; size++) {
        for (u32 value = 0; value < 256; value += size == sizeof sound - 1 ? 1 : 256) {
            for (size_t at = 0; at < sizeof sound - 1; at++) {
                char names[sizeof sound];
                memcpy(names, sound, sizeof sound);
                names[at] = value != 0 ? (char)value : names[at];
                struct wasm_bytes b = wasm_bytes_begin();
                put_plain_functions(&b, 2);
                put_section(&b, 10);
                PUT(&b, "\x02\x02\x00\x0b\x02\x00\x0b");
                end_section(&b);
                put_section(&b, 0);
                put_name(&b, "name");
                put_bytes(&b, names, size);
                end_section(&b);
                assert_int_equal(decode(begin(&f), &b), ERR_OK);
                for (u32 function = 0; function < 2; function++) {
                    struct span name = wasm_module_function_name(f.module, function);
                    empty_count += name.size == 0;
                    assert_true(name.size == 0 ||
                                (name.data >= b.data && name.data + name.size <= b.data + b.size));
                }
                end(&f);
                wasm_bytes_free(&b);
            }
        }
    }
    assert_true(empty_count > 1000);
}

static void index_spaces_exist_without_their_sections(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = wasm_bytes_begin();
    put_section(&b, 1);
    PUT(&b, "\x01\x60\x00\x00");
    end_section(&b);
    put_section(&b, 2);
    PUT(&b, "\x04\x00\x01"
            "f\x00\x00\x00\x01t\x01\x70\x00\x01\x00\x01m\x02\x00\x01\x00\x01g\x03\x7f\x00");
    end_section(&b);
    assert_int_equal(decode(begin(&f), &b), ERR_OK);
    assert_int_equal(f.module->function_count, 1);
    assert_int_equal(f.module->table_count, 1);
    assert_int_equal(f.module->memory_count, 1);
    assert_int_equal(f.module->global_count, 1);
    assert_int_equal(f.module->globals[0].type, WASM_I32);
    end(&f);
    wasm_bytes_free(&b);
}

static void a_cut_file_is_malformed_and_changes_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct wasm_bytes b = whole_module();
    u32 accepted = 0;
    for (size_t size = 0; size < b.size; size++) {
        begin(&f);
        enum err err = wasm_module_decode(span_of(b.data, size), &f.arena, &f.module, &f.report);
        // A file cut between two sections may be one; cut elsewhere it never is.
        if (err == ERR_OK) {
            accepted++;
        } else {
            assert_int_equal(err, ERR_MALFORMED);
            assert_int_equal(f.report.err, ERR_MALFORMED);
            assert_true(f.report.offset <= size);
            assert_true(f.report.text[0] != 0);
            assert_null(f.module);
        }
        assert_int_equal(wasm_module_decode(span_of(b.data, size), &f.arena, &f.module, NULL), err);
        end(&f);
    }
    assert_int_equal(accepted,
                     5); // after header, custom, types, imports, and before the last custom
    wasm_bytes_free(&b);
}

static void reports_name_the_byte(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        enum err err;
        u64 offset;
        const char *text;
    } cases[] = {
#define CASE(bytes, err, offset, text) {bytes, sizeof(bytes) - 1, err, offset, text}
        CASE("\0as", ERR_MALFORMED, 0, "unexpected end"),
        CASE("\0bsm\1\0\0\0", ERR_MALFORMED, 0, "magic header not detected"),
        CASE("\0asm\1\0\0\1", ERR_MALFORMED, 4, "unknown binary version"),
        CASE("\0asm\1\0\0\0\x0e\x00", ERR_MALFORMED, 8, "malformed section id"),
        CASE("\0asm\1\0\0\0\x01\x05\x00", ERR_MALFORMED, 8, "length out of bounds"),
        CASE("\0asm\1\0\0\0\x01\x02\x00\x00", ERR_MALFORMED, 11, "section size mismatch"),
        CASE("\0asm\1\0\0\0\x01\x02\x01\x61", ERR_MALFORMED, 11, "malformed function type"),
        CASE("\0asm\1\0\0\0\x01\x05\x01\x60\x01\x01\x00", ERR_MALFORMED, 13,
             "malformed value type"),
        CASE("\0asm\1\0\0\0\x01\x05\x01\x60\x01\x7a\x00", ERR_MALFORMED, 13,
             "malformed value type"),
        CASE("\0asm\1\0\0\0\x00\x02\x01\xff", ERR_MALFORMED, 10, "malformed UTF-8 encoding"),
        CASE("\0asm\1\0\0\0\x05\x03\x01\x04\x00", ERR_MALFORMED, 11, "integer too large"),
        CASE("\0asm\1\0\0\0\x03\x01\x00\x01\x01\x00", ERR_MALFORMED, 11,
             "unexpected content after last section"),
#undef CASE
    };
    for (u32 i = 0; i < COUNT_OF(cases); i++) {
        struct fixture f;
        begin(&f);
        struct span bytes = span_of(cases[i].bytes, cases[i].size);
        assert_int_equal(wasm_module_decode(bytes, &f.arena, &f.module, &f.report), cases[i].err);
        assert_int_equal(f.report.err, cases[i].err);
        assert_string_equal(f.report.text, cases[i].text);
        assert_int_equal(f.report.offset, cases[i].offset);
        end(&f);
    }
}

// A count or a length of 2^32 - 1 in each place that has one: refused, and nothing large is
// allocated.
static void huge_counts_cost_nothing(void **state)
{
    (void)state;
    static const u8 sections[] = {0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11};
    for (u32 i = 0; i < COUNT_OF(sections); i++) {
        struct fixture f;
        struct wasm_bytes b = wasm_bytes_begin();
        put_section(&b, sections[i]);
        put_u32(&b, UINT32_MAX);
        put_run(&b, 0, 1000);
        end_section(&b);
        assert_int_equal(decode(begin(&f), &b), ERR_MALFORMED);
        assert_true(f.memory.bytes < 16384);
        end(&f);
        wasm_bytes_free(&b);
    }
}

// Memory that ends anywhere, and an arena whose limit is anywhere.
static void every_allocation_may_fail(void **state)
{
    (void)state;
    struct wasm_bytes b = whole_module();
    bool done = false;
    for (i64 left = 0; !done; left++) {
        struct fixture f;
        begin(&f);
        f.memory.allocations_left = left;
        enum err err = decode(&f, &b);
        done = err == ERR_OK;
        assert_true(done || (err == ERR_NO_MEMORY && f.report.err == ERR_NO_MEMORY));
        assert_true(done == (f.module != NULL));
        end(&f);
    }
    done = false;
    for (size_t limit = 0; !done; limit += 8) {
        struct fixture f;
        begin(&f);
        arena_init(&f.arena, &f.memory.memory, limit);
        enum err err = decode(&f, &b);
        done = err == ERR_OK;
        assert_true(done || (err == ERR_NO_MEMORY && f.report.err == ERR_NO_MEMORY));
        end(&f);
    }
    wasm_bytes_free(&b);
}

// Each instruction of the table, with an immediate of each kind: read whole, and cut anywhere
// refused.
static void instructions_are_read_whole(void **state)
{
    (void)state;
    static const struct span immediates[] = {
        [WASM_IMM_NONE] = SPAN_LITERAL(""),
        [WASM_IMM_BLOCK] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_TRY] = SPAN_LITERAL("\x40\x04\x00\x05\x81\x01\x01\x05\x01\x02\x81\x01\x03\x07"),
        [WASM_IMM_TAG] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_LABEL] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_LABELS] = SPAN_LITERAL("\x02\x00\x81\x01\x03"),
        [WASM_IMM_FUNCTION] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_TYPE_TABLE] = SPAN_LITERAL("\x85\x01\x07"),
        [WASM_IMM_TYPES] = SPAN_LITERAL("\x02\x7f\x7e"),
        [WASM_IMM_LOCAL] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_GLOBAL] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_TABLE] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_TABLE_TABLE] = SPAN_LITERAL("\x85\x01\x07"),
        [WASM_IMM_ELEMENT] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_ELEMENT_TABLE] = SPAN_LITERAL("\x85\x01\x07"),
        [WASM_IMM_MEMARG] = SPAN_LITERAL("\x42\x85\x01\x80\x08"),
        [WASM_IMM_MEMORY] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_MEMORY_MEMORY] = SPAN_LITERAL("\x85\x01\x07"),
        [WASM_IMM_DATA] = SPAN_LITERAL("\x85\x01"),
        [WASM_IMM_DATA_MEMORY] = SPAN_LITERAL("\x85\x01\x07"),
        [WASM_IMM_REFTYPE] = SPAN_LITERAL("\x6f"),
        [WASM_IMM_I32] = SPAN_LITERAL("\xff\x7e"),
        [WASM_IMM_I64] = SPAN_LITERAL("\xff\x7e"),
        [WASM_IMM_F32] = SPAN_LITERAL("\1\2\3\4"),
        [WASM_IMM_F64] = SPAN_LITERAL("\1\2\3\4\5\6\7\x08"),
        [WASM_IMM_V128] = SPAN_LITERAL("\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"),
        [WASM_IMM_LANE] = SPAN_LITERAL("\1"),
        [WASM_IMM_LANES] = SPAN_LITERAL("\1\2\3\4\5\6\7\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x1f"),
        [WASM_IMM_MEMARG_LANE] = SPAN_LITERAL("\0\x80\x08\1"),
    };
    u32 count = 0;
    for (u32 opcode = 0; opcode < 0xfe000; opcode++) {
        const struct wasm_opcode_facts *facts = wasm_opcode_facts(opcode);
        if (facts == NULL) {
            continue;
        }
        count++;
        u8 bytes[24];
        size_t size = 0;
        if (opcode < 0x100) {
            bytes[size++] = (u8)opcode;
        } else {
            bytes[size++] = (u8)(opcode >> 12);
            bytes[size++] = (u8)opcode;
            if ((u8)opcode >= 0x80) {
                bytes[size++] = 1; // the rest of a LEB128
            }
        }
        struct span immediate = immediates[facts->immediate];
        memcpy(bytes + size, immediate.data, immediate.size);
        size += immediate.size;
        struct wasm_instruction read;
        struct reader in = reader_over(span_of(bytes, size));
        assert_int_equal(wasm_instruction_read(&in, WASM_FEATURES_ALL, &read, NULL), ERR_OK);
        assert_int_equal(reader_left(&in), 0);
        assert_int_equal(read.opcode, opcode);
        for (size_t cut = 0; cut < size; cut++) {
            in = reader_over(span_of(bytes, cut));
            assert_int_equal(wasm_instruction_read(&in, WASM_FEATURES_ALL, &read, NULL),
                             ERR_MALFORMED);
        }
    }
    assert_int_equal(count, 201 + 236 + 2 + 3); // all of 2.0, its vectors, tail calls, exceptions
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_section_is_decoded),
        cmocka_unit_test(constants_are_what_they_say),
        cmocka_unit_test(segments_come_in_all_their_forms),
        cmocka_unit_test(bodies_know_their_locals_and_their_place),
        cmocka_unit_test(names_are_found),
        cmocka_unit_test(names_are_found_in_any_order),
        cmocka_unit_test(damaged_names_are_no_names),
        cmocka_unit_test(index_spaces_exist_without_their_sections),
        cmocka_unit_test(a_cut_file_is_malformed_and_changes_nothing),
        cmocka_unit_test(reports_name_the_byte),
        cmocka_unit_test(huge_counts_cost_nothing),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(instructions_are_read_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
