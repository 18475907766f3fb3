// SPDX-License-Identifier: GPL-3.0-or-later
// Translates blocks and branches: where values lie at a label, what is copied on the way to it, and
// jumps whose targets are known when the block ends.
#include "core/base/assert.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

enum { PATCH_UNITS = 10 }; // of work, for a jump whose target is known at last

// ---- branches

static i32 distance(u32 from, u32 to)
{
    return (i32)(((i64)to - (i64)from) * (i64)sizeof(struct ins));
}

static struct control *target(struct translator *t, u32 depth)
{
    ASSERT(depth < t->depth);
    return &t->controls[t->depth - 1 - depth];
}

static bool is_function(const struct translator *t, const struct control *control)
{
    return control == t->controls;
}

// The slots of what a branch carries.
static u32 arity(const struct control *control)
{
    return control->opcode == WASM_OP_LOOP ? control->param_slots : control->result_slots;
}

// Makes the instruction at `index` jump to a block's end, or a loop's start.
static void jump_to(struct translator *t, struct control *control, u32 index)
{
    if (control->opcode == WASM_OP_LOOP) {
        ins_at(t, index)->c = (u32)distance(index, control->start);
    } else {
        ins_at(t, index)->c = control->jumps;
        control->jumps = index + 1;
        control->joined = true;
    }
}

static void emit_jump(struct translator *t, struct control *control)
{
    bool is_loop = control->opcode == WASM_OP_LOOP;
    if (t->count > t->barrier && ins_at(t, t->count - 1)->run == wasm_run_copy) {
        ins_at(t, t->count - 1)->run = is_loop ? wasm_run_copy_br_back : wasm_run_copy_br;
        jump_to(t, control, t->count - 1);
        return;
    }
    jump_to(t, control, emit(t, is_loop ? wasm_run_br_back : wasm_run_br, 0, 0, 0));
}

// Copies values from their homes down. Two slots are often one v128.
static void emit_copies(struct translator *t, u32 to, u32 from, u32 count)
{
    if (count == 2) {
        u32 index = emit_two(t, wasm_run_copy_two, to, to + 1, from + 1);
        ins_at(t, index)->b = (u16)from;
    } else {
        emit(t, wasm_run_copy_many, to, from, count);
    }
}

static void emit_return(struct translator *t, u32 count)
{
    static handler *const returns[BANK_COUNT] = {wasm_run_ret_a, wasm_run_ret_a_f,
                                                 wasm_run_ret_a_d};
    if (count != 1) {
        if (count > 1) {
            emit_copies(t, 0, home(t, t->height - count), count);
        }
        emit(t, wasm_run_ret, t->header, 0, 0);
        return;
    }
    struct operand result = operand_at(t, t->height - 1);
    if (result.mode == MODE_CONST && result.bits <= UINT32_MAX) {
        emit(t, wasm_run_ret_k, t->header, 0, (u32)result.bits);
    } else if (result.mode == MODE_CONST || result.mode == MODE_SUM || result.dirty) {
        operand_copy(t, &result, 0);
        emit(t, wasm_run_ret, t->header, 0, 0);
    } else if (result.mode == MODE_ACC) {
        emit(t, returns[bank_of(result.kind)], t->header, 0, 0);
    } else {
        emit(t, wasm_run_ret_s, t->header, result.slot, 0);
    }
}

// Moves what a branch carries and jumps. More than one value must be settled.
static void emit_branch(struct translator *t, struct control *control)
{
    u32 count = arity(control);
    if (is_function(t, control)) {
        emit_return(t, count);
        return;
    }
    u32 from = t->height - count;
    if (count == 1) {
        struct operand value = operand_at(t, from);
        if (value.mode != MODE_SLOT || value.dirty || value.slot != home(t, control->height)) {
            operand_copy(t, &value, home(t, control->height));
        }
    } else if (count > 1 && from != control->height) {
        emit_copies(t, home(t, control->height), home(t, from), count);
    }
    emit_jump(t, control);
}

