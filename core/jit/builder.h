// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/builder.h: what the files that make the ir share. build.c follows control, operations.c
// turns one instruction after the other into values, loops.c looks ahead for what a loop assigns,
// joins.c makes phis where branches meet, simplify.c and fold.c find smaller expressions, number.c
// appends instructions and finds those that exist already.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/ir.h"
#include "core/wasm/body.h"
#include "core/wasm/limits.h"
struct arena;
struct wasm_body;
struct wasm_func_type;

// An instruction that turned out to be its operand `a`. Only while building; ir_improve drops it.
enum { BUILD_ALIAS = IR_OP_COUNT };

// A way from a block that is finished to where it leads.
struct edge {
    u32 block;
    u32 successor; // number of it; IR_NONE: the block jumps
    u32 values;    // first in `carried`: the operands, then locals; see joins.c
    u32 local_count;
    u32 next; // of the same target; IR_NONE
    u32 zero; // joins.c: a value that is 0 on this way; IR_NONE
};

enum control_kind {
    CONTROL_BLOCK,
    CONTROL_LOOP,
    CONTROL_IF,
    CONTROL_ELSE,
    CONTROL_REST,   // reenter.c: what is left of a loop's turn; its label is the start of the next
    CONTROL_BEHIND, // reenter.c: around such a loop; no label of the body
};

struct control {
    u8 kind;
    u32 height; // of the operand stack below the parameters
    u32 param_count;
    u32 result_count;
    const u8 *params;  // their types
    const u8 *results; //
    u32 log_start;     // not LOOP: changes of locals from here on are undone at `else` and `end`
    u32 outer_start;   // not LOOP: the same of the scope around it
    u32 first_edge;    // to the end, of a LOOP to its start; IR_NONE
    u32 last_edge;
    u32 edge_count;
    u32 block;       // LOOP: the header; IF: the block that ends with the branch
    u32 phis;        // LOOP: the first; parameters, then locals
    u32 locals;      // LOOP: first in `loop_locals`
    u32 values;      // IF: parameters, first in `carried`
    const u8 *again; // LOOP, REST: behind the opcode, to build it once more
    u32 offset;      // of that opcode
    u8 condition;    // IF: enum condition
    u8 otherwise;    // IF: number of the successor that is not the `then`
    u32 successor;   // of the br_table `met_in`: where it goes for this label
    u32 met_in;
    u32 phi_count;     // LOOP
    const u8 *clauses; // of a try_table: their count comes first; NULL: it is none
    u32 outer_try;     // of a try_table: the builder's `try` outside
};

enum condition { CONDITION_OPEN, CONDITION_ALWAYS, CONDITION_NEVER };
enum { BUILD_UNITS = 16, BUILD_WORK_UNITS = 4 }; // of time: an instruction, a local
enum { GLOBALS_KNOWN = 64 };                     // values of the first globals are remembered

// A change of a local, to be undone.
struct change {
    u32 local;
    u32 before;   // value
    u32 previous; // change of the same local before it, plus 1; 0: none
};

struct loop_note {
    u32 offset; // of the instruction in the body
    u32 locals; // first in `loop_locals`
    u32 count;
};

// Instructions without effect whose hashes share a row of number.c's table, the latest first.
enum { KNOWN_WAYS = 4 };
struct known {
    u32 hashes[KNOWN_WAYS];
    u32 values[KNOWN_WAYS]; // IR_NONE: none
    u32 blocks[KNOWN_WAYS]; // that they stand in
};

struct builder {
    struct ir *ir;
    const struct wasm_module *module;
    const struct wasm_body *body;
    const u8 *start; // of the body
    enum err failed; // the first; building goes on harmlessly behind it
    u32 origin;      // of the instruction being read
    u32 block;       // being filled; IR_NONE: what follows cannot be reached

    u32 *locals; // value of each
    u32 local_count;
    u32 *logged; // by local: its last change, plus 1; 0: none
    struct change *log;
    u32 log_count;
    u32 log_capacity;
    u32 log_start; // of the innermost scope

    u32 *stack; // operands
    u32 height;
    u32 stack_capacity;

    struct control *controls;
    u32 depth;
    u32 control_capacity;
    u32 behind_count; // CONTROL_BEHIND among them
    u32 entry;        // offset of the loop to enter at; IR_NONE: none, or done
    u32 try;          // innermost try_table's control, plus 1; 0: none

