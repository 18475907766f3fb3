// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/arena.h: memory that is freed all at once.
//
// Use     arena_init over a struct memory, allocate, arena_drop. Name an arena for its lifetime:
//         module, instance, scratch.
// Owner   the arena owns its chunks; the caller owns the struct.
// Limits  limit_bytes at init; the sum of all chunks never passes it.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"
struct memory;
struct arena_chunk;

struct arena {
    struct memory *memory;
    struct arena_chunk *chunks; // newest first
    u8 *next;                   // free bytes of the newest chunk: [next, end)
    u8 *end;
    size_t used_bytes; // sum of all chunks, headers included: what this arena costs its owner
    size_t limit_bytes;
    size_t chunk_bytes; // size of the next chunk taken; doubles up to 256 KiB, but for arena_reset
};

// An empty arena: takes nothing from `memory` until the first allocation.
void arena_init(struct arena *arena, struct memory *memory, size_t limit_bytes);

// Zeroed memory for count items of `size` bytes, aligned to `align` (a power of two, at most 16).
// NULL when memory or limit is exhausted or count * size overflows; never NULL for count or size 0.
void *arena_alloc(struct arena *arena, size_t count, size_t size, size_t align);

// The same, but what the bytes hold is anybody's guess: for arrays so large that clearing them
// would take longer than a portion of work, whose items the caller writes whole, one by one.
void *arena_room(struct arena *arena, size_t count, size_t size, size_t align);

// Gives back the newest chunk and those before it until about `bytes` are given; false: nothing is
// left. A large arena is dropped in portions so; between them it must not be used.
bool arena_drop_part(struct arena *arena, size_t bytes);

// Forgets everything in the arena and keeps one chunk of at most `keep_bytes` for what comes next:
// who needs about as much again and again takes nothing from `memory` then, and meets warm pages.
// An arena that needed more than the chunk gets a larger one at its next allocation.
void arena_reset(struct arena *arena, size_t keep_bytes);

// Gives every chunk back. The arena is then as arena_init left it.
void arena_drop(struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc(arena, 1, sizeof(type), _Alignof(type)))
#define ARENA_ARRAY(arena, type, count)                                                            \
    ((type *)arena_alloc(arena, count, sizeof(type), _Alignof(type)))
#define ARENA_ROOM(arena, type, count)                                                             \
    ((type *)arena_room(arena, count, sizeof(type), _Alignof(type)))
