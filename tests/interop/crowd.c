// SPDX-License-Identifier: GPL-3.0-or-later
// A crowd of peers that connect to one, identify themselves, answer its pings and want nothing:
// what does a node cost whom so many know?
//
//   crowd ADDRESS COUNT         prints "connected COUNT" when all are there, and stays until stdin
//                               ends; leaves with 1 when the node lets one of them go
//   crowd ADDRESS COUNT CID...  each wants the blocks, and takes SLOW_BYTES in SLOW_MS; the node
//                               may let any of them go
//   crowd --from IP ...         they come from that address of this machine; and of those that
//                               want blocks, whoever has to go comes again
//
// Each has an identity of its own. The address is of IPv4 and has a peer id.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/bitswap.h"
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_crypto.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PEERS_MOST = 2000,
    COMING = 16,                           // connecting at once; a node lets a few dozen knock
    CHUNKS = 64 + P2P_SEND_RESERVE_CHUNKS, // of each: identify, both ways, a want
    STREAMS = 8,                           // of each
    WIRE_BYTES = 64 << 10,
    WAIT_MS = 100,
    SLOW_BYTES = 2048, // few enough that the block lasts, enough that the node does not drop us
    SLOW_MS = 500,
    WANTS = 4, // blocks at most
};

struct peer {
    int fd;        // -1: it has not begun
    bool is_known; // it identified the node
    bool is_gone;  // the node let it go
    u64 heard_ns;  // when it last took something
    struct p2p_dice dice;
    struct p2p_crypto crypto;
    struct p2p_host host;
    struct p2p_connection connection;
    struct p2p_chunk chunks[CHUNKS];
    struct p2p_stream streams[STREAMS];
};

static struct in_addr from; // 0: from wherever the machine likes
static struct peer *peers[PEERS_MOST];
static u32 peer_count, begun, known;
static struct multiaddr_target node;
static struct cid wants[WANTS];
static u32 want_count;
static u8 wire[WIRE_BYTES];

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "crowd: %s: %s\n", what, why);
    exit(1);
}

static u64 now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static void peer_begin(u32 index)
{
    struct peer *peer = peers[index] = calloc(1, sizeof *peer);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(node.port)};
    memcpy(&to.sin_addr, node.host.data, node.host.size);
    ASSERT(peer != NULL);
    peer->dice.state = index + 1;
    peer->crypto = p2p_crypto_sodium(&peer->dice);
    static const struct span protocols[] = {{(const u8 *)"/ipfs/bitswap/1.2.0", 19}};
    struct p2p_host_config config = {.crypto = &peer->crypto,
                                     .protocols = protocols,
                                     .protocol_count = want_count == 0 ? 0 : 1,
                                     .seed = {(u8)index, (u8)(index >> 8), 1},
                                     .agent = SPAN_LITERAL("crowd/1"),
                                     .has_early_muxer = true,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = peer->chunks,
                                     .chunk_count = CHUNKS,
                                     .streams = peer->streams,
                                     .stream_count = STREAMS};
    ASSERT(p2p_host_init(&peer->host, &config, NULL) == ERR_OK);
    peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int little = SLOW_BYTES;
    if (want_count != 0) { // what comes stays with the node
        ASSERT(setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &little, sizeof little) == 0);
    }
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = from};
    if (from.s_addr != 0 && bind(peer->fd, (struct sockaddr *)&at, sizeof at) != 0) {
        fail("bind", strerror(errno));
    }
    if (peer->fd < 0 || connect(peer->fd, (struct sockaddr *)&to, sizeof to) != 0) {
        fail("connect", strerror(errno));
    }
    ASSERT(fcntl(peer->fd, F_SETFL, O_NONBLOCK) == 0);
    p2p_connection_init(&peer->connection, &peer->host, true, &node.peer, NULL, now_ns());
}

// Takes what has come, and does what the time asks for.
static void peer_hear(struct peer *peer)
{
    struct report report = {0};
    bool is_slow = want_count != 0 && peer->is_known;
    if (is_slow && now_ns() - peer->heard_ns < (u64)SLOW_MS * 1000000) {
        return;
    }
    peer->heard_ns = now_ns();
    // A slow one takes from the socket what it has room for.
    ssize_t size =
        is_slow ? recv(peer->fd, wire, SLOW_BYTES, MSG_PEEK) : read(peer->fd, wire, sizeof wire);
    bool may_go = is_slow || (want_count != 0 && from.s_addr != 0);
    if (may_go && (size == 0 || (size < 0 && errno != EAGAIN))) {
        peer->is_gone = true;
        return;
    }
    if (size == 0 || (size < 0 && errno != EAGAIN)) {
        fail("the node let one go", size == 0 ? "it hung up" : strerror(errno));
    }
    if (size > 0) {
        size_t taken;
        enum err err = p2p_connection_receive(&peer->connection, wire, (size_t)size, now_ns(),
                                              &taken, &report);
        bool is_good =
            is_slow ? read(peer->fd, wire, taken) == (ssize_t)taken : taken == (size_t)size;
        if (err != ERR_OK || !is_good) {
            fail("receive", report.text);
        }
    }
    if (p2p_connection_wake(&peer->connection) <= now_ns() &&
        p2p_connection_tick(&peer->connection, now_ns(), &report) != ERR_OK) {
        fail("tick", report.text);
    }
}

