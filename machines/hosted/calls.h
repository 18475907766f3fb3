// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/calls.h: what a device owes: its clients, their calls under way, and what they
// own.
//
// Use     a device embeds a struct call in what it keeps for a message that it answers later, and a
//         struct thing in what its clients own (a socket). calls_begin when such a message arrives,
//         calls_end when it is answered; calls_find for KERNEL_EVENT_CANCELLED; calls_of_client and
//         things_of_client for KERNEL_EVENT_CLIENT_GONE.
// Owner   calls and things are the device's memory; a struct client is here from its first call or
//         thing to its last, whichever ends later: its process may be gone while the host still
//         works for it.
// Limits  given at init, for each process, however many bonds and so clients it has, and for all of
//         them.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/base/types.h"

struct calls_limits {
    u32 owner_calls;
    u32 calls;
    u32 owner_things;
    u32 things;
};

struct calls {
    struct calls_limits limits;
    struct map clients;  // struct client by number
    struct map owners;   // struct owner by abi_client_owner
    struct map messages; // struct call by message id
    struct map ids;      // struct thing by id
    struct list things;  // all of them
    u64 next_id;
    u32 call_count;
    u32 thing_count;
};

// A process, by its clients.
struct owner {
    struct map_node node;
    u32 call_count;
    u32 thing_count;
    u32 client_count;
};

struct client {
    struct map_node node;
    struct owner *owner;
    struct list calls;
    struct list things;
};

struct call {
    struct map_node node; // key: message id
    struct list_node of_client;
    struct list_node of_queue; // the device's own: the thing it waits for
    struct client *client;
    u64 message; // never 0
};

struct thing {
    struct map_node node; // key: its id, which its client knows it by
    struct list_node of_client;
    struct list_node of_all;
    struct client *client;
};

enum err calls_init(struct calls *calls, struct calls_limits limits);
// No call and no thing is left.
void calls_drop(struct calls *calls);

// ERR_LIMIT      the process, or all of them, have as many calls under way as they may
// ERR_NO_MEMORY  for the client
enum err calls_begin(struct calls *calls, struct call *call, u64 client, u64 message);
void calls_end(struct calls *calls, struct call *call);
// The call under way for a message, or NULL.
struct call *calls_find(const struct calls *calls, u64 message);
// The oldest call of a client, or NULL.
struct call *calls_of_client(const struct calls *calls, u64 client);

// Gives the thing to the client and an id to the thing. Errors as calls_begin.
enum err things_begin(struct calls *calls, struct thing *thing, u64 client);
void things_end(struct calls *calls, struct thing *thing);
// The thing of that id if it is this client's, or NULL.
struct thing *things_find(const struct calls *calls, u64 client, u64 id);
// The oldest thing of a client, or NULL.
struct thing *things_of_client(const struct calls *calls, u64 client);
// The oldest thing of all, or NULL.
struct thing *things_first(const struct calls *calls);