static enum row opposite(enum row row)
{
    static const u8 rows[ROW_COUNT] = {
#define OPPOSITE(prefix, a, b)                                                                     \
    [ROW_##prefix##_##a] = ROW_##prefix##_##b, [ROW_##prefix##_##b] = ROW_##prefix##_##a
        OPPOSITE(I32, EQ, NE),     OPPOSITE(I32, LT_S, GE_S), OPPOSITE(I32, LT_U, GE_U),
        OPPOSITE(I32, GT_S, LE_S), OPPOSITE(I32, GT_U, LE_U), OPPOSITE(I64, EQ, NE),
        OPPOSITE(I64, LT_S, GE_S), OPPOSITE(I64, LT_U, GE_U), OPPOSITE(I64, GT_S, LE_S),
        OPPOSITE(I64, GT_U, LE_U),
    };
    ASSERT(rows[row] != 0);
    return rows[row];
}

// The comparison that says the same of its operands in the other order.
static enum row mirrored(enum row row)
{
    static const u8 rows[ROW_COUNT] = {
#define MIRRORED(prefix, a, b)                                                                     \
    [ROW_##prefix##_##a] = ROW_##prefix##_##b, [ROW_##prefix##_##b] = ROW_##prefix##_##a
        MIRRORED(I32, LT_S, GT_S), MIRRORED(I32, LT_U, GT_U), MIRRORED(I32, LE_S, GE_S),
        MIRRORED(I32, LE_U, GE_U), MIRRORED(I64, LT_S, GT_S), MIRRORED(I64, LT_U, GT_U),
        MIRRORED(I64, LE_S, GE_S), MIRRORED(I64, LE_U, GE_U), MIRRORED(F32, LT, GT),
        MIRRORED(F32, LE, GE),     MIRRORED(F64, LT, GT),     MIRRORED(F64, LE, GE),
    };
    return rows[row] == 0 ? row : rows[row];
}

// Takes the condition off the stack as a comparison, swallowing the instruction that computed it.
static struct recent pop_condition(struct translator *t)
{
    force_top(t, 1);
    bool is_last = recent_made(t, &t->values[t->height - 1]) &&
                   body_ops[t->recent.row].class == WASM_CLASS_COMPARE;
    struct operand condition = pop(t);
    if (!is_last) {
        return (struct recent){
            .row = ROW_I32_NE,
            .left = condition,
            .right = {.mode = MODE_CONST, .kind = KIND_I},
        };
    }
    return recent_take_back(t);
}

// Prepares the operands of a branch: at most one is a constant, and that is the right one.
static void condition_arrange(struct translator *t, struct recent *condition)
{
    operands_part(&condition->left, &condition->right);
    if (condition->left.mode == MODE_CONST && condition->right.mode != MODE_CONST) {
        struct operand left = condition->left;
        condition->left = condition->right;
        condition->right = left;
        condition->row = mirrored(condition->row);
    }
    operand_no_const(t, &condition->left);
    if (bank_of(condition->right.kind) != BANK_INTEGER) {
        operand_no_const(t, &condition->right);
    }
}

// Emits a branch taken when the condition is `sense`. Its distance is still to be set.
static u32 emit_condition(struct translator *t, const struct recent *condition, bool sense,
                          enum direction direction)
{
    const struct operand *left = &condition->left;
    const struct operand *right = &condition->right;
    enum row row = condition->row;
    if (bank_of(left->kind) == BANK_INTEGER && !sense) {
        row = opposite(row);
        sense = true;
    }
    bool is_wide = right->mode == MODE_CONST && !operand_is_short(right);
    enum form form;
    if (left->mode == MODE_SLOT) {
        form = right->mode == MODE_SLOT  ? FORM_SS
               : right->mode == MODE_ACC ? FORM_SA
               : is_wide                 ? FORM_SW
                                         : FORM_SK;
    } else {
        form = right->mode == MODE_SLOT ? FORM_AS : is_wide ? FORM_AW : FORM_AK;
    }
    u32 b = right->mode == MODE_CONST ? (u32)right->bits : right->slot;
    handler *run = wasm_branches[row][((u32)direction * 2 + sense) * FORM_BINARY_COUNT + form];
    u32 index = emit(t, run, left->slot, b, 0);
    if (is_wide) {
        emit_bits(t, right->bits);
    }
    return index;
}

// Joins the branch at the end of a loop with the counting just before it. False: there is none.
static bool emit_loop(struct translator *t, const struct recent *condition, u32 start)
{
    if (t->count <= t->barrier || wasm_loops[condition->row] == NULL) {
        return false;
    }
    struct ins *last = ins_at(t, t->count - 1);
    i32 step = (i32)last->c;
    i64 back = (i64)start - (i64)(t->count - 1);
    if (last->run != wasm_run_sum_k_s || last->a != last->b || step != (i16)step ||
        back < INT16_MIN) {
        return false;
    }
    struct operand left = condition->left;
    struct operand right = condition->right;
    enum row row = condition->row;
    if (right.mode != MODE_CONST && right.has_slot && right.slot == last->a) {
        struct operand swap = left;
        left = right;
        right = swap;
        row = mirrored(row);
    }
    if (left.kind != KIND_I || !left.has_slot || left.slot != last->a || wasm_loops[row] == NULL ||
        (right.mode == MODE_CONST ? !operand_is_short(&right)
                                  : !right.has_slot || right.slot == last->a)) {
        return false;
    }
    last->run = wasm_loops[row][right.mode == MODE_CONST];
    last->b = right.mode == MODE_CONST ? (u16)right.bits : right.slot;
    last->low = (u16)step;
    last->high = (u16)back;
    *origin_at(t, t->count - 1) = t->origin;
    return true;
}

static void do_br_if(struct translator *t, struct body_reader *in)
{
    struct control *control = target(t, body_u32(in));
    struct recent condition = pop_condition(t);
    condition_arrange(t, &condition);
    u32 count = arity(control);
    bool in_place = count == 0 || t->height - count == control->height;
    if (count > 1 || in_place || t->values[t->height - 1].place == PLACE_SUM) {
        settle_top(t, count);
    }
    if (in_place && !is_function(t, control)) {
        bool is_loop = control->opcode == WASM_OP_LOOP;
        if (is_loop && emit_loop(t, &condition, control->start)) {
            return;
        }
        jump_to(t, control,
                emit_condition(t, &condition, true, is_loop ? DIRECTION_BACK : DIRECTION_FORWARD));
        return;
    }
    u32 over = emit_condition(t, &condition, false, DIRECTION_FORWARD);
    emit_branch(t, control);
    ins_at(t, over)->c = (u32)distance(over, t->count);
    t->barrier = t->count;
}

// Entries jump straight to where nothing has to be moved, others to a few instructions behind the
// table.
static void do_br_table(struct translator *t, struct body_reader *in)
{
    u32 count = body_u32(in);
    struct operand index = pop(t);
    operand_no_const(t, &index);
    struct body_reader again = *in;
    for (u32 i = 0; i < count; i++) {
        (void)body_u32(in);
    }
    u32 values = arity(target(t, body_u32(in)));
    settle_top(t, values);
    handler *run = index.mode == MODE_SLOT ? wasm_run_br_table_s : wasm_run_br_table_a;
    u32 base = emit(t, run, index.slot, 0, count) + 1;
    for (u32 i = 0; i <= count; i++) {
        emit_data(t, (const void *)(uintptr_t)base);
    }
    for (u32 i = 0; i <= count && t->failed == ERR_OK; i++) {
        struct control *control = target(t, body_u32(&again));
        u32 entry = base + i;
        bool in_place = values == 0 || t->height - values == control->height;
        if (is_function(t, control) || !in_place) {
            t->barrier = t->count;
            ins_at(t, entry)->c = (u32)distance(base, t->count);
            emit_branch(t, control);
        } else if (control->opcode == WASM_OP_LOOP) {
            ins_at(t, entry)->c = (u32)distance(base, control->start);
        } else {
            ins_at(t, entry)->c = control->entries;
            control->entries = entry + 1;
            control->joined = true;
        }
    }
}

// ---- blocks

struct control *translate_open(struct translator *t, u8 opcode)
{
    struct control *controls = translator_grow(t->scratch, t->controls, &t->control_capacity,
                                               t->depth + 1, sizeof *controls);
    if (controls == NULL) {
        t->failed = ERR_NO_MEMORY;
        return NULL;
    }
    t->controls = controls;
    struct control *control = &controls[t->depth++];
    *control = (struct control){.opcode = opcode};
    return control;
}

static void block_type(struct translator *t, struct body_reader *in, struct control *control)
{
    static const u8 single[] = {WASM_I32,  WASM_I64,     WASM_F32,       WASM_F64,
                                WASM_V128, WASM_FUNCREF, WASM_EXTERNREF, WASM_EXNREF};
    i64 type = body_signed(in);
    if (type >= 0) {
        const struct wasm_func_type *function = &t->module->types[type];
        control->params = function->types;
        control->param_slots = function->param_slots;
        control->results = function->types;
        control->results += function->result_count == 0 ? 0 : function->param_count;
        control->result_slots = function->result_slots;
        return;
    }
    u8 byte = (u8)(type & 0x7f);
    control->result_slots = byte == WASM_BLOCK_TYPE_EMPTY ? 0 : byte == WASM_V128 ? 2 : 1;
    for (u32 i = 0; i < sizeof single; i++) {
        if (single[i] == byte) {
            control->results = &single[i];
        }
    }
}

static void do_block(struct translator *t, struct body_reader *in, enum row row)
{
    struct recent condition = {0};
    if (row == ROW_IF) {
        condition = pop_condition(t);
        condition_arrange(t, &condition);
    }
    struct control *control = translate_open(t, (u8)body_ops[row].number);
    if (control == NULL) {
        return;
    }
    block_type(t, in, control);
    settle_all(t, control->param_slots);
    control->height = t->height - control->param_slots;
    if (row == ROW_TRY_TABLE) {
        translate_try(t, in);
    } else if (row == ROW_IF) {
        control->otherwise = emit_condition(t, &condition, false, DIRECTION_FORWARD) + 1;
    } else if (row == ROW_LOOP) {
        emit_pay(t, WASM_FUEL_STRAIGHT / 4); // so that short loops seldom pay within
        label(t);
        control->start = t->count;
    }
}

static void restart_at(struct translator *t, const struct control *control, bool at_results)
{
    truncate(t, control->height);
    push_homes(t, at_results ? control->results : control->params,
               at_results ? control->result_slots : control->param_slots);
    label(t);
}

// True: what follows can be reached, because the `if` gets there.
void translate_else(struct translator *t, bool reachable)
{
    struct control *control = target(t, 0);
    ASSERT(control->opcode == WASM_OP_IF);
    if (reachable) {
        settle_top(t, control->result_slots);
        emit_jump(t, control);
    }
    u32 branch = control->otherwise - 1;
    ins_at(t, branch)->c = (u32)distance(branch, t->count);
    control->otherwise = 0;
    control->opcode = WASM_OP_ELSE;
    restart_at(t, control, false);
}

// Makes what jumps to the block's end jump there. False: the work of this step is used up, and the
// rest is still in the chains.
static bool patch_jumps(struct translator *t, struct control *control)
{
    while (control->jumps != 0 || control->entries != 0 || control->catches != 0) {
        if (t->work-- <= 0) {
            return false;
        }
        t->work -= PATCH_UNITS;
        if (translate_clause_patch(t, control)) {
            continue;
        }
        bool is_jump = control->jumps != 0;
        u32 index = (is_jump ? control->jumps : control->entries) - 1;
        struct ins *ins = ins_at(t, index);
        if (is_jump) {
            control->jumps = ins->c;
            ins->c = (u32)distance(index, t->count);
        } else {
            control->entries = ins->c;
            ins->c = (u32)distance((u32)(uintptr_t)ins->data, t->count);
        }
    }
    return true;
}

// Clauses whose label is the function's find its results in place. False: as for do_end.
static bool end_function(struct translator *t, struct control *control)
{
    if (t->reachable) {
        if (control->result_slots > 1) {
            settle_top(t, control->result_slots);
        }
        emit_return(t, control->result_slots);
        t->reachable = false;
    }
    if (control->catches != 0) {
        if (!patch_jumps(t, control)) {
            return false;
        }
        truncate(t, 0); // what was returned, or left by a throw, may be in an accumulator
        label(t);
        emit(t, wasm_run_ret, t->header, 0, 0);
    }
    t->depth--;
    return true;
}

// False: it is to be done again, from the start; what it has done by then changes nothing twice.
bool translate_end(struct translator *t)
{
    struct control *control = target(t, 0);
    if (is_function(t, control)) {
        return end_function(t, control);
    }
    if (t->reachable) {
        settle_top(t, control->result_slots);
    }
    if (control->opcode == WASM_OP_IF) {
        u32 branch = control->otherwise - 1;
        ins_at(t, branch)->c = (u32)distance(branch, t->count);
        control->joined = true; // parameters are the results, and in the same slots
    }
    if (control->joined) {
        if (!patch_jumps(t, control)) {
            return false;
        }
        if (t->reachable) {
            label(t); // the results are there already
        } else {
            restart_at(t, control, true);
        }
    }
    if (control->opcode == WASM_OP_TRY_TABLE) {
        translate_try_end(t, control);
    }
    t->depth--;
    t->reachable |= control->joined;
    return true;
}

// ---- instructions

// Returns whether what follows can be reached.
bool translate_control(struct translator *t, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_NOP:
        return true;
    case ROW_UNREACHABLE:
        emit(t, wasm_run_unreachable, 0, 0, 0);
        return false;
    case ROW_BLOCK:
    case ROW_LOOP:
    case ROW_IF:
    case ROW_TRY_TABLE:
        do_block(t, in, row);
        return true;
    case ROW_BR: {
        struct control *control = target(t, body_u32(in));
        if (arity(control) > 1) {
            settle_top(t, arity(control));
        }
        emit_branch(t, control);
        return false;
    }
    case ROW_THROW:
    case ROW_THROW_REF:
        translate_throw(t, in, row);
        return false;
    case ROW_BR_IF:
        do_br_if(t, in);
        return true;
    case ROW_BR_TABLE:
        do_br_table(t, in);
        return false;
    case ROW_RETURN:
        if (t->controls[0].result_slots > 1) {
            settle_top(t, t->controls[0].result_slots);
        }
        emit_return(t, t->controls[0].result_slots);
        return false;
    case ROW_RETURN_CALL:
    case ROW_RETURN_CALL_INDIRECT:
        if (translate_tail_call(t, in, row)) {
            emit_return(t, t->controls[0].result_slots);
        }
        return false;
    default:
        translate_call(t, in, row);
        return true;
    }
}
