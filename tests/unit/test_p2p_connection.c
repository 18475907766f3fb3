// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/p2p/connection.h keep its promises: two connections back to back, whatever the wire does
// to their bytes, and whatever time passes?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_pair.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- echo: a side that answers, a side that asks

static void echo_side(struct pair_side *side, struct p2p_event event)
{
    struct p2p_stream *stream = event.stream;
    struct span front;
    (void)side;
    if (p2p_stream_is_failed(stream)) {
        p2p_stream_close(stream);
        return;
    }
    while ((front = p2p_stream_front(stream)).size != 0) {
        size_t done = p2p_stream_write(stream, front);
        p2p_stream_skip(stream, done);
        if (done < front.size) {
            return;
        }
    }
    if (p2p_stream_is_ended(stream)) {
        p2p_stream_close(stream);
    }
}

enum { ASKS = 40 };

struct ask {
    struct p2p_stream *stream;
    size_t size;    // to be sent, and heard back
    size_t written; //
    size_t heard;
    bool failed;
};

struct asking {
    struct ask asks[ASKS];
    u32 count;
    u32 ended;
};

static u8 ask_byte(size_t which, size_t at)
{
    return (u8)(at * 7 + (at >> 8) + which);
}

static void ask_write(struct asking *asking, struct ask *ask)
{
    u8 bytes[4096];
    size_t which = (size_t)(ask - asking->asks);
    while (ask->written < ask->size) {
        size_t size = ask->size - ask->written;
        size = size < sizeof bytes ? size : sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = ask_byte(which, ask->written + i);
        }
        size_t done = p2p_stream_write(ask->stream, span_of(bytes, size));
        ask->written += done;
        if (done < size) {
            return;
        }
    }
    p2p_stream_finish(ask->stream);
}

static void ask_side(struct pair_side *side, struct p2p_event event)
{
    struct asking *asking = side->context;
    struct ask *ask = event.stream->context;
    size_t which = (size_t)(ask - asking->asks);
    struct span front;
    ask_write(asking, ask);
    while ((front = p2p_stream_front(event.stream)).size != 0) {
        for (size_t i = 0; i < front.size; i++) {
            assert_int_equal(front.data[i], ask_byte(which, ask->heard + i));
        }
        ask->heard += front.size;
        p2p_stream_skip(event.stream, front.size);
    }
    ask->failed = p2p_stream_is_failed(event.stream);
    if (ask->failed || p2p_stream_is_ended(event.stream)) {
        asking->ended++;
        p2p_stream_close(event.stream);
        ask->stream = NULL;
    }
}

static void ask_open(struct pair_side *side, struct asking *asking, size_t size)
{
    struct ask *ask = &asking->asks[asking->count++];
    *ask = (struct ask){.size = size};
    assert_int_equal(p2p_stream_open(&side->connection, pair_protocols[0], &ask->stream, NULL),
                     ERR_OK);
    ask->stream->context = ask;
    ask_write(asking, ask);
}

static void assert_asked(const struct asking *asking)
{
    assert_int_equal(asking->ended, asking->count);
    for (u32 i = 0; i < asking->count; i++) {
        assert_false(asking->asks[i].failed);
        assert_int_equal(asking->asks[i].heard, asking->asks[i].size);
    }
}

static struct pair *open_pair(struct pair_options options)
{
    struct pair *pair = pair_make(options);
    pair->sides[1].on_stream = echo_side;
    pair->sides[0].on_stream = ask_side;
    pair_run(pair);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(pair->sides[i].err, ERR_OK);
        assert_int_equal(pair->sides[i].opened, 1);
        assert_int_equal(pair->sides[i].identified, 1);
        assert_true(peer_id_equal(&pair->sides[i].connection.peer, &pair->sides[1 - i].host.id));
    }
    return pair;
}

static void they_open_and_identify(void **state)
{
    (void)state;
    for (u32 muxers = 0; muxers < 4; muxers++) {
        struct pair *pair = open_pair((struct pair_options){
            .seed = muxers, .early_muxer = {(muxers & 1) != 0, (muxers & 2) != 0}});
        const struct p2p_identity *identity = &pair->sides[0].connection.identity;
        assert_true(identity->is_known);
        assert_string_equal(identity->agent, "pair/1");
        assert_int_equal(identity->protocols, 31);
        pair_drop(pair);
    }
}

