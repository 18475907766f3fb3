// SPDX-License-Identifier: GPL-3.0-or-later
// The inspect interface: what runs here (interfaces/inspect.wit). An answer is measured first, then
// written; the lock is held for both, so that the two agree. It is given back while the place in
// the list is looked for.
#include "core/kernel/inspect.h"
#include "core/base/text.h"
#include "core/kernel/group.h"
#include "core/kernel/internal.h"
#include "core/platform.h"
#include "interfaces/inspect.h"

// Who asks, and gets the answer: a program, by its message, or the machine.
struct asker {
    struct message *message; // NULL: the machine, into
    u8 *out;                 // this room,
    size_t capacity;         //
    size_t size;             // so many bytes of it;
    u32 error;               // 0, or the code of the error answer
    u64 items;               // looked at
};

static void asker_tell_locked(struct kernel *kernel, struct asker *asker, struct span body,
                              u8 *allocated)
{
    if (asker->message != NULL) {
        message_answer_locked(kernel, asker->message, body, allocated);
        return;
    }
    asker->size = body.size;
    asker->error = body.size > asker->capacity ? -E_LIMIT : 0;
    if (asker->error == 0) {
        mem_copy(asker->out, body.data, body.size);
    }
    if (allocated != NULL) {
        body_free(kernel, allocated, (u32)body.size);
    }
}

static void asker_refuse_locked(struct kernel *kernel, struct asker *asker, u32 code)
{
    asker->error = code;
    if (asker->message != NULL) {
        message_answer_error_locked(kernel, asker->message, code);
    }
}

static u64 message_total_locked(const struct kernel *kernel)
{
    u64 total = kernel->message_total;
    for (u32 i = 0; i < kernel->config.workers; i++) {
        total += kernel->workers[i].message_total;
    }
    return total;
}

static void answer_totals(struct kernel *kernel, struct asker *asker)
{
    struct inspect_totals totals = {
        .uptime = platform_clock_ns() - kernel->start_ns,
        .workers = kernel->config.workers,
        .processes = kernel->process_map.count,
        .messages = message_total_locked(kernel),
        .message_bytes = kernel->message_bytes,
    };
    u8 body[KERNEL_BODY_INLINE];
    STATIC_ASSERT(INSPECT_SUMMARY_RESULT_BYTES <= KERNEL_BODY_INLINE);
    size_t size = inspect_summary_encode_result(body, sizeof body, &totals);
    asker_tell_locked(kernel, asker, span_of(body, size), NULL);
}

static enum inspect_state state_of(const struct process *process)
{
    switch (process->state) {
    case PROCESS_LOADING:
        return INSPECT_STATE_LOADING;
    case PROCESS_READY:
        return INSPECT_STATE_READY;
    case PROCESS_RUNNING:
        return INSPECT_STATE_RUNNING;
    default:
        return INSPECT_STATE_WAITING;
    }
}

static void write_process(struct wire_writer *out, const struct process *process)
{
    struct inspect_process record = {
        .id = process->by_id.key,
        .parent = process->parent_id,
        .program = span_string(process->program == NULL ? "" : process->program->cid),
        .name = process_started_as(process),
        .state = state_of(process),
        .memory = __atomic_load_n(&process->linear_bytes, __ATOMIC_RELAXED),
        .time = process_time_ns_locked(process),
        .threads = 1 + group_thread_count(process),
        .messages_sent = process->sent_total,
        .messages_received = process->received_total,
        .answers_given = process->answered_total,
        .bonds = process->bond_count,
        .in_flight = process->message_count,
    };
    inspect_process_write(out, &record);
}

// The next process in the list, after the lock was given back for a moment. Pinned, this one stays
// where it is meanwhile, also if it ends.
static struct list_node *next_after_pause(struct kernel *kernel, struct process *process)
{
    process->pins++;
    kernel_unlock(kernel);
    kernel_lock(kernel);
    process->pins--;
    struct list_node *next = list_next(&kernel->all_processes, &process->of_kernel);
    process_release_locked(kernel, process);
    return next;
}

// The first process above `after`; they stand in order of number. The lock may be given back.
static struct list_node *first_after(struct kernel *kernel, u64 after, u64 *items)
{
    struct process *known = process_find_locked(kernel, after);
    if (known != NULL) {
        return list_next(&kernel->all_processes, &known->of_kernel);
    }
    struct list_node *node = list_first(&kernel->all_processes);
    while (node != NULL && LIST_ITEM(node, struct process, of_kernel)->by_id.key <= after) {
        bool pauses = ++*items % KERNEL_SWEEP == 0;
        node = pauses ? next_after_pause(kernel, LIST_ITEM(node, struct process, of_kernel))
                      : list_next(&kernel->all_processes, node);
    }
    return node;
}

