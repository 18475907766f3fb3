// SPDX-License-Identifier: GPL-3.0-or-later
// What a peer may do to a connection of lib/p2p that follows none of its rules: each way ends in a
// bounded time, holds bounded memory, and leaves the host with all that it had.
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/connection.h"
#include "lib/p2p/connection_internal.h"
#include "lib/p2p/proto.h"
#include "tests/unit/p2p_pair.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { H = YAMUX_HEADER_BYTES };

// ---- a peer that seals what it likes: side 0, of which only the ciphers are used; the victim is 1

static struct pair *hostile_pair(u64 seed)
{
    struct pair *pair = pair_make((struct pair_options){.seed = seed, .early_muxer = {true, true}});
    pair_run(pair);
    assert_int_equal(pair->sides[1].opened, 1);
    return pair;
}

// Seals bytes as one message.
static void say(struct pair *pair, const u8 *bytes, size_t size)
{
    struct pair_side *side = &pair->sides[0];
    struct pair_wire *wire = &pair->sides[1].in;
    assert_true(wire->size + 2 + size + P2P_NOISE_TAG_BYTES <= WIRE_BYTES);
    u8 *message = wire->bytes + wire->size;
    message[0] = (u8)((size + P2P_NOISE_TAG_BYTES) >> 8);
    message[1] = (u8)(size + P2P_NOISE_TAG_BYTES);
    memcpy(message + 2, bytes, size);
    struct p2p_box box = {message + 2, (u32)size};
    side->crypto.seal(side->crypto.context, &side->connection.send_cipher, span_of(NULL, 0), &box,
                      1);
    side->connection.send_cipher.nonce++;
    wire->size += 2 + size + P2P_NOISE_TAG_BYTES;
}

static void say_frame(struct pair *pair, u8 type, u16 flags, u32 stream, u32 length,
                      const void *data, size_t size)
{
    u8 bytes[H + 20000];
    assert_true(size <= 20000);
    yamux_header_write(bytes, (struct yamux_header){0, type, flags, stream, length});
    memcpy(bytes + H, data, size);
    say(pair, bytes, H + size);
}

// Opens a stream and proposes a protocol, with data behind it.
static void say_open(struct pair *pair, u32 stream, struct span name, const void *data, size_t size)
{
    u8 bytes[MULTISTREAM_PROPOSAL_BYTES + 19000];
    size_t head = multistream_propose(name, bytes);
    memcpy(bytes + head, data, size);
    say_frame(pair, YAMUX_DATA, YAMUX_SYN, stream, (u32)(head + size), bytes, head + size);
}

// Lets the victim hear it all; what it answers is lost.
static void hear(struct pair *pair)
{
    struct pair_side *victim = &pair->sides[1];
    size_t before;
    do {
        before = victim->in.size;
        pair->sides[0].in.size = 0;
        u8 *bytes = malloc(victim->in.size);
        size_t taken;
        memcpy(bytes, victim->in.bytes, victim->in.size);
        enum err err = p2p_connection_receive(&victim->connection, bytes, victim->in.size,
                                              pair->now_ns, &taken, NULL);
        victim->err = victim->err == ERR_OK ? err : victim->err;
        memmove(victim->in.bytes, victim->in.bytes + taken, victim->in.size - taken);
        victim->in.size -= taken;
        free(bytes);
        struct p2p_event event;
        while ((event = p2p_connection_next(&victim->connection)).kind != P2P_EVENT_NONE) {
            victim->identified += event.kind == P2P_EVENT_IDENTIFIED;
            if (event.stream != NULL && victim->on_stream != NULL) {
                victim->on_stream(victim, event);
            } else if (event.stream != NULL) {
                p2p_stream_close(event.stream);
            }
        }
    } while (victim->in.size != before && victim->in.size != 0);
}

