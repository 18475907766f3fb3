// SPDX-License-Identifier: GPL-3.0-or-later
// tests/boot/kernel_sums.h: the benchmark's kernels, and arithmetic that some CPU needs helpers
// for, as one checksum a line. A bare machine's interpreter and this computer's own CPU must print
// the same.
#pragma once
#include "core/base/text.h"
#include "tests/bench/kernels/kernel.h"

#define KERNEL(name, n) u64 kernel_##name(u32 count);
#include "tests/bench/kernels/kernels.def"
#undef KERNEL

// A 64-bit number whose size is random too, so that small ones and edges occur.
static inline u64 numbers_pick(u64 *state)
{
    u64 value = kernel_random(state);
    u64 shift = kernel_random(state) % 64;
    switch (kernel_random(state) % 4) {
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

// Division of 64-bit integers, and conversions between them and floats: a sum for each.
#define NUMBERS(X)                                                                                 \
    X(div_u, a / b)                                                                                \
    X(rem_u, a % b)                                                                                \
    X(div_s, (i64)b == -1 ? 0 : (u64)((i64)a / (i64)b))                                            \
    X(rem_s, (i64)b == -1 ? 0 : (u64)((i64)a % (i64)b))                                            \
    X(f64_u, kernel_bits((f64)a))                                                                  \
    X(f64_s, kernel_bits((f64)(i64)a))                                                             \
    X(f32_u, kernel_bits((f32)a))                                                                  \
    X(f32_s, kernel_bits((f32)(i64)a))                                                             \
    X(f64_div, kernel_bits((f64)a / (f64)b))                                                       \
    X(u64_f64, (f64)a / (f64)(b >> 1 | 1) < 0x1p64 ? (u64)((f64)a / (f64)(b >> 1 | 1)) : 0)        \
    X(i64_f64, (u64)(i64)((f64)(i64)a / (f64)(b >> 1 | 2)))                                        \
    X(u64_f32, (f32)a < 0x1p64f ? (u64)(f32)a : 0)                                                 \
    X(i64_f32, (u64)(i64)((f32)(i64)a / 2))

#define NUMBERS_DEFINE(name, expression)                                                           \
    static inline u64 numbers_##name(u32 count)                                                    \
    {                                                                                              \
        u64 state = 88172645463325252u;                                                            \
        u64 sum = 0;                                                                               \
        for (u32 i = 0; i < count; i++) {                                                          \
            u64 a = numbers_pick(&state);                                                          \
            u64 b = numbers_pick(&state);                                                          \
            b = b == 0 ? 1 : b;                                                                    \
            sum = kernel_fold(sum, (expression));                                                  \
        }                                                                                          \
        return sum;                                                                                \
    }
NUMBERS(NUMBERS_DEFINE)

static inline void kernel_say(void (*say)(const char *), const char *name, u64 sum)
{
    char buffer[80];
    struct text line = text_over(buffer, sizeof buffer);
    text_string(&line, "sum ");
    text_string(&line, name);
    text_char(&line, ' ');
    text_hex(&line, sum, 16);
    text_char(&line, '\n');
    say(line.data);
}

// A fraction of each kernel's usual work: an emulated machine is some hundred times slower.
static inline void kernel_sums(void (*say)(const char *))
{
#define KERNEL(name, n) kernel_say(say, #name, kernel_##name((n) > 100 ? (n) / 20 : (n) / 4 + 2));
#include "tests/bench/kernels/kernels.def"
#undef KERNEL
#define NUMBERS_SAY(name, expression) kernel_say(say, #name, numbers_##name(10000));
    NUMBERS(NUMBERS_SAY)
}
