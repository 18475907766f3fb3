// SPDX-License-Identifier: GPL-3.0-or-later
// Translates one body after another, each in one pass over its bytes. The validator has proved all
// that is taken for granted here: types, indices, depths, encodings.
#include "core/wasm/translate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

enum {
    PATCH_UNITS = 10, // of work, for a jump whose target is known at last
    NOTE_UNITS = 4,   // for a function that may be referred to
};

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

static struct control *control_push(struct translator *t, u8 opcode)
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
    struct control *control = control_push(t, (u8)body_ops[row].number);
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
static void do_else(struct translator *t, bool reachable)
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
static bool do_end(struct translator *t)
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

// ---- a body

// Returns whether what follows can be reached.
static bool do_control(struct translator *t, struct body_reader *in, enum row row)
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

// Goes on with the body until its end, a failure, or about the end of the step's work, which gives
// ERR_PAUSED.
static enum err translate_instructions(struct translator *t)
{
    struct body_reader in = t->in;
    const u8 *code = t->body->code.data;
    const u8 *from = in.at;
    u64 bytes = t->work <= 0 ? 1 : (u64)t->work / WASM_WORK_TRANSLATE_BYTE + 1;
    const u8 *stop = bytes < (size_t)(in.end - in.at) ? in.at + bytes : in.end;
    while (t->depth > 0 && LIKELY(t->failed == ERR_OK) && in.at < stop) {
        if (!t->reachable && !body_skip_dead(&in, stop, &t->dead_depth)) {
            break;
        }
        const u8 *start = in.at;
        t->origin = (u32)(start - code);
        enum row row = body_row(&in);
        if (UNLIKELY(t->module->has_probes) && t->reachable) {
            emit_probe(t);
        }
        if (row == ROW_END) {
            if (!do_end(t)) {
                in.at = start;
                break;
            }
        } else if (row == ROW_ELSE) {
            do_else(t, t->reachable);
            t->reachable = true;
        } else if (body_ops[row].class == WASM_CLASS_CONTROL) {
            t->reachable = do_control(t, &in, row);
        } else {
            translate_plain(t, &in, row);
        }
    }
    t->work -= (i64)(in.at - from) * WASM_WORK_TRANSLATE_BYTE;
    t->in = in;
    if (t->failed != ERR_OK) {
        return t->failed;
    }
    ASSERT((in.at == in.end) == (t->depth == 0));
    return t->depth == 0 ? ERR_OK : ERR_PAUSED;
}

static bool locals_prepare(struct translator *t, const struct wasm_func_type *type,
                           const struct wasm_body *body)
{
    t->type = type;
    t->body = body;
    t->param_count = type->param_count;
    t->header = type->param_slots > type->result_slots ? type->param_slots : type->result_slots;
    void *ends = translator_grow(t->scratch, t->run_ends, &t->run_capacity,
                                 body->local_run_count + 1, sizeof *t->run_ends);
    void *slots = translator_grow(t->scratch, t->run_slots, &t->run_slot_capacity,
                                  body->local_run_count + 1, sizeof *t->run_slots);
    if (ends == NULL || slots == NULL) {
        t->failed = ERR_NO_MEMORY;
        return false;
    }
    t->run_ends = ends;
    t->run_slots = slots;
    t->run = 0;
    t->has_vectors = false;
    u32 end = type->param_count;
    u32 slot = t->header + 1;
    for (u32 i = 0; i < body->local_run_count; i++) {
        const struct wasm_local_run *run = &body->locals[i];
        end += run->count;
        t->run_ends[i] = end;
        t->run_slots[i] = slot;
        t->has_vectors |= run->type == WASM_V128;
        slot += run->type == WASM_V128 ? 2 * run->count : run->count;
    }
    t->stack_base = slot;
    if (home(t, 0) > SLOTS_MAX) {
        t->failed = ERR_LIMIT;
        return false;
    }
    void *uses = translator_grow(t->scratch, t->local_uses, &t->use_capacity, t->stack_base,
                                 sizeof *t->local_uses);
    if (uses == NULL) {
        t->failed = ERR_NO_MEMORY;
        return false;
    }
    t->local_uses = uses;
    return true;
}

static enum err body_begin(struct translator *t, u32 index)
{
    struct wasm_module *module = t->module;
    const struct wasm_body *body = &module->bodies[index];
    u32 function = module->function_import_count + index;
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    t->count = 0;
    t->barrier = 0;
    t->height = 0;
    t->height_max = 0;
    t->settled = 0;
    t->at_home = 0;
    t->recent.end = 0;
    t->try = 0;
    t->body_tries = t->try_count;
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        t->acc[bank].holds_value = false;
        t->acc[bank].mirrors_slot = false;
    }
    t->in = (struct body_reader){body->code.data, body->code.data + body->code.size};
    t->reachable = true;
    t->dead_depth = 0;
    t->measured = 0;
    t->moved = 0;
    t->origin_bytes = 0;
    t->origin_before = 0;
    t->first = NULL;
    if (!locals_prepare(t, type, body)) {
        return t->failed;
    }
    struct control *control = control_push(t, WASM_OP_BLOCK);
    if (control == NULL) {
        return t->failed;
    }
    control->param_slots = type->param_slots;
    control->result_slots = type->result_slots;
    return ERR_OK;
}

