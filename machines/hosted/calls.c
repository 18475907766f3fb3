// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/calls.h"

#include <stdlib.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/memory.h"

enum { BUCKET_BITS = 12 };

static void *plain_resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    ASSERT(old_size == 0);
    return malloc(new_size);
}

static struct memory plain_memory = {plain_resize};

enum err calls_init(struct calls *calls, struct calls_limits limits)
{
    *calls = (struct calls){.limits = limits, .next_id = 1};
    list_init(&calls->things);
    struct map *maps[] = {&calls->clients, &calls->owners, &calls->messages, &calls->ids};
    for (u32 i = 0; i < COUNT_OF(maps); i++) {
        enum err err = map_init(maps[i], &plain_memory, BUCKET_BITS);
        if (err != ERR_OK) {
            while (i > 0) {
                map_drop(maps[--i]);
            }
            return err;
        }
    }
    return ERR_OK;
}

void calls_drop(struct calls *calls)
{
    ASSERT(calls->call_count == 0);
    ASSERT(calls->thing_count == 0);
    ASSERT(calls->clients.count == 0 && calls->owners.count == 0);
    map_drop(&calls->clients);
    map_drop(&calls->owners);
    map_drop(&calls->messages);
    map_drop(&calls->ids);
}

// ---- clients

static struct client *client_find(const struct calls *calls, u64 number)
{
    struct map_node *node = map_find(&calls->clients, number);
    return node == NULL ? NULL : CONTAINER_OF(node, struct client, node);
}

static struct owner *owner_make(struct calls *calls, u64 number)
{
    struct map_node *node = map_find(&calls->owners, number);
    if (node != NULL) {
        return CONTAINER_OF(node, struct owner, node);
    }
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner != NULL) {
        map_add(&calls->owners, &owner->node, number);
    }
    return owner;
}

static void owner_release(struct calls *calls, struct owner *owner)
{
    if (owner->client_count == 0) {
        ASSERT(owner->call_count == 0 && owner->thing_count == 0);
        map_remove(&calls->owners, &owner->node);
        free(owner);
    }
}

// The client, which client_release is to be called for when nothing comes of it; or NULL.
static struct client *client_make(struct calls *calls, u64 number)
{
    struct client *client = client_find(calls, number);
    if (client != NULL) {
        return client;
    }
    struct owner *owner = owner_make(calls, abi_client_owner(number));
    if (owner == NULL) {
        return NULL;
    }
    client = calloc(1, sizeof *client);
    if (client == NULL) {
        owner_release(calls, owner);
        return NULL;
    }
    owner->client_count++;
    client->owner = owner;
    list_init(&client->calls);
    list_init(&client->things);
    map_add(&calls->clients, &client->node, number);
    return client;
}

static void client_release(struct calls *calls, struct client *client)
{
    if (list_is_empty(&client->calls) && list_is_empty(&client->things)) {
        struct owner *owner = client->owner;
        map_remove(&calls->clients, &client->node);
        free(client);
        owner->client_count--;
        owner_release(calls, owner);
    }
}

// ---- calls

enum err calls_begin(struct calls *calls, struct call *call, u64 number, u64 message)
{
    ASSERT(message != 0);
    if (calls->call_count >= calls->limits.calls) {
        return ERR_LIMIT;
    }
    struct client *client = client_make(calls, number);
    if (client == NULL) {
        return ERR_NO_MEMORY;
    }
    if (client->owner->call_count >= calls->limits.owner_calls) {
        client_release(calls, client);
        return ERR_LIMIT;
    }
    *call = (struct call){.client = client, .message = message};
    map_add(&calls->messages, &call->node, message);
    list_append(&client->calls, &call->of_client);
    client->owner->call_count++;
    calls->call_count++;
    return ERR_OK;
}

void calls_end(struct calls *calls, struct call *call)
{
    struct client *client = call->client;
    ASSERT(client->owner->call_count > 0 && calls->call_count > 0);
    map_remove(&calls->messages, &call->node);
    list_remove(&call->of_client);
    if (list_is_linked(&call->of_queue)) {
        list_remove(&call->of_queue);
    }
    client->owner->call_count--;
    calls->call_count--;
    client_release(calls, client);
}

struct call *calls_find(const struct calls *calls, u64 message)
{
    struct map_node *node = map_find(&calls->messages, message);
    return node == NULL ? NULL : CONTAINER_OF(node, struct call, node);
}

struct call *calls_of_client(const struct calls *calls, u64 number)
{
    struct client *client = client_find(calls, number);
    struct list_node *node = client == NULL ? NULL : list_first(&client->calls);
    return node == NULL ? NULL : LIST_ITEM(node, struct call, of_client);
}

// ---- things

enum err things_begin(struct calls *calls, struct thing *thing, u64 number)
{
    if (calls->thing_count >= calls->limits.things) {
        return ERR_LIMIT;
    }
    struct client *client = client_make(calls, number);
    if (client == NULL) {
        return ERR_NO_MEMORY;
    }
    if (client->owner->thing_count >= calls->limits.owner_things) {
        client_release(calls, client);
        return ERR_LIMIT;
    }
    *thing = (struct thing){.client = client};
    map_add(&calls->ids, &thing->node, calls->next_id++);
    list_append(&client->things, &thing->of_client);
    list_append(&calls->things, &thing->of_all);
    client->owner->thing_count++;
    calls->thing_count++;
    return ERR_OK;
}

void things_end(struct calls *calls, struct thing *thing)
{
    struct client *client = thing->client;
    ASSERT(client->owner->thing_count > 0 && calls->thing_count > 0);
    map_remove(&calls->ids, &thing->node);
    list_remove(&thing->of_client);
    list_remove(&thing->of_all);
    client->owner->thing_count--;
    calls->thing_count--;
    client_release(calls, client);
}

struct thing *things_find(const struct calls *calls, u64 number, u64 id)
{
    struct map_node *node = map_find(&calls->ids, id);
    if (node == NULL) {
        return NULL;
    }
    struct thing *thing = CONTAINER_OF(node, struct thing, node);
    return thing->client->node.key == number ? thing : NULL;
}

struct thing *things_of_client(const struct calls *calls, u64 number)
{
    struct client *client = client_find(calls, number);
    struct list_node *node = client == NULL ? NULL : list_first(&client->things);
    return node == NULL ? NULL : LIST_ITEM(node, struct thing, of_client);
}

struct thing *things_first(const struct calls *calls)
{
    struct list_node *node = list_first(&calls->things);
    return node == NULL ? NULL : LIST_ITEM(node, struct thing, of_all);
}
