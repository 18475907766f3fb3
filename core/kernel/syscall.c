// SPDX-License-Identifier: GPL-3.0-or-later
// The three syscalls, and the two copying functions of adapters (docs/abi.md). Each is checked
// whole, in the order flags, pointers, lengths, ids, budgets, before anything happens.
//
// The fast path: a send that waits, to a handler that waits, is written straight into the handler's
// memory and the worker goes on with the handler; its answer goes straight back the same way.
// Measured in docs/kernel.md.
#include "core/kernel/internal.h"
#include "core/platform.h"

static u32 slot_u32(const wasm_slot *slots, u32 index)
{
    return (u32)slots[index];
}

static i64 bytes_fuel(u64 bytes)
{
    return (i64)(bytes / KERNEL_FUEL_BYTES);
}

// The memory that the call's pointers mean, or NULL.
static ALWAYS_INLINE struct wasm_memory *caller_memory(const struct process *process)
{
    struct wasm_instance *caller = process->thread.host.caller;
    return LIKELY(caller == process->instance) ? process->memory : wasm_instance_memory0(caller);
}

// ---- send

struct send_call {
    struct kernel *kernel;
    struct process *process;
    u32 bond_id;
    u64 function;
    struct span body;
    u8 *answer; // SEND_WAIT: room for the answer
    u32 answer_len;
    u32 flags;
    bool is_shared;                    // the body may change while it is looked at
    struct bond *bond;                 // NULL: bond 0
    struct registration *registration; // NULL: bond 0
    u8 *allocated;                     // a copy of a body that has to be kept
};

// Ends the call at once with a result.
static struct process *send_result(struct send_call *call, i64 result)
{
    if (call->allocated != NULL) {
        body_free(call->kernel, call->allocated, (u32)call->body.size);
        call->allocated = NULL;
    }
    process_set_result(call->process, result);
    return call->process;
}

static ALWAYS_INLINE i64 send_decode(struct process *process, struct send_call *call)
{
    const wasm_slot *slots = process->thread.host.slots;
    const struct wasm_memory *memory = caller_memory(process);
    *call = (struct send_call){
        .kernel = process->kernel,
        .process = process,
        .bond_id = slot_u32(slots, 0),
        .function = slots[1],
        .body.size = slot_u32(slots, 3),
        .answer_len = slot_u32(slots, 5),
        .flags = slot_u32(slots, 6),
    };
    if (call->flags > SEND_WAIT) { // both flags together is 3
        return E_FLAGS;
    }
    if (memory == NULL) {
        return E_FAULT;
    }
    call->is_shared = memory->limits.is_shared;
    call->body.data = wasm_memory_at(memory, slot_u32(slots, 2), slot_u32(slots, 3));
    if (call->body.data == NULL) {
        return E_FAULT;
    }
    if (call->flags == SEND_WAIT) {
        call->answer = wasm_memory_at(memory, slot_u32(slots, 4), call->answer_len);
        if (call->answer == NULL) {
            return E_FAULT;
        }
    }
    return call->body.size > KERNEL_BODY_BYTES ? E_TOO_LONG : 0;
}

// Finds whom the message is for.
static ALWAYS_INLINE i64 send_route_locked(struct send_call *call)
{
    struct process *process = call->process;
    if (call->bond_id == 0) {
        if (definition_function(&call->kernel->system, call->function) == NULL) {
            return E_FUNCTION;
        }
    } else {
        call->bond = bond_find_locked(call->kernel, process, call->bond_id);
        if (call->bond == NULL) {
            return E_HANDLE;
        }
        if (!bond_knows_locked(call->bond, call->function)) {
            return E_FUNCTION;
        }
        call->registration = LIKELY(!call->bond->is_redirected) ? bond_handler_locked(call->bond)
                                                                : &call->kernel->redirected;
        if (call->registration == NULL) {
            return E_NO_HANDLER;
        }
    }
    // A call of the kernel that waits is always possible, so that a process can cancel when it is
    // at its limit, or the kernel is. Its body is kept nowhere.
    bool is_call = call->bond_id == 0 && call->flags == SEND_WAIT;
    bool has_room =
        is_call ? process->message_count <= process->call_most
                : process->message_count < process->budget.messages &&
                      process->message_bytes + call->body.size <= process->budget.queued_bytes;
    if (!has_room) {
        return E_LIMIT;
    }
    bool is_full = call->kernel->messages.used >= KERNEL_MESSAGES_ALL - KERNEL_MESSAGES_SPARE;
    return is_full && (!is_call || process->spare != NULL) ? E_NO_MEMORY : 0;
}

