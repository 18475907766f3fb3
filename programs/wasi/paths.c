// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/paths.c: calls that take paths. What a path may lead to is the machine's to judge
// (interfaces/files.wit); here are rights, flags and the client's memory.
#include "core/base/mem.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/files.h"
#include "programs/wasi/here.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

static u8 paths[2][WASI_PATH_BYTES];

#define RIGHTS_FILE                                                                                \
    (WASI_RIGHT_FD_DATASYNC | WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK |                            \
     WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_SYNC | WASI_RIGHT_FD_TELL |                    \
     WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ADVISE | WASI_RIGHT_FD_ALLOCATE |                         \
     WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_FD_FILESTAT_SET_SIZE |                                \
     WASI_RIGHT_FD_FILESTAT_SET_TIMES | WASI_RIGHT_POLL_FD_READWRITE)

// Copies a path of the client's; `which` of two.
//   prefix  goes in front, where the path does not begin at the root
static i32 path_take(u32 which, struct span prefix, u32 at, u32 size, struct span *out)
{
    if (size > WASI_PATH_BYTES - prefix.size) {
        return WASI_NAMETOOLONG;
    }
    u8 *path = paths[which] + prefix.size;
    if (size != 0 && client_read(path, at, size) != 0) {
        return WASI_FAULT;
    }
    *out = span_of(path, size);
    if (prefix.size != 0 && size != 0 && *path != '/') {
        mem_copy(paths[which], prefix.data, prefix.size);
        *out = span_of(paths[which], prefix.size + size);
    }
    return WASI_OK;
}

// A folder that may be used for `rights`, and a path in it.
static i32 place_take(u32 which, u32 fd, u64 rights, u32 at, u32 size, struct file_path *out)
{
    i32 error;
    struct descriptor *folder = descriptor_with(fd, DESCRIPTOR_FOLDER, rights, WASI_NOTDIR, &error);
    if (folder == NULL) {
        return error;
    }
    u64 within;
    struct span prefix = here_prefix(folder->handle, &within);
    error = path_take(which, prefix, at, size, &out->path);
    if (error == WASI_OK) {
        out->folder = out->path.size > size ? within : folder->handle;
    }
    return error;
}

// ---- opening

// The rights that the folder must have for these flags.
static u64 rights_for(u32 oflags)
{
    return WASI_RIGHT_PATH_OPEN |
           ((oflags & WASI_OFLAG_CREAT) != 0 ? WASI_RIGHT_PATH_CREATE_FILE : 0) |
           ((oflags & WASI_OFLAG_TRUNC) != 0 ? WASI_RIGHT_PATH_FILESTAT_SET_SIZE : 0);
}

WASI_EXPORT(path_open, u32 fd, u32 lookup, u32 path, u32 size, u32 oflags, u64 rights,
            u64 inheriting, u32 flags, u32 out)
{
    struct file_path place;
    if ((lookup & ~(u32)WASI_LOOKUP_FOLLOW) != 0 || (oflags & ~(u32)WASI_OFLAGS) != 0 ||
        (flags & ~(u32)WASI_FDFLAGS) != 0) {
        return WASI_INVAL;
    }
    i32 error = place_take(0, fd, rights_for(oflags), path, size, &place);
    if (error != WASI_OK) {
        return error;
    }
    rights &= WASI_RIGHTS; // others do not exist
    inheriting &= WASI_RIGHTS;
    if (((rights | inheriting) & ~descriptor_of(fd)->inheriting) != 0) {
        return WASI_NOTCAPABLE;
    }
    if (!client_has(out, sizeof(u32))) {
        return WASI_FAULT;
    }
    u64 writes = WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_ALLOCATE | WASI_RIGHT_FD_FILESTAT_SET_SIZE;
    struct file_how how = {.reads = (rights & WASI_RIGHT_FD_READ) != 0,
                           .writes = (rights & writes) != 0,
                           .follows = lookup != 0,
                           .oflags = oflags};
    struct descriptor made = {.flags = (u16)flags, .inheriting = inheriting};
    error = file_open(place, how, &made.handle, &made.filetype);
    if (error != WASI_OK) {
        return error;
    }
    bool is_folder = made.filetype == WASI_FILETYPE_DIRECTORY;
    made.kind = is_folder ? DESCRIPTOR_FOLDER : DESCRIPTOR_FILE;
    made.opened = rights & (is_folder ? folder_rights() : (u64)RIGHTS_FILE);
    made.rights = made.opened;
    u32 number;
    error = descriptor_make(&made, &number);
    if (error != WASI_OK) {
        (void)file_close(made.handle);
        return error;
    }
    return client_store_u32(out, number);
}

