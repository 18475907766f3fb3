// SPDX-License-Identifier: GPL-3.0-or-later
// A message is { 1: wantlist { 1: entry, 2: full }, 2: old blocks, 3: block { 1: prefix, 2: data },
// 4: presence { 1: CID, 2: type }, 5: pending bytes }, an entry { 1: CID, 2: priority, 3: cancel,
// 4: type, 5: send dont-have }. Entries, presences and prefixes are collected whole, for they are
// small; a block's data passes through.
#include "lib/p2p/bitswap_message.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "lib/p2p/proto.h"

enum step {
    STEP_LENGTH, // of the message
    STEP_TAG,
    STEP_NUMBER,
    STEP_SIZE,
    STEP_SMALL,
    STEP_SKIP,
    STEP_DATA,
};

enum {
    MESSAGE_WANTLIST = 1,
    MESSAGE_BLOCK = 3,
    MESSAGE_PRESENCE = 4,
    WANTLIST_ENTRY = 1,
    WANTLIST_FULL = 2,
    BLOCK_PREFIX = 1,
    BLOCK_DATA = 2,
    ENTRY_CID = 1,
    ENTRY_PRIORITY = 2,
    ENTRY_CANCEL = 3,
    ENTRY_TYPE = 4,
    ENTRY_WANTS_NO = 5,
    PRESENCE_CID = 1,
    PRESENCE_TYPE = 2,
    TYPE_BITS = 3,
    TYPE_MASK = 7,
    TYPE_HAVE = 1,      // of an entry: whether we have it
    TYPE_DONT_HAVE = 1, // of a presence
    HASH_SHA2_256 = 0x12,
};

bool bitswap_reader_is_idle(const struct bitswap_reader *reader)
{
    return reader->step == STEP_LENGTH && reader->number_bits == 0;
}

static enum err malformed(struct report *report, const char *reason)
{
    return report_err(report, ERR_MALFORMED, 0, reason);
}

static void take(struct bitswap_reader *reader, struct span *in, size_t size)
{
    *in = span_slice(*in, size, in->size);
    if (reader->step != STEP_LENGTH) {
        reader->left[0] -= (u32)size;
        reader->left[1] -= reader->level == 1 ? (u32)size : 0;
    }
}

// Reads on at a number of at most 64 bits in its shortest form; *done says that it is whole.
static enum err read_number(struct bitswap_reader *reader, struct span *in, bool *done,
                            struct report *report)
{
    *done = false;
    while (in->size != 0 && !*done) {
        u8 byte = in->data[0];
        if (reader->step != STEP_LENGTH && reader->left[reader->level] == 0) {
            return malformed(report, "bitswap: a message ends in a number");
        }
        if (reader->number_bits == 63 && byte > 1) {
            return malformed(report, "bitswap: a number has more than 64 bits");
        }
        if (byte == 0 && reader->number_bits != 0) {
            return malformed(report, "bitswap: a number is not in its shortest form");
        }
        reader->number |= (u64)(byte & 0x7f) << reader->number_bits;
        reader->number_bits += 7;
        *done = byte < 0x80;
        take(reader, in, 1);
    }
    return ERR_OK;
}

static u64 number_take(struct bitswap_reader *reader)
{
    u64 number = reader->number;
    reader->number = 0;
    reader->number_bits = 0;
    return number;
}

// ---- small items

// The CID in a field, when it is one of ours.
static void read_cid(struct span bytes, struct bitswap_item *out)
{
    struct reader in = reader_over(bytes);
    out->is_version_0 = bytes.size != 0 && bytes.data[0] == HASH_SHA2_256;
    out->has_cid = cid_read_any(&in, &out->cid, NULL) == ERR_OK && reader_left(&in) == 0;
}

static enum err read_entry(struct span bytes, struct bitswap_item *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    out->kind = BITSWAP_ITEM_ENTRY;
    out->is_block = true;
    while (reader_left(&in) != 0) {
        struct proto_field field;
        TRY(proto_next(&in, &field, report));
        if (field.number > ENTRY_WANTS_NO) {
            continue;
        }
        TRY(proto_expect(&field, field.number == ENTRY_CID ? PROTO_BYTES : PROTO_NUMBER, report));
        switch (field.number) {
        case ENTRY_CID:
            read_cid(field.bytes, out);
            break;
        case ENTRY_PRIORITY:
            out->priority = (i32)(u32)field.value;
            break;
        case ENTRY_CANCEL:
            out->is_cancel = field.value != 0;
            break;
        case ENTRY_TYPE:
            out->is_block = field.value != TYPE_HAVE;
            break;
        default:
            out->wants_no = field.value != 0;
            break;
        }
    }
    return ERR_OK;
}

