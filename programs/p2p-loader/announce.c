// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/announce.h"
#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "lib/p2p/kad_provide.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/public.h"
#include "programs/rt/redshirt.h"

#define NS_PER_HOUR ((u64)3600000 * NS_PER_MS)

enum {
    DHTS = P2P_SCOPE_PUBLIC + 1, // as enum p2p_scope has them
    // A record of a name, twice its key, and heads; or our addresses.
    MESSAGE_BYTES = P2P_KAD_NAME_BYTES + P2P_KAD_REQUEST_BYTES,
};

struct name {
    struct peer_id key;
    u32 size;
    u8 record[P2P_KAD_NAME_BYTES];
    u64 due_ns[DHTS];
};

// To one of the nearest.
struct gift {
    struct p2p_hint to;
    struct link *link;
    struct p2p_stream *stream;
    bool is_over, was_taken;
};

struct announcing {
    struct kad_provides files[DHTS];
    u32 name_count;
    struct name names[LOADER_NAMES];
    struct p2p_hint self[DHTS]; // with those of our addresses that are of the scope
    // What is told now.
    bool is_on;
    bool is_search; // else gifts are on their way
    enum p2p_scope scope;
    struct kad_key key;
    struct name *name; // NULL: a file
    u32 message_size;
    u8 message[MESSAGE_BYTES];
    u64 deadline_ns;
    u32 gift_count;
    struct gift gifts[P2P_KAD_K];
    struct dht_search search;
};

static struct announcing *all; // NULL: we do not stay
static u64 hour_ns;            // when it began
static u32 hour_count;
static u64 meet_ns; // when peers are dialled next
static bool wants_pins;
static bool is_hidden; // there is something to tell, and no address to tell to the local network

void announce_begin(struct node *node, const struct multiaddr *addresses, u32 count)
{
    all = memory_take(rt_memory(), sizeof *all);
    if (all == NULL) {
        return; // others find us by asking us
    }
    mem_zero(all, sizeof *all);
    for (u32 scope = 0; scope < DHTS; scope++) {
        all->self[scope].peer = node->host.id;
        for (u32 i = 0; i < count; i++) {
            (void)p2p_hint_add(&all->self[scope], (enum p2p_scope)scope,
                               span_of(addresses[i].bytes, addresses[i].size));
        }
    }
}

void announce_at(const struct multiaddr *address)
{
    for (u32 scope = 0; all != NULL && scope < DHTS; scope++) {
        struct p2p_hint *self = &all->self[scope];
        bool is_first = self->address_count == 0;
        bool is_new =
            p2p_hint_add(self, (enum p2p_scope)scope, span_of(address->bytes, address->size));
        wants_pins = wants_pins || (is_first && is_new);
    }
}

bool announce_wants_pins(void)
{
    return wants_pins;
}

static bool is_told(enum p2p_scope scope)
{
    return scope == P2P_SCOPE_LAN || (public_is_on() && public_count(PUBLIC_BOOTSTRAP) != 0);
}

// ---- what there is

static bool is_listed(const struct kad_key *keys, u32 count, const struct kad_key *key)
{
    for (u32 i = 0; i < count; i++) {
        if (keys[i].size == key->size && mem_equal(keys[i].bytes, key->bytes, key->size)) {
            return true;
        }
    }
    return false;
}

// Puts the keys of a list into `keys`; returns how many.
static u32 keys_read(struct span list, struct kad_key keys[P2P_KAD_PROVIDES])
{
    u32 count = 0;
    for (size_t start = 0; start < list.size && count < P2P_KAD_PROVIDES;) {
        size_t end = start;
        struct cid cid;
        while (end < list.size && list.data[end] != '\n') {
            end++;
        }
        if (cid_parse_text(span_slice(list, start, end), &cid, NULL) == ERR_OK) {
            keys[count++] = kad_key_of_block(&cid);
        }
        start = end + 1;
    }
    return count;
}

void announce_pins(struct node *node, struct span list)
{
    struct kad_key *keys =
        all == NULL ? NULL : memory_take(rt_memory(), P2P_KAD_PROVIDES * sizeof *keys);
    if (keys == NULL) {
        return;
    }
    wants_pins = false;
    u32 count = keys_read(list, keys);
    is_hidden = count != 0 && all->self[P2P_SCOPE_LAN].address_count == 0;
    for (u32 scope = 0; scope < DHTS; scope++) {
        struct kad_provides *files = &all->files[scope];
        if (!is_told((enum p2p_scope)scope) || all->self[scope].address_count == 0) {
            continue;
        }
        for (u32 i = 0; i < files->count;) {
            struct kad_key key = files->items[i].key;
            if (is_listed(keys, count, &key)) {
                i++;
            } else {
                kad_provides_remove(files, &key);
            }
        }
        for (u32 i = 0; i < count; i++) {
            (void)!kad_provides_add(files, &keys[i], node->now_ns); // there is room for all
        }
    }
    memory_give(rt_memory(), keys, P2P_KAD_PROVIDES * sizeof *keys);
}

