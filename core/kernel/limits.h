// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/limits.h: every bound of the kernel. Each is the largest value that is accepted; one
// beyond gets the error named here.
#pragma once
#include "core/base/types.h"

// The most memory that a budget can name, and none at all: all that 64-bit machines can address.
#define KERNEL_BUDGET_BYTES ((u64)1 << 48)

enum {
    // ---- the machine
    KERNEL_WORKERS = 64,         // as many as one word has bits; a larger machine leaves CPUs idle
    KERNEL_WORKER_MESSAGES = 16, // free ones that a worker keeps: a chain of direct calls as long
    KERNEL_PROMPT = 8,           // turns of processes that had waited, before one of who never does
    KERNEL_LOCAL_AFTER = 32,     // local calls in a row before a worker needs its own lock alone
    KERNEL_SLICE_NS = 10 << 20,  // about 10 ms: long against a switch, short against a person
    KERNEL_CPU_ALL = 100,        // a budget's share of the CPU: percent of a slice;
    KERNEL_CPU_EACH = 101,       // unsaid: a slice for each of a family
    KERNEL_SLICE_LEAST = 100,    // a turn has at least one in so many parts of a slice: a portion
    KERNEL_FUEL_PORTION = 50000, // units between two looks at the clock's flag, and of a process's
                                 // own between two at what it does: about 100 us
    KERNEL_FUEL_OFFER = 100000,  // units a worker runs before others get what it has woken: a few
                                 // times what it costs the machine to wake a worker,
    KERNEL_FUEL_OFFER_MOST = 3200000, // when that was of no use of late: less than a slice
    KERNEL_FUEL_WORTH = 10000,        // what it has to use to have been: as long as a wake-up takes
    KERNEL_FUEL_JUDGED = 200000, // units between two comparisons of work and waits for the lock
    KERNEL_FUEL_PAUSE = 30,      // units that take about as long as one platform_relax
    KERNEL_FUEL_SYSCALL = 64,    // units a syscall costs: about as long as the loops it is worth
    KERNEL_FUEL_BYTES = 64,      // bytes copied for one unit
    KERNEL_PAUSE = 512,          // platform_relax at most between two looks at a lock: about 10 us
    KERNEL_LOOKS = 1000,         // looks for work before a worker sleeps: about 20 us
    KERNEL_FUEL_CALL = 300,      // units a call of the system interface costs beside that
    KERNEL_FUEL_INSPECT = 20000, // units one of inspect costs, beside what it walks through:
    KERNEL_FUEL_ITEM = 512,      // an item that the kernel looks at for a call, about 1 us
    KERNEL_FUEL_LOW = 500000,    // units of a turn of a job of JOB_LOW: a tenth of a slice
    KERNEL_FUEL_HOT = 1000000,   // units after which a process's program is compiled: about 2 ms
    KERNEL_FUEL_START = 20000,   // units an instantiation costs the slice it happens in

