// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/snapshot.h: what runs in a system at one time, as `ps` and `top` show it.
//
// Use     zero at first; snapshot_take, again and again; snapshot_free.
// Limits  SNAPSHOT_PROCESSES, the first ones; names and CIDs as inspect.wit bounds them.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/inspect.h"
struct link;
struct text;

enum {
    SNAPSHOT_PROCESSES = 1 << 17, // more than a kernel has
    SNAPSHOT_CID_BYTES = 64,
    SNAPSHOT_NAME_BYTES = 257,
};

struct snapshot_process {
    u64 id;
    u64 parent; // 0: the user
    enum inspect_state state;
    u64 memory_bytes;
    u64 time_ns;
    u64 messages;    // sent and received
    bool has_budget; // and it is known: snapshot_budgets
    struct inspect_budget budget;
    char cid[SNAPSHOT_CID_BYTES];
    char name[SNAPSHOT_NAME_BYTES]; // any UTF-8
};

struct snapshot {
    struct inspect_totals totals;
    struct snapshot_process *processes; // in order of id
    u32 count;
    u32 room;
};

// Says what fails; returns EXIT_GOOD or the exit code.
int snapshot_take(struct snapshot *snapshot, struct link *link);
// Adds what each process takes of its budget.
int snapshot_budgets(struct snapshot *snapshot, struct link *link);
void snapshot_free(struct snapshot *snapshot);
// NULL: it is not there.
const struct snapshot_process *snapshot_find(const struct snapshot *snapshot, u64 id);

// ---- words

const char *state_word(enum inspect_state state);
// "64K", "1.5M".
void bytes_write(struct text *out, u64 bytes);
// What a process takes of what the user leaves it, where that is less than everybody has:
// "memory 64K of 1.0M, children 0 of 2, 10% of its turns". Nothing: it is not.
void budget_write(struct text *out, const struct inspect_budget *budget);
// "0.012", seconds.
void seconds_write(struct text *out, u64 time_ns);
// "1:02:03".
void clock_write(struct text *out, u64 time_ns);
// A program by what people know of it: its name where it comes with the command, else the end of
// its CID, which differs.
void program_write(struct text *out, const char *cid);
