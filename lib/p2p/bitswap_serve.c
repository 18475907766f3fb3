// SPDX-License-Identifier: GPL-3.0-or-later
// What peers want of us. An order is new, then with the caller, then ready to be sent, then part of
// the message that is being sent; blocks are sent from where the caller has them.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "lib/p2p/bitswap.h"
#include "lib/p2p/bitswap_internal.h"

#define ORDER_OF(node) LIST_ITEM(node, struct bitswap_order, of_peer)

enum { RANK_BITS = 4 }; // of priority, for each rank

STATIC_ASSERT((int)P2P_BITSWAP_RANKS *RANK_BITS >= 31);
STATIC_ASSERT((int)P2P_BITSWAP_TARGET_BYTES + (int)P2P_BLOCK_BYTES + BITSWAP_BLOCK_HEAD_BYTES <
              (int)P2P_MESSAGE_BYTES);

void bitswap_orders_init(struct bitswap *engine)
{
    const struct bitswap_config *config = &engine->config;
    list_init(&engine->free_orders);
    list_init(&engine->released);
    for (u32 i = 0; i < P2P_BITSWAP_HASHES; i++) {
        list_init(&engine->order_hash[i]);
    }
    for (u32 i = 0; i < config->order_count; i++) {
        config->orders[i] = (struct bitswap_order){0};
        list_append(&engine->free_orders, &config->orders[i].of_peer);
    }
}

void bitswap_orders_peer(struct bitswap *engine, struct bitswap_peer *peer)
{
    for (u32 i = 0; i < 2 * P2P_BITSWAP_RANKS; i++) {
        list_init(&peer->orders[i / P2P_BITSWAP_RANKS][i % P2P_BITSWAP_RANKS]);
    }
    list_init(&peer->given);
    list_init(&peer->ready);
    list_init(&peer->sending);
    peer->saved_bytes = (i64)(engine->config.budget_bytes * P2P_BITSWAP_SAVED_S);
    peer->saved_ns = engine->now_ns;
}

static struct bitswap_order *find_order(struct bitswap *engine, const struct bitswap_peer *peer,
                                        const struct cid *cid)
{
    const struct list *list = &engine->order_hash[bitswap_hash(engine, cid)];
    for (struct list_node *at = list_first(list); at != NULL; at = list_next(list, at)) {
        struct bitswap_order *order = LIST_ITEM(at, struct bitswap_order, of_hash);
        if (order->peer == peer && cid_equal(&order->cid, cid)) {
            return order;
        }
    }
    return NULL;
}

static void move(struct bitswap_order *order, struct list *list, enum bitswap_order_state state)
{
    list_remove(&order->of_peer);
    list_append(list, &order->of_peer);
    order->state = (u8)state;
}

static bool has_bytes(const struct bitswap_order *order)
{
    bool is_out = order->state == BITSWAP_ORDER_READY || order->state == BITSWAP_ORDER_SENDING;
    return is_out && order->is_block && order->has;
}

// It is over. The caller gets its bytes back first.
static void order_free(struct bitswap *engine, struct bitswap_order *order)
{
    struct bitswap_peer *peer = order->peer;
    bool is_released = has_bytes(order);
    if (order->state == BITSWAP_ORDER_GIVEN && order->was_block) {
        peer->lookup_count--;
    }
    if (is_released) {
        peer->out_bytes -= order->bytes.size;
    }
    peer->order_count--;
    list_remove(&order->of_hash);
    order->peer = NULL;
    order->generation++;
    move(order, is_released ? &engine->released : &engine->free_orders,
         is_released ? BITSWAP_ORDER_RELEASED : BITSWAP_ORDER_FREE);
}

bool bitswap_orders_released(struct bitswap *engine, struct bitswap_event *out)
{
    struct list_node *node = list_first(&engine->released);
    if (node == NULL) {
        return false;
    }
    struct bitswap_order *order = ORDER_OF(node);
    out->kind = BITSWAP_EVENT_RELEASED;
    out->bytes = order->bytes;
    out->token = order->token;
    move(order, &engine->free_orders, BITSWAP_ORDER_FREE);
    return true;
}

// ---- what peers ask for

static u8 rank_of(i32 priority)
{
    u8 rank = 0;
    for (u32 left = priority > 0 ? (u32)priority : 0; left >> RANK_BITS != 0; left >>= RANK_BITS) {
        rank++;
    }
    return rank;
}

