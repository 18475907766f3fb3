// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/buffers.h"

#include "core/base/assert.h"
#include "programs/wasi/limits.h"
#include "programs/wasi/wasi.h"

// The buffer `index` of a list. False: the list does not lie in the client's memory.
static bool buffer_get(struct buffers list, u32 index, struct wasi_iovec *out)
{
    u64 at = (u64)list.at + (u64)index * sizeof *out;
    return at <= UINT32_MAX && client_read(out, (u32)at, sizeof *out) == 0;
}

i32 buffers_check(struct buffers list, u64 *total)
{
    *total = 0;
    if (list.count > WASI_IOVECS) {
        return WASI_INVAL;
    }
    for (u32 i = 0; i < list.count; i++) {
        struct wasi_iovec iovec;
        u8 last;
        if (!buffer_get(list, i, &iovec)) {
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

i32 buffers_scatter(struct buffers list, struct cursor *cursor, struct span bytes)
{
    while (bytes.size != 0) {
        struct wasi_iovec iovec;
        if (cursor->index >= list.count || !buffer_get(list, cursor->index, &iovec) ||
            cursor->offset > iovec.size) {
            return WASI_FAULT; // what was read has overwritten the list
        }
        u32 part = iovec.size - cursor->offset;
        part = part < bytes.size ? part : (u32)bytes.size;
        if (part != 0 && client_write(iovec.start + cursor->offset, bytes.data, part) != 0) {
            return WASI_FAULT;
        }
        bytes = span_slice(bytes, part, bytes.size);
        cursor->offset += part;
        if (cursor->offset == iovec.size) {
            *cursor = (struct cursor){cursor->index + 1, 0};
        }
    }
    return WASI_OK;
}

i32 buffers_gather(struct buffers list, struct cursor *cursor, u32 *size)
{
    *size = 0;
    while (cursor->index < list.count && *size < CHUNK_BYTES) {
        struct wasi_iovec iovec;
        if (!buffer_get(list, cursor->index, &iovec) || cursor->offset > iovec.size) {
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

i32 buffers_send(struct buffers list, u64 total, u64 to,
                 i32 (*write)(u64 to, struct span bytes, u32 *count), u32 *size)
{
    struct cursor cursor = {0};
    i32 error = WASI_OK;
    *size = 0;
    while (*size < total) {
        u32 part;
        error = buffers_gather(list, &cursor, &part);
        u32 count = 0;
        if (error == WASI_OK && part != 0) {
            error = write(to, span_of(chunk, part), &count);
        }
        *size += count;
        if (error != WASI_OK || part == 0) {
            break;
        }
    }
    return *size != 0 ? WASI_OK : error; // the next call meets the failure again
}
