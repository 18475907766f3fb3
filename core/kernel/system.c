// SPDX-License-Identifier: GPL-3.0-or-later
// The system interface: what a process asks of the kernel (interfaces/system.wit). A call is
// answered at once, or its message is kept PENDING until what it waits for has happened.
#include "core/kernel/answer.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/consent.h"
#include "interfaces/inspect.h"
#include "interfaces/loader.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"

// One call, as the functions below see it.
struct system_call {
    struct kernel *kernel;
    struct process *process;
    struct message *message; // NULL: no answer wanted
    enum kernel_call result;
    u32 exit_code;
};

static void answer_none(struct system_call *call,
                        size_t (*encode)(void *, size_t, const struct system_result_none_error *),
                        bool ok)
{
    struct system_result_none_error result = {.ok = ok};
    if (!ok) {
        result.error = SYSTEM_ERROR_NOT_FOUND;
    }
    ANSWER(call->kernel, call->message, encode, &result);
}

// ---- bind, unbind

static void answer_bind_error(struct kernel *kernel, struct message *message,
                              enum system_bind_error_kind kind, struct span function)
{
    struct system_result_u32_bind_error result = {.error.kind = kind};
    if (kind == SYSTEM_BIND_ERROR_MISSING_FUNCTION) {
        result.error.as.missing_function = function;
    }
    ANSWER(kernel, message, system_bind_encode_result, &result);
}

void system_answer_bind_locked(struct kernel *kernel, struct message *message, struct bond *bond)
{
    if (bond == NULL) {
        answer_bind_error(kernel, message, SYSTEM_BIND_ERROR_LIMIT, (struct span){0});
        return;
    }
    struct system_result_u32_bind_error result = {.ok = true, .value = bond->id};
    ANSWER(kernel, message, system_bind_encode_result, &result);
}

// A bind as it is judged: at once, and again after whatever it has waited for.
struct bind {
    struct kernel *kernel;
    struct process *process;
    struct message *message; // NULL: no answer wanted
    const struct definition *definition;
    bool is_patient;
};

static void bind_refuse(const struct bind *bind, enum system_bind_error_kind kind)
{
    answer_bind_error(bind->kernel, bind->message, kind, (struct span){0});
}

// Keeps the call until a handler comes.
static void bind_later(const struct bind *bind)
{
    struct route_to to = route_find_locked(bind->kernel, bind->process, bind->definition->name);
    struct interface_entry *entry =
        entry_take_locked(bind->kernel, bind->definition->name, to.program);
    if (entry == NULL) {
        bind_refuse(bind, SYSTEM_BIND_ERROR_LIMIT);
        return;
    }
    if (bind->message == NULL) { // it could never be told its bond
        entry_give_locked(bind->kernel, entry);
        return;
    }
    bind->message->pending = PENDING_BIND;
    bind->message->entry = entry;
    bind->message->definition = bind->definition;
    entry->patient_count++;
    list_append(&entry->patient, &bind->message->handler_note.node);
}

// The user has granted it.
static void bind_granted(const struct bind *bind)
{
    struct kernel *kernel = bind->kernel;
    struct interface_entry *entry =
        route_find_locked(kernel, bind->process, bind->definition->name).entry;
    struct registration *handler = entry == NULL ? NULL : entry->handler;
    const struct function_definition *missing =
        handler == NULL ? NULL : definition_missing(bind->definition, handler->definition);
    if (handler != NULL && missing == NULL) {
        struct bond *bond = bond_add_locked(kernel, bind->process, entry, bind->definition);
        system_answer_bind_locked(kernel, bind->message, bond);
    } else if (bind->is_patient) {
        bind_later(bind);
    } else if (handler == NULL) {
        bind_refuse(bind, SYSTEM_BIND_ERROR_NO_HANDLER);
    } else {
        answer_bind_error(kernel, bind->message, SYSTEM_BIND_ERROR_MISSING_FUNCTION, missing->name);
    }
}