// The end of the portion of instructions that begins at `from`.
static u32 portion_end(const struct translator *t, u32 from)
{
    return t->count - from < CODE_PAGE ? t->count : from + CODE_PAGE;
}

// Adds up how long the origins are as LEB128 steps; see struct wasm_code. They never go back.
static enum err measure(struct translator *t)
{
    u32 before = t->origin_before;
    while (t->measured < t->count) {
        u32 end = portion_end(t, t->measured);
        u32 bytes = end - t->measured;
        for (u32 i = t->measured; i < end; i++) {
            u32 origin = *origin_at(t, i);
            for (u32 step = (origin - before) >> 7; step != 0; step >>= 7) {
                bytes++;
            }
            before = origin;
        }
        t->origin_bytes += bytes;
        t->measured = end;
        t->origin_before = before;
        t->work -= end == t->count ? 0 : CODE_PAGE;
        if (t->work <= 0 && end < t->count) {
            return ERR_PAUSED;
        }
    }
    return ERR_OK;
}

// Moves instructions and packed origins to where they stay.
static enum err move(struct translator *t)
{
    if (t->first == NULL) {
        t->first = ARENA_ROOM(t->module->arena, struct ins, t->count);
        t->origins_at = ARENA_ROOM(t->module->arena, u8, t->origin_bytes);
        if (t->first == NULL || t->origins_at == NULL) {
            return ERR_NO_MEMORY;
        }
        t->origin_before = 0;
    }
    u8 *at = t->origins_at;
    while (t->moved < t->count) {
        u32 end = portion_end(t, t->moved);
        for (u32 i = t->moved; i < end; i++) {
            t->first[i] = *ins_at(t, i);
            u32 step = *origin_at(t, i) - t->origin_before;
            t->origin_before += step;
            for (; step >= 0x80; step >>= 7) {
                *at++ = (u8)(step | 0x80);
            }
            *at++ = (u8)step;
        }
        t->moved = end;
        t->origins_at = at;
        t->work -= end == t->count ? 0 : 4 * CODE_PAGE;
        if (t->work <= 0 && end < t->count) {
            return ERR_PAUSED;
        }
    }
    return ERR_OK;
}

static enum err body_finish(struct translator *t, u32 index)
{
    TRY(measure(t));
    TRY(move(t));
    struct wasm_body *body = &t->module->bodies[index];
    struct wasm_code *code = &t->codes[index];
    u32 zero_count = t->stack_base - t->header - 1;
    *code = (struct wasm_code){
        .entry = t->first,
        .first = t->first,
        .frame_slots = t->stack_base + t->height_max,
        .header = (u16)t->header,
        .zero_count = (u16)zero_count,
        .cost = 1 + zero_count / CODE_ZERO_COUNT_PER_FUEL,
        .function = t->module->function_import_count + index,
        .ins_count = t->count,
        .try_first = t->body_tries,
        .try_count = t->try_count - t->body_tries,
        .origins_bytes = t->origin_bytes,
        .origins = t->origins_at - t->origin_bytes,
    };
    body->translated = code;
    return ERR_OK;
}

// ---- functions as values

static void reference_note(struct wasm_module *module, u32 function)
{
    if (function >= module->function_import_count) {
        u32 *number = &module->references[function - module->function_import_count];
        if (*number == UINT32_MAX) {
            *number = module->reference_count++;
        }
    }
}

// ---- the module, in stages that stop and go on

struct wasm_translation {
    struct translator t;
    u32 stage;
    u32 index; // of the stage's items
    u32 inner; // of an element segment's items
    bool is_begun;
    u32 body_stage;
};

// Calls `item` with the index of each of `count` items. ERR_PAUSED: it goes on with the same when
// called again.
static enum err each(struct wasm_translation *c, u32 count,
                     enum err (*item)(struct wasm_translation *c, u32 index))
{
    for (; c->index < count; c->index++) {
        if (c->t.work <= 0) {
            return ERR_PAUSED;
        }
        TRY(item(c, c->index));
    }
    return ERR_OK;
}

static enum err clear_reference(struct wasm_translation *c, u32 index)
{
    c->t.module->references[index] = UINT32_MAX;
    c->t.work--;
    return ERR_OK;
}

static enum err clear_references(struct wasm_translation *c)
{
    const struct wasm_module *module = c->t.module;
    return each(c, module->function_count - module->function_import_count, clear_reference);
}

