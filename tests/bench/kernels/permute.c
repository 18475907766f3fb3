// SPDX-License-Identifier: GPL-3.0-or-later
// Keccak's permutation: twenty-five words of 64 bits, more than a CPU has registers, turned and
// mixed for 24 rounds.
// Source  FIPS 202, section 3.
#include "tests/bench/kernels/kernel.h"

enum { ROUNDS = 24, LANES = 25 };

static u64 turn(u64 value, u32 by)
{
    return by == 0 ? value : value << by | value >> (64 - by);
}

static u64 constants[ROUNDS];
static u8 turns[LANES];

// The constants as section 3.2 computes them.
static void prepare(void)
{
    u32 x = 1, y = 0;
    for (u32 t = 0; t < 24; t++) {
        turns[x + 5 * y] = (u8)((t + 1) * (t + 2) / 2 % 64);
        u32 next = (2 * x + 3 * y) % 5;
        x = y;
        y = next;
    }
    u32 shift = 1;
    for (u32 round = 0; round < ROUNDS; round++) {
        constants[round] = 0;
        for (u32 j = 0; j < 7; j++) {
            constants[round] |= (u64)(shift & 1) << ((1u << j) - 1);
            shift = shift << 1 ^ (shift >> 7 & 1) * 0x171;
        }
    }
}

static void permute(u64 *a)
{
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 c[5], b[LANES];
        for (u32 x = 0; x < 5; x++) {
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        }
        for (u32 x = 0; x < 5; x++) {
            u64 d = c[(x + 4) % 5] ^ turn(c[(x + 1) % 5], 1);
            for (u32 y = 0; y < 5; y++) {
                b[y + 5 * ((2 * x + 3 * y) % 5)] = turn(a[x + 5 * y] ^ d, turns[x + 5 * y]);
            }
        }
        for (u32 y = 0; y < 5; y++) {
            for (u32 x = 0; x < 5; x++) {
                a[x + 5 * y] = b[x + 5 * y] ^ (~b[(x + 1) % 5 + 5 * y] & b[(x + 2) % 5 + 5 * y]);
            }
        }
        a[0] ^= constants[round];
    }
}

u64 KERNEL_RUN(u32 n)
{
    prepare();
    u64 state[LANES];
    for (u32 i = 0; i < LANES; i++) {
        state[i] = i;
    }
    for (u32 round = 0; round < n; round++) {
        permute(state);
    }
    return kernel_fold(state[0], state[24]);
}
