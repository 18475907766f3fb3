// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector.c: loads, stores, lanes and tests of vectors, and all that one
// instruction does. Vectors lie in the low 16 bytes of the registers that floats use as well; no
// code uses more of them.
#include "core/jit/x86_64/select_vector.h"

// ---- operands

static const u64 *constant_of(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->op == IR_CONST ? s->ir->vectors[ins->a] : NULL;
}

// 0 and -1 are made by an instruction without memory.
static bool is_easy(const u64 *vector)
{
    return vector[0] == vector[1] && (vector[0] == 0 || vector[0] == UINT64_MAX);
}

bool x64_is_vector_memory(const struct selector *s, u32 value)
{
    const u64 *constant = constant_of(s, value);
    if (constant != NULL) {
        return !is_easy(constant);
    }
    return sel_ins(s, value)->op == ROW_V128_LOAD && sel_has_avx(s) && x64_can_cover(s, value);
}

struct rm x64_vector_rm(struct selector *s, u32 value)
{
    if (!x64_is_vector_memory(s, value)) {
        return rm_reg(x64_use(s, value));
    }
    const u64 *constant = constant_of(s, value);
    if (constant != NULL) {
        return rm_vector(s, constant[0], constant[1]);
    }
    x64_cover(s, value);
    return x64_address(s, sel_ins(s, value));
}

// ---- what one instruction does

// How a row becomes an instruction.
enum {
    BINARY = 1,
    COMMUTES = 2, // a, b or b, a
    SWAPPED = 4,  // b, a
    UNARY = 8,
    HAS_IMM = 16,
    NOT = 32,   // the result is inverted
    EQUAL = 64, // the result is compared with b: lanes of 1 << imm bytes
};

struct plain {
    u16 op;
    u8 how;
    u8 imm;
};

