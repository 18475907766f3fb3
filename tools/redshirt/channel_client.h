// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/channel_client.h: systems that run, as the commands `ps`, `top`, `log`, `kill` and
// `replace` reach them. A system may be anything that listens there: what it says is checked.
//
// Use     link_find or links_find; link_call; link_close. What fails is said, and comes back as an
//         exit code.
// Limits  channel.h; LINK_PATIENCE_MS for an answer.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/inspect.h"
#include "tools/redshirt/channel.h"
#include "tools/redshirt/channel_place.h"
struct command;
struct options;

enum {
    LINK_WORDS_BYTES = 512, // of what a system is called
    LINK_PATIENCE_MS = 10000,
};

// A connection to one.
struct link {
    int file;
    u32 number;
    bool is_late; // an answer did not come in time, and may be there before the next one
    char words[LINK_WORDS_BYTES]; // printable
    struct channel channel;
};

// The system of that number; 0: the one that there is. Says what fails: that there is none, or that
// there are several and which. Returns EXIT_GOOD or the exit code.
int link_find(u32 number, struct link *out);
// Takes all options: -s NUMBER and --system NUMBER by itself, each other one by `take`. *is_known:
// there is such an option; it is true before. Returns EXIT_GOOD or the exit code.
//   take  NULL: there is no other
int link_options(const struct command *command, struct options *options, u32 *number,
                 int (*take)(void *context, struct options *options, const char *option,
                             const char *value, bool *is_known),
                 void *context);
// Calls `each` with every system, one after another, whatever it returns: the first that is neither
// EXIT_GOOD nor EXIT_NOT_FOUND, of one that has ended meanwhile, is returned. EXIT_NOT_FOUND: there
// is none, which was said.
int links_each(int (*each)(void *context, struct link *link), void *context);
void link_close(struct link *link);

// Calls a function. The answer's body is valid until the next call.
int link_call(struct link *link, u64 function, struct span body, struct span *answer);
// What it said cannot be understood. Says so; returns the exit code.
int link_say_bad(const struct link *link);

// Functions of `inspect`. A list is valid until the next call, its items with it.
int link_totals(struct link *link, struct inspect_totals *out);
int link_processes(struct link *link, u64 after, struct inspect_list_process *out);
int link_budgets(struct link *link, u64 after, struct inspect_list_budget *out);
int link_interfaces(struct link *link, struct inspect_list_registration *out);

// ---- waiting

// From now on SIGINT, SIGTERM and SIGHUP end waiting, and not the command.
void waits_begin(void);
// Waits for so long, or for input where `file` is not below 0. Returns the signal that came, or 0.
int wait_ms(u32 time_ms, int file);
