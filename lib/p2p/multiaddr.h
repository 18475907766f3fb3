// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/multiaddr.h: addresses that say how to reach a peer: "/ip4/10.0.2.2/tcp/4001/p2p/12D...".
//
// Use     multiaddr_parse what a person typed, multiaddr_read what a peer sent; multiaddr_next
//         walks the parts. multiaddr_target tells whether and where this transport can dial: TCP
//         over IPv4, IPv6 or a host's name.
// Owner   a struct multiaddr is a value; a part points into the bytes that it was read from.
// Limits  P2P_MULTIADDR_BYTES, P2P_MULTIADDR_PARTS.
// Source  github.com/multiformats/multiaddr and its table of protocols; RFC 4291, 5952 (IPv6 text).
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"
struct reader;
struct report;
struct text;

// The protocols that are known here. Others end a walk with ERR_UNSUPPORTED: the size of what
// follows them is not known.
enum multiaddr_code {
    MULTIADDR_IP4 = 4,
    MULTIADDR_TCP = 6,
    MULTIADDR_IP6 = 41,
    MULTIADDR_IP6ZONE = 42,
    MULTIADDR_DNS = 53,
    MULTIADDR_DNS4 = 54,
    MULTIADDR_DNS6 = 55,
    MULTIADDR_DNSADDR = 56,
    MULTIADDR_UDP = 273,
    MULTIADDR_WEBRTC_DIRECT = 280,
    MULTIADDR_WEBRTC = 281,
    MULTIADDR_P2P_CIRCUIT = 290,
    MULTIADDR_P2P = 421,
    MULTIADDR_HTTPS = 443,
    MULTIADDR_TLS = 448,
    MULTIADDR_SNI = 449,
    MULTIADDR_NOISE = 454,
    MULTIADDR_QUIC = 460,
    MULTIADDR_QUIC_V1 = 461,
    MULTIADDR_WEBTRANSPORT = 465,
    MULTIADDR_WS = 477,
    MULTIADDR_WSS = 478,
    MULTIADDR_HTTP = 480,
};

struct multiaddr {
    u32 size;
    u8 bytes[P2P_MULTIADDR_BYTES];
};

struct multiaddr_part {
    enum multiaddr_code code;
    struct span value; // in binary: an address, a port (2 bytes, big-endian), a name, a peer id
};

enum multiaddr_host {
    MULTIADDR_HOST_IP4,
    MULTIADDR_HOST_IP6,
    MULTIADDR_HOST_NAME, // to be resolved to either
    MULTIADDR_HOST_NAME4,
    MULTIADDR_HOST_NAME6,
};

struct multiaddr_target {
    enum multiaddr_host kind;
    struct span host; // 4 or 16 bytes, or a name
    u16 port;
    bool has_peer;
    struct peer_id peer;
};

// Reads one part and leaves the reader behind it; on failure the reader has not moved.
// ERR_MALFORMED    cut off, or a value that its protocol does not allow
// ERR_UNSUPPORTED  a protocol that is not among those above
enum err multiaddr_next(struct reader *in, struct multiaddr_part *out, struct report *report);

// Checks and copies an address, the whole of `bytes`. *out is left alone on failure.
// ERR_LIMIT  beyond P2P_MULTIADDR_BYTES or _PARTS; others as multiaddr_next; an empty one is
// malformed
enum err multiaddr_read(struct span bytes, struct multiaddr *out, struct report *report);

// The same from text. Errors as multiaddr_read.
enum err multiaddr_parse(struct span text, struct multiaddr *out, struct report *report);

// Appends the text of an address that was read or parsed; P2P_MULTIADDR_TEXT_BYTES fit it.
void multiaddr_write(struct text *out, struct span bytes);

// The endpoint /ip4 or /ip6 (`ip` of 4 or 16 bytes) and /tcp.
struct multiaddr multiaddr_of_tcp(struct span ip, u16 port);

// ERR_UNSUPPORTED  not an address that TCP alone reaches
enum err multiaddr_target(struct span bytes, struct multiaddr_target *out, struct report *report);