static void they_talk(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4084, 4085, 262143, 262144, 262145, 3000001};
    struct pair *pair = open_pair((struct pair_options){.seed = 7, .early_muxer = {true, true}});
    struct asking asking = {0};
    pair->sides[0].context = &asking;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        ask_open(&pair->sides[0], &asking, sizes[i]);
    }
    pair_run(pair);
    assert_asked(&asking);
    assert_int_equal(pair->sides[0].connection.yamux.out_count, 0);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    pair_drop(pair);
}

// Both ask and both answer.
static void either_side(struct pair_side *side, struct p2p_event event)
{
    if (event.stream->context != NULL) {
        ask_side(side, event);
    } else {
        echo_side(side, event);
    }
}

static void whatever_the_wire_does(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 40; seed++) {
        struct p2p_dice dice = {seed};
        struct asking asking[2] = {0};
        struct pair_options options = {
            .seed = seed,
            .early_muxer = {(p2p_dice_roll(&dice) & 1) != 0, (p2p_dice_roll(&dice) & 1) != 0},
            .cut_bytes = (size_t)1 << (p2p_dice_roll(&dice) % 18),
            .room_bytes = P2P_SEND_BYTES + (size_t)(p2p_dice_roll(&dice) % 70000)};
        struct pair *pair = open_pair(options);
        size_t most = options.cut_bytes < 64 ? 2000 : 200000;
        for (u32 i = 0; i < 2; i++) {
            pair->sides[i].on_stream = either_side;
            pair->sides[i].context = &asking[i];
        }
        for (u32 i = 0; i < 12; i++) {
            u32 from = (u32)(p2p_dice_roll(&dice) & 1);
            ask_open(&pair->sides[from], &asking[from], (size_t)(p2p_dice_roll(&dice) % most));
            for (u64 steps = p2p_dice_roll(&dice) % 5; steps > 0; steps--) {
                pair_step(pair);
            }
        }
        pair_run(pair);
        assert_asked(&asking[0]);
        assert_asked(&asking[1]);
        assert_int_equal(pair->sides[0].err, ERR_OK);
        assert_int_equal(pair->sides[1].err, ERR_OK);
        pair_drop(pair);
    }
}

// ---- streams that anybody does anything to

enum { HELD = 24 };

struct mess {
    struct p2p_stream *held[HELD]; // what the application of a side has
};

static void mess_side(struct pair_side *side, struct p2p_event event)
{
    struct mess *mess = side->context;
    if (event.kind == P2P_EVENT_ACCEPTED) {
        for (u32 i = 0; i < HELD; i++) {
            if (mess->held[i] == NULL) {
                mess->held[i] = event.stream;
                return;
            }
        }
        p2p_stream_close(event.stream);
        return;
    }
    bool known = false;
    for (u32 i = 0; i < HELD; i++) {
        known = known || mess->held[i] == event.stream;
    }
    assert_true(known); // nothing is heard of a stream that was closed
}

static void mess_stream(struct mess *mess, u32 which, struct p2p_dice *dice)
{
    static const u8 bytes[100000];
    struct p2p_stream *stream = mess->held[which];
    struct span front = p2p_stream_front(stream);
    switch (p2p_dice_roll(dice) % 12) {
    case 0:
        p2p_stream_finish(stream);
        break;
    case 1:
        p2p_stream_reset(stream);
        break;
    case 2:
    case 3:
        p2p_stream_close(stream);
        mess->held[which] = NULL;
        break;
    case 4:
    case 5:
    case 6:
        (void)p2p_stream_write(stream, span_of(bytes, (size_t)(p2p_dice_roll(dice) % 100000)));
        break;
    default:
        p2p_stream_skip(stream, front.size);
        break;
    }
}

