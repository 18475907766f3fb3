// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector_number.c: arithmetic on lanes that takes several instructions, and
// shifts.
#include "core/jit/x86_64/select_vector.h"

// ---- products of twice the width

struct product {
    u8 bytes; // of a factor's lane
    bool is_high;
    bool is_unsigned;
};

static bool product_of(u16 op, struct product *out)
{
    u32 which;
    if (op >= ROW_I16X8_EXTMUL_LOW_I8X16_S && op <= ROW_I16X8_EXTMUL_HIGH_I8X16_U) {
        which = (u32)op - ROW_I16X8_EXTMUL_LOW_I8X16_S;
        out->bytes = 1;
    } else if (op >= ROW_I32X4_EXTMUL_LOW_I16X8_S && op <= ROW_I32X4_EXTMUL_HIGH_I16X8_U) {
        which = (u32)op - ROW_I32X4_EXTMUL_LOW_I16X8_S;
        out->bytes = 2;
    } else if (op >= ROW_I64X2_EXTMUL_LOW_I32X4_S && op <= ROW_I64X2_EXTMUL_HIGH_I32X4_U) {
        which = (u32)op - ROW_I64X2_EXTMUL_LOW_I32X4_S;
        out->bytes = 4;
    } else {
        return false;
    }
    out->is_high = (which & 1) != 0;
    out->is_unsigned = (which & 2) != 0;
    return true;
}

// One half of a vector of bytes as words.
static u32 widened(struct selector *s, u32 from, const struct product *it)
{
    if (!it->is_high) {
        return vector_unary(s, it->is_unsigned ? X64_PMOVZXBW : X64_PMOVSXBW, rm_reg(from));
    }
    if (it->is_unsigned) {
        return vector_binary(s, X64_PUNPCKHBW, from, rm_reg(vector_zero(s)));
    }
    return vector_shift(s, X64_PSRAW_I, vector_binary(s, X64_PUNPCKHBW, from, rm_reg(from)), 8);
}

static void select_product(struct selector *s, u32 def, const struct ir_ins *ins,
                           const struct product *it)
{
    enum { LOW_PAIR = 0x50, HIGH_PAIR = 0xfa }; // for PSHUFD: lanes 0 0 1 1, 2 2 3 3
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    if (it->bytes == 1) {
        u32 left = widened(s, a, it);
        u32 right = a == b ? left : widened(s, b, it);
        x64_put_sse(s, X64_PMULLW, def, left, rm_reg(right));
    } else if (it->bytes == 2) {
        u32 low = vector_binary(s, X64_PMULLW, a, rm_reg(b));
        u32 high = vector_binary(s, it->is_unsigned ? X64_PMULHUW : X64_PMULHW, a, rm_reg(b));
        x64_put_sse(s, it->is_high ? X64_PUNPCKHWD : X64_PUNPCKLWD, def, low, rm_reg(high));
    } else {
        u8 order = it->is_high ? HIGH_PAIR : LOW_PAIR;
        u32 left = vector_unary_i(s, X64_PSHUFD, rm_reg(a), order);
        u32 right = a == b ? left : vector_unary_i(s, X64_PSHUFD, rm_reg(b), order);
        x64_put_sse(s, it->is_unsigned ? X64_PMULUDQ : X64_PMULDQ, def, left, rm_reg(right));
    }
}

// The low half, and the two products of a low and a high half, which count 32 bits higher.
static void select_mul_64(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    u32 high_a = vector_shift(s, X64_PSRLQ_I, a, 32);
    u32 mixed = vector_binary(s, X64_PMULUDQ, high_a, rm_reg(b));
    u32 high_b = vector_shift(s, X64_PSRLQ_I, b, 32);
    u32 other = vector_binary(s, X64_PMULUDQ, high_b, rm_reg(a));
    u32 sum = vector_binary(s, X64_PADDQ, mixed, rm_reg(other));
    u32 high = vector_shift(s, X64_PSLLQ_I, sum, 32);
    u32 low = vector_binary(s, X64_PMULUDQ, a, rm_reg(b));
    x64_put_sse(s, X64_PADDQ, def, low, rm_reg(high));
}

