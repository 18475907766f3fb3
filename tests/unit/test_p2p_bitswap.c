// SPDX-License-Identifier: GPL-3.0-or-later
// Are bitswap's messages what its specification says, and is the engine bounded whatever a peer
// sends? The peers here are written by hand; those that behave are in test_p2p_network.c.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "lib/p2p/proto.h"
#include "tests/unit/p2p_net.h"
#include "tests/unit/sha256.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- messages

#define DIGEST "0123456789abcdefghijklmnopqrstuv"
#define RAW_CID "\x01\x55\x12\x20" DIGEST
#define OLD_CID "\x12\x20" DIGEST

static struct cid cid_of(enum cid_codec codec)
{
    struct cid cid = {.codec = codec};
    memcpy(cid.digest, DIGEST, sizeof cid.digest);
    return cid;
}

static void what_is_written_is_what_is_specified(void **state)
{
    (void)state;
    u8 out[128], head[BITSWAP_HEAD_BYTES];
    struct bitswap_item want = {.cid = cid_of(CID_RAW), .priority = 1, .wants_no = true};
    size_t size = bitswap_entry_write(&want, out);
    // { 1: CID, 2: 1, 4: have, 5: true }
    struct span expected = SPAN_LITERAL("\x0a\x2c\x0a\x24" RAW_CID "\x10\x01\x20\x01\x28\x01");
    assert_int_equal(size, expected.size);
    assert_memory_equal(out, expected.data, size);
    want = (struct bitswap_item){.cid = cid_of(CID_RAW), .is_cancel = true, .is_block = true};
    size = bitswap_entry_write(&want, out);
    expected = SPAN_LITERAL("\x0a\x2a\x0a\x24" RAW_CID "\x10\x00\x18\x01");
    assert_int_equal(size, expected.size);
    assert_memory_equal(out, expected.data, size);
    assert_int_equal(bitswap_wantlist_head(300, head), 5);
    assert_memory_equal(head, "\xaf\x02\x0a\xac\x02", 5);
    struct cid node = cid_of(CID_DAG_PB), leaf = cid_of(CID_RAW);
    size = bitswap_presence_write(&node, true, false, out);
    expected = SPAN_LITERAL("\x22\x26\x0a\x22" OLD_CID "\x10\x01");
    assert_int_equal(size, expected.size);
    assert_memory_equal(out, expected.data, size);
    size = bitswap_presence_write(&leaf, false, true, out);
    expected = SPAN_LITERAL("\x22\x26\x0a\x24" RAW_CID);
    assert_int_equal(size, expected.size);
    assert_memory_equal(out, expected.data, size);
    size = bitswap_block_head(&leaf, false, 3, out);
    expected = SPAN_LITERAL("\x1a\x0b\x0a\x04\x01\x55\x12\x20\x12\x03");
    assert_int_equal(size, expected.size);
    assert_memory_equal(out, expected.data, size);
    size = bitswap_block_head(&node, true, 3, out);
    assert_memory_equal(out, "\x1a\x0b\x0a\x04\x00\x70\x12\x20\x12\x03", size);
}

// What was read, in a form that can be compared.
struct heard {
    char text[4096];
    size_t size;
    enum err err;
};

static void say(struct heard *heard, const char *word, u64 number)
{
    heard->size += (size_t)snprintf(heard->text + heard->size, sizeof heard->text - heard->size,
                                    "%s%llu ", word, (unsigned long long)number);
    assert_true(heard->size < sizeof heard->text);
}

static void note(struct heard *heard, const struct bitswap_item *item)
{
    static bool goes_on;
    switch (item->kind) {
    case BITSWAP_ITEM_ENTRY:
        say(heard,
            item->is_cancel  ? "cancel"
            : item->is_block ? "want"
                             : "ask",
            item->has_cid ? item->cid.codec : 0);
        say(heard, item->wants_no ? "no" : "p", (u64)item->priority);
        break;
    case BITSWAP_ITEM_FULL:
        say(heard, "full", 0);
        break;
    case BITSWAP_ITEM_PRESENCE:
        say(heard, item->has ? "has" : "lacks", item->has_cid ? item->cid.codec : 0);
        break;
    case BITSWAP_ITEM_BLOCK:
        say(heard, "block", item->size);
        break;
    case BITSWAP_ITEM_BYTES: // however they are cut
        if (goes_on) {
            heard->size--;
        }
        for (size_t i = 0; i < item->bytes.size; i++) {
            heard->text[heard->size++] = (char)item->bytes.data[i];
        }
        heard->text[heard->size++] = ' ';
        break;
    case BITSWAP_ITEM_BLOCK_END:
        say(heard, item->has_cid ? "ours" : "other", item->cid.codec);
        break;
    default:
        say(heard, "end", 0);
        break;
    }
    goes_on = item->kind == BITSWAP_ITEM_BYTES;
}

static struct heard hear(struct span bytes, size_t cut)
{
    struct bitswap_reader reader = {0};
    struct heard heard = {0};
    for (size_t at = 0; at < bytes.size && heard.err == ERR_OK;) {
        size_t size = bytes.size - at < cut ? bytes.size - at : cut;
        u8 *piece = malloc(size);
        memcpy(piece, bytes.data + at, size);
        struct span in = span_of(piece, size);
        struct bitswap_item item;
        do {
            heard.err = bitswap_read(&reader, &in, &item, NULL);
            if (heard.err == ERR_OK && item.kind != BITSWAP_ITEM_NONE) {
                note(&heard, &item);
            }
        } while (heard.err == ERR_OK && item.kind != BITSWAP_ITEM_NONE);
        assert_true(heard.err != ERR_OK || in.size == 0);
        free(piece);
        at += size;
    }
    return heard;
}

