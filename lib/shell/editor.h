// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/editor.h: a line editor for terminals: what was typed in, what is to be shown out.
//
// Use     editor_init; for each line editor_begin, then editor_take on what the terminal sends
//         until it says that something is to be done. EDITOR_COMPLETE: look for names
//         (lib/shell/complete.h), give them to editor_complete, and go on. What is to be written in
//         between goes between editor_hide and editor_show.
// Owner   the caller owns the struct, and `out`, which must be empty and hold SHELL_DRAWN_BYTES at
//         each call.
// Limits  SHELL_LINE_BYTES: what would be longer rings the bell. A line of more rows than the
//         terminal has is shown in part, around the cursor.
// Keys    arrows, Home, End, Delete, Backspace; Ctrl-A -E -B -F -H -D to move and erase, -K -U -W
//         to cut, -Y to paste; Alt-B -F -D and Alt-Backspace by words; Ctrl-P and -N through the
//         history, -R to search in it, -G to leave that; Ctrl-L clears, Ctrl-C gives the line up,
//         Ctrl-D ends an empty one.
// Terminal  it writes from the cursor's line downwards, and uses of ECMA-48 what every terminal
//         has: moves up and right, and erasing to the end of the screen. A letter in
//         the last column must leave the cursor there until the next.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/keys.h"
#include "lib/shell/limits.h"
struct candidates;
struct history;
struct text;

enum editor_event {
    EDITOR_MORE,     // give more bytes
    EDITOR_LINE,     // Enter: editor_line has it, and the cursor is below
    EDITOR_CANCEL,   // Ctrl-C: the same
    EDITOR_END,      // Ctrl-D on an empty line
    EDITOR_COMPLETE, // Tab
};

struct editor {
    const struct history *history;
    struct keys keys;
    u32 columns; // of the terminal
    u32 rows;
    u32 row;           // of the cursor, below the first that is shown
    bool is_stale;     // what is shown is not what there is
    bool rings;        // the bell
    bool clears;       // the screen, before the next drawing
    u32 tab_count;     // in a row
    bool is_cutting;   // the last key cut, and the next adds to it
    bool is_searching; // in the history, for `query`
    bool is_missing;   // which is not there
    u32 age;           // 0: the line is its own; n: it is the history's line that is n - 1 old
    u32 at;            // the cursor, bytes
    u32 size;
    u32 cut_size;
    u32 kept_size;
    u32 query_size;
    u32 prompt_size;
    u8 text[SHELL_LINE_BYTES]; // letters that may be shown, and newlines
    u8 cut[SHELL_LINE_BYTES];
    u8 kept[SHELL_LINE_BYTES]; // its own line, while the history's are shown
    u8 query[SHELL_SEARCH_BYTES];
    u8 prompt[SHELL_PROMPT_BYTES];
};

//   history  stays alive, and does not change from editor_begin to the end of the line
void editor_init(struct editor *editor, const struct history *history);

// How large the terminal is. While a line is edited, it is drawn anew.
void editor_resize(struct editor *editor, u32 columns, u32 rows, bool is_editing, struct text *out);

// Begins an empty line behind a prompt, of which what cannot be shown is left out. Where something
// stands in the terminal's line already, that stays, with a `%` behind it, and the prompt goes
// below.
void editor_begin(struct editor *editor, struct span prompt, struct text *out);

// Takes bytes until something is to be done.
//   taken  receives how many; with EDITOR_MORE all of them
enum editor_event editor_take(struct editor *editor, struct span bytes, size_t *taken,
                              struct text *out);

// The line, valid until the next call.
struct span editor_line(const struct editor *editor);
// The same up to the cursor.
struct span editor_left(const struct editor *editor);

// What may stand at the cursor: writes what all have in common, or lists them when that is nothing,
// and Tab was the key before, too.
//   prefix_size  bytes of each that are typed already
void editor_complete(struct editor *editor, const struct candidates *candidates, u32 prefix_size,
                     struct text *out);

// Draws the line anew where the cursor is, in a row of its own: something else was written behind
// the line's back.
void editor_lost(struct editor *editor, struct text *out);

// Takes what is shown away, so that something else can be written there, and brings it back.
void editor_hide(struct editor *editor, struct text *out);
void editor_show(struct editor *editor, struct text *out);
