// SPDX-License-Identifier: GPL-3.0-or-later
// Exceptions. What catches is made as compilers make it: a block for each clause around a
// try_table, and behind each block's end what is done with what was caught.
#include "core/base/compiler.h"
#include "core/wasm/module.h"
#include "tests/diff/generator.h"
#include <string.h>

enum { HANDLERS = 3 };

struct clause {
    u8 kind; // enum wasm_clause
    u32 tag;
    u32 depth; // of its label, from outside the try_table
};

// What a clause hands to its label.
static struct label clause_label(const struct generator *g, const struct clause *clause)
{
    struct label label = {0};
    if (clause->kind == WASM_CATCH || clause->kind == WASM_CATCH_REF) {
        label = g->tags[clause->tag];
    }
    if (clause->kind == WASM_CATCH_REF || clause->kind == WASM_CATCH_ANY_REF) {
        label.kinds[label.count++] = EXNREF;
    }
    return label;
}

static struct clause choose_clause(struct generator *g)
{
    return (struct clause){.kind = (u8)choose(g, 4), .tag = choose(g, g->tag_count)};
}

// Gives a clause one of the labels around that takes what it hands over. False: there is none.
static bool find_label(struct generator *g, struct clause *clause)
{
    struct label wanted = clause_label(g, clause);
    u32 start = choose(g, g->label_count);
    for (u32 i = 0; i < g->label_count; i++) {
        clause->depth = (start + i) % g->label_count;
        const struct label *label = &g->labels[g->label_count - 1 - clause->depth];
        if (label->count == wanted.count && memcmp(label->kinds, wanted.kinds, wanted.count) == 0) {
            return true;
        }
    }
    return false;
}

static void put_clause(struct generator *g, const struct clause *clause)
{
    put_u8(&g->out, clause->kind);
    if (clause->kind == WASM_CATCH || clause->kind == WASM_CATCH_REF) {
        put_u32(&g->out, clause->tag);
    }
    put_u32(&g->out, clause->depth);
}

// The clauses of a try_table: these, and now and then one that leads further out before them.
static void put_clauses(struct generator *g, const struct clause *handlers, u32 count)
{
    struct clause all[2 * HANDLERS];
    u32 all_count = 0;
    for (u32 i = 0; i < count; i++) {
        all[all_count] = choose_clause(g);
        all_count += choose(g, 4) == 3 && find_label(g, &all[all_count]);
        all[all_count++] = handlers[i];
    }
    put_u32(&g->out, all_count);
    for (u32 i = 0; i < all_count; i++) {
        put_clause(g, &all[i]);
    }
}

void put_outer_clauses(struct generator *g)
{
    struct clause clauses[HANDLERS];
    u32 wanted = choose(g, HANDLERS + 1);
    u32 count = 0;
    for (u32 i = 0; i < wanted; i++) {
        clauses[count] = choose_clause(g);
        count += find_label(g, &clauses[count]);
    }
    put_u32(&g->out, count);
    for (u32 i = 0; i < count; i++) {
        put_clause(g, &clauses[i]);
    }
}

// The block whose end is where a clause leads.
static void begin_handler(struct generator *g, const struct clause *clause)
{
    struct label label = clause_label(g, clause);
    bool has_tag = clause->kind == WASM_CATCH || clause->kind == WASM_CATCH_REF;
    bool has_reference = label.count > 0 && label.kinds[label.count - 1] == EXNREF;
    put_opcode(g, WASM_OP_BLOCK);
    if (has_tag) {
        put_u32(&g->out, g->tag_types + TAG_TYPES * clause->tag +
                             (clause->kind == WASM_CATCH_REF ? TAG_CAUGHT_REF : TAG_CAUGHT));
    } else {
        put_u8(&g->out, has_reference ? WASM_EXNREF : WASM_BLOCK_TYPE_EMPTY);
    }
    label_push(g, label.kinds, label.count);
}

// What was caught goes into locals, or nowhere.
static void keep_caught(struct generator *g, const struct clause *clause)
{
    struct label label = clause_label(g, clause);
    for (u32 i = label.count; i > 0; i--) {
        u32 local;
        bool keeps = choose(g, 8) != 7 && local_of(g, label.kinds[i - 1], &local);
        put_opcode(g, keeps ? WASM_OP_LOCAL_SET : WASM_OP_DROP);
        if (keeps) {
            put_u32(&g->out, local);
        }
    }
}

