// SPDX-License-Identifier: GPL-3.0-or-later
// One pass over the bytes of a body with two stacks: the types of the operands and the open blocks.
//
// Speed is in two places. An operand of the expected type is popped by one comparison, and
// everything else, the rules of unreachable code included, is behind pop_slow. Runs of operands
// (parameters, results, labels) are compared as bytes first, so an instruction with a thousand
// operands costs what its bytes weigh.
#include "core/wasm/validate_body.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/encoding.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"

enum {
    WASM_TYPE_UNKNOWN = 0,
    LOCALS_PER_BYTE = 16, // of a body, written out flat: see struct wasm_body_checker
    LOCALS_FLAT = 256,    // always written out flat
};

// The types of one kind of stack change, each as an array.
struct types {
    const u8 *data; // enum wasm_type
    u32 count;
};

struct wasm_block {
    struct types params;
    struct types results;
    u32 base; // operands below this block
    u8 opcode;
    bool is_unreachable; // the code after some instruction of it
};

static enum err refuse(struct wasm_body_checker *c, enum err err, const char *text)
{
    u64 offset = c->body->offset + (u64)(c->here - c->body->code.data);
    (void)report_err(c->report, err, offset, text);
    return err;
}

static enum err malformed(struct wasm_body_checker *c, const char *text)
{
    return refuse(c, ERR_MALFORMED, text);
}

static enum err invalid(struct wasm_body_checker *c, const char *text)
{
    return refuse(c, ERR_INVALID, text);
}

NOINLINE static enum err unknown(struct wasm_body_checker *c, const char *what, u32 index)
{
    char buffer[64];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "unknown ");
    text_string(&text, what);
    text_char(&text, ' ');
    text_u64(&text, index);
    return invalid(c, buffer);
}

static const char *type_name(u8 type)
{
    switch (type) {
    case WASM_I32:
        return "i32";
    case WASM_I64:
        return "i64";
    case WASM_F32:
        return "f32";
    case WASM_F64:
        return "f64";
    case WASM_V128:
        return "v128";
    case WASM_FUNCREF:
        return "funcref";
    case WASM_EXTERNREF:
        return "externref";
    default:
        return "nothing";
    }
}

NOINLINE static enum err mismatch(struct wasm_body_checker *c, const char *expected, u8 found)
{
    char buffer[96];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "type mismatch: expected ");
    text_string(&text, expected);
    text_string(&text, ", found ");
    text_string(&text, type_name(found));
    return invalid(c, buffer);
}

// The operand on top as a word for a report: WASM_TYPE_UNKNOWN when this block has none.
static u8 found_of(const struct wasm_body_checker *c)
{
    return c->top == c->base ? WASM_TYPE_UNKNOWN : c->top[-1];
}

NOINLINE static enum err pop_slow(struct wasm_body_checker *c, u8 type)
{
    ASSERT(c->top >= c->base);
    if (c->top == c->base) {
        return c->is_unreachable ? ERR_OK : mismatch(c, type_name(type), WASM_TYPE_UNKNOWN);
    }
    if (c->top[-1] != type && c->top[-1] != WASM_TYPE_UNKNOWN) {
        return mismatch(c, type_name(type), c->top[-1]);
    }
    c->top--;
    return ERR_OK;
}

static ALWAYS_INLINE enum err pop(struct wasm_body_checker *c, u8 type)
{
    if (LIKELY(c->top > c->base && c->top[-1] == type)) {
        c->top--;
        return ERR_OK;
    }
    return pop_slow(c, type);
}

// Pops an operand of any type, which may be WASM_TYPE_UNKNOWN.
static enum err pop_any(struct wasm_body_checker *c, u8 *out)
{
    if (c->top == c->base) {
        *out = WASM_TYPE_UNKNOWN;
        return c->is_unreachable ? ERR_OK : mismatch(c, "an operand", WASM_TYPE_UNKNOWN);
    }
    c->top--;
    *out = *c->top;
    return ERR_OK;
}

static ALWAYS_INLINE enum err push(struct wasm_body_checker *c, u8 type)
{
    if (UNLIKELY(c->top == c->operands_end)) {
        return refuse(c, ERR_LIMIT, "too many operands");
    }
    *c->top++ = type;
    return ERR_OK;
}

