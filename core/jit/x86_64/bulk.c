// SPDX-License-Identifier: GPL-3.0-or-later
// memory.copy, memory.fill and memory.init of at most JIT_BULK_BYTES, without leaving compiled
// code: programs copy their structures and rows so. What is longer, or not all there, is left to
// the interpreter.
//
// The operands are as a helper is called with them: an address in rdi, an address or a value in
// rsi, a count in rdx, each an i32 with zeros above; then numbers of memories and of a segment.
// They, r11 and all that a call preserves are left alone until it is certain that the work is done
// here. No frame is made, and whoever interrupts it goes on in it later.
//
// A branch may be guessed wrong (docs/security.md). Where a range is not inside, COUNT is 0 behind
// the comparison, by a conditional move, but in a reserved memory 0, which no such range leaves.
// And where COUNT is too small for the case that a branch chose, both places become SAFE in the
// same way. So whatever is guessed, what is read lies in one of the two ranges, or in the first
// bytes of memory 0, whose room is never less than a page.
#include "core/jit/x86_64/bulk.h"
#include "core/base/assert.h"
#include "core/jit/ir.h"
#include "core/jit/jit.h"
#include "core/jit/layout.h"
#include "core/jit/limits.h"
#include "core/jit/x86_64/asm.h"

enum {
    XMM_BYTES = 16,
    ROUND = 4, // vectors that are read before one is written
    ROUND_BYTES = ROUND * XMM_BYTES,
    YMM_BYTES = 32,
    LONG_BYTES = ROUND * YMM_BYTES,
    REP_BYTES = 1024,      // from here on the CPU's own is faster, which takes 20 ns to begin,
    REP_BYTES_LONG = 3072, // also than 32 bytes at a time
    // ---- as they come
    TO_ADDRESS = X64_RDI,
    FROM_ADDRESS = X64_RSI,
    VALUE = X64_RSI,
    COUNT = X64_RDX,
    FIRST = X64_RCX, // of the numbers behind them
    SECOND = X64_R8,
    // ---- when the work is done
    TO = X64_R9,
    FROM = X64_R10,
    SAFE = X64_R8,
};
STATIC_ASSERT(LONG_BYTES == 2 * ROUND_BYTES);         // SAFE has as much below it
STATIC_ASSERT(2 * LONG_BYTES <= WASM_PAGE_BYTES / 2); // and above

static struct asm_mem at(u8 base, u8 index, i32 disp)
{
    return (struct asm_mem){.base = base, .index = index, .disp = disp};
}

static void load(struct assembler *as, u8 reg, u8 base, i32 offset)
{
    asm_rm(as, X64_MOV, true, reg, asm_at(base, offset));
}

static void move_if(struct assembler *as, enum x64_condition condition, u8 to, u8 from)
{
    asm_put(
        as,
        &(struct asm_ins){
            .op = X64_CMOVCC, .is_wide = true, .condition = (u8)condition, .reg = to, .rm = from});
}

static u32 rep_bytes(const struct assembler *as)
{
    return as->has_avx ? REP_BYTES_LONG : REP_BYTES;
}

// ---- which bytes

// To `slow` unless all bytes from an address on are within so many; `temp` is lost.
static void put_check(struct assembler *as, u8 address, struct asm_mem size, u8 temp,
                      bool is_reserved, u32 slow)
{
    asm_rm(as, X64_LEA, true, temp, at(address, COUNT, 0));
    asm_rm(as, X64_CMP, true, temp, size);
    asm_branch(as, X64_A, slow);
    if (!is_reserved) {
        asm_mov_imm(as, temp, 0);
        move_if(as, X64_A, COUNT, temp);
    }
}

// A range of a memory: `place` becomes where it begins. number: the register with the memory's;
// X64_NONE: it is memory 0.
static void put_memory(struct assembler *as, const struct jit_options *options, u8 number,
                       u8 address, u8 place, u32 slow)
{
    bool is_reserved = number == X64_NONE && options->bounds == JIT_BOUNDS_GUARD;
    if (number == X64_NONE) {
        load(as, X64_RAX, X64_R14, JIT_INSTANCE_MEMORY);
    } else {
        load(as, X64_RAX, X64_R14, JIT_INSTANCE_MEMORIES);
        asm_rm(as, X64_MOV, true, X64_RAX,
               (struct asm_mem){.base = X64_RAX, .index = number, .scale = 3});
    }
    put_check(as, address, asm_at(X64_RAX, JIT_MEMORY_SIZE), place, is_reserved, slow);
    if (number == X64_NONE) {
        asm_rm(as, X64_LEA, true, place, at(X64_R15, address, 0));
    } else {
        load(as, place, X64_RAX, JIT_MEMORY_BASE);
        asm_rr(as, X64_ADD, true, place, address);
    }
}