// The operands, and the throw.
static void throw_tag(struct generator *g, u32 tag, u32 depth)
{
    for (u32 i = 0; i < g->tags[tag].count; i++) {
        put_expression(g, g->tags[tag].kinds[i], depth);
    }
    put_opcode(g, WASM_OP_THROW);
    put_u32(&g->out, tag);
}

// One that was caught goes on, mostly only if there is one.
static void throw_again(struct generator *g, u32 depth)
{
    u32 local;
    if (!local_of(g, EXNREF, &local)) {
        return;
    }
    if (choose(g, 16) == 15) {
        put_expression(g, EXNREF, depth);
        put_opcode(g, WASM_OP_THROW_REF);
        return;
    }
    put_opcode(g, WASM_OP_LOCAL_GET);
    put_u32(&g->out, local);
    put_opcode(g, WASM_OP_REF_IS_NULL);
    put_opcode(g, WASM_OP_I32_EQZ);
    put_opcode(g, WASM_OP_IF);
    put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
    put_opcode(g, WASM_OP_LOCAL_GET);
    put_u32(&g->out, local);
    put_opcode(g, WASM_OP_THROW_REF);
    put_opcode(g, WASM_OP_END);
}

static void throw_some(struct generator *g, u32 tag, u32 depth)
{
    bool is_conditional = choose(g, 8) != 7 && g->label_count < LABELS;
    if (is_conditional) {
        put_expression(g, 0, depth);
        put_opcode(g, WASM_OP_IF);
        put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
        label_push(g, NULL, 0);
    }
    if (choose(g, 4) == 3) {
        throw_again(g, depth);
    } else {
        throw_tag(g, tag, depth);
    }
    if (is_conditional) {
        put_opcode(g, WASM_OP_END);
        g->label_count--;
    }
}

void put_throw(struct generator *g, u32 depth)
{
    throw_some(g, choose(g, g->tag_count), depth);
}

// What the try_table guards.
static void put_guarded(struct generator *g, u32 kind, const struct clause *handler, bool is_call,
                        u32 depth)
{
    if (!is_call) {
        put_statements(g, depth);
    }
    if (!is_call && choose(g, 2) == 0) {
        throw_some(g, handler->tag, depth);
    }
    if (is_call || choose(g, 4) == 0) {
        put_call_value(g, kind, depth);
    } else if (kind != KINDS) {
        put_expression(g, kind, depth);
    }
}

void put_handled(struct generator *g, u32 kind, bool is_call, u32 depth)
{
    struct clause handlers[HANDLERS];
    u8 result = (u8)kind;
    u8 type = kind == KINDS ? WASM_BLOCK_TYPE_EMPTY : kind_type(kind);
    u32 result_count = kind != KINDS;
    u32 count = 1 + choose(g, HANDLERS);
    if (g->label_count + count + 2 > LABELS) {
        if (kind != KINDS) {
            put_leaf(g, kind);
        }
        return;
    }
    put_opcode(g, WASM_OP_BLOCK);
    put_u8(&g->out, type);
    label_push(g, &result, result_count);
    for (u32 i = count; i > 0; i--) {
        handlers[i - 1] = choose_clause(g);
        handlers[i - 1].depth = i - 1;
        begin_handler(g, &handlers[i - 1]);
    }
    put_opcode(g, WASM_OP_TRY_TABLE);
    put_u8(&g->out, type);
    put_clauses(g, handlers, count);
    label_push(g, &result, result_count);
    put_guarded(g, kind, &handlers[0], is_call, depth);
    put_opcode(g, WASM_OP_END);
    g->label_count--;
    for (u32 i = 0; i < count; i++) {
        put_opcode(g, WASM_OP_BR);
        put_u32(&g->out, count - i);
        put_opcode(g, WASM_OP_END);
        g->label_count--;
        keep_caught(g, &handlers[i]);
        put_statements(g, depth);
        if (kind != KINDS) {
            put_expression(g, kind, depth);
        }
    }
    put_opcode(g, WASM_OP_END);
    g->label_count--;
}
