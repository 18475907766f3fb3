// SPDX-License-Identifier: GPL-3.0-or-later
// What peers send. A block goes from its stream into a buffer as it arrives, and is hashed when it
// is there; while no buffer is free its stream is not read, so that the peer feels it.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/bitswap.h"
#include "lib/p2p/bitswap_internal.h"

#define INBOX_OF(node) LIST_ITEM(node, struct bitswap_inbox, of_peer)

void bitswap_inboxes_init(struct bitswap *engine)
{
    const struct bitswap_config *config = &engine->config;
    list_init(&engine->free_inboxes);
    list_init(&engine->free_buffers);
    list_init(&engine->ready_buffers);
    for (u32 i = 0; i < config->inbox_count; i++) {
        config->inboxes[i] = (struct bitswap_inbox){0};
        list_append(&engine->free_inboxes, &config->inboxes[i].of_peer);
    }
    for (u32 i = 0; i < config->buffer_count; i++) {
        config->buffers[i] = (struct bitswap_buffer){.bytes = config->buffer_memory +
                                                              (size_t)i * config->buffer_bytes};
        list_append(&engine->free_buffers, &config->buffers[i].of_engine);
    }
}

void bitswap_buffer_free(struct bitswap *engine, struct bitswap_buffer *buffer)
{
    buffer->peer = NULL;
    list_prepend(&engine->free_buffers, &buffer->of_engine);
}

static void set_waits(struct bitswap *engine, struct bitswap_inbox *inbox, bool waits)
{
    if (waits != inbox->waits) {
        engine->waiting_count += waits ? 1 : UINT32_MAX;
        inbox->waits = waits;
    }
}

void bitswap_inbox_close(struct bitswap *engine, struct bitswap_inbox *inbox)
{
    set_waits(engine, inbox, false);
    if (inbox->buffer != NULL) {
        bitswap_buffer_free(engine, inbox->buffer);
    }
    if (inbox->outbox != NULL) { // it goes on to be written to
        inbox->outbox->inbox = NULL;
    } else {
        inbox->stream->context = NULL;
        p2p_stream_close(inbox->stream);
    }
    list_remove(&inbox->of_peer);
    inbox->peer->inbox_count--;
    *inbox = (struct bitswap_inbox){0};
    list_prepend(&engine->free_inboxes, &inbox->of_peer);
}

static void inbox_reset(struct bitswap *engine, struct bitswap_inbox *inbox)
{
    struct bitswap_peer *peer = inbox->peer;
    struct bitswap_outbox *outbox = inbox->outbox;
    p2p_stream_reset(inbox->stream);
    bitswap_inbox_close(engine, inbox);
    if (outbox != NULL) { // nothing is written to it either
        bitswap_outbox_close(engine, outbox);
        if (outbox == &peer->answer_box) {
            bitswap_orders_lost(engine, peer);
        }
    }
}

void bitswap_inboxes_leave(struct bitswap *engine, struct bitswap_peer *peer)
{
    struct list_node *node;
    while ((node = list_first(&peer->inboxes)) != NULL) {
        inbox_reset(engine, INBOX_OF(node));
    }
}

// ---- blocks

static u32 buffers_of(const struct bitswap_peer *peer)
{
    u32 count = 0;
    for (struct list_node *at = list_first(&peer->inboxes); at != NULL;
         at = list_next(&peer->inboxes, at)) {
        count += INBOX_OF(at)->buffer != NULL ? 1 : 0;
    }
    return count;
}

// Finds room for the block that begins, or lets the stream wait for some. Who was asked for nothing
// gets none; who has some gets no more while streams wait.
static void begin_block(struct bitswap *engine, struct bitswap_inbox *inbox)
{
    struct bitswap_peer *peer = inbox->peer;
    struct list_node *node = NULL;
    bool is_kept = inbox->block_bytes <= engine->config.buffer_bytes && !list_is_empty(&peer->asks);
    set_waits(engine, inbox, false);
    if (is_kept && (engine->waiting_count == 0 || buffers_of(peer) == 0)) {
        node = list_take(&engine->free_buffers);
    }
    set_waits(engine, inbox, is_kept && node == NULL);
    if (node != NULL) {
        inbox->buffer = LIST_ITEM(node, struct bitswap_buffer, of_engine);
        inbox->buffer->size = 0;
        inbox->progress_ns = engine->now_ns;
        inbox->progress_bytes = 0;
    }
}

