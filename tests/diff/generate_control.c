// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/compiler.h"
#include "core/wasm/module.h"
#include "tests/diff/generator.h"
#include <string.h>

void label_push(struct generator *g, const u8 *kinds, u32 count)
{
    struct label *label = &g->labels[g->label_count++];
    label->count = (u8)count;
    for (u32 i = 0; i < count; i++) {
        label->kinds[i] = kinds[i];
    }
}

void put_budget(struct generator *g)
{
    put_opcode(g, WASM_OP_GLOBAL_GET);
    put_u32(&g->out, g->kinds + GLOBAL_BUDGET);
    put_opcode(g, WASM_OP_I32_EQZ);
    put_opcode(g, WASM_OP_IF);
    put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
    for (u32 i = 0; i < g->labels[0].count; i++) {
        put_constant(g, g->labels[0].kinds[i]);
    }
    put_opcode(g, WASM_OP_RETURN);
    put_opcode(g, WASM_OP_END);
    put_opcode(g, WASM_OP_GLOBAL_GET);
    put_u32(&g->out, g->kinds + GLOBAL_BUDGET);
    put_i32_const(g, 1);
    put_opcode(g, WASM_OP_I32_SUB);
    put_opcode(g, WASM_OP_GLOBAL_SET);
    put_u32(&g->out, g->kinds + GLOBAL_BUDGET);
}

// block, loop, if or try_table with one result.
static void block(struct generator *g, u32 kind, u32 depth)
{
    if (g->label_count >= LABELS) {
        put_leaf(g, kind);
        return;
    }
    u8 result = (u8)kind;
    static const enum wasm_opcode opcodes[] = {WASM_OP_BLOCK, WASM_OP_LOOP, WASM_OP_IF,
                                               WASM_OP_TRY_TABLE};
    u32 shape = choose(g, g->has_exceptions ? 4 : 3);
    if (shape == 2) {
        put_expression(g, 0, depth);
    }
    put_opcode(g, opcodes[shape]);
    put_u8(&g->out, kind_type(kind));
    if (shape == 3) {
        put_outer_clauses(g);
    }
    label_push(g, &result, shape == 1 ? 0 : 1);
    if (shape == 1) {
        put_budget(g);
    }
    put_statements(g, depth);
    put_expression(g, kind, depth);
    if (shape == 2) {
        put_opcode(g, WASM_OP_ELSE);
        put_statements(g, depth);
        put_expression(g, kind, depth);
    }
    put_opcode(g, WASM_OP_END);
    g->label_count--;
}

// References want their type told.
static void put_select(struct generator *g, u32 kind)
{
    if (kind != EXNREF) {
        put_opcode(g, WASM_OP_SELECT);
        return;
    }
    put_opcode(g, WASM_OP_SELECT_T);
    put_u32(&g->out, 1);
    put_u8(&g->out, WASM_EXNREF);
}

static u32 global_of(const struct generator *g, u32 kind)
{
    return kind == EXNREF ? g->kinds + GLOBAL_EXNREF : kind;
}

static void put_call(struct generator *g, u32 callee, bool is_tail, u32 depth)
{
    const struct signature *s = &g->signatures[callee];
    for (u32 i = 0; i < s->param_count; i++) {
        put_expression(g, s->params[i], depth);
    }
    if (choose(g, 3) == 2) {
        // By the table, whose entry i is function i; sometimes the wrong one.
        put_i32_const(g, choose(g, 32) == 31 ? choose(g, TABLE + 1) : callee);
        put_opcode(g, is_tail ? WASM_OP_RETURN_CALL_INDIRECT : WASM_OP_CALL_INDIRECT);
        put_u32(&g->out, callee);
        put_u32(&g->out, 0);
    } else {
        put_opcode(g, is_tail ? WASM_OP_RETURN_CALL : WASM_OP_CALL);
        put_u32(&g->out, callee);
    }
}

