// SPDX-License-Identifier: GPL-3.0-or-later
// Uses the devices of a machine in the way that its first argument names, and prints what it saw;
// tests/hosted compares. Arguments behind it: mostly a family, "4" or "6", and a port of the
// loopback.
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_section.h"
#include "interfaces/dns.h"
#include "interfaces/dns_client.h"
#include "interfaces/dns_section.h"
#include "interfaces/log.h"
#include "interfaces/log_client.h"
#include "interfaces/log_section.h"
#include "interfaces/random.h"
#include "interfaces/random_client.h"
#include "interfaces/random_section.h"
#include "interfaces/stdio.h"
#include "interfaces/stdio_client.h"
#include "interfaces/stdio_section.h"
#include "interfaces/system.h"
#include "interfaces/system_client.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "interfaces/tcp_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "interfaces/udp.h"
#include "interfaces/udp_client.h"
#include "interfaces/udp_section.h"
#include "programs/rt/redshirt.h"

enum { BUFFER_BYTES = 65536 + 64, CONNECTIONS = 1000, OUTSTANDING = 16 };

static u8 buffer[BUFFER_BYTES];
static u8 body[BUFFER_BYTES];
static u32 tcp;

// ---- words

static void print_number(const char *before, u64 number, const char *behind)
{
    char line[128];
    struct text text = text_over(line, sizeof line);
    text_string(&text, before);
    text_u64(&text, number);
    text_string(&text, behind);
    (void)rt_print(line);
}

static const char *const net_words[] = {
    "not-found",    "refused", "reset", "timed-out", "unreachable", "address-in-use", "no-address",
    "unknown-name", "closed",  "limit", "denied",    "unsupported", "invalid",        "failed",
};

// What a call ended with: "ok", the interface's error, or the ABI's.
static void print_outcome(const char *what, i64 error, bool ok, enum net_error net)
{
    (void)rt_print(what);
    (void)rt_print(": ");
    (void)rt_print(error < 0 ? rt_error_name(error) : ok ? "ok" : net_words[net]);
    (void)rt_print("\n");
}

static u64 argument_number(u32 index)
{
    struct span text = rt_argument(index);
    u64 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        value = value * 10 + (u64)(text.data[i] - '0');
    }
    return value;
}

static bool is_argument(u32 index, const char *word)
{
    return span_equal(rt_argument(index), span_string(word));
}

static u32 bind_or_exit(const struct interface_definition *interface)
{
    i64 bond = rt_bind(interface, true);
    if (bond < 0) {
        (void)rt_print_error("probe: no bond\n");
        rt_exit(90);
    }
    return (u32)bond;
}

static u64 now_ns(u32 clock)
{
    u64 ns = 0;
    return time_monotonic(clock, &ns) < 0 ? 0 : ns;
}

// ---- tcp

static struct net_endpoint loopback(u32 family_argument, u16 port)
{
    struct net_endpoint at = {.port = port};
    if (is_argument(family_argument, "6")) {
        at.address.kind = NET_ADDRESS_IPV6;
        at.address.as.ipv6.second = (u64)1 << 56; // ::1
    } else {
        at.address.kind = NET_ADDRESS_IPV4;
        at.address.as.ipv4 = 127 | 1 << 24;
    }
    return at;
}

static u64 connect_or_exit(u32 family_argument, u32 port_argument)
{
    struct tcp_connect_call call = {loopback(family_argument, (u16)argument_number(port_argument))};
    struct tcp_result_connection_net_error result;
    i64 error = tcp_connect(tcp, &call, &result);
    if (error < 0 || !result.ok) {
        print_outcome("connect", error, error >= 0 && result.ok, result.error);
        rt_exit(91);
    }
    return result.value.socket;
}

static u64 listen_or_exit(u32 family_argument)
{
    struct tcp_listen_call call = {loopback(family_argument, 0), 0};
    struct tcp_result_listener_net_error result;
    i64 error = tcp_listen(tcp, &call, &result);
    if (error < 0 || !result.ok) {
        print_outcome("listen", error, error >= 0 && result.ok, result.error);
        rt_exit(92);
    }
    print_number("port ", result.value.local.port, "\n");
    return result.value.socket;
}

static bool write_bytes(u64 socket, struct span bytes)
{
    struct tcp_write_call call = {socket, bytes};
    struct tcp_result_none_net_error result;
    return tcp_write(tcp, body, sizeof body, &call, &result) >= 0 && result.ok;
}

