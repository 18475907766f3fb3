// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/x86_64/select_control.c: parameters, calls and the ends of blocks.
#include "core/jit/layout.h"
#include "core/jit/x86_64/convention.h"
#include "core/jit/x86_64/select.h"

u8 x64_kind(u8 type)
{
    switch ((enum wasm_type)type) {
    case WASM_I32:
        return KIND_I;
    case WASM_F32:
        return KIND_F;
    case WASM_F64:
        return KIND_D;
    case WASM_V128:
        return KIND_V;
    default:
        return KIND_L;
    }
}

// ---- moves to and from the stack

static void load_stack(struct selector *s, u8 kind, u32 def, struct rm from)
{
    static const u16 ops[] = {[KIND_I] = X64_MOV,
                              [KIND_L] = X64_MOV,
                              [KIND_F] = X64_MOVSS,
                              [KIND_D] = X64_MOVSD,
                              [KIND_V] = X64_MOVUPS};
    x64_put_def_rm(s, (enum x64_op)ops[kind], kind == KIND_L, def, from);
}

// With zeros above what is less than 8 bytes.
static void store_stack(struct selector *s, u32 value, struct rm to)
{
    u8 kind = sel_ins(s, value)->kind;
    if (sel_is_const(s, value) &&
        (kind == KIND_I ? sel_const(s, value) >= 0 : sel_is_imm(s, value))) {
        x64_put_rm_i(s, X64_MOV_I, true, to, (i32)sel_const(s, value));
        return;
    }
    u32 reg = x64_use(s, value);
    if (kind == KIND_F) {
        u32 moved = x64_vreg(s, KIND_L);
        x64_put(s, X64_MOVD_MR, (struct x64_shape){0}, 0);
        x64_operand(s, reg, MACH_USE, MACH_IN_REGISTER, 0);
        x64_operand(s, moved, MACH_DEF, MACH_IN_REGISTER, 0);
        reg = moved;
    }
    enum x64_op op = kind == KIND_D ? X64_MOVSD_MR : kind == KIND_V ? X64_MOVUPS_MR : X64_MOV_MR;
    x64_put_use_rm(s, op, true, reg, to);
}

// ---- the function's own

void x64_select_params(struct selector *s)
{
    const struct ir *ir = s->ir;
    u32 first = ir->blocks[0].first;
    for (u32 round = 0; round < 2; round++) { // registers, then what lies in memory
        struct x64_cursor places = {0};
        u32 value = first;
        if (round == 0) {
            x64_put(s, X64_PARAMS, (struct x64_shape){0}, 0);
        }
        for (u32 i = 0; i < ir->type->param_count && s->err == ERR_OK; i++) {
            u8 type = ir->type->types[i];
            struct x64_location place = x64_next(&places, type, false);
            bool is_stack = place.reg == X64_NONE;
            while (ir->ins[value].op == IR_PARAM && ir->ins[value].a < i) {
                value++;
            }
            bool is_wanted = ir->ins[value].op == IR_PARAM && ir->ins[value].a == i &&
                             s->vregs[value] != MACH_NONE;
            if (is_wanted && !is_stack && round == 0) {
                x64_operand(s, s->vregs[value], MACH_DEF, MACH_FIXED, place.reg);
            } else if (is_wanted && is_stack && round == 1) {
                load_stack(s, x64_kind(type), s->vregs[value],
                           rm_stack(X64_RM_INCOMING, place.offset));
            }
        }
    }
}

