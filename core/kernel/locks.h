// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/locks.h: the kernel's locks and their order.
//
// Use     kernel_lock_take names the highest rank that its caller may hold already, and asserts
//         that ranks rise. A caller that cannot know takes the highest one that is possible there.
// Limits  no lock is held while a guest runs, a module is translated, or a device is called.
#pragma once
#include "core/base/assert.h"
#include "core/base/lock.h"
#include "core/platform.h"

enum kernel_lock_rank {
    LOCK_NONE,
    LOCK_KERNEL, // processes, messages, bonds, programs, the run queue: all but what follows
    LOCK_GUEST,  // where guests' memories lie in their reservations
    LOCK_MEMORY, // config->memory and how much of it is taken
};

static inline void kernel_lock_take(struct lock *lock, enum kernel_lock_rank held_at_most)
{
    ASSERT(lock->rank > (u32)held_at_most);
    while (!lock_try(lock)) {
        platform_relax();
    }
}
