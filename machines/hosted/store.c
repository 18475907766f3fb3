// SPDX-License-Identifier: GPL-3.0-or-later
// Paths are built from CIDs that were parsed, so they hold letters and digits only; every file is
// reached from the descriptors of the two folders, so nothing moves when the process changes its
// folder.
#define _GNU_SOURCE 1
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/platform.h"
#include "machines/hosted/host_error.h"
#include "machines/hosted/limits.h"
#include "machines/hosted/store.h"

static const char magic[4] = {'R', 'S', 'B', '1'};

enum {
    SHARD_LETTERS = 2,
    PATH_BYTES = SHARD_LETTERS + 1 + CID_TEXT_BYTES, // "xx/CID"
    STALE_SECONDS = 3600,   // a temporary file that old has lost its writer
    STALE_LOOKED_AT = 1000, // temporary files looked at in one opening
    TEMPORARY_BYTES = CID_TEXT_BYTES + 1 + 2 * 8 + 1, // "CID.16 digits"
};

struct block_path {
    char path[PATH_BYTES]; // "xx/CID"
    char shard[SHARD_LETTERS + 1];
};

static struct block_path block_path_of(const struct cid *cid)
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    struct block_path out;
    // The last letter holds three bits only; the two before it are as good as random.
    mem_copy(out.shard, name + CID_TEXT_LETTERS - 1 - SHARD_LETTERS, SHARD_LETTERS);
    out.shard[SHARD_LETTERS] = 0;
    struct text path = text_over(out.path, sizeof out.path);
    text_string(&path, out.shard);
    text_char(&path, '/');
    text_string(&path, name);
    ASSERT(!path.cut);
    return out;
}

// ---- opening

static enum err folder_open(int parent, const char *name, mode_t mode, int *out,
                            struct report *report)
{
    if (mkdirat(parent, name, mode) != 0 && errno != EEXIST) {
        return host_error(report, "cannot make the folder", name);
    }
    *out = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*out < 0) {
        return host_error(report, "cannot open the folder", name);
    }
    return ERR_OK;
}

// Makes the folders above `path`, for a home that is named for the first time.
static void parents_make(const char *path)
{
    char partial[HOSTED_PATH_BYTES];
    size_t size = strlen(path);
    if (size >= sizeof partial) {
        return; // opening it fails with the host's own words
    }
    for (size_t i = 1; i < size; i++) {
        if (path[i] == '/') {
            mem_copy(partial, path, i);
            partial[i] = 0;
            if (mkdir(partial, 0755) != 0 && errno != EEXIST) {
                return; // the same
            }
        }
    }
}

// A writer that was killed leaves its file in tmp/. Whoever opens the store next clears what is
// old.
static void stale_remove(int temporary)
{
    int copy = openat(temporary, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (folder == NULL) {
        if (copy >= 0) {
            close(copy);
        }
        return; // only tidiness is lost
    }
    time_t now = time(NULL);
    const struct dirent *entry;
    for (u32 i = 0; i < STALE_LOOKED_AT && (entry = readdir(folder)) != NULL; i++) {
        struct stat status;
        if (entry->d_name[0] != '.' &&
            fstatat(temporary, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode) && status.st_mtime < now - STALE_SECONDS) {
            (void)unlinkat(temporary, entry->d_name, 0);
        }
    }
    closedir(folder);
}

enum err store_open(struct store *store, const char *home, struct report *report)
{
    parents_make(home);
    struct store opened = {-1, -1, -1};
    TRY(folder_open(AT_FDCWD, home, 0700, &opened.home, report));
    enum err err = folder_open(opened.home, "blocks", 0755, &opened.blocks, report);
    if (err == ERR_OK) {
        err = folder_open(opened.home, "tmp", 0755, &opened.temporary, report);
    }
    if (err != ERR_OK) {
        close(opened.home);
        if (opened.blocks >= 0) {
            close(opened.blocks);
        }
        return err;
    }
    stale_remove(opened.temporary);
    *store = opened;
    return ERR_OK;
}

void store_close(struct store *store)
{
    close(store->blocks);
    close(store->temporary);
    close(store->home);
    *store = (struct store){-1, -1, -1};
}

// ---- reading

// Fills `to` from the file; *got is less than `size` only at its end.
static enum err read_whole(int file, u8 *to, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t count = read(file, to + *got, size - *got);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return ERR_IO;
        }
        if (count == 0) {
            break;
        }
        *got += (size_t)count;
    }
    return ERR_OK;
}

static enum err damaged(struct report *report, const char *how, const struct cid *cid)
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    return report_err_detail(report, ERR_MISMATCH, 0, how, span_string(name));
}

