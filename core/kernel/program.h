// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/program.h: programs by name: fetched from the loader, checked in a job (prepare.c),
// ready for any number of processes, cached while nobody runs them.
//
// Use     core/kernel/internal.h includes it. program_start_locked with a process that is to run
//         it; program_give_locked when a reference goes.
// Owner   whoever counts in reference_count; then the cache, the oldest going first. The family
//         that had it fetched is charged for it.
// Locks   kernel->lock; what is immutable once READY is read without it.
// Limits  core/kernel/limits.h: KERNEL_PROGRAMS, KERNEL_CACHE_BYTES, and those of a module.
#pragma once
#include "core/base/arena.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/base/pool.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/jit/jit.h"
#include "core/kernel/job.h"
#include "core/kernel/kernel.h"
struct definition;
struct kept;
struct kernel;
struct message;
struct preparation;
struct process;
struct program_code;
struct wasm_module;

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
