// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/multibase.h: bytes as letters: base58btc, base36 and base32.
//
// Use     for peer ids and the names of keys; the letter that says which base is the caller's.
//         Blocks' names are in core/base/cid.h.
// Limits  P2P_MULTIBASE_BYTES: base58 and base36 cost the square of the size.
// Source  github.com/multiformats/multibase; draft-msporny-base58; RFC 4648 section 6.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct report;
struct text;

enum multibase {
    MULTIBASE_58, // leading zeros stand as "1"
    MULTIBASE_36, // lower case; leading zeros stand as "0"
    MULTIBASE_32, // lower case, without padding
};

// Appends the letters of at most P2P_MULTIBASE_BYTES bytes.
void multibase_write(struct text *out, enum multibase base, struct span bytes);

// Decodes all of `letters`.
//   size  receives the count of bytes, at most `capacity`
// ERR_MALFORMED  a letter of no value, or bits that belong to no byte
// ERR_LIMIT      more than `capacity` bytes (at most P2P_MULTIBASE_BYTES)
enum err multibase_read(enum multibase base, struct span letters, u8 *out, size_t capacity,
                        size_t *size, struct report *report);
