// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/peer_id.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/multibase.h"
#include "lib/p2p/multihash.h"
#include "lib/p2p/proto.h"

enum {
    FIELD_TYPE = 1,
    FIELD_DATA = 2,
    CID_VERSION = 1,
    CID_LIBP2P_KEY = 0x72,
    CID_HEAD_BYTES = 2,
};

_Static_assert(CID_HEAD_BYTES + P2P_PEER_ID_BYTES <= P2P_MULTIBASE_BYTES, "an id fits its texts");

enum err peer_key_read(struct span bytes, struct peer_key *out, struct report *report)
{
    if (bytes.size > P2P_KEY_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "public key is beyond 1100 bytes");
    }
    struct reader in = reader_over(bytes);
    struct proto_field type, data;
    TRY(proto_next(&in, &type, report));
    TRY(proto_next(&in, &data, report));
    if (type.number != FIELD_TYPE || type.type != PROTO_NUMBER || data.number != FIELD_DATA ||
        data.type != PROTO_BYTES || reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, 0, "public key is not a type and its data");
    }
    if (type.value > PEER_KEY_ECDSA) {
        return report_err(report, ERR_UNSUPPORTED, 0, "public key is of a type not known here");
    }
    if (type.value == PEER_KEY_ED25519 && data.bytes.size != P2P_POINT_BYTES) {
        return report_err(report, ERR_MALFORMED, 0, "Ed25519 key is not of 32 bytes");
    }
    *out = (struct peer_key){(enum peer_key_type)type.value, data.bytes};
    return ERR_OK;
}

void peer_key_write_ed25519(const u8 key[P2P_POINT_BYTES], u8 out[PEER_KEY_ED25519_BYTES])
{
    struct proto_writer writer = proto_writer_over(out, PEER_KEY_ED25519_BYTES);
    proto_number(&writer, FIELD_TYPE, PEER_KEY_ED25519);
    proto_bytes(&writer, FIELD_DATA, span_of(key, P2P_POINT_BYTES));
    ASSERT(writer.size == PEER_KEY_ED25519_BYTES);
}

static struct peer_id id_of(u8 code, struct span digest)
{
    ASSERT(digest.size <= P2P_INLINE_KEY_BYTES);
    struct peer_id id = {.size = (u8)(2 + digest.size), .bytes = {code, (u8)digest.size}};
    mem_copy(id.bytes + 2, digest.data, digest.size);
    return id;
}

struct peer_id peer_id_of_key(const struct p2p_crypto *crypto, struct span key)
{
    ASSERT(key.size <= P2P_KEY_BYTES);
    if (key.size <= P2P_INLINE_KEY_BYTES) {
        return id_of(MULTIHASH_IDENTITY, key);
    }
    u8 digest[P2P_SHA256_BYTES];
    crypto->sha256(crypto->context, key, span_of(NULL, 0), digest);
    return id_of(MULTIHASH_SHA2_256, span_of(digest, sizeof digest));
}

struct peer_id peer_id_of_ed25519(const u8 key[P2P_POINT_BYTES])
{
    u8 bytes[PEER_KEY_ED25519_BYTES];
    peer_key_write_ed25519(key, bytes);
    return id_of(MULTIHASH_IDENTITY, span_of(bytes, sizeof bytes));
}

enum err peer_id_read(struct span bytes, struct peer_id *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    struct multihash hash;
    struct peer_key key;
    TRY(multihash_read(&in, &hash, report));
    if (reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in), "bytes follow the peer id");
    }
    if (hash.code == MULTIHASH_IDENTITY) {
        if (hash.digest.size > P2P_INLINE_KEY_BYTES) {
            return report_err(report, ERR_LIMIT, 0, "peer id holds a key that must be hashed");
        }
        TRY(peer_key_read(hash.digest, &key, report));
    } else if (hash.code != MULTIHASH_SHA2_256) {
        return report_err(report, ERR_UNSUPPORTED, 0,
                          "peer id is neither a key nor a sha2-256 of one");
    }
    *out = id_of((u8)hash.code, hash.digest);
    return ERR_OK;
}

enum err peer_id_parse(struct span text, struct peer_id *out, struct report *report)
{
    u8 bytes[P2P_MULTIBASE_BYTES];
    size_t size;
    if (text.size < 2) {
        return report_err(report, ERR_MALFORMED, 0, "peer id is too short");
    }
    if (text.data[0] == '1' || (text.data[0] == 'Q' && text.data[1] == 'm')) {
        TRY(multibase_read(MULTIBASE_58, text, bytes, sizeof bytes, &size, report));
        return peer_id_read(span_of(bytes, size), out, report);
    }
    enum multibase base;
    switch (text.data[0]) {
    case 'b':
        base = MULTIBASE_32;
        break;
    case 'k':
        base = MULTIBASE_36;
        break;
    case 'z':
        base = MULTIBASE_58;
        break;
    default:
        return report_err(report, ERR_UNSUPPORTED, 0,
                          "peer id begins with none of 1, Qm, b, k and z");
    }
    struct span letters = span_slice(text, 1, text.size);
    TRY(multibase_read(base, letters, bytes, sizeof bytes, &size, report));
    if (size < CID_HEAD_BYTES || bytes[0] != CID_VERSION || bytes[1] != CID_LIBP2P_KEY) {
        return report_err(report, ERR_MALFORMED, 0, "not a peer id: a CID of something else");
    }
    return peer_id_read(span_of(bytes + CID_HEAD_BYTES, size - CID_HEAD_BYTES), out, report);
}

void peer_id_write(struct text *out, const struct peer_id *id)
{
    multibase_write(out, MULTIBASE_58, peer_id_span(id));
}

void peer_id_write_name(struct text *out, const struct peer_id *id)
{
    u8 bytes[CID_HEAD_BYTES + P2P_PEER_ID_BYTES] = {CID_VERSION, CID_LIBP2P_KEY};
    mem_copy(bytes + CID_HEAD_BYTES, id->bytes, id->size);
    text_char(out, 'k');
    multibase_write(out, MULTIBASE_36, span_of(bytes, CID_HEAD_BYTES + id->size));
}