static void bind_deny(const struct bind *bind)
{
    grant_refused_locked(bind->kernel, bind->process, KERNEL_USE, bind->definition);
    bind_refuse(bind, SYSTEM_BIND_ERROR_DENIED);
}

static void bind_ask(const struct bind *bind, const struct grant_walk *about)
{
    if (bind->message == NULL) { // it could never be told its bond
        return;
    }
    bind->message->is_patient = bind->is_patient;
    enum err err = consent_ask_locked(bind->kernel, bind->process, bind->message, KERNEL_USE,
                                      bind->definition, about);
    if (err == ERR_DENIED) {
        bind_deny(bind);
    } else if (err != ERR_OK) {
        bind_refuse(bind, SYSTEM_BIND_ERROR_LIMIT);
    }
}

static void bind_judge(const struct bind *bind)
{
    struct grant_walk asked;
    if (bind->process->bond_count >= KERNEL_BONDS) {
        bind_refuse(bind, SYSTEM_BIND_ERROR_LIMIT);
        return;
    }
    switch (grant_judge_locked(bind->kernel, bind->process, KERNEL_USE, bind->definition, &asked)) {
    case KERNEL_ALLOW:
        bind_granted(bind);
        break;
    case KERNEL_ASK:
        bind_ask(bind, &asked);
        break;
    default:
        bind_deny(bind);
        break;
    }
}

void system_bind_again_locked(struct kernel *kernel, struct message *message, bool is_denied)
{
    struct bind bind = {kernel, message->client, message, message->definition, message->is_patient};
    if (is_denied) {
        bind_deny(&bind);
    } else {
        bind_judge(&bind);
    }
}

static void hash_read(const struct system_hash *from, u8 hash[32])
{
    mem_store_u64(hash, from->a);
    mem_store_u64(hash + 8, from->b);
    mem_store_u64(hash + 16, from->c);
    mem_store_u64(hash + 24, from->d);
}

static void call_bind(void *context, const struct interface_message *unused,
                      const struct system_bind_call *body)
{
    (void)unused;
    struct system_call *call = context;
    u8 hash[32];
    hash_read(&body->interface, hash);
    struct bind bind = {
        .kernel = call->kernel,
        .process = call->process,
        .message = call->message,
        .definition = process_definition(call->process, hash),
        .is_patient = body->patient,
    };
    if (bind.definition == NULL) {
        bind_refuse(&bind, SYSTEM_BIND_ERROR_NOT_DECLARED);
    } else {
        bind_judge(&bind);
    }
}

// Whether its sender can still take the message back.
static bool can_cancel(const struct message *message)
{
    return message->id != 0 && !message->is_cancelled && !message->waited_for &&
           message->state != MESSAGE_ANSWERED &&
           (message->state != MESSAGE_PENDING || message->pending != PENDING_NONE);
}

static void call_unbind(void *context, const struct interface_message *unused,
                        const struct system_unbind_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct bond *bond = bond_find_locked(call->kernel, call->process, body->bond);
    if (bond == NULL) {
        answer_none(call, system_unbind_encode_result, false);
        return;
    }
    struct list_node *node = list_first(&call->process->sent);
    while (node != NULL) { // at most KERNEL_MESSAGES
        struct message *message = LIST_ITEM(node, struct message, of_client);
        node = list_next(&call->process->sent, node);
        if (message->bond != bond) {
            continue;
        }
        message->bond = NULL;
        if (can_cancel(message)) {
            message_cancel_locked(call->kernel, message);
        }
    }
    bond_close_locked(call->kernel, bond);
    answer_none(call, system_unbind_encode_result, true);
}

// ---- register, unregister

static void register_refuse(const struct system_call *call, enum system_register_error_kind kind)
{
    struct system_result_u32_register_error result = {.error.kind = kind};
    ANSWER(call->kernel, call->message, system_register_encode_result, &result);
}

static void register_deny(const struct system_call *call, const struct definition *definition)
{
    grant_refused_locked(call->kernel, call->process, KERNEL_HANDLE, definition);
    register_refuse(call, SYSTEM_REGISTER_ERROR_DENIED);
}

