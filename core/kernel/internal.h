// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/internal.h: what the files of this row share. docs/kernel.md tells how it fits
// together.
//
// Threads everything here is guarded by kernel->lock, but for what says otherwise. A process that
// is RUNNING
//         belongs to one worker, which alone touches its instance, thread and memory; any other
//         worker may only set its `kill`. Functions named *_locked want the lock held.
#pragma once
#include "core/base/abi.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/map.h"
#include "core/base/memory.h"
#include "core/base/pool.h"
#include "core/base/reader.h"
#include "core/base/timers.h"
#include "core/base/wire.h"
#include "core/jit/jit.h"
#include "core/kernel/budget.h"
#include "core/kernel/compiled.h"
#include "core/kernel/device.h"
#include "core/kernel/fence.h"
#include "core/kernel/grant.h"
#include "core/kernel/group.h"
#include "core/kernel/job.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/kernel/locks.h"
#include "core/kernel/names.h"
#include "core/kernel/pipe.h"
#include "core/kernel/record.h"
#include "core/kernel/refusal.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"
#include "interfaces/system.h"
struct cid;

// ---- what is told to a handler or a client, in order

enum note_kind {
    NOTE_NONE,
    NOTE_ANSWER,      // in struct message, client_note
    NOTE_MESSAGE,     // in struct message, handler_note
    NOTE_CANCELLED,   // in struct message, handler_note
    NOTE_CLIENT_GONE, // in struct bond
};

struct note {
    struct list_node node;
    u32 kind; // enum note_kind; NOTE_NONE while it is in no queue
};

// Whoever can handle an interface.
enum party_kind { PARTY_PROCESS, PARTY_DEVICE, PARTY_KERNEL };

struct party {
    u32 kind; // enum party_kind; constant
    u32 registration_count;
    struct list notes;     // struct note
    struct list held;      // struct message by handler_note: delivered, to be answered
    struct list cancelled; // those of them that it is charged for, by of_client, oldest first
    u32 cancelled_count;
    bool is_swept; // handler_abandon is at work: what it looks at is in no list for a moment
    struct list registrations; // struct registration
};

// ---- interfaces

struct function_definition {
    u64 id; // first 8 bytes of the hash
    u8 hash[32];
    struct span name;
};

// An interface as a program or a device knows it. Immutable.
struct definition {
    struct span name;
    struct span words; // what it gives, for people; empty where nobody said so
    u8 hash[32];       // I
    u32 function_count;
    const struct function_definition *functions; // in order of id, no two alike
};

// A seat: a name that somebody handles, is bonded to, waits for, or is led to (route.c).
struct interface_entry {
    struct pool_item item;
    struct map_node by_name;
    struct registration *handler; // NULL: nobody
    struct list bonds;            // struct bond
    struct list patient;          // struct message by handler_note: binds that wait for a handler
    struct list_node work;        // in kernel->patient_work while `patient` is to be looked through
    struct list_node of_kernel;
    u64 messages;
    u32 bond_count;
    u32 patient_count;
    u32 to_look_at; // of `patient`, for the handler whose serial is `looked_at`
    u64 looked_at;
    u32 to_ask_again; // of `patient`, whoever handles it: where they lead has changed
    u32 route_count;  // that lead here
    u8 successor[32]; // who may take it from its handler (replace.c); all zero: nobody
    struct list_node of_successions;
    u32 reference_count; // handler, bonds, patient binds and routes
    u8 program[32];      // whoever runs it sits here and nowhere else; all zero: the others
    u32 name_size;
    char name[INTERFACE_NAME_BYTES];
};

struct registration {
    struct pool_item item;
    u32 id; // what the handler knows it by
    u64 serial;
    struct interface_entry *entry;
    struct party *party;
    const struct definition *definition;
    struct list_node of_party;
};

