// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes as text: letters made small, lines counted, sums for a check, the highest byte, two texts
// compared; and integers of 64 bits mixed.
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 1 << 14, NUMBERS = 1 << 10 };
static u8 text[COUNT], small[COUNT];
static u64 numbers[NUMBERS];

static void make_small(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        small[i] = text[i] >= 'A' && text[i] <= 'Z' ? (u8)(text[i] + 32) : text[i];
    }
}

static u32 count_of(u8 letter)
{
    u32 count = 0;
    for (u32 i = 0; i < COUNT; i++) {
        count += small[i] == letter;
    }
    return count;
}

static u64 check(void)
{
    u32 sum = 1, highest = 0, apart = 0;
    for (u32 i = 0; i < COUNT; i++) {
        sum += small[i] * (i & 0xff);
        highest = small[i] > highest ? small[i] : highest;
        apart += small[i] != text[i];
    }
    return (u64)sum << 32 | highest << 24 | apart;
}

static u64 mix(u64 key)
{
    u64 sum = 0;
    for (u32 i = 0; i < NUMBERS; i++) {
        u64 mixed = (numbers[i] ^ key) * 0x9e3779b97f4a7c15u;
        numbers[i] = mixed ^ mixed >> 29;
        sum += numbers[i];
    }
    return sum;
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 6, sum = 0;
    for (u32 i = 0; i < COUNT; i++) {
        text[i] = (u8)(kernel_random(&state) >> 20 & 0x7f);
    }
    for (u32 i = 0; i < NUMBERS; i++) {
        numbers[i] = i;
    }
    for (u32 round = 0; round < n; round++) {
        text[round % COUNT] = (u8)(round & 0x7f);
        make_small();
        sum = kernel_fold(sum, count_of((u8)(round & 0x7f)) + check());
        sum = kernel_fold(sum, mix(sum));
    }
    return sum;
}
