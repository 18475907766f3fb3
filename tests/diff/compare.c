// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/diff/compare.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/build.h"
#include "core/jit/ir.h"
#include "core/jit/passes.h"
#include "core/wasm/code.h"
#include "core/wasm/decode.h"
#include "core/wasm/exception.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/thread.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/diff/evaluate.h"
#include "tests/diff/memory_differs.h"
#include "tests/unit/calloc_store.h"
#include "tests/unit/support.h"
#include <stdlib.h>

enum {
    MEMORY_PAGES = 40, // a memory may grow to
    STACK_BYTES = 4 << 20,
    ARENA_BYTES = 512 << 20,
    STEPS_PER_FUEL = 4000, // instructions of the ir: more than lie between two units
    IMPORTED_ELEMENTS = 20,
    SLOTS = 2 * WASM_PARAMS,
};

// One of the two instances.
struct world {
    struct wasm_store store;
    struct arena arena;
    struct wasm_instance *instance;
    struct wasm_extern *imports;
    u64 heard; // all calls of imported functions
};

struct comparison {
    struct test_memory memory;
    struct arena arena;
    struct wasm_module *module;
    struct world worlds[2];
    struct evaluator evaluator;
    struct world *evaluated; // in which it runs
    struct world *interpreted;
    struct wasm_thread thread;
    struct compare_outcome *out;
};

// ---- a world

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    return calloc_memory_take(MEMORY_PAGES, pages, pages_max, base);
}

static enum err import_make(struct world *world, const struct wasm_module *module, u32 index,
                            struct wasm_extern *out)
{
    const struct wasm_import *import = &module->imports[index];
    struct arena *arena = &world->arena;
    u32 pages_max = import->kind == WASM_MEMORY ? import->memory.limits.max : 0;
    u32 count = import->kind == WASM_TABLE ? import->table.limits.min + IMPORTED_ELEMENTS : 0;
    out->kind = import->kind;
    switch ((enum wasm_kind)import->kind) {
    case WASM_FUNCTION:
        out->function = ARENA_NEW(arena, struct wasm_func);
        out->function->type = &module->types[import->function_type];
        out->function->index = index;
        return ERR_OK;
    case WASM_TABLE:
        count = count < import->table.limits.max ? count : import->table.limits.max;
        out->table = ARENA_NEW(arena, struct wasm_table);
        *out->table = (struct wasm_table){
            .elements = memory_take(world->store.memory, (count + 1) * sizeof(wasm_slot)),
            .count = count,
            .max = count,
            .type_max = import->table.limits.max,
            .has_max = import->table.limits.has_max,
            .element = import->table.element,
            .store = &world->store,
            .room = count + 1};
        mem_zero(out->table->elements, (count + 1) * sizeof(wasm_slot));
        return ERR_OK;
    case WASM_MEMORY:
        out->memory = ARENA_NEW(arena, struct wasm_memory);
        out->memory->limits = import->memory.limits;
        out->memory->store = &world->store;
        out->memory->size_bytes = (u64)import->memory.limits.min * WASM_PAGE_BYTES;
        TRY(memory_create(&world->store, import->memory.limits.min, &pages_max,
                          &out->memory->base));
        out->memory->pages_max = pages_max;
        return ERR_OK;
    case WASM_TAG:
        out->tag = ARENA_NEW(arena, struct wasm_tag);
        out->tag->type = &module->types[import->tag_type];
        return ERR_OK;
    case WASM_GLOBAL:
        out->global = ARENA_NEW(arena, struct wasm_global);
        out->global->type = import->global;
        out->global->value[0] = import->global.type >= WASM_F64 ? 66 : 0;
        return ERR_OK;
    }
    UNREACHABLE();
}

