// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/generator.h: what the files of the generator (generate.h) share. generate.c writes the
// sections of a module, generate_control.c what its functions do in which order, generate_throw.c
// how they throw and catch, and generate_values.c the instructions that compute.
//
// A module is written front to back, each expression by recursion on the type that is wanted. Every
// decision takes a byte of the choices (`choose`). Instructions come from opcodes.def, so a new one
// is generated as soon as it has a row.
//
// Each put_ of an expression leaves one value of `kind` on the operand stack, each of a statement
// leaves it as it was. `depth` is how deep either may nest; at 0, and in a function that has become
// long, it is a leaf.
#pragma once
#include "core/base/span.h"
#include "core/wasm/opcode.h"
#include "tests/unit/wasm_bytes.h"

enum {
    DEPTH = 6,        // nested expressions
    BODY_BYTES = 800, // beyond this only leaves are chosen
    FUNCTIONS = 6,
    LOCALS = 6,
    LABELS = 24,
    MEMORIES = 4,
    TABLE = 8,     // elements
    BUDGET = 1000, // loops and calls of one exported function
    VECTOR = 4,    // the number of v128
    KINDS = 5,
    EXNREF = 6, // that of exnref, which only functions, locals, labels and one global have
    TAGS = 3,
    DATA_PASSIVE = 1, // the segment that is
    DATAS = 2,
    DATA_BYTES = 1100, // of it
};

// The types of a tag, in this order: its own; a block's that hands over its values; the same with
// the reference behind them.
enum { TAG_OWN, TAG_CAUGHT, TAG_CAUGHT_REF, TAG_TYPES };

// The globals behind those of a kind each, the first of which is number `kinds`.
enum {
    GLOBAL_BUDGET,   // i32, counts down
    GLOBAL_CONSTANT, // i32, never changes; two of them
    GLOBAL_EXNREF = GLOBAL_CONSTANT + 2,
};

// The value type of a kind, which is a number below KINDS, or EXNREF. As an operand or a result,
// KINDS is none.
u8 kind_type(u32 kind);

// Parameters and results are kinds.
struct signature {
    u8 param_count;
    u8 params[3];
    u8 result_count;
    u8 results[2];
};

// What a branch to it takes; of a tag: what is thrown.
struct label {
    u8 count;
    u8 kinds[4];
};

struct generator {
    struct span choices;
    bool hides_nan;
    bool has_tail_calls;
    bool has_atomics;
    bool has_exceptions;
    bool has_constants;
    bool uses_data; // memory.init stands in it somewhere
    u32 kinds;      // of values: KINDS, or those before VECTOR. Global i is of kind i
    struct wasm_bytes out;
    size_t body;  // where the one being written begins
    u32 function; // the one being written
    struct signature signatures[FUNCTIONS];
    u32 function_count; // without the exported ones, which come behind
    u32 memory_count;
    u32 tag_count;
    struct label tags[TAGS];
    u32 tag_types;   // the first of their types
    u32 local_count; // of the function
    u8 locals[LOCALS + 5];
    u32 label_count;
    struct label labels[LABELS];
};

// ---- generate_values.c

// A number below `count`; 0 when there are no more choices.
u32 choose(struct generator *g, u32 count);
u32 choose_memory(struct generator *g);
void put_i64(struct wasm_bytes *out, i64 value);
void put_opcode(struct generator *g, enum wasm_opcode opcode);
// An i32.const.
void put_i32_const(struct generator *g, i64 value);
void put_constant(struct generator *g, u32 kind);
// One of the kinds that values have, now and then EXNREF.
u32 choose_kind(struct generator *g);
// A local of that kind; false when there is none.
bool local_of(struct generator *g, u32 kind, u32 *out);
// A constant or a local.
void put_leaf(struct generator *g, u32 kind);
// An i32 that mostly lies in memory: often a sum, as compilers make them.
void put_address(struct generator *g, u32 depth);
// One of the numeric instructions and loads with this result.
void put_numeric(struct generator *g, u32 kind, u32 depth);
// A statement.
void put_store(struct generator *g, u32 depth);

// ---- generate_control.c

void label_push(struct generator *g, const u8 *kinds, u32 count);
// Returns when the budget is used up. Comes first in loops and functions.
void put_budget(struct generator *g);
void put_expression(struct generator *g, u32 kind, u32 depth);
// Any number of statements.
void put_statements(struct generator *g, u32 depth);
// A call of an earlier function, or of this one; every result but one of `kind` is dropped. KINDS:
// a statement.
void put_call_value(struct generator *g, u32 kind, u32 depth);

// ---- generate_throw.c: only with has_exceptions

// A value of `kind`, or KINDS: a statement, with one to three clauses that catch on the way.
//   is_call  what is guarded is a call
void put_handled(struct generator *g, u32 kind, bool is_call, u32 depth);
// A statement that throws, mostly on a condition.
void put_throw(struct generator *g, u32 depth);
// The clauses of a try_table, which lead to the labels around it.
void put_outer_clauses(struct generator *g);
