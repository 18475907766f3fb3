// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/p2p/yamux.h keep its promises to a peer that does not keep its own? Frames by hand.
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/yamux.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    CHUNKS = 1024,
    STREAMS = 256,
    FRAMES = 2048,
    H = YAMUX_HEADER_BYTES,
};

// A listener, to whom the test is the dialler.
struct bench {
    struct yamux yamux;
    struct yamux_streams pool;
    struct yamux_stream streams[STREAMS];
    struct p2p_pool chunk_pool;
    struct p2p_chunk chunks[CHUNKS];
    struct p2p_account receiving, sending;
    struct yamux_header sent[FRAMES]; // what yamux_send made, in order
    u32 sent_count;
    size_t data_bytes; // of frames of data among them
};

static struct bench *bench_make(u32 window_bytes)
{
    struct bench *bench = calloc(1, sizeof *bench);
    yamux_streams_init(&bench->pool);
    for (u32 i = 0; i < STREAMS; i++) {
        yamux_streams_add(&bench->pool, &bench->streams[i]);
    }
    p2p_pool_init(&bench->chunk_pool, bench->chunks, CHUNKS);
    bench->receiving =
        (struct p2p_account){.pool = &bench->chunk_pool, .limit = P2P_RECEIVE_CHUNKS};
    bench->sending = (struct p2p_account){.pool = &bench->chunk_pool, .limit = P2P_SEND_CHUNKS};
    yamux_init(&bench->yamux, false, window_bytes, &bench->pool, &bench->receiving,
               &bench->sending);
    return bench;
}

static void bench_drop(struct bench *bench)
{
    yamux_drop(&bench->yamux);
    for (u32 i = 0; i < STREAMS; i++) {
        if (bench->streams[i].pool != NULL) { // the test's
            yamux_release(&bench->streams[i]);
        }
    }
    assert_int_equal(bench->pool.free_count, STREAMS);
    assert_int_equal(bench->chunk_pool.free_count, CHUNKS);
    free(bench);
}

// Sends until there is nothing, in pieces of `room` bytes.
static void bench_send(struct bench *bench, size_t room)
{
    u8 *bytes = malloc(room);
    size_t size;
    while ((size = yamux_send(&bench->yamux, bytes, room)) != 0) {
        assert_true(size <= room);
        for (size_t at = 0; at < size;) {
            assert_true(size - at >= H && bench->sent_count < FRAMES);
            struct yamux_header header = yamux_header_read(bytes + at);
            bench->sent[bench->sent_count++] = header;
            at += H;
            if (header.type == YAMUX_DATA) {
                at += header.length;
                bench->data_bytes += header.length;
            }
            assert_true(at <= size);
        }
    }
    free(bytes);
}

// Lets it read one frame with `data` bytes behind the header, of what `length` says.
static enum err frame(struct bench *bench, u8 type, u16 flags, u32 stream, u32 length, size_t data)
{
    u8 *bytes = calloc(1, H + data);
    yamux_header_write(bytes, (struct yamux_header){0, type, flags, stream, length});
    assert_true(yamux_takes(&bench->yamux, H + data));
    enum err err = yamux_receive(&bench->yamux, span_of(bytes, H + data), NULL);
    free(bytes);
    return err;
}

static u32 count_sent(const struct bench *bench, u8 type, u16 flags)
{
    u32 count = 0;
    for (u32 i = 0; i < bench->sent_count; i++) {
        count += bench->sent[i].type == type && bench->sent[i].flags == flags;
    }
    return count;
}

// ---- an honest peer

static void streams_come_and_go(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_DATA, YAMUX_SYN, 1, 5, 5), ERR_OK);
    struct yamux_stream *stream = yamux_changed(&bench->yamux);
    assert_non_null(stream);
    assert_true(stream->is_new && stream->is_inbound);
    assert_null(yamux_changed(&bench->yamux));
    assert_int_equal(yamux_front(stream).size, 5);
    yamux_skip(stream, 5);
    assert_int_equal(yamux_write(stream, SPAN_LITERAL("answer"), 0), 6);
    bench_send(bench, 4096);
    assert_int_equal(count_sent(bench, YAMUX_WINDOW, YAMUX_ACK), 1);
    assert_int_equal(bench->data_bytes, 6);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_FIN, 1, 0, 0), ERR_OK);
    assert_ptr_equal(yamux_changed(&bench->yamux), stream);
    assert_true(yamux_is_ended(stream));
    assert_false(yamux_is_over(stream));
    yamux_release(stream);
    bench_send(bench, 4096);
    assert_int_equal(count_sent(bench, YAMUX_WINDOW, YAMUX_FIN), 1);
    assert_int_equal(bench->pool.free_count, STREAMS);
    assert_int_equal(bench->yamux.in_count, 0);
    bench_drop(bench);
}

