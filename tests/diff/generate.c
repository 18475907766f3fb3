// SPDX-License-Identifier: GPL-3.0-or-later
// A module is written front to back, each expression by recursion on the type that is wanted.
// Instructions come from opcodes.def, so a new one is generated as soon as it has a row.
#include "tests/diff/generate.h"
#include "core/base/compiler.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include <stdlib.h>
#include <string.h>

enum {
    DEPTH = 6,        // nested expressions
    BODY_BYTES = 800, // beyond this only leaves are chosen
    FUNCTIONS = 6,
    LOCALS = 6,
    LABELS = 24,
    PAGES = 1,
    MEMORIES = 4,
    TABLE = 8,
    BUDGET = 1000, // loops and calls of one exported function
    KINDS = 5,
    VECTOR = 4, // the number of v128
};

// A value type by number, and the section ids.
static const u8 types[KINDS] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_V128};
enum {
    TYPE = 1,
    FUNCTION = 3,
    TABLE_ID = 4,
    MEMORY = 5,
    GLOBAL = 6,
    EXPORT = 7,
    ELEM = 9,
    CODE = 10,
    DATA = 11
};

// Parameters and results, as indices into `types`.
struct signature {
    u8 param_count;
    u8 params[3];
    u8 result_count;
    u8 results[2];
};

struct label {
    u8 count;
    u8 kinds[3];
};

struct generator {
    struct span choices;
    bool hides_nan;
    bool has_tail_calls;
    u32 kinds; // of values: KINDS, or those before VECTOR
    bool has_atomics;
    struct wasm_bytes out;
    size_t body;
    u32 function; // the one being written
    struct signature signatures[FUNCTIONS];
    u32 function_count;
    u32 memory_count;
    u32 local_count; // of the function
    u8 locals[LOCALS + 3];
    u32 label_count;
    struct label labels[LABELS];
};

struct operation {
    u16 opcode;
    u8 prefix;
    u8 class;
    u8 operands[3]; // index into types, KINDS: none
    u8 result;
    u8 bytes;
    u8 immediate;
    const char *text;
};

// Operands and results by opcodes.def's letters.
#define LETTERS_N {KINDS, KINDS, KINDS}
#define LETTERS_X {KINDS, KINDS, KINDS}
#define LETTERS_R {KINDS, KINDS, KINDS}
#define LETTERS_E {KINDS, KINDS, KINDS}
#define LETTERS_I {0, KINDS, KINDS}
#define LETTERS_L {1, KINDS, KINDS}
#define LETTERS_F {2, KINDS, KINDS}
#define LETTERS_D {3, KINDS, KINDS}
#define LETTERS_II {0, 0, KINDS}
#define LETTERS_LL {1, 1, KINDS}
#define LETTERS_FF {2, 2, KINDS}
#define LETTERS_DD {3, 3, KINDS}
#define LETTERS_IL {0, 1, KINDS}
#define LETTERS_IF {0, 2, KINDS}
#define LETTERS_ID {0, 3, KINDS}
#define LETTERS_III {0, 0, 0}
#define LETTERS_IIL {0, 0, 1}
#define LETTERS_ILL {0, 1, 1}
#define LETTERS_V {VECTOR, KINDS, KINDS}
#define LETTERS_VV {VECTOR, VECTOR, KINDS}
#define LETTERS_VVV {VECTOR, VECTOR, VECTOR}
#define LETTERS_VI {VECTOR, 0, KINDS}
#define LETTERS_VL {VECTOR, 1, KINDS}
#define LETTERS_VF {VECTOR, 2, KINDS}
#define LETTERS_VD {VECTOR, 3, KINDS}
#define LETTERS_IV {0, VECTOR, KINDS}
#define RESULT_V VECTOR
#define RESULT_N KINDS
#define RESULT_X KINDS
#define RESULT_E KINDS
#define RESULT_I 0
#define RESULT_L 1
#define RESULT_F 2
#define RESULT_D 3

static const struct operation operations[] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    {number,           prefix, WASM_CLASS_##class,   LETTERS_##operands,                           \
     RESULT_##results, bytes,  WASM_IMM_##immediate, text},
#include "core/wasm/opcodes.def"
};

static u32 choose(struct generator *g, u32 count)
{
    if (g->choices.size == 0) {
        return 0;
    }
    u32 value = *g->choices.data;
    g->choices = span_slice(g->choices, 1, g->choices.size);
    if (count > 256 && g->choices.size != 0) {
        value = value << 8 | *g->choices.data;
        g->choices = span_slice(g->choices, 1, g->choices.size);
    }
    return value % count;
}

