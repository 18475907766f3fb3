// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/identify.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/varint.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/proto.h"

enum {
    FIELD_KEY = 1,
    FIELD_ADDRESS = 2,
    FIELD_PROTOCOL = 3,
    FIELD_OBSERVED = 4,
    FIELD_VERSION = 5,
    FIELD_AGENT = 6,
};

static bool is_of(struct span address, enum p2p_scope scope)
{
    struct multiaddr_target target;
    return multiaddr_target(address, &target, NULL) == ERR_OK &&
           p2p_ip_is_of(target.host, scope); // a name is of neither
}

static void write_message(const struct p2p_host *host, struct span observed,
                          struct proto_writer *out)
{
    u8 key[PEER_KEY_ED25519_BYTES];
    peer_key_write_ed25519(host->identity, key);
    proto_bytes(out, FIELD_KEY, span_of(key, sizeof key));
    bool is_stranger = is_of(observed, P2P_SCOPE_PUBLIC);
    for (u32 i = 0; i < host->config.address_count; i++) {
        const struct multiaddr *address = &host->config.addresses[i];
        struct span bytes = span_of(address->bytes, address->size);
        if (!is_stranger || !is_of(bytes, P2P_SCOPE_LAN)) {
            proto_bytes(out, FIELD_ADDRESS, bytes);
        }
    }
    for (u32 i = 0; i < host->name_count; i++) {
        proto_bytes(out, FIELD_PROTOCOL, host->names[i]);
    }
    if (observed.size != 0) {
        proto_bytes(out, FIELD_OBSERVED, observed);
    }
    proto_bytes(out, FIELD_VERSION, SPAN_LITERAL("ipfs/0.1.0"));
    proto_bytes(out, FIELD_AGENT, host->config.agent);
}

size_t p2p_identify_write(const struct p2p_host *host, struct span observed, u8 *out,
                          size_t capacity)
{
    struct proto_writer count = proto_writer_over(NULL, 0);
    write_message(host, observed, &count);
    struct proto_writer writer = proto_writer_over(out, capacity);
    proto_varint(&writer, count.size);
    write_message(host, observed, &writer);
    return writer.size;
}

static void read_address(struct span bytes, struct p2p_identity *out)
{
    struct multiaddr address;
    if (out->address_count == P2P_IDENTIFY_ADDRESSES || bytes.size > P2P_IDENTIFY_ADDRESS_BYTES ||
        multiaddr_read(bytes, &address, NULL) != ERR_OK) {
        return;
    }
    out->addresses[out->address_count].size = (u8)bytes.size;
    mem_copy(out->addresses[out->address_count].bytes, bytes.data, bytes.size);
    out->address_count++;
}

static void read_protocol(const struct p2p_host *host, struct span name, struct p2p_identity *out)
{
    for (u32 i = 0; i < host->name_count; i++) {
        if (span_equal(host->names[i], name)) {
            out->protocols |= (u64)1 << i;
        }
    }
}

// What a message says, into *out.
static enum err read_field(const struct p2p_host *host, const struct peer_id *peer,
                           const struct proto_field *field, struct p2p_identity *out,
                           struct report *report)
{
    struct multiaddr observed;
    if (field->number >= FIELD_KEY && field->number <= FIELD_AGENT) {
        TRY(proto_expect(field, PROTO_BYTES, report));
    }
    switch (field->number) {
    case FIELD_KEY:
        if (field->bytes.size > P2P_KEY_BYTES) {
            return report_err(report, ERR_LIMIT, 0, "identify: a public key beyond 1100 bytes");
        }
        struct peer_id id = peer_id_of_key(host->config.crypto, field->bytes);
        if (!peer_id_equal(&id, peer)) {
            return report_err(report, ERR_MALFORMED, 0, "identify: the key of somebody else");
        }
        break;
    case FIELD_ADDRESS:
        read_address(field->bytes, out);
        break;
    case FIELD_PROTOCOL:
        read_protocol(host, field->bytes, out);
        break;
    case FIELD_OBSERVED:
        if (field->bytes.size <= P2P_IDENTIFY_ADDRESS_BYTES &&
            multiaddr_read(field->bytes, &observed, NULL) == ERR_OK) {
            out->observed_size = (u8)field->bytes.size;
            mem_copy(out->observed, field->bytes.data, field->bytes.size);
        }
        break;
    case FIELD_AGENT: {
        struct text agent = text_over(out->agent, sizeof out->agent);
        text_printable(&agent, field->bytes);
        break;
    }
    default:
        break;
    }
    return ERR_OK;
}

enum err p2p_identify_read(const struct p2p_host *host, const struct peer_id *peer,
                           struct span bytes, struct p2p_identity *out, struct report *report)
{
    struct p2p_identity identity = *out;
    struct reader in = reader_over(bytes);
    bool has_addresses = false, has_protocols = false;
    u32 names = 0;
    while (reader_left(&in) != 0) {
        struct reader message;
        u64 size;
        TRY(varint_read(&in, &size, report));
        if (size > reader_left(&in)) {
            return report_err(report, ERR_MALFORMED, reader_offset(&in),
                              "identify: a message is cut off");
        }
        TRY(reader_sub(&in, (size_t)size, &message, report));
        while (reader_left(&message) != 0) {
            struct proto_field field;
            TRY(proto_next(&message, &field, report));
            if (field.number == FIELD_ADDRESS && !has_addresses) {
                has_addresses = true;
                identity.address_count = 0;
            }
            if (field.number == FIELD_PROTOCOL && !has_protocols) {
                has_protocols = true;
                identity.protocols = 0;
            }
            names += field.number == FIELD_ADDRESS || field.number == FIELD_PROTOCOL;
            if (names > P2P_IDENTIFY_NAMES) {
                return report_err(report, ERR_LIMIT, 0, "identify: more than 256 names");
            }
            TRY(read_field(host, peer, &field, &identity, report));
        }
    }
    identity.is_known = true;
    *out = identity;
    return ERR_OK;
}
