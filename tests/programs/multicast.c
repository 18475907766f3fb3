// SPDX-License-Identifier: GPL-3.0-or-later
// Joins a multicast group twice, sends to it from one socket, and prints what each of them heard.
#include "interfaces/net.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

enum { GROUP = 224 | 251u << 24, LOCALHOST = 127 | 1 << 24, PORT = 53535 };

static u8 buffer[1024];

static struct net_endpoint at(u32 address)
{
    return (struct net_endpoint){.address = {.kind = NET_ADDRESS_IPV4, .as.ipv4 = address},
                                 .port = PORT};
}

u32 program_main(void)
{
    i64 bond = rt_bind(&udp_interface, true);
    struct udp_result_socket_net_error sockets[2];
    struct udp_join_call join = {at(LOCALHOST)};
    if (bond < 0 || udp_join((u32)bond, &join, &sockets[0]) < 0) {
        return 1;
    }
    (void)rt_print(!sockets[0].ok && sockets[0].error == NET_ERROR_INVALID ? "no group\n" : "?\n");
    join.group = at(GROUP);
    for (u32 i = 0; i < 2; i++) {
        if (udp_join((u32)bond, &join, &sockets[i]) < 0 || !sockets[i].ok) {
            (void)rt_print("no multicast\n");
            return 0;
        }
    }
    struct udp_send_call send = {sockets[0].value.socket, at(GROUP), SPAN_LITERAL("hello\n")};
    struct udp_result_none_net_error sent;
    if (udp_send((u32)bond, buffer, sizeof buffer, &send, &sent) < 0 || !sent.ok) {
        (void)rt_print("not sent\n");
        return 0;
    }
    for (u32 i = 0; i < 2; i++) {
        struct udp_receive_call receive = {sockets[i].value.socket};
        struct udp_result_datagram_net_error datagram;
        if (udp_receive((u32)bond, buffer, sizeof buffer, &receive, &datagram) < 0 ||
            !datagram.ok) {
            return 1;
        }
        (void)rt_print_span(datagram.value.bytes);
    }
    return 0;
}