// A client's handle to an interface.
struct bond {
    struct pool_item item;
    u32 id;           // 0: closed; only its CLIENT_GONE is still under way
    u64 client;       // the handler's name for it
    u64 fits;         // serial of the registration that was found compatible
    u64 told;         // serial of the registration that got a message from it
    u64 messages;     // sent by it,
    u64 bytes;        // of their bodies,
    u64 answer_bytes; // and of those of their answers
    struct process *process;
    struct interface_entry *entry; // NULL once closed
    const struct definition *definition;
    const struct function_definition *known; // the one called last, or NULL
    struct list_node of_process;
    struct list_node of_entry;
    u32 gone_registration; // id, for the CLIENT_GONE
    bool is_redirected;    // to stdio, of a process not all of whose streams lead there (pipe.h)
    struct note gone;
};

// ---- grants

struct grant_row {
    struct pool_item item;
    struct map_node by_pair;
    u8 right; // enum kernel_right
    u8 word;  // enum kernel_word
    bool is_learned;
    u16 limit_size;
    u8 program[32];
    u8 interface[32];
    u8 *limit; // from kernel->memory; NULL: none
};

struct route_row {
    struct pool_item item;
    struct map_node by_client;
    u8 client[32];
    struct interface_entry *seat; // where it leads; has the name
};

// The programs above a process, the nearest first, none twice. Shared by all children of one.
struct lineage {
    struct pool_item item;
    struct lineage *above;
    u32 reference_count;
    u32 depth; // how many there are from here on
    u8 codec;
    u8 program[32];
};

// What whoever handles `consent` is asked, once however many wait for the answer.
struct question {
    struct pool_item item;
    struct list_node of_kernel; // in kernel->questions, or ->answered
    struct message *asked;      // the kernel's; NULL: it was answered
    struct process *family;     // charged for it
    struct list waiting;        // struct message by handler_note: binds or registers
    bool is_denied;             // once answered
    u8 right;                   // enum kernel_right: which of the two
    u8 codec;                   // of the program's CID
    u8 program[32];
    u8 interface[32];
};

// ---- messages

enum message_state {
    MESSAGE_QUEUED,   // handler_note is in the handler's notes
    MESSAGE_HELD,     // handler_note is in the handler's held list
    MESSAGE_PENDING,  // the kernel answers later: `pending` says what it waits for
    MESSAGE_ANSWERED, // client_note is in the client's notes; no handler knows it any more
};

enum message_pending {
    PENDING_NONE,
    PENDING_BIND,
    PENDING_SPAWN,
    PENDING_END,
    PENDING_CONSENT,
    PENDING_READ, // core/kernel/pipe.h
    PENDING_WRITE,
};

struct message {
    struct pool_item item;
    u64 id; // 0: nobody wants an answer
    u64 function;
    u64 client_number;      // of the bond, so that it can be told when the bond is gone
    struct process *client; // who is charged; NULL: the handler when `is_handlers`, or else the
                            // kernel, asking the loader for `program` or for consent, `question`
    struct bond *bond;      // NULL: bond 0, or closed
    // From here to `small` all is zero when a message is taken out of the pool, and zero again when
    // it is given back: so it need not be cleared for each.
    struct party *handler;
    u32 registration;  // id
    u8 state;          // enum message_state
    u8 pending;        // enum message_pending
    bool waited_for;   // the client sits in send with SEND_WAIT
    bool is_cancelled; // the client has its answer; the handler may still hold the message
    bool is_handlers;  // the same, and the client has taken it: in handler->cancelled
    bool is_patient;   // PENDING_CONSENT: the bind then waits for a handler, too
    u32 error;         // 0, or the code of the error answer it got
    u32 body_len;
    u8 *body; // `small`, or from kernel->memory
    struct program *program;
    struct note client_note;
    struct note handler_note;
    struct list_node of_client; // in client->sent or handler->cancelled
    union {
        struct process *about; // PENDING_SPAWN, PENDING_END: the child
        u32 piped; // PENDING_READ: bytes wanted; PENDING_WRITE: those in the pipe by now
    };
    const struct definition *definition; // PENDING_BIND, PENDING_CONSENT
    union {
        struct pipe *pipe;             // PENDING_READ, PENDING_WRITE
        struct interface_entry *entry; // PENDING_BIND
        struct question *question;     // PENDING_CONSENT; or PENDING_NONE: the kernel's own
    };
    u8 small[KERNEL_BODY_INLINE];
};

// ---- programs