static enum err read_presence(struct span bytes, struct bitswap_item *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    out->kind = BITSWAP_ITEM_PRESENCE;
    out->has = true;
    while (reader_left(&in) != 0) {
        struct proto_field field;
        TRY(proto_next(&in, &field, report));
        if (field.number == PRESENCE_CID) {
            TRY(proto_expect(&field, PROTO_BYTES, report));
            read_cid(field.bytes, out);
        } else if (field.number == PRESENCE_TYPE) {
            TRY(proto_expect(&field, PROTO_NUMBER, report));
            out->has = field.value != TYPE_DONT_HAVE;
        }
    }
    return ERR_OK;
}

// <version> <codec> <hash function> <digest size>: it says how to make the CID; we only look
// whether we would make the same.
static enum err read_prefix(struct bitswap_reader *reader, struct span bytes, struct report *report)
{
    struct reader in = reader_over(bytes);
    u64 version, codec, hash, size;
    TRY(varint_read(&in, &version, report));
    TRY(varint_read(&in, &codec, report));
    TRY(varint_read(&in, &hash, report));
    TRY(varint_read(&in, &size, report));
    bool is_version = version == 1 || (version == 0 && codec == CID_DAG_PB);
    reader->is_prefix_ours = is_version && (codec == CID_RAW || codec == CID_DAG_PB) &&
                             hash == HASH_SHA2_256 && size == CID_DIGEST_BYTES &&
                             reader_left(&in) == 0;
    reader->codec = (u8)codec;
    return ERR_OK;
}

static enum err end_small(struct bitswap_reader *reader, struct bitswap_item *out,
                          struct report *report)
{
    struct span bytes = span_of(reader->small, reader->small_size);
    reader->step = STEP_TAG;
    if (reader->level == 0) {
        return read_presence(bytes, out, report);
    }
    return reader->is_wantlist ? read_entry(bytes, out, report)
                               : read_prefix(reader, bytes, report);
}

// ---- fields

// Fields of a number, behind it.
static void end_number(struct bitswap_reader *reader)
{
    u64 value = number_take(reader);
    if (reader->level == 1 && reader->is_wantlist && reader->tag >> TYPE_BITS == WANTLIST_FULL) {
        reader->is_full = value != 0;
    }
    reader->step = STEP_TAG;
}

static void begin_small(struct bitswap_reader *reader, u32 size)
{
    reader->step = size <= P2P_BITSWAP_ITEM_BYTES ? STEP_SMALL : STEP_SKIP;
    reader->small_size = 0;
}

static void enter(struct bitswap_reader *reader, bool is_wantlist, u32 size)
{
    reader->level = 1;
    reader->left[1] = size;
    reader->is_wantlist = is_wantlist;
    reader->is_full = false;
    reader->has_data = false;
    reader->is_prefix_ours = false;
    reader->step = STEP_TAG;
}

static enum err begin_data(struct bitswap_reader *reader, u32 size, struct bitswap_item *out,
                           struct report *report)
{
    if (reader->has_data) {
        return malformed(report, "bitswap: a block has data twice");
    }
    if (size > P2P_BLOCK_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "bitswap: a block is longer than 2 MiB");
    }
    reader->has_data = true;
    reader->step = STEP_DATA;
    *out = (struct bitswap_item){.kind = BITSWAP_ITEM_BLOCK, .size = size};
    return ERR_OK;
}

// Fields of bytes, behind their size.
static enum err begin_bytes(struct bitswap_reader *reader, struct bitswap_item *out,
                            struct report *report)
{
    u64 size = number_take(reader), field = reader->tag >> TYPE_BITS;
    if (size > reader->left[reader->level]) {
        return malformed(report, "bitswap: a field goes beyond its message");
    }
    reader->left[2] = (u32)size;
    reader->step = STEP_SKIP;
    if (reader->level == 0 && (field == MESSAGE_WANTLIST || field == MESSAGE_BLOCK)) {
        enter(reader, field == MESSAGE_WANTLIST, (u32)size);
    } else if (reader->level == 0 && field == MESSAGE_PRESENCE) {
        begin_small(reader, (u32)size);
    } else if (reader->level == 1 && reader->is_wantlist && field == WANTLIST_ENTRY) {
        begin_small(reader, (u32)size);
    } else if (reader->level == 1 && !reader->is_wantlist && field == BLOCK_PREFIX) {
        reader->is_prefix_ours = false;
        begin_small(reader, (u32)size);
    } else if (reader->level == 1 && !reader->is_wantlist && field == BLOCK_DATA) {
        return begin_data(reader, (u32)size, out, report);
    }
    return ERR_OK;
}