static enum err header_check(const u8 *file, size_t file_size, const struct cid *cid,
                             struct report *report)
{
    if (file_size < STORE_HEADER_BYTES) {
        return damaged(report, "the file of this block was cut short: not even its header is left",
                       cid);
    }
    if (!mem_equal(file, magic, sizeof magic)) {
        return damaged(report, "the file of this block does not begin as one of the store", cid);
    }
    u64 size = mem_load_u32(file + sizeof magic);
    if (file_size - STORE_HEADER_BYTES < size) {
        return damaged(report, "the file of this block was cut short", cid);
    }
    if (file_size - STORE_HEADER_BYTES > size) {
        return damaged(report, "the file of this block is longer than the block", cid);
    }
    return ERR_OK;
}

static bool is_name_of(const struct cid *cid, struct span block)
{
    struct cid actual = cid_of_block((enum cid_codec)cid->codec, block, platform_sha256);
    return cid_equal(&actual, cid);
}

// Reads and checks the block of an open file into `buffer`, which has room for the whole file.
static enum err block_read(int file, u8 *buffer, size_t file_size, const struct cid *cid,
                           size_t *size, struct report *report)
{
    u8 header[STORE_HEADER_BYTES];
    size_t got;
    *size = 0;
    enum err err = read_whole(file, header, sizeof header, &got);
    if (err == ERR_OK && got == sizeof header && file_size > got) {
        err = read_whole(file, buffer, file_size - got, size);
    }
    if (err != ERR_OK) {
        char name[CID_TEXT_BYTES];
        cid_write_text(cid, name);
        return host_error(report, "cannot read the block", name);
    }
    TRY(header_check(header, got + *size, cid, report));
    if (!is_name_of(cid, span_of(buffer, *size))) {
        return damaged(report, "bytes of this block have changed: they do not hash to its name",
                       cid);
    }
    return ERR_OK;
}

