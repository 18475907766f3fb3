// SPDX-License-Identifier: GPL-3.0-or-later
// One call is under way at a time: a name, a connect, the request's bytes, then reads. What a read
// brings stands behind what the reader of HTTP has not taken.
#include "programs/p2p-loader/web.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "interfaces/dns.h"
#include "interfaces/net.h"
#include "interfaces/tcp.h"
#include "lib/http/client.h"
#include "lib/http/limits.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/web_address.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/node.h"
#include "programs/rt/redshirt.h"

enum {
    HTTP_GOOD = 200,
    IP4_BYTES = 4,
    HEAD_BYTES = 16, // of a message to tcp
};

enum stage { FREE, RESOLVES, CONNECTS, WRITES, READS, IS_OVER };

struct web {
    enum stage stage;
    struct node *node;
    struct web_user user;
    struct call call;
    u64 socket; // 0: none
    u64 until_ns, quiet_ns;
    u32 paced_bytes; // since quiet_ns was moved
    struct net_endpoint endpoint;
    struct http_response_reader reader;
    u32 status;
    u32 request_size, held_size;
    u8 request[HEAD_BYTES + ROUTING_REQUEST_BYTES]; // as the message that writes it
    u8 held[LOADER_WEB_BYTES];
};

STATIC_ASSERT((u32)LOADER_WEB_BYTES >= 2 * (u32)HTTP_HEAD_BYTES); // so that there is room to read

STATIC_ASSERT((u32)LOADER_WEBS == 2 * (u32)P2P_ROUTERS + 1);

static struct web *webs[LOADER_WEBS];

// ---- the end

static void socket_close(struct web *web)
{
    struct tcp_close_call call = {web->socket};
    u8 body[TCP_CLOSE_CALL_BYTES];
    if (web->socket != 0) {
        size_t size = tcp_close_encode_call(body, sizeof body, &call);
        (void)rt_tell(web->node->tcp, TCP_CLOSE_ID, body, (u32)size);
        web->socket = 0;
    }
}

void web_end(struct web *web)
{
    ASSERT(web->stage != FREE && web->stage != IS_OVER);
    if (web->stage == CONNECTS) {
        call_cancel(&web->call); // should it have connected meanwhile, its answer closes that
    } else {
        call_drop(&web->call);
    }
    socket_close(web);
    web->stage = IS_OVER; // webs_turn frees it
}

static void finish(struct web *web, const char *why)
{
    struct web_user user = web->user;
    u32 status = web->status;
    web_end(web);
    user.done(user.context, status, why);
}

// ---- the answer

static void read_send(struct web *web);

// Takes what there is. False: it is over.
static bool take(struct web *web)
{
    for (;;) {
        struct http_part part;
        size_t taken;
        enum err err = http_response_read(&web->reader, span_of(web->held, web->held_size), &taken,
                                          &part, NULL);
        if (err != ERR_OK) {
            finish(web, "its answer breaks the rules of HTTP");
            return false;
        }
        const char *why = NULL;
        if (part.kind == HTTP_PART_HEAD) {
            web->status = part.response.status;
        } else if (part.kind == HTTP_PART_BODY && web->status == HTTP_GOOD) {
            why = web->user.body(web->user.context, part.bytes);
        }
        bool is_over = why != NULL || part.kind == HTTP_PART_END ||
                       (web->status != 0 && web->status != HTTP_GOOD);
        if (is_over) {
            finish(web, why);
            return false;
        }
        web->held_size -= (u32)taken;
        mem_move(web->held, web->held + taken, web->held_size);
        if (part.kind == HTTP_PART_MORE) {
            return true;
        }
    }
}

static void read_done(struct call *call, const struct rt_event *event)
{
    struct web *web = CONTAINER_OF(call, struct web, call);
    struct tcp_result_bytes_net_error result;
    if (event->error != 0 || tcp_read_decode_result(event->body, &result) != ERR_OK || !result.ok) {
        finish(web, "the connection broke");
        return;
    }
    if (result.value.size == 0) {
        bool is_whole = http_response_end(&web->reader, NULL) == ERR_OK;
        finish(web, is_whole ? NULL : "its answer is cut off");
        return;
    }
    ASSERT(result.value.size <= sizeof web->held - web->held_size);
    mem_copy(web->held + web->held_size, result.value.data, result.value.size);
    web->held_size += (u32)result.value.size;
    web->paced_bytes += (u32)result.value.size;
    if (web->paced_bytes >= web->user.pace_bytes) {
        web->paced_bytes = 0;
        web->quiet_ns = web->node->now_ns + LOADER_WEB_QUIET_MS * NS_PER_MS;
    }
    if (take(web)) {
        read_send(web);
    }
}

static void read_send(struct web *web)
{
    struct tcp_read_call call = {web->socket, (u32)sizeof web->held - web->held_size};
    u8 body[TCP_READ_CALL_BYTES];
    web->stage = READS;
    ASSERT(call.max != 0); // the reader leaves less than a head
    size_t size = tcp_read_encode_call(body, sizeof body, &call);
    if (!call_send(&web->call, web->node->tcp, TCP_READ_ID, body, size, read_done)) {
        finish(web, "the machine does not read");
    }
}

// ---- the question

