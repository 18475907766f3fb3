// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/descriptors.c: the table of descriptors, and the calls that are about any of them.
#include "programs/wasi/descriptors.h"

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/files.h"
#include "programs/wasi/here.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/sockets.h"
#include "programs/wasi/wasi.h"

#define RIGHTS_STREAM                                                                              \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)

enum { TABLE_FIRST = 16 };

static struct descriptor first_table[TABLE_FIRST];

// Numbers below `size` have a place.
static struct {
    struct descriptor *at;
    u32 size;
    bool has_streams;
    bool has_preopens;
} table;

static struct {
    u32 size;
    u8 bytes[WASI_PREOPEN_BYTES];
} names;

static struct descriptor stream_make(u8 stream)
{
    u64 rights =
        RIGHTS_STREAM | (stream == STREAM_INPUT ? WASI_RIGHT_FD_READ : WASI_RIGHT_FD_WRITE);
    return (struct descriptor){
        .kind = DESCRIPTOR_STREAM, .stream = stream, .opened = rights, .rights = rights};
}

static void streams_make(void)
{
    if (!table.has_streams) {
        table.has_streams = true;
        table.at = first_table;
        table.size = TABLE_FIRST;
        for (u8 i = 0; i < STREAM_COUNT; i++) {
            table.at[i] = stream_make(i);
        }
    }
}

struct descriptor *descriptor_of(u32 fd)
{
    streams_make();
    if (fd >= STREAM_COUNT && !table.has_preopens) {
        table.has_preopens = true;
        listeners_preopen();
        folders_preopen();
        here_preopen();
    }
    return fd < table.size && table.at[fd].kind != DESCRIPTOR_FREE ? &table.at[fd] : NULL;
}

// Twice the places. False: WASI_DESCRIPTORS, or no memory.
static bool table_grow(void)
{
    u32 size = table.size * 2 < WASI_DESCRIPTORS ? table.size * 2 : WASI_DESCRIPTORS;
    struct descriptor *at = NULL;
    if (size > table.size) {
        at = memory_take(rt_memory(), size * sizeof *at);
    }
    if (at == NULL) {
        return false;
    }
    mem_zero(at, size * sizeof *at);
    mem_copy(at, table.at, table.size * sizeof *at);
    if (table.at != first_table) {
        memory_give(rt_memory(), table.at, table.size * sizeof *at);
    }
    table.at = at;
    table.size = size;
    return true;
}

i32 descriptor_make(const struct descriptor *descriptor, u32 *fd)
{
    ASSERT(descriptor->kind != DESCRIPTOR_FREE && table.has_streams);
    u32 at = STREAM_COUNT;
    while (at < table.size && table.at[at].kind != DESCRIPTOR_FREE) {
        at++;
    }
    if (at == table.size && !table_grow()) {
        return WASI_MFILE;
    }
    table.at[at] = *descriptor;
    *fd = at;
    return WASI_OK;
}

bool descriptor_preopen(struct descriptor *descriptor, struct span name)
{
    u32 fd;
    if (name.size == 0 || name.size > sizeof names.bytes - names.size) {
        return false;
    }
    descriptor->name_start = (u16)names.size;
    descriptor->name_size = (u16)name.size;
    if (descriptor_make(descriptor, &fd) != WASI_OK) {
        return false;
    }
    mem_copy(names.bytes + names.size, name.data, name.size);
    names.size += (u32)name.size;
    return true;
}

struct span descriptor_name(const struct descriptor *descriptor)
{
    return span_of(names.bytes + descriptor->name_start, descriptor->name_size);
}

struct descriptor *descriptor_with(u32 fd, enum descriptor_kind kind, u64 rights, i32 stream_error,
                                   i32 *error)
{
    struct descriptor *descriptor = descriptor_of(fd);
    u64 directions = WASI_RIGHT_FD_READ | WASI_RIGHT_FD_WRITE;
    if (descriptor == NULL) {
        *error = WASI_BADF;
    } else if (descriptor->kind != DESCRIPTOR_FILE && descriptor->kind != DESCRIPTOR_FOLDER) {
        *error = stream_error;
    } else if (kind == DESCRIPTOR_FILE && descriptor->kind == DESCRIPTOR_FOLDER) {
        *error = WASI_ISDIR;
    } else if (kind == DESCRIPTOR_FOLDER && descriptor->kind == DESCRIPTOR_FILE) {
        *error = WASI_NOTDIR;
    } else if ((rights & directions & ~descriptor->opened) != 0) {
        *error = WASI_BADF;
    } else if ((rights & ~descriptor->rights) != 0) {
        *error = WASI_NOTCAPABLE;
    } else {
        return descriptor;
    }
    return NULL;
}

// ---- the calls

