// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select.c: instruction selection as a whole; see select.h.
#include "core/jit/x86_64/select.h"
#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/jit/limits.h"
#include "core/jit/pace.h"

// ---- room

static void fail(struct selector *s, enum err err)
{
    if (s->err == ERR_OK) {
        s->err = err;
    }
}

// `items` with room for `more` behind `count`; it doubles. NULL after a failure.
static void *grow(struct selector *s, void *items, u32 count, u32 more, u32 *capacity,
                  u32 item_bytes)
{
    u64 need = (u64)count + more;
    if (LIKELY(need <= *capacity)) {
        return items;
    }
    if (need > JIT_MACH_ITEMS) {
        fail(s, ERR_LIMIT);
        return NULL;
    }
    u64 bigger = (u64)*capacity * 2 > need ? (u64)*capacity * 2 : need;
    bigger = bigger < JIT_MACH_ITEMS ? bigger : JIT_MACH_ITEMS;
    void *place = arena_alloc(s->mach->arena, bigger, item_bytes, 8);
    if (place == NULL) {
        fail(s, ERR_NO_MEMORY);
        return NULL;
    }
    mem_copy(place, items, (size_t)count * item_bytes);
    *capacity = (u32)bigger;
    return place;
}

// First of `count` new places in the lists.
static u32 list_new(struct selector *s, u32 count)
{
    struct mach *mach = s->mach;
    if (count == 0) {
        return 0;
    }
    u32 *lists = grow(s, mach->lists, mach->list_count, count, &mach->list_capacity, sizeof(u32));
    if (lists == NULL) {
        return MACH_NONE;
    }
    mach->lists = lists;
    mach->list_count += count;
    return mach->list_count - count;
}

// ---- registers

// An i32 moves and lies in slots with the zeros above it, so that it is an i64 as well.
u32 x64_vreg(struct selector *s, u8 kind)
{
    static const u8 bytes[] = {
        [KIND_I] = 8, [KIND_L] = 8, [KIND_F] = 4, [KIND_D] = 8, [KIND_V] = 16};
    struct mach *mach = s->mach;
    struct mach_vreg *vregs =
        grow(s, mach->vregs, mach->vreg_count, 1, &mach->vreg_capacity, sizeof *vregs);
    if (vregs == NULL) {
        return 0;
    }
    mach->vregs = vregs;
    vregs[mach->vreg_count] =
        (struct mach_vreg){.class = sel_is_float(kind) ? MACH_FLOAT : MACH_INTEGER,
                           .bytes = bytes[kind],
                           .def = MACH_NONE};
    return mach->vreg_count++;
}

u32 x64_constant(struct selector *s, u8 kind, u64 bits)
{
    u32 vreg = x64_vreg(s, kind);
    if (s->err == ERR_OK) {
        s->mach->vregs[vreg].is_remat = true;
    }
    bool is_float = sel_is_float(kind);
    struct x64_shape shape = {.is_wide = kind == KIND_L || kind == KIND_D};
    x64_put(s, is_float ? X64_CONSTANT_FLOAT : X64_CONSTANT, shape,
            kind == KIND_I ? (u32)bits : bits);
    x64_operand(s, vreg, MACH_DEF, MACH_IN_REGISTER, 0);
    return vreg;
}

u32 x64_words(struct selector *s, u64 low, u64 high)
{
    u32 first = list_new(s, 4);
    if (s->err != ERR_OK) {
        return 0;
    }
    s->mach->lists[first] = (u32)low;
    s->mach->lists[first + 1] = (u32)(low >> 32);
    s->mach->lists[first + 2] = (u32)high;
    s->mach->lists[first + 3] = (u32)(high >> 32);
    return first;
}

static void put_vector_constant(struct selector *s, u32 def, u64 low, u64 high)
{
    x64_put(s, X64_CONSTANT_VECTOR, (struct x64_shape){0}, x64_words(s, low, high));
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    if (s->err == ERR_OK) {
        s->mach->vregs[def].is_remat = true;
    }
}

