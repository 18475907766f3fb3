// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/p2p_pair.h"
#include "core/base/assert.h"
#include <stdlib.h>

enum { STEPS = 10000000, ROOM_BYTES = 128 * 1024 };

const struct span pair_protocols[2] = {
    {(const u8 *)"/echo/1", 7},
    {(const u8 *)"/sink/1", 7},
};

static void side_init(struct pair *pair, u32 index)
{
    struct pair_side *side = &pair->sides[index];
    side->dice.state = pair->options.seed * 2 + index;
    side->crypto =
        pair->options.is_plain ? p2p_crypto_plain(&side->dice) : p2p_crypto_sodium(&side->dice);
    struct p2p_host_config config = {.crypto = &side->crypto,
                                     .protocols = pair_protocols,
                                     .protocol_count = COUNT_OF(pair_protocols),
                                     .agent = SPAN_LITERAL("pair/1"),
                                     .has_early_muxer = pair->options.early_muxer[index],
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = side->chunks,
                                     .chunk_count = PAIR_CHUNKS,
                                     .streams = side->streams,
                                     .stream_count = PAIR_STREAMS};
    mem_fill(config.seed, (u8)(index + 1), sizeof config.seed);
    ASSERT(p2p_host_init(&side->host, &config, NULL) == ERR_OK);
}

struct pair *pair_make(struct pair_options options)
{
    struct pair *pair = calloc(1, sizeof *pair);
    ASSERT(pair != NULL);
    pair->options = options;
    pair->dice.state = options.seed;
    pair->now_ns = 1000000000;
    for (u32 i = 0; i < 2; i++) {
        side_init(pair, i);
    }
    for (u32 i = 0; i < 2; i++) {
        struct pair_side *side = &pair->sides[i];
        p2p_connection_init(&side->connection, &side->host, i == 0,
                            i == 0 ? options.expected : NULL, NULL, pair->now_ns);
    }
    return pair;
}

void pair_drop(struct pair *pair)
{
    for (u32 i = 0; i < 2; i++) {
        if (pair->sides[i].connection.host != NULL) {
            p2p_connection_drop(&pair->sides[i].connection);
        }
        p2p_host_drop(&pair->sides[i].host);
    }
    free(pair);
}

static void note(struct pair_side *side, enum err err)
{
    side->err = side->err == ERR_OK ? err : side->err;
}

static bool run_events(struct pair_side *side)
{
    bool moved = false;
    for (;;) {
        struct p2p_event event = p2p_connection_next(&side->connection);
        switch (event.kind) {
        case P2P_EVENT_NONE:
            return moved;
        case P2P_EVENT_OPENED:
            side->opened++;
            break;
        case P2P_EVENT_IDENTIFIED:
            side->identified++;
            break;
        case P2P_EVENT_PONG:
            side->pongs++;
            break;
        default:
            if (side->on_stream != NULL) {
                side->on_stream(side, event);
            } else {
                p2p_stream_close(event.stream);
            }
            break;
        }
        moved = true;
    }
}

static bool side_receive(struct pair *pair, struct pair_side *side)
{
    size_t size = side->in.size;
    if (pair->options.cut_bytes != 0 && size != 0) {
        size_t cut = (size_t)(p2p_dice_roll(&pair->dice) % pair->options.cut_bytes) + 1;
        size = cut < size ? cut : size;
    }
    u8 *bytes = malloc(size); // of its own, so that the sanitizer sees its end
    mem_copy(bytes, side->in.bytes, size);
    size_t taken;
    note(side, p2p_connection_receive(&side->connection, bytes, size, pair->now_ns, &taken,
                                      side->report));
    ASSERT(taken <= size);
    mem_move(side->in.bytes, side->in.bytes + taken, side->in.size - taken);
    side->in.size -= taken;
    free(bytes);
    return taken != 0;
}

static bool side_send(struct pair *pair, struct pair_side *side, struct pair_wire *wire)
{
    bool moved = false;
    size_t most = pair->options.room_bytes != 0 ? pair->options.room_bytes : ROOM_BYTES;
    for (;;) {
        size_t room = WIRE_BYTES - wire->size;
        room = room < most ? room : most;
        if (room < P2P_SEND_BYTES) {
            return moved;
        }
        u8 *bytes = malloc(room);
        size_t size = p2p_connection_send(&side->connection, bytes, room, pair->now_ns);
        ASSERT(size <= room);
        mem_copy(wire->bytes + wire->size, bytes, size);
        wire->size += size;
        free(bytes);
        if (size == 0) {
            return moved;
        }
        moved = true;
    }
}

bool pair_step(struct pair *pair)
{
    bool moved = false;
    for (u32 i = 0; i < 2; i++) {
        struct pair_side *side = &pair->sides[i];
        if (side->connection.host == NULL) {
            continue;
        }
        moved = side_receive(pair, side) || moved;
        moved = run_events(side) || moved;
        moved = side_send(pair, side, &pair->sides[1 - i].in) || moved;
        moved = run_events(side) || moved;
    }
    return moved;
}

void pair_run(struct pair *pair)
{
    u32 steps = 0;
    while (pair_step(pair)) {
        ASSERT(++steps < STEPS);
    }
}

void pair_wait(struct pair *pair, u64 ms)
{
    for (u64 passed = 0; passed < ms; passed += 100) {
        pair->now_ns += (u64)100 * 1000000;
        for (u32 i = 0; i < 2; i++) {
            struct pair_side *side = &pair->sides[i];
            if (side->connection.host != NULL &&
                p2p_connection_wake(&side->connection) <= pair->now_ns) {
                note(side, p2p_connection_tick(&side->connection, pair->now_ns, side->report));
            }
        }
        pair_run(pair);
    }
}
