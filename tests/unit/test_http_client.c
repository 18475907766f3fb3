// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/http read responses as RFC 9112 frames them, in any pieces, and end where they end?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/http/client.h"
#include "lib/http/limits.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BUFFER_BYTES = 2 * HTTP_HEAD_BYTES };

struct outcome {
    enum err err, end;
    u32 status;
    bool is_whole;
    char body[256];
    size_t body_size;
};

// Feeds a response as a connection would: pieces into a buffer, what was taken out of it.
static struct outcome feed(struct span input, size_t piece)
{
    static u8 buffer[BUFFER_BYTES];
    struct outcome outcome = {0};
    struct http_response_reader reader;
    size_t held = 0, at = 0;
    http_response_reader_init(&reader);
    for (;;) {
        struct http_part part;
        size_t taken;
        outcome.err = http_response_read(&reader, span_of(buffer, held), &taken, &part, NULL);
        if (outcome.err != ERR_OK) {
            return outcome;
        }
        assert_true(taken <= held);
        if (part.kind == HTTP_PART_HEAD) {
            outcome.status = part.response.status;
        } else if (part.kind == HTTP_PART_BODY) {
            assert_true(part.bytes.size != 0);
            for (size_t i = 0; i < part.bytes.size; i++, outcome.body_size++) {
                if (outcome.body_size < sizeof outcome.body - 1) {
                    outcome.body[outcome.body_size] = (char)part.bytes.data[i];
                }
            }
        }
        outcome.is_whole |= part.kind == HTTP_PART_END;
        memmove(buffer, buffer + taken, held - taken);
        held -= taken;
        if (part.kind != HTTP_PART_MORE) {
            continue;
        }
        if (at == input.size || held == sizeof buffer) {
            outcome.end = http_response_end(&reader, NULL);
            return outcome;
        }
        size_t more = input.size - at < piece ? input.size - at : piece;
        more = more < sizeof buffer - held ? more : sizeof buffer - held;
        memcpy(buffer + held, input.data + at, more);
        held += more;
        at += more;
    }
}

static void assert_response(const char *input, u32 status, const char *body, enum err end)
{
    for (size_t piece = 1; piece < 20; piece += 3) {
        struct outcome outcome = feed(span_string(input), piece);
        if (outcome.err != ERR_OK || outcome.status != status || outcome.end != end ||
            strcmp(outcome.body, body) != 0) {
            fail_msg("%s: %s, %u, \"%s\", %s", input, err_name(outcome.err), outcome.status,
                     outcome.body, err_name(outcome.end));
        }
    }
}

static void responses_are_read(void **state)
{
    (void)state;
    assert_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", ERR_OK);
    assert_response("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello, and more", 200, "hello",
                    ERR_OK);
    assert_response("HTTP/1.0 200\r\n\r\nhello", 200, "hello", ERR_OK); // to the end
    assert_response("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", 404, "", ERR_OK);
    assert_response("HTTP/1.1 204 No Content\r\n\r\nhello", 204, "", ERR_OK);
    assert_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", 304, "", ERR_OK);
    assert_response("HTTP/1.1 301 Moved\r\nLocation: http://x/\r\nContent-Length: 1\r\n\r\na", 301,
                    "a", ERR_OK);
    assert_response("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
                    200, "ab", ERR_OK);
    assert_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "5\r\nhello\r\n6;name=value\r\n world\r\n000\r\nTrailer: x\r\n\r\n",
                    200, "hello world", ERR_OK);
    assert_response(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 200,
        "0123456789", ERR_OK);
    assert_response("HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 1\r\n\r\na",
                    200, "a", ERR_OK);
    // Cut off.
    assert_response("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", 200, "hello", ERR_CLOSED);
    assert_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", 200, "hel",
                    ERR_CLOSED);
    assert_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 200,
                    "hello", ERR_CLOSED);
    assert_response("HTTP/1.1 200 OK\r\n", 0, "", ERR_CLOSED);
    assert_response("", 0, "", ERR_CLOSED);
}

