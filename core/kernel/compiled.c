// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/compiled.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/jit/compile.h"
#include "core/jit/limits.h"
#include "core/jit/module.h"
#include "core/jit/space.h"
#include "core/jit/target.h"
#include "core/jit/thread.h"
#include "core/jit/x86_64/asm.h"
#include "core/kernel/internal.h"
#include "core/kernel/jit_platform.h"
#include "core/kernel/kept.h"
#include "core/platform.h"
#include "core/wasm/crossing.h"
#include "core/wasm/names.h"

STATIC_ASSERT((u32)PLATFORM_X86_AVX == X64_HAS_AVX && (u32)PLATFORM_X86_AVX2 == X64_HAS_AVX2);
STATIC_ASSERT((u32)PLATFORM_X86_BMI1 == X64_HAS_BMI1 && (u32)PLATFORM_X86_BMI2 == X64_HAS_BMI2);
STATIC_ASSERT((u32)PLATFORM_X86_LZCNT == X64_HAS_LZCNT);
STATIC_ASSERT((u32)JIT_PAGE_BYTES == PLATFORM_PAGE_BYTES);

// The compiled side of a program.
struct hot {
    u32 function;
    u32 origin; // of a loop
    const struct ins *head;
};

enum hot_stage { HOT_NONE, HOT_LOOP, HOT_FUNCTION };

struct program_code {
    struct program *program;
    enum jit_bounds bounds; // its kind
    struct jit_module module;
    struct job job;
    struct process *payer; // the family that pays for the job, while it is under way; NULL: nobody
    struct memory memory;  // charged to it
    u64 paid_bytes;        // of machine code, in program->code_bytes
    // The job's.
    struct jit_compiler compiler;
    u32 next;           // function
    struct hot hot_now; // being compiled
    u8 hot_stage;       // enum hot_stage
    bool has_hot;       // in the batch
    bool has_failed;
    struct wasm_names_place names; // code_tell's
    u32 refused_count;             // that were named in the log
    u32 refused[KERNEL_REFUSED];   //
    // Everybody's.
    bool is_done;     // atomic: there is no job
    bool is_settled;  // there was none: nobody need wait. Under kernel->lock
    struct lock lock; // what follows; held for moments
    u32 hot_next;     // that no job has taken
    u32 hot_count;
    struct hot hot[KERNEL_HOT]; // loops that were seen running
};

// ---- the machine

