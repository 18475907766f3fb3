// SPDX-License-Identifier: GPL-3.0-or-later
// Who runs where. Ready processes stand in a queue; a worker takes the first, runs it for a slice
// and puts it at the end. Those that had waited and are woken by the machine stand in a queue of
// their own, which comes first, for a part of a slice each: KERNEL_PROMPT of them come to one
// slice, then one of the others has its own. A process that sends and waits, or answers and waits,
// hands its worker over to the other side without passing the queue, but also without a new slice:
// a pair that plays ping-pong gets one slice between the two of them before the next in the queue
// has its turn. The kernel's own jobs have one place in the queue together: core/kernel/job.h.
//
// Of several workers each also has a queue of its own, for processes woken by those it runs: so
// processes that talk gather on one worker, where a message costs no wake-up and finds its data in
// the cache. What has waited there for KERNEL_FUEL_OFFER is offered to all workers.
#include "core/jit/limits.h"
#include "core/kernel/internal.h"
#include "core/platform.h"

void workers_wake_locked(struct kernel *kernel)
{
    __atomic_store_n(&kernel->has_news, true, __ATOMIC_RELAXED);
    if (kernel->is_looking) { // somebody is about to find it
        return;
    }
    u64 first = kernel->sleeping & -kernel->sleeping;
    kernel->sleeping &= ~first; // so that the next one wakes another
    kernel->wake_workers |= first;
}

// Whether it may come before others when it has waited: who has a part of the CPU only may not.
static bool is_prompt(const struct process *process)
{
    return process->budget.cpu >= KERNEL_CPU_EACH &&
           process->family->budget.cpu >= KERNEL_CPU_EACH && process->instance != NULL;
}

static void append_locked(struct kernel *kernel, struct process *process, bool has_waited)
{
    struct worker *worker = kernel->acting;
    process->ready_number = kernel->ready_next++;
    process->family->family_ready++;
    if (worker == NULL) {
        list_append(has_waited && is_prompt(process) ? &kernel->prompt : &kernel->ready,
                    &process->run);
        workers_wake_locked(kernel);
        return;
    }
    if (list_is_empty(&worker->ready)) {
        worker->has_ready = true;
        worker->ready_fuel = 0;
    }
    list_append(&worker->ready, &process->run);
}

void ready_append_locked(struct kernel *kernel, struct process *process)
{
    append_locked(kernel, process, true);
}

// Lets all workers have what this one has woken.
static void offer_locked(struct kernel *kernel, struct worker *worker)
{
    struct list_node *node;
    worker->has_ready = false;
    while ((node = list_take(&worker->ready)) != NULL) { // at most KERNEL_PROCESSES
        list_append(&kernel->ready, node);
        LIST_ITEM(node, struct process, run)->is_offered = true;
        workers_wake_locked(kernel);
    }
}

// ---- a turn

struct turn {
    struct kernel *kernel;
    struct worker *worker;
    i64 all;        // that kernel_worker_step allows
    u64 start_ns;   //
    i64 fuel_left;  // of what kernel_worker_step allows
    i64 portion;    // the portion under way,
    i64 fuel;       // and what is left of it
    i64 fuel_start; // of the portion, or since the switch to this process
};

static bool is_over(const struct turn *turn)
{
    return __atomic_load_n(&turn->worker->slice_over, __ATOMIC_RELAXED) ||
           __atomic_load_n(&turn->kernel->stop, __ATOMIC_RELAXED) || turn->fuel_left <= 0;
}

static bool is_killed(const struct process *process)
{
    return __atomic_load_n(&process->kill, __ATOMIC_RELAXED);
}

// Notes the fuel that the process has used since the last time.
static void account(struct turn *turn, struct process *process)
{
    i64 used = turn->fuel_start - turn->fuel;
    turn->fuel_start = turn->fuel;
    // This worker alone writes it; inspect reads it.
    u64 total = __atomic_load_n(&process->fuel_used, __ATOMIC_RELAXED) + (u64)used;
    __atomic_store_n(&process->fuel_used, total, __ATOMIC_RELAXED);
    process->portion_left -= used;
}

