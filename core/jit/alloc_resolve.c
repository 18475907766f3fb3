// SPDX-License-Identifier: GPL-3.0-or-later
// Writes down what was decided: places of operands, and the moves where a virtual register changes
// its place, within a block or along an edge. A slot is written once, behind the definition, or,
// where that costs less, wherever the register leaves for memory; a virtual register never changes,
// so that its slot stays right.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/sort.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

enum { SORT_MOVES = 4096 }; // at once

struct resolver {
    struct alloc *alloc;
    struct mach *mach;
    struct alloc_moves moves;
    u32 *pieces;      // segments of each virtual register, in order
    u32 *piece_first; // vreg_count + 1
    mach_place *kept; // the slot that is written behind the definition, or MACH_PLACE_NONE
    u32 *pred_first;  // of a block: the first and the last block with an edge to it
    u32 *pred_last;
};

static mach_place piece_place(const struct alloc *alloc, u32 piece)
{
    return (mach_place)alloc->segments[piece].use_first;
}

// Where the virtual register is; MACH_PLACE_NONE when it does not live or is to be computed.
static mach_place place_at(const struct resolver *resolver, u32 vreg, u32 position)
{
    const struct alloc_segment *segments = resolver->alloc->segments;
    u32 low = resolver->piece_first[vreg];
    u32 high = resolver->piece_first[vreg + 1];
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        if (segments[resolver->pieces[middle]].start <= position) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (low == high) {
        return MACH_PLACE_NONE;
    }
    u32 piece = resolver->pieces[low];
    bool lives = segments[piece].start <= position && position < segments[piece].end;
    return lives ? piece_place(resolver->alloc, piece) : MACH_PLACE_NONE;
}

// Where it is before the moves that are made before the position: a result that was just made is
// still where the instruction left it.
static mach_place place_before(const struct resolver *resolver, u32 vreg, u32 position)
{
    const struct alloc *alloc = resolver->alloc;
    const struct alloc_use *def = &alloc->uses[alloc->use_first[vreg]];
    if (def->kind == ALLOC_DEF_FIXED
            ? def->at == position
            : def->kind != ALLOC_DEF_PARAM && (def->at | 1) + 1 == position) {
        return resolver->mach->operands[def->operand].place;
    }
    return place_at(resolver, vreg, position - 1);
}

// ---- slots

static bool index_before(const void *context, u32 a, u32 b)
{
    (void)context;
    return a < b;
}

// Sorts keys, position above and index below; `other` is of the same size. Returns one of the two.
static u64 *sort_keys(const struct alloc *alloc, u64 *keys, u64 *other, u32 count)
{
    struct sort sort;
    sort_begin(&sort, keys, other, count, index_before, NULL);
    while (!sort_step(&sort, SORT_MOVES)) {
        alloc_pace(alloc, SORT_MOVES);
    }
    return sort.keys;
}

// Slots for all sets of this size that were spilled; those whose lives do not meet share one.
static enum err give_slots(struct alloc *alloc, u32 bytes)
{
    struct mach *mach = alloc->mach;
    u32 size = bytes / 8;
    u32 count = 0;
    alloc_pace(alloc, alloc->set_count / 2);
    for (u32 s = 0; s < alloc->set_count; s++) {
        count += alloc->sets[s].slot != ALLOC_NONE && (alloc->sets[s].bytes == 16) == (size == 2);
    }
    u64 *starts = ARENA_ROOM(alloc->scratch, u64, count);
    u64 *ends = ARENA_ROOM(alloc->scratch, u64, count);
    u64 *other = ARENA_ROOM(alloc->scratch, u64, 2 * (size_t)count);
    u32 *free = ARENA_ROOM(alloc->scratch, u32, count);
    if (starts == NULL || ends == NULL || other == NULL || free == NULL) {
        return ERR_NO_MEMORY;
    }
    count = 0;
    for (u32 s = 0; s < alloc->set_count; s++) {
        if (alloc->sets[s].slot != ALLOC_NONE && (alloc->sets[s].bytes == 16) == (size == 2)) {
            starts[count] = (u64)alloc->sets[s].start << 32 | s;
            ends[count++] = (u64)alloc->sets[s].end << 32 | s;
        }
    }
    starts = sort_keys(alloc, starts, other, count);
    ends = sort_keys(alloc, ends, other + count, count);
    u32 free_count = 0;
    for (u32 i = 0, over = 0; i < count; i++) {
        struct alloc_set *set = &alloc->sets[(u32)starts[i]];
        alloc_pace(alloc, 4);
        while (ends[over] >> 32 <= set->start) {
            free[free_count++] = alloc->sets[(u32)ends[over++]].slot;
        }
        if (free_count != 0) {
            set->slot = free[--free_count];
            continue;
        }
        if (mach->slot_count + size > JIT_FRAME_BYTES / 8) {
            return ERR_LIMIT;
        }
        set->slot = mach->slot_count;
        mach->slot_count += size;
    }
    return ERR_OK;
}

