// SPDX-License-Identifier: GPL-3.0-or-later
// Where a thread is: frames of compiled code, by the tables that were made with it, between those
// of the interpreter.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/segment.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/wasm/crossing.h"
#include "core/wasm/module.h"

// How far behind an instruction without a site of its own the return address may be that it pushes.
enum { CALL_BYTES = 8 };

struct walk {
    const struct jit_thread *thread;
    const struct jit_segment *segment;
    struct wasm_instance *instance;
    u64 pc;
    const u8 *sp;
    bool is_return; // pc is where a call returns to, rather than an instruction that has stopped
    struct wasm_frame *out;
    u32 count;
    u32 written;
};

static void keep(struct walk *walk, struct wasm_frame frame)
{
    if (walk->written < walk->count) {
        walk->out[walk->written++] = frame;
    }
}

static u64 load(const struct walk *walk, const u8 *at)
{
    const u8 *stack = walk->thread->stack;
    ASSERT(at >= stack && at + sizeof(u64) <= stack + JIT_STACK_BYTES);
    return mem_load_u64(at);
}

// Offset in the body of what lies at `offset` of the code.
static u32 origin(const struct jit_code *code, u32 offset, bool is_return)
{
    const struct jit_site *site = jit_code_site(code, offset, is_return);
    for (u32 i = 0; site == NULL && i < code->site_count; i++) {
        const struct jit_site *near = &code->sites[i];
        bool is_call = near->trap == TRAP_NONE && near->code > offset;
        site = is_call && near->code - offset <= CALL_BYTES ? near : NULL;
    }
    return site == NULL ? 0 : site->origin;
}

// Whether a function has found its stack full, which it does before anything else.
static bool is_refused(const struct walk *walk, const struct jit_code *code, u32 offset)
{
    const struct jit_site *site = walk->is_return ? NULL : jit_code_site(code, offset, false);
    return site != NULL && site->trap == TRAP_STACK_EXHAUSTED;
}

// The frames of one segment, from pc and sp on. A function in its first instructions has no frame
// yet: where it stopped there, it is the call of it that counts. Nor has one that returns.
static void segment_walk(struct walk *walk)
{
    const struct jit_space *space = walk->thread->space;
    const struct wasm_module *module = walk->instance->module;
    for (;;) {
        struct jit_module *compiled;
        u32 offset;
        const struct jit_code *code = jit_code_at(space, walk->pc, &compiled, &offset);
        ASSERT(code != NULL);
        if (code->kind == JIT_CODE_ENTER) {
            return;
        }
        const u8 *start = (const u8 *)(uintptr_t)(walk->pc - offset);
        i32 bytes = 0;
        bool has_frame = // whole where it calls
            walk->is_return ||
            space->target->has_frame(start, offset, code->prologue_bytes, &bytes);
        if (code->kind == JIT_CODE_FUNCTION && has_frame && !is_refused(walk, code, offset)) {
            u32 number = code->function - module->function_import_count;
            keep(walk, (struct wasm_frame){
                           .instance = walk->instance,
                           .function = code->function,
                           .offset = module->bodies[number].offset +
                                     origin(code, offset, walk->is_return),
                       });
        }
        const u8 *end = walk->sp + (has_frame ? (i32)code->frame_bytes : bytes);
        walk->pc = load(walk, end);
        walk->sp = end + sizeof(u64);
        walk->is_return = true;
    }
}

// From code that has left to where it goes on.
static void left(struct walk *walk)
{
    walk->pc = load(walk, walk->sp); // in the frame: it stays there
    walk->is_return = true;
}

// All segments down to one that the interpreter has entered.
static void segments_walk(struct walk *walk)
{
    bool from_interpreter = false;
    while (!from_interpreter) {
        const struct jit_segment *segment = walk->segment;
        ASSERT(segment != NULL);
        segment_walk(walk);
        from_interpreter = segment->from_interpreter;
        walk->segment = segment->previous;
        walk->instance = segment->instance;
        walk->sp = segment->sp;
        if (!from_interpreter) {
            left(walk);
        }
    }
}

u32 jit_thread_backtrace(const struct jit_thread *thread, struct wasm_frame *out, u32 count)
{
    struct walk walk = {
        .thread = thread,
        .segment = thread->top,
        .instance = thread->instance,
        .sp = thread->sp,
        .out = out,
        .count = count,
    };
    switch (jit_thread_place(thread, &walk.pc)) {
    case JIT_PLACE_INTERPRETER:
        break;
    case JIT_PLACE_LEFT:
        left(&walk);
        FALLTHROUGH;
    case JIT_PLACE_AT:
        segments_walk(&walk);
        break;
    }
    struct wasm_walk interpreter;
    wasm_walk_start(&interpreter, thread->wasm);
    enum wasm_walk_step step = wasm_walk_next(&interpreter);
    while (step != WASM_WALK_END && walk.written < count) {
        if (step == WASM_WALK_FRAME) {
            keep(&walk, interpreter.frame);
        } else {
            left(&walk);
            segments_walk(&walk);
        }
        step = wasm_walk_next(&interpreter);
    }
    return walk.written;
}

void jit_thread_describe(const struct jit_thread *thread, struct text *out)
{
    struct wasm_frame frame;
    u32 count = jit_thread_backtrace(thread, &frame, 1);
    wasm_trap_describe(thread->wasm, count == 0 ? NULL : &frame, out);
}
