// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/here.h: the folder that relative paths mean: the one that PWD names.
//
// libc looks for a path in the folders that the program began with, by their names, in which "/"
// and "." are as good as nothing: one that is called "." gets every path that begins like none of
// the others. So the folder that the variable PWD names is offered under that name, behind the
// others, unless one of them is called so ("/", "."): that is the one for all paths then.
//
// Limits  `..` leads from it to wherever the folder that was given goes, and no further. libc takes
//         an absolute path that begins like no folder's name for one in it, too; a program that
//         knows PWD can give up its rights (fd_fdstat_set_rights).
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Calls descriptor_preopen for it, when all others are there.
void here_preopen(void);

// What goes in front of a path in `folder`, and the folder in which all of it begins. Empty: the
// path begins in `folder`, as in all folders but this one.
struct span here_prefix(u64 folder, u64 *within);
