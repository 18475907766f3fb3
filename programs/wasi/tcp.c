// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/tcp.h"

#include "core/base/mem.h"
#include "interfaces/net.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/bond.h"
#include "programs/wasi/wasi.h"

static u32 bound(void)
{
    static u32 bond;
    return bond_to(&tcp_interface, &bond);
}

static i32 error_errno(enum net_error error)
{
    switch (error) {
    case NET_ERROR_NOT_FOUND:
        return WASI_BADF;
    case NET_ERROR_RESET:
        return WASI_CONNRESET;
    case NET_ERROR_CLOSED:
        return WASI_PIPE;
    case NET_ERROR_ADDRESS_IN_USE:
        return WASI_ADDRINUSE;
    case NET_ERROR_LIMIT:
        return WASI_NFILE;
    case NET_ERROR_DENIED:
        return WASI_ACCES;
    case NET_ERROR_UNSUPPORTED:
        return WASI_NOTSUP;
    case NET_ERROR_INVALID:
        return WASI_INVAL;
    default:
        return WASI_IO;
    }
}

#define OUTCOME(sent, result)                                                                      \
    ((sent) < 0 ? sent_errno(sent) : (result).ok ? (i32)WASI_OK : error_errno((result).error))

// ---- addresses

struct scan {
    struct span text;
    size_t next;
};

static u8 peek(const struct scan *scan)
{
    return scan->next < scan->text.size ? scan->text.data[scan->next] : 0;
}

static bool take(struct scan *scan, u8 byte)
{
    bool is_it = peek(scan) == byte;
    scan->next += is_it ? 1 : 0;
    return is_it;
}

static u32 digit(u8 byte)
{
    return byte >= '0' && byte <= '9'   ? byte - '0'
           : byte >= 'a' && byte <= 'f' ? byte - 'a' + 10u
           : byte >= 'A' && byte <= 'F' ? byte - 'A' + 10u
                                        : 16u;
}

static bool number(struct scan *scan, u32 base, u32 most, u32 *out)
{
    size_t start = scan->next;
    *out = 0;
    while (digit(peek(scan)) < base && *out <= most) {
        *out = *out * base + digit(peek(scan));
        scan->next++;
    }
    return scan->next > start && *out <= most;
}

static bool ipv4(struct scan *scan, u32 *out)
{
    *out = 0;
    for (u32 i = 0; i < 4; i++) {
        u32 byte;
        if ((i > 0 && !take(scan, '.')) || !number(scan, 10, 255, &byte)) {
            return false;
        }
        *out |= byte << i * 8;
    }
    return true;
}

// Up to the `]`: groups of 16 bits, once with a gap of zeros.
static bool ipv6(struct scan *scan, struct net_ipv6 *out)
{
    u8 bytes[16] = {0};
    u32 count = 0; // of groups
    u32 gap = 8;   // behind so many of them; 8: none
    while (peek(scan) != ']') {
        u32 group;
        bool is_gap = scan->text.size - scan->next >= 2 && peek(scan) == ':' &&
                      scan->text.data[scan->next + 1] == ':';
        if (is_gap) {
            if (gap != 8) {
                return false;
            }
            gap = count;
            scan->next += 2;
            continue;
        }
        bool needs_colon = count > 0 && gap != count;
        if (count == 8 || (needs_colon && !take(scan, ':')) ||
            !number(scan, 16, UINT16_MAX, &group)) {
            return false;
        }
        bytes[count * 2] = (u8)(group >> 8);
        bytes[count * 2 + 1] = (u8)group;
        count++;
    }
    if (gap == 8 ? count != 8 : count == 8) {
        return false;
    }
    u32 behind = gap == 8 ? 0 : (count - gap) * 2;
    for (u32 i = 0; i < behind; i++) { // what stands behind the gap goes to the end
        bytes[15 - i] = bytes[count * 2 - 1 - i];
    }
    for (u32 i = gap * 2; gap < 8 && i < 16 - behind; i++) {
        bytes[i] = 0;
    }
    out->first = mem_load_u64(bytes);
    out->second = mem_load_u64(bytes + 8);
    out->scope = 0;
    return true;
}

