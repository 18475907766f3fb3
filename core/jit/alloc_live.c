// SPDX-License-Identifier: GPL-3.0-or-later
// Where each virtual register lives. The uses of each are listed in order; a register that lives
// in one block has one segment; for the others the blocks are walked from the uses upwards to the
// definition. When that costs too much (JIT_ALLOC_WORK), everything from the definition to the
// last use is taken instead, and to the end of the loops around that use which do not hold the
// definition: too much, but never wrong.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/allocator.h"
#include "core/jit/limits.h"

// What the walk through the blocks needs.
struct walk {
    u64 *live_in; // a bit for each block
    u64 *live_out;
    u32 *stack;
    u32 stack_count;
    u32 last; // highest block with a bit
};

u32 alloc_tied_to(const struct mach *mach, const struct mach_ins *ins, u32 operand)
{
    if (ins->operand_count > MACH_SAME_OPERANDS) {
        return MACH_NONE;
    }
    const struct mach_operand *operands = &mach->operands[ins->operands];
    const struct mach_operand *use = &operands[operand];
    for (u32 d = 0; d < ins->operand_count; d++) {
        const struct mach_operand *def = &operands[d];
        if (def->constraint != MACH_SAME) {
            continue;
        }
        if (def->reg == operand) {
            return d;
        }
        if (use->role == MACH_USE && use->constraint <= MACH_ANYWHERE &&
            use->vreg == operands[def->reg].vreg) {
            return d;
        }
    }
    return MACH_NONE;
}

// Copied at once, and as much time as looking at something takes.
enum { COPY_BYTES = 256 << 10, COPY_BYTES_PER_ITEM = 32 };

static void *grown(struct alloc *alloc, const void *old, u32 count, u32 *capacity, u32 more,
                   size_t size)
{
    u32 larger = *capacity + *capacity / 2;
    u32 wanted = larger > count + more ? larger : count + more;
    u8 *new = arena_room(alloc->scratch, wanted, size, 16);
    size_t bytes = new == NULL ? 0 : count *size;
    for (size_t at = 0; at < bytes; at += COPY_BYTES) {
        size_t part = bytes - at < COPY_BYTES ? bytes - at : COPY_BYTES;
        mem_copy(new + at, (const u8 *)old + at, part);
        alloc_pace(alloc, part / COPY_BYTES_PER_ITEM);
    }
    *capacity = new == NULL ? *capacity : wanted;
    return new;
}

enum err alloc_reserve_segments(struct alloc *alloc, u32 count)
{
    if (LIKELY(alloc->segment_capacity - alloc->segment_count >= count)) {
        return ERR_OK;
    }
    struct alloc_segment *segments = grown(alloc, alloc->segments, alloc->segment_count,
                                           &alloc->segment_capacity, count, sizeof *segments);
    if (segments == NULL) {
        return ERR_NO_MEMORY;
    }
    alloc->segments = segments;
    return ERR_OK;
}

enum err alloc_reserve_bundles(struct alloc *alloc, u32 count)
{
    if (LIKELY(alloc->bundle_capacity - alloc->bundle_count >= count)) {
        return ERR_OK;
    }
    struct alloc_bundle *bundles = grown(alloc, alloc->bundles, alloc->bundle_count,
                                         &alloc->bundle_capacity, count, sizeof *bundles);
    if (bundles == NULL) {
        return ERR_NO_MEMORY;
    }
    alloc->bundles = bundles;
    return ERR_OK;
}

enum err alloc_reserve_owners(struct alloc *alloc, u32 count)
{
    if (LIKELY(alloc->owner_capacity - alloc->owner_count >= count)) {
        return ERR_OK;
    }
    struct alloc_owner *owners = grown(alloc, alloc->owners, alloc->owner_count,
                                       &alloc->owner_capacity, count, sizeof *owners);
    if (owners == NULL) {
        return ERR_NO_MEMORY;
    }
    alloc->owners = owners;
    return ERR_OK;
}

enum err alloc_reserve_cuts(struct alloc *alloc, u32 count)
{
    if (LIKELY(alloc->cut_capacity - alloc->cut_count >= count)) {
        return ERR_OK;
    }
    struct alloc_cut *cuts =
        grown(alloc, alloc->cuts, alloc->cut_count, &alloc->cut_capacity, count + 16, sizeof *cuts);
    if (cuts == NULL) {
        return ERR_NO_MEMORY;
    }
    alloc->cuts = cuts;
    return ERR_OK;
}

