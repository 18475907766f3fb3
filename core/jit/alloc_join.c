// SPDX-License-Identifier: GPL-3.0-or-later
// Which virtual registers are to share a register from the start, so that no copy is needed: a
// block's parameter and its arguments, the result and the operand of a two-address instruction,
// both ends of a copy. Those in the blocks that run most are asked first. Two can share when they
// never live at once; what remains are kin, who prefer the same register.
//
// The parameter of a block with a thousand ways in is joined a thousand times, so neither time nor
// memory of a join may depend on how much is joined already. While joins are made, the segments of
// a bundle are a list in their order, and the larger of two is a search tree as well: a treap,
// whose priorities are a hash of the segments' numbers. The smaller's segments go into it one by
// one. Trees that hostile input makes deep are paid for by step (JIT_ALLOC_WORK). At the end each
// bundle's segments stand in a row again.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/jit/allocator.h"

enum {
    NEAR_SEGMENTS = 4,      // looked at one after the other before the tree is asked
    PRIORITY = 0x9e3779b1u, // odd, and far from any regular row of numbers
};

// Of a segment, all by number; ALLOC_NONE where there is none.
struct join_node {
    u32 left;
    u32 right;
    u32 next; // of the bundle, in order
};

struct joiner {
    struct alloc *alloc;
    struct join_node *nodes;
    u32 *roots; // of each bundle's tree; ALLOC_NONE: not made yet
    u32 steps;  // through trees and lists, not yet paid for
};

static u32 root_of(struct alloc *alloc, u32 bundle)
{
    struct alloc_bundle *bundles = alloc->bundles;
    while (bundles[bundle].next != bundle) {
        bundles[bundle].next = bundles[bundles[bundle].next].next;
        bundle = bundles[bundle].next;
    }
    return bundle;
}

// ---- a bundle's tree

static u32 priority(u32 segment)
{
    u32 mixed = segment * PRIORITY;
    return mixed ^ mixed >> 15;
}

// Puts a segment into the tree. Returns the one before it, or ALLOC_NONE.
static u32 tree_insert(struct joiner *j, u32 *root, u32 segment)
{
    const struct alloc_segment *segments = j->alloc->segments;
    u32 start = segments[segment].start;
    u32 before = ALLOC_NONE;
    u32 *link = root;
    for (; *link != ALLOC_NONE && priority(*link) >= priority(segment); j->steps++) {
        bool is_less = segments[*link].start < start;
        before = is_less ? *link : before;
        link = is_less ? &j->nodes[*link].right : &j->nodes[*link].left;
    }
    // What was here is parted into what is before the segment and what is behind it.
    u32 rest = *link;
    u32 *less = &j->nodes[segment].left;
    u32 *more = &j->nodes[segment].right;
    *link = segment;
    for (; rest != ALLOC_NONE; j->steps++) {
        if (segments[rest].start < start) {
            before = rest;
            *less = rest;
            less = &j->nodes[rest].right;
            rest = *less;
        } else {
            *more = rest;
            more = &j->nodes[rest].left;
            rest = *more;
        }
    }
    *less = ALLOC_NONE;
    *more = ALLOC_NONE;
    return before;
}

// What was done since then is taken from the work that the function may make.
static void pay(struct joiner *j)
{
    j->alloc->work -= j->steps < j->alloc->work ? j->steps : j->alloc->work;
    alloc_pace(j->alloc, j->steps);
    j->steps = 0;
}

static u32 *tree_of(struct joiner *j, u32 bundle)
{
    u32 *root = &j->roots[bundle];
    if (*root == ALLOC_NONE) {
        for (u32 s = j->alloc->bundles[bundle].first; s != ALLOC_NONE; s = j->nodes[s].next) {
            (void)tree_insert(j, root, s);
            pay(j);
        }
    }
    return root;
}

