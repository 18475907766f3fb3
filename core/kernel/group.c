// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/group.h"
#include "core/kernel/internal.h"

struct group {
    struct wasm_memory memory;
    struct list threads; // struct process by of_group, without the leader
    struct list parked;  // struct process by of_parked, in the order they came
    u32 thread_count;
    u32 next_number;
    u64 fuel; // of those that have ended
    bool has_ended;
    struct kernel_ending ending; // of all, once has_ended
    struct process_trace *trace; // of that ending; or NULL
    char text[KERNEL_END_TEXT];
};

// The numbers that threads may have, as wasi-threads has it.
enum { NUMBER_MOST = (1 << 29) - 1 };

enum err group_begin(struct process *process)
{
    const struct program *program = process->program;
    if (program->memory_import == PROGRAM_NO_IMPORT || process->leader != process ||
        process->group != NULL) {
        return ERR_OK;
    }
    struct group *group = memory_take(&process->charge, sizeof *group);
    if (group == NULL) {
        return ERR_NO_MEMORY;
    }
    *group = (struct group){.next_number = 1};
    list_init(&group->threads);
    list_init(&group->parked);
    const struct wasm_import *import = &program->module->imports[program->memory_import];
    enum err err = wasm_memory_create(&group->memory, &import->memory.limits, &process->store);
    if (err != ERR_OK) {
        memory_give(&process->charge, group, sizeof *group);
        return err;
    }
    process->group = group;
    return ERR_OK;
}

void group_drop(struct process *process)
{
    struct group *group = process->leader == process ? process->group : NULL;
    if (group == NULL) {
        return;
    }
    ASSERT(group->thread_count == 0 && list_is_empty(&group->parked));
    ASSERT(group->trace == NULL); // it went where the ending went
    wasm_memory_destroy(&group->memory);
    memory_give(&process->charge, group, sizeof *group);
    process->group = NULL;
}

struct wasm_memory *group_memory(struct process *process)
{
    return process->group == NULL ? NULL : &process->group->memory;
}

static bool may_have_more(const struct process *leader)
{
    const struct group *group = leader->group;
    return leader->state != PROCESS_LINGERING && leader->state != PROCESS_ENDED &&
           group->thread_count < KERNEL_THREADS && group->next_number <= NUMBER_MOST &&
           leader->family->family_count < KERNEL_FAMILY;
}

enum err group_spawn_locked(struct kernel *kernel, struct process *process, u32 argument,
                            u32 *number)
{
    struct process *leader = process->leader;
    struct group *group = leader->group;
    if (group == NULL || process->program->thread_function == PROGRAM_NO_FUNCTION) {
        return ERR_NOT_FOUND;
    }
    if (!may_have_more(leader) || debug_holds_locked(leader) || // a stop is of one thread
        record_holds_locked(leader)) {                          // and so is a recording
        return ERR_LIMIT;
    }
    struct start_lists none = {0};
    struct process *thread;
    TRY(process_new_locked(kernel, NULL, &none, leader->limits, &thread));
    thread->leader = leader;
    thread->group = group;
    thread->owner = leader->owner;
    thread->parent_id = leader->by_id.key;
    thread->family = leader->family;
    thread->family->family_count++;
    thread->program = leader->program;
    thread->program->reference_count++;
    thread->family->family_threads++;
    thread->thread_number = group->next_number++;
    thread->thread_argument = argument;
    group->thread_count++;
    list_append(&group->threads, &thread->of_group);
    budget_thread_locked(kernel, thread);
    process_ready_locked(kernel, thread);
    *number = thread->thread_number;
    return ERR_OK;
}

// How the whole ends: the first who says so is believed, and where the others trapped is dropped.
static void remember(struct process *process, const struct kernel_ending *ending)
{
    struct group *group = process->group;
    struct process_trace *trace = process->trace;
    process->trace = NULL;
    if (group->has_ended) {
        process_trace_drop(process->kernel, trace);
        return;
    }
    group->has_ended = true;
    group->trace = trace;
    group->ending = *ending;
    size_t size = ending->text.size < KERNEL_END_TEXT ? ending->text.size : KERNEL_END_TEXT;
    mem_copy(group->text, ending->text.data, size);
    group->ending.text = span_of(group->text, size);
}

// What was remembered, its words where they outlive the group.
static void recall(struct process *leader, struct kernel_ending *ending, char *text)
{
    struct group *group = leader->group;
    ASSERT(group->has_ended && leader->trace == NULL);
    leader->trace = group->trace;
    group->trace = NULL;
    *ending = group->ending;
    mem_copy(text, group->text, ending->text.size);
    ending->text.data = (const u8 *)text;
}

bool group_ends(struct process *process, struct kernel_ending *ending, char *text)
{
    struct kernel *kernel = process->kernel;
    struct group *group = process->group;
    if (group == NULL) {
        return false;
    }
    kernel_lock(kernel);
    if (process->leader != process) {
        if (ending->kind != KERNEL_KILLED) { // killed it was because all are, or it returned
            remember(process, ending);
            process_kill_locked(kernel, process->leader);
        }
        kernel_unlock(kernel);
        return false;
    }
    remember(process, ending);
    bool lingers = group->thread_count > 0;
    struct list_node *node = list_first(&group->threads);
    for (; node != NULL; node = list_next(&group->threads, node)) { // at most KERNEL_THREADS
        process_kill_locked(kernel, LIST_ITEM(node, struct process, of_group));
    }
    if (lingers) {
        process->state = PROCESS_LINGERING;
    } else {
        recall(process, ending, text);
    }
    kernel_unlock(kernel);
    return lingers;
}