// Only -1 times -1 does not fit: the CPU gives the least number where the greatest is asked.
static void select_q15mulr(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 a = x64_use(s, ins->a);
    u32 out = vector_binary(s, X64_PMULHRSW, a, x64_vector_rm(s, ins->b));
    u32 least = vector_binary(s, X64_PCMPEQW, out, rm_splat(s, 0x8000, 2));
    x64_put_sse(s, X64_PXOR, def, out, rm_reg(least));
}

static bool select_products(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    struct product product;
    u32 def = x64_def(s, value);
    if (product_of(ins->op, &product)) {
        select_product(s, def, ins, &product);
        return true;
    }
    switch (ins->op) {
    case ROW_I64X2_MUL:
        select_mul_64(s, def, ins);
        return true;
    case ROW_I16X8_Q15MULR_SAT_S:
        select_q15mulr(s, def, ins);
        return true;
    default:
        return false;
    }
}

// ---- sums of neighbours, and lanes of twice the width

static bool select_wide(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    u32 a = x64_use(s, ins->a);
    switch (ins->op) {
    case ROW_I16X8_EXTADD_PAIRWISE_I8X16_S: { // the first factors have no sign
        u64 ones = vector_splat(1, 1);
        x64_put_sse(s, X64_PMADDUBSW, def, x64_vector_constant(s, ones, ones), rm_reg(a));
        return true;
    }
    case ROW_I16X8_EXTADD_PAIRWISE_I8X16_U:
        x64_put_sse(s, X64_PMADDUBSW, def, a, rm_splat(s, 1, 1));
        return true;
    case ROW_I32X4_EXTADD_PAIRWISE_I16X8_S:
        x64_put_sse(s, X64_PMADDWD, def, a, rm_splat(s, 1, 2));
        return true;
    case ROW_I32X4_EXTADD_PAIRWISE_I16X8_U: { // each less 2^15, as signed ones
        u32 less = vector_binary(s, X64_PXOR, a, rm_splat(s, 0x8000, 2));
        u32 sum = vector_binary(s, X64_PMADDWD, less, rm_splat(s, 1, 2));
        x64_put_sse(s, X64_PADDD, def, sum, rm_splat(s, 0x10000, 4));
        return true;
    }
    case ROW_I16X8_EXTEND_HIGH_I8X16_S:
        x64_put_sse_shift(s, X64_PSRAW_I, def, vector_binary(s, X64_PUNPCKHBW, a, rm_reg(a)), 8);
        return true;
    case ROW_I16X8_EXTEND_HIGH_I8X16_U:
        x64_put_sse(s, X64_PUNPCKHBW, def, a, rm_reg(vector_zero(s)));
        return true;
    case ROW_I32X4_EXTEND_HIGH_I16X8_S:
        x64_put_sse_shift(s, X64_PSRAD_I, def, vector_binary(s, X64_PUNPCKHWD, a, rm_reg(a)), 16);
        return true;
    case ROW_I32X4_EXTEND_HIGH_I16X8_U:
        x64_put_sse(s, X64_PUNPCKHWD, def, a, rm_reg(vector_zero(s)));
        return true;
    case ROW_I64X2_EXTEND_HIGH_I32X4_S: {
        enum { HIGH_HALF = 0xee };
        u32 high = vector_unary_i(s, X64_PSHUFD, rm_reg(a), HIGH_HALF);
        x64_put_def_rm(s, X64_PMOVSXDQ, false, def, rm_reg(high));
        return true;
    }
    case ROW_I64X2_EXTEND_HIGH_I32X4_U:
        x64_put_sse(s, X64_PUNPCKHDQ, def, a, rm_reg(vector_zero(s)));
        return true;
    default:
        return false;
    }
}

// ---- signs and bits

static void put_negative(struct selector *s, enum x64_op op, u32 value)
{
    u32 zero = vector_zero(s);
    x64_put_sse(s, op, x64_def(s, value), zero, x64_vector_rm(s, sel_ins(s, value)->a));
}

static void select_abs_64(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 a = x64_use(s, ins->a);
    u32 sign = vector_binary(s, X64_PCMPGTQ, vector_zero(s), rm_reg(a));
    u32 turned = vector_binary(s, X64_PXOR, a, rm_reg(sign));
    x64_put_sse(s, X64_PSUBQ, def, turned, rm_reg(sign));
}

