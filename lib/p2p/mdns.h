// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/mdns.h: finds the peers of the local network by multicast DNS.
//
// Use     mdns_init, join 224.0.0.251 on port 5353 (MDNS_GROUP, MDNS_PORT). Each datagram that
//         arrives goes into mdns_receive. After that and at mdns_wake at the latest: mdns_send
//         until it returns 0, each packet to the group and nowhere else; mdns_next_hint until it
//         says false. mdns_ask when a peer is wanted now.
// Owner   the struct is the caller's; it keeps copies.
// Limits  lib/p2p/limits.h, MDNS_*. Packets beyond MDNS_PACKET_BYTES are refused, hints wait in
//         MDNS_HINTS places (the oldest goes).
// Source  libp2p specifications, "mdns"; RFC 1035 (messages), 6762 (multicast DNS), 6763 (TXT).
//
// When it speaks. It asks after 20 to 120 ms, then after 1, 2, 4 ... seconds up to
// MDNS_QUERY_MAX_MS, and when the caller asks, never twice in a second; somebody else's question
// stands for one of ours (RFC 6762, 7.3), but not for two in a row, or a neighbour could keep us
// silent. It answers a question after 20 to 120 ms, so that not everybody does at once, and at most
// once in a second whatever is asked, with one packet, to the group; our own questions come back to
// us and are answered too, which tells others about us. A question that wants an answer to its own
// address (the QU bit, another source port) is answered to the group like any other: nobody can
// point our answers at a victim.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/multiaddr.h"
struct p2p_crypto;
struct report;

#define MDNS_GROUP {224, 0, 0, 251}
enum { MDNS_PORT = 5353 };

struct mdns {
    const struct p2p_crypto *crypto;
    struct peer_id self;
    char label[MDNS_LABEL_BYTES]; // our name of this run: random letters, tells nothing about us
    u32 address_count;
    struct multiaddr addresses[MDNS_ADDRESSES];
    u64 query_ns;       // when the next question leaves
    u64 interval_ns;    // between that and the one behind it
    u64 queried_ns;     // when the last one left; 0: none did
    bool was_postponed; // somebody else has asked since then
    u64 answer_ns;      // when an answer is due; UINT64_MAX: none is
    u64 answered_ns;    // when the last one left; 0: none did
    u32 hint_first, hint_count;
    struct p2p_hint hints[MDNS_HINTS];
};

//   addresses  where we listen, as /ip4|ip6/.../tcp/... ; at most MDNS_ADDRESSES. None: we ask and
//              do not answer
void mdns_init(struct mdns *mdns, const struct p2p_crypto *crypto, const struct peer_id *self,
               const struct multiaddr *addresses, u32 address_count, u64 now_ns);

// A datagram that came from the group.
// ERR_MALFORMED  not a DNS message; ERR_LIMIT  more in it than limits.h has. It is dropped then;
// so is, without an error, what concerns other services.
enum err mdns_receive(struct mdns *mdns, struct span packet, u64 now_ns, struct report *report);

// Asks as soon as the rules allow, and begins its intervals anew.
void mdns_ask(struct mdns *mdns, u64 now_ns);

// The next packet to the group; 0: none now.
size_t mdns_send(struct mdns *mdns, u8 out[MDNS_PACKET_BYTES], u64 now_ns);

// When to call it next.
u64 mdns_wake(const struct mdns *mdns);

// The next peer that said where it is. False: no more now. The same peer comes again when it
// answers again.
bool mdns_next_hint(struct mdns *mdns, struct p2p_hint *out);

// ---- the messages alone

// A question for all peers; returns its size.
size_t mdns_query_write(u8 out[MDNS_PACKET_BYTES]);
// Our answer: PTR in the answer section, TXT with the addresses behind it. Addresses that do not
// fit are left out.
size_t mdns_answer_write(const struct mdns *mdns, u8 out[MDNS_PACKET_BYTES]);

struct mdns_message {
    bool is_query;  // somebody asks for peers
    u32 hint_count; // peers that an answer told, itself or in its additional section
    struct p2p_hint hints[MDNS_PACKET_HINTS];
};

// Errors as mdns_receive.
enum err mdns_read(struct span packet, struct mdns_message *out, struct report *report);
