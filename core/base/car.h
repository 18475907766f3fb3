// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/car.h: an archive of blocks, each under its name: CAR, version 1.
//
// Use     car_open checks all of the file's structure; then car_first and car_next walk through the
//         blocks, and car_find looks for one. What a block's bytes are is not compared with its
//         name here: whoever uses them does that (cid_of_block).
// Owner   a struct car and all it gives borrow the file.
// Limits  CAR_ROOTS, CAR_BLOCK_BYTES. Finding walks from the start: archives hold hundreds of
//         blocks.
// Source  ipld.io/specs/transport/car/carv1; RFC 8949 for the header's CBOR, in its canonical form
//         only.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

enum {
    CAR_ROOTS = 16,            // that a header names; we write one
    CAR_BLOCK_BYTES = 2 << 20, // of one block: the most that peers send each other
    CAR_HEADER_BYTES = 1024,   // more than CAR_ROOTS need
};

struct car {
    struct reader blocks; // at the first one
    u32 block_count;
    u32 root_count;
    struct cid roots[CAR_ROOTS];
};

struct car_block {
    struct cid cid;
    struct span bytes;
};

// ERR_MALFORMED    not an archive, or cut short; the report says where
// ERR_UNSUPPORTED  another version, or a CID of another kind than core/base/cid.h knows
// ERR_LIMIT        more roots, or a longer block, than above
enum err car_open(struct span file, struct car *out, struct report *report);

// A walk through the blocks of an open archive: `at` starts as car->blocks. False: there are no
// more.
bool car_next(struct reader *at, struct car_block *out);

// The bytes under that name, or ERR_NOT_FOUND.
enum err car_find(const struct car *car, const struct cid *cid, struct span *out);

// Writes a header that names one root; returns its bytes, at most CAR_HEADER_BYTES.
size_t car_write_header(const struct cid *root, u8 out[CAR_HEADER_BYTES]);
// Writes what stands in front of a block's bytes; returns how many, at most CAR_PREFIX_BYTES.
enum { CAR_PREFIX_BYTES = 10 + CID_BINARY_BYTES };
size_t car_write_prefix(const struct cid *cid, size_t block_bytes, u8 out[CAR_PREFIX_BYTES]);
