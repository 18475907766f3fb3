// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/records.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/platform.h"
#include "machines/hosted/host_error.h"
#include "machines/hosted/limits.h"

enum {
    NAME_BYTES = RECORD_NAME_BYTES + 1,
    TEMPORARY_BYTES = 4 + 16 + 1, // "new." and 16 digits: no record's name holds a dot
    TAG_BYTES = 1 + 16,           // "@" and 16 digits
    TOLD_BYTES = RECORD_NAME_BYTES + TAG_BYTES + 1,
    STALE_SECONDS = 3600, // a temporary file that old has lost its writer
};

bool record_name_is_good(struct span name)
{
    if (name.size == 0 || name.size > RECORD_NAME_BYTES || name.data[0] < 'a' ||
        name.data[0] > 'z') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        u8 c = name.data[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            return false;
        }
    }
    return true;
}

static enum err name_take(struct span name, char out[NAME_BYTES], struct report *report)
{
    if (!record_name_is_good(name)) {
        return report_err_detail(report, ERR_INVALID, 0, "not a name of a record", name);
    }
    mem_copy(out, name.data, name.size);
    out[name.size] = 0;
    return ERR_OK;
}

static bool is_private(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & 077) == 0;
}

static enum err folder_open(int home, int *out, struct report *report)
{
    int folder = openat(home, "records", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? report_err(report, ERR_NOT_FOUND, 0, "there are no records")
                               : host_error(report, "cannot open the folder", "records");
    }
    struct stat status;
    if (fstat(folder, &status) != 0 || !is_private(&status)) {
        close(folder);
        return report_err(report, ERR_DENIED, 0,
                          "the folder records is not the user's alone (chmod 700 helps)");
    }
    *out = folder;
    return ERR_OK;
}

static enum err folder_make(int home, int *out, struct report *report)
{
    if (mkdirat(home, "records", 0700) != 0 && errno != EEXIST) {
        return host_error(report, "cannot make the folder", "records");
    }
    return folder_open(home, out, report);
}

// For readdir, to be closed.
static enum err folder_list(int folder, DIR **out, struct report *report)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listed = copy < 0 ? NULL : fdopendir(copy);
    if (listed == NULL) {
        enum err err = host_error(report, "cannot list the folder", "records");
        if (copy >= 0) {
            close(copy);
        }
        return err;
    }
    *out = listed;
    return ERR_OK;
}

// ---- reading

static enum err file_read(int file, const char *name, struct span *out, struct report *report)
{
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || !is_private(&status)) {
        return report_err_detail(report, ERR_DENIED, 0,
                                 "not a file of the user's alone (chmod 600 helps): the record",
                                 span_string(name));
    }
    if (status.st_size > HOSTED_RECORD_BYTES) {
        return report_err_detail(report, ERR_LIMIT, 0, "too large: the record", span_string(name));
    }
    size_t size = (size_t)status.st_size;
    u8 *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for a record");
    }
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(file, bytes + done, size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            free(bytes);
            return host_error(report, "cannot read the record", name);
        }
        done += (size_t)count;
    }
    *out = span_of(bytes, size);
    return ERR_OK;
}

static enum err file_get(int folder, const char *path, struct span *out, struct report *report)
{
    int file = openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return errno == ENOENT ? report_err_detail(report, ERR_NOT_FOUND, 0, "there is no record",
                                                   span_string(path))
                               : host_error(report, "cannot open the record", path);
    }
    enum err err = file_read(file, path, out, report);
    close(file);
    return err;
}

enum err record_get(int home, struct span name, struct span *out, struct report *report)
{
    char path[NAME_BYTES];
    int folder;
    TRY(name_take(name, path, report));
    TRY(folder_open(home, &folder, report));
    enum err err = file_get(folder, path, out, report);
    close(folder);
    return err;
}

// ---- writing

// Whether a file has not been written for so long.
static bool is_older(int folder, const char *name, time_t seconds)
{
    struct stat status;
    return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           status.st_mtime < time(NULL) - seconds;
}

static bool is_temporary(const char *name)
{
    return strncmp(name, "new.", 4) == 0;
}

