// SPDX-License-Identifier: GPL-3.0-or-later
// Identities: an expression becomes a smaller one that has the same value for all operands. Each
// step makes the expression smaller or moves a constant to the right or outwards, so it ends.
//
// Sums and shifts as addresses have them stay as they are: the back end folds them.
#include "core/jit/builder.h"

// The rows of an instruction that i32 and i64 both have, by its name.
struct pair {
    u16 narrow;
    u16 wide;
};
#define PAIR(name) ((struct pair){ROW_I32_##name, ROW_I64_##name})

static u16 of(const struct builder *b, const struct ir_ins *ins, struct pair pair)
{
    return b->ir->ins[ins->a].kind == KIND_I ? pair.narrow : pair.wide;
}

static bool is(const struct ir_ins *ins, struct pair pair)
{
    return ins->op == pair.narrow || ins->op == pair.wide;
}

static bool is_constant(const struct builder *b, u32 value)
{
    return b->ir->ins[value].op == IR_CONST;
}

static u64 bits(const struct builder *b, u32 value)
{
    return b->ir->ins[value].bits;
}

static u32 width(const struct builder *b, u32 value)
{
    return b->ir->ins[value].kind == KIND_I ? 32 : 64;
}

static u64 ones(const struct builder *b, u32 value)
{
    return b->ir->ins[value].kind == KIND_I ? UINT32_MAX : UINT64_MAX;
}

static bool is_integer(const struct builder *b, u32 value)
{
    return b->ir->ins[value].kind <= KIND_L;
}

static u32 constant_like(struct builder *b, u32 value, u64 number)
{
    return build_const(b, (enum kind)b->ir->ins[value].kind, number & ones(b, value));
}

static bool is_comparison(const struct ir_ins *ins)
{
    return ins->op < ROW_COUNT && body_ops[ins->op].class == WASM_CLASS_COMPARE;
}

// What is being simplified is this instead: build_simplify goes on with it.
static u32 become(struct builder *b, struct ir_ins ins)
{
    b->becomes = true;
    b->simpler = ins;
    return 0;
}

static u32 again(struct builder *b, u16 op, u8 kind, u32 left, u32 right)
{
    return become(b, (struct ir_ins){.op = op, .kind = kind, .a = left, .b = right});
}

// ---- comparisons

