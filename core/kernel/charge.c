// SPDX-License-Identifier: GPL-3.0-or-later
// What processes take of the machine, against what the user leaves them. A budget is read out of
// the rows when a process gets its program, and again when rows change: whoever has more by then
// keeps it, and gets nothing new.
//
// Memory is counted twice: for the process, its threads with it, and for its family. Both have to
// fit, so that what a program may use holds for all that it starts, also when that is itself.
#include "core/base/cid.h"
#include "core/kernel/internal.h"

// ---- memory

static bool take(u64 *used, u64 bytes, const u64 *budget)
{
    u64 most = __atomic_load_n(budget, __ATOMIC_RELAXED);
    u64 before = __atomic_load_n(used, __ATOMIC_RELAXED);
    do {
        if (before > most || bytes > most - before) {
            return false;
        }
    } while (!__atomic_compare_exchange_n(used, &before, before + bytes, false, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return true;
}

static void give(u64 *used, u64 bytes)
{
    u64 before = __atomic_fetch_sub(used, bytes, __ATOMIC_RELAXED);
    ASSERT(before >= bytes);
}

// For who has to say what was lacking; others of the family may take and give meanwhile.
static void lacked(struct process *process, const u64 *used, u64 bytes)
{
    u64 before = __atomic_load_n(used, __ATOMIC_RELAXED);
    u64 linear = __atomic_load_n(&process->linear_bytes, __ATOMIC_RELAXED);
    process->lacked_bytes = before + bytes;
    process->lacked_beside = before > linear ? before - linear : 0;
}

bool budget_take(struct process *process, u64 bytes)
{
    struct process *leader = process->leader;
    struct process *family = process->family;
    if (!take(&leader->memory_bytes, bytes, &leader->budget.memory_bytes)) {
        lacked(process, &leader->memory_bytes, bytes);
        return false;
    }
    if (!take(&family->family_bytes, bytes, &family->budget.memory_bytes)) {
        give(&leader->memory_bytes, bytes);
        lacked(process, &family->family_bytes, bytes);
        return false;
    }
    return true;
}

void budget_give(struct process *process, u64 bytes)
{
    give(&process->leader->memory_bytes, bytes);
    give(&process->family->family_bytes, bytes);
}

bool budget_family_take(struct process *family, u64 bytes)
{
    ASSERT(family->family == family);
    return take(&family->family_bytes, bytes, &family->budget.memory_bytes);
}

void budget_family_give(struct process *family, u64 bytes)
{
    give(&family->family_bytes, bytes);
}

u64 budget_portions(u64 bytes)
{
    return (bytes + KERNEL_BUDGET_PORTION - 1) / KERNEL_BUDGET_PORTION * KERNEL_BUDGET_PORTION;
}

// ---- children

bool budget_has_child(const struct process *parent)
{
    const struct process *family = parent->family;
    u32 descendants = family->family_count - family->family_threads;
    return parent->child_count < KERNEL_CHILDREN && parent->child_count < parent->budget.children &&
           family->family_count < KERNEL_FAMILY && descendants < family->budget.children;
}

// ---- time

u64 budget_slice_locked(const struct process *process, u64 slice)
{
    const struct process *family = process->family;
    u64 share = process->budget.cpu < KERNEL_CPU_ALL ? process->budget.cpu : KERNEL_CPU_ALL;
    u64 parts = KERNEL_CPU_ALL;
    if (family->budget.cpu < KERNEL_CPU_EACH) { // one share for all that want to run
        u64 together = family->budget.cpu;
        u64 others = family->family_ready;
        if (together < share * (others + 1)) {
            share = together;
            parts *= others + 1;
        }
    }
    if (share == parts) { // most processes
        return slice;
    }
    if (share * KERNEL_SLICE_LEAST < parts) {
        share = 1;
        parts = KERNEL_SLICE_LEAST;
    }
    // So as not to overflow: most slices end by the clock, and have all the fuel there is.
    u64 whole = slice / parts;
    u64 left = slice % parts;
    u64 out = whole * share + left * share / parts;
    return out > 0 ? out : 1;
}

// ---- rows

// The worker that runs it reads the size of its memory at any time; the rest under a lock.
static void set(struct process *process, const struct kernel_budget *budget)
{
    process->budget.addressing = budget->addressing;
    process->budget.children = budget->children;
    process->budget.messages = budget->messages;
    process->call_most =
        budget->messages > process->message_count ? budget->messages : process->message_count;
    process->budget.queued_bytes = budget->queued_bytes;
    process->budget.cpu = budget->cpu;
    __atomic_store_n(&process->budget.memory_bytes, budget->memory_bytes, __ATOMIC_RELAXED);
}

bool budget_begin_locked(struct kernel *kernel, struct process *process, const struct cid *cid)
{
    struct grant_walk own = {process->above, cid->digest, cid->codec};
    struct kernel_budget budget;
    struct grant_walk denied;
    if (grant_budget_locked(kernel, process, &own, &budget, &denied) != ERR_OK) {
        grant_budget_refused_locked(kernel, process, &own, &denied);
        return false;
    }
    set(process, &budget);
    return true;
}

static void judge_again(struct kernel *kernel, struct process *process)
{
    if (process == NULL || process->program == NULL || process->leader->program == NULL) {
        return; // ended, or about to end for want of a program
    }
    struct grant_walk own = grant_walk_begin(process);
    struct kernel_budget budget;
    struct grant_walk denied;
    if (grant_budget_locked(kernel, process->leader, &own, &budget, &denied) == ERR_OK) {
        set(process, &budget);
    } else {
        process_kill_locked(kernel, process->leader);
    }
}

// By the rows, as its leader's may be about to be judged by those.
void budget_thread_locked(struct kernel *kernel, struct process *thread)
{
    ASSERT(thread->leader != thread);
    judge_again(kernel, thread);
}

void budgets_changed_locked(struct kernel *kernel)
{
    const struct pool *pool = &kernel->processes;
    for (u32 slot = 0; slot < pool->chunk_count * POOL_CHUNK_ITEMS; slot++) {
        judge_again(kernel, pool_at(pool, slot));
        if (slot % KERNEL_SWEEP == KERNEL_SWEEP - 1) {
            kernel_unlock(kernel);
            kernel_lock(kernel);
        }
    }
}
