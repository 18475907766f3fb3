// SPDX-License-Identifier: GPL-3.0-or-later
// Translates one body after another, each in one pass over its bytes. The validator has proved all that is
// taken for granted here: types, indices, depths, encodings.
#include "core/wasm/translate.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/translator.h"

// ---- the table

// The kind of an instruction's operands (of a store: of the value) and of its result.
enum {
    KIND_OF_I = KIND_I,
    KIND_OF_II = KIND_I,
    KIND_OF_III = KIND_I,
    KIND_OF_L = KIND_L,
    KIND_OF_LL = KIND_L,
    KIND_OF_F = KIND_F,
    KIND_OF_FF = KIND_F,
    KIND_OF_D = KIND_D,
    KIND_OF_DD = KIND_D,
    KIND_OF_IL = KIND_L,
    KIND_OF_IF = KIND_F,
    KIND_OF_ID = KIND_D,
    KIND_OF_R = KIND_L,
    KIND_OF_E = KIND_L,
    KIND_OF_N = 0,
    KIND_OF_X = 0,
};

struct op {
    u16 opcode_low; // the number without its prefix
    u8 class;
    u8 immediate;
    u8 operand;
    u8 result;
};

static const struct op ops[ROW_COUNT] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    [ROW_##name] = {number, WASM_CLASS_##class, WASM_IMM_##immediate, KIND_OF_##operands,          \
                    KIND_OF_##results},
#include "core/wasm/opcodes.def"
};

// Rows by the opcode's byte, and by the number behind the prefix of bulk operations.
#define ROW_PLAIN_0(name, number) [number] = ROW_##name,
#define ROW_PLAIN_0xfc(name, number)
#define ROW_BULK_0(name, number)
#define ROW_BULK_0xfc(name, number) [number] = ROW_##name,
static const u8 rows_plain[256] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_PLAIN_##prefix(name, number)
#include "core/wasm/opcodes.def"
};
static const u8 rows_bulk[] = {
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_BULK_##prefix(name, number)
#include "core/wasm/opcodes.def"
};
STATIC_ASSERT(ROW_COUNT <= 256);

// ---- reading what is known to be well formed

struct code_reader {
    const u8 *at;
    const u8 *end;
};

