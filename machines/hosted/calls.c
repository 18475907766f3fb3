// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/calls.h"

#include <stdlib.h>

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
    struct map *maps[] = {&calls->clients, &calls->messages, &calls->ids};
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
    ASSERT(calls->clients.count == 0);
    map_drop(&calls->clients);
    map_drop(&calls->messages);
    map_drop(&calls->ids);
}

// ---- clients

static struct client *client_find(const struct calls *calls, u64 number)
{
    struct map_node *node = map_find(&calls->clients, number);
    return node == NULL ? NULL : CONTAINER_OF(node, struct client, node);
}

static struct client *client_make(struct calls *calls, u64 number)
{
    struct client *client = client_find(calls, number);
    if (client != NULL) {
        return client;
    }
    client = calloc(1, sizeof *client);
    if (client != NULL) {
        list_init(&client->calls);
        list_init(&client->things);
        map_add(&calls->clients, &client->node, number);
    }
    return client;
}

static void client_release(struct calls *calls, struct client *client)
{
    if (client->call_count == 0 && client->thing_count == 0) {
        ASSERT(list_is_empty(&client->calls) && list_is_empty(&client->things));
        map_remove(&calls->clients, &client->node);
        free(client);
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
    if (client->call_count >= calls->limits.client_calls) {
        return ERR_LIMIT;
    }
    *call = (struct call){.client = client, .message = message};
    map_add(&calls->messages, &call->node, message);
    list_append(&client->calls, &call->of_client);
    client->call_count++;
    calls->call_count++;
    return ERR_OK;
}

void calls_end(struct calls *calls, struct call *call)
{
    struct client *client = call->client;
    ASSERT(client->call_count > 0 && calls->call_count > 0);
    map_remove(&calls->messages, &call->node);
    list_remove(&call->of_client);
    if (list_is_linked(&call->of_queue)) {
        list_remove(&call->of_queue);
    }
    client->call_count--;
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
    if (client->thing_count >= calls->limits.client_things) {
        client_release(calls, client);
        return ERR_LIMIT;
    }
    *thing = (struct thing){.client = client};
    map_add(&calls->ids, &thing->node, calls->next_id++);
    list_append(&client->things, &thing->of_client);
    list_append(&calls->things, &thing->of_all);
    client->thing_count++;
    calls->thing_count++;
    return ERR_OK;
}

void things_end(struct calls *calls, struct thing *thing)
{
    struct client *client = thing->client;
    ASSERT(client->thing_count > 0 && calls->thing_count > 0);
    map_remove(&calls->ids, &thing->node);
    list_remove(&thing->of_client);
    list_remove(&thing->of_all);
    client->thing_count--;
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
