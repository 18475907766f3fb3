// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/compare.h: does the ir of a module's functions mean what the interpreter does?
//
// Each exported function runs once by the interpreter and once by evaluate.h, on an instance each,
// with the same arguments; results, traps, where they happen, calls of imported functions, globals
// and memory must be equal. Nothing is compared any more after a stack ran out, whose size is each
// one's own, or a call did not end.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"

struct compare_outcome {
    enum err err;       // the module does not load: nothing was compared
    u32 call_count;     // compared
    u32 loop_count;     // of them, begun at a loop
    u32 function_count; // that have an ir
    bool differs;
    char words[320]; // what differs, or why it did not load
};

// Functions that are imported return zeros; what else is imported is made.
//   fuel  of each call
void compare_module(struct span bytes, i64 fuel, struct compare_outcome *out);
