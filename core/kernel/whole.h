// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/whole.h: the kernel itself: every pool, queue and table there is.
//
// Use     core/kernel/internal.h includes it. What a machine sees of it is core/kernel/kernel.h.
// Owner   whoever called kernel_create. After that it takes memory for guests' sake alone.
// Locks   kernel->lock for everything that says nothing else; core/kernel/locks.h has the order.
// Limits  core/kernel/limits.h.
#pragma once
#include "core/base/compiler.h"
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/map.h"
#include "core/base/memory.h"
#include "core/base/pool.h"
#include "core/base/timers.h"
#include "core/base/types.h"
#include "core/kernel/call.h"
#include "core/kernel/device.h"
#include "core/kernel/guest.h"
#include "core/kernel/interface.h"
#include "core/kernel/job.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/kernel/message.h"
#include "core/kernel/names.h"
#include "core/kernel/refusal.h"
#include "core/kernel/worker.h"
#include "core/wasm/instance.h"
struct jit_space;
struct kernel_debug;
struct kernel_record;

// What a machine answers with: core/kernel/device.h.
struct kernel_device {
    struct kernel *kernel;
    struct kernel_device_config config;
    struct party party;
    struct definition definition;
    struct kernel_device *next_to_wake;
    bool is_to_wake;
    struct message *last; // taken, wants no answer: freed at the next take
};

struct kernel {
    struct kernel_config config;
    // Workers that wait for the lock look at its line of the cache again and again: nothing that
    // its holder writes lies there.
    u8 before_lock[CACHE_LINE_BYTES];
    struct lock lock;
    u8 behind_lock[CACHE_LINE_BYTES];
    // Atomic: something became ready since a worker began to look. Looked at as often.
    bool has_news;
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
