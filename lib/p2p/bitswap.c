// SPDX-License-Identifier: GPL-3.0-or-later
// Peers and their streams, notices, and time. What is asked, received and served is in
// bitswap_want.c, bitswap_receive.c and bitswap_serve.c.
#include "lib/p2p/bitswap.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "lib/p2p/bitswap_internal.h"

#define PEER_OF(node) LIST_ITEM(node, struct bitswap_peer, of_engine)

// Streams point at it, so it is one.
static const char protocol_name[] = "/ipfs/bitswap/1.2.0";

u32 bitswap_hash(const struct bitswap *engine, const struct cid *cid)
{
    u64 hash = cid->codec;
    for (u32 i = 0; i < CID_DIGEST_BYTES; i += 8) {
        hash = (hash ^ mem_load_u64(cid->digest + i)) * engine->secret;
        hash ^= hash >> 29;
    }
    return (u32)(hash >> 32) % P2P_BITSWAP_HASHES;
}

void bitswap_init(struct bitswap *engine, const struct bitswap_config *config)
{
    ASSERT(config->buffer_count > 0 && config->buffer_bytes <= P2P_BLOCK_BYTES);
    mem_zero(engine, sizeof *engine);
    engine->config = *config;
    config->crypto->random(config->crypto->context, (u8 *)&engine->secret, sizeof engine->secret);
    engine->secret |= 1;
    list_init(&engine->peers);
    list_init(&engine->notices);
    bitswap_wants_init(engine);
    bitswap_inboxes_init(engine);
    bitswap_orders_init(engine);
}

void bitswap_drop(struct bitswap *engine)
{
    ASSERT(list_is_empty(&engine->peers));
    mem_zero(engine, sizeof *engine);
}

// ---- peers

void bitswap_notify(struct bitswap *engine, struct bitswap_peer *peer, enum bitswap_notice notice)
{
    peer->notices |= (u8)notice;
    if (!list_is_linked(&peer->of_notices)) {
        list_append(&engine->notices, &peer->of_notices);
    }
}

bool bitswap_is_usable(const struct bitswap *engine, const struct bitswap_peer *peer)
{
    const struct p2p_identity *identity = &peer->connection->identity;
    bool speaks = !identity->is_known || (identity->protocols >> engine->config.protocol & 1) != 0;
    return speaks && !peer->is_mute && !peer->is_taker && peer->failure == ERR_OK &&
           peer->connection->stage == P2P_STAGE_OPEN;
}

struct p2p_stream *bitswap_outbox_open(struct bitswap *engine, struct bitswap_peer *peer,
                                       struct bitswap_outbox *box)
{
    if (box->stream == NULL && !peer->is_mute) {
        struct span name = span_of(protocol_name, sizeof protocol_name - 1);
        (void)p2p_stream_open(peer->connection, name, &box->stream, NULL);
        box->used_ns = engine->now_ns;
    }
    return box->stream;
}

void bitswap_outbox_close(struct bitswap *engine, struct bitswap_outbox *box)
{
    if (box->inbox != NULL) {
        bitswap_inbox_close(engine, box->inbox);
    }
    if (box->stream != NULL) {
        p2p_stream_close(box->stream);
        box->stream = NULL;
    }
}

void bitswap_peer_add(struct bitswap *engine, struct bitswap_peer *peer,
                      struct p2p_connection *connection, u64 tag, u64 now_ns)
{
    engine->now_ns = now_ns;
    mem_zero(peer, sizeof *peer);
    peer->connection = connection;
    peer->tag = tag;
    list_init(&peer->asks);
    list_init(&peer->inboxes);
    bitswap_orders_peer(engine, peer);
    list_append(&engine->peers, &peer->of_engine);
    bitswap_wants_look(engine, true);
}

