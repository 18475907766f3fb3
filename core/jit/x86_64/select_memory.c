// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_memory.c: loads, stores, globals, tables; and how addresses and loads
// become part of other instructions.
#include "core/jit/layout.h"
#include "core/jit/x86_64/select.h"

void x64_put_trap_if(struct selector *s, u8 condition, enum trap trap)
{
    x64_put(s, X64_TRAP_IF, (struct x64_shape){.condition = condition, .trap = (u8)trap}, 0);
}

// ---- addresses

static u32 bound_alone(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    switch (ins->op) {
    case IR_CONST:
        return (u32)ins->bits;
    case ROW_I32_LOAD8_U:
        return UINT8_MAX;
    case ROW_I32_LOAD16_U:
        return UINT16_MAX;
    case ROW_I32_AND:
        return sel_is_const(s, ins->b) ? (u32)sel_ins(s, ins->b)->bits : UINT32_MAX;
    case ROW_I32_SHR_U:
        return sel_is_const(s, ins->b) ? UINT32_MAX >> (sel_ins(s, ins->b)->bits & 31) : UINT32_MAX;
    default:
        return UINT32_MAX;
    }
}

u32 x64_bound(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u64 bound = UINT32_MAX;
    if (ins->op == ROW_I32_SHL && sel_is_const(s, ins->b)) {
        bound = (u64)bound_alone(s, ins->a) << (sel_ins(s, ins->b)->bits & 31);
    } else if (ins->op == ROW_I32_ADD || ins->op == ROW_I32_OR) {
        bound = (u64)bound_alone(s, ins->a) + bound_alone(s, ins->b);
    } else {
        return bound_alone(s, value);
    }
    return bound <= UINT32_MAX ? (u32)bound : UINT32_MAX;
}

// x << 1, 2 or 3, as an index with a scale.
static bool is_scaled(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    return ins->op == ROW_I32_SHL && sel_is_const(s, ins->b) &&
           (sel_ins(s, ins->b)->bits & 31) >= 1 && (sel_ins(s, ins->b)->bits & 31) <= 3;
}

// A sum as base + index << scale + disp: values, IR_NONE where there is none.
struct sum {
    u32 base;
    u32 index;
    u8 scale;
    u32 disp;
};

// Takes a constant off: x + k.
static u32 sum_constant(const struct selector *s, struct sum *sum, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (ins->op == ROW_I32_ADD && sel_is_const(s, ins->b) && x64_is_alone(s, value)) {
        sum->disp += (u32)sel_ins(s, ins->b)->bits;
        return ins->a;
    }
    return value;
}

bool x64_is_alone(const struct selector *s, u32 value)
{
    return value >= s->block_first && sel_ins(s, value)->uses == 1 && s->vregs[value] == MACH_NONE;
}

// Parts of a sum that nobody else wants become part of the address, and the outermost sum for
// several accesses as well; but not where it is a constant more than what a loop counts, since that
// could then not be counted on in place.
static bool is_phi(const struct selector *s, u32 value)
{
    return sel_ins(s, value)->op == IR_PHI;
}

enum { SUM_USES = 3 };
static struct sum sum_of(const struct selector *s, u32 value)
{
    struct sum sum = {.base = value, .index = IR_NONE};
    bool is_near = value >= s->block_first && sel_ins(s, value)->uses <= SUM_USES &&
                   s->vregs[value] == MACH_NONE;
    bool is_alone = x64_is_alone(s, value);
    u32 inner = value;
    const struct ir_ins *ins = sel_ins(s, value);
    if (!is_near) {
        return sum;
    }
    if (ins->op == ROW_I32_ADD && sel_is_const(s, ins->b)) {
        inner = ins->a;
        sum.disp = (u32)sel_ins(s, ins->b)->bits;
    }
    ins = sel_ins(s, inner);
    bool is_top = inner == value || x64_is_alone(s, inner);
    if (ins->op == ROW_I32_ADD && !sel_is_const(s, ins->b) && is_top) {
        bool is_scaled_first = is_scaled(s, ins->a) && !is_scaled(s, ins->b);
        sum.base = is_scaled_first ? ins->b : ins->a;
        sum.index = is_scaled_first ? ins->a : ins->b;
        sum.base = sum_constant(s, &sum, sum.base);
        sum.index = sum_constant(s, &sum, sum.index);
    } else if (is_scaled(s, inner) && is_top && (is_alone || !is_phi(s, ins->a))) {
        sum.base = IR_NONE;
        sum.index = inner;
    } else if (is_alone || ins->op != IR_PHI) {
        sum.base = inner;
    } else {
        sum.disp = 0;
    }
    if (sum.index != IR_NONE && is_scaled(s, sum.index) && x64_is_alone(s, sum.index)) {
        const struct ir_ins *shift = sel_ins(s, sum.index);
        sum.scale = sel_ins(s, shift->b)->bits & 3;
        sum.index = shift->a;
    }
    return sum;
}

