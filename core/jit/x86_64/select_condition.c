// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_condition.c: comparisons, and what is decided by them.
#include "core/jit/x86_64/select.h"

static enum x64_condition swapped(enum x64_condition code)
{
    switch (code) {
    case X64_B:
        return X64_A;
    case X64_A:
        return X64_B;
    case X64_AE:
        return X64_BE;
    case X64_BE:
        return X64_AE;
    case X64_L:
        return X64_G;
    case X64_G:
        return X64_L;
    case X64_GE:
        return X64_LE;
    case X64_LE:
        return X64_GE;
    default:
        return code;
    }
}

static enum x64_condition without_sign(enum x64_condition code)
{
    switch (code) {
    case X64_L:
        return X64_B;
    case X64_G:
        return X64_A;
    case X64_GE:
        return X64_AE;
    case X64_LE:
        return X64_BE;
    default:
        return code;
    }
}

// ---- integers

static enum x64_condition integer_code(u16 row)
{
    static const u8 codes[] = {X64_E, X64_NE, X64_L,  X64_B,  X64_G,
                               X64_A, X64_LE, X64_BE, X64_GE, X64_AE};
    return (enum x64_condition)(row >= ROW_I64_EQ ? codes[row - ROW_I64_EQ]
                                                  : codes[row - ROW_I32_EQ]);
}

static bool is_load8(const struct selector *s, u32 value)
{
    u16 op = sel_ins(s, value)->op;
    return (op == ROW_I32_LOAD8_U || op == ROW_I64_LOAD8_U) && x64_can_cover(s, value);
}

static u32 use(struct selector *s, bool wide, u32 value)
{
    return wide ? x64_use(s, value) : x64_use_low(s, value);
}

static struct rm use_rm(struct selector *s, bool wide, u32 value)
{
    return wide ? x64_rm(s, value) : x64_rm_low(s, value);
}

// The flags of a & b, that is of comparing it with 0.
static void put_test_and(struct selector *s, bool wide, const struct ir_ins *and)
{
    if (sel_is_imm(s, and->b) && (!wide || sel_const(s, and->b) >= 0)) {
        i32 mask = (i32)sel_const(s, and->b);
        if (is_load8(s, and->a) && mask >= 0 && mask <= INT8_MAX) {
            x64_cover(s, and->a);
            x64_put_rm_i(s, X64_TEST8_I, false, x64_address(s, sel_ins(s, and->a)), mask);
            return;
        }
        // A mask without sign needs only the low half; the sign flag is then that of the half.
        bool is_short = wide && mask >= 0;
        struct rm rm = use_rm(s, wide, and->a);
        bool is_byte = mask >= 0 && mask <= INT8_MAX && rm.kind == X64_RM_REGISTER;
        x64_put_rm_i(s, is_byte ? X64_TEST8_I : X64_TEST_I, wide && !is_short, rm, mask);
        return;
    }
    bool is_memory = x64_is_memory(s, and->a);
    u32 reg = use(s, wide, is_memory ? and->b : and->a);
    x64_put_use_rm(s, X64_TEST, wide, reg, use_rm(s, wide, is_memory ? and->a : and->b));
}

static bool is_and(const struct selector *s, u32 value)
{
    u16 op = sel_ins(s, value)->op;
    return (op == ROW_I32_AND || op == ROW_I64_AND) && x64_is_alone(s, value);
}

static void put_test(struct selector *s, bool wide, u32 value)
{
    if (is_and(s, value)) {
        put_test_and(s, wide, sel_ins(s, value));
    } else if (is_load8(s, value)) {
        x64_cover(s, value);
        x64_put_rm_i(s, X64_CMP8_I, false, x64_address(s, sel_ins(s, value)), 0);
    } else if (x64_is_memory(s, value)) {
        x64_put_rm_i(s, X64_CMP_I, wide, x64_rm(s, value), 0);
    } else {
        u32 reg = use(s, wide, value);
        x64_put_use_rm(s, X64_TEST, wide, reg, rm_reg(reg));
    }
}

static enum x64_condition put_compare_imm(struct selector *s, bool wide, u32 value, i32 imm,
                                          enum x64_condition code)
{
    bool is_byte = is_load8(s, value);
    if (imm == 0) {
        put_test(s, wide, value);
        return is_byte ? without_sign(code) : code;
    }
    if (is_byte && imm >= 0 && imm <= (i32)UINT8_MAX) {
        x64_cover(s, value);
        x64_put_rm_i(s, X64_CMP8_I, false, x64_address(s, sel_ins(s, value)), (i8)imm);
        return without_sign(code);
    }
    x64_put_rm_i(s, X64_CMP_I, wide, use_rm(s, wide, value), imm);
    return code;
}

