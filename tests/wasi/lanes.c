// SPDX-License-Identifier: GPL-3.0-or-later
// Ordinary C with the vectors of wasm_simd128.h, against the same work done one number at a time:
// each line is a sum over the results of one kernel, and what disagrees says so.
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasm_simd128.h>

enum { COUNT = 64 };

static uint8_t bytes_a[COUNT];
static uint8_t bytes_b[COUNT];
static int16_t words_a[COUNT];
static int16_t words_b[COUNT];
static float floats_a[COUNT];
static float floats_b[COUNT];
static int failed;

static uint32_t sum_of(const void *data, size_t size)
{
    const unsigned char *at = data;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ at[i]) * 16777619u;
    }
    return hash;
}

static void tell(const char *name, const void *lanes, const void *single, size_t size)
{
    int agrees = memcmp(lanes, single, size) == 0;
    failed += !agrees;
    printf("%s %08x%s\n", name, (unsigned)sum_of(lanes, size), agrees ? "" : " DISAGREES");
}

// Numbers that the compiler can not know.
static void fill(void)
{
    volatile uint32_t state = 1;
    for (int i = 0; i < COUNT; i++) {
        state = state * 1664525u + 1013904223u;
        bytes_a[i] = (uint8_t)(state >> 24);
        bytes_b[i] = (uint8_t)(state >> 16);
        words_a[i] = (int16_t)(state >> 12);
        words_b[i] = (int16_t)(state >> 8);
        // A third of them denormal: a unit that takes those for zero gives other sums.
        uint32_t bits = i % 3 == 0 ? state >> 10 : (state >> 9) + 0x3f000000u;
        memcpy(&floats_a[i], &bits, sizeof bits);
        bits = i % 3 == 0 ? state >> 11 : (state >> 10) + 0x3e800000u;
        memcpy(&floats_b[i], &bits, sizeof bits);
    }
}

#define SINGLY _Pragma("clang loop vectorize(disable) interleave(disable)")

static void saturate(void)
{
    uint8_t lanes[COUNT];
    uint8_t single[COUNT];
    for (int i = 0; i < COUNT; i += 16) {
        v128_t a = wasm_v128_load(bytes_a + i);
        v128_t b = wasm_v128_load(bytes_b + i);
        wasm_v128_store(lanes + i, wasm_u8x16_avgr(wasm_u8x16_add_sat(a, b), b));
    }
    SINGLY for (int i = 0; i < COUNT; i++)
    {
        int both = bytes_a[i] + bytes_b[i];
        single[i] = (uint8_t)(((both > 255 ? 255 : both) + bytes_b[i] + 1) / 2);
    }
    tell("saturate", lanes, single, COUNT);
}

static void reverse(void)
{
    uint8_t lanes[COUNT];
    uint8_t single[COUNT];
    for (int i = 0; i < COUNT; i += 16) {
        v128_t a = wasm_v128_load(bytes_a + COUNT - 16 - i);
        wasm_v128_store(lanes + i, wasm_i8x16_shuffle(a, a, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5,
                                                      4, 3, 2, 1, 0));
    }
    SINGLY for (int i = 0; i < COUNT; i++)
    {
        single[i] = bytes_a[COUNT - 1 - i];
    }
    tell("reverse", lanes, single, COUNT);
}

static void dot(void)
{
    v128_t total = wasm_i32x4_const_splat(0);
    for (int i = 0; i < COUNT; i += 8) {
        total = wasm_i32x4_add(
            total, wasm_i32x4_dot_i16x8(wasm_v128_load(words_a + i), wasm_v128_load(words_b + i)));
    }
    int32_t lanes = (int32_t)((uint32_t)wasm_i32x4_extract_lane(total, 0) +
                              (uint32_t)wasm_i32x4_extract_lane(total, 1) +
                              (uint32_t)wasm_i32x4_extract_lane(total, 2) +
                              (uint32_t)wasm_i32x4_extract_lane(total, 3));
    uint32_t single = 0;
    SINGLY for (int i = 0; i < COUNT; i++)
    {
        single += (uint32_t)(words_a[i] * words_b[i]);
    }
    tell("dot", &lanes, &single, sizeof lanes);
}

static void scale(void)
{
    float lanes[COUNT];
    float single[COUNT];
    v128_t half = wasm_f32x4_const_splat(0.5f);
    for (int i = 0; i < COUNT; i += 4) {
        v128_t a = wasm_v128_load(floats_a + i);
        v128_t b = wasm_v128_load(floats_b + i);
        wasm_v128_store(lanes + i, wasm_f32x4_add(wasm_f32x4_mul(a, half), wasm_f32x4_min(a, b)));
    }
    SINGLY for (int i = 0; i < COUNT; i++)
    {
        float least = floats_b[i] < floats_a[i] ? floats_b[i] : floats_a[i];
        single[i] = floats_a[i] * 0.5f + least;
    }
    tell("scale", lanes, single, sizeof lanes);
}

static void compare(void)
{
    uint32_t lanes[COUNT / 4];
    uint32_t single[COUNT / 4] = {0};
    for (int i = 0; i < COUNT; i += 4) {
        v128_t a = wasm_v128_load(floats_a + i);
        lanes[i / 4] = wasm_i32x4_bitmask(wasm_f32x4_lt(wasm_v128_load(floats_b + i), a));
    }
    SINGLY for (int i = 0; i < COUNT; i++)
    {
        single[i / 4] |= (uint32_t)(floats_b[i] < floats_a[i]) << i % 4;
    }
    tell("compare", lanes, single, sizeof lanes);
}

static void widen(void)
{
    uint64_t lanes[COUNT / 2];
    uint64_t single[COUNT / 2];
    for (int i = 0; i < COUNT / 2; i += 2) {
        v128_t wide = wasm_i64x2_extmul_low_i32x4(wasm_i32x4_load16x4(words_a + i),
                                                  wasm_i32x4_load16x4(words_b + i));
        wasm_v128_store(lanes + i, wasm_i64x2_shl(wide, (uint32_t)i));
    }
    SINGLY for (int i = 0; i < COUNT / 2; i++)
    {
        single[i] = (uint64_t)((int64_t)words_a[i] * words_b[i]) << (i & ~1);
    }
    tell("widen", lanes, single, sizeof lanes);
}

int main(void)
{
    fill();
    saturate();
    reverse();
    dot();
    scale();
    compare();
    widen();
    return failed == 0 ? 0 : 1;
}
