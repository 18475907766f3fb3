// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/locks.h: the kernel's locks and their order.
//
// Use     kernel_lock_take names the highest rank that its caller may hold already, and asserts
//         that ranks rise. A caller that cannot know takes the highest one that is possible there.
//         Who finds a lock taken again and again looks for it ever more seldom: while two workers
//         take turns, each waits for lines of the cache that the other has, several times as long
//         as the work takes; so rather let one of them do much of it in one go.
// Limits  no lock is held while a guest runs, a module is translated, or a device is called.
#pragma once
#include "core/base/assert.h"
#include "core/base/lock.h"
#include "core/kernel/limits.h"
#include "core/platform.h"

enum kernel_lock_rank {
    LOCK_NONE,
    LOCK_KERNEL, // processes, messages, bonds, programs, the run queue: all but what follows
    LOCK_WORKER, // one worker's: what passes directly between two processes that it has had last
    LOCK_GUEST,  // where guests' memories lie in their reservations
    LOCK_MEMORY, // config->memory and how much of it is taken
};

// Returns how often it called platform_relax.
static inline u32 kernel_lock_take(struct lock *lock, enum kernel_lock_rank held_at_most)
{
    u32 pauses = 0;
    ASSERT(lock->rank > (u32)held_at_most);
    for (u32 pause = 1; !lock_try(lock); pause = pause < KERNEL_PAUSE ? pause * 2 : pause) {
        for (u32 i = 0; i < pause; i++) {
            platform_relax();
        }
        pauses += pause;
    }
    return pauses;
}
