// SPDX-License-Identifier: GPL-3.0-or-later
// Integer arithmetic of all kinds in registers: multiply, divide, shift, rotate, compare, 32 and 64
// bits.
#include "tests/bench/kernels/kernel.h"

u64 KERNEL_RUN(u32 n)
{
    u32 a = 0x12345678, b = 0x9abcdef0;
    u64 sum = 1;
    for (u32 i = 1; i <= n; i++) {
        a = a * 1664525 + i;
        b ^= a >> 15 | a << 17;
        u64 wide = (u64)a * b + sum;
        if ((i32)a < (i32)b) {
            sum += wide / (i | 1);
        } else {
            sum ^= wide % (b | 1);
        }
        sum = sum >> (a & 31) | sum << (64 - (a & 31) - 1) << 1;
        b += (u32)((i32)(u32)sum >> 3) - (a % (i + 7));
    }
    return kernel_fold(sum, (u64)a << 32 | b);
}