// The victim sends; returns how many bytes.
static size_t let_send(struct pair *pair)
{
    static u8 bytes[128 * 1024];
    size_t sum = 0, size;
    while ((size = p2p_connection_send(&pair->sides[1].connection, bytes, sizeof bytes,
                                       pair->now_ns)) != 0) {
        sum += size;
    }
    return sum;
}

static void pass(struct pair *pair, u64 ms)
{
    struct pair_side *victim = &pair->sides[1];
    pair->now_ns += ms * P2P_NS_PER_MS;
    enum err err = p2p_connection_tick(&victim->connection, pair->now_ns, NULL);
    victim->err = victim->err == ERR_OK ? err : victim->err;
    (void)let_send(pair);
}

static bool is_over(const struct pair *pair)
{
    return pair->sides[1].connection.stage >= P2P_STAGE_CLOSING;
}

// ---- before there is a channel

static void handshakes_take_ten_seconds(void **state)
{
    (void)state;
    // A slow loris: the beginning of a handshake, a byte a second; from either side.
    for (u32 cut = 0; cut < 70; cut += 7) {
        for (u32 victim = 0; victim < 2; victim++) {
            struct pair *pair = pair_make((struct pair_options){.seed = cut, .is_plain = true});
            struct pair_side *side = &pair->sides[victim];
            u8 bytes[512];
            size_t size = 0, taken;
            if (victim == 1) {
                size = p2p_connection_send(&pair->sides[0].connection, bytes, sizeof bytes,
                                           pair->now_ns);
            } else {
                memcpy(bytes, "\x13/multistream/1.0.0\n\x07/noise\n\x01\x00", 30);
                size = 30;
            }
            for (u32 i = 0; i < 9; i++) {
                pair->now_ns += 1000 * P2P_NS_PER_MS;
                size_t step = i == 0 ? cut : 1;
                step = step < size ? step : size;
                assert_int_equal(p2p_connection_receive(&side->connection, bytes, step,
                                                        pair->now_ns, &taken, NULL),
                                 ERR_OK);
                memmove(bytes, bytes + step, size - step);
                size -= step;
                assert_int_equal(p2p_connection_tick(&side->connection, pair->now_ns, NULL),
                                 ERR_OK);
            }
            assert_true(p2p_connection_wake(&side->connection) > pair->now_ns);
            pair->now_ns += 1000 * P2P_NS_PER_MS;
            assert_true(p2p_connection_wake(&side->connection) <= pair->now_ns);
            assert_int_equal(p2p_connection_tick(&side->connection, pair->now_ns, NULL),
                             ERR_CLOSED);
            assert_true(p2p_connection_is_closed(&side->connection));
            assert_int_equal(side->host.pool.free_count, PAIR_CHUNKS);
            pair_drop(pair);
        }
    }
}

static void any_changed_byte_ends_a_handshake(void **state)
{
    (void)state;
    // Whichever byte is changed on its way, of the handshake or the first messages behind it: at
    // least the one who reads it ends the connection.
    for (u32 at = 0; at < 700; at += 3) {
        struct pair *pair =
            pair_make((struct pair_options){.seed = at, .early_muxer = {true, true}});
        size_t passed = 0;
        bool changed = false;
        for (u32 turn = 0; turn < 12; turn++) {
            for (u32 i = 0; i < 2 && !changed; i++) {
                struct pair_wire *wire = &pair->sides[i].in;
                if (at >= passed && at < passed + wire->size) {
                    wire->bytes[at - passed] ^= 1;
                    changed = true;
                }
                passed += wire->size;
            }
            pair_step(pair);
        }
        pair_wait(pair, P2P_HANDSHAKE_MS + 1000);
        if (changed) {
            assert_true(pair->sides[0].err != ERR_OK || pair->sides[1].err != ERR_OK);
        }
        pair_drop(pair);
    }
}

