// SPDX-License-Identifier: GPL-3.0-or-later
// A connection's beginning and end, its time, and what goes out. What comes in is in receive.c.
#include "lib/p2p/connection.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/connection_internal.h"

enum { MESSAGES = 16, SIZE_BYTES = 2 }; // messages sealed at once; the size before each

_Static_assert(P2P_SEND_BYTES > SIZE_BYTES + P2P_NOISE_TAG_BYTES + YAMUX_ROOM_BYTES,
               "the least room fits a frame");

enum err p2p_out(struct p2p_connection *connection, struct span bytes, struct report *report)
{
    if (p2p_queue_append(&connection->out, &connection->sending, bytes) != bytes.size) {
        return report_err(report, ERR_NO_MEMORY, 0, "p2p: no memory to send");
    }
    return ERR_OK;
}

static void start(struct p2p_connection *connection)
{
    struct noise_key passing;
    const struct p2p_crypto *crypto = connection->host->config.crypto;
    u8 proposal[MULTISTREAM_PROPOSAL_BYTES];
    u8 message[SIZE_BYTES + NOISE_MESSAGE_EXTRA_BYTES];
    if (!noise_key_make(crypto, &passing)) {
        (void)p2p_fail(connection, ERR_INVALID);
        return;
    }
    noise_init(&connection->noise, crypto, connection->is_dialler, &connection->host->fixed,
               &passing, span_of(NULL, 0));
    mem_zero(&passing, sizeof passing);
    if (!connection->is_dialler) {
        return;
    }
    // The first message goes out behind the proposal: there is nothing else to agree on.
    struct span bytes = span_of(proposal, multistream_propose(P2P_NOISE, proposal));
    enum err err = p2p_out(connection, bytes, NULL);
    size_t size = noise_write(&connection->noise, span_of(NULL, 0), message + SIZE_BYTES);
    ASSERT(size == P2P_POINT_BYTES);
    message[0] = 0;
    message[1] = (u8)size;
    if (err == ERR_OK) {
        err = p2p_out(connection, span_of(message, SIZE_BYTES + size), NULL);
    }
    if (err != ERR_OK) {
        (void)p2p_fail(connection, err);
    }
}

void p2p_connection_init(struct p2p_connection *connection, struct p2p_host *host, bool is_dialler,
                         const struct peer_id *expected, const struct multiaddr *remote, u64 now_ns)
{
    *connection = (struct p2p_connection){.host = host,
                                          .is_dialler = is_dialler,
                                          .negotiation.is_dialler = is_dialler,
                                          .now_ns = now_ns,
                                          .heard_ns = now_ns};
    host->connection_count++;
    connection->deadline_ns = now_ns + P2P_HANDSHAKE_MS * P2P_NS_PER_MS;
    connection->receiving = (struct p2p_account){.pool = &host->pool, .limit = P2P_RECEIVE_CHUNKS};
    // What is written never takes the last quarter of the memory from what arrives.
    connection->sending = (struct p2p_account){
        .pool = &host->pool, .limit = P2P_SEND_CHUNKS, .spared = host->pool.count / 4};
    if (expected != NULL) {
        connection->has_expected = true;
        connection->expected = *expected;
    }
    if (remote != NULL) {
        connection->remote = *remote;
    }
    list_init(&connection->events);
    yamux_init(&connection->yamux, is_dialler, host->config.window_bytes, &host->streams,
               &connection->receiving, &connection->sending);
    start(connection);
}

static void drop_queues(struct p2p_connection *connection)
{
    p2p_queue_drop(&connection->stash, &connection->receiving);
    p2p_queue_drop(&connection->plain, &connection->receiving);
    p2p_queue_drop(&connection->out, &connection->sending);
    connection->clear_left = 0;
}

void p2p_connection_drop(struct p2p_connection *connection)
{
    const struct p2p_crypto *crypto = connection->host->config.crypto;
    p2p_streams_drop(connection);
    drop_queues(connection);
    while (list_take(&connection->events) != NULL) {
    }
    if (connection->noise.crypto != NULL) {
        noise_drop(&connection->noise);
    }
    if (connection->has_ciphers) {
        crypto->forget(crypto->context, &connection->send_cipher);
        crypto->forget(crypto->context, &connection->receive_cipher);
    }
    ASSERT(connection->receiving.held == 0);
    ASSERT(connection->sending.held == 0);
    ASSERT(connection->host->connection_count > 0);
    connection->host->connection_count--;
    mem_zero(connection, sizeof *connection);
}

