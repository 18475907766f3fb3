// SPDX-License-Identifier: GPL-3.0-or-later
// A function that is entered at the head of a loop. What comes before that loop in the body is
// followed only to know the operands and the blocks that it stands in; then everything is forgotten
// but those, and building begins anew with locals and operands from the interpreter's frame.
//
// Of a loop around it, the rest of a turn comes first, and the next turn would begin at a head that
// is not there. So such a loop is built behind the rest of the turn as a whole, once more from its
// first instruction:
//
//     entry, the loop, the rest of the outer loop's turn, the outer loop, what comes behind
//
// On the stack of controls an outer loop is two: CONTROL_REST, whose label leads to the outer loop
// to come, and around it CONTROL_BEHIND, which has no label: there the end of the rest and the end
// of the outer loop meet.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/builder.h"
#include "core/wasm/module.h"

// ---- which loop

u32 reenter_find(const struct wasm_module *module, u32 function, u32 origin, struct arena *arena)
{
    struct span code = module->bodies[function - module->function_import_count].code;
    struct body_reader in = {code.data, code.data + code.size};
    u32 *loops = ARENA_ARRAY(arena, u32, code.size / 2 + 1); // of each open block: where it begins
    u32 depth = 0;
    if (loops == NULL || origin >= code.size) {
        return IR_NONE;
    }
    while (in.at < code.data + origin) {
        u32 offset = (u32)(in.at - code.data);
        enum row row = body_row(&in);
        if (body_opens(row)) {
            loops[depth++] = row == ROW_LOOP ? offset : IR_NONE;
        }
        depth -= row == ROW_END;
        body_skip_immediate(&in, row);
    }
    while (depth > 0 && loops[depth - 1] == IR_NONE) {
        depth--;
    }
    return depth == 0 ? IR_NONE : loops[depth - 1];
}

// ---- the frame

// The value of a slot of the interpreter's frame. It lies as core/wasm/code.h says.
static u32 slot_value(struct builder *b, enum kind kind, u32 *slot)
{
    struct ir_ins ins = {.op = IR_SLOT, .kind = (u8)kind, .a = 0, .c = *slot};
    *slot += kind == KIND_V ? 2 : 1;
    return build_append(b, &ins);
}

// An operand before everything was forgotten.
struct kept {
    u8 kind;
    bool is_constant;
    u64 bits;
};

static struct kept *keep_operands(struct builder *b)
{
    struct kept *kept = ARENA_ARRAY(b->ir->arena, struct kept, b->height);
    for (u32 i = 0; kept != NULL && i < b->height; i++) {
        const struct ir_ins *ins = value_ins(b, value_resolve(b, b->stack[i]));
        kept[i] = (struct kept){ins->kind, ins->op == IR_CONST, ins->bits};
    }
    return kept;
}

// The function's own type, but with the address of a frame as the one parameter.
static const struct wasm_func_type *loop_type(struct arena *arena,
                                              const struct wasm_func_type *type)
{
    struct wasm_func_type *made = ARENA_NEW(arena, struct wasm_func_type);
    u8 *types = ARENA_ARRAY(arena, u8, 1 + type->result_count);
    if (made == NULL || types == NULL) {
        return NULL;
    }
    types[0] = WASM_I64;
    mem_copy(types + 1, type->types + type->param_count, type->result_count);
    made->types = types;
    made->param_count = 1;
    made->result_count = type->result_count;
    made->param_slots = 1;
    made->result_slots = type->result_slots;
    made->canonical = IR_NONE;
    return made;
}