static void imports_free(struct world *world, const struct wasm_module *module)
{
    for (u32 i = 0; world->imports != NULL && i < module->import_count; i++) {
        struct wasm_extern *import = &world->imports[i];
        if (import->kind == WASM_MEMORY && import->memory != NULL) {
            free(import->memory->base);
        } else if (import->kind == WASM_TABLE && import->table != NULL) {
            memory_give(world->store.memory, import->table->elements,
                        import->table->room * sizeof(wasm_slot));
        }
    }
}

static enum err world_make(struct comparison *c, struct world *world, struct report *report)
{
    const struct wasm_module *module = c->module;
    enum trap trap;
    world->store = (struct wasm_store){memory_create, calloc_memory_grow, calloc_memory_destroy,
                                       &c->memory.memory};
    arena_init(&world->arena, &c->memory.memory, ARENA_BYTES);
    world->imports = ARENA_ARRAY(&world->arena, struct wasm_extern, module->import_count);
    for (u32 i = 0; i < module->import_count; i++) {
        TRY(import_make(world, module, i, &world->imports[i]));
    }
    return wasm_instance_create(module, world->imports, &world->store, &world->arena,
                                &world->instance, &trap, report);
}

static void world_drop(struct comparison *c, struct world *world)
{
    wasm_exceptions_drop(&world->store);
    if (world->instance != NULL) {
        wasm_instance_destroy(world->instance);
    }
    if (world->store.memory != NULL) {
        imports_free(world, c->module);
        arena_drop(&world->arena);
    }
    *world = (struct world){0};
}

// ---- calls of imported functions

static void hear(struct world *world, u32 function, const u64 *args, u32 count)
{
    world->heard = (world->heard ^ function) * 0x9e3779b97f4a7c15;
    for (u32 i = 0; i < count; i++) {
        world->heard = (world->heard ^ args[i]) * 0x9e3779b97f4a7c15;
        world->heard ^= world->heard >> 29;
    }
}

static u32 slots_of(u8 type, struct value value, u64 *slots)
{
    bool is_reference = wasm_is_reference(type);
    bool is_narrow = type == WASM_I32 || type == WASM_F32;
    slots[0] = is_reference ? value.low != 0 : is_narrow ? (u32)value.low : value.low;
    slots[1] = value.high;
    return type == WASM_V128 ? 2 : 1;
}

static u32 values_of(u8 type, const u64 *slots, struct value *value)
{
    *value = (struct value){type == WASM_I32 || type == WASM_F32 ? (u32)slots[0] : slots[0],
                            type == WASM_V128 ? slots[1] : 0};
    return type == WASM_V128 ? 2 : 1;
}

static void heard_by_evaluator(void *context, u32 function, const struct value *args, u32 count)
{
    struct comparison *c = context;
    const struct wasm_func_type *type = &c->module->types[c->module->function_types[function]];
    u64 slots[SLOTS];
    u32 size = 0;
    for (u32 i = 0; i < count; i++) {
        size += slots_of(type->types[i], args[i], slots + size);
    }
    hear(c->evaluated, function, slots, size);
}

static void heard_by_thread(struct comparison *c)
{
    struct wasm_host_call *host = &c->thread.host;
    const struct wasm_func_type *type = host->function->type;
    u64 slots[SLOTS];
    u32 size = 0;
    u32 from = 0;
    u32 function = 0; // its index in the module: that of the import among functions
    for (u32 i = 0; i < host->function->index; i++) {
        function += c->module->imports[i].kind == WASM_FUNCTION;
    }
    for (u32 i = 0; i < type->param_count; i++) {
        struct value value;
        from += values_of(type->types[i], host->slots + from, &value);
        size += slots_of(type->types[i], value, slots + size);
    }
    hear(c->interpreted, function, slots, size);
    for (u32 i = 0; i < 2 * type->result_count; i++) {
        u32 room = 0;
        for (u32 k = 0; k < type->result_count; k++) {
            room += type->types[type->param_count + k] == WASM_V128 ? 2 : 1;
        }
        if (i < room) {
            host->slots[i] = 0;
        }
    }
}

// ---- one call

