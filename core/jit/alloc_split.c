// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of a bundle that gets no register. It is cut at the edges of the loops it touches,
// so that what happens in a loop is decided for the loop; then between blocks that run often
// and blocks that do not; then behind the last use before the first place where no register goes
// further, or before the next use behind it. What is left goes to memory, and its uses that want a
// register get visitors.
#include "core/base/assert.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

enum {
    ROW_UNUSED = -1,
    KIND_OUTSIDE = -1, // a way out of a loop, among the loop's blocks
    ROWS_APART = 32,   // loops that a bundle is cut at whether or not they use it
    BUNDLE_WORK = 64,  // steps of the search that a new bundle counts as
    RARE_BLOCKS = 512, // longer bundles are not looked at so closely
    RARE = 4,          // so many times less often than where it runs most
    CLUSTER_GAP = 16,  // positions between uses that a register is kept for
};

// A walk over a bundle that cuts its segments where the blocks' kind changes.
struct cutter {
    struct alloc *alloc;
    u32 segment; // in alloc->segments: [segment, end)
    u32 end;
    u32 base;     // the innermost loop that holds everything, or ALLOC_NONE
    bool by_rare; // the kind is whether a block runs less than `rare`, else the loop within `base`
    u32 rare;
    u32 position; // within the segment; 0: at its start
    u32 use;
};

static u32 kind_of(const struct cutter *cutter, u32 block)
{
    const struct alloc *alloc = cutter->alloc;
    if (cutter->by_rare) {
        return alloc->frequency[block] < cutter->rare;
    }
    u32 header = alloc->loop[block];
    if (header == cutter->base) {
        return 0;
    }
    while (header != ALLOC_NONE && alloc->outer[header] != cutter->base) {
        header = alloc->outer[header];
    }
    return header == ALLOC_NONE ? (u32)KIND_OUTSIDE : header + 1;
}

// The next piece and its kind: 0, or what tells it from its neighbours. False at the end.
static bool cut_next(struct cutter *cutter, struct alloc_segment *piece, u32 *kind)
{
    const struct alloc *alloc = cutter->alloc;
    if (cutter->segment == cutter->end) {
        return false;
    }
    *piece = alloc->segments[cutter->segment];
    if (cutter->position != 0) {
        piece->start = cutter->position;
        piece->use_first = cutter->use;
    }
    u32 block = alloc_step_block(alloc, piece->start);
    *kind = kind_of(cutter, block);
    do {
        if (cutter->by_rare) {
            block++;
        } else if (*kind != 0 && *kind != (u32)KIND_OUTSIDE && alloc->is_whole[*kind - 1]) {
            block = alloc->mach->blocks[*kind - 1].loop_end;
        } else {
            block = alloc->alike_until[block];
        }
    } while (alloc->start_of[block] < piece->end && kind_of(cutter, block) == *kind);
    if (alloc->start_of[block] >= piece->end) {
        cutter->segment++;
        cutter->position = 0;
        return true;
    }
    piece->end = alloc->start_of[block];
    cutter->position = piece->end;
    cutter->use = piece->use_first;
    while (cutter->use < piece->use_end && alloc->uses[cutter->use].at < piece->end) {
        cutter->use++;
    }
    piece->use_end = cutter->use;
    return true;
}

static enum err add_segment(struct alloc *alloc, struct alloc_segment segment)
{
    TRY(alloc_reserve_segments(alloc, 1));
    alloc->segments[alloc->segment_count++] = segment;
    return ERR_OK;
}

// A bundle out of the one that is being split.
static enum err add_bundle(struct alloc *alloc, u32 parent_index, u32 first, u32 count)
{
    TRY(alloc_reserve_bundles(alloc, 1));
    const struct alloc_bundle *parent = &alloc->bundles[parent_index];
    u32 index = alloc->bundle_count++;
    alloc->bundles[index] = (struct alloc_bundle){
        .first = first,
        .count = count,
        .set = parent->set,
        .operand = ALLOC_NONE,
        .class = parent->class,
        .splits = (u8)(parent->splits + 1),
    };
    alloc_weigh(alloc, &alloc->bundles[index], parent->fixed);
    alloc_queue(alloc, index);
    u64 cost = BUNDLE_WORK + 4 * (u64)count;
    alloc->work -= cost < alloc->work ? cost : alloc->work;
    return ERR_OK;
}

