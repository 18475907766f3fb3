// SPDX-License-Identifier: GPL-3.0-or-later
// A message's life: queued for its handler, held by it, answered, taken by its client. One struct
// goes all the way and is charged to the client until both sides have let go of it, so nothing has
// to be allocated when an answer is given. It is freed when no handler knows it and no note of it
// is queued for the client.
#include "core/kernel/internal.h"
#include "core/platform.h"

struct kernel_device *party_device(struct party *party)
{
    ASSERT(party->kind == PARTY_DEVICE);
    return CONTAINER_OF(party, struct kernel_device, party);
}

void party_init(struct party *party, enum party_kind kind)
{
    *party = (struct party){.kind = kind};
    list_init(&party->notes);
    list_init(&party->held);
    list_init(&party->cancelled);
    list_init(&party->registrations);
}

// ---- notes

static void wake_device_locked(struct kernel *kernel, struct kernel_device *device)
{
    if (!device->is_to_wake) {
        device->is_to_wake = true;
        device->next_to_wake = kernel->wake_devices;
        kernel->wake_devices = device;
    }
}

static void wake_party_locked(struct kernel *kernel, struct party *party, bool was_empty)
{
    if (party->kind == PARTY_DEVICE) {
        if (was_empty) {
            wake_device_locked(kernel, party_device(party));
        }
        return;
    }
    struct process *process = party_process(party);
    if (process->state == PROCESS_WAITING) {
        process->resume_wait = true;
        process_ready_locked(kernel, process);
    }
}

void note_queue_locked(struct kernel *kernel, struct party *party, struct note *note,
                       enum note_kind kind)
{
    ASSERT(note->kind == NOTE_NONE && kind != NOTE_NONE);
    bool was_empty = list_is_empty(&party->notes);
    note->kind = kind;
    list_append(&party->notes, &note->node);
    wake_party_locked(kernel, party, was_empty);
}

// ---- bodies

u8 *body_new(struct kernel *kernel, u32 len)
{
    ASSERT(len > KERNEL_BODY_INLINE);
    return memory_take(kernel_memory(kernel), len);
}

void body_free(struct kernel *kernel, u8 *body, u32 len)
{
    memory_give(kernel_memory(kernel), body, len);
}

void message_set_body_locked(struct kernel *kernel, struct message *message, struct span body,
                             u8 *allocated)
{
    ASSERT(message->body_len == 0);
    ASSERT((allocated != NULL) == (body.size > KERNEL_BODY_INLINE));
    message->body = allocated;
    if (allocated == NULL) {
        message->body = message->small;
        mem_copy(message->small, body.data, body.size);
    }
    message->body_len = (u32)body.size;
    kernel->message_bytes += body.size;
    if (message->client != NULL) {
        message->client->message_bytes += body.size;
    }
}

// Takes the body out of the message's account. What it returns is the caller's to free, or NULL.
static u8 *detach_body_locked(struct kernel *kernel, struct message *message)
{
    u8 *allocated = message->body_len > KERNEL_BODY_INLINE ? message->body : NULL;
    ASSERT(kernel->message_bytes >= message->body_len);
    kernel->message_bytes -= message->body_len;
    if (message->client != NULL) {
        ASSERT(message->client->message_bytes >= message->body_len);
        message->client->message_bytes -= message->body_len;
    }
    message->body = NULL;
    message->body_len = 0;
    return allocated;
}

void message_clear_body_locked(struct kernel *kernel, struct message *message)
{
    u32 len = message->body_len;
    u8 *allocated = detach_body_locked(kernel, message);
    if (allocated != NULL) {
        body_free(kernel, allocated, len);
    }
}

// ---- making, finding, freeing

// Frees the message when both sides have let go of it.
static void finish_locked(struct kernel *kernel, struct message *message)
{
    if (message->handler == NULL && message->client_note.kind == NOTE_NONE) {
        message_free_locked(kernel, message);
    }
}

// Takes a message for which the kernel itself waits out of that wait.
static void unlink_pending_locked(struct kernel *kernel, struct message *message)
{
    struct interface_entry *entry = message->entry;
    switch (message->pending) {
    case PENDING_BIND:
        list_remove(&message->handler_note.node);
        entry->patient_count--;
        message->entry = NULL;
        entry_give_locked(kernel, entry);
        break;
    case PENDING_CONSENT:
        list_remove(&message->handler_note.node);
        consent_left_locked(kernel, message->question);
        message->question = NULL;
        break;
    case PENDING_SPAWN:
        message->about->spawn_message = NULL;
        process_unask_locked(kernel, message->about); // its parent will never know its number
        break;
    case PENDING_END:
        message->about->end_message = NULL;
        break;
    case PENDING_READ:
    case PENDING_WRITE:
        pipe_left_locked(message);
        break;
    default:
        break;
    }
    message->about = NULL;
    message->pending = PENDING_NONE;
}