static enum err pop_types(struct wasm_body_checker *c, struct types types)
{
    if (types.count <= (size_t)(c->top - c->base) &&
        mem_equal(c->top - types.count, types.data, types.count)) {
        c->top -= types.count;
        return ERR_OK;
    }
    for (u32 left = types.count; left > 0; left--) {
        if (c->top == c->base && c->is_unreachable) {
            return ERR_OK; // whatever is still wanted is there
        }
        TRY(pop(c, types.data[left - 1]));
    }
    return ERR_OK;
}

static enum err push_types(struct wasm_body_checker *c, struct types types)
{
    if (types.count > (size_t)(c->operands_end - c->top)) {
        return refuse(c, ERR_LIMIT, "too many operands");
    }
    mem_copy(c->top, types.data, types.count);
    c->top += types.count;
    return ERR_OK;
}

static struct types params_of(const struct wasm_func_type *type)
{
    return (struct types){type->types, type->param_count};
}

static struct types results_of(const struct wasm_func_type *type)
{
    return (struct types){type->types + type->param_count, type->result_count};
}

// The operands that a branch to the block takes along.
static struct types label_of(const struct wasm_block *block)
{
    return block->opcode == WASM_OP_LOOP ? block->params : block->results;
}

static void set_unreachable(struct wasm_body_checker *c)
{
    c->top = c->base;
    c->is_unreachable = true;
}

static enum err open_block(struct wasm_body_checker *c, u8 opcode, struct types params,
                           struct types results)
{
    if (c->block_count == c->block_capacity) {
        ASSERT(c->block_count == WASM_BLOCK_DEPTH + 1);
        return refuse(c, ERR_LIMIT, "blocks are nested too deeply");
    }
    if (c->block_count != 0) {
        c->blocks[c->block_count - 1].is_unreachable = c->is_unreachable;
    }
    c->blocks[c->block_count++] = (struct wasm_block){
        .params = params,
        .results = results,
        .base = (u32)(c->top - c->operands),
        .opcode = opcode,
    };
    c->base = c->top;
    c->is_unreachable = false;
    return push_types(c, params);
}

// Takes the results of the innermost block and makes the block around it the innermost.
static enum err close_block(struct wasm_body_checker *c, struct wasm_block *out)
{
    ASSERT(c->block_count > 0);
    *out = c->blocks[c->block_count - 1];
    TRY(pop_types(c, out->results));
    if (c->top != c->base) {
        return mismatch(c, "the end of the block's operands", found_of(c));
    }
    c->block_count--;
    if (c->block_count != 0) {
        const struct wasm_block *outer = &c->blocks[c->block_count - 1];
        c->base = c->operands + outer->base;
        c->is_unreachable = outer->is_unreachable;
    }
    return ERR_OK;
}

// A value type as an array of one.
static struct types single_type(u8 type)
{
    static const u8 singles[] = {WASM_I32,  WASM_I64,     WASM_F32,      WASM_F64,
                                 WASM_V128, WASM_FUNCREF, WASM_EXTERNREF};
    u32 at = 0;
    while (singles[at] != type) {
        at++;
        ASSERT(at < COUNT_OF(singles));
    }
    return (struct types){&singles[at], 1};
}

static enum err read_block_type(struct wasm_body_checker *c, struct types *params,
                                struct types *results)
{
    i64 type;
    TRY(wasm_read_block_type(&c->in, &type, c->report));
    *params = (struct types){0};
    *results = (struct types){0};
    if (type >= 0) {
        if (type >= c->module->type_count) {
            return unknown(c, "type", (u32)type);
        }
        *params = params_of(&c->module->types[type]);
        *results = results_of(&c->module->types[type]);
    } else if (type != WASM_BLOCK_TYPE_EMPTY - 0x80) {
        *results = single_type((u8)(type + 0x80));
    }
    return ERR_OK;
}

static enum err check_block(struct wasm_body_checker *c, u8 opcode)
{
    struct types params;
    struct types results;
    TRY(read_block_type(c, &params, &results));
    if (opcode == WASM_OP_IF) {
        TRY(pop(c, WASM_I32));
    }
    TRY(pop_types(c, params));
    return open_block(c, opcode, params, results);
}

