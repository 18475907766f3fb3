// SPDX-License-Identifier: GPL-3.0-or-later
// core/wasm/vector.h: what each instruction on v128 computes, as one function of its operands,
// named vec_ and the instruction's name in opcodes.def, so that handlers can be made from that
// table.
//
// Use     the instructions that read or write one lane, and v128.store, are copies of
//         bytes and have no function here. All others are defined for every operand.
// Lanes   in the order of memory, lane 0 first, as on every (little-endian) target. Integers are
//         written as the compiler's vectors, which any CPU runs, with vector instructions or
//         without.
// Floats  go lane by lane through numeric.h, in loops and without branches where that is short, of
//         which a compiler makes vector instructions. On ARMv7 it must not, for its vector unit
//         takes denormals for zeros: mk/raspi2.mk tells it so, and `make check` looks.
// Source  WebAssembly Core 2.0, section 4.3, "vector" operators of 4.3.5 and 4.4.3.
#pragma once
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "core/base/types.h"
#include "core/wasm/numeric.h"

typedef u64 v128 VECTOR(16);
typedef u8 u8x16 VECTOR(16);
typedef i8 i8x16 VECTOR(16);
typedef u16 u16x8 VECTOR(16);
typedef i16 i16x8 VECTOR(16);
typedef u32 u32x4 VECTOR(16);
typedef i32 i32x4 VECTOR(16);
typedef u64 u64x2 VECTOR(16);
typedef i64 i64x2 VECTOR(16);
typedef f32 f32x4 VECTOR(16);
typedef f64 f64x2 VECTOR(16);
// Halves, and what takes twice the room.
typedef u8 u8x8 VECTOR(8);
typedef i8 i8x8 VECTOR(8);
typedef u16 u16x4 VECTOR(8);
typedef i16 i16x4 VECTOR(8);
typedef u32 u32x2 VECTOR(8);
typedef i32 i32x2 VECTOR(8);
typedef i32 i32x8 VECTOR(32);

// A v128 at any address.
static ALWAYS_INLINE v128 vec_get(const void *from)
{
    v128 value;
    __builtin_memcpy(&value, from, sizeof value);
    return value;
}

static ALWAYS_INLINE void vec_put(void *to, v128 value)
{
    __builtin_memcpy(to, &value, sizeof value);
}

#define VEC_UNARY(name, type, expression)                                                          \
    static ALWAYS_INLINE v128 vec_##name(v128 operand)                                             \
    {                                                                                              \
        type a = (type)operand;                                                                    \
        return (v128)(expression);                                                                 \
    }
#define VEC_BINARY(name, type, expression)                                                         \
    static ALWAYS_INLINE v128 vec_##name(v128 left, v128 right)                                    \
    {                                                                                              \
        type a = (type)left;                                                                       \
        type b = (type)right;                                                                      \
        return (v128)(expression);                                                                 \
    }
// One expression for each of the first `count` lanes: of a, or of a and b. Lanes beyond are zero.
// Subscripts of vectors, since a handler can not have arrays: a sanitizer would want its stack.
#define VEC_EACH(name, count, type, result, expression)                                            \
    static ALWAYS_INLINE v128 vec_##name(v128 operand)                                             \
    {                                                                                              \
        type lanes = (type)operand;                                                                \
        result out = {0};                                                                          \
        for (u32 i = 0; i < (count); i++) {                                                        \
            __typeof__(lanes[0]) a = lanes[i];                                                     \
            out[i] = expression;                                                                   \
        }                                                                                          \
        return (v128)out;                                                                          \
    }
#define VEC_EACH_TWO(name, count, type, result, expression)                                        \
    static ALWAYS_INLINE v128 vec_##name(v128 left, v128 right)                                    \
    {                                                                                              \
        type lanes_a = (type)left;                                                                 \
        type lanes_b = (type)right;                                                                \
        result out = {0};                                                                          \
        for (u32 i = 0; i < (count); i++) {                                                        \
            __typeof__(lanes_a[0]) a = lanes_a[i];                                                 \
            __typeof__(lanes_b[0]) b = lanes_b[i];                                                 \
            out[i] = expression;                                                                   \
        }                                                                                          \
        return (v128)out;                                                                          \
    }

// The lanes of a where the mask has ones, else those of b.
#define VEC_PICK(mask, a, b) (((v128)(mask) & (v128)(a)) | (~(v128)(mask) & (v128)(b)))