static void progress(struct bitswap *engine, struct bitswap_inbox *inbox, size_t size)
{
    inbox->progress_bytes += (u32)size;
    if (inbox->progress_bytes >= P2P_BITSWAP_PROGRESS_BYTES) {
        inbox->progress_bytes = 0;
        inbox->progress_ns = engine->now_ns;
        inbox->peer->progress_ns = engine->now_ns;
    }
}

static void take_bytes(struct bitswap *engine, struct bitswap_inbox *inbox, struct span bytes)
{
    struct bitswap_buffer *buffer = inbox->buffer;
    if (buffer != NULL) {
        ASSERT(bytes.size <= engine->config.buffer_bytes - buffer->size);
        mem_copy(buffer->bytes + buffer->size, bytes.data, bytes.size);
        buffer->size += (u32)bytes.size;
        progress(engine, inbox, bytes.size);
    }
}

// The block is there. It is what its bytes say, whatever the peer says.
static void end_block(struct bitswap *engine, struct bitswap_inbox *inbox, bool is_ours)
{
    const struct p2p_crypto *crypto = engine->config.crypto;
    struct bitswap_buffer *buffer = inbox->buffer;
    struct bitswap_peer *peer = inbox->peer;
    u8 digest[CID_DIGEST_BYTES];
    inbox->buffer = NULL;
    if (buffer == NULL) {
        bitswap_wants_skipped(engine, peer, inbox->block_bytes);
        return;
    }
    ASSERT(buffer->size == inbox->block_bytes);
    if (is_ours) {
        crypto->sha256(crypto->context, span_of(buffer->bytes, buffer->size), span_of(NULL, 0),
                       digest);
        if (bitswap_wants_block(engine, peer, digest, buffer->size, &buffer->cid,
                                &buffer->sessions)) {
            buffer->peer = peer;
            list_append(&engine->ready_buffers, &buffer->of_engine);
            return;
        }
    } else {
        bitswap_wants_unwanted(engine, peer, buffer->size);
    }
    bitswap_buffer_free(engine, buffer);
}

// ---- messages

static void take_item(struct bitswap *engine, struct bitswap_inbox *inbox,
                      const struct bitswap_item *item)
{
    struct bitswap_peer *peer = inbox->peer;
    if (inbox->serial == 0) {
        inbox->serial = ++peer->serial;
    }
    switch (item->kind) {
    case BITSWAP_ITEM_ENTRY:
        bitswap_orders_entry(engine, peer, item, inbox->serial);
        break;
    case BITSWAP_ITEM_FULL:
        bitswap_orders_full(engine, peer, inbox->serial);
        break;
    case BITSWAP_ITEM_PRESENCE:
        if (item->has_cid) {
            bitswap_wants_presence(engine, peer, &item->cid, item->has);
        }
        break;
    case BITSWAP_ITEM_BLOCK:
        inbox->block_bytes = item->size;
        begin_block(engine, inbox);
        break;
    case BITSWAP_ITEM_BYTES:
        take_bytes(engine, inbox, item->bytes);
        break;
    case BITSWAP_ITEM_BLOCK_END:
        end_block(engine, inbox, item->has_cid);
        break;
    case BITSWAP_ITEM_END:
        inbox->serial = 0;
        break;
    case BITSWAP_ITEM_NONE:
        break;
    }
}

// Reads what there is. The inbox may be gone afterwards.
static void inbox_read(struct bitswap *engine, struct bitswap_inbox *inbox)
{
    struct bitswap_peer *peer = inbox->peer;
    struct p2p_stream *stream = inbox->stream;
    while (!inbox->waits) {
        struct span front = p2p_stream_front(stream), rest = front;
        struct bitswap_item item;
        struct report report;
        report_clear(&report);
        enum err err = bitswap_read(&inbox->reader, &rest, &item, &report);
        if (err != ERR_OK) {
            bitswap_fail(engine, peer, err,
                         err == ERR_LIMIT ? "it sends a longer block or message than there may be"
                                          : "it sends what is no message of bitswap");
            return;
        }
        take_item(engine, inbox, &item);
        if (peer->failure != ERR_OK) { // the inbox is gone
            return;
        }
        p2p_stream_skip(stream, front.size - rest.size);
        if (item.kind == BITSWAP_ITEM_NONE && p2p_stream_front(stream).size == 0) {
            break;
        }
    }
    if (!inbox->waits && p2p_stream_is_ended(stream)) {
        bitswap_inbox_close(engine, inbox);
    }
}

