// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/memory.h: where a row gets its memory from. One function, handed in by whoever owns the
// machine, so that every row runs unchanged without malloc and a test can make any allocation fail.
#pragma once
#include "core/base/types.h"

// A source of memory.
//   resize  with old_size 0: a new block of new_size bytes aligned to 16, or NULL when there is
//           none; with new_size 0: frees `block`, whose size was old_size, and returns NULL.
//           Nothing else.
struct memory {
    void *(*resize)(struct memory *self, void *block, size_t old_size, size_t new_size);
};

static inline void *memory_take(struct memory *memory, size_t size)
{
    return memory->resize(memory, NULL, 0, size);
}

static inline void memory_give(struct memory *memory, void *block, size_t size)
{
    (void)memory->resize(memory, block, size, 0);
}
