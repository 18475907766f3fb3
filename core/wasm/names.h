// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/names.h: the name section. What it says is for people, so damage in it means that there
// is none.
//
// Source  WebAssembly Core 2.0, appendix "Custom Sections".
#pragma once
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/types.h"

// A name section being looked through, in portions.
struct wasm_names_check {
    struct reader in;   // of the section
    struct reader part; // of the map of function names
    u32 left;           // entries of the map
    bool is_inside;     // the map
};
void wasm_names_check_begin(struct wasm_names_check *check, struct span names);
// Whether the contents of a name section have their form: subsections, the map of function names,
// UTF-8, no name longer than WASM_NAME_BYTES. Takes from *work (core/wasm/load.h).
// ERR_MALFORMED  they have not
// ERR_PAUSED     call again
enum err wasm_names_check_step(struct wasm_names_check *check, i64 *work);

// The name of a function, or an empty span. `names` is sound or empty. Work is linear in its size.
struct span wasm_names_function(struct span names, u32 function);

// Where a look through the names of functions is; all zeros before the first.
struct wasm_names_place {
    struct reader rest; // the entries behind
    u32 left;           // how many
    u32 function;       // of the entry at hand
    struct span name;
    bool is_open;
};
// The same for many functions: those in rising order take work linear in the section's size, all
// of them together, and one that is lower than the one before begins again. Where entries are out
// of order, which the Source forbids, functions may seem to have none.
struct span wasm_names_function_from(struct span names, struct wasm_names_place *place,
                                     u32 function);