// The user has chosen it.
static void register_granted(const struct system_call *call, const struct definition *definition)
{
    struct party *party = &call->process->party;
    struct registration *registration;
    enum err err = ERR_LIMIT;
    if (party->registration_count < KERNEL_REGISTRATIONS) {
        err = registration_add_locked(call->kernel, party, definition, &registration);
    }
    if (err != ERR_OK) {
        register_refuse(call, err == ERR_EXISTS ? SYSTEM_REGISTER_ERROR_TAKEN
                                                : SYSTEM_REGISTER_ERROR_LIMIT);
        return;
    }
    struct system_result_u32_register_error result = {.ok = true, .value = registration->id};
    ANSWER(call->kernel, call->message, system_register_encode_result, &result);
}

// Nobody is asked about what could not be had anyway.
static void register_ask(const struct system_call *call, const struct definition *definition,
                         const struct grant_walk *about)
{
    if (registration_is_taken_locked(call->kernel, &call->process->party, definition)) {
        register_refuse(call, SYSTEM_REGISTER_ERROR_TAKEN);
        return;
    }
    enum err err = ERR_DENIED; // who wants no answer cannot wait for one
    if (call->message != NULL) {
        err = consent_ask_locked(call->kernel, call->process, call->message, KERNEL_HANDLE,
                                 definition, about);
    }
    if (err == ERR_DENIED) {
        register_deny(call, definition);
    } else if (err != ERR_OK) {
        register_refuse(call, SYSTEM_REGISTER_ERROR_LIMIT);
    }
}

// At once, and again after each answer that it has waited for.
static void register_judge(const struct system_call *call, const struct definition *definition)
{
    struct grant_walk asked;
    switch (grant_judge_locked(call->kernel, call->process, KERNEL_HANDLE, definition, &asked)) {
    case KERNEL_ALLOW:
        register_granted(call, definition);
        break;
    case KERNEL_ASK:
        register_ask(call, definition, &asked);
        break;
    default:
        register_deny(call, definition);
        break;
    }
}

void system_register_again_locked(struct kernel *kernel, struct message *message, bool is_denied)
{
    struct system_call call = {.kernel = kernel, .process = message->client, .message = message};
    const struct definition *definition = message->definition;
    if (is_denied) {
        register_deny(&call, definition);
    } else {
        register_judge(&call, definition);
    }
}

static void call_register(void *context, const struct interface_message *unused,
                          const struct system_register_call *body)
{
    (void)unused;
    struct system_call *call = context;
    u8 hash[32];
    hash_read(&body->interface, hash);
    const struct definition *definition = process_definition(call->process, hash);
    if (definition == NULL) {
        register_refuse(call, SYSTEM_REGISTER_ERROR_NOT_DECLARED);
    } else {
        register_judge(call, definition);
    }
}

static void call_unregister(void *context, const struct interface_message *unused,
                            const struct system_unregister_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct kernel *kernel = call->kernel;
    struct registration *registration =
        registration_find_locked(kernel, &call->process->party, body->registration);
    if (registration == NULL) {
        answer_none(call, system_unregister_encode_result, false);
        return;
    }
    u32 id = registration->id;
    registration_remove_locked(kernel, registration);
    call->process->items += handler_abandon_locked(kernel, &call->process->party, id);
    answer_none(call, system_unregister_encode_result, true);
}

// ---- cancel, exit, start

static void call_cancel(void *context, const struct interface_message *unused,
                        const struct system_cancel_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct message *message = message_find_locked(call->kernel, body->message);
    bool found = message != NULL && message->client == call->process && can_cancel(message);
    if (found) {
        message_cancel_locked(call->kernel, message);
    }
    answer_none(call, system_cancel_encode_result, found);
}

static void call_exit(void *context, const struct interface_message *unused,
                      const struct system_exit_call *body)
{
    (void)unused;
    struct system_call *call = context;
    call->result = CALL_EXIT;
    call->exit_code = body->code;
}

