// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/support.h: what every unit test needs and the rows do not have: an assert_fail, and
// memory that counts and can be made to fail.
//
// Use     add $(TEST_SUPPORT) to a unit test's sources. To fail every allocation in turn: for n =
//         0, 1, ... run with `allocations_left` n until the run succeeds; each failure must be
//         ERR_NO_MEMORY and leave `blocks` as it was.
#pragma once
#include "core/base/memory.h"

struct test_memory {
    struct memory memory;
    i64 allocations_left; // allocations that succeed before the first fails; below 0: all do
    u64 blocks;           // taken and not given back
    u64 bytes;            // in them
};

// Over the C library's malloc, failing after `allocations_left` allocations (below 0: never).
struct test_memory test_memory_over_malloc(i64 allocations_left);
