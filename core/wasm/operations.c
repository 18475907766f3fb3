// SPDX-License-Identifier: GPL-3.0-or-later
// Translates every instruction that is not control: they take values off the stack, and may leave
// one on it.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/translator.h"

// ---- numeric instructions

static bool const_is_immediate(const struct operand *operand)
{
    return operand->kind != KIND_L || (u64)(i64)(i32)operand->bits == operand->bits;
}

static void emit_const_behind(struct translator *t, const struct operand *operand)
{
    if (operand->kind == KIND_D) {
        emit_bits(t, operand->bits);
    }
}

// Chooses the form for two operands and emits the instruction; its result is in the accumulator.
static void emit_binary(struct translator *t, enum row row, struct operand left,
                        struct operand right)
{
    operands_part(&left, &right);
    if ((left.mode == MODE_CONST && right.mode == MODE_CONST) || !const_is_immediate(&left)) {
        operand_no_const(t, &left);
    }
    bool is_wide = right.mode == MODE_CONST && !const_is_immediate(&right);
    enum bank bank = bank_of(body_ops[row].result);
    acc_claim(t, bank);
    handler *const *forms = wasm_handlers[row];
    if (is_wide && forms[FORM_SW * OUT_COUNT] == NULL) {
        operand_to_slot(t, &right); // a comparison
        is_wide = false;
    }
    enum form form;
    u32 b = right.slot;
    u32 c = right.mode == MODE_CONST ? (u32)right.bits : (u32)left.bits;
    if (left.mode == MODE_SLOT) {
        form = right.mode == MODE_SLOT ? FORM_SS : right.mode == MODE_CONST ? FORM_SK : FORM_SA;
        b = left.slot;
        c = right.mode == MODE_SLOT ? right.slot : c;
    } else if (left.mode == MODE_ACC) {
        form = right.mode == MODE_SLOT ? FORM_AS : FORM_AK;
    } else {
        form = right.mode == MODE_SLOT ? FORM_KS : FORM_KA;
    }
    if (is_wide) {
        form = form == FORM_SK ? FORM_SW : FORM_AW;
    }
    u32 index = emit(t, forms[form * OUT_COUNT + OUT_A], 0, b, c);
    if (is_wide) {
        emit_bits(t, right.bits);
    } else if (left.mode == MODE_CONST) {
        emit_const_behind(t, &left);
    } else if (right.mode == MODE_CONST) {
        emit_const_behind(t, &right);
    }
    push_acc(t, body_ops[row].result, index, forms[form * OUT_COUNT + OUT_S]);
}

// Emits, and remembers what was emitted for the instruction that may swallow it.
static void emit_recent(struct translator *t, enum row row, const struct operand *left,
                        const struct operand *right)
{
    const struct accumulator *acc = &t->acc[BANK_INTEGER];
    struct recent recent = {
        .row = row,
        .left = *left,
        .right = *right,
        .mirrors_slot = acc->mirrors_slot,
        .slot = acc->slot,
    };
    u32 before = t->count;
    emit_binary(t, row, *left, *right);
    // When an operand had to go to a slot first, something lies between: then it is not swallowed.
    recent.start = t->acc[bank_of(body_ops[row].result)].producer;
    recent.end = recent.start == before ? t->count : 0;
    t->recent = recent;
}

// Leaves additions, and shifts as they occur in addresses, uncomputed. False: not this one.
static bool defer_sum(struct translator *t, enum row row)
{
    enum { SHIFT_MAX = 3 }; // log2 of the largest access
    struct sum left;
    struct sum right;
    if (!value_sum(&t->values[t->height - 2], &left) ||
        !value_sum(&t->values[t->height - 1], &right)) {
        return false;
    }
    bool right_is_const = right.base == SLOT_NONE && right.index == SLOT_NONE;
    if (row == ROW_I32_SUB && right_is_const) {
        right.constant = -right.constant;
    } else if (row == ROW_I32_SHL && right_is_const && right.constant <= SHIFT_MAX) {
        u32 shift = right.constant;
        if (left.index == SLOT_NONE) {
            left.index = left.base;
            left.base = SLOT_NONE;
            left.shift = 0;
        }
        if (left.base != SLOT_NONE || left.shift + shift > SHIFT_MAX) {
            return false;
        }
        left.shift += (u8)shift;
        left.constant <<= shift;
        right.constant = 0;
        if (left.shift == 0) {
            return false;
        }
    } else if (row != ROW_I32_ADD) {
        return false;
    }
    struct sum sum;
    if (!sum_add(&left, &right, &sum)) {
        return false;
    }
    truncate(t, t->height - 2);
    if (sum.base == SLOT_NONE && sum.index == SLOT_NONE) {
        push_const(t, KIND_I, sum.constant);
    } else {
        push_sum(t, &sum);
    }
    return true;
}

