// SPDX-License-Identifier: GPL-3.0-or-later
// Names of interfaces, who handles them, and who is bonded to them. A bond leads to a name, not to
// a handler, so that it survives one; whether the handler of the moment fits is remembered by its
// serial number.
#include "core/kernel/internal.h"
#include "core/platform.h"

// ---- definitions

const struct function_definition *definition_function(const struct definition *definition, u64 id)
{
    u32 start = 0, end = definition->function_count;
    while (start < end) {
        u32 middle = start + (end - start) / 2;
        const struct function_definition *function = &definition->functions[middle];
        if (function->id == id) {
            return function;
        }
        if (function->id < id) {
            start = middle + 1;
        } else {
            end = middle;
        }
    }
    return NULL;
}

const struct function_definition *definition_missing(const struct definition *client,
                                                     const struct definition *handler)
{
    for (u32 i = 0; i < client->function_count; i++) {
        const struct function_definition *wanted = &client->functions[i];
        const struct function_definition *has = definition_function(handler, wanted->id);
        if (has == NULL || !mem_equal(has->hash, wanted->hash, sizeof wanted->hash)) {
            return wanted;
        }
    }
    return NULL;
}

static const struct definition *program_definition(const struct program *program, const u8 hash[32])
{
    for (u32 i = 0; i < program->definition_count; i++) {
        if (mem_equal(program->definitions[i].hash, hash, 32)) {
            return &program->definitions[i];
        }
    }
    return NULL;
}

const struct definition *process_definition(const struct process *process, const u8 hash[32])
{
    const struct definition *found = program_definition(process->program, hash);
    if (found == NULL && process->program->adapter != NULL) {
        found = program_definition(process->program->adapter, hash);
    }
    return found;
}

// ---- names

static const u8 no_program[32];

u64 name_key(const struct kernel *kernel, struct span name, const u8 program[32])
{
    u64 key = kernel->name_secret ^ mem_load_u64(program);
    for (size_t i = 0; i < name.size; i++) {
        key = (key ^ name.data[i]) * 0x100000001b3ull;
        key ^= key >> 29;
    }
    return key;
}

struct interface_entry *entry_find_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32])
{
    struct map_node *node = map_find(&kernel->entry_map, name_key(kernel, name, program));
    for (; node != NULL; node = map_find_next(node)) {
        struct interface_entry *entry = CONTAINER_OF(node, struct interface_entry, by_name);
        if (mem_equal(entry->program, program, sizeof entry->program) &&
            span_equal(span_of(entry->name, entry->name_size), name)) {
            return entry;
        }
    }
    return NULL;
}

struct interface_entry *entry_take_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32])
{
    ASSERT(name.size <= INTERFACE_NAME_BYTES);
    struct interface_entry *entry = entry_find_locked(kernel, name, program);
    if (entry == NULL) {
        entry = pool_take(&kernel->entries);
        if (entry == NULL) {
            return NULL;
        }
        list_init(&entry->bonds);
        list_init(&entry->patient);
        entry->name_size = (u32)name.size;
        mem_copy(entry->name, name.data, name.size);
        mem_copy(entry->program, program, sizeof entry->program);
        map_add(&kernel->entry_map, &entry->by_name, name_key(kernel, name, program));
        list_append(&kernel->all_entries, &entry->of_kernel);
    }
    entry->reference_count++;
    return entry;
}

void entry_give_locked(struct kernel *kernel, struct interface_entry *entry)
{
    ASSERT(entry->reference_count > 0);
    if (--entry->reference_count > 0) {
        return;
    }
    ASSERT(entry->handler == NULL && list_is_empty(&entry->bonds) &&
           list_is_empty(&entry->patient));
    if (list_is_linked(&entry->work)) {
        list_remove(&entry->work);
    }
    list_remove(&entry->of_kernel);
    map_remove(&kernel->entry_map, &entry->by_name);
    pool_give(&kernel->entries, entry);
}

// ---- handlers

