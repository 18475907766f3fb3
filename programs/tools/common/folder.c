// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

#include "programs/tools/common/tool.h"

// ---- where relative paths begin

// The name of a folder that the tool began with, by its descriptor. False: it is none.
static bool given_name(__wasi_fd_t fd, const __wasi_prestat_t *given, char name[TOOL_PATH_BYTES])
{
    size_t size = given->u.dir.pr_name_len;
    if (given->tag != __WASI_PREOPENTYPE_DIR || size >= TOOL_PATH_BYTES) {
        return false;
    }
    name[size] = 0;
    return __wasi_fd_prestat_dir_name(fd, (u8 *)name, size) == 0;
}

// The folder "." which the system offers beside PWD is for programs that know nothing of PWD. libc
// would take it for each absolute path that begins like no other folder; without rights it is
// refused, as it should be.
static void dot_refuse(__wasi_fd_t fd)
{
    struct stat dot;
    struct stat here;
    if (fstat((int)fd, &dot) == 0 && stat(".", &here) == 0 && path_is_same(&dot, &here)) {
        (void)__wasi_fd_fdstat_set_rights(fd, 0, 0);
    }
}

void path_begin(void)
{
    static char name[TOOL_PATH_BYTES];
    const char *here = getenv("PWD");
    bool has_here = here != NULL && chdir(here) == 0; // where it cannot, each path will say why
    __wasi_prestat_t given;
    for (__wasi_fd_t fd = STDERR_FILENO + 1; __wasi_fd_prestat_get(fd, &given) == 0; fd++) {
        bool is_folder = given_name(fd, &given, name);
        if (is_folder && here == NULL) {
            (void)chdir(name);
            return;
        }
        if (is_folder && has_here && strcmp(name, ".") == 0) {
            dot_refuse(fd);
        }
    }
}

// ---- paths

bool path_set(struct path *path, const char *text)
{
    size_t size = strlen(text);
    if (size >= sizeof path->text) {
        tool_say(text, "the path is too long");
        return false;
    }
    memcpy(path->text, text, size + 1);
    path->size = size;
    return true;
}

bool path_add(struct path *path, const char *name)
{
    size_t size = strlen(name);
    bool has_slash = path->size != 0 && path->text[path->size - 1] == '/';
    if (path->size + !has_slash + size >= sizeof path->text) {
        tool_say(path->text, "the path of what lies below is too long");
        return false;
    }
    if (!has_slash) {
        path->text[path->size++] = '/';
    }
    memcpy(path->text + path->size, name, size + 1);
    path->size += size;
    return true;
}

void path_cut(struct path *path, size_t size)
{
    path->size = size;
    path->text[size] = 0;
}

const char *path_last(char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/') {
        path[--size] = 0;
    }
    const char *slash = strrchr(path, '/');
    return slash == NULL || slash[1] == 0 ? path : slash + 1;
}

bool path_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool path_is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

// ---- the names in a folder

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct folder_name *)a)->name, ((const struct folder_name *)b)->name);
}

// Names lie one behind the other, each behind its kind; they are pointed to when all are there.
static void names_point(struct folder *folder)
{
    folder->names = tool_memory(NULL, folder->count * sizeof *folder->names);
    const char *at = folder->bytes;
    for (size_t i = 0; i < folder->count; i++) {
        folder->names[i] = (struct folder_name){at + 1, (u8)*at};
        at += strlen(at + 1) + 2;
    }
    qsort(folder->names, folder->count, sizeof *folder->names, compare);
}

// The same of one that is open, or of NULL with errno set; that stays so.
static bool names_read(struct folder *folder, DIR *open, const char *path)
{
    *folder = (struct folder){0};
    struct dirent *entry = NULL;
    size_t used = 0;
    size_t room = 0;
    bool fits = true;
    errno = open == NULL ? errno : 0;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        size_t size = strlen(entry->d_name) + 1;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        if (used + 1 + size > FOLDER_BYTES) {
            tool_say(path, "the names in it have more than 64 MiB");
            fits = false;
            break;
        }
        if (used + 1 + size > room) {
            room = room * 2 + 1 + size;
            folder->bytes = tool_memory(folder->bytes, room);
        }
        folder->bytes[used] = (char)entry->d_type;
        memcpy(folder->bytes + used + 1, entry->d_name, size);
        used += 1 + size;
        folder->count++;
        errno = 0;
    }
    bool is_read = open != NULL && errno == 0;
    bool is_good = is_read && fits;
    if (fits && !is_read) {
        tool_say_error(path);
    }
    if (!is_good) {
        free(folder->bytes);
        *folder = (struct folder){0};
    } else {
        names_point(folder);
    }
    return is_good;
}