static void shut(u64 socket)
{
    struct tcp_shutdown_call call = {socket};
    struct tcp_result_none_net_error result;
    i64 error = tcp_shutdown(tcp, &call, &result);
    print_outcome("shutdown", error, error >= 0 && result.ok, result.error);
}

// Reads to the end; prints the bytes, or counts them only. False: the stream failed.
static bool read_all(u64 socket, bool print, u64 *count)
{
    *count = 0;
    for (;;) {
        struct tcp_read_call call = {socket, 65536};
        struct tcp_result_bytes_net_error result;
        i64 error = tcp_read(tcp, buffer, sizeof buffer, &call, &result);
        if (error < 0 || !result.ok) {
            print_outcome("read", error, error >= 0 && result.ok, result.error);
            return false;
        }
        if (result.value.size == 0) {
            return true;
        }
        *count += result.value.size;
        if (print) {
            (void)rt_print_span(result.value);
        }
    }
}

static u32 do_client(void)
{
    u64 socket = connect_or_exit(2, 3);
    u64 count;
    if (!write_bytes(socket, rt_argument(4))) {
        return 1;
    }
    shut(socket);
    bool ended = read_all(socket, true, &count);
    print_number("\nread ", count, " bytes\n");
    return ended ? 0 : 1;
}

// One connection: reads until the peer has shut its side down, and answers only then.
static u32 do_server(void)
{
    u64 listener = listen_or_exit(2);
    struct tcp_accept_call call = {listener};
    struct tcp_result_connection_net_error result;
    if (tcp_accept(tcp, &call, &result) < 0 || !result.ok) {
        return 1;
    }
    u64 count;
    if (!read_all(result.value.socket, false, &count)) {
        return 1;
    }
    char line[64];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "got ");
    text_u64(&text, count);
    text_string(&text, " bytes from port ");
    text_u64(&text, result.value.peer.port);
    (void)write_bytes(result.value.socket, span_of(line, text.size));
    return 0;
}

static u64 read_send(u64 socket, u32 max)
{
    u8 small[TCP_READ_CALL_BYTES];
    struct tcp_read_call call = {socket, max};
    size_t size = tcp_read_encode_call(small, sizeof small, &call);
    return (u64)rt_send(tcp, TCP_READ_ID, small, (u32)size);
}

// Four reads of four bytes under way at once.
static u32 do_order(void)
{
    u64 socket = connect_or_exit(2, 3);
    u64 ids[4];
    for (u32 i = 0; i < 4; i++) {
        ids[i] = read_send(socket, 4);
    }
    (void)rt_print("ready\n");
    for (u32 i = 0; i < 4; i++) {
        struct rt_event event;
        struct tcp_result_bytes_net_error result;
        rt_next(&event);
        if (event.id != ids[i] || tcp_read_decode_result(event.body, &result) != ERR_OK ||
            !result.ok) {
            print_number("not in order: ", i, "\n");
            return 1;
        }
        (void)rt_print_span(result.value);
        (void)rt_print("\n");
    }
    return 0;
}

// Four accepts under way at once, then one more connection than that waits for the fifth.
static u32 do_accepts(void)
{
    u64 listener = listen_or_exit(2);
    u64 ids[4];
    for (u32 i = 0; i < 4; i++) {
        u8 small[TCP_ACCEPT_CALL_BYTES];
        struct tcp_accept_call call = {listener};
        size_t size = tcp_accept_encode_call(small, sizeof small, &call);
        ids[i] = (u64)rt_send(tcp, TCP_ACCEPT_ID, small, (u32)size);
    }
    for (u32 i = 0; i < 4; i++) {
        struct rt_event event;
        struct tcp_result_connection_net_error result;
        rt_next(&event);
        if (event.id != ids[i] || tcp_accept_decode_result(event.body, &result) != ERR_OK ||
            !result.ok) {
            return 1;
        }
        print_number("peer ", result.value.peer.port, "\n");
    }
    struct tcp_accept_call call = {listener};
    struct tcp_result_connection_net_error result;
    i64 error = tcp_accept(tcp, &call, &result);
    if (error >= 0 && result.ok) {
        print_number("peer ", result.value.peer.port, "\n");
    }
    return error >= 0 && result.ok ? 0 : 1;
}