static void end(struct p2p_connection *connection, enum yamux_reason reason)
{
    bool was_open = connection->stage == P2P_STAGE_OPEN;
    p2p_streams_drop(connection);
    drop_queues(connection);
    connection->is_stalled = false;
    connection->stage = was_open ? P2P_STAGE_CLOSING : P2P_STAGE_CLOSED;
    connection->deadline_ns = connection->now_ns + P2P_FAREWELL_MS * P2P_NS_PER_MS;
    yamux_go_away(&connection->yamux, reason);
}

enum err p2p_fail(struct p2p_connection *connection, enum err err)
{
    if (connection->stage < P2P_STAGE_CLOSING) {
        connection->failure = err;
        end(connection, err == ERR_CLOSED ? YAMUX_NORMAL : YAMUX_PROTOCOL_ERROR);
    }
    return err;
}

void p2p_connection_close(struct p2p_connection *connection, u64 now_ns)
{
    connection->now_ns = now_ns;
    if (connection->stage < P2P_STAGE_CLOSING) {
        end(connection, YAMUX_NORMAL);
    }
}

void p2p_opened(struct p2p_connection *connection)
{
    connection->stage = P2P_STAGE_OPEN;
    connection->tells_opened = true;
    connection->heard_ns = connection->now_ns;
    p2p_service_start(connection);
}

enum err p2p_farewell(struct p2p_connection *connection, struct report *report)
{
    const struct yamux *yamux = &connection->yamux;
    bool is_idle = yamux->in_count == 0 && yamux->out_count == 0;
    if (yamux->is_peer_closing && (yamux->peer_reason != YAMUX_NORMAL || is_idle)) {
        (void)report_err(report, ERR_CLOSED, 0, "p2p: the peer ended the connection");
        return p2p_fail(connection, ERR_CLOSED);
    }
    return ERR_OK;
}

// ---- what goes out

// The plaintext of one message.
static size_t fill(struct p2p_connection *connection, u8 *out, size_t room)
{
    size_t size = p2p_queue_copy(&connection->out, out, room);
    p2p_queue_skip(&connection->out, &connection->sending, size);
    if (connection->stage == P2P_STAGE_OPEN || connection->stage == P2P_STAGE_CLOSING) {
        size += yamux_send(&connection->yamux, out + size, room - size);
    }
    return size;
}

static size_t send_sealed(struct p2p_connection *connection, u8 *out, size_t room)
{
    const struct p2p_crypto *crypto = connection->host->config.crypto;
    struct p2p_box boxes[MESSAGES];
    size_t count = 0, size = 0;
    while (count < MESSAGES && room - size >= P2P_SEND_BYTES) {
        size_t left = room - size - SIZE_BYTES - P2P_NOISE_TAG_BYTES;
        left = left < P2P_NOISE_PLAIN_BYTES ? left : P2P_NOISE_PLAIN_BYTES;
        u8 *message = out + size;
        size_t plain = fill(connection, message + SIZE_BYTES, left);
        if (plain == 0) {
            break;
        }
        size_t sealed = plain + P2P_NOISE_TAG_BYTES;
        message[0] = (u8)(sealed >> 8);
        message[1] = (u8)sealed;
        boxes[count++] = (struct p2p_box){message + SIZE_BYTES, (u32)plain};
        size += SIZE_BYTES + sealed;
    }
    if (count == 0) {
        return 0;
    }
    // Nonces never come again: 2^64 messages are more than a connection lives for.
    ASSERT(connection->send_cipher.nonce < UINT64_MAX - MESSAGES);
    if (!crypto->seal(crypto->context, &connection->send_cipher, span_of(NULL, 0), boxes, count)) {
        mem_zero(out, size); // nothing in the clear leaves
        (void)p2p_fail(connection, ERR_INVALID);
        connection->stage = P2P_STAGE_CLOSED;
        return 0;
    }
    connection->send_cipher.nonce += count;
    return size;
}

