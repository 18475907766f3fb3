// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_integer.c: arithmetic and conversions of integers. Rows of i32 and i64
// share their code: `wide` says which of both it is.
#include "core/jit/x86_64/select.h"

static bool has_feature(const struct selector *s, u32 feature)
{
    return (s->options->features & feature) != 0;
}

// An operand in a register: of an i32 only the low half matters.
static u32 use(struct selector *s, bool wide, u32 value)
{
    return wide ? x64_use(s, value) : x64_use_low(s, value);
}

static struct rm use_rm(struct selector *s, bool wide, u32 value)
{
    return wide ? x64_rm(s, value) : x64_rm_low(s, value);
}

// Which of the operands of a commutative instruction had better be the one that is overwritten:
// not memory, not one that others want later.
static void order(const struct selector *s, u32 *a, u32 *b)
{
    bool is_memory_first = x64_is_memory(s, *a) && !x64_is_memory(s, *b);
    bool is_last_use = sel_ins(s, *b)->uses == 1 && sel_ins(s, *a)->uses != 1;
    bool is_carried = sel_ins(s, *b)->op == IR_PHI && sel_ins(s, *a)->op != IR_PHI;
    if (!x64_is_memory(s, *b) && (is_memory_first || is_last_use ||
                                  (is_carried && sel_ins(s, *b)->uses == sel_ins(s, *a)->uses))) {
        u32 swap = *a;
        *a = *b;
        *b = swap;
    }
}

// ---- sums

struct lea {
    u32 base; // values; IR_NONE: none
    u32 index;
    u8 scale;
    i32 disp;
};

static bool is_shift_scale(const struct selector *s, bool wide, u32 value, u8 *scale)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (ins->op != (wide ? ROW_I64_SHL : ROW_I32_SHL) || !sel_is_const(s, ins->b)) {
        return false;
    }
    *scale = sel_ins(s, ins->b)->bits & (wide ? 63 : 31) & 0xff;
    return *scale >= 1 && *scale <= 3;
}

// Takes k off x + k where nobody else wants that sum and the constant stays small.
static u32 take_constant(const struct selector *s, bool wide, u32 value, i32 *disp)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (ins->op == (wide ? ROW_I64_ADD : ROW_I32_ADD) && x64_is_alone(s, value) &&
        sel_is_imm(s, ins->b)) {
        i64 sum = *disp + sel_const(s, ins->b);
        if (!wide || sum == (i32)sum) {
            *disp = (i32)sum;
            return ins->a;
        }
    }
    return value;
}

static void put_lea(struct selector *s, bool wide, u32 value, const struct lea *lea)
{
    u32 base = lea->base == IR_NONE ? MACH_NONE : use(s, wide, lea->base);
    u32 index = lea->index == IR_NONE     ? MACH_NONE
                : lea->index == lea->base ? base
                                          : use(s, wide, lea->index);
    x64_put_def_rm(s, X64_LEA, wide, x64_def(s, value),
                   rm_free(base, index, lea->scale, lea->disp));
}

static void select_add(struct selector *s, bool wide, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = ins->a;
    u32 b = ins->b;
    struct lea lea = {.index = IR_NONE};
    if (sel_is_imm(s, b)) {
        lea.disp = (i32)sel_const(s, b);
        const struct ir_ins *inner = sel_ins(s, a);
        u8 scale;
        if (inner->op == (wide ? ROW_I64_ADD : ROW_I32_ADD) && x64_is_alone(s, a) &&
            !x64_is_memory(s, inner->a) && !x64_is_memory(s, inner->b) &&
            !sel_is_const(s, inner->b)) {
            a = inner->a;
            b = inner->b;
        } else if (is_shift_scale(s, wide, a, &scale) && x64_is_alone(s, a)) {
            lea.base = IR_NONE;
            lea.index = inner->a;
            lea.scale = scale;
            put_lea(s, wide, value, &lea);
            return;
        } else {
            lea.base = a;
            put_lea(s, wide, value, &lea);
            return;
        }
    } else {
        order(s, &a, &b);
        if (x64_is_memory(s, b) || (sel_is_const(s, b) && wide)) {
            u32 from = use(s, wide, a);
            x64_put_def_same_rm(s, X64_ADD, wide, x64_def(s, value), from, use_rm(s, wide, b));
            return;
        }
        a = take_constant(s, wide, a, &lea.disp);
        b = take_constant(s, wide, b, &lea.disp);
    }
    if (is_shift_scale(s, wide, a, &lea.scale) && x64_is_alone(s, a)) {
        u32 swap = a;
        a = b;
        b = swap;
    }
    lea.base = a;
    lea.index = b;
    if (is_shift_scale(s, wide, b, &lea.scale) && x64_is_alone(s, b)) {
        lea.index = sel_ins(s, b)->a;
    } else {
        lea.scale = 0;
    }
    put_lea(s, wide, value, &lea);
}

