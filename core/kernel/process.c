// SPDX-License-Identifier: GPL-3.0-or-later
// A process from its first record to its last. It ends in one place, process_end, on the worker
// that has it: whoever wants it dead only says so and sees that a worker gets it.
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/utf8.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "core/wasm/exception.h"

enum { IMPORT_UNITS = 4 }; // of fuel

// ---- memory charged to it

// What it is charged for goes from so many bytes to more, or less, of which its budget holds
// portions: most processes never have two.
static bool charge_take(struct process *process, u64 from, u64 to)
{
    u64 more = budget_portions(to) - budget_portions(from);
    return more == 0 || budget_take(process, more);
}

static void charge_give(struct process *process, u64 from, u64 to)
{
    u64 less = budget_portions(from) - budget_portions(to);
    if (less != 0) {
        budget_give(process, less);
    }
}

static void *charge_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct process *process = CONTAINER_OF(self, struct process, charge);
    struct memory *memory = kernel_memory(process->kernel);
    u64 bytes = process->charged_bytes;
    if (old_size != 0) {
        ASSERT(bytes >= old_size);
        process->charged_bytes -= old_size;
        charge_give(process, bytes, bytes - old_size);
        return memory->resize(memory, block, old_size, 0);
    }
    if (new_size > KERNEL_PROCESS_BYTES - bytes || !charge_take(process, bytes, bytes + new_size)) {
        return NULL;
    }
    void *taken = memory->resize(memory, NULL, 0, new_size);
    if (taken == NULL) {
        charge_give(process, bytes + new_size, bytes);
    } else {
        process->charged_bytes += new_size;
    }
    return taken;
}

// ---- states

void process_ready_locked(struct kernel *kernel, struct process *process)
{
    ASSERT(!list_is_linked(&process->run));
    process->state = PROCESS_READY;
    ready_append_locked(kernel, process);
}

void process_resume_locked(struct kernel *kernel, struct process *process, i64 result)
{
    ASSERT(process->awaited != NULL);
    process->awaited = NULL;
    process_set_result(process, result);
    if (process->state == PROCESS_AWAITING) {
        process_ready_locked(kernel, process);
    } else { // still in the send that the kernel answers
        ASSERT(process->state == PROCESS_RUNNING);
    }
}

struct span process_started_as(const struct process *process)
{
    struct system_list_bytes arguments = {
        .count = process->argument_count,
        .encoded = span_of(process->start, process->argument_bytes),
    };
    struct span name = {0};
    (void)system_list_bytes_next(&arguments, &name);
    return utf8_first(name, KERNEL_INSPECT_NAME);
}

struct process *process_find_locked(struct kernel *kernel, u64 id)
{
    struct map_node *node = map_find(&kernel->process_map, id);
    return node == NULL ? NULL : CONTAINER_OF(node, struct process, by_id);
}

// ---- making

static void copy_list(struct system_list_bytes list, u8 **at)
{
    struct span item;
    while (system_list_bytes_next(&list, &item)) {
        mem_store_u32(*at, (u32)item.size);
        mem_copy(*at + 4, item.data, item.size);
        *at += 4 + item.size;
    }
}

// Adds the bytes of the list's record to *bytes. False: beyond the limit.
static bool add_list_bytes(struct system_list_bytes list, size_t *bytes)
{
    struct span item;
    while (system_list_bytes_next(&list, &item)) {
        if (item.size > KERNEL_ARGUMENT_BYTES - *bytes ||
            4 > KERNEL_ARGUMENT_BYTES - *bytes - item.size) {
            return false;
        }
        *bytes += 4 + item.size;
    }
    return true;
}

// Bytes of the record of arguments and environment, or SIZE_MAX beyond the limits.
static size_t start_bytes(const struct start_lists *lists)
{
    size_t bytes = 0;
    bool fits = lists->arguments.count <= KERNEL_ARGUMENTS &&
                lists->environment.count <= KERNEL_ARGUMENTS - lists->arguments.count &&
                add_list_bytes(lists->arguments, &bytes) &&
                add_list_bytes(lists->environment, &bytes);
    return fits ? bytes : SIZE_MAX;
}

