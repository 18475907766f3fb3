// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/host_file.h: what files.wit promises, as calls of the host: over descriptors, and
// over paths that stay beneath a folder.
//
// Use     the device of files calls these on the host's file threads, for each may wait for a disk;
//         host_file_read_now alone never waits.
// Owner   a path is the caller's, zero-terminated, and may be written to. What is opened is the
//         caller's.
// Errors  0, or as machines/hosted/beneath.h; host_file_error says it in the words of files.wit.
// Threads any, also over the same descriptor, but for host_file_list and appending writes: one at a
//         time over one descriptor, which has one position.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/files.h"

enum files_error host_file_error(int error);

struct host_opened {
    int fd;
    enum files_kind kind; // FILES_KIND_FILE or FILES_KIND_FOLDER: nothing else is opened
};

// ---- paths

//   is_read_only  nothing is made or changed: EROFS
int host_file_open(int folder, const char *path, struct files_how how, bool is_read_only,
                   struct host_opened *out);
int host_file_path_about(int folder, const char *path, bool follow, struct files_about *out);
int host_file_path_times(int folder, const char *path, bool follow,
                         const struct files_change *accessed, const struct files_change *modified);
int host_file_folder_make(int folder, char *path);
int host_file_folder_remove(int folder, char *path);
int host_file_remove(int folder, char *path);
int host_file_rename(int folder, char *path, int to_folder, char *to_path);
int host_file_link(int folder, char *path, int to_folder, char *to_path);
int host_file_link_make(int folder, char *path, const char *target);
//   to  room for HOSTED_FILE_PATH_BYTES; *size says how much was written
int host_file_link_read(int folder, const char *path, char *to, size_t *size);

// ---- descriptors

// How many bytes were read, less than `size` only at the end of the file; or an error.
i64 host_file_read(int fd, void *to, size_t size, u64 position);
// The same of what is at hand, perhaps less; or EAGAIN, or EOPNOTSUPP where that is never known.
i64 host_file_read_now(int fd, void *to, size_t size, u64 position);
int host_file_write(int fd, struct span bytes, u64 position, struct files_writing writing,
                    struct files_written *out);
int host_file_about(int fd, struct files_about *out);
int host_file_resize(int fd, u64 size);
int host_file_allocate(int fd, u64 position, u64 size);
int host_file_advise(int fd, u64 position, u64 size, enum files_advice advice);
int host_file_sync(int fd, bool data);
int host_file_times(int fd, const struct files_change *accessed,
                    const struct files_change *modified);

// Reads entries of a folder from `next` on, as the host has them, at least one: *size 0 is the end.
//   to  8-aligned, room for HOSTED_LIST_BYTES
int host_file_list(int fd, u64 next, u32 max, void *to, size_t *size);
// The entry at *at of them, and *at behind it. False: its name is not UTF-8.
bool host_file_entry(const void *list, size_t *at, struct files_entry *out);
