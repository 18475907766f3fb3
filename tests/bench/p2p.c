// SPDX-License-Identifier: GPL-3.0-or-later
// How fast a connection of lib/p2p moves bytes: two of them back to back in one process, 64 MiB
// over one stream through Noise and yamux, and beside it what libsodium alone takes for the same
// bytes.
//
//   p2p            rows for the table of `make bench`: the best of ROUNDS
//   p2p ours|peer  one round of one of them, to be counted (perf stat, callgrind)
#include "core/base/assert.h"
#include "lib/p2p/connection.h"
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
    ROUNDS = 7,
};

struct side {
    struct p2p_dice dice;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct p2p_connection connection;
    struct p2p_stream *stream;
    struct p2p_chunk chunks[CHUNKS];
    struct p2p_stream streams[STREAMS];
    u8 wire[WIRE_BYTES]; // to this side
    size_t wire_size;
};

static struct side sides[2];
static u8 source[65536];

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static u64 now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static void side_start(u32 index)
{
    static const struct span names[] = {{(const u8 *)"/sink/1", 7}};
    struct side *side = &sides[index];
    side->dice.state = index + 1;
    side->crypto = p2p_crypto_sodium(&side->dice);
    struct p2p_host_config config = {.crypto = &side->crypto,
                                     .seed = {(u8)index},
                                     .protocols = names,
                                     .protocol_count = 1,
                                     .has_early_muxer = true,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = side->chunks,
                                     .chunk_count = CHUNKS,
                                     .streams = side->streams,
                                     .stream_count = STREAMS};
    ASSERT(p2p_host_init(&side->host, &config, NULL) == ERR_OK);
    p2p_connection_init(&side->connection, &side->host, index == 0, NULL, NULL, 1);
}

// Lets one side hear and send; returns how many bytes it read from streams.
static size_t side_run(u32 index)
{
    struct side *side = &sides[index], *other = &sides[1 - index];
    size_t taken, heard = 0, size;
    ASSERT(p2p_connection_receive(&side->connection, side->wire, side->wire_size, 1, &taken,
                                  NULL) == ERR_OK);
    memmove(side->wire, side->wire + taken, side->wire_size - taken);
    side->wire_size -= taken;
    for (;;) {
        struct p2p_event event = p2p_connection_next(&side->connection);
        if (event.kind == P2P_EVENT_NONE) {
            break;
        }
        if (event.kind == P2P_EVENT_ACCEPTED) {
            side->stream = event.stream;
        }
    }
    if (index == 1 && side->stream != NULL) {
        struct span front;
        while ((front = p2p_stream_front(side->stream)).size != 0) {
            heard += front.size;
            p2p_stream_skip(side->stream, front.size);
        }
    }
    while (WIRE_BYTES - other->wire_size >= P2P_SEND_BYTES &&
           (size = p2p_connection_send(&side->connection, other->wire + other->wire_size,
                                       WIRE_BYTES - other->wire_size, 1)) != 0) {
        other->wire_size += size;
    }
    return heard;
}

static double ours(void)
{
    side_start(0);
    side_start(1);
    sides[0].stream = sides[1].stream = NULL;
    sides[0].wire_size = sides[1].wire_size = 0;
    for (u32 i = 0; i < 10; i++) {
        side_run(i % 2);
    }
    ASSERT(p2p_stream_open(&sides[0].connection, SPAN_LITERAL("/sink/1"), &sides[0].stream, NULL) ==
           ERR_OK);
    u64 start = now_ns();
    size_t written = 0, heard = 0;
    while (heard < TOTAL_BYTES) {
        size_t done = 1;
        while (written < TOTAL_BYTES && done != 0) {
            size_t size = TOTAL_BYTES - written;
            size = size < sizeof source ? size : sizeof source;
            done = p2p_stream_write(sides[0].stream, span_of(source, size));
            written += done;
        }
        side_run(0);
        heard += side_run(1);
    }
    u64 end = now_ns();
    for (u32 i = 0; i < 2; i++) {
        p2p_stream_close(sides[i].stream);
        p2p_connection_drop(&sides[i].connection);
        p2p_host_drop(&sides[i].host);
    }
    return (double)(end - start) / 1e9;
}

// The same bytes sealed and opened in messages of full size, and nothing else.
static double sealing(void)
{
    static u8 message[P2P_NOISE_MESSAGE_BYTES];
    struct p2p_dice dice = {1};
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    struct p2p_cipher send = {{1}, 0, 0}, receive = {{1}, 0, 0};
    u64 start = now_ns();
    for (size_t done = 0; done < TOTAL_BYTES; done += P2P_NOISE_PLAIN_BYTES) {
        struct p2p_box box = {message, P2P_NOISE_PLAIN_BYTES};
        ASSERT(crypto.seal(&dice, &send, span_of(NULL, 0), &box, 1));
        send.nonce++;
        ASSERT(crypto.open(&dice, &receive, span_of(NULL, 0), &box, 1));
        receive.nonce++;
    }
    return (double)(now_ns() - start) / 1e9;
}

int main(int argc, char **argv)
{
    ASSERT(p2p_sodium_start());
    if (argc == 2) {
        printf("%.0f ms\n", 1e3 * (strcmp(argv[1], "peer") == 0 ? sealing() : ours()));
        return 0;
    }
    double best[2] = {1e9, 1e9};
    for (u32 i = 0; i < ROUNDS; i++) { // in turns, so that a busy machine is busy for both
        double seconds[2] = {ours(), sealing()};
        for (u32 j = 0; j < 2; j++) {
            best[j] = seconds[j] < best[j] ? seconds[j] : best[j];
        }
    }
    double mb = (double)TOTAL_BYTES / 1e6;
    printf("| p2p: 64 MiB, sealed and opened, through two connections | %.0f MB/s | %.0f MB/s, "
           "libsodium alone | %.2f | 0.80 |\n",
           mb / best[0], mb / best[1], best[1] / best[0]);
    return 0;
}
