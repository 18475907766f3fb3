// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/fast.h: the small functions that every message passes through, inline. A round trip
// spent a fifth of its instructions on calling them.
//
// Use     core/kernel/internal.h includes it: nobody else need.
#pragma once
#include "core/base/mem.h"
#include "core/kernel/internal.h"

// ---- the lock

static inline void kernel_lock(struct kernel *kernel)
{
    u32 pauses = kernel_lock_take(&kernel->lock, LOCK_NONE);
    if (UNLIKELY(pauses != 0)) {
        kernel->pauses += pauses;
    }
    if (UNLIKELY(kernel->local_workers != 0)) {
        kernel_recall_locked(kernel);
    }
    kernel->acting = NULL;
}

// The holder acts for that process, until it gives the lock back: what becomes ready by this is its
// worker's first.
static inline void kernel_act_locked(struct kernel *kernel, const struct process *process)
{
    kernel->acting = kernel->config.workers > 1 ? &kernel->workers[process->worker] : NULL;
}

// Gives the lock back, then wakes the workers and devices that were noted meanwhile.
static inline void kernel_unlock(struct kernel *kernel)
{
    if (LIKELY(kernel->wake_workers == 0 && kernel->wake_devices == NULL)) {
        lock_release(&kernel->lock);
    } else {
        kernel_unlock_wake(kernel);
    }
}

// Begins a local call under the worker's own lock. False: that is not enough, or not any more.
static ALWAYS_INLINE bool local_lock(struct worker *worker)
{
    if (UNLIKELY(!__atomic_load_n(&worker->is_local, __ATOMIC_RELAXED))) {
        return false;
    }
    (void)kernel_lock_take(&worker->own, LOCK_KERNEL);
    if (LIKELY(__atomic_load_n(&worker->is_local, __ATOMIC_RELAXED))) {
        return true;
    }
    lock_release(&worker->own);
    return false;
}

static ALWAYS_INLINE void local_unlock(struct worker *worker)
{
    lock_release(&worker->own);
}

// Takes the kernel's lock, which will do for a local call too, without recalling other workers from
// theirs. kernel_recall_locked is to follow before anything else is done.
static ALWAYS_INLINE void kernel_lock_local(struct kernel *kernel, struct worker *worker)
{
    u32 pauses = kernel_lock_take(&kernel->lock, LOCK_NONE);
    if (UNLIKELY(pauses != 0)) {
        kernel->pauses += pauses;
    }
    kernel->acting = NULL;
    if (UNLIKELY(worker->kept_count == 0)) {
        worker_fetch_locked(kernel, worker);
    }
}

// A local call was made under the kernel's lock. A worker that makes one after the other need not
// take it for them.
static ALWAYS_INLINE void kernel_unlock_local(struct kernel *kernel, struct worker *worker)
{
    if (++worker->local_count >= KERNEL_LOCAL_AFTER) {
        __atomic_store_n(&worker->is_local, true, __ATOMIC_RELAXED);
        kernel->local_workers |= (u64)1 << worker->index;
    }
    lock_release(&kernel->lock);
}

// 32 random bits; never 0.
static inline u32 tags_take(struct tags *tags)
{
    u32 tag;
    do {
        if (UNLIKELY(tags->next == TAG_BATCH)) {
            tags_refill(tags);
        }
        tag = tags->tags[tags->next++];
    } while (UNLIKELY(tag == 0));
    return tag;
}

static inline u32 kernel_tag_locked(struct kernel *kernel)
{
    return tags_take(&kernel->tags);
}

// ---- parties and bonds

static inline struct process *party_process(struct party *party)
{
    ASSERT(party->kind == PARTY_PROCESS);
    return CONTAINER_OF(party, struct process, party);
}

// The process's bond of that id, which may be any number; or NULL.
static inline struct bond *bond_find_locked(struct kernel *kernel, const struct process *process,
                                            u32 id)
{
    struct bond *bond = pool_at(&kernel->bonds, id & (KERNEL_BONDS_ALL - 1));
    return bond != NULL && id != 0 && bond->id == id && bond->process == process ? bond : NULL;
}

