// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/emit.c: the bytes of a function, from machine instructions whose operands have
// their places.
//
// The frame, from the stack pointer upwards: arguments of calls, spill slots, pushed registers, the
// return address. A stack that is exhausted shows at the write of a return address, a push or a
// slot in the guard below it: a frame is smaller than the guard, so that none is jumped over. With
// JIT_BOUNDS_CHECK there is no guard: the stack pointer is compared before a slot is written, and
// what the slack below the end is for has pushed registers and a return address at most till then.
#include "core/jit/x86_64/emit.h"

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/layout.h"
#include "core/jit/limits.h"
#include "core/jit/pace.h"

// Blocks that are copied instead of jumped to: how large, where they end in a branch, how many one
// behind the other, and how many instructions in all for each of the function.
enum { COPY_INS = 12, COPY_INS_BRANCH = 4, COPY_DEPTH = 2, COPY_SHARE = 2 };
enum { EMIT_UNITS = 32 }; // of time: an instruction or move

static void fail(struct emitter *e, enum err err)
{
    if (e->err == ERR_OK) {
        e->err = err;
    }
}

// `items` with room for one more; it doubles. NULL after a failure.
static void *grow(struct emitter *e, void *items, u32 count, u32 *capacity, u32 item_bytes)
{
    enum { FIRST = 64 };
    if (LIKELY(count < *capacity)) {
        return items;
    }
    u32 more = *capacity == 0 ? FIRST : *capacity * 2;
    void *place = more <= JIT_MACH_ITEMS ? arena_alloc(e->scratch, more, item_bytes, 8) : NULL;
    if (place == NULL) {
        fail(e, more <= JIT_MACH_ITEMS ? ERR_NO_MEMORY : ERR_LIMIT);
        return NULL;
    }
    mem_copy(place, items, (size_t)count * item_bytes);
    *capacity = more;
    return place;
}

void x64_site(struct emitter *e, const struct mach_ins *ins, enum trap trap)
{
    struct emit_site *sites = grow(e, e->sites, e->site_count, &e->site_capacity, sizeof *sites);
    if (sites == NULL) {
        return;
    }
    e->sites = sites;
    sites[e->site_count++] =
        (struct emit_site){.mark = asm_mark(&e->as), .origin = ins->origin, .trap = (u8)trap};
}

void x64_landing(struct emitter *e, const struct mach_ins *ins)
{
    enum { BYTES = 3 };
    if ((ins->flags & MACH_IS_LANDING) != 0 && e->err == ERR_OK) {
        e->sites[e->site_count - 1].landing = BYTES;
        asm_rr(&e->as, X64_XOR, false, X64_LANDING, X64_LANDING);
    }
}

u32 x64_cold(struct emitter *e, const struct mach_ins *ins, enum trap trap, u32 *resume)
{
    struct cold *colds = grow(e, e->colds, e->cold_count, &e->cold_capacity, sizeof *colds);
    if (colds == NULL) {
        return 0;
    }
    u32 label = asm_label(&e->as);
    u32 back = resume == NULL ? ASM_NO_LABEL : asm_label(&e->as);
    e->colds = colds;
    colds[e->cold_count++] =
        (struct cold){.ins = ins, .label = label, .resume = back, .trap = (u8)trap};
    if (resume != NULL) {
        *resume = back;
    }
    return label;
}

static void note_call(struct emitter *e, u32 mark, u32 function)
{
    struct emit_call *calls = grow(e, e->calls, e->call_count, &e->call_capacity, sizeof *calls);
    if (calls == NULL) {
        return;
    }
    e->calls = calls;
    calls[e->call_count++] = (struct emit_call){.mark = mark, .function = function};
}

// A call of what is never compiled is a jump with the return address pushed: the worker returns to
// C code in between, whose returns pair with its calls only if nothing is left of this one.
static u32 put_call_away(struct assembler *as)
{
    u32 behind = asm_label(as);
    asm_rm(as, X64_LEA, true, X64_ELEMENT,
           (struct asm_mem){.base = ASM_BASE_LABEL, .index = X64_NONE, .disp = (i32)behind});
    asm_r(as, X64_PUSH, true, X64_ELEMENT);
    u32 mark = asm_tail(as);
    asm_bind(as, behind);
    return mark;
}

