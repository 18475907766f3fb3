// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/build.h: from the body of a function to core/jit/ir.h.
//
// One pass over the bytes. A value is numbered when it is computed: constants are folded,
// identities used, and what an instruction before it has computed on every way here is not computed
// again.
//
// Use     ir_build, then ir_improve (passes.h).
// Owner   everything lies in the arena.
// Limits  core/jit/limits.h; work and memory are linear in the body but for locals that differ
//         where many branches meet, which JIT_EDGE_VALUES_PER_BYTE bounds.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct ir;
struct jit_pace;
struct wasm_module;

// Builds a function that a valid module defines.
//   function  index in the module
//   pace      of this pass and those behind it; NULL: nobody waits
//   arena     takes everything, also what is only needed while building; a failure leaves it to be
//             dropped
// ERR_LIMIT      core/jit/limits.h
// ERR_NO_MEMORY  the arena has no more
enum err ir_build(const struct wasm_module *module, u32 function, struct jit_pace *pace,
                  struct arena *arena, struct ir *out);

// Builds the version of a function that takes over from the interpreter at the head of a loop: its
// one parameter is the address of the interpreter's frame, slot 0, from which it takes all locals
// and operands; then it goes on as the function does, to its end. What the interpreter's frame is
// (core/wasm/code.h) may differ from this: constants among the operands are not in their slots.
//   origin  of the instruction that the interpreter's loop begins with, in the body. The loop is
//           the innermost one that begins before it and is not ended there
// ERR_NOT_FOUND  there is no such loop
enum err ir_build_loop(const struct wasm_module *module, u32 function, u32 origin,
                       struct jit_pace *pace, struct arena *arena, struct ir *out);