// ---- pieces

// Notes each segment's place and counts those of each virtual register, in first[vreg + 2]; those
// that begin in one step become a list through `use_end`, which nobody needs any more. A virtual
// register has no more than one of them.
static void place_pieces(const struct resolver *resolver, u32 *first, u32 *begins)
{
    const struct alloc *alloc = resolver->alloc;
    for (u32 b = 0; b < alloc->bundle_count; b++) {
        const struct alloc_bundle *bundle = &alloc->bundles[b];
        alloc_pace(alloc, 1 + bundle->count);
        for (u32 s = bundle->first; s < bundle->first + bundle->count && !bundle->is_visitor; s++) {
            struct alloc_segment *segment = &alloc->segments[s];
            first[segment->vreg + 2]++;
            segment->use_end = begins[segment->start / 2];
            begins[segment->start / 2] = s;
            segment->use_first = bundle->reg;
            if (bundle->reg == ALLOC_SPILLED) {
                bool is_remat = resolver->mach->vregs[segment->vreg].is_remat;
                segment->use_first =
                    is_remat ? MACH_PLACE_NONE : MACH_SLOT + alloc->sets[bundle->set].slot;
            }
        }
    }
}

// The pieces of each virtual register, in order: taken step by step.
static enum err list_pieces(struct resolver *resolver)
{
    struct alloc *alloc = resolver->alloc;
    u32 vregs = resolver->mach->vreg_count;
    u32 *first = ARENA_ARRAY(alloc->scratch, u32, vregs + 2);
    u32 *begins = ARENA_ROOM(alloc->scratch, u32, alloc->steps);
    if (first == NULL || begins == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_fill(begins, 0xff, alloc->steps * sizeof *begins);
    place_pieces(resolver, first, begins);
    for (u32 v = 0; v < vregs; v++) {
        first[v + 2] += first[v + 1];
    }
    resolver->pieces = ARENA_ROOM(alloc->scratch, u32, first[vregs + 1]);
    if (resolver->pieces == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 step = 0; step < alloc->steps; step++) {
        alloc_pace(alloc, 1);
        for (u32 s = begins[step]; s != ALLOC_NONE; s = alloc->segments[s].use_end) {
            alloc_pace(alloc, 1);
            resolver->pieces[first[alloc->segments[s].vreg + 1]++] = s;
        }
    }
    resolver->piece_first = first;
    return ERR_OK;
}

static enum err find_preds(struct resolver *resolver)
{
    const struct mach *mach = resolver->mach;
    const struct alloc *alloc = resolver->alloc;
    struct arena *scratch = alloc->scratch;
    resolver->pred_first = ARENA_ROOM(scratch, u32, mach->block_count);
    resolver->pred_last = ARENA_ROOM(scratch, u32, mach->block_count);
    if (resolver->pred_first == NULL || resolver->pred_last == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = 0; b < mach->block_count; b++) {
        u32 first = b;
        u32 last = 0;
        for (u32 p = alloc->pred_first[b]; p < alloc->pred_first[b + 1]; p++) {
            u32 from = alloc->preds[p];
            first = from < first || p == alloc->pred_first[b] ? from : first;
            last = from > last ? from : last;
        }
        resolver->pred_first[b] = first;
        resolver->pred_last[b] = last;
        alloc_pace(alloc, 1 + alloc->pred_first[b + 1] - alloc->pred_first[b]);
    }
    return ERR_OK;
}

// ---- changes of place

// The moment of an edge, and how often it is there.
static u32 edge_moment(const struct resolver *resolver, const struct mach_edge *edge, u8 *phase,
                       u32 *frequency)
{
    const struct mach *mach = resolver->mach;
    const struct mach_block *from = &mach->blocks[edge->from];
    bool is_out = from->succ_count == 1;
    ASSERT(is_out || mach->blocks[edge->to].pred_count == 1);
    *phase = is_out ? ALLOC_EDGE_OUT : ALLOC_EDGE_IN;
    *frequency = resolver->alloc->frequency[is_out ? edge->from : edge->to];
    return is_out ? from->end - 1 : mach->blocks[edge->to].first;
}

static bool is_slot(mach_place place)
{
    return place >= MACH_SLOT && place != MACH_PLACE_NONE;
}

// Into a register, from wherever it is.
static enum err load(struct resolver *resolver, u32 before, struct alloc_move move)
{
    if (move.from == MACH_PLACE_NONE && !resolver->mach->vregs[move.vreg].is_remat) {
        return ERR_OK; // it does not live there
    }
    return alloc_moves_add(&resolver->moves, before, move);
}

// The edges into blocks that begin within a piece that is in a register.
static enum err load_at_edges(struct resolver *resolver, u32 piece)
{
    const struct alloc *alloc = resolver->alloc;
    const struct mach *mach = resolver->mach;
    const struct alloc_segment *segment = &alloc->segments[piece];
    const struct alloc_use *def = &alloc->uses[alloc->use_first[segment->vreg]];
    u32 b = alloc_step_block(alloc, segment->start);
    b += alloc->start_of[b] < segment->start;
    for (; b < mach->block_count && alloc->start_of[b] < segment->end; b++) {
        alloc_pace(alloc, 1);
        if (alloc->start_of[resolver->pred_first[b] + 1] > segment->start &&
            alloc->start_of[resolver->pred_last[b] + 1] <= segment->end) {
            continue;
        }
        if (def->kind == ALLOC_DEF_PARAM && def->at == alloc->start_of[b]) {
            continue;
        }
        const struct mach_block *block = &mach->blocks[b];
        for (u32 p = 0; p < block->pred_count; p++) {
            const struct mach_edge *edge = &mach->edges[mach->lists[block->preds + p]];
            u32 frequency;
            struct alloc_move move = {
                .from = place_at(resolver, segment->vreg, alloc->start_of[edge->from + 1] - 1),
                .to = piece_place(alloc, piece),
                .vreg = segment->vreg,
            };
            u32 before = edge_moment(resolver, edge, &move.phase, &frequency);
            TRY(load(resolver, before, move));
            alloc_pace(alloc, 8);
        }
    }
    return ERR_OK;
}

// Moves a virtual register into the registers it gets.
static enum err load_all(struct resolver *resolver, u32 vreg)
{
    const struct alloc *alloc = resolver->alloc;
    u32 first = resolver->piece_first[vreg];
    for (u32 i = first; i < resolver->piece_first[vreg + 1]; i++) {
        u32 piece = resolver->pieces[i];
        if (piece_place(alloc, piece) >= MACH_SLOT) {
            continue;
        }
        u32 start = alloc->segments[piece].start;
        u32 block = alloc_step_block(alloc, start);
        if (i != first && start != alloc->start_of[block] &&
            alloc->segments[resolver->pieces[i - 1]].end == start) {
            struct alloc_move move = {
                .from = place_before(resolver, vreg, start),
                .to = piece_place(alloc, piece),
                .vreg = vreg,
                .phase = ALLOC_BETWEEN,
            };
            TRY(load(resolver, start / 2 - block - 1, move));
        }
        TRY(load_at_edges(resolver, piece));
    }
    return ERR_OK;
}

// Stores of a virtual register wherever it leaves a register for its slot: their cost, or, with
// `makes`, the stores themselves.
static enum err store_at_edges(struct resolver *resolver, u32 piece, bool makes, u64 *cost)
{
    const struct alloc *alloc = resolver->alloc;
    const struct mach *mach = resolver->mach;
    const struct alloc_segment *segment = &alloc->segments[piece];
    for (u32 b = alloc_step_block(alloc, segment->start);
         b < mach->block_count && alloc->start_of[b + 1] <= segment->end; b++) {
        const struct mach_block *block = &mach->blocks[b];
        alloc_pace(alloc, 1 + 2 * (u64)block->succ_count);
        for (u32 s = 0; s < block->succ_count; s++) {
            const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
            u32 start = alloc->start_of[edge->to];
            if (start >= segment->start && start < segment->end) {
                continue;
            }
            u32 frequency;
            struct alloc_move move = {
                .from = piece_place(alloc, piece),
                .to = place_at(resolver, segment->vreg, start),
                .vreg = segment->vreg,
            };
            u32 before = edge_moment(resolver, edge, &move.phase, &frequency);
            if (!is_slot(move.to)) {
                continue;
            }
            *cost += frequency;
            if (makes) {
                TRY(alloc_moves_add(&resolver->moves, before, move));
            }
        }
    }
    return ERR_OK;
}

static enum err store_all(struct resolver *resolver, u32 vreg, bool makes, u64 *cost)
{
    const struct alloc *alloc = resolver->alloc;
    u32 end = resolver->piece_first[vreg + 1];
    for (u32 i = resolver->piece_first[vreg]; i < end; i++) {
        u32 piece = resolver->pieces[i];
        if (piece_place(alloc, piece) >= MACH_SLOT) {
            continue;
        }
        u32 past = alloc->segments[piece].end;
        u32 block = alloc_step_block(alloc, past);
        u32 next = i + 1 < end ? resolver->pieces[i + 1] : piece;
        if (past != alloc->start_of[block] && alloc->segments[next].start == past &&
            is_slot(piece_place(alloc, next))) {
            *cost += alloc->frequency[block];
            struct alloc_move move = {
                .from = place_before(resolver, vreg, past),
                .to = piece_place(alloc, next),
                .vreg = vreg,
                .phase = ALLOC_BETWEEN,
            };
            if (makes) {
                TRY(alloc_moves_add(&resolver->moves, past / 2 - block - 1, move));
            }
        }
        TRY(store_at_edges(resolver, piece, makes, cost));
    }
    return ERR_OK;
}

static u64 definition_cost(const struct resolver *resolver, u32 vreg)
{
    const struct alloc *alloc = resolver->alloc;
    const struct alloc_use *def = &alloc->uses[alloc->use_first[vreg]];
    u32 b = alloc_step_block(alloc, def->at);
    if (def->kind != ALLOC_DEF_PARAM) {
        return alloc->frequency[b];
    }
    u64 cost = 0;
    const struct mach_block *block = &resolver->mach->blocks[b];
    for (u32 p = 0; p < block->pred_count; p++) {
        cost +=
            alloc->frequency[resolver->mach->edges[resolver->mach->lists[block->preds + p]].from];
    }
    return cost;
}

// Decides where the slot of a virtual register is written, and moves it where it changes place.
static enum err change_one(struct resolver *resolver, u32 vreg)
{
    const struct alloc *alloc = resolver->alloc;
    u32 first = resolver->piece_first[vreg];
    u32 end = resolver->piece_first[vreg + 1];
    mach_place place = piece_place(alloc, resolver->pieces[first]);
    mach_place slot = is_slot(place) ? place : MACH_PLACE_NONE;
    bool changes = false;
    alloc_pace(alloc, 2 + end - first);
    for (u32 i = first + 1; i < end; i++) {
        mach_place other = piece_place(alloc, resolver->pieces[i]);
        slot = is_slot(other) ? other : slot;
        changes |= other != place;
    }
    const struct alloc_use *def = &alloc->uses[alloc->use_first[vreg]];
    if (def->kind != ALLOC_DEF_PARAM &&
        alloc->segments[resolver->pieces[end - 1]].end <= (def->at | 1) + 1) {
        return ERR_OK; // whoever wants it gets it from the instruction that makes it
    }
    resolver->kept[vreg] = slot;
    if (slot != MACH_PLACE_NONE && slot != place) {
        u64 cost = 0;
        TRY(store_all(resolver, vreg, false, &cost));
        if (cost < definition_cost(resolver, vreg)) {
            resolver->kept[vreg] = MACH_PLACE_NONE;
            TRY(store_all(resolver, vreg, true, &cost));
        }
    }
    return changes ? load_all(resolver, vreg) : ERR_OK;
}

static enum err change_all(struct resolver *resolver)
{
    for (u32 v = 0; v < resolver->mach->vreg_count; v++) {
        resolver->kept[v] = MACH_PLACE_NONE;
        if (resolver->piece_first[v] != resolver->piece_first[v + 1]) {
            TRY(change_one(resolver, v));
        }
    }
    return ERR_OK;
}

// ---- parameters of blocks

static enum err pass_argument(struct resolver *resolver, const struct mach_edge *edge, u32 param,
                              u32 arg)
{
    const struct alloc *alloc = resolver->alloc;
    u32 frequency;
    struct alloc_move move = {
        .from = place_at(resolver, arg, alloc->start_of[edge->from + 1] - 1),
        .to = place_at(resolver, param, alloc->start_of[edge->to]),
        .vreg = arg,
    };
    u32 before = edge_moment(resolver, edge, &move.phase, &frequency);
    if (resolver->mach->vregs[arg].is_remat) {
        move.from = MACH_PLACE_NONE;
    }
    mach_place kept = resolver->kept[param];
    if (move.to == MACH_PLACE_NONE && kept == MACH_PLACE_NONE) {
        return ERR_OK;
    }
    if (move.to != MACH_PLACE_NONE) {
        TRY(alloc_moves_add(&resolver->moves, before, move));
    }
    if (kept != MACH_PLACE_NONE && kept != move.to && kept != resolver->kept[arg]) {
        move.to = kept;
        TRY(alloc_moves_add(&resolver->moves, before, move));
    }
    return ERR_OK;
}

static enum err pass_arguments(struct resolver *resolver)
{
    const struct mach *mach = resolver->mach;
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        for (u32 s = 0; s < block->succ_count; s++) {
            const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
            const struct mach_block *to = &mach->blocks[edge->to];
            for (u32 p = 0; p < to->param_count; p++) {
                TRY(pass_argument(resolver, edge, mach->lists[to->params + p],
                                  mach->lists[edge->args + p]));
                alloc_pace(resolver->alloc, 8);
            }
        }
    }
    return ERR_OK;
}