static void init_process(struct kernel *kernel, struct process *process, struct process *parent)
{
    process->kernel = kernel;
    process->state = PROCESS_LOADING;
    process->stage = STAGE_NEW;
    process->charge.resize = charge_resize;
    party_init(&process->party, PARTY_PROCESS);
    list_init(&process->children);
    list_init(&process->sent);
    list_init(&process->bonds);
    list_init(&process->pipe_ends);
    process->family = process;
    process->leader = process;
    process->owner = kernel_tag_locked(kernel);
    if (parent != NULL) {
        process->family = parent->family;
        process->family->family_count++;
        process->parent = parent;
        process->parent_id = parent->by_id.key;
        parent->child_count++;
        list_append(&parent->children, &process->sibling);
        streams_inherit_locked(process, parent);
        process->fence = fence_share(parent->fence);
    }
    map_add(&kernel->process_map, &process->by_id, kernel->next_process++);
    list_append(&kernel->all_processes, &process->of_kernel);
}

enum err process_new_locked(struct kernel *kernel, struct process *parent,
                            const struct start_lists *lists, struct kernel_limits limits,
                            struct process **out)
{
    size_t bytes = start_bytes(lists);
    if (bytes == SIZE_MAX || (parent != NULL && !budget_has_child(parent))) {
        return ERR_LIMIT;
    }
    struct process *process = pool_take(&kernel->processes);
    if (process == NULL) {
        return kernel->processes.used == KERNEL_PROCESSES ? ERR_LIMIT : ERR_NO_MEMORY;
    }
    enum err err = timers_reserve(&kernel->timers, kernel->processes.used)
                       ? ERR_OK
                       : ERR_NO_MEMORY; // so that none fails to wait
    if (err == ERR_OK && parent != NULL) {
        err = lineage_take_locked(kernel, parent, &process->above);
    }
    if (err == ERR_OK && bytes > 0) {
        process->start = memory_take(kernel_memory(kernel), bytes);
        err = process->start == NULL ? ERR_NO_MEMORY : ERR_OK;
    }
    if (err != ERR_OK) {
        lineage_give_locked(kernel, process->above);
        pool_give(&kernel->processes, process);
        return err;
    }
    if (bytes > 0) {
        u8 *at = process->start;
        copy_list(lists->arguments, &at);
        process->argument_bytes = (u32)(at - process->start);
        copy_list(lists->environment, &at);
        ASSERT(at == process->start + bytes);
    }
    process->limits = limits;
    process->start_size = (u32)bytes;
    process->argument_count = lists->arguments.count;
    process->environment_count = lists->environment.count;
    init_process(kernel, process, parent);
    *out = process;
    return ERR_OK;
}

// ---- ending

static void leave_parent(struct process *child)
{
    ASSERT(child->parent->child_count > 0);
    child->parent->child_count--;
    list_remove(&child->sibling);
    child->parent = NULL;
}

static bool is_needed(const struct process *process)
{
    bool may_be_asked = process->parent != NULL && !process->is_unasked;
    return process->state != PROCESS_ENDED || may_be_asked || process->message_count > 0 ||
           process->bond_count > 0 || process->family_count > 0 || process->family_programs > 0 ||
           process->family_questions > 0 || process->family_pipes > 0 || process->pins > 0;
}

static void free_record(struct kernel *kernel, struct process *process)
{
    ASSERT(process->message_bytes == 0 && process->charged_bytes == 0);
    ASSERT(process->linear_bytes == 0 && process->child_count == 0);
    ASSERT(process->memory_bytes == 0 && process->family_bytes == 0);
    ASSERT(process->fast_count == 0 && process->stack_count == 0);
    ASSERT(process->family_pipes == 0 && list_is_empty(&process->pipe_ends));
    if (process->parent != NULL) {
        leave_parent(process);
    }
    if (process->end_text != NULL) {
        memory_give(kernel_memory(kernel), process->end_text, process->end_text_size);
    }
    lineage_give_locked(kernel, process->above);
    lineage_give_locked(kernel, process->below);
    fence_give(kernel, process->fence);
    map_remove(&kernel->process_map, &process->by_id);
    list_remove(&process->of_kernel);
    pool_give(&kernel->processes, process);
}

void process_release_locked(struct kernel *kernel, struct process *process)
{
    if (is_needed(process)) {
        return;
    }
    struct process *family = process->family;
    bool was_thread = process->thread_number != 0;
    free_record(kernel, process);
    if (family != process) {
        ASSERT(family->family_count > 0 && family->family_threads >= was_thread);
        family->family_count--;
        family->family_threads -= was_thread;
        if (!is_needed(family)) { // it was the last of them
            free_record(kernel, family);
        }
    }
}

