// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/seen.h: the processes of this system, as redshirt:kernel/inspect tells
// them.
//
// Errors  what fails is said, and ends the tool.
#pragma once
#include "core/base/types.h"

enum { SEEN_NAME_BYTES = 257, SEEN_CID_BYTES = 65 };

struct seen_process {
    u64 id;
    u64 parent;
    u64 memory_bytes;
    u64 time_ns;
    u64 sent;
    const char *state;
    char name[SEEN_NAME_BYTES];
    char program[SEEN_CID_BYTES];
};

struct seen {
    struct seen_process *processes; // in order of id
    size_t count;
    size_t room;
    u64 uptime_ns;
    u64 messages;
    u64 message_bytes;
    u32 workers;
};

// What there is now, in the place of what was there before.
void seen_read(struct seen *seen);

// Puts a time out, right-aligned: 0:01.50, 12:00.00.
void seen_time_put(u64 ns, size_t width);
// A count of bytes.
void seen_bytes_put(u64 bytes, size_t width);
