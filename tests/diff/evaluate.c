// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/diff/evaluate.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/passes.h"
#include "core/wasm/code.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include <stdlib.h>

struct frame {
    struct evaluator *evaluator;
    const struct ir *ir;
    const struct value *args;
    struct value *values; // of each instruction
    struct value *more;   // results of the last call, behind the first
    struct value *joined; // inputs of a block's phis
    const u64 *caught;    // what the last call that lands has caught; NULL: it returned
};

static struct value word(u64 low)
{
    return (struct value){low, 0};
}

bool evaluator_create(struct evaluator *evaluator, struct wasm_instance *instance,
                      struct arena *arena)
{
    *evaluator = (struct evaluator){.instance = instance, .arena = arena};
    evaluator->irs = ARENA_ARRAY(arena, struct ir *, instance->module->function_count);
    return evaluator->irs != NULL;
}

// ---- helpers

static bool is_dropped(const struct frame *f, u32 bit)
{
    return instance_dropped(f->evaluator->instance, bit);
}

static enum trap memory_helper(struct frame *f, enum ir_helper helper, const u32 *args)
{
    struct wasm_instance *instance = f->evaluator->instance;
    const struct wasm_module *module = instance->module;
    const struct wasm_memory *memory = instance->memory;
    const struct wasm_memory *other = memory;
    u32 segment = args[3];
    if (helper >= IR_HELPER_MEMORY_GROW_OF) {
        memory = instance->memories[args[3]];
        other = helper == IR_HELPER_MEMORY_COPY_OF ? instance->memories[args[4]] : memory;
        segment = args[4];
        helper -= IR_HELPER_MEMORY_GROW_OF - IR_HELPER_MEMORY_GROW;
    }
    if (helper == IR_HELPER_DATA_DROP) {
        instance_drop(instance, module->elem_count + args[0]);
        return TRAP_NONE;
    }
    u32 to = args[0];
    u32 from = args[1];
    u32 count = args[2];
    struct span source = span_of(other->base, other->size_bytes);
    if (helper == IR_HELPER_MEMORY_INIT) {
        source = module->datas[segment].bytes;
        source.size = is_dropped(f, module->elem_count + segment) ? 0 : source.size;
    }
    if (!range_inside(to, count, memory->size_bytes) ||
        (helper != IR_HELPER_MEMORY_FILL && !range_inside(from, count, source.size))) {
        return TRAP_MEMORY_OUT_OF_BOUNDS;
    }
    if (helper == IR_HELPER_MEMORY_FILL) {
        mem_fill(memory->base + to, (u8)from, count);
    } else {
        mem_move(memory->base + to, source.data + from, count);
    }
    return TRAP_NONE;
}

static enum trap table_copy(struct frame *f, const u32 *args, const struct wasm_table *to)
{
    const struct wasm_table *from = f->evaluator->instance->tables[args[4]];
    if (!range_inside(args[0], args[2], to->count) ||
        !range_inside(args[1], args[2], from->count)) {
        return TRAP_TABLE_OUT_OF_BOUNDS;
    }
    mem_move(to->elements + args[0], from->elements + args[1], args[2] * sizeof *to->elements);
    return TRAP_NONE;
}

static enum trap table_init(struct frame *f, const u32 *args, const struct wasm_table *to)
{
    struct wasm_instance *instance = f->evaluator->instance;
    const struct wasm_elem *elem = &instance->module->elems[args[4]];
    u32 available = is_dropped(f, args[4]) ? 0 : elem->count;
    if (!range_inside(args[0], args[2], to->count) || !range_inside(args[1], args[2], available)) {
        return TRAP_TABLE_OUT_OF_BOUNDS;
    }
    for (u32 i = 0; i < args[2]; i++) {
        to->elements[args[0] + i] = wasm_instance_item(instance, &elem->items[args[1] + i]);
    }
    return TRAP_NONE;
}