struct call_end {
    bool is_done;
    bool never_ends;
    enum trap trap;
    u64 offset;
    u64 slots[2 * WASM_RESULTS];
    u32 slot_count;
};

static struct value argument(u8 type, u32 number)
{
    static const u64 some[] = {5, 0, 0x3ff8000000000000, 0xffffffff80000000, 64, 1000, 3};
    if (wasm_is_reference(type)) {
        return (struct value){0, 0};
    }
    u64 bits = some[number % COUNT_OF(some)];
    if (type == WASM_F32) {
        bits = 0x40490fdb + number;
    }
    return (struct value){type == WASM_I32 ? (u32)bits : bits, type == WASM_V128 ? ~bits : 0};
}

static void call_interpreted(struct comparison *c, u32 function, i64 fuel, struct call_end *end)
{
    struct wasm_func *callee = wasm_instance_func(c->interpreted->instance, function);
    const struct wasm_func_type *type = callee->type;
    u64 args[SLOTS];
    u32 size = 0;
    for (u32 i = 0; i < type->param_count; i++) {
        size += slots_of(type->types[i], argument(type->types[i], i + function), args + size);
    }
    c->thread.store = &c->interpreted->store;
    ASSERT(wasm_thread_call(&c->thread, callee, args) == ERR_OK);
    enum wasm_run status;
    do {
        status = wasm_thread_run(&c->thread, &fuel);
        if (status == WASM_RUN_HOST) {
            heard_by_thread(c);
        }
    } while (status == WASM_RUN_HOST);
    end->never_ends = status == WASM_RUN_PAUSED;
    end->is_done = status == WASM_RUN_DONE;
    if (status == WASM_RUN_TRAPPED) {
        struct wasm_frame frame;
        end->trap = c->thread.trap;
        end->offset = wasm_thread_backtrace(&c->thread, &frame, 1) == 0 ? 0 : frame.offset;
        return;
    }
    u32 from = 0;
    for (u32 i = 0; end->is_done && i < type->result_count; i++) {
        struct value value;
        u8 result = type->types[type->param_count + i];
        from += values_of(result, c->thread.results + from, &value);
        end->slot_count += slots_of(result, value, end->slots + end->slot_count);
    }
}

static void keep_evaluated(struct comparison *c, const struct wasm_func_type *type,
                           const struct value *results, struct call_end *end)
{
    end->never_ends = c->evaluator.is_out_of_steps;
    end->trap = end->is_done ? TRAP_NONE : c->evaluator.trap;
    end->offset = end->is_done ? 0 : c->evaluator.trap_offset;
    for (u32 i = 0; end->is_done && i < type->result_count; i++) {
        u8 result = type->types[type->param_count + i];
        end->slot_count += slots_of(result, results[i], end->slots + end->slot_count);
    }
}

static void call_evaluated(struct comparison *c, u32 function, i64 fuel, struct call_end *end)
{
    static struct value args[WASM_PARAMS];
    static struct value results[WASM_RESULTS];
    const struct wasm_func_type *type = &c->module->types[c->module->function_types[function]];
    for (u32 i = 0; i < type->param_count; i++) {
        args[i] = argument(type->types[i], i + function);
    }
    c->evaluator.steps_left = (u64)fuel * STEPS_PER_FUEL;
    c->evaluator.is_out_of_steps = false;
    end->is_done = evaluate(&c->evaluator, function, args, results);
    keep_evaluated(c, type, results, end);
}

// ---- comparing

static void differ(struct comparison *c, u32 function, const char *what, u64 one, u64 other)
{
    struct text text = text_over(c->out->words, sizeof c->out->words);
    c->out->differs = true;
    text_string(&text, "function ");
    text_u64(&text, function);
    text_string(&text, ": ");
    text_string(&text, what);
    text_string(&text, ": interpreter 0x");
    text_hex(&text, one, 1);
    text_string(&text, ", ir 0x");
    text_hex(&text, other, 1);
}

