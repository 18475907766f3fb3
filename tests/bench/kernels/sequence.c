// SPDX-License-Identifier: GPL-3.0-or-later
// Dynamic programming over a sequence: how many letters of it can pair up without crossing, and how
// far it is from another by insertions, deletions and changes.
#include "tests/bench/kernels/kernel.h"

enum { LENGTH = 160 };
static u8 letters[LENGTH], other[LENGTH];
static i32 pairs[LENGTH][LENGTH];
static u16 row[LENGTH + 1];

static i32 max(i32 a, i32 b)
{
    return a > b ? a : b;
}

static i32 fold(void)
{
    for (i32 i = LENGTH - 1; i >= 0; i--) {
        for (i32 j = i; j < LENGTH; j++) {
            i32 best = 0;
            if (j > i) {
                best = max(pairs[i][j - 1], pairs[i + 1][j]);
                i32 inside = j > i + 1 ? pairs[i + 1][j - 1] : 0;
                best = max(best, inside + (letters[i] + letters[j] == 3));
                for (i32 k = i + 1; k < j; k++) {
                    best = max(best, pairs[i][k] + pairs[k + 1][j]);
                }
            }
            pairs[i][j] = best;
        }
    }
    return pairs[0][LENGTH - 1];
}

static u32 distance(void)
{
    for (u32 j = 0; j <= LENGTH; j++) {
        row[j] = (u16)j;
    }
    for (u32 i = 1; i <= LENGTH; i++) {
        u16 corner = row[0];
        row[0] = (u16)i;
        for (u32 j = 1; j <= LENGTH; j++) {
            u32 best = corner + (letters[i - 1] != other[j - 1]);
            best = best < row[j] + 1u ? best : row[j] + 1u;
            best = best < row[j - 1] + 1u ? best : row[j - 1] + 1u;
            corner = row[j];
            row[j] = (u16)best;
        }
    }
    return row[LENGTH];
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 13, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < LENGTH; i++) {
            u64 dice = kernel_random(&state);
            letters[i] = dice >> 60 & 3;
            other[i] = dice >> 50 & 3;
        }
        sum = kernel_fold(sum, (u64)fold());
        sum = kernel_fold(sum, distance());
    }
    return sum;
}
