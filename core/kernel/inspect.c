// SPDX-License-Identifier: GPL-3.0-or-later
// The inspect interface: what runs here (interfaces/inspect.wit). An answer is measured first, then
// written; the lock is held for both, so that the two agree. It is given back while the place in
// the list is looked for.
#include "interfaces/inspect.h"
#include "core/base/text.h"
#include "core/kernel/group.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

static u64 message_total_locked(const struct kernel *kernel)
{
    u64 total = kernel->message_total;
    for (u32 i = 0; i < kernel->config.workers; i++) {
        total += kernel->workers[i].message_total;
    }
    return total;
}

static void answer_totals(struct kernel *kernel, struct message *message)
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
    message_answer_locked(kernel, message, span_of(body, size), NULL);
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
static void answer_list(struct kernel *kernel, struct message *message, bool is_processes,
                        struct list_node *first)
{
    u64 *items = &message->client->items;
    struct wire_writer measure = wire_writer_over(NULL, 0);
    u32 count = is_processes ? write_processes(kernel, first, &measure, items)
                             : write_registrations(kernel, &measure, items);
    u32 size = 4 + (u32)measure.size;
    u8 small[KERNEL_BODY_INLINE];
    u8 *allocated = size > KERNEL_BODY_INLINE ? body_new(kernel, size) : NULL;
    if (size > KERNEL_BODY_INLINE && allocated == NULL) {
        message_answer_error_locked(kernel, message, -E_NO_MEMORY);
        return;
    }
    u8 *body = allocated == NULL ? small : allocated;
    mem_store_u32(body, count); // a list is its count and its items: docs/wire.md
    struct wire_writer out = wire_writer_over(body + 4, size - 4);
    (void)(is_processes ? write_processes(kernel, first, &out, items)
                        : write_registrations(kernel, &out, items));
    ASSERT(out.size == size - 4);
    message_answer_locked(kernel, message, span_of(body, size), allocated);
}

void inspect_call_locked(struct kernel *kernel, u64 function, struct span body,
                         struct message *message)
{
    if (message == NULL || message->id == 0) { // questions whose answers nobody wants
        return;
    }
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
        message_answer_error_locked(kernel, message, -E_MALFORMED);
    } else if (function == INSPECT_SUMMARY_ID) {
        answer_totals(kernel, message);
    } else {
        bool is_processes = function == INSPECT_PROCESSES_ID;
        answer_list(kernel, message, is_processes,
                    is_processes ? first_after(kernel, call.after, &message->client->items) : NULL);
    }
}