static void wait_for_input(void)
{
    u32 stdio = bind_or_exit(&stdio_interface);
    u8 small[64];
    struct stdio_read_call call = {16};
    struct stdio_result_bytes_error result;
    (void)stdio_read(stdio, small, sizeof small, &call, &result);
}

// Connects and does not read until it is told to, by its input.
static u32 do_deaf(void)
{
    u64 socket = connect_or_exit(2, 3);
    (void)rt_print("deaf\n");
    wait_for_input();
    u64 count;
    bool ended = read_all(socket, false, &count);
    print_number("read ", count, " bytes\n");
    return ended ? 0 : 1;
}

// Writes 64 KiB pieces, OUTSTANDING of them under way at once, until so many MiB are taken.
static u32 do_flood(void)
{
    u64 socket = connect_or_exit(2, 3);
    u64 pieces = argument_number(4) * 16;
    u64 sent = 0;
    u64 done = 0;
    struct tcp_write_call call = {socket, span_of(buffer, 65536)};
    size_t size = tcp_write_encode_call(body, sizeof body, &call);
    (void)rt_print("flooding\n");
    while (done < pieces) {
        while (sent < pieces && sent - done < OUTSTANDING) {
            if (rt_send(tcp, TCP_WRITE_ID, body, (u32)size) < 0) {
                return 2;
            }
            sent++;
        }
        struct rt_event event;
        struct tcp_result_none_net_error result;
        rt_next(&event);
        if (event.error != 0 || tcp_write_decode_result(event.body, &result) != ERR_OK ||
            !result.ok) {
            (void)rt_print("a write failed\n");
            return 1;
        }
        done++;
    }
    print_number("wrote ", done * 65536, " bytes\n");
    return 0;
}

static u32 do_many(void)
{
    static u64 sockets[CONNECTIONS];
    u64 count = argument_number(4);
    u64 echoed = 0;
    for (u64 i = 0; i < count && i < CONNECTIONS; i++) {
        sockets[i] = connect_or_exit(2, 3);
    }
    for (u64 i = 0; i < count && i < CONNECTIONS; i++) {
        u8 byte = (u8)i;
        (void)write_bytes(sockets[i], span_of(&byte, 1));
    }
    for (u64 i = 0; i < count && i < CONNECTIONS; i++) {
        struct tcp_read_call call = {sockets[i], 10};
        struct tcp_result_bytes_net_error result;
        i64 error = tcp_read(tcp, buffer, sizeof buffer, &call, &result);
        echoed +=
            error >= 0 && result.ok && result.value.size == 1 && result.value.data[0] == (u8)i;
    }
    print_number("echoed ", echoed, "\n");
    return 0;
}

// Has a connection and a listener, and a read under way, when it traps.
static u32 do_die(void)
{
    u64 socket = connect_or_exit(2, 3);
    (void)listen_or_exit(2);
    (void)read_send(socket, 100);
    wait_for_input();
    __builtin_trap();
}

static void read_outcome(const char *what, u64 socket, u32 max)
{
    struct tcp_read_call call = {socket, max};
    struct tcp_result_bytes_net_error result = {0};
    i64 error = tcp_read(tcp, buffer, sizeof buffer, &call, &result);
    print_outcome(what, error, error >= 0 && result.ok, result.error);
}

static void write_outcome(const char *what, u64 socket, u32 size)
{
    struct tcp_write_call call = {socket, span_of(buffer, size)};
    struct tcp_result_none_net_error result = {0};
    i64 error = tcp_write(tcp, body, sizeof body, &call, &result);
    print_outcome(what, error, error >= 0 && result.ok, result.error);
}

// Arguments: family, a port where somebody listens, a port where nobody does.
static u32 do_errors(void)
{
    struct tcp_connect_call nowhere = {loopback(2, (u16)argument_number(4))};
    struct tcp_result_connection_net_error connection = {0};
    i64 error = tcp_connect(tcp, &nowhere, &connection);
    print_outcome("connect where nobody listens", error, error >= 0 && connection.ok,
                  connection.error);
    struct tcp_listen_call taken = {loopback(2, (u16)argument_number(3)), 0};
    struct tcp_result_listener_net_error listener = {0};
    error = tcp_listen(tcp, &taken, &listener);
    print_outcome("listen where somebody does", error, error >= 0 && listener.ok, listener.error);
    read_outcome("read from no socket", 12345678, 10);
    write_outcome("write to no socket", 12345678, 10);
    u64 socket = connect_or_exit(2, 3);
    read_outcome("read of nothing", socket, 0);
    write_outcome("write of too much", socket, 65537);
    struct tcp_accept_call accept = {socket};
    error = tcp_accept(tcp, &accept, &connection);
    print_outcome("accept on a connection", error, error >= 0 && connection.ok, connection.error);
    u32 first = tcp;
    tcp = bind_or_exit(&tcp_interface);
    read_outcome("read by another client", socket, 10);
    tcp = first;
    shut(socket);
    write_outcome("write after shutdown", socket, 10);
    struct tcp_close_call close = {socket};
    struct tcp_result_none_net_error closed = {0};
    for (u32 i = 0; i < 2; i++) {
        error = tcp_close(tcp, &close, &closed);
        print_outcome("close", error, error >= 0 && closed.ok, closed.error);
    }
    return 0;
}