size_t p2p_connection_send(struct p2p_connection *connection, u8 *out, size_t room, u64 now_ns)
{
    ASSERT(room >= P2P_SEND_BYTES);
    connection->now_ns = now_ns;
    if (connection->stage == P2P_STAGE_CLOSED) {
        return 0;
    }
    // What was queued before there were ciphers leaves as it is.
    size_t size = 0;
    if (!connection->has_ciphers || connection->clear_left != 0) {
        size = connection->has_ciphers ? connection->clear_left : connection->out.size;
        size = p2p_queue_copy(&connection->out, out, size < room ? size : room);
        p2p_queue_skip(&connection->out, &connection->sending, size);
        if (connection->has_ciphers) {
            connection->clear_left -= size;
        }
    } else {
        size = send_sealed(connection, out, room);
        p2p_streams_run(connection); // there may be room for what was cut
    }
    if (connection->stage == P2P_STAGE_CLOSING && !yamux_sends(&connection->yamux)) {
        connection->stage = P2P_STAGE_CLOSED;
    }
    return size;
}

// ---- time

static enum err tick_open(struct p2p_connection *connection, struct report *report)
{
    struct yamux *yamux = &connection->yamux;
    u64 now = connection->now_ns;
    TRY(p2p_farewell(connection, report));
    if (connection->is_stalled) { // it is us who do not listen
        connection->heard_ns = now;
        connection->asked_ns = 0;
    }
    if (connection->asked_ns != 0 && yamux->has_pong) {
        connection->asked_ns = 0;
    }
    if (connection->asked_ns != 0 && now - connection->asked_ns >= P2P_PONG_MS * P2P_NS_PER_MS) {
        (void)report_err(report, ERR_CLOSED, 0, "p2p: the peer does not answer any more");
        return p2p_fail(connection, ERR_CLOSED);
    }
    if (connection->asked_ns == 0 && now - connection->heard_ns >= P2P_PING_MS * P2P_NS_PER_MS) {
        connection->asked_ns = now;
        connection->heard_ns = now;
        yamux_ping(yamux, yamux->ping_value + 1);
    }
    yamux_recall(yamux);
    p2p_streams_tick(connection);
    p2p_streams_run(connection);
    return ERR_OK;
}

enum err p2p_connection_tick(struct p2p_connection *connection, u64 now_ns, struct report *report)
{
    connection->now_ns = now_ns;
    switch (connection->stage) {
    case P2P_STAGE_SECURITY:
    case P2P_STAGE_NOISE:
    case P2P_STAGE_MUXER:
        if (now_ns >= connection->deadline_ns) {
            (void)report_err(report, ERR_CLOSED, 0, "p2p: the handshake took longer than 10 s");
            return p2p_fail(connection, ERR_CLOSED);
        }
        return ERR_OK;
    case P2P_STAGE_OPEN:
        return tick_open(connection, report);
    case P2P_STAGE_CLOSING:
        if (now_ns >= connection->deadline_ns) {
            connection->stage = P2P_STAGE_CLOSED;
        }
        return ERR_OK;
    case P2P_STAGE_CLOSED:
        return ERR_OK;
    }
    return ERR_OK;
}

u64 p2p_connection_wake(const struct p2p_connection *connection)
{
    if (connection->stage == P2P_STAGE_CLOSED) {
        return UINT64_MAX;
    }
    if (connection->stage != P2P_STAGE_OPEN) {
        return connection->deadline_ns;
    }
    u64 alive = connection->asked_ns != 0 && !connection->yamux.has_pong
                    ? connection->asked_ns + P2P_PONG_MS * P2P_NS_PER_MS
                    : connection->heard_ns + P2P_PING_MS * P2P_NS_PER_MS;
    u64 streams = p2p_streams_wake(connection);
    u64 wake = alive < streams ? alive : streams;
    u64 recall = connection->now_ns + P2P_RECALL_MS * P2P_NS_PER_MS;
    bool waits = connection->yamux.has_cut || connection->is_stalled; // for memory of others, too
    return waits && recall < wake ? recall : wake;
}
