// SPDX-License-Identifier: GPL-3.0-or-later
// f64 on grids: each point from its neighbours, from a copy (which vectors can do), in place (which
// they cannot), and two fields that push each other on.
#include "tests/bench/kernels/kernel.h"

enum { SIZE = 96 };
static f64 grid[SIZE][SIZE], next[SIZE][SIZE], x[SIZE][SIZE], y[SIZE][SIZE];

static void relax_from_copy(void)
{
    for (u32 i = 1; i < SIZE - 1; i++) {
        for (u32 j = 1; j < SIZE - 1; j++) {
            next[i][j] = 0.2 * (grid[i][j] + grid[i][j - 1] + grid[i][j + 1] + grid[i - 1][j] +
                                grid[i + 1][j]);
        }
    }
    for (u32 i = 1; i < SIZE - 1; i++) {
        for (u32 j = 1; j < SIZE - 1; j++) {
            grid[i][j] = next[i][j];
        }
    }
}

static void relax_in_place(void)
{
    for (u32 i = 1; i < SIZE - 1; i++) {
        for (u32 j = 1; j < SIZE - 1; j++) {
            grid[i][j] = (grid[i - 1][j - 1] + grid[i - 1][j] + grid[i - 1][j + 1] +
                          grid[i][j - 1] + grid[i][j] + grid[i][j + 1] + grid[i + 1][j - 1] +
                          grid[i + 1][j] + grid[i + 1][j + 1]) /
                         9.0;
        }
    }
}

static void push(void)
{
    for (u32 i = 1; i < SIZE; i++) {
        for (u32 j = 1; j < SIZE; j++) {
            x[i][j] -= 0.5 * (grid[i][j] - grid[i - 1][j]);
            y[i][j] -= 0.5 * (grid[i][j] - grid[i][j - 1]);
        }
    }
    for (u32 i = 0; i < SIZE - 1; i++) {
        for (u32 j = 0; j < SIZE - 1; j++) {
            grid[i][j] -= 0.3 * (x[i + 1][j] - x[i][j] + y[i][j + 1] - y[i][j]);
        }
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 state = 9, sum = 0;
    for (u32 i = 0; i < SIZE; i++) {
        for (u32 j = 0; j < SIZE; j++) {
            grid[i][j] = (f64)(i32)(kernel_random(&state) >> 40) / (1 << 24);
            x[i][j] = y[i][j] = 0;
        }
    }
    for (u32 round = 0; round < n; round++) {
        relax_from_copy();
        relax_in_place();
        push();
        sum = kernel_fold(sum, kernel_bits(grid[SIZE / 2][round % SIZE]));
    }
    return sum;
}