static void mess_action(struct pair *pair, struct mess messes[2], struct p2p_dice *dice)
{
    u32 index = (u32)(p2p_dice_roll(dice) & 1);
    u32 which = (u32)(p2p_dice_roll(dice) % HELD);
    struct pair_side *side = &pair->sides[index];
    struct mess *mess = &messes[index];
    u64 roll = p2p_dice_roll(dice) % 1000;
    if (mess->held[which] != NULL) {
        mess_stream(mess, which, dice);
    } else if (side->connection.host == NULL) {
        return;
    } else if (roll == 0) {
        p2p_connection_drop(&side->connection); // without a farewell
    } else if (roll == 1) {
        p2p_connection_close(&side->connection, pair->now_ns);
    } else if (roll < 5) {
        pair_wait(pair, p2p_dice_roll(dice) % 20000);
    } else if (roll < 20) {
        (void)p2p_connection_push(&side->connection, NULL);
    } else if (roll < 40) {
        (void)p2p_connection_ping(&side->connection, NULL);
    } else {
        struct span name = roll % 8 == 0 ? SPAN_LITERAL("/nobody/1") : pair_protocols[roll % 2];
        (void)p2p_stream_open(&side->connection, name, &mess->held[which], NULL);
    }
}

static void whatever_applications_do(void **state)
{
    (void)state;
    for (u64 seed = 0; seed < 150; seed++) {
        struct p2p_dice dice = {seed};
        struct mess messes[2] = {0};
        struct pair *pair = pair_make((struct pair_options){
            .seed = seed,
            .is_plain = seed % 4 != 0,
            .early_muxer = {(p2p_dice_roll(&dice) & 1) != 0, (p2p_dice_roll(&dice) & 1) != 0},
            .cut_bytes = (size_t)1 << (4 + p2p_dice_roll(&dice) % 14),
            .room_bytes = P2P_SEND_BYTES + (size_t)(p2p_dice_roll(&dice) % 70000)});
        for (u32 i = 0; i < 2; i++) {
            pair->sides[i].on_stream = mess_side;
            pair->sides[i].context = &messes[i];
        }
        for (u32 i = 0; i < 600; i++) {
            mess_action(pair, messes, &dice);
            if (p2p_dice_roll(&dice) % 4 == 0) {
                pair_step(pair);
            }
        }
        for (u32 i = 0; i < 2;
             i++) { // each side keeps the rules, so none is told that it broke one
            enum err err = pair->sides[i].err;
            assert_true(err == ERR_OK || err == ERR_CLOSED);
            if (pair->sides[i].connection.host != NULL) {
                p2p_connection_drop(&pair->sides[i].connection);
            }
            for (u32 j = 0; j < HELD; j++) {
                if (messes[i].held[j] != NULL) {
                    assert_true(p2p_stream_is_failed(messes[i].held[j]));
                    p2p_stream_close(messes[i].held[j]);
                }
            }
        }
        pair_drop(pair);
    }
}

// ---- particular things

static void streams_of_no_protocol_fail(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 1, .early_muxer = {true, true}});
    struct mess mess = {0};
    pair->sides[0].on_stream = mess_side;
    pair->sides[0].context = &mess;
    assert_int_equal(
        p2p_stream_open(&pair->sides[0].connection, SPAN_LITERAL("/nobody/1"), &mess.held[0], NULL),
        ERR_OK);
    assert_int_equal(p2p_stream_write(mess.held[0], SPAN_LITERAL("eager")), 5);
    pair_run(pair);
    assert_true(p2p_stream_is_failed(mess.held[0]));
    assert_int_equal(mess.held[0]->failure, ERR_UNSUPPORTED);
    p2p_stream_close(mess.held[0]);
    pair_run(pair);
    assert_int_equal(pair->sides[0].connection.yamux.out_count, 0);
    assert_int_equal(pair->sides[1].connection.yamux.in_count, 0);
    pair_drop(pair);
}