void x64_call(struct emitter *e, const struct mach_ins *ins, u32 function)
{
    bool is_away = ir_callee_way(function, e->ir->module->function_import_count) == JIT_WAY_JUMP;
    note_call(e, is_away ? put_call_away(&e->as) : asm_call(&e->as), function);
    x64_site(e, ins, TRAP_NONE);
}

void x64_tail(struct emitter *e, u32 function)
{
    note_call(e, asm_tail(&e->as), function);
}

void x64_branch_block(struct emitter *e, enum x64_condition condition, u32 block)
{
    asm_branch(&e->as, condition, e->labels[e->targets[block]]);
}

// ---- operands

static struct asm_mem slot_mem(const struct emitter *e, mach_place place)
{
    return asm_at(X64_RSP, (i32)(e->mach->stack_bytes + 8u * (u32)(place - MACH_SLOT)));
}

struct asm_ins x64_place_rm(const struct emitter *e, mach_place place)
{
    ASSERT(place != MACH_PLACE_NONE);
    if (place >= MACH_SLOT) {
        return (struct asm_ins){.is_mem = true, .mem = slot_mem(e, place)};
    }
    return (struct asm_ins){.rm = (u8)place};
}

static u8 reg_of(const struct mach_operand *operand)
{
    ASSERT(operand->place < MACH_REGISTERS);
    return (u8)operand->place;
}

static u64 vector_half(const struct emitter *e, u32 words, u32 half)
{
    const u32 *word = &e->mach->lists[words + 2 * half];
    return word[0] | (u64)word[1] << 32;
}

static struct asm_mem vector_mem(struct emitter *e, u32 words)
{
    return asm_constant(&e->as, vector_half(e, words, 0), vector_half(e, words, 1), 16);
}

static struct asm_mem constant_mem(struct emitter *e, const struct mach_ins *ins, u8 rm)
{
    if (rm == X64_RM_VECTOR) {
        return vector_mem(e, (u32)ins->bits);
    }
    u8 size = x64_ops[ins->op].size;
    u32 bytes = size == X64_SIZE_X ? 16 : size == X64_SIZE_S || size == X64_SIZE_GXS ? 4 : 8;
    return asm_constant(&e->as, bytes == 4 ? (u32)ins->bits : ins->bits, 0, bytes);
}

// Fills in r/m from the operands at *at, which it passes.
static void decode_rm(struct emitter *e, const struct mach_ins *ins, struct x64_shape shape,
                      const struct mach_operand *operands, u32 *at, struct asm_ins *out)
{
    if (shape.rm == X64_RM_REGISTER) {
        struct asm_ins rm = x64_place_rm(e, operands[(*at)++].place);
        out->is_mem = rm.is_mem;
        out->mem = rm.mem;
        out->rm = rm.rm;
        return;
    }
    struct asm_mem mem = {.base = X64_NONE, .index = X64_NONE, .disp = (i32)(u32)ins->bits};
    mem.scale = shape.scale;
    if (shape.has_base) {
        mem.base = reg_of(&operands[(*at)++]);
    }
    if (shape.has_index) {
        mem.index = reg_of(&operands[(*at)++]);
    }
    switch ((enum x64_rm)shape.rm) {
    case X64_RM_MEMORY:
        mem.base = X64_MEMORY;
        break;
    case X64_RM_SEGMENT:
        mem.is_segment = true;
        break;
    case X64_RM_INSTANCE:
        mem.base = X64_INSTANCE;
        break;
    case X64_RM_STACK:
        mem.base = X64_RSP;
        break;
    case X64_RM_INCOMING:
        mem.base = X64_RSP;
        mem.disp += (i32)(e->frame_bytes + 8);
        break;
    case X64_RM_CONSTANT:
    case X64_RM_VECTOR:
        mem = constant_mem(e, ins, shape.rm);
        break;
    default:
        break;
    }
    // An index without a base would cost four bytes of displacement.
    if (mem.base == X64_NONE && mem.index != X64_NONE && mem.scale == 0) {
        mem.base = mem.index;
        mem.index = X64_NONE;
    }
    out->is_mem = true;
    out->mem = mem;
}

