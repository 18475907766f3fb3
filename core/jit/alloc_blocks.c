// SPDX-License-Identifier: GPL-3.0-or-later
// What the allocator knows of blocks: their positions, predecessors, how often they run, and the
// loop each is in. A block is in a loop when it leads back to the header; the run of blocks that
// mach.h calls a loop may hold others too, ways out that happen to stand there.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

enum {
    FORK_BLOCKS = 32,         // that are looked at for each join
    LOOP_TURNS = 8,           // of a loop, for each time it is entered
    STAY_WEIGHT = 7,          // of an edge within a loop, against one that leaves it
    FREQUENCY_MOST = 1 << 28, //
};

static void number_steps(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    u32 step = 0;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        ASSERT(block->first + b == step);
        alloc->start_of[b] = 2 * step;
        for (u32 end = block->end + b + 1; step < end; step++) {
            alloc->block_of[step] = b;
        }
    }
    ASSERT(step == alloc->steps);
    alloc->start_of[mach->block_count] = 2 * step;
    alloc->block_of[step] = mach->block_count - 1;
}

static void list_preds(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    u32 count = 0;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        alloc->pred_first[b] = count;
        for (u32 p = 0; p < block->pred_count; p++) {
            alloc->preds[count++] = mach->edges[mach->lists[block->preds + p]].from;
        }
    }
    alloc->pred_first[mach->block_count] = count;
}

// The header is in the loop of `outer` as well. Chains of loops are short: JIT_LOOP_DEPTH.
static bool nest(struct alloc *alloc, u32 header, u32 outer)
{
    for (u32 steps = 0; steps < JIT_LOOP_DEPTH; steps++) {
        u32 next = alloc->outer[header];
        if (next == outer) {
            return true;
        }
        if (next == ALLOC_NONE || next < outer) {
            alloc->outer[header] = outer;
            if (next == ALLOC_NONE) {
                return true;
            }
            header = outer;
            outer = next;
        } else {
            header = next;
        }
    }
    return false;
}

// The loops that a block is in, by where it leads to; all blocks behind it are done.
static bool find_loop(struct alloc *alloc, u32 b)
{
    const struct mach *mach = alloc->mach;
    const struct mach_block *block = &mach->blocks[b];
    for (u32 s = 0; s < block->succ_count; s++) {
        u32 to = mach->edges[mach->lists[block->succs + s]].to;
        u32 header = to <= b ? to : alloc->loop[to];
        while (header != ALLOC_NONE && header > b) {
            header = alloc->outer[header];
        }
        u32 inner = alloc->loop[b];
        if (header == ALLOC_NONE || header == inner) {
            continue;
        }
        ASSERT(mach->blocks[header].loop_end > b);
        if (inner == ALLOC_NONE || inner < header) {
            alloc->loop[b] = header;
            if (inner != ALLOC_NONE && !nest(alloc, header, inner)) {
                return false;
            }
        } else if (!nest(alloc, inner, header)) {
            return false;
        }
    }
    return true;
}

static enum err find_loops(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    u32 *members = ARENA_ARRAY(alloc->scratch, u32, mach->block_count);
    if (members == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        alloc->loop[b] = ALLOC_NONE;
        alloc->outer[b] = ALLOC_NONE;
    }
    for (u32 b = mach->block_count; b-- > 0;) {
        if (!find_loop(alloc, b)) {
            return ERR_LIMIT;
        }
        alloc_pace(alloc, 1 + mach->blocks[b].succ_count);
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        u32 depth = 0;
        for (u32 h = alloc->loop[b]; h != ALLOC_NONE; h = alloc->outer[h]) {
            members[h]++;
            if (++depth > JIT_LOOP_DEPTH) {
                return ERR_LIMIT;
            }
        }
        alloc_pace(alloc, 1 + depth);
    }
    for (u32 b = mach->block_count; b-- > 0;) {
        bool is_alike = b + 1 < mach->block_count && alloc->loop[b + 1] == alloc->loop[b] &&
                        mach->blocks[b + 1].is_cold == mach->blocks[b].is_cold;
        alloc->alike_until[b] = is_alike ? alloc->alike_until[b + 1] : b + 1;
        alloc->is_whole[b] = members[b] != 0 && members[b] == mach->blocks[b].loop_end - b;
    }
    return ERR_OK;
}

// The dominator of a block above which both have been given theirs.
static u32 meet(const u32 *above, u32 a, u32 b)
{
    while (a != b) {
        if (a > b) {
            a = above[a];
        } else {
            b = above[b];
        }
    }
    return a;
}

// Whether all ways into the blocks between come from `from` or one of them, and all ways out of
// them lead to one of them or to `to`.
static bool is_closed(const struct alloc *alloc, u32 from, u32 to)
{
    const struct mach *mach = alloc->mach;
    for (u32 b = from + 1; b < to; b++) {
        const struct mach_block *block = &mach->blocks[b];
        for (u32 p = alloc->pred_first[b]; p < alloc->pred_first[b + 1]; p++) {
            if (alloc->preds[p] < from || alloc->preds[p] >= to) {
                return false;
            }
        }
        for (u32 s = 0; s < block->succ_count; s++) {
            u32 next = mach->edges[mach->lists[block->succs + s]].to;
            if (next <= from || next > to) {
                return false;
            }
        }
        if (block->succ_count == 0) {
            return false;
        }
    }
    return true;
}