static enum err check_else(struct wasm_body_checker *c)
{
    if (c->blocks[c->block_count - 1].opcode != WASM_OP_IF) {
        return malformed(c, "misplaced ELSE opcode");
    }
    struct wasm_block block;
    TRY(close_block(c, &block));
    return open_block(c, WASM_OP_ELSE, block.params, block.results);
}

static enum err check_end(struct wasm_body_checker *c)
{
    struct wasm_block block;
    TRY(close_block(c, &block));
    if (block.opcode == WASM_OP_IF) { // without an else the parameters are the results
        if (block.params.count != block.results.count ||
            !mem_equal(block.params.data, block.results.data, block.params.count)) {
            return invalid(c, "type mismatch: an if without else does not give its results");
        }
    }
    return c->block_count == 0 ? ERR_OK : push_types(c, block.results);
}

static ALWAYS_INLINE enum err read_index(struct wasm_body_checker *c, u32 *out)
{
    return reader_leb_u32(&c->in, out, c->report);
}

static enum err read_label(struct wasm_body_checker *c, struct types *out)
{
    u32 depth;
    TRY(read_index(c, &depth));
    if (depth >= c->block_count) {
        return unknown(c, "label", depth);
    }
    *out = label_of(&c->blocks[c->block_count - 1 - depth]);
    return ERR_OK;
}

