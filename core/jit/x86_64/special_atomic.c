// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/special_atomic.c: the instructions of selection that change memory atomically.
// All access [r15 + the last operand]; the address may fault at the first of what they stand for.
#include "core/jit/x86_64/emit.h"
#include "core/wasm/atomic.h"

static u8 reg(const struct emitter *e, const struct mach_ins *ins, u32 index)
{
    ASSERT(index < ins->operand_count);
    mach_place place = e->mach->operands[ins->operands + index].place;
    ASSERT(place < MACH_REGISTERS);
    return (u8)place;
}

static struct asm_mem place(const struct emitter *e, const struct mach_ins *ins)
{
    u8 index = reg(e, ins, ins->operand_count - 1u);
    return (struct asm_mem){.base = X64_MEMORY, .index = index};
}

// The one of a width: those of 8, of 16, and of 32 or 64 bits.
static enum x64_op pick(u32 bytes, enum x64_op op_8, enum x64_op op_16, enum x64_op op)
{
    return bytes == 1 ? op_8 : bytes == 2 ? op_16 : op;
}

// Zeros above what was read. A cmpxchg that succeeds leaves rax alone, which may have more there.
static void put_widened(struct emitter *e, u32 bytes, u8 of)
{
    if (bytes < 8) {
        asm_rr(&e->as, pick(bytes, X64_MOVZX8, X64_MOVZX16, X64_MOV), false, of, of);
    }
}

static void put_add(struct emitter *e, const struct mach_ins *ins, enum wasm_atomic kind, u32 bytes)
{
    u8 to = reg(e, ins, 0);
    if (kind == WASM_ATOMIC_SUB) {
        asm_r(&e->as, X64_NEG, bytes == 8, to);
    }
    x64_site(e, ins, TRAP_MEMORY_OUT_OF_BOUNDS);
    asm_none(&e->as, X64_LOCK, false);
    asm_rm(&e->as, pick(bytes, X64_XADD8, X64_XADD16, X64_XADD), bytes == 8, to, place(e, ins));
    if (bytes < 4) {
        put_widened(e, bytes, to);
    }
}

static void put_cmpxchg(struct emitter *e, const struct mach_ins *ins, u32 bytes, u8 from)
{
    x64_site(e, ins, TRAP_MEMORY_OUT_OF_BOUNDS);
    asm_none(&e->as, X64_LOCK, false);
    asm_rm(&e->as, pick(bytes, X64_CMPXCHG8, X64_CMPXCHG16, X64_CMPXCHG), bytes == 8, from,
           place(e, ins));
}

// Again until nobody came between the load and the exchange.
static void put_loop(struct emitter *e, const struct mach_ins *ins, enum wasm_atomic kind,
                     u32 bytes)
{
    enum x64_op op = kind == WASM_ATOMIC_AND ? X64_AND : kind == WASM_ATOMIC_OR ? X64_OR : X64_XOR;
    u8 temp = reg(e, ins, 1);
    u32 again = asm_label(&e->as);
    x64_site(e, ins, TRAP_MEMORY_OUT_OF_BOUNDS);
    asm_rm(&e->as, pick(bytes, X64_MOVZX8, X64_MOVZX16, X64_MOV), bytes == 8, X64_RAX,
           place(e, ins));
    asm_bind(&e->as, again);
    asm_rr(&e->as, X64_MOV, bytes == 8, temp, X64_RAX);
    asm_rr(&e->as, op, bytes == 8, temp, reg(e, ins, 2));
    put_cmpxchg(e, ins, bytes, temp);
    asm_branch(&e->as, X64_NE, again);
}

void x64_special_atomic(struct emitter *e, const struct mach_ins *ins)
{
    if (ins->op == X64_FENCE) { // cheaper than mfence, and as good for memory that is cached
        asm_none(&e->as, X64_LOCK, false);
        asm_mi(&e->as, X64_OR_I, false, asm_at(X64_RSP, 0), 0);
        return;
    }
    const struct op *row = &body_ops[ins->bits];
    enum wasm_atomic kind = wasm_atomic_kind(row->number);
    switch (ins->op) {
    case X64_ATOMIC_ADD:
        put_add(e, ins, kind, row->bytes);
        return;
    case X64_ATOMIC_LOOP:
        put_loop(e, ins, kind, row->bytes);
        return;
    default:
        ASSERT(ins->op == X64_ATOMIC_CMPXCHG);
        put_cmpxchg(e, ins, row->bytes, reg(e, ins, 2));
        put_widened(e, row->bytes, X64_RAX);
        return;
    }
}
