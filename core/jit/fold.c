// SPDX-License-Identifier: GPL-3.0-or-later
// Instructions on constants: what the interpreter would compute, from the same functions.
#include "core/jit/builder.h"
#include "core/wasm/numeric.h"

// Operands and results by opcodes.def's letters.
#define IN_I(bits) (u32)(bits)
#define IN_L(bits) (bits)
#define IN_F(bits) f32_bits((u32)(bits))
#define IN_D(bits) f64_bits(bits)
#define ARGS_I IN_I(left)
#define ARGS_L IN_L(left)
#define ARGS_F IN_F(left)
#define ARGS_D IN_D(left)
#define ARGS_II IN_I(left), IN_I(right)
#define ARGS_LL IN_L(left), IN_L(right)
#define ARGS_FF IN_F(left), IN_F(right)
#define ARGS_DD IN_D(left), IN_D(right)
#define OUT_I(value) (u64)(value)
#define OUT_L(value) (value)
#define OUT_F(value) bits_f32(value)
#define OUT_D(value) bits_f64(value)
#define TRAPS_no(name, operands) false
#define TRAPS_yes(name, operands) check_##name(ARGS_##operands) != TRAP_NONE

#define NUMERIC(name, operands, results, traps)                                                    \
    case ROW_##name:                                                                               \
        if (TRAPS_##traps(name, operands)) {                                                       \
            return false;                                                                          \
        }                                                                                          \
        *out = OUT_##results(num_##name(ARGS_##operands));                                         \
        return true;
#define FOLD_UNARY NUMERIC
#define FOLD_BINARY NUMERIC
#define FOLD_COMPARE NUMERIC
#define FOLD_CONVERT NUMERIC
#define FOLD_CONTROL(...)
#define FOLD_PARAMETRIC(...)
#define FOLD_VARIABLE(...)
#define FOLD_TABLE(...)
#define FOLD_LOAD(...)
#define FOLD_STORE(...)
#define FOLD_MEMORY(...)
#define FOLD_CONST(...)
#define FOLD_REFERENCE(...)
#define FOLD_BULK(...)
#define FOLD_VECTOR(...)
#define FOLD_VECTOR_LOAD(...)
#define FOLD_VECTOR_STORE(...)
#define FOLD_ATOMIC(...)
#define FOLD_WAIT(...)
#define FOLD_FENCE(...)

bool fold_constant(u32 op, u64 left, u64 right, u64 *out)
{
    switch (op) {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    FOLD_##class(name, operands, results, traps)
#include "core/wasm/opcodes.def"
    default:
        return false;
    }
}
