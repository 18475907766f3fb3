// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/translate.h: valid bodies to the interpreter's own code. Third of the three passes.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct report;
struct wasm_module;
struct wasm_translation;

// Translates every body of a valid module; the code lies in the module's arena.
//   scratch  working space; the caller drops it afterwards
// ERR_NO_MEMORY  an arena has no more
// ERR_LIMIT      a body needs more than an encoding field holds
enum err wasm_module_translate(struct wasm_module *module, struct arena *scratch,
                               struct report *report);

// The same in portions (core/wasm/load.h): begin, then step until it returns something other than
// ERR_PAUSED. What is begun lies in `scratch`. `report` is the same at each call.
enum err wasm_translation_begin(struct wasm_module *module, struct arena *scratch,
                                struct wasm_translation **out, struct report *report);
enum err wasm_translation_step(struct wasm_translation *translation, i64 *work,
                               struct report *report);
