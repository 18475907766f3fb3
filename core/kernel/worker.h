// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/worker.h: the workers that run processes, and how what became ready gets to one.
//
// A worker does calls between processes of its own under a lock of its own (local calls,
// docs/kernel.md) until somebody who takes the kernel's lock recalls it.
//
// Use     core/kernel/internal.h includes it; core/kernel/fast.h has the locks' two sides.
// Owner   kernel->workers.
// Locks   worker->own for local calls while is_local, else kernel->lock; `ready` and what says so
//         is the worker's alone.
// Limits  core/kernel/limits.h: KERNEL_WORKERS, KERNEL_WORKER_MESSAGES.
#pragma once
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/types.h"
#include "core/kernel/limits.h"
struct kernel;
struct message;
struct process;

enum { CACHE_LINE_BYTES = 128 }; // two lines, as some CPUs fetch them

// Random bits for ids, fetched many at a time.
enum { TAG_BATCH = 512 };
struct tags {
    u32 next;
    u32 tags[TAG_BATCH];
};

struct worker {
    u32 index;
    bool slice_over;   // atomic: the machine raises it
    bool is_to_rest;   // the worker's own: it is in the way of the others
    bool has_ready;    // the worker's own: something came into `ready` since it last looked
    i64 ready_fuel;    // the worker's own: what it has used since `ready` was last empty
    struct list ready; // struct process by `run`, woken by those that this worker runs; it alone
                       // takes them, until they have waited so long that it offers them to all
    // Local calls (docs/kernel.md). Under `own` while the worker is_local, else the kernel's lock.
    struct lock own;
    bool is_local;   // atomic: they need `own` alone
    u32 local_count; // of them under the kernel's lock, since the worker was recalled
    u32 kept_count;
    struct message *kept[KERNEL_WORKER_MESSAGES]; // taken out of the pool, and unknown to it
    u64 message_total;                            // sent in local calls
    struct tags tags;
    u8 behind[CACHE_LINE_BYTES]; // of what the next worker writes
};

// ---- schedule.c

// Something became ready: a sleeping worker is woken once the lock is given back.
void workers_wake_locked(struct kernel *kernel);
// Puts a process that is READY into a queue.
void ready_append_locked(struct kernel *kernel, struct process *process);
