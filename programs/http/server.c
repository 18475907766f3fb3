// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http: an HTTP/1.1 server over redshirt:io/tcp. It never waits for one connection:
// accepts, reads and writes are messages under way, and the loop turns for each answer.
//
// Use     http [PORT]: serves 127.0.0.1, port 8000 unless said (0: any free one), until it is
//         ended.
//
// A connection has at most one read and one write under way. Requests are read while no write is;
// what comes meanwhile stays in the connection's buffer, and when that is full nothing more is
// read: a client that sends and does not read holds its own buffer and nothing else.
#include "core/base/assert.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/log.h"
#include "interfaces/log_section.h"
#include "interfaces/net.h"
#include "interfaces/peers.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_client.h"
#include "interfaces/tcp_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "lib/http/http.h"
#include "lib/http/limits.h"
#include "programs/http/limits.h"
#include "programs/http/pages.h"
#include "programs/http/peers.h"
#include "programs/rt/redshirt.h"

STATIC_ASSERT(SERVER_READ_BYTES >= HTTP_HEAD_BYTES);

enum {
    PORT = 8000,
    LOCALHOST = 127 | 1 << 24, // as net.wit has it: the first byte is the low one
    WRITE_FRAME_BYTES = 16,    // around the bytes of a write
    MAP_BITS = 8,
    LOG_BYTES = 128,
};

enum wait_kind { WAIT_ACCEPT, WAIT_READ, WAIT_WRITE, WAIT_TIMER, WAIT_PEERS };

// A message under way, found by its id.
struct wait {
    struct map_node node;
    enum wait_kind kind;
    bool waiting;
    struct connection *connection; // of reads and writes
};

struct connection {
    bool used;
    bool ended;   // the client sends no more
    bool closing; // close when what is written is out
    bool refused; // and read over what comes until then: see refusal_drain
    u64 socket;
    struct net_endpoint peer;
    u64 moved_turn; // of the timer, when something last moved
    struct wait read;
    struct wait write;
    struct http_reader reader;
    struct span rest; // of a long body, still to be written
    u32 drained;      // bytes read over
    struct page page; // that it is part of
    u32 held;         // bytes in `bytes`
    u8 bytes[SERVER_READ_BYTES];
};

static struct map waits;
static struct connection connections[SERVER_CONNECTIONS];
static u32 connection_count;
static struct wait accepts[SERVER_ACCEPTS];
static struct wait timer;
static struct wait peers;
static u64 turn;          // of the timer
static bool accepts_fail; // since this turn: the machine has no more sockets, say
static u32 tcp;           // the bond
static i64 time_bond;
static u64 listener;
static char out[SERVER_WRITE_BYTES]; // what is written next

// ---- messages

// Sends a message whose answer comes to `wait`. False: it could not be sent.
static bool wait_send(struct wait *wait, u32 bond, u64 function, const void *body, size_t size)
{
    ASSERT(!wait->waiting);
    i64 id = rt_send(bond, function, body, (u32)size);
    if (id <= 0) {
        return false;
    }
    wait->waiting = true;
    map_add(&waits, &wait->node, (u64)id);
    return true;
}

static void wait_forget(struct wait *wait)
{
    if (wait->waiting) {
        map_remove(&waits, &wait->node);
        wait->waiting = false;
    }
}

static void accepts_send(void)
{
    struct tcp_accept_call call = {listener};
    u8 body[TCP_ACCEPT_CALL_BYTES];
    size_t size = tcp_accept_encode_call(body, sizeof body, &call);
    u32 under_way = 0;
    for (u32 i = 0; i < SERVER_ACCEPTS; i++) {
        under_way += accepts[i].waiting;
    }
    for (u32 i = 0; i < SERVER_ACCEPTS && !accepts_fail; i++) {
        if (connection_count + under_way == SERVER_CONNECTIONS) {
            break;
        }
        if (!accepts[i].waiting) {
            accepts[i].kind = WAIT_ACCEPT;
            under_way += wait_send(&accepts[i], tcp, TCP_ACCEPT_ID, body, size);
        }
    }
}

// ---- connections

static void page_drop(struct connection *connection)
{
    memory_give(rt_memory(), (void *)connection->page.body.data, connection->page.owned_bytes);
    connection->page = (struct page){0};
    connection->rest = (struct span){0};
}

