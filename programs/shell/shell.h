// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/shell.h: what all of the shell's files share: its state, its bonds, and its words
// to the user.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/history.h"
#include "lib/shell/path.h"
#include "lib/shell/variables.h"
#include "programs/shell/limits.h"
struct text;

// Exit codes beside those of programs; docs/shell.md.
enum shell_code {
    CODE_GOOD = 0,
    CODE_BAD = 1,
    CODE_USAGE = 2,         // of a builtin, and a command that cannot be read
    CODE_REFUSED = 126,     // there is such a program, and it may not run, or cannot
    CODE_UNKNOWN = 127,     // there is none
    CODE_INTERRUPTED = 130, // by Ctrl-C before it ran
    CODE_TRAPPED = 134,     // as `redshirt run` says it
    CODE_KILLED = 128 + 9,
};

struct shell {
    i64 processes; // bonds; negative: there is none
    i64 files;
    i64 stdio;
    i64 terminal;
    u32 status;          // $?
    bool is_interactive; // somebody types
    bool takes_input;    // commands come from the standard input: programs get none of it
    bool exits;          // after this command, with `status`
    bool was_warned;     // that this ends what runs behind
    bool is_interrupted; // by the user: what is left of this list is not run
    u32 interrupts;      // so many times
    struct span source;  // of the commands: a file's name; empty: nobody needs to be told
    u32 line;            // of it
    struct path folder;  // where the shell is
    struct variables variables;
    struct history history;
};
extern struct shell shell;

// Says something about a command: `NAME: line N: WHAT: REASON`, as much of it as there is. What is
// not printable shows as `?`.
void shell_say(struct span what, const char *reason);
void shell_say_detail(struct span what, const char *reason, struct span detail);

// Writes to a stream of the shell's own, as stdio.wit numbers them. False: it is closed.
bool shell_write(u32 stream, struct span bytes);

// The same of lines with names in them that others chose: where the stream is a terminal, what
// would steer it shows as `?`.
//   lines  at most what a builtin may say
bool shell_put(u32 stream, struct span lines);

// Writes what a program had a say in to the error stream, in lines: what is neither printable ASCII
// nor a newline shows as `?`.
void shell_show(struct span bytes);

// Where the shell is, from now on; PWD is told to programs.
void shell_folder_set(const struct path *folder);
