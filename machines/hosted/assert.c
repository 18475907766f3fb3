// SPDX-License-Identifier: GPL-3.0-or-later
// The end of a run whose own claims are false. Apart from platform.c, so that tools which are no
// machine link it alone.
#include <stdio.h>
#include <stdlib.h>

#include "core/base/assert.h"

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "redshirt: a claim of its own code is false: %s (%s:%d)\n", claim, file, line);
    abort();
}
