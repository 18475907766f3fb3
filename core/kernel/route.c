// SPDX-License-Identifier: GPL-3.0-or-later
// Seats of interfaces and who is led to which. A seat is an interface_entry like any other, whose
// name has a program beside it; the routes to it hold it, so that it is there before its handler.
#include "core/kernel/route.h"
#include "core/kernel/internal.h"

static const u8 nobody[32];

static struct route_row *row_find(struct kernel *kernel, struct span name, const u8 client[32])
{
    struct map_node *node = map_find(&kernel->route_map, name_key(kernel, name, client));
    for (; node != NULL; node = map_find_next(node)) {
        struct route_row *row = CONTAINER_OF(node, struct route_row, by_client);
        if (mem_equal(row->client, client, sizeof row->client) &&
            span_equal(span_of(row->seat->name, row->seat->name_size), name)) {
            return row;
        }
    }
    return NULL;
}

static void seat_give(struct kernel *kernel, struct interface_entry *seat)
{
    ASSERT(seat->route_count > 0);
    seat->route_count--;
    entry_give_locked(kernel, seat);
}

// ---- who is led where

struct route_to route_find_locked(struct kernel *kernel, const struct process *process,
                                  struct span name)
{
    const u8 *own = process->leader->program->digest;
    struct grant_walk walk = grant_walk_begin(process);
    while (kernel->routes.used > 0) {
        const u8 *client = walk.program == NULL ? nobody : walk.program;
        const struct route_row *row = row_find(kernel, name, client);
        if (row != NULL && !mem_equal(row->seat->program, own, 32)) {
            return (struct route_to){row->seat, row->seat->program};
        }
        if (walk.program == NULL) {
            break;
        }
        grant_up(&walk);
    }
    return (struct route_to){entry_find_locked(kernel, name, nobody), nobody};
}

const u8 *route_seat_locked(struct kernel *kernel, const struct party *party, struct span name)
{
    if (party->kind != PARTY_PROCESS || kernel->routes.used == 0) {
        return nobody;
    }
    const struct process *process = CONTAINER_OF(party, struct process, party);
    const u8 *own = process->leader->program->digest;
    const struct interface_entry *seat = entry_find_locked(kernel, name, own);
    return seat != NULL ? own : nobody;
}

// ---- routes that change

static void bond_judge_locked(struct kernel *kernel, struct bond *bond, struct span name)
{
    if (bond == NULL || bond->id == 0 || !span_equal(bond->definition->name, name)) {
        return;
    }
    struct route_to to = route_find_locked(kernel, bond->process, name);
    if (to.entry != bond->entry) {
        bond_revoke_locked(kernel, bond);
    }
}

// Binds that wait for a handler look again where it is to come from.
static void patient_again_locked(struct kernel *kernel, struct span name)
{
    for (struct list_node *node = list_first(&kernel->all_entries); node != NULL;
         node = list_next(&kernel->all_entries, node)) { // at most KERNEL_INTERFACES
        struct interface_entry *entry = LIST_ITEM(node, struct interface_entry, of_kernel);
        if (list_is_empty(&entry->patient) ||
            !span_equal(span_of(entry->name, entry->name_size), name)) {
            continue;
        }
        entry->to_ask_again = entry->patient_count;
        if (!list_is_linked(&entry->work)) {
            list_append(&kernel->patient_work, &entry->work);
        }
        workers_wake_locked(kernel);
    }
}

// The lock is given back in between: whoever binds meanwhile is led by the routes as they are now.
static void changed_locked(struct kernel *kernel, struct span name)
{
    patient_again_locked(kernel, name);
    const struct pool *pool = &kernel->bonds;
    for (u32 slot = 0; slot < pool->chunk_count * POOL_CHUNK_ITEMS; slot++) {
        bond_judge_locked(kernel, pool_at(pool, slot), name);
        if (slot % KERNEL_SWEEP == KERNEL_SWEEP - 1) {
            kernel_unlock(kernel);
            kernel_lock(kernel);
        }
    }
}

static enum err set_locked(struct kernel *kernel, const struct kernel_route *route)
{
    struct interface_entry *seat = entry_take_locked(kernel, route->name, route->handler);
    if (seat == NULL) {
        return kernel->entries.used == KERNEL_INTERFACES ? ERR_LIMIT : ERR_NO_MEMORY;
    }
    struct route_row *row = row_find(kernel, route->name, route->client);
    if (row == NULL) {
        row = pool_take(&kernel->routes);
        if (row == NULL) {
            entry_give_locked(kernel, seat);
            return kernel->routes.used == KERNEL_ROUTES ? ERR_LIMIT : ERR_NO_MEMORY;
        }
        mem_copy(row->client, route->client, sizeof row->client);
        map_add(&kernel->route_map, &row->by_client, name_key(kernel, route->name, route->client));
    } else {
        seat_give(kernel, row->seat);
    }
    row->seat = seat;
    seat->route_count++;
    return ERR_OK;
}

enum err kernel_route_set(struct kernel *kernel, const struct kernel_route *route)
{
    if (route->name.size == 0 || route->name.size > INTERFACE_NAME_BYTES) {
        return ERR_INVALID;
    }
    kernel_lock(kernel);
    enum err err = set_locked(kernel, route);
    if (err == ERR_OK) {
        changed_locked(kernel, route->name);
    }
    kernel_unlock(kernel);
    return err;
}

enum err kernel_route_forget(struct kernel *kernel, struct span name, const u8 client[32])
{
    kernel_lock(kernel);
    struct route_row *row = row_find(kernel, name, client);
    if (row != NULL) {
        struct interface_entry *seat = row->seat;
        map_remove(&kernel->route_map, &row->by_client);
        pool_give(&kernel->routes, row);
        changed_locked(kernel, name);
        seat_give(kernel, seat);
    }
    kernel_unlock(kernel);
    return row == NULL ? ERR_NOT_FOUND : ERR_OK;
}

// Whether that seat is taken by somebody who runs the program.
static bool is_taken_by(struct kernel *kernel, struct span name, const u8 seat[32],
                        const u8 program[32])
{
    const struct interface_entry *entry = entry_find_locked(kernel, name, seat);
    if (entry == NULL || entry->handler == NULL || entry->handler->party->kind != PARTY_PROCESS) {
        return false;
    }
    const struct process *handler = party_process(entry->handler->party);
    return mem_equal(handler->leader->program->digest, program, 32);
}

bool kernel_program_handles(struct kernel *kernel, struct span name, const u8 program[32])
{
    kernel_lock(kernel);
    bool is_it =
        is_taken_by(kernel, name, program, program) || is_taken_by(kernel, name, nobody, program);
    kernel_unlock(kernel);
    return is_it;
}

bool kernel_route_next(struct kernel *kernel, u32 *at, struct kernel_route *out, char *name)
{
    kernel_lock(kernel);
    struct route_row *row = NULL;
    while (row == NULL && *at < kernel->routes.chunk_count * POOL_CHUNK_ITEMS) {
        row = pool_at(&kernel->routes, (*at)++);
    }
    if (row != NULL) {
        *out = (struct kernel_route){.name = span_of(name, row->seat->name_size)};
        mem_copy(out->client, row->client, sizeof out->client);
        mem_copy(out->handler, row->seat->program, sizeof out->handler);
        mem_copy(name, row->seat->name, row->seat->name_size);
    }
    kernel_unlock(kernel);
    return row != NULL;
}
