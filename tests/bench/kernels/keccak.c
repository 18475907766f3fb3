// SPDX-License-Identifier: GPL-3.0-or-later
// Keccak's permutation of 25 words of 64 bits: more values than a CPU has registers, rotations, and
// not much else.
//
// Source  FIPS 202, sections 3.2 and 3.3.
#include "tests/bench/kernels/kernel.h"

enum { WORDS = 25, ROUNDS = 24 };

static const u8 rotations[WORDS - 1] = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                        27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
static const u8 places[WORDS - 1] = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                     15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};

static u64 rotate(u64 value, u32 by)
{
    return value << (by & 63) | value >> (-by & 63);
}

// The constants of the rounds are bits of a linear feedback shift register.
static u64 round_constant(u8 *lfsr)
{
    u64 out = 0;
    for (u32 i = 0; i < 7; i++) {
        out |= (u64)(*lfsr & 1) << ((1u << i) - 1);
        *lfsr = (u8)(*lfsr << 1 ^ (*lfsr >> 7 ? 0x71 : 0));
    }
    return out;
}

static void permute(u64 a[WORDS], const u64 constants[ROUNDS])
{
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 c[5];
        for (u32 x = 0; x < 5; x++) {
            c[x] = a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20];
        }
        for (u32 x = 0; x < 5; x++) {
            u64 d = c[(x + 4) % 5] ^ rotate(c[(x + 1) % 5], 1);
            for (u32 y = 0; y < WORDS; y += 5) {
                a[y + x] ^= d;
            }
        }
        u64 moved = a[1];
        for (u32 i = 0; i < WORDS - 1; i++) {
            u64 next = a[places[i]];
            a[places[i]] = rotate(moved, rotations[i]);
            moved = next;
        }
        for (u32 y = 0; y < WORDS; y += 5) {
            u64 row[5] = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
            for (u32 x = 0; x < 5; x++) {
                a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
            }
        }
        a[0] ^= constants[round];
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 a[WORDS], state = 1;
    u64 constants[ROUNDS];
    u8 lfsr = 1;
    for (u32 i = 0; i < WORDS; i++) {
        a[i] = kernel_random(&state);
    }
    for (u32 i = 0; i < ROUNDS; i++) {
        constants[i] = round_constant(&lfsr);
    }
    for (u32 i = 0; i < n; i++) {
        a[0] ^= i;
        permute(a, constants);
    }
    return a[0];
}
