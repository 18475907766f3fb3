// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "machines/hosted/limits.h"

enum {
    AGAIN = 32, // times that a folder on the way may be renamed meanwhile
    FOLDER = O_PATH | O_DIRECTORY | O_CLOEXEC,
    LOOK = O_PATH | O_NOFOLLOW | O_CLOEXEC,
};

// ---- by the host

int beneath_open(int folder, const char *path, int flags, mode_t mode)
{
    static bool is_missing; // atomic: the host has no such call
    if (path[0] == '/') {
        return BENEATH_OUT;
    }
    struct open_how how = {.flags = (u64)(unsigned)(flags | O_CLOEXEC),
                           .mode = (flags & O_CREAT) != 0 ? mode : 0,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    for (u32 i = 0; i < AGAIN && !__atomic_load_n(&is_missing, __ATOMIC_RELAXED); i++) {
        long fd = syscall(SYS_openat2, folder, path, &how, sizeof how);
        if (fd >= 0) {
            return (int)fd;
        }
        if (errno == ENOSYS || errno == EPERM) { // EPERM: a filter of system calls, mostly
            __atomic_store_n(&is_missing, errno == ENOSYS, __ATOMIC_RELAXED);
            return beneath_walk(folder, path, flags, mode);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return errno == EXDEV ? BENEATH_OUT : -errno;
        }
    }
    return beneath_walk(folder, path, flags, mode);
}

// ---- by hand

struct walk {
    int base;                       // where it began
    u32 depth;                      // folders below that
    int folders[HOSTED_WALK_DEPTH]; // each of them open
    u32 links;                      // followed
    char rest[HOSTED_WALK_BYTES];   // of the path
};

static int walk_here(const struct walk *walk)
{
    return walk->depth == 0 ? walk->base : walk->folders[walk->depth - 1];
}

static int walk_up(struct walk *walk)
{
    if (walk->depth == 0) {
        return BENEATH_OUT;
    }
    close(walk->folders[--walk->depth]);
    return 0;
}

// Puts what the link holds in the place of its name. `after` is what stands behind that.
static int walk_link(struct walk *walk, int link, const char *after)
{
    char *target = malloc(HOSTED_WALK_BYTES);
    if (target == NULL) {
        return -ENOMEM;
    }
    int error = 0;
    ssize_t size = readlinkat(link, "", target, HOSTED_WALK_BYTES);
    size_t left = strlen(after);
    if (size <= 0) {
        error = size == 0 ? -ENOENT : -errno;
    } else if (target[0] == '/') {
        error = BENEATH_OUT;
    } else if (++walk->links > HOSTED_WALK_LINKS) {
        error = -ELOOP;
    } else if ((size_t)size + left + 1 > HOSTED_WALK_BYTES) {
        error = -ENAMETOOLONG;
    } else {
        memmove(walk->rest + size, after, left + 1);
        memcpy(walk->rest, target, (size_t)size);
    }
    free(target);
    return error;
}

// What the open descriptor is; S_IFMT's part.
static mode_t kind_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? status.st_mode & S_IFMT : 0;
}

// One part of the path that is not its last.
static int walk_down(struct walk *walk, const char *name, const char *after)
{
    int fd = openat(walk_here(walk), name, LOOK);
    if (fd < 0) {
        return -errno;
    }
    mode_t kind = kind_of(fd);
    int error = 0;
    if (S_ISLNK(kind)) {
        error = walk_link(walk, fd, after);
        close(fd);
        return error;
    }
    if (!S_ISDIR(kind) || walk->depth == HOSTED_WALK_DEPTH) {
        close(fd);
        return S_ISDIR(kind) ? -ENAMETOOLONG : -ENOTDIR;
    }
    walk->folders[walk->depth++] = fd;
    memmove(walk->rest, after, strlen(after) + 1);
    return 0;
}

// The last part: opens it, or leaves *out alone where it is a link, which the walk follows.
static int walk_last(struct walk *walk, const char *name, int flags, mode_t mode, int *out)
{
    bool follows = (flags & O_NOFOLLOW) == 0 && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);
    for (u32 i = 0; i < AGAIN; i++) {
        int link = follows ? openat(walk_here(walk), name, LOOK) : -1;
        if (link >= 0 && S_ISLNK(kind_of(link))) {
            int error = walk_link(walk, link, "");
            close(link);
            return error;
        }
        if (link >= 0) {
            close(link);
        }
        int fd = openat(walk_here(walk), name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
        bool is_link = fd >= 0 ? follows && S_ISLNK(kind_of(fd)) : follows && errno == ELOOP;
        if (!is_link) {
            *out = fd;
            return fd >= 0 ? 0 : -errno;
        }
        if (fd >= 0) { // it has just become one
            close(fd);
        }
    }
    return -ELOOP;
}

// The path has ended at a folder.
static int walk_end(struct walk *walk, int flags)
{
    if ((flags & O_CREAT) != 0) {
        return (flags & O_EXCL) != 0 ? -EEXIST : -EISDIR;
    }
    int fd = openat(walk_here(walk), ".", flags | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

// The folders on the way stay open.
static int walk_all(struct walk *walk, int flags, mode_t mode)
{
    char name[NAME_MAX + 1];
    for (;;) {
        char *start = walk->rest + strspn(walk->rest, "/");
        size_t size = strcspn(start, "/");
        char *after = start + size;
        if (size == 0) {
            return walk_end(walk, flags);
        }
        if (size > NAME_MAX) {
            return -ENAMETOOLONG;
        }
        memcpy(name, start, size);
        name[size] = 0;
        bool is_dot = strcmp(name, ".") == 0;
        int result = 0;
        int fd = -1;
        if (is_dot || strcmp(name, "..") == 0) {
            result = is_dot ? 0 : walk_up(walk);
            memmove(walk->rest, after, strlen(after) + 1);
        } else if (*after == 0) {
            result = walk_last(walk, name, flags, mode, &fd);
        } else {
            result = walk_down(walk, name, after);
        }
        if (result != 0 || fd >= 0) {
            return result != 0 ? result : fd;
        }
    }
}

int beneath_walk(int folder, const char *path, int flags, mode_t mode)
{
    size_t size = strlen(path);
    if (size == 0 || size >= HOSTED_WALK_BYTES || path[0] == '/') {
        return path[0] == '/' ? BENEATH_OUT : size == 0 ? -ENOENT : -ENAMETOOLONG;
    }
    struct walk *walk = malloc(sizeof *walk);
    if (walk == NULL) {
        return -ENOMEM;
    }
    walk->base = folder;
    walk->depth = 0;
    walk->links = 0;
    memcpy(walk->rest, path, size + 1);
    int fd = walk_all(walk, flags, mode);
    while (walk->depth > 0) {
        (void)walk_up(walk);
    }
    free(walk);
    return fd;
}

// ---- the folder around

int beneath_parent(int folder, char *path, struct beneath_place *out)
{
    *out = (struct beneath_place){.folder = folder, .name = path};
    if (path[0] == '/') {
        return BENEATH_OUT;
    }
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/') {
        end--;
    }
    while (end > 0 && path[end - 1] != '/') {
        end--;
    }
    if (end == 0) {
        return 0; // one name, in the folder itself
    }
    path[end - 1] = 0;
    out->name = path + end;
    out->folder = beneath_open(folder, path, FOLDER, 0);
    out->is_ours = out->folder >= 0;
    return out->is_ours ? 0 : out->folder;
}

void beneath_place_close(const struct beneath_place *place)
{
    if (place->is_ours) {
        close(place->folder);
    }
}
