// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_divide.c: division. By a constant it is a multiplication with the
// constant's inverse as a fraction, rounded up: x / d = (x * M) >> p with M = 2^p / d + 1, exact
// for all x of n bits when M * d - 2^p <= 2^(p - n).
//
// Source  Granlund, Montgomery: Division by Invariant Integers using Multiplication, 1994.
#include "core/jit/x86_64/select.h"

struct inverse {
    u64 m;        // without what does not fit 64 bits
    bool carries; // M is m + 2^64
    u8 p;
};

// The inverse with the least p from `p` on that is exact for numbers of n bits.
static struct inverse inverse_of(u64 d, u32 p, u32 n)
{
    // 2^p / d, a bit at a time.
    u64 q = 0;
    u64 r = 1;
    bool carries = false;
    ASSERT(d >= 3 && p >= n && p < 128);
    for (u32 i = 0;; i++) {
        // M * d - 2^i is d - r.
        u32 slack = i - n;
        if (i >= p && (slack >= 64 || d - r <= (u64)1 << slack)) {
            return (struct inverse){.m = q + 1, .carries = carries, .p = (u8)i};
        }
        bool is_over = r >> 63 != 0 || r << 1 >= d;
        carries = q >> 63 != 0;
        q = q << 1 | is_over;
        r = (r << 1) - (is_over ? d : 0);
    }
}

struct divide {
    u32 value;
    bool wide;
    bool is_signed;
    bool is_rest;
    u8 kind;
    u8 bits;
    u32 from; // dividend
    u64 by;   // magnitude of a constant divisor
    bool is_negative;
};

static u32 shifted(struct selector *s, enum x64_op op, bool wide, u32 from, u32 count)
{
    if (count == 0) {
        return from;
    }
    u32 out = x64_vreg(s, wide ? KIND_L : KIND_I);
    x64_put_def_same_i(s, op, wide, out, from, (i32)count);
    return out;
}

// The high half of from * m.
static u32 high_half(struct selector *s, u32 from, u64 m, bool is_signed)
{
    u32 factor = x64_constant(s, KIND_L, m);
    u32 low = x64_vreg(s, KIND_L);
    u32 high = x64_vreg(s, KIND_L);
    x64_put(s, X64_HALVES, (struct x64_shape){.is_wide = true, .condition = is_signed}, 0);
    x64_operand(s, low, MACH_DEF, MACH_FIXED, X64_RAX);
    x64_operand(s, high, MACH_DEF, MACH_FIXED, X64_RDX);
    x64_operand(s, factor, MACH_USE, MACH_FIXED, X64_RAX);
    x64_operand(s, from, MACH_USE, MACH_ANYWHERE, 0);
    return high;
}

static u32 times(struct selector *s, bool wide, u32 from, u64 by)
{
    u32 out = x64_vreg(s, wide ? KIND_L : KIND_I);
    if (!wide || by == (u64)(i32)by) {
        x64_put_def_rm_i(s, X64_IMUL_I, wide, out, rm_reg(from), (i32)by);
    } else {
        x64_put_def_same_rm(s, X64_IMUL, wide, out, from, rm_reg(x64_constant(s, KIND_L, by)));
    }
    return out;
}

static u32 sum(struct selector *s, bool wide, u32 a, u32 b)
{
    u32 out = x64_vreg(s, wide ? KIND_L : KIND_I);
    x64_put_def_rm(s, X64_LEA, wide, out, rm_free(a, b, 0, 0));
    return out;
}

static u32 difference(struct selector *s, bool wide, u32 a, u32 b)
{
    u32 out = x64_vreg(s, wide ? KIND_L : KIND_I);
    x64_put_def_same_rm(s, X64_SUB, wide, out, a, rm_reg(b));
    return out;
}