static void cancel(u64 message)
{
    struct system_cancel_call call = {message};
    struct system_result_none_error result = {0};
    (void)system_cancel(RT_SYSTEM_BOND, &call, &result);
}

// A read is cancelled; the bytes that come afterwards belong to the next one.
static u32 do_cancel(void)
{
    u64 socket = connect_or_exit(2, 3);
    u64 id = read_send(socket, 100);
    cancel(id);
    struct rt_event event;
    rt_next(&event);
    (void)rt_print(event.id == id ? rt_error_name(event.error) : "another");
    (void)rt_print("\n");
    u64 count;
    bool ended = read_all(socket, true, &count);
    return ended ? 0 : 1;
}

// ---- udp

static u32 do_udp(void)
{
    u32 udp = bind_or_exit(&udp_interface);
    struct udp_open_call open = {loopback(2, 0)};
    struct udp_result_socket_net_error opened = {0};
    if (udp_open(udp, &open, &opened) < 0 || !opened.ok) {
        return 1;
    }
    print_number("port ", opened.value.local.port, "\n");
    for (u64 i = argument_number(3); i > 0; i--) {
        struct udp_receive_call receive = {opened.value.socket};
        struct udp_result_datagram_net_error datagram = {0};
        if (udp_receive(udp, buffer, sizeof buffer, &receive, &datagram) < 0 || !datagram.ok) {
            return 2;
        }
        print_number("datagram of ", datagram.value.bytes.size, " bytes\n");
        struct udp_send_call send = {opened.value.socket, datagram.value.from,
                                     datagram.value.bytes};
        struct udp_result_none_net_error sent = {0};
        i64 error = udp_send(udp, body, sizeof body, &send, &sent);
        print_outcome("send", error, error >= 0 && sent.ok, sent.error);
    }
    struct udp_close_call close = {opened.value.socket};
    struct udp_result_none_net_error closed = {0};
    i64 error = udp_close(udp, &close, &closed);
    print_outcome("close", error, error >= 0 && closed.ok, closed.error);
    error = udp_close(udp, &close, &closed);
    print_outcome("close", error, error >= 0 && closed.ok, closed.error);
    return 0;
}

// ---- dns

static u32 do_dns(void)
{
    u32 dns = bind_or_exit(&dns_interface);
    struct dns_resolve_call call = {rt_argument(2)};
    struct dns_result_list_net_address_net_error result = {0};
    i64 error = dns_resolve(dns, buffer, sizeof buffer, &call, &result);
    print_outcome("resolve", error, error >= 0 && result.ok, result.error);
    if (error < 0 || !result.ok) {
        return 1;
    }
    struct net_address address;
    while (dns_list_net_address_next(&result.value, &address)) {
        if (address.kind == NET_ADDRESS_IPV4) {
            print_number("ipv4 ", address.as.ipv4, "\n");
        } else {
            print_number("ipv6 ", address.as.ipv6.second, "\n");
        }
    }
    return 0;
}

// ---- time, random, log

