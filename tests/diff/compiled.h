// SPDX-License-Identifier: GPL-3.0-or-later
// tests/diff/compiled.h: does compiled code do what the interpreter does? Each exported function of
// a module without imports runs once by each, on an instance of its own, with the same arguments;
// results, traps, their places, globals and memory must be equal. Nothing is compared any more
// after a stack ran out, whose size is each one's own, or a call did not end.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

struct compiled_options {
    bool is_plain;   // as for a CPU without AVX, BMI and segments
    bool has_checks; // addresses compared, as for a memory without reservation
    bool has_storm;  // with a tick every few microseconds
    bool
        has_loops; // every second function is interpreted, and goes over in the middle of its loops
    i64 fuel;      // of each call by the interpreter
};

struct compiled_outcome {
    u32 function_count; // that were compiled
    u32 loop_count;     // of functions that began there in compiled code
    u32 call_count;     // compared
    bool differs;
    char words[200]; // what differs
    bool is_whole;   // all calls were compared, and `digest` is that of the run (digest.h)
    u32 digest;
};

// A module that does not load, or imports something, is not compared.
void compiled_compare(struct span bytes, const struct compiled_options *options,
                      struct compiled_outcome *out);

// Prints how long an export takes with one argument, by both.
void compiled_time(struct span bytes, const struct compiled_options *options, const char *name,
                   u64 value);
