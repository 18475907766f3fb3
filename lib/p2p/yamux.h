// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/yamux.h: many streams over one connection: yamux, both sides.
//
// Use     yamux_init; what arrives goes into yamux_receive, in any pieces, once yamux_takes says
//         that there is memory for it; what is to be sent is asked from yamux_send, which makes
//         frames as it goes: nothing waits in between. yamux_changed names the streams to look at.
//         A stream is written, read, finished (no more will be written), reset, and at last
//         released: until then it is its user's, also when it is over or the session is gone.
// Owner   sessions are the caller's; streams come from a pool (yamux_streams_add) that sessions
//         share and return when they are over and released.
// Limits  P2P_STREAMS_IN, P2P_STREAMS_OUT, P2P_PONGS, P2P_REFUSALS; bytes by two accounts.
//         A peer that sends more than its window, moves a window beyond 32 bits, opens a stream
//         with a wrong id or one that is open, or leaves the format ends the session.
//         Frames of streams that are not open are read over: they may have crossed our RST.
// Source  github.com/hashicorp/yamux, spec.md; libp2p specifications, "yamux". A FIN goes out in a
//         frame of its own: js-libp2p forgets data that comes in the same frame.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/queue.h"
#include "lib/p2p/yamux_wire.h"
struct report;
struct yamux;

struct yamux_stream {
    struct list_node of_owner; // the pool's free ones, or the session's
    struct list_node of_ready; // has something to send
    struct list_node of_changed;
    struct yamux_streams *pool;
    struct yamux *session; // NULL when the session is gone
    u32 id;
    u32 send_window;    // what the peer takes
    u32 receive_window; // what the peer may still send
    u32 unread_window;  // what was read since the peer was last told
    struct p2p_queue in;
    struct p2p_queue out;
    bool is_inbound;
    bool is_new; // inbound, and nobody has looked at it
    bool owes_syn, owes_ack, owes_fin, owes_rst;
    bool holds_fin; // it may not go out yet
    bool fin_sent, fin_seen;
    bool is_reset;    // by either side, or the session is gone
    bool is_released; // by its user
    bool was_cut;     // a write did not fit: the stream changes when there is room
};

struct yamux_streams {
    struct list free;
    u32 free_count;
};

struct yamux {
    bool is_dialler;
    bool is_closing;      // by GO_AWAY of ours: no stream is opened any more
    bool is_peer_closing; // by GO_AWAY of theirs: we open none
    bool owes_go_away;
    bool has_cut; // one of its streams was_cut
    bool owes_ping;
    bool has_pong;    // our ping was answered, with `pong_value`
    u8 reason;        // of our GO_AWAY
    u8 peer_reason;   // of theirs
    u32 window_bytes; // of every stream
    u32 ping_value, pong_value;
    u32 next_id;
    u32 in_count, out_count;
    u32 pong_count, refusal_count;
    u32 pongs[P2P_PONGS];
    u32 refusals[P2P_REFUSALS]; // stream ids
    struct yamux_streams *pool;
    struct p2p_account *receiving;
    struct p2p_account *sending;
    struct list streams;
    struct list ready;
    struct list changed;
    // What is being read.
    u8 header[YAMUX_HEADER_BYTES];
    u32 header_size;
    u32 data_left;                // of a frame of data
    struct yamux_stream *current; // whose data that is, or NULL: read over
};

void yamux_streams_init(struct yamux_streams *pool);
void yamux_streams_add(struct yamux_streams *pool, struct yamux_stream *stream);

//   window_bytes  YAMUX_WINDOW_BYTES or more: what the peer may send ahead on each stream
void yamux_init(struct yamux *session, bool is_dialler, u32 window_bytes,
                struct yamux_streams *pool, struct p2p_account *receiving,
                struct p2p_account *sending);
// Resets all streams; those that are not released stay their users'.
void yamux_drop(struct yamux *session);

// Is there memory for `size` more bytes, whatever they are?
bool yamux_takes(const struct yamux *session, size_t size);
// Reads bytes of the peer; all of them, when yamux_takes said so.
// ERR_MALFORMED  not a frame
// ERR_INVALID    a rule of yamux.h's Limits is broken
// ERR_LIMIT      P2P_PONGS or P2P_REFUSALS
enum err yamux_receive(struct yamux *session, struct span bytes, struct report *report);

// Writes what is to be sent; returns how many bytes, 0 when there is nothing or `room` is below
// YAMUX_ROOM_BYTES.
enum { YAMUX_ROOM_BYTES = YAMUX_HEADER_BYTES + 1 };
size_t yamux_send(struct yamux *session, u8 *out, size_t room);
bool yamux_sends(const struct yamux *session);
// Streams that were cut change when there is memory again. yamux_send does it too, but memory may
// also come from other sessions.
void yamux_recall(struct yamux *session);

// The next stream that has something new: is_new, bytes, an end, a reset, room. NULL: none.
struct yamux_stream *yamux_changed(struct yamux *session);

// Asks the peer for an answer with the same value; has_pong tells when it came.
void yamux_ping(struct yamux *session, u32 value);
// Says that this side ends; nothing is opened any more.
void yamux_go_away(struct yamux *session, enum yamux_reason reason);

// ERR_BUSY    P2P_STREAMS_OUT, or the pool is empty
// ERR_CLOSED  either side ends
enum err yamux_open(struct yamux *session, struct yamux_stream **out, struct report *report);

// Queues bytes to be sent; returns how many were taken: fewer at P2P_STREAM_SEND_BYTES or when
// memory is short, none after yamux_finish or when the stream is over.
//   reserve  chunks of the account to be left
size_t yamux_write(struct yamux_stream *stream, struct span bytes, u32 reserve);
// Would yamux_write take so many? If not, the stream changes when to ask again, as after a write
// that was cut.
bool yamux_fits(struct yamux_stream *stream, size_t size, u32 reserve);
// What was received and not read, as far as it lies together.
struct span yamux_front(const struct yamux_stream *stream);
// Drops what was read.
void yamux_skip(struct yamux_stream *stream, size_t size);
// No more will be written: FIN follows what is queued, and, with holds_fin, yamux_unhold.
void yamux_finish(struct yamux_stream *stream);
void yamux_unhold(struct yamux_stream *stream);
// Ends it both ways at once; one that is released may be gone afterwards.
void yamux_reset(struct yamux_stream *stream);
// The user lets go of it. What is queued is still sent; what comes is read over.
void yamux_release(struct yamux_stream *stream);

// The peer has ended it, and all that it sent is here.
bool yamux_is_whole(const struct yamux_stream *stream);
// The same, and all of it has been read.
bool yamux_is_ended(const struct yamux_stream *stream);

// Over: nothing more will come or go.
static inline bool yamux_is_over(const struct yamux_stream *stream)
{
    return stream->is_reset || (stream->fin_sent && stream->fin_seen);
}