// The same of a data segment, before TO is there. One that was dropped is the interpreter's.
static void put_segment(struct assembler *as, u8 number, u32 slow)
{
    u8 data = X64_R9;
    load(as, X64_RAX, X64_R14, JIT_INSTANCE_MODULE);
    asm_rm(as, X64_MOV, false, X64_R9, asm_at(X64_RAX, JIT_MODULE_ELEM_COUNT));
    asm_rr(as, X64_ADD, false, X64_R9, number);
    load(as, X64_R10, X64_R14, JIT_INSTANCE_DROPPED);
    asm_rm(as, X64_BT, false, X64_R9, asm_at(X64_R10, 0));
    asm_branch(as, X64_B, slow);
    asm_rri(as, X64_IMUL_I, true, data, number, JIT_DATA_STRIDE);
    asm_rm(as, X64_ADD, true, data, asm_at(X64_RAX, JIT_MODULE_DATAS));
    put_check(as, FROM_ADDRESS, asm_at(data, JIT_DATA_SIZE), FROM, false, slow);
    load(as, FROM, data, JIT_DATA_BYTES);
    asm_rr(as, X64_ADD, true, FROM, FROM_ADDRESS);
}

// Checks, before anything changes; then TO, and FROM but of a fill, are addresses of the machine.
static void put_begin(struct assembler *as, const struct jit_options *options,
                      enum ir_helper helper, u32 slow)
{
    asm_ri(as, X64_CMP_I, false, COUNT, JIT_BULK_BYTES);
    asm_branch(as, X64_A, slow);
    u8 memory = X64_NONE; // written to
    switch (helper) {
    case IR_HELPER_MEMORY_COPY:
        put_memory(as, options, X64_NONE, FROM_ADDRESS, FROM, slow);
        break;
    case IR_HELPER_MEMORY_COPY_OF:
        put_memory(as, options, SECOND, FROM_ADDRESS, FROM, slow);
        memory = FIRST;
        break;
    case IR_HELPER_MEMORY_INIT:
        put_segment(as, FIRST, slow);
        break;
    case IR_HELPER_MEMORY_INIT_OF:
        put_segment(as, SECOND, slow);
        memory = FIRST;
        break;
    case IR_HELPER_MEMORY_FILL_OF:
        memory = FIRST;
        break;
    default:
        ASSERT(helper == IR_HELPER_MEMORY_FILL);
        break;
    }
    put_memory(as, options, memory, TO_ADDRESS, TO, slow);
    asm_rm(as, X64_LEA, true, SAFE, asm_at(X64_R15, LONG_BYTES));
}

// Behind a comparison of COUNT with the least of a case: if it is less, as `condition` says, the
// branch was guessed.
static void put_safe(struct assembler *as, enum x64_condition condition, bool is_fill)
{
    move_if(as, condition, TO, SAFE);
    if (!is_fill) {
        move_if(as, condition, FROM, SAFE);
    }
}

// ---- moving them

// `count` vectors from `first` on: from memory, or into it.
static void put_vectors(struct assembler *as, bool is_store, u8 first, u32 count,
                        struct asm_mem mem)
{
    for (u32 i = 0; i < count; i++) {
        asm_rm(as, is_store ? X64_MOVUPS_MR : X64_MOVUPS, false, (u8)(first + i), mem);
        mem.disp += XMM_BYTES;
    }
}

// The same of 32 bytes each.
static void put_long(struct assembler *as, bool is_store, u8 first, u32 count, struct asm_mem mem)
{
    for (u32 i = 0; i < count; i++) {
        asm_rm(as, is_store ? X64_VMOVUPS_Y_MR : X64_VMOVUPS_Y, false, (u8)(first + i), mem);
        mem.disp += YMM_BYTES;
    }
}

