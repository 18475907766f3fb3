// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_atomic.c: atomic access. This CPU keeps the order of its loads, and of its
// stores; only a load may pass a store before it, so a store is an exchange, which locks, and a
// load is a load. What is narrower than its register is made wider afterwards.
#include "core/jit/x86_64/select.h"
#include "core/wasm/atomic.h"

// Instructions by the bytes that they access.
struct widths {
    u16 ops[9];
};

static enum x64_op op_of(const struct widths *widths, u32 bytes)
{
    return (enum x64_op)widths->ops[bytes];
}

static void select_load(struct selector *s, u32 value, const struct ir_ins *ins, u32 bytes)
{
    static const struct widths loads = {
        {[1] = X64_MOVZX8, [2] = X64_MOVZX16, [4] = X64_MOV, [8] = X64_MOV}};
    u32 def = x64_def(s, value);
    x64_put_def_rm(s, op_of(&loads, bytes), bytes == 8, def, x64_atomic_address(s, ins, ins->a));
}

// Puts into `def` what was in the low bytes of `from`.
static void put_widened(struct selector *s, u32 bytes, u32 def, u32 from)
{
    static const struct widths moves = {{[1] = X64_MOVZX8, [2] = X64_MOVZX16}};
    x64_put_def_rm(s, op_of(&moves, bytes), false, def, rm_reg(from));
}

// Store and exchange: `value` has a result or none.
static void select_exchange(struct selector *s, u32 value, const struct ir_ins *ins, u32 bytes)
{
    static const struct widths exchanges = {
        {[1] = X64_XCHG8, [2] = X64_XCHG16, [4] = X64_XCHG, [8] = X64_XCHG}};
    bool has_result = ins->kind != IR_KIND_NONE;
    bool is_narrow = has_result && bytes < 4;
    u32 from = bytes == 8 ? x64_use(s, ins->b) : x64_use_low(s, ins->b);
    u32 def = has_result && !is_narrow ? x64_def(s, value) : x64_vreg(s, KIND_L);
    x64_put_def_same_rm(s, op_of(&exchanges, bytes), bytes == 8, def, from,
                        x64_atomic_address(s, ins, ins->a));
    if (is_narrow) {
        put_widened(s, bytes, x64_def(s, value), def);
    }
}

// Puts one of the selection's own, which locks; its operands follow.
static void put_special(struct selector *s, enum x64_op op, const struct ir_ins *ins,
                        const struct rm *rm)
{
    ASSERT(rm->kind == X64_RM_MEMORY && rm->index != MACH_NONE && rm->disp == 0);
    x64_put(s, op, (struct x64_shape){0}, ins->op);
}

static void select_add(struct selector *s, u32 value, const struct ir_ins *ins, u32 bytes)
{
    u32 from = bytes == 8 ? x64_use(s, ins->b) : x64_use_low(s, ins->b);
    struct rm rm = x64_atomic_address(s, ins, ins->a);
    put_special(s, X64_ATOMIC_ADD, ins, &rm);
    x64_operand(s, x64_def(s, value), MACH_DEF, MACH_SAME, 1);
    x64_operand(s, from, MACH_USE, MACH_IN_REGISTER, 0);
    x64_operand(s, rm.index, MACH_USE_LATE, MACH_IN_REGISTER, 0);
}

static void select_loop(struct selector *s, u32 value, const struct ir_ins *ins, u32 bytes)
{
    u32 from = bytes == 8 ? x64_use(s, ins->b) : x64_use_low(s, ins->b);
    struct rm rm = x64_atomic_address(s, ins, ins->a);
    put_special(s, X64_ATOMIC_LOOP, ins, &rm);
    x64_operand(s, x64_def(s, value), MACH_DEF_EARLY, MACH_FIXED, X64_RAX);
    x64_operand(s, x64_vreg(s, KIND_L), MACH_TEMP, MACH_IN_REGISTER, 0);
    x64_operand(s, from, MACH_USE_LATE, MACH_IN_REGISTER, 0);
    x64_operand(s, rm.index, MACH_USE_LATE, MACH_IN_REGISTER, 0);
}

static void select_cmpxchg(struct selector *s, u32 value, const struct ir_ins *ins, u32 bytes)
{
    const u32 *operands = &s->ir->lists[ins->b + 1];
    u32 expected = x64_use(s, operands[1]);
    u32 from = x64_use(s, operands[2]);
    struct rm rm = x64_atomic_address(s, ins, operands[0]);
    (void)bytes;
    put_special(s, X64_ATOMIC_CMPXCHG, ins, &rm);
    x64_operand(s, x64_def(s, value), MACH_DEF, MACH_FIXED, X64_RAX);
    x64_operand(s, expected, MACH_USE, MACH_FIXED, X64_RAX);
    x64_operand(s, from, MACH_USE_LATE, MACH_IN_REGISTER, 0);
    x64_operand(s, rm.index, MACH_USE_LATE, MACH_IN_REGISTER, 0);
}

void x64_select_atomic(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 bytes = body_ops[ins->op].bytes;
    switch (wasm_atomic_kind(body_ops[ins->op].number)) {
    case WASM_ATOMIC_LOAD:
        select_load(s, value, ins, bytes);
        return;
    case WASM_ATOMIC_STORE:
    case WASM_ATOMIC_XCHG:
        select_exchange(s, value, ins, bytes);
        return;
    case WASM_ATOMIC_ADD:
    case WASM_ATOMIC_SUB:
        select_add(s, value, ins, bytes);
        return;
    case WASM_ATOMIC_AND:
    case WASM_ATOMIC_OR:
    case WASM_ATOMIC_XOR:
        select_loop(s, value, ins, bytes);
        return;
    case WASM_ATOMIC_CMPXCHG:
        select_cmpxchg(s, value, ins, bytes);
        return;
    }
    UNREACHABLE();
}