static void put_i64(struct wasm_bytes *out, i64 value)
{
    for (;;) {
        u8 byte = value & 0x7f;
        value >>= 7;
        if ((value == 0 && (byte & 0x40) == 0) || (value == -1 && (byte & 0x40) != 0)) {
            put_u8(out, byte);
            return;
        }
        put_u8(out, byte | 0x80);
    }
}

static void put_opcode(struct generator *g, enum wasm_opcode opcode)
{
    put_u8(&g->out, (u8)opcode);
}

// ---- constants

static void integer_const(struct generator *g, u32 kind)
{
    static const i64 interesting[] = {
        0,          1,          2,         3,      -1,       7,         8,     255,
        256,        32767,      32768,     -32768, -32769,   65535,     65536, INT32_MAX,
        INT32_MIN,  INT64_MAX,  INT64_MIN, 31,     1u << 31, 1ll << 32, 63,    64,
        UINT32_MAX, 0x12345678, 4,         16,     1000,     -8};
    i64 value = interesting[choose(g, COUNT_OF(interesting))];
    put_opcode(g, kind == 0 ? WASM_OP_I32_CONST : WASM_OP_I64_CONST);
    put_i64(&g->out, kind == 0 ? (i32)value : value);
}

static void float_const(struct generator *g, u32 kind)
{
    static const f64 interesting[] = {0.0,
                                      -0.0,
                                      1.0,
                                      -1.0,
                                      0.5,
                                      1.5,
                                      2.5,
                                      -2.5,
                                      1e10,
                                      1e30,
                                      -1e-30,
                                      1e-310,
                                      4.2e9,
                                      2e9,
                                      1.8e19,
                                      -9.3e18,
                                      3.25,
                                      1e38,
                                      0.1,
                                      100.0,
                                      -0.7,
                                      1e300,
                                      __builtin_inf(),
                                      -__builtin_inf()};
    f64 value = interesting[choose(g, COUNT_OF(interesting))];
    put_opcode(g, kind == 2 ? WASM_OP_F32_CONST : WASM_OP_F64_CONST);
    if (kind == 2) {
        f32 narrow = (f32)value;
        put_bytes(&g->out, &narrow, sizeof narrow);
    } else {
        put_bytes(&g->out, &value, sizeof value);
    }
}

static void vector_const(struct generator *g)
{
    static const u64 interesting[] = {0,
                                      1,
                                      UINT64_MAX,
                                      0x8000800080008000,
                                      0x7fffffff80000000,
                                      0x3f800000c0200000,
                                      0x3ff8000000000000,
                                      0x0f0e0d0c0b0a0908,
                                      0x80ff7f0100fe8102,
                                      0x0000000100000001};
    put_u8(&g->out, WASM_PREFIX_VECTOR);
    put_u32(&g->out, WASM_OP_V128_CONST - WASM_OPCODE(WASM_PREFIX_VECTOR, 0));
    for (u32 half = 0; half < 2; half++) {
        u64 bits = interesting[choose(g, COUNT_OF(interesting))];
        put_bytes(&g->out, &bits, sizeof bits);
    }
}

static void constant(struct generator *g, u32 kind)
{
    if (kind == VECTOR) {
        vector_const(g);
    } else if (kind < 2) {
        integer_const(g, kind);
    } else {
        float_const(g, kind);
    }
}

// A local of that kind; false when there is none.
static bool local_of(struct generator *g, u32 kind, u32 *out)
{
    u32 start = choose(g, g->local_count);
    for (u32 i = 0; i < g->local_count; i++) {
        *out = (start + i) % g->local_count;
        if (g->locals[*out] == kind) {
            return true;
        }
    }
    return false;
}

// ---- expressions

static void expression(struct generator *g, u32 kind, u32 depth);
static void statements(struct generator *g, u32 depth);

static void leaf(struct generator *g, u32 kind)
{
    u32 local;
    if (choose(g, 4) != 0 && local_of(g, kind, &local)) {
        put_opcode(g, WASM_OP_LOCAL_GET);
        put_u32(&g->out, local);
    } else {
        constant(g, kind);
    }
}

static u32 choose_memory(struct generator *g)
{
    return g->memory_count > 1 ? choose(g, g->memory_count) : 0;
}

