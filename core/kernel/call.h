// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/call.h: what a guest asks of the kernel: the host calls that it stands at, and
// messages to the interfaces that the kernel handles itself.
//
// Use     core/kernel/internal.h includes it. A worker calls syscall_run when the engine comes
//         back with a host call; syscall.c calls *_call_locked for a message to bond 0, `inspect`
//         or `processes`, and the rest is for whoever answers such a message later.
// Owner   a message that is answered later is PENDING and stays its client's.
// Locks   those named *_locked want kernel->lock; the first three take it themselves.
// Limits  core/kernel/limits.h: KERNEL_SWEEP for walks, which then give the lock back.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
#include "interfaces/system.h"
struct bond;
struct kernel;
struct message;
struct process;
struct start_lists;

enum host_function {
    HOST_SEND,
    HOST_ANSWER,
    HOST_WAIT,
    HOST_CLIENT_READ,
    HOST_CLIENT_WRITE,
    HOST_COUNT
};

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
