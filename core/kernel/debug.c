// SPDX-License-Identifier: GPL-3.0-or-later
// A process that is debugged stops at probes (core/wasm/load.h) of its program's module; those of
// its adapter have none. Stopped, it is nobody's: in no queue, and not waiting for anything that
// could wake it. One that is interrupted while it waits for a message is *held*: whoever ends its
// wait makes it ready as ever, and it is stopped before it runs anything.
#include "core/kernel/debug.h"
#include "core/base/reader.h"
#include "core/base/text.h"
#include "core/kernel/internal.h"
#include "core/wasm/inspect.h"

// Most bytes that declare neighbouring locals of one type: how many, and the type, which may be an
// index.
enum { LOCAL_RUN_BYTES = 5 + 1 + 5 + 1 };

struct kernel_debug {
    struct kernel *kernel;
    struct kernel_debug *next; // of the kernel's
    void (*stopped)(void *context);
    void *context;
    // Under the kernel's lock.
    struct process *process; // NULL: not started, ended, or detached
    struct kernel_debug_state state;
    bool is_stepping;
    bool is_interrupted; // it is to stop, and says why when it does
    bool is_held;
    bool has_trapped;
    u32 offset; // BREAKPOINT: that of the stop, as the debugger set it
    // Breakpoints in order of the first, then of the second: of the instruction, and as it was set.
    u32 offsets[KERNEL_BREAKPOINTS];
    u32 said[KERNEL_BREAKPOINTS];
    struct wasm_probe probe;
};

enum err kernel_debug_create(struct kernel *kernel, void (*stopped)(void *context), void *context,
                             struct kernel_debug **out)
{
    struct kernel_debug *debug = memory_take(kernel->config.memory, sizeof *debug);
    if (debug == NULL) {
        return ERR_NO_MEMORY;
    }
    *debug = (struct kernel_debug){.kernel = kernel, .stopped = stopped, .context = context};
    debug->probe.offsets = debug->offsets;
    kernel_lock(kernel);
    debug->next = kernel->debugs;
    kernel->debugs = debug;
    kernel_unlock(kernel);
    *out = debug;
    return ERR_OK;
}

void debug_drop(struct kernel *kernel)
{
    while (kernel->debugs != NULL) {
        struct kernel_debug *debug = kernel->debugs;
        kernel->debugs = debug->next;
        memory_give(kernel->config.memory, debug, sizeof *debug);
    }
}

// ---- on the worker that has the process

void debug_process_new_locked(struct kernel_debug *debug, struct process *process)
{
    ASSERT(debug->process == NULL && process->debug == NULL);
    debug->process = process;
    debug->state.process = process->by_id.key;
    process->debug = debug;
    process->is_watched = true;
}

void debug_process_made(struct process *process)
{
    struct kernel_debug *debug = process->debug;
    ASSERT(process->compiled == NULL);
    debug->probe.module = process->program->module;
    debug->probe.is_wanted = true;
    process->thread.probe = &debug->probe;
}

// The instruction that has stopped it, as the breakpoint there was set; that of the instruction
// itself comes last, and before others.
static u32 offset_said(const struct kernel_debug *debug)
{
    struct wasm_frame frame;
    u32 count = wasm_thread_backtrace(&debug->process->thread, &frame, 1);
    u32 offset = count == 0 ? 0 : (u32)frame.offset;
    for (u32 i = debug->probe.offset_count; i > 0; i--) {
        if (debug->offsets[i - 1] == offset) {
            return debug->said[i - 1];
        }
    }
    return offset;
}

// Parks the process. Returns whether the debugger has to be told.
static bool stop_locked(struct kernel_debug *debug, enum kernel_stop stop)
{
    struct process *process = debug->process;
    process->state = PROCESS_STOPPED;
    if (debug->is_held) { // it was told before
        debug->is_held = false;
        return false;
    }
    debug->is_interrupted = false;
    debug->state.stop = stop;
    debug->offset = stop == KERNEL_STOP_BREAKPOINT ? offset_said(debug) : 0;
    return true;
}

