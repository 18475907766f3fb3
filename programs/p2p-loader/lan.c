// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/lan.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "lib/p2p/mdns.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/sources.h"
#include "programs/rt/redshirt.h"

#define NO_MULTICAST SPAN_LITERAL("p2p: this machine has no multicast")

enum { SEND_BYTES = MDNS_PACKET_BYTES + 64 }; // a message with a packet

static bool is_due; // the group is joined as soon as there is something to say
static bool is_on;
static bool was_wanted;
static struct node *of_lan;
static struct mdns mdns;
static u32 udp;
static u64 socket;
static struct call receive;

static struct net_endpoint group(void)
{
    static const u8 address[] = MDNS_GROUP;
    struct net_endpoint endpoint = {.port = MDNS_PORT};
    endpoint.address.kind = NET_ADDRESS_IPV4;
    endpoint.address.as.ipv4 = mem_load_u32(address);
    return endpoint;
}

static void receive_done(struct call *call, const struct rt_event *event);

static void receive_send(void)
{
    struct udp_receive_call call = {socket};
    u8 body[16];
    size_t size = udp_receive_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    is_on = call_send(&receive, udp, UDP_RECEIVE_ID, body, size, receive_done);
}

static void receive_done(struct call *call, const struct rt_event *event)
{
    struct udp_result_datagram_net_error result;
    (void)call;
    if (event->error != 0 || udp_receive_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        is_on = false; // the network is gone; other sources may be there
        return;
    }
    // What is no message of ours is none of our business.
    (void)mdns_receive(&mdns, result.value.bytes, of_lan->now_ns, NULL);
    receive_send();
}

// Opens the socket. False: the machine has no multicast.
static bool group_join(void)
{
    struct udp_join_call call = {group()};
    struct udp_result_socket_net_error result;
    if (udp_join(udp, &call, &result) < 0 || !result.ok) {
        return false;
    }
    socket = result.value.socket;
    receive_send();
    return is_on;
}

void lan_begin(struct node *node, const struct multiaddr *addresses, u32 count)
{
    i64 bond = rt_bind(&udp_interface, false);
    if (bond < 0) {
        node_say(node, NODE_WARNING, NO_MULTICAST);
        return;
    }
    udp = (u32)bond;
    of_lan = node;
    is_due = true;
    mdns_init(&mdns, &node->crypto, &node->host.id, addresses, count, node->now_ns);
    sources_enable(SOURCE_LAN);
}

u64 lan_turn(struct node *node, bool is_wanted)
{
    u8 packet[MDNS_PACKET_BYTES], body[SEND_BYTES];
    struct p2p_hint hint;
    size_t size;
    if (!is_wanted && !node->stays) {
        return UINT64_MAX; // who looks for nothing and offers nothing is silent and deaf
    }
    if (is_due) {
        is_due = false;
        if (!group_join()) {
            sources_disable(SOURCE_LAN);
            node_say(node, NODE_WARNING, NO_MULTICAST);
        }
    }
    if (!is_on) {
        return UINT64_MAX;
    }
    if (is_wanted && !was_wanted) {
        mdns_ask(&mdns, node->now_ns);
    }
    was_wanted = is_wanted;
    while ((size = mdns_send(&mdns, packet, node->now_ns)) != 0) {
        struct udp_send_call call = {socket, group(), span_of(packet, size)};
        size_t encoded = udp_send_encode_call(body, sizeof body, &call);
        ASSERT(encoded <= sizeof body);
        (void)rt_tell(udp, UDP_SEND_ID, body, (u32)encoded); // it may get lost
    }
    while (mdns_next_hint(&mdns, &hint)) {
        sources_hint(node, &hint, SOURCE_LAN);
    }
    return mdns_wake(&mdns);
}
