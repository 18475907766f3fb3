// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/http_twin.c: the server of programs/http as a native program over libuv: the same
// reader and writer of HTTP (lib/http), the same answer, one thread. What redshirt's messages cost
// shows beside it.
//
// Use     http_twin PORT; prints "ready" and serves /hello on 127.0.0.1 until it is ended.
#include "core/base/assert.h"
#include "core/base/text.h"
#include "lib/http/http.h"
#include "lib/http/limits.h"
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { BACKLOG = 128, READ_BYTES = 16384, WRITE_BYTES = 16384 };

static const char hello[] = "Hello from redshirt!\n";

struct client {
    uv_tcp_t tcp;
    struct http_reader reader;
    size_t held;
    u8 bytes[READ_BYTES];
};

struct response {
    uv_write_t write;
    struct client *client;
    bool close;
    char bytes[WRITE_BYTES];
};

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void client_close(struct client *client)
{
    if (!uv_is_closing((uv_handle_t *)&client->tcp)) {
        uv_close((uv_handle_t *)&client->tcp, on_closed);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct response *response = write->data;
    if (status != 0 || response->close) {
        client_close(response->client);
    }
    free(response);
}

static void append(struct text *out, u32 status, bool close, bool head_only)
{
    const char *body = status == 200 ? hello : http_status_name(status);
    http_response_head(out, status, "text/plain; charset=utf-8", __builtin_strlen(body), close);
    if (!head_only) {
        text_string(out, body);
    }
}

// Reads requests while there are whole ones and room for their answers. True: close after them.
static bool serve(struct client *client, struct text *out)
{
    while (out->capacity - out->size > HTTP_RESPONSE_HEAD_BYTES + sizeof hello) {
        struct http_request request;
        size_t size = 0;
        u32 status = 0;
        enum http_result result = http_request_read(
            &client->reader, span_of(client->bytes, client->held), &request, &size, &status);
        bool close = true;
        if (result == HTTP_REQUEST) {
            bool found = span_equal(request.path, SPAN_LITERAL("/hello"));
            close = !request.keep_alive;
            append(out, found ? 200 : 404, close, span_equal(request.method, SPAN_LITERAL("HEAD")));
        } else if (result == HTTP_REFUSED) {
            append(out, status, true, false);
        }
        mem_move(client->bytes, client->bytes + size, client->held - size);
        client->held -= size;
        if (result != HTTP_REQUEST || close) {
            return result != HTTP_MORE;
        }
    }
    return false;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct client *client = handle->data;
    *out = uv_buf_init((char *)client->bytes + client->held,
                       (unsigned)(sizeof client->bytes - client->held));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buf)
{
    (void)buf;
    struct client *client = stream->data;
    if (size < 0) {
        client_close(client);
        return;
    }
    client->held += (size_t)size;
    struct response *response = malloc(sizeof *response);
    ASSERT(response != NULL);
    struct text text = text_over(response->bytes, sizeof response->bytes);
    response->close = serve(client, &text);
    response->client = client;
    response->write.data = response;
    if (text.size == 0) {
        free(response);
        return;
    }
    if (response->close) {
        uv_read_stop(stream);
    }
    uv_buf_t bytes = uv_buf_init(text.data, (unsigned)text.size);
    if (uv_write(&response->write, stream, &bytes, 1, on_written) != 0) {
        free(response);
        client_close(client);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct client *client = calloc(1, sizeof *client);
    ASSERT(status == 0 && client != NULL);
    uv_tcp_init(listener->loop, &client->tcp);
    client->tcp.data = client;
    if (uv_accept(listener, (uv_stream_t *)&client->tcp) != 0 ||
        uv_tcp_nodelay(&client->tcp, 1) != 0 ||
        uv_read_start((uv_stream_t *)&client->tcp, on_room, on_read) != 0) {
        client_close(client);
    }
}

int main(int argc, char **argv)
{
    uv_tcp_t listener;
    struct sockaddr_in address;
    uv_loop_t *loop = uv_default_loop();
    if (argc != 2 || uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address) != 0 ||
        uv_tcp_init(loop, &listener) != 0 ||
        uv_tcp_bind(&listener, (const struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&listener, BACKLOG, on_connection) != 0) {
        fprintf(stderr, "http_twin: use: http_twin PORT, of a port that is free\n");
        return 1;
    }
    puts("ready");
    fflush(stdout);
    return uv_run(loop, UV_RUN_DEFAULT);
}
