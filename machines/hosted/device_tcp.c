// SPDX-License-Identifier: GPL-3.0-or-later
// The device redshirt:io/tcp, on libuv.
//
// Nothing is buffered here. The host is asked for bytes only while a read waits, and for a
// connection only while an accept waits; a write lies in the message's own body until the host has
// taken all of it. So a slow program fills the host's socket buffers, and then its peer waits.
//
// A socket goes on being watched for a moment after its last read was answered: the next read
// mostly comes before the next bytes do, and stopping and starting costs two system calls. Bytes
// that come while no read waits stop it.
//
// A write that wants no answer is given to the host at once; when the host does not take all of it,
// the connection is closed, because a stream with a gap is worse than none.
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <uv.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/kernel/device.h"
#include "interfaces/tcp.h"
#include "machines/hosted/allow.h"
#include "machines/hosted/calls.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/net.h"

enum { READ_PREFIX_BYTES = 5 }; // of a read's answer, before the bytes themselves

struct tcp {
    struct hosted_device device;
    struct calls calls;
    struct allow_table allowed;
};

enum socket_state { CONNECTING, CONNECTED, LISTENING };

struct socket {
    uv_tcp_t handle;
    struct thing thing;
    struct tcp *tcp;
    enum socket_state state;
    bool is_watched;   // reading
    bool has_ended;    // the peer sends no more
    bool is_shut;      // we send no more
    bool has_waiting;  // listener: the host has a connection that nobody accepted yet
    bool is_closing;   //
    int failure;       // libuv's error that ended reading, or 0
    struct list queue; // reads or accepts, in order
};

enum tcp_call_kind { CALL_CONNECT, CALL_ACCEPT, CALL_READ, CALL_WRITE, CALL_SHUTDOWN };

struct tcp_call {
    struct call call;
    enum tcp_call_kind kind;
    struct socket *socket;
    u32 max; // CALL_READ
    union {
        uv_connect_t connect;
        uv_write_t write;
        uv_shutdown_t shutdown;
    } request;
};

// ---- answers

static void answer_connection(struct tcp *tcp, u64 message,
                              const struct tcp_result_connection_net_error *result)
{
    u8 body[TCP_ACCEPT_RESULT_BYTES];
    size_t size = tcp_accept_encode_result(body, sizeof body, result);
    ASSERT(size <= sizeof body);
    hosted_answer(&tcp->device, message, span_of(body, size));
}

static void answer_connection_error(struct tcp *tcp, u64 message, enum net_error error)
{
    answer_connection(tcp, message, &(struct tcp_result_connection_net_error){.error = error});
}

static void answer_listen_error(struct tcp *tcp, u64 message, enum net_error error)
{
    u8 body[TCP_LISTEN_RESULT_BYTES];
    size_t size = tcp_listen_encode_result(body, sizeof body,
                                           &(struct tcp_result_listener_net_error){.error = error});
    hosted_answer(&tcp->device, message, span_of(body, size));
}

// To write, shutdown and close, whose results look the same.
static void answer_done(struct tcp *tcp, u64 message, bool ok, enum net_error error)
{
    u8 body[TCP_WRITE_RESULT_BYTES];
    struct tcp_result_none_net_error result = {.ok = ok, .error = error};
    size_t size = tcp_write_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&tcp->device, message, span_of(body, size));
}

static void answer_read_error(struct tcp *tcp, u64 message, enum net_error error)
{
    u8 body[16];
    struct tcp_result_bytes_net_error result = {.ok = false, .error = error};
    size_t size = tcp_read_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&tcp->device, message, span_of(body, size));
}

// `size` bytes lie in the loop's scratch, READ_PREFIX_BYTES from its start: what is before them is
// written here, so that they are copied once only, into the kernel.
static void answer_read(struct tcp *tcp, u64 message, u32 size)
{
    u8 *body = tcp->device.loop->scratch;
    struct wire_writer out = wire_writer_over(body, READ_PREFIX_BYTES);
    wire_write_bool(&out, false); // not an error
    wire_write_u32(&out, size);
    ASSERT(out.size == READ_PREFIX_BYTES);
    hosted_answer(&tcp->device, message, span_of(body, READ_PREFIX_BYTES + size));
}

// ---- calls

