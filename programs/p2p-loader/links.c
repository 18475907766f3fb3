// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/links.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/dns.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/names.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/room.h"
#include "programs/p2p-loader/sources.h"
#include "programs/rt/redshirt.h"

enum {
    WRITE_HEAD_BYTES = 12, // of a message to tcp: the socket, the count of bytes
    IP4_BYTES = 4,
    IP6_BYTES = 16,
};

// One that waits for a connection at a listener.
struct acceptor {
    struct node *node;
    struct call call;
    u64 listener;
    bool is_used;
    bool is_holding; // `held` came, and waits for room
    struct tcp_connection held;
};

static struct acceptor acceptors[LOADER_LISTENERS * LOADER_ACCEPTS];
static u32 listener_count;
static u16 any_port[NET_ADDRESS_IPV6 + 1]; // where we listen at all addresses of a kind; 0: nowhere
static struct p2p_hearsay hearsay;
static u8 wire[WRITE_HEAD_BYTES + LOADER_READ_BYTES]; // what is written next

// ---- addresses

static struct net_endpoint endpoint_of(struct span ip, u16 port)
{
    struct net_endpoint endpoint = {.port = port};
    if (ip.size == IP4_BYTES) {
        endpoint.address.kind = NET_ADDRESS_IPV4;
        endpoint.address.as.ipv4 = mem_load_u32(ip.data);
    } else {
        ASSERT(ip.size == IP6_BYTES);
        endpoint.address.kind = NET_ADDRESS_IPV6;
        endpoint.address.as.ipv6 =
            (struct net_ipv6){mem_load_u64(ip.data), mem_load_u64(ip.data + 8), 0};
    }
    return endpoint;
}

static struct multiaddr multiaddr_of(const struct net_endpoint *endpoint)
{
    u8 ip[IP6_BYTES];
    if (endpoint->address.kind == NET_ADDRESS_IPV4) {
        mem_store_u32(ip, endpoint->address.as.ipv4);
        return multiaddr_of_tcp(span_of(ip, IP4_BYTES), endpoint->port);
    }
    mem_store_u64(ip, endpoint->address.as.ipv6.first);
    mem_store_u64(ip + 8, endpoint->address.as.ipv6.second);
    return multiaddr_of_tcp(span_of(ip, IP6_BYTES), endpoint->port);
}

static bool is_of_scope(const struct net_endpoint *endpoint, enum p2p_scope scope)
{
    struct multiaddr address = multiaddr_of(endpoint);
    struct multiaddr_target where;
    return multiaddr_target(span_of(address.bytes, address.size), &where, NULL) == ERR_OK &&
           p2p_ip_is_of(where.host, scope);
}

static const char *error_words(enum net_error error)
{
    switch (error) {
    case NET_ERROR_REFUSED:
        return "nobody listens there";
    case NET_ERROR_RESET:
        return "it cut the connection";
    case NET_ERROR_TIMED_OUT:
        return "it does not answer";
    case NET_ERROR_UNREACHABLE:
        return "there is no way to it";
    case NET_ERROR_UNKNOWN_NAME:
        return "its name is not known";
    case NET_ERROR_LIMIT:
        return "this machine has no more sockets";
    default:
        return "the machine could not connect";
    }
}

void link_peer_write(struct text *out, const struct peer_id *peer)
{
    enum { FIRST = 7, LAST = 6 };
    char whole[P2P_PEER_ID_TEXT_BYTES];
    struct text text = text_over(whole, sizeof whole);
    peer_id_write(&text, peer);
    if (text.size <= FIRST + LAST) {
        text_string(out, whole);
        return;
    }
    text_bytes(out, span_of(whole, FIRST));
    text_string(out, "...");
    text_bytes(out, span_of(whole + text.size - LAST, LAST));
}

// ---- life

bool link_is_coming(const struct link *link)
{
    return !link->is_known;
}

bool link_is_open(const struct link *link)
{
    return link->stage == LINK_IS_UP && link->is_known;
}

bool links_are_open(const struct node *node)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        if (link_is_open(LIST_ITEM(item, struct link, of_node))) {
            return true;
        }
    }
    return false;
}

