// SPDX-License-Identifier: GPL-3.0-or-later
// A thread between its slices: its stack, the first frame, and the way from instructions back to
// the file.
#include "core/wasm/thread.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "core/wasm/code.h"
#include "core/wasm/crossing.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/unwind.h"

enum state {
    STATE_IDLE,     // nothing to run: never called, or the call has ended
    STATE_READY,    // at thread->pc
    STATE_CALLING,  // a host function was called first: nothing has run yet
    STATE_HOST,     // at the call of a host function, whose results are awaited
    STATE_TRAPPED,  // like IDLE, but the frames are still there to be looked at
    STATE_REFUSED,  // at HOST, and the embedder wants thread->trap
    STATE_CROSSED,  // at a stand-in: compiled code runs
    STATE_THROWN,   // at an instruction that throws what compiled code may catch
    STATE_RETURNED, // a pushed call has ended: its results are at the frame's beginning
};

void wasm_thread_init(struct wasm_thread *thread, struct wasm_store *store, u32 stack_limit)
{
    *thread = (struct wasm_thread){.store = store, .stack_limit = stack_limit & ~(u32)15};
}

void wasm_thread_drop(struct wasm_thread *thread)
{
    if (thread->stack != NULL) {
        memory_give(thread->store->memory, thread->stack, thread->stack_bytes);
    }
    if (thread->link != NULL) {
        *thread->link = thread->next;
        if (thread->next != NULL) {
            thread->next->link = thread->link;
        }
        thread->link = NULL;
    }
    thread->stack = NULL;
    thread->stack_bytes = 0;
    thread->state = STATE_IDLE;
}

// From now on exceptions are looked for in its stack.
static void thread_link(struct wasm_thread *thread)
{
    struct wasm_thread **first = &thread->store->threads;
    thread->next = *first;
    thread->link = first;
    if (thread->next != NULL) {
        thread->next->link = &thread->next;
    }
    *first = thread;
}

// Doubles, so that growing costs no more than what is then used.
enum trap wasm_thread_stack_ensure(struct wasm_thread *thread, const u64 *fp, u32 slots)
{
    u64 used = fp == NULL ? 0 : (u64)((const u8 *)fp - thread->stack);
    u64 need = used + (u64)slots * sizeof(u64);
    if (need <= thread->stack_bytes) {
        return TRAP_NONE;
    }
    if (need > thread->stack_limit) {
        return TRAP_STACK_EXHAUSTED;
    }
    u64 bytes = thread->stack_bytes == 0 ? WASM_STACK_BYTES_FIRST : thread->stack_bytes;
    while (bytes < need) {
        bytes *= 2;
    }
    if (bytes > thread->stack_limit) {
        bytes = thread->stack_limit;
    }
    u8 *stack = memory_take(thread->store->memory, (size_t)bytes);
    if (stack == NULL) {
        return TRAP_NO_MEMORY;
    }
    if (thread->stack != NULL) {
        mem_copy(stack, thread->stack, thread->stack_bytes);
        memory_give(thread->store->memory, thread->stack, thread->stack_bytes);
    } else {
        thread_link(thread);
    }
    thread->stack = stack;
    thread->stack_bytes = (u32)bytes;
    return TRAP_NONE;
}

static u64 *frame_of(const struct wasm_thread *thread)
{
    return (u64 *)(void *)(thread->stack + thread->frame_offset);
}

// The code takes for granted that an i32 has zeros above its low half; the embedder need not.
static void slots_clean(wasm_slot *slots, const u8 *types, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (types[i] == WASM_I32) {
            *slots = (u32)*slots;
        }
        slots += types[i] == WASM_V128 ? 2 : 1;
    }
}

