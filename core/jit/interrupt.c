// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of a fault or a tick in compiled code: the worker is sent to the stub that leaves.
// Runs in the machine's handler, in the place of what was interrupted.
#include "core/base/assert.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/wasm/code.h"

// The trap that a fault means; TRAP_NONE: compiled code does not fault so.
static enum trap trap_of(const struct jit_thread *thread, const struct jit_code *code, u32 offset,
                         enum jit_fault fault, u64 address)
{
    u64 stack = (u64)(uintptr_t)thread->stack;
    bool has_guard = thread->bounds == JIT_BOUNDS_GUARD;
    if (has_guard && fault == JIT_FAULT_ADDRESS && address >= stack - JIT_STACK_GUARD &&
        address < stack) {
        return TRAP_STACK_EXHAUSTED;
    }
    const struct jit_site *site = jit_code_site(code, offset, false);
    if (site == NULL) {
        return TRAP_NONE;
    }
    // An access elsewhere would be the compiler's mistake, and no wall any more. An element that is
    // null is told by the access to the function that it is not.
    if (fault == JIT_FAULT_ADDRESS && site->trap == TRAP_MEMORY_OUT_OF_BOUNDS) {
        u64 memory = (u64)(uintptr_t)thread->memory;
        return has_guard && address - memory < JIT_RESERVED_BYTES ? site->trap : TRAP_NONE;
    }
    if (fault == JIT_FAULT_ADDRESS && site->trap == TRAP_UNINITIALIZED_ELEMENT) {
        return address < JIT_PAGE_BYTES ? site->trap : TRAP_NONE;
    }
    return site->trap;
}

enum jit_interrupt jit_interrupt(const struct jit_space *space, struct registers *registers,
                                 enum jit_fault fault, u64 address)
{
    struct jit_module *module;
    u32 offset;
    const struct jit_code *code = jit_code_at(space, registers->pc, &module, &offset);
    if (code == NULL) {
        return JIT_INTERRUPT_NONE;
    }
    const struct jit_target *target = space->target;
    struct wasm_instance *instance =
        (struct wasm_instance *)(uintptr_t)registers->integer[target->instance_register];
    struct jit_thread *thread = instance->runner;
    enum jit_leave reason = JIT_LEAVE_PAUSED;
    if (fault == JIT_FAULT_NONE) {
        thread->registers = *registers;
        if (offset >= code->again_start && offset < code->again_end) {
            thread->registers.pc -= offset - code->again_start;
        }
    } else {
        enum trap trap = trap_of(thread, code, offset, fault, address);
        if (trap == TRAP_NONE) {
            return JIT_INTERRUPT_NONE;
        }
        thread->fault = (u8)trap;
        thread->fault_pc = registers->pc;
        reason = JIT_LEAVE_TRAP;
    }
    registers->pc = (u64)(uintptr_t)space->stubs[thread->bounds][JIT_STUB_LEAVE];
    registers->integer[target->reason_register] = reason;
    return JIT_INTERRUPT_DONE;
}
