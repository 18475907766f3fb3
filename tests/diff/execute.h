// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/execute.h: runs what a module exports, in slices, and keeps what can be compared.
//
// Use     execute_module; the module imports nothing, and every function it exports is called in
//         turn, with arguments made of its number, on one thread.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/wasm/trap.h"

enum { EXECUTE_CALLS = 16, EXECUTE_RESULTS = 4 };

struct execute_call {
    char name[32];
    bool is_done; // or trapped, or never ended
    enum trap trap;
    u64 offset; // where in the file it trapped
    u32 depth;  // frames, at most 8
    u64 fuel;   // used
    u32 result_count;
    u8 types[EXECUTE_RESULTS];
    u64 results[EXECUTE_RESULTS][2]; // the second word of a v128, else 0
};

struct execute_outcome {
    bool has_exceptions; // what they cost beyond a slice is forgiven, so fuel depends on slices
    enum err err;        // of loading; nothing else is set then but the reason
    enum trap trap;      // of a segment
    char reason[240];
    u32 call_count;
    struct execute_call calls[EXECUTE_CALLS];
    u64 memory_sum; // of all memories at the end
    u64 memory_bytes;
};

// The fuel for each slice is taken from `slices` in turn, again and again; each is above 0.
//   fuel  of each call; when it is used up the call has not ended
void execute_module(struct span bytes, const i64 *slices, u32 slice_count, i64 fuel,
                    struct execute_outcome *out);