enum err wasm_thread_call(struct wasm_thread *thread, struct wasm_func *function,
                          const wasm_slot *args)
{
    const struct wasm_func_type *type = function->type;
    const struct wasm_code *code = function->instance == NULL ? NULL : function->code;
    u32 param_slots = wasm_slots_of(type->types, type->param_count);
    u32 slots = wasm_slots_of(type->types + type->param_count, type->result_count);
    slots = param_slots > slots ? param_slots : slots;
    if (code != NULL) {
        slots = code->frame_slots;
    }
    thread->trap = wasm_thread_stack_ensure(thread, NULL, slots == 0 ? 1 : slots);
    thread->frame_offset = 0;
    thread->instance = function->instance;
    thread->is_growing = false;
    thread->owed = 0;
    thread->unwind = (struct wasm_unwind){0};
    if (thread->trap == TRAP_NO_MEMORY) {
        return ERR_NO_MEMORY;
    }
    if (thread->trap != TRAP_NONE) {
        // The first frame alone goes beyond the limit, which is the guest's fault: run says so.
        thread->pc = &wasm_stub_done[0];
        thread->state = STATE_REFUSED;
        return ERR_OK;
    }
    u64 *fp = frame_of(thread);
    mem_copy(fp, args, param_slots * sizeof *fp);
    slots_clean(fp, type->types, type->param_count);
    if (code == NULL) {
        thread->host = (struct wasm_host_call){.function = function};
        thread->pc = &wasm_stub_done[0];
        thread->state = STATE_CALLING;
        return ERR_OK;
    }
    code_frame_enter(code, fp, &wasm_stub_done[2]);
    thread->pc = code_entry(code);
    thread->state = STATE_READY;
    return ERR_OK;
}

// Why the code stopped, when that is no host call.
static NOINLINE enum wasm_run end_other(const struct run *run)
{
    struct wasm_thread *thread = run->thread;
    switch (run->status) {
    case WASM_RUN_PAUSED:
    case WASM_RUN_STOPPED:
        thread->acc = run->acc;
        thread->facc = run->facc;
        thread->dacc = run->dacc;
        thread->at_loop = run->at_loop;
        thread->state = STATE_READY;
        break;
    case WASM_RUN_DONE:
        thread->results = run->fp;
        thread->state = STATE_IDLE;
        break;
    case WASM_RUN_COMPILED:
        thread->state = STATE_CROSSED;
        break;
    case WASM_RUN_RETURNED:
        thread->state = STATE_RETURNED;
        break;
    case WASM_RUN_THROWN:
        thread->state = STATE_THROWN;
        break;
    default:
        ASSERT(run->status == WASM_RUN_TRAPPED && run->trap != TRAP_NONE);
        thread->trap = run->trap;
        thread->state = STATE_TRAPPED;
        break;
    }
    return run->status;
}

// A thread that has no code to run now.
static NOINLINE enum wasm_run run_none(struct wasm_thread *thread)
{
    if (thread->state == STATE_CALLING) {
        thread->host.slots = frame_of(thread);
        thread->state = STATE_HOST;
        return WASM_RUN_HOST;
    }
    ASSERT(thread->state == STATE_REFUSED && thread->trap != TRAP_NONE);
    thread->state = STATE_TRAPPED;
    return WASM_RUN_TRAPPED;
}

// What a host function has written, where the code takes it up.
static ALWAYS_INLINE void results_clean(const struct wasm_thread *thread)
{
    const struct wasm_func_type *type = thread->host.function->type;
    if (LIKELY(type->result_count == 1)) {
        wasm_slot *slot = thread->host.slots;
        *slot = type->types[type->param_count] == WASM_I32 ? (u32)*slot : *slot;
    } else if (type->result_count != 0) {
        slots_clean(thread->host.slots, type->types + type->param_count, type->result_count);
    }
}

