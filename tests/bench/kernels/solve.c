// SPDX-License-Identifier: GPL-3.0-or-later
// Matrices of doubles taken apart, as numeric programs do it: triples of loops over rows and
// columns whose bounds depend on each other, square roots and divisions.
#include "tests/bench/kernels/kernel.h"

enum { SIZE = 60 };
static f64 a[SIZE][SIZE];

static void fill(u64 *state)
{
    for (u32 i = 0; i < SIZE; i++) {
        for (u32 j = 0; j < SIZE; j++) {
            a[i][j] = (f64)(i32)(kernel_random(state) >> 44) / (1 << 20);
        }
        a[i][i] = SIZE;
    }
}

// a = L * L^T, L below the diagonal.
static void cholesky(void)
{
    for (u32 i = 0; i < SIZE; i++) {
        for (u32 j = 0; j < i; j++) {
            for (u32 k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[j][k];
            }
            a[i][j] /= a[j][j];
        }
        for (u32 k = 0; k < i; k++) {
            a[i][i] -= a[i][k] * a[i][k];
        }
        a[i][i] = __builtin_sqrt(a[i][i]);
    }
}

// a = L * U in place.
static void lower_upper(void)
{
    for (u32 i = 0; i < SIZE; i++) {
        for (u32 j = 0; j < i; j++) {
            for (u32 k = 0; k < j; k++) {
                a[i][j] -= a[i][k] * a[k][j];
            }
            a[i][j] /= a[j][j];
        }
        for (u32 j = i; j < SIZE; j++) {
            for (u32 k = 0; k < i; k++) {
                a[i][j] -= a[i][k] * a[k][j];
            }
        }
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 3, sum = 0;
    for (u32 i = 0; i < n; i++) {
        fill(&state);
        cholesky();
        sum = kernel_fold(sum, kernel_bits(a[SIZE - 1][SIZE - 1]));
        fill(&state);
        lower_upper();
        sum = kernel_fold(sum, kernel_bits(a[SIZE - 1][SIZE - 1]));
    }
    return sum;
}