// Of each half of a byte by a table.
static void select_popcnt(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u64 low_counts = 0x0302020102010100;
    u64 high_counts = 0x0403030203020201;
    u32 a = x64_use(s, ins->a);
    u32 table = x64_vector_constant(s, low_counts, high_counts);
    u32 low = vector_binary(s, X64_PAND, a, rm_splat(s, 0x0f, 1));
    u32 shifted = vector_shift(s, X64_PSRLW_I, a, 4);
    u32 high = vector_binary(s, X64_PAND, shifted, rm_splat(s, 0x0f, 1));
    u32 of_low = vector_binary(s, X64_PSHUFB, table, rm_reg(low));
    u32 of_high = vector_binary(s, X64_PSHUFB, table, rm_reg(high));
    x64_put_sse(s, X64_PADDB, def, of_low, rm_reg(of_high));
}

static bool select_sign(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    u64 sign_f = vector_splat((u64)1 << 31, 4);
    u64 sign_d = (u64)1 << 63;
    u64 half;
    switch (ins->op) {
    case ROW_I8X16_NEG:
        put_negative(s, X64_PSUBB, value);
        return true;
    case ROW_I16X8_NEG:
        put_negative(s, X64_PSUBW, value);
        return true;
    case ROW_I32X4_NEG:
        put_negative(s, X64_PSUBD, value);
        return true;
    case ROW_I64X2_NEG:
        put_negative(s, X64_PSUBQ, value);
        return true;
    case ROW_I64X2_ABS:
        select_abs_64(s, def, ins);
        return true;
    case ROW_I8X16_POPCNT:
        select_popcnt(s, def, ins);
        return true;
    case ROW_F32X4_ABS:
    case ROW_F64X2_ABS:
        half = ins->op == ROW_F32X4_ABS ? ~sign_f : ~sign_d;
        x64_put_sse(s, X64_ANDPS, def, x64_use(s, ins->a), rm_vector(s, half, half));
        return true;
    case ROW_F32X4_NEG:
    case ROW_F64X2_NEG:
        half = ins->op == ROW_F32X4_NEG ? sign_f : sign_d;
        x64_put_sse(s, X64_XORPS, def, x64_use(s, ins->a), rm_vector(s, half, half));
        return true;
    default:
        return false;
    }
}

// ---- least and greatest floats

// Makes a quiet NaN of every lane of `bits` that is one: all bits below the quiet one are cleared.
static void put_quiet(struct selector *s, u32 def, u32 bits, u32 is_nan, bool is_double)
{
    enum { ABOVE_PAYLOAD_F = 10, ABOVE_PAYLOAD_D = 13 }; // sign, exponent, quiet bit
    u32 payload = vector_shift(s, is_double ? X64_PSRLQ_I : X64_PSRLD_I, is_nan,
                               is_double ? ABOVE_PAYLOAD_D : ABOVE_PAYLOAD_F);
    x64_put_sse(s, X64_ANDNPS, def, payload, rm_reg(bits));
}

enum { UNORDERED = 3 }; // of CMPPS

// The CPU takes the second operand where one is a NaN or both are 0. Asked both ways, the two
// answers together have every bit of a NaN, and the sign of -0.
static void select_min(struct selector *s, u32 def, const struct ir_ins *ins, bool is_double)
{
    enum x64_op op = is_double ? X64_MINPD : X64_MINPS;
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    u32 one = vector_binary(s, op, a, rm_reg(b));
    u32 other = vector_binary(s, op, b, rm_reg(a));
    u32 both = vector_binary(s, X64_ORPS, one, rm_reg(other));
    u32 is_nan =
        vector_binary_i(s, is_double ? X64_CMPPD : X64_CMPPS, one, rm_reg(other), UNORDERED);
    u32 marked = vector_binary(s, X64_ORPS, both, rm_reg(is_nan));
    put_quiet(s, def, marked, is_nan, is_double);
}

