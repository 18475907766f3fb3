// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/unwind.h: an exception on its way through compiled frames. Private to thread.c.
//
// The frames are found as for a backtrace: the table of a function's sites says what lies at a
// return address, and whether exceptions land there (struct jit_site). As in core/wasm/unwind.h,
// nothing changes before it is known who catches.
//
// Use     jit_unwind_begin where something was thrown, then jit_unwind_step until it says
//         something other than PAUSED.
#pragma once
#include "core/base/types.h"
#include "core/wasm/instance.h"
struct jit_segment;
struct jit_thread;

// Where the search has come, in compiled frames; wasm->unwind has the interpreter's.
struct jit_unwind {
    u64 pc;       // where the call returns to that the exception leaves
    const u8 *sp; // of that frame, behind the return address
    struct jit_segment *segment;
    struct wasm_instance *instance;
    wasm_slot *slots; // of the thread, when this segment was the top one
    bool in_compiled;
    bool is_interpreted; // what throws
};

enum jit_unwound {
    JIT_UNWOUND_LANDED, // in compiled code, which is to be resumed
    JIT_UNWOUND_CAUGHT, // by the interpreter, which is to go on
    JIT_UNWOUND_UNCAUGHT,
    JIT_UNWOUND_PAUSED,
};

// Compiled code has left to throw (it stands in a call that left), or the interpreter's frames on
// top do not catch what is in wasm->unwind.
//   is_interpreted  which of both
void jit_unwind_begin(struct jit_thread *thread, bool is_interpreted);
enum jit_unwound jit_unwind_step(struct jit_thread *thread, i64 *fuel);