static u64 read_unsigned(struct code_reader *in)
{
    u64 value = 0;
    for (u32 shift = 0;; shift += 7) {
        ASSERT(in->at < in->end);
        u8 byte = *in->at++;
        value |= (u64)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
}

static ALWAYS_INLINE u32 read_u32(struct code_reader *in)
{
    ASSERT(in->at < in->end);
    return LIKELY(*in->at < 0x80) ? *in->at++ : (u32)read_unsigned(in);
}

static i64 read_signed(struct code_reader *in)
{
    u64 value = 0;
    u32 shift = 0;
    u8 byte;
    do {
        ASSERT(in->at < in->end);
        byte = *in->at++;
        value |= (u64)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80);
    if (shift < 64 && (byte & 0x40) != 0) {
        value |= ~(u64)0 << shift;
    }
    return (i64)value;
}

static enum row read_row(struct code_reader *in)
{
    ASSERT(in->at < in->end);
    u8 byte = *in->at++;
    if (byte != WASM_PREFIX_BULK) {
        return rows_plain[byte];
    }
    u32 number = read_u32(in);
    ASSERT(number < sizeof rows_bulk);
    return rows_bulk[number];
}

static void skip_bytes(struct code_reader *in, size_t count)
{
    ASSERT(count <= (size_t)(in->end - in->at));
    in->at += count;
}

static void skip_immediate(struct code_reader *in, enum wasm_immediate immediate)
{
    u32 count = 0; // of LEB128 numbers to skip
    switch (immediate) {
    case WASM_IMM_NONE:
        break;
    case WASM_IMM_LABEL:
    case WASM_IMM_FUNCTION:
    case WASM_IMM_LOCAL:
    case WASM_IMM_GLOBAL:
    case WASM_IMM_TABLE:
    case WASM_IMM_ELEMENT:
    case WASM_IMM_DATA:
    case WASM_IMM_MEMORY:
    case WASM_IMM_REFTYPE:
    case WASM_IMM_BLOCK:
    case WASM_IMM_I32:
    case WASM_IMM_I64:
        count = 1;
        break;
    case WASM_IMM_TYPE_TABLE:
    case WASM_IMM_TABLE_TABLE:
    case WASM_IMM_ELEMENT_TABLE:
    case WASM_IMM_MEMARG:
    case WASM_IMM_MEMORY_MEMORY:
    case WASM_IMM_DATA_MEMORY:
        count = 2;
        break;
    case WASM_IMM_LABELS:
        count = read_u32(in) + 1;
        break;
    case WASM_IMM_TYPES:
        count = read_u32(in);
        break;
    case WASM_IMM_F32:
        skip_bytes(in, 4);
        break;
    case WASM_IMM_F64:
        skip_bytes(in, 8);
        break;
    }
    while (count-- > 0) {
        (void)read_unsigned(in);
    }
}

// Goes on to the `else` or `end` of the block that the reader is in, without passing it.
static void skip_dead(struct code_reader *in)
{
    u32 depth = 0;
    for (;;) {
        const u8 *start = in->at;
        enum row row = read_row(in);
        if (depth == 0 && (row == ROW_END || row == ROW_ELSE)) {
            in->at = start;
            return;
        }
        depth += row == ROW_BLOCK || row == ROW_LOOP || row == ROW_IF;
        depth -= row == ROW_END;
        skip_immediate(in, ops[row].immediate);
    }
}

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
    if (!const_is_immediate(&right)) {
        operand_no_const(t, &right);
    }
    enum bank bank = bank_of(ops[row].result);
    acc_claim(t, bank);
    handler *const *forms = wasm_handlers[row];
    enum form form;
    u32 b = 0;
    u32 c = 0;
    if (left.mode == MODE_SLOT) {
        form = right.mode == MODE_SLOT ? FORM_SS : right.mode == MODE_CONST ? FORM_SK : FORM_SA;
        b = left.slot;
        c = right.mode == MODE_CONST ? (u32)right.bits : right.slot;
    } else if (left.mode == MODE_ACC) {
        form = right.mode == MODE_SLOT ? FORM_AS : FORM_AK;
        b = right.slot;
        c = (u32)right.bits;
    } else {
        form = right.mode == MODE_SLOT ? FORM_KS : FORM_KA;
        b = right.slot;
        c = (u32)left.bits;
    }
    u32 index = emit(t, forms[form * OUT_COUNT + OUT_A], 0, b, c);
    if (left.mode == MODE_CONST) {
        emit_const_behind(t, &left);
    } else if (right.mode == MODE_CONST) {
        emit_const_behind(t, &right);
    }
    push_acc(t, ops[row].result, index, forms[form * OUT_COUNT + OUT_S]);
}

static void do_binary(struct translator *t, enum row row)
{
    struct operand right = pop(t);
    struct operand left = pop(t);
    emit_binary(t, row, left, right);
}

static void do_unary(struct translator *t, enum row row)
{
    struct operand operand = pop(t);
    operand_no_const(t, &operand);
    acc_claim(t, bank_of(ops[row].result));
    handler *const *forms = wasm_handlers[row];
    enum form_unary form = operand.mode == MODE_SLOT ? FORM_S : FORM_A;
    u32 index = emit(t, forms[form * OUT_COUNT + OUT_A], 0, operand.slot, 0);
    push_acc(t, ops[row].result, index, forms[form * OUT_COUNT + OUT_S]);
}

