// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/process.h: a process from its first record to its last, and what watches it: a
// debugger, a recording.
//
// Use     core/kernel/internal.h includes it. process_new_locked, program_start_locked;
//         process_begin and process_advance on the worker that has it; process_end there, and
//         nowhere else.
// Owner   the pool kernel->processes; its parent until that has asked how it ended, then its
//         family.
// Locks   kernel->lock, but for what is the worker's that runs it, and what says atomic.
// Limits  core/kernel/limits.h: KERNEL_PROCESSES, KERNEL_CHILDREN, KERNEL_FAMILY.
#pragma once
#include "core/base/arena.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/base/memory.h"
#include "core/base/pool.h"
#include "core/base/span.h"
#include "core/base/timers.h"
#include "core/base/types.h"
#include "core/kernel/budget.h"
#include "core/kernel/kernel.h"
#include "core/kernel/message.h"
#include "core/kernel/pipe.h"
#include "core/wasm/instance.h"
#include "core/wasm/thread.h"
#include "interfaces/system.h"
struct beginning;
struct fence;
struct group;
struct jit_thread;
struct kernel;
struct kernel_debug;
struct kernel_record;
struct lineage;
struct message;
struct process_trace;
struct program;
struct wasm_instance;
struct wasm_memory;

enum process_state {
    PROCESS_LOADING,   // in program->waiting, of its own or its adapter
    PROCESS_READY,     // in kernel->ready or prompt, or a worker's
    PROCESS_RUNNING,   // some worker has it
    PROCESS_WAITING,   // in wait, nothing to tell it
    PROCESS_AWAITING,  // in send with SEND_WAIT
    PROCESS_PARKED,    // in a wait at an address
    PROCESS_STOPPED,   // by its debugger: nobody's, and in no queue
    PROCESS_LINGERING, // ended but for its threads, which are ending
    PROCESS_ENDED,     // its record waits for its parent, or for its last messages to be taken
};

enum process_stage {
    STAGE_NEW,
    STAGE_ADAPTER_START,
    STAGE_ADAPTER_INITIALIZE,
    STAGE_START,
    STAGE_MAIN
};

struct process {
    struct pool_item item;
    struct map_node by_id; // key: the process's number
    struct kernel *kernel;
    struct program *program;
    struct list_node run; // kernel->ready, a worker's ready or program->waiting
    u64 ready_number;     // READY: its place among all that are
    bool is_offered;      // READY: another worker had woken it
    struct list_node of_kernel;
    struct list_node sibling; // in parent->children
    struct process *parent;   // charged for it; NULL: none, or ended
    struct process *family;   // the ancestor that the machine started, charged for all; or itself
    u64 parent_id;
    struct list children;
    u8 state;              // enum process_state
    u8 stage;              // enum process_stage; the worker's that runs it
    bool kill;             // atomic: end it as soon as a worker has it
    bool is_ending;        // process_end is at work: no longer shown
    bool resume_wait;      // READY: the wait it sits in is to be tried again
    bool retires;          // another took what it handled: ends as soon as it waits and is idle
    bool has_retired;      // a leader: that is why it is killed
    bool is_unasked;       // its parent cannot, or will not, ask how it ended
    u32 worker;            // RUNNING: whose
    u32 pins;              // walks through all processes that stand here, jobs that it pays for
    u32 child_count;       // running, or ended and not released
    u32 family_count;      // the same of all its descendants, when it is their `family`
    u32 family_programs;   // what they, or it, took up
    u32 family_ready;      // of it, those that are READY
    u32 family_threads;    // of family_count, those that are threads
    u32 family_questions;  // what they are waiting for, that one of them was the first to
    u32 family_pipes;      // that they, or it, have made
    struct lineage *above; // of a leader; NULL: nobody
    struct lineage *below; // its children's `above`; NULL: it had none yet
    struct fence *fence;   // of a leader: what it may have at most; NULL: whatever is granted
    struct message *spare; // the one of KERNEL_MESSAGES_SPARE that it has, or NULL
    struct stream streams[STREAMS]; // of a leader
    struct list pipe_ends;          // struct pipe_end that a leader holds