// Copies of at least `count` vectors and at most twice as many: the first and the last of them,
// which may be the same in part. All are read before one is written.
static void put_copy_vectors(struct assembler *as, u32 count)
{
    i32 bytes = (i32)count * XMM_BYTES;
    u8 last = (u8)(X64_XMM0 + count);
    put_vectors(as, false, X64_XMM0, count, asm_at(FROM, 0));
    put_vectors(as, false, last, count, at(FROM, COUNT, -bytes));
    put_vectors(as, true, X64_XMM0, count, asm_at(TO, 0));
    put_vectors(as, true, last, count, at(TO, COUNT, -bytes));
    asm_none(as, X64_RET, true);
}

// The same of one word.
static void put_copy_words(struct assembler *as, i32 bytes)
{
    asm_rm(as, X64_MOV, bytes == 8, X64_RAX, asm_at(FROM, 0));
    asm_rm(as, X64_MOV, bytes == 8, X64_RCX, at(FROM, COUNT, -bytes));
    asm_rm(as, X64_MOV_MR, bytes == 8, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV_MR, bytes == 8, X64_RCX, at(TO, COUNT, -bytes));
    asm_none(as, X64_RET, true);
}

// One to three: the first, the middle, the last.
static void put_copy_few(struct assembler *as)
{
    asm_rm(as, X64_MOVZX8, false, X64_RAX, asm_at(FROM, 0));
    asm_rm(as, X64_MOVZX8, false, X64_RCX, at(FROM, COUNT, -1));
    asm_rr(as, X64_MOV, false, X64_R8, COUNT);
    asm_ri(as, X64_SHR_I, false, X64_R8, 1);
    asm_rm(as, X64_MOVZX8, false, X64_RSI, at(FROM, X64_R8, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RSI, at(TO, X64_R8, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RCX, at(TO, COUNT, -1));
    asm_none(as, X64_RET, true);
}

// The index of the round that is written last, `bytes` before the end, in rcx; and, in rdi, from
// which index on that is the next one.
static void put_last_round(struct assembler *as, i32 bytes)
{
    asm_rm(as, X64_LEA, true, X64_RCX, asm_at(COUNT, -bytes));
    asm_rm(as, X64_LEA, true, X64_RDI, asm_at(COUNT, -2 * bytes));
}

// Goes on with the next round, unless that would be the last one. The index never passes that one,
// also where the branch is guessed; from one round to the next it takes two cycles.
static void put_next_round(struct assembler *as, u8 index, i32 bytes, u32 next)
{
    asm_rr(as, X64_CMP, true, index, X64_RDI);
    asm_rm(as, X64_LEA, true, index, asm_at(index, bytes));
    move_if(as, X64_GE, index, X64_RCX);
    asm_branch(as, X64_L, next);
}

// From the start on. The last bytes, of which less than a round is left over, are read before
// anything is written.
static void put_copy_forward(struct assembler *as)
{
    u32 next = asm_label(as);
    put_vectors(as, false, X64_XMM0 + ROUND, ROUND, at(FROM, COUNT, -ROUND_BYTES));
    put_last_round(as, ROUND_BYTES);
    asm_rr(as, X64_XOR, false, X64_RAX, X64_RAX);
    asm_bind(as, next);
    put_vectors(as, false, X64_XMM0, ROUND, at(FROM, X64_RAX, 0));
    put_vectors(as, true, X64_XMM0, ROUND, at(TO, X64_RAX, 0));
    put_next_round(as, X64_RAX, ROUND_BYTES, next);
    put_vectors(as, true, X64_XMM0 + ROUND, ROUND, at(TO, X64_RCX, 0));
    asm_none(as, X64_RET, true);
}

// From the end on, the first bytes read before anything is written.
static void put_copy_backward(struct assembler *as)
{
    u32 next = asm_label(as);
    put_vectors(as, false, X64_XMM0 + ROUND, ROUND, asm_at(FROM, 0));
    asm_mov_imm(as, X64_RCX, ROUND_BYTES);
    asm_bind(as, next);
    put_vectors(as, false, X64_XMM0, ROUND, at(FROM, COUNT, -ROUND_BYTES));
    put_vectors(as, true, X64_XMM0, ROUND, at(TO, COUNT, -ROUND_BYTES));
    asm_ri(as, X64_CMP_I, true, COUNT, 2 * ROUND_BYTES);
    asm_rm(as, X64_LEA, true, COUNT, asm_at(COUNT, -ROUND_BYTES));
    move_if(as, X64_L, COUNT, X64_RCX);
    asm_branch(as, X64_G, next);
    put_vectors(as, true, X64_XMM0 + ROUND, ROUND, asm_at(TO, 0));
    asm_none(as, X64_RET, true);
}

// The index of the last round in rcx; of the first one, of at most that, in `index`, where TO is a
// multiple of 32: stores to two lines of the cache take twice as long.
static void put_aligned(struct assembler *as, u8 index)
{
    put_last_round(as, LONG_BYTES);
    asm_rr(as, X64_MOV, false, index, TO);
    asm_r(as, X64_NEG, false, index);
    asm_ri(as, X64_AND_I, false, index, YMM_BYTES - 1);
    asm_rr(as, X64_CMP, true, index, X64_RCX);
    move_if(as, X64_A, index, X64_RCX);
}

// Of two places that are apart, so that all may be done once more: an interrupt keeps only the
// lower halves of these registers.
static struct x64_again put_copy_long(struct assembler *as)
{
    struct x64_again again = {.is_there = true, .start = asm_mark(as)};
    u32 next = asm_label(as);
    put_long(as, false, X64_XMM0 + ROUND, ROUND, at(FROM, COUNT, -LONG_BYTES));
    put_long(as, false, X64_XMM0, 1, asm_at(FROM, 0));
    put_long(as, true, X64_XMM0, 1, asm_at(TO, 0));
    put_aligned(as, X64_RAX);
    asm_bind(as, next);
    put_long(as, false, X64_XMM0, ROUND, at(FROM, X64_RAX, 0));
    put_long(as, true, X64_XMM0, ROUND, at(TO, X64_RAX, 0));
    put_next_round(as, X64_RAX, LONG_BYTES, next);
    put_long(as, true, X64_XMM0 + ROUND, ROUND, at(TO, X64_RCX, 0));
    asm_none(as, X64_VZEROUPPER, false);
    again.end = asm_mark(as);
    asm_none(as, X64_RET, true);
    return again;
}

// Many that are apart are moved 32 bytes at a time, or by the CPU itself. Others from the end that
// is not overwritten before it is read.
static struct x64_again put_copy_many(struct assembler *as)
{
    struct x64_again again = {0};
    u32 little = asm_label(as);
    u32 much = asm_label(as);
    u32 overlaps = asm_label(as);
    asm_rr(as, X64_MOV, true, X64_RAX, TO);
    asm_rr(as, X64_SUB, true, X64_RAX, FROM);
    asm_rr(as, X64_CMP, true, X64_RAX, COUNT);
    asm_branch(as, X64_B, overlaps);
    asm_r(as, X64_NEG, true, X64_RAX);
    asm_rr(as, X64_CMP, true, X64_RAX, COUNT);
    asm_branch(as, X64_B, little); // and where they overlap, the CPU is slow
    asm_ri(as, X64_CMP_I, false, COUNT, rep_bytes(as));
    asm_branch(as, X64_AE, much);
    if (as->has_avx) {
        again = put_copy_long(as);
    }
    asm_bind(as, little);
    put_copy_forward(as);
    asm_bind(as, much);
    asm_rr(as, X64_MOV, true, X64_RDI, TO);
    asm_rr(as, X64_MOV, true, X64_RSI, FROM);
    asm_rr(as, X64_MOV, true, X64_RCX, COUNT);
    asm_none(as, X64_REP_MOVSB, false);
    asm_none(as, X64_RET, true);
    asm_bind(as, overlaps);
    put_copy_backward(as);
    return again;
}

static struct x64_again put_copy(struct assembler *as)
{
    u32 less_16 = asm_label(as);
    u32 less_8 = asm_label(as);
    u32 less_4 = asm_label(as);
    u32 end = asm_label(as);
    asm_ri(as, X64_CMP_I, false, COUNT, XMM_BYTES);
    asm_branch(as, X64_B, less_16);
    put_safe(as, X64_B, false);
    for (u32 count = 1; count <= ROUND; count *= 2) {
        u32 more = asm_label(as);
        asm_ri(as, X64_CMP_I, false, COUNT, (u64)2 * count * XMM_BYTES);
        asm_branch(as, X64_A, more);
        put_copy_vectors(as, count);
        asm_bind(as, more);
        put_safe(as, X64_BE, false);
    }
    struct x64_again again = put_copy_many(as);
    asm_bind(as, less_16);
    asm_ri(as, X64_CMP_I, false, COUNT, 8);
    asm_branch(as, X64_B, less_8);
    put_safe(as, X64_B, false);
    put_copy_words(as, 8);
    asm_bind(as, less_8);
    asm_ri(as, X64_CMP_I, false, COUNT, 4);
    asm_branch(as, X64_B, less_4);
    put_safe(as, X64_B, false);
    put_copy_words(as, 4);
    asm_bind(as, less_4);
    asm_rr(as, X64_TEST, false, COUNT, COUNT);
    asm_branch(as, X64_E, end);
    put_safe(as, X64_E, false);
    put_copy_few(as);
    asm_bind(as, end);
    asm_none(as, X64_RET, true);
    return again;
}

// ---- filling them

// The value in all bytes of xmm0, as it is in those of rax.
static void put_value(struct assembler *as)
{
    asm_rr(as, X64_MOVD, true, X64_XMM0, X64_RAX);
    asm_vrr(as, X64_PUNPCKLQDQ, false, X64_XMM0, X64_XMM0, X64_XMM0);
}

// `count` vectors of the value.
static void put_fill_vectors(struct assembler *as, enum x64_op store, u32 count, struct asm_mem mem)
{
    for (u32 i = 0; i < count; i++) {
        asm_rm(as, store, false, X64_XMM0, mem);
        mem.disp += store == X64_MOVUPS_MR ? XMM_BYTES : YMM_BYTES;
    }
}

// More than 128, of which the first and the last 64 are written, with 32 bytes at a time. The value
// is made anew of rax each time that it begins.
static struct x64_again put_fill_long(struct assembler *as)
{
    struct x64_again again = {.is_there = true, .start = asm_mark(as)};
    u32 next = asm_label(as);
    put_value(as);
    asm_put(as, &(struct asm_ins){.op = X64_VPERM2F128,
                                  .reg = X64_XMM0,
                                  .vvvv = X64_XMM0,
                                  .rm = X64_XMM0}); // both halves are the lower one
    put_aligned(as, X64_RSI);
    put_fill_vectors(as, X64_VMOVUPS_Y_MR, 2, at(TO, X64_RCX, 0));
    asm_bind(as, next);
    put_fill_vectors(as, X64_VMOVUPS_Y_MR, ROUND, at(TO, X64_RSI, 0));
    put_next_round(as, X64_RSI, LONG_BYTES, next);
    asm_none(as, X64_VZEROUPPER, false);
    again.end = asm_mark(as);
    asm_none(as, X64_RET, true);
    return again;
}

// The same with 16.
static void put_fill_many(struct assembler *as)
{
    u32 next = asm_label(as);
    put_last_round(as, ROUND_BYTES);
    asm_rr(as, X64_XOR, false, X64_RAX, X64_RAX);
    asm_bind(as, next);
    put_fill_vectors(as, X64_MOVUPS_MR, ROUND, at(TO, X64_RAX, 0));
    put_next_round(as, X64_RAX, ROUND_BYTES, next);
    asm_none(as, X64_RET, true);
}

// Less than 16, of at least that word: the first and the last, which may be the same in part.
static void put_fill_words(struct assembler *as, i32 bytes)
{
    put_safe(as, X64_B, true);
    asm_rm(as, X64_MOV_MR, bytes == 8, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV_MR, bytes == 8, X64_RAX, at(TO, COUNT, -bytes));
    asm_none(as, X64_RET, true);
}

// At least 16.
static struct x64_again put_fill_more(struct assembler *as)
{
    struct x64_again again = {0};
    u32 more = asm_label(as);
    u32 much = asm_label(as);
    u32 end = asm_label(as);
    put_safe(as, X64_B, true);
    put_value(as);
    put_fill_vectors(as, X64_MOVUPS_MR, 1, asm_at(TO, 0));
    put_fill_vectors(as, X64_MOVUPS_MR, 1, at(TO, COUNT, -XMM_BYTES));
    asm_ri(as, X64_CMP_I, false, COUNT, 2 * XMM_BYTES);
    asm_branch(as, X64_BE, end);
    put_safe(as, X64_BE, true);
    put_fill_vectors(as, X64_MOVUPS_MR, 1, asm_at(TO, XMM_BYTES));
    put_fill_vectors(as, X64_MOVUPS_MR, 1, at(TO, COUNT, -2 * XMM_BYTES));
    asm_ri(as, X64_CMP_I, false, COUNT, ROUND_BYTES);
    asm_branch(as, X64_A, more);
    asm_bind(as, end);
    asm_none(as, X64_RET, true);
    asm_bind(as, more);
    put_safe(as, X64_BE, true);
    put_fill_vectors(as, X64_MOVUPS_MR, 2, asm_at(TO, 2 * XMM_BYTES));
    put_fill_vectors(as, X64_MOVUPS_MR, 2, at(TO, COUNT, -ROUND_BYTES));
    asm_ri(as, X64_CMP_I, false, COUNT, 2 * ROUND_BYTES);
    asm_branch(as, X64_BE, end);
    put_safe(as, X64_BE, true);
    asm_ri(as, X64_CMP_I, false, COUNT, rep_bytes(as));
    asm_branch(as, X64_AE, much);
    if (as->has_avx) {
        again = put_fill_long(as);
    } else {
        put_fill_many(as);
    }
    asm_bind(as, much);
    asm_rr(as, X64_MOV, true, X64_RDI, TO);
    asm_rr(as, X64_MOV, true, X64_RCX, COUNT);
    asm_none(as, X64_REP_STOSB, false);
    asm_none(as, X64_RET, true);
    return again;
}

// The value in all bytes of rax, then the same cases.
static struct x64_again put_fill(struct assembler *as)
{
    u32 less_16 = asm_label(as);
    u32 less_8 = asm_label(as);
    u32 less_4 = asm_label(as);
    u32 end = asm_label(as);
    asm_rr(as, X64_MOVZX8, false, X64_RAX, VALUE);
    asm_mov_imm(as, X64_RCX, 0x0101010101010101);
    asm_rr(as, X64_IMUL, true, X64_RAX, X64_RCX);
    asm_ri(as, X64_CMP_I, false, COUNT, XMM_BYTES);
    asm_branch(as, X64_B, less_16);
    struct x64_again again = put_fill_more(as);
    asm_bind(as, less_16);
    asm_ri(as, X64_CMP_I, false, COUNT, 8);
    asm_branch(as, X64_B, less_8);
    put_fill_words(as, 8);
    asm_bind(as, less_8);
    asm_ri(as, X64_CMP_I, false, COUNT, 4);
    asm_branch(as, X64_B, less_4);
    put_fill_words(as, 4);
    asm_bind(as, less_4); // one to three: the first, the middle, the last
    asm_rr(as, X64_TEST, false, COUNT, COUNT);
    asm_branch(as, X64_E, end);
    put_safe(as, X64_E, true);
    asm_rr(as, X64_MOV, false, X64_RCX, COUNT);
    asm_ri(as, X64_SHR_I, false, X64_RCX, 1);
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, asm_at(TO, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, at(TO, X64_RCX, 0));
    asm_rm(as, X64_MOV8_MR, false, X64_RAX, at(TO, COUNT, -1));
    asm_bind(as, end);
    asm_none(as, X64_RET, true);
    return again;
}

struct x64_again x64_put_bulk(struct assembler *as, u32 helper, const struct jit_options *options)
{
    struct x64_again again = {0};
    if (!ir_helper_is_bulk(helper)) {
        return again;
    }
    bool is_fill = helper == IR_HELPER_MEMORY_FILL || helper == IR_HELPER_MEMORY_FILL_OF;
    u32 slow = asm_label(as);
    put_begin(as, options, (enum ir_helper)helper, slow);
    again = is_fill ? put_fill(as) : put_copy(as);
    asm_bind(as, slow);
    return again;
}
