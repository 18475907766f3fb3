// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/proto.h: the wire format of protocol buffers, field by field.
//
// Use     reading: a reader over the message, and proto_next while it has bytes left; a field of a
//         number that is not known is passed over, one of another type than expected is refused by
//         the caller (proto_expect). A message inside a message is a field of bytes.
//         Writing: a struct proto_writer over a buffer, fields in ascending order; it counts all
//         bytes and keeps those that fit, so the same calls ask for the size (capacity 0).
// Owner   a field points into the message.
// Limits  no depth: nothing here calls itself. Groups, which proto3 does not have, are refused.
// Source  protobuf.dev/programming-guides/encoding. Stricter: numbers in their shortest form.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct reader;
struct report;

enum proto_type {
    PROTO_NUMBER = 0, // a varint
    PROTO_FIXED64 = 1,
    PROTO_BYTES = 2, // also strings and messages
    PROTO_FIXED32 = 5,
};

struct proto_field {
    u32 number; // 1 .. 2^29-1
    enum proto_type type;
    u64 value;         // but for PROTO_BYTES
    struct span bytes; // of PROTO_BYTES
};

// Reads one field; on failure the reader has not moved.
// ERR_MALFORMED  the bytes end in it, its number is 0 or too large, or its type is none of these
enum err proto_next(struct reader *in, struct proto_field *out, struct report *report);

// ERR_MALFORMED  the field is not of that type
enum err proto_expect(const struct proto_field *field, enum proto_type type, struct report *report);

struct proto_writer {
    u8 *data;
    size_t capacity;
    size_t size; // bytes written, also those that did not fit
};

static inline struct proto_writer proto_writer_over(u8 *data, size_t capacity)
{
    return (struct proto_writer){data, capacity, 0};
}

static inline bool proto_fits(const struct proto_writer *out)
{
    return out->size <= out->capacity;
}

void proto_number(struct proto_writer *out, u32 number, u64 value);
void proto_bytes(struct proto_writer *out, u32 number, struct span bytes);
// The head of a field of `size` bytes, which are written next.
void proto_head(struct proto_writer *out, u32 number, size_t size);
// Bytes and a number as they are, for what stands around messages.
void proto_raw(struct proto_writer *out, struct span bytes);
void proto_varint(struct proto_writer *out, u64 value);
