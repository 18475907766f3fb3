// SPDX-License-Identifier: GPL-3.0-or-later
// The loop that alternates between the interpreter and compiled code. What lies below the
// interpreter's current frame and below thread->sp is suspended: calls that are under way.
#include "core/jit/thread.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/jit/ir.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/segment.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/wasm/atomic.h"
#include "core/wasm/crossing.h"
#include "core/wasm/exception.h"
#include "core/wasm/module.h"
#include "core/wasm/unwind.h"

enum state {
    STATE_INTERPRETER, // wasm_thread_run is next
    STATE_ENTER,       // compiled code, at the address on the stack
    STATE_RESUME,      // compiled code, where it was interrupted
    STATE_HOST,        // called from compiled code, and its results are awaited
    STATE_HELPER,      // called from compiled code, and not done yet
    STATE_THROW,       // an exception is on its way
    STATE_TRAPPED,     // in compiled code
    STATE_OUTSIDE,     // trapped in the interpreter, or at its call of compiled code
    STATE_REFUSED,     // at HOST, and the embedder wants wasm->trap
};

// Bytes of stack for entering, beside arguments and results.
enum { SEGMENT_ROOM = 512 + JIT_TAIL_WORDS * sizeof(u64) };

void jit_thread_init(struct jit_thread *thread, struct wasm_thread *wasm, struct jit_space *space,
                     enum jit_bounds bounds, u64 (*clock_ns)(void))
{
    mem_zero(thread, sizeof *thread);
    thread->wasm = wasm;
    thread->space = space;
    thread->clock_ns = clock_ns;
    thread->bounds = (u8)bounds;
    thread->leave = space->stubs[bounds][JIT_STUB_LEAVE];
    wasm->stops_at_loops = true;
    wasm->others[1] = (struct wasm_words){(const void *)&thread->registers,
                                          sizeof thread->registers / sizeof(wasm_slot)};
}

void jit_thread_drop(struct jit_thread *thread)
{
    if (thread->stack != NULL) {
        jit_space_stack_give(thread->space, thread->bounds, thread->stack);
    }
    thread->wasm->others[0].count = 0;
    thread->wasm->others[1].count = 0;
    thread->stack = NULL;
    thread->top = NULL;
    thread->state = STATE_INTERPRETER;
}

enum err jit_thread_call(struct jit_thread *thread, struct wasm_func *function,
                         const wasm_slot *args)
{
    thread->top = NULL;
    thread->state = STATE_INTERPRETER;
    return wasm_thread_call(thread->wasm, function, args);
}

// ---- segments

static void instance_set(struct jit_thread *thread, struct wasm_instance *instance)
{
    thread->instance = instance;
    thread->memory = instance == NULL || instance->memory == NULL ? NULL : instance->memory->base;
}

// Where compiled code begins.
struct entry {
    struct wasm_instance *instance;
    u32 function;
    wasm_slot *slots; // arguments
    const u8 *enter;
    const u8 *target;
    bool at_loop;
};

static struct entry entry_of(struct wasm_instance *instance, u32 function, wasm_slot *slots)
{
    const struct jit_module *compiled = instance->compiled;
    return (struct entry){.instance = instance,
                          .function = function,
                          .slots = slots,
                          .enter = jit_module_enter(compiled, function),
                          .target = jit_module_code(compiled, function)};
}

