// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/generate.h: makes valid modules out of any bytes, for fuzzing and for comparing
// engines.
//
// Use     generate_module; the module decodes, validates and imports nothing. It exports functions
//         without parameters, "fa", "fb" and so on, to be called in this order, which give numbers;
//         its memories "ma" and so on; and those of its globals that are numbers, "ga" and so on.
//         So an embedder sees all that a run leaves, but for references.
// Limits  a global counts down at each loop and call, and functions return when it is used up, so
//         every run ends soon in every engine.
#pragma once
#include "core/base/span.h"
#include "tests/unit/wasm_bytes.h"

enum generate_options {
    GENERATE_HIDES_NAN = 1 << 0, // nothing depends on the bits of a NaN, so that engines which make
                                 // different ones agree
    // What modules may have beyond Core 2.0 without vectors.
    GENERATE_VECTORS = 1 << 1, // v128 is a type like the others
    GENERATE_TAIL_CALLS = 1 << 2,
    GENERATE_ATOMICS = 1 << 3,    // atomic access, all but waiting and waking
    GENERATE_EXCEPTIONS = 1 << 4, // tags, try_table, throw, throw_ref; exnref is a type
    GENERATE_MEMORIES = 1 << 5,   // several, half of the time
    GENERATE_CONSTANTS = 1 << 6,  // constant expressions of globals of the module
    GENERATE_ALL = 0x7e,
};

// The same choices give the same module. When they run out, the smallest of everything is chosen.
//   options  enum generate_options
// Owner  the caller frees the result with wasm_bytes_free
struct wasm_bytes generate_module(struct span choices, u32 options);