void process_unask_locked(struct kernel *kernel, struct process *child)
{
    ASSERT(child->parent != NULL);
    child->is_unasked = true;
    process_release_locked(kernel, child);
}

void process_kill_locked(struct kernel *kernel, struct process *process)
{
    __atomic_store_n(&process->kill, true, __ATOMIC_RELAXED);
    switch (process->state) {
    case PROCESS_RUNNING:
        __atomic_store_n(&kernel->workers[process->worker].slice_over, true, __ATOMIC_RELAXED);
        break;
    case PROCESS_LOADING:
        if (list_is_linked(&process->run)) {
            list_remove(&process->run);
        }
        process_ready_locked(kernel, process);
        break;
    case PROCESS_AWAITING:
        process->awaited->waited_for = false;
        process->awaited = NULL;
        process_ready_locked(kernel, process);
        break;
    case PROCESS_WAITING:
    case PROCESS_STOPPED:
        process_ready_locked(kernel, process);
        break;
    case PROCESS_PARKED:
        park_end_locked(kernel, process);
        process_ready_locked(kernel, process);
        break;
    default:
        break;
    }
}

// Its interfaces become free: nobody sends it anything from here on.
static void free_names(struct kernel *kernel, struct process *process)
{
    struct list_node *node;
    while ((node = list_first(&process->party.registrations)) != NULL) { // KERNEL_REGISTRATIONS
        registration_remove_locked(kernel, LIST_ITEM(node, struct registration, of_party));
    }
}

// Its messages want no answers any more, the answers it has not taken go, and its bonds are closed.
static void end_as_client(struct kernel *kernel, struct process *process)
{
    struct list_node *node = list_first(&process->sent);
    while (node != NULL) { // at most KERNEL_MESSAGES
        struct message *message = LIST_ITEM(node, struct message, of_client);
        node = list_next(&process->sent, node);
        message_orphan_locked(kernel, message);
    }
    node = list_first(&process->bonds);
    while (node != NULL) { // at most KERNEL_BONDS
        struct bond *bond = LIST_ITEM(node, struct bond, of_process);
        node = list_next(&process->bonds, node);
        if (bond->id != 0) {
            bond_close_locked(kernel, bond);
        }
    }
}

// What others sent to it gets E_GONE. There may be any number of them.
static void end_as_handler(struct kernel *kernel, struct process *process)
{
    (void)handler_abandon_locked(kernel, &process->party, 0);
    ASSERT(list_is_empty(&process->party.notes) && list_is_empty(&process->party.held));
}

static void end_as_parent(struct kernel *kernel, struct process *process)
{
    struct list_node *node;
    for (u32 i = 1; (node = list_first(&process->children)) != NULL; i++) {
        struct process *child = LIST_ITEM(node, struct process, sibling);
        leave_parent(child);
        process_release_locked(kernel, child);
        if (i % KERNEL_SWEEP == 0) {
            kernel_unlock(kernel);
            kernel_lock(kernel);
        }
    }
}

// A process that is being brought to life.
struct beginning {
    struct wasm_making making;
    struct report report;
    struct arena scratch; // imports
    bool has_code;        // as much of it as it waits for
    bool is_making;
};

static void drop_beginning(struct process *process)
{
    struct beginning *beginning = process->beginning;
    arena_drop(&beginning->scratch);
    memory_give(&process->charge, beginning, sizeof *beginning);
    process->beginning = NULL;
}

// What it is made of; the worker's own, so no lock.
static void drop_body(struct process *process)
{
    if (process->beginning != NULL) {
        if (process->beginning->is_making) {
            wasm_making_drop(&process->beginning->making);
        }
        drop_beginning(process);
    }
    compiled_process_stop(process);
    if (process->instance != NULL) {
        wasm_instance_destroy(process->instance);
    }
    if (process->adapter != NULL) {
        wasm_instance_destroy(process->adapter);
    }
    process->instance = NULL;
    process->adapter = NULL;
    process->memory = NULL;
    group_drop(process);
    compiled_process_end(process);
    if (process->arena.memory != NULL) {
        wasm_thread_drop(&process->thread);
        wasm_exceptions_drop(&process->store);
        arena_drop(&process->arena);
    }
    if (process->start != NULL) {
        memory_give(kernel_memory(process->kernel), process->start, process->start_size);
        process->start = NULL;
    }
}