// ---- what is fixed

static void fix(struct alloc *alloc, u32 position, u32 mask)
{
    alloc->fixed[position] |= mask;
    alloc->fixed_any[position >> ALLOC_CHUNK_BITS] |= mask;
}

static void fix_operand(struct alloc *alloc, const struct mach_operand *operand, u32 position)
{
    u32 mask = 1u << operand->reg;
    alloc->used |= mask;
    if (operand->role != MACH_DEF) {
        fix(alloc, position, mask);
    }
    if (operand->role != MACH_USE) {
        fix(alloc, position + 1, mask);
    }
}

static enum err mark_fixed(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    const struct mach_registers *registers = mach->registers;
    alloc->fixed = ARENA_ARRAY(alloc->scratch, u32, 2 * (size_t)alloc->steps);
    alloc->fixed_any = ARENA_ARRAY(alloc->scratch, u32, alloc->chunks);
    if (alloc->fixed == NULL || alloc->fixed_any == NULL) {
        return ERR_NO_MEMORY;
    }
    u32 clobbered =
        (u32)((registers->allocatable[MACH_INTEGER] | registers->allocatable[MACH_FLOAT]) &
              ~registers->preserved);
    u32 preserved = (u32)registers->preserved;
    for (u32 b = 0; b < mach->block_count; b++) {
        for (u32 i = mach->blocks[b].first; i < mach->blocks[b].end; i++) {
            const struct mach_ins *ins = &mach->ins[i];
            u32 position = alloc_position(alloc, b, i);
            for (u32 o = 0; o < ins->operand_count; o++) {
                const struct mach_operand *operand = &mach->operands[ins->operands + o];
                if (operand->constraint == MACH_FIXED) {
                    fix_operand(alloc, operand, position);
                }
            }
            if ((ins->flags & MACH_IS_CALL) != 0) {
                fix(alloc, position + 1, clobbered);
            }
            if (UNLIKELY((ins->flags & MACH_IS_LANDING) != 0)) {
                fix(alloc, position + 1, preserved);
                alloc->used |= preserved;
            }
            alloc_pace(alloc, ins->operand_count);
        }
    }
    return ERR_OK;
}

// ---- uses

static void use_add(struct alloc *alloc, u32 vreg, struct alloc_use use)
{
    u32 at = alloc->use_end[vreg];
    // A result copied from its fixed register right behind the instruction never lives.
    if (at != alloc->use_first[vreg] && use.at < alloc->uses[at - 1].at) {
        ASSERT(use.kind == ALLOC_COPIED && alloc->uses[at - 1].kind == ALLOC_DEF_FIXED);
        return;
    }
    // The last of an instruction's uses says how long all of them hold.
    if (at != alloc->use_first[vreg] && use.at == alloc->uses[at - 1].at) {
        use.is_late |= alloc->uses[at - 1].is_late;
    }
    alloc->uses[at] = use;
    alloc->use_end[vreg] = at + 1;
}

static void use_of_def(struct alloc *alloc, const struct mach_operand *operand, u32 index,
                       u32 position)
{
    struct alloc_use use = {.operand = index, .hint = 0xff};
    if (operand->constraint == MACH_FIXED) {
        use.kind = ALLOC_DEF_FIXED;
        use.at = position + 2;
        use.hint = operand->reg;
    } else {
        bool is_early = operand->role == MACH_DEF_EARLY || operand->constraint == MACH_SAME;
        use.kind = operand->constraint == MACH_ANYWHERE ? ALLOC_DEF_ANYWHERE : ALLOC_DEF;
        use.at = is_early ? position : position + 1;
    }
    use_add(alloc, operand->vreg, use);
}

