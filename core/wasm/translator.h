// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/translator.h: what translate.c (bodies, and the module), translate_*.c, operations*.c
// (instructions) and values.c (where values lie, and emission) share. docs/wasm.md tells how they
// work together.
//
// The operand stack of the program is followed at translation time. A value on it may not have been
// computed into its slot yet: it can be a constant, a local that need not be copied, or the
// accumulator, whose producing instruction is changed afterwards when the value must go to a slot
// after all.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/body.h"
#include "core/wasm/code.h"
struct arena;
struct wasm_module;

// Accumulators.
enum bank { BANK_INTEGER, BANK_F32, BANK_F64, BANK_COUNT };

enum place {
    PLACE_HOME,  // in the slot of its own position
    PLACE_LOCAL, // in the slot of a local
    PLACE_CONST, // not anywhere yet
    PLACE_ACC,   // in the accumulator, and nowhere else
    PLACE_SUM,   // not computed yet: struct sum
};

// An i32 that has not been computed, in the hope that it becomes part of an address:
// base + (index << shift) + constant, where base and index are slots of locals or SLOT_NONE.
struct sum {
    u16 base;
    u16 index;
    u8 shift;
    u32 constant;
};

enum {
    SLOT_NONE = 0xffff,
    SLOTS_MAX = SLOT_NONE - 1, // what an operand of struct ins can name
};

// A value on the operand stack, or half of one: a v128 is two neighbours of KIND_V, the low half
// first, each PLACE_HOME, PLACE_LOCAL or PLACE_CONST like any other. Instructions take both at
// once.
struct value {
    u8 place;   // enum place
    u8 kind;    // enum kind
    bool dirty; // an i32 whose slot or accumulator has more than zeros above its low half
    u8 shift;   // PLACE_SUM, as are base and index
    union {
        u16 slot; // PLACE_LOCAL: of the local
        u16 base;
    };
    u16 index;
    union {
        u64 bits; // PLACE_CONST; PLACE_SUM: the constant
        u32 end;  // PLACE_HOME: one past the instruction whose `a` says where it goes; 0: none.
                  // Of the high half of a v128: where that instruction begins
    };
};
STATIC_ASSERT(sizeof(struct value) == 16);

// A value that an instruction is about to take.
enum mode { MODE_SLOT, MODE_ACC, MODE_CONST, MODE_SUM };
struct operand {
    u8 mode;
    u8 kind;
    bool dirty;
    bool has_slot; // MODE_ACC: also in `slot`
    u16 slot;
    u16 home;       // slot of the position it had
    struct sum sum; // MODE_SUM
    u64 bits;       // MODE_CONST
};

struct accumulator {
    bool holds_value;   // the value at `position` is PLACE_ACC
    bool mirrors_slot;  // the accumulator equals what `slot` holds
    u16 slot;           //
    u32 position;       //
    u32 producer;       // holds_value: the instruction, and the handler that also writes slot `a`
    u32 end;            // one past the producer
    handler *with_slot; //
};

// The last instruction with two operands, which the one behind it may swallow: a branch a
// comparison, an access to memory a sum. It is remembered while it is the last one: emission makes
// `end` differ from the count, and taking it back, the only way the count ever falls in a body,
// forgets it; else what comes in its place would be taken for it.
struct recent {
    u32 start; // its instruction
    u32 end;   // one past it; 0: there is none
    enum row row;
    struct operand left;
    struct operand right;
    bool mirrors_slot; // what the accumulator held before
    u16 slot;
};

struct control {
    u8 opcode;   // WASM_OP_BLOCK, LOOP, IF, ELSE; BLOCK for the function itself
    bool joined; // LOOP: never; others: something jumps to the end
    u32 height;  // of the operand stack below the parameters
    u32 param_slots;
    u32 result_slots;
    const u8 *params; // their types
    const u8 *results;
    u32 start;     // LOOP: where it begins
    u32 otherwise; // IF: the branch to `else`, plus 1
    u32 jumps;     // chain through `c` of branches to the end: index plus 1
    u32 entries;   // the same of br_table entries
    u32 catches;   // the same of catch clauses, through their `target`
    u32 outer_try; // TRY_TABLE: the translator's `try` outside
};

// A body's instructions lie in pages while it is translated, so that growing never copies them.
enum { CODE_PAGE = 1024 };

struct code_page {
    struct ins ins[CODE_PAGE];
    u32 origins[CODE_PAGE]; // offset in the body, of each
};

struct translator {
    struct wasm_module *module;
    struct arena *scratch;
    struct wasm_code *codes; // of all defined functions
    enum err failed;         // first failure; emission goes on harmlessly behind it
    i64 work;                // units left of the step under way

