// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/search.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "lib/p2p/kad.h"
#include "lib/p2p/routing.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/sources.h"
#include "programs/p2p-loader/web.h"
#include "programs/rt/redshirt.h"

enum { HTTP_GOOD = 200, HTTP_ABSENT = 404 };

// A router that is asked.
struct routed {
    struct search *search;
    struct public_server *server;
    struct web *web; // NULL: its answer is there, or it was not asked
    struct routing_reader reader;
    u32 record_size;
    u8 record[IPNS_RECORD_BYTES];
};

struct search {
    struct node *node;
    struct search_user user;
    enum p2p_scope scope;
    bool is_name;
    bool has_dht; // under way
    struct routed routed[P2P_ROUTERS];
    struct dht_search dht;
};

static struct search *searches[LOADER_SEARCHES];

// ---- the DHT

static void dht_provider(struct dht_search *dht, const struct p2p_hint *hint)
{
    struct search *search = dht->context;
    sources_hint(search->node, hint, search->scope == P2P_SCOPE_LAN ? SOURCE_LAN : SOURCE_PUBLIC);
}

static void dht_value(struct dht_search *dht, struct span value)
{
    struct search *search = dht->context;
    (void)search->user.value(search->user.context, value); // a lie is one of many answers
}

static void dht_done(struct dht_search *dht)
{
    struct search *search = dht->context;
    search->has_dht = false;
}

static void dht_ask(struct search *search, const struct kad_key *key)
{
    search->dht.context = search;
    search->dht.provider = dht_provider;
    search->dht.value = dht_value;
    search->dht.done = dht_done;
    enum kad_goal goal = search->is_name ? KAD_GOAL_VALUE : KAD_GOAL_PROVIDERS;
    search->has_dht = dht_begin(search->node, &search->dht, goal, search->scope, key) == ERR_OK;
    if (search->has_dht && search->scope == P2P_SCOPE_PUBLIC) {
        public_seed(&search->dht);
    }
}

// ---- routers

static const char *providers_body(void *context, struct span bytes)
{
    struct routed *routed = context;
    while (bytes.size != 0) {
        struct p2p_hint hint;
        size_t taken;
        bool has_hint;
        if (routing_read(&routed->reader, bytes, &taken, &hint, &has_hint, NULL) != ERR_OK) {
            return "answers what is no list of peers";
        }
        if (has_hint) {
            routed->server->named++;
            sources_hint(routed->search->node, &hint, SOURCE_PUBLIC);
        }
        bytes = span_slice(bytes, taken, bytes.size);
    }
    return NULL;
}

static const char *record_body(void *context, struct span bytes)
{
    struct routed *routed = context;
    if (bytes.size > sizeof routed->record - routed->record_size) {
        return "answers a longer record than there may be";
    }
    mem_copy(routed->record + routed->record_size, bytes.data, bytes.size);
    routed->record_size += (u32)bytes.size;
    return NULL;
}

static void routed_done(void *context, u32 status, const char *why)
{
    struct routed *routed = context;
    struct search *search = routed->search;
    struct public_server *server = routed->server;
    routed->web = NULL;
    server->said = why;
    if (status == HTTP_ABSENT) {
        server->said = "knows nobody";
    } else if (status != 0 && status != HTTP_GOOD) {
        server->said = "refuses to say";
    } else if (why != NULL) {
        if (status == HTTP_GOOD) {
            public_is_bad(search->node, server, 0, why);
        }
    } else if (!search->is_name) {
        server->said = "knows nobody"; // unless it named some
        if (routing_end(&routed->reader, NULL) != ERR_OK) {
            public_is_bad(search->node, server, 0, "answers what is no list of peers");
        }
    } else if (!search->user.value(search->user.context,
                                   span_of(routed->record, routed->record_size))) {
        public_is_bad(search->node, server, routed->record_size,
                      "sent a record that the key did not sign");
    }
}

static void router_ask(struct search *search, u32 index, const struct cid *cid,
                       const struct peer_id *name)
{
    char request[ROUTING_REQUEST_BYTES];
    struct routed *routed = &search->routed[index];
    struct public_server *server = public_server(PUBLIC_ROUTER, index);
    struct web_user user = {routed, search->is_name ? record_body : providers_body, routed_done, 0};
    if (server->is_bad) {
        return;
    }
    size_t size = search->is_name ? routing_name_request(server->address.host, name, request)
                                  : routing_providers_request(server->address.host, cid, request);
    routed->search = search;
    routed->server = server;
    routed->record_size = 0;
    routing_reader_init(&routed->reader, P2P_SCOPE_PUBLIC);
    server->named = 0;
    routed->web = web_get(search->node, &server->address, span_of(request, size), &user);
    server->said = routed->web == NULL ? "could not be asked" : "did not say";
}

// ---- searches

static bool is_over(const struct search *search)
{
    bool is_over = !search->has_dht;
    for (u32 i = 0; i < P2P_ROUTERS; i++) {
        is_over = is_over && search->routed[i].web == NULL;
    }
    return is_over;
}

static struct search *search_begin(struct node *node, enum p2p_scope scope, const struct cid *cid,
                                   const struct peer_id *name, const struct search_user *user)
{
    struct search **place = NULL;
    for (u32 i = 0; i < LOADER_SEARCHES; i++) {
        place = searches[i] == NULL ? &searches[i] : place;
    }
    struct search *search = place == NULL ? NULL : memory_take(rt_memory(), sizeof *search);
    if (search == NULL) {
        return NULL;
    }
    mem_zero(search, sizeof *search);
    search->node = node;
    search->user = *user;
    search->scope = scope;
    search->is_name = name != NULL;
    struct kad_key key = name == NULL ? kad_key_of_block(cid) : kad_key_of_name(name);
    if (scope == P2P_SCOPE_LAN || public_count(PUBLIC_BOOTSTRAP) != 0) {
        dht_ask(search, &key);
    }
    for (u32 i = 0; scope == P2P_SCOPE_PUBLIC && i < public_count(PUBLIC_ROUTER); i++) {
        router_ask(search, i, cid, name);
    }
    if (is_over(search)) {
        memory_give(rt_memory(), search, sizeof *search);
        return NULL;
    }
    *place = search;
    return search;
}

struct search *search_block(struct node *node, enum p2p_scope scope, const struct cid *cid,
                            const struct search_user *user)
{
    return search_begin(node, scope, cid, NULL, user);
}

struct search *search_name(struct node *node, enum p2p_scope scope, const struct peer_id *name,
                           const struct search_user *user)
{
    return search_begin(node, scope, NULL, name, user);
}

static void search_free(u32 index)
{
    memory_give(rt_memory(), searches[index], sizeof *searches[index]);
    searches[index] = NULL;
}

void search_end(struct search *search)
{
    for (u32 i = 0; i < P2P_ROUTERS; i++) {
        if (search->routed[i].web != NULL) {
            web_end(search->routed[i].web);
        }
    }
    if (search->has_dht) {
        dht_end(&search->dht);
    }
    for (u32 i = 0; i < LOADER_SEARCHES; i++) {
        if (searches[i] == search) {
            search_free(i);
            return;
        }
    }
}

void searches_turn(void)
{
    for (u32 i = 0; i < LOADER_SEARCHES; i++) {
        if (searches[i] != NULL && is_over(searches[i])) {
            struct search_user user = searches[i]->user;
            u32 answers = searches[i]->dht.answer_count;
            search_free(i);
            user.done(user.context, answers);
        }
    }
}
