// SPDX-License-Identifier: GPL-3.0-or-later
// Orders moves. A move can be made once nobody reads its goal any more; what is left when no move
// can are circles, each opened by saving one of its places.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

// The moves of one moment.
struct group {
    struct alloc *alloc;
    struct alloc_move *items;
    u32 count;
    u32 *ready;  // stack of items
    u32 *writer; // of a place: the item that writes it and is not made, or ALLOC_NONE
    u32 *readers;
    struct mach_move *out;
    u32 out_count;
    u32 out_capacity;
    u32 before;
    u32 free;         // registers that nobody has at this moment
    mach_place spare; // slots to open circles in memory; MACH_PLACE_NONE until needed
    mach_place saved; // where what a circle was opened at is
};

enum err alloc_moves_init(struct alloc_moves *moves, struct alloc *alloc)
{
    u32 count = alloc->mach->ins_count;
    *moves = (struct alloc_moves){.alloc = alloc, .capacity = count / 2 + 16};
    moves->first = ARENA_ROOM(alloc->scratch, u32, count);
    moves->moves = ARENA_ROOM(alloc->scratch, struct alloc_move, moves->capacity);
    if (moves->first == NULL || moves->moves == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_fill(moves->first, 0xff, count * sizeof(u32));
    return ERR_OK;
}

enum err alloc_moves_add(struct alloc_moves *moves, u32 before, struct alloc_move move)
{
    if (move.from == move.to) {
        return ERR_OK;
    }
    if (moves->count == moves->capacity) {
        u32 capacity = moves->capacity * 2;
        struct alloc_move *more = ARENA_ROOM(moves->alloc->scratch, struct alloc_move, capacity);
        if (more == NULL) {
            return ERR_NO_MEMORY;
        }
        mem_copy(more, moves->moves, moves->count * sizeof *more);
        moves->moves = more;
        moves->capacity = capacity;
    }
    ASSERT(before < moves->alloc->mach->ins_count && move.to != MACH_PLACE_NONE);
    move.next = moves->first[before];
    moves->first[before] = moves->count;
    moves->moves[moves->count++] = move;
    return ERR_OK;
}

static enum err put(struct group *group, mach_place from, mach_place to, u32 vreg)
{
    if (group->out_count == group->out_capacity) {
        u32 capacity = group->out_capacity * 2;
        struct mach_move *more = ARENA_ROOM(group->alloc->scratch, struct mach_move, capacity);
        if (more == NULL) {
            return ERR_NO_MEMORY;
        }
        mem_copy(more, group->out, group->out_count * sizeof *more);
        group->out = more;
        group->out_capacity = capacity;
    }
    group->out[group->out_count++] =
        (struct mach_move){.before = group->before, .from = from, .to = to, .vreg = vreg};
    return ERR_OK;
}

static enum err put_move(struct group *group, mach_place from, mach_place to, u32 vreg)
{
    if (from >= MACH_SLOT && to >= MACH_SLOT) {
        mach_place scratch = group->alloc->mach->registers->scratch;
        TRY(put(group, from, scratch, vreg));
        from = scratch;
    }
    return put(group, from, to, vreg);
}

// A register of the class that is free at this moment; MACH_PLACE_NONE when there is none.
static mach_place free_register(const struct group *group, u8 class)
{
    u32 free = group->free & (u32)group->alloc->mach->registers->allocatable[class];
    return free == 0 ? MACH_PLACE_NONE : (mach_place)__builtin_ctz(free);
}

// Computes a constant again. Into a slot it goes by a free register, or the scratch one, or, when
// it is an integer, by one whose value waits in the scratch register meanwhile.
static enum err put_constant(struct group *group, const struct alloc_move *move)
{
    const struct mach *mach = group->alloc->mach;
    mach_place scratch = mach->registers->scratch;
    if (move->to < MACH_SLOT) {
        return put(group, MACH_PLACE_NONE, move->to, move->vreg);
    }
    u8 class = mach->vregs[move->vreg].class;
    mach_place by = class == MACH_FLOAT ? scratch : free_register(group, class);
    if (by != MACH_PLACE_NONE) {
        TRY(put(group, MACH_PLACE_NONE, by, move->vreg));
        return put(group, by, move->to, move->vreg);
    }
    u64 integers = mach->registers->allocatable[MACH_INTEGER];
    by = (mach_place)__builtin_ctzll(integers);
    TRY(put(group, by, scratch, MACH_NONE));
    TRY(put(group, MACH_PLACE_NONE, by, move->vreg));
    TRY(put(group, by, move->to, move->vreg));
    return put(group, scratch, by, MACH_NONE);
}

// Makes all items that can be made, beginning with those in `ready`.
static enum err drain(struct group *group, u32 ready_count)
{
    while (ready_count != 0) {
        const struct alloc_move *move = &group->items[group->ready[--ready_count]];
        TRY(put_move(group, move->from, move->to, move->vreg));
        group->writer[move->to] = ALLOC_NONE;
        if (move->from != group->saved && --group->readers[move->from] == 0 &&
            group->writer[move->from] != ALLOC_NONE) {
            group->ready[ready_count++] = group->writer[move->from];
        }
    }
    return ERR_OK;
}

// Opens the circle that ends in `items[index]`: what its goal holds is saved, and whoever reads
// that reads it there.
static enum err open_circle(struct group *group, u32 index)
{
    struct mach *mach = group->alloc->mach;
    bool in_memory = false;
    u32 reader = index;
    for (u32 at = group->writer[group->items[index].from];;
         at = group->writer[group->items[at].from]) {
        const struct alloc_move *move = &group->items[at];
        in_memory |= move->from >= MACH_SLOT && move->to >= MACH_SLOT;
        if (move->from == group->items[index].to) {
            reader = at;
        }
        if (at == index) {
            break;
        }
    }
    mach_place saved = free_register(group, mach->vregs[group->items[reader].vreg].class);
    if (saved == MACH_PLACE_NONE && !in_memory) {
        saved = mach->registers->scratch;
    } else if (saved == MACH_PLACE_NONE) {
        if (group->spare == MACH_PLACE_NONE) {
            mach->slot_count += mach->slot_count & 1;
            group->spare = (mach_place)(MACH_SLOT + mach->slot_count);
            mach->slot_count += 2;
        }
        saved = group->spare;
    }
    mach_place goal = group->items[index].to;
    TRY(put_move(group, goal, saved, group->items[reader].vreg));
    group->items[reader].from = saved;
    group->saved = saved;
    group->readers[goal] = 0;
    group->ready[0] = index;
    TRY(drain(group, 1));
    group->saved = MACH_PLACE_NONE;
    return ERR_OK;
}

static enum err order(struct group *group)
{
    u32 ready = 0;
    for (u32 i = 0; i < group->count; i++) {
        const struct alloc_move *move = &group->items[i];
        if (move->from != MACH_PLACE_NONE) {
            ASSERT(group->writer[move->to] == ALLOC_NONE);
            group->writer[move->to] = i;
            group->readers[move->from]++;
        }
    }
    for (u32 i = 0; i < group->count; i++) {
        const struct alloc_move *move = &group->items[i];
        if (move->from != MACH_PLACE_NONE && group->readers[move->to] == 0) {
            group->ready[ready++] = i;
        }
    }
    TRY(drain(group, ready));
    for (u32 i = 0; i < group->count; i++) {
        const struct alloc_move *move = &group->items[i];
        if (move->from != MACH_PLACE_NONE && group->writer[move->to] == i) {
            TRY(open_circle(group, i));
        }
    }
    for (u32 i = 0; i < group->count; i++) {
        if (group->items[i].from == MACH_PLACE_NONE) {
            TRY(put_constant(group, &group->items[i]));
        }
    }
    return ERR_OK;
}

// Takes the moves of one instruction and phase into the group.
static void gather(struct group *group, const struct alloc_moves *moves, u32 first, u32 phase)
{
    group->count = 0;
    for (u32 m = first; m != ALLOC_NONE; m = moves->moves[m].next) {
        if (moves->moves[m].phase == phase) {
            group->items[group->count++] = moves->moves[m];
        }
    }
}

// The registers that are free before the instruction: neither what is before nor what is behind the
// moves is in them.
static u32 free_at(const struct alloc *alloc, u32 block, u32 ins, u32 phase)
{
    const struct mach *mach = alloc->mach;
    u32 before = alloc_position(alloc, block, ins) - 1;
    u32 behind = before + 1;
    if (phase == ALLOC_EDGE_IN) {
        if (mach->blocks[block].pred_count != 1) {
            return 0;
        }
        behind = alloc->start_of[block];
        before = alloc->start_of[alloc->preds[alloc->pred_first[block]] + 1] - 1;
    } else if (phase == ALLOC_EDGE_OUT) {
        if (mach->blocks[block].succ_count != 1) {
            return 0;
        }
        behind = alloc->start_of[mach->edges[mach->lists[mach->blocks[block].succs]].to];
    }
    u32 taken = alloc_busy_at(alloc, before) | alloc_busy_at(alloc, behind) | alloc->fixed[before] |
                alloc->fixed[behind];
    u32 unsaved = (u32)mach->registers->preserved & ~alloc->used;
    return ~(taken | unsaved);
}

enum err alloc_moves_order(struct alloc_moves *moves)
{
    struct mach *mach = moves->alloc->mach;
    struct arena *scratch = moves->alloc->scratch;
    size_t places = (size_t)MACH_SLOT + mach->slot_count + 3;
    struct group group = {
        .alloc = moves->alloc,
        .items = ARENA_ROOM(scratch, struct alloc_move, moves->count),
        .ready = ARENA_ROOM(scratch, u32, moves->count + 1),
        .writer = ARENA_ROOM(scratch, u32, places),
        .readers = ARENA_ARRAY(scratch, u32, places),
        .out_capacity = moves->count + moves->count / 4 + 16,
        .spare = MACH_PLACE_NONE,
        .saved = MACH_PLACE_NONE,
    };
    group.out = ARENA_ROOM(scratch, struct mach_move, group.out_capacity);
    if (group.items == NULL || group.ready == NULL || group.writer == NULL ||
        group.readers == NULL || group.out == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_fill(group.writer, 0xff, places * sizeof(u32));
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            alloc_pace(moves->alloc, 1);
            u32 phase = moves->first[i] != ALLOC_NONE ? 0 : ALLOC_PHASE_COUNT;
            for (; phase < ALLOC_PHASE_COUNT; phase++) {
                group.before = i;
                group.free = free_at(moves->alloc, b, i, phase);
                gather(&group, moves, moves->first[i], phase);
                TRY(order(&group));
                alloc_pace(moves->alloc, 8 + 8 * (u64)group.count);
            }
        }
    }
    mach->moves = ARENA_ROOM(mach->arena, struct mach_move, group.out_count);
    if (mach->moves == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_copy(mach->moves, group.out, group.out_count * sizeof *group.out);
    mach->move_count = group.out_count;
    return ERR_OK;
}
