// SPDX-License-Identifier: GPL-3.0-or-later
// Calls, and calls in the place of a return.
#include "core/base/assert.h"
#include "core/wasm/module.h"
#include "core/wasm/translator.h"

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

// The instruction of an indirect call and its second half: by a slot, or by the accumulator.
static void emit_indirect(struct translator *t, handler *by_slot, handler *by_acc, u32 table,
                          const struct wasm_func_type *type)
{
    struct operand index = pop(t);
    operand_no_const(t, &index);
    u32 frame = call_prepare(t, type);
    if (index.mode == MODE_SLOT) {
        emit(t, by_slot, frame, index.slot, table);
    } else {
        emit(t, by_acc, frame, 0, table);
    }
    emit_data(t, type);
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
    translate_call_mark(t);
    call_finish(t, type);
}

void translate_call(struct translator *t, struct body_reader *in, enum row row)
{
    if (row == ROW_CALL) {
        do_call(t, in);
        return;
    }
    ASSERT(row == ROW_CALL_INDIRECT);
    const struct wasm_func_type *type = canonical_type(t, body_u32(in));
    u32 table = body_u32(in);
    emit_indirect(t, wasm_run_call_indirect_s, wasm_run_call_indirect_a, table, type);
    translate_call_mark(t);
    call_finish(t, type);
}

bool translate_tail_call(struct translator *t, struct body_reader *in, enum row row)
{
    u32 imports = t->module->function_import_count;
    u32 index = body_u32(in);
    u32 type_index = row == ROW_RETURN_CALL ? t->module->function_types[index] : index;
    const struct wasm_func_type *type = canonical_type(t, type_index);
    bool comes_back = true;
    t->module->has_tail_calls = true;
    if (row == ROW_RETURN_CALL_INDIRECT) {
        emit_indirect(t, wasm_run_tail_call_indirect_s, wasm_run_tail_call_indirect_a, body_u32(in),
                      type);
    } else if (index < imports) {
        emit(t, wasm_run_tail_call_import, call_prepare(t, type), 0, index);
        emit_data(t, NULL);
    } else {
        emit(t, wasm_run_tail_call, call_prepare(t, type), 0, type->param_slots);
        emit_data(t, &t->codes[index - imports]);
        comes_back = false;
    }
    ins_at(t, t->count - 1)->a = (u16)t->header; // where this function's return address is
    call_finish(t, type);
    return comes_back;
}
