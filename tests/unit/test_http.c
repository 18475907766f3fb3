// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/http keep its header's promises: whole and cut requests, pipelining, and every refusal?
#include "core/base/compiler.h"
#include "core/base/text.h"
#include "lib/http/http.h"
#include "lib/http/limits.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

static void assert_span(struct span span, const char *string)
{
    assert_int_equal(span.size, strlen(string));
    assert_memory_equal(span.data, string, span.size);
}

// Reads the one request that `string` is, whole and then again byte by byte: both must agree. The
// bytes lie in a block of exactly their size, so that reading beyond them is seen.
static enum http_result read_all(const char *string, struct http_request *request, u32 *status)
{
    static u8 *bytes;
    free(bytes);
    size_t length = strlen(string);
    bytes = malloc(length);
    memcpy(bytes, string, length);
    struct http_reader whole = {0};
    size_t size = 0;
    *status = 0;
    enum http_result result =
        http_request_read(&whole, span_of(bytes, length), request, &size, status);
    struct http_reader slow = {0};
    struct http_request other = {0};
    enum http_result again = HTTP_MORE;
    u32 other_status = 0;
    size_t dropped = 0;
    for (size_t end = 0; end <= length && again == HTTP_MORE; end++) {
        size_t step = 0;
        u8 *part = malloc(end - dropped);
        memcpy(part, bytes + dropped, end - dropped);
        again =
            http_request_read(&slow, span_of(part, end - dropped), &other, &step, &other_status);
        assert_true(step <= end - dropped);
        dropped += step;
        free(part);
    }
    assert_int_equal(result, again);
    if (result == HTTP_REQUEST) {
        assert_int_equal(request->body_bytes, other.body_bytes);
        assert_int_equal(request->keep_alive, other.keep_alive);
    }
    return result;
}

static void requests_are_read(void **state)
{
    (void)state;
    struct http_request request;
    u32 status;
    assert_int_equal(read_all("GET /a/b?c=d&e?f HTTP/1.1\r\nHost: x:8000\r\nX: \t y \r\n\r\n",
                              &request, &status),
                     HTTP_REQUEST);
    assert_span(request.method, "GET");
    assert_span(request.path, "/a/b");
    assert_span(request.query, "c=d&e?f");
    assert_true(request.keep_alive);
    assert_false(request.expects);
    assert_int_equal(request.body_bytes, 0);
    assert_int_equal(read_all("\r\n\r\nHEAD * HTTP/1.0\r\n\r\n", &request, &status), HTTP_REQUEST);
    assert_span(request.method, "HEAD");
    assert_span(request.path, "*");
    assert_span(request.query, "");
    assert_false(request.keep_alive);
    assert_int_equal(
        read_all("GET / HTTP/1.0\r\nConnection: a, Keep-Alive\r\n\r\n", &request, &status),
        HTTP_REQUEST);
    assert_true(request.keep_alive);
    assert_int_equal(read_all(GET "cOnnection:x , close,\r\n\r\n", &request, &status),
                     HTTP_REQUEST);
    assert_false(request.keep_alive);
    assert_int_equal(read_all("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n"
                              "Expect: 100-Continue\r\n\r\n",
                              &request, &status),
                     HTTP_REQUEST);
    assert_int_equal(request.body_bytes, 65536);
    assert_true(request.expects);
}

static void what_is_not_whole_is_waited_for(void **state)
{
    (void)state;
    struct http_request request;
    u32 status;
    static const char *const parts[] = {"", "\r", "\r\n", "G", GET, GET "\r", GET "A: b\r\n\r"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        assert_int_equal(read_all(parts[i], &request, &status), HTTP_MORE);
    }
}