static i32 descriptor_close(struct descriptor *descriptor)
{
    i32 error = WASI_OK;
    if (descriptor->kind == DESCRIPTOR_LISTENER || descriptor->kind == DESCRIPTOR_SOCKET) {
        error = socket_release(descriptor);
    } else if (descriptor->kind != DESCRIPTOR_STREAM) {
        error = file_close(descriptor->handle);
    }
    *descriptor = (struct descriptor){0};
    return error;
}

WASI_EXPORT(fd_close, u32 fd)
{
    struct descriptor *descriptor = descriptor_of(fd);
    return descriptor == NULL ? WASI_BADF : descriptor_close(descriptor);
}

WASI_EXPORT(fd_renumber, u32 from, u32 to)
{
    (void)descriptor_of(from > to ? from : to); // all are there now, and none moves
    struct descriptor *target = descriptor_of(to);
    struct descriptor *source = descriptor_of(from);
    if (source == NULL || target == NULL) {
        return WASI_BADF;
    }
    if (source != target) {
        (void)descriptor_close(target); // what it stood for is gone, whatever closing says
        *target = *source;
        *source = (struct descriptor){0};
    }
    return WASI_OK;
}

static u8 filetype_of(const struct descriptor *descriptor)
{
    if (descriptor->kind != DESCRIPTOR_STREAM) {
        return descriptor->filetype;
    }
    return message_is_terminal(descriptor->stream) ? WASI_FILETYPE_CHARACTER_DEVICE
                                                   : WASI_FILETYPE_UNKNOWN;
}

WASI_EXPORT(fd_fdstat_get, u32 fd, u32 out)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL) {
        return WASI_BADF;
    }
    struct wasi_fdstat stat = {.filetype = filetype_of(descriptor),
                               .flags = descriptor->flags,
                               .rights = descriptor->rights,
                               .rights_inheriting = descriptor->inheriting};
    return client_write(out, &stat, sizeof stat) == 0 ? WASI_OK : WASI_FAULT;
}

WASI_EXPORT(fd_fdstat_set_flags, u32 fd, u32 flags)
{
    struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL) {
        return WASI_BADF;
    }
    if ((flags & ~(u32)WASI_FDFLAGS) != 0) {
        return WASI_INVAL;
    }
    if ((descriptor->rights & WASI_RIGHT_FD_FDSTAT_SET_FLAGS) == 0) {
        return WASI_NOTCAPABLE;
    }
    descriptor->flags = (u16)flags;
    return WASI_OK;
}

WASI_EXPORT(fd_fdstat_set_rights, u32 fd, u64 rights, u64 inheriting)
{
    struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL) {
        return WASI_BADF;
    }
    if ((rights & ~descriptor->rights) != 0 || (inheriting & ~descriptor->inheriting) != 0) {
        return WASI_NOTCAPABLE; // rights are given up, never taken
    }
    descriptor->rights = rights;
    descriptor->inheriting = inheriting;
    return WASI_OK;
}

WASI_EXPORT(fd_filestat_get, u32 fd, u32 out)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL) {
        return WASI_BADF;
    }
    struct wasi_filestat stat = {.links = 1};
    i32 error = WASI_OK;
    bool is_file = descriptor->kind == DESCRIPTOR_FILE || descriptor->kind == DESCRIPTOR_FOLDER;
    if (!is_file) {
        stat.filetype = filetype_of(descriptor);
    } else if ((descriptor->rights & WASI_RIGHT_FD_FILESTAT_GET) == 0) {
        error = WASI_NOTCAPABLE;
    } else {
        error = file_about(descriptor->handle, &stat);
    }
    if (error == WASI_OK && client_write(out, &stat, sizeof stat) != 0) {
        error = WASI_FAULT;
    }
    return error;
}

WASI_EXPORT(fd_prestat_get, u32 fd, u32 out)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL || descriptor->name_size == 0) {
        return WASI_BADF;
    }
    struct wasi_prestat stat = {.type = descriptor->kind == DESCRIPTOR_FOLDER
                                            ? WASI_PREOPENTYPE_DIR
                                            : WASI_PREOPENTYPE_OTHER,
                                .name_size = descriptor->name_size};
    return client_write(out, &stat, sizeof stat) == 0 ? WASI_OK : WASI_FAULT;
}

WASI_EXPORT(fd_prestat_dir_name, u32 fd, u32 out, u32 size)
{
    const struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor == NULL || descriptor->name_size == 0) {
        return WASI_BADF;
    }
    if (descriptor->kind != DESCRIPTOR_FOLDER) {
        return WASI_NOTDIR;
    }
    struct span name = descriptor_name(descriptor);
    if (size < name.size) {
        return WASI_NAMETOOLONG;
    }
    return client_write(out, name.data, (u32)name.size) == 0 ? WASI_OK : WASI_FAULT;
}