#define BINARY_ROW(row, op) [ROW_##row] = {X64_##op, BINARY, 0}
#define COMMUTES_ROW(row, op) [ROW_##row] = {X64_##op, BINARY | COMMUTES, 0}
#define SWAPPED_ROW(row, op) [ROW_##row] = {X64_##op, BINARY | SWAPPED, 0}
#define NOT_ROW(row, op, how) [ROW_##row] = {X64_##op, BINARY | NOT | (how), 0}
#define UNARY_ROW(row, op) [ROW_##row] = {X64_##op, UNARY, 0}
#define ROUND_ROW(row, op, mode) [ROW_##row] = {X64_##op, UNARY | HAS_IMM, (mode) | 8}
#define EQUAL_ROW(row, op, how, log2) [ROW_##row] = {X64_##op, BINARY | EQUAL | (how), log2}
#define FLOAT_ROW(row, op, how, imm) [ROW_##row] = {X64_##op, BINARY | HAS_IMM | (how), imm}
// a >= b when the lesser of them is b, a <= b when the greater is.
#define ORDER_ROWS(shape, letter, log2)                                                            \
    EQUAL_ROW(shape##_GE_S, PMINS##letter, 0, log2),                                               \
        EQUAL_ROW(shape##_LE_S, PMAXS##letter, 0, log2),                                           \
        EQUAL_ROW(shape##_GE_U, PMINU##letter, 0, log2),                                           \
        EQUAL_ROW(shape##_LE_U, PMAXU##letter, 0, log2),                                           \
        EQUAL_ROW(shape##_LT_U, PMINU##letter, NOT, log2),                                         \
        EQUAL_ROW(shape##_GT_U, PMAXU##letter, NOT, log2),                                         \
        COMMUTES_ROW(shape##_EQ, PCMPEQ##letter), NOT_ROW(shape##_NE, PCMPEQ##letter, COMMUTES),   \
        BINARY_ROW(shape##_GT_S, PCMPGT##letter), SWAPPED_ROW(shape##_LT_S, PCMPGT##letter),       \
        COMMUTES_ROW(shape##_MIN_S, PMINS##letter), COMMUTES_ROW(shape##_MIN_U, PMINU##letter),    \
        COMMUTES_ROW(shape##_MAX_S, PMAXS##letter), COMMUTES_ROW(shape##_MAX_U, PMAXU##letter),    \
        COMMUTES_ROW(shape##_ADD, PADD##letter), BINARY_ROW(shape##_SUB, PSUB##letter),            \
        UNARY_ROW(shape##_ABS, PABS##letter)
#define SATURATED_ROWS(shape, letter)                                                              \
    COMMUTES_ROW(shape##_ADD_SAT_S, PADDS##letter),                                                \
        COMMUTES_ROW(shape##_ADD_SAT_U, PADDUS##letter),                                           \
        BINARY_ROW(shape##_SUB_SAT_S, PSUBS##letter),                                              \
        BINARY_ROW(shape##_SUB_SAT_U, PSUBUS##letter), COMMUTES_ROW(shape##_AVGR_U, PAVG##letter)
// The CPU's least and greatest take the second operand where the first is not less: PMIN is that
// of b and a.
#define FLOAT_ROWS(shape, letter)                                                                  \
    COMMUTES_ROW(shape##_ADD, ADDP##letter), BINARY_ROW(shape##_SUB, SUBP##letter),                \
        COMMUTES_ROW(shape##_MUL, MULP##letter), BINARY_ROW(shape##_DIV, DIVP##letter),            \
        SWAPPED_ROW(shape##_PMIN, MINP##letter), SWAPPED_ROW(shape##_PMAX, MAXP##letter),          \
        FLOAT_ROW(shape##_EQ, CMPP##letter, COMMUTES, 0),                                          \
        FLOAT_ROW(shape##_NE, CMPP##letter, COMMUTES, 4),                                          \
        FLOAT_ROW(shape##_LT, CMPP##letter, 0, 1), FLOAT_ROW(shape##_LE, CMPP##letter, 0, 2),      \
        FLOAT_ROW(shape##_GT, CMPP##letter, SWAPPED, 1),                                           \
        FLOAT_ROW(shape##_GE, CMPP##letter, SWAPPED, 2), UNARY_ROW(shape##_SQRT, SQRTP##letter),   \
        ROUND_ROW(shape##_NEAREST, ROUNDP##letter, 0),                                             \
        ROUND_ROW(shape##_FLOOR, ROUNDP##letter, 1), ROUND_ROW(shape##_CEIL, ROUNDP##letter, 2),   \
        ROUND_ROW(shape##_TRUNC, ROUNDP##letter, 3)

static const struct plain plain_rows[ROW_COUNT] = {
    ORDER_ROWS(I8X16, B, 0),
    ORDER_ROWS(I16X8, W, 1),
    ORDER_ROWS(I32X4, D, 2),
    SATURATED_ROWS(I8X16, B),
    SATURATED_ROWS(I16X8, W),
    FLOAT_ROWS(F32X4, S),
    FLOAT_ROWS(F64X2, D),
    COMMUTES_ROW(I64X2_ADD, PADDQ),
    BINARY_ROW(I64X2_SUB, PSUBQ),
    COMMUTES_ROW(I64X2_EQ, PCMPEQQ),
    NOT_ROW(I64X2_NE, PCMPEQQ, COMMUTES),
    BINARY_ROW(I64X2_GT_S, PCMPGTQ),
    SWAPPED_ROW(I64X2_LT_S, PCMPGTQ),
    NOT_ROW(I64X2_LE_S, PCMPGTQ, 0),
    NOT_ROW(I64X2_GE_S, PCMPGTQ, SWAPPED),
    COMMUTES_ROW(I16X8_MUL, PMULLW),
    COMMUTES_ROW(I32X4_MUL, PMULLD),
    COMMUTES_ROW(I32X4_DOT_I16X8_S, PMADDWD),
    BINARY_ROW(I8X16_NARROW_I16X8_S, PACKSSWB),
    BINARY_ROW(I8X16_NARROW_I16X8_U, PACKUSWB),
    BINARY_ROW(I16X8_NARROW_I32X4_S, PACKSSDW),
    BINARY_ROW(I16X8_NARROW_I32X4_U, PACKUSDW),
    UNARY_ROW(I16X8_EXTEND_LOW_I8X16_S, PMOVSXBW),
    UNARY_ROW(I16X8_EXTEND_LOW_I8X16_U, PMOVZXBW),
    UNARY_ROW(I32X4_EXTEND_LOW_I16X8_S, PMOVSXWD),
    UNARY_ROW(I32X4_EXTEND_LOW_I16X8_U, PMOVZXWD),
    UNARY_ROW(I64X2_EXTEND_LOW_I32X4_S, PMOVSXDQ),
    UNARY_ROW(I64X2_EXTEND_LOW_I32X4_U, PMOVZXDQ),
    COMMUTES_ROW(V128_AND, PAND),
    COMMUTES_ROW(V128_OR, POR),
    COMMUTES_ROW(V128_XOR, PXOR),
    SWAPPED_ROW(V128_ANDNOT, PANDN),
    UNARY_ROW(F32X4_CONVERT_I32X4_S, CVTDQ2PS),
    UNARY_ROW(F64X2_CONVERT_LOW_I32X4_S, CVTDQ2PD),
    UNARY_ROW(F32X4_DEMOTE_F64X2_ZERO, CVTPD2PS),
    UNARY_ROW(F64X2_PROMOTE_LOW_F32X4, CVTPS2PD),
};

// A load of more is not made one of less: it might no longer trap.
struct rm x64_vector_rm_low(struct selector *s, enum x64_op op, u32 value)
{
    u8 size = x64_ops[op].size;
    u16 load = sel_ins(s, value)->op;
    bool is_low = (size == X64_SIZE_D && load == ROW_V128_LOAD64_ZERO) ||
                  (size == X64_SIZE_S && load == ROW_V128_LOAD32_ZERO);
    if (is_low && x64_can_cover(s, value)) {
        x64_cover(s, value);
        return x64_address(s, sel_ins(s, value));
    }
    return size == X64_SIZE_X ? x64_vector_rm(s, value) : rm_reg(x64_use(s, value));
}

// Widened twice in a row: the instruction that does both, and what it widens.
static enum x64_op widened_twice(const struct selector *s, enum x64_op op, u32 *value)
{
    const struct ir_ins *inner = sel_ins(s, *value);
    enum x64_op twice = op;
    if (op == X64_PMOVSXWD && inner->op == ROW_I16X8_EXTEND_LOW_I8X16_S) {
        twice = X64_PMOVSXBD;
    } else if (op == X64_PMOVSXDQ && inner->op == ROW_I32X4_EXTEND_LOW_I16X8_S) {
        twice = X64_PMOVSXWQ;
    }
    if (twice == op || !x64_is_alone(s, *value)) {
        return op;
    }
    *value = inner->a;
    return twice;
}

static void select_unary(struct selector *s, u32 value, const struct plain *plain)
{
    u32 from = sel_ins(s, value)->a;
    u32 def = x64_def(s, value);
    enum x64_op op = widened_twice(s, (enum x64_op)plain->op, &from);
    struct rm rm = x64_vector_rm_low(s, op, from);
    if ((plain->how & HAS_IMM) != 0) {
        x64_put_def_rm_i(s, op, false, def, rm, plain->imm);
    } else {
        x64_put_def_rm(s, op, false, def, rm);
    }
}

// Whether b should be read first: then a becomes r/m, or the register that is overwritten is b's.
static bool is_better_swapped(const struct selector *s, u32 a, u32 b)
{
    if (x64_is_vector_memory(s, b)) {
        return false;
    }
    return x64_is_vector_memory(s, a) || (sel_ins(s, b)->uses == 1 && sel_ins(s, a)->uses != 1);
}

static void select_binary(struct selector *s, u32 value, const struct plain *plain)
{
    static const u16 equals[] = {X64_PCMPEQB, X64_PCMPEQW, X64_PCMPEQD};
    const struct ir_ins *ins = sel_ins(s, value);
    u32 a = ins->a;
    u32 b = ins->b;
    bool is_compared = (plain->how & EQUAL) != 0;
    if ((plain->how & SWAPPED) != 0 ||
        ((plain->how & COMMUTES) != 0 && is_better_swapped(s, a, b))) {
        a = ins->b;
        b = ins->a;
    }
    u32 def = x64_def(s, value);
    bool is_inverted = (plain->how & NOT) != 0;
    u32 out = is_inverted ? vector_new(s) : def;
    u32 from = x64_use(s, a);
    struct rm rm = is_compared ? rm_reg(x64_use(s, b)) : x64_vector_rm(s, b);
    if ((plain->how & HAS_IMM) != 0 || is_compared) {
        u32 first = is_compared ? vector_binary(s, (enum x64_op)plain->op, from, rm) : from;
        if (is_compared) {
            x64_put_sse(s, (enum x64_op)equals[plain->imm], out, first, rm);
        } else {
            x64_put_sse_i(s, (enum x64_op)plain->op, false, out, first, rm, plain->imm);
        }
    } else {
        x64_put_sse(s, (enum x64_op)plain->op, out, from, rm);
    }
    if (is_inverted) {
        x64_put_sse(s, X64_PXOR, def, out, rm_splat(s, UINT64_MAX, 8));
    }
}

static bool select_plain(struct selector *s, u32 value)
{
    const struct plain *plain = &plain_rows[sel_ins(s, value)->op];
    if ((plain->how & UNARY) != 0) {
        select_unary(s, value, plain);
    } else if ((plain->how & BINARY) != 0) {
        select_binary(s, value, plain);
    }
    return plain->how != 0;
}

// ---- bits

static bool select_bits(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    if (ins->op == ROW_V128_NOT) {
        u32 from = x64_use(s, ins->a);
        x64_put_sse(s, X64_PXOR, def, from, rm_splat(s, UINT64_MAX, 8));
        return true;
    }
    if (ins->op != ROW_V128_BITSELECT) {
        return false;
    }
    u32 mask = x64_use(s, ins->c);
    u32 chosen = vector_binary(s, X64_PAND, mask, x64_vector_rm(s, ins->a));
    u32 other = vector_binary(s, X64_PANDN, mask, x64_vector_rm(s, ins->b));
    x64_put_sse(s, X64_POR, def, chosen, rm_reg(other));
    return true;
}

// ---- tests

bool x64_is_vector_test(const struct ir_ins *ins)
{
    switch (ins->op) {
    case ROW_V128_ANY_TRUE:
    case ROW_I8X16_ALL_TRUE:
    case ROW_I16X8_ALL_TRUE:
    case ROW_I32X4_ALL_TRUE:
    case ROW_I64X2_ALL_TRUE:
        return true;
    default:
        return false;
    }
}

u8 x64_vector_test(struct selector *s, const struct ir_ins *ins)
{
    if (ins->op == ROW_V128_ANY_TRUE) {
        const struct ir_ins *and = sel_ins(s, ins->a);
        bool is_and = and->op == ROW_V128_AND && x64_is_alone(s, ins->a);
        u32 left = x64_use(s, is_and ? and->a : ins->a);
        u32 right = is_and ? x64_use(s, and->b) : left;
        x64_put_use_rm(s, X64_PTEST, false, left, rm_reg(right));
        return X64_NE;
    }
    enum x64_op op = ins->op == ROW_I8X16_ALL_TRUE   ? X64_PCMPEQB
                     : ins->op == ROW_I16X8_ALL_TRUE ? X64_PCMPEQW
                     : ins->op == ROW_I32X4_ALL_TRUE ? X64_PCMPEQD
                                                     : X64_PCMPEQQ;
    u32 zero = vector_zero(s);
    u32 zeros = vector_binary(s, op, zero, x64_vector_rm(s, ins->a));
    x64_put_use_rm(s, X64_PTEST, false, zeros, rm_reg(zeros));
    return X64_E;
}

static bool select_test(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = s->vregs[value];
    switch (ins->op) {
    case ROW_I8X16_BITMASK:
        x64_put_def_rm(s, X64_PMOVMSKB, false, def, rm_reg(x64_use(s, ins->a)));
        return true;
    case ROW_I16X8_BITMASK: {
        u32 from = x64_use(s, ins->a);
        u32 bytes = vector_binary(s, X64_PACKSSWB, from, rm_reg(vector_zero(s)));
        x64_put_def_rm(s, X64_PMOVMSKB, false, def, rm_reg(bytes));
        return true;
    }
    case ROW_I32X4_BITMASK:
        x64_put_def_rm(s, X64_MOVMSKPS, false, def, rm_reg(x64_use(s, ins->a)));
        return true;
    case ROW_I64X2_BITMASK:
        x64_put_def_rm(s, X64_MOVMSKPD, false, def, rm_reg(x64_use(s, ins->a)));
        return true;
    default:
        if (x64_is_vector_test(ins)) {
            x64_select_compare(s, value);
            return true;
        }
        return false;
    }
}

// ---- one value in every lane

static bool has_avx2(const struct selector *s)
{
    return (s->options->features & X64_HAS_AVX2) != 0;
}

// The lowest lane of `from`, of 1 or 2 bytes, in all lanes.
static void put_splat_small(struct selector *s, u32 def, u32 from, u32 bytes)
{
    if (has_avx2(s)) {
        x64_put_def_rm(s, bytes == 1 ? X64_VPBROADCASTB : X64_VPBROADCASTW, false, def,
                       rm_reg(from));
    } else if (bytes == 1) {
        x64_put_sse(s, X64_PSHUFB, def, from, rm_reg(vector_zero(s)));
    } else {
        u32 four = vector_unary_i(s, X64_PSHUFLW, rm_reg(from), 0);
        x64_put_def_rm_i(s, X64_PSHUFD, false, def, rm_reg(four), 0);
    }
}

enum { PAIR_0_0 = 0x44, PAIR_1_1 = 0xee }; // for PSHUFD: one half twice

static void put_splat_4(struct selector *s, u32 def, struct rm rm)
{
    bool is_memory = rm.kind != X64_RM_REGISTER;
    if (is_memory && sel_has_avx(s)) {
        x64_put_def_rm(s, X64_VBROADCASTSS, false, def, rm);
        return;
    }
    if (is_memory) {
        rm = rm_reg(vector_unary(s, X64_MOVSS, rm));
    }
    x64_put_def_rm_i(s, sel_has_avx(s) ? X64_VPERMILPS : X64_PSHUFD, false, def, rm, 0);
}

static u32 vector_of_integer(struct selector *s, bool wide, u32 value)
{
    u32 out = vector_new(s);
    x64_put_def_rm(s, X64_MOVD, wide, out, wide ? x64_rm(s, value) : x64_rm_low(s, value));
    return out;
}

static bool select_splat(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    switch (ins->op) {
    case ROW_I8X16_SPLAT:
        put_splat_small(s, def, vector_of_integer(s, false, ins->a), 1);
        return true;
    case ROW_I16X8_SPLAT:
        put_splat_small(s, def, vector_of_integer(s, false, ins->a), 2);
        return true;
    case ROW_I32X4_SPLAT:
        if (x64_is_memory(s, ins->a)) {
            put_splat_4(s, def, x64_rm(s, ins->a));
        } else {
            x64_put_def_rm_i(s, X64_PSHUFD, false, def, rm_reg(vector_of_integer(s, false, ins->a)),
                             0);
        }
        return true;
    case ROW_I64X2_SPLAT:
        if (x64_is_memory(s, ins->a)) {
            x64_put_def_rm(s, X64_MOVDDUP, false, def, x64_rm(s, ins->a));
        } else {
            x64_put_def_rm_i(s, X64_PSHUFD, false, def, rm_reg(vector_of_integer(s, true, ins->a)),
                             PAIR_0_0);
        }
        return true;
    case ROW_F32X4_SPLAT:
        put_splat_4(s, def, x64_rm(s, ins->a));
        return true;
    case ROW_F64X2_SPLAT:
        x64_put_def_rm(s, X64_MOVDDUP, false, def, x64_rm(s, ins->a));
        return true;
    default:
        return false;
    }
}

// ---- one lane

// An integer that is written to r/m.
static void put_extract(struct selector *s, enum x64_op op, bool wide, u32 def, u32 from, u8 lane)
{
    x64_put(s, op, (struct x64_shape){.is_wide = wide}, (u64)lane << 32);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
    x64_operand(s, def, MACH_DEF, MACH_IN_REGISTER, 0);
}

static void extract_float(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 from = x64_use(s, ins->a);
    if (ins->lane == 0) {
        x64_put_copy(s, def, from);
    } else if (ins->op == ROW_F64X2_EXTRACT_LANE) {
        x64_put_def_rm_i(s, X64_PSHUFD, false, def, rm_reg(from), PAIR_1_1);
    } else if (ins->lane == 1) {
        x64_put_def_rm(s, X64_MOVSHDUP, false, def, rm_reg(from));
    } else {
        x64_put_def_rm_i(s, sel_has_avx(s) ? X64_VPERMILPS : X64_PSHUFD, false, def, rm_reg(from),
                         ins->lane);
    }
}

static bool select_extract(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    switch (ins->op) {
    case ROW_I8X16_EXTRACT_LANE_S:
    case ROW_I8X16_EXTRACT_LANE_U: {
        bool is_signed = ins->op == ROW_I8X16_EXTRACT_LANE_S;
        u32 out = is_signed ? x64_vreg(s, KIND_I) : def;
        put_extract(s, X64_PEXTRB, false, out, x64_use(s, ins->a), ins->lane);
        if (is_signed) {
            x64_put_def_rm(s, X64_MOVSX8, false, def, rm_reg(out));
        }
        return true;
    }
    case ROW_I16X8_EXTRACT_LANE_S:
    case ROW_I16X8_EXTRACT_LANE_U: {
        bool is_signed = ins->op == ROW_I16X8_EXTRACT_LANE_S;
        u32 out = is_signed ? x64_vreg(s, KIND_I) : def;
        x64_put_def_rm_i(s, X64_PEXTRW, false, out, rm_reg(x64_use(s, ins->a)), ins->lane);
        if (is_signed) {
            x64_put_def_rm(s, X64_MOVSX16, false, def, rm_reg(out));
        }
        return true;
    }
    case ROW_I32X4_EXTRACT_LANE:
    case ROW_I64X2_EXTRACT_LANE:
        put_extract(s, ins->lane == 0 ? X64_MOVD_MR : X64_PEXTR, ins->op == ROW_I64X2_EXTRACT_LANE,
                    def, x64_use(s, ins->a), ins->lane);
        return true;
    case ROW_F32X4_EXTRACT_LANE:
    case ROW_F64X2_EXTRACT_LANE:
        extract_float(s, def, ins);
        return true;
    default:
        return false;
    }
}

static void replace_double(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 from = x64_use(s, ins->a);
    if (x64_is_memory(s, ins->b)) {
        x64_put_sse(s, ins->lane == 0 ? X64_MOVLPS : X64_MOVHPS, def, from, x64_rm(s, ins->b));
    } else if (ins->lane == 0) {
        x64_put_sse_i(s, X64_BLENDPD, false, def, from, rm_reg(x64_use(s, ins->b)), 1);
    } else {
        x64_put_sse(s, X64_PUNPCKLQDQ, def, from, rm_reg(x64_use(s, ins->b)));
    }
}

static bool select_replace(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    u8 lane = ins->lane;
    switch (ins->op) {
    case ROW_I8X16_REPLACE_LANE:
    case ROW_I16X8_REPLACE_LANE: {
        enum x64_op op = ins->op == ROW_I8X16_REPLACE_LANE ? X64_PINSRB : X64_PINSRW;
        u32 from = x64_use(s, ins->a);
        x64_put_sse_i(s, op, false, def, from, rm_reg(x64_use_low(s, ins->b)), lane);
        return true;
    }
    case ROW_I32X4_REPLACE_LANE: {
        u32 from = x64_use(s, ins->a);
        x64_put_sse_i(s, X64_PINSR, false, def, from, x64_rm_low(s, ins->b), lane);
        return true;
    }
    case ROW_I64X2_REPLACE_LANE: {
        u32 from = x64_use(s, ins->a);
        x64_put_sse_i(s, X64_PINSR, true, def, from, x64_rm(s, ins->b), lane);
        return true;
    }
    case ROW_F32X4_REPLACE_LANE: {
        u32 from = x64_use(s, ins->a);
        bool is_const = sel_is_const(s, ins->b); // which an immediate leaves no room for
        struct rm rm = is_const ? rm_reg(x64_use(s, ins->b)) : x64_rm(s, ins->b);
        x64_put_sse_i(s, X64_INSERTPS, false, def, from, rm, (u8)(lane << 4));
        return true;
    }
    case ROW_F64X2_REPLACE_LANE:
        replace_double(s, def, ins);
        return true;
    default:
        return false;
    }
}

// ---- memory

static void load_splat(struct selector *s, u32 def, const struct ir_ins *ins)
{
    bool is_byte = ins->op == ROW_V128_LOAD8_SPLAT;
    if (ins->op == ROW_V128_LOAD64_SPLAT) {
        x64_put_def_rm(s, X64_MOVDDUP, false, def, x64_address(s, ins));
    } else if (ins->op == ROW_V128_LOAD32_SPLAT) {
        put_splat_4(s, def, x64_address(s, ins));
    } else if (has_avx2(s)) {
        x64_put_def_rm(s, is_byte ? X64_VPBROADCASTB : X64_VPBROADCASTW, false, def,
                       x64_address(s, ins));
    } else {
        u32 zero = vector_zero(s);
        struct rm rm = x64_address(s, ins);
        u32 lane = vector_binary_i(s, is_byte ? X64_PINSRB : X64_PINSRW, zero, rm, 0);
        put_splat_small(s, def, lane, is_byte ? 1 : 2);
    }
}

static void load_lane(struct selector *s, u32 def, const struct ir_ins *ins)
{
    u32 from = x64_use(s, ins->b);
    struct rm rm = x64_address(s, ins);
    switch (ins->op) {
    case ROW_V128_LOAD8_LANE:
        x64_put_sse_i(s, X64_PINSRB, false, def, from, rm, ins->lane);
        return;
    case ROW_V128_LOAD16_LANE:
        x64_put_sse_i(s, X64_PINSRW, false, def, from, rm, ins->lane);
        return;
    case ROW_V128_LOAD32_LANE:
        x64_put_sse_i(s, X64_PINSR, false, def, from, rm, ins->lane);
        return;
    default:
        ASSERT(ins->op == ROW_V128_LOAD64_LANE);
        x64_put_sse(s, ins->lane == 0 ? X64_MOVLPS : X64_MOVHPS, def, from, rm);
        return;
    }
}

static void select_load(struct selector *s, u32 value)
{
    static const u16 loads[ROW_COUNT] = {
        [ROW_V128_LOAD] = X64_MOVUPS,         [ROW_V128_LOAD8X8_S] = X64_PMOVSXBW,
        [ROW_V128_LOAD8X8_U] = X64_PMOVZXBW,  [ROW_V128_LOAD16X4_S] = X64_PMOVSXWD,
        [ROW_V128_LOAD16X4_U] = X64_PMOVZXWD, [ROW_V128_LOAD32X2_S] = X64_PMOVSXDQ,
        [ROW_V128_LOAD32X2_U] = X64_PMOVZXDQ, [ROW_V128_LOAD32_ZERO] = X64_MOVSS,
        [ROW_V128_LOAD64_ZERO] = X64_MOVSD,
    };
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    if (loads[ins->op] != 0) {
        x64_put_def_rm(s, (enum x64_op)loads[ins->op], false, def, x64_address(s, ins));
    } else if (body_ops[ins->op].immediate == WASM_IMM_MEMARG_LANE) {
        load_lane(s, def, ins);
    } else {
        load_splat(s, def, ins);
    }
}

static void select_store(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 from = x64_use(s, ins->b);
    struct rm rm = x64_address(s, ins);
    bool is_first = ins->lane == 0;
    switch (ins->op) {
    case ROW_V128_STORE:
        x64_put_use_rm(s, X64_MOVUPS_MR, false, from, rm);
        return;
    case ROW_V128_STORE8_LANE:
        x64_put_use_rm_i(s, X64_PEXTRB, false, from, rm, ins->lane);
        return;
    case ROW_V128_STORE16_LANE:
        x64_put_use_rm_i(s, X64_PEXTRW_M, false, from, rm, ins->lane);
        return;
    case ROW_V128_STORE32_LANE:
        if (is_first) {
            x64_put_use_rm(s, X64_MOVSS_MR, false, from, rm);
        } else {
            x64_put_use_rm_i(s, X64_PEXTR, false, from, rm, ins->lane);
        }
        return;
    default:
        ASSERT(ins->op == ROW_V128_STORE64_LANE);
        x64_put_use_rm(s, is_first ? X64_MOVSD_MR : X64_MOVHPS_MR, false, from, rm);
        return;
    }
}

// ---- all

// Apart from its caller, whose frame is then small on the way to the others.
static NOINLINE void select_vector(struct selector *s, u32 value)
{
    bool is_known = select_plain(s, value) || select_test(s, value) || select_bits(s, value) ||
                    select_splat(s, value) || select_extract(s, value) ||
                    select_replace(s, value) || x64_select_vector_number(s, value) ||
                    x64_select_vector_shift(s, value) || x64_select_vector_convert(s, value);
    ASSERT(is_known);
}

void x64_select_vector(struct selector *s, u32 value)
{
    u16 op = sel_ins(s, value)->op;
    if (body_ops[op].class == WASM_CLASS_VECTOR_LOAD) {
        select_load(s, value);
    } else if (body_ops[op].class == WASM_CLASS_VECTOR_STORE) {
        select_store(s, value);
    } else if (op == ROW_I8X16_SWIZZLE) {
        x64_select_swizzle(s, value);
    } else if (!x64_select_lanes(s, value) && !x64_select_bytes(s, value)) {
        select_vector(s, value);
    }
}