// ---- operands

// What the search gave to single instructions.
static void place_visitors(struct resolver *resolver)
{
    const struct alloc *alloc = resolver->alloc;
    struct mach *mach = resolver->mach;
    for (u32 o = 0; o < mach->operand_count; o++) {
        mach->operands[o].place = MACH_PLACE_NONE;
    }
    for (u32 b = 0; b < alloc->bundle_count; b++) {
        const struct alloc_bundle *bundle = &alloc->bundles[b];
        if (!bundle->is_visitor) {
            continue;
        }
        const struct alloc_segment *segment = &alloc->segments[bundle->first];
        if (bundle->operand != ALLOC_NONE) {
            mach->operands[bundle->operand].place = bundle->reg;
        }
        for (u32 u = segment->use_first; u < segment->use_end; u++) {
            mach->operands[alloc->uses[u].operand].place = bundle->reg;
        }
    }
}

// Visitors come into their register before the instruction.
static enum err fetch_visitors(struct resolver *resolver)
{
    const struct alloc *alloc = resolver->alloc;
    for (u32 b = 0; b < alloc->bundle_count; b++) {
        const struct alloc_bundle *bundle = &alloc->bundles[b];
        const struct alloc_segment *segment = &alloc->segments[bundle->first];
        alloc_pace(alloc, 2);
        if (!bundle->is_visitor || segment->use_first == segment->use_end ||
            alloc->uses[segment->use_first].kind > ALLOC_ANYWHERE) {
            continue;
        }
        struct alloc_move move = {
            .from = place_before(resolver, segment->vreg, segment->start),
            .to = bundle->reg,
            .vreg = segment->vreg,
            .phase = ALLOC_BETWEEN,
        };
        u32 before = segment->start / 2 - alloc_step_block(alloc, segment->start) - 1;
        TRY(alloc_moves_add(&resolver->moves, before, move));
    }
    return ERR_OK;
}

