// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/identify.h: what peers tell each other about themselves.
//
// Use     connections do it by themselves (service.c); these are the messages alone.
// Owner   a struct p2p_identity is a value of bounded size, whatever a peer says.
// Limits  P2P_IDENTIFY_*, P2P_AGENT_BYTES. What goes beyond the number kept is read over, because
//         others say more about themselves than we need (1,800 protocols: CVE-2023-40583 and its
//         kin); beyond P2P_IDENTIFY_NAMES it is refused.
// Source  libp2p specifications, "identify".
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/host.h"

struct p2p_identity {
    bool is_known;
    u64 protocols;               // bit i: the peer speaks host->names[i]
    char agent[P2P_AGENT_BYTES]; // printable, ends in zero
    u32 address_count;
    struct {
        u8 size;
        u8 bytes[P2P_IDENTIFY_ADDRESS_BYTES]; // a multiaddr that was checked
    } addresses[P2P_IDENTIFY_ADDRESSES];
    u8 observed_size; // 0: the peer did not say where it sees us
    u8 observed[P2P_IDENTIFY_ADDRESS_BYTES];
};

// Writes our message with its size before it; returns its size, which may be more than `capacity`.
//   observed  where we see the peer, as a multiaddr; may be empty. To a public address no private
//             one of ours is told: it is of no use there, and says what our network looks like.
size_t p2p_identify_write(const struct p2p_host *host, struct span observed, u8 *out,
                          size_t capacity);

// Reads the messages of one stream, each behind its size. What they do not say stays in *out as it
// was; lists that they begin are begun anew.
// ERR_MALFORMED  not such messages, or a public key that is not that of `peer`
// ERR_LIMIT      P2P_IDENTIFY_NAMES
enum err p2p_identify_read(const struct p2p_host *host, const struct peer_id *peer,
                           struct span bytes, struct p2p_identity *out, struct report *report);