// Runs from pc on: a straight line, since a program that talks passes here twice for each
// message. Where it stopped, the handlers have written into the thread already.
static ALWAYS_INLINE enum wasm_run run_at(struct wasm_thread *thread, struct run *run,
                                          const struct ins *pc, u64 *fp, i64 *fuel)
{
    struct wasm_instance *instance = thread->instance;
    const struct wasm_memory *memory = NULL;
    run->globals = NULL;
    if (LIKELY(instance != NULL)) { // else a stub, after a host function that was called first
        memory = instance->memory;
        run->globals = instance->globals;
    }
    u8 *memory_base = NULL;
    run->memory_size = 0;
    if (LIKELY(memory != NULL)) {
        memory_base = memory->base;
        run->memory_size = wasm_memory_bytes(memory);
    }
    run->other = NULL;
    run->stack_end = (u64 *)(void *)(thread->stack + thread->stack_bytes);
    run->instance = instance;
    run->thread = thread;
    run->trap = TRAP_NONE;
    run->status = WASM_RUN_PAUSED;
    run->at_loop = false;
    run->fuel = *fuel < 0 ? 0 : *fuel;
    run->units = fuel;
    thread->trap = TRAP_NONE;
    thread->state = STATE_HOST; // most often
    wasm_run_enter(run, pc, fp, memory_base);
    return LIKELY(run->status == WASM_RUN_HOST) ? WASM_RUN_HOST : end_other(run);
}

// Pays for what came before a pause. False: there is not enough.
static bool pay_owed(struct wasm_thread *thread, i64 *fuel)
{
    i64 part = *fuel < (i64)thread->owed ? *fuel : (i64)thread->owed;
    if (part > 0) {
        thread->owed -= (u32)part;
        *fuel -= part;
    }
    return thread->owed == 0;
}

enum wasm_run wasm_thread_run(struct wasm_thread *thread, i64 *fuel)
{
    struct run run;
    const struct ins *pc = thread->pc;
    run.acc = 0; // dead behind a call
    run.facc = 0;
    run.dacc = 0;
    if (LIKELY(thread->state == STATE_HOST)) {
        results_clean(thread);
        pc += 2; // past the call and its second half
    } else if (thread->state != STATE_READY) {
        return run_none(thread);
    } else {
        if (UNLIKELY(thread->owed != 0) && !pay_owed(thread, fuel)) {
            return WASM_RUN_PAUSED;
        }
        run.acc = thread->acc;
        run.facc = thread->facc;
        run.dacc = thread->dacc;
    }
    return run_at(thread, &run, pc, frame_of(thread), fuel);
}

void wasm_thread_refuse(struct wasm_thread *thread, enum trap trap)
{
    ASSERT(thread->state == STATE_HOST);
    ASSERT(trap != TRAP_NONE);
    thread->trap = trap;
    thread->state = STATE_REFUSED;
}

// The function whose code holds `pc`, or NULL for a stub.
static const struct wasm_code *code_at(const struct wasm_instance *instance, const struct ins *pc)
{
    if (instance == NULL) {
        return NULL;
    }
    const struct wasm_module *module = instance->module;
    u32 count = module->function_count - module->function_import_count;
    for (u32 i = 0; i < count; i++) {
        const struct wasm_code *code = module->bodies[i].translated;
        if (pc >= code->first && pc < code->first + code->ins_count) {
            return code;
        }
    }
    return NULL;
}

// Where in the file the instruction at `pc` comes from.
static u64 origin(const struct wasm_module *module, const struct wasm_code *code,
                  const struct ins *pc)
{
    u64 offset = module->bodies[code->function - module->function_import_count].offset;
    const u8 *at = code->origins;
    for (const struct ins *ins = code->first; ins <= pc; ins++) {
        u32 shift = 0;
        u64 further = 0;
        do {
            further |= (u64)(*at & 0x7f) << shift;
            shift += 7;
        } while (*at++ >= 0x80);
        offset += further;
    }
    ASSERT(at <= code->origins + code->origins_bytes);
    return offset;
}

// ---- walking

