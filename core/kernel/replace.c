// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/replace.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

static const u8 nobody[32];

// ---- who follows whom

static bool is_run_by(const struct interface_entry *entry, const u8 program[32])
{
    if (entry == NULL || entry->handler == NULL || entry->handler->party->kind != PARTY_PROCESS) {
        return false;
    }
    const struct process *process = party_process(entry->handler->party);
    return mem_equal(process->leader->program->digest, program, 32);
}

static enum err replace_locked(struct kernel *kernel, struct span name, const u8 program[32],
                               const u8 successor[32])
{
    struct interface_entry *entry = entry_find_locked(kernel, name, program);
    if (!is_run_by(entry, program)) {
        entry = entry_find_locked(kernel, name, nobody);
    }
    if (!is_run_by(entry, program)) {
        return ERR_NOT_FOUND;
    }
    bool is_seat = !mem_equal(entry->program, nobody, sizeof nobody);
    if (is_seat && !mem_equal(successor, program, 32) &&
        entry_find_locked(kernel, name, successor) != NULL) {
        return ERR_EXISTS;
    }
    mem_copy(entry->successor, successor, sizeof entry->successor);
    bool is_wanted = !mem_equal(successor, nobody, sizeof nobody);
    if (list_is_linked(&entry->of_successions) != is_wanted) {
        if (is_wanted) {
            list_append(&kernel->successions, &entry->of_successions);
        } else {
            list_remove(&entry->of_successions);
        }
    }
    return ERR_OK;
}

enum err kernel_replace(struct kernel *kernel, struct span name, const u8 program[32],
                        const u8 successor[32])
{
    kernel_lock(kernel);
    enum err err = replace_locked(kernel, name, program, successor);
    kernel_unlock(kernel);
    return err;
}

struct interface_entry *succession_find_locked(struct kernel *kernel, const struct party *party,
                                               const struct definition *definition)
{
    if (list_is_empty(&kernel->successions) || party->kind != PARTY_PROCESS) {
        return NULL;
    }
    const struct process *process = CONTAINER_OF(party, struct process, party);
    const u8 *program = process->leader->program->digest;
    for (struct list_node *node = list_first(&kernel->successions); node != NULL;
         node = list_next(&kernel->successions, node)) { // the user's words, a few
        struct interface_entry *entry = LIST_ITEM(node, struct interface_entry, of_successions);
        if (mem_equal(entry->successor, program, 32) &&
            span_equal(span_of(entry->name, entry->name_size), definition->name)) {
            // It must do for every client there may be: all that the old one did. And a route may
            // have given it a seat of its own since.
            const struct process *old = party_process(entry->handler->party);
            bool is_seat = !mem_equal(entry->program, nobody, sizeof nobody);
            struct interface_entry *own = entry_find_locked(kernel, definition->name, program);
            bool fits = old->leader != process->leader &&
                        (!is_seat || own == NULL || own == entry) &&
                        definition_missing(entry->handler->definition, definition) == NULL;
            return fits ? entry : NULL;
        }
    }
    return NULL;
}

bool succession_is_swept_locked(struct kernel *kernel, const struct party *party,
                                const struct definition *definition)
{
    const struct interface_entry *entry = succession_find_locked(kernel, party, definition);
    return entry != NULL && entry->handler->party->is_swept;
}

// The handler that is followed may be unregistering for something else, on another worker: it gives
// the lock back in between, and what it has is not where notes_move looks for it. That worker needs
// nothing but the lock to come to its end.
struct interface_entry *succession_settle_locked(struct kernel *kernel, const struct party *party,
                                                 const struct definition *definition)
{
    for (;;) {
        struct interface_entry *entry = succession_find_locked(kernel, party, definition);
        if (entry == NULL || !entry->handler->party->is_swept) {
            return entry;
        }
        kernel_unlock(kernel);
        platform_relax();
        kernel_lock(kernel);
    }
}

void succession_end_locked(struct interface_entry *entry)
{
    if (list_is_linked(&entry->of_successions)) {
        list_remove(&entry->of_successions);
    }
    mem_zero(entry->successor, sizeof entry->successor);
}

// ---- the step

// What was sent to the old one and not delivered, that its clients are gone too.
static u32 notes_move_locked(struct registration *old, struct registration *new)
{
    u32 items = 0;
    struct list kept;
    list_init(&kept);
    struct list_node *node;
    while ((node = list_first(&old->party->notes)) != NULL) {
        struct note *note = LIST_ITEM(node, struct note, node);
        list_remove(node);
        items++;
        if (note->kind == NOTE_MESSAGE &&
            CONTAINER_OF(note, struct message, handler_note)->registration == old->id) {
            struct message *message = CONTAINER_OF(note, struct message, handler_note);
            message->handler = new->party;
            message->registration = new->id;
            if (message->bond != NULL) {
                message->bond->told = new->serial;
            }
            list_append(&new->party->notes, node);
        } else if (note->kind == NOTE_CLIENT_GONE &&
                   CONTAINER_OF(note, struct bond, gone)->gone_registration == old->id) {
            CONTAINER_OF(note, struct bond, gone)->gone_registration = new->id;
            list_append(&new->party->notes, node);
        } else {
            list_append(&kept, node);
        }
    }
    list_prepend_all(&old->party->notes, &kept);
    return items;
}

// Whether a handler that gave way holds nothing that anybody waits for. Limit: what its clients
// have cancelled is walked through under the lock, some ns each, until one is found that is not.
static bool is_idle(const struct party *party)
{
    for (struct list_node *node = list_first(&party->held); node != NULL;
         node = list_next(&party->held, node)) {
        if (!LIST_ITEM(node, struct message, handler_note.node)->is_cancelled) {
            return false;
        }
    }
    return list_is_empty(&party->notes);
}

void process_retire_locked(struct kernel *kernel, struct process *process)
{
    // It handles something else, or its threads may.
    if (process->party.registration_count > 0 || process->leader->group != NULL) {
        process->retires = false;
    } else if (is_idle(&process->party)) {
        process->leader->has_retired = true;
        process_kill_locked(kernel, process->leader);
    }
}

u32 succession_take_locked(struct kernel *kernel, struct interface_entry *entry,
                           struct registration *new)
{
    struct registration *old = entry->handler;
    struct process *process = party_process(old->party);
    u32 items = notes_move_locked(old, new);
    entry->handler = new;
    if (!mem_equal(entry->program, nobody, sizeof nobody)) { // routes that lead here go on to
        map_remove(&kernel->entry_map, &entry->by_name);
        mem_copy(entry->program, entry->successor, sizeof entry->program);
        map_add(&kernel->entry_map, &entry->by_name,
                name_key(kernel, span_of(entry->name, entry->name_size), entry->program));
    }
    succession_end_locked(entry);
    registration_drop_locked(kernel, old);
    if (process->party.registration_count == 0) {
        process->retires = true;
        if (process->state == PROCESS_WAITING) {
            process_retire_locked(kernel, process);
        }
    }
    return items;
}
