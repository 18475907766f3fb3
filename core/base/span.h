// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/span.h: a borrowed run of bytes. Whoever made the bytes keeps them alive.
#pragma once
#include "core/base/mem.h"
#include "core/base/types.h"

struct span {
    const u8 *data; // may be NULL when size is 0
    size_t size;    // bytes
};

static inline struct span span_of(const void *data, size_t size)
{
    return (struct span){data, size};
}

// A span over a string literal, without its terminating zero.
#define SPAN_LITERAL(literal) ((struct span){(const u8 *)(literal), sizeof(literal) - 1})

static inline bool span_equal(struct span a, struct span b)
{
    return a.size == b.size && mem_equal(a.data, b.data, a.size);
}

// The bytes [start, end) of `span`; start <= end <= span.size is the caller's to know. An empty one
// may be sliced too, though C does not add 0 to NULL.
static inline struct span span_slice(struct span span, size_t start, size_t end)
{
    return (struct span){start == 0 ? span.data : span.data + start, end - start};
}

// A span over a string that ends in zero. A loop, because a machine without a libc has no strlen.
static inline struct span span_string(const char *string)
{
    size_t size = 0;
    while (string[size] != 0) {
        size++;
    }
    return (struct span){(const u8 *)string, size};
}