// A comparison is remembered for the branch that may follow. `x == 0` is one too.
static void do_compare(struct translator *t, enum row row)
{
    struct operand right = {.mode = MODE_CONST, .kind = ops[row].operand};
    if (row == ROW_I32_EQZ || row == ROW_I64_EQZ) {
        row = row == ROW_I32_EQZ ? ROW_I32_EQ : ROW_I64_EQ;
        right.home = (u16)home(t, t->height);
    } else {
        right = pop(t);
    }
    struct operand left = pop(t);
    const struct accumulator *acc = &t->acc[BANK_INTEGER];
    struct comparison comparison = {
        .row = row,
        .left = left,
        .right = right,
        .mirrors_slot = acc->mirrors_slot,
        .slot = acc->slot,
    };
    u32 before = t->count;
    emit_binary(t, row, left, right);
    comparison.start = t->acc[BANK_INTEGER].producer;
    comparison.end = t->count;
    // When a value had to go to a slot first, something lies between: the branch then tests the result.
    comparison.end = comparison.start == before ? comparison.end : 0;
    t->comparison = comparison;
}

static void do_const(struct translator *t, struct code_reader *in, enum row row)
{
    switch (row) {
    case ROW_I32_CONST:
        push_const(t, KIND_I, (u32)read_signed(in));
        break;
    case ROW_I64_CONST:
        push_const(t, KIND_L, (u64)read_signed(in));
        break;
    case ROW_F32_CONST:
        skip_bytes(in, 4);
        push_const(t, KIND_F, mem_load_u32(in->at - 4));
        break;
    default:
        ASSERT(row == ROW_F64_CONST);
        skip_bytes(in, 8);
        push_const(t, KIND_D, mem_load_u64(in->at - 8));
        break;
    }
}

// ---- memory

static void do_load(struct translator *t, struct code_reader *in, enum row row)
{
    (void)read_u32(in); // the alignment is a hint
    u32 offset = read_u32(in);
    struct operand address = pop(t);
    if (address.mode == MODE_CONST && address.bits + offset > UINT32_MAX) {
        operand_to_slot(t, &address);
    }
    acc_claim(t, bank_of(ops[row].result));
    handler *const *forms = wasm_handlers[row];
    enum form_unary form = address.mode == MODE_SLOT ? FORM_S : FORM_A;
    if (address.mode == MODE_CONST) {
        form = FORM_K;
        offset += (u32)address.bits;
    }
    u32 index = emit(t, forms[form * OUT_COUNT + OUT_A], 0, address.slot, offset);
    push_acc(t, ops[row].result, index, forms[form * OUT_COUNT + OUT_S]);
}

static bool fits_i16(const struct operand *operand)
{
    i64 value = operand->kind == KIND_I ? (i32)operand->bits : (i64)operand->bits;
    return (operand->kind == KIND_I || operand->kind == KIND_L) && value == (i16)value;
}

static void do_store(struct translator *t, struct code_reader *in, enum row row)
{
    (void)read_u32(in);
    u32 offset = read_u32(in);
    struct operand value = pop(t);
    struct operand address = pop(t);
    operands_part(&address, &value);
    operand_no_const(t, &address);
    if (value.mode == MODE_CONST && !fits_i16(&value)) {
        operand_to_slot(t, &value);
    }
    static const u8 form_of[] = {[MODE_SLOT] = FORM_S, [MODE_ACC] = FORM_A, [MODE_CONST] = FORM_K};
    u32 form = form_of[address.mode] * FORM_UNARY_COUNT + form_of[value.mode];
    u32 b = value.mode == MODE_CONST ? (u32)value.bits : value.slot;
    emit(t, wasm_handlers[row][form], address.slot, b, offset);
}

static void do_memory(struct translator *t, struct code_reader *in, enum row row)
{
    skip_bytes(in, 1);
    if (row == ROW_MEMORY_SIZE) {
        emit(t, wasm_run_memory_size, home(t, t->height), 0, 0);
        push_result(t, KIND_I);
        return;
    }
    settle_top(t, 1);
    truncate(t, t->height - 1);
    emit(t, wasm_run_memory_grow, home(t, t->height), 0, 0);
    push_result(t, KIND_I);
    t->values[t->height - 1].end = 0; // it is the operand too
}

// ---- variables, tables, references