static enum err first_bytes(const void *bytes, size_t size)
{
    struct pair *pair = pair_make((struct pair_options){.seed = 1, .is_plain = true});
    struct pair_side *side = &pair->sides[1];
    u8 *copy = malloc(size);
    size_t taken;
    memcpy(copy, bytes, size);
    enum err err =
        p2p_connection_receive(&side->connection, copy, size, pair->now_ns, &taken, NULL);
    assert_int_equal(taken, size);
    free(copy);
    assert_true(err == ERR_OK || p2p_connection_is_closed(&side->connection));
    pair_drop(pair);
    return err;
}

#define BEGINNING "\x13/multistream/1.0.0\n\x07/noise\n"

static void other_protocols_are_refused(void **state)
{
    (void)state;
    static const u8 empty[] = BEGINNING "\0\0";
    static const u8 small[] = BEGINNING "\0\1x";
    static const char http[] = "GET / HTTP/1.1\r\nHost: of more letters than the first one says, "
                               "which is taken for a size\r\n\r\n";
    assert_int_equal(first_bytes(http, sizeof http - 1), ERR_MALFORMED);
    assert_int_equal(first_bytes(empty, sizeof empty - 1), ERR_MALFORMED);
    assert_int_equal(first_bytes(small, sizeof small - 1), ERR_MALFORMED);
    u8 *zeros = calloc(1, 100000);
    assert_int_equal(first_bytes(zeros, 100000), ERR_MALFORMED);
    memset(zeros, 0xff, 100000);
    assert_int_equal(first_bytes(zeros, 100000), ERR_LIMIT);
    // A message of the handshake at its bound, and one beyond.
    size_t head = sizeof BEGINNING - 1;
    memset(zeros, 0, 100000);
    memcpy(zeros, BEGINNING, head);
    for (size_t size = P2P_HANDSHAKE_BYTES; size <= P2P_HANDSHAKE_BYTES + 1; size++) {
        zeros[head] = (u8)(size >> 8);
        zeros[head + 1] = (u8)size;
        assert_int_equal(first_bytes(zeros, head + 2 + size),
                         size <= P2P_HANDSHAKE_BYTES ? ERR_OK : ERR_LIMIT);
    }
    free(zeros);
}

// ---- the channel

static void broken_messages_end_it(void **state)
{
    (void)state;
    static const struct {
        u8 bytes[40];
        size_t size;
        enum err err;
    } all[] = {{{0, 0}, 2, ERR_MALFORMED},
               {{0, 15}, 17, ERR_MALFORMED},
               {{0, 16}, 18, ERR_MISMATCH},
               {{0, 30}, 32, ERR_MISMATCH}};
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        for (u32 slow = 0; slow < 2; slow++) {
            struct pair *pair = hostile_pair(i);
            struct pair_wire *wire = &pair->sides[1].in;
            for (size_t at = 0; at < all[i].size; at++) {
                wire->bytes[wire->size++] = all[i].bytes[at];
                if (slow == 1) {
                    hear(pair);
                }
            }
            hear(pair);
            assert_int_equal(pair->sides[1].err, all[i].err);
            assert_true(is_over(pair));
            pair_drop(pair);
        }
    }
}

static void a_message_does_not_come_twice(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(20);
    struct pair_wire *wire = &pair->sides[1].in;
    say_frame(pair, YAMUX_PING, YAMUX_SYN, 0, 1, "", 0);
    memcpy(wire->bytes + wire->size, wire->bytes, wire->size);
    wire->size *= 2;
    hear(pair);
    assert_int_equal(pair->sides[1].err, ERR_MISMATCH);
    pair_drop(pair);
}

static void a_message_that_never_ends(void **state)
{
    (void)state;
    // Half a message, then a byte now and then: the peer must answer a ping as everybody else.
    struct pair *pair = hostile_pair(21);
    struct pair_wire *wire = &pair->sides[1].in;
    wire->bytes[0] = wire->bytes[1] = 0xff;
    wire->size = 2;
    u32 passed = 0;
    for (; !is_over(pair) && passed < 100; passed++) {
        hear(pair);
        wire->bytes[0] = 0;
        wire->size = 1;
        pass(pair, 1000);
    }
    assert_true(passed <= (P2P_PING_MS + P2P_PONG_MS) / 1000 + 1);
    assert_int_equal(pair->sides[1].err, ERR_CLOSED);
    assert_int_equal(pair->sides[1].host.pool.free_count, PAIR_CHUNKS);
    pair_drop(pair);
}

