// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/validate_stack.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/wasm/limits.h"

enum err wasm_check_refuse(struct wasm_body_checker *c, enum err err, const char *text)
{
    u64 offset = c->body->offset + (u64)(c->here - c->body->code.data);
    (void)report_err(c->report, err, offset, text);
    return err;
}

enum err wasm_check_unknown(struct wasm_body_checker *c, const char *what, u32 index)
{
    char buffer[64];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "unknown ");
    text_string(&text, what);
    text_char(&text, ' ');
    text_u64(&text, index);
    return invalid(c, buffer);
}

const char *wasm_check_type_name(u8 type)
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
    case WASM_EXNREF:
        return "exnref";
    default:
        return "nothing";
    }
}

enum err wasm_check_mismatch(struct wasm_body_checker *c, const char *expected, u8 found)
{
    char buffer[96];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "type mismatch: expected ");
    text_string(&text, expected);
    text_string(&text, ", found ");
    text_string(&text, wasm_check_type_name(found));
    return invalid(c, buffer);
}

// The operand on top as a word for a report: WASM_TYPE_UNKNOWN when this block has none.
static u8 found_of(const struct wasm_body_checker *c)
{
    return c->top == c->base ? WASM_TYPE_UNKNOWN : c->top[-1];
}

enum err wasm_check_pop_slow(struct wasm_body_checker *c, u8 type)
{
    ASSERT(c->top >= c->base);
    if (c->top == c->base) {
        return c->is_unreachable
                   ? ERR_OK
                   : wasm_check_mismatch(c, wasm_check_type_name(type), WASM_TYPE_UNKNOWN);
    }
    if (c->top[-1] != type && c->top[-1] != WASM_TYPE_UNKNOWN) {
        return wasm_check_mismatch(c, wasm_check_type_name(type), c->top[-1]);
    }
    c->top--;
    return ERR_OK;
}

enum err wasm_check_pop_any(struct wasm_body_checker *c, u8 *out)
{
    if (c->top == c->base) {
        *out = WASM_TYPE_UNKNOWN;
        return c->is_unreachable ? ERR_OK : wasm_check_mismatch(c, "an operand", WASM_TYPE_UNKNOWN);
    }
    c->top--;
    *out = *c->top;
    return ERR_OK;
}

enum err wasm_check_pop_types(struct wasm_body_checker *c, struct wasm_types types)
{
    c->moves += types.count;
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

enum err wasm_check_push_types(struct wasm_body_checker *c, struct wasm_types types)
{
    if (types.count > (size_t)(c->operands_end - c->top)) {
        return wasm_check_refuse(c, ERR_LIMIT, "too many operands");
    }
    mem_copy(c->top, types.data, types.count);
    c->top += types.count;
    c->moves += types.count;
    return ERR_OK;
}

enum err wasm_check_open_block(struct wasm_body_checker *c, u8 opcode, struct wasm_types params,
                               struct wasm_types results)
{
    if (c->block_count == c->block_capacity) {
        ASSERT(c->block_count == WASM_BLOCK_DEPTH + 1);
        return wasm_check_refuse(c, ERR_LIMIT, "blocks are nested too deeply");
    }
    if (c->block_count != 0) {
        c->blocks[c->block_count - 1].is_unreachable = c->is_unreachable;
    }
    c->blocks[c->block_count] = (struct wasm_block){
        .params = params,
        .results = results,
        .base = (u32)(c->top - c->operands),
        .opcode = opcode,
        .catch_count = c->block_count == 0 ? 0 : c->blocks[c->block_count - 1].catch_count,
    };
    c->block_count++;
    c->base = c->top;
    c->is_unreachable = false;
    return wasm_check_push_types(c, params);
}

enum err wasm_check_close_block(struct wasm_body_checker *c, struct wasm_block *out)
{
    ASSERT(c->block_count > 0);
    *out = c->blocks[c->block_count - 1];
    TRY(wasm_check_pop_types(c, out->results));
    if (c->top != c->base) {
        return wasm_check_mismatch(c, "the end of the block's operands", found_of(c));
    }
    c->block_count--;
    if (c->block_count != 0) {
        const struct wasm_block *outer = &c->blocks[c->block_count - 1];
        c->base = c->operands + outer->base;
        c->is_unreachable = outer->is_unreachable;
    }
    return ERR_OK;
}

enum err wasm_check_table_index(struct wasm_body_checker *c, const struct wasm_table_type **out)
{
    u32 table;
    TRY(read_index(c, &table));
    if (table >= c->module->table_count) {
        return wasm_check_unknown(c, "table", table);
    }
    *out = &c->module->tables[table];
    return ERR_OK;
}