// The order that gives way to one of that rank; NULL: none does.
static struct bitswap_order *find_lower(struct bitswap_peer *peer, u8 rank)
{
    for (u32 i = 0; i < 2u * rank; i++) {
        struct list *list = &peer->orders[i % 2][i / 2];
        if (!list_is_empty(list)) {
            return ORDER_OF(list->head.previous);
        }
    }
    return NULL;
}

// With no memory left, the peer that has most of it gives some; NULL: it has no more than this one.
static struct bitswap_order *find_others(struct bitswap *engine, const struct bitswap_peer *peer)
{
    struct bitswap_peer *most = NULL;
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *other = LIST_ITEM(at, struct bitswap_peer, of_engine);
        most = most == NULL || other->order_count > most->order_count ? other : most;
    }
    return most == NULL || most->order_count <= peer->order_count + 1
               ? NULL
               : find_lower(most, P2P_BITSWAP_RANKS);
}

static void order_add(struct bitswap *engine, struct bitswap_peer *peer,
                      const struct bitswap_item *entry, u32 serial)
{
    u8 rank = rank_of(entry->priority);
    if (peer->order_count == P2P_BITSWAP_ORDERS || list_is_empty(&engine->free_orders)) {
        struct bitswap_order *lower =
            peer->order_count == P2P_BITSWAP_ORDERS ? NULL : find_others(engine, peer);
        lower = lower == NULL ? find_lower(peer, rank) : lower;
        if (lower == NULL) {
            return;
        }
        order_free(engine, lower);
    }
    struct bitswap_order *order = ORDER_OF(list_take(&engine->free_orders));
    *order = (struct bitswap_order){.peer = peer,
                                    .cid = entry->cid,
                                    .is_version_0 = entry->is_version_0,
                                    .is_block = entry->is_block,
                                    .wants_no = entry->wants_no,
                                    .state = BITSWAP_ORDER_NEW,
                                    .rank = rank,
                                    .generation = order->generation,
                                    .serial = serial};
    list_append(&peer->orders[entry->is_block][rank], &order->of_peer);
    list_append(&engine->order_hash[bitswap_hash(engine, &order->cid)], &order->of_hash);
    peer->order_count++;
}

void bitswap_orders_entry(struct bitswap *engine, struct bitswap_peer *peer,
                          const struct bitswap_item *entry, u32 serial)
{
    if (!entry->has_cid) {
        return;
    }
    struct bitswap_order *order = find_order(engine, peer, &entry->cid);
    if (entry->is_cancel) {
        if (order != NULL && order->state != BITSWAP_ORDER_SENDING) {
            order_free(engine, order);
        }
        return;
    }
    if (order == NULL) {
        order_add(engine, peer, entry, serial);
        return;
    }
    order->serial = serial;
    order->is_version_0 = entry->is_version_0;
    order->wants_no = order->wants_no || entry->wants_no;
    bool is_more = entry->is_block && !order->is_block;
    if (is_more && order->state == BITSWAP_ORDER_NEW) {
        order->is_block = true;
        move(order, &peer->orders[true][order->rank], BITSWAP_ORDER_NEW);
    } else if (is_more && order->state == BITSWAP_ORDER_GIVEN) {
        order->is_block = true; // bitswap_answer sees to it
    }
}

static void drop_older(struct bitswap *engine, struct list *list, u32 serial)
{
    struct list_node *next;
    for (struct list_node *at = list_first(list); at != NULL; at = next) {
        struct bitswap_order *order = ORDER_OF(at);
        next = list_next(list, at);
        if (order->serial != serial) {
            order_free(engine, order);
        }
    }
}

void bitswap_orders_full(struct bitswap *engine, struct bitswap_peer *peer, u32 serial)
{
    for (u32 i = 0; i < 2 * P2P_BITSWAP_RANKS; i++) {
        drop_older(engine, &peer->orders[i / P2P_BITSWAP_RANKS][i % P2P_BITSWAP_RANKS], serial);
    }
    drop_older(engine, &peer->given, serial);
    drop_older(engine, &peer->ready, serial);
}

static void drop_all(struct bitswap *engine, struct list *list)
{
    struct list_node *node;
    while ((node = list_first(list)) != NULL) {
        order_free(engine, ORDER_OF(node));
    }
}

void bitswap_orders_lost(struct bitswap *engine, struct bitswap_peer *peer)
{
    drop_all(engine, &peer->sending);
    peer->item_sent = 0;
}

