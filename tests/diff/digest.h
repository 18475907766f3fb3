// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/digest.h: one number for all that an embedder can see of a module's run, so that
// thousands of runs can be compared with those of another engine, whose side is digests.mjs.
//
// Use     digest_begin; of each exported function digest_call and its results or digest_trap; then
//         of each exported memory and global digest_memory and digest_value; all in the order of
//         the exports.
// Limits  a NaN is any NaN. Two runs that differ have the same digest once
//         in 2^32 times.
#pragma once
#include "core/base/types.h"
#include "core/wasm/trap.h"
struct wasm_memory;

// The classes of traps that other engines tell apart, as they appear in a digest.
const char *trap_class(enum trap trap);

u32 digest_begin(void);
void digest_call(u32 *digest);
void digest_trap(u32 *digest, enum trap trap);
// A number. Of a v128 or a reference nothing goes in.
void digest_value(u32 *digest, u8 type, u64 bits);
void digest_memory(u32 *digest, const struct wasm_memory *memory);