// ---- bits

VEC_UNARY(V128_NOT, v128, ~a)
VEC_BINARY(V128_AND, v128, a &b)
VEC_BINARY(V128_ANDNOT, v128, a & ~b)
VEC_BINARY(V128_OR, v128, a | b)
VEC_BINARY(V128_XOR, v128, a ^ b)

static ALWAYS_INLINE v128 vec_V128_BITSELECT(v128 a, v128 b, v128 mask)
{
    return VEC_PICK(mask, a, b);
}

static ALWAYS_INLINE u32 vec_V128_ANY_TRUE(v128 a)
{
    return (a[0] | a[1]) != 0;
}

// ---- integers, lane by lane

// `splat` repeats a number. Signed lanes never overflow: sums and products are taken unsigned.
#define VEC_INTEGER(prefix, u, s, lane, bits)                                                      \
    static ALWAYS_INLINE u splat_##u(lane value)                                                   \
    {                                                                                              \
        return value - (u){0};                                                                     \
    }                                                                                              \
    VEC_UNARY(prefix##_NEG, u, -a)                                                                 \
    VEC_UNARY(prefix##_ABS, u, (a ^ (u)((s)a < 0)) - (u)((s)a < 0))                                \
    VEC_BINARY(prefix##_ADD, u, a + b)                                                             \
    VEC_BINARY(prefix##_SUB, u, a - b)                                                             \
    VEC_BINARY(prefix##_EQ, u, a == b)                                                             \
    VEC_BINARY(prefix##_NE, u, a != b)                                                             \
    VEC_BINARY(prefix##_LT_S, s, a < b)                                                            \
    VEC_BINARY(prefix##_GT_S, s, a > b)                                                            \
    VEC_BINARY(prefix##_LE_S, s, a <= b)                                                           \
    VEC_BINARY(prefix##_GE_S, s, a >= b)                                                           \
    static ALWAYS_INLINE v128 vec_##prefix##_SHL(v128 a, u32 count)                                \
    {                                                                                              \
        return (v128)((u)a << splat_##u((lane)(count % bits)));                                    \
    }                                                                                              \
    static ALWAYS_INLINE v128 vec_##prefix##_SHR_S(v128 a, u32 count)                              \
    {                                                                                              \
        return (v128)((s)a >> (s)splat_##u((lane)(count % bits)));                                 \
    }                                                                                              \
    static ALWAYS_INLINE v128 vec_##prefix##_SHR_U(v128 a, u32 count)                              \
    {                                                                                              \
        return (v128)((u)a >> splat_##u((lane)(count % bits)));                                    \
    }                                                                                              \
    static ALWAYS_INLINE u32 vec_##prefix##_ALL_TRUE(v128 a)                                       \
    {                                                                                              \
        return !vec_V128_ANY_TRUE((v128)((u)a == 0));                                              \
    }
VEC_INTEGER(I8X16, u8x16, i8x16, u8, 8)
VEC_INTEGER(I16X8, u16x8, i16x8, u16, 16)
VEC_INTEGER(I32X4, u32x4, i32x4, u32, 32)
VEC_INTEGER(I64X2, u64x2, i64x2, u64, 64)

// What lanes of 64 bits do not have.
#define VEC_SMALL(prefix, u, s)                                                                    \
    VEC_BINARY(prefix##_LT_U, u, a < b)                                                            \
    VEC_BINARY(prefix##_GT_U, u, a > b)                                                            \
    VEC_BINARY(prefix##_LE_U, u, a <= b)                                                           \
    VEC_BINARY(prefix##_GE_U, u, a >= b)                                                           \
    VEC_BINARY(prefix##_MIN_S, s, VEC_PICK(a < b, a, b))                                           \
    VEC_BINARY(prefix##_MAX_S, s, VEC_PICK(a > b, a, b))                                           \
    VEC_BINARY(prefix##_MIN_U, u, VEC_PICK(a < b, a, b))                                           \
    VEC_BINARY(prefix##_MAX_U, u, VEC_PICK(a > b, a, b))
VEC_SMALL(I8X16, u8x16, i8x16)
VEC_SMALL(I16X8, u16x8, i16x8)
VEC_SMALL(I32X4, u32x4, i32x4)

// Sums that stop at the end of their type. A signed one has gone beyond when its sign is neither
// operand's (of a difference: when the operands differ in sign and it has not the first one's); it
// then becomes the end on the first operand's side.
#define VEC_SATURATING(prefix, u, s, bits, max)                                                    \
    static ALWAYS_INLINE v128 saturate_##u(u sum, u beyond, u first)                               \
    {                                                                                              \
        s mask = (s)beyond >> (bits - 1);                                                          \
        s end = ((s)first >> (bits - 1)) ^ max;                                                    \
        return VEC_PICK(mask, end, sum);                                                           \
    }                                                                                              \
    VEC_BINARY(prefix##_ADD_SAT_U, u, (a + b) | (u)(a + b < a))                                    \
    VEC_BINARY(prefix##_SUB_SAT_U, u, (a - b) & (u)(a >= b))                                       \
    VEC_BINARY(prefix##_ADD_SAT_S, u, saturate_##u(a + b, (a ^ (a + b)) & (b ^ (a + b)), a))       \
    VEC_BINARY(prefix##_SUB_SAT_S, u, saturate_##u(a - b, (a ^ b) & (a ^ (a - b)), a))             \
    VEC_BINARY(prefix##_AVGR_U, u, (a | b) - ((a ^ b) >> 1))
VEC_SATURATING(I8X16, u8x16, i8x16, 8, INT8_MAX)
VEC_SATURATING(I16X8, u16x8, i16x8, 16, INT16_MAX)

VEC_BINARY(I16X8_MUL, u16x8, a *b)
VEC_BINARY(I32X4_MUL, u32x4, a *b)
VEC_BINARY(I64X2_MUL, u64x2, a *b)

// Counts ones in pairs, then in fours, then in each byte.
static ALWAYS_INLINE v128 vec_I8X16_POPCNT(v128 operand)
{
    u8x16 a = (u8x16)operand;
    a -= a >> 1 & 0x55;
    a = (a & 0x33) + (a >> 2 & 0x33);
    return (v128)((a + (a >> 4)) & 0x0f);
}

// ---- between widths

#define VEC_LOW_16(a) __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7)
#define VEC_HIGH_16(a) __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15)
#define VEC_LOW_8(a) __builtin_shufflevector(a, a, 0, 1, 2, 3)
#define VEC_HIGH_8(a) __builtin_shufflevector(a, a, 4, 5, 6, 7)
#define VEC_LOW_4(a) __builtin_shufflevector(a, a, 0, 1)
#define VEC_HIGH_4(a) __builtin_shufflevector(a, a, 2, 3)
#define VEC_JOIN_8(a, b)                                                                           \
    __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
#define VEC_JOIN_4(a, b) __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7)

// `from` is the narrow type and `count` how many lanes it has; products are taken unsigned, which
// changes none of their bits.
#define VEC_EXTEND_HALF(wide, narrow, half, HALF, sign, from, to, u, count)                        \
    VEC_UNARY(wide##_EXTEND_##HALF##_##narrow##_##sign, from,                                      \
              __builtin_convertvector(VEC_##HALF##_##count(a), to))                                \
    VEC_BINARY(wide##_EXTMUL_##HALF##_##narrow##_##sign, from,                                     \
               (u) __builtin_convertvector(VEC_##HALF##_##count(a), to) *                          \
                   (u) __builtin_convertvector(VEC_##HALF##_##count(b), to))
#define VEC_EXTEND(wide, narrow, s, u, wide_s, wide_u, count)                                      \
    VEC_EXTEND_HALF(wide, narrow, low, LOW, S, s, wide_s, wide_u, count)                           \
    VEC_EXTEND_HALF(wide, narrow, high, HIGH, S, s, wide_s, wide_u, count)                         \
    VEC_EXTEND_HALF(wide, narrow, low, LOW, U, u, wide_u, wide_u, count)                           \
    VEC_EXTEND_HALF(wide, narrow, high, HIGH, U, u, wide_u, wide_u, count)
VEC_EXTEND(I16X8, I8X16, i8x16, u8x16, i16x8, u16x8, 16)
VEC_EXTEND(I32X4, I16X8, i16x8, u16x8, i32x4, u32x4, 8)
VEC_EXTEND(I64X2, I32X4, i32x4, u32x4, i64x2, u64x2, 4)

// Neighbours as the halves of one lane of twice the width, each with its sign.
#define VEC_EVEN_S(a, s, u, bits) ((s)((u)(a) << (bits)) >> (bits))
#define VEC_ODD_S(a, s, bits) ((s)(a) >> (bits))
VEC_UNARY(I16X8_EXTADD_PAIRWISE_I8X16_S, u16x8,
          (u16x8)VEC_EVEN_S(a, i16x8, u16x8, 8) + (u16x8)VEC_ODD_S(a, i16x8, 8))
VEC_UNARY(I16X8_EXTADD_PAIRWISE_I8X16_U, u16x8, (a & 0xff) + (a >> 8))
VEC_UNARY(I32X4_EXTADD_PAIRWISE_I16X8_S, u32x4,
          (u32x4)VEC_EVEN_S(a, i32x4, u32x4, 16) + (u32x4)VEC_ODD_S(a, i32x4, 16))
VEC_UNARY(I32X4_EXTADD_PAIRWISE_I16X8_U, u32x4, (a & 0xffff) + (a >> 16))
VEC_BINARY(I32X4_DOT_I16X8_S, u32x4,
           (u32x4)VEC_EVEN_S(a, i32x4, u32x4, 16) * (u32x4)VEC_EVEN_S(b, i32x4, u32x4, 16) +
               (u32x4)VEC_ODD_S(a, i32x4, 16) * (u32x4)VEC_ODD_S(b, i32x4, 16))

// Only -1 times -1 goes beyond, to 1, which becomes the largest lane.
VEC_EACH_TWO(I16X8_Q15MULR_SAT_S, 8, i16x8, i16x8,
             (a == INT16_MIN && b == INT16_MIN) ? INT16_MAX : ((i32)a *b + 0x4000) >> 15)

#define VEC_CLAMP(a, s, low, high)                                                                 \
    (s) VEC_PICK((s)(a) < (low), (s){0} + (low), VEC_PICK((s)(a) > (high), (s){0} + (high), a))
#define VEC_NARROW(name, s, low, high, half, JOIN)                                                 \
    VEC_BINARY(name, s,                                                                            \
               JOIN(__builtin_convertvector(VEC_CLAMP(a, s, low, high), half),                     \
                    __builtin_convertvector(VEC_CLAMP(b, s, low, high), half)))
VEC_NARROW(I8X16_NARROW_I16X8_S, i16x8, INT8_MIN, INT8_MAX, i8x8, VEC_JOIN_8)
VEC_NARROW(I8X16_NARROW_I16X8_U, i16x8, 0, UINT8_MAX, u8x8, VEC_JOIN_8)
VEC_NARROW(I16X8_NARROW_I32X4_S, i32x4, INT16_MIN, INT16_MAX, i16x4, VEC_JOIN_4)
VEC_NARROW(I16X8_NARROW_I32X4_U, i32x4, 0, UINT16_MAX, u16x4, VEC_JOIN_4)

// The signs of eight bytes, the first in bit 0: each is moved to its place in the top byte of a
// product in which no two meet.
static ALWAYS_INLINE u32 signs(u64 bytes)
{
    return (u32)((bytes >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56);
}

static ALWAYS_INLINE u32 vec_I8X16_BITMASK(v128 a)
{
    return signs(a[0]) | signs(a[1]) << 8;
}

static ALWAYS_INLINE u32 vec_I16X8_BITMASK(v128 a)
{
    u64 bytes;
    u8x8 high = __builtin_convertvector((u16x8)a >> 8, u8x8);
    __builtin_memcpy(&bytes, &high, sizeof bytes);
    return signs(bytes);
}

static ALWAYS_INLINE u32 vec_I32X4_BITMASK(v128 a)
{
    u32x4 high = (u32x4)a >> 31;
    return high[0] | high[1] << 1 | high[2] << 2 | high[3] << 3;
}

static ALWAYS_INLINE u32 vec_I64X2_BITMASK(v128 a)
{
    return (u32)(a[0] >> 63 | a[1] >> 63 << 1);
}

// ---- lanes by number

#define VEC_SPLAT(name, type, ...)                                                                 \
    static ALWAYS_INLINE v128 vec_##name(type value)                                               \
    {                                                                                              \
        return (v128)(__VA_ARGS__);                                                                \
    }
VEC_SPLAT(I8X16_SPLAT, u32, splat_u8x16((u8)value))
VEC_SPLAT(I16X8_SPLAT, u32, splat_u16x8((u16)value))
VEC_SPLAT(I32X4_SPLAT, u32, splat_u32x4(value))
VEC_SPLAT(I64X2_SPLAT, u64, splat_u64x2(value))
VEC_SPLAT(F32X4_SPLAT, f32, (f32x4){value, value, value, value})
VEC_SPLAT(F64X2_SPLAT, f64, (f64x2){value, value})

// Not inline, for they need a stack.
static NOINLINE v128 vec_I8X16_SWIZZLE(v128 a, v128 indices)
{
    u8 lanes[16];
    u8 wanted[16];
    vec_put(lanes, a);
    vec_put(wanted, indices);
    for (u32 i = 0; i < 16; i++) {
        u8 lane = lanes[wanted[i] % 16];
        wanted[i] = wanted[i] < 16 ? lane : 0;
    }
    return vec_get(wanted);
}

// `numbers` are below 32, which the validator has seen to.
static NOINLINE v128 vec_I8X16_SHUFFLE(v128 a, v128 b, v128 numbers)
{
    u8 lanes[32];
    u8 wanted[16];
    vec_put(lanes, a);
    vec_put(lanes + 16, b);
    vec_put(wanted, numbers);
    for (u32 i = 0; i < 16; i++) {
        wanted[i] = lanes[wanted[i] % 32];
    }
    return vec_get(wanted);
}

// ---- floats

// The canonical NaN in the place of any, without a branch.
static ALWAYS_INLINE f32 lane_f32(f32 value)
{
    u32 mask = 0 - (u32)(value != value);
    return f32_bits((bits_f32(value) & ~mask) | (0x7fc00000 & mask));
}

static ALWAYS_INLINE f64 lane_f64(f64 value)
{
    u64 mask = 0 - (u64)(value != value);
    return f64_bits((bits_f64(value) & ~mask) | (0x7ff8000000000000 & mask));
}

// Pseudo-minimum and -maximum hand on a NaN as it is.
#define VEC_FLOAT(prefix, scalar, type, u, count, sign)                                            \
    static ALWAYS_INLINE u pick_##type(bool first, type a, type b)                                 \
    {                                                                                              \
        u mask = 0 - (u)first;                                                                     \
        return (bits_##type(a) & mask) | (bits_##type(b) & ~mask);                                 \
    }                                                                                              \
    VEC_UNARY(prefix##_ABS, u##x##count, a & ~(u)sign)                                             \
    VEC_UNARY(prefix##_NEG, u##x##count, a ^ (u)sign)                                              \
    VEC_EACH(prefix##_SQRT, count, type##x##count, type##x##count, num_##scalar##_SQRT(a))         \
    VEC_EACH(prefix##_CEIL, count, type##x##count, type##x##count, num_##scalar##_CEIL(a))         \
    VEC_EACH(prefix##_FLOOR, count, type##x##count, type##x##count, num_##scalar##_FLOOR(a))       \
    VEC_EACH(prefix##_TRUNC, count, type##x##count, type##x##count, num_##scalar##_TRUNC(a))       \
    VEC_EACH(prefix##_NEAREST, count, type##x##count, type##x##count, num_##scalar##_NEAREST(a))   \
    VEC_EACH_TWO(prefix##_ADD, count, type##x##count, type##x##count, lane_##type(a + b))          \
    VEC_EACH_TWO(prefix##_SUB, count, type##x##count, type##x##count, lane_##type(a - b))          \
    VEC_EACH_TWO(prefix##_MUL, count, type##x##count, type##x##count, lane_##type(a *b))           \
    VEC_EACH_TWO(prefix##_DIV, count, type##x##count, type##x##count, lane_##type(a / b))          \
    VEC_EACH_TWO(prefix##_MIN, count, type##x##count, type##x##count, num_##scalar##_MIN(a, b))    \
    VEC_EACH_TWO(prefix##_MAX, count, type##x##count, type##x##count, num_##scalar##_MAX(a, b))    \
    VEC_EACH_TWO(prefix##_PMIN, count, type##x##count, u##x##count, pick_##type(b < a, b, a))      \
    VEC_EACH_TWO(prefix##_PMAX, count, type##x##count, u##x##count, pick_##type(a < b, b, a))      \
    VEC_EACH_TWO(prefix##_EQ, count, type##x##count, u##x##count, 0 - (u)(a == b))                 \
    VEC_EACH_TWO(prefix##_NE, count, type##x##count, u##x##count, 0 - (u)(a != b))                 \
    VEC_EACH_TWO(prefix##_LT, count, type##x##count, u##x##count, 0 - (u)(a < b))                  \
    VEC_EACH_TWO(prefix##_GT, count, type##x##count, u##x##count, 0 - (u)(a > b))                  \
    VEC_EACH_TWO(prefix##_LE, count, type##x##count, u##x##count, 0 - (u)(a <= b))                 \
    VEC_EACH_TWO(prefix##_GE, count, type##x##count, u##x##count, 0 - (u)(a >= b))
VEC_FLOAT(F32X4, F32, f32, u32, 4, 0x80000000)
VEC_FLOAT(F64X2, F64, f64, u64, 2, 0x8000000000000000)

VEC_EACH(F32X4_DEMOTE_F64X2_ZERO, 2, f64x2, f32x4, lane_f32((f32)a))
VEC_EACH(F64X2_PROMOTE_LOW_F32X4, 2, f32x4, f64x2, lane_f64((f64)a))
VEC_EACH(F32X4_CONVERT_I32X4_S, 4, i32x4, f32x4, (f32)a)
VEC_EACH(F32X4_CONVERT_I32X4_U, 4, u32x4, f32x4, (f32)a)
VEC_EACH(F64X2_CONVERT_LOW_I32X4_S, 2, i32x4, f64x2, (f64)a)
VEC_EACH(F64X2_CONVERT_LOW_I32X4_U, 2, u32x4, f64x2, (f64)a)
VEC_EACH(I32X4_TRUNC_SAT_F32X4_S, 4, f32x4, u32x4, num_I32_TRUNC_SAT_F32_S(a))
VEC_EACH(I32X4_TRUNC_SAT_F32X4_U, 4, f32x4, u32x4, num_I32_TRUNC_SAT_F32_U(a))
VEC_EACH(I32X4_TRUNC_SAT_F64X2_S_ZERO, 2, f64x2, u32x4, num_I32_TRUNC_SAT_F64_S(a))
VEC_EACH(I32X4_TRUNC_SAT_F64X2_U_ZERO, 2, f64x2, u32x4, num_I32_TRUNC_SAT_F64_U(a))

// ---- memory: `at` is any alignment

#define VEC_LOAD_EXTEND(name, half, to)                                                            \
    static ALWAYS_INLINE v128 vec_##name(const u8 *at)                                             \
    {                                                                                              \
        half value;                                                                                \
        __builtin_memcpy(&value, at, sizeof value);                                                \
        return (v128) __builtin_convertvector(value, to);                                          \
    }
VEC_LOAD_EXTEND(V128_LOAD8X8_S, i8x8, i16x8)
VEC_LOAD_EXTEND(V128_LOAD8X8_U, u8x8, u16x8)
VEC_LOAD_EXTEND(V128_LOAD16X4_S, i16x4, i32x4)
VEC_LOAD_EXTEND(V128_LOAD16X4_U, u16x4, u32x4)
VEC_LOAD_EXTEND(V128_LOAD32X2_S, i32x2, i64x2)
VEC_LOAD_EXTEND(V128_LOAD32X2_U, u32x2, u64x2)

static ALWAYS_INLINE v128 vec_V128_LOAD(const u8 *at)
{
    return vec_get(at);
}

static ALWAYS_INLINE v128 vec_V128_LOAD8_SPLAT(const u8 *at)
{
    return vec_I8X16_SPLAT(*at);
}

static ALWAYS_INLINE v128 vec_V128_LOAD16_SPLAT(const u8 *at)
{
    return vec_I16X8_SPLAT(num_I32_LOAD16_U(at));
}

static ALWAYS_INLINE v128 vec_V128_LOAD32_SPLAT(const u8 *at)
{
    return vec_I32X4_SPLAT(num_I32_LOAD(at));
}

static ALWAYS_INLINE v128 vec_V128_LOAD64_SPLAT(const u8 *at)
{
    return vec_I64X2_SPLAT(num_I64_LOAD(at));
}

static ALWAYS_INLINE v128 vec_V128_LOAD32_ZERO(const u8 *at)
{
    return (v128){num_I32_LOAD(at), 0};
}

static ALWAYS_INLINE v128 vec_V128_LOAD64_ZERO(const u8 *at)
{
    return (v128){num_I64_LOAD(at), 0};
}