static bool form_has_reg(u8 form)
{
    return form == X64_FORM_RM || form == X64_FORM_MR || form == X64_FORM_RMI ||
           form == X64_FORM_RVM || form == X64_FORM_RVMI || form == X64_FORM_RMV ||
           form == X64_FORM_MRI || form == X64_FORM_RVMR;
}

// The first source of an instruction with one source: something that is there already, so that the
// CPU waits for nothing.
static u8 unary_source(const struct emitter *e, const struct asm_ins *ins, u8 size)
{
    if (!e->as.has_avx) {
        return ins->reg;
    }
    return ins->is_mem || size == X64_SIZE_XG ? X64_SCRATCH : ins->rm;
}

static struct asm_ins decode(struct emitter *e, const struct mach_ins *ins)
{
    const struct mach_operand *operands = &e->mach->operands[ins->operands];
    const struct x64_op_facts *facts = &x64_ops[ins->op];
    struct x64_shape shape = x64_shape(ins);
    struct asm_ins out = {.op = ins->op,
                          .is_wide = shape.is_wide,
                          .condition = shape.condition,
                          .imm = (u64)(i64)(i32)(ins->bits >> 32)};
    u32 at = 0;
    bool is_tied = ins->operand_count > 1 && operands[0].constraint == MACH_SAME;
    if (facts->form == X64_FORM_O) {
        out.reg = reg_of(&operands[0]);
        return out;
    }
    if (facts->form == X64_FORM_VM || facts->form == X64_FORM_VMI) {
        out.vvvv = reg_of(&operands[at++]);
    } else if (form_has_reg(facts->form)) {
        out.reg = reg_of(&operands[at++]);
        bool has_vvvv = (facts->form == X64_FORM_RVM || facts->form == X64_FORM_RVMI ||
                         facts->form == X64_FORM_RVMR) &&
                        !shape.is_unary;
        if (is_tied || has_vvvv) {
            out.vvvv = reg_of(&operands[at++]);
        }
    }
    decode_rm(e, ins, shape, operands, &at, &out);
    if (shape.is_unary) {
        out.vvvv = unary_source(e, &out, facts->size);
    }
    if (facts->form == X64_FORM_RMV) {
        out.vvvv = reg_of(&operands[at]);
    } else if (facts->form == X64_FORM_RVMR) {
        out.imm = reg_of(&operands[at]) & 15;
    }
    return out;
}

// ---- moves

static bool uses_flags(u16 op)
{
    return op == X64_BRANCH || op == X64_BRANCH_EQUAL || op == X64_TRAP_IF || op == X64_SETCC ||
           op == X64_CMOVCC || op == X64_EQUAL_FLOAT || op == X64_SELECT_FLOAT ||
           op == X64_SELECT_EQUAL;
}

static void put_constant_vector(struct emitter *e, u32 words, mach_place to)
{
    u64 low = vector_half(e, words, 0);
    u64 high = vector_half(e, words, 1);
    if (to >= MACH_SLOT) {
        for (u32 i = 0; i < 4; i++) {
            struct asm_mem mem = slot_mem(e, to);
            mem.disp += (i32)(4 * i);
            asm_mi(&e->as, X64_MOV_I, false, mem, e->mach->lists[words + i]);
        }
    } else if (low == 0 && high == 0) {
        asm_vrr(&e->as, X64_PXOR, false, (u8)to, (u8)to, (u8)to);
    } else if (low == UINT64_MAX && high == UINT64_MAX) {
        asm_vrr(&e->as, X64_PCMPEQD, false, (u8)to, (u8)to, (u8)to);
    } else {
        asm_rm(&e->as, X64_MOVUPS, false, (u8)to, vector_mem(e, words));
    }
}