// Lists all pieces in alloc->cuts.
static enum err cut_list(struct cutter cutter)
{
    struct alloc *alloc = cutter.alloc;
    alloc->cut_count = 0;
    do {
        alloc_pace(alloc, 6);
        TRY(alloc_reserve_cuts(alloc, 1));
    } while (cut_next(&cutter, &alloc->cuts[alloc->cut_count].segment,
                      &alloc->cuts[alloc->cut_count].kind) &&
             ++alloc->cut_count != 0);
    return ERR_OK;
}

// How many kinds there are, a kind counting again behind another one. Numbers the pieces' rows: 0
// for kind 0.
static u32 number_rows(struct alloc *alloc)
{
    u32 rows = 0;
    u32 last_kind = 0;
    bool has_rest = false;
    for (u32 c = 0; c < alloc->cut_count; c++) {
        u32 kind = alloc->cuts[c].kind;
        has_rest |= kind == 0;
        rows += kind != 0 && kind != last_kind;
        last_kind = kind != 0 ? kind : last_kind;
        alloc->cuts[c].row = kind == 0 ? 0 : rows;
    }
    return rows + has_rest;
}

// Of very many rows, makes all that have no use one, the last.
static void join_unused_rows(struct alloc *alloc)
{
    u32 end = 0;
    for (u32 c = 0; c < alloc->cut_count; c = end) {
        bool has_use = false;
        u32 row = alloc->cuts[c].row;
        for (end = c; end < alloc->cut_count; end++) {
            const struct alloc_cut *cut = &alloc->cuts[end];
            if (cut->row != row && cut->row != 0 && row != 0) {
                break;
            }
            if (row == 0 && cut->row != 0) {
                break;
            }
            has_use |= cut->row != 0 && cut->segment.use_first != cut->segment.use_end;
        }
        for (u32 i = c; i < end && !has_use && row != 0; i++) {
            alloc->cuts[i].row = alloc->cuts[i].row != 0 ? (u32)ROW_UNUSED : 0;
        }
    }
}

// A bundle of all pieces from `first` on that are in its row, up to `end`.
static enum err add_row(struct alloc *alloc, u32 index, u32 first, u32 end, u32 row)
{
    u32 segment = alloc->segment_count;
    for (u32 c = first; c < end; c++) {
        if (alloc->cuts[c].row == row) {
            TRY(add_segment(alloc, alloc->cuts[c].segment));
        }
        alloc_pace(alloc, 1);
    }
    if (segment == alloc->segment_count) {
        return ERR_OK;
    }
    return add_bundle(alloc, index, segment, alloc->segment_count - segment);
}

// The pieces of kind 0 become one bundle, and those of each other kind in a row one; where there
// are very many rows, all that have no use become one. Not done when all are of one kind.
static enum err cut_by_kind(struct alloc *alloc, u32 index, bool *done)
{
    u32 rows = number_rows(alloc);
    alloc_pace(alloc, alloc->cut_count);
    *done = rows > 1;
    if (!*done) {
        return ERR_OK;
    }
    if (rows > ROWS_APART) {
        join_unused_rows(alloc);
        TRY(add_row(alloc, index, 0, alloc->cut_count, (u32)ROW_UNUSED));
    }
    u32 end;
    for (u32 c = 0; c < alloc->cut_count; c = end) {
        u32 row = alloc->cuts[c].row;
        end = c + 1;
        if (row == 0 || row == (u32)ROW_UNUSED) {
            continue;
        }
        while (end < alloc->cut_count &&
               (alloc->cuts[end].row == row || alloc->cuts[end].row == 0)) {
            end++;
        }
        TRY(add_row(alloc, index, c, end, row));
    }
    return add_row(alloc, index, 0, alloc->cut_count, 0);
}

// ---- cutting in two

static bool wants_register(const struct alloc_use *use)
{
    return use->kind <= ALLOC_ANYWHERE || use->kind == ALLOC_DEF || use->kind == ALLOC_DEF_ANYWHERE;
}

// Whether the bundle is a definition and at most one use that want a register: then there is
// nothing to gain by cutting between them.
static bool wants_few(const struct alloc *alloc, const struct alloc_bundle *bundle)
{
    const struct alloc_segment *first = &alloc->segments[bundle->first];
    if (first->use_first == first->use_end || alloc->uses[first->use_first].kind < ALLOC_DEF) {
        return false;
    }
    u32 count = 0;
    for (u32 s = 0; s < bundle->count && count <= 2; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        for (u32 u = segment->use_first; u < segment->use_end && count <= 2; u++) {
            count += wants_register(&alloc->uses[u]);
        }
    }
    return count <= 2;
}

