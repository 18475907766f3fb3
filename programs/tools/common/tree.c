// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/tools/common/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/tools/common/folder.h"
#include "programs/tools/common/input.h"
#include "programs/tools/common/tool.h"

bool tree_is_dots(const char *last)
{
    return strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

// ---- copying

static bool bytes_copy(struct input *from, int to, const char *to_path)
{
    static u8 bytes[TOOL_CHUNK_BYTES];
    size_t size;
    while ((size = input_read(from, bytes, sizeof bytes)) != 0) {
        for (size_t done = 0; done < size;) {
            ssize_t count = write(to, bytes + done, size - done);
            if (count < 0) {
                tool_say_error(to_path);
                return false;
            }
            done += (size_t)count;
        }
    }
    return !from->failed;
}

static void times_of(const struct stat *status, struct timespec times[2])
{
    times[0] = status->st_atim;
    times[1] = status->st_mtim;
}

// A new or emptied file to write to, that is not the one it comes from.
static int target_open(const struct stat *from, const char *to, struct tree_how how)
{
    struct stat there;
    if (stat(to, &there) == 0 && path_is_same(from, &there)) {
        tool_say(to, "this is the same file");
        return -1;
    }
    int file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 && how.is_forced && unlink(to) == 0) {
        file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    }
    if (file < 0) {
        tool_say_error(to);
    }
    return file;
}

bool tree_copy_file(const char *from, const char *to, struct tree_how how)
{
    struct input input;
    struct stat status;
    if (!input_open(&input, from)) {
        return false;
    }
    bool is_good = fstat(input.file, &status) == 0;
    if (!is_good) {
        tool_say_error(from);
    }
    int target = is_good ? target_open(&status, to, how) : -1;
    if (target >= 0) {
        struct timespec times[2];
        times_of(&status, times);
        is_good = bytes_copy(&input, target, to);
        if (is_good && how.keeps_times && futimens(target, times) != 0) {
            tool_say_error(to);
            is_good = false;
        }
        if (close(target) != 0) {
            tool_say_error(to);
            is_good = false;
        }
    }
    input_close(&input);
    return is_good && target >= 0;
}

static bool link_copy(const char *from, const char *to)
{
    char holds[TOOL_PATH_BYTES];
    ssize_t size = readlink(from, holds, sizeof holds - 1);
    if (size < 0) {
        tool_say_error(from);
        return false;
    }
    holds[size] = 0;
    if (symlink(holds, to) != 0 &&
        (errno != EEXIST || unlink(to) != 0 || symlink(holds, to) != 0)) {
        tool_say_error(to);
        return false;
    }
    return true;
}

static bool folder_make(const char *path)
{
    bool is_good = mkdir(path, 0777) == 0 || (errno == EEXIST && path_is_folder(path));
    if (!is_good) {
        tool_say_error(path);
    }
    return is_good;
}

static bool times_keep(const char *from, const char *to)
{
    struct stat status;
    struct timespec times[2];
    bool is_good = stat(from, &status) == 0;
    if (is_good) {
        times_of(&status, times);
        is_good = utimensat(AT_FDCWD, to, times, 0) == 0;
    }
    if (!is_good) {
        tool_say_error(to);
    }
    return is_good;
}

// What the copy is made of: from the walk, to the same place below `to`.
struct copying {
    struct walk walk;
    struct path to;
    size_t from_size; // of the path that the walk began at
    size_t to_size;
    struct tree_how how;
    bool has_root; // the first folder was made: `root` is what it is
    struct stat root;
};

// A folder's turn. False: it, and what is in it, is not copied.
static bool folder_copy(struct copying *copying)
{
    struct stat status;
    const char *from = copying->walk.path.text;
    if (lstat(from, &status) != 0) {
        tool_say_error(from);
        return false;
    }
    if (copying->has_root && path_is_same(&status, &copying->root)) {
        tool_say(from, "a folder cannot be copied into itself");
        return false;
    }
    if (!folder_make(copying->to.text)) {
        return false;
    }
    if (!copying->has_root) {
        copying->has_root = stat(copying->to.text, &copying->root) == 0;
        if (copying->has_root && path_is_same(&status, &copying->root)) {
            tool_say(from, "this is the same folder");
            return false;
        }
    }
    return true;
}

static bool step_copy(struct copying *copying, enum walk_kind kind)
{
    const char *from = copying->walk.path.text;
    const char *to = copying->to.text;
    if (kind == WALK_LEFT) {
        return !copying->how.keeps_times || times_keep(from, to);
    }
    if (kind == WALK_FOLDER) {
        bool is_good = folder_copy(copying);
        if (!is_good) {
            walk_skip(&copying->walk);
        }
        return is_good;
    }
    if (copying->walk.kind == DT_LNK) {
        return link_copy(from, to);
    }
    if (copying->walk.kind == DT_REG) {
        return tree_copy_file(from, to, copying->how);
    }
    tool_say(from, "neither a file nor a folder");
    return false;
}

bool tree_copy(const char *from, const char *to, struct tree_how how)
{
    static struct copying copying; // too large for a stack
    enum walk_kind kind;
    copying.how = how;
    copying.has_root = false;
    if (!walk_begin(&copying.walk, from) || !path_set(&copying.to, to)) {
        return false;
    }
    copying.from_size = copying.walk.path.size;
    copying.to_size = copying.to.size;
    bool is_good = true;
    while (walk_next(&copying.walk, &kind)) {
        const char *below = copying.walk.path.text + copying.from_size;
        path_cut(&copying.to, copying.to_size);
        bool fits = *below == 0 || path_add(&copying.to, *below == '/' ? below + 1 : below);
        is_good = fits && step_copy(&copying, kind) && is_good;
        if (!fits && kind == WALK_FOLDER) {
            walk_skip(&copying.walk);
        }
    }
    return is_good && !copying.walk.failed;
}

// ---- removing

bool tree_remove_file(const char *path, bool is_forced)
{
    bool is_good = unlink(path) == 0 || (is_forced && errno == ENOENT);
    if (!is_good) {
        tool_say_error(path);
    }
    return is_good;
}

// Where the walk is, for what is removed: not by its path, which may lead elsewhere by now.
static bool step_remove(const struct walk *walk, enum walk_kind kind, bool is_forced)
{
    bool is_good = unlinkat(walk->at, walk->name, kind == WALK_LEFT ? AT_REMOVEDIR : 0) == 0 ||
                   (kind == WALK_OTHER && is_forced && errno == ENOENT);
    if (!is_good) {
        tool_say_error(walk->path.text);
    }
    return is_good;
}

bool tree_remove(const char *path, bool is_forced)
{
    static struct walk walk;
    struct stat status;
    enum walk_kind kind;
    if (is_forced && lstat(path, &status) != 0 && errno == ENOENT) {
        return true;
    }
    if (!walk_begin(&walk, path)) {
        return false;
    }
    bool is_good = true;
    while (walk_next(&walk, &kind)) {
        is_good = (kind == WALK_FOLDER || step_remove(&walk, kind, is_forced)) && is_good;
    }
    return is_good && !walk.failed;
}