// Nothing more goes between it and us.
static void leave(struct bitswap *engine, struct bitswap_peer *peer)
{
    bitswap_wants_leave(engine, peer);
    bitswap_inboxes_leave(engine, peer);
    bitswap_orders_leave(engine, peer);
    bitswap_outbox_close(engine, &peer->want_box);
    bitswap_outbox_close(engine, &peer->answer_box);
}

void bitswap_peer_remove(struct bitswap *engine, struct bitswap_peer *peer, u64 now_ns)
{
    engine->now_ns = now_ns;
    list_remove(&peer->of_engine); // first: nobody asks it for what it leaves
    leave(engine, peer);
    if (list_is_linked(&peer->of_notices)) {
        list_remove(&peer->of_notices);
    }
    for (u32 i = 0; i < engine->config.buffer_count; i++) {
        struct bitswap_buffer *buffer = &engine->config.buffers[i];
        buffer->peer = buffer->peer == peer ? NULL : buffer->peer;
    }
    mem_zero(peer, sizeof *peer);
}

void bitswap_fail(struct bitswap *engine, struct bitswap_peer *peer, enum err err,
                  const char *reason)
{
    if (peer->failure == ERR_OK) {
        peer->failure = err;
        peer->reason = reason;
        bitswap_notify(engine, peer, BITSWAP_NOTICE_DROP);
        leave(engine, peer);
    }
}

// ---- streams

// A stream of ours has changed: answers have come on it, or it is over.
static void outbox_changed(struct bitswap *engine, struct bitswap_peer *peer,
                           struct bitswap_outbox *box)
{
    struct p2p_stream *stream = box->stream;
    bool is_over = p2p_stream_is_failed(stream);
    if (!is_over && box->inbox != NULL) {
        bitswap_inboxes_changed(engine, box->inbox);
    } else if (!is_over && p2p_stream_front(stream).size != 0) {
        is_over = !bitswap_inboxes_accept(engine, peer, stream, box);
    }
    if (!is_over) {
        return;
    }
    bool is_mute = stream->failure == ERR_UNSUPPORTED;
    bitswap_outbox_close(engine, box);
    if (box == &peer->answer_box) {
        bitswap_orders_lost(engine, peer);
    }
    if (is_mute) {
        peer->is_mute = true;
        bitswap_wants_leave(engine, peer);
    }
}

bool bitswap_event(struct bitswap *engine, struct bitswap_peer *peer, struct p2p_event event,
                   u64 now_ns)
{
    engine->now_ns = now_ns;
    struct p2p_stream *stream = event.stream;
    if (event.kind == P2P_EVENT_IDENTIFIED && !bitswap_is_usable(engine, peer)) {
        bitswap_wants_leave(engine, peer); // it does not speak bitswap
    }
    if (stream == NULL) {
        return false;
    }
    if (stream == peer->want_box.stream) {
        outbox_changed(engine, peer, &peer->want_box);
        return true;
    }
    if (stream == peer->answer_box.stream) {
        outbox_changed(engine, peer, &peer->answer_box);
        return true;
    }
    if (!stream->yamux.is_inbound || stream->protocol != engine->config.protocol) {
        return false;
    }
    if (event.kind == P2P_EVENT_ACCEPTED) {
        if (!bitswap_inboxes_accept(engine, peer, stream, NULL)) {
            p2p_stream_reset(stream);
            p2p_stream_close(stream);
        }
    } else if (stream->context != NULL) {
        bitswap_inboxes_changed(engine, stream->context);
    }
    return true;
}

// ---- time

static void outbox_tick(struct bitswap *engine, struct bitswap_outbox *box)
{
    u64 idle_ns = P2P_BITSWAP_IDLE_MS * BITSWAP_NS_PER_MS;
    if (box->stream != NULL && box->inbox == NULL && engine->now_ns - box->used_ns >= idle_ns) {
        bitswap_outbox_close(engine, box);
    }
}

