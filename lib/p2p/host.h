// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/host.h: what all connections of one peer share: who it is, what it speaks, its memory.
//
// Use     p2p_host_init, then connections (connection.h). One thread at a time uses a host and all
//         its connections.
// Owner   what p2p_host_config points at stays the caller's and outlives the host, its names and
//         addresses included; the host outlives its connections and streams.
// Limits  P2P_PROTOCOLS names, its own three included. Chunks: 640 (2.5 MiB) let one connection use
//         all that it may; idle connections hold none. Streams: P2P_STREAMS_IN and _OUT at most
//         for each busy connection, three for an idle one.
#pragma once
#include "core/base/err.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/noise.h"
#include "lib/p2p/peer_id.h"
#include "lib/p2p/queue.h"
#include "lib/p2p/yamux.h"
struct p2p_stream;
struct report;

struct p2p_host_config {
    const struct p2p_crypto *crypto;
    u8 seed[P2P_SECRET_BYTES];    // of the Ed25519 identity
    const struct span *protocols; // that the application handles: "/ipfs/bitswap/1.2.0"
    u32 protocol_count;
    struct span agent;                 // "redshirt/1.0"; at most P2P_AGENT_BYTES - 1
    const struct multiaddr *addresses; // where we listen, as peers are told
    u32 address_count;                 // at most P2P_IDENTIFY_ADDRESSES
    bool has_early_muxer;              // names the muxer in the handshake, which saves a round trip
    u32 window_bytes;                  // of a stream: YAMUX_WINDOW_BYTES or more; P2P_WINDOW_BYTES
    struct p2p_chunk *chunks;
    u32 chunk_count;
    struct p2p_stream *streams;
    u32 stream_count;
};

// The protocols of the transport itself, first among a host's names.
enum p2p_service {
    P2P_SERVICE_IDENTIFY,
    P2P_SERVICE_PUSH,
    P2P_SERVICE_PING,
    P2P_SERVICES, // the first of the application's
};

struct p2p_host {
    struct p2p_host_config config;
    struct peer_id id;
    u8 identity[P2P_POINT_BYTES];
    struct noise_key fixed; // made anew by each host, never kept
    u8 signature[P2P_SIGNATURE_BYTES];
    u32 name_count;
    struct span names[P2P_PROTOCOLS];
    struct p2p_pool pool;
    struct yamux_streams streams;
    u32 connection_count;
    u8 scratch[P2P_NOISE_MESSAGE_BYTES + 1]; // within one call of a connection
};

// ERR_LIMIT    more names, addresses, or letters of them than limits.h has: all together at most
//              P2P_IDENTIFY_BYTES
// ERR_INVALID  a window below the format's; the crypto makes no keys
enum err p2p_host_init(struct p2p_host *host, const struct p2p_host_config *config,
                       struct report *report);
// Overwrites its keys. No connection is left, and no stream is held.
void p2p_host_drop(struct p2p_host *host);