// The process that handles this and waits, with room for the message; or NULL.
static ALWAYS_INLINE struct process *waiting_handler(const struct send_call *call)
{
    if (call->flags != SEND_WAIT || call->registration->party->kind != PARTY_PROCESS) {
        return NULL;
    }
    struct process *handler = party_process(call->registration->party);
    bool fits = handler->state == PROCESS_WAITING &&
                notification_size((u32)call->body.size) <= handler->out_len;
    return fits ? handler : NULL;
}

static ALWAYS_INLINE void send_count(struct send_call *call, u64 id)
{
    call->process->sent_total++;
    call->kernel->message_total++;
    if (call->bond != NULL) {
        if (call->registration != &call->kernel->redirected) { // then its handler hears nothing
            call->bond->told = call->registration->serial;
        }
        call->bond->entry->messages++;
        bond_count_locked(call->bond, call->body.size);
    }
    kernel_trace(call->kernel, KERNEL_TRACE_SEND, call->process->by_id.key, id);
}

static ALWAYS_INLINE struct message *send_message_locked(struct send_call *call)
{
    struct message *message =
        message_new_locked(call->kernel, call->process, call->flags != SEND_NO_ANSWER);
    if (message == NULL) {
        return NULL;
    }
    message->function = call->function;
    message->bond = call->bond;
    message->client_number = call->bond == NULL ? 0 : call->bond->client;
    send_count(call, message->id);
    return message;
}

// The client waits for the answer from here on.
static ALWAYS_INLINE void await_locked(struct send_call *call, struct message *message)
{
    struct process *process = call->process;
    process->out = call->answer;
    process->out_len = call->answer_len;
    process->awaited = message;
    message->waited_for = true;
}

// The process that handles this and waits on the same worker, with room for the message; or NULL.
static ALWAYS_INLINE struct process *local_handler(const struct send_call *call,
                                                   const struct worker *worker)
{
    if (call->flags != SEND_WAIT || call->registration == NULL || worker->kept_count == 0 ||
        call->registration->party->kind != PARTY_PROCESS) {
        return NULL;
    }
    struct process *handler = party_process(call->registration->party);
    bool fits = handler->worker == worker->index && handler->state == PROCESS_WAITING &&
                call->body.size <= KERNEL_COPY_LOCKED &&
                notification_size((u32)call->body.size) <= handler->out_len &&
                !__atomic_load_n(&call->process->kill, __ATOMIC_RELAXED);
    return fits ? handler : NULL;
}

// The same from one worker to another, or with a long body. The lock is held on entry and free on
// return.
static struct process *send_direct(struct send_call *call, struct message *message,
                                   struct process *handler)
{
    struct kernel *kernel = call->kernel;
    u32 len = (u32)call->body.size;
    struct abi_notification header = {
        .size = notification_size(len),
        .kind = NOTIFICATION_MESSAGE,
        .id = message->id, // the rest from elsewhere: what was just stored in pieces loads slowly
        .function = call->function,
        .client = call->bond->client,
        .registration = call->registration->id,
        .body_len = len,
    };
    message_hold_locked(message, call->registration);
    handler->state = PROCESS_RUNNING; // this worker has both now
    handler->worker = call->process->worker;
    handler->received_total++;
    u8 *to = handler->out;
    ASSERT(header.size <= handler->out_len);
    await_locked(call, message);
    if (len > KERNEL_COPY_LOCKED) {
        kernel_unlock(kernel);
    }
    notification_write(to, &header);
    mem_copy(to + sizeof header, call->body.data, len);
    process_set_result(handler, header.size);
    if (len > KERNEL_COPY_LOCKED) {
        kernel_lock(kernel);
    }
    if (LIKELY(call->process->awaited != NULL)) {
        process_block_locked(kernel, call->process, PROCESS_AWAITING);
    } else { // its bond was revoked meanwhile, and it has its answer
        process_ready_locked(kernel, call->process);
    }
    kernel_unlock(kernel);
    return handler;
}