static void broken_frames_are_answered_with_a_farewell(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(22);
    say_frame(pair, 9, 0, 0, 0, "", 0);
    hear(pair);
    assert_int_equal(pair->sides[1].err, ERR_MALFORMED);
    assert_int_equal(pair->sides[1].connection.yamux.reason, YAMUX_PROTOCOL_ERROR);
    assert_int_equal(let_send(pair), 2 + H + P2P_NOISE_TAG_BYTES);
    assert_true(p2p_connection_is_closed(&pair->sides[1].connection));
    pair_drop(pair);
}

static void a_farewell_that_nobody_takes(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(23);
    p2p_connection_close(&pair->sides[1].connection, pair->now_ns);
    assert_false(p2p_connection_is_closed(&pair->sides[1].connection));
    pair->now_ns += P2P_FAREWELL_MS * P2P_NS_PER_MS;
    assert_int_equal(p2p_connection_tick(&pair->sides[1].connection, pair->now_ns, NULL), ERR_OK);
    assert_true(p2p_connection_is_closed(&pair->sides[1].connection));
    pair_drop(pair);
}

// ---- streams

static void streams_that_never_say_what_they_are(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(24);
    for (u32 i = 0; i < P2P_STREAMS_IN; i++) {
        say_frame(pair, YAMUX_DATA, YAMUX_SYN, 101 + 2 * i, 1, "\x13", 1);
    }
    hear(pair);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, P2P_STREAMS_IN);
    say_frame(pair, YAMUX_PING, YAMUX_SYN, 0, 1, "", 0);
    hear(pair);
    pass(pair, P2P_NEGOTIATE_MS - 1);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, P2P_STREAMS_IN);
    pass(pair, 1);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    assert_false(is_over(pair));
    assert_int_equal(pair->sides[1].host.pool.free_count, PAIR_CHUNKS);
    pair_drop(pair);
}

static void negotiations_in_vain(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(25);
    u8 bytes[1024];
    size_t size = multistream_propose(SPAN_LITERAL("/x"), bytes);
    for (u32 i = 0; i < P2P_PROPOSALS; i++) {
        memcpy(bytes + size, "\x03/x\n", 4);
        size += 4;
    }
    say_frame(pair, YAMUX_DATA, YAMUX_SYN, 101, (u32)size, bytes, size);
    hear(pair);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 1); // to be reset
    (void)let_send(pair);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    assert_false(is_over(pair));
    pair_drop(pair);
}

static void keep(struct pair_side *side, struct p2p_event event)
{
    if (event.kind == P2P_EVENT_ACCEPTED) {
        side->context = event.stream;
    }
}

