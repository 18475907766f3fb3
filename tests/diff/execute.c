// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/diff/execute.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/wasm/decode.h"
#include "core/wasm/exception.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"
#include "core/wasm/translate.h"
#include "core/wasm/validate.h"
#include "tests/unit/calloc_store.h"
#include "tests/unit/support.h"
#include <stdlib.h>

enum {
    MEMORY_PAGES = 4,      // a memory may grow to
    STACK_BYTES = 4 << 20, // enough for what the generator's budget allows
    ARENA_BYTES = 256 << 20,
};

static enum err memory_create(struct wasm_store *self, u32 pages, u32 *pages_max, u8 **base)
{
    (void)self;
    return calloc_memory_take(MEMORY_PAGES, pages, pages_max, base);
}

struct executor {
    struct wasm_store store;
    struct arena arena;
    struct arena scratch;
    struct wasm_module *module;
    struct wasm_instance *instance;
    const i64 *slices;
    u32 slice_count;
    u32 slice;
};

static enum err load(struct executor *e, struct span bytes, struct execute_outcome *out,
                     struct report *report)
{
    TRY(wasm_module_decode(bytes, &e->arena, &e->module, report));
    TRY(wasm_module_validate(e->module, &e->scratch, report));
    TRY(wasm_module_translate(e->module, &e->scratch, report));
    out->has_exceptions = e->module->tag_count != 0;
    if (e->module->import_count != 0) {
        return ERR_UNSUPPORTED;
    }
    return wasm_instance_create(e->module, NULL, &e->store, &e->arena, &e->instance, &out->trap,
                                report);
}

static void keep_trap(const struct wasm_thread *thread, struct execute_call *call)
{
    struct wasm_frame frames[8];
    call->trap = thread->trap;
    call->depth = wasm_thread_backtrace(thread, frames, COUNT_OF(frames));
    call->offset = call->depth == 0 ? 0 : frames[0].offset;
}

// Runs one function to its end, or until `fuel` is used up.
static void run_call(struct executor *e, struct wasm_thread *thread, struct wasm_func *function,
                     i64 fuel, struct execute_call *call)
{
    static wasm_slot arguments[2 * WASM_PARAMS];
    const struct wasm_func_type *type = function->type;
    for (u32 i = 0, slot = 0; i < type->param_count; i++) {
        bool is_reference = wasm_is_reference(type->types[i]);
        for (u32 left = wasm_slots_of(&type->types[i], 1); left > 0; left--, slot++) {
            arguments[slot] = is_reference ? 0 : (u64)(slot + 1) * 0x9e3779b97f4a7c15;
        }
    }
    if (wasm_thread_call(thread, function, arguments) != ERR_OK) {
        return;
    }
    enum wasm_run status = WASM_RUN_PAUSED;
    while (status == WASM_RUN_PAUSED && fuel > 0) {
        i64 slice = e->slices[e->slice++ % e->slice_count];
        slice = slice < fuel ? slice : fuel;
        i64 left = slice;
        status = wasm_thread_run(thread, &left);
        ASSERT(left >= 0 && left <= slice);
        ASSERT(status != WASM_RUN_PAUSED || left < slice || slice == 0);
        ASSERT(status != WASM_RUN_HOST);
        fuel -= slice - left;
        call->fuel += (u64)(slice - left);
    }
    call->is_done = status == WASM_RUN_DONE;
    if (status == WASM_RUN_TRAPPED) {
        keep_trap(thread, call);
        return;
    }
    const wasm_slot *slots = thread->results;
    for (u32 i = 0; call->is_done && i < type->result_count && i < EXECUTE_RESULTS; i++) {
        u8 kind = type->types[type->param_count + i];
        bool is_reference = wasm_is_reference(kind);
        call->types[i] = kind;
        call->results[i][0] = is_reference ? *slots != 0 : *slots;
        call->results[i][1] = kind == WASM_V128 ? slots[1] : 0;
        call->result_count = i + 1;
        slots += wasm_slots_of(&kind, 1);
    }
}

static u64 sum(const u8 *bytes, u64 size)
{
    u64 result = 14695981039346656037u;
    for (u64 i = 0; i + 8 <= size; i += 8) {
        result = (result ^ mem_load_u64(bytes + i)) * 1099511628211;
        result ^= result >> 29;
    }
    return result;
}

static void run_exports(struct executor *e, i64 fuel, struct execute_outcome *out)
{
    struct wasm_thread thread;
    wasm_thread_init(&thread, &e->store, STACK_BYTES);
    for (u32 i = 0; i < e->module->export_count && out->call_count < EXECUTE_CALLS; i++) {
        const struct wasm_export *export = &e->module->exports[i];
        struct wasm_func *function;
        if (export->kind != WASM_FUNCTION) {
            continue;
        }
        function = wasm_instance_func(e->instance, export->index);
        ASSERT(function != NULL);
        struct execute_call *call = &out->calls[out->call_count++];
        size_t size =
            export->name.size < sizeof call->name ? export->name.size : sizeof call->name - 1;
        mem_copy(call->name, export->name.data, size);
        run_call(e, &thread, function, fuel, call);
    }
    wasm_thread_drop(&thread);
}

void execute_module(struct span bytes, const i64 *slices, u32 slice_count, i64 fuel,
                    struct execute_outcome *out)
{
    struct test_memory memory = test_memory_over_malloc(-1);
    struct executor e = {
        .store = {memory_create, calloc_memory_grow, calloc_memory_destroy, &memory.memory},
        .slices = slices,
        .slice_count = slice_count,
    };
    struct report report;
    report_clear(&report);
    arena_init(&e.arena, &memory.memory, ARENA_BYTES);
    arena_init(&e.scratch, &memory.memory, ARENA_BYTES);
    *out = (struct execute_outcome){0};
    out->err = load(&e, bytes, out, &report);
    mem_copy(out->reason, report.text, __builtin_strlen(report.text));
    arena_drop(&e.scratch);
    if (out->err == ERR_OK) {
        run_exports(&e, fuel, out);
    }
    if (e.instance != NULL) {
        for (u32 i = 0; i < wasm_instance_module(e.instance)->memory_count; i++) {
            const struct wasm_memory *linear = wasm_instance_memory(e.instance, i);
            out->memory_bytes += linear->size_bytes;
            out->memory_sum = out->memory_sum * 31 + sum(linear->base, linear->size_bytes);
        }
        wasm_instance_destroy(e.instance);
    }
    wasm_exceptions_drop(&e.store);
    arena_drop(&e.arena);
    ASSERT(memory.blocks == 0);
}