static void connection_close(struct connection *connection)
{
    struct tcp_close_call call = {connection->socket};
    u8 body[TCP_CLOSE_CALL_BYTES];
    size_t size = tcp_close_encode_call(body, sizeof body, &call);
    (void)rt_tell(tcp, TCP_CLOSE_ID, body, (u32)size);
    wait_forget(&connection->read); // their answers find nobody
    wait_forget(&connection->write);
    if (connection->page.owned_bytes != 0) {
        page_drop(connection);
    }
    connection->used = false;
    connection_count--;
    accepts_send();
}

static void connection_read(struct connection *connection)
{
    u32 room = SERVER_READ_BYTES - connection->held;
    bool over = connection->ended || (connection->closing && !connection->refused);
    if (connection->read.waiting || over || room == 0) {
        return;
    }
    struct tcp_read_call call = {connection->socket, room};
    u8 body[TCP_READ_CALL_BYTES];
    size_t size = tcp_read_encode_call(body, sizeof body, &call);
    if (!wait_send(&connection->read, tcp, TCP_READ_ID, body, size)) {
        connection->ended = true; // what is under way is still written
    }
}

// Adds what is left of a long body, as much as there is room for.
static void rest_append(struct connection *connection, struct text *text)
{
    size_t room = text->capacity - 1 - text->size;
    size_t part = connection->rest.size < room ? connection->rest.size : room;
    text_bytes(text, span_slice(connection->rest, 0, part));
    connection->rest = span_slice(connection->rest, part, connection->rest.size);
    if (connection->rest.size == 0) {
        if (connection->page.owned_bytes != 0) {
            page_drop(connection);
        }
    }
}

// A line for whoever looks after the system; nobody waits for it, and nobody misses it where there
// is no log.
static void refusal_log(const struct connection *connection, u32 status)
{
    static i64 bond = -1;
    char line[LOG_BYTES];
    u8 body[LOG_BYTES + 16];
    struct text text = text_over(line, sizeof line);
    if (bond < 0) {
        bond = rt_bind(&log_interface, false);
    }
    if (bond < 0) {
        return;
    }
    text_string(&text, "http: ");
    text_u64(&text, status);
    text_char(&text, ' ');
    text_string(&text, http_status_name(status));
    text_string(&text, " to ");
    u32 address =
        connection->peer.address.kind == NET_ADDRESS_IPV4 ? connection->peer.address.as.ipv4 : 0;
    for (u32 i = 0; i < 4; i++) {
        text_u64(&text, address >> (8 * i) & 0xff);
        text_char(&text, i == 3 ? ':' : '.');
    }
    text_u64(&text, connection->peer.port);
    struct log_write_call call = {LOG_LEVEL_WARNING, span_of(line, text.size)};
    size_t size = log_write_encode_call(body, sizeof body, &call);
    (void)rt_tell((u32)bond, LOG_WRITE_ID, body, (u32)size);
}

static void respond(struct connection *connection, struct text *text, struct page page, bool head)
{
    http_response_head(text, page.status, page.content_type, page.body.size, connection->closing);
    connection->page = page;
    connection->rest = page.body;
    if (head) { // the same head as for GET, and no body
        connection->rest.size = 0;
    }
    rest_append(connection, text);
}

static struct page page_for(const struct http_request *request)
{
    bool known = span_equal(request->method, SPAN_LITERAL("GET")) ||
                 span_equal(request->method, SPAN_LITERAL("HEAD"));
    return known ? page_get(request->path) : page_status(405);
}

// Asks about peers, where a request has looked at them.
static void peers_send(void)
{
    i64 bond = peers.waiting ? -1 : peers_bond();
    if (bond >= 0) {
        peers.kind = WAIT_PEERS;
        (void)wait_send(&peers, (u32)bond, PEERS_SHOW_ID, NULL, 0);
    }
}