// The first segment of the bundle that ends behind the position, or ALLOC_NONE; none before `near`
// does.
static u32 segment_behind(struct joiner *j, u32 bundle, u32 near, u32 position)
{
    const struct alloc_segment *segments = j->alloc->segments;
    for (u32 i = 0; i < NEAR_SEGMENTS; i++) {
        if (near == ALLOC_NONE || segments[near].end > position) {
            return near;
        }
        near = j->nodes[near].next;
        j->steps++;
    }
    u32 found = ALLOC_NONE;
    for (u32 at = *tree_of(j, bundle); at != ALLOC_NONE; j->steps++) {
        bool is_behind = segments[at].end > position;
        found = is_behind ? at : found;
        at = is_behind ? j->nodes[at].left : j->nodes[at].right;
    }
    return found;
}

// True also when there is no work left to find out.
static bool overlap(struct joiner *j, u32 few, u32 many)
{
    const struct alloc_segment *segments = j->alloc->segments;
    u32 other = j->alloc->bundles[many].first;
    for (u32 s = j->alloc->bundles[few].first; s != ALLOC_NONE; s = j->nodes[s].next) {
        j->steps++;
        other = segment_behind(j, many, other, segments[s].start);
        pay(j);
        if (j->alloc->work == 0 ||
            (other != ALLOC_NONE && segments[other].start < segments[s].end)) {
            return true;
        }
    }
    return false;
}

// Makes one bundle, `into`, of two.
static void join(struct joiner *j, u32 from_index, u32 into_index)
{
    struct alloc *alloc = j->alloc;
    struct alloc_bundle *from = &alloc->bundles[from_index];
    struct alloc_bundle *into = &alloc->bundles[into_index];
    u32 *root = tree_of(j, into_index);
    for (u32 s = from->first; s != ALLOC_NONE;) {
        u32 next = j->nodes[s].next;
        u32 before = tree_insert(j, root, s);
        u32 *link = before == ALLOC_NONE ? &into->first : &j->nodes[before].next;
        j->nodes[s].next = *link;
        *link = s;
        s = next;
        pay(j);
    }
    into->count += from->count;
    into->fixed |= from->fixed;
    struct alloc_set *set = &alloc->sets[into->set];
    const struct alloc_set *other = &alloc->sets[from->set];
    set->start = other->start < set->start ? other->start : set->start;
    set->end = other->end > set->end ? other->end : set->end;
    set->bytes = other->bytes > set->bytes ? other->bytes : set->bytes;
    set->kin = set->kin == ALLOC_NONE ? other->kin : set->kin;
    from->next = into_index;
    from->count = 0;
}

// ---- who is asked

static void try_join(struct joiner *j, u32 vreg_a, u32 vreg_b)
{
    struct alloc *alloc = j->alloc;
    u32 a = alloc->bundle_of[vreg_a];
    u32 b = alloc->bundle_of[vreg_b];
    if (a == ALLOC_NONE || b == ALLOC_NONE || alloc->mach->vregs[vreg_a].is_remat ||
        alloc->mach->vregs[vreg_b].is_remat) {
        return;
    }
    a = root_of(alloc, a);
    b = root_of(alloc, b);
    if (a == b || alloc->bundles[a].class != alloc->bundles[b].class) {
        return;
    }
    if (alloc->bundles[a].count > alloc->bundles[b].count) {
        u32 swapped = a;
        a = b;
        b = swapped;
    }
    const struct alloc_bundle *few = &alloc->bundles[a];
    const struct alloc_bundle *many = &alloc->bundles[b];
    u32 allowed = (u32)alloc->mach->registers->allocatable[few->class];
    bool fits = (allowed & ~(few->fixed | many->fixed)) != 0;
    if (fits && !overlap(j, a, b)) {
        join(j, a, b);
    } else {
        alloc->sets[few->set].kin = b;
        alloc->sets[many->set].kin = a;
    }
}

