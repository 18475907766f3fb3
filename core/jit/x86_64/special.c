// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/special.c: instructions of selection that stand for several of the CPU's, and
// what they do in the rare case, which is written behind the function.
#include "core/jit/layout.h"
#include "core/jit/x86_64/emit.h"

static const struct mach_operand *operand(const struct emitter *e, const struct mach_ins *ins,
                                          u32 index)
{
    ASSERT(index < ins->operand_count);
    return &e->mach->operands[ins->operands + index];
}

static u8 reg(const struct emitter *e, const struct mach_ins *ins, u32 index)
{
    mach_place place = operand(e, ins, index)->place;
    ASSERT(place < MACH_REGISTERS);
    return (u8)place;
}

// op with an operand that may be in a slot as its r/m.
static void put_rm(struct emitter *e, enum x64_op op, bool wide, mach_place place, u64 imm)
{
    struct asm_ins out = x64_place_rm(e, place);
    out.op = (u16)op;
    out.is_wide = wide;
    out.imm = imm;
    asm_put(&e->as, &out);
}

static u32 successor(const struct emitter *e, u32 number)
{
    const struct mach_block *block = &e->mach->blocks[e->block];
    ASSERT(number < block->succ_count);
    return e->targets[e->mach->edges[e->mach->lists[block->succs + number]].to];
}

// ---- branches

static void put_branch(struct emitter *e, enum x64_condition condition)
{
    u32 yes = successor(e, 0);
    u32 no = successor(e, 1);
    bool stays = e->mach->blocks[no].loop_depth > e->mach->blocks[yes].loop_depth;
    if (yes == e->next || (no != e->next && stays)) { // the likelier way is one branch
        x64_branch_block(e, condition ^ 1, no);
        if (yes != e->next) {
            x64_branch_block(e, X64_ALWAYS, yes);
        }
        return;
    }
    x64_branch_block(e, condition, yes);
    if (no != e->next) {
        x64_branch_block(e, X64_ALWAYS, no);
    }
}

// Floats are equal when the zero flag is set and the parity flag is not.
static void put_branch_equal(struct emitter *e, enum x64_condition condition)
{
    u32 equal = successor(e, condition == X64_E ? 0 : 1);
    u32 other = successor(e, condition == X64_E ? 1 : 0);
    x64_branch_block(e, X64_P, other);
    if (equal == e->next) {
        x64_branch_block(e, X64_NE, other);
        return;
    }
    x64_branch_block(e, X64_E, equal);
    if (other != e->next) {
        x64_branch_block(e, X64_ALWAYS, other);
    }
}

static void put_switch_few(struct emitter *e, const struct mach_ins *ins)
{
    u32 count = e->ir->lists[ins->bits];
    const u32 *entries = &e->ir->lists[ins->bits + 1];
    u8 index = reg(e, ins, 0);
    for (u32 i = 0; i + 1 < count; i++) {
        if (i == 0) {
            asm_rr(&e->as, X64_TEST, false, index, index);
        } else {
            asm_ri(&e->as, X64_CMP_I, false, index, i);
        }
        x64_branch_block(e, X64_E, successor(e, entries[i]));
    }
    u32 last = successor(e, entries[count - 1]);
    if (last != e->next) {
        x64_branch_block(e, X64_ALWAYS, last);
    }
}

static void put_table(struct emitter *e, const struct mach_ins *ins)
{
    u32 label = x64_table(e);
    struct asm_mem mem = asm_at(ASM_BASE_LABEL, (i32)label);
    asm_rm(&e->as, X64_LEA, true, reg(e, ins, 0), mem);
}

// ---- calls

// Where a struct wasm_code has the address of code of the kind that is being made: the other kind
// would look for its memory elsewhere.
static i32 code_compiled(const struct emitter *e)
{
    return JIT_CODE_COMPILED + e->options->bounds * (i32)sizeof(const void *);
}

