// SPDX-License-Identifier: GPL-3.0-or-later
// Follows the control of a body. Blocks stand in the order of the file; those that only jump, in
// which a branch's values are moved, stand just before where they lead, so that ways out of a loop
// are behind it.
#include "core/jit/build.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/builder.h"
#include "core/jit/limits.h"
#include "core/jit/pace.h"
#include "core/wasm/module.h"

static const struct ir_ins jump = {.op = IR_JUMP, .kind = IR_KIND_NONE};

struct control *build_label(struct builder *b, u32 at, u32 depth)
{
    ASSERT(at < b->depth && depth <= at);
    if (LIKELY(b->behind_count == 0)) {
        return &b->controls[at - depth];
    }
    for (; depth > 0; at--) {
        depth -= b->controls[at - 1].kind != CONTROL_BEHIND;
    }
    return &b->controls[at];
}

static struct control *target(struct builder *b, u32 depth)
{
    return build_label(b, b->depth - 1, depth);
}

static bool is_function(const struct builder *b, const struct control *control)
{
    return control == b->controls;
}

static u32 arity(const struct control *control)
{
    return control->kind == CONTROL_LOOP ? control->param_count : control->result_count;
}

static void emit_return(struct builder *b)
{
    u32 list = build_pop_list(b, b->controls[0].result_count);
    block_finish(b, &(struct ir_ins){.op = IR_RETURN, .kind = IR_KIND_NONE, .b = list}, 0);
}

// ---- branches

// An unconditional one.
void build_br(struct builder *b, struct control *control)
{
    if (is_function(b, control)) {
        emit_return(b);
        return;
    }
    u32 from = b->block;
    block_finish(b, &jump, 1);
    edge_add(b, control, from, IR_NONE, arity(control));
}

// One of several ways out of a block that is finished.
static void branch_from(struct builder *b, struct control *control, u32 from, u32 successor)
{
    if (control->kind == CONTROL_LOOP) {
        from = block_between(b, from, successor);
        successor = IR_NONE;
    }
    edge_add(b, control, from, successor, arity(control));
}

static void do_br_if(struct builder *b, struct body_reader *in)
{
    struct control *control = target(b, body_u32(in));
    bool negated = false;
    u32 condition = build_condition(b, build_pop(b), &negated);
    const struct ir_ins *ins = value_ins(b, condition);
    if (ins->op == IR_CONST) {
        if ((ins->bits != 0) != negated) {
            build_br(b, control);
        }
        return;
    }
    u32 from = b->block;
    block_finish(b, &(struct ir_ins){.op = IR_BRANCH, .kind = IR_KIND_NONE, .a = condition}, 2);
    branch_from(b, control, from, negated);
    (void)block_behind(b, from, !negated);
}

// The ways of a br_table: one successor for each label that occurs. Returns their count, and the
// list of entries in *list.
static u32 switch_entries(struct builder *b, struct body_reader *in, u32 count, u32 *list)
{
    u32 mark = ++b->meeting;
    u32 successors = 0;
    *list = build_list(b, count + 2);
    if (*list == IR_NONE) {
        return 0;
    }
    b->ir->lists[*list] = count + 1;
    for (u32 i = 0; i <= count; i++) {
        struct control *control = target(b, body_u32(in));
        if (control->met_in != mark) {
            control->met_in = mark;
            control->successor = successors++;
        }
        b->ir->lists[*list + 1 + i] = control->successor;
    }
    return successors;
}

