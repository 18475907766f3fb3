// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/buffers.h: the client's lists of buffers.
//
// Use     buffers_check first; then, with one cursor, buffers_scatter for what was read or
//         buffers_gather for what is to be written, piece by piece; or buffers_send for all of it.
// Limits  WASI_IOVECS.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct buffers {
    u32 at; // in the client's memory
    u32 count;
};

// A place in a list: `offset` bytes into the buffer `index`.
struct cursor {
    u32 index;
    u32 offset;
};

// Checks a list whole: its own place, each buffer's, and that the sizes add up to a number that the
// result can hold. An errno.
i32 buffers_check(struct buffers list, u64 *total);
// Spreads bytes over a list that has room for them, moving the cursor past them. An errno.
i32 buffers_scatter(struct buffers list, struct cursor *cursor, struct span bytes);
// Collects up to CHUNK_BYTES from the list into `chunk`, moving the cursor past them. An errno.
i32 buffers_gather(struct buffers list, struct cursor *cursor, u32 *size);
// Writes a whole checked list, `total` bytes, in pieces.
//   write  takes what it can of some bytes, *count of them
//   size   receives how many were written; what was before a failure counts, and no failure is told
// An errno.
i32 buffers_send(struct buffers list, u64 total, u64 to,
                 i32 (*write)(u64 to, struct span bytes, u32 *count), u32 *size);
