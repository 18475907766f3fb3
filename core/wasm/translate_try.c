// SPDX-License-Identifier: GPL-3.0-or-later
// What exceptions add to the translator. A try_table is a block for which no code is made: the
// second half of each call in it says where its clauses are (struct wasm_try), and they say where
// the interpreter goes on. A label's values have homes, to which unwinding copies them.
#include "core/base/assert.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

void translate_call_mark(struct translator *t)
{
    struct ins *second = ins_at(t, t->count - 1);
    second->a = (u16)t->header;
    second->c = t->try;
}

void translate_throw(struct translator *t, struct body_reader *in, enum row row)
{
    u32 slots = 1;
    u32 tag = 0;
    if (row == ROW_THROW) {
        tag = body_u32(in);
        slots = t->module->types[t->module->tag_types[tag]].param_slots;
    }
    settle_top(t, slots);
    handler *run = row == ROW_THROW ? wasm_run_throw : wasm_run_throw_ref;
    emit(t, run, home(t, t->height - slots), 0, tag);
    emit_data(t, NULL);
    translate_call_mark(t);
}

// The values of a function's label are its results, at the beginning of the frame.
static void clause_begin(struct translator *t, const struct wasm_clause_read *clause)
{
    u32 number = t->catch_count++;
    struct wasm_catch *catch = &t->module->catches[number];
    ASSERT(clause->depth + 1 < t->depth);
    struct control *control = &t->controls[t->depth - 2 - clause->depth]; // outside the try_table
    bool is_function = control == t->controls;
    *catch = (struct wasm_catch){
        .tag = clause->tag,
        .slot = (u16)(is_function ? 0 : home(t, control->height)),
        .has_reference = clause->kind == WASM_CATCH_REF || clause->kind == WASM_CATCH_ANY_REF,
    };
    if (control->opcode == WASM_OP_LOOP) {
        catch->target = control->start;
    } else {
        catch->target = control->catches;
        control->catches = number + 1;
        control->joined = true;
    }
}

void translate_try(struct translator *t, struct body_reader *in)
{
    struct wasm_module *module = t->module;
    u32 count = body_u32(in);
    ASSERT(t->try_count < module->try_count && count <= module->catch_count - t->catch_count);
    module->tries[t->try_count++] = (struct wasm_try){
        .code = &t->codes[t->body - module->bodies],
        .start = t->origin,
        .outer = t->try,
        .catch_first = t->catch_count,
        .catch_count = count,
    };
    t->controls[t->depth - 1].outer_try = t->try;
    t->try = t->try_count;
    for (u32 i = 0; i < count; i++) {
        struct wasm_clause_read clause = body_clause(in);
        clause_begin(t, &clause);
    }
}

void translate_try_end(struct translator *t, const struct control *control)
{
    t->module->tries[t->try - 1].end = t->origin;
    t->try = control->outer_try;
}

bool translate_clause_patch(struct translator *t, struct control *control)
{
    if (control->catches == 0) {
        return false;
    }
    struct wasm_catch *catch = &t->module->catches[control->catches - 1];
    control->catches = catch->target;
    catch->target = t->count;
    return true;
}