static void take_frame(struct builder *b, const struct kept *kept)
{
    const struct wasm_func_type *type = b->ir->type;
    u32 slot = 0;
    b->ir->type = loop_type(b->ir->arena, type);
    if (b->ir->type == NULL) {
        b->failed = ERR_NO_MEMORY;
        return;
    }
    (void)block_begin(b, IR_NONE);
    (void)build_append(b, &(struct ir_ins){.op = IR_PARAM, .kind = KIND_L});
    for (u32 i = 0; i < type->param_count; i++) {
        b->locals[i] = slot_value(b, kind_of_type(type->types[i]), &slot);
    }
    u32 result_slots = wasm_slots_of(type->types + type->param_count, type->result_count);
    slot = (slot > result_slots ? slot : result_slots) + 1; // there, the address to return to
    u32 local = type->param_count;
    for (u32 i = 0; i < b->body->local_run_count; i++) {
        for (u32 k = 0; k < b->body->locals[i].count; k++) {
            b->locals[local++] = slot_value(b, kind_of_type(b->body->locals[i].type), &slot);
        }
    }
    for (u32 i = 0; i < b->height && b->failed == ERR_OK; i++) {
        enum kind kind = (enum kind)kept[i].kind;
        u32 value = slot_value(b, kind, &slot);
        b->stack[i] = kept[i].is_constant ? build_const(b, kind, kept[i].bits) : value;
    }
}

// ---- controls

static void take_control(struct builder *b, const struct control *old)
{
    bool is_loop = old->kind == CONTROL_LOOP;
    struct control *control = control_push(b, is_loop ? CONTROL_BEHIND : CONTROL_BLOCK);
    if (control == NULL) {
        return;
    }
    control->height = old->height;
    control->result_count = old->result_count;
    scope_enter(b, control);
    if (old->clauses != NULL) {
        build_try(b, old->clauses);
    }
    if (old->kind == CONTROL_IF) {
        control->kind = CONTROL_IF; // the function is in its first half and never in the other
        control->condition = CONDITION_ALWAYS;
        control->param_count = old->param_count;
        if (!if_keep(b, control)) {
            return;
        }
    }
    if (!is_loop) {
        return;
    }
    b->behind_count++;
    control = control_push(b, CONTROL_REST);
    if (control != NULL) {
        control->height = old->height;
        control->result_count = old->param_count; // what its label takes
        control->again = old->again;
        control->offset = old->offset;
        scope_enter(b, control);
    }
}

void reenter(struct builder *b)
{
    u32 depth = b->depth;
    const struct kept *kept = keep_operands(b);
    struct control *old = ARENA_ARRAY(b->ir->arena, struct control, depth);
    if (old == NULL || kept == NULL) {
        b->failed = ERR_NO_MEMORY;
        return;
    }
    mem_copy(old, b->controls, depth * sizeof *old);
    number_forget(b);
    mem_zero(b->logged, b->local_count * sizeof *b->logged);
    b->log_count = 0;
    b->log_start = 0;
    b->edge_count = 0;
    b->carried_count = 0;
    b->depth = 0;
    b->try = 0;
    b->ir->caught_words = 0;
    clobber_globals(b);
    b->ir->loop = b->entry;
    b->entry = IR_NONE;
    take_frame(b, kept);
    for (u32 i = 0; i < depth && b->failed == ERR_OK; i++) {
        take_control(b, &old[i]);
    }
}

// ---- loops around

void behind_finish(struct builder *b, struct control *control)
{
    ASSERT(control->kind == CONTROL_BEHIND);
    end_block(b, control);
    b->depth--;
    b->behind_count--;
}

bool rest_finish(struct builder *b, struct control *control, struct body_reader *in)
{
    struct control *behind = control - 1;
    struct control rest = *control;
    bool has_turns = control->edge_count != 0;
    if (!has_turns) {
        if (b->block == IR_NONE) {
            scope_undo(b, control);
            scope_leave(b, control);
            b->height = control->height;
        } else {
            scope_keep(b, control);
        }
        b->depth--;
        behind_finish(b, behind);
        return false;
    }
    finish_into(b, behind);
    join_make(b, control);
    b->depth--;
    in->at = rest.again;
    b->origin = rest.offset;
    b->next_loop = 0;
    return true;
}