    // ---- the whole kernel; at the limit ERR_LIMIT or E_NO_MEMORY
    KERNEL_PROCESSES = 1 << 17,  // 100,000 idle ones and room
    KERNEL_PROCESS_BUCKETS = 14, // 2^n heads of the map from numbers to processes
    KERNEL_ENTRY_BUCKETS = 10,   // the same, for names and for programs
    KERNEL_PROGRAMS = 4096,      // in use and in the cache, of which the oldest goes to make room
    KERNEL_PROGRAMS_FREEING = 4096, // large ones that went, and whose memory a worker gives back
    KERNEL_MESSAGES_ALL =
        1 << 20, // at about 256 bytes each; as many as all budgets of 512 processes
    KERNEL_MESSAGES_SPARE =
        KERNEL_PROCESSES + // of them: so that each process can call the kernel, and wait for the
        KERNEL_PROGRAMS +  // answer, to take something back; one for each program; and what
        KERNEL_WORKERS * KERNEL_WORKER_MESSAGES, // workers keep
    KERNEL_BONDS_ALL = 1 << 19,                  // four for each process
    KERNEL_REGISTRATIONS_ALL = 1 << 14,          //
    KERNEL_INTERFACES = 1 << 14, // names that somebody handles, is bonded to or waits for
    KERNEL_DEVICES = 64,         // a machine registers about ten
    KERNEL_GRANTS = 1 << 14,     // rows: more than a user has programs, times what each asks for
    KERNEL_GRANT_BUCKETS = 10,   // 2^n heads of the map to them
    KERNEL_GRANT_LIMIT_BYTES = 1024, // of one row: a few dozen hosts and ports
    KERNEL_ROUTES = 1024,            // a few for each interface that the user has opinions about
    KERNEL_ROUTE_BUCKETS = 6,        // 2^n heads of the map to them
    KERNEL_QUESTIONS = 256,          // open ones to who handles `consent`: a person answers one
                                     // after another. `limit`
    KERNEL_FAMILY_QUESTIONS = 16,    // of one family, so that none has all. `limit`
    KERNEL_PIPES = 4096,             // all of which take 256 MiB
    KERNEL_FAMILY_PIPES = 512,       // of one family, an eighth. `limit`
    KERNEL_NAMES = 1024,             // of programs: more than come with a machine. ERR_LIMIT
    KERNEL_PROGRAM_NAME_BYTES = 144, // of each, a NAME@KEY; a longer one is none. ERR_INVALID
    KERNEL_LINEAGE = 16,             // different programs above a process: `limit` of spawn
    KERNEL_LIMITS_BYTES =            // what a handler is told of one client at most
    4 + (KERNEL_LINEAGE + 1) * (4 + KERNEL_GRANT_LIMIT_BYTES),
    KERNEL_WORDS = 1024,           // bytes of what an interface says of itself, in a question
    KERNEL_FAST = 1024,            // processes with reservations of their own; others are small.
                                   // Each costs the machine mappings and page tables
    KERNEL_FAMILY_FAST = 256,      // of one family, threads too: a quarter, so that none has all
    KERNEL_FAMILY_STACKS = 1024,   // of JIT_STACK_BYTES, for its compiled threads: 1 GiB when all
                                   // of each was written to; others stay with the interpreter
    KERNEL_CODE_BYTES = 128 << 20, // machine code of one program; the rest of it is interpreted
    KERNEL_FAMILY_CODE_BYTES = 256 << 20, // and of all that one family took up: a quarter of the
                                          // space for code
    KERNEL_FAMILY_COMPILING_BYTES = 256 << 20, // of memory to compile them in: two of the largest
                                               // functions at once
    KERNEL_HOT = 64,                           // functions that are compiled before the others
    KERNEL_REFUSED = 16, // of a program that stay interpreted and are named in the log
    KERNEL_SPARE = 64,   // reservations kept for the next fast processes: of those that come and go
                         // all the time, few are there at once
    KERNEL_SPARE_BYTES = 16 << 20, // that may be accessed in one: page tables of a few KiB
    KERNEL_CACHE_BYTES = 64 << 20, // programs nobody runs are kept up to this, then the oldest goes

    // ---- one process; at the limit E_LIMIT or the `limit` of the function that was called
    KERNEL_BONDS = 1024,       // a server of a thousand interfaces is none
    KERNEL_REGISTRATIONS = 64, //
    KERNEL_MESSAGES = 2048,    // sent, and not yet answered and taken: a server's reads on a
                               // thousand sockets, and what else it does meanwhile
    KERNEL_CANCELLED = 1024,   // held, and its client has E_CANCELLED: the oldest is taken away
    KERNEL_MESSAGE_BYTES = 16 << 20, // of their bodies and of the answers that wait
    KERNEL_CHILDREN = 4096,          // whose record is there, awaited or not
    KERNEL_FAMILY = 1 << 14, // descendants of one that the machine started, orphans too: an eighth
    KERNEL_FAMILY_PROGRAMS = 512, // that they took up and somebody runs or waits for: an eighth
    KERNEL_PROCESS_BYTES =
        96 << 20, // stack, tables and instance; a table of the engine's limit fits
    KERNEL_BUDGET_PORTION = 64 << 10,  // of the above, as they count in its budget: a page
    KERNEL_FENCE_NAMES = 64,           // interfaces that a child is left: more than there are
    KERNEL_THREADS = 64,               // beside the first: more than most machines have CPUs
    KERNEL_ARGUMENTS = 1024,           // arguments and environment together
    KERNEL_ARGUMENT_BYTES = 128 << 10, // the same, and four bytes for each