// The fast path: client and handler were both had by this worker last.
static ALWAYS_INLINE void send_local_locked(struct send_call *call, struct worker *worker,
                                            struct process *handler)
{
    struct process *process = call->process;
    struct message *message = message_new_local(worker, process);
    struct bond *bond = call->bond;
    struct registration *registration = call->registration;
    u32 len = (u32)call->body.size;
    struct abi_notification header = {
        .size = notification_size(len),
        .kind = NOTIFICATION_MESSAGE,
        .id = message->id,
        .function = call->function,
        .client = bond->client,
        .registration = registration->id,
        .body_len = len,
    };
    message->function = call->function;
    message->bond = bond;
    message->client_number = bond->client;
    message_hold_locked(message, registration);
    await_locked(call, message);
    bond->told = registration->serial;
    bond->entry->messages++; // its handler, and so this worker, alone
    bond_count_locked(bond, len);
    process->sent_total++;
    process->state = PROCESS_AWAITING;
    handler->received_total++;
    handler->state = PROCESS_RUNNING;
    worker->message_total++;
    kernel_trace(call->kernel, KERNEL_TRACE_SEND, process->by_id.key, header.id);
    process_set_result(handler, header.size);
    notification_write(handler->out, &header);
    mem_copy(handler->out + sizeof header, call->body.data, len);
}

// The kernel itself handles it. The lock is held on entry and free on return.
static struct process *send_kernel(struct send_call *call, i64 *fuel)
{
    struct kernel *kernel = call->kernel;
    struct process *process = call->process;
    struct message *message = NULL;
    if (call->flags == SEND_NO_ANSWER) {
        send_count(call, 0);
    } else {
        message = send_message_locked(call);
        if (message == NULL) {
            kernel_unlock(kernel);
            return send_result(call, E_NO_MEMORY);
        }
        message->state = MESSAGE_PENDING;
        if (kernel->messages.used > KERNEL_MESSAGES_ALL - KERNEL_MESSAGES_SPARE) {
            process->spare = message;
        }
    }
    if (call->flags == SEND_WAIT) {
        await_locked(call, message);
    }
    process_set_result(process, message == NULL ? 0 : (i64)message->id);
    struct span body = call->body;
    u8 copy[KERNEL_BODY_INLINE];
    if (call->allocated != NULL) {
        body.data = call->allocated;
    } else if (call->is_shared) { // decoding looks at bytes more than once
        ASSERT(body.size <= sizeof copy);
        mem_copy(copy, body.data, body.size);
        body.data = copy;
    }
    u32 code = 0;
    process->items = 0;
    enum kernel_call done = CALL_DONE;
    if (call->registration == NULL || call->registration->definition == &kernel->system) {
        done = system_call_locked(kernel, process, call->function, body, message, &code);
    } else if (call->registration == &kernel->redirected) {
        stream_call_locked(kernel, process, call->function, body, message);
    } else if (call->registration->definition == &kernel->processes_definition) {
        processes_call_locked(kernel, process, call->function, body, message);
    } else {
        inspect_call_locked(kernel, call->function, body, message);
    }
    if (done == CALL_EXIT) {
        if (process->awaited != NULL) { // never answered: the process's end frees it
            process->awaited->waited_for = false;
            process->awaited = NULL;
        }
        kernel_unlock(kernel);
        process_end(process, (struct kernel_ending){.kind = KERNEL_EXITED, .code = code});
        return NULL;
    }
    *fuel -= (i64)process->items * KERNEL_FUEL_ITEM;
    if (process->awaited != NULL) { // the answer comes later
        process_block_locked(kernel, process, PROCESS_AWAITING);
        process = NULL;
    }
    kernel_unlock(kernel);
    return process;
}

// Queues it for its handler. The lock is held on entry and free on return.
static struct process *send_queued(struct send_call *call, struct message *message)
{
    struct kernel *kernel = call->kernel;
    struct process *next = call->process;
    message_set_body_locked(kernel, message, call->body, call->allocated);
    process_set_result(call->process, (i64)message->id);
    message_queue_locked(kernel, message, call->registration);
    if (call->flags == SEND_WAIT) {
        await_locked(call, message);
        process_block_locked(kernel, call->process, PROCESS_AWAITING);
        next = NULL;
    }
    kernel_unlock(kernel);
    return next;
}

