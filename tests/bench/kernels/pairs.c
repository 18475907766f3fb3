// SPDX-License-Identifier: GPL-3.0-or-later
// The most pairs that a string of letters can form without crossing: a table filled from its
// diagonal, small integers, the largest of several.
#include "tests/bench/kernels/kernel.h"

enum { LENGTH = 120 };
static u8 letters[LENGTH];
static i32 table[LENGTH][LENGTH];

static i32 most(i32 a, i32 b)
{
    return a > b ? a : b;
}

static i32 fill(void)
{
    for (i32 i = LENGTH - 1; i >= 0; i--) {
        for (i32 j = i + 1; j < LENGTH; j++) {
            i32 best = table[i][j - 1];
            if (i + 1 < LENGTH) {
                best = most(best, table[i + 1][j]);
            }
            if (i < j - 1) {
                best = most(best, table[i + 1][j - 1] + (letters[i] + letters[j] == 3));
            }
            for (i32 k = i + 1; k < j; k++) {
                best = most(best, table[i][k] + table[k + 1][j]);
            }
            table[i][j] = best;
        }
    }
    return table[0][LENGTH - 1];
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 17, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < LENGTH; i++) {
            letters[i] = kernel_random(&state) >> 62;
            for (u32 j = 0; j < LENGTH; j++) {
                table[i][j] = 0;
            }
        }
        sum = kernel_fold(sum, (u64)fill());
    }
    return sum;
}
