// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers of 1,024 bits: products with carries of 64 bits, and remainders by long division.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { WORDS = 32 };

static u32 product[2 * WORDS];

static void multiply(u32 *to, const u32 *a, const u32 *b)
{
    for (u32 i = 0; i < 2 * WORDS; i++) {
        to[i] = 0;
    }
    for (u32 i = 0; i < WORDS; i++) {
        u64 carry = 0;
        for (u32 j = 0; j < WORDS; j++) {
            carry += (u64)a[i] * b[j] + to[i + j];
            to[i + j] = (u32)carry;
            carry >>= 32;
        }
        to[i + WORDS] = (u32)carry;
    }
}

// Takes the modulus off as often as it goes, from the highest word down.
static void reduce(u32 *value, const u32 *modulus)
{
    u64 top = modulus[WORDS - 1];
    for (u32 i = WORDS; i-- > 0;) {
        u64 high = (u64)value[i + WORDS] << 32 | value[i + WORDS - 1];
        u64 times = high / (top + 1);
        u64 borrow = 0;
        for (u32 j = 0; j < WORDS; j++) {
            u64 part = (u32)times * (u64)modulus[j] + borrow;
            borrow = (part >> 32) + (value[i + j] < (u32)part);
            value[i + j] -= (u32)part;
        }
        value[i + WORDS] -= (u32)borrow;
    }
}

u64 KERNEL_RUN(u32 n)
{
    u32 base[WORDS], modulus[WORDS], result[WORDS];
    u64 state = 21;
    u64 sum = 0;
    for (u32 i = 0; i < WORDS; i++) {
        base[i] = (u32)(kernel_random(&state) >> 32);
        modulus[i] = (u32)(kernel_random(&state) >> 32);
        result[i] = base[i];
    }
    modulus[WORDS - 1] |= 0x80000000;
    base[WORDS - 1] >>= 2;
    result[WORDS - 1] >>= 2;
    for (u32 turn = 0; turn < n; turn++) {
        multiply(product, result, turn % 3 == 0 ? base : result);
        reduce(product, modulus);
        for (u32 i = 0; i < WORDS; i++) {
            result[i] = product[i];
        }
        sum = kernel_fold(sum, result[turn % WORDS]);
    }
    return sum;
}