static void peer_want(struct peer *peer)
{
    u8 head[BITSWAP_HEAD_BYTES], entries[WANTS * BITSWAP_ENTRY_BYTES];
    struct p2p_stream *stream;
    size_t size = 0;
    for (u32 i = 0; i < want_count; i++) {
        struct bitswap_item want = {.priority = 1, .is_block = true, .cid = wants[i]};
        size += bitswap_entry_write(&want, entries + size);
    }
    size_t head_size = bitswap_wantlist_head(size, head);
    ASSERT(p2p_stream_open(&peer->connection, BITSWAP_PROTOCOL, &stream, NULL) == ERR_OK);
    ASSERT(p2p_stream_write(stream, span_of(head, head_size)) == head_size);
    ASSERT(p2p_stream_write(stream, span_of(entries, size)) == size);
}

static void peer_run(struct peer *peer)
{
    struct p2p_event event;
    size_t size;
    peer_hear(peer);
    while ((event = p2p_connection_next(&peer->connection)).kind != P2P_EVENT_NONE) {
        if (event.kind == P2P_EVENT_IDENTIFIED && !peer->is_known) {
            peer->is_known = true;
            known++;
            if (want_count != 0) {
                peer_want(peer);
            }
        }
    }
    // A peer that says so little finds room in its socket, always.
    while (!peer->is_gone &&
           (size = p2p_connection_send(&peer->connection, wire, sizeof wire, now_ns())) != 0) {
        if (send(peer->fd, wire, size, MSG_NOSIGNAL) != (ssize_t)size && want_count == 0) {
            fail("send", strerror(errno));
        }
    }
}

// One that had to go begins anew, a while after that.
static void peer_again(u32 index)
{
    struct peer *peer = peers[index];
    if (!peer->is_gone || from.s_addr == 0 || now_ns() - peer->heard_ns < (u64)SLOW_MS * 1000000) {
        return;
    }
    known -= peer->is_known ? 1 : 0;
    (void)close(peer->fd);
    p2p_connection_drop(&peer->connection);
    free(peer);
    peer_begin(index);
}

// False: stdin has ended.
static bool turn(void)
{
    static struct pollfd polls[PEERS_MOST + 1];
    while (begun < peer_count && begun - known < COMING) {
        peer_begin(begun);
        peer_run(peers[begun++]);
    }
    for (u32 i = 0; i < begun; i++) {
        peer_again(i);
        // A slow one looks when its time has come.
        short events = want_count != 0 && peers[i]->is_known ? 0 : POLLIN;
        polls[i] = (struct pollfd){.fd = peers[i]->is_gone ? -1 : peers[i]->fd, .events = events};
    }
    polls[begun] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    (void)poll(polls, begun + 1, WAIT_MS);
    for (u32 i = 0; i < begun; i++) {
        if (!peers[i]->is_gone && (want_count != 0 || polls[i].revents != 0 ||
                                   p2p_connection_wake(&peers[i]->connection) <= now_ns())) {
            peer_run(peers[i]);
        }
    }
    char byte;
    return polls[begun].revents == 0 || read(STDIN_FILENO, &byte, 1) > 0;
}

int main(int argc, char **argv)
{
    struct multiaddr address;
    struct report report = {0};
    if (argc > 2 && strcmp(argv[1], "--from") == 0) {
        if (inet_pton(AF_INET, argv[2], &from) != 1) {
            fail("usage", "--from IP");
        }
        argv += 2;
        argc -= 2;
    }
    if (argc < 3 || argc > 3 + WANTS) {
        fail("usage", "crowd [--from IP] ADDRESS COUNT [CID...]");
    }
    for (; want_count < (u32)argc - 3; want_count++) {
        if (cid_parse_text(span_string(argv[3 + want_count]), &wants[want_count], &report) !=
            ERR_OK) {
            fail(argv[3 + want_count], report.text);
        }
    }
    if (multiaddr_parse(span_string(argv[1]), &address, &report) != ERR_OK ||
        multiaddr_target(span_of(address.bytes, address.size), &node, &report) != ERR_OK) {
        fail(argv[1], report.text);
    }
    peer_count = (u32)strtoul(argv[2], NULL, 10);
    if (node.kind != MULTIADDR_HOST_IP4 || !node.has_peer || peer_count == 0 ||
        peer_count > PEERS_MOST || !p2p_sodium_start()) {
        fail("usage", "an address of IPv4 with its peer, and 1 to 2000 peers");
    }
    bool has_told = false;
    while (turn()) {
        if (known == peer_count && !has_told) {
            printf("connected %u\n", known);
            fflush(stdout);
            has_told = true;
        }
    }
    return 0;
}
