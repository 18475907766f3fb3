// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/passes.h: what is done to a whole function in SSA form.
//
// Use     ir_improve after ir_build: all passes in their order. Each can be called alone by a test.
// Owner   new arrays lie in the arena of the ir.
#pragma once
#include "core/base/err.h"
struct ir;

// Needs what ir_build made; afterwards ir_verify holds.
// ERR_NO_MEMORY  the arena has no more
enum err ir_improve(struct ir *ir);
