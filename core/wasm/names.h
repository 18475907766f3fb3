// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/names.h: the name section. What it says is for people, so damage in it means that there
// is none.
//
// Source  WebAssembly Core 2.0, appendix "Custom Sections".
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Whether the contents of a name section have their form: subsections, the map of function names,
// UTF-8.
bool wasm_names_are_sound(struct span names);

// The name of a function, or an empty span. `names` is sound or empty. Work is linear in its size.
struct span wasm_names_function(struct span names, u32 function);