// The element's instance and type decide; a fault here is that of an element that is null.
static void put_call_element(struct emitter *e, const struct mach_ins *ins)
{
    u32 resume;
    u32 cold = x64_cold(e, ins, TRAP_NONE, &resume);
    x64_site(e, ins, TRAP_UNINITIALIZED_ELEMENT);
    asm_rm(&e->as, X64_CMP_MR, true, X64_INSTANCE, asm_at(X64_ELEMENT, JIT_FUNC_INSTANCE));
    asm_branch(&e->as, X64_NE, cold);
    asm_mi(&e->as, X64_CMP_I, false, asm_at(X64_ELEMENT, JIT_FUNC_CANONICAL), ins->bits);
    asm_branch(&e->as, X64_NE, cold);
    asm_rm(&e->as, X64_MOV, true, X64_ELEMENT, asm_at(X64_ELEMENT, JIT_FUNC_CODE));
    asm_m(&e->as, X64_CALL_M, true, asm_at(X64_ELEMENT, code_compiled(e)));
    x64_site(e, ins, TRAP_NONE);
    x64_landing(e, ins);
    asm_bind(&e->as, resume);
}

// What is certain about the callee is asked while the frame is there, so that a trap has its place.
static void put_tail_element(struct emitter *e, const struct mach_ins *ins)
{
    u32 cold = x64_cold(e, ins, TRAP_NONE, NULL);
    u32 wrong = x64_cold(e, ins, TRAP_INDIRECT_CALL_TYPE, NULL);
    x64_site(e, ins, TRAP_UNINITIALIZED_ELEMENT);
    asm_rm(&e->as, X64_CMP_MR, true, X64_INSTANCE, asm_at(X64_ELEMENT, JIT_FUNC_INSTANCE));
    asm_branch(&e->as, X64_NE, cold);
    asm_mi(&e->as, X64_CMP_I, false, asm_at(X64_ELEMENT, JIT_FUNC_CANONICAL), ins->bits);
    asm_branch(&e->as, X64_NE, wrong);
    asm_rm(&e->as, X64_MOV, true, X64_ELEMENT, asm_at(X64_ELEMENT, JIT_FUNC_CODE));
    x64_epilogue(e);
    asm_m(&e->as, X64_JMP_TAIL, true, asm_at(X64_ELEMENT, code_compiled(e)));
}

// ---- integers

static void put_divide(struct emitter *e, const struct mach_ins *ins, bool is_any)
{
    bool wide = x64_shape(ins).is_wide;
    mach_place by = operand(e, ins, 3)->place;
    u32 resume = 0;
    if (is_any) {
        u32 cold = x64_cold(e, ins, TRAP_NONE, &resume);
        put_rm(e, X64_CMP_I, wide, by, (u64)-1);
        asm_branch(&e->as, X64_E, cold);
    }
    if (ins->op == X64_DIVIDE_U) {
        asm_rr(&e->as, X64_XOR, false, X64_RDX, X64_RDX);
    } else {
        asm_none(&e->as, wide ? X64_CQO : X64_CDQ, wide);
    }
    x64_site(e, ins, TRAP_DIVIDE_BY_ZERO);
    put_rm(e, ins->op == X64_DIVIDE_U ? X64_DIV : X64_IDIV, wide, by, 0);
    if (is_any) {
        asm_bind(&e->as, resume);
    }
}

// By -1: the negative, which is too large for the least number; the remainder is 0.
static void put_divide_cold(struct emitter *e, const struct cold *cold)
{
    bool wide = x64_shape(cold->ins).is_wide;
    if (cold->ins->op == X64_REMAINDER_S_ANY) {
        asm_rr(&e->as, X64_XOR, false, X64_RDX, X64_RDX);
    } else {
        asm_r(&e->as, X64_NEG, wide, X64_RAX);
        asm_branch(&e->as, X64_O, x64_cold(e, cold->ins, TRAP_INTEGER_OVERFLOW, NULL));
    }
    asm_branch(&e->as, X64_ALWAYS, cold->resume);
}

static void put_setcc(struct emitter *e, enum x64_condition condition, u8 to)
{
    asm_put(&e->as, &(struct asm_ins){.op = X64_SETCC, .condition = (u8)condition, .rm = to});
}

