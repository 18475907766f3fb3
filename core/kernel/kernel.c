// SPDX-License-Identifier: GPL-3.0-or-later
// The kernel as a whole: made, locked, asked to start and to stop. Everything it holds is made
// here, empty; the other files fill it.
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/kernel/internal.h"
#include "core/kernel/kept.h"
#include "core/platform.h"

// ---- memory

static void *memory_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct kernel *kernel = CONTAINER_OF(self, struct kernel, memory);
    kernel_lock_take(&kernel->memory_lock, LOCK_GUEST);
    void *result = NULL;
    if (old_size != 0) {
        ASSERT(new_size == 0 && kernel->memory_used >= old_size);
        (void)kernel->config.memory->resize(kernel->config.memory, block, old_size, 0);
        kernel->memory_used -= old_size;
    } else if (new_size <= kernel->config.memory_bytes - kernel->memory_used) {
        result = kernel->config.memory->resize(kernel->config.memory, NULL, 0, new_size);
        kernel->memory_used += result == NULL ? 0 : new_size;
    }
    lock_release(&kernel->memory_lock);
    return result;
}

struct memory *kernel_memory(struct kernel *kernel)
{
    return &kernel->memory;
}

// ---- the lock

void kernel_unlock_wake(struct kernel *kernel)
{
    u64 workers = kernel->wake_workers;
    struct kernel_device *device = kernel->wake_devices;
    kernel->wake_workers = 0;
    kernel->wake_devices = NULL;
    struct kernel_device *devices[KERNEL_DEVICES];
    u32 device_count = 0;
    for (; device != NULL; device = device->next_to_wake) {
        device->is_to_wake = false;
        devices[device_count++] = device;
    }
    lock_release(&kernel->lock);
    while (workers != 0) {
        u32 index = (u32)__builtin_ctzll(workers);
        workers &= workers - 1;
        platform_wake(index);
    }
    for (u32 i = 0; i < device_count && !kernel->is_ending; i++) {
        devices[i]->config.wake(devices[i]->config.context);
    }
}

void worker_fetch_locked(struct kernel *kernel, struct worker *worker)
{
    enum { WANTED = KERNEL_WORKER_MESSAGES / 2 }; // calls take them, answers bring more
    if (kernel->local_workers != 0) { // they look things up in the pool that may grow here
        kernel_recall_locked(kernel);
    }
    while (worker->kept_count < WANTED) {
        struct message *message = pool_take_as_is(&kernel->messages);
        if (message == NULL) {
            return;
        }
        message->item.next_free = POOL_NONE; // unknown to pool_at
        worker->kept[worker->kept_count++] = message;
    }
}

void kernel_recall_locked(struct kernel *kernel)
{
    u64 workers = kernel->local_workers;
    kernel->local_workers = 0;
    while (workers != 0) {
        struct worker *worker = &kernel->workers[__builtin_ctzll(workers)];
        workers &= workers - 1;
        kernel_lock_take(&worker->own, LOCK_KERNEL);
        __atomic_store_n(&worker->is_local, false, __ATOMIC_RELAXED);
        worker->local_count = 0;
        lock_release(&worker->own);
    }
}

void tags_refill(struct tags *tags)
{
    platform_random(tags->tags, sizeof tags->tags);
    tags->next = 0;
}

// ---- making and ending

static const struct wasm_func_type host_types[HOST_COUNT] = {
    [HOST_SEND] = {(const u8[]){WASM_I32, WASM_I64, WASM_I32, WASM_I32, WASM_I32, WASM_I32,
                                WASM_I32, WASM_I64},
                   7, 1, 0},
    [HOST_ANSWER] = {(const u8[]){WASM_I64, WASM_I32, WASM_I32, WASM_I32, WASM_I32, WASM_I32,
                                  WASM_I32},
                     6, 1, 0},
    [HOST_WAIT] = {(const u8[]){WASM_I32, WASM_I32, WASM_I32, WASM_I32}, 3, 1, 0},
    [HOST_CLIENT_READ] = {(const u8[]){WASM_I32, WASM_I32, WASM_I32, WASM_I32}, 3, 1, 0},
    [HOST_CLIENT_WRITE] = {(const u8[]){WASM_I32, WASM_I32, WASM_I32, WASM_I32}, 3, 1, 0},
};

