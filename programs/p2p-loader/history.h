// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/history.h: what people may look at later: where each block came from and who
// sent bad ones (`redshirt why`), and who is connected (`redshirt peers`).
//
// Both are records of the machine (interfaces/keep.wit), text in lines:
//     why    block CID PEER BYTES SECONDS      SECONDS since 1970
//            bad PEER BYTES SECONDS WORDS
//     peers  updated SECONDS, self PEER, listens ADDRESS, then
//            peer PEER ADDRESS in|out READ WRITTEN AGENT
//
// Use     history_block and history_bad as it happens; history_keep when a file is done;
//         history_turn in each turn.
// Limits  LOADER_LOG_BYTES of `why`; the oldest lines go. What another process writes between our
//         reading and our writing is lost: one node for each home keeps a complete log.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/peer_id.h"
struct node;

void history_block(struct node *node, const struct cid *cid, const struct peer_id *peer,
                   size_t bytes);
void history_bad(struct node *node, const struct peer_id *peer, u64 bytes, const char *words);
// Adds what was noted to the record; waits for the machine.
void history_keep(struct node *node);

// We listen there.
void history_listens(const struct multiaddr *address);
// Writes the record `peers` when it is due, where the node stays. Returns when it is next.
u64 history_turn(struct node *node);
