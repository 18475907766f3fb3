// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/multihash.h: a digest that says which function made it.
//
// Use     for what the network calls a multihash: peer ids, keys of the DHT. Blocks are named by
//         core/base/cid.h, which accepts sha2-256 alone.
// Owner   a struct multihash points into the bytes that it was read from.
// Limits  P2P_DIGEST_BYTES.
// Source  github.com/multiformats/multihash; unsigned-varint (at most 9 bytes, the shortest form).
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct reader;
struct report;

enum {
    MULTIHASH_IDENTITY = 0x00,
    MULTIHASH_SHA2_256 = 0x12,
};

struct multihash {
    u64 code;
    struct span digest;
};

// Reads <code> <size> <digest>; on failure the reader has not moved.
// ERR_MALFORMED  cut off, a number of more than 63 bits or not in its shortest form, a sha2-256
//                digest of other than 32 bytes
// ERR_LIMIT      a digest beyond P2P_DIGEST_BYTES
enum err multihash_read(struct reader *in, struct multihash *out, struct report *report);

// One varint as these formats have it: core/base/varint.h within 63 bits.
enum err multihash_varint_read(struct reader *in, u64 *out, struct report *report);