// Answers requests in the buffer while there are whole ones and room for an answer's head.
static void requests_serve(struct connection *connection, struct text *text)
{
    enum http_result result = HTTP_REQUEST;
    u32 start = 0;
    while (result == HTTP_REQUEST && !connection->closing && connection->rest.size == 0 &&
           text->capacity - text->size > 2 * HTTP_RESPONSE_HEAD_BYTES) {
        struct http_request request;
        size_t size;
        u32 status;
        struct span bytes = span_of(connection->bytes + start, connection->held - start);
        result = http_request_read(&connection->reader, bytes, &request, &size, &status);
        start += (u32)size;
        if (result == HTTP_REQUEST) {
            connection->closing = !request.keep_alive;
            if (request.expects) {
                text_string(text, "HTTP/1.1 100 Continue\r\n\r\n");
            }
            respond(connection, text, page_for(&request),
                    span_equal(request.method, SPAN_LITERAL("HEAD")));
        } else if (result == HTTP_REFUSED) {
            connection->closing = true;
            connection->refused = true;
            refusal_log(connection, status);
            respond(connection, text, page_status(status), false);
        }
    }
    peers_send();
    connection->held -= start;
    mem_move(connection->bytes, connection->bytes + start, connection->held);
}

// Ends our side and reads over what the client still sends. A connection that is closed while bytes
// lie unread is reset, and the reset may overtake the answer that says why the request was refused.
static void refusal_drain(struct connection *connection)
{
    struct tcp_shutdown_call call = {connection->socket};
    u8 body[TCP_SHUTDOWN_CALL_BYTES];
    size_t size = tcp_shutdown_encode_call(body, sizeof body, &call);
    if (connection->drained == 0) {
        (void)rt_tell(tcp, TCP_SHUTDOWN_ID, body, (u32)size);
    }
    connection->drained += connection->held + 1;
    connection->held = 0;
    if (connection->drained > SERVER_DRAIN_BYTES) {
        connection_close(connection);
    } else {
        connection_read(connection);
    }
}

// Does what can be done without waiting: writes what is ready, reads what may come, closes what is
// over.
static void connection_turn(struct connection *connection)
{
    static u8 body[SERVER_WRITE_BYTES + WRITE_FRAME_BYTES];
    if (connection->write.waiting) {
        return;
    }
    struct text text = text_over(out, sizeof out);
    if (connection->rest.size != 0) {
        rest_append(connection, &text);
    }
    if (connection->rest.size == 0) {
        requests_serve(connection, &text);
    }
    if (text.size == 0 && connection->refused && !connection->ended) {
        refusal_drain(connection);
        return;
    }
    if (text.size == 0 && (connection->closing || connection->ended)) {
        connection_close(connection);
        return;
    }
    if (text.size != 0) {
        struct tcp_write_call call = {connection->socket, span_of(out, text.size)};
        size_t size = tcp_write_encode_call(body, sizeof body, &call);
        if (!wait_send(&connection->write, tcp, TCP_WRITE_ID, body, size)) {
            connection_close(connection);
            return;
        }
    }
    connection_read(connection);
}

// ---- answers

static void connection_begin(struct connection *connection, const struct tcp_connection *accepted)
{
    connection->used = true;
    connection->ended = false;
    connection->closing = false;
    connection->refused = false;
    connection->socket = accepted->socket;
    connection->peer = accepted->peer;
    connection->moved_turn = turn;
    connection->read = (struct wait){.kind = WAIT_READ, .connection = connection};
    connection->write = (struct wait){.kind = WAIT_WRITE, .connection = connection};
    connection->reader = (struct http_reader){0};
    connection->drained = 0;
    connection->rest = (struct span){0};
    connection->page = (struct page){0};
    connection->held = 0;
}

static void on_accept(const struct rt_event *event)
{
    struct tcp_result_connection_net_error result;
    if (event->error == 0 && tcp_accept_decode_result(event->body, &result) == ERR_OK &&
        result.ok) {
        struct connection *connection = connections;
        while (connection->used) {
            connection++;
        }
        ASSERT(connection < connections + SERVER_CONNECTIONS); // an accept was sent for it
        connection_begin(connection, &result.value);
        connection_count++;
        connection_read(connection);
    } else {
        accepts_fail = true; // to be tried again at the next turn, not at once and for ever
    }
    accepts_send();
}

static void on_read(struct connection *connection, const struct rt_event *event)
{
    struct tcp_result_bytes_net_error result;
    connection->moved_turn = turn;
    if (event->error != 0 || tcp_read_decode_result(event->body, &result) != ERR_OK || !result.ok ||
        result.value.size > SERVER_READ_BYTES - connection->held) {
        connection_close(connection);
        return;
    }
    connection->ended = result.value.size == 0;
    mem_copy(connection->bytes + connection->held, result.value.data, result.value.size);
    connection->held += (u32)result.value.size;
    connection_turn(connection);
}