static void a_stream_may_be_closed_at_once(void **state)
{
    (void)state;
    // Written, closed and forgotten before its protocol was agreed on: all of it arrives.
    struct pair *pair = open_pair((struct pair_options){.seed = 2, .early_muxer = {true, true}});
    struct mess mess = {0};
    struct p2p_stream *stream;
    pair->sides[1].on_stream = mess_side;
    pair->sides[1].context = &mess;
    assert_int_equal(p2p_stream_open(&pair->sides[0].connection, pair_protocols[1], &stream, NULL),
                     ERR_OK);
    assert_int_equal(p2p_stream_write(stream, SPAN_LITERAL("all")), 3);
    p2p_stream_close(stream);
    pair_run(pair);
    assert_non_null(mess.held[0]);
    assert_int_equal(mess.held[0]->protocol, P2P_SERVICES + 1);
    assert_true(span_equal(p2p_stream_front(mess.held[0]), SPAN_LITERAL("all")));
    p2p_stream_skip(mess.held[0], 3);
    assert_true(p2p_stream_is_ended(mess.held[0]));
    p2p_stream_close(mess.held[0]);
    pair_run(pair);
    assert_int_equal(pair->sides[0].connection.yamux.out_count, 0);
    pair_drop(pair);
}

static void pings_take_time(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 3});
    for (u32 i = 1; i <= 3; i++) {
        assert_int_equal(p2p_connection_ping(&pair->sides[0].connection, NULL), ERR_OK);
        assert_int_equal(p2p_connection_ping(&pair->sides[0].connection, NULL), ERR_BUSY);
        pair->now_ns += 5000;
        pair_run(pair);
        assert_int_equal(pair->sides[0].pongs, i);
        assert_int_equal(pair->sides[0].connection.pong_ns, 5000);
    }
    assert_int_equal(pair->sides[1].connection.pings_in, 0);
    pair_drop(pair);
}

static void pushes_are_heard(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 4});
    assert_int_equal(p2p_connection_push(&pair->sides[1].connection, NULL), ERR_OK);
    pair_run(pair);
    assert_int_equal(pair->sides[0].identified, 2);
    pair_drop(pair);
}

static void idle_connections_stay_and_hold_nothing(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 5, .early_muxer = {true, true}});
    pair_wait(pair, 10 * 60 * 1000);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(pair->sides[i].connection.stage, P2P_STAGE_OPEN);
        assert_int_equal(pair->sides[i].host.pool.free_count, PAIR_CHUNKS);
        assert_int_equal(pair->sides[i].host.streams.free_count, PAIR_STREAMS);
    }
    pair_drop(pair);
    assert_true(sizeof(struct p2p_connection) < 8192); // a thousand idle ones are 8 MiB
}

static void who_talks_is_not_asked(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 13, .early_muxer = {true, true}});
    for (u32 i = 0; i < 10; i++) {
        assert_int_equal(p2p_connection_ping(&pair->sides[0].connection, NULL), ERR_OK);
        pair_wait(pair, P2P_PING_MS - 1000);
    }
    assert_int_equal(pair->sides[0].connection.yamux.ping_value, 0);
    assert_int_equal(pair->sides[1].connection.yamux.ping_value, 0);
    pair_wait(pair, 2000);
    assert_int_equal(pair->sides[0].connection.yamux.ping_value, 1);
    pair_drop(pair);
}

static void dead_peers_are_noticed(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 6, .early_muxer = {true, true}});
    p2p_connection_drop(&pair->sides[1].connection);
    pair_wait(pair, P2P_PING_MS + P2P_PONG_MS - 1000);
    assert_int_equal(pair->sides[0].connection.stage, P2P_STAGE_OPEN);
    pair_wait(pair, 2000);
    assert_int_equal(pair->sides[0].err, ERR_CLOSED);
    assert_true(p2p_connection_is_closed(&pair->sides[0].connection));
    pair_drop(pair);
}

static void closing_is_told(void **state)
{
    (void)state;
    for (u32 from = 0; from < 2; from++) {
        struct pair *pair = open_pair((struct pair_options){.seed = 8});
        p2p_connection_close(&pair->sides[from].connection, pair->now_ns);
        pair_run(pair);
        assert_true(p2p_connection_is_closed(&pair->sides[from].connection));
        assert_true(p2p_connection_is_closed(&pair->sides[1 - from].connection));
        assert_int_equal(pair->sides[1 - from].err, ERR_CLOSED);
        pair_drop(pair);
    }
}

