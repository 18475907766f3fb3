// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the generated codecs of random interfaces: each constant of bindings.py must encode to the
// bytes that wit.py computed, and these must decode and encode to themselves. Then reads, from
// standard input, bodies that are perhaps damaged, with what wit.py makes of them: both must refuse
// the same ones.
//
// Input   for each body: u32 number of the test (in order, over all interfaces), u32 1 if it is a
//         body, u32 size, bytes.
// Output  a line for each difference; the last: "VALUES BODIES DIFFERENCES".
#include "tests/interfaces/values.h"
#include "core/base/assert.h"
#include <stdio.h>
#include <stdlib.h>

u8 buffer_for_walk[1 << 20];
static u32 differences;
static const char *running = "";

static void differ(const char *what)
{
    differences++;
    printf("%s: %s\n", running, what);
}

void check_walk(bool whole, const struct wire_writer *out, struct span encoded)
{
    if (!whole) {
        differ("walking a list does not meet all items");
    } else if (!span_equal(span_of(out->data, out->size), encoded)) {
        differ("a list's items are not what is encoded");
    }
}

// A copy in a block of exactly its size, so that the sanitizer sees a step beyond it.
static u8 *exact_copy(struct span bytes)
{
    u8 *copy = malloc(bytes.size);
    ASSERT(copy != NULL || bytes.size == 0);
    mem_copy(copy, bytes.data, bytes.size);
    return copy;
}

static void try_value(const struct body_test *test, const void *value, struct span expected)
{
    u8 *out = malloc(expected.size);
    ASSERT(out != NULL || expected.size == 0);
    if (test->encode(NULL, 0, value) != expected.size) {
        differ("another size");
    } else if (test->encode(out, expected.size, value) != expected.size ||
               !mem_equal(out, expected.data, expected.size)) {
        differ("other bytes");
    }
    if (expected.size != 0 && test->encode(out, expected.size - 1, value) != expected.size) {
        differ("another size when it does not fit");
    }
    u8 *body = exact_copy(expected);
    size_t size = 0;
    if (test->decode(span_of(body, expected.size), out, expected.size, &size) != ERR_OK) {
        differ("its own encoding is refused");
    } else if (size != expected.size || !mem_equal(out, expected.data, size)) {
        differ("decoded and encoded, it is something else");
    }
    free(body);
    free(out);
}

static void try_body(const struct body_test *test, struct span body, bool good)
{
    u8 *out = malloc(body.size);
    u8 *copy = exact_copy(body);
    size_t size = 0;
    ASSERT(out != NULL || body.size == 0);
    enum err err = test->decode(span_of(copy, body.size), out, body.size, &size);
    if ((err == ERR_OK) != good) {
        differ(good ? "a good body is refused" : "a bad body is accepted");
    } else if (good && (size != body.size || !mem_equal(out, body.data, size))) {
        differ("two bodies for one value");
    } else if (!good && err != ERR_MALFORMED) {
        differ("refused for a wrong reason");
    }
    free(copy);
    free(out);
}

static const struct body_test *find_test(u32 number)
{
    for (const struct body_test *const *list = all_bodies; *list != NULL; list++) {
        for (const struct body_test *test = *list; test->name != NULL; test++) {
            if (number-- == 0) {
                return test;
            }
        }
    }
    return NULL;
}

int main(void)
{
    u32 values = 0;
    u32 bodies = 0;
    u32 head[3];
    for (const struct body_test *const *list = all_bodies; *list != NULL; list++) {
        for (const struct body_test *test = *list; test->name != NULL; test++) {
            running = test->name;
            for (u32 i = 0; i < test->value_count; i++, values++) {
                try_value(test, (const u8 *)test->values + i * test->value_size, test->bytes[i]);
            }
        }
    }
    while (fread(head, 1, sizeof head, stdin) == sizeof head) {
        const struct body_test *test = find_test(head[0]);
        u8 *data = malloc(head[2]);
        ASSERT(test != NULL && (data != NULL || head[2] == 0));
        ASSERT(fread(data, 1, head[2], stdin) == head[2]);
        running = test->name;
        try_body(test, span_of(data, head[2]), head[1] == 1);
        free(data);
        bodies++;
    }
    printf("%u %u %u\n", values, bodies, differences);
    return differences != 0;
}
