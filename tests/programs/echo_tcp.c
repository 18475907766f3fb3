// SPDX-License-Identifier: GPL-3.0-or-later
// Gives back what comes over TCP, on several connections at once. Prints "port N", then serves
// until it is ended; with the argument "once", ends after its first connection.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/net.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "interfaces/tcp_section.h"
#include "programs/rt/redshirt.h"

enum { CONNECTIONS = 16, READ_BYTES = 16384, LOCALHOST = 127 | 1 << 24 };

// Each has one message under way: a read, or the write of what was read.
struct connection {
    u64 socket; // 0: free
    u64 id;
    bool writing;
};

static struct connection connections[CONNECTIONS];
static u64 accept_id;
static u32 tcp;
static u64 listener;

static void accept_send(void)
{
    u8 body[TCP_ACCEPT_CALL_BYTES];
    struct tcp_accept_call call = {listener};
    size_t size = tcp_accept_encode_call(body, sizeof body, &call);
    accept_id = (u64)rt_send(tcp, TCP_ACCEPT_ID, body, (u32)size);
}

static void read_send(struct connection *connection)
{
    u8 body[TCP_READ_CALL_BYTES];
    struct tcp_read_call call = {connection->socket, READ_BYTES};
    size_t size = tcp_read_encode_call(body, sizeof body, &call);
    connection->writing = false;
    connection->id = (u64)rt_send(tcp, TCP_READ_ID, body, (u32)size);
}

static bool on_answer(struct connection *connection, const struct rt_event *event)
{
    static u8 body[READ_BYTES + 16];
    struct tcp_result_none_net_error written;
    struct tcp_result_bytes_net_error read = {0};
    bool good = event->error == 0;
    if (connection->writing) {
        good = good && tcp_write_decode_result(event->body, &written) == ERR_OK && written.ok;
        if (good) {
            read_send(connection);
            return true;
        }
    } else {
        good = good && tcp_read_decode_result(event->body, &read) == ERR_OK && read.ok;
        if (good && read.value.size != 0) {
            struct tcp_write_call call = {connection->socket, read.value};
            size_t size = tcp_write_encode_call(body, sizeof body, &call);
            connection->writing = true;
            connection->id = (u64)rt_send(tcp, TCP_WRITE_ID, body, (u32)size);
            return true;
        }
    }
    struct tcp_close_call call = {connection->socket};
    (void)tcp_close(tcp, &call, &written);
    connection->socket = 0;
    return false;
}

static void on_accept(const struct rt_event *event)
{
    struct tcp_result_connection_net_error result;
    struct connection *free = NULL;
    for (u32 i = 0; i < CONNECTIONS; i++) {
        free = connections[i].socket == 0 ? &connections[i] : free;
    }
    accept_send();
    if (event->error != 0 || tcp_accept_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        return;
    }
    if (free == NULL) {
        struct tcp_close_call call = {result.value.socket};
        struct tcp_result_none_net_error closed;
        (void)tcp_close(tcp, &call, &closed);
        return;
    }
    free->socket = result.value.socket;
    read_send(free);
}

u32 program_main(void)
{
    bool once = span_equal(rt_argument(1), SPAN_LITERAL("once"));
    struct tcp_listen_call call = {
        .at = {.address = {.kind = NET_ADDRESS_IPV4, .as.ipv4 = LOCALHOST}, .port = 0}};
    struct tcp_result_listener_net_error result;
    i64 bond = rt_bind(&tcp_interface, true);
    tcp = (u32)bond;
    if (bond < 0 || tcp_listen(tcp, &call, &result) < 0 || !result.ok) {
        return 1;
    }
    listener = result.value.socket;
    char line[32];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "port ");
    text_u64(&text, result.value.local.port);
    text_char(&text, '\n');
    (void)rt_print(line);
    accept_send();
    for (;;) {
        struct rt_event event;
        rt_next(&event);
        if (event.id == accept_id) {
            on_accept(&event);
            continue;
        }
        for (u32 i = 0; i < CONNECTIONS; i++) {
            if (connections[i].socket != 0 && connections[i].id == event.id) {
                if (!on_answer(&connections[i], &event) && once) {
                    return 0;
                }
                break;
            }
        }
    }
}