static enum err end_tag(struct bitswap_reader *reader, struct report *report)
{
    reader->tag = number_take(reader);
    if (reader->tag >> TYPE_BITS == 0) {
        return malformed(report, "bitswap: a field has number 0");
    }
    u32 fixed = 0;
    switch (reader->tag & TYPE_MASK) {
    case PROTO_NUMBER:
        reader->step = STEP_NUMBER;
        return ERR_OK;
    case PROTO_BYTES:
        reader->step = STEP_SIZE;
        return ERR_OK;
    case PROTO_FIXED64:
        fixed = 8;
        break;
    case PROTO_FIXED32:
        fixed = 4;
        break;
    default:
        return malformed(report, "bitswap: a field is of a type that does not exist");
    }
    if (fixed > reader->left[reader->level]) {
        return malformed(report, "bitswap: a field goes beyond its message");
    }
    reader->left[2] = fixed;
    reader->step = STEP_SKIP;
    return ERR_OK;
}

// ---- reading

// What is over: a field, what is in the message, the message. False: nothing is.
static enum err end(struct bitswap_reader *reader, struct bitswap_item *out, bool *ended,
                    struct report *report)
{
    *ended = true;
    if (reader->step >= STEP_SMALL && reader->left[2] == 0) {
        if (reader->step == STEP_SMALL) {
            return end_small(reader, out, report);
        }
        reader->step = STEP_TAG;
    } else if (reader->step == STEP_TAG && reader->number_bits == 0 && reader->level == 1 &&
               reader->left[1] == 0) {
        if (!reader->is_wantlist && !reader->has_data) { // an empty block needs no field
            reader->has_data = true;
            out->kind = BITSWAP_ITEM_BLOCK;
            return ERR_OK;
        }
        reader->level = 0;
        if (!reader->is_wantlist) {
            out->kind = BITSWAP_ITEM_BLOCK_END;
            out->has_cid = reader->is_prefix_ours;
            out->cid.codec = reader->codec;
        } else if (reader->is_full) {
            out->kind = BITSWAP_ITEM_FULL;
        }
    } else if (reader->step == STEP_TAG && reader->number_bits == 0 && reader->level == 0 &&
               reader->left[0] == 0) {
        reader->step = STEP_LENGTH;
        out->kind = BITSWAP_ITEM_END;
    } else {
        *ended = false;
    }
    return ERR_OK;
}

static enum err end_length(struct bitswap_reader *reader, struct report *report)
{
    u64 size = number_take(reader);
    if (size > P2P_MESSAGE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "bitswap: a message is longer than 4 MiB");
    }
    reader->left[0] = (u32)size;
    reader->level = 0;
    reader->step = STEP_TAG;
    return ERR_OK;
}

// One step over bytes that are there.
static enum err step(struct bitswap_reader *reader, struct span *in, struct bitswap_item *out,
                     struct report *report)
{
    if (reader->step < STEP_SMALL) {
        bool done;
        TRY(read_number(reader, in, &done, report));
        if (!done) {
            return ERR_OK;
        }
        switch (reader->step) {
        case STEP_LENGTH:
            return end_length(reader, report);
        case STEP_TAG:
            return end_tag(reader, report);
        case STEP_SIZE:
            return begin_bytes(reader, out, report);
        default:
            end_number(reader);
            return ERR_OK;
        }
    }
    size_t size = in->size < reader->left[2] ? in->size : reader->left[2];
    if (reader->step == STEP_SMALL) {
        mem_copy(reader->small + reader->small_size, in->data, size);
        reader->small_size += (u32)size;
    } else if (reader->step == STEP_DATA) {
        out->kind = BITSWAP_ITEM_BYTES;
        out->bytes = span_slice(*in, 0, size);
    }
    reader->left[2] -= (u32)size;
    take(reader, in, size);
    return ERR_OK;
}