// The uses of one instruction: first those that are copied before it, then the rest.
static void uses_of_ins(struct alloc *alloc, const struct mach_ins *ins, u32 position)
{
    const struct mach *mach = alloc->mach;
    bool has_rest = false;
    for (u32 o = 0; o < ins->operand_count; o++) {
        const struct mach_operand *operand = &mach->operands[ins->operands + o];
        if (operand->role > MACH_USE_LATE) {
            has_rest |= operand->role != MACH_TEMP;
        } else if (operand->constraint != MACH_FIXED && alloc_tied_to(mach, ins, o) == MACH_NONE) {
            has_rest = true;
        } else if (!mach->vregs[operand->vreg].is_remat) {
            u8 hint = operand->constraint == MACH_FIXED ? operand->reg : 0xff;
            use_add(alloc, operand->vreg,
                    (struct alloc_use){position - 1, ins->operands + o, ALLOC_COPIED, hint, false});
        }
    }
    for (u32 o = 0; has_rest && o < ins->operand_count; o++) {
        const struct mach_operand *operand = &mach->operands[ins->operands + o];
        if (operand->role == MACH_DEF || operand->role == MACH_DEF_EARLY) {
            use_of_def(alloc, operand, ins->operands + o, position);
        } else if (operand->role != MACH_TEMP && operand->constraint != MACH_FIXED &&
                   alloc_tied_to(mach, ins, o) == MACH_NONE) {
            u8 kind = operand->constraint == MACH_ANYWHERE ? ALLOC_ANYWHERE : ALLOC_REGISTER;
            use_add(alloc, operand->vreg,
                    (struct alloc_use){position, ins->operands + o, kind, 0xff,
                                       operand->role == MACH_USE_LATE});
        }
    }
}

static enum err count_uses(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    u32 *first = alloc->use_first;
    for (u32 o = 0; o < mach->operand_count; o++) {
        first[mach->operands[o].vreg]++;
    }
    alloc_pace(alloc, mach->operand_count / 4);
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        for (u32 p = 0; p < block->param_count; p++) {
            first[mach->lists[block->params + p]]++;
        }
        for (u32 s = 0; s < block->succ_count; s++) {
            const struct mach_edge *edge = &mach->edges[mach->lists[block->succs + s]];
            for (u32 p = 0; p < mach->blocks[edge->to].param_count; p++) {
                first[mach->lists[edge->args + p]]++;
            }
            alloc_pace(alloc, 1 + mach->blocks[edge->to].param_count / 2);
        }
    }
    u64 sum = 0;
    for (u32 v = 0; v < mach->vreg_count; v++) {
        u32 count = first[v];
        first[v] = (u32)sum;
        alloc->use_end[v] = (u32)sum;
        sum += count;
    }
    if (sum > UINT32_MAX / 2) {
        return ERR_LIMIT;
    }
    alloc->uses = ARENA_ROOM(alloc->scratch, struct alloc_use, sum);
    return alloc->uses == NULL ? ERR_NO_MEMORY : ERR_OK;
}

