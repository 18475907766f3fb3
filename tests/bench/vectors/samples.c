// SPDX-License-Identifier: GPL-3.0-or-later
// Sound: samples of 16 bits and of f32, converted both ways, mixed with saturation, filtered,
// multiplied and summed.
#include "tests/bench/kernels/kernel.h"

enum { COUNT = 1 << 13, TAPS = 16 };
static i16 one[COUNT], other[COUNT], out[COUNT];
static f32 smooth[COUNT], wave[COUNT + TAPS];

static void mix(i32 loud)
{
    for (u32 i = 0; i < COUNT; i++) {
        i32 sum = one[i] + (other[i] * loud >> 8);
        out[i] = (i16)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
    }
}

static void to_wave(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        wave[i] = (f32)out[i] * (1.0f / 32768);
    }
}

static void filter(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        f32 sum = 0;
        for (u32 k = 0; k < TAPS; k++) {
            sum += wave[i + k] * (0.0625f + 0.001f * (f32)k);
        }
        smooth[i] = sum;
    }
}

static void to_samples(void)
{
    for (u32 i = 0; i < COUNT; i++) {
        f32 scaled = smooth[i] * 40000;
        scaled = scaled > 32767 ? 32767 : scaled;
        scaled = scaled < -32768 ? -32768 : scaled;
        out[i] = (i16)(i32)scaled;
    }
}

static i32 product(void)
{
    i32 sum = 0;
    for (u32 i = 0; i < COUNT; i++) {
        sum += (out[i] >> 4) * (other[i] >> 4) >> 8;
    }
    return sum;
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 4, sum = 0;
    for (u32 i = 0; i < COUNT; i++) {
        u64 random = kernel_random(&state);
        one[i] = (i16)random;
        other[i] = (i16)(random >> 16);
    }
    for (u32 round = 0; round < n; round++) {
        mix((i32)(round & 255));
        to_wave();
        filter();
        to_samples();
        sum = kernel_fold(sum, (u64)(i64)product());
    }
    return sum;
}
