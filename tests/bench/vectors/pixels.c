// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes as pixels: mixed by a weight for each, made gray, stretched with saturation, compared.
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 1 << 14 };
static u8 red[COUNT], green[COUNT], blue[COUNT], weight[COUNT], gray[COUNT], mixed[COUNT];

static void make_gray(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        gray[i] = (u8)((77 * red[i] + 150 * green[i] + 29 * blue[i] + 128) >> 8);
    }
}

static void mix(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        u32 sum = (u32)gray[i] * weight[i] + (u32)mixed[i] * (255u - weight[i]) + 128;
        mixed[i] = (u8)((sum + (sum >> 8)) >> 8);
    }
}

static void stretch(u32 low)
{
    for (u32 i = 0; i < COUNT; i++) {
        u32 above = mixed[i] > low ? (mixed[i] - low) * 2 : 0;
        mixed[i] = (u8)(above > 255 ? 255 : above);
    }
}

static u32 difference(void)
{
    u32 sum = 0;
    for (u32 i = 0; i < COUNT; i++) {
        i32 apart = (i32)gray[i] - (i32)mixed[i];
        sum += (u32)(apart < 0 ? -apart : apart);
    }
    return sum;
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 3, sum = 0;
    for (u32 i = 0; i < COUNT; i++) {
        u64 random = kernel_random(&state);
        red[i] = (u8)random;
        green[i] = (u8)(random >> 8);
        blue[i] = (u8)(random >> 16);
        weight[i] = (u8)(random >> 24);
        mixed[i] = (u8)(random >> 32);
    }
    for (u32 round = 0; round < n; round++) {
        make_gray();
        mix();
        stretch(round & 31);
        sum = kernel_fold(sum, difference());
    }
    return sum;
}
