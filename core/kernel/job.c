// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/kernel/job.h"
#include "core/kernel/internal.h"

static bool is_waiting(const struct kernel *kernel)
{
    return !list_is_empty(&kernel->jobs[JOB_NORMAL]) || !list_is_empty(&kernel->jobs[JOB_LOW]);
}

// Where the jobs stand among the processes.
static void stand_in_line(struct kernel *kernel)
{
    if (is_waiting(kernel) && !list_is_linked(&kernel->job_turn)) {
        kernel->job_number = kernel->ready_next++;
        list_append(&kernel->ready, &kernel->job_turn);
        workers_wake_locked(kernel);
    }
}

void job_start_locked(struct kernel *kernel, struct job *job, enum job_share share, job_step *step)
{
    ASSERT(!list_is_linked(&job->node));
    *job = (struct job){.step = step, .share = (u8)share};
    list_append(&kernel->jobs[share], &job->node);
    stand_in_line(kernel);
}

void job_cancel(struct job *job)
{
    __atomic_store_n(&job->is_cancelled, true, __ATOMIC_RELEASE);
}

bool job_is_cancelled(const struct job *job)
{
    return __atomic_load_n(&job->is_cancelled, __ATOMIC_ACQUIRE);
}

struct job *job_take_locked(struct kernel *kernel)
{
    ASSERT(!list_is_linked(&kernel->job_turn)); // the worker took it
    struct list_node *node = list_take(&kernel->jobs[JOB_NORMAL]);
    if (node == NULL) {
        node = list_take(&kernel->jobs[JOB_LOW]);
    }
    ASSERT(node != NULL);
    stand_in_line(kernel);
    return LIST_ITEM(node, struct job, node);
}

void job_put_back_locked(struct kernel *kernel, struct job *job)
{
    list_append(&kernel->jobs[job->share], &job->node);
    stand_in_line(kernel);
}

void jobs_end(struct kernel *kernel)
{
    while (list_is_linked(&kernel->job_turn)) {
        kernel_lock(kernel);
        list_remove(&kernel->job_turn);
        struct job *job = job_take_locked(kernel);
        kernel_unlock(kernel);
        job_cancel(job);
        i64 fuel;
        do {
            fuel = INT64_MAX;
        } while (job->step(job, &fuel));
    }
}
