// SPDX-License-Identifier: GPL-3.0-or-later
// Streams, and what goes out. What comes in is in yamux_receive.c.
#include "lib/p2p/yamux.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/yamux_internal.h"

void yamux_streams_init(struct yamux_streams *pool)
{
    list_init(&pool->free);
    pool->free_count = 0;
}

void yamux_streams_add(struct yamux_streams *pool, struct yamux_stream *stream)
{
    *stream = (struct yamux_stream){0};
    list_append(&pool->free, &stream->of_owner);
    pool->free_count++;
}

void yamux_init(struct yamux *session, bool is_dialler, u32 window_bytes,
                struct yamux_streams *pool, struct p2p_account *receiving,
                struct p2p_account *sending)
{
    ASSERT(window_bytes >= YAMUX_WINDOW_BYTES);
    *session = (struct yamux){.is_dialler = is_dialler,
                              .window_bytes = window_bytes,
                              .next_id = is_dialler ? 1 : 2,
                              .pool = pool,
                              .receiving = receiving,
                              .sending = sending};
    list_init(&session->streams);
    list_init(&session->ready);
    list_init(&session->changed);
}

// ---- streams

void yamux_stream_ready(struct yamux_stream *stream)
{
    if (!list_is_linked(&stream->of_ready)) {
        list_append(&stream->session->ready, &stream->of_ready);
    }
}

void yamux_stream_changed(struct yamux_stream *stream)
{
    if (!stream->is_released && !list_is_linked(&stream->of_changed)) {
        list_append(&stream->session->changed, &stream->of_changed);
    }
}

struct yamux_stream *yamux_stream_make(struct yamux *session, u32 id, bool is_inbound)
{
    struct list_node *node = list_take(&session->pool->free);
    if (node == NULL) {
        return NULL;
    }
    session->pool->free_count--;
    struct yamux_stream *stream = LIST_ITEM(node, struct yamux_stream, of_owner);
    *stream = (struct yamux_stream){.pool = session->pool,
                                    .session = session,
                                    .id = id,
                                    .send_window = YAMUX_WINDOW_BYTES,
                                    .receive_window = session->window_bytes,
                                    .is_inbound = is_inbound};
    list_append(&session->streams, &stream->of_owner);
    if (is_inbound) {
        session->in_count++;
    } else {
        session->out_count++;
    }
    return stream;
}

static void unlink_node(struct list_node *node)
{
    if (list_is_linked(node)) {
        list_remove(node);
    }
}

// Takes a stream that is over out of its session.
static void detach(struct yamux_stream *stream)
{
    struct yamux *session = stream->session;
    u32 *count = stream->is_inbound ? &session->in_count : &session->out_count;
    ASSERT(*count > 0);
    *count -= 1;
    unlink_node(&stream->of_ready);
    unlink_node(&stream->of_changed);
    p2p_queue_drop(&stream->in, session->receiving);
    p2p_queue_drop(&stream->out, session->sending);
    if (session->current == stream) {
        session->current = NULL;
    }
    list_remove(&stream->of_owner);
}

void yamux_stream_settle(struct yamux_stream *stream)
{
    if (!stream->is_released || !yamux_is_over(stream) || stream->owes_rst) {
        return;
    }
    struct yamux_streams *pool = stream->session->pool;
    detach(stream);
    yamux_streams_add(pool, stream);
}

void yamux_drop(struct yamux *session)
{
    struct list_node *node;
    while ((node = list_first(&session->streams)) != NULL) {
        struct yamux_stream *stream = LIST_ITEM(node, struct yamux_stream, of_owner);
        detach(stream);
        if (stream->is_released) {
            yamux_streams_add(session->pool, stream);
            continue;
        }
        stream->is_reset = true;
        stream->owes_rst = false;
        stream->session = NULL;
    }
    ASSERT(session->in_count == 0 && session->out_count == 0);
}

struct yamux_stream *yamux_changed(struct yamux *session)
{
    struct list_node *node = list_take(&session->changed);
    return node == NULL ? NULL : LIST_ITEM(node, struct yamux_stream, of_changed);
}

enum err yamux_open(struct yamux *session, struct yamux_stream **out, struct report *report)
{
    if (session->is_closing || session->is_peer_closing || session->next_id >= UINT32_MAX - 1) {
        return report_err(report, ERR_CLOSED, 0, "yamux: the connection ends");
    }
    if (session->out_count >= P2P_STREAMS_OUT) {
        return report_err(report, ERR_BUSY, 0, "yamux: 64 streams are open already");
    }
    struct yamux_stream *stream = yamux_stream_make(session, session->next_id, false);
    if (stream == NULL) {
        return report_err(report, ERR_BUSY, 0, "yamux: all streams are in use");
    }
    session->next_id += 2;
    stream->owes_syn = true;
    yamux_stream_ready(stream);
    *out = stream;
    return ERR_OK;
}

