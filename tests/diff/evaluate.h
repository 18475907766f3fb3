// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/evaluate.h: computes what core/jit/ir.h says, one instruction after the other, on an
// instance of the engine: the meaning of the ir, against which compilers of it and the interpreter
// are held.
//
// Use     evaluator_create, evaluate, evaluator_drop.
// Limits  calls nest EVALUATE_DEPTH deep; the steps are given.
#pragma once
#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/wasm/trap.h"
struct ir;
struct ir_ins;
struct wasm_func;
struct wasm_instance;

enum { EVALUATE_DEPTH = 300 };

struct value {
    u64 low;
    u64 high; // of a v128
};

struct evaluator {
    struct wasm_instance *instance;
    struct arena *arena; // the irs
    struct ir **irs;     // of each function; NULL: not built yet
    // Sees a call of a function that the instance imports; its results are zeros.
    void (*heard)(void *context, u32 function, const struct value *args, u32 count);
    void *context;
    u64 steps_left; // instructions
    u32 depth;
    bool is_out_of_steps;
    enum trap trap;
    u64 trap_offset; // in the file
};

// False: there is no memory.
bool evaluator_create(struct evaluator *evaluator, struct wasm_instance *instance,
                      struct arena *arena);

// Calls a function. False: it trapped, or there were no steps left. A function that has no ir
// (ERR_LIMIT) traps with TRAP_HOST.
bool evaluate(struct evaluator *evaluator, u32 function, const struct value *args,
              struct value *results);

// The same of one ir, however it is entered.
bool evaluate_ir(struct evaluator *evaluator, const struct ir *ir, const struct value *args,
                 struct value *results);

// ---- evaluate_rows.c

// A row of opcodes.def on its operands. A load's and a store's address is checked.
enum trap evaluate_row(const struct evaluator *evaluator, const struct ir *ir,
                       const struct ir_ins *ins, struct value a, struct value b, struct value c,
                       struct value *out);
