// SPDX-License-Identifier: GPL-3.0-or-later
// A sparse matrix in compressed rows times a vector: numbers found by way of indices.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

enum { ROWS = 4096, EACH = 12 };

static u32 starts[ROWS + 1];
static u32 columns[ROWS * EACH];
static f64 values[ROWS * EACH];
static f64 from[ROWS];
static f64 to[ROWS];

static void fill(void)
{
    u64 state = 5;
    u32 at = 0;
    for (u32 row = 0; row < ROWS; row++) {
        u32 count = 1 + (u32)(kernel_random(&state) >> 33) % EACH;
        starts[row] = at;
        for (u32 i = 0; i < count; i++) {
            columns[at] = (u32)(kernel_random(&state) >> 33) % ROWS;
            values[at++] = (f64)(i32)(kernel_random(&state) >> 32) / 4294967296.0 / EACH;
        }
        from[row] = 1.0 + row % 7;
    }
    starts[ROWS] = at;
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    fill();
    for (u32 turn = 0; turn < n; turn++) {
        for (u32 row = 0; row < ROWS; row++) {
            f64 total = 0;
            for (u32 i = starts[row]; i < starts[row + 1]; i++) {
                total += values[i] * from[columns[i]];
            }
            to[row] = total;
        }
        for (u32 row = 0; row < ROWS; row++) {
            from[row] = to[row] + 0.5 * from[row];
        }
        sum = kernel_fold(sum, kernel_bits(from[turn % ROWS]));
    }
    return sum;
}
