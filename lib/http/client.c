// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/http/client.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/http/internal.h"
#include "lib/http/limits.h"

enum stage {
    AT_HEAD,
    IN_BODY,      // of a size that is known
    IN_REST,      // a body that lasts as long as the connection
    AT_CHUNK,     // the line before a chunk
    IN_CHUNK,     //
    AT_CHUNK_END, // the CRLF behind it
    IN_TRAILER,
    AT_LAST, // the end is to be told
    DONE,
};

enum {
    INTERIM_FIRST = 100,
    STATUS_FIRST = 200,
    STATUS_LAST = 599,
    NO_CONTENT = 204,
    NOT_MODIFIED = 304,
    STATUS_LINE_BYTES = 12, // "HTTP/1.1 200"
    CHUNK_DIGITS = 15,      // more than fit 60 bits are no size
};

bool http_host_is_valid(struct span host)
{
    for (size_t i = 0; i < host.size; i++) {
        u8 c = host.data[i];
        if (c <= ' ' || c >= 0x7f || c == '/' || c == '?' || c == '#' || c == '@' || c == '\\') {
            return false;
        }
    }
    return host.size >= 1 && host.size <= HTTP_HOST_BYTES;
}

void http_request_head(struct text *out, struct span host, struct span target, const char *accept)
{
    ASSERT(http_host_is_valid(host) && target.size != 0 && target.data[0] == '/');
    text_string(out, "GET ");
    text_bytes(out, target);
    text_string(out, " HTTP/1.1\r\nHost: ");
    text_bytes(out, host);
    if (accept != NULL) {
        text_string(out, "\r\nAccept: ");
        text_string(out, accept);
    }
    text_string(out, "\r\nUser-Agent: redshirt\r\nConnection: close\r\n\r\n");
}

void http_response_reader_init(struct http_response_reader *reader)
{
    *reader = (struct http_response_reader){.stage = AT_HEAD};
}

static enum err malformed(const char *why, struct report *report)
{
    return report_err(report, ERR_MALFORMED, 0, why);
}

// What a head says about the body.
struct head {
    u32 status;
    u32 fields;
    bool has_size, is_chunked;
    u64 size;
};

static bool is_digit(u8 c)
{
    return c >= '0' && c <= '9';
}

// "HTTP/1.1 200 OK"
static enum err read_status(struct span line, struct head *out, struct report *report)
{
    const u8 *c = line.data;
    if (line.size < STATUS_LINE_BYTES || !mem_equal(c, "HTTP/", 5) || !is_digit(c[5]) ||
        c[6] != '.' || !is_digit(c[7]) || c[8] != ' ' || !is_digit(c[9]) || !is_digit(c[10]) ||
        !is_digit(c[11]) || (line.size > STATUS_LINE_BYTES && c[12] != ' ')) {
        return malformed("http: not a response", report);
    }
    if (c[5] != '1') {
        return report_err(report, ERR_UNSUPPORTED, 0, "http: a response of another version");
    }
    out->status = (u32)(c[9] - '0') * 100 + (u32)(c[10] - '0') * 10 + (u32)(c[11] - '0');
    if (out->status < INTERIM_FIRST || out->status > STATUS_LAST) {
        return malformed("http: a status that does not exist", report);
    }
    return ERR_OK;
}

static enum err read_size(struct span value, struct head *out, struct report *report)
{
    if (out->has_size || value.size == 0) {
        return malformed("http: a response of two sizes, or of an empty one", report);
    }
    u64 size = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (!is_digit(value.data[i]) || size > UINT64_MAX / 10 - 1) {
            return malformed("http: the size of a response is no number", report);
        }
        size = size * 10 + (u64)(value.data[i] - '0');
    }
    out->has_size = true;
    out->size = size;
    return ERR_OK;
}

