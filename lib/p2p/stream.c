// SPDX-License-Identifier: GPL-3.0-or-later
// Streams of a connection: who speaks what on them, and what the application hears of it.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/connection_internal.h"

static bool is_service(const struct p2p_stream *stream)
{
    return stream->protocol < P2P_SERVICES;
}

// A service that is over in one exchange keeps the deadline of its negotiation.
static bool is_brief(const struct p2p_stream *stream)
{
    bool is_echo = stream->protocol == P2P_SERVICE_PING && stream->yamux.is_inbound;
    return is_service(stream) && !is_echo;
}

static void prepare(struct p2p_stream *stream, struct p2p_connection *connection)
{
    *stream = (struct p2p_stream){.yamux = stream->yamux,
                                  .connection = connection,
                                  .protocol = P2P_PROTOCOLS,
                                  .negotiation.is_dialler = !stream->yamux.is_inbound};
    stream->deadline_ns = connection->now_ns + P2P_NEGOTIATE_MS * P2P_NS_PER_MS;
}

static void announce(struct p2p_stream *stream)
{
    if (!list_is_linked(&stream->of_events)) {
        list_append(&stream->connection->events, &stream->of_events);
    }
}

// A stream that the application does not have, and never will.
static void discard(struct p2p_stream *stream)
{
    p2p_service_gone(stream);
    stream->deadline_ns = stream->connection->now_ns + P2P_LINGER_MS * P2P_NS_PER_MS;
    yamux_release(&stream->yamux);
}

void p2p_stream_fail(struct p2p_stream *stream, enum err err)
{
    bool is_known = stream->is_announced;
    stream->stage = P2P_STREAM_FAILED;
    stream->failure = err;
    stream->deadline_ns = 0;
    yamux_reset(&stream->yamux); // keeps it: it is not released
    if (is_known) {
        announce(stream);
    } else {
        discard(stream);
    }
}

// ---- negotiation

// The names that this stream may agree on.
static const struct span *names(struct p2p_stream *stream, size_t *count)
{
    if (stream->yamux.is_inbound) {
        *count = stream->connection->host->name_count;
        return stream->connection->host->names;
    }
    *count = 1;
    return &stream->name;
}

// Reads lines while the stream negotiates. False: it failed, and may be gone.
static bool negotiate(struct p2p_stream *stream)
{
    struct yamux_stream *yamux = &stream->yamux;
    u8 *scratch = stream->connection->host->scratch;
    while (stream->stage == P2P_STREAM_NEGOTIATES) {
        enum multistream_step step;
        struct multistream_answer answer;
        size_t count;
        const struct span *list = names(stream, &count);
        size_t size = p2p_queue_copy(&yamux->in, scratch, MULTISTREAM_LINE_BYTES);
        enum err err = multistream_read(&stream->negotiation, span_of(scratch, size), list, count,
                                        &step, &answer, NULL);
        if (err == ERR_OK && step == MULTISTREAM_REFUSED) {
            err = ERR_UNSUPPORTED;
        }
        if (err == ERR_OK && step == MULTISTREAM_MORE) {
            err = yamux->is_reset || yamux_is_ended(yamux) ? ERR_CLOSED : ERR_OK;
            if (err == ERR_OK) {
                return true;
            }
        }
        if (err == ERR_OK) {
            yamux_skip(yamux, answer.taken);
            struct span reply = span_of(answer.reply, answer.reply_size);
            err = yamux_write(yamux, reply, 0) == reply.size ? ERR_OK : ERR_NO_MEMORY;
        }
        if (err != ERR_OK) {
            p2p_stream_fail(stream, err);
            return false;
        }
        if (step == MULTISTREAM_AGREED) {
            stream->stage = P2P_STREAM_SPEAKS;
            stream->protocol = yamux->is_inbound ? answer.agreed : stream->protocol;
            if (!is_brief(stream)) {
                stream->deadline_ns = 0;
            }
            yamux_unhold(yamux);
        }
    }
    return true;
}

