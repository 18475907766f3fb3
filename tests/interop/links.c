// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/interop/links.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
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
    WAIT_MS = 100,
};

struct p2p_host links_host;
struct p2p_crypto links_crypto;

static struct p2p_dice dice;
static struct links_config config;
static struct p2p_chunk chunks[CHUNKS];
static struct p2p_stream streams[STREAMS];
static struct link links[LINKS];
static struct multiaddr listen_address;
static int listener = -1;

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

u64 now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

void say(const char *word, const char *more)
{
    printf("%s %s\n", word, more);
    fflush(stdout);
}

static void events(struct link *link)
{
    for (;;) {
        struct p2p_event event = p2p_connection_next(&link->connection);
        if (event.kind == P2P_EVENT_NONE) {
            return;
        }
        link->is_open |= event.kind == P2P_EVENT_OPENED;
        config.on_event(link, event);
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

static struct link *link_make(int fd, bool is_dialler, const struct peer_id *expected,
                              const struct sockaddr_in *from)
{
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &links[i];
        if (link->fd < 0) {
            struct multiaddr remote =
                multiaddr_of_tcp(span_of(&from->sin_addr, 4), ntohs(from->sin_port));
            fcntl(fd, F_SETFL, O_NONBLOCK);
            link->fd = fd;
            link->is_peer_done = false;
            link->is_open = false;
            link->in_size = link->out_start = link->out_size = 0;
            p2p_connection_init(&link->connection, &links_host, is_dialler, expected, &remote,
                                now_ns());
            return link;
        }
    }
    close(fd);
    return NULL;
}

static void accept_one(void)
{
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int fd = accept(listener, (struct sockaddr *)&from, &size);
    if (fd >= 0) {
        link_make(fd, false, NULL, &from);
    }
}

bool links_wait(void)
{
    struct pollfd polls[LINKS + 2];
    struct link *polled[LINKS];
    nfds_t count = 0;
    for (size_t i = 0; i < LINKS; i++) {
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
    if (config.listens) {
        polls[count++] = (struct pollfd){.fd = listener, .events = POLLIN};
        polls[count++] = (struct pollfd){.fd = 0, .events = POLLIN};
    }
    poll(polls, count, WAIT_MS);
    for (nfds_t i = 0; i < link_count; i++) {
        link_run(polled[i], (polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0);
    }
    if (!config.listens) {
        return true;
    }
    if ((polls[link_count].revents & POLLIN) != 0) {
        accept_one();
    }
    char byte;
    return (polls[link_count + 1].revents & (POLLIN | POLLHUP)) == 0 || read(0, &byte, 1) > 0;
}

struct link *links_find(const struct peer_id *peer)
{
    for (size_t i = 0; i < LINKS; i++) {
        struct link *link = &links[i];
        if (link->fd >= 0 &&
            peer_id_equal(link->is_open ? &link->connection.peer : &link->connection.expected,
                          peer)) {
            return link;
        }
    }
    return NULL;
}

struct link *links_dial(struct span address, const struct peer_id *peer, struct report *report)
{
    struct multiaddr_target target;
    if (multiaddr_target(address, &target, report) != ERR_OK) {
        return NULL;
    }
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(target.port)};
    if (target.kind != MULTIADDR_HOST_IP4) {
        (void)(report_err(report, ERR_UNSUPPORTED, 0, "not an address of IPv4") == ERR_OK);
        return NULL;
    }
    memcpy(&to.sin_addr, target.host.data, 4);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)(report_err(report, ERR_IO, 0, strerror(errno)) == ERR_OK);
        close(fd);
        return NULL;
    }
    struct link *link = link_make(fd, true, peer, &to);
    if (link != NULL) {
        link_run(link, false);
    }
    return link;
}

struct link *links_dial_text(const char *text, struct report *report)
{
    struct multiaddr address;
    struct multiaddr_target target;
    if (multiaddr_parse(span_string(text), &address, report) != ERR_OK ||
        multiaddr_target(span_of(address.bytes, address.size), &target, report) != ERR_OK) {
        return NULL;
    }
    if (!target.has_peer) {
        (void)(report_err(report, ERR_INVALID, 0, "not an address with a peer") == ERR_OK);
        return NULL;
    }
    return links_dial(span_of(address.bytes, address.size), &target.peer, report);
}

struct span links_listen_address(void)
{
    return span_of(listen_address.bytes, listen_address.size);
}

void links_address(char *out, size_t capacity)
{
    struct text text = text_over(out, capacity);
    multiaddr_write(&text, links_listen_address());
    text_string(&text, "/p2p/");
    peer_id_write(&text, &links_host.id);
}

void links_start(const struct links_config *wanted)
{
    config = *wanted;
    for (size_t i = 0; i < LINKS; i++) {
        links[i].fd = -1;
    }
    listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &size) != 0) {
        say("fail", strerror(errno));
        exit(2);
    }
    listen_address = multiaddr_of_tcp(span_of(&at.sin_addr, 4), ntohs(at.sin_port));
    struct p2p_host_config host = {.crypto = &links_crypto,
                                   .protocols = config.protocols,
                                   .protocol_count = config.protocol_count,
                                   .agent = SPAN_LITERAL("redshirt-peer/1"),
                                   .addresses = &listen_address,
                                   .address_count = config.listens,
                                   .has_early_muxer = !config.is_late,
                                   .window_bytes = P2P_WINDOW_BYTES,
                                   .chunks = chunks,
                                   .chunk_count = CHUNKS,
                                   .streams = streams,
                                   .stream_count = STREAMS};
    bool random = getrandom(&dice.state, sizeof dice.state, 0) == sizeof dice.state &&
                  getrandom(host.seed, sizeof host.seed, 0) == sizeof host.seed;
    ASSERT(random);
    links_crypto = p2p_crypto_sodium(&dice);
    ASSERT(p2p_host_init(&links_host, &host, NULL) == ERR_OK);
}

void links_stop(void)
{
    for (size_t i = 0; i < LINKS; i++) {
        if (links[i].fd >= 0) {
            link_drop(&links[i]);
        }
    }
    p2p_host_drop(&links_host);
    close(listener);
}
