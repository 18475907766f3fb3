// SPDX-License-Identifier: GPL-3.0-or-later
// kernel_check: every claim that has to hold between two critical sections, walked from both sides.
#include "core/kernel/internal.h"

static void check_message(const struct kernel *kernel, struct message *message)
{
    const struct process *client = message->client;
    bool has_handler = message->handler != NULL;
    bool is_noted = message->client_note.kind != NOTE_NONE;
    bool is_pending = message->pending != PENDING_NONE;
    ASSERT(client != NULL || message->program != NULL || message->question != NULL ||
           message->is_cancelled);
    // Somebody owes it something: a handler, the kernel, or the client that has not taken its
    // answer. Or the kernel is at work on it this moment; on an `exit`, until all threads are gone
    // and a worker has taken the first.
    bool is_at_work =
        message->state == MESSAGE_PENDING && client != NULL &&
        (client->state == PROCESS_RUNNING || client->state == PROCESS_LINGERING || client->kill);
    ASSERT(has_handler || is_noted || is_pending || is_at_work);
    ASSERT(!message->is_handlers || (has_handler && !is_noted && message->is_cancelled));
    // One answer: nobody can answer what is answered already, unless it was cancelled.
    ASSERT(!has_handler || !is_noted || message->is_cancelled);
    ASSERT(!is_pending || (!has_handler && !is_noted && !message->is_cancelled));
    ASSERT(message->client_note.kind == NOTE_NONE || message->client_note.kind == NOTE_ANSWER);
    if (message->waited_for) {
        ASSERT(client != NULL && client->awaited == message && message->id != 0);
    }
    if (message->state == MESSAGE_QUEUED) {
        ASSERT(has_handler && message->handler_note.kind == NOTE_MESSAGE);
    }
    if (message->program != NULL) {
        ASSERT(message->program->load == message);
    }
    if (message->pending == PENDING_CONSENT) {
        ASSERT(message->question->asked != message && message->entry != NULL);
    } else if (message->question != NULL && message->pending == PENDING_NONE) {
        ASSERT(client == NULL && message->question->asked == message);
    }
    if (message->body_len > KERNEL_BODY_INLINE) {
        ASSERT(message->body != NULL && message->body != message->small);
    }
    ASSERT(kernel->message_bytes >= message->body_len);
}

// Counts the notes of a party, and that each is of a kind that belongs there.
static u32 check_party(struct party *party)
{
    u32 count = 0;
    for (struct list_node *node = list_first(&party->notes); node != NULL;
         node = list_next(&party->notes, node)) {
        struct note *note = LIST_ITEM(node, struct note, node);
        ASSERT(note->kind != NOTE_NONE);
        ASSERT(note->kind != NOTE_ANSWER || party->kind == PARTY_PROCESS);
        if (note->kind == NOTE_MESSAGE || note->kind == NOTE_CANCELLED) {
            ASSERT(CONTAINER_OF(note, struct message, handler_note)->handler == party);
        } else if (note->kind == NOTE_ANSWER) {
            ASSERT(CONTAINER_OF(note, struct message, client_note)->client == party_process(party));
        }
        count++;
    }
    for (struct list_node *node = list_first(&party->held); node != NULL;
         node = list_next(&party->held, node)) {
        struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        ASSERT(message->handler == party && message->state == MESSAGE_HELD);
        ASSERT(message->handler_note.kind == NOTE_NONE);
        ASSERT(message->id != 0 || party->kind == PARTY_DEVICE);
    }
    u32 cancelled = 0;
    for (struct list_node *node = list_first(&party->cancelled); node != NULL;
         node = list_next(&party->cancelled, node)) {
        struct message *message = LIST_ITEM(node, struct message, of_client);
        ASSERT(message->handler == party && message->is_handlers && message->client == NULL);
        cancelled++;
    }
    ASSERT(cancelled == party->cancelled_count && cancelled <= KERNEL_CANCELLED);
    u32 registrations = 0;
    for (struct list_node *node = list_first(&party->registrations); node != NULL;
         node = list_next(&party->registrations, node)) {
        struct registration *registration = LIST_ITEM(node, struct registration, of_party);
        ASSERT(registration->party == party && registration->entry->handler == registration);
        registrations++;
    }
    ASSERT(registrations == party->registration_count);
    return count;
}