static enum trap segment_push(struct jit_thread *thread, const struct entry *entry,
                              bool from_interpreter)
{
    const struct wasm_module *module = entry->instance->module;
    const struct wasm_func_type *type = &module->types[module->function_types[entry->function]];
    u64 need = (u64)(type->param_count + type->result_count) * 2 * sizeof(wasm_slot) + SEGMENT_ROOM;
    u8 *from = thread->top == NULL ? thread->stack + JIT_STACK_BYTES : thread->sp;
    if (from < thread->stack_end || (u64)(from - thread->stack_end) < need) {
        return TRAP_STACK_EXHAUSTED;
    }
    from -= (uintptr_t)from % 16;
    struct jit_segment *segment = (struct jit_segment *)(void *)from - 1;
    *segment = (struct jit_segment){
        .previous = thread->top,
        .sp = thread->sp,
        .instance = thread->instance,
        .slots = thread->slots,
        .type = type,
        .from_interpreter = from_interpreter,
        .at_loop = entry->at_loop,
    };
    u64 *sp = (u64 *)(void *)segment - 1;
    *sp = (u64)(uintptr_t)entry->enter;
    thread->top = segment;
    thread->sp = (u8 *)sp;
    thread->slots = entry->slots;
    thread->target = entry->target;
    instance_set(thread, entry->instance);
    thread->state = STATE_ENTER;
    return TRAP_NONE;
}
STATIC_ASSERT(sizeof(struct jit_segment) % 16 == 0);

// What was outside when the segment on top began is the present again.
static void segment_forget(struct jit_thread *thread)
{
    const struct jit_segment *segment = thread->top;
    thread->top = segment->previous;
    thread->sp = segment->sp;
    thread->slots = segment->slots;
    instance_set(thread, segment->instance);
}

// The function that was entered has returned, its results at thread->slots.
static void segment_pop(struct jit_thread *thread)
{
    const struct jit_segment *segment = thread->top;
    const struct wasm_func_type *type = segment->type;
    u32 count = wasm_slots_of(type->types + type->param_count, type->result_count);
    wasm_slot *to =
        segment->from_interpreter ? wasm_thread_crossing(thread->wasm).slots : segment->slots;
    mem_copy(to, thread->slots, count * sizeof *to);
    segment_forget(thread);
    if (segment->from_interpreter) {
        wasm_thread_uncross(thread->wasm);
        thread->state = STATE_INTERPRETER;
    } else {
        thread->state = STATE_ENTER;
    }
}

// ---- the steps of the loop: each says whether it goes on, or how the run ends

struct step {
    bool ends;
    enum wasm_run run;
};

static struct step goes_on(void)
{
    return (struct step){0};
}

static struct step ends(enum wasm_run run)
{
    return (struct step){true, run};
}

static struct step trapped(struct jit_thread *thread, enum trap trap, u64 pc)
{
    thread->wasm->trap = trap;
    thread->fault_pc = pc;
    thread->state = STATE_TRAPPED;
    return ends(WASM_RUN_TRAPPED);
}

static bool stack_is_there(struct jit_thread *thread)
{
    if (LIKELY(thread->stack != NULL)) {
        return true;
    }
    thread->stack = jit_space_stack_take(thread->space, thread->bounds);
    if (thread->stack == NULL) {
        return false;
    }
    thread->stack_end = thread->stack + (thread->bounds == JIT_BOUNDS_CHECK ? JIT_STACK_SLACK : 0);
    return true;
}

// The interpreter calls compiled code.
static struct step crossed(struct jit_thread *thread)
{
    struct wasm_thread *wasm = thread->wasm;
    struct wasm_crossing crossing = wasm_thread_crossing(wasm);
    // Code of the other kind may be there alone, and as many threads as there may be have a stack.
    if (!jit_module_has(crossing.instance->compiled, crossing.function) ||
        !stack_is_there(thread)) {
        wasm_thread_decline(wasm);
        return goes_on();
    }
    struct entry entry = entry_of(crossing.instance, crossing.function, crossing.slots);
    enum trap trap = segment_push(thread, &entry, true);
    if (trap == TRAP_NONE) {
        return goes_on();
    }
    wasm->trap = trap;
    thread->state = STATE_OUTSIDE;
    return ends(WASM_RUN_TRAPPED);
}

