// SPDX-License-Identifier: GPL-3.0-or-later
// One pass over the bytes of a body with two stacks: the types of the operands and the open blocks.
//
// Speed is in two places. An operand of the expected type is popped by one comparison, and
// everything else, the rules of unreachable code included, is behind wasm_check_pop_slow. Runs of
// operands (parameters, results, labels) are compared as bytes first, so an instruction with a
// thousand operands costs what its bytes weigh.
#include "core/wasm/validate_body.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/wasm/encoding.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "core/wasm/module.h"
#include "core/wasm/opcode.h"
#include "core/wasm/validate_stack.h"

enum {
    LOCALS_PER_BYTE = 16, // of a body, written out flat: see struct wasm_body_checker
    LOCALS_FLAT = 256,    // always written out flat
    MOVES_PER_UNIT = 32,  // operands compared or copied for a unit of work
};

// A value type as an array of one.
static struct wasm_types single_type(u8 type)
{
    static const u8 singles[] = {WASM_I32,  WASM_I64,     WASM_F32,       WASM_F64,
                                 WASM_V128, WASM_FUNCREF, WASM_EXTERNREF, WASM_EXNREF};
    u32 at = 0;
    while (singles[at] != type) {
        at++;
        ASSERT(at < COUNT_OF(singles));
    }
    return (struct wasm_types){&singles[at], 1};
}

