// SPDX-License-Identifier: GPL-3.0-or-later
// A peer that means harm, made of lib/p2p and sockets: what it is asked for, and who connects, is
// answered in one of these manners until stdin ends.
//
//   hostile MANNER   prints "listening ADDRESS"
//   wrong            other bytes, under the prefix of the right ones
//   sha1, sha512, short, identity   bytes under another hash function, a short digest, none
//   block, message   says, and sends, more than there may be
//   garbage          what is no message
//   have             says that it has everything, and sends nothing
//   trickle          a block, a byte at a time
//   unasked          blocks that nobody wants, without end
//   streams          opens streams and resets them, without end
//   wants            wants random blocks, without end
//   pings            pings and never reads what comes back
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "lib/p2p/bitswap_message.h"
#include "lib/p2p/connection.h"
#include "tests/interop/links.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BITSWAP SPAN_LITERAL("/ipfs/bitswap/1.2.0")
#define PING SPAN_LITERAL("/ipfs/ping/1.0.0")

enum manner {
    WRONG,
    SHA1,
    SHA512,
    SHORT,
    IDENTITY,
    BLOCK,
    MESSAGE,
    GARBAGE,
    HAVE,
    TRICKLE,
    UNASKED,
    STREAMS,
    WANTS,
    PINGS,
    MANNERS,
};

static const char *const names[MANNERS] = {"wrong",   "sha1",    "sha512",  "short", "identity",
                                           "block",   "message", "garbage", "have",  "trickle",
                                           "unasked", "streams", "wants",   "pings"};

enum {
    LIE_BYTES = 50000,
    TOO_LONG = P2P_BLOCK_BYTES + 1,
    TOO_LONG_MESSAGE = P2P_MESSAGE_BYTES + 1,
    OUT_BYTES = 8 << 20,
    FLOOD = 64, // of each wait: streams, messages
    ENTRIES = 80,
};

// A stream, and what is read or written on it.
struct flow {
    bool is_ours;
    struct p2p_stream *stream;
    struct bitswap_reader reader;
    u8 *bytes;
    size_t size, written;
};

static enum manner manner;
static struct link *victims[LINKS];
static struct flow *slow; // of TRICKLE
static const struct link *slow_link;
static u32 dice = 1;

static u32 roll(void)
{
    dice = dice * 1664525 + 1013904223;
    return dice;
}

// ---- bytes

struct out {
    u8 *bytes;
    size_t size;
};

static void put_number(struct out *out, u64 number)
{
    for (; number > 0x7f; number >>= 7) {
        out->bytes[out->size++] = (u8)(number | 0x80);
    }
    out->bytes[out->size++] = (u8)number;
}

static size_t number_bytes(u64 number)
{
    size_t size = 1;
    for (; number > 0x7f; number >>= 7) {
        size++;
    }
    return size;
}

// A message with one block: its prefix has four numbers.
static void put_block(struct out *out, const u8 prefix[4], size_t size)
{
    size_t inner = 2 + 4 + 1 + number_bytes(size) + size;
    put_number(out, 1 + number_bytes(inner) + inner);
    put_number(out, 3 << 3 | 2);
    put_number(out, inner);
    put_number(out, 1 << 3 | 2);
    put_number(out, 4);
    memcpy(out->bytes + out->size, prefix, 4);
    out->size += 4;
    put_number(out, 2 << 3 | 2);
    put_number(out, size);
    memset(out->bytes + out->size, (int)(roll() >> 24), size);
    out->size += size;
}

static void put_lie(struct out *out, const struct cid *cid)
{
    static const u8 right[] = {1, 0x55, 0x12, 32}, sha1[] = {1, 0x55, 0x11, 20};
    static const u8 sha512[] = {1, 0x55, 0x13, 64}, brief[] = {1, 0x55, 0x12, 20};
    static const u8 identity[] = {1, 0x55, 0, 5};
    u8 presence[BITSWAP_PRESENCE_BYTES], head[BITSWAP_HEAD_BYTES];
    size_t size, head_size;
    switch (manner) {
    case SHA1:
        put_block(out, sha1, LIE_BYTES);
        return;
    case SHA512:
        put_block(out, sha512, LIE_BYTES);
        return;
    case SHORT:
        put_block(out, brief, LIE_BYTES);
        return;
    case IDENTITY:
        put_block(out, identity, 5);
        return;
    case BLOCK:
        put_block(out, right, TOO_LONG);
        return;
    case MESSAGE:
        put_number(out, TOO_LONG_MESSAGE);
        memset(out->bytes + out->size, 0x22, TOO_LONG_MESSAGE);
        out->size += TOO_LONG_MESSAGE;
        return;
    case GARBAGE:
        memset(out->bytes, 0xff, LIE_BYTES);
        out->size = LIE_BYTES;
        return;
    case HAVE:
        size = bitswap_presence_write(cid, false, true, presence);
        head_size = bitswap_answers_head(size, head);
        memcpy(out->bytes, head, head_size);
        memcpy(out->bytes + head_size, presence, size);
        out->size = head_size + size;
        return;
    default:
        put_block(out, right, LIE_BYTES);
        return;
    }
}

// Many wants of blocks that nobody has.
static void put_wants(struct out *out)
{
    u8 entries[ENTRIES * BITSWAP_ENTRY_BYTES], head[BITSWAP_HEAD_BYTES];
    size_t size = 0;
    for (u32 i = 0; i < ENTRIES; i++) {
        struct bitswap_item entry = {.cid = {.codec = CID_RAW},
                                     .priority = (i32)(roll() >> 1),
                                     .is_block = true,
                                     .wants_no = true};
        for (u32 k = 0; k < CID_DIGEST_BYTES; k++) {
            entry.cid.digest[k] = (u8)(roll() >> 24);
        }
        size += bitswap_entry_write(&entry, entries + size);
    }
    size_t head_size = bitswap_wantlist_head(size, head);
    memcpy(out->bytes, head, head_size);
    memcpy(out->bytes + head_size, entries, size);
    out->size = head_size + size;
}

