// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/diff/generate.h"
#include "core/wasm/module.h"
#include "tests/diff/generator.h"
#include <stdlib.h>

// The section ids.
enum {
    TYPE = 1,
    FUNCTION = 3,
    TABLE_ID = 4,
    MEMORY = 5,
    GLOBAL = 6,
    EXPORT = 7,
    ELEM = 9,
    CODE = 10,
    DATA = 11
};

static void put_types(struct generator *g)
{
    put_section(&g->out, TYPE);
    put_u32(&g->out, g->function_count + g->kinds);
    for (u32 i = 0; i < g->function_count; i++) {
        const struct signature *s = &g->signatures[i];
        put_u8(&g->out, 0x60);
        put_u32(&g->out, s->param_count);
        for (u32 k = 0; k < s->param_count; k++) {
            put_u8(&g->out, generate_types[s->params[k]]);
        }
        put_u32(&g->out, s->result_count);
        for (u32 k = 0; k < s->result_count; k++) {
            put_u8(&g->out, generate_types[s->results[k]]);
        }
    }
    for (u32 kind = 0; kind < g->kinds; kind++) { // of the exported functions
        put_u8(&g->out, 0x60);
        put_u32(&g->out, 0);
        put_u32(&g->out, 1);
        put_u8(&g->out, generate_types[kind]);
    }
    end_section(&g->out);
}

// What a global begins with: a constant, or a sum, a difference or a product of two or three.
static void global_init(struct generator *g, u32 kind)
{
    static const u32 operators[2][3] = {
        {WASM_OP_I32_ADD, WASM_OP_I32_SUB, WASM_OP_I32_MUL},
        {WASM_OP_I64_ADD, WASM_OP_I64_SUB, WASM_OP_I64_MUL},
    };
    u32 more = kind < 2 ? choose(g, 3) : 0;
    put_constant(g, kind);
    for (u32 i = 0; i < more; i++) {
        put_constant(g, kind);
        put_opcode(g, operators[kind][choose(g, 3)]);
    }
    put_opcode(g, WASM_OP_END);
}

static void put_globals(struct generator *g)
{
    put_section(&g->out, GLOBAL);
    put_u32(&g->out, g->kinds + 1);
    for (u32 kind = 0; kind < g->kinds; kind++) {
        put_u8(&g->out, generate_types[kind]);
        put_u8(&g->out, 1);
        global_init(g, kind);
    }
    put_u8(&g->out, WASM_I32);
    put_u8(&g->out, 1);
    put_i32_const(g, BUDGET);
    put_opcode(g, WASM_OP_END);
    end_section(&g->out);
}

static void put_exports(struct generator *g)
{
    put_section(&g->out, EXPORT);
    put_u32(&g->out, g->kinds * 2);
    for (u32 i = 0; i < g->kinds * 2; i++) {
        char name[] = {'f', (char)('0' + i), 0};
        put_name(&g->out, name);
        put_u8(&g->out, WASM_FUNCTION);
        put_u32(&g->out, g->function_count + i);
    }
    end_section(&g->out);
    put_section(&g->out, ELEM);
    put_u32(&g->out, 1);
    put_u32(&g->out, 0);
    put_i32_const(g, 0);
    put_opcode(g, WASM_OP_END);
    put_u32(&g->out, g->function_count);
    for (u32 i = 0; i < g->function_count; i++) {
        put_u32(&g->out, i);
    }
    end_section(&g->out);
}

static void put_locals(struct generator *g, const struct signature *s)
{
    g->local_count = s->param_count;
    for (u32 i = 0; i < s->param_count; i++) {
        g->locals[i] = s->params[i];
    }
    u32 declared = 1 + choose(g, LOCALS);
    put_u32(&g->out, declared);
    for (u32 i = 0; i < declared; i++) {
        u8 kind = (u8)choose(g, g->kinds);
        g->locals[g->local_count++] = kind;
        put_u32(&g->out, 1);
        put_u8(&g->out, generate_types[kind]);
    }
}

