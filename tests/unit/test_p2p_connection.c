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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_open_and_identify),
        cmocka_unit_test(they_talk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
