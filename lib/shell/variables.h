// SPDX-License-Identifier: GPL-3.0-or-later
// lib/shell/variables.h: the shell's variables, some of which are told to the programs it starts.
//
// Limits  SHELL_VARIABLES, SHELL_VARIABLE_BYTES, SHELL_NAME_BYTES: ERR_LIMIT, and all stays as it
//         was.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/shell/limits.h"

struct variable {
    u32 offset;
    u32 size;      // of NAME=value
    u32 name_size; //
    bool is_exported;
};

struct variables {
    u32 count;
    u32 size;
    struct variable items[SHELL_VARIABLES]; // in the order of `bytes`
    u8 bytes[SHELL_VARIABLE_BYTES];
};

void variables_init(struct variables *variables);

// Sets it, or makes it. Name and value lie elsewhere than in `variables`.
// ERR_MALFORMED  not a name: a letter or `_`, then digits, too
// ERR_INVALID    the value holds a zero
//   is_exported  true: from now on; false: as it was, at first not
enum err variables_set(struct variables *variables, struct span name, struct span value,
                       bool is_exported);
// The same of what says NAME=value.
enum err variables_assign(struct variables *variables, struct span assignment, bool is_exported);

// False: there is none.
bool variables_get(const struct variables *variables, struct span name, struct span *value);

void variables_unset(struct variables *variables, struct span name);

// NAME=value of the variable `index`, below `count`.
struct span variables_entry(const struct variables *variables, u32 index);