static void do_br_table(struct builder *b, struct body_reader *in)
{
    u32 count = body_u32(in);
    u32 index = build_pop(b);
    struct body_reader labels = *in;
    const struct ir_ins *ins = value_ins(b, index);
    if (ins->op == IR_CONST) {
        u32 chosen = 0;
        for (u32 i = 0; i <= count; i++) {
            u32 label = body_u32(in);
            chosen = i <= ins->bits ? label : chosen;
        }
        build_br(b, target(b, chosen));
        return;
    }
    u32 list;
    u32 successors = switch_entries(b, in, count, &list);
    if (successors <= 1) {
        build_br(b, target(b, body_u32(&labels)));
        return;
    }
    u32 from = b->block;
    struct ir_ins exit = {.op = IR_SWITCH, .kind = IR_KIND_NONE, .a = index, .b = list};
    bool is_branch = count == 1; // not 0: the second
    if (is_branch) {
        exit = (struct ir_ins){.op = IR_BRANCH, .kind = IR_KIND_NONE, .a = index};
    }
    block_finish(b, &exit, successors);
    u32 next = 0;
    for (u32 i = 0; i <= count && b->failed == ERR_OK; i++) {
        struct control *control = target(b, body_u32(&labels));
        if (control->successor == next) {
            branch_from(b, control, from, is_branch ? 1 - next : next);
            next++;
        }
    }
    b->block = IR_NONE;
}

// ---- blocks

struct control *control_push(struct builder *b, enum control_kind kind)
{
    struct control *controls =
        builder_grow(b, b->controls, &b->control_capacity, b->depth + 1, sizeof *controls);
    if (controls == NULL) {
        return NULL;
    }
    b->controls = controls;
    struct control *control = &controls[b->depth++];
    *control = (struct control){
        .kind = (u8)kind,
        .first_edge = IR_NONE,
        .last_edge = IR_NONE,
        .block = IR_NONE,
    };
    return control;
}

static void block_type(struct builder *b, struct body_reader *in, struct control *control)
{
    i64 type = body_signed(in);
    if (type >= 0) {
        const struct wasm_func_type *function = &b->module->types[type];
        control->param_count = function->param_count;
        control->result_count = function->result_count;
    } else {
        control->result_count = (u8)(type & 0x7f) == WASM_BLOCK_TYPE_EMPTY ? 0 : 1;
    }
    control->height = b->height - control->param_count;
}

static void do_block(struct builder *b, struct body_reader *in, enum row row)
{
    struct control *control = control_push(b, CONTROL_BLOCK);
    if (control != NULL) {
        block_type(b, in, control);
        scope_enter(b, control);
        if (row == ROW_TRY_TABLE) {
            build_try(b, in->at);
            body_skip_clauses(in);
        }
    }
}

static void do_loop(struct builder *b, struct body_reader *in)
{
    if (UNLIKELY(b->origin == b->entry)) {
        reenter(b);
    }
    const struct loop_note *note = loop_look_up(b, in);
    struct control *control = control_push(b, CONTROL_LOOP);
    if (control != NULL && note != NULL) {
        control->again = in->at;
        control->offset = b->origin;
        block_type(b, in, control);
        loop_begin(b, control, note);
    }
}

// The operands that were there when an `if` began.
static void if_restore(struct builder *b, const struct control *control)
{
    b->height = control->height;
    for (u32 i = 0; i < control->param_count && b->failed == ERR_OK; i++) {
        build_push(b, b->carried[control->values + i]);
    }
}

bool if_keep(struct builder *b, struct control *control)
{
    u32 count = b->carried_count + control->param_count;
    u32 *carried = builder_grow(b, b->carried, &b->carried_capacity, count, sizeof *b->carried);
    if (carried == NULL) {
        return false;
    }
    b->carried = carried;
    control->values = b->carried_count;
    mem_copy(carried + b->carried_count, b->stack + control->height,
             control->param_count * sizeof *carried);
    b->carried_count = count;
    return true;
}

static void do_if(struct builder *b, struct body_reader *in)
{
    bool negated = false;
    u32 condition = build_condition(b, build_pop(b), &negated);
    const struct ir_ins *ins = value_ins(b, condition);
    struct control *control = control_push(b, CONTROL_IF);
    if (control == NULL) {
        return;
    }
    block_type(b, in, control);
    scope_enter(b, control);
    if (!if_keep(b, control)) {
        return;
    }
    control->block = b->block;
    if (ins->op == IR_CONST) {
        bool taken = (ins->bits != 0) != negated;
        control->condition = taken ? CONDITION_ALWAYS : CONDITION_NEVER;
        b->block = taken ? b->block : IR_NONE;
        return;
    }
    control->otherwise = !negated;
    block_finish(b, &(struct ir_ins){.op = IR_BRANCH, .kind = IR_KIND_NONE, .a = condition}, 2);
    (void)block_behind(b, control->block, negated);
}