static struct tcp_call *call_of(struct call *call)
{
    return CONTAINER_OF(call, struct tcp_call, call);
}

// NULL: the client has too many under way.
static struct tcp_call *call_begin(struct tcp *tcp, const struct interface_message *message,
                                   enum tcp_call_kind kind, struct socket *socket)
{
    struct tcp_call *call = malloc(sizeof *call);
    if (call == NULL) {
        return NULL;
    }
    if (calls_begin(&tcp->calls, &call->call, message->client, message->id) != ERR_OK) {
        free(call);
        return NULL;
    }
    call->kind = kind;
    call->socket = socket;
    return call;
}

// Forgets a call that is being answered; returns its message.
static u64 call_end(struct tcp *tcp, struct tcp_call *call)
{
    u64 message = call->call.message;
    calls_end(&tcp->calls, &call->call);
    free(call);
    return message;
}

static void call_fail(struct tcp *tcp, struct tcp_call *call, enum net_error error)
{
    enum tcp_call_kind kind = call->kind;
    u64 message = call_end(tcp, call);
    switch (kind) {
    case CALL_CONNECT:
    case CALL_ACCEPT:
        answer_connection_error(tcp, message, error);
        return;
    case CALL_READ:
        answer_read_error(tcp, message, error);
        return;
    case CALL_WRITE:
    case CALL_SHUTDOWN:
        answer_done(tcp, message, false, error);
        return;
    }
}

static struct tcp_call *queue_first(struct socket *socket)
{
    struct list_node *node = list_first(&socket->queue);
    return node == NULL ? NULL : call_of(LIST_ITEM(node, struct call, of_queue));
}

// ---- sockets

static struct socket *socket_of(struct thing *thing)
{
    return thing == NULL ? NULL : CONTAINER_OF(thing, struct socket, thing);
}

// A socket of the client in one of the states that the call can be made in, or NULL.
static struct socket *socket_find(struct tcp *tcp, const struct interface_message *message, u64 id)
{
    return socket_of(things_find(&tcp->calls, message->client, id));
}

static void socket_closed(uv_handle_t *handle)
{
    struct socket *socket = handle->data;
    free(socket);
}

// Ends every call that waits, and the socket. Writes that the host still holds end in their own
// callback.
static void socket_close(struct socket *socket)
{
    ASSERT(!socket->is_closing);
    struct tcp *tcp = socket->tcp;
    socket->is_closing = true;
    struct tcp_call *call;
    while ((call = queue_first(socket)) != NULL) {
        call_fail(tcp, call, NET_ERROR_CLOSED);
    }
    things_end(&tcp->calls, &socket->thing);
    uv_close((uv_handle_t *)&socket->handle, socket_closed);
}

static struct socket *socket_make(struct tcp *tcp, u64 client, enum net_error *error)
{
    *error = NET_ERROR_LIMIT;
    struct socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL) {
        return NULL;
    }
    if (things_begin(&tcp->calls, &socket->thing, client) != ERR_OK) {
        free(socket);
        return NULL;
    }
    socket->tcp = tcp;
    list_init(&socket->queue);
    int failed = uv_tcp_init(&tcp->device.loop->uv, &socket->handle);
    ASSERT(failed == 0); // it takes nothing from the host yet
    socket->handle.data = socket;
    return socket;
}

static int socket_names(struct socket *socket, struct net_endpoint *local,
                        struct net_endpoint *peer)
{
    struct sockaddr_storage address;
    int size = sizeof address;
    int failed = uv_tcp_getsockname(&socket->handle, (struct sockaddr *)&address, &size);
    if (failed == 0 && !hosted_address_to((struct sockaddr *)&address, local)) {
        failed = UV_EAFNOSUPPORT;
    }
    if (failed == 0 && peer != NULL) {
        size = sizeof address;
        failed = uv_tcp_getpeername(&socket->handle, (struct sockaddr *)&address, &size);
        if (failed == 0 && !hosted_address_to((struct sockaddr *)&address, peer)) {
            failed = UV_EAFNOSUPPORT;
        }
    }
    return failed;
}

