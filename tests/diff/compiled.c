// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/diff/compiled.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/jit/jit.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/platform.h"
#include "core/wasm/code.h"
#include "core/wasm/crossing.h"
#include "core/wasm/exception.h"
#include "core/wasm/features.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/diff/digest.h"
#include "tests/diff/memory_differs.h"
#include "tests/unit/jit_host.h"
#include "tests/unit/support.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SLICE_FUEL = 20000000,
    CODE_LIMIT = 64 << 20,
    STORM_US = 30,
    ROUNDS = 7,
    SLICES = 100000,     // of a call by compiled code, whose fuel is time
    WALK_EVERY = 8,      // pauses
    LOOPS = 200,         // of a module that compiled code begins at
    SHORT_SLICES = 1000, // of a call, so that the interpreter pauses in its loops,
    SHORT_GROWS = 32,    // so many of them before the next is a unit longer
};

struct world {
    struct arena arena;
    struct wasm_instance *instance;
};

struct comparison {
    struct test_memory memory;
    struct wasm_store store;
    struct arena arena;
    struct wasm_module *module;
    struct world worlds[2]; // interpreted, compiled
    struct wasm_thread threads[2];
    struct jit_thread thread;
    struct jit_module compiled;
    struct jit_host host;
    const struct compiled_options *options;
    struct compiled_outcome *out;
};

// ---- loading

static enum err load(struct comparison *c, struct span bytes, struct report *report)
{
    struct wasm_load load;
    struct arena scratch;
    i64 work = INT64_MAX;
    arena_init(&scratch, &c->memory.memory, SIZE_MAX);
    wasm_load_begin(&load, bytes, WASM_FEATURES_ALL, &c->arena, &scratch);
    enum err err = wasm_load_step(&load, &work, report);
    c->module = load.module;
    arena_drop(&scratch);
    return err;
}

static enum err world_make(struct comparison *c, struct world *world, struct report *report)
{
    enum trap trap;
    arena_init(&world->arena, &c->memory.memory, SIZE_MAX);
    return wasm_instance_create(c->module, NULL, &c->store, &world->arena, &world->instance, &trap,
                                report);
}

// A function of the module, or the version of it that begins at a loop. False: it is refused, and
// stays with the interpreter.
//   scratch  is dropped
static bool compile(struct comparison *c, u32 function, const struct wasm_loop *loop,
                    struct arena *arena, struct jit_placed *out)
{
    struct arena scratch;
    struct jit_options options = c->compiled.options;
    if (c->options->is_plain) {
        options.segment = false;
        options.features = 0;
    }
    struct jit_source source = {.target = &jit_target_x86_64,
                                .options = &options,
                                .module = c->module,
                                .function = function,
                                .is_loop = loop != NULL,
                                .origin = loop != NULL ? loop->origin : 0};
    *out = (struct jit_placed){.function = function, .loop = loop != NULL ? loop->head : NULL};
    arena_init(&scratch, &c->memory.memory, SIZE_MAX);
    enum err err = jit_compile_source(&source, &scratch, arena, &out->code);
    ASSERT(err == ERR_OK || err == ERR_LIMIT || err == ERR_UNSUPPORTED);
    arena_drop(&scratch);
    return err == ERR_OK;
}

// Every function of the module, or, where it is begun at loops, every second.
static void compile_all(struct comparison *c)
{
    struct arena arena;
    u32 count = 0;
    u32 step = c->options->has_loops ? 2 : 1;
    arena_init(&arena, &c->memory.memory, SIZE_MAX);
    struct jit_placed *placed = ARENA_ARRAY(&arena, struct jit_placed, c->module->function_count);
    for (u32 i = c->module->function_import_count; i < c->module->function_count; i += step) {
        count += compile(c, i, NULL, &arena, &placed[count]);
    }
    enum err err = jit_module_place(&c->compiled, placed, count, &arena);
    ASSERT(err == ERR_OK);
    c->out->function_count = count;
    arena_drop(&arena);
}

