// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/translate.h: valid bodies to the interpreter's own code. Third of the three passes.
#pragma once
#include "core/base/err.h"
struct arena;
struct report;
struct wasm_module;

// Translates every body of a valid module; the code lies in the module's arena.
//   scratch  working space; the caller drops it afterwards
// ERR_NO_MEMORY  an arena has no more
// ERR_LIMIT      a body needs more than an encoding field holds
enum err wasm_module_translate(struct wasm_module *module, struct arena *scratch,
                               struct report *report);