// Where the two answers differ: bits of a NaN are joined, and -0 less -0 is +0.
static void select_max(struct selector *s, u32 def, const struct ir_ins *ins, bool is_double)
{
    enum x64_op op = is_double ? X64_MAXPD : X64_MAXPS;
    u32 a = x64_use(s, ins->a);
    u32 b = x64_use(s, ins->b);
    u32 one = vector_binary(s, op, a, rm_reg(b));
    u32 other = vector_binary(s, op, b, rm_reg(a));
    u32 differing = vector_binary(s, X64_XORPS, other, rm_reg(one));
    u32 both = vector_binary(s, X64_ORPS, one, rm_reg(differing));
    u32 out = vector_binary(s, is_double ? X64_SUBPD : X64_SUBPS, both, rm_reg(differing));
    u32 is_nan = vector_binary_i(s, is_double ? X64_CMPPD : X64_CMPPS, out, rm_reg(out), UNORDERED);
    put_quiet(s, def, out, is_nan, is_double);
}

static bool select_extreme(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    switch (ins->op) {
    case ROW_F32X4_MIN:
    case ROW_F64X2_MIN:
        select_min(s, def, ins, ins->op == ROW_F64X2_MIN);
        return true;
    case ROW_F32X4_MAX:
    case ROW_F64X2_MAX:
        select_max(s, def, ins, ins->op == ROW_F64X2_MAX);
        return true;
    default:
        return false;
    }
}

bool x64_select_vector_number(struct selector *s, u32 value)
{
    return select_products(s, value) || select_extreme(s, value) || select_sign(s, value) ||
           select_wide(s, value);
}

// ---- shifts

struct shift {
    u16 by_register;
    u16 by_constant;
    u8 bits; // of a lane
    bool is_right;
    bool is_signed;
};

// Lanes of 8 bits are shifted as ones of 16; those of 64 have no signed shift.
static const struct shift *shift_of(u16 op)
{
    static const struct shift shifts[] = {
        {X64_PSLLW, X64_PSLLW_I, 8, false, false},  {X64_PSRAW, X64_PSRAW_I, 8, true, true},
        {X64_PSRLW, X64_PSRLW_I, 8, true, false},   {X64_PSLLW, X64_PSLLW_I, 16, false, false},
        {X64_PSRAW, X64_PSRAW_I, 16, true, true},   {X64_PSRLW, X64_PSRLW_I, 16, true, false},
        {X64_PSLLD, X64_PSLLD_I, 32, false, false}, {X64_PSRAD, X64_PSRAD_I, 32, true, true},
        {X64_PSRLD, X64_PSRLD_I, 32, true, false},  {X64_PSLLQ, X64_PSLLQ_I, 64, false, false},
        {X64_PSRLQ, X64_PSRLQ_I, 64, true, true},   {X64_PSRLQ, X64_PSRLQ_I, 64, true, false},
    };
    static const u16 firsts[] = {ROW_I8X16_SHL, ROW_I16X8_SHL, ROW_I32X4_SHL, ROW_I64X2_SHL};
    for (u32 i = 0; i < COUNT_OF(firsts); i++) {
        if (op >= firsts[i] && op < firsts[i] + 3) {
            return &shifts[3 * i + (op - firsts[i])];
        }
    }
    return NULL;
}

// Without sign to with one: the bit that was the sign is spread upwards.
static void put_spread(struct selector *s, u32 def, u32 from, struct rm sign, enum x64_op subtract)
{
    u32 sign_reg = sign.kind == X64_RM_REGISTER ? sign.base : MACH_NONE;
    u32 turned = vector_binary(s, X64_PXOR, from, sign);
    x64_put_sse(s, subtract, def, turned, sign_reg != MACH_NONE ? rm_reg(sign_reg) : sign);
}

static void shift_bytes(struct selector *s, u32 def, const struct shift *it, u32 from, u8 amount)
{
    if (!it->is_right) {
        u32 shifted = vector_shift(s, X64_PSLLW_I, from, amount);
        x64_put_sse(s, X64_PAND, def, shifted, rm_splat(s, (u64)0xff << amount, 1));
        return;
    }
    u32 shifted = vector_shift(s, X64_PSRLW_I, from, amount);
    u32 out = it->is_signed ? vector_new(s) : def;
    x64_put_sse(s, X64_PAND, out, shifted, rm_splat(s, (u64)0xff >> amount, 1));
    if (it->is_signed) {
        put_spread(s, def, out, rm_splat(s, (u64)0x80 >> amount, 1), X64_PSUBB);
    }
}