void finish_into(struct builder *b, struct control *control)
{
    u32 from = b->block;
    if (from != IR_NONE) {
        block_finish(b, &jump, 1);
        edge_add(b, control, from, IR_NONE, control->result_count);
    }
}

static void do_else(struct builder *b)
{
    struct control *control = target(b, 0);
    ASSERT(control->kind == CONTROL_IF);
    finish_into(b, control);
    scope_undo(b, control);
    if_restore(b, control);
    control->kind = CONTROL_ELSE;
    switch ((enum condition)control->condition) {
    case CONDITION_OPEN:
        (void)block_behind(b, control->block, control->otherwise);
        clobber_globals(b);
        break;
    case CONDITION_ALWAYS:
        b->block = IR_NONE;
        break;
    case CONDITION_NEVER:
        b->block = control->block;
        break;
    }
}

static void end_function(struct builder *b, struct control *control)
{
    if (b->block != IR_NONE) {
        emit_return(b);
    }
    for (u32 at = control->first_edge; at != IR_NONE && b->failed == ERR_OK;
         at = b->edges[at].next) {
        (void)block_behind(b, b->edges[at].block, b->edges[at].successor);
        b->height = 0;
        for (u32 i = 0; i < control->result_count; i++) {
            build_push(b, b->carried[b->edges[at].values + i]);
        }
        emit_return(b);
    }
}

// An `if` without `else`: its condition's other side leads to the end, or is all there is.
static void end_if(struct builder *b, struct control *control)
{
    if (control->condition == CONDITION_ALWAYS) {
        return;
    }
    if (control->condition == CONDITION_OPEN) {
        finish_into(b, control);
    }
    scope_undo(b, control);
    if_restore(b, control);
    if (control->condition == CONDITION_OPEN) {
        edge_add(b, control, control->block, control->otherwise, control->result_count);
    } else {
        b->block = control->block;
    }
}

void end_block(struct builder *b, struct control *control)
{
    if (control->kind == CONTROL_IF) {
        end_if(b, control);
    }
    if (control->edge_count != 0) {
        finish_into(b, control);
        join_make(b, control);
    } else if (b->block != IR_NONE) {
        scope_keep(b, control);
    } else {
        scope_undo(b, control);
        scope_leave(b, control);
        b->height = control->height;
    }
}

static void end_loop(struct builder *b)
{
    struct control *control = target(b, 0);
    loop_finish(b, control);
    b->height = b->block == IR_NONE ? control->height : b->height;
    b->depth--;
    if (UNLIKELY(b->controls[b->depth - 1].kind == CONTROL_BEHIND)) {
        behind_finish(b, &b->controls[b->depth - 1]);
    }
}

static void do_end(struct builder *b, struct body_reader *in)
{
    struct control *control = target(b, 0);
    if (control->kind == CONTROL_LOOP) {
        end_loop(b);
        return;
    }
    if (UNLIKELY(control->kind == CONTROL_REST)) {
        if (rest_finish(b, control, in)) {
            do_loop(b, in);
        }
        return;
    }
    if (control->clauses != NULL) {
        build_try_end(b, control);
    }
    if (is_function(b, control)) {
        end_function(b, control);
    } else {
        end_block(b, control);
    }
    b->depth--;
}

// ---- calls

static void append_call(struct builder *b, struct ir_ins *ins, const struct wasm_func_type *type)
{
    ins->lane = build_lands(b);
    u32 call = build_append(b, ins);
    build_push_results(b, call, type);
    if (UNLIKELY(ins->lane)) {
        build_landing(b, call, true);
    }
}

