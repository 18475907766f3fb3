// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/dht.h"
#include "core/base/assert.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"

static struct list searches;
static bool is_started;
static u32 search_count;

// ---- links to peers that are asked

struct span dht_protocol(enum p2p_scope scope)
{
    return scope == P2P_SCOPE_LAN ? KAD_LAN : KAD_PUBLIC;
}

enum link_kind dht_link_kind(enum p2p_scope scope)
{
    return scope == P2P_SCOPE_LAN ? LINK_LOCAL : LINK_ASKED;
}

static void stream_drop(struct dht_ask *ask)
{
    if (ask->stream != NULL) {
        p2p_stream_close(ask->stream);
        ask->stream = NULL;
    }
}

static void ask_fail(struct dht_search *search, struct dht_ask *ask)
{
    stream_drop(ask);
    kad_lookup_fail(&search->lookup, (u32)(ask - search->asks));
}

// Puts the question as soon as the peer is there.
static void ask_turn(struct dht_search *search, struct dht_ask *ask)
{
    u8 request[P2P_KAD_REQUEST_BYTES];
    if (!ask->is_open || ask->stream != NULL || ask->link == NULL || !link_is_open(ask->link)) {
        return;
    }
    size_t size = kad_lookup_request(&search->lookup, request, sizeof request);
    ASSERT(size <= sizeof request);
    struct span protocol = dht_protocol(search->lookup.scope);
    if (p2p_stream_open(&ask->link->connection, protocol, &ask->stream, NULL) != ERR_OK) {
        ask->stream = NULL;
        ask_fail(search, ask);
        return;
    }
    ask->stream->context = search;
    if (p2p_stream_write(ask->stream, span_of(request, size)) != size) {
        ask_fail(search, ask); // there is no memory for a hundred bytes: another time
    }
}

// ---- answers

// Reads what has come. A record that was found is told first, then the rest is taken.
static void ask_read(struct dht_search *search, struct dht_ask *ask)
{
    struct span front;
    while (ask->stream != NULL && (front = p2p_stream_front(ask->stream)).size != 0) {
        size_t taken = 0;
        search->answer_count += !ask->has_answered;
        ask->has_answered = true;
        enum err err =
            kad_lookup_receive(&search->lookup, (u32)(ask - search->asks), front, &taken, NULL);
        p2p_stream_skip(ask->stream, taken);
        if (err != ERR_OK || taken == 0) {
            return; // LEAVE follows; or the record must be taken first
        }
    }
    if (ask->stream != NULL &&
        (p2p_stream_is_ended(ask->stream) || p2p_stream_is_failed(ask->stream))) {
        ask_fail(search, ask);
    }
}

void dht_event(struct p2p_event event)
{
    for (struct list_node *item = is_started ? list_first(&searches) : NULL; item != NULL;
         item = list_next(&searches, item)) {
        struct dht_search *search = LIST_ITEM(item, struct dht_search, of_all);
        for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
            if (event.stream != NULL && search->asks[i].stream == event.stream) {
                ask_read(search, &search->asks[i]);
                return;
            }
        }
    }
}

void dht_link_gone(const struct link *link)
{
    for (struct list_node *item = is_started ? list_first(&searches) : NULL; item != NULL;
         item = list_next(&searches, item)) {
        struct dht_search *search = LIST_ITEM(item, struct dht_search, of_all);
        for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
            if (search->asks[i].is_open && search->asks[i].link == link) {
                search->asks[i].link = NULL;
                ask_fail(search, &search->asks[i]);
            }
        }
    }
}

// ---- searches

// Those who are there already are the first to be asked.
static void search_seed(struct node *node, struct dht_search *search)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (link_may_be_asked(link, search->lookup.scope)) {
            struct p2p_hint hint = {.peer = link->connection.peer};
            kad_lookup_add(&search->lookup, &hint);
        }
    }
}

