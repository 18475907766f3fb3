// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/kad_lookup.h: walks a DHT towards a key: asks the nearest peers known for nearer ones,
// several at a time, and collects what they say.
//
// Use     kad_lookup_init, kad_lookup_add for the peers to begin with, then kad_lookup_next until
//         it says WAIT, after each call below and at kad_lookup_wake at the latest.
//           ASK       dial step.hint if need be, open a stream, write kad_lookup_request, feed what
//                     comes into kad_lookup_receive(ask); when anything of that fails, or the
//                     stream ends: kad_lookup_fail(ask)
//           LEAVE     that ask is over (answered, failed or too late): close its stream. Every ASK
//                     is followed by exactly one LEAVE, after which the number may come again
//           PROVIDER  step.hint is said to have the block; dial it and see. Told once more when it
//                     had no address at first
//           VALUE     step.value is a record from step.peer, not checked: ipns_record_verify it and
//                     keep the best (ipns_record_is_newer); it points into the lookup until the
//                     next call
//           DONE      no more will come; kad_lookup_closest tells who is nearest
//         It may be given up at any time: LEAVE is then the caller's own affair.
// Owner   the struct is the caller's, about 200 KiB, mostly buffers of the P2P_KAD_ALPHA answers.
// Limits  P2P_KAD_CANDIDATES peers, the nearest; P2P_KAD_PROVIDERS; P2P_KAD_ASKS asked in all;
//         P2P_KAD_LOOKUP_MS. In the public DHT at most P2P_KAD_PREFIX candidates may be of one
//         network (IPv4 /16, IPv6 /32), so that who has many addresses does not have all of them;
//         the caller's own count, and are not refused.
// Source  IPFS specifications, "Amino DHT", lookup algorithm. Of the k nearest none is asked twice.
//
// It has converged when the P2P_KAD_BETA nearest that did not fail have answered; then those of the
// k nearest that were not asked are asked too, and nobody new is taken up. On the local network all
// k must have answered: there are few, they are quick, and they may know few others. Providers end
// it early when as many as were wanted are known.
#pragma once
#include "lib/p2p/kad.h"

enum kad_goal {
    KAD_GOAL_CLOSEST,   // FIND_NODE: to give records to those who are nearest
    KAD_GOAL_PROVIDERS, // GET_PROVIDERS
    KAD_GOAL_VALUE,     // GET_VALUE
};

struct kad_candidate {
    struct p2p_hint hint;
    struct kad_place distance; // from the key
    u8 state;                  // enum candidate_state
};

struct kad_provider {
    struct p2p_hint hint;
    bool is_told;
};

struct kad_ask {
    bool is_open;  // ASK was told, LEAVE was not
    bool is_over;  // LEAVE is to be told
    u16 candidate; // index
    struct peer_id peer;
    u64 deadline_ns;
    struct kad_reader reader;
};

struct kad_lookup {
    const struct p2p_crypto *crypto;
    enum kad_goal goal;
    enum p2p_scope scope;
    struct kad_key key;
    struct kad_place target;
    struct peer_id self;
    u32 providers_wanted;
    u32 ask_count; // in all
    bool has_converged;
    bool is_done;
    u64 deadline_ns;
    bool has_horizon;              // somebody had to make room,
    struct kad_place horizon;      // and nobody who is as far away comes in again
    u16 order[P2P_KAD_CANDIDATES]; // candidates by distance, nearest first
    u32 candidate_count;
    struct kad_candidate candidates[P2P_KAD_CANDIDATES];
    struct kad_ask asks[P2P_KAD_ALPHA];
    u32 provider_count;
    struct kad_provider providers[P2P_KAD_PROVIDERS];
    bool has_value; // a record waits to be told; its answer is read no further until then
    struct peer_id value_peer;
    u32 value_size;
    u8 value[P2P_KAD_VALUE_BYTES];
};

enum kad_step_kind {
    KAD_STEP_WAIT,
    KAD_STEP_ASK,
    KAD_STEP_LEAVE,
    KAD_STEP_PROVIDER,
    KAD_STEP_VALUE,
    KAD_STEP_DONE,
};

struct kad_step {
    enum kad_step_kind kind;
    u32 ask;                     // ASK, LEAVE: below P2P_KAD_ALPHA
    const struct p2p_hint *hint; // ASK, PROVIDER: until the next call
    struct span value;           // VALUE
    struct peer_id peer;         // VALUE: who said it
};

//   self              who we are: never asked, and no provider
//   providers_wanted  1 .. P2P_KAD_PROVIDERS, of KAD_GOAL_PROVIDERS
void kad_lookup_init(struct kad_lookup *lookup, const struct p2p_crypto *crypto, enum kad_goal goal,
                     enum p2p_scope scope, const struct kad_key *key, const struct peer_id *self,
                     u32 providers_wanted, u64 now_ns);

// A peer to begin with; one that is connected may have no addresses.
void kad_lookup_add(struct kad_lookup *lookup, const struct p2p_hint *hint);

// The request, the same for everybody; P2P_KAD_REQUEST_BYTES fit it.
size_t kad_lookup_request(const struct kad_lookup *lookup, u8 *out, size_t capacity);

struct kad_step kad_lookup_next(struct kad_lookup *lookup, u64 now_ns);

// Bytes of the answer to `ask`; those that come when it is over are taken and dropped.
//   taken  receives how many: all, or none when a VALUE of another must be taken first
//          (kad_lookup_next); then offer them again
// Errors as kad_read: the peer is passed over, LEAVE follows.
enum err kad_lookup_receive(struct kad_lookup *lookup, u32 ask, struct span bytes, size_t *taken,
                            struct report *report);

// The peer could not be reached, or ended its stream before its answer. Nothing when it is over.
void kad_lookup_fail(struct kad_lookup *lookup, u32 ask);

// When to call kad_lookup_next though nothing happened; UINT64_MAX: never.
u64 kad_lookup_wake(const struct kad_lookup *lookup);

// Once it is DONE: those that answered, nearest first, at most P2P_KAD_K: to whom ADD_PROVIDER or
// PUT_VALUE goes. Returns how many; they point into the lookup.
u32 kad_lookup_closest(const struct kad_lookup *lookup, const struct p2p_hint *out[P2P_KAD_K]);