    struct process *leader;    // whose thread it is; itself if it is the first
    struct group *group;       // the leader's; NULL: its program has no shared memory to import
    struct list_node of_group; // not a leader's
    u32 thread_number;         // 0: a leader
    u32 thread_argument;
    // PARKED
    u32 parked_address;
    const struct wasm_memory *parked_memory;
    struct list_node of_parked;
    struct timer timer; // not added: no timeout

    struct party party;
    struct list sent;  // struct message by of_client
    struct list bonds; // struct bond; closed ones too, until their CLIENT_GONE is taken
    u32 owner;         // what its bonds' client numbers have in common; random, never 0
    u32 bond_count;
    u32 message_count;
    u64 message_bytes;
    struct kernel_budget budget; // what the user leaves it. memory_bytes: a leader's, atomic
    u32 call_most; // budget.messages, or what it had when that became less: with so many it can
                   // still call the kernel, and take one back
    // WAITING, AWAITING: where the guest wants what it waits for.
    u8 *out; // checked when the wait began; memories neither move nor shrink
    u32 out_len;
    struct message *awaited;

    struct message *spawn_message; // LOADING: the parent waits for it to begin
    struct message *end_message;   // the parent waits for its end
    u8 end_kind;                   // enum kernel_ending_kind, once ENDED
    u8 end_load;                   // enum kernel_load_error
    u32 end_code;
    u32 end_text_size;
    char *end_text; // from kernel->memory, or NULL

    u8 *start; // arguments, then environment, as the lists of system.wit are encoded
    u32 start_size;
    u32 argument_bytes; // of it; the environment's follow
    u32 argument_count;
    u32 environment_count;
    void (*on_end)(void *context, struct kernel_process_id process, struct kernel_ending ending);
    void *on_end_context;
    struct process_trace *trace; // of its trap, for its leader's on_end; or NULL

    u64 fuel_used;
    u64 time_said_ns;   // by process_time_ns_locked,
    u64 time_said_fuel; // for so much fuel
    u64 items;          // looked at for the kernel's call that it is in; to be paid for in fuel
    u64 sent_total;
    u64 received_total;
    u64 answered_total;
    u64 linear_bytes;  // atomic: linear memory in use
    u64 memory_bytes;  // atomic: of a leader: what its budget of memory has to hold (charge.c)
    u64 lacked_bytes;  // what that would have come to, when it was too much; 0: it never was
    u64 lacked_beside; // of it, what was had beside the process's linear memory
    // Of a family: what compiling its programs costs (compiled.h).
    u64 compiling_fuel;  // atomic: used so far, by jobs; counts as its own
    u64 compiling_bytes; // atomic: working memory of jobs
    u64 code_bytes;      // of the code of programs that it is charged for
    u64 family_bytes;    // atomic: memory_bytes of all of it
    u32 fast_count;      // atomic: its processes that are fast,
    u32 stack_count;     // atomic: and those that have a `compiled`

    // The worker's that runs it.
    i64 portion_left;     // fuel until the interpreter is looked at again: schedule.c
    u16 portion_step;     // by how much this portion is shorter than the longest
    struct memory charge; // everything below takes memory through here
    u64 charged_bytes;
    struct wasm_store store;
    struct arena arena;
    struct beginning *beginning; // until both instances are made
    struct wasm_instance *instance;
    struct wasm_instance *adapter;
    struct wasm_memory *memory; // of `instance`
    struct wasm_thread thread;
    struct kernel_debug *debug;   // NULL: nobody debugs it
    struct kernel_record *record; // NULL: it is neither recorded nor replayed
    bool is_watched;              // constant: by one of them
    struct jit_thread *compiled;  // runs `thread`; NULL: the interpreter alone does
    bool is_fast;                 // core/kernel/compiled.h; else it is small
    bool has_first_memory;        // the instance being made: guest.c
    struct kernel_limits limits;  // constant: what it was started with
};

