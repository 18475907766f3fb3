// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/multistream.h: two peers agree on the protocol of a stream of bytes.
//
// Use     the dialler writes multistream_propose, at once and with data behind it when it pleases
//         (it knows one name only, so it waits for nothing), and reads the answer. The listener
//         reads and writes what `reply` says. Each calls multistream_read on what has arrived,
//         drops `taken` bytes, and goes on until it says AGREED or REFUSED.
// Owner   all of it the caller's.
// Limits  P2P_LINE_BYTES, P2P_PROPOSALS. At most one reply for each line that was read.
// Source  libp2p specifications, "Connection establishment"; multiformats/multistream-select 1.0.
//         `ls` is answered as any other name that is not spoken here: "na".
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/limits.h"
struct report;

enum {
    // Of a name as a line: its size in a varint, itself, a newline.
    MULTISTREAM_NAME_BYTES = 2 + P2P_PROTOCOL_BYTES + 1,
    MULTISTREAM_HEADER_BYTES = 20,
    MULTISTREAM_PROPOSAL_BYTES = MULTISTREAM_HEADER_BYTES + MULTISTREAM_NAME_BYTES,
    // What reading one line may have to be at hand: more need not be kept together.
    MULTISTREAM_LINE_BYTES = 2 + P2P_LINE_BYTES,
};

enum multistream_step {
    MULTISTREAM_MORE,    // the front of `bytes` is no whole line yet
    MULTISTREAM_LINE,    // a line was read; send the reply and call again
    MULTISTREAM_AGREED,  // on names[agreed]; what follows belongs to that protocol
    MULTISTREAM_REFUSED, // the listener does not speak the dialler's protocol
};

struct multistream {
    bool is_dialler;
    bool has_header;
    u8 proposals;
};

struct multistream_answer {
    size_t taken; // bytes to drop, also 0
    u32 agreed;
    u32 reply_size;
    u8 reply[MULTISTREAM_PROPOSAL_BYTES];
};

// The header and one name, of at most P2P_PROTOCOL_BYTES; returns how many bytes.
size_t multistream_propose(struct span name, u8 out[MULTISTREAM_PROPOSAL_BYTES]);

// Reads the line at the front of `bytes`.
//   names  what the listener speaks; of the dialler the one that it proposed
// ERR_MALFORMED  not a line, or not one that may come here
// ERR_LIMIT      a line beyond P2P_LINE_BYTES, or more than P2P_PROPOSALS names
enum err multistream_read(struct multistream *stream, struct span bytes, const struct span *names,
                          size_t name_count, enum multistream_step *step,
                          struct multistream_answer *answer, struct report *report);