// The interpreter has paused: if that is in a loop that compiled code can go on with, it will.
static void try_take_over(struct jit_thread *thread)
{
    struct wasm_thread *wasm = thread->wasm;
    const struct ins *head = wasm_thread_loop(wasm);
    struct wasm_instance *instance = wasm->instance;
    struct jit_module *compiled = instance == NULL ? NULL : instance->compiled;
    if (head == NULL || compiled == NULL) {
        return;
    }
    const struct jit_loop *loop = jit_module_loop(compiled, head);
    if (loop == NULL || !stack_is_there(thread)) {
        return;
    }
    thread->frame = (u64)(uintptr_t)wasm_thread_frame(wasm);
    struct entry entry = {.instance = instance,
                          .function = loop->function,
                          .slots = &thread->frame,
                          .enter = jit_module_enter_loop(compiled, loop->function),
                          .target = loop->code,
                          .at_loop = true};
    if (segment_push(thread, &entry, true) == TRAP_NONE) {
        wasm_thread_take_over(wasm, jit_module_stand_in(compiled, loop->function));
    }
}

static struct step interpreter_step(struct jit_thread *thread, i64 *fuel)
{
    struct wasm_thread *wasm = thread->wasm;
    enum wasm_run run = wasm_thread_run(wasm, fuel);
    if (run == WASM_RUN_RETURNED) { // to compiled code
        wasm_thread_pop(wasm, thread->slots);
        thread->state = STATE_ENTER;
        return goes_on();
    }
    if (run == WASM_RUN_COMPILED) {
        return crossed(thread);
    }
    if (run == WASM_RUN_THROWN) {
        jit_unwind_begin(thread, true);
        thread->state = STATE_THROW;
        return goes_on();
    }
    if (run == WASM_RUN_PAUSED) {
        try_take_over(thread);
    }
    return ends(run);
}

// Whether what is called is called in the place of a return of the function that the segment on top
// has entered: then nothing of that segment is needed any more.
static bool is_tail(const struct jit_thread *thread)
{
    const struct wasm_module *module = thread->instance->module;
    const struct jit_module *compiled = thread->instance->compiled;
    const struct jit_segment *segment = thread->top;
    if (!module->has_tail_calls) {
        return false;
    }
    struct wasm_func_type type = *segment->type;
    if (segment->at_loop) { // its parameter, which takes no stack, counts for nothing
        type.types += type.param_count;
        type.param_count = 0;
    }
    return thread->space->target->is_tail((const u8 *)segment - sizeof(u64), &type, thread->sp,
                                          &module->types[thread->type], &compiled->options);
}

// The same as call_code in the place of the segment on top, so that the stacks do not grow: of two
// functions that call each other so in different engines, or instances, there is one at a time.
static struct step tail_call_code(struct jit_thread *thread, struct wasm_instance *instance,
                                  const struct wasm_code *code)
{
    const struct jit_module *compiled = instance->compiled;
    const wasm_slot *args = thread->slots;
    enum trap trap = TRAP_NONE;
    if (thread->top->from_interpreter) {
        trap = wasm_thread_replace(thread->wasm, instance, code, args);
    } else if (compiled == NULL || !jit_module_has(compiled, code->function)) {
        trap = wasm_thread_push(thread->wasm, instance, code, args);
    } else {
        const struct wasm_module *module = instance->module;
        u32 slots = module->types[module->function_types[code->function]].param_slots;
        segment_forget(thread);
        // The arguments move up behind what is left, and the new segment begins below them.
        u8 *sp = thread->sp;
        wasm_slot *to = (wasm_slot *)(void *)sp - (slots + 1) / 2 * 2;
        mem_move(to, args, slots * sizeof *to);
        struct entry entry = entry_of(instance, code->function, to);
        thread->sp = (u8 *)to;
        trap = segment_push(thread, &entry, false);
        if (trap == TRAP_NONE) {
            thread->top->sp = sp;
            return goes_on();
        }
        thread->sp = sp;
        return trapped(thread, trap, 0);
    }
    if (trap != TRAP_NONE) {
        return trapped(thread, trap, 0);
    }
    segment_forget(thread);
    thread->state = STATE_INTERPRETER;
    return goes_on();
}

