// SPDX-License-Identifier: GPL-3.0-or-later
// Does the ground floor keep its headers' promises: text, reports, readers, arenas?
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void text_cuts_and_ends_in_zero(void **state)
{
    (void)state;
    char buffer[8];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "abc");
    text_u64(&text, 1234);
    assert_string_equal(buffer, "abc1234");
    assert_false(text.cut);
    text_char(&text, 'x');
    assert_string_equal(buffer, "abc1234");
    assert_true(text.cut);
}

static void text_writes_numbers(void **state)
{
    (void)state;
    char buffer[80];
    struct text text = text_over(buffer, sizeof buffer);
    text_u64(&text, UINT64_MAX);
    text_char(&text, ' ');
    text_i64(&text, INT64_MIN);
    text_char(&text, ' ');
    text_hex(&text, 0, 1);
    text_hex(&text, 0xabc, 2);
    text_char(&text, ' ');
    text_hex_bytes(&text, SPAN_LITERAL("\x00\xff"));
    text_printable(&text, SPAN_LITERAL("a\nb\x7f"));
    assert_string_equal(buffer, "18446744073709551615 -9223372036854775808 0abc 00ffa?b?");
}

static void report_keeps_the_first_reason(void **state)
{
    (void)state;
    struct report report;
    report_clear(&report);
    assert_int_equal(report_err(&report, ERR_INVALID, 7, "first"), ERR_INVALID);
    assert_int_equal(report_err(&report, ERR_LIMIT, 9, "second"), ERR_LIMIT);
    assert_string_equal(report.text, "first");
    assert_int_equal(report.offset, 7);
    assert_int_equal(report_err(NULL, ERR_BUSY, 0, "nobody asked"), ERR_BUSY);
    report_clear(&report);
    (void)report_err_detail(&report, ERR_DENIED, 0, "no", SPAN_LITERAL("a\tb"));
    assert_string_equal(report.text, "no \"a?b\"");
}

struct leb_case {
    struct span bytes;
    enum err err;
    i64 value;
};