static void new_portion(struct turn *turn, i64 most)
{
    turn->fuel_left += turn->fuel < 0 ? turn->fuel : 0; // a costly call spends ahead
    i64 portion = turn->fuel_left < most ? turn->fuel_left : most;
    turn->fuel_left -= portion;
    turn->portion = portion;
    turn->fuel = portion;
    turn->fuel_start = portion;
}

// What is left of the process's own portion. It goes on from one turn to the next: where it ends is
// where compiled.h looks at what the interpreter is doing, so who waits after every few
// instructions is looked at as often as who runs all the time. Portions differ in length, so that
// what a program does over and over does not end each at the same place, in a syscall perhaps.
static i64 portion_of(struct process *process)
{
    enum { STEP = 389, STEPS = 1021 }; // primes: all lengths in turn
    if (process->portion_left <= 0) {
        process->portion_step = (u16)((process->portion_step + STEP) % STEPS);
        process->portion_left = KERNEL_FUEL_PORTION - process->portion_step;
    }
    return process->portion_left;
}

// A process gets the worker in the middle of a portion, which is to end with its own.
static NOINLINE void shorten_portion(struct turn *turn, struct process *process)
{
    i64 cut = turn->fuel - portion_of(process);
    if (cut > 0) {
        turn->fuel -= cut;
        turn->fuel_start -= cut;
        turn->portion -= cut;
        turn->fuel_left += cut;
    }
}

// Whether what the worker has woken has waited for it long enough.
static bool is_overdue(const struct kernel *kernel, const struct worker *worker)
{
    return worker->ready_fuel >= __atomic_load_n(&kernel->offer_fuel, __ATOMIC_RELAXED);
}

// What had been offered ran for so long before it waited, or handed its worker over: was it worth
// a wake-up?
static void judge_offer_locked(struct kernel *kernel, i64 used)
{
    i64 fuel = KERNEL_FUEL_OFFER;
    if (used < KERNEL_FUEL_WORTH) {
        fuel = __atomic_load_n(&kernel->offer_fuel, __ATOMIC_RELAXED) * 2;
    }
    fuel = fuel < KERNEL_FUEL_OFFER_MOST ? fuel : KERNEL_FUEL_OFFER_MOST;
    __atomic_store_n(&kernel->offer_fuel, fuel, __ATOMIC_RELAXED);
}

// A portion ends.
static void offer_overdue(struct turn *turn)
{
    struct worker *worker = turn->worker;
    worker->ready_fuel += turn->portion - turn->fuel;
    if (worker->has_ready && is_overdue(turn->kernel, worker)) {
        kernel_lock(turn->kernel);
        offer_locked(turn->kernel, worker);
        kernel_unlock(turn->kernel);
    }
}

static void put_back(struct turn *turn, struct process *process)
{
    const struct kernel_config *config = &turn->kernel->config;
    if (config->slice_over != NULL) {
        config->slice_over(config->slice_context);
    }
    kernel_lock(turn->kernel);
    ASSERT(!list_is_linked(&process->run));
    process->state = PROCESS_READY;
    append_locked(turn->kernel, process, false);
    kernel_unlock(turn->kernel);
}

// Brings it to life, which may take several slices. False: it has ended, or its slice is over.
static bool begin(struct turn *turn, struct process *process)
{
    turn->fuel -= process->beginning == NULL ? KERNEL_FUEL_START : 0;
    for (;;) {
        account(turn, process); // before it may be another worker's
        enum process_begun begun = process_begin(process, &turn->fuel);
        if (begun == PROCESS_BEGIN_WAITS) {
            turn->fuel_start = turn->fuel;
            return false;
        }
        if (begun != PROCESS_BEGIN_PAUSED) {
            return begun == PROCESS_BEGIN_RUNS;
        }
        account(turn, process);
        if (is_killed(process)) {
            process_end(process, (struct kernel_ending){.kind = KERNEL_KILLED});
            return false;
        }
        if (is_over(turn)) {
            put_back(turn, process);
            return false;
        }
        offer_overdue(turn);
        new_portion(turn, portion_of(process));
    }
}

