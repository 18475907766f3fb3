// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/node.h: what all parts of the program share: the machine's interfaces, the
// time, who we are, and who is told when something happens.
//
// A turn: events are taken (answers to our calls, messages to us), then the protocols do what
// follows, then links send. main.c has the loop; links.c the connections; room.c who goes when
// there is no room; sources.c who to connect to; fetch.c what is got; serve.c what is given;
// history.c what `redshirt why` and `redshirt peers` show, show.c what a page does, progress.c what
// a terminal does.
#pragma once
#include "core/base/list.h"
#include "core/base/types.h"
#include "lib/p2p/bitswap.h"
#include "lib/p2p/connection.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p/crypto.h"

#define NS_PER_MS ((u64)1000000)
// Memory of blocks that arrive: machine.blocks.
enum { NODE_BLOCKS_BYTES = P2P_MACHINE_HEAD_BYTES + LOADER_BUFFERS * P2P_BLOCK_BYTES };

// Who a node that stays says it is: what it answers, in this order (host.h).
enum { NODE_BITSWAP = P2P_SERVICES, NODE_KAD_LAN };

struct link;

struct node {
    u32 tcp, dns, time, blocks, keep; // bonds
    i64 log;                          // below 0: nobody takes our lines
    u64 now_ns;
    bool stays;      // it serves until it is ended
    bool is_verbose; // it says what it fetched
    struct p2p_machine machine;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct bitswap bitswap;
    struct list links;
    u32 link_count, link_most, knocking_count;
    u32 writing_count;                   // writes under way, of all links
    u64 read_bytes, written_bytes;       // of all links, those that are gone included
    u64 gone_blocks_in, gone_blocks_out; // of those that are gone
};

// ---- main.c

// A line for whoever looks after the system.
enum node_level { NODE_INFO, NODE_WARNING };
void node_say(struct node *node, enum node_level level, struct span line);

// ---- what links tell

// The peer is who it says.
void node_opened(struct node *node, struct link *link);
// The link will be gone when this returns. `why` is empty when it ended as it should.
void node_gone(struct node *node, struct link *link, struct span why);