static void what_is_not_read_waits(void **state)
{
    (void)state;
    // Streams as many as may be, filled by a peer while the application reads none of them: at the
    // bound the connection takes no more, and goes on when it is read.
    struct pair *pair = hostile_pair(26);
    struct pair_side *victim = &pair->sides[1];
    static const u8 zeros[20000];
    victim->on_stream = keep;
    u32 stream = 0;
    size_t said = 0;
    for (u32 i = 0; i < 8; i++) {
        say_open(pair, 101 + 2 * i, pair_protocols[1], zeros, 1000);
        hear(pair);
    }
    while (!victim->connection.is_stalled) {
        (void)let_send(pair); // the wider windows
        say_frame(pair, YAMUX_DATA, 0, 101 + 2 * (stream % 8), 20000, zeros, 20000);
        said += 20000;
        stream++;
        hear(pair);
        assert_true(said < 8 * P2P_WINDOW_BYTES);
    }
    assert_true(victim->connection.receiving.held <= P2P_RECEIVE_CHUNKS);
    assert_true(said > P2P_RECEIVE_CHUNKS * P2P_CHUNK_BYTES / 2);
    size_t left = victim->in.size;
    hear(pair);
    assert_int_equal(victim->in.size, left);
    assert_true(p2p_connection_wake(&victim->connection) <=
                pair->now_ns + P2P_RECALL_MS * P2P_NS_PER_MS);
    for (u32 i = 0; i < 10; i++) { // nobody calls the peer dead that is not listened to
        pass(pair, P2P_PONG_MS);
    }
    assert_false(is_over(pair));
    for (struct list_node *node = list_first(&victim->connection.yamux.streams); node != NULL;
         node = list_next(&victim->connection.yamux.streams, node)) {
        struct p2p_stream *each = p2p_stream_of(LIST_ITEM(node, struct yamux_stream, of_owner));
        while (p2p_stream_front(each).size != 0) {
            p2p_stream_skip(each, p2p_stream_front(each).size);
        }
    }
    hear(pair);
    assert_int_equal(victim->in.size, 0);
    assert_int_equal(victim->err, ERR_OK);
    p2p_connection_drop(&victim->connection);
    for (u32 i = 0; i < PAIR_STREAMS; i++) {
        if (victim->streams[i].yamux.pool != NULL) {
            p2p_stream_close(&victim->streams[i]);
        }
    }
    pair_drop(pair);
}

static void an_end_waits_for_the_answer(void **state)
{
    (void)state;
    // js-libp2p loses a stream whose FIN is there before it has answered the proposal.
    struct pair *pair = hostile_pair(27);
    struct p2p_stream *stream;
    assert_int_equal(
        p2p_stream_open(&pair->sides[1].connection, SPAN_LITERAL("/a/1"), &stream, NULL), ERR_OK);
    assert_int_equal(p2p_stream_write(stream, SPAN_LITERAL("eager")), 5);
    u32 id = stream->yamux.id;
    p2p_stream_close(stream);
    (void)let_send(pair);
    assert_int_equal(stream->yamux.out.size, 0); // the data went ahead
    assert_false(stream->yamux.fin_sent);
    const char answer[] = "\x13/multistream/1.0.0\n\x05/a/1\n";
    say_frame(pair, YAMUX_DATA, YAMUX_ACK, id, sizeof answer - 1, answer, sizeof answer - 1);
    hear(pair);
    (void)let_send(pair);
    assert_true(stream->yamux.fin_sent);
    pass(pair, P2P_LINGER_MS); // the peer never ends its part
    assert_int_equal(pair->sides[1].connection.yamux.out_count, 0);
    pair_drop(pair);
}

// Lets the victim hear it, without asking it what happened.
static void hear_silently(struct pair *pair)
{
    struct pair_side *victim = &pair->sides[1];
    size_t taken;
    enum err err = p2p_connection_receive(&victim->connection, victim->in.bytes, victim->in.size,
                                          pair->now_ns, &taken, NULL);
    victim->err = victim->err == ERR_OK ? err : victim->err;
    assert_int_equal(taken, victim->in.size);
    victim->in.size = 0;
}

static void a_stream_that_nobody_has_heard_of(void **state)
{
    (void)state;
    // It comes, and the connection ends before the application was told: then it never was.
    struct pair *pair = hostile_pair(28);
    say_open(pair, 101, pair_protocols[1], "", 0);
    hear_silently(pair);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 1);
    say_frame(pair, 9, 0, 0, 0, "", 0);
    hear_silently(pair);
    assert_int_equal(pair->sides[1].err, ERR_MALFORMED);
    assert_int_equal(pair->sides[1].host.streams.free_count, PAIR_STREAMS);
    assert_null(p2p_connection_next(&pair->sides[1].connection).stream);
    pair_drop(pair);
}

