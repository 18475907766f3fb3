// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/memory.h: the C library's memory as a struct memory, with a budget.
//
// Use     hosted_memory_init, then hand out &memory->base.
// Threads any thread may take and give at any time.
// Limits  limit_bytes: what would pass it is refused as if the host had no more.
#pragma once
#include "core/base/memory.h"
#include "core/base/types.h"

struct hosted_memory {
    struct memory base;
    u64 limit_bytes;
    u64 used_bytes; // atomic
};

void hosted_memory_init(struct hosted_memory *memory, u64 limit_bytes);