// Keeps how it ended for its parent, and answers the parent's question if it was asked.
static void record_end(struct kernel *kernel, struct process *process,
                       const struct kernel_ending *ending)
{
    process->end_kind = (u8)ending->kind;
    process->end_code = ending->code;
    process->end_load = (u8)ending->load;
    if (process->parent != NULL && !process->is_unasked && ending->text.size > 0) {
        process->end_text = memory_take(kernel_memory(kernel), ending->text.size);
        if (process->end_text != NULL) { // without memory the parent learns the kind alone
            mem_copy(process->end_text, ending->text.data, ending->text.size);
            process->end_text_size = (u32)ending->text.size;
        }
    }
    if (process->spawn_message != NULL) {
        struct message *message = process->spawn_message;
        process->spawn_message = NULL;
        message->pending = PENDING_NONE;
        message->about = NULL;
        if (ending->kind == KERNEL_TRAPPED) { // it began, and that is how far it came
            system_answer_spawn_locked(kernel, message, process);
            return;
        }
        bool is_killed = ending->kind == KERNEL_KILLED;
        system_answer_spawn_error_locked(kernel, message,
                                         is_killed ? KERNEL_LOAD_FAILED : ending->load,
                                         is_killed ? SPAN_LITERAL("killed") : ending->text);
        process_unask_locked(kernel, process); // the parent never learned its number
    } else if (process->end_message != NULL) {
        struct message *message = process->end_message;
        process->end_message = NULL;
        message->pending = PENDING_NONE;
        message->about = NULL;
        system_answer_end_locked(kernel, message, process);
        process_unask_locked(kernel, process);
    }
}

// Where a process has trapped, for those who started it.
struct process_trace {
    u32 count;
    struct kernel_frame frames[KERNEL_FRAMES];
    struct wasm_frame places[KERNEL_FRAMES];
};

static void trace_take(struct process *process)
{
    ASSERT(process->trace == NULL);
    struct process_trace *trace = memory_take(kernel_memory(process->kernel), sizeof *trace);
    if (trace == NULL) {
        return;
    }
    trace->count = process_backtrace(process, trace->places, KERNEL_FRAMES);
    for (u32 i = 0; i < trace->count; i++) {
        const struct wasm_frame *place = &trace->places[i];
        const struct wasm_module *module = wasm_instance_module(place->instance);
        trace->frames[i] = (struct kernel_frame){
            .program = module->bytes,
            .name = wasm_module_function_name(module, place->function),
            .function = place->function,
            .offset = place->offset,
        };
    }
    process->trace = trace;
}

void process_trace_drop(struct kernel *kernel, struct process_trace *trace)
{
    if (trace != NULL) {
        memory_give(kernel_memory(kernel), trace, sizeof *trace);
    }
}

// Its memory is gone: whoever waits for its end is told.
static void finish_end(struct process *process, struct kernel_ending ending)
{
    struct kernel *kernel = process->kernel;
    if (process->trace != NULL) {
        ending.frames = process->trace->frames;
        ending.frame_count = process->trace->count;
    }
    if (process->debug != NULL) {
        debug_ended(process, &ending);
        process->debug = NULL;
    }
    if (process->record != NULL) {
        record_ended(process, &ending);
        process->record = NULL;
    }
    if (process->on_end != NULL) {
        process->on_end(process->on_end_context, (struct kernel_process_id){process->by_id.key},
                        ending);
    }
    process_trace_drop(kernel, process->trace);
    process->trace = NULL;
    kernel_lock(kernel);
    record_end(kernel, process, &ending);
    kernel_trace(kernel, KERNEL_TRACE_END, process->by_id.key,
                 (u64)ending.kind << 32 | ending.code);
    if (process->program != NULL) {
        program_give_locked(kernel, process->program);
        process->program = NULL;
    }
    process->state = PROCESS_ENDED;
    group_left_locked(kernel, process);
    process_release_locked(kernel, process);
    kernel_unlock(kernel);
}

// ---- the end of one that has much memory, in portions

struct end_job {
    struct job job;
    struct process *process;
    struct kernel_ending ending;
    char text[KERNEL_END_TEXT];
};

// Gives back some of what the process is made of. False: what is left is little.
static bool drop_part(struct process *process, i64 *fuel)
{
    struct wasm_instance *instances[] = {process->instance, process->adapter};
    for (u32 i = 0; i < COUNT_OF(instances); i++) {
        u64 given = instances[i] == NULL ? 0 : guest_memory_give_part(process, instances[i]);
        if (given > 0) {
            *fuel -= (i64)(given / KERNEL_FUEL_FREE_BYTES);
            return true;
        }
    }
    return false;
}