// Bytes of `size` that may be queued; what is cut is to be recalled.
static size_t may_queue(struct yamux_stream *stream, size_t size, u32 reserve)
{
    size_t of_account = p2p_queue_room(&stream->out, stream->session->sending);
    size_t kept = (size_t)reserve * P2P_CHUNK_DATA_BYTES;
    size_t left = of_account > kept ? of_account - kept : 0;
    // Half of what is left for all: so many that are slow leave as much to the next as each has.
    size_t share = left / 2 < P2P_STREAM_SEND_BYTES ? left / 2 : P2P_STREAM_SEND_BYTES;
    size_t of_stream = share > stream->out.size ? share - stream->out.size : 0;
    left = left < of_stream ? left : of_stream;
    stream->was_cut = left < size;
    stream->session->has_cut = stream->session->has_cut || stream->was_cut;
    return size < left ? size : left;
}

static bool takes(const struct yamux_stream *stream)
{
    return !stream->is_reset && !stream->owes_fin && !stream->fin_sent;
}

bool yamux_fits(struct yamux_stream *stream, size_t size, u32 reserve)
{
    ASSERT(size <= P2P_STREAM_SEND_BYTES);
    return takes(stream) && may_queue(stream, size, reserve) == size;
}

size_t yamux_write(struct yamux_stream *stream, struct span bytes, u32 reserve)
{
    if (bytes.size == 0 || !takes(stream)) {
        return 0;
    }
    size_t size = may_queue(stream, bytes.size, reserve);
    size_t done =
        p2p_queue_append(&stream->out, stream->session->sending, span_slice(bytes, 0, size));
    ASSERT(done == size);
    if (done != 0) {
        yamux_stream_ready(stream);
    }
    return done;
}

struct span yamux_front(const struct yamux_stream *stream)
{
    return p2p_queue_front(&stream->in);
}

void yamux_skip(struct yamux_stream *stream, size_t size)
{
    if (stream->session == NULL) {
        ASSERT(size == 0);
        return;
    }
    p2p_queue_skip(&stream->in, stream->session->receiving, size);
    stream->unread_window += (u32)size;
    if (stream->unread_window >= stream->session->window_bytes / 2 && !yamux_is_over(stream)) {
        yamux_stream_ready(stream);
    }
}

void yamux_finish(struct yamux_stream *stream)
{
    if (!stream->is_reset && !stream->fin_sent && !stream->owes_fin) {
        stream->owes_fin = true;
        yamux_stream_ready(stream);
    }
}

void yamux_unhold(struct yamux_stream *stream)
{
    stream->holds_fin = false;
    if (!stream->is_reset && stream->owes_fin) {
        yamux_stream_ready(stream);
    }
}

void yamux_reset(struct yamux_stream *stream)
{
    if (yamux_is_over(stream)) {
        return;
    }
    stream->is_reset = true;
    stream->owes_rst = !stream->owes_syn; // a stream that the peer never saw just ends
    struct yamux *session = stream->session;
    p2p_queue_drop(&stream->in, session->receiving);
    p2p_queue_drop(&stream->out, session->sending);
    if (stream->owes_rst) {
        yamux_stream_ready(stream);
    } else {
        unlink_node(&stream->of_ready);
    }
    yamux_stream_settle(stream);
}

void yamux_release(struct yamux_stream *stream)
{
    ASSERT(!stream->is_released);
    stream->is_released = true;
    if (stream->session == NULL) {
        yamux_streams_add(stream->pool, stream);
        return;
    }
    unlink_node(&stream->of_changed);
    p2p_queue_drop(&stream->in, stream->session->receiving);
    yamux_finish(stream);
    yamux_stream_settle(stream);
}

bool yamux_is_whole(const struct yamux_stream *stream)
{
    const struct yamux *session = stream->session;
    bool comes = session != NULL && session->current == stream && session->data_left > 0;
    return stream->fin_seen && !comes;
}

bool yamux_is_ended(const struct yamux_stream *stream)
{
    return yamux_is_whole(stream) && stream->in.size == 0;
}

// ---- what goes out

static size_t put(u8 *out, enum yamux_type type, u32 flags, u32 stream, u32 length)
{
    yamux_header_write(out, (struct yamux_header){0, (u8)type, (u16)flags, stream, length});
    return YAMUX_HEADER_BYTES;
}

// The session's own frames, as many as fit.
static size_t send_session(struct yamux *session, u8 *out, size_t room)
{
    size_t size = 0;
    while (session->pong_count > 0 && room - size >= YAMUX_HEADER_BYTES) {
        size += put(out + size, YAMUX_PING, YAMUX_ACK, 0, session->pongs[--session->pong_count]);
    }
    while (session->refusal_count > 0 && room - size >= YAMUX_HEADER_BYTES) {
        u32 id = session->refusals[--session->refusal_count];
        size += put(out + size, YAMUX_WINDOW, YAMUX_RST, id, 0);
    }
    if (session->owes_ping && room - size >= YAMUX_HEADER_BYTES) {
        session->owes_ping = false;
        size += put(out + size, YAMUX_PING, YAMUX_SYN, 0, session->ping_value);
    }
    return size;
}

