// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/sort.h: sorts keys, with a bound on the work that no input can break.
//
// A key is 64 bits: a hash, or another number by which most are told apart, in the high half,
// and the index of what it stands for in the low half. Only when two high halves are equal is the
// caller asked. So sorting reads no memory but its own, unless somebody made the hashes collide;
// then it still takes no more comparisons.
//
// Use     sort_begin, then sort_step until it returns true; then the keys are in sort->keys, which
//         is one of the two arrays it was given.
// Owner   the caller owns the struct and both arrays, of `count` keys each.
#pragma once
#include "core/base/types.h"

// Whether the item of index `a` must stand in front of that of `b`; a strict order.
typedef bool sort_before(const void *context, u32 a, u32 b);

struct sort {
    u64 *keys;
    u64 *other;
    u32 count;
    sort_before *before;
    const void *context;
    // Runs of `width` keys are in order; two neighbours are being merged into `other`.
    u64 width;
    u32 start;  // of the first
    u32 left;   // what is next of the first,
    u32 right;  // of the second
    u32 filled; // and in `other`
};

void sort_begin(struct sort *sort, u64 *keys, u64 *other, u32 count, sort_before *before,
                const void *context);

// Moves about `moves` keys, with a comparison for each. A sort takes count * log2(count) of them,
// rounded up. False: call again.
bool sort_step(struct sort *sort, u32 moves);

// A hash for the high half: quick, and anybody can make two inputs collide.
u32 sort_hash(const void *bytes, size_t size);
