// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/p2p_net.h: a network of peers in memory, made of a seed: each has a host, connections
// and a bitswap engine, and blocks; links have delays and rates, and break.
//
// Use     net_make, net_link between nodes, net_want a file; then net_run. Time passes as the links
//         need it. What a node does as a provider is its `manner`; a node of manner RAW has no
//         engine, and the test moves its streams (on_event).
// Owner   all of it is on the heap; net_drop gives it back and checks that hosts and engines have.
#pragma once
#include "lib/p2p/bitswap.h"
#include "lib/p2p/walk.h"
#include "tests/unit/file_blocks.h"
#include "tests/unit/p2p_crypto.h"

enum {
    NET_NODES = 24,
    NET_LINKS = 96,
    NET_CHUNKS = 1024,
    NET_STREAMS = 512,
    NET_WANTS = 128,
    NET_ASKS = 512,
    NET_INBOXES = 64,
    NET_ORDERS = 3000,
    NET_BUFFERS = 3,
    NET_ITEMS = 1024,
    NET_WIRE_BYTES = 256 * 1024,
};

enum net_manner {
    NET_HONEST,
    NET_LIAR,    // sends other bytes
    NET_SILENT,  // says that it has everything, and sends nothing
    NET_LACKING, // has nothing
    NET_PARTIAL, // has some of it
    NET_ABSENT,  // never answers
    NET_RAW,
};

struct net;
struct net_node;
struct net_packet;

struct net_end {
    struct net_node *node;
    struct net_link *link;
    bool is_added; // to the engine
    struct p2p_connection connection;
    struct bitswap_peer peer;
    struct net_packet *first, *last; // towards this end
    size_t wire_bytes;
    u64 wire_ns; // when the last of them arrives
    u64 sent_bytes;
    enum err err;
};

struct net_link {
    bool is_up;
    u64 delay_ns;
    u64 bytes_per_ms; // 0: no bound
    u64 cut_after;    // bytes that ends[1] sends before it goes; 0: never
    struct net_end ends[2];
};

// What was told of a peer, by node.
struct net_told {
    u32 unwanted, late, drops;
    enum err err;
};

struct net_node {
    struct net *net;
    u32 index;
    enum net_manner manner;
    bool is_busy; // looks at no orders: the test does
    struct p2p_dice dice;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct bitswap engine;
    struct file_blocks *blocks; // its own
    u32 held;                   // blocks that are the engine's
    u32 most_held;
    // A file that is fetched.
    bool is_fetching;
    u32 window;
    struct p2p_walk walk;
    struct p2p_walk_item items[NET_ITEMS];
    u8 *bytes; // of it
    enum err err;
    u32 missing; // times that it was told so
    u32 blocks_got;
    struct net_told told[NET_NODES];
    void (*on_event)(struct net_end *end, struct p2p_event event); // of manner RAW
    void *context;
    struct p2p_chunk chunks[NET_CHUNKS];
    struct p2p_stream streams[NET_STREAMS];
    struct bitswap_want wants[NET_WANTS];
    struct bitswap_ask asks[NET_ASKS];
    struct bitswap_inbox inboxes[NET_INBOXES];
    struct bitswap_order orders[NET_ORDERS];
    struct bitswap_buffer buffers[NET_BUFFERS];
    u8 *buffer_memory;
};

struct net {
    u64 now_ns;
    struct p2p_dice dice;
    u64 budget_bytes; // of every node made from here on
    u32 buffer_bytes;
    u32 node_count;
    struct net_node *nodes[NET_NODES];
    struct net_link *links[NET_LINKS];
};

struct net *net_make(u64 seed);
void net_drop(struct net *net);
struct net_node *net_node(struct net *net, enum net_manner manner);
// The first dials. NULL: there are NET_LINKS.
struct net_link *net_link(struct net_node *from, struct net_node *to);
void net_cut(struct net_link *link);
// Fetches a file by the node's engine; session 0.
void net_want(struct net_node *node, const struct cid *root, u32 window);
bool net_is_done(const struct net_node *node);
// Until no node fetches, or for so long; true: none does.
bool net_run(struct net *net, u64 ms);
// For so long, whatever happens.
void net_wait(struct net *net, u64 ms);
// The end of a link at that node, the only one to `other`; NULL: there is none.
struct net_end *net_end(struct net_node *node, const struct net_node *other);
