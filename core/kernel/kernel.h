// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/kernel.h: the kernel as a machine sees it.
//
// Use     kernel_create; kernel_program_add for what comes with the system; kernel_device_register
//         (device.h) for what the machine answers; kernel_start the first programs; then each
//         worker enters kernel_worker_run. kernel_stop makes them return; kernel_destroy ends
//         everything.
// Owner   the kernel owns all it makes, out of config->memory; the machine owns the config and
//         program bytes.
// Threads every function may be called from any thread of the machine, but for kernel_create,
// kernel_destroy
//         (nobody else inside) and kernel_worker_* (one caller per index).
// Limits  core/kernel/limits.h.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;
struct kernel_debug;
struct kernel_record;
struct memory;
struct report;

// What happened, for a test that compares two runs. a and b are numbers that one seed repeats.
enum kernel_trace_kind {
    KERNEL_TRACE_RUN,    // a: process, b: fuel used
    KERNEL_TRACE_SEND,   // a: process, b: message id
    KERNEL_TRACE_ANSWER, // a: process, b: message id
    KERNEL_TRACE_TOLD,   // a: process, b: bytes of notifications, or the error
    KERNEL_TRACE_END,    // a: process, b: kind << 32 | code
    KERNEL_TRACE_JOB,    // a: enum job_share, b: fuel used
    KERNEL_TRACE_LOAD,   // a: first bytes of the digest, b: 0 or 1 + enum kernel_load_error
};

// Which engine runs processes.
enum kernel_engine {
    KERNEL_ENGINE_INTERPRETER,
    KERNEL_ENGINE_AUTO,     // what runs for a while is compiled beside it, where the machine can
    KERNEL_ENGINE_COMPILED, // everything is compiled before it runs: for tests
};

// A piece of machine code that the kernel has made of a program.
enum kernel_code_kind {
    KERNEL_CODE_FUNCTION,
    KERNEL_CODE_ENTER, // from the interpreter into functions of a type,
    KERNEL_CODE_LEAVE, // and back
};
struct kernel_code {
    enum kernel_code_kind kind;
    u64 start; // its address,
    u64 size;  // and bytes
    struct span cid;
    struct span name; // of the function; empty: the module does not say
    u32 function;     // its index
};

// Where a process's memories lie, and what compiled code does about it (docs/kernel.md, Memory).
enum kernel_memory {
    KERNEL_MEMORY_AUTO,  // fast while there are reservations left, then small
    KERNEL_MEMORY_FAST,  // a reservation each, where faults tell: refused when none is left
    KERNEL_MEMORY_SMALL, // beside those of others, each access compared: as many as there may be
};

// What a process is to have at most, within its budget (core/kernel/budget.h). Its children inherit
// it.
struct kernel_limits {
    enum kernel_memory memory;
};

// What a process may not do. Spans are valid during the call.
struct kernel_refusal {
    u8 right;            // enum kernel_right, core/kernel/grant.h
    const u8 *program;   // 32 bytes: digest of its CID; the nearest one above it, when that is why
    const u8 *interface; // 32 bytes: I
    struct span cid;
    struct span started_as; // untrusted UTF-8
    struct span name;       // of the interface; untrusted
};

// What whoever handles `consent` has allowed for ever. Spans are valid during the call.
struct kernel_learned {
    u8 right; // enum kernel_right
    struct span cid;
    const u8 *interface; // 32 bytes: I
    struct span name;    // of the interface; untrusted
};

struct kernel_config {
    enum kernel_engine engine;
    bool has_probes; // for debug.h: programs that are loaded can be debugged, and are slow.
                     // The engine is to be the interpreter
    bool is_verbose; // logs where a program's code comes from, and what of it stays interpreted
    // grant.h: the enum kernel_word for what no row is about, by enum kernel_right.
    u8 unknown[2];
    // Told of each bind and register that is refused for want of a grant; or NULL. Called with the
    // kernel's lock held: it is only to note what it is told.
    void (*refused)(void *context, const struct kernel_refusal *refusal);
    void *refused_context;
    // Told of each answer `always` to a question, so that it can keep the row (grant.h,
    // is_learned); or NULL. Called as `refused` is.
    void (*learned)(void *context, const struct kernel_learned *learned);
    void *learned_context;
    struct memory *memory;  // for everything but guests' linear memory, which is platform_pages_*
    u64 memory_bytes;       // the most the kernel takes from it
    u64 guest_memory_bytes; // the most that all linear memories together may use
    u32 workers;            // 1 .. KERNEL_WORKERS
    u64 slice_ns;           // time slice; 0: KERNEL_SLICE_NS
    // Called by a worker, with no lock held, when a slice is over and before its process goes to
    // the end of the queue; or NULL. Where a machine without threads of its own runs its devices,
    // so that whom they wake comes before who has just run.
    void (*slice_over)(void *context);
    void *slice_context;
    // Told of machine code as it is placed, by a worker with no lock held; or NULL. Looks up names
    // for this, which takes time.
    void (*code_placed)(void *context, const struct kernel_code *code);
    void *code_context;
    // Called with the kernel's lock or one worker's held, or NULL.
    void (*trace)(void *context, enum kernel_trace_kind kind, u64 a, u64 b);
    void *trace_context;
};

