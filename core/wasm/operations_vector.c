// SPDX-License-Identifier: GPL-3.0-or-later
// Translates the instructions on v128. Their operands are slots: a local's own, or homes;
// core/wasm/ code.h lists what each handler takes. Only results that are scalars know accumulators.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/translator.h"

// Takes a scalar off the stack and returns its slot.
static u32 pop_slot(struct translator *t)
{
    u32 position = t->height - 1;
    const struct value *value = &t->values[position];
    if (value->place != PLACE_HOME && value->place != PLACE_LOCAL) {
        settle(t, position);
    }
    return pop(t).slot;
}

static u32 two(u32 low, u32 high)
{
    return low | high << 16;
}

// What is above it on the stack is taken off already.
static void emit_vector(struct translator *t, handler *run, u32 b, u32 c)
{
    push_vector(t, emit(t, run, home(t, t->height), b, c));
}

// ---- arithmetic

// One, two or three vectors, or a scalar, to a vector.
static void do_lanes(struct translator *t, enum row row, const char *operands)
{
    u32 slots[3] = {0};
    u32 count = 0;
    while (operands[count] != 0) {
        count++;
    }
    for (u32 i = count; i-- > 0;) {
        slots[i] = operands[i] == 'V' ? pop_vector(t) : pop_slot(t);
    }
    emit_vector(t, wasm_vectors[row][0], slots[0], two(slots[1], slots[2]));
}

static void do_shift(struct translator *t, enum row row)
{
    const struct value *count = &t->values[t->height - 1];
    bool is_const = count->place == PLACE_CONST;
    u32 c = is_const ? (u32)count->bits : 0;
    if (is_const) {
        truncate(t, t->height - 1);
    } else {
        c = pop_slot(t);
    }
    u32 vector = pop_vector(t);
    emit_vector(t, wasm_vectors[row][is_const ? FORM_K : FORM_S], vector, c);
}

static void do_to_scalar(struct translator *t, enum row row, u32 lane)
{
    enum kind kind = body_ops[row].result;
    u32 vector = pop_vector(t);
    acc_claim(t, bank_of(kind));
    u32 index = emit(t, wasm_vectors[row][OUT_A], 0, vector, lane);
    push_acc(t, kind, index, wasm_vectors[row][OUT_S]);
}

static void do_replace_lane(struct translator *t, enum row row, u32 lane)
{
    u32 scalar = pop_slot(t);
    u32 vector = pop_vector(t);
    emit_vector(t, wasm_vectors[row][0], vector, two(scalar, lane));
}

static void do_shuffle(struct translator *t, enum row row, const u8 *lanes)
{
    u32 right = pop_vector(t);
    u32 left = pop_vector(t);
    u32 start = emit(t, wasm_vectors[row][0], home(t, t->height), left, right);
    emit_bits(t, mem_load_u64(lanes));
    emit_bits(t, mem_load_u64(lanes + 8));
    push_vector(t, start);
}

// Those without an immediate.
static void do_plain(struct translator *t, enum row row)
{
    const char *operands =
        wasm_opcode_facts(WASM_OPCODE(WASM_PREFIX_VECTOR, body_ops[row].number))->operands;
    if (operands[0] == 'V' && operands[1] == 'I') {
        do_shift(t, row);
    } else if (body_ops[row].result != KIND_V) {
        do_to_scalar(t, row, 0);
    } else {
        do_lanes(t, row, operands);
    }
}

// ---- memory

static void do_load(struct translator *t, enum row row, u32 memory, u32 offset)
{
    struct address_use address = address_take(t, t->height - 1, offset, row, false);
    truncate(t, t->height - 1);
    access_begin(t, memory);
    u32 start =
        emit(t, wasm_vectors[row][address.form], home(t, t->height), address.first, address.c);
    access_end(t, memory);
    push_vector(t, start);
}

static void do_store(struct translator *t, enum row row, u32 memory, u32 offset)
{
    u32 vector = pop_vector(t);
    struct address_use address = address_take(t, t->height - 1, offset, row, false);
    truncate(t, t->height - 1);
    access_begin(t, memory);
    emit(t, wasm_vectors[row][address.form], address.first, vector, address.c);
    access_end(t, memory);
}

static void do_lane_access(struct translator *t, enum row row, u32 memory, u32 offset, u32 lane)
{
    u32 vector = pop_vector(t);
    u32 address = pop_slot(t);
    bool is_load = body_ops[row].class == WASM_CLASS_VECTOR_LOAD;
    u32 to = is_load ? home(t, t->height) : address;
    access_begin(t, memory);
    u32 start = emit(t, wasm_vectors[row][0], to, is_load ? address : vector, offset);
    emit_bits(t, two(vector, lane));
    access_end(t, memory);
    if (is_load) {
        push_vector(t, start);
    }
}

void translate_vector(struct translator *t, struct body_reader *in, enum row row)
{
    u32 memory;
    u32 offset;
    switch ((enum wasm_immediate)body_ops[row].immediate) {
    case WASM_IMM_NONE:
        do_plain(t, row);
        break;
    case WASM_IMM_LANE:
        body_skip(in, 1);
        if (body_ops[row].result == KIND_V) {
            do_replace_lane(t, row, in->at[-1]);
        } else {
            do_to_scalar(t, row, in->at[-1]);
        }
        break;
    case WASM_IMM_LANES:
        body_skip(in, 16);
        do_shuffle(t, row, in->at - 16);
        break;
    case WASM_IMM_MEMARG:
        memory = body_memarg(in, &offset);
        if (body_ops[row].class == WASM_CLASS_VECTOR_LOAD) {
            do_load(t, row, memory, offset);
        } else {
            do_store(t, row, memory, offset);
        }
        break;
    default:
        ASSERT(body_ops[row].immediate == WASM_IMM_MEMARG_LANE);
        memory = body_memarg(in, &offset);
        body_skip(in, 1);
        do_lane_access(t, row, memory, offset, in->at[-1]);
        break;
    }
}

// ---- what every type has

void translate_vector_global(struct translator *t, enum row row, u32 global)
{
    if (row == ROW_GLOBAL_GET) {
        emit_vector(t, wasm_run_global_get_v, 0, global);
        return;
    }
    emit(t, wasm_run_global_set_v, 0, pop_vector(t), global);
}

// The condition is off the stack, and no constant.
void translate_vector_select(struct translator *t, const struct operand *condition)
{
    u32 no = pop_vector(t);
    u32 yes = pop_vector(t);
    handler *run = condition->mode == MODE_SLOT ? wasm_run_select_v_s : wasm_run_select_v_a;
    emit_vector(t, run, condition->slot, two(yes, no));
}
