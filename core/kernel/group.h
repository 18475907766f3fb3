// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/group.h: the threads of a process, and waiting at an address of memory they share.
//
// A thread is a struct process of its own: its own instance, stack, bonds, messages and place in
// the queues, so that nearly nothing else of the kernel has to know of it. What it has in common
// with the first one, its `leader`, is the program, the memory that the program imports, the name
// under which handlers know it (`owner`), its children, and the end: what ends one of them, but its
// own return, ends all, and the leader's record is the last to go.
//
// Use     group_begin before a leader's instance is made, group_drop when all its threads are gone;
//         the rest at the moments that the names say.
// Owner   the leader of a program with such a memory has a struct group, charged to it.
// Locks   kernel->lock, but for the memory's bytes, which are the guest's, and its size
//         (core/wasm/instance.h).
// Limits  KERNEL_THREADS; those who wait at addresses of one memory are no more than its threads.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "core/wasm/atomic.h"
struct kernel;
struct kernel_ending;
struct process;

// Makes the memory that the leader's program imports, if it does. ERR_NO_MEMORY
enum err group_begin(struct process *process);
// Its instance is gone, and so are its threads.
void group_drop(struct process *process);
// The memory that the process's program imports. NULL: none.
struct wasm_memory *group_memory(struct process *process);

// Starts another thread of the process with that argument; *number is what it goes by among them.
// ERR_NOT_FOUND  its program has no such memory, or no thread function
// ERR_LIMIT      too many, the process is ending, or a debugger holds it (core/kernel/debug.h)
//                or a recording (core/kernel/record.h)
// ERR_NO_MEMORY
enum err group_spawn_locked(struct kernel *kernel, struct process *process, u32 argument,
                            u32 *number);

// A process is about to end as *ending says. True: its end comes later, when its threads are gone,
// who are told. False: it goes on, as *ending says now; `text` has KERNEL_END_TEXT bytes for its
// words. A thread that ends its process has told the leader by then.
bool group_ends(struct process *process, struct kernel_ending *ending, char *text);
// A thread has ended, and is nobody's any more.
void group_left_locked(struct kernel *kernel, struct process *thread);

// Fuel that threads of this leader have used, beside its own.
u64 group_fuel_locked(const struct process *leader);
// Threads that it has beside itself, KERNEL_THREADS at most.
u32 group_thread_count(const struct process *leader);

// ---- waiting

// Does the host call `kind` that the process stands at. False: it waits, and is nobody's.
bool park_call(struct process *process, enum wasm_wait kind);
// A PARKED process waits no more, for another reason than those of park_call: it is in no list.
void park_end_locked(struct kernel *kernel, struct process *process);
// Wakes those whose time is over, if there are any, KERNEL_SWEEP at most. True: there were.
bool park_expire(struct kernel *kernel);