// Is it there, or does it come, to that peer?
static bool leads_to(const struct link *link, const struct peer_id *peer)
{
    if (link_is_open(link)) {
        return peer_id_equal(&link->connection.peer, peer);
    }
    return link_is_coming(link) && link->stage != LINK_IS_OVER && link->has_expected &&
           peer_id_equal(&link->expected, peer);
}

static bool is_of(const struct link *link, enum p2p_scope scope)
{
    return link->kind != LINK_GUEST && (link->kind == LINK_LOCAL) == (scope == P2P_SCOPE_LAN);
}

struct link *link_to(const struct node *node, const struct peer_id *peer)
{
    struct link *link = link_in(node, peer, P2P_SCOPE_LAN);
    return link != NULL ? link : link_in(node, peer, P2P_SCOPE_PUBLIC);
}

struct link *link_in(const struct node *node, const struct peer_id *peer, enum p2p_scope scope)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        if (is_of(link, scope) && leads_to(link, peer)) {
            return link;
        }
    }
    return NULL;
}

bool link_may_be_asked(const struct link *link, enum p2p_scope scope)
{
    const struct p2p_identity *identity = &link->connection.identity;
    if (!link_is_open(link) || !is_of(link, scope)) {
        return false;
    }
    // Who is no node of the local DHT does not know what others of the protocols stand for.
    bool is_told = link->node->stays && identity->is_known && scope == P2P_SCOPE_LAN;
    return !is_told || (identity->protocols >> NODE_KAD_LAN & 1) != 0;
}

static void socket_close(struct node *node, u64 socket)
{
    struct tcp_close_call call = {socket};
    u8 body[TCP_CLOSE_CALL_BYTES];
    size_t size = tcp_close_encode_call(body, sizeof body, &call);
    (void)rt_tell(node->tcp, TCP_CLOSE_ID, body, (u32)size);
}

