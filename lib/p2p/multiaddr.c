// SPDX-License-Identifier: GPL-3.0-or-later
// In binary an address is <code> <value> <code> <value> ..., a code being a varint and a value's
// size either fixed by its code or a varint before it. In text it is /name/value/name/value. One
// table tells both.
#include "lib/p2p/multiaddr.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/varint.h"
#include "lib/p2p/ip_text.h"
#include "lib/p2p/multihash.h"
#include "lib/p2p/proto.h"

enum value_kind { VALUE_NONE, VALUE_IP4, VALUE_IP6, VALUE_PORT, VALUE_NAME, VALUE_PEER };

static const struct protocol {
    enum multiaddr_code code;
    enum value_kind kind;
    const char *name;
} protocols[] = {
    {MULTIADDR_IP4, VALUE_IP4, "ip4"},
    {MULTIADDR_TCP, VALUE_PORT, "tcp"},
    {MULTIADDR_IP6, VALUE_IP6, "ip6"},
    {MULTIADDR_IP6ZONE, VALUE_NAME, "ip6zone"},
    {MULTIADDR_DNS, VALUE_NAME, "dns"},
    {MULTIADDR_DNS4, VALUE_NAME, "dns4"},
    {MULTIADDR_DNS6, VALUE_NAME, "dns6"},
    {MULTIADDR_DNSADDR, VALUE_NAME, "dnsaddr"},
    {MULTIADDR_UDP, VALUE_PORT, "udp"},
    {MULTIADDR_WEBRTC_DIRECT, VALUE_NONE, "webrtc-direct"},
    {MULTIADDR_WEBRTC, VALUE_NONE, "webrtc"},
    {MULTIADDR_P2P_CIRCUIT, VALUE_NONE, "p2p-circuit"},
    {MULTIADDR_P2P, VALUE_PEER, "p2p"},
    {MULTIADDR_P2P, VALUE_PEER, "ipfs"}, // its former name; written as the first
    {MULTIADDR_HTTPS, VALUE_NONE, "https"},
    {MULTIADDR_TLS, VALUE_NONE, "tls"},
    {MULTIADDR_SNI, VALUE_NAME, "sni"},
    {MULTIADDR_NOISE, VALUE_NONE, "noise"},
    {MULTIADDR_QUIC, VALUE_NONE, "quic"},
    {MULTIADDR_QUIC_V1, VALUE_NONE, "quic-v1"},
    {MULTIADDR_WEBTRANSPORT, VALUE_NONE, "webtransport"},
    {MULTIADDR_WS, VALUE_NONE, "ws"},
    {MULTIADDR_WSS, VALUE_NONE, "wss"},
    {MULTIADDR_HTTP, VALUE_NONE, "http"},
};

enum { IP4_BYTES = 4, IP6_BYTES = 16, PORT_BYTES = 2 };

static const struct protocol *protocol_of_code(u64 code)
{
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        if ((u64)protocols[i].code == code) {
            return &protocols[i];
        }
    }
    return NULL;
}

static const struct protocol *protocol_of_name(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(protocols); i++) {
        if (span_equal(span_string(protocols[i].name), name)) {
            return &protocols[i];
        }
    }
    return NULL;
}

// Letters of hosts, zones: visible ASCII but for the slash, which would end it as text.
static bool name_is_valid(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || name.data[i] == '/') {
            return false;
        }
    }
    return name.size >= 1 && name.size <= P2P_HOST_NAME_BYTES;
}

static enum err check_value(const struct protocol *protocol, struct span value, u64 offset,
                            struct report *report)
{
    struct peer_id id;
    if (protocol->kind == VALUE_NAME && !name_is_valid(value)) {
        return report_err(report, ERR_MALFORMED, offset, "address has a name that none may have");
    }
    if (protocol->kind == VALUE_PEER) {
        TRY(peer_id_read(value, &id, report));
    }
    return ERR_OK;
}

enum err multiaddr_next(struct reader *in, struct multiaddr_part *out, struct report *report)
{
    static const u8 fixed[] = {[VALUE_IP4] = IP4_BYTES,
                               [VALUE_IP6] = IP6_BYTES,
                               [VALUE_PORT] = PORT_BYTES,
                               [VALUE_PEER] = 0};
    struct reader ahead = *in;
    u64 code;
    TRY(multihash_varint_read(&ahead, &code, report));
    const struct protocol *protocol = protocol_of_code(code);
    if (protocol == NULL) {
        return report_err(report, ERR_UNSUPPORTED, reader_offset(in),
                          "address has a protocol not known here");
    }
    u64 size = fixed[protocol->kind];
    if (protocol->kind == VALUE_NAME || protocol->kind == VALUE_PEER) {
        TRY(multihash_varint_read(&ahead, &size, report));
    }
    struct multiaddr_part part = {.code = protocol->code};
    if (size > reader_left(&ahead)) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "address is cut off");
    }
    TRY(reader_bytes(&ahead, (size_t)size, &part.value, report));
    TRY(check_value(protocol, part.value, reader_offset(in), report));
    *in = ahead;
    *out = part;
    return ERR_OK;
}

