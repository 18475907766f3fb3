// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes and bits in memory: primes by a sieve, kept as one bit for each odd number.
#include "tests/bench/kernels/kernel.h"

enum { LIMIT = 1 << 20 };
static u8 bits[LIMIT / 16];

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    for (u32 round = 0; round < n; round++) {
        for (u32 i = 0; i < sizeof bits; i++) {
            bits[i] = 0xff;
        }
        for (u32 i = 3; i * i < LIMIT; i += 2) {
            if ((bits[i >> 4] >> (i >> 1 & 7) & 1) == 0) {
                continue;
            }
            for (u32 k = i * i; k < LIMIT; k += 2 * i) {
                bits[k >> 4] &= (u8) ~(1u << (k >> 1 & 7));
            }
        }
        u32 count = 1; // the prime 2
        for (u32 i = 3; i < LIMIT; i += 2) {
            count += bits[i >> 4] >> (i >> 1 & 7) & 1;
        }
        sum = kernel_fold(sum, count);
    }
    return sum;
}
