// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select.h: the state of instruction selection, and its words. Private to
// select*.c.
//
// Blocks are visited from the last to the first, and so are a block's instructions: what uses a
// value is seen before it, and may take it into itself (`x64_cover`) if nobody else wants it. What
// is put for one instruction of the IR is put in the order in which it runs; the whole is turned
// round at the end.
#pragma once
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/mach.h"
#include "core/jit/x86_64/internal.h"

struct selector {
    const struct ir *ir;
    const struct jit_options *options;
    struct mach *mach;
    u32 *vregs;   // of each value; MACH_NONE: nobody wants it in a register (yet)
    u32 *epochs;  // of each instruction: how many effects stand before it, blocks included
    u32 *results; // of a call: the last of its IR_RESULTs that is wanted; of that: the one before
    bool *is_covered; // part of another instruction, which does its work
    u32 root;         // instruction of the IR that is being selected
    u32 root_epoch;
    u32 block_first; // of the block that is being selected
    enum err err;
};

// A place in memory, a constant or a register as the last operand of an instruction.
struct rm {
    u8 kind; // enum x64_rm
    u8 scale;
    u8 trap;
    u32 base;  // virtual registers; MACH_NONE: none. For a register: that
    u32 index; //
    i32 disp;
    u32 origin; // of the access, where `trap` is reported
    u64 bits;   // of a constant
};

static inline const struct ir_ins *sel_ins(const struct selector *s, u32 value)
{
    return &s->ir->ins[value];
}

static inline bool sel_is_const(const struct selector *s, u32 value)
{
    return s->ir->ins[value].op == IR_CONST && s->ir->ins[value].kind != KIND_V;
}

static inline bool sel_has_avx(const struct selector *s)
{
    return (s->options->features & X64_HAS_AVX) != 0;
}

static inline bool sel_is_wide(u8 kind)
{
    return kind == KIND_L;
}

static inline bool sel_is_float(u8 kind)
{
    return kind >= KIND_F;
}

// The constant of an integer with its sign, and whether it fits an immediate.
static inline i64 sel_const(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->kind == KIND_I ? (i32)ins->bits : (i64)ins->bits;
}

static inline bool sel_is_imm(const struct selector *s, u32 value)
{
    return sel_is_const(s, value) && !sel_is_float(sel_ins(s, value)->kind) &&
           sel_const(s, value) == (i32)sel_const(s, value);
}

// ---- select.c: registers and instructions

u32 x64_vreg(struct selector *s, u8 kind);
// A value in a register, from now on wanted. _low: only its low 32 bits matter.
u32 x64_use(struct selector *s, u32 value);
u32 x64_use_low(struct selector *s, u32 value);
// The register that an instruction's value is to be put in.
u32 x64_def(struct selector *s, u32 value);
// Whether `value` stands in this block with no effect between it and the root, and this is its only
// use: then it can become part of the root.
bool x64_can_cover(const struct selector *s, u32 value);
void x64_cover(struct selector *s, u32 value);
// A new register with a constant.
u32 x64_constant(struct selector *s, u8 kind, u64 bits);

struct mach_ins *x64_put(struct selector *s, enum x64_op op, struct x64_shape shape, u64 bits);
// Of the instruction put last.
void x64_set_condition(struct selector *s, u8 condition);
void x64_operand(struct selector *s, u32 vreg, enum mach_role role, enum mach_constraint constraint,
                 u8 reg);

// Shapes of instructions that occur often. `wide` is is_wide.
//   def_rm     op def, r/m                   def_same_rm  op def (= from), r/m
//   def_same_i op def (= from), imm          use_rm       op reg, r/m (CMP, and stores)
//   rm_i       op r/m, imm (CMP, stores)     def_rm_i     op def, r/m, imm
//   vex        op def, from, r/m
//   sse        op def, from, r/m: `from` is the SAME without AVX
//   sse_unary  op def, r/m with one source
//   sse_i      as sse, with an immediate
//   sse_shift  op def, from, imm (form VMI)
//   use_rm_i   op reg, r/m, imm: r/m is what is written (form MRI)
void x64_put_def_rm(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm);
void x64_put_def_same_rm(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from,
                         struct rm rm);
void x64_put_def_same_i(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, i32 imm);
void x64_put_use_rm(struct selector *s, enum x64_op op, bool wide, u32 reg, struct rm rm);
void x64_put_rm_i(struct selector *s, enum x64_op op, bool wide, struct rm rm, i32 imm);
void x64_put_def_rm_i(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm,
                      i32 imm);
void x64_put_vex(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, struct rm rm);
void x64_put_sse(struct selector *s, enum x64_op op, u32 def, u32 from, struct rm rm);
void x64_put_sse_unary(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm,
                       u8 imm);
