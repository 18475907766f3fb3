// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/walk.h: reads a file of any layout out of blocks that arrive in any order.
//
// Use     p2p_walk_init with the file's CID. p2p_walk_next says which block is wanted next; call it
//         as often as blocks shall be under way. When one is there, whoever brought it, hand it to
//         p2p_walk_block again and again until that says ERR_NOT_FOUND: a block may stand in
//         several places of a file. Each piece says where its bytes belong. p2p_walk_is_done ends
//         it. A block that will not come is given back by p2p_walk_lost: p2p_walk_next says it
//         again.
// Owner   items are the caller's memory. Blocks are looked at during the call only; a piece points
//         into the block that it came in.
// Trust   blocks have been checked against their CIDs before. That makes them what somebody named,
//         and nothing more: their depth, number and sizes are checked here, and the size of the
//         whole against the caller's limit before anything below the root is asked for. After an
//         error other than ERR_NOT_FOUND the file cannot be read, and the walk is of no more use.
// Limits  P2P_WALK_*, UNIXFS_DEPTH, UNIXFS_LINKS_READ; of the items, one for each link that is
//         known and not yet read. A node that finds no room for its links is asked for again when
//         there is.
// Source  core/base/unixfs.h, which knows the nodes.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
struct report;

struct p2p_walk_item {
    struct cid cid;
    u8 depth;   // rows of nodes above it
    u32 next;   // of the list that it is in
    u32 needs;  // items that it did not find, or 0
    u64 offset; // of its first byte in the file
    u64 bytes;  // of the file, below it
};

struct p2p_walk {
    struct p2p_walk_item *items;
    u64 limit_bytes;
    u64 file_bytes; // known when has_size
    u64 read_bytes; // of the file, so far
    u32 blocks;     // read so far
    u32 free;       // lists of items
    u32 todo;       // in the order of the file
    u32 asked;
    u32 later;
    u32 free_count;
    u32 kept_count;  // of the free ones, for nodes that are asked for again
    u32 asked_count; // different blocks that are under way
    bool has_size;   // the root was read
};

// Bytes of the file; empty for a node that has none.
struct p2p_walk_piece {
    u64 offset;
    struct span bytes;
};

//   item_count   P2P_WALK_ITEMS read every file that `ipfs add` makes by default; a file of n
//                leaves needs n and a few for its nodes at most
//   limit_bytes  of the file: a larger one is refused at its root
void p2p_walk_init(struct p2p_walk *walk, struct p2p_walk_item *items, u32 item_count,
                   const struct cid *root, u64 limit_bytes);

// The next block to get; false: none until others have arrived.
bool p2p_walk_next(struct p2p_walk *walk, struct cid *out);

// Reads a block that p2p_walk_next said.
//   out  receives the bytes of the file that it holds, which may be none
// ERR_NOT_FOUND                   it is not under way, or not any more; nothing has happened
// ERR_MALFORMED, ERR_UNSUPPORTED  not a file's node (unixfs_node_parse); the file cannot be read
// ERR_MISMATCH                    it has not the size that its parent says
// ERR_LIMIT                       the file is larger than the caller's limit, or beyond P2P_WALK_*
enum err p2p_walk_block(struct p2p_walk *walk, const struct cid *cid, struct span block,
                        struct p2p_walk_piece *out, struct report *report);

// It will not come: it is to be asked for again.
void p2p_walk_lost(struct p2p_walk *walk, const struct cid *cid);

// All bytes of the file were read.
bool p2p_walk_is_done(const struct p2p_walk *walk);
