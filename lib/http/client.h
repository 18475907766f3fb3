// SPDX-License-Identifier: GPL-3.0-or-later
// lib/http/client.h: HTTP/1.1 as a client sees it: requests without a body out, responses in.
//
// Use     http_request_head writes a request. Keep a struct http_response_reader for it and what
//         arrives in a buffer of at least HTTP_HEAD_BYTES; call http_response_read on it until it
//         says HTTP_PART_MORE, dropping `taken` bytes each time. When the connection ends:
//         http_response_end.
// Owner   what a part tells points into the bytes that it was read from.
// Limits  lib/http/limits.h. The size of a body is the caller's to bound: stop when it is enough.
// Source  RFC 9110, RFC 9112. Stricter where two readers might disagree on where a response ends:
//         no Transfer-Encoding but "chunked" alone, none beside a Content-Length, no second
//         Content-Length, no folded headers, no encoded content. Redirects are not followed: they
//         are a status as any other.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
struct report;
struct text;

// Appends "GET target HTTP/1.1" with Host, Accept (NULL: none) and Connection: close.
//   host, target  checked by the caller to hold visible ASCII only
void http_request_head(struct text *out, struct span host, struct span target, const char *accept);

// Whether `host` may stand in a request: visible ASCII without '/', '?', '#', '@' and '\\'; at most
// HTTP_HOST_BYTES.
bool http_host_is_valid(struct span host);

enum http_part_kind {
    HTTP_PART_MORE, // give more bytes, with those that were not taken in front
    HTTP_PART_HEAD, // `response`
    HTTP_PART_BODY, // `bytes`, the next of them
    HTTP_PART_END,  // the response is whole
};

struct http_response {
    u32 status; // 200 .. 599; those below are read over
    bool has_size;
    u64 body_bytes; // when has_size
};

struct http_part {
    enum http_part_kind kind;
    struct http_response response;
    struct span bytes;
};

struct http_response_reader {
    u8 stage;       // enum stage of client.c
    u8 interim;     // heads that were read over
    u32 lines;      // of the trailer
    size_t scanned; // bytes at the front that hold no end of a head
    u64 left;       // of the body or of the chunk
};

void http_response_reader_init(struct http_response_reader *reader);

//   taken  receives the count of bytes to drop from the front
// ERR_MALFORMED    not a response, or one that ends in doubt
// ERR_LIMIT        HTTP_HEAD_BYTES, HTTP_HEADERS, HTTP_CHUNK_LINE_BYTES, HTTP_INTERIM
// ERR_UNSUPPORTED  another version, an encoded body
// The reader is of no more use then.
enum err http_response_read(struct http_response_reader *reader, struct span bytes, size_t *taken,
                            struct http_part *part, struct report *report);

// The connection has ended, and all bytes were taken but those that are no whole part.
// ERR_CLOSED  the response was not whole
enum err http_response_end(struct http_response_reader *reader, struct report *report);