static enum err file_open(struct store *store, const struct cid *cid, int *file, u64 *size,
                          struct report *report)
{
    struct block_path path = block_path_of(cid);
    *file = openat(store->blocks, path.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (*file < 0) {
        return errno == ENOENT ? report_err_detail(report, ERR_NOT_FOUND, 0,
                                                   "the store has no block of this name",
                                                   span_string(path.path + SHARD_LETTERS + 1))
                               : host_error(report, "cannot open the block", path.path);
    }
    struct stat status;
    if (fstat(*file, &status) != 0) {
        enum err err = host_error(report, "cannot read the block", path.path);
        close(*file);
        return err;
    }
    if (!S_ISREG(status.st_mode)) {
        close(*file);
        return damaged(report, "what bears the name of this block is not a file", cid);
    }
    *size = (u64)status.st_size;
    return ERR_OK;
}

enum err store_get_behind(struct store *store, const struct cid *cid, size_t front,
                          struct span *out, struct report *report)
{
    int file;
    u64 size;
    size_t block_size;
    TRY(file_open(store, cid, &file, &size, report));
    if (size > HOSTED_BLOCK_BYTES + STORE_HEADER_BYTES) {
        close(file);
        char name[CID_TEXT_BYTES];
        cid_write_text(cid, name);
        return report_err_detail(report, ERR_LIMIT, size,
                                 "a block has at most 2 MiB; the file of this", span_string(name));
    }
    u8 *buffer = malloc(front + size + 1);
    if (buffer == NULL) {
        close(file);
        return report_err(report, ERR_NO_MEMORY, 0, "no memory for a block");
    }
    enum err err = block_read(file, buffer + front, size, cid, &block_size, report);
    close(file);
    if (err != ERR_OK) {
        free(buffer);
        return err;
    }
    *out = span_of(buffer + front, block_size);
    return ERR_OK;
}

enum err store_get(struct store *store, const struct cid *cid, struct span *out,
                   struct report *report)
{
    return store_get_behind(store, cid, 0, out, report);
}

bool store_has(struct store *store, const struct cid *cid)
{
    struct block_path path = block_path_of(cid);
    return faccessat(store->blocks, path.path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

// ---- writing

static bool write_whole(int file, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        ssize_t count = write(file, bytes.data + done, bytes.size - done);
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

static bool file_fill(int file, struct span bytes, bool is_flushed)
{
    u8 header[STORE_HEADER_BYTES];
    mem_copy(header, magic, sizeof magic);
    mem_store_u32(header + sizeof magic, (u32)bytes.size);
    return write_whole(file, span_of(header, sizeof header)) && write_whole(file, bytes) &&
           (!is_flushed || fsync(file) == 0);
}

// Moves a finished file to its name and, if it is flushed, makes the name itself survive a loss of
// power.
static bool file_publish(struct store *store, const char *temporary, const struct block_path *path,
                         bool is_flushed)
{
    if (mkdirat(store->blocks, path->shard, 0755) == 0) {
        if (is_flushed && fsync(store->blocks) != 0) {
            return false;
        }
    } else if (errno != EEXIST) {
        return false;
    }
    if (renameat(store->temporary, temporary, store->blocks, path->path) != 0) {
        return false;
    }
    if (!is_flushed) {
        return true;
    }
    int shard = openat(store->blocks, path->shard, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (shard < 0) {
        return false;
    }
    bool done = fsync(shard) == 0;
    close(shard);
    return done;
}

static bool is_sound(struct store *store, const struct cid *cid)
{
    struct span block;
    if (store_get(store, cid, &block, NULL) != ERR_OK) {
        return false;
    }
    free((void *)block.data);
    return true;
}

static enum err block_put(struct store *store, const struct cid *cid, struct span bytes,
                          bool is_flushed, struct report *report)
{
    if (bytes.size > HOSTED_BLOCK_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "a block has at most 2 MiB");
    }
    ASSERT_SLOW(is_name_of(cid, bytes));
    if (is_sound(store, cid)) {
        return ERR_OK;
    }
    struct block_path path = block_path_of(cid);
    u64 tag;
    platform_random(&tag, sizeof tag);
    char name[TEMPORARY_BYTES];
    struct text text = text_over(name, sizeof name);
    text_string(&text, path.path + SHARD_LETTERS + 1);
    text_char(&text, '.');
    text_hex(&text, tag, 16);
    ASSERT(!text.cut);
    int file = openat(store->temporary, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0) {
        return host_error(report, "cannot make a file for the block", name);
    }
    bool filled = file_fill(file, bytes, is_flushed);
    enum err err = filled ? ERR_OK : host_error(report, "cannot write the block", name);
    if (close(file) != 0 && err == ERR_OK) {
        err = host_error(report, "cannot write the block", name);
    }
    if (err == ERR_OK && !file_publish(store, name, &path, is_flushed)) {
        err = host_error(report, "cannot put the block in its place", path.path);
    }
    if (err != ERR_OK) {
        (void)unlinkat(store->temporary, name, 0);
    }
    return err;
}

enum err store_put(struct store *store, const struct cid *cid, struct span bytes,
                   struct report *report)
{
    return block_put(store, cid, bytes, true, report);
}

enum err store_put_soon(struct store *store, const struct cid *cid, struct span bytes,
                        struct report *report)
{
    return block_put(store, cid, bytes, false, report);
}

// ---- listing

struct listing {
    store_visit visit;
    void *context;
    u64 count;
};

static enum err shard_list(int shard, struct listing *listing, struct report *report)
{
    DIR *folder = fdopendir(shard);
    if (folder == NULL) {
        enum err err = host_error(report, "cannot list the folder", "blocks");
        close(shard);
        return err;
    }
    enum err err = ERR_OK;
    const struct dirent *entry;
    while (err == ERR_OK && (entry = readdir(folder)) != NULL) {
        struct cid cid;
        struct stat status;
        if (cid_parse_text(span_string(entry->d_name), &cid, NULL) != ERR_OK ||
            fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue; // not a block, or gone meanwhile
        }
        if (++listing->count > HOSTED_STORE_BLOCKS) {
            err = report_err(report, ERR_LIMIT, 0, "the store holds too many blocks to list");
            break;
        }
        u64 size = (u64)status.st_size;
        size = size < STORE_HEADER_BYTES ? 0 : size - STORE_HEADER_BYTES;
        err = listing->visit(listing->context, &cid, size);
    }
    closedir(folder);
    return err;
}

enum err store_list(struct store *store, store_visit visit, void *context, struct report *report)
{
    int copy = openat(store->blocks, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    if (folder == NULL) {
        enum err err = host_error(report, "cannot list the folder", "blocks");
        if (copy >= 0) {
            close(copy);
        }
        return err;
    }
    struct listing listing = {visit, context, 0};
    enum err err = ERR_OK;
    const struct dirent *entry;
    while (err == ERR_OK && (entry = readdir(folder)) != NULL) {
        if (strlen(entry->d_name) != SHARD_LETTERS || entry->d_name[0] == '.') {
            continue;
        }
        int shard =
            openat(dirfd(folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (shard >= 0) {
            err = shard_list(shard, &listing, report);
        }
    }
    closedir(folder);
    return err;
}
