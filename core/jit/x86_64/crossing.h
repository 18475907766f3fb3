// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/crossing.h: what struct jit_target (target.h) says of crossings, for this CPU.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/target.h"

enum { X64_LINK_BYTES = 16 };

enum err x64_emit_enter(const struct wasm_func_type *type, const struct jit_options *options,
                        struct arena *scratch, struct arena *arena, struct jit_function *out);
enum err x64_emit_leave(const struct wasm_func_type *type, enum jit_way way,
                        const struct jit_options *options, struct arena *scratch,
                        struct arena *arena, struct jit_function *out);
enum err x64_emit_leave_helper(u32 helper, const struct jit_options *options, struct arena *scratch,
                               struct arena *arena, struct jit_function *out);
enum err x64_emit_stub(enum jit_stub stub, const struct jit_options *options, struct arena *scratch,
                       struct arena *arena, struct jit_function *out);
bool x64_is_tail(const u8 *entered, const struct wasm_func_type *entered_type, const u8 *left,
                 const struct wasm_func_type *left_type, const struct jit_options *options);
u32 x64_stack_words(const struct wasm_func_type *type);
bool x64_link_call(u8 *at, const u8 *to);
bool x64_link_slot(u8 *at, u32 tag, const void *slot);
bool x64_has_frame(const u8 *start, u32 offset, u32 prologue_bytes, i32 *bytes);