// The first position at which no register is left that was free all the way.
static u32 first_conflict(const struct alloc *alloc, const struct alloc_bundle *bundle)
{
    u32 left = (u32)alloc->mach->registers->allocatable[bundle->class];
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        for (u32 p = segment->start; p < segment->end; p++) {
            u32 chunk = p >> ALLOC_CHUNK_BITS;
            if (((alloc->busy_any[chunk] | alloc->fixed_any[chunk]) & left) == 0) {
                p = ((chunk + 1) << ALLOC_CHUNK_BITS) - 1;
                continue;
            }
            left &= ~(alloc->busy[p] | alloc->busy_whole[chunk] | alloc->fixed[p]);
            if (left == 0) {
                return p;
            }
        }
    }
    return ALLOC_NONE;
}

// Where to cut a bundle so that what is before it may get a register, or what is behind it begins
// with a use. `spills_front`: what is before the cut has no chance. ALLOC_NONE: nowhere.
static u32 find_cut(const struct alloc *alloc, const struct alloc_bundle *bundle,
                    bool *spills_front)
{
    u32 conflict = first_conflict(alloc, bundle);
    if (conflict == ALLOC_NONE) {
        return ALLOC_NONE;
    }
    conflict &= ~1u;
    u32 behind_last = ALLOC_NONE; // of the uses before the conflict
    u32 next = ALLOC_NONE;        // use behind it
    for (u32 s = 0; s < bundle->count && next == ALLOC_NONE; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        alloc_pace(alloc, 1 + segment->use_end - segment->use_first);
        for (u32 u = segment->use_first; u < segment->use_end && next == ALLOC_NONE; u++) {
            const struct alloc_use *use = &alloc->uses[u];
            if (use->at < conflict) {
                behind_last = (use->at | 1) + 1;
            } else if (wants_register(use)) {
                next = use->at & ~1u;
            }
        }
    }
    u32 start = alloc->segments[bundle->first].start;
    *spills_front = behind_last == ALLOC_NONE;
    if (behind_last != ALLOC_NONE) {
        return behind_last;
    }
    if (next == ALLOC_NONE || next > start) {
        return next;
    }
    return next + 2;
}

// ---- to memory

static enum err spill_segment(struct alloc *alloc, u32 set, struct alloc_segment segment)
{
    bool is_remat = alloc->mach->vregs[segment.vreg].is_remat;
    if (!is_remat) {
        alloc->sets[set].slot = 0;
    }
    for (u32 u = segment.use_first; u < segment.use_end;) {
        const struct alloc_use *use = &alloc->uses[u];
        struct alloc_segment visit = {
            .start = use->at,
            .end = (use->at | 1) + 1,
            .vreg = segment.vreg,
            .use_first = u++,
        };
        bool wants = use->kind == ALLOC_REGISTER || use->kind == ALLOC_DEF;
        if (is_remat) {
            wants = use->kind <= ALLOC_ANYWHERE;
        }
        if (use->kind <= ALLOC_ANYWHERE) {
            bool is_late = use->is_late;
            for (; u < segment.use_end && alloc->uses[u].at == visit.start; u++) {
                wants |= alloc->uses[u].kind == ALLOC_REGISTER;
                is_late |= alloc->uses[u].is_late;
            }
            visit.end = visit.start + 1 + is_late;
        }
        visit.use_end = u;
        if (wants) {
            TRY(alloc_visit(alloc, segment.vreg, set, ALLOC_NONE, visit));
            alloc_pace(alloc, 8);
        }
    }
    return ERR_OK;
}

static enum err spill(struct alloc *alloc, u32 index)
{
    struct alloc_bundle bundle = alloc->bundles[index];
    alloc->bundles[index].reg = ALLOC_SPILLED;
    for (u32 s = 0; s < bundle.count; s++) {
        TRY(spill_segment(alloc, bundle.set, alloc->segments[bundle.first + s]));
        alloc_pace(alloc, 2);
    }
    return ERR_OK;
}

// ---- into clusters

// Uses that stand close together: what lives at [start, end) in segments [first, last].
struct cluster {
    u32 start;
    u32 end;
    u32 first;
    u32 last;
    u32 wanting; // uses that want a register
    u32 at;      // of the last of them
};

