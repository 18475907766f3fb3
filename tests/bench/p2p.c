// SPDX-License-Identifier: GPL-3.0-or-later
// How fast lib/p2p moves bytes: two of its connections back to back in one process, 64 MiB over one
// stream, and in blocks of 1 MiB or 256 KiB from one engine to the other; and beside each what
// libsodium alone takes to seal and open the same bytes, and to hash them where they are blocks.
//
//   p2p               rows for the table of `make bench`: the best of ROUNDS
//   p2p WHAT [alone]  one round, to be counted (perf stat, callgrind); WHAT: stream, 1, 256
#include "core/base/assert.h"
#include "lib/p2p/bitswap.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHUNKS = 1024,
    STREAMS = 16,
    WIRE_BYTES = 128 * 1024, // about what a socket takes at once
    TOTAL_BYTES = 64 << 20,
    WRITE_BYTES = 65536, // of a stream, at once
    BUFFERS = 2,
    WANTS = 64,
    UNDER_WAY_BYTES = 16 << 20, // blocks that are wanted at once
    BLOCK_LEAST_BYTES = 256 << 10,
    ROUNDS = 5,
};

struct side {
    struct p2p_dice dice;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct p2p_connection connection;
    struct p2p_stream *stream; // NULL: there is an engine
    struct bitswap engine;
    struct bitswap_peer peer;
    bool is_open;
    struct p2p_chunk chunks[CHUNKS];
    struct p2p_stream streams[STREAMS];
    struct bitswap_want wants[WANTS];
    struct bitswap_ask asks[WANTS * 2];
    struct bitswap_inbox inboxes[STREAMS];
    struct bitswap_order orders[WANTS];
    struct bitswap_buffer buffers[BUFFERS];
    u8 buffer_memory[BUFFERS * P2P_BLOCK_BYTES];
    u8 wire[WIRE_BYTES]; // to this side
    size_t wire_size;
};

// What one round does.
struct work {
    const char *argument;
    const char *name; // in the table
    u32 block_bytes;  // 0: a stream
};

static const struct work works[] = {
    {"stream", "64 MiB over a stream, sealed", 0},
    {"1", "64 MiB in blocks of 1 MiB, hashed and sealed", 1 << 20},
    {"256", "64 MiB in blocks of 256 KiB, hashed and sealed", BLOCK_LEAST_BYTES},
};

#define SINK SPAN_LITERAL("/sink/1")
static struct side sides[2]; // the first fetches blocks, and writes to the stream
static u8 file[TOTAL_BYTES];
static struct cid names[TOTAL_BYTES / BLOCK_LEAST_BYTES];
static u32 block_bytes, block_count, wanted, got, releases;
static size_t heard;

void assert_fail(const char *claim, const char *where, int line)
{
    fprintf(stderr, "%s:%d: %s\n", where, line, claim);
    abort();
}

// Of this process alone: it never waits, and other work takes nothing from it.
static u64 now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

// ---- two sides

static void engine_start(struct side *side)
{
    struct bitswap_config engine = {.crypto = &side->crypto,
                                    .protocol = P2P_SERVICES,
                                    .wants = side->wants,
                                    .want_count = WANTS,
                                    .asks = side->asks,
                                    .ask_count = WANTS * 2,
                                    .inboxes = side->inboxes,
                                    .inbox_count = STREAMS,
                                    .orders = side->orders,
                                    .order_count = WANTS,
                                    .buffers = side->buffers,
                                    .buffer_count = BUFFERS,
                                    .buffer_memory = side->buffer_memory,
                                    .buffer_bytes = P2P_BLOCK_BYTES};
    bitswap_init(&side->engine, &engine);
}

