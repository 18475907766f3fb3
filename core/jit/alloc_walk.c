// SPDX-License-Identifier: GPL-3.0-or-later
// Hands out registers. The longest bundles come first, so that what lives through whole loops is
// packed before the small; a bundle that finds nothing free turns out those that lose less by it,
// position for position. Who is where is known in two ways: as a mask of busy registers for each
// position, with an OR of each chunk, which answers "which registers are free here?" for all at
// once; and as a list of owners for each register and chunk, which answers "who is it?".
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

enum {
    // Of a preserved register that nobody uses yet, as alloc_use_cost has it.
    SAVE_COST = 2 * 4 * ALLOC_FREQUENCY_ONCE,
    OWNERS_SEEN = 256, // entries looked at for one register before it is given up
    USES_SEEN = 64,    // for hints
};

u32 alloc_masks(const u32 *masks, const u32 *any, u32 start, u32 end, u32 wanted)
{
    u32 seen = 0;
    u32 chunk = (start + ALLOC_CHUNK - 1) >> ALLOC_CHUNK_BITS;
    u32 chunk_end = end >> ALLOC_CHUNK_BITS;
    if (chunk >= chunk_end) {
        for (u32 p = start; p < end; p++) {
            seen |= masks[p];
        }
        return seen;
    }
    for (u32 c = chunk; c < chunk_end; c++) {
        seen |= any[c];
        if ((seen & wanted) == wanted) {
            return seen;
        }
    }
    for (u32 p = start; p < chunk << ALLOC_CHUNK_BITS; p++) {
        seen |= masks[p];
    }
    for (u32 p = chunk_end << ALLOC_CHUNK_BITS; p < end; p++) {
        seen |= masks[p];
    }
    return seen;
}

u64 alloc_use_cost(const struct alloc *alloc, const struct alloc_use *use, u32 vreg)
{
    static const u8 costs[] = {
        [ALLOC_REGISTER] = 4,  [ALLOC_ANYWHERE] = 3,     [ALLOC_COPIED] = 2,
        [ALLOC_EDGE] = 1,      [ALLOC_DEF] = 4,          [ALLOC_DEF_FIXED] = 3,
        [ALLOC_DEF_PARAM] = 2, [ALLOC_DEF_ANYWHERE] = 3,
    };
    u64 frequency = alloc->frequency[alloc_step_block(alloc, use->at)];
    if (alloc->mach->vregs[vreg].is_remat) {
        return use->kind == ALLOC_DEF ? 0 : frequency;
    }
    return costs[use->kind] * frequency;
}

void alloc_weigh(const struct alloc *alloc, struct alloc_bundle *bundle, u32 fixed_most)
{
    bundle->length = 0;
    bundle->weight = 0;
    bundle->fixed = 0;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        bundle->length += segment->end - segment->start;
        if (bundle->fixed != fixed_most) {
            bundle->fixed |= fixed_most & alloc_masks(alloc->fixed, alloc->fixed_any,
                                                      segment->start, segment->end, fixed_most);
        }
        for (u32 u = segment->use_first; u < segment->use_end; u++) {
            bundle->weight += alloc_use_cost(alloc, &alloc->uses[u], segment->vreg);
        }
        alloc_pace(alloc, 2 + segment->use_end - segment->use_first);
    }
    bundle->density = bundle->weight * 64 / (bundle->length + 8);
    if (bundle->is_visitor) {
        bundle->density = UINT64_MAX / 2 + bundle->length;
    }
}

// ---- the queue

static u32 queue_of(u32 length)
{
    if (length < 4) {
        return length;
    }
    u32 log2 = 31 - (u32)__builtin_clz(length);
    return log2 * 4 + (length >> (log2 - 2) & 3);
}

void alloc_queue(struct alloc *alloc, u32 index)
{
    struct alloc_bundle *bundle = &alloc->bundles[index];
    u32 queue = queue_of(bundle->length);
    bundle->reg = ALLOC_WAITING;
    bundle->next = ALLOC_NONE;
    if (alloc->queue_first[queue] == ALLOC_NONE) {
        alloc->queue_first[queue] = index;
    } else {
        alloc->bundles[alloc->queue_last[queue]].next = index;
    }
    alloc->queue_last[queue] = index;
    alloc->queue_top = queue > alloc->queue_top ? queue : alloc->queue_top;
}