static void call_start(void *context, const struct interface_message *unused)
{
    (void)unused;
    struct system_call *call = context;
    struct process *process = call->process->leader;
    struct system_start_info info = {
        .process = process->by_id.key,
        .program = span_string(process->program->cid),
        .arguments = {.count = process->argument_count},
        .environment = {.count = process->environment_count},
    };
    if (process->start != NULL) {
        u8 *middle = process->start + process->argument_bytes;
        info.arguments.encoded = span_of(process->start, process->argument_bytes);
        info.environment.encoded = span_of(middle, process->start_size - process->argument_bytes);
    }
    ANSWER(call->kernel, call->message, system_start_encode_result, &info);
}

// ---- spawn

void system_answer_no_child_locked(struct kernel *kernel, struct message *message,
                                   enum system_spawn_error_kind kind, struct span text)
{
    struct system_result_u64_spawn_error result = {.error.kind = kind};
    switch (kind) {
    case SYSTEM_SPAWN_ERROR_BAD_CID:
        result.error.as.bad_cid = text;
        break;
    case SYSTEM_SPAWN_ERROR_NOT_FOUND:
        result.error.as.not_found = text;
        break;
    case SYSTEM_SPAWN_ERROR_WRONG_BYTES:
        result.error.as.wrong_bytes = text;
        break;
    case SYSTEM_SPAWN_ERROR_NOT_A_PROGRAM:
        result.error.as.not_a_program = text;
        break;
    case SYSTEM_SPAWN_ERROR_LOAD_FAILED:
        result.error.as.load_failed = text;
        break;
    default:
        break;
    }
    ANSWER(kernel, message, system_spawn_encode_result, &result);
}

void system_answer_spawn_locked(struct kernel *kernel, struct message *message,
                                struct process *child)
{
    struct system_result_u64_spawn_error result = {.ok = true, .value = child->by_id.key};
    ANSWER(kernel, message, system_spawn_encode_result, &result);
}

void system_answer_spawn_error_locked(struct kernel *kernel, struct message *message,
                                      enum kernel_load_error error, struct span text)
{
    static const u8 kinds[] = {
        [KERNEL_LOAD_BAD_CID] = SYSTEM_SPAWN_ERROR_BAD_CID,
        [KERNEL_LOAD_NOT_FOUND] = SYSTEM_SPAWN_ERROR_NOT_FOUND,
        [KERNEL_LOAD_WRONG_BYTES] = SYSTEM_SPAWN_ERROR_WRONG_BYTES,
        [KERNEL_LOAD_NOT_A_PROGRAM] = SYSTEM_SPAWN_ERROR_NOT_A_PROGRAM,
        [KERNEL_LOAD_LIMIT] = SYSTEM_SPAWN_ERROR_LIMIT,
        [KERNEL_LOAD_FAILED] = SYSTEM_SPAWN_ERROR_LOAD_FAILED,
        [KERNEL_LOAD_NO_LOADER] = SYSTEM_SPAWN_ERROR_LOAD_FAILED,
        [KERNEL_LOAD_DENIED] = SYSTEM_SPAWN_ERROR_DENIED,
        [KERNEL_LOAD_BUDGET] = SYSTEM_SPAWN_ERROR_LIMIT,
    };
    ASSERT((u32)error < COUNT_OF(kinds));
    system_answer_no_child_locked(kernel, message, (enum system_spawn_error_kind)kinds[error],
                                  text);
}

struct process *system_child_new_locked(struct kernel *kernel, struct process *process,
                                        struct message *message, const struct start_lists *lists,
                                        struct kernel_limits limits)
{
    struct process *child;
    enum err err = process_new_locked(kernel, process->leader, lists, limits, &child);
    if (err != ERR_OK) {
        system_answer_no_child_locked(kernel, message, SYSTEM_SPAWN_ERROR_LIMIT, (struct span){0});
        return NULL;
    }
    if (message == NULL) { // nobody will ask for it
        process_unask_locked(kernel, child);
    } else {
        child->spawn_message = message;
        message->pending = PENDING_SPAWN;
        message->about = child;
    }
    return child;
}

