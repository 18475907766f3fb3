// SPDX-License-Identifier: GPL-3.0-or-later
// Merge sort, from the bottom: no recursion, no bad input, and it reads its memory front to back.
#include "core/base/sort.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"

static bool is_before(const struct sort *sort, u64 a, u64 b)
{
    if (LIKELY(a >> 32 != b >> 32)) {
        return a < b;
    }
    return sort->before(sort->context, (u32)a, (u32)b);
}

// Where the run that begins at `start` ends.
static u32 run_end(const struct sort *sort, u64 start)
{
    return start + sort->width < sort->count ? (u32)(start + sort->width) : sort->count;
}

static void pair_begin(struct sort *sort, u32 start)
{
    sort->start = start;
    sort->left = start;
    sort->right = run_end(sort, start);
    sort->filled = start;
}

void sort_begin(struct sort *sort, u64 *keys, u64 *other, u32 count, sort_before *before,
                const void *context)
{
    *sort = (struct sort){
        .keys = keys,
        .other = other,
        .count = count,
        .before = before,
        .context = context,
        .width = 1,
    };
    pair_begin(sort, 0);
}

// Merges up to `moves` keys of a pair. Returns how many are left to move.
static u32 merge(struct sort *sort, u32 moves)
{
    u32 left_end = run_end(sort, sort->start);
    u32 right_end = run_end(sort, left_end);
    const u64 *keys = sort->keys;
    u64 *out = sort->other;
    for (; moves > 0 && sort->left < left_end && sort->right < right_end; moves--) {
        bool is_right = is_before(sort, keys[sort->right], keys[sort->left]);
        out[sort->filled++] = is_right ? keys[sort->right++] : keys[sort->left++];
    }
    if (sort->left < left_end && sort->right < right_end) {
        return 0;
    }
    bool is_left = sort->left < left_end;
    u32 *from = is_left ? &sort->left : &sort->right;
    u32 rest = (is_left ? left_end : right_end) - *from;
    u32 count = rest < moves ? rest : moves;
    mem_copy(&out[sort->filled], &keys[*from], count * sizeof *out);
    *from += count;
    sort->filled += count;
    return moves - count;
}

bool sort_step(struct sort *sort, u32 moves)
{
    while (sort->width < sort->count) {
        moves = merge(sort, moves);
        if (moves == 0) {
            return false;
        }
        if (sort->filled < sort->count) {
            pair_begin(sort, sort->filled);
            continue;
        }
        u64 *keys = sort->keys;
        sort->keys = sort->other;
        sort->other = keys;
        sort->width *= 2;
        pair_begin(sort, 0);
    }
    return true;
}

// FNV-1a, eight bytes at a time, and the product's high half folded in.
u32 sort_hash(const void *bytes, size_t size)
{
    const u8 *at = bytes;
    u64 hash = 0xcbf29ce484222325ull ^ size;
    for (; size >= 8; at += 8, size -= 8) {
        hash = (hash ^ mem_load_u64(at)) * 0x9e3779b97f4a7c15ull;
        hash ^= hash >> 32;
    }
    for (; size > 0; at++, size--) {
        hash = (hash ^ *at) * 0x100000001b3ull;
    }
    return (u32)((hash ^ hash >> 29) * 0x9e3779b97f4a7c15ull >> 32);
}
