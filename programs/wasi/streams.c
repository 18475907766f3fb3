// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/streams.c: the three descriptors. Input that was asked for ahead (poll) is kept
// here and read first, so that no byte is lost or out of order.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

#define RIGHTS_COMMON                                                                              \
    (WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WASI_RIGHT_FD_FILESTAT_GET | WASI_RIGHT_POLL_FD_READWRITE)

static struct stream streams[STREAM_COUNT] = {
    {true, STREAM_INPUT, 0, RIGHTS_COMMON | WASI_RIGHT_FD_READ},
    {true, STREAM_OUTPUT, 0, RIGHTS_COMMON | WASI_RIGHT_FD_WRITE},
    {true, STREAM_ERROR, 0, RIGHTS_COMMON | WASI_RIGHT_FD_WRITE},
};

// Input asked for ahead. At most one of: under way (`id`), bytes at hand, an end or failure not yet
// told.
static struct {
    u64 id; // of the message under way; 0: none
    u32 start;
    u32 end; // bytes at hand: [start, end)
    bool over;
    i32 error; // with `over`: why, or WASI_OK at the end of the stream
    u8 bytes[WASI_AHEAD_BYTES];
} ahead;

struct stream *stream_of(u32 fd)
{
    return fd < STREAM_COUNT && streams[fd].open ? &streams[fd] : NULL;
}

// The stream of a descriptor that may be used for `right`; else an errno in *error. The wrong
// direction is EBADF as in POSIX, a right given up is ENOTCAPABLE.
static struct stream *stream_for(u32 fd, u64 right, i32 *error)
{
    struct stream *stream = stream_of(fd);
    *error = WASI_BADF;
    if (stream == NULL || (right == WASI_RIGHT_FD_READ) != (stream->number == STREAM_INPUT)) {
        return NULL;
    }
    *error = WASI_NOTCAPABLE;
    return (stream->rights & right) != 0 ? stream : NULL;
}

// ---- input ahead

i32 input_ask(void)
{
    if (ahead.id != 0 || ahead.start != ahead.end || ahead.over) {
        return WASI_OK;
    }
    return message_read_send(WASI_AHEAD_BYTES, &ahead.id);
}

enum input input_state(u32 *bytes)
{
    *bytes = ahead.end - ahead.start;
    return *bytes != 0 || ahead.over ? INPUT_READY : INPUT_UNKNOWN;
}

bool input_event(const struct rt_event *event)
{
    if (event->kind != NOTIFICATION_ANSWER || ahead.id == 0 || event->id != ahead.id) {
        return false;
    }
    struct span bytes = {0};
    ahead.id = 0;
    ahead.error =
        event->error != 0 ? WASI_IO : message_read_answer(event->body, sizeof ahead.bytes, &bytes);
    ahead.over = ahead.error != WASI_OK || bytes.size == 0;
    mem_copy(ahead.bytes, bytes.data, bytes.size);
    ahead.start = 0;
    ahead.end = (u32)bytes.size;
    return true;
}

// Reads up to `max` bytes, from what is ahead or by a message, which are valid until the next
// message.
static i32 input_read(u32 max, bool blocks, struct span *bytes)
{
    if (!blocks && ahead.start == ahead.end && !ahead.over) {
        i32 error = input_ask();
        struct rt_event event;
        while (error == WASI_OK && ahead.id != 0 && rt_poll(&event)) {
            (void)input_event(
                &event); // what is not input is a timer that nobody waits for any more
        }
        if (error != WASI_OK || ahead.id != 0) {
            return error != WASI_OK ? error : WASI_AGAIN;
        }
    }
    while (ahead.id != 0) {
        struct rt_event event;
        rt_next(&event);
        (void)input_event(&event);
    }
    *bytes = (struct span){0};
    if (ahead.start != ahead.end) {
        u32 left = ahead.end - ahead.start;
        *bytes = span_of(ahead.bytes + ahead.start, left < max ? left : max);
        ahead.start += (u32)bytes->size;
        return WASI_OK;
    }
    if (ahead.over) { // told once; a terminal may go on after its end
        ahead.over = false;
        return ahead.error;
    }
    return message_read(max, bytes);
}