static void compare_memory(struct comparison *c, u32 function, const struct wasm_memory *left,
                           const struct wasm_memory *right)
{
    struct memory_difference found;
    if (memory_differs(left, right, &found)) {
        differ(c, function, found.what, found.left, found.right);
    }
}

static void compare_state(struct comparison *c, u32 function)
{
    const struct wasm_instance *one = c->worlds[0].instance;
    const struct wasm_instance *other = c->worlds[1].instance;
    if (c->worlds[0].heard != c->worlds[1].heard) {
        differ(c, function, "calls of imports", c->worlds[0].heard, c->worlds[1].heard);
    }
    for (u32 i = 0; i < c->module->global_count; i++) {
        u8 type = c->module->globals[i].type;
        u64 left = one->globals[i]->value[0];
        u64 right = other->globals[i]->value[0];
        if (type == WASM_I32 || type == WASM_F32) {
            left = (u32)left;
            right = (u32)right;
        }
        if (wasm_is_reference(type)) {
            left = left != 0;
            right = right != 0;
        }
        if (left != right) {
            differ(c, function, "a global", left, right);
        }
    }
    for (u32 i = 0; i < c->module->memory_count; i++) {
        compare_memory(c, function, one->memories[i], other->memories[i]);
    }
}

static void compare_ends(struct comparison *c, u32 function, const struct call_end *one,
                         const struct call_end *other)
{
    if (other->never_ends) {
        differ(c, function, "does not end", 0, 1);
    } else if (one->trap != other->trap) {
        differ(c, function, "trap", one->trap, other->trap);
    } else if (one->offset != other->offset) {
        differ(c, function, "place of the trap", one->offset, other->offset);
    }
    for (u32 i = 0; i < one->slot_count; i++) {
        if (one->slots[i] != other->slots[i]) {
            differ(c, function, "result", one->slots[i], other->slots[i]);
        }
    }
    if (!c->out->differs) {
        compare_state(c, function);
    }
}

// Returns whether what comes after can still be compared.
static bool compare_call(struct comparison *c, u32 function, i64 fuel)
{
    static struct call_end ends[2];
    ends[0] = (struct call_end){0};
    ends[1] = (struct call_end){0};
    call_interpreted(c, function, fuel, &ends[0]);
    if (ends[0].never_ends || ends[0].trap == TRAP_STACK_EXHAUSTED) {
        return false;
    }
    call_evaluated(c, function, fuel, &ends[1]);
    if (ends[1].trap == TRAP_STACK_EXHAUSTED || ends[1].trap == TRAP_HOST) {
        return false;
    }
    c->out->call_count++;
    compare_ends(c, function, &ends[0], &ends[1]);
    return !c->out->differs;
}

// ---- from a loop on

enum { LOOPS = 3, WORLDS = 12 }; // of a function; of a module

// The instruction that a loop begins with: where it is run, the thread traps.
static enum wasm_run run_to(struct comparison *c, u32 function, u32 index, i64 fuel,
                            struct call_end *end)
{
    const struct wasm_body *body = &c->module->bodies[function - c->module->function_import_count];
    struct ins *at = (struct ins *)(uintptr_t)&body->translated->first[index];
    handler *run = at->run;
    at->run = wasm_run_unreachable;
    call_interpreted(c, function, fuel, end);
    at->run = run;
    return end->trap == TRAP_UNREACHABLE ? WASM_RUN_TRAPPED : WASM_RUN_DONE;
}

// Where instruction number `index` is in the body.
static u32 origin_of(const struct wasm_code *code, u32 index)
{
    u32 sum = 0;
    const u8 *at = code->origins;
    for (u32 i = 0; i <= index; i++) {
        u32 shift = 0;
        do {
            sum += (u32)(*at & 0x7f) << shift;
            shift += 7;
        } while (*at++ >= 0x80);
    }
    return sum;
}