// ---- sending

void message_queue_locked(struct kernel *kernel, struct message *message,
                          struct registration *registration)
{
    message->handler = registration->party;
    message->registration = registration->id;
    message->state = MESSAGE_QUEUED;
    note_queue_locked(kernel, registration->party, &message->handler_note, NOTE_MESSAGE);
}

// ---- answering

// Puts the answer, which is in the message by now, into the client's queue.
static void queue_answer_locked(struct kernel *kernel, struct message *message)
{
    struct process *client = message->client;
    message->state = MESSAGE_ANSWERED;
    if (!message->waited_for) {
        note_queue_locked(kernel, &client->party, &message->client_note, NOTE_ANSWER);
        return;
    }
    // It did not fit the buffer of send: it becomes the first notification.
    message->waited_for = false;
    message->client_note.kind = NOTE_ANSWER;
    list_prepend(&client->party.notes, &message->client_note.node);
    process_resume_locked(kernel, client, E_BUFFER);
}

// Writes the answer into the memory of a client that waits for it, if it fits there.
static bool answer_waiting_locked(struct kernel *kernel, struct message *message, struct span body)
{
    struct process *client = message->client;
    ASSERT(client->awaited == message);
    if (body.size > client->out_len) {
        return false;
    }
    mem_copy(client->out, body.data, body.size);
    i64 result = (i64)body.size | (message->error != 0 ? ANSWER_IS_ERROR : 0);
    message->waited_for = false;
    message_free_locked(kernel, message);
    process_resume_locked(kernel, client, result);
    return true;
}

static bool fits_budget(const struct process *client, u64 bytes)
{
    return client->message_bytes + bytes <= client->budget.queued_bytes;
}

bool message_fits_client(const struct message *message, u64 bytes)
{
    const struct process *client = message->client;
    return (message->waited_for && bytes <= client->out_len) || fits_budget(client, bytes);
}

// Whether the kernel has asked this, and still wants to know.
static bool is_kernels(const struct message *message)
{
    return !message->is_cancelled && message->client == NULL &&
           (message->program != NULL || message->question != NULL);
}

static void kernel_answered_locked(struct kernel *kernel, struct message *message, struct span body,
                                   u8 *allocated, u32 error)
{
    if (message->program != NULL) {
        program_loaded_locked(kernel, message, body, allocated, error);
    } else {
        consent_answered_locked(kernel, message, body, allocated, error);
    }
}

void message_answer_locked(struct kernel *kernel, struct message *message, struct span body,
                           u8 *allocated)
{
    if (message->handler != NULL) {
        message_unlink_handler_locked(message);
    }
    if (is_kernels(message)) {
        kernel_answered_locked(kernel, message, body, allocated, 0);
        return;
    }
    bool is_wanted = !message->is_cancelled && message->id != 0;
    if (is_wanted) {
        message_count_answer_locked(message, body.size);
    }
    if (is_wanted && message->waited_for && answer_waiting_locked(kernel, message, body)) {
        is_wanted = false;
    } else if (!is_wanted) {
        finish_locked(kernel, message);
    } else {
        message_clear_body_locked(kernel, message);
        bool has_room = body.size <= KERNEL_BODY_INLINE || allocated != NULL;
        if (!fits_budget(message->client, body.size)) {
            message->error = -E_TOO_LONG;
        } else if (!has_room) {
            message->error = -E_NO_MEMORY;
        } else {
            message_set_body_locked(kernel, message, body, allocated);
            allocated = NULL;
        }
        queue_answer_locked(kernel, message);
    }
    if (allocated != NULL) {
        body_free(kernel, allocated, (u32)body.size);
    }
}

void message_answer_error_locked(struct kernel *kernel, struct message *message, u32 code)
{
    ASSERT(code > 0);
    if (message->handler != NULL) {
        message_unlink_handler_locked(message);
    }
    if (is_kernels(message)) {
        kernel_answered_locked(kernel, message, (struct span){0}, NULL, code);
        return;
    }
    if (message->is_cancelled || message->id == 0) {
        finish_locked(kernel, message);
        return;
    }
    message->error = code;
    message_clear_body_locked(kernel, message);
    u8 body[4];
    mem_store_u32(body, code);
    if (message->waited_for && answer_waiting_locked(kernel, message, span_of(body, 4))) {
        return;
    }
    queue_answer_locked(kernel, message);
}

