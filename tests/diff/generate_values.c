// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/compiler.h"
#include "core/wasm/module.h"
#include "tests/diff/generator.h"

struct operation {
    u16 opcode;
    u8 prefix;
    u8 class;
    u8 operands[3]; // kinds
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

u32 choose(struct generator *g, u32 count)
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

u32 choose_memory(struct generator *g)
{
    return g->memory_count > 1 ? choose(g, g->memory_count) : 0;
}

u32 choose_kind(struct generator *g)
{
    return g->has_exceptions && choose(g, 10) == 9 ? EXNREF : choose(g, g->kinds);
}

u8 kind_type(u32 kind)
{
    static const u8 types[] = {WASM_I32, WASM_I64, WASM_F32, WASM_F64, WASM_V128, 0, WASM_EXNREF};
    return types[kind];
}

void put_i64(struct wasm_bytes *out, i64 value)
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

void put_opcode(struct generator *g, enum wasm_opcode opcode)
{
    put_u8(&g->out, (u8)opcode);
}

void put_i32_const(struct generator *g, i64 value)
{
    put_opcode(g, WASM_OP_I32_CONST);
    put_i64(&g->out, value);
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

void put_constant(struct generator *g, u32 kind)
{
    if (kind == EXNREF) {
        put_opcode(g, WASM_OP_REF_NULL);
        put_u8(&g->out, WASM_EXNREF);
    } else if (kind == VECTOR) {
        vector_const(g);
    } else if (kind < 2) {
        integer_const(g, kind);
    } else {
        float_const(g, kind);
    }
}

bool local_of(struct generator *g, u32 kind, u32 *out)
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

// ---- operations and addresses

void put_leaf(struct generator *g, u32 kind)
{
    u32 local;
    if (choose(g, 4) != 0 && local_of(g, kind, &local)) {
        put_opcode(g, WASM_OP_LOCAL_GET);
        put_u32(&g->out, local);
    } else {
        put_constant(g, kind);
    }
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
    put_expression(g, 0, depth);
    put_i32_const(g, choose(g, 32) == 31 ? 0xffff : 0xff8);
    put_opcode(g, WASM_OP_I32_AND);
}

void put_address(struct generator *g, u32 depth)
{
    switch (choose(g, 4)) {
    case 0:
        put_expression(g, 0, depth);
        if (choose(g, 32) != 31) {
            put_i32_const(g, 1023);
            put_opcode(g, WASM_OP_I32_AND);
        }
        return;
    case 1:
        put_i32_const(g, choose(g, 60000));
        return;
    default:
        put_leaf(g, 0);
        put_i32_const(g, choose(g, 1000));
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
            put_i32_const(g, choose(g, 4));
            put_opcode(g, WASM_OP_I32_SHL);
        }
        if (choose(g, 2) == 0) {
            put_opcode(g, WASM_OP_LOCAL_GET);
            put_u32(&g->out, local);
            put_opcode(g, WASM_OP_I32_ADD);
        }
        put_i32_const(g, (i64)choose(g, 3000) - (choose(g, 32) == 31 ? 100 : 0));
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

void put_numeric(struct generator *g, u32 kind, u32 depth)
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
            (is_atomic ? address_atomic : put_address)(g, depth);
        }
        for (u32 k = is_load; k < 3 && op->operands[k] != KINDS; k++) {
            put_expression(g, op->operands[k], depth);
        }
        put_operation(g, op);
        if (is_hidden) {
            hide_end(g, op);
        }
        return;
    }
}
void put_store(struct generator *g, u32 depth)
{
    u32 start = choose(g, COUNT_OF(operations));
    for (u32 i = 0; i < COUNT_OF(operations); i++) {
        const struct operation *op = &operations[(start + i) % COUNT_OF(operations)];
        bool is_store = op->class == WASM_CLASS_STORE || op->class == WASM_CLASS_VECTOR_STORE;
        is_store |= op->class == WASM_CLASS_ATOMIC && op->result == KINDS && g->has_atomics;
        if (is_store && op->operands[1] < g->kinds && !(g->hides_nan && shows_nan(op))) {
            (op->class == WASM_CLASS_ATOMIC ? address_atomic : put_address)(g, depth);
            put_expression(g, op->operands[1], depth);
            put_operation(g, op);
            return;
        }
    }
}
