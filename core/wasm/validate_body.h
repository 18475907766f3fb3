// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/validate_body.h: checks one function body after the other. Part of the validator.
//
// Use     wasm_body_checker_init, then wasm_body_check for each body of the module.
// Owner   the caller owns the struct; its arrays lie in scratch.
// Source  WebAssembly Core 2.0, section 3.3 and appendix "Validation Algorithm".
#pragma once
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/types.h"
struct arena;
struct report;
struct wasm_block;
struct wasm_body;
struct wasm_func_type;
struct wasm_module;

struct wasm_body_checker {
    const struct wasm_module *module;
    struct report *report;
    const u64 *declared; // a bit for each function that ref.func may name
    // Operand types, deepest first; WASM_TYPE_UNKNOWN in code that cannot be reached.
    u8 *operands;
    u8 *operands_end; // operands + WASM_OPERANDS
    u8 *top;          // one past the last
    u8 *base;         // of the innermost block: what is below belongs to the blocks around it
    bool is_unreachable;
    // Open blocks, outermost first; blocks[0] is the function itself.
    struct wasm_block *blocks;
    u32 block_count;
    u32 block_capacity;
    // Locals. Those beyond flat_count are looked up in the body's runs, so that a short body with
    // many locals costs no more than its bytes.
    u8 *flat;
    u32 flat_count;
    u32 flat_capacity;
    u32 local_count; // parameters included
    u32 try_count;   // try_tables of all bodies so far, and their clauses
    u32 catch_count; //
    u64 moves;       // operands moved by the runs of all bodies so far: WASM_MOVES
    u64 moves_paid;  // those of them that were taken from the work
    bool is_inside;  // a body that it paused in
    const struct wasm_func_type *type;
    const struct wasm_body *body;
    struct reader in; // the body
    const u8 *here;   // the instruction being checked
};

// Takes scratch for the longest body of the module.
enum err wasm_body_checker_init(struct wasm_body_checker *checker, const struct wasm_module *module,
                                const u64 *declared, struct arena *scratch, struct report *report);

// Checks the body of a defined function, by its index in the function index space. Takes from *work
// (core/wasm/load.h).
// ERR_PAUSED  call again with the same function
enum err wasm_body_check(struct wasm_body_checker *checker, u32 function, i64 *work);
