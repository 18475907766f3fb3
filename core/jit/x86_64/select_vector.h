// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_vector.h: words for selecting instructions on vectors. Private to
// select_vector*.c.
//
// Those that return a register put an instruction and return the new register that it defines.
#pragma once
#include "core/jit/x86_64/select.h"

// One half of a constant whose lanes are all `lane`, of 1, 2, 4 or 8 bytes.
static inline u64 vector_splat(u64 lane, u32 bytes)
{
    u64 out = 0;
    for (u32 i = 0; i < 8; i += bytes) {
        out |= (bytes == 8 ? lane : lane & (((u64)1 << 8 * bytes) - 1)) << 8 * i;
    }
    return out;
}

// A constant of 16 bytes as r/m: in memory. _splat: both halves are one.
static inline struct rm rm_vector(struct selector *s, u64 low, u64 high)
{
    return (struct rm){.kind = X64_RM_VECTOR,
                       .base = MACH_NONE,
                       .index = MACH_NONE,
                       .bits = x64_words(s, low, high)};
}

static inline struct rm rm_splat(struct selector *s, u64 lane, u32 bytes)
{
    u64 half = vector_splat(lane, bytes);
    return rm_vector(s, half, half);
}

// A vector as r/m: a load that can be covered, a constant, or a register.
struct rm x64_vector_rm(struct selector *s, u32 value);
// Whether that would be memory.
bool x64_is_vector_memory(const struct selector *s, u32 value);

static inline u32 vector_new(struct selector *s)
{
    return x64_vreg(s, KIND_V);
}

static inline u32 vector_zero(struct selector *s)
{
    return x64_vector_constant(s, 0, 0);
}

static inline u32 vector_ones(struct selector *s)
{
    return x64_vector_constant(s, UINT64_MAX, UINT64_MAX);
}

static inline u32 vector_unary(struct selector *s, enum x64_op op, struct rm rm)
{
    u32 out = vector_new(s);
    x64_put_def_rm(s, op, false, out, rm);
    return out;
}

static inline u32 vector_unary_i(struct selector *s, enum x64_op op, struct rm rm, u8 imm)
{
    u32 out = vector_new(s);
    x64_put_def_rm_i(s, op, false, out, rm, imm);
    return out;
}

static inline u32 vector_binary(struct selector *s, enum x64_op op, u32 from, struct rm rm)
{
    u32 out = vector_new(s);
    x64_put_sse(s, op, out, from, rm);
    return out;
}

static inline u32 vector_binary_i(struct selector *s, enum x64_op op, u32 from, struct rm rm,
                                  u8 imm)
{
    u32 out = vector_new(s);
    x64_put_sse_i(s, op, false, out, from, rm, imm);
    return out;
}

static inline u32 vector_shift(struct selector *s, enum x64_op op, u32 from, u8 imm)
{
    u32 out = vector_new(s);
    x64_put_sse_shift(s, op, out, from, imm);
    return out;
}

// ---- select_vector_number.c: what takes several instructions. False: none of those.
bool x64_select_vector_number(struct selector *s, u32 value);
bool x64_select_vector_shift(struct selector *s, u32 value);
// ---- select_vector_convert.c
bool x64_select_vector_convert(struct selector *s, u32 value);
// ---- select_vector_shuffle.c

enum { VECTOR_BYTES = 16, LANE_ZERO = 0x80 }; // a lane that is 0, also for PSHUFB

// Which byte each byte is: 0 to 15 of `a`, 16 to 31 of `b`, or LANE_ZERO.
struct shuffle {
    u32 def;
    u32 a; // values
    u32 b;
    u8 lanes[VECTOR_BYTES];
};
void x64_put_shuffle(struct selector *s, struct shuffle *it);
void x64_select_swizzle(struct selector *s, u32 value);
// The operand of an instruction that reads fewer than 16 bytes: a load of so many, or a register.
struct rm x64_vector_rm_low(struct selector *s, enum x64_op op, u32 value);
// ---- select_vector_bytes.c
// Instructions that only move bytes, several in a row as one. False: that would not be fewer.
bool x64_select_bytes(struct selector *s, u32 value);
// ---- select_vector_lanes.c: lanes taken apart and put together again. False: none of those.
bool x64_select_lanes(struct selector *s, u32 value);