// The answer of a device that has it at once (device.h). False: the message goes its way.
static bool send_now_locked(struct send_call *call)
{
    if (call->registration == NULL || call->registration->party->kind != PARTY_DEVICE ||
        call->flags != SEND_WAIT || call->body.size > 0) {
        return false;
    }
    const struct kernel_device_config *device =
        &CONTAINER_OF(call->registration->party, struct kernel_device, party)->config;
    u8 answer[KERNEL_NOW_BYTES];
    u32 size = 0;
    if (device->now == NULL || !device->now(device->context, call->function, answer, &size)) {
        return false;
    }
    ASSERT(size <= sizeof answer);
    if (size > call->answer_len) {
        return false; // told as it is of any answer
    }
    call->process->sent_total++;
    call->kernel->message_total++;
    call->bond->entry->messages++;
    bond_count_locked(call->bond, 0);
    call->bond->answer_bytes += size;
    kernel_trace(call->kernel, KERNEL_TRACE_SEND, call->process->by_id.key, 0);
    mem_copy(call->answer, answer, size);
    process_set_result(call->process, size);
    return true;
}

// Of a message over a redirected bond: sends it on to the handler unless it is about a stream that
// leads elsewhere. What threads of the process may change meanwhile is copied first: to `copy` if
// it fits there.
static i64 send_redirect_locked(struct send_call *call, u8 copy[KERNEL_BODY_INLINE])
{
    bool is_long = call->body.size > KERNEL_BODY_INLINE;
    if (call->is_shared && is_long && call->allocated == NULL) {
        return 0; // is to be allocated, and comes again
    }
    if (call->is_shared && !is_long) {
        mem_copy(copy, call->body.data, call->body.size);
        call->body.data = copy;
    }
    if (!stream_is_redirected(call->process, call->function, call->body)) {
        call->registration = bond_handler_locked(call->bond);
    }
    return call->registration == NULL ? E_NO_HANDLER : 0;
}

// Everything but the fast path. The lock is held on entry and free on return.
static NOINLINE struct process *send_slow(struct send_call *call, i64 *fuel)
{
    u8 copy[KERNEL_BODY_INLINE];
    for (;;) {
        kernel_act_locked(call->kernel, call->process);
        if (call->registration == &call->kernel->redirected &&
            send_redirect_locked(call, copy) != 0) {
            kernel_unlock(call->kernel);
            return send_result(call, E_NO_HANDLER);
        }
        bool is_kernel =
            call->registration == NULL || call->registration->party->kind == PARTY_KERNEL;
        bool is_long = call->body.size > KERNEL_BODY_INLINE && call->allocated == NULL;
        if (is_kernel && !(call->is_shared && is_long)) {
            bool is_inspect = call->registration != NULL &&
                              call->registration->definition == &call->kernel->inspect;
            *fuel -= is_inspect ? KERNEL_FUEL_INSPECT : KERNEL_FUEL_CALL;
            struct process *next = send_kernel(call, fuel);
            if (call->allocated != NULL) { // the handler became the kernel meanwhile
                body_free(call->kernel, call->allocated, (u32)call->body.size);
            }
            return next;
        }
        if (send_now_locked(call)) {
            kernel_unlock(call->kernel);
            return call->process;
        }
        struct process *handler = is_kernel ? NULL : waiting_handler(call);
        if (handler == NULL && is_long) {
            kernel_unlock(call->kernel);
            call->allocated = body_new(call->kernel, (u32)call->body.size);
            if (call->allocated == NULL) {
                return send_result(call, E_NO_MEMORY);
            }
            mem_copy(call->allocated, call->body.data, call->body.size);
            call->body.data = call->allocated; // and nothing else from here on
            kernel_lock(call->kernel);
            i64 error = send_route_locked(call);
            if (error != 0) {
                kernel_unlock(call->kernel);
                return send_result(call, error);
            }
            continue;
        }
        struct message *message = send_message_locked(call);
        if (message == NULL) {
            kernel_unlock(call->kernel);
            return send_result(call, E_NO_MEMORY);
        }
        if (handler == NULL) {
            return send_queued(call, message);
        }
        u8 *unused = call->allocated;
        struct process *next = send_direct(call, message, handler);
        if (unused != NULL) {
            body_free(handler->kernel, unused, (u32)call->body.size);
        }
        return next;
    }
}

