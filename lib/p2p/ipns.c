// SPDX-License-Identifier: GPL-3.0-or-later
// A record is protobuf: a document in dag-cbor, its signature, and, for readers of long ago, what
// the document says once more as fields.
#include "lib/p2p/ipns.h"
#include "core/base/assert.h"
#include "core/base/cid.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/cbor.h"
#include "lib/p2p/proto.h"
#include "lib/p2p/rfc3339.h"

enum {
    FIELD_VALUE = 1,
    FIELD_SIGNATURE_V1 = 2,
    FIELD_VALIDITY_TYPE = 3,
    FIELD_VALIDITY = 4,
    FIELD_SEQUENCE = 5,
    FIELD_TTL = 6,
    FIELD_KEY = 7,
    FIELD_SIGNATURE = 8,
    FIELD_DATA = 9,
    FIELD_COUNT,
    DOCUMENT_FIELDS = 5,
    VALID_UNTIL = 0, // the only kind of validity
};

#define SIGNED_WORD SPAN_LITERAL("ipns-signature:")

// What the document says, or the fields of V1.
struct document {
    struct span value, validity;
    u64 validity_type, sequence, ttl;
};

struct entry {
    bool has[FIELD_COUNT];
    struct document v1;
    struct span key, signature, data;
};

static enum err malformed(const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, 0, why);
}

// ---- writing

static size_t write_document(const struct ipns_record *record, u8 *out, size_t capacity)
{
    char until[RFC3339_BYTES + 1];
    rfc3339_write(record->valid_until_ns, until);
    struct proto_writer writer = proto_writer_over(out, capacity);
    cbor_write_head(&writer, CBOR_MAP, DOCUMENT_FIELDS);
    cbor_write_text(&writer, SPAN_LITERAL("TTL"));
    cbor_write_head(&writer, CBOR_NUMBER, record->ttl_ns);
    cbor_write_text(&writer, SPAN_LITERAL("Value"));
    cbor_write_bytes(&writer, record->value);
    cbor_write_text(&writer, SPAN_LITERAL("Sequence"));
    cbor_write_head(&writer, CBOR_NUMBER, record->sequence);
    cbor_write_text(&writer, SPAN_LITERAL("Validity"));
    cbor_write_bytes(&writer, span_of(until, RFC3339_BYTES));
    cbor_write_text(&writer, SPAN_LITERAL("ValidityType"));
    cbor_write_head(&writer, CBOR_NUMBER, VALID_UNTIL);
    return writer.size;
}

size_t ipns_record_write(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                         const struct ipns_record *record, u8 scratch[IPNS_SCRATCH_BYTES], u8 *out,
                         size_t capacity)
{
    ASSERT(record->value.size <= IPNS_VALUE_BYTES);
    size_t word = SIGNED_WORD.size, room = IPNS_SCRATCH_BYTES - word;
    mem_copy(scratch, SIGNED_WORD.data, word);
    size_t size = write_document(record, scratch + word, room);
    ASSERT(size <= room);
    u8 signature[P2P_SIGNATURE_BYTES];
    crypto->sign(crypto->context, seed, span_of(scratch, word + size), signature);
    struct proto_writer writer = proto_writer_over(out, capacity);
    proto_bytes(&writer, FIELD_SIGNATURE, span_of(signature, sizeof signature));
    proto_bytes(&writer, FIELD_DATA, span_of(scratch + word, size));
    return writer.size;
}

// ---- reading

static enum err take_field(struct entry *entry, const struct proto_field *field,
                           struct report *report)
{
    bool is_number = field->number == FIELD_VALIDITY_TYPE || field->number == FIELD_SEQUENCE ||
                     field->number == FIELD_TTL;
    if (field->number >= FIELD_COUNT) {
        return ERR_OK;
    }
    TRY(proto_expect(field, is_number ? PROTO_NUMBER : PROTO_BYTES, report));
    if (entry->has[field->number]) {
        return malformed("ipns: a field stands twice in the record", report);
    }
    entry->has[field->number] = true;
    switch (field->number) {
    case FIELD_VALUE:
        entry->v1.value = field->bytes;
        break;
    case FIELD_VALIDITY_TYPE:
        entry->v1.validity_type = field->value;
        break;
    case FIELD_VALIDITY:
        entry->v1.validity = field->bytes;
        break;
    case FIELD_SEQUENCE:
        entry->v1.sequence = field->value;
        break;
    case FIELD_TTL:
        entry->v1.ttl = field->value;
        break;
    case FIELD_KEY:
        entry->key = field->bytes;
        break;
    case FIELD_SIGNATURE:
        entry->signature = field->bytes;
        break;
    case FIELD_DATA:
        entry->data = field->bytes;
        break;
    default: // a signature V1: never looked at
        break;
    }
    return ERR_OK;
}

