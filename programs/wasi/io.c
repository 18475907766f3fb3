// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/io.c: bytes in and out, of streams and of files, and what else is asked of an open
// file or folder. A file's position is kept here: the machine's files have none.
#include "core/base/assert.h"
#include "programs/wasi/ahead.h"
#include "programs/wasi/buffers.h"
#include "programs/wasi/descriptors.h"
#include "programs/wasi/files.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/sockets.h"
#include "programs/wasi/wasi.h"

// ---- streams

// The stream of a descriptor that may be used for `right`; else an errno in *error. The wrong
// direction is EBADF as in POSIX, a right given up is ENOTCAPABLE.
static bool stream_may(const struct descriptor *descriptor, u64 right, i32 *error)
{
    bool is_input = descriptor->stream == STREAM_INPUT;
    *error = (right == WASI_RIGHT_FD_READ) != is_input ? WASI_BADF
             : (descriptor->rights & right) == 0       ? WASI_NOTCAPABLE
                                                       : WASI_OK;
    return *error == WASI_OK;
}

static i32 stream_read(const struct descriptor *stream, struct buffers list, u64 total, u32 *size)
{
    struct span bytes = {0};
    struct cursor cursor = {0};
    i32 error = WASI_OK;
    if (total != 0) {
        u32 max = total < CHUNK_BYTES ? (u32)total : CHUNK_BYTES;
        error = ahead_read(&ahead_input, max, (stream->flags & WASI_FDFLAG_NONBLOCK) == 0, &bytes);
    }
    *size = (u32)bytes.size;
    return error == WASI_OK ? buffers_scatter(list, &cursor, bytes) : error;
}

static i32 stream_write(u64 stream, struct span bytes, u32 *count)
{
    return message_write((u8)stream, bytes, count);
}

// ---- files

// Reads at *position until the list is full or the file ends, moving it. What was read before a
// failure counts.
static i32 read_at(u64 handle, u64 *position, struct buffers list, u64 total, u32 *size)
{
    struct cursor cursor = {0};
    i32 error = WASI_OK;
    bool is_over = false;
    *size = 0;
    while (error == WASI_OK && !is_over && *size < total) {
        u32 max = total - *size < CHUNK_BYTES ? (u32)(total - *size) : CHUNK_BYTES;
        struct span bytes;
        error = file_read(handle, *position, max, &bytes);
        if (error == WASI_OK) {
            error = buffers_scatter(list, &cursor, bytes);
        }
        if (error == WASI_OK) {
            *position += bytes.size;
            *size += (u32)bytes.size;
            is_over = bytes.size < max;
        }
    }
    return *size != 0 ? WASI_OK : error;
}

static i32 write_at(u64 handle, u64 *position, u16 flags, struct buffers list, u64 total, u32 *size)
{
    struct cursor cursor = {0};
    i32 error = WASI_OK;
    bool is_over = false;
    *size = 0;
    while (error == WASI_OK && !is_over && *size < total) {
        u32 part;
        u32 count = 0;
        error = buffers_gather(list, &cursor, &part);
        if (error == WASI_OK && part == 0) {
            break;
        }
        if (error == WASI_OK) {
            error = file_write(handle, position, flags, span_of(chunk, part), &count);
            is_over = count < part;
            *size += count;
        }
    }
    return *size != 0 ? WASI_OK : error;
}

// ---- reading and writing

// Checks what all four have in common.
static i32 call_check(struct buffers list, u32 size_at, u64 *total)
{
    i32 error = buffers_check(list, total);
    return error == WASI_OK && !client_has(size_at, sizeof(u32)) ? WASI_FAULT : error;
}

// A descriptor that may be read or written; else an errno in *error.
static struct descriptor *descriptor_for(u32 fd, u64 right, i32 *error)
{
    struct descriptor *descriptor = descriptor_of(fd);
    u8 kind = descriptor == NULL ? (u8)DESCRIPTOR_FREE : descriptor->kind;
    if (kind == DESCRIPTOR_STREAM) {
        return stream_may(descriptor, right, error) ? descriptor : NULL;
    }
    if (kind == DESCRIPTOR_SOCKET && (descriptor->rights & right) != 0) {
        return descriptor;
    }
    return descriptor_with(fd, DESCRIPTOR_FILE, right,
                           kind == DESCRIPTOR_SOCKET ? WASI_NOTCAPABLE : WASI_BADF, error);
}

