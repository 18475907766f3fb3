// SPDX-License-Identifier: GPL-3.0-or-later
// Calls through tables of function pointers whose targets change from call to call.
#include "core/base/compiler.h"
#include "tests/bench/kernels/kernel.h"

typedef u32 (*operation)(u32 a, u32 b);

static u32 op_add(u32 a, u32 b)
{
    return a + b;
}

static u32 op_subtract(u32 a, u32 b)
{
    return a - b;
}

static u32 op_multiply(u32 a, u32 b)
{
    return a * (b | 1);
}

static u32 op_exclusive(u32 a, u32 b)
{
    return a ^ b;
}

static u32 op_rotate(u32 a, u32 b)
{
    return a << (b & 15) | a >> (32 - (b & 15) - 1) >> 1;
}

static u32 op_average(u32 a, u32 b)
{
    return (a & b) + ((a ^ b) >> 1);
}

static u32 op_largest(u32 a, u32 b)
{
    return a > b ? a - 1 : b + 1;
}

static u32 op_mix(u32 a, u32 b)
{
    return (a ^ b >> 7) * 0x85ebca6b;
}

static operation operations[] = {
    op_add, op_subtract, op_multiply, op_exclusive, op_rotate, op_average, op_largest, op_mix,
};

u64 KERNEL_RUN(u32 n)
{
    u32 a = 1, b = 2;
    u64 sum = 0;
    for (u32 i = 0; i < n; i++) {
        u32 c = operations[(a ^ i) & 7](a, b);
        a = operations[(b >> 3) & 7](b, c + i);
        b = c;
        sum += a;
    }
    return kernel_fold(sum, b);
}