enum program_state {
    PROGRAM_EXPECTING, // in kernel->expecting: there is no loader to ask yet
    PROGRAM_FETCHING,
    PROGRAM_CHECKING,
    PROGRAM_READY,
    PROGRAM_FAILED,
};

// Where an import leads: a host function, or an export of the adapter.
struct program_import {
    bool is_adapter;
    u32 index; // enum host_function, or index of the adapter's function
};

enum host_function {
    HOST_SEND,
    HOST_ANSWER,
    HOST_WAIT,
    HOST_CLIENT_READ,
    HOST_CLIENT_WRITE,
    HOST_COUNT
};

#define PROGRAM_NO_FUNCTION ((u32)0xffffffff)
#define PROGRAM_NO_IMPORT ((u32)0xffffffff)

struct program {
    struct pool_item item;
    struct map_node by_digest; // key: first 8 bytes of the digest
    struct kernel *kernel;
    u8 digest[32];
    u8 codec;
    u8 state;       // enum program_state
    bool is_fixed;  // came with the system: stays, and its bytes are the machine's
    bool is_mapped; // in kernel->program_map
    char cid[KERNEL_CID_TEXT_BYTES];
    u32 reference_count; // processes, programs it adapts, and the load until it has come to its end
    struct process *family; // charged for it while it has references; NULL: a fixed one, or cached
    struct list waiting;    // struct process by `run`: to be started once it is ready, or its code
    struct list_node work;  // in kernel->expecting, or ->cache while unreferenced
    struct job job;         // CHECKING: the check. At the end: giving back much memory
    struct preparation *preparation; // CHECKING: the job's own
    struct message *load;            // FETCHING: asks the loader
    struct span bytes;
    u8 *buffer; // what `bytes` lie in, when it is the kernel's
    size_t buffer_size;
    // Immutable once READY.
    struct arena arena;
    struct wasm_module *module;
    struct span adapts;
    struct list_node of_adapters;
    struct program *adapter;
    struct program_import *imports; // module->import_count of them
    struct definition *definitions;
    u32 definition_count;
    // By the kind of code; both atomic.
    struct program_code *code[JIT_BOUNDS_COUNT]; // core/kernel/compiled.h; NULL: not compiled
    struct kept *kept[JIT_BOUNDS_COUNT];         // core/kernel/kept.h; NULL: not asked for
    u64 code_bytes;                              // of it, as `family` is charged for it
    u32 start_function;  // `_start`, or an adapter's `_initialize`; PROGRAM_NO_FUNCTION: none
    u32 thread_function; // `wasi_thread_start`; PROGRAM_NO_FUNCTION: none
    u32 memory_import;   // the shared memory that its threads have; PROGRAM_NO_IMPORT: none
    // FAILED
    u8 error; // enum kernel_load_error
    char text[160];
};

// ---- processes

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
    u64 time_said_ns; // by process_time_ns_locked
    u64 items;        // looked at for the kernel's call that it is in; to be paid for in fuel
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

// ---- devices

struct kernel_device {
    struct kernel *kernel;
    struct kernel_device_config config;
    struct party party;
    struct definition definition;
    struct kernel_device *next_to_wake;
    bool is_to_wake;
    struct message *last; // taken, wants no answer: freed at the next take
};

// ---- guests' memory, under kernel->guest_lock

enum { GUEST_ORDERS = 17 }; // blocks of 64 KiB << order: up to 4 GiB

// Address space cut into blocks of one size.
struct guest_reservation {
    struct guest_reservation *next; // of the same order
    u8 *base;
    u32 block_count;
    u32 fresh;      // blocks from here on were never used
    u32 free_count; // blocks given back, in `free`
    u32 free[];     // room for block_count
};

// A reservation for the memory of a fast process that nobody has. Its first pages are as they were
// committed, and zero; all else faults.
struct guest_spare {
    u8 *base;
    u64 committed_bytes;
};

struct guest_memory {
    struct guest_reservation *reservations[GUEST_ORDERS];
    struct guest_spare spares[KERNEL_SPARE];
    u32 spare_count;
    u64 used_bytes; // committed
    u64 limit_bytes;
};

