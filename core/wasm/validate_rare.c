// SPDX-License-Identifier: GPL-3.0-or-later
// The instructions that compilers seldom write: select, references, tables, sizes and bulk
// operations.
#include "core/base/reader.h"
#include "core/wasm/encoding.h"
#include "core/wasm/features.h"
#include "core/wasm/opcode.h"
#include "core/wasm/validate_stack.h"

static enum err check_select(struct wasm_body_checker *c)
{
    u8 second;
    u8 first;
    TRY(pop(c, WASM_I32));
    TRY(wasm_check_pop_any(c, &second));
    TRY(wasm_check_pop_any(c, &first));
    if (wasm_is_reference(first) || wasm_is_reference(second)) {
        return invalid(c, "type mismatch: select of references needs a type");
    }
    if (first != second && first != WASM_TYPE_UNKNOWN && second != WASM_TYPE_UNKNOWN) {
        return wasm_check_mismatch(c, wasm_check_type_name(first), second);
    }
    return push(c, first == WASM_TYPE_UNKNOWN ? second : first);
}

static enum err check_select_typed(struct wasm_body_checker *c)
{
    u32 count;
    u8 type = WASM_TYPE_UNKNOWN;
    TRY(read_index(c, &count));
    for (u32 i = 0; i < count; i++) {
        TRY(wasm_read_value_type(&c->in, c->module->features, &type, c->report));
    }
    if (count != 1) {
        return invalid(c, "invalid result arity");
    }
    TRY(pop(c, WASM_I32));
    TRY(pop(c, type));
    TRY(pop(c, type));
    return push(c, type);
}

enum err wasm_check_indirect(struct wasm_body_checker *c, const struct wasm_func_type **out)
{
    u32 index;
    const struct wasm_table_type *table = NULL;
    TRY(read_index(c, &index));
    TRY(wasm_check_table_index(c, &table));
    if (table->element != WASM_FUNCREF) {
        return invalid(c, "type mismatch: call_indirect needs a table of funcref");
    }
    if (index >= c->module->type_count) {
        return wasm_check_unknown(c, "type", index);
    }
    *out = &c->module->types[index];
    return pop(c, WASM_I32);
}