// The interpreter has paused in a loop: compiled code goes on when it pauses there again.
static void compile_loop(struct comparison *c)
{
    const struct ins *head = wasm_thread_loop(&c->threads[1]);
    if (head == NULL || jit_module_loop(&c->compiled, head) != NULL ||
        c->out->loop_count == LOOPS) {
        return;
    }
    struct wasm_loop loop = wasm_thread_loop_place(&c->threads[1]);
    struct arena arena;
    struct jit_placed placed;
    arena_init(&arena, &c->memory.memory, SIZE_MAX);
    if (compile(c, loop.function, &loop, &arena, &placed)) {
        enum err err = jit_module_place(&c->compiled, &placed, 1, &arena);
        ASSERT(err == ERR_OK);
        c->out->loop_count++;
    }
    arena_drop(&arena);
}

// ---- calls

struct call_end {
    enum wasm_run status;
    enum trap trap;
    u64 offset; // of the trap, in the file
    u32 function;
    u64 slots[2 * WASM_RESULTS];
};

static u32 slots_of(u8 type)
{
    return type == WASM_V128 ? 2 : 1;
}

static u64 argument(u8 type, u32 number)
{
    static const u64 some[] = {5, 0, 0x3ff8000000000000, 0xffffffff80000000, 64, 1000, 3};
    if (wasm_is_reference(type)) {
        return 0;
    }
    u64 bits = some[number % COUNT_OF(some)];
    return type == WASM_F32 ? 0x40490fdb + number : type == WASM_I32 ? (u32)bits : bits;
}

static void call(struct comparison *c, u32 which, u32 function, const u64 *args,
                 struct call_end *end)
{
    struct wasm_thread *wasm = &c->threads[which];
    struct wasm_func *callee = wasm_instance_func(c->worlds[which].instance, function);
    struct wasm_frame frame;
    enum err err = which == 0 ? wasm_thread_call(wasm, callee, args)
                              : jit_thread_call(&c->thread, callee, args);
    ASSERT(err == ERR_OK);
    i64 fuel = c->options->fuel;
    u32 slices = 0;
    do {
        bool is_short = c->options->has_loops && slices < SHORT_SLICES;
        i64 slice = is_short ? 1 + slices / SHORT_GROWS : SLICE_FUEL;
        end->status =
            which == 0 ? wasm_thread_run(wasm, &fuel) : jit_thread_run(&c->thread, &slice);
        if (which == 1 && end->status == WASM_RUN_PAUSED && is_short) {
            compile_loop(c);
        }
        if (which == 1 && end->status == WASM_RUN_PAUSED && slices % WALK_EVERY == 0) {
            (void)jit_thread_backtrace(&c->thread, &frame,
                                       1); // wherever that was, there is a way up
        }
    } while (end->status == WASM_RUN_PAUSED && which == 1 && slices++ < SLICES);
    end->trap = TRAP_NONE;
    if (end->status == WASM_RUN_TRAPPED) {
        end->trap = wasm->trap;
        u32 depth = which == 0 ? wasm_thread_backtrace(wasm, &frame, 1)
                               : jit_thread_backtrace(&c->thread, &frame, 1);
        end->offset = depth == 0 ? 0 : frame.offset;
        end->function = depth == 0 ? UINT32_MAX : frame.function;
    } else if (end->status == WASM_RUN_DONE) {
        u32 count = 0;
        for (u32 i = 0; i < callee->type->result_count; i++) {
            count += slots_of(callee->type->types[callee->type->param_count + i]);
        }
        memcpy(end->slots, wasm->results, count * sizeof *end->slots);
    }
}

// ---- comparing

static u64 canonical(u8 type, u64 bits)
{
    if (type == WASM_F32) {
        bits = (u32)bits;
        return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
    }
    if (type == WASM_F64) {
        return (bits & INT64_MAX) > 0x7ff0000000000000 ? 0x7ff8000000000000 : bits;
    }
    if (wasm_is_reference(type)) {
        return bits != 0;
    }
    return type == WASM_I32 ? (u32)bits : bits;
}

static void differ(struct comparison *c, u32 function, const char *what, u64 one, u64 other)
{
    if (!c->out->differs) {
        (void)snprintf(c->out->words, sizeof c->out->words,
                       "function %u: %s: interpreter 0x%llx, compiled 0x%llx", function, what,
                       (unsigned long long)one, (unsigned long long)other);
    }
    c->out->differs = true;
}