// Whether there is room for one more of its kind, after clearing what writers that were killed have
// left.
static enum err count_check(int folder, const char *name, struct report *report)
{
    bool is_told = strchr(name, '@') != NULL;
    u32 most = is_told ? HOSTED_TOLD : HOSTED_RECORDS;
    u32 count = 0;
    DIR *listed;
    const struct dirent *entry;
    if (faccessat(folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return ERR_OK;
    }
    TRY(folder_list(folder, &listed, report));
    while (count < most && (entry = readdir(listed)) != NULL) {
        bool other_told = strchr(entry->d_name, '@') != NULL;
        bool is_stale = (is_temporary(entry->d_name) || other_told) &&
                        is_older(folder, entry->d_name, other_told ? HOSTED_TOLD_S : STALE_SECONDS);
        if (is_stale) {
            (void)unlinkat(folder, entry->d_name, 0);
        } else {
            count += is_told ? other_told : record_name_is_good(span_string(entry->d_name));
        }
    }
    closedir(listed);
    return count < most ? ERR_OK : report_err(report, ERR_LIMIT, 0, "there are too many records");
}

static bool file_fill(int file, struct span bytes, bool lasts)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t count = write(file, bytes.data + done, bytes.size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        done += (size_t)count;
    }
    return !lasts || fsync(file) == 0;
}

//   lasts  it survives a loss of power
static enum err file_replace(int folder, const char *name, struct span bytes, bool lasts,
                             struct report *report)
{
    u64 tag;
    char temporary[TEMPORARY_BYTES];
    platform_random(&tag, sizeof tag);
    snprintf(temporary, sizeof temporary, "new.%016llx", (unsigned long long)tag);
    int file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return host_error(report, "cannot make a file for the record", name);
    }
    bool done = file_fill(file, bytes, lasts);
    enum err err = done ? ERR_OK : host_error(report, "cannot write the record", name);
    if (close(file) != 0 && err == ERR_OK) {
        err = host_error(report, "cannot write the record", name);
    }
    if (err == ERR_OK &&
        (renameat(folder, temporary, folder, name) != 0 || (lasts && fsync(folder) != 0))) {
        err = host_error(report, "cannot put the record in its place", name);
    }
    if (err != ERR_OK) {
        (void)unlinkat(folder, temporary, 0);
    }
    return err;
}

enum err record_set(int home, struct span name, struct span bytes, struct report *report)
{
    char path[NAME_BYTES];
    int folder;
    TRY(name_take(name, path, report));
    if (bytes.size > HOSTED_RECORD_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "a record has at most 256 KiB");
    }
    TRY(folder_make(home, &folder, report));
    enum err err = count_check(folder, path, report);
    if (err == ERR_OK) {
        err = file_replace(folder, path, bytes, true, report);
    }
    close(folder);
    return err;
}

// ---- changing

static u64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (u64)now.tv_sec * 1000000000 + (u64)now.tv_nsec;
}

// The process that holds the folder's lock, by what the host tells; 0: it does not.
static int lock_holder(int folder)
{
    struct stat status;
    char line[256];
    int holder = 0;
    FILE *locks = fstat(folder, &status) == 0 ? fopen("/proc/locks", "re") : NULL;
    while (locks != NULL && holder == 0 && fgets(line, sizeof line, locks) != NULL) {
        int pid;
        unsigned major, minor;
        unsigned long long inode;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%llu ", &pid, &major, &minor, &inode) ==
                4 &&
            inode == status.st_ino && makedev(major, minor) == status.st_dev) {
            holder = pid;
        }
    }
    if (locks != NULL) {
        fclose(locks);
    }
    return holder;
}

static void lock_say(int folder)
{
    int holder = lock_holder(folder);
    if (holder > 0) {
        fprintf(stderr,
                "redshirt: process %d changes the records of this home, and this one waits for it. "
                "If it was stopped, `kill -CONT %d` lets it go on, and `kill -KILL %d` ends it\n",
                holder, holder, holder);
    } else {
        fprintf(stderr, "redshirt: another process changes the records of this home, and this one "
                        "waits for it; one that was stopped has to go on, or to end\n");
    }
}

int record_lock(int home)
{
    int folder;
    if (folder_make(home, &folder, NULL) != ERR_OK) {
        return -1;
    }
    const struct timespec pause = {.tv_nsec = (long)HOSTED_LOCK_PAUSE_MS * 1000000};
    u64 say_ns = now_ns() + (u64)HOSTED_LOCK_MS * 1000000;
    while (flock(folder, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR && errno != EWOULDBLOCK) {
            close(folder);
            return -1;
        }
        if (now_ns() >= say_ns) {
            lock_say(folder);
            say_ns = UINT64_MAX; // once
        }
        (void)nanosleep(&pause, NULL);
    }
    return folder;
}

void record_unlock(int lock)
{
    close(lock);
}

static enum err replace_locked(int home, struct span name, struct span was, struct span bytes,
                               bool *out, struct report *report)
{
    struct span old = {0};
    enum err err = record_get(home, name, &old, NULL);
    if (err != ERR_OK && err != ERR_NOT_FOUND) {
        return record_get(home, name, &old, report); // once more, for its words
    }
    *out = span_equal(old, was);
    if (old.data != NULL) {
        mem_zero((void *)old.data, old.size); // it may be a key
        free((void *)old.data);
    }
    return *out ? record_set(home, name, bytes, report) : ERR_OK;
}