static void check_state(const struct kernel *kernel, struct process *process)
{
    bool is_linked = list_is_linked(&process->run);
    switch (process->state) {
    case PROCESS_LOADING:
        ASSERT(is_linked && process->program != NULL && process->instance == NULL);
        break;
    case PROCESS_READY:
        ASSERT(is_linked && process->awaited == NULL);
        break;
    case PROCESS_RUNNING:
        ASSERT(!is_linked && process->worker < kernel->config.workers);
        break;
    case PROCESS_WAITING:
        ASSERT(!is_linked && list_is_empty(&process->party.notes) && process->awaited == NULL);
        break;
    case PROCESS_STOPPED:
        ASSERT(!is_linked && process->awaited == NULL && process->debug != NULL);
        break;
    case PROCESS_AWAITING:
        ASSERT(!is_linked && process->awaited != NULL && process->awaited->waited_for);
        break;
    case PROCESS_PARKED:
        ASSERT(!is_linked && process->awaited == NULL && process->parked_memory != NULL);
        ASSERT(list_is_linked(&process->of_parked) == (process->group != NULL));
        break;
    case PROCESS_LINGERING:
        ASSERT(!is_linked && process->leader == process && group_thread_count(process) > 0);
        break;
    default:
        ASSERT(process->leader == process && process->group == NULL);
        ASSERT(process->state == PROCESS_ENDED && !is_linked && process->awaited == NULL);
        ASSERT(process->instance == NULL && process->charged_bytes == 0);
        ASSERT((process->parent != NULL && !process->is_unasked) || process->message_count > 0 ||
               process->bond_count > 0 || process->family_count > 0 ||
               process->family_programs > 0 || process->family_questions > 0 ||
               process->family_pipes > 0 || process->pins > 0);
        break;
    }
}

static void check_process(const struct kernel *kernel, struct process *process)
{
    u32 messages = 0;
    u64 bytes = 0;
    for (struct list_node *node = list_first(&process->sent); node != NULL;
         node = list_next(&process->sent, node)) {
        struct message *message = LIST_ITEM(node, struct message, of_client);
        ASSERT(message->client == process);
        messages++;
        bytes += message->body_len;
    }
    ASSERT(messages == process->message_count && messages <= KERNEL_MESSAGES + 1);
    ASSERT(process->program == NULL || process->call_most >= process->budget.messages);
    ASSERT(bytes == process->message_bytes && bytes <= KERNEL_MESSAGE_BYTES);
    u32 bonds = 0;
    for (struct list_node *node = list_first(&process->bonds); node != NULL;
         node = list_next(&process->bonds, node)) {
        struct bond *bond = LIST_ITEM(node, struct bond, of_process);
        ASSERT(bond->process == process);
        ASSERT((bond->id == 0) == (bond->entry == NULL));
        ASSERT((bond->id == 0) == (bond->gone.kind == NOTE_CLIENT_GONE));
        bonds++;
    }
    ASSERT(bonds == process->bond_count && bonds <= KERNEL_BONDS);
    u32 children = 0;
    for (struct list_node *node = list_first(&process->children); node != NULL;
         node = list_next(&process->children, node)) {
        ASSERT(LIST_ITEM(node, struct process, sibling)->parent == process);
        children++;
    }
    ASSERT(children == process->child_count && children <= KERNEL_CHILDREN);
    ASSERT(process->family->family == process->family);
    ASSERT(process->family_count <= KERNEL_FAMILY);
    ASSERT(process->family_programs <= KERNEL_FAMILY_PROGRAMS);
    ASSERT(process->family_questions <= KERNEL_FAMILY_QUESTIONS);
    ASSERT(process->family_pipes <= KERNEL_FAMILY_PIPES);
    ASSERT(process->charged_bytes <= KERNEL_PROCESS_BYTES);
    (void)check_party(&process->party);
    check_state(kernel, process);
}