u32 x64_vector_constant(struct selector *s, u64 low, u64 high)
{
    u32 vreg = x64_vreg(s, KIND_V);
    put_vector_constant(s, vreg, low, high);
    return vreg;
}

// Whether an i64 has zeros above its low half.
static bool is_zero_extended(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    switch (ins->op) {
    case ROW_I64_EXTEND_I32_U:
    case ROW_I64_LOAD8_U:
    case ROW_I64_LOAD16_U:
    case ROW_I64_LOAD32_U:
        return true;
    case ROW_I64_AND:
        return sel_is_const(s, ins->b) && sel_ins(s, ins->b)->bits <= UINT32_MAX;
    case ROW_I64_SHR_U:
        return sel_is_const(s, ins->b) && (sel_ins(s, ins->b)->bits & 63) >= 32;
    default:
        return false;
    }
}

// As many conversions are seen through, so that nobody can make long chains of them that are walked
// again and again.
enum {
    THROUGH = 4,
    SELECT_UNITS = 24, // of time: an instruction
};

u32 x64_use(struct selector *s, u32 value)
{
    bool is_extended = false;
    for (u32 i = 0; i < THROUGH; i++) {
        const struct ir_ins *ins = sel_ins(s, value);
        if (ins->op == ROW_I64_EXTEND_I32_U) { // zeros are above it already
            is_extended = true;
        } else if (ins->op != ROW_I32_WRAP_I64 || !is_zero_extended(s, ins->a)) {
            break;
        }
        value = ins->a;
    }
    const struct ir_ins *ins = sel_ins(s, value);
    if (sel_is_const(s, value) && !sel_is_float(ins->kind) &&
        (ins->bits <= UINT32_MAX || sel_is_imm(s, value))) {
        u8 kind = is_extended ? KIND_L : ins->kind;
        return x64_constant(s, kind, is_extended ? (u32)ins->bits : ins->bits);
    }
    if (s->vregs[value] == MACH_NONE) {
        s->vregs[value] = x64_vreg(s, ins->kind);
    }
    return s->vregs[value];
}

u32 x64_use_low(struct selector *s, u32 value)
{
    for (u32 i = 0; i < THROUGH; i++) {
        u16 op = sel_ins(s, value)->op;
        if (op != ROW_I32_WRAP_I64 && op != ROW_I64_EXTEND_I32_U && op != ROW_I64_EXTEND_I32_S) {
            break;
        }
        value = sel_ins(s, value)->a;
    }
    return x64_use(s, value);
}

u32 x64_def(struct selector *s, u32 value)
{
    if (s->vregs[value] == MACH_NONE) {
        s->vregs[value] = x64_vreg(s, sel_ins(s, value)->kind);
    }
    return s->vregs[value];
}

static bool is_access(u16 op)
{
    u8 class = op < ROW_COUNT ? body_ops[op].class : 0xff;
    return class == WASM_CLASS_LOAD || class == WASM_CLASS_VECTOR_LOAD;
}

// Whether every load between the value and the root runs with the root or behind it, so that of
// several that would fault the first in the program does.
static bool is_next_load(const struct selector *s, u32 value)
{
    enum { LOOK = 32 };
    if (s->root - value > LOOK) {
        return false;
    }
    for (u32 i = value + 1; i < s->root; i++) {
        if (is_access(sel_ins(s, i)->op) && !s->is_covered[i]) {
            return false;
        }
    }
    return true;
}

bool x64_can_cover(const struct selector *s, u32 value)
{
    return sel_ins(s, value)->uses == 1 && s->epochs[value] == s->root_epoch &&
           s->vregs[value] == MACH_NONE && !s->is_covered[value] && is_next_load(s, value);
}

void x64_cover(struct selector *s, u32 value)
{
    ASSERT(!s->is_covered[value] && s->vregs[value] == MACH_NONE);
    s->is_covered[value] = true;
}