enum err kernel_create(const struct kernel_config *config, struct kernel **out,
                       struct report *report);
void kernel_destroy(struct kernel *kernel);

// A program that comes with the system: can be started before there is a loader. `bytes` stays
// alive.
//   adapts  empty, or the import module that it is the adapter for ("wasi_snapshot_preview1")
//   cid     receives its name, zero-terminated
enum { KERNEL_CID_TEXT_BYTES = 64 };
enum err kernel_program_add(struct kernel *kernel, struct span bytes, struct span adapts,
                            char cid[KERNEL_CID_TEXT_BYTES], struct report *report);

// Whether a loader is on its way. While it is, a program that is asked for and that no loader can
// be asked for waits until one has registered; when it is not (as at first), that is
// KERNEL_LOAD_NO_LOADER, also for those that wait. A machine expects a loader before it starts the
// program that is one, and no more when that program has ended.
void kernel_expect_loader(struct kernel *kernel, bool expected);

struct kernel_process_id {
    u64 value; // never 0, never reused
};

enum kernel_ending_kind {
    KERNEL_EXITED,     // code
    KERNEL_TRAPPED,    // text says what and where
    KERNEL_KILLED,     //
    KERNEL_NOT_LOADED, // never began: load says why, text in words
};

// Why a program could not be loaded.
enum kernel_load_error {
    KERNEL_LOAD_BAD_CID,
    KERNEL_LOAD_NOT_FOUND,
    KERNEL_LOAD_WRONG_BYTES,   // the loader gave something else than the CID names, or found damage
    KERNEL_LOAD_NOT_A_PROGRAM, // does not decode, validate, or link
    KERNEL_LOAD_LIMIT,
    KERNEL_LOAD_FAILED,
    KERNEL_LOAD_NO_LOADER,
    KERNEL_LOAD_DENIED, // the user has taken back its budget
    KERNEL_LOAD_BUDGET, // its budget leaves it less memory than it begins with: memory_bytes
};

// A call that a trap has ended: the innermost one, or one that was waiting for the next inner.
struct kernel_frame {
    struct span program; // the bytes of its module
    struct span name;    // of the function; empty: the module does not say
    u32 function;        // its index
    u64 offset;          // in the module, of the instruction
};

struct kernel_ending {
    enum kernel_ending_kind kind;
    u32 code;
    enum kernel_load_error load;
    u64 memory_bytes; // KERNEL_LOAD_BUDGET: what it begins with, as far as is known; whole pages
    struct span text; // valid during the call only, as is what follows
    // KERNEL_TRAPPED: where, the innermost first, at most KERNEL_FRAMES. None when it never ran, or
    // when there is no memory.
    const struct kernel_frame *frames;
    u32 frame_count;
};

struct kernel_start {
    struct span cid;
    const struct span *arguments; // arguments[0] is the program's name
    u32 argument_count;
    const struct span *environment; // NAME=value
    u32 environment_count;
    struct kernel_limits limits;
    // Called once when the process has ended or could not be loaded, on some worker, with no lock
    // held; or NULL.
    void (*on_end)(void *context, struct kernel_process_id process, struct kernel_ending ending);
    void *context;
    struct kernel_debug *debug;   // NULL, or has it from its first instruction on
    struct kernel_record *record; // NULL, or records or replays it: record.h
};

// Starts a program. Returns at once; loading, and what can go wrong with it, comes through on_end.
// ERR_LIMIT  too many processes, or arguments beyond the limits
enum err kernel_start(struct kernel *kernel, const struct kernel_start *start,
                      struct kernel_process_id *out, struct report *report);

// What the client numbers of all its bonds have in common (abi_client_owner), so that a device can
// tell this process from others; 0: no such process (any more).
u32 kernel_process_owner(struct kernel *kernel, struct kernel_process_id process);

// ERR_NOT_FOUND  no such process (any more)
enum err kernel_kill(struct kernel *kernel, struct kernel_process_id process);

// Runs processes until kernel_stop; sleeps in platform_wait while there is nothing to do.
void kernel_worker_run(struct kernel *kernel, u32 index);
// One turn of the above without sleeping: runs one process for at most one slice, or `fuel` units
// of thread.h if that is less. False: there was nothing to do.
bool kernel_worker_step(struct kernel *kernel, u32 index, i64 fuel);
// When a worker has something to do again though nothing happens, in platform_clock_ns; UINT64_MAX:
// never. For a machine that calls kernel_worker_step and sleeps by itself.
u64 kernel_deadline_ns(const struct kernel *kernel);
// Makes every kernel_worker_run return soon. Also allowed from a signal handler or an interrupt.
void kernel_stop(struct kernel *kernel);

// Walks all that the kernel holds and asserts that it agrees with itself: counts, owners, and one
// answer to come for each message that wants one. For tests; slow, and takes the lock for as long
// as it walks.
void kernel_check(struct kernel *kernel);
// The same, and that nothing is left of any process: no record, bond or message.
void kernel_check_empty(struct kernel *kernel);