void bitswap_orders_leave(struct bitswap *engine, struct bitswap_peer *peer)
{
    for (u32 i = 0; i < 2 * P2P_BITSWAP_RANKS; i++) {
        drop_all(engine, &peer->orders[i / P2P_BITSWAP_RANKS][i % P2P_BITSWAP_RANKS]);
    }
    drop_all(engine, &peer->given);
    drop_all(engine, &peer->ready);
    bitswap_orders_lost(engine, peer);
    ASSERT(peer->order_count == 0 && peer->lookup_count == 0 && peer->out_bytes == 0);
}

// ---- what the caller is asked for

static bool has_budget(struct bitswap *engine, struct bitswap_peer *peer)
{
    u64 budget = engine->config.budget_bytes;
    i64 most = (i64)(budget * P2P_BITSWAP_SAVED_S);
    if (budget == 0) {
        return true;
    }
    u64 passed_ms = (engine->now_ns - peer->saved_ns) / BITSWAP_NS_PER_MS;
    passed_ms = passed_ms < P2P_BITSWAP_SAVED_S * 1000 ? passed_ms : P2P_BITSWAP_SAVED_S * 1000;
    i64 saved = peer->saved_bytes + (i64)(budget * passed_ms / 1000);
    if (passed_ms != 0) {
        peer->saved_bytes = saved < most ? saved : most;
        peer->saved_ns = engine->now_ns;
    }
    return peer->saved_bytes > 0;
}

// The first that may be given to the caller now; NULL: none.
static struct bitswap_order *find_new(struct bitswap *engine, struct bitswap_peer *peer,
                                      bool is_scarce)
{
    u32 lookups = is_scarce ? 1 : P2P_BITSWAP_LOOKUPS;
    u64 out_bytes = is_scarce ? 1 : P2P_BITSWAP_OUT_BYTES;
    bool has_room =
        peer->lookup_count < lookups && peer->out_bytes < out_bytes && has_budget(engine, peer);
    for (u32 is_block = 0; is_block <= (has_room ? 1u : 0u); is_block++) {
        for (u32 rank = P2P_BITSWAP_RANKS; rank > 0; rank--) {
            struct list_node *node = list_first(&peer->orders[is_block][rank - 1]);
            if (node != NULL) {
                return ORDER_OF(node);
            }
        }
    }
    return NULL;
}

bool bitswap_orders_wait(struct bitswap *engine)
{
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        if (find_new(engine, LIST_ITEM(at, struct bitswap_peer, of_engine), true) != NULL) {
            return true;
        }
    }
    return false;
}

// The order of whoever's turn it is; NULL: there is none.
static struct bitswap_order *find_turn(struct bitswap *engine, bool is_scarce)
{
    struct bitswap_order *behind = NULL;
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *peer = LIST_ITEM(at, struct bitswap_peer, of_engine);
        bool is_behind = is_scarce && peer->is_behind;
        if (is_behind && behind != NULL) {
            continue;
        }
        struct bitswap_order *order = find_new(engine, peer, is_scarce);
        if (order != NULL && !is_behind) {
            return order;
        }
        behind = order != NULL ? order : behind;
    }
    return behind;
}

bool bitswap_order_next(struct bitswap *engine, bool is_scarce, struct bitswap_request *out)
{
    struct bitswap_order *order = find_turn(engine, is_scarce);
    if (order == NULL) {
        return false;
    }
    struct bitswap_peer *peer = order->peer;
    move(order, &peer->given, BITSWAP_ORDER_GIVEN);
    order->was_block = order->is_block;
    peer->lookup_count += order->is_block ? 1 : 0;
    u64 index = (u64)(order - engine->config.orders);
    *out = (struct bitswap_request){.id = (u64)order->generation << 32 | index,
                                    .peer = peer,
                                    .cid = order->cid,
                                    .is_block = order->is_block};
    list_remove(&peer->of_engine); // the next one is another's turn
    list_append(&engine->peers, &peer->of_engine);
    return true;
}