static enum trap run_helper(struct frame *f, const struct ir_ins *ins, struct value *out)
{
    struct wasm_instance *instance = f->evaluator->instance;
    const u32 *list = &f->ir->lists[ins->b];
    u32 args[5] = {0};
    ASSERT(list[0] <= COUNT_OF(args));
    for (u32 i = 0; i < list[0]; i++) {
        args[i] = (u32)f->values[list[1 + i]].low;
    }
    switch ((enum ir_helper)ins->a) {
    case IR_HELPER_MEMORY_GROW:
    case IR_HELPER_MEMORY_GROW_OF: {
        u32 before;
        u32 memory = ins->a == IR_HELPER_MEMORY_GROW ? 0 : args[1];
        enum err err = wasm_memory_grow(instance->memories[memory], args[0], &before);
        *out = word(err == ERR_OK ? before : UINT32_MAX);
        return TRAP_NONE;
    }
    case IR_HELPER_TABLE_GROW: {
        struct wasm_table *table = instance->tables[args[2]];
        u32 before = table->count;
        u64 value = f->values[list[1]].low;
        *out = word(wasm_table_grow(table, args[1], value) ? before : UINT32_MAX);
        return TRAP_NONE;
    }
    case IR_HELPER_TABLE_FILL: {
        const struct wasm_table *table = instance->tables[args[3]];
        if (!range_inside(args[0], args[2], table->count)) {
            return TRAP_TABLE_OUT_OF_BOUNDS;
        }
        for (u32 i = 0; i < args[2]; i++) {
            table->elements[args[0] + i] = f->values[list[2]].low;
        }
        return TRAP_NONE;
    }
    case IR_HELPER_TABLE_COPY:
        return table_copy(f, args, instance->tables[args[3]]);
    case IR_HELPER_TABLE_INIT:
        return table_init(f, args, instance->tables[args[3]]);
    case IR_HELPER_ELEM_DROP:
        instance_drop(instance, args[0]);
        return TRAP_NONE;
    default:
        return memory_helper(f, (enum ir_helper)ins->a, args);
    }
}

// ---- calls

static enum trap indirect_callee(struct frame *f, const struct ir_ins *ins, u32 *out)
{
    struct wasm_instance *instance = f->evaluator->instance;
    const struct wasm_table *table = instance->tables[ir_call_table(ins)];
    u32 element = (u32)f->values[ins->a].low;
    if (element >= table->count) {
        return TRAP_UNDEFINED_ELEMENT;
    }
    const struct wasm_func *function =
        (const struct wasm_func *)(uintptr_t)table->elements[element];
    if (function == NULL) {
        return TRAP_UNINITIALIZED_ELEMENT;
    }
    if (!wasm_type_equal(function->type, &instance->module->types[ir_call_type(ins)])) {
        return TRAP_INDIRECT_CALL_TYPE;
    }
    for (u32 i = 0; i < instance->module->function_import_count; i++) {
        if (instance->imports[i] == function) {
            *out = i;
            return TRAP_NONE;
        }
    }
    ASSERT(function->instance == instance); // tests link no two instances
    *out = function->index;
    return TRAP_NONE;
}

static enum trap run_call(struct frame *f, const struct ir_ins *ins, struct value *out)
{
    static struct value results[WASM_RESULTS];
    u32 callee = ins->a;
    if (ins->op == IR_CALL_INDIRECT || ins->op == IR_TAIL_CALL_INDIRECT) {
        enum trap trap = indirect_callee(f, ins, &callee);
        if (trap != TRAP_NONE) {
            return trap;
        }
    }
    const u32 *list = &f->ir->lists[ins->b];
    struct value *args = malloc((list[0] + 1) * sizeof *args);
    ASSERT(args != NULL);
    for (u32 i = 0; i < list[0]; i++) {
        args[i] = f->values[list[1 + i]];
    }
    bool is_done = evaluate(f->evaluator, callee, args, results);
    free(args);
    f->caught = NULL;
    if (!is_done) {
        return f->evaluator->is_out_of_steps ? TRAP_HOST : f->evaluator->trap;
    }
    const struct wasm_module *module = f->ir->module;
    u32 count = module->types[module->function_types[callee]].result_count;
    if (count > 0) {
        *out = results[0];
        mem_copy(f->more, results + 1, (count - 1) * sizeof *f->more);
    }
    return TRAP_NONE;
}

