// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/p2p_net.h"
#include "core/base/assert.h"
#include <stdlib.h>

enum { ROOM_BYTES = 64 * 1024, STEPS = 4000000 };

struct net_packet {
    struct net_packet *next;
    u64 arrives_ns;
    size_t size;
    size_t taken;
    u8 bytes[];
};

static const struct span net_protocols[] = {{(const u8 *)"/ipfs/bitswap/1.2.0", 19}};

// ---- making

struct net *net_make(u64 seed)
{
    struct net *net = calloc(1, sizeof *net);
    ASSERT(net != NULL);
    net->now_ns = 1000000000;
    net->dice.state = seed;
    net->buffer_bytes = P2P_BLOCK_BYTES;
    return net;
}

static void engine_start(struct net_node *node)
{
    struct net *net = node->net;
    node->buffer_memory = malloc((size_t)NET_BUFFERS * net->buffer_bytes);
    struct bitswap_config config = {.crypto = &node->crypto,
                                    .protocol = P2P_SERVICES,
                                    .wants = node->wants,
                                    .want_count = NET_WANTS,
                                    .asks = node->asks,
                                    .ask_count = NET_ASKS,
                                    .inboxes = node->inboxes,
                                    .inbox_count = NET_INBOXES,
                                    .orders = node->orders,
                                    .order_count = NET_ORDERS,
                                    .buffers = node->buffers,
                                    .buffer_count = NET_BUFFERS,
                                    .buffer_memory = node->buffer_memory,
                                    .buffer_bytes = net->buffer_bytes,
                                    .budget_bytes = net->budget_bytes};
    bitswap_init(&node->engine, &config);
}

struct net_node *net_node(struct net *net, enum net_manner manner)
{
    ASSERT(net->node_count < NET_NODES);
    struct net_node *node = calloc(1, sizeof *node);
    ASSERT(node != NULL);
    node->net = net;
    node->index = net->node_count;
    node->manner = manner;
    node->blocks = calloc(1, sizeof *node->blocks);
    net->nodes[net->node_count++] = node;
    node->dice.state = p2p_dice_roll(&net->dice);
    node->crypto = p2p_crypto_plain(&node->dice);
    node->crypto.sha256 = p2p_crypto_sodium(&node->dice).sha256; // for names of blocks
    struct p2p_host_config config = {.crypto = &node->crypto,
                                     .protocols = net_protocols,
                                     .protocol_count = COUNT_OF(net_protocols),
                                     .agent = SPAN_LITERAL("net/1"),
                                     .has_early_muxer = true,
                                     .window_bytes = P2P_WINDOW_BYTES,
                                     .chunks = node->chunks,
                                     .chunk_count = NET_CHUNKS,
                                     .streams = node->streams,
                                     .stream_count = NET_STREAMS};
    mem_fill(config.seed, (u8)(node->index + 1), sizeof config.seed);
    ASSERT(p2p_host_init(&node->host, &config, NULL) == ERR_OK);
    engine_start(node);
    return node;
}

struct net_link *net_link(struct net_node *from, struct net_node *to)
{
    struct net *net = from->net;
    for (u32 i = 0; i < NET_LINKS; i++) {
        if (net->links[i] != NULL && net->links[i]->is_up) {
            continue;
        }
        if (net->links[i] == NULL) {
            net->links[i] = calloc(1, sizeof *net->links[i]);
        }
        struct net_link *link = net->links[i];
        *link = (struct net_link){.is_up = true};
        for (u32 side = 0; side < 2; side++) {
            struct net_end *end = &link->ends[side];
            end->node = side == 0 ? from : to;
            end->link = link;
            p2p_connection_init(&end->connection, &end->node->host, side == 0, NULL, NULL,
                                net->now_ns);
        }
        return link;
    }
    return NULL;
}

static struct net_end *other_end(struct net_end *end)
{
    return &end->link->ends[end == &end->link->ends[0] ? 1 : 0];
}

struct net_end *net_end(struct net_node *node, const struct net_node *other)
{
    for (u32 i = 0; i < NET_LINKS; i++) {
        struct net_link *link = node->net->links[i];
        for (u32 side = 0; side < 2 && link != NULL && link->is_up; side++) {
            if (link->ends[side].node == node && link->ends[1 - side].node == other) {
                return &link->ends[side];
            }
        }
    }
    return NULL;
}

