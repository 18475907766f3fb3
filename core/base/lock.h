// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/lock.h: mutual exclusion by one word, for critical sections of a few hundred ns.
//
// Use     lock_try in a loop that relaxes the machine in between; core/kernel/locks.h wraps it with
//         ranks.
#pragma once
#include "core/base/types.h"

struct lock {
    u32 held; // atomic
    u32 rank; // of the row that owns the lock; constant
};

static inline bool lock_try(struct lock *lock)
{
    return __atomic_load_n(&lock->held, __ATOMIC_RELAXED) == 0 &&
           __atomic_exchange_n(&lock->held, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void lock_release(struct lock *lock)
{
    __atomic_store_n(&lock->held, 0, __ATOMIC_RELEASE);
}