static void side_start(u32 index)
{
    static const struct span sink[] = {{(const u8 *)"/sink/1", 7}};
    static const struct span bitswap[] = {{(const u8 *)"/ipfs/bitswap/1.2.0", 19}};
    struct side *side = &sides[index];
    side->dice.state = index + 1;
    side->crypto = p2p_crypto_sodium(&side->dice);
    side->stream = NULL;
    side->is_open = false;
    side->wire_size = 0;
    struct p2p_host_config host = {.crypto = &side->crypto,
                                   .seed = {(u8)index},
                                   .protocols = block_bytes == 0 ? sink : bitswap,
                                   .protocol_count = 1,
                                   .has_early_muxer = true,
                                   .window_bytes = P2P_WINDOW_BYTES,
                                   .chunks = side->chunks,
                                   .chunk_count = CHUNKS,
                                   .streams = side->streams,
                                   .stream_count = STREAMS};
    ASSERT(p2p_host_init(&side->host, &host, NULL) == ERR_OK);
    if (block_bytes != 0) {
        engine_start(side);
    }
    p2p_connection_init(&side->connection, &side->host, index == 0, NULL, NULL, 1);
}

static void side_stop(u32 index)
{
    struct side *side = &sides[index];
    if (block_bytes == 0) {
        p2p_stream_close(side->stream);
        p2p_connection_drop(&side->connection);
    } else {
        bitswap_peer_remove(&side->engine, &side->peer, now_ns());
        p2p_connection_drop(&side->connection);
        bitswap_drop(&side->engine);
    }
    p2p_host_drop(&side->host);
}

// ---- a stream

static void stream_run(struct side *side)
{
    struct span front;
    while (side->stream != NULL && (front = p2p_stream_front(side->stream)).size != 0) {
        heard += front.size;
        p2p_stream_skip(side->stream, front.size);
    }
}

// Writes as much as there is room for; returns how much was written until now.
static size_t stream_write(size_t written)
{
    size_t done = 1;
    while (written < TOTAL_BYTES && done != 0) {
        size_t size = TOTAL_BYTES - written < WRITE_BYTES ? TOTAL_BYTES - written : WRITE_BYTES;
        done = p2p_stream_write(sides[0].stream, span_of(file + written, size));
        written += done;
    }
    return written;
}

// ---- blocks

static void want_more(struct side *side, u64 now)
{
    while (wanted < block_count && (wanted - got) * block_bytes < UNDER_WAY_BYTES &&
           wanted - got < WANTS) {
        ASSERT(bitswap_want(&side->engine, 0, &names[wanted++], now) == ERR_OK);
    }
}

static void engine_run(struct side *side, u64 now)
{
    struct bitswap_event event;
    struct bitswap_request request;
    bitswap_run(&side->engine, now);
    while ((event = bitswap_next(&side->engine)).kind != BITSWAP_EVENT_NONE) {
        got += event.kind == BITSWAP_EVENT_BLOCK;
        releases += event.kind == BITSWAP_EVENT_RELEASED;
    }
    while (bitswap_order_next(&side->engine, false, &request)) {
        u32 index = 0;
        while (index < block_count && !cid_equal(&names[index], &request.cid)) {
            index++;
        }
        ASSERT(index < block_count);
        ASSERT(bitswap_answer(&side->engine, request.id, true,
                              span_of(file + (size_t)index * block_bytes, block_bytes), index));
    }
    if (side == &sides[0]) {
        want_more(side, now);
    }
    bitswap_run(&side->engine, now);
}

// ---- turns

static void side_event(struct side *side, struct p2p_event event, u64 now)
{
    if (event.kind == P2P_EVENT_OPENED) {
        side->is_open = true;
        if (block_bytes != 0) {
            bitswap_peer_add(&side->engine, &side->peer, &side->connection, 0, now);
        }
    } else if (block_bytes != 0 && side->is_open) {
        (void)bitswap_event(&side->engine, &side->peer, event, now);
    } else if (event.kind == P2P_EVENT_ACCEPTED) {
        side->stream = event.stream;
    }
}

// Lets one side hear, work and send.
static void side_run(u32 index)
{
    struct side *side = &sides[index], *other = &sides[1 - index];
    struct p2p_event event;
    size_t taken, size;
    u64 now = now_ns();
    ASSERT(p2p_connection_receive(&side->connection, side->wire, side->wire_size, now, &taken,
                                  NULL) == ERR_OK);
    memmove(side->wire, side->wire + taken, side->wire_size - taken);
    side->wire_size -= taken;
    while ((event = p2p_connection_next(&side->connection)).kind != P2P_EVENT_NONE) {
        side_event(side, event, now);
    }
    if (block_bytes == 0) {
        stream_run(side);
    } else if (side->is_open) {
        engine_run(side, now);
    }
    while (WIRE_BYTES - other->wire_size >= P2P_SEND_BYTES &&
           (size = p2p_connection_send(&side->connection, other->wire + other->wire_size,
                                       WIRE_BYTES - other->wire_size, now)) != 0) {
        other->wire_size += size;
    }
}

