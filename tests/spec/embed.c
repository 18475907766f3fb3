// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/spec/embed.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/compile.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/platform.h"
#include "core/wasm/features.h"
#include "core/wasm/inspect.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/spec/values.h"
#include "tests/unit/wait_alone.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SLICES_AT_MOST = 1 << 24, STOPS_PER_SLICE = 1024, LOOKED_AT = 10000, ARENA_BYTES = 1 << 30 };
// Units of core/wasm/load.h: every module of the suite is loaded in many small steps.
enum { LOAD_PORTION = 50 };

static const struct {
    const char *name;
    u8 types[2];
    u32 count;
} host_functions[EMBED_HOST_FUNCTIONS] = {
    {"print", {0}, 0},
    {"print_i32", {WASM_I32}, 1},
    {"print_i64", {WASM_I64}, 1},
    {"print_f32", {WASM_F32}, 1},
    {"print_f64", {WASM_F64}, 1},
    {"print_i32_f32", {WASM_I32, WASM_F32}, 2},
    {"print_f64_f64", {WASM_F64, WASM_F64}, 2},
    {"log-i32", {WASM_I32}, 1},
    {"log-i64", {WASM_I64}, 1},
    {"log-f32", {WASM_F32}, 1},
    {"log-f64", {WASM_F64}, 1},
};

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, claim);
    abort();
}

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    ASSERT(old_size == 0);
    return aligned_alloc(16, (new_size + 15) / 16 * 16);
}

static bool is_compiling(enum embed_mode mode)
{
    return mode == EMBED_COMPILED || mode == EMBED_MIXED || mode == EMBED_SMALL;
}

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    struct embed *embed = CONTAINER_OF(self, struct embed, store);
    // One page more than the guest may have, so that an empty memory has an address too.
    bool is_reserved = is_compiling(embed->mode) && embed->mode != EMBED_SMALL;
    size_t bytes = is_reserved ? JIT_RESERVED_BYTES : ((size_t)*pages_max + 1) * WASM_PAGE_BYTES;
    if (embed->memory_count == EMBED_MEMORIES) {
        return ERR_NO_MEMORY;
    }
    void *reserved =
        mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED) {
        return ERR_NO_MEMORY;
    }
    embed->memories[embed->memory_count++] = (struct embed_memory){reserved, bytes};
    *base = reserved;
    return self->memory_grow(self, reserved, 0, pages);
}

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    size_t from = (size_t)pages_old * WASM_PAGE_BYTES;
    size_t to = (size_t)pages_new * WASM_PAGE_BYTES;
    if (from != to && mprotect(base + from, to - from, PROT_READ | PROT_WRITE) != 0) {
        return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

// Address space is given back at the end: nothing can come to lie where a stale pointer points.
static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    (void)self;
    (void)pages;
    ASSERT(mprotect(base, (size_t)pages_max * WASM_PAGE_BYTES, PROT_NONE) == 0);
}

// ---- modules that are compiled

struct embed_compiled {
    struct jit_module module;
    struct embed_compiled *next;
};

bool embed_mode_read(const char *name, enum embed_mode *out)
{
    static const char *const names[] = {"interpreter", "compiled", "mixed", "probed", "small"};
    for (u32 i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum embed_mode)i;
            return true;
        }
    }
    return false;
}

static enum jit_bounds bounds_of(const struct embed *embed)
{
    return embed->mode == EMBED_SMALL ? JIT_BOUNDS_CHECK : JIT_BOUNDS_GUARD;
}

static enum err compile(struct embed *embed, const struct wasm_module *module)
{
    struct embed_compiled *compiled = malloc(sizeof *compiled);
    ASSERT(compiled != NULL);
    enum err err = jit_module_create(&embed->host_machine.space, module, bounds_of(embed),
                                     ARENA_BYTES, &compiled->module);
    if (err != ERR_OK) {
        free(compiled);
        return err;
    }
    compiled->next = embed->compiled;
    embed->compiled = compiled;
    struct jit_compiler compiler;
    jit_compile_begin(&compiler, &compiled->module, &embed->memory);
    u32 random = embed->seed * 2654435761 + 1;
    for (u32 i = module->function_import_count; i < module->function_count; i++) {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        if (embed->mode != EMBED_MIXED || random % 2 == 0) {
            TRY(jit_compile_one(&compiler, i));
        }
    }
    embed->refused += compiler.refused;
    TRY(jit_compile_end(&compiler));
    embed->functions += compiled->module.compiled_count;
    return ERR_OK;
}

void embed_attach(struct embed *embed, struct wasm_instance *instance)
{
    for (struct embed_compiled *at = embed->compiled; at != NULL; at = at->next) {
        if (at->module.module == wasm_instance_module(instance)) {
            jit_module_attach(&at->module, instance);
        }
    }
}

void embed_forget(struct embed *embed)
{
    while (embed->compiled != NULL) {
        struct embed_compiled *at = embed->compiled;
        embed->compiled = at->next;
        jit_module_destroy(&at->module);
        free(at);
    }
}

void embed_create(struct embed *embed, enum embed_mode mode, i64 slice)
{
    *embed = (struct embed){
        .memory = {resize}, .mode = mode, .features = WASM_FEATURES_ALL, .slice = slice};
    embed->store = (struct wasm_store){
        .memory_create = memory_create,
        .memory_grow = memory_grow,
        .memory_destroy = memory_destroy,
        .memory = &embed->memory,
    };
    for (u32 i = 0; i < EMBED_HOST_FUNCTIONS; i++) {
        embed->host_types[i] = (struct wasm_func_type){
            .types = host_functions[i].types,
            .param_count = host_functions[i].count,
        };
        embed->host[i] = (struct wasm_func){.type = &embed->host_types[i], .index = i};
    }
    if (is_compiling(mode)) {
        enum err err = jit_host_open(&embed->host_machine, &jit_target_x86_64, &embed->memory);
        ASSERT(err == ERR_OK);
    }
}