// Gets a process that was just taken to where it can run. False: it has ended, or waits again.
static bool prepare(struct turn *turn, struct process *process)
{
    if (is_killed(process)) {
        process_end(process, (struct kernel_ending){.kind = KERNEL_KILLED});
        return false;
    }
    if (debug_is_to_end(process)) {
        process_end_trapped(process);
        return false;
    }
    if (process->resume_wait) {
        return syscall_resume_wait(process);
    }
    return process->instance != NULL || begin(turn, process);
}

// Compiled code counts nothing: when it was interrupted, the turn pays for the time that it took
// and that is not paid yet.
static void charge_time(struct turn *turn)
{
    i64 due = (i64)((platform_clock_ns() - turn->start_ns) / JIT_FUEL_NS);
    i64 paid = turn->all - turn->fuel_left - turn->fuel;
    if (due > paid) {
        turn->fuel -= due - paid;
    }
}

// Whether one may run that is debugged, recorded or replayed; asked each time before it does.
static bool watched_may_run(struct process *process)
{
    if (process->debug != NULL && !debug_may_run(process)) {
        return false;
    }
    if (process->record != NULL) {
        record_goes_on(process);
    }
    return true;
}

// Runs it until it ends, waits, or hands over. Returns who has the worker next, or NULL.
static struct process *run_process(struct turn *turn, struct process *process)
{
    if (UNLIKELY(process->is_watched) && !watched_may_run(process)) {
        return NULL;
    }
    if (UNLIKELY(process->portion_left < turn->fuel)) {
        shorten_portion(turn, process);
    }
    for (;;) {
        if (turn->fuel <= 0) {
            account(turn, process);
            if (is_killed(process)) {
                process_end(process, (struct kernel_ending){.kind = KERNEL_KILLED});
                return NULL;
            }
            if (is_over(turn)) {
                put_back(turn, process);
                return NULL;
            }
            offer_overdue(turn);
            new_portion(turn, portion_of(process));
        }
        enum wasm_run run = process_run(process, &turn->fuel);
        if (UNLIKELY(run == WASM_RUN_PAUSED) && process->compiled != NULL) {
            charge_time(turn);
        }
        if (LIKELY(run == WASM_RUN_HOST)) {
            // After the call the process may be another worker's: its fuel is noted first.
            i64 before = turn->fuel;
            account(turn, process);
            struct process *next = syscall_run(process, &turn->fuel);
            if (next != process) {
                turn->fuel_start = turn->fuel;
                return next;
            }
            turn->fuel_start = before;
        } else if (run == WASM_RUN_DONE) {
            account(turn, process);
            if (!process_advance(process)) {
                return NULL;
            }
        } else if (run == WASM_RUN_TRAPPED) {
            if (!debug_trapped(process)) {
                process_end_trapped(process);
            }
            return NULL;
        } else if (run == WASM_RUN_STOPPED) {
            account(turn, process);
            debug_stopped(process);
            return NULL;
        }
    }
}

static u64 ready_number(const struct kernel *kernel, const struct list_node *node)
{
    return node == &kernel->job_turn ? kernel->job_number
                                     : LIST_ITEM(node, struct process, run)->ready_number;
}

// The first of those that had waited, unless the others have waited for too many of them; or NULL.
static struct list_node *prompt_locked(struct kernel *kernel, const struct worker *worker)
{
    bool is_alone = list_is_empty(&kernel->ready) && list_is_empty(&worker->ready);
    struct list_node *first = list_first(&kernel->prompt);
    if (first == NULL || is_alone) {
        kernel->prompt_count = 0;
        return first;
    }
    if (kernel->prompt_count == KERNEL_PROMPT) {
        kernel->prompt_count = 0;
        return NULL;
    }
    kernel->prompt_count++;
    return first;
}