void put_call_value(struct generator *g, u32 kind, u32 depth)
{
    u32 callee = choose(g, g->function + 1);
    const struct signature *s = &g->signatures[callee];
    put_call(g, callee, false, depth);
    u32 left = s->result_count;
    while (left > 0 && (kind == KINDS || s->results[left - 1] != kind)) {
        put_opcode(g, WASM_OP_DROP);
        left--;
    }
    if (kind == KINDS) {
        return;
    }
    if (left == 0) {
        put_leaf(g, kind);
    } else if (left == 2) {
        // The other result lies below: keep this one in a local, or as it is by a select.
        u32 local;
        if (s->results[0] == kind) {
            put_expression(g, 0, depth);
            put_select(g, kind);
        } else if (local_of(g, kind, &local)) {
            put_opcode(g, WASM_OP_LOCAL_SET);
            put_u32(&g->out, local);
            put_opcode(g, WASM_OP_DROP);
            put_opcode(g, WASM_OP_LOCAL_GET);
            put_u32(&g->out, local);
        } else {
            put_opcode(g, WASM_OP_DROP);
            put_opcode(g, WASM_OP_DROP);
            put_leaf(g, kind);
        }
    }
}

static void tee(struct generator *g, u32 kind, u32 depth)
{
    u32 local;
    put_expression(g, kind, depth);
    if (local_of(g, kind, &local)) {
        put_opcode(g, WASM_OP_LOCAL_TEE);
        put_u32(&g->out, local);
    }
}

// A branch out that carries the value and leaves it when it is not taken.
static void branch_if(struct generator *g, u32 kind, u32 depth)
{
    put_expression(g, kind, depth);
    for (u32 i = 0; i < g->label_count; i++) {
        const struct label *label = &g->labels[g->label_count - 1 - i];
        if (label->count == 1 && label->kinds[0] == kind) {
            put_expression(g, 0, depth);
            put_opcode(g, WASM_OP_BR_IF);
            put_u32(&g->out, i);
            return;
        }
    }
}

void put_expression(struct generator *g, u32 kind, u32 depth)
{
    if (depth == 0 || g->out.size - g->body > BODY_BYTES) {
        put_leaf(g, kind);
        return;
    }
    depth--;
    switch (choose(g, 12)) {
    case 0:
        put_leaf(g, kind);
        break;
    case 1:
        block(g, kind, depth);
        break;
    case 2:
        put_call_value(g, kind, depth);
        break;
    case 3:
        tee(g, kind, depth);
        break;
    case 4:
        put_expression(g, kind, depth);
        put_expression(g, kind, depth);
        put_expression(g, 0, depth);
        put_select(g, kind);
        break;
    case 5:
        put_opcode(g, WASM_OP_GLOBAL_GET);
        put_u32(&g->out, global_of(g, kind));
        break;
    case 6:
        branch_if(g, kind, depth);
        break;
    case 7:
        if (g->has_exceptions) {
            put_handled(g, kind, false, depth);
            break;
        }
        FALLTHROUGH;
    default:
        if (kind == EXNREF) {
            put_leaf(g, kind);
        } else {
            put_numeric(g, kind, depth);
        }
        break;
    }
}

// ---- statements
// A loop that counts a local up or down to a bound, as compilers make them; its body may do
// anything.
static void counting_loop(struct generator *g, u32 depth)
{
    static const enum wasm_opcode ends[] = {WASM_OP_I32_NE,   WASM_OP_I32_LT_U, WASM_OP_I32_LT_S,
                                            WASM_OP_I32_GT_S, WASM_OP_I32_GT_U, WASM_OP_I32_LE_S};
    u32 local;
    if (g->label_count >= LABELS || !local_of(g, 0, &local)) {
        return;
    }
    put_i32_const(g, choose(g, 20));
    put_opcode(g, WASM_OP_LOCAL_SET);
    put_u32(&g->out, local);
    put_opcode(g, WASM_OP_LOOP);
    put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
    label_push(g, NULL, 0);
    put_budget(g);
    put_statements(g, depth);
    put_opcode(g, WASM_OP_LOCAL_GET);
    put_u32(&g->out, local);
    put_i32_const(g, (i64)choose(g, 5) - 2);
    put_opcode(g, WASM_OP_I32_ADD);
    put_opcode(g, WASM_OP_LOCAL_TEE);
    put_u32(&g->out, local);
    put_leaf(g, 0);
    put_opcode(g, ends[choose(g, COUNT_OF(ends))]);
    put_opcode(g, WASM_OP_BR_IF);
    put_u32(&g->out, 0);
    put_opcode(g, WASM_OP_END);
    g->label_count--;
}

