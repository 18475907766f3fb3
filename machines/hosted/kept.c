// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/list.h"
#include "core/base/text.h"
#include "core/platform.h"
#include "machines/hosted/limits.h"

enum {
    NAME_LETTERS = 2 * PLATFORM_NAME_BYTES,
    NAME_BYTES = NAME_LETTERS + 1,
    TEMPORARY_BYTES = 4 + 16 + 1, // "new-" and 16 digits
    STALE_SECONDS = 3600,         // a temporary file that old has lost its writer
};

struct request {
    struct list_node node;
    char name[NAME_BYTES];
    bool is_save;
    const struct span *pieces;
    u32 count;
    platform_kept *done;
    void *context;
};

static struct {
    pthread_mutex_t lock; // what follows
    pthread_cond_t changed;
    struct list requests; // struct request
    u32 request_count;
    bool is_open;
    bool is_settled; // nothing is loaded any more
    bool is_closing;
    // Set before the thread starts.
    int home;
    pthread_t thread;
    bool is_abandoned; // atomic
    bool has_told;     // the thread's: words about the folder are said once
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

// ---- the folder

static void tell(const char *why)
{
    if (!kept.has_told) {
        kept.has_told = true;
        char buffer[160];
        struct text text = text_over(buffer, sizeof buffer);
        text_string(&text, "redshirt: compiled code is not kept: the folder code of the store ");
        text_string(&text, why);
        platform_log(span_of(text.data, text.size));
    }
}

static bool is_ours(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

// Its descriptor; -1: it is not there, or not to be trusted.
static int folder_open(bool make)
{
    if (make && mkdirat(kept.home, "code", 0700) != 0 && errno != EEXIST) {
        tell("cannot be made");
        return -1;
    }
    int folder = openat(kept.home, "code", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        if (errno != ENOENT) {
            tell("cannot be opened");
        }
        return -1;
    }
    struct stat status;
    if (fstat(folder, &status) != 0 || !is_ours(&status)) {
        tell("is another user's, or others may write in it");
        close(folder);
        return -1;
    }
    return folder;
}

// ---- loading

static bool read_whole(int file, u8 *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(file, to + done, size - done);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        done += (size_t)count;
    }
    return true;
}

// The bytes of a file in memory from malloc; empty: it is not there, or not to be trusted.
static struct span file_read(int folder, const char *name)
{
    struct span none = {0};
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        return none;
    }
    struct stat status;
    bool is_good = fstat(file, &status) == 0 && S_ISREG(status.st_mode) && is_ours(&status) &&
                   status.st_size > 0 && status.st_size <= HOSTED_KEPT_FILE_BYTES;
    u8 *bytes = is_good ? malloc((size_t)status.st_size) : NULL;
    if (bytes != NULL && !read_whole(file, bytes, (size_t)status.st_size)) {
        free(bytes);
        bytes = NULL;
    }
    if (bytes != NULL) {
        (void)futimens(file, NULL); // used: it is not the oldest any more
    }
    close(file);
    return bytes == NULL ? none : span_of(bytes, (size_t)status.st_size);
}

static void load(const struct request *request)
{
    int folder = folder_open(false);
    struct span bytes = {0};
    if (folder >= 0) {
        bytes = file_read(folder, request->name);
        close(folder);
    }
    request->done(request->context, bytes);
    free((void *)bytes.data);
}

// ---- making room

struct file {
    struct timespec used;
    u64 bytes;
    char name[NAME_BYTES];
};

static int file_compare(const void *a, const void *b)
{
    const struct file *left = a;
    const struct file *right = b;
    if (left->used.tv_sec != right->used.tv_sec) {
        return left->used.tv_sec < right->used.tv_sec ? -1 : 1;
    }
    return left->used.tv_nsec < right->used.tv_nsec ? -1 : left->used.tv_nsec > right->used.tv_nsec;
}

// Lists what is kept. What is beyond HOSTED_KEPT_FILES, and what a writer that was killed left, is
// removed at once.
static u32 files_list(DIR *listing, struct file *files)
{
    u32 count = 0;
    time_t now = time(NULL);
    const struct dirent *entry;
    while ((entry = readdir(listing)) != NULL) {
        struct stat status;
        if (entry->d_name[0] == '.' ||
            fstatat(dirfd(listing), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        bool is_kept = strlen(entry->d_name) == NAME_LETTERS;
        if (!is_kept && status.st_mtime >= now - STALE_SECONDS) {
            continue;
        }
        if (!is_kept || count == HOSTED_KEPT_FILES) {
            (void)unlinkat(dirfd(listing), entry->d_name, 0);
            continue;
        }
        files[count] = (struct file){.used = status.st_mtim, .bytes = (u64)status.st_size};
        mem_copy(files[count++].name, entry->d_name, NAME_BYTES);
    }
    return count;
}

// Removes the oldest until there is room for one more file of so many bytes.
static void room_make(int folder, u64 bytes)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = copy < 0 ? NULL : fdopendir(copy);
    struct file *files = calloc(HOSTED_KEPT_FILES, sizeof *files);
    if (listing != NULL && files != NULL) {
        u32 count = files_list(listing, files);
        qsort(files, count, sizeof *files, file_compare);
        u64 total = bytes;
        for (u32 i = 0; i < count; i++) {
            total += files[i].bytes;
        }
        for (u32 i = 0; i < count; i++) {
            if (total <= HOSTED_KEPT_BYTES && count - i < HOSTED_KEPT_FILES) {
                break;
            }
            (void)unlinkat(folder, files[i].name, 0);
            total -= files[i].bytes;
        }
    }
    free(files);
    if (listing != NULL) {
        closedir(listing);
    } else if (copy >= 0) {
        close(copy);
    }
}

// ---- saving

static bool is_abandoned(void)
{
    return __atomic_load_n(&kept.is_abandoned, __ATOMIC_ACQUIRE);
}

static bool pieces_write(int file, const struct span *pieces, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        for (size_t done = 0; done < pieces[i].size;) {
            ssize_t wrote = write(file, pieces[i].data + done, pieces[i].size - done);
            if (wrote < 0 && errno == EINTR) {
                continue;
            }
            if (wrote <= 0 || is_abandoned()) {
                return false;
            }
            done += (size_t)wrote;
        }
    }
    return true;
}

