// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/tree.h: copies and removes a file, or a folder with all that lies in it.
//
// Errors  each says what it could not do, goes on with the rest, and returns whether all is well.
// Limit   what is neither a file, a folder nor a link is not copied. Files have no owner and no
//         mode here; their times are all there is to keep.
#pragma once
#include "core/base/types.h"

struct tree_how {
    bool keeps_times;
    bool is_forced; // what stands in the way of a file and cannot be written is removed first
};

// To a path of its own: what is a folder there must be one here, and gets what it lacks.
bool tree_copy(const char *from, const char *to, struct tree_how how);
// The same of one file, links followed.
bool tree_copy_file(const char *from, const char *to, struct tree_how how);

//   is_forced  what is not there is no error
bool tree_remove(const char *path, bool is_forced);
// The same of one file or link.
bool tree_remove_file(const char *path, bool is_forced);

// Whether the last part of a path is "." or "..", which nobody means to move or remove.
bool tree_is_dots(const char *last);