// ---- workers

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

struct kernel {
    struct kernel_config config;
    // Workers that wait for the lock look at its line of the cache again and again: nothing that
    // its holder writes lies there.
    u8 before_lock[CACHE_LINE_BYTES];
    struct lock lock;
    u8 behind_lock[CACHE_LINE_BYTES];
    bool
        has_news; // atomic: something became ready since a worker began to look; looked at as often
    u8 behind_news[CACHE_LINE_BYTES];
    struct worker *acting; // for whose process the holder of the lock acts; NULL: somebody else's
    struct lock memory_lock;
    struct lock guest_lock;
    struct memory memory; // config.memory with the lock and the limit
    u64 memory_used;      // under memory_lock
    bool stop;            // atomic

    struct pool processes;
    struct pool messages;
    struct pool bonds;
    struct pool registrations;
    struct pool entries;
    struct pool programs;
    struct pool grants;
    struct pool routes;
    struct pool lineages;
    struct pool questions;
    struct pool pipes;
    struct pool pipe_ends;
    struct name_table names;
    struct map grant_map;
    struct map route_map;
    struct list open_questions; // struct question: asked,
    struct list answered;       // or answered, and not everybody has been told
    struct map process_map;
    struct map entry_map;
    struct map program_map;
    struct list all_processes; // in order of number
    struct list all_entries;
    struct list successions; // struct interface_entry with a successor
    u64 next_process;
    u64 next_serial;

    struct list ready;            // struct process by `run`, for any worker; and job_turn
    struct list prompt;           // the same, of those that had waited: before the others
    u32 prompt_count;             // so many of them were taken in a row while others were ready
    u64 ready_next;               // the next ready_number
    i64 offer_fuel;               // atomic: what a worker runs before it offers what it has woken
    struct list expecting;        // struct program: to be fetched once there is a loader
    bool expects_loader;          //
    struct list jobs[JOB_SHARES]; // struct job
    struct list_node job_turn;    // in `ready` while a job waits: the jobs' place there
    u64 job_number;               // its ready_number
    struct list patient_work;     // struct interface_entry
    u32 program_count;            // without those that only give back their memory
    struct list cache;            // struct program nobody runs, the oldest first
    u64 cache_bytes;
    struct list adapters; // struct program by of_adapters

    struct party party; // the kernel as a handler
    struct definition system;
    struct definition inspect;
    struct definition processes_definition; // `processes` are the records
    struct registration redirected; // nowhere to be found: takes what comes over such a bond
    struct definition loader;       // what the kernel asks for as a client, under the number 0
    struct definition consent;

    u32 device_count;
    struct kernel_device *devices[KERNEL_DEVICES];
    bool is_ending; // kernel_destroy is at work: the machine's devices are gone, nobody is woken
    struct kernel_device *wake_devices; // to be called once the lock is free
    u64 wake_workers;                   // one bit each, the same
    bool is_looking;                    // a worker looks for work before it sleeps
    u64 sleeping;                       // one bit for each worker in platform_wait
    u64 local_workers;                  // one bit for each that is_local

    struct timers timers; // struct process by `timer`; there is room for all of them
    u64 timer_next_ns;    // atomic: of the first of them; UINT64_MAX: nobody waits

    struct tags tags;
    u64 name_secret;

    u64 start_ns;
    u64 run_ns; // time that run_fuel took
    u64 run_fuel;
    u64 pauses;        // calls of platform_relax for the lock
    u64 judged_fuel;   // run_fuel, and
    u64 judged_pauses; // pauses, when the two were compared last
    u64 message_total;
    u64 message_bytes;
    struct refusals refusals;

    struct guest_memory guest;
    struct jit_space *space; // NULL: the interpreter runs everything
    struct kernel_debug *debugs;
    struct kernel_record *records;
    u32 fast_count;        // atomic: processes that are fast
    bool compiles_at_once; // a function in one step: platform_cpu_facts
    u32 kept_requests;     // atomic: of platform_kept_load and _save, under way
    struct wasm_func host[HOST_COUNT];
    struct wasm_func recorded[HOST_WAIT + 1]; // index: HOST_COUNT more
    struct worker workers[KERNEL_WORKERS];
};

