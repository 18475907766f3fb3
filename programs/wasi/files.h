// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/files.h: redshirt:io/files in the words of preview1. The only file here that knows
// that interface.
//
// Errors  every function gives an errno, WASI_OK when all is well.
// Owner   what a struct span shows is valid until the next message.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct wasi_filestat;

// Calls descriptor_preopen for each folder that the user has given.
void folders_preopen(void);
// The rights that make sense for a folder, all of which one that the user gave has.
u64 folder_rights(void);

// ---- handles

i32 file_close(u64 handle);
i32 file_about(u64 handle, struct wasi_filestat *out);
// At most CHUNK_BYTES, fewer only at the end.
i32 file_read(u64 handle, u64 position, u32 max, struct span *bytes);
// At most CHUNK_BYTES. *position is where to write, then behind the last byte; *count may be less
// than given where the next write fails.
//   flags  WASI_FDFLAG_*: at the end, to the disk
i32 file_write(u64 handle, u64 *position, u16 flags, struct span bytes, u32 *count);
i32 file_resize(u64 handle, u64 size);
i32 file_allocate(u64 handle, u64 position, u64 size);
i32 file_advise(u64 handle, u64 position, u64 size, u32 advice);
i32 file_sync(u64 handle, bool data);

// What is to become of two times: WASI_FSTFLAG_*, and the times themselves.
struct file_times {
    u64 accessed_ns;
    u64 modified_ns;
    u32 flags;
};
i32 file_times(u64 handle, const struct file_times *times);

// Entries of a folder from `next` on, as `file_entry` takes them out one by one.
struct file_listing {
    u32 count;
    struct span encoded;
};
struct file_entry {
    struct span name;
    u64 inode;
    u64 next;
    u8 filetype;
};
i32 file_list(u64 folder, u64 next, u32 max, struct file_listing *out);
bool file_entry(struct file_listing *listing, struct file_entry *out);

// ---- paths

// A path in a folder.
struct file_path {
    u64 folder;
    struct span path;
};

//   oflags  WASI_OFLAG_*
struct file_how {
    bool reads;
    bool writes;
    bool follows;
    u32 oflags;
};
i32 file_open(struct file_path path, struct file_how how, u64 *handle, u8 *filetype);
i32 file_path_about(struct file_path path, bool follow, struct wasi_filestat *out);
i32 file_path_times(struct file_path path, bool follow, const struct file_times *times);
i32 file_folder_make(struct file_path path);
i32 file_folder_remove(struct file_path path);
i32 file_remove(struct file_path path);
i32 file_rename(struct file_path from, struct file_path to);
i32 file_link(struct file_path from, struct file_path to);
i32 file_link_make(struct file_path path, struct span target);
i32 file_link_read(struct file_path path, struct span *target);
