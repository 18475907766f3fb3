// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/kernels/kernel.h: what a kernel is: one function that does a kind of work n times
// over and returns a checksum of all it did, so that no compiler can leave any of it out and every
// engine must agree.
//
// Use     each file defines KERNEL_RUN, which the build names `run` for WebAssembly and kernel_NAME
//         natively. It may be called again and again, with any n, and gives the same answer for the
//         same n.
// Limits  freestanding, no imports; static arrays of at most 8 MiB.
#pragma once
#include "core/base/types.h"

u64 KERNEL_RUN(u32 n);

// A generator that is the same everywhere: 64 bits of state, never 0.
static inline u64 kernel_random(u64 *state)
{
    u64 x = *state;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x * 0x2545f4914f6cdd1du;
}

// Folds a value into a checksum; order counts.
static inline u64 kernel_fold(u64 sum, u64 value)
{
    return (sum << 5 | sum >> 59) * 0x9e3779b97f4a7c15u + value;
}

static inline u64 kernel_bits(f64 value)
{
    u64 bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}
