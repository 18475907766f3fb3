// SPDX-License-Identifier: GPL-3.0-or-later
// Every instruction that is not control: they take values off the stack, and may leave one on it.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/builder.h"
#include "core/wasm/module.h"

enum kind kind_of_type(u8 type)
{
    switch ((enum wasm_type)type) {
    case WASM_I32:
        return KIND_I;
    case WASM_F32:
        return KIND_F;
    case WASM_F64:
        return KIND_D;
    case WASM_V128:
        return KIND_V;
    case WASM_I64:
    case WASM_FUNCREF:
    case WASM_EXTERNREF:
    case WASM_EXNREF:
        return KIND_L;
    }
    UNREACHABLE();
}

// ---- the stack

void build_push(struct builder *b, u32 value)
{
    u32 *stack = builder_grow(b, b->stack, &b->stack_capacity, b->height + 1, sizeof *stack);
    if (stack != NULL) {
        b->stack = stack;
        stack[b->height++] = value;
    }
}

u32 build_pop(struct builder *b)
{
    ASSERT(b->height > 0 || b->failed != ERR_OK);
    return b->height > 0 ? value_resolve(b, b->stack[--b->height]) : 0;
}

u32 build_pop_list(struct builder *b, u32 count)
{
    u32 list = build_list(b, count + 1);
    if (list == IR_NONE || b->failed != ERR_OK) {
        return 0;
    }
    b->ir->lists[list] = count;
    b->height -= count;
    for (u32 i = 0; i < count; i++) {
        b->ir->lists[list + 1 + i] = b->stack[b->height + i];
    }
    return list;
}

void build_push_results(struct builder *b, u32 call, const struct wasm_func_type *type)
{
    if (type->result_count != 0) {
        build_push(b, call);
    }
    for (u32 i = 1; i < type->result_count && b->failed == ERR_OK; i++) {
        u8 kind = (u8)kind_of_type(type->types[type->param_count + i]);
        build_push(
            b, build_append(b, &(struct ir_ins){.op = IR_RESULT, .kind = kind, .a = call, .b = i}));
    }
}

// ---- numbers and memory

static void do_numeric(struct builder *b, enum row row)
{
    struct ir_ins ins = {.op = (u16)row, .kind = body_ops[row].result};
    if ((ir_shapes[row] & IR_SHAPE_C) != 0) {
        ins.c = build_pop(b);
    }
    if ((ir_shapes[row] & IR_SHAPE_B) != 0) {
        ins.b = build_pop(b);
    }
    ins.a = build_pop(b);
    build_push(b, build_simplify(b, ins));
}

static void do_const(struct builder *b, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_I32_CONST:
        build_push(b, build_const(b, KIND_I, (u32)body_signed(in)));
        break;
    case ROW_I64_CONST:
        build_push(b, build_const(b, KIND_L, (u64)body_signed(in)));
        break;
    case ROW_F32_CONST:
        body_skip(in, 4);
        build_push(b, build_const(b, KIND_F, mem_load_u32(in->at - 4)));
        break;
    case ROW_F64_CONST:
        body_skip(in, 8);
        build_push(b, build_const(b, KIND_D, mem_load_u64(in->at - 8)));
        break;
    default:
        ASSERT(row == ROW_V128_CONST);
        body_skip(in, 16);
        u32 index = vector_index(b, mem_load_u64(in->at - 16), mem_load_u64(in->at - 8));
        build_push(b, build_const(b, KIND_V, index));
        break;
    }
}

u32 build_address(struct builder *b, u32 address, u32 *offset)
{
    for (;;) {
        const struct ir_ins *sum = value_ins(b, address);
        if (sum->op != ROW_I32_ADD || value_ins(b, sum->b)->op != IR_CONST) {
            return address;
        }
        u64 constant = value_ins(b, sum->b)->bits;
        if (constant + b->highest[sum->a] > UINT32_MAX || constant + *offset > UINT32_MAX) {
            return address;
        }
        *offset += (u32)constant;
        address = sum->a;
    }
}

