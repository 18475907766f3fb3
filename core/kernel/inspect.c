// SPDX-License-Identifier: GPL-3.0-or-later
// The inspect interface: what runs here (interfaces/inspect.wit). An answer is measured first, then
// written; the lock is held for both, so that the two agree. It is given back while processes are
// looked for, as a crowd of those that have ended may stand between two that are told of.
#include "core/kernel/inspect.h"
#include "core/base/cid.h"
#include "core/base/text.h"
#include "core/kernel/answer.h"
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

static void write_process(struct wire_writer *out, struct process *process)
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

static struct inspect_option_u32 cpu_of(const struct process *process)
{
    u32 share = process->budget.cpu;
    return (struct inspect_option_u32){.some = share < KERNEL_CPU_EACH, .value = share};
}

static struct inspect_amount amount_of(u64 used, u64 most)
{
    return (struct inspect_amount){.used = used, .most = {.some = true, .value = most}};
}

static struct inspect_amount memory_of(const u64 *used, const struct process *process)
{
    u64 most = __atomic_load_n(&process->budget.memory_bytes, __ATOMIC_RELAXED);
    struct inspect_amount out = amount_of(__atomic_load_n(used, __ATOMIC_RELAXED), most);
    out.most.some = most < KERNEL_BUDGET_BYTES;
    return out;
}

static void write_budget(struct wire_writer *out, const struct process *process)
{
    const struct process *family = process->family;
    u32 children = process->budget.children;
    struct inspect_budget record = {
        .process = process->by_id.key,
        .family = family->by_id.key,
        .memory = memory_of(&process->memory_bytes, process),
        .children = amount_of(process->child_count,
                              children < KERNEL_CHILDREN ? children : KERNEL_CHILDREN),
        .messages = amount_of(process->message_count, process->budget.messages),
        .queued = amount_of(process->message_bytes, process->budget.queued_bytes),
        .cpu = cpu_of(process),
        .family_memory = memory_of(&family->family_bytes, family),
        .family_children =
            amount_of(family->family_count - family->family_threads, family->budget.children),
        .family_cpu = cpu_of(family),
    };
    inspect_budget_write(out, &record);
}

// Pinned, the process stays where it is meanwhile, also if it ends.
struct list_node *inspect_pause_locked(struct kernel *kernel, struct process *process)
{
    process->pins++;
    kernel_unlock(kernel);
    kernel_lock(kernel);
    process->pins--;
    struct list_node *next = list_next(&kernel->all_processes, &process->of_kernel);
    process_release_locked(kernel, process);
    return next;
}

struct list_node *inspect_after_locked(struct kernel *kernel, u64 after, u64 *items)
{
    struct process *known = process_find_locked(kernel, after);
    if (known != NULL) {
        return list_next(&kernel->all_processes, &known->of_kernel);
    }
    struct list_node *node = list_first(&kernel->all_processes);
    while (node != NULL && LIST_ITEM(node, struct process, of_kernel)->by_id.key <= after) {
        bool pauses = ++*items % KERNEL_SWEEP == 0;
        node = pauses ? inspect_pause_locked(kernel, LIST_ITEM(node, struct process, of_kernel))
                      : list_next(&kernel->all_processes, node);
    }
    return node;
}

// An answer with a list: what it begins with, and how it is written. Writing it twice changes
// nothing.
struct listing {
    u64 function;
    struct process **found; // processes and budgets: room for KERNEL_INSPECT_PROCESSES, each
    u32 found_count;        // pinned, so that its record stays; or NULL
    u32 start;              // bonds: the first place, and where the next answer goes on
    u32 next;
    u64 *items; // looked at
};

enum { FOUND_BYTES = KERNEL_INSPECT_PROCESSES * sizeof(struct process *) };

static bool is_shown(const struct process *process)
{
    bool is_thread = process->leader != process; // part of another
    return process->state != PROCESS_ENDED && !process->is_ending && !is_thread;
}

