// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/visits.h: what signal handlers use is not freed under them.
//
// A handler runs in whichever thread the host picks, beside the thread that takes down what the
// handler uses; that its signal is given to another handler says nothing of one that is at work.
// So a handler visits, and who frees ends the visits first.
//
// Use     in a handler: `if (visit_begin(&v)) { ...; visit_end(&v); }`; before what they use is
//         freed: visits_over(&v); when there is something to use again: visits_open(&v).
// Limits  visits_over waits for those that are inside. A handler must not wait in a visit, and one
//         who visits does not call visits_over.
// Errors  none. All but visits_over may be called in a handler.
#pragma once
#include <sched.h>

#include "core/base/assert.h"
#include "core/base/types.h"

// Zero is closed, with nobody inside.
struct visits {
    u32 inside;   // atomic
    bool is_open; // atomic
};

static inline void visits_open(struct visits *visits)
{
    __atomic_store_n(&visits->is_open, true, __ATOMIC_SEQ_CST);
}

static inline bool visits_are_open(const struct visits *visits)
{
    return __atomic_load_n(&visits->is_open, __ATOMIC_SEQ_CST);
}

static inline void visit_end(struct visits *visits)
{
    u32 before = __atomic_fetch_sub(&visits->inside, 1, __ATOMIC_SEQ_CST);
    ASSERT(before != 0);
}

// Whether it may visit: then visit_end follows.
//
// It counts itself first and looks then; visits_over does it the other way round: one of the two
// sees the other.
[[nodiscard]] static inline bool visit_begin(struct visits *visits)
{
    __atomic_fetch_add(&visits->inside, 1, __ATOMIC_SEQ_CST);
    if (visits_are_open(visits)) {
        return true;
    }
    visit_end(visits);
    return false;
}

static inline void visits_over(struct visits *visits)
{
    __atomic_store_n(&visits->is_open, false, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&visits->inside, __ATOMIC_SEQ_CST) != 0) {
        (void)sched_yield();
    }
}