static void do_global(struct translator *t, struct code_reader *in, enum row row)
{
    static handler *const gets[BANK_COUNT][OUT_COUNT] = {
        {wasm_run_global_get_a, wasm_run_global_get_s},
        {wasm_run_global_get_a_f, wasm_run_global_get_s_f},
        {wasm_run_global_get_a_d, wasm_run_global_get_s_d},
    };
    static handler *const sets[BANK_COUNT] = {wasm_run_global_set_a, wasm_run_global_set_a_f,
                                              wasm_run_global_set_a_d};
    u32 global = read_u32(in);
    enum kind kind = kind_of(t->module->globals[global].type);
    enum bank bank = bank_of(kind);
    if (row == ROW_GLOBAL_GET) {
        acc_claim(t, bank);
        u32 index = emit(t, gets[bank][OUT_A], 0, 0, global);
        push_acc(t, kind, index, gets[bank][OUT_S]);
        return;
    }
    struct operand value = pop(t);
    operand_no_const(t, &value);
    if (value.mode == MODE_SLOT) {
        emit(t, wasm_run_global_set_s, 0, value.slot, global);
    } else {
        emit(t, sets[bank], 0, 0, global);
    }
}

static void do_variable(struct translator *t, struct code_reader *in, enum row row)
{
    switch (row) {
    case ROW_LOCAL_GET:
        push_local(t, read_u32(in));
        break;
    case ROW_LOCAL_SET:
        local_assign(t, read_u32(in), false);
        break;
    case ROW_LOCAL_TEE:
        local_assign(t, read_u32(in), true);
        break;
    default:
        do_global(t, in, row);
        break;
    }
}