static u32 do_time(void)
{
    u32 clock = bind_or_exit(&time_interface);
    u64 wall = 0;
    u64 step = 0;
    u64 start = now_ns(clock);
    (void)time_wall(clock, &wall);
    (void)time_resolution(clock, &step);
    print_number("wall ", wall / 1000000000, "\n");
    print_number("step ", step, "\n");
    struct time_wait_until_call until = {start};
    (void)time_wait_until(clock, &until);
    until.monotonic = now_ns(clock) + 50000000;
    (void)time_wait_until(clock, &until);
    u64 after = now_ns(clock);
    print_number("late by ", after < until.monotonic ? 999999 : (after - until.monotonic) / 1000,
                 " us\n");
    // Three timers in another order than their times, and one that is cancelled.
    static const u64 delays_ms[] = {60, 20, 40, 30};
    u64 ids[4];
    start = now_ns(clock);
    for (u32 i = 0; i < 4; i++) {
        u8 small[TIME_WAIT_UNTIL_CALL_BYTES];
        until.monotonic = start + delays_ms[i] * 1000000;
        size_t size = time_wait_until_encode_call(small, sizeof small, &until);
        ids[i] = (u64)rt_send(clock, TIME_WAIT_UNTIL_ID, small, (u32)size);
    }
    cancel(ids[3]);
    for (u32 n = 0; n < 4; n++) {
        struct rt_event event;
        rt_next(&event);
        for (u32 i = 0; i < 4; i++) {
            if (ids[i] == event.id) {
                print_number("timer ", i, event.error == 0 ? "\n" : " cancelled\n");
            }
        }
    }
    return 0;
}

static u32 do_random(void)
{
    u32 device = bind_or_exit(&random_interface);
    static const u32 counts[] = {0, 32, 65536, 65537};
    for (u32 i = 0; i < COUNT_OF(counts); i++) {
        struct random_bytes_call call = {counts[i]};
        struct span bytes = {0};
        i64 error = random_bytes(device, buffer, sizeof buffer, &call, &bytes);
        u32 set = 0;
        for (size_t n = 0; n < bytes.size; n++) {
            set += (u32)__builtin_popcount(bytes.data[n]);
        }
        bool is_even =
            bytes.size < 1000 || (set > bytes.size * 39 / 10 && set < bytes.size * 41 / 10);
        print_number(error < 0 ? "error " : is_even ? "bytes " : "uneven ", bytes.size, "\n");
    }
    return 0;
}

static u32 do_log(void)
{
    u32 device = bind_or_exit(&log_interface);
    static u8 long_line[5000];
    mem_fill(long_line, 'x', sizeof long_line);
    const struct log_write_call lines[] = {
        {LOG_LEVEL_INFO, SPAN_LITERAL("plain")},
        {LOG_LEVEL_ERROR, SPAN_LITERAL("bad\x1b[31m\nnews \xc3\xa4 \xc2\x9b")},
        {LOG_LEVEL_DEBUG, span_of(long_line, sizeof long_line)},
    };
    for (u32 i = 0; i < COUNT_OF(lines); i++) {
        i64 error = log_write(device, body, sizeof body, &lines[i]);
        print_outcome("log", error, true, 0);
    }
    struct log_write_call latin = {LOG_LEVEL_INFO, SPAN_LITERAL("\xe4")};
    i64 error = log_write(device, body, sizeof body, &latin);
    print_outcome("log", error, true, 0);
    return 0;
}

// ---- beside others

static bool spawn_one(struct span cid)
{
    struct system_spawn_request request = {.program = cid};
    struct system_spawn_call call = {request};
    struct system_result_u64_spawn_error result = {0};
    i64 error = system_spawn(RT_SYSTEM_BOND, buffer, sizeof buffer, &call, &result);
    return error >= 0 && result.ok;
}

// Starts so many (argument 3) programs of the CID in argument 2, waits a little, then sleeps a
// millisecond forty times and prints how much too long the longest, and the middle one, were.
static u32 do_beside(void)
{
    static u64 late_us[40];
    u32 clock = bind_or_exit(&time_interface);
    for (u64 i = argument_number(3); i > 0; i--) {
        if (!spawn_one(rt_argument(2))) {
            return 1;
        }
    }
    struct time_wait_until_call until = {now_ns(clock) + 100000000};
    (void)time_wait_until(clock, &until);
    for (u32 n = 0; n < COUNT_OF(late_us); n++) {
        until.monotonic = now_ns(clock) + 1000000;
        (void)time_wait_until(clock, &until);
        u64 late = (now_ns(clock) - until.monotonic) / 1000;
        u32 place = n;
        for (; place > 0 && late_us[place - 1] > late; place--) {
            late_us[place] = late_us[place - 1];
        }
        late_us[place] = late;
    }
    print_number("middle ", late_us[COUNT_OF(late_us) / 2], " us\n");
    print_number("longest ", late_us[COUNT_OF(late_us) - 1], " us\n");
    return 0;
}

// ---- stdio