static enum err list_uses(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    alloc->use_first = ARENA_ARRAY(alloc->scratch, u32, mach->vreg_count);
    alloc->use_end = ARENA_ARRAY(alloc->scratch, u32, mach->vreg_count);
    if (alloc->use_first == NULL || alloc->use_end == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(count_uses(alloc));
    for (u32 b = 0; b < mach->block_count; b++) {
        const struct mach_block *block = &mach->blocks[b];
        u32 end = alloc->start_of[b + 1];
        for (u32 p = 0; p < block->param_count; p++) {
            struct alloc_use use = {
                .at = alloc->start_of[b], .kind = ALLOC_DEF_PARAM, .hint = 0xff};
            use_add(alloc, mach->lists[block->params + p], use);
        }
        for (u32 i = block->first; i < block->end; i++) {
            uses_of_ins(alloc, &mach->ins[i], alloc_position(alloc, b, i));
            alloc_pace(alloc, 2 * (u64)mach->ins[i].operand_count);
        }
        for (u32 s = 0; s < block->succ_count; s++) {
            u32 e = mach->lists[block->succs + s];
            const struct mach_edge *edge = &mach->edges[e];
            for (u32 p = 0; p < mach->blocks[edge->to].param_count; p++) {
                u32 vreg = mach->lists[edge->args + p];
                if (!mach->vregs[vreg].is_remat) {
                    struct alloc_use use = {
                        .at = end - 1, .operand = e, .kind = ALLOC_EDGE, .hint = 0xff};
                    use_add(alloc, vreg, use);
                }
                alloc_pace(alloc, 1);
            }
        }
    }
    return ERR_OK;
}

// ---- segments

static enum err segment_add(struct alloc *alloc, struct alloc_segment segment)
{
    if (segment.start >= segment.end) {
        return ERR_OK;
    }
    if (alloc->segment_count != 0) {
        struct alloc_segment *last = &alloc->segments[alloc->segment_count - 1];
        if (last->vreg == segment.vreg && last->end == segment.start) {
            last->end = segment.end;
            last->use_end = segment.use_end;
            return ERR_OK;
        }
    }
    TRY(alloc_reserve_segments(alloc, 1));
    alloc->segments[alloc->segment_count++] = segment;
    return ERR_OK;
}

static u32 use_past(const struct alloc_use *use)
{
    return use->at + 1 + use->is_late;
}

static void bit_set(u64 *bits, u32 index)
{
    bits[index / 64] |= 1ull << index % 64;
}

static bool bit_test(const u64 *bits, u32 index)
{
    return (bits[index / 64] >> index % 64 & 1) != 0;
}

static void walk_reach(struct walk *walk, u32 block)
{
    if (!bit_test(walk->live_in, block)) {
        bit_set(walk->live_in, block);
        walk->stack[walk->stack_count++] = block;
        walk->last = block > walk->last ? block : walk->last;
    }
}

static void bits_fill(u64 *bits, u32 first, u32 end)
{
    u64 head = ~0ull << first % 64;
    u64 tail = ~0ull >> (63 - (end - 1) % 64);
    if (first / 64 == (end - 1) / 64) {
        bits[first / 64] |= head & tail;
        return;
    }
    bits[first / 64] |= head;
    for (u32 w = first / 64 + 1; w < (end - 1) / 64; w++) {
        bits[w] = ~0ull;
    }
    bits[(end - 1) / 64] |= tail;
}

// What lives anywhere in a loop and is defined outside lives in all of it. The header of the
// outermost such loop; what is above that is still to be walked.
static u32 walk_loops(const struct alloc *alloc, struct walk *walk, u32 block, u32 def_block)
{
    u32 outermost = ALLOC_NONE;
    for (u32 h = alloc->loop[block]; h != ALLOC_NONE && h > def_block; h = alloc->outer[h]) {
        outermost = alloc->is_whole[h] ? h : outermost;
    }
    if (outermost == ALLOC_NONE) {
        return block;
    }
    u32 end = alloc->mach->blocks[outermost].loop_end;
    bits_fill(walk->live_in, outermost, end);
    bits_fill(walk->live_out, outermost, end);
    walk->last = end - 1 > walk->last ? end - 1 : walk->last;
    alloc_pace(alloc, 2 + (end - outermost) / 64);
    return outermost;
}

// Marks all blocks that the register lives into or out of. False: too much work.
static bool walk_up(struct alloc *alloc, struct walk *walk, u32 vreg, u32 def_block)
{
    const u32 *preds = alloc->preds;
    walk->last = def_block;
    for (u32 u = alloc->use_first[vreg] + 1; u < alloc->use_end[vreg]; u++) {
        u32 block = alloc_step_block(alloc, alloc->uses[u].at);
        if (block != def_block) {
            walk_reach(walk, block);
        }
        alloc_pace(alloc, 1);
    }
    while (walk->stack_count != 0) {
        u32 block = walk_loops(alloc, walk, walk->stack[--walk->stack_count], def_block);
        u32 fork = alloc->fork[block];
        if (fork != ALLOC_NONE) {
            // What lives into a join lives in all blocks since the fork: the definition is above.
            ASSERT(fork + 1 < block);
            bits_fill(walk->live_in, fork + 1, block);
            bits_fill(walk->live_out, fork, block);
            alloc_pace(alloc, 2);
            if (fork != def_block) {
                walk_reach(walk, fork);
            }
            continue;
        }
        u32 end = alloc->pred_first[block + 1];
        u32 count = end - alloc->pred_first[block] + 1;
        if (alloc->work < count) {
            walk->stack_count = 0;
            return false;
        }
        alloc->work -= count;
        alloc_pace(alloc, 1 + count);
        for (u32 p = alloc->pred_first[block]; p < end; p++) {
            bit_set(walk->live_out, preds[p]);
            if (preds[p] != def_block) {
                walk_reach(walk, preds[p]);
            }
        }
    }
    return true;
}

static void walk_clear(struct walk *walk, u32 def_block)
{
    size_t first = def_block / 64;
    size_t count = walk->last / 64 - first + 1;
    mem_zero(&walk->live_in[first], count * sizeof(u64));
    mem_zero(&walk->live_out[first], count * sizeof(u64));
}

// The first block from `block` on, up to `last`, whose bit is `set`; last + 1 when there is none.
static u32 bits_find(const u64 *bits, const u64 *and, u32 block, u32 last, bool set)
{
    while (block <= last) {
        u64 word = bits[block / 64] & and[block / 64];
        word = (set ? word : ~word) >> block % 64;
        if (word != 0) {
            block += (u32)__builtin_ctzll(word);
            return block <= last ? block : last + 1;
        }
        block = (block | 63) + 1;
    }
    return last + 1;
}

// One segment for each run of blocks that the register lives through, and what is at its end.
static enum err segments_from_marks(struct alloc *alloc, const struct walk *walk, u32 vreg,
                                    u32 def_block, u32 start)
{
    const struct alloc_use *uses = alloc->uses;
    u32 use = alloc->use_first[vreg];
    u32 use_end = alloc->use_end[vreg];
    bit_set(walk->live_in, def_block);
    for (u32 b = def_block; b <= walk->last;) {
        struct alloc_segment segment = {
            .start = b == def_block ? start : alloc->start_of[b],
            .vreg = vreg,
            .use_first = use,
        };
        b = bits_find(walk->live_in, walk->live_out, b, walk->last, false);
        segment.end = alloc->start_of[b];
        while (use < use_end && uses[use].at < segment.end) {
            use++;
        }
        if (b <= walk->last && bit_test(walk->live_in, b)) {
            while (use < use_end && uses[use].at < alloc->start_of[b + 1]) {
                segment.end = use_past(&uses[use++]);
            }
            b++;
        }
        alloc_pace(alloc, 2 + use - segment.use_first);
        segment.use_end = use;
        TRY(segment_add(alloc, segment));
        b = bits_find(walk->live_in, walk->live_in, b, walk->last, true);
    }
    return ERR_OK;
}

// From the definition to the last use, with the loops around each use.
static u32 hull_end(const struct alloc *alloc, u32 vreg, u32 def_block)
{
    u32 end = 0;
    for (u32 u = alloc->use_first[vreg] + 1; u < alloc->use_end[vreg]; u++) {
        u32 past = use_past(&alloc->uses[u]);
        u32 header = alloc->loop[alloc_step_block(alloc, alloc->uses[u].at)];
        while (header != ALLOC_NONE && header > def_block) {
            u32 loop_past = alloc->start_of[alloc->mach->blocks[header].loop_end];
            past = loop_past > past ? loop_past : past;
            header = alloc->outer[header];
        }
        end = past > end ? past : end;
    }
    return end;
}

static enum err segments_of(struct alloc *alloc, struct walk *walk, u32 vreg)
{
    u32 first = alloc->use_first[vreg];
    u32 end = alloc->use_end[vreg];
    if (first == end || (end - first == 1 && alloc->mach->vregs[vreg].is_remat)) {
        return ERR_OK;
    }
    const struct alloc_use *def = &alloc->uses[first];
    ASSERT(def->kind >= ALLOC_DEF);
    u32 def_block = alloc_step_block(alloc, def->at);
    u32 last_block = alloc_step_block(alloc, alloc->uses[end - 1].at);
    struct alloc_segment whole = {def->at, use_past(&alloc->uses[end - 1]), vreg, first, end};
    if (end - first == 1) {
        bool lives = def->kind == ALLOC_DEF || def->kind == ALLOC_DEF_ANYWHERE;
        whole.end = lives ? (def->at | 1) + 1 : def->at;
    }
    if (last_block == def_block) {
        return segment_add(alloc, whole);
    }
    enum err err;
    if (walk_up(alloc, walk, vreg, def_block)) {
        err = segments_from_marks(alloc, walk, vreg, def_block, def->at);
    } else {
        whole.end = hull_end(alloc, vreg, def_block);
        err = segment_add(alloc, whole);
    }
    walk_clear(walk, def_block);
    return err;
}

enum err alloc_live(struct alloc *alloc)
{
    const struct mach *mach = alloc->mach;
    TRY(mark_fixed(alloc));
    TRY(list_uses(alloc));
    size_t words = mach->block_count / 64 + 1;
    struct walk walk = {
        .live_in = ARENA_ARRAY(alloc->scratch, u64, words),
        .live_out = ARENA_ARRAY(alloc->scratch, u64, words),
        .stack = ARENA_ARRAY(alloc->scratch, u32, mach->block_count),
    };
    if (walk.live_in == NULL || walk.live_out == NULL || walk.stack == NULL) {
        return ERR_NO_MEMORY;
    }
    TRY(alloc_reserve_segments(alloc, 2 * mach->vreg_count + 16));
    for (u32 v = 0; v < mach->vreg_count; v++) {
        TRY(segments_of(alloc, &walk, v));
        alloc_pace(alloc, 2);
    }
    return ERR_OK;
}