void group_left_locked(struct kernel *kernel, struct process *thread)
{
    struct process *leader = thread->leader;
    if (leader == thread) {
        return;
    }
    struct group *group = thread->group;
    list_remove(&thread->of_group);
    group->thread_count--;
    group->fuel += thread->fuel_used;
    thread->leader = thread;
    thread->group = NULL;
    if (group->thread_count == 0 && leader->state == PROCESS_LINGERING) {
        __atomic_store_n(&leader->kill, true, __ATOMIC_RELAXED);
        process_ready_locked(kernel, leader); // a worker takes it, and ends it
    }
}

u64 group_fuel_locked(const struct process *leader)
{
    const struct group *group = leader->leader == leader ? leader->group : NULL;
    u64 fuel = group == NULL ? 0 : group->fuel;
    struct list_node *node = group == NULL ? NULL : list_first(&group->threads);
    for (; node != NULL; node = list_next(&group->threads, node)) {
        fuel += __atomic_load_n(&LIST_ITEM(node, struct process, of_group)->fuel_used,
                                __ATOMIC_RELAXED);
    }
    return fuel;
}

u32 group_thread_count(const struct process *leader)
{
    return leader->group == NULL ? 0 : leader->group->thread_count;
}

// ---- those who wait until a time

// What workers look at without the lock.
static void set_next_locked(struct kernel *kernel)
{
    __atomic_store_n(&kernel->timer_next_ns, timers_first_ns(&kernel->timers), __ATOMIC_RELAXED);
}

static void timer_add_locked(struct kernel *kernel, struct process *process, u64 until_ns)
{
    timers_add(&kernel->timers, &process->timer, until_ns);
    if (until_ns < kernel->timer_next_ns) {
        set_next_locked(kernel);
        workers_wake_locked(kernel); // one that sleeps until later sleeps anew
    }
}

void park_end_locked(struct kernel *kernel, struct process *process)
{
    ASSERT(process->state == PROCESS_PARKED);
    if (list_is_linked(&process->of_parked)) {
        list_remove(&process->of_parked);
    }
    if (timer_is_added(&process->timer)) {
        timers_remove(&kernel->timers, &process->timer);
        set_next_locked(kernel);
    }
}

static void wake_locked(struct kernel *kernel, struct process *process, enum wasm_woken result)
{
    park_end_locked(kernel, process);
    process_set_result(process, result);
    process_ready_locked(kernel, process);
}

bool park_expire(struct kernel *kernel)
{
    u64 next_ns = __atomic_load_n(&kernel->timer_next_ns, __ATOMIC_RELAXED);
    if (LIKELY(next_ns == UINT64_MAX) || next_ns > platform_clock_ns()) {
        return false;
    }
    kernel_lock(kernel);
    u64 now_ns = platform_clock_ns();
    u32 count = 0; // those who are left over are found at the next turn
    while (timers_first_ns(&kernel->timers) <= now_ns && count < KERNEL_SWEEP) {
        struct timer *first = timers_first(&kernel->timers);
        wake_locked(kernel, CONTAINER_OF(first, struct process, timer), WASM_TIMED_OUT);
        count++;
    }
    kernel_unlock(kernel);
    return count > 0;
}

u64 kernel_deadline_ns(const struct kernel *kernel)
{
    return __atomic_load_n(&kernel->timer_next_ns, __ATOMIC_RELAXED);
}

// ---- waiting at an address

static u32 notify_locked(struct kernel *kernel, struct process *process, u32 address, u32 count)
{
    struct group *group = process->group;
    const struct wasm_memory *memory = process->thread.host.wait_memory;
    u32 woken = 0;
    struct list_node *node = group == NULL ? NULL : list_first(&group->parked);
    while (node != NULL && woken < count) { // at most KERNEL_THREADS and one
        struct process *parked = LIST_ITEM(node, struct process, of_parked);
        node = list_next(&group->parked, node);
        if (parked->parked_memory == memory && parked->parked_address == address) {
            wake_locked(kernel, parked, WASM_WOKEN);
            woken++;
        }
    }
    return woken;
}

static void park_locked(struct kernel *kernel, struct process *process, u32 address, i64 timeout_ns)
{
    process->parked_memory = process->thread.host.wait_memory;
    process->parked_address = address;
    if (process->group != NULL) { // else nobody else has the memory
        list_append(&process->group->parked, &process->of_parked);
    }
    if (timeout_ns >= 0) {
        u64 now_ns = platform_clock_ns();
        u64 most = UINT64_MAX - 1 - now_ns;
        timer_add_locked(kernel, process,
                         now_ns + ((u64)timeout_ns < most ? (u64)timeout_ns : most));
    }
    process_block_locked(kernel, process, PROCESS_PARKED);
}

bool park_call(struct process *process, enum wasm_wait kind)
{
    struct kernel *kernel = process->kernel;
    const wasm_slot *slots = process->thread.host.slots;
    u32 address = (u32)slots[0];
    bool waits = false;
    kernel_lock(kernel);
    if (kind == WASM_WAIT_NOTIFY) {
        process_set_result(process, notify_locked(kernel, process, address, (u32)slots[1]));
    } else {
        // Nobody notifies between this look and the wait: that takes the lock.
        const struct wasm_memory *memory = process->thread.host.wait_memory;
        bool is_equal = wasm_wait_is_equal(memory, kind, slots);
        waits = is_equal && slots[2] != 0;
        if (waits) {
            park_locked(kernel, process, address, (i64)slots[2]);
        } else {
            process_set_result(process, is_equal ? WASM_TIMED_OUT : WASM_NOT_EQUAL);
        }
    }
    kernel_unlock(kernel);
    return !waits;
}
