// SPDX-License-Identifier: GPL-3.0-or-later
// What comes in. Before the muxer is agreed on, bytes go through queues, line by line or message by
// message; then messages that lie whole in what TCP brought are opened where they are, many at
// once, and only one that is cut in two is put together first.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/connection_internal.h"

enum { MESSAGES = 16, SIZE_BYTES = 2 }; // messages opened at once; the size before each

// Bytes of TCP that were given and not taken yet.
struct input {
    u8 *bytes;
    size_t size;
    size_t taken;
};

// Of the stash's account, what a whole message in it needs.
enum { STASH_CHUNKS = P2P_NOISE_MESSAGE_BYTES / P2P_CHUNK_DATA_BYTES + 2 };

// Moves up to `size` bytes of the input into the stash; fewer are a stall.
static size_t stash(struct p2p_connection *connection, struct input *input, size_t size)
{
    size_t left = input->size - input->taken;
    size = size < left ? size : left;
    if (size == 0) {
        return 0;
    }
    if (connection->stash.size == 0 && p2p_account_room(&connection->receiving) < STASH_CHUNKS) {
        connection->is_stalled = true;
        return 0;
    }
    size_t done = p2p_queue_append(&connection->stash, &connection->receiving,
                                   span_of(input->bytes + input->taken, size));
    input->taken += done;
    connection->is_stalled = done < size;
    return done;
}

// ---- negotiations of the connection itself

// Reads lines from a queue. *agreed: it is over; what follows in the queue is the next layer's.
static enum err negotiate(struct p2p_connection *connection, struct p2p_queue *queue,
                          struct span name, bool *agreed, struct report *report)
{
    u8 *scratch = connection->host->scratch;
    *agreed = false;
    for (;;) {
        enum multistream_step step;
        struct multistream_answer answer;
        size_t size = p2p_queue_copy(queue, scratch, MULTISTREAM_LINE_BYTES);
        TRY(multistream_read(&connection->negotiation, span_of(scratch, size), &name, 1, &step,
                             &answer, report));
        p2p_queue_skip(queue, &connection->receiving, answer.taken);
        if (answer.reply_size != 0) {
            TRY(p2p_out(connection, span_of(answer.reply, answer.reply_size), report));
        }
        if (step == MULTISTREAM_REFUSED) {
            return report_err_detail(report, ERR_UNSUPPORTED, 0, "p2p: the peer does not speak",
                                     name);
        }
        if (step != MULTISTREAM_LINE) {
            *agreed = step == MULTISTREAM_AGREED;
            return ERR_OK;
        }
    }
}

static enum err security(struct p2p_connection *connection, struct input *input,
                         struct report *report)
{
    bool agreed;
    (void)stash(connection, input, MULTISTREAM_LINE_BYTES - connection->stash.size);
    TRY(negotiate(connection, &connection->stash, P2P_NOISE, &agreed, report));
    if (agreed) {
        connection->stage = P2P_STAGE_NOISE;
    }
    return ERR_OK;
}

// ---- messages

// The size of the message at the front of `bytes`, of at least SIZE_BYTES.
static size_t message_size(const u8 *bytes)
{
    return (size_t)bytes[0] << 8 | bytes[1];
}

// Completes the message that begins in the stash, and puts it together in the host's scratch.
// *size 0: it is not there whole.
static void unstash(struct p2p_connection *connection, struct input *input, size_t *size)
{
    u8 head[SIZE_BYTES];
    *size = 0;
    if (connection->stash.size < SIZE_BYTES) {
        (void)stash(connection, input, SIZE_BYTES - connection->stash.size);
    }
    if (p2p_queue_copy(&connection->stash, head, SIZE_BYTES) < SIZE_BYTES) {
        return;
    }
    size_t whole = SIZE_BYTES + message_size(head);
    if (connection->stash.size < whole) {
        (void)stash(connection, input, whole - connection->stash.size);
    }
    if (connection->stash.size < whole || whole == SIZE_BYTES) { // an empty one stays
        return;
    }
    p2p_queue_skip(&connection->stash, &connection->receiving, SIZE_BYTES);
    *size = p2p_queue_copy(&connection->stash, connection->host->scratch, whole - SIZE_BYTES);
    p2p_queue_skip(&connection->stash, &connection->receiving, *size);
}

// ---- the handshake

