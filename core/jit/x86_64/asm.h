// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/asm.h: writes instructions of x86-64 as bytes.
//
// Use     asm_init; then instructions, labels, branches, marks in the order of the code; then
//         asm_finish, which chooses the lengths of branches, places the constants behind the code
//         and gives one piece of memory; then asm_mark_offset and asm_label_offset.
//         The first failure is kept, all else is then ignored, and asm_finish returns it.
// Owner   the arena of asm_init, scratch; the finished bytes lie in that of asm_finish.
// Limits  JIT_CODE_BYTES of code; labels, marks and events by the same number.
// Source  Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2.
#pragma once
#include "core/base/compiler.h"
#include "core/base/err.h"
#include "core/base/types.h"
struct arena;
struct jit_pace;

// Registers: integer ones by their number in encodings, then vector ones. Also the numbering of
// struct mach_registers.
enum x64_register {
    X64_RAX,
    X64_RCX,
    X64_RDX,
    X64_RBX,
    X64_RSP,
    X64_RBP,
    X64_RSI,
    X64_RDI,
    X64_R8,
    X64_R9,
    X64_R10,
    X64_R11,
    X64_R12,
    X64_R13,
    X64_R14,
    X64_R15,
    X64_XMM0,
    X64_XMM15 = X64_XMM0 + 15,
    X64_REGISTER_COUNT,
    X64_NONE = 0xff,
};

// Conditions, by their number in encodings. The lowest bit inverts.
enum x64_condition {
    X64_O,
    X64_NO,
    X64_B,  // below: unsigned
    X64_AE, // above or equal
    X64_E,
    X64_NE,
    X64_BE,
    X64_A,
    X64_S,
    X64_NS,
    X64_P, // parity; of a comparison of floats: one is a NaN
    X64_NP,
    X64_L, // less: signed
    X64_GE,
    X64_LE,
    X64_G,
    X64_ALWAYS, // of asm_branch
};

// Instructions of ops.def: X64_ADD and so on. First those that are encoded, then those of selection
// alone, which emit.c takes apart.
enum x64_op {
#define X64_OP(name, text, form, prefix, map, opcode, ext, vex, imm, size) X64_##name,
#include "core/jit/x86_64/ops.def"
    X64_OP_COUNT,
};

// Which parts an instruction has; see struct asm_ins.
enum x64_form {
    X64_FORM_NONE, // the opcode alone
    X64_FORM_RM,   // reg, r/m
    X64_FORM_MR,   // r/m, reg
    X64_FORM_M,    // r/m
    X64_FORM_MI,   // r/m, immediate
    X64_FORM_RMI,  // reg, r/m, immediate
    X64_FORM_O,    // reg, in the opcode
    X64_FORM_OI,   // reg, in the opcode; immediate
    X64_FORM_RVM,  // reg, vvvv, r/m
    X64_FORM_RVMI, // reg, vvvv, r/m, immediate
    X64_FORM_RVMR, // reg, vvvv, r/m, and the vector register `imm`
    X64_FORM_RMV,  // reg, r/m, vvvv
    X64_FORM_VM,   // vvvv, r/m
    X64_FORM_VMI,  // vvvv, r/m, immediate; without AVX both must be one register
    X64_FORM_MRI,  // r/m, reg, immediate
};

// How it is encoded when the CPU has AVX.
enum x64_vex {
    X64_VEX_NO,   // as ever
    X64_VEX_ONLY, // BMI and AVX instructions: never without
    X64_VEX_TWO,  // vvvv unused
    X64_VEX_THREE // vvvv is the first source; without AVX it must be the same register as reg
};

// Immediates.
enum x64_imm {
    X64_IMM_NO,
    X64_IMM_8,
    X64_IMM_16,
    X64_IMM_32,
    X64_IMM_64,
    X64_IMM_SHORT, // 32 bits, sign-extended; opcode | 2 with 8 bits where they do
    X64_IMM_SHIFT, // 8 bits; opcode | 0x10 without any when it is 1
};

