// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/options.h: the words of a command line, as POSIX (12.2) has them, and
// operands may stand before options.
//
// Use     options_begin, then options_next until it says 0; the operands are then
//         words[0 .. operand_count), in their order. `--help` prints the tool's page and ends it;
//         what nobody knows ends it with a complaint.
#pragma once
#include "core/base/types.h"

struct options {
    char **words;
    int operand_count;
    const char *value; // of the option that options_next has told
    // inside
    int count;
    int next;
    const char *known;
    const char *cluster; // the letters behind the last one told, in the same word
    bool is_first_last;  // the first operand ends the options
};

//   known  each letter there is, ':' behind one that takes a value; '#' for -NUMBER, told as '#'
//          with the digits as its value; a '+' in front: the first operand ends the options
void options_begin(struct options *options, int count, char **words, const char *known);
// The next option's letter, or 0.
char options_next(struct options *options);

// Where there are no operands: "-" is the one.
void options_standard(struct options *options);

// The value, a number; else a complaint and the end.
u64 options_number(const struct options *options);
