// SPDX-License-Identifier: GPL-3.0-or-later
// Our own engine for the comparison, with every function compiled before the first runs.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/jit/compile.h"
#include "core/jit/module.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/wasm/features.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/load.h"
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include "tests/unit/jit_host.h"
#include <stdio.h>
#include <stdlib.h>

enum { TABLE_BYTES = 64 << 20 };

static struct jit_host host;
static struct wasm_store store = {jit_host_memory_create, jit_host_memory_grow,
                                  jit_host_memory_destroy, NULL};

struct compiled {
    struct arena arena;
    struct jit_module module;
    struct wasm_instance *instance;
    struct wasm_func *function;
    struct wasm_thread thread;
    struct jit_thread runner;
};

static bool is_there(void)
{
    static enum err opened = ERR_BUSY;
    if (opened == ERR_BUSY) {
        store.memory = &bench_heap;
        opened = jit_host_open(&host, &jit_target_x86_64, &bench_heap);
    }
    return opened == ERR_OK;
}

static enum err compile(struct compiled *compiled)
{
    struct jit_compiler compiler;
    jit_compile_begin(&compiler, &compiled->module, &bench_heap);
    TRY(jit_compile_all(&compiler));
    TRY(jit_compile_end(&compiler));
    return compiler.refused == 0 ? ERR_OK : ERR_LIMIT;
}

// All but an instance.
static enum err prepare(struct span bytes, struct compiled *compiled, struct report *report)
{
    struct arena scratch;
    struct wasm_load progress;
    i64 work = INT64_MAX;
    arena_init(&scratch, &bench_heap, SIZE_MAX);
    arena_init(&compiled->arena, &bench_heap, SIZE_MAX);
    wasm_load_begin(&progress, bytes, WASM_FEATURES_ALL, &compiled->arena, &scratch);
    TRY(wasm_load_step(&progress, &work, report));
    arena_drop(&scratch);
    TRY(jit_module_create(&host.space, progress.module, JIT_BOUNDS_GUARD, TABLE_BYTES,
                          &compiled->module));
    return compile(compiled);
}

static enum err load(struct span bytes, struct compiled *compiled, struct report *report)
{
    struct wasm_extern run;
    enum trap trap = TRAP_NONE;
    TRY(prepare(bytes, compiled, report));
    TRY(wasm_instance_create(compiled->module.module, NULL, &store, &compiled->arena,
                             &compiled->instance, &trap, report));
    jit_module_attach(&compiled->module, compiled->instance);
    TRY(wasm_instance_export(compiled->instance, SPAN_LITERAL("run"), &run));
    compiled->function = run.function;
    wasm_thread_init(&compiled->thread, &store, WASM_STACK_BYTES);
    jit_thread_init(&compiled->runner, &compiled->thread, &host.space, JIT_BOUNDS_GUARD, NULL);
    return ERR_OK;
}

static void *compiled_open(const struct kernel_case *kernel, struct span bytes)
{
    struct compiled *compiled = calloc(1, sizeof *compiled);
    struct report report;
    report_clear(&report);
    ASSERT(is_there());
    enum err err = load(bytes, compiled, &report);
    if (err != ERR_OK) {
        fprintf(stderr, "%s: %s: %s\n", kernel->name, err_name(err), report.text);
        return NULL;
    }
    return compiled;
}

static bool compiled_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    struct compiled *compiled = self;
    wasm_slot argument = n;
    i64 fuel;
    f64 before = seconds_now();
    if (jit_thread_call(&compiled->runner, compiled->function, &argument) != ERR_OK) {
        return false;
    }
    enum wasm_run state;
    do {
        fuel = INT64_MAX;
        state = jit_thread_run(&compiled->runner, &fuel);
    } while (state == WASM_RUN_PAUSED);
    *seconds = seconds_now() - before;
    *result = state == WASM_RUN_DONE ? compiled->thread.results[0] : 0;
    return state == WASM_RUN_DONE;
}

void engine_compiled_ticks(u32 every_us)
{
    jit_host_storm(&host, every_us);
}

static void compiled_close(void *self)
{
    struct compiled *compiled = self;
    jit_thread_drop(&compiled->runner);
    wasm_thread_drop(&compiled->thread);
    wasm_instance_destroy(compiled->instance);
    jit_module_destroy(&compiled->module);
    arena_drop(&compiled->arena);
    free(compiled);
}

static bool compiled_compile(struct span wasm, f64 *seconds, u64 *code_bytes)
{
    struct compiled *compiled = calloc(1, sizeof *compiled);
    struct report report;
    report_clear(&report);
    ASSERT(is_there());
    f64 before = seconds_now();
    enum err err = prepare(wasm, compiled, &report);
    *seconds = seconds_now() - before;
    *code_bytes = compiled->module.code_bytes;
    return err == ERR_OK;
}

const struct engine engine_compiled = {
    .name = "compiled",
    .is_there = is_there,
    .open = compiled_open,
    .run = compiled_run,
    .close = compiled_close,
    .compile = compiled_compile,
};
