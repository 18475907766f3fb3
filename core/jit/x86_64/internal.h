// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/internal.h: what selection and emission agree on: how a struct mach_ins of this
// CPU is to be read.
//
// Instructions that are encoded (asm.h) have the operands that their form names, in this order:
//
//   reg      forms RM, RMI, MR, RVM, RVMI, RMV. Where the CPU reads and writes it (ADD): a DEF that
//            is the SAME as the USE behind it; else a DEF, or a USE (CMP, TEST, MR)
//   vvvv     forms RVM, RVMI: a USE, which without AVX is the SAME as the DEF; absent for those
//            that have one source (`is_unary`). Forms VM and VMI: the DEF, which without AVX is
//            the SAME as r/m in form VMI
//   r/m      a register, which may be a slot where it is a USE; or for memory its base and its
//            index. Forms M and MI that write it: a DEF that is the SAME as the USE behind it
//   vvvv     form RMV: a USE; the fourth register of form RVMR as well
//   others   temporaries, and registers that the instruction uses without naming them
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/mach.h"
#include "core/jit/x86_64/asm.h"
struct arena;
struct ir;
struct jit_function;
struct jit_options;

// What r/m is.
enum x64_rm {
    X64_RM_REGISTER,
    X64_RM_MEMORY,   // [r15 + operand << scale + disp]: memory 0
    X64_RM_SEGMENT,  // gs:[operand + operand << scale + disp], wrapping at 32 bits
    X64_RM_INSTANCE, // [r14 + disp]
    X64_RM_FREE,     // [operand + operand << scale + disp]
    X64_RM_STACK,    // [rsp + disp]: arguments for the next call, or its results
    X64_RM_INCOMING, // [rsp of the caller + disp]: arguments of this function, or its results
    X64_RM_CONSTANT, // `bits` as a constant in memory, of the size that the instruction reads
    X64_RM_VECTOR,   // the same: the four words of mach.lists from the low half of `bits` on
};

// mach_ins.a; `bits` holds the displacement below and the immediate above, where there are any.
struct x64_shape {
    u8 rm; // enum x64_rm
    bool is_wide : 1;
    bool has_base : 1;
    bool has_index : 1;
    bool is_unary : 1;
    u8 scale : 2;
    u8 condition;
    u8 trap; // enum trap that a fault of this instruction is; TRAP_NONE: it has none
};
STATIC_ASSERT(sizeof(struct x64_shape) == sizeof(u32));

static inline u32 x64_shape_word(struct x64_shape shape)
{
    u32 word;
    __builtin_memcpy(&word, &shape, sizeof word);
    return word;
}

static inline struct x64_shape x64_shape(const struct mach_ins *ins)
{
    struct x64_shape shape;
    __builtin_memcpy(&shape, &ins->a, sizeof shape);
    return shape;
}

enum {
    X64_INSTANCE = X64_R14,
    X64_MEMORY = X64_R15,
    X64_ELEMENT = X64_R11, // struct wasm_func * of an indirect call
    X64_LANDING = X64_R11, // behind a call that lands: 0, or what was caught
    X64_SCRATCH = X64_XMM15
};
enum { X64_LOOP_ALIGN_LOG2 = 4 };
extern const struct mach_registers x64_registers;

// enum kind of an enum wasm_type.
u8 x64_kind(u8 type);

enum err x64_select(const struct ir *ir, const struct jit_options *options, struct mach *out);
enum err x64_emit(const struct mach *mach, const struct ir *ir, const struct jit_options *options,
                  struct arena *arena, struct jit_function *out);
