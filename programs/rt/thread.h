// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/thread.h: threads of a program, and what they wait by. Only for programs that are
// built for it (threaded_rule in mk/programs.mk): their memory is shared.
//
// Use     rt_thread_start, then rt_thread_join before the struct or the stack is used again.
// Owner   the caller's are the struct and the stack, until the thread is joined.
// Limits  what programs/rt/redshirt.h offers is for the first thread alone: its buffers are one for
//         the whole program. A thread may send by redshirt_send with buffers of its own.
// Source  docs/abi.md, "Threads".
#pragma once
#include "core/base/types.h"

struct rt_thread {
    u32 is_done; // atomic; waited at
    u32 stack_top;
    void (*run)(void *context);
    void *context;
};

// Runs `run` in another thread, on the stack [stack, stack + stack_bytes). The number that the
// system knows it by, or a negative error: E_LIMIT.
i64 rt_thread_start(struct rt_thread *thread, void *stack, u32 stack_bytes,
                    void (*run)(void *context), void *context);
// Waits until it has returned.
void rt_thread_join(struct rt_thread *thread);

// One thread at a time between the two. Zero at first: nobody is inside.
struct rt_mutex {
    u32 word; // atomic: 0 free, 1 taken, 2 taken, and others may wait
};
void rt_mutex_lock(struct rt_mutex *mutex);
void rt_mutex_unlock(struct rt_mutex *mutex);