struct message {
    struct span bytes;
    enum err err;
    const char *heard;
};

static void messages_are_read_however_they_are_cut(void **state)
{
    (void)state;
    static const struct message cases[] = {
        {SPAN_LITERAL("\x00"), ERR_OK, "end0 "},
        {SPAN_LITERAL("\x02\x0a\x00"), ERR_OK, "end0 "},
        {SPAN_LITERAL("\x32\x0a\x30\x0a\x2c\x0a\x24" RAW_CID "\x10\x05\x20\x01\x28\x01\x10\x01"),
         ERR_OK, "ask85 no5 full0 end0 "},
        {SPAN_LITERAL("\x2a\x0a\x28\x0a\x26\x0a\x22" OLD_CID "\x18\x01"), ERR_OK,
         "cancel112 p0 end0 "},
        // An entry without a CID, one with an identity CID, one with a field that is not known.
        {SPAN_LITERAL("\x04\x0a\x02\x0a\x00"), ERR_OK, "want0 p0 end0 "},
        {SPAN_LITERAL("\x0a\x0a\x08\x0a\x06\x0a\x04\x01\x55\x00\x00"), ERR_OK, "want0 p0 end0 "},
        {SPAN_LITERAL("\x06\x0a\x04\x0a\x02\x30\x07"), ERR_OK, "want0 p0 end0 "},
        {SPAN_LITERAL("\x28\x22\x26\x0a\x24" RAW_CID), ERR_OK, "has85 end0 "},
        {SPAN_LITERAL("\x2a\x22\x28\x0a\x24" RAW_CID "\x10\x01"), ERR_OK, "lacks85 end0 "},
        {SPAN_LITERAL("\x0d\x1a\x0b\x0a\x04\x01\x55\x12\x20\x12\x03xyz"), ERR_OK,
         "block3 xyz ours85 end0 "},
        // Data before the prefix; none at all; version 0.
        {SPAN_LITERAL("\x0d\x1a\x0b\x12\x03xyz\x0a\x04\x01\x70\x12\x20"), ERR_OK,
         "block3 xyz ours112 end0 "},
        {SPAN_LITERAL("\x08\x1a\x06\x0a\x04\x01\x55\x12\x20"), ERR_OK, "block0 ours85 end0 "},
        {SPAN_LITERAL("\x0a\x1a\x08\x0a\x04\x00\x70\x12\x20\x12\x00"), ERR_OK,
         "block0 ours112 end0 "},
        // Prefixes of others: identity, a short digest, sha2-512, dag-cbor, version 0 of raw.
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x00\x01\x12\x01x"), ERR_OK,
         "block1 x other85 end0 "},
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x12\x04\x12\x01x"), ERR_OK,
         "block1 x other85 end0 "},
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x13\x20\x12\x01x"), ERR_OK,
         "block1 x other85 end0 "},
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x71\x12\x20\x12\x01x"), ERR_OK,
         "block1 x other113 end0 "},
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x00\x55\x12\x20\x12\x01x"), ERR_OK,
         "block1 x other85 end0 "},
        // Pending bytes, an old block and other fields are read over.
        {SPAN_LITERAL("\x12\x28\x80\x01\x12\x02xy\x31"
                      "12345678\x28\x00"),
         ERR_OK, "end0 "},
        {SPAN_LITERAL("\x00\x02\x28\x01\x00"), ERR_OK, "end0 end0 end0 "},
        // What is none.
        {SPAN_LITERAL("\x80\x00"), ERR_MALFORMED, ""},
        {SPAN_LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), ERR_MALFORMED, ""},
        {SPAN_LITERAL("\x01\x0a\x00"), ERR_MALFORMED, ""},             // ends in a field
        {SPAN_LITERAL("\x02\x0a\x01x"), ERR_MALFORMED, ""},            // the wantlist goes beyond
        {SPAN_LITERAL("\x03\x0a\x01\x0a\x00"), ERR_MALFORMED, ""},     // the entry goes beyond
        {SPAN_LITERAL("\x02\x00\x00"), ERR_MALFORMED, ""},             // field 0
        {SPAN_LITERAL("\x02\x0b\x00"), ERR_MALFORMED, ""},             // a group
        {SPAN_LITERAL("\x05\x31\x00\x00\x00\x00"), ERR_MALFORMED, ""}, // eight bytes of four
        {SPAN_LITERAL("\x05\x0a\x03\x0a\x01\x0a"), ERR_MALFORMED, ""},
        {SPAN_LITERAL("\x06\x0a\x04\x0a\x02\x08\x01"), ERR_MALFORMED, ""}, // a CID is a number
        {SPAN_LITERAL("\x08\x1a\x06\x12\x01x\x12\x01y"), ERR_MALFORMED, "block1 x "},
        {SPAN_LITERAL("\x05\x1a\x03\x0a\x01\x80"), ERR_MALFORMED, ""}, // half a prefix
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t cut = 1; cut <= cases[i].bytes.size; cut++) {
            struct heard heard = hear(cases[i].bytes, cut);
            if (heard.err != cases[i].err) {
                print_message("case %zu, cut at %zu: %s\n", i, cut, heard.text);
            }
            assert_int_equal(heard.err, cases[i].err);
            assert_string_equal(heard.text, cases[i].heard);
        }
    }
}