// ---- streams

static void flow_end(struct flow *flow)
{
    p2p_stream_close(flow->stream);
    free(flow->bytes);
    free(flow);
}

// Writes as far as it goes; one byte at a time where that is the manner.
static void flow_write(struct flow *flow)
{
    size_t left = flow->size - flow->written;
    size_t size = manner != TRICKLE || left == 0 ? left : flow->written == 0 ? 100 : 1;
    flow->written += p2p_stream_write(flow->stream, span_of(flow->bytes + flow->written, size));
}

static struct flow *flow_open(struct link *link, struct span protocol)
{
    struct flow *flow = calloc(1, sizeof *flow);
    ASSERT(flow != NULL);
    if (p2p_stream_open(&link->connection, protocol, &flow->stream, NULL) != ERR_OK) {
        free(flow);
        return NULL;
    }
    flow->is_ours = true;
    flow->stream->context = flow;
    return flow;
}

// Sends what `put` makes on a stream of its own.
static bool send_new(struct link *link, const struct cid *cid)
{
    static u8 bytes[OUT_BYTES];
    struct out out = {bytes, 0};
    struct flow *flow = flow_open(link, BITSWAP);
    if (flow == NULL) {
        return false;
    }
    if (cid == NULL) {
        put_wants(&out);
    } else {
        put_lie(&out, cid);
    }
    flow->bytes = malloc(out.size);
    ASSERT(flow->bytes != NULL);
    memcpy(flow->bytes, bytes, out.size);
    flow->size = out.size;
    flow_write(flow);
    if (manner == TRICKLE) {
        slow = flow;
        slow_link = link;
    }
    if (manner == WANTS || manner == UNASKED) {
        flow->bytes = (free(flow->bytes), NULL);
        flow->size = flow->written = 0;
        flow_end(flow); // what was taken goes out
    }
    return true;
}

static void asked(struct link *link, struct flow *flow)
{
    struct span front;
    while ((front = p2p_stream_front(flow->stream)).size != 0) {
        struct span rest = front;
        struct bitswap_item item;
        if (bitswap_read(&flow->reader, &rest, &item, NULL) != ERR_OK) {
            return;
        }
        if (item.kind == BITSWAP_ITEM_ENTRY && item.has_cid && !item.is_cancel &&
            manner < UNASKED) {
            (void)send_new(link, &item.cid);
        }
        p2p_stream_skip(flow->stream, front.size - rest.size);
    }
}

static void hear(struct link *link, struct p2p_event event)
{
    struct flow *flow;
    switch (event.kind) {
    case P2P_EVENT_OPENED:
        for (u32 i = 0; i < LINKS; i++) {
            if (victims[i] == NULL || victims[i] == link) {
                victims[i] = link;
                return;
            }
        }
        return;
    case P2P_EVENT_ACCEPTED:
        flow = calloc(1, sizeof *flow);
        ASSERT(flow != NULL);
        flow->stream = event.stream;
        event.stream->context = flow;
        asked(link, flow);
        return;
    case P2P_EVENT_CHANGED:
        flow = event.stream->context;
        if (p2p_stream_is_failed(event.stream)) {
            slow = slow == flow ? NULL : slow;
            flow_end(flow);
        } else if (!flow->is_ours) {
            asked(link, flow);
        } else if (manner != TRICKLE && manner != PINGS) {
            flow_write(flow);
        }
        return;
    default:
        return;
    }
}

// ---- floods

// One more byte of the block that was begun last.
static void trickle(const struct link *link)
{
    if (slow != NULL && slow_link == link && slow->stream->connection == &link->connection) {
        flow_write(slow);
    }
}

static void attack(struct link *link)
{
    static const struct cid nothing = {.codec = CID_RAW};
    static u8 pings[32 * 4096];
    for (u32 i = 0; i < FLOOD; i++) {
        struct flow *flow;
        switch (manner) {
        case UNASKED:
            if (!send_new(link, &nothing)) {
                return;
            }
            break;
        case WANTS:
            if (!send_new(link, NULL)) {
                return;
            }
            break;
        case STREAMS:
            flow = flow_open(link, BITSWAP);
            if (flow == NULL) {
                return;
            }
            p2p_stream_reset(flow->stream);
            flow_end(flow);
            break;
        case PINGS:
            flow = flow_open(link, PING);
            if (flow == NULL) {
                return;
            }
            (void)p2p_stream_write(flow->stream, span_of(pings, sizeof pings));
            break;
        default:
            trickle(link);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    char address[P2P_MULTIADDR_TEXT_BYTES];
    struct span protocol = BITSWAP;
    u32 chosen = MANNERS;
    for (u32 i = 0; argc == 2 && i < MANNERS; i++) {
        chosen = strcmp(argv[1], names[i]) == 0 ? i : chosen;
    }
    if (chosen == MANNERS) {
        fprintf(stderr, "usage: hostile MANNER\n");
        return 2;
    }
    manner = (enum manner)chosen;
    links_start(&(struct links_config){
        .protocols = &protocol, .protocol_count = 1, .listens = true, .on_event = hear});
    links_address(address, sizeof address);
    say("listening", address);
    while (links_wait()) {
        for (u32 i = 0; i < LINKS; i++) {
            if (victims[i] != NULL && victims[i]->fd >= 0 && victims[i]->is_open) {
                attack(victims[i]);
            }
        }
    }
    return 0; // what is queued for victims is nobody's loss
}