static void pipelined_requests_and_bodies_are_told_apart(void **state)
{
    (void)state;
    static const char stream[] = "GET /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /"
                                 "\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
                                 "GET /3 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\r\n";
    static const char *const paths[] = {"/1", "/2", "/3"};
    for (size_t chunk = 1; chunk <= sizeof stream; chunk++) {
        u8 buffer[256];
        size_t held = 0;
        size_t sent = 0;
        size_t seen = 0;
        struct http_reader reader = {0};
        while (sent < sizeof stream - 1) {
            size_t more = sizeof stream - 1 - sent < chunk ? sizeof stream - 1 - sent : chunk;
            memcpy(buffer + held, stream + sent, more);
            held += more;
            sent += more;
            for (;;) {
                struct http_request request;
                size_t size;
                u32 status;
                enum http_result result =
                    http_request_read(&reader, span_of(buffer, held), &request, &size, &status);
                assert_int_not_equal(result, HTTP_REFUSED);
                if (result == HTTP_REQUEST) {
                    assert_true(seen < 3);
                    assert_span(request.path, paths[seen++]);
                }
                memmove(buffer, buffer + size, held - size);
                held -= size;
                if (result == HTTP_MORE) {
                    break;
                }
            }
        }
        assert_int_equal(seen, 3);
        assert_int_equal(held, 0);
    }
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        u32 status;
    } cases[] = {
        {"GET /\r\n\r\n", 400},
        {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET ?a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400},
        {"GET / http/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/11\r\nHost: a\r\n\r\n", 400},
        {"GE\x01T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505},
        {GET "Host: b\r\n\r\n", 400},
        {GET "A : b\r\n\r\n", 400},
        {GET " A: b\r\n\r\n", 400},
        {GET "A\r\n\r\n", 400},
        {GET ": b\r\n\r\n", 400},
        {GET "A: b\rc\r\n\r\n", 400},
        {GET "A: b\nC: d\r\n\r\n", 400},
        {GET "A: b\r\n c\r\n\r\n", 400},
        {GET "A: b\x7f\r\n\r\n", 400},
        {GET "Content-Length: \r\n\r\n", 400},
        {GET "Content-Length: -1\r\n\r\n", 400},
        {GET "Content-Length: +1\r\n\r\n", 400},
        {GET "Content-Length: 0x1\r\n\r\n", 400},
        {GET "Content-Length: 1, 1\r\n\r\n", 400},
        {GET "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {GET "Content-Length: 65537\r\n\r\n", 413},
        {GET "Content-Length: 99999999999999999999999999999999999999\r\n\r\n", 413},
        {GET "Content-Length: 18446744073709551617\r\n\r\n", 413},
        {GET "Transfer-Encoding: chunked\r\n\r\n", 501},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct http_request request;
        u32 status;
        assert_int_equal(read_all(cases[i].bytes, &request, &status), HTTP_REFUSED);
        assert_int_equal(status, cases[i].status);
    }
}

static u32 status_of_long(size_t target_bytes, size_t header_bytes, size_t headers)
{
    static char bytes[4 * HTTP_HEAD_BYTES];
    struct text text = text_over(bytes, sizeof bytes);
    text_string(&text, "GET /");
    for (size_t i = 1; i < target_bytes; i++) {
        text_char(&text, 'a');
    }
    text_string(&text, " HTTP/1.1\r\nHost: a\r\n");
    for (size_t h = 0; h < headers; h++) {
        text_string(&text, "A: ");
        for (size_t i = 0; i < header_bytes; i++) {
            text_char(&text, 'b');
        }
        text_string(&text, "\r\n");
    }
    text_string(&text, "\r\n");
    struct http_reader reader = {0};
    struct http_request request;
    size_t size;
    u32 status = 0;
    enum http_result result =
        http_request_read(&reader, span_of(bytes, text.size), &request, &size, &status);
    return result == HTTP_REQUEST ? 200 : status;
}

static void limits_are_where_they_are_said_to_be(void **state)
{
    (void)state;
    assert_int_equal(status_of_long(HTTP_TARGET_BYTES, 0, 0), 200);
    assert_int_equal(status_of_long(HTTP_TARGET_BYTES + 1, 0, 0), 414);
    assert_int_equal(status_of_long(HTTP_HEAD_BYTES, 0, 0), 414);
    assert_int_equal(status_of_long(1, 1, HTTP_HEADERS - 1), 200); // Host is one
    assert_int_equal(status_of_long(1, 1, HTTP_HEADERS), 431);
    size_t others = strlen("GET / HTTP/1.1\r\nHost: a\r\nA: \r\n\r\n");
    assert_int_equal(status_of_long(1, HTTP_HEAD_BYTES - others, 1), 200);
    assert_int_equal(status_of_long(1, HTTP_HEAD_BYTES - others + 1, 1), 431);
}

static void responses_are_written(void **state)
{
    (void)state;
    char bytes[HTTP_RESPONSE_HEAD_BYTES];
    struct text text = text_over(bytes, sizeof bytes);
    http_response_head(&text, 405, "text/plain", 12345678901ull, true);
    assert_string_equal(bytes, "HTTP/1.1 405 Method Not Allowed\r\nContent-Type: text/plain\r\n"
                               "Content-Length: 12345678901\r\nAllow: GET, HEAD\r\n"
                               "Connection: close\r\n\r\n");
    text = text_over(bytes, sizeof bytes);
    http_response_head(&text, 200, "a/b", 0, false);
    assert_string_equal(bytes, "HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 0\r\n"
                               "Connection: keep-alive\r\n\r\n");
    assert_false(text.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_read),
        cmocka_unit_test(what_is_not_whole_is_waited_for),
        cmocka_unit_test(pipelined_requests_and_bodies_are_told_apart),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(limits_are_where_they_are_said_to_be),
        cmocka_unit_test(responses_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