// ---- instructions

// Puts the values of variables and tables into *out.
static enum trap run_variable(struct frame *f, const struct ir_ins *ins, struct value *out)
{
    struct wasm_instance *instance = f->evaluator->instance;
    struct wasm_table *table =
        ins->op == IR_TABLE_GET || ins->op == IR_TABLE_SET || ins->op == IR_TABLE_SIZE
            ? instance->tables[ins->c]
            : NULL;
    u32 element =
        ins->op == IR_TABLE_GET || ins->op == IR_TABLE_SET ? (u32)f->values[ins->a].low : 0;
    wasm_slot *global;
    switch ((enum ir_op)ins->op) {
    case IR_GLOBAL_GET:
        global = instance->globals[ins->a]->value;
        *out =
            (struct value){ins->kind == KIND_I || ins->kind == KIND_F ? (u32)global[0] : global[0],
                           ins->kind == KIND_V ? global[1] : 0};
        return TRAP_NONE;
    case IR_GLOBAL_SET:
        global = instance->globals[ins->a]->value;
        global[0] = f->values[ins->b].low;
        if (f->ir->ins[ins->b].kind == KIND_V) {
            global[1] = f->values[ins->b].high;
        }
        return TRAP_NONE;
    case IR_TABLE_GET:
    case IR_TABLE_SET:
        if (element >= table->count) {
            return TRAP_TABLE_OUT_OF_BOUNDS;
        }
        if (ins->op == IR_TABLE_GET) {
            *out = word(table->elements[element]);
        } else {
            table->elements[element] = f->values[ins->b].low;
        }
        return TRAP_NONE;
    case IR_TABLE_SIZE:
        *out = word(table->count);
        return TRAP_NONE;
    case IR_MEMORY_SIZE:
        *out = word(instance->memory->size_bytes / WASM_PAGE_BYTES);
        return TRAP_NONE;
    case IR_MEMORY_BASE:
        *out = word((uintptr_t)instance->memories[ins->c]->base);
        return TRAP_NONE;
    case IR_MEMORY_BYTES:
        *out = word(instance->memories[ins->c]->size_bytes);
        return TRAP_NONE;
    default:
        ASSERT(ins->op == IR_REF_FUNC);
        *out = word((uintptr_t)wasm_instance_func(instance, ins->a));
        return TRAP_NONE;
    }
}

static enum trap memory_at(u64 place, u8 lane, u64 memory_bytes)
{
    u64 bytes = lane & ~(u32)IR_AT_ALIGNED;
    if ((lane & IR_AT_ALIGNED) != 0 && place % bytes != 0) {
        return TRAP_UNALIGNED_ATOMIC;
    }
    return range_inside(place, bytes, memory_bytes) ? TRAP_NONE : TRAP_MEMORY_OUT_OF_BOUNDS;
}

