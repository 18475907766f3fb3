// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/inspect.h: what a debugger sees of a thread that is stopped, trapped or in a host call:
// the values of its frames. Of the interpreter's threads alone.
//
// Operands are where this says if their module has probes (load.h); locals always are.
#pragma once
#include "core/base/types.h"
struct wasm_instance;
struct wasm_probe;
struct wasm_thread;

struct wasm_value {
    u8 type;     // enum wasm_type; of an operand WASM_I64, as nobody remembers its type
    u64 bits[2]; // an i32 or f32 in the low half of the first; v128 in both
};

// Frames are counted from the innermost, 0. False: there is no such frame, local or operand.
//   local    as the module numbers them, parameters first
//   operand  slot of the operand stack from the bottom; a v128 has two. Of a frame that waits for a
//            call: without that call's arguments
bool wasm_thread_local(const struct wasm_thread *thread, u32 frame, u32 local,
                       struct wasm_value *out);
bool wasm_thread_operand(const struct wasm_thread *thread, u32 frame, u32 operand,
                         struct wasm_value *out);
bool wasm_thread_global(const struct wasm_thread *thread, u32 frame, u32 global,
                        struct wasm_value *out);

// Whether a thread of `probe` that runs code of `instance` stops before the instruction at
// `offset`.
bool wasm_probe_stops(struct wasm_probe *probe, const struct wasm_instance *instance, u32 offset);