    // ---- one pipe
    KERNEL_PIPE_BYTES = 64 << 10, // in it, and of one call: as much as a call of stdio
    KERNEL_PIPE_WAITING = 64,     // calls that wait for bytes, and for room. `limit`; `failed` of
                                  // stdio

    // ---- one message; E_TOO_LONG
    KERNEL_BODY_BYTES = 4 << 20,  // a block of 2 MiB with its envelope, twice
    KERNEL_BODY_INLINE = 72,      // kept in the message itself; longer ones are allocated
    KERNEL_NOW_BYTES = 16,        // an answer that a device has at once: a number or two
    KERNEL_TOLD = 1024,           // notifications that one wait writes,
    KERNEL_TOLD_BYTES = 16 << 20, // and bytes after which it writes no more: a few ms of copying
    KERNEL_END_BYTES = 16 << 20,  // a process of more memory ends in portions
    KERNEL_BREAKPOINTS = 256,     // of a process that is debugged; ERR_LIMIT
    KERNEL_DEBUG_FRAMES = 32,     // that a debugger sees, the innermost
    KERNEL_FRAMES = 32,           // innermost ones of a process that has trapped
    KERNEL_END_TEXT = 256,        // how it ended, in words, is kept meanwhile
    KERNEL_FREE_LOCKED = 1 << 20, // a larger program is freed without the lock,
    KERNEL_FREE_PART = 4 << 20,   // so much of it at once
    KERNEL_FUEL_FREE_BYTES = 128, // for a unit
    KERNEL_COPY_LOCKED = 4096,    // a copy longer than this is made without the kernel's lock
    KERNEL_LOAD_BYTES =
        (64 << 20) + 16, // the answer of a loader: WASM_MODULE_BYTES and its envelope

    // ---- what a program says of itself; refused at load
    KERNEL_DEFINITIONS = 256,         // interfaces in a program's section
    KERNEL_SECTION_BYTES = 1 << 20,   // of all its sections; hashing them takes tens of ms at most
    KERNEL_PROGRAM_BYTES = 512 << 20, // a module and its code; eight times the largest file
    KERNEL_NAME_SCRATCH = 1 << 20,    // hashing a file of WASM_MODULE_BYTES
    KERNEL_DEFINITION_SCRATCH = 64 << 10, // hashing one interface of core/base/wire.h's limits

    // ---- a recording (record.h)
    KERNEL_RECORD_BYTES = 1 << 30, // all of it, as it is read as a whole; there it breaks off
    KERNEL_RECORD_BONDS = 64,      // whose interfaces are known: what falls out is named again
    KERNEL_RECORD_MEMORIES = 32,   // WASM_MEMORIES of the program and of its adapter
    KERNEL_RECORD_CALL_BYTES =     // that one call of it wrote: what one wait does at most
    KERNEL_TOLD_BYTES + KERNEL_BODY_BYTES + 64,

    // ---- work under the lock
    KERNEL_SWEEP = 64,                // items handled before the lock is given back for a moment
    KERNEL_INSPECT_PROCESSES = 256,   // of one answer, as inspect.wit says
    KERNEL_INSPECT_NAME = 256,        // bytes of a process's name
    KERNEL_INSPECT_INTERFACES = 1024, //
    KERNEL_INSPECT_BONDS = 1024,      // places for bonds that one answer looks at
    KERNEL_DESCENDANTS = 64,          // of one answer, as processes.wit says
    KERNEL_GENERATIONS = 64,          // looked up from a process for who started it
    KERNEL_NAMES_TOLD = 256,          // of one answer, as processes.wit says
    KERNEL_INSPECT_BYTES = 1 << 20,   // more than any answer of that: twice what the longest takes
    KERNEL_REFUSALS = 64,             // that inspect tells of: a screenful; the oldest goes
    KERNEL_PROGRAM_REFUSALS = 16, // of one program, likewise: a quarter, so that none hides others,
    KERNEL_FAMILY_REFUSALS = 32,  // nor one family by the programs that it starts: half

    // ---- guests' memory
    KERNEL_GUEST_PAGES = 16384, // of 64 KiB: 1 GiB of addresses for a memory that names no maximum
    KERNEL_GUEST_BLOCKS = 4096, // of one reservation, less where the machine refuses so much
};