static void doubtful_responses_are_refused(void **state)
{
    (void)state;
#define HEAD "HTTP/1.1 200 OK\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
    static const struct {
        const char *input;
        enum err err;
    } rows[] = {
        {"HTTP/2.0 200 OK\r\n\r\n", ERR_UNSUPPORTED},
        {"HTTP/1.1 20 OK\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 2000 OK\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 099 OK\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 600 OK\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1  200 OK\r\n\r\n", ERR_MALFORMED},
        {"http/1.1 200 OK\r\n\r\n", ERR_MALFORMED},
        {"\r\n\r\n", ERR_MALFORMED},
        {"SSH-2.0-OpenSSH\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: 1, 1\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: -1\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: +1\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length:\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: 99999999999999999999999\r\n\r\n", ERR_MALFORMED},
        {HEAD "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_MALFORMED},
        {HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", ERR_UNSUPPORTED},
        {HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", ERR_UNSUPPORTED},
        {HEAD "Content-Encoding: gzip\r\n\r\n", ERR_UNSUPPORTED},
        {HEAD "A: b\r\n c\r\n\r\n", ERR_MALFORMED}, // folded
        {HEAD "A : b\r\n\r\n", ERR_MALFORMED},
        {HEAD "A: b\x01\r\n\r\n", ERR_MALFORMED},
        {HEAD "A: b\nC: d\r\n\r\n", ERR_MALFORMED},
        {HEAD "no colon\r\n\r\n", ERR_MALFORMED},
        {CHUNKED "\r\n", ERR_MALFORMED},
        {CHUNKED "g\r\n", ERR_MALFORMED},
        {CHUNKED "-1\r\n", ERR_MALFORMED},
        {CHUNKED "1 \r\na\r\n", ERR_MALFORMED},
        {CHUNKED "0x1\r\na\r\n", ERR_MALFORMED},
        {CHUNKED "1000000000000000\r\n", ERR_MALFORMED},
        {CHUNKED "1\r\nab\r\n", ERR_MALFORMED},
        {CHUNKED "0\r\nno colon\r\n\r\n", ERR_MALFORMED},
        {"HTTP/1.1 100 Continue\r\nContent-Length: 1\r\n\r\n", ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 20; piece += 6) {
            if (feed(span_string(rows[i].input), piece).err != rows[i].err) {
                fail_msg("%s", rows[i].input);
            }
        }
    }
}

static void responses_have_bounds(void **state)
{
    (void)state;
    static char input[4 * HTTP_HEAD_BYTES];
    // A head.
    for (size_t size = HTTP_HEAD_BYTES; size <= HTTP_HEAD_BYTES + 1; size++) {
        size_t filler = size - strlen(HEAD "A: \r\nContent-Length: 0\r\n\r\n");
        memset(input, 0, sizeof input);
        size_t at = (size_t)sprintf(input, HEAD "A: ");
        memset(input + at, 'a', filler);
        strcpy(input + at + filler, "\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(strlen(input), size);
        assert_int_equal(feed(span_string(input), 1000).err,
                         size <= HTTP_HEAD_BYTES ? ERR_OK : ERR_LIMIT);
        assert_int_equal(feed(span_string(input), sizeof input).err,
                         size <= HTTP_HEAD_BYTES ? ERR_OK : ERR_LIMIT);
    }
    // Lines of a head, and of a trailer.
    for (u32 trailer = 0; trailer < 2; trailer++) {
        for (u32 lines = HTTP_HEADERS; lines <= HTTP_HEADERS + 1; lines++) {
            size_t at = (size_t)sprintf(input, "%s", trailer == 0 ? HEAD : CHUNKED "0\r\n");
            for (u32 i = 0; i < lines; i++) {
                at += (size_t)sprintf(input + at, "A: b\r\n");
            }
            sprintf(input + at, "\r\n");
            assert_int_equal(feed(span_string(input), 100).err,
                             lines <= HTTP_HEADERS ? ERR_OK : ERR_LIMIT);
        }
    }
    // The line before a chunk.
    for (int size = HTTP_CHUNK_LINE_BYTES; size <= HTTP_CHUNK_LINE_BYTES + 1; size++) {
        sprintf(input, CHUNKED "1;%0*d\r\na\r\n0\r\n\r\n", size - 2, 0);
        for (size_t piece = 1; piece < 200; piece += 99) {
            assert_int_equal(feed(span_string(input), piece).err,
                             size <= HTTP_CHUNK_LINE_BYTES ? ERR_OK : ERR_LIMIT);
        }
    }
    // Responses before the one.
    for (u32 count = HTTP_INTERIM; count <= HTTP_INTERIM + 1; count++) {
        size_t at = 0;
        for (u32 i = 0; i < count; i++) {
            at += (size_t)sprintf(input + at, "HTTP/1.1 102 Processing\r\n\r\n");
        }
        sprintf(input + at, HEAD "Content-Length: 0\r\n\r\n");
        assert_int_equal(feed(span_string(input), 10).err,
                         count <= HTTP_INTERIM ? ERR_OK : ERR_LIMIT);
    }
}

static void requests_are_written(void **state)
{
    (void)state;
    char buffer[512];
    struct text text = text_over(buffer, sizeof buffer);
    http_request_head(&text, SPAN_LITERAL("gateway.local:8080"), SPAN_LITERAL("/ipfs/x?format=raw"),
                      "application/vnd.ipld.raw");
    assert_string_equal(buffer, "GET /ipfs/x?format=raw HTTP/1.1\r\nHost: gateway.local:8080\r\n"
                                "Accept: application/vnd.ipld.raw\r\nUser-Agent: redshirt\r\n"
                                "Connection: close\r\n\r\n");
    static const struct {
        const char *host;
        bool is_valid;
    } hosts[] = {{"localhost", true}, {"127.0.0.1:8080", true}, {"[::1]:80", true},
                 {"", false},         {"a b", false},           {"a/b", false},
                 {"a\r\nb", false},   {"u@h", false},           {"h?x", false},
                 {"h#x", false},      {"h\\x", false},          {"h\x80", false}};
    for (size_t i = 0; i < COUNT_OF(hosts); i++) {
        assert_int_equal(http_host_is_valid(span_string(hosts[i].host)), hosts[i].is_valid);
    }
    char name[HTTP_HOST_BYTES + 1];
    memset(name, 'a', sizeof name);
    assert_true(http_host_is_valid(span_of(name, HTTP_HOST_BYTES)));
    assert_false(http_host_is_valid(span_of(name, HTTP_HOST_BYTES + 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(responses_are_read),
        cmocka_unit_test(doubtful_responses_are_refused),
        cmocka_unit_test(responses_have_bounds),
        cmocka_unit_test(requests_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
