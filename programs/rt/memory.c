// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/memory.c: rt_memory. A list of free pieces in order of address, first fit; a piece
// that is freed joins its neighbours, so the list is short. Callers say the size of what they free
// (core/base/ memory.h), so a block costs no header.
#include "core/base/memory.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/limits.h"
#include "programs/rt/redshirt.h"

enum { GRAIN = 16, PAGE_BYTES = 65536 };

struct piece {
    struct piece *next; // at a higher address
    size_t bytes;       // a multiple of GRAIN
};
STATIC_ASSERT(sizeof(struct piece) <= GRAIN);

extern u8 __heap_base; // the linker's: first byte behind data and stack

static struct piece *pieces;
static u8 *heap_start; // NULL before the first use
static u8 *heap_end;

static size_t rounded(size_t size)
{
    return (size + GRAIN - 1) & ~(size_t)(GRAIN - 1);
}

static void piece_free(u8 *start, size_t bytes)
{
    struct piece *before = NULL;
    struct piece *after = pieces;
    while (after != NULL && (u8 *)after < start) {
        before = after;
        after = after->next;
    }
    ASSERT(after == NULL || start + bytes <= (u8 *)after);
    ASSERT(before == NULL || (u8 *)before + before->bytes <= start);
    struct piece *piece = (struct piece *)start;
    piece->next = after;
    piece->bytes = bytes;
    if (after != NULL && start + bytes == (u8 *)after) {
        piece->next = after->next;
        piece->bytes += after->bytes;
    }
    if (before == NULL) {
        pieces = piece;
    } else if ((u8 *)before + before->bytes == start) {
        before->next = piece->next;
        before->bytes += piece->bytes;
    } else {
        before->next = piece;
    }
}

// Takes pages from the kernel until the last piece has room for `bytes`.
static bool heap_grow(size_t bytes)
{
    if (heap_start == NULL) {
        heap_start = (u8 *)rounded((uintptr_t)&__heap_base);
        heap_end = (u8 *)(__builtin_wasm_memory_size(0) * (uintptr_t)PAGE_BYTES);
        if (heap_start < heap_end) {
            piece_free(heap_start, (size_t)(heap_end - heap_start));
        }
        return true; // the caller looks again
    }
    if (bytes > RT_HEAP_BYTES - (size_t)(heap_end - heap_start)) {
        return false;
    }
    size_t pages = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
        return false;
    }
    u8 *start = heap_end;
    heap_end += pages * PAGE_BYTES;
    piece_free(start, pages * PAGE_BYTES);
    return true;
}

static u8 *piece_take(size_t bytes)
{
    struct piece **link = &pieces;
    while (*link != NULL && (*link)->bytes < bytes) {
        link = &(*link)->next;
    }
    struct piece *piece = *link;
    if (piece == NULL) {
        return NULL;
    }
    if (piece->bytes == bytes) {
        *link = piece->next;
    } else {
        struct piece *rest = (struct piece *)((u8 *)piece + bytes);
        rest->next = piece->next;
        rest->bytes = piece->bytes - bytes;
        *link = rest;
    }
    return (u8 *)piece;
}

static u8 *block_take(size_t bytes)
{
    for (int tries = 0; tries < 3; tries++) { // the first time the heap is found, then it grows
        u8 *block = piece_take(bytes);
        if (block != NULL) {
            return block;
        }
        if (!heap_grow(bytes)) {
            break;
        }
    }
    return NULL;
}

static void *memory_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    if (new_size > RT_HEAP_BYTES) {
        return NULL;
    }
    size_t old_bytes = rounded(old_size);
    size_t new_bytes = rounded(new_size);
    if (new_bytes <= old_bytes) {
        if (new_bytes != old_bytes) {
            piece_free((u8 *)block + new_bytes, old_bytes - new_bytes);
        }
        return new_size == 0 ? NULL : block;
    }
    ASSERT(old_size == 0); // memory.h knows no growing
    return block_take(new_bytes);
}

static struct memory memory = {memory_resize};

struct memory *rt_memory(void)
{
    return &memory;
}
