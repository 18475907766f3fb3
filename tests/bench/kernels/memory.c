// SPDX-License-Identifier: GPL-3.0-or-later
// Memory: a chase along a random cycle through 4 MiB, and passes that read and write it in strides.
#include "tests/bench/kernels/kernel.h"

enum { WORDS = 1 << 20 };
static u32 words[WORDS];

static void make_cycle(u64 seed)
{
    for (u32 i = 0; i < WORDS; i++) {
        words[i] = i;
    }
    for (u32 i = WORDS - 1; i > 0; i--) { // a shuffle that leaves one cycle
        u32 j = (u32)(kernel_random(&seed) % i);
        u32 word = words[i];
        words[i] = words[j];
        words[j] = word;
    }
}

u64 KERNEL_RUN(u32 n)
{
    u64 sum = 0;
    u32 at = 0;
    make_cycle(1);
    for (u32 i = 0; i < n; i++) {
        for (u32 step = 0; step < 20000; step++) {
            at = words[at];
            sum += at;
        }
        u32 stride = 1u << (i & 7);
        for (u32 k = i & 127; k + 4 * stride < WORDS / 4; k += 4 * stride) {
            words[WORDS / 2 + k] += words[k] ^ words[k + stride];
            words[WORDS / 2 + k] -= words[k] ^ words[k + stride];
            sum += words[k + 2 * stride] + words[k + 3 * stride];
        }
    }
    return kernel_fold(sum, at);
}