static bool end_step(struct job *job, i64 *fuel)
{
    struct end_job *end = CONTAINER_OF(job, struct end_job, job);
    struct process *process = end->process;
    while (*fuel > 0) {
        if (drop_part(process, fuel)) {
            continue;
        }
        *fuel -= 1 + (i64)(process->charged_bytes / KERNEL_FUEL_FREE_BYTES);
        drop_body(process);
        finish_end(process, end->ending);
        memory_give(kernel_memory(process->kernel), end, sizeof *end);
        return false;
    }
    return true;
}

// False: there is little to give back, or no memory for a job.
static bool end_later(struct process *process, const struct kernel_ending *ending)
{
    struct kernel *kernel = process->kernel;
    u64 linear = __atomic_load_n(&process->linear_bytes, __ATOMIC_RELAXED);
    if (linear + process->charged_bytes <= KERNEL_END_BYTES) {
        return false;
    }
    struct end_job *end = memory_take(kernel_memory(kernel), sizeof *end);
    if (end == NULL) {
        return false;
    }
    *end = (struct end_job){.process = process, .ending = *ending};
    size_t size = ending->text.size < sizeof end->text ? ending->text.size : sizeof end->text;
    mem_copy(end->text, ending->text.data, size);
    end->ending.text = span_of(end->text, size);
    kernel_lock(kernel);
    job_start_locked(kernel, &end->job, JOB_NORMAL, end_step);
    kernel_unlock(kernel);
    return true;
}

void process_end(struct process *process, struct kernel_ending ending)
{
    struct kernel *kernel = process->kernel;
    char text[KERNEL_END_TEXT];
    ASSERT(process->state == PROCESS_RUNNING);
    if (ending.kind == KERNEL_KILLED && process->has_retired) {
        ending = (struct kernel_ending){.kind = KERNEL_EXITED};
    }
    if (group_ends(process, &ending, text)) {
        return;
    }
    kernel_lock(kernel);
    process->is_ending = true;
    free_names(kernel, process);
    end_as_client(kernel, process);
    end_as_handler(kernel, process);
    end_as_parent(kernel, process);
    streams_end_locked(kernel, process);
    kernel_unlock(kernel);
    if (!end_later(process, &ending)) {
        drop_body(process);
        finish_end(process, ending);
    }
}

void process_end_trapped(struct process *process)
{
    char buffer[240];
    struct text text = text_over(buffer, sizeof buffer);
    process_describe(process, &text);
    if (process->leader->on_end != NULL) { // of a thread, who started the whole
        trace_take(process);
    }
    process_end(process, (struct kernel_ending){.kind = KERNEL_TRAPPED,
                                                .text = span_of(text.data, text.size)});
}

// ---- beginning

// One extern for each import of the program: the kernel's own functions, or the adapter's.
static struct wasm_extern *make_imports(struct process *process, const struct program *program,
                                        struct arena *scratch)
{
    u32 count = program->module->import_count;
    struct wasm_extern *externs = ARENA_ARRAY(scratch, struct wasm_extern, count);
    if (externs == NULL) {
        return NULL;
    }
    for (u32 i = 0; i < count; i++) {
        const struct program_import *import = &program->imports[i];
        if (i == program->memory_import) {
            externs[i] = (struct wasm_extern){WASM_MEMORY, {.memory = group_memory(process)}};
            continue;
        }
        bool is_recorded = process->record != NULL && import->index <= HOST_WAIT;
        externs[i].kind = WASM_FUNCTION;
        externs[i].function = import->is_adapter
                                  ? wasm_instance_func(process->adapter, import->index)
                              : is_recorded ? &process->kernel->recorded[import->index]
                                            : &process->kernel->host[import->index];
    }
    return externs;
}

// Goes on with an instance of the program.
static enum err make_instance(struct process *process, const struct program *program,
                              struct wasm_instance **out, i64 *fuel, enum trap *trap)
{
    struct beginning *beginning = process->beginning;
    if (!beginning->is_making) {
        struct wasm_extern *imports = make_imports(process, program, &beginning->scratch);
        if (imports == NULL) {
            return ERR_NO_MEMORY;
        }
        *fuel -= (i64)program->module->import_count * IMPORT_UNITS;
        process->has_first_memory = program->module->memory_import_count != 0;
        TRY(wasm_making_begin(&beginning->making, program->module, imports, &process->store,
                              &process->arena, &beginning->report));
        beginning->is_making = true;
    }
    enum err err = wasm_making_step(&beginning->making, fuel, out, trap, &beginning->report);
    if (err != ERR_PAUSED) {
        beginning->is_making = false;
        arena_drop(&beginning->scratch);
    }
    return err;
}