// ---- instructions

struct mach_ins *x64_put(struct selector *s, enum x64_op op, struct x64_shape shape, u64 bits)
{
    static struct mach_ins nowhere;
    struct mach *mach = s->mach;
    struct mach_ins *ins = grow(s, mach->ins, mach->ins_count, 1, &mach->ins_capacity, sizeof *ins);
    if (ins == NULL) {
        return &nowhere;
    }
    mach->ins = ins;
    ins += mach->ins_count++;
    *ins = (struct mach_ins){.op = (u16)op,
                             .operands = mach->operand_count,
                             .origin = sel_ins(s, s->root)->origin,
                             .a = x64_shape_word(shape),
                             .bits = bits};
    return ins;
}

void x64_operand(struct selector *s, u32 vreg, enum mach_role role, enum mach_constraint constraint,
                 u8 reg)
{
    struct mach *mach = s->mach;
    struct mach_operand *operands =
        grow(s, mach->operands, mach->operand_count, 1, &mach->operand_capacity, sizeof *operands);
    if (operands == NULL || s->err != ERR_OK) {
        return;
    }
    mach->operands = operands;
    operands[mach->operand_count++] = (struct mach_operand){.vreg = vreg,
                                                            .role = (u8)role,
                                                            .constraint = (u8)constraint,
                                                            .reg = reg,
                                                            .place = MACH_PLACE_NONE};
    mach->ins[mach->ins_count - 1].operand_count++;
}

void x64_set_condition(struct selector *s, u8 condition)
{
    if (s->err != ERR_OK) {
        return;
    }
    struct mach_ins *ins = &s->mach->ins[s->mach->ins_count - 1];
    struct x64_shape shape = x64_shape(ins);
    shape.condition = condition;
    ins->a = x64_shape_word(shape);
}

static struct x64_shape rm_shape(const struct rm *rm, bool wide)
{
    bool is_register = rm->kind == X64_RM_REGISTER;
    return (struct x64_shape){.rm = rm->kind,
                              .is_wide = wide,
                              .has_base = !is_register && rm->base != MACH_NONE,
                              .has_index = !is_register && rm->index != MACH_NONE,
                              .scale = rm->scale & 3,
                              .trap = rm->trap};
}

// An instruction with an r/m: what it accesses is where it traps.
static void put_with(struct selector *s, enum x64_op op, struct x64_shape shape,
                     const struct rm *rm, i32 imm)
{
    u64 bits = rm->kind == X64_RM_CONSTANT ? rm->bits : (u32)rm->disp | (u64)(u32)imm << 32;
    if (rm->kind == X64_RM_VECTOR) {
        bits = (u32)rm->bits | (u64)(u32)imm << 32;
    }
    struct mach_ins *ins = x64_put(s, op, shape, bits);
    if (rm->trap != TRAP_NONE) {
        ins->origin = rm->origin;
    }
}

static void put_rm(struct selector *s, enum x64_op op, const struct rm *rm)
{
    if (rm->kind == X64_RM_REGISTER) {
        bool is_short = s->err != ERR_OK || s->mach->vregs[rm->base].bytes < 16;
        // Without AVX, memory of 16 bytes must be aligned, which slots are not.
        bool is_whole = x64_ops[op].size == X64_SIZE_X && (is_short || !sel_has_avx(s));
        // These choose a lane of a register, which memory would not have.
        is_whole |= x64_ops[op].size == X64_SIZE_GX || (op == X64_INSERTPS && !is_short);
        x64_operand(s, rm->base, MACH_USE, is_whole ? MACH_IN_REGISTER : MACH_ANYWHERE, 0);
        return;
    }
    if (rm->base != MACH_NONE) {
        x64_operand(s, rm->base, MACH_USE, MACH_IN_REGISTER, 0);
    }
    if (rm->index != MACH_NONE) {
        x64_operand(s, rm->index, MACH_USE, MACH_IN_REGISTER, 0);
    }
}