static void compare_from(struct comparison *c, u32 function, u32 index, i64 fuel)
{
    static struct call_end ends[2];
    static struct value results[WASM_RESULTS];
    const struct wasm_body *body = &c->module->bodies[function - c->module->function_import_count];
    u32 origin = origin_of(body->translated, index);
    struct wasm_frame frames[2];
    struct ir ir;
    ends[0] = (struct call_end){0};
    ends[1] = (struct call_end){0};
    c->interpreted = &c->worlds[0];
    call_interpreted(c, function, fuel, &ends[0]);
    if (ends[0].never_ends || ends[0].trap == TRAP_STACK_EXHAUSTED) {
        return;
    }
    c->evaluated = c->interpreted = &c->worlds[1];
    if (run_to(c, function, index, fuel, &ends[1]) != WASM_RUN_TRAPPED ||
        ends[1].offset != body->offset + origin ||
        wasm_thread_backtrace(&c->thread, frames, 2) != 1) {
        return; // it does not get there, or not in the first frame
    }
    ends[1] = (struct call_end){0};
    enum err err = ir_build_loop(c->module, function, origin, NULL, &c->arena, &ir);
    if (err == ERR_LIMIT) {
        return;
    }
    ASSERT(err == ERR_OK && ir_improve(&ir) == ERR_OK);
    ir_verify(&ir);
    size_t bytes = body->translated->frame_slots * sizeof(wasm_slot);
    void *slots = malloc(bytes + 1);
    ASSERT(slots != NULL);
    mem_copy(slots, c->thread.stack, bytes < c->thread.stack_bytes ? bytes : c->thread.stack_bytes);
    struct value frame = {(uintptr_t)slots, 0};
    c->evaluator.steps_left = (u64)fuel * STEPS_PER_FUEL;
    c->evaluator.is_out_of_steps = false;
    ends[1].is_done = evaluate_ir(&c->evaluator, &ir, &frame, results);
    keep_evaluated(c, ir.type, results, &ends[1]);
    free(slots);
    if (ends[1].trap != TRAP_STACK_EXHAUSTED && ends[1].trap != TRAP_HOST) {
        c->out->loop_count++;
        compare_ends(c, function, &ends[0], &ends[1]);
    }
}

// The number of the first instruction behind the loop that begins at `offset`.
static u32 loop_start(const struct wasm_code *code, u32 offset)
{
    u32 low = 0;
    u32 high = code->ins_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (origin_of(code, middle) <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// Where the block that the reader is in ends, in the body.
static u32 block_end(const struct wasm_body *body, struct body_reader in)
{
    u32 depth = 0;
    u32 offset;
    for (;;) {
        offset = (u32)(in.at - body->code.data);
        enum row row = body_row(&in);
        if (row == ROW_END && depth-- == 0) {
            return offset;
        }
        depth += body_opens(row);
        body_skip_immediate(&in, row);
    }
}

static enum err worlds_again(struct comparison *c);

// Each function from its first loops on, in new worlds.
static void compare_loops(struct comparison *c, u32 function, u32 *worlds, i64 fuel)
{
    const struct wasm_body *body = &c->module->bodies[function - c->module->function_import_count];
    struct body_reader in = {body->code.data, body->code.data + body->code.size};
    u32 found = 0;
    while (in.at < in.end && found < LOOPS && *worlds < WORLDS && !c->out->differs) {
        u32 offset = (u32)(in.at - body->code.data);
        enum row row = body_row(&in);
        if (row == ROW_LOOP) {
            struct body_reader inside = in;
            body_skip_immediate(&inside, row);
            u32 index = loop_start(body->translated, offset);
            found++;
            // A loop that cannot be reached has no instruction.
            if (index < body->translated->ins_count &&
                origin_of(body->translated, index) < block_end(body, inside)) {
                (*worlds)++;
                ASSERT(worlds_again(c) == ERR_OK);
                compare_from(c, function, index, fuel);
            }
        }
        body_skip_immediate(&in, row);
    }
}

// Each function must have a sound ir, also one that nobody calls.
static void build_all(struct comparison *c)
{
    for (u32 i = c->module->function_import_count; i < c->module->function_count; i++) {
        struct arena arena;
        struct ir ir;
        arena_init(&arena, &c->memory.memory, ARENA_BYTES);
        enum err err = ir_build(c->module, i, NULL, &arena, &ir);
        if (err == ERR_OK) {
            err = ir_improve(&ir);
            c->out->function_count += err == ERR_OK;
        }
        ASSERT(err == ERR_OK || err == ERR_LIMIT);
        if (err == ERR_OK) {
            ir_verify(&ir);
        }
        arena_drop(&arena);
    }
}

static void compare_calls(struct comparison *c, i64 fuel)
{
    const struct wasm_module *module = c->module;
    bool goes_on = true;
    wasm_thread_init(&c->thread, &c->worlds[0].store, STACK_BYTES);
    if (module->has_start && module->start >= module->function_import_count) {
        goes_on = compare_call(c, module->start, fuel);
    }
    for (u32 i = 0; i < module->export_count && goes_on; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind == WASM_FUNCTION && export->index >= module->function_import_count) {
            goes_on = compare_call(c, export->index, fuel);
        }
    }
    u32 worlds = 0;
    for (u32 i = 0; i < module->export_count && !c->out->differs; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind == WASM_FUNCTION && export->index >= module->function_import_count) {
            compare_loops(c, export->index, &worlds, fuel);
        }
    }
    wasm_thread_drop(&c->thread);
}

