// SPDX-License-Identifier: GPL-3.0-or-later
// A peer made of lib/p2p, libsodium and sockets, for tests against other implementations.
//
//   peer [--late] listen            prints "listening ADDRESS", serves /echo/1.0.0 until stdin ends
//   peer [--late] dial ADDRESS      identifies, pings and echoes; prints "ok WHAT" for each; leaves
//                                   with 0 when all went well
//   --late   without naming the muxer in the handshake
//
// The address is of IPv4 and has a peer id.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_crypto.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    CHUNKS = 4096,
    STREAMS = 512,
    CONNECTIONS = 16,
    SOCKET_BYTES = 256 * 1024,
    PINGS = 3,
    MANY = 50, // streams at once
};

#define ECHO SPAN_LITERAL("/echo/1.0.0")
#define SECONDS_MAX 60

struct link {
    int fd; // -1: free
    bool is_peer_done;
    struct p2p_connection connection;
    size_t in_size, out_start, out_size;
    u8 in[SOCKET_BYTES];
    u8 out[SOCKET_BYTES];
};

struct ask {
    struct p2p_stream *stream;
    size_t size, written, heard;
};

static struct p2p_dice dice;
static struct p2p_crypto crypto;
static struct p2p_host host;
static struct p2p_chunk chunks[CHUNKS];
static struct p2p_stream streams[STREAMS];
static struct link links[CONNECTIONS];
static const struct span protocols[] = {{(const u8 *)"/echo/1.0.0", 11}};
static struct multiaddr listen_address;
static bool is_dialler;

// What a dialler does, one after another.
static struct {
    u32 stage;
    u32 pongs;
    u32 left;
    struct ask asks[MANY];
} plan;
static const size_t sizes[] = {0, 1, 32, 65535, 262144, 262145, 5000001};

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static u64 now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static void say(const char *word, const char *more)
{
    printf("%s %s\n", word, more);
    fflush(stdout);
}

// ---- echo. tests/unit/test_p2p_connection.c asks and checks in the same way: there a wrong byte
// fails a test of cmocka, here it ends the process with a line for whoever drives the two peers.

static void serve(struct p2p_stream *stream)
{
    struct span front;
    while ((front = p2p_stream_front(stream)).size != 0) {
        size_t done = p2p_stream_write(stream, front);
        p2p_stream_skip(stream, done);
        if (done < front.size && !p2p_stream_is_failed(stream)) {
            return;
        }
    }
    if (p2p_stream_is_ended(stream) || p2p_stream_is_failed(stream)) {
        p2p_stream_close(stream);
    }
}

static u8 byte_at(const struct ask *ask, size_t at)
{
    return (u8)(at * 31 + (at >> 9) + ask->size);
}

static void ask_write(struct ask *ask)
{
    u8 bytes[4096];
    while (ask->written < ask->size) {
        size_t size = ask->size - ask->written;
        size = size < sizeof bytes ? size : sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = byte_at(ask, ask->written + i);
        }
        size_t done = p2p_stream_write(ask->stream, span_of(bytes, size));
        ask->written += done;
        if (done < size) {
            return;
        }
    }
    p2p_stream_finish(ask->stream);
}

static void ask_read(struct ask *ask)
{
    struct span front;
    while ((front = p2p_stream_front(ask->stream)).size != 0) {
        for (size_t i = 0; i < front.size; i++) {
            if (front.data[i] != byte_at(ask, ask->heard + i)) {
                say("fail", "an echo brings other bytes");
                exit(1);
            }
        }
        ask->heard += front.size;
        p2p_stream_skip(ask->stream, front.size);
    }
}

static void ask_start(struct link *link, struct ask *ask, size_t size)
{
    struct report report = {0};
    *ask = (struct ask){.size = size};
    if (p2p_stream_open(&link->connection, ECHO, &ask->stream, &report) != ERR_OK) {
        say("fail", report.text);
        exit(1);
    }
    ask->stream->context = ask;
    plan.left++;
    ask_write(ask);
}

static void plan_next(struct link *link)
{
    char text[64];
    if (plan.pongs < PINGS) {
        if (p2p_connection_ping(&link->connection, NULL) != ERR_OK) {
            say("fail", "no ping leaves");
            exit(1);
        }
        return;
    }
    if (plan.left > 0) {
        return;
    }
    if (plan.stage < COUNT_OF(sizes)) {
        if (plan.stage > 0) {
            snprintf(text, sizeof text, "echo %zu", sizes[plan.stage - 1]);
            say("ok", text);
        }
        ask_start(link, &plan.asks[0], sizes[plan.stage++]);
    } else if (plan.stage == COUNT_OF(sizes)) {
        snprintf(text, sizeof text, "echo %zu", sizes[plan.stage - 1]);
        say("ok", text);
        plan.stage++;
        for (u32 i = 0; i < MANY; i++) {
            ask_start(link, &plan.asks[i], (size_t)i * 3001);
        }
    } else {
        say("ok", "streams");
        p2p_connection_close(&link->connection, now_ns());
    }
}

