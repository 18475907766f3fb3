// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/compiled.h"
#include "core/base/report.h"
#include "core/jit/compile.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/jit/x86_64/asm.h"
#include "core/kernel/internal.h"
#include "core/kernel/kept.h"
#include "core/platform.h"
#include "core/wasm/crossing.h"

STATIC_ASSERT((u32)PLATFORM_X86_AVX == X64_HAS_AVX && (u32)PLATFORM_X86_AVX2 == X64_HAS_AVX2);
STATIC_ASSERT((u32)PLATFORM_X86_BMI1 == X64_HAS_BMI1 && (u32)PLATFORM_X86_BMI2 == X64_HAS_BMI2);
STATIC_ASSERT((u32)PLATFORM_X86_LZCNT == X64_HAS_LZCNT);
STATIC_ASSERT((u32)JIT_PAGE_BYTES == PLATFORM_PAGE_BYTES);

// The compiled side of a program.
struct program_code {
    struct program *program;
    struct jit_module module;
    struct job job; // where it is not compiled at once
    // Whose turn it is to compile.
    struct jit_compiler compiler;
    u32 next; // function
    u32 hot_next;
    bool has_hot; // in the batch
    bool has_failed;
    // Everybody's.
    bool is_done;     // atomic
    struct lock lock; // what follows; held for moments
    u32 hot_count;
    struct hot {
        u32 function;
        u32 origin; // of a loop
        const struct ins *head;
    } hot[KERNEL_HOT]; // loops that were seen running
};

// ---- the machine

static const struct jit_pages pages = {
    .reserve = platform_guarded_reserve,
    .release = platform_pages_release,
    .commit = platform_guarded_commit,
    .decommit = platform_guarded_decommit,
    .make_executable = platform_pages_make_executable,
    .relax = platform_relax,
};

static bool interrupted(void *context, enum platform_interrupt what, u64 address,
                        struct registers *registers)
{
    static const u8 faults[] = {
        [PLATFORM_TICK] = JIT_FAULT_NONE,
        [PLATFORM_FAULT_ADDRESS] = JIT_FAULT_ADDRESS,
        [PLATFORM_FAULT_INSTRUCTION] = JIT_FAULT_INSTRUCTION,
        [PLATFORM_FAULT_ARITHMETIC] = JIT_FAULT_ARITHMETIC,
    };
    const struct jit_space *space = context;
    return jit_interrupt(space, registers, faults[what], address) == JIT_INTERRUPT_DONE;
}

// The machine wants to know where code lies.
static void code_tell(void *context, const struct jit_batch *batch)
{
    static const u8 kinds[] = {
        [JIT_CODE_FUNCTION] = KERNEL_CODE_FUNCTION,
        [JIT_CODE_ENTER] = KERNEL_CODE_ENTER,
        [JIT_CODE_LEAVE] = KERNEL_CODE_LEAVE,
        [JIT_CODE_LINK] = KERNEL_CODE_LEAVE,
    };
    const struct kernel *kernel = context;
    const struct program_code *program = CONTAINER_OF(batch->module, struct program_code, module);
    for (u32 i = 0; i < batch->code_count; i++) {
        const struct jit_code *code = &batch->codes[i];
        bool is_function = code->kind == JIT_CODE_FUNCTION;
        const struct wasm_module *module = batch->module->module;
        struct kernel_code told = {
            .kind = (enum kernel_code_kind)kinds[code->kind],
            .start = (u64)(uintptr_t)batch->base + code->start,
            .size = code->end - code->start,
            .cid = span_string(program->program->cid),
            .function = is_function ? code->function : 0,
        };
        if (is_function) {
            told.name = wasm_module_function_name(module, code->function);
        }
        kernel->config.code_placed(kernel->config.code_context, &told);
    }
}