// Both calls answer with the same type.
static void spawn(struct system_call *call, const struct system_spawn_request *request,
                  struct kernel_limits limits)
{
    struct start_lists lists = {request->arguments, request->environment};
    struct process *child =
        system_child_new_locked(call->kernel, call->process, call->message, &lists, limits);
    if (child != NULL) {
        program_start_locked(call->kernel, request->program, child);
    }
}

static void call_spawn(void *context, const struct interface_message *unused,
                       const struct system_spawn_call *body)
{
    (void)unused;
    struct system_call *call = context;
    spawn(call, &body->request, call->process->limits);
}

static void call_spawn_within(void *context, const struct interface_message *unused,
                              const struct system_spawn_within_call *body)
{
    static const u8 kinds[] = {
        [SYSTEM_MEMORY_KIND_AUTOMATIC] = KERNEL_MEMORY_AUTO,
        [SYSTEM_MEMORY_KIND_FAST] = KERNEL_MEMORY_FAST,
        [SYSTEM_MEMORY_KIND_SMALL] = KERNEL_MEMORY_SMALL,
    };
    (void)unused;
    struct system_call *call = context;
    ASSERT((u32)body->limits.memory < COUNT_OF(kinds));
    struct kernel_limits limits = {(enum kernel_memory)kinds[body->limits.memory]};
    if (call->process->leader->budget.addressing == KERNEL_MEMORY_SMALL) {
        if (limits.memory == KERNEL_MEMORY_FAST) {
            system_answer_no_child_locked(call->kernel, call->message, SYSTEM_SPAWN_ERROR_DENIED,
                                          (struct span){0});
            return;
        }
        limits.memory = KERNEL_MEMORY_SMALL;
    }
    spawn(call, &body->request, limits);
}

// ---- await-end, kill

static void answer_end_error(struct kernel *kernel, struct message *message,
                             enum system_error error)
{
    struct system_result_ending_error result = {.error = error};
    ANSWER(kernel, message, system_await_end_encode_result, &result);
}

void system_answer_end_locked(struct kernel *kernel, struct message *message, struct process *child)
{
    struct system_result_ending_error result = {.ok = true};
    switch (child->end_kind) {
    case KERNEL_EXITED:
        result.value.kind = SYSTEM_ENDING_EXITED;
        result.value.as.exited = child->end_code;
        break;
    case KERNEL_KILLED:
        result.value.kind = SYSTEM_ENDING_KILLED;
        break;
    default:
        result.value.kind = SYSTEM_ENDING_TRAPPED;
        result.value.as.trapped = span_of(child->end_text, child->end_text_size);
        break;
    }
    ANSWER(kernel, message, system_await_end_encode_result, &result);
}

// The process's child of that number, or NULL.
static struct process *find_child(struct kernel *kernel, const struct process *process, u64 id)
{
    struct process *child = process_find_locked(kernel, id);
    bool is_his = child != NULL && child->parent == process->leader && !child->is_unasked &&
                  child->spawn_message == NULL;
    return is_his ? child : NULL;
}

void system_await_end_locked(struct kernel *kernel, struct process *process,
                             struct message *message, u64 id)
{
    struct process *child = find_child(kernel, process, id);
    if (child == NULL) {
        answer_end_error(kernel, message, SYSTEM_ERROR_NOT_FOUND);
    } else if (child->end_message != NULL) { // one question at a time
        answer_end_error(kernel, message, SYSTEM_ERROR_LIMIT);
    } else if (child->state == PROCESS_ENDED) {
        if (message != NULL) {
            system_answer_end_locked(kernel, message, child);
        }
        process_unask_locked(kernel, child);
    } else if (message == NULL) { // it may be forgotten when it ends
        process_unask_locked(kernel, child);
    } else {
        child->end_message = message;
        message->pending = PENDING_END;
        message->about = child;
    }
}