static enum err worlds_make(struct comparison *c, struct report *report)
{
    TRY(world_make(c, &c->worlds[0], report));
    TRY(world_make(c, &c->worlds[1], report));
    c->interpreted = &c->worlds[0];
    c->evaluated = &c->worlds[1];
    if (!evaluator_create(&c->evaluator, c->worlds[1].instance, &c->arena)) {
        return ERR_NO_MEMORY;
    }
    c->evaluator.heard = heard_by_evaluator;
    c->evaluator.context = c;
    return ERR_OK;
}

static enum err worlds_again(struct comparison *c)
{
    struct report report;
    report_clear(&report);
    world_drop(c, &c->worlds[0]);
    world_drop(c, &c->worlds[1]);
    return worlds_make(c, &report);
}

static enum err load(struct comparison *c, struct span bytes, struct report *report)
{
    struct arena scratch;
    arena_init(&scratch, &c->memory.memory, ARENA_BYTES);
    struct wasm_decoder *decoder = NULL;
    i64 work = INT64_MAX;
    enum err err = wasm_decoder_begin(bytes, WASM_FEATURES_ALL, &c->arena, &decoder, report);
    if (err == ERR_OK) {
        err = wasm_decoder_step(decoder, &work, &c->module, report);
    }
    if (err == ERR_OK) {
        err = wasm_module_validate(c->module, &scratch, report);
    }
    if (err == ERR_OK) {
        err = wasm_module_translate(c->module, &scratch, report);
    }
    arena_drop(&scratch);
    TRY(err);
    build_all(c);
    return worlds_make(c, report);
}

void compare_module(struct span bytes, i64 fuel, struct compare_outcome *out)
{
    struct comparison c = {.memory = test_memory_over_malloc(-1), .out = out};
    struct report report;
    report_clear(&report);
    *out = (struct compare_outcome){0};
    arena_init(&c.arena, &c.memory.memory, ARENA_BYTES);
    out->err = load(&c, bytes, &report);
    if (out->err == ERR_OK) {
        compare_calls(&c, fuel);
    } else {
        struct text text = text_over(out->words, sizeof out->words);
        text_string(&text, report.text);
    }
    world_drop(&c, &c.worlds[0]);
    world_drop(&c, &c.worlds[1]);
    arena_drop(&c.arena);
    ASSERT(c.memory.blocks == 0);
}
