// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/memory_differs.h: what two engines left in a memory.
#pragma once
#include "core/base/mem.h"
#include "core/base/types.h"
#include "core/wasm/instance.h"

struct memory_difference {
    const char *what;
    u64 left;
    u64 right;
};

// Whether they differ, and then how: in size, or in the first word that does.
static inline bool memory_differs(const struct wasm_memory *left, const struct wasm_memory *right,
                                  struct memory_difference *out)
{
    if (left->size_bytes != right->size_bytes) {
        *out = (struct memory_difference){"size of memory", left->size_bytes, right->size_bytes};
        return true;
    }
    for (u64 i = 0; i + 8 <= left->size_bytes; i += 8) {
        u64 a = mem_load_u64(left->base + i);
        u64 b = mem_load_u64(right->base + i);
        if (a != b) {
            *out = (struct memory_difference){"memory", a, b};
            return true;
        }
    }
    return false;
}