static void do_call(struct builder *b, struct body_reader *in)
{
    u32 function = body_u32(in);
    const struct wasm_func_type *type = &b->module->types[b->module->function_types[function]];
    struct ir_ins call = {.op = IR_CALL, .a = function, .b = build_pop_list(b, type->param_count)};
    call.kind =
        type->result_count == 0 ? IR_KIND_NONE : (u8)kind_of_type(type->types[type->param_count]);
    clobber_globals(b);
    append_call(b, &call, type);
}

static void do_call_indirect(struct builder *b, struct body_reader *in)
{
    const struct wasm_func_type *type = &b->module->types[body_u32(in)];
    u32 table = body_u32(in);
    struct ir_ins call = {.op = IR_CALL_INDIRECT, .a = build_pop(b)};
    call.b = build_pop_list(b, type->param_count);
    call.c = table << 20 | type->canonical;
    call.kind =
        type->result_count == 0 ? IR_KIND_NONE : (u8)kind_of_type(type->types[type->param_count]);
    clobber_globals(b);
    append_call(b, &call, type);
}

// In the place of a return: the same, as the end of the block.
static void do_tail_call(struct builder *b, struct body_reader *in, enum row row)
{
    struct ir_ins call = {.op = IR_TAIL_CALL, .kind = IR_KIND_NONE};
    u32 index = body_u32(in);
    const struct wasm_func_type *type;
    if (row == ROW_RETURN_CALL) {
        call.a = index;
        type = &b->module->types[b->module->function_types[index]];
    } else {
        type = &b->module->types[index];
        call.op = IR_TAIL_CALL_INDIRECT;
        call.c = body_u32(in) << 20 | type->canonical;
        call.a = build_pop(b);
    }
    call.b = build_pop_list(b, type->param_count);
    block_finish(b, &call, 0);
}

// ---- a body

static void do_control(struct builder *b, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_NOP:
        break;
    case ROW_UNREACHABLE:
        block_finish(
            b, &(struct ir_ins){.op = IR_UNREACHABLE, .kind = IR_KIND_NONE, .c = TRAP_UNREACHABLE},
            0);
        break;
    case ROW_BLOCK:
    case ROW_TRY_TABLE:
        do_block(b, in, row);
        break;
    case ROW_LOOP:
        do_loop(b, in);
        break;
    case ROW_IF:
        do_if(b, in);
        break;
    case ROW_BR:
        build_br(b, target(b, body_u32(in)));
        break;
    case ROW_BR_IF:
        do_br_if(b, in);
        break;
    case ROW_BR_TABLE:
        do_br_table(b, in);
        break;
    case ROW_RETURN:
        emit_return(b);
        break;
    case ROW_THROW:
    case ROW_THROW_REF:
        build_throw(b, in, row);
        break;
    case ROW_CALL:
        do_call(b, in);
        break;
    case ROW_CALL_INDIRECT:
        do_call_indirect(b, in);
        break;
    default:
        ASSERT(row == ROW_RETURN_CALL || row == ROW_RETURN_CALL_INDIRECT);
        do_tail_call(b, in, row);
        break;
    }
}

static void build_instructions(struct builder *b, struct span code)
{
    struct body_reader in = {code.data, code.data + code.size};
    while (b->depth > 0 && LIKELY(b->failed == ERR_OK)) {
        const u8 *before = in.at;
        if (b->block == IR_NONE) {
            u32 depth = 0;
            bool is_there = body_skip_dead(&in, in.end, &depth);
            ASSERT(is_there);
        }
        b->origin = (u32)(in.at - code.data);
        enum row row = body_row(&in);
        if (row == ROW_END) {
            do_end(b, &in);
        } else if (row == ROW_ELSE) {
            do_else(b);
        } else if (body_ops[row].class == WASM_CLASS_CONTROL) {
            do_control(b, &in, row);
        } else {
            build_plain(b, &in, row);
        }
        jit_pace(b->ir->pace, BUILD_UNITS + (u64)(in.at - before));
    }
    ASSERT(in.at == in.end || b->failed != ERR_OK);
}

