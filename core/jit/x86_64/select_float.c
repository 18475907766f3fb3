// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_float.c: arithmetic of floats, and conversions to and from them. Rows of
// f32 and f64 share their code. A NaN that comes out has the bits that the CPU gives it: quiet, as
// the specification asks.
#include "core/jit/x86_64/select.h"

static bool is_double(const struct selector *s, u32 value)
{
    return sel_ins(s, value)->kind == KIND_D;
}

static void select_binary(struct selector *s, u32 value, enum x64_op single, enum x64_op wide,
                          bool may_swap)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = ins->a;
    u32 b = ins->b;
    bool is_first_memory = x64_is_memory(s, a) || sel_is_const(s, a);
    bool is_last_use = sel_ins(s, b)->uses == 1 && sel_ins(s, a)->uses != 1;
    if (may_swap && !x64_is_memory(s, b) && !sel_is_const(s, b) &&
        (is_first_memory || is_last_use)) {
        u32 swap = a;
        a = b;
        b = swap;
    }
    u32 from = x64_use(s, a);
    x64_put_sse(s, ins->kind == KIND_D ? wide : single, x64_def(s, value), from, x64_rm(s, b));
}

static void select_round(struct selector *s, u32 value, u8 mode)
{
    enum { NOT_INEXACT = 8 };
    bool is_wide = is_double(s, value);
    struct rm rm = x64_rm(s, sel_ins(s, value)->a);
    x64_put_sse_unary(s, is_wide ? X64_ROUNDSD : X64_ROUNDSS, false, x64_def(s, value),
                      rm.kind == X64_RM_CONSTANT ? rm_reg(x64_use(s, sel_ins(s, value)->a)) : rm,
                      mode | NOT_INEXACT);
}

static u64 sign_bit(bool is_wide)
{
    return is_wide ? (u64)1 << 63 : (u64)1 << 31;
}

static u64 other_bits(bool is_wide)
{
    return sign_bit(is_wide) - 1;
}

static void select_copysign(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_wide = is_double(s, value);
    u32 size = x64_vreg(s, ins->kind);
    u32 sign = x64_vreg(s, ins->kind);
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    x64_put_sse(s, X64_ANDPS, size, a, rm_constant(other_bits(is_wide)));
    x64_put_sse(s, X64_ANDPS, sign, b, rm_constant(sign_bit(is_wide)));
    x64_put_sse(s, X64_ORPS, x64_def(s, value), size, rm_reg(sign));
}

static void select_min_max(struct selector *s, u32 value, enum x64_op op)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    u32 def = x64_def(s, value);
    x64_put(s, op, (struct x64_shape){.is_wide = ins->kind == KIND_D}, 0);
    x64_operand(s, def, MACH_DEF, MACH_SAME, 1);
    x64_operand(s, a, MACH_USE, MACH_IN_REGISTER, 0);
    x64_operand(s, b, MACH_USE_LATE, MACH_IN_REGISTER, 0);
}

static bool select_arithmetic(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_wide = ins->kind == KIND_D;
    switch (ins->op) {
    case ROW_F32_ADD:
    case ROW_F64_ADD:
        select_binary(s, value, X64_ADDSS, X64_ADDSD, true);
        return true;
    case ROW_F32_MUL:
    case ROW_F64_MUL:
        select_binary(s, value, X64_MULSS, X64_MULSD, true);
        return true;
    case ROW_F32_SUB:
    case ROW_F64_SUB:
        select_binary(s, value, X64_SUBSS, X64_SUBSD, false);
        return true;
    case ROW_F32_DIV:
    case ROW_F64_DIV:
        select_binary(s, value, X64_DIVSS, X64_DIVSD, false);
        return true;
    case ROW_F32_MIN:
    case ROW_F64_MIN:
        select_min_max(s, value, X64_FLOAT_MIN);
        return true;
    case ROW_F32_MAX:
    case ROW_F64_MAX:
        select_min_max(s, value, X64_FLOAT_MAX);
        return true;
    case ROW_F32_COPYSIGN:
    case ROW_F64_COPYSIGN:
        select_copysign(s, value);
        return true;
    case ROW_F32_SQRT:
    case ROW_F64_SQRT:
        x64_put_sse_unary(s, is_wide ? X64_SQRTSD : X64_SQRTSS, false, x64_def(s, value),
                          x64_rm(s, ins->a), 0);
        return true;
    default:
        return false;
    }
}