static enum err space_open(struct kernel *kernel)
{
    struct platform_cpu_facts facts = platform_cpu_facts();
    if (facts.cpu != PLATFORM_CPU_X86_64) {
        return ERR_UNSUPPORTED;
    }
    struct jit_options options = {
        .bounds = JIT_BOUNDS_GUARD,
        .segment = facts.has_segment,
        .features = facts.features,
    };
    struct jit_space *space = memory_take(kernel_memory(kernel), sizeof *space);
    if (space == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err =
        jit_space_init(space, &pages, &jit_target_x86_64, &options, kernel_memory(kernel));
    if (err == ERR_OK) {
        err = platform_interrupts(interrupted, space);
        if (err != ERR_OK) {
            jit_space_drop(space);
        }
    }
    if (err != ERR_OK) {
        memory_give(kernel_memory(kernel), space, sizeof *space);
        return err;
    }
    if (kernel->config.code_placed != NULL) {
        space->placed = code_tell;
        space->placed_context = kernel;
    }
    kernel->space = space;
    return ERR_OK;
}

enum err compiled_open(struct kernel *kernel, struct report *report)
{
    if (kernel->config.engine == KERNEL_ENGINE_INTERPRETER) {
        return ERR_OK;
    }
    enum err err = space_open(kernel);
    if (err != ERR_OK && kernel->config.engine == KERNEL_ENGINE_COMPILED) {
        return report_err(report, err, 0, "this machine runs no compiled code");
    }
    return ERR_OK;
}

void compiled_close(struct kernel *kernel)
{
    if (kernel->space == NULL) {
        return;
    }
    enum err err = platform_interrupts(NULL, NULL);
    ASSERT(err == ERR_OK);
    jit_space_drop(kernel->space);
    memory_give(kernel_memory(kernel), kernel->space, sizeof *kernel->space);
    kernel->space = NULL;
}

// ---- programs

static struct program_code *code_of(const struct program *program)
{
    return __atomic_load_n(&program->code, __ATOMIC_ACQUIRE);
}

static void hot_lock(struct program_code *code)
{
    while (!lock_try(&code->lock)) {
        platform_relax();
    }
}

// The next loop that was seen running; false: none.
static bool hot_take(struct program_code *code, struct hot *out)
{
    hot_lock(code);
    bool found = code->hot_next < code->hot_count;
    if (found) {
        *out = code->hot[code->hot_next++];
    }
    lock_release(&code->lock);
    return found;
}

// Compiles what should come next. ERR_NOT_FOUND: nothing is left.
static enum err compile_next(struct program_code *code)
{
    struct jit_compiler *compiler = &code->compiler;
    struct hot hot;
    if (code->module.code_bytes >= KERNEL_CODE_BYTES) {
        return ERR_LIMIT;
    }
    if (hot_take(code, &hot)) {
        code->has_hot = true;
        TRY(jit_compile_one_loop(compiler, hot.function, hot.origin, hot.head));
        return jit_compile_one(compiler, hot.function);
    }
    if (code->next == code->module.module->function_count) {
        return ERR_NOT_FOUND;
    }
    return jit_compile_one(compiler, code->next++);
}

// Compiles until the time is over. True: everything is, or it cannot go on.
static bool compile_for(struct program_code *code, u64 time_ns)
{
    u64 start_ns = platform_clock_ns();
    do {
        enum err err = compile_next(code);
        if (err != ERR_OK) {
            code->has_failed |= err != ERR_NOT_FOUND;
            return true;
        }
    } while (platform_clock_ns() - start_ns < time_ns);
    if (code->has_hot) { // who runs it should not wait for the batch to become full
        code->has_hot = false;
        code->has_failed = jit_compile_end(&code->compiler) != ERR_OK;
        return code->has_failed;
    }
    return false;
}

static void compile_end(struct program_code *code)
{
    // What could not be placed stays with the interpreter.
    if (jit_compile_end(&code->compiler) != ERR_OK) {
        code->has_failed = true;
    }
    bool is_whole = !code->has_failed && code->next == code->module.module->function_count;
    kept_save(code->program, &code->compiler, is_whole);
    __atomic_store_n(&code->is_done, true, __ATOMIC_RELEASE);
}

static void give(struct program *program)
{
    kernel_lock(program->kernel);
    program_give_locked(program->kernel, program);
    kernel_unlock(program->kernel);
}

static bool compile_step(struct job *job, i64 *fuel)
{
    struct program_code *code = CONTAINER_OF(job, struct program_code, job);
    u64 start_ns = platform_clock_ns();
    bool is_over = job_is_cancelled(job) || compile_for(code, (u64)*fuel * JIT_FUEL_NS);
    if (is_over) {
        compile_end(code);
    }
    *fuel -= 1 + (i64)((platform_clock_ns() - start_ns) / JIT_FUEL_NS);
    if (is_over) {
        give(code->program);
    }
    return !is_over;
}

// A loop was found after the program's functions were done: a job for it, if none is under way.
static void compile_again(struct program *program)
{
    struct kernel *kernel = program->kernel;
    struct program_code *code = code_of(program);
    kernel_lock(kernel);
    if (__atomic_load_n(&code->is_done, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&code->is_done, false, __ATOMIC_RELEASE);
        program->reference_count++;
        job_start_locked(kernel, &code->job, JOB_LOW, compile_step);
    }
    kernel_unlock(kernel);
}

// Takes what was kept from an earlier run, and compiles what is missing.
static bool place_step(struct job *job, i64 *fuel)
{
    struct program_code *code = CONTAINER_OF(job, struct program_code, job);
    struct kernel *kernel = code->program->kernel;
    bool is_cancelled = job_is_cancelled(job);
    *fuel -= 1; // a step costs something, also where nothing was kept
    enum err err = is_cancelled ? ERR_CLOSED : kept_step(code->program, &code->module, fuel);
    if (err == ERR_PAUSED) {
        return true;
    }
    if (is_cancelled || (err == ERR_OK && kept_is_whole(code->program))) {
        code->next = code->module.module->function_count;
        __atomic_store_n(&code->is_done, true, __ATOMIC_RELEASE);
        give(code->program);
        return false;
    }
    kept_write(code->program, &code->compiler);
    kernel_lock(kernel);
    job_start_locked(kernel, job, JOB_LOW, compile_step);
    kernel_unlock(kernel);
    return false;
}

static struct program_code *code_new(struct program *program)
{
    struct memory *memory = kernel_memory(program->kernel);
    struct program_code *code = memory_take(memory, sizeof *code);
    if (code == NULL) {
        return NULL;
    }
    mem_zero(code, sizeof *code);
    code->program = program;
    code->next = program->module->function_import_count;
    if (jit_module_create(program->kernel->space, program->module, KERNEL_PROGRAM_BYTES,
                          &code->module) != ERR_OK) {
        memory_give(memory, code, sizeof *code);
        return NULL;
    }
    jit_compile_begin(&code->compiler, &code->module, memory);
    return code;
}

static void code_free(struct program_code *code)
{
    struct memory *memory = kernel_memory(code->program->kernel);
    jit_module_destroy(&code->module);
    memory_give(memory, code, sizeof *code);
}

// Makes the compiled side of a program, if nobody else does. NULL: somebody does, or there is no
// memory.
//   step  NULL, or starts with it as a job
static struct program_code *code_start(struct program *program, enum job_share share,
                                       job_step *step)
{
    struct program_code *code = code_of(program) == NULL ? code_new(program) : NULL;
    if (code == NULL) {
        return NULL;
    }
    struct kernel *kernel = program->kernel;
    kernel_lock(kernel);
    bool is_first = program->code == NULL;
    if (is_first) {
        __atomic_store_n(&program->code, code, __ATOMIC_RELEASE);
        if (step != NULL) {
            program->reference_count++; // the job's
            job_start_locked(kernel, &code->job, share, step);
        }
    }
    kernel_unlock(kernel);
    if (!is_first) {
        code_free(code);
        return NULL;
    }
    return code;
}

// Code of an earlier run is there.
static void code_arrived(struct program *program)
{
    (void)code_start(program, JOB_NORMAL, place_step);
}

// Asks for code of an earlier run.
static void ask(struct program *program)
{
    if (program != NULL) {
        bool waits = program->kernel->config.engine == KERNEL_ENGINE_COMPILED;
        kept_ask(program, waits ? NULL : code_arrived);
    }
}

// Sees to it that a program that has run for a while is compiled.
static void want_code(struct program *program)
{
    // place_step does what compile_step does, where nothing was kept.
    if (program != NULL && kept_is_answered(program)) {
        (void)code_start(program, JOB_LOW, place_step);
    }
}

// The same, here and now.
static void want_code_now(struct program *program)
{
    struct program_code *code = program == NULL ? NULL : code_start(program, JOB_LOW, NULL);
    if (code == NULL) {
        return;
    }
    while (program->kept != NULL && !kept_is_answered(program)) {
        platform_relax();
    }
    i64 fuel;
    enum err err;
    do {
        fuel = INT64_MAX;
        err = kept_step(program, &code->module, &fuel);
    } while (err == ERR_PAUSED);
    if (err == ERR_OK && kept_is_whole(program)) {
        code->next = code->module.module->function_count;
    } else {
        kept_write(program, &code->compiler);
        (void)compile_for(code, UINT64_MAX);
    }
    compile_end(code);
}

u64 compiled_program_bytes(const struct program *program)
{
    const struct program_code *code = code_of(program);
    return code == NULL ? 0 : code->module.arena.used_bytes + code->module.code_bytes;
}

void compiled_program_drop(struct program *program)
{
    struct program_code *code = program->code;
    if (code != NULL) {
        code_free(code);
        program->code = NULL;
    }
    kept_drop(program);
}

// ---- processes

void compiled_process_begin(struct process *process)
{
    struct kernel *kernel = process->kernel;
    if (kernel->space != NULL) {
        u32 before = __atomic_fetch_add(&kernel->fast_count, 1, __ATOMIC_RELAXED);
        process->is_fast = before < KERNEL_FAST;
        if (process->is_fast) {
            ask(process->program);
            ask(process->program->adapter);
        } else {
            __atomic_fetch_sub(&kernel->fast_count, 1, __ATOMIC_RELAXED);
        }
    }
}

void compiled_process_stop(struct process *process)
{
    if (process->compiled != NULL) {
        jit_thread_drop(process->compiled);
        memory_give(&process->charge, process->compiled, sizeof *process->compiled);
        process->compiled = NULL;
    }
}

void compiled_process_end(struct process *process)
{
    if (process->is_fast) {
        __atomic_fetch_sub(&process->kernel->fast_count, 1, __ATOMIC_RELAXED);
        process->is_fast = false;
    }
}

static void attach(struct wasm_instance *instance, const struct program *program)
{
    struct program_code *code = program == NULL ? NULL : code_of(program);
    if (code != NULL) {
        jit_module_attach(&code->module, instance);
    }
}

// From now on its calls go to compiled code where there is some.
static void switch_over(struct process *process)
{
    struct jit_thread *thread = memory_take(&process->charge, sizeof *thread);
    if (thread == NULL) {
        return;
    }
    jit_thread_init(thread, &process->thread, process->kernel->space, NULL); // paid in schedule.c
    process->compiled = thread;
    attach(process->instance, process->program);
    if (process->adapter != NULL) {
        attach(process->adapter, process->program->adapter);
    }
}

// Remembers the loop in which a process is, to be compiled first. There are KERNEL_HOT of them at
// most, so looking for its place in the file is rare.
static void note_loop(const struct process *process)
{
    const struct ins *head = wasm_thread_loop(&process->thread);
    struct wasm_instance *instance = process->thread.instance;
    if (head == NULL || instance == NULL) {
        return;
    }
    struct program *program =
        instance == process->instance ? process->program : process->program->adapter;
    struct program_code *code = code_of(program);
    if (code == NULL) {
        return;
    }
    hot_lock(code);
    bool is_known = code->hot_count == KERNEL_HOT;
    for (u32 i = 0; i < code->hot_count && !is_known; i++) {
        is_known = code->hot[i].head == head;
    }
    if (!is_known) {
        struct wasm_loop loop = wasm_thread_loop_place(&process->thread);
        code->hot[code->hot_count++] = (struct hot){loop.function, loop.origin, head};
    }
    lock_release(&code->lock);
    if (!is_known) {
        compile_again(program);
    }
}

// A slice of the interpreter is over: is it time for another engine?
static NOINLINE void consider(struct process *process)
{
    struct program_code *code = code_of(process->program);
    if (code != NULL) {
        if (process->compiled == NULL) {
            switch_over(process);
        }
        note_loop(process);
    } else if (process->fuel_used >= KERNEL_FUEL_HOT) {
        want_code(process->program);
        want_code(process->program->adapter);
    }
}

enum err process_call(struct process *process, struct wasm_func *function, const wasm_slot *args)
{
    return process->compiled != NULL ? jit_thread_call(process->compiled, function, args)
                                     : wasm_thread_call(&process->thread, function, args);
}

enum wasm_run process_run(struct process *process, i64 *fuel)
{
    enum wasm_run run = process->compiled != NULL ? jit_thread_run(process->compiled, fuel)
                                                  : wasm_thread_run(&process->thread, fuel);
    if (UNLIKELY(run == WASM_RUN_PAUSED) && process->is_fast) {
        consider(process);
    }
    return run;
}

void process_describe(struct process *process, struct text *out)
{
    if (process->compiled != NULL) {
        jit_thread_describe(process->compiled, out);
    } else {
        wasm_thread_describe(&process->thread, out);
    }
}

u32 process_backtrace(struct process *process, struct wasm_frame *out, u32 count)
{
    return process->compiled != NULL ? jit_thread_backtrace(process->compiled, out, count)
                                     : wasm_thread_backtrace(&process->thread, out, count);
}

static void code_await(const struct program *program)
{
    const struct program_code *code = program == NULL ? NULL : code_of(program);
    // Another worker may be at it.
    while (code != NULL && !__atomic_load_n(&code->is_done, __ATOMIC_ACQUIRE)) {
        platform_relax();
    }
}

void compiled_process_made(struct process *process)
{
    if (process->is_fast && process->kernel->config.engine == KERNEL_ENGINE_COMPILED) {
        struct program *program = process->program;
        want_code_now(program);
        want_code_now(program->adapter);
        code_await(program);
        code_await(program->adapter);
        switch_over(process);
    }
    if (process->kernel->config.is_verbose) {
        kept_say_begins(process->program);
    }
}