bool registration_is_taken_locked(struct kernel *kernel, const struct party *party,
                                  const struct definition *definition)
{
    if (succession_find_locked(kernel, party, definition) != NULL) {
        return false;
    }
    const u8 *seat = route_seat_locked(kernel, party, definition->name);
    const struct interface_entry *entry = entry_find_locked(kernel, definition->name, seat);
    return entry != NULL && entry->handler != NULL;
}

enum err registration_add_locked(struct kernel *kernel, struct party *party,
                                 const struct definition *definition, struct registration **out)
{
    struct interface_entry *followed = succession_settle_locked(kernel, party, definition);
    const u8 *seat =
        followed != NULL ? followed->program : route_seat_locked(kernel, party, definition->name);
    struct interface_entry *entry = entry_take_locked(kernel, definition->name, seat);
    if (entry == NULL) {
        return ERR_LIMIT;
    }
    if (entry->handler != NULL && followed == NULL) {
        entry_give_locked(kernel, entry);
        return ERR_EXISTS;
    }
    struct registration *registration = pool_take(&kernel->registrations);
    if (registration == NULL) {
        entry_give_locked(kernel, entry);
        return ERR_LIMIT;
    }
    // 31 bits, so that it is positive: the slot below, a tag above.
    u32 slot_bits = 14;
    STATIC_ASSERT(KERNEL_REGISTRATIONS_ALL <= 1 << 14);
    u32 tag = kernel_tag_locked(kernel) >> (slot_bits + 1) | 1;
    registration->id = tag << slot_bits | registration->item.slot;
    registration->serial = kernel->next_serial++;
    registration->entry = entry;
    registration->party = party;
    registration->definition = definition;
    list_append(&party->registrations, &registration->of_party);
    party->registration_count++;
    if (followed != NULL) {
        party_process(party)->items += succession_take_locked(kernel, followed, registration);
    }
    entry->handler = registration;
    if (!list_is_empty(&entry->patient) && !list_is_linked(&entry->work)) {
        list_append(&kernel->patient_work, &entry->work);
        workers_wake_locked(kernel);
    }
    program_expected_locked(kernel);
    *out = registration;
    return ERR_OK;
}

void registration_remove_locked(struct kernel *kernel, struct registration *registration)
{
    ASSERT(registration->entry->handler == registration);
    registration->entry->handler = NULL;
    succession_end_locked(registration->entry);
    registration_drop_locked(kernel, registration);
}

void registration_drop_locked(struct kernel *kernel, struct registration *registration)
{
    struct interface_entry *entry = registration->entry;
    list_remove(&registration->of_party);
    ASSERT(registration->party->registration_count > 0);
    registration->party->registration_count--;
    pool_give(&kernel->registrations, registration);
    entry_give_locked(kernel, entry);
}

struct registration *registration_find_locked(struct kernel *kernel, struct party *party, u32 id)
{
    struct registration *found =
        pool_at(&kernel->registrations, id & (KERNEL_REGISTRATIONS_ALL - 1));
    return found != NULL && found->id == id && found->party == party ? found : NULL;
}

struct registration *handler_find_locked(struct kernel *kernel, const struct definition *definition)
{
    struct interface_entry *entry = entry_find_locked(kernel, definition->name, no_program);
    bool fits = entry != NULL && entry->handler != NULL &&
                definition_missing(definition, entry->handler->definition) == NULL;
    return fits ? entry->handler : NULL;
}

struct registration *bond_refit_locked(struct bond *bond, struct registration *handler)
{
    if (definition_missing(bond->definition, handler->definition) != NULL) {
        return NULL;
    }
    bond->fits = handler->serial;
    return handler;
}

// ---- bonds

struct bond *bond_add_locked(struct kernel *kernel, struct process *process,
                             struct interface_entry *entry, const struct definition *definition)
{
    struct bond *bond = pool_take(&kernel->bonds);
    if (bond == NULL) {
        return NULL;
    }
    STATIC_ASSERT(KERNEL_BONDS_ALL == 1 << 19);
    u32 tag = kernel_tag_locked(kernel) >> 20 | 1;
    bond->id = (tag << 19 | bond->item.slot) & 0x7fffffff;
    bond->client = (u64)process->owner << 31 | bond->id; // abi_client_owner
    bond->process = process;
    bond->entry = entry;
    bond->definition = definition;
    bond->is_redirected = streams_redirect(process, definition->name);
    entry->reference_count++;
    entry->bond_count++;
    process->bond_count++;
    list_append(&entry->bonds, &bond->of_entry);
    list_append(&process->bonds, &bond->of_process);
    return bond;
}