static void run(struct p2p_stream *stream)
{
    if (stream->yamux.is_new) {
        stream->yamux.is_new = false;
        prepare(stream, stream->connection);
    }
    if (stream->stage == P2P_STREAM_NEGOTIATES) {
        if (!negotiate(stream) || stream->stage == P2P_STREAM_NEGOTIATES) {
            return;
        }
    }
    if (stream->is_abandoned) {
        discard(stream);
        return;
    }
    if (is_service(stream)) {
        p2p_service_run(stream);
        return;
    }
    if (stream->yamux.is_reset && stream->stage == P2P_STREAM_SPEAKS) {
        stream->stage = P2P_STREAM_FAILED;
        stream->failure = ERR_CLOSED;
    }
    announce(stream);
}

void p2p_streams_run(struct p2p_connection *connection)
{
    struct yamux_stream *changed;
    while ((changed = yamux_changed(&connection->yamux)) != NULL) {
        struct p2p_stream *stream = p2p_stream_of(changed);
        if (changed->is_new) {
            stream->connection = connection;
        }
        run(stream);
    }
}

// ---- time and end

void p2p_streams_tick(struct p2p_connection *connection)
{
    struct list *list = &connection->yamux.streams;
    struct list_node *next;
    for (struct list_node *node = list_first(list); node != NULL; node = next) {
        struct yamux_stream *yamux = LIST_ITEM(node, struct yamux_stream, of_owner);
        struct p2p_stream *stream = p2p_stream_of(yamux);
        next = list_next(list, node);
        if (stream->deadline_ns == 0 || connection->now_ns < stream->deadline_ns) {
            continue;
        }
        stream->deadline_ns = 0;
        if (yamux->is_released) {
            yamux_reset(yamux);
        } else {
            p2p_stream_fail(stream, ERR_CLOSED);
        }
    }
}

u64 p2p_streams_wake(const struct p2p_connection *connection)
{
    const struct list *list = &connection->yamux.streams;
    u64 wake = UINT64_MAX;
    for (struct list_node *node = list_first(list); node != NULL; node = list_next(list, node)) {
        struct yamux_stream *yamux = LIST_ITEM(node, struct yamux_stream, of_owner);
        u64 deadline = p2p_stream_of(yamux)->deadline_ns;
        wake = deadline != 0 && deadline < wake ? deadline : wake;
    }
    return wake;
}

void p2p_streams_drop(struct p2p_connection *connection)
{
    struct list *list = &connection->yamux.streams;
    struct list_node *next;
    for (struct list_node *node = list_first(list); node != NULL; node = next) {
        struct yamux_stream *yamux = LIST_ITEM(node, struct yamux_stream, of_owner);
        struct p2p_stream *stream = p2p_stream_of(yamux);
        next = list_next(list, node);
        if (yamux->is_released) {
            continue;
        }
        if (yamux->is_new || !stream->is_announced) {
            if (!yamux->is_new && list_is_linked(&stream->of_events)) {
                list_remove(&stream->of_events);
            }
            yamux->is_released = true;
            continue;
        }
        announce(stream);
        stream->connection = NULL;
        if (stream->stage != P2P_STREAM_FAILED) {
            stream->stage = P2P_STREAM_FAILED;
            stream->failure = ERR_CLOSED;
        }
    }
    connection->ping = NULL;
    connection->pings_in = 0;
    yamux_drop(&connection->yamux);
}

// ---- what the application does