// Takes the first of those that this worker may take, in the order in which they became ready; or
// NULL. *is_first: it comes before others, who wait for it.
static struct list_node *take_first_locked(struct kernel *kernel, struct worker *worker,
                                           bool *is_first)
{
    struct list_node *first = prompt_locked(kernel, worker);
    *is_first = first != NULL && kernel->prompt_count > 0;
    struct list_node *own = first != NULL ? NULL : list_first(&worker->ready);
    first = first != NULL ? first : list_first(&kernel->ready);
    if (own != NULL && (first == NULL || ready_number(kernel, own) < ready_number(kernel, first))) {
        first = own;
    }
    if (first != NULL) {
        list_remove(first);
    }
    worker->has_ready = !list_is_empty(&worker->ready);
    return first;
}

static struct process *take_locked(struct worker *worker, struct list_node *node)
{
    struct process *process = LIST_ITEM(node, struct process, run);
    ASSERT(process->state == PROCESS_READY && process->family->family_ready > 0);
    process->family->family_ready--;
    process->state = PROCESS_RUNNING;
    process->worker = worker->index;
    return process;
}

// How long a turn may be.
struct slice {
    u64 ns;
    i64 fuel;
};

// A turn: the process, and whoever it hands the worker to, until the slice is over or nobody is
// left.
static void run_turn(struct kernel *kernel, struct worker *worker, struct process *process,
                     struct slice slice)
{
    i64 fuel = slice.fuel;
    struct turn turn = {.kernel = kernel, .worker = worker, .all = fuel, .fuel_left = fuel};
    __atomic_store_n(&worker->slice_over, false, __ATOMIC_RELAXED);
    platform_slice(worker->index, slice.ns, &worker->slice_over);
    turn.start_ns = platform_clock_ns();
    new_portion(&turn, portion_of(process));
    u64 first = process->by_id.key;
    bool was_offered = process->is_offered;
    process->is_offered = false;
    i64 first_used = -1;
    if (!prepare(&turn, process)) {
        process = NULL;
    }
    while (process != NULL) {
        ASSERT(process->worker == worker->index);
        process = run_process(&turn, process);
        first_used = first_used < 0 ? fuel - turn.fuel_left - turn.fuel : first_used;
    }
    offer_overdue(&turn);
    u64 end_ns = platform_clock_ns();
    u64 used = (u64)(fuel - turn.fuel_left - turn.fuel);
    kernel_lock(kernel);
    kernel->run_ns += end_ns - turn.start_ns;
    kernel->run_fuel += used;
    if (was_offered) {
        judge_offer_locked(kernel, first_used);
    }
    kernel_trace(kernel, KERNEL_TRACE_RUN, first, used);
    kernel_unlock(kernel);
}

// A job's turn, until its slice is over or it is done.
static void run_job(struct kernel *kernel, struct worker *worker, struct job *job, i64 fuel)
{
    struct turn turn = {.kernel = kernel, .worker = worker, .fuel_left = fuel};
    u32 share = job->share;
    if (share == JOB_LOW && fuel > KERNEL_FUEL_LOW) {
        turn.fuel_left = KERNEL_FUEL_LOW;
    }
    i64 start = turn.fuel_left;
    __atomic_store_n(&worker->slice_over, false, __ATOMIC_RELAXED);
    platform_slice(worker->index, kernel->config.slice_ns, &worker->slice_over);
    bool is_left = true;
    while (is_left && !is_over(&turn)) {
        new_portion(&turn, KERNEL_FUEL_PORTION);
        is_left = job->step(job, &turn.fuel);
        ASSERT(turn.fuel < turn.fuel_start);
        turn.fuel_left += turn.fuel; // what it left, or spent ahead
        turn.fuel = 0;
    }
    if (is_left && kernel->config.slice_over != NULL) {
        kernel->config.slice_over(kernel->config.slice_context);
    }
    kernel_lock(kernel);
    kernel_trace(kernel, KERNEL_TRACE_JOB, share, (u64)(start - turn.fuel_left));
    if (is_left) {
        job_put_back_locked(kernel, job);
    }
    kernel_unlock(kernel);
}

