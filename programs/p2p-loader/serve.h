// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/serve.h: what peers get of us: the blocks of the files that the user has
// added or pinned, and nothing else. What was merely fetched tells what somebody runs, and is not
// given.
//
// Nobody who wants much and takes little keeps the others waiting: beyond a few blocks each peer
// has one under way, and where there are so many who are slow that no room is left, the slowest
// goes.
//
// Use     serve_begin once; serve_turn in each turn; serve_released when the engine has sent an
//         answer.
// The list is the machine's record `pins`, one CID in each line, which `redshirt add` and `pin`
// write and this looks at every LOADER_PINS_MS.
// Limits  LOADER_PINS, LOADER_SERVED, LOADER_GIVES*.
#pragma once
#include "core/base/types.h"
struct node;

void serve_begin(struct node *node);
void serve_released(u64 token);
// Blocks that peers may have.
u32 serve_count(void);
// Returns when to be called at the latest.
u64 serve_turn(struct node *node);