void embed_destroy(struct embed *embed)
{
    ASSERT(embed->compiled == NULL);
    if (is_compiling(embed->mode)) {
        jit_host_close(&embed->host_machine);
    }
    for (u32 i = 0; i < embed->memory_count; i++) {
        (void)munmap(embed->memories[i].base, embed->memories[i].bytes);
    }
}

enum err embed_load(struct embed *embed, struct span bytes, struct arena *arena,
                    struct wasm_module **out, struct report *report)
{
    struct arena scratch;
    arena_init(&scratch, &embed->memory, ARENA_BYTES);
    struct wasm_load load;
    wasm_load_begin(&load, bytes, embed->features, arena, &scratch);
    load.has_probes = embed->mode == EMBED_PROBED;
    enum err err;
    do {
        i64 work = LOAD_PORTION;
        err = wasm_load_step(&load, &work, report);
    } while (err == ERR_PAUSED);
    arena_drop(&scratch);
    if (err != ERR_OK) {
        return err;
    }
    *out = load.module;
    return is_compiling(embed->mode) ? compile(embed, load.module) : ERR_OK;
}

struct wasm_func *embed_host(struct embed *embed, struct span name)
{
    for (u32 i = 0; i < EMBED_HOST_FUNCTIONS; i++) {
        if (span_equal(name, span_string(host_functions[i].name))) {
            return &embed->host[i];
        }
    }
    return NULL;
}

static void save_results(const wasm_slot *from, struct embed_outcome *out)
{
    u32 slots = 0;
    for (u32 i = 0; i < out->type->result_count; i++) {
        slots += value_slots(out->type->types[out->type->param_count + i]);
    }
    ASSERT(slots <= EMBED_RESULTS);
    mem_copy(out->results, from, slots * sizeof *from);
}

static void save_trap(const struct jit_thread *thread, struct embed_outcome *out)
{
    struct text text = text_over(out->backtrace, sizeof out->backtrace);
    out->trap = thread->wasm->trap;
    jit_thread_describe(thread, &text);
}

// Reads what a debugger could of the innermost frame, up to the first that is not there.
static void look_around(const struct wasm_thread *thread)
{
    enum { LOOKS = 20 };
    struct wasm_value value;
    for (u32 i = 0; i < LOOKS && wasm_thread_local(thread, 0, i, &value); i++) {
        ASSERT(value.type != WASM_I32 || value.bits[0] <= UINT32_MAX);
    }
    for (u32 i = 0; i < LOOKS && wasm_thread_operand(thread, 0, i, &value); i++) {
        ASSERT(value.type == WASM_I64);
    }
}

static enum err run(struct embed *embed, struct jit_thread *runner, struct embed_outcome *out)
{
    const struct wasm_thread *thread = runner->wasm;
    u64 stops = 0;
    for (u32 i = 0; i < SLICES_AT_MOST; i++) {
        i64 fuel = embed->slice;
        switch (jit_thread_run(runner, &fuel)) {
        case WASM_RUN_DONE:
            save_results(thread->results, out);
            return ERR_OK;
        case WASM_RUN_TRAPPED:
            save_trap(runner, out);
            return ERR_OK;
        case WASM_RUN_HOST:
            ASSERT(thread->host.function->instance == NULL);
            if (wait_alone(thread)) {
                break;
            }
            ASSERT(thread->host.function->index < EMBED_HOST_FUNCTIONS);
            if (embed->heard != NULL) {
                embed->heard(embed, thread->host.function, thread->host.slots);
            }
            break;
        case WASM_RUN_PAUSED:
            break;
        case WASM_RUN_STOPPED:
            ASSERT(thread->probe != NULL && embed->mode == EMBED_PROBED);
            if (stops++ % STOPS_PER_SLICE != 0) {
                i--;
            }
            if (stops < LOOKED_AT ||
                stops % STOPS_PER_SLICE == 0) { // it takes a walk for each value
                look_around(thread);
            }
            break;
        case WASM_RUN_COMPILED:
        case WASM_RUN_RETURNED:
        case WASM_RUN_THROWN:
            return ERR_LIMIT;
        }
    }
    return ERR_LIMIT;
}

enum err embed_call(struct embed *embed, struct wasm_func *function, const wasm_slot *args,
                    struct embed_outcome *out)
{
    *out = (struct embed_outcome){.type = function->type};
    struct wasm_thread thread;
    struct jit_thread runner;
    wasm_thread_init(&thread, &embed->store, WASM_STACK_BYTES);
    jit_thread_init(&runner, &thread, &embed->host_machine.space, bounds_of(embed), NULL);
    // Stops before each instruction of one module.
    struct wasm_probe probe = {.is_wanted = true};
    if (embed->mode == EMBED_PROBED && function->instance != NULL) {
        probe.module = wasm_instance_module(function->instance);
        thread.probe = &probe;
    }
    enum err err = jit_thread_call(&runner, function, args);
    if (err == ERR_OK) {
        err = run(embed, &runner, out);
    }
    jit_thread_drop(&runner);
    wasm_thread_drop(&thread);
    return err;
}
