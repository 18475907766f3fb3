// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/sockets.h"

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/ahead.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/tcp.h"
#include "programs/wasi/wasi.h"

#define RIGHTS_COMMON                                                                              \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)
#define RIGHTS_CONNECTION                                                                          \
    (RIGHTS_COMMON | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE | WASI_RIGHT_SOCK_SHUTDOWN)

enum { RECV_PEEK = 1, RECV_WAITALL = 2, SHUT_READ = 1, SHUT_WRITE = 2 };

// ---- descriptors

// A descriptor for a socket of tcp.wit. False: no memory; the socket is closed.
static bool socket_make(u64 socket, enum descriptor_kind kind, struct descriptor *out)
{
    struct ahead *ahead = memory_take(rt_memory(), sizeof *ahead);
    if (ahead == NULL) {
        (void)socket_close(socket);
        return false;
    }
    mem_zero(ahead, sizeof *ahead);
    ahead->kind = kind == DESCRIPTOR_LISTENER ? AHEAD_LISTENER : AHEAD_SOCKET;
    ahead->socket = socket;
    u64 rights = kind == DESCRIPTOR_LISTENER ? RIGHTS_COMMON | WASI_RIGHT_SOCK_ACCEPT
                                             : (u64)RIGHTS_CONNECTION;
    *out = (struct descriptor){
        .kind = (u8)kind,
        .filetype = WASI_FILETYPE_SOCKET_STREAM,
        .opened = rights,
        .rights = rights,
        .inheriting = kind == DESCRIPTOR_LISTENER ? (u64)RIGHTS_CONNECTION : 0,
        .ahead = ahead,
    };
    return true;
}

i32 socket_release(struct descriptor *descriptor)
{
    struct ahead *ahead = descriptor->ahead;
    ahead_drop(ahead);
    i32 error = socket_close(ahead->socket);
    memory_give(rt_memory(), ahead, sizeof *ahead);
    return error;
}

static void no_listener(struct span at, const char *why)
{
    char line[128];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "wasi: no listener at ");
    text_printable(&text, at);
    text_string(&text, why);
    (void)rt_print_error(line);
}

static void listener_preopen(struct span at)
{
    u64 listener;
    struct descriptor descriptor;
    i32 error = socket_listen(at, &listener);
    if (error == WASI_OK) {
        bool is_made = socket_make(listener, DESCRIPTOR_LISTENER, &descriptor);
        if (is_made && !descriptor_preopen(&descriptor, at)) {
            (void)socket_release(&descriptor);
        }
        return;
    }
    no_listener(at, error == WASI_ACCES       ? ": not allowed\n"
                    : error == WASI_ADDRINUSE ? ": it is taken\n"
                    : error == WASI_INVAL     ? ": no address and port\n"
                                              : ": it failed\n");
}

// What the user's variable says; empty without one.
static struct span listens(void)
{
    return environment_value(SPAN_LITERAL("REDSHIRT_LISTEN"));
}

void listeners_preopen(void)
{
    struct span places = listens();
    for (u32 i = 0; places.size != 0; i++) {
        size_t size = 0;
        while (size < places.size && places.data[size] != ',') {
            size++;
        }
        struct span at = span_slice(places, 0, size);
        if (i == WASI_LISTENERS) {
            no_listener(at, ", nor behind it: too many\n");
            return;
        }
        listener_preopen(at);
        places = span_slice(places, size < places.size ? size + 1 : size, places.size);
    }
}

// Before the program begins: who connects must not depend on when it first looks.
__attribute__((export_name("_initialize"))) void wasi_initialize(void);

void wasi_initialize(void)
{
    if (listens().size != 0) {
        (void)descriptor_of(STREAM_COUNT);
    }
}

// ---- bytes

static bool blocks(const struct descriptor *socket)
{
    return (socket->flags & WASI_FDFLAG_NONBLOCK) == 0;
}

i32 socket_list_read(struct descriptor *socket, struct buffers list, u64 total, u32 *size)
{
    struct cursor cursor = {0};
    struct span bytes = {0};
    u32 max = total < CHUNK_BYTES ? (u32)total : CHUNK_BYTES;
    i32 error = max == 0 || socket->is_deaf
                    ? WASI_OK
                    : ahead_read(socket->ahead, max, blocks(socket), &bytes);
    *size = (u32)bytes.size;
    return error == WASI_OK ? buffers_scatter(list, &cursor, bytes) : error;
}

i32 socket_list_write(struct descriptor *socket, struct buffers list, u64 total, u32 *size)
{
    return buffers_send(list, total, socket->ahead->socket, socket_write, size);
}

// Until the list is full, or no more comes.
static i32 read_all(struct descriptor *socket, struct buffers list, u64 total, u32 *size)
{
    struct cursor cursor = {0};
    struct span bytes;
    i32 error = WASI_OK;
    *size = 0;
    do {
        u32 max = total - *size < CHUNK_BYTES ? (u32)(total - *size) : CHUNK_BYTES;
        bytes = (struct span){0};
        if (max != 0 && !socket->is_deaf) {
            error = ahead_read(socket->ahead, max, blocks(socket), &bytes);
        }
        if (error == WASI_OK) {
            error = buffers_scatter(list, &cursor, bytes);
        }
        *size += error == WASI_OK ? (u32)bytes.size : 0;
    } while (error == WASI_OK && bytes.size != 0);
    return *size != 0 ? WASI_OK : error;
}