// ---- lists of buffers

struct iovecs {
    u32 at; // in the client's memory
    u32 count;
};

// The buffer `index` of a list. False: the list does not lie in the client's memory.
static bool iovec_get(struct iovecs list, u32 index, struct wasi_iovec *out)
{
    u64 at = (u64)list.at + (u64)index * sizeof *out;
    return at <= UINT32_MAX && client_read(out, (u32)at, sizeof *out) == 0;
}

// Checks a list whole: its own place, each buffer's, and that the sizes add up to a number that the
// result can hold.
static i32 iovecs_check(struct iovecs list, u64 *total)
{
    *total = 0;
    if (list.count > WASI_IOVECS) {
        return WASI_INVAL;
    }
    for (u32 i = 0; i < list.count; i++) {
        struct wasi_iovec iovec;
        u8 last;
        if (!iovec_get(list, i, &iovec)) {
            return WASI_FAULT;
        }
        u64 end = (u64)iovec.start + iovec.size;
        if (iovec.size != 0 &&
            (end > (u64)UINT32_MAX + 1 || client_read(&last, (u32)(end - 1), 1) != 0)) {
            return WASI_FAULT;
        }
        *total += iovec.size;
    }
    return *total <= INT32_MAX ? WASI_OK : WASI_INVAL;
}

// Spreads bytes over the buffers of a list that has room for them.
static i32 iovecs_scatter(struct iovecs list, struct span bytes)
{
    for (u32 i = 0; bytes.size != 0; i++) {
        struct wasi_iovec iovec;
        ASSERT(i < list.count);
        if (!iovec_get(list, i, &iovec)) {
            return WASI_FAULT;
        }
        u32 part = iovec.size < bytes.size ? iovec.size : (u32)bytes.size;
        if (part != 0 && client_write(iovec.start, bytes.data, part) != 0) {
            return WASI_FAULT;
        }
        bytes = span_slice(bytes, part, bytes.size);
    }
    return WASI_OK;
}

// A place in a list: `offset` bytes into the buffer `index`.
struct cursor {
    u32 index;
    u32 offset;
};

// Collects up to CHUNK_BYTES from the list into `chunk`, moving the cursor past them.
static i32 iovecs_gather(struct iovecs list, struct cursor *cursor, u32 *size)
{
    *size = 0;
    while (cursor->index < list.count && *size < CHUNK_BYTES) {
        struct wasi_iovec iovec;
        if (!iovec_get(list, cursor->index, &iovec)) {
            return WASI_FAULT;
        }
        u32 part = iovec.size - cursor->offset;
        if (part > CHUNK_BYTES - *size) {
            part = CHUNK_BYTES - *size;
        }
        if (part != 0 && client_read(chunk + *size, iovec.start + cursor->offset, part) != 0) {
            return WASI_FAULT;
        }
        *size += part;
        cursor->offset += part;
        if (cursor->offset == iovec.size) {
            *cursor = (struct cursor){cursor->index + 1, 0};
        }
    }
    return WASI_OK;
}

// ---- the calls

WASI_EXPORT(fd_read, u32 fd, u32 iovecs, u32 count, u32 size_at)
{
    struct iovecs list = {iovecs, count};
    u64 total;
    i32 error;
    struct stream *stream = stream_for(fd, WASI_RIGHT_FD_READ, &error);
    if (stream == NULL) {
        return error;
    }
    error = iovecs_check(list, &total);
    if (error != WASI_OK) {
        return error;
    }
    if (!client_has(size_at, sizeof(u32))) {
        return WASI_FAULT;
    }
    struct span bytes = {0};
    if (total != 0) {
        u32 max = total < CHUNK_BYTES ? (u32)total : CHUNK_BYTES;
        error = input_read(max, (stream->flags & WASI_FDFLAG_NONBLOCK) == 0, &bytes);
    }
    if (error == WASI_OK) {
        error = iovecs_scatter(list, bytes);
    }
    return error == WASI_OK ? client_store_u32(size_at, (u32)bytes.size) : error;
}

