// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/rt/forward.h"
#include "core/base/map.h"
#include "core/base/memory.h"
#include "core/base/pool.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "programs/rt/redshirt.h"

// A process with bonds or messages here: it has as many bonds as it likes, and they share its part.
struct owner {
    struct pool_item item;
    struct map_node by_number; // abi_client_owner
    u32 client_count;
    u32 call_count; // under way
};

// A bond of one.
struct client {
    struct pool_item item;
    struct map_node by_number;
    struct owner *owner;
    u32 bond;
};

// A message that was sent on.
struct call {
    struct pool_item item;
    struct map_node by_above; // the id we got
    struct map_node by_below; // the id we sent it with
    u64 function;
    struct owner *owner;
};

struct between {
    const struct forward *forward;
    struct pool owners;
    struct pool clients;
    struct pool calls;
    struct map by_owner;
    struct map by_number;
    struct map by_above;
    struct map by_below;
};

enum {
    BUCKET_BITS = 8,
    OWNERS = FORWARD_CLIENTS + FORWARD_MESSAGES, // each has one or the other
};

static enum err between_init(struct between *between, const struct forward *forward)
{
    struct memory *memory = rt_memory();
    *between = (struct between){.forward = forward};
    TRY(pool_init(&between->owners, memory, sizeof(struct owner), OWNERS));
    TRY(pool_init(&between->clients, memory, sizeof(struct client), FORWARD_CLIENTS));
    TRY(pool_init(&between->calls, memory, sizeof(struct call), FORWARD_MESSAGES));
    TRY(map_init(&between->by_owner, memory, BUCKET_BITS));
    TRY(map_init(&between->by_number, memory, BUCKET_BITS));
    TRY(map_init(&between->by_above, memory, BUCKET_BITS));
    return map_init(&between->by_below, memory, BUCKET_BITS);
}

// The process of that number; NULL when memory is out.
static struct owner *owner_find(struct between *between, u64 number)
{
    struct map_node *node = map_find(&between->by_owner, number);
    if (node != NULL) {
        return CONTAINER_OF(node, struct owner, by_number);
    }
    struct owner *owner = pool_take(&between->owners);
    if (owner != NULL) {
        owner->client_count = 0;
        owner->call_count = 0;
        map_add(&between->by_owner, &owner->by_number, number);
    }
    return owner;
}

// After it had one thing less, or did not get its first.
static void owner_look(struct between *between, struct owner *owner)
{
    if (owner->client_count == 0 && owner->call_count == 0) {
        map_remove(&between->by_owner, &owner->by_number);
        pool_give(&between->owners, owner);
    }
}

// Whether who has so many of them may have one more: no more than there still are.
static bool is_fair(const struct pool *pool, u32 count)
{
    return count < pool->limit - pool->used;
}

// A client more of that process. 0, or the error for it.
static i32 client_add(struct between *between, struct owner *owner, u64 number, struct client **out)
{
    bool may = is_fair(&between->clients, owner->client_count);
    struct client *client = may ? pool_take(&between->clients) : NULL;
    if (client == NULL) {
        return E_BUSY;
    }
    i64 bound = rt_bind(between->forward->interface, false);
    if (bound < 0) {
        pool_give(&between->clients, client);
        return bound == E_NO_HANDLER ? E_GONE : bound == E_LIMIT ? E_BUSY : E_DENIED;
    }
    client->owner = owner;
    client->bond = (u32)bound;
    owner->client_count++;
    map_add(&between->by_number, &client->by_number, number);
    *out = client;
    return 0;
}

// The client, which gets its bond to who is behind us at its first message. 0, or the error for it.
static i32 client_find(struct between *between, u64 number, struct client **out)
{
    struct map_node *node = map_find(&between->by_number, number);
    if (node != NULL) {
        *out = CONTAINER_OF(node, struct client, by_number);
        return 0;
    }
    struct owner *owner = owner_find(between, abi_client_owner(number));
    if (owner == NULL) {
        return E_BUSY;
    }
    i32 error = client_add(between, owner, number, out);
    owner_look(between, owner);
    return error;
}

static void client_drop(struct between *between, struct client *client)
{
    struct system_unbind_call call = {client->bond};
    struct system_result_none_error result;
    (void)system_unbind(RT_SYSTEM_BOND, &call, &result);
    struct owner *owner = client->owner;
    ASSERT(owner->client_count > 0);
    map_remove(&between->by_number, &client->by_number);
    pool_give(&between->clients, client);
    owner->client_count--;
    owner_look(between, owner);
}