static void call_await_end(void *context, const struct interface_message *unused,
                           const struct system_await_end_call *body)
{
    (void)unused;
    struct system_call *call = context;
    system_await_end_locked(call->kernel, call->process, call->message, body->process);
}

static void call_kill(void *context, const struct interface_message *unused,
                      const struct system_kill_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct process *child = find_child(call->kernel, call->process, body->process);
    if (child != NULL && child->state != PROCESS_ENDED) {
        process_kill_locked(call->kernel, child);
    }
    answer_none(call, system_kill_encode_result, child != NULL);
}

// ---- threads

static void call_spawn_thread(void *context, const struct interface_message *unused,
                              const struct system_spawn_thread_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct system_result_u32_error result = {0};
    u32 number = 0;
    enum err err = group_spawn_locked(call->kernel, call->process, body->argument, &number);
    result.ok = err == ERR_OK;
    if (result.ok) {
        result.value = number;
    } else {
        result.error = err == ERR_NOT_FOUND ? SYSTEM_ERROR_NOT_FOUND : SYSTEM_ERROR_LIMIT;
    }
    ANSWER(call->kernel, call->message, system_spawn_thread_encode_result, &result);
}

// ---- what a handler is told of its clients

static void call_client_limits(void *context, const struct interface_message *unused,
                               const struct system_client_limits_call *body)
{
    (void)unused;
    struct system_call *call = context;
    struct span limits[KERNEL_LINEAGE + 1];
    struct system_result_list_bytes_error result = {.ok = body->client == 0}; // the kernel has none
    const struct bond *bond =
        grant_client_locked(call->kernel, &call->process->party, body->client);
    if (bond != NULL) {
        result.ok = true;
        result.value.items = limits;
        result.value.count =
            grant_limits_locked(call->kernel, bond->process, bond->definition, limits);
    } else if (!result.ok) {
        result.error = SYSTEM_ERROR_NOT_FOUND;
    }
    ANSWER(call->kernel, call->message, system_client_limits_encode_result, &result);
}

// ---- dispatch

enum kernel_call system_call_locked(struct kernel *kernel, struct process *process, u64 function,
                                    struct span body, struct message *message, u32 *code)
{
    static const struct system_handler handler = {
        .bind = call_bind,
        .unbind = call_unbind,
        .register_ = call_register,
        .unregister = call_unregister,
        .cancel = call_cancel,
        .exit = call_exit,
        .start = call_start,
        .spawn = call_spawn,
        .spawn_within = call_spawn_within,
        .await_end = call_await_end,
        .kill = call_kill,
        .spawn_thread = call_spawn_thread,
        .client_limits = call_client_limits,
    };
    struct system_call call = {.kernel = kernel, .process = process, .message = message};
    struct interface_message in = {.function = function, .body = body};
    enum err err = system_dispatch(&handler, &call, &in);
    if (err != ERR_OK && message != NULL) {
        message_answer_error_locked(kernel, message,
                                    err == ERR_NOT_FOUND ? -E_FUNCTION : -E_MALFORMED);
    }
    *code = call.exit_code;
    return call.result;
}

enum err system_define(struct kernel *kernel)
{
    struct memory *memory = kernel_memory(kernel);
    TRY(interface_define(memory, &system_interface, &kernel->system));
    TRY(interface_define(memory, &inspect_interface, &kernel->inspect));
    TRY(interface_define(memory, &processes_interface, &kernel->processes_definition));
    TRY(interface_define(memory, &loader_interface, &kernel->loader));
    TRY(interface_define(memory, &consent_interface, &kernel->consent));
    struct registration *unused;
    TRY(registration_add_locked(kernel, &kernel->party, &kernel->system, &unused));
    TRY(registration_add_locked(kernel, &kernel->party, &kernel->inspect, &unused));
    return registration_add_locked(kernel, &kernel->party, &kernel->processes_definition, &unused);
}