static void fin_has_a_frame_of_its_own(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    struct yamux_stream *stream;
    assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_OK);
    assert_int_equal(stream->id, 2);
    stream->holds_fin = true;
    assert_int_equal(yamux_write(stream, SPAN_LITERAL("all of it"), 0), 9);
    yamux_finish(stream);
    assert_int_equal(yamux_write(stream, SPAN_LITERAL("too late"), 0), 0);
    bench_send(bench, 4096);
    assert_int_equal(count_sent(bench, YAMUX_WINDOW, YAMUX_SYN), 1);
    assert_int_equal(bench->sent_count, 2); // held back
    yamux_unhold(stream);
    bench_send(bench, 4096);
    assert_int_equal(bench->sent_count, 3);
    assert_true(bench->sent[1].type == YAMUX_DATA && bench->sent[1].flags == 0);
    assert_true(bench->sent[2].type == YAMUX_WINDOW && bench->sent[2].flags == YAMUX_FIN);
    bench_drop(bench);
}

static void data_with_fin_is_kept(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    u8 bytes[H + 8] = {0};
    yamux_header_write(bytes, (struct yamux_header){0, YAMUX_DATA, YAMUX_SYN | YAMUX_FIN, 1, 8});
    for (size_t i = 0; i < sizeof bytes;
         i++) { // byte by byte: the end is not there before the data
        assert_int_equal(yamux_receive(&bench->yamux, span_of(bytes + i, 1), NULL), ERR_OK);
    }
    struct yamux_stream *stream = yamux_changed(&bench->yamux);
    assert_true(yamux_is_whole(stream));
    assert_false(yamux_is_ended(stream));
    yamux_skip(stream, 8);
    assert_true(yamux_is_ended(stream));
    bench_drop(bench);
}

static void windows_are_kept_and_widened(void **state)
{
    (void)state;
    struct bench *bench = bench_make(P2P_WINDOW_BYTES);
    struct yamux_stream *stream;
    assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_OK);
    u8 *bytes = calloc(1, P2P_STREAM_SEND_BYTES);
    size_t written = 0;
    // The peer takes the format's window and no byte more.
    for (u32 i = 0; i < 8; i++) {
        written += yamux_write(stream, span_of(bytes, P2P_STREAM_SEND_BYTES), 0);
        bench_send(bench, 65536);
    }
    assert_true(written > YAMUX_WINDOW_BYTES);
    assert_int_equal(bench->data_bytes, YAMUX_WINDOW_BYTES);
    assert_int_equal(bench->sent[0].length, P2P_WINDOW_BYTES - YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_ACK, 2, 10, 0), ERR_OK);
    bench_send(bench, 65536);
    assert_int_equal(bench->data_bytes, YAMUX_WINDOW_BYTES + 10);
    // What is read is given back once it is half a window.
    enum { HALF = P2P_WINDOW_BYTES / 2 / 32768 };
    u32 before = count_sent(bench, YAMUX_WINDOW, 0);
    for (u32 i = 1; i <= HALF + 1; i++) {
        assert_int_equal(frame(bench, YAMUX_DATA, 0, 2, 32768, 32768), ERR_OK);
        while (yamux_front(stream).size != 0) {
            yamux_skip(stream, yamux_front(stream).size);
        }
        bench_send(bench, 65536);
        assert_int_equal(count_sent(bench, YAMUX_WINDOW, 0), before + (i >= HALF));
    }
    free(bytes);
    bench_drop(bench);
}

