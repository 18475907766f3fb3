// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/mem.h: copying, clearing and comparing bytes. The compiler turns these into its own
// calls of memcpy, memmove, memset and memcmp, which each machine provides (hosted: the C library;
// bare: its own).
#pragma once
#include "core/base/types.h"

// Copies `size` bytes; the ranges must not overlap. size 0 allows any pointers, NULL included.
static inline void mem_copy(void *to, const void *from, size_t size)
{
    if (size != 0) {
        __builtin_memcpy(to, from, size);
    }
}

// Copies `size` bytes; the ranges may overlap.
static inline void mem_move(void *to, const void *from, size_t size)
{
    if (size != 0) {
        __builtin_memmove(to, from, size);
    }
}

static inline void mem_fill(void *to, u8 value, size_t size)
{
    if (size != 0) {
        __builtin_memset(to, value, size);
    }
}

static inline void mem_zero(void *to, size_t size)
{
    mem_fill(to, 0, size);
}

// Below, at or above 0 as memcmp has it. Not constant in time: never compare secrets with it.
static inline int mem_compare(const void *a, const void *b, size_t size)
{
    return size == 0 ? 0 : __builtin_memcmp(a, b, size);
}

static inline bool mem_equal(const void *a, const void *b, size_t size)
{
    return mem_compare(a, b, size) == 0;
}

// Little-endian loads and stores at any alignment.
static inline u16 mem_load_u16(const void *from)
{
    u16 value;
    mem_copy(&value, from, sizeof value);
    return value;
}

static inline u32 mem_load_u32(const void *from)
{
    u32 value;
    mem_copy(&value, from, sizeof value);
    return value;
}

static inline u64 mem_load_u64(const void *from)
{
    u64 value;
    mem_copy(&value, from, sizeof value);
    return value;
}

static inline void mem_store_u16(void *to, u16 value)
{
    mem_copy(to, &value, sizeof value);
}

static inline void mem_store_u32(void *to, u32 value)
{
    mem_copy(to, &value, sizeof value);
}

static inline void mem_store_u64(void *to, u64 value)
{
    mem_copy(to, &value, sizeof value);
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "the loads and stores above need a little-endian CPU");
