// SPDX-License-Identifier: GPL-3.0-or-later
// Pieces lie side by side; each knows the size of the one below it, so that a piece given back
// joins its free neighbours at once: two free pieces never touch. Free pieces of one size class
// form a list, and two levels of bits say which lists hold anything.
#include "machines/bare/common/heap.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/platform.h"
#include "machines/bare/common/limits.h"

enum { GRAIN = 16, PIECE_LEAST = 32, FREE = 1 };

struct heap_piece {
    size_t below; // bytes of the piece below; 0: this is the first
    size_t size;  // bytes of this piece, header included; bit 0: FREE
    // Free pieces only, in what is otherwise the caller's.
    struct heap_piece *next;
    struct heap_piece *previous;
};

enum { HEADER = 16 };
_Static_assert(2 * sizeof(size_t) <= HEADER, "the header fits");
_Static_assert(HEADER + 2 * sizeof(void *) <= PIECE_LEAST, "a free piece holds its links");

// The header sits at the end of its 16 bytes, so that on every machine what follows is aligned.
enum { SKEW = HEADER - 2 * sizeof(size_t) };

static size_t bytes_of(const struct heap_piece *piece)
{
    return piece->size & ~(size_t)FREE;
}

static struct heap_piece *above(const struct heap *heap, struct heap_piece *piece)
{
    u8 *at = (u8 *)piece + bytes_of(piece);
    return at + HEADER > heap->end ? NULL : (struct heap_piece *)(void *)at;
}

static struct heap_piece *under(struct heap_piece *piece)
{
    return piece->below == 0 ? NULL : (struct heap_piece *)(void *)((u8 *)piece - piece->below);
}

struct class
{
    u32 coarse;
    u32 fine;
};

// The class whose pieces are all of at least the lower bound that `bytes` falls into.
static struct class class_of(size_t bytes)
{
    u64 units = bytes / GRAIN;
    u32 log = 63 - (u32)__builtin_clzll(units | 1);
    if (log < HEAP_FINE_BITS) {
        return (struct class){0, (u32)units};
    }
    u32 fine = (u32)(units >> (log - HEAP_FINE_BITS)) & ((1u << HEAP_FINE_BITS) - 1);
    return (struct class){log - HEAP_FINE_BITS + 1, fine};
}

// Rounds a request up to the lower bound of a class, so that any piece of that class fits.
static size_t
round_to_class(size_t bytes)
{
    u64 units = bytes / GRAIN;
    u32 log = 63 - (u32)__builtin_clzll(units | 1);
    if (log < HEAP_FINE_BITS) {
        return bytes;
    }
    u64 step = (u64)1 << (log - HEAP_FINE_BITS);
    return (size_t)((units + step - 1) & ~(step - 1)) * GRAIN;
}

static void list_add(struct heap *heap, struct heap_piece *piece)
{
    struct class class = class_of(bytes_of(piece));
    ASSERT(class.coarse < HEAP_COARSE);
    struct heap_piece **head = &heap->free[class.coarse][class.fine];
    piece->size |= FREE;
    piece->next = *head;
    piece->previous = NULL;
    if (*head != NULL) {
        (*head)->previous = piece;
    }
    *head = piece;
    heap->fine[class.coarse] |= 1u << class.fine;
    heap->coarse |= (u64)1 << class.coarse;
}

static void list_remove(struct heap *heap, struct heap_piece *piece)
{
    ASSERT(piece->size & FREE);
    struct class class = class_of(bytes_of(piece));
    struct heap_piece **head = &heap->free[class.coarse][class.fine];
    if (piece->previous != NULL) {
        piece->previous->next = piece->next;
    } else {
        ASSERT(*head == piece);
        *head = piece->next;
    }
    if (piece->next != NULL) {
        piece->next->previous = piece->previous;
    }
    if (*head == NULL) {
        heap->fine[class.coarse] &= ~(1u << class.fine);
        if (heap->fine[class.coarse] == 0) {
            heap->coarse &= ~((u64)1 << class.coarse);
        }
    }
    piece->size &= ~(size_t)FREE;
}

// Tells the piece above, or the heap, how large the piece below it is now.
static void tell_above(struct heap *heap, struct heap_piece *piece)
{
    struct heap_piece *next = above(heap, piece);
    if (next != NULL) {
        next->below = bytes_of(piece);
    } else {
        heap->last = piece;
    }
}

// Makes the top of the heap free memory of at least `bytes`.
static bool grow(struct heap *heap, size_t bytes)
{
    struct heap_piece *last = heap->last;
    size_t have = last != NULL && (last->size & FREE) ? bytes_of(last) : 0;
    ASSERT(have < bytes);
    u64 step = ((u64)bytes - have + HEAP_STEP_BYTES - 1) & ~(u64)(HEAP_STEP_BYTES - 1);
    if (step > (u64)(heap->limit - heap->end) || platform_pages_commit(heap->end, step) != ERR_OK) {
        return false;
    }
    struct heap_piece *piece = (struct heap_piece *)(void *)(heap->end + SKEW);
    heap->end += step;
    if (have != 0) {
        list_remove(heap, last);
        last->size += (size_t)step;
        piece = last;
    } else {
        piece->size = (size_t)step;
        piece->below = last == NULL ? 0 : bytes_of(last);
        heap->last = piece;
    }
    list_add(heap, piece);
    return true;
}