static struct link *link_make(struct node *node)
{
    if (node->link_count == node->link_most) {
        return NULL;
    }
    struct link *link = memory_take(rt_memory(), sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    mem_zero(link, sizeof *link);
    link->node = node;
    link->since_ns = link->used_ns = node->now_ns;
    for (u32 i = 0; i < LOADER_WRITES; i++) {
        link->writes[i].link = link;
    }
    list_append(&node->links, &link->of_node);
    node->link_count++;
    return link;
}

void link_end(struct link *link, const char *why)
{
    if (link->stage == LINK_IS_OVER) {
        return;
    }
    bool was_up = link->stage == LINK_IS_UP;
    link->stage = LINK_IS_OVER;
    link->why = why;
    call_cancel(&link->setup); // should it have connected meanwhile, its answer closes that
    if (was_up) {
        call_drop(&link->read);
        for (u32 i = 0; i < LOADER_WRITES; i++) {
            link->node->writing_count -= link->writes[i].call.is_waiting;
            call_drop(&link->writes[i].call);
        }
        socket_close(link->node, link->socket);
    }
}

static void held_drop(struct link *link)
{
    if (link->held != NULL) {
        memory_give(rt_memory(), link->held, LOADER_READ_BYTES);
        link->held = NULL;
    }
}

static void knocked(struct link *link)
{
    if (link->is_knocking) {
        link->is_knocking = false;
        link->node->knocking_count--;
    }
}

// Frees a link that is over and has no more answers to come.
static void link_free(struct link *link)
{
    struct node *node = link->node;
    bool has_connection = link->socket != 0;
    const char *why = link->why == NULL ? "" : link->why;
    dht_link_gone(link);
    names_link_gone(link);
    announce_link_gone(link);
    node_gone(node, link, span_string(why));
    if (link->has_bitswap) {
        bitswap_peer_remove(&node->bitswap, &link->bitswap, node->now_ns);
    }
    if (has_connection) {
        p2p_connection_drop(&link->connection);
    }
    knocked(link);
    held_drop(link);
    list_remove(&link->of_node);
    node->link_count--;
    memory_give(rt_memory(), link, sizeof *link);
}

// ---- bytes

static void read_done(struct call *call, const struct rt_event *event);

static void link_read(struct link *link)
{
    struct tcp_read_call call = {link->socket, LOADER_READ_BYTES};
    u8 body[TCP_READ_CALL_BYTES];
    if (link->stage != LINK_IS_UP || link->read.is_waiting || link->held != NULL) {
        return;
    }
    size_t size = tcp_read_encode_call(body, sizeof body, &call);
    if (!call_send(&link->read, link->node->tcp, TCP_READ_ID, body, size, read_done)) {
        link_end(link, "the machine does not read");
    }
}

// Something happened on a stream that is not of bitswap.
static void link_stream(struct link *link, struct p2p_event event)
{
    if (event.kind == P2P_EVENT_ACCEPTED) {
        if (event.stream->protocol != NODE_KAD_LAN || !names_accept(link, event.stream)) {
            p2p_stream_reset(event.stream);
            p2p_stream_close(event.stream);
        }
    } else if (event.stream != NULL && !names_event(event) && !announce_event(event)) {
        dht_event(event);
    }
}

static void blocks_begin(struct link *link)
{
    link->has_bitswap = true;
    bitswap_peer_add(&link->node->bitswap, &link->bitswap, &link->connection, 0,
                     link->node->now_ns);
    link->bitswap.is_taker = link->kind == LINK_GUEST;
}

void link_exchange(struct link *link)
{
    if (link->kind != LINK_ASKED) {
        return;
    }
    link->kind = LINK_PUBLIC;
    if (link_is_open(link)) {
        blocks_begin(link);
    }
}

// What the connection tells, until it tells no more.
static void link_events(struct link *link)
{
    struct node *node = link->node;
    for (;;) {
        struct p2p_event event = p2p_connection_next(&link->connection);
        if (event.kind == P2P_EVENT_NONE) {
            return;
        }
        link->used_ns = event.stream != NULL ? node->now_ns : link->used_ns;
        if (event.kind == P2P_EVENT_OPENED) {
            knocked(link);
            link->is_known = true;
            if (link->kind != LINK_ASKED) {
                blocks_begin(link);
            }
            node_opened(node, link);
        } else if (event.kind == P2P_EVENT_IDENTIFIED) {
            names_heard(link);
        } else if (!link->has_bitswap ||
                   !bitswap_event(&node->bitswap, &link->bitswap, event, node->now_ns)) {
            link_stream(link, event);
        }
    }
}

static const char *failure_words(const struct link *link)
{
    switch (link->connection.failure) {
    case ERR_OK:
        return NULL;
    case ERR_CLOSED:
        return link->is_known ? "it does not answer any more" : "it did not finish the handshake";
    case ERR_UNSUPPORTED:
        return "it speaks nothing that we do";
    case ERR_MISMATCH:
        return "it is somebody else than its address says";
    default:
        return "it broke a rule of the protocols";
    }
}

// Hands bytes to the connection; how many it took. They are overwritten.
static size_t link_take(struct link *link, u8 *bytes, size_t size)
{
    size_t total = 0;
    while (total < size) {
        size_t taken = 0;
        enum err err = p2p_connection_receive(&link->connection, bytes + total, size - total,
                                              link->node->now_ns, &taken, NULL);
        total += taken;
        link_events(link);
        if (err != ERR_OK) {
            return size; // it is over, and what it still has to say is sent
        }
        if (taken == 0) {
            break;
        }
    }
    return total;
}

static void read_done(struct call *call, const struct rt_event *event)
{
    struct link *link = CONTAINER_OF(call, struct link, read);
    struct node *node = link->node;
    struct tcp_result_bytes_net_error result;
    if (event->error != 0 || tcp_read_decode_result(event->body, &result) != ERR_OK || !result.ok) {
        link_end(link, "the connection broke");
        return;
    }
    if (result.value.size == 0) {
        link_end(link, link->is_known ? NULL : "it hung up before it said who it is");
        return;
    }
    link->read_bytes += result.value.size;
    node->read_bytes += result.value.size;
    u8 *bytes = (u8 *)result.value.data; // of the event's own buffer
    size_t taken = link_take(link, bytes, result.value.size);
    if (taken < result.value.size) {
        link->held = memory_take(rt_memory(), LOADER_READ_BYTES);
        if (link->held == NULL) {
            link_end(link, "there is no memory for what it sends");
            return;
        }
        link->held_start = 0;
        link->held_end = (u32)(result.value.size - taken);
        mem_copy(link->held, bytes + taken, link->held_end);
    }
    link_read(link);
}

static void write_done(struct call *call, const struct rt_event *event)
{
    struct link *link = CONTAINER_OF(call, struct link_write, call)->link;
    struct tcp_result_none_net_error result;
    link->node->writing_count--;
    if (event->error != 0 || tcp_write_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        link_end(link, "the connection broke");
    }
}

// Sends what the connection has, as far as writes are free.
static void link_write(struct link *link)
{
    struct node *node = link->node;
    for (u32 i = 0; i < LOADER_WRITES && link->stage == LINK_IS_UP; i++) {
        struct call *call = &link->writes[i].call;
        if (call->is_waiting) {
            continue;
        }
        if (node->writing_count == LOADER_WRITES_ALL) {
            return; // there is a turn when one of them is done
        }
        size_t size = p2p_connection_send(&link->connection, wire + WRITE_HEAD_BYTES,
                                          LOADER_READ_BYTES, node->now_ns);
        if (size == 0) {
            return;
        }
        // The bytes are already where the encoding puts them, so the copy has nothing to move.
        struct tcp_write_call write = {link->socket, span_of(wire + WRITE_HEAD_BYTES, size)};
        size_t encoded = tcp_write_encode_call(wire, sizeof wire, &write);
        ASSERT(encoded == WRITE_HEAD_BYTES + size);
        link->written_bytes += size;
        node->written_bytes += size;
        if (!call_send(call, node->tcp, TCP_WRITE_ID, wire, encoded, write_done)) {
            link_end(link, "the machine does not write");
            return;
        }
        node->writing_count++;
    }
}

static bool link_is_writing(const struct link *link)
{
    bool is_writing = false;
    for (u32 i = 0; i < LOADER_WRITES; i++) {
        is_writing = is_writing || link->writes[i].call.is_waiting;
    }
    return is_writing;
}

// ---- dialling

static void link_is_up(struct link *link, u64 socket)
{
    link->stage = LINK_IS_UP;
    link->socket = socket;
    p2p_connection_init(&link->connection, &link->node->host, link->is_dialler,
                        link->has_expected ? &link->expected : NULL, &link->address,
                        link->node->now_ns);
    link_read(link);
}

static void connect_done(struct call *call, const struct rt_event *event);

// Tries the next endpoint.
static void link_connect(struct link *link)
{
    struct tcp_connect_call call = {link->endpoints[link->endpoint_next++]};
    u8 body[TCP_CONNECT_CALL_BYTES];
    size_t size = tcp_connect_encode_call(body, sizeof body, &call);
    link->stage = LINK_CONNECTS;
    link->address = multiaddr_of(&call.to);
    if (!call_send(&link->setup, link->node->tcp, TCP_CONNECT_ID, body, size, connect_done)) {
        link_end(link, "the machine could not connect");
    }
}

// The address that a connection has at our end is one at which others find us, where we listen at
// all of them.
static void local_seen(const struct net_endpoint *local)
{
    struct net_endpoint at = *local;
    at.port = any_port[local->address.kind];
    if (at.port != 0) {
        struct multiaddr address = multiaddr_of(&at);
        announce_at(&address);
    }
}

static void connect_done(struct call *call, const struct rt_event *event)
{
    struct link *link = CONTAINER_OF(call, struct link, setup);
    struct tcp_result_connection_net_error result;
    bool is_answer = event->error == 0 && tcp_connect_decode_result(event->body, &result) == ERR_OK;
    if (is_answer && result.ok && link->stage == LINK_IS_OVER) {
        socket_close(link->node, result.value.socket); // too late
    } else if (is_answer && result.ok) {
        local_seen(&result.value.local);
        link_is_up(link, result.value.socket);
    } else if (link->stage != LINK_IS_OVER && link->endpoint_next < link->endpoint_count) {
        link_connect(link);
    } else {
        link_end(link, is_answer ? error_words(result.error) : "the machine could not connect");
    }
}

static void resolve_done(struct call *call, const struct rt_event *event)
{
    struct link *link = CONTAINER_OF(call, struct link, setup);
    struct dns_result_list_net_address_net_error result;
    struct net_address address;
    bool is_inside = false;
    if (link->stage == LINK_IS_OVER) {
        return;
    }
    if (event->error != 0 || dns_resolve_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        link_end(link, "its name is not known");
        return;
    }
    u16 port = link->endpoints[0].port;
    while (link->endpoint_count < LOADER_ADDRESSES &&
           dns_list_net_address_next(&result.value, &address)) {
        struct net_endpoint endpoint = {address, port};
        if (!link->is_heard || is_of_scope(&endpoint, P2P_SCOPE_PUBLIC)) {
            link->endpoints[link->endpoint_count++] = endpoint;
        } else {
            is_inside = true;
        }
    }
    if (link->endpoint_count == 0) {
        link_end(link,
                 is_inside ? "its name leads into a private network" : "its name is not known");
        return;
    }
    link_connect(link);
}

static void link_resolve(struct link *link, struct span name)
{
    struct dns_resolve_call call = {name};
    u8 body[P2P_HOST_NAME_BYTES + 8];
    size_t size = dns_resolve_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    link->stage = LINK_RESOLVES;
    if (!call_send(&link->setup, link->node->dns, DNS_RESOLVE_ID, body, size, resolve_done)) {
        link_end(link, "the machine knows no names");
    }
}

static struct link *dialling_begin(struct node *node, enum link_kind kind)
{
    struct link *link = link_make(node);
    if (link != NULL) {
        link->is_dialler = true;
        link->kind = kind;
        link->deadline_ns = node->now_ns + LOADER_CONNECT_MS * NS_PER_MS;
    }
    return link;
}

static bool is_number(const struct multiaddr_target *target)
{
    return target->kind == MULTIADDR_HOST_IP4 || target->kind == MULTIADDR_HOST_IP6;
}

struct link *link_dial(struct node *node, const struct multiaddr *address, enum link_kind kind)
{
    struct multiaddr_target target;
    enum err err = multiaddr_target(span_of(address->bytes, address->size), &target, NULL);
    struct link *link = err == ERR_OK ? dialling_begin(node, kind) : NULL;
    if (link == NULL) {
        return NULL;
    }
    link->address = *address;
    link->has_expected = target.has_peer;
    link->expected = target.peer;
    if (is_number(&target)) {
        link->endpoints[link->endpoint_count++] = endpoint_of(target.host, target.port);
        link_connect(link);
    } else {
        link->is_heard = kind != LINK_LOCAL;
        link->endpoints[0].port = target.port;
        link_resolve(link, target.host);
    }
    return link;
}

bool links_may_dial_heard(const struct node *node, enum link_kind kind)
{
    enum p2p_scope scope = kind == LINK_LOCAL ? P2P_SCOPE_LAN : P2P_SCOPE_PUBLIC;
    return p2p_hearsay_may_dial(&hearsay, scope, node->now_ns);
}

bool links_reach_loopback(const struct node *node)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        struct multiaddr_target where;
        if (link_is_open(link) &&
            multiaddr_target(span_of(link->address.bytes, link->address.size), &where, NULL) ==
                ERR_OK &&
            p2p_ip_is_loopback(where.host)) {
            return true;
        }
    }
    return false;
}