static void put_def_same(struct selector *s, u32 def, u32 from)
{
    x64_operand(s, def, MACH_DEF, MACH_SAME, 1);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
}

void x64_put_def_rm(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, 0);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_def_same_rm(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from,
                         struct rm rm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, 0);
    put_def_same(s, def, from);
    put_rm(s, op, &rm);
}

void x64_put_def_same_i(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, i32 imm)
{
    x64_put(s, op, (struct x64_shape){.is_wide = wide}, (u64)(u32)imm << 32);
    put_def_same(s, def, from);
}

void x64_put_use_rm(struct selector *s, enum x64_op op, bool wide, u32 reg, struct rm rm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, 0);
    x64_operand(s, reg, MACH_USE, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_rm_i(struct selector *s, enum x64_op op, bool wide, struct rm rm, i32 imm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, imm);
    put_rm(s, op, &rm);
}

void x64_put_def_rm_i(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm, i32 imm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, imm);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_vex(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, struct rm rm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, 0);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_sse(struct selector *s, enum x64_op op, u32 def, u32 from, struct rm rm)
{
    if (sel_has_avx(s)) {
        x64_put_vex(s, op, false, def, from, rm);
    } else {
        x64_put_def_same_rm(s, op, false, def, from, rm);
    }
}

void x64_put_sse_unary(struct selector *s, enum x64_op op, bool wide, u32 def, struct rm rm, u8 imm)
{
    struct x64_shape shape = rm_shape(&rm, wide);
    shape.is_unary = true;
    put_with(s, op, shape, &rm, imm);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_sse_i(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, struct rm rm,
                   u8 imm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, imm);
    if (sel_has_avx(s)) {
        x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
        x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
    } else {
        put_def_same(s, def, from);
    }
    put_rm(s, op, &rm);
}

void x64_put_sse_shift(struct selector *s, enum x64_op op, u32 def, u32 from, u8 imm)
{
    x64_put(s, op, (struct x64_shape){0}, (u64)imm << 32);
    x64_operand(s, def, MACH_DEF, sel_has_avx(s) ? MACH_IN_REGISTER : MACH_SAME, 1);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
}

void x64_put_use_rm_i(struct selector *s, enum x64_op op, bool wide, u32 reg, struct rm rm, u8 imm)
{
    put_with(s, op, rm_shape(&rm, wide), &rm, imm);
    x64_operand(s, reg, MACH_USE, MACH_IN_REGISTER, 0);
    put_rm(s, op, &rm);
}

void x64_put_copy(struct selector *s, u32 def, u32 from)
{
    bool is_float = s->err == ERR_OK && s->mach->vregs[def].class == MACH_FLOAT;
    bool is_wide = s->err == ERR_OK && s->mach->vregs[def].bytes == 8;
    struct mach_ins *ins =
        x64_put(s, is_float ? X64_COPY_FLOAT : X64_COPY, (struct x64_shape){.is_wide = is_wide}, 0);
    ins->flags = MACH_IS_MOVE;
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
}

// ---- one instruction of the IR

// Loads can trap, but see to their order themselves (x64_can_cover).
static bool is_effect(const struct ir_ins *ins)
{
    return !is_access(ins->op) && ir_has_effect(ins);
}

static void select_const(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    if (ins->kind == KIND_V) {
        const u64 *vector = s->ir->vectors[ins->a];
        put_vector_constant(s, def, vector[0], vector[1]);
        return;
    }
    bool is_float = sel_is_float(ins->kind);
    struct x64_shape shape = {.is_wide = ins->kind == KIND_L || ins->kind == KIND_D};
    x64_put(s, is_float ? X64_CONSTANT_FLOAT : X64_CONSTANT, shape, ins->bits);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    if (s->err == ERR_OK) {
        s->mach->vregs[def].is_remat = true;
    }
}