static struct heap_piece *find(struct heap *heap, size_t bytes)
{
    struct class class = class_of(round_to_class(bytes));
    u32 fine = heap->fine[class.coarse] & (~0u << class.fine);
    if (fine == 0) {
        u64 coarse =
            class.coarse + 1 >= HEAP_COARSE ? 0 : heap->coarse & (~(u64)0 << (class.coarse + 1));
        if (coarse == 0) {
            return NULL;
        }
        class.coarse = (u32)__builtin_ctzll(coarse);
        fine = heap->fine[class.coarse];
    }
    struct heap_piece *piece = heap->free[class.coarse][__builtin_ctz(fine)];
    ASSERT(bytes_of(piece) >= bytes);
    return piece;
}

static void *take(struct heap *heap, size_t size)
{
    if (size > (size_t)(heap->limit - heap->start)) {
        return NULL;
    }
    size_t bytes = (size + HEADER + GRAIN - 1) & ~(size_t)(GRAIN - 1);
    bytes = bytes < PIECE_LEAST ? PIECE_LEAST : bytes;
    struct heap_piece *piece = find(heap, bytes);
    if (piece == NULL) {
        if (!grow(heap, round_to_class(bytes))) {
            return NULL;
        }
        piece = find(heap, bytes);
        ASSERT(piece != NULL);
    }
    list_remove(heap, piece);
    if (bytes_of(piece) - bytes >= PIECE_LEAST) {
        struct heap_piece *rest = (struct heap_piece *)(void *)((u8 *)piece + bytes);
        rest->size = bytes_of(piece) - bytes;
        rest->below = bytes;
        piece->size = bytes;
        tell_above(heap, rest);
        list_add(heap, rest);
    }
    heap->used_bytes += bytes_of(piece);
    return (u8 *)piece - SKEW + HEADER;
}

static void give(struct heap *heap, void *block, size_t size)
{
    struct heap_piece *piece = (struct heap_piece *)(void *)((u8 *)block - HEADER + SKEW);
    ASSERT((uintptr_t)block % GRAIN == 0);
    ASSERT(!(piece->size & FREE));
    ASSERT(size <= piece->size - HEADER && piece->size - HEADER - size < 2 * PIECE_LEAST);
    heap->used_bytes -= piece->size;
    struct heap_piece *next = above(heap, piece);
    if (next != NULL && (next->size & FREE)) {
        list_remove(heap, next);
        piece->size += next->size;
    }
    struct heap_piece *lower = under(piece);
    if (lower != NULL && (lower->size & FREE)) {
        list_remove(heap, lower);
        lower->size += piece->size;
        piece = lower;
    }
    tell_above(heap, piece);
    list_add(heap, piece);
}

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct heap *heap = CONTAINER_OF(self, struct heap, memory);
    ASSERT(old_size == 0 || new_size == 0);
    if (new_size != 0) {
        return take(heap, new_size);
    }
    if (block != NULL) {
        give(heap, block, old_size);
    }
    return NULL;
}

enum err heap_init(struct heap *heap, u64 limit_bytes)
{
    u64 bytes = limit_bytes & ~(u64)(HEAP_STEP_BYTES - 1);
    u8 *start = bytes == 0 ? NULL : platform_pages_reserve(bytes);
    if (start == NULL) {
        return ERR_NO_MEMORY;
    }
    *heap = (struct heap){.memory = {resize}, .start = start, .end = start, .limit = start + bytes};
    return ERR_OK;
}

void heap_check(const struct heap *heap)
{
    u64 used = 0;
    size_t below = 0;
    bool below_free = false;
    u8 *at = heap->start;
    while (at < heap->end) {
        const struct heap_piece *piece = (const struct heap_piece *)(void *)(at + SKEW);
        size_t bytes = bytes_of(piece);
        bool is_free = piece->size & FREE;
        ASSERT(bytes >= PIECE_LEAST && bytes % GRAIN == 0);
        ASSERT(bytes <= (size_t)(heap->end - at));
        ASSERT(piece->below == below);
        ASSERT(!(is_free && below_free));
        if (is_free) {
            struct class class = class_of(bytes);
            ASSERT(heap->fine[class.coarse] >> class.fine & 1);
            ASSERT(heap->coarse >> class.coarse & 1);
        } else {
            used += bytes;
        }
        ASSERT(at + bytes < heap->end || heap->last == piece);
        below = bytes;
        below_free = is_free;
        at += bytes;
    }
    ASSERT(at == heap->end);
    ASSERT(used == heap->used_bytes);
}
