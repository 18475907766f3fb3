// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/beneath.h: opens what a path of a program's leads to, beneath a folder and never
// out of it: not by `..`, not by an absolute path, not by links, nor while others rename folders on
// the way.
//
// Use     beneath_open for what is there; beneath_parent for what is to be made, removed or
//         renamed: it opens the folder around it, and the name in it is then used as it is, for
//         calls of the host that do not follow a link at the end.
// Errors  0 or a descriptor; else a negative number of errno.h, or BENEATH_OUT.
// Threads any.
// Source  openat2(2), of Linux 5.6 and later.
#pragma once
#include <sys/types.h>

#include "core/base/types.h"

// The path leads out of the folder. No number of errno.h.
enum { BENEATH_OUT = -(1 << 16) };

// As openat(2), always with O_CLOEXEC.
//   folder  an open one
//   path    zero-terminated, not empty; relative
int beneath_open(int folder, const char *path, int flags, mode_t mode);

// The same for hosts without openat2: component by component, following links itself. At most
// HOSTED_WALK_DEPTH folders deep (ENAMETOOLONG).
int beneath_walk(int folder, const char *path, int flags, mode_t mode);

struct beneath_place {
    int folder;
    bool is_ours;     // beneath_place_close closes it
    const char *name; // in the path; with the slashes that stand behind it
};

// Opens the folder that the last part of a path is in.
//   path  is written to; lives as long as the place
int beneath_parent(int folder, char *path, struct beneath_place *out);
void beneath_place_close(const struct beneath_place *place);
