// SPDX-License-Identifier: GPL-3.0-or-later
// Any expressions of grep, in any line: nothing is touched that is not theirs, two together find
// what one of them finds, and a line is found in itself.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/tools/common/pattern.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { LINE_MOST = 512 }; // linear, but in 8192 steps for each byte

static struct pattern pattern;

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// Up to the next newline, without it.
static struct span line_take(struct span *rest)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '\n') {
        size++;
    }
    struct span line = span_slice(*rest, 0, size);
    *rest = span_slice(*rest, size < rest->size ? size + 1 : size, rest->size);
    return line;
}

static bool finds(struct pattern_how how, struct span expression, struct span line)
{
    pattern_begin(&pattern, how);
    return pattern_add(&pattern, expression) == NULL && pattern_end(&pattern) == NULL &&
           pattern_finds(&pattern, line);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct pattern_how how = {.syntax = data[0] % 3,
                              .ignores_case = (data[0] & 16) != 0,
                              .is_whole_line = (data[0] & 32) != 0,
                              .is_whole_word = (data[0] & 64) != 0};
    struct span rest = span_of(data + 1, size - 1);
    struct span first = line_take(&rest);
    struct span second = line_take(&rest);
    struct span line = line_take(&rest);
    line.size = line.size < LINE_MOST ? line.size : LINE_MOST;
    bool is_one = finds(how, first, line);
    bool is_other = finds(how, second, line);
    pattern_begin(&pattern, how);
    if (pattern_add(&pattern, first) == NULL && pattern_add(&pattern, second) == NULL &&
        pattern_end(&pattern) == NULL) {
        ASSERT(pattern_finds(&pattern, line) == (is_one || is_other));
    }
    ASSERT(finds((struct pattern_how){.syntax = PATTERN_FIXED, .is_whole_line = true}, line, line));
    return 0;
}
