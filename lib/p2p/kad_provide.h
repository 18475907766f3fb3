// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/kad_provide.h: which blocks the DHT shall know that we have, and when to say it again.
//
// Use     kad_provides_add what is to be announced. kad_provides_next says which is due: run a
//         lookup of KAD_GOAL_CLOSEST for it, send kad_provide_message to each of
//         kad_lookup_closest, and tell kad_provides_done whether anybody took it.
// Owner   the struct is the caller's. It is not kept across restarts: then everything is due.
// Limits  P2P_KAD_PROVIDES keys.
// Source  IPFS specifications, "Amino DHT": records are said again after 22 hours and die after 48.
#pragma once
#include "lib/p2p/kad.h"

struct kad_provide {
    struct kad_key key;
    u64 due_ns;
};

struct kad_provides {
    u32 count;
    struct kad_provide items[P2P_KAD_PROVIDES];
};

// ERR_LIMIT  P2P_KAD_PROVIDES; one that is there already stays as it is
enum err kad_provides_add(struct kad_provides *provides, const struct kad_key *key, u64 now_ns);
// Nothing when it is not there. Others forget it by themselves.
void kad_provides_remove(struct kad_provides *provides, const struct kad_key *key);

// The one that is due for longest; NULL: none now. It is not told again before
// P2P_KAD_RETRY_MS have passed, or `done` says when.
const struct kad_key *kad_provides_next(struct kad_provides *provides, u64 now_ns);
void kad_provides_done(struct kad_provides *provides, const struct kad_key *key, bool was_taken,
                       u64 now_ns);
u64 kad_provides_wake(const struct kad_provides *provides);

// The message for one peer. Nobody answers it: it was taken when the peer ends the stream, in order
// or, as js-libp2p does, by a reset.
//   self  we, with the addresses at which we listen
size_t kad_provide_message(const struct kad_key *key, const struct p2p_hint *self, u8 *out,
                           size_t capacity);