// The size of another memory than 0, read again only where it may have grown: a shared one, always.
static u32 memory_bytes(struct builder *b, u32 memory)
{
    if (b->memory_epoch[memory] != b->epoch || b->module->memories[memory].limits.is_shared) {
        b->memory_bytes[memory] =
            build_append(b, &(struct ir_ins){.op = IR_MEMORY_BYTES, .kind = KIND_L, .c = memory});
        b->memory_epoch[memory] = b->epoch;
    }
    return b->memory_bytes[memory];
}

// Of the same place it is the same value, as long as the size is.
u32 build_memory_at(struct builder *b, u32 memory, u32 address, u32 offset, u8 lane)
{
    u32 place = build_simplify(
        b, (struct ir_ins){.op = ROW_I64_EXTEND_I32_U, .kind = KIND_L, .a = address});
    if (offset != 0) {
        place = build_simplify(b, (struct ir_ins){.op = ROW_I64_ADD,
                                                  .kind = KIND_L,
                                                  .a = place,
                                                  .b = build_const(b, KIND_L, offset)});
    }
    struct ir_ins base = {.op = IR_MEMORY_BASE, .kind = KIND_L, .c = memory};
    struct ir_ins at = {.op = IR_MEMORY_AT, .kind = KIND_L, .lane = lane, .a = place};
    at.b = memory_bytes(b, memory);
    at.c = build_pure(b, &base);
    return build_pure(b, &at);
}

static void do_access(struct builder *b, struct body_reader *in, enum row row)
{
    struct ir_ins ins = {.op = (u16)row};
    u32 memory = body_memarg(in, &ins.c);
    bool is_store =
        body_ops[row].class == WASM_CLASS_STORE || body_ops[row].class == WASM_CLASS_VECTOR_STORE;
    if (body_ops[row].immediate == WASM_IMM_MEMARG_LANE) {
        body_skip(in, 1);
        ins.lane = in->at[-1];
    }
    if ((ir_shapes[row] & IR_SHAPE_B) != 0) {
        ins.b = build_pop(b);
    }
    ins.a = build_pop(b);
    if (memory == 0) {
        ins.a = build_address(b, ins.a, &ins.c);
    } else {
        ins.a = build_memory_at(b, memory, ins.a, ins.c, body_ops[row].bytes);
        ins.c = 0;
    }
    ins.kind = is_store ? IR_KIND_NONE : body_ops[row].result;
    u32 value = build_append(b, &ins);
    if (!is_store) {
        build_push(b, value);
    }
}

// A number in every lane, where it is known: one half of the vector.
static bool splat_half(struct builder *b, const struct ir_ins *ins, u64 *half)
{
    const struct ir_ins *number = value_ins(b, ins->a);
    if (number->op != IR_CONST) {
        return false;
    }
    switch (ins->op) {
    case ROW_I8X16_SPLAT:
        *half = (u8)number->bits * 0x0101010101010101u;
        return true;
    case ROW_I16X8_SPLAT:
        *half = (u16)number->bits * 0x0001000100010001u;
        return true;
    case ROW_I32X4_SPLAT:
    case ROW_F32X4_SPLAT:
        *half = (u32)number->bits * 0x0000000100000001u;
        return true;
    case ROW_I64X2_SPLAT:
    case ROW_F64X2_SPLAT:
        *half = number->bits;
        return true;
    default:
        return false;
    }
}

static void do_vector(struct builder *b, struct body_reader *in, enum row row)
{
    struct ir_ins ins = {.op = (u16)row, .kind = body_ops[row].result};
    if (body_ops[row].immediate == WASM_IMM_LANE) {
        body_skip(in, 1);
        ins.lane = in->at[-1];
    } else if (body_ops[row].immediate == WASM_IMM_LANES) {
        body_skip(in, 16);
        ins.c = vector_index(b, mem_load_u64(in->at - 16), mem_load_u64(in->at - 8));
    }
    if ((ir_shapes[row] & IR_SHAPE_C) != 0) {
        ins.c = build_pop(b);
    }
    if ((ir_shapes[row] & IR_SHAPE_B) != 0) {
        ins.b = build_pop(b);
    }
    ins.a = build_pop(b);
    u64 half;
    if (splat_half(b, &ins, &half)) {
        build_push(b, build_const(b, KIND_V, vector_index(b, half, half)));
        return;
    }
    build_push(b, build_pure(b, &ins));
}

