// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/expand.h: what a word of a command becomes: fields, which are arguments or patterns of
// files.
//
//     'x'        as it is                    $NAME ${NAME}  the variable; unset: nothing
//     "x"        but for $ and backslashes   $?             how the last pipeline ended
//     \x         x itself; at a line's end both are nothing
//
// What a variable stands for is split at blanks, tabs and newlines, and may be a pattern, outside
// double quotes alone.
//
// Use     expansion_init, then expand_word for each word; expansion_field has the results.
// Limits  SHELL_FIELDS, SHELL_FIELD_BYTES: ERR_LIMIT.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"
struct variables;

struct field {
    u32 offset;
    u32 size;
    bool is_pattern; // as lib/shell/pattern.h reads it; otherwise the bytes are meant themselves
};

struct expansion {
    u32 count;
    u32 size;
    struct field fields[SHELL_FIELDS];
    u8 bytes[SHELL_FIELD_BYTES];
};

enum expand_how {
    EXPAND_FIELDS, // none, one or many
    EXPAND_ONE,    // one: the value of an assignment, the name of a file
};

void expansion_init(struct expansion *expansion);

// Adds what a word becomes; a failure adds nothing.
//   word    as lib/shell/parse.h has found it
//   status  for $?
enum err expand_word(struct expansion *expansion, struct span word, enum expand_how how,
                     const struct variables *variables, u32 status);

// Adds a field as it is.
enum err expansion_add(struct expansion *expansion, struct span bytes);

struct span expansion_field(const struct expansion *expansion, u32 index);
