// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/budget.h: what a process may take of the machine: the limit of a grant of
// `redshirt:kernel/budget`, as text and as numbers.
//
// Use     kernel_budget_parse. The kernel reads a program's row when a process of it is spawned,
//         and again when the row changes; a tool, before it writes one.
// Limits  core/kernel/limits.h: KERNEL_BUDGET_BYTES; what a process has without a budget is the
//         most that one can name.
// Source  docs/budgets.md.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/kernel.h"
struct report;

struct kernel_budget {
    u8 addressing;    // enum kernel_memory
    u64 memory_bytes; // at once; KERNEL_BUDGET_BYTES: as much as there is
    u32 children;     // at once, with theirs: KERNEL_FAMILY at most
    u32 messages;     // under way: KERNEL_MESSAGES at most
    u32 queued_bytes; // of them: KERNEL_MESSAGE_BYTES at most
    u32 cpu;          // of KERNEL_CPU_ALL: how much of a slice it gets; KERNEL_CPU_EACH: all of it,
                      // and so do those that it starts
};

// What a process may take that nobody has said anything about.
struct kernel_budget kernel_budget_most(void);

// Narrows a budget by what a program's row says: the process's own program's, or that of one above
// it. Only the former can make it fast by force; nothing makes it fast once it is to be small.
void budget_narrow(struct kernel_budget *budget, const struct kernel_budget *said, bool is_own);

// `memory:64MiB,addressing:small`. What the text does not name is as kernel_budget_most has it.
//   out     untouched on failure
//   report  NULL, or receives the offset in the text and the reason
// ERR_MALFORMED  it says something else, or the same twice
// ERR_LIMIT      more than there can be
enum err kernel_budget_parse(struct span text, struct kernel_budget *out, struct report *report);