static double ours(void)
{
    wanted = got = releases = 0;
    heard = 0;
    side_start(0);
    side_start(1);
    for (u32 i = 0; !sides[0].is_open || !sides[1].is_open; i++) {
        ASSERT(i < 100);
        side_run(i % 2);
    }
    u64 start = now_ns();
    if (block_bytes == 0) {
        size_t written = 0;
        ASSERT(p2p_stream_open(&sides[0].connection, SINK, &sides[0].stream, NULL) == ERR_OK);
        while (heard < TOTAL_BYTES) {
            written = stream_write(written);
            side_run(0);
            side_run(1);
        }
    }
    while (got < block_count) {
        side_run(0);
        side_run(1);
    }
    u64 end = now_ns();
    ASSERT(releases == block_count && sides[0].peer.unwanted_bytes == 0);
    side_stop(0);
    side_stop(1);
    return (double)(end - start) / 1e9;
}

// ---- libsodium

static void sodium_name(struct span bytes, u8 out[CID_DIGEST_BYTES])
{
    struct p2p_dice dice = {1};
    p2p_crypto_sodium(&dice).sha256(&dice, bytes, span_of(NULL, 0), out);
}

// The same bytes sealed and opened in messages of full size, and hashed, and nothing else.
static double alone(void)
{
    static u8 message[P2P_NOISE_MESSAGE_BYTES];
    struct p2p_dice dice = {1};
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    struct p2p_cipher send = {{1}, 0, 0}, receive = {{1}, 0, 0};
    u8 digest[CID_DIGEST_BYTES];
    u64 start = now_ns();
    for (size_t done = 0; done < TOTAL_BYTES; done += P2P_NOISE_PLAIN_BYTES) {
        struct p2p_box box = {message, P2P_NOISE_PLAIN_BYTES};
        ASSERT(crypto.seal(&dice, &send, span_of(NULL, 0), &box, 1));
        send.nonce++;
        ASSERT(crypto.open(&dice, &receive, span_of(NULL, 0), &box, 1));
        receive.nonce++;
    }
    for (u32 i = 0; i < block_count; i++) {
        sodium_name(span_of(file + (size_t)i * block_bytes, block_bytes), digest);
    }
    return (double)(now_ns() - start) / 1e9;
}

// ---- rows

static void prepare(const struct work *work)
{
    block_bytes = work->block_bytes;
    block_count = block_bytes == 0 ? 0 : TOTAL_BYTES / block_bytes;
    for (u32 i = 0; i < block_count; i++) {
        u8 *block = file + (size_t)i * block_bytes;
        memcpy(block, &i, sizeof i);
        names[i] = cid_of_block(CID_RAW, span_of(block, block_bytes), sodium_name);
    }
}

static void row(const struct work *work)
{
    double best[2] = {1e9, 1e9}, mb = (double)TOTAL_BYTES / 1e6;
    for (u32 i = 0; i < ROUNDS; i++) { // in turns, so that a busy machine is busy for both
        double seconds[2] = {ours(), alone()};
        for (u32 j = 0; j < 2; j++) {
            best[j] = seconds[j] < best[j] ? seconds[j] : best[j];
        }
    }
    printf("| p2p: %s | %.0f MB/s | %.0f MB/s, libsodium alone | %.2f | 0.80 |\n", work->name,
           mb / best[0], mb / best[1], best[1] / best[0]);
}

int main(int argc, char **argv)
{
    ASSERT(p2p_sodium_start());
    for (size_t i = 0; i < COUNT_OF(works); i++) {
        if (argc > 1 && strcmp(argv[1], works[i].argument) != 0) {
            continue;
        }
        prepare(&works[i]);
        if (argc > 1) {
            printf("%.0f ms\n", 1e3 * (argc > 2 ? alone() : ours()));
        } else {
            row(&works[i]);
        }
    }
    return 0;
}