static void pings_are_answered(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_PING, YAMUX_SYN, 0, 0xdeadbeef, 0), ERR_OK);
    bench_send(bench, 4096);
    assert_int_equal(bench->sent_count, 1);
    assert_true(bench->sent[0].flags == YAMUX_ACK && bench->sent[0].length == 0xdeadbeef);
    yamux_ping(&bench->yamux, 77);
    bench_send(bench, 4096);
    assert_true(bench->sent[1].flags == YAMUX_SYN && bench->sent[1].length == 77);
    assert_int_equal(frame(bench, YAMUX_PING, YAMUX_ACK, 0, 76, 0), ERR_OK);
    assert_false(bench->yamux.has_pong);
    assert_int_equal(frame(bench, YAMUX_PING, YAMUX_ACK, 0, 77, 0), ERR_OK);
    assert_true(bench->yamux.has_pong);
    bench_drop(bench);
}

static void turns_are_taken(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    struct yamux_stream *streams[3];
    u8 *bytes = calloc(1, 100000);
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(yamux_open(&bench->yamux, &streams[i], NULL), ERR_OK);
        assert_int_equal(yamux_write(streams[i], span_of(bytes, 100000), 0), 100000);
    }
    bench_send(bench, 65519);
    u32 last = 0;
    for (u32 i = 0; i < 9; i++) { // three openings, then data in turns
        assert_int_not_equal(bench->sent[i].stream, last);
        last = bench->sent[i].stream;
    }
    assert_int_equal(bench->data_bytes, 300000);
    free(bytes);
    bench_drop(bench);
}

// ---- one that is not

// What a first frame does to a fresh session in which stream 1 is open and read from.
static enum err after_open(u8 type, u16 flags, u32 stream, u32 length, size_t data)
{
    struct bench *bench = bench_make(P2P_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0), ERR_OK);
    bench_send(bench, 4096);
    enum err err = frame(bench, type, flags, stream, length, data);
    bench_drop(bench);
    return err;
}

static void broken_frames_end_the_session(void **state)
{
    (void)state;
    static const struct {
        u8 type;
        u16 flags;
        u32 stream, length;
        enum err err;
    } all[] = {
        {4, 0, 0, 0, ERR_MALFORMED},
        {255, 0, 1, 0, ERR_MALFORMED},
        {YAMUX_DATA, 16, 1, 0, ERR_MALFORMED},
        {YAMUX_DATA, 0x8000, 1, 0, ERR_MALFORMED},
        {YAMUX_DATA, 0, 0, 0, ERR_INVALID},
        {YAMUX_WINDOW, 0, 0, 0, ERR_INVALID},
        {YAMUX_PING, YAMUX_SYN, 1, 0, ERR_INVALID},
        {YAMUX_GO_AWAY, 0, 1, 0, ERR_INVALID},
        {YAMUX_PING, 0, 0, 0, ERR_INVALID},
        {YAMUX_PING, YAMUX_SYN | YAMUX_ACK, 0, 0, ERR_INVALID},
        {YAMUX_WINDOW, YAMUX_SYN, 1, 0, ERR_INVALID},  // is open
        {YAMUX_WINDOW, YAMUX_SYN, 2, 0, ERR_INVALID},  // an id of ours
        {YAMUX_WINDOW, 0, 1, UINT32_MAX, ERR_INVALID}, // CVE-2026-31814
        {YAMUX_WINDOW, 0, 1, UINT32_MAX - YAMUX_WINDOW_BYTES + 1, ERR_INVALID},
        {YAMUX_WINDOW, 0, 1, UINT32_MAX - YAMUX_WINDOW_BYTES, ERR_OK},
        {YAMUX_DATA, 0, 1, P2P_WINDOW_BYTES, ERR_OK},
        {YAMUX_DATA, 0, 1, P2P_WINDOW_BYTES + 1, ERR_INVALID},
        {YAMUX_DATA, 0, 1, UINT32_MAX, ERR_INVALID},
        {YAMUX_DATA, YAMUX_SYN, 3, YAMUX_WINDOW_BYTES, ERR_OK},
        {YAMUX_DATA, YAMUX_SYN, 3, YAMUX_WINDOW_BYTES + 1, ERR_INVALID}, // CVE-2026-32314
        {YAMUX_DATA, 0, 9, UINT32_MAX, ERR_OK},                          // of no stream: read over
        {YAMUX_WINDOW, YAMUX_RST, 9, 0, ERR_OK},
        {YAMUX_WINDOW, YAMUX_FIN, 8, 0, ERR_OK},
        {YAMUX_GO_AWAY, 0, 0, UINT32_MAX, ERR_OK},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        enum err err = after_open(all[i].type, all[i].flags, all[i].stream, all[i].length, 0);
        if (err != all[i].err) {
            fail_msg("frame %zu: %s", i, err_name(err));
        }
    }
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    u8 header[H] = {1};
    assert_int_equal(yamux_receive(&bench->yamux, span_of(header, H), NULL), ERR_MALFORMED);
    bench_drop(bench);
}