static void put_constant(struct emitter *e, const struct mach_ins *ins, mach_place to,
                         bool keeps_flags)
{
    bool is_wide = x64_shape(ins).is_wide;
    u64 bits = ins->bits;
    if (ins->op == X64_CONSTANT_VECTOR) {
        put_constant_vector(e, (u32)bits, to);
    } else if (to >= MACH_SLOT) {
        struct asm_mem mem = slot_mem(e, to);
        bool fits = (i64)bits == (i32)bits;
        asm_mi(&e->as, X64_MOV_I, is_wide && fits, mem, (u64)(i64)(i32)bits);
        if (is_wide && !fits) {
            mem.disp += 4;
            asm_mi(&e->as, X64_MOV_I, false, mem, bits >> 32);
        }
    } else if (ins->op == X64_CONSTANT_FLOAT) {
        if (bits == 0) {
            asm_vrr(&e->as, X64_XORPS, false, (u8)to, (u8)to, (u8)to);
        } else {
            asm_rm(&e->as, is_wide ? X64_MOVSD : X64_MOVSS, false, (u8)to,
                   asm_constant(&e->as, bits, 0, is_wide ? 8 : 4));
        }
    } else if (bits == 0 && !keeps_flags) {
        asm_rr(&e->as, X64_XOR, false, (u8)to, (u8)to);
    } else {
        asm_mov_imm(&e->as, (u8)to, bits);
    }
}

// A register to or from a slot.
static void put_spill(struct emitter *e, u8 reg, mach_place slot, u8 bytes, bool is_store)
{
    struct asm_mem mem = slot_mem(e, slot);
    enum x64_op op;
    if (reg < X64_XMM0) {
        op = is_store ? X64_MOV_MR : X64_MOV;
    } else if (bytes == 16) {
        op = is_store ? X64_MOVUPS_MR : X64_MOVUPS;
    } else if (bytes == 8) {
        op = is_store ? X64_MOVSD_MR : X64_MOVSD;
    } else {
        op = is_store ? X64_MOVSS_MR : X64_MOVSS;
    }
    asm_rm(&e->as, op, bytes >= 8, reg, mem);
}

static void put_move(struct emitter *e, const struct mach_move *move, bool keeps_flags)
{
    const struct mach_vreg *vreg = move->vreg == MACH_NONE ? NULL : &e->mach->vregs[move->vreg];
    u8 bytes = vreg == NULL ? 8 : vreg->bytes;
    e->flags_reg = X64_NONE;
    if (move->from == MACH_PLACE_NONE) {
        ASSERT(vreg != NULL && vreg->is_remat);
        put_constant(e, &e->mach->ins[vreg->def], move->to, keeps_flags);
    } else if (move->from >= MACH_SLOT) {
        put_spill(e, (u8)move->to, move->from, bytes, false);
    } else if (move->to >= MACH_SLOT) {
        put_spill(e, (u8)move->from, move->to, bytes, true);
    } else {
        asm_mov(&e->as, bytes == 8, (u8)move->to, (u8)move->from);
    }
}

// ---- instructions

// The shortest way to a sum.
static void put_lea(struct emitter *e, struct asm_ins *ins)
{
    struct assembler *as = &e->as;
    struct asm_mem *mem = &ins->mem;
    bool wide = ins->is_wide;
    u8 to = ins->reg;
    ASSERT(mem->base != ASM_BASE_LABEL);
    if (mem->index == X64_NONE && mem->disp == 0) {
        if (!wide || to != mem->base) { // of 32 bits it clears what is above
            asm_rr(as, X64_MOV, wide, to, mem->base);
        }
    } else if (mem->index == X64_NONE && mem->base == to) {
        bool is_less = mem->disp == 128; // -128 is shorter
        if (mem->disp == 1 || mem->disp == -1) {
            asm_r(as, mem->disp == 1 ? X64_INC : X64_DEC, wide, to);
        } else {
            asm_ri(as, is_less ? X64_SUB_I : X64_ADD_I, wide, to,
                   (u64)(i64)(is_less ? -128 : mem->disp));
        }
        e->flags_reg = to;
        e->flags_wide = wide;
    } else if (mem->base != X64_NONE && mem->index != X64_NONE && mem->disp == 0 &&
               (mem->base == to || (mem->index == to && mem->scale == 0)) && mem->scale == 0) {
        asm_rr(as, X64_ADD, wide, to, mem->base == to ? mem->index : mem->base);
        e->flags_reg = to;
        e->flags_wide = wide;
    } else if (mem->base == X64_NONE && mem->index == to && mem->disp == 0) {
        asm_ri(as, X64_SHL_I, wide, to, mem->scale);
    } else {
        if (mem->base == X64_NONE && mem->scale == 1) {
            mem->base = mem->index;
            mem->scale = 0;
        }
        asm_put(as, ins);
    }
}

