// SPDX-License-Identifier: GPL-3.0-or-later
// What a peer sends on streams of bitswap, to an engine that wants blocks and has some. An input is
// a list of steps: a byte that says which, and what it takes. When the peer has gone, nothing of it
// is left.
#include "core/base/assert.h"
#include "tests/unit/p2p_net.h"
#include "tests/unit/sha256.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { STREAMS = 4 };

static struct net *net;
static struct net_node *node, *peer;
static struct net_end *end;
static struct p2p_stream *streams[STREAMS];

// The peer reads over what it is sent.
static void on_event(struct net_end *at, struct p2p_event event)
{
    struct p2p_stream *stream = event.stream;
    struct span front;
    end = at;
    if (stream == NULL) {
        return;
    }
    while ((front = p2p_stream_front(stream)).size != 0) {
        p2p_stream_skip(stream, front.size);
    }
    if (p2p_stream_is_failed(stream) || p2p_stream_is_ended(stream)) {
        for (u32 i = 0; i < STREAMS; i++) {
            streams[i] = streams[i] == stream ? NULL : streams[i];
        }
        p2p_stream_close(stream);
    }
}

static void start(void)
{
    net = net_make(1);
    net->buffer_bytes = 4096;
    node = net_node(net, NET_HONEST);
    peer = net_node(net, NET_RAW);
    peer->on_event = on_event;
    for (u8 i = 0; i < 8; i++) {
        (void)file_blocks_add(node->blocks, CID_RAW, span_of(&i, 1));
    }
}

static u32 length(const struct list *list)
{
    u32 count = 0;
    for (struct list_node *at = list_first(list); at != NULL; at = list_next(list, at)) {
        count++;
    }
    return count;
}

static void send(u32 which, const u8 *data, size_t size)
{
    if (end->connection.stage != P2P_STAGE_OPEN) {
        return;
    }
    if (streams[which] == NULL &&
        p2p_stream_open(&end->connection, BITSWAP_PROTOCOL, &streams[which], NULL) != ERR_OK) {
        streams[which] = NULL;
        return;
    }
    (void)p2p_stream_write(streams[which], span_of(data, size));
    (void)net_run(net, 2);
}

// A block that the engine wants, or not any more.
static void want(u8 number, bool is_wanted)
{
    struct cid cid = cid_of_block(CID_RAW, span_of(&number, 1), test_sha256);
    if (is_wanted) {
        (void)bitswap_want(&node->engine, number % P2P_BITSWAP_SESSIONS, &cid, net->now_ns);
    } else {
        bitswap_cancel(&node->engine, number % P2P_BITSWAP_SESSIONS, &cid, net->now_ns);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (net == NULL) {
        start();
    }
    struct net_link *link = net_link(node, peer);
    (void)net_run(net, 1);
    for (size_t at = 0; at + 1 < size && link->is_up;) {
        u32 what = data[at] % 8, arg = data[at + 1];
        at += 2;
        if (what < 4) { // bytes on one of the streams
            size_t count = arg < size - at ? arg : size - at;
            send(what, data + at, count);
            at += count;
        } else if (what == 4 && streams[arg % STREAMS] != NULL) {
            p2p_stream_close(streams[arg % STREAMS]);
            streams[arg % STREAMS] = NULL;
        } else if (what == 5) {
            net_wait(net, arg * 20);
        } else if (what >= 6) {
            want((u8)arg, what == 6);
        }
    }
    for (u32 session = 0; session < P2P_BITSWAP_SESSIONS; session++) {
        bitswap_session_end(&node->engine, session, net->now_ns);
    }
    if (link->is_up) {
        net_cut(link);
    }
    net_wait(net, 1);
    struct bitswap *engine = &node->engine;
    ASSERT(engine->want_count == 0 && length(&engine->free_wants) == NET_WANTS);
    ASSERT(length(&engine->free_asks) == NET_ASKS);
    ASSERT(length(&engine->free_inboxes) == NET_INBOXES);
    ASSERT(length(&engine->free_orders) == NET_ORDERS);
    ASSERT(length(&engine->free_buffers) == NET_BUFFERS);
    ASSERT(engine->waiting_count == 0 && node->held == 0);
    ASSERT(node->host.pool.free_count == NET_CHUNKS);
    return 0;
}