// A connection has been made: tells its client. False: it is gone already, and closed here.
static bool socket_connected(struct socket *socket, u64 message, int *failure)
{
    struct tcp_result_connection_net_error result = {.ok = true};
    result.value.socket = socket->thing.node.key;
    *failure = socket_names(socket, &result.value.local, &result.value.peer);
    if (*failure != 0) {
        socket_close(socket);
        return false;
    }
    // Programs write whole messages; waiting for more of them only delays them.
    (void)uv_tcp_nodelay(&socket->handle, 1);
    socket->state = CONNECTED;
    answer_connection(socket->tcp, message, &result);
    return true;
}

// ---- connect, listen, accept

static void connected(uv_connect_t *request, int status)
{
    struct tcp_call *call = CONTAINER_OF(request, struct tcp_call, request.connect);
    struct socket *socket = call->socket;
    struct tcp *tcp = socket->tcp;
    if (socket->is_closing) {
        call_fail(tcp, call, NET_ERROR_CLOSED);
        return;
    }
    int failure = status;
    if (status == 0) {
        u64 message = call->call.message;
        if (socket_connected(socket, message, &failure)) {
            (void)call_end(tcp, call);
            return;
        }
    } else {
        socket_close(socket);
    }
    call_fail(tcp, call, hosted_net_error(failure));
}

static void do_connect(void *context, const struct interface_message *message,
                       const struct tcp_connect_call *arguments)
{
    struct tcp *tcp = context;
    if (message->id == 0) {
        return; // nobody would learn of the socket
    }
    if (!allow_client_connect(allow_client(&tcp->allowed, tcp->device.kernel, message->client),
                              &arguments->to)) {
        answer_connection_error(tcp, message->id, NET_ERROR_DENIED);
        return;
    }
    enum net_error error;
    struct socket *socket = socket_make(tcp, message->client, &error);
    if (socket == NULL) {
        answer_connection_error(tcp, message->id, error);
        return;
    }
    struct tcp_call *call = call_begin(tcp, message, CALL_CONNECT, socket);
    if (call == NULL) {
        socket_close(socket);
        answer_connection_error(tcp, message->id, NET_ERROR_LIMIT);
        return;
    }
    struct sockaddr_storage address;
    hosted_address_from(&arguments->to, &address);
    int failed = uv_tcp_connect(&call->request.connect, &socket->handle,
                                (struct sockaddr *)&address, connected);
    if (failed != 0) {
        socket_close(socket);
        call_fail(tcp, call, hosted_net_error(failed));
    }
}

// Takes one connection from the host for one accept. False: the host had none after all.
static bool accept_one(struct socket *listener, struct tcp_call *call)
{
    struct tcp *tcp = listener->tcp;
    enum net_error error;
    struct socket *socket = socket_make(tcp, call->call.client->node.key, &error);
    if (socket == NULL) {
        call_fail(tcp, call, error); // the connection stays with the host
        return true;
    }
    int failed = uv_accept((uv_stream_t *)&listener->handle, (uv_stream_t *)&socket->handle);
    listener->has_waiting = false;
    if (failed != 0) {
        socket_close(socket);
        return false;
    }
    int failure;
    if (!socket_connected(socket, call->call.message, &failure)) {
        return false; // its peer is gone already: the next one, please
    }
    (void)call_end(tcp, call);
    return true;
}

static void connection_came(uv_stream_t *stream, int status)
{
    struct socket *listener = stream->data;
    hosted_loop_awake(listener->tcp->device.loop);
    if (status != 0 || listener->is_closing) {
        return; // the host could not take it in; libuv goes on listening
    }
    listener->has_waiting = true;
    struct tcp_call *call = queue_first(listener);
    if (call != NULL) {
        (void)accept_one(listener, call);
    }
}

static int socket_listen(struct socket *socket, const struct tcp_listen_call *arguments)
{
    struct sockaddr_storage address;
    hosted_address_from(&arguments->at, &address);
    unsigned flags = address.ss_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0;
    int failed = uv_tcp_bind(&socket->handle, (struct sockaddr *)&address, flags);
    u32 backlog = arguments->backlog == 0 || arguments->backlog > HOSTED_BACKLOG
                      ? HOSTED_BACKLOG
                      : arguments->backlog;
    if (failed == 0) {
        failed = uv_listen((uv_stream_t *)&socket->handle, (int)backlog, connection_came);
    }
    return failed;
}

