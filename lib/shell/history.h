// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/history.h: the lines that were typed before, as many as fit.
//
// Use     history_init; history_add for each; history_line to see them. A file of history is lines
//         too: history_load takes its bytes in pieces, history_write gives a line's.
// Limits  SHELL_HISTORY_LINES, SHELL_HISTORY_BYTES: the oldest go.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"
struct text;

struct history {
    u32 count;
    u32 ends[SHELL_HISTORY_LINES]; // of each line in `data`; the next begins there
    u32 loaded;                    // bytes of the line that history_load is in,
    bool is_skipping;              // which is too long
    bool has_newline;              // it may be over: the next byte tells
    u8 line[SHELL_LINE_BYTES];
    u8 data[SHELL_HISTORY_BYTES];
};

void history_init(struct history *history);

// Adds a line as the newest, unless it is empty, begins with a blank or is the newest already.
// Returns whether it was added. At most SHELL_LINE_BYTES: a longer one is not.
bool history_add(struct history *history, struct span line);

// The line that is `age` lines old: 0 is the newest. Valid until the next is added.
struct span history_line(const struct history *history, u32 age);

// The youngest line from `age` on that contains `part`: its age, or `count`.
u32 history_find(const struct history *history, u32 age, struct span part);

// Takes bytes of a file: lines, the oldest first; one that begins with a tab goes on with the one
// before it. Control characters, and what is no UTF-8, are left out.
void history_load(struct history *history, struct span bytes);
// The file ends.
void history_loaded(struct history *history);

// A line as the file has it, with the newline at its end. Needs up to twice its bytes and one.
void history_write(struct span line, struct text *out);
