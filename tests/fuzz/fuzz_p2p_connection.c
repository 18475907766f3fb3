// SPDX-License-Identifier: GPL-3.0-or-later
// A whole connection, with cryptography that lets anything pass, so that an input gets through
// all layers. The first byte: the role (1), the muxer named early (2), whether the handshake is
// done for the input (4), which then is what stands in messages. Each piece stands behind its
// size, which also says how much time passes, and what the application does.
#include "core/base/assert.h"
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { CHUNKS = 700, STREAMS = 160, OUT_BYTES = 70000, BYTE_MS = 100 };

static struct p2p_dice dice;
static struct p2p_crypto crypto;
static struct p2p_host hosts[2]; // the one that is tried, and one for its handshake
static struct p2p_chunk chunks[2][CHUNKS];
static struct p2p_stream streams[2][STREAMS];
static u64 now_ns;

static void host_start(u32 index, bool has_early_muxer)
{
    static const struct span names[] = {{(const u8 *)"/e/1", 4}};
    struct p2p_host_config config = {.crypto = &crypto,
                                     .seed = {(u8)index},
                                     .protocols = names,
                                     .protocol_count = 1,
                                     .agent = SPAN_LITERAL("fuzz"),
                                     .has_early_muxer = has_early_muxer,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = chunks[index],
                                     .chunk_count = CHUNKS,
                                     .streams = streams[index],
                                     .stream_count = STREAMS};
    ASSERT(p2p_host_init(&hosts[index], &config, NULL) == ERR_OK);
}

static void echo(struct p2p_stream *stream)
{
    struct span front;
    while ((front = p2p_stream_front(stream)).size != 0) {
        size_t done = p2p_stream_write(stream, front);
        p2p_stream_skip(stream, done);
        if (done < front.size) {
            return;
        }
    }
    if (p2p_stream_is_failed(stream) || p2p_stream_is_ended(stream)) {
        p2p_stream_close(stream);
    }
}

static void events(struct p2p_connection *connection)
{
    struct p2p_event event;
    while ((event = p2p_connection_next(connection)).kind != P2P_EVENT_NONE) {
        if (event.stream != NULL) {
            echo(event.stream);
        }
        if (event.kind == P2P_EVENT_OPENED) {
            (void)p2p_connection_ping(connection, NULL);
        }
    }
}

// Takes what the connection sends; *size of it stay in `out`.
static void send_all(struct p2p_connection *connection, u8 *out, size_t *size)
{
    size_t done;
    *size = 0;
    while ((done = p2p_connection_send(connection, out, OUT_BYTES, now_ns)) != 0) {
        *size = done;
    }
}

static void receive(struct p2p_connection *connection, const u8 *data, size_t size)
{
    u8 *bytes = malloc(size); // of its own, so that the sanitizer sees its end
    size_t taken = 0;
    mem_copy(bytes, data, size);
    (void)p2p_connection_receive(connection, bytes, size, now_ns, &taken, NULL);
    ASSERT(taken <= size && (taken == size || connection->is_stalled));
    free(bytes);
    events(connection);
}

// Two connections shake hands, and the second is gone afterwards.
static void shake_hands(struct p2p_connection *connection, bool is_dialler)
{
    static u8 out[OUT_BYTES];
    struct p2p_connection other;
    host_start(1, true);
    p2p_connection_init(&other, &hosts[1], !is_dialler, NULL, NULL, now_ns);
    for (u32 i = 0; i < 4; i++) {
        struct p2p_connection *from = (i % 2 == 0) == is_dialler ? connection : &other;
        struct p2p_connection *to = from == &other ? connection : &other;
        size_t size = 0;
        for (size_t done;
             size + P2P_SEND_BYTES <= OUT_BYTES &&
             (done = p2p_connection_send(from, out + size, OUT_BYTES - size, now_ns)) != 0;) {
            size += done;
        }
        receive(to, out, size);
    }
    p2p_connection_drop(&other);
    p2p_host_drop(&hosts[1]);
}

// Wraps each piece into a message that looks sealed.
static void receive_sealed(struct p2p_connection *connection, const u8 *data, size_t size)
{
    u8 *message = calloc(1, 2 + size + P2P_NOISE_TAG_BYTES);
    message[0] = (u8)((size + P2P_NOISE_TAG_BYTES) >> 8);
    message[1] = (u8)(size + P2P_NOISE_TAG_BYTES);
    mem_copy(message + 2, data, size);
    receive(connection, message, 2 + size + P2P_NOISE_TAG_BYTES);
    free(message);
}

// What an application does now and then.
static void act(struct p2p_connection *connection, size_t what)
{
    static const u8 zeros[10000];
    struct p2p_stream *stream;
    if (what % 8 == 1) {
        (void)p2p_connection_push(connection, NULL);
    } else if (what % 8 == 2) {
        (void)p2p_connection_ping(connection, NULL);
    } else if (what % 8 < 5 &&
               p2p_stream_open(connection, SPAN_LITERAL("/e/1"), &stream, NULL) == ERR_OK) {
        (void)p2p_stream_write(stream, span_of(zeros, what * 39));
        if (what % 8 == 3) {
            p2p_stream_close(stream);
        } else {
            p2p_stream_finish(stream); // its end is heard of, and it is closed then
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u8 out[OUT_BYTES];
    if (size == 0) {
        return 0;
    }
    u8 how = data[0];
    bool is_dialler = (how & 1) != 0;
    size_t sent;
    dice.state = 1;
    crypto = p2p_crypto_plain(&dice);
    now_ns = 1;
    struct p2p_connection connection;
    host_start(0, (how & 2) != 0);
    p2p_connection_init(&connection, &hosts[0], is_dialler, NULL, NULL, now_ns);
    if ((how & 4) != 0) {
        shake_hands(&connection, is_dialler);
    }
    for (size_t at = 1; at < size;) {
        size_t piece = data[at++];
        piece = piece < size - at ? piece : size - at;
        if ((how & 4) != 0) {
            receive_sealed(&connection, data + at, piece);
        } else {
            receive(&connection, data + at, piece);
        }
        at += piece;
        now_ns += (u64)piece * BYTE_MS * 1000000;
        act(&connection, piece);
        if (p2p_connection_wake(&connection) <= now_ns) {
            (void)p2p_connection_tick(&connection, now_ns, NULL);
        }
        if (piece % 3 != 0) {
            send_all(&connection, out, &sent);
        }
        events(&connection);
    }
    p2p_connection_close(&connection, now_ns);
    events(&connection);
    send_all(&connection, out, &sent);
    p2p_connection_drop(&connection);
    p2p_host_drop(&hosts[0]); // has everything
    return 0;
}