void wasm_walk_start(struct wasm_walk *walk, const struct wasm_thread *thread)
{
    bool is_empty =
        thread->state == STATE_IDLE || thread->state == STATE_CALLING || thread->stack == NULL;
    *walk = (struct wasm_walk){.is_over = is_empty};
    if (!is_empty) {
        walk->pc = thread->pc;
        walk->fp = frame_of(thread);
        walk->instance = thread->instance;
    }
}

void wasm_walk_up(struct wasm_walk *walk, u32 header)
{
    walk->pc = (const struct ins *)(uintptr_t)walk->fp[header];
    if (walk->pc == &wasm_stub_done[2]) {
        walk->is_over = true;
        return;
    }
    walk->crosses = walk->pc == &wasm_stub_back[2];
    if (!walk->crosses && walk->pc != &wasm_stub_cross[2]) {
        walk->pc -= 2;
        walk->fp -= walk->pc->a;
        return;
    }
    const u64 *cross = walk->fp - CROSS_SLOTS;
    walk->pc = (const struct ins *)(uintptr_t)cross[0];
    walk->instance = (struct wasm_instance *)(uintptr_t)cross[1];
    walk->fp = cross - (u32)cross[2];
    if (!walk->crosses) {
        walk->pc -= 2;
        walk->fp -= walk->pc->a;
    }
}

enum wasm_walk_step wasm_walk_next(struct wasm_walk *walk)
{
    while (!walk->is_over) {
        if (walk->crosses) {
            walk->crosses = false;
            return WASM_WALK_COMPILED;
        }
        if (walk->pc->run == wasm_run_compiled) { // who runs that function knows more of it
            wasm_walk_up(walk, walk->pc[1].a);
            continue;
        }
        const struct wasm_code *code = code_at(walk->instance, walk->pc);
        if (code == NULL || walk->units > WASM_WALK_UNITS) {
            break;
        }
        walk->units += walk->instance->module->function_count; // all of which were looked at
        walk->units += (u32)(walk->pc - code->first);
        walk->frame = (struct wasm_frame){
            .instance = walk->instance,
            .function = code->function,
            .offset = origin(walk->instance->module, code, walk->pc),
        };
        walk->code = code;
        walk->at = walk->pc;
        walk->slots = walk->fp;
        wasm_walk_up(walk, code->header);
        return WASM_WALK_FRAME;
    }
    return WASM_WALK_END;
}

u32 wasm_thread_backtrace(const struct wasm_thread *thread, struct wasm_frame *out, u32 count)
{
    struct wasm_walk walk;
    wasm_walk_start(&walk, thread);
    u32 written = 0;
    while (written < count && wasm_walk_next(&walk) == WASM_WALK_FRAME) {
        walk.frame.place = (u32)(walk.slots - (const u64 *)(const void *)thread->stack);
        out[written++] = walk.frame;
    }
    return written;
}

// ---- compiled code

void wasm_stand_in_init(struct wasm_stand_in *out, const struct wasm_code *code)
{
    *out = (struct wasm_stand_in){{
        {.run = wasm_run_compiled, .c = code->function},
        {.run = wasm_run_ret, .a = code->header},
        {.data = code->first},
    }};
}

struct wasm_crossing wasm_thread_crossing(const struct wasm_thread *thread)
{
    ASSERT(thread->state == STATE_CROSSED);
    const struct ins *pc = thread->pc;
    ASSERT(pc->run == wasm_run_compiled);
    return (struct wasm_crossing){thread->instance, pc->c, frame_of(thread)};
}

void wasm_thread_uncross(struct wasm_thread *thread)
{
    ASSERT(thread->state == STATE_CROSSED);
    thread->pc = (const struct ins *)thread->pc + 1;
    thread->state = STATE_READY;
}

const struct ins *wasm_thread_loop(const struct wasm_thread *thread)
{
    return thread->state == STATE_READY && thread->at_loop ? thread->pc : NULL;
}

