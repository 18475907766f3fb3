// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"

enum {
    CHUNK_BYTES_FIRST = 1024,
    CHUNK_BYTES_LARGEST = 256 * 1024,
    ALIGN_LARGEST = 16,
};

struct ALIGNED(16) arena_chunk {
    struct arena_chunk *older;
    size_t bytes; // header included
};

void arena_init(struct arena *arena, struct memory *memory, size_t limit_bytes)
{
    *arena = (struct arena){
        .memory = memory, .limit_bytes = limit_bytes, .chunk_bytes = CHUNK_BYTES_FIRST};
}

static bool grow(struct arena *arena, size_t bytes_needed)
{
    if (bytes_needed > SIZE_MAX - sizeof(struct arena_chunk)) {
        return false;
    }
    size_t bytes = bytes_needed + sizeof(struct arena_chunk);
    if (bytes < arena->chunk_bytes) {
        bytes = arena->chunk_bytes;
    }
    size_t left = arena->limit_bytes - arena->used_bytes;
    if (bytes > left) {
        bytes = bytes_needed + sizeof(struct arena_chunk);
        if (bytes > left) {
            return false;
        }
    }
    struct arena_chunk *chunk = memory_take(arena->memory, bytes);
    if (chunk == NULL) {
        return false;
    }
    chunk->older = arena->chunks;
    chunk->bytes = bytes;
    arena->chunks = chunk;
    arena->used_bytes += bytes;
    arena->next = (u8 *)(chunk + 1);
    arena->end = (u8 *)chunk + bytes;
    arena->chunk_bytes *= 2;
    if (arena->chunk_bytes > CHUNK_BYTES_LARGEST) {
        arena->chunk_bytes = CHUNK_BYTES_LARGEST;
    }
    return true;
}

void *arena_room(struct arena *arena, size_t count, size_t size, size_t align)
{
    ASSERT(align != 0 && align <= ALIGN_LARGEST && (align & (align - 1)) == 0);
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    size_t padding = -(uintptr_t)arena->next & (align - 1);
    if (arena->next == NULL || padding > (size_t)(arena->end - arena->next) ||
        bytes > (size_t)(arena->end - arena->next) - padding) {
        if (!grow(arena, bytes)) {
            return NULL;
        }
        padding = 0; // a chunk's body is aligned to ALIGN_LARGEST
    }
    u8 *block = arena->next + padding;
    arena->next = block + bytes;
    return block;
}

void *arena_alloc(struct arena *arena, size_t count, size_t size, size_t align)
{
    void *block = arena_room(arena, count, size, align);
    if (block != NULL) {
        mem_zero(block, count * size);
    }
    return block;
}

bool arena_drop_part(struct arena *arena, size_t bytes)
{
    size_t given = 0;
    while (arena->chunks != NULL && given < bytes) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->older;
        given += chunk->bytes;
        arena->used_bytes -= chunk->bytes;
        memory_give(arena->memory, chunk, chunk->bytes);
    }
    if (arena->chunks != NULL) {
        return true;
    }
    arena_init(arena, arena->memory, arena->limit_bytes);
    return false;
}

void arena_reset(struct arena *arena, size_t keep_bytes)
{
    size_t wanted = arena->used_bytes < keep_bytes ? arena->used_bytes : keep_bytes;
    while (arena->chunks != NULL && arena->chunks->older != NULL) {
        (void)arena_drop_part(arena, 1);
    }
    if (arena->chunks == NULL) {
        return;
    }
    struct arena_chunk *oldest = arena->chunks;
    if (oldest->bytes > keep_bytes || oldest->bytes < wanted) {
        arena_drop(arena);
        arena->chunk_bytes = wanted > CHUNK_BYTES_FIRST ? wanted : CHUNK_BYTES_FIRST;
        return;
    }
    arena->next = (u8 *)(oldest + 1);
    arena->end = (u8 *)oldest + oldest->bytes;
}

void arena_drop(struct arena *arena)
{
    bool is_left = arena_drop_part(arena, SIZE_MAX);
    ASSERT(!is_left);
}