// ---- kernel.c

// kernel_unlock when somebody is to be woken.
void kernel_unlock_wake(struct kernel *kernel);
// Fetches free messages for a worker's local calls, as far as there is memory.
void worker_fetch_locked(struct kernel *kernel, struct worker *worker);
// Takes from all workers the right to local calls, and waits until none is in one.
void kernel_recall_locked(struct kernel *kernel);
void tags_refill(struct tags *tags);
struct memory *kernel_memory(struct kernel *kernel);

static inline void kernel_trace(struct kernel *kernel, enum kernel_trace_kind kind, u64 a, u64 b)
{
    if (UNLIKELY(kernel->config.trace != NULL)) {
        kernel->config.trace(kernel->config.trace_context, kind, a, b);
    }
}

// ---- schedule.c

// Something became ready: a sleeping worker is woken once the lock is given back.
void workers_wake_locked(struct kernel *kernel);
// Puts a process that is READY into a queue.
void ready_append_locked(struct kernel *kernel, struct process *process);

// ---- guest.c: linear memories

// Fills in the functions of the process's store.
void guest_store_init(struct process *process);
void guest_memory_drop(struct kernel *kernel);
// Gives back up to KERNEL_FREE_PART bytes of the memory of an instance that runs no more. Returns
// how many; 0: it has none left.
u64 guest_memory_give_part(struct process *process, struct wasm_instance *instance);

// ---- section.c, interface.c: definitions, names, registrations, bonds

// How far the sections of a module were read.
struct section_reader {
    bool is_begun;
    bool is_inside;   // the custom section at `index`
    u32 index;        // of the module's custom sections
    u32 left;         // interfaces of the list under way
    struct reader in; // of the section
};
// Parses a module's sections into program->definitions. Takes from *fuel.
// ERR_PAUSED  call again
enum err interface_parse_sections(struct program *program, struct section_reader *at, i64 *fuel,
                                  struct report *report);
enum err interface_define(struct memory *memory, const struct interface_definition *from,
                          struct definition *out);
void interface_undefine(struct memory *memory, struct definition *definition);
const struct function_definition *definition_function(const struct definition *definition, u64 id);
// The definition of that interface hash among those of the process's program and its adapter, or
// NULL.
const struct definition *process_definition(const struct process *process, const u8 hash[32]);
// The first function of `client` that `handler` lacks, or NULL when they fit.
const struct function_definition *definition_missing(const struct definition *client,
                                                     const struct definition *handler);

// The key of a name and a program (32 zero bytes: none) in a map.
u64 name_key(const struct kernel *kernel, struct span name, const u8 program[32]);
struct interface_entry *entry_find_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32]);
// The same with one more reference, made if need be; NULL: KERNEL_INTERFACES, or no memory.
struct interface_entry *entry_take_locked(struct kernel *kernel, struct span name,
                                          const u8 program[32]);
void entry_give_locked(struct kernel *kernel, struct interface_entry *entry);

// ERR_EXISTS  taken     ERR_LIMIT  too many
enum err registration_add_locked(struct kernel *kernel, struct party *party,
                                 const struct definition *definition, struct registration **out);
// Frees the name; messages stay where they are: handler_abandon sees to them.
void registration_remove_locked(struct kernel *kernel, struct registration *registration);
// The same of one that another has taken the place of.
void registration_drop_locked(struct kernel *kernel, struct registration *registration);
struct registration *registration_find_locked(struct kernel *kernel, struct party *party, u32 id);
// bond_handler_locked when a new handler has come: compares it with what the bond wants.
struct registration *bond_refit_locked(struct bond *bond, struct registration *handler);

struct bond *bond_add_locked(struct kernel *kernel, struct process *process,
                             struct interface_entry *entry, const struct definition *definition);
// Closes it: the handler is told, messages under way must have been seen to before.
void bond_close_locked(struct kernel *kernel, struct bond *bond);
void bond_free_locked(struct kernel *kernel, struct bond *bond);
// Closes it whatever is under way: that gets E_DENIED.
void bond_revoke_locked(struct kernel *kernel, struct bond *bond);
// Whoever handles what the kernel asks for as a client, or NULL.
struct registration *handler_find_locked(struct kernel *kernel,
                                         const struct definition *definition);