enum err multiaddr_read(struct span bytes, struct multiaddr *out, struct report *report)
{
    if (bytes.size > P2P_MULTIADDR_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "address is beyond 320 bytes");
    }
    if (bytes.size == 0) {
        return report_err(report, ERR_MALFORMED, 0, "address is empty");
    }
    struct reader in = reader_over(bytes);
    for (u32 parts = 0; reader_left(&in) != 0; parts++) {
        struct multiaddr_part part;
        if (parts == P2P_MULTIADDR_PARTS) {
            return report_err(report, ERR_LIMIT, reader_offset(&in),
                              "address has more than 16 parts");
        }
        TRY(multiaddr_next(&in, &part, report));
    }
    out->size = (u32)bytes.size;
    mem_copy(out->bytes, bytes.data, bytes.size);
    return ERR_OK;
}

// ---- text

static enum err parse_port(struct span text, u64 offset, u8 out[PORT_BYTES], struct report *report)
{
    u32 port = 0;
    bool valid = text.size >= 1 && text.size <= 5;
    for (size_t i = 0; i < text.size && valid; i++) {
        valid = text.data[i] >= '0' && text.data[i] <= '9';
        port = port * 10 + (text.data[i] - (u32)'0');
    }
    if (!valid || port > 0xffff) {
        return report_err_detail(report, ERR_MALFORMED, offset, "not a port:", text);
    }
    out[0] = (u8)(port >> 8);
    out[1] = (u8)port;
    return ERR_OK;
}

// Writes the part that `protocol` and the text of its value make.
static enum err parse_part(const struct protocol *protocol, struct span text, u64 offset,
                           struct proto_writer *out, struct report *report)
{
    u8 bytes[IP6_BYTES];
    struct peer_id id;
    struct span value = span_of(NULL, 0);
    switch (protocol->kind) {
    case VALUE_NONE:
        break;
    case VALUE_IP4:
        if (!ip4_parse(text, bytes)) {
            return report_err_detail(report, ERR_MALFORMED, offset, "not an IPv4 address:", text);
        }
        value = span_of(bytes, IP4_BYTES);
        break;
    case VALUE_IP6:
        if (!ip6_parse(text, bytes)) {
            return report_err_detail(report, ERR_MALFORMED, offset, "not an IPv6 address:", text);
        }
        value = span_of(bytes, IP6_BYTES);
        break;
    case VALUE_PORT:
        TRY(parse_port(text, offset, bytes, report));
        value = span_of(bytes, PORT_BYTES);
        break;
    case VALUE_NAME:
        value = text;
        break;
    case VALUE_PEER:
        TRY(peer_id_parse(text, &id, report));
        value = peer_id_span(&id);
        break;
    }
    TRY(check_value(protocol, value, offset, report));
    proto_varint(out, protocol->code);
    if (protocol->kind == VALUE_NAME || protocol->kind == VALUE_PEER) {
        proto_varint(out, value.size);
    }
    proto_raw(out, value);
    return ERR_OK;
}

// The piece up to the next slash; *at moves behind that slash.
static struct span piece(struct span text, size_t *at)
{
    size_t start = *at;
    size_t end = start;
    while (end < text.size && text.data[end] != '/') {
        end++;
    }
    *at = end + 1;
    return span_slice(text, start, end);
}

