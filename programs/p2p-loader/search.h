// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/search.h: asks who has a block, or what a name says: in the local DHT, or in
// the public one and its routers at once.
//
// Use     search_block or search_name; who is said to have the block goes to sources_hint, records
//         of the name to `value`. `done` is called once, when no more will come; search_end gives
//         it up before, and then it is not called.
// Owner   a struct search is its own memory, about 300 KiB, until `done` or search_end.
// Limits  LOADER_SEARCHES at once; those of lib/p2p/kad_lookup.h, and of web.h.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/peer_id.h"
struct node;
struct search;

struct search_user {
    void *context;
    // A record of the name, not checked. False: it is wrong, and who gave it lies.
    bool (*value)(void *context, struct span record);
    //   asked  so many nodes of the DHT answered
    void (*done)(void *context, u32 answers);
};

// NULL: there is nobody to ask, or no memory, or too much is under way; `done` is not called.
struct search *search_block(struct node *node, enum p2p_scope scope, const struct cid *cid,
                            const struct search_user *user);
struct search *search_name(struct node *node, enum p2p_scope scope, const struct peer_id *name,
                           const struct search_user *user);
void search_end(struct search *search);

// After dht_turn and webs_turn: tells who is done.
void searches_turn(void);
