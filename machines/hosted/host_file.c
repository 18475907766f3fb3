// SPDX-License-Identifier: GPL-3.0-or-later
// The object is opened first, beneath its folder and with links followed or not as is wanted, and
// then asked: of calls that take a path, only those are used that look at no more than the name in
// an open folder.
#define _GNU_SOURCE 1
#include "machines/hosted/host_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/utf8.h"
#include "machines/hosted/beneath.h"
#include "machines/hosted/limits.h"

enum { FILE_MODE = 0666, FOLDER_MODE = 0777, NS_PER_S = 1000000000 };

enum files_error host_file_error(int error)
{
    static const struct {
        int host;
        enum files_error error;
    } table[] = {
        {BENEATH_OUT, FILES_ERROR_DENIED},
        {-EBADF, FILES_ERROR_WRONG_MODE},
        {-EROFS, FILES_ERROR_READ_ONLY},
        {-EACCES, FILES_ERROR_NO_ACCESS},
        {-EPERM, FILES_ERROR_NOT_PERMITTED},
        {-ENOENT, FILES_ERROR_NOT_FOUND},
        {-EEXIST, FILES_ERROR_EXISTS},
        {-ENOTDIR, FILES_ERROR_NOT_FOLDER},
        {-EISDIR, FILES_ERROR_IS_FOLDER},
        {-ENOTEMPTY, FILES_ERROR_NOT_EMPTY},
        {-ELOOP, FILES_ERROR_LOOP},
        {-EILSEQ, FILES_ERROR_BAD_NAME},
        {-ENAMETOOLONG, FILES_ERROR_NAME_TOO_LONG},
        {-EINVAL, FILES_ERROR_INVALID},
        {-EFBIG, FILES_ERROR_TOO_LARGE},
        {-EOVERFLOW, FILES_ERROR_TOO_LARGE},
        {-ENOSPC, FILES_ERROR_NO_SPACE},
        {-EDQUOT, FILES_ERROR_NO_SPACE},
        {-EXDEV, FILES_ERROR_OTHER_DEVICE},
        {-EMLINK, FILES_ERROR_TOO_MANY_LINKS},
        {-EBUSY, FILES_ERROR_BUSY},
        {-ETXTBSY, FILES_ERROR_BUSY},
        {-EMFILE, FILES_ERROR_LIMIT},
        {-ENFILE, FILES_ERROR_LIMIT},
        {-ENOMEM, FILES_ERROR_LIMIT},
        {-EOPNOTSUPP, FILES_ERROR_UNSUPPORTED},
        {-ENOSYS, FILES_ERROR_UNSUPPORTED},
        {-ENXIO, FILES_ERROR_UNSUPPORTED},
        {-ENODEV, FILES_ERROR_UNSUPPORTED},
    };
    ASSERT(error < 0);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        if (table[i].host == error) {
            return table[i].error;
        }
    }
    return FILES_ERROR_FAILED;
}

static int result_of(int returned)
{
    return returned < 0 ? -errno : 0;
}

// ---- what the host says of a file

static enum files_kind kind_of_mode(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return FILES_KIND_FILE;
    case S_IFDIR:
        return FILES_KIND_FOLDER;
    case S_IFLNK:
        return FILES_KIND_LINK;
    case S_IFBLK:
        return FILES_KIND_BLOCK_DEVICE;
    case S_IFCHR:
        return FILES_KIND_CHARACTER_DEVICE;
    case S_IFIFO:
        return FILES_KIND_PIPE;
    case S_IFSOCK:
        return FILES_KIND_SOCKET;
    default:
        return FILES_KIND_UNKNOWN;
    }
}

static u64 ns_of(const struct timespec *time)
{
    u64 seconds = time->tv_sec < 0 ? 0 : (u64)time->tv_sec;
    u64 most = UINT64_MAX / NS_PER_S - 1;
    return (seconds < most ? seconds : most) * NS_PER_S + (u64)time->tv_nsec;
}

int host_file_about(int fd, struct files_about *out)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return -errno;
    }
    *out = (struct files_about){
        .device = status.st_dev,
        .inode = status.st_ino,
        .kind = kind_of_mode(status.st_mode),
        .links = status.st_nlink,
        .size = (u64)status.st_size,
        .accessed = ns_of(&status.st_atim),
        .modified = ns_of(&status.st_mtim),
        .changed = ns_of(&status.st_ctim),
    };
    return 0;
}