static u32 queue_take(struct alloc *alloc)
{
    while (alloc->queue_first[alloc->queue_top] == ALLOC_NONE) {
        if (alloc->queue_top == 0) {
            return ALLOC_NONE;
        }
        alloc->queue_top--;
    }
    u32 index = alloc->queue_first[alloc->queue_top];
    alloc->queue_first[alloc->queue_top] = alloc->bundles[index].next;
    return index;
}

// ---- owners

// Sets or clears the register at [start, end): for whole chunks at once, else for each position.
static void mark(struct alloc *alloc, u32 start, u32 end, u32 set, u32 keep)
{
    while (start < end) {
        u32 chunk = start >> ALLOC_CHUNK_BITS;
        u32 past = (chunk + 1) << ALLOC_CHUNK_BITS;
        if (start == chunk << ALLOC_CHUNK_BITS && past <= end) {
            alloc->busy_whole[chunk] = (alloc->busy_whole[chunk] & keep) | set;
        } else {
            for (u32 p = start; p < past && p < end; p++) {
                alloc->busy[p] = (alloc->busy[p] & keep) | set;
            }
        }
        start = past;
    }
}

static enum err take(struct alloc *alloc, u32 index, u32 reg)
{
    struct alloc_bundle *bundle = &alloc->bundles[index];
    u32 mask = 1u << reg;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        u32 chunk = segment->start >> ALLOC_CHUNK_BITS;
        u32 last = (segment->end - 1) >> ALLOC_CHUNK_BITS;
        mark(alloc, segment->start, segment->end, mask, UINT32_MAX);
        TRY(alloc_reserve_owners(alloc, last - chunk + 1));
        for (; chunk <= last; chunk++) {
            u32 owner = alloc->owner_free;
            if (owner != ALLOC_NONE) {
                alloc->owner_free = alloc->owners[owner].next;
            } else {
                owner = alloc->owner_count++;
            }
            u32 *first = &alloc->owner_first[chunk * MACH_REGISTERS + reg];
            alloc->owners[owner] =
                (struct alloc_owner){segment->start, segment->end, index, *first};
            *first = owner;
            alloc->busy_any[chunk] |= mask;
            alloc_pace(alloc, 2);
        }
    }
    bundle->reg = (u8)reg;
    alloc->sets[bundle->set].hint = bundle->is_visitor ? alloc->sets[bundle->set].hint : (u8)reg;
    alloc->used |= mask;
    return ERR_OK;
}

static void leave(struct alloc *alloc, u32 index)
{
    struct alloc_bundle *bundle = &alloc->bundles[index];
    u32 mask = 1u << bundle->reg;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        u32 chunk = segment->start >> ALLOC_CHUNK_BITS;
        u32 last = (segment->end - 1) >> ALLOC_CHUNK_BITS;
        mark(alloc, segment->start, segment->end, 0, ~mask);
        for (; chunk <= last; chunk++) {
            u32 *link = &alloc->owner_first[chunk * MACH_REGISTERS + bundle->reg];
            u32 *first = link;
            while (alloc->owners[*link].bundle != index) {
                link = &alloc->owners[*link].next;
            }
            u32 owner = *link;
            *link = alloc->owners[owner].next;
            alloc->owners[owner].next = alloc->owner_free;
            alloc->owner_free = owner;
            if (*first == ALLOC_NONE) {
                alloc->busy_any[chunk] &= ~mask;
            }
            alloc_pace(alloc, 4);
        }
    }
    bundle->reg = ALLOC_WAITING;
}

// ---- choosing among what is free

// The fixed register that would save the most copies; a bit, or 0.
static u32 hinted(const struct alloc *alloc, const struct alloc_bundle *bundle, u32 free)
{
    u32 best = 0;
    u64 best_cost = 0;
    u32 seen = 0;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        for (u32 u = segment->use_first; u < segment->use_end; u++) {
            const struct alloc_use *use = &alloc->uses[u];
            if (++seen > USES_SEEN) {
                return best;
            }
            if (use->hint == 0xff || (free >> use->hint & 1) == 0) {
                continue;
            }
            u64 cost = alloc_use_cost(alloc, use, segment->vreg);
            if (cost > best_cost) {
                best_cost = cost;
                best = 1u << use->hint;
            }
        }
    }
    return best;
}