struct wasm_loop wasm_thread_loop_place(const struct wasm_thread *thread)
{
    const struct ins *head = wasm_thread_loop(thread);
    ASSERT(head != NULL);
    const struct wasm_module *module = thread->instance->module;
    const struct wasm_code *code = code_at(thread->instance, head);
    ASSERT(code != NULL);
    u64 start = module->bodies[code->function - module->function_import_count].offset;
    return (struct wasm_loop){
        .instance = thread->instance,
        .head = head,
        .function = code->function,
        .origin = (u32)(origin(module, code, head) - start),
    };
}

wasm_slot *wasm_thread_frame(const struct wasm_thread *thread)
{
    return frame_of(thread);
}

void wasm_thread_take_over(struct wasm_thread *thread, const struct wasm_stand_in *stand_in)
{
    ASSERT(wasm_thread_loop(thread) != NULL);
    thread->pc = stand_in->ins;
    thread->state = STATE_CROSSED;
}

void wasm_thread_decline(struct wasm_thread *thread)
{
    ASSERT(thread->state == STATE_CROSSED);
    thread->pc = ((const struct ins *)thread->pc)[2].data;
    thread->state = STATE_READY;
}

enum trap wasm_thread_push(struct wasm_thread *thread, struct wasm_instance *instance,
                           const struct wasm_code *code, const wasm_slot *args)
{
    ASSERT(thread->state == STATE_CROSSED);
    const struct ins *pc = thread->pc;
    u32 above = pc[1].a + 1u + CROSS_SLOTS; // behind the arguments and the return address
    enum trap trap = wasm_thread_stack_ensure(thread, frame_of(thread), above + code->frame_slots);
    if (trap != TRAP_NONE) {
        return trap;
    }
    u64 *fp = frame_of(thread) + above;
    fp[-3] = (u64)(uintptr_t)pc;
    fp[-2] = (u64)(uintptr_t)thread->instance;
    const struct wasm_module *module = instance->module;
    const struct wasm_func_type *type = &module->types[module->function_types[code->function]];
    u64 results = wasm_slots_of(type->types + type->param_count, type->result_count);
    fp[-1] = (above - CROSS_SLOTS) | results << 32;
    mem_copy(fp, args, wasm_slots_of(type->types, type->param_count) * sizeof *fp);
    code_frame_enter(code, fp, &wasm_stub_back[2]);
    thread->frame_offset = (u32)((u8 *)fp - thread->stack);
    thread->instance = instance;
    thread->pc = code_entry(code);
    thread->state = STATE_READY;
    return TRAP_NONE;
}
STATIC_ASSERT(CROSS_SLOTS == 3);

enum trap wasm_thread_replace(struct wasm_thread *thread, struct wasm_instance *instance,
                              const struct wasm_code *code, const wasm_slot *args)
{
    ASSERT(thread->state == STATE_CROSSED);
    const struct ins *pc = thread->pc;
    u64 *fp = frame_of(thread);
    const struct ins *return_to = (const struct ins *)(uintptr_t)fp[pc[1].a];
    u32 above = instance == thread->instance || stub_restores(return_to) ? 0 : CROSS_SLOTS;
    enum trap trap = wasm_thread_stack_ensure(thread, fp, above + code->frame_slots);
    if (trap != TRAP_NONE) {
        return trap;
    }
    fp = frame_of(thread);
    const struct wasm_module *module = instance->module;
    const struct wasm_func_type *type = &module->types[module->function_types[code->function]];
    if (above != 0) {
        cross_put(fp, return_to, thread->instance, 0, type->result_slots);
        return_to = &wasm_stub_cross[2];
        fp += CROSS_SLOTS;
    }
    mem_copy(fp, args, type->param_slots * sizeof *fp);
    code_frame_enter(code, fp, return_to);
    thread->frame_offset = (u32)((u8 *)fp - thread->stack);
    thread->instance = instance;
    thread->pc = code_entry(code);
    thread->state = STATE_READY;
    return TRAP_NONE;
}

