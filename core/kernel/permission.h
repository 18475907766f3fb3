// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/permission.h: the user's words as this row has them: grants, what they leave a
// process of the machine, and questions where nothing was said. What a machine sees of it is
// core/kernel/grant.h, core/kernel/budget.h and kernel_config.learned.
//
// Use     core/kernel/internal.h includes it. grant_judge_locked before a bind or a register;
//         consent_ask_locked where it says KERNEL_ASK; the functions of charge.c whenever a process
//         takes what is counted.
// Owner   the kernel's pools; a lineage lives as long as a child, or another below it, has it.
// Locks   kernel->lock, but for budget_take and its like, which count by atomics.
// Limits  core/kernel/limits.h: KERNEL_GRANTS, KERNEL_LINEAGE, KERNEL_QUESTIONS.
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/map.h"
#include "core/base/pool.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/grant.h"
struct bond;
struct cid;
struct definition;
struct kernel;
struct kernel_budget;
struct message;
struct party;
struct process;

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
    struct list_node of_kernel; // in kernel->open_questions, or ->answered
    struct message *asked;      // the kernel's; NULL: it was answered
    struct process *family;     // charged for it
    struct list waiting;        // struct message by handler_note: binds or registers
    bool is_denied;             // once answered
    u8 right;                   // enum kernel_right: which of the two
    u8 codec;                   // of the program's CID
    u8 program[32];
    u8 interface[32];
};

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
