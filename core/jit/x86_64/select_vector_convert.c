// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector_convert.c: conversions between vectors of integers and of floats
// that the CPU has no instruction for.
#include "core/jit/x86_64/select_vector.h"

// Floats, as all lanes of a constant.
static const u64 f32_2_31 = 0x4f000000;
static const u64 f64_2_52 = 0x4330000000000000;
static const u64 f64_i32_most = 0x41dfffffffc00000;
static const u64 f64_u32_most = 0x41efffffffe00000;

enum { LESS_EQUAL = 2, EQUAL = 0 }; // of CMPPS

// What the CPU cannot convert becomes the least number; all bits of it turned, the greatest.
static void trunc_f32_signed(struct selector *s, u32 def, u32 from)
{
    u32 is_number = vector_binary_i(s, X64_CMPPS, from, rm_reg(from), EQUAL);
    u32 number = vector_binary(s, X64_ANDPS, from, rm_reg(is_number));
    u64 limit = vector_splat(f32_2_31, 4);
    u32 limits = x64_vector_constant(s, limit, limit);
    u32 is_more = vector_binary_i(s, X64_CMPPS, limits, rm_reg(number), LESS_EQUAL);
    u32 out = vector_unary(s, X64_CVTTPS2DQ, rm_reg(number));
    x64_put_sse(s, X64_PXOR, def, out, rm_reg(is_more));
}

// What is 2^31 or more is the sum of two conversions: the CPU's answer for it, which is 2^31, and
// that for what is above.
static void trunc_f32_unsigned(struct selector *s, u32 def, u32 from)
{
    u64 limit = vector_splat(f32_2_31, 4);
    u32 limits = x64_vector_constant(s, limit, limit);
    u32 number = vector_binary(s, X64_MAXPS, from, rm_reg(vector_zero(s))); // a NaN is 0 now
    u32 low = vector_unary(s, X64_CVTTPS2DQ, rm_reg(number));
    u32 above = vector_binary(s, X64_SUBPS, number, rm_reg(limits));
    u32 is_more = vector_binary_i(s, X64_CMPPS, limits, rm_reg(above), LESS_EQUAL);
    u32 rest = vector_unary(s, X64_CVTTPS2DQ, rm_reg(above));
    u32 capped = vector_binary(s, X64_PXOR, rest, rm_reg(is_more));
    u32 high = vector_binary(s, X64_PMAXSD, capped, rm_reg(vector_zero(s)));
    x64_put_sse(s, X64_PADDD, def, low, rm_reg(high));
}

// The upper limit is 0 where there is a NaN, and then comes out.
static void trunc_f64_signed(struct selector *s, u32 def, u32 from)
{
    u32 is_number = vector_binary_i(s, X64_CMPPD, from, rm_reg(from), EQUAL);
    u32 limits = vector_binary(s, X64_ANDPS, is_number, rm_splat(s, f64_i32_most, 8));
    u32 number = vector_binary(s, X64_MINPD, from, rm_reg(limits));
    x64_put_def_rm(s, X64_CVTTPD2DQ, false, def, rm_reg(number));
}

// 2^52 more has the integer in its low half.
static void trunc_f64_unsigned(struct selector *s, u32 def, u32 from)
{
    enum { TOWARDS_0 = 3, NOT_INEXACT = 8, EVEN_LANES = 0x88 };
    u32 zero = vector_zero(s);
    u32 least = vector_binary(s, X64_MAXPD, from, rm_reg(zero));
    u32 number = vector_binary(s, X64_MINPD, least, rm_splat(s, f64_u32_most, 8));
    u32 whole = vector_unary_i(s, X64_ROUNDPD, rm_reg(number), TOWARDS_0 | NOT_INEXACT);
    u32 sum = vector_binary(s, X64_ADDPD, whole, rm_splat(s, f64_2_52, 8));
    x64_put_sse_i(s, X64_SHUFPS, false, def, sum, rm_reg(zero), EVEN_LANES);
}

// The two halves become floats by their exponents, 2^23 and 2^39; what both have too much is taken
// off before the one sum that rounds.
static void convert_u32(struct selector *s, u32 def, u32 from)
{
    enum { ODD_WORDS = 0xaa };
    u64 exponent_low = vector_splat(0x4b000000, 4);
    u64 exponent_high = vector_splat(0x53000000, 4);
    u32 low =
        vector_binary_i(s, X64_PBLENDW, from, rm_vector(s, exponent_low, exponent_low), ODD_WORDS);
    u32 shifted = vector_shift(s, X64_PSRLD_I, from, 16);
    u32 high = vector_binary_i(s, X64_PBLENDW, shifted, rm_vector(s, exponent_high, exponent_high),
                               ODD_WORDS);
    u32 less = vector_binary(s, X64_SUBPS, high, rm_splat(s, 0x53000080, 4));
    x64_put_sse(s, X64_ADDPS, def, low, rm_reg(less));
}

static void convert_low_u32(struct selector *s, u32 def, u32 from)
{
    u32 pairs = vector_binary(s, X64_PUNPCKLDQ, from, rm_splat(s, f64_2_52 >> 32, 4));
    x64_put_sse(s, X64_SUBPD, def, pairs, rm_splat(s, f64_2_52, 8));
}

bool x64_select_vector_convert(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    u32 from = x64_use(s, ins->a);
    switch (ins->op) {
    case ROW_I32X4_TRUNC_SAT_F32X4_S:
        trunc_f32_signed(s, def, from);
        return true;
    case ROW_I32X4_TRUNC_SAT_F32X4_U:
        trunc_f32_unsigned(s, def, from);
        return true;
    case ROW_I32X4_TRUNC_SAT_F64X2_S_ZERO:
        trunc_f64_signed(s, def, from);
        return true;
    case ROW_I32X4_TRUNC_SAT_F64X2_U_ZERO:
        trunc_f64_unsigned(s, def, from);
        return true;
    case ROW_F32X4_CONVERT_I32X4_U:
        convert_u32(s, def, from);
        return true;
    case ROW_F64X2_CONVERT_LOW_I32X4_U:
        convert_low_u32(s, def, from);
        return true;
    default:
        return false;
    }
}