    struct edge *edges;
    u32 edge_count;
    u32 edge_capacity;
    u32 *carried;
    u32 carried_count;
    u32 carried_capacity;

    // loops.c
    struct loop_note *loops; // in the order of the body
    u32 loop_count;
    u32 loop_capacity;
    u32 next_loop;
    u32 *loop_locals;
    u32 loop_local_count;
    u32 loop_local_capacity;
    const u8 *scanned; // loops that begin before this are known
    u32 *assigned_in;  // of each local: the loop it was last found assigned in, plus 1

    // simplify.c: what the instruction under way becomes
    bool becomes;
    struct ir_ins simpler;

    // joins.c: of each local, the join or edge it was last met in, and which it was there
    u32 *met;
    u32 *met_at;
    u32 *met_locals; // the other way round
    u32 met_capacity;
    u32 meeting;
    u64 work_left; // locals that may still be looked at, for loops, edges and joins

    // number.c
    u64 *highest;        // of each value: as an unsigned number it is not higher
    struct known *known; // values by their hash
    u32 known_mask;      // rows - 1
    u32 *dominator_far;  // of each block: one further up, and how many are above
    u32 *dominator_depth;
    u32 global_value[GLOBALS_KNOWN]; // if `global_epoch` is the present one
    u32 global_epoch[GLOBALS_KNOWN];
    u32 epoch;                       // rises where globals and the sizes of memories may change
    u32 memory_bytes[WASM_MEMORIES]; // MEMORY_BYTES, if `memory_epoch` is the present one
    u32 memory_epoch[WASM_MEMORIES];
};

// Makes `array`, with room for *capacity items, hold `count`; the old items are kept. NULL: no
// memory, and `failed` says so.
void *builder_grow(struct builder *b, void *array, u32 *capacity, u32 count, size_t item_bytes);

static inline struct ir_ins *value_ins(struct builder *b, u32 value)
{
    return &b->ir->ins[value];
}

static inline u32 value_resolve(const struct builder *b, u32 value)
{
    while (b->ir->ins[value].op == BUILD_ALIAS) {
        value = b->ir->ins[value].a;
    }
    return value;
}

enum kind kind_of_type(u8 type);

// ---- number.c

// Takes the first memory, so that there is always somewhere to write.
bool number_prepare(struct builder *b, u32 body_bytes);
// Forgets all blocks, instructions and lists.
void number_forget(struct builder *b);

// Appends an instruction to the present block and returns its value. After a failure, value 0.
u32 build_append(struct builder *b, const struct ir_ins *ins);
// The same for one without effect: an equal one that dominates is taken instead.
u32 build_pure(struct builder *b, const struct ir_ins *ins);
u32 build_const(struct builder *b, enum kind kind, u64 bits);
// The index in ir->vectors of a constant.
u32 vector_index(struct builder *b, u64 low, u64 high);

// Room for `count` more in ir->lists; the first of them.
u32 build_list(struct builder *b, u32 count);

// Begins a block. dominator: IR_NONE for the first.
u32 block_begin(struct builder *b, u32 dominator);
// A block that does nothing but jump on, behind successor number `successor` of `from`.
u32 block_between(struct builder *b, u32 from, u32 successor);
// A block with the one predecessor `from`.
u32 block_behind(struct builder *b, u32 from, u32 successor);
// Ends the present block. Its successors are unknown (IR_NONE) until block_link.
void block_finish(struct builder *b, const struct ir_ins *exit, u32 successors);
void block_link(struct builder *b, u32 from, u32 successor, u32 to);
// The block that dominates both, and is lowest.
u32 dominator_common(const struct builder *b, u32 one, u32 other);
bool build_dominates(const struct builder *b, u32 upper, u32 lower);

// ---- fold.c and simplify.c

// Computes a row of opcodes.def. False: it traps, or is not one of numbers.
bool fold_constant(u32 op, u64 left, u64 right, u64 *out);
// The value of an instruction whose operands are known: a row of class UNARY, BINARY, COMPARE,
// CONVERT or SELECT.
u32 build_simplify(struct builder *b, struct ir_ins ins);
// A condition without what only turns it around. *negated is flipped where it did.
u32 build_condition(struct builder *b, u32 condition, bool *negated);