static void write_done(struct call *call, const struct rt_event *event)
{
    struct web *web = CONTAINER_OF(call, struct web, call);
    struct tcp_result_none_net_error result;
    if (event->error != 0 || tcp_write_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        finish(web, "the connection broke");
        return;
    }
    read_send(web);
}

static void connect_done(struct call *call, const struct rt_event *event)
{
    struct web *web = CONTAINER_OF(call, struct web, call);
    struct tcp_result_connection_net_error result;
    bool is_good =
        event->error == 0 && tcp_connect_decode_result(event->body, &result) == ERR_OK && result.ok;
    if (is_good) {
        web->socket = result.value.socket;
    }
    if (web->stage == IS_OVER) {
        socket_close(web); // too late
        return;
    }
    if (!is_good) {
        finish(web, "nobody answers there");
        return;
    }
    struct tcp_write_call write = {web->socket,
                                   span_of(web->request + HEAD_BYTES, web->request_size)};
    web->stage = WRITES;
    size_t size = tcp_write_encode_call(web->request, sizeof web->request, &write);
    ASSERT(size <= sizeof web->request);
    if (!call_send(&web->call, web->node->tcp, TCP_WRITE_ID, web->request, size, write_done)) {
        finish(web, "the machine does not write");
    }
}

// False: the machine does not.
static bool connect_send(struct web *web)
{
    struct tcp_connect_call call = {web->endpoint};
    u8 body[TCP_CONNECT_CALL_BYTES];
    size_t size = tcp_connect_encode_call(body, sizeof body, &call);
    web->stage = CONNECTS;
    return call_send(&web->call, web->node->tcp, TCP_CONNECT_ID, body, size, connect_done);
}

static void resolve_done(struct call *call, const struct rt_event *event)
{
    struct web *web = CONTAINER_OF(call, struct web, call);
    struct dns_result_list_net_address_net_error result;
    if (event->error != 0 || dns_resolve_decode_result(event->body, &result) != ERR_OK ||
        !result.ok || !dns_list_net_address_next(&result.value, &web->endpoint.address)) {
        finish(web, "its name is not known");
    } else if (!connect_send(web)) {
        finish(web, "the machine could not connect");
    }
}

static bool resolve_send(struct web *web, struct span name)
{
    struct dns_resolve_call call = {name};
    u8 body[WEB_ADDRESS_BYTES + HEAD_BYTES];
    size_t size = dns_resolve_encode_call(body, sizeof body, &call);
    ASSERT(size <= sizeof body);
    web->stage = RESOLVES;
    return call_send(&web->call, web->node->dns, DNS_RESOLVE_ID, body, size, resolve_done);
}

static struct net_address address_of(const struct web_address *server)
{
    struct net_address address = {.kind = NET_ADDRESS_IPV4};
    if (server->kind == WEB_HOST_IP4) {
        address.as.ipv4 = mem_load_u32(server->ip);
    } else {
        address.kind = NET_ADDRESS_IPV6;
        address.as.ipv6 =
            (struct net_ipv6){mem_load_u64(server->ip), mem_load_u64(server->ip + 8), 0};
    }
    return address;
}

static struct web **place_free(void)
{
    for (u32 i = 0; i < LOADER_WEBS; i++) {
        if (webs[i] == NULL) {
            return &webs[i];
        }
    }
    return NULL;
}

struct web *web_get(struct node *node, const struct web_address *server, struct span request,
                    const struct web_user *user)
{
    ASSERT(request.size <= ROUTING_REQUEST_BYTES);
    struct web **place = place_free();
    struct web *web = place == NULL ? NULL : memory_take(rt_memory(), sizeof *web);
    if (web == NULL) {
        return NULL;
    }
    mem_zero(web, sizeof *web);
    web->node = node;
    web->user = *user;
    web->until_ns = node->now_ns + LOADER_WEB_MS * NS_PER_MS;
    web->quiet_ns = node->now_ns + LOADER_WEB_QUIET_MS * NS_PER_MS;
    web->endpoint.port = server->port;
    mem_copy(web->request + HEAD_BYTES, request.data, request.size);
    web->request_size = (u32)request.size;
    http_response_reader_init(&web->reader);
    bool is_sent;
    if (server->kind == WEB_HOST_NAME) {
        is_sent = resolve_send(web, server->name);
    } else {
        web->endpoint.address = address_of(server);
        is_sent = connect_send(web);
    }
    if (!is_sent) {
        memory_give(rt_memory(), web, sizeof *web);
        return NULL;
    }
    *place = web;
    return web;
}

u64 webs_turn(struct node *node)
{
    u64 wake = UINT64_MAX;
    for (u32 i = 0; i < LOADER_WEBS; i++) {
        struct web *web = webs[i];
        if (web == NULL) {
            continue;
        }
        u64 at_ns = web->quiet_ns < web->until_ns ? web->quiet_ns : web->until_ns;
        if (web->stage != IS_OVER && at_ns <= node->now_ns) {
            finish(web, "it does not answer");
        }
        if (web->stage != IS_OVER) {
            wake = at_ns < wake ? at_ns : wake;
        } else if (!web->call.is_waiting) {
            memory_give(rt_memory(), web, sizeof *web);
            webs[i] = NULL;
        }
    }
    return wake;
}