static enum kernel_stop reason_of(const struct kernel_debug *debug)
{
    return debug->is_interrupted    ? KERNEL_STOP_INTERRUPT
           : debug->is_stepping     ? KERNEL_STOP_STEP
           : debug->probe.is_wanted ? KERNEL_STOP_ENTRY
                                    : KERNEL_STOP_BREAKPOINT;
}

// Stops it, unless it is to end: then that comes first.
static void stop(struct process *process, bool has_trapped)
{
    struct kernel_debug *debug = process->debug;
    struct kernel *kernel = process->kernel;
    kernel_lock(kernel);
    bool is_to_tell = false;
    debug->has_trapped = has_trapped;
    if (__atomic_load_n(&process->kill, __ATOMIC_RELAXED)) {
        process_ready_locked(kernel, process);
    } else {
        is_to_tell = stop_locked(debug, has_trapped ? KERNEL_STOP_TRAP : reason_of(debug));
    }
    kernel_unlock(kernel);
    if (is_to_tell) {
        debug->stopped(debug->context);
    }
}

void debug_stopped(struct process *process)
{
    stop(process, false);
}

bool debug_trapped(struct process *process)
{
    struct kernel_debug *debug = process->debug;
    if (debug == NULL || debug->has_trapped || process->thread.probe == NULL) {
        return false;
    }
    stop(process, true);
    return true;
}

bool debug_may_run(struct process *process)
{
    struct kernel_debug *debug = process->debug;
    kernel_lock(process->kernel);
    bool is_held = debug->is_held && !__atomic_load_n(&process->kill, __ATOMIC_RELAXED);
    if (is_held) {
        (void)stop_locked(debug, KERNEL_STOP_NONE);
    }
    kernel_unlock(process->kernel);
    return !is_held;
}

bool debug_holds_locked(const struct process *process)
{
    return process->debug != NULL && process->thread.probe != NULL;
}

bool debug_is_to_end(const struct process *process)
{
    return process->debug != NULL && process->debug->has_trapped;
}

void debug_ended(struct process *process, const struct kernel_ending *ending)
{
    struct kernel_debug *debug = process->debug;
    kernel_lock(process->kernel);
    debug->process = NULL;
    debug->is_held = false;
    debug->state.stop = KERNEL_STOP_ENDED;
    debug->state.is_killed = ending->kind == KERNEL_KILLED;
    debug->state.has_trapped = ending->kind == KERNEL_TRAPPED;
    debug->state.code = ending->code;
    kernel_unlock(process->kernel);
    debug->stopped(debug->context);
}

// ---- for the machine

struct kernel_debug_state kernel_debug_look(struct kernel_debug *debug)
{
    kernel_lock(debug->kernel);
    struct kernel_debug_state state = debug->state;
    kernel_unlock(debug->kernel);
    return state;
}

// Whether it waits for something that another does, and is nobody's meanwhile.
static bool is_waiting(const struct process *process)
{
    return process->state == PROCESS_WAITING || process->state == PROCESS_AWAITING ||
           process->state == PROCESS_PARKED;
}

// Whether what it holds may be looked at and changed.
static bool is_stopped_locked(const struct kernel_debug *debug)
{
    if (debug->process == NULL || debug->state.stop == KERNEL_STOP_NONE) {
        return false;
    }
    return debug->process->state == PROCESS_STOPPED || is_waiting(debug->process);
}

// Takes the lock if it is stopped.
static enum err enter(struct kernel_debug *debug)
{
    kernel_lock(debug->kernel);
    if (is_stopped_locked(debug)) {
        return ERR_OK;
    }
    kernel_unlock(debug->kernel);
    return ERR_BUSY;
}

void kernel_debug_describe(struct kernel_debug *debug, struct text *out)
{
    if (enter(debug) == ERR_OK) {
        if (debug->state.stop == KERNEL_STOP_TRAP) {
            wasm_thread_describe(&debug->process->thread, out);
        }
        kernel_unlock(debug->kernel);
    }
}

