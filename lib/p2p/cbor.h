// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/cbor.h: dag-cbor, item by item: what signed documents are written in.
//
// Use     a reader over the document; cbor_next reads one item. The items of an array follow its
//         own, those of a map too, keys and values in turn: the caller knows what it expects and
//         how deep, so nothing here calls itself, and what is not expected is refused
//         (CVE-2026-42328). cbor_key checks the order of a map's keys. Writing: a struct
//         proto_writer.
// Owner   an item points into the document.
// Source  IPLD, "DAG-CBOR"; RFC 8949. Only its canonical form is accepted: shortest heads, sizes
//         known, no tag but 42 (a CID), keys that are texts in ascending order, by length and then
//         by bytes.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct cid;
struct proto_writer;
struct reader;
struct report;

enum cbor_kind {
    CBOR_NUMBER = 0,
    CBOR_NEGATIVE = 1, // -1 - value
    CBOR_BYTES = 2,
    CBOR_TEXT = 3,  // UTF-8
    CBOR_ARRAY = 4, // of `value` items
    CBOR_MAP = 5,   // of `value` pairs
    CBOR_TAG = 6,   // 42; the next item is the bytes of a CID, with a zero before them
    CBOR_SIMPLE = 7 // false, true, null, or a float of 64 bits
};

struct cbor_item {
    enum cbor_kind kind;
    u64 value; // of SIMPLE: 20, 21, 22, or the float's bits
    struct span bytes;
};

// Reads one item; on failure the reader has not moved.
// ERR_MALFORMED  cut off, or not canonical
enum err cbor_next(struct reader *in, struct cbor_item *out, struct report *report);

// The same, of one kind only.
enum err cbor_expect(struct reader *in, enum cbor_kind kind, struct cbor_item *out,
                     struct report *report);

// Reads the next key of a map and checks that it stands behind `last`, which receives it; at first
// *last is empty.
enum err cbor_key(struct reader *in, struct span *last, struct report *report);

// Reads a CID. Errors as cid_parse_binary.
enum err cbor_link(struct reader *in, struct cid *out, struct report *report);

void cbor_write_head(struct proto_writer *out, enum cbor_kind kind, u64 value);
void cbor_write_bytes(struct proto_writer *out, struct span bytes);
void cbor_write_text(struct proto_writer *out, struct span text);
void cbor_write_link(struct proto_writer *out, const struct cid *cid);
