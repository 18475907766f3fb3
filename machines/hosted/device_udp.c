// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/udp, on libuv. Datagrams that nobody waits for stay in the host's socket
// buffer, which is the limit that udp.wit speaks of; one to be sent lies in the message's body
// until the host takes it.
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/udp.h"
#include "machines/hosted/allow.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/net.h"

// Of a datagram's answer, before its bytes: that it is one, where from, and the count.
enum { PREFIX_BYTES = 1 + NET_ENDPOINT_BYTES + 4 };

struct udp {
    struct hosted_device device;
    struct calls calls;
    struct allow_table allowed;
};

struct socket {
    uv_udp_t handle;
    struct thing thing;
    struct udp *udp;
    bool is_watched;
    bool is_closing;
    bool hears_all;    // else those alone that it may send to
    struct list queue; // receives, in order
};

struct udp_call {
    struct call call;
    struct socket *socket;
    bool is_send;
    uv_udp_send_t request;
};

// ---- answers

static void answer_done(struct udp *udp, u64 message, bool ok, enum net_error error)
{
    u8 body[UDP_SEND_RESULT_BYTES];
    struct udp_result_none_net_error result = {.ok = ok, .error = error};
    size_t size = udp_send_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&udp->device, message, span_of(body, size));
}

static void answer_receive_error(struct udp *udp, u64 message, enum net_error error)
{
    u8 body[16];
    struct udp_result_datagram_net_error result = {.error = error};
    size_t size = udp_receive_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&udp->device, message, span_of(body, size));
}

// The datagram's bytes lie in the loop's scratch from PREFIX_BYTES on; what is before them is
// written here.
static void answer_datagram(struct udp *udp, u64 message, const struct net_endpoint *from, u32 size)
{
    u8 prefix[PREFIX_BYTES];
    struct udp_result_datagram_net_error result = {.ok = true};
    result.value.from = *from;
    size_t used = udp_receive_encode_result(prefix, sizeof prefix, &result);
    ASSERT(used <= sizeof prefix);
    mem_store_u32(prefix + used - sizeof size, size); // it ends with the count, 0 so far
    u8 *body = udp->device.loop->scratch + PREFIX_BYTES - used;
    mem_copy(body, prefix, used);
    hosted_answer(&udp->device, message, span_of(body, used + size));
}

// ---- calls and sockets

static struct udp_call *call_begin(struct udp *udp, const struct interface_message *message,
                                   struct socket *socket, bool is_send)
{
    struct udp_call *call = malloc(sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    if (calls_begin(&udp->calls, &call->call, message->client, message->id) != ERR_OK) {
        free(call);
        return NULL;
    }
    call->socket = socket;
    call->is_send = is_send;
    return call;
}

static u64 call_end(struct udp *udp, struct udp_call *call)
{
    u64 message = call->call.message;
    calls_end(&udp->calls, &call->call);
    free(call);
    return message;
}

static struct udp_call *queue_first(struct socket *socket)
{
    struct list_node *node = list_first(&socket->queue);
    return node == NULL
               ? NULL
               : CONTAINER_OF(LIST_ITEM(node, struct call, of_queue), struct udp_call, call);
}

static struct socket *socket_of(struct thing *thing)
{
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct socket, thing);
}

static void socket_closed(uv_handle_t *handle)
{
    struct socket *socket = handle->data;
    free(socket);
}

static void socket_close(struct socket *socket)
{
    ASSERT(!socket->is_closing);
    struct udp *udp = socket->udp;
    socket->is_closing = true;
    struct udp_call *call;
    while ((call = queue_first(socket)) != NULL) {
        answer_receive_error(udp, call_end(udp, call), NET_ERROR_CLOSED);
    }
    things_end(&udp->calls, &socket->thing);
    uv_close((uv_handle_t *)&socket->handle, socket_closed);
}

