// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p as a program: two connections back to back, their cryptography in the machine. Echoes as
// many bytes as the argument says, and prints that they came back.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_section.h"
#include "interfaces/random.h"
#include "interfaces/random_section.h"
#include "lib/p2p/connection.h"
#include "programs/p2p/crypto.h"
#include "programs/rt/redshirt.h"

enum {
    CHUNKS = 512,
    STREAMS = 16,
    WIRE_BYTES = 150000,
    STEPS = 1000000,
};

struct side {
    struct p2p_host host;
    struct p2p_connection connection;
    struct p2p_chunk chunks[CHUNKS];
    struct p2p_stream streams[STREAMS];
    struct p2p_stream *stream;
    u8 wire[WIRE_BYTES]; // to this side
    size_t wire_size;
    u32 identified;
};

static struct p2p_machine machine;
static struct p2p_crypto crypto;
static struct side sides[2];
static size_t total, written, heard;
static bool is_right = true;

static u8 byte_at(size_t at)
{
    return (u8)(at * 13 + (at >> 10));
}

static void start(u32 index)
{
    static const struct span names[] = {{(const u8 *)"/echo/1", 7}};
    struct p2p_host_config config = {.crypto = &crypto,
                                     .seed = {(u8)index},
                                     .protocols = names,
                                     .protocol_count = 1,
                                     .agent = SPAN_LITERAL("guest"),
                                     .has_early_muxer = true,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = sides[index].chunks,
                                     .chunk_count = CHUNKS,
                                     .streams = sides[index].streams,
                                     .stream_count = STREAMS};
    ASSERT(p2p_host_init(&sides[index].host, &config, NULL) == ERR_OK);
    p2p_connection_init(&sides[index].connection, &sides[index].host, index == 0, NULL, NULL, 1);
}

static void ask(struct p2p_stream *stream)
{
    u8 bytes[1024];
    while (written < total) {
        size_t size = total - written < sizeof bytes ? total - written : sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = byte_at(written + i);
        }
        size_t done = p2p_stream_write(stream, span_of(bytes, size));
        written += done;
        if (done < size) {
            break;
        }
    }
    if (written == total) {
        p2p_stream_finish(stream);
    }
    for (struct span front; (front = p2p_stream_front(stream)).size != 0;) {
        for (size_t i = 0; i < front.size; i++) {
            is_right = is_right && front.data[i] == byte_at(heard + i);
        }
        heard += front.size;
        p2p_stream_skip(stream, front.size);
    }
}

static void answer(struct p2p_stream *stream)
{
    for (struct span front; (front = p2p_stream_front(stream)).size != 0;) {
        size_t done = p2p_stream_write(stream, front);
        p2p_stream_skip(stream, done);
        if (done < front.size) {
            return;
        }
    }
    if (p2p_stream_is_ended(stream)) {
        p2p_stream_finish(stream);
    }
}

static bool events(struct side *side, u32 index)
{
    bool moved = false;
    for (;;) {
        struct p2p_event event = p2p_connection_next(&side->connection);
        if (event.kind == P2P_EVENT_NONE) {
            return moved;
        }
        moved = true;
        if (event.kind == P2P_EVENT_IDENTIFIED) {
            side->identified++;
        } else if (event.stream != NULL) {
            side->stream = event.stream;
            if (index == 0) {
                ask(event.stream);
            } else {
                answer(event.stream);
            }
        }
    }
}

static bool step(u32 index)
{
    struct side *side = &sides[index], *other = &sides[1 - index];
    size_t taken, size;
    ASSERT(p2p_connection_receive(&side->connection, side->wire, side->wire_size, 1, &taken,
                                  NULL) == ERR_OK);
    mem_move(side->wire, side->wire + taken, side->wire_size - taken);
    side->wire_size -= taken;
    bool moved = events(side, index) || taken != 0;
    while (WIRE_BYTES - other->wire_size >= P2P_SEND_BYTES &&
           (size = p2p_connection_send(&side->connection, other->wire + other->wire_size,
                                       WIRE_BYTES - other->wire_size, 1)) != 0) {
        other->wire_size += size;
        moved = true;
    }
    return events(side, index) || moved;
}

static void run(void)
{
    for (u32 i = 0; i < STEPS; i++) {
        bool moved = step(0);
        if (!step(1) && !moved) {
            return;
        }
    }
}

u32 program_main(void)
{
    i64 crypto_bond = rt_bind(&crypto_interface, false);
    i64 random_bond = rt_bind(&random_interface, false);
    if (crypto_bond < 0 || random_bond < 0) {
        return 2;
    }
    machine.crypto_bond = (u32)crypto_bond;
    machine.random_bond = (u32)random_bond;
    crypto = p2p_crypto_over(&machine);
    struct span digits = rt_argument(1);
    for (size_t i = 0; i < digits.size; i++) {
        total = total * 10 + (digits.data[i] - (size_t)'0');
    }
    start(0);
    start(1);
    run();
    if (sides[0].identified == 1 && sides[1].identified == 1) {
        (void)rt_print("identified\n");
    }
    if (p2p_stream_open(&sides[0].connection, SPAN_LITERAL("/echo/1"), &sides[0].stream, NULL) !=
        ERR_OK) {
        return 1;
    }
    ask(sides[0].stream);
    run();
    if (is_right && heard == total && p2p_stream_is_ended(sides[0].stream)) {
        (void)rt_print("echoed\n");
    }
    for (u32 i = 0; i < 2; i++) {
        p2p_stream_close(sides[i].stream);
        p2p_connection_drop(&sides[i].connection);
        p2p_host_drop(&sides[i].host); // has everything
    }
    return 0;
}