struct link *link_dial_hint(struct node *node, const struct p2p_hint *hint, enum link_kind kind)
{
    struct multiaddr_target target, name = {0};
    bool may_dial = hint->address_count != 0 && links_may_dial_heard(node, kind);
    bool has_loopback = may_dial && links_reach_loopback(node);
    struct link *link = may_dial ? dialling_begin(node, kind) : NULL;
    if (link == NULL) {
        return NULL;
    }
    link->has_expected = true;
    link->expected = hint->peer;
    for (u32 i = 0; i < hint->address_count && link->endpoint_count < LOADER_ADDRESSES; i++) {
        if (multiaddr_target(p2p_hint_address(hint, i), &target, NULL) != ERR_OK) {
            continue;
        }
        if (p2p_ip_is_loopback(target.host) && !has_loopback && kind == LINK_LOCAL) {
            continue;
        }
        if (is_number(&target)) {
            link->endpoints[link->endpoint_count++] = endpoint_of(target.host, target.port);
        } else {
            name = target;
            link->is_heard = !public_named(&hint->peer, p2p_hint_address(hint, i));
        }
    }
    if (link->endpoint_count != 0) {
        link_connect(link);
    } else if (name.host.size != 0) {
        link->endpoints[0].port = name.port;
        link_resolve(link, name.host);
    } else {
        link_end(link, "it has no address");
    }
    return link;
}