bool bitswap_answer(struct bitswap *engine, u64 id, bool has, struct span bytes, u64 token)
{
    u32 index = (u32)id;
    ASSERT(index < engine->config.order_count);
    struct bitswap_order *order = &engine->config.orders[index];
    if (order->generation != id >> 32 || order->state != BITSWAP_ORDER_GIVEN) {
        return false;
    }
    struct bitswap_peer *peer = order->peer;
    has = has && (!order->was_block || bytes.size <= P2P_BLOCK_BYTES);
    if (has && order->is_block && !order->was_block) { // meanwhile it wants the block itself
        move(order, &peer->orders[true][order->rank], BITSWAP_ORDER_NEW);
        return false;
    }
    if (!has && !order->wants_no) {
        order_free(engine, order);
        return false;
    }
    peer->lookup_count -= order->was_block ? 1 : 0;
    order->has = has;
    if (list_is_empty(&peer->ready) && list_is_empty(&peer->sending)) {
        peer->sent_ns = engine->now_ns; // from now on it is to take something
    }
    move(order, &peer->ready, BITSWAP_ORDER_READY);
    if (!has_bytes(order)) {
        return false;
    }
    order->bytes = bytes;
    order->token = token;
    peer->out_bytes += bytes.size;
    peer->saved_bytes -= engine->config.budget_bytes == 0 ? 0 : (i64)bytes.size;
    return true;
}

// ---- messages of answers

// What stands before an order's bytes, or is all of its answer.
static size_t item_head(const struct bitswap_order *order, u8 out[BITSWAP_PRESENCE_BYTES])
{
    return has_bytes(order)
               ? bitswap_block_head(&order->cid, order->is_version_0, order->bytes.size, out)
               : bitswap_presence_write(&order->cid, order->is_version_0, order->has, out);
}

// Makes a message of what is ready.
static void begin_message(struct bitswap_peer *peer)
{
    u8 head[BITSWAP_PRESENCE_BYTES];
    struct list_node *node;
    size_t size = 0;
    while (size < P2P_BITSWAP_TARGET_BYTES && (node = list_first(&peer->ready)) != NULL) {
        struct bitswap_order *order = ORDER_OF(node);
        move(order, &peer->sending, BITSWAP_ORDER_SENDING);
        size += item_head(order, head) + order->bytes.size;
    }
    peer->head_size = (u32)bitswap_answers_head(size, peer->head);
    peer->head_sent = 0;
    peer->item_sent = 0;
}

// Writes the rest of the message's first item; false: it did not fit.
static bool send_item(struct bitswap *engine, struct bitswap_peer *peer, struct p2p_stream *stream)
{
    struct bitswap_order *order = ORDER_OF(list_first(&peer->sending));
    u8 head[BITSWAP_PRESENCE_BYTES];
    size_t head_size = item_head(order, head);
    if (peer->item_sent < head_size) {
        struct span rest = span_of(head + peer->item_sent, head_size - (size_t)peer->item_sent);
        peer->item_sent += p2p_stream_write(stream, rest);
    }
    if (peer->item_sent >= head_size && order->bytes.size != 0) {
        struct span bytes = order->bytes;
        size_t done = (size_t)peer->item_sent - head_size;
        peer->item_sent += p2p_stream_write(stream, span_slice(bytes, done, bytes.size));
    }
    if (peer->item_sent < head_size + order->bytes.size) {
        return false;
    }
    peer->served_bytes += order->bytes.size;
    peer->served_count += has_bytes(order);
    peer->item_sent = 0;
    order_free(engine, order);
    return true;
}

void bitswap_orders_run(struct bitswap *engine, struct bitswap_peer *peer)
{
    while (!list_is_empty(&peer->ready) || !list_is_empty(&peer->sending)) {
        struct p2p_stream *stream = bitswap_outbox_open(engine, peer, &peer->answer_box);
        if (stream == NULL) {
            return;
        }
        if (list_is_empty(&peer->sending)) {
            begin_message(peer);
        }
        u64 before = peer->item_sent + peer->head_sent;
        struct span head = span_of(peer->head + peer->head_sent, peer->head_size - peer->head_sent);
        peer->head_sent += (u32)p2p_stream_write(stream, head);
        bool is_sent = peer->head_sent == peer->head_size && send_item(engine, peer, stream);
        if (is_sent || peer->item_sent + peer->head_sent != before) {
            peer->sent_ns = engine->now_ns;
            peer->answer_box.used_ns = engine->now_ns;
        }
        if (!is_sent) {
            return;
        }
    }
}

void bitswap_orders_tick(struct bitswap *engine, struct bitswap_peer *peer)
{
    bool waits = !list_is_empty(&peer->ready) || !list_is_empty(&peer->sending);
    if (waits && engine->now_ns - peer->sent_ns >= (u64)P2P_BITSWAP_SEND_MS * BITSWAP_NS_PER_MS) {
        bitswap_fail(engine, peer, ERR_CLOSED, "it does not take what it asked for");
    }
}