static enum err init_tables(struct kernel *kernel)
{
    struct memory *memory = kernel_memory(kernel);
    TRY(pool_init(&kernel->processes, memory, sizeof(struct process), KERNEL_PROCESSES));
    TRY(pool_init(&kernel->messages, memory, sizeof(struct message), KERNEL_MESSAGES_ALL));
    TRY(pool_init(&kernel->bonds, memory, sizeof(struct bond), KERNEL_BONDS_ALL));
    TRY(pool_init(&kernel->registrations, memory, sizeof(struct registration),
                  KERNEL_REGISTRATIONS_ALL));
    TRY(pool_init(&kernel->entries, memory, sizeof(struct interface_entry), KERNEL_INTERFACES));
    TRY(pool_init(&kernel->grants, memory, sizeof(struct grant_row), KERNEL_GRANTS));
    TRY(pool_init(&kernel->lineages, memory, sizeof(struct lineage), KERNEL_PROCESSES));
    TRY(pool_init(&kernel->questions, memory, sizeof(struct question), KERNEL_QUESTIONS));
    TRY(pool_init(&kernel->routes, memory, sizeof(struct route_row), KERNEL_ROUTES));
    TRY(pipes_init(kernel));
    TRY(map_init(&kernel->route_map, memory, KERNEL_ROUTE_BUCKETS));
    TRY(map_init(&kernel->grant_map, memory, KERNEL_GRANT_BUCKETS));
    TRY(pool_init(&kernel->programs, memory, sizeof(struct program),
                  KERNEL_PROGRAMS + KERNEL_PROGRAMS_FREEING));
    TRY(timers_init(&kernel->timers, memory, KERNEL_PROCESSES));
    TRY(map_init(&kernel->process_map, memory, KERNEL_PROCESS_BUCKETS));
    TRY(map_init(&kernel->entry_map, memory, KERNEL_ENTRY_BUCKETS));
    TRY(map_init(&kernel->program_map, memory, KERNEL_ENTRY_BUCKETS));
    return system_define(kernel);
}

static void init_lists(struct kernel *kernel)
{
    list_init(&kernel->all_processes);
    list_init(&kernel->all_entries);
    list_init(&kernel->successions);
    list_init(&kernel->ready);
    list_init(&kernel->prompt);
    list_init(&kernel->expecting);
    for (u32 i = 0; i < JOB_SHARES; i++) {
        list_init(&kernel->jobs[i]);
    }
    list_init(&kernel->patient_work);
    list_init(&kernel->cache);
    list_init(&kernel->adapters);
    grants_init(kernel);
    party_init(&kernel->party, PARTY_KERNEL);
    kernel->redirected.party = &kernel->party;
    for (u32 i = 0; i < HOST_COUNT; i++) {
        kernel->host[i] = (struct wasm_func){.type = &host_types[i], .index = i};
    }
    for (u32 i = 0; i < COUNT_OF(kernel->recorded); i++) {
        kernel->recorded[i] = (struct wasm_func){.type = &host_types[i], .index = HOST_COUNT + i};
    }
    for (u32 i = 0; i < KERNEL_WORKERS; i++) {
        kernel->workers[i].index = i;
        list_init(&kernel->workers[i].ready);
        kernel->workers[i].own.rank = LOCK_WORKER;
        kernel->workers[i].tags.next = TAG_BATCH;
    }
}

enum err kernel_create(const struct kernel_config *config, struct kernel **out,
                       struct report *report)
{
    if (config->workers < 1 || config->workers > KERNEL_WORKERS) {
        return report_err(report, ERR_LIMIT, 0, "workers must be between 1 and 64");
    }
    struct kernel *kernel = memory_take(config->memory, sizeof *kernel);
    if (kernel == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for the kernel");
    }
    *kernel = (struct kernel){
        .config = *config,
        .lock.rank = LOCK_KERNEL,
        .memory_lock.rank = LOCK_MEMORY,
        .guest_lock.rank = LOCK_GUEST,
        .memory.resize = memory_resize,
        .tags.next = TAG_BATCH,
        .offer_fuel = KERNEL_FUEL_OFFER,
        .next_process = 1,
        .next_serial = 1,
        .timer_next_ns = UINT64_MAX,
        .guest.limit_bytes = config->guest_memory_bytes,
        .start_ns = platform_clock_ns(),
    };
    if (kernel->config.slice_ns == 0) {
        kernel->config.slice_ns = KERNEL_SLICE_NS;
    }
    platform_random(&kernel->name_secret, sizeof kernel->name_secret);
    init_lists(kernel);
    enum err err = init_tables(kernel);
    if (err != ERR_OK) {
        kernel_destroy(kernel);
        return report_err(report, err, 0, "no memory for the kernel's tables");
    }
    err = compiled_open(kernel, report);
    if (err != ERR_OK) {
        kernel_destroy(kernel);
        return err;
    }
    *out = kernel;
    return ERR_OK;
}

static bool is_gone(const struct process *process)
{
    return process->is_ending || process->state == PROCESS_LINGERING;
}

// A process that has not ended and is not about to, or NULL. What has ended and is still listed
// waits for devices.
static struct process *find_living(struct kernel *kernel)
{
    struct list_node *node = list_first(&kernel->all_processes);
    while (node != NULL && is_gone(LIST_ITEM(node, struct process, of_kernel))) {
        node = list_next(&kernel->all_processes, node);
    }
    return node == NULL ? NULL : LIST_ITEM(node, struct process, of_kernel);
}