enum err p2p_stream_open(struct p2p_connection *connection, struct span name,
                         struct p2p_stream **out, struct report *report)
{
    ASSERT(name.size > 0 && name.size <= P2P_PROTOCOL_BYTES);
    struct yamux_stream *yamux;
    u8 proposal[MULTISTREAM_PROPOSAL_BYTES];
    if (connection->stage != P2P_STAGE_OPEN) {
        return report_err(report, ERR_CLOSED, 0, "p2p: the connection is not open");
    }
    TRY(yamux_open(&connection->yamux, &yamux, report));
    struct p2p_stream *stream = p2p_stream_of(yamux);
    prepare(stream, connection);
    stream->name = name;
    stream->is_announced = true;
    yamux->holds_fin = true; // js-libp2p loses a stream that ends before it was agreed on
    struct span bytes = span_of(proposal, multistream_propose(name, proposal));
    if (yamux_write(yamux, bytes, 0) != bytes.size) {
        yamux_reset(yamux);
        yamux_release(yamux);
        return report_err(report, ERR_BUSY, 0, "p2p: no memory to send");
    }
    *out = stream;
    return ERR_OK;
}

size_t p2p_stream_write(struct p2p_stream *stream, struct span bytes)
{
    return yamux_write(&stream->yamux, bytes, P2P_SEND_RESERVE_CHUNKS);
}

bool p2p_stream_fits(struct p2p_stream *stream, size_t size)
{
    return yamux_fits(&stream->yamux, size, P2P_SEND_RESERVE_CHUNKS);
}

struct span p2p_stream_front(const struct p2p_stream *stream)
{
    bool speaks = stream->stage != P2P_STREAM_NEGOTIATES;
    return speaks ? yamux_front(&stream->yamux) : span_of(NULL, 0);
}

void p2p_stream_skip(struct p2p_stream *stream, size_t size)
{
    ASSERT(stream->stage != P2P_STREAM_NEGOTIATES || size == 0);
    yamux_skip(&stream->yamux, size);
}

bool p2p_stream_is_ended(const struct p2p_stream *stream)
{
    return stream->stage == P2P_STREAM_SPEAKS && yamux_is_ended(&stream->yamux);
}

bool p2p_stream_is_failed(const struct p2p_stream *stream)
{
    return stream->stage == P2P_STREAM_FAILED;
}

void p2p_stream_finish(struct p2p_stream *stream)
{
    yamux_finish(&stream->yamux);
}

void p2p_stream_reset(struct p2p_stream *stream)
{
    if (stream->connection != NULL && stream->stage != P2P_STREAM_FAILED) {
        stream->stage = P2P_STREAM_FAILED;
        stream->failure = ERR_CLOSED;
        stream->deadline_ns = 0;
        yamux_reset(&stream->yamux);
    }
}

void p2p_stream_close(struct p2p_stream *stream)
{
    if (list_is_linked(&stream->of_events)) {
        list_remove(&stream->of_events);
    }
    if (stream->connection == NULL) {
        yamux_release(&stream->yamux);
        return;
    }
    if (stream->stage == P2P_STREAM_NEGOTIATES) { // its FIN waits for the answer to the proposal
        stream->is_announced = false;
        stream->is_abandoned = true;
        yamux_finish(&stream->yamux);
        return;
    }
    stream->deadline_ns = stream->connection->now_ns + P2P_LINGER_MS * P2P_NS_PER_MS;
    yamux_release(&stream->yamux);
}

struct p2p_event p2p_connection_next(struct p2p_connection *connection)
{
    struct p2p_event event = {P2P_EVENT_NONE, NULL};
    if (connection->tells_opened) {
        connection->tells_opened = false;
        event.kind = P2P_EVENT_OPENED;
    } else if (connection->tells_identified) {
        connection->tells_identified = false;
        event.kind = P2P_EVENT_IDENTIFIED;
    } else if (connection->tells_pong) {
        connection->tells_pong = false;
        event.kind = P2P_EVENT_PONG;
    } else {
        struct list_node *node = list_take(&connection->events);
        if (node != NULL) {
            event.stream = LIST_ITEM(node, struct p2p_stream, of_events);
            event.kind = event.stream->is_announced ? P2P_EVENT_CHANGED : P2P_EVENT_ACCEPTED;
            event.stream->is_announced = true;
        }
    }
    return event;
}
