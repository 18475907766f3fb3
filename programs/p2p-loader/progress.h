// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/progress.h: how far a fetch is, as one line on a terminal that is drawn again
// and again; and when it is done, what was fetched in how long.
//
// Use     progress_begin where the standard error is a terminal; progress_turn in each turn;
//         progress_done when a file is there, progress_clear before anybody else writes.
// Line    ends with the cursor at its beginning: whoever is ended while it stands has to clear from
//         there to the end of the line, and nothing else.
// Limits  no wider than the terminal. Nothing is drawn before a fetch is PROGRESS_FIRST_MS old.
#pragma once
#include "core/base/types.h"
struct fetch_state;
struct node;

//   columns  of the terminal
void progress_begin(u32 columns);
// Returns when to be called at the latest.
u64 progress_turn(struct node *node);
// A file has come. Tells it on the terminal, else to whoever looks after the system, where the node
// stays or was told to be verbose.
void progress_done(struct node *node, const struct fetch_state *state);
// The line is gone.
void progress_clear(void);