// A local call under the worker's own lock. NULL: it is none; nothing has changed.
static ALWAYS_INLINE struct process *send_local(struct process *process, struct worker *worker,
                                                i64 *fuel)
{
    struct send_call call;
    if (slot_u32(process->thread.host.slots, 6) != SEND_WAIT || send_decode(process, &call) != 0 ||
        !local_lock(worker)) {
        return NULL;
    }
    struct process *handler =
        LIKELY(send_route_locked(&call) == 0) ? local_handler(&call, worker) : NULL;
    if (LIKELY(handler != NULL)) {
        send_local_locked(&call, worker, handler);
        *fuel -= bytes_fuel(call.body.size);
    }
    local_unlock(worker);
    return handler;
}

// Whatever is no local call is handed a copy, so that `call` can live in registers here.
static NOINLINE struct process *send_any(struct process *process, struct worker *worker, i64 *fuel)
{
    struct send_call call;
    i64 error = send_decode(process, &call);
    if (UNLIKELY(error != 0)) {
        process_set_result(process, error);
        return process;
    }
    *fuel -= bytes_fuel(call.body.size);
    kernel_lock_local(call.kernel, worker);
    error = send_route_locked(&call);
    if (UNLIKELY(error != 0)) {
        kernel_unlock(call.kernel);
        process_set_result(process, error);
        return process;
    }
    struct process *handler = local_handler(&call, worker);
    if (handler == NULL) {
        struct send_call copy = call;
        kernel_recall_locked(call.kernel);
        return send_slow(&copy, fuel);
    }
    send_local_locked(&call, worker, handler);
    kernel_unlock_local(call.kernel, worker);
    return handler;
}

static NOINLINE struct process *syscall_send(struct process *process, i64 *fuel)
{
    struct worker *worker = &process->kernel->workers[process->worker];
    struct process *next = send_local(process, worker, fuel);
    return LIKELY(next != NULL) ? next : send_any(process, worker, fuel);
}

// ---- wait

// The guest's buffer for notifications was checked; blocks when there is nothing to write into it.
static ALWAYS_INLINE bool wait_locked(struct kernel *kernel, struct process *process, u8 *to,
                                      u32 len, bool is_poll)
{
    i32 written = 0;
    if (!list_is_empty(&process->party.notes)) {
        written = notes_deliver_locked(kernel, process, to, len);
    }
    if (written != 0 || is_poll) {
        process_set_result(process, (u32)written);
        kernel_trace(kernel, KERNEL_TRACE_TOLD, process->by_id.key, (u32)written);
        return true;
    }
    process->out = to;
    process->out_len = len;
    process_block_locked(kernel, process, PROCESS_WAITING);
    if (UNLIKELY(process->retires)) {
        process_retire_locked(kernel, process);
    }
    return false;
}

static struct process *syscall_wait(struct process *process, i64 *fuel)
{
    struct kernel *kernel = process->kernel;
    const wasm_slot *slots = process->thread.host.slots;
    const struct wasm_memory *memory = caller_memory(process);
    u32 len = slot_u32(slots, 1);
    u32 flags = slot_u32(slots, 2);
    if (flags > WAIT_POLL) {
        process_set_result(process, (u32)E_FLAGS);
        return process;
    }
    u8 *to = memory == NULL ? NULL : wasm_memory_at(memory, slot_u32(slots, 0), len);
    if (to == NULL) {
        process_set_result(process, (u32)E_FAULT);
        return process;
    }
    kernel_lock(kernel);
    bool goes_on = wait_locked(kernel, process, to, len, flags == WAIT_POLL);
    kernel_unlock(kernel);
    if (!goes_on) {
        return NULL;
    }
    i32 written = (i32)process->thread.host.slots[0];
    *fuel -= written > 0 ? bytes_fuel((u32)written) : 0;
    return process;
}

