// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/ir.h"
#include "core/wasm/atomic.h"
#include "core/wasm/code.h"
#include "core/wasm/numeric.h"
#include "core/wasm/vector.h"
#include "tests/diff/evaluate.h"

// ---- values by the letters of opcodes.def

#define IN_I(value) (u32)(value).low
#define IN_L(value) (value).low
#define IN_F(value) f32_bits((u32)(value).low)
#define IN_D(value) f64_bits((value).low)
#define IN_V(value) ((v128){(value).low, (value).high})
#define OUT_I(result) *out = (struct value){(u32)(result), 0}
#define OUT_L(result) *out = (struct value){(result), 0}
#define OUT_F(result) *out = (struct value){bits_f32(result), 0}
#define OUT_D(result) *out = (struct value){bits_f64(result), 0}
#define OUT_V(result) *out = of_vector(result)

static struct value of_vector(v128 vector)
{
    return (struct value){vector[0], vector[1]};
}

#define ARGS_I IN_I(a)
#define ARGS_L IN_L(a)
#define ARGS_F IN_F(a)
#define ARGS_D IN_D(a)
#define ARGS_V IN_V(a)
#define ARGS_II IN_I(a), IN_I(b)
#define ARGS_LL IN_L(a), IN_L(b)
#define ARGS_FF IN_F(a), IN_F(b)
#define ARGS_DD IN_D(a), IN_D(b)
#define ARGS_VV IN_V(a), IN_V(b)
#define ARGS_VI IN_V(a), IN_I(b)
#define ARGS_VVV IN_V(a), IN_V(b), IN_V(c)

#define TRAP_OF_no(name, operands) TRAP_NONE
#define TRAP_OF_yes(name, operands) check_##name(ARGS_##operands)

#define ROW_NUMERIC(name, immediate, operands, results, bytes, traps)                              \
    case ROW_##name:                                                                               \
        trap = TRAP_OF_##traps(name, operands);                                                    \
        if (trap == TRAP_NONE) {                                                                   \
            OUT_##results(num_##name(ARGS_##operands));                                            \
        }                                                                                          \
        return trap;
#define ROW_OF_UNARY ROW_NUMERIC
#define ROW_OF_BINARY ROW_NUMERIC
#define ROW_OF_COMPARE ROW_NUMERIC
#define ROW_OF_CONVERT ROW_NUMERIC

#define ROW_OF_LOAD(name, immediate, operands, results, bytes, traps)                              \
    case ROW_##name:                                                                               \
        OUT_##results(num_##name(at));                                                             \
        return TRAP_NONE;
#define STORED_II IN_I(b)
#define STORED_IL IN_L(b)
#define STORED_IF IN_F(b)
#define STORED_ID IN_D(b)
#define ROW_OF_STORE(name, immediate, operands, results, bytes, traps)                             \
    case ROW_##name:                                                                               \
        num_##name(at, STORED_##operands);                                                         \
        return TRAP_NONE;

// ---- vectors

#define VECTOR_NONE(name, operands, results, bytes)                                                \
    case ROW_##name:                                                                               \
        OUT_##results(vec_##name(ARGS_##operands));                                                \
        return TRAP_NONE;
#define VECTOR_LANES(name, operands, results, bytes)                                               \
    case ROW_##name:                                                                               \
        OUT_V(vec_##name(IN_V(a), IN_V(b),                                                         \
                         ((v128){ir->vectors[ins->c][0], ir->vectors[ins->c][1]})));               \
        return TRAP_NONE;
#define VECTOR_LANE(name, operands, results, bytes)                                                \
    case ROW_##name:                                                                               \
        LANE_##results(name, bytes);                                                               \
        return TRAP_NONE;
#define LANE_V(name, bytes)                                                                        \
    *out = a;                                                                                      \
    __builtin_memcpy((u8 *)out + ins->lane * bytes, &b.low, bytes)
#define LANE_I(name, bytes) OUT_I(EXTRACT_##name((const u8 *)&a + ins->lane * bytes))
#define LANE_L(name, bytes) OUT_L(EXTRACT_##name((const u8 *)&a + ins->lane * bytes))
#define LANE_F(name, bytes) OUT_F(EXTRACT_##name((const u8 *)&a + ins->lane * bytes))
#define LANE_D(name, bytes) OUT_D(EXTRACT_##name((const u8 *)&a + ins->lane * bytes))
#define EXTRACT_I8X16_EXTRACT_LANE_S num_I32_LOAD8_S
#define EXTRACT_I8X16_EXTRACT_LANE_U num_I32_LOAD8_U
#define EXTRACT_I16X8_EXTRACT_LANE_S num_I32_LOAD16_S
#define EXTRACT_I16X8_EXTRACT_LANE_U num_I32_LOAD16_U
#define EXTRACT_I32X4_EXTRACT_LANE num_I32_LOAD
#define EXTRACT_I64X2_EXTRACT_LANE num_I64_LOAD
#define EXTRACT_F32X4_EXTRACT_LANE num_F32_LOAD
#define EXTRACT_F64X2_EXTRACT_LANE num_F64_LOAD
#define ROW_OF_VECTOR(name, immediate, operands, results, bytes, traps)                            \
    VECTOR_##immediate(name, operands, results, bytes)