static void put_operation(struct generator *g, const struct operation *op)
{
    if (op->prefix != 0) {
        put_u8(&g->out, op->prefix);
        put_u32(&g->out, op->opcode);
    } else {
        put_u8(&g->out, (u8)op->opcode);
    }
    if (op->bytes != 0 && op->immediate != WASM_IMM_LANE) { // alignment, memory and offset
        static const u32 offsets[] = {0, 4, 8, 1, 100, 65528, 65535, 70000, UINT32_MAX};
        bool is_atomic = op->class == WASM_CLASS_ATOMIC;
        u32 align_log2 = is_atomic ? (u32)__builtin_ctz(op->bytes) : 0;
        u32 memory = choose_memory(g);
        put_u32(&g->out, memory == 0 ? align_log2 : align_log2 | WASM_MEMARG_MEMORY);
        if (memory != 0) {
            put_u32(&g->out, memory);
        }
        put_u32(&g->out,
                offsets[choose(g, 32) == 31 ? choose(g, COUNT_OF(offsets)) : choose(g, 5)]);
    }
    if (op->immediate == WASM_IMM_LANE || op->immediate == WASM_IMM_MEMARG_LANE) {
        put_u8(&g->out, (u8)choose(g, 16u / op->bytes));
    }
    for (u32 i = 0; i < 16 && op->immediate == WASM_IMM_LANES; i++) {
        put_u8(&g->out, (u8)choose(g, 32));
    }
}

// One that mostly is a multiple of 8.
static void address_atomic(struct generator *g, u32 depth)
{
    expression(g, 0, depth);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, choose(g, 32) == 31 ? 0xffff : 0xff8);
    put_opcode(g, WASM_OP_I32_AND);
}

// An address that mostly lies in memory: often a sum, as compilers make them.
static void address(struct generator *g, u32 depth)
{
    switch (choose(g, 4)) {
    case 0:
        expression(g, 0, depth);
        if (choose(g, 32) != 31) {
            put_opcode(g, WASM_OP_I32_CONST);
            put_i64(&g->out, 1023);
            put_opcode(g, WASM_OP_I32_AND);
        }
        return;
    case 1:
        put_opcode(g, WASM_OP_I32_CONST);
        put_i64(&g->out, choose(g, 60000));
        return;
    default:
        leaf(g, 0);
        put_opcode(g, WASM_OP_I32_CONST);
        put_i64(&g->out, choose(g, 1000));
        put_opcode(g, WASM_OP_I32_AND);
        if (choose(g, 2) == 0) {
            return;
        }
        u32 local;
        if (!local_of(g, 0, &local)) {
            return;
        }
        put_opcode(g, WASM_OP_LOCAL_SET);
        put_u32(&g->out, local);
        put_opcode(g, WASM_OP_LOCAL_GET);
        put_u32(&g->out, local);
        if (choose(g, 2) == 0) {
            put_opcode(g, WASM_OP_I32_CONST);
            put_i64(&g->out, choose(g, 4));
            put_opcode(g, WASM_OP_I32_SHL);
        }
        if (choose(g, 2) == 0) {
            put_opcode(g, WASM_OP_LOCAL_GET);
            put_u32(&g->out, local);
            put_opcode(g, WASM_OP_I32_ADD);
        }
        put_opcode(g, WASM_OP_I32_CONST);
        put_i64(&g->out, (i64)choose(g, 3000) - (choose(g, 32) == 31 ? 100 : 0));
        put_opcode(g, WASM_OP_I32_ADD);
    }
}

// Instructions that show the bits of a NaN, in which engines may differ.
static bool shows_nan(const struct operation *op)
{
    u32 opcode = WASM_OPCODE(op->prefix, op->opcode);
    return opcode == WASM_OP_I32_REINTERPRET_F32 || opcode == WASM_OP_I64_REINTERPRET_F64 ||
           opcode == WASM_OP_F32_STORE || opcode == WASM_OP_F64_STORE ||
           opcode == WASM_OP_F32_COPYSIGN || opcode == WASM_OP_F64_COPYSIGN;
}

// Whether lanes of the result can be NaNs that an instruction made.
static bool makes_lanes_nan(const struct operation *op)
{
    return op->class == WASM_CLASS_VECTOR && op->result == VECTOR && op->text[0] == 'f';
}

// The greater of -inf and each lane is -inf where that is a NaN: this comes before the lanes,
static void hide_begin(struct generator *g, const struct operation *op)
{
    put_u8(&g->out, WASM_PREFIX_VECTOR);
    put_u32(&g->out, WASM_OP_V128_CONST - WASM_OPCODE(WASM_PREFIX_VECTOR, 0));
    for (u32 half = 0; half < 2; half++) {
        u64 bits = op->text[1] == '3' ? 0xff800000ff800000 : 0xfff0000000000000;
        put_bytes(&g->out, &bits, sizeof bits);
    }
}

// and this behind.
static void hide_end(struct generator *g, const struct operation *op)
{
    enum wasm_opcode pmax = op->text[1] == '3' ? WASM_OP_F32X4_PMAX : WASM_OP_F64X2_PMAX;
    put_u8(&g->out, WASM_PREFIX_VECTOR);
    put_u32(&g->out, pmax - WASM_OPCODE(WASM_PREFIX_VECTOR, 0));
}