static u32 hint_of_set(const struct alloc_set *set, u32 free)
{
    return set->hint == 0xff ? 0 : free & 1u << set->hint;
}

// One of `free`, or ALLOC_NONE where all that is free would have to be saved first and that costs
// more than memory.
static u32 choose(const struct alloc *alloc, const struct alloc_bundle *bundle, u32 free)
{
    u32 preserved = (u32)alloc->mach->registers->preserved & ~alloc->used;
    if (!bundle->is_visitor && bundle->weight <= SAVE_COST && (free & ~preserved) == 0) {
        return ALLOC_NONE;
    }
    u32 reg = 0;
    if ((free & (free - 1)) != 0) {
        u32 wanted = (free & ~preserved) != 0 ? free & ~preserved : free;
        const struct alloc_set *set = &alloc->sets[bundle->set];
        reg = hinted(alloc, bundle, wanted);
        reg = reg != 0 ? reg : hint_of_set(set, wanted);
        if (reg == 0 && set->kin != ALLOC_NONE) {
            reg = hint_of_set(&alloc->sets[set->kin], wanted);
        }
        if (reg == 0) {
            u32 cheap = wanted & ~(u32)alloc->mach->registers->preserved;
            free = cheap != 0 ? cheap : wanted;
        }
    }
    return (u32)__builtin_ctz(reg != 0 ? reg : free);
}

// ---- turning others out

// The highest density among those who have the register where the bundle wants it.
static u64 highest_density(struct alloc *alloc, const struct alloc_bundle *bundle, u32 reg)
{
    u64 highest = 0;
    u32 seen = 0;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        u32 last = (segment->end - 1) >> ALLOC_CHUNK_BITS;
        for (u32 chunk = segment->start >> ALLOC_CHUNK_BITS; chunk <= last; chunk++) {
            u32 owner = alloc->owner_first[chunk * MACH_REGISTERS + reg];
            if (++seen > OWNERS_SEEN && !bundle->is_visitor) {
                return UINT64_MAX;
            }
            for (; owner != ALLOC_NONE; owner = alloc->owners[owner].next, seen++) {
                const struct alloc_owner *entry = &alloc->owners[owner];
                if (entry->start >= segment->end || entry->end <= segment->start) {
                    continue;
                }
                const struct alloc_bundle *other = &alloc->bundles[entry->bundle];
                bool stays = other->evictions >= JIT_ALLOC_EVICTIONS && !bundle->is_visitor;
                u64 density = stays ? UINT64_MAX : other->density;
                highest = density > highest ? density : highest;
            }
            alloc_pace(alloc, 2);
            if (highest >= bundle->density) {
                return UINT64_MAX;
            }
        }
    }
    alloc->work -= seen < alloc->work ? seen : alloc->work;
    return highest;
}

static void turn_out(struct alloc *alloc, const struct alloc_bundle *bundle, u32 reg)
{
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        u32 last = (segment->end - 1) >> ALLOC_CHUNK_BITS;
        for (u32 chunk = segment->start >> ALLOC_CHUNK_BITS; chunk <= last; chunk++) {
            u32 owner = alloc->owner_first[chunk * MACH_REGISTERS + reg];
            while (owner != ALLOC_NONE) {
                const struct alloc_owner *entry = &alloc->owners[owner];
                if (entry->start >= segment->end || entry->end <= segment->start) {
                    owner = entry->next;
                    continue;
                }
                u32 other = entry->bundle;
                leave(alloc, other);
                alloc->bundles[other].evictions++;
                alloc_queue(alloc, other);
                owner = alloc->owner_first[chunk * MACH_REGISTERS + reg];
            }
        }
    }
}

// A register whose owners all lose less than the bundle would; ALLOC_NONE when there is none.
static u32 cheapest(struct alloc *alloc, const struct alloc_bundle *bundle, u32 allowed)
{
    u64 least = bundle->density;
    u32 best = ALLOC_NONE;
    for (u32 left = allowed; left != 0; left &= left - 1) {
        if (alloc->work == 0 && !bundle->is_visitor) {
            break;
        }
        u32 reg = (u32)__builtin_ctz(left);
        u64 density = highest_density(alloc, bundle, reg);
        if (density < least) {
            least = density;
            best = reg;
        }
    }
    return best;
}