// The object that a path leads to, without opening it for anything.
static int look(int folder, const char *path, bool follow)
{
    return beneath_open(folder, path, O_PATH | (follow ? 0 : O_NOFOLLOW), 0);
}

int host_file_path_about(int folder, const char *path, bool follow, struct files_about *out)
{
    int fd = look(folder, path, follow);
    if (fd < 0) {
        return fd;
    }
    int error = host_file_about(fd, out);
    close(fd);
    return error;
}

// ---- opening

static int flags_of(struct files_how how)
{
    bool reads = (how.bits & FILES_HOW_READ) != 0;
    int flags = O_NONBLOCK | O_NOCTTY | O_CLOEXEC; // should it have become a pipe meanwhile
    flags |= (how.bits & FILES_HOW_WRITE) == 0 ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
    flags |= (how.bits & FILES_HOW_CREATE) != 0 ? O_CREAT : 0;
    flags |= (how.bits & FILES_HOW_EXCLUSIVE) != 0 ? O_EXCL : 0;
    flags |= (how.bits & FILES_HOW_TRUNCATE) != 0 ? O_TRUNC : 0;
    flags |= (how.bits & FILES_HOW_FOLDER) != 0 ? O_DIRECTORY : 0;
    flags |= (how.bits & FILES_HOW_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    return flags;
}

// Whether opening what is there would wake or move something: a device, a pipe.
static bool is_alive(enum files_kind kind)
{
    return kind != FILES_KIND_FILE && kind != FILES_KIND_FOLDER && kind != FILES_KIND_LINK;
}

int host_file_open(int folder, const char *path, struct files_how how, bool is_read_only,
                   struct host_opened *out)
{
    struct files_about about;
    int flags = flags_of(how);
    u8 makes = FILES_HOW_CREATE | FILES_HOW_EXCLUSIVE;
    if ((how.bits & makes) == FILES_HOW_EXCLUSIVE ||
        ((how.bits & FILES_HOW_CREATE) != 0 && (how.bits & FILES_HOW_FOLDER) != 0)) {
        return -EINVAL;
    }
    bool changes = (how.bits & (FILES_HOW_WRITE | FILES_HOW_TRUNCATE)) != 0;
    int error = host_file_path_about(folder, path, (how.bits & FILES_HOW_FOLLOW) != 0, &about);
    if (error == 0 && is_alive(about.kind)) {
        return -EOPNOTSUPP;
    }
    if (is_read_only &&
        (error == -ENOENT ? (how.bits & FILES_HOW_CREATE) != 0 : error == 0 && changes)) {
        return error == 0 && about.kind == FILES_KIND_FOLDER ? -EISDIR : -EROFS;
    }
    if (is_read_only && error == 0 && (how.bits & makes) == makes) {
        return -EEXIST;
    }
    // what has come or gone since must not be made or changed either
    flags = is_read_only ? (flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_ACCMODE)) | O_RDONLY : flags;
    int fd = beneath_open(folder, path, flags, FILE_MODE);
    if (fd < 0) {
        return fd;
    }
    error = host_file_about(fd, &about);
    if (error == 0 && about.kind != FILES_KIND_FILE && about.kind != FILES_KIND_FOLDER) {
        error = -EOPNOTSUPP;
    }
    if (error != 0) {
        close(fd);
        return error;
    }
    *out = (struct host_opened){fd, about.kind};
    return 0;
}

// ---- times

static struct timespec time_of(const struct files_change *change)
{
    switch (change->kind) {
    case FILES_CHANGE_NOW:
        return (struct timespec){.tv_nsec = UTIME_NOW};
    case FILES_CHANGE_TO:
        return (struct timespec){(time_t)(change->as.to / NS_PER_S),
                                 (long)(change->as.to % NS_PER_S)};
    default:
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    }
}

int host_file_times(int fd, const struct files_change *accessed,
                    const struct files_change *modified)
{
    struct timespec times[2] = {time_of(accessed), time_of(modified)};
    return result_of(futimens(fd, times));
}

