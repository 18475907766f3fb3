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
    DATA = 11,
    DATA_COUNT = 12,
    TAG = 13
};

enum { EXPORTED_FIRST = 'f', MEMORY_FIRST = 'm', GLOBAL_FIRST = 'g', HALVES = 2 };
static const u8 halves[HALVES] = {1, 1}; // kinds of what an exported function gives for a v128

// The exported functions: two of each kind, and one that shows the global of v128.
static u32 exported_count(const struct generator *g)
{
    return g->kinds * 2 + (g->kinds > VECTOR);
}

static u32 exported_kind(const struct generator *g, u32 number)
{
    return number < g->kinds * 2 ? number % g->kinds : VECTOR;
}

static void put_kinds(struct generator *g, const u8 *kinds, u32 count)
{
    put_u32(&g->out, count);
    for (u32 i = 0; i < count; i++) {
        put_u8(&g->out, kind_type(kinds[i]));
    }
}

static void put_type(struct generator *g, const u8 *params, u32 param_count, const u8 *results,
                     u32 result_count)
{
    put_u8(&g->out, 0x60);
    put_kinds(g, params, param_count);
    put_kinds(g, results, result_count);
}

// Those of functions, of exported ones by kind, of tags. For a v128 an exported one gives halves.
static void put_types(struct generator *g)
{
    put_section(&g->out, TYPE);
    put_u32(&g->out, g->function_count + g->kinds + g->tag_count * TAG_TYPES);
    for (u32 i = 0; i < g->function_count; i++) {
        const struct signature *s = &g->signatures[i];
        put_type(g, s->params, s->param_count, s->results, s->result_count);
    }
    for (u32 i = 0; i < g->kinds; i++) { // of the exported functions
        u8 kind = (u8)i;
        put_type(g, NULL, 0, i == VECTOR ? halves : &kind, i == VECTOR ? HALVES : 1);
    }
    g->tag_types = g->function_count + g->kinds;
    for (u32 i = 0; i < g->tag_count; i++) {
        struct label with = g->tags[i];
        with.kinds[with.count] = EXNREF;
        put_type(g, with.kinds, with.count, NULL, 0);
        put_type(g, NULL, 0, with.kinds, with.count);
        put_type(g, NULL, 0, with.kinds, with.count + 1u);
    }
    end_section(&g->out);
}

// ---- sections in the order of the file

static void put_functions(struct generator *g)
{
    put_section(&g->out, FUNCTION);
    put_u32(&g->out, g->function_count + exported_count(g));
    for (u32 i = 0; i < g->function_count; i++) {
        put_u32(&g->out, i);
    }
    for (u32 i = 0; i < exported_count(g); i++) {
        put_u32(&g->out, g->function_count + exported_kind(g, i));
    }
    end_section(&g->out);
}

static void put_memories(struct generator *g)
{
    put_section(&g->out, TABLE_ID);
    PUT(&g->out, "\x01\x70\x00\x08"); // TABLE elements of funcref
    end_section(&g->out);
    put_section(&g->out, MEMORY);
    put_u32(&g->out, g->memory_count);
    for (u32 i = 0; i < g->memory_count; i++) {
        PUT(&g->out, "\x01\x01\x03"); // a page, and two more at most
    }
    end_section(&g->out);
}

