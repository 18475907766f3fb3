// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/passes.h: what is done to a whole function in SSA form.
//
// Use     ir_improve after ir_build: all passes in their order. Each can be called alone by a test.
// Owner   new arrays lie in the arena of the ir, the old ones stay there until it is dropped.
#pragma once
#include "core/base/err.h"
struct ir;

// All of the passes. Needs what ir_build made; afterwards ir_verify holds.
// ERR_NO_MEMORY  the arena has no more
enum err ir_improve(struct ir *ir);

// Keeps what has an effect and what that needs, without aliases, in new dense arrays; counts uses.
enum err ir_clean(struct ir *ir);

// Finds out which blocks are part of which loop, and which lead to a trap only. Needs loop_end of
// headers and successors; changes nothing else.
enum err ir_mark_blocks(struct ir *ir);
