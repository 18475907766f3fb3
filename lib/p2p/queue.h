// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/queue.h: queues of bytes made of chunks that all connections of a host share.
//
// Use     p2p_pool_init over the caller's memory; a struct p2p_account for each user with a bound;
//         then queues: append at the end, look at the front, drop from it.
// Owner   the pool's memory is the caller's. A queue that is dropped or emptied holds no chunk.
// Limits  the pool's size for all, an account's for one: P2P_RECEIVE_CHUNKS, P2P_SEND_CHUNKS.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/p2p/limits.h"

enum { P2P_CHUNK_DATA_BYTES = P2P_CHUNK_BYTES - sizeof(void *) - 2 * sizeof(u16) };

struct p2p_chunk {
    struct p2p_chunk *next;
    u16 start; // bytes [start, end) are queued
    u16 end;
    u8 bytes[P2P_CHUNK_DATA_BYTES];
};

struct p2p_pool {
    struct p2p_chunk *free;
    u32 free_count;
    u32 count;
};

struct p2p_account {
    struct p2p_pool *pool;
    u32 held;
    u32 limit;
    u32 spared; // chunks of the pool that this account leaves to others
};

struct p2p_queue {
    struct p2p_chunk *first;
    struct p2p_chunk *last;
    size_t size; // bytes
};

void p2p_pool_init(struct p2p_pool *pool, struct p2p_chunk *chunks, u32 count);

// Chunks that the account may still take.
u32 p2p_account_room(const struct p2p_account *account);

// Appends as many bytes as there is room for; returns how many.
size_t p2p_queue_append(struct p2p_queue *queue, struct p2p_account *account, struct span bytes);
// How many bytes p2p_queue_append would take.
size_t p2p_queue_room(const struct p2p_queue *queue, const struct p2p_account *account);

// The bytes at the front that lie together; empty when the queue is.
struct span p2p_queue_front(const struct p2p_queue *queue);
// Copies up to `size` bytes from the front; returns how many.
size_t p2p_queue_copy(const struct p2p_queue *queue, u8 *out, size_t size);
// Drops bytes from the front; size <= queue->size.
void p2p_queue_skip(struct p2p_queue *queue, struct p2p_account *account, size_t size);
void p2p_queue_drop(struct p2p_queue *queue, struct p2p_account *account);
