// SPDX-License-Identifier: GPL-3.0-or-later
// A search with back-tracking: queens on a board, by recursion over arrays.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { BOARD_MAX = 16 };
static bool column_taken[BOARD_MAX];
static bool rising_taken[2 * BOARD_MAX];
static bool falling_taken[2 * BOARD_MAX];
static u32 place_of[BOARD_MAX];
static u64 sum;

static NOINLINE u32 place(u32 row, u32 size)
{
    if (row == size) {
        sum = kernel_fold(sum, place_of[0] * size + place_of[size - 1]);
        return 1;
    }
    u32 found = 0;
    for (u32 column = 0; column < size; column++) {
        u32 rising = row + column, falling = row + size - column;
        if (column_taken[column] || rising_taken[rising] || falling_taken[falling]) {
            continue;
        }
        column_taken[column] = rising_taken[rising] = falling_taken[falling] = true;
        place_of[row] = column;
        found += place(row + 1, size);
        column_taken[column] = rising_taken[rising] = falling_taken[falling] = false;
    }
    return found;
}

u64 KERNEL_RUN(u32 n)
{
    sum = 0;
    u32 size = n < BOARD_MAX ? n : BOARD_MAX;
    u32 found = place(0, size);
    return kernel_fold(sum, found);
}