static void data_behind_an_end_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN | YAMUX_FIN, 1, 0, 0), ERR_OK);
    assert_int_equal(frame(bench, YAMUX_DATA, 0, 1, 1, 1), ERR_INVALID);
    bench_drop(bench);
}

static void a_window_is_counted_over_frames(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_DATA, YAMUX_SYN, 1, 200000, 200000), ERR_OK);
    assert_int_equal(frame(bench, YAMUX_DATA, 0, 1, 62144, 62144), ERR_OK);
    assert_int_equal(frame(bench, YAMUX_DATA, 0, 1, 0, 0), ERR_OK);
    assert_int_equal(frame(bench, YAMUX_DATA, 0, 1, 1, 1), ERR_INVALID);
    bench_drop(bench);
}

static void a_flood_of_streams_is_refused(void **state)
{
    (void)state;
    // CVE-2022-23492 and its kin. Stream by stream; nobody reads, nobody sends.
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    u32 id = 1;
    for (u32 i = 0; i < P2P_STREAMS_IN + P2P_REFUSALS; i++, id += 2) {
        assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN, id, 0, 0), ERR_OK);
    }
    assert_int_equal(bench->yamux.in_count, P2P_STREAMS_IN);
    assert_int_equal(bench->pool.free_count, STREAMS - P2P_STREAMS_IN);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN, id, 0, 0), ERR_LIMIT);
    bench_drop(bench);
    // One whose refusals are heard may go on for ever, and gets nowhere.
    bench = bench_make(YAMUX_WINDOW_BYTES);
    id = 1;
    for (u32 i = 0; i < P2P_STREAMS_IN + 1000; i++, id += 2) {
        assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN, id, 0, 0), ERR_OK);
        bench_send(bench, 4096);
    }
    assert_int_equal(count_sent(bench, YAMUX_WINDOW, YAMUX_RST), 1000);
    assert_int_equal(bench->yamux.in_count, P2P_STREAMS_IN);
    bench_drop(bench);
}

static void a_flood_of_resets_holds_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    for (u32 id = 1; id < 20001; id += 2) { // opened, filled and reset at once
        assert_int_equal(frame(bench, YAMUX_DATA, YAMUX_SYN, id, 100, 100), ERR_OK);
        assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_RST, id, 0, 0), ERR_OK);
        struct yamux_stream *stream = yamux_changed(&bench->yamux);
        assert_true(stream->is_reset);
        yamux_release(stream);
        assert_int_equal(bench->pool.free_count, STREAMS);
    }
    assert_int_equal(bench->receiving.held, 0);
    bench_drop(bench);
}

static void a_flood_of_pings_is_refused(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    for (u32 i = 0; i < P2P_PONGS; i++) {
        assert_int_equal(frame(bench, YAMUX_PING, YAMUX_SYN, 0, i, 0), ERR_OK);
    }
    assert_int_equal(frame(bench, YAMUX_PING, YAMUX_SYN, 0, 0, 0), ERR_LIMIT);
    bench_drop(bench);
}

// Window updates for what is open, for what never was, and for what is over; answers to pings that
// nobody sent; the end, again and again.
static void floods_of_frames_hold_nothing(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_WINDOW, YAMUX_SYN, 1, 0, 0), ERR_OK);
    for (u32 i = 0; i < 20000; i++) {
        u32 free = bench->chunk_pool.free_count, places = bench->pool.free_count;
        assert_int_equal(frame(bench, YAMUX_WINDOW, 0, 1, 1, 0), ERR_OK);
        assert_int_equal(frame(bench, YAMUX_WINDOW, 0, 999, 1, 0), ERR_OK);
        assert_int_equal(frame(bench, YAMUX_PING, YAMUX_ACK, 0, i, 0), ERR_OK);
        assert_int_equal(frame(bench, YAMUX_GO_AWAY, 0, 0, 0, 0), ERR_OK);
        assert_int_equal(bench->chunk_pool.free_count, free);
        assert_int_equal(bench->pool.free_count, places);
    }
    bench_send(bench, 4096);
    assert_true(bench->sent_count < 4); // nothing is owed for any of it
    assert_int_equal(bench->receiving.held, 0);
    bench_drop(bench);
}