static enum err write_message(struct p2p_connection *connection, struct report *report)
{
    struct p2p_host *host = connection->host;
    u8 payload[P2P_SEND_BYTES];
    u8 message[SIZE_BYTES + P2P_SEND_BYTES + NOISE_MESSAGE_EXTRA_BYTES];
    struct span muxer = P2P_YAMUX;
    size_t size =
        noise_payload_write(host->identity, host->signature, &muxer,
                            host->config.has_early_muxer ? 1 : 0, payload, sizeof payload);
    ASSERT(size <= sizeof payload);
    size = noise_write(&connection->noise, span_of(payload, size), message + SIZE_BYTES);
    if (size == 0) {
        return report_err(report, ERR_MISMATCH, 0, "noise: the peer's key makes no secret");
    }
    message[0] = (u8)(size >> 8);
    message[1] = (u8)size;
    return p2p_out(connection, span_of(message, SIZE_BYTES + size), report);
}

// Whether both named muxers in the handshake, and the dialler's first that both speak is ours.
static enum err early_muxer(struct p2p_connection *connection, const struct noise_payload *payload,
                            bool *agreed, struct report *report)
{
    *agreed = false;
    if (!connection->host->config.has_early_muxer || payload->muxer_count == 0) {
        return ERR_OK; // one side is silent: by multistream-select
    }
    for (u32 i = 0; i < payload->muxer_count; i++) {
        *agreed = *agreed || span_equal(payload->muxers[i], P2P_YAMUX);
    }
    if (!*agreed) {
        return report_err(report, ERR_UNSUPPORTED, 0, "p2p: the peer does not speak yamux");
    }
    return ERR_OK;
}

// All three messages have passed.
static enum err secured(struct p2p_connection *connection, bool has_muxer, struct report *report)
{
    u8 proposal[MULTISTREAM_PROPOSAL_BYTES];
    connection->clear_left = connection->out.size;
    noise_split(&connection->noise, &connection->send_cipher, &connection->receive_cipher);
    connection->has_ciphers = true;
    noise_drop(&connection->noise);
    if (has_muxer) {
        p2p_opened(connection);
        return ERR_OK;
    }
    connection->stage = P2P_STAGE_MUXER;
    connection->negotiation = (struct multistream){.is_dialler = connection->is_dialler};
    if (connection->is_dialler) {
        size_t size = multistream_propose(P2P_YAMUX, proposal);
        TRY(p2p_out(connection, span_of(proposal, size), report));
    }
    return ERR_OK;
}

static enum err handshake(struct p2p_connection *connection, struct input *input,
                          struct report *report)
{
    struct noise *noise = &connection->noise;
    size_t size;
    unstash(connection, input, &size);
    if (size == 0) {
        u8 head[SIZE_BYTES];
        bool is_empty = p2p_queue_copy(&connection->stash, head, SIZE_BYTES) == SIZE_BYTES &&
                        message_size(head) == 0;
        return is_empty ? report_err(report, ERR_MALFORMED, 0, "noise: a message is empty")
                        : ERR_OK;
    }
    if (size > P2P_HANDSHAKE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "noise: a handshake beyond 4096 bytes");
    }
    struct span bytes;
    TRY(noise_read(noise, connection->host->scratch, size, &bytes, report));
    if (noise->messages == 1) { // the dialler's first says nothing yet
        return write_message(connection, report);
    }
    struct noise_payload payload;
    TRY(noise_payload_read(connection->host->config.crypto, bytes, noise_peer_static(noise),
                           connection->has_expected ? &connection->expected : NULL, &payload,
                           report));
    bool has_muxer;
    TRY(early_muxer(connection, &payload, &has_muxer, report));
    connection->peer = payload.peer;
    if (noise_writes(noise)) {
        TRY(write_message(connection, report));
    }
    return secured(connection, has_muxer, report);
}

// ---- sealed messages

// The plaintext of one message, for the layer above.
static enum err feed(struct p2p_connection *connection, struct span bytes, struct report *report)
{
    if (connection->stage == P2P_STAGE_OPEN) {
        return yamux_receive(&connection->yamux, bytes, report);
    }
    ASSERT(connection->stage == P2P_STAGE_MUXER);
    bool agreed;
    struct p2p_queue *plain = &connection->plain;
    if (p2p_queue_append(plain, &connection->receiving, bytes) != bytes.size) {
        return report_err(report, ERR_NO_MEMORY, 0, "p2p: no memory for a negotiation");
    }
    TRY(negotiate(connection, plain, P2P_YAMUX, &agreed, report));
    if (!agreed) {
        return ERR_OK;
    }
    p2p_opened(connection);
    while (plain->size != 0) {
        struct span front = p2p_queue_front(plain);
        TRY(yamux_receive(&connection->yamux, front, report));
        p2p_queue_skip(plain, &connection->receiving, front.size);
    }
    return ERR_OK;
}

// Is there memory for the plaintext of messages of so many bytes, also while it is copied?
static bool takes(const struct p2p_connection *connection, size_t size)
{
    size_t copies = connection->stage == P2P_STAGE_MUXER ? 2 * size : size;
    return yamux_takes(&connection->yamux, copies);
}