static enum err make_instances(struct process *process, i64 *fuel, enum trap *trap)
{
    struct program *program = process->program;
    TRY(group_begin(process));
    if (program->adapter != NULL && process->adapter == NULL) {
        TRY(make_instance(process, program->adapter, &process->adapter, fuel, trap));
    }
    return make_instance(process, program, &process->instance, fuel, trap);
}

// Bytes that the memories of a program begin with.
static u64 module_bytes(const struct program *program)
{
    u64 bytes = 0;
    for (u32 i = 0; program != NULL && i < program->module->memory_count; i++) {
        bytes += (u64)program->module->memories[i].limits.min * WASM_PAGE_BYTES;
    }
    return bytes;
}

// Ends a process that its budget leaves too little memory to begin. What it would begin with is
// told as far as it is known: what it came to, or, if that is more, what it had beside its linear
// memory, as much of that as its module and its adapter's begin with, and a portion to go on with.
static void end_beyond_budget(struct process *process)
{
    char buffer[160];
    struct text text = text_over(buffer, sizeof buffer);
    u64 own = module_bytes(process->program);
    u64 all = process->lacked_beside + KERNEL_BUDGET_PORTION;
    if (process->leader == process) {
        all += own + module_bytes(process->program->adapter);
    }
    u64 needs = budget_portions(process->lacked_bytes > all ? process->lacked_bytes : all);
    u64 left = __atomic_load_n(&process->leader->budget.memory_bytes, __ATOMIC_RELAXED);
    u64 family = __atomic_load_n(&process->family->budget.memory_bytes, __ATOMIC_RELAXED);
    text_string(&text, "its budget of memory is ");
    text_u64(&text, (left < family ? left : family) / 1024);
    text_string(&text, " KiB, and it begins with ");
    text_u64(&text, needs / 1024);
    text_string(&text, " KiB, ");
    text_u64(&text, own / 1024);
    text_string(&text, " KiB of which are its module's own");
    process_end(process, (struct kernel_ending){.kind = KERNEL_NOT_LOADED,
                                                .load = KERNEL_LOAD_BUDGET,
                                                .memory_bytes = needs,
                                                .text = span_of(text.data, text.size)});
}

// Ends a process whose instance could not be made.
static void end_unmade(struct process *process, enum err err, enum trap trap,
                       const struct report *report)
{
    char buffer[240];
    struct text text = text_over(buffer, sizeof buffer);
    if (trap != TRAP_NONE) {
        text_string(&text, trap_name(trap));
        text_string(&text, " while the module's segments were applied");
        process_end(process, (struct kernel_ending){.kind = KERNEL_TRAPPED,
                                                    .text = span_of(text.data, text.size)});
        return;
    }
    if (err == ERR_NO_MEMORY && process->lacked_bytes != 0) {
        end_beyond_budget(process);
        return;
    }
    text_string(&text, report->text[0] != 0 ? report->text : err_name(err));
    process_end(process, (struct kernel_ending){.kind = KERNEL_NOT_LOADED,
                                                .load = err == ERR_NO_MEMORY || err == ERR_LIMIT
                                                            ? KERNEL_LOAD_LIMIT
                                                            : KERNEL_LOAD_NOT_A_PROGRAM,
                                                .text = span_of(text.data, text.size)});
}

static void end_not_loaded(struct process *process)
{
    const struct program *program = process->program;
    if (program != NULL) {
        process_end(process, (struct kernel_ending){.kind = KERNEL_NOT_LOADED,
                                                    .load = (enum kernel_load_error)program->error,
                                                    .text = span_string(program->text)});
        return;
    }
    char buffer[240]; // record_end keeps its own
    struct text text = text_over(buffer, sizeof buffer);
    if (process->end_text != NULL) {
        text_bytes(&text, span_string(process->end_text));
        memory_give(kernel_memory(process->kernel), process->end_text, process->end_text_size);
        process->end_text = NULL;
    }
    process_end(process, (struct kernel_ending){.kind = KERNEL_NOT_LOADED,
                                                .load = (enum kernel_load_error)process->end_load,
                                                .text = span_of(text.data, text.size)});
}