static void do_table(struct translator *t, struct code_reader *in, enum row row)
{
    u32 table = read_u32(in);
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

static void do_reference(struct translator *t, struct code_reader *in, enum row row)
{
    switch (row) {
    case ROW_REF_NULL:
        skip_bytes(in, 1);
        push_const(t, KIND_L, 0);
        break;
    case ROW_REF_IS_NULL:
        do_compare(t, ROW_I64_EQZ);
        break;
    default:
        ASSERT(row == ROW_REF_FUNC);
        emit(t, wasm_run_ref_func, home(t, t->height), 0, read_u32(in));
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

static void do_bulk(struct translator *t, struct code_reader *in, enum row row)
{
    u32 first = read_u32(in);
    switch (row) {
    case ROW_MEMORY_INIT:
        skip_bytes(in, 1);
        emit_on_top(t, wasm_run_memory_init, 3, 0, first);
        break;
    case ROW_MEMORY_COPY:
        skip_bytes(in, 1);
        emit_on_top(t, wasm_run_memory_copy, 3, 0, 0);
        break;
    case ROW_MEMORY_FILL:
        emit_on_top(t, wasm_run_memory_fill, 3, 0, 0);
        break;
    case ROW_TABLE_INIT:
        emit_on_top(t, wasm_run_table_init, 3, read_u32(in), first);
        break;
    case ROW_TABLE_COPY:
        emit_on_top(t, wasm_run_table_copy, 3, 0, first | read_u32(in) << 16);
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
STATIC_ASSERT(WASM_TABLES <= UINT16_MAX);

static void do_parametric(struct translator *t, struct code_reader *in, enum row row)
{
    if (row == ROW_DROP) {
        (void)pop(t);
        return;
    }
    skip_immediate(in, ops[row].immediate);
    struct operand condition = pop(t);
    operand_no_const(t, &condition);
    for (u32 i = 1; i <= 2; i++) {
        const struct value *value = &t->values[t->height - i];
        if (value->place == PLACE_CONST || value->place == PLACE_ACC) {
            settle(t, t->height - i);
        }
    }
    struct operand no = pop(t);
    struct operand yes = pop(t);
    handler *run = condition.mode == MODE_SLOT ? wasm_run_select_s : wasm_run_select_a;
    u32 index = emit_two(t, run, home(t, t->height), yes.slot, no.slot);
    t->code[index].b = condition.slot;
    push_result(t, yes.kind);
}

// ---- calls

static const struct wasm_func_type *canonical_type(const struct translator *t, u32 type)
{
    return &t->module->types[t->module->types[type].canonical];
}

// Arguments go to their homes, where the callee's frame begins; the accumulators are the callee's.
static u32 call_prepare(struct translator *t, const struct wasm_func_type *type)
{
    settle_top(t, type->param_count);
    for (u32 bank = 0; bank < BANK_COUNT; bank++) {
        if (t->acc[bank].holds_value) {
            settle(t, t->acc[bank].position);
        }
    }
    truncate(t, t->height - type->param_count);
    return home(t, t->height);
}

static void call_finish(struct translator *t, const struct wasm_func_type *type)
{
    acc_forget(t);
    if (type->result_count != 0) {
        push_homes(t, type->types + type->param_count, type->result_count);
    }
}

static void do_call(struct translator *t, struct code_reader *in)
{
    u32 function = read_u32(in);
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

static void do_call_indirect(struct translator *t, struct code_reader *in)
{
    const struct wasm_func_type *type = canonical_type(t, read_u32(in));
    u32 table = read_u32(in);
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

static u32 arity(const struct control *control)
{
    return control->opcode == WASM_OP_LOOP ? control->param_count : control->result_count;
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
    handler *run = control->opcode == WASM_OP_LOOP ? wasm_run_br_back : wasm_run_br;
    jump_to(t, control, emit(t, run, 0, 0, 0));
}

static void emit_return(struct translator *t, u32 count)
{
    static handler *const returns[BANK_COUNT] = {wasm_run_ret_a, wasm_run_ret_a_f,
                                                 wasm_run_ret_a_d};
    if (count != 1) {
        if (count > 1) {
            emit(t, wasm_run_copy_many, 0, home(t, t->height - count), count);
        }
        emit(t, wasm_run_ret, t->header, 0, 0);
        return;
    }
    struct operand result = operand_at(t, t->height - 1);
    if (result.mode == MODE_CONST && result.bits <= UINT32_MAX) {
        emit(t, wasm_run_ret_k, t->header, 0, (u32)result.bits);
    } else if (result.mode == MODE_CONST) {
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
        if (value.mode != MODE_SLOT || value.slot != home(t, control->height)) {
            operand_copy(t, &value, home(t, control->height));
        }
    } else if (count > 1 && from != control->height) {
        emit(t, wasm_run_copy_many, home(t, control->height), home(t, from), count);
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
static struct comparison pop_condition(struct translator *t)
{
    struct accumulator *acc = &t->acc[BANK_INTEGER];
    const struct comparison *last = &t->comparison;
    bool is_last = t->values[t->height - 1].place == PLACE_ACC && last->end == t->count &&
                   acc->producer == last->start && last->start >= t->barrier;
    struct operand condition = pop(t);
    if (!is_last) {
        return (struct comparison){
            .row = ROW_I32_NE,
            .left = condition,
            .right = {.mode = MODE_CONST, .kind = KIND_I, .home = (u16)home(t, t->height + 1)},
        };
    }
    t->count = last->start;
    acc->mirrors_slot = last->mirrors_slot;
    acc->slot = last->slot;
    return *last;
}

// Prepares the operands of a branch: at most one of them is a small constant, and that is the right one.
static void condition_arrange(struct translator *t, struct comparison *condition)
{
    operands_part(&condition->left, &condition->right);
    if (condition->left.mode == MODE_CONST) {
        struct operand left = condition->left;
        condition->left = condition->right;
        condition->right = left;
        condition->row = mirrored(condition->row);
    }
    operand_no_const(t, &condition->left);
    if (condition->right.mode == MODE_CONST && !fits_i16(&condition->right)) {
        operand_to_slot(t, &condition->right);
    }
}

// Emits a branch taken when the condition is `sense`. Its distance is still to be set.
static u32 emit_condition(struct translator *t, const struct comparison *condition, bool sense,
                          enum direction direction)
{
    const struct operand *left = &condition->left;
    const struct operand *right = &condition->right;
    enum row row = condition->row;
    bool is_integer = bank_of(left->kind) == BANK_INTEGER;
    if (is_integer && !sense) {
        row = opposite(row);
        sense = true;
    }
    enum form form;
    u32 b = right->mode == MODE_CONST ? (u32)right->bits : right->slot;
    if (left->mode == MODE_SLOT) {
        form = right->mode == MODE_SLOT ? FORM_SS : right->mode == MODE_ACC ? FORM_SA : FORM_SK;
    } else {
        form = right->mode == MODE_SLOT ? FORM_AS : FORM_AK;
    }
    u32 index = ((u32)direction * 2 + sense) * FORM_BINARY_COUNT + form;
    return emit(t, wasm_branches[row][index], left->slot, b, 0);
}

static void do_br_if(struct translator *t, struct code_reader *in)
{
    struct control *control = target(t, read_u32(in));
    struct comparison condition = pop_condition(t);
    condition_arrange(t, &condition);
    u32 count = arity(control);
    if (count > 1) {
        settle_top(t, count);
    }
    bool in_place = count == 0 || t->height - count == control->height;
    if (in_place && !is_function(t, control)) {
        settle_top(t, count);
        enum direction direction =
            control->opcode == WASM_OP_LOOP ? DIRECTION_BACK : DIRECTION_FORWARD;
        jump_to(t, control, emit_condition(t, &condition, true, direction));
        return;
    }
    u32 over = emit_condition(t, &condition, false, DIRECTION_FORWARD);
    emit_branch(t, control);
    t->code[over].c = (u32)distance(over, t->count);
    t->barrier = t->count;
}

// Entries jump straight to where nothing has to be moved, others to a few instructions behind the table.
static void do_br_table(struct translator *t, struct code_reader *in)
{
    u32 count = read_u32(in);
    struct operand index = pop(t);
    operand_no_const(t, &index);
    struct code_reader again = *in;
    for (u32 i = 0; i < count; i++) {
        (void)read_u32(in);
    }
    u32 values = arity(target(t, read_u32(in)));
    settle_top(t, values);
    handler *run = index.mode == MODE_SLOT ? wasm_run_br_table_s : wasm_run_br_table_a;
    u32 base = emit(t, run, index.slot, 0, count) + 1;
    for (u32 i = 0; i <= count; i++) {
        emit_data(t, (const void *)(uintptr_t)base);
    }
    for (u32 i = 0; i <= count && t->failed == ERR_OK; i++) {
        struct control *control = target(t, read_u32(&again));
        u32 entry = base + i;
        bool in_place = values == 0 || t->height - values == control->height;
        if (is_function(t, control) || !in_place) {
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

static void block_type(struct translator *t, struct code_reader *in, struct control *control)
{
    static const u8 single[] = {WASM_I32,  WASM_I64,     WASM_F32,      WASM_F64,
                                WASM_V128, WASM_FUNCREF, WASM_EXTERNREF};
    i64 type = read_signed(in);
    if (type >= 0) {
        const struct wasm_func_type *function = &t->module->types[type];
        control->params = function->types;
        control->param_count = function->param_count;
        control->results = function->types;
        control->results += function->result_count == 0 ? 0 : function->param_count;
        control->result_count = function->result_count;
        return;
    }
    u8 byte = (u8)(type & 0x7f);
    control->result_count = byte == WASM_BLOCK_TYPE_EMPTY ? 0 : 1;
    for (u32 i = 0; i < sizeof single; i++) {
        if (single[i] == byte) {
            control->results = &single[i];
        }
    }
}

static void do_block(struct translator *t, struct code_reader *in, enum row row)
{
    struct comparison condition = {0};
    if (row == ROW_IF) {
        condition = pop_condition(t);
        condition_arrange(t, &condition);
    }
    struct control *control = control_push(t, (u8)ops[row].opcode_low);
    if (control == NULL) {
        return;
    }
    block_type(t, in, control);
    settle_all(t, control->param_count);
    control->height = t->height - control->param_count;
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
               at_results ? control->result_count : control->param_count);
    label(t);
}

// True: what follows can be reached, because the `if` gets there.
static void do_else(struct translator *t, bool reachable)
{
    struct control *control = target(t, 0);
    ASSERT(control->opcode == WASM_OP_IF);
    if (reachable) {
        settle_top(t, control->result_count);
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
            if (control->result_count > 1) {
                settle_top(t, control->result_count);
            }
            emit_return(t, control->result_count);
        }
        t->depth--;
        return false;
    }
    if (reachable) {
        settle_top(t, control->result_count);
    }
    if (control->opcode == WASM_OP_IF) {
        u32 branch = control->otherwise - 1;
        t->code[branch].c = (u32)distance(branch, t->count);
        control->joined = true; // parameters are the results, and in the same slots
    }
    if (control->joined) {
        patch_jumps(t, control);
        restart_at(t, control, true);
    }
    t->depth--;
    return reachable || control->joined;
}

// ---- a body

// Returns whether what follows can be reached.
static bool do_control(struct translator *t, struct code_reader *in, enum row row)
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
        struct control *control = target(t, read_u32(in));
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
        if (t->controls[0].result_count > 1) {
            settle_top(t, t->controls[0].result_count);
        }
        emit_return(t, t->controls[0].result_count);
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

static void do_plain(struct translator *t, struct code_reader *in, enum row row)
{
    switch ((enum wasm_class)ops[row].class) {
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
    case WASM_CLASS_CONTROL:
        UNREACHABLE();
    }
}

static void translate_instructions(struct translator *t, struct span code)
{
    struct code_reader in = {code.data, code.data + code.size};
    bool reachable = true;
    while (t->depth > 0 && LIKELY(t->failed == ERR_OK)) {
        if (!reachable) {
            skip_dead(&in);
        }
        t->origin = (u32)(in.at - code.data);
        enum row row = read_row(&in);
        if (row == ROW_END) {
            reachable = do_end(t, reachable);
        } else if (row == ROW_ELSE) {
            do_else(t, reachable);
            reachable = true;
        } else if (ops[row].class == WASM_CLASS_CONTROL) {
            reachable = do_control(t, &in, row);
        } else {
            do_plain(t, &in, row);
        }
    }
    ASSERT(in.at == in.end || t->failed != ERR_OK);
}

static bool locals_prepare(struct translator *t, const struct wasm_func_type *type,
                           const struct wasm_body *body)
{
    t->param_count = type->param_count;
    t->local_count = type->param_count + body->local_count;
    t->header = type->param_count > type->result_count ? type->param_count : type->result_count;
    t->stack_base = t->header + 1 + body->local_count;
    void *kinds = translator_grow(t->scratch, t->local_kinds, &t->local_capacity,
                                  t->local_count + 1, sizeof *t->local_kinds);
    void *uses = translator_grow(t->scratch, t->local_uses, &t->use_capacity, t->stack_base,
                                 sizeof *t->local_uses);
    if (kinds == NULL || uses == NULL) {
        t->failed = ERR_NO_MEMORY;
        return false;
    }
    t->local_kinds = kinds;
    t->local_uses = uses;
    for (u32 i = 0; i < type->param_count; i++) {
        t->local_kinds[i] = (u8)kind_of(type->types[i]);
    }
    u8 *at = t->local_kinds + type->param_count;
    for (u32 i = 0; i < body->local_run_count; i++) {
        mem_fill(at, (u8)kind_of(body->locals[i].type), body->locals[i].count);
        at += body->locals[i].count;
    }
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
    t->comparison.end = 0;
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
    control->param_count = type->param_count;
    control->result_count = type->result_count;
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
    code->ins_count = t->count;
    code->function = function;
    code->header = (u16)t->header;
    code->zero_count = (u16)body->local_count;
    code->cost = 1 + body->local_count / CODE_ZERO_COUNT_PER_FUEL;
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