static bool endpoint_read(struct span text, struct net_endpoint *out)
{
    struct scan scan = {text, 0};
    bool is_good;
    u32 port;
    if (take(&scan, '[')) {
        out->address.kind = NET_ADDRESS_IPV6;
        is_good = ipv6(&scan, &out->address.as.ipv6) && take(&scan, ']');
    } else {
        out->address.kind = NET_ADDRESS_IPV4;
        is_good = ipv4(&scan, &out->address.as.ipv4);
    }
    is_good = is_good && take(&scan, ':') && number(&scan, 10, UINT16_MAX, &port) &&
              scan.next == text.size;
    out->port = is_good ? (u16)port : 0;
    return is_good;
}

// ---- calls

i32 socket_listen(struct span at, u64 *listener)
{
    struct tcp_listen_call call = {.backlog = 0};
    struct tcp_result_listener_net_error result;
    if (!endpoint_read(at, &call.at)) {
        return WASI_INVAL;
    }
    i64 sent = tcp_listen(bound(), &call, &result);
    i32 error = OUTCOME(sent, result);
    if (error == WASI_OK) {
        *listener = result.value.socket;
    }
    return error;
}

i32 socket_accept_send(u64 listener, u64 *id)
{
    struct tcp_accept_call call = {listener};
    u8 body[TCP_ACCEPT_CALL_BYTES];
    size_t size = tcp_accept_encode_call(body, sizeof body, &call);
    i64 sent = rt_send(bound(), TCP_ACCEPT_ID, body, (u32)size);
    *id = sent > 0 ? (u64)sent : 0;
    return sent > 0 ? WASI_OK : WASI_IO;
}

i32 socket_accept_answer(struct span body, u64 *connection)
{
    struct tcp_result_connection_net_error result;
    if (tcp_accept_decode_result(body, &result) != ERR_OK) {
        return WASI_IO;
    }
    i32 error = OUTCOME(0, result);
    *connection = error == WASI_OK ? result.value.socket : 0;
    return error;
}

static i32 bytes_outcome(i64 sent, const struct tcp_result_bytes_net_error *result, u32 max,
                         struct span *bytes)
{
    i32 error = OUTCOME(sent, *result);
    *bytes = (struct span){0};
    if (error == WASI_OK && result->value.size > max) {
        return WASI_IO; // not what the interface promises
    }
    if (error == WASI_OK) {
        *bytes = result->value;
    }
    return error;
}

i32 socket_read(u64 socket, u32 max, struct span *bytes)
{
    struct tcp_read_call call = {socket, max};
    struct tcp_result_bytes_net_error result;
    i64 sent = tcp_read(bound(), message_buffer, sizeof message_buffer, &call, &result);
    return bytes_outcome(sent, &result, max, bytes);
}

i32 socket_read_send(u64 socket, u32 max, u64 *id)
{
    struct tcp_read_call call = {socket, max};
    u8 body[TCP_READ_CALL_BYTES];
    size_t size = tcp_read_encode_call(body, sizeof body, &call);
    i64 sent = rt_send(bound(), TCP_READ_ID, body, (u32)size);
    *id = sent > 0 ? (u64)sent : 0;
    return sent > 0 ? WASI_OK : WASI_IO;
}

i32 socket_read_answer(struct span body, u32 max, struct span *bytes)
{
    struct tcp_result_bytes_net_error result;
    *bytes = (struct span){0};
    if (tcp_read_decode_result(body, &result) != ERR_OK) {
        return WASI_IO;
    }
    return bytes_outcome(0, &result, max, bytes);
}

i32 socket_write(u64 socket, struct span bytes, u32 *count)
{
    u32 most = (u32)bytes.size;
    i32 error = WASI_OK;
    *count = 0;
    while (error == WASI_OK && *count < bytes.size) {
        u32 part = (u32)bytes.size - *count;
        part = part < most ? part : most;
        struct tcp_write_call call = {socket, span_slice(bytes, *count, *count + part)};
        struct tcp_result_none_net_error result;
        i64 sent = tcp_write(bound(), message_buffer, sizeof message_buffer, &call, &result);
        if (sent_halves(sent, part, &most)) {
            continue;
        }
        error = OUTCOME(sent, result);
        *count += error == WASI_OK ? part : 0;
    }
    return error;
}

i32 socket_shutdown(u64 socket)
{
    struct tcp_shutdown_call call = {socket};
    struct tcp_result_none_net_error result;
    i64 sent = tcp_shutdown(bound(), &call, &result);
    return OUTCOME(sent, result);
}

i32 socket_close(u64 socket)
{
    struct tcp_close_call call = {socket};
    struct tcp_result_none_net_error result;
    i64 sent = tcp_close(bound(), &call, &result);
    return OUTCOME(sent, result);
}
