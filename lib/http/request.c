// SPDX-License-Identifier: GPL-3.0-or-later
// lib/http/request.c: finds the end of a head, then reads it line by line. A head is looked at
// once: what was scanned without finding its end is not scanned again, so a client that sends byte
// by byte costs no more.
#include "core/base/assert.h"
#include "lib/http/http.h"
#include "lib/http/internal.h"
#include "lib/http/limits.h"

enum {
    BAD_REQUEST = 400,
    TOO_LARGE = 413,
    TARGET_TOO_LONG = 414,
    HEADERS_TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    VERSION_NOT_SUPPORTED = 505,
};

struct headers {
    u32 count;
    bool host;
    bool length;
    bool close;
    bool keep_alive;
    bool expects;
    u64 body_bytes;
};

// "GET /path?query HTTP/1.1". 0, or the status to refuse it with.
static u32 read_request_line(struct span line, struct http_request *request, bool *old)
{
    size_t method_end = http_find(line, ' ');
    if (method_end == 0 || method_end == line.size) {
        return BAD_REQUEST;
    }
    for (size_t i = 0; i < method_end; i++) {
        if (!http_is_token(line.data[i])) {
            return BAD_REQUEST;
        }
    }
    struct span rest = span_slice(line, method_end + 1, line.size);
    size_t target_end = http_find(rest, ' ');
    if (target_end == 0 || target_end == rest.size || rest.data[0] == '?') {
        return BAD_REQUEST;
    }
    for (size_t i = 0; i < target_end; i++) {
        if (rest.data[i] <= 0x20 || rest.data[i] >= 0x7f) {
            return BAD_REQUEST;
        }
    }
    if (target_end > HTTP_TARGET_BYTES) {
        return TARGET_TOO_LONG;
    }
    struct span version = span_slice(rest, target_end + 1, rest.size);
    if (version.size != 8 || !mem_equal(version.data, "HTTP/", 5) || version.data[6] != '.' ||
        version.data[5] < '0' || version.data[5] > '9' || version.data[7] < '0' ||
        version.data[7] > '9') {
        return BAD_REQUEST;
    }
    if (version.data[5] != '1') {
        return VERSION_NOT_SUPPORTED;
    }
    *old = version.data[7] == '0';
    struct span target = span_slice(rest, 0, target_end);
    size_t path_end = http_find(target, '?');
    request->method = span_slice(line, 0, method_end);
    request->path = span_slice(target, 0, path_end);
    request->query =
        span_slice(target, path_end < target.size ? path_end + 1 : target.size, target.size);
    return 0;
}

// Content-Length: digits only, and one of them.
static u32 read_length(struct span value, struct headers *headers)
{
    if (headers->length || value.size == 0) {
        return BAD_REQUEST;
    }
    u64 length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return BAD_REQUEST;
        }
        if (length <= HTTP_BODY_BYTES) { // more digits do not make it smaller
            length = length * 10 + (u64)(value.data[i] - '0');
        }
    }
    headers->length = true;
    headers->body_bytes = length;
    return 0;
}

// Connection: a list of words.
static void read_connection(struct span value, struct headers *headers)
{
    while (value.size != 0) {
        size_t end = http_find(value, ',');
        struct span word = http_trimmed(span_slice(value, 0, end));
        headers->close |= http_is_word(word, "close");
        headers->keep_alive |= http_is_word(word, "keep-alive");
        value = span_slice(value, end < value.size ? end + 1 : end, value.size);
    }
}

static u32 read_header(struct span line, struct headers *headers)
{
    if (++headers->count > HTTP_HEADERS) {
        return HEADERS_TOO_LARGE;
    }
    struct span name, value;
    if (!http_read_field(line, &name, &value)) {
        return BAD_REQUEST;
    }
    if (http_is_word(name, "content-length")) {
        return read_length(value, headers);
    }
    if (http_is_word(name, "transfer-encoding")) {
        return NOT_IMPLEMENTED;
    }
    if (http_is_word(name, "connection")) {
        read_connection(value, headers);
    } else if (http_is_word(name, "expect")) {
        headers->expects |= http_is_word(value, "100-continue");
    } else if (http_is_word(name, "host")) {
        if (headers->host) {
            return BAD_REQUEST;
        }
        headers->host = true;
    }
    return 0;
}

// A head, its empty line included. 0, or the status to refuse it with.
static u32 read_head(struct span head, struct http_request *out)
{
    struct http_request request = {0};
    struct headers headers = {0};
    bool old = false;
    u32 status = read_request_line(http_take_line(&head), &request, &old);
    if (status != 0) {
        return status;
    }
    for (;;) {
        struct span line = http_take_line(&head);
        if (line.size == 0) {
            break;
        }
        status = read_header(line, &headers);
        if (status != 0) {
            return status;
        }
    }
    ASSERT(head.size == 0);
    if (!headers.host && !old) {
        return BAD_REQUEST;
    }
    if (headers.body_bytes > HTTP_BODY_BYTES) {
        return TOO_LARGE;
    }
    request.keep_alive = !headers.close && (!old || headers.keep_alive);
    request.expects = headers.expects && !old && headers.body_bytes != 0;
    request.body_bytes = (size_t)headers.body_bytes;
    *out = request;
    return 0;
}

// Why a head that has no end within the limit is refused: its first line alone may be the reason.
static u32 refuse_long_head(struct span bytes)
{
    return http_find(bytes, '\n') == bytes.size ? TARGET_TOO_LONG : HEADERS_TOO_LARGE;
}

enum http_result http_request_read(struct http_reader *reader, struct span bytes,
                                   struct http_request *request, size_t *size, u32 *status)
{
    size_t skipped = reader->body_bytes < bytes.size ? reader->body_bytes : bytes.size;
    reader->body_bytes -= skipped;
    if (reader->body_bytes == 0 && reader->scanned == 0) {
        // RFC 9112, 2.2: empty lines before a request are read over
        while (bytes.size - skipped >= 2 && mem_equal(bytes.data + skipped, "\r\n", 2)) {
            skipped += 2;
        }
    }
    *size = skipped;
    struct span rest = span_slice(bytes, skipped, bytes.size);
    ASSERT(reader->scanned <= rest.size);
    size_t head = http_head_size(&reader->scanned, rest);
    if (head > HTTP_HEAD_BYTES || (head == 0 && rest.size >= HTTP_HEAD_BYTES)) {
        *status = refuse_long_head(span_slice(rest, 0, HTTP_HEAD_BYTES));
        return HTTP_REFUSED;
    }
    if (head == 0) {
        return HTTP_MORE;
    }
    *status = read_head(span_slice(rest, 0, head), request);
    if (*status != 0) {
        return HTTP_REFUSED;
    }
    reader->body_bytes = request->body_bytes;
    *size += head;
    return HTTP_REQUEST;
}
