// SPDX-License-Identifier: GPL-3.0-or-later
// The header is CBOR, but canonical CBOR has one way to write this map, so it is compared rather
// than parsed: {"roots": [CID, ...], "version": 1}, a CID being tag 42 over a byte string that
// begins with a zero.
#include "core/base/car.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/varint.h"

enum { CBOR_ARRAY = 0x80, CBOR_SHORT = 24 };
STATIC_ASSERT((int)CAR_ROOTS < (int)CBOR_SHORT);

static const u8 roots_key[] = {0xa2, 0x65, 'r', 'o', 'o', 't', 's'};
static const u8 version_key[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n'};
static const u8 link_start[] = {0xd8, 0x2a, 0x58, 1 + CID_BINARY_BYTES, 0};

static enum err expect(struct reader *in, struct span wanted, const char *what,
                       struct report *report)
{
    u64 offset = reader_offset(in);
    struct span got;
    TRY(reader_bytes(in, wanted.size, &got, report));
    return span_equal(got, wanted) ? ERR_OK : report_err(report, ERR_MALFORMED, offset, what);
}

static enum err read_header(struct reader *in, struct car *car, struct report *report)
{
    u8 byte;
    TRY(expect(in, span_of(roots_key, sizeof roots_key), "not the header of a CAR archive",
               report));
    u64 offset = reader_offset(in);
    TRY(reader_u8(in, &byte, report));
    if (byte < CBOR_ARRAY || byte > CBOR_ARRAY + CBOR_SHORT) {
        return report_err(report, ERR_MALFORMED, offset, "the roots are no array");
    }
    if (byte > CBOR_ARRAY + CAR_ROOTS) {
        return report_err(report, ERR_LIMIT, offset, "too many roots");
    }
    car->root_count = byte - (u32)CBOR_ARRAY;
    for (u32 i = 0; i < car->root_count; i++) {
        TRY(expect(in, span_of(link_start, sizeof link_start), "a root is no CID of ours", report));
        TRY(cid_read(in, &car->roots[i], report));
    }
    TRY(expect(in, span_of(version_key, sizeof version_key), "no version where it belongs",
               report));
    offset = reader_offset(in);
    TRY(reader_u8(in, &byte, report));
    if (byte != 1) {
        return report_err(report, ERR_UNSUPPORTED, offset, "not version 1");
    }
    return reader_left(in) == 0 ? ERR_OK
                                : report_err(report, ERR_MALFORMED, reader_offset(in),
                                             "more in the header than roots and version");
}

// The next section: its size, then what is in it. `most` bounds the size.
static enum err read_section(struct reader *in, u64 most, struct reader *out, struct report *report)
{
    u64 offset = reader_offset(in);
    u64 size;
    TRY(varint_read(in, &size, report));
    if (size > most) {
        return report_err(report, ERR_LIMIT, offset, "a section is too long");
    }
    return reader_sub(in, (size_t)size, out, report);
}

static enum err read_block(struct reader *in, struct car_block *out, struct report *report)
{
    struct reader section;
    TRY(read_section(in, CAR_BLOCK_BYTES + CID_BINARY_BYTES, &section, report));
    TRY(cid_read(&section, &out->cid, report));
    return reader_bytes(&section, reader_left(&section), &out->bytes, report);
}

enum err car_open(struct span file, struct car *out, struct report *report)
{
    struct car car = {0};
    struct reader in = reader_over(file);
    struct reader header;
    TRY(read_section(&in, CAR_HEADER_BYTES, &header, report));
    TRY(read_header(&header, &car, report));
    car.blocks = in;
    while (reader_left(&in) > 0) {
        struct car_block block;
        TRY(read_block(&in, &block, report));
        car.block_count++;
    }
    *out = car;
    return ERR_OK;
}

bool car_next(struct reader *at, struct car_block *out)
{
    if (reader_left(at) == 0) {
        return false;
    }
    enum err err = read_block(at, out, NULL);
    ASSERT(err == ERR_OK); // car_open walked the same way
    return true;
}

enum err car_find(const struct car *car, const struct cid *cid, struct span *out)
{
    struct reader at = car->blocks;
    struct car_block block;
    while (car_next(&at, &block)) {
        if (cid_equal(&block.cid, cid)) {
            *out = block.bytes;
            return ERR_OK;
        }
    }
    return ERR_NOT_FOUND;
}

static size_t put(u8 *out, size_t at, const void *bytes, size_t size)
{
    mem_copy(out + at, bytes, size);
    return at + size;
}

size_t car_write_header(const struct cid *root, u8 out[CAR_HEADER_BYTES])
{
    u8 cid[CID_BINARY_BYTES];
    u8 one_root = CBOR_ARRAY + 1;
    u8 version = 1;
    cid_write_binary(root, cid);
    size_t size = sizeof roots_key + 1 + sizeof link_start + sizeof cid + sizeof version_key + 1;
    size_t at = varint_write(size, out);
    at = put(out, at, roots_key, sizeof roots_key);
    at = put(out, at, &one_root, 1);
    at = put(out, at, link_start, sizeof link_start);
    at = put(out, at, cid, sizeof cid);
    at = put(out, at, version_key, sizeof version_key);
    at = put(out, at, &version, 1);
    ASSERT(at <= CAR_HEADER_BYTES);
    return at;
}

size_t car_write_prefix(const struct cid *cid, size_t block_bytes, u8 out[CAR_PREFIX_BYTES])
{
    size_t at = varint_write((u64)CID_BINARY_BYTES + block_bytes, out);
    cid_write_binary(cid, out + at);
    return at + CID_BINARY_BYTES;
}