// One of the numeric instructions and loads with this result.
static void numeric(struct generator *g, u32 kind, u32 depth)
{
    u32 start = choose(g, COUNT_OF(operations));
    for (u32 i = 0; i < COUNT_OF(operations); i++) {
        const struct operation *op = &operations[(start + i) % COUNT_OF(operations)];
        bool is_atomic = op->class == WASM_CLASS_ATOMIC && g->has_atomics;
        bool is_load = op->class == WASM_CLASS_LOAD || op->class == WASM_CLASS_VECTOR_LOAD;
        is_load |= is_atomic;
        bool fits = op->class == WASM_CLASS_VECTOR || op->class == WASM_CLASS_COMPARE ||
                    op->class == WASM_CLASS_UNARY || op->class == WASM_CLASS_BINARY ||
                    op->class == WASM_CLASS_CONVERT || is_load;
        if (!fits || (op->prefix == WASM_PREFIX_VECTOR && g->kinds != KINDS) ||
            op->result != kind || (g->hides_nan && shows_nan(op))) {
            continue;
        }
        bool is_hidden = g->hides_nan && makes_lanes_nan(op);
        if (is_hidden) {
            hide_begin(g, op);
        }
        if (is_load) {
            (is_atomic ? address_atomic : address)(g, depth);
        }
        for (u32 k = is_load; k < 3 && op->operands[k] != KINDS; k++) {
            expression(g, op->operands[k], depth);
        }
        put_operation(g, op);
        if (is_hidden) {
            hide_end(g, op);
        }
        return;
    }
}

static void label_push(struct generator *g, const u8 *kinds, u32 count)
{
    struct label *label = &g->labels[g->label_count++];
    label->count = (u8)count;
    for (u32 i = 0; i < count; i++) {
        label->kinds[i] = kinds[i];
    }
}

// Returns when the budget is used up. Comes first in loops and functions.
static void put_budget(struct generator *g)
{
    put_opcode(g, WASM_OP_GLOBAL_GET);
    put_u32(&g->out, g->kinds);
    put_opcode(g, WASM_OP_I32_EQZ);
    put_opcode(g, WASM_OP_IF);
    put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
    for (u32 i = 0; i < g->labels[0].count; i++) {
        constant(g, g->labels[0].kinds[i]);
    }
    put_opcode(g, WASM_OP_RETURN);
    put_opcode(g, WASM_OP_END);
    put_opcode(g, WASM_OP_GLOBAL_GET);
    put_u32(&g->out, g->kinds);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, 1);
    put_opcode(g, WASM_OP_I32_SUB);
    put_opcode(g, WASM_OP_GLOBAL_SET);
    put_u32(&g->out, g->kinds);
}

// block, loop or if with one result and sometimes parameters.
static void block(struct generator *g, u32 kind, u32 depth)
{
    if (g->label_count >= LABELS) {
        leaf(g, kind);
        return;
    }
    u8 result = (u8)kind;
    u32 shape = choose(g, 3);
    if (shape == 2) {
        expression(g, 0, depth);
        put_opcode(g, WASM_OP_IF);
    } else {
        put_opcode(g, shape == 0 ? WASM_OP_BLOCK : WASM_OP_LOOP);
    }
    put_u8(&g->out, types[kind]);
    label_push(g, &result, shape == 1 ? 0 : 1);
    if (shape == 1) {
        put_budget(g);
    }
    statements(g, depth);
    expression(g, kind, depth);
    if (shape == 2) {
        put_opcode(g, WASM_OP_ELSE);
        statements(g, depth);
        expression(g, kind, depth);
    }
    put_opcode(g, WASM_OP_END);
    g->label_count--;
}

static void put_call(struct generator *g, u32 callee, bool is_tail, u32 depth)
{
    const struct signature *s = &g->signatures[callee];
    for (u32 i = 0; i < s->param_count; i++) {
        expression(g, s->params[i], depth);
    }
    if (choose(g, 3) == 2) {
        // By the table, whose entry i is function i; sometimes the wrong one.
        put_opcode(g, WASM_OP_I32_CONST);
        put_i64(&g->out, choose(g, 32) == 31 ? choose(g, TABLE + 1) : callee);
        put_opcode(g, is_tail ? WASM_OP_RETURN_CALL_INDIRECT : WASM_OP_CALL_INDIRECT);
        put_u32(&g->out, callee);
        put_u32(&g->out, 0);
    } else {
        put_opcode(g, is_tail ? WASM_OP_RETURN_CALL : WASM_OP_CALL);
        put_u32(&g->out, callee);
    }
}

