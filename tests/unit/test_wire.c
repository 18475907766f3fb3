// SPDX-License-Identifier: GPL-3.0-or-later
// Does the codec under generated code keep its promises at the edges: what does not fit, what runs
// out? What all types look like on the wire is asked in test_bindings.c and tests/interfaces.
#include "core/base/wire.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void writing_counts_what_does_not_fit(void **state)
{
    (void)state;
    u8 buffer[8] = {0};
    struct wire_writer out = wire_writer_over(buffer, 5);
    wire_write_u32(&out, 0x04030201);
    wire_write_u16(&out, 0xffff); // one byte too many: nothing of it is written
    assert_int_equal(out.size, 6);
    wire_write_u8(&out, 0xee); // and nothing after it
    wire_write_bytes(&out, SPAN_LITERAL("xyz"));
    assert_int_equal(out.size, 14);
    assert_memory_equal(buffer, "\1\2\3\4\0\0\0\0", 8);
}

static void writing_never_wraps_around(void **state)
{
    (void)state;
    u8 buffer[4];
    struct wire_writer out = wire_writer_over(buffer, sizeof buffer);
    wire_write_u8(&out, 1);
    assert_null(wire_writer_take(&out, SIZE_MAX));
    assert_int_equal(out.size, SIZE_MAX);
    wire_write_u8(&out, 2);
    wire_write_u64(&out, 3);
    assert_int_equal(out.size, SIZE_MAX);
}

static void reading_fails_once_and_for_all(void **state)
{
    (void)state;
    struct wire_reader in = wire_reader_over(SPAN_LITERAL("\1\2\3"));
    assert_int_equal(wire_read_u16(&in), 0x0201);
    assert_int_equal(wire_read_u16(&in), 0);
    assert_true(in.failed);
    assert_int_equal(wire_reader_left(&in), 0);
    assert_int_equal(wire_read_u8(&in), 0); // although one byte was there
    assert_int_equal(wire_read_u64(&in), 0);
    assert_int_equal(wire_read_bytes(&in).size, 0);
    assert_int_equal(wire_reader_finish(&in), ERR_MALFORMED);
}

static void reading_wants_all_bytes_used(void **state)
{
    (void)state;
    struct wire_reader in = wire_reader_over(SPAN_LITERAL("\1\2"));
    assert_int_equal(wire_read_u8(&in), 1);
    assert_int_equal(wire_reader_finish(&in), ERR_MALFORMED);
    assert_int_equal(wire_read_u8(&in), 2);
    assert_int_equal(wire_reader_finish(&in), ERR_OK);
    in = wire_reader_over((struct span){0});
    assert_int_equal(wire_reader_finish(&in), ERR_OK);
}

// Whether `bytes` is one whole char, string, case of three, flags of mask 5.
static bool is_char(struct span bytes)
{
    struct wire_reader in = wire_reader_over(bytes);
    (void)wire_read_char(&in);
    return wire_reader_finish(&in) == ERR_OK;
}

static bool is_string(struct span bytes)
{
    struct wire_reader in = wire_reader_over(bytes);
    (void)wire_read_string(&in);
    return wire_reader_finish(&in) == ERR_OK;
}

static bool is_case(struct span bytes)
{
    struct wire_reader in = wire_reader_over(bytes);
    (void)wire_read_case(&in, 3);
    return wire_reader_finish(&in) == ERR_OK;
}

static bool is_flags(struct span bytes)
{
    struct wire_reader in = wire_reader_over(bytes);
    (void)wire_check_flags(&in, wire_read_u8(&in), 5);
    return wire_reader_finish(&in) == ERR_OK;
}

static void reading_refuses_what_no_value_has(void **state)
{
    (void)state;
    assert_true(is_char(SPAN_LITERAL("\xff\xd7\0\0")));
    assert_false(is_char(SPAN_LITERAL("\0\xd8\0\0")));
    assert_false(is_char(SPAN_LITERAL("\xff\xdf\0\0")));
    assert_true(is_char(SPAN_LITERAL("\0\xe0\0\0")));
    assert_true(is_char(SPAN_LITERAL("\xff\xff\x10\0")));
    assert_false(is_char(SPAN_LITERAL("\0\0\x11\0")));
    assert_true(is_string(SPAN_LITERAL("\2\0\0\0\xc3\xa9")));
    assert_false(is_string(SPAN_LITERAL("\1\0\0\0\xc3")));
    assert_false(is_string(SPAN_LITERAL("\3\0\0\0ab")));
    assert_false(is_string(SPAN_LITERAL("\xff\xff\xff\xff"
                                        "ab")));
    assert_true(is_case(SPAN_LITERAL("\2")));
    assert_false(is_case(SPAN_LITERAL("\3")));
    assert_true(is_flags(SPAN_LITERAL("\4")));
    assert_false(is_flags(SPAN_LITERAL("\2")));
}