// By row: the comparison that says the opposite (integers only), and the one that says the same of
// the operands in the other order. 0: none.
static const u16 opposites[ROW_COUNT] = {
#define BOTH(table, prefix, one, other)                                                            \
    [ROW_##prefix##_##one] = ROW_##prefix##_##other, [ROW_##prefix##_##other] = ROW_##prefix##_##one
    BOTH(opposites, I32, EQ, NE),     BOTH(opposites, I32, LT_S, GE_S),
    BOTH(opposites, I32, LT_U, GE_U), BOTH(opposites, I32, GT_S, LE_S),
    BOTH(opposites, I32, GT_U, LE_U), BOTH(opposites, I64, EQ, NE),
    BOTH(opposites, I64, LT_S, GE_S), BOTH(opposites, I64, LT_U, GE_U),
    BOTH(opposites, I64, GT_S, LE_S), BOTH(opposites, I64, GT_U, LE_U),
    BOTH(opposites, F32, EQ, NE),     BOTH(opposites, F64, EQ, NE),
};
static const u16 mirrors[ROW_COUNT] = {
    BOTH(mirrors, I32, LT_S, GT_S), BOTH(mirrors, I32, LT_U, GT_U), BOTH(mirrors, I32, LE_S, GE_S),
    BOTH(mirrors, I32, LE_U, GE_U), BOTH(mirrors, I64, LT_S, GT_S), BOTH(mirrors, I64, LT_U, GT_U),
    BOTH(mirrors, I64, LE_S, GE_S), BOTH(mirrors, I64, LE_U, GE_U), [ROW_I32_EQ] = ROW_I32_EQ,
    [ROW_I32_NE] = ROW_I32_NE,      [ROW_I64_EQ] = ROW_I64_EQ,      [ROW_I64_NE] = ROW_I64_NE,
};

// Compares equal operands, or numbers of which one cannot be reached. False: not known.
static bool compare_known(const struct builder *b, const struct ir_ins *ins, bool *out)
{
    if (!is_integer(b, ins->a)) {
        return false;
    }
    if (ins->a == ins->b) {
        *out = is(ins, PAIR(EQ)) || is(ins, PAIR(LE_S)) || is(ins, PAIR(LE_U)) ||
               is(ins, PAIR(GE_S)) || is(ins, PAIR(GE_U));
        return true;
    }
    if (!is_constant(b, ins->b)) {
        return false;
    }
    u64 right = bits(b, ins->b);
    u64 highest = b->highest[ins->a];
    bool below = highest < right; // always
    bool not_above = highest <= right;
    if ((is(ins, PAIR(LT_U)) && (below || right == 0)) || (is(ins, PAIR(GE_U)) && below)) {
        *out = is(ins, PAIR(LT_U)) ? below : false;
        return true;
    }
    if (is(ins, PAIR(GE_U)) && right == 0) {
        *out = true;
        return true;
    }
    if (not_above && (is(ins, PAIR(LE_U)) || is(ins, PAIR(GT_U)))) {
        *out = is(ins, PAIR(LE_U));
        return true;
    }
    if (below && (is(ins, PAIR(EQ)) || is(ins, PAIR(NE)))) {
        *out = is(ins, PAIR(NE));
        return true;
    }
    return false;
}

static u32 compare_zero(struct builder *b, struct ir_ins ins);

static u32 simplify_compare(struct builder *b, struct ir_ins ins)
{
    if (is(&ins, PAIR(EQZ))) {
        ins.b = constant_like(b, ins.a, 0);
        ins.op = of(b, &ins, PAIR(EQ));
    }
    if (is_constant(b, ins.a) && mirrors[ins.op] != 0) {
        u32 left = ins.a;
        ins.a = ins.b;
        ins.b = left;
        ins.op = mirrors[ins.op];
    }
    bool known;
    u64 number;
    if (is_constant(b, ins.a) && is_constant(b, ins.b) &&
        fold_constant(ins.op, bits(b, ins.a), bits(b, ins.b), &number)) {
        return build_const(b, KIND_I, number);
    }
    if (compare_known(b, &ins, &known)) {
        return build_const(b, KIND_I, known);
    }
    if (!is_integer(b, ins.a) || !is_constant(b, ins.b)) {
        return build_pure(b, &ins);
    }
    // x < 1 and x <= 0 is x == 0, and so on.
    u64 right = bits(b, ins.b);
    if ((is(&ins, PAIR(LT_U)) && right == 1) || (is(&ins, PAIR(LE_U)) && right == 0)) {
        return again(b, of(b, &ins, PAIR(EQ)), KIND_I, ins.a, constant_like(b, ins.a, 0));
    }
    if ((is(&ins, PAIR(GE_U)) && right == 1) || (is(&ins, PAIR(GT_U)) && right == 0)) {
        return again(b, of(b, &ins, PAIR(NE)), KIND_I, ins.a, constant_like(b, ins.a, 0));
    }
    if (right == 0 && (is(&ins, PAIR(EQ)) || is(&ins, PAIR(NE)))) {
        return compare_zero(b, ins);
    }
    return build_pure(b, &ins);
}

// x == 0 or x != 0.
static u32 compare_zero(struct builder *b, struct ir_ins ins)
{
    bool equal = is(&ins, PAIR(EQ));
    struct ir_ins left = *value_ins(b, ins.a);
    if (is_comparison(&left)) {
        if (!equal) {
            return ins.a;
        }
        if (opposites[left.op] != 0) {
            left.op = opposites[left.op];
            return build_pure(b, &left);
        }
    }
    if (is(&left, PAIR(SUB)) || is(&left, PAIR(XOR))) {
        return again(b, of(b, &left, equal ? PAIR(EQ) : PAIR(NE)), KIND_I, left.a, left.b);
    }
    if (left.op == ROW_I64_EXTEND_I32_U || left.op == ROW_I64_EXTEND_I32_S) {
        return again(b, equal ? ROW_I32_EQ : ROW_I32_NE, KIND_I, left.a, build_const(b, KIND_I, 0));
    }
    return build_pure(b, &ins);
}

// x == 0 turns x around; so does x == 0 == 0, which simplify has taken away.
u32 build_condition(struct builder *b, u32 condition, bool *negated)
{
    for (;;) {
        struct ir_ins *ins = value_ins(b, condition);
        bool equal = ins->op == ROW_I32_EQ;
        if ((!equal && ins->op != ROW_I32_NE) || !is_constant(b, ins->b) || bits(b, ins->b) != 0) {
            return condition;
        }
        *negated ^= equal;
        condition = ins->a;
    }
}

// ---- select

static u32 simplify_select(struct builder *b, struct ir_ins ins)
{
    bool negated = false;
    ins.c = build_condition(b, ins.c, &negated);
    if (negated) {
        u32 left = ins.a;
        ins.a = ins.b;
        ins.b = left;
    }
    if (ins.a == ins.b) {
        return ins.a;
    }
    if (is_constant(b, ins.c)) {
        return bits(b, ins.c) != 0 ? ins.a : ins.b;
    }
    if (ins.kind == KIND_I && is_constant(b, ins.a) && is_constant(b, ins.b) &&
        b->highest[ins.c] == 1) {
        if (bits(b, ins.a) == 1 && bits(b, ins.b) == 0) {
            return ins.c;
        }
        if (bits(b, ins.a) == 0 && bits(b, ins.b) == 1) {
            return become(b, (struct ir_ins){.op = ROW_I32_EQZ, .kind = KIND_I, .a = ins.c});
        }
    }
    return build_pure(b, &ins);
}

// ---- conversions and the rest with one operand

static u32 simplify_unary(struct builder *b, struct ir_ins ins)
{
    u64 number;
    struct ir_ins operand = *value_ins(b, ins.a);
    u64 highest = b->highest[ins.a];
    if (operand.op == IR_CONST && fold_constant(ins.op, operand.bits, 0, &number)) {
        return build_const(b, (enum kind)ins.kind, number);
    }
    switch ((u32)ins.op) {
    case ROW_I32_WRAP_I64:
        if (operand.op == ROW_I64_EXTEND_I32_U || operand.op == ROW_I64_EXTEND_I32_S) {
            return operand.a;
        }
        if (operand.op == ROW_I64_AND && is_constant(b, operand.b) &&
            (u32)bits(b, operand.b) == UINT32_MAX) {
            return become(b, (struct ir_ins){.op = ins.op, .kind = KIND_I, .a = operand.a});
        }
        break;
    case ROW_I64_EXTEND_I32_S:
        if (highest <= INT32_MAX) {
            ins.op = ROW_I64_EXTEND_I32_U;
        }
        break;
    case ROW_I32_EXTEND8_S:
    case ROW_I64_EXTEND8_S:
        if (highest <= INT8_MAX || operand.op == ROW_I32_LOAD8_S || operand.op == ROW_I64_LOAD8_S ||
            operand.op == ins.op) {
            return ins.a;
        }
        break;
    case ROW_I32_EXTEND16_S:
    case ROW_I64_EXTEND16_S:
        if (highest <= INT16_MAX || operand.op == ROW_I32_LOAD16_S ||
            operand.op == ROW_I64_LOAD16_S || operand.op == ins.op) {
            return ins.a;
        }
        break;
    case ROW_I64_EXTEND32_S:
        if (highest <= INT32_MAX || operand.op == ROW_I64_LOAD32_S || operand.op == ins.op ||
            operand.op == ROW_I64_EXTEND_I32_S) {
            return ins.a;
        }
        break;
    case ROW_F32_REINTERPRET_I32:
        return operand.op == ROW_I32_REINTERPRET_F32 ? operand.a : build_pure(b, &ins);
    case ROW_I32_REINTERPRET_F32:
        return operand.op == ROW_F32_REINTERPRET_I32 ? operand.a : build_pure(b, &ins);
    case ROW_F64_REINTERPRET_I64:
        return operand.op == ROW_I64_REINTERPRET_F64 ? operand.a : build_pure(b, &ins);
    case ROW_I64_REINTERPRET_F64:
        return operand.op == ROW_F64_REINTERPRET_I64 ? operand.a : build_pure(b, &ins);
    default:
        break;
    }
    return build_pure(b, &ins);
}

// ---- two operands

static bool commutes(const struct ir_ins *ins)
{
    return is(ins, PAIR(ADD)) || is(ins, PAIR(MUL)) || is(ins, PAIR(AND)) || is(ins, PAIR(OR)) ||
           is(ins, PAIR(XOR));
}

// Of the same operand twice.
static u32 simplify_twice(struct builder *b, const struct ir_ins *ins)
{
    if (is(ins, PAIR(AND)) || is(ins, PAIR(OR))) {
        return ins->a;
    }
    if (is(ins, PAIR(SUB)) || is(ins, PAIR(XOR))) {
        return constant_like(b, ins->a, 0);
    }
    return build_pure(b, ins);
}

// (x op c) op d is x op (c op d). False: not of this kind.
static bool associate(struct builder *b, const struct ir_ins *ins, u32 *out)
{
    struct ir_ins left = *value_ins(b, ins->a);
    u64 number;
    if (left.op != ins->op || !is_constant(b, left.b)) {
        return false;
    }
    u64 first = bits(b, left.b);
    u64 second = bits(b, ins->b);
    if (is(ins, PAIR(SHL)) || is(ins, PAIR(SHR_U)) || is(ins, PAIR(SHR_S))) {
        u32 limit = width(b, ins->a) - 1;
        u64 sum = (first & limit) + (second & limit);
        if (sum > limit && !is(ins, PAIR(SHR_S))) {
            *out = constant_like(b, ins->a, 0);
            return true;
        }
        number = sum > limit ? limit : sum;
    } else if (!commutes(ins) || !fold_constant(ins->op, first, second, &number)) {
        return false;
    }
    *out = again(b, ins->op, ins->kind, left.a, constant_like(b, ins->a, number));
    return true;
}

// By a power of two, shifts and masks do.
static u32 simplify_power(struct builder *b, struct ir_ins ins, u32 shift)
{
    u16 op = ins.op;
    if (is(&ins, PAIR(MUL)) || is(&ins, PAIR(DIV_U))) {
        op = of(b, &ins, is(&ins, PAIR(MUL)) ? PAIR(SHL) : PAIR(SHR_U));
        return again(b, op, ins.kind, ins.a, constant_like(b, ins.a, shift));
    }
    if (is(&ins, PAIR(REM_U))) {
        u64 mask = ((u64)1 << shift) - 1;
        op = of(b, &ins, PAIR(AND));
        return again(b, op, ins.kind, ins.a, constant_like(b, ins.a, mask));
    }
    return build_pure(b, &ins);
}

// What a constant on the right that does nothing, or everything, makes of it. False: neither.
static bool simplify_neutral(struct builder *b, const struct ir_ins *ins, u64 right, u32 *out)
{
    u64 all = ones(b, ins->a);
    bool is_shift = is(ins, PAIR(SHL)) || is(ins, PAIR(SHR_S)) || is(ins, PAIR(SHR_U)) ||
                    is(ins, PAIR(ROTL)) || is(ins, PAIR(ROTR));
    bool zero_keeps =
        is(ins, PAIR(ADD)) || is(ins, PAIR(SUB)) || is(ins, PAIR(OR)) || is(ins, PAIR(XOR));
    bool one_keeps = is(ins, PAIR(MUL)) || is(ins, PAIR(DIV_S)) || is(ins, PAIR(DIV_U));
    u64 highest = b->highest[ins->a];
    u64 below = highest == 0 ? 0 : UINT64_MAX >> __builtin_clzll(highest); // all bits it can have
    *out = ins->a;
    if ((zero_keeps && right == 0) || (one_keeps && right == 1) ||
        (is_shift && (right & (width(b, ins->a) - 1)) == 0) ||
        (is(ins, PAIR(AND)) && (right & below) == below)) {
        return true;
    }
    if ((right == 0 && is(ins, PAIR(MUL))) || (is(ins, PAIR(AND)) && (right & below) == 0) ||
        (right == 1 && (is(ins, PAIR(REM_U)) || is(ins, PAIR(REM_S))))) {
        *out = constant_like(b, ins->a, 0);
        return true;
    }
    if (is(ins, PAIR(OR)) && right == all) {
        *out = ins->b;
        return true;
    }
    return false;
}

// With a constant on the right.
static u32 simplify_right(struct builder *b, struct ir_ins ins)
{
    u64 right = bits(b, ins.b);
    u32 out;
    if (simplify_neutral(b, &ins, right, &out)) {
        return out;
    }
    if (is(&ins, PAIR(SUB))) {
        return again(b, of(b, &ins, PAIR(ADD)), ins.kind, ins.a, constant_like(b, ins.a, -right));
    }
    if (associate(b, &ins, &out)) {
        return out;
    }
    if (right != 0 && (right & (right - 1)) == 0) {
        return simplify_power(b, ins, (u32)__builtin_ctzll(right));
    }
    return build_pure(b, &ins);
}

static u32 simplify_binary(struct builder *b, struct ir_ins ins)
{
    u64 number;
    if (is_constant(b, ins.a) && is_constant(b, ins.b) &&
        fold_constant(ins.op, bits(b, ins.a), bits(b, ins.b), &number)) {
        return build_const(b, (enum kind)ins.kind, number);
    }
    if (!is_integer(b, ins.a)) {
        return build_pure(b, &ins);
    }
    if (commutes(&ins) && (is_constant(b, ins.a) || (ins.a > ins.b && !is_constant(b, ins.b)))) {
        u32 left = ins.a; // also so that equal sums look equal
        ins.a = ins.b;
        ins.b = left;
    }
    if (ins.a == ins.b) {
        return simplify_twice(b, &ins);
    }
    return is_constant(b, ins.b) ? simplify_right(b, ins) : build_pure(b, &ins);
}

static u32 simplify_once(struct builder *b, struct ir_ins ins)
{
    if (ins.op == ROW_SELECT) {
        return simplify_select(b, ins);
    }
    switch ((enum wasm_class)body_ops[ins.op].class) {
    case WASM_CLASS_COMPARE:
        return simplify_compare(b, ins);
    case WASM_CLASS_BINARY:
        return simplify_binary(b, ins);
    default:
        return simplify_unary(b, ins);
    }
}

// What an instruction becomes is simplified in turn, a few times at most.
u32 build_simplify(struct builder *b, struct ir_ins ins)
{
    enum { TURNS = 16 };
    if (UNLIKELY(b->failed != ERR_OK)) {
        return 0;
    }
    for (u32 turn = 0; turn < TURNS; turn++) {
        b->becomes = false;
        u32 value = simplify_once(b, ins);
        if (!b->becomes) {
            return value;
        }
        ins = b->simpler;
    }
    return build_pure(b, &ins);
}
