// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/machine.h: a kernel with its memory, workers and devices, as one thing.
//
// Use     hosted_machine_create; kernel_program_add and kernel_start on machine->kernel;
//         hosted_machine_run, which returns after kernel_stop; hosted_machine_destroy.
// Owner   the machine owns all it makes; the caller owns the store.
// Threads one machine at a time in a process; all three calls from one thread, which is worker 0.
// Signals SIGINT, SIGTERM, SIGHUP and SIGWINCH come in the loop's thread while the machine runs;
//         otherwise in the caller's. Who leaves the process without hosted_machine_destroy calls
//         terminal_restore (terminal.h) first.
// Limits  machines/hosted/limits.h, core/kernel/limits.h.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
struct hosted_machine;
struct log_ring;
struct kernel_refusal;
struct report;
struct store;

struct hosted_machine_config {
    u32 workers;         // 0: one for each CPU of the host, at most HOSTED_WORKERS_DEFAULT
    struct store *store; // what the device `blocks` reads, and beside which code is kept
    u8 engine;           // enum kernel_engine
    bool is_verbose;     // says where programs' code comes from
    bool has_probes;     // programs can be debugged; wants KERNEL_ENGINE_INTERPRETER
    bool has_perf_map;   // tells perf where code lies: machines/hosted/perf.h
    bool has_log;        // the machine itself handles `log`; else a program may
    // kernel_config.refused, with no context.
    void (*refused)(void *context, const struct kernel_refusal *refusal);
    // kernel_config.learned, the same.
    void (*learned)(void *context, const struct kernel_learned *learned);
};

// ERR_LIMIT, ERR_NO_MEMORY, ERR_IO  the host or the kernel refused something; the report says what
enum err hosted_machine_create(const struct hosted_machine_config *config,
                               struct hosted_machine **out, struct report *report);

struct kernel *hosted_machine_kernel(struct hosted_machine *machine);

// What was written to the standard error; lives as long as the machine.
struct log_ring *hosted_machine_log(struct hosted_machine *machine);

// Lets this process, and no other, use `keep`: what is written into the store, and its records.
// Before hosted_machine_run, so that it has not asked yet.
void hosted_machine_trust(struct hosted_machine *machine, struct kernel_process_id process);

// Whether a program has asked for the folders that it was given, and was given none.
bool hosted_machine_lacks_folders(const struct hosted_machine *machine);

// Starts the other workers and becomes worker 0. Returns when the kernel was stopped and every
// worker has.
enum err hosted_machine_run(struct hosted_machine *machine, struct report *report);

// SIGINT has come. True: a program that asked to be told of it is, and the session goes on. Allowed
// in a signal handler, until hosted_machine_destroy.
bool hosted_machine_interrupt(struct hosted_machine *machine);

// Makes hosted_machine_destroy give up what is not written yet. Allowed in a signal handler.
void hosted_machine_abandon(struct hosted_machine *machine);

// Writes what programs sent to the standard output and error, then frees everything. False: the
// host is stuck in a call for us, so nothing was freed; what is left to do is to leave the process.
bool hosted_machine_destroy(struct hosted_machine *machine);
