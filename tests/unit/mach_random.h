// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/mach_random.h: functions for the register allocator, made of a seed.
#pragma once
#include "core/base/types.h"
#include "core/jit/mach.h"
struct arena;

struct mach_shape {
    u32 instructions; // about
    u32 values;       // how many of those that live are likely used again
    u32 depth;        // of nested loops and branches
    u32 calls;        // of 100 instructions
    u32 old;          // every so many-th use is of any that lives
};

// All of x86-64; three integer registers and two float ones; one half of x86-64, all preserved.
extern const struct mach_registers mach_random_registers[3];

// A valid function with about that many instructions. The arena must be large enough.
void mach_random(struct arena *arena, const struct mach_registers *registers,
                 struct mach_shape shape, u64 seed, struct mach *mach);
