// SPDX-License-Identifier: GPL-3.0-or-later
// throw, throw_ref and try_table.
#include "core/base/reader.h"
#include "core/wasm/limits.h"
#include "core/wasm/validate_stack.h"

static enum err check_tag(struct wasm_body_checker *c, u32 tag, struct wasm_types *out)
{
    const struct wasm_module *module = c->module;
    if (tag >= module->tag_count) {
        return wasm_check_unknown(c, "tag", tag);
    }
    *out = params_of(&module->types[module->tag_types[tag]]);
    return ERR_OK;
}

static enum err check_throw(struct wasm_body_checker *c)
{
    u32 tag;
    struct wasm_types values = {0};
    TRY(read_index(c, &tag));
    TRY(check_tag(c, tag, &values));
    TRY(wasm_check_pop_types(c, values));
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_throw_ref(struct wasm_body_checker *c)
{
    TRY(pop(c, WASM_EXNREF));
    set_unreachable(c);
    return ERR_OK;
}

// The label must take just what the clause gives it: the values, then perhaps the reference.
static enum err check_clause(struct wasm_body_checker *c)
{
    struct wasm_clause_read clause = {0};
    struct wasm_types values = {0};
    TRY(wasm_read_clause(&c->in, &clause, c->report));
    if (clause.tag != WASM_CATCH_ALL) {
        TRY(check_tag(c, clause.tag, &values));
    }
    if (clause.depth >= c->block_count) {
        return wasm_check_unknown(c, "label", clause.depth);
    }
    struct wasm_types label = label_of(&c->blocks[c->block_count - 1 - clause.depth]);
    bool has_reference = clause.kind == WASM_CATCH_REF || clause.kind == WASM_CATCH_ANY_REF;
    c->moves += label.count;
    if (label.count != values.count + has_reference ||
        !mem_equal(label.data, values.data, values.count) ||
        (has_reference && label.data[values.count] != WASM_EXNREF)) {
        return invalid(c, "type mismatch: the label does not take what the clause catches");
    }
    return ERR_OK;
}

// The labels of the clauses are those around the try_table.
static enum err check_try_table(struct wasm_body_checker *c)
{
    struct wasm_types params = {0};
    struct wasm_types results = {0};
    u32 count;
    TRY(wasm_check_block_type(c, &params, &results));
    TRY(read_index(c, &count));
    if (count > reader_left(&c->in)) {
        return malformed(c, "unexpected end of section or function");
    }
    u32 around = c->blocks[c->block_count - 1].catch_count;
    if (count > WASM_CATCHES - around) {
        return wasm_check_refuse(c, ERR_LIMIT, "too many catch clauses around one place");
    }
    for (u32 i = 0; i < count; i++) {
        TRY(check_clause(c));
    }
    TRY(wasm_check_pop_types(c, params));
    TRY(wasm_check_open_block(c, WASM_OP_TRY_TABLE, params, results));
    c->blocks[c->block_count - 1].catch_count = (u16)(around + count);
    c->try_count++;
    c->catch_count += count;
    return ERR_OK;
}

enum err wasm_check_exception(struct wasm_body_checker *c, u8 opcode)
{
    switch (opcode) {
    case WASM_OP_THROW:
        return check_throw(c);
    case WASM_OP_THROW_REF:
        return check_throw_ref(c);
    default:
        return check_try_table(c);
    }
}
