// SPDX-License-Identifier: GPL-3.0-or-later
// Responses in whole and in small pieces: the same bodies, the same ends.
#include "core/base/assert.h"
#include "lib/http/client.h"
#include "lib/http/limits.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static u64 read(struct span input, size_t piece)
{
    struct http_response_reader reader;
    size_t start = 0, end = 0;
    u64 sum = 1;
    http_response_reader_init(&reader);
    for (;;) {
        struct http_part part;
        size_t taken;
        struct span held = span_slice(input, start, end);
        enum err err = http_response_read(&reader, held, &taken, &part, NULL);
        if (err != ERR_OK) {
            return sum * 3 + (u64)err;
        }
        ASSERT(taken <= held.size);
        start += taken;
        if (part.kind == HTTP_PART_HEAD) {
            ASSERT(part.response.status >= 200 && part.response.status <= 599);
            sum = sum * 31 + part.response.status;
        }
        for (size_t i = 0; part.kind == HTTP_PART_BODY && i < part.bytes.size; i++) {
            sum = sum * 31 + part.bytes.data[i];
        }
        if (part.kind == HTTP_PART_END) {
            return sum * 7;
        }
        if (part.kind == HTTP_PART_MORE) {
            if (end == input.size) {
                return sum * 5 + (u64)http_response_end(&reader, NULL);
            }
            end = input.size - end < piece ? input.size : end + piece;
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    u64 whole = read(span_of(data, size), size + 1);
    ASSERT(read(span_of(data, size), 1) == whole);
    return 0;
}
