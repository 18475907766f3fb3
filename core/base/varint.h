// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/varint.h: unsigned variable-length integers as IPFS's formats and protobuf write them.
//
// Limits  64 bits; only the shortest form of a number is accepted, so that one block has one
//         encoding.
// Source  github.com/multiformats/unsigned-varint; protobuf.dev/programming-guides/encoding.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct reader;
struct report;

enum { VARINT_BYTES = 10 };

// ERR_MALFORMED  the bytes end, the number has more than 64 bits, or is not in its shortest form.
//                The reader has not moved then.
enum err varint_read(struct reader *in, u64 *out, struct report *report);

// Writes `value`; returns how many bytes, 1 .. VARINT_BYTES.
size_t varint_write(u64 value, u8 *out);

// How many bytes varint_write writes.
size_t varint_size(u64 value);