enum err multiaddr_parse(struct span text, struct multiaddr *out, struct report *report)
{
    struct multiaddr address;
    struct proto_writer writer = proto_writer_over(address.bytes, sizeof address.bytes);
    if (text.size == 0 || text.data[0] != '/') {
        return report_err(report, ERR_MALFORMED, 0, "address does not begin with a slash");
    }
    u32 parts = 0;
    for (size_t at = 1; at < text.size; parts++) {
        size_t start = at;
        struct span name = piece(text, &at);
        const struct protocol *protocol = protocol_of_name(name);
        if (protocol == NULL) {
            return report_err_detail(report, ERR_UNSUPPORTED, start,
                                     "address has a protocol not known here:", name);
        }
        if (protocol->kind != VALUE_NONE && at > text.size) {
            return report_err_detail(report, ERR_MALFORMED, start, "address lacks the value of",
                                     name);
        }
        struct span value = {NULL, 0};
        if (protocol->kind != VALUE_NONE) {
            value = piece(text, &at);
        }
        TRY(parse_part(protocol, value, start, &writer, report));
        if (parts == P2P_MULTIADDR_PARTS || !proto_fits(&writer)) {
            return report_err(report, ERR_LIMIT, start, "address is too long");
        }
    }
    if (parts == 0) {
        return report_err(report, ERR_MALFORMED, 0, "address is empty");
    }
    address.size = (u32)writer.size;
    *out = address;
    return ERR_OK;
}

static u16 port_of(struct span value)
{
    ASSERT(value.size == PORT_BYTES);
    return (u16)(value.data[0] << 8 | value.data[1]);
}

void multiaddr_write(struct text *out, struct span bytes)
{
    struct reader in = reader_over(bytes);
    while (reader_left(&in) != 0) {
        struct multiaddr_part part;
        struct peer_id id;
        if (multiaddr_next(&in, &part, NULL) != ERR_OK) {
            ASSERT(false); // the caller's to know
        }
        const struct protocol *protocol = protocol_of_code(part.code);
        text_char(out, '/');
        text_string(out, protocol->name);
        if (protocol->kind == VALUE_NONE) {
            continue;
        }
        text_char(out, '/');
        switch (protocol->kind) {
        case VALUE_IP4:
            ip4_write(out, part.value.data);
            break;
        case VALUE_IP6:
            ip6_write(out, part.value.data);
            break;
        case VALUE_PORT:
            text_u64(out, port_of(part.value));
            break;
        case VALUE_PEER:
            ASSERT(peer_id_read(part.value, &id, NULL) == ERR_OK);
            peer_id_write(out, &id);
            break;
        default:
            text_bytes(out, part.value);
            break;
        }
    }
}

struct multiaddr multiaddr_of_tcp(struct span ip, u16 port)
{
    ASSERT(ip.size == IP4_BYTES || ip.size == IP6_BYTES);
    struct multiaddr address = {0};
    struct proto_writer writer = proto_writer_over(address.bytes, sizeof address.bytes);
    u8 bytes[PORT_BYTES] = {(u8)(port >> 8), (u8)port};
    proto_varint(&writer, ip.size == IP4_BYTES ? MULTIADDR_IP4 : MULTIADDR_IP6);
    proto_raw(&writer, ip);
    proto_varint(&writer, MULTIADDR_TCP);
    proto_raw(&writer, span_of(bytes, sizeof bytes));
    address.size = (u32)writer.size;
    return address;
}

static bool host_kind(enum multiaddr_code code, enum multiaddr_host *out)
{
    switch (code) {
    case MULTIADDR_IP4:
        *out = MULTIADDR_HOST_IP4;
        return true;
    case MULTIADDR_IP6:
        *out = MULTIADDR_HOST_IP6;
        return true;
    case MULTIADDR_DNS:
        *out = MULTIADDR_HOST_NAME;
        return true;
    case MULTIADDR_DNS4:
        *out = MULTIADDR_HOST_NAME4;
        return true;
    case MULTIADDR_DNS6:
        *out = MULTIADDR_HOST_NAME6;
        return true;
    default:
        return false;
    }
}

enum err multiaddr_target(struct span bytes, struct multiaddr_target *out, struct report *report)
{
    static const char reason[] = "address is not one of TCP alone";
    struct reader in = reader_over(bytes);
    struct multiaddr_target target = {0};
    struct multiaddr_part part;
    TRY(multiaddr_next(&in, &part, report));
    if (!host_kind(part.code, &target.kind)) {
        return report_err(report, ERR_UNSUPPORTED, 0, reason);
    }
    target.host = part.value;
    TRY(multiaddr_next(&in, &part, report));
    if (part.code != MULTIADDR_TCP) {
        return report_err(report, ERR_UNSUPPORTED, 0, reason);
    }
    target.port = port_of(part.value);
    if (reader_left(&in) != 0) {
        TRY(multiaddr_next(&in, &part, report));
        if (part.code != MULTIADDR_P2P || reader_left(&in) != 0) {
            return report_err(report, ERR_UNSUPPORTED, 0, reason);
        }
        target.has_peer = true;
        TRY(peer_id_read(part.value, &target.peer, report));
    }
    *out = target;
    return ERR_OK;
}