static void put_equal_float(struct emitter *e, const struct mach_ins *ins)
{
    u8 to = reg(e, ins, 0);
    u8 temp = reg(e, ins, 1);
    bool is_equal = x64_shape(ins).condition == X64_E;
    put_setcc(e, is_equal ? X64_NP : X64_P, temp);
    put_setcc(e, is_equal ? X64_E : X64_NE, to);
    asm_rr(&e->as, is_equal ? X64_AND : X64_OR, false, to, temp);
    asm_rr(&e->as, X64_MOVZX8, false, to, to);
}

// ---- choices

static void put_select(struct emitter *e, const struct mach_ins *ins)
{
    struct x64_shape shape = x64_shape(ins);
    u8 to = reg(e, ins, 0);
    u8 other = reg(e, ins, 2);
    bool is_equal = ins->op == X64_SELECT_EQUAL;
    if (to < X64_XMM0) {
        ASSERT(is_equal);
        struct asm_ins move = {.op = X64_CMOVCC, .is_wide = shape.is_wide, .reg = to, .rm = other};
        move.condition = X64_NE;
        asm_put(&e->as, &move);
        move.condition = X64_P;
        asm_put(&e->as, &move);
        return;
    }
    u32 done = asm_label(&e->as);
    if (is_equal) {
        u32 differ = asm_label(&e->as);
        asm_branch(&e->as, X64_P, differ);
        asm_branch(&e->as, X64_E, done);
        asm_bind(&e->as, differ);
    } else {
        asm_branch(&e->as, (enum x64_condition)shape.condition, done);
    }
    asm_mov(&e->as, true, to, other);
    asm_bind(&e->as, done);
}

static void sse(struct emitter *e, enum x64_op op, u8 to, u8 from)
{
    asm_vrr(&e->as, op, false, to, to, from);
}

static void put_min_max(struct emitter *e, const struct mach_ins *ins)
{
    bool wide = x64_shape(ins).is_wide;
    u8 to = reg(e, ins, 0);
    u8 other = reg(e, ins, 2);
    bool is_min = ins->op == X64_FLOAT_MIN;
    u32 resume;
    u32 cold = x64_cold(e, ins, TRAP_NONE, &resume);
    asm_rr(&e->as, wide ? X64_UCOMISD : X64_UCOMISS, false, to, other);
    asm_branch(&e->as, X64_E, cold); // equal, or one is a NaN
    sse(e, is_min ? (wide ? X64_MINSD : X64_MINSS) : (wide ? X64_MAXSD : X64_MAXSS), to, other);
    asm_bind(&e->as, resume);
}

// Equal numbers differ in the sign of 0 alone; a NaN comes out of any sum with it.
static void put_min_max_cold(struct emitter *e, const struct cold *cold)
{
    bool wide = x64_shape(cold->ins).is_wide;
    u8 to = reg(e, cold->ins, 0);
    u8 other = reg(e, cold->ins, 2);
    u32 is_nan = asm_label(&e->as);
    asm_branch(&e->as, X64_P, is_nan);
    sse(e, cold->ins->op == X64_FLOAT_MIN ? X64_ORPS : X64_ANDPS, to, other);
    asm_branch(&e->as, X64_ALWAYS, cold->resume);
    asm_bind(&e->as, is_nan);
    sse(e, wide ? X64_ADDSD : X64_ADDSS, to, other);
    asm_branch(&e->as, X64_ALWAYS, cold->resume);
}

// ---- floats to integers and back

struct truncate {
    bool is_double;   // the float
    bool wide;        // the integer
    bool is_unsigned; //
    bool saturates;
};

static struct truncate truncate_of(u16 row)
{
    struct truncate out = {0};
    u32 which; // f32 signed, f32 unsigned, f64 signed, f64 unsigned
    if (row >= ROW_I32_TRUNC_SAT_F32_S) {
        which = (u32)row - ROW_I32_TRUNC_SAT_F32_S;
        out.saturates = true;
        out.wide = which >= 4;
    } else if (row >= ROW_I64_TRUNC_F32_S) {
        which = (u32)row - ROW_I64_TRUNC_F32_S;
        out.wide = true;
    } else {
        which = (u32)row - ROW_I32_TRUNC_F32_S;
    }
    out.is_double = (which & 2) != 0;
    out.is_unsigned = (which & 1) != 0;
    return out;
}

