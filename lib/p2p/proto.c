// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/proto.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"

enum {
    TYPE_BITS = 3,
    TYPE_MASK = 7,
    NUMBER_MAX = (1 << 29) - 1,
};

enum err proto_next(struct reader *in, struct proto_field *out, struct report *report)
{
    struct reader ahead = *in;
    u64 tag, size;
    u32 word;
    TRY(varint_read(&ahead, &tag, report));
    if (tag >> TYPE_BITS == 0 || tag >> TYPE_BITS > NUMBER_MAX) {
        return report_err(report, ERR_MALFORMED, reader_offset(in),
                          "field has a number that none may have");
    }
    struct proto_field field = {.number = (u32)(tag >> TYPE_BITS), .type = tag & TYPE_MASK};
    switch (field.type) {
    case PROTO_NUMBER:
        TRY(varint_read(&ahead, &field.value, report));
        break;
    case PROTO_FIXED64:
        TRY(reader_u64_le(&ahead, &field.value, report));
        break;
    case PROTO_FIXED32:
        TRY(reader_u32_le(&ahead, &word, report));
        field.value = word;
        break;
    case PROTO_BYTES:
        TRY(varint_read(&ahead, &size, report));
        if (size > reader_left(&ahead)) {
            return report_err(report, ERR_MALFORMED, reader_offset(in),
                              "field goes beyond the end of its message");
        }
        TRY(reader_bytes(&ahead, (size_t)size, &field.bytes, report));
        break;
    default:
        return report_err(report, ERR_MALFORMED, reader_offset(in),
                          "field is of a type that does not exist");
    }
    *in = ahead;
    *out = field;
    return ERR_OK;
}

enum err proto_expect(const struct proto_field *field, enum proto_type type, struct report *report)
{
    if (field->type != type) {
        return report_err(report, ERR_MALFORMED, 0, "field is not of the type that it must have");
    }
    return ERR_OK;
}

void proto_raw(struct proto_writer *out, struct span bytes)
{
    if (out->size <= out->capacity && bytes.size <= out->capacity - out->size) {
        mem_copy(out->data + out->size, bytes.data, bytes.size);
    }
    out->size += bytes.size;
}

void proto_varint(struct proto_writer *out, u64 value)
{
    u8 bytes[VARINT_BYTES];
    proto_raw(out, span_of(bytes, varint_write(value, bytes)));
}

void proto_number(struct proto_writer *out, u32 number, u64 value)
{
    ASSERT(number != 0 && number <= NUMBER_MAX);
    proto_varint(out, (u64)number << TYPE_BITS | PROTO_NUMBER);
    proto_varint(out, value);
}

void proto_head(struct proto_writer *out, u32 number, size_t size)
{
    ASSERT(number != 0 && number <= NUMBER_MAX);
    proto_varint(out, (u64)number << TYPE_BITS | PROTO_BYTES);
    proto_varint(out, size);
}

void proto_bytes(struct proto_writer *out, u32 number, struct span bytes)
{
    proto_head(out, number, bytes.size);
    proto_raw(out, bytes);
}
