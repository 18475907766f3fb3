// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/history.h: what people may look at later: where each block came from and who
// sent bad ones (`redshirt why`), and who is connected (`redshirt peers`).
//
// The first is a record of the machine, the second what it tells of itself (interfaces/keep.wit),
// so several nodes of one home do not get into each other's way. Both are text in lines:
//     why    block CID WHO BYTES SECONDS       SECONDS since 1970; WHO: a peer, or http://HOST
//            bad WHO BYTES SECONDS WORDS
//     peers  self PEER, listens ADDRESS, then
//            peer PEER ADDRESS in|out READ WRITTEN AGENT
//
// Use     history_block and history_bad as it happens; history_keep when a file is done;
//         history_turn in each turn.
// Limits  LOADER_LOG_BYTES of `why`; the oldest lines go. `peers` is told every LOADER_STATUS_MS,
//         so a fetch that is shorter tells nothing, and has room for some 300 peers.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "lib/p2p/multiaddr.h"
struct node;

//   from, who  one word
void history_block(struct node *node, const struct cid *cid, struct span from, size_t bytes);
void history_bad(struct node *node, struct span who, u64 bytes, const char *words);
// Adds what was noted to the record; waits for the machine.
void history_keep(struct node *node);

// We listen there.
void history_listens(const struct multiaddr *address);
// The address `index` of those; NULL: there are no more.
const struct multiaddr *history_listens_at(u32 index);
// Tells `peers` when it is due. Returns when it is next.
u64 history_turn(struct node *node);