static struct condition compare_integer(struct selector *s, const struct ir_ins *ins)
{
    if (ins->op == ROW_I32_EQZ || ins->op == ROW_I64_EQZ) {
        put_test(s, ins->op == ROW_I64_EQZ, ins->a);
        return (struct condition){.code = X64_E};
    }
    bool wide = ins->op >= ROW_I64_EQ;
    enum x64_condition code = integer_code(ins->op);
    u32 a = ins->a;
    u32 b = ins->b;
    if (sel_is_imm(s, a)) {
        u32 swap = a;
        a = b;
        b = swap;
        code = swapped(code);
    }
    if (sel_is_imm(s, b)) {
        return (struct condition){.code =
                                      (u8)put_compare_imm(s, wide, a, (i32)sel_const(s, b), code)};
    }
    if (x64_is_memory(s, a)) {
        u32 reg = use(s, wide, b);
        x64_put_use_rm(s, X64_CMP_MR, wide, reg, use_rm(s, wide, a));
    } else {
        u32 reg = use(s, wide, a);
        x64_put_use_rm(s, X64_CMP, wide, reg, use_rm(s, wide, b));
    }
    return (struct condition){.code = (u8)code};
}

// ---- floats

// Which comparison of floats it is, in the order of the rows.
enum float_compare { FLOAT_EQ, FLOAT_NE, FLOAT_LT, FLOAT_GT, FLOAT_LE, FLOAT_GE };

static enum float_compare float_compare(const struct ir_ins *ins)
{
    return (enum float_compare)(ins->op >= ROW_F64_EQ ? ins->op - ROW_F64_EQ
                                                      : ins->op - ROW_F32_EQ);
}

// Less is asked as greater the other way round: then a NaN, which sets every flag, is on the side
// of no.
static struct condition compare_float(struct selector *s, const struct ir_ins *ins)
{
    bool is_single = ins->op <= ROW_F32_GE;
    enum x64_op op = is_single ? X64_UCOMISS : X64_UCOMISD;
    enum float_compare which = float_compare(ins);
    bool is_swapped = which == FLOAT_LT || which == FLOAT_LE;
    u32 reg = x64_use(s, is_swapped ? ins->b : ins->a);
    x64_put_use_rm(s, op, false, reg, x64_rm(s, is_swapped ? ins->a : ins->b));
    if (which == FLOAT_EQ || which == FLOAT_NE) {
        return (struct condition){.code = which == FLOAT_EQ ? X64_E : X64_NE, .is_equal = true};
    }
    return (struct condition){.code = which == FLOAT_LT || which == FLOAT_GT ? X64_A : X64_AE};
}

static bool is_compare(const struct ir_ins *ins)
{
    return ins->op < ROW_COUNT &&
           (body_ops[ins->op].class == WASM_CLASS_COMPARE || x64_is_vector_test(ins));
}

static struct condition compare(struct selector *s, const struct ir_ins *ins)
{
    if (x64_is_vector_test(ins)) {
        return (struct condition){.code = x64_vector_test(s, ins)};
    }
    return ins->op >= ROW_F32_EQ && ins->op <= ROW_F64_GE ? compare_float(s, ins)
                                                          : compare_integer(s, ins);
}

struct condition x64_condition(struct selector *s, u32 value)
{
    bool is_inverted = false;
    while (sel_ins(s, value)->op == ROW_I32_EQZ && x64_is_alone(s, value)) {
        is_inverted = !is_inverted;
        value = sel_ins(s, value)->a;
    }
    struct condition out = {.code = X64_NE};
    if (is_compare(sel_ins(s, value)) && x64_is_alone(s, value)) {
        out = compare(s, sel_ins(s, value));
    } else {
        put_test(s, false, value);
    }
    out.code ^= is_inverted;
    return out;
}