static bool interrupted(void *context, enum platform_interrupt what, u64 address,
                        struct registers *registers)
{
    const struct jit_space *space = context;
    return jit_interrupt(space, registers, jit_fault_of(what), address) == JIT_INTERRUPT_DONE;
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
    struct program_code *program = CONTAINER_OF(batch->module, struct program_code, module);
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
            told.name = wasm_module_function_name_from(module, &program->names, code->function);
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
    kernel->compiles_at_once = facts.keeps_stacks;
    struct jit_options options = {
        .segment = facts.has_segment,
        .features = facts.features,
    };
    struct jit_space *space = memory_take(kernel_memory(kernel), sizeof *space);
    if (space == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = jit_space_init(space, &jit_platform_pages, &jit_target_x86_64, &options,
                                  kernel_memory(kernel));
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

static struct program_code *code_of(const struct program *program, enum jit_bounds bounds)
{
    return __atomic_load_n(&program->code[bounds], __ATOMIC_ACQUIRE);
}

// The kind of code that a process runs.
static enum jit_bounds bounds_of(const struct process *process)
{
    return process->is_fast ? JIT_BOUNDS_GUARD : JIT_BOUNDS_CHECK;
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

// The loop that is being compiled, then the function around it.
static enum err compile_hot(struct program_code *code)
{
    struct jit_compiler *compiler = &code->compiler;
    const struct hot *hot = &code->hot_now;
    code->has_hot = true;
    if (code->hot_stage == HOT_LOOP) {
        TRY(jit_compile_one_loop(compiler, hot->function, hot->origin, hot->head));
        code->hot_stage = HOT_FUNCTION;
    }
    TRY(jit_compile_one(compiler, hot->function));
    code->hot_stage = HOT_NONE;
    return ERR_OK;
}

// Compiles what should come next. ERR_NOT_FOUND: nothing is left.
static enum err compile_next(struct program_code *code)
{
    if (code->hot_stage == HOT_NONE && !jit_compile_is_paused(&code->compiler) &&
        hot_take(code, &code->hot_now)) {
        code->hot_stage = HOT_LOOP;
    }
    if (code->hot_stage != HOT_NONE) {
        return compile_hot(code);
    }
    if (code->has_hot && !jit_compile_is_paused(&code->compiler)) {
        code->has_hot = false; // who runs it should not wait for the batch to become full
        return jit_compile_end(&code->compiler);
    }
    if (code->next == code->module.module->function_count) {
        return ERR_NOT_FOUND;
    }
    TRY(jit_compile_one(&code->compiler, code->next));
    code->next++;
    return ERR_OK;
}

// Says that a function stays with the interpreter, and why: once, of the first so many.
static void refusal_say(struct program_code *code)
{
    const struct jit_compiler *compiler = &code->compiler;
    const struct program *program = code->program;
    u32 function = compiler->source.function;
    bool is_known = code->refused_count == KERNEL_REFUSED;
    for (u32 i = 0; i < code->refused_count && !is_known; i++) {
        is_known = code->refused[i] == function;
    }
    if (is_known || !program->kernel->config.is_verbose) {
        return;
    }
    code->refused[code->refused_count++] = function;
    const struct wasm_module *module = program->module;
    struct wasm_names_place place = {0};
    char buffer[384];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "redshirt: ");
    text_string(&text, program->cid);
    text_string(&text, ": function ");
    text_u64(&text, function);
    text_string(&text, compiler->source.is_loop ? ", begun at a loop," : "");
    text_string(&text, " stays interpreted: the compiler ends with \"");
    text_string(&text, err_name(compiler->refusal));
    text_string(&text, "\" at its ");
    text_u64(&text, module->bodies[function - module->function_import_count].code.size);
    text_string(&text, " bytes. Its name: "); // last, so that it is what is cut
    text_printable(&text, wasm_module_function_name_from(module, &place, function));
    platform_log(span_of(text.data, text.size));
}

// Compiles until the fuel is used up. True: everything is, or it cannot go on.
static bool compile_for(struct program_code *code, i64 *fuel)
{
    enum { FUNCTION_UNITS = 200, BODY_UNITS = 100 }; // where a function is compiled in one step
    struct jit_compiler *compiler = &code->compiler;
    bool pauses = !code->program->kernel->compiles_at_once;
    enum err err = ERR_OK;
    compiler->work = pauses ? fuel : NULL;
    while (err == ERR_OK && *fuel > 0) {
        u64 before = compiler->body_bytes;
        u32 refused = compiler->refused;
        err = compile_next(code);
        if (UNLIKELY(compiler->refused != refused)) {
            refusal_say(code);
        }
        *fuel -= FUNCTION_UNITS;
        *fuel -= pauses ? 0 : (i64)(compiler->body_bytes - before) * BODY_UNITS;
    }
    compiler->work = NULL;
    code->has_failed |= err != ERR_OK && err != ERR_PAUSED && err != ERR_NOT_FOUND;
    return err != ERR_OK && err != ERR_PAUSED;
}

static void compile_end(struct program_code *code)
{
    if (jit_compile_is_paused(&code->compiler)) {
        jit_compile_give_up(&code->compiler);
        code->has_failed = true;
    } else if (jit_compile_end(&code->compiler) != ERR_OK) {
        code->has_failed = true; // what could not be placed stays with the interpreter
    }
    bool is_whole = !code->has_failed && code->next == code->module.module->function_count;
    kept_save(code->program, code->bounds, &code->compiler, is_whole);
}

// ---- who pays

// Memory to compile in, as far as the family may have it.
static void *charge_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct program_code *code = CONTAINER_OF(self, struct program_code, memory);
    struct memory *memory = kernel_memory(code->program->kernel);
    u64 *bytes = code->payer == NULL ? NULL : &code->payer->compiling_bytes;
    if (new_size == 0) {
        if (bytes != NULL) {
            __atomic_fetch_sub(bytes, old_size, __ATOMIC_RELAXED);
        }
        return memory->resize(memory, block, old_size, 0);
    }
    u64 before = bytes == NULL ? 0 : __atomic_fetch_add(bytes, new_size, __ATOMIC_RELAXED);
    bool fits = before + new_size <= KERNEL_FAMILY_COMPILING_BYTES;
    void *taken = bytes == NULL || fits ? memory->resize(memory, NULL, 0, new_size) : NULL;
    if (taken == NULL && bytes != NULL) {
        __atomic_fetch_sub(bytes, new_size, __ATOMIC_RELAXED);
    }
    return taken;
}

// The job begins, for a family: the one that is charged for the program, or, where it came with the
// system, the one that asked. NULL: nobody did.
static void pay_begin_locked(struct program_code *code, struct process *asks)
{
    struct process *payer = code->program->family;
    payer = payer != NULL || asks == NULL ? payer : asks->family;
    ASSERT(code->payer == NULL);
    code->payer = payer;
    if (payer != NULL) {
        payer->pins++;
    }
}

static void pay_end_locked(struct program_code *code)
{
    struct process *payer = code->payer;
    code->payer = NULL;
    if (payer != NULL) {
        payer->pins--;
        process_release_locked(code->program->kernel, payer);
    }
}

// After a step: the time, and the code that there is now.
static void pay(struct program_code *code, i64 used)
{
    struct program *program = code->program;
    struct kernel *kernel = program->kernel;
    if (code->payer != NULL && used > 0) {
        __atomic_fetch_add(&code->payer->compiling_fuel, (u64)used, __ATOMIC_RELAXED);
    }
    if (code->paid_bytes == code->module.code_bytes) {
        return; // nothing was placed
    }
    kernel_lock(kernel);
    u64 more = code->module.code_bytes - code->paid_bytes;
    code->paid_bytes += more;
    program->code_bytes += more;
    if (program->family != NULL) {
        program->family->code_bytes += more;
    }
    kernel_unlock(kernel);
}

// Before a step: what it may place. Limit: steps of one family's programs on several workers at
// once each may place as much. False: the family has all the code that it may have.
static bool allow(struct program_code *code)
{
    struct kernel *kernel = code->program->kernel;
    kernel_lock(kernel);
    const struct process *family = code->program->family;
    u64 has = family == NULL ? 0 : family->code_bytes;
    kernel_unlock(kernel);
    u64 left = has < KERNEL_FAMILY_CODE_BYTES ? KERNEL_FAMILY_CODE_BYTES - has : 0;
    u64 most = code->module.code_bytes + left;
    code->module.code_bytes_most = most < KERNEL_CODE_BYTES ? most : KERNEL_CODE_BYTES;
    return left > 0;
}

// ---- the job

// Nothing is left to do: whoever waits for that goes on.
static void finish(struct program_code *code)
{
    struct program *program = code->program;
    struct kernel *kernel = program->kernel;
    kernel_lock(kernel);
    __atomic_store_n(&code->is_done, true, __ATOMIC_RELEASE);
    code->is_settled = true;
    pay_end_locked(code);
    struct list_node *node;
    while ((node = list_take(&program->waiting)) != NULL) { // at most KERNEL_PROCESSES
        process_ready_locked(kernel, LIST_ITEM(node, struct process, run));
    }
    program_give_locked(kernel, program);
    kernel_unlock(kernel);
}

static bool compile_step(struct job *job, i64 *fuel)
{
    struct program_code *code = CONTAINER_OF(job, struct program_code, job);
    i64 before = *fuel;
    bool is_over = job_is_cancelled(job);
    if (!is_over && !allow(code)) {
        code->has_failed = true;
        is_over = true;
    }
    is_over = is_over || compile_for(code, fuel);
    *fuel -= 1;
    pay(code, before - *fuel);
    if (is_over) {
        (void)allow(code);
        compile_end(code);
        pay(code, 0);
        finish(code);
    }
    return !is_over;
}

static enum job_share share_of(const struct kernel *kernel)
{
    return kernel->config.engine == KERNEL_ENGINE_COMPILED ? JOB_NORMAL : JOB_LOW;
}

// A loop waits that no job has taken: a job for it, if none is under way.
//   is_new  nobody has asked for it yet; later ones are vain where compiling fails
static void compile_again(struct program_code *code, struct process *asks, bool is_new)
{
    struct program *program = code->program;
    struct kernel *kernel = program->kernel;
    kernel_lock(kernel);
    if (__atomic_load_n(&code->is_done, __ATOMIC_ACQUIRE) && (is_new || !code->has_failed)) {
        __atomic_store_n(&code->is_done, false, __ATOMIC_RELEASE);
        program->reference_count++;
        pay_begin_locked(code, asks);
        job_start_locked(kernel, &code->job, JOB_LOW, compile_step);
    }
    kernel_unlock(kernel);
}

// Takes what was kept from an earlier run, and compiles what is missing.
static bool place_step(struct job *job, i64 *fuel)
{
    struct program_code *code = CONTAINER_OF(job, struct program_code, job);
    struct program *program = code->program;
    struct kernel *kernel = program->kernel;
    i64 before = *fuel;
    *fuel -= 1; // a step costs something, also where nothing was kept
    enum jit_bounds bounds = code->bounds;
    bool is_cancelled = job_is_cancelled(job);
    if (!is_cancelled && program->kept[bounds] != NULL && !kept_is_answered(program, bounds)) {
        *fuel -= KERNEL_FUEL_LOW; // the machine is at it: this turn is over
        return true;
    }
    if (is_cancelled || !allow(code)) {
        code->has_failed = true;
        finish(code);
        return false;
    }
    enum err err = kept_step(program, bounds, &code->module, fuel);
    pay(code, before - *fuel);
    if (err == ERR_PAUSED) {
        return true;
    }
    if (err == ERR_OK && kept_is_whole(program, bounds)) {
        code->next = code->module.module->function_count;
        finish(code);
        return false;
    }
    kept_write(program, bounds, &code->compiler);
    kernel_lock(kernel);
    job_start_locked(kernel, job, share_of(kernel), compile_step);
    kernel_unlock(kernel);
    return false;
}

static struct program_code *code_new(struct program *program, enum jit_bounds bounds)
{
    struct memory *memory = kernel_memory(program->kernel);
    struct program_code *code = memory_take(memory, sizeof *code);
    if (code == NULL) {
        return NULL;
    }
    mem_zero(code, sizeof *code);
    code->program = program;
    code->bounds = bounds;
    code->memory.resize = charge_resize;
    code->next = program->module->function_import_count;
    if (jit_module_create(program->kernel->space, program->module, bounds, KERNEL_PROGRAM_BYTES,
                          &code->module) != ERR_OK) {
        memory_give(memory, code, sizeof *code);
        return NULL;
    }
    jit_compile_begin(&code->compiler, &code->module, &code->memory);
    return code;
}

static void code_free(struct program_code *code)
{
    struct memory *memory = kernel_memory(code->program->kernel);
    jit_module_destroy(&code->module);
    memory_give(memory, code, sizeof *code);
}

// Makes the compiled side of a program, if nobody else does and there is memory, and the job that
// fills it.
//   asks  NULL, or the process on whose account that is
static void code_start(struct program *program, enum jit_bounds bounds, enum job_share share,
                       struct process *asks)
{
    bool is_there = code_of(program, bounds) != NULL;
    struct program_code *code = is_there ? NULL : code_new(program, bounds);
    if (code == NULL) {
        return;
    }
    struct kernel *kernel = program->kernel;
    kernel_lock(kernel);
    bool is_first = program->code[bounds] == NULL;
    if (is_first) {
        __atomic_store_n(&program->code[bounds], code, __ATOMIC_RELEASE);
        program->reference_count++; // the job's
        pay_begin_locked(code, asks);
        job_start_locked(kernel, &code->job, share, place_step);
    }
    kernel_unlock(kernel);
    if (!is_first) {
        code_free(code);
    }
}

// Code of an earlier run is there.
static void code_arrived(struct program *program, enum jit_bounds bounds)
{
    code_start(program, bounds, JOB_NORMAL, NULL);
}

// Asks for code of an earlier run.
static void ask(struct program *program, enum jit_bounds bounds)
{
    if (program != NULL) {
        bool waits = program->kernel->config.engine == KERNEL_ENGINE_COMPILED;
        kept_ask(program, bounds, waits ? NULL : code_arrived);
    }
}

// Sees to it that a program that has run for a while is compiled.
static void want_code(struct program *program, struct process *asks)
{
    enum jit_bounds bounds = bounds_of(asks);
    if (program != NULL && kept_is_answered(program, bounds)) {
        code_start(program, bounds, JOB_LOW, asks);
    }
}

u32 compiled_hot_count(struct program *program)
{
    u32 most = 0;
    for (u32 i = 0; i < JIT_BOUNDS_COUNT; i++) {
        struct program_code *code = code_of(program, (enum jit_bounds)i);
        if (code != NULL) {
            hot_lock(code);
            most = code->hot_count > most ? code->hot_count : most;
            lock_release(&code->lock);
        }
    }
    return most;
}

u64 compiled_program_bytes(const struct program *program)
{
    u64 bytes = 0;
    for (u32 i = 0; i < JIT_BOUNDS_COUNT; i++) {
        const struct program_code *code = code_of(program, (enum jit_bounds)i);
        bytes += code == NULL ? 0 : code->module.arena.used_bytes + code->module.code_bytes;
    }
    return bytes;
}

void compiled_program_drop(struct program *program)
{
    for (u32 i = 0; i < JIT_BOUNDS_COUNT; i++) {
        if (program->code[i] != NULL) {
            code_free(program->code[i]);
            program->code[i] = NULL;
        }
        kept_drop(program, (enum jit_bounds)i);
    }
}

// ---- processes

// One more, of `most` at most. False: there are so many.
static bool count_up(u32 *count, u32 most)
{
    u32 old = __atomic_load_n(count, __ATOMIC_RELAXED);
    do {
        if (old == most) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(count, &old, old + 1, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

static void count_down(u32 *count)
{
    u32 old = __atomic_fetch_sub(count, 1, __ATOMIC_RELAXED);
    ASSERT(old > 0);
}

static void ask_for(struct process *process)
{
    ask(process->program, bounds_of(process));
    ask(process->program->adapter, bounds_of(process));
}

// A further thread need not be: code that checks is right for any memory.
static bool must_be_fast(const struct process *process)
{
    return process->leader == process && process->budget.addressing == KERNEL_MEMORY_FAST;
}

// A fast process's place, in its family and in the kernel. False: one of them has no more.
static bool fast_take(struct process *process)
{
    u32 *of_family = &process->family->fast_count;
    if (!count_up(of_family, KERNEL_FAMILY_FAST)) {
        return false;
    }
    if (!count_up(&process->kernel->fast_count, KERNEL_FAST)) {
        count_down(of_family);
        return false;
    }
    return true;
}

bool compiled_process_begin(struct process *process)
{
    struct kernel *kernel = process->kernel;
    if (kernel->space == NULL) {
        return true;
    }
    bool may_be = process->leader == process || process->leader->is_fast; // whose memory it has
    if (may_be && process->leader->budget.addressing != KERNEL_MEMORY_SMALL) {
        process->is_fast = fast_take(process);
    }
    if (!process->is_fast && must_be_fast(process)) {
        return false;
    }
    ask_for(process);
    return true;
}

bool compiled_process_make_small(struct process *process)
{
    compiled_process_end(process);
    if (must_be_fast(process)) {
        return false;
    }
    ask_for(process);
    return true;
}

void compiled_process_stop(struct process *process)
{
    if (process->compiled != NULL) {
        jit_thread_drop(process->compiled);
        memory_give(&process->charge, process->compiled, sizeof *process->compiled);
        process->compiled = NULL;
        count_down(&process->family->stack_count);
    }
}

void compiled_process_end(struct process *process)
{
    if (process->is_fast) {
        count_down(&process->family->fast_count);
        count_down(&process->kernel->fast_count);
        process->is_fast = false;
    }
}

static void attach(struct wasm_instance *instance, const struct program *program,
                   enum jit_bounds bounds)
{
    struct program_code *code = program == NULL ? NULL : code_of(program, bounds);
    if (code != NULL) {
        jit_module_attach(&code->module, instance);
    }
}

// From now on its calls go to compiled code where there is some; or not yet, where its family has
// so many stacks already, or no memory.
static void switch_over(struct process *process)
{
    u32 *stacks = &process->family->stack_count;
    if (!count_up(stacks, KERNEL_FAMILY_STACKS)) {
        return;
    }
    struct jit_thread *thread = memory_take(&process->charge, sizeof *thread);
    if (thread == NULL) {
        count_down(stacks);
        return;
    }
    enum jit_bounds bounds = bounds_of(process);
    // The time is paid for in schedule.c.
    jit_thread_init(thread, &process->thread, process->kernel->space, bounds, NULL);
    process->compiled = thread;
    attach(process->instance, process->program, bounds);
    if (process->adapter != NULL) {
        attach(process->adapter, process->program->adapter, bounds);
    }
}

// Remembers the loop in which a process is, to be compiled first. There are KERNEL_HOT of them at
// most, so looking for its place in the file is rare.
static void note_loop(struct process *process)
{
    const struct ins *head = wasm_thread_loop(&process->thread);
    struct wasm_instance *instance = process->thread.instance;
    if (head == NULL || instance == NULL) {
        return;
    }
    struct program *program =
        instance == process->instance ? process->program : process->program->adapter;
    struct program_code *code = code_of(program, bounds_of(process));
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
    // Also one that was noted while a job was about to end, which no longer looked for loops.
    bool waits = code->hot_next < code->hot_count;
    lock_release(&code->lock);
    if (waits) {
        compile_again(code, process, !is_known);
    }
}

// A slice of the interpreter is over: is it time for another engine?
static NOINLINE void consider(struct process *process)
{
    if (code_of(process->program, bounds_of(process)) != NULL) {
        if (process->compiled == NULL) {
            switch_over(process);
        }
        note_loop(process);
    } else if (process->fuel_used >= KERNEL_FUEL_HOT) {
        want_code(process->program, process);
        want_code(process->program->adapter, process);
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
    if (UNLIKELY(run == WASM_RUN_PAUSED) && process->kernel->space != NULL) {
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

bool compiled_is_under_way(const struct program *program)
{
    bool is_under_way = false;
    for (u32 i = 0; i < JIT_BOUNDS_COUNT; i++) {
        const struct program_code *code = code_of(program, (enum jit_bounds)i);
        is_under_way |= code != NULL && !__atomic_load_n(&code->is_done, __ATOMIC_ACQUIRE);
    }
    return is_under_way;
}

// Waits for all of a program's code of the kind. False: there is nothing to wait for.
static bool await(struct process *process, struct program *program)
{
    struct kernel *kernel = process->kernel;
    enum jit_bounds bounds = bounds_of(process);
    if (program == NULL) {
        return false;
    }
    code_start(program, bounds, JOB_NORMAL, process);
    kernel_lock(kernel);
    const struct program_code *code = program->code[bounds];
    bool waits = code != NULL && !code->is_settled;
    if (waits) {
        process->state = PROCESS_LOADING;
        list_append(&program->waiting, &process->run);
    }
    kernel_unlock(kernel);
    return waits;
}

// Whether all of a process's program is to be compiled before it runs.
static bool is_compiled_first(const struct process *process)
{
    const struct kernel *kernel = process->kernel;
    return kernel->space != NULL && kernel->config.engine == KERNEL_ENGINE_COMPILED;
}

bool compiled_process_waits(struct process *process)
{
    struct program *program = process->program;
    return is_compiled_first(process) &&
           (await(process, program) || await(process, program->adapter));
}

void compiled_process_made(struct process *process)
{
    // One that became small only now has no code yet: it goes over when it has become hot.
    if (is_compiled_first(process) && code_of(process->program, bounds_of(process)) != NULL) {
        switch_over(process);
    }
    if (process->kernel->config.is_verbose) {
        kept_say_begins(process->program);
    }
}