// 32 bits: the product of 64 bits has room for all of it but a factor of 33 bits.
static u32 quotient_u32(struct selector *s, const struct divide *it)
{
    u32 zeros = (u32)__builtin_ctzll(it->by);
    struct inverse inverse = inverse_of(it->by, 32, 32);
    u32 from = it->from;
    if (inverse.m > UINT32_MAX && zeros == 0) {
        inverse = inverse_of(it->by, 64, 32);
        return high_half(s, from, inverse.m, false);
    }
    if (inverse.m > UINT32_MAX) {
        from = shifted(s, X64_SHR_I, false, from, zeros);
        inverse = inverse_of(it->by >> zeros, 32, 32 - zeros);
    }
    return shifted(s, X64_SHR_I, true, times(s, true, from, inverse.m), inverse.p);
}

static u32 quotient_u64(struct selector *s, const struct divide *it)
{
    u32 zeros = (u32)__builtin_ctzll(it->by);
    struct inverse inverse = inverse_of(it->by, 64, 64);
    u32 from = it->from;
    if (inverse.carries && zeros != 0) {
        from = shifted(s, X64_SHR_I, true, from, zeros);
        inverse = inverse_of(it->by >> zeros, 64, 64 - zeros);
    }
    u32 high = high_half(s, from, inverse.m, false);
    if (inverse.carries) { // (from * 2^64 + from * m) >> p without a 65th bit
        u32 rest = shifted(s, X64_SHR_I, true, difference(s, true, from, high), 1);
        return shifted(s, X64_SHR_I, true, sum(s, true, rest, high), inverse.p - 65u);
    }
    return shifted(s, X64_SHR_I, true, high, inverse.p - 64u);
}

// Rounding is downwards so far: a negative dividend gets one more.
static u32 quotient_signed(struct selector *s, const struct divide *it)
{
    u32 sign = shifted(s, X64_SHR_I, it->wide, it->from, it->bits - 1u);
    u32 down;
    if (it->wide) {
        struct inverse inverse = inverse_of(it->by, 64, 63);
        down = high_half(s, it->from, inverse.m, true);
        if (inverse.m >> 63 != 0) { // read as m - 2^64
            down = sum(s, true, down, it->from);
        }
        down = shifted(s, X64_SAR_I, true, down, inverse.p - 64u);
    } else {
        struct inverse inverse = inverse_of(it->by, 32, 31);
        u32 extended = x64_vreg(s, KIND_L);
        x64_put_def_rm(s, X64_MOVSXD, true, extended, rm_reg(it->from));
        down = shifted(s, X64_SAR_I, true, times(s, true, extended, inverse.m), inverse.p);
    }
    return sum(s, it->wide, down, sign);
}

// What a dividend needs for rounding towards 0 by 2^log2: 2^log2 - 1 if it is negative.
static u32 rounded(struct selector *s, const struct divide *it, u32 log2)
{
    u32 sign = log2 == 1 ? it->from : shifted(s, X64_SAR_I, it->wide, it->from, it->bits - 1u);
    return sum(s, it->wide, it->from, shifted(s, X64_SHR_I, it->wide, sign, it->bits - log2));
}

static void finish(struct selector *s, const struct divide *it, u32 quotient)
{
    u32 def = x64_def(s, it->value);
    if (it->is_rest) {
        u32 product = times(s, it->wide, quotient, it->by);
        x64_put_def_same_rm(s, X64_SUB, it->wide, def, it->from, rm_reg(product));
    } else if (it->is_negative) {
        x64_put_def_same_i(s, X64_NEG, it->wide, def, quotient, 0);
    } else {
        x64_put_copy(s, def, quotient); // zeros are above one of 32 bits
    }
}

