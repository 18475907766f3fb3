// SPDX-License-Identifier: GPL-3.0-or-later
// An item's first byte is its kind, of 3 bits, and a number of 5: the value itself up to 23, or how
// many bytes of it follow, most significant first.
#include "lib/p2p/cbor.h"
#include "core/base/cid.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/utf8.h"
#include "lib/p2p/proto.h"

enum {
    KIND_SHIFT = 5,
    SHORT_MASK = 31,
    SHORT_MAX = 23, // values up to this stand in the first byte
    ONE_BYTE = 24,  // one byte follows, then 2, 4, 8
    EIGHT_BYTES = 27,
    SIMPLE_FALSE = 20,
    SIMPLE_NULL = 22,
    TAG_LINK = 42,
    BYTE_BITS = 8,
};

static enum err malformed(const struct reader *in, const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, reader_offset(in), why);
}

// The value behind the first byte.
static enum err read_value(struct reader *in, u8 first, u64 *out, struct report *report)
{
    u8 low = first & SHORT_MASK;
    if (low <= SHORT_MAX) {
        *out = low;
        return ERR_OK;
    }
    if (low > EIGHT_BYTES) {
        return malformed(in, "cbor: an item whose size is not known", report);
    }
    struct span bytes;
    size_t size = (size_t)1 << (low - ONE_BYTE);
    TRY(reader_bytes(in, size, &bytes, report));
    u64 value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << BYTE_BITS | bytes.data[i];
    }
    bool is_float = first >> KIND_SHIFT == CBOR_SIMPLE;
    u64 least = size == 1 ? SHORT_MAX + 1 : (u64)1 << (size / 2 * BYTE_BITS);
    if (is_float ? low != EIGHT_BYTES : value < least) {
        return malformed(in, "cbor: a number that is not in its shortest form", report);
    }
    *out = value;
    return ERR_OK;
}

enum err cbor_next(struct reader *in, struct cbor_item *out, struct report *report)
{
    struct reader ahead = *in;
    struct cbor_item item = {0};
    u8 first;
    TRY(reader_u8(&ahead, &first, report));
    TRY(read_value(&ahead, first, &item.value, report));
    item.kind = (enum cbor_kind)(first >> KIND_SHIFT);
    switch (item.kind) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        if (item.value > reader_left(&ahead)) {
            return malformed(&ahead, "cbor: an item goes beyond the end", report);
        }
        TRY(reader_bytes(&ahead, (size_t)item.value, &item.bytes, report));
        if (item.kind == CBOR_TEXT && !utf8_is_valid(item.bytes)) {
            return malformed(&ahead, "cbor: a text that is not UTF-8", report);
        }
        break;
    case CBOR_TAG:
        if (item.value != TAG_LINK) {
            return malformed(&ahead, "cbor: a tag other than that of a CID", report);
        }
        break;
    case CBOR_SIMPLE:
        if ((first & SHORT_MASK) <= SHORT_MAX &&
            (item.value < SIMPLE_FALSE || item.value > SIMPLE_NULL)) {
            return malformed(&ahead, "cbor: a simple value that does not exist", report);
        }
        break;
    default:
        break;
    }
    *in = ahead;
    *out = item;
    return ERR_OK;
}

enum err cbor_expect(struct reader *in, enum cbor_kind kind, struct cbor_item *out,
                     struct report *report)
{
    struct reader ahead = *in;
    struct cbor_item item;
    TRY(cbor_next(&ahead, &item, report));
    if (item.kind != kind) {
        return malformed(in, "cbor: an item of another kind than belongs here", report);
    }
    *in = ahead;
    *out = item;
    return ERR_OK;
}

enum err cbor_key(struct reader *in, struct span *last, struct report *report)
{
    struct reader ahead = *in;
    struct cbor_item key;
    TRY(cbor_expect(&ahead, CBOR_TEXT, &key, report));
    bool is_behind =
        key.bytes.size > last->size || (key.bytes.size == last->size && key.bytes.size != 0 &&
                                        mem_compare(key.bytes.data, last->data, last->size) > 0);
    if (!is_behind) {
        return malformed(in, "cbor: a map's keys are not in their order", report);
    }
    *in = ahead;
    *last = key.bytes;
    return ERR_OK;
}

enum err cbor_link(struct reader *in, struct cid *out, struct report *report)
{
    struct reader ahead = *in;
    struct cbor_item item;
    TRY(cbor_expect(&ahead, CBOR_TAG, &item, report));
    TRY(cbor_expect(&ahead, CBOR_BYTES, &item, report));
    if (item.bytes.size == 0 || item.bytes.data[0] != 0) {
        return malformed(in, "cbor: a CID without the zero before it", report);
    }
    TRY(cid_parse_binary(span_slice(item.bytes, 1, item.bytes.size), out, report));
    *in = ahead;
    return ERR_OK;
}

void cbor_write_head(struct proto_writer *out, enum cbor_kind kind, u64 value)
{
    u8 bytes[1 + sizeof value];
    u32 low = (u32)value, size = 0;
    if (value > SHORT_MAX) {
        low = ONE_BYTE;
        size = 1;
        while (size < sizeof value && value >> (size * BYTE_BITS) != 0) {
            low++;
            size *= 2;
        }
    }
    bytes[0] = (u8)((u32)kind << KIND_SHIFT | low);
    for (u32 i = 0; i < size; i++) {
        bytes[1 + i] = (u8)(value >> ((size - 1 - i) * BYTE_BITS));
    }
    proto_raw(out, span_of(bytes, 1 + size));
}

void cbor_write_bytes(struct proto_writer *out, struct span bytes)
{
    cbor_write_head(out, CBOR_BYTES, bytes.size);
    proto_raw(out, bytes);
}

void cbor_write_text(struct proto_writer *out, struct span text)
{
    cbor_write_head(out, CBOR_TEXT, text.size);
    proto_raw(out, text);
}

void cbor_write_link(struct proto_writer *out, const struct cid *cid)
{
    u8 bytes[1 + CID_BINARY_BYTES] = {0};
    cid_write_binary(cid, bytes + 1);
    cbor_write_head(out, CBOR_TAG, TAG_LINK);
    cbor_write_bytes(out, span_of(bytes, sizeof bytes));
}
