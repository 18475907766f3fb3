// SPDX-License-Identifier: GPL-3.0-or-later
// Our own engine for the comparison: loads a kernel and runs it in the interpreter. Memory is a
// mapping of its own, all of it usable.
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/thread.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/bench/bench.h"
#include "tests/bench/engines.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    SLICE_FUEL = 997,           // of --check: a small prime, so that pauses fall everywhere
    RESERVED_BYTES = 256 << 20, // of address space for a kernel's memory; they declare less
};

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    void *address = mmap(NULL, RESERVED_BYTES, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (address == MAP_FAILED || pages > RESERVED_BYTES / WASM_PAGE_BYTES) {
        return ERR_NO_MEMORY;
    }
    if (*pages_max > RESERVED_BYTES / WASM_PAGE_BYTES) {
        *pages_max = RESERVED_BYTES / WASM_PAGE_BYTES;
    }
    *base = address;
    return ERR_OK;
}

static enum err memory_grow(struct wasm_store *self, u8 *base, u32 pages_old, u32 pages_new)
{
    (void)self;
    (void)base;
    (void)pages_old;
    (void)pages_new;
    return ERR_OK; // all of the reservation is usable
}

static void memory_destroy(struct wasm_store *self, u8 *base, u32 pages, u32 pages_max)
{
    (void)self;
    (void)pages;
    (void)pages_max;
    munmap(base, RESERVED_BYTES);
}

static struct wasm_store store = {memory_create, memory_grow, memory_destroy, &bench_heap};

struct ours {
    struct arena arena;
    struct wasm_instance *instance;
    struct wasm_func *function;
    struct wasm_thread thread;
};

// All but an instance.
static enum err prepare(struct span bytes, struct ours *ours, struct wasm_module **out,
                        struct report *report)
{
    struct arena scratch;
    struct wasm_module *module;
    arena_init(&scratch, &bench_heap, SIZE_MAX);
    arena_init(&ours->arena, &bench_heap, SIZE_MAX);
    TRY(wasm_module_decode(bytes, &ours->arena, &module, report));
    TRY(wasm_module_validate(module, &scratch, report));
    TRY(wasm_module_translate(module, &scratch, report));
    arena_drop(&scratch);
    *out = module;
    return ERR_OK;
}

static enum err load(struct span bytes, struct ours *ours, struct report *report)
{
    struct wasm_module *module;
    struct wasm_extern run;
    enum trap trap = TRAP_NONE;
    TRY(prepare(bytes, ours, &module, report));
    TRY(wasm_instance_create(module, NULL, &store, &ours->arena, &ours->instance, &trap, report));
    TRY(wasm_instance_export(ours->instance, SPAN_LITERAL("run"), &run));
    ours->function = run.function;
    wasm_thread_init(&ours->thread, &store, WASM_STACK_BYTES);
    return ERR_OK;
}

static void *interpreter_open(const struct kernel_case *kernel, struct span bytes)
{
    struct ours *ours = calloc(1, sizeof *ours);
    struct report report;
    report_clear(&report);
    if (load(bytes, ours, &report) != ERR_OK) {
        fprintf(stderr, "%s: %s\n", kernel->name, report.text);
        return NULL;
    }
    return ours;
}

static bool run_in_slices(struct ours *ours, u32 n, i64 slice_fuel, u64 *result)
{
    wasm_slot argument = n;
    if (wasm_thread_call(&ours->thread, ours->function, &argument) != ERR_OK) {
        return false;
    }
    enum wasm_run state = WASM_RUN_PAUSED;
    while (state == WASM_RUN_PAUSED) {
        i64 fuel = slice_fuel;
        state = wasm_thread_run(&ours->thread, &fuel);
    }
    *result = state == WASM_RUN_DONE ? ours->thread.results[0] : 0;
    return state == WASM_RUN_DONE;
}

static bool interpreter_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    f64 before = seconds_now();
    bool good = run_in_slices(self, n, INT64_MAX, result);
    *seconds = seconds_now() - before;
    return good;
}

static bool slices_run(void *self, u32 n, u64 *result, f64 *seconds)
{
    *seconds = 0;
    return run_in_slices(self, n, SLICE_FUEL, result);
}

static void interpreter_close(void *self)
{
    struct ours *ours = self;
    wasm_thread_drop(&ours->thread);
    wasm_instance_destroy(ours->instance);
    arena_drop(&ours->arena);
    free(ours);
}

static bool interpreter_compile(struct span wasm, f64 *seconds, u64 *code_bytes)
{
    struct ours *ours = calloc(1, sizeof *ours);
    struct wasm_module *module;
    struct report report;
    report_clear(&report);
    f64 before = seconds_now();
    enum err err = prepare(wasm, ours, &module, &report);
    *seconds = seconds_now() - before;
    *code_bytes = 0;
    return err == ERR_OK;
}

const struct engine engine_interpreter = {
    .name = "interpreter",
    .open = interpreter_open,
    .run = interpreter_run,
    .close = interpreter_close,
    .compile = interpreter_compile,
    .lacks = ENGINE_LACKS_VECTORS,
};

const struct engine engine_slices = {
    "in slices", NULL, interpreter_open, slices_run, interpreter_close,
};