static bool sets_flags(u16 op)
{
    switch (op) {
    case X64_ADD:
    case X64_SUB:
    case X64_AND:
    case X64_OR:
    case X64_XOR:
    case X64_ADD_I:
    case X64_SUB_I:
    case X64_AND_I:
    case X64_OR_I:
    case X64_XOR_I:
    case X64_NEG:
        return true;
    default:
        return false;
    }
}

// Whether the instruction before has left the flags of "compare this register with 0", as far as
// the next instruction wants to know.
static bool flags_known(const struct emitter *e, const struct mach_ins *ins,
                        const struct asm_ins *test)
{
    const struct mach_ins *next = ins + 1;
    if (test->is_mem || test->reg != test->rm || test->rm != e->flags_reg ||
        test->is_wide != e->flags_wide || !uses_flags(next->op)) {
        return false;
    }
    u8 condition = x64_shape(next).condition;
    return (condition & ~1) == X64_E || (condition & ~1) == X64_S;
}

static void put_encoded(struct emitter *e, const struct mach_ins *ins)
{
    struct asm_ins out = decode(e, ins);
    struct x64_shape shape = x64_shape(ins);
    if (ins->op == X64_TEST && flags_known(e, ins, &out)) {
        return;
    }
    e->flags_reg = X64_NONE;
    if (ins->op == X64_LEA) {
        put_lea(e, &out);
        return;
    }
    if (shape.is_unary && !e->as.has_avx && x64_ops[ins->op].size == X64_SIZE_XG) {
        asm_vrr(&e->as, X64_XORPS, false, out.reg, out.reg, out.reg); // waits for nothing
    }
    if (shape.trap != TRAP_NONE) {
        x64_site(e, ins, (enum trap)shape.trap);
    }
    asm_put(&e->as, &out);
    if (sets_flags(ins->op) && (!out.is_mem || x64_ops[ins->op].form == X64_FORM_RM)) {
        e->flags_reg = x64_ops[ins->op].form == X64_FORM_RM ? out.reg : out.rm;
        e->flags_wide = out.is_wide;
    }
}

static void put_ins(struct emitter *e, const struct mach_ins *ins)
{
    const struct mach_operand *operands = &e->mach->operands[ins->operands];
    switch (ins->op) {
    case X64_PARAMS:
        return;
    case X64_CONSTANT:
    case X64_CONSTANT_FLOAT:
    case X64_CONSTANT_VECTOR:
        if (operands[0].place != MACH_PLACE_NONE) {
            e->flags_reg = X64_NONE;
            put_constant(e, ins, operands[0].place, uses_flags((ins + 1)->op));
        }
        return;
    case X64_ZERO:
        e->flags_reg = X64_NONE;
        asm_rr(&e->as, X64_XOR, false, reg_of(&operands[0]), reg_of(&operands[0]));
        return;
    case X64_COPY:
    case X64_COPY_FLOAT:
        asm_mov(&e->as, x64_shape(ins).is_wide, reg_of(&operands[0]), reg_of(&operands[1]));
        return;
    default:
        break;
    }
    if (x64_ops[ins->op].text != NULL) {
        put_encoded(e, ins);
        return;
    }
    e->flags_reg = X64_NONE;
    bool is_known = x64_special(e, ins);
    ASSERT(is_known);
}

// ---- the frame

