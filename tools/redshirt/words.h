// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/words.h: the options --allow, --deny, --handle and --yes: what one program may do
// for one run, whatever else was said.
//
// Use     words_option for each option; words_say once the program's name is known.
// Limits  WORDS_MOST.
#pragma once
#include "tools/redshirt/grants.h"
struct cid;
struct command;
struct kernel;
struct options;

enum { WORDS_MOST = 64 }; // of one command line

struct words {
    bool is_free; // --yes: nothing is asked, everything is allowed, to all programs
    u32 count;
    struct grants_line lines[WORDS_MOST];
};

// Takes an option if it is one of these. Says what is wrong; returns EXIT_GOOD or the exit code.
//   value     as options_next gave it
//   is_taken  receives whether it was
int words_option(const struct command *command, struct words *words, struct options *options,
                 const char *option, const char *value, bool *is_taken);

// Tells the kernel. The same.
int words_say(struct kernel *kernel, struct words *words, const struct cid *program);