// Finds where branches part that meet again in a block, if everything between is on the way.
static enum err find_forks(struct alloc *alloc)
{
    u32 blocks = alloc->mach->block_count;
    u32 *above = ARENA_ROOM(alloc->scratch, u32, blocks);
    if (above == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = 0; b < blocks; b++) {
        alloc->fork[b] = ALLOC_NONE;
        u32 dominator = ALLOC_NONE;
        for (u32 p = alloc->pred_first[b]; p < alloc->pred_first[b + 1]; p++) {
            u32 from = alloc->preds[p];
            if (from < b) {
                dominator = dominator == ALLOC_NONE ? from : meet(above, dominator, from);
            }
        }
        above[b] = dominator == ALLOC_NONE ? 0 : dominator;
        bool is_join = alloc->loop[b] != b && alloc->pred_first[b + 1] - alloc->pred_first[b] > 1;
        if (is_join && b - above[b] <= FORK_BLOCKS && is_closed(alloc, above[b], b)) {
            alloc->fork[b] = above[b];
        }
        alloc_pace(alloc, 1 + alloc->pred_first[b + 1] - alloc->pred_first[b]);
    }
    return ERR_OK;
}

static bool is_within(const struct alloc *alloc, u32 block, u32 header)
{
    u32 inner = alloc->loop[block];
    while (inner != ALLOC_NONE && inner > header) {
        inner = alloc->outer[inner];
    }
    return inner == header;
}

// How much of a block's frequency an edge gets, among the others of the block.
static u32 edge_weight(const struct alloc *alloc, u32 from, u32 to)
{
    if (alloc->mach->blocks[to].is_cold) {
        return 0;
    }
    u32 header = alloc->loop[from];
    return header == ALLOC_NONE || is_within(alloc, to, header) ? STAY_WEIGHT : 1;
}

// How often blocks run, roughly: a branch goes either way, a loop turns a few times and is left
// seldom, what is cold does not happen.
static void guess_frequencies(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    alloc->frequency[0] = ALLOC_FREQUENCY_ONCE;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        u64 frequency = alloc->frequency[b];
        if (alloc->loop[b] == b) {
            frequency *= LOOP_TURNS;
        }
        frequency = frequency < FREQUENCY_MOST ? frequency : FREQUENCY_MOST;
        frequency = frequency == 0 || block->is_cold ? 1 : frequency;
        alloc->frequency[b] = (u32)frequency;
        u32 weights = 0;
        for (u32 s = 0; s < block->succ_count; s++) {
            weights += edge_weight(alloc, b, mach->edges[mach->lists[block->succs + s]].to);
        }
        for (u32 s = 0; s < block->succ_count && weights != 0; s++) {
            u32 to = mach->edges[mach->lists[block->succs + s]].to;
            if (to > b) {
                u64 sum = alloc->frequency[to] + frequency * edge_weight(alloc, b, to) / weights;
                alloc->frequency[to] = sum < FREQUENCY_MOST ? (u32)sum : FREQUENCY_MOST;
            }
        }
        alloc_pace(alloc, 1 + block->succ_count);
    }
}

enum err alloc_blocks(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    struct arena *scratch = alloc->scratch;
    u32 blocks = mach->block_count;
    alloc->steps = mach->ins_count + blocks;
    alloc->chunks = 2 * alloc->steps / ALLOC_CHUNK + 1;
    alloc->block_of = ARENA_ROOM(scratch, u32, alloc->steps + 1);
    alloc->start_of = ARENA_ROOM(scratch, u32, blocks + 1);
    alloc->loop = ARENA_ROOM(scratch, u32, blocks);
    alloc->outer = ARENA_ROOM(scratch, u32, blocks);
    alloc->is_whole = ARENA_ROOM(scratch, bool, blocks);
    alloc->fork = ARENA_ROOM(scratch, u32, blocks);
    alloc->alike_until = ARENA_ROOM(scratch, u32, blocks);
    alloc->frequency = ARENA_ARRAY(scratch, u32, blocks);
    alloc->pred_first = ARENA_ROOM(scratch, u32, blocks + 1);
    alloc->preds = ARENA_ROOM(scratch, u32, mach->edge_count);
    if (alloc->block_of == NULL || alloc->start_of == NULL || alloc->loop == NULL ||
        alloc->outer == NULL || alloc->is_whole == NULL || alloc->fork == NULL ||
        alloc->alike_until == NULL || alloc->frequency == NULL || alloc->pred_first == NULL ||
        alloc->preds == NULL) {
        return ERR_NO_MEMORY;
    }
    number_steps(alloc);
    list_preds(alloc);
    alloc_pace(alloc, alloc->steps / 4 + mach->edge_count);
    TRY(find_loops(alloc));
    guess_frequencies(alloc);
    return find_forks(alloc);
}