static void shift_by_constant(struct selector *s, u32 def, const struct shift *it, u32 from,
                              u8 amount)
{
    if (amount == 0) {
        x64_put_copy(s, def, from);
    } else if (it->bits == 8) {
        shift_bytes(s, def, it, from, amount);
    } else if (it->bits == 64 && it->is_signed) {
        u32 shifted = vector_shift(s, X64_PSRLQ_I, from, amount);
        u64 sign = (u64)1 << (63 - amount);
        put_spread(s, def, shifted, rm_vector(s, sign, sign), X64_PSUBQ);
    } else {
        x64_put_sse_shift(s, (enum x64_op)it->by_constant, def, from, amount);
    }
}

// The number of bits, modulo those of a lane, plus `more`, in a vector register.
static u32 amount_register(struct selector *s, const struct shift *it, u32 value, i32 more)
{
    u32 amount = x64_vreg(s, KIND_I);
    x64_put_def_same_i(s, X64_AND_I, false, amount, x64_use_low(s, value), it->bits - 1);
    if (more != 0) {
        u32 sum = x64_vreg(s, KIND_I);
        x64_put_def_same_i(s, X64_ADD_I, false, sum, amount, more);
        amount = sum;
    }
    return vector_unary(s, X64_MOVD, rm_reg(amount));
}

// As words whose high byte counts, shifted by 8 more.
static void shift_bytes_signed(struct selector *s, u32 def, const struct shift *it, u32 from,
                               u32 value)
{
    u32 amount = amount_register(s, it, value, 8);
    u32 low = vector_binary(s, X64_PUNPCKLBW, from, rm_reg(from));
    u32 high = vector_binary(s, X64_PUNPCKHBW, from, rm_reg(from));
    u32 low_out = vector_binary(s, X64_PSRAW, low, rm_reg(amount));
    u32 high_out = vector_binary(s, X64_PSRAW, high, rm_reg(amount));
    x64_put_sse(s, X64_PACKSSWB, def, low_out, rm_reg(high_out));
}

// As words, with a mask of the bits that stay in their byte: those that stay below when shifted to
// the left, those that came down when shifted to the right.
static void shift_bytes_unsigned(struct selector *s, u32 def, const struct shift *it, u32 from,
                                 u32 value)
{
    u32 amount = amount_register(s, it, value, 0);
    u32 above = amount_register(s, it, value, 8);
    u32 words = vector_binary(s, X64_PSRLW, vector_ones(s), rm_reg(above));
    u32 mask = vector_binary(s, X64_PACKUSWB, words, rm_reg(words));
    if (it->is_right) {
        u32 shifted = vector_binary(s, X64_PSRLW, from, rm_reg(amount));
        x64_put_sse(s, X64_PAND, def, shifted, rm_reg(mask));
    } else {
        u32 kept = vector_binary(s, X64_PAND, from, rm_reg(mask));
        x64_put_sse(s, X64_PSLLW, def, kept, rm_reg(amount));
    }
}

static void shift_by_register(struct selector *s, u32 def, const struct shift *it, u32 from,
                              u32 value)
{
    if (it->bits == 8 && it->is_signed) {
        shift_bytes_signed(s, def, it, from, value);
        return;
    }
    if (it->bits == 8) {
        shift_bytes_unsigned(s, def, it, from, value);
        return;
    }
    u32 amount = amount_register(s, it, value, 0);
    if (it->bits == 64 && it->is_signed) {
        u64 top = (u64)1 << 63;
        u32 shifted = vector_binary(s, X64_PSRLQ, from, rm_reg(amount));
        u32 sign = vector_binary(s, X64_PSRLQ, x64_vector_constant(s, top, top), rm_reg(amount));
        put_spread(s, def, shifted, rm_reg(sign), X64_PSUBQ);
        return;
    }
    x64_put_sse(s, (enum x64_op)it->by_register, def, from, rm_reg(amount));
}

bool x64_select_vector_shift(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    const struct shift *it = shift_of(ins->op);
    if (it == NULL) {
        return false;
    }
    u32 def = x64_def(s, value);
    u32 from = x64_use(s, ins->a);
    if (sel_is_const(s, ins->b)) {
        u8 amount = (u8)(sel_ins(s, ins->b)->bits & (it->bits - 1u));
        shift_by_constant(s, def, it, from, amount);
    } else {
        shift_by_register(s, def, it, from, ins->b);
    }
    return true;
}
