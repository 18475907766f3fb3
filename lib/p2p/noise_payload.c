// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/noise.h"
#include "lib/p2p/proto.h"

enum {
    FIELD_KEY = 1,
    FIELD_SIGNATURE = 2,
    FIELD_EXTENSIONS = 4,
    FIELD_MUXERS = 2, // of the extensions
};

static const char prefix[] = "noise-libp2p-static-key:";
_Static_assert(sizeof prefix - 1 == NOISE_SIGNATURE_TEXT_BYTES, "what noise.h says");

struct signed_text {
    u8 bytes[NOISE_SIGNATURE_TEXT_BYTES + P2P_POINT_BYTES];
};

static struct signed_text signed_text(const u8 fixed[P2P_POINT_BYTES])
{
    struct signed_text text;
    mem_copy(text.bytes, prefix, NOISE_SIGNATURE_TEXT_BYTES);
    mem_copy(text.bytes + NOISE_SIGNATURE_TEXT_BYTES, fixed, P2P_POINT_BYTES);
    return text;
}

void noise_sign(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                const u8 fixed[P2P_POINT_BYTES], u8 out[P2P_SIGNATURE_BYTES])
{
    struct signed_text text = signed_text(fixed);
    crypto->sign(crypto->context, seed, span_of(text.bytes, sizeof text.bytes), out);
}

size_t noise_payload_write(const u8 identity[P2P_POINT_BYTES],
                           const u8 signature[P2P_SIGNATURE_BYTES], const struct span *muxers,
                           size_t muxer_count, u8 *out, size_t capacity)
{
    u8 key[PEER_KEY_ED25519_BYTES];
    peer_key_write_ed25519(identity, key);
    struct proto_writer writer = proto_writer_over(out, capacity);
    proto_bytes(&writer, FIELD_KEY, span_of(key, sizeof key));
    proto_bytes(&writer, FIELD_SIGNATURE, span_of(signature, P2P_SIGNATURE_BYTES));
    struct proto_writer extensions = proto_writer_over(NULL, 0); // counts
    for (size_t i = 0; i < muxer_count; i++) {
        proto_bytes(&extensions, FIELD_MUXERS, muxers[i]);
    }
    if (muxer_count != 0) {
        proto_head(&writer, FIELD_EXTENSIONS, extensions.size);
        for (size_t i = 0; i < muxer_count; i++) {
            proto_bytes(&writer, FIELD_MUXERS, muxers[i]);
        }
    }
    return writer.size;
}

static enum err read_extensions(struct span bytes, struct noise_payload *out, struct report *report)
{
    struct reader in = reader_over(bytes);
    while (reader_left(&in) != 0) {
        struct proto_field field;
        TRY(proto_next(&in, &field, report));
        if (field.number == FIELD_MUXERS) {
            TRY(proto_expect(&field, PROTO_BYTES, report));
            if (out->muxer_count < P2P_MUXERS) {
                out->muxers[out->muxer_count++] = field.bytes;
            }
        }
    }
    return ERR_OK;
}

enum err noise_payload_read(const struct p2p_crypto *crypto, struct span bytes,
                            const u8 fixed[P2P_POINT_BYTES], const struct peer_id *expected,
                            struct noise_payload *out, struct report *report)
{
    struct noise_payload payload = {0};
    struct span key_bytes = {0}, signature = {0};
    struct reader in = reader_over(bytes);
    while (reader_left(&in) != 0) {
        struct proto_field field;
        TRY(proto_next(&in, &field, report));
        if (field.number == FIELD_KEY || field.number == FIELD_SIGNATURE ||
            field.number == FIELD_EXTENSIONS) {
            TRY(proto_expect(&field, PROTO_BYTES, report));
        }
        if (field.number == FIELD_KEY) {
            key_bytes = field.bytes;
        } else if (field.number == FIELD_SIGNATURE) {
            signature = field.bytes;
        } else if (field.number == FIELD_EXTENSIONS) {
            TRY(read_extensions(field.bytes, &payload, report));
        }
    }
    struct peer_key key;
    TRY(peer_key_read(key_bytes, &key, report));
    payload.peer = peer_id_of_key(crypto, key_bytes);
    if (expected != NULL && !peer_id_equal(&payload.peer, expected)) {
        return report_err(report, ERR_MISMATCH, 0, "noise: the peer is another than was dialled");
    }
    if (key.type != PEER_KEY_ED25519) {
        return report_err(report, ERR_UNSUPPORTED, 0,
                          "noise: the peer's identity is not an Ed25519 key");
    }
    struct signed_text text = signed_text(fixed);
    if (signature.size != P2P_SIGNATURE_BYTES ||
        !crypto->verify(crypto->context, key.data.data, span_of(text.bytes, sizeof text.bytes),
                        signature.data)) {
        return report_err(report, ERR_MISMATCH, 0,
                          "noise: the peer's identity did not sign its key");
    }
    *out = payload;
    return ERR_OK;
}
