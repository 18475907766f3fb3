// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/aside.h: work in C that can be left in its middle: it has a stack of its own, and the
// worker goes back to its own stack whenever the work has used up what it was given (pace.h).
//
// Use     jit_aside_open; jit_aside_begin for each piece of work, and jit_aside_step until it
//         returns true; jit_aside_close, also in the middle of a piece, which then never goes on:
//         what it has must lie in the caller's hands.
// Owner   the caller owns the struct, which must not move; the stack is the space's.
// Locks   the work holds none where it gives way. Any worker may make the next step.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/jit/pace.h"
struct jit_space;

struct jit_aside {
    // Known to the CPU's pieces of code (x86_64/crossing.c).
    u8 *sp; // of the side that does not run
    void (*run)(struct jit_aside *aside);

    struct jit_pace pace; // what the work is to be given
    struct jit_space *space;
    u8 *stack; // lowest byte; NULL: none
    void (*work)(void *context);
    void *context;
    bool is_begun; // and not done
    bool is_there; // on its stack

    // What the machine keeps of both stacks, and where the worker's lies (struct jit_pages).
    void *kept_work;
    void *kept_worker;
    const void *worker_low;
    u64 worker_bytes;
};

// ERR_NO_MEMORY  the space has no more stacks
enum err jit_aside_open(struct jit_aside *aside, struct jit_space *space);
void jit_aside_close(struct jit_aside *aside);

// The work is about to begin; nothing else is under way.
void jit_aside_begin(struct jit_aside *aside, void (*work)(void *context), void *context);
// Goes on with it and takes from *units what it used, which may be JIT_PACE_UNITS more than there
// was. True: it is done.
bool jit_aside_step(struct jit_aside *aside, i64 *units);
