// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/view.h: what redshirt:kernel/inspect says of the system, asked once for all that is
// made of it.
//
// Use     view_ask, then read; view_drop in any case. One view at a time.
// Owner   lists and names lie in answers that the view has; `edges` are the row's own.
// Limits  programs/http/limits.h: SERVER_BOND_PARTS, SERVER_EDGES; inspect.wit names the others.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/inspect.h"
#include "programs/http/limits.h"

// All bonds of one process to one interface that one handler answers.
struct view_edge {
    u64 client;
    struct span name; // of the interface
    struct inspect_option_u64 handler;
    u64 messages;
    u64 bytes;
    u64 answer_bytes;
};

enum view_answer {
    VIEW_PROCESSES,
    VIEW_BUDGETS,
    VIEW_INTERFACES,
    VIEW_REFUSALS,
    VIEW_BONDS, // and those after it
    VIEW_ANSWERS = VIEW_BONDS + SERVER_BOND_PARTS,
};

struct view {
    struct inspect_totals totals;
    struct inspect_list_process processes;
    struct inspect_list_budget budgets;
    struct inspect_list_registration interfaces;
    struct inspect_refusals_part refusals;
    const struct view_edge *edges; // no two alike
    u32 edge_count;
    bool has_more_edges;
    struct span answers[VIEW_ANSWERS]; // from rt_memory
};

// Asks the kernel. False: it does not answer as it should.
bool view_ask(struct view *view);
void view_drop(struct view *view);
