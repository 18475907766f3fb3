// SPDX-License-Identifier: GPL-3.0-or-later
// Translates one body after another, each in one pass over its bytes. The validator has proved all
// that is taken for granted here: types, indices, depths, encodings.
#include "core/wasm/translate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

// ---- calls

static const struct wasm_func_type *canonical_type(const struct translator *t, u32 type)
{
    return &t->module->types[t->module->types[type].canonical];
}

// Arguments go to their homes, where the callee's frame begins; the accumulators are the callee's.
static u32 call_prepare(struct translator *t, const struct wasm_func_type *type)
{
    settle_top(t, type->param_slots);
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        if (t->acc[bank].holds_value) {
            settle(t, t->acc[bank].position);
        }
    }
    truncate(t, t->height - type->param_slots);
    return home(t, t->height);
}

static void call_finish(struct translator *t, const struct wasm_func_type *type)
{
    acc_forget(t);
    if (type->result_count != 0) {
        push_homes(t, type->types + type->param_count, type->result_slots);
    }
}

static void do_call(struct translator *t, struct body_reader *in)
{
    u32 function = body_u32(in);
    const struct wasm_func_type *type = canonical_type(t, t->module->function_types[function]);
    u32 frame = call_prepare(t, type);
    if (function < t->module->function_import_count) {
        emit(t, wasm_run_call_import, frame, 0, function);
        emit_data(t, NULL);
    } else {
        emit(t, wasm_run_call, frame, 0, 0);
        emit_data(t, &t->codes[function - t->module->function_import_count]);
    }
    call_finish(t, type);
}

static void do_call_indirect(struct translator *t, struct body_reader *in)
{
    const struct wasm_func_type *type = canonical_type(t, body_u32(in));
    u32 table = body_u32(in);
    struct operand index = pop(t);
    operand_no_const(t, &index);
    u32 frame = call_prepare(t, type);
    if (index.mode == MODE_SLOT) {
        emit(t, wasm_run_call_indirect_s, frame, index.slot, table);
    } else {
        emit(t, wasm_run_call_indirect_a, frame, 0, table);
    }
    emit_data(t, type);
    call_finish(t, type);
}

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
        t->code[index].c = (u32)distance(index, control->start);
    } else {
        t->code[index].c = control->jumps;
        control->jumps = index + 1;
        control->joined = true;
    }
}

