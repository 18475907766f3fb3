// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/connection.h: a connection to another peer: from bytes of TCP to streams of protocols.
//
// Use     p2p_connection_init when TCP is connected. Bytes that arrive go into
//         p2p_connection_receive, which may take fewer: then read streams and offer the rest again.
//         After every call: p2p_connection_next until it says NONE, and p2p_connection_send into
//         the socket until it returns 0. At p2p_connection_wake at the latest, p2p_connection_tick.
//         When p2p_connection_is_closed, or TCP ends: close TCP, p2p_connection_drop.
//         A failure of receive or tick ends the connection: what is to be sent is a farewell.
// Layers  multistream-select for /noise, Noise with identities, multistream-select for the muxer or
//         the name of it in the handshake, yamux, multistream-select for each stream. Identify and
//         ping are answered, and the peer is asked to identify itself, without the application.
// Owner   connections are the caller's memory, at a fixed address; streams come from the host's
//         pool: a stream that was opened or announced is the application's until p2p_stream_close,
//         also when it is over, and even when the connection is dropped.
// Limits  lib/p2p/limits.h; each connection counts its streams, its chunks and its debts. Nothing
//         a peer does makes it hold more, or makes it wait beyond the times there.
// Time    now_ns of each call, from any start, never backwards; nothing here reads a clock.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "lib/p2p/host.h"
#include "lib/p2p/identify.h"
#include "lib/p2p/multistream.h"
struct p2p_connection;
struct report;

enum p2p_stage {
    P2P_STAGE_SECURITY, // agreeing on /noise
    P2P_STAGE_NOISE,
    P2P_STAGE_MUXER, // agreeing on yamux, under noise
    P2P_STAGE_OPEN,
    P2P_STAGE_CLOSING, // a farewell may be left to send
    P2P_STAGE_CLOSED,
};

enum p2p_stream_stage {
    P2P_STREAM_NEGOTIATES,
    P2P_STREAM_SPEAKS, // its protocol
    P2P_STREAM_FAILED,
};

struct p2p_stream {
    struct yamux_stream yamux;
    struct list_node of_events;
    struct p2p_connection *connection; // NULL when it was dropped
    enum p2p_stream_stage stage;
    u32 protocol;      // index of host->names; P2P_SERVICES and above are the application's
    struct span name;  // of a protocol that we proposed and do not handle
    bool is_announced; // the application knows it
    bool is_abandoned; // it was closed before its protocol was agreed on
    bool is_counted;   // among its connection's pings_in
    struct multistream negotiation;
    u64 deadline_ns; // of the negotiation, or of the peer's part of a close; 0: none
    enum err failure;
    void *context; // the application's
};

enum p2p_event_kind {
    P2P_EVENT_NONE,
    P2P_EVENT_OPENED,     // the peer is who it says; streams may be opened
    P2P_EVENT_IDENTIFIED, // connection->identity is there, or new
    P2P_EVENT_PONG,       // p2p_connection_ping: connection->pong_ns is there, 0: no answer came
    P2P_EVENT_ACCEPTED,   // the peer opened `stream`; its `protocol` is one of the application's
    P2P_EVENT_CHANGED,    // `stream` has bytes, room, an end, or failed: p2p_stream_* tell
};

struct p2p_event {
    enum p2p_event_kind kind;
    struct p2p_stream *stream;
};

struct p2p_connection {
    struct p2p_host *host;
    enum p2p_stage stage;
    bool is_dialler;
    bool has_expected;
    bool is_stalled; // bytes were not taken; offer them again when streams were read
    enum err failure;
    struct peer_id expected; // who was dialled
    struct peer_id peer;     // from P2P_STAGE_MUXER on
    struct multiaddr remote; // where the peer is, as it is told; may be empty
    struct p2p_identity identity;
    struct multistream negotiation;
    struct noise noise;
    bool has_ciphers;
    struct p2p_cipher send_cipher;
    struct p2p_cipher receive_cipher;
    struct p2p_account receiving;
    struct p2p_account sending;
    struct p2p_queue stash; // bytes of the wire that are no whole message yet
    struct p2p_queue plain; // of the muxer's negotiation
    struct p2p_queue out; // of negotiations and handshake: as they go on the wire, or to be sealed
    size_t clear_left;    // of `out`, once there are ciphers: what is not to be sealed
    struct yamux yamux;
    u64 now_ns;
    u64 deadline_ns;         // of the handshake, or of the farewell
    u64 heard_ns;            // when the peer last said something that is its own
    u64 asked_ns;            // when it was asked whether it is there; 0: it was not
    u32 pings_in;            // streams on which the peer pings
    struct p2p_stream *ping; // ours
    u8 ping_bytes[P2P_PING_BYTES];
    u64 ping_ns; // when it left; 0: none is under way
    u64 pong_ns; // how long it took
    bool tells_opened, tells_identified, tells_pong;
    struct list events;
};