void x64_select_compare(struct selector *s, u32 value)
{
    u32 def = x64_def(s, value);
    const struct ir_ins *ins = sel_ins(s, value);
    u32 zero = x64_vreg(s, KIND_I);
    bool is_equality = ins->op == ROW_F32_EQ || ins->op == ROW_F32_NE || ins->op == ROW_F64_EQ ||
                       ins->op == ROW_F64_NE;
    if (is_equality) {
        struct condition condition = compare(s, ins);
        x64_put(s, X64_EQUAL_FLOAT, (struct x64_shape){.condition = condition.code}, 0);
        x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
        x64_operand(s, zero, MACH_TEMP, MACH_IN_REGISTER, 0);
        return;
    }
    x64_put(s, X64_ZERO, (struct x64_shape){0}, 0);
    x64_operand(s, zero, MACH_DEF, MACH_IN_REGISTER, 0);
    struct condition condition = compare(s, ins);
    x64_put_def_same_i(s, X64_SETCC, false, def, zero, 0);
    x64_set_condition(s, condition.code);
}

// Choices between floats by a comparison of floats, without a branch. MINSD and MAXSD are `p < q ?
// p : q` and `p > q ? p : q` to the bit; all others take one or the other by a mask.
static bool select_by_floats(struct selector *s, const struct ir_ins *ins, u32 def)
{
    const struct ir_ins *cond = sel_ins(s, ins->c);
    bool is_double = ins->kind == KIND_D;
    u32 first = is_double ? ROW_F64_EQ : ROW_F32_EQ;
    if (!x64_is_alone(s, ins->c) || cond->op < first || cond->op > first + FLOAT_GE ||
        (s->options->features & X64_HAS_AVX) == 0 || (ins->kind != KIND_F && ins->kind != KIND_D)) {
        return false;
    }
    static const u8 predicates[] = {[FLOAT_EQ] = 0, [FLOAT_NE] = 4, [FLOAT_LT] = 1, [FLOAT_LE] = 2};
    enum float_compare which = float_compare(cond);
    u32 p = cond->a;
    u32 q = cond->b;
    if (which == FLOAT_GT || which == FLOAT_GE) {
        p = cond->b;
        q = cond->a;
        which = which == FLOAT_GT ? FLOAT_LT : FLOAT_LE;
    }
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    if (which == FLOAT_LT && p == ins->a && q == ins->b) {
        x64_put_vex(s, is_double ? X64_MINSD : X64_MINSS, false, def, a, rm_reg(b));
        return true;
    }
    if (which == FLOAT_LT && p == ins->b && q == ins->a) {
        x64_put_vex(s, is_double ? X64_MAXSD : X64_MAXSS, false, def, a, rm_reg(b));
        return true;
    }
    u32 mask = x64_vreg(s, ins->kind);
    u32 left = x64_use(s, p);
    u32 right = x64_use(s, q);
    x64_put_sse_i(s, is_double ? X64_CMPSD : X64_CMPSS, false, mask, left, rm_reg(right),
                  predicates[which]);
    x64_put_vex(s, is_double ? X64_BLENDVPD : X64_BLENDVPS, false, def, b, rm_reg(a));
    x64_operand(s, mask, MACH_USE, MACH_IN_REGISTER, 0);
    return true;
}

void x64_select_select(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    bool is_float = sel_is_float(ins->kind);
    if (select_by_floats(s, ins, def)) {
        return;
    }
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    struct condition condition = x64_condition(s, ins->c);
    if (condition.is_equal && condition.code == X64_NE) {
        u32 swap = a;
        a = b;
        b = swap;
        condition.code = X64_E;
    }
    // The one that nobody else wants is overwritten.
    bool is_a_kept = sel_ins(s, ins->a)->uses > 1 && sel_ins(s, ins->b)->uses == 1;
    if (!condition.is_equal && !is_float && is_a_kept) {
        x64_put_def_same_rm(s, X64_CMOVCC, ins->kind == KIND_L, def, b, rm_reg(a));
        x64_set_condition(s, condition.code);
    } else if (!condition.is_equal && !is_float) {
        x64_put_def_same_rm(s, X64_CMOVCC, ins->kind == KIND_L, def, a, rm_reg(b));
        x64_set_condition(s, condition.code ^ 1);
    } else {
        x64_put(s, condition.is_equal ? X64_SELECT_EQUAL : X64_SELECT_FLOAT,
                (struct x64_shape){.condition = condition.code, .is_wide = ins->kind == KIND_L}, 0);
        x64_operand(s, def, MACH_DEF, MACH_SAME, 1);
        x64_operand(s, a, MACH_USE, MACH_IN_REGISTER, 0);
        x64_operand(s, b, MACH_USE, MACH_IN_REGISTER, 0);
    }
}
