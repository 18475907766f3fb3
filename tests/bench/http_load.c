// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/http_load.c: asks an HTTP server for one page over and over, on several kept-alive
// connections, and counts. Each connection sends its next request when the answer before is whole;
// or with a rate when it is due, all connections together so many a second: one that is sent late
// because the answer before was is measured from when it was due.
//
// Use     http_load PORT PATH CONNECTIONS SECONDS [RATE]; prints `REQUESTS_PER_SECOND P50_US P99_US
//         ERRORS`. The first tenth of the time warms up and is not counted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum {
    CONNECTIONS = 1024,
    ANSWER_BYTES = 65536, // longest answer, head and body
    SAMPLES = 1 << 20,    // latencies kept; more are counted and not kept
    SECONDS = 60,
    RATE = 100000,
};

struct connection {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    uv_timer_t turn;
    uint64_t due_ns; // with a rate: when the next request is to be sent
    uint64_t sent_ns;
    size_t held;
    char bytes[ANSWER_BYTES + 1];
};

static char request[512];
static uv_timer_t timer;
static uint64_t begin_ns;
static uint64_t end_ns;
static uint64_t every_ns; // of a connection: from one request to the next. 0: without a rate
static uint64_t answers;
static uint64_t errors;
static uint32_t *samples_us;
static size_t sample_count;

static void next_request(struct connection *connection, uint64_t now);

static void fail(const char *what, int code)
{
    errors++;
    if (errors <= 3) {
        fprintf(stderr, "http_load: %s%s%s\n", what, code < 0 ? ": " : "",
                code < 0 ? uv_strerror(code) : "");
    }
}

static void drop(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->tcp)) {
        uv_close((uv_handle_t *)&connection->tcp, NULL);
    }
}

// The size of the answer at the front, 0 when it is not whole, -1 when it is no answer this program
// knows.
static long answer_size(struct connection *connection)
{
    connection->bytes[connection->held] = 0;
    const char *end = strstr(connection->bytes, "\r\n\r\n");
    if (end == NULL) {
        return 0;
    }
    const char *length = strstr(connection->bytes, "\r\nContent-Length: ");
    if (strncmp(connection->bytes, "HTTP/1.1 200 ", 13) != 0 || length == NULL || length > end) {
        return -1;
    }
    long size = end + 4 - connection->bytes + atol(length + 18);
    return size > ANSWER_BYTES ? -1 : size <= (long)connection->held ? size : 0;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct connection *connection = handle->data;
    *out = uv_buf_init(connection->bytes + connection->held,
                       (unsigned)(ANSWER_BYTES - connection->held));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    struct connection *connection = stream->data;
    if (size <= 0) {
        if (size < 0) {
            fail("the connection ended", (int)size);
            drop(connection);
        }
        return;
    }
    connection->held += (size_t)size;
    long answer = answer_size(connection);
    if (answer == 0) {
        return;
    }
    if (answer < 0 || (size_t)answer != connection->held) {
        fail("not the answer that was asked for", 0);
        drop(connection);
        return;
    }
    uint64_t now = uv_hrtime();
    if (now >= begin_ns && now < end_ns) {
        answers++;
        if (sample_count < SAMPLES) {
            samples_us[sample_count++] = (uint32_t)((now - connection->sent_ns) / 1000);
        }
    }
    connection->held = 0;
    next_request(connection, now);
}

static void on_written(uv_write_t *write, int status)
{
    if (status != 0 && status != UV_ECANCELED) {
        fail("write", status);
        drop(write->data);
    }
}

static void send_request(struct connection *connection)
{
    uv_buf_t bytes = uv_buf_init(request, (unsigned)strlen(request));
    connection->sent_ns = uv_hrtime();
    connection->write.data = connection;
    int status =
        uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &bytes, 1, on_written);
    if (status != 0) {
        fail("write", status);
        drop(connection);
    }
}

static void on_turn(uv_timer_t *turn)
{
    struct connection *connection = turn->data;
    if (!uv_is_closing((uv_handle_t *)&connection->tcp)) {
        send_request(connection);
    }
}

static void next_request(struct connection *connection, uint64_t now)
{
    if (every_ns == 0) {
        send_request(connection);
        return;
    }
    uint64_t due_ns = connection->due_ns;
    connection->due_ns += every_ns;
    if (due_ns > now) { // a timer counts in ms: measured from when it fires
        uv_update_time(connection->turn.loop);
        uv_timer_start(&connection->turn, on_turn, (due_ns - now + 999999) / 1000000, 0);
        return;
    }
    send_request(connection);
    connection->sent_ns = due_ns;
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct connection *connection = connect->data;
    if (status == 0) {
        uv_tcp_nodelay(&connection->tcp, 1);
        status = uv_read_start((uv_stream_t *)&connection->tcp, on_room, on_read);
    }
    if (status != 0) {
        fail("connect", status);
        drop(connection);
        return;
    }
    uint64_t now = uv_hrtime();
    connection->due_ns += now; // which began with its place in the row
    next_request(connection, now);
}

static void on_end(uv_timer_t *handle)
{
    uv_stop(handle->loop);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    bool is_used = argc == 5 || argc == 6;
    int count = is_used ? atoi(argv[3]) : 0;
    double seconds = is_used ? atof(argv[4]) : 0;
    int rate = argc == 6 ? atoi(argv[5]) : 1;
    if (count < 1 || count > CONNECTIONS || seconds <= 0 || seconds > SECONDS || rate < 1 ||
        rate > RATE || uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address) != 0) {
        fprintf(stderr, "use: http_load PORT PATH CONNECTIONS SECONDS [RATE]\n");
        return 2;
    }
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
    struct connection *connections = calloc((size_t)count, sizeof *connections);
    samples_us = calloc(SAMPLES, sizeof *samples_us);
    if (connections == NULL || samples_us == NULL) {
        return 2;
    }
    every_ns = argc == 6 ? (uint64_t)count * 1000000000 / (uint64_t)rate : 0;
    uv_loop_t *loop = uv_default_loop();
    for (int i = 0; i < count; i++) {
        struct connection *connection = &connections[i];
        uv_tcp_init(loop, &connection->tcp);
        connection->tcp.data = connection;
        uv_timer_init(loop, &connection->turn);
        connection->turn.data = connection;
        connection->due_ns = every_ns * (uint64_t)i / (uint64_t)count;
        connection->connect.data = connection;
        uv_tcp_connect(&connection->connect, &connection->tcp, (const struct sockaddr *)&address,
                       on_connected);
    }
    uint64_t start_ns = uv_hrtime();
    begin_ns = start_ns + (uint64_t)(seconds * 1e8);
    end_ns = start_ns + (uint64_t)(seconds * 1e9);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_end, (uint64_t)(seconds * 1e3) + 1, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    qsort(samples_us, sample_count, sizeof *samples_us, compare);
    printf("%.0f %u %u %llu\n", (double)answers / ((double)(end_ns - begin_ns) / 1e9),
           sample_count == 0 ? 0 : samples_us[sample_count / 2],
           sample_count == 0 ? 0 : samples_us[sample_count * 99 / 100], (unsigned long long)errors);
    return errors != 0 || answers == 0;
}
