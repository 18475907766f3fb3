// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/ipns.h: names that are keys: a record, signed by the key, that says what the name stands
// for at present.
//
// Use     a name is a peer id: peer_id_parse reads "k51...", "12D3Koo...", peer_id_write_name
//         writes it. To publish: ipns_record_write, then PUT_VALUE under kad_key_of_name. To
//         resolve: ipns_record_verify what comes from anywhere, keep the one that is newest
//         (ipns_record_is_newer), and keep the record itself on disk: whoever has seen a sequence
//         never takes a lower one, so that no old record comes back.
// Owner   a struct ipns_record points into the bytes that it was read from.
// Limits  IPNS_RECORD_BYTES, IPNS_VALUE_BYTES. Keys other than Ed25519 are refused by name.
// Source  IPFS specifications, "IPNS Record and Protocol": V2 signatures alone. Fields of V1 must
//         agree with what is signed; a signature V1 is never looked at. The signed document is
//         flat: a nested one is refused unread (CVE-2026-42328).
// Time    nanoseconds since 1970 UTC. Without a clock names can't be resolved: nothing here
//         guesses.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"
struct report;

struct ipns_record {
    struct span value; // "/ipfs/CID" or "/ipns/NAME"
    u64 sequence;
    u64 valid_until_ns;
    u64 ttl_ns; // how long a cache may keep it
};

// Writes a record; returns its size, which may be more than `capacity`.
//   seed   of the Ed25519 key that is the name
//   record  a value of at most IPNS_VALUE_BYTES
size_t ipns_record_write(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                         const struct ipns_record *record, u8 scratch[IPNS_SCRATCH_BYTES], u8 *out,
                         size_t capacity);

// Reads a record and checks that `name` signed it and that it is valid at `now_unix_ns`.
// ERR_MALFORMED    not a record
// ERR_LIMIT        beyond IPNS_RECORD_BYTES or IPNS_VALUE_BYTES
// ERR_UNSUPPORTED  a key that is not Ed25519; no signature V2; a kind of validity not known here
// ERR_MISMATCH     its key is not that of the name, its signature is wrong, or its fields of V1 say
//                  something else than the signed ones
// ERR_CLOSED       it was right and is no longer valid; *out is filled all the same
enum err ipns_record_verify(const struct p2p_crypto *crypto, struct span bytes,
                            const struct peer_id *name, u64 now_unix_ns,
                            u8 scratch[IPNS_SCRATCH_BYTES], struct ipns_record *out,
                            struct report *report);

// Whether `record` replaces `known`: a higher sequence, or the same one that is valid for longer.
bool ipns_record_is_newer(const struct ipns_record *record, const struct ipns_record *known);

// The CID in a value "/ipfs/CID". ERR_UNSUPPORTED: the value is something else, or a CID that is
// not accepted here; the report says which.
struct cid;
enum err ipns_value_cid(struct span value, struct cid *out, struct report *report);
