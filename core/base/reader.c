// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/reader.h"
#include "core/base/report.h"

struct reader reader_over(struct span bytes)
{
    const u8 *end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size; // data may be NULL
    return (struct reader){bytes.data, bytes.data, end, 0};
}

static enum err unexpected_end(struct reader *in, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader_offset(in), "unexpected end");
}

enum err reader_sub(struct reader *in, size_t size, struct reader *out, struct report *report)
{
    u64 base = reader_offset(in);
    struct span bytes;
    TRY(reader_bytes(in, size, &bytes, report));
    *out = reader_over(bytes);
    out->base = base;
    return ERR_OK;
}

enum err reader_u8(struct reader *in, u8 *out, struct report *report)
{
    if (in->next == in->end) {
        return unexpected_end(in, report);
    }
    *out = *in->next++;
    return ERR_OK;
}

enum err reader_bytes(struct reader *in, size_t size, struct span *out, struct report *report)
{
    if (size > reader_left(in)) {
        return unexpected_end(in, report);
    }
    *out = span_of(in->next, size);
    in->next += size;
    return ERR_OK;
}

enum err reader_u32_le(struct reader *in, u32 *out, struct report *report)
{
    struct span bytes;
    TRY(reader_bytes(in, sizeof *out, &bytes, report));
    *out = mem_load_u32(bytes.data);
    return ERR_OK;
}

enum err reader_u64_le(struct reader *in, u64 *out, struct report *report)
{
    struct span bytes;
    TRY(reader_bytes(in, sizeof *out, &bytes, report));
    *out = mem_load_u64(bytes.data);
    return ERR_OK;
}

// Reads an unsigned LEB128 of at most `width` bits.
static enum err leb_unsigned(struct reader *in, u32 width, u64 *out, struct report *report)
{
    u64 value = 0;
    u32 shift = 0;
    for (const u8 *at = in->next;; at++, shift += 7) {
        if (at == in->end) {
            return unexpected_end(in, report);
        }
        if (shift >= width) {
            return report_err(report, ERR_MALFORMED, reader_offset(in),
                              "integer representation too long");
        }
        u64 bits = *at & 0x7f;
        if (width - shift < 7 && bits >> (width - shift) != 0) {
            return report_err(report, ERR_MALFORMED, reader_offset(in),
                              *at & 0x80 ? "integer representation too long" : "integer too large");
        }
        value |= bits << shift;
        if ((*at & 0x80) == 0) {
            in->next = at + 1;
            *out = value;
            return ERR_OK;
        }
    }
}

// Reads a signed LEB128 of at most `width` bits and extends its sign.
static enum err leb_signed(struct reader *in, u32 width, i64 *out, struct report *report)
{
    u64 value = 0;
    u32 shift = 0;
    for (const u8 *at = in->next;; at++) {
        if (at == in->end) {
            return unexpected_end(in, report);
        }
        if (shift >= width) {
            return report_err(report, ERR_MALFORMED, reader_offset(in),
                              "integer representation too long");
        }
        u64 bits = *at & 0x7f;
        if (width - shift < 7) {
            // The bits above the width must all repeat the sign.
            u64 sign_and_above = bits >> (width - shift - 1);
            u64 all = 0x7full >> (width - shift - 1);
            if ((*at & 0x80) != 0 || (sign_and_above != 0 && sign_and_above != all)) {
                return report_err(report, ERR_MALFORMED, reader_offset(in),
                                  *at & 0x80 ? "integer representation too long"
                                             : "integer too large");
            }
        }
        value |= bits << shift;
        shift += 7;
        if ((*at & 0x80) == 0) {
            if (shift < 64 && (*at & 0x40) != 0) {
                value |= ~(u64)0 << shift;
            }
            in->next = at + 1;
            *out = (i64)value;
            return ERR_OK;
        }
    }
}

enum err reader_leb_u32(struct reader *in, u32 *out, struct report *report)
{
    if (in->next != in->end && *in->next < 0x80) { // one byte: nearly all of them
        *out = *in->next++;
        return ERR_OK;
    }
    u64 value;
    TRY(leb_unsigned(in, 32, &value, report));
    *out = (u32)value;
    return ERR_OK;
}

enum err reader_leb_u64(struct reader *in, u64 *out, struct report *report)
{
    return leb_unsigned(in, 64, out, report);
}

enum err reader_leb_i32(struct reader *in, i32 *out, struct report *report)
{
    i64 value;
    TRY(leb_signed(in, 32, &value, report));
    *out = (i32)value;
    return ERR_OK;
}

enum err reader_leb_i33(struct reader *in, i64 *out, struct report *report)
{
    return leb_signed(in, 33, out, report);
}

enum err reader_leb_i64(struct reader *in, i64 *out, struct report *report)
{
    return leb_signed(in, 64, out, report);
}