static void select_row(struct selector *s, u32 value)
{
    switch ((enum wasm_class)body_ops[sel_ins(s, value)->op].class) {
    case WASM_CLASS_LOAD:
        x64_select_load(s, value);
        return;
    case WASM_CLASS_STORE:
        x64_select_store(s, value);
        return;
    case WASM_CLASS_COMPARE:
        x64_select_compare(s, value);
        return;
    case WASM_CLASS_VECTOR:
    case WASM_CLASS_VECTOR_LOAD:
    case WASM_CLASS_VECTOR_STORE:
        x64_select_vector(s, value);
        return;
    case WASM_CLASS_PARAMETRIC:
        x64_select_select(s, value);
        return;
    case WASM_CLASS_ATOMIC:
        x64_select_atomic(s, value);
        return;
    default:
        if (!x64_select_integer(s, value) && !x64_select_float(s, value)) {
            fail(s, ERR_UNSUPPORTED);
        }
        return;
    }
}

static void select_ins(struct selector *s, u32 value)
{
    switch ((u32)sel_ins(s, value)->op) {
    case IR_PARAM:
    case IR_PHI:
        return; // x64_select_params, the block's parameters
    case IR_CONST:
        select_const(s, value);
        return;
    case IR_RESULT:
    case IR_CAUGHT:
        s->results[value] = s->results[sel_ins(s, value)->a];
        s->results[sel_ins(s, value)->a] = value;
        return;
    case IR_CALL:
    case IR_CALL_INDIRECT:
    case IR_THROW:
    case IR_HELPER:
        x64_select_call(s, value);
        return;
    case IR_GLOBAL_GET:
    case IR_GLOBAL_SET:
        x64_select_global(s, value);
        return;
    case IR_SLOT:
        x64_select_slot(s, value);
        return;
    case IR_TABLE_GET:
    case IR_TABLE_SET:
    case IR_TABLE_SIZE:
    case IR_REF_FUNC:
        x64_select_table(s, value);
        return;
    case IR_MEMORY_SIZE:
        x64_select_memory_size(s, value);
        return;
    case IR_MEMORY_BASE:
    case IR_MEMORY_BYTES:
    case IR_MEMORY_AT:
        x64_select_memory(s, value);
        return;
    case IR_FENCE:
        x64_put(s, X64_FENCE, (struct x64_shape){0}, 0);
        return;
    default:
        select_row(s, value);
        return;
    }
}

static void reverse(struct mach_ins *ins, u32 first, u32 end)
{
    while (first + 1 < end) {
        struct mach_ins swap = ins[first];
        ins[first++] = ins[--end];
        ins[end] = swap;
    }
}

// ---- blocks

// Edges in the order of their origins' successors, and for each block the list of those that end
// there. `position` receives for each edge the number of its origin among the predecessors.
static enum err select_edges(struct selector *s, u32 *position)
{
    const struct ir *ir = s->ir;
    struct mach *mach = s->mach;
    u32 edge = 0;
    for (u32 b = 0; b < ir->block_count; b++) {
        const struct ir_block *from = &ir->blocks[b];
        mach->blocks[b].succs = list_new(s, from->succ_count);
        mach->blocks[b].succ_count = from->succ_count;
        mach->blocks[b].preds = list_new(s, from->pred_count);
        mach->blocks[b].pred_count = from->pred_count;
        TRY(s->err);
        for (u32 i = 0; i < from->succ_count; i++, edge++) {
            mach->lists[mach->blocks[b].succs + i] = edge;
            mach->edges[edge] = (struct mach_edge){.from = b, .to = ir->lists[from->succs + i]};
        }
    }
    for (u32 b = 0; b < ir->block_count; b++) {
        const struct ir_block *to = &ir->blocks[b];
        for (u32 i = 0; i < to->pred_count; i++) {
            const struct mach_block *from = &mach->blocks[ir->lists[to->preds + i]];
            if (from->succ_count == 1) { // else this block has no other predecessor
                u32 e = mach->lists[from->succs];
                ASSERT(mach->edges[e].to == b);
                mach->lists[mach->blocks[b].preds + i] = e;
                position[e] = i;
            }
        }
    }
    for (u32 e = 0; e < edge; e++) {
        const struct mach_edge *it = &mach->edges[e];
        if (mach->blocks[it->from].succ_count > 1) {
            ASSERT(mach->blocks[it->to].pred_count == 1);
            mach->lists[mach->blocks[it->to].preds] = e;
            position[e] = 0;
        }
    }
    return ERR_OK;
}