static bool end_events(struct net_end *end)
{
    struct net_node *node = end->node;
    bool moved = false;
    for (;;) {
        struct p2p_event event = p2p_connection_next(&end->connection);
        if (event.kind == P2P_EVENT_NONE) {
            return moved;
        }
        moved = true;
        if (node->manner == NET_RAW) {
            if (node->on_event != NULL) {
                node->on_event(end, event);
            } else if (event.stream != NULL) {
                p2p_stream_close(event.stream);
            }
            continue;
        }
        if (event.kind == P2P_EVENT_OPENED) {
            end->is_added = true;
            bitswap_peer_add(&node->engine, &end->peer, &end->connection, node->index,
                             node->net->now_ns);
        } else if (end->is_added) {
            bool is_taken = bitswap_event(&node->engine, &end->peer, event, node->net->now_ns);
            ASSERT(is_taken == (event.stream != NULL));
        }
    }
}

void net_cut(struct net_link *link)
{
    for (u32 side = 0; side < 2; side++) {
        struct net_end *end = &link->ends[side];
        if (end->is_added) {
            bitswap_peer_remove(&end->node->engine, &end->peer, end->node->net->now_ns);
        }
        if (end->node->manner == NET_RAW) { // its streams are its own
            p2p_connection_close(&end->connection, end->node->net->now_ns);
            (void)end_events(end);
        }
        p2p_connection_drop(&end->connection);
        while (end->first != NULL) {
            struct net_packet *packet = end->first;
            end->first = packet->next;
            free(packet);
        }
    }
    link->is_up = false;
}

void net_drop(struct net *net)
{
    for (u32 i = 0; i < NET_LINKS; i++) {
        if (net->links[i] != NULL && net->links[i]->is_up) {
            net_cut(net->links[i]);
        }
        free(net->links[i]);
    }
    for (u32 i = 0; i < net->node_count; i++) {
        struct net_node *node = net->nodes[i];
        while (bitswap_next(&node->engine).kind == BITSWAP_EVENT_RELEASED) {
            node->held--;
        }
        ASSERT(node->held == 0);
        bitswap_drop(&node->engine);
        p2p_host_drop(&node->host);
        file_blocks_drop(node->blocks);
        free(node->blocks);
        free(node->buffer_memory);
        free(node->bytes);
        free(node);
    }
    free(net);
}

// ---- fetching

// Hands a block to the walk; false: the file cannot be read.
static bool hand_in(struct net_node *node, const struct cid *cid, struct span block)
{
    struct p2p_walk_piece piece;
    enum err err;
    while ((err = p2p_walk_block(&node->walk, cid, block, &piece, NULL)) == ERR_OK) {
        if (node->bytes == NULL && node->walk.has_size) {
            node->bytes = calloc(1, node->walk.file_bytes + 1);
        }
        ASSERT(piece.offset + piece.bytes.size <= node->walk.file_bytes);
        mem_copy(node->bytes + piece.offset, piece.bytes.data, piece.bytes.size);
    }
    node->err = err == ERR_NOT_FOUND ? ERR_OK : err;
    return node->err == ERR_OK;
}

static void fetch(struct net_node *node)
{
    struct cid cid;
    while (node->is_fetching && node->walk.asked_count < node->window &&
           p2p_walk_next(&node->walk, &cid)) {
        const struct file_block *block = file_blocks_find(node->blocks, &cid);
        if (block != NULL) {
            node->is_fetching = hand_in(node, &cid, block->bytes);
        } else {
            ASSERT(bitswap_want(&node->engine, 0, &cid, node->net->now_ns) == ERR_OK);
        }
    }
    if (node->is_fetching && p2p_walk_is_done(&node->walk)) {
        node->is_fetching = false;
        bitswap_session_end(&node->engine, 0, node->net->now_ns);
    }
}

void net_want(struct net_node *node, const struct cid *root, u32 window)
{
    ASSERT(window <= NET_WANTS);
    free(node->bytes);
    node->bytes = NULL;
    node->err = ERR_OK;
    node->window = window;
    node->is_fetching = true;
    p2p_walk_init(&node->walk, node->items, NET_ITEMS, root, 64 << 20);
    fetch(node);
}

bool net_is_done(const struct net_node *node)
{
    return !node->is_fetching && node->err == ERR_OK && node->bytes != NULL;
}

// ---- serving

