// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/job.h: work of the kernel's own that takes longer than a moment, done in steps beside
// the processes: a program's check, the giving back of much memory.
//
// All jobs that wait have together one place in the queue of ready processes: whoever's turn it is
// takes the first and steps it until its slice is over, then it goes to the end of the jobs' own
// queue. So no process waits longer for jobs than for one more process, however many there are.
// Several workers may each have a job. A job of JOB_LOW is taken only when no other waits, and gets
// a turn of KERNEL_FUEL_LOW: for what is useful but not waited for.
//
// Use     embed a struct job in what the work is about; job_start_locked; the rest is in `step`.
// Owner   whoever embeds it, until `step` returns false: that is the job's end, and what it lies in
//         may be gone by then, or have been started anew.
// Locks   `step` is called with no lock held, by one worker at a time.
// Limits  a step spends about the fuel it is given (in units of about 2 ns, core/wasm/thread.h) and
//         at least one unit: what it cannot interrupt should take a tenth of a slice at most.
#pragma once
#include "core/base/list.h"
#include "core/base/types.h"
struct job;
struct kernel;

// Goes on with the work and takes from *fuel what it used. False: it is done, or was cancelled and
// has put everything away.
typedef bool job_step(struct job *job, i64 *fuel);

enum job_share { JOB_NORMAL, JOB_LOW, JOB_SHARES };

struct job {
    struct list_node node; // in kernel->jobs while no worker has it
    job_step *step;
    u8 share;          // enum job_share
    bool is_cancelled; // atomic
};

void job_start_locked(struct kernel *kernel, struct job *job, enum job_share share, job_step *step);

// Nobody wants what the job does. The next step learns that by job_is_cancelled; whoever embeds the
// job must leave it alone from here on.
void job_cancel(struct job *job);
bool job_is_cancelled(const struct job *job);

// ---- for schedule.c and kernel.c

// The next job, which the worker then has. There is one whenever kernel->job_turn is linked.
struct job *job_take_locked(struct kernel *kernel);
// Puts back a job that has not come to its end.
void job_put_back_locked(struct kernel *kernel, struct job *job);
// Cancels all jobs and steps each to its end; nobody else is inside the kernel.
void jobs_end(struct kernel *kernel);