static struct socket *socket_make(struct udp *udp, u64 client)
{
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    if (things_begin(&udp->calls, &socket->thing, client) != ERR_OK) {
        free(socket);
        return NULL;
    }
    socket->udp = udp;
    list_init(&socket->queue);
    int failed = uv_udp_init(&udp->device.loop->uv, &socket->handle);
    ASSERT(failed == 0); // it takes nothing from the host yet
    socket->handle.data = socket;
    return socket;
}

// ---- open

static int socket_open(struct socket *socket, const struct net_endpoint *at,
                       struct net_endpoint *local)
{
    struct sockaddr_storage address;
    hosted_address_from(at, &address);
    unsigned flags = address.ss_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0;
    int failed = uv_udp_bind(&socket->handle, (struct sockaddr *)&address, flags);
    int size = sizeof address;
    if (failed == 0) {
        failed = uv_udp_getsockname(&socket->handle, (struct sockaddr *)&address, &size);
    }
    if (failed == 0 && !hosted_address_to((struct sockaddr *)&address, local)) {
        failed = UV_EAFNOSUPPORT;
    }
    return failed;
}

static const struct allow_client *allowed_to(struct udp *udp, u64 client)
{
    return allow_client(&udp->allowed, udp->device.kernel, client);
}

// On every network that lets us.
static int group_join(struct socket *socket, const struct sockaddr_storage *group)
{
    char name[INET_ADDRSTRLEN], local[INET_ADDRSTRLEN];
    uv_interface_address_t *networks;
    int count;
    int joined = UV_ENODEV;
    if (uv_ip4_name((const struct sockaddr_in *)group, name, sizeof name) != 0 ||
        uv_interface_addresses(&networks, &count) != 0) {
        return UV_ENODEV;
    }
    for (int i = 0; i < count; i++) {
        if (networks[i].address.address4.sin_family == AF_INET &&
            uv_ip4_name(&networks[i].address.address4, local, sizeof local) == 0 &&
            uv_udp_set_membership(&socket->handle, name, local, UV_JOIN_GROUP) == 0) {
            joined = 0;
        }
    }
    uv_free_interface_addresses(networks, count);
    return joined;
}

static int socket_join(struct socket *socket, const struct net_endpoint *group,
                       struct net_endpoint *local)
{
    struct sockaddr_storage address;
    hosted_address_from(group, &address);
    if (address.ss_family != AF_INET ||
        !IN_MULTICAST(ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr))) {
        return UV_EINVAL;
    }
    struct sockaddr_in all = {.sin_family = AF_INET,
                              .sin_port = ((struct sockaddr_in *)&address)->sin_port};
    int failed = uv_udp_bind(&socket->handle, (struct sockaddr *)&all, UV_UDP_REUSEADDR);
    if (failed == 0) {
        failed = group_join(socket, &address);
    }
    if (failed == 0) {
        failed = uv_udp_set_multicast_ttl(&socket->handle, 1);
    }
    *local = *group;
    return failed;
}

static void answer_open(struct udp *udp, u64 message,
                        const struct udp_result_socket_net_error *result)
{
    u8 body[UDP_OPEN_RESULT_BYTES];
    size_t size = udp_open_encode_result(body, sizeof body, result); // join's look the same
    ASSERT(size <= sizeof body);
    hosted_answer(&udp->device, message, span_of(body, size));
}

static void socket_answer(struct udp *udp, const struct interface_message *message,
                          const struct net_endpoint *at,
                          int (*make)(struct socket *socket, const struct net_endpoint *at,
                                      struct net_endpoint *local))
{
    if (message->id == 0) {
        return; // nobody would learn of the socket
    }
    const struct allow_client *client = allowed_to(udp, message->client);
    bool is_allowed = allow_client_open(client, at);
    struct udp_result_socket_net_error result = {.error = is_allowed ? NET_ERROR_LIMIT
                                                                     : NET_ERROR_DENIED};
    struct socket *socket = is_allowed ? socket_make(udp, message->client) : NULL;
    if (socket != NULL) {
        socket->hears_all = allow_client_listen(client, at);
        struct net_endpoint local;
        int failed = make(socket, at, &local);
        if (failed == 0) {
            result.ok = true;
            result.value = (struct udp_socket){socket->thing.node.key, local};
        } else {
            socket_close(socket);
            result.error = hosted_net_error(failed);
        }
    }
    answer_open(udp, message->id, &result);
}