static void select_sub(struct selector *s, bool wide, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    if (sel_is_const(s, ins->a) && sel_const(s, ins->a) == 0) {
        u32 from = use(s, wide, ins->b);
        x64_put_def_same_i(s, X64_NEG, wide, def, from, 0);
    } else if (sel_is_imm(s, ins->b) && sel_const(s, ins->b) != INT32_MIN) {
        u32 base = use(s, wide, ins->a);
        x64_put_def_rm(s, X64_LEA, wide, def,
                       rm_free(base, MACH_NONE, 0, -(i32)sel_const(s, ins->b)));
    } else {
        u32 from = use(s, wide, ins->a);
        x64_put_def_same_rm(s, X64_SUB, wide, def, from, use_rm(s, wide, ins->b));
    }
}

static bool is_power(u64 value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static void select_mul(struct selector *s, bool wide, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = ins->a;
    u32 b = ins->b;
    u32 def = x64_def(s, value);
    if (sel_is_const(s, b)) {
        u64 k = wide ? sel_ins(s, b)->bits : (u32)sel_ins(s, b)->bits;
        if (k == 3 || k == 5 || k == 9) {
            u8 scale = k == 3 ? 1 : k == 5 ? 2 : 3;
            put_lea(s, wide, value, &(struct lea){.base = a, .index = a, .scale = scale});
            return;
        }
        if (is_power(k)) {
            u32 from = use(s, wide, a);
            x64_put_def_same_i(s, X64_SHL_I, wide, def, from, __builtin_ctzll(k));
            return;
        }
        if (sel_is_imm(s, b)) {
            x64_put_def_rm_i(s, X64_IMUL_I, wide, def, use_rm(s, wide, a), (i32)sel_const(s, b));
            return;
        }
    }
    order(s, &a, &b);
    u32 from = use(s, wide, a);
    x64_put_def_same_rm(s, X64_IMUL, wide, def, from, use_rm(s, wide, b));
}

// ---- bits

static bool is_not(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return (ins->op == ROW_I32_XOR || ins->op == ROW_I64_XOR) && sel_is_const(s, ins->b) &&
           sel_const(s, ins->b) == -1;
}

// Masks that are moves, and instructions of BMI1.
static bool select_special_and(struct selector *s, bool wide, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    if (sel_is_const(s, ins->b)) {
        u64 mask = wide ? sel_ins(s, ins->b)->bits : (u32)sel_ins(s, ins->b)->bits;
        if (mask != UINT8_MAX && mask != UINT16_MAX && (!wide || mask != UINT32_MAX)) {
            return false;
        }
        enum x64_op op = mask == UINT8_MAX    ? X64_MOVZX8
                         : mask == UINT16_MAX ? X64_MOVZX16
                                              : X64_MOV;
        x64_put_def_rm(s, op, false, def, rm_reg(x64_use_low(s, ins->a)));
        return true;
    }
    bool is_first = is_not(s, ins->a) && x64_is_alone(s, ins->a);
    bool is_second = is_not(s, ins->b) && x64_is_alone(s, ins->b);
    if (!has_feature(s, X64_HAS_BMI1) || (!is_first && !is_second)) {
        return false;
    }
    u32 inverted = sel_ins(s, is_first ? ins->a : ins->b)->a;
    u32 not_reg = use(s, wide, inverted);
    struct rm other = use_rm(s, wide, is_first ? ins->b : ins->a);
    x64_put_vex(s, X64_ANDN, wide, def, not_reg, other);
    return true;
}

// A part of an `or`: bits of x, moved up by `up` (a multiple of 8, down if negative).
struct part {
    u32 x;
    i32 up;
    u64 bits; // of the result
};

// (x & m) << k, (x << k) & m, and the same with >> or without m.
static bool part_of(const struct selector *s, bool wide, u32 value, struct part *out)
{
    u64 all = wide ? UINT64_MAX : UINT32_MAX;
    *out = (struct part){.x = value, .bits = all};
    for (u32 i = 0; i < 2; i++) { // from the result inwards
        const struct ir_ins *ins = sel_ins(s, out->x);
        bool is_up = ins->op == (wide ? ROW_I64_SHL : ROW_I32_SHL);
        bool is_down = ins->op == (wide ? ROW_I64_SHR_U : ROW_I32_SHR_U);
        bool is_mask = ins->op == (wide ? ROW_I64_AND : ROW_I32_AND);
        if ((!is_up && !is_down && !is_mask) || !sel_is_const(s, ins->b)) {
            break;
        }
        u64 k = sel_ins(s, ins->b)->bits & all;
        if (is_mask) {
            out->bits &= out->up >= 0 ? k << out->up & all : k >> -out->up;
        } else if (out->up != 0 || k % 8 != 0 || k >= (wide ? 64 : 32)) {
            return false;
        } else {
            out->up = is_up ? (i32)k : -(i32)k;
            out->bits &= is_up ? all << k & all : all >> k;
        }
        out->x = ins->a;
    }
    return out->up != 0;
}

// Whether each byte of the part comes from the one that is as far from the other end.
static bool is_swapped(const struct part *part, u32 bytes)
{
    for (u32 i = 0; i < bytes; i++) {
        u32 byte = part->bits >> 8 * i & 0xff;
        if (byte != 0 && (byte != 0xff || (i32)i - part->up / 8 != (i32)(bytes - 1 - i))) {
            return false;
        }
    }
    return true;
}

// The bytes of a number in the other order, as compilers spell it for WebAssembly: an `or` of 4 or
// 8 parts, each moved to its place.
static bool select_byte_swap(struct selector *s, bool wide, u32 value)
{
    enum { PARTS = 8 };
    u32 open[PARTS] = {value};
    u32 open_count = 1;
    u64 found = 0;
    u32 x = IR_NONE;
    while (open_count > 0) {
        u32 at = open[--open_count];
        const struct ir_ins *ins = sel_ins(s, at);
        bool is_or = ins->op == (wide ? ROW_I64_OR : ROW_I32_OR);
        struct part part;
        if (is_or && (at == value || x64_is_alone(s, at)) && open_count + 2 <= PARTS) {
            open[open_count++] = ins->a;
            open[open_count++] = ins->b;
            continue;
        }
        if (!part_of(s, wide, at, &part) || (x != IR_NONE && x != part.x) ||
            (found & part.bits) != 0 || !is_swapped(&part, wide ? 8 : 4)) {
            return false;
        }
        x = part.x;
        found |= part.bits;
    }
    if (found != (wide ? UINT64_MAX : UINT32_MAX)) {
        return false;
    }
    u32 from = use(s, wide, x);
    x64_put_def_same_i(s, X64_BSWAP, wide, x64_def(s, value), from, 0);
    return true;
}

static void select_logic(struct selector *s, bool wide, u32 value, enum x64_op op, enum x64_op op_i)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = ins->a;
    u32 b = ins->b;
    u32 def = x64_def(s, value);
    if (op == X64_AND && select_special_and(s, wide, value)) {
        return;
    }
    bool is_tree = op == X64_OR && sel_ins(s, a)->op == ins->op && sel_ins(s, b)->op == ins->op;
    if (is_tree && select_byte_swap(s, wide, value)) {
        return;
    }
    if (sel_is_imm(s, b)) {
        u32 from = use(s, wide, a);
        bool is_inversion = op == X64_XOR && sel_const(s, b) == -1;
        x64_put_def_same_i(s, is_inversion ? X64_NOT : op_i, wide, def, from, (i32)sel_const(s, b));
        return;
    }
    order(s, &a, &b);
    u32 from = use(s, wide, a);
    x64_put_def_same_rm(s, op, wide, def, from, use_rm(s, wide, b));
}