static void the_peer_must_be_who_was_dialled(void **state)
{
    (void)state;
    struct pair *pair = open_pair((struct pair_options){.seed = 9});
    struct peer_id listener = pair->sides[1].host.id, dialler = pair->sides[0].host.id;
    pair_drop(pair);
    pair = open_pair((struct pair_options){.seed = 10, .expected = &listener});
    pair_drop(pair);
    pair = pair_make((struct pair_options){.seed = 11, .expected = &dialler});
    pair_run(pair);
    assert_int_equal(pair->sides[0].err, ERR_MISMATCH);
    assert_true(p2p_connection_is_closed(&pair->sides[0].connection));
    assert_int_equal(pair->sides[1].opened, 0);
    pair_drop(pair);
}

static void memory_may_be_short(void **state)
{
    (void)state;
    // Hosts of so few chunks and streams: it works or it fails, and everything is given back.
    for (u32 chunks = 0; chunks < 48; chunks++) {
        struct pair *pair = pair_make((struct pair_options){.seed = chunks, .is_plain = true});
        for (u32 i = 0; i < 2; i++) {
            struct pair_side *side = &pair->sides[i];
            p2p_connection_drop(&side->connection);
            struct p2p_host_config config = side->host.config;
            config.chunk_count = chunks;
            config.stream_count = chunks / 8;
            p2p_host_drop(&side->host);
            assert_int_equal(p2p_host_init(&side->host, &config, NULL), ERR_OK);
        }
        for (u32 i = 0; i < 2; i++) {
            struct pair_side *side = &pair->sides[i];
            p2p_connection_init(&side->connection, &side->host, i == 0, NULL, NULL, pair->now_ns);
        }
        pair_run(pair);
        pair_wait(pair, 40000);
        pair_drop(pair);
    }
}

static void hosts_are_checked(void **state)
{
    (void)state;
    struct pair *pair = pair_make((struct pair_options){.seed = 12});
    struct p2p_host_config good = pair->sides[0].host.config;
    struct p2p_host *host = calloc(1, sizeof *host);
    good.chunk_count = good.stream_count = 0; // they are in use
    struct span names[P2P_PROTOCOLS];
    u8 name[P2P_PROTOCOL_BYTES + 1] = {0};
    for (u32 i = 0; i < P2P_PROTOCOLS; i++) {
        names[i] = span_of(name, 100);
    }
    struct p2p_host_config config = good;
    config.protocols = names;
    config.protocol_count = P2P_PROTOCOLS - P2P_SERVICES;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_OK);
    config.protocol_count++;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_LIMIT);
    config.protocol_count = 1;
    names[0].size = P2P_PROTOCOL_BYTES;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_OK);
    names[0].size = P2P_PROTOCOL_BYTES + 1;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_LIMIT);
    for (u32 i = 0; i < P2P_PROTOCOLS; i++) { // each may be, and all together are too long
        names[i] = span_of(name, P2P_PROTOCOL_BYTES);
    }
    config.protocol_count = 25;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_OK);
    config.protocol_count = 32;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_LIMIT);
    config = good;
    config.window_bytes = YAMUX_WINDOW_BYTES - 1;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_INVALID);
    config = good;
    config.agent.size = P2P_AGENT_BYTES;
    assert_int_equal(p2p_host_init(host, &config, NULL), ERR_LIMIT);
    free(host);
    pair_drop(pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_open_and_identify),
        cmocka_unit_test(they_talk),
        cmocka_unit_test(whatever_the_wire_does),
        cmocka_unit_test(whatever_applications_do),
        cmocka_unit_test(streams_of_no_protocol_fail),
        cmocka_unit_test(a_stream_may_be_closed_at_once),
        cmocka_unit_test(pings_take_time),
        cmocka_unit_test(pushes_are_heard),
        cmocka_unit_test(idle_connections_stay_and_hold_nothing),
        cmocka_unit_test(who_talks_is_not_asked),
        cmocka_unit_test(dead_peers_are_noticed),
        cmocka_unit_test(closing_is_told),
        cmocka_unit_test(the_peer_must_be_who_was_dialled),
        cmocka_unit_test(memory_may_be_short),
        cmocka_unit_test(hosts_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