void x64_put_sse_i(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, struct rm rm,
                   u8 imm);
void x64_put_sse_shift(struct selector *s, enum x64_op op, u32 def, u32 from, u8 imm);
void x64_put_use_rm_i(struct selector *s, enum x64_op op, bool wide, u32 reg, struct rm rm, u8 imm);
void x64_put_copy(struct selector *s, u32 def, u32 from);
// Four words with a constant of 16 bytes, for X64_RM_VECTOR and X64_CONSTANT_VECTOR.
u32 x64_words(struct selector *s, u64 low, u64 high);
// A new register with it.
u32 x64_vector_constant(struct selector *s, u64 low, u64 high);

static inline struct rm rm_reg(u32 vreg)
{
    return (struct rm){.kind = X64_RM_REGISTER, .base = vreg, .index = MACH_NONE};
}

static inline struct rm rm_instance(u32 disp)
{
    return (struct rm){
        .kind = X64_RM_INSTANCE, .base = MACH_NONE, .index = MACH_NONE, .disp = (i32)disp};
}

static inline struct rm rm_free(u32 base, u32 index, u8 scale, i32 disp)
{
    return (struct rm){
        .kind = X64_RM_FREE, .base = base, .index = index, .scale = scale, .disp = disp};
}

static inline struct rm rm_stack(u8 kind, u32 disp)
{
    return (struct rm){.kind = kind, .base = MACH_NONE, .index = MACH_NONE, .disp = (i32)disp};
}

static inline struct rm rm_constant(u64 bits)
{
    return (struct rm){
        .kind = X64_RM_CONSTANT, .base = MACH_NONE, .index = MACH_NONE, .bits = bits};
}

// ---- select_memory.c

// Whether x64_rm would take it in as memory.
bool x64_is_memory(const struct selector *s, u32 value);
// The same for what only the low 32 bits matter of, where it is an i32.
struct rm x64_rm_low(struct selector *s, u32 value);
// Whether it is computed in this block for one user, and not for any before: cheap to move there.
bool x64_is_alone(const struct selector *s, u32 value);

// The place that a load or store of the IR accesses. Puts what computes it.
struct rm x64_address(struct selector *s, const struct ir_ins *access);
// The same of an atomic one, whose address is that value, as [r15 + register]: not where it is no
// multiple of the bytes that are accessed.
struct rm x64_atomic_address(struct selector *s, const struct ir_ins *access, u32 address);
// A value as the last operand of `bytes` bytes: memory if it is a load that can be covered, a
// constant in memory if it is a float, else a register.
struct rm x64_rm(struct selector *s, u32 value);
// An upper bound of an i32, without sign.
u32 x64_bound(const struct selector *s, u32 value);
void x64_select_load(struct selector *s, u32 value);
void x64_select_store(struct selector *s, u32 value);
void x64_select_memory_size(struct selector *s, u32 value);
// MEMORY_BASE, MEMORY_BYTES and MEMORY_AT.
void x64_select_memory(struct selector *s, u32 value);
void x64_select_global(struct selector *s, u32 value);
void x64_select_slot(struct selector *s, u32 value);
void x64_select_table(struct selector *s, u32 value);
// The element of a table with that number, which is checked and masked; `trap` if there is none.
struct rm x64_element(struct selector *s, u32 table, u32 number, enum trap trap);
// Traps at the root when the flags say so.
void x64_put_trap_if(struct selector *s, u8 condition, enum trap trap);

// ---- select_integer.c: UNARY, BINARY and CONVERT of integers. False: not one of those.
bool x64_select_integer(struct selector *s, u32 value);
// ---- select_divide.c
void x64_select_divide(struct selector *s, u32 value);
// ---- select_float.c
bool x64_select_float(struct selector *s, u32 value);

// ---- select_vector.c: VECTOR, VECTOR_LOAD and VECTOR_STORE
void x64_select_vector(struct selector *s, u32 value);
// Whether it asks something of a whole vector, and the flags for "it is so".
bool x64_is_vector_test(const struct ir_ins *ins);
u8 x64_vector_test(struct selector *s, const struct ir_ins *ins);

// ---- select_atomic.c: ATOMIC
void x64_select_atomic(struct selector *s, u32 value);

// ---- select_condition.c

// How to decide something after the flags are set.
struct condition {
    u8 code;       // enum x64_condition
    bool is_equal; // of floats: equal (code E) or not (NE), where a NaN is not equal
};
// Sets the flags for "value is not 0".
struct condition x64_condition(struct selector *s, u32 value);
void x64_select_compare(struct selector *s, u32 value);
void x64_select_select(struct selector *s, u32 value);

// ---- select_control.c
void x64_select_params(struct selector *s);
void x64_select_exit(struct selector *s, u32 block);
void x64_select_call(struct selector *s, u32 value);
