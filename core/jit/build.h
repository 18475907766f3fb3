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
//         where many branches meet, which JIT_EDGE_VALUES bounds.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct ir;
struct wasm_module;

// Builds a function that a valid module defines.
//   function  index in the module
//   arena     takes everything, also what is only needed while building; a failure leaves it to be
//             dropped
// ERR_LIMIT      core/jit/limits.h
// ERR_NO_MEMORY  the arena has no more
enum err ir_build(const struct wasm_module *module, u32 function, struct arena *arena,
                  struct ir *out);