static bool is_def(const struct mach_operand *operand)
{
    return operand->role == MACH_DEF || operand->role == MACH_DEF_EARLY;
}

static void place_defs(struct resolver *resolver)
{
    struct mach *mach = resolver->mach;
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            const struct mach_ins *ins = &mach->ins[i];
            u32 position = alloc_position(resolver->alloc, b, i);
            alloc_pace(resolver->alloc, 1 + 2 * (u64)ins->operand_count);
            for (u32 o = 0; o < ins->operand_count; o++) {
                struct mach_operand *operand = &mach->operands[ins->operands + o];
                if (operand->role > MACH_USE_LATE && operand->constraint == MACH_FIXED) {
                    operand->place = operand->reg;
                } else if (is_def(operand) && operand->place == MACH_PLACE_NONE) {
                    operand->place = place_at(resolver, operand->vreg, position + 1);
                }
            }
        }
    }
}

// What is defined goes to its slot, and from a fixed register to its place.
static enum err store_def(struct resolver *resolver, const struct mach_operand *operand, u32 ins,
                          u32 position)
{
    struct alloc_move move = {
        .from = operand->place, .vreg = operand->vreg, .phase = ALLOC_BETWEEN};
    mach_place kept = resolver->kept[operand->vreg];
    if (operand->constraint == MACH_FIXED) {
        move.to = place_at(resolver, operand->vreg, position + 2);
        if (move.to != MACH_PLACE_NONE && move.to != kept) {
            TRY(alloc_moves_add(&resolver->moves, ins + 1, move));
        }
    }
    move.to = kept;
    return kept == MACH_PLACE_NONE ? ERR_OK : alloc_moves_add(&resolver->moves, ins + 1, move);
}

