// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/yamux.h"
#include "lib/p2p/yamux_internal.h"

bool yamux_takes(const struct yamux *session, size_t size)
{
    // Each stream that the bytes touch fills its last chunk and begins at most one more than they
    // would fill together. A frame with data has a byte behind its header.
    size_t touched = size / YAMUX_ROOM_BYTES + 1;
    size_t open = (size_t)P2P_STREAMS_IN + P2P_STREAMS_OUT;
    size_t chunks = size / P2P_CHUNK_DATA_BYTES + (touched < open ? touched : open);
    return p2p_account_room(session->receiving) >= chunks;
}

static struct yamux_stream *find(struct yamux *session, u32 id)
{
    for (struct list_node *node = list_first(&session->streams); node != NULL;
         node = list_next(&session->streams, node)) {
        struct yamux_stream *stream = LIST_ITEM(node, struct yamux_stream, of_owner);
        if (stream->id == id) {
            return stream;
        }
    }
    return NULL;
}

static enum err broken(struct report *report, const char *text)
{
    return report_err(report, ERR_INVALID, 0, text);
}

// A frame of the session itself.
static enum err session_frame(struct yamux *session, const struct yamux_header *header,
                              struct report *report)
{
    if (header->type == YAMUX_PING) {
        if (header->flags == YAMUX_ACK) {
            if (header->length == session->ping_value) { // others answer pings that nobody sent
                session->has_pong = true;
                session->pong_value = header->length;
            }
            return ERR_OK;
        }
        if (header->flags != YAMUX_SYN) {
            return broken(report, "yamux: a ping is neither asked nor answered");
        }
        if (session->pong_count == P2P_PONGS) {
            return report_err(report, ERR_LIMIT, 0, "yamux: the peer floods us with pings");
        }
        session->pongs[session->pong_count++] = header->length;
        return ERR_OK;
    }
    if (header->type == YAMUX_GO_AWAY) {
        session->is_peer_closing = true;
        session->peer_reason = header->length > UINT8_MAX ? UINT8_MAX : (u8)header->length;
        return ERR_OK;
    }
    return broken(report, "yamux: a frame of no stream");
}

// The stream that a SYN opens; *out NULL when it is refused.
static enum err open_frame(struct yamux *session, u32 id, struct yamux_stream **out,
                           struct report *report)
{
    *out = NULL;
    if ((id % 2 == 1) == session->is_dialler) {
        return broken(report, "yamux: the peer opens a stream with an id of ours");
    }
    if (find(session, id) != NULL) {
        return broken(report, "yamux: the peer opens a stream that is open");
    }
    if (!session->is_closing && session->in_count < P2P_STREAMS_IN) {
        *out = yamux_stream_make(session, id, true);
    }
    if (*out == NULL) {
        if (session->refusal_count == P2P_REFUSALS) {
            return report_err(report, ERR_LIMIT, 0, "yamux: the peer floods us with streams");
        }
        session->refusals[session->refusal_count++] = id;
        return ERR_OK;
    }
    (*out)->is_new = true;
    (*out)->owes_ack = true;
    yamux_stream_ready(*out);
    yamux_stream_changed(*out);
    return ERR_OK;
}

// Does to a stream what the frame's flags and window say. The stream may be back in the pool
// afterwards.
static void apply(struct yamux_stream *stream, const struct yamux_header *header)
{
    struct yamux *session = stream->session;
    if ((header->flags & YAMUX_RST) != 0) {
        stream->is_reset = true;
        stream->owes_rst = false;
        p2p_queue_drop(&stream->out, session->sending);
        if (session->current == stream) {
            session->current = NULL; // what follows this frame's header is for nobody
        }
        yamux_stream_changed(stream);
    } else if ((header->flags & YAMUX_FIN) != 0 && !stream->fin_seen) {
        stream->fin_seen = true;
        yamux_stream_changed(stream);
    }
    if (header->type == YAMUX_WINDOW && stream->out.size != 0 && !stream->is_reset) {
        yamux_stream_ready(stream);
    }
    yamux_stream_settle(stream);
}

static enum err stream_frame(struct yamux *session, const struct yamux_header *header,
                             struct report *report)
{
    struct yamux_stream *stream = NULL;
    if ((header->flags & YAMUX_SYN) != 0) {
        TRY(open_frame(session, header->stream, &stream, report));
    } else {
        stream = find(session, header->stream);
    }
    if (header->type == YAMUX_DATA) {
        session->data_left = header->length;
        session->current = stream;
    }
    if (stream == NULL) {
        if (header->type == YAMUX_DATA && header->length > YAMUX_WINDOW_BYTES &&
            (header->flags & YAMUX_SYN) != 0) {
            return broken(report, "yamux: the peer sends more than its window");
        }
        return ERR_OK;
    }
    if (header->type == YAMUX_WINDOW) {
        if (header->length > UINT32_MAX - stream->send_window) {
            return broken(report, "yamux: the peer's window is beyond 32 bits");
        }
        stream->send_window += header->length;
    } else {
        // Of a stream just opened the peer knows the format's window only.
        u32 window = stream->owes_ack ? YAMUX_WINDOW_BYTES : stream->receive_window;
        u32 used = stream->owes_ack ? session->window_bytes - stream->receive_window : 0;
        if (header->length > window - used) {
            return broken(report, "yamux: the peer sends more than its window");
        }
        if (header->length != 0 && stream->fin_seen) {
            return broken(report, "yamux: the peer sends data behind its end");
        }
        stream->receive_window -= header->length;
    }
    apply(stream, header);
    return ERR_OK;
}

static enum err frame(struct yamux *session, struct report *report)
{
    struct yamux_header header = yamux_header_read(session->header);
    if (header.version != 0 || header.type > YAMUX_GO_AWAY || (header.flags & ~YAMUX_FLAGS) != 0) {
        return report_err(report, ERR_MALFORMED, 0, "yamux: not a frame");
    }
    if (header.stream == 0) {
        return session_frame(session, &header, report);
    }
    if (header.type > YAMUX_WINDOW) {
        return broken(report, "yamux: a ping or an end of a stream");
    }
    return stream_frame(session, &header, report);
}

static void take_data(struct yamux *session, struct span bytes)
{
    struct yamux_stream *stream = session->current;
    if (stream == NULL || stream->is_reset || stream->is_released) {
        return;
    }
    size_t done = p2p_queue_append(&stream->in, session->receiving, bytes);
    ASSERT(done == bytes.size); // yamux_takes
    yamux_stream_changed(stream);
}

enum err yamux_receive(struct yamux *session, struct span bytes, struct report *report)
{
    size_t at = 0;
    while (at < bytes.size) {
        if (session->data_left > 0) {
            size_t size = bytes.size - at;
            size = size < session->data_left ? size : session->data_left;
            take_data(session, span_slice(bytes, at, at + size));
            session->data_left -= (u32)size;
            at += size;
            continue;
        }
        size_t size = YAMUX_HEADER_BYTES - session->header_size;
        size = size < bytes.size - at ? size : bytes.size - at;
        mem_copy(session->header + session->header_size, bytes.data + at, size);
        session->header_size += (u32)size;
        at += size;
        if (session->header_size == YAMUX_HEADER_BYTES) {
            session->header_size = 0;
            TRY(frame(session, report));
        }
    }
    return ERR_OK;
}
