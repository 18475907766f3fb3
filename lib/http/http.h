// SPDX-License-Identifier: GPL-3.0-or-later
// lib/http/http.h: HTTP/1.1 as a server sees it, as pure logic: bytes of a connection in, requests
// out.
//
// Use     keep a struct http_reader for each connection and its bytes in a buffer of at least
//         HTTP_HEAD_BYTES. After each read, call http_request_read on what the buffer holds until
//         it says HTTP_MORE; drop `size` bytes after each request. Answer with http_response_head
//         and a body.
// Owner   a request points into the bytes it was read from.
// Limits  lib/http/limits.h.
// Source  RFC 9110, RFC 9112. Stricter where two readers might disagree on where a request ends:
//         lines end in CRLF, no folded headers, no second Content-Length, no Transfer-Encoding.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct text;

struct http_reader {
    size_t scanned;    // bytes at the front that hold no end of a head
    size_t body_bytes; // of a request that was read: still to come, to be read over
};

struct http_request {
    struct span method; // upper or lower case as sent; methods are case-sensitive
    struct span path;   // of the target, up to '?'; never empty
    struct span query;  // behind '?', or empty
    bool keep_alive;    // the connection may serve another request
    bool expects;       // the client waits for "100 Continue" before it sends its body
    size_t body_bytes;  // announced by Content-Length
};

enum http_result {
    HTTP_MORE,    // no whole request yet
    HTTP_REQUEST, // *request is filled
    HTTP_REFUSED, // *status is what to answer before closing; the reader is of no more use
};

// Reads the request at the front of `bytes`, if its head is there whole.
//   size    receives the count of bytes to drop from the front: also with HTTP_MORE (of a body that
//           is read over, or of empty lines), also 0
//   status  with HTTP_REFUSED: 400, 413, 414, 431, 501 or 505
enum http_result http_request_read(struct http_reader *reader, struct span bytes,
                                   struct http_request *request, size_t *size, u32 *status);

// Appends the head of a response, the empty line included.
//   content_type  a whole value: "text/plain; charset=utf-8"
//   close         says that the connection ends after this response
// A `status` that is not one of those a server here gives is an ASSERT.
void http_response_head(struct text *out, u32 status, const char *content_type, u64 body_bytes,
                        bool close);

// The words for a status ("Not Found").
const char *http_status_name(u32 status);
