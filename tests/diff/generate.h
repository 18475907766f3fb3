// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/generate.h: makes valid modules out of any bytes, for fuzzing and for comparing
// engines.
//
// Use     generate_module; the module decodes, validates, imports nothing and exports functions
//         without parameters, "f0", "f1" and so on, to be called in this order.
// Limits  a global counts down at each loop and call, and functions return when it is used up, so
//         every run ends soon in every engine.
#pragma once
#include "core/base/span.h"
#include "tests/unit/wasm_bytes.h"

enum generate_options {
    GENERATE_HIDES_NAN = 1 << 0, // nothing depends on the bits of a NaN, so that engines which make
                                 // different ones agree
    GENERATE_VECTORS = 1 << 1,   // v128 is a type like the others; else there is none
    GENERATE_TAIL_CALLS = 1 << 2, //
    GENERATE_ATOMICS = 1 << 3,    // atomic access, all but waiting and waking
};

// The same choices give the same module. When they run out, the smallest of everything is chosen.
//   options  enum generate_options
// Owner  the caller frees the result with wasm_bytes_free
struct wasm_bytes generate_module(struct span choices, u32 options);