// A call of an earlier function, or of this one; every result but one of `kind` is dropped.
static void call(struct generator *g, u32 kind, u32 depth)
{
    u32 callee = choose(g, g->function + 1);
    const struct signature *s = &g->signatures[callee];
    put_call(g, callee, false, depth);
    u32 left = s->result_count;
    while (left > 0 && (kind == KINDS || s->results[left - 1] != kind)) {
        put_opcode(g, WASM_OP_DROP);
        left--;
    }
    if (kind == KINDS) {
        return;
    }
    if (left == 0) {
        leaf(g, kind);
    } else if (left == 2) {
        // The other result lies below: keep this one in a local, or as it is by a select.
        u32 local;
        if (s->results[0] == kind) {
            expression(g, 0, depth);
            put_opcode(g, WASM_OP_SELECT);
        } else if (local_of(g, kind, &local)) {
            put_opcode(g, WASM_OP_LOCAL_SET);
            put_u32(&g->out, local);
            put_opcode(g, WASM_OP_DROP);
            put_opcode(g, WASM_OP_LOCAL_GET);
            put_u32(&g->out, local);
        } else {
            put_opcode(g, WASM_OP_DROP);
            put_opcode(g, WASM_OP_DROP);
            leaf(g, kind);
        }
    }
}

static void tee(struct generator *g, u32 kind, u32 depth)
{
    u32 local;
    expression(g, kind, depth);
    if (local_of(g, kind, &local)) {
        put_opcode(g, WASM_OP_LOCAL_TEE);
        put_u32(&g->out, local);
    }
}

// A branch out that carries the value and leaves it when it is not taken.
static void branch_if(struct generator *g, u32 kind, u32 depth)
{
    expression(g, kind, depth);
    for (u32 i = 0; i < g->label_count; i++) {
        const struct label *label = &g->labels[g->label_count - 1 - i];
        if (label->count == 1 && label->kinds[0] == kind) {
            expression(g, 0, depth);
            put_opcode(g, WASM_OP_BR_IF);
            put_u32(&g->out, i);
            return;
        }
    }
}

static void expression(struct generator *g, u32 kind, u32 depth)
{
    if (depth == 0 || g->out.size - g->body > BODY_BYTES) {
        leaf(g, kind);
        return;
    }
    depth--;
    switch (choose(g, 12)) {
    case 0:
        leaf(g, kind);
        break;
    case 1:
        block(g, kind, depth);
        break;
    case 2:
        call(g, kind, depth);
        break;
    case 3:
        tee(g, kind, depth);
        break;
    case 4:
        expression(g, kind, depth);
        expression(g, kind, depth);
        expression(g, 0, depth);
        put_opcode(g, WASM_OP_SELECT);
        break;
    case 5:
        put_opcode(g, WASM_OP_GLOBAL_GET);
        put_u32(&g->out, kind);
        break;
    case 6:
        branch_if(g, kind, depth);
        break;
    default:
        numeric(g, kind, depth);
        break;
    }
}

// ---- statements

static void store(struct generator *g, u32 depth)
{
    u32 start = choose(g, COUNT_OF(operations));
    for (u32 i = 0; i < COUNT_OF(operations); i++) {
        const struct operation *op = &operations[(start + i) % COUNT_OF(operations)];
        bool is_store = op->class == WASM_CLASS_STORE || op->class == WASM_CLASS_VECTOR_STORE;
        is_store |= op->class == WASM_CLASS_ATOMIC && op->result == KINDS && g->has_atomics;
        if (is_store && op->operands[1] < g->kinds && !(g->hides_nan && shows_nan(op))) {
            (op->class == WASM_CLASS_ATOMIC ? address_atomic : address)(g, depth);
            expression(g, op->operands[1], depth);
            put_operation(g, op);
            return;
        }
    }
}

// A loop that counts a local up or down to a bound, as compilers make them; its body may do
// anything.
static void counting_loop(struct generator *g, u32 depth)
{
    static const enum wasm_opcode ends[] = {WASM_OP_I32_NE,   WASM_OP_I32_LT_U, WASM_OP_I32_LT_S,
                                            WASM_OP_I32_GT_S, WASM_OP_I32_GT_U, WASM_OP_I32_LE_S};
    u32 local;
    if (g->label_count >= LABELS || !local_of(g, 0, &local)) {
        return;
    }
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, choose(g, 20));
    put_opcode(g, WASM_OP_LOCAL_SET);
    put_u32(&g->out, local);
    put_opcode(g, WASM_OP_LOOP);
    put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
    label_push(g, NULL, 0);
    put_budget(g);
    statements(g, depth);
    put_opcode(g, WASM_OP_LOCAL_GET);
    put_u32(&g->out, local);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, (i64)choose(g, 5) - 2);
    put_opcode(g, WASM_OP_I32_ADD);
    put_opcode(g, WASM_OP_LOCAL_TEE);
    put_u32(&g->out, local);
    leaf(g, 0);
    put_opcode(g, ends[choose(g, COUNT_OF(ends))]);
    put_opcode(g, WASM_OP_BR_IF);
    put_u32(&g->out, 0);
    put_opcode(g, WASM_OP_END);
    g->label_count--;
}

