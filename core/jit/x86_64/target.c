// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/target.c: x86-64 as the compiler sees it.
#include "core/jit/target.h"

#include "core/jit/mach.h"
#include "core/jit/x86_64/crossing.h"
#include "core/jit/x86_64/internal.h"

#define BIT(reg) ((u64)1 << (reg))

const struct mach_registers x64_registers = {
    .allocatable = {BIT(X64_XMM0) - 1 - BIT(X64_RSP) - BIT(X64_INSTANCE) - BIT(X64_MEMORY),
                    BIT(X64_XMM15) - BIT(X64_XMM0)},
    .preserved = BIT(X64_RBX) | BIT(X64_RBP) | BIT(X64_R12) | BIT(X64_R13),
    .scratch = X64_SCRATCH,
};

const struct jit_target jit_target_x86_64 = {
    .name = "x86_64",
    .registers = &x64_registers,
    .instance_register = X64_INSTANCE,
    .reason_register = X64_RAX,
    .stack_register = X64_RSP,
    .memory_register = X64_MEMORY,
    .landing_register = X64_LANDING,
    .landing_flags = 0x202, // interrupts are on
    .has_frame = x64_has_frame,
    .select = x64_select,
    .emit = x64_emit,
    .emit_enter = x64_emit_enter,
    .emit_leave = x64_emit_leave,
    .emit_leave_helper = x64_emit_leave_helper,
    .is_tail = x64_is_tail,
    .stack_words = x64_stack_words,
    .emit_stub = x64_emit_stub,
    .link_call = x64_link_call,
    .link_bytes = X64_LINK_BYTES,
    .link_slot = x64_link_slot,
};
