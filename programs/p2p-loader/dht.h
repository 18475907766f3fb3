// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/dht.h: questions to a DHT, the local one or the public, put to peers
// (lib/p2p/kad_lookup.h).
//
// Use     dht_begin with what is looked for; whoever is connected and of that DHT is asked first,
//         and whom dht_add tells. dht_turn in each turn; dht_event for what happens on streams that
//         are not of another protocol; dht_link_gone before a link is freed. `done` is called once,
//         when no more will come, unless dht_end was. Links that were made for the public DHT alone
//         are closed when their peer has answered.
// Owner   a search's memory is the caller's, about 250 KiB, and stays where it is until `done`.
// Limits  LOADER_SEARCHES at once; lib/p2p/limits.h, P2P_KAD_*.
#pragma once
#include "core/base/list.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/kad_lookup.h"
#include "programs/p2p-loader/links.h"
struct dht_search;
struct node;

struct dht_ask {
    bool is_open;
    bool has_answered;
    struct p2p_hint hint;
    struct link *link;         // NULL: none yet, or none any more
    struct p2p_stream *stream; // NULL: not yet
};

struct dht_search {
    struct list_node of_all;
    struct node *node;
    void *context;
    // Somebody is said to have the block.
    void (*provider)(struct dht_search *search, const struct p2p_hint *hint);
    // A record of a name, from a peer, not checked. NULL: none is looked for.
    void (*value)(struct dht_search *search, struct span value);
    void (*done)(struct dht_search *search);
    u32 asked_count, answer_count; // peers
    struct dht_ask asks[P2P_KAD_ALPHA];
    struct kad_lookup lookup;
};

// `provider`, `value`, `done` and `context` are set. ERR_BUSY: LOADER_SEARCHES are under way.
enum err dht_begin(struct node *node, struct dht_search *search, enum kad_goal goal,
                   enum p2p_scope scope, const struct kad_key *key);
// Somebody to begin with.
void dht_add(struct dht_search *search, const struct p2p_hint *hint);
// Gives it up; `done` is not called.
void dht_end(struct dht_search *search);

void dht_event(struct p2p_event event);
// Whether somebody is asked over that link.
bool dht_uses(const struct link *link);
// The name of the protocol that the nodes of a DHT speak.
struct span dht_protocol(enum p2p_scope scope);
// How links are made to its nodes.
enum link_kind dht_link_kind(enum p2p_scope scope);
void dht_link_gone(const struct link *link);
// Returns when to be called at the latest.
u64 dht_turn(struct node *node);
