// SPDX-License-Identifier: GPL-3.0-or-later
// memory.copy and memory.fill of few bytes in memory 0, without leaving compiled code: programs
// copy their structures so. What is long, or not all in the memory, is left to the interpreter.
//
// The operands are as a helper is called with them: an address in rdi, an address or a value in
// rsi, a count in rdx, each an i32 with zeros above. All that a call preserves is left alone, and
// so is r11, which the rest needs. No frame is made, and whoever interrupts it goes on in it later.
#include "core/jit/x86_64/bulk.h"
#include "core/base/compiler.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/layout.h"
#include "core/jit/limits.h"
#include "core/jit/x86_64/asm.h"

enum {
    XMM_BYTES = 16,
    REP_BYTES = 512,
    TO = X64_RDI,
    FROM = X64_RSI,
    VALUE = X64_RSI,
    COUNT = X64_RDX
};

static struct asm_mem at(u8 base, u8 index, i32 disp)
{
    return (struct asm_mem){.base = base, .index = index, .disp = disp};
}

// To `slow` unless all bytes from an address on are within the memory, whose size is in rax.
static void put_check(struct assembler *as, u8 address, u32 slow)
{
    asm_rm(as, X64_LEA, true, X64_RCX, at(address, COUNT, 0));
    asm_rr(as, X64_CMP, true, X64_RCX, X64_RAX);
    asm_branch(as, X64_A, slow);
}

// Checks, before anything changes; then rdi, and for a copy rsi, are addresses of the machine.
static void put_begin(struct assembler *as, bool is_copy, u32 slow)
{
    asm_rm(as, X64_MOV, true, X64_RAX, asm_at(X64_R14, JIT_INSTANCE_MEMORY));
    asm_rm(as, X64_MOV, true, X64_RAX, asm_at(X64_RAX, JIT_MEMORY_SIZE));
    asm_ri(as, X64_CMP_I, false, COUNT, JIT_BULK_BYTES);
    asm_branch(as, X64_A, slow);
    put_check(as, TO, slow);
    if (is_copy) {
        put_check(as, FROM, slow);
        asm_rr(as, X64_ADD, true, FROM, X64_R15);
    }
    asm_rr(as, X64_ADD, true, TO, X64_R15);
}

// Copies of at least `bytes` and at most twice as many: the first and the last of them, which may
// be the same in part. Both are read before one is written.
static void put_copy_two(struct assembler *as, i32 bytes)
{
    bool is_xmm = bytes == XMM_BYTES;
    enum x64_op load = is_xmm ? X64_MOVUPS : X64_MOV;
    enum x64_op store = is_xmm ? X64_MOVUPS_MR : X64_MOV_MR;
    u8 first = is_xmm ? X64_XMM0 : X64_RAX;
    u8 last = is_xmm ? X64_XMM0 + 1 : X64_RCX;
    asm_rm(as, load, bytes == 8, first, asm_at(FROM, 0));
    asm_rm(as, load, bytes == 8, last, at(FROM, COUNT, -bytes));
    asm_rm(as, store, bytes == 8, first, asm_at(TO, 0));
    asm_rm(as, store, bytes == 8, last, at(TO, COUNT, -bytes));
    asm_none(as, X64_RET, true);
}

// One to three: the first, the middle, the last.
static void put_copy_few(struct assembler *as)
{
    asm_rm(as, X64_MOVZX8, false, X64_RAX, asm_at(FROM, 0));
    asm_rm(as, X64_MOVZX8, false, X64_RCX, at(FROM, COUNT, -1));
    asm_rr(as, X64_MOV, false, X64_R8, COUNT);
    asm_ri(as, X64_SHR_I, false, X64_R8, 1);
    asm_rm(as, X64_MOVZX8, false, X64_R9, at(FROM, X64_R8, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_R9, at(TO, X64_R8, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RCX, at(TO, COUNT, -1));
    asm_none(as, X64_RET, true);
}

// More than 32: the CPU itself moves many that are apart. Else from the end that is not overwritten
// before it is read. The bytes at the other end, less than 16 of which are left over, are read
// before anything is written.
static void put_copy_many(struct assembler *as)
{
    u32 forward = asm_label(as);
    u32 backward = asm_label(as);
    u32 overlaps = asm_label(as);
    u32 little = asm_label(as);
    asm_rr(as, X64_MOV, true, X64_RAX, TO);
    asm_rr(as, X64_SUB, true, X64_RAX, FROM);
    asm_rr(as, X64_CMP, true, X64_RAX, COUNT);
    asm_branch(as, X64_B, overlaps);
    asm_ri(as, X64_CMP_I, false, COUNT, REP_BYTES);
    asm_branch(as, X64_B, little);
    asm_r(as, X64_NEG, true, X64_RAX);
    asm_rr(as, X64_CMP, true, X64_RAX, COUNT);
    asm_branch(as, X64_B, little); // the CPU is slow where they overlap
    asm_rr(as, X64_MOV, true, X64_RCX, COUNT);
    asm_none(as, X64_REP_MOVSB, false);
    asm_none(as, X64_RET, true);
    asm_bind(as, little);
    asm_rm(as, X64_MOVUPS, false, X64_XMM0 + 1, at(FROM, COUNT, -XMM_BYTES));
    asm_rm(as, X64_LEA, true, X64_R8, asm_at(COUNT, -XMM_BYTES));
    asm_rr(as, X64_XOR, false, X64_RCX, X64_RCX);
    asm_bind(as, forward);
    asm_rm(as, X64_MOVUPS, false, X64_XMM0, at(FROM, X64_RCX, 0));
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0, at(TO, X64_RCX, 0));
    asm_ri(as, X64_ADD_I, true, X64_RCX, XMM_BYTES);
    asm_rr(as, X64_CMP, true, X64_RCX, X64_R8);
    asm_branch(as, X64_B, forward);
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0 + 1, at(TO, X64_R8, 0));
    asm_none(as, X64_RET, true);
    asm_bind(as, overlaps);
    asm_rm(as, X64_MOVUPS, false, X64_XMM0 + 1, asm_at(FROM, 0));
    asm_bind(as, backward);
    asm_rm(as, X64_MOVUPS, false, X64_XMM0, at(FROM, COUNT, -XMM_BYTES));
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0, at(TO, COUNT, -XMM_BYTES));
    asm_ri(as, X64_SUB_I, true, COUNT, XMM_BYTES);
    asm_ri(as, X64_CMP_I, true, COUNT, XMM_BYTES);
    asm_branch(as, X64_A, backward);
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0 + 1, asm_at(TO, 0));
    asm_none(as, X64_RET, true);
}