void announce_name(struct node *node, const struct peer_id *key, struct span record)
{
    struct name *name = NULL;
    for (u32 i = 0; all != NULL && i < all->name_count; i++) {
        name = peer_id_equal(&all->names[i].key, key) ? &all->names[i] : name;
    }
    if (all == NULL || record.size > sizeof name->record ||
        (name == NULL && all->name_count == LOADER_NAMES)) {
        return;
    }
    name = name == NULL ? &all->names[all->name_count++] : name;
    if (span_equal(span_of(name->record, name->size), record)) {
        return;
    }
    name->key = *key;
    name->size = (u32)record.size;
    mem_copy(name->record, record.data, record.size);
    for (u32 scope = 0; scope < DHTS; scope++) {
        name->due_ns[scope] = is_told((enum p2p_scope)scope) ? node->now_ns : UINT64_MAX;
    }
}

// When the next of a scope is due.
static u64 due_ns(enum p2p_scope scope)
{
    u64 at_ns = kad_provides_wake(&all->files[scope]);
    for (u32 i = 0; i < all->name_count; i++) {
        at_ns = all->names[i].due_ns[scope] < at_ns ? all->names[i].due_ns[scope] : at_ns;
    }
    return at_ns;
}

// ---- one after another

static void search_provider(struct dht_search *search, const struct p2p_hint *hint)
{
    (void)search;
    (void)hint;
}

static void search_done(struct dht_search *search)
{
    const struct p2p_hint *closest[P2P_KAD_K];
    all->gift_count = kad_lookup_closest(&search->lookup, closest);
    for (u32 i = 0; i < all->gift_count; i++) {
        all->gifts[i] = (struct gift){.to = *closest[i]};
    }
    all->is_search = false;
    all->deadline_ns = search->node->now_ns + LOADER_GIFT_MS * NS_PER_MS;
}

// Takes up what is due for longest in that DHT. False: nothing is.
static bool key_take(struct node *node, enum p2p_scope scope)
{
    for (u32 i = 0; i < all->name_count; i++) {
        struct name *name = &all->names[i];
        if (name->due_ns[scope] <= node->now_ns) {
            name->due_ns[scope] = node->now_ns + P2P_KAD_RETRY_MS * NS_PER_MS;
            all->name = name;
            all->key = kad_key_of_name(&name->key);
            struct kad_message put = {.type = KAD_PUT_VALUE,
                                      .key = span_of(all->key.bytes, all->key.size),
                                      .value = span_of(name->record, name->size)};
            all->message_size = (u32)kad_write(&put, all->message, sizeof all->message);
            return true;
        }
    }
    const struct kad_key *key = kad_provides_next(&all->files[scope], node->now_ns);
    if (key == NULL) {
        return false;
    }
    all->name = NULL;
    all->key = *key;
    all->message_size =
        (u32)kad_provide_message(key, &all->self[scope], all->message, sizeof all->message);
    return true;
}

static void begin(struct node *node, enum p2p_scope scope)
{
    if (!key_take(node, scope)) {
        return;
    }
    ASSERT(all->message_size <= sizeof all->message);
    all->search.context = NULL;
    all->search.provider = search_provider;
    all->search.value = NULL;
    all->search.done = search_done;
    if (dht_begin(node, &all->search, KAD_GOAL_CLOSEST, scope, &all->key) != ERR_OK) {
        return; // again after P2P_KAD_RETRY_MS
    }
    if (scope == P2P_SCOPE_PUBLIC) {
        public_seed(&all->search);
    }
    all->is_on = all->is_search = true;
    all->scope = scope;
    hour_count++;
}

// ---- gifts

static void gift_end(struct gift *gift, bool was_taken)
{
    struct link *link = gift->link;
    if (gift->stream != NULL) {
        p2p_stream_close(gift->stream);
    }
    gift->stream = NULL;
    gift->link = NULL;
    gift->is_over = true;
    gift->was_taken = was_taken;
    if (link != NULL && link->kind == LINK_ASKED && link->stage != LINK_IS_OVER &&
        !dht_uses(link)) {
        link_end(link, NULL);
    }
}

static void gift_turn(struct node *node, struct gift *gift)
{
    if (gift->is_over || gift->stream != NULL) {
        return;
    }
    if (gift->link == NULL) {
        gift->link = link_in(node, &gift->to.peer, all->scope);
    }
    if (gift->link == NULL) {
        gift->link = link_dial_hint(node, &gift->to, dht_link_kind(all->scope));
    }
    if (gift->link == NULL) {
        gift_end(gift, false);
        return;
    }
    if (!link_is_open(gift->link)) {
        return;
    }
    if (p2p_stream_open(&gift->link->connection, dht_protocol(all->scope), &gift->stream, NULL) !=
        ERR_OK) {
        gift->stream = NULL;
        gift_end(gift, false);
        return;
    }
    struct span message = span_of(all->message, all->message_size);
    if (p2p_stream_write(gift->stream, message) != message.size) {
        gift_end(gift, false);
        return;
    }
    p2p_stream_finish(gift->stream);
}