// Looks through binds that wait for a handler, KERNEL_SWEEP at most.
void patient_step_locked(struct kernel *kernel);

// ---- route.c

struct route_to {
    struct interface_entry *entry; // NULL: nobody handles that, or waits for it
    const u8 *program;             // of the seat
};
// Where a process is led that binds an interface.
struct route_to route_find_locked(struct kernel *kernel, const struct process *process,
                                  struct span name);
// The seat that a party takes which registers for it.
const u8 *route_seat_locked(struct kernel *kernel, const struct party *party, struct span name);

// ---- replace.c

// The seat that a party takes over by registering for that, or NULL.
struct interface_entry *succession_find_locked(struct kernel *kernel, const struct party *party,
                                               const struct definition *definition);
// Whether somebody sweeps what the handler there has, so that the next would give the lock back.
bool succession_is_swept_locked(struct kernel *kernel, const struct party *party,
                                const struct definition *definition);
// Gives the lock back until nobody sweeps what the handler there has, and finds the seat again.
struct interface_entry *succession_settle_locked(struct kernel *kernel, const struct party *party,
                                                 const struct definition *definition);
// Takes it over. Returns how many items it looked at.
u32 succession_take_locked(struct kernel *kernel, struct interface_entry *entry,
                           struct registration *new);
// Its handler is gone, and with it who was to follow it.
void succession_end_locked(struct interface_entry *entry);
// Ends a process that `retires` and waits, if it is idle.
void process_retire_locked(struct kernel *kernel, struct process *process);

// ---- grant.c

void grants_init(struct kernel *kernel);
void grants_drop(struct kernel *kernel);
// Adds a row that the user's own words leave room for.
enum err grant_learn_locked(struct kernel *kernel, const struct kernel_grant *grant);
// What the user said of that right of that program alone to an interface.
enum kernel_word grant_word_locked(struct kernel *kernel, enum kernel_right right,
                                   const u8 program[32], const u8 interface[32]);
// The programs that a process's grants depend on, itself first: moved to the next by grant_up.
struct grant_walk {
    const struct lineage *above;
    const u8 *program; // NULL: there are no more
    u8 codec;
};
struct grant_walk grant_walk_begin(const struct process *process);
void grant_up(struct grant_walk *walk);
// What the user said. KERNEL_ASK: *asked is the first whom nothing was said about.
enum kernel_word grant_judge_locked(struct kernel *kernel, const struct process *process,
                                    enum kernel_right right, const struct definition *definition,
                                    struct grant_walk *asked);
// Notes that the process was refused that, and tells the machine, if it wants to know.
void grant_refused_locked(struct kernel *kernel, const struct process *process,
                          enum kernel_right right, const struct definition *definition);
// The budget that a process of that program has, or is to have; no more than its limits.
// ERR_DENIED  the user has taken it back, or it cannot be read: *denied is from whom
enum err grant_budget_locked(struct kernel *kernel, const struct process *process,
                             const struct grant_walk *own, struct kernel_budget *out,
                             struct grant_walk *denied);
// The same of one that is not started for that.
void grant_budget_refused_locked(struct kernel *kernel, const struct process *process,
                                 const struct grant_walk *own, const struct grant_walk *denied);
// The limits that the process has for the interface, all of which hold. Returns how many; at most
// KERNEL_LINEAGE + 1.
u32 grant_limits_locked(struct kernel *kernel, const struct process *process,
                        const struct definition *definition, struct span *limits);
// A process's bond by the number that `party` knows its client by. NULL: it is none of its clients.
struct bond *grant_client_locked(struct kernel *kernel, const struct party *party, u64 client);
// The `above` of a child of that process. ERR_LIMIT, ERR_NO_MEMORY
enum err lineage_take_locked(struct kernel *kernel, struct process *parent, struct lineage **out);
void lineage_give_locked(struct kernel *kernel, struct lineage *lineage);

// ---- charge.c: what processes take, against their budgets