struct shift {
    u16 by_imm;
    u16 by_cl;
    u16 by_reg; // BMI2; X64_OP_COUNT: none
};

static struct shift shift_of(u16 row)
{
    switch (row) {
    case ROW_I32_SHL:
    case ROW_I64_SHL:
        return (struct shift){X64_SHL_I, X64_SHL_CL, X64_SHLX};
    case ROW_I32_SHR_S:
    case ROW_I64_SHR_S:
        return (struct shift){X64_SAR_I, X64_SAR_CL, X64_SARX};
    case ROW_I32_SHR_U:
    case ROW_I64_SHR_U:
        return (struct shift){X64_SHR_I, X64_SHR_CL, X64_SHRX};
    case ROW_I32_ROTL:
    case ROW_I64_ROTL:
        return (struct shift){X64_ROL_I, X64_ROL_CL, X64_OP_COUNT};
    default:
        return (struct shift){X64_ROR_I, X64_ROR_CL, X64_OP_COUNT};
    }
}

static void select_shift_imm(struct selector *s, bool wide, u32 value, u8 count)
{
    const struct ir_ins *ins = sel_ins(s, value);
    struct shift ops = shift_of(ins->op);
    u32 def = x64_def(s, value);
    bool is_rotation = ops.by_reg == X64_OP_COUNT;
    if (is_rotation && has_feature(s, X64_HAS_BMI2) && count != 0) {
        u8 right = ops.by_imm == X64_ROR_I ? count : (wide ? 64 : 32) - count;
        x64_put_def_rm_i(s, X64_RORX, wide, def, use_rm(s, wide, ins->a), right);
        return;
    }
    u32 from = use(s, wide, ins->a);
    if (ops.by_imm == X64_SHL_I && count >= 1 && count <= 3) {
        u32 base = count == 1 ? from : MACH_NONE;
        u8 scale = count == 1 ? 0 : count;
        x64_put_def_rm(s, X64_LEA, wide, def, rm_free(base, from, scale, 0));
        return;
    }
    x64_put_def_same_i(s, (enum x64_op)ops.by_imm, wide, def, from, count);
}