WASI_EXPORT(fd_write, u32 fd, u32 iovecs, u32 count, u32 size_at)
{
    struct iovecs list = {iovecs, count};
    struct cursor cursor = {0};
    u64 total;
    u32 written = 0;
    i32 error;
    struct stream *stream = stream_for(fd, WASI_RIGHT_FD_WRITE, &error);
    if (stream == NULL) {
        return error;
    }
    error = iovecs_check(list, &total);
    if (error != WASI_OK) {
        return error;
    }
    if (!client_has(size_at, sizeof(u32))) {
        return WASI_FAULT;
    }
    while (written < total) {
        u32 size;
        error = iovecs_gather(list, &cursor, &size);
        if (error == WASI_OK && size != 0) {
            error = message_write(stream->number, span_of(chunk, size));
        }
        if (error != WASI_OK || size == 0) {
            break;
        }
        written += size;
    }
    // what was written before a failure counts; the next call meets the failure again
    return written != 0 || error == WASI_OK ? client_store_u32(size_at, written) : error;
}

WASI_EXPORT(fd_close, u32 fd)
{
    struct stream *stream = stream_of(fd);
    if (stream == NULL) {
        return WASI_BADF;
    }
    stream->open = false;
    return WASI_OK;
}

WASI_EXPORT(fd_renumber, u32 from, u32 to)
{
    struct stream *source = stream_of(from);
    struct stream *target = stream_of(to);
    if (source == NULL || target == NULL) {
        return WASI_BADF;
    }
    if (source != target) {
        *target = *source;
        source->open = false;
    }
    return WASI_OK;
}

static u8 filetype(const struct stream *stream)
{
    return message_is_terminal(stream->number) ? WASI_FILETYPE_CHARACTER_DEVICE
                                               : WASI_FILETYPE_UNKNOWN;
}

WASI_EXPORT(fd_fdstat_get, u32 fd, u32 out)
{
    struct stream *stream = stream_of(fd);
    if (stream == NULL) {
        return WASI_BADF;
    }
    struct wasi_fdstat stat = {
        .filetype = filetype(stream), .flags = stream->flags, .rights = stream->rights};
    return client_write(out, &stat, sizeof stat) == 0 ? WASI_OK : WASI_FAULT;
}

WASI_EXPORT(fd_fdstat_set_flags, u32 fd, u32 flags)
{
    struct stream *stream = stream_of(fd);
    if (stream == NULL) {
        return WASI_BADF;
    }
    if ((flags & ~(u32)WASI_FDFLAGS) != 0) {
        return WASI_INVAL;
    }
    if ((stream->rights & WASI_RIGHT_FD_FDSTAT_SET_FLAGS) == 0) {
        return WASI_NOTCAPABLE;
    }
    stream->flags = (u16)flags;
    return WASI_OK;
}

WASI_EXPORT(fd_fdstat_set_rights, u32 fd, u64 rights, u64 inheriting)
{
    struct stream *stream = stream_of(fd);
    if (stream == NULL) {
        return WASI_BADF;
    }
    if ((rights & ~stream->rights) != 0 || inheriting != 0) {
        return WASI_NOTCAPABLE; // rights are given up, never taken
    }
    stream->rights = rights;
    return WASI_OK;
}

WASI_EXPORT(fd_filestat_get, u32 fd, u32 out)
{
    struct stream *stream = stream_of(fd);
    if (stream == NULL) {
        return WASI_BADF;
    }
    struct wasi_filestat stat = {.filetype = filetype(stream), .links = 1};
    return client_write(out, &stat, sizeof stat) == 0 ? WASI_OK : WASI_FAULT;
}
