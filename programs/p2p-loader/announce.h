// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/announce.h: tells the DHT what a node that stays has: provider records of
// what is pinned, and records of names, given to the nodes nearest to them; to those of the local
// network, and of the public one where it is on.
//
// Use     announce_begin where the node stays; announce_pins and announce_name when what there is
//         has changed; announce_turn in each turn; announce_event for what happens on streams that
//         are not of another protocol; announce_link_gone before a link is freed.
// Order   one key at a time: the nodes nearest are looked up (dht.h), then each is told. What was
//         taken is said again after P2P_KAD_REPROVIDE_MS, what nobody took after P2P_KAD_RETRY_MS.
// Limits  P2P_KAD_PROVIDES files, LOADER_NAMES names, LOADER_ANNOUNCES_HOUR lookups. Where no
//         address of ours is of a DHT's own scope, nobody could come, and that one is not told of
//         files.
#pragma once
#include "core/base/span.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/peer_id.h"
struct link;
struct node;

//   addresses  where we listen
void announce_begin(struct node *node, const struct multiaddr *addresses, u32 count);
// Somebody sees us at that address, too: of one who listens at all of them it is not known before.
void announce_at(const struct multiaddr *address);
// Whether announce_pins is to be called again: there is somewhere to come now.
bool announce_wants_pins(void);
// The list of all roots that are pinned, one in a line.
void announce_pins(struct node *node, struct span list);
// A record of a name of ours; nothing when it was told before.
void announce_name(struct node *node, const struct peer_id *key, struct span record);

// Whether peers are needed that have not to be asked for anything.
bool announce_needs_peers(const struct node *node);
// True: it was about a stream of ours.
bool announce_event(struct p2p_event event);
void announce_link_gone(const struct link *link);
bool announce_uses(const struct link *link);
// Returns when to be called at the latest.
u64 announce_turn(struct node *node);
