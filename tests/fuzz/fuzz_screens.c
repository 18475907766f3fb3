// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as what programs write to a terminal: in two pieces they say what they say in one.
#include "core/base/assert.h"
#include "machines/hosted/screens.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct screens whole = {0};
    struct screens parts = {0};
    size_t cut = size == 0 ? 0 : data[0] % size;
    enum screens_shown shown = screens_take(&whole, span_of(data, size));
    enum screens_shown first = screens_take(&parts, span_of(data, cut));
    enum screens_shown second = screens_take(&parts, span_of(data + cut, size - cut));
    ASSERT(shown == (second == SCREENS_AS_BEFORE ? first : second));
    ASSERT(whole.state == parts.state && whole.number == parts.number);
    return 0;
}
