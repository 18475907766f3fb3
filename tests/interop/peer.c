// SPDX-License-Identifier: GPL-3.0-or-later
// A peer made of lib/p2p, libsodium and sockets, for tests against other implementations.
//
//   peer [--late] listen            prints "listening ADDRESS", serves /echo/1.0.0 until stdin ends
//   peer [--late] dial ADDRESS      identifies, pings and echoes; prints "ok WHAT" for each; leaves
//                                   with 0 when all went well
//   --late   without naming the muxer in the handshake
//
// The address is of IPv4 and has a peer id.
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/connection.h"
#include "tests/interop/links.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PINGS = 3,
    MANY = 50, // streams at once
};

#define ECHO SPAN_LITERAL("/echo/1.0.0")
#define SECONDS_MAX 60

struct ask {
    struct p2p_stream *stream;
    size_t size, written, heard;
};

static bool is_dialler;

// What a dialler does, one after another.
static struct {
    u32 stage;
    u32 pongs;
    u32 left;
    struct ask asks[MANY];
} plan;
static const size_t sizes[] = {0, 1, 32, 65535, 262144, 262145, 5000001};

// ---- echo. tests/unit/test_p2p_connection.c asks and checks in the same way: there a wrong byte
// fails a test of cmocka, here it ends the process with a line for whoever drives the two peers.

static void serve(struct p2p_stream *stream)
{
    struct span front;
    while ((front = p2p_stream_front(stream)).size != 0) {
        size_t done = p2p_stream_write(stream, front);
        p2p_stream_skip(stream, done);
        if (done < front.size && !p2p_stream_is_failed(stream)) {
            return;
        }
    }
    if (p2p_stream_is_ended(stream) || p2p_stream_is_failed(stream)) {
        p2p_stream_close(stream);
    }
}

static u8 byte_at(const struct ask *ask, size_t at)
{
    return (u8)(at * 31 + (at >> 9) + ask->size);
}

static void ask_write(struct ask *ask)
{
    u8 bytes[4096];
    while (ask->written < ask->size) {
        size_t size = ask->size - ask->written;
        size = size < sizeof bytes ? size : sizeof bytes;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = byte_at(ask, ask->written + i);
        }
        size_t done = p2p_stream_write(ask->stream, span_of(bytes, size));
        ask->written += done;
        if (done < size) {
            return;
        }
    }
    p2p_stream_finish(ask->stream);
}

static void ask_read(struct ask *ask)
{
    struct span front;
    while ((front = p2p_stream_front(ask->stream)).size != 0) {
        for (size_t i = 0; i < front.size; i++) {
            if (front.data[i] != byte_at(ask, ask->heard + i)) {
                say("fail", "an echo brings other bytes");
                exit(1);
            }
        }
        ask->heard += front.size;
        p2p_stream_skip(ask->stream, front.size);
    }
}

static void ask_start(struct link *link, struct ask *ask, size_t size)
{
    struct report report = {0};
    *ask = (struct ask){.size = size};
    if (p2p_stream_open(&link->connection, ECHO, &ask->stream, &report) != ERR_OK) {
        say("fail", report.text);
        exit(1);
    }
    ask->stream->context = ask;
    plan.left++;
    ask_write(ask);
}

static void plan_next(struct link *link)
{
    char text[64];
    if (plan.pongs < PINGS) {
        if (p2p_connection_ping(&link->connection, NULL) != ERR_OK) {
            say("fail", "no ping leaves");
            exit(1);
        }
        return;
    }
    if (plan.left > 0) {
        return;
    }
    if (plan.stage < COUNT_OF(sizes)) {
        if (plan.stage > 0) {
            snprintf(text, sizeof text, "echo %zu", sizes[plan.stage - 1]);
            say("ok", text);
        }
        ask_start(link, &plan.asks[0], sizes[plan.stage++]);
    } else if (plan.stage == COUNT_OF(sizes)) {
        snprintf(text, sizeof text, "echo %zu", sizes[plan.stage - 1]);
        say("ok", text);
        plan.stage++;
        for (u32 i = 0; i < MANY; i++) {
            ask_start(link, &plan.asks[i], (size_t)i * 3001);
        }
    } else {
        say("ok", "streams");
        p2p_connection_close(&link->connection, now_ns());
    }
}

