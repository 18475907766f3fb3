// SPDX-License-Identifier: GPL-3.0-or-later
// Do the helpers that ARMv7 needs (machines/bare/arm/aeabi.c) compute what this computer's own
// instructions do?
#include "core/base/types.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

u64 aeabi_divide(u64 dividend, u64 divisor, u64 *remainder);
i64 aeabi_divide_signed(i64 dividend, i64 divisor, i64 *remainder);
f64 aeabi_ul2d(u64 value);
f64 aeabi_l2d(i64 value);
f32 aeabi_ul2f(u64 value);
f32 aeabi_l2f(i64 value);
u64 aeabi_d2ulz(f64 value);
i64 aeabi_d2lz(f64 value);
u64 aeabi_f2ulz(f32 value);
i64 aeabi_f2lz(f32 value);

enum { ROUNDS = 2000000 };

static u64 state = 88172645463325252u;

static u64 dice(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1du;
}

// A number whose size is random too, so that small ones and edges occur.
static u64 pick(void)
{
    u64 value = dice();
    u64 shift = dice() % 64;
    switch (dice() % 4) {
    case 0:
        return value >> shift;
    case 1:
        return (u64)((i64)value >> shift);
    case 2:
        return ((u64)1 << shift) - 1 + value % 3;
    default:
        return value << shift;
    }
}

static void divisions_agree(void **unused)
{
    (void)unused;
    for (u32 i = 0; i < ROUNDS; i++) {
        u64 a = pick();
        u64 b = pick();
        u64 rest;
        i64 rest_signed;
        b = b == 0 ? 1 : b;
        assert_int_equal(aeabi_divide(a, b, &rest), a / b);
        assert_int_equal(rest, a % b);
        if ((i64)a == INT64_MIN && (i64)b == -1) {
            continue;
        }
        assert_int_equal(aeabi_divide_signed((i64)a, (i64)b, &rest_signed), (i64)a / (i64)b);
        assert_int_equal(rest_signed, (i64)a % (i64)b);
    }
}

static void integers_become_floats(void **unused)
{
    (void)unused;
    for (u32 i = 0; i < ROUNDS; i++) {
        u64 a = pick();
        assert_true(aeabi_ul2d(a) == (f64)a);
        assert_true(aeabi_l2d((i64)a) == (f64)(i64)a);
        assert_true(aeabi_ul2f(a) == (f32)a);
        assert_true(aeabi_l2f((i64)a) == (f32)(i64)a);
    }
}

static void floats_become_integers(void **unused)
{
    (void)unused;
    for (u32 i = 0; i < ROUNDS; i++) {
        f64 wide = (f64)(i64)pick() / (f64)(pick() >> 1 | 1);
        f32 narrow = (f32)wide;
        if (wide > -9223372036854775808.0 && wide < 9223372036854775808.0) {
            assert_int_equal(aeabi_d2lz(wide), (i64)wide);
        }
        if (narrow > -9223372036854775808.0f && narrow < 9223372036854775808.0f) {
            assert_int_equal(aeabi_f2lz(narrow), (i64)narrow);
        }
        if (wide > -1 && wide < 18446744073709551616.0) {
            assert_int_equal(aeabi_d2ulz(wide), (u64)wide);
        }
        if (narrow > -1 && narrow < 18446744073709551616.0f) {
            assert_int_equal(aeabi_f2ulz(narrow), (u64)narrow);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(divisions_agree),
        cmocka_unit_test(integers_become_floats),
        cmocka_unit_test(floats_become_integers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
