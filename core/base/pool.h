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
#include "core/base/err.h"
#include "core/base/types.h"
struct memory;

enum { POOL_CHUNK_ITEMS = 64 };

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

// An item, zero but for its pool_item; NULL at the limit or when memory is out. The slot given back
// last is taken first.
void *pool_take(struct pool *pool);
void pool_give(struct pool *pool, void *item);

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