static void put_compare(struct emitter *e, bool is_double, u8 a, u8 b)
{
    asm_rr(&e->as, is_double ? X64_UCOMISD : X64_UCOMISS, false, a, b);
}

static void put_compare_constant(struct emitter *e, bool is_double, u8 a, u64 double_bits,
                                 u32 float_bits)
{
    asm_rm(&e->as, is_double ? X64_UCOMISD : X64_UCOMISS, false, a,
           is_double ? asm_constant(&e->as, double_bits, 0, 8)
                     : asm_constant(&e->as, float_bits, 0, 4));
}

// What the CPU cannot convert becomes the least signed number, or, where an i64 stands for a u32,
// more than 32 bits.
static void put_truncate(struct emitter *e, const struct mach_ins *ins)
{
    struct truncate it = truncate_of((u16)ins->bits);
    u8 to = reg(e, ins, 0);
    u8 from = reg(e, ins, 1);
    u8 temp = reg(e, ins, 2);
    u32 resume;
    u32 cold = x64_cold(e, ins, TRAP_NONE, &resume);
    bool wide = it.wide || it.is_unsigned;
    asm_rr(&e->as, it.is_double ? X64_CVTTSD2SI : X64_CVTTSS2SI, wide, to, from);
    if (!it.is_unsigned) {
        asm_ri(&e->as, X64_CMP_I, it.wide, to, 1);
        asm_branch(&e->as, X64_O, cold);
    } else if (it.wide) {
        asm_rr(&e->as, X64_TEST, true, to, to);
        asm_branch(&e->as, X64_S, cold);
    } else {
        asm_rr(&e->as, X64_MOV, false, temp, to);
        asm_rr(&e->as, X64_CMP, true, temp, to);
        asm_branch(&e->as, X64_NE, cold);
    }
    asm_bind(&e->as, resume);
}

// 2^63 as a double and as a float, below 0 and above.
static const u64 double_2_63 = 0x43e0000000000000;
static const u32 float_2_63 = 0x5f000000;

// A u64 from 2^63 on, as a signed number of 2^63 less. Goes on at `not_in` if it is none.
static void put_high_u64(struct emitter *e, const struct truncate *it, u8 to, u8 from, u32 not_in)
{
    struct assembler *as = &e->as;
    asm_rr(as, X64_MOVAPS, false, X64_SCRATCH, from);
    asm_vrm(as, it->is_double ? X64_SUBSD : X64_SUBSS, false, X64_SCRATCH, X64_SCRATCH,
            it->is_double ? asm_constant(as, double_2_63, 0, 8)
                          : asm_constant(as, float_2_63, 0, 4));
    asm_rr(as, it->is_double ? X64_CVTTSD2SI : X64_CVTTSS2SI, true, to, X64_SCRATCH);
    asm_rr(as, X64_TEST, true, to, to);
    asm_branch(as, X64_S, not_in);
    asm_ri(as, X64_BTS_I, true, to, 63);
}

static void put_truncate_trap(struct emitter *e, const struct cold *cold, const struct truncate *it,
                              u8 to, u8 from)
{
    struct assembler *as = &e->as;
    u32 overflow = x64_cold(e, cold->ins, TRAP_INTEGER_OVERFLOW, NULL);
    u32 bad = x64_cold(e, cold->ins, TRAP_BAD_CONVERSION, NULL);
    put_compare(e, it->is_double, from, from);
    asm_branch(as, X64_P, bad);
    if (it->is_unsigned && !it->wide) {
        asm_branch(as, X64_ALWAYS, overflow);
        return;
    }
    if (it->is_unsigned) {
        put_high_u64(e, it, to, from, overflow);
    } else if (it->wide) { // the least number itself is one
        put_compare_constant(e, it->is_double, from, double_2_63 | 1ull << 63,
                             float_2_63 | 1u << 31);
        asm_branch(as, X64_NE, overflow);
    } else if (it->is_double) { // -2147483649 is not, but what is above it is cut to -2147483648
        put_compare_constant(e, true, from, 0xc1e0000000200000, 0);
        asm_branch(as, X64_BE, overflow);
        put_compare_constant(e, true, from, 0xc1e0000000000000, 0);
        asm_branch(as, X64_A, overflow);
    } else {
        put_compare_constant(e, false, from, 0, 0xcf000000);
        asm_branch(as, X64_NE, overflow);
    }
    asm_branch(as, X64_ALWAYS, cold->resume);
}

