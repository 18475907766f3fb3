// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/folders.h: which folders of the host a client of files may use: the limits of its
// grants (docs/grants.md, Folders).
//
// Use     folders_parse reads one limit, folders_write_part writes a part of one; folders_open
//         opens what all limits of a client leave it.
// Owner   struct folders holds all it says; what folders_open opens is the caller's.
// Threads any.
// Limits  HOSTED_FOLDERS of one limit.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "core/kernel/limits.h"
#include "machines/hosted/limits.h"
struct report;
struct text;

struct folder {
    const char *host;  // absolute, as realpath(3) has it
    const char *guest; // what the program calls it
    bool is_read_only;
};

struct folders {
    u32 count; // 0: none
    struct folder parts[HOSTED_FOLDERS];
    char text[KERNEL_GRANT_LIMIT_BYTES + 2]; // what the parts point to
};

// ERR_MALFORMED  the report says what is wrong, and its offset where
// ERR_LIMIT      HOSTED_FOLDERS
enum err folders_parse(struct span text, struct folders *out, struct report *report);

// Writes one part, as folders_parse reads it; a comma stands between two.
void folders_write_part(struct text *out, const struct folder *folder);

struct opened_folder {
    int fd;
    bool is_read_only;
    char *guest; // from malloc, as `fd` the caller's
};

// Opens what one limit names and all others allow.
//   limits  as kernel_device_limits gives them
//   out     room for HOSTED_FOLDERS
// Returns how many. A folder that is not there, that is elsewhere by now since a link leads on from
// its path, or that another limit does not hold, is left out;
// so are all where a limit cannot be read.
u32 folders_open(struct span limits, struct opened_folder *out);