static enum err read_entry(struct span bytes, struct entry *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    if (bytes.size > IPNS_RECORD_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "ipns: a record beyond 10 KiB");
    }
    while (reader_left(&in) != 0) {
        struct proto_field field;
        TRY(proto_next(&in, &field, report));
        TRY(take_field(out, &field, report));
    }
    if (out->signature.size == 0 || out->data.size == 0) {
        return report_err(report, ERR_UNSUPPORTED, 0, "ipns: a record without a signature V2");
    }
    return ERR_OK;
}

// The public key of a name: in the name itself, or in the record, when its hash is the name.
static enum err find_key(const struct p2p_crypto *crypto, const struct entry *entry,
                         const struct peer_id *name, struct peer_key *out, struct report *report)
{
    enum { HEAD_BYTES = 2 };
    struct span key = entry->key;
    if (key.size != 0) {
        if (key.size > P2P_KEY_BYTES) {
            return report_err(report, ERR_LIMIT, 0, "ipns: a public key beyond 1100 bytes");
        }
        struct peer_id owner = peer_id_of_key(crypto, key);
        if (!peer_id_equal(&owner, name)) {
            return report_err(report, ERR_MISMATCH, 0, "ipns: the record's key is another name's");
        }
    } else if (name->bytes[0] == 0) { // an identity: the key itself
        key = span_slice(peer_id_span(name), HEAD_BYTES, name->size);
    } else {
        return report_err(report, ERR_UNSUPPORTED, 0,
                          "ipns: neither name nor record hold the public key");
    }
    TRY(peer_key_read(key, out, report));
    if (out->type != PEER_KEY_ED25519) {
        return report_err(report, ERR_UNSUPPORTED, 0, "ipns: a name whose key is not Ed25519");
    }
    return ERR_OK;
}

// One pair of the document's map. What is not known must be flat.
static enum err read_pair(struct reader *in, struct span key, struct document *out, u32 *known,
                          struct report *report)
{
    static const struct {
        struct span key;
        enum cbor_kind kind;
    } fields[DOCUMENT_FIELDS] = {
        {{(const u8 *)"TTL", 3}, CBOR_NUMBER},           {{(const u8 *)"Value", 5}, CBOR_BYTES},
        {{(const u8 *)"Sequence", 8}, CBOR_NUMBER},      {{(const u8 *)"Validity", 8}, CBOR_BYTES},
        {{(const u8 *)"ValidityType", 12}, CBOR_NUMBER},
    };
    struct cbor_item item;
    u32 i = 0;
    while (i < DOCUMENT_FIELDS && !span_equal(fields[i].key, key)) {
        i++;
    }
    if (i == DOCUMENT_FIELDS) {
        TRY(cbor_next(in, &item, report));
        if (item.kind == CBOR_ARRAY || item.kind == CBOR_MAP || item.kind == CBOR_TAG) {
            return malformed("ipns: the signed document is not flat", report);
        }
        return ERR_OK;
    }
    TRY(cbor_expect(in, fields[i].kind, &item, report));
    u64 *const numbers[] = {&out->ttl, NULL, &out->sequence, NULL, &out->validity_type};
    struct span *const spans[] = {NULL, &out->value, NULL, &out->validity, NULL};
    if (numbers[i] != NULL) {
        *numbers[i] = item.value;
    } else {
        *spans[i] = item.bytes;
    }
    (*known)++; // no key stands twice, because they ascend
    return ERR_OK;
}