bool folder_read(struct folder *folder, const char *path)
{
    DIR *open = opendir(path);
    bool is_good = names_read(folder, open, path);
    if (open != NULL) {
        (void)closedir(open);
    }
    return is_good;
}

void folder_free(struct folder *folder)
{
    free(folder->names);
    free(folder->bytes);
    *folder = (struct folder){0};
}

// ---- everything below

struct walk_level {
    DIR *open; // NULL: it could not be opened
    struct folder folder;
    size_t next;
    size_t path_size; // of the folder's own path
};

enum { STAGE_FIRST, STAGE_ENTER, STAGE_INSIDE };

bool walk_begin(struct walk *walk, const char *path)
{
    struct stat status;
    *walk = (struct walk){.levels = walk->levels, .room = walk->room};
    if (!path_set(&walk->path, path)) {
        walk->failed = true;
    } else if (lstat(path, &status) != 0) {
        tool_say_error(path);
        walk->failed = true;
    } else {
        walk->kind = S_ISDIR(status.st_mode)   ? DT_DIR
                     : S_ISLNK(status.st_mode) ? DT_LNK
                     : S_ISREG(status.st_mode) ? DT_REG
                                               : DT_UNKNOWN;
    }
    return !walk->failed;
}

// What the path is called in the innermost of `depth` folders.
static void place_tell(struct walk *walk, size_t depth)
{
    struct walk_level *level = depth == 0 ? NULL : &walk->levels[depth - 1];
    walk->at = level == NULL ? AT_FDCWD : dirfd(level->open);
    walk->name = walk->path.text;
    if (level != NULL) {
        walk->name += level->path_size;
        walk->name += *walk->name == '/';
    }
}

// The folder that was told of, and never what a link leads to that has come in its place. NULL, and
// errno: there is none.
static DIR *place_open(const struct walk *walk)
{
    int folder = openat(walk->at, walk->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    DIR *open = folder < 0 ? NULL : fdopendir(folder);
    if (folder >= 0 && open == NULL) {
        (void)close(folder);
    }
    return open;
}

// The folder whose path is there becomes a level; one that cannot be read has no entries.
static void level_enter(struct walk *walk)
{
    DIR *open = place_open(walk);
    if (walk->depth == walk->room) {
        walk->room = walk->room * 2 + 8;
        walk->levels = tool_memory(walk->levels, walk->room * sizeof *walk->levels);
    }
    struct walk_level *level = &walk->levels[walk->depth++];
    *level = (struct walk_level){.open = open, .path_size = walk->path.size};
    walk->failed |= !names_read(&level->folder, open, walk->path.text);
}

static enum walk_kind entry_tell(struct walk *walk, u8 kind)
{
    walk->kind = kind;
    walk->stage = kind == DT_DIR ? STAGE_ENTER : STAGE_INSIDE;
    return kind == DT_DIR ? WALK_FOLDER : WALK_OTHER;
}

bool walk_next(struct walk *walk, enum walk_kind *kind)
{
    if (walk->stage == STAGE_FIRST) {
        place_tell(walk, 0);
        *kind = entry_tell(walk, walk->kind);
        return true;
    }
    if (walk->stage == STAGE_ENTER) {
        level_enter(walk);
        walk->stage = STAGE_INSIDE;
    }
    while (walk->depth != 0) {
        struct walk_level *level = &walk->levels[walk->depth - 1];
        path_cut(&walk->path, level->path_size);
        if (level->next == level->folder.count) {
            folder_free(&level->folder);
            if (level->open != NULL) {
                (void)closedir(level->open);
            }
            walk->depth--;
            place_tell(walk, walk->depth);
            walk->kind = DT_DIR;
            *kind = WALK_LEFT;
            return true;
        }
        struct folder_name entry = level->folder.names[level->next++];
        if (path_add(&walk->path, entry.name)) {
            place_tell(walk, walk->depth);
            *kind = entry_tell(walk, entry.kind);
            return true;
        }
        walk->failed = true;
    }
    return false;
}

void walk_skip(struct walk *walk)
{
    walk->stage = STAGE_INSIDE;
}
