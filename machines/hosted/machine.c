// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/machine.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/kernel/grant.h"
#include "core/kernel/kernel.h"
#include "core/platform.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/kept.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/perf.h"
#include "machines/hosted/platform.h"
#include "machines/hosted/store.h"
#include "machines/hosted/terminal.h"

struct hosted_machine {
    struct hosted_memory memory;
    struct hosted_standard standard;
    struct hosted_loop loop;
    struct kernel *kernel;
    struct keep *keep;
    struct files *files;
    struct terminal *terminal;
};

// A server has a descriptor for each connection: take as many as the host gives without asking.
static void descriptors_raise(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE,
                        &limit); // then there are fewer sockets, and each refusal says so
    }
}

static u32 workers_default(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > HOSTED_WORKERS_DEFAULT ? HOSTED_WORKERS_DEFAULT : (u32)count;
}

// The memory that the host has for this process, bytes: all of its own, or what a control group
// leaves of it.
static u64 host_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    u64 all = pages > 0 && page_bytes > 0 ? (u64)pages * (u64)page_bytes : (u64)1 << 30;
    u64 constrained = uv_get_constrained_memory();
    return constrained != 0 && constrained < all ? constrained : all;
}

static enum err devices_add(struct hosted_machine *machine,
                            const struct hosted_machine_config *config)
{
    struct hosted_loop *loop = &machine->loop;
    struct kernel *kernel = machine->kernel;
    TRY(hosted_standard_start(&machine->standard));
    TRY(hosted_stdio_add(loop, kernel, &machine->standard));
    if (config->has_log) {
        TRY(hosted_log_add(loop, kernel, &machine->standard));
    }
    TRY(hosted_terminal_add(loop, kernel, &machine->terminal));
    TRY(hosted_time_add(loop, kernel));
    TRY(hosted_random_add(loop, kernel));
    TRY(hosted_crypto_add(loop, kernel));
    TRY(hosted_tcp_add(loop, kernel));
    TRY(hosted_udp_add(loop, kernel));
    TRY(hosted_dns_add(loop, kernel));
    TRY(hosted_blocks_add(loop, kernel, config->store));
    TRY(hosted_files_add(loop, kernel, &machine->files));
    return hosted_keep_add(loop, kernel, config->store, &machine->keep);
}

// The kernel goes: it still tells the devices about clients that go, and saves what it compiled.
static void kernel_drop(struct hosted_machine *machine)
{
    hosted_kept_settle();
    kernel_destroy(machine->kernel);
    hosted_kept_close();
    hosted_perf_close();
}

// Undoes hosted_machine_create from the devices on.
static void parts_drop(struct hosted_machine *machine)
{
    __atomic_store_n(&machine->standard.is_abandoned, true, __ATOMIC_RELEASE);
    hosted_standard_stop(&machine->standard);
    kernel_drop(machine);
    hosted_loop_drop(&machine->loop);
    hosted_platform_stop();
    free(machine);
}

static enum err machine_create(const struct hosted_machine_config *config,
                               struct hosted_machine **out, struct report *report)
{
    descriptors_raise();
    u32 workers = config->workers == 0 ? workers_default() : config->workers;
    struct hosted_machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for a machine");
    }
    hosted_memory_init(&machine->memory, host_memory());
    enum err err = hosted_platform_start(workers, report);
    if (err != ERR_OK) {
        free(machine);
        return err;
    }
    struct kernel_config kernel = {
        .memory = &machine->memory.base,
        .memory_bytes = host_memory() / HOSTED_KERNEL_SHARE,
        .guest_memory_bytes = host_memory() / HOSTED_GUEST_SHARE,
        .workers = workers,
        .unknown = {[KERNEL_USE] = KERNEL_ASK, [KERNEL_HANDLE] = KERNEL_ASK},
        .refused = config->refused,
        .learned = config->learned,
        .engine = config->engine,
        .is_verbose = config->is_verbose,
        .has_probes = config->has_probes,
        .code_placed = config->has_perf_map ? hosted_perf_placed : NULL,
    };
    err = config->has_perf_map ? hosted_perf_open(report) : ERR_OK;
    if (err == ERR_OK) {
        err = kernel_create(&kernel, &machine->kernel, report);
    }
    if (err == ERR_OK) {
        err = hosted_loop_init(&machine->loop, report);
        if (err != ERR_OK) {
            kernel_destroy(machine->kernel);
        }
    }
    if (err != ERR_OK) {
        hosted_perf_close();
        hosted_platform_stop();
        free(machine);
        return err;
    }
    err = devices_add(machine, config);
    if (err != ERR_OK) {
        parts_drop(machine);
        return report_err(report, err, 0, "the devices do not start");
    }
    // Without it, all is compiled again each time.
    if (config->engine != KERNEL_ENGINE_INTERPRETER && config->store != NULL) {
        (void)hosted_kept_open(config->store->home);
    }
    *out = machine;
    return ERR_OK;
}

enum err hosted_machine_create(const struct hosted_machine_config *config,
                               struct hosted_machine **out, struct report *report)
{
    hosted_signals_block(true); // for the threads that are started here
    terminal_open();            // before the kernel takes the signals of faults
    enum err err = machine_create(config, out, report);
    if (err != ERR_OK) {
        terminal_close();
    }
    hosted_signals_block(false);
    return err;
}

struct kernel *hosted_machine_kernel(struct hosted_machine *machine)
{
    return machine->kernel;
}

struct log_ring *hosted_machine_log(struct hosted_machine *machine)
{
    return machine->standard.log;
}

void hosted_machine_trust(struct hosted_machine *machine, struct kernel_process_id process)
{
    hosted_keep_allow(machine->keep, kernel_process_owner(machine->kernel, process));
}

bool hosted_machine_lacks_folders(const struct hosted_machine *machine)
{
    return hosted_files_has_given_none(machine->files);
}

static void worker_enter(void *context, u32 index)
{
    struct hosted_machine *machine = context;
    kernel_worker_run(machine->kernel, index);
}

enum err hosted_machine_run(struct hosted_machine *machine, struct report *report)
{
    hosted_signals_block(true);
    enum err err = hosted_loop_start(&machine->loop, report);
    if (err != ERR_OK) {
        hosted_signals_block(false);
        return err;
    }
    for (u32 i = 1; i < platform_worker_count() && err == ERR_OK; i++) {
        err = platform_worker_start(i, worker_enter, machine);
    }
    if (err == ERR_OK) {
        err = hosted_interrupts_open(0);
    }
    if (err == ERR_OK) {
        kernel_worker_run(machine->kernel, 0);
    } else {
        kernel_stop(machine->kernel);
        err = report_err(report, err, 0, "the host gives no thread for a worker");
    }
    hosted_platform_stop();
    hosted_interrupts_close(0);
    hosted_signals_block(false);
    return err;
}

bool hosted_machine_interrupt(struct hosted_machine *machine)
{
    return hosted_terminal_interrupt(machine->terminal);
}

void hosted_machine_abandon(struct hosted_machine *machine)
{
    __atomic_store_n(&machine->standard.is_abandoned, true, __ATOMIC_RELEASE);
    hosted_kept_abandon();
}

bool hosted_machine_destroy(struct hosted_machine *machine)
{
    if (!machine->loop.is_started) { // it never ran
        parts_drop(machine);
        terminal_close();
        return true;
    }
    bool is_free = hosted_loop_stop(&machine->loop);
    hosted_standard_stop(&machine->standard);
    if (!is_free) {
        return false;
    }
    kernel_drop(machine);
    hosted_loop_drop(&machine->loop);
    free(machine);
    terminal_close();
    return true;
}