bool announce_event(struct p2p_event event)
{
    for (u32 i = 0; all != NULL && i < all->gift_count; i++) {
        struct gift *gift = &all->gifts[i];
        struct span front;
        bool has_answer = false;
        if (gift->stream == NULL || gift->stream != event.stream) {
            continue;
        }
        while ((front = p2p_stream_front(gift->stream)).size != 0) {
            has_answer = true; // a record of a name is said back
            p2p_stream_skip(gift->stream, front.size);
        }
        bool is_failed = p2p_stream_is_failed(gift->stream);
        // One who does not speak the protocol has taken nothing. Who takes a provider ends the
        // stream, js-libp2p by a reset.
        bool is_taken = has_answer || (all->name == NULL && gift->stream->failure == ERR_CLOSED) ||
                        (all->name == NULL && !is_failed);
        if (has_answer || is_failed || p2p_stream_is_ended(gift->stream)) {
            gift_end(gift, is_taken);
        }
        return true;
    }
    return false;
}

bool announce_uses(const struct link *link)
{
    for (u32 i = 0; all != NULL && i < all->gift_count; i++) {
        if (!all->gifts[i].is_over && all->gifts[i].link == link) {
            return true;
        }
    }
    return false;
}

void announce_link_gone(const struct link *link)
{
    for (u32 i = 0; all != NULL && i < all->gift_count; i++) {
        struct gift *gift = &all->gifts[i];
        if (!gift->is_over && gift->link == link) {
            gift->link = NULL;
            gift_end(gift, false);
        }
    }
}

// All that will be taken was taken.
static void finish(struct node *node)
{
    u32 taken = 0;
    for (u32 i = 0; i < all->gift_count; i++) {
        if (!all->gifts[i].is_over) {
            gift_end(&all->gifts[i], false);
        }
        taken += all->gifts[i].was_taken;
    }
    if (all->name == NULL) {
        kad_provides_done(&all->files[all->scope], &all->key, taken != 0, node->now_ns);
    } else if (taken != 0) {
        all->name->due_ns[all->scope] = node->now_ns + P2P_KAD_REPROVIDE_MS * NS_PER_MS;
    }
    all->gift_count = 0;
    all->is_on = false;
}

// ---- turns

static bool has_peers(const struct node *node, enum p2p_scope scope)
{
    if (scope == P2P_SCOPE_PUBLIC) {
        return true; // it begins with those who are always there
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (link->connection.identity.is_known && link_may_be_asked(link, scope)) {
            return true;
        }
    }
    return false;
}

static bool is_due(const struct node *node, enum p2p_scope scope)
{
    return all != NULL && is_told(scope) && due_ns(scope) <= node->now_ns;
}

bool announce_needs_peers(const struct node *node)
{
    return (is_hidden || is_due(node, P2P_SCOPE_LAN)) && !has_peers(node, P2P_SCOPE_LAN) &&
           node->now_ns >= meet_ns && node->now_ns < meet_ns + LOADER_MEET_MS * NS_PER_MS;
}

static u64 announcing_turn(struct node *node)
{
    bool is_over = true;
    if (all->is_search) {
        return UINT64_MAX; // dht_turn knows
    }
    for (u32 i = 0; i < all->gift_count; i++) {
        gift_turn(node, &all->gifts[i]);
        is_over = is_over && all->gifts[i].is_over;
    }
    if (is_over || node->now_ns >= all->deadline_ns) {
        finish(node);
        return node->now_ns; // the next one
    }
    return all->deadline_ns;
}

u64 announce_turn(struct node *node)
{
    u64 wake = UINT64_MAX;
    if (all == NULL) {
        return wake;
    }
    if (all->is_on) {
        return announcing_turn(node);
    }
    if (node->now_ns >= hour_ns + NS_PER_HOUR) {
        hour_ns = node->now_ns;
        hour_count = 0;
    }
    bool begins = meet_ns == 0;
    if (begins) {
        meet_ns = node->now_ns;
    } else if (node->now_ns >= meet_ns + LOADER_MEET_MS * NS_PER_MS) {
        meet_ns = node->now_ns + LOADER_MEET_AGAIN_MS * NS_PER_MS;
    }
    for (u32 i = 0; i < DHTS && !all->is_on; i++) {
        enum p2p_scope scope = (enum p2p_scope)i;
        u64 at_ns = is_told(scope) ? due_ns(scope) : UINT64_MAX;
        if (at_ns <= node->now_ns && hour_count == LOADER_ANNOUNCES_HOUR) {
            at_ns = hour_ns + NS_PER_HOUR;
        } else if (at_ns <= node->now_ns && !has_peers(node, scope)) {
            at_ns =
                begins || meet_ns > node->now_ns ? meet_ns : meet_ns + LOADER_MEET_MS * NS_PER_MS;
        } else if (at_ns <= node->now_ns) {
            begin(node, scope);
            at_ns = node->now_ns;
        }
        wake = at_ns < wake ? at_ns : wake;
    }
    return wake;
}