static void select_shift(struct selector *s, bool wide, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    struct shift ops = shift_of(ins->op);
    u32 mask = wide ? 63 : 31;
    u32 count = ins->b;
    if (sel_is_const(s, count)) {
        select_shift_imm(s, wide, value, sel_ins(s, count)->bits & mask & 0xff);
        return;
    }
    const struct ir_ins *masked = sel_ins(s, count); // the CPU masks as WebAssembly does
    if ((masked->op == ROW_I32_AND || masked->op == ROW_I64_AND) && sel_is_const(s, masked->b) &&
        (sel_ins(s, masked->b)->bits & mask) == mask && s->vregs[count] == MACH_NONE) {
        count = masked->a;
    }
    u32 by = x64_use_low(s, count);
    u32 def = x64_def(s, value);
    if (ops.by_reg != X64_OP_COUNT && has_feature(s, X64_HAS_BMI2)) {
        x64_put_def_rm(s, (enum x64_op)ops.by_reg, wide, def, use_rm(s, wide, ins->a));
        x64_operand(s, by, MACH_USE, MACH_IN_REGISTER, 0);
        return;
    }
    x64_put_def_same_i(s, (enum x64_op)ops.by_cl, wide, def, use(s, wide, ins->a), 0);
    x64_operand(s, by, MACH_USE, MACH_FIXED, X64_RCX);
}

// Zeros above the highest or below the lowest 1. Without LZCNT and TZCNT the result for 0 has to be
// put in: BSR counts from below, so that for clz it is the number whose inverse is the width.
static void select_count(struct selector *s, bool wide, u32 value, bool is_leading)
{
    u32 def = x64_def(s, value);
    bool has = has_feature(s, is_leading ? X64_HAS_LZCNT : X64_HAS_BMI1);
    struct rm from = use_rm(s, wide, sel_ins(s, value)->a);
    if (has) {
        x64_put_def_rm(s, is_leading ? X64_LZCNT : X64_TZCNT, wide, def, from);
        return;
    }
    u8 bits = wide ? 64 : 32;
    u8 kind = wide ? KIND_L : KIND_I;
    u32 none = x64_constant(s, kind, is_leading ? 2u * bits - 1 : bits);
    u32 found = x64_vreg(s, kind);
    u32 number = is_leading ? x64_vreg(s, kind) : def;
    x64_put_def_rm(s, is_leading ? X64_BSR : X64_BSF, wide, found, from);
    x64_put_def_same_rm(s, X64_CMOVCC, wide, number, found, rm_reg(none));
    x64_set_condition(s, X64_E);
    if (is_leading) {
        x64_put_def_same_i(s, X64_XOR_I, wide, def, number, bits - 1);
    }
}