static bool is_idle_locked(const struct kernel *kernel)
{
    return list_is_empty(&kernel->ready) && list_is_empty(&kernel->prompt) &&
           list_is_empty(&kernel->patient_work) && list_is_empty(&kernel->answered);
}

// Whether the workers have of late spent more time waiting for the kernel's lock than working: then
// one less gets more done. Worker 0 stays, as a machine may do its devices' work there.
static bool is_in_the_way_locked(struct kernel *kernel, const struct worker *worker)
{
    u64 fuel = kernel->run_fuel - kernel->judged_fuel;
    if (worker->index == 0 || fuel < KERNEL_FUEL_JUDGED) {
        return false;
    }
    u64 pauses = kernel->pauses - kernel->judged_pauses;
    kernel->judged_fuel = kernel->run_fuel;
    kernel->judged_pauses = kernel->pauses;
    return pauses * KERNEL_FUEL_PAUSE > fuel;
}

bool kernel_worker_step(struct kernel *kernel, u32 index, i64 fuel)
{
    ASSERT(index < kernel->config.workers && fuel > 0);
    struct worker *worker = &kernel->workers[index];
    bool did_work = park_expire(kernel);
    kernel_lock(kernel);
    if (is_in_the_way_locked(kernel, worker)) {
        offer_locked(kernel, worker);
        worker->is_to_rest = true;
        if (!is_idle_locked(kernel)) { // it may be the one that was woken for this
            workers_wake_locked(kernel);
        }
        kernel_unlock(kernel);
        return true;
    }
    if (!list_is_empty(&kernel->patient_work)) {
        did_work = true;
        patient_step_locked(kernel);
    }
    if (!list_is_empty(&kernel->answered)) {
        did_work = true;
        consent_step_locked(kernel);
    }
    bool is_first;
    struct list_node *first = take_first_locked(kernel, worker, &is_first);
    struct job *job = first == &kernel->job_turn ? job_take_locked(kernel) : NULL;
    struct process *process = first == NULL || job != NULL ? NULL : take_locked(worker, first);
    struct slice slice = {kernel->config.slice_ns, fuel};
    if (process != NULL) {
        slice.ns = budget_slice_locked(process, slice.ns);
        slice.fuel = (i64)budget_slice_locked(process, (u64)fuel);
    }
    if (is_first) { // who uses all of it waits as the others do, for a whole one
        slice.ns = slice.ns / KERNEL_PROMPT + 1;
        slice.fuel = slice.fuel / KERNEL_PROMPT + 1;
    }
    if (job != NULL || is_overdue(kernel, worker)) { // nobody waits for a job
        offer_locked(kernel, worker);
    }
    if (!is_idle_locked(kernel)) { // more than this worker takes
        workers_wake_locked(kernel);
    }
    kernel_unlock(kernel);
    if (job != NULL) {
        run_job(kernel, worker, job, fuel);
        return true;
    }
    if (process == NULL) {
        return did_work;
    }
    run_turn(kernel, worker, process, slice);
    return true;
}

// ---- workers that sleep

static bool is_stopped(const struct kernel *kernel)
{
    return __atomic_load_n(&kernel->stop, __ATOMIC_ACQUIRE);
}

// Looks for work for a moment before the worker sleeps: a wake-up costs the machine more than what
// most processes do between two messages. While somebody looks, nobody is woken. When all others
// sleep, only the machine can bring work, and it may do so by this very worker in platform_wait.
static void look(struct kernel *kernel)
{
    for (u32 i = 0; i < KERNEL_LOOKS; i++) {
        if (__atomic_load_n(&kernel->has_news, __ATOMIC_RELAXED) || is_stopped(kernel)) {
            return;
        }
        platform_relax();
    }
}