static void put_prologue(struct emitter *e)
{
    for (u8 reg = 0; reg < X64_XMM0; reg++) {
        if (e->mach->preserved_used >> reg & 1) {
            asm_r(&e->as, X64_PUSH, false, reg);
        }
    }
    u32 rest = e->frame_bytes - 8 * e->pushed_count;
    if (rest != 0) {
        asm_ri(&e->as, X64_SUB_I, true, X64_RSP, rest);
    }
}

static void put_stack_check(struct emitter *e)
{
    static const struct mach_ins start; // origin 0: the caller is who is told of (backtrace.c)
    bool is_leaf = !e->has_call && e->frame_bytes <= JIT_LEAF_BYTES;
    if (e->options->bounds != JIT_BOUNDS_CHECK || is_leaf) {
        return;
    }
    asm_rm(&e->as, X64_CMP, true, X64_RSP, asm_at(X64_INSTANCE, JIT_INSTANCE_STACK_END));
    asm_branch(&e->as, X64_B, x64_cold(e, &start, TRAP_STACK_EXHAUSTED, NULL));
}

void x64_epilogue(struct emitter *e)
{
    u32 rest = e->frame_bytes - 8 * e->pushed_count;
    if (rest != 0) {
        asm_ri(&e->as, X64_ADD_I, true, X64_RSP, rest);
    }
    for (u8 reg = X64_XMM0; reg-- > 0;) {
        if (e->mach->preserved_used >> reg & 1) {
            asm_r(&e->as, X64_POP, false, reg);
        }
    }
}

// The frame is a multiple of 16 less the return address where there are calls.
static enum err plan_frame(struct emitter *e)
{
    const struct mach *mach = e->mach;
    ASSERT((mach->preserved_used & ~x64_registers.preserved) == 0);
    e->pushed_count = (u32)__builtin_popcountll(mach->preserved_used);
    u64 bytes = (u64)mach->stack_bytes + 8ull * mach->slot_count + 8ull * e->pushed_count;
    for (u32 i = 0; i < mach->ins_count && !e->has_call; i++) {
        e->has_call = (mach->ins[i].flags & MACH_IS_CALL) != 0;
    }
    if (e->has_call && bytes % 16 != 8) {
        bytes += 8;
    }
    if (bytes > JIT_FRAME_BYTES) {
        return ERR_LIMIT;
    }
    e->frame_bytes = (u32)bytes;
    return ERR_OK;
}

// ---- blocks

// Blocks that only jump on are passed: `targets` names where a jump to them ends.
static void plan_targets(struct emitter *e)
{
    const struct mach *mach = e->mach;
    u32 move = mach->move_count;
    for (u32 b = mach->block_count; b-- > 0;) {
        const struct mach_block *block = &mach->blocks[b];
        bool has_moves = move > 0 && mach->moves[move - 1].before >= block->first;
        while (move > 0 && mach->moves[move - 1].before >= block->first) {
            move--;
        }
        e->targets[b] = b;
        if (b != 0 && block->end == block->first + 1 && !has_moves &&
            mach->ins[block->first].op == X64_JUMP) {
            u32 to = mach->edges[mach->lists[block->succs]].to;
            e->targets[b] = to > b ? e->targets[to] : to;
        }
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        e->targets[b] = e->targets[e->targets[b]];
    }
}

// Blocks that run next to never stand behind the others.
static void plan_order(struct emitter *e)
{
    for (u32 is_cold = 0; is_cold < 2; is_cold++) {
        for (u32 b = 0; b < e->mach->block_count; b++) {
            bool is_passed = e->targets[b] != b;
            if (!is_passed && (b != 0 && e->mach->blocks[b].is_cold) == is_cold) {
                e->order[e->order_count++] = b;
            }
        }
    }
}