// ERR_NO_MEMORY
static enum err processes_find_locked(struct kernel *kernel, u64 after, struct listing *out)
{
    out->found = memory_take(kernel_memory(kernel), FOUND_BYTES);
    if (out->found == NULL) {
        return ERR_NO_MEMORY;
    }
    struct list_node *node = inspect_after_locked(kernel, after, out->items);
    while (node != NULL && out->found_count < KERNEL_INSPECT_PROCESSES) {
        struct process *process = LIST_ITEM(node, struct process, of_kernel);
        if (is_shown(process)) {
            process->pins++;
            out->found[out->found_count++] = process;
        }
        bool pauses = ++*out->items % KERNEL_SWEEP == 0;
        node = pauses ? inspect_pause_locked(kernel, process)
                      : list_next(&kernel->all_processes, node);
    }
    return ERR_OK;
}

static void processes_leave_locked(struct kernel *kernel, struct listing *listing)
{
    for (u32 i = 0; i < listing->found_count; i++) {
        listing->found[i]->pins--;
        process_release_locked(kernel, listing->found[i]);
    }
    if (listing->found != NULL) {
        memory_give(kernel_memory(kernel), listing->found, FOUND_BYTES);
    }
}

// Of those that were found, who has not ended since.
static u32 write_processes(const struct listing *listing, struct wire_writer *out)
{
    u32 count = 0;
    for (u32 i = 0; i < listing->found_count; i++) {
        struct process *process = listing->found[i];
        if (!is_shown(process)) {
            continue;
        }
        ++*listing->items;
        if (listing->function == INSPECT_PROCESSES_ID) {
            write_process(out, process);
        } else {
            write_budget(out, process);
        }
        count++;
    }
    return count;
}

// The number of who handles that; 0: not a process.
static u64 handler_of(const struct registration *handler)
{
    bool is_process = handler->party->kind == PARTY_PROCESS;
    return is_process ? party_process(handler->party)->leader->by_id.key : 0;
}

static struct span hash_text(const u8 hash[32], char out[65])
{
    struct text text = text_over(out, 65);
    text_hex_bytes(&text, span_of(hash, 32));
    return span_of(text.data, text.size);
}

static u32 write_registrations(struct kernel *kernel, const struct listing *listing,
                               struct wire_writer *out)
{
    u32 count = 0;
    for (struct list_node *node = list_first(&kernel->all_entries);
         node != NULL && count < KERNEL_INSPECT_INTERFACES;
         node = list_next(&kernel->all_entries, node)) {
        struct interface_entry *entry = LIST_ITEM(node, struct interface_entry, of_kernel);
        const struct registration *handler = entry->handler;
        ++*listing->items;
        if (handler == NULL) {
            continue;
        }
        char hash[65];
        struct inspect_registration record = {
            .name = span_of(entry->name, entry->name_size),
            .hash = hash_text(handler->definition->hash, hash),
            .handler = handler_of(handler),
            .bonds = entry->bond_count,
            .messages = entry->messages,
        };
        inspect_registration_write(out, &record);
        count++;
    }
    return count;
}

// Bonds stay in their places: so who asks for one part after the other sees each once that is there
// all the time.
static u32 write_bonds(struct kernel *kernel, struct listing *listing, struct wire_writer *out)
{
    u32 count = 0;
    u64 places = (u64)kernel->bonds.chunk_count * POOL_CHUNK_ITEMS;
    u64 end = (u64)listing->start + KERNEL_INSPECT_BONDS;
    listing->next = end < places ? (u32)end : 0;
    for (u64 place = listing->start; place < end && place < places; place++) {
        const struct bond *bond = pool_at(&kernel->bonds, place);
        ++*listing->items;
        if (bond == NULL || bond->entry == NULL) { // none, or closed
            continue;
        }
        const struct interface_entry *entry = bond->entry;
        struct inspect_bond record = {
            .client = bond->process->leader->by_id.key,
            .name = span_of(entry->name, entry->name_size),
            .handler.some = entry->handler != NULL,
            .handler.value = entry->handler == NULL ? 0 : handler_of(entry->handler),
            .messages = bond->messages,
            .bytes = bond->bytes,
            .answer_bytes = bond->answer_bytes,
        };
        inspect_bond_write(out, &record);
        count++;
    }
    return count;
}