static void messages_have_bounds(void **state)
{
    (void)state;
    u8 bytes[512];
    for (u32 beyond = 0; beyond < 2; beyond++) {
        size_t size = varint_write(P2P_MESSAGE_BYTES + beyond, bytes);
        assert_int_equal(hear(span_of(bytes, size), 1).err, beyond == 0 ? ERR_OK : ERR_LIMIT);
        size = varint_write(P2P_MESSAGE_BYTES, bytes);
        struct proto_writer out = proto_writer_over(bytes + size, sizeof bytes - size);
        proto_head(&out, 3, P2P_BLOCK_BYTES + 10);
        proto_head(&out, 2, P2P_BLOCK_BYTES + beyond);
        assert_int_equal(hear(span_of(bytes, size + out.size), 1).err,
                         beyond == 0 ? ERR_OK : ERR_LIMIT);
        // An entry that is too long is read over.
        struct heard heard;
        size_t entry = P2P_BITSWAP_ITEM_BYTES + beyond;
        out = proto_writer_over(bytes, sizeof bytes);
        proto_varint(&out, entry + 6);
        proto_head(&out, 1, entry + 3);
        proto_head(&out, 1, entry);
        proto_bytes(&out, 9, span_of("", 1));
        proto_head(&out, 8, entry - 3 - 3);
        memset(bytes + out.size, 'x', entry - 6);
        heard = hear(span_of(bytes, out.size + entry - 6), 7);
        assert_int_equal(heard.err, ERR_OK);
        assert_string_equal(heard.text, beyond == 0 ? "want0 p0 end0 " : "end0 ");
    }
}

// ---- peers by hand

enum { RAW_ITEMS = 8192 };

// What a peer of manner RAW has heard, and the stream on which it sends.
struct by_hand {
    struct net_end *end;
    struct p2p_stream *stream;
    struct bitswap_reader reader;
    bool is_deaf; // reads nothing
    u32 messages, wants, asks, cancels, haves, lacks, blocks, resets;
    u32 streams;
    u64 bytes;
    bool was_version_0;
    struct cid last;
};

static void hand_read(struct by_hand *hand, struct p2p_stream *stream)
{
    struct span front;
    while (!hand->is_deaf && (front = p2p_stream_front(stream)).size != 0) {
        struct span in = front;
        struct bitswap_item item;
        do {
            assert_int_equal(bitswap_read(&hand->reader, &in, &item, NULL), ERR_OK);
            hand->messages += item.kind == BITSWAP_ITEM_END;
            hand->blocks += item.kind == BITSWAP_ITEM_BLOCK_END;
            hand->bytes += item.bytes.size;
            if (item.kind == BITSWAP_ITEM_PRESENCE || item.kind == BITSWAP_ITEM_ENTRY) {
                hand->last = item.cid;
                hand->was_version_0 = item.is_version_0;
            }
            if (item.kind == BITSWAP_ITEM_PRESENCE) {
                hand->haves += item.has;
                hand->lacks += !item.has;
            }
            if (item.kind == BITSWAP_ITEM_ENTRY) {
                hand->cancels += item.is_cancel;
                hand->wants += !item.is_cancel && item.is_block;
                hand->asks += !item.is_cancel && !item.is_block;
            }
        } while (item.kind != BITSWAP_ITEM_NONE);
        p2p_stream_skip(stream, front.size - in.size);
    }
}

static void hand_event(struct net_end *end, struct p2p_event event)
{
    struct by_hand *hand = end->node->context;
    hand->end = end;
    if (event.stream == NULL) {
        return;
    }
    hand->streams += event.kind == P2P_EVENT_ACCEPTED;
    if (p2p_stream_is_failed(event.stream)) {
        hand->resets++;
        hand->stream = hand->stream == event.stream ? NULL : hand->stream;
        p2p_stream_close(event.stream);
    } else if (event.stream != hand->stream) {
        hand_read(hand, event.stream);
        if (p2p_stream_is_ended(event.stream)) {
            assert_true(bitswap_reader_is_idle(&hand->reader));
            p2p_stream_close(event.stream);
        }
    }
}

// A node, and a peer of it by hand; connected.
struct scene {
    struct net *net;
    struct net_node *node;
    struct net_node *hand_node;
    struct by_hand hand;
};

static struct scene *scene_make(void)
{
    struct scene *scene = calloc(1, sizeof *scene);
    scene->net = net_make(1);
    scene->node = net_node(scene->net, NET_HONEST);
    scene->hand_node = net_node(scene->net, NET_RAW);
    scene->hand_node->context = &scene->hand;
    scene->hand_node->on_event = hand_event;
    net_link(scene->node, scene->hand_node);
    net_wait(scene->net, 10);
    assert_non_null(scene->hand.end);
    return scene;
}

static void scene_drop(struct scene *scene)
{
    net_drop(scene->net);
    free(scene);
}

static struct bitswap_peer *peer_of(struct scene *scene)
{
    return &net_end(scene->node, scene->hand_node)->peer;
}

static struct net_told told_of(const struct scene *scene)
{
    return scene->node->told[scene->hand_node->index];
}

// Sends bytes of messages on one stream, as fast as they are taken.
static void hand_send(struct scene *scene, struct span bytes)
{
    struct by_hand *hand = &scene->hand;
    if (hand->stream == NULL) {
        assert_int_equal(
            p2p_stream_open(&hand->end->connection, BITSWAP_PROTOCOL, &hand->stream, NULL), ERR_OK);
    }
    for (u32 i = 0; i < 10000 && bytes.size != 0 && hand->stream != NULL; i++) {
        size_t done = p2p_stream_write(hand->stream, bytes);
        bytes = span_slice(bytes, done, bytes.size);
        net_wait(scene->net, 1);
    }
}