    // The body being translated.
    struct code_page **pages;
    u32 page_capacity;
    u32 count;
    u32 capacity; // of all pages
    u32 barrier;  // instructions below this are behind a label: not to be changed any more
    u32 paid;     // instructions that emit_pay has paid for
    u32 origin;
    struct body_reader in;
    bool reachable;
    u32 dead_depth; // blocks open in the dead code that is being skipped
    // How far the finished body is moved to where it stays.
    u32 measured;
    u32 moved;
    u32 origin_bytes;
    u32 origin_before;
    struct ins *first;
    u8 *origins_at;

    // The frame.
    const struct wasm_func_type *type;
    const struct wasm_body *body;
    u32 param_count;
    bool has_vectors; // among the declared locals: a local's slot follows from its run
    u32 header;
    u32 stack_base; // slot of the operand stack's bottom
    u32 *run_ends;  // of each run of declared locals: the first local behind it
    u32 *run_slots; // and its first slot
    u32 run_capacity;
    u32 run_slot_capacity;
    u32 run;         // the one that was last looked at
    u32 *local_uses; // by slot: how many values are PLACE_LOCAL there
    u32 use_capacity;

    // The operand stack.
    struct value *values;
    u32 height;
    u32 height_max;
    u32 value_capacity;
    // Values below are PLACE_HOME or PLACE_CONST; below the other, PLACE_HOME and clean. They keep
    // work on blocks and calls with many values small.
    u32 settled;
    u32 at_home;
    struct accumulator acc[BANK_COUNT];
    struct recent recent;

    struct control *controls;
    u32 depth;
    u32 control_capacity;

    u32 try;         // innermost try_table open: number in the module plus 1; 0: none
    u32 try_count;   // of the module so far
    u32 catch_count; //
    u32 body_tries;  // try_count where the body began
};

static ALWAYS_INLINE struct ins *ins_at(const struct translator *t, u32 index)
{
    return &t->pages[index / CODE_PAGE]->ins[index % CODE_PAGE];
}

static ALWAYS_INLINE u32 *origin_at(const struct translator *t, u32 index)
{
    return &t->pages[index / CODE_PAGE]->origins[index % CODE_PAGE];
}

static inline enum bank bank_of(enum kind kind)
{
    return kind == KIND_F ? BANK_F32 : kind == KIND_D ? BANK_F64 : BANK_INTEGER;
}

static inline u32 home(const struct translator *t, u32 position)
{
    return t->stack_base + position;
}

enum kind kind_of(u8 type);

// Takes the first memory, so that emission always has somewhere to write. False: there is none.
bool translator_prepare(struct translator *t);

// Makes `array`, with room for *capacity items, hold `count`; the old items are kept. NULL: no
// memory.
void *translator_grow(struct arena *arena, void *array, u32 *capacity, u32 count,
                      size_t item_bytes);

// ---- emission: each returns the index of the instruction

u32 emit(struct translator *t, handler *run, u32 a, u32 b, u32 c);
u32 emit_two(struct translator *t, handler *run, u32 a, u32 low, u32 high);
void emit_data(struct translator *t, const void *data);
void emit_bits(struct translator *t, u64 bits);
// Here begins what something may jump to: nothing is known about accumulators.
void label(struct translator *t);

// Whether `recent`, still the last instruction and behind the barrier, made this value of the
// integer accumulator's.
bool recent_made(const struct translator *t, const struct value *value);
// Takes that instruction back, and returns it. The accumulator is what it was before.
struct recent recent_take_back(struct translator *t);

// Pays for what was emitted since the last time, if that is so many units.
void emit_pay(struct translator *t, u32 units);
// Here the thread can be stopped before the instruction that is to be translated: every operand is
// in its home, and accumulators hold nothing.
void emit_probe(struct translator *t);

// ---- the operand stack

struct value *push(struct translator *t, enum kind kind);
void push_const(struct translator *t, enum kind kind, u64 bits);
void push_local(struct translator *t, u32 local);
// The result of an instruction that is now emitted, whose operand `a` is home(t, t->height).
void push_result(struct translator *t, enum kind kind);
// Values that are in their homes by no instruction of ours, as many as fill `slots`.
void push_homes(struct translator *t, const u8 *types, u32 slots);
// The result of the instruction at `producer` in the accumulator; `with_slot` is the handler that
// also writes slot `a`. acc_claim comes before the instruction.
void push_acc(struct translator *t, enum kind kind, u32 producer, handler *with_slot);
// Frees an accumulator for an instruction that is to be emitted: a value in it goes to its home.
void acc_claim(struct translator *t, enum bank bank);
// An instruction that was emitted writes this slot.
void slot_written(struct translator *t, u32 slot);
// The same for one that leaves no accumulator as it was.
void acc_forget(struct translator *t);