static void go_locked(struct kernel_debug *debug, bool step)
{
    struct process *process = debug->process;
    debug->is_held = false;
    debug->is_interrupted = false;
    debug->is_stepping = step;
    debug->state.stop = KERNEL_STOP_NONE;
    __atomic_store_n(&debug->probe.is_wanted, step, __ATOMIC_RELAXED);
    if (process->state == PROCESS_STOPPED) {
        process_ready_locked(debug->kernel, process);
    }
}

enum err kernel_debug_go(struct kernel_debug *debug, bool step)
{
    TRY(enter(debug));
    go_locked(debug, step);
    kernel_unlock(debug->kernel);
    return ERR_OK;
}

enum err kernel_debug_detach(struct kernel_debug *debug)
{
    TRY(enter(debug));
    struct process *process = debug->process;
    debug->probe.offset_count = 0;
    process->thread.probe = NULL;
    go_locked(debug, false);
    kernel_unlock(debug->kernel);
    return ERR_OK;
}

// Debuggers take a function to begin where its locals are declared. Of such a place the function's
// first instruction; else the offset itself.
static u32 instruction_at(const struct wasm_module *module, u32 offset)
{
    u32 low = 0;
    u32 high = module->function_count - module->function_import_count;
    u32 body_count = high;
    while (low < high) { // the first body whose instructions begin behind it
        u32 middle = low + (high - low) / 2;
        if (module->bodies[middle].offset <= offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == body_count) {
        return offset;
    }
    const struct wasm_body *body = &module->bodies[low];
    const struct wasm_body *before = low == 0 ? NULL : body - 1;
    struct reader in = reader_over(span_slice(module->bytes, offset, body->offset));
    u32 runs;
    bool is_head = (before == NULL || before->offset + before->code.size <= offset) &&
                   reader_leb_u32(&in, &runs, NULL) == ERR_OK && runs == body->local_run_count &&
                   reader_left(&in) / 2 >= runs && reader_left(&in) / LOCAL_RUN_BYTES <= runs;
    return is_head ? (u32)body->offset : offset;
}

enum err kernel_debug_break(struct kernel_debug *debug, u32 offset, bool set)
{
    TRY(enter(debug));
    struct wasm_probe *probe = &debug->probe;
    u32 at = 0;
    u32 instruction = instruction_at(debug->process->program->module, offset);
    while (at < probe->offset_count &&
           (debug->offsets[at] < instruction ||
            (debug->offsets[at] == instruction && debug->said[at] < offset))) {
        at++;
    }
    bool is_set = at < probe->offset_count && debug->said[at] == offset;
    enum err err = ERR_OK;
    size_t behind = (probe->offset_count - at) * sizeof(u32);
    if (set && !is_set && probe->offset_count == KERNEL_BREAKPOINTS) {
        err = ERR_LIMIT;
    } else if (set && !is_set) {
        mem_move(&debug->offsets[at + 1], &debug->offsets[at], behind);
        mem_move(&debug->said[at + 1], &debug->said[at], behind);
        debug->offsets[at] = instruction;
        debug->said[at] = offset;
        probe->offset_count++;
    } else if (!set && is_set) {
        mem_move(&debug->offsets[at], &debug->offsets[at + 1], behind - sizeof(u32));
        mem_move(&debug->said[at], &debug->said[at + 1], behind - sizeof(u32));
        probe->offset_count--;
    }
    kernel_unlock(debug->kernel);
    return err;
}

enum err kernel_debug_interrupt(struct kernel_debug *debug)
{
    kernel_lock(debug->kernel);
    struct process *process = debug->process;
    enum err err = ERR_OK;
    bool is_to_tell = false;
    if (process != NULL && debug->state.stop == KERNEL_STOP_NONE) {
        debug->is_interrupted = true;
        __atomic_store_n(&debug->probe.is_wanted, true, __ATOMIC_RELAXED);
        if (is_waiting(process)) {
            debug->is_held = true;
            debug->is_interrupted = false;
            debug->state.stop = KERNEL_STOP_INTERRUPT;
            is_to_tell = true;
        } else {
            err = ERR_PAUSED;
        }
    }
    kernel_unlock(debug->kernel);
    if (is_to_tell) {
        debug->stopped(debug->context);
    }
    return err;
}

// How many bytes of `size` at an offset lie inside a whole of `bytes`.
static u32 inside_of(u64 bytes, u64 offset, u32 size)
{
    return offset >= bytes ? 0 : bytes - offset < size ? (u32)(bytes - offset) : size;
}

enum err kernel_debug_module_read(struct kernel_debug *debug, u64 offset, u8 *to, u32 size,
                                  u32 *done)
{
    ASSERT(size <= KERNEL_COPY_LOCKED);
    TRY(enter(debug));
    struct span module = debug->process->program->module->bytes;
    *done = inside_of(module.size, offset, size);
    if (*done != 0) {
        mem_copy(to, module.data + offset, *done);
    }
    kernel_unlock(debug->kernel);
    return ERR_OK;
}

enum err kernel_debug_frames(struct kernel_debug *debug, struct kernel_debug_frame *out, u32 count,
                             u32 *written)
{
    TRY(enter(debug));
    const struct process *process = debug->process;
    struct wasm_frame frames[KERNEL_DEBUG_FRAMES];
    count = count < KERNEL_DEBUG_FRAMES ? count : KERNEL_DEBUG_FRAMES;
    *written = wasm_thread_backtrace(&process->thread, frames, count);
    for (u32 i = 0; i < *written; i++) {
        out[i] = (struct kernel_debug_frame){
            .offset = frames[i].offset,
            .place = frames[i].place,
            .function = frames[i].function,
            .is_adapter = frames[i].instance != process->instance,
        };
    }
    if (*written != 0 && debug->state.stop == KERNEL_STOP_BREAKPOINT) {
        out[0].offset = debug->offset;
    }
    kernel_unlock(debug->kernel);
    return ERR_OK;
}

enum err kernel_debug_value(struct kernel_debug *debug, enum kernel_debug_what what, u32 frame,
                            u32 index, u8 *type, u64 bits[2])
{
    TRY(enter(debug));
    const struct wasm_thread *thread = &debug->process->thread;
    struct wasm_value value = {0};
    bool found = false;
    if (frame < KERNEL_DEBUG_FRAMES) {
        found = what == KERNEL_DEBUG_LOCAL     ? wasm_thread_local(thread, frame, index, &value)
                : what == KERNEL_DEBUG_OPERAND ? wasm_thread_operand(thread, frame, index, &value)
                                               : wasm_thread_global(thread, frame, index, &value);
    }
    kernel_unlock(debug->kernel);
    *type = value.type;
    bits[0] = value.bits[0];
    bits[1] = value.bits[1];
    return found ? ERR_OK : ERR_NOT_FOUND;
}

// How many of the bytes lie inside the program's memory 0, and where.
static u8 *memory_at(const struct process *process, u64 address, u32 size, u32 *inside)
{
    const struct wasm_memory *memory = process->memory;
    u64 bytes = memory == NULL ? 0 : wasm_memory_bytes(memory);
    *inside = inside_of(bytes, address, size);
    return *inside == 0 ? NULL : memory->base + address;
}

enum err kernel_debug_read(struct kernel_debug *debug, u64 address, u8 *to, u32 size, u32 *done)
{
    ASSERT(size <= KERNEL_COPY_LOCKED);
    TRY(enter(debug));
    const u8 *from = memory_at(debug->process, address, size, done);
    mem_copy(to, from, *done);
    kernel_unlock(debug->kernel);
    return ERR_OK;
}

enum err kernel_debug_write(struct kernel_debug *debug, u64 address, struct span bytes)
{
    ASSERT(bytes.size <= KERNEL_COPY_LOCKED);
    TRY(enter(debug));
    u32 inside;
    u8 *to = memory_at(debug->process, address, (u32)bytes.size, &inside);
    bool fits = inside == bytes.size;
    if (fits) {
        mem_copy(to, bytes.data, bytes.size);
    }
    kernel_unlock(debug->kernel);
    return fits ? ERR_OK : ERR_LIMIT;
}