// Gathers messages; *count 0: none is there whole, or the application must read first.
static enum err gather(struct p2p_connection *connection, struct input *input,
                       struct p2p_box boxes[MESSAGES], size_t *count, struct report *report)
{
    size_t total = 0;
    *count = 0;
    if (connection->stash.size != 0) {
        size_t size;
        if (!takes(connection, P2P_NOISE_PLAIN_BYTES)) {
            connection->is_stalled = true;
            return ERR_OK;
        }
        unstash(connection, input, &size);
        u8 head[SIZE_BYTES];
        if (size == 0 && (p2p_queue_copy(&connection->stash, head, SIZE_BYTES) < SIZE_BYTES ||
                          message_size(head) >= P2P_NOISE_TAG_BYTES)) {
            return ERR_OK;
        }
        if (size < P2P_NOISE_TAG_BYTES) {
            return report_err(report, ERR_MALFORMED, 0, "noise: a message is too short");
        }
        total = size;
        boxes[(*count)++] =
            (struct p2p_box){connection->host->scratch, (u32)(size - P2P_NOISE_TAG_BYTES)};
    }
    while (*count < MESSAGES && connection->stash.size == 0 &&
           input->size - input->taken >= SIZE_BYTES) {
        u8 *bytes = input->bytes + input->taken;
        size_t size = message_size(bytes);
        if (size < P2P_NOISE_TAG_BYTES) {
            return report_err(report, ERR_MALFORMED, 0, "noise: a message is too short");
        }
        if (input->size - input->taken < SIZE_BYTES + size) {
            break;
        }
        if (!takes(connection, total + size)) {
            connection->is_stalled = *count == 0;
            break;
        }
        total += size;
        boxes[(*count)++] = (struct p2p_box){bytes + SIZE_BYTES, (u32)(size - P2P_NOISE_TAG_BYTES)};
        input->taken += SIZE_BYTES + size;
    }
    return ERR_OK;
}

static enum err sealed(struct p2p_connection *connection, struct input *input,
                       struct report *report)
{
    const struct p2p_crypto *crypto = connection->host->config.crypto;
    struct p2p_box boxes[MESSAGES];
    size_t count;
    TRY(gather(connection, input, boxes, &count, report));
    if (count == 0) {
        if (!connection->is_stalled && connection->stash.size == 0) {
            (void)stash(connection, input, input->size); // the beginning of a message
        }
        return ERR_OK;
    }
    ASSERT(connection->receive_cipher.nonce < UINT64_MAX - MESSAGES);
    if (!crypto->open(crypto->context, &connection->receive_cipher, span_of(NULL, 0), boxes,
                      count)) {
        return report_err(report, ERR_MISMATCH, 0, "noise: a message was changed on its way");
    }
    connection->receive_cipher.nonce += count;
    connection->heard_ns = connection->now_ns;
    for (size_t i = 0; i < count; i++) {
        TRY(feed(connection, span_of(boxes[i].bytes, boxes[i].size), report));
    }
    return ERR_OK;
}

static enum err step(struct p2p_connection *connection, struct input *input, struct report *report)
{
    switch (connection->stage) {
    case P2P_STAGE_SECURITY:
        return security(connection, input, report);
    case P2P_STAGE_NOISE:
        return handshake(connection, input, report);
    case P2P_STAGE_MUXER:
    case P2P_STAGE_OPEN:
        return sealed(connection, input, report);
    default:
        input->taken = input->size; // a farewell needs no answer
        return ERR_OK;
    }
}

enum err p2p_connection_receive(struct p2p_connection *connection, u8 *bytes, size_t size,
                                u64 now_ns, size_t *taken, struct report *report)
{
    struct input input = {bytes, size, 0};
    connection->now_ns = now_ns;
    connection->is_stalled = false;
    enum err err = ERR_OK;
    for (;;) {
        enum p2p_stage stage = connection->stage;
        size_t before = input.taken, stashed = connection->stash.size;
        err = step(connection, &input, report);
        if (err == ERR_OK && connection->stage == P2P_STAGE_OPEN) {
            p2p_streams_run(connection); // services read, and make room
        }
        bool moved = input.taken != before || connection->stash.size != stashed;
        if (err != ERR_OK || connection->is_stalled || (!moved && connection->stage == stage)) {
            break;
        }
    }
    *taken = input.taken;
    if (err != ERR_OK) {
        *taken = size;
        return p2p_fail(connection, err);
    }
    if (connection->stage == P2P_STAGE_OPEN) {
        return p2p_farewell(connection, report);
    }
    return ERR_OK;
}