void bitswap_inboxes_changed(struct bitswap *engine, struct bitswap_inbox *inbox)
{
    if (p2p_stream_is_failed(inbox->stream)) {
        bitswap_inbox_close(engine, inbox);
    } else if (!inbox->waits) {
        inbox_read(engine, inbox);
    }
}

// With no inbox left, the peer that has most of them loses its oldest, if it has more than this one
// will have.
static void make_room(struct bitswap *engine, const struct bitswap_peer *peer)
{
    struct bitswap_peer *most = NULL;
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *other = LIST_ITEM(at, struct bitswap_peer, of_engine);
        most = most == NULL || other->inbox_count > most->inbox_count ? other : most;
    }
    if (most != NULL && most->inbox_count > peer->inbox_count + 1) {
        inbox_reset(engine, INBOX_OF(list_first(&most->inboxes)));
    }
}

bool bitswap_inboxes_accept(struct bitswap *engine, struct bitswap_peer *peer,
                            struct p2p_stream *stream, struct bitswap_outbox *outbox)
{
    struct list_node *node = NULL;
    if (peer->failure == ERR_OK && peer->inbox_count < P2P_BITSWAP_INBOXES) {
        if (list_is_empty(&engine->free_inboxes)) {
            make_room(engine, peer);
        }
        node = list_take(&engine->free_inboxes);
    }
    if (node == NULL) {
        return false;
    }
    struct bitswap_inbox *inbox = INBOX_OF(node);
    *inbox = (struct bitswap_inbox){.stream = stream, .outbox = outbox, .peer = peer};
    list_append(&peer->inboxes, &inbox->of_peer);
    peer->inbox_count++;
    if (outbox == NULL) {
        stream->context = inbox;
    } else {
        outbox->inbox = inbox;
    }
    bitswap_inboxes_changed(engine, inbox);
    return true;
}

// Lets the peer's first stream that waits go on, if it may. False: none did.
static bool peer_go_on(struct bitswap *engine, struct bitswap_peer *peer)
{
    for (struct list_node *node = list_first(&peer->inboxes); node != NULL;
         node = list_next(&peer->inboxes, node)) {
        struct bitswap_inbox *inbox = INBOX_OF(node);
        if (!inbox->waits) {
            continue;
        }
        if (p2p_stream_is_failed(inbox->stream)) {
            bitswap_inbox_close(engine, inbox);
            return true;
        }
        begin_block(engine, inbox);
        if (!inbox->waits) {
            inbox_read(engine, inbox); // it may be gone afterwards
            return true;
        }
    }
    return false;
}

void bitswap_inboxes_run(struct bitswap *engine)
{
    struct list_node *at = list_first(&engine->peers), *next;
    for (; at != NULL && engine->waiting_count != 0 && !list_is_empty(&engine->free_buffers);
         at = next) {
        struct bitswap_peer *peer = LIST_ITEM(at, struct bitswap_peer, of_engine);
        next = list_next(&engine->peers, at);
        if (peer_go_on(engine, peer)) {
            list_remove(at); // the next buffer is another's first
            list_append(&engine->peers, at);
        }
    }
}

// A block that does not come on keeps no buffer.
void bitswap_inboxes_tick(struct bitswap *engine, struct bitswap_peer *peer)
{
    u32 ms = engine->waiting_count != 0 ? P2P_BITSWAP_STALL_MS : P2P_BITSWAP_LATE_MS;
    struct list_node *next;
    for (struct list_node *node = list_first(&peer->inboxes); node != NULL; node = next) {
        struct bitswap_inbox *inbox = INBOX_OF(node);
        next = list_next(&peer->inboxes, node);
        if (inbox->buffer != NULL &&
            engine->now_ns - inbox->progress_ns >= ms * BITSWAP_NS_PER_MS) {
            peer->is_stalled = true;
            peer->late_count++;
            bitswap_notify(engine, peer, BITSWAP_NOTICE_LATE);
            inbox_reset(engine, inbox);
            bitswap_wants_of(engine, peer);
        }
    }
}