// Whether the interface that the bond was made for has that function.
static inline bool bond_knows_locked(struct bond *bond, u64 function)
{
    if (UNLIKELY(bond->known == NULL || bond->known->id != function)) {
        bond->known = definition_function(bond->definition, function);
    }
    return bond->known != NULL;
}

// Who handles the bond now, or NULL: nobody, or somebody incompatible.
static inline struct registration *bond_handler_locked(struct bond *bond)
{
    struct registration *handler = bond->entry->handler;
    if (LIKELY(handler == NULL || handler->serial == bond->fits)) {
        return handler;
    }
    return bond_refit_locked(bond, handler);
}

// A message goes out by it. Everybody who may be at this has the lock, or is the worker of its
// client and its handler.
static inline void bond_count_locked(struct bond *bond, size_t bytes)
{
    bond->messages++;
    bond->bytes += bytes;
}

// ---- processes

static inline void process_set_result(struct process *process, i64 result)
{
    process->thread.host.slots[0] = (u64)result;
}

// A process that this worker has stops being anybody's: it is WAITING or AWAITING now.
static inline void process_block_locked(struct kernel *kernel, struct process *process,
                                        enum process_state state)
{
    ASSERT(process->state == PROCESS_RUNNING);
    process->state = (u8)state;
    if (UNLIKELY(__atomic_load_n(&process->kill, __ATOMIC_RELAXED))) { // it came while it ran
        process_kill_locked(kernel, process);
    }
}

// ---- messages

static inline u32 notification_size(u32 body_len)
{
    return (u32)(sizeof(struct abi_notification) + body_len + NOTIFICATION_ALIGN - 1) &
           ~(NOTIFICATION_ALIGN - 1u);
}

// Writes a notification of notification_size(body_len) bytes without its body: the header, and
// zeros where the body leaves off before the end. The body is to be written afterwards.
static inline void notification_write(u8 *to, const struct abi_notification *header)
{
    STATIC_ASSERT(sizeof *header % NOTIFICATION_ALIGN == 0 && NOTIFICATION_ALIGN == sizeof(u64));
    mem_store_u64(to + header->size - sizeof(u64), 0);
    mem_copy(to, header, sizeof *header);
}

static inline void note_remove(struct note *note)
{
    ASSERT(note->kind != NOTE_NONE);
    note->kind = NOTE_NONE;
    list_remove(&note->node);
}

// The part of a message that is zero while the message is in the pool.
enum {
    MESSAGE_CLEAN_START = offsetof(struct message, handler),
    MESSAGE_CLEAN_BYTES = offsetof(struct message, small) - MESSAGE_CLEAN_START,
};

static inline bool message_is_clean(const struct message *message)
{
    u8 any = 0;
    for (u32 i = 0; i < MESSAGE_CLEAN_BYTES; i++) {
        any |= ((const u8 *)message)[MESSAGE_CLEAN_START + i];
    }
    return any == 0;
}

// A message of `client` (NULL: the kernel), charged to it, with an id when an answer is wanted;
// NULL when there is no memory. Function, client_number, bond and body are not set.
static ALWAYS_INLINE struct message *message_new_locked(struct kernel *kernel,
                                                        struct process *client, bool wants_answer)
{
    struct message *message = pool_take_as_is(&kernel->messages);
    if (UNLIKELY(message == NULL)) {
        return NULL;
    }
    ASSERT_SLOW(message_is_clean(message));
    STATIC_ASSERT(KERNEL_MESSAGES_ALL <= 1 << 24);
    message->id = wants_answer ? (u64)kernel_tag_locked(kernel) << 24 | message->item.slot : 0;
    message->client = client;
    if (client != NULL) {
        client->message_count++;
        list_append(&client->sent, &message->of_client);
    }
    return message;
}

// Its answer reaches its client.
static inline void message_count_answer_locked(struct message *message, size_t bytes)
{
    if (LIKELY(message->bond != NULL)) {
        message->bond->answer_bytes += bytes;
    }
}

static inline void message_uncharge_locked(struct process *client, struct message *message)
{
    ASSERT(client->message_count > 0);
    client->message_count--;
    list_remove(&message->of_client);
}

