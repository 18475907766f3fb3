// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/allocator.h: what the files of the register allocator (alloc*.c) share.
//
// Positions. A function is a row of steps, one for the start of each block and one for each
// instruction; step s has the positions 2s (its operands are read) and 2s + 1 (its results are
// written). Moves are made between steps, before an even position. A range is [start, end).
//
// A virtual register lives in a row of segments. Segments that want one register together form a
// bundle: at first everything that a virtual register lives, then joined across block parameters,
// copies and two-address instructions (alloc_join.c). Bundles wait in a queue, longest first; each
// gets a register, turns lighter ones out of theirs, is split, or goes to memory (alloc_walk.c,
// alloc_split.c). What is in memory but wanted in a register by an instruction gets a bundle that
// lives for that instruction alone, a visitor. At the end the places are known, and the moves
// between them are made (alloc_resolve.c, alloc_moves.c).
//
// Owner   all of it lies in the scratch arena of mach_allocate.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/mach.h"
#include "core/jit/pace.h"
struct arena;

enum {
    ALLOC_NONE = UINT32_MAX,
    ALLOC_CHUNK_BITS = 6, // a chunk is 64 positions: who is in which register is listed by chunk
    ALLOC_CHUNK = 1 << ALLOC_CHUNK_BITS,
    ALLOC_SPILLED = 0xfe, // instead of a register
    ALLOC_WAITING = 0xff,
    ALLOC_QUEUES = 128,
    ALLOC_FREQUENCY_ONCE = 1 << 10, // of what runs once for each call
    ALLOC_ITEM_UNITS = 4,           // of time
};

// How a virtual register meets an instruction.
enum alloc_use_kind {
    ALLOC_REGISTER, // wants a register
    ALLOC_ANYWHERE, // would rather have one
    ALLOC_COPIED,   // is copied to the place it must be in before the instruction
    ALLOC_EDGE,     // is the argument of a block's parameter
    ALLOC_DEF,      // is defined, in a register
    ALLOC_DEF_ANYWHERE,
    ALLOC_DEF_FIXED, // is defined in one register and copied from there behind the instruction
    ALLOC_DEF_PARAM, // is a block's parameter
};

struct alloc_use {
    u32 at;       // position where the value must be at its place; for COPIED, EDGE the last one
    u32 operand;  // index in mach->operands; EDGE: the edge; DEF_PARAM: nothing
    u8 kind;      // enum alloc_use_kind
    u8 hint;      // a register that would save a copy, or 0xff
    bool is_late; // the place must stay until the end of the instruction
};

struct alloc_segment {
    u32 start;
    u32 end;
    u32 vreg;
    u32 use_first; // in `uses`; once all is decided, the segment's place
    u32 use_end;
};

// A piece of a bundle that is being cut.
struct alloc_cut {
    struct alloc_segment segment;
    u32 kind;
    u32 row;
};

struct alloc_bundle {
    u32 first; // in `segments`
    u32 count;
    u32 set;     // the family: what was one bundle before it was split
    u32 next;    // in its queue
    u32 length;  // positions
    u32 stamp;   // of the last search that met it
    u32 fixed;   // registers that something fixed takes from it
    u32 operand; // visitor that is no virtual register: the TEMP. Else ALLOC_NONE
    u64 weight;  // what memory instead of a register costs, in frequencies
    u64 density; // weight for each position; UINT64_MAX / 2 and more: a visitor
    u8 class;
    u8 reg;       // or ALLOC_SPILLED, ALLOC_WAITING
    u8 splits;    // how often it and what it was part of was split
    u8 evictions; // how often it was turned out
    bool is_visitor;
};

// Bundles that were one. They may share a spill slot, since none lives while another does.
struct alloc_set {
    u32 start; // hull of all
    u32 end;
    u32 slot; // or ALLOC_NONE
    u32 kin;  // a set that copies would be saved with by having the same register, or ALLOC_NONE
    u8 bytes;
    u8 hint; // the register that a part of it got last, or 0xff
};

// An entry of who is in a register within a chunk.
struct alloc_owner {
    u32 start;
    u32 end;
    u32 bundle;
    u32 next;
};

struct alloc {
    struct mach *mach;
    struct arena *scratch;
    u32 steps;
    u32 chunks;
    u32 *block_of;    // of a step
    u32 *start_of;    // position of a block's start; block_count + 1 of them
    u32 *loop;        // header of the innermost loop that a block is in, or ALLOC_NONE
    u32 *outer;       // of a header: the header of the loop around it, or ALLOC_NONE
    bool *is_whole;   // of a header: all blocks of its run are in the loop
    u32 *fork;        // of a block where branches meet: where they parted, or ALLOC_NONE
    u32 *alike_until; // of a block: the first behind it in another loop, or not as cold
    u32 *frequency;
    u32 *pred_first; // of a block, in `preds`; block_count + 1 of them
    u32 *preds;      // blocks

    struct alloc_use *uses; // by virtual register, in order
    u32 *use_first;         // of a virtual register: [use_first, use_end)
    u32 *use_end;
    u32 *bundle_of; // of a virtual register, until bundles are split; or ALLOC_NONE