// A call out of compiled code of a function that is not the embedder's.
static struct step call_code(struct jit_thread *thread, struct wasm_instance *instance,
                             const struct wasm_code *code)
{
    if (UNLIKELY(is_tail(thread))) {
        return tail_call_code(thread, instance, code);
    }
    const struct jit_module *compiled = instance->compiled;
    enum trap trap;
    if (compiled != NULL && jit_module_has(compiled, code->function)) {
        struct entry entry = entry_of(instance, code->function, thread->slots);
        trap = segment_push(thread, &entry, false);
    } else {
        trap = wasm_thread_push(thread->wasm, instance, code, thread->slots);
        thread->state = STATE_INTERPRETER;
    }
    return trap == TRAP_NONE ? goes_on() : trapped(thread, trap, 0);
}

static struct step call_function(struct jit_thread *thread, struct wasm_func *function)
{
    if (function->instance != NULL) {
        return call_code(thread, function->instance, function->code);
    }
    thread->wasm->host = (struct wasm_host_call){function, thread->instance, thread->slots};
    thread->state = STATE_HOST;
    return ends(WASM_RUN_HOST);
}

// ---- exceptions

static struct step throw_reference(struct jit_thread *thread, wasm_slot reference)
{
    if (wasm_exception_find(thread->wasm->store, reference) == NULL) {
        return trapped(thread, TRAP_NULL_EXCEPTION, 0);
    }
    wasm_unwind_begin_crossed(thread->wasm, reference);
    jit_unwind_begin(thread, false);
    thread->state = STATE_THROW;
    return goes_on();
}

static struct step throw_tag(struct jit_thread *thread, const struct wasm_tag *tag, i64 *fuel)
{
    wasm_slot reference = 0;
    enum trap trap = wasm_exception_make(thread->wasm->store, tag, thread->slots, fuel, &reference);
    return trap == TRAP_NONE ? throw_reference(thread, reference) : trapped(thread, trap, 0);
}

static struct step throw_step(struct jit_thread *thread, i64 *fuel)
{
    switch (jit_unwind_step(thread, fuel)) {
    case JIT_UNWOUND_LANDED:
        thread->state = STATE_RESUME;
        return goes_on();
    case JIT_UNWOUND_CAUGHT:
        thread->state = STATE_INTERPRETER;
        return goes_on();
    case JIT_UNWOUND_PAUSED:
        return ends(WASM_RUN_PAUSED);
    case JIT_UNWOUND_UNCAUGHT:
        break;
    }
    if (!thread->unwind.is_interpreted) {
        return trapped(thread, thread->wasm->trap, 0);
    }
    thread->state = STATE_OUTSIDE;
    return ends(WASM_RUN_TRAPPED);
}

// What compiled code calls by thread->callee.
static struct step call(struct jit_thread *thread, i64 *fuel)
{
    struct wasm_instance *instance = thread->instance;
    const struct wasm_module *module = instance->module;
    u64 callee = thread->callee;
    u32 number = (u32)(callee >> 2);
    if (callee % 4 == JIT_TAG_HELPER) {
        thread->state = STATE_HELPER;
        return goes_on();
    }
    if (callee % 4 == JIT_TAG_THROW) {
        return throw_tag(thread, instance->tags[number], fuel);
    }
    if (callee % 4 != JIT_TAG_FUNCTION) {
        struct wasm_func *function = (struct wasm_func *)(uintptr_t)callee;
        const struct wasm_func_type *type = &module->types[thread->type];
        if (function->type != type && !wasm_type_equal(function->type, type)) {
            return trapped(thread, TRAP_INDIRECT_CALL_TYPE, 0);
        }
        return call_function(thread, function);
    }
    if (number < module->function_import_count) {
        return call_function(thread, instance->imports[number]);
    }
    return call_code(thread, instance,
                     module->bodies[number - module->function_import_count].translated);
}

//   constants  offset, memory
static struct ins park_ins(enum wasm_wait kind, const wasm_slot *constants)
{
    u16 bits = wasm_park_bits(kind, (u32)constants[1]);
    return (struct ins){.run = wasm_run_park, .b = bits, .c = (u32)constants[0]};
}

