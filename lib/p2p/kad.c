// SPDX-License-Identifier: GPL-3.0-or-later
// A message comes in pieces, and its fields are handed on one by one: the answer of a crowd is
// large, each of its peers small. What is at hand is always the front of one field; `left` counts
// what the message still has beyond it.
#include "lib/p2p/kad.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "lib/p2p/multihash.h"
#include "lib/p2p/proto.h"

enum {
    FIELD_TYPE = 1,
    FIELD_KEY = 2,
    FIELD_RECORD = 3,
    FIELD_CLOSER = 8,
    FIELD_PROVIDER = 9,
    RECORD_KEY = 1,
    RECORD_VALUE = 2,
    PEER_ID = 1,
    PEER_ADDRESS = 2,
    TYPE_MASK = 7,
    VARINT_MORE = 0x80,
    BYTE_BITS = 8,
};

STATIC_ASSERT((int)P2P_KAD_KEY_BYTES >= 2 + (int)P2P_DIGEST_BYTES);
STATIC_ASSERT((int)P2P_KAD_KEY_BYTES >= 6 + (int)P2P_PEER_ID_BYTES);

// ---- keys

struct kad_key kad_key_of_block(const struct cid *cid)
{
    struct kad_key key = {.size = 2 + CID_DIGEST_BYTES,
                          .bytes = {MULTIHASH_SHA2_256, CID_DIGEST_BYTES}};
    mem_copy(key.bytes + 2, cid->digest, CID_DIGEST_BYTES);
    return key;
}

struct kad_key kad_key_of_peer(const struct peer_id *peer)
{
    struct kad_key key = {.size = peer->size};
    mem_copy(key.bytes, peer->bytes, peer->size);
    return key;
}

struct kad_key kad_key_of_name(const struct peer_id *name)
{
    static const char prefix[] = {'/', 'i', 'p', 'n', 's', '/'};
    struct kad_key key = {.size = (u32)sizeof prefix + name->size};
    mem_copy(key.bytes, prefix, sizeof prefix);
    mem_copy(key.bytes + sizeof prefix, name->bytes, name->size);
    return key;
}

struct kad_place kad_place_of(const struct p2p_crypto *crypto, struct span key)
{
    struct kad_place place;
    crypto->sha256(crypto->context, key, span_of(NULL, 0), place.bytes);
    return place;
}

struct kad_place kad_distance(const struct kad_place *a, const struct kad_place *b)
{
    struct kad_place distance;
    for (size_t i = 0; i < sizeof distance.bytes; i++) {
        distance.bytes[i] = a->bytes[i] ^ b->bytes[i];
    }
    return distance;
}

int kad_place_compare(const struct kad_place *a, const struct kad_place *b)
{
    return mem_compare(a->bytes, b->bytes, sizeof a->bytes);
}

u32 kad_common_bits(const struct kad_place *a, const struct kad_place *b)
{
    u32 bits = 0;
    for (size_t i = 0; i < sizeof a->bytes; i++) {
        u32 differs = a->bytes[i] ^ b->bytes[i];
        if (differs != 0) {
            return bits + (u32)__builtin_clz(differs) - (32 - BYTE_BITS);
        }
        bits += BYTE_BITS;
    }
    return bits;
}

// ---- writing

static void write_peer_fields(struct proto_writer *out, const struct p2p_hint *hint)
{
    proto_bytes(out, PEER_ID, peer_id_span(&hint->peer));
    for (u32 i = 0; i < hint->address_count; i++) {
        proto_bytes(out, PEER_ADDRESS, p2p_hint_address(hint, i));
    }
}

static void write_peers(struct proto_writer *out, u32 number, const struct p2p_hint *const *peers,
                        u32 count)
{
    for (u32 i = 0; i < count; i++) {
        struct proto_writer size = proto_writer_over(NULL, 0);
        write_peer_fields(&size, peers[i]);
        proto_head(out, number, size.size);
        write_peer_fields(out, peers[i]);
    }
}

static void write_record(struct proto_writer *out, const struct kad_message *message)
{
    proto_bytes(out, RECORD_KEY, message->key);
    proto_bytes(out, RECORD_VALUE, message->value);
}

static void write_message(struct proto_writer *out, const struct kad_message *message)
{
    proto_number(out, FIELD_TYPE, message->type);
    if (message->key.size != 0) {
        proto_bytes(out, FIELD_KEY, message->key);
    }
    if (message->value.size != 0) {
        struct proto_writer size = proto_writer_over(NULL, 0);
        write_record(&size, message);
        proto_head(out, FIELD_RECORD, size.size);
        write_record(out, message);
    }
    write_peers(out, FIELD_CLOSER, message->closer, message->closer_count);
    write_peers(out, FIELD_PROVIDER, message->providers, message->provider_count);
}