static void a_count_is_bounded_by_what_is_left(void **state)
{
    (void)state;
    struct wire_reader in = wire_reader_over(SPAN_LITERAL("\2\0\0\0abcd"));
    assert_int_equal(wire_read_count(&in, 2), 2);
    in = wire_reader_over(SPAN_LITERAL("\2\0\0\0abc"));
    assert_int_equal(wire_read_count(&in, 2), 0);
    assert_true(in.failed);
    in = wire_reader_over(SPAN_LITERAL("\xff\xff\xff\xff"
                                       "abcd"));
    assert_int_equal(wire_read_count(&in, 0x7fffffff), 0); // and no product overflows
    assert_true(in.failed);
}

static void spans_point_into_the_input(void **state)
{
    (void)state;
    struct span body = SPAN_LITERAL("\2\0\0\0hi\0\0\0\0");
    struct wire_reader in = wire_reader_over(body);
    struct span first = wire_read_string(&in);
    assert_ptr_equal(first.data, body.data + 4);
    assert_int_equal(first.size, 2);
    assert_int_equal(wire_read_bytes(&in).size, 0);
    assert_int_equal(wire_reader_finish(&in), ERR_OK);
}

static void numbers_keep_every_bit(void **state)
{
    (void)state;
    static const u8 signalling[] = {0x45, 0x23, 0x81, 0x7f}; // a signalling NaN with a payload
    u8 out_bytes[4];
    struct wire_reader in = wire_reader_over(span_of(signalling, 4));
    f32 value = wire_read_f32(&in);
    struct wire_writer out = wire_writer_over(out_bytes, 4);
    wire_write_f32(&out, value);
    assert_memory_equal(out_bytes, signalling, 4);
}

static void a_preimage_does_not_depend_on_order(void **state)
{
    (void)state;
    u8 ab[2][32] = {{1, 9}, {2, 3}};
    u8 ba[2][32] = {{2, 3}, {1, 9}};
    u8 x[INTERFACE_PREIMAGE_BYTES];
    u8 y[INTERFACE_PREIMAGE_BYTES];
    struct span name = SPAN_LITERAL("a:b/c");
    size_t size = interface_preimage(name, (const u8(*)[32])ab, 2, x, sizeof x);
    assert_int_equal(size, 4 + 18 + 4 + 5 + 4 + 64);
    assert_int_equal(interface_preimage(name, (const u8(*)[32])ba, 2, y, sizeof y), size);
    assert_memory_equal(x, y, size);
    assert_memory_equal(x, "\x12\0\0\0redshirt:interface\5\0\0\0a:b/c\2\0\0\0\1\x9", 37);
}

static void a_preimage_is_bounded(void **state)
{
    (void)state;
    static u8 functions[INTERFACE_FUNCTIONS + 1][32];
    static u8 name[INTERFACE_NAME_BYTES + 1];
    u8 out[INTERFACE_PREIMAGE_BYTES];
    const u8(*all)[32] = (const u8(*)[32])functions;
    struct span longest = span_of(name, INTERFACE_NAME_BYTES);
    assert_int_equal(interface_preimage(longest, all, INTERFACE_FUNCTIONS, out, sizeof out),
                     sizeof out);
    assert_int_equal(interface_preimage(longest, all, INTERFACE_FUNCTIONS, out, sizeof out - 1), 0);
    assert_int_equal(interface_preimage(longest, all, INTERFACE_FUNCTIONS + 1, out, sizeof out), 0);
    assert_int_equal(interface_preimage(span_of(name, sizeof name), all, 1, out, sizeof out), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writing_counts_what_does_not_fit),
        cmocka_unit_test(writing_never_wraps_around),
        cmocka_unit_test(reading_fails_once_and_for_all),
        cmocka_unit_test(reading_wants_all_bytes_used),
        cmocka_unit_test(reading_refuses_what_no_value_has),
        cmocka_unit_test(a_count_is_bounded_by_what_is_left),
        cmocka_unit_test(spans_point_into_the_input),
        cmocka_unit_test(numbers_keep_every_bit),
        cmocka_unit_test(a_preimage_does_not_depend_on_order),
        cmocka_unit_test(a_preimage_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