static void do_binary(struct translator *t, enum row row)
{
    if ((row == ROW_I32_ADD || row == ROW_I32_SUB || row == ROW_I32_SHL) && defer_sum(t, row)) {
        return;
    }
    force_top(t, 2);
    struct operand right = pop(t);
    struct operand left = pop(t);
    emit_recent(t, row, &left, &right);
}

// What costs nothing: the low half of an i64 is an i32 that may be dirty, and a clean i32 is an
// i64.
static bool reinterpret(struct translator *t, enum row row)
{
    struct value *value = &t->values[t->height - 1];
    if (row == ROW_I64_EXTEND_I32_U && !value->dirty) {
        value->kind = KIND_L;
        return true;
    }
    if (row == ROW_I32_WRAP_I64) {
        value->kind = KIND_I;
        value->dirty = value->place != PLACE_CONST;
        value->bits = (u32)value->bits;
        if (t->at_home == t->height) {
            t->at_home--; // a block may have left it there
        }
        return true;
    }
    return false;
}

static void do_unary(struct translator *t, enum row row)
{
    force_top(t, 1);
    if (reinterpret(t, row)) {
        return;
    }
    struct operand operand = pop(t);
    operand_no_const(t, &operand);
    acc_claim(t, bank_of(body_ops[row].result));
    handler *const *forms = wasm_handlers[row];
    enum form_unary form = operand.mode == MODE_SLOT ? FORM_S : FORM_A;
    u32 index = emit(t, forms[form * OUT_COUNT + OUT_A], 0, operand.slot, 0);
    push_acc(t, body_ops[row].result, index, forms[form * OUT_COUNT + OUT_S]);
}

// `x == 0` is a comparison like the others.
static void do_compare(struct translator *t, enum row row)
{
    struct operand right = {.mode = MODE_CONST, .kind = body_ops[row].operand};
    if (row == ROW_I32_EQZ || row == ROW_I64_EQZ) {
        row = row == ROW_I32_EQZ ? ROW_I32_EQ : ROW_I64_EQ;
        right.home = (u16)home(t, t->height);
    } else {
        force_top(t, 2);
        right = pop(t);
    }
    struct operand left = pop(t);
    emit_recent(t, row, &left, &right);
}

static void do_const(struct translator *t, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_I32_CONST:
        push_const(t, KIND_I, (u32)body_signed(in));
        break;
    case ROW_I64_CONST:
        push_const(t, KIND_L, (u64)body_signed(in));
        break;
    case ROW_F32_CONST:
        body_skip(in, 4);
        push_const(t, KIND_F, mem_load_u32(in->at - 4));
        break;
    case ROW_F64_CONST:
        body_skip(in, 8);
        push_const(t, KIND_D, mem_load_u64(in->at - 8));
        break;
    default:
        ASSERT(row == ROW_V128_CONST);
        body_skip(in, 16);
        push_vector_const(t, mem_load_u64(in->at - 16), mem_load_u64(in->at - 8));
        break;
    }
}

// ---- memory

static u32 two(u32 low, u32 high)
{
    return low | high << 16;
}

// An address that is a sum, if an instruction can do the addition.
static bool address_of_sum(const struct translator *t, const struct sum *sum, u32 offset, u32 bytes,
                           bool keeps_acc, struct address_use *out)
{
    u32 scale = (u32)__builtin_ctz(bytes);
    const struct accumulator *acc = &t->acc[BANK_INTEGER];
    bool wraps = sum->constant != 0;
    if (wraps && offset != 0) {
        return false;
    }
    if (sum->index == SLOT_NONE) {
        bool in_acc = !keeps_acc && acc->mirrors_slot && acc->slot == sum->base;
        *out = (struct address_use){in_acc ? ADDRESS_AK : ADDRESS_SK, sum->base, sum->constant};
        return wraps;
    }
    if (sum->base == SLOT_NONE) {
        *out = (struct address_use){ADDRESS_N, sum->index, sum->constant};
        return sum->shift == scale && offset == 0;
    }
    if ((sum->shift != 0 && sum->shift != scale) || offset > UINT16_MAX) {
        return false;
    }
    static const u8 forms[2][2] = {{ADDRESS_P, ADDRESS_PK}, {ADDRESS_X, ADDRESS_XK}};
    u32 high = wraps ? (u16)sum->constant : offset; // sum_add made sure that it fits
    *out = (struct address_use){forms[sum->shift != 0][wraps], sum->base, two(sum->index, high)};
    return true;
}