static void ask_event(struct link *link, struct p2p_stream *stream)
{
    struct ask *ask = stream->context;
    ask_write(ask);
    ask_read(ask);
    if (p2p_stream_is_failed(stream) || p2p_stream_is_ended(stream)) {
        if (p2p_stream_is_failed(stream) || ask->heard != ask->size) {
            fprintf(stderr, "%s, %zu of %zu bytes\n", err_name(stream->failure), ask->heard,
                    ask->size);
            say("fail", "an echo ends early");
            exit(1);
        }
        p2p_stream_close(stream);
        plan.left--;
        plan_next(link);
    }
}

// ---- connections

static void tell_identity(struct link *link)
{
    const struct p2p_identity *identity = &link->connection.identity;
    char buffer[P2P_MULTIADDR_TEXT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "identify ");
    text_string(&text, identity->agent);
    text_string(&text, (identity->protocols >> P2P_SERVICE_PING & 1) != 0 ? " ping" : " no-ping");
    text_string(&text, (identity->protocols >> P2P_SERVICES & 1) != 0 ? " echo " : " no-echo ");
    multiaddr_write(&text, span_of(identity->observed, identity->observed_size));
    say("ok", buffer);
}

static void events(struct link *link)
{
    for (;;) {
        struct p2p_event event = p2p_connection_next(&link->connection);
        switch (event.kind) {
        case P2P_EVENT_NONE:
            return;
        case P2P_EVENT_OPENED:
            break;
        case P2P_EVENT_IDENTIFIED:
            tell_identity(link);
            if (is_dialler && plan.stage == 0) {
                plan_next(link);
            }
            break;
        case P2P_EVENT_PONG:
            if (link->connection.pong_ns == 0) {
                say("fail", "a ping has no answer");
                exit(1);
            }
            say("ok", "ping");
            plan.pongs++;
            plan_next(link);
            break;
        default:
            if (is_dialler) {
                ask_event(link, event.stream);
            } else {
                serve(event.stream);
            }
            break;
        }
    }
}

static void link_drop(struct link *link)
{
    p2p_connection_drop(&link->connection);
    for (size_t i = 0; i < STREAMS; i++) { // those that the connection left to us
        struct p2p_stream *stream = &streams[i];
        if (stream->is_announced && stream->connection == NULL && stream->yamux.pool != NULL &&
            !stream->yamux.is_released) {
            p2p_stream_close(stream);
        }
    }
    close(link->fd);
    link->fd = -1;
}

static void receive(struct link *link)
{
    struct report report = {0};
    size_t taken;
    enum err err = p2p_connection_receive(&link->connection, link->in, link->in_size, now_ns(),
                                          &taken, &report);
    memmove(link->in, link->in + taken, link->in_size - taken);
    link->in_size -= taken;
    if (err != ERR_OK && err != ERR_CLOSED) {
        say("fail", report.text);
    }
    events(link);
}

static void send_all(struct link *link)
{
    for (;;) {
        if (link->out_start == link->out_size) {
            link->out_start = 0;
            link->out_size =
                p2p_connection_send(&link->connection, link->out, sizeof link->out, now_ns());
            events(link);
        }
        if (link->out_size == 0) {
            return;
        }
        ssize_t done = send(link->fd, link->out + link->out_start, link->out_size - link->out_start,
                            MSG_NOSIGNAL);
        if (done < 0) {
            if (errno != EAGAIN) {
                link->is_peer_done = true;
            }
            return;
        }
        link->out_start += (size_t)done;
    }
}

// Reads, works and writes as far as the socket goes; drops what is over.
static void link_run(struct link *link, bool is_readable)
{
    if (is_readable) {
        ssize_t done = read(link->fd, link->in + link->in_size, sizeof link->in - link->in_size);
        if (done == 0 || (done < 0 && errno != EAGAIN)) {
            link->is_peer_done = true;
        }
        link->in_size += done > 0 ? (size_t)done : 0;
    }
    receive(link);
    send_all(link);
    if (link->connection.is_stalled) {
        receive(link);
    }
    if (p2p_connection_wake(&link->connection) <= now_ns()) {
        struct report report = {0};
        if (p2p_connection_tick(&link->connection, now_ns(), &report) != ERR_OK) {
            say("fail", report.text);
        }
    }
    if (p2p_connection_is_closed(&link->connection) || link->is_peer_done) {
        link_drop(link);
    }
}

static struct link *link_make(int fd, const struct peer_id *expected,
                              const struct sockaddr_in *from)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct link *link = &links[i];
        if (link->fd < 0) {
            struct multiaddr remote =
                multiaddr_of_tcp(span_of(&from->sin_addr, 4), ntohs(from->sin_port));
            fcntl(fd, F_SETFL, O_NONBLOCK);
            link->fd = fd;
            link->is_peer_done = false;
            link->in_size = link->out_start = link->out_size = 0;
            p2p_connection_init(&link->connection, &host, is_dialler, expected, &remote, now_ns());
            return link;
        }
    }
    close(fd);
    return NULL;
}