static void file_save(int folder, const struct request *request)
{
    u64 tag;
    platform_random(&tag, sizeof tag);
    char temporary[TEMPORARY_BYTES];
    struct text text = text_over(temporary, sizeof temporary);
    text_string(&text, "new-");
    text_hex(&text, tag, 16);
    ASSERT(!text.cut);
    int file = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        tell("cannot be written");
        return;
    }
    bool is_written = pieces_write(file, request->pieces, request->count);
    is_written = close(file) == 0 && is_written;
    if (!is_written || renameat(folder, temporary, folder, request->name) != 0) {
        (void)unlinkat(folder, temporary, 0);
    }
}

static void save(const struct request *request)
{
    u64 bytes = 0;
    for (u32 i = 0; i < request->count; i++) {
        bytes += request->pieces[i].size;
    }
    int folder = is_abandoned() ? -1 : folder_open(request->count > 0);
    if (folder >= 0 && request->count == 0) {
        (void)unlinkat(folder, request->name, 0);
    } else if (folder >= 0 && bytes <= HOSTED_KEPT_FILE_BYTES) {
        room_make(folder, bytes);
        file_save(folder, request);
    }
    if (folder >= 0) {
        close(folder);
    }
    request->done(request->context, (struct span){0});
}

// ---- the thread

static void lock(void)
{
    int failed = pthread_mutex_lock(&kept.lock);
    ASSERT(failed == 0);
}

static void unlock(void)
{
    int failed = pthread_mutex_unlock(&kept.lock);
    ASSERT(failed == 0);
}

// The next one; NULL: it is over.
static struct request *request_next_locked(void)
{
    struct list_node *node;
    while ((node = list_take(&kept.requests)) == NULL && !kept.is_closing) {
        (void)pthread_cond_wait(&kept.changed, &kept.lock);
    }
    return node == NULL ? NULL : LIST_ITEM(node, struct request, node);
}

static void *kept_run(void *unused)
{
    (void)unused;
    lock();
    struct request *request;
    while ((request = request_next_locked()) != NULL) {
        bool is_late = kept.is_settled && !request->is_save;
        kept.request_count--;
        unlock();
        if (is_late) {
            request->done(request->context, (struct span){0});
        } else if (request->is_save) {
            save(request);
        } else {
            load(request);
        }
        free(request);
        lock();
    }
    unlock();
    return NULL;
}

enum err hosted_kept_open(int home)
{
    ASSERT(!kept.is_open);
    kept.home = fcntl(home, F_DUPFD_CLOEXEC, 0);
    if (kept.home < 0) {
        return ERR_IO;
    }
    list_init(&kept.requests);
    kept.is_settled = false;
    kept.is_closing = false;
    kept.has_told = false;
    __atomic_store_n(&kept.is_abandoned, false, __ATOMIC_RELEASE);
    if (pthread_create(&kept.thread, NULL, kept_run, NULL) != 0) {
        close(kept.home);
        return ERR_NO_MEMORY;
    }
    kept.is_open = true;
    return ERR_OK;
}

void hosted_kept_settle(void)
{
    lock();
    kept.is_settled = true;
    unlock();
}

void hosted_kept_abandon(void)
{
    __atomic_store_n(&kept.is_abandoned, true, __ATOMIC_RELEASE);
}

void hosted_kept_close(void)
{
    if (!kept.is_open) {
        return;
    }
    lock();
    kept.is_closing = true;
    (void)pthread_cond_signal(&kept.changed);
    unlock();
    int failed = pthread_join(kept.thread, NULL);
    ASSERT(failed == 0);
    ASSERT(kept.request_count == 0);
    close(kept.home);
    kept.is_open = false;
}

// ---- what the kernel calls

static struct request *request_new(const u8 name[PLATFORM_NAME_BYTES])
{
    struct request *request = calloc(1, sizeof *request);
    if (request != NULL) {
        struct text text = text_over(request->name, sizeof request->name);
        text_hex_bytes(&text, span_of(name, PLATFORM_NAME_BYTES));
        ASSERT(!text.cut);
    }
    return request;
}

static void request_queue(struct request *request, platform_kept *done, void *context)
{
    bool is_queued = false;
    if (request != NULL) {
        request->done = done;
        request->context = context;
        lock();
        is_queued = kept.is_open && kept.request_count < HOSTED_KEPT_REQUESTS;
        if (is_queued) {
            list_append(&kept.requests, &request->node);
            kept.request_count++;
            (void)pthread_cond_signal(&kept.changed);
        }
        unlock();
    }
    if (!is_queued) {
        free(request);
        done(context, (struct span){0});
    }
}

void platform_kept_load(const u8 name[PLATFORM_NAME_BYTES], platform_kept *done, void *context)
{
    request_queue(request_new(name), done, context);
}

void platform_kept_save(const u8 name[PLATFORM_NAME_BYTES], const struct span *pieces, u32 count,
                        platform_kept *done, void *context)
{
    struct request *request = request_new(name);
    if (request != NULL) {
        request->is_save = true;
        request->pieces = pieces;
        request->count = count;
    }
    request_queue(request, done, context);
}