// An address that was computed by the last instruction as a sum: takes that back.
static bool address_of_recent(struct translator *t, const struct value *value, u32 offset,
                              struct address_use *out)
{
    if (!recent_made(t, value) || t->recent.row != ROW_I32_ADD) {
        return false;
    }
    struct operand left = t->recent.left;
    struct operand right = t->recent.right;
    operands_part(&left, &right);
    if (left.mode == MODE_CONST || (right.mode == MODE_ACC && left.mode == MODE_SLOT)) {
        struct operand swap = left;
        left = right;
        right = swap;
    }
    bool in_acc = left.mode == MODE_ACC;
    if (right.mode == MODE_CONST && offset == 0) {
        *out = (struct address_use){in_acc ? ADDRESS_AK : ADDRESS_SK, left.slot, (u32)right.bits};
    } else if (right.mode == MODE_SLOT && in_acc) {
        *out = (struct address_use){ADDRESS_AS, right.slot, offset};
    } else if (right.mode == MODE_SLOT && offset <= UINT16_MAX) {
        *out = (struct address_use){ADDRESS_P, left.slot, two(right.slot, offset)};
    } else {
        return false;
    }
    (void)recent_take_back(t);
    return true;
}

struct address_use address_take(struct translator *t, u32 position, u32 offset, enum row row,
                                bool keeps_acc)
{
    const struct value *value = &t->values[position];
    bool is_load =
        body_ops[row].class == WASM_CLASS_LOAD || body_ops[row].class == WASM_CLASS_VECTOR_LOAD;
    struct address_use use;
    struct sum sum;
    if (value->place == PLACE_SUM && value_sum(value, &sum)) {
        if (address_of_sum(t, &sum, offset, body_ops[row].bytes, keeps_acc, &use)) {
            return use;
        }
        if (is_load) {
            force(t, position);
        } else {
            settle(t, position);
        }
    } else if (value->place == PLACE_CONST) {
        if (is_load && value->bits + offset <= UINT32_MAX) {
            return (struct address_use){ADDRESS_K, 0, (u32)value->bits + offset};
        }
        settle(t, position);
    } else if (!keeps_acc && address_of_recent(t, value, offset, &use)) {
        return use;
    }
    struct operand operand = operand_at(t, position);
    bool in_acc = operand.mode == MODE_ACC && !keeps_acc;
    return (struct address_use){in_acc ? ADDRESS_A : ADDRESS_S, operand.slot, offset};
}

void access_begin(struct translator *t, u32 memory)
{
    if (memory != 0) {
        emit(t, wasm_run_memory_use, 0, 0, memory);
    }
}

void access_end(struct translator *t, u32 memory)
{
    if (memory != 0) {
        emit(t, wasm_run_memory_back, 0, 0, 0);
    }
}

static void do_load(struct translator *t, struct body_reader *in, enum row row)
{
    u32 offset;
    u32 memory = body_memarg(in, &offset);
    struct address_use address = address_take(t, t->height - 1, offset, row, false);
    truncate(t, t->height - 1);
    acc_claim(t, bank_of(body_ops[row].result));
    handler *const *forms = &wasm_handlers[row][address.form * OUT_COUNT];
    access_begin(t, memory);
    u32 index = emit(t, forms[OUT_A], 0, address.first, address.c);
    access_end(t, memory);
    push_acc(t, body_ops[row].result, index, forms[OUT_S]);
}

static void do_store(struct translator *t, struct body_reader *in, enum row row)
{
    u32 offset;
    u32 memory = body_memarg(in, &offset);
    u32 position = t->height - 1;
    force(t, position);
    struct operand value = operand_at(t, position);
    if (value.mode == MODE_CONST && !operand_is_short(&value)) {
        settle(t, position);
        value = operand_at(t, position);
    }
    bool keeps_acc =
        value.mode == MODE_ACC && bank_of(value.kind) == BANK_INTEGER && !value.has_slot;
    struct address_use address = address_take(t, position - 1, offset, row, keeps_acc);
    bool address_in_acc =
        address.form == ADDRESS_A || address.form == ADDRESS_AK || address.form == ADDRESS_AS;
    if (value.mode == MODE_ACC && bank_of(value.kind) == BANK_INTEGER && address_in_acc) {
        value.mode = MODE_SLOT;
    }
    static const u8 forms[] = {[MODE_SLOT] = FORM_S, [MODE_ACC] = FORM_A, [MODE_CONST] = FORM_K};
    u32 form = address.form * FORM_UNARY_COUNT + forms[value.mode];
    u32 b = value.mode == MODE_CONST ? (u32)value.bits : value.slot;
    truncate(t, position - 1);
    access_begin(t, memory);
    emit(t, wasm_handlers[row][form], address.first, b, address.c);
    access_end(t, memory);
}

