// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/support.h"
#include "core/base/assert.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: claim does not hold: %s\n", file, line, claim);
    abort();
}

// Every change of size moves the block, so that a stale pointer meets the sanitizer.
static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    struct test_memory *test = CONTAINER_OF(self, struct test_memory, memory);
    if (new_size == 0) {
        ASSERT(old_size == 0 || block != NULL);
        if (old_size != 0) {
            test->blocks--;
            test->bytes -= old_size;
        }
        free(block);
        return NULL;
    }
    ASSERT(old_size == 0);
    if (test->allocations_left == 0) {
        return NULL;
    }
    void *fresh = aligned_alloc(16, (new_size + 15) / 16 * 16);
    if (fresh == NULL) {
        return NULL;
    }
    memset(fresh, 0xa5, new_size); // nothing may count on zero
    if (test->allocations_left > 0) {
        test->allocations_left--;
    }
    test->blocks++;
    test->bytes += new_size;
    return fresh;
}

struct test_memory test_memory_over_malloc(i64 allocations_left)
{
    return (struct test_memory){.memory = {resize}, .allocations_left = allocations_left};
}