// A branch with whatever its label wants, conditional or not; what follows the latter is dead.
static void branch(struct generator *g, u32 depth)
{
    u32 depth_of_label = choose(g, g->label_count);
    const struct label label = g->labels[g->label_count - 1 - depth_of_label];
    bool is_conditional = choose(g, 4) != 0;
    for (u32 i = 0; i < label.count; i++) {
        expression(g, label.kinds[i], depth);
    }
    if (is_conditional) {
        expression(g, 0, depth);
    }
    put_opcode(g, is_conditional ? WASM_OP_BR_IF : WASM_OP_BR);
    put_u32(&g->out, depth_of_label);
    for (u32 i = 0; i < label.count; i++) {
        put_opcode(g, WASM_OP_DROP);
    }
}

// A switch over nested blocks.
static void branch_table(struct generator *g, u32 depth)
{
    u32 count = 1 + choose(g, 3);
    if (g->label_count + count > LABELS) {
        return;
    }
    for (u32 i = 0; i < count; i++) {
        put_opcode(g, WASM_OP_BLOCK);
        put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
        label_push(g, NULL, 0);
    }
    expression(g, 0, depth);
    put_opcode(g, WASM_OP_BR_TABLE);
    put_u32(&g->out, count);
    for (u32 i = 0; i <= count; i++) {
        put_u32(&g->out, choose(g, count));
    }
    for (u32 i = 0; i < count; i++) {
        put_opcode(g, WASM_OP_END);
        g->label_count--;
        statements(g, depth);
    }
}

// A block by an index into the types: parameters of a function's signature, no results.
static void block_with_params(struct generator *g, u32 depth)
{
    u32 type = choose(g, g->function_count);
    const struct signature *s = &g->signatures[type];
    if (g->label_count >= LABELS) {
        return;
    }
    for (u32 i = 0; i < s->param_count; i++) {
        expression(g, s->params[i], depth);
    }
    put_opcode(g, WASM_OP_BLOCK);
    put_u32(&g->out, type);
    label_push(g, s->results, s->result_count);
    for (u32 i = s->param_count; i > 0; i--) {
        u32 local;
        bool keeps = local_of(g, s->params[i - 1], &local);
        put_opcode(g, keeps ? WASM_OP_LOCAL_SET : WASM_OP_DROP);
        if (keeps) {
            put_u32(&g->out, local);
        }
    }
    statements(g, depth);
    for (u32 i = 0; i < s->result_count; i++) {
        expression(g, s->results[i], depth);
    }
    put_opcode(g, WASM_OP_END);
    g->label_count--;
    for (u32 i = 0; i < s->result_count; i++) {
        put_opcode(g, WASM_OP_DROP);
    }
}

// On a condition, a call in the place of a return: of a function that gives what this one does.
static void tail_call(struct generator *g, u32 depth)
{
    const struct label *own = &g->labels[0];
    u32 callee = choose(g, g->function + 1);
    for (u32 i = 0; i <= g->function; i++, callee = (callee + 1) % (g->function + 1)) {
        const struct signature *s = &g->signatures[callee];
        if (s->result_count != own->count || memcmp(s->results, own->kinds, own->count) != 0 ||
            g->label_count >= LABELS) {
            continue;
        }
        expression(g, 0, depth);
        put_opcode(g, WASM_OP_IF);
        put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
        label_push(g, NULL, 0);
        put_call(g, callee, true, depth);
        put_opcode(g, WASM_OP_END);
        g->label_count--;
        return;
    }
}

// Sizes go where they change what follows: into a local, if there is one.
static void memory_size(struct generator *g)
{
    u32 local;
    bool grows = choose(g, 4) == 0;
    if (grows) {
        put_opcode(g, WASM_OP_I32_CONST);
        put_i64(&g->out, (i64)choose(g, 3));
    }
    put_opcode(g, grows ? WASM_OP_MEMORY_GROW : WASM_OP_MEMORY_SIZE);
    put_u32(&g->out, choose_memory(g));
    bool keeps = local_of(g, 0, &local);
    put_opcode(g, keeps ? WASM_OP_LOCAL_SET : WASM_OP_DROP);
    if (keeps) {
        put_u32(&g->out, local);
    }
}

