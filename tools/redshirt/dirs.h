// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/dirs.h: the option --dir HOST[:GUEST][:ro]: folders of the host for one run.
//
// Use     dirs_take for each option; dirs_say once the program's name is known.
// Limits  together, what one limit of a grant holds.
#pragma once
#include "core/base/types.h"
#include "core/kernel/limits.h"
struct cid;
struct command;
struct kernel;

struct dirs {
    u32 size;                                 // 0: none
    char limit[KERNEL_GRANT_LIMIT_BYTES + 1]; // as machines/hosted/folders.h reads it
};

// Says what is wrong; returns EXIT_GOOD or the exit code.
//   value  NULL: it is missing
int dirs_take(const struct command *command, struct dirs *dirs, const char *value);

// Tells the kernel that the program may use these folders, for this run. The same.
int dirs_say(struct kernel *kernel, const struct dirs *dirs, const struct cid *program);
