// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/features.h: what a module may use beyond WebAssembly Core 2.0. A set of these is chosen
// where a module is loaded (load.h), stays with the module (module.h), and is asked by the decoder
// and the validator alone: a module that uses what is not in its set is refused in the words in
// which Core 2.0 refuses it. What comes after validation handles everything, and asks nothing.
//
// Source  WebAssembly Core 3.0, and the proposal "Threads" for the last.
#pragma once

enum wasm_feature {
    // i32 and i64 add, sub and mul in constant expressions, and globals that stand before.
    WASM_EXTENDED_CONST = 1 << 0,
    WASM_TAIL_CALLS = 1 << 1,   // return_call and return_call_indirect
    WASM_MULTI_MEMORY = 1 << 2, // any number of memories
    WASM_EXCEPTIONS = 1 << 3,   // tags, throw, throw_ref, try_table, exnref
    WASM_THREADS = 1 << 4,      // shared memories and atomic access
};

enum {
    WASM_FEATURES_2_0 = 0,
    WASM_FEATURES_ALL =
        WASM_EXTENDED_CONST | WASM_TAIL_CALLS | WASM_MULTI_MEMORY | WASM_EXCEPTIONS | WASM_THREADS,
};