static void on_write(struct connection *connection, const struct rt_event *event)
{
    struct tcp_result_none_net_error result;
    connection->moved_turn = turn;
    if (event->error != 0 || tcp_write_decode_result(event->body, &result) != ERR_OK ||
        !result.ok) {
        connection_close(connection);
        return;
    }
    connection_turn(connection);
}

// Sets the timer for its next turn.
static void timer_send(void)
{
    u64 now_ns;
    u8 body[TIME_WAIT_UNTIL_CALL_BYTES];
    if (time_bond < 0 || time_monotonic((u32)time_bond, &now_ns) < 0) {
        return; // a machine without a clock: idle connections stay
    }
    struct time_wait_until_call call = {now_ns + SERVER_TURN_NS};
    size_t size = time_wait_until_encode_call(body, sizeof body, &call);
    timer.kind = WAIT_TIMER;
    (void)wait_send(&timer, (u32)time_bond, TIME_WAIT_UNTIL_ID, body, size);
}

static void on_timer(void)
{
    for (u32 i = 0; i < SERVER_CONNECTIONS; i++) {
        if (connections[i].used && turn - connections[i].moved_turn > SERVER_IDLE_TURNS) {
            connection_close(&connections[i]);
        }
    }
    turn++;
    accepts_fail = false;
    accepts_send();
    timer_send();
}

static void on_answer(const struct rt_event *event)
{
    struct map_node *node = map_find(&waits, event->id);
    if (node == NULL) {
        return; // of a connection that is closed
    }
    struct wait *wait = CONTAINER_OF(node, struct wait, node);
    wait_forget(wait);
    switch (wait->kind) {
    case WAIT_ACCEPT:
        on_accept(event);
        break;
    case WAIT_READ:
        on_read(wait->connection, event);
        break;
    case WAIT_WRITE:
        on_write(wait->connection, event);
        break;
    case WAIT_TIMER:
        on_timer();
        break;
    case WAIT_PEERS:
        peers_take(event);
        break;
    }
}

// ---- the start

static bool port_read(struct span text, u16 *port)
{
    u32 value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
        if (value > UINT16_MAX) {
            return false;
        }
    }
    *port = text.size == 0 ? PORT : (u16)value;
    return true;
}

static bool listen(u16 port)
{
    char words[128];
    struct text text = text_over(words, sizeof words);
    struct tcp_listen_call call = {
        .at = {.address = {.kind = NET_ADDRESS_IPV4, .as.ipv4 = LOCALHOST}, .port = port},
        .backlog = SERVER_BACKLOG};
    struct tcp_result_listener_net_error result;
    i64 bond = rt_bind(&tcp_interface, false);
    tcp = (u32)bond;
    i64 error = bond < 0 ? bond : tcp_listen(tcp, &call, &result);
    if (error < 0 || !result.ok) {
        text_string(&text, "http: cannot listen on 127.0.0.1:");
        text_u64(&text, port);
        text_string(&text, error < 0 ? ": " : ": error ");
        text_string(&text, error < 0 ? rt_error_name(error) : "");
        text_string(&text, error >= 0 && result.error == NET_ERROR_ADDRESS_IN_USE
                               ? "address in use\n"
                               : "\n");
        (void)rt_print_error(words);
        return false;
    }
    listener = result.value.socket;
    text_string(&text, "http: serving http://127.0.0.1:");
    text_u64(&text, result.value.local.port);
    text_string(&text, "/\n");
    (void)rt_print(words);
    return true;
}

u32 program_main(void)
{
    u16 port;
    if (!port_read(rt_argument(1), &port)) {
        (void)rt_print_error("http: use: http [PORT]\n");
        return 2;
    }
    enum err err = map_init(&waits, rt_memory(), MAP_BITS);
    if (err != ERR_OK || !listen(port)) {
        return 1;
    }
    time_bond = rt_bind(&time_interface, false);
    timer_send();
    accepts_send();
    for (;;) {
        struct rt_event event;
        rt_next(&event);
        if (event.kind == NOTIFICATION_ANSWER) {
            on_answer(&event);
        }
    }
}