static void do_memory(struct translator *t, struct body_reader *in, enum row row)
{
    u32 memory = body_u32(in);
    if (row == ROW_MEMORY_SIZE) {
        emit(t, memory == 0 ? wasm_run_memory_size : wasm_run_memory_size_of, home(t, t->height), 0,
             memory);
        push_result(t, KIND_I);
        return;
    }
    settle_top(t, 1);
    truncate(t, t->height - 1);
    emit(t, wasm_run_memory_grow, home(t, t->height), 0, memory);
    push_result(t, KIND_I);
    t->values[t->height - 1].end = 0; // it is the operand too
}

// ---- variables, tables, references

static void do_global(struct translator *t, struct body_reader *in, enum row row)
{
    static handler *const gets[BANK_COUNT][OUT_COUNT] = {
        {wasm_run_global_get_a, wasm_run_global_get_s},
        {wasm_run_global_get_a_f, wasm_run_global_get_s_f},
        {wasm_run_global_get_a_d, wasm_run_global_get_s_d},
    };
    static handler *const sets[BANK_COUNT] = {wasm_run_global_set_a, wasm_run_global_set_a_f,
                                              wasm_run_global_set_a_d};
    u32 global = body_u32(in);
    enum kind kind = kind_of(t->module->globals[global].type);
    enum bank bank = bank_of(kind);
    if (kind == KIND_V) {
        translate_vector_global(t, row, global);
        return;
    }
    if (row == ROW_GLOBAL_GET) {
        acc_claim(t, bank);
        u32 index = emit(t, gets[bank][OUT_A], 0, 0, global);
        push_acc(t, kind, index, gets[bank][OUT_S]);
        return;
    }
    struct operand value = pop(t);
    operand_no_const(t, &value);
    operand_clean(t, &value);
    if (value.mode == MODE_SLOT) {
        emit(t, wasm_run_global_set_s, 0, value.slot, global);
    } else {
        emit(t, sets[bank], 0, 0, global);
    }
}

static void do_variable(struct translator *t, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_LOCAL_GET:
        push_local(t, body_u32(in));
        break;
    case ROW_LOCAL_SET:
        local_assign(t, body_u32(in), false);
        break;
    case ROW_LOCAL_TEE:
        local_assign(t, body_u32(in), true);
        break;
    default:
        do_global(t, in, row);
        break;
    }
}

static void do_table(struct translator *t, struct body_reader *in, enum row row)
{
    u32 table = body_u32(in);
    if (row == ROW_TABLE_SIZE) {
        emit(t, wasm_run_table_size, home(t, t->height), 0, table);
        push_result(t, KIND_I);
        return;
    }
    struct operand value = {0};
    if (row == ROW_TABLE_SET) {
        value = pop(t);
        operand_to_slot(t, &value);
    }
    struct operand index = pop(t);
    operand_to_slot(t, &index);
    if (row == ROW_TABLE_SET) {
        emit(t, wasm_run_table_set, index.slot, value.slot, table);
    } else {
        emit(t, wasm_run_table_get, home(t, t->height), index.slot, table);
        push_result(t, KIND_L);
    }
}

static void do_reference(struct translator *t, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_REF_NULL:
        body_skip(in, 1);
        push_const(t, KIND_L, 0);
        break;
    case ROW_REF_IS_NULL:
        do_compare(t, ROW_I64_EQZ);
        break;
    default:
        ASSERT(row == ROW_REF_FUNC);
        emit(t, wasm_run_ref_func, home(t, t->height), 0, body_u32(in));
        push_result(t, KIND_L);
        break;
    }
}

// Emits an instruction whose operands are the top `count` values, in their homes.
static void emit_on_top(struct translator *t, handler *run, u32 count, u32 b, u32 c)
{
    settle_top(t, count);
    truncate(t, t->height - count);
    emit(t, run, home(t, t->height), b, c);
}