// The interpreter's instruction for the helper, whose operands are at thread->slots; those that
// are constants in the file are behind the others.
static struct ins helper_ins(const struct jit_thread *thread)
{
    const wasm_slot *slots = thread->slots;
    switch ((enum ir_helper)(thread->callee >> 2)) {
    case IR_HELPER_MEMORY_GROW:
        return (struct ins){.run = wasm_run_memory_grow};
    case IR_HELPER_MEMORY_FILL:
        return (struct ins){.run = wasm_run_memory_fill};
    case IR_HELPER_MEMORY_COPY:
        return (struct ins){.run = wasm_run_memory_copy};
    case IR_HELPER_MEMORY_INIT:
        return (struct ins){.run = wasm_run_memory_init, .c = (u32)slots[3]};
    case IR_HELPER_DATA_DROP:
        return (struct ins){.run = wasm_run_data_drop, .c = (u32)slots[0]};
    case IR_HELPER_TABLE_GROW:
        return (struct ins){.run = wasm_run_table_grow, .c = (u32)slots[2]};
    case IR_HELPER_TABLE_FILL:
        return (struct ins){.run = wasm_run_table_fill, .c = (u32)slots[3]};
    case IR_HELPER_TABLE_COPY:
        return (struct ins){
            .run = wasm_run_table_copy, .low = (u16)slots[3], .high = (u16)slots[4]};
    case IR_HELPER_TABLE_INIT:
        return (struct ins){.run = wasm_run_table_init, .b = (u16)slots[3], .c = (u32)slots[4]};
    case IR_HELPER_ELEM_DROP:
        return (struct ins){.run = wasm_run_elem_drop, .c = (u32)slots[0]};
    case IR_HELPER_NOTIFY:
        return park_ins(WASM_WAIT_NOTIFY, slots + 2);
    case IR_HELPER_WAIT_32:
        return park_ins(WASM_WAIT_32, slots + 3);
    case IR_HELPER_WAIT_64:
        return park_ins(WASM_WAIT_64, slots + 3);
    case IR_HELPER_MEMORY_GROW_OF:
        return (struct ins){.run = wasm_run_memory_grow, .c = (u32)slots[1]};
    case IR_HELPER_MEMORY_FILL_OF:
        return (struct ins){.run = wasm_run_memory_fill, .c = (u32)slots[3]};
    case IR_HELPER_MEMORY_COPY_OF:
        return (struct ins){
            .run = wasm_run_memory_copy, .low = (u16)slots[3], .high = (u16)slots[4]};
    case IR_HELPER_MEMORY_INIT_OF:
        return (struct ins){.run = wasm_run_memory_init, .b = (u16)slots[3], .c = (u32)slots[4]};
    case IR_HELPER_THROW_REF:
    case IR_HELPER_COUNT:
        break;
    }
    UNREACHABLE();
}

static struct step helper_step(struct jit_thread *thread, i64 *fuel)
{
    if (thread->callee >> 2 == IR_HELPER_THROW_REF) {
        return throw_reference(thread, thread->slots[0]);
    }
    enum wasm_run run =
        wasm_thread_single(thread->wasm, thread->instance, helper_ins(thread), thread->slots, fuel);
    if (run == WASM_RUN_PAUSED) {
        return ends(run);
    }
    if (run == WASM_RUN_TRAPPED) {
        return trapped(thread, thread->wasm->trap, 0);
    }
    if (run == WASM_RUN_HOST) { // it waits, or wakes; the result is expected where its operands are
        thread->state = STATE_HOST;
        return ends(run);
    }
    ASSERT(run == WASM_RUN_DONE);
    thread->state = STATE_ENTER;
    return goes_on();
}

typedef enum jit_leave stub_code(struct jit_thread *thread);

static u64 clock(const struct jit_thread *thread)
{
    return thread->clock_ns == NULL ? 0 : thread->clock_ns();
}