// The values that the phis of a block's successors get from it.
static void select_edge_args(struct selector *s, u32 block, const u32 *position)
{
    const struct ir *ir = s->ir;
    struct mach *mach = s->mach;
    for (u32 i = 0; i < mach->blocks[block].succ_count && s->err == ERR_OK; i++) {
        u32 e = mach->lists[mach->blocks[block].succs + i];
        const struct ir_block *to = &ir->blocks[mach->edges[e].to];
        u32 count = 0;
        while (to->first + count < to->end && ir->ins[to->first + count].op == IR_PHI) {
            count++;
        }
        u32 args = list_new(s, count);
        mach->edges[e].args = args;
        for (u32 k = 0; k < count && s->err == ERR_OK; k++) {
            u32 vreg = x64_use(s, ir->lists[ir->ins[to->first + k].a + position[e]]);
            if (s->err == ERR_OK) {
                mach->lists[args + k] = vreg;
            }
            jit_pace(mach->pace, SELECT_UNITS / 2);
        }
    }
}

static void select_block_params(struct selector *s, u32 block)
{
    const struct ir_block *from = &s->ir->blocks[block];
    u32 count = 0;
    while (from->first + count < from->end && s->ir->ins[from->first + count].op == IR_PHI) {
        count++;
    }
    u32 list = list_new(s, count);
    for (u32 i = 0; i < count && s->err == ERR_OK; i++) {
        s->mach->lists[list + i] = x64_def(s, from->first + i);
        jit_pace(s->mach->pace, SELECT_UNITS / 2);
    }
    s->mach->blocks[block].params = list;
    s->mach->blocks[block].param_count = count;
}

static bool is_wanted(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return !s->is_covered[value] && (s->vregs[value] != MACH_NONE || ir_has_effect(ins));
}

// The instructions of a block, the last first. What is put for one stands in its order in time only
// once `reverse` has turned everything.
static void select_block(struct selector *s, u32 block, const u32 *position)
{
    const struct ir_block *from = &s->ir->blocks[block];
    ASSERT(from->first < from->end);
    s->block_first = from->first;
    for (u32 value = from->end; value-- > from->first && s->err == ERR_OK;) {
        u32 start = s->mach->ins_count;
        s->root = value;
        s->root_epoch = s->epochs[value];
        if (value == from->end - 1) {
            // What edges need is computed before the exit looks at flags.
            select_edge_args(s, block, position);
            x64_select_exit(s, block);
        } else if (is_wanted(s, value)) {
            select_ins(s, value);
        }
        reverse(s->mach->ins, start, s->mach->ins_count);
        jit_pace(s->mach->pace, SELECT_UNITS);
    }
    if (block == 0) {
        u32 start = s->mach->ins_count;
        s->root = from->first;
        x64_select_params(s);
        reverse(s->mach->ins, start, s->mach->ins_count);
    }
    select_block_params(s, block);
}

// ---- the function

static void count_epochs(struct selector *s)
{
    u32 epoch = 0;
    for (u32 b = 0; b < s->ir->block_count; b++) {
        epoch++;
        for (u32 i = s->ir->blocks[b].first; i < s->ir->blocks[b].end; i++) {
            s->epochs[i] = epoch;
            epoch += is_effect(&s->ir->ins[i]);
        }
    }
}

