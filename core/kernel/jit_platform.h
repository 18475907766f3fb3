// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/jit_platform.h: what core/jit wants of a machine, as core/platform.h has it. The row
// of the compiler knows no platform; its tests stand where the kernel does, and use this too.
#pragma once
#include "core/base/types.h"
#include "core/jit/space.h"
#include "core/jit/thread.h"
#include "core/platform.h"

static const struct jit_pages jit_platform_pages = {
    .reserve = platform_guarded_reserve,
    .release = platform_pages_release,
    .commit = platform_guarded_commit,
    .decommit = platform_guarded_decommit,
    .clear = platform_pages_clear,
    .open_reserve = platform_pages_reserve,
    .open_commit = platform_pages_commit,
    .make_executable = platform_pages_make_executable,
    .relax = platform_relax,
    .stack_leave = platform_stack_leave,
    .stack_arrive = platform_stack_arrive,
};

// What jit_interrupt is told of an interrupt.
static inline enum jit_fault jit_fault_of(enum platform_interrupt what)
{
    static const u8 faults[] = {
        [PLATFORM_TICK] = JIT_FAULT_NONE,
        [PLATFORM_FAULT_ADDRESS] = JIT_FAULT_ADDRESS,
        [PLATFORM_FAULT_INSTRUCTION] = JIT_FAULT_INSTRUCTION,
        [PLATFORM_FAULT_ARITHMETIC] = JIT_FAULT_ARITHMETIC,
    };
    return (enum jit_fault)faults[what];
}