// ---- giving up

// Whoever sent the message is done with it: a handler that never answers is charged for it from
// here on, and keeps the latest KERNEL_CANCELLED of them.
static void charge_handler_locked(struct kernel *kernel, struct message *message)
{
    struct party *handler = message->handler;
    struct process *client = message->client;
    ASSERT(message->is_cancelled && message->body_len == 0);
    if (handler->cancelled_count == KERNEL_CANCELLED) {
        struct list_node *oldest = list_first(&handler->cancelled);
        struct message *dropped = LIST_ITEM(oldest, struct message, of_client);
        message_unlink_handler_locked(dropped);
        message_free_locked(kernel, dropped);
    }
    if (client != NULL) {
        ASSERT(client->message_count > 0);
        client->message_count--;
        list_remove(&message->of_client);
    }
    message->client = NULL;
    message->bond = NULL;
    message->is_handlers = true;
    handler->cancelled_count++;
    list_append(&handler->cancelled, &message->of_client);
}

// The handler, which holds it, may be reading the body still, and learns of it in its own time.
static void take_back_locked(struct kernel *kernel, struct message *message, u32 error)
{
    ASSERT(message->state == MESSAGE_HELD && !message->is_cancelled);
    message->is_cancelled = true;
    message->error = error;
    list_remove(&message->handler_note.node);
    note_queue_locked(kernel, message->handler, &message->handler_note, NOTE_CANCELLED);
}

void message_cancel_locked(struct kernel *kernel, struct message *message)
{
    ASSERT(!message->is_cancelled && message->state != MESSAGE_ANSWERED && !message->waited_for);
    if (message->state == MESSAGE_HELD) {
        take_back_locked(kernel, message, -E_CANCELLED);
        note_queue_locked(kernel, &message->client->party, &message->client_note, NOTE_ANSWER);
        return;
    }
    unlink_pending_locked(kernel, message);
    message_answer_error_locked(kernel, message, -E_CANCELLED);
}

// The same for a client that waits for it, which is told at once when it has room for four bytes.
static void revoke_waited_locked(struct kernel *kernel, struct message *message)
{
    struct process *client = message->client;
    ASSERT(client->awaited == message);
    take_back_locked(kernel, message, -E_DENIED);
    message->waited_for = false;
    if (client->out_len < sizeof(u32)) {
        message->client_note.kind = NOTE_ANSWER;
        list_prepend(&client->party.notes, &message->client_note.node);
        process_resume_locked(kernel, client, E_BUFFER);
        return;
    }
    mem_store_u32(client->out, message->error);
    if (message->handler->kind == PARTY_PROCESS) {
        charge_handler_locked(kernel, message);
    }
    process_resume_locked(kernel, client, (i64)sizeof(u32) | ANSWER_IS_ERROR);
}

void message_revoke_locked(struct kernel *kernel, struct message *message)
{
    ASSERT(message->bond == NULL);
    if (message->state == MESSAGE_PENDING && message->pending != PENDING_NONE) {
        unlink_pending_locked(kernel, message);
        message_answer_error_locked(kernel, message, -E_DENIED);
        return;
    }
    if (message->is_cancelled || message->handler == NULL) {
        return;
    }
    if (message->state == MESSAGE_QUEUED) {
        message_answer_error_locked(kernel, message, -E_DENIED);
    } else if (message->id != 0 && message->waited_for) {
        revoke_waited_locked(kernel, message);
    } else if (message->id != 0) {
        take_back_locked(kernel, message, -E_DENIED);
        note_queue_locked(kernel, &message->client->party, &message->client_note, NOTE_ANSWER);
    }
}

void message_withdraw_locked(struct kernel *kernel, struct message *message)
{
    struct party *handler = message->handler;
    ASSERT(message->client == NULL && !message->is_cancelled);
    message->program = NULL;
    if (message->state == MESSAGE_QUEUED) {
        message_unlink_handler_locked(message);
        message_free_locked(kernel, message);
        return;
    }
    ASSERT(message->state == MESSAGE_HELD);
    message->is_cancelled = true;
    message->error = -E_CANCELLED;
    list_remove(&message->handler_note.node);
    note_queue_locked(kernel, handler, &message->handler_note, NOTE_CANCELLED);
    if (handler->kind == PARTY_PROCESS) { // a device may be reading its body, and does answer
        charge_handler_locked(kernel, message);
    }
}