static enum err place_use(struct resolver *resolver, const struct mach_ins *ins, u32 index,
                          u32 before, u32 position)
{
    struct mach_operand *operands = &resolver->mach->operands[ins->operands];
    struct mach_operand *operand = &operands[index];
    u32 tied =
        operand->constraint == MACH_FIXED ? MACH_NONE : alloc_tied_to(resolver->mach, ins, index);
    if (operand->constraint != MACH_FIXED && tied == MACH_NONE) {
        if (operand->place == MACH_PLACE_NONE) {
            operand->place = place_at(resolver, operand->vreg, position);
        }
        return ERR_OK;
    }
    operand->place = tied == MACH_NONE ? operand->reg : operands[tied].place;
    if (tied != MACH_NONE && operands[tied].reg != index) {
        return ERR_OK; // another use of what is tied, which moves it
    }
    struct alloc_move move = {
        .from = place_before(resolver, operand->vreg, position),
        .to = operand->place,
        .vreg = operand->vreg,
        .phase = ALLOC_BETWEEN,
    };
    return alloc_moves_add(&resolver->moves, before, move);
}

static enum err place_uses(struct resolver *resolver)
{
    struct mach *mach = resolver->mach;
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            const struct mach_ins *ins = &mach->ins[i];
            const struct mach_operand *operands = &mach->operands[ins->operands];
            u32 position = alloc_position(resolver->alloc, b, i);
            alloc_pace(resolver->alloc, 1 + 4 * (u64)ins->operand_count);
            for (u32 o = 0; o < ins->operand_count; o++) {
                if (operands[o].role <= MACH_USE_LATE) {
                    TRY(place_use(resolver, ins, o, i, position));
                } else if (is_def(&operands[o])) {
                    TRY(store_def(resolver, &operands[o], i, position));
                }
            }
        }
    }
    return ERR_OK;
}

enum err alloc_resolve(struct alloc *alloc)
{
    struct mach *mach = alloc->mach;
    struct resolver resolver = {.alloc = alloc, .mach = mach};
    resolver.kept = ARENA_ROOM(alloc->scratch, mach_place, mach->vreg_count);
    if (resolver.kept == NULL) {
        return ERR_NO_MEMORY;
    }
    mach->slot_count = 0;
    TRY(give_slots(alloc, 16));
    TRY(give_slots(alloc, 8));
    TRY(list_pieces(&resolver));
    TRY(find_preds(&resolver));
    TRY(alloc_moves_init(&resolver.moves, alloc));
    place_visitors(&resolver);
    alloc_pace(alloc, mach->operand_count / 4 + alloc->bundle_count);
    place_defs(&resolver);
    TRY(change_all(&resolver));
    TRY(pass_arguments(&resolver));
    TRY(fetch_visitors(&resolver));
    TRY(place_uses(&resolver));
    TRY(alloc_moves_order(&resolver.moves));
    mach->preserved_used = alloc->used & mach->registers->preserved;
    return mach->slot_count > JIT_FRAME_BYTES / 8 ? ERR_LIMIT : ERR_OK;
}