static void select_return(struct selector *s, const struct ir_ins *ins)
{
    const u32 *values = &s->ir->lists[ins->b + 1];
    u32 count = s->ir->lists[ins->b];
    u32 vregs[2 * X64_ARGUMENT_REGISTERS];
    u8 regs[2 * X64_ARGUMENT_REGISTERS];
    u32 used = 0;
    struct x64_cursor places = {0};
    for (u32 i = 0; i < count && s->err == ERR_OK; i++) {
        u8 type = s->ir->type->types[s->ir->type->param_count + i];
        struct x64_location place = x64_next(&places, type, true);
        if (place.reg == X64_NONE) {
            store_stack(s, values[i], rm_stack(X64_RM_INCOMING, place.offset));
        } else {
            regs[used] = place.reg;
            vregs[used++] = x64_use(s, values[i]);
        }
    }
    x64_put(s, X64_RETURN, (struct x64_shape){0}, 0)->flags = MACH_IS_EXIT;
    for (u32 i = 0; i < used; i++) {
        x64_operand(s, vregs[i], MACH_USE, MACH_FIXED, regs[i]);
    }
}

// ---- branches

enum { SWITCH_FEW = 4 };

// The number, at most that of the last entry, finds the distance of the target from the table.
static void select_switch(struct selector *s, const struct ir_ins *ins)
{
    u32 count = s->ir->lists[ins->b];
    u32 index = x64_use(s, ins->a);
    ASSERT(count >= 1);
    if (count <= SWITCH_FEW) {
        x64_put(s, X64_SWITCH_FEW, (struct x64_shape){0}, ins->b)->flags = MACH_IS_EXIT;
        x64_operand(s, index, MACH_USE, MACH_IN_REGISTER, 0);
        return;
    }
    u32 last = x64_constant(s, KIND_I, count - 1);
    u32 safe = x64_vreg(s, KIND_L);
    u32 table = x64_vreg(s, KIND_L);
    u32 distance = x64_vreg(s, KIND_L);
    u32 target = x64_vreg(s, KIND_L);
    x64_put(s, X64_TABLE, (struct x64_shape){0}, 0);
    x64_operand(s, table, MACH_DEF, MACH_IN_REGISTER, 0);
    x64_put_rm_i(s, X64_CMP_I, false, rm_reg(index), (i32)(count - 1));
    x64_put_def_same_rm(s, X64_CMOVCC, false, safe, last, rm_reg(index));
    x64_set_condition(s, X64_B);
    x64_put_def_rm(s, X64_MOVSXD, true, distance, rm_free(table, safe, 2, 0));
    x64_put_def_rm(s, X64_LEA, true, target, rm_free(distance, table, 0, 0));
    x64_put(s, X64_SWITCH, (struct x64_shape){0}, ins->b)->flags = MACH_IS_EXIT;
    x64_operand(s, target, MACH_USE, MACH_IN_REGISTER, 0);
}

// ---- calls

static const struct wasm_func_type *call_type(const struct selector *s, const struct ir_ins *ins)
{
    const struct wasm_module *module = s->ir->module;
    if (ins->op == IR_HELPER) {
        return NULL;
    }
    bool is_direct = ins->op == IR_CALL || ins->op == IR_TAIL_CALL;
    u32 type = is_direct             ? module->function_types[ins->a]
               : ins->op == IR_THROW ? module->tag_types[ins->a]
                                     : ir_call_type(ins);
    return &module->types[type];
}

struct call {
    u32 value;
    const struct wasm_func_type *type;     // NULL: a helper
    u32 vregs[2 * X64_ARGUMENT_REGISTERS]; // of arguments in registers
    u8 regs[2 * X64_ARGUMENT_REGISTERS];
    u32 used;
    u32 element; // virtual register; MACH_NONE: none
    u32 stack_bytes;
};

// `where`: from where on those lie that are on the stack.
static void call_arguments(struct selector *s, struct call *call, enum x64_rm where)
{
    const struct ir_ins *ins = sel_ins(s, call->value);
    const u32 *values = &s->ir->lists[ins->b + 1];
    u32 count = s->ir->lists[ins->b];
    struct x64_cursor places = {0};
    for (u32 i = 0; i < count && s->err == ERR_OK; i++) {
        u8 type = call->type == NULL ? WASM_I64 : call->type->types[i];
        struct x64_location place = x64_next(&places, type, false);
        if (place.reg == X64_NONE) {
            store_stack(s, values[i], rm_stack(where, place.offset));
        } else {
            call->regs[call->used] = place.reg;
            call->vregs[call->used++] = x64_use(s, values[i]);
        }
    }
    call->stack_bytes = places.stack_bytes;
}