static enum err read_field(struct span line, struct head *out, struct report *report)
{
    struct span name, value;
    if (++out->fields > HTTP_HEADERS) {
        return report_err(report, ERR_LIMIT, 0, "http: more than 64 lines in a head");
    }
    if (!http_read_field(line, &name, &value)) {
        return malformed("http: a line of a head that is none", report);
    }
    if (http_is_word(name, "content-length")) {
        return read_size(value, out, report);
    }
    if (http_is_word(name, "transfer-encoding")) {
        if (out->is_chunked || !http_is_word(value, "chunked")) {
            return report_err(report, ERR_UNSUPPORTED, 0,
                              "http: a transfer encoding other than chunked");
        }
        out->is_chunked = true;
    } else if (http_is_word(name, "content-encoding") && !http_is_word(value, "identity")) {
        return report_err(report, ERR_UNSUPPORTED, 0, "http: an encoded body, unasked");
    }
    return ERR_OK;
}

static enum err read_head(struct span bytes, struct head *out, struct report *report)
{
    TRY(read_status(http_take_line(&bytes), out, report));
    for (;;) {
        struct span line = http_take_line(&bytes);
        if (line.size == 0) {
            break;
        }
        TRY(read_field(line, out, report));
    }
    if (out->is_chunked && out->has_size) {
        return malformed("http: a response that is chunked and has a size", report);
    }
    return ERR_OK;
}

// Where the body begins, and how it ends (RFC 9112, 6.3).
static void begin_body(struct http_response_reader *reader, const struct head *head)
{
    reader->left = head->size;
    if (head->status == NO_CONTENT || head->status == NOT_MODIFIED ||
        (head->has_size && head->size == 0)) {
        reader->stage = AT_LAST;
    } else if (head->is_chunked) {
        reader->stage = AT_CHUNK;
    } else {
        reader->stage = head->has_size ? IN_BODY : IN_REST;
    }
}

static enum err take_head(struct http_response_reader *reader, struct span bytes, size_t *taken,
                          struct http_part *part, struct report *report)
{
    struct head head = {0};
    size_t size = http_head_size(&reader->scanned, bytes);
    if (size > HTTP_HEAD_BYTES || (size == 0 && bytes.size >= HTTP_HEAD_BYTES)) {
        return report_err(report, ERR_LIMIT, 0, "http: a head beyond 8 KiB");
    }
    if (size == 0) {
        return ERR_OK;
    }
    TRY(read_head(span_slice(bytes, 0, size), &head, report));
    *taken = size;
    if (head.status < STATUS_FIRST) { // it announces the one that counts, and has no body
        if (head.is_chunked || head.has_size) {
            return malformed("http: a body where none can be", report);
        }
        if (reader->interim++ == HTTP_INTERIM) {
            return report_err(report, ERR_LIMIT, 0, "http: too many responses before the one");
        }
        return ERR_OK;
    }
    begin_body(reader, &head);
    part->kind = HTTP_PART_HEAD;
    part->response = (struct http_response){head.status, head.has_size, head.size};
    return ERR_OK;
}

// The bytes of a line at the front, its CRLF included; 0: it is not whole yet.
static enum err find_line(struct span bytes, size_t most, size_t *out, struct report *report)
{
    *out = 0;
    for (size_t i = 0; i + 1 < bytes.size && i <= most; i++) {
        if (bytes.data[i] == '\r' && bytes.data[i + 1] == '\n') {
            *out = i + 2;
            return ERR_OK;
        }
    }
    return bytes.size < most + 2 ? ERR_OK
                                 : report_err(report, ERR_LIMIT, 0, "http: a line is too long");
}

