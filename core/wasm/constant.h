// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/constant.h: constant expressions. One of a single instruction is read into a struct
// wasm_const once and for all; one of several (WASM_EXTENDED_CONST) stays where it is in the file:
// the validator goes through it with types, and whoever makes an instance with values.
//
// Limits  WASM_CONST_BYTES, WASM_CONST_DEPTH
// Source  WebAssembly Core 2.0, section 3.3.10.1; Core 3.0 for what the feature adds.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct reader;
struct report;
struct wasm_const;
struct wasm_global;
struct wasm_instruction;
struct wasm_module;

// Reads one. Whatever instructions stand in it, they are followed to the end that closes it; the
// validator refuses those that are not constant. Limit: an `else` outside an `if` counts as one of
// them.
//   features  enum wasm_feature
// ERR_LIMIT  it is longer than WASM_CONST_BYTES
enum err wasm_const_read(struct reader *in, u32 features, struct wasm_const *out,
                         struct report *report);

// What one instruction says by itself: WASM_CONST_SUM for an operator, whose `type` is that of its
// operands and its result, and whose `index` is its opcode.
struct wasm_const wasm_const_of(const struct wasm_instruction *instruction);

// The bytes of a WASM_CONST_SUM, its `end` included.
struct reader wasm_const_reader(const struct wasm_module *module, const struct wasm_const *value);

// Computes a WASM_CONST_SUM that the validator has seen: an i32 or an i64.
//   globals  by index; NULL when it reads none
u64 wasm_const_sum(const struct wasm_module *module, const struct wasm_const *value,
                   struct wasm_global *const *globals);