bool syscall_resume_wait(struct process *process)
{
    struct kernel *kernel = process->kernel;
    kernel_lock(kernel);
    process->resume_wait = false;
    bool goes_on = wait_locked(kernel, process, process->out, process->out_len, false);
    kernel_unlock(kernel);
    return goes_on;
}

// ---- answer

struct answer_call {
    struct kernel *kernel;
    struct process *process;
    u64 id;
    struct span body;
    u8 *buf; // ANSWER_WAIT: room for notifications
    u32 buf_len;
    u32 flags;
    u32 error; // ANSWER_ERROR: the code
};

// Nothing was answered. The lock is held on entry and free on return.
static ALWAYS_INLINE struct process *answer_refused(const struct answer_call *call, i32 error)
{
    kernel_unlock(call->kernel);
    process_set_result(call->process, (u32)error);
    return call->process;
}

static ALWAYS_INLINE i32 answer_decode(struct process *process, struct answer_call *call)
{
    const wasm_slot *slots = process->thread.host.slots;
    const struct wasm_memory *memory = caller_memory(process);
    *call = (struct answer_call){
        .kernel = process->kernel,
        .process = process,
        .id = slots[0],
        .body.size = slot_u32(slots, 2),
        .buf_len = slot_u32(slots, 4),
        .flags = slot_u32(slots, 5),
    };
    if ((call->flags & ~(u32)(ANSWER_ERROR | ANSWER_WAIT)) != 0) {
        return E_FLAGS;
    }
    if (memory == NULL) {
        return E_FAULT;
    }
    call->body.data = wasm_memory_at(memory, slot_u32(slots, 1), slot_u32(slots, 2));
    if (call->body.data == NULL) {
        return E_FAULT;
    }
    if ((call->flags & ANSWER_WAIT) != 0) {
        call->buf = wasm_memory_at(memory, slot_u32(slots, 3), call->buf_len);
        if (call->buf == NULL) {
            return E_FAULT;
        }
    }
    if ((call->flags & ANSWER_ERROR) != 0) {
        call->error = call->body.size == 4 ? mem_load_u32(call->body.data) : 0; // read once
        return call->error >= -E_FAULT && call->error <= -E_NO_MEMORY ? 0 : E_MALFORMED;
    }
    return 0;
}

// Writes the answer into the memory of a client that waits for it; this worker then has the client.
// The lock is given back in between when the body is long.
static ALWAYS_INLINE struct process *answer_direct_locked(struct answer_call *call,
                                                          struct message *message)
{
    struct kernel *kernel = call->kernel;
    struct process *client = message->client;
    client->state = PROCESS_RUNNING;
    client->worker = call->process->worker;
    client->awaited = NULL;
    message_count_answer_locked(message, call->body.size);
    message_clean_direct_locked(message);
    pool_give(&kernel->messages, message);
    ASSERT(call->body.size <= client->out_len);
    bool is_long = call->body.size > KERNEL_COPY_LOCKED;
    if (is_long) {
        kernel_unlock(kernel);
    }
    mem_copy(client->out, call->body.data, call->body.size);
    process_set_result(client, (i64)call->body.size);
    if (is_long) {
        kernel_lock(kernel);
    }
    return client;
}

static ALWAYS_INLINE bool is_direct(const struct answer_call *call, const struct message *message)
{
    return (call->flags & ANSWER_ERROR) == 0 && message->waited_for && !message->is_cancelled &&
           message->client->state == PROCESS_AWAITING &&
           call->body.size <= message->client->out_len;
}

// The answer was given. The lock is held on entry and free on return.
static ALWAYS_INLINE struct process *answer_done(struct answer_call *call, struct process *client)
{
    struct kernel *kernel = call->kernel;
    struct process *process = call->process;
    process->answered_total++;
    kernel_trace(kernel, KERNEL_TRACE_ANSWER, process->by_id.key, call->id);
    bool goes_on = true;
    process_set_result(process, 0);
    if ((call->flags & ANSWER_WAIT) != 0) {
        goes_on = wait_locked(kernel, process, call->buf, call->buf_len, false);
    }
    if (client != NULL && goes_on) {
        kernel_act_locked(kernel, process);
        process_ready_locked(kernel, client);
    }
    kernel_unlock(kernel);
    return goes_on ? process : client;
}

