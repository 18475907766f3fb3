// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/folder.h: paths, the names in a folder, and all that lies below one.
//
// Use     path_begin first, in a tool that takes paths. walk_begin with a path, then walk_next
//         until it says false: a folder is told before its entries (WALK_FOLDER; walk_skip passes
//         them by) and behind them (WALK_LEFT), all else once. A folder is read whole before its
//         first entry is told, so entries may be removed meanwhile. What cannot be read is said,
//         and `failed` tells.
// Owner   a step's path is valid until the next call.
//         It stays open while its entries are told: by `at` and `name` a step reaches what was
//         told of, also when somebody puts a link in the place of a folder above it meanwhile.
// Limits  FOLDER_BYTES, TOOL_PATH_BYTES; depth is bounded by what may be open at a time, about a
//         thousand folders: one that is deeper cannot be read.
#pragma once
#include "core/base/types.h"
#include "programs/tools/common/limits.h"
struct stat;

// ---- paths

// Relative paths begin at PWD; without one at the first folder that the tool was given.
void path_begin(void);

struct path {
    size_t size;
    char text[TOOL_PATH_BYTES]; // ends in zero
};

// False, and said: too long.
bool path_set(struct path *path, const char *text);
// Puts '/' and a name behind it.
bool path_add(struct path *path, const char *name);
void path_cut(struct path *path, size_t size);

// The last part of a path, without slashes at its end; they are cut off there ("/" stays).
const char *path_last(char *path);

// Whether it is a folder, links followed.
bool path_is_folder(const char *path);
// Whether both are the same file.
bool path_is_same(const struct stat *a, const struct stat *b);

// ---- the names in a folder

struct folder_name {
    const char *name;
    u8 kind; // DT_* of dirent.h
};

struct folder {
    struct folder_name *names; // without "." and ".."
    size_t count;
    char *bytes;
};

// In order of their bytes. False, and said: it cannot be read.
bool folder_read(struct folder *folder, const char *path);
void folder_free(struct folder *folder);

// ---- everything below

enum walk_kind { WALK_FOLDER, WALK_LEFT, WALK_OTHER };

struct walk_level;
struct walk {
    struct path path;
    u8 kind; // of the path itself, DT_*
    bool failed;
    int at;           // the folder that it lies in, open, or AT_FDCWD,
    const char *name; // and its name there
    // inside
    struct walk_level *levels;
    size_t depth;
    size_t room;
    u8 stage;
};

// A link is not followed. False, and said: there is nothing.
bool walk_begin(struct walk *walk, const char *path);
// The next step: its path is walk->path.
bool walk_next(struct walk *walk, enum walk_kind *kind);
// Behind WALK_FOLDER: its entries are not told, nor that it was left.
void walk_skip(struct walk *walk);