// ---- variables

void clobber_globals(struct builder *b)
{
    b->epoch++;
}

static void global_note(struct builder *b, u32 global, u32 value)
{
    if (global < GLOBALS_KNOWN) {
        b->global_value[global] = value;
        b->global_epoch[global] = b->epoch;
    }
}

static void do_global_get(struct builder *b, u32 global)
{
    const struct wasm_module *module = b->module;
    struct ir_ins get = {.op = IR_GLOBAL_GET, .a = global};
    get.kind = (u8)kind_of_type(module->globals[global].type);
    if (!module->globals[global].is_mutable) {
        const struct wasm_const *init =
            global < module->global_import_count
                ? NULL
                : &module->global_inits[global - module->global_import_count];
        bool is_known = init != NULL && init->kind == WASM_CONST_VALUE && init->type != WASM_V128;
        build_push(b, is_known ? build_const(b, get.kind, init->bits[0]) : build_pure(b, &get));
        return;
    }
    if (global < GLOBALS_KNOWN && b->global_epoch[global] == b->epoch) {
        build_push(b, value_resolve(b, b->global_value[global]));
        return;
    }
    u32 value = build_append(b, &get);
    global_note(b, global, value);
    build_push(b, value);
}

static void do_global_set(struct builder *b, u32 global)
{
    u32 value = build_pop(b);
    (void)build_append(
        b, &(struct ir_ins){.op = IR_GLOBAL_SET, .kind = IR_KIND_NONE, .a = global, .b = value});
    if (global < b->module->global_import_count) {
        clobber_globals(b); // two imports may be one global
    }
    global_note(b, global, value);
}

static void do_variable(struct builder *b, struct body_reader *in, enum row row)
{
    u32 index = body_u32(in);
    switch (row) {
    case ROW_LOCAL_GET:
        ASSERT(index < b->local_count);
        build_push(b, b->locals[index]);
        break;
    case ROW_LOCAL_SET:
        build_assign(b, index, build_pop(b));
        break;
    case ROW_LOCAL_TEE: {
        u32 value = build_pop(b);
        build_assign(b, index, value);
        build_push(b, value);
        break;
    }
    case ROW_GLOBAL_GET:
        do_global_get(b, index);
        break;
    default:
        do_global_set(b, index);
        break;
    }
}

// ---- tables, references, bulk operations

static void do_table(struct builder *b, struct body_reader *in, enum row row)
{
    struct ir_ins ins = {.op = IR_TABLE_SIZE, .kind = KIND_I, .c = body_u32(in)};
    if (row == ROW_TABLE_SET) {
        ins.op = IR_TABLE_SET;
        ins.kind = IR_KIND_NONE;
        ins.b = build_pop(b);
        ins.a = build_pop(b);
        (void)build_append(b, &ins);
        return;
    }
    if (row == ROW_TABLE_GET) {
        ins.op = IR_TABLE_GET;
        ins.kind = KIND_L;
        ins.a = build_pop(b);
    }
    build_push(b, build_append(b, &ins));
}

static void do_reference(struct builder *b, struct body_reader *in, enum row row)
{
    switch (row) {
    case ROW_REF_NULL:
        body_skip(in, 1);
        build_push(b, build_const(b, KIND_L, 0));
        break;
    case ROW_REF_IS_NULL:
        build_push(b, build_simplify(b, (struct ir_ins){
                                            .op = ROW_I64_EQZ, .kind = KIND_I, .a = build_pop(b)}));
        break;
    default:
        ASSERT(row == ROW_REF_FUNC);
        struct ir_ins ins = {.op = IR_REF_FUNC, .kind = KIND_L, .a = body_u32(in)};
        build_push(b, build_pure(b, &ins));
        break;
    }
}