// The process is about to get the program of that name. False: the user lets it have nothing.
bool budget_begin_locked(struct kernel *kernel, struct process *process, const struct cid *cid);
// The thread has its leader, and gets what that has.
void budget_thread_locked(struct kernel *kernel, struct process *thread);
// Whether the process may have another child.
bool budget_has_child(const struct process *parent);
// What is left of a slice (in whatever it is measured) for a turn of the process.
u64 budget_slice_locked(const struct process *process, u64 slice);
// Rows for budgets have changed. The lock is given back in between.
void budgets_changed_locked(struct kernel *kernel);
// Takes memory from the budget of the process, and of its family as a whole. False: one of them
// has no more. By the worker or the job that has it, without the lock.
bool budget_take(struct process *process, u64 bytes);
void budget_give(struct process *process, u64 bytes);
// The same of the family alone, for what need not end with the process.
bool budget_family_take(struct process *family, u64 bytes);
void budget_family_give(struct process *family, u64 bytes);
// What `bytes` of the kernel's own memory count as: they are charged in portions.
u64 budget_portions(u64 bytes);

// ---- consent.c

// The bind or register waits until somebody has said whether that program has that right to the
// interface.
// ERR_DENIED  there is nobody to ask     ERR_LIMIT
enum err consent_ask_locked(struct kernel *kernel, struct process *process, struct message *message,
                            enum kernel_right right, const struct definition *definition,
                            const struct grant_walk *about);
// The answer has come, or (error) will not. Frees the message; takes over `allocated`.
void consent_answered_locked(struct kernel *kernel, struct message *message, struct span body,
                             u8 *allocated, u32 error);
// The bind or register waits no more: it was in question->waiting.
void consent_left_locked(struct kernel *kernel, struct question *question);
// Rows have changed: questions that these answer are no more.
void consent_changed_locked(struct kernel *kernel);
// Tells those who wait for what was answered, KERNEL_SWEEP at most.
void consent_step_locked(struct kernel *kernel);

// ---- message.c

struct kernel_device *party_device(struct party *party);
// Appends a note to what the party is to be told, and wakes it.
void note_queue_locked(struct kernel *kernel, struct party *party, struct note *note,
                       enum note_kind kind);
void party_init(struct party *party, enum party_kind kind);

// A body that is about to change hands: room for it, taken without the lock where it is long.
u8 *body_new(struct kernel *kernel, u32 len);
void body_free(struct kernel *kernel, u8 *body, u32 len);
// Gives the message its body: `allocated` when it is longer than KERNEL_BODY_INLINE (taken over),
// else a copy.
void message_set_body_locked(struct kernel *kernel, struct message *message, struct span body,
                             u8 *allocated);
void message_clear_body_locked(struct kernel *kernel, struct message *message);

// Whether an answer of so many bytes has somewhere to go.
bool message_fits_client(const struct message *message, u64 bytes);

// Queues it for whoever handles `registration`, and wakes him.
void message_queue_locked(struct kernel *kernel, struct message *message,
                          struct registration *registration);
// The answer is known. `allocated` as in message_set_body_locked; a waiting client gets it copied
// into its memory and becomes ready. The message may be freed by this.
void message_answer_locked(struct kernel *kernel, struct message *message, struct span body,
                           u8 *allocated);
void message_answer_error_locked(struct kernel *kernel, struct message *message, u32 code);
// The client no longer wants the answer: it gets the error answer E_CANCELLED, the handler is told.
void message_cancel_locked(struct kernel *kernel, struct message *message);
// The kernel no longer wants what it asked the loader for: a loader that holds it is told.
void message_withdraw_locked(struct kernel *kernel, struct message *message);
// The user has revoked what it was sent with: the client gets the error answer E_DENIED, the
// handler is told. Nothing happens to what has its answer. Its bond is set to NULL by then.
void message_revoke_locked(struct kernel *kernel, struct message *message);
// The client is ending: nobody wants the answer, and nobody is told.
void message_orphan_locked(struct kernel *kernel, struct message *message);
// The handler no longer handles `registration` (0: any): its messages get E_GONE. The lock may be
// given back in between. Returns how many items were looked at.
u32 handler_abandon_locked(struct kernel *kernel, struct party *party, u32 registration);