// A branch with whatever its label wants, conditional or not; what follows the latter is dead.
static void branch(struct generator *g, u32 depth)
{
    u32 depth_of_label = choose(g, g->label_count);
    const struct label label = g->labels[g->label_count - 1 - depth_of_label];
    bool is_conditional = choose(g, 4) != 0;
    for (u32 i = 0; i < label.count; i++) {
        put_expression(g, label.kinds[i], depth);
    }
    if (is_conditional) {
        put_expression(g, 0, depth);
    }
    put_opcode(g, is_conditional ? WASM_OP_BR_IF : WASM_OP_BR);
    put_u32(&g->out, depth_of_label);
    for (u32 i = 0; i < label.count; i++) {
        put_opcode(g, WASM_OP_DROP);
    }
}

// A switch over nested blocks.
static void branch_table(struct generator *g, u32 depth)
{
    u32 count = 1 + choose(g, 3);
    if (g->label_count + count > LABELS) {
        return;
    }
    for (u32 i = 0; i < count; i++) {
        put_opcode(g, WASM_OP_BLOCK);
        put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
        label_push(g, NULL, 0);
    }
    put_expression(g, 0, depth);
    put_opcode(g, WASM_OP_BR_TABLE);
    put_u32(&g->out, count);
    for (u32 i = 0; i <= count; i++) {
        put_u32(&g->out, choose(g, count));
    }
    for (u32 i = 0; i < count; i++) {
        put_opcode(g, WASM_OP_END);
        g->label_count--;
        put_statements(g, depth);
    }
}

// A block by an index into the types: parameters of a function's signature, no results.
static void block_with_params(struct generator *g, u32 depth)
{
    u32 type = choose(g, g->function_count);
    const struct signature *s = &g->signatures[type];
    if (g->label_count >= LABELS) {
        return;
    }
    for (u32 i = 0; i < s->param_count; i++) {
        put_expression(g, s->params[i], depth);
    }
    bool is_try = g->has_exceptions && choose(g, 2) == 1;
    put_opcode(g, is_try ? WASM_OP_TRY_TABLE : WASM_OP_BLOCK);
    put_u32(&g->out, type);
    if (is_try) {
        put_outer_clauses(g);
    }
    label_push(g, s->results, s->result_count);
    for (u32 i = s->param_count; i > 0; i--) {
        u32 local;
        bool keeps = local_of(g, s->params[i - 1], &local);
        put_opcode(g, keeps ? WASM_OP_LOCAL_SET : WASM_OP_DROP);
        if (keeps) {
            put_u32(&g->out, local);
        }
    }
    put_statements(g, depth);
    for (u32 i = 0; i < s->result_count; i++) {
        put_expression(g, s->results[i], depth);
    }
    put_opcode(g, WASM_OP_END);
    g->label_count--;
    for (u32 i = 0; i < s->result_count; i++) {
        put_opcode(g, WASM_OP_DROP);
    }
}

// On a condition, a call in the place of a return: of a function that gives what this one does.
static void tail_call(struct generator *g, u32 depth)
{
    const struct label *own = &g->labels[0];
    u32 callee = choose(g, g->function + 1);
    for (u32 i = 0; i <= g->function; i++, callee = (callee + 1) % (g->function + 1)) {
        const struct signature *s = &g->signatures[callee];
        if (s->result_count != own->count || memcmp(s->results, own->kinds, own->count) != 0 ||
            g->label_count >= LABELS) {
            continue;
        }
        put_expression(g, 0, depth);
        put_opcode(g, WASM_OP_IF);
        put_u8(&g->out, WASM_BLOCK_TYPE_EMPTY);
        label_push(g, NULL, 0);
        put_call(g, callee, true, depth);
        put_opcode(g, WASM_OP_END);
        g->label_count--;
        return;
    }
}

// Sizes go where they change what follows: into a local, if there is one.
static void memory_size(struct generator *g)
{
    u32 local;
    bool grows = choose(g, 4) == 0;
    if (grows) {
        put_i32_const(g, (i64)choose(g, 3));
    }
    put_opcode(g, grows ? WASM_OP_MEMORY_GROW : WASM_OP_MEMORY_SIZE);
    put_u32(&g->out, choose_memory(g));
    bool keeps = local_of(g, 0, &local);
    put_opcode(g, keeps ? WASM_OP_LOCAL_SET : WASM_OP_DROP);
    if (keeps) {
        put_u32(&g->out, local);
    }
}