static void do_listen(void *context, const struct interface_message *message,
                      const struct tcp_listen_call *arguments)
{
    struct tcp *tcp = context;
    if (message->id == 0) {
        return;
    }
    if (!allow_client_listen(allow_client(&tcp->allowed, tcp->device.kernel, message->client),
                             &arguments->at)) {
        answer_listen_error(tcp, message->id, NET_ERROR_DENIED);
        return;
    }
    enum net_error error;
    struct socket *socket = socket_make(tcp, message->client, &error);
    if (socket == NULL) {
        answer_listen_error(tcp, message->id, error);
        return;
    }
    struct tcp_result_listener_net_error result = {.ok = true};
    result.value.socket = socket->thing.node.key;
    int failed = socket_listen(socket, arguments);
    if (failed == 0) {
        failed = socket_names(socket, &result.value.local, NULL);
    }
    if (failed != 0) {
        socket_close(socket);
        answer_listen_error(tcp, message->id, hosted_net_error(failed));
        return;
    }
    socket->state = LISTENING;
    u8 body[TCP_LISTEN_RESULT_BYTES];
    size_t size = tcp_listen_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&tcp->device, message->id, span_of(body, size));
}

static void do_accept(void *context, const struct interface_message *message,
                      const struct tcp_accept_call *arguments)
{
    struct tcp *tcp = context;
    if (message->id == 0) {
        return;
    }
    struct socket *listener = socket_find(tcp, message, arguments->listener);
    if (listener == NULL || listener->state != LISTENING) {
        answer_connection_error(tcp, message->id,
                                listener == NULL ? NET_ERROR_NOT_FOUND : NET_ERROR_INVALID);
        return;
    }
    struct tcp_call *call = call_begin(tcp, message, CALL_ACCEPT, listener);
    if (call == NULL) {
        answer_connection_error(tcp, message->id, NET_ERROR_LIMIT);
        return;
    }
    bool is_first = queue_first(listener) == NULL;
    list_append(&listener->queue, &call->call.of_queue);
    if (is_first && listener->has_waiting) {
        (void)accept_one(listener, call);
    }
}

// ---- read

static void read_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct socket *socket = handle->data;
    hosted_loop_awake(socket->tcp->device.loop);
    struct tcp_call *call = queue_first(socket);
    u32 size = call == NULL ? 0 : call->max;
    // No room makes libuv say ENOBUFS, and the bytes stay with the host.
    *out = uv_buf_init((char *)socket->tcp->device.loop->scratch + READ_PREFIX_BYTES, size);
}

static void watch_stop(struct socket *socket)
{
    if (socket->is_watched) {
        socket->is_watched = false;
        int failed = uv_read_stop((uv_stream_t *)&socket->handle);
        ASSERT(failed == 0);
    }
}

// The stream has ended or failed: so do all reads that wait.
static void reads_end(struct socket *socket)
{
    struct tcp *tcp = socket->tcp;
    struct tcp_call *call;
    watch_stop(socket);
    while ((call = queue_first(socket)) != NULL) {
        u64 message = call_end(tcp, call);
        if (socket->failure != 0) {
            answer_read_error(tcp, message, hosted_net_error(socket->failure));
        } else {
            answer_read(tcp, message, 0);
        }
    }
}

static void read_came(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer;
    struct socket *socket = stream->data;
    struct tcp_call *call = queue_first(socket);
    if (size > 0) {
        ASSERT(call != NULL);
        u64 message = call_end(socket->tcp, call);
        answer_read(socket->tcp, message, (u32)size);
    } else if (size == UV_ENOBUFS && call == NULL) {
        watch_stop(socket);
    } else if (size < 0) {
        socket->has_ended = true;
        socket->failure = size == UV_EOF ? 0 : (int)size;
        reads_end(socket);
    }
}

// A connection of the client's to read from or write to; NULL: *error says why not.
static struct socket *connection_find(struct tcp *tcp, const struct interface_message *message,
                                      u64 id, enum net_error *error)
{
    struct socket *socket = socket_find(tcp, message, id);
    *error = socket == NULL ? NET_ERROR_NOT_FOUND : NET_ERROR_INVALID;
    return socket != NULL && socket->state == CONNECTED ? socket : NULL;
}

