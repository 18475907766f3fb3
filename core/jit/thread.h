// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/thread.h: runs a thread whose functions are partly compiled, by the same contract as
// wasm_thread_run.
//
// A struct wasm_thread has the interpreter's stack; a struct jit_thread stands beside it and has
// the stack of compiled code, which is taken at the first call that needs it. Calls go from one to
// the other and back to any depth, but neither runs within the other: jit_thread_run is a loop.
//
// Use     wasm_thread_init and jit_thread_init; jit_module_attach for each instance that may run
//         compiled code; then the functions here in place of those of core/wasm/thread.h with the
//         same names. What they leave in thread->wasm (host, trap, results) is as ever.
//         jit_interrupt in the machine's handler of faults and ticks.
// Owner   the caller owns the struct; the stack is the space's.
// Time    compiled code counts no fuel: it is charged by the clock that the caller hands in, and
//         ends when the machine interrupts it. A crossing costs JIT_FUEL_CROSSING.
#pragma once
#include "core/base/err.h"
#include "core/base/registers.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
#include "core/jit/unwind.h"
#include "core/wasm/thread.h"
#include "core/wasm/trap.h"
struct jit_space;
struct jit_segment;
struct text;
struct wasm_instance;

// Why compiled code gave the worker back.
enum jit_leave {
    JIT_LEAVE_RETURN, // the function that was entered has returned
    JIT_LEAVE_CALL,   // something is called that is not compiled: `callee`
    JIT_LEAVE_PAUSED, // a tick has interrupted it
    JIT_LEAVE_TRAP,   // a fault has
};

// `callee` when it is no struct wasm_func *, whose addresses are even.
enum {
    JIT_TAG_FUNCTION = 1, // | index << 2, of this instance's module
    JIT_TAG_THROW = 2,    // | index of the tag << 2
    JIT_TAG_HELPER = 3,   // | enum ir_helper << 2
};

struct jit_thread {
    // Known to the CPU's pieces of code (x86_64/crossing.c).
    u8 *sp;        // of the stack of compiled code while it does not run
    u8 *worker_sp; // of the worker's stack while compiled code runs
    struct wasm_instance *instance;
    u8 *memory;                 // base of its memory 0
    wasm_slot *slots;           // arguments and results that cross
    const void *target;         // of an entry: the function's code
    u64 callee;                 // of JIT_LEAVE_CALL
    const void *leave;          // JIT_STUB_LEAVE
    u32 type;                   // of JIT_LEAVE_CALL: the canonical type that is meant
    struct registers registers; // of JIT_LEAVE_PAUSED

    struct wasm_thread *wasm;
    struct jit_space *space;
    u64 (*clock_ns)(void); // what compiled code is charged by; NULL: by its crossings alone
    u8 *stack;             // lowest byte; NULL: none yet
    u8 *stack_end;         // where functions that compare stop
    struct jit_segment *top;
    wasm_slot frame;          // the argument of an entry at a loop
    u8 bounds;                // enum jit_bounds
    u8 state;                 // private to thread.c
    u8 fault;                 // enum trap, of JIT_LEAVE_TRAP
    u64 fault_pc;             // 0: the trap is of a call that leaves
    struct jit_unwind unwind; // while an exception is on its way
};

//   bounds  the kind of the code that it runs
void jit_thread_init(struct jit_thread *thread, struct wasm_thread *wasm, struct jit_space *space,
                     enum jit_bounds bounds, u64 (*clock_ns)(void));
// At any time. The stack goes back to the space.
void jit_thread_drop(struct jit_thread *thread);

// The same as their namesakes of wasm_thread.
enum err jit_thread_call(struct jit_thread *thread, struct wasm_func *function,
                         const wasm_slot *args);
enum wasm_run jit_thread_run(struct jit_thread *thread, i64 *fuel);
void jit_thread_refuse(struct jit_thread *thread, enum trap trap);
u32 jit_thread_backtrace(const struct jit_thread *thread, struct wasm_frame *out, u32 count);
void jit_thread_describe(const struct jit_thread *thread, struct text *out);

// In a handler of faults and ticks, in the place of what the worker ran: no locks, no memory.
enum jit_interrupt {
    JIT_INTERRUPT_NONE, // not of compiled code: a fault is the kernel's, a tick comes too early
    JIT_INTERRUPT_DONE, // `registers` are changed: the worker goes on in jit_thread_run
};
// What the CPU said, in the words that matter here.
enum jit_fault {
    JIT_FAULT_NONE, // a tick
    JIT_FAULT_ADDRESS,
    JIT_FAULT_INSTRUCTION, // one that cannot be executed
    JIT_FAULT_ARITHMETIC,
};
//   address  of JIT_FAULT_ADDRESS: what could not be accessed
enum jit_interrupt jit_interrupt(const struct jit_space *space, struct registers *registers,
                                 enum jit_fault fault, u64 address);
