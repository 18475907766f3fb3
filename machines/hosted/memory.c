// SPDX-License-Identifier: GPL-3.0-or-later
#include <stdlib.h>

#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "machines/hosted/memory.h"

static bool budget_take(struct hosted_memory *memory, size_t size)
{
    u64 used = __atomic_add_fetch(&memory->used_bytes, size, __ATOMIC_RELAXED);
    if (used > memory->limit_bytes || used < size) {
        __atomic_sub_fetch(&memory->used_bytes, size, __ATOMIC_RELAXED);
        return false;
    }
    return true;
}

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct hosted_memory *memory = CONTAINER_OF(self, struct hosted_memory, base);
    ASSERT((block == NULL) == (old_size == 0));
    ASSERT(old_size == 0 || new_size == 0);
    if (new_size == 0) {
        free(block);
        u64 used = __atomic_fetch_sub(&memory->used_bytes, old_size, __ATOMIC_RELAXED);
        ASSERT(used >= old_size);
        return NULL;
    }
    if (!budget_take(memory, new_size)) {
        return NULL;
    }
    void *fresh = malloc(new_size); // aligned to 16, as memory.h asks
    if (fresh == NULL) {
        __atomic_sub_fetch(&memory->used_bytes, new_size, __ATOMIC_RELAXED);
    }
    return fresh;
}

void hosted_memory_init(struct hosted_memory *memory, u64 limit_bytes)
{
    *memory = (struct hosted_memory){.base = {resize}, .limit_bytes = limit_bytes};
}
