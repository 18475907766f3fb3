// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/platform.h: begins and ends what core/platform.h offers on a Linux process.
//
// Use     hosted_platform_start before anything of core/ runs; the calling thread becomes worker 0.
//         hosted_platform_stop after every kernel_worker_run has been told to return and before the
//         kernel is destroyed: no slice flag is raised any more, no worker runs.
// Threads both calls come from the thread of worker 0.
// Limits  HOSTED_WORKERS.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct report;

// What worker 0 does instead of sleeping when it has nothing to run. Set before
// hosted_platform_start's workers run, and NULL again before what it points to goes.
struct hosted_idle {
    // Works until *word (atomic) is no longer HOSTED_IDLE_WORD. False: somebody else does, so
    // sleep.
    bool (*work)(void *context, const u32 *word);
    // Makes `work` look at its word soon. From any thread, and from signal handlers.
    void (*interrupt)(void *context);
    // Called at each tick. False: nobody works, so the ticker must go on ticking.
    bool (*tick)(void *context);
    void *context;
};
enum { HOSTED_IDLE_WORD = 3 };
void hosted_platform_idle(const struct hosted_idle *idle);
// How often worker 0 had nothing to run; wraps around.
u32 hosted_platform_rests(void);
// Nobody does that work from now on: the ticker has to look after it.
void hosted_platform_stir(void);

// ERR_LIMIT  workers is 0 or above HOSTED_WORKERS
// ERR_IO     the C library's cryptography or a thread did not start
enum err hosted_platform_start(u32 workers, struct report *report);

// Waits until every started worker has returned from its function.
void hosted_platform_stop(void);

// Makes the calling thread one that can be interrupted in compiled code (platform_interrupts), as
// worker `index`; before it runs any. The second undoes it, before the thread ends.
enum err hosted_interrupts_open(u32 index);
void hosted_interrupts_close(u32 index);
// Interrupts a worker, if it can be: for the ticker.
void hosted_interrupts_tick(u32 index);
