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

// ERR_LIMIT  workers is 0 or above HOSTED_WORKERS
// ERR_IO     the C library's cryptography or a thread did not start
enum err hosted_platform_start(u32 workers, struct report *report);

// Waits until every started worker has returned from its function.
void hosted_platform_stop(void);
