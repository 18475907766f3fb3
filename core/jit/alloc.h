// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/alloc.h: gives each operand of a function its place. docs/jit.md, "The allocator".
//
// Use     mach_allocate on what a target's `select` made, then the target's `emit`. mach_verify
//         before it, mach_print at any time (mach.c).
// Owner   the moves lie in the function's arena; `scratch` is working space, dropped by the caller.
// Limits  JIT_FRAME_BYTES of spill slots; JIT_ALLOC_WORK (core/jit/limits.h) bounds the search:
//         beyond it values are split and joined more coarsely.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct mach;
struct text;

// Sets each operand's `place`, and moves, slot_count and preserved_used.
// ERR_LIMIT      more spill slots than a frame may have
// ERR_NO_MEMORY  an arena has no more
enum err mach_allocate(struct mach *mach, struct arena *scratch);

// Checks everything that mach.h says of a function before allocation: an assertion fails where
// something is wrong. Linear, but for one dominance test of each operand in another block.
//   scratch  working space
// ERR_NO_MEMORY
enum err mach_verify(const struct mach *mach, struct arena *scratch);

// The whole function for people and golden tests, one line for each instruction and move.
//   op_name  the target's name of an instruction, or NULL: its number
void mach_print(const struct mach *mach, const char *(*op_name)(u16 op), struct text *out);
