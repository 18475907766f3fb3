// SPDX-License-Identifier: GPL-3.0-or-later
// JSON in whole and byte by byte tells the same, and what opens is closed.
#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "lib/json/json.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static u64 add(u64 sum, const struct json_event *event)
{
    sum = sum * 31 + (u64)event->kind * 17 + event->depth;
    for (size_t i = 0; i < event->text.size; i++) {
        sum = sum * 31 + event->text.data[i];
    }
    return sum;
}

static u64 read(struct span input, size_t piece)
{
    static struct json_reader reader;
    struct json_event event;
    u64 sum = 1;
    u32 depth = 0;
    json_reader_init(&reader);
    for (size_t at = 0; at < input.size;) {
        size_t rest = input.size - at, taken;
        struct span bytes = span_of(input.data + at, rest < piece ? rest : piece);
        enum err err = json_next(&reader, bytes, &taken, &event, NULL);
        if (err != ERR_OK) {
            ASSERT(err == ERR_MALFORMED || err == ERR_LIMIT);
            return sum * 3 + (u64)err;
        }
        ASSERT(event.kind != JSON_MORE || taken == bytes.size);
        at += taken;
        if (event.kind == JSON_MORE) {
            continue;
        }
        depth -= event.kind == JSON_OBJECT_END || event.kind == JSON_ARRAY_END;
        ASSERT(event.depth == depth && depth <= JSON_DEPTH);
        depth += event.kind == JSON_OBJECT || event.kind == JSON_ARRAY;
        ASSERT(event.is_cut || utf8_is_valid(event.text));
        sum = add(sum, &event);
    }
    enum err err = json_end(&reader, &event, NULL);
    ASSERT(err != ERR_OK || depth == 0);
    return err == ERR_OK ? add(sum, &event) : sum * 5;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    u64 whole = read(span_of(data, size), size + 1);
    ASSERT(read(span_of(data, size), 1) == whole);
    return 0;
}