static u32 wait_links(int listener)
{
    struct pollfd polls[CONNECTIONS + 2];
    struct link *polled[CONNECTIONS];
    nfds_t count = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (links[i].fd >= 0) {
            struct link *link = &links[i];
            bool sends = link->out_start != link->out_size;
            bool reads = link->in_size < sizeof link->in && !link->connection.is_stalled;
            polled[count] = link;
            polls[count++] = (struct pollfd){
                .fd = link->fd, .events = (short)((reads ? POLLIN : 0) | (sends ? POLLOUT : 0))};
        }
    }
    nfds_t link_count = count;
    if (listener >= 0) {
        polls[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = 0, .events = POLLIN};
    }
    poll(polls, count, 100);
    for (nfds_t i = 0; i < link_count; i++) {
        link_run(polled[i], (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
    }
    if (listener >= 0 && (polls[link_count].revents & POLLIN) != 0) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        int fd = accept(listener, (struct sockaddr *)&from, &size);
        if (fd >= 0) {
            link_make(fd, NULL, &from);
        }
    }
    char byte;
    bool ends = listener >= 0 && (polls[link_count + 1].revents & (POLLIN | POLLHUP)) != 0 &&
                read(0, &byte, 1) <= 0;
    return ends ? 0 : (u32)link_count + 1;
}

// ---- the two commands

static int do_listen(int listener)
{
    char buffer[P2P_MULTIADDR_TEXT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    multiaddr_write(&text, span_of(listen_address.bytes, listen_address.size));
    text_string(&text, "/p2p/");
    peer_id_write(&text, &host.id);
    say("listening", buffer);
    while (wait_links(listener) != 0) {
    }
    return 0;
}

static int do_dial(const char *address)
{
    struct report report = {0};
    struct multiaddr parsed;
    struct multiaddr_target target;
    enum err err = multiaddr_parse(span_string(address), &parsed, &report);
    if (err == ERR_OK) {
        err = multiaddr_target(span_of(parsed.bytes, parsed.size), &target, &report);
    }
    if (err != ERR_OK || target.kind != MULTIADDR_HOST_IP4 || !target.has_peer) {
        say("fail", err != ERR_OK ? report.text : "not an address of IPv4 and a peer");
        return 2;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(target.port)};
    memcpy(&to.sin_addr, target.host.data, 4);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        say("fail", strerror(errno));
        return 2;
    }
    struct link *link = link_make(fd, &target.peer, &to);
    ASSERT(link != NULL);
    u64 end_ns = now_ns() + (u64)SECONDS_MAX * 1000000000;
    link_run(link, false);
    while (link->fd >= 0 && now_ns() < end_ns) {
        wait_links(-1);
    }
    return plan.stage == COUNT_OF(sizes) + 1 && plan.left == 0 ? 0 : 1;
}

static int host_start(bool is_late)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0) {
        say("fail", strerror(errno));
        exit(2);
    }
    listen_address = multiaddr_of_tcp(span_of(&at.sin_addr, 4), ntohs(at.sin_port));
    struct p2p_host_config config = {.crypto = &crypto,
                                     .protocols = protocols,
                                     .protocol_count = COUNT_OF(protocols),
                                     .agent = SPAN_LITERAL("redshirt-peer/1"),
                                     .addresses = &listen_address,
                                     .address_count = is_dialler ? 0 : 1,
                                     .has_early_muxer = !is_late,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = chunks,
                                     .chunk_count = CHUNKS,
                                     .streams = streams,
                                     .stream_count = STREAMS};
    bool random = getrandom(&dice.state, sizeof dice.state, 0) == sizeof dice.state &&
                  getrandom(config.seed, sizeof config.seed, 0) == sizeof config.seed;
    ASSERT(random);
    crypto = p2p_crypto_sodium(&dice);
    ASSERT(p2p_host_init(&host, &config, NULL) == ERR_OK);
    return listener;
}

int main(int argc, char **argv)
{
    bool is_late = argc > 1 && strcmp(argv[1], "--late") == 0;
    argc -= is_late;
    argv += is_late;
    is_dialler = argc == 3 && strcmp(argv[1], "dial") == 0;
    if (!is_dialler && (argc != 2 || strcmp(argv[1], "listen") != 0)) {
        fprintf(stderr, "usage: peer [--late] listen | dial ADDRESS\n");
        return 2;
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        links[i].fd = -1;
    }
    int listener = host_start(is_late);
    int status = is_dialler ? do_dial(argv[2]) : do_listen(listener);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (links[i].fd >= 0) {
            link_drop(&links[i]);
        }
    }
    p2p_host_drop(&host); // also checks that all was given back
    close(listener);
    return status;
}