static u32 do_cat(void)
{
    u32 stdio = bind_or_exit(&stdio_interface);
    for (;;) {
        struct stdio_read_call read = {65536};
        struct stdio_result_bytes_error result;
        if (stdio_read(stdio, buffer, sizeof buffer, &read, &result) < 0 || !result.ok) {
            return 1;
        }
        if (result.value.size == 0) {
            return 0;
        }
        struct stdio_write_call write = {STDIO_STREAM_OUTPUT, result.value};
        struct stdio_result_none_error written;
        if (stdio_write(stdio, body, sizeof body, &write, &written) < 0 || !written.ok) {
            return written.error == STDIO_ERROR_CLOSED ? 3 : 2;
        }
    }
}

// Writes that want no answer, and leaves at once: nothing of them may be lost.
static u32 do_tell(void)
{
    u32 stdio = bind_or_exit(&stdio_interface);
    mem_fill(buffer, 'a', 1000);
    buffer[999] = '\n';
    struct stdio_write_call write = {STDIO_STREAM_OUTPUT, span_of(buffer, 1000)};
    size_t size = stdio_write_encode_call(body, sizeof body, &write);
    u64 told = argument_number(2);
    for (u64 i = 0; i < told; i++) {
        while (rt_tell(stdio, STDIO_WRITE_ID, body, (u32)size) == E_LIMIT) {
            struct stdio_is_terminal_call call = {STDIO_STREAM_OUTPUT};
            bool is_terminal;
            (void)stdio_is_terminal(stdio, &call, &is_terminal);
        }
    }
    return 7;
}

static u32 do_start(void)
{
    const struct system_start_info *info = rt_start_info();
    struct system_list_bytes list = info->arguments;
    struct span item;
    while (system_list_bytes_next(&list, &item)) {
        (void)rt_print("[");
        (void)rt_print_span(item);
        (void)rt_print("]\n");
    }
    list = info->environment;
    while (system_list_bytes_next(&list, &item)) {
        (void)rt_print_span(item);
        (void)rt_print("\n");
    }
    return (u32)list.count;
}

// ---- hostile bodies

static void attack(const char *name, u32 bond, const struct interface_definition *interface)
{
    u32 refused = 0;
    u32 other = 0;
    mem_fill(body, 0xff, 4096);
    for (u32 i = 0; i < interface->function_count; i++) {
        static const u32 sizes[] = {1, 3, 7, 8, 9, 12, 31, 100, 4096};
        for (u32 n = 0; n < COUNT_OF(sizes); n++) {
            i64 error =
                rt_call(bond, interface->functions[i].id, body, sizes[n], buffer, sizeof buffer);
            refused += error == E_MALFORMED;
            other += error < 0 && error != E_MALFORMED;
        }
        for (u32 n = 0; n < COUNT_OF(sizes); n++) {
            (void)rt_tell(bond, interface->functions[i].id, body, sizes[n]);
        }
    }
    print_number(name, refused, "");
    print_number(" refused, ", other, " other\n");
}

static u32 do_hostile(void)
{
    attack("tcp: ", tcp, &tcp_interface);
    attack("udp: ", bind_or_exit(&udp_interface), &udp_interface);
    attack("dns: ", bind_or_exit(&dns_interface), &dns_interface);
    attack("log: ", bind_or_exit(&log_interface), &log_interface);
    attack("crypto: ", bind_or_exit(&crypto_interface), &crypto_interface);
    return 0;
}

// ---- all

static const struct {
    const char *name;
    u32 (*run)(void);
} probes[] = {
    {"client", do_client}, {"server", do_server}, {"order", do_order},     {"accepts", do_accepts},
    {"deaf", do_deaf},     {"flood", do_flood},   {"many", do_many},       {"die", do_die},
    {"errors", do_errors}, {"cancel", do_cancel}, {"udp", do_udp},         {"dns", do_dns},
    {"time", do_time},     {"random", do_random}, {"log", do_log},         {"cat", do_cat},
    {"tell", do_tell},     {"start", do_start},   {"hostile", do_hostile}, {"beside", do_beside},
};

u32 program_main(void)
{
    tcp = bind_or_exit(&tcp_interface);
    for (u32 i = 0; i < COUNT_OF(probes); i++) {
        if (is_argument(1, probes[i].name)) {
            return probes[i].run();
        }
    }
    (void)rt_print_error("probe: which probe?\n");
    return 64;
}