static void sleep_worker(struct kernel *kernel, struct worker *worker)
{
    u64 bit = (u64)1 << worker->index;
    kernel_lock(kernel);
    u32 asleep = (u32)__builtin_popcountll(kernel->sleeping & ~bit);
    bool looks =
        !kernel->is_looking && asleep + 1 < kernel->config.workers && is_idle_locked(kernel);
    kernel->is_looking |= looks;
    __atomic_store_n(&kernel->has_news, false, __ATOMIC_RELAXED);
    kernel_unlock(kernel);
    if (looks) {
        look(kernel);
    }
    kernel_lock(kernel);
    kernel->is_looking &= !looks;
    bool is_idle = is_idle_locked(kernel);
    u64 until_ns = kernel->timer_next_ns;
    if (is_idle) {
        kernel->sleeping |= bit;
    }
    kernel_unlock(kernel);
    if (!is_idle) {
        return;
    }
    platform_slice(worker->index, 0, &worker->slice_over);
    if (!is_stopped(kernel)) {
        platform_wait(worker->index, until_ns);
    }
    kernel_lock(kernel);
    kernel->sleeping &= ~bit;
    kernel_unlock(kernel);
}

// Leaves the work to the others for half a slice.
static void rest(struct kernel *kernel, struct worker *worker)
{
    worker->is_to_rest = false;
    platform_slice(worker->index, 0, &worker->slice_over);
    u64 until_ns = platform_clock_ns() + kernel->config.slice_ns / 2;
    while (!is_stopped(kernel) && platform_clock_ns() < until_ns) {
        platform_wait(worker->index, until_ns);
    }
}

void kernel_worker_run(struct kernel *kernel, u32 index)
{
    ASSERT(index < kernel->config.workers);
    struct worker *worker = &kernel->workers[index];
    while (!is_stopped(kernel)) {
        if (!kernel_worker_step(kernel, index, INT64_MAX)) {
            sleep_worker(kernel, worker);
        } else if (worker->is_to_rest) {
            rest(kernel, worker);
        }
    }
    platform_slice(index, 0, &worker->slice_over);
}

void kernel_stop(struct kernel *kernel)
{
    __atomic_store_n(&kernel->stop, true, __ATOMIC_RELEASE);
    for (u32 i = 0; i < kernel->config.workers; i++) {
        platform_wake(i);
    }
}

// What the fuel has cost in time, at what all fuel has cost so far.
static u64 fuel_time_locked(const struct kernel *kernel, u64 fuel)
{
    if (kernel->run_fuel == 0) {
        return 0;
    }
    // fuel * run_ns / run_fuel, where the product of the rest may need its low bits dropped
    u64 whole = fuel / kernel->run_fuel;
    u64 rest = fuel % kernel->run_fuel;
    u64 total = kernel->run_fuel;
    u64 product;
    while (__builtin_mul_overflow(rest, kernel->run_ns, &product)) {
        rest >>= 1;
        total >>= 1;
    }
    return whole * kernel->run_ns + product / total;
}

u64 process_time_ns_locked(struct process *process)
{
    const struct kernel *kernel = process->kernel;
    u64 fuel = __atomic_load_n(&process->fuel_used, __ATOMIC_RELAXED) +
               __atomic_load_n(&process->compiling_fuel, __ATOMIC_RELAXED) +
               group_fuel_locked(process);
    u64 most = (platform_clock_ns() - kernel->start_ns) * kernel->config.workers;
    u64 ns = fuel_time_locked(kernel, fuel);
    if (ns < process->time_said_ns && fuel > process->time_said_fuel) {
        // Too much was said. Half as fast as what it runs, the time it has comes up with that.
        ns = process->time_said_ns + fuel_time_locked(kernel, fuel - process->time_said_fuel) / 2;
    }
    ns = ns < most ? ns : most;
    if (process->time_said_ns < ns) {
        process->time_said_ns = ns;
    }
    process->time_said_fuel = fuel;
    return process->time_said_ns;
}