WASI_EXPORT(fd_read, u32 fd, u32 iovecs, u32 count, u32 size_at)
{
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size = 0;
    i32 error;
    struct descriptor *from = descriptor_for(fd, WASI_RIGHT_FD_READ, &error);
    if (from == NULL) {
        return error;
    }
    error = call_check(list, size_at, &total);
    if (error == WASI_OK) {
        error = from->kind == DESCRIPTOR_STREAM ? stream_read(from, list, total, &size)
                : from->kind == DESCRIPTOR_SOCKET
                    ? socket_list_read(from, list, total, &size)
                    : read_at(from->handle, &from->position, list, total, &size);
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

WASI_EXPORT(fd_write, u32 fd, u32 iovecs, u32 count, u32 size_at)
{
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size = 0;
    i32 error;
    struct descriptor *to = descriptor_for(fd, WASI_RIGHT_FD_WRITE, &error);
    if (to == NULL) {
        return error;
    }
    error = call_check(list, size_at, &total);
    if (error == WASI_OK) {
        error = to->kind == DESCRIPTOR_STREAM
                    ? buffers_send(list, total, to->stream, stream_write, &size)
                : to->kind == DESCRIPTOR_SOCKET
                    ? socket_list_write(to, list, total, &size)
                    : write_at(to->handle, &to->position, to->flags, list, total, &size);
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

WASI_EXPORT(fd_pread, u32 fd, u32 iovecs, u32 count, u64 position, u32 size_at)
{
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size = 0;
    i32 error;
    struct descriptor *file = descriptor_with(
        fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_READ | WASI_RIGHT_FD_SEEK, WASI_SPIPE, &error);
    if (file == NULL) {
        return error;
    }
    error = call_check(list, size_at, &total);
    if (error == WASI_OK) {
        error = position > INT64_MAX ? WASI_INVAL
                                     : read_at(file->handle, &position, list, total, &size);
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

WASI_EXPORT(fd_pwrite, u32 fd, u32 iovecs, u32 count, u64 position, u32 size_at)
{
    struct buffers list = {iovecs, count};
    u64 total;
    u32 size = 0;
    i32 error;
    struct descriptor *file = descriptor_with(
        fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_WRITE | WASI_RIGHT_FD_SEEK, WASI_SPIPE, &error);
    if (file == NULL) {
        return error;
    }
    error = call_check(list, size_at, &total);
    if (error == WASI_OK) { // where POSIX has it, also in a file that is appended to
        u16 flags = file->flags & (u16)~WASI_FDFLAG_APPEND;
        error = position > INT64_MAX ? WASI_INVAL
                                     : write_at(file->handle, &position, flags, list, total, &size);
    }
    return error == WASI_OK ? client_store_u32(size_at, size) : error;
}

// ---- positions

WASI_EXPORT(fd_seek, u32 fd, i64 offset, u32 whence, u32 out)
{
    i32 error;
    bool only_tells = whence == WASI_WHENCE_CUR && offset == 0;
    struct descriptor *file = descriptor_with(
        fd, DESCRIPTOR_FILE, only_tells ? 0 : WASI_RIGHT_FD_SEEK, WASI_SPIPE, &error);
    if (file == NULL) {
        return error;
    }
    if (only_tells && (file->rights & (WASI_RIGHT_FD_SEEK | WASI_RIGHT_FD_TELL)) == 0) {
        return WASI_NOTCAPABLE;
    }
    u64 from = whence == WASI_WHENCE_CUR ? file->position : 0;
    if (whence == WASI_WHENCE_END) {
        struct wasi_filestat stat;
        error = file_about(file->handle, &stat);
        if (error != WASI_OK) {
            return error;
        }
        from = stat.size;
    }
    u64 to = from + (u64)offset;
    bool is_far = offset < 0 ? to > from : to > INT64_MAX;
    if (whence > WASI_WHENCE_END || is_far) {
        return WASI_INVAL;
    }
    error = client_store_u64(out, to);
    file->position = error == WASI_OK ? to : file->position;
    return error;
}

WASI_EXPORT(fd_tell, u32 fd, u32 out)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_TELL, WASI_SPIPE, &error);
    return file == NULL ? error : client_store_u64(out, file->position);
}

// ---- the file itself

WASI_EXPORT(fd_advise, u32 fd, u64 position, u64 size, u32 advice)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_ADVISE, WASI_SPIPE, &error);
    return file == NULL ? error : file_advise(file->handle, position, size, advice);
}

WASI_EXPORT(fd_allocate, u32 fd, u64 position, u64 size)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_ALLOCATE, WASI_SPIPE, &error);
    return file == NULL ? error : file_allocate(file->handle, position, size);
}