static void emit_jump(struct translator *t, struct control *control)
{
    bool is_loop = control->opcode == WASM_OP_LOOP;
    if (t->count > t->barrier && t->code[t->count - 1].run == wasm_run_copy) {
        t->code[t->count - 1].run = is_loop ? wasm_run_copy_br_back : wasm_run_copy_br;
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
        t->code[index].b = (u16)from;
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
    struct ins *last = &t->code[t->count - 1];
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
    t->origins[t->count - 1] = t->origin;
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
    t->code[over].c = (u32)distance(over, t->count);
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
            t->code[entry].c = (u32)distance(base, t->count);
            emit_branch(t, control);
        } else if (control->opcode == WASM_OP_LOOP) {
            t->code[entry].c = (u32)distance(base, control->start);
        } else {
            t->code[entry].c = control->entries;
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
    static const u8 single[] = {WASM_I32,  WASM_I64,     WASM_F32,      WASM_F64,
                                WASM_V128, WASM_FUNCREF, WASM_EXTERNREF};
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
    if (row == ROW_IF) {
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
    t->code[branch].c = (u32)distance(branch, t->count);
    control->otherwise = 0;
    control->opcode = WASM_OP_ELSE;
    restart_at(t, control, false);
}

static void patch_jumps(struct translator *t, const struct control *control)
{
    for (u32 next = control->jumps; next != 0;) {
        struct ins *ins = &t->code[next - 1];
        u32 index = next - 1;
        next = ins->c;
        ins->c = (u32)distance(index, t->count);
    }
    for (u32 next = control->entries; next != 0;) {
        struct ins *ins = &t->code[next - 1];
        next = ins->c;
        ins->c = (u32)distance((u32)(uintptr_t)ins->data, t->count);
    }
}

// Returns whether what follows can be reached.
static bool do_end(struct translator *t, bool reachable)
{
    struct control *control = target(t, 0);
    if (is_function(t, control)) {
        if (reachable) {
            if (control->result_slots > 1) {
                settle_top(t, control->result_slots);
            }
            emit_return(t, control->result_slots);
        }
        t->depth--;
        return false;
    }
    if (reachable) {
        settle_top(t, control->result_slots);
    }
    if (control->opcode == WASM_OP_IF) {
        u32 branch = control->otherwise - 1;
        t->code[branch].c = (u32)distance(branch, t->count);
        control->joined = true; // parameters are the results, and in the same slots
    }
    if (control->joined) {
        patch_jumps(t, control);
        if (reachable) {
            label(t); // the results are there already
        } else {
            restart_at(t, control, true);
        }
    }
    t->depth--;
    return reachable || control->joined;
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
    case ROW_CALL:
        do_call(t, in);
        return true;
    default:
        ASSERT(row == ROW_CALL_INDIRECT);
        do_call_indirect(t, in);
        return true;
    }
}

static void translate_instructions(struct translator *t, struct span code)
{
    struct body_reader in = {code.data, code.data + code.size};
    bool reachable = true;
    while (t->depth > 0 && LIKELY(t->failed == ERR_OK)) {
        if (!reachable) {
            body_skip_dead(&in);
        }
        t->origin = (u32)(in.at - code.data);
        enum row row = body_row(&in);
        if (row == ROW_END) {
            reachable = do_end(t, reachable);
        } else if (row == ROW_ELSE) {
            do_else(t, reachable);
            reachable = true;
        } else if (body_ops[row].class == WASM_CLASS_CONTROL) {
            reachable = do_control(t, &in, row);
        } else {
            translate_plain(t, &in, row);
        }
    }
    ASSERT(in.at == in.end || t->failed != ERR_OK);
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

// Packs the origins into LEB128 steps; see struct wasm_code. They never go back.
static bool origins_pack(struct translator *t, struct wasm_code *code)
{
    enum { STEP_BYTES = 5 };
    if (t->byte_capacity < (size_t)t->count * STEP_BYTES) {
        t->byte_capacity = (size_t)t->capacity * STEP_BYTES;
        t->bytes = ARENA_ARRAY(t->scratch, u8, t->byte_capacity);
        if (t->bytes == NULL) {
            return false;
        }
    }
    u8 *at = t->bytes;
    u32 before = 0;
    for (u32 i = 0; i < t->count; i++) {
        u32 step = t->origins[i] - before;
        before = t->origins[i];
        for (; step >= 0x80; step >>= 7) {
            *at++ = (u8)(step | 0x80);
        }
        *at++ = (u8)step;
    }
    code->origins_bytes = (u32)(at - t->bytes);
    u8 *bytes = ARENA_ARRAY(t->module->arena, u8, code->origins_bytes);
    mem_copy(bytes, t->bytes, bytes == NULL ? 0 : code->origins_bytes);
    code->origins = bytes;
    return bytes != NULL;
}

static enum err translate_body(struct translator *t, u32 function)
{
    struct wasm_module *module = t->module;
    struct wasm_body *body = &module->bodies[function - module->function_import_count];
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    t->count = 0;
    t->barrier = 0;
    t->height = 0;
    t->height_max = 0;
    t->settled = 0;
    t->at_home = 0;
    t->recent.end = 0;
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        t->acc[bank] = (struct accumulator){0};
    }
    if (!locals_prepare(t, type, body)) {
        return t->failed;
    }
    struct control *control = control_push(t, WASM_OP_BLOCK);
    if (control == NULL) {
        return t->failed;
    }
    control->param_slots = type->param_slots;
    control->result_slots = type->result_slots;
    translate_instructions(t, body->code);
    truncate(t, 0); // leaves local_uses all zero for the next body
    if (t->failed != ERR_OK) {
        return t->failed;
    }
    struct wasm_code *code = &t->codes[function - module->function_import_count];
    struct ins *first = ARENA_ARRAY(module->arena, struct ins, t->count);
    if (first == NULL || !origins_pack(t, code)) {
        return ERR_NO_MEMORY;
    }
    mem_copy(first, t->code, t->count * sizeof *first);
    code->first = first;
    code->entry = first;
    code->ins_count = t->count;
    code->function = function;
    code->header = (u16)t->header;
    code->zero_count = (u16)(t->stack_base - t->header - 1);
    code->cost = 1 + code->zero_count / CODE_ZERO_COUNT_PER_FUEL;
    code->frame_slots = t->stack_base + t->height_max;
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

static void const_note(struct wasm_module *module, const struct wasm_const *value)
{
    if (value->kind == WASM_CONST_FUNCTION) {
        reference_note(module, value->index);
    }
}

static enum err references_collect(struct wasm_module *module, const struct wasm_code *codes)
{
    u32 defined = module->function_count - module->function_import_count;
    module->references = ARENA_ARRAY(module->arena, u32, defined);
    if (module->references == NULL) {
        return ERR_NO_MEMORY;
    }
    mem_fill(module->references, 0xff, defined * sizeof *module->references);
    for (u32 i = 0; i < module->export_count; i++) {
        if (module->exports[i].kind == WASM_FUNCTION) {
            reference_note(module, module->exports[i].index);
        }
    }
    for (u32 i = 0; i < module->elem_count; i++) {
        for (u32 k = 0; k < module->elems[i].count; k++) {
            const_note(module, &module->elems[i].items[k]);
        }
    }
    for (u32 i = 0; i < module->global_count - module->global_import_count; i++) {
        const_note(module, &module->global_inits[i]);
    }
    if (module->has_start) {
        reference_note(module, module->start);
    }
    module->referenced =
        ARENA_ARRAY(module->arena, const struct wasm_code *, module->reference_count);
    if (module->referenced == NULL) {
        return ERR_NO_MEMORY;
    }
    for (u32 i = 0; i < defined; i++) {
        if (module->references[i] != UINT32_MAX) {
            module->referenced[module->references[i]] = &codes[i];
        }
    }
    return ERR_OK;
}

enum err wasm_module_translate(struct wasm_module *module, struct arena *scratch,
                               struct report *report)
{
    ASSERT(module->is_valid && !module->is_translated);
    u32 defined = module->function_count - module->function_import_count;
    struct translator t = {.module = module, .scratch = scratch};
    t.codes = ARENA_ARRAY(module->arena, struct wasm_code, defined);
    if (t.codes == NULL || !translator_prepare(&t) ||
        references_collect(module, t.codes) != ERR_OK) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the module's code");
    }
    for (u32 i = 0; i < defined; i++) {
        enum err err = translate_body(&t, module->function_import_count + i);
        if (err != ERR_OK) {
            return report_err(report, err, module->bodies[i].offset,
                              err == ERR_LIMIT ? "function needs too many slots"
                                               : "no memory for the module's code");
        }
    }
    module->is_translated = true;
    return ERR_OK;
}