// ---- listening

static void acceptor_wait(struct acceptor *acceptor);

// Of which network one is that came to us.
static enum link_kind kind_of(const struct net_endpoint *peer)
{
    struct multiaddr address = multiaddr_of(peer);
    struct multiaddr_target where;
    if (multiaddr_target(span_of(address.bytes, address.size), &where, NULL) != ERR_OK) {
        return LINK_GUEST;
    }
    bool is_near = sources_are_on(SOURCE_LAN) || sources_are_on(SOURCE_USER);
    bool is_ours =
        p2p_ip_is_loopback(where.host) || (is_near && p2p_ip_is_of(where.host, P2P_SCOPE_LAN));
    return is_ours ? LINK_LOCAL : LINK_GUEST;
}

// One goes, so that another has room. False: nobody is to go.
static bool make_way(struct link *link, const char *why)
{
    if (link == NULL) {
        return false;
    }
    link_end(link, why);
    link_free(link);
    return true;
}

// When there may be room for one that came from there: now, when one was made to go; UINT64_MAX:
// never.
static u64 room_make(struct node *node, const struct net_endpoint *peer)
{
    if (node->knocking_count == LOADER_KNOCKING) {
        struct link *oldest = room_knocking(node);
        if (oldest == NULL) {
            return node->now_ns + 1; // they are over, and this turn frees them
        }
        u64 due_ns = oldest->since_ns + LOADER_KNOCK_MS * NS_PER_MS;
        if (due_ns > node->now_ns) {
            return due_ns;
        }
        (void)make_way(oldest, "others knocked, and it took too long");
    }
    bool has_room = node->link_count < node->link_most ||
                    make_way(room_idle(node), "others came, and it wanted nothing") ||
                    make_way(room_crowding(node, room_neighbourhood(peer)),
                             "others came, and most of all are from where it is");
    return has_room ? node->now_ns : UINT64_MAX;
}