void build_helper(struct builder *b, enum ir_helper helper, u32 count, const u32 *constants,
                  u32 constant_count)
{
    bool has_result = ir_helper_has_result(helper);
    for (u32 i = 0; i < constant_count; i++) {
        build_push(b, build_const(b, KIND_I, constants[i]));
    }
    struct ir_ins ins = {.op = IR_HELPER,
                         .kind = has_result ? KIND_I : IR_KIND_NONE,
                         .a = helper,
                         .b = build_pop_list(b, count + constant_count)};
    clobber_globals(b); // a pause may come: others that share a global run
    u32 value = build_append(b, &ins);
    if (has_result) {
        build_push(b, value);
    }
}

static void do_memory_size(struct builder *b, u32 memory)
{
    enum { PAGE_LOG2 = 16 };
    STATIC_ASSERT(1 << PAGE_LOG2 == WASM_PAGE_BYTES);
    if (memory == 0) {
        build_push(b, build_append(b, &(struct ir_ins){.op = IR_MEMORY_SIZE, .kind = KIND_I}));
        return;
    }
    struct ir_ins pages = {.op = ROW_I64_SHR_U, .kind = KIND_L, .a = memory_bytes(b, memory)};
    pages.b = build_const(b, KIND_L, PAGE_LOG2);
    struct ir_ins low = {.op = ROW_I32_WRAP_I64, .kind = KIND_I, .a = build_simplify(b, pages)};
    build_push(b, build_simplify(b, low));
}

static void do_memory(struct builder *b, struct body_reader *in, enum row row)
{
    u32 memory = body_u32(in);
    if (row == ROW_MEMORY_SIZE) {
        do_memory_size(b, memory);
    } else if (memory == 0) {
        build_helper(b, IR_HELPER_MEMORY_GROW, 1, NULL, 0);
    } else {
        build_helper(b, IR_HELPER_MEMORY_GROW_OF, 1, &memory, 1);
    }
}

static void do_parametric(struct builder *b, struct body_reader *in, enum row row)
{
    if (row == ROW_DROP) {
        (void)build_pop(b);
        return;
    }
    body_skip_immediate(in, row);
    struct ir_ins ins = {.op = ROW_SELECT, .c = build_pop(b)};
    ins.b = build_pop(b);
    ins.a = build_pop(b);
    ins.kind = value_ins(b, ins.a)->kind;
    build_push(b, build_simplify(b, ins));
}

void build_plain(struct builder *b, struct body_reader *in, enum row row)
{
    switch ((enum wasm_class)body_ops[row].class) {
    case WASM_CLASS_VARIABLE:
        do_variable(b, in, row);
        break;
    case WASM_CLASS_CONST:
        do_const(b, in, row);
        break;
    case WASM_CLASS_BINARY:
    case WASM_CLASS_COMPARE:
    case WASM_CLASS_UNARY:
    case WASM_CLASS_CONVERT:
        do_numeric(b, row);
        break;
    case WASM_CLASS_LOAD:
    case WASM_CLASS_STORE:
    case WASM_CLASS_VECTOR_LOAD:
    case WASM_CLASS_VECTOR_STORE:
        do_access(b, in, row);
        break;
    case WASM_CLASS_VECTOR:
        do_vector(b, in, row);
        break;
    case WASM_CLASS_PARAMETRIC:
        do_parametric(b, in, row);
        break;
    case WASM_CLASS_MEMORY:
        do_memory(b, in, row);
        break;
    case WASM_CLASS_TABLE:
        do_table(b, in, row);
        break;
    case WASM_CLASS_REFERENCE:
        do_reference(b, in, row);
        break;
    case WASM_CLASS_BULK:
        build_bulk(b, in, row);
        break;
    case WASM_CLASS_ATOMIC:
    case WASM_CLASS_WAIT:
    case WASM_CLASS_FENCE:
        build_atomic(b, in, row);
        break;
    case WASM_CLASS_CONTROL:
        UNREACHABLE(); // build.c
    }
}