static u32 use_from(const struct alloc *alloc, u32 low, u32 high, u32 position)
{
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (alloc->uses[middle].at < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// What of a segment is in [start, end); empty when nothing is.
static struct alloc_segment clipped(const struct alloc *alloc, u32 segment, u32 start, u32 end)
{
    struct alloc_segment out = alloc->segments[segment];
    if (start > out.start) {
        out.start = start;
        out.use_first = use_from(alloc, out.use_first, out.use_end, start);
    }
    if (end < out.end) {
        out.end = end;
        out.use_end = use_from(alloc, out.use_first, out.use_end, end);
    }
    return out;
}

static enum err end_cluster(struct alloc *alloc, u32 index, const struct cluster *cluster)
{
    if (cluster->wanting < 2) {
        return ERR_OK;
    }
    u32 first = alloc->segment_count;
    for (u32 s = cluster->first; s <= cluster->last; s++) {
        TRY(add_segment(alloc, clipped(alloc, s, cluster->start, cluster->end)));
    }
    TRY(add_bundle(alloc, index, first, alloc->segment_count - first));
    alloc->bundles[alloc->bundle_count - 1].splits = UINT8_MAX; // it goes to memory if it must
    return ERR_OK;
}

static bool continues(const struct alloc *alloc, const struct cluster *cluster, u32 segment, u32 at)
{
    const struct alloc_segment *segments = alloc->segments;
    return cluster->wanting != 0 && at - cluster->at <= CLUSTER_GAP &&
           alloc_step_block(alloc, at) == alloc_step_block(alloc, cluster->at) &&
           (segment == cluster->last || (segment == cluster->last + 1 &&
                                         segments[segment].start == segments[cluster->last].end));
}

static enum err make_clusters(struct alloc *alloc, u32 index, u32 first, u32 end)
{
    struct cluster cluster = {0};
    for (u32 s = first; s < end; s++) {
        u32 use_end = alloc->segments[s].use_end;
        for (u32 u = alloc->segments[s].use_first; u < use_end; u++) {
            const struct alloc_use *use = &alloc->uses[u];
            alloc_pace(alloc, 2);
            if (!wants_register(use)) {
                continue;
            }
            u32 start = alloc->segments[s].start;
            u32 past = (use->at | 1) + 1;
            if (!continues(alloc, &cluster, s, use->at)) {
                TRY(end_cluster(alloc, index, &cluster));
                cluster = (struct cluster){.start = (use->at & ~1u) > start ? use->at & ~1u : start,
                                           .first = s};
            }
            cluster.end = past < alloc->segments[s].end ? past : alloc->segments[s].end;
            cluster.last = s;
            cluster.at = use->at;
            cluster.wanting++;
        }
    }
    return end_cluster(alloc, index, &cluster);
}

// Gives bundles of their own to uses that stand close together, and the rest to memory: what is
// left to do for a bundle that was cut often.
static enum err cut_into_clusters(struct alloc *alloc, u32 index)
{
    u32 first = alloc->bundles[index].first;
    u32 end = first + alloc->bundles[index].count;
    u32 cluster = alloc->bundle_count;
    TRY(make_clusters(alloc, index, first, end));
    u32 cluster_end = alloc->bundle_count;
    u32 rest = alloc->segment_count;
    for (u32 s = first; s < end; s++) {
        u32 segment_end = alloc->segments[s].end;
        for (u32 start = alloc->segments[s].start; start < segment_end;) {
            const struct alloc_bundle *next = &alloc->bundles[cluster];
            u32 until = segment_end;
            u32 past = segment_end;
            if (cluster < cluster_end && alloc->segments[next->first].start < segment_end) {
                until = alloc->segments[next->first].start;
                past = alloc->segments[next->first + next->count - 1].end;
            }
            if (start < until) {
                TRY(add_segment(alloc, clipped(alloc, s, start, until)));
            }
            alloc_pace(alloc, 4);
            cluster += past <= segment_end && cluster < cluster_end && until != segment_end;
            start = past;
        }
    }
    alloc->bundles[index].first = rest;
    alloc->bundles[index].count = alloc->segment_count - rest;
    return spill(alloc, index);
}

// Cuts the bundle in two at an even position within it. The bundle keeps what is before it, and
// its part is spilled when that is said.
static enum err cut_in_two(struct alloc *alloc, u32 index, u32 cut, bool spills_front)
{
    struct alloc_bundle *bundle = &alloc->bundles[index];
    u32 first = bundle->first;
    u32 s = first;
    while (alloc->segments[s].end <= cut) {
        s++;
    }
    u32 end = first + bundle->count;
    if (alloc->segments[s].start < cut) {
        // The segment is in both: what is before goes to a place of its own.
        u32 count = s - first + 1;
        TRY(alloc_reserve_segments(alloc, count));
        u32 copy = alloc->segment_count;
        for (u32 i = 0; i < count; i++) {
            alloc->segments[copy + i] = alloc->segments[first + i];
        }
        alloc_pace(alloc, count);
        alloc->segment_count += count;
        struct alloc_segment *left = &alloc->segments[copy + count - 1];
        struct alloc_segment *right = &alloc->segments[s];
        while (right->use_first < right->use_end && alloc->uses[right->use_first].at < cut) {
            right->use_first++;
        }
        left->use_end = right->use_first;
        left->end = cut;
        right->start = cut;
        bundle->first = copy;
        bundle->count = count;
    } else {
        bundle->count = s - first;
    }
    bundle->splits++;
    ASSERT(bundle->count != 0 && s < end);
    TRY(add_bundle(alloc, index, s, end - s));
    if (spills_front) {
        return spill(alloc, index);
    }
    alloc_weigh(alloc, &alloc->bundles[index], alloc->bundles[index].fixed);
    alloc_queue(alloc, index);
    return ERR_OK;
}

// Of the blocks that the bundle lives in.
static u32 highest_frequency(const struct alloc *alloc, const struct alloc_bundle *bundle)
{
    u32 highest = 0;
    for (u32 s = 0; s < bundle->count; s++) {
        const struct alloc_segment *segment = &alloc->segments[bundle->first + s];
        for (u32 b = alloc_step_block(alloc, segment->start);
             b < alloc->mach->block_count && alloc->start_of[b] < segment->end; b++) {
            highest = alloc->frequency[b] > highest ? alloc->frequency[b] : highest;
        }
    }
    return highest;
}

// Whether the bundle could have more registers if it did not live in the rare blocks.
static bool rare_matters(const struct alloc *alloc, const struct alloc_bundle *bundle)
{
    u32 fixed = 0;
    for (u32 c = 0; c < alloc->cut_count && fixed != bundle->fixed; c++) {
        const struct alloc_segment *piece = &alloc->cuts[c].segment;
        if (alloc->cuts[c].kind == 0) {
            fixed |= bundle->fixed & alloc_masks(alloc->fixed, alloc->fixed_any, piece->start,
                                                 piece->end, bundle->fixed);
        }
    }
    return fixed != bundle->fixed;
}

enum err alloc_split(struct alloc *alloc, u32 index)
{
    const struct alloc_bundle *bundle = &alloc->bundles[index];
    if (bundle->is_visitor) {
        return ERR_LIMIT; // an instruction with more operands in registers than there are
    }
    if (bundle->weight == 0 || bundle->splits == UINT8_MAX) {
        return spill(alloc, index);
    }
    if (bundle->splits >= JIT_ALLOC_SPLITS || alloc->work < bundle->length / 8) {
        return cut_into_clusters(alloc, index);
    }
    alloc->work -= bundle->length / 8;
    u32 start = alloc->segments[bundle->first].start;
    u32 end = alloc->segments[bundle->first + bundle->count - 1].end;
    u32 first_block = alloc_step_block(alloc, start);
    u32 last_block = alloc_step_block(alloc, end - 1);
    if (first_block != last_block) {
        u32 base = alloc->loop[first_block];
        while (base != ALLOC_NONE && alloc->mach->blocks[base].loop_end <= last_block) {
            base = alloc->outer[base];
        }
        struct cutter cutter = {.alloc = alloc,
                                .segment = bundle->first,
                                .end = bundle->first + bundle->count,
                                .base = base};
        bool done;
        TRY(cut_list(cutter));
        TRY(cut_by_kind(alloc, index, &done));
        if (!done && bundle->fixed != 0 && bundle->splits < 2 &&
            last_block - first_block < RARE_BLOCKS) {
            cutter.by_rare = true;
            cutter.rare = highest_frequency(alloc, bundle) / RARE;
            TRY(cut_list(cutter));
            if (rare_matters(alloc, bundle)) {
                TRY(cut_by_kind(alloc, index, &done));
            }
        }
        if (done) {
            alloc->bundles[index].count = 0;
            return ERR_OK;
        }
    }
    bundle = &alloc->bundles[index];
    if (wants_few(alloc, bundle)) {
        return cut_into_clusters(alloc, index);
    }
    bool spills_front = false;
    u32 cut = find_cut(alloc, bundle, &spills_front);
    if (cut == ALLOC_NONE || cut <= start || cut >= end) {
        return spill(alloc, index);
    }
    return cut_in_two(alloc, index, cut, spills_front);
}