static enum err give_place(struct alloc *alloc, u32 index)
{
    struct alloc_bundle *bundle = &alloc->bundles[index];
    u32 allowed = (u32)alloc->mach->registers->allocatable[bundle->class] & ~bundle->fixed;
    u32 busy = 0;
    for (u32 s = 0; s < bundle->count && (allowed & ~busy) != 0; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        busy |= alloc->busy_whole[segment->start >> ALLOC_CHUNK_BITS] |
                alloc->busy_whole[(segment->end - 1) >> ALLOC_CHUNK_BITS] |
                alloc_masks(alloc->busy, alloc->busy_any, segment->start, segment->end, allowed);
        alloc_pace(alloc, 4);
    }
    u32 reg = ALLOC_NONE;
    if ((allowed & ~busy) != 0) {
        reg = choose(alloc, bundle, allowed & ~busy);
    }
    if (reg == ALLOC_NONE && (allowed & busy) != 0) {
        reg = cheapest(alloc, bundle, allowed & busy);
        if (reg != ALLOC_NONE) {
            turn_out(alloc, bundle, reg);
        }
    }
    return reg == ALLOC_NONE ? alloc_split(alloc, index) : take(alloc, index, reg);
}

enum err alloc_visit(struct alloc *alloc, u32 vreg, u32 set, u32 operand,
                     struct alloc_segment segment)
{
    TRY(alloc_reserve_segments(alloc, 1));
    TRY(alloc_reserve_bundles(alloc, 1));
    u32 index = alloc->bundle_count++;
    struct alloc_bundle *bundle = &alloc->bundles[index];
    *bundle = (struct alloc_bundle){
        .first = alloc->segment_count,
        .count = 1,
        .set = set,
        .operand = operand,
        .class = alloc->mach->vregs[vreg].class,
        .is_visitor = true,
    };
    alloc->segments[alloc->segment_count++] = segment;
    alloc_weigh(alloc, bundle, (u32)alloc->mach->registers->allocatable[bundle->class]);
    alloc_queue(alloc, index);
    return ERR_OK;
}

// Registers for what instructions need for themselves alone.
static enum err add_temporaries(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            const struct mach_ins *ins = &mach->ins[i];
            alloc_pace(alloc, 1);
            for (u32 o = 0; o < ins->operand_count; o++) {
                const struct mach_operand *operand = &mach->operands[ins->operands + o];
                if (operand->role != MACH_TEMP || operand->constraint == MACH_FIXED) {
                    continue;
                }
                u32 position = alloc_position(alloc, b, i);
                TRY(alloc_visit(
                    alloc, operand->vreg, alloc->set_count, ins->operands + o,
                    (struct alloc_segment){position, position + 2, operand->vreg, 0, 0}));
            }
        }
    }
    return ERR_OK;
}

enum err alloc_walk(struct alloc *alloc)
{
    size_t lists = (size_t)alloc->chunks * MACH_REGISTERS;
    alloc->busy = ARENA_ARRAY(alloc->scratch, u32, 2 * (size_t)alloc->steps);
    alloc->busy_any = ARENA_ARRAY(alloc->scratch, u32, alloc->chunks);
    alloc->busy_whole = ARENA_ARRAY(alloc->scratch, u32, alloc->chunks);
    alloc->owner_first = ARENA_ROOM(alloc->scratch, u32, lists);
    if (alloc->busy == NULL || alloc->busy_any == NULL || alloc->busy_whole == NULL ||
        alloc->owner_first == NULL) {
        return ERR_NO_MEMORY;
    }
    for (size_t i = 0; i < lists; i++) {
        alloc->owner_first[i] = ALLOC_NONE;
    }
    for (u32 q = 0; q < ALLOC_QUEUES; q++) {
        alloc->queue_first[q] = ALLOC_NONE;
    }
    alloc->owner_free = ALLOC_NONE;
    TRY(alloc_reserve_owners(alloc, alloc->bundle_count + 16));
    u32 count = alloc->bundle_count;
    for (u32 b = 0; b < count; b++) {
        if (alloc->bundles[b].count != 0) {
            alloc_weigh(alloc, &alloc->bundles[b], alloc->bundles[b].fixed);
            alloc_queue(alloc, b);
        }
    }
    TRY(add_temporaries(alloc));
    for (u32 b = queue_take(alloc); b != ALLOC_NONE; b = queue_take(alloc)) {
        TRY(give_place(alloc, b));
        alloc_pace(alloc, 8);
    }
    return ERR_OK;
}
