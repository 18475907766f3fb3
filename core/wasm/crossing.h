// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/crossing.h: how a thread of the interpreter stands aside for compiled code, and how
// compiled code calls back into it, without either nesting in the other. For core/jit alone.
//
// Where wasm_code.entry is a wasm_run_compiled and the instance may run compiled code, a call ends
// wasm_thread_run with WASM_RUN_COMPILED. The callee's frame is begun: its arguments are in the
// first slots, where the results are expected. Whoever runs the compiled code may then push calls
// of interpreted functions on top; wasm_thread_run ends with WASM_RUN_RETURNED when one is done.
//
//   COMPILED → wasm_thread_crossing, run it → wasm_thread_uncross → wasm_thread_run goes on
//                 └ wasm_thread_push → wasm_thread_run … RETURNED → wasm_thread_pop ┘
// An exception that no frame of the interpreter down to compiled code catches ends wasm_thread_run
// with WASM_RUN_THROWN: see unwind.h.
#pragma once
#include "core/base/types.h"
#include "core/wasm/code.h"
#include "core/wasm/instance.h"
#include "core/wasm/thread.h"
#include "core/wasm/trap.h"

// What stands in the place of a compiled function's code: wasm_code.entry.
struct wasm_stand_in {
    struct ins ins[3]; // wasm_run_compiled, wasm_run_ret, and where the interpreter's own begins
};

void wasm_stand_in_init(struct wasm_stand_in *out, const struct wasm_code *code);

struct wasm_crossing {
    struct wasm_instance *instance;
    u32 function;     // index in its module
    wasm_slot *slots; // until wasm_thread_push or wasm_thread_run
};

// After COMPILED, and again when all that was pushed is popped.
struct wasm_crossing wasm_thread_crossing(const struct wasm_thread *thread);
// The results are in the slots.
void wasm_thread_uncross(struct wasm_thread *thread);
// Or: the interpreter runs the function itself.
void wasm_thread_decline(struct wasm_thread *thread);

// Where a paused thread stands if that is where a loop begins; else NULL.
const struct ins *wasm_thread_loop(const struct wasm_thread *thread);
// Which loop that is. Takes time: looks through all functions of the module.
struct wasm_loop {
    struct wasm_instance *instance;
    const struct ins *head;
    u32 function;
    u32 origin; // offset in the body of the instruction that the loop begins with
};
struct wasm_loop wasm_thread_loop_place(const struct wasm_thread *thread);
// The slots of the frame it is in; until wasm_thread_push or wasm_thread_run.
wasm_slot *wasm_thread_frame(const struct wasm_thread *thread);
// From there on compiled code does the rest of the function, whose stand-in this is: as if it had
// been called and this were COMPILED.
void wasm_thread_take_over(struct wasm_thread *thread, const struct wasm_stand_in *stand_in);

// Begins a call, for wasm_thread_run. A trap: the stack has no room, and nothing has changed.
enum trap wasm_thread_push(struct wasm_thread *thread, struct wasm_instance *instance,
                           const struct wasm_code *code, const wasm_slot *args);
// The same in the place of the function that stands aside: it calls that one instead of returning.
enum trap wasm_thread_replace(struct wasm_thread *thread, struct wasm_instance *instance,
                              const struct wasm_code *code, const wasm_slot *args);
// After RETURNED; copies the results.
void wasm_thread_pop(struct wasm_thread *thread, wasm_slot *results);

// Runs one instruction of those that work in parts on operands at `slots`, beside whatever the
// thread is doing: DONE, PAUSED (call again with the same), TRAPPED (thread->trap) or HOST, of one
// that waits (atomic.h): it is done when the result is written.
enum wasm_run wasm_thread_single(struct wasm_thread *thread, struct wasm_instance *instance,
                                 struct ins ins, wasm_slot *slots, i64 *fuel);

// The frames, innermost first, as many as WASM_WALK_UNITS allow.
enum wasm_walk_step {
    WASM_WALK_FRAME,    // `frame` says which
    WASM_WALK_COMPILED, // called from compiled code; what follows is what called that
    WASM_WALK_END
};
struct wasm_walk {
    const struct ins *pc;
    const u64 *fp;
    struct wasm_instance *instance;
    bool is_over;
    bool crosses; // the next step is COMPILED
    u32 units;    // spent of WASM_WALK_UNITS
    struct wasm_frame frame;
    // Of that frame: its code, the instruction it is at, and its slots.
    const struct wasm_code *code;
    const struct ins *at;
    const u64 *slots;
};
// Gets from a frame to the one that called it.
//   header  slot of its return address
void wasm_walk_up(struct wasm_walk *walk, u32 header);
void wasm_walk_start(struct wasm_walk *walk, const struct wasm_thread *thread);
enum wasm_walk_step wasm_walk_next(struct wasm_walk *walk);