static void hand_want(struct scene *scene, const struct bitswap_item *entries, u32 count,
                      bool is_full)
{
    u8 *bytes = malloc((size_t)count * BITSWAP_ENTRY_BYTES + 2);
    u8 head[BITSWAP_HEAD_BYTES];
    size_t size = 0;
    for (u32 i = 0; i < count; i++) {
        size += bitswap_entry_write(&entries[i], bytes + size);
    }
    if (is_full) {
        memcpy(bytes + size, "\x10\x01", 2);
        size += 2;
    }
    hand_send(scene, span_of(head, bitswap_wantlist_head(size, head)));
    hand_send(scene, span_of(bytes, size));
    free(bytes);
}

static void hand_block(struct scene *scene, struct span block)
{
    u8 head[BITSWAP_BLOCK_HEAD_BYTES], size[BITSWAP_HEAD_BYTES];
    struct cid cid = cid_of(CID_RAW);
    size_t head_size = bitswap_block_head(&cid, false, block.size, head);
    hand_send(scene, span_of(size, bitswap_answers_head(head_size + block.size, size)));
    hand_send(scene, span_of(head, head_size));
    hand_send(scene, block);
}

static struct bitswap_item want_of(u32 number, i32 priority, bool is_block)
{
    struct bitswap_item item = {.priority = priority, .is_block = is_block, .wants_no = true};
    item.cid = cid_of_block(CID_RAW, span_of(&number, sizeof number), test_sha256);
    return item;
}

// ---- as a provider

// CVE-2023-25568: unbounded wants, kept also when the peer has gone.
static void a_flood_of_wants_has_a_bound(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    static struct bitswap_item wants[5000];
    scene->node->manner = NET_ABSENT; // so that they stay
    for (u32 i = 0; i < COUNT_OF(wants); i++) {
        wants[i] = want_of(i, i < P2P_BITSWAP_ORDERS ? 1 : 1 << 20, true);
    }
    hand_want(scene, wants, P2P_BITSWAP_ORDERS, false);
    net_wait(scene->net, 100);
    assert_int_equal(peer_of(scene)->order_count, P2P_BITSWAP_ORDERS);
    hand_want(scene, wants, P2P_BITSWAP_ORDERS, false); // the same again
    hand_want(scene, wants, COUNT_OF(wants), false);
    net_wait(scene->net, 100);
    assert_int_equal(peer_of(scene)->order_count, P2P_BITSWAP_ORDERS);
    // Those of a higher priority have taken the others' places, but for what the caller looks up.
    u32 urgent = 0;
    for (u32 i = 0; i < NET_ORDERS; i++) {
        urgent += scene->node->orders[i].peer != NULL && scene->node->orders[i].rank == 5;
    }
    assert_int_equal(urgent, P2P_BITSWAP_ORDERS - P2P_BITSWAP_LOOKUPS);
    net_cut(scene->hand.end->link);
    for (u32 i = 0; i < NET_ORDERS; i++) {
        assert_null(scene->node->orders[i].peer);
    }
    scene_drop(scene);
}

static void wants_are_answered_as_they_were_asked(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    struct cid there = file_blocks_add(scene->node->blocks, CID_RAW, SPAN_LITERAL("here"));
    struct cid node = file_blocks_add(scene->node->blocks, CID_DAG_PB, SPAN_LITERAL("node"));
    struct bitswap_item wants[] = {
        {.cid = there, .is_block = false},             // HAVE
        {.cid = cid_of(CID_RAW), .wants_no = true},    // DONT_HAVE
        {.cid = cid_of(CID_DAG_PB), .is_block = true}, // nothing
    };
    hand_want(scene, wants, 3, false);
    net_wait(scene->net, 100);
    assert_int_equal(hand->haves, 1);
    assert_int_equal(hand->lacks, 1);
    assert_int_equal(hand->messages, 1); // all in one
    assert_int_equal(peer_of(scene)->order_count, 0);
    wants[0].is_block = true;
    hand_want(scene, wants, 1, false);
    net_wait(scene->net, 100);
    assert_int_equal(hand->blocks, 1);
    assert_int_equal(hand->bytes, 4);
    // As version 0, of which Go wants to hear again.
    u8 bytes[64] = "\x2a\x0a\x28\x0a\x26\x0a\x22\x12\x20";
    memcpy(bytes + 9, node.digest, 32);
    memcpy(bytes + 41, "\x20\x01", 2);
    hand_send(scene, span_of(bytes, 43));
    net_wait(scene->net, 100);
    assert_int_equal(hand->haves, 2);
    assert_true(hand->was_version_0);
    assert_true(cid_equal(&hand->last, &node));
    scene_drop(scene);
}

static void wants_are_cancelled_and_replaced(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct bitswap_item wants[20];
    scene->node->manner = NET_ABSENT;
    for (u32 i = 0; i < COUNT_OF(wants); i++) {
        wants[i] = want_of(i, 1, i % 2 == 0);
    }
    hand_want(scene, wants, 20, false);
    assert_int_equal(peer_of(scene)->order_count, 20);
    wants[0].is_cancel = true;
    hand_want(scene, wants, 1, false);
    hand_want(scene, wants, 1, false); // nothing to cancel
    assert_int_equal(peer_of(scene)->order_count, 19);
    hand_want(scene, wants + 5, 10, true); // that is all now
    assert_int_equal(peer_of(scene)->order_count, 10);
    // One that was only asked for becomes wanted.
    wants[5].is_block = true;
    hand_want(scene, wants + 5, 1, false);
    assert_int_equal(peer_of(scene)->order_count, 10);
    hand_want(scene, NULL, 0, true);
    assert_int_equal(peer_of(scene)->order_count, 0);
    assert_int_equal(peer_of(scene)->lookup_count, 0);
    scene_drop(scene);
}