static void put_truncate_saturate(struct emitter *e, const struct cold *cold,
                                  const struct truncate *it, u8 to, u8 from)
{
    struct assembler *as = &e->as;
    u32 zero = asm_label(as);
    u32 not_in = asm_label(as);
    if (it->is_unsigned && it->wide) {
        put_high_u64(e, it, to, from, not_in);
        asm_branch(as, X64_ALWAYS, cold->resume);
    }
    asm_bind(as, not_in);
    sse(e, X64_XORPS, X64_SCRATCH, X64_SCRATCH);
    put_compare(e, it->is_double, from, X64_SCRATCH);
    if (it->is_unsigned) {
        asm_branch(as, X64_BE, zero); // a NaN too
        asm_ri(as, X64_MOV_I, it->wide, to, (u64)-1);
    } else {
        asm_branch(as, X64_P, zero);
        asm_branch(as, X64_BE, cold->resume); // the least number is there already
        asm_mov_imm(as, to, it->wide ? INT64_MAX : INT32_MAX);
    }
    asm_branch(as, X64_ALWAYS, cold->resume);
    asm_bind(as, zero);
    asm_rr(as, X64_XOR, false, to, to);
    asm_branch(as, X64_ALWAYS, cold->resume);
}

static void put_convert_wide(struct emitter *e, const struct mach_ins *ins)
{
    bool is_double = x64_shape(ins).is_wide;
    u8 to = reg(e, ins, 0);
    u8 from = reg(e, ins, 1);
    u32 resume;
    u32 cold = x64_cold(e, ins, TRAP_NONE, &resume);
    asm_rr(&e->as, X64_TEST, true, from, from);
    asm_branch(&e->as, X64_S, cold);
    sse(e, X64_XORPS, to, to);
    asm_vrr(&e->as, is_double ? X64_CVTSI2SD : X64_CVTSI2SS, true, to, to, from);
    asm_bind(&e->as, resume);
}

// Half of it, the lowest bit kept so that rounding sees it, and then twice that.
static void put_convert_wide_cold(struct emitter *e, const struct cold *cold)
{
    struct assembler *as = &e->as;
    bool is_double = x64_shape(cold->ins).is_wide;
    u8 to = reg(e, cold->ins, 0);
    u8 from = reg(e, cold->ins, 1);
    u8 temp = reg(e, cold->ins, 2);
    u32 is_even = asm_label(as);
    asm_rr(as, X64_MOV, true, temp, from);
    asm_ri(as, X64_SHR_I, true, temp, 1);
    asm_branch(as, X64_AE, is_even);
    asm_ri(as, X64_OR_I, true, temp, 1);
    asm_bind(as, is_even);
    sse(e, X64_XORPS, to, to);
    asm_vrr(as, is_double ? X64_CVTSI2SD : X64_CVTSI2SS, true, to, to, temp);
    sse(e, is_double ? X64_ADDSD : X64_ADDSS, to, to);
    asm_branch(as, X64_ALWAYS, cold->resume);
}

// ---- all