static void put_function(struct generator *g, u32 index)
{
    const struct signature *s = &g->signatures[index];
    size_t body = put_body(&g->out);
    g->body = g->out.size;
    g->function = index;
    g->label_count = 0;
    put_locals(g, s);
    label_push(g, s->results, s->result_count);
    put_budget(g);
    put_statements(g, DEPTH);
    put_statements(g, DEPTH);
    for (u32 i = 0; i < s->result_count; i++) {
        put_expression(g, s->results[i], DEPTH);
    }
    put_opcode(g, WASM_OP_END);
    end_body(&g->out, body);
}

static void put_exported(struct generator *g, u32 kind)
{
    size_t body = put_body(&g->out);
    g->body = g->out.size;
    g->function = g->function_count - 1;
    g->label_count = 0;
    u8 result = (u8)kind;
    put_u32(&g->out, 1);
    put_u32(&g->out, 1);
    put_u8(&g->out, generate_types[kind]);
    g->local_count = 1;
    g->locals[0] = result;
    label_push(g, &result, 1);
    put_i32_const(g, BUDGET);
    put_opcode(g, WASM_OP_GLOBAL_SET);
    put_u32(&g->out, g->kinds);
    put_call_value(g, kind, 3);
    put_opcode(g, WASM_OP_END);
    end_body(&g->out, body);
}

static void choose_signatures(struct generator *g)
{
    g->function_count = 1 + choose(g, FUNCTIONS);
    for (u32 i = 0; i < g->function_count; i++) {
        struct signature *s = &g->signatures[i];
        s->param_count = (u8)choose(g, 4);
        for (u32 k = 0; k < s->param_count; k++) {
            s->params[k] = (u8)choose(g, g->kinds);
        }
        s->result_count = (u8)choose(g, 3);
        for (u32 k = 0; k < s->result_count; k++) {
            s->results[k] = (u8)choose(g, g->kinds);
        }
    }
}

struct wasm_bytes generate_module(struct span choices, u32 options)
{
    struct generator *g = calloc(1, sizeof *g);
    if (g == NULL) {
        abort();
    }
    g->choices = choices;
    g->hides_nan = (options & GENERATE_HIDES_NAN) != 0;
    g->has_atomics = (options & GENERATE_ATOMICS) != 0;
    g->has_tail_calls = (options & GENERATE_TAIL_CALLS) != 0;
    g->kinds = (options & GENERATE_VECTORS) != 0 ? KINDS : VECTOR;
    g->out = wasm_bytes_begin();
    choose_signatures(g);
    g->memory_count = choose(g, 2) == 0 ? 1 : 1 + choose(g, MEMORIES);
    put_types(g);
    put_section(&g->out, FUNCTION);
    put_u32(&g->out, g->function_count + g->kinds * 2);
    for (u32 i = 0; i < g->function_count; i++) {
        put_u32(&g->out, i);
    }
    for (u32 i = 0; i < g->kinds * 2; i++) {
        put_u32(&g->out, g->function_count + i % g->kinds);
    }
    end_section(&g->out);
    put_section(&g->out, TABLE_ID);
    PUT(&g->out, "\x01\x70\x00\x08"); // TABLE elements of funcref
    end_section(&g->out);
    put_section(&g->out, MEMORY);
    put_u32(&g->out, g->memory_count);
    for (u32 i = 0; i < g->memory_count; i++) {
        PUT(&g->out, "\x01\x01\x03"); // PAGES, and two more at most
    }
    end_section(&g->out);
    put_globals(g);
    put_exports(g);
    put_section(&g->out, CODE);
    put_u32(&g->out, g->function_count + g->kinds * 2);
    for (u32 i = 0; i < g->function_count; i++) {
        put_function(g, i);
    }
    for (u32 i = 0; i < g->kinds * 2; i++) {
        put_exported(g, i % g->kinds);
    }
    end_section(&g->out);
    put_section(&g->out, DATA);
    PUT(&g->out, "\x01\x00\x41\x08\x0b\x0cHello, tests");
    end_section(&g->out);
    struct wasm_bytes out = g->out;
    free(g);
    return out;
}