static void do_join(void *context, const struct interface_message *message,
                    const struct udp_join_call *arguments)
{
    socket_answer(context, message, &arguments->group, socket_join);
}

static void do_open(void *context, const struct interface_message *message,
                    const struct udp_open_call *arguments)
{
    socket_answer(context, message, &arguments->at, socket_open);
}

// ---- send

static void sent(uv_udp_send_t *request, int status)
{
    struct udp_call *call = CONTAINER_OF(request, struct udp_call, request);
    struct udp *udp = call->socket->udp;
    u64 message = call_end(udp, call);
    answer_done(udp, message, status == 0, status == 0 ? 0 : hosted_net_error(status));
}

static void do_send(void *context, const struct interface_message *message,
                    const struct udp_send_call *arguments)
{
    struct udp *udp = context;
    struct socket *socket = socket_of(things_find(&udp->calls, message->client, arguments->socket));
    struct span bytes = arguments->bytes;
    if (socket == NULL || bytes.size > HOSTED_IO_BYTES) {
        answer_done(udp, message->id, false,
                    socket == NULL ? NET_ERROR_NOT_FOUND : NET_ERROR_INVALID);
        return;
    }
    if (!allow_client_connect(allowed_to(udp, message->client), &arguments->to)) {
        answer_done(udp, message->id, false, NET_ERROR_DENIED);
        return;
    }
    struct sockaddr_storage to;
    hosted_address_from(&arguments->to, &to);
    static char nothing[1];
    uv_buf_t buffer =
        uv_buf_init(bytes.size == 0 ? nothing : (char *)bytes.data, (unsigned)bytes.size);
    int failed = uv_udp_try_send(&socket->handle, &buffer, 1, (struct sockaddr *)&to);
    if (failed >= 0 || failed != UV_EAGAIN) {
        answer_done(udp, message->id, failed >= 0, failed >= 0 ? 0 : hosted_net_error(failed));
        return;
    }
    if (message->id == 0) {
        return; // a datagram may get lost, and nobody waits for this one
    }
    struct udp_call *call = call_begin(udp, message, socket, true);
    if (call == NULL) {
        answer_done(udp, message->id, false, NET_ERROR_LIMIT);
        return;
    }
    failed = uv_udp_send(&call->request, &socket->handle, &buffer, 1, (struct sockaddr *)&to, sent);
    if (failed != 0) {
        answer_done(udp, call_end(udp, call), false, hosted_net_error(failed));
    }
}

// ---- receive

static void receive_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct socket *socket = handle->data;
    hosted_loop_awake(socket->udp->device.loop);
    // No room makes libuv say ENOBUFS, and the datagram stays with the host.
    u32 size = queue_first(socket) == NULL ? 0 : HOSTED_IO_BYTES;
    *out = uv_buf_init((char *)socket->udp->device.loop->scratch + PREFIX_BYTES, size);
}

static void watch_stop(struct socket *socket)
{
    if (socket->is_watched) {
        socket->is_watched = false;
        int failed = uv_udp_recv_stop(&socket->handle);
        ASSERT(failed == 0);
    }
}

static bool may_hear(const struct socket *socket, const struct net_endpoint *from)
{
    return socket->hears_all ||
           allow_client_connect(allowed_to(socket->udp, socket->thing.client->node.key), from);
}