static void reader_refuses_long_and_large_leb(void **state)
{
    (void)state;
    const struct leb_case cases[] = {
        {SPAN_LITERAL("\x00"), ERR_OK, 0},
        {SPAN_LITERAL("\xff\xff\xff\xff\x0f"), ERR_OK, 0xffffffff},
        {SPAN_LITERAL("\x80\x80\x80\x80\x00"), ERR_OK, 0},
        {SPAN_LITERAL("\xff\xff\xff\xff\x1f"), ERR_MALFORMED, 0},
        {SPAN_LITERAL("\x80\x80\x80\x80\x80\x00"), ERR_MALFORMED, 0},
        {SPAN_LITERAL("\x80"), ERR_MALFORMED, 0},
        {SPAN_LITERAL(""), ERR_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct reader in = reader_over(cases[i].bytes);
        u32 value = 0;
        assert_int_equal(reader_leb_u32(&in, &value, NULL), cases[i].err);
        assert_int_equal(value, (u32)cases[i].value);
        assert_int_equal(reader_left(&in), cases[i].err == ERR_OK ? 0 : cases[i].bytes.size);
    }
}

static void reader_extends_signs(void **state)
{
    (void)state;
    i32 narrow;
    i64 wide;
    struct reader in = reader_over(SPAN_LITERAL("\x7f\x80\x80\x80\x80\x78\x40"));
    assert_int_equal(reader_leb_i32(&in, &narrow, NULL), ERR_OK);
    assert_int_equal(narrow, -1);
    assert_int_equal(reader_leb_i32(&in, &narrow, NULL), ERR_OK);
    assert_int_equal(narrow, INT32_MIN);
    assert_int_equal(reader_leb_i33(&in, &wide, NULL), ERR_OK);
    assert_int_equal(wide, -64);
    in = reader_over(SPAN_LITERAL("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"));
    assert_int_equal(reader_leb_i64(&in, &wide, NULL), ERR_OK);
    assert_true(wide == INT64_MIN);
}

static void reader_sub_keeps_file_offsets(void **state)
{
    (void)state;
    struct reader in = reader_over(SPAN_LITERAL("0123456789"));
    struct reader sub;
    struct span bytes;
    assert_int_equal(reader_bytes(&in, 3, &bytes, NULL), ERR_OK);
    assert_int_equal(reader_sub(&in, 4, &sub, NULL), ERR_OK);
    u8 byte;
    assert_int_equal(reader_u8(&sub, &byte, NULL), ERR_OK);
    assert_int_equal(byte, '3');
    assert_int_equal(reader_offset(&sub), 4);
    assert_int_equal(reader_offset(&in), 7);
    assert_int_equal(reader_sub(&in, 4, &sub, NULL), ERR_MALFORMED);
    assert_int_equal(reader_offset(&in), 7);
}

static void arena_aligns_zeroes_and_keeps_its_limit(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    arena_init(&arena, &memory.memory, 5000);
    for (size_t align = 1; align <= 16; align *= 2) {
        u8 *block = arena_alloc(&arena, 3, 7, align);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
        for (size_t i = 0; i < 21; i++) {
            assert_int_equal(block[i], 0);
        }
    }
    assert_non_null(arena_alloc(&arena, 0, 8, 8));
    assert_null(arena_alloc(&arena, SIZE_MAX / 4, 8, 8));
    assert_null(arena_alloc(&arena, 1, 5000, 1));
    assert_true(arena.used_bytes <= 5000);
    assert_int_equal(arena.used_bytes, memory.bytes);
    arena_drop(&arena);
    assert_int_equal(memory.blocks, 0);
}

static void arena_keeps_one_chunk(void **state)
{
    (void)state;
    enum { KEPT = 20000 };
    struct test_memory memory = test_memory_over_malloc(-1);
    struct arena arena;
    arena_init(&arena, &memory.memory, 100000);
    arena_reset(&arena, KEPT); // of nothing
    assert_int_equal(memory.bytes, 0);
    for (u32 i = 0; i < 15; i++) {
        assert_non_null(arena_alloc(&arena, 1, 1000, 8));
    }
    arena_reset(&arena, KEPT);
    // From here on the chunk is large enough for all, and stays where it is.
    u8 *first = arena_alloc(&arena, 1, 1000, 8);
    size_t bytes = memory.bytes;
    assert_true(first != NULL && bytes <= KEPT);
    for (u32 round = 0; round < 3; round++) {
        first[0] = 1;
        arena_reset(&arena, KEPT);
        assert_ptr_equal(arena_alloc(&arena, 1, 1000, 8), first);
        assert_int_equal(first[0], 0);
        for (u32 i = 0; i < 14; i++) {
            assert_non_null(arena_alloc(&arena, 1, 1000, 8));
        }
        assert_int_equal(memory.bytes, bytes);
    }
    // What is beyond `keep_bytes` is given back, at the bound and past it.
    assert_non_null(arena_alloc(&arena, 1, 50000, 8));
    arena_reset(&arena, KEPT);
    assert_non_null(arena_alloc(&arena, 1, 8, 8));
    assert_int_equal(memory.bytes, KEPT);
    arena_reset(&arena, KEPT);
    assert_int_equal(memory.bytes, KEPT);
    arena_reset(&arena, KEPT - 1);
    assert_int_equal(memory.bytes, 0);
    assert_null(arena_alloc(&arena, 1, 100000, 1));
    arena_drop(&arena);
    assert_int_equal(memory.bytes, 0);
}

static void arena_survives_exhausted_memory(void **state)
{
    (void)state;
    struct test_memory memory = test_memory_over_malloc(2);
    struct arena arena;
    arena_init(&arena, &memory.memory, SIZE_MAX);
    assert_non_null(arena_alloc(&arena, 1, 900, 8));
    assert_non_null(arena_alloc(&arena, 1, 1500, 8));
    assert_null(arena_alloc(&arena, 1, 100000, 8));
    arena_drop(&arena);
    assert_int_equal(memory.blocks, 0);
}

static void every_error_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < ERR_COUNT; i++) {
        assert_non_null(err_name((enum err)i));
    }
    assert_string_equal(err_name((enum err)ERR_COUNT), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_cuts_and_ends_in_zero),
        cmocka_unit_test(text_writes_numbers),
        cmocka_unit_test(report_keeps_the_first_reason),
        cmocka_unit_test(reader_refuses_long_and_large_leb),
        cmocka_unit_test(reader_extends_signs),
        cmocka_unit_test(reader_sub_keeps_file_offsets),
        cmocka_unit_test(arena_aligns_zeroes_and_keeps_its_limit),
        cmocka_unit_test(arena_keeps_one_chunk),
        cmocka_unit_test(arena_survives_exhausted_memory),
        cmocka_unit_test(every_error_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