static void finish_order(struct selector *s)
{
    struct mach *mach = s->mach;
    reverse(mach->ins, 0, mach->ins_count);
    for (u32 b = 0; b < mach->block_count; b++) {
        u32 first = mach->ins_count - mach->blocks[b].end;
        mach->blocks[b].end = mach->ins_count - mach->blocks[b].first;
        mach->blocks[b].first = first;
    }
    for (u32 i = 0; i < mach->ins_count; i++) {
        const struct mach_ins *ins = &mach->ins[i];
        for (u32 k = 0; k < ins->operand_count; k++) {
            const struct mach_operand *operand = &mach->operands[ins->operands + k];
            if (operand->role == MACH_DEF || operand->role == MACH_DEF_EARLY) {
                ASSERT(mach->vregs[operand->vreg].def == MACH_NONE);
                mach->vregs[operand->vreg].def = i;
            }
        }
    }
}

// All of the selector's own and the tables of the machine's function whose sizes are known.
static enum err select_begin(struct selector *s, u32 **position)
{
    const struct ir *ir = s->ir;
    struct mach *mach = s->mach;
    enum { SPARE = 32 };
    u32 edge_count = 0;
    for (u32 b = 0; b < ir->block_count; b++) {
        edge_count += ir->blocks[b].succ_count;
    }
    s->vregs = ARENA_ARRAY(mach->arena, u32, ir->ins_count);
    s->epochs = ARENA_ARRAY(mach->arena, u32, ir->ins_count);
    s->results = ARENA_ARRAY(mach->arena, u32, ir->ins_count);
    s->is_covered = ARENA_ARRAY(mach->arena, bool, ir->ins_count);
    *position = ARENA_ARRAY(mach->arena, u32, edge_count);
    mach->blocks = ARENA_ARRAY(mach->arena, struct mach_block, ir->block_count);
    mach->ins_capacity = ir->ins_count + SPARE; // they are as many, most often
    mach->ins = ARENA_ARRAY(mach->arena, struct mach_ins, mach->ins_capacity);
    mach->operand_capacity = 2 * mach->ins_capacity;
    mach->operands = ARENA_ARRAY(mach->arena, struct mach_operand, mach->operand_capacity);
    mach->vreg_capacity = mach->ins_capacity;
    mach->vregs = ARENA_ARRAY(mach->arena, struct mach_vreg, mach->vreg_capacity);
    mach->edges = ARENA_ARRAY(mach->arena, struct mach_edge, edge_count);
    if (s->vregs == NULL || s->epochs == NULL || s->results == NULL || s->is_covered == NULL ||
        *position == NULL || mach->blocks == NULL || mach->edges == NULL || mach->ins == NULL ||
        mach->operands == NULL || mach->vregs == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_fill(s->vregs, 0xff, ir->ins_count * sizeof *s->vregs);
    mem_fill(s->results, 0xff, ir->ins_count * sizeof *s->results);
    (void)list_new(s, 1); // so that there always are lists
    mach->block_count = ir->block_count;
    mach->edge_count = edge_count;
    mach->edge_capacity = edge_count;
    return s->err;
}

enum err x64_select(const struct ir *ir, const struct jit_options *options, struct mach *out)
{
    struct selector s = {.ir = ir, .options = options, .mach = out};
    u32 *position;
    *out = (struct mach){.arena = ir->arena, .pace = ir->pace, .registers = &x64_registers};
    TRY(select_begin(&s, &position));
    TRY(select_edges(&s, position));
    count_epochs(&s);
    jit_pace(out->pace, ir->ins_count);
    for (u32 b = ir->block_count; b-- > 0;) {
        struct mach_block *block = &out->blocks[b];
        block->first = out->ins_count;
        select_block(&s, b, position);
        TRY(s.err);
        block->end = out->ins_count;
        block->loop_end = ir->blocks[b].loop_end;
        block->loop_depth = ir->blocks[b].loop_depth;
        block->is_cold = ir->blocks[b].is_cold;
    }
    jit_pace(out->pace, out->ins_count);
    finish_order(&s);
    jit_pace(out->pace, out->ins_count + out->operand_count);
    return ERR_OK;
}
