// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/wasm/unwind.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/wasm/code.h"
#include "core/wasm/crossing.h"
#include "core/wasm/exception.h"
#include "core/wasm/module.h"

// ---- clauses

const struct wasm_catch *wasm_catch_find(const struct wasm_instance *instance, u32 try,
                                         const struct wasm_exception *exception, u32 *counted)
{
    const struct wasm_module *module = instance->module;
    u32 count = 0;
    for (; try != 0; try = module->tries[try - 1].outer) {
        const struct wasm_try *at = &module->tries[try - 1];
        for (u32 i = 0; i < at->catch_count; i++) {
            const struct wasm_catch *catch = &module->catches[at->catch_first + i];
            if (catch->tag == WASM_CATCH_ALL || instance->tags[catch->tag] == exception->tag) {
                *counted = count;
                return catch;
            }
            count++;
        }
    }
    *counted = count;
    return NULL;
}

u32 wasm_try_around(const struct wasm_module *module, const struct wasm_code *code, u32 offset)
{
    u32 low = code->try_first; // the last that begins at or before the offset is in [low - 1, high)
    u32 high = code->try_first + code->try_count;
    while (low < high) {
        u32 middle = low + (high - low) / 2;
        if (module->tries[middle].start <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    u32 try = low == code->try_first ? 0 : low;
    while (try != 0 && module->tries[try - 1].end <= offset) {
        try = module->tries[try - 1].outer;
    }
    return try;
}

// ---- the way down

void wasm_unwind_begin(struct wasm_thread *thread, const struct ins *pc, const u64 *fp,
                       struct wasm_instance *instance, wasm_slot exception)
{
    ASSERT(thread->unwind.exception == 0);
    thread->unwind = (struct wasm_unwind){
        .exception = exception,
        .pc = pc,
        .frame_offset = (u32)((const u8 *)fp - thread->stack),
        .instance = instance,
    };
}

static u64 *frame_at(const struct wasm_thread *thread, u32 offset)
{
    return (u64 *)(void *)(thread->stack + offset);
}

static void keep(struct wasm_thread *thread, const struct wasm_walk *walk)
{
    thread->unwind.pc = walk->pc;
    thread->unwind.frame_offset = (u32)((const u8 *)walk->fp - thread->stack);
    thread->unwind.instance = walk->instance;
}

enum wasm_unwound wasm_unwind_step(struct wasm_thread *thread, i64 *fuel)
{
    struct wasm_unwind *unwind = &thread->unwind;
    const struct wasm_exception *exception = wasm_exception_find(thread->store, unwind->exception);
    ASSERT(exception != NULL); // a mark finds it in thread->unwind
    struct wasm_walk walk = {.pc = unwind->pc, .instance = unwind->instance};
    walk.fp = frame_at(thread, unwind->frame_offset);
    for (;;) {
        if (*fuel <= 0) {
            keep(thread, &walk);
            return WASM_UNWOUND_PAUSED;
        }
        *fuel -= 1;
        const struct ins *second = walk.pc + 1; // of a call, a throw, or a stand-in
        if (second->c != 0) {
            u32 counted;
            unwind->catch = wasm_catch_find(walk.instance, second->c, exception, &counted);
            *fuel -= counted / WASM_CATCHES_PER_FUEL;
            unwind->try = second->c;
            if (unwind->catch != NULL) {
                keep(thread, &walk);
                return WASM_UNWOUND_CAUGHT;
            }
        }
        wasm_walk_up(&walk, second->a);
        if (walk.is_over) {
            return WASM_UNWOUND_UNCAUGHT;
        }
        if (walk.crosses) {
            walk.crosses = false;
            keep(thread, &walk);
            return WASM_UNWOUND_COMPILED;
        }
    }
}

// The code that the clause stands in.
static const struct wasm_code *code_of(const struct wasm_unwind *unwind)
{
    return unwind->instance->module->tries[unwind->try - 1].code;
}

struct wasm_landing wasm_unwind_land(struct wasm_thread *thread)
{
    struct wasm_unwind unwind = thread->unwind;
    struct wasm_exception *exception = wasm_exception_find(thread->store, unwind.exception);
    ASSERT(exception != NULL && unwind.catch != NULL);
    const struct wasm_catch *catch = unwind.catch;
    // The clause may be of an outer try_table, but that is in the same function.
    const struct wasm_code *code = code_of(&unwind);
    u64 *fp = frame_at(thread, unwind.frame_offset);
    u64 *to = fp + catch->slot;
    if (catch->tag != WASM_CATCH_ALL) {
        mem_copy(to, exception->slots, exception->slot_count * sizeof *to);
        to += exception->slot_count;
    }
    if (catch->has_reference) {
        exception->has_reference = true;
        *to = unwind.exception;
    }
    wasm_exception_caught(thread->store, unwind.exception);
    thread->unwind = (struct wasm_unwind){0};
    return (struct wasm_landing){code->first + catch->target, fp, unwind.instance};
}

void wasm_unwind_fail(struct wasm_thread *thread)
{
    const struct wasm_exception *exception =
        wasm_exception_find(thread->store, thread->unwind.exception);
    ASSERT(exception != NULL);
    thread->trap = TRAP_EXCEPTION;
    thread->uncaught = exception->tag;
    wasm_exception_caught(thread->store, thread->unwind.exception);
    thread->unwind = (struct wasm_unwind){0};
}