static void our_streams_have_a_bound(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    struct yamux_stream *stream;
    for (u32 i = 0; i < P2P_STREAMS_OUT; i++) {
        assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_OK);
    }
    assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_BUSY);
    bench_drop(bench);
    bench = bench_make(YAMUX_WINDOW_BYTES);
    assert_int_equal(frame(bench, YAMUX_GO_AWAY, 0, 0, 0, 0), ERR_OK);
    assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_CLOSED);
    bench_drop(bench);
}

static void memory_has_a_bound(void **state)
{
    (void)state;
    // All streams filled, a byte at a time in each: what yamux_takes allows always fits.
    struct bench *bench = bench_make(P2P_WINDOW_BYTES);
    for (u32 i = 0; i < P2P_STREAMS_IN; i++) {
        assert_int_equal(frame(bench, YAMUX_DATA, YAMUX_SYN, 2 * i + 1, 1, 1), ERR_OK);
    }
    bench_send(bench, 65536);
    u32 stream = 0;
    u8 *bytes = calloc(1, H + 60000);
    while (yamux_takes(&bench->yamux, H + 60000)) {
        yamux_header_write(bytes, (struct yamux_header){0, YAMUX_DATA, 0, stream * 2 + 1, 60000});
        assert_int_equal(yamux_receive(&bench->yamux, span_of(bytes, H + 60000), NULL), ERR_OK);
        stream = (stream + 1) % P2P_STREAMS_IN;
    }
    assert_true(bench->receiving.held <= P2P_RECEIVE_CHUNKS);
    assert_true(bench->receiving.held > P2P_RECEIVE_CHUNKS / 2);
    free(bytes);
    bench_drop(bench);
}

static void writes_have_a_bound(void **state)
{
    (void)state;
    struct bench *bench = bench_make(YAMUX_WINDOW_BYTES);
    u8 *bytes = calloc(1, 2 * P2P_STREAM_SEND_BYTES);
    struct yamux_stream *stream;
    size_t sum = 0;
    for (u32 i = 0; i < 8; i++) {
        assert_int_equal(yamux_open(&bench->yamux, &stream, NULL), ERR_OK);
        size_t done =
            yamux_write(stream, span_of(bytes, 2 * P2P_STREAM_SEND_BYTES), P2P_SEND_RESERVE_CHUNKS);
        assert_true(i > 0 || done == P2P_STREAM_SEND_BYTES);
        sum += done;
    }
    assert_true(bench->sending.held <= P2P_SEND_CHUNKS - P2P_SEND_RESERVE_CHUNKS);
    assert_true(sum > P2P_STREAM_SEND_BYTES);
    // Those that were cut hear of it when there is room.
    bench_send(bench, 65536);
    u32 changed = 0;
    while (yamux_changed(&bench->yamux) != NULL) {
        changed++;
    }
    assert_int_equal(changed, 8);
    free(bytes);
    bench_drop(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_come_and_go),
        cmocka_unit_test(fin_has_a_frame_of_its_own),
        cmocka_unit_test(data_with_fin_is_kept),
        cmocka_unit_test(windows_are_kept_and_widened),
        cmocka_unit_test(pings_are_answered),
        cmocka_unit_test(turns_are_taken),
        cmocka_unit_test(broken_frames_end_the_session),
        cmocka_unit_test(data_behind_an_end_is_refused),
        cmocka_unit_test(a_window_is_counted_over_frames),
        cmocka_unit_test(a_flood_of_streams_is_refused),
        cmocka_unit_test(a_flood_of_resets_holds_nothing),
        cmocka_unit_test(a_flood_of_pings_is_refused),
        cmocka_unit_test(floods_of_frames_hold_nothing),
        cmocka_unit_test(our_streams_have_a_bound),
        cmocka_unit_test(memory_has_a_bound),
        cmocka_unit_test(writes_have_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