// ---- what is there

WASI_EXPORT(path_filestat_get, u32 fd, u32 lookup, u32 path, u32 size, u32 out)
{
    struct file_path place;
    struct wasi_filestat stat;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_FILESTAT_GET, path, size, &place);
    if (error == WASI_OK && (lookup & ~(u32)WASI_LOOKUP_FOLLOW) != 0) {
        error = WASI_INVAL;
    }
    if (error == WASI_OK) {
        error = file_path_about(place, lookup != 0, &stat);
    }
    if (error == WASI_OK && client_write(out, &stat, sizeof stat) != 0) {
        error = WASI_FAULT;
    }
    return error;
}

WASI_EXPORT(path_filestat_set_times, u32 fd, u32 lookup, u32 path, u32 size, u64 accessed_ns,
            u64 modified_ns, u32 flags)
{
    struct file_path place;
    struct file_times times = {accessed_ns, modified_ns, flags};
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_FILESTAT_SET_TIMES, path, size, &place);
    if (error == WASI_OK && (lookup & ~(u32)WASI_LOOKUP_FOLLOW) != 0) {
        error = WASI_INVAL;
    }
    return error == WASI_OK ? file_path_times(place, lookup != 0, &times) : error;
}

WASI_EXPORT(path_readlink, u32 fd, u32 path, u32 size, u32 out, u32 room, u32 used_at)
{
    struct file_path place;
    struct span target;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_READLINK, path, size, &place);
    if (error == WASI_OK && !client_has(used_at, sizeof(u32))) {
        error = WASI_FAULT;
    }
    if (error == WASI_OK) {
        error = file_link_read(place, &target);
    }
    if (error != WASI_OK) {
        return error;
    }
    u32 used = target.size < room ? (u32)target.size : room; // cut, as POSIX does
    if (used != 0 && client_write(out, target.data, used) != 0) {
        return WASI_FAULT;
    }
    return client_store_u32(used_at, used);
}

// ---- names

WASI_EXPORT(path_create_directory, u32 fd, u32 path, u32 size)
{
    struct file_path place;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_CREATE_DIRECTORY, path, size, &place);
    return error == WASI_OK ? file_folder_make(place) : error;
}

WASI_EXPORT(path_remove_directory, u32 fd, u32 path, u32 size)
{
    struct file_path place;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_REMOVE_DIRECTORY, path, size, &place);
    return error == WASI_OK ? file_folder_remove(place) : error;
}

WASI_EXPORT(path_unlink_file, u32 fd, u32 path, u32 size)
{
    struct file_path place;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_UNLINK_FILE, path, size, &place);
    return error == WASI_OK ? file_remove(place) : error;
}

WASI_EXPORT(path_rename, u32 fd, u32 path, u32 size, u32 to_fd, u32 to_path, u32 to_size)
{
    struct file_path from;
    struct file_path to;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_RENAME_SOURCE, path, size, &from);
    if (error == WASI_OK) {
        error = place_take(1, to_fd, WASI_RIGHT_PATH_RENAME_TARGET, to_path, to_size, &to);
    }
    return error == WASI_OK ? file_rename(from, to) : error;
}

// A link at the end of the old path gets a second name itself: following it is not done.
WASI_EXPORT(path_link, u32 fd, u32 lookup, u32 path, u32 size, u32 to_fd, u32 to_path, u32 to_size)
{
    struct file_path from;
    struct file_path to;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_LINK_SOURCE, path, size, &from);
    if (error == WASI_OK) {
        error = place_take(1, to_fd, WASI_RIGHT_PATH_LINK_TARGET, to_path, to_size, &to);
    }
    if (error == WASI_OK && lookup != 0) {
        error = WASI_INVAL;
    }
    return error == WASI_OK ? file_link(from, to) : error;
}

WASI_EXPORT(path_symlink, u32 target, u32 target_size, u32 fd, u32 path, u32 size)
{
    struct file_path place;
    struct span holds;
    i32 error = place_take(0, fd, WASI_RIGHT_PATH_SYMLINK, path, size, &place);
    if (error == WASI_OK) {
        error = path_take(1, (struct span){0}, target, target_size, &holds);
    }
    return error == WASI_OK ? file_link_make(place, holds) : error;
}
