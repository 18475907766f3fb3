// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/p2p_pair.h: two connections back to back, with a wire between them that cuts bytes as
// it likes.
//
// Use     pair_make, then pair_run until nothing moves; sides[0] dials. The wire holds at most
//         WIRE_BYTES each way, so a side that is not read from feels it. pair_drop checks that both
//         hosts have got everything back.
// Owner   a pair is one block of memory, large; make it with malloc inside pair_make.
#pragma once
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_crypto.h"

enum {
    PAIR_CHUNKS = 1024,
    PAIR_STREAMS = 256,
    WIRE_BYTES = 256 * 1024,
};

struct pair_wire {
    size_t size;
    u8 bytes[WIRE_BYTES];
};

struct pair_side {
    struct p2p_dice dice;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct p2p_connection connection;
    struct p2p_chunk chunks[PAIR_CHUNKS];
    struct p2p_stream streams[PAIR_STREAMS];
    struct pair_wire in; // what the other side sent and this one has not taken
    enum err err;        // the first that its connection returned
    struct report *report;
    u32 opened, identified, pongs;
    // Called with each event that is about a stream; NULL: streams are closed at once.
    void (*on_stream)(struct pair_side *side, struct p2p_event event);
    void *context;
};

struct pair_options {
    u64 seed;
    bool is_plain;                  // without cryptography
    bool early_muxer[2];            // of each side
    size_t cut_bytes;               // the wire brings at most so many at once, at random; 0: all
    size_t room_bytes;              // of p2p_connection_send; 0: 128 KiB
    const struct peer_id *expected; // of the dialler
};

struct pair {
    u64 now_ns;
    struct pair_options options;
    struct p2p_dice dice;
    struct pair_side sides[2];
};

extern const struct span pair_protocols[2]; // "/echo/1", "/sink/1"; of both sides

struct pair *pair_make(struct pair_options options);
void pair_drop(struct pair *pair);
// One exchange each way; false when nothing moved.
bool pair_step(struct pair *pair);
// Until nothing moves. ASSERTs that this comes to an end.
void pair_run(struct pair *pair);
// The same for a while: time passes in steps of 100 ms.
void pair_wait(struct pair *pair, u64 ms);
