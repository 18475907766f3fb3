// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/heap.h: the kernel's memory, in pieces of any size, out of one reservation.
//
// Use     heap_init once, then heap.memory (core/base/memory.h).
// Owner   the caller owns the struct; the reservation is never given back.
// Limits  a piece costs 16 bytes more than asked for, and is rounded up to 16 bytes. Taking and
//         giving look at a constant number of pieces, however many there are.
// Source  the two levels of size classes are those of TLSF (Masmano, Ripoll, Crespo, Real 2004).
#pragma once
#include "core/base/err.h"
#include "core/base/memory.h"
#include "core/base/types.h"
struct heap_piece;

enum {
    HEAP_FINE_BITS = 4, // each power of two is divided into 16 classes: at most 1/16 is lost to fit
    HEAP_COARSE = 40,
};

struct heap {
    struct memory memory;
    u8 *start; // the reservation: pieces lie in [start, end), committed memory goes up to `end`
    u8 *end;
    u8 *limit;
    u64 used_bytes; // taken, headers included
    struct heap_piece *last;
    u64 coarse; // bit i: fine[i] is not 0
    u32 fine[HEAP_COARSE];
    struct heap_piece *free[HEAP_COARSE][1 << HEAP_FINE_BITS];
};

// ERR_NO_MEMORY  the machine refuses the reservation
enum err heap_init(struct heap *heap, u64 limit_bytes);

// Walks everything and asserts that the books agree. For tests.
void heap_check(const struct heap *heap);
