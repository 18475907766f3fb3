// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes of a connection, cut into pieces as the first byte says, against the HTTP reader: it never
// reads beyond what it was given, and what it says does not depend on how the bytes were cut.
#include "core/base/assert.h"
#include "lib/http/http.h"
#include "lib/http/limits.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

struct outcome {
    u32 requests;
    u32 status;
    u64 sum; // of what the requests said
};

static void count(struct outcome *outcome, const struct http_request *request)
{
    outcome->requests++;
    ASSERT(request->method.size != 0 && request->path.size + request->query.size != 0);
    ASSERT(request->body_bytes <= HTTP_BODY_BYTES);
    struct span parts[] = {request->method, request->path, request->query};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        for (size_t j = 0; j < parts[i].size; j++) {
            outcome->sum = outcome->sum * 31 + parts[i].data[j];
        }
    }
    outcome->sum = outcome->sum * 31 + request->keep_alive * 2 + request->expects;
}

static struct outcome run(struct span stream, size_t chunk)
{
    struct outcome outcome = {0};
    struct http_reader reader = {0};
    size_t start = 0;
    size_t end = 0;
    while (outcome.status == 0) {
        size_t held = end - start;
        u8 *bytes = malloc(held); // of its own, so that the sanitizer sees its end
        mem_copy(bytes, stream.data + start, held);
        struct http_request request;
        size_t size = 0;
        enum http_result result =
            http_request_read(&reader, span_of(bytes, held), &request, &size, &outcome.status);
        ASSERT(size <= held && (result == HTTP_REFUSED) == (outcome.status != 0));
        start += size;
        if (result == HTTP_REQUEST) {
            count(&outcome, &request);
        }
        free(bytes);
        if (result == HTTP_MORE) {
            if (end == stream.size) {
                break;
            }
            end = stream.size - end < chunk ? stream.size : end + chunk;
        }
    }
    return outcome;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct span stream = span_of(data + 1, size - 1);
    struct outcome whole = run(stream, stream.size + 1);
    struct outcome cut = run(stream, (size_t)data[0] + 1);
    ASSERT(whole.requests == cut.requests && whole.sum == cut.sum);
    ASSERT((whole.status == 0) == (cut.status == 0));
    return 0;
}