// What the caller holds for one peer, and for how long.
static void who_takes_nothing_is_dropped(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    static u8 block[300 * 1024];
    struct bitswap_item wants[64] = {0};
    for (u32 i = 0; i < COUNT_OF(wants); i++) {
        block[0] = (u8)i;
        wants[i].cid = file_blocks_add(scene->node->blocks, CID_RAW, span_of(block, sizeof block));
        wants[i].is_block = true;
    }
    scene->hand.is_deaf = true;
    hand_want(scene, wants, 64, false);
    net_wait(scene->net, 5000);
    assert_in_range(peer_of(scene)->out_bytes, 1,
                    P2P_BITSWAP_OUT_BYTES + P2P_BITSWAP_LOOKUPS * sizeof block);
    assert_in_range(scene->node->most_held, 4, 4 + P2P_BITSWAP_LOOKUPS);
    net_wait(scene->net, 8000);
    assert_int_equal(told_of(scene).drops, 1);
    assert_int_equal(told_of(scene).err, ERR_CLOSED);
    assert_int_equal(scene->node->held, 0);
    scene_drop(scene);
}

static void a_peer_gets_what_its_budget_allows(void **state)
{
    (void)state;
    struct net *net = net_make(1);
    net->budget_bytes = 10000; // of every node's peers
    struct net_node *from = net_node(net, NET_HONEST);
    struct net_node *to = net_node(net, NET_HONEST);
    static u8 bytes[200000];
    file_pattern(bytes, sizeof bytes);
    struct file_layout layout = {5000, 100, true, false, false};
    struct cid root = file_blocks_make(from->blocks, layout, span_of(bytes, sizeof bytes));
    net_link(to, from);
    net_want(to, &root, 100);
    (void)net_run(net, 1000);
    // What it had saved up, and a second's; what is looked up at the same time goes beyond.
    u64 most = 10000 * (P2P_BITSWAP_SAVED_S + 1) + P2P_BITSWAP_LOOKUPS * 5000;
    assert_in_range(net_end(from, to)->peer.served_bytes, 100000, most);
    (void)net_run(net, 4000);
    assert_in_range(net_end(from, to)->peer.served_bytes, 130000, most + 40000);
    net_drop(net);
}

// One wants more than its budget, another comes while it does.
static void who_is_greedy_leaves_the_others_their_share(void **state)
{
    (void)state;
    struct net *net = net_make(1);
    net->budget_bytes = 10000;
    struct net_node *from = net_node(net, NET_HONEST);
    struct net_node *greedy = net_node(net, NET_HONEST);
    struct net_node *modest = net_node(net, NET_HONEST);
    static u8 much[400000], little[50000];
    file_pattern(much, sizeof much);
    file_pattern(little, sizeof little);
    mem_store_u64(little, 1);
    struct file_layout layout = {5000, 100, true, false, false};
    struct cid large = file_blocks_make(from->blocks, layout, span_of(much, sizeof much));
    struct cid small = file_blocks_make(from->blocks, layout, span_of(little, sizeof little));
    net_link(greedy, from);
    net_link(modest, from);
    net_want(greedy, &large, 100);
    (void)net_run(net, 3000);
    assert_false(net_is_done(greedy));
    net_want(modest, &small, 100);
    (void)net_run(net, 1000); // less than a tenth of what its bytes would take behind the other's
    assert_true(net_is_done(modest));
    assert_false(net_is_done(greedy));
    net_drop(net);
}

// ---- as a client

static void unasked_blocks_have_a_bound(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    static u8 block[1 << 20];
    for (u32 i = 0; i < 16; i++) {
        block[0] = (u8)i;
        hand_block(scene, span_of(block, sizeof block));
    }
    net_wait(scene->net, 100);
    assert_int_equal(peer_of(scene)->unwanted_bytes, P2P_BITSWAP_UNWANTED_BYTES);
    assert_true(told_of(scene).unwanted != 0);
    assert_int_equal(told_of(scene).drops, 0);
    hand_block(scene, SPAN_LITERAL("x"));
    assert_int_equal(told_of(scene).drops, 1);
    assert_int_equal(told_of(scene).err, ERR_LIMIT);
    net_wait(scene->net, 3000);
    assert_null(net_end(scene->node, scene->hand_node)); // its connection was closed
    scene_drop(scene);
}

// A file that another node has, wanted by the scene's node, which asked the hand first.
static struct cid want_from_both(struct scene *scene, u32 window)
{
    static u8 bytes[100000];
    file_pattern(bytes, sizeof bytes);
    struct net_node *good = net_node(scene->net, NET_HONEST);
    struct file_layout layout = {4096, 100, true, false, false};
    struct cid root = file_blocks_make(good->blocks, layout, span_of(bytes, sizeof bytes));
    net_link(scene->node, good)->delay_ns = 3000000;
    net_want(scene->node, &root, window);
    return root;
}