static enum err note_export(struct wasm_translation *c, u32 index)
{
    const struct wasm_export *export = &c->t.module->exports[index];
    if (export->kind == WASM_FUNCTION) {
        reference_note(c->t.module, export->index);
    }
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_exports(struct wasm_translation *c)
{
    return each(c, c->t.module->export_count, note_export);
}

static enum err note_elem(struct wasm_translation *c, u32 index)
{
    const struct wasm_elem *elem = &c->t.module->elems[index];
    for (; c->inner < elem->count; c->inner++) {
        if (c->t.work <= 0) {
            return ERR_PAUSED;
        }
        c->t.work -= NOTE_UNITS;
        if (elem->items[c->inner].kind == WASM_CONST_FUNCTION) {
            reference_note(c->t.module, elem->items[c->inner].index);
        }
    }
    c->inner = 0;
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_elems(struct wasm_translation *c)
{
    return each(c, c->t.module->elem_count, note_elem);
}

static enum err note_global(struct wasm_translation *c, u32 index)
{
    const struct wasm_const *init = &c->t.module->global_inits[index];
    if (init->kind == WASM_CONST_FUNCTION) {
        reference_note(c->t.module, init->index);
    }
    c->t.work -= WASM_WORK_ITEM;
    return ERR_OK;
}

static enum err note_globals(struct wasm_translation *c)
{
    const struct wasm_module *module = c->t.module;
    return each(c, module->global_count - module->global_import_count, note_global);
}

static enum err note_start(struct wasm_translation *c)
{
    if (c->t.module->has_start) {
        reference_note(c->t.module, c->t.module->start);
    }
    return ERR_OK;
}

static enum err list_reference(struct wasm_translation *c, u32 index)
{
    struct wasm_module *module = c->t.module;
    u32 number = module->references[index];
    if (number != UINT32_MAX) {
        module->referenced[number] = &c->t.codes[index];
    }
    c->t.work -= NOTE_UNITS;
    return ERR_OK;
}

static enum err list_references(struct wasm_translation *c)
{
    struct wasm_module *module = c->t.module;
    if (!c->is_begun) {
        module->referenced =
            ARENA_ROOM(module->arena, const struct wasm_code *, module->reference_count);
        if (module->referenced == NULL) {
            return ERR_NO_MEMORY;
        }
        c->is_begun = true;
    }
    return each(c, module->function_count - module->function_import_count, list_reference);
}

enum body_stage { BODY_NEW, BODY_INSTRUCTIONS, BODY_END };

static enum err translate_body(struct wasm_translation *c, u32 index)
{
    struct translator *t = &c->t;
    if (c->body_stage == BODY_NEW) {
        t->work -= WASM_WORK_BODY;
        TRY(body_begin(t, index));
        c->body_stage = BODY_INSTRUCTIONS;
    }
    if (c->body_stage == BODY_INSTRUCTIONS) {
        TRY(translate_instructions(t));
        truncate(t, 0); // leaves local_uses all zero for the next body
        c->body_stage = BODY_END;
    }
    TRY(body_finish(t, index));
    c->body_stage = BODY_NEW;
    return ERR_OK;
}

static enum err translate_bodies(struct wasm_translation *c)
{
    return each(c, c->t.module->function_count - c->t.module->function_import_count,
                translate_body);
}

static enum err (*const stages[])(struct wasm_translation *c) = {
    clear_references, note_exports,    note_elems,       note_globals,
    note_start,       list_references, translate_bodies,
};

static enum err go_on(struct wasm_translation *c, struct report *report)
{
    for (; c->stage < COUNT_OF(stages); c->stage++) {
        enum err err = stages[c->stage](c);
        if (err == ERR_PAUSED) {
            return err;
        }
        if (err != ERR_OK) {
            bool is_body = stages[c->stage] == translate_bodies;
            return report_err(report, err, is_body ? c->t.module->bodies[c->index].offset : 0,
                              err == ERR_LIMIT ? "function needs too many slots"
                                               : "no memory for the module's code");
        }
        c->index = 0;
        c->is_begun = false;
    }
    return ERR_OK;
}

enum err wasm_translation_begin(struct wasm_module *module, struct arena *scratch,
                                struct wasm_translation **out, struct report *report)
{
    ASSERT(module->is_valid && !module->is_translated);
    u32 defined = module->function_count - module->function_import_count;
    struct wasm_translation *c = ARENA_NEW(scratch, struct wasm_translation);
    module->references = ARENA_ROOM(module->arena, u32, defined);
    module->tries = ARENA_ROOM(module->arena, struct wasm_try, module->try_count);
    module->catches = ARENA_ROOM(module->arena, struct wasm_catch, module->catch_count);
    if (c == NULL || module->references == NULL || module->tries == NULL ||
        module->catches == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the module's code");
    }
    c->t.module = module;
    c->t.scratch = scratch;
    c->t.codes = ARENA_ROOM(module->arena, struct wasm_code, defined);
    if (c->t.codes == NULL || !translator_prepare(&c->t)) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the module's code");
    }
    *out = c;
    return ERR_OK;
}

enum err wasm_translation_step(struct wasm_translation *translation, i64 *work,
                               struct report *report)
{
    translation->t.work = *work;
    enum err err = go_on(translation, report);
    *work = translation->t.work;
    if (err == ERR_OK) {
        translation->t.module->is_translated = true;
    }
    return err;
}

enum err wasm_module_translate(struct wasm_module *module, struct arena *scratch,
                               struct report *report)
{
    struct wasm_translation *translation;
    TRY(wasm_translation_begin(module, scratch, &translation, report));
    i64 work = INT64_MAX;
    return wasm_translation_step(translation, &work, report);
}
