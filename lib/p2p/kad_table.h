// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/kad_table.h: the peers of a DHT that are known, more of those that are near to us.
//
// Use     kad_table_seen when a peer of the DHT answered or asked (it is there), kad_table_lost
//         when it could not be reached. kad_table_nearest begins lookups and answers others'.
// Owner   the struct is the caller's.
// Limits  P2P_KAD_BUCKETS buckets of P2P_KAD_BUCKET_PEERS. A full bucket keeps whom it has: peers
//         that stay are worth more than those who come, and nobody can flush the table. One that
//         was not seen for P2P_KAD_STALE_MS gives its place away.
// Source  Maymounkov, Mazières, "Kademlia" (2002), section 2.4.
#pragma once
#include "lib/p2p/kad.h"

struct kad_table_peer {
    struct p2p_hint hint;
    struct kad_place place;
    u64 seen_ns;
    bool is_used; // false: the place is free
};

struct kad_table {
    const struct p2p_crypto *crypto;
    struct peer_id self;
    struct kad_place place; // of us
    struct kad_table_peer peers[P2P_KAD_BUCKETS][P2P_KAD_BUCKET_PEERS];
};

void kad_table_init(struct kad_table *table, const struct p2p_crypto *crypto,
                    const struct peer_id *self);
// Takes a peer up, or its addresses anew. False: it is us, or its bucket is full.
bool kad_table_seen(struct kad_table *table, const struct p2p_hint *hint, u64 now_ns);
void kad_table_lost(struct kad_table *table, const struct peer_id *peer);
u32 kad_table_count(const struct kad_table *table);
// The nearest to a place, nearest first, at most `most` (<= P2P_KAD_K). `but` (may be NULL) is left
// out. They point into the table. Returns how many.
u32 kad_table_nearest(const struct kad_table *table, const struct kad_place *place,
                      const struct peer_id *but, const struct p2p_hint *out[], u32 most);