static void closing_before_the_handshake_has_left(void **state)
{
    (void)state;
    // The dialler is open when it has written its last message, before that is sent.
    struct pair *pair = pair_make((struct pair_options){.seed = 29, .early_muxer = {true, true}});
    struct pair_side *dialler = &pair->sides[0], *listener = &pair->sides[1];
    u8 bytes[1024];
    size_t taken, size;
    size = p2p_connection_send(&dialler->connection, bytes, sizeof bytes, pair->now_ns);
    assert_int_equal(
        p2p_connection_receive(&listener->connection, bytes, size, pair->now_ns, &taken, NULL),
        ERR_OK);
    size = p2p_connection_send(&listener->connection, bytes, sizeof bytes, pair->now_ns);
    assert_int_equal(
        p2p_connection_receive(&dialler->connection, bytes, size, pair->now_ns, &taken, NULL),
        ERR_OK);
    assert_int_equal(dialler->connection.stage, P2P_STAGE_OPEN);
    p2p_connection_close(&dialler->connection, pair->now_ns);
    while (p2p_connection_send(&dialler->connection, bytes, sizeof bytes, pair->now_ns) != 0) {
    }
    assert_true(p2p_connection_is_closed(&dialler->connection));
    pair_drop(pair);
}

// ---- identify and ping

// What the victim makes of a push of these bytes: its identity as it is then.
static struct p2p_identity pushed(const u8 *bytes, size_t size, bool *heard)
{
    struct pair *pair = hostile_pair(30);
    u32 before = pair->sides[1].identified;
    u32 id = 101;
    say_open(pair, id, SPAN_LITERAL("/ipfs/id/push/1.0.0"), "", 0);
    for (size_t at = 0; at < size; at += 16000) {
        size_t step = size - at < 16000 ? size - at : 16000;
        say_frame(pair, YAMUX_DATA, 0, id, (u32)step, bytes + at, step);
        hear(pair);
    }
    say_frame(pair, YAMUX_WINDOW, YAMUX_FIN, id, 0, "", 0);
    hear(pair);
    (void)let_send(pair);
    *heard = pair->sides[1].identified > before;
    struct p2p_identity identity = pair->sides[1].connection.identity;
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    assert_false(is_over(pair));
    assert_int_equal(pair->sides[1].host.pool.free_count, PAIR_CHUNKS);
    pair_drop(pair);
    return identity;
}

static void identities_have_bounds(void **state)
{
    (void)state;
    u8 *inner = calloc(1, 3 * P2P_IDENTIFY_BYTES), *bytes = calloc(1, 3 * P2P_IDENTIFY_BYTES);
    bool heard;
    // Names at the bound, and one beyond: CVE-2023-40583 and 1,800 protocols.
    for (u32 names = P2P_IDENTIFY_NAMES; names <= P2P_IDENTIFY_NAMES + 1; names++) {
        struct proto_writer in = proto_writer_over(inner, P2P_IDENTIFY_BYTES);
        for (u32 i = 0; i < names - 20; i++) {
            proto_bytes(&in, 3, SPAN_LITERAL("/some/protocol"));
        }
        for (u32 i = 0; i < 20; i++) {
            proto_bytes(&in, 2, SPAN_LITERAL("\x04\x7f\x00\x00\x01\x06\x10\x01"));
        }
        proto_bytes(&in, 6,
                    SPAN_LITERAL("an agent whose name is \x1b[2J very long, longer than "
                                 "anything that a person would like to read in a list"));
        struct proto_writer out = proto_writer_over(bytes, P2P_IDENTIFY_BYTES);
        proto_varint(&out, in.size);
        proto_raw(&out, span_of(inner, in.size));
        struct p2p_identity identity = pushed(bytes, out.size, &heard);
        assert_int_equal(heard, names <= P2P_IDENTIFY_NAMES);
        if (heard) {
            assert_int_equal(identity.address_count, P2P_IDENTIFY_ADDRESSES);
            assert_int_equal(strlen(identity.agent), P2P_AGENT_BYTES - 1);
            assert_int_equal(identity.protocols, 0);
            assert_null(strchr(identity.agent, '\x1b'));
        }
    }
    // Bytes at the bound, and one beyond.
    for (size_t size = P2P_IDENTIFY_BYTES; size <= P2P_IDENTIFY_BYTES + 1; size++) {
        struct proto_writer out = proto_writer_over(bytes, 2 * P2P_IDENTIFY_BYTES);
        proto_varint(&out, size - 2);
        proto_bytes(&out, 99, span_of(inner, size - 2 - 4));
        assert_int_equal(out.size, size);
        (void)pushed(bytes, out.size, &heard);
        assert_int_equal(heard, size <= P2P_IDENTIFY_BYTES);
    }
    (void)pushed(bytes, 20000, &heard);
    assert_false(heard);
    free(inner);
    free(bytes);
}

