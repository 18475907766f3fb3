// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/names.h: names that are keys: asking what one stands for, and, where the node
// stays, being a node of the local network's DHT.
//
// The newest record of each key lies in the machine's record `names` (lib/p2p/name_list.h has its
// lines). An older one never takes its place.
//
// Use     names_resolve once, with names_turn in each turn: when the record and the manifest that
//         it points to are here, or will not come, fetch_ended is called. names_serve once where
//         the node stays; then names_heard when a peer has said who it is, names_accept for each
//         stream of KAD_LAN that a peer opened, and names_event for what happens on one.
// Limits  LOADER_QUESTIONERS streams at once, about 14 KiB each; P2P_KAD_NAME_BYTES of a record.
#pragma once
#include "core/base/types.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/peer_id.h"
struct link;
struct node;

void names_resolve(struct node *node, const struct peer_id *key);
// Whether somebody has to be asked.
bool names_need_peers(void);
// Returns when to be called at the latest.
u64 names_turn(struct node *node);

// False: there is no memory for it.
bool names_serve(struct node *node);
void names_heard(const struct link *link);
// Gives what the record `names` says is ours to who asks, and to the DHT (announce.h).
void names_offer(struct node *node);
// False: too many ask; the stream is to be reset.
bool names_accept(struct link *link, struct p2p_stream *stream);
// True: it was about a stream of a question.
bool names_event(struct p2p_event event);
void names_link_gone(const struct link *link);
