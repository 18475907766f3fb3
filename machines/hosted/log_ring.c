// SPDX-License-Identifier: GPL-3.0-or-later
#include "machines/hosted/log_ring.h"

#include "core/base/assert.h"
#include "core/base/mem.h"

static void ring_lock(struct log_ring *ring)
{
    int failed = pthread_mutex_lock(&ring->lock);
    ASSERT(failed == 0);
}

static void ring_unlock(struct log_ring *ring)
{
    int failed = pthread_mutex_unlock(&ring->lock);
    ASSERT(failed == 0);
}

// How many of `size` bytes from the number on lie before the ring begins again.
static size_t in_one_piece(u64 number, size_t size)
{
    size_t room = HOSTED_LOG_KEPT_BYTES - (size_t)(number % HOSTED_LOG_KEPT_BYTES);
    return size < room ? size : room;
}

void log_ring_add(struct log_ring *ring, struct span bytes)
{
    ring_lock(ring);
    if (bytes.size > HOSTED_LOG_KEPT_BYTES) { // only the last of them stay
        ring->end += bytes.size - HOSTED_LOG_KEPT_BYTES;
        bytes = span_slice(bytes, bytes.size - HOSTED_LOG_KEPT_BYTES, bytes.size);
    }
    while (bytes.size > 0) {
        size_t size = in_one_piece(ring->end, bytes.size);
        mem_copy(ring->bytes + ring->end % HOSTED_LOG_KEPT_BYTES, bytes.data, size);
        ring->end += size;
        bytes = span_slice(bytes, size, bytes.size);
    }
    ring_unlock(ring);
}

size_t log_ring_read(struct log_ring *ring, u64 *after, u8 *out, size_t capacity)
{
    ring_lock(ring);
    u64 first = ring->end < HOSTED_LOG_KEPT_BYTES ? 0 : ring->end - HOSTED_LOG_KEPT_BYTES;
    u64 number = *after < first ? first : *after > ring->end ? ring->end : *after;
    *after = number;
    u64 left = ring->end - number;
    size_t wanted = left < capacity ? (size_t)left : capacity;
    size_t done = 0;
    while (done < wanted) {
        size_t size = in_one_piece(number + done, wanted - done);
        mem_copy(out + done, ring->bytes + (number + done) % HOSTED_LOG_KEPT_BYTES, size);
        done += size;
    }
    ring_unlock(ring);
    return done;
}
