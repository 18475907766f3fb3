// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/hint.h: what somebody said about where a peer may be found.
//
// Use     mDNS (mdns.h), the DHT (kad.h) and delegated routing (routing.h) tell hints. Whoever
//         dials one must reach the peer that it names (p2p_connection_init, expected); so a lie
//         costs an attempt to connect and nothing more.
// Owner   a struct p2p_hint is a value of bounded size, whatever was said.
// Limits  P2P_HINT_ADDRESSES of P2P_HINT_ADDRESS_BYTES; what goes beyond is read over.
//
// Addresses are kept when this transport can dial them and when they belong to where they were
// heard: on the local network only those of local networks, as numbers, so that nobody there can
// make us speak to strangers; from the public one only those of the public one, so that no stranger
// can make us knock at the doors of our own network.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"

enum p2p_scope {
    P2P_SCOPE_LAN,
    P2P_SCOPE_PUBLIC,
};

struct p2p_hint {
    struct peer_id peer;
    u32 address_count; // may be 0: somebody knows the peer and not where it is
    struct {
        u8 size;
        u8 bytes[P2P_HINT_ADDRESS_BYTES]; // a multiaddr without the peer: "/ip4/.../tcp/..."
    } addresses[P2P_HINT_ADDRESSES];
};

// Adds an address, with or without /p2p/ID of the hint's own peer behind it. False: it was left
// out: malformed, of another peer, of another scope, not TCP alone, too long, already there, or one
// too many.
bool p2p_hint_add(struct p2p_hint *hint, enum p2p_scope scope, struct span address);

// Adds those of `from` that *hint does not have.
void p2p_hint_merge(struct p2p_hint *hint, const struct p2p_hint *from);

static inline struct span p2p_hint_address(const struct p2p_hint *hint, u32 index)
{
    return span_of(hint->addresses[index].bytes, hint->addresses[index].size);
}

// What was dialled on the word of others. Zeroed at first.
struct p2p_hearsay {
    u64 begun_ns; // the hour
    u32 counts[P2P_SCOPE_PUBLIC + 1];
};

// Counts a connection to where somebody said that a peer is. False: there were P2P_HEARSAY_*_HOUR
// in this hour; it is not to be made.
bool p2p_hearsay_may_dial(struct p2p_hearsay *hearsay, enum p2p_scope scope, u64 now_ns);

// Whether an address of 4 or 16 bytes may be dialled when it was heard of in that scope. Neither
// scope has the unspecified address and those of multicast; a PUBLIC one is none of the private,
// shared, link-local, unique local, loopback, documentation and reserved ranges (RFC 6890).
bool p2p_ip_is_of(struct span ip, enum p2p_scope scope);
// Whether one of 4 or 16 bytes is of the machine itself.
bool p2p_ip_is_loopback(struct span ip);