size_t kad_write(const struct kad_message *message, u8 *out, size_t capacity)
{
    struct proto_writer size = proto_writer_over(NULL, 0);
    write_message(&size, message);
    struct proto_writer writer = proto_writer_over(out, capacity);
    proto_varint(&writer, size.size);
    write_message(&writer, message);
    return writer.size;
}

// ---- reading

void kad_reader_init(struct kad_reader *reader, enum p2p_scope scope)
{
    reader->scope = scope;
    reader->has_size = false;
    reader->left = 0;
    reader->skip = 0;
    reader->peers = 0;
    reader->size = 0;
}

// How many bytes the varint at `at` has; 0: it is not whole yet.
static size_t varint_length(struct span bytes, size_t at)
{
    size_t end = at;
    while (end < bytes.size && end - at < VARINT_BYTES) {
        if ((bytes.data[end++] & VARINT_MORE) == 0) {
            return end - at;
        }
    }
    return end - at == VARINT_BYTES ? VARINT_BYTES : 0;
}

// How many bytes the field at the front has in all; 0: more must be seen to tell.
static enum err field_length(struct span bytes, u64 *out, struct report *report)
{
    *out = 0;
    size_t at = varint_length(bytes, 0);
    if (at == 0) {
        return ERR_OK;
    }
    struct reader in;
    u64 size;
    switch (bytes.data[0] & TYPE_MASK) {
    case PROTO_FIXED64:
        *out = at + 8;
        return ERR_OK;
    case PROTO_FIXED32:
        *out = at + 4;
        return ERR_OK;
    case PROTO_NUMBER:
        size = varint_length(bytes, at);
        *out = size == 0 ? 0 : at + size;
        return ERR_OK;
    case PROTO_BYTES:
        if (varint_length(bytes, at) == 0) {
            return ERR_OK;
        }
        in = reader_over(span_slice(bytes, at, bytes.size));
        TRY(varint_read(&in, &size, report));
        if (size > P2P_KAD_MESSAGE_BYTES) {
            return report_err(report, ERR_MALFORMED, 0, "kad: a field beyond its message");
        }
        *out = at + varint_length(bytes, at) + size;
        return ERR_OK;
    default:
        return report_err(report, ERR_MALFORMED, 0, "kad: a field of a type that does not exist");
    }
}

static enum err read_record(const struct proto_field *field, struct kad_event *event,
                            struct report *report)
{
    struct reader in = reader_over(field->bytes);
    while (reader_left(&in) != 0) {
        struct proto_field part;
        TRY(proto_next(&in, &part, report));
        if (part.number == RECORD_KEY || part.number == RECORD_VALUE) {
            TRY(proto_expect(&part, PROTO_BYTES, report));
            *(part.number == RECORD_KEY ? &event->key : &event->bytes) = part.bytes;
        }
    }
    event->part = KAD_PART_RECORD;
    return ERR_OK;
}

// A peer whose id is of a kind not known here is read over. Its id may stand behind its addresses.
static enum err read_peer(const struct kad_reader *reader, const struct proto_field *field,
                          struct kad_event *event, struct report *report)
{
    struct proto_field part;
    bool has_id = false;
    event->hint = (struct p2p_hint){0};
    struct reader in = reader_over(field->bytes);
    while (reader_left(&in) != 0) {
        TRY(proto_next(&in, &part, report));
        if (part.number == PEER_ID) {
            TRY(proto_expect(&part, PROTO_BYTES, report));
            has_id = peer_id_read(part.bytes, &event->hint.peer, NULL) == ERR_OK;
        }
    }
    in = reader_over(field->bytes);
    while (reader_left(&in) != 0) {
        TRY(proto_next(&in, &part, report));
        if (part.number == PEER_ADDRESS) {
            TRY(proto_expect(&part, PROTO_BYTES, report));
            p2p_hint_add(&event->hint, reader->scope, part.bytes);
        }
    }
    if (has_id) {
        event->part = field->number == FIELD_CLOSER ? KAD_PART_CLOSER : KAD_PART_PROVIDER;
    }
    return ERR_OK;
}

