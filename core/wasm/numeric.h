// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/numeric.h: what each numeric instruction computes, as one function of its operands,
// named num_ and the instruction's name in opcodes.def, so that handlers can be made from that
// table.
//
// Use     an instruction that can trap has a check_ function beside it; when that says TRAP_NONE,
//         num_ is defined. All others are defined for every operand.
// Floats  results are those of the specification, by integer tricks and the four basic operations
//         alone: no function of a mathematics library is called. A NaN that an operation makes is
//         the canonical one, so that a run is the same on every CPU. Needs rounding to nearest and
//         no wider intermediate precision, which every target of ours has (SSE2, VFP, wasm).
// Source  WebAssembly Core 2.0, section 4.3.
#pragma once
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/types.h"
#include "core/wasm/trap.h"

static ALWAYS_INLINE u32 bits_f32(f32 value)
{
    u32 bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

static ALWAYS_INLINE u64 bits_f64(f64 value)
{
    u64 bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

static ALWAYS_INLINE f32 f32_bits(u32 bits)
{
    f32 value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static ALWAYS_INLINE f64 f64_bits(u64 bits)
{
    f64 value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static ALWAYS_INLINE f32 canonical_f32(f32 value)
{
    return UNLIKELY(value != value) ? f32_bits(0x7fc00000) : value;
}

static ALWAYS_INLINE f64 canonical_f64(f64 value)
{
    return UNLIKELY(value != value) ? f64_bits(0x7ff8000000000000) : value;
}

#define NUM_UNARY(name, result, type, expression)                                                  \
    static ALWAYS_INLINE result num_##name(type a)                                                 \
    {                                                                                              \
        return (result)(expression);                                                               \
    }
#define NUM_BINARY(name, result, type, expression)                                                 \
    static ALWAYS_INLINE result num_##name(type a, type b)                                         \
    {                                                                                              \
        return (result)(expression);                                                               \
    }

// ---- comparisons

#define NUM_COMPARE_INTEGER(prefix, type, signed_type)                                             \
    NUM_UNARY(prefix##_EQZ, u32, type, a == 0)                                                     \
    NUM_BINARY(prefix##_EQ, u32, type, a == b)                                                     \
    NUM_BINARY(prefix##_NE, u32, type, a != b)                                                     \
    NUM_BINARY(prefix##_LT_S, u32, type, (signed_type)a < (signed_type)b)                          \
    NUM_BINARY(prefix##_LT_U, u32, type, a < b)                                                    \
    NUM_BINARY(prefix##_GT_S, u32, type, (signed_type)a > (signed_type)b)                          \
    NUM_BINARY(prefix##_GT_U, u32, type, a > b)                                                    \
    NUM_BINARY(prefix##_LE_S, u32, type, (signed_type)a <= (signed_type)b)                         \
    NUM_BINARY(prefix##_LE_U, u32, type, a <= b)                                                   \
    NUM_BINARY(prefix##_GE_S, u32, type, (signed_type)a >= (signed_type)b)                         \
    NUM_BINARY(prefix##_GE_U, u32, type, a >= b)
NUM_COMPARE_INTEGER(I32, u32, i32)
NUM_COMPARE_INTEGER(I64, u64, i64)

#define NUM_COMPARE_FLOAT(prefix, type)                                                            \
    NUM_BINARY(prefix##_EQ, u32, type, a == b)                                                     \
    NUM_BINARY(prefix##_NE, u32, type, a != b)                                                     \
    NUM_BINARY(prefix##_LT, u32, type, a < b)                                                      \
    NUM_BINARY(prefix##_GT, u32, type, a > b)                                                      \
    NUM_BINARY(prefix##_LE, u32, type, a <= b)                                                     \
    NUM_BINARY(prefix##_GE, u32, type, a >= b)
NUM_COMPARE_FLOAT(F32, f32)
NUM_COMPARE_FLOAT(F64, f64)

// ---- integers

#define NUM_INTEGER(prefix, type, signed_type, bits)                                               \
    NUM_BINARY(prefix##_ADD, type, type, a + b)                                                    \
    NUM_BINARY(prefix##_SUB, type, type, a - b)                                                    \
    NUM_BINARY(prefix##_MUL, type, type, a *b)                                                     \
    NUM_BINARY(prefix##_DIV_S, type, type, (signed_type)a / (signed_type)b)                        \
    NUM_BINARY(prefix##_DIV_U, type, type, a / b)                                                  \
    NUM_BINARY(prefix##_REM_S, type, type, b == (type) - 1 ? 0 : (signed_type)a % (signed_type)b)  \
    NUM_BINARY(prefix##_REM_U, type, type, a % b)                                                  \
    NUM_BINARY(prefix##_AND, type, type, a &b)                                                     \
    NUM_BINARY(prefix##_OR, type, type, a | b)                                                     \
    NUM_BINARY(prefix##_XOR, type, type, a ^ b)                                                    \
    NUM_BINARY(prefix##_SHL, type, type, a << (b & (bits - 1)))                                    \
    NUM_BINARY(prefix##_SHR_S, type, type, (signed_type)a >> (b & (bits - 1)))                     \
    NUM_BINARY(prefix##_SHR_U, type, type, a >> (b & (bits - 1)))                                  \
    NUM_BINARY(prefix##_ROTL, type, type, a << (b & (bits - 1)) | a >> (-b & (bits - 1)))          \
    NUM_BINARY(prefix##_ROTR, type, type, a >> (b & (bits - 1)) | a << (-b & (bits - 1)))          \
    static ALWAYS_INLINE enum trap check_##prefix##_DIV_S(type a, type b)                          \
    {                                                                                              \
        if (UNLIKELY(b == 0)) {                                                                    \
            return TRAP_DIVIDE_BY_ZERO;                                                            \
        }                                                                                          \
        bool overflows = b == (type) - 1 && a == (type)1 << (bits - 1);                            \
        return UNLIKELY(overflows) ? TRAP_INTEGER_OVERFLOW : TRAP_NONE;                            \
    }                                                                                              \
    static ALWAYS_INLINE enum trap check_##prefix##_DIV_U(type a, type b)                          \
    {                                                                                              \
        (void)a;                                                                                   \
        return UNLIKELY(b == 0) ? TRAP_DIVIDE_BY_ZERO : TRAP_NONE;                                 \
    }                                                                                              \
    static ALWAYS_INLINE enum trap check_##prefix##_REM_S(type a, type b)                          \
    {                                                                                              \
        return check_##prefix##_DIV_U(a, b);                                                       \
    }                                                                                              \
    static ALWAYS_INLINE enum trap check_##prefix##_REM_U(type a, type b)                          \
    {                                                                                              \
        return check_##prefix##_DIV_U(a, b);                                                       \
    }
NUM_INTEGER(I32, u32, i32, 32)
NUM_INTEGER(I64, u64, i64, 64)

// Counts ones without a helper of the compiler's library.
static ALWAYS_INLINE u32 ones_u32(u32 a)
{
    a -= a >> 1 & 0x55555555;
    a = (a & 0x33333333) + (a >> 2 & 0x33333333);
    return ((a + (a >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

NUM_UNARY(I32_CLZ, u32, u32, a == 0 ? 32 : __builtin_clz(a))
NUM_UNARY(I32_CTZ, u32, u32, a == 0 ? 32 : __builtin_ctz(a))
NUM_UNARY(I32_POPCNT, u32, u32, ones_u32(a))
NUM_UNARY(I64_CLZ, u64, u64, a == 0 ? 64 : __builtin_clzll(a))
NUM_UNARY(I64_CTZ, u64, u64, a == 0 ? 64 : __builtin_ctzll(a))
NUM_UNARY(I64_POPCNT, u64, u64, ones_u32((u32)a) + ones_u32((u32)(a >> 32)))

NUM_UNARY(I32_EXTEND8_S, u32, u32, (i32)(i8)a)
NUM_UNARY(I32_EXTEND16_S, u32, u32, (i32)(i16)a)
NUM_UNARY(I64_EXTEND8_S, u64, u64, (i64)(i8)a)
NUM_UNARY(I64_EXTEND16_S, u64, u64, (i64)(i16)a)
NUM_UNARY(I64_EXTEND32_S, u64, u64, (i64)(i32)a)
NUM_UNARY(I32_WRAP_I64, u32, u64, a)
NUM_UNARY(I64_EXTEND_I32_S, u64, u32, (i64)(i32)a)
NUM_UNARY(I64_EXTEND_I32_U, u64, u32, a)

// ---- floats

// Rounds to an integer, ties to even: adding and taking away 2^mantissa leaves no room for a
// fraction. Values from `whole` on, infinities and NaN have no fraction. The result keeps the sign
// of `a`, zeros too.
#define NUM_ROUND(prefix, type, unsigned_type, sign, whole)                                        \
    static ALWAYS_INLINE type magnitude_##type(type a)                                             \
    {                                                                                              \
        return type##_bits(bits_##type(a) & ~(unsigned_type)sign);                                 \
    }                                                                                              \
    static ALWAYS_INLINE type signed_##type(type size, type of)                                    \
    {                                                                                              \
        return type##_bits((bits_##type(size) & ~(unsigned_type)sign) | (bits_##type(of) & sign)); \
    }                                                                                              \
    NUM_UNARY(prefix##_ABS, type, type, magnitude_##type(a))                                       \
    NUM_UNARY(prefix##_NEG, type, type, type##_bits(bits_##type(a) ^ sign))                        \
    NUM_BINARY(prefix##_COPYSIGN, type, type, signed_##type(a, b))                                 \
    static ALWAYS_INLINE type num_##prefix##_NEAREST(type a)                                       \
    {                                                                                              \
        type size = magnitude_##type(a);                                                           \
        if (!(size < whole)) {                                                                     \
            return canonical_##type(a);                                                            \
        }                                                                                          \
        return signed_##type(size + whole - whole, a);                                             \
    }                                                                                              \
    static ALWAYS_INLINE type num_##prefix##_TRUNC(type a)                                         \
    {                                                                                              \
        type size = magnitude_##type(a);                                                           \
        if (!(size < whole)) {                                                                     \
            return canonical_##type(a);                                                            \
        }                                                                                          \
        type near = size + whole - whole;                                                          \
        return signed_##type(near > size ? near - 1 : near, a);                                    \
    }                                                                                              \
    static ALWAYS_INLINE type num_##prefix##_FLOOR(type a)                                         \
    {                                                                                              \
        type near = num_##prefix##_NEAREST(a);                                                     \
        return near > a ? signed_##type(near - 1, a) : near;                                       \
    }                                                                                              \
    static ALWAYS_INLINE type num_##prefix##_CEIL(type a)                                          \
    {                                                                                              \
        type near = num_##prefix##_NEAREST(a);                                                     \
        return near < a ? signed_##type(near + 1, a) : near;                                       \
    }
NUM_ROUND(F32, f32, u32, 0x80000000, 0x1p23f)
NUM_ROUND(F64, f64, u64, 0x8000000000000000, 0x1p52)

// Equal operands differ at most in the sign of zero: or-ing the bits prefers the minus, and-ing the
// plus.
#define NUM_FLOAT(prefix, type)                                                                    \
    NUM_BINARY(prefix##_ADD, type, type, canonical_##type(a + b))                                  \
    NUM_BINARY(prefix##_SUB, type, type, canonical_##type(a - b))                                  \
    NUM_BINARY(prefix##_MUL, type, type, canonical_##type(a *b))                                   \
    NUM_BINARY(prefix##_DIV, type, type, canonical_##type(a / b))                                  \
    static ALWAYS_INLINE type num_##prefix##_MIN(type a, type b)                                   \
    {                                                                                              \
        if (a == b) {                                                                              \
            return type##_bits(bits_##type(a) | bits_##type(b));                                   \
        }                                                                                          \
        return a < b ? a : a > b ? b : canonical_##type(a + b);                                    \
    }                                                                                              \
    static ALWAYS_INLINE type num_##prefix##_MAX(type a, type b)                                   \
    {                                                                                              \
        if (a == b) {                                                                              \
            return type##_bits(bits_##type(a) & bits_##type(b));                                   \
        }                                                                                          \
        return a > b ? a : a < b ? b : canonical_##type(a + b);                                    \
    }
NUM_FLOAT(F32, f32)
NUM_FLOAT(F64, f64)
NUM_UNARY(F32_SQRT, f32, f32, canonical_f32(__builtin_sqrtf(a)))
NUM_UNARY(F64_SQRT, f64, f64, canonical_f64(__builtin_sqrt(a)))

NUM_UNARY(F32_CONVERT_I32_S, f32, u32, (f32)(i32)a)
NUM_UNARY(F32_CONVERT_I32_U, f32, u32, (f32)a)
NUM_UNARY(F32_CONVERT_I64_S, f32, u64, (f32)(i64)a)
NUM_UNARY(F32_CONVERT_I64_U, f32, u64, (f32)a)
NUM_UNARY(F64_CONVERT_I32_S, f64, u32, (f64)(i32)a)
NUM_UNARY(F64_CONVERT_I32_U, f64, u32, (f64)a)
NUM_UNARY(F64_CONVERT_I64_S, f64, u64, (f64)(i64)a)
NUM_UNARY(F64_CONVERT_I64_U, f64, u64, (f64)a)
NUM_UNARY(F32_DEMOTE_F64, f32, f64, canonical_f32((f32)a))
NUM_UNARY(F64_PROMOTE_F32, f64, f32, canonical_f64((f64)a))
NUM_UNARY(I32_REINTERPRET_F32, u32, f32, bits_f32(a))
NUM_UNARY(I64_REINTERPRET_F64, u64, f64, bits_f64(a))
NUM_UNARY(F32_REINTERPRET_I32, f32, u32, f32_bits(a))
NUM_UNARY(F64_REINTERPRET_I64, f64, u64, f64_bits(a))

// To integers: `in_range` holds exactly when the value without its fraction fits. The limits are
// exact in the float's type, so each is compared with the sharpest sign.
#define NUM_TO_INTEGER(integer, suffix, from, type, result, target, in_range, low, high)           \
    static ALWAYS_INLINE enum trap check_##integer##_TRUNC_##from##_##suffix(type a)               \
    {                                                                                              \
        if (LIKELY(in_range)) {                                                                    \
            return TRAP_NONE;                                                                      \
        }                                                                                          \
        return a != a ? TRAP_BAD_CONVERSION : TRAP_INTEGER_OVERFLOW;                               \
    }                                                                                              \
    NUM_UNARY(integer##_TRUNC_##from##_##suffix, result, type, (target)a)                          \
    NUM_UNARY(integer##_TRUNC_SAT_##from##_##suffix, result, type,                                 \
              LIKELY(in_range) ? (result)(target)a                                                 \
              : a != a         ? (result)0                                                         \
              : a < 0          ? (result)(low)                                                     \
                               : (result)(high))
NUM_TO_INTEGER(I32, S, F32, f32, u32, i32, a >= -0x1p31f && a < 0x1p31f, INT32_MIN, INT32_MAX)
NUM_TO_INTEGER(I32, U, F32, f32, u32, u32, a > -1.0f && a < 0x1p32f, 0, UINT32_MAX)
NUM_TO_INTEGER(I32, S, F64, f64, u32, i32, a > -0x1.00000002p31 && a < 0x1p31, INT32_MIN, INT32_MAX)
NUM_TO_INTEGER(I32, U, F64, f64, u32, u32, a > -1.0 && a < 0x1p32, 0, UINT32_MAX)
NUM_TO_INTEGER(I64, S, F32, f32, u64, i64, a >= -0x1p63f && a < 0x1p63f, INT64_MIN, INT64_MAX)
NUM_TO_INTEGER(I64, U, F32, f32, u64, u64, a > -1.0f && a < 0x1p64f, 0, UINT64_MAX)
NUM_TO_INTEGER(I64, S, F64, f64, u64, i64, a >= -0x1p63 && a < 0x1p63, INT64_MIN, INT64_MAX)
NUM_TO_INTEGER(I64, U, F64, f64, u64, u64, a > -1.0 && a < 0x1p64, 0, UINT64_MAX)

// ---- memory: `at` is any alignment

#define NUM_LOAD(name, result, type, cast)                                                         \
    static ALWAYS_INLINE result num_##name(const u8 *at)                                           \
    {                                                                                              \
        type value;                                                                                \
        __builtin_memcpy(&value, at, sizeof value);                                                \
        return (result)(cast)value;                                                                \
    }
NUM_LOAD(I32_LOAD, u32, u32, u32)
NUM_LOAD(I64_LOAD, u64, u64, u64)
NUM_LOAD(F32_LOAD, f32, f32, f32)
NUM_LOAD(F64_LOAD, f64, f64, f64)
NUM_LOAD(I32_LOAD8_S, u32, i8, i32)
NUM_LOAD(I32_LOAD8_U, u32, u8, u32)
NUM_LOAD(I32_LOAD16_S, u32, i16, i32)
NUM_LOAD(I32_LOAD16_U, u32, u16, u32)
NUM_LOAD(I64_LOAD8_S, u64, i8, i64)
NUM_LOAD(I64_LOAD8_U, u64, u8, u64)
NUM_LOAD(I64_LOAD16_S, u64, i16, i64)
NUM_LOAD(I64_LOAD16_U, u64, u16, u64)
NUM_LOAD(I64_LOAD32_S, u64, i32, i64)
NUM_LOAD(I64_LOAD32_U, u64, u32, u64)

#define NUM_STORE(name, operand, type)                                                             \
    static ALWAYS_INLINE void num_##name(u8 *at, operand a)                                        \
    {                                                                                              \
        type value = (type)a;                                                                      \
        __builtin_memcpy(at, &value, sizeof value);                                                \
    }
NUM_STORE(I32_STORE, u32, u32)
NUM_STORE(I64_STORE, u64, u64)
NUM_STORE(F32_STORE, f32, f32)
NUM_STORE(F64_STORE, f64, f64)
NUM_STORE(I32_STORE8, u32, u8)
NUM_STORE(I32_STORE16, u32, u16)
NUM_STORE(I64_STORE8, u64, u8)
NUM_STORE(I64_STORE16, u64, u16)
NUM_STORE(I64_STORE32, u64, u32)
