// SPDX-License-Identifier: GPL-3.0-or-later
// core/jit/pace.h: lets a long pass of the compiler give way to others in its middle.
//
// A pass says jit_pace wherever it has done a little, with what that cost. Once more is spent than
// it was given, `give_way` is called, and returns when there is more to spend: from aside.h, after
// the worker has done other things; in a test, at once.
//
// Use     struct ir, struct mach and struct assembler carry the pointer; NULL: nobody waits.
// Limits  between two calls a pass does JIT_PACE_UNITS of work at most (limits.h), however its
//         input looks.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"

struct jit_pace {
    i64 left; // units, of about 2 ns as those of core/wasm/thread.h
    // Sets `left` anew, above 0.
    void (*give_way)(struct jit_pace *pace);
};

static inline void jit_pace(struct jit_pace *pace, u64 units)
{
    if (pace != NULL) {
        pace->left -= (i64)units;
        if (UNLIKELY(pace->left < 0)) {
            pace->give_way(pace);
        }
    }
}
