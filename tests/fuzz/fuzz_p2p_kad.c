// SPDX-License-Identifier: GPL-3.0-or-later
// Answers of the DHT: read whole or byte by byte they say the same, and a lookup survives them.
#include "core/base/assert.h"
#include "lib/p2p/kad_lookup.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// A sum over all events, and the error that ended them.
static u64 events_sum(struct span bytes, size_t piece)
{
    static struct kad_reader reader;
    u64 sum = 0;
    kad_reader_init(&reader, P2P_SCOPE_PUBLIC);
    struct kad_event event = {.part = KAD_PART_TYPE};
    for (size_t at = 0; at < bytes.size || event.part != KAD_PART_MORE;) {
        size_t end = bytes.size - at < piece ? bytes.size : at + piece, taken;
        enum err err = kad_read(&reader, span_slice(bytes, at, end), &taken, &event, NULL);
        if (err != ERR_OK) {
            ASSERT(err == ERR_MALFORMED || err == ERR_LIMIT);
            return sum * 31 + (u64)err;
        }
        ASSERT(taken <= end - at && (event.part != KAD_PART_MORE || taken == end - at));
        at += taken;
        if (event.part != KAD_PART_MORE) {
            sum = sum * 31 + (u64)event.part;
        }
        if (event.part == KAD_PART_CLOSER || event.part == KAD_PART_PROVIDER) {
            ASSERT(event.hint.address_count <= P2P_HINT_ADDRESSES && event.hint.peer.size != 0);
            sum = sum * 31 + event.hint.address_count;
        }
    }
    return sum;
}

static void try_lookup(struct span bytes, enum kad_goal goal)
{
    static struct p2p_dice dice = {1};
    static struct kad_lookup lookup;
    struct p2p_crypto crypto = p2p_crypto_plain(&dice);
    u8 zero[P2P_POINT_BYTES] = {0}, one[P2P_POINT_BYTES] = {1};
    struct peer_id self = peer_id_of_ed25519(zero);
    struct p2p_hint first = {.peer = peer_id_of_ed25519(one)};
    struct kad_key key = kad_key_of_peer(&self);
    kad_lookup_init(&lookup, &crypto, goal, P2P_SCOPE_PUBLIC, &key, &self, 3, 1);
    kad_lookup_add(&lookup, &first);
    u64 now_ns = 1;
    u32 asks = 0, leaves = 0;
    for (u32 turn = 0; turn < 5000; turn++) {
        struct kad_step step = kad_lookup_next(&lookup, now_ns);
        size_t taken;
        if (step.kind == KAD_STEP_DONE) {
            ASSERT(asks == leaves);
            return;
        }
        leaves += step.kind == KAD_STEP_LEAVE;
        if (step.kind == KAD_STEP_ASK && ++asks % 3 != 0) { // each third is silent
            enum err err = kad_lookup_receive(&lookup, step.ask, bytes, &taken, NULL);
            ASSERT(taken == bytes.size || (err == ERR_OK && lookup.has_value));
        } else if (step.kind == KAD_STEP_WAIT) {
            now_ns = kad_lookup_wake(&lookup);
        }
    }
    ASSERT(false); // it must have ended
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct span bytes = span_of(data, size);
    u64 whole = events_sum(bytes, size);
    if (size <= 4096) {
        ASSERT(events_sum(bytes, 1) == whole && events_sum(bytes, 7) == whole);
    }
    try_lookup(bytes, KAD_GOAL_PROVIDERS);
    try_lookup(bytes, KAD_GOAL_VALUE);
    return 0;
}
