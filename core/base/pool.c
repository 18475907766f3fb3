// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/pool.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"

static size_t table_bytes(const struct pool *pool)
{
    return ((size_t)pool->limit + POOL_CHUNK_ITEMS - 1) / POOL_CHUNK_ITEMS * sizeof *pool->chunks;
}

// A chunk lies in a block of memory behind the block's own address.
static size_t block_bytes(const struct pool *pool)
{
    return (size_t)pool->item_bytes * POOL_CHUNK_ITEMS + POOL_ALIGN;
}

static u8 *chunk_block(const u8 *chunk)
{
    u8 *block;
    mem_copy(&block, chunk - sizeof block, sizeof block);
    return block;
}

enum err pool_init(struct pool *pool, struct memory *memory, u32 item_bytes, u32 limit)
{
    ASSERT(item_bytes >= sizeof(struct pool_item) && limit > 0 && limit < POOL_NONE);
    *pool = (struct pool){
        .memory = memory,
        .item_bytes = (item_bytes + POOL_ALIGN - 1) & ~(POOL_ALIGN - 1u),
        .limit = limit,
        .free_first = POOL_NONE,
    };
    pool->chunks = memory_take(memory, table_bytes(pool));
    if (pool->chunks == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_zero(pool->chunks, table_bytes(pool));
    return ERR_OK;
}

void pool_drop(struct pool *pool)
{
    if (pool->chunks == NULL) {
        return;
    }
    for (u32 i = 0; i < pool->chunk_count; i++) {
        memory_give(pool->memory, chunk_block(pool->chunks[i]), block_bytes(pool));
    }
    memory_give(pool->memory, pool->chunks, table_bytes(pool));
    *pool = (struct pool){0};
}

bool pool_grow(struct pool *pool)
{
    u32 start = pool->chunk_count * POOL_CHUNK_ITEMS;
    if (start >= pool->limit) {
        return false;
    }
    u8 *block = memory_take(pool->memory, block_bytes(pool));
    if (block == NULL) {
        return false;
    }
    mem_zero(block, block_bytes(pool));
    u8 *chunk = block + POOL_ALIGN - (uintptr_t)block % POOL_ALIGN;
    mem_copy(chunk - sizeof block, &block, sizeof block);
    pool->chunks[pool->chunk_count++] = chunk;
    u32 end = start + POOL_CHUNK_ITEMS;
    for (u32 slot = end; slot-- > start;) { // so that the lowest slot is taken first
        struct pool_item *item = pool_item_at(pool, slot);
        item->slot = slot;
        item->next_free = POOL_NONE;
        if (slot < pool->limit) {
            item->next_free = pool->free_first;
            pool->free_first = slot;
        }
    }
    return true;
}