static void strangers_hear_no_private_address(void **state)
{
    (void)state;
    static const struct {
        const char *peer;
        u32 addresses;
    } rows[] = {{"/ip4/11.1.0.1/tcp/4001", 2},    {"/ip6/2a00::1/tcp/4001", 2},
                {"/ip4/192.168.1.2/tcp/4001", 4}, {"/ip4/127.0.0.1/tcp/4001", 4},
                {"/ip6/fd00::1/tcp/4001", 4},     {"", 4}};
    static const char *const ours[] = {"/ip4/10.0.0.1/tcp/1", "/ip4/12.0.0.1/tcp/2",
                                       "/ip6/fd00::2/tcp/3", "/ip6/2a00::2/tcp/4"};
    struct multiaddr addresses[4], peer = {0};
    struct pair *pair = hostile_pair(31);
    struct p2p_host *host = &pair->sides[1].host;
    u8 bytes[P2P_IDENTIFY_BYTES];
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(multiaddr_parse(span_string(ours[i]), &addresses[i], NULL), ERR_OK);
    }
    host->config.addresses = addresses;
    host->config.address_count = 4;
    for (u32 i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct p2p_identity identity = {0};
        peer.size = 0;
        if (rows[i].peer[0] != 0) {
            assert_int_equal(multiaddr_parse(span_string(rows[i].peer), &peer, NULL), ERR_OK);
        }
        size_t size = p2p_identify_write(host, span_of(peer.bytes, peer.size), bytes, sizeof bytes);
        assert_true(size <= sizeof bytes);
        assert_int_equal(p2p_identify_read(host, &host->id, span_of(bytes, size), &identity, NULL),
                         ERR_OK);
        assert_int_equal(identity.address_count, rows[i].addresses);
    }
    pair_drop(pair);
}

static void identities_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        bool heard;
    } all[] = {
        {"", 0, true},                         // nothing is said
        {"\x05", 1, false},                    // cut off
        {"\x04\x0a\x02\x08\x01", 5, false},    // the key of somebody else
        {"\x02\x08\x01", 3, false},            // a key that is a number
        {"\x02\x32\x05", 3, false},            // beyond its message
        {"\x05\x12\x03\xff\xff\xff", 6, true}, // an address that is none: read over
        {"\x05\x22\x03\xff\xff\xff", 6, true},
        {"\x02\x3a\x00\x02\x3a\x00", 6, true}, // two messages
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, false},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        bool heard;
        struct p2p_identity identity = pushed((const u8 *)all[i].bytes, all[i].size, &heard);
        assert_int_equal(heard, all[i].heard);
        assert_string_equal(identity.agent, "pair/1"); // of the first identify
        assert_int_equal(identity.protocols, 31);
    }
}