// The function to call at a stage; NULL: the module has none.
static struct wasm_func *stage_function(struct process *process)
{
    struct wasm_instance *instance =
        process->stage <= STAGE_ADAPTER_INITIALIZE ? process->adapter : process->instance;
    if (instance == NULL) {
        return NULL;
    }
    const struct wasm_module *module = wasm_instance_module(instance);
    if (process->stage == STAGE_ADAPTER_START || process->stage == STAGE_START) {
        return module->has_start ? wasm_instance_func(instance, module->start) : NULL;
    }
    u32 index = process->program->start_function;
    if (process->stage != STAGE_MAIN) {
        index = process->program->adapter->start_function;
    } else if (process->leader != process) {
        index = process->program->thread_function;
    }
    return index == PROGRAM_NO_FUNCTION ? NULL : wasm_instance_func(instance, index);
}

bool process_advance(struct process *process)
{
    while (process->stage < STAGE_MAIN) {
        process->stage++;
        struct wasm_func *function = stage_function(process);
        if (function == NULL) {
            continue;
        }
        const wasm_slot args[] = {process->thread_number, process->thread_argument};
        if (process_call(process, function, args) != ERR_OK) { // all others take none
            process_end(process, (struct kernel_ending){.kind = KERNEL_TRAPPED,
                                                        .text = SPAN_LITERAL("out of memory")});
            return false;
        }
        return true;
    }
    // A thread that returns ends alone.
    bool is_thread = process->leader != process;
    process_end(process, (struct kernel_ending){.kind = is_thread ? KERNEL_KILLED : KERNEL_EXITED});
    return false;
}

// Everything but the instances. False: no memory, or not of the kind that it must have.
static bool beginning_new(struct process *process)
{
    arena_init(&process->arena, &process->charge, KERNEL_PROCESS_BYTES);
    bool may_begin = compiled_process_begin(process);
    guest_store_init(process);
    wasm_thread_init(&process->thread, &process->store, WASM_STACK_BYTES);
    if (!may_begin) {
        return false;
    }
    process->beginning = memory_take(&process->charge, sizeof *process->beginning);
    if (process->beginning == NULL) {
        return false;
    }
    process->beginning->has_code = false;
    process->beginning->is_making = false;
    report_clear(&process->beginning->report);
    arena_init(&process->beginning->scratch, &process->charge, KERNEL_PROCESS_BYTES);
    if (process->record != NULL) {
        record_begin(process);
    }
    return true;
}

// Its parent learns that it runs.
static void tell_begun(struct process *process)
{
    struct kernel *kernel = process->kernel;
    kernel_lock(kernel);
    if (process->spawn_message != NULL) {
        struct message *message = process->spawn_message;
        process->spawn_message = NULL;
        message->pending = PENDING_NONE;
        message->about = NULL;
        system_answer_spawn_locked(kernel, message, process);
    }
    kernel_unlock(kernel);
}

enum process_begun process_begin(struct process *process, i64 *fuel)
{
    struct program *program = process->program;
    if (program == NULL || program->state == PROGRAM_FAILED) {
        end_not_loaded(process);
        return PROCESS_BEGIN_ENDED;
    }
    ASSERT(program->state == PROGRAM_READY);
    struct report report;
    report_clear(&report);
    enum trap trap = TRAP_NONE;
    enum err err = ERR_NO_MEMORY;
    if (process->beginning != NULL || beginning_new(process)) {
        if (!process->beginning->has_code) {
            if (compiled_process_waits(process)) {
                return PROCESS_BEGIN_WAITS;
            }
            process->beginning->has_code = true;
        }
        err = make_instances(process, fuel, &trap);
        if (err == ERR_PAUSED) {
            return PROCESS_BEGIN_PAUSED;
        }
        report = process->beginning->report;
        drop_beginning(process);
    }
    if (err != ERR_OK) {
        end_unmade(process, err, trap, &report);
        return PROCESS_BEGIN_ENDED;
    }
    process->memory = wasm_instance_memory0(process->instance);
    compiled_process_made(process);
    if (process->debug != NULL) {
        debug_process_made(process);
    }
    tell_begun(process);
    return process_advance(process) ? PROCESS_BEGIN_RUNS : PROCESS_BEGIN_ENDED;
}