void dht_add(struct dht_search *search, const struct p2p_hint *hint)
{
    kad_lookup_add(&search->lookup, hint);
}

enum err dht_begin(struct node *node, struct dht_search *search, enum kad_goal goal,
                   enum p2p_scope scope, const struct kad_key *key)
{
    if (!is_started) {
        list_init(&searches);
        is_started = true;
    }
    if (search_count == LOADER_SEARCHES) {
        return ERR_BUSY;
    }
    search->node = node;
    search->asked_count = search->answer_count = 0;
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        search->asks[i] = (struct dht_ask){0};
    }
    kad_lookup_init(&search->lookup, &node->crypto, goal, scope, key, &node->host.id,
                    LOADER_PROVIDERS, node->now_ns);
    search_seed(node, search);
    search->of_all = (struct list_node){0};
    list_append(&searches, &search->of_all);
    search_count++;
    return ERR_OK;
}

bool dht_uses(const struct link *link)
{
    for (struct list_node *item = is_started ? list_first(&searches) : NULL; item != NULL;
         item = list_next(&searches, item)) {
        const struct dht_search *search = LIST_ITEM(item, struct dht_search, of_all);
        for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
            if (search->asks[i].is_open && search->asks[i].link == link) {
                return true;
            }
        }
    }
    return false;
}

// The peer need not be asked any more. Of the public DHT there are hundreds.
static void ask_leave(struct dht_ask *ask)
{
    struct link *link = ask->link;
    stream_drop(ask);
    ask->is_open = false;
    ask->link = NULL;
    if (link != NULL && link->kind == LINK_ASKED && link->stage != LINK_IS_OVER &&
        !dht_uses(link) && !announce_uses(link)) {
        link_end(link, NULL);
    }
}

void dht_end(struct dht_search *search)
{
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        ask_leave(&search->asks[i]);
    }
    list_remove(&search->of_all);
    search_count--;
}

// Does what the lookup asks for. False: it is done.
static bool search_turn(struct node *node, struct dht_search *search)
{
    for (;;) {
        struct kad_step step = kad_lookup_next(&search->lookup, node->now_ns);
        struct dht_ask *ask = step.ask < P2P_KAD_ALPHA ? &search->asks[step.ask] : NULL;
        switch (step.kind) {
        case KAD_STEP_WAIT:
            for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
                ask_turn(search, &search->asks[i]);
            }
            return true;
        case KAD_STEP_ASK:
            ASSERT(ask != NULL && !ask->is_open);
            *ask = (struct dht_ask){.is_open = true, .hint = *step.hint};
            ask->link = link_in(node, &ask->hint.peer, search->lookup.scope);
            search->asked_count++;
            if (ask->link == NULL) {
                ask->link = link_dial_hint(node, &ask->hint, dht_link_kind(search->lookup.scope));
            }
            if (ask->link == NULL) {
                ask_fail(search, ask);
            }
            break;
        case KAD_STEP_LEAVE:
            ASSERT(ask != NULL);
            ask_leave(ask);
            break;
        case KAD_STEP_PROVIDER:
            search->provider(search, step.hint);
            break;
        case KAD_STEP_VALUE:
            if (search->value != NULL) {
                search->value(search, step.value);
            }
            for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
                ask_read(search, &search->asks[i]); // what waited behind it
            }
            break;
        case KAD_STEP_DONE:
            return false;
        }
    }
}

u64 dht_turn(struct node *node)
{
    u64 wake = UINT64_MAX;
    struct list_node *next;
    for (struct list_node *item = is_started ? list_first(&searches) : NULL; item != NULL;
         item = next) {
        struct dht_search *search = LIST_ITEM(item, struct dht_search, of_all);
        next = list_next(&searches, item);
        if (!search_turn(node, search)) {
            dht_end(search);
            search->done(search);
            continue;
        }
        u64 at = kad_lookup_wake(&search->lookup);
        wake = at < wake ? at : wake;
    }
    return wake;
}