// The first move of each block: those of a block are neighbours, but blocks are not written in
// order.
static u32 first_move(const struct mach *mach, u32 ins)
{
    u32 low = 0;
    u32 high = mach->move_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (mach->moves[middle].before < ins) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void put_moves(struct emitter *e, u32 ins, u32 *move)
{
    const struct mach *mach = e->mach;
    for (; *move < mach->move_count && mach->moves[*move].before == ins; (*move)++) {
        put_move(e, &mach->moves[*move], uses_flags(mach->ins[ins].op));
        jit_pace(mach->pace, EMIT_UNITS);
    }
}

// The block that this one jumps to, when a copy of it here is better than a jump there: small, and
// often reached. MACH_NONE: none. A way through an interpreter's loop then has one jump, not three,
// and the CPU sees at each end of an instruction of its own where it goes on.
static u32 copied_block(const struct emitter *e, u32 block)
{
    const struct mach *mach = e->mach;
    const struct mach_block *from = &mach->blocks[block];
    if (mach->ins[from->end - 1].op != X64_JUMP || from->loop_depth == 0 || from->is_cold) {
        return MACH_NONE;
    }
    u32 to = e->targets[mach->edges[mach->lists[from->succs]].to];
    const struct mach_block *it = &mach->blocks[to];
    u16 exit = mach->ins[it->end - 1].op;
    u32 count = it->end - it->first;
    bool is_small = count <= COPY_INS && count <= e->copies_left &&
                    (exit == X64_JUMP || exit == X64_SWITCH || count <= COPY_INS_BRANCH);
    return to != e->next && is_small && !it->is_cold && it->loop_depth != 0 ? to : MACH_NONE;
}

// The instructions of a block, its end excluded, which is returned.
static u32 put_body(struct emitter *e, u32 block)
{
    const struct mach *mach = e->mach;
    const struct mach_block *it = &mach->blocks[block];
    u32 move = first_move(mach, it->first);
    e->block = block;
    e->flags_reg = X64_NONE;
    for (u32 i = it->first; i + 1 < it->end && e->err == ERR_OK; i++) {
        put_moves(e, i, &move);
        put_ins(e, &mach->ins[i]);
        jit_pace(mach->pace, EMIT_UNITS);
    }
    put_moves(e, it->end - 1, &move);
    return it->end - 1;
}

static void put_block(struct emitter *e, u32 block)
{
    const struct mach_block *it = &e->mach->blocks[block];
    if (it->loop_end != 0 && !it->is_cold) {
        asm_align(&e->as, X64_LOOP_ALIGN_LOG2);
    }
    asm_bind(&e->as, e->labels[block]);
    u32 end = put_body(e, block);
    for (u32 i = 0; i < COPY_DEPTH && e->err == ERR_OK; i++) {
        u32 copy = copied_block(e, e->block);
        if (copy == MACH_NONE) {
            break;
        }
        e->copies_left -= e->mach->blocks[copy].end - e->mach->blocks[copy].first;
        end = put_body(e, copy);
    }
    put_ins(e, &e->mach->ins[end]);
    jit_pace(e->mach->pace, EMIT_UNITS);
}

static void put_blocks(struct emitter *e)
{
    for (u32 i = 0; i < e->order_count && e->err == ERR_OK; i++) {
        e->next = i + 1 < e->order_count ? e->order[i + 1] : MACH_NONE;
        put_block(e, e->order[i]);
    }
}

static void put_colds(struct emitter *e)
{
    for (u32 i = 0; i < e->cold_count && e->err == ERR_OK; i++) {
        struct cold cold = e->colds[i]; // more may be added
        asm_bind(&e->as, cold.label);
        if (cold.trap != TRAP_NONE) {
            x64_site(e, cold.ins, (enum trap)cold.trap);
            asm_none(&e->as, X64_UD2, false);
        } else {
            x64_special_cold(e, &cold);
        }
        jit_pace(e->mach->pace, EMIT_UNITS);
    }
}

u32 x64_table(struct emitter *e)
{
    if (e->table_labels[e->block] != 0) {
        return e->table_labels[e->block] - 1; // a copy of the block
    }
    struct emit_table *tables =
        grow(e, e->tables, e->table_count, &e->table_capacity, sizeof *tables);
    if (tables == NULL) {
        return 0;
    }
    const struct mach_ins *exit = &e->mach->ins[e->mach->blocks[e->block].end - 1];
    ASSERT(exit->op == X64_SWITCH);
    u32 label = asm_label(&e->as);
    e->table_labels[e->block] = label + 1;
    e->tables = tables;
    tables[e->table_count++] =
        (struct emit_table){.label = label, .block = e->block, .list = (u32)exit->bits};
    return label;
}

static void put_tables(struct emitter *e)
{
    for (u32 i = 0; i < e->table_count; i++) {
        const struct emit_table *table = &e->tables[i];
        const struct mach_block *block = &e->mach->blocks[table->block];
        asm_align(&e->as, 2);
        asm_bind(&e->as, table->label);
        for (u32 k = 0; k < e->ir->lists[table->list]; k++) {
            u32 edge = e->mach->lists[block->succs + e->ir->lists[table->list + 1 + k]];
            asm_distance(&e->as, table->label, e->labels[e->targets[e->mach->edges[edge].to]]);
            jit_pace(e->mach->pace, EMIT_UNITS / 4);
        }
    }
}

// ---- the function

static enum err emit_begin(struct emitter *e)
{
    u32 count = e->mach->block_count;
    e->labels = ARENA_ARRAY(e->scratch, u32, count);
    e->targets = ARENA_ARRAY(e->scratch, u32, count);
    e->order = ARENA_ARRAY(e->scratch, u32, count);
    e->table_labels = ARENA_ARRAY(e->scratch, u32, count);
    if (e->table_labels == NULL || e->labels == NULL || e->targets == NULL || e->order == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(plan_frame(e));
    plan_targets(e);
    plan_order(e);
    for (u32 b = 0; b < count; b++) {
        if (e->targets[b] == b) {
            e->labels[b] = asm_label(&e->as);
        }
    }
    return e->as.err;
}

static enum err copy_out(struct emitter *e, struct arena *arena, struct jit_function *out)
{
    out->sites = ARENA_ARRAY(arena, struct jit_site, e->site_count);
    out->calls = ARENA_ARRAY(arena, struct jit_call, e->call_count);
    if (out->sites == NULL || out->calls == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < e->site_count; i++) {
        const struct emit_site *site = &e->sites[i];
        out->sites[i] = (struct jit_site){.code = asm_mark_offset(&e->as, site->mark),
                                          .origin = site->origin,
                                          .trap = site->trap,
                                          .landing = site->landing};
        // An instruction that may trap can stand where a call returns to.
        ASSERT(i == 0 || out->sites[i].code > out->sites[i - 1].code ||
               (out->sites[i].code == out->sites[i - 1].code && site->trap != TRAP_NONE &&
                out->sites[i - 1].trap == TRAP_NONE));
    }
    for (u32 i = 0; i < e->call_count; i++) {
        out->calls[i] = (struct jit_call){.code = asm_mark_offset(&e->as, e->calls[i].mark),
                                          .function = e->calls[i].function};
    }
    out->site_count = e->site_count;
    out->call_count = e->call_count;
    out->frame_bytes = e->frame_bytes;
    return ERR_OK;
}

enum err x64_emit(const struct mach *mach, const struct ir *ir, const struct jit_options *options,
                  struct arena *arena, struct jit_function *out)
{
    struct emitter e = {.mach = mach,
                        .ir = ir,
                        .options = options,
                        .scratch = mach->arena,
                        .flags_reg = X64_NONE,
                        .copies_left = mach->ins_count / COPY_SHARE + COPY_INS};
    *out = (struct jit_function){0};
    asm_init(&e.as, options->features, mach->arena);
    e.as.pace = mach->pace;
    jit_pace(mach->pace, mach->ins_count);
    TRY(emit_begin(&e));
    put_prologue(&e);
    u32 prologue = asm_mark(&e.as);
    put_stack_check(&e);
    put_blocks(&e);
    put_colds(&e);
    put_tables(&e);
    TRY(e.err);
    TRY(asm_finish(&e.as, arena, &out->code, &out->code_bytes));
    out->prologue_bytes = asm_mark_offset(&e.as, prologue);
    return copy_out(&e, arena, out);
}