static struct rm memory_rm(u32 index, u8 scale, u32 disp)
{
    return (struct rm){.kind = X64_RM_MEMORY,
                       .base = MACH_NONE,
                       .index = index,
                       .scale = scale,
                       .disp = (i32)disp,
                       .trap = TRAP_MEMORY_OUT_OF_BOUNDS};
}

// The address of an access with its offset, more than 32 bits.
static u32 offset_address(struct selector *s, u32 value, u32 offset)
{
    u32 address = x64_use(s, value);
    u32 at = x64_vreg(s, KIND_L);
    if (offset <= INT32_MAX) {
        x64_put_def_rm(s, X64_LEA, true, at, rm_free(address, MACH_NONE, 0, (i32)offset));
    } else {
        x64_put_def_rm(s, X64_LEA, true, at,
                       rm_free(x64_constant(s, KIND_L, offset), address, 0, 0));
    }
    return at;
}

// Compares the end of the access with the size of the memory; behind a wrong guess the address is
// 0.
static struct rm checked_address(struct selector *s, u32 at, const struct ir_ins *access, u32 bytes)
{
    u32 end = x64_vreg(s, KIND_L);
    u32 safe = x64_vreg(s, KIND_L);
    u32 zero = x64_vreg(s, KIND_L);
    struct rm size = rm_instance(JIT_INSTANCE_OWN_MEMORY + JIT_MEMORY_SIZE);
    if (!jit_memory_is_own(s->ir->module, 0)) {
        u32 memory = x64_vreg(s, KIND_L);
        x64_put_def_rm(s, X64_MOV, true, memory, rm_instance(JIT_INSTANCE_MEMORY));
        size = rm_free(memory, MACH_NONE, 0, JIT_MEMORY_SIZE);
    }
    x64_put_def_rm(s, X64_LEA, true, end, rm_free(at, MACH_NONE, 0, (i32)bytes));
    x64_put(s, X64_ZERO, (struct x64_shape){0}, 0);
    x64_operand(s, zero, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_put_use_rm(s, X64_CMP, true, end, size);
    x64_put(s, X64_TRAP_IF,
            (struct x64_shape){.condition = X64_A, .trap = TRAP_MEMORY_OUT_OF_BOUNDS}, 0)
        ->origin = access->origin;
    x64_put_def_same_rm(s, X64_CMOVCC, true, safe, at, rm_reg(zero));
    x64_set_condition(s, X64_A);
    return memory_rm(safe, 0, 0);
}

// The address as the CPU's own sum of 32 bits. False when that saves nothing, or when the sum with
// the access's offset could wrap, which is no address of the guest's.
static bool segment_address(struct selector *s, const struct ir_ins *access, struct rm *out)
{
    if (!s->options->segment ||
        (access->c != 0 && (u64)x64_bound(s, access->a) + access->c > UINT32_MAX)) {
        return false;
    }
    struct sum sum = sum_of(s, access->a);
    if (sum.base == access->a) {
        return false;
    }
    *out = (struct rm){.kind = X64_RM_SEGMENT,
                       .base = sum.base == IR_NONE ? MACH_NONE : x64_use_low(s, sum.base),
                       .index = sum.index == IR_NONE ? MACH_NONE : x64_use_low(s, sum.index),
                       .scale = sum.scale,
                       .disp = (i32)(sum.disp + access->c),
                       .trap = TRAP_MEMORY_OUT_OF_BOUNDS};
    return true;
}

static struct rm guarded_address(struct selector *s, const struct ir_ins *access)
{
    const struct ir_ins *address = sel_ins(s, access->a);
    u64 disp = access->c;
    u32 index = access->a;
    u8 scale = 0;
    if (sel_is_const(s, access->a)) {
        disp += (u32)address->bits;
        return disp <= INT32_MAX ? memory_rm(MACH_NONE, 0, (u32)disp)
                                 : memory_rm(x64_constant(s, KIND_L, disp), 0, 0);
    }
    if (address->op == ROW_I32_ADD && sel_is_const(s, address->b)) {
        u32 k = (u32)sel_ins(s, address->b)->bits;
        if ((u64)x64_bound(s, address->a) + k <= UINT32_MAX && disp + k <= INT32_MAX) {
            disp += k;
            index = address->a;
        }
    }
    if (is_scaled(s, index)) {
        const struct ir_ins *shift = sel_ins(s, index);
        u8 by = sel_ins(s, shift->b)->bits & 3;
        if ((u64)x64_bound(s, shift->a) << by <= UINT32_MAX) {
            scale = by;
            index = shift->a;
        }
    }
    struct rm out;
    if (index == access->a && segment_address(s, access, &out)) {
        return out;
    }
    u32 vreg = x64_use(s, index);
    if (disp > INT32_MAX) {
        u32 offset = x64_constant(s, KIND_L, disp);
        u32 sum = x64_vreg(s, KIND_L);
        x64_put_def_rm(s, X64_LEA, true, sum, rm_free(offset, vreg, scale, 0));
        return memory_rm(sum, 0, 0);
    }
    return memory_rm(vreg, scale, (u32)disp);
}

struct rm x64_address(struct selector *s, const struct ir_ins *access)
{
    if (sel_ins(s, access->a)->op == IR_MEMORY_AT) {
        return rm_free(x64_use(s, access->a), MACH_NONE, 0, (i32)access->c);
    }
    struct rm rm;
    if (s->options->bounds == JIT_BOUNDS_CHECK) {
        u32 at = offset_address(s, access->a, access->c);
        rm = checked_address(s, at, access, body_ops[access->op].bytes);
    } else {
        rm = guarded_address(s, access);
    }
    rm.origin = access->origin;
    return rm;
}

// Another memory's address as one in memory 0: it wraps at 64 bits to where it was.
static struct rm other_address(struct selector *s, u32 address)
{
    u32 at = x64_use(s, address);
    u32 distance = x64_vreg(s, KIND_L);
    struct rm base = rm_instance(JIT_INSTANCE_OWN_MEMORY + JIT_MEMORY_BASE);
    if (!jit_memory_is_own(s->ir->module, 0)) {
        u32 memory = x64_vreg(s, KIND_L);
        x64_put_def_rm(s, X64_MOV, true, memory, rm_instance(JIT_INSTANCE_MEMORY));
        base = rm_free(memory, MACH_NONE, 0, JIT_MEMORY_BASE);
    }
    x64_put_def_same_rm(s, X64_SUB, true, distance, at, base);
    struct rm rm = memory_rm(distance, 0, 0);
    rm.trap = TRAP_NONE;
    return rm;
}

struct rm x64_atomic_address(struct selector *s, const struct ir_ins *access, u32 address)
{
    if (sel_ins(s, address)->op == IR_MEMORY_AT) {
        return other_address(s, address);
    }
    u32 bytes = body_ops[access->op].bytes;
    u32 at = access->c == 0 ? x64_use(s, address) : offset_address(s, address, access->c);
    if (bytes > 1) {
        x64_put_rm_i(s, X64_TEST8_I, false, rm_reg(at), (i32)bytes - 1);
        x64_put_trap_if(s, X64_NE, TRAP_UNALIGNED_ATOMIC);
    }
    struct rm rm = s->options->bounds == JIT_BOUNDS_CHECK ? checked_address(s, at, access, bytes)
                                                          : memory_rm(at, 0, 0);
    rm.origin = access->origin;
    return rm;
}

// ---- loads and stores

bool x64_is_memory(const struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    switch (ins->op) {
    case ROW_I32_LOAD:
    case ROW_I64_LOAD:
    case ROW_F32_LOAD:
    case ROW_F64_LOAD:
        return x64_can_cover(s, value);
    case IR_MEMORY_BYTES:
        return jit_memory_is_own(s->ir->module, ins->c) && x64_can_cover(s, value);
    case IR_GLOBAL_GET:
        return ins->kind != KIND_V && jit_global_is_own(s->ir->module, ins->a) &&
               x64_can_cover(s, value);
    default:
        return false;
    }
}

struct rm x64_rm(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (x64_is_memory(s, value)) {
        x64_cover(s, value);
        if (ins->op == IR_MEMORY_BYTES) {
            return rm_instance(jit_own_memory(s->ir->module, ins->c) + JIT_MEMORY_SIZE);
        }
        return ins->op == IR_GLOBAL_GET ? rm_instance(jit_own_global(s->ir->module, ins->a))
                                        : x64_address(s, ins);
    }
    if (sel_is_const(s, value) && sel_is_float(ins->kind)) {
        return rm_constant(ins->bits);
    }
    return rm_reg(x64_use(s, value));
}

struct rm x64_rm_low(struct selector *s, u32 value)
{
    bool is_moved = sel_ins(s, value)->op == ROW_I32_WRAP_I64;
    return is_moved ? rm_reg(x64_use_low(s, value)) : x64_rm(s, value);
}

void x64_select_load(struct selector *s, u32 value)
{
    static const struct {
        u16 op;
        bool is_wide;
    } loads[ROW_COUNT] = {
        [ROW_I32_LOAD] = {X64_MOV, false},         [ROW_I64_LOAD] = {X64_MOV, true},
        [ROW_F32_LOAD] = {X64_MOVSS, false},       [ROW_F64_LOAD] = {X64_MOVSD, false},
        [ROW_I32_LOAD8_S] = {X64_MOVSX8, false},   [ROW_I32_LOAD8_U] = {X64_MOVZX8, false},
        [ROW_I32_LOAD16_S] = {X64_MOVSX16, false}, [ROW_I32_LOAD16_U] = {X64_MOVZX16, false},
        [ROW_I64_LOAD8_S] = {X64_MOVSX8, true},    [ROW_I64_LOAD8_U] = {X64_MOVZX8, false},
        [ROW_I64_LOAD16_S] = {X64_MOVSX16, true},  [ROW_I64_LOAD16_U] = {X64_MOVZX16, false},
        [ROW_I64_LOAD32_S] = {X64_MOVSXD, true},   [ROW_I64_LOAD32_U] = {X64_MOV, false},
    };
    const struct ir_ins *ins = sel_ins(s, value);
    u32 def = x64_def(s, value);
    struct rm rm = x64_address(s, ins);
    x64_put_def_rm(s, (enum x64_op)loads[ins->op].op, loads[ins->op].is_wide, def, rm);
}

// Instructions that change memory in place, by bytes: 1, 4 or 8, 2.
struct in_place {
    u16 reg_8;
    u16 imm_8;
    u16 reg;
    u16 imm;
};

static const struct in_place *in_place(u16 op)
{
    static const struct in_place add = {X64_ADD8_MR, X64_ADD8_I, X64_ADD_MR, X64_ADD_I};
    static const struct in_place sub = {X64_SUB8_MR, X64_SUB8_I, X64_SUB_MR, X64_SUB_I};
    static const struct in_place and = {X64_AND8_MR, X64_AND8_I, X64_AND_MR, X64_AND_I};
    static const struct in_place or = {X64_OR8_MR, X64_OR8_I, X64_OR_MR, X64_OR_I};
    static const struct in_place xor = {X64_XOR8_MR, X64_XOR8_I, X64_XOR_MR, X64_XOR_I};
    switch (op) {
    case ROW_I32_ADD:
    case ROW_I64_ADD:
        return &add;
    case ROW_I32_SUB:
    case ROW_I64_SUB:
        return &sub;
    case ROW_I32_AND:
    case ROW_I64_AND:
        return &and;
    case ROW_I32_OR:
    case ROW_I64_OR:
        return &or ;
    case ROW_I32_XOR:
    case ROW_I64_XOR:
        return &xor;
    default:
        return NULL;
    }
}

static bool is_same_place(const struct selector *s, u32 load, const struct ir_ins *store)
{
    const struct ir_ins *ins = sel_ins(s, load);
    return ins->op < ROW_COUNT && body_ops[ins->op].class == WASM_CLASS_LOAD &&
           !sel_is_float(ins->kind) && ins->a == store->a && ins->c == store->c &&
           body_ops[ins->op].bytes == body_ops[store->op].bytes && x64_can_cover(s, load);
}

// load, change, store at one place, where nobody else wants what is between. It traps as the load.
static bool select_in_place(struct selector *s, const struct ir_ins *store)
{
    const struct ir_ins *change = sel_ins(s, store->b);
    const struct in_place *ops = in_place(change->op);
    u8 bytes = body_ops[store->op].bytes;
    if (ops == NULL || bytes == 2 || !x64_is_alone(s, store->b)) {
        return false;
    }
    u32 load = change->a;
    u32 other = change->b;
    if (!is_same_place(s, load, store)) {
        bool may_swap = change->op != ROW_I32_SUB && change->op != ROW_I64_SUB;
        if (!may_swap || !is_same_place(s, other, store)) {
            return false;
        }
        load = change->b;
        other = change->a;
    }
    if (other == load) {
        return false;
    }
    x64_cover(s, load);
    bool is_wide = bytes == 8;
    if (sel_is_imm(s, other)) {
        struct rm rm = x64_address(s, sel_ins(s, load));
        x64_put_rm_i(s, (enum x64_op)(bytes == 1 ? ops->imm_8 : ops->imm), is_wide, rm,
                     (i32)sel_const(s, other));
        return true;
    }
    u32 reg = is_wide ? x64_use(s, other) : x64_use_low(s, other);
    struct rm rm = x64_address(s, sel_ins(s, load));
    x64_put_use_rm(s, (enum x64_op)(bytes == 1 ? ops->reg_8 : ops->reg), is_wide, reg, rm);
    return true;
}

// The value to store as an immediate, where it can be one.
static bool store_immediate(const struct selector *s, const struct ir_ins *store, i32 *imm)
{
    if (!sel_is_const(s, store->b)) {
        return false;
    }
    u64 bits = sel_ins(s, store->b)->bits;
    bool is_wide = body_ops[store->op].bytes == 8;
    *imm = (i32)bits;
    return !is_wide || (i64)bits == (i32)bits;
}

void x64_select_store(struct selector *s, u32 value)
{
    static const u16 by_register[] = {
        [1] = X64_MOV8_MR, [2] = X64_MOV16_MR, [4] = X64_MOV_MR, [8] = X64_MOV_MR};
    static const u16 by_immediate[] = {
        [1] = X64_MOV8_I, [2] = X64_MOV16_I, [4] = X64_MOV_I, [8] = X64_MOV_I};
    const struct ir_ins *store = sel_ins(s, value);
    u8 bytes = body_ops[store->op].bytes;
    i32 imm;
    if (select_in_place(s, store)) {
        return;
    }
    if (store_immediate(s, store, &imm)) {
        struct rm rm = x64_address(s, store);
        u32 mask = bytes == 1 ? UINT8_MAX : bytes == 2 ? UINT16_MAX : UINT32_MAX;
        x64_put_rm_i(s, (enum x64_op)by_immediate[bytes], bytes == 8, rm, (i32)((u32)imm & mask));
        return;
    }
    u32 from = store->b;
    u16 op = sel_ins(s, from)->op;
    bool is_moved = op == ROW_F32_REINTERPRET_I32 || op == ROW_F64_REINTERPRET_I64 ||
                    op == ROW_I32_REINTERPRET_F32 || op == ROW_I64_REINTERPRET_F64;
    if (is_moved && (bytes == 4 || store->op == ROW_F64_STORE || store->op == ROW_I64_STORE)) {
        from = sel_ins(s, from)->a;
    }
    bool is_float = sel_is_float(sel_ins(s, from)->kind);
    if (is_float) {
        u32 reg = x64_use(s, from);
        x64_put_use_rm(s, bytes == 4 ? X64_MOVSS_MR : X64_MOVSD_MR, false, reg,
                       x64_address(s, store));
        return;
    }
    u32 reg = bytes == 8 ? x64_use(s, from) : x64_use_low(s, from);
    x64_put_use_rm(s, (enum x64_op)by_register[bytes], bytes == 8, reg, x64_address(s, store));
}

// ---- what hangs on the instance

void x64_select_memory_size(struct selector *s, u32 value)
{
    enum { PAGE_LOG2 = 16 };
    u32 bytes = x64_vreg(s, KIND_L);
    struct rm size = rm_instance(JIT_INSTANCE_OWN_MEMORY + JIT_MEMORY_SIZE);
    if (!jit_memory_is_own(s->ir->module, 0)) {
        u32 memory = x64_vreg(s, KIND_L);
        x64_put_def_rm(s, X64_MOV, true, memory, rm_instance(JIT_INSTANCE_MEMORY));
        size = rm_free(memory, MACH_NONE, 0, JIT_MEMORY_SIZE);
    }
    x64_put_def_rm(s, X64_MOV, true, bytes, size);
    x64_put_def_same_i(s, X64_SHR_I, true, x64_def(s, value), bytes, PAGE_LOG2);
}

// What an array of addresses in the instance names by index, plus `offset`.
static struct rm indirect(struct selector *s, u32 array, u32 index, u32 offset)
{
    u32 items = x64_vreg(s, KIND_L);
    u32 item = x64_vreg(s, KIND_L);
    x64_put_def_rm(s, X64_MOV, true, items, rm_instance(array));
    x64_put_def_rm(s, X64_MOV, true, item,
                   rm_free(items, MACH_NONE, 0, (i32)(index * sizeof(void *))));
    return rm_free(item, MACH_NONE, 0, (i32)offset);
}

static void select_memory_word(struct selector *s, u32 value, u32 offset)
{
    u32 memory = sel_ins(s, value)->c;
    u32 def = x64_def(s, value);
    struct rm rm = jit_memory_is_own(s->ir->module, memory)
                       ? rm_instance(jit_own_memory(s->ir->module, memory) + offset)
                       : indirect(s, JIT_INSTANCE_MEMORIES, memory, offset);
    x64_put_def_rm(s, X64_MOV, true, def, rm);
}

// Compares the end of an access with the size of its memory; behind a wrong guess the address is
// that of the memory's first byte.
static void select_memory_at(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    const struct ir_ins *sum = sel_ins(s, ins->a);
    u32 place = ins->a;
    i32 offset = 0;
    i32 bytes = ins->lane & ~(i32)IR_AT_ALIGNED;
    if (sum->op == ROW_I64_ADD && x64_is_alone(s, place) && sel_is_const(s, sum->b) &&
        sel_ins(s, sum->b)->bits <= INT32_MAX - UINT8_MAX) {
        offset = (i32)sel_ins(s, sum->b)->bits;
        place = sum->a;
    }
    u32 def = x64_def(s, value);
    u32 base = x64_use(s, ins->c);
    u32 index = x64_use(s, place);
    struct rm size = x64_rm(s, ins->b);
    u32 at = x64_vreg(s, KIND_L);
    u32 end = x64_vreg(s, KIND_L);
    x64_put_def_rm(s, X64_LEA, true, at, rm_free(base, index, 0, offset));
    x64_put_def_rm(s, X64_LEA, true, end, rm_free(index, MACH_NONE, 0, offset + bytes));
    if ((ins->lane & IR_AT_ALIGNED) != 0 && bytes > 1) {
        x64_put_rm_i(s, X64_TEST8_I, false, rm_reg(end), bytes - 1);
        x64_put_trap_if(s, X64_NE, TRAP_UNALIGNED_ATOMIC);
    }
    x64_put_use_rm(s, X64_CMP, true, end, size);
    x64_put_trap_if(s, X64_A, TRAP_MEMORY_OUT_OF_BOUNDS);
    x64_put_def_same_rm(s, X64_CMOVCC, true, def, at, rm_reg(base));
    x64_set_condition(s, X64_A);
}

void x64_select_memory(struct selector *s, u32 value)
{
    switch ((u32)sel_ins(s, value)->op) {
    case IR_MEMORY_BASE:
        select_memory_word(s, value, JIT_MEMORY_BASE);
        break;
    case IR_MEMORY_BYTES:
        select_memory_word(s, value, JIT_MEMORY_SIZE);
        break;
    default:
        ASSERT(sel_ins(s, value)->op == IR_MEMORY_AT);
        select_memory_at(s, value);
        break;
    }
}

// Loads of 8 bytes of something that is not guest memory.
static const u16 loads_of_kind[] = {[KIND_I] = X64_MOV,
                                    [KIND_L] = X64_MOV,
                                    [KIND_F] = X64_MOVSS,
                                    [KIND_D] = X64_MOVSD,
                                    [KIND_V] = X64_MOVUPS};

void x64_select_slot(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    u32 frame = x64_use(s, ins->a);
    x64_put_def_rm(s, (enum x64_op)loads_of_kind[ins->kind], ins->kind == KIND_L, x64_def(s, value),
                   rm_free(frame, MACH_NONE, 0, (i32)(ins->c * sizeof(u64))));
}

void x64_select_global(struct selector *s, u32 value)
{
    static const u16 stores[] = {[KIND_I] = X64_MOV_MR,
                                 [KIND_L] = X64_MOV_MR,
                                 [KIND_F] = X64_MOVSS_MR,
                                 [KIND_D] = X64_MOVSD_MR,
                                 [KIND_V] = X64_MOVUPS_MR};
    const struct ir_ins *ins = sel_ins(s, value);
    bool is_get = ins->op == IR_GLOBAL_GET;
    u8 kind = is_get ? ins->kind : sel_ins(s, ins->b)->kind;
    bool is_imm = !is_get && sel_is_imm(s, ins->b);
    u32 reg = is_get ? x64_def(s, value) : is_imm ? MACH_NONE : x64_use(s, ins->b);
    struct rm rm = jit_global_is_own(s->ir->module, ins->a)
                       ? rm_instance(jit_own_global(s->ir->module, ins->a))
                       : indirect(s, JIT_INSTANCE_GLOBALS, ins->a, JIT_GLOBAL_VALUE);
    if (is_get) {
        x64_put_def_rm(s, (enum x64_op)loads_of_kind[kind], kind == KIND_L, reg, rm);
    } else if (is_imm) {
        x64_put_rm_i(s, X64_MOV_I, kind == KIND_L, rm, (i32)sel_const(s, ins->b));
    } else {
        x64_put_use_rm(s, (enum x64_op)stores[kind], kind == KIND_L, reg, rm);
    }
}

static struct rm table_rm(struct selector *s, u32 table, u32 offset)
{
    return jit_table_is_own(s->ir->module, table)
               ? rm_instance(jit_own_table(s->ir->module, table) + offset)
               : indirect(s, JIT_INSTANCE_TABLES, table, offset);
}

struct rm x64_element(struct selector *s, u32 table, u32 number, enum trap trap)
{
    enum { SLOT_LOG2 = 3 };
    u32 index = x64_use(s, number);
    struct rm count = table_rm(s, table, JIT_TABLE_COUNT);
    u32 zero = x64_vreg(s, KIND_I);
    u32 safe = x64_vreg(s, KIND_L);
    u32 elements = x64_vreg(s, KIND_L);
    x64_put(s, X64_ZERO, (struct x64_shape){0}, 0);
    x64_operand(s, zero, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_put_use_rm(s, X64_CMP, false, index, count);
    x64_put_trap_if(s, X64_AE, trap);
    x64_put_def_same_rm(s, X64_CMOVCC, false, safe, index, rm_reg(zero));
    x64_set_condition(s, X64_AE);
    x64_put_def_rm(s, X64_MOV, true, elements, table_rm(s, table, JIT_TABLE_ELEMENTS));
    return rm_free(elements, safe, SLOT_LOG2, 0);
}

static void select_ref_func(struct selector *s, u32 value, const struct ir_ins *ins)
{
    const struct wasm_module *module = s->ir->module;
    u32 def = x64_def(s, value);
    u32 base = x64_vreg(s, KIND_L);
    if (ins->a < module->function_import_count) {
        x64_put_def_rm(s, X64_MOV, true, base, rm_instance(JIT_INSTANCE_IMPORTS));
        x64_put_def_rm(s, X64_MOV, true, def,
                       rm_free(base, MACH_NONE, 0, (i32)(ins->a * sizeof(void *))));
        return;
    }
    x64_put_def_rm(s, X64_MOV, true, base, rm_instance(JIT_INSTANCE_FUNCTIONS));
    x64_put_def_rm(s, X64_LEA, true, def,
                   rm_free(base, MACH_NONE, 0, (i32)jit_func_reference(module, ins->a)));
}

void x64_select_table(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    if (ins->op == IR_REF_FUNC) {
        select_ref_func(s, value, ins);
    } else if (ins->op == IR_TABLE_SIZE) {
        x64_put_def_rm(s, X64_MOV, false, x64_def(s, value), table_rm(s, ins->c, JIT_TABLE_COUNT));
    } else if (ins->op == IR_TABLE_GET) {
        u32 def = x64_def(s, value);
        x64_put_def_rm(s, X64_MOV, true, def,
                       x64_element(s, ins->c, ins->a, TRAP_TABLE_OUT_OF_BOUNDS));
    } else {
        u32 from = x64_use(s, ins->b);
        x64_put_use_rm(s, X64_MOV_MR, true, from,
                       x64_element(s, ins->c, ins->a, TRAP_TABLE_OUT_OF_BOUNDS));
    }
}