static i32 read_peek(struct descriptor *socket, struct buffers list, u64 total, u32 *size)
{
    struct cursor cursor = {0};
    struct span bytes = {0};
    i32 error = socket->is_deaf ? WASI_OK : ahead_peek(socket->ahead, blocks(socket), &bytes);
    bytes = span_slice(bytes, 0, total < bytes.size ? (size_t)total : bytes.size);
    *size = (u32)bytes.size;
    return error == WASI_OK ? buffers_scatter(list, &cursor, bytes) : error;
}

// ---- the calls

// A connection or listener that may be used for `right`; else an errno in *error.
static struct descriptor *socket_with(u32 fd, enum descriptor_kind kind, u64 right, i32 *error)
{
    struct descriptor *socket = descriptor_of(fd);
    if (socket == NULL) {
        *error = WASI_BADF;
    } else if (socket->kind != DESCRIPTOR_SOCKET && socket->kind != DESCRIPTOR_LISTENER) {
        *error = WASI_NOTSOCK;
    } else if (socket->kind != kind) {
        *error = kind == DESCRIPTOR_LISTENER ? WASI_INVAL : WASI_NOTCONN;
    } else if ((socket->rights & right) == 0) {
        *error = WASI_NOTCAPABLE;
    } else {
        return socket;
    }
    return NULL;
}

WASI_EXPORT(sock_accept, u32 fd, u32 flags, u32 out)
{
    i32 error;
    u64 connection = 0;
    struct descriptor made;
    u32 number;
    struct descriptor *listener =
        socket_with(fd, DESCRIPTOR_LISTENER, WASI_RIGHT_SOCK_ACCEPT, &error);
    if (listener == NULL) {
        return error;
    }
    if ((flags & ~(u32)WASI_FDFLAG_NONBLOCK) != 0) {
        return WASI_INVAL;
    }
    if (!client_has(out, sizeof(u32))) {
        return WASI_FAULT;
    }
    u64 rights = listener->inheriting & (u64)RIGHTS_CONNECTION;
    error = ahead_accept(listener->ahead, blocks(listener), &connection);
    if (error != WASI_OK) {
        return error;
    }
    if (!socket_make(connection, DESCRIPTOR_SOCKET, &made)) {
        return WASI_NOMEM;
    }
    made.flags = (u16)flags;
    made.rights = rights;
    error = descriptor_make(&made, &number);
    if (error != WASI_OK) {
        (void)socket_release(&made);
        return error;
    }
    return client_store_u32(out, number);
}

WASI_EXPORT(sock_recv, u32 fd, u32 iovecs, u32 count, u32 flags, u32 size_at, u32 flags_at)
{
    static const u8 none[2];
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size;
    i32 error;
    struct descriptor *socket = socket_with(fd, DESCRIPTOR_SOCKET, WASI_RIGHT_FD_READ, &error);
    if (socket == NULL) {
        return error;
    }
    if ((flags & ~(u32)(RECV_PEEK | RECV_WAITALL)) != 0) {
        return WASI_INVAL;
    }
    error = buffers_check(list, &total);
    if (error == WASI_OK && (!client_has(size_at, sizeof(u32)) || !client_has(flags_at, 2))) {
        error = WASI_FAULT;
    }
    if (error != WASI_OK) {
        return error;
    }
    error = (flags & RECV_PEEK) != 0      ? read_peek(socket, list, total, &size)
            : (flags & RECV_WAITALL) != 0 ? read_all(socket, list, total, &size)
                                          : socket_list_read(socket, list, total, &size);
    if (error == WASI_OK && client_write(flags_at, none, sizeof none) != 0) {
        error = WASI_FAULT;
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

WASI_EXPORT(sock_send, u32 fd, u32 iovecs, u32 count, u32 flags, u32 size_at)
{
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size;
    i32 error;
    struct descriptor *socket = socket_with(fd, DESCRIPTOR_SOCKET, WASI_RIGHT_FD_WRITE, &error);
    if (socket == NULL) {
        return error;
    }
    if (flags != 0) {
        return WASI_INVAL; // none is defined
    }
    error = buffers_check(list, &total);
    if (error == WASI_OK && !client_has(size_at, sizeof(u32))) {
        error = WASI_FAULT;
    }
    if (error == WASI_OK) {
        error = socket_list_write(socket, list, total, &size);
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

WASI_EXPORT(sock_shutdown, u32 fd, u32 how)
{
    i32 error;
    struct descriptor *socket =
        socket_with(fd, DESCRIPTOR_SOCKET, WASI_RIGHT_SOCK_SHUTDOWN, &error);
    if (socket == NULL) {
        return error;
    }
    if (how == 0 || (how & ~(u32)(SHUT_READ | SHUT_WRITE)) != 0) {
        return WASI_INVAL;
    }
    socket->is_deaf |= (how & SHUT_READ) != 0;
    return (how & SHUT_WRITE) != 0 ? socket_shutdown(socket->ahead->socket) : WASI_OK;
}
