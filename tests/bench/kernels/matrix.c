// SPDX-License-Identifier: GPL-3.0-or-later
// f64 in memory: products of matrices, and one solved by elimination.
#include "tests/bench/kernels/kernel.h"

enum { SIZE = 64 };
static f64 a[SIZE][SIZE], b[SIZE][SIZE], c[SIZE][SIZE];

static void multiply(void)
{
    for (u32 i = 0; i < SIZE; i++) {
        for (u32 j = 0; j < SIZE; j++) {
            f64 sum = 0;
            for (u32 k = 0; k < SIZE; k++) {
                sum += a[i][k] * b[k][j];
            }
            c[i][j] = sum;
        }
    }
}

// Elimination in place without pivots: c's diagonal dominates.
static f64 eliminate(void)
{
    f64 product = 1;
    for (u32 k = 0; k < SIZE; k++) {
        c[k][k] += SIZE * 4;
    }
    for (u32 k = 0; k < SIZE; k++) {
        product = product * c[k][k] / (SIZE * 4);
        for (u32 i = k + 1; i < SIZE; i++) {
            f64 factor = c[i][k] / c[k][k];
            for (u32 j = k; j < SIZE; j++) {
                c[i][j] -= factor * c[k][j];
            }
        }
    }
    return product;
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 5, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < SIZE; i++) {
            for (u32 j = 0; j < SIZE; j++) {
                a[i][j] = (f64)(i32)(kernel_random(&state) >> 40) / (1 << 24);
                b[i][j] = (f64)(i32)(kernel_random(&state) >> 40) / (1 << 24);
            }
        }
        multiply();
        sum = kernel_fold(sum, kernel_bits(c[round % SIZE][7]));
        sum = kernel_fold(sum, kernel_bits(eliminate()));
    }
    return sum;
}