int host_file_path_times(int folder, const char *path, bool follow,
                         const struct files_change *accessed, const struct files_change *modified)
{
    struct timespec times[2] = {time_of(accessed), time_of(modified)};
    int fd = look(folder, path, follow);
    if (fd < 0) {
        return fd;
    }
    int error = result_of(utimensat(fd, "", times, AT_EMPTY_PATH));
    if (error == -EINVAL || error == -ENOENT) { // before Linux 5.8
        char itself[32];
        snprintf(itself, sizeof itself, "/proc/self/fd/%d", fd);
        error = result_of(utimensat(AT_FDCWD, itself, times, 0));
    }
    close(fd);
    return error;
}

// ---- names in folders

int host_file_folder_make(int folder, char *path)
{
    struct beneath_place place;
    int error = beneath_parent(folder, path, &place);
    if (error == 0) {
        error = result_of(mkdirat(place.folder, place.name, FOLDER_MODE));
        beneath_place_close(&place);
    }
    return error;
}

static int name_remove(int folder, char *path, int flags)
{
    struct beneath_place place;
    int error = beneath_parent(folder, path, &place);
    if (error == 0) {
        error = result_of(unlinkat(place.folder, place.name, flags));
        beneath_place_close(&place);
    }
    return error;
}

int host_file_folder_remove(int folder, char *path)
{
    return name_remove(folder, path, AT_REMOVEDIR);
}

int host_file_remove(int folder, char *path)
{
    return name_remove(folder, path, 0);
}

// `flags` of linkat, or RENAME.
enum { RENAME = -1 };

static int name_move(int folder, char *path, int to_folder, char *to_path, int flags)
{
    struct beneath_place from;
    struct beneath_place to;
    int error = beneath_parent(folder, path, &from);
    if (error != 0) {
        return error;
    }
    error = beneath_parent(to_folder, to_path, &to);
    if (error == 0) {
        error =
            result_of(flags == RENAME ? renameat(from.folder, from.name, to.folder, to.name)
                                      : linkat(from.folder, from.name, to.folder, to.name, flags));
        beneath_place_close(&to);
    }
    beneath_place_close(&from);
    return error;
}

int host_file_rename(int folder, char *path, int to_folder, char *to_path)
{
    return name_move(folder, path, to_folder, to_path, RENAME);
}

int host_file_link(int folder, char *path, int to_folder, char *to_path)
{
    size_t size = strlen(path);
    struct files_about about;
    if (size > 0 && path[size - 1] == '/') { // linkat would follow a link in front of it
        int error = host_file_path_about(folder, path, false, &about);
        return error == 0 ? -EPERM : error; // it is a folder
    }
    return name_move(folder, path, to_folder, to_path, 0);
}

int host_file_link_make(int folder, char *path, const char *target)
{
    struct beneath_place place;
    struct files_about about;
    int error = target[0] == '/' ? BENEATH_OUT : beneath_parent(folder, path, &place);
    if (error == 0) {
        error = result_of(symlinkat(target, place.folder, place.name));
        // with a slash behind it, a name that is there should be a folder's
        if (error == -EEXIST &&
            host_file_path_about(place.folder, place.name, false, &about) == -ENOTDIR) {
            error = -ENOTDIR;
        }
        beneath_place_close(&place);
    }
    return error;
}

int host_file_link_read(int folder, const char *path, char *to, size_t *size)
{
    struct files_about about;
    int fd = look(folder, path, false);
    if (fd < 0) {
        return fd;
    }
    int error = host_file_about(fd, &about);
    if (error == 0 && about.kind != FILES_KIND_LINK) {
        error = -EINVAL;
    }
    if (error == 0) {
        ssize_t count = readlinkat(fd, "", to, HOSTED_FILE_PATH_BYTES);
        error = count < 0 ? -errno : 0;
        *size = count < 0 ? 0 : (size_t)count;
    }
    close(fd);
    return error;
}

// ---- bytes

