// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/connection_internal.h: what connection.c, receive.c, stream.c and service.c share.
#pragma once
#include "lib/p2p/connection.h"

#define P2P_NS_PER_MS ((u64)1000000)
#define P2P_YAMUX SPAN_LITERAL("/yamux/1.0.0")
#define P2P_NOISE SPAN_LITERAL("/noise")

static inline struct p2p_stream *p2p_stream_of(struct yamux_stream *stream)
{
    return CONTAINER_OF(stream, struct p2p_stream, yamux);
}

// ---- connection.c

// Queues bytes of a negotiation or handshake. ERR_NO_MEMORY: the host has no chunk.
enum err p2p_out(struct p2p_connection *connection, struct span bytes, struct report *report);
// The connection is open: streams may come and go.
void p2p_opened(struct p2p_connection *connection);
// Ends it for a reason; returns that.
enum err p2p_fail(struct p2p_connection *connection, enum err err);
// Ends it when the peer said that it ends, and no stream is left. ERR_CLOSED: so it is.
enum err p2p_farewell(struct p2p_connection *connection, struct report *report);

// ---- stream.c

// Does what changed streams ask for, and tells the application the rest.
void p2p_streams_run(struct p2p_connection *connection);
// Resets the streams whose time is over.
void p2p_streams_tick(struct p2p_connection *connection);
// When that is so next.
u64 p2p_streams_wake(const struct p2p_connection *connection);
// All streams end; the application's stay its own.
void p2p_streams_drop(struct p2p_connection *connection);
// Ends a stream of the application's, which will hear of it, or any other, which is gone then.
void p2p_stream_fail(struct p2p_stream *stream, enum err err);

// ---- service.c

// A stream of ours or the peer's that speaks one of the P2P_SERVICES has something new. It may be
// gone afterwards.
void p2p_service_run(struct p2p_stream *stream);
// It is about to be gone.
void p2p_service_gone(struct p2p_stream *stream);
// Asks the peer to identify itself.
void p2p_service_start(struct p2p_connection *connection);