// "1a2b" or "1a2b;extension"
static enum err take_chunk_line(struct http_response_reader *reader, struct span bytes,
                                size_t *taken, struct report *report)
{
    size_t size, i = 0;
    TRY(find_line(bytes, HTTP_CHUNK_LINE_BYTES, &size, report));
    if (size == 0) {
        return ERR_OK;
    }
    u64 left = 0;
    for (; i < size - 2; i++) {
        u8 c = bytes.data[i], letter = c | 0x20;
        if (is_digit(c)) {
            left = left * 16 + (u64)(c - '0');
        } else if (letter >= 'a' && letter <= 'f') {
            left = left * 16 + (u64)(letter - 'a' + 10);
        } else {
            break;
        }
    }
    bool is_ended = i == size - 2 || bytes.data[i] == ';';
    if (i == 0 || i > CHUNK_DIGITS || !is_ended) {
        return malformed("http: a chunk without its size", report);
    }
    *taken = size;
    reader->left = left;
    reader->stage = left == 0 ? IN_TRAILER : IN_CHUNK;
    return ERR_OK;
}

static enum err take_trailer(struct http_response_reader *reader, struct span bytes, size_t *taken,
                             struct report *report)
{
    size_t size;
    struct span name, value;
    TRY(find_line(bytes, HTTP_HEAD_BYTES - 2, &size, report));
    if (size == 2) {
        reader->stage = AT_LAST;
    } else if (size != 0) {
        if (reader->lines++ == HTTP_HEADERS) {
            return report_err(report, ERR_LIMIT, 0, "http: more than 64 lines behind a body");
        }
        if (!http_read_field(span_slice(bytes, 0, size - 2), &name, &value)) {
            return malformed("http: a line behind a body that is none", report);
        }
    }
    *taken = size;
    return ERR_OK;
}

static void take_body(struct http_response_reader *reader, struct span bytes, size_t *taken,
                      struct http_part *part)
{
    size_t size = bytes.size;
    if (reader->stage != IN_REST && reader->left < size) {
        size = (size_t)reader->left;
    }
    *taken = size;
    if (size != 0) {
        part->kind = HTTP_PART_BODY;
        part->bytes = span_slice(bytes, 0, size);
    }
    if (reader->stage != IN_REST) {
        reader->left -= size;
        if (reader->left == 0) {
            reader->stage = reader->stage == IN_BODY ? AT_LAST : AT_CHUNK_END;
        }
    }
}

static enum err take_part(struct http_response_reader *reader, struct span bytes, size_t *taken,
                          struct http_part *part, struct report *report)
{
    *taken = 0;
    switch ((enum stage)reader->stage) {
    case AT_HEAD:
        return take_head(reader, bytes, taken, part, report);
    case AT_CHUNK:
        return take_chunk_line(reader, bytes, taken, report);
    case AT_CHUNK_END:
        if (bytes.size >= 2) {
            reader->stage = AT_CHUNK;
            *taken = 2;
            return mem_equal(bytes.data, "\r\n", 2)
                       ? ERR_OK
                       : malformed("http: a chunk of another size than it said", report);
        }
        return ERR_OK;
    case IN_TRAILER:
        return take_trailer(reader, bytes, taken, report);
    case AT_LAST:
        reader->stage = DONE;
        part->kind = HTTP_PART_END;
        return ERR_OK;
    case DONE:
        return ERR_OK; // what follows is nobody's: each request has a connection of its own
    default:
        take_body(reader, bytes, taken, part);
        return ERR_OK;
    }
}

enum err http_response_read(struct http_response_reader *reader, struct span bytes, size_t *taken,
                            struct http_part *part, struct report *report)
{
    *part = (struct http_part){.kind = HTTP_PART_MORE};
    *taken = 0;
    for (;;) {
        size_t took;
        TRY(take_part(reader, span_slice(bytes, *taken, bytes.size), &took, part, report));
        *taken += took;
        if (part->kind != HTTP_PART_MORE || (took == 0 && reader->stage != AT_LAST)) {
            return ERR_OK;
        }
    }
}

enum err http_response_end(struct http_response_reader *reader, struct report *report)
{
    if (reader->stage == IN_REST || reader->stage == DONE) {
        reader->stage = DONE;
        return ERR_OK;
    }
    return report_err(report, ERR_CLOSED, 0, "http: the response ends in the middle");
}
