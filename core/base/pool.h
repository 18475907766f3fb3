// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/pool.h: items of one size, found again by a slot number.
//
// Use     pool_init with a limit; pool_take and pool_give; pool_at turns a slot that somebody
//         claims to know into an item in use or NULL. An item is a struct that begins with a struct
//         pool_item.
// Owner   the pool owns its chunks, takes them from `memory` as they are needed and keeps them
//         until pool_drop: an item's address never changes.
// Limits  `limit` items.
#pragma once
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/base/types.h"
struct memory;

enum {
    POOL_CHUNK_ITEMS = 64,
    // Of each item: two lines of the cache, as some CPUs fetch them, so that what two workers write
    // shares none.
    POOL_ALIGN = 128,
};

struct pool_item {
    u32 slot;
    u32 next_free; // POOL_IN_USE while it is taken
};

#define POOL_IN_USE ((u32)0xffffffff)
#define POOL_NONE ((u32)0xfffffffe)

struct pool {
    struct memory *memory;
    u8 **chunks; // limit / POOL_CHUNK_ITEMS of them, those from chunk_count on NULL
    u32 chunk_count;
    u32 item_bytes;
    u32 limit;
    u32 used;
    u32 free_first; // slot, or POOL_NONE
};

// ERR_NO_MEMORY  no room for the table of chunks
enum err pool_init(struct pool *pool, struct memory *memory, u32 item_bytes, u32 limit);
// Gives all memory back, whatever is still in use.
void pool_drop(struct pool *pool);

// Makes room for POOL_CHUNK_ITEMS more; false at the limit or when memory is out.
bool pool_grow(struct pool *pool);

static inline struct pool_item *pool_item_at(const struct pool *pool, u32 slot)
{
    u8 *chunk = pool->chunks[slot / POOL_CHUNK_ITEMS];
    return (void *)(chunk + (size_t)(slot % POOL_CHUNK_ITEMS) * pool->item_bytes);
}

// An item that holds what its last user left in it, or zeros when it is new; NULL at the limit or
// when memory is out. The slot given back last is taken first.
static inline void *pool_take_as_is(struct pool *pool)
{
    if (UNLIKELY(pool->free_first == POOL_NONE) && !pool_grow(pool)) {
        return NULL;
    }
    struct pool_item *item = pool_item_at(pool, pool->free_first);
    ASSERT(item->next_free != POOL_IN_USE);
    pool->free_first = item->next_free;
    pool->used++;
    item->next_free = POOL_IN_USE;
    return item;
}

// The same, all of it zero but for its pool_item.
static inline void *pool_take(struct pool *pool)
{
    struct pool_item *item = pool_take_as_is(pool);
    if (LIKELY(item != NULL)) {
        mem_zero(item + 1, pool->item_bytes - sizeof *item);
    }
    return item;
}

static inline void pool_give(struct pool *pool, void *item_)
{
    struct pool_item *item = item_;
    ASSERT(item->next_free == POOL_IN_USE);
    ASSERT(pool->used > 0);
    item->next_free = pool->free_first;
    pool->free_first = item->slot;
    pool->used--;
}

// The item in use at that slot, or NULL. Any number is allowed.
static inline void *pool_at(const struct pool *pool, u64 slot)
{
    if (slot >= (u64)pool->chunk_count * POOL_CHUNK_ITEMS) {
        return NULL;
    }
    u8 *chunk = pool->chunks[slot / POOL_CHUNK_ITEMS];
    struct pool_item *item = (void *)(chunk + slot % POOL_CHUNK_ITEMS * pool->item_bytes);
    return item->next_free == POOL_IN_USE ? item : NULL;
}