static void compare_results(struct comparison *c, u32 function, const struct wasm_func_type *type,
                            const u64 *one, const u64 *other)
{
    u32 slot = 0;
    for (u32 i = 0; i < type->result_count; i++) {
        u8 result = type->types[type->param_count + i];
        for (u32 k = 0; k < slots_of(result); k++, slot++) {
            u64 left = canonical(result, one[slot]);
            u64 right = canonical(result, other[slot]);
            if (left != right) {
                differ(c, function, "result", left, right);
            }
        }
    }
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
    for (u32 i = 0; i < c->module->global_count; i++) {
        u8 type = c->module->globals[i].type;
        for (u32 k = 0; k < slots_of(type); k++) {
            u64 left = canonical(type, one->globals[i]->value[k]);
            u64 right = canonical(type, other->globals[i]->value[k]);
            if (left != right) {
                differ(c, function, "a global", left, right);
            }
        }
    }
    for (u32 i = 0; i < c->module->memory_count; i++) {
        compare_memory(c, function, one->memories[i], other->memories[i]);
    }
}

// Whether both traps are of loads in one function: of several that trap, any may be the first.
static bool are_loads(const struct wasm_module *module, const struct call_end *ends)
{
    enum { FIRST = 0x28, LAST = 0x35 };
    bool are = ends[0].function == ends[1].function && ends[0].function != UINT32_MAX &&
               ends[0].trap == TRAP_MEMORY_OUT_OF_BOUNDS;
    for (u32 i = 0; i < 2 && are; i++) {
        const struct wasm_body *body =
            &module->bodies[ends[i].function - module->function_import_count];
        u8 opcode = body->code.data[ends[i].offset - body->offset];
        are = opcode >= FIRST && opcode <= LAST;
    }
    return are;
}

// What the interpreter did goes into the digest.
static void digest_end(struct comparison *c, const struct wasm_func_type *type,
                       const struct call_end *end)
{
    u32 slot = 0;
    digest_call(&c->out->digest);
    if (end->trap != TRAP_NONE) {
        digest_trap(&c->out->digest, end->trap);
        return;
    }
    for (u32 i = 0; i < type->result_count; i++) {
        u8 result = type->types[type->param_count + i];
        digest_value(&c->out->digest, result, end->slots[slot]);
        slot += slots_of(result);
    }
}

static void digest_state(struct comparison *c)
{
    const struct wasm_instance *instance = c->worlds[0].instance;
    for (u32 i = 0; i < c->module->export_count; i++) {
        const struct wasm_export *export = &c->module->exports[i];
        if (export->kind == WASM_MEMORY) {
            digest_memory(&c->out->digest, instance->memories[export->index]);
        } else if (export->kind == WASM_GLOBAL) {
            const struct wasm_global *global = instance->globals[export->index];
            digest_value(&c->out->digest, global->type.type, global->value[0]);
        }
    }
}

// Returns whether what comes after can still be compared.
static bool compare_call(struct comparison *c, u32 function)
{
    static struct call_end ends[2];
    u64 args[2 * WASM_PARAMS];
    const struct wasm_func_type *type = &c->module->types[c->module->function_types[function]];
    u32 slot = 0;
    for (u32 i = 0; i < type->param_count; i++) {
        for (u32 k = 0; k < slots_of(type->types[i]); k++) {
            args[slot++] = argument(type->types[i], i + function + k);
        }
    }
    call(c, 0, function, args, &ends[0]);
    if (ends[0].status == WASM_RUN_PAUSED) {
        return false;
    }
    call(c, 1, function, args, &ends[1]);
    if (ends[0].trap == TRAP_STACK_EXHAUSTED || ends[1].trap == TRAP_STACK_EXHAUSTED) {
        // It has to end, and to be told. How deep it came may be seen only in what it wrote.
        return c->module->global_count + c->module->memory_count + c->module->table_count == 0;
    }
    c->out->call_count++;
    digest_end(c, type, &ends[0]);
    if (ends[0].status != ends[1].status) {
        differ(c, function, "how it ends", ends[0].status, ends[1].status);
    } else if (ends[0].trap != ends[1].trap) {
        differ(c, function, "trap", ends[0].trap, ends[1].trap);
    } else if (ends[0].trap != TRAP_NONE && ends[0].offset != ends[1].offset &&
               !are_loads(c->module, ends)) {
        differ(c, function, "place of the trap", ends[0].offset, ends[1].offset);
    } else if (ends[0].status == WASM_RUN_DONE) {
        compare_results(c, function, type, ends[0].slots, ends[1].slots);
    }
    compare_state(c, function);
    return !c->out->differs;
}