void wasm_thread_pop(struct wasm_thread *thread, wasm_slot *results)
{
    ASSERT(thread->state == STATE_RETURNED);
    const u64 *fp = frame_of(thread);
    const u64 *cross = fp - CROSS_SLOTS;
    mem_copy(results, fp, (u32)(cross[2] >> 32) * sizeof *fp);
    thread->pc = (const void *)(uintptr_t)cross[0];
    thread->instance = (struct wasm_instance *)(uintptr_t)cross[1];
    thread->frame_offset = (u32)((const u8 *)(cross - (u32)cross[2]) - thread->stack);
    thread->state = STATE_CROSSED;
}

void wasm_unwind_begin_crossed(struct wasm_thread *thread, wasm_slot exception)
{
    ASSERT(thread->state == STATE_CROSSED);
    wasm_unwind_begin(thread, thread->pc, frame_of(thread), thread->instance, exception);
}

void wasm_unwind_land_stopped(struct wasm_thread *thread)
{
    ASSERT(thread->state == STATE_THROWN || thread->state == STATE_CROSSED);
    struct wasm_landing landing = wasm_unwind_land(thread);
    thread->pc = landing.pc;
    thread->frame_offset = (u32)((u8 *)landing.fp - thread->stack);
    thread->instance = landing.instance;
    thread->state = STATE_READY;
}

void wasm_unwind_cross(struct wasm_thread *thread)
{
    ASSERT(thread->state == STATE_THROWN || thread->state == STATE_CROSSED);
    ASSERT(thread->unwind.pc->run == wasm_run_compiled);
    thread->pc = thread->unwind.pc;
    thread->frame_offset = thread->unwind.frame_offset;
    thread->instance = thread->unwind.instance;
    thread->unwind = (struct wasm_unwind){0};
    thread->state = STATE_CROSSED;
}

enum wasm_run wasm_thread_single(struct wasm_thread *thread, struct wasm_instance *instance,
                                 struct ins ins, wasm_slot *slots, i64 *fuel)
{
    struct wasm_thread before = *thread;
    const struct ins code[2] = {ins, wasm_stub_done[2]};
    struct run run = {0};
    thread->instance = instance;
    enum wasm_run status = run_at(thread, &run, code, slots, fuel);
    before.is_growing = thread->is_growing;
    before.trap = thread->trap;
    before.host = thread->host;
    *thread = before;
    return status;
}

// What was thrown: by the name that the tag is exported as, and its number.
static void describe_tag(const struct wasm_tag *tag, struct text *out)
{
    const struct wasm_module *module = tag->instance->module;
    text_string(out, " of tag ");
    for (u32 i = 0; i < module->export_count; i++) {
        const struct wasm_export *export = &module->exports[i];
        if (export->kind == WASM_TAG && tag->instance->tags[export->index] == tag) {
            text_string(out, "\"");
            text_printable(out, export->name);
            text_string(out, "\"");
            return;
        }
    }
    text_u64(out, tag->index);
}

void wasm_trap_describe(const struct wasm_thread *thread, const struct wasm_frame *frame,
                        struct text *out)
{
    text_string(out, trap_name(thread->trap));
    if (thread->trap == TRAP_EXCEPTION && thread->uncaught != NULL) {
        describe_tag(thread->uncaught, out);
    }
    if (frame == NULL) {
        return;
    }
    text_string(out, " in ");
    struct span name = wasm_module_function_name(frame->instance->module, frame->function);
    if (name.size != 0) {
        text_string(out, "\"");
        text_printable(out, name);
        text_string(out, "\" (");
    }
    text_string(out, "function ");
    text_u64(out, frame->function);
    text_string(out, name.size != 0 ? ") at offset 0x" : " at offset 0x");
    text_hex(out, frame->offset, 1);
}

void wasm_thread_describe(const struct wasm_thread *thread, struct text *out)
{
    struct wasm_frame frame;
    u32 count = wasm_thread_backtrace(thread, &frame, 1);
    wasm_trap_describe(thread, count == 0 ? NULL : &frame, out);
}