// Widths and registers of an instruction's operands.
enum x64_size {
    X64_SIZE_W,      // 32 or 64 bits by `is_wide`
    X64_SIZE_8,      // both operands 8 bits
    X64_SIZE_8_RM,   // only r/m is 8 bits wide; reg by `is_wide`
    X64_SIZE_16,     // both operands 16 bits
    X64_SIZE_16_RM,  // only r/m
    X64_SIZE_32,     // always 32, whatever `is_wide`
    X64_SIZE_64,     // always 64, with REX.W
    X64_SIZE_64_DEF, // always 64, without REX.W (push, jmp)
    X64_SIZE_32_RM,  // r/m 32 bits, reg 64 (movsxd)
    X64_SIZE_S,      // vector registers, memory of 4 bytes
    X64_SIZE_D,      // of 8
    X64_SIZE_X,      // of 16
    X64_SIZE_Y,      // vector registers of 32 bytes, memory of 32
    X64_SIZE_S_1,    // of 1
    X64_SIZE_S_2,    // of 2
    X64_SIZE_XG,     // reg is a vector register, r/m an integer one or memory, by `is_wide`
    X64_SIZE_XG_1,   // the same, of 32 bits; memory of 1 byte
    X64_SIZE_XG_2,   // the same, memory of 2 bytes
    X64_SIZE_GX,     // reg is an integer register of 32 bits, r/m a vector one, never memory
    X64_SIZE_GXS,    // reg is an integer register by `is_wide`, r/m a vector one or 4 bytes
    X64_SIZE_GXD,    // the same, or 8 bytes
};

struct x64_op_facts {
    const char *text; // as assemblers write it; NULL: not encoded, of selection alone
    u8 form;          // enum x64_form
    u8 prefix;        // 0, 0x66, 0xf3 or 0xf2
    u8 map;           // 0: opcode alone, 1: 0f, 2: 0f 38, 3: 0f 3a
    u8 opcode;
    u8 ext;  // of forms M, MI, VM and VMI: the digit in reg
    u8 vex;  // enum x64_vex
    u8 imm;  // enum x64_imm
    u8 size; // enum x64_size
};

extern const struct x64_op_facts x64_ops[X64_OP_COUNT];

// A place in memory: base + index << scale + disp.
struct asm_mem {
    u8 base;         // X64_NONE: none; ASM_BASE_LABEL: `disp` is a label, relative to the code
    u8 index;        // X64_NONE: none; never rsp
    u8 scale;        // log2: 0 to 3
    bool is_segment; // behind the base of gs, and the sum wraps at 32 bits
    i32 disp;
};
enum { ASM_BASE_LABEL = 0xfe };

// One instruction. Which fields mean something follows from its form.
struct asm_ins {
    u16 op; // enum x64_op
    bool is_wide;
    bool is_mem;  // r/m is `mem`, else the register `rm`
    u8 condition; // enum x64_condition, added to the opcode of SETcc and CMOVcc
    u8 reg;       // enum x64_register
    u8 vvvv;      //
    u8 rm;        //
    struct asm_mem mem;
    u64 imm;
};

// Something in the code whose place or length is known at the end only.
struct asm_event {
    u32 at;  // bytes before it, without what events become
    u8 kind; // private to asm.c
    u8 detail;
    u8 size; // bytes that it takes
    u32 value;
    u32 other;
};

struct assembler {
    struct arena *arena;
    struct jit_pace *pace; // of asm_finish; NULL: nobody waits
    u8 *bytes;             // all that is not an event
    u32 size;
    u32 capacity;
    struct asm_event *events;
    u32 event_count;
    u32 event_capacity;
    u32 *labels; // offsets
    u32 label_count;
    u32 label_capacity;
    u32 *marks; // offsets
    u32 mark_count;
    u32 mark_capacity;
    struct asm_constant *constants;
    u32 constant_count;
    u32 constant_capacity;
    u32 *constant_map; // by hash: index + 1
    u32 constant_map_size;
    bool has_avx;
    enum err err;
};