static u32 write_refusals(struct kernel *kernel, const struct listing *listing,
                          struct wire_writer *out)
{
    STATIC_ASSERT((u32)INSPECT_RIGHT_BIND == KERNEL_USE &&
                  (u32)INSPECT_RIGHT_HANDLE == KERNEL_HANDLE);
    u32 count = 0;
    const struct refusal_row *row = refusal_before(&kernel->refusals, UINT64_MAX);
    for (; row != NULL; row = refusal_before(&kernel->refusals, row->number)) {
        struct cid cid = {.codec = row->codec};
        mem_copy(cid.digest, row->program, sizeof cid.digest);
        char program[CID_TEXT_BYTES];
        char hash[65];
        cid_write_text(&cid, program);
        struct inspect_refusal record = {
            .program = span_string(program),
            .process = row->process,
            .started_as = span_of(row->started_as, row->started_as_size),
            .name = span_of(row->name, row->name_size),
            .hash = hash_text(row->interface, hash),
            .right = (enum inspect_right)row->right,
            .count = row->count,
            .last = row->last_ns - kernel->start_ns,
        };
        inspect_refusal_write(out, &record);
        *listing->items += 2; // what it took to find it
        count++;
    }
    return count;
}

// Writes an answer whose list has `count` items, as was found when it was measured. Returns how
// many there are.
static u32 write_listing(struct kernel *kernel, struct listing *listing, u32 count,
                         struct wire_writer *out)
{
    switch (listing->function) {
    case INSPECT_BONDS_ID:
        wire_write_u32(out, listing->next);
        wire_write_u32(out, count); // a list is its count and its items: docs/wire.md
        return write_bonds(kernel, listing, out);
    case INSPECT_REFUSALS_ID:
        wire_write_u64(out, kernel->refusals.total);
        wire_write_u32(out, count);
        return write_refusals(kernel, listing, out);
    case INSPECT_INTERFACES_ID:
        wire_write_u32(out, count);
        return write_registrations(kernel, listing, out);
    default:
        wire_write_u32(out, count);
        return write_processes(listing, out);
    }
}

static void answer_list(struct kernel *kernel, struct asker *asker, struct listing *listing)
{
    struct wire_writer measure = wire_writer_over(NULL, 0);
    u32 count = write_listing(kernel, listing, 0, &measure);
    u32 size = (u32)measure.size;
    struct answer_room room;
    if (!answer_room_take(kernel, &room, size)) {
        asker_refuse_locked(kernel, asker, -E_NO_MEMORY);
        return;
    }
    struct wire_writer out = wire_writer_over(room.bytes, size);
    (void)write_listing(kernel, listing, count, &out);
    ASSERT(out.size == size);
    asker_tell_locked(kernel, asker, span_of(room.bytes, size), room.allocated);
}

// ERR_MALFORMED  the body is no call of that function     ERR_NO_MEMORY
static enum err listing_begin(struct kernel *kernel, u64 function, struct span body,
                              struct listing *out)
{
    struct inspect_processes_call processes;
    struct inspect_budgets_call budgets;
    struct inspect_bonds_call bonds;
    out->function = function;
    switch (function) {
    case INSPECT_PROCESSES_ID:
        TRY(inspect_processes_decode_call(body, &processes));
        return processes_find_locked(kernel, processes.after, out);
    case INSPECT_BUDGETS_ID:
        TRY(inspect_budgets_decode_call(body, &budgets));
        return processes_find_locked(kernel, budgets.after, out);
    case INSPECT_BONDS_ID:
        TRY(inspect_bonds_decode_call(body, &bonds));
        out->start = bonds.start;
        return ERR_OK;
    case INSPECT_INTERFACES_ID:
        return inspect_interfaces_decode_call(body);
    case INSPECT_REFUSALS_ID:
        return inspect_refusals_decode_call(body);
    default:
        return ERR_MALFORMED;
    }
}

static void inspect_ask_locked(struct kernel *kernel, u64 function, struct span body,
                               struct asker *asker)
{
    struct listing listing = {.items = &asker->items};
    bool is_summary = function == INSPECT_SUMMARY_ID;
    enum err err = is_summary ? inspect_summary_decode_call(body)
                              : listing_begin(kernel, function, body, &listing);
    if (err != ERR_OK) {
        asker_refuse_locked(kernel, asker, err == ERR_NO_MEMORY ? -E_NO_MEMORY : -E_MALFORMED);
    } else if (is_summary) {
        answer_totals(kernel, asker);
    } else {
        answer_list(kernel, asker, &listing);
    }
    processes_leave_locked(kernel, &listing);
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