static void ask_event(struct link *link, struct p2p_stream *stream)
{
    struct ask *ask = stream->context;
    ask_write(ask);
    ask_read(ask);
    if (p2p_stream_is_failed(stream) || p2p_stream_is_ended(stream)) {
        if (p2p_stream_is_failed(stream) || ask->heard != ask->size) {
            fprintf(stderr, "%s, %zu of %zu bytes\n", err_name(stream->failure), ask->heard,
                    ask->size);
            say("fail", "an echo ends early");
            exit(1);
        }
        p2p_stream_close(stream);
        plan.left--;
        plan_next(link);
    }
}

// ---- connections

static void tell_identity(struct link *link)
{
    const struct p2p_identity *identity = &link->connection.identity;
    char buffer[P2P_MULTIADDR_TEXT_BYTES];
    struct text text = text_over(buffer, sizeof buffer);
    text_string(&text, "identify ");
    text_string(&text, identity->agent);
    text_string(&text, (identity->protocols >> P2P_SERVICE_PING & 1) != 0 ? " ping" : " no-ping");
    text_string(&text, (identity->protocols >> P2P_SERVICES & 1) != 0 ? " echo " : " no-echo ");
    multiaddr_write(&text, span_of(identity->observed, identity->observed_size));
    say("ok", buffer);
}

static void hear(struct link *link, struct p2p_event event)
{
    switch (event.kind) {
    case P2P_EVENT_NONE:
    case P2P_EVENT_OPENED:
        break;
    case P2P_EVENT_IDENTIFIED:
        tell_identity(link);
        if (is_dialler && plan.stage == 0) {
            plan_next(link);
        }
        break;
    case P2P_EVENT_PONG:
        if (link->connection.pong_ns == 0) {
            say("fail", "a ping has no answer");
            exit(1);
        }
        say("ok", "ping");
        plan.pongs++;
        plan_next(link);
        break;
    default:
        if (is_dialler) {
            ask_event(link, event.stream);
        } else {
            serve(event.stream);
        }
        break;
    }
}

// ---- the two commands

static int do_listen(void)
{
    char buffer[P2P_MULTIADDR_TEXT_BYTES];
    links_address(buffer, sizeof buffer);
    say("listening", buffer);
    while (links_wait()) {
    }
    return 0;
}

static int do_dial(const char *address)
{
    struct report report = {0};
    struct link *link = links_dial_text(address, &report);
    if (link == NULL) {
        say("fail", report.text);
        return 2;
    }
    u64 end_ns = now_ns() + (u64)SECONDS_MAX * 1000000000;
    while (link->fd >= 0 && now_ns() < end_ns) {
        links_wait();
    }
    return plan.stage == COUNT_OF(sizes) + 1 && plan.left == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    bool is_late = argc > 1 && strcmp(argv[1], "--late") == 0;
    argc -= is_late;
    argv += is_late;
    is_dialler = argc == 3 && strcmp(argv[1], "dial") == 0;
    if (!is_dialler && (argc != 2 || strcmp(argv[1], "listen") != 0)) {
        fprintf(stderr, "usage: peer [--late] listen | dial ADDRESS\n");
        return 2;
    }
    struct span protocol = ECHO;
    links_start(&(struct links_config){.protocols = &protocol,
                                       .protocol_count = 1,
                                       .listens = !is_dialler,
                                       .is_late = is_late,
                                       .on_event = hear});
    int status = is_dialler ? do_dial(argv[2]) : do_listen();
    links_stop(); // also checks that all was given back
    return status;
}
