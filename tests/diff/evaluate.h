// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/evaluate.h: computes what core/jit/ir.h says, one instruction after the other, on an
// instance of the engine: the meaning of the ir, against which compilers of it and the interpreter
// are held.
//
// Use     evaluator_create, evaluate, evaluator_drop.
// Limits  calls nest EVALUATE_DEPTH deep; the steps are given. An exnref that evaluation made is
//         known to it alone, and is so until the evaluator's arena is dropped.
#pragma once
#include "core/base/arena.h"
#include "core/base/types.h"
#include "core/wasm/trap.h"
struct ir;
struct ir_ins;
struct wasm_func;
struct wasm_instance;
struct wasm_tag;

enum { EVALUATE_DEPTH = 1200 }; // more than what generate.h makes nests

struct value {
    u64 low;
    u64 high; // of a v128
};

// What is thrown, by evaluation.
struct evaluated_exception {
    const struct wasm_tag *tag;
    u32 slot_count;
    u64 *slots;
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
    // TRAP_EXCEPTION: the one that is on its way.
    const struct evaluated_exception *thrown;
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

// ---- evaluate_throw.c

// Throws by a THROW whose values are given, or by the helper THROW_REF. Returns what it traps with,
// if nobody catches it: TRAP_EXCEPTION, and `thrown` is set; or why there is nothing to throw.
enum trap evaluate_throw(struct evaluator *evaluator, const struct ir *ir, const struct ir_ins *ins,
                         const struct value *values);
// What a call that lands finds when `thrown` comes out of it: the words that IR_SLOT reads behind
// CAUGHT. NULL: no clause around it catches that.
const u64 *evaluate_landing(struct evaluator *evaluator, const struct ir *ir,
                            const struct ir_ins *ins);

// ---- evaluate_rows.c

// A row of opcodes.def on its operands. A load's and a store's address is checked.
enum trap evaluate_row(const struct evaluator *evaluator, const struct ir *ir,
                       const struct ir_ins *ins, struct value a, struct value b, struct value c,
                       struct value *out);