enum { BULK_INIT = 0x08, BULK_DROP = 0x09, BULK_COPY = 0x0a, BULK_FILL = 0x0b };

// An address, or one from which on as many bytes end at the end of what has `size`, or just behind.
static void bulk_address(struct generator *g, u32 size, u32 count, u32 depth)
{
    if (choose(g, 8) == 0) {
        put_i32_const(g, (i64)size - count + choose(g, 3) - 1);
    } else {
        put_address(g, depth);
    }
}

// Counts are about those at which compiled code does something else, and half of them known to it.
static void bulk_count(struct generator *g, u32 count, bool is_known)
{
    put_i32_const(g, count);
    if (!is_known) {
        put_leaf(g, 0);
        put_i32_const(g, 31);
        put_opcode(g, WASM_OP_I32_SHR_U);
        put_opcode(g, WASM_OP_I32_ADD);
    }
}

static void bulk(struct generator *g, u32 depth)
{
    static const u16 edges[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 8192};
    if (g->memory_count > 1 && choose(g, 4) == 0) {
        memory_size(g);
        return;
    }
    u32 what = BULK_INIT + choose(g, 8);
    what = what > BULK_FILL ? BULK_COPY + what % 2 : what;
    bool is_drop = what == BULK_DROP && choose(g, 4) == 0;
    what = what == BULK_DROP && !is_drop ? BULK_INIT : what;
    u32 count = choose(g, 4) == 0 ? choose(g, 600) : edges[choose(g, COUNT_OF(edges))];
    count += choose(g, 3) - (u32)(count > 0);
    if (!is_drop) {
        bulk_address(g, 1 << 16, count, depth);
        if (what == BULK_FILL) {
            put_expression(g, 0, depth);
        } else {
            bulk_address(g, what == BULK_INIT ? DATA_BYTES : 1 << 16, count, depth);
        }
        bulk_count(g, count, choose(g, 2) == 0);
    }
    put_u8(&g->out, WASM_PREFIX_BULK);
    put_u8(&g->out, (u8)what);
    if (what == BULK_INIT || is_drop) {
        put_u32(&g->out, DATA_PASSIVE);
        g->uses_data = true;
    }
    if (!is_drop) {
        put_u32(&g->out, choose_memory(g));
    }
    if (what == BULK_COPY) {
        put_u32(&g->out, choose_memory(g));
    }
}

static void statement(struct generator *g, u32 depth)
{
    u32 kind = choose_kind(g);
    u32 local;
    switch (choose(g, g->has_exceptions ? 15 : 12)) {
    case 0:
    case 1:
    case 2:
        if (local_of(g, kind, &local)) {
            put_expression(g, kind, depth);
            put_opcode(g, WASM_OP_LOCAL_SET);
            put_u32(&g->out, local);
        }
        break;
    case 3:
        put_expression(g, kind, depth);
        put_opcode(g, WASM_OP_GLOBAL_SET);
        put_u32(&g->out, global_of(g, kind));
        break;
    case 4:
        put_expression(g, kind, depth);
        put_opcode(g, WASM_OP_DROP);
        break;
    case 5:
        counting_loop(g, depth);
        break;
    case 6:
        branch(g, depth);
        break;
    case 7:
        branch_table(g, depth);
        break;
    case 8:
        block_with_params(g, depth);
        break;
    case 9:
        if (!g->has_tail_calls || choose(g, 2) == 0) {
            put_call_value(g, KINDS, depth);
        } else {
            tail_call(g, depth);
        }
        break;
    case 10:
        bulk(g, depth);
        break;
    case 12:
    case 13:
        put_handled(g, KINDS, false, depth);
        break;
    case 14:
        put_throw(g, depth);
        break;
    default:
        put_store(g, depth);
        break;
    }
}

void put_statements(struct generator *g, u32 depth)
{
    for (u32 left = choose(g, 4); left > 0; left--) {
        if (depth == 0 || g->out.size - g->body > BODY_BYTES) {
            return;
        }
        statement(g, depth - 1);
    }
}