// return_call and return_call_indirect: what is called gives what this function has to give.
static enum err check_tail_call(struct wasm_body_checker *c, u8 opcode)
{
    const struct wasm_module *m = c->module;
    const struct wasm_func_type *type;
    if (opcode == WASM_OP_RETURN_CALL) {
        u32 function;
        TRY(read_index(c, &function));
        if (function >= m->function_count) {
            return wasm_check_unknown(c, "function", function);
        }
        type = &m->types[m->function_types[function]];
    } else {
        TRY(wasm_check_indirect(c, &type));
    }
    TRY(wasm_check_pop_types(c, params_of(type)));
    if (type->result_count != c->type->result_count ||
        !mem_equal(type->types + type->param_count, c->type->types + c->type->param_count,
                   type->result_count)) {
        return invalid(c, "type mismatch: a tail call gives other results than the function");
    }
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_table_access(struct wasm_body_checker *c, u8 opcode)
{
    const struct wasm_table_type *table = NULL;
    TRY(wasm_check_table_index(c, &table));
    if (opcode == WASM_OP_TABLE_SET) {
        TRY(pop(c, table->element));
        return pop(c, WASM_I32);
    }
    TRY(pop(c, WASM_I32));
    return push(c, table->element);
}

enum err wasm_check_memory_index(struct wasm_body_checker *c, u32 *memory)
{
    if ((c->module->features & WASM_MULTI_MEMORY) != 0) {
        return read_index(c, memory);
    }
    *memory = 0;
    return read_zero(c);
}

enum err wasm_check_memarg_index(struct wasm_body_checker *c, u32 *flags, u32 *memory)
{
    u32 align_log2 = *flags & ~(u32)WASM_MEMARG_MEMORY;
    bool has_index = align_log2 != *flags && (c->module->features & WASM_MULTI_MEMORY) != 0;
    if (!has_index || align_log2 >= 32) {
        return malformed(c, "malformed memop flags");
    }
    *flags = align_log2;
    return read_index(c, memory);
}

static enum err check_memory_size(struct wasm_body_checker *c, u8 opcode)
{
    u32 memory;
    TRY(wasm_check_memory_index(c, &memory));
    TRY(check_memory(c, memory));
    if (opcode == WASM_OP_MEMORY_GROW) {
        TRY(pop(c, WASM_I32));
    }
    return push(c, WASM_I32);
}

static enum err check_ref_is_null(struct wasm_body_checker *c)
{
    u8 type;
    TRY(wasm_check_pop_any(c, &type));
    if (type != WASM_TYPE_UNKNOWN && !wasm_is_reference(type)) {
        return wasm_check_mismatch(c, "a reference", type);
    }
    return push(c, WASM_I32);
}

static enum err check_ref_null(struct wasm_body_checker *c)
{
    u8 type;
    TRY(wasm_read_ref_type(&c->in, c->module->features, &type, c->report));
    return push(c, type);
}

static enum err check_ref_func(struct wasm_body_checker *c)
{
    u32 function;
    TRY(read_index(c, &function));
    if (function >= c->module->function_count) {
        return wasm_check_unknown(c, "function", function);
    }
    if ((c->declared[function / 64] >> (function % 64) & 1) == 0) {
        return invalid(c, "undeclared function reference");
    }
    return push(c, WASM_FUNCREF);
}

static enum err pop_three_i32(struct wasm_body_checker *c)
{
    TRY(pop(c, WASM_I32));
    TRY(pop(c, WASM_I32));
    return pop(c, WASM_I32);
}

// Without a data count section no instruction may name a data segment. In a module that has no
// segment either, the fault is said to be the missing segment, as the text of such a module has it.
static enum err check_data(struct wasm_body_checker *c, u32 data)
{
    if (!c->module->has_data_count && c->module->data_count != 0) {
        return malformed(c, "data count section required");
    }
    return data < c->module->data_count ? ERR_OK : wasm_check_unknown(c, "data segment", data);
}

static enum err check_data_drop(struct wasm_body_checker *c)
{
    u32 data;
    TRY(read_index(c, &data));
    return check_data(c, data);
}

static enum err read_elem(struct wasm_body_checker *c, u8 *type)
{
    u32 elem;
    TRY(read_index(c, &elem));
    if (elem >= c->module->elem_count) {
        return wasm_check_unknown(c, "elem segment", elem);
    }
    *type = c->module->elems[elem].type;
    return ERR_OK;
}

static enum err check_memory_init(struct wasm_body_checker *c)
{
    u32 data;
    u32 memory;
    TRY(read_index(c, &data));
    TRY(wasm_check_memory_index(c, &memory));
    if (c->module->memory_count == 0 && c->module->data_count == 0) {
        return wasm_check_unknown(c, "memory", memory);
    }
    TRY(check_data(c, data));
    TRY(check_memory(c, memory));
    return pop_three_i32(c);
}

static enum err check_memory_copy(struct wasm_body_checker *c)
{
    u32 to;
    u32 from;
    TRY(wasm_check_memory_index(c, &to));
    TRY(wasm_check_memory_index(c, &from));
    TRY(check_memory(c, to));
    TRY(check_memory(c, from));
    return pop_three_i32(c);
}

static enum err check_memory_fill(struct wasm_body_checker *c)
{
    u32 memory;
    TRY(wasm_check_memory_index(c, &memory));
    TRY(check_memory(c, memory));
    return pop_three_i32(c);
}

static enum err check_table_init(struct wasm_body_checker *c)
{
    u32 elem;
    const struct wasm_table_type *table = NULL;
    TRY(read_index(c, &elem));
    TRY(wasm_check_table_index(c, &table));
    if (elem >= c->module->elem_count) {
        return wasm_check_unknown(c, "elem segment", elem);
    }
    u8 type = c->module->elems[elem].type;
    if (type != table->element) {
        return wasm_check_mismatch(c, wasm_check_type_name(table->element), type);
    }
    return pop_three_i32(c);
}

static enum err check_table_copy(struct wasm_body_checker *c)
{
    const struct wasm_table_type *to;
    const struct wasm_table_type *from;
    TRY(wasm_check_table_index(c, &to));
    TRY(wasm_check_table_index(c, &from));
    if (to->element != from->element) {
        return wasm_check_mismatch(c, wasm_check_type_name(to->element), from->element);
    }
    return pop_three_i32(c);
}

// table.grow, table.size and table.fill.
static enum err check_table_bulk(struct wasm_body_checker *c, u32 opcode)
{
    const struct wasm_table_type *table = NULL;
    TRY(wasm_check_table_index(c, &table));
    if (opcode == WASM_OP_TABLE_SIZE) {
        return push(c, WASM_I32);
    }
    TRY(pop(c, WASM_I32));
    TRY(pop(c, table->element));
    if (opcode == WASM_OP_TABLE_FILL) {
        return pop(c, WASM_I32);
    }
    return push(c, WASM_I32);
}

enum err wasm_check_bulk(struct wasm_body_checker *c, u32 number)
{
    u8 type;
    u32 opcode = number < 1 << 12 ? WASM_OPCODE(WASM_PREFIX_BULK, number) : 0;
    switch (opcode) {
    case WASM_OP_MEMORY_INIT:
        return check_memory_init(c);
    case WASM_OP_DATA_DROP:
        return check_data_drop(c);
    case WASM_OP_MEMORY_COPY:
        return check_memory_copy(c);
    case WASM_OP_MEMORY_FILL:
        return check_memory_fill(c);
    case WASM_OP_TABLE_INIT:
        return check_table_init(c);
    case WASM_OP_ELEM_DROP:
        return read_elem(c, &type);
    case WASM_OP_TABLE_COPY:
        return check_table_copy(c);
    case WASM_OP_TABLE_GROW:
    case WASM_OP_TABLE_SIZE:
    case WASM_OP_TABLE_FILL:
        return check_table_bulk(c, opcode);
    default:
        return malformed(c, "illegal opcode");
    }
}

enum err wasm_check_rare(struct wasm_body_checker *c, u8 opcode)
{
    u8 type;
    if ((wasm_opcode_features(opcode) & ~c->module->features) != 0) {
        return malformed(c, wasm_opcode_complaint(opcode));
    }
    switch (opcode) {
    case WASM_OP_UNREACHABLE:
        set_unreachable(c);
        return ERR_OK;
    case WASM_OP_NOP:
        return ERR_OK;
    case WASM_OP_RETURN_CALL:
    case WASM_OP_RETURN_CALL_INDIRECT:
        return check_tail_call(c, opcode);
    case WASM_OP_DROP:
        return wasm_check_pop_any(c, &type);
    case WASM_OP_SELECT:
        return check_select(c);
    case WASM_OP_SELECT_T:
        return check_select_typed(c);
    case WASM_OP_TABLE_GET:
    case WASM_OP_TABLE_SET:
        return check_table_access(c, opcode);
    case WASM_OP_MEMORY_SIZE:
    case WASM_OP_MEMORY_GROW:
        return check_memory_size(c, opcode);
    case WASM_OP_REF_NULL:
        return check_ref_null(c);
    case WASM_OP_REF_IS_NULL:
        return check_ref_is_null(c);
    case WASM_OP_REF_FUNC:
        return check_ref_func(c);
    case WASM_OP_THROW:
    case WASM_OP_THROW_REF:
    case WASM_OP_TRY_TABLE:
        return wasm_check_exception(c, opcode);
    default:
        return malformed(c, wasm_opcode_complaint(opcode));
    }
}
