// SPDX-License-Identifier: GPL-3.0-or-later
// The shortest paths between all nodes of a graph: i32 in memory, a sum, a comparison and a store
// in the innermost of three loops.
#include "tests/bench/kernels/kernel.h"

enum { NODES = 120, FAR = 1 << 20 };
static i32 paths[NODES][NODES];

u64 KERNEL_RUN(u32 n)
{
    u64 state = 11, sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < NODES; i++) {
            for (u32 j = 0; j < NODES; j++) {
                u32 dice = (u32)(kernel_random(&state) >> 32);
                paths[i][j] = i == j ? 0 : dice % 5 == 0 ? (i32)(dice % 997) + 1 : FAR;
            }
        }
        for (u32 k = 0; k < NODES; k++) {
            for (u32 i = 0; i < NODES; i++) {
                for (u32 j = 0; j < NODES; j++) {
                    i32 through = paths[i][k] + paths[k][j];
                    paths[i][j] = paths[i][j] < through ? paths[i][j] : through;
                }
            }
        }
        for (u32 i = 0; i < NODES; i++) {
            sum = kernel_fold(sum, (u64)paths[i][round % NODES]);
        }
    }
    return sum;
}