static enum err check_br(struct wasm_body_checker *c)
{
    struct types label;
    TRY(read_label(c, &label));
    TRY(pop_types(c, label));
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_br_if(struct wasm_body_checker *c)
{
    struct types label;
    TRY(read_label(c, &label));
    TRY(pop(c, WASM_I32));
    TRY(pop_types(c, label));
    return push_types(c, label);
}

// Each label must accept the operands, which stay as they are: in unreachable code labels may
// disagree.
static enum err check_br_table(struct wasm_body_checker *c)
{
    u32 count;
    TRY(read_index(c, &count));
    if (count >= reader_left(&c->in)) { // each label is a byte or more, and the default is one more
        return malformed(c, "unexpected end of section or function");
    }
    TRY(pop(c, WASM_I32));
    u8 *top = c->top;
    struct types first = {0};
    for (u64 i = 0; i <= count; i++) {
        struct types label;
        TRY(read_label(c, &label));
        if (i == 0) {
            first = label;
        } else if (label.count != first.count) {
            return invalid(c, "type mismatch: labels take different counts of operands");
        } else if (label.data == first.data) {
            continue; // checked already
        }
        TRY(pop_types(c, label));
        c->top = top;
    }
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_return(struct wasm_body_checker *c)
{
    TRY(pop_types(c, results_of(c->type)));
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_call(struct wasm_body_checker *c)
{
    u32 function;
    TRY(read_index(c, &function));
    if (function >= c->module->function_count) {
        return unknown(c, "function", function);
    }
    const struct wasm_func_type *type = &c->module->types[c->module->function_types[function]];
    TRY(pop_types(c, params_of(type)));
    return push_types(c, results_of(type));
}

// The table named by the next immediate.
static enum err read_table(struct wasm_body_checker *c, const struct wasm_table_type **out)
{
    u32 table;
    TRY(read_index(c, &table));
    if (table >= c->module->table_count) {
        return unknown(c, "table", table);
    }
    *out = &c->module->tables[table];
    return ERR_OK;
}

static enum err check_call_indirect(struct wasm_body_checker *c)
{
    u32 index;
    const struct wasm_table_type *table = NULL;
    TRY(read_index(c, &index));
    TRY(read_table(c, &table));
    if (table->element != WASM_FUNCREF) {
        return invalid(c, "type mismatch: call_indirect needs a table of funcref");
    }
    if (index >= c->module->type_count) {
        return unknown(c, "type", index);
    }
    const struct wasm_func_type *type = &c->module->types[index];
    TRY(pop(c, WASM_I32));
    TRY(pop_types(c, params_of(type)));
    return push_types(c, results_of(type));
}

static bool is_reference(u8 type)
{
    return type == WASM_FUNCREF || type == WASM_EXTERNREF;
}

static enum err check_select(struct wasm_body_checker *c)
{
    u8 second;
    u8 first;
    TRY(pop(c, WASM_I32));
    TRY(pop_any(c, &second));
    TRY(pop_any(c, &first));
    if (is_reference(first) || is_reference(second)) {
        return invalid(c, "type mismatch: select of references needs a type");
    }
    if (first != second && first != WASM_TYPE_UNKNOWN && second != WASM_TYPE_UNKNOWN) {
        return mismatch(c, type_name(first), second);
    }
    return push(c, first == WASM_TYPE_UNKNOWN ? second : first);
}

static enum err check_select_typed(struct wasm_body_checker *c)
{
    u32 count;
    u8 type = WASM_TYPE_UNKNOWN;
    TRY(read_index(c, &count));
    for (u32 i = 0; i < count; i++) {
        TRY(wasm_read_value_type(&c->in, &type, c->report));
    }
    if (count != 1) {
        return invalid(c, "invalid result arity");
    }
    TRY(pop(c, WASM_I32));
    TRY(pop(c, type));
    TRY(pop(c, type));
    return push(c, type);
}

// The type of a local that is not written out flat: a search over the runs.
NOINLINE static u8 local_type_slow(const struct wasm_body_checker *c, u32 local)
{
    ASSERT(local >= c->type->param_count);
    u32 wanted = local - c->type->param_count;
    u32 low = 0; // the last run that begins at or before `wanted` is in [low, high)
    u32 high = c->body->local_run_count;
    while (high - low > 1) {
        u32 middle = low + (high - low) / 2;
        if (c->body->locals[middle].first <= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return c->body->locals[low].type;
}

static ALWAYS_INLINE enum err read_local(struct wasm_body_checker *c, u8 *type)
{
    u32 local;
    TRY(read_index(c, &local));
    if (LIKELY(local < c->flat_count)) {
        *type = c->flat[local];
        return ERR_OK;
    }
    if (local >= c->local_count) {
        return unknown(c, "local", local);
    }
    *type = local_type_slow(c, local);
    return ERR_OK;
}

static enum err read_global(struct wasm_body_checker *c, const struct wasm_global_type **out)
{
    u32 global;
    TRY(read_index(c, &global));
    if (global >= c->module->global_count) {
        return unknown(c, "global", global);
    }
    *out = &c->module->globals[global];
    return ERR_OK;
}

static enum err check_global(struct wasm_body_checker *c, u8 opcode)
{
    const struct wasm_global_type *global = NULL;
    TRY(read_global(c, &global));
    if (opcode == WASM_OP_GLOBAL_GET) {
        return push(c, global->type);
    }
    if (!global->is_mutable) {
        return invalid(c, "global is immutable");
    }
    return pop(c, global->type);
}

static enum err check_table_access(struct wasm_body_checker *c, u8 opcode)
{
    const struct wasm_table_type *table = NULL;
    TRY(read_table(c, &table));
    if (opcode == WASM_OP_TABLE_SET) {
        TRY(pop(c, table->element));
        return pop(c, WASM_I32);
    }
    TRY(pop(c, WASM_I32));
    return push(c, table->element);
}

static enum err check_memory(struct wasm_body_checker *c)
{
    return c->module->memory_count != 0 ? ERR_OK : unknown(c, "memory", 0);
}

static enum err read_zero(struct wasm_body_checker *c)
{
    u8 zero;
    TRY(reader_u8(&c->in, &zero, c->report));
    return zero == 0 ? ERR_OK : malformed(c, "zero byte expected");
}

static ALWAYS_INLINE enum err read_memarg(struct wasm_body_checker *c, u32 bytes)
{
    u32 align_log2;
    u32 offset;
    TRY(read_index(c, &align_log2));
    if (UNLIKELY(align_log2 >= 32)) {
        return malformed(c, "malformed memop flags");
    }
    TRY(read_index(c, &offset));
    TRY(check_memory(c));
    if (UNLIKELY((u64)1 << align_log2 > bytes)) {
        return invalid(c, "alignment must not be larger than natural");
    }
    return ERR_OK;
}

static enum err check_memory_size(struct wasm_body_checker *c, u8 opcode)
{
    TRY(read_zero(c));
    TRY(check_memory(c));
    if (opcode == WASM_OP_MEMORY_GROW) {
        TRY(pop(c, WASM_I32));
    }
    return push(c, WASM_I32);
}

static enum err check_ref_is_null(struct wasm_body_checker *c)
{
    u8 type;
    TRY(pop_any(c, &type));
    if (type != WASM_TYPE_UNKNOWN && !is_reference(type)) {
        return mismatch(c, "a reference", type);
    }
    return push(c, WASM_I32);
}

static enum err check_ref_null(struct wasm_body_checker *c)
{
    u8 type;
    TRY(wasm_read_ref_type(&c->in, &type, c->report));
    return push(c, type);
}

static enum err check_ref_func(struct wasm_body_checker *c)
{
    u32 function;
    TRY(read_index(c, &function));
    if (function >= c->module->function_count) {
        return unknown(c, "function", function);
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
    return data < c->module->data_count ? ERR_OK : unknown(c, "data segment", data);
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
        return unknown(c, "elem segment", elem);
    }
    *type = c->module->elems[elem].type;
    return ERR_OK;
}

static enum err check_memory_init(struct wasm_body_checker *c)
{
    u32 data;
    TRY(read_index(c, &data));
    TRY(read_zero(c));
    if (c->module->memory_count == 0 && c->module->data_count == 0) {
        return unknown(c, "memory", 0);
    }
    TRY(check_data(c, data));
    TRY(check_memory(c));
    return pop_three_i32(c);
}

static enum err check_table_init(struct wasm_body_checker *c)
{
    u32 elem;
    const struct wasm_table_type *table = NULL;
    TRY(read_index(c, &elem));
    TRY(read_table(c, &table));
    if (elem >= c->module->elem_count) {
        return unknown(c, "elem segment", elem);
    }
    u8 type = c->module->elems[elem].type;
    if (type != table->element) {
        return mismatch(c, type_name(table->element), type);
    }
    return pop_three_i32(c);
}

static enum err check_table_copy(struct wasm_body_checker *c)
{
    const struct wasm_table_type *to;
    const struct wasm_table_type *from;
    TRY(read_table(c, &to));
    TRY(read_table(c, &from));
    if (to->element != from->element) {
        return mismatch(c, type_name(to->element), from->element);
    }
    return pop_three_i32(c);
}

// table.grow, table.size and table.fill.
static enum err check_table_bulk(struct wasm_body_checker *c, u32 opcode)
{
    const struct wasm_table_type *table = NULL;
    TRY(read_table(c, &table));
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

// What the table of instructions says about those whose types it knows, by their first byte.
struct signature {
    u8 count; // operands; all of one type. 0: the instruction is not simple
    u8 operand;
    u8 result;
    u8 bytes; // of a load or store
};

// The letters of opcodes.def for simple instructions. X and the like are never used by the classes
// below.
#define OPERANDS_I 1, WASM_I32
#define OPERANDS_L 1, WASM_I64
#define OPERANDS_F 1, WASM_F32
#define OPERANDS_D 1, WASM_F64
#define OPERANDS_II 2, WASM_I32
#define OPERANDS_LL 2, WASM_I64
#define OPERANDS_FF 2, WASM_F32
#define OPERANDS_DD 2, WASM_F64
#define OPERANDS_IL 1, WASM_I64 // a store: the value; the address is understood
#define OPERANDS_IF 1, WASM_F32
#define OPERANDS_ID 1, WASM_F64
#define RESULT_I WASM_I32
#define RESULT_L WASM_I64
#define RESULT_F WASM_F32
#define RESULT_D WASM_F64
#define RESULT_N WASM_TYPE_UNKNOWN

#define SIMPLE(number, operands, results, bytes)                                                   \
    [number] = {OPERANDS_##operands, RESULT_##results, bytes},
#define NOT_SIMPLE(number, operands, results, bytes)
#define CLASS_CONTROL NOT_SIMPLE
#define CLASS_PARAMETRIC NOT_SIMPLE
#define CLASS_VARIABLE NOT_SIMPLE
#define CLASS_TABLE NOT_SIMPLE
#define CLASS_LOAD SIMPLE
#define CLASS_STORE SIMPLE
#define CLASS_MEMORY NOT_SIMPLE
#define CLASS_CONST NOT_SIMPLE
#define CLASS_COMPARE SIMPLE
#define CLASS_UNARY SIMPLE
#define CLASS_BINARY SIMPLE
#define CLASS_CONVERT SIMPLE
#define CLASS_REFERENCE NOT_SIMPLE
#define CLASS_BULK NOT_SIMPLE

static const struct signature plain_signatures[256] = {
#define ROW_0(class, ...) CLASS_##class(__VA_ARGS__)
#define ROW_0xfc(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(class, number, operands, results, bytes)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
};

static const struct signature bulk_signatures[256] = {
#define ROW_0(...)
#define ROW_0xfc(class, ...) CLASS_##class(__VA_ARGS__)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(class, number, operands, results, bytes)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
};

static ALWAYS_INLINE enum err check_simple(struct wasm_body_checker *c, struct signature simple)
{
    if (simple.count == 2) {
        TRY(pop(c, simple.operand));
    }
    TRY(pop(c, simple.operand));
    return push(c, simple.result);
}

static enum err check_bulk(struct wasm_body_checker *c)
{
    u32 number;
    TRY(read_index(c, &number));
    if (number < COUNT_OF(bulk_signatures) && bulk_signatures[number].count != 0) {
        return check_simple(c, bulk_signatures[number]);
    }
    u8 type;
    u32 opcode = number < 1 << 12 ? WASM_OPCODE(WASM_PREFIX_BULK, number) : 0;
    switch (opcode) {
    case WASM_OP_MEMORY_INIT:
        return check_memory_init(c);
    case WASM_OP_DATA_DROP:
        return check_data_drop(c);
    case WASM_OP_MEMORY_COPY:
        TRY(read_zero(c));
        TRY(read_zero(c));
        TRY(check_memory(c));
        return pop_three_i32(c);
    case WASM_OP_MEMORY_FILL:
        TRY(read_zero(c));
        TRY(check_memory(c));
        return pop_three_i32(c);
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

static enum err check_const(struct wasm_body_checker *c, u8 opcode)
{
    i32 narrow;
    i64 wide;
    struct span bytes;
    switch (opcode) {
    case WASM_OP_I64_CONST:
        TRY(reader_leb_i64(&c->in, &wide, c->report));
        return push(c, WASM_I64);
    case WASM_OP_F32_CONST:
        TRY(reader_bytes(&c->in, 4, &bytes, c->report));
        return push(c, WASM_F32);
    case WASM_OP_F64_CONST:
        TRY(reader_bytes(&c->in, 8, &bytes, c->report));
        return push(c, WASM_F64);
    default:
        TRY(reader_leb_i32(&c->in, &narrow, c->report));
        return push(c, WASM_I32);
    }
}

// Instructions that are rare in practice.
static enum err check_rare(struct wasm_body_checker *c, u8 opcode)
{
    u8 type;
    switch (opcode) {
    case WASM_OP_UNREACHABLE:
        set_unreachable(c);
        return ERR_OK;
    case WASM_OP_NOP:
        return ERR_OK;
    case WASM_OP_DROP:
        return pop_any(c, &type);
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
    case WASM_PREFIX_BULK:
        return check_bulk(c);
    case WASM_PREFIX_SIMD:
        return refuse(c, ERR_UNSUPPORTED, "SIMD is not supported");
    default:
        return malformed(c, "illegal opcode");
    }
}

static enum err check_load_store(struct wasm_body_checker *c, struct signature access)
{
    TRY(read_memarg(c, access.bytes));
    if (access.result == WASM_TYPE_UNKNOWN) {
        TRY(pop(c, access.operand));
        return pop(c, WASM_I32);
    }
    TRY(pop(c, WASM_I32));
    return push(c, access.result);
}

// Checks one instruction whose opcode is read.
static ALWAYS_INLINE enum err check_instruction(struct wasm_body_checker *c, u8 opcode)
{
    struct signature signature = plain_signatures[opcode];
    if (signature.count != 0) {
        return signature.bytes != 0 ? check_load_store(c, signature) : check_simple(c, signature);
    }
    u8 type = WASM_TYPE_UNKNOWN;
    switch (opcode) {
    case WASM_OP_LOCAL_GET:
        TRY(read_local(c, &type));
        return push(c, type);
    case WASM_OP_LOCAL_SET:
        TRY(read_local(c, &type));
        return pop(c, type);
    case WASM_OP_LOCAL_TEE:
        TRY(read_local(c, &type));
        TRY(pop(c, type));
        return push(c, type);
    case WASM_OP_GLOBAL_GET:
    case WASM_OP_GLOBAL_SET:
        return check_global(c, opcode);
    case WASM_OP_I32_CONST:
    case WASM_OP_I64_CONST:
    case WASM_OP_F32_CONST:
    case WASM_OP_F64_CONST:
        return check_const(c, opcode);
    case WASM_OP_BLOCK:
    case WASM_OP_LOOP:
    case WASM_OP_IF:
        return check_block(c, opcode);
    case WASM_OP_ELSE:
        return check_else(c);
    case WASM_OP_END:
        return check_end(c);
    case WASM_OP_BR:
        return check_br(c);
    case WASM_OP_BR_IF:
        return check_br_if(c);
    case WASM_OP_BR_TABLE:
        return check_br_table(c);
    case WASM_OP_RETURN:
        return check_return(c);
    case WASM_OP_CALL:
        return check_call(c);
    case WASM_OP_CALL_INDIRECT:
        return check_call_indirect(c);
    default:
        return check_rare(c, opcode);
    }
}

// Writes out the types of the locals, as many as the body's bytes pay for.
static void spread_locals(struct wasm_body_checker *c)
{
    u64 wanted = (u64)c->body->code.size * LOCALS_PER_BYTE + LOCALS_FLAT;
    c->flat_count = (u32)(wanted < c->local_count ? wanted : c->local_count);
    if (c->flat_count < c->type->param_count) {
        c->flat_count = c->type->param_count; // local_type_slow knows declared locals only
    }
    ASSERT(c->flat_count <= c->flat_capacity);
    mem_copy(c->flat, c->type->types, c->type->param_count);
    u32 at = c->type->param_count;
    for (u32 run = 0; run < c->body->local_run_count && at < c->flat_count; run++) {
        u32 room = c->flat_count - at;
        u32 count = c->body->locals[run].count < room ? c->body->locals[run].count : room;
        mem_fill(c->flat + at, c->body->locals[run].type, count);
        at += count;
    }
}

enum err wasm_body_check(struct wasm_body_checker *c, u32 function)
{
    const struct wasm_module *module = c->module;
    ASSERT(function >= module->function_import_count && function < module->function_count);
    c->type = &module->types[module->function_types[function]];
    c->body = &module->bodies[function - module->function_import_count];
    c->in = reader_over(c->body->code);
    c->in.base = c->body->offset;
    c->here = c->in.next;
    c->local_count = c->type->param_count + c->body->local_count;
    if (c->local_count > WASM_LOCALS) {
        return refuse(c, ERR_LIMIT, "too many locals in a function");
    }
    spread_locals(c);
    c->top = c->operands;
    c->block_count = 0;
    TRY(open_block(c, WASM_OP_BLOCK, (struct types){0}, results_of(c->type)));
    while (c->block_count != 0) {
        c->here = c->in.next;
        if (UNLIKELY(c->in.next == c->in.end)) {
            return malformed(c, "unexpected end of section or function");
        }
        TRY(check_instruction(c, *c->in.next++));
    }
    if (c->in.next != c->in.end) {
        c->here = c->in.next;
        return malformed(c, "END opcode expected");
    }
    return ERR_OK;
}

enum err wasm_body_checker_init(struct wasm_body_checker *checker, const struct wasm_module *module,
                                const u64 *declared, struct arena *scratch, struct report *report)
{
    size_t longest = 0;
    for (u32 i = 0; i < module->function_count - module->function_import_count; i++) {
        size_t size = module->bodies[i].code.size;
        longest = size > longest ? size : longest;
    }
    // A block takes two bytes to open. The function itself is one more.
    size_t blocks = longest / 2 < WASM_BLOCK_DEPTH ? longest / 2 : WASM_BLOCK_DEPTH;
    *checker = (struct wasm_body_checker){
        .module = module,
        .report = report,
        .declared = declared,
        .block_capacity = (u32)blocks + 1,
        .flat_capacity = WASM_LOCALS,
        .operands = ARENA_ARRAY(scratch, u8, WASM_OPERANDS),
        .flat = ARENA_ARRAY(scratch, u8, WASM_LOCALS),
    };
    checker->blocks = ARENA_ARRAY(scratch, struct wasm_block, checker->block_capacity);
    if (checker->operands == NULL || checker->flat == NULL || checker->blocks == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    checker->operands_end = checker->operands + WASM_OPERANDS;
    return ERR_OK;
}
