// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/unwind.h: from where an exception is thrown to what catches it. For the interpreter
// and for core/jit, whose frames may lie between.
//
// First the frames are only looked at, innermost first, and nothing changes: an exception that
// nobody catches is a trap of the instruction that throws it, with all frames there to be seen.
// What the second half of a call says (code.h) leads from frame to frame without a search, so
// code that does not throw pays nothing, and a throw pays for the frames that it passes.
//
// Use     wasm_unwind_begin, then wasm_unwind_step until it says CAUGHT, and wasm_unwind_land; at
//         UNCAUGHT wasm_unwind_fail. At COMPILED core/jit looks at the compiled frames below, and
//         goes on with wasm_unwind_step or ends it: wasm_unwind_cross.
// Time    a unit of fuel for each frame, and for each WASM_CATCHES_PER_FUEL clauses; it can stop
//         between frames. thread->unwind keeps the progress.
#pragma once
#include "core/base/types.h"
#include "core/wasm/thread.h"
struct ins;
struct wasm_catch;
struct wasm_code;
struct wasm_exception;
struct wasm_instance;

enum { WASM_CATCHES_PER_FUEL = 8 };

enum wasm_unwound {
    WASM_UNWOUND_CAUGHT,
    WASM_UNWOUND_COMPILED, // the interpreter's frames down to compiled code do not catch it
    WASM_UNWOUND_UNCAUGHT,
    WASM_UNWOUND_PAUSED, // no fuel is left: call again
};

// From the instruction at `pc` of the frame at fp, which throws it or stands for compiled code.
//   exception  handle of one that exists
void wasm_unwind_begin(struct wasm_thread *thread, const struct ins *pc, const u64 *fp,
                       struct wasm_instance *instance, wasm_slot exception);
// The same of a thread for which compiled code throws.
void wasm_unwind_begin_crossed(struct wasm_thread *thread, wasm_slot exception);
enum wasm_unwound wasm_unwind_step(struct wasm_thread *thread, i64 *fuel);

// Leaves all frames above the one that catches it, and puts there what its label takes. The
// exception is gone if nobody has a reference to it.
struct wasm_landing {
    const struct ins *pc;
    u64 *fp;
    struct wasm_instance *instance;
};
struct wasm_landing wasm_unwind_land(struct wasm_thread *thread);
// The same of a thread that does not run: wasm_thread_run is next.
void wasm_unwind_land_stopped(struct wasm_thread *thread);
// Compiled code below has caught it: the thread is as if all that was called from there had
// returned, at its stand-in.
void wasm_unwind_cross(struct wasm_thread *thread);
// Nobody does: thread->trap is TRAP_EXCEPTION, and thread->uncaught says which.
void wasm_unwind_fail(struct wasm_thread *thread);

// The first clause that catches an exception at a place inside so many try_tables.
//   try      number of the innermost in the module, plus 1; 0: none
//   counted  receives how many clauses come before it in that order, or are there at all
// NULL: none
const struct wasm_catch *wasm_catch_find(const struct wasm_instance *instance, u32 try,
                                         const struct wasm_exception *exception, u32 *counted);

// The innermost try_table around an instruction of a function, by its offset in the body: number
// in the module, plus 1; 0: none.
u32 wasm_try_around(const struct wasm_module *module, const struct wasm_code *code, u32 offset);