static void do_read(void *context, const struct interface_message *message,
                    const struct tcp_read_call *arguments)
{
    struct tcp *tcp = context;
    if (message->id == 0) {
        return; // the bytes would be lost
    }
    enum net_error error;
    struct socket *socket = connection_find(tcp, message, arguments->socket, &error);
    if (socket == NULL || arguments->max == 0) {
        answer_read_error(tcp, message->id, socket == NULL ? error : NET_ERROR_INVALID);
        return;
    }
    struct tcp_call *call = call_begin(tcp, message, CALL_READ, socket);
    if (call == NULL) {
        answer_read_error(tcp, message->id, NET_ERROR_LIMIT);
        return;
    }
    call->max = arguments->max < HOSTED_IO_BYTES ? arguments->max : HOSTED_IO_BYTES;
    list_append(&socket->queue, &call->call.of_queue);
    if (socket->has_ended) {
        reads_end(socket);
    } else if (!socket->is_watched) {
        socket->is_watched = true;
        int failed = uv_read_start((uv_stream_t *)&socket->handle, read_buffer, read_came);
        if (failed != 0) {
            socket->is_watched = false;
            socket->has_ended = true;
            socket->failure = failed;
            reads_end(socket);
        }
    }
}

// ---- write, shutdown, close

static void written(uv_write_t *request, int status)
{
    struct tcp_call *call = CONTAINER_OF(request, struct tcp_call, request.write);
    struct tcp *tcp = call->socket->tcp;
    if (status != 0) {
        call_fail(tcp, call, hosted_net_error(status));
        return;
    }
    answer_done(tcp, call_end(tcp, call), true, 0);
}

// The host took only part of it, or none: the rest waits in the message's body.
static void write_rest(struct tcp *tcp, struct socket *socket,
                       const struct interface_message *message, struct span rest)
{
    if (message->id == 0) {
        socket_close(socket);
        return;
    }
    struct tcp_call *call = call_begin(tcp, message, CALL_WRITE, socket);
    if (call == NULL) {
        // Part of it may be written: without the rest the stream is broken.
        socket_close(socket);
        answer_done(tcp, message->id, false, NET_ERROR_LIMIT);
        return;
    }
    uv_buf_t buffer = uv_buf_init((char *)rest.data, (unsigned)rest.size);
    int failed =
        uv_write(&call->request.write, (uv_stream_t *)&socket->handle, &buffer, 1, written);
    if (failed != 0) {
        call_fail(tcp, call, hosted_net_error(failed));
    }
}

static void do_write(void *context, const struct interface_message *message,
                     const struct tcp_write_call *arguments)
{
    struct tcp *tcp = context;
    enum net_error error;
    struct socket *socket = connection_find(tcp, message, arguments->socket, &error);
    struct span bytes = arguments->bytes;
    if (socket == NULL || bytes.size > HOSTED_IO_BYTES) {
        answer_done(tcp, message->id, false, socket == NULL ? error : NET_ERROR_INVALID);
        return;
    }
    if (socket->is_shut) {
        answer_done(tcp, message->id, false, NET_ERROR_CLOSED);
        return;
    }
    int taken = 0;
    if (bytes.size > 0) {
        uv_buf_t buffer = uv_buf_init((char *)bytes.data, (unsigned)bytes.size);
        taken = uv_try_write((uv_stream_t *)&socket->handle, &buffer, 1);
        taken = taken == UV_EAGAIN ? 0 : taken;
    }
    if (taken < 0) {
        answer_done(tcp, message->id, false, hosted_net_error(taken));
    } else if ((size_t)taken == bytes.size) {
        answer_done(tcp, message->id, true, 0);
    } else {
        write_rest(tcp, socket, message, span_slice(bytes, (size_t)taken, bytes.size));
    }
}

static void shut(uv_shutdown_t *request, int status)
{
    struct tcp_call *call = CONTAINER_OF(request, struct tcp_call, request.shutdown);
    struct tcp *tcp = call->socket->tcp;
    if (status != 0) {
        call_fail(tcp, call, hosted_net_error(status));
        return;
    }
    answer_done(tcp, call_end(tcp, call), true, 0);
}

static void shut_untold(uv_shutdown_t *request, int status)
{
    (void)status; // nobody asked
    free(request);
}