static void false_blocks_and_messages_end_in_the_right_file(void **state)
{
    (void)state;
    static const struct {
        struct span bytes;
        enum err err; // for which the peer is dropped
    } cases[] = {
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x00\x01\x12\x01x"), ERR_OK}, // identity
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x12\x04\x12\x01x"), ERR_OK}, // short
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x13\x20\x12\x01x"), ERR_OK}, // sha2-512
        {SPAN_LITERAL("\x0b\x1a\x09\x0a\x04\x01\x55\x12\x20\x12\x01x"), ERR_OK}, // wrong
        {SPAN_LITERAL("\x80\x80\x80\x02"),
         ERR_OK}, // as long as a message may be, and no more of it
        {SPAN_LITERAL("\x81\x80\x80\x02"), ERR_LIMIT},
        {SPAN_LITERAL("\x80\x80\x80\x02\x1a\x90\x80\x80\x01\x12\x81\x80\x80\x01"), ERR_LIMIT},
        {SPAN_LITERAL("\x05hello"), ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct scene *scene = scene_make();
        (void)want_from_both(scene, 8);
        hand_send(scene, cases[i].bytes);
        assert_true(net_run(scene->net, 20000));
        assert_true(net_is_done(scene->node));
        assert_int_equal(told_of(scene).drops, cases[i].err == ERR_OK ? 0 : 1);
        assert_int_equal(told_of(scene).err, cases[i].err);
        assert_int_equal(told_of(scene).unwanted, i < 4 ? 1 : 0);
        scene_drop(scene);
    }
}

// Blocks that begin and do not go on take all buffers there are.
static void slow_blocks_give_their_buffers_back(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    static u8 half[1000];
    (void)want_from_both(scene, 8);
    struct p2p_stream *streams[NET_BUFFERS + 2];
    u8 head[BITSWAP_BLOCK_HEAD_BYTES], size[BITSWAP_HEAD_BYTES];
    struct cid cid = cid_of(CID_RAW);
    size_t head_size = bitswap_block_head(&cid, false, P2P_BLOCK_BYTES, head);
    for (u32 i = 0; i < COUNT_OF(streams); i++) {
        struct p2p_stream *stream;
        assert_int_equal(p2p_stream_open(&hand->end->connection, BITSWAP_PROTOCOL, &stream, NULL),
                         ERR_OK);
        size_t start = bitswap_answers_head(head_size + P2P_BLOCK_BYTES, size);
        assert_int_equal(p2p_stream_write(stream, span_of(size, start)), start);
        assert_int_equal(p2p_stream_write(stream, span_of(head, head_size)), head_size);
        assert_int_equal(p2p_stream_write(stream, span_of(half, sizeof half)), sizeof half);
        streams[i] = stream;
    }
    net_wait(scene->net, 2);
    assert_int_equal(scene->node->engine.waiting_count, 2);
    assert_true(net_run(scene->net, 20000));
    assert_true(net_is_done(scene->node));
    assert_in_range(told_of(scene).late, 1, COUNT_OF(streams));
    assert_true(hand->resets >= NET_BUFFERS);
    scene_drop(scene);
    (void)streams;
}

static void many_streams_are_reset(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    for (u32 i = 0; i < P2P_BITSWAP_INBOXES + 10; i++) {
        struct p2p_stream *stream;
        assert_int_equal(p2p_stream_open(&hand->end->connection, BITSWAP_PROTOCOL, &stream, NULL),
                         ERR_OK);
        assert_int_equal(p2p_stream_write(stream, SPAN_LITERAL("\x05")), 1);
    }
    net_wait(scene->net, 100);
    assert_int_equal(peer_of(scene)->inbox_count, P2P_BITSWAP_INBOXES);
    assert_int_equal(hand->resets, 10);
    scene_drop(scene);
}

// Several by hand at one node; each opens as many streams as it may and wants as much as it may.
enum { FLOODERS = 5 };

static void floods_leave_room_to_others(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    static struct bitswap_item wants[P2P_BITSWAP_ORDERS];
    static struct by_hand hands[FLOODERS];
    u8 *bytes = malloc(COUNT_OF(wants) * BITSWAP_ENTRY_BYTES);
    u8 head[BITSWAP_HEAD_BYTES];
    size_t size = 0;
    for (u32 i = 0; i < COUNT_OF(wants); i++) {
        wants[i] = want_of(i, INT32_MAX, true);
        size += bitswap_entry_write(&wants[i], bytes + size);
    }
    size_t head_size = bitswap_wantlist_head(size, head);
    scene->node->manner = NET_ABSENT; // so that they stay
    for (u32 i = 0; i < FLOODERS; i++) {
        struct net_node *flooder = net_node(scene->net, NET_RAW);
        hands[i] = (struct by_hand){0};
        flooder->context = &hands[i];
        flooder->on_event = hand_event;
        net_link(flooder, scene->node);
        net_wait(scene->net, 10);
        for (u32 k = 0; k < P2P_BITSWAP_INBOXES; k++) {
            struct p2p_stream *stream;
            assert_int_equal(
                p2p_stream_open(&hands[i].end->connection, BITSWAP_PROTOCOL, &stream, NULL),
                ERR_OK);
            if (k == 0) {
                assert_int_equal(p2p_stream_write(stream, span_of(head, head_size)), head_size);
                assert_int_equal(p2p_stream_write(stream, span_of(bytes, size)), size);
            }
            assert_int_equal(p2p_stream_write(stream, SPAN_LITERAL("\x05")), 1);
        }
        net_wait(scene->net, 100);
    }
    assert_true(list_is_empty(&scene->node->engine.free_inboxes));
    assert_true(list_is_empty(&scene->node->engine.free_orders));
    // One more peer is listened to, and another's blocks arrive.
    hand_want(scene, wants, 10, false);
    assert_int_equal(peer_of(scene)->order_count, 10);
    (void)want_from_both(scene, 8);
    assert_true(net_run(scene->net, 10000));
    assert_true(net_is_done(scene->node));
    free(bytes);
    scene_drop(scene);
}

// Where room is scarce, those of a crowd come behind: always one of the others, while one wants.
static void who_is_behind_lets_others_come_first(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct bitswap *engine = &scene->node->engine;
    struct bitswap_item wants[2] = {want_of(0, 1, true), want_of(1, 1, true)};
    struct bitswap_request request;
    scene->node->is_busy = true;
    hand_want(scene, wants, 2, false);
    net_wait(scene->net, 10);
    struct net_node *crowd = scene->hand_node;
    scene->hand = (struct by_hand){0};
    scene->hand_node = net_node(scene->net, NET_RAW);
    scene->hand_node->context = &scene->hand;
    scene->hand_node->on_event = hand_event;
    net_link(scene->node, scene->hand_node);
    net_wait(scene->net, 10);
    hand_want(scene, wants, 2, false);
    net_wait(scene->net, 10);
    struct bitswap_peer *behind = &net_end(scene->node, crowd)->peer;
    assert_int_equal(behind->order_count, 2);
    assert_int_equal(peer_of(scene)->order_count, 2);
    behind->is_behind = true;
    for (u32 i = 0; i < 2; i++) { // both have one when it is scarce, and the crowd comes last
        assert_true(bitswap_order_next(engine, true, &request));
        assert_ptr_equal(request.peer, i == 0 ? peer_of(scene) : behind);
    }
    assert_false(bitswap_order_next(engine, true, &request));
    // With room for all it is as good as any: it was its turn before the other's.
    assert_true(bitswap_order_next(engine, false, &request));
    assert_true(bitswap_order_next(engine, false, &request));
    assert_ptr_equal(request.peer, behind);
    scene_drop(scene);
}

// js drops senders of many small messages, and sends nothing again within 5 s.
static void wants_come_in_batches_and_not_again(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    struct bitswap *engine = &scene->node->engine;
    for (u32 i = 0; i < 100; i++) {
        struct bitswap_item want = want_of(i, 1, true);
        assert_int_equal(bitswap_want(engine, 3, &want.cid, scene->net->now_ns), ERR_OK);
    }
    net_wait(scene->net, 900);
    assert_int_equal(hand->wants, P2P_BITSWAP_PEER_WANTS);
    assert_in_range(hand->messages, 1, 2);
    bitswap_session_end(engine, 3, scene->net->now_ns);
    assert_int_equal(engine->want_count, 0);
    net_wait(scene->net, 300);
    assert_int_equal(hand->cancels, P2P_BITSWAP_RECENT);
    assert_in_range(hand->messages, 2, 4);
    // Again within 5 s: the peer is asked when they have passed.
    struct bitswap_item want = want_of(P2P_BITSWAP_PEER_WANTS - 1, 1, true);
    hand->wants = 0;
    assert_int_equal(bitswap_want(engine, 3, &want.cid, scene->net->now_ns), ERR_OK);
    net_wait(scene->net, 3500);
    assert_int_equal(hand->wants, 0);
    net_wait(scene->net, 1000);
    assert_int_equal(hand->wants, 1);
    assert_int_equal(scene->node->missing, 0);
    // No more than there is memory for.
    for (u32 i = 1; i <= NET_WANTS; i++) {
        want = want_of(1000 + i, 1, true);
        assert_int_equal(bitswap_want(engine, 3, &want.cid, scene->net->now_ns),
                         i < NET_WANTS ? ERR_OK : ERR_BUSY);
    }
    scene_drop(scene);
}

// A message may be lost with its stream; one that gave something before is asked again.
static void who_gave_something_is_asked_again(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    struct bitswap *engine = &scene->node->engine;
    u32 number = 0;
    struct bitswap_item first = want_of(0, 1, true), second = want_of(1, 1, true);
    assert_int_equal(bitswap_want(engine, 0, &first.cid, scene->net->now_ns), ERR_OK);
    net_wait(scene->net, 50);
    hand_block(scene, span_of(&number, sizeof number));
    assert_int_equal(scene->node->blocks_got, 1);
    assert_int_equal(bitswap_want(engine, 0, &second.cid, scene->net->now_ns), ERR_OK);
    for (u32 tries = 1; tries <= P2P_BITSWAP_TRIES; tries++) {
        net_wait(scene->net, P2P_BITSWAP_LATE_MS / 2);
        assert_int_equal(hand->wants, 1 + tries);
        assert_int_equal(hand->cancels, tries - 1);
        assert_int_equal(scene->node->missing, 0);
        net_wait(scene->net, P2P_BITSWAP_LATE_MS / 2 + P2P_BITSWAP_TICK_MS);
    }
    net_wait(scene->net, 3000);
    assert_int_equal(hand->wants, 1 + P2P_BITSWAP_TRIES);
    assert_int_equal(scene->node->missing, 1);
    // And a block is welcome whenever it comes.
    number = 1;
    hand_block(scene, span_of(&number, sizeof number));
    assert_int_equal(scene->node->blocks_got, 2);
    assert_int_equal(engine->want_count, 0);
    scene_drop(scene);
}

static void what_was_cancelled_may_still_come(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct bitswap *engine = &scene->node->engine;
    u32 number = 5;
    struct bitswap_item want = want_of(number, 1, true);
    struct bitswap_item other = want_of(6, 1, true);
    assert_int_equal(bitswap_want(engine, 0, &want.cid, scene->net->now_ns), ERR_OK);
    assert_int_equal(bitswap_want(engine, 1, &want.cid, scene->net->now_ns), ERR_OK);
    assert_int_equal(bitswap_want(engine, 1, &other.cid, scene->net->now_ns), ERR_OK);
    net_wait(scene->net, 50);
    assert_int_equal(bitswap_said(engine, &want.cid, peer_of(scene)), BITSWAP_ASKED);
    bitswap_cancel(engine, 0, &want.cid, scene->net->now_ns);
    assert_int_equal(scene->hand.cancels, 0); // the other session wants it
    bitswap_cancel(engine, 1, &want.cid, scene->net->now_ns);
    net_wait(scene->net, 50);
    assert_int_equal(scene->hand.cancels, 1);
    assert_int_equal(bitswap_said(engine, &want.cid, peer_of(scene)), BITSWAP_NOT_ASKED);
    hand_block(scene, span_of(&number, sizeof number));
    assert_int_equal(peer_of(scene)->unwanted_bytes, 0);
    hand_block(scene, span_of(&number, sizeof number)); // once
    assert_int_equal(peer_of(scene)->unwanted_bytes, sizeof number);
    scene_drop(scene);
}

// boxo #636: nothing is kept of what a peer says unasked.
static void presences_that_nobody_asked_for_are_nothing(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct bitswap *engine = &scene->node->engine;
    u8 bytes[BITSWAP_PRESENCE_BYTES + 1];
    for (u32 i = 0; i < 2000; i++) {
        struct bitswap_item want = want_of(i, 1, true);
        size_t size = bitswap_presence_write(&want.cid, false, i % 2 == 0, bytes + 1);
        bytes[0] = (u8)size;
        hand_send(scene, span_of(bytes, size + 1));
    }
    assert_true(list_is_empty(&peer_of(scene)->asks));
    assert_int_equal(engine->want_count, 0);
    assert_int_equal(bitswap_wake(engine), UINT64_MAX);
    scene_drop(scene);
}

// Some answer on the stream that they were asked on.
static void answers_are_heard_on_any_stream(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct bitswap *engine = &scene->node->engine;
    u32 number = 5;
    struct bitswap_item want = want_of(number, 1, true);
    assert_int_equal(bitswap_want(engine, 0, &want.cid, scene->net->now_ns), ERR_OK);
    net_wait(scene->net, 50);
    struct p2p_stream *asked = NULL;
    struct list *streams = &scene->hand.end->connection.yamux.streams;
    for (struct list_node *at = list_first(streams); at != NULL; at = list_next(streams, at)) {
        struct p2p_stream *stream =
            CONTAINER_OF(LIST_ITEM(at, struct yamux_stream, of_owner), struct p2p_stream, yamux);
        asked = stream->yamux.is_inbound && stream->protocol == P2P_SERVICES ? stream : asked;
    }
    assert_non_null(asked);
    scene->hand.stream = asked;
    hand_block(scene, span_of(&number, sizeof number));
    assert_int_equal(scene->node->blocks_got, 1);
    assert_int_equal(peer_of(scene)->unwanted_bytes, 0);
    net_wait(scene->net, 5000);
    scene_drop(scene);
}

// A peer that does not speak bitswap is not asked, and nothing is waited for.
static void who_does_not_speak_it_is_not_asked(void **state)
{
    (void)state;
    struct scene *scene = scene_make();
    struct by_hand *hand = &scene->hand;
    net_cut(hand->end->link);
    scene->hand_node->host.names[P2P_SERVICES] = SPAN_LITERAL("/other/1");
    net_link(scene->node, scene->hand_node);
    struct bitswap_item want = want_of(1, 1, true);
    assert_int_equal(bitswap_want(&scene->node->engine, 0, &want.cid, scene->net->now_ns), ERR_OK);
    net_wait(scene->net, 500);
    assert_int_equal(scene->node->missing, 2); // without anybody, and again when that is clear
    assert_int_equal(bitswap_said(&scene->node->engine, &want.cid, peer_of(scene)),
                     BITSWAP_NOT_ASKED);
    scene_drop(scene);
}

static void an_idle_peer_is_small(void **state)
{
    (void)state;
    assert_in_range(sizeof(struct bitswap_peer), 1, 4096); // 1,000 of them: 4 MiB
    assert_in_range(sizeof(struct bitswap_inbox), 1, 512);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_what_is_specified),
        cmocka_unit_test(messages_are_read_however_they_are_cut),
        cmocka_unit_test(messages_have_bounds),
        cmocka_unit_test(a_flood_of_wants_has_a_bound),
        cmocka_unit_test(wants_are_answered_as_they_were_asked),
        cmocka_unit_test(wants_are_cancelled_and_replaced),
        cmocka_unit_test(who_takes_nothing_is_dropped),
        cmocka_unit_test(a_peer_gets_what_its_budget_allows),
        cmocka_unit_test(who_is_greedy_leaves_the_others_their_share),
        cmocka_unit_test(unasked_blocks_have_a_bound),
        cmocka_unit_test(false_blocks_and_messages_end_in_the_right_file),
        cmocka_unit_test(slow_blocks_give_their_buffers_back),
        cmocka_unit_test(many_streams_are_reset),
        cmocka_unit_test(floods_leave_room_to_others),
        cmocka_unit_test(who_is_behind_lets_others_come_first),
        cmocka_unit_test(wants_come_in_batches_and_not_again),
        cmocka_unit_test(who_gave_something_is_asked_again),
        cmocka_unit_test(what_was_cancelled_may_still_come),
        cmocka_unit_test(presences_that_nobody_asked_for_are_nothing),
        cmocka_unit_test(answers_are_heard_on_any_stream),
        cmocka_unit_test(who_does_not_speak_it_is_not_asked),
        cmocka_unit_test(an_idle_peer_is_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