// ---- process.c

void process_ready_locked(struct kernel *kernel, struct process *process);
// Ends the send it waits in with that result.
void process_resume_locked(struct kernel *kernel, struct process *process, i64 result);
struct start_lists {
    struct system_list_bytes arguments;
    struct system_list_bytes environment;
};
// A new process, LOADING and in no list. ERR_LIMIT, ERR_NO_MEMORY
enum err process_new_locked(struct kernel *kernel, struct process *parent,
                            const struct start_lists *lists, struct kernel_limits limits,
                            struct process **out);
// Its first argument, or KERNEL_INSPECT_NAME bytes of it; empty when that is no UTF-8.
struct span process_started_as(const struct process *process);
struct process *process_find_locked(struct kernel *kernel, u64 id);
// Brings a process that this worker has to life, in portions. Takes from *fuel.
enum process_begun {
    PROCESS_BEGIN_RUNS,
    PROCESS_BEGIN_ENDED,
    PROCESS_BEGIN_PAUSED,
    PROCESS_BEGIN_WAITS, // LOADING again until its program is compiled, no longer this worker's
};
enum process_begun process_begin(struct process *process, i64 *fuel);
// The function it was in returned: begins the next stage. False: it has ended.
bool process_advance(struct process *process);
// Ends a process that this worker has. Takes the lock itself. What has much memory comes to its end
// in a job, what has threads when these are gone.
void process_end(struct process *process, struct kernel_ending ending);
// The same for one whose thread has trapped.
void process_end_trapped(struct process *process);
// Gives back where one has trapped; NULL is none.
void process_trace_drop(struct kernel *kernel, struct process_trace *trace);
// Asks for its end; whoever has it, or gets it next, sees to that.
void process_kill_locked(struct kernel *kernel, struct process *process);
// Frees the record when nothing needs it any more.
void process_release_locked(struct kernel *kernel, struct process *process);
// Its parent will not ask how it ended: its record goes at its end, and is charged until then.
void process_unask_locked(struct kernel *kernel, struct process *child);
// Time spent running, as its fuel and the time that all fuel took say: at most what all workers had
// since the kernel started. Never less than what was said before; where that was too much, as fuel
// turns out to take less, it grows half as fast until it is right.
u64 process_time_ns_locked(struct process *process);

// ---- debug.c: but for the first, only for a process with `debug`

void debug_drop(struct kernel *kernel);
void debug_process_new_locked(struct kernel_debug *debug, struct process *process);
// It is about to run for the first time.
void debug_process_made(struct process *process);
// It stands at a probe that stops it, or has trapped: it is the debugger's from now on. False: it
// is not, and goes on as any other would.
void debug_stopped(struct process *process);
bool debug_trapped(struct process *process);
// Whether a process that this worker has may run; false: it was stopped while it waited, and is the
// debugger's again.
bool debug_may_run(struct process *process);
// Whether it has trapped, and was let go.
bool debug_is_to_end(const struct process *process);
// Whether any process is under a debugger that has not left it: it may have no second thread.
bool debug_holds_locked(const struct process *process);
void debug_ended(struct process *process, const struct kernel_ending *ending);

// ---- record.c: but for the first, only for a process with `record`

void record_drop(struct kernel *kernel);
void record_process_new_locked(struct kernel_record *record, struct process *process);
// Whether the process is recorded or replayed (or neither: asked of any): it may have no second
// thread, which it is about to be told.
bool record_holds_locked(const struct process *process);
// It has its program and its store, and is about to get its instances.
void record_begin(struct process *process);
// syscall_run of one of kernel->recorded, or of the engine's own.
struct process *record_call(struct process *process, i64 *fuel);
// It is about to run, perhaps behind a call that has come back.
void record_goes_on(struct process *process);
void record_ended(struct process *process, const struct kernel_ending *ending);