// Of a client that wants no answer: at most one for each socket.
static void shutdown_untold(struct socket *socket)
{
    uv_shutdown_t *request = malloc(sizeof *request);
    if (request == NULL) {
        socket_close(socket); // else the peer waits for an end that does not come
        return;
    }
    socket->is_shut = true;
    if (uv_shutdown(request, (uv_stream_t *)&socket->handle, shut_untold) != 0) {
        free(request);
    }
}

static void do_shutdown(void *context, const struct interface_message *message,
                        const struct tcp_shutdown_call *arguments)
{
    struct tcp *tcp = context;
    enum net_error error;
    struct socket *socket = connection_find(tcp, message, arguments->socket, &error);
    if (socket == NULL || socket->is_shut) {
        answer_done(tcp, message->id, false, socket == NULL ? error : NET_ERROR_CLOSED);
        return;
    }
    if (message->id == 0) {
        shutdown_untold(socket);
        return;
    }
    struct tcp_call *call = call_begin(tcp, message, CALL_SHUTDOWN, socket);
    if (call == NULL) {
        answer_done(tcp, message->id, false, NET_ERROR_LIMIT);
        return;
    }
    socket->is_shut = true;
    int failed = uv_shutdown(&call->request.shutdown, (uv_stream_t *)&socket->handle, shut);
    if (failed != 0) {
        call_fail(tcp, call, hosted_net_error(failed));
    }
}

static void do_close(void *context, const struct interface_message *message,
                     const struct tcp_close_call *arguments)
{
    struct tcp *tcp = context;
    struct socket *socket = socket_find(tcp, message, arguments->socket);
    if (socket == NULL) {
        answer_done(tcp, message->id, false, NET_ERROR_NOT_FOUND);
        return;
    }
    socket_close(socket);
    answer_done(tcp, message->id, true, 0);
}

static const struct tcp_handler handler = {
    .connect = do_connect,
    .listen = do_listen,
    .accept = do_accept,
    .read = do_read,
    .write = do_write,
    .shutdown = do_shutdown,
    .close = do_close,
};

// ---- events

// The client of a call wants it no more. Bytes and connections that have not come stay with the
// host.
static void tcp_cancel(struct tcp *tcp, u64 message)
{
    struct call *found = calls_find(&tcp->calls, message);
    struct tcp_call *call = found == NULL ? NULL : call_of(found);
    if (call == NULL || call->kind == CALL_WRITE || call->kind == CALL_SHUTDOWN) {
        return; // under way at the host, which cannot be asked back
    }
    if (call->kind == CALL_CONNECT) {
        if (!call->socket->is_closing) {
            socket_close(call->socket); // its callback answers
        }
        return;
    }
    call_fail(tcp, call, NET_ERROR_CLOSED);
}

static void tcp_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct tcp *tcp = CONTAINER_OF(device, struct tcp, device);
    struct interface_message message = hosted_message(event);
    struct thing *thing;
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, tcp_dispatch(&handler, tcp, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        while ((thing = things_of_client(&tcp->calls, event->client)) != NULL) {
            socket_close(socket_of(thing));
        }
        allow_gone(&tcp->allowed, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        tcp_cancel(tcp, event->id);
        return;
    }
}

static void tcp_stop(struct hosted_device *device)
{
    struct tcp *tcp = CONTAINER_OF(device, struct tcp, device);
    struct thing *thing;
    while ((thing = things_first(&tcp->calls)) != NULL) {
        socket_close(socket_of(thing));
    }
}

static void tcp_drop(struct hosted_device *device)
{
    struct tcp *tcp = CONTAINER_OF(device, struct tcp, device);
    calls_drop(&tcp->calls);
    allow_table_drop(&tcp->allowed);
    free(tcp);
}

enum err hosted_tcp_add(struct hosted_loop *loop, struct kernel *kernel)
{
    struct tcp *tcp = calloc(1, sizeof *tcp);
    if (tcp == NULL) {
        return ERR_NO_MEMORY;
    }
    enum err err = calls_init(&tcp->calls, hosted_socket_limits(HOSTED_TCP_SHARE));
    if (err == ERR_OK) {
        tcp->device =
            (struct hosted_device){.handle = tcp_handle, .stop = tcp_stop, .drop = tcp_drop};
        err = hosted_device_add(loop, kernel, &tcp_interface, &tcp->device);
        if (err == ERR_OK) {
            return ERR_OK;
        }
        calls_drop(&tcp->calls);
    }
    free(tcp);
    return err;
}