void message_orphan_locked(struct kernel *kernel, struct message *message)
{
    message->bond = NULL;
    if (message->pending == PENDING_WRITE) {
        message->waited_for = false;
        message->id = 0; // still to be written, as what is to be delivered to other handlers
        return;
    }
    unlink_pending_locked(kernel, message);
    message->waited_for = false;
    if (message->client_note.kind != NOTE_NONE) {
        note_remove(&message->client_note);
    }
    struct party *handler = message->handler;
    if (handler == NULL) {
        finish_locked(kernel, message);
    } else if (message->state == MESSAGE_QUEUED) {
        message->id = 0; // still to be delivered, as what wants no answer
    } else if (handler->kind == PARTY_DEVICE) {
        message->is_cancelled = true; // the device may be reading its body: freed when it answers
    } else {
        message_unlink_handler_locked(message);
        finish_locked(kernel, message);
    }
}

// One note of a handler that goes away.
static void abandon_note_locked(struct kernel *kernel, struct note *note)
{
    if (note->kind == NOTE_CLIENT_GONE) {
        note_remove(note);
        bond_free_locked(kernel, CONTAINER_OF(note, struct bond, gone));
        return;
    }
    struct message *message = CONTAINER_OF(note, struct message, handler_note);
    ASSERT(note->kind == NOTE_MESSAGE || note->kind == NOTE_CANCELLED);
    message_answer_error_locked(kernel, message, -E_GONE);
}

static u32 note_registration(const struct note *note)
{
    switch (note->kind) {
    case NOTE_MESSAGE:
    case NOTE_CANCELLED:
        return CONTAINER_OF(note, struct message, handler_note)->registration;
    case NOTE_CLIENT_GONE:
        return CONTAINER_OF(note, struct bond, gone)->gone_registration;
    default:
        return 0;
    }
}

// Gives the lock back for a moment after every few items.
static void rest_locked(struct kernel *kernel, u32 items)
{
    if (items % KERNEL_SWEEP == 0) {
        kernel_unlock(kernel);
        kernel_lock(kernel);
    }
}

// Each item is looked at once, however many there are of other registrations. What comes to the
// party meanwhile is none of this registration's, but for held messages that are cancelled: these
// become notes, and notes come second.
u32 handler_abandon_locked(struct kernel *kernel, struct party *party, u32 registration)
{
    u32 items = 0;
    struct list todo;
    struct list kept; // in their order
    list_init(&todo);
    list_init(&kept);
    party->is_swept = true;
    list_prepend_all(&todo, &party->held);
    struct list_node *node;
    while ((node = list_first(&todo)) != NULL) {
        struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        if (registration == 0 || message->registration == registration) {
            message_answer_error_locked(kernel, message, -E_GONE);
        } else {
            list_remove(node);
            list_append(&kept, node);
        }
        rest_locked(kernel, ++items);
    }
    list_prepend_all(&party->held, &kept);
    list_prepend_all(&todo, &party->notes);
    while ((node = list_first(&todo)) != NULL) {
        struct note *note = LIST_ITEM(node, struct note, node);
        u32 of = note_registration(note);
        if (of != 0 && (registration == 0 || of == registration)) {
            abandon_note_locked(kernel, note);
        } else {
            list_remove(node);
            list_append(&kept, node);
        }
        rest_locked(kernel, ++items);
    }
    list_prepend_all(&party->notes, &kept);
    party->is_swept = false;
    return items;
}

// ---- telling

// A body that is copied after the lock is given back.
struct late_copy {
    u8 *to;
    u8 *from; // freed afterwards
    u32 len;
};

enum { LATE_COPIES = 8 };

struct delivery {
    struct kernel *kernel;
    u8 *to;
    u32 len;
    u32 written;
    u32 late_count;
    struct late_copy late[LATE_COPIES];
};

static void describe_note(const struct note *note, struct abi_notification *out, struct span *body,
                          u8 error[4])
{
    *out = (struct abi_notification){0};
    *body = (struct span){0};
    const struct message *message = NULL;
    switch (note->kind) {
    case NOTE_ANSWER:
        message = CONTAINER_OF(note, struct message, client_note);
        out->kind = NOTIFICATION_ANSWER;
        out->id = message->id;
        *body = span_of(message->body, message->body_len);
        if (message->error != 0) {
            out->flags = NOTIFICATION_IS_ERROR;
            mem_store_u32(error, message->error);
            *body = span_of(error, 4);
        }
        break;
    case NOTE_MESSAGE:
        message = CONTAINER_OF(note, struct message, handler_note);
        out->kind = NOTIFICATION_MESSAGE;
        out->id = message->id;
        out->function = message->function;
        out->client = message->client_number;
        out->registration = message->registration;
        *body = span_of(message->body, message->body_len);
        break;
    case NOTE_CANCELLED:
        message = CONTAINER_OF(note, struct message, handler_note);
        out->kind = NOTIFICATION_CANCELLED;
        out->id = message->id;
        break;
    default:
        ASSERT(note->kind == NOTE_CLIENT_GONE);
        out->kind = NOTIFICATION_CLIENT_GONE;
        out->client = CONTAINER_OF(note, struct bond, gone)->client;
        out->registration = CONTAINER_OF(note, struct bond, gone)->gone_registration;
        break;
    }
    out->body_len = (u32)body->size;
    out->size = notification_size(out->body_len);
}