static inline void message_free_locked(struct kernel *kernel, struct message *message)
{
    ASSERT(message->handler == NULL && message->pending == PENDING_NONE);
    ASSERT(message->client_note.kind == NOTE_NONE && message->handler_note.kind == NOTE_NONE);
    if (message->body_len != 0) {
        message_clear_body_locked(kernel, message);
    }
    struct process *client = message->client;
    if (client != NULL) {
        message_uncharge_locked(client, message);
        if (UNLIKELY(client->spare == message)) {
            client->spare = NULL;
        }
    }
    mem_zero((u8 *)message + MESSAGE_CLEAN_START, MESSAGE_CLEAN_BYTES);
    pool_give(&kernel->messages, message);
    if (client != NULL && client->state == PROCESS_ENDED) {
        process_release_locked(kernel, client);
    }
}

// The same for one that was written straight into its handler's memory, is held by it, and whose
// client waits for it: whatever else can happen to a message has not happened to this one.
static ALWAYS_INLINE void message_clean_direct_locked(struct message *message)
{
    ASSERT(message->state == MESSAGE_HELD && message->body_len == 0 && !message->is_handlers);
    message->state = MESSAGE_QUEUED;
    message->waited_for = false;
    message->handler = NULL;
    message->registration = 0;
    list_remove(&message->handler_note.node);
    message_uncharge_locked(message->client, message);
    ASSERT_SLOW(message_is_clean(message));
}

// message_new_locked of a local call; it keeps one.
static ALWAYS_INLINE struct message *message_new_local(struct worker *worker,
                                                       struct process *client)
{
    struct message *message = worker->kept[--worker->kept_count];
    ASSERT_SLOW(message_is_clean(message));
    u64 id = (u64)tags_take(&worker->tags) << 24 | message->item.slot;
    __atomic_store_n(&message->id, id, __ATOMIC_RELAXED);
    __atomic_store_n(&message->item.next_free, POOL_IN_USE, __ATOMIC_RELAXED);
    message->client = client;
    client->message_count++;
    list_append(&client->sent, &message->of_client);
    return message;
}

// Ends it again; it has room for it.
static ALWAYS_INLINE void message_keep_local(struct worker *worker, struct message *message)
{
    message_clean_direct_locked(message);
    __atomic_store_n(&message->item.next_free, POOL_NONE, __ATOMIC_RELAXED);
    worker->kept[worker->kept_count++] = message;
}

// message_find_locked of a local call. The id may be that of a message that another worker is about
// to make or end: then it is not found, or found to be nothing of the caller's.
static ALWAYS_INLINE struct message *message_find_local(struct kernel *kernel, u64 id)
{
    u64 slot = id & 0xffffff;
    if (slot >= (u64)kernel->messages.chunk_count * POOL_CHUNK_ITEMS) {
        return NULL;
    }
    struct message *message = (void *)pool_item_at(&kernel->messages, (u32)slot);
    bool is_it = __atomic_load_n(&message->item.next_free, __ATOMIC_RELAXED) == POOL_IN_USE &&
                 __atomic_load_n(&message->id, __ATOMIC_RELAXED) == id && id != 0;
    return is_it ? message : NULL;
}

// The message of that id, which may be any number, whoever has to do with it; or NULL.
static inline struct message *message_find_locked(struct kernel *kernel, u64 id)
{
    struct message *message = pool_at(&kernel->messages, id & 0xffffff);
    return message != NULL && id != 0 && message->id == id ? message : NULL;
}

// The handler has it already: it was written into the memory of a handler that waited.
static inline void message_hold_locked(struct message *message, struct registration *registration)
{
    message->handler = registration->party;
    message->registration = registration->id;
    message->state = MESSAGE_HELD;
    list_append(&registration->party->held, &message->handler_note.node);
}

// Takes the message out of its handler's hands.
static inline void message_unlink_handler_locked(struct message *message)
{
    ASSERT(message->handler != NULL);
    if (message->handler_note.kind != NOTE_NONE) {
        note_remove(&message->handler_note);
    } else if (list_is_linked(&message->handler_note.node)) {
        list_remove(&message->handler_note.node);
    }
    if (message->is_handlers) {
        message->is_handlers = false;
        message->handler->cancelled_count--;
        list_remove(&message->of_client);
    }
    message->handler = NULL;
}