static void answer(struct net_node *node, const struct bitswap_request *request)
{
    static u8 wrong[P2P_BLOCK_BYTES];
    const struct file_block *block = file_blocks_find(node->blocks, &request->cid);
    struct span bytes = block == NULL ? span_of(NULL, 0) : block->bytes;
    bool has = block != NULL;
    switch (node->manner) {
    case NET_SILENT:
        if (request->is_block) {
            return;
        }
        has = true;
        break;
    case NET_ABSENT:
        return;
    case NET_LACKING:
        has = false;
        break;
    case NET_PARTIAL:
        has = has && (request->cid.digest[0] + node->index) % 2 == 0;
        break;
    case NET_LIAR:
        has = true;
        bytes = span_of(wrong, 1 + request->cid.digest[1] * 64u);
        break;
    default:
        break;
    }
    bytes = request->is_block && has ? bytes : span_of(NULL, 0);
    if (bitswap_answer(&node->engine, request->id, has, bytes, 7)) {
        node->held++;
        node->most_held = node->held > node->most_held ? node->held : node->most_held;
    }
}

// ---- what happens at a node

static u32 node_of(struct net *net, const struct bitswap_peer *peer)
{
    const struct net_end *end = CONTAINER_OF(peer, struct net_end, peer);
    (void)net;
    return other_end((struct net_end *)end)->node->index;
}

static bool take_event(struct net_node *node)
{
    struct bitswap_event event = bitswap_next(&node->engine);
    struct net_told *told = event.peer == NULL ? NULL : &node->told[node_of(node->net, event.peer)];
    switch (event.kind) {
    case BITSWAP_EVENT_NONE:
        return false;
    case BITSWAP_EVENT_BLOCK: {
        struct cid cid = file_blocks_add(node->blocks, event.cid.codec, event.bytes);
        ASSERT(cid_equal(&cid, &event.cid));
        node->blocks_got++;
        if ((event.sessions & 1) != 0 && node->is_fetching) {
            node->is_fetching = hand_in(node, &event.cid, event.bytes);
            fetch(node);
        }
        break;
    }
    case BITSWAP_EVENT_MISSING:
        node->missing++;
        break;
    case BITSWAP_EVENT_UNWANTED:
        told->unwanted++;
        break;
    case BITSWAP_EVENT_LATE:
        told->late++;
        break;
    case BITSWAP_EVENT_DROP:
        told->drops++;
        told->err = event.err;
        p2p_connection_close(event.peer->connection, node->net->now_ns);
        break;
    case BITSWAP_EVENT_RELEASED:
        ASSERT(event.token == 7 && node->held > 0);
        node->held--;
        break;
    }
    return true;
}

static bool node_run(struct net_node *node)
{
    struct bitswap_request request;
    bool moved = false;
    bitswap_run(&node->engine, node->net->now_ns);
    while (take_event(node)) {
        moved = true;
    }
    while (!node->is_busy && bitswap_order_next(&node->engine, false, &request)) {
        answer(node, &request);
        moved = true;
    }
    bitswap_run(&node->engine, node->net->now_ns);
    return moved;
}

// ---- what happens at the end of a link

// What has arrived by now.
static bool end_receive(struct net_end *end)
{
    struct net *net = end->node->net;
    bool moved = false;
    while (end->first != NULL && end->first->arrives_ns <= net->now_ns && end->err == ERR_OK) {
        struct net_packet *packet = end->first;
        size_t taken = 0;
        end->err = p2p_connection_receive(&end->connection, packet->bytes + packet->taken,
                                          packet->size - packet->taken, net->now_ns, &taken, NULL);
        packet->taken += taken;
        end->wire_bytes -= taken;
        moved = moved || taken != 0;
        if (packet->taken < packet->size) {
            break;
        }
        end->first = packet->next;
        end->last = end->first == NULL ? NULL : end->last;
        free(packet);
    }
    return moved;
}

