// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/assert.h: claims about our own code. A false one stops the kernel, saying where.
//
// Use     ASSERT for one cheap claim each, on in release builds too. ASSERT_SLOW for walks over
//         whole structures: on only where the build defines SLOW_ASSERTS to 1 (it is always
//         defined, 0 or 1).
// Owner   assert_fail is defined by whoever links this row: a machine, a tool or a test.
#pragma once
#include "core/base/compiler.h"

// Prints the claim and its place, and stops for good.
NORETURN void assert_fail(const char *claim, const char *file, int line);

#define ASSERT(cond)                                                                               \
    do {                                                                                           \
        if (UNLIKELY(!(cond))) {                                                                   \
            assert_fail(#cond, __FILE__, __LINE__);                                                \
        }                                                                                          \
    } while (0)

#define ASSERT_SLOW(cond)                                                                          \
    do {                                                                                           \
        if (SLOW_ASSERTS) {                                                                        \
            ASSERT(cond);                                                                          \
        }                                                                                          \
    } while (0)
