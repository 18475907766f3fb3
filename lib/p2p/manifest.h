// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/manifest.h: what a publisher says about a program: its name and version, the CID, the
// interfaces that it wants, and which versions should no longer be run.
//
// Use     manifest_write makes a block (its CID: codec raw); an IPNS name points at it with
//         "/ipfs/CID". manifest_verify reads a block that was fetched by its CID, and checks that
//         the name's key signed it. manifest_yanked asks about a program that is at hand.
// Owner   a struct manifest that was read points into the block.
// Limits  MANIFEST_*.
// Format  docs/p2p.md, "Manifests". The block is canonical dag-cbor: one manifest has one encoding,
//         anything else is malformed. Nothing in it nests further than its format says.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"
struct report;

enum { MANIFEST_HASH_BYTES = 32 }; // of an interface

// All texts are printable ASCII, so that no terminal that shows them is fooled.
struct manifest_interface {
    u8 hash[MANIFEST_HASH_BYTES];
    struct span name;   // "redshirt:io/tcp", for people; the hash is what counts
    struct span limits; // what a grant may be limited to, as the interface words it; or empty
};

struct manifest_yank {
    struct cid program;
    struct span reason; // may be empty
};

struct manifest {
    struct peer_id publisher; // whose key signed it
    struct span name;         // letters, digits, '-', '_', '.'; 1 .. MANIFEST_NAME_BYTES
    struct span version;      // without blanks; 1 .. MANIFEST_VERSION_BYTES
    u64 sequence;             // grows with each manifest of a name
    struct cid program;
    u32 interface_count; // in ascending order of their hashes, none twice
    struct manifest_interface interfaces[MANIFEST_INTERFACES];
    u32 yank_count; // in ascending order of their CIDs in binary, none twice
    struct manifest_yank yanked[MANIFEST_YANKS];
};

// Checks a manifest that is to be written, as manifest_verify checks one that was read.
// ERR_INVALID, ERR_LIMIT: the report says what.
enum err manifest_check(const struct manifest *manifest, struct report *report);

// Writes the signed block; returns its size. The manifest has passed manifest_check; its publisher
// is the seed's.
size_t manifest_write(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                      const struct manifest *manifest, u8 out[MANIFEST_BYTES]);

// Reads a block and checks it whole. *out is undefined on failure.
//   publisher  whose key must have signed it; NULL: whoever out->publisher then is
// ERR_MALFORMED    not such a block, or not its canonical form
// ERR_LIMIT        beyond MANIFEST_*
// ERR_MISMATCH     signed by somebody else, or not at all
// ERR_UNSUPPORTED  a format of another version
enum err manifest_verify(const struct p2p_crypto *crypto, struct span block,
                         const struct peer_id *publisher, struct manifest *out,
                         struct report *report);

// What the publisher says against a program; NULL: nothing.
const struct manifest_yank *manifest_yanked(const struct manifest *manifest,
                                            const struct cid *program);

// Whether bytes begin like such a block, which no program does.
bool manifest_is_one(struct span block);