static bool select_unary(struct selector *s, u32 value)
{
    enum { NEAREST, DOWN, UP, TOWARDS_0 };
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_wide = ins->kind == KIND_D;
    switch (ins->op) {
    case ROW_F32_ABS:
    case ROW_F64_ABS:
        x64_put_sse(s, X64_ANDPS, x64_def(s, value), x64_use(s, ins->a),
                    rm_constant(other_bits(is_wide)));
        return true;
    case ROW_F32_NEG:
    case ROW_F64_NEG:
        x64_put_sse(s, X64_XORPS, x64_def(s, value), x64_use(s, ins->a),
                    rm_constant(sign_bit(is_wide)));
        return true;
    case ROW_F32_CEIL:
    case ROW_F64_CEIL:
        select_round(s, value, UP);
        return true;
    case ROW_F32_FLOOR:
    case ROW_F64_FLOOR:
        select_round(s, value, DOWN);
        return true;
    case ROW_F32_TRUNC:
    case ROW_F64_TRUNC:
        select_round(s, value, TOWARDS_0);
        return true;
    case ROW_F32_NEAREST:
    case ROW_F64_NEAREST:
        select_round(s, value, NEAREST);
        return true;
    default:
        return false;
    }
}

// ---- conversions

static void select_truncate(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 from = x64_use(s, ins->a);
    u32 def = x64_def(s, value);
    x64_put(s, X64_TRUNCATE, (struct x64_shape){.is_wide = ins->kind == KIND_L}, ins->op);
    x64_operand(s, def, MACH_DEF_EARLY, MACH_IN_REGISTER, 0);
    x64_operand(s, from, MACH_USE_LATE, MACH_IN_REGISTER, 0);
    x64_operand(s, x64_vreg(s, KIND_L), MACH_TEMP, MACH_IN_REGISTER, 0);
}

static void select_from_u64(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 from = x64_use(s, ins->a);
    u32 def = x64_def(s, value);
    x64_put(s, X64_CONVERT_WIDE, (struct x64_shape){.is_wide = ins->kind == KIND_D}, 0);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_operand(s, from, MACH_USE_LATE, MACH_IN_REGISTER, 0);
    x64_operand(s, x64_vreg(s, KIND_L), MACH_TEMP, MACH_IN_REGISTER, 0);
}

static void select_reinterpret(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_wide = ins->kind == KIND_D;
    bool is_memory = x64_is_memory(s, ins->a);
    struct rm rm = x64_rm(s, ins->a);
    enum x64_op op = !is_memory ? X64_MOVD : is_wide ? X64_MOVSD : X64_MOVSS;
    x64_put_def_rm(s, op, is_wide && !is_memory, x64_def(s, value), rm);
}

static bool select_convert(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    enum x64_op from_integer = ins->kind == KIND_D ? X64_CVTSI2SD : X64_CVTSI2SS;
    switch (ins->op) {
    case ROW_F32_CONVERT_I32_S:
    case ROW_F64_CONVERT_I32_S:
        x64_put_sse_unary(s, from_integer, false, def, x64_rm_low(s, ins->a), 0);
        return true;
    case ROW_F32_CONVERT_I32_U: // positive as an i64
    case ROW_F64_CONVERT_I32_U:
        x64_put_sse_unary(s, from_integer, true, def, rm_reg(x64_use(s, ins->a)), 0);
        return true;
    case ROW_F32_CONVERT_I64_S:
    case ROW_F64_CONVERT_I64_S:
        x64_put_sse_unary(s, from_integer, true, def, x64_rm(s, ins->a), 0);
        return true;
    case ROW_F32_CONVERT_I64_U:
    case ROW_F64_CONVERT_I64_U:
        select_from_u64(s, value);
        return true;
    case ROW_F32_DEMOTE_F64:
        x64_put_sse_unary(s, X64_CVTSD2SS, false, def, x64_rm(s, ins->a), 0);
        return true;
    case ROW_F64_PROMOTE_F32:
        x64_put_sse_unary(s, X64_CVTSS2SD, false, def, x64_rm(s, ins->a), 0);
        return true;
    case ROW_F32_REINTERPRET_I32:
    case ROW_F64_REINTERPRET_I64:
        select_reinterpret(s, value);
        return true;
    default:
        return false;
    }
}

bool x64_select_float(struct selector *s, u32 value)
{
    u16 row = sel_ins(s, value)->op;
    if ((row >= ROW_I32_TRUNC_F32_S && row <= ROW_I32_TRUNC_F64_U) ||
        (row >= ROW_I64_TRUNC_F32_S && row <= ROW_I64_TRUNC_F64_U) ||
        (row >= ROW_I32_TRUNC_SAT_F32_S && row <= ROW_I64_TRUNC_SAT_F64_U)) {
        select_truncate(s, value);
        return true;
    }
    return select_arithmetic(s, value) || select_unary(s, value) || select_convert(s, value);
}