static void join_ins(struct joiner *j, const struct mach_ins *ins)
{
    const struct mach_operand *operands = &j->alloc->mach->operands[ins->operands];
    if ((ins->flags & MACH_IS_MOVE) != 0) {
        try_join(j, operands[0].vreg, operands[1].vreg);
        return;
    }
    for (u32 o = 0; o < ins->operand_count && ins->operand_count <= MACH_SAME_OPERANDS; o++) {
        if (operands[o].constraint == MACH_SAME) {
            try_join(j, operands[o].vreg, operands[operands[o].reg].vreg);
        }
    }
}

static void join_block(struct joiner *j, const struct mach_block *block)
{
    const struct mach *mach = j->alloc->mach;
    for (u32 s = 0; s < block->succ_count; s++) {
        const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
        const struct mach_block *to = &mach->blocks[edge->to];
        for (u32 p = 0; p < to->param_count; p++) {
            try_join(j, mach->lists[to->params + p], mach->lists[edge->args + p]);
            alloc_pace(j->alloc, 4);
        }
    }
    for (u32 i = block->first; i < block->end; i++) {
        join_ins(j, &mach->ins[i]);
        alloc_pace(j->alloc, 4);
    }
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

static enum err joiner_init(struct joiner *j, struct alloc *alloc)
{
    *j = (struct joiner){
        .alloc = alloc,
        .nodes = ARENA_ROOM(alloc->scratch, struct join_node, alloc->segment_count),
        .roots = ARENA_ROOM(alloc->scratch, u32, alloc->bundle_count),
    };
    if (j->nodes == NULL || j->roots == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 b = 0; b < alloc->bundle_count; b++) {
        const struct alloc_bundle *bundle = &alloc->bundles[b];
        u32 end = bundle->first + bundle->count;
        for (u32 s = bundle->first; s < end; s++) {
            j->nodes[s].next = s + 1 < end ? s + 1 : ALLOC_NONE;
        }
        j->roots[b] = ALLOC_NONE;
        alloc_pace(alloc, bundle->count);
    }
    return ERR_OK;
}

// Blocks by how often they run, in classes a quarter apart; each a list through `order`.
static enum err join_by_frequency(struct joiner *j)
{
    enum { CLASS_BITS = 2, CLASSES = 32 << CLASS_BITS };
    const struct alloc *alloc = j->alloc;
    const struct mach *mach = alloc->mach;
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
            join_block(j, &mach->blocks[b]);
        }
    }
    return ERR_OK;
}

// Each bundle's list becomes a row of segments, as the header says it is.
static enum err make_rows(struct joiner *j)
{
    struct alloc *alloc = j->alloc;
    u32 capacity = alloc->segment_count + alloc->segment_count / 2 + 16;
    struct alloc_segment *rows = ARENA_ROOM(alloc->scratch, struct alloc_segment, capacity);
    if (rows == NULL) {
        return ERR_NO_MEMORY;
    }
    u32 count = 0;
    for (u32 b = 0; b < alloc->bundle_count; b++) {
        struct alloc_bundle *bundle = &alloc->bundles[b];
        if (bundle->count == 0) {
            continue;
        }
        u32 first = count;
        for (u32 s = bundle->first; s != ALLOC_NONE; s = j->nodes[s].next) {
            rows[count++] = alloc->segments[s];
            alloc_pace(alloc, 1);
        }
        ASSERT(count - first == bundle->count);
        bundle->first = first;
    }
    ASSERT(count == alloc->segment_count);
    alloc->segments = rows;
    alloc->segment_capacity = capacity;
    return ERR_OK;
}

enum err alloc_join(struct alloc *alloc)
{
    struct joiner j;
    TRY(make_bundles(alloc));
    TRY(joiner_init(&j, alloc));
    TRY(join_by_frequency(&j));
    TRY(make_rows(&j));
    for (u32 s = 0; s < alloc->set_count; s++) {
        u32 kin = alloc->sets[s].kin;
        alloc->sets[s].kin = kin == ALLOC_NONE ? kin : root_of(alloc, kin);
    }
    return ERR_OK;
}
