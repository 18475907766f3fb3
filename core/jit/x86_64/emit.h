// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/emit.h: the state of emission. Private to emit.c, which writes a function, and
// special.c, which takes apart the instructions that stand for several.
#pragma once
#include "core/base/assert.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/mach.h"
#include "core/jit/x86_64/asm.h"
#include "core/jit/x86_64/internal.h"

// Code behind the function that an instruction branches to in the rare case.
struct cold {
    const struct mach_ins *ins;
    u32 label;
    u32 resume; // label behind the instruction; ASM_NO_LABEL: it does not come back
    u8 trap;    // enum trap; TRAP_NONE: by the instruction
};
enum { ASM_NO_LABEL = UINT32_MAX };

struct emit_site {
    u32 mark;
    u32 origin;
    u8 trap;
    u8 landing;
};

struct emit_call {
    u32 mark;
    u32 function;
};

struct emit_table {
    u32 label;
    u32 block;
    u32 list; // of struct ir
};

struct emitter {
    struct assembler as;
    const struct mach *mach;
    const struct ir *ir;
    const struct jit_options *options;
    struct arena *scratch;
    u32 *labels;  // of blocks
    u32 *targets; // of blocks: where a jump there ends, empty blocks passed
    u32 *order;   // blocks as they are written
    u32 order_count;
    struct cold *colds;
    u32 cold_count;
    u32 cold_capacity;
    struct emit_site *sites;
    u32 site_count;
    u32 site_capacity;
    struct emit_call *calls;
    u32 call_count;
    u32 call_capacity;
    struct emit_table *tables;
    u32 table_count;
    u32 table_capacity;
    u32 *table_labels; // of blocks, plus 1; 0: none yet
    u32 pushed_count;
    u32 frame_bytes; // pushed registers included
    bool has_call;
    u32 block;       // that is being written
    u32 next;        // the one that is written behind it; MACH_NONE
    u32 copies_left; // instructions that may be written twice
    u8 flags_reg;    // the instruction before set the flags by this register; X64_NONE
    bool flags_wide;
    enum err err;
};

// Remembers that the instruction which follows in the code may fault, or, with
// TRAP_NONE, that what is before it was a call.
void x64_site(struct emitter *e, const struct mach_ins *ins, enum trap trap);
// Behind a call whose site was the last thing: 0 in X64_LANDING, if exceptions land there.
void x64_landing(struct emitter *e, const struct mach_ins *ins);
// A label of code to be written behind the function; `resume` receives the label that it goes back
// to, which the caller binds, or is NULL.
u32 x64_cold(struct emitter *e, const struct mach_ins *ins, enum trap trap, u32 *resume);
// A call whose distance others fill in, with the site of its return address.
void x64_call(struct emitter *e, const struct mach_ins *ins, u32 function);
// r/m of an operand that lies in a register or a slot.
struct asm_ins x64_place_rm(const struct emitter *e, mach_place place);
// The label of the table of jumps of this block.
u32 x64_table(struct emitter *e);
// A call in the place of a return, behind x64_epilogue.
void x64_tail(struct emitter *e, u32 function);
// Takes the frame off the stack; a return or a jump follows.
void x64_epilogue(struct emitter *e);
void x64_branch_block(struct emitter *e, enum x64_condition condition, u32 block);

// ---- special.c
// Writes an instruction of selection alone. False: it is none of its.
bool x64_special(struct emitter *e, const struct mach_ins *ins);
// One of those that are atomic (special_atomic.c).
void x64_special_atomic(struct emitter *e, const struct mach_ins *ins);
// The rare rest of one.
void x64_special_cold(struct emitter *e, const struct cold *cold);