static void do_bulk(struct translator *t, struct body_reader *in, enum row row)
{
    u32 first = body_u32(in);
    switch (row) {
    case ROW_MEMORY_INIT:
        emit_on_top(t, wasm_run_memory_init, 3, body_u32(in), first);
        break;
    case ROW_MEMORY_COPY:
        emit_on_top(t, wasm_run_memory_copy, 3, 0, two(first, body_u32(in)));
        break;
    case ROW_MEMORY_FILL:
        emit_on_top(t, wasm_run_memory_fill, 3, 0, first);
        break;
    case ROW_TABLE_INIT:
        emit_on_top(t, wasm_run_table_init, 3, body_u32(in), first);
        break;
    case ROW_TABLE_COPY:
        emit_on_top(t, wasm_run_table_copy, 3, 0, first | body_u32(in) << 16);
        break;
    case ROW_TABLE_FILL:
        emit_on_top(t, wasm_run_table_fill, 3, 0, first);
        break;
    case ROW_TABLE_GROW:
        emit_on_top(t, wasm_run_table_grow, 2, 0, first);
        push_result(t, KIND_I);
        t->values[t->height - 1].end = 0;
        break;
    case ROW_DATA_DROP:
        emit(t, wasm_run_data_drop, 0, 0, first);
        break;
    default:
        ASSERT(row == ROW_ELEM_DROP);
        emit(t, wasm_run_elem_drop, 0, 0, first);
        break;
    }
}
STATIC_ASSERT(WASM_TABLES <= UINT16_MAX && WASM_MEMORIES <= UINT16_MAX);

static void do_parametric(struct translator *t, struct body_reader *in, enum row row)
{
    if (row == ROW_DROP) {
        if (t->values[t->height - 1].kind == KIND_V) {
            truncate(t, t->height - 1); // the high half
        }
        (void)pop(t);
        return;
    }
    body_skip_immediate(in, row);
    struct operand condition = pop(t);
    operand_no_const(t, &condition);
    if (t->values[t->height - 1].kind == KIND_V) {
        translate_vector_select(t, &condition);
        return;
    }
    for (u32 i = 1; i <= 2; i++) {
        const struct value *value = &t->values[t->height - i];
        if (value->place != PLACE_HOME && value->place != PLACE_LOCAL) {
            settle(t, t->height - i);
        }
    }
    struct operand no = pop(t);
    struct operand yes = pop(t);
    operand_clean(t, &no);
    operand_clean(t, &yes);
    handler *run = condition.mode == MODE_SLOT ? wasm_run_select_s : wasm_run_select_a;
    u32 index = emit_two(t, run, home(t, t->height), yes.slot, no.slot);
    ins_at(t, index)->b = condition.slot;
    push_result(t, yes.kind);
}

void translate_plain(struct translator *t, struct body_reader *in, enum row row)
{
    switch ((enum wasm_class)body_ops[row].class) {
    case WASM_CLASS_VARIABLE:
        do_variable(t, in, row);
        break;
    case WASM_CLASS_CONST:
        do_const(t, in, row);
        break;
    case WASM_CLASS_BINARY:
        do_binary(t, row);
        break;
    case WASM_CLASS_COMPARE:
        do_compare(t, row);
        break;
    case WASM_CLASS_LOAD:
        do_load(t, in, row);
        break;
    case WASM_CLASS_STORE:
        do_store(t, in, row);
        break;
    case WASM_CLASS_UNARY:
    case WASM_CLASS_CONVERT:
        do_unary(t, row);
        break;
    case WASM_CLASS_PARAMETRIC:
        do_parametric(t, in, row);
        break;
    case WASM_CLASS_MEMORY:
        do_memory(t, in, row);
        break;
    case WASM_CLASS_TABLE:
        do_table(t, in, row);
        break;
    case WASM_CLASS_REFERENCE:
        do_reference(t, in, row);
        break;
    case WASM_CLASS_BULK:
        do_bulk(t, in, row);
        break;
    case WASM_CLASS_VECTOR:
    case WASM_CLASS_VECTOR_LOAD:
    case WASM_CLASS_VECTOR_STORE:
        translate_vector(t, in, row);
        break;
    case WASM_CLASS_ATOMIC:
    case WASM_CLASS_WAIT:
    case WASM_CLASS_FENCE:
        translate_atomic(t, in, row);
        break;
    case WASM_CLASS_CONTROL:
        UNREACHABLE();
    }
}