i64 host_file_read(int fd, void *to, size_t size, u64 position)
{
    size_t done = 0;
    if (position > INT64_MAX - size) {
        return 0; // no file is that long
    }
    while (done < size) {
        ssize_t count = pread(fd, (u8 *)to + done, size - done, (off_t)(position + done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 && done == 0 ? -errno : (i64)done;
        }
        done += (size_t)count;
    }
    return (i64)done;
}

i64 host_file_read_now(int fd, void *to, size_t size, u64 position)
{
    struct iovec part = {to, size};
    if (position > INT64_MAX - size) {
        return 0;
    }
    ssize_t count = preadv2(fd, &part, 1, (off_t)position, RWF_NOWAIT);
    return count < 0 ? -errno : count;
}

static ssize_t write_some(int fd, struct span bytes, u64 position, bool appends)
{
    struct iovec part = {(void *)bytes.data, bytes.size};
    ssize_t count;
    do {
        count = appends ? pwritev2(fd, &part, 1, -1, RWF_APPEND)
                        : pwritev2(fd, &part, 1, (off_t)position, 0);
    } while (count < 0 && errno == EINTR);
    return count;
}

int host_file_write(int fd, struct span bytes, u64 position, struct files_writing writing,
                    struct files_written *out)
{
    bool appends = (writing.bits & FILES_WRITING_APPEND) != 0;
    *out = (struct files_written){.position = position};
    if (!appends && position > INT64_MAX - bytes.size) {
        return -EFBIG;
    }
    while (out->count < bytes.size) {
        struct span left = span_slice(bytes, out->count, bytes.size);
        ssize_t count = write_some(fd, left, position + out->count, appends);
        if (count <= 0) {
            int error = count < 0 ? -errno : -EIO;
            if (out->count == 0) {
                return error;
            }
            break; // what was written counts
        }
        out->count += (u32)count;
    }
    // after an append the descriptor's own position is behind it
    off_t end = appends ? lseek(fd, 0, SEEK_CUR) : (off_t)(position + out->count);
    out->position = end < 0 ? 0 : (u64)end;
    u8 syncs = writing.bits & (FILES_WRITING_SYNC | FILES_WRITING_DATA_SYNC);
    return syncs == 0 ? 0 : host_file_sync(fd, (syncs & FILES_WRITING_SYNC) == 0);
}

int host_file_resize(int fd, u64 size)
{
    int error = size > INT64_MAX ? -EFBIG : result_of(ftruncate(fd, (off_t)size));
    return error;
}

int host_file_allocate(int fd, u64 position, u64 size)
{
    if (size == 0) {
        return -EINVAL;
    }
    if (position > INT64_MAX || size > INT64_MAX - position) {
        return -EFBIG;
    }
    int error;
    do {
        error = result_of(fallocate(fd, 0, (off_t)position, (off_t)size));
    } while (error == -EINTR);
    return error;
}

int host_file_advise(int fd, u64 position, u64 size, enum files_advice advice)
{
    static const int words[] = {
        [FILES_ADVICE_NORMAL] = POSIX_FADV_NORMAL,
        [FILES_ADVICE_SEQUENTIAL] = POSIX_FADV_SEQUENTIAL,
        [FILES_ADVICE_RANDOM] = POSIX_FADV_RANDOM,
        [FILES_ADVICE_SOON] = POSIX_FADV_WILLNEED,
        [FILES_ADVICE_NOT_SOON] = POSIX_FADV_DONTNEED,
        [FILES_ADVICE_ONCE] = POSIX_FADV_NOREUSE,
    };
    if (position > INT64_MAX || size > INT64_MAX) {
        return -EINVAL;
    }
    return -posix_fadvise(fd, (off_t)position, (off_t)size, words[advice]);
}

int host_file_sync(int fd, bool data)
{
    int error;
    do {
        error = result_of(data ? fdatasync(fd) : fsync(fd));
    } while (error == -EINTR);
    return error;
}

// ---- listings

int host_file_list(int fd, u64 next, u32 max, void *to, size_t *size)
{
    u32 least = 1024; // one entry with the longest name
    u32 room = max < least ? least : max < HOSTED_LIST_BYTES ? max : HOSTED_LIST_BYTES;
    *size = 0;
    if (next > INT64_MAX || lseek(fd, (off_t)next, SEEK_SET) < 0) {
        return -EINVAL;
    }
    long count = syscall(SYS_getdents64, fd, to, room);
    *size = count < 0 ? 0 : (size_t)count;
    return count < 0 ? -errno : 0;
}

bool host_file_entry(const void *list, size_t *at, struct files_entry *out)
{
    const struct dirent64 *entry = (const void *)((const u8 *)list + *at);
    ASSERT(entry->d_reclen > offsetof(struct dirent64, d_name));
    *at += entry->d_reclen;
    out->name = span_string(entry->d_name);
    out->kind = kind_of_mode(DTTOIF(entry->d_type));
    out->inode = entry->d_ino;
    out->next = (u64)entry->d_off;
    return utf8_is_valid(out->name);
}
