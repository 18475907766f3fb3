// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/segment.h: the stack of compiled code, for the files that walk it.
//
// It holds segments, one for each time that compiled code was entered from outside:
//
//   high  | struct jit_segment | frame of the entering code | frames of functions | leaving code |
//                                                          sp, with an address to go on at  ^  low
//
// A segment remembers what was outside when it began, so that this is restored when it ends.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"
#include "core/wasm/instance.h"
struct jit_thread;
struct wasm_func_type;

struct ALIGNED(16) jit_segment {
    struct jit_segment *previous;
    u8 *sp; // the thread's, as they were when the segment began
    struct wasm_instance *instance;
    wasm_slot *slots;
    const struct wasm_func_type *type; // of the function that was entered
    bool from_interpreter;             // else called by the segment below
    bool at_loop;                      // it is the version of that function that begins at a loop
};

// Where the innermost frame is.
enum jit_place {
    JIT_PLACE_INTERPRETER,
    JIT_PLACE_LEFT, // in compiled code that has left: thread->sp has the address
    JIT_PLACE_AT,   // in compiled code, at *pc
};
enum jit_place jit_thread_place(const struct jit_thread *thread, u64 *pc);
