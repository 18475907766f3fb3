// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/listens.h: the option --listen [ADDRESS:]PORT: listeners that a WASI program
// begins with, for one run.
//
// Use     listens_take for each option; listens_variable for the program's environment, and
//         listens_say once its name is known.
// Limits  together, what one limit of a grant holds.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/limits.h"
struct cid;
struct command;
struct kernel;

struct listens {
    u32 count;
    u32 limit_size;
    u32 variable_size;
    char limit[KERNEL_GRANT_LIMIT_BYTES + 1]; // as machines/hosted/allow.h reads it
    char variable[KERNEL_GRANT_LIMIT_BYTES];  // as programs/wasi/sockets.h reads it
};

// Says what is wrong; returns EXIT_GOOD or the exit code.
//   value  NULL: it is missing
int listens_take(const struct command *command, struct listens *listens, const char *value);

// NAME=VALUE, which lives as long as `listens`; empty without listeners.
struct span listens_variable(const struct listens *listens);

// Tells the kernel that the program may listen there, for this run. As listens_take.
int listens_say(struct kernel *kernel, const struct listens *listens, const struct cid *program);