static void tick(struct bitswap *engine)
{
    struct list_node *next;
    engine->tick_ns = engine->now_ns + P2P_BITSWAP_TICK_MS * BITSWAP_NS_PER_MS;
    bitswap_wants_tick(engine);
    for (struct list_node *at = list_first(&engine->peers); at != NULL; at = next) {
        struct bitswap_peer *peer = PEER_OF(at);
        next = list_next(&engine->peers, at);
        bitswap_inboxes_tick(engine, peer);
        bitswap_orders_tick(engine, peer);
        outbox_tick(engine, &peer->want_box);
        if (list_is_empty(&peer->sending)) {
            outbox_tick(engine, &peer->answer_box);
        }
    }
}

void bitswap_run(struct bitswap *engine, u64 now_ns)
{
    engine->now_ns = now_ns;
    if (now_ns >= engine->tick_ns) {
        tick(engine);
    }
    bitswap_inboxes_run(engine);
    bitswap_wants_run(engine);
    struct list_node *next;
    for (struct list_node *at = list_first(&engine->peers); at != NULL; at = next) {
        next = list_next(&engine->peers, at);
        bitswap_orders_run(engine, PEER_OF(at));
    }
}

// Whether time alone may change something for it.
static bool is_busy(const struct bitswap_peer *peer)
{
    bool waits = false;
    for (struct list_node *at = list_first(&peer->inboxes); at != NULL && !waits;
         at = list_next(&peer->inboxes, at)) {
        const struct bitswap_inbox *inbox = LIST_ITEM(at, struct bitswap_inbox, of_peer);
        waits = inbox->waits || inbox->buffer != NULL;
    }
    return waits || !list_is_empty(&peer->asks) || peer->order_count != 0 ||
           peer->want_box.stream != NULL || peer->answer_box.stream != NULL ||
           peer->cancel_count != 0;
}

u64 bitswap_wake(const struct bitswap *engine)
{
    if (!list_is_empty(&engine->look_wants)) {
        return engine->now_ns;
    }
    if (engine->want_count != 0) {
        return engine->tick_ns;
    }
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        if (is_busy(PEER_OF(at))) {
            return engine->tick_ns;
        }
    }
    return UINT64_MAX;
}

// ---- what happened

static bool next_notice(struct bitswap *engine, struct bitswap_event *out)
{
    struct list_node *node = list_first(&engine->notices);
    if (node == NULL) {
        return false;
    }
    struct bitswap_peer *peer = LIST_ITEM(node, struct bitswap_peer, of_notices);
    u8 notice = peer->notices & (u8)-peer->notices; // the lowest
    out->peer = peer;
    out->kind = notice == BITSWAP_NOTICE_UNWANTED ? BITSWAP_EVENT_UNWANTED
                : notice == BITSWAP_NOTICE_LATE   ? BITSWAP_EVENT_LATE
                                                  : BITSWAP_EVENT_DROP;
    out->err = peer->failure;
    out->reason = peer->reason;
    peer->notices &= (u8)~notice;
    if (peer->notices == 0) {
        list_remove(node);
    }
    return true;
}

struct bitswap_event bitswap_next(struct bitswap *engine)
{
    struct bitswap_event event = {.kind = BITSWAP_EVENT_NONE};
    if (engine->told != NULL) {
        bitswap_buffer_free(engine, engine->told);
        engine->told = NULL;
    }
    if (next_notice(engine, &event) || bitswap_orders_released(engine, &event)) {
        return event;
    }
    struct list_node *node = list_take(&engine->ready_buffers);
    if (node != NULL) {
        struct bitswap_buffer *buffer = LIST_ITEM(node, struct bitswap_buffer, of_engine);
        engine->told = buffer;
        return (struct bitswap_event){.kind = BITSWAP_EVENT_BLOCK,
                                      .peer = buffer->peer,
                                      .cid = buffer->cid,
                                      .sessions = buffer->sessions,
                                      .bytes = span_of(buffer->bytes, buffer->size)};
    }
    (void)bitswap_wants_missing(engine, &event);
    return event;
}
