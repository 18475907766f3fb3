// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/kad_table.h"
#include "core/base/assert.h"

#define MS ((u64)1000000)

void kad_table_init(struct kad_table *table, const struct p2p_crypto *crypto,
                    const struct peer_id *self)
{
    mem_zero(table, sizeof *table);
    table->crypto = crypto;
    table->self = *self;
    table->place = kad_place_of(crypto, peer_id_span(self));
}

static struct kad_table_peer *bucket_of(struct kad_table *table, const struct kad_place *place)
{
    u32 bits = kad_common_bits(&table->place, place);
    return table->peers[bits < P2P_KAD_BUCKETS ? bits : P2P_KAD_BUCKETS - 1];
}

// Its place in a bucket, or NULL.
static struct kad_table_peer *find(struct kad_table_peer *bucket, const struct peer_id *peer)
{
    for (u32 i = 0; i < P2P_KAD_BUCKET_PEERS; i++) {
        if (bucket[i].is_used && peer_id_equal(&bucket[i].hint.peer, peer)) {
            return &bucket[i];
        }
    }
    return NULL;
}

// A place that is free, or that of somebody who was not seen for too long; NULL: none.
static struct kad_table_peer *find_room(struct kad_table_peer *bucket, u64 now_ns)
{
    struct kad_table_peer *oldest = &bucket[0];
    for (u32 i = 0; i < P2P_KAD_BUCKET_PEERS; i++) {
        if (!bucket[i].is_used) {
            return &bucket[i];
        }
        if (bucket[i].seen_ns < oldest->seen_ns) {
            oldest = &bucket[i];
        }
    }
    return now_ns - oldest->seen_ns > P2P_KAD_STALE_MS * MS ? oldest : NULL;
}

bool kad_table_seen(struct kad_table *table, const struct p2p_hint *hint, u64 now_ns)
{
    if (peer_id_equal(&hint->peer, &table->self)) {
        return false;
    }
    struct kad_place place = kad_place_of(table->crypto, peer_id_span(&hint->peer));
    struct kad_table_peer *bucket = bucket_of(table, &place);
    struct kad_table_peer *peer = find(bucket, &hint->peer);
    peer = peer != NULL ? peer : find_room(bucket, now_ns);
    if (peer == NULL) {
        return false;
    }
    *peer = (struct kad_table_peer){*hint, place, now_ns, true};
    return true;
}

void kad_table_lost(struct kad_table *table, const struct peer_id *peer)
{
    struct kad_place place = kad_place_of(table->crypto, peer_id_span(peer));
    struct kad_table_peer *known = find(bucket_of(table, &place), peer);
    if (known != NULL) {
        known->is_used = false;
    }
}

u32 kad_table_count(const struct kad_table *table)
{
    u32 count = 0;
    for (u32 i = 0; i < P2P_KAD_BUCKETS; i++) {
        for (u32 j = 0; j < P2P_KAD_BUCKET_PEERS; j++) {
            count += table->peers[i][j].is_used;
        }
    }
    return count;
}

u32 kad_table_nearest(const struct kad_table *table, const struct kad_place *place,
                      const struct peer_id *but, const struct p2p_hint *out[], u32 most)
{
    ASSERT(most <= P2P_KAD_K);
    struct kad_place distances[P2P_KAD_K];
    u32 count = 0;
    for (u32 i = 0; i < P2P_KAD_BUCKETS * P2P_KAD_BUCKET_PEERS; i++) {
        const struct kad_table_peer *peer = &table->peers[0][0] + i;
        if (!peer->is_used || (but != NULL && peer_id_equal(&peer->hint.peer, but))) {
            continue;
        }
        struct kad_place distance = kad_distance(&peer->place, place);
        u32 at = count;
        while (at > 0 && kad_place_compare(&distance, &distances[at - 1]) < 0) {
            at--;
        }
        if (at == most) {
            continue;
        }
        u32 behind = (count < most ? count : most - 1) - at;
        mem_move(&distances[at + 1], &distances[at], behind * sizeof distances[0]);
        mem_move(&out[at + 1], &out[at], behind * sizeof out[0]);
        distances[at] = distance;
        out[at] = &peer->hint;
        count += count < most;
    }
    return count;
}
