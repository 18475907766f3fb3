// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/mach.h: a function as instructions of a CPU whose operands are not in registers yet.
//
// A target makes it (`select`), the allocator decides where each virtual register lies at every
// moment (alloc.h), and the target writes the bytes (`emit`). The allocator knows nothing of the
// CPU but struct mach_registers, and nothing of an instruction but its operands and flags.
//
// Virtual registers are in SSA form: each has one definition, which dominates its uses. What joins
// at a block are the block's parameters; each edge has one argument for each of them. Blocks stand
// in the order in which they are emitted; loops are unbroken runs of blocks; no edge is critical.
//
// Owner   the arena of the function.
// Limits  core/jit/limits.h.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"
struct arena;
struct jit_pace;

enum { MACH_NONE = UINT32_MAX };

// Registers are numbered from 0, integer ones first; places from MACH_SLOT on are spill slots of 8
// bytes each: MACH_SLOT + n. A virtual register of 16 bytes takes two slots, n even.
enum { MACH_REGISTERS = 32, MACH_SLOT = 64, MACH_PLACE_NONE = UINT16_MAX };
typedef u16 mach_place;

enum { MACH_SAME_OPERANDS = 8 };

enum mach_class { MACH_INTEGER, MACH_FLOAT, MACH_CLASS_COUNT };

struct mach_registers {
    u64 allocatable[MACH_CLASS_COUNT]; // a bit for each register
    u64 preserved;                     // those that a callee preserves; using one costs its saving
    // For moves between slots and for cycles of moves; not allocatable. Float registers, which can
    // hold integers too.
    mach_place scratch;
};

struct mach_vreg {
    u8 class; // enum mach_class
    u8 bytes; // 4, 8 or 16: what a move of it moves
    // Computed by one instruction without operands but its result, which is cheaper than a load:
    // never spilled but computed again where it is needed (struct mach_move). That instruction's
    // DEF is not FIXED, and gets MACH_PLACE_NONE where nobody wants it: it is then not emitted.
    bool is_remat;
    u32 def; // instruction that defines it; MACH_NONE: a block's parameter
};

// When, within the instruction, an operand needs its place. An instruction first reads, then
// writes.
enum mach_role {
    MACH_USE,       // read at the start: a DEF may have the same register
    MACH_USE_LATE,  // read until the end: shares with no DEF
    MACH_DEF,       // written at the end
    MACH_DEF_EARLY, // written while uses are still read
    MACH_TEMP,      // a register for the instruction alone; `vreg` gives its class
};

enum mach_constraint {
    MACH_IN_REGISTER,
    MACH_ANYWHERE, // a register or a slot
    MACH_FIXED,    // register `reg`
    MACH_SAME,     // a DEF in the register of operand `reg` of the instruction, a USE IN_REGISTER.
                   // Only in instructions of at most MACH_SAME_OPERANDS
};

struct mach_operand {
    u32 vreg;
    u8 role;       // enum mach_role
    u8 constraint; // enum mach_constraint
    u8 reg;
    mach_place place; // set by the allocator
};
STATIC_ASSERT(sizeof(struct mach_operand) == 12);

enum mach_flags {
    MACH_IS_CALL = 1,    // writes all registers that are not preserved, at its end; FIXED DEFs are
                         // among them. Uses are read before.
    MACH_IS_LANDING = 8, // of a call: it preserves no register at all, and the prologue saves all
    MACH_IS_MOVE =
        2, // operand 0 is a DEF, operand 1 a USE, and the instruction nothing but a copy:
           // the allocator tries to give both one place
    MACH_IS_EXIT = 4, // the last of its block; defines nothing, and with a single successor has no
                      // operands at all, so that an edge's moves can stand before it
};

struct mach_ins {
    u16 op; // the target's
    u8 operand_count;
    u8 flags;
    u32 operands; // first
    u32 origin;   // offset in the function's body
    u32 a;        // the target's own, as is `bits`
    u64 bits;
};

struct mach_edge {
    u32 from;
    u32 to;
    u32 args; // first in `lists`: virtual registers, one for each parameter of `to`
};

struct mach_block {
    u32 first; // instructions [first, end)
    u32 end;
    u32 params; // first in `lists`: virtual registers
    u32 param_count;
    u32 preds; // first in `lists`: edges
    u32 pred_count;
    u32 succs; // first in `lists`: edges
    u32 succ_count;
    u32 loop_end; // of a loop's header: one past the last block of the loop; else 0
    u16 loop_depth;
    bool is_cold; // runs next to never
};

// A copy that the allocator inserts. Those with the same `before` are executed in their order. One
// may stand between a comparison and its branch: its code leaves the flags as they are, also where
// it computes a constant again.
struct mach_move {
    u32 before; // instruction; at the start of a block its first, at an edge either the last of
                // `from` (if that has one successor) or the first of `to`
    mach_place from; // MACH_PLACE_NONE: compute `vreg` again, whose definition is is_remat
    mach_place to;   // a register, or a slot unless `from` is one as well
    u32 vreg;        // what is moved: its class and bytes. MACH_NONE: 8 bytes between an integer
                     // register and the scratch register
};

struct mach {
    struct arena *arena;
    struct jit_pace *pace; // of all passes
    const struct mach_registers *registers;
    struct mach_ins *ins;
    u32 ins_count;
    u32 ins_capacity;
    struct mach_operand *operands;
    u32 operand_count;
    u32 operand_capacity;
    struct mach_vreg *vregs;
    u32 vreg_count;
    u32 vreg_capacity;
    struct mach_block *blocks;
    u32 block_count;
    struct mach_edge *edges;
    u32 edge_count;
    u32 edge_capacity;
    u32 *lists;
    u32 list_count;
    u32 list_capacity;
    u32 stack_bytes; // outgoing arguments of calls, below the spill slots

    // Of the allocator.
    bool is_coarse;          // it is to do no work of JIT_ALLOC_WORK
    struct mach_move *moves; // in order of `before`
    u32 move_count;
    u32 slot_count;
    u64 preserved_used; // registers that the prologue must save
};