// Returns how many routes lead there.
static u32 check_entry(struct interface_entry *entry)
{
    u32 references = entry->handler != NULL;
    u32 bonds = 0;
    u32 patient = 0;
    u64 messages = 0;
    for (struct list_node *node = list_first(&entry->bonds); node != NULL;
         node = list_next(&entry->bonds, node)) {
        const struct bond *bond = LIST_ITEM(node, struct bond, of_entry);
        ASSERT(bond->entry == entry);
        messages += bond->messages;
        bonds++;
    }
    ASSERT(messages <= entry->messages); // the others' bonds are closed
    for (struct list_node *node = list_first(&entry->patient); node != NULL;
         node = list_next(&entry->patient, node)) {
        struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        ASSERT(message->pending == PENDING_BIND && message->entry == entry);
        patient++;
    }
    ASSERT(bonds == entry->bond_count && patient == entry->patient_count);
    ASSERT(references + bonds + patient + entry->route_count == entry->reference_count);
    return entry->route_count;
}

// Returns how many of them families are charged for.
static u32 check_programs(const struct kernel *kernel)
{
    u32 charged = 0;
    u32 retired = 0;
    u64 cache_bytes = 0;
    for (struct list_node *node = list_first(&kernel->cache); node != NULL;
         node = list_next(&kernel->cache, node)) {
        struct program *program = LIST_ITEM(node, struct program, work);
        ASSERT(program->reference_count == 0 && program->state == PROGRAM_READY);
        cache_bytes += program_cache_cost(program);
    }
    ASSERT(cache_bytes == kernel->cache_bytes && cache_bytes <= KERNEL_CACHE_BYTES);
    for (u32 slot = 0; slot < kernel->programs.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct program *program = pool_at(&kernel->programs, slot);
        if (program != NULL) {
            ASSERT(list_is_empty(&program->waiting) || program->state <= PROGRAM_CHECKING ||
                   compiled_is_under_way(program));
            ASSERT((program->load != NULL) == (program->state == PROGRAM_FETCHING));
            ASSERT((program->family != NULL) ==
                   (program->reference_count > 0 && !program->is_fixed));
            ASSERT(program->preparation == NULL || program->state == PROGRAM_CHECKING);
            charged += program->family != NULL;
            retired += program->reference_count == 0 && !program->is_mapped;
        }
    }
    ASSERT(kernel->program_count <= KERNEL_PROGRAMS);
    ASSERT(kernel->program_count + retired == kernel->programs.used);
    bool has_jobs =
        !list_is_empty(&kernel->jobs[JOB_NORMAL]) || !list_is_empty(&kernel->jobs[JOB_LOW]);
    ASSERT(has_jobs == list_is_linked(&kernel->job_turn));
    return charged;
}

// Returns how many there are in the list, each with those who wait for it.
static u32 check_questions(const struct list *questions, bool is_open)
{
    u32 count = 0;
    for (struct list_node *node = list_first(questions); node != NULL;
         node = list_next(questions, node)) {
        struct question *question = LIST_ITEM(node, struct question, of_kernel);
        ASSERT((question->asked != NULL) == is_open);
        ASSERT(!is_open || !list_is_empty(&question->waiting));
        for (struct list_node *bind = list_first(&question->waiting); bind != NULL;
             bind = list_next(&question->waiting, bind)) {
            struct message *message = LIST_ITEM(bind, struct message, handler_note.node);
            ASSERT(message->pending == PENDING_CONSENT && message->question == question);
        }
        count++;
    }
    return count;
}

// No bond but what the user has granted.
static void check_grants(struct kernel *kernel)
{
    u32 questions = check_questions(&kernel->open_questions, true);
    questions += check_questions(&kernel->answered, false);
    ASSERT(questions == kernel->questions.used && questions <= KERNEL_QUESTIONS);
    ASSERT(kernel->grants.used == kernel->grant_map.count);
    for (u32 slot = 0; slot < kernel->bonds.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        const struct bond *bond = pool_at(&kernel->bonds, slot);
        struct grant_walk asked;
        ASSERT(bond == NULL || bond->id == 0 ||
               grant_judge_locked(kernel, bond->process, KERNEL_USE, bond->definition, &asked) ==
                   KERNEL_ALLOW);
    }
}