enum err record_replace(int home, struct span name, struct span was, struct span bytes, bool *out,
                        struct report *report)
{
    char path[NAME_BYTES];
    TRY(name_take(name, path, report));
    int lock = record_lock(home);
    if (lock < 0) {
        return report_err(report, ERR_IO, 0, "the folder records cannot be locked");
    }
    enum err err = replace_locked(home, name, was, bytes, out, report);
    record_unlock(lock);
    return err;
}

// ---- adding

// The newest whole lines of `old` that fit into so many bytes.
static struct span tail_of(struct span old, u64 most)
{
    if (old.size <= most) {
        return old;
    }
    size_t start = old.size - most;
    while (start < old.size && old.data[start - 1] != '\n') {
        start++;
    }
    return span_slice(old, start, old.size);
}

static enum err add_locked(int home, struct span name, struct span lines, u64 most,
                           struct report *report)
{
    struct span old = {0};
    enum err err = record_get(home, name, &old, NULL);
    if (err == ERR_NOT_FOUND) {
        return record_set(home, name, lines, report);
    }
    if (err != ERR_OK) {
        return record_get(home, name, &old, report); // once more, for its words
    }
    struct span tail = tail_of(old, most - lines.size);
    u8 *bytes = malloc(tail.size + lines.size + 1);
    if (bytes == NULL) {
        free((void *)old.data);
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for a record");
    }
    mem_copy(bytes, tail.data, tail.size);
    mem_copy(bytes + tail.size, lines.data, lines.size);
    err = record_set(home, name, span_of(bytes, tail.size + lines.size), report);
    free(bytes);
    free((void *)old.data);
    return err;
}

enum err record_add(int home, struct span name, struct span lines, u64 most, struct report *report)
{
    char path[NAME_BYTES];
    TRY(name_take(name, path, report));
    if (most > HOSTED_RECORD_BYTES || lines.size > most) {
        return report_err(report, ERR_LIMIT, 0, "more than the record may have");
    }
    int lock = record_lock(home);
    if (lock < 0) {
        return report_err(report, ERR_IO, 0, "the folder records cannot be locked");
    }
    enum err err = add_locked(home, name, lines, most, report);
    record_unlock(lock);
    return err;
}

// ---- telling

enum err record_tell(int home, struct span name, u64 tag, struct span bytes, struct report *report)
{
    char base[NAME_BYTES], path[TOLD_BYTES];
    int folder;
    TRY(name_take(name, base, report));
    if (bytes.size > HOSTED_TOLD_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "a process tells at most 64 KiB");
    }
    snprintf(path, sizeof path, "%s@%016llx", base, (unsigned long long)tag);
    TRY(folder_make(home, &folder, report));
    enum err err = count_check(folder, path, report);
    if (err == ERR_OK) {
        err = file_replace(folder, path, bytes, false, report);
    }
    close(folder);
    return err;
}

void record_tell_end(int home, u64 tag)
{
    int folder;
    DIR *listed;
    const struct dirent *entry;
    char end[TAG_BYTES + 1];
    snprintf(end, sizeof end, "@%016llx", (unsigned long long)tag);
    if (folder_open(home, &folder, NULL) != ERR_OK) {
        return;
    }
    if (folder_list(folder, &listed, NULL) == ERR_OK) {
        while ((entry = readdir(listed)) != NULL) {
            const char *at = strchr(entry->d_name, '@');
            if (at != NULL && strcmp(at, end) == 0) {
                (void)unlinkat(folder, entry->d_name, 0);
            }
        }
        closedir(listed);
    }
    close(folder);
}

enum err record_told(int home, struct span name, void (*each)(void *context, struct span bytes),
                     void *context, struct report *report)
{
    char base[NAME_BYTES];
    int folder;
    DIR *listed;
    const struct dirent *entry;
    TRY(name_take(name, base, report));
    enum err err = folder_open(home, &folder, report);
    if (err != ERR_OK) {
        return err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    err = folder_list(folder, &listed, report);
    if (err != ERR_OK) {
        close(folder);
        return err;
    }
    while (err == ERR_OK && (entry = readdir(listed)) != NULL) {
        struct span bytes;
        if (strncmp(entry->d_name, base, name.size) != 0 || entry->d_name[name.size] != '@' ||
            is_older(folder, entry->d_name, HOSTED_TOLD_S)) {
            continue;
        }
        err = file_get(folder, entry->d_name, &bytes, report);
        if (err == ERR_OK) {
            each(context, bytes);
            free((void *)bytes.data);
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err; // it has just ended
    }
    closedir(listed);
    close(folder);
    return err;
}