// Bits of jit_options.features for this target: what the CPU has beyond SSE4.2 and POPCNT.
enum x64_feature {
    X64_HAS_AVX = 1,
    X64_HAS_AVX2 = 2,
    X64_HAS_BMI1 = 4, // with TZCNT and ANDN
    X64_HAS_BMI2 = 8,
    X64_HAS_LZCNT = 16,
    X64_HAS_FMA = 32, // not used: results would differ
};

void asm_init(struct assembler *as, u32 features, struct arena *arena);

// Any instruction. An assertion fails when it cannot be encoded so.
void asm_put(struct assembler *as, const struct asm_ins *ins);

// The common shapes of it. `is_wide`: 64 bits where the instruction has both.
//   asm_none op                       asm_r   op r/m (M) or op reg (O)
//   asm_m    op [mem]                 asm_rr  op reg, r/m (for MR: op r/m, reg)
//   asm_rm   op reg, [mem]; for a store (MR): op [mem], reg
//   asm_ri   op r/m, imm (MI, OI)     asm_mi  op [mem], imm
//   asm_rri  op reg, r/m, imm         asm_rmi op reg, [mem], imm
//   asm_vrr  op reg, vvvv, r/m (RVM) or op reg, r/m, vvvv (RMV)
//   asm_vrm  the same with memory
void asm_none(struct assembler *as, enum x64_op op, bool is_wide);
void asm_r(struct assembler *as, enum x64_op op, bool is_wide, u8 rm);
void asm_m(struct assembler *as, enum x64_op op, bool is_wide, struct asm_mem mem);
void asm_rr(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 rm);
void asm_rm(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, struct asm_mem mem);
void asm_ri(struct assembler *as, enum x64_op op, bool is_wide, u8 rm, u64 imm);
void asm_mi(struct assembler *as, enum x64_op op, bool is_wide, struct asm_mem mem, u64 imm);
void asm_rri(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 rm, u64 imm);
void asm_rmi(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, struct asm_mem mem,
             u64 imm);
void asm_vrr(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 vvvv, u8 rm);
void asm_vrm(struct assembler *as, enum x64_op op, bool is_wide, u8 reg, u8 vvvv,
             struct asm_mem mem);

static inline struct asm_mem asm_at(u8 base, i32 disp)
{
    return (struct asm_mem){.base = base, .index = X64_NONE, .disp = disp};
}

// A constant to a register by the shortest instruction that leaves the flags alone.
void asm_mov_imm(struct assembler *as, u8 reg, u64 value);
// All of a register of 16 bytes, or an integer register: nothing when both are the same.
void asm_mov(struct assembler *as, bool is_wide, u8 to, u8 from);

// Labels are numbers. Each must be bound once before asm_finish if it is used.
u32 asm_label(struct assembler *as);
void asm_bind(struct assembler *as, u32 label);
// A jump, X64_ALWAYS, or a branch to a label.
void asm_branch(struct assembler *as, enum x64_condition condition, u32 label);
// The following instruction at a multiple of 1 << log2 bytes, at most 32, behind one long nop.
void asm_align(struct assembler *as, u32 log2);
// Four bytes: the distance from label `base` to `label`. For tables of jumps.
void asm_distance(struct assembler *as, u32 base, u32 label);
// `call` whose four bytes of distance, which the mark names, whoever places the code fills in.
u32 asm_call(struct assembler *as);
// The same for `jmp`, with REX.W as JMP_TAIL has it.
u32 asm_tail(struct assembler *as);
// Remembers this point of the code.
u32 asm_mark(struct assembler *as);
// A constant of 4, 8 or 16 bytes behind the code, for instructions that read memory. Equal ones are
// one.
struct asm_mem asm_constant(struct assembler *as, u64 low, u64 high, u32 bytes);

// Lays everything out.
// ERR_LIMIT, ERR_NO_MEMORY  what went wrong since asm_init
enum err asm_finish(struct assembler *as, struct arena *arena, u8 **bytes, u32 *size);
u32 asm_mark_offset(const struct assembler *as, u32 mark);
u32 asm_label_offset(const struct assembler *as, u32 label);
