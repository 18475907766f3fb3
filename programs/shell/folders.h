// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/folders.h: the files that the user has given to the shell, as one tree.
//
// The name of each folder is a path of that tree; what lies between the root and them is there to
// be listed and walked through, and nothing else. Paths are those of lib/shell/path.h, from the
// root.
// Errors  each function says nothing, and returns a word for people: NULL is success.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct path;

enum open_how {
    OPEN_READ,
    OPEN_WRITE,  // a new file, or an old one cut to nothing
    OPEN_APPEND, // a new file, or an old one as it is
};

// Asks which folders there are. Called once.
void folders_init(void);

// How many there are, and the path of each.
u32 folders_count(void);
struct span folders_path(u32 index);

// Opens a file. The caller closes it.
const char *folders_open(struct span path, enum open_how how, u64 *handle);
void folders_close(u64 handle);

// What is at a path, wherever links lead.
//   is_folder  receives whether it is one
//   size       receives a file's, bytes
const char *folders_look(struct span path, bool *is_folder, u64 *size);

// Tells the entries of a folder but `.` and `..`, in no order, until `tell` returns false.
//   is_folder  links that lead to folders count
typedef bool folders_tell(void *context, struct span name, bool is_folder);
const char *folders_list(struct span path, folders_tell *tell, void *context);

// Reads up to `most` bytes of a file from `position` on, in pieces, into rt_memory; the caller
// gives them back (nothing, where there are none).
const char *folders_read(u64 handle, u64 position, size_t most, struct span *bytes);

// Adds bytes to the end of an open file.
const char *folders_add(u64 handle, struct span bytes);

// The word for an error of `files`, or for the negative error of a call.
const char *folders_word(u32 error);