static bool end_send(struct net_end *end)
{
    struct net *net = end->node->net;
    struct net_end *other = other_end(end);
    struct net_link *link = end->link;
    bool moved = false;
    while (other->wire_bytes + ROOM_BYTES <= NET_WIRE_BYTES) {
        struct net_packet *packet = malloc(sizeof *packet + ROOM_BYTES);
        size_t size = p2p_connection_send(&end->connection, packet->bytes, ROOM_BYTES, net->now_ns);
        if (size == 0) {
            free(packet);
            return moved;
        }
        packet = realloc(packet, sizeof *packet + size);
        u64 begins = net->now_ns > other->wire_ns ? net->now_ns : other->wire_ns;
        other->wire_ns =
            begins + (link->bytes_per_ms == 0 ? 0 : size * 1000000 / link->bytes_per_ms);
        packet->next = NULL;
        packet->arrives_ns = other->wire_ns + link->delay_ns;
        packet->size = size;
        packet->taken = 0;
        if (other->last == NULL) {
            other->first = packet;
        } else {
            other->last->next = packet;
        }
        other->last = packet;
        other->wire_bytes += size;
        end->sent_bytes += size;
        moved = true;
    }
    return moved;
}

static void link_check(struct net_link *link)
{
    bool is_over = link->cut_after != 0 && link->ends[1].sent_bytes >= link->cut_after;
    for (u32 side = 0; side < 2; side++) {
        is_over = is_over || link->ends[side].err != ERR_OK ||
                  p2p_connection_is_closed(&link->ends[side].connection);
    }
    if (is_over) {
        net_cut(link);
    }
}

static bool link_run(struct net_link *link)
{
    struct net *net = link->ends[0].node->net;
    bool moved = false;
    for (u32 side = 0; side < 2; side++) {
        struct net_end *end = &link->ends[side];
        moved = end_receive(end) || moved;
        if (p2p_connection_wake(&end->connection) <= net->now_ns) {
            enum err err = p2p_connection_tick(&end->connection, net->now_ns, NULL);
            end->err = end->err == ERR_OK ? err : end->err;
        }
        moved = end_events(end) || moved;
    }
    return moved;
}

static bool step(struct net *net)
{
    bool moved = false;
    for (u32 i = 0; i < NET_LINKS; i++) {
        if (net->links[i] != NULL && net->links[i]->is_up) {
            moved = link_run(net->links[i]) || moved;
        }
    }
    for (u32 i = 0; i < net->node_count; i++) {
        moved = node_run(net->nodes[i]) || moved;
    }
    for (u32 i = 0; i < NET_LINKS; i++) {
        for (u32 side = 0; side < 2 && net->links[i] != NULL && net->links[i]->is_up; side++) {
            struct net_end *end = &net->links[i]->ends[side];
            moved = end_send(end) || moved;
            moved = end_events(end) || moved;
        }
    }
    for (u32 i = 0; i < NET_LINKS; i++) {
        if (net->links[i] != NULL && net->links[i]->is_up) {
            link_check(net->links[i]);
        }
    }
    return moved;
}

// When something happens next.
static u64 next_ns(struct net *net)
{
    u64 next = UINT64_MAX;
    for (u32 i = 0; i < NET_LINKS; i++) {
        for (u32 side = 0; side < 2 && net->links[i] != NULL && net->links[i]->is_up; side++) {
            struct net_end *end = &net->links[i]->ends[side];
            u64 wake = p2p_connection_wake(&end->connection);
            u64 wire = end->first == NULL ? UINT64_MAX : end->first->arrives_ns;
            // One that has arrived and is not taken waits for the connection's own time.
            wire = wire <= net->now_ns ? UINT64_MAX : wire;
            next = wake < next ? wake : next;
            next = wire < next ? wire : next;
        }
    }
    for (u32 i = 0; i < net->node_count; i++) {
        u64 wake = bitswap_wake(&net->nodes[i]->engine);
        next = wake < next ? wake : next;
    }
    return next;
}

static bool run(struct net *net, u64 ms, bool waits)
{
    u64 end_ns = net->now_ns + ms * 1000000;
    for (u32 steps = 0; net->now_ns < end_ns; steps++) {
        ASSERT(steps < STEPS);
        bool is_fetching = false;
        for (u32 i = 0; i < net->node_count; i++) {
            is_fetching = is_fetching || net->nodes[i]->is_fetching;
        }
        bool moved = step(net);
        if (!waits && !is_fetching && !moved) {
            return true;
        }
        if (!moved) {
            u64 next = next_ns(net);
            u64 least = net->now_ns + 1000;
            next = next < least ? least : next;
            net->now_ns = next < end_ns ? next : end_ns;
        }
    }
    return false;
}

bool net_run(struct net *net, u64 ms)
{
    return run(net, ms, false);
}

void net_wait(struct net *net, u64 ms)
{
    (void)run(net, ms, true);
}