    struct alloc_segment *segments;
    u32 segment_count;
    u32 segment_capacity;
    struct alloc_bundle *bundles;
    u32 bundle_count;
    u32 bundle_capacity;
    struct alloc_set *sets;
    u32 set_count;
    struct alloc_cut *cuts;
    u32 cut_count;
    u32 cut_capacity;

    // A mask of registers for each position, and of all in each chunk.
    u32 *fixed;
    u32 *fixed_any;
    u32 *busy; // but for those that have a whole chunk
    u32 *busy_any;
    u32 *busy_whole;  // those that one bundle has all through a chunk
    u32 *owner_first; // [chunk * MACH_REGISTERS + register], in `owners`
    struct alloc_owner *owners;
    u32 owner_count;
    u32 owner_capacity;
    u32 owner_free; // list of those given back
    u32 queue_first[ALLOC_QUEUES];
    u32 queue_last[ALLOC_QUEUES];
    u32 queue_top;
    u32 stamp;
    u32 used; // registers that were given away
    u64 work; // what the search may still cost
};

static inline u32 alloc_step_block(const struct alloc *alloc, u32 position)
{
    return alloc->block_of[position / 2];
}

// Position of the operands of the instruction.
static inline u32 alloc_position(const struct alloc *alloc, u32 block, u32 ins)
{
    (void)alloc;
    return 2 * (ins + block + 1);
}

// Work that a pass of the allocator has done: about so many items looked at.
static inline void alloc_pace(const struct alloc *alloc, u64 items)
{
    jit_pace(alloc->mach->pace, ALLOC_ITEM_UNITS * items);
}

static inline u32 alloc_busy_at(const struct alloc *alloc, u32 position)
{
    return alloc->busy[position] | alloc->busy_whole[position >> ALLOC_CHUNK_BITS];
}

// Index of the operand that `operand` of the instruction must share the register with, because it
// is what a SAME names or another plain use of that; MACH_NONE when there is none.
u32 alloc_tied_to(const struct mach *mach, const struct mach_ins *ins, u32 operand);

// ---- alloc_blocks.c: positions and loops; needs nothing but the function.
enum err alloc_blocks(struct alloc *alloc);

// ---- alloc_live.c: what is fixed, uses and segments; needs blocks.
enum err alloc_live(struct alloc *alloc);
// Room for `count` more segments, bundles, owners, cuts.
enum err alloc_reserve_segments(struct alloc *alloc, u32 count);
enum err alloc_reserve_bundles(struct alloc *alloc, u32 count);
enum err alloc_reserve_owners(struct alloc *alloc, u32 count);
enum err alloc_reserve_cuts(struct alloc *alloc, u32 count);

// ---- alloc_join.c: makes bundles of segments; needs live and the masks of what is fixed.
enum err alloc_join(struct alloc *alloc);

// ---- alloc_walk.c: gives each bundle a register or memory.
enum err alloc_walk(struct alloc *alloc);
void alloc_queue(struct alloc *alloc, u32 bundle);
// Queues a bundle that must get a register for one instruction, and may turn out all others.
//   set      of the virtual register; set_count, one that is nobody's, for a TEMP
//   operand  the TEMP, or ALLOC_NONE: the segment's uses are served
enum err alloc_visit(struct alloc *alloc, u32 vreg, u32 set, u32 operand,
                     struct alloc_segment segment);
// Computes weight, density, length and fixed of a bundle from its segments.
//   fixed_most  what `fixed` can be at most, such as what it is for all that the bundle was part of
void alloc_weigh(const struct alloc *alloc, struct alloc_bundle *bundle, u32 fixed_most);
// Cost of having a use in memory.
u64 alloc_use_cost(const struct alloc *alloc, const struct alloc_use *use, u32 vreg);
// All bits that occur at [start, end); stops early when all of `wanted` do.
u32 alloc_masks(const u32 *masks, const u32 *any, u32 start, u32 end, u32 wanted);

// ---- alloc_split.c: what to do with a bundle that gets no register.
enum err alloc_split(struct alloc *alloc, u32 bundle);

// ---- alloc_resolve.c: places of operands, moves, slots; needs each bundle's register.
enum err alloc_resolve(struct alloc *alloc);

// ---- alloc_moves.c: moves that are made at one moment, all at once, put into an order in which
// they can be made one after the other. Moments are the starts of blocks (edges into them), the
// steps between instructions, and edges out of blocks.
enum alloc_phase { ALLOC_EDGE_IN, ALLOC_BETWEEN, ALLOC_EDGE_OUT, ALLOC_PHASE_COUNT };

struct alloc_move {
    u32 next;        // before the same instruction, or ALLOC_NONE
    mach_place from; // MACH_PLACE_NONE: computed again
    mach_place to;
    u32 vreg;
    u8 phase; // enum alloc_phase
};

struct alloc_moves {
    struct alloc *alloc;
    u32 *first; // of an instruction
    struct alloc_move *moves;
    u32 count;
    u32 capacity;
};

enum err alloc_moves_init(struct alloc_moves *moves, struct alloc *alloc);
// `to` has no other move at that moment. Nothing happens when both places are one.
enum err alloc_moves_add(struct alloc_moves *moves, u32 before, struct alloc_move move);
// Fills mach->moves; may add two to mach->slot_count.
enum err alloc_moves_order(struct alloc_moves *moves);