// What would be answered, or NULL with the error.
static ALWAYS_INLINE struct message *answer_find_locked(struct answer_call *call, i32 *error)
{
    struct message *message = message_find_locked(call->kernel, call->id);
    if (message == NULL || message->handler != &call->process->party ||
        message->handler_note.kind == NOTE_MESSAGE) {
        *error = E_HANDLE;
        return NULL;
    }
    // Without a client it is the loader's to answer, or was cancelled.
    if (UNLIKELY(call->body.size > KERNEL_BODY_BYTES) &&
        (message->client != NULL || message->question != NULL ||
         call->body.size > KERNEL_LOAD_BYTES)) {
        *error = E_TOO_LONG;
        return NULL;
    }
    return message;
}

// Everything but the fast path, for a message that was found. The lock is held on entry and free on
// return.
static NOINLINE struct process *answer_slow(struct answer_call *call, struct message *message)
{
    struct kernel *kernel = call->kernel;
    kernel_act_locked(kernel, call->process);
    if ((call->flags & ANSWER_ERROR) != 0) {
        message_answer_error_locked(kernel, message, call->error);
        return answer_done(call, NULL);
    }
    u8 *allocated = NULL;
    if (call->body.size > KERNEL_BODY_INLINE && !message->is_cancelled) {
        kernel_unlock(kernel);
        allocated = body_new(kernel, (u32)call->body.size); // NULL: the client is told
        if (allocated != NULL) {
            mem_copy(allocated, call->body.data, call->body.size);
        }
        kernel_lock(kernel);
        kernel_act_locked(kernel, call->process);
        i32 error = 0;
        message = answer_find_locked(call, &error);
        if (message == NULL || is_direct(call, message)) {
            struct process *client = message == NULL ? NULL : answer_direct_locked(call, message);
            if (allocated != NULL) {
                body_free(kernel, allocated, (u32)call->body.size);
            }
            return message == NULL ? answer_refused(call, error) : answer_done(call, client);
        }
    }
    u8 copy[KERNEL_BODY_INLINE]; // what the kernel asked the loader for is decoded
    struct span body = allocated == NULL ? call->body : span_of(allocated, call->body.size);
    if (body.size <= sizeof copy) {
        mem_copy(copy, call->body.data, call->body.size);
        body.data = copy;
    }
    message_answer_locked(kernel, message, body, allocated);
    return answer_done(call, NULL);
}

// Whether a local call can end with this answer: its client waits, on this worker as well.
static ALWAYS_INLINE bool is_local(const struct answer_call *call, const struct message *message,
                                   const struct worker *worker)
{
    const struct process *process = call->process;
    return message != NULL && call->flags == ANSWER_WAIT && call->body.size <= KERNEL_COPY_LOCKED &&
           message->handler == &process->party && message->state == MESSAGE_HELD &&
           message->waited_for && !message->is_cancelled &&
           message->client->worker == worker->index && message->client->state == PROCESS_AWAITING &&
           call->body.size <= message->client->out_len &&
           worker->kept_count < KERNEL_WORKER_MESSAGES && list_is_empty(&process->party.notes) &&
           !process->retires && !__atomic_load_n(&process->kill, __ATOMIC_RELAXED);
}

// The fast path back.
static ALWAYS_INLINE struct process *
answer_local_locked(struct answer_call *call, struct worker *worker, struct message *message)
{
    struct process *process = call->process;
    struct process *client = message->client;
    message_count_answer_locked(message, call->body.size);
    message_keep_local(worker, message);
    client->awaited = NULL;
    client->state = PROCESS_RUNNING;
    process->answered_total++;
    process->out = call->buf;
    process->out_len = call->buf_len;
    process->state = PROCESS_WAITING;
    kernel_trace(call->kernel, KERNEL_TRACE_ANSWER, process->by_id.key, call->id);
    process_set_result(client, (i64)call->body.size);
    mem_copy(client->out, call->body.data, call->body.size);
    return client;
}