enum err bitswap_read(struct bitswap_reader *reader, struct span *in, struct bitswap_item *out,
                      struct report *report)
{
    *out = (struct bitswap_item){.kind = BITSWAP_ITEM_NONE};
    while (out->kind == BITSWAP_ITEM_NONE) {
        bool ended;
        TRY(end(reader, out, &ended, report));
        if (ended) {
            continue;
        }
        if (in->size == 0) {
            return ERR_OK;
        }
        TRY(step(reader, in, out, report));
    }
    return ERR_OK;
}

// ---- writing

static struct span binary_of(const struct cid *cid, bool is_version_0, u8 out[CID_BINARY_BYTES])
{
    cid_write_binary(cid, out);
    u32 skip = is_version_0 && cid->codec == CID_DAG_PB ? 2 : 0; // version 0 is the multihash
    return span_of(out + skip, CID_BINARY_BYTES - skip);
}

size_t bitswap_wantlist_head(size_t entries_bytes, u8 out[BITSWAP_HEAD_BYTES])
{
    u8 head[BITSWAP_HEAD_BYTES];
    struct proto_writer inner = proto_writer_over(head, sizeof head);
    struct proto_writer outer = proto_writer_over(out, BITSWAP_HEAD_BYTES);
    proto_head(&inner, MESSAGE_WANTLIST, entries_bytes);
    proto_varint(&outer, inner.size + entries_bytes);
    proto_raw(&outer, span_of(head, inner.size));
    ASSERT(proto_fits(&outer));
    return outer.size;
}

size_t bitswap_entry_write(const struct bitswap_item *entry, u8 out[BITSWAP_ENTRY_BYTES])
{
    u8 body[BITSWAP_ENTRY_BYTES], binary[CID_BINARY_BYTES];
    struct proto_writer inner = proto_writer_over(body, sizeof body);
    struct proto_writer outer = proto_writer_over(out, BITSWAP_ENTRY_BYTES);
    proto_bytes(&inner, ENTRY_CID, binary_of(&entry->cid, false, binary));
    proto_number(&inner, ENTRY_PRIORITY, (u32)entry->priority);
    if (entry->is_cancel) {
        proto_number(&inner, ENTRY_CANCEL, 1);
    }
    if (!entry->is_block) {
        proto_number(&inner, ENTRY_TYPE, TYPE_HAVE);
    }
    if (entry->wants_no) {
        proto_number(&inner, ENTRY_WANTS_NO, 1);
    }
    proto_bytes(&outer, WANTLIST_ENTRY, span_of(body, inner.size));
    ASSERT(proto_fits(&inner) && proto_fits(&outer));
    return outer.size;
}

size_t bitswap_answers_head(size_t items_bytes, u8 out[BITSWAP_HEAD_BYTES])
{
    return varint_write(items_bytes, out);
}

size_t bitswap_presence_write(const struct cid *cid, bool is_version_0, bool has,
                              u8 out[BITSWAP_PRESENCE_BYTES])
{
    u8 body[BITSWAP_PRESENCE_BYTES], binary[CID_BINARY_BYTES];
    struct proto_writer inner = proto_writer_over(body, sizeof body);
    struct proto_writer outer = proto_writer_over(out, BITSWAP_PRESENCE_BYTES);
    proto_bytes(&inner, PRESENCE_CID, binary_of(cid, is_version_0, binary));
    if (!has) {
        proto_number(&inner, PRESENCE_TYPE, TYPE_DONT_HAVE);
    }
    proto_bytes(&outer, MESSAGE_PRESENCE, span_of(body, inner.size));
    ASSERT(proto_fits(&inner) && proto_fits(&outer));
    return outer.size;
}

size_t bitswap_block_head(const struct cid *cid, bool is_version_0, size_t size,
                          u8 out[BITSWAP_BLOCK_HEAD_BYTES])
{
    u8 body[BITSWAP_BLOCK_HEAD_BYTES];
    const u8 prefix[] = {is_version_0 && cid->codec == CID_DAG_PB ? 0 : 1, cid->codec,
                         HASH_SHA2_256, CID_DIGEST_BYTES};
    struct proto_writer inner = proto_writer_over(body, sizeof body);
    struct proto_writer outer = proto_writer_over(out, BITSWAP_BLOCK_HEAD_BYTES);
    proto_bytes(&inner, BLOCK_PREFIX, span_of(prefix, sizeof prefix));
    proto_head(&inner, BLOCK_DATA, size);
    proto_head(&outer, MESSAGE_BLOCK, inner.size + size);
    proto_raw(&outer, span_of(body, inner.size));
    ASSERT(proto_fits(&inner) && proto_fits(&outer));
    return outer.size;
}