// Makes a link of the connection that the acceptor holds, when there is room. Returns when to try
// again; UINT64_MAX: it holds none any more.
static u64 acceptor_turn(struct acceptor *acceptor)
{
    struct node *node = acceptor->node;
    u64 at_ns = acceptor->is_holding ? room_make(node, &acceptor->held.peer) : UINT64_MAX;
    if (!acceptor->is_holding || (at_ns > node->now_ns && at_ns != UINT64_MAX)) {
        return at_ns;
    }
    const struct tcp_connection *held = &acceptor->held;
    struct link *link = at_ns == UINT64_MAX ? NULL : link_make(node);
    acceptor->is_holding = false;
    if (link == NULL) {
        socket_close(node, held->socket);
    } else {
        link->kind = kind_of(&held->peer);
        link->neighbourhood = room_neighbourhood(&held->peer);
        link->is_knocking = true;
        node->knocking_count++;
        link->address = multiaddr_of(&held->peer);
        local_seen(&held->local);
        link_is_up(link, held->socket);
    }
    acceptor_wait(acceptor);
    return UINT64_MAX;
}

static void accept_done(struct call *call, const struct rt_event *event)
{
    struct acceptor *acceptor = CONTAINER_OF(call, struct acceptor, call);
    struct tcp_result_connection_net_error result;
    if (event->error != 0 || tcp_accept_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        acceptor->is_used = false; // links_turn tries again
        return;
    }
    acceptor->is_holding = true;
    acceptor->held = result.value;
    (void)acceptor_turn(acceptor); // links_turn does it later
}

static void acceptor_wait(struct acceptor *acceptor)
{
    struct tcp_accept_call call = {acceptor->listener};
    u8 body[TCP_ACCEPT_CALL_BYTES];
    size_t size = tcp_accept_encode_call(body, sizeof body, &call);
    acceptor->is_used =
        call_send(&acceptor->call, acceptor->node->tcp, TCP_ACCEPT_ID, body, size, accept_done);
}

