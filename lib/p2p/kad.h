// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/kad.h: the messages of the Kademlia DHT: who is near a key, who has a block, what a name
// says.
//
// Use     kad_request_write, on a stream of KAD_LAN or KAD_PUBLIC; then kad_read on what comes
//         back, piece by piece. kad_lookup.h asks peer after peer; kad_server.h answers.
// Owner   an event points into the reader.
// Limits  P2P_KAD_*: a message may have P2P_KAD_MESSAGE_BYTES, but only one field of it is in
//         memory at a time; a field beyond P2P_KAD_FIELD_BYTES is read over.
// Source  libp2p specifications, "kad-dht"; IPFS specifications, "Amino DHT".
//
// The two DHTs are separate. We are a client of the public one: the protocol's name is not among
// the host's protocols, so that identify does not list it and nobody asks us.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"
struct report;

#define KAD_LAN SPAN_LITERAL("/ipfs/lan/kad/1.0.0")
#define KAD_PUBLIC SPAN_LITERAL("/ipfs/kad/1.0.0")

enum kad_type {
    KAD_PUT_VALUE = 0,
    KAD_GET_VALUE = 1,
    KAD_ADD_PROVIDER = 2,
    KAD_GET_PROVIDERS = 3,
    KAD_FIND_NODE = 4,
    KAD_PING = 5,
};

// What is asked for, in the form that a request carries. Peers compare the SHA-256 of it.
struct kad_key {
    u32 size;
    u8 bytes[P2P_KAD_KEY_BYTES];
};

struct kad_key kad_key_of_block(const struct cid *cid);     // its multihash
struct kad_key kad_key_of_peer(const struct peer_id *peer); // its bytes
struct kad_key kad_key_of_name(const struct peer_id *name); // "/ipns/" and its bytes

// A place in the space of keys, and how far two are from each other: XOR, big-endian.
struct kad_place {
    u8 bytes[P2P_SHA256_BYTES];
};
struct kad_place kad_place_of(const struct p2p_crypto *crypto, struct span key);
struct kad_place kad_distance(const struct kad_place *a, const struct kad_place *b);
// Below, at or above 0.
int kad_place_compare(const struct kad_place *a, const struct kad_place *b);
// How many bits two places have in common before the first that differs; 256: they are the same.
u32 kad_common_bits(const struct kad_place *a, const struct kad_place *b);

struct kad_message {
    enum kad_type type;
    struct span key;                         // empty: none
    struct span value;                       // of a record under that key; empty: none
    const struct p2p_hint *const *closer;    // peers that are nearer
    u32 closer_count;                        //
    const struct p2p_hint *const *providers; // ADD_PROVIDER: we ourselves, with our addresses
    u32 provider_count;                      //
};

// Writes a message behind its size, as it stands on a stream; returns how many bytes, which may be
// more than `capacity`. P2P_KAD_REQUEST_BYTES fit a request without a record.
size_t kad_write(const struct kad_message *message, u8 *out, size_t capacity);

enum kad_part {
    KAD_PART_MORE,     // give more bytes
    KAD_PART_TYPE,     // `type`
    KAD_PART_KEY,      // `bytes`
    KAD_PART_RECORD,   // `key` and `bytes`, the value
    KAD_PART_CLOSER,   // `hint`
    KAD_PART_PROVIDER, // `hint`
    KAD_PART_END,      // of the message; another may follow on the stream
};

struct kad_event {
    enum kad_part part;
    enum kad_type type;
    struct span key, bytes;
    struct p2p_hint hint; // with those of its addresses that are of the scope
};

struct kad_reader {
    enum p2p_scope scope;
    bool has_size;
    u32 left;  // bytes of the message that are still to come
    u32 skip;  // of those, what is read over
    u32 peers; // that the message has told
    u32 size;  // bytes at hand
    u8 bytes[P2P_KAD_FIELD_BYTES];
};

void kad_reader_init(struct kad_reader *reader, enum p2p_scope scope);

// Takes bytes until something is there; call it again with what is left, also when that is nothing,
// until it says MORE.
//   taken  receives how many bytes were taken
// ERR_MALFORMED  not such a message; ERR_LIMIT  beyond P2P_KAD_MESSAGE_BYTES or
// P2P_KAD_MESSAGE_PEERS. The stream is to be reset then.
enum err kad_read(struct kad_reader *reader, struct span bytes, size_t *taken,
                  struct kad_event *event, struct report *report);