static bool put_exit(struct emitter *e, const struct mach_ins *ins)
{
    struct x64_shape shape = x64_shape(ins);
    switch (ins->op) {
    case X64_JUMP:
        if (successor(e, 0) != e->next) {
            x64_branch_block(e, X64_ALWAYS, successor(e, 0));
        }
        return true;
    case X64_BRANCH:
        put_branch(e, (enum x64_condition)shape.condition);
        return true;
    case X64_BRANCH_EQUAL:
        put_branch_equal(e, (enum x64_condition)shape.condition);
        return true;
    case X64_SWITCH_FEW:
        put_switch_few(e, ins);
        return true;
    case X64_SWITCH:
        asm_r(&e->as, X64_JMP_M, true, reg(e, ins, 0));
        return true;
    case X64_RETURN:
        x64_epilogue(e);
        asm_none(&e->as, X64_RET, false);
        return true;
    case X64_TAIL:
        x64_epilogue(e);
        x64_tail(e, (u32)ins->bits);
        return true;
    case X64_TAIL_ELEMENT:
        put_tail_element(e, ins);
        return true;
    case X64_TRAP:
        x64_site(e, ins, (enum trap)shape.trap);
        asm_none(&e->as, X64_UD2, false);
        return true;
    default:
        return false;
    }
}

bool x64_special(struct emitter *e, const struct mach_ins *ins)
{
    struct x64_shape shape = x64_shape(ins);
    switch (ins->op) {
    case X64_TABLE:
        put_table(e, ins);
        return true;
    case X64_CALL:
        x64_call(e, ins, (u32)ins->bits);
        x64_landing(e, ins);
        return true;
    case X64_CALL_ELEMENT:
        put_call_element(e, ins);
        return true;
    case X64_TRAP_IF:
        asm_branch(&e->as, (enum x64_condition)shape.condition,
                   x64_cold(e, ins, (enum trap)shape.trap, NULL));
        return true;
    case X64_DIVIDE_U:
    case X64_DIVIDE_S:
        put_divide(e, ins, false);
        return true;
    case X64_DIVIDE_S_ANY:
    case X64_REMAINDER_S_ANY:
        put_divide(e, ins, true);
        return true;
    case X64_HALVES:
        put_rm(e, shape.condition != 0 ? X64_IMUL_1 : X64_MUL, true, operand(e, ins, 3)->place, 0);
        return true;
    case X64_EQUAL_FLOAT:
        put_equal_float(e, ins);
        return true;
    case X64_SELECT_FLOAT:
    case X64_SELECT_EQUAL:
        put_select(e, ins);
        return true;
    case X64_FLOAT_MIN:
    case X64_FLOAT_MAX:
        put_min_max(e, ins);
        return true;
    case X64_TRUNCATE:
        put_truncate(e, ins);
        return true;
    case X64_CONVERT_WIDE:
        put_convert_wide(e, ins);
        return true;
    case X64_FENCE:
    case X64_ATOMIC_ADD:
    case X64_ATOMIC_LOOP:
    case X64_ATOMIC_CMPXCHG:
        x64_special_atomic(e, ins);
        return true;
    default:
        return put_exit(e, ins);
    }
}

void x64_special_cold(struct emitter *e, const struct cold *cold)
{
    const struct mach_ins *ins = cold->ins;
    switch (ins->op) {
    case X64_CALL_ELEMENT:
        x64_call(e, ins, JIT_CALLEE_ELEMENT | (u32)ins->bits);
        x64_landing(e, ins);
        asm_branch(&e->as, X64_ALWAYS, cold->resume);
        return;
    case X64_TAIL_ELEMENT:
        x64_epilogue(e);
        x64_tail(e, JIT_CALLEE_ELEMENT | (u32)ins->bits);
        return;
    case X64_DIVIDE_S_ANY:
    case X64_REMAINDER_S_ANY:
        put_divide_cold(e, cold);
        return;
    case X64_FLOAT_MIN:
    case X64_FLOAT_MAX:
        put_min_max_cold(e, cold);
        return;
    case X64_TRUNCATE: {
        struct truncate it = truncate_of((u16)ins->bits);
        u8 to = reg(e, ins, 0);
        u8 from = reg(e, ins, 1);
        if (it.saturates) {
            put_truncate_saturate(e, cold, &it, to, from);
        } else {
            put_truncate_trap(e, cold, &it, to, from);
        }
        return;
    }
    default:
        ASSERT(ins->op == X64_CONVERT_WIDE);
        put_convert_wide_cold(e, cold);
        return;
    }
}