// Ends every process; nobody else is inside, so each can be had. One that has threads is found
// again when these are gone.
static void end_processes(struct kernel *kernel)
{
    struct process *process;
    while ((process = find_living(kernel)) != NULL) {
        if (process->state == PROCESS_PARKED) {
            park_end_locked(kernel, process);
        }
        if (list_is_linked(&process->run)) {
            list_remove(&process->run);
        }
        if (process->awaited != NULL) {
            process->awaited->waited_for = false;
            process->awaited = NULL;
        }
        process->state = PROCESS_RUNNING;
        process_end(process, (struct kernel_ending){.kind = KERNEL_KILLED});
    }
}

static void drop_programs(struct kernel *kernel)
{
    for (u32 slot = 0; slot < kernel->programs.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct program *program = pool_at(&kernel->programs, slot);
        if (program != NULL) {
            program_drop(program);
        }
    }
}

static void drop_messages(struct kernel *kernel)
{
    for (u32 slot = 0; slot < kernel->messages.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct message *message = pool_at(&kernel->messages, slot);
        if (message != NULL) {
            message_clear_body_locked(kernel, message);
        }
    }
}

static void drop_ended(struct kernel *kernel)
{
    for (u32 slot = 0; slot < kernel->processes.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct process *process = pool_at(&kernel->processes, slot);
        if (process != NULL && process->end_text != NULL) {
            memory_give(kernel_memory(kernel), process->end_text, process->end_text_size);
        }
        if (process != NULL) {
            fence_give(kernel, process->fence);
        }
    }
}

void kernel_destroy(struct kernel *kernel)
{
    kernel->is_ending = true;
    end_processes(kernel);
    kept_settle(kernel); // what comes starts jobs,
    jobs_end(kernel);    // and those save
    kept_settle(kernel);
    drop_messages(kernel);
    drop_ended(kernel);
    drop_programs(kernel);
    for (u32 i = 0; i < kernel->device_count; i++) {
        interface_undefine(kernel_memory(kernel), &kernel->devices[i]->definition);
        memory_give(kernel_memory(kernel), kernel->devices[i], sizeof *kernel->devices[i]);
    }
    interface_undefine(kernel_memory(kernel), &kernel->system);
    interface_undefine(kernel_memory(kernel), &kernel->inspect);
    interface_undefine(kernel_memory(kernel), &kernel->processes_definition);
    interface_undefine(kernel_memory(kernel), &kernel->loader);
    interface_undefine(kernel_memory(kernel), &kernel->consent);
    grants_drop(kernel);
    guest_memory_drop(kernel);
    compiled_close(kernel);
    pool_drop(&kernel->processes);
    pool_drop(&kernel->messages);
    pool_drop(&kernel->bonds);
    pool_drop(&kernel->registrations);
    pool_drop(&kernel->entries);
    pool_drop(&kernel->programs);
    pool_drop(&kernel->grants);
    pool_drop(&kernel->lineages);
    pool_drop(&kernel->routes);
    pool_drop(&kernel->questions);
    pipes_drop(kernel);
    names_drop(kernel);
    map_drop(&kernel->grant_map);
    map_drop(&kernel->route_map);
    timers_drop(&kernel->timers);
    map_drop(&kernel->process_map);
    map_drop(&kernel->entry_map);
    map_drop(&kernel->program_map);
    ASSERT(kernel->memory_used == 0);
    debug_drop(kernel);
    record_drop(kernel);
    memory_give(kernel->config.memory, kernel, sizeof *kernel);
}

// ---- processes, from outside

enum err kernel_start(struct kernel *kernel, const struct kernel_start *start,
                      struct kernel_process_id *out, struct report *report)
{
    struct start_lists lists = {
        .arguments = {.count = start->argument_count, .items = start->arguments},
        .environment = {.count = start->environment_count, .items = start->environment},
    };
    kernel_lock(kernel);
    struct process *process;
    enum err err = process_new_locked(kernel, NULL, &lists, start->limits, &process);
    if (err == ERR_OK) {
        process->on_end = start->on_end;
        process->on_end_context = start->context;
        if (start->debug != NULL) {
            debug_process_new_locked(start->debug, process);
        }
        if (start->record != NULL) {
            record_process_new_locked(start->record, process);
        }
        *out = (struct kernel_process_id){process->by_id.key};
        program_start_locked(kernel, start->cid, process);
    }
    kernel_unlock(kernel);
    if (err != ERR_OK) {
        return report_err(report, err, 0,
                          err == ERR_LIMIT
                              ? "too many processes, or arguments and variables beyond 128 KiB"
                              : "no memory for another process");
    }
    return ERR_OK;
}

u32 kernel_process_owner(struct kernel *kernel, struct kernel_process_id id)
{
    kernel_lock(kernel);
    const struct process *process = process_find_locked(kernel, id.value);
    u32 owner = process == NULL ? 0 : process->owner;
    kernel_unlock(kernel);
    return owner;
}

enum err kernel_kill(struct kernel *kernel, struct kernel_process_id id)
{
    kernel_lock(kernel);
    struct process *process = process_find_locked(kernel, id.value);
    bool found = process != NULL && process->state != PROCESS_ENDED;
    if (found) {
        process_kill_locked(kernel, process->leader);
    }
    kernel_unlock(kernel);
    return found ? ERR_OK : ERR_NOT_FOUND;
}