// ---- all

static bool select_convert(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    u32 from;
    switch (ins->op) {
    case ROW_I32_WRAP_I64:
    case ROW_I64_EXTEND_I32_U:
        x64_put_def_rm(s, X64_MOV, false, def, rm_reg(x64_use_low(s, ins->a)));
        return true;
    case ROW_I64_EXTEND_I32_S:
        x64_put_def_rm(s, X64_MOVSXD, true, def, x64_rm_low(s, ins->a));
        return true;
    case ROW_I64_EXTEND32_S:
        x64_put_def_rm(s, X64_MOVSXD, true, def, rm_reg(x64_use_low(s, ins->a)));
        return true;
    case ROW_I32_EXTEND8_S:
    case ROW_I64_EXTEND8_S:
        x64_put_def_rm(s, X64_MOVSX8, ins->kind == KIND_L, def, rm_reg(x64_use_low(s, ins->a)));
        return true;
    case ROW_I32_EXTEND16_S:
    case ROW_I64_EXTEND16_S:
        x64_put_def_rm(s, X64_MOVSX16, ins->kind == KIND_L, def, rm_reg(x64_use_low(s, ins->a)));
        return true;
    case ROW_I32_REINTERPRET_F32:
    case ROW_I64_REINTERPRET_F64:
        if (x64_is_memory(s, ins->a)) {
            x64_put_def_rm(s, X64_MOV, ins->kind == KIND_L, def, x64_rm(s, ins->a));
            return true;
        }
        from = x64_use(s, ins->a);
        x64_put(s, X64_MOVD_MR, (struct x64_shape){.is_wide = ins->kind == KIND_L}, 0);
        x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
        x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
        return true;
    default:
        return false;
    }
}

bool x64_select_integer(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    bool wide = ins->kind == KIND_L;
    switch (ins->op) {
    case ROW_I32_ADD:
    case ROW_I64_ADD:
        select_add(s, wide, value);
        return true;
    case ROW_I32_SUB:
    case ROW_I64_SUB:
        select_sub(s, wide, value);
        return true;
    case ROW_I32_MUL:
    case ROW_I64_MUL:
        select_mul(s, wide, value);
        return true;
    case ROW_I32_AND:
    case ROW_I64_AND:
        select_logic(s, wide, value, X64_AND, X64_AND_I);
        return true;
    case ROW_I32_OR:
    case ROW_I64_OR:
        select_logic(s, wide, value, X64_OR, X64_OR_I);
        return true;
    case ROW_I32_XOR:
    case ROW_I64_XOR:
        select_logic(s, wide, value, X64_XOR, X64_XOR_I);
        return true;
    case ROW_I32_CLZ:
    case ROW_I64_CLZ:
        select_count(s, wide, value, true);
        return true;
    case ROW_I32_CTZ:
    case ROW_I64_CTZ:
        select_count(s, wide, value, false);
        return true;
    case ROW_I32_POPCNT:
    case ROW_I64_POPCNT:
        x64_put_def_rm(s, X64_POPCNT, wide, x64_def(s, value), use_rm(s, wide, ins->a));
        return true;
    default:
        break;
    }
    if ((ins->op >= ROW_I32_SHL && ins->op <= ROW_I32_ROTR) ||
        (ins->op >= ROW_I64_SHL && ins->op <= ROW_I64_ROTR)) {
        select_shift(s, wide, value);
        return true;
    }
    if ((ins->op >= ROW_I32_DIV_S && ins->op <= ROW_I32_REM_U) ||
        (ins->op >= ROW_I64_DIV_S && ins->op <= ROW_I64_REM_U)) {
        x64_select_divide(s, value);
        return true;
    }
    return select_convert(s, value);
}