static enum err read_document(struct span data, struct document *out, struct report *report)
{
    struct reader in = reader_over(data);
    struct cbor_item map;
    struct span key = {0};
    u32 known = 0;
    TRY(cbor_expect(&in, CBOR_MAP, &map, report));
    if (map.value > IPNS_FIELDS) {
        return report_err(report, ERR_LIMIT, 0, "ipns: a signed document of more than 16 fields");
    }
    for (u64 i = 0; i < map.value; i++) {
        TRY(cbor_key(&in, &key, report));
        TRY(read_pair(&in, key, out, &known, report));
    }
    if (reader_left(&in) != 0 || known != DOCUMENT_FIELDS) {
        return malformed("ipns: the signed document is not that of a record", report);
    }
    if (out->value.size > IPNS_VALUE_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "ipns: a value beyond 1024 bytes");
    }
    if (out->validity_type != VALID_UNTIL) {
        return report_err(report, ERR_UNSUPPORTED, 0, "ipns: a kind of validity not known here");
    }
    return ERR_OK;
}

static bool is_same(const struct document *a, const struct document *b)
{
    return span_equal(a->value, b->value) && span_equal(a->validity, b->validity) &&
           a->validity_type == b->validity_type && a->sequence == b->sequence && a->ttl == b->ttl;
}

static bool is_signed(const struct p2p_crypto *crypto, const struct entry *entry,
                      const struct peer_key *key, u8 scratch[IPNS_SCRATCH_BYTES])
{
    size_t word = SIGNED_WORD.size;
    STATIC_ASSERT(sizeof "ipns-signature:" - 1 + IPNS_RECORD_BYTES <= IPNS_SCRATCH_BYTES);
    mem_copy(scratch, SIGNED_WORD.data, word);
    mem_copy(scratch + word, entry->data.data, entry->data.size);
    return entry->signature.size == P2P_SIGNATURE_BYTES &&
           crypto->verify(crypto->context, key->data.data,
                          span_of(scratch, word + entry->data.size), entry->signature.data);
}

enum err ipns_record_verify(const struct p2p_crypto *crypto, struct span bytes,
                            const struct peer_id *name, u64 now_unix_ns,
                            u8 scratch[IPNS_SCRATCH_BYTES], struct ipns_record *out,
                            struct report *report)
{
    struct entry entry = {0};
    struct document document = {0};
    struct peer_key key;
    struct ipns_record record;
    TRY(read_entry(bytes, &entry, report));
    TRY(find_key(crypto, &entry, name, &key, report));
    TRY(read_document(entry.data, &document, report));
    if (!is_signed(crypto, &entry, &key, scratch)) {
        return report_err(report, ERR_MISMATCH, 0, "ipns: the signature is wrong");
    }
    if ((entry.has[FIELD_SIGNATURE_V1] || entry.has[FIELD_VALUE]) &&
        !is_same(&entry.v1, &document)) {
        return report_err(report, ERR_MISMATCH, 0,
                          "ipns: the fields of V1 say something else than what is signed");
    }
    record = (struct ipns_record){
        .value = document.value, .sequence = document.sequence, .ttl_ns = document.ttl};
    TRY(rfc3339_read(document.validity, &record.valid_until_ns, report));
    *out = record;
    if (record.valid_until_ns <= now_unix_ns) {
        return report_err(report, ERR_CLOSED, 0, "ipns: the record is no longer valid");
    }
    return ERR_OK;
}

bool ipns_record_is_newer(const struct ipns_record *record, const struct ipns_record *known)
{
    return record->sequence > known->sequence ||
           (record->sequence == known->sequence && record->valid_until_ns > known->valid_until_ns);
}

enum err ipns_value_cid(struct span value, struct cid *out, struct report *report)
{
    struct span prefix = SPAN_LITERAL("/ipfs/");
    if (value.size < prefix.size || !mem_equal(value.data, prefix.data, prefix.size)) {
        return report_err_detail(report, ERR_UNSUPPORTED, 0,
                                 "the name stands for no block:", value);
    }
    struct span text = span_slice(value, prefix.size, value.size);
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '/') {
            return report_err_detail(report, ERR_UNSUPPORTED, i,
                                     "the name stands for a path below a block:", value);
        }
    }
    return cid_parse_text(text, out, report);
}