#define VECTOR_LOAD_MEMARG(name, bytes)                                                            \
    case ROW_##name:                                                                               \
        OUT_V(vec_##name(at));                                                                     \
        return TRAP_NONE;
#define VECTOR_LOAD_MEMARG_LANE(name, bytes)                                                       \
    case ROW_##name:                                                                               \
        *out = b;                                                                                  \
        __builtin_memcpy((u8 *)out + ins->lane * bytes, at, bytes);                                \
        return TRAP_NONE;
#define ROW_OF_VECTOR_LOAD(name, immediate, operands, results, bytes, traps)                       \
    VECTOR_LOAD_##immediate(name, bytes)
#define ROW_OF_VECTOR_STORE(name, immediate, operands, results, bytes, traps)                      \
    case ROW_##name:                                                                               \
        __builtin_memcpy(at, (u8 *)&b + ins->lane * bytes, bytes);                                 \
        return TRAP_NONE;

#define ROW_OF_CONTROL(...)
#define ROW_OF_PARAMETRIC(...)
#define ROW_OF_VARIABLE(...)
#define ROW_OF_TABLE(...)
#define ROW_OF_MEMORY(...)
#define ROW_OF_CONST(...)
#define ROW_OF_REFERENCE(...)
#define ROW_OF_BULK(...)
#define ROW_OF_WAIT(...)
#define ROW_OF_FENCE(...)

#define ROW_OF_ATOMIC(name, immediate, operands, results, bytes, traps)                            \
    case ROW_##name:                                                                               \
        trap = evaluate_atomic(evaluator, ir, ins, a, b, c, &before);                              \
        ATOMIC_##results;                                                                          \
        return trap;
#define ATOMIC_N
#define ATOMIC_I OUT_I(before)
#define ATOMIC_L OUT_L(before)

// Alignment comes before bounds, as with the engines. Of another memory than 0 both are checked.
static enum trap evaluate_atomic(const struct evaluator *evaluator, const struct ir *ir,
                                 const struct ir_ins *ins, struct value a, struct value b,
                                 struct value c, u64 *before)
{
    const struct wasm_memory *memory = evaluator->instance->memory;
    const struct op *op = &body_ops[ins->op];
    enum wasm_atomic kind = wasm_atomic_kind(op->number);
    u64 address = (a.low & UINT32_MAX) + (u64)ins->c;
    bool has_list = (ir_shapes[ins->op] & IR_SHAPE_LIST) != 0;
    if (ir->ins[has_list ? ir->lists[ins->b + 1] : ins->a].op == IR_MEMORY_AT) {
        *before = wasm_atomic_access(kind, op->bytes, (u8 *)(uintptr_t)a.low, b.low, c.low);
        return TRAP_NONE;
    }
    if (address % op->bytes != 0) {
        return TRAP_UNALIGNED_ATOMIC;
    }
    if (!range_inside(address, op->bytes, memory->size_bytes)) {
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    }
    *before = wasm_atomic_access(kind, op->bytes, memory->base + address, b.low, c.low);
    return TRAP_NONE;
}

enum trap evaluate_row(const struct evaluator *evaluator, const struct ir *ir,
                       const struct ir_ins *ins, struct value a, struct value b, struct value c,
                       struct value *out)
{
    enum trap trap;
    u64 before = 0;
    u8 *at = NULL;
    u8 class = body_ops[ins->op].class;
    if (class == WASM_CLASS_LOAD || class == WASM_CLASS_STORE || class == WASM_CLASS_VECTOR_LOAD ||
        class == WASM_CLASS_VECTOR_STORE) {
        const struct wasm_memory *memory = evaluator->instance->memory;
        u64 address = (a.low & UINT32_MAX) + (u64)ins->c;
        if (ir->ins[ins->a].op == IR_MEMORY_AT) { // another memory
            at = (u8 *)(uintptr_t)a.low + ins->c;
        } else if (range_inside(address, body_ops[ins->op].bytes, memory->size_bytes)) {
            at = memory->base + address;
        } else {
            return TRAP_MEMORY_OUT_OF_BOUNDS;
        }
    }
    switch (ins->op) {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_OF_##class(name, immediate, operands, results, bytes, traps)
#include "core/wasm/opcodes.def"
    case ROW_SELECT:
        *out = (u32)c.low != 0 ? a : b;
        return TRAP_NONE;
    default:
        ASSERT(false);
        return TRAP_HOST;
    }
}