// The stack of compiled code as far as it is in use, where handles of exceptions may lie.
static struct wasm_words stack_words(const struct jit_thread *thread)
{
    u64 bytes = (u64)(thread->stack + JIT_STACK_BYTES - thread->sp);
    return (struct wasm_words){(const void *)thread->sp, (u32)(bytes / sizeof(wasm_slot))};
}

static struct step compiled_step(struct jit_thread *thread, i64 *fuel)
{
    if (*fuel <= 0) {
        return ends(WASM_RUN_PAUSED);
    }
    enum jit_stub stub = thread->state == STATE_ENTER ? JIT_STUB_ENTER : JIT_STUB_RESUME;
    stub_code *code = (stub_code *)(uintptr_t)thread->space->stubs[thread->bounds][stub];
    thread->instance->runner = thread;
    thread->instance->stack_end = thread->stack_end;
    u64 start_ns = clock(thread);
    if (stub == JIT_STUB_RESUME) {
        thread->instance->resume = (const void *)(uintptr_t)thread->registers.pc;
    }
    enum jit_leave reason = code(thread);
    thread->wasm->others[0] = stack_words(thread);
    *fuel -= JIT_FUEL_CROSSING + (i64)((clock(thread) - start_ns) / JIT_FUEL_NS);
    switch (reason) {
    case JIT_LEAVE_RETURN:
        segment_pop(thread);
        return goes_on();
    case JIT_LEAVE_CALL:
        return call(thread, fuel);
    case JIT_LEAVE_PAUSED:
        thread->state = STATE_RESUME;
        *fuel = 0;
        return ends(WASM_RUN_PAUSED);
    case JIT_LEAVE_TRAP:
        return trapped(thread, thread->fault, thread->fault_pc);
    }
    UNREACHABLE();
}

static struct step run_step(struct jit_thread *thread, i64 *fuel)
{
    switch ((enum state)thread->state) {
    case STATE_INTERPRETER:
        return interpreter_step(thread, fuel);
    case STATE_HOST:
        thread->state = STATE_ENTER;
        return goes_on();
    case STATE_ENTER:
    case STATE_RESUME:
        return compiled_step(thread, fuel);
    case STATE_HELPER:
        return helper_step(thread, fuel);
    case STATE_THROW:
        return throw_step(thread, fuel);
    case STATE_REFUSED:
        return trapped(thread, thread->wasm->trap, 0);
    case STATE_TRAPPED:
    case STATE_OUTSIDE:
        break;
    }
    ASSERT(false); // a thread that has trapped runs no more
    UNREACHABLE();
}

enum wasm_run jit_thread_run(struct jit_thread *thread, i64 *fuel)
{
    for (;;) {
        struct step step = run_step(thread, fuel);
        if (step.ends) {
            return step.run;
        }
    }
}

void jit_thread_refuse(struct jit_thread *thread, enum trap trap)
{
    if (thread->state == STATE_INTERPRETER) {
        wasm_thread_refuse(thread->wasm, trap);
        return;
    }
    ASSERT(thread->state == STATE_HOST && trap != TRAP_NONE);
    thread->wasm->trap = trap;
    thread->state = STATE_REFUSED;
}

enum jit_place jit_thread_place(const struct jit_thread *thread, u64 *pc)
{
    switch ((enum state)thread->state) {
    case STATE_INTERPRETER:
    case STATE_OUTSIDE:
        return JIT_PLACE_INTERPRETER;
    case STATE_RESUME:
        *pc = thread->registers.pc;
        return JIT_PLACE_AT;
    case STATE_TRAPPED:
        *pc = thread->fault_pc;
        return thread->fault_pc != 0 ? JIT_PLACE_AT : JIT_PLACE_LEFT;
    case STATE_THROW:
        return thread->unwind.is_interpreted ? JIT_PLACE_INTERPRETER : JIT_PLACE_LEFT;
    case STATE_ENTER:
    case STATE_HOST:
    case STATE_HELPER:
    case STATE_REFUSED:
        return JIT_PLACE_LEFT;
    }
    UNREACHABLE();
}