static void bulk(struct generator *g, u32 depth)
{
    if (g->memory_count > 1 && choose(g, 4) == 0) {
        memory_size(g);
        return;
    }
    address(g, depth);
    bool is_fill = choose(g, 2) == 0;
    if (is_fill) {
        expression(g, 0, depth);
    } else {
        address(g, depth);
    }
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, choose(g, 600));
    put_u8(&g->out, WASM_PREFIX_BULK);
    put_u8(&g->out, is_fill ? 0x0b : 0x0a);
    put_u32(&g->out, choose_memory(g));
    if (!is_fill) {
        put_u32(&g->out, choose_memory(g));
    }
}

static void statement(struct generator *g, u32 depth)
{
    u32 kind = choose(g, g->kinds);
    u32 local;
    switch (choose(g, 12)) {
    case 0:
    case 1:
    case 2:
        if (local_of(g, kind, &local)) {
            expression(g, kind, depth);
            put_opcode(g, WASM_OP_LOCAL_SET);
            put_u32(&g->out, local);
        }
        break;
    case 3:
        expression(g, kind, depth);
        put_opcode(g, WASM_OP_GLOBAL_SET);
        put_u32(&g->out, kind);
        break;
    case 4:
        expression(g, kind, depth);
        put_opcode(g, WASM_OP_DROP);
        break;
    case 5:
        counting_loop(g, depth);
        break;
    case 6:
        branch(g, depth);
        break;
    case 7:
        branch_table(g, depth);
        break;
    case 8:
        block_with_params(g, depth);
        break;
    case 9:
        if (!g->has_tail_calls || choose(g, 2) == 0) {
            call(g, KINDS, depth);
        } else {
            tail_call(g, depth);
        }
        break;
    case 10:
        bulk(g, depth);
        break;
    default:
        store(g, depth);
        break;
    }
}

static void statements(struct generator *g, u32 depth)
{
    for (u32 left = choose(g, 4); left > 0; left--) {
        if (depth == 0 || g->out.size - g->body > BODY_BYTES) {
            return;
        }
        statement(g, depth - 1);
    }
}

// ---- the module

static void put_types(struct generator *g)
{
    put_section(&g->out, TYPE);
    put_u32(&g->out, g->function_count + g->kinds);
    for (u32 i = 0; i < g->function_count; i++) {
        const struct signature *s = &g->signatures[i];
        put_u8(&g->out, 0x60);
        put_u32(&g->out, s->param_count);
        for (u32 k = 0; k < s->param_count; k++) {
            put_u8(&g->out, types[s->params[k]]);
        }
        put_u32(&g->out, s->result_count);
        for (u32 k = 0; k < s->result_count; k++) {
            put_u8(&g->out, types[s->results[k]]);
        }
    }
    for (u32 kind = 0; kind < g->kinds; kind++) { // of the exported functions
        put_u8(&g->out, 0x60);
        put_u32(&g->out, 0);
        put_u32(&g->out, 1);
        put_u8(&g->out, types[kind]);
    }
    end_section(&g->out);
}

// What a global begins with: a constant, or a sum, a difference or a product of two or three.
static void global_init(struct generator *g, u32 kind)
{
    static const u32 operators[2][3] = {
        {WASM_OP_I32_ADD, WASM_OP_I32_SUB, WASM_OP_I32_MUL},
        {WASM_OP_I64_ADD, WASM_OP_I64_SUB, WASM_OP_I64_MUL},
    };
    u32 more = kind < 2 ? choose(g, 3) : 0;
    constant(g, kind);
    for (u32 i = 0; i < more; i++) {
        constant(g, kind);
        put_opcode(g, operators[kind][choose(g, 3)]);
    }
    put_opcode(g, WASM_OP_END);
}

static void put_globals(struct generator *g)
{
    put_section(&g->out, GLOBAL);
    put_u32(&g->out, g->kinds + 1);
    for (u32 kind = 0; kind < g->kinds; kind++) {
        put_u8(&g->out, types[kind]);
        put_u8(&g->out, 1);
        global_init(g, kind);
    }
    put_u8(&g->out, WASM_I32);
    put_u8(&g->out, 1);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, BUDGET);
    put_opcode(g, WASM_OP_END);
    end_section(&g->out);
}

static void put_exports(struct generator *g)
{
    put_section(&g->out, EXPORT);
    put_u32(&g->out, g->kinds * 2);
    for (u32 i = 0; i < g->kinds * 2; i++) {
        char name[] = {'f', (char)('0' + i), 0};
        put_name(&g->out, name);
        put_u8(&g->out, WASM_FUNCTION);
        put_u32(&g->out, g->function_count + i);
    }
    end_section(&g->out);
    put_section(&g->out, ELEM);
    put_u32(&g->out, 1);
    put_u32(&g->out, 0);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, 0);
    put_opcode(g, WASM_OP_END);
    put_u32(&g->out, g->function_count);
    for (u32 i = 0; i < g->function_count; i++) {
        put_u32(&g->out, i);
    }
    end_section(&g->out);
}

