// SPDX-License-Identifier: GPL-3.0-or-later
// tests/boot/kernel_sums.h on this computer's own CPU.
#include "core/base/assert.h"
#include "tests/boot/kernel_sums.h"
#include <stdio.h>
#include <stdlib.h>

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, claim);
    abort();
}

static void say(const char *line)
{
    fputs(line, stdout);
}

int main(void)
{
    kernel_sums(say);
    return 0;
}
