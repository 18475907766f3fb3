// SPDX-License-Identifier: GPL-3.0-or-later
// Sends each datagram back to where it came from. Prints "port N", then serves until it is ended.
#include "core/base/text.h"
#include "interfaces/net.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

enum { LOCALHOST = 127 | 1 << 24 };

static u8 received[65536 + 64];
static u8 sent[65536 + 64];

u32 program_main(void)
{
    struct udp_open_call call = {
        .at = {.address = {.kind = NET_ADDRESS_IPV4, .as.ipv4 = LOCALHOST}, .port = 0}};
    struct udp_result_socket_net_error result;
    i64 bond = rt_bind(&udp_interface, true);
    if (bond < 0 || udp_open((u32)bond, &call, &result) < 0 || !result.ok) {
        return 1;
    }
    char line[32];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "port ");
    text_u64(&text, result.value.local.port);
    text_char(&text, '\n');
    (void)rt_print(line);
    for (;;) {
        struct udp_receive_call receive = {result.value.socket};
        struct udp_result_datagram_net_error datagram;
        if (udp_receive((u32)bond, received, sizeof received, &receive, &datagram) < 0 ||
            !datagram.ok) {
            return 1;
        }
        struct udp_send_call send = {result.value.socket, datagram.value.from,
                                     datagram.value.bytes};
        struct udp_result_none_net_error done;
        if (udp_send((u32)bond, sent, sizeof sent, &send, &done) < 0) {
            return 1;
        }
    }
}
