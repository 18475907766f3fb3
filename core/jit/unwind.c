// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/jit/unwind.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/segment.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/wasm/code.h"
#include "core/wasm/exception.h"
#include "core/wasm/module.h"
#include "core/wasm/unwind.h"

static u64 load(const struct jit_thread *thread, const u8 *at)
{
    ASSERT(at >= thread->stack && at + sizeof(u64) <= thread->stack + JIT_STACK_BYTES);
    return mem_load_u64(at);
}

// What runs on top is not compiled; the frame that left for it begins with where it goes on.
static void enter_frames(struct jit_thread *thread, const u8 *sp)
{
    thread->unwind.sp = sp;
    thread->unwind.pc = load(thread, sp);
    thread->unwind.in_compiled = true;
}

void jit_unwind_begin(struct jit_thread *thread, bool is_interpreted)
{
    thread->unwind = (struct jit_unwind){
        .segment = thread->top,
        .instance = thread->instance,
        .slots = thread->slots,
        .is_interpreted = is_interpreted,
    };
    enter_frames(thread, thread->sp);
}

// Puts what is caught where the landing finds it, at the bottom of its frame, and makes the thread
// ready to be resumed there.
static void land(struct jit_thread *thread, const struct jit_site *site, u32 number,
                 const struct wasm_catch *catch)
{
    const struct jit_unwind *unwind = &thread->unwind;
    const struct jit_target *target = thread->space->target;
    struct wasm_thread *wasm = thread->wasm;
    wasm_slot handle = wasm->unwind.exception;
    struct wasm_exception *exception = wasm_exception_find(wasm->store, handle);
    ASSERT(exception != NULL);
    u64 sp = (u64)(uintptr_t)unwind->sp;
    wasm_slot *record = (wasm_slot *)(uintptr_t)sp;
    record[JIT_CAUGHT_CLAUSE] = number;
    record[JIT_CAUGHT_REFERENCE] = handle;
    if (catch->tag != WASM_CATCH_ALL) {
        mem_copy(record + JIT_CAUGHT_VALUES, exception->slots,
                 exception->slot_count * sizeof *record);
    }
    exception->has_reference |= catch->has_reference;
    wasm_exception_caught(wasm->store, handle);
    wasm_unwind_cross(wasm);
    thread->top = unwind->segment;
    thread->sp = (u8 *)record; // the thread may be looked at before it goes on
    thread->slots = unwind->slots;
    thread->instance = unwind->instance;
    struct wasm_memory *memory = thread->instance->memory;
    thread->memory = memory == NULL ? NULL : memory->base;
    mem_zero(&thread->registers, sizeof thread->registers);
    thread->registers.flags = target->landing_flags;
    thread->registers.pc = unwind->pc + site->landing;
    thread->registers.integer[target->stack_register] = sp;
    thread->registers.integer[target->memory_register] = (u64)(uintptr_t)thread->memory;
    thread->registers.integer[target->instance_register] = (u64)(uintptr_t)thread->instance;
    thread->registers.integer[target->landing_register] = sp;
}

// A frame of compiled code. True: it has landed there.
static bool look_at_frame(struct jit_thread *thread, const struct jit_code *code, u32 offset,
                          i64 *fuel)
{
    struct jit_unwind *unwind = &thread->unwind;
    const struct jit_site *site =
        code->kind == JIT_CODE_FUNCTION ? jit_code_site(code, offset, true) : NULL;
    *fuel -= JIT_FUEL_CROSSING;
    if (site == NULL || site->landing == 0) {
        return false;
    }
    const struct wasm_module *module = unwind->instance->module;
    const struct wasm_code *translated =
        module->bodies[code->function - module->function_import_count].translated;
    const struct wasm_thread *wasm = thread->wasm;
    u32 counted;
    const struct wasm_catch *catch =
        wasm_catch_find(unwind->instance, wasm_try_around(module, translated, site->origin),
                        wasm_exception_find(wasm->store, wasm->unwind.exception), &counted);
    *fuel -= counted / WASM_CATCHES_PER_FUEL;
    if (catch != NULL) {
        land(thread, site, counted, catch);
    }
    return catch != NULL;
}

// To what the segment that was looked through was called from.
static void leave_segment(struct jit_thread *thread)
{
    struct jit_unwind *unwind = &thread->unwind;
    const struct jit_segment *segment = unwind->segment;
    ASSERT(segment != NULL);
    unwind->segment = segment->previous;
    unwind->instance = segment->instance;
    unwind->slots = segment->slots;
    unwind->sp = segment->sp;
    if (segment->from_interpreter) {
        unwind->in_compiled = false;
    } else {
        enter_frames(thread, segment->sp);
    }
}

// The next frame. True: it has landed there.
static bool step_compiled(struct jit_thread *thread, i64 *fuel)
{
    struct jit_unwind *unwind = &thread->unwind;
    struct jit_module *compiled;
    u32 offset;
    const struct jit_code *code = jit_code_at(thread->space, unwind->pc, &compiled, &offset);
    ASSERT(code != NULL);
    if (code->kind == JIT_CODE_ENTER) {
        leave_segment(thread);
        return false;
    }
    if (look_at_frame(thread, code, offset, fuel)) {
        return true;
    }
    const u8 *end = unwind->sp + code->frame_bytes;
    unwind->pc = load(thread, end);
    unwind->sp = end + sizeof(u64);
    return false;
}

// The interpreter has caught it below all that was passed.
static void land_in_interpreter(struct jit_thread *thread)
{
    const struct jit_unwind *unwind = &thread->unwind;
    wasm_unwind_land_stopped(thread->wasm);
    thread->top = unwind->segment;
    thread->sp = (u8 *)(uintptr_t)unwind->sp;
    thread->slots = unwind->slots;
    thread->instance = unwind->instance;
    struct wasm_memory *memory = thread->instance == NULL ? NULL : thread->instance->memory;
    thread->memory = memory == NULL ? NULL : memory->base;
}

enum jit_unwound jit_unwind_step(struct jit_thread *thread, i64 *fuel)
{
    while (*fuel > 0) {
        if (thread->unwind.in_compiled) {
            if (step_compiled(thread, fuel)) {
                return JIT_UNWOUND_LANDED;
            }
            continue;
        }
        switch (wasm_unwind_step(thread->wasm, fuel)) {
        case WASM_UNWOUND_CAUGHT:
            land_in_interpreter(thread);
            return JIT_UNWOUND_CAUGHT;
        case WASM_UNWOUND_COMPILED:
            enter_frames(thread, thread->unwind.sp);
            break;
        case WASM_UNWOUND_UNCAUGHT:
            wasm_unwind_fail(thread->wasm);
            return JIT_UNWOUND_UNCAUGHT;
        case WASM_UNWOUND_PAUSED:
            return JIT_UNWOUND_PAUSED;
        }
    }
    return JIT_UNWOUND_PAUSED;
}