static void put_locals(struct generator *g, const struct signature *s)
{
    g->local_count = s->param_count;
    for (u32 i = 0; i < s->param_count; i++) {
        g->locals[i] = s->params[i];
    }
    u32 declared = 1 + choose(g, LOCALS);
    put_u32(&g->out, declared);
    for (u32 i = 0; i < declared; i++) {
        u8 kind = (u8)choose(g, g->kinds);
        g->locals[g->local_count++] = kind;
        put_u32(&g->out, 1);
        put_u8(&g->out, types[kind]);
    }
}

static void put_function(struct generator *g, u32 index)
{
    const struct signature *s = &g->signatures[index];
    size_t body = put_body(&g->out);
    g->body = g->out.size;
    g->function = index;
    g->label_count = 0;
    put_locals(g, s);
    label_push(g, s->results, s->result_count);
    put_budget(g);
    statements(g, DEPTH);
    statements(g, DEPTH);
    for (u32 i = 0; i < s->result_count; i++) {
        expression(g, s->results[i], DEPTH);
    }
    put_opcode(g, WASM_OP_END);
    end_body(&g->out, body);
}

static void put_exported(struct generator *g, u32 kind)
{
    size_t body = put_body(&g->out);
    g->body = g->out.size;
    g->function = g->function_count - 1;
    g->label_count = 0;
    u8 result = (u8)kind;
    put_u32(&g->out, 1);
    put_u32(&g->out, 1);
    put_u8(&g->out, types[kind]);
    g->local_count = 1;
    g->locals[0] = result;
    label_push(g, &result, 1);
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, BUDGET);
    put_opcode(g, WASM_OP_GLOBAL_SET);
    put_u32(&g->out, g->kinds);
    call(g, kind, 3);
    put_opcode(g, WASM_OP_END);
    end_body(&g->out, body);
}

static void choose_signatures(struct generator *g)
{
    g->function_count = 1 + choose(g, FUNCTIONS);
    for (u32 i = 0; i < g->function_count; i++) {
        struct signature *s = &g->signatures[i];
        s->param_count = (u8)choose(g, 4);
        for (u32 k = 0; k < s->param_count; k++) {
            s->params[k] = (u8)choose(g, g->kinds);
        }
        s->result_count = (u8)choose(g, 3);
        for (u32 k = 0; k < s->result_count; k++) {
            s->results[k] = (u8)choose(g, g->kinds);
        }
    }
}

struct wasm_bytes generate_module(struct span choices, u32 options)
{
    struct generator *g = calloc(1, sizeof *g);
    if (g == NULL) {
        abort();
    }
    g->choices = choices;
    g->hides_nan = (options & GENERATE_HIDES_NAN) != 0;
    g->has_atomics = (options & GENERATE_ATOMICS) != 0;
    g->has_tail_calls = (options & GENERATE_TAIL_CALLS) != 0;
    g->kinds = (options & GENERATE_VECTORS) != 0 ? KINDS : VECTOR;
    g->out = wasm_bytes_begin();
    choose_signatures(g);
    g->memory_count = choose(g, 2) == 0 ? 1 : 1 + choose(g, MEMORIES);
    put_types(g);
    put_section(&g->out, FUNCTION);
    put_u32(&g->out, g->function_count + g->kinds * 2);
    for (u32 i = 0; i < g->function_count; i++) {
        put_u32(&g->out, i);
    }
    for (u32 i = 0; i < g->kinds * 2; i++) {
        put_u32(&g->out, g->function_count + i % g->kinds);
    }
    end_section(&g->out);
    put_section(&g->out, TABLE_ID);
    PUT(&g->out, "\x01\x70\x00\x08"); // TABLE elements of funcref
    end_section(&g->out);
    put_section(&g->out, MEMORY);
    put_u32(&g->out, g->memory_count);
    for (u32 i = 0; i < g->memory_count; i++) {
        PUT(&g->out, "\x01\x01\x03"); // PAGES, and two more at most
    }
    end_section(&g->out);
    put_globals(g);
    put_exports(g);
    put_section(&g->out, CODE);
    put_u32(&g->out, g->function_count + g->kinds * 2);
    for (u32 i = 0; i < g->function_count; i++) {
        put_function(g, i);
    }
    for (u32 i = 0; i < g->kinds * 2; i++) {
        put_exported(g, i % g->kinds);
    }
    end_section(&g->out);
    put_section(&g->out, DATA);
    PUT(&g->out, "\x01\x00\x41\x08\x0b\x0cHello, tests");
    end_section(&g->out);
    struct wasm_bytes out = g->out;
    free(g);
    return out;
}