// ---- loops.c

// What the loop that starts at `in`, behind its opcode at `origin`, assigns.
const struct loop_note *loop_look_up(struct builder *b, const struct body_reader *in);

// ---- joins.c

// Takes so much of the work that a function may make. False: there is none left.
bool build_work(struct builder *b, u64 count);
void build_assign(struct builder *b, u32 local, u32 value);
// From now on changes belong to this control.
void scope_enter(struct builder *b, struct control *control);
// Puts locals to what they were when the scope began.
void scope_undo(struct builder *b, const struct control *control);
// Ends a scope that was undone, or one whose changes stay.
void scope_leave(struct builder *b, const struct control *control);
void scope_keep(struct builder *b, const struct control *control);
// Notes a way from block `from`, which is finished, to a control's label, with the top `arity`
// operands and the present locals. To a loop it leads at once.
void edge_add(struct builder *b, struct control *control, u32 from, u32 successor, u32 arity);
// Goes on where all edges to a block's end meet; the scope is ended. There is at least one edge.
void join_make(struct builder *b, struct control *control);
void loop_begin(struct builder *b, struct control *control, const struct loop_note *note);
void loop_finish(struct builder *b, struct control *control);

// ---- reenter.c

// The offset of the innermost loop that begins before `origin` and does not end there. IR_NONE:
// there is none, or no memory to find it.
u32 reenter_find(const struct wasm_module *module, u32 function, u32 origin, struct arena *arena);
// At the loop to enter at: forgets what was built and begins there.
void reenter(struct builder *b);
// The end of a loop's turn in which the function was entered. True: the reader was set back to the
// loop's start, which is to be built now.
bool rest_finish(struct builder *b, struct control *control, struct body_reader *in);
// The end of the block around such a loop.
void behind_finish(struct builder *b, struct control *control);

// ---- build_try.c

// At a try_table whose control is on top, and at its end.
//   clauses  where they begin in the body, with their count
void build_try(struct builder *b, const u8 *clauses);
void build_try_end(struct builder *b, const struct control *control);
// Whether an exception can be caught in this function where it is now.
bool build_lands(const struct builder *b);
// What comes behind a call for which build_lands says so, and which has it in `lane`.
//   returns  else it can only end with an exception
void build_landing(struct builder *b, u32 call, bool returns);
void build_throw(struct builder *b, struct body_reader *in, enum row row);

// ---- build.c

// The control that a label of the body means where control number `at` is the innermost.
struct control *build_label(struct builder *b, u32 at, u32 depth);
// Goes to a label, with what it takes from the top of the stack.
void build_br(struct builder *b, struct control *control);
struct control *control_push(struct builder *b, enum control_kind kind);
// Goes to the end of the block, which is on top.
void finish_into(struct builder *b, struct control *control);
void end_block(struct builder *b, struct control *control);
// Keeps the parameters of an `if` for its `else`.
bool if_keep(struct builder *b, struct control *control);
// ---- operations.c

// Any instruction but control.
void build_plain(struct builder *b, struct body_reader *in, enum row row);
u32 build_pop(struct builder *b);
void build_push(struct builder *b, u32 value);
// A call's list of operands: the top `count` values.
u32 build_pop_list(struct builder *b, u32 count);
// Appends a helper. Its operands are `count` values from the stack, then constants; pushes its
// result where it has one.
void build_helper(struct builder *b, enum ir_helper helper, u32 count, const u32 *constants,
                  u32 constant_count);
// Takes a constant out of an address into the offset, where the sum cannot wrap.
u32 build_address(struct builder *b, u32 address, u32 *offset);
// The address of a place in another memory than 0, which is checked: `lane` of an IR_MEMORY_AT.
u32 build_memory_at(struct builder *b, u32 memory, u32 address, u32 offset, u8 lane);
// Pushes the results of a call.
void build_push_results(struct builder *b, u32 call, const struct wasm_func_type *type);
void clobber_globals(struct builder *b);

// ---- operations_bulk.c

// An instruction of the class BULK.
void build_bulk(struct builder *b, struct body_reader *in, enum row row);

// ---- operations_atomic.c

// An instruction of the classes ATOMIC, WAIT and FENCE.
void build_atomic(struct builder *b, struct body_reader *in, enum row row);