WASI_EXPORT(fd_filestat_set_size, u32 fd, u64 size)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FILE, WASI_RIGHT_FD_FILESTAT_SET_SIZE, WASI_INVAL, &error);
    return file == NULL ? error : file_resize(file->handle, size);
}

WASI_EXPORT(fd_filestat_set_times, u32 fd, u64 accessed_ns, u64 modified_ns, u32 flags)
{
    i32 error;
    struct file_times times = {accessed_ns, modified_ns, flags};
    struct descriptor *file = descriptor_with(fd, DESCRIPTOR_FREE, WASI_RIGHT_FD_FILESTAT_SET_TIMES,
                                              WASI_NOTCAPABLE, &error);
    return file == NULL ? error : file_times(file->handle, &times);
}

WASI_EXPORT(fd_sync, u32 fd)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FREE, WASI_RIGHT_FD_SYNC, WASI_INVAL, &error);
    return file == NULL ? error : file_sync(file->handle, false);
}

WASI_EXPORT(fd_datasync, u32 fd)
{
    i32 error;
    struct descriptor *file =
        descriptor_with(fd, DESCRIPTOR_FREE, WASI_RIGHT_FD_DATASYNC, WASI_INVAL, &error);
    return file == NULL ? error : file_sync(file->handle, true);
}

// ---- folders

// Writes as much of an entry as there is room for at `out`; how much that is, or 0: not the
// client's memory.
static u32 entry_write(const struct file_entry *entry, u32 out, u32 room)
{
    struct wasi_dirent dirent = {.next = entry->next,
                                 .inode = entry->inode,
                                 .name_size = (u32)entry->name.size,
                                 .filetype = entry->filetype};
    u32 head = room < sizeof dirent ? room : (u32)sizeof dirent;
    u32 name = room - head < entry->name.size ? room - head : (u32)entry->name.size;
    bool is_good = client_write(out, &dirent, head) == 0 &&
                   (name == 0 || client_write(out + head, entry->name.data, name) == 0);
    return is_good ? head + name : 0;
}

// Full means that there is more, so pages are asked for until it is, or there are no more.
WASI_EXPORT(fd_readdir, u32 fd, u32 out, u32 size, u64 next, u32 used_at)
{
    i32 error;
    struct descriptor *folder =
        descriptor_with(fd, DESCRIPTOR_FOLDER, WASI_RIGHT_FD_READDIR, WASI_NOTDIR, &error);
    u8 last;
    if (folder == NULL) {
        return error;
    }
    u64 end = (u64)out + size;
    if (!client_has(used_at, sizeof(u32)) || end > (u64)UINT32_MAX + 1 ||
        (size != 0 && client_read(&last, (u32)(end - 1), 1) != 0)) {
        return WASI_FAULT;
    }
    u32 used = 0;
    bool is_over = false;
    while (!is_over && used < size) {
        struct file_listing listing;
        struct file_entry entry;
        u32 room = size - used;
        error = file_list(folder->handle, next,
                          room < WASI_LISTING_BYTES ? room : WASI_LISTING_BYTES, &listing);
        if (error != WASI_OK) {
            return error;
        }
        is_over = listing.count == 0;
        while (used < size && file_entry(&listing, &entry)) {
            u32 wrote = entry_write(&entry, out + used, size - used);
            if (wrote == 0) {
                return WASI_FAULT;
            }
            used += wrote;
            next = entry.next;
        }
    }
    return client_store_u32(used_at, used);
}