// What is sent on fails: an error of send, in words that an answer may have.
static i32 error_of_send(i64 error)
{
    switch (error) {
    case E_NO_HANDLER:
        return E_GONE;
    case E_LIMIT:
    case E_NO_MEMORY:
        return E_BUSY;
    case E_HANDLE: // the bond was revoked
        return E_DENIED;
    default:
        return (i32)error;
    }
}

static i32 send_on(struct between *between, const struct rt_event *event, struct client *client)
{
    u32 bond = client->bond;
    u32 size = (u32)event->body.size;
    if (event->id == 0) {
        return error_of_send(rt_tell(bond, event->function, event->body.data, size));
    }
    bool may = is_fair(&between->calls, client->owner->call_count);
    struct call *call = may ? pool_take(&between->calls) : NULL;
    if (call == NULL) {
        return E_BUSY;
    }
    i64 id = rt_send(bond, event->function, event->body.data, size);
    if (id < 0) {
        pool_give(&between->calls, call);
        return error_of_send(id);
    }
    call->function = event->function;
    call->owner = client->owner;
    call->owner->call_count++;
    map_add(&between->by_above, &call->by_above, event->id);
    map_add(&between->by_below, &call->by_below, (u64)id);
    return 0;
}

static void take_message(struct between *between, const struct rt_event *event)
{
    const struct forward *forward = between->forward;
    if (forward->message != NULL && !forward->message(forward->context, event)) {
        return;
    }
    struct client *client = NULL;
    i32 error = client_find(between, event->client, &client);
    if (error == 0) {
        error = send_on(between, event, client);
    }
    if (error == E_DENIED && client != NULL) { // a bond that was revoked is made anew the next time
        client_drop(between, client);
    }
    if (error != 0 && event->id != 0) {
        (void)rt_answer_error(event->id, (enum abi_error)error);
    }
}

// Nobody waits for it any more.
static void call_drop(struct between *between, struct call *call)
{
    struct owner *owner = call->owner;
    ASSERT(owner->call_count > 0);
    map_remove(&between->by_above, &call->by_above);
    map_remove(&between->by_below, &call->by_below);
    pool_give(&between->calls, call);
    owner->call_count--;
    owner_look(between, owner);
}

// Answers, and takes the next event: together, so that the worker goes on with the client at once.
static void take_answer(struct between *between, struct rt_event *event)
{
    struct map_node *node = map_find(&between->by_below, event->id);
    if (node == NULL) {
        rt_next(event);
        return;
    }
    struct call *call = CONTAINER_OF(node, struct call, by_below);
    const struct forward *forward = between->forward;
    u64 above = call->by_above.key;
    struct span body = event->body;
    if (forward->answer != NULL) {
        body = forward->answer(forward->context, call->function, event);
    }
    call_drop(between, call);
    // Who has cancelled, or is gone, needs none.
    if (event->error != 0) {
        (void)rt_answer_error(above, (enum abi_error)error_of_send(event->error));
        rt_next(event);
    } else {
        rt_answer_next(above, body.data, (u32)body.size, event);
    }
}

static void take_cancelled(struct between *between, const struct rt_event *event)
{
    struct map_node *node = map_find(&between->by_above, event->id);
    if (node != NULL) { // its answer, E_CANCELLED, comes as any
        struct call *call = CONTAINER_OF(node, struct call, by_above);
        struct system_cancel_call cancel = {call->by_below.key};
        struct system_result_none_error result;
        (void)system_cancel(RT_SYSTEM_BOND, &cancel, &result);
    }
}

static void take_gone(struct between *between, const struct rt_event *event)
{
    struct map_node *node = map_find(&between->by_number, event->client);
    if (node != NULL) {
        client_drop(between, CONTAINER_OF(node, struct client, by_number));
    }
}

u32 forward_run(const struct forward *forward)
{
    struct between between;
    if (between_init(&between, forward) != ERR_OK) {
        (void)rt_print_error("there is no memory for what passes\n");
        return 1;
    }
    i64 registration = rt_register(forward->interface);
    if (registration < 0) {
        (void)rt_print_error("the interface is not to be had: ");
        (void)rt_print_error(rt_error_name(registration));
        (void)rt_print_error("\n");
        return 1;
    }
    struct rt_event event;
    rt_next(&event);
    for (;;) {
        if (event.kind == NOTIFICATION_ANSWER) {
            take_answer(&between, &event);
            continue;
        }
        if (event.kind == NOTIFICATION_MESSAGE) {
            take_message(&between, &event);
        } else if (event.kind == NOTIFICATION_CANCELLED) {
            take_cancelled(&between, &event);
        } else {
            take_gone(&between, &event);
        }
        rt_next(&event);
    }
}
