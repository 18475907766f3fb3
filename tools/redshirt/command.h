// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/command.h: what the commands of `redshirt` share: exit codes, words, options, the
// store.
//
// Use     main.c finds the command in its table and calls it with the arguments behind its name.
// Words   everything that people read goes to stderr, as `redshirt: ...`; stdout holds results
//         only.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "machines/hosted/store.h"
struct report;

#define REDSHIRT_VERSION "0.1"

// Exit codes of the command itself (docs/man/redshirt.1). `run` gives the program's own where there
// is one, so these lie where few programs have theirs.
enum exit_code {
    EXIT_GOOD = 0,
    EXIT_USAGE = 64,      // the command line is wrong
    EXIT_NOT_VALID = 65,  // bytes that are not what they should be: not a program, not a definition
    EXIT_NOT_FOUND = 66,  // no such file; no such block, in the store or with those who were asked
    EXIT_BAD_CID = 67,    // not a CID, or of a kind that is not served or fetched
    EXIT_DAMAGED = 68,    // bytes that are not those their name says, in the store or from a peer
    EXIT_NO_LOADER = 69,  // nobody loads programs
    EXIT_MACHINE = 71,    // the host refused memory, a thread or a file
    EXIT_TOO_LARGE = 73,  // beyond a limit
    EXIT_IO = 74,         // reading or writing failed
    EXIT_ASTRAY = 76,     // a replay went another way, or its recording ends before the program
    EXIT_REFUSED = 77,    // a program may not do what it wanted to, and failed
    EXIT_BY_SIGNAL = 128, // plus the signal: 130 for Ctrl-C, 143 for TERM
    EXIT_TRAPPED = 134,   // the program was stopped by a trap
    EXIT_KILLED = 137,    // the program was killed
};

struct command {
    const char *name;
    const char *summary; // one line
    const char *help;    // the whole page, from "Usage:" on
    int (*run)(const struct command *command, int count, char **arguments);
};

extern const struct command command_run;
extern const struct command command_replay;
extern const struct command command_shell;
extern const struct command command_demo;
extern const struct command command_up;
extern const struct command command_add;
extern const struct command command_get;
extern const struct command command_list;
extern const struct command command_interface;
extern const struct command command_grants;
extern const struct command command_grant;
extern const struct command command_revoke;
extern const struct command command_network;
extern const struct command command_serve;
extern const struct command command_pin;
extern const struct command command_unpin;
extern const struct command command_peers;
extern const struct command command_publish;
extern const struct command command_why;
extern const struct command command_ps;
extern const struct command command_top;
extern const struct command command_log;
extern const struct command command_kill;
extern const struct command command_replace;

// "redshirt: " and a sentence, as printf has it.
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

// Who gets a copy of what say says, as a line; NULL: nobody. Called by whichever thread says it.
void say_also(void (*also)(struct span line));

// Says that a word is no CID, why, and where CIDs come from. Returns EXIT_BAD_CID.
int say_bad_cid(const char *word, const struct report *report);

// Says that the command line is wrong, and how to see what is right. Returns EXIT_USAGE.
__attribute__((format(printf, 2, 3))) int say_usage(const struct command *command,
                                                    const char *format, ...);

// Says what was refused and why: `redshirt: WHAT: reason`. Returns the exit code that goes with the
// error.
int say_refused(const char *what, enum err err, const struct report *report);

// The exit code for an error of the store or of a file.
int exit_code_of(enum err err);

// Options: -x, --name, --name=value, --name value; `--` ends them; a lone `-` is no option.
struct options {
    int count;
    char **arguments;
    int next; // the first argument that is not yet looked at
};

// The next option's name without its dashes, or NULL at the first argument that is none.
//   value  what stood behind `=`, or NULL
const char *options_next(struct options *options, const char **value);
// The value of the option just given: behind `=` or the next argument; NULL: there is none.
const char *options_value(struct options *options, const char *value);

// A number in decimal, at most `max`.
bool number_parse(const char *text, u64 max, u64 *out);

// Opens the store in REDSHIRT_HOME, else $XDG_DATA_HOME/redshirt, else $HOME/.local/share/redshirt.
// When it fails, it has said why and returns the exit code; else EXIT_GOOD.
int store_open_home(struct store *store);

// The folder around it, as it is: nothing is made. -1: there is none, and why is not said.
int home_open(void);

// Writes all of it to a descriptor.
bool write_all(int file, struct span bytes);