// Parameters, then zeros.
static void locals_begin(struct builder *b, const struct wasm_func_type *type)
{
    (void)block_begin(b, IR_NONE);
    for (u32 i = 0; i < type->param_count; i++) {
        b->locals[i] = build_append(
            b, &(struct ir_ins){.op = IR_PARAM, .kind = (u8)kind_of_type(type->types[i]), .a = i});
    }
    u32 local = type->param_count;
    for (u32 i = 0; i < b->body->local_run_count; i++) {
        enum kind kind = kind_of_type(b->body->locals[i].type);
        u64 bits = kind == KIND_V ? vector_index(b, 0, 0) : 0;
        u32 zero = build_const(b, kind, bits);
        for (u32 k = 0; k < b->body->locals[i].count; k++) {
            b->locals[local++] = zero;
        }
    }
}

static bool locals_prepare(struct builder *b, const struct wasm_func_type *type)
{
    struct arena *arena = b->ir->arena;
    b->local_count = type->param_count + b->body->local_count;
    b->locals = ARENA_ARRAY(arena, u32, b->local_count);
    b->logged = ARENA_ARRAY(arena, u32, b->local_count);
    b->met = ARENA_ARRAY(arena, u32, b->local_count);
    b->met_at = ARENA_ARRAY(arena, u32, b->local_count);
    b->assigned_in = ARENA_ARRAY(arena, u32, b->local_count);
    b->carried = builder_grow(b, NULL, &b->carried_capacity, 1, sizeof *b->carried);
    b->stack = builder_grow(b, NULL, &b->stack_capacity, 1, sizeof *b->stack);
    return b->carried != NULL && b->stack != NULL && b->locals != NULL && b->logged != NULL &&
           b->met != NULL && b->met_at != NULL && b->assigned_in != NULL;
}

// entry: offset of the loop to enter at, or IR_NONE.
static enum err build(const struct wasm_module *module, u32 function, u32 entry,
                      struct jit_pace *pace, struct arena *arena, struct ir *out)
{
    ASSERT(module->is_valid);
    ASSERT(function >= module->function_import_count && function < module->function_count);
    const struct wasm_body *body = &module->bodies[function - module->function_import_count];
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    size_t bytes = body->code.size;
    if (bytes > JIT_BODY_BYTES || body->local_count > JIT_LOCALS + bytes) {
        return ERR_LIMIT;
    }
    struct ir ir = {.arena = arena,
                    .pace = pace,
                    .module = module,
                    .type = type,
                    .function = function,
                    .loop = IR_NONE};
    struct builder *b = ARENA_NEW(arena, struct builder);
    if (b == NULL) {
        return ERR_NO_MEMORY;
    }
    *b = (struct builder){
        .ir = &ir, .module = module, .body = body, .start = body->code.data, .epoch = 1};
    b->scanned = b->start;
    b->entry = entry;
    b->work_left = JIT_EDGE_VALUES + (u64)bytes * JIT_EDGE_VALUES_PER_BYTE;
    if (!number_prepare(b, (u32)bytes) || !locals_prepare(b, type)) {
        return ERR_NO_MEMORY;
    }
    struct control *control = control_push(b, CONTROL_BLOCK);
    if (control == NULL) {
        return b->failed;
    }
    control->result_count = type->result_count;
    scope_enter(b, control);
    locals_begin(b, type);
    build_instructions(b, body->code);
    if (b->failed == ERR_OK) {
        *out = ir;
    }
    return b->failed;
}

enum err ir_build(const struct wasm_module *module, u32 function, struct jit_pace *pace,
                  struct arena *arena, struct ir *out)
{
    return build(module, function, IR_NONE, pace, arena, out);
}

enum err ir_build_loop(const struct wasm_module *module, u32 function, u32 origin,
                       struct jit_pace *pace, struct arena *arena, struct ir *out)
{
    u32 entry = reenter_find(module, function, origin, arena);
    if (entry == IR_NONE) {
        return ERR_NOT_FOUND;
    }
    struct ir ir;
    TRY(build(module, function, entry, pace, arena, &ir));
    if (ir.loop == IR_NONE) {
        return ERR_NOT_FOUND; // it cannot be reached
    }
    *out = ir;
    return ERR_OK;
}