static enum err listen_error(enum net_error error, struct report *report)
{
    if (error == NET_ERROR_ADDRESS_IN_USE) {
        return report_err(report, ERR_BUSY, 0, "somebody else listens there");
    }
    if (error == NET_ERROR_ADDRESS_NOT_AVAILABLE) {
        return report_err(report, ERR_INVALID, 0, "that is no address of this machine");
    }
    return report_err(report, ERR_IO, 0, "the machine does not listen there");
}

static bool is_unspecified(struct span ip)
{
    u8 sum = 0;
    for (size_t i = 0; i < ip.size; i++) {
        sum |= ip.data[i];
    }
    return sum == 0;
}

enum err links_listen(struct node *node, const struct multiaddr *address, struct multiaddr *at,
                      struct report *report)
{
    struct multiaddr_target target;
    TRY(multiaddr_target(span_of(address->bytes, address->size), &target, report));
    if (target.kind != MULTIADDR_HOST_IP4 && target.kind != MULTIADDR_HOST_IP6) {
        return report_err(report, ERR_UNSUPPORTED, 0, "one listens at a number, not at a name");
    }
    if (listener_count == LOADER_LISTENERS) {
        return report_err(report, ERR_LIMIT, 0, "too many addresses to listen at");
    }
    struct tcp_listen_call call = {endpoint_of(target.host, target.port), 0};
    struct tcp_result_listener_net_error result;
    if (tcp_listen(node->tcp, &call, &result) < 0) {
        return report_err(report, ERR_IO, 0, "this machine has no tcp");
    }
    if (!result.ok) {
        return listen_error(result.error, report);
    }
    *at = multiaddr_of(&result.value.local);
    if (is_unspecified(target.host)) {
        any_port[result.value.local.address.kind] = result.value.local.port;
    }
    for (u32 i = 0; i < LOADER_ACCEPTS; i++) {
        struct acceptor *acceptor = &acceptors[listener_count * LOADER_ACCEPTS + i];
        acceptor->node = node;
        acceptor->listener = result.value.socket;
        acceptor_wait(acceptor);
    }
    listener_count++;
    return ERR_OK;
}

// ---- turns

// What time and memory allow now. False: it is over and free.
static bool link_turn(struct link *link)
{
    struct node *node = link->node;
    bool is_coming = link->stage == LINK_RESOLVES || link->stage == LINK_CONNECTS;
    if (is_coming && node->now_ns >= link->deadline_ns) {
        link_end(link, "it does not answer");
    }
    if (link->stage == LINK_IS_UP) {
        if (p2p_connection_wake(&link->connection) <= node->now_ns) {
            (void)p2p_connection_tick(&link->connection, node->now_ns, NULL); // its failure says it
        }
        if (link->held != NULL) {
            size_t size = link->held_end - link->held_start;
            link->held_start += (u32)link_take(link, link->held + link->held_start, size);
            if (link->held_start == link->held_end) {
                held_drop(link);
                link_read(link);
            }
        }
        link_events(link);
        link_write(link);
        if (p2p_connection_is_closed(&link->connection) && !link_is_writing(link)) {
            link_end(link, failure_words(link));
        }
    }
    if (link->stage == LINK_IS_OVER && !link->setup.is_waiting) {
        link_free(link);
        return false;
    }
    return true;
}

static u64 link_wake(const struct link *link)
{
    if (link->stage == LINK_IS_UP) {
        return p2p_connection_wake(&link->connection);
    }
    return link->stage == LINK_IS_OVER ? UINT64_MAX : link->deadline_ns;
}

u64 links_turn(struct node *node)
{
    u64 wake = UINT64_MAX;
    struct list_node *next;
    for (struct list_node *item = list_first(&node->links); item != NULL; item = next) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        next = list_next(&node->links, item);
        if (link_turn(link)) {
            u64 at = link_wake(link);
            wake = at < wake ? at : wake;
        }
    }
    for (u32 i = 0; i < listener_count * LOADER_ACCEPTS; i++) {
        if (!acceptors[i].is_used) {
            acceptor_wait(&acceptors[i]);
        }
        u64 at = acceptor_turn(&acceptors[i]);
        wake = at < wake ? at : wake;
    }
    return wake;
}
