// SPDX-License-Identifier: GPL-3.0-or-later
// Tries what its arguments say, three at a time, and prints what came of each: a verb (connect,
// listen, open, send), an address (8 or 32 hexadecimal digits, perhaps `%` and the scope), a port.
// `resolve` has a name in place of the address, and any port.
#include "core/base/mem.h"
#include "interfaces/dns.h"
#include "interfaces/dns_client.h"
#include "interfaces/dns_section.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "interfaces/tcp_section.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

static u8 buffer[4096];
static u8 body[4096];

static void outcome(bool ok, i64 error, enum net_error net)
{
    (void)rt_print(error < 0                  ? rt_error_name(error)
                   : ok                       ? "ok"
                   : net == NET_ERROR_DENIED  ? "denied"
                   : net == NET_ERROR_REFUSED ? "refused"
                                              : "failed");
    (void)rt_print("\n");
}

static u32 bound(const struct interface_definition *interface)
{
    i64 bond = rt_bind(interface, false);
    if (bond < 0) {
        outcome(false, bond, NET_ERROR_FAILED);
        rt_exit(90);
    }
    return (u32)bond;
}

static u64 number(struct span digits)
{
    u64 value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        value = value * 10 + (digits.data[i] - '0');
    }
    return value;
}

static u8 nibble(u8 digit)
{
    return (u8)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static struct net_endpoint endpoint_of(struct span address, struct span port)
{
    struct net_endpoint to = {.port = (u16)number(port)};
    u8 bytes[16] = {0};
    size_t digits = 0;
    while (digits < address.size && digits < 32 && address.data[digits] != '%') {
        bytes[digits / 2] = (u8)(bytes[digits / 2] << 4 | nibble(address.data[digits]));
        digits++;
    }
    if (digits == 8) {
        to.address.kind = NET_ADDRESS_IPV4;
        to.address.as.ipv4 = mem_load_u32(bytes);
        return to;
    }
    to.address.kind = NET_ADDRESS_IPV6;
    to.address.as.ipv6.first = mem_load_u64(bytes);
    to.address.as.ipv6.second = mem_load_u64(bytes + 8);
    if (digits < address.size) {
        to.address.as.ipv6.scope = (u32)number(span_slice(address, digits + 1, address.size));
    }
    return to;
}

static void try_tcp(bool is_listen, struct net_endpoint at)
{
    static i64 tcp;
    tcp = tcp == 0 ? bound(&tcp_interface) : tcp;
    if (is_listen) {
        struct tcp_listen_call call = {at, 0};
        struct tcp_result_listener_net_error result = {0};
        i64 error = tcp_listen((u32)tcp, &call, &result);
        outcome(result.ok, error, result.error);
    } else {
        struct tcp_connect_call call = {at};
        struct tcp_result_connection_net_error result = {0};
        i64 error = tcp_connect((u32)tcp, &call, &result);
        outcome(result.ok, error, result.error);
    }
}

static void try_udp(bool is_open, struct net_endpoint at)
{
    static i64 udp;
    udp = udp == 0 ? bound(&udp_interface) : udp;
    struct net_endpoint from = {.address.kind = at.address.kind};
    struct udp_open_call open = {is_open ? at : from};
    struct udp_result_socket_net_error opened = {0};
    i64 error = udp_open((u32)udp, &open, &opened);
    if (is_open || error < 0 || !opened.ok) {
        outcome(opened.ok, error, opened.error);
        return;
    }
    struct udp_send_call send = {opened.value.socket, at, SPAN_LITERAL("datagram")};
    struct udp_result_none_net_error sent = {0};
    error = udp_send((u32)udp, body, sizeof body, &send, &sent);
    outcome(sent.ok, error, sent.error);
}

static void try_resolve(struct span name)
{
    static i64 dns;
    dns = dns == 0 ? bound(&dns_interface) : dns;
    struct dns_resolve_call call = {name};
    struct dns_result_list_net_address_net_error result = {0};
    i64 error = dns_resolve((u32)dns, buffer, sizeof buffer, &call, &result);
    outcome(result.ok, error, result.error);
}

u32 program_main(void)
{
    for (u32 i = 1; rt_argument(i).size > 0; i += 3) {
        struct span verb = rt_argument(i);
        struct span address = rt_argument(i + 1);
        if (span_equal(verb, SPAN_LITERAL("resolve"))) {
            try_resolve(address);
            continue;
        }
        struct net_endpoint at = endpoint_of(address, rt_argument(i + 2));
        bool is_listen = span_equal(verb, SPAN_LITERAL("listen"));
        bool is_open = span_equal(verb, SPAN_LITERAL("open"));
        if (is_listen || span_equal(verb, SPAN_LITERAL("connect"))) {
            try_tcp(is_listen, at);
        } else {
            try_udp(is_open, at);
        }
    }
    return 0;
}