enum err wasm_check_block_type(struct wasm_body_checker *c, struct wasm_types *params,
                               struct wasm_types *results)
{
    i64 type;
    TRY(wasm_read_block_type(&c->in, c->module->features, &type, c->report));
    *params = (struct wasm_types){0};
    *results = (struct wasm_types){0};
    if (type >= 0) {
        if (type >= c->module->type_count) {
            return wasm_check_unknown(c, "type", (u32)type);
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
    struct wasm_types params;
    struct wasm_types results;
    TRY(wasm_check_block_type(c, &params, &results));
    if (opcode == WASM_OP_IF) {
        TRY(pop(c, WASM_I32));
    }
    TRY(wasm_check_pop_types(c, params));
    return wasm_check_open_block(c, opcode, params, results);
}

static enum err check_else(struct wasm_body_checker *c)
{
    if (c->blocks[c->block_count - 1].opcode != WASM_OP_IF) {
        return malformed(c, "misplaced ELSE opcode");
    }
    struct wasm_block block;
    TRY(wasm_check_close_block(c, &block));
    return wasm_check_open_block(c, WASM_OP_ELSE, block.params, block.results);
}

static enum err check_end(struct wasm_body_checker *c)
{
    struct wasm_block block;
    TRY(wasm_check_close_block(c, &block));
    if (block.opcode == WASM_OP_IF) { // without an else the parameters are the results
        if (block.params.count != block.results.count ||
            !mem_equal(block.params.data, block.results.data, block.params.count)) {
            return invalid(c, "type mismatch: an if without else does not give its results");
        }
    }
    return c->block_count == 0 ? ERR_OK : wasm_check_push_types(c, block.results);
}

static enum err read_label(struct wasm_body_checker *c, struct wasm_types *out)
{
    u32 depth;
    TRY(read_index(c, &depth));
    if (depth >= c->block_count) {
        return wasm_check_unknown(c, "label", depth);
    }
    *out = label_of(&c->blocks[c->block_count - 1 - depth]);
    return ERR_OK;
}

static enum err check_br(struct wasm_body_checker *c)
{
    struct wasm_types label;
    TRY(read_label(c, &label));
    TRY(wasm_check_pop_types(c, label));
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_br_if(struct wasm_body_checker *c)
{
    struct wasm_types label;
    TRY(read_label(c, &label));
    TRY(pop(c, WASM_I32));
    TRY(wasm_check_pop_types(c, label));
    return wasm_check_push_types(c, label);
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
    if (count > WASM_LABELS) {
        return wasm_check_refuse(c, ERR_LIMIT, "too many labels of a br_table");
    }
    TRY(pop(c, WASM_I32));
    u8 *top = c->top;
    struct wasm_types first = {0};
    for (u64 i = 0; i <= count; i++) {
        struct wasm_types label;
        TRY(read_label(c, &label));
        if (i == 0) {
            first = label;
        } else if (label.count != first.count) {
            return invalid(c, "type mismatch: labels take different counts of operands");
        } else if (label.data == first.data) {
            continue; // checked already
        }
        TRY(wasm_check_pop_types(c, label));
        c->top = top;
    }
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_return(struct wasm_body_checker *c)
{
    TRY(wasm_check_pop_types(c, results_of(c->type)));
    set_unreachable(c);
    return ERR_OK;
}

static enum err check_call(struct wasm_body_checker *c)
{
    u32 function;
    TRY(read_index(c, &function));
    if (function >= c->module->function_count) {
        return wasm_check_unknown(c, "function", function);
    }
    const struct wasm_func_type *type = &c->module->types[c->module->function_types[function]];
    TRY(wasm_check_pop_types(c, params_of(type)));
    return wasm_check_push_types(c, results_of(type));
}

static enum err check_call_indirect(struct wasm_body_checker *c)
{
    const struct wasm_func_type *type;
    TRY(wasm_check_indirect(c, &type));
    TRY(wasm_check_pop_types(c, params_of(type)));
    return wasm_check_push_types(c, results_of(type));
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
        return wasm_check_unknown(c, "local", local);
    }
    *type = local_type_slow(c, local);
    return ERR_OK;
}

static enum err read_global(struct wasm_body_checker *c, const struct wasm_global_type **out)
{
    u32 global;
    TRY(read_index(c, &global));
    if (global >= c->module->global_count) {
        return wasm_check_unknown(c, "global", global);
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
#define ROW_0xfd(...)
#define ROW_0xfe(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(class, number, operands, results, bytes)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
};

static const struct signature bulk_signatures[256] = {
#define ROW_0(...)
#define ROW_0xfc(class, ...) CLASS_##class(__VA_ARGS__)
#define ROW_0xfd(...)
#define ROW_0xfe(...)
#define WASM_OP(name, text, prefix, number, class, immediate, operands, results, bytes, traps)     \
    ROW_##prefix(class, number, operands, results, bytes)
#include "core/wasm/opcodes.def"
#undef ROW_0
#undef ROW_0xfc
#undef ROW_0xfd
#undef ROW_0xfe
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
    return wasm_check_bulk(c, number);
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
    case WASM_PREFIX_BULK:
        return check_bulk(c);
    case WASM_PREFIX_VECTOR:
        return wasm_check_vector(c);
    case WASM_PREFIX_ATOMIC:
        return wasm_check_atomic(c);
    default:
        return wasm_check_rare(c, opcode);
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

static enum err body_begin(struct wasm_body_checker *c, u32 function)
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
        return wasm_check_refuse(c, ERR_LIMIT, "too many locals in a function");
    }
    spread_locals(c);
    c->top = c->operands;
    c->block_count = 0;
    return wasm_check_open_block(c, WASM_OP_BLOCK, (struct wasm_types){0}, results_of(c->type));
}

// How far this step may go into the body.
static const u8 *place_to_stop(const struct wasm_body_checker *c, i64 work)
{
    u64 bytes = work <= 0 ? 1 : (u64)work / WASM_WORK_VALIDATE_BYTE + 1;
    return bytes < reader_left(&c->in) ? c->in.next + bytes : c->in.end;
}

// Takes from *work what the bytes and operands since the last time cost.
static void pay(struct wasm_body_checker *c, const u8 *from, i64 *work)
{
    *work -= (i64)(c->in.next - from) * WASM_WORK_VALIDATE_BYTE;
    *work -= (i64)(c->moves - c->moves_paid) / MOVES_PER_UNIT;
    c->moves_paid = c->moves;
}

static enum err body_go_on(struct wasm_body_checker *c, i64 *work)
{
    const u8 *from = c->in.next;
    const u8 *stop = place_to_stop(c, *work);
    while (c->block_count != 0) {
        c->here = c->in.next;
        if (UNLIKELY(c->in.next >= stop)) {
            if (c->in.next == c->in.end) {
                return malformed(c, "unexpected end of section or function");
            }
            pay(c, from, work);
            return ERR_PAUSED;
        }
        TRY(check_instruction(c, *c->in.next++));
    }
    pay(c, from, work);
    if (c->in.next != c->in.end) {
        c->here = c->in.next;
        return malformed(c, "END opcode expected");
    }
    // Here such a run costs little, but the translator goes through it one by one.
    if (c->moves > WASM_MOVES + (u64)WASM_MOVES_PER_BYTE * c->module->bytes.size) {
        return wasm_check_refuse(c, ERR_LIMIT, "too many operands are moved");
    }
    return ERR_OK;
}

enum err wasm_body_check(struct wasm_body_checker *c, u32 function, i64 *work)
{
    if (!c->is_inside) {
        *work -= WASM_WORK_BODY;
        TRY(body_begin(c, function));
    }
    enum err err = body_go_on(c, work);
    c->is_inside = err == ERR_PAUSED;
    return err;
}

enum err wasm_body_checker_init(struct wasm_body_checker *checker, const struct wasm_module *module,
                                const u64 *declared, struct arena *scratch, struct report *report)
{
    size_t longest = module->body_bytes_longest;
    // A block takes two bytes to open. The function itself is one more.
    size_t blocks = longest / 2 < WASM_BLOCK_DEPTH ? longest / 2 : WASM_BLOCK_DEPTH;
    *checker = (struct wasm_body_checker){
        .module = module,
        .report = report,
        .declared = declared,
        .block_capacity = (u32)blocks + 1,
        .flat_capacity = WASM_LOCALS,
        .operands = ARENA_ROOM(scratch, u8, WASM_OPERANDS),
        .flat = ARENA_ROOM(scratch, u8, WASM_LOCALS),
    };
    checker->blocks = ARENA_ROOM(scratch, struct wasm_block, checker->block_capacity);
    if (checker->operands == NULL || checker->flat == NULL || checker->blocks == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "out of memory");
    }
    checker->operands_end = checker->operands + WASM_OPERANDS;
    return ERR_OK;
}