static void received(uv_udp_t *handle, ssize_t size, const uv_buf_t *buffer,
                     const struct sockaddr *from, unsigned flags)
{
    (void)buffer;
    (void)flags;
    struct socket *socket = handle->data;
    struct udp_call *call = queue_first(socket);
    if (call == NULL) {
        watch_stop(socket);
        return;
    }
    struct net_endpoint endpoint;
    if (size >= 0 && from != NULL && hosted_address_to(from, &endpoint)) {
        if (!may_hear(socket, &endpoint)) {
            return; // the next one, please
        }
        u64 message = call_end(socket->udp, call);
        answer_datagram(socket->udp, message, &endpoint, (u32)size);
    } else if (size < 0) {
        u64 message = call_end(socket->udp, call);
        answer_receive_error(socket->udp, message, hosted_net_error((int)size));
    }
}

static void do_receive(void *context, const struct interface_message *message,
                       const struct udp_receive_call *arguments)
{
    struct udp *udp = context;
    if (message->id == 0) {
        return; // the datagram would be lost
    }
    struct socket *socket = socket_of(things_find(&udp->calls, message->client, arguments->socket));
    if (socket == NULL) {
        answer_receive_error(udp, message->id, NET_ERROR_NOT_FOUND);
        return;
    }
    struct udp_call *call = call_begin(udp, message, socket, false);
    if (call == NULL) {
        answer_receive_error(udp, message->id, NET_ERROR_LIMIT);
        return;
    }
    list_append(&socket->queue, &call->call.of_queue);
    if (!socket->is_watched) {
        int failed = uv_udp_recv_start(&socket->handle, receive_buffer, received);
        socket->is_watched = failed == 0;
        if (failed != 0) {
            answer_receive_error(udp, call_end(udp, call), hosted_net_error(failed));
        }
    }
}

static void do_close(void *context, const struct interface_message *message,
                     const struct udp_close_call *arguments)
{
    struct udp *udp = context;
    struct socket *socket = socket_of(things_find(&udp->calls, message->client, arguments->socket));
    if (socket == NULL) {
        answer_done(udp, message->id, false, NET_ERROR_NOT_FOUND);
        return;
    }
    socket_close(socket);
    answer_done(udp, message->id, true, 0);
}

static const struct udp_handler handler = {
    .open = do_open, .join = do_join, .send = do_send, .receive = do_receive, .close = do_close};

// ---- events

static void udp_cancel(struct udp *udp, u64 message)
{
    struct call *found = calls_find(&udp->calls, message);
    struct udp_call *call = found == NULL ? NULL : CONTAINER_OF(found, struct udp_call, call);
    if (call != NULL && !call->is_send) {
        answer_receive_error(udp, call_end(udp, call), NET_ERROR_CLOSED);
    }
}

static void udp_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct udp *udp = CONTAINER_OF(device, struct udp, device);
    struct interface_message message = hosted_message(event);
    struct thing *thing;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, udp_dispatch(&handler, udp, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        while ((thing = things_of_client(&udp->calls, event->client)) != NULL) {
            socket_close(socket_of(thing));
        }
        allow_gone(&udp->allowed, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        udp_cancel(udp, event->id);
        return;
    }
}

static void udp_stop(struct hosted_device *device)
{
    struct udp *udp = CONTAINER_OF(device, struct udp, device);
    struct thing *thing;
    while ((thing = things_first(&udp->calls)) != NULL) {
        socket_close(socket_of(thing));
    }
}

static void udp_drop(struct hosted_device *device)
{
    struct udp *udp = CONTAINER_OF(device, struct udp, device);
    calls_drop(&udp->calls);
    allow_table_drop(&udp->allowed);
    free(udp);
}

enum err hosted_udp_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct udp *udp = calloc(1, sizeof *udp);
    if (udp == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = calls_init(&udp->calls, hosted_socket_limits(HOSTED_UDP_SHARE));
    if (err == ERR_OK) {
        udp->device =
            (struct hosted_device){.handle = udp_handle, .stop = udp_stop, .drop = udp_drop};
        err = hosted_device_add(loop, kernel, &udp_interface, &udp->device);
        if (err == ERR_OK) {
            return ERR_OK;
        }
        calls_drop(&udp->calls);
    }
    free(udp);
    return err;
}