// How much every call keeps free for tail calls of what it calls.
static u32 tail_bytes(const struct selector *s)
{
    return s->options->tail_words * (u32)sizeof(u64);
}

// How much the caller of a function keeps free for what it takes and gives on the stack, and for
// its tail calls.
static u32 incoming_bytes(const struct selector *s)
{
    const struct ir *ir = s->ir;
    struct x64_cursor arguments = {0};
    struct x64_cursor results = {0};
    const struct wasm_func_type *type = ir->type;
    for (u32 i = 0; i < type->param_count && ir->loop == IR_NONE; i++) { // else it takes a frame
        (void)x64_next(&arguments, type->types[i], false);
    }
    for (u32 i = 0; i < type->result_count; i++) {
        (void)x64_next(&results, type->types[type->param_count + i], true);
    }
    u32 bytes =
        arguments.stack_bytes > results.stack_bytes ? arguments.stack_bytes : results.stack_bytes;
    return bytes > tail_bytes(s) ? bytes : tail_bytes(s);
}

// Results in registers are operands of the call (round 0), others are loaded behind it (round 1).
static void call_results(struct selector *s, struct call *call, u32 round)
{
    u32 count = call->type == NULL ? 1 : call->type->result_count;
    u32 next = s->results[call->value];
    struct x64_cursor places = {0};
    for (u32 i = 0; i < count && s->err == ERR_OK; i++) {
        u8 type = call->type == NULL ? WASM_I64 : call->type->types[call->type->param_count + i];
        struct x64_location place = x64_next(&places, type, true);
        bool is_stack = place.reg == X64_NONE;
        u32 vreg = i == 0 ? s->vregs[call->value] : MACH_NONE;
        if (i > 0 && next != IR_NONE && sel_ins(s, next)->op == IR_RESULT &&
            sel_ins(s, next)->b == i) {
            vreg = s->vregs[next];
            next = s->results[next];
        }
        if (vreg != MACH_NONE && !is_stack && round == 0) {
            x64_operand(s, vreg, MACH_DEF, MACH_FIXED, place.reg);
        } else if (vreg != MACH_NONE && is_stack && round == 1) {
            load_stack(s, x64_kind(type), vreg, rm_stack(X64_RM_STACK, place.offset));
        }
    }
    if (round == 0 && next != IR_NONE && sel_ins(s, next)->op == IR_CAUGHT) {
        x64_operand(s, s->vregs[next], MACH_DEF, MACH_FIXED, X64_LANDING);
    }
    call->stack_bytes =
        call->stack_bytes > places.stack_bytes ? call->stack_bytes : places.stack_bytes;
}

static void call_element(struct selector *s, struct call *call)
{
    const struct ir_ins *ins = sel_ins(s, call->value);
    call->element = x64_vreg(s, KIND_L);
    struct rm element = x64_element(s, ir_call_table(ins), ins->a, TRAP_UNDEFINED_ELEMENT);
    x64_put_def_rm(s, X64_MOV, true, call->element, element);
}

static void call_operands(struct selector *s, const struct call *call)
{
    for (u32 i = 0; i < call->used; i++) {
        x64_operand(s, call->vregs[i], MACH_USE, MACH_FIXED, call->regs[i]);
    }
    if (call->element != MACH_NONE) {
        x64_operand(s, call->element, MACH_USE, MACH_FIXED, X64_ELEMENT);
    }
}