static void compare_calls(struct comparison *c)
{
    bool goes_on = true;
    c->out->digest = digest_begin();
    for (u32 i = 0; i < c->module->export_count && goes_on; i++) {
        const struct wasm_export *export = &c->module->exports[i];
        if (export->kind == WASM_FUNCTION) {
            goes_on = compare_call(c, export->index);
        }
    }
    c->out->is_whole = goes_on;
    if (goes_on) {
        digest_state(c);
    }
}

static f64 now_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (f64)time.tv_sec * 1e3 + (f64)time.tv_nsec * 1e-6;
}

static void time_calls(struct comparison *c, const char *name, u64 value)
{
    static struct call_end end;
    const struct wasm_export *export = wasm_module_export(c->module, span_string(name));
    ASSERT(export != NULL);
    for (u32 which = 0; which < 2; which++) {
        f64 best = 1e9;
        for (u32 i = 0; i < (which == 0 ? 1 : ROUNDS); i++) {
            f64 start = now_ms();
            call(c, which, export->index, &value, &end);
            f64 spent = now_ms() - start;
            best = spent < best ? spent : best;
        }
        printf("%s %9.2f ms, status %d, trap %d, result %llx\n",
               which == 0 ? "interpreted" : "compiled   ", best, (int)end.status, (int)end.trap,
               (unsigned long long)end.slots[0]);
    }
}

static void run(struct span bytes, const char *timed, u64 value, struct comparison *c)
{
    struct report report;
    report_clear(&report);
    c->memory = test_memory_over_malloc(-1);
    c->store = (struct wasm_store){jit_host_memory_create, jit_host_memory_grow,
                                   jit_host_memory_destroy, &c->memory.memory};
    arena_init(&c->arena, &c->memory.memory, SIZE_MAX);
    enum err err = jit_host_open(&c->host, &jit_target_x86_64, &c->memory.memory);
    ASSERT(err == ERR_OK);
    err = load(c, bytes, &report);
    bool is_comparable = err == ERR_OK && c->module->import_count == 0 &&
                         world_make(c, &c->worlds[0], &report) == ERR_OK &&
                         world_make(c, &c->worlds[1], &report) == ERR_OK;
    if (is_comparable) {
        enum jit_bounds bounds = c->options->has_checks ? JIT_BOUNDS_CHECK : JIT_BOUNDS_GUARD;
        err = jit_module_create(&c->host.space, c->module, bounds, CODE_LIMIT, &c->compiled);
        ASSERT(err == ERR_OK);
        compile_all(c);
        jit_module_attach(&c->compiled, c->worlds[1].instance);
        for (u32 i = 0; i < 2; i++) {
            wasm_thread_init(&c->threads[i], &c->store, WASM_STACK_BYTES);
        }
        jit_thread_init(&c->thread, &c->threads[1], &c->host.space, bounds, platform_clock_ns);
        jit_host_storm(&c->host, c->options->has_storm ? STORM_US : 0);
        if (timed != NULL) {
            time_calls(c, timed, value);
        } else {
            compare_calls(c);
        }
        jit_host_storm(&c->host, 0);
        jit_thread_drop(&c->thread);
        wasm_thread_drop(&c->threads[0]);
        wasm_thread_drop(&c->threads[1]);
    }
    wasm_exceptions_drop(&c->store);
    for (u32 i = 0; i < 2; i++) {
        if (c->worlds[i].instance != NULL) {
            wasm_instance_destroy(c->worlds[i].instance);
            arena_drop(&c->worlds[i].arena);
        }
    }
    if (is_comparable) {
        jit_module_destroy(&c->compiled);
    }
    jit_host_close(&c->host);
    arena_drop(&c->arena);
}

void compiled_compare(struct span bytes, const struct compiled_options *options,
                      struct compiled_outcome *out)
{
    struct comparison *c = calloc(1, sizeof *c);
    ASSERT(c != NULL);
    *out = (struct compiled_outcome){0};
    c->options = options;
    c->out = out;
    run(bytes, NULL, 0, c);
    ASSERT(c->memory.blocks == 0);
    free(c);
}

void compiled_time(struct span bytes, const struct compiled_options *options, const char *name,
                   u64 value)
{
    static struct compiled_outcome out;
    static struct comparison c;
    c = (struct comparison){.options = options, .out = &out};
    run(bytes, name, value, &c);
}