static enum trap run_ins(struct frame *f, const struct ir_ins *ins, struct value *out)
{
    const struct value *values = f->values;
    u8 shape = ir_shapes[ins->op];
    switch ((u32)ins->op) {
    case IR_PARAM:
        *out = f->args[ins->a];
        return TRAP_NONE;
    case IR_CONST:
        *out = ins->kind == KIND_V
                   ? (struct value){f->ir->vectors[ins->a][0], f->ir->vectors[ins->a][1]}
                   : word(ins->bits);
        return TRAP_NONE;
    case IR_SLOT: {
        const u64 *slots = (const u64 *)(uintptr_t)values[ins->a].low + ins->c;
        bool is_narrow = ins->kind == KIND_I || ins->kind == KIND_F;
        *out = (struct value){is_narrow ? (u32)slots[0] : slots[0],
                              ins->kind == KIND_V ? slots[1] : 0};
        return TRAP_NONE;
    }
    case IR_RESULT:
        *out = f->more[ins->b - 1];
        return TRAP_NONE;
    case IR_CALL:
    case IR_CALL_INDIRECT:
        return run_call(f, ins, out);
    case IR_HELPER:
        return ins->a == IR_HELPER_THROW_REF ? evaluate_throw(f->evaluator, f->ir, ins, values)
                                             : run_helper(f, ins, out);
    case IR_THROW:
        return evaluate_throw(f->evaluator, f->ir, ins, values);
    case IR_CAUGHT:
        *out = word((uintptr_t)f->caught);
        return TRAP_NONE;
    case IR_FENCE:
        return TRAP_NONE;
    case IR_MEMORY_AT:
        *out = word(values[ins->c].low + values[ins->a].low);
        return memory_at(values[ins->a].low, ins->lane, values[ins->b].low);
    default:
        if (ins->op > IR_CALL_INDIRECT) {
            return run_variable(f, ins, out);
        }
        if (shape == IR_SHAPE_LIST) { // a cmpxchg
            const u32 *list = &f->ir->lists[ins->b + 1];
            return evaluate_row(f->evaluator, f->ir, ins, values[list[0]], values[list[1]],
                                values[list[2]], out);
        }
        return evaluate_row(f->evaluator, f->ir, ins,
                            (shape & IR_SHAPE_A) != 0 ? values[ins->a] : word(0),
                            (shape & IR_SHAPE_B) != 0 ? values[ins->b] : word(0),
                            (shape & IR_SHAPE_C) != 0 ? values[ins->c] : word(0), out);
    }
}

// ---- blocks

// All phis of a block at once. Returns the first instruction behind them.
static u32 run_phis(struct frame *f, u32 from, u32 block)
{
    const struct ir *ir = f->ir;
    const struct ir_block *at = &ir->blocks[block];
    u32 number = 0;
    u32 i = at->first;
    while (from != IR_NONE && number < at->pred_count && ir->lists[at->preds + number] != from) {
        number++;
    }
    for (; i < at->end && ir->ins[i].op == IR_PHI; i++) {
        f->joined[i - at->first] = f->values[ir->lists[ir->ins[i].a + number]];
    }
    mem_copy(f->values + at->first, f->joined, (i - at->first) * sizeof *f->values);
    return i;
}

// The number of the successor that comes next.
static u32 choose(const struct frame *f, const struct ir_ins *exit)
{
    u32 value;
    const u32 *list;
    switch ((enum ir_op)exit->op) {
    case IR_BRANCH:
        return (u32)f->values[exit->a].low == 0;
    case IR_SWITCH:
        value = (u32)f->values[exit->a].low;
        list = &f->ir->lists[exit->b];
        return list[1 + (value < list[0] ? value : list[0] - 1)];
    default:
        ASSERT(exit->op == IR_JUMP);
        return 0;
    }
}

static bool is_tail_call(const struct ir_ins *exit)
{
    return exit->op == IR_TAIL_CALL || exit->op == IR_TAIL_CALL_INDIRECT;
}

static void trapped(struct evaluator *e, const struct ir *ir, const struct ir_ins *ins,
                    enum trap trap)
{
    bool is_callee = (ins->op == IR_CALL || ins->op == IR_CALL_INDIRECT || is_tail_call(ins)) &&
                     e->trap == trap; // told already
    if (!is_callee && !e->is_out_of_steps) {
        const struct wasm_module *module = ir->module;
        e->trap = trap;
        e->trap_offset =
            module->bodies[ir->function - module->function_import_count].offset + ins->origin;
    }
}

static bool run_tail_call(struct frame *f, const struct ir_ins *exit, struct value *results)
{
    u32 count = f->ir->type->result_count;
    struct value first = {0};
    enum trap trap = run_call(f, exit, &first);
    if (trap != TRAP_NONE) {
        trapped(f->evaluator, f->ir, exit, trap);
        return false;
    }
    if (count > 0) {
        results[0] = first;
        mem_copy(results + 1, f->more, (count - 1) * sizeof *results);
    }
    return true;
}