static void pings_have_bounds(void **state)
{
    (void)state;
    struct pair *pair = hostile_pair(31);
    u8 zeros[P2P_PING_BYTES] = {0};
    for (u32 i = 0; i < 5; i++) {
        say_open(pair, 101 + 2 * i, SPAN_LITERAL("/ipfs/ping/1.0.0"), zeros, sizeof zeros);
    }
    hear(pair);
    assert_int_equal(pair->sides[1].connection.pings_in, P2P_PINGS);
    (void)let_send(pair);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, P2P_PINGS);
    for (u32 i = 0; i < 5; i++) {
        say_frame(pair, YAMUX_WINDOW, YAMUX_RST, 101 + 2 * i, 0, "", 0);
    }
    hear(pair);
    assert_int_equal(pair->sides[1].connection.pings_in, 0);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    pair_drop(pair);
}

static void pings_that_are_not_answered(void **state)
{
    (void)state;
    // Neither their protocol, nor, that being agreed on, the ping.
    const char agreed[] = "\x13/multistream/1.0.0\n\x11/ipfs/ping/1.0.0\n";
    for (u32 agrees = 0; agrees < 2; agrees++) {
        struct pair *pair = hostile_pair(32);
        struct p2p_connection *connection = &pair->sides[1].connection;
        assert_int_equal(p2p_connection_ping(connection, NULL), ERR_OK);
        (void)let_send(pair);
        if (agrees == 1) {
            say_frame(pair, YAMUX_DATA, YAMUX_ACK, connection->ping->yamux.id, sizeof agreed - 1,
                      agreed, sizeof agreed - 1);
            hear(pair);
            assert_int_equal(connection->ping->stage, P2P_STREAM_SPEAKS);
        }
        pass(pair, P2P_NEGOTIATE_MS);
        struct p2p_event event = p2p_connection_next(connection);
        assert_int_equal(event.kind, P2P_EVENT_PONG);
        assert_int_equal(connection->pong_ns, 0);
        assert_null(connection->ping);
        pair_drop(pair);
    }
}

static void connections_come_and_go(void **state)
{
    (void)state;
    // What boxo and others leaked: something for each peer that was ever seen.
    struct pair *pair = hostile_pair(33);
    for (u32 i = 0; i < 10000; i++) {
        struct p2p_connection connection;
        u8 bytes[P2P_SEND_BYTES];
        size_t taken;
        struct pair_side *side = &pair->sides[i % 2];
        p2p_connection_init(&connection, &side->host, i % 3 != 0, NULL, NULL, pair->now_ns);
        if (i % 5 != 0) {
            memset(bytes, (int)i, sizeof bytes);
            memcpy(bytes, BEGINNING, sizeof BEGINNING - 1);
            (void)p2p_connection_receive(&connection, bytes, i % sizeof bytes, pair->now_ns, &taken,
                                         NULL);
        }
        p2p_connection_drop(&connection);
        assert_int_equal(side->host.connection_count, 1);
    }
    pair_drop(pair); // has everything
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshakes_take_ten_seconds),
        cmocka_unit_test(any_changed_byte_ends_a_handshake),
        cmocka_unit_test(other_protocols_are_refused),
        cmocka_unit_test(broken_messages_end_it),
        cmocka_unit_test(a_message_does_not_come_twice),
        cmocka_unit_test(a_message_that_never_ends),
        cmocka_unit_test(broken_frames_are_answered_with_a_farewell),
        cmocka_unit_test(a_farewell_that_nobody_takes),
        cmocka_unit_test(streams_that_never_say_what_they_are),
        cmocka_unit_test(negotiations_in_vain),
        cmocka_unit_test(what_is_not_read_waits),
        cmocka_unit_test(an_end_waits_for_the_answer),
        cmocka_unit_test(a_stream_that_nobody_has_heard_of),
        cmocka_unit_test(closing_before_the_handshake_has_left),
        cmocka_unit_test(identities_have_bounds),
        cmocka_unit_test(strangers_hear_no_private_address),
        cmocka_unit_test(identities_are_checked),
        cmocka_unit_test(pings_have_bounds),
        cmocka_unit_test(pings_that_are_not_answered),
        cmocka_unit_test(connections_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