// The note was written: what follows from that. Returns a body that is the caller's to free, or
// NULL.
static u8 *note_taken_locked(struct kernel *kernel, struct note *note)
{
    u8 *body = NULL;
    struct message *message;
    u32 kind = note->kind;
    note_remove(note);
    switch (kind) {
    case NOTE_ANSWER:
        message = CONTAINER_OF(note, struct message, client_note);
        if (message->error == 0) {
            body = detach_body_locked(kernel, message);
        }
        if (message->handler != NULL && message->handler->kind == PARTY_PROCESS) {
            charge_handler_locked(kernel, message);
        } else { // a device may be reading its body, and does answer
            finish_locked(kernel, message);
        }
        break;
    case NOTE_MESSAGE:
        message = CONTAINER_OF(note, struct message, handler_note);
        body = detach_body_locked(kernel, message);
        if (message->id == 0) {
            message->handler = NULL;
            message_free_locked(kernel, message);
        } else {
            message->state = MESSAGE_HELD;
            list_append(&message->handler->held, &note->node);
        }
        break;
    case NOTE_CANCELLED:
        message = CONTAINER_OF(note, struct message, handler_note);
        list_append(&message->handler->held, &note->node);
        break;
    default:
        bond_free_locked(kernel, CONTAINER_OF(note, struct bond, gone));
        break;
    }
    return body;
}

// Writes one notification if there is room for it. False: there is none.
static bool deliver_one_locked(struct delivery *delivery, struct process *process,
                               struct note *note)
{
    struct abi_notification header;
    struct span body;
    u8 error[4];
    describe_note(note, &header, &body, error);
    if (header.size > delivery->len - delivery->written) {
        if (delivery->written == 0 && delivery->len >= sizeof header) {
            mem_copy(delivery->to, &header, sizeof header);
        }
        return false;
    }
    u8 *to = delivery->to + delivery->written;
    notification_write(to, &header);
    bool is_late = body.size > KERNEL_COPY_LOCKED;
    if (!is_late) {
        mem_copy(to + sizeof header, body.data, body.size);
    }
    delivery->written += header.size;
    process->received_total += note->kind == NOTE_MESSAGE;
    u8 *allocated = note_taken_locked(delivery->kernel, note);
    if (is_late) {
        ASSERT(allocated != NULL);
        delivery->late[delivery->late_count++] =
            (struct late_copy){to + sizeof header, allocated, header.body_len};
    } else if (allocated != NULL) {
        body_free(delivery->kernel, allocated, header.body_len);
    }
    return true;
}

static void copy_late(struct delivery *delivery)
{
    for (u32 i = 0; i < delivery->late_count; i++) {
        struct late_copy *late = &delivery->late[i];
        mem_copy(late->to, late->from, late->len);
        body_free(delivery->kernel, late->from, late->len);
    }
    delivery->late_count = 0;
}

i32 notes_deliver_locked(struct kernel *kernel, struct process *process, u8 *to, u32 len)
{
    ASSERT(process->state == PROCESS_RUNNING);
    u32 most = 1u << 30; // what a result can say, and more than fits any memory's use
    struct delivery delivery = {.kernel = kernel, .to = to, .len = len < most ? len : most};
    struct list_node *node;
    for (u32 count = 1; (node = list_first(&process->party.notes)) != NULL; count++) {
        bool is_enough = count > KERNEL_TOLD || delivery.written >= KERNEL_TOLD_BYTES;
        if (is_enough ||
            !deliver_one_locked(&delivery, process, LIST_ITEM(node, struct note, node))) {
            break;
        }
        if (count % KERNEL_SWEEP == 0 || delivery.late_count == LATE_COPIES) {
            kernel_unlock(kernel);
            copy_late(&delivery);
            kernel_lock(kernel);
        }
    }
    bool is_too_small = delivery.written == 0 && node != NULL;
    if (delivery.late_count > 0) {
        kernel_unlock(kernel);
        copy_late(&delivery);
        kernel_lock(kernel);
    }
    return is_too_small ? E_BUFFER : (i32)delivery.written;
}