static void by_power(struct selector *s, const struct divide *it)
{
    u32 log2 = (u32)__builtin_ctzll(it->by);
    u32 def = x64_def(s, it->value);
    u64 mask = it->by - 1;
    if (!it->is_signed && !it->is_rest) {
        x64_put_def_same_i(s, X64_SHR_I, it->wide, def, it->from, (i32)log2);
    } else if (!it->is_signed) {
        if (mask <= INT32_MAX) {
            x64_put_def_same_i(s, X64_AND_I, it->wide, def, it->from, (i32)mask);
        } else {
            x64_put_def_same_rm(s, X64_AND, it->wide, def, it->from,
                                rm_reg(x64_constant(s, it->kind, mask)));
        }
    } else if (!it->is_rest) {
        u32 quotient = shifted(s, X64_SAR_I, it->wide, rounded(s, it, log2), log2);
        finish(s, it, quotient);
    } else {
        u32 multiple = x64_vreg(s, it->kind);
        u32 from = rounded(s, it, log2);
        x64_put_def_same_rm(s, X64_AND, it->wide, multiple, from,
                            rm_reg(x64_constant(s, it->kind, ~mask)));
        x64_put_def_same_rm(s, X64_SUB, it->wide, def, it->from, rm_reg(multiple));
    }
}

static void by_constant(struct selector *s, const struct divide *it)
{
    if (it->by == 1) { // not of -1
        u32 def = x64_def(s, it->value);
        if (it->is_rest) {
            x64_put(s, X64_ZERO, (struct x64_shape){0}, 0);
            x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
        } else {
            x64_put_def_rm(s, X64_MOV, it->wide, def, rm_reg(it->from));
        }
    } else if ((it->by & (it->by - 1)) == 0) {
        by_power(s, it);
    } else if (it->is_signed) {
        finish(s, it, quotient_signed(s, it));
    } else {
        finish(s, it, it->wide ? quotient_u64(s, it) : quotient_u32(s, it));
    }
}

static void by_value(struct selector *s, const struct divide *it, u32 divisor)
{
    bool is_known = sel_is_const(s, divisor) && sel_const(s, divisor) != -1;
    u32 by = it->wide ? x64_use(s, divisor) : x64_use_low(s, divisor);
    enum x64_op op = !it->is_signed ? X64_DIVIDE_U
                     : is_known     ? X64_DIVIDE_S
                     : it->is_rest  ? X64_REMAINDER_S_ANY
                                    : X64_DIVIDE_S_ANY;
    u32 def = x64_def(s, it->value);
    u32 other = x64_vreg(s, it->kind);
    x64_put(s, op, (struct x64_shape){.is_wide = it->wide, .trap = TRAP_DIVIDE_BY_ZERO}, 0);
    x64_operand(s, it->is_rest ? other : def, MACH_DEF, MACH_FIXED, X64_RAX);
    x64_operand(s, it->is_rest ? def : other, MACH_DEF_EARLY, MACH_FIXED, X64_RDX);
    x64_operand(s, it->from, MACH_USE, MACH_FIXED, X64_RAX);
    x64_operand(s, by, MACH_USE_LATE, MACH_ANYWHERE, 0);
}

void x64_select_divide(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u16 row = ins->op;
    bool wide = ins->kind == KIND_L;
    struct divide it = {
        .value = value,
        .wide = wide,
        .kind = ins->kind,
        .bits = wide ? 64 : 32,
        .is_signed = row == ROW_I32_DIV_S || row == ROW_I32_REM_S || row == ROW_I64_DIV_S ||
                     row == ROW_I64_REM_S,
        .is_rest = row == ROW_I32_REM_S || row == ROW_I32_REM_U || row == ROW_I64_REM_S ||
                   row == ROW_I64_REM_U,
    };
    bool is_const = sel_is_const(s, ins->b);
    i64 by = is_const ? sel_const(s, ins->b) : 0;
    // A multiplication of 64 bits reads zeros above an i32.
    it.from = wide || (is_const && !it.is_signed) ? x64_use(s, ins->a) : x64_use_low(s, ins->a);
    if (!is_const || by == 0 || (it.is_signed && by == -1)) {
        by_value(s, &it, ins->b);
        return;
    }
    it.is_negative = it.is_signed && by < 0;
    it.by = it.is_negative ? -(u64)by : (u64)by;
    it.by &= wide ? UINT64_MAX : UINT32_MAX;
    by_constant(s, &it);
}
