// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/calloc_store.h: memories for tests that do not ask where these lie: of the C library,
// all that they may ever have from the beginning.
//
// Use     memory_create of a struct wasm_store calls calloc_memory_take with a bound of the test's;
//         the other two functions are here.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include <stdlib.h>

//   most  pages of it; the rest as memory_create has it
static inline enum err calloc_memory_take(u32 most, u32 pages, u32 *pages_max, u8 **base)
{
    if (pages > most) {
        return ERR_NO_MEMORY;
    }
    *pages_max = *pages_max < most ? *pages_max : most;
    *base = calloc((size_t)*pages_max + 1, WASM_PAGE_BYTES); // also of none
    return *base == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static inline enum err calloc_memory_grow(struct wasm_store *self, u8 *base, u32 pages_old,
                                          u32 pages_new)
{
    (void)self;
    (void)base;
    (void)pages_old;
    (void)pages_new;
    return ERR_OK;
}

static inline void calloc_memory_destroy(struct wasm_store *self, u8 *base, u32 pages,
                                         u32 pages_max)
{
    (void)self;
    (void)pages;
    (void)pages_max;
    free(base);
}