// What a field says; KAD_PART_MORE: nothing that matters.
static enum err read_field(struct kad_reader *reader, const struct proto_field *field,
                           struct kad_event *event, struct report *report)
{
    switch (field->number) {
    case FIELD_TYPE:
        TRY(proto_expect(field, PROTO_NUMBER, report));
        if (field->value > KAD_PING) {
            return report_err(report, ERR_MALFORMED, 0, "kad: a kind of message not known here");
        }
        event->part = KAD_PART_TYPE;
        event->type = (enum kad_type)field->value;
        return ERR_OK;
    case FIELD_KEY:
        TRY(proto_expect(field, PROTO_BYTES, report));
        if (field->bytes.size <= P2P_KAD_KEY_BYTES) {
            event->part = KAD_PART_KEY;
            event->bytes = field->bytes;
        }
        return ERR_OK;
    case FIELD_RECORD:
        TRY(proto_expect(field, PROTO_BYTES, report));
        return read_record(field, event, report);
    case FIELD_CLOSER:
    case FIELD_PROVIDER:
        TRY(proto_expect(field, PROTO_BYTES, report));
        if (++reader->peers > P2P_KAD_MESSAGE_PEERS) {
            return report_err(report, ERR_LIMIT, 0, "kad: more than 1024 peers in a message");
        }
        return read_peer(reader, field, event, report);
    default:
        return ERR_OK;
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

// The size in front of a message.
static enum err take_size(struct kad_reader *reader, struct span *bytes, struct report *report)
{
    while (bytes->size != 0 && !reader->has_size) {
        reader->bytes[reader->size++] = bytes->data[0];
        *bytes = span_slice(*bytes, 1, bytes->size);
        struct span front = span_of(reader->bytes, reader->size);
        if (varint_length(front, 0) != 0) {
            u64 size;
            struct reader in = reader_over(front);
            TRY(varint_read(&in, &size, report));
            if (size > P2P_KAD_MESSAGE_BYTES) {
                return report_err(report, ERR_LIMIT, 0, "kad: a message beyond 1 MiB");
            }
            reader->has_size = true;
            reader->left = (u32)size;
            reader->size = 0;
        }
    }
    return ERR_OK;
}

// Takes what belongs to the field at the front; has_field: it is whole.
static enum err take_field(struct kad_reader *reader, struct span *bytes, bool *has_field,
                           struct report *report)
{
    *has_field = false;
    while (bytes->size != 0 || (reader->left == 0 && reader->size != 0)) {
        u64 length;
        TRY(field_length(span_of(reader->bytes, reader->size), &length, report));
        if (length > (u64)reader->size + reader->left || (length == 0 && reader->left == 0)) {
            return report_err(report, ERR_MALFORMED, 0, "kad: a field is cut off");
        }
        if (length != 0 && length == reader->size) {
            *has_field = true;
            return ERR_OK;
        }
        if (length > P2P_KAD_FIELD_BYTES) {
            reader->skip = (u32)length - reader->size;
            reader->size = 0;
            return ERR_OK;
        }
        size_t take = length == 0 ? 1 : least((size_t)length - reader->size, bytes->size);
        if (take > bytes->size) {
            return ERR_OK;
        }
        mem_copy(reader->bytes + reader->size, bytes->data, take);
        reader->size += (u32)take;
        reader->left -= (u32)take;
        *bytes = span_slice(*bytes, take, bytes->size);
    }
    return ERR_OK;
}

enum err kad_read(struct kad_reader *reader, struct span bytes, size_t *taken,
                  struct kad_event *event, struct report *report)
{
    struct span rest = bytes;
    *taken = bytes.size;
    event->part = KAD_PART_MORE;
    for (;;) {
        if (!reader->has_size) {
            TRY(take_size(reader, &rest, report));
            if (!reader->has_size) {
                return ERR_OK;
            }
        }
        size_t skip = least(reader->skip, rest.size);
        reader->skip -= (u32)skip;
        reader->left -= (u32)skip;
        rest = span_slice(rest, skip, rest.size);
        if (reader->left == 0 && reader->size == 0) {
            event->part = KAD_PART_END;
            kad_reader_init(reader, reader->scope);
            *taken = bytes.size - rest.size;
            return ERR_OK;
        }
        bool has_field;
        TRY(take_field(reader, &rest, &has_field, report));
        if (has_field) {
            struct proto_field field;
            struct reader in = reader_over(span_of(reader->bytes, reader->size));
            TRY(proto_next(&in, &field, report));
            ASSERT(reader_left(&in) == 0);
            reader->size = 0;
            TRY(read_field(reader, &field, event, report));
        }
        if (event->part != KAD_PART_MORE) {
            *taken = bytes.size - rest.size;
            return ERR_OK;
        }
        if (rest.size == 0 && (reader->left != 0 || reader->size != 0)) {
            return ERR_OK;
        }
    }
}