// Computes a sum, at a position of the stack or at the top ones, into the accumulator. Other places
// are left.
void force(struct translator *t, u32 position);
void force_top(struct translator *t, u32 count);
// Takes the top value, computing it if it is a sum.
struct operand pop(struct translator *t);
void truncate(struct translator *t, u32 height);
// Puts the value at a position into its home. Leaves accumulators as they are.
void settle(struct translator *t, u32 position);
void settle_top(struct translator *t, u32 count);
// Puts everything on the stack but constants into its home, and the top `params` constants too.
void settle_all(struct translator *t, u32 params);

// The value at a position, as an operand.
struct operand operand_at(const struct translator *t, u32 position);
// Puts an operand into a slot, if it is not in one.
void operand_to_slot(struct translator *t, struct operand *operand);
// The same for a constant, and for a dirty value.
void operand_no_const(struct translator *t, struct operand *operand);
void operand_clean(struct translator *t, struct operand *operand);
// Of two operands of one bank at most one is in the accumulator.
void operands_part(struct operand *left, struct operand *right);
// Copies an operand to a slot, changing nothing else: no accumulator either.
void operand_copy(struct translator *t, const struct operand *operand, u32 slot);
// Whether it is an integer constant between -2^15 and 2^15 - 1.
bool operand_is_short(const struct operand *operand);

// A value as a sum. False: it cannot be one.
bool value_sum(const struct value *value, struct sum *out);
void push_sum(struct translator *t, const struct sum *sum);
// What two sums are together. False: more than a sum can be.
bool sum_add(const struct sum *a, const struct sum *b, struct sum *out);

// local.set and local.tee.
void local_assign(struct translator *t, u32 local, bool keep);
u32 local_slot(struct translator *t, u32 local);

// ---- v128

void push_vector_const(struct translator *t, u64 low, u64 high);
// The result of the instruction that begins at `start`, the last one, whose operand `a` is
// home(t, t->height).
void push_vector(struct translator *t, u32 start);
// Takes the v128 on top and returns the first of its slots.
u32 pop_vector(struct translator *t);

// ---- instructions

// Blocks and branches (translate_control.c). Opens a block, of which only the height is known yet;
// NULL: no memory.
struct control *translate_open(struct translator *t, u8 opcode);
// An instruction of the class CONTROL but `else` and `end`. Returns whether what follows can be
// reached.
bool translate_control(struct translator *t, struct body_reader *in, enum row row);
//   reachable  whether the end of the first branch is
void translate_else(struct translator *t, bool reachable);
// False: the step's work is used up before all jumps are patched; to be called again.
bool translate_end(struct translator *t);
// Any instruction but control (operations.c).
void translate_plain(struct translator *t, struct body_reader *in, enum row row);
// Calls (translate_call.c).
void translate_call(struct translator *t, struct body_reader *in, enum row row);
// Calls in the place of a return. True: a function of the embedder's may be meant, which gives its
// results here; they are on the stack, to be returned.
bool translate_tail_call(struct translator *t, struct body_reader *in, enum row row);
// Those of the classes VECTOR (operations_vector.c).
void translate_vector(struct translator *t, struct body_reader *in, enum row row);
// Those of the classes ATOMIC, WAIT and FENCE (operations_atomic.c).
void translate_atomic(struct translator *t, struct body_reader *in, enum row row);
// global.get, global.set and select, of a v128.
void translate_vector_global(struct translator *t, enum row row, u32 global);
void translate_vector_select(struct translator *t, const struct operand *condition);

// ---- exceptions (translate_try.c)

// Makes the label of a clause be here. False: it has none.
bool translate_clause_patch(struct translator *t, struct control *control);
void translate_throw(struct translator *t, struct body_reader *in, enum row row);
// At the try_table whose control is on top, its block type read.
void translate_try(struct translator *t, struct body_reader *in);
void translate_try_end(struct translator *t, const struct control *control);
// The instruction emitted last is the second half of a call or of a throw: see struct ins.
void translate_call_mark(struct translator *t);

// ---- memory (operations.c)

// An address as operands of a load or store.
struct address_use {
    enum address form;
    u16 first;
    u32 c;
};
// Around the instruction of a load or store of a memory: of another than memory 0, emits two more.
void access_begin(struct translator *t, u32 memory);
void access_end(struct translator *t, u32 memory);
// Decides how an access gets its address, from the value at a position, which stays on the stack.
//   keeps_acc  the integer accumulator is taken by the value to be stored
struct address_use address_take(struct translator *t, u32 position, u32 offset, enum row row,
                                bool keeps_acc);