static void put_copy(struct assembler *as)
{
    u32 few = asm_label(as);
    u32 four = asm_label(as);
    u32 eight = asm_label(as);
    u32 many = asm_label(as);
    u32 end = asm_label(as);
    asm_ri(as, X64_CMP_I, false, COUNT, XMM_BYTES);
    asm_branch(as, X64_B, eight);
    asm_ri(as, X64_CMP_I, false, COUNT, 2 * XMM_BYTES);
    asm_branch(as, X64_A, many);
    put_copy_two(as, XMM_BYTES);
    asm_bind(as, eight);
    asm_ri(as, X64_CMP_I, false, COUNT, 8);
    asm_branch(as, X64_B, four);
    put_copy_two(as, 8);
    asm_bind(as, four);
    asm_ri(as, X64_CMP_I, false, COUNT, 4);
    asm_branch(as, X64_B, few);
    put_copy_two(as, 4);
    asm_bind(as, few);
    asm_rr(as, X64_TEST, false, COUNT, COUNT);
    asm_branch(as, X64_E, end);
    put_copy_few(as);
    asm_bind(as, many);
    put_copy_many(as);
    asm_bind(as, end);
    asm_none(as, X64_RET, true);
}

// The value in all bytes of rax and xmm0, then the same cases.
static void put_fill(struct assembler *as)
{
    u32 eight = asm_label(as);
    u32 few = asm_label(as);
    u32 next = asm_label(as);
    u32 end = asm_label(as);
    asm_rr(as, X64_MOVZX8, false, X64_RAX, VALUE);
    asm_mov_imm(as, X64_RCX, 0x0101010101010101);
    asm_rr(as, X64_IMUL, true, X64_RAX, X64_RCX);
    asm_ri(as, X64_CMP_I, false, COUNT, XMM_BYTES);
    asm_branch(as, X64_B, eight);
    asm_rr(as, X64_MOVD, true, X64_XMM0, X64_RAX);
    asm_vrr(as, X64_PUNPCKLQDQ, false, X64_XMM0, X64_XMM0, X64_XMM0);
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0, at(TO, COUNT, -XMM_BYTES));
    asm_bind(as, next); // as many as there are before those
    asm_rm(as, X64_MOVUPS_MR, false, X64_XMM0, asm_at(TO, 0));
    asm_ri(as, X64_ADD_I, true, TO, XMM_BYTES);
    asm_ri(as, X64_SUB_I, false, COUNT, XMM_BYTES);
    asm_ri(as, X64_CMP_I, false, COUNT, XMM_BYTES);
    asm_branch(as, X64_A, next);
    asm_none(as, X64_RET, true);
    asm_bind(as, eight);
    asm_ri(as, X64_CMP_I, false, COUNT, 8);
    asm_branch(as, X64_B, few);
    asm_rm(as, X64_MOV_MR, true, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV_MR, true, X64_RAX, at(TO, COUNT, -8));
    asm_none(as, X64_RET, true);
    asm_bind(as, few);
    asm_rr(as, X64_TEST, false, COUNT, COUNT);
    asm_branch(as, X64_E, end);
    u32 byte = asm_label(as);
    asm_bind(as, byte);
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, at(TO, COUNT, -1));
    asm_ri(as, X64_SUB_I, false, COUNT, 1);
    asm_branch(as, X64_NE, byte);
    asm_bind(as, end);
    asm_none(as, X64_RET, true);
}

void x64_put_bulk(struct assembler *as, u32 helper, const struct jit_options *options)
{
    bool is_copy = helper == IR_HELPER_MEMORY_COPY;
    if (!ir_helper_is_bulk(helper) || options->bounds != JIT_BOUNDS_GUARD) {
        return; // a guess of these branches could reach what lies beside a small process's memory
    }
    u32 slow = asm_label(as);
    put_begin(as, is_copy, slow);
    if (is_copy) {
        put_copy(as);
    } else {
        put_fill(as);
    }
    asm_bind(as, slow);
}