// A local call's end under the worker's own lock. NULL: it is none; nothing has changed.
static ALWAYS_INLINE struct process *answer_local(struct process *process, struct worker *worker,
                                                  i64 *fuel)
{
    struct answer_call call;
    if (slot_u32(process->thread.host.slots, 5) != ANSWER_WAIT ||
        answer_decode(process, &call) != 0 || !local_lock(worker)) {
        return NULL;
    }
    struct message *message = message_find_local(call.kernel, call.id);
    struct process *client = NULL;
    if (LIKELY(is_local(&call, message, worker))) {
        client = answer_local_locked(&call, worker, message);
        *fuel -= bytes_fuel(call.body.size);
    }
    local_unlock(worker);
    return client;
}

static NOINLINE struct process *answer_any(struct process *process, struct worker *worker,
                                           i64 *fuel)
{
    struct answer_call call;
    i32 error = answer_decode(process, &call);
    if (UNLIKELY(error != 0)) {
        process_set_result(process, (u32)error);
        return process;
    }
    *fuel -= bytes_fuel(call.body.size);
    kernel_lock_local(call.kernel, worker);
    struct message *message = message_find_local(call.kernel, call.id);
    if (is_local(&call, message, worker)) {
        struct process *client = answer_local_locked(&call, worker, message);
        kernel_unlock_local(call.kernel, worker);
        return client;
    }
    kernel_recall_locked(call.kernel);
    message = answer_find_locked(&call, &error);
    if (message == NULL) {
        return answer_refused(&call, error);
    }
    return is_direct(&call, message) ? answer_done(&call, answer_direct_locked(&call, message))
                                     : answer_slow(&call, message);
}

static NOINLINE struct process *syscall_answer(struct process *process, i64 *fuel)
{
    struct worker *worker = &process->kernel->workers[process->worker];
    struct process *next = answer_local(process, worker, fuel);
    return LIKELY(next != NULL) ? next : answer_any(process, worker, fuel);
}

// ---- client.read, client.write

static struct process *syscall_copy(struct process *process, i64 *fuel, bool is_read)
{
    const wasm_slot *slots = process->thread.host.slots;
    struct wasm_memory *adapter = wasm_instance_memory0(process->thread.host.caller);
    struct wasm_memory *program = process->memory;
    u32 to = slot_u32(slots, 0);
    u32 from = slot_u32(slots, 1);
    u32 len = slot_u32(slots, 2);
    u8 *to_bytes = NULL;
    const u8 *from_bytes = NULL;
    if (adapter != NULL && program != NULL) {
        to_bytes = wasm_memory_at(is_read ? adapter : program, to, len);
        from_bytes = wasm_memory_at(is_read ? program : adapter, from, len);
    }
    i32 result = E_FAULT;
    if (to_bytes != NULL && from_bytes != NULL) {
        mem_copy(to_bytes, from_bytes, len);
        *fuel -= bytes_fuel(len);
        result = 0;
    }
    process_set_result(process, (u32)result);
    return process;
}

// ---- waiting at an address, and waking who does: the engine's own host functions

static struct process *syscall_park(struct process *process)
{
    enum wasm_wait kind;
    bool is_wait = wasm_wait_kind(process->thread.host.function, &kind);
    ASSERT(is_wait);
    return park_call(process, kind) ? process : NULL;
}

struct process *syscall_run(struct process *process, i64 *fuel)
{
    *fuel -= KERNEL_FUEL_SYSCALL;
    u32 index = process->thread.host.function->index;
    if (LIKELY(index == HOST_SEND)) {
        return syscall_send(process, fuel);
    }
    if (LIKELY(index == HOST_ANSWER)) {
        return syscall_answer(process, fuel);
    }
    switch (index) {
    case HOST_WAIT:
        return syscall_wait(process, fuel);
    case HOST_CLIENT_READ:
        return syscall_copy(process, fuel, true);
    case HOST_CLIENT_WRITE:
        return syscall_copy(process, fuel, false);
    default:
        return UNLIKELY(process->record != NULL) ? record_call(process, fuel)
                                                 : syscall_park(process);
    }
}

struct process *syscall_do(struct process *process, enum host_function function, i64 *fuel)
{
    switch (function) {
    case HOST_SEND:
        return syscall_send(process, fuel);
    case HOST_ANSWER:
        return syscall_answer(process, fuel);
    case HOST_WAIT:
        return syscall_wait(process, fuel);
    default:
        return syscall_park(process);
    }
}