void x64_select_call(struct selector *s, u32 value)
{
    enum { STACK_ALIGN = 16 };
    const struct ir_ins *ins = sel_ins(s, value);
    struct call call = {.value = value, .type = call_type(s, ins), .element = MACH_NONE};
    call_arguments(s, &call, X64_RM_STACK);
    if (ins->op == IR_CALL_INDIRECT) {
        call_element(s, &call);
    }
    u64 callee = ins->op == IR_CALL     ? ins->a
                 : ins->op == IR_HELPER ? JIT_CALLEE_HELPER | ins->a
                 : ins->op == IR_THROW  ? JIT_CALLEE_TAG | ins->a
                                        : ir_call_type(ins);
    bool is_element = call.element != MACH_NONE;
    x64_put(s, is_element ? X64_CALL_ELEMENT : X64_CALL,
            (struct x64_shape){.trap = is_element ? TRAP_UNINITIALIZED_ELEMENT : TRAP_NONE}, callee)
        ->flags = ins->lane ? MACH_IS_CALL | MACH_IS_LANDING : MACH_IS_CALL;
    call_operands(s, &call);
    call_results(s, &call, 0);
    call_results(s, &call, 1);
    u32 tail = call.type == NULL ? 0 : tail_bytes(s); // a helper has none
    call.stack_bytes = call.stack_bytes > tail ? call.stack_bytes : tail;
    u32 caught = ins->lane ? s->ir->caught_words * (u32)sizeof(u64) : 0;
    call.stack_bytes = call.stack_bytes > caught ? call.stack_bytes : caught;
    u32 bytes = (call.stack_bytes + STACK_ALIGN - 1) & ~(u32)(STACK_ALIGN - 1);
    s->mach->stack_bytes = s->mach->stack_bytes > bytes ? s->mach->stack_bytes : bytes;
}

// In the place of a return. Arguments on the stack go where this function's came: where they need
// more room than there is, the function stays with the interpreter.
static void select_tail_call(struct selector *s, u32 value)
{
    const struct ir_ins *ins = sel_ins(s, value);
    struct call call = {.value = value, .type = call_type(s, ins), .element = MACH_NONE};
    call_arguments(s, &call, X64_RM_INCOMING);
    if (call.stack_bytes > incoming_bytes(s)) {
        s->err = s->err == ERR_OK ? ERR_LIMIT : s->err;
        return;
    }
    if (ins->op == IR_TAIL_CALL_INDIRECT) {
        call_element(s, &call);
        x64_put(s, X64_TAIL_ELEMENT, (struct x64_shape){.trap = TRAP_UNINITIALIZED_ELEMENT},
                ir_call_type(ins))
            ->flags = MACH_IS_EXIT;
    } else {
        x64_put(s, X64_TAIL, (struct x64_shape){0}, ins->a)->flags = MACH_IS_EXIT;
    }
    call_operands(s, &call);
}

// ---- the ends of blocks

void x64_select_exit(struct selector *s, u32 block)
{
    const struct ir_ins *ins = sel_ins(s, s->root);
    ASSERT(s->root == s->ir->blocks[block].end - 1);
    switch ((u32)ins->op) {
    case IR_JUMP:
        x64_put(s, X64_JUMP, (struct x64_shape){0}, 0)->flags = MACH_IS_EXIT;
        return;
    case IR_BRANCH: {
        struct condition condition = x64_condition(s, ins->a);
        x64_put(s, condition.is_equal ? X64_BRANCH_EQUAL : X64_BRANCH,
                (struct x64_shape){.condition = condition.code}, 0)
            ->flags = MACH_IS_EXIT;
        return;
    }
    case IR_SWITCH:
        select_switch(s, ins);
        return;
    case IR_RETURN:
        select_return(s, ins);
        return;
    case IR_TAIL_CALL:
    case IR_TAIL_CALL_INDIRECT:
        select_tail_call(s, s->root);
        return;
    default:
        ASSERT(ins->op == IR_UNREACHABLE);
        x64_put(s, X64_TRAP, (struct x64_shape){.trap = (u8)ins->c}, 0)->flags = MACH_IS_EXIT;
        return;
    }
}