// Those that workers keep for local calls.
static u32 kept_messages(const struct kernel *kernel)
{
    u32 count = 0;
    for (u32 i = 0; i < kernel->config.workers; i++) {
        const struct worker *worker = &kernel->workers[i];
        ASSERT(worker->kept_count <= KERNEL_WORKER_MESSAGES && !worker->is_local);
        for (u32 k = 0; k < worker->kept_count; k++) {
            ASSERT(worker->kept[k]->item.next_free == POOL_NONE);
            ASSERT(message_is_clean(worker->kept[k]));
        }
        count += worker->kept_count;
    }
    return count;
}

// What each process has is in one process's budget and in one family's.
static void check_budgets(struct kernel *kernel)
{
    u64 had = 0;
    u64 of_leaders = 0;
    u64 of_families = 0;
    i64 ready = 0;
    for (struct list_node *node = list_first(&kernel->all_processes); node != NULL;
         node = list_next(&kernel->all_processes, node)) {
        const struct process *process = LIST_ITEM(node, struct process, of_kernel);
        had += process->linear_bytes + budget_portions(process->charged_bytes);
        of_leaders += process->memory_bytes;
        of_families += process->family_bytes;
        ready += (i64)(process->state == PROCESS_READY) - process->family_ready;
        ASSERT(process->memory_bytes == 0 || process->leader == process);
        ASSERT(process->family_bytes == 0 || process->family == process);
    }
    ASSERT(had == of_leaders && had + pipes_check(kernel) == of_families && ready == 0);
}

void kernel_check(struct kernel *kernel)
{
    kernel_lock(kernel);
    u32 messages = 0;
    u64 bytes = 0;
    for (u32 slot = 0; slot < kernel->messages.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        struct message *message = pool_at(&kernel->messages, slot);
        if (message != NULL) {
            check_message(kernel, message);
            messages++;
            bytes += message->body_len;
        }
    }
    ASSERT(messages + kept_messages(kernel) == kernel->messages.used);
    ASSERT(bytes == kernel->message_bytes);
    u32 processes = 0;
    i64 descendants = 0;
    u32 family_programs = 0;
    u32 timers = 0;
    for (struct list_node *node = list_first(&kernel->all_processes); node != NULL;
         node = list_next(&kernel->all_processes, node)) {
        struct process *process = LIST_ITEM(node, struct process, of_kernel);
        check_process(kernel, process);
        descendants += (process->family != process) - (i64)process->family_count;
        family_programs += process->family_programs;
        timers += timer_is_added(&process->timer);
        processes++;
    }
    timers_check(&kernel->timers);
    ASSERT(timers == kernel->timers.count);
    ASSERT(kernel->timer_next_ns == timers_first_ns(&kernel->timers));
    ASSERT(descendants == 0);
    ASSERT(processes == kernel->processes.used && processes == kernel->process_map.count);
    u32 entries = 0;
    u32 routes = 0;
    for (struct list_node *node = list_first(&kernel->all_entries); node != NULL;
         node = list_next(&kernel->all_entries, node)) {
        routes += check_entry(LIST_ITEM(node, struct interface_entry, of_kernel));
        entries++;
    }
    ASSERT(entries == kernel->entries.used && entries == kernel->entry_map.count);
    ASSERT(routes == kernel->routes.used && routes == kernel->route_map.count);
    for (u32 i = 0; i < kernel->device_count; i++) {
        (void)check_party(&kernel->devices[i]->party);
    }
    (void)check_party(&kernel->party);
    check_grants(kernel);
    check_budgets(kernel);
    u32 charged = check_programs(kernel);
    ASSERT(charged == family_programs);
    kernel_unlock(kernel);
}

void kernel_check_empty(struct kernel *kernel)
{
    kernel_check(kernel);
    kernel_lock(kernel);
    ASSERT(kernel->processes.used == 0);
    ASSERT(kernel->messages.used == kept_messages(kernel));
    ASSERT(kernel->bonds.used == 0 && kernel->questions.used == 0 && kernel->lineages.used == 0);
    ASSERT(kernel->message_bytes == 0 && kernel->guest.used_bytes == 0);
    ASSERT(kernel->pipes.used == 0 && kernel->pipe_ends.used == 0);
    kernel_unlock(kernel);
}
