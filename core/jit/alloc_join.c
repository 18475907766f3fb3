// SPDX-License-Identifier: GPL-3.0-or-later
// Which virtual registers are to share a register from the start, so that no copy is needed: a
// block's parameter and its arguments, the result and the operand of a two-address instruction,
// both ends of a copy. Those in the blocks that run most are asked first. Two can share when they
// never live at once; what remains are kin, who prefer the same register.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/allocator.h"

enum { FEW_SEGMENTS = 8 };

static u32 root_of(struct alloc *alloc, u32 bundle)
{
    struct alloc_bundle *bundles = alloc->bundles;
    while (bundles[bundle].next != bundle) {
        bundles[bundle].next = bundles[bundles[bundle].next].next;
        bundle = bundles[bundle].next;
    }
    return bundle;
}

// The first segment of the bundle that ends behind the position, or `count`.
static u32 segment_behind(const struct alloc_segment *segments, u32 count, u32 position)
{
    u32 low = 0;
    while (low < count) {
        u32 middle = low + (count - low) / 2;
        if (segments[middle].end > position) {
            count = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static bool overlap(const struct alloc *alloc, const struct alloc_bundle *few,
                    const struct alloc_bundle *many)
{
    const struct alloc_segment *a = &alloc->segments[few->first];
    const struct alloc_segment *b = &alloc->segments[many->first];
    u32 j = 0;
    for (u32 i = 0; i < few->count; i++) {
        alloc_pace(alloc, 2);
        if (few->count <= FEW_SEGMENTS) {
            j = segment_behind(b, many->count, a[i].start);
        }
        while (j < many->count && b[j].end <= a[i].start) {
            j++;
        }
        if (j < many->count && b[j].start < a[i].end) {
            return true;
        }
    }
    return false;
}

// Makes one bundle, `into`, of two; its segments are merged at the end of all segments.
static enum err join(struct alloc *alloc, u32 from_index, u32 into_index)
{
    struct alloc_bundle *from = &alloc->bundles[from_index];
    struct alloc_bundle *into = &alloc->bundles[into_index];
    u32 count = from->count + into->count;
    TRY(alloc_reserve_segments(alloc, count));
    const struct alloc_segment *a = &alloc->segments[from->first];
    const struct alloc_segment *b = &alloc->segments[into->first];
    u32 first = alloc->segment_count;
    struct alloc_segment *to = &alloc->segments[first];
    for (u32 i = 0, j = 0; i + j < count;) {
        if (j == into->count || (i < from->count && a[i].start < b[j].start)) {
            *to++ = a[i++];
        } else {
            *to++ = b[j++];
        }
    }
    alloc->segment_count += count;
    alloc_pace(alloc, count);
    into->first = first;
    into->count = count;
    into->fixed |= from->fixed;
    struct alloc_set *set = &alloc->sets[into->set];
    const struct alloc_set *other = &alloc->sets[from->set];
    set->start = other->start < set->start ? other->start : set->start;
    set->end = other->end > set->end ? other->end : set->end;
    set->bytes = other->bytes > set->bytes ? other->bytes : set->bytes;
    set->kin = set->kin == ALLOC_NONE ? other->kin : set->kin;
    from->next = into_index;
    from->count = 0;
    return ERR_OK;
}

static enum err try_join(struct alloc *alloc, u32 vreg_a, u32 vreg_b)
{
    u32 a = alloc->bundle_of[vreg_a];
    u32 b = alloc->bundle_of[vreg_b];
    if (a == ALLOC_NONE || b == ALLOC_NONE || alloc->mach->vregs[vreg_a].is_remat ||
        alloc->mach->vregs[vreg_b].is_remat) {
        return ERR_OK;
    }
    a = root_of(alloc, a);
    b = root_of(alloc, b);
    if (a == b || alloc->bundles[a].class != alloc->bundles[b].class) {
        return ERR_OK;
    }
    if (alloc->bundles[a].count > alloc->bundles[b].count) {
        u32 swapped = a;
        a = b;
        b = swapped;
    }
    const struct alloc_bundle *few = &alloc->bundles[a];
    const struct alloc_bundle *many = &alloc->bundles[b];
    u64 cost = (u64)few->count + many->count;
    u32 allowed = (u32)alloc->mach->registers->allocatable[few->class];
    bool fits = (allowed & ~(few->fixed | many->fixed)) != 0;
    if (!fits || alloc->work < cost || overlap(alloc, few, many)) {
        alloc->sets[few->set].kin = b;
        alloc->sets[many->set].kin = a;
        return ERR_OK;
    }
    alloc->work -= cost;
    return join(alloc, a, b);
}

static enum err join_ins(struct alloc *alloc, const struct mach_ins *ins)
{
    const struct mach_operand *operands = &alloc->mach->operands[ins->operands];
    if ((ins->flags & MACH_IS_MOVE) != 0) {
        return try_join(alloc, operands[0].vreg, operands[1].vreg);
    }
    for (u32 o = 0; o < ins->operand_count && ins->operand_count <= MACH_SAME_OPERANDS; o++) {
        if (operands[o].constraint == MACH_SAME) {
            TRY(try_join(alloc, operands[o].vreg, operands[operands[o].reg].vreg));
        }
    }
    return ERR_OK;
}

static enum err join_block(struct alloc *alloc, const struct mach_block *block)
{
    const struct mach *mach = alloc->mach;
    for (u32 s = 0; s < block->succ_count; s++) {
        const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
        const struct mach_block *to = &mach->blocks[edge->to];
        for (u32 p = 0; p < to->param_count; p++) {
            TRY(try_join(alloc, mach->lists[to->params + p], mach->lists[edge->args + p]));
            alloc_pace(alloc, 4);
        }
    }
    for (u32 i = block->first; i < block->end; i++) {
        TRY(join_ins(alloc, &mach->ins[i]));
        alloc_pace(alloc, 4);
    }
    return ERR_OK;
}

// One bundle and one set for each virtual register that lives.
static enum err make_bundles(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    alloc->bundle_of = ARENA_ROOM(alloc->scratch, u32, mach->vreg_count);
    alloc->sets = ARENA_ROOM(alloc->scratch, struct alloc_set, mach->vreg_count + 1);
    if (alloc->bundle_of == NULL || alloc->sets == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(alloc_reserve_bundles(alloc, mach->vreg_count + mach->vreg_count / 4 + 16));
    for (u32 v = 0; v < mach->vreg_count; v++) {
        alloc->bundle_of[v] = ALLOC_NONE;
    }
    for (u32 s = 0; s < alloc->segment_count;) {
        u32 first = s;
        u32 vreg = alloc->segments[s].vreg;
        u8 class = mach->vregs[vreg].class;
        u32 allowed = (u32)mach->registers->allocatable[class];
        u32 fixed = 0;
        for (; s < alloc->segment_count && alloc->segments[s].vreg == vreg; s++) {
            if (fixed != allowed) {
                fixed |=
                    allowed & alloc_masks(alloc->fixed, alloc->fixed_any, alloc->segments[s].start,
                                          alloc->segments[s].end, allowed);
            }
        }
        alloc_pace(alloc, 4 + 2 * (u64)(s - first));
        u32 index = alloc->bundle_count++;
        alloc->bundle_of[vreg] = index;
        alloc->bundles[index] = (struct alloc_bundle){
            .first = first,
            .count = s - first,
            .set = index,
            .next = index,
            .fixed = fixed,
            .operand = ALLOC_NONE,
            .class = class,
            .reg = ALLOC_WAITING,
        };
        alloc->sets[index] = (struct alloc_set){
            .start = alloc->segments[first].start,
            .end = alloc->segments[s - 1].end,
            .slot = ALLOC_NONE,
            .kin = ALLOC_NONE,
            .bytes = mach->vregs[vreg].bytes,
            .hint = 0xff,
        };
    }
    alloc->set_count = alloc->bundle_count;
    alloc->sets[alloc->set_count] = (struct alloc_set){.kin = ALLOC_NONE, .hint = 0xff};
    return ERR_OK;
}

enum err alloc_join(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    TRY(make_bundles(alloc));
    // Blocks by how often they run, in classes a quarter apart; each a list through `order`.
    enum { CLASS_BITS = 2, CLASSES = 32 << CLASS_BITS };
    u32 first[CLASSES];
    for (u32 c = 0; c < CLASSES; c++) {
        first[c] = ALLOC_NONE;
    }
    u32 *order = ARENA_ROOM(alloc->scratch, u32, mach->block_count);
    if (order == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = mach->block_count; b-- > 0;) {
        u32 frequency = alloc->frequency[b];
        u32 log2 = 31 - (u32)__builtin_clz(frequency);
        u32 part = (u32)((((u64)frequency << CLASS_BITS) >> log2) - (1u << CLASS_BITS));
        u32 class = log2 << CLASS_BITS | part;
        order[b] = first[class];
        first[class] = b;
    }
    for (u32 c = CLASSES; c-- > 0;) {
        for (u32 b = first[c]; b != ALLOC_NONE; b = order[b]) {
            TRY(join_block(alloc, &mach->blocks[b]));
        }
    }
    for (u32 s = 0; s < alloc->set_count; s++) {
        u32 kin = alloc->sets[s].kin;
        alloc->sets[s].kin = kin == ALLOC_NONE ? kin : root_of(alloc, kin);
    }
    return ERR_OK;
}
