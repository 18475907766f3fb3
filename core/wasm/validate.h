// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/validate.h: decides whether a decoded module may run. Second of the three passes.
//
// Use     after wasm_module_decode; later passes assert what is proved here.
// Limits  block depth and operand count, from core/wasm/limits.h; work is linear in the size of the
//         file.
// Source  WebAssembly Core 2.0, chapter 3 and appendix "Validation Algorithm".
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct report;
struct wasm_module;
struct wasm_validation;

// Checks the module and every function body.
//   module   decoded and not yet valid; marked valid on success
//   scratch  working space; the caller drops it afterwards
//   report   NULL, or receives the offset in the file and the reason, in the words of the core test
//            suite
// ERR_MALFORMED  a body holds an opcode or an immediate that does not exist
// ERR_INVALID    a rule of chapter 3 is broken
// ERR_LIMIT      legal, but beyond core/wasm/limits.h
// ERR_NO_MEMORY  scratch has no more
enum err wasm_module_validate(struct wasm_module *module, struct arena *scratch,
                              struct report *report);

// The same in portions (core/wasm/load.h): begin, then step until it returns something other than
// ERR_PAUSED. What is begun lies in `scratch`. `report` is the same at each call.
enum err wasm_validation_begin(struct wasm_module *module, struct arena *scratch,
                               struct wasm_validation **out, struct report *report);
enum err wasm_validation_step(struct wasm_validation *validation, i64 *work, struct report *report);
