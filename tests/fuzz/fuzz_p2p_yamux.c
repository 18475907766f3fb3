// SPDX-License-Identifier: GPL-3.0-or-later
// Frames of yamux from the wire, and between them what a user of streams does. An input is a list
// of steps: a byte that says which, and what it takes. What goes out is read by the same rules,
// and everything is given back at the end.
#include "core/base/assert.h"
#include "lib/p2p/yamux.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { CHUNKS = 300, STREAMS = 80, ROOM = 40000, HELD = 16 };

static struct p2p_chunk chunks[CHUNKS];
static struct yamux_stream streams[STREAMS];
static struct yamux_stream *held[HELD];

static void hold(struct yamux_stream *stream)
{
    for (u32 i = 0; i < HELD; i++) {
        if (held[i] == NULL) {
            held[i] = stream;
            return;
        }
    }
    yamux_release(stream);
}

static void look(struct yamux *session)
{
    struct yamux_stream *stream;
    while ((stream = yamux_changed(session)) != NULL) {
        ASSERT(!stream->is_released);
        if (stream->is_new) {
            stream->is_new = false;
            hold(stream);
        }
    }
}

static void send_some(struct yamux *session, size_t room)
{
    static u8 bytes[ROOM];
    size_t size = yamux_send(session, bytes, room);
    ASSERT(size <= room);
    for (size_t at = 0; at < size;) {
        ASSERT(size - at >= YAMUX_HEADER_BYTES);
        struct yamux_header header = yamux_header_read(bytes + at);
        ASSERT(header.version == 0 && header.type <= YAMUX_GO_AWAY);
        at += YAMUX_HEADER_BYTES + (header.type == YAMUX_DATA ? header.length : 0);
        ASSERT(at <= size);
    }
}

static void use(struct yamux_stream **slot, u32 how, size_t size)
{
    static const u8 zeros[65536];
    struct yamux_stream *stream = *slot;
    if (stream == NULL) {
        return;
    }
    switch (how) {
    case 0:
        (void)yamux_write(stream, span_of(zeros, size * 200), 8);
        break;
    case 1:
        yamux_skip(stream, yamux_front(stream).size);
        break;
    case 2:
        yamux_finish(stream);
        break;
    case 3:
        yamux_reset(stream);
        break;
    default:
        yamux_release(stream);
        *slot = NULL;
        break;
    }
}

// One step; returns how many bytes it took, 0: the session ends.
static size_t step(struct yamux *session, const u8 *data, size_t size)
{
    u32 what = data[0] % 8;
    size_t arg = size > 1 ? data[1] : 0;
    struct yamux_stream *stream;
    switch (what) {
    case 0: // raw bytes
    case 1:
    case 2: {
        size_t count = arg < size - (size > 1 ? 2 : 1) ? arg : size - (size > 1 ? 2 : 1);
        if (!yamux_takes(session, count)) {
            return 0;
        }
        u8 *bytes = malloc(count);
        mem_copy(bytes, data + 2, count);
        enum err err = yamux_receive(session, span_of(bytes, count), NULL);
        free(bytes);
        return err == ERR_OK ? 2 + count : 0;
    }
    case 3: // data of a frame whose size was long
        while (session->data_left > 0 && yamux_takes(session, 2048)) {
            static const u8 zeros[2048];
            size_t count = session->data_left < 2048 ? session->data_left : 2048;
            ASSERT(yamux_receive(session, span_of(zeros, count), NULL) == ERR_OK);
        }
        return 1;
    case 4:
        if (yamux_open(session, &stream, NULL) == ERR_OK) {
            hold(stream);
        }
        return 1;
    case 5:
        send_some(session, arg * 150);
        return 2;
    case 6:
        yamux_ping(session, (u32)arg);
        return 2;
    default:
        use(&held[arg % HELD], (u32)arg / HELD % 5, arg);
        return 2;
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct yamux_streams pool;
    struct p2p_pool chunk_pool;
    struct yamux session;
    yamux_streams_init(&pool);
    for (u32 i = 0; i < STREAMS; i++) {
        yamux_streams_add(&pool, &streams[i]);
    }
    p2p_pool_init(&chunk_pool, chunks, CHUNKS);
    struct p2p_account receiving = {.pool = &chunk_pool, .limit = 200};
    struct p2p_account sending = {.pool = &chunk_pool, .limit = 60};
    yamux_init(&session, size % 2 == 0, P2P_WINDOW_BYTES, &pool, &receiving, &sending);
    for (size_t at = 0; at < size;) {
        size_t taken = step(&session, data + at, size - at);
        look(&session);
        if (taken == 0) {
            break;
        }
        at += taken;
    }
    yamux_go_away(&session, YAMUX_NORMAL);
    send_some(&session, ROOM);
    yamux_drop(&session);
    for (u32 i = 0; i < HELD; i++) {
        if (held[i] != NULL) {
            yamux_release(held[i]);
            held[i] = NULL;
        }
    }
    ASSERT(pool.free_count == STREAMS && chunk_pool.free_count == CHUNKS);
    return 0;
}