static u32 write_processes(struct kernel *kernel, struct list_node *node, struct wire_writer *out,
                           u64 *items)
{
    u32 count = 0;
    for (; node != NULL && count < KERNEL_INSPECT_PROCESSES;
         node = list_next(&kernel->all_processes, node)) {
        struct process *process = LIST_ITEM(node, struct process, of_kernel);
        ++*items;
        bool is_thread = process->leader != process; // part of another
        if (process->state != PROCESS_ENDED && !process->is_ending && !is_thread) {
            write_process(out, process);
            count++;
        }
    }
    return count;
}

static u32 write_registrations(struct kernel *kernel, struct wire_writer *out, u64 *items)
{
    u32 count = 0;
    for (struct list_node *node = list_first(&kernel->all_entries);
         node != NULL && count < KERNEL_INSPECT_INTERFACES;
         node = list_next(&kernel->all_entries, node)) {
        struct interface_entry *entry = LIST_ITEM(node, struct interface_entry, of_kernel);
        const struct registration *handler = entry->handler;
        ++*items;
        if (handler == NULL) {
            continue;
        }
        char hash[65];
        struct text text = text_over(hash, sizeof hash);
        text_hex_bytes(&text, span_of(handler->definition->hash, 32));
        struct inspect_registration record = {
            .name = span_of(entry->name, entry->name_size),
            .hash = span_of(text.data, text.size),
            .handler = handler->party->kind == PARTY_PROCESS
                           ? party_process(handler->party)->by_id.key
                           : 0,
            .bonds = entry->bond_count,
            .messages = entry->messages,
        };
        inspect_registration_write(out, &record);
        count++;
    }
    return count;
}

// Answers with a list, whose items were measured as `size` bytes and are written by one of the
// above.
static void answer_list(struct kernel *kernel, struct asker *asker, bool is_processes,
                        struct list_node *first)
{
    u64 *items = &asker->items;
    struct wire_writer measure = wire_writer_over(NULL, 0);
    u32 count = is_processes ? write_processes(kernel, first, &measure, items)
                             : write_registrations(kernel, &measure, items);
    u32 size = 4 + (u32)measure.size;
    u8 small[KERNEL_BODY_INLINE];
    u8 *allocated = size > KERNEL_BODY_INLINE ? body_new(kernel, size) : NULL;
    if (size > KERNEL_BODY_INLINE && allocated == NULL) {
        asker_refuse_locked(kernel, asker, -E_NO_MEMORY);
        return;
    }
    u8 *body = allocated == NULL ? small : allocated;
    mem_store_u32(body, count); // a list is its count and its items: docs/wire.md
    struct wire_writer out = wire_writer_over(body + 4, size - 4);
    (void)(is_processes ? write_processes(kernel, first, &out, items)
                        : write_registrations(kernel, &out, items));
    ASSERT(out.size == size - 4);
    asker_tell_locked(kernel, asker, span_of(body, size), allocated);
}

static void inspect_ask_locked(struct kernel *kernel, u64 function, struct span body,
                               struct asker *asker)
{
    struct inspect_processes_call call;
    enum err err = ERR_MALFORMED;
    switch (function) {
    case INSPECT_SUMMARY_ID:
        err = inspect_summary_decode_call(body);
        break;
    case INSPECT_PROCESSES_ID:
        err = inspect_processes_decode_call(body, &call);
        break;
    case INSPECT_INTERFACES_ID:
        err = inspect_interfaces_decode_call(body);
        break;
    default:
        break;
    }
    if (err != ERR_OK) {
        asker_refuse_locked(kernel, asker, -E_MALFORMED);
    } else if (function == INSPECT_SUMMARY_ID) {
        answer_totals(kernel, asker);
    } else {
        bool is_processes = function == INSPECT_PROCESSES_ID;
        answer_list(kernel, asker, is_processes,
                    is_processes ? first_after(kernel, call.after, &asker->items) : NULL);
    }
}

void inspect_call_locked(struct kernel *kernel, u64 function, struct span body,
                         struct message *message)
{
    if (message == NULL || message->id == 0) { // questions whose answers nobody wants
        return;
    }
    struct process *client = message->client; // the caller's, which stays
    struct asker asker = {.message = message};
    inspect_ask_locked(kernel, function, body, &asker);
    client->items += asker.items;
}

enum err kernel_inspect(struct kernel *kernel, u64 function, struct span body, u8 *out,
                        size_t capacity, size_t *size)
{
    struct asker asker = {.out = out, .capacity = capacity};
    kernel_lock(kernel);
    inspect_ask_locked(kernel, function, body, &asker);
    kernel_unlock(kernel);
    *size = asker.error == 0 ? asker.size : 0;
    switch (asker.error) {
    case 0:
        return ERR_OK;
    case -E_MALFORMED:
        return ERR_MALFORMED;
    case -E_LIMIT:
        return ERR_LIMIT;
    default:
        return ERR_NO_MEMORY;
    }
}
