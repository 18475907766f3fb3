// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/peer_id.h: who a peer is: its public key, or the hash of it.
//
// Use     peer_id_of_key for a key that was proven; peer_id_read and peer_id_parse for what others
//         say. Two ids are the same when their bytes are (peer_id_equal).
// Owner   a struct peer_id is a value; a struct peer_key points into what it was read from.
// Limits  P2P_PEER_ID_BYTES, P2P_KEY_BYTES.
// Source  libp2p specifications, "Peer Ids and Keys"; IPIP-371 for base36.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"
struct report;
struct text;

enum peer_key_type {
    PEER_KEY_RSA = 0,
    PEER_KEY_ED25519 = 1,
    PEER_KEY_SECP256K1 = 2,
    PEER_KEY_ECDSA = 3,
};

// The protobuf form of an Ed25519 key, and the id that contains it.
enum {
    PEER_KEY_ED25519_BYTES = 4 + P2P_POINT_BYTES,
};

struct peer_key {
    enum peer_key_type type;
    struct span data;
};

struct peer_id {
    u8 size;
    u8 bytes[P2P_PEER_ID_BYTES]; // a multihash; zeros behind `size`
};

// Reads a public key in its protobuf form, the whole of `bytes`: type, then data, nothing else.
// ERR_MALFORMED    anything else, or an Ed25519 key that is not of 32 bytes
// ERR_LIMIT        beyond P2P_KEY_BYTES
// ERR_UNSUPPORTED  a type of key that does not exist here
enum err peer_key_read(struct span bytes, struct peer_key *out, struct report *report);

void peer_key_write_ed25519(const u8 key[P2P_POINT_BYTES], u8 out[PEER_KEY_ED25519_BYTES]);

// The id of a public key in its protobuf form, of at most P2P_KEY_BYTES.
struct peer_id peer_id_of_key(const struct p2p_crypto *crypto, struct span key);

// The id of an Ed25519 key.
struct peer_id peer_id_of_ed25519(const u8 key[P2P_POINT_BYTES]);

// Reads an id from its bytes, the whole of them: sha2-256 of a key, or a key of at most
// P2P_INLINE_KEY_BYTES. Errors as peer_key_read and multihash_read.
enum err peer_id_read(struct span bytes, struct peer_id *out, struct report *report);

// Reads an id from its text: "12D3Koo...", "Qm..." or a CID of codec libp2p-key in base32 (b...),
// base36 (k...) or base58btc (z...). ERR_MALFORMED, ERR_LIMIT, ERR_UNSUPPORTED (another base).
enum err peer_id_parse(struct span text, struct peer_id *out, struct report *report);

// Appends it in base58btc, as people know it.
void peer_id_write(struct text *out, const struct peer_id *id);
// Appends it as a CID in base36, as names of keys are written ("k51...").
void peer_id_write_name(struct text *out, const struct peer_id *id);

static inline struct span peer_id_span(const struct peer_id *id)
{
    return span_of(id->bytes, id->size);
}

static inline bool peer_id_equal(const struct peer_id *a, const struct peer_id *b)
{
    return span_equal(peer_id_span(a), peer_id_span(b));
}