//   expected  who the peer must be, or NULL
//   remote    its address, which it is told, or NULL
void p2p_connection_init(struct p2p_connection *connection, struct p2p_host *host, bool is_dialler,
                         const struct peer_id *expected, const struct multiaddr *remote,
                         u64 now_ns);
void p2p_connection_drop(struct p2p_connection *connection);

// Takes bytes that TCP brought; they are overwritten.
//   taken  receives how many: all, or fewer when the application must read first (is_stalled).
//          Then call again with the rest when streams were read, and after each tick: memory may
//          also have come from other connections.
// Any error ends the connection. ERR_MALFORMED, ERR_INVALID, ERR_LIMIT, ERR_MISMATCH: the peer
// broke a rule; ERR_UNSUPPORTED: it has no protocol or key that we know; ERR_CLOSED: it ended.
enum err p2p_connection_receive(struct p2p_connection *connection, u8 *bytes, size_t size,
                                u64 now_ns, size_t *taken, struct report *report);

// Writes what goes to TCP next; returns how many bytes, 0: nothing now.
//   room  at least P2P_SEND_BYTES; more than 64 KiB make messages of full size
enum { P2P_SEND_BYTES = 256 };
size_t p2p_connection_send(struct p2p_connection *connection, u8 *out, size_t room, u64 now_ns);

// What the time asks for. ERR_CLOSED: the peer took too long. Streams that did are reset.
enum err p2p_connection_tick(struct p2p_connection *connection, u64 now_ns, struct report *report);
// When to call it, UINT64_MAX: never.
u64 p2p_connection_wake(const struct p2p_connection *connection);

// The next thing that happened.
struct p2p_event p2p_connection_next(struct p2p_connection *connection);

// Ends it: streams are reset, the peer is told.
void p2p_connection_close(struct p2p_connection *connection, u64 now_ns);
static inline bool p2p_connection_is_closed(const struct p2p_connection *connection)
{
    return connection->stage == P2P_STAGE_CLOSED;
}

// Asks the peer, through a stream, how far it is; PONG tells. ERR_BUSY: one is under way; others as
// p2p_stream_open.
enum err p2p_connection_ping(struct p2p_connection *connection, struct report *report);
// Tells the peer what has changed about us. Errors as p2p_stream_open.
enum err p2p_connection_push(struct p2p_connection *connection, struct report *report);

// ---- streams

// Opens a stream of a protocol, of at most P2P_PROTOCOL_BYTES; `name` outlives the stream. Data may
// be written at once; it goes out with the proposal.
// ERR_BUSY    P2P_STREAMS_OUT, or the host has no more streams
// ERR_CLOSED  the connection is not open
enum err p2p_stream_open(struct p2p_connection *connection, struct span name,
                         struct p2p_stream **out, struct report *report);

// Queues bytes; returns how many were taken. CHANGED says when more may be.
size_t p2p_stream_write(struct p2p_stream *stream, struct span bytes);
// Would that take so many bytes, at most P2P_STREAM_SEND_BYTES? If not, CHANGED says when to ask
// again.
bool p2p_stream_fits(struct p2p_stream *stream, size_t size);
// What has arrived, as far as it lies together; empty: nothing now.
struct span p2p_stream_front(const struct p2p_stream *stream);
// Drops what was read.
void p2p_stream_skip(struct p2p_stream *stream, size_t size);
// Has the peer ended it, and was all of it read?
bool p2p_stream_is_ended(const struct p2p_stream *stream);
// Is it over against somebody's will? `failure` says why: ERR_UNSUPPORTED when the peer does not
// speak the protocol, ERR_CLOSED when it was reset or the connection is gone, and so on.
bool p2p_stream_is_failed(const struct p2p_stream *stream);
// No more will be written. What the peer writes still arrives.
void p2p_stream_finish(struct p2p_stream *stream);
void p2p_stream_reset(struct p2p_stream *stream);
// The application lets go of it; finished if it was not. The pointer is of no more use.
void p2p_stream_close(struct p2p_stream *stream);