// A frame that says what the stream owes besides data: its beginning, or what the peer may send.
static size_t send_window(struct yamux_stream *stream, u8 *out)
{
    u32 delta = stream->unread_window;
    u32 flags = 0;
    if (stream->owes_syn || stream->owes_ack) { // the peer begins with the window of the format
        delta += stream->session->window_bytes - YAMUX_WINDOW_BYTES;
        flags = stream->owes_syn ? YAMUX_SYN : YAMUX_ACK;
    } else if (stream->fin_seen || delta < stream->session->window_bytes / 2) {
        return 0;
    }
    stream->owes_syn = false;
    stream->owes_ack = false;
    stream->receive_window += stream->unread_window;
    stream->unread_window = 0;
    return put(out, YAMUX_WINDOW, flags, stream->id, delta);
}

static size_t send_data(struct yamux_stream *stream, u8 *out, size_t room)
{
    size_t size = stream->out.size;
    size = size < stream->send_window ? size : stream->send_window;
    size = size < P2P_FRAME_BYTES ? size : P2P_FRAME_BYTES;
    size = size < room - YAMUX_HEADER_BYTES ? size : room - YAMUX_HEADER_BYTES;
    if (size == 0) {
        return 0;
    }
    put(out, YAMUX_DATA, 0, stream->id, (u32)size);
    p2p_queue_copy(&stream->out, out + YAMUX_HEADER_BYTES, size);
    p2p_queue_skip(&stream->out, stream->session->sending, size);
    stream->send_window -= (u32)size;
    return YAMUX_HEADER_BYTES + size;
}

// One frame of a stream; 0: it has none to send now.
static size_t send_stream(struct yamux_stream *stream, u8 *out, size_t room)
{
    if (stream->is_reset) {
        bool owed = stream->owes_rst;
        stream->owes_rst = false;
        return owed ? put(out, YAMUX_WINDOW, YAMUX_RST, stream->id, 0) : 0;
    }
    size_t size = send_window(stream, out);
    if (size == 0) {
        size = send_data(stream, out, room);
    }
    bool finishes = stream->owes_fin && !stream->holds_fin && stream->out.size == 0;
    if (size == 0 && finishes) {
        stream->owes_fin = false;
        stream->fin_sent = true;
        size = put(out, YAMUX_WINDOW, YAMUX_FIN, stream->id, 0);
    }
    return size;
}

void yamux_recall(struct yamux *session)
{
    // Half of what a stream may queue is free again, and half of what all may, so that few large
    // writes follow and not many small ones. Where others hold so much that this never comes, once
    // nothing of ours waits.
    u32 room = p2p_account_room(session->sending);
    bool is_enough = room >= P2P_SEND_RECALL_CHUNKS ||
                     (session->sending->held == 0 && room > P2P_SEND_RESERVE_CHUNKS + 1);
    if (!session->has_cut || !is_enough) {
        return;
    }
    session->has_cut = false;
    for (struct list_node *node = list_first(&session->streams); node != NULL;
         node = list_next(&session->streams, node)) {
        struct yamux_stream *stream = LIST_ITEM(node, struct yamux_stream, of_owner);
        if (stream->was_cut && stream->out.size <= P2P_STREAM_SEND_BYTES / 2) {
            stream->was_cut = false;
            yamux_stream_changed(stream);
        }
        session->has_cut = session->has_cut || stream->was_cut;
    }
}

size_t yamux_send(struct yamux *session, u8 *out, size_t room)
{
    if (room < YAMUX_ROOM_BYTES) {
        return 0;
    }
    size_t size = send_session(session, out, room);
    while (room - size >= YAMUX_ROOM_BYTES) {
        struct list_node *node = list_take(&session->ready);
        if (node == NULL) {
            break;
        }
        struct yamux_stream *stream = LIST_ITEM(node, struct yamux_stream, of_ready);
        size_t sent = send_stream(stream, out + size, room - size);
        if (sent != 0) { // its turn comes again, behind the others
            yamux_stream_ready(stream);
        } else {
            yamux_stream_settle(stream);
        }
        size += sent;
    }
    if (session->owes_go_away && list_is_empty(&session->ready) &&
        room - size >= YAMUX_HEADER_BYTES) {
        session->owes_go_away = false;
        size += put(out + size, YAMUX_GO_AWAY, 0, 0, session->reason);
    }
    yamux_recall(session);
    return size;
}

bool yamux_sends(const struct yamux *session)
{
    return session->pong_count > 0 || session->refusal_count > 0 || session->owes_ping ||
           session->owes_go_away || !list_is_empty(&session->ready);
}

void yamux_ping(struct yamux *session, u32 value)
{
    session->owes_ping = true;
    session->has_pong = false;
    session->ping_value = value;
}

void yamux_go_away(struct yamux *session, enum yamux_reason reason)
{
    session->owes_go_away = !session->is_closing;
    session->is_closing = true;
    session->reason = (u8)reason;
}
