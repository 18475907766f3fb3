// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/reader.h: reads a span front to back, never past its end.
//
// Use     reader_over a span, then read; every function leaves the reader and *out alone when it
//         fails.
// Errors  ERR_MALFORMED with "unexpected end" when the bytes run out; LEB128 as said below.
// Source  LEB128: WebAssembly Core 2.0, section 5.2.2.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

struct reader {
    const u8 *start; // of the input, for offsets in reports
    const u8 *next;
    const u8 *end;
    u64 base; // offset of `start` in the file that people see
};

struct reader reader_over(struct span bytes);
// A reader over the next `size` bytes of `in`, which moves past them; offsets stay those of the
// file.
enum err reader_sub(struct reader *in, size_t size, struct reader *out, struct report *report);

static inline u64 reader_offset(const struct reader *in)
{
    return in->base + (u64)(in->next - in->start);
}

static inline size_t reader_left(const struct reader *in)
{
    return (size_t)(in->end - in->next);
}

enum err reader_u8(struct reader *in, u8 *out, struct report *report);
enum err reader_u32_le(struct reader *in, u32 *out, struct report *report);
enum err reader_u64_le(struct reader *in, u64 *out, struct report *report);
enum err reader_bytes(struct reader *in, size_t size, struct span *out, struct report *report);

// LEB128. ERR_MALFORMED "integer representation too long" for more bytes than the width allows,
// "integer too large" for bits beyond the width.
enum err reader_leb_u32(struct reader *in, u32 *out, struct report *report);
enum err reader_leb_u64(struct reader *in, u64 *out, struct report *report);
enum err reader_leb_i32(struct reader *in, i32 *out, struct report *report);
enum err reader_leb_i33(struct reader *in, i64 *out, struct report *report);
enum err reader_leb_i64(struct reader *in, i64 *out, struct report *report);