static void put_tags(struct generator *g)
{
    if (g->tag_count == 0) {
        return;
    }
    put_section(&g->out, TAG);
    put_u32(&g->out, g->tag_count);
    for (u32 i = 0; i < g->tag_count; i++) {
        put_u8(&g->out, 0);
        put_u32(&g->out, g->tag_types + i * TAG_TYPES + TAG_OWN);
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

// An i32 that is known when the module is made: as far as its features go, of another one.
static void put_constants(struct generator *g)
{
    put_u8(&g->out, WASM_I32);
    put_u8(&g->out, 0);
    put_i32_const(g, choose(g, 1000));
    put_opcode(g, WASM_OP_END);
    put_u8(&g->out, WASM_I32);
    put_u8(&g->out, 0);
    put_i32_const(g, choose(g, 1000));
    if (g->has_constants) {
        put_opcode(g, WASM_OP_GLOBAL_GET);
        put_u32(&g->out, g->kinds + GLOBAL_CONSTANT);
        put_i32_const(g, choose(g, 8));
        put_opcode(g, WASM_OP_I32_MUL);
        put_opcode(g, WASM_OP_I32_ADD);
    }
    put_opcode(g, WASM_OP_END);
}

static void put_globals(struct generator *g)
{
    put_section(&g->out, GLOBAL);
    put_u32(&g->out, g->kinds + GLOBAL_EXNREF + g->has_exceptions);
    for (u32 kind = 0; kind < g->kinds; kind++) {
        put_u8(&g->out, kind_type(kind));
        put_u8(&g->out, 1);
        global_init(g, kind);
    }
    put_u8(&g->out, WASM_I32);
    put_u8(&g->out, 1);
    put_i32_const(g, BUDGET);
    put_opcode(g, WASM_OP_END);
    put_constants(g);
    if (g->has_exceptions) {
        put_u8(&g->out, WASM_EXNREF);
        put_u8(&g->out, 1);
        put_constant(g, EXNREF);
        put_opcode(g, WASM_OP_END);
    }
    end_section(&g->out);
}

static void put_export(struct generator *g, char first, u32 number, enum wasm_kind kind, u32 index)
{
    char name[] = {first, (char)('a' + number), 0};
    put_name(&g->out, name);
    put_u8(&g->out, (u8)kind);
    put_u32(&g->out, index);
}

static void put_exports(struct generator *g)
{
    u32 functions = exported_count(g);
    u32 globals = g->kinds < VECTOR ? g->kinds : VECTOR;
    put_section(&g->out, EXPORT);
    put_u32(&g->out, functions + g->memory_count + globals + 1);
    for (u32 i = 0; i < functions; i++) {
        put_export(g, EXPORTED_FIRST, i, WASM_FUNCTION, g->function_count + i);
    }
    for (u32 i = 0; i < g->memory_count; i++) {
        put_export(g, MEMORY_FIRST, i, WASM_MEMORY, i);
    }
    for (u32 i = 0; i < globals; i++) {
        put_export(g, GLOBAL_FIRST, i, WASM_GLOBAL, i);
    }
    put_export(g, GLOBAL_FIRST, globals, WASM_GLOBAL, g->kinds + GLOBAL_BUDGET);
    end_section(&g->out);
}

// Entry i is function i.
static void put_elements(struct generator *g)
{
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

static void put_data_count(struct generator *g)
{
    put_section(&g->out, DATA_COUNT);
    put_u8(&g->out, DATAS);
    end_section(&g->out);
}

static void put_data(struct generator *g)
{
    put_section(&g->out, DATA);
    u32 memory = choose_memory(g);
    put_u8(&g->out, DATAS);
    put_u8(&g->out, memory == 0 ? 0 : 2);
    if (memory != 0) {
        put_u32(&g->out, memory);
    }
    if (g->has_constants) {
        put_opcode(g, WASM_OP_GLOBAL_GET);
        put_u32(&g->out, g->kinds + GLOBAL_CONSTANT + 1);
    }
    put_i32_const(g, 8);
    if (g->has_constants) {
        put_opcode(g, WASM_OP_I32_ADD);
    }
    put_opcode(g, WASM_OP_END);
    put_u8(&g->out, 12);
    PUT(&g->out, "Hello, tests");
    put_u8(&g->out, 1);                       // DATA_PASSIVE, for memory.init
    u32 size = g->uses_data ? DATA_BYTES : 0; // so that what is made small is
    put_u32(&g->out, size);
    for (u32 i = 0; i < size; i++) {
        put_u8(&g->out, (u8)(i * i));
    }
    end_section(&g->out);
}

// ---- functions

static void put_locals(struct generator *g, const struct signature *s)
{
    g->local_count = s->param_count;
    for (u32 i = 0; i < s->param_count; i++) {
        g->locals[i] = s->params[i];
    }
    u32 numbers = 1 + choose(g, LOCALS);
    u32 declared = numbers + (g->has_exceptions ? choose(g, 3) : 0);
    put_u32(&g->out, declared);
    for (u32 i = 0; i < declared; i++) {
        u8 kind = i < numbers ? (u8)choose_kind(g) : EXNREF;
        g->locals[g->local_count++] = kind;
        put_u32(&g->out, 1);
        put_u8(&g->out, kind_type(kind));
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

// The value on the stack as two i64.
static void put_halves(struct generator *g)
{
    for (u32 half = 0; half < HALVES; half++) {
        put_opcode(g, half == 0 ? WASM_OP_LOCAL_TEE : WASM_OP_LOCAL_GET);
        put_u32(&g->out, 0);
        put_u8(&g->out, WASM_PREFIX_VECTOR);
        put_u32(&g->out, WASM_OP_I64X2_EXTRACT_LANE - WASM_OPCODE(WASM_PREFIX_VECTOR, 0));
        put_u8(&g->out, (u8)half);
    }
}

static void put_exported(struct generator *g, u32 number)
{
    size_t body = put_body(&g->out);
    u32 kind = exported_kind(g, number);
    u8 result = (u8)kind;
    g->body = g->out.size;
    g->function = g->function_count - 1;
    put_u32(&g->out, 1);
    put_u32(&g->out, 1);
    put_u8(&g->out, kind_type(kind));
    g->local_count = 1;
    g->locals[0] = result;
    g->label_count = 0;
    put_i32_const(g, BUDGET);
    put_opcode(g, WASM_OP_GLOBAL_SET);
    put_u32(&g->out, g->kinds + GLOBAL_BUDGET);
    label_push(g, kind == VECTOR ? halves : &result, kind == VECTOR ? HALVES : 1);
    put_opcode(g, WASM_OP_BLOCK);
    put_u8(&g->out, kind_type(kind));
    label_push(g, &result, 1);
    if (number >= g->kinds * 2) {
        put_opcode(g, WASM_OP_GLOBAL_GET);
        put_u32(&g->out, VECTOR);
    } else if (g->has_exceptions && choose(g, 4) != 3) {
        put_handled(g, kind, true, 3);
    } else {
        put_call_value(g, kind, 3);
    }
    put_opcode(g, WASM_OP_END);
    if (kind == VECTOR) {
        put_halves(g);
    }
    put_opcode(g, WASM_OP_END);
    end_body(&g->out, body);
}

static void put_code(struct generator *g)
{
    put_section(&g->out, CODE);
    put_u32(&g->out, g->function_count + exported_count(g));
    for (u32 i = 0; i < g->function_count; i++) {
        put_function(g, i);
    }
    for (u32 i = 0; i < exported_count(g); i++) {
        put_exported(g, i);
    }
    end_section(&g->out);
}

static void choose_signatures(struct generator *g)
{
    g->function_count = 1 + choose(g, FUNCTIONS);
    for (u32 i = 0; i < g->function_count; i++) {
        struct signature *s = &g->signatures[i];
        s->param_count = (u8)choose(g, 4);
        for (u32 k = 0; k < s->param_count; k++) {
            s->params[k] = (u8)choose_kind(g);
        }
        s->result_count = (u8)choose(g, 3);
        for (u32 k = 0; k < s->result_count; k++) {
            s->results[k] = (u8)choose_kind(g);
        }
    }
}

static void choose_tags(struct generator *g)
{
    g->tag_count = g->has_exceptions ? 1 + choose(g, TAGS) : 0;
    for (u32 i = 0; i < g->tag_count; i++) {
        g->tags[i].count = (u8)choose(g, 4);
        for (u32 k = 0; k < g->tags[i].count; k++) {
            g->tags[i].kinds[k] = (u8)choose_kind(g);
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
    g->has_exceptions = (options & GENERATE_EXCEPTIONS) != 0;
    g->has_constants = (options & GENERATE_CONSTANTS) != 0;
    g->kinds = (options & GENERATE_VECTORS) != 0 ? KINDS : VECTOR;
    g->out = wasm_bytes_begin();
    choose_signatures(g);
    choose_tags(g);
    bool has_memories = (options & GENERATE_MEMORIES) != 0 && choose(g, 2) != 0;
    g->memory_count = has_memories ? 1 + choose(g, MEMORIES) : 1;
    put_types(g);
    put_functions(g);
    put_memories(g);
    put_tags(g);
    put_globals(g);
    put_exports(g);
    put_elements(g);
    put_data_count(g);
    put_code(g);
    put_data(g);
    struct wasm_bytes out = g->out;
    free(g);
    return out;
}