void bond_free_locked(struct kernel *kernel, struct bond *bond)
{
    ASSERT(bond->id == 0 && bond->entry == NULL && bond->gone.kind == NOTE_NONE);
    struct process *process = bond->process;
    ASSERT(process->bond_count > 0);
    process->bond_count--;
    list_remove(&bond->of_process);
    pool_give(&kernel->bonds, bond);
    process_release_locked(kernel, process);
}

void bond_close_locked(struct kernel *kernel, struct bond *bond)
{
    ASSERT(bond->id != 0);
    bond->id = 0;
    struct interface_entry *entry = bond->entry;
    struct registration *handler = entry->handler;
    bool is_known = handler != NULL && handler->serial == bond->told;
    list_remove(&bond->of_entry);
    entry->bond_count--;
    bond->entry = NULL;
    if (is_known && handler->party->kind != PARTY_KERNEL) {
        bond->gone_registration = handler->id;
        note_queue_locked(kernel, handler->party, &bond->gone, NOTE_CLIENT_GONE);
    } else {
        bond_free_locked(kernel, bond);
    }
    entry_give_locked(kernel, entry);
}

void bond_revoke_locked(struct kernel *kernel, struct bond *bond)
{
    struct process *process = bond->process;
    struct list_node *node = list_first(&process->sent);
    while (node != NULL) { // at most KERNEL_MESSAGES, and one
        struct message *message = LIST_ITEM(node, struct message, of_client);
        node = list_next(&process->sent, node);
        if (message->bond == bond) {
            message->bond = NULL;
            message_revoke_locked(kernel, message);
        }
    }
    bond_close_locked(kernel, bond);
}

// ---- binds that wait

// Looks at one of them. The handler may have changed since it was queued.
static void patient_try_locked(struct kernel *kernel, struct interface_entry *entry,
                               struct message *message)
{
    bool is_again = entry->to_ask_again > 0;
    entry->to_ask_again -= is_again;
    entry->to_look_at -= entry->to_look_at > 0;
    if (!is_again && definition_missing(message->definition, entry->handler->definition) != NULL) {
        list_append(&entry->patient, &message->handler_note.node);
        return;
    }
    entry->patient_count--;
    message->pending = PENDING_NONE;
    message->entry = NULL;
    message->is_patient = true; // the handler may be gone by the time that somebody is asked
    system_bind_again_locked(kernel, message, false);
    entry_give_locked(kernel, entry);
}

static bool has_patient_work(const struct interface_entry *entry)
{
    return entry->to_ask_again > 0 || (entry->handler != NULL && entry->to_look_at > 0);
}

void patient_step_locked(struct kernel *kernel)
{
    struct list_node *node = list_first(&kernel->patient_work);
    if (node == NULL) {
        return;
    }
    struct interface_entry *entry = LIST_ITEM(node, struct interface_entry, work);
    u64 handler = entry->handler == NULL ? 0 : entry->handler->serial;
    if (entry->looked_at != handler) {
        entry->looked_at = handler;
        entry->to_look_at = entry->patient_count;
    }
    entry->reference_count++; // stays while its binds are given theirs up
    for (u32 i = 0; i < KERNEL_SWEEP && has_patient_work(entry); i++) {
        struct list_node *first = list_take(&entry->patient);
        if (first == NULL) {
            entry->to_look_at = 0;
            entry->to_ask_again = 0;
            break;
        }
        patient_try_locked(kernel, entry, LIST_ITEM(first, struct message, handler_note.node));
    }
    if (!has_patient_work(entry)) {
        list_remove(&entry->work);
    }
    entry_give_locked(kernel, entry);
}
