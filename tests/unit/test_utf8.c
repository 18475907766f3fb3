// SPDX-License-Identifier: GPL-3.0-or-later
// Does core/base/utf8.h accept every code point's one encoding and nothing else?
#include "core/base/utf8.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Encodes a code point in `length` bytes, overlong where the length is more than it needs.
static u32 encode(u32 point, u32 length, u8 out[4])
{
    static const u8 leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (u32 i = length - 1; i > 0; i--) {
        out[i] = (u8)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    out[0] = (u8)(leads[length] | point);
    return length;
}

static u32 shortest(u32 point)
{
    return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}

static void each_code_point_has_one_encoding(void **state)
{
    (void)state;
    for (u32 point = 0; point < 0x200000; point++) {
        bool is_scalar = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
        for (u32 length = shortest(point); length <= 4; length++) {
            u8 bytes[4];
            bool is_shortest = length == shortest(point);
            encode(point, length, bytes);
            assert_int_equal(utf8_is_valid(span_of(bytes, length)), is_scalar && is_shortest);
            if (length > 1) {
                assert_false(utf8_is_valid(span_of(bytes, length - 1)));
            }
        }
    }
}

static void stray_bytes_are_refused(void **state)
{
    (void)state;
    for (u32 byte = 0x80; byte < 0x100; byte++) {
        u8 bytes[] = {'a', (u8)byte, 'b', 'c', 'd'};
        assert_false(utf8_is_valid(span_of(bytes, sizeof bytes)));
        assert_false(utf8_is_valid(span_of(bytes, 2)));
    }
    assert_true(utf8_is_valid((struct span){0}));
    assert_true(utf8_is_valid(SPAN_LITERAL("a\0\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x8az")));
}

static void the_first_bytes_end_between_letters(void **state)
{
    (void)state;
    struct span text = SPAN_LITERAL("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8d\x8az");
    static const u8 sizes[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
    for (u32 most = 0; most < sizeof sizes; most++) {
        assert_int_equal(utf8_first(text, most).size, sizes[most]);
    }
    assert_int_equal(utf8_first(SPAN_LITERAL("ab\xff"), 2).size, 2);
    assert_int_equal(utf8_first(SPAN_LITERAL("ab\xff"), 3).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_point_has_one_encoding),
        cmocka_unit_test(stray_bytes_are_refused),
        cmocka_unit_test(the_first_bytes_end_between_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
