// SPDX-License-Identifier: GPL-3.0-or-later
// The protocols that connections speak by themselves: identify, its push, and ping.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/connection_internal.h"

// A stream that is of no more use: what is queued is still sent.
static void close_stream(struct p2p_stream *stream)
{
    p2p_service_gone(stream);
    p2p_stream_close(stream);
}

void p2p_service_gone(struct p2p_stream *stream)
{
    struct p2p_connection *connection = stream->connection;
    if (connection->ping == stream) {
        connection->ping = NULL;
        if (connection->ping_ns != 0) {
            connection->ping_ns = 0;
            connection->pong_ns = 0;
            connection->tells_pong = true;
        }
    }
    if (stream->is_counted) {
        ASSERT(connection->pings_in > 0);
        connection->pings_in--;
    }
}

// ---- identify

static void say_who_we_are(struct p2p_stream *stream)
{
    struct p2p_connection *connection = stream->connection;
    u8 *scratch = connection->host->scratch;
    struct span observed = span_of(connection->remote.bytes, connection->remote.size);
    size_t size = p2p_identify_write(connection->host, observed, scratch, P2P_IDENTIFY_BYTES);
    ASSERT(size <= P2P_IDENTIFY_BYTES); // p2p_host_init
    if (yamux_write(&stream->yamux, span_of(scratch, size), 0) != size) {
        p2p_stream_fail(stream, ERR_NO_MEMORY);
        return;
    }
    close_stream(stream);
}

static void hear_who_it_is(struct p2p_stream *stream)
{
    struct p2p_connection *connection = stream->connection;
    struct p2p_queue *in = &stream->yamux.in;
    u8 *scratch = connection->host->scratch;
    if (stream->yamux.is_reset || in->size > P2P_IDENTIFY_BYTES) {
        p2p_stream_fail(stream, ERR_LIMIT);
        return;
    }
    if (!yamux_is_whole(&stream->yamux)) {
        return;
    }
    size_t size = p2p_queue_copy(in, scratch, P2P_IDENTIFY_BYTES);
    yamux_skip(&stream->yamux, size);
    if (p2p_identify_read(connection->host, &connection->peer, span_of(scratch, size),
                          &connection->identity, NULL) != ERR_OK) {
        p2p_stream_fail(stream, ERR_MALFORMED);
        return;
    }
    connection->tells_identified = true;
    close_stream(stream);
}

// ---- ping

static void echo(struct p2p_stream *stream)
{
    struct span front;
    while ((front = yamux_front(&stream->yamux)).size != 0) {
        size_t done = yamux_write(&stream->yamux, front, P2P_SEND_RESERVE_CHUNKS);
        yamux_skip(&stream->yamux, done);
        if (done < front.size) {
            return; // goes on when there is room
        }
    }
    if (stream->yamux.is_reset || yamux_is_ended(&stream->yamux)) {
        close_stream(stream);
    }
}

static void hear_pong(struct p2p_stream *stream)
{
    struct p2p_connection *connection = stream->connection;
    u8 bytes[P2P_PING_BYTES];
    if (stream->yamux.is_reset || yamux_is_ended(&stream->yamux)) {
        close_stream(stream);
        return;
    }
    if (stream->yamux.in.size < P2P_PING_BYTES) {
        return;
    }
    p2p_queue_copy(&stream->yamux.in, bytes, sizeof bytes);
    bool is_ours = connection->ping_ns != 0 &&
                   mem_equal(bytes, connection->ping_bytes, sizeof bytes) &&
                   stream->yamux.in.size == P2P_PING_BYTES;
    if (!is_ours) {
        p2p_stream_fail(stream, ERR_MALFORMED);
        return;
    }
    connection->pong_ns = connection->now_ns - connection->ping_ns;
    connection->ping_ns = 0;
    connection->tells_pong = true;
    close_stream(stream);
}

// ---- all of them

void p2p_service_run(struct p2p_stream *stream)
{
    struct p2p_connection *connection = stream->connection;
    bool is_inbound = stream->yamux.is_inbound;
    if (stream->protocol == P2P_SERVICE_PING) {
        if (!is_inbound) {
            hear_pong(stream);
        } else if (!stream->is_counted && connection->pings_in == P2P_PINGS) {
            p2p_stream_fail(stream, ERR_LIMIT);
        } else {
            connection->pings_in += !stream->is_counted;
            stream->is_counted = true;
            echo(stream);
        }
        return;
    }
    // Of identify the one who opens hears, of its push the other.
    if ((stream->protocol == P2P_SERVICE_IDENTIFY) == is_inbound) {
        say_who_we_are(stream);
    } else {
        hear_who_it_is(stream);
    }
}

// Opens a stream that the application never sees.
static enum err open_service(struct p2p_connection *connection, enum p2p_service service,
                             struct p2p_stream **out, struct report *report)
{
    TRY(p2p_stream_open(connection, connection->host->names[service], out, report));
    (*out)->protocol = service;
    (*out)->is_announced = false;
    return ERR_OK;
}

void p2p_service_start(struct p2p_connection *connection)
{
    struct p2p_stream *stream;
    (void)open_service(connection, P2P_SERVICE_IDENTIFY, &stream, NULL); // without it, we know less
}

enum err p2p_connection_push(struct p2p_connection *connection, struct report *report)
{
    struct p2p_stream *stream;
    return open_service(connection, P2P_SERVICE_PUSH, &stream, report);
}

enum err p2p_connection_ping(struct p2p_connection *connection, struct report *report)
{
    if (connection->ping != NULL) {
        return report_err(report, ERR_BUSY, 0, "p2p: a ping is under way");
    }
    const struct p2p_crypto *crypto = connection->host->config.crypto;
    TRY(open_service(connection, P2P_SERVICE_PING, &connection->ping, report));
    crypto->random(crypto->context, connection->ping_bytes, P2P_PING_BYTES);
    struct span bytes = span_of(connection->ping_bytes, P2P_PING_BYTES);
    connection->ping_ns = connection->now_ns != 0 ? connection->now_ns : 1;
    if (yamux_write(&connection->ping->yamux, bytes, 0) != bytes.size) {
        p2p_stream_fail(connection->ping, ERR_NO_MEMORY);
        return report_err(report, ERR_BUSY, 0, "p2p: no memory to send");
    }
    return ERR_OK;
}
