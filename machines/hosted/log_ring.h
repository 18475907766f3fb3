// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/log_ring.h: the last bytes that programs and the log have written to the standard
// error, for who looks on later.
//
// Bytes have numbers, from 0 on and never again the same, so that who reads goes on where he was.
//
// Use     zero at first. log_ring_add by the devices' thread; log_ring_read by any other.
// Threads any; who adds waits for a copy of what is read, at most.
// Limits  HOSTED_LOG_KEPT_BYTES.
#pragma once
#include <pthread.h>

#include "core/base/span.h"
#include "core/base/types.h"
#include "machines/hosted/limits.h"

struct log_ring {
    pthread_mutex_t lock; // PTHREAD_MUTEX_INITIALIZER
    u64 end;              // the number of the next byte
    u8 bytes[HOSTED_LOG_KEPT_BYTES];
};

void log_ring_add(struct log_ring *ring, struct span bytes);

// Copies what is kept from the byte `after` on, and moves that to the first byte copied: one that
// is not kept any more, or not there yet, is not waited for. Returns how many.
size_t log_ring_read(struct log_ring *ring, u64 *after, u8 *out, size_t capacity);