// Writes notifications for a process that a worker has into its memory, [to, to + len), which was
// checked. Returns what wait returns, 0 when there is nothing to tell. The lock may be given back
// in between.
i32 notes_deliver_locked(struct kernel *kernel, struct process *process, u8 *to, u32 len);

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
// Time spent running, as its fuel and the time that all fuel took say; never less than what was
// said before, whatever fuel takes later.
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

// ---- program.c

// Gives the process the program of that name, fetched when it is new: the process joins those that
// wait for it, or is made ready. What can go wrong comes out when a worker begins it
// (process_begin).
void program_start_locked(struct kernel *kernel, struct span cid, struct process *process);
void program_give_locked(struct kernel *kernel, struct program *program);
// A handler was registered: if it is the loader that programs wait for, asks it for all of them.
void program_expected_locked(struct kernel *kernel);
// The loader has answered `message`, which this frees; error: with that code. Takes over
// `allocated`.
void program_loaded_locked(struct kernel *kernel, struct message *message, struct span body,
                           u8 *allocated, u32 error);
void program_drop(struct program *program);
// Bytes that it takes of KERNEL_CACHE_BYTES while nobody runs it.
u64 program_cache_cost(const struct program *program);

// ---- syscall.c

// Does the host call that the process stands at. Returns the process to run next on this worker,
// which then has it: the same, another, or NULL. Takes from *fuel what the call costs.
struct process *syscall_run(struct process *process, i64 *fuel);
// What the first three of its functions do, or, for any other number, the engine's own that the
// process stands at.
struct process *syscall_do(struct process *process, enum host_function function, i64 *fuel);
// Goes on with the wait that the process was made ready from. False: it waits again, and is
// nobody's.
bool syscall_resume_wait(struct process *process);

// ---- system.c, inspect.c, processes.c: what the kernel handles itself

enum kernel_call { CALL_DONE, CALL_EXIT };
// Answers the message, or keeps it PENDING. `message` is NULL when no answer is wanted. The lock
// may be given back in between. CALL_EXIT: the process is to end with *code.
enum kernel_call system_call_locked(struct kernel *kernel, struct process *process, u64 function,
                                    struct span body, struct message *message, u32 *code);
void inspect_call_locked(struct kernel *kernel, u64 function, struct span body,
                         struct message *message);
// In kernel->all_processes the first above that number. The lock may be given back.
struct list_node *inspect_after_locked(struct kernel *kernel, u64 after, u64 *items);
// There, what stands behind a process, after the lock was given back for a moment.
struct list_node *inspect_pause_locked(struct kernel *kernel, struct process *process);
void processes_call_locked(struct kernel *kernel, struct process *process, u64 function,
                           struct span body, struct message *message);
// A child for whoever sent the message, which is kept until the child begins; it has no program
// yet: program_start_locked. NULL: there can be none, and the message was answered.
struct process *system_child_new_locked(struct kernel *kernel, struct process *process,
                                        struct message *message, const struct start_lists *lists,
                                        struct kernel_limits limits);
// Refuses the message a child.
void system_answer_no_child_locked(struct kernel *kernel, struct message *message,
                                   enum system_spawn_error_kind kind, struct span text);
// Answers when the process's child of that number ends.
void system_await_end_locked(struct kernel *kernel, struct process *process,
                             struct message *message, u64 id);
// Answers to what was PENDING. The first two judge a bind or a register once more, unless whoever
// was asked has denied it.
void system_bind_again_locked(struct kernel *kernel, struct message *message, bool is_denied);
void system_register_again_locked(struct kernel *kernel, struct message *message, bool is_denied);
void system_answer_bind_locked(struct kernel *kernel, struct message *message, struct bond *bond);
void system_answer_spawn_locked(struct kernel *kernel, struct message *message,
                                struct process *child);
void system_answer_spawn_error_locked(struct kernel *kernel, struct message *message,
                                      enum kernel_load_error error, struct span text);
void system_answer_end_locked(struct kernel *kernel, struct message *message,
                              struct process *child);
enum err system_define(struct kernel *kernel);

#include "core/kernel/fast.h"
