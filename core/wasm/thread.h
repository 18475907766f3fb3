// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/thread.h: runs a function of an instance, in slices.
//
// A thread is data: its stack of values and frames lies in memory of its own, so it can stop after
// any slice or at a host call, wait for years in a queue at the price of that stack, and go on from
// any worker. The interpreter never recurses on the machine's stack.
//
// Use     wasm_thread_init, wasm_thread_call, then wasm_thread_run until it says DONE or TRAPPED.
//         At HOST the embedder reads thread->host, writes the results, and runs on (or kills the
//         thread). One thread may be called again after DONE or TRAPPED.
// Owner   the caller owns the struct; the stack comes from store->memory and wasm_thread_drop frees
//         it.
// Time    every loop back edge and every call costs one unit of fuel, straight code of more than
//         WASM_FUEL_STRAIGHT units one for each WASM_FUEL_INS instructions, bulk operations one for
//         each WASM_FUEL_BULK_BYTES bytes; a bulk operation larger than the fuel left is done in
//         parts.
//         A growth that has to wait for another thread's costs WASM_FUEL_GROW each time it is
//         tried.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/instance.h"
#include "core/wasm/trap.h"
struct ins;
struct text;
struct wasm_catch;
struct wasm_store;
struct wasm_tag;

enum {
    WASM_FUEL_BULK_BYTES = 64,
    WASM_FUEL_INS = 2,       // instructions of the interpreter's for a unit, about,
    WASM_FUEL_STRAIGHT = 64, // paid at once when so many units have come together
    WASM_FUEL_GROW = 1000,   // a try to grow what another thread grows: a few us
};

enum wasm_run {
    WASM_RUN_DONE,    // the function returned; results are in thread->results
    WASM_RUN_TRAPPED, // thread->trap says why; wasm_thread_backtrace says where
    WASM_RUN_HOST, // a host function was called: see thread->host; or the engine's own of atomic.h
    WASM_RUN_PAUSED,  // the fuel is used up; run again to go on
    WASM_RUN_STOPPED, // before an instruction, as thread->probe wants it; run again to go on
    // Only where core/jit runs the thread: see crossing.h.
    WASM_RUN_COMPILED,
    WASM_RUN_RETURNED,
    WASM_RUN_THROWN,
};

// A host call under way.
struct wasm_host_call {
    const struct wasm_func *function; // its `index` and `host` are the embedder's
    struct wasm_instance *caller;     // whose code called; its memory is what pointers mean
    wasm_slot
        *slots; // arguments on entry, in order; the embedder writes results from slots[0] on. The
                // pointer holds until the next wasm_thread_run.
    struct wasm_memory *wait_memory; // of a call of atomic.h: in which it waits or wakes
};

// Where a thread is to stop, for a debugger: before instructions of one module that was loaded with
// probes (load.h). Whoever changes it sees to it that the thread does not run, but for `is_wanted`.
struct wasm_probe {
    const struct wasm_module *module;
    bool is_wanted;     // atomic: before the next instruction, whichever it is
    bool is_passing;    // the thread's: it goes on from where it has stopped
    u32 offset_count;   // breakpoints:
    const u32 *offsets; // of instructions, in the file; ascending
};

// Words that may be handles of exceptions.
struct wasm_words {
    const wasm_slot *first;
    u32 count;
};

// An exception on its way to where it is caught, for unwind.h.
struct wasm_unwind {
    wasm_slot exception;  // 0: none is
    const struct ins *pc; // a call that it leaves, a throw, or a stand-in
    u32 frame_offset;
    u32 try; // that was looked into last: number plus 1
    struct wasm_instance *instance;
    const struct wasm_catch *catch;
};

struct wasm_thread {
    struct wasm_store *store;
    struct wasm_probe *probe; // NULL: it stops nowhere
    u8 *stack;                // values and frames
    u32 stack_bytes;          // size now; grows up to stack_limit
    u32 stack_limit;          // beyond: TRAP_STACK_EXHAUSTED
    enum trap trap;
    struct wasm_host_call host;
    wasm_slot *results; // after DONE, until the next call
    // Private to the interpreter.
    const void *pc;
    u32 frame_offset; // of the running frame's slots within `stack`
    u32 state;
    bool at_loop; // paused where a loop begins
    u32 owed;     // units of fuel, to be paid before it goes on
    // Set by core/jit: a branch back that finds the last unit gone, or takes it, pauses there.
    bool stops_at_loops;
    struct wasm_instance *instance;
    u64 acc; // the accumulators
    f64 dacc;
    f32 facc;
    bool is_growing; // stopped in a table.grow that is under way
    struct wasm_unwind unwind;
    const struct wasm_tag *uncaught; // of TRAP_EXCEPTION
    // Among the store's threads that have a stack; `others` are words that core/jit keeps for it.
    struct wasm_thread *next;
    struct wasm_thread **link; // where the one before names it; NULL: it is not among them
    struct wasm_words others[2];
};

// A thread with no stack yet: it takes memory at the first call.
void wasm_thread_init(struct wasm_thread *thread, struct wasm_store *store, u32 stack_limit);
void wasm_thread_drop(struct wasm_thread *thread);

// Prepares a call. `args` has as many slots as the type's parameters need.
// ERR_NO_MEMORY  no room for the stack
enum err wasm_thread_call(struct wasm_thread *thread, struct wasm_func *function,
                          const wasm_slot *args);

// Runs for at most *fuel units, and takes from *fuel what was used. After HOST, running again means
// that the results are written. After DONE or TRAPPED, call first.
enum wasm_run wasm_thread_run(struct wasm_thread *thread, i64 *fuel);

// Makes a thread at HOST trap instead of going on (TRAP_HOST or another word).
void wasm_thread_refuse(struct wasm_thread *thread, enum trap trap);

struct wasm_frame {
    struct wasm_instance *instance;
    u32 function; // index in the instance's module
    u32 place;    // slot in the interpreter's stack: greater than those of the frames around it
    u64 offset;   // in the file, of the instruction being run (innermost) or of the call
};

// The frames of a trapped or paused thread, innermost first. Returns how many were written.
u32 wasm_thread_backtrace(const struct wasm_thread *thread, struct wasm_frame *out, u32 count);

// One line for people: `out of bounds memory access in "name" (function 12) at offset 0x1a2f`.
void wasm_thread_describe(const struct wasm_thread *thread, struct text *out);
// The same of a thread and its innermost frame; NULL: nobody knows.
void wasm_trap_describe(const struct wasm_thread *thread, const struct wasm_frame *frame,
                        struct text *out);
