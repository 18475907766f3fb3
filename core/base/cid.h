// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/cid.h: the name of a block of bytes: a CID, version 1, with sha2-256 and nothing else.
//
// Use     cid_parse_* on what comes from outside, cid_of_block for bytes at hand; cid_equal to
//         compare. A file larger than one block is named by core/base/unixfs.h.
// Owner   a struct cid is a value.
// Limits  as text 59 letters ("b", then base32 in lower case without padding), in binary 36 bytes.
// Source  github.com/multiformats/cid (CIDv1), /multibase, /multicodec, /unsigned-varint; RFC 4648
//         section 6.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct reader;
struct report;

// What the bytes of the block are. No other codec is accepted.
enum cid_codec {
    CID_RAW = 0x55,
    CID_DAG_PB = 0x70,
};

enum {
    CID_DIGEST_BYTES = 32,
    CID_BINARY_BYTES = 4 + CID_DIGEST_BYTES,
    CID_TEXT_LETTERS = 59,
    CID_TEXT_BYTES = CID_TEXT_LETTERS + 1, // with the ending zero
};

struct cid {
    u8 codec; // enum cid_codec
    u8 digest[CID_DIGEST_BYTES];
};

// SHA-256 of one run of bytes; platform_sha256 is one.
typedef void (*sha256_function)(struct span bytes, u8 out[CID_DIGEST_BYTES]);

// Parses a CID in its text form; the whole of `text` must be one. *out is left alone on failure.
// ERR_MALFORMED    not a CID, or one whose parts contradict each other; the report says where
// ERR_UNSUPPORTED  a CID of another version, base, codec or hash function; the report names it
enum err cid_parse_text(struct span text, struct cid *out, struct report *report);

// The same for the binary form; the whole of `bytes` must be one CID.
enum err cid_parse_binary(struct span bytes, struct cid *out, struct report *report);

// Reads one CID in binary form and leaves the reader behind it; on failure the reader has not
// moved.
enum err cid_read(struct reader *in, struct cid *out, struct report *report);

// The same, also for version 0, a bare sha2-256 multihash, which names dag-pb: so older nodes of
// files write their links, and peers their wishes.
enum err cid_read_any(struct reader *in, struct cid *out, struct report *report);

// The text form, ended by zero.
void cid_write_text(const struct cid *cid, char out[CID_TEXT_BYTES]);
void cid_write_binary(const struct cid *cid, u8 out[CID_BINARY_BYTES]);

bool cid_equal(const struct cid *a, const struct cid *b);

// The name of one block.
struct cid cid_of_block(enum cid_codec codec, struct span bytes, sha256_function sha256);
