// SPDX-License-Identifier: GPL-3.0-or-later
// What the compiler calls where ARMv7 has no instruction: division of 64-bit integers, and
// conversions between them and floats. Floats that do not fit are undefined in C; callers (the
// interpreter) check first.
// The names that the compiler calls are in memory.S: they pass floats in general registers,
// whatever the rest of the image does.
// Source  "Run-time ABI for the ARM Architecture", sections 4.1.2 and 4.2.
#include "core/base/compiler.h"
#include "core/base/types.h"

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

// Long division in base 2, after the leading zeros. Numbers of 32 bits take the CPU's own division.
u64 aeabi_divide(u64 dividend, u64 divisor, u64 *remainder)
{
    if (dividend < divisor) {
        *remainder = dividend;
        return 0;
    }
    if (dividend >> 32 == 0 && divisor != 0) {
        *remainder = (u32)dividend % (u32)divisor;
        return (u32)dividend / (u32)divisor;
    }
    if (divisor == 0) { // the ABI leaves the result open
        *remainder = dividend;
        return 0;
    }
    i32 shift = __builtin_clzll(divisor) - __builtin_clzll(dividend);
    u64 quotient = 0;
    divisor <<= shift;
    for (; shift >= 0; shift--) {
        quotient <<= 1;
        if (dividend >= divisor) {
            dividend -= divisor;
            quotient |= 1;
        }
        divisor >>= 1;
    }
    *remainder = dividend;
    return quotient;
}

i64 aeabi_divide_signed(i64 dividend, i64 divisor, i64 *remainder)
{
    u64 left = dividend < 0 ? -(u64)dividend : (u64)dividend;
    u64 right = divisor < 0 ? -(u64)divisor : (u64)divisor;
    u64 rest;
    u64 quotient = aeabi_divide(left, right, &rest);
    *remainder = (i64)(dividend < 0 ? -rest : rest);
    return (i64)((dividend < 0) != (divisor < 0) ? -quotient : quotient);
}

// Both halves are exact, and so is the first times 2^32: the sum is rounded once, which is what is
// wanted.
f64 aeabi_ul2d(u64 value)
{
    return (f64)(u32)(value >> 32) * 4294967296.0 + (f64)(u32)value;
}

f64 aeabi_l2d(i64 value)
{
    return (f64)(i32)(value >> 32) * 4294967296.0 + (f64)(u32)value;
}

// By way of a double it would be rounded twice. What lies below the double's last bits is folded
// into the lowest bit that the first rounding keeps, so that it still tips the second one the right
// way.
f32 aeabi_ul2f(u64 value)
{
    if (value >> 53 != 0) {
        value = (value & ~(u64)0x7ff) | ((value & 0x7ff) != 0 ? 0x800 : 0);
    }
    return (f32)aeabi_ul2d(value);
}

f32 aeabi_l2f(i64 value)
{
    return value < 0 ? -aeabi_ul2f(-(u64)value) : aeabi_ul2f((u64)value);
}

u64 aeabi_d2ulz(f64 value)
{
    if (!(value > 0)) {
        return 0;
    }
    u32 high = (u32)(value / 4294967296.0); // exact: a power of two
    u32 low = (u32)(value - (f64)high * 4294967296.0);
    return (u64)high << 32 | low;
}

i64 aeabi_d2lz(f64 value)
{
    return value < 0 ? (i64)-aeabi_d2ulz(-value) : (i64)aeabi_d2ulz(value);
}

u64 aeabi_f2ulz(f32 value)
{
    return aeabi_d2ulz(value);
}

i64 aeabi_f2lz(f32 value)
{
    return aeabi_d2lz(value);
}