static bool lands(const struct ir_ins *ins)
{
    return (ins->op == IR_CALL || ins->op == IR_CALL_INDIRECT || ins->op == IR_THROW ||
            ins->op == IR_HELPER) &&
           ins->lane != 0;
}

// Whether the code behind an instruction goes on though it trapped.
static bool catches(struct frame *f, const struct ir_ins *ins, enum trap trap)
{
    f->caught =
        trap == TRAP_EXCEPTION && lands(ins) ? evaluate_landing(f->evaluator, f->ir, ins) : NULL;
    if (f->caught != NULL) {
        f->evaluator->trap = TRAP_NONE;
    }
    return f->caught != NULL;
}

static bool run_frame(struct frame *f, struct value *results)
{
    const struct ir *ir = f->ir;
    struct evaluator *e = f->evaluator;
    u32 block = 0;
    u32 from = IR_NONE;
    for (;;) {
        const struct ir_block *at = &ir->blocks[block];
        if (e->steps_left < at->end - at->first) {
            e->is_out_of_steps = true;
            return false;
        }
        e->steps_left -= at->end - at->first;
        for (u32 i = run_phis(f, from, block); i + 1 < at->end; i++) {
            enum trap trap = run_ins(f, &ir->ins[i], &f->values[i]);
            if (trap != TRAP_NONE && !catches(f, &ir->ins[i], trap)) {
                trapped(e, ir, &ir->ins[i], trap);
                return false;
            }
        }
        const struct ir_ins *exit = &ir->ins[at->end - 1];
        if (exit->op == IR_RETURN) {
            for (u32 i = 0; i < ir->lists[exit->b]; i++) {
                results[i] = f->values[ir->lists[exit->b + 1 + i]];
            }
            return true;
        }
        if (is_tail_call(exit)) {
            return run_tail_call(f, exit, results);
        }
        if (exit->op == IR_UNREACHABLE) {
            trapped(e, ir, exit, (enum trap)exit->c);
            return false;
        }
        from = block;
        block = ir->lists[at->succs + choose(f, exit)];
    }
}

static struct ir *ir_of(struct evaluator *e, u32 function)
{
    struct ir *ir = e->irs[function];
    if (ir == NULL) {
        ir = ARENA_NEW(e->arena, struct ir);
        if (ir == NULL || ir_build(e->instance->module, function, NULL, e->arena, ir) != ERR_OK ||
            ir_improve(ir) != ERR_OK) {
            return NULL;
        }
        ir_verify(ir);
        e->irs[function] = ir;
    }
    return ir;
}

bool evaluate_ir(struct evaluator *e, const struct ir *ir, const struct value *args,
                 struct value *results)
{
    struct frame f = {.evaluator = e, .ir = ir, .args = args};
    e->trap = e->depth >= EVALUATE_DEPTH ? TRAP_STACK_EXHAUSTED : TRAP_NONE;
    if (e->trap != TRAP_NONE) {
        return false;
    }
    f.values = calloc(2 * ir->ins_count + WASM_RESULTS, sizeof *f.values);
    ASSERT(f.values != NULL);
    f.joined = f.values + ir->ins_count;
    f.more = f.joined + ir->ins_count;
    e->depth++;
    bool is_done = run_frame(&f, results);
    e->depth--;
    free(f.values);
    return is_done;
}

bool evaluate(struct evaluator *e, u32 function, const struct value *args, struct value *results)
{
    const struct wasm_module *module = e->instance->module;
    const struct wasm_func_type *type = &module->types[module->function_types[function]];
    e->trap = TRAP_NONE;
    if (function < module->function_import_count) {
        e->heard(e->context, function, args, type->param_count);
        mem_zero(results, type->result_count * sizeof *results);
        return true;
    }
    const struct ir *ir = ir_of(e, function);
    if (ir == NULL) {
        e->trap = TRAP_HOST;
        return false;
    }
    return evaluate_ir(e, ir, args, results);
}
