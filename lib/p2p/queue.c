// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/queue.h"
#include "core/base/assert.h"

_Static_assert(sizeof(struct p2p_chunk) == P2P_CHUNK_BYTES, "a chunk has no padding");

void p2p_pool_init(struct p2p_pool *pool, struct p2p_chunk *chunks, u32 count)
{
    *pool = (struct p2p_pool){.free_count = count, .count = count};
    for (u32 i = 0; i < count; i++) {
        chunks[i].next = pool->free;
        pool->free = &chunks[i];
    }
}

u32 p2p_account_room(const struct p2p_account *account)
{
    ASSERT(account->held <= account->limit);
    u32 of_limit = account->limit - account->held;
    u32 of_pool = account->pool->free_count > account->spared
                      ? account->pool->free_count - account->spared
                      : 0;
    return of_limit < of_pool ? of_limit : of_pool;
}

static struct p2p_chunk *chunk_take(struct p2p_account *account)
{
    if (p2p_account_room(account) == 0) {
        return NULL;
    }
    struct p2p_chunk *chunk = account->pool->free;
    ASSERT(chunk != NULL);
    account->pool->free = chunk->next;
    account->pool->free_count--;
    account->held++;
    chunk->next = NULL;
    chunk->start = 0;
    chunk->end = 0;
    return chunk;
}

static void chunk_give(struct p2p_account *account, struct p2p_chunk *chunk)
{
    ASSERT(account->held > 0);
    chunk->next = account->pool->free;
    account->pool->free = chunk;
    account->pool->free_count++;
    account->held--;
}

size_t p2p_queue_room(const struct p2p_queue *queue, const struct p2p_account *account)
{
    size_t last = queue->last == NULL ? 0 : P2P_CHUNK_DATA_BYTES - (size_t)queue->last->end;
    return last + (size_t)p2p_account_room(account) * P2P_CHUNK_DATA_BYTES;
}

size_t p2p_queue_append(struct p2p_queue *queue, struct p2p_account *account, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        struct p2p_chunk *last = queue->last;
        if (last == NULL || last->end == P2P_CHUNK_DATA_BYTES) {
            struct p2p_chunk *chunk = chunk_take(account);
            if (chunk == NULL) {
                break;
            }
            if (last == NULL) {
                queue->first = chunk;
            } else {
                last->next = chunk;
            }
            queue->last = chunk;
            last = chunk;
        }
        size_t room = P2P_CHUNK_DATA_BYTES - (size_t)last->end;
        size_t size = bytes.size - done < room ? bytes.size - done : room;
        mem_copy(last->bytes + last->end, bytes.data + done, size);
        last->end = (u16)(last->end + size);
        done += size;
    }
    queue->size += done;
    return done;
}

struct span p2p_queue_front(const struct p2p_queue *queue)
{
    struct p2p_chunk *first = queue->first;
    return first == NULL
               ? span_of(NULL, 0)
               : span_of(first->bytes + first->start, (size_t)(first->end - first->start));
}

size_t p2p_queue_copy(const struct p2p_queue *queue, u8 *out, size_t size)
{
    size_t done = 0;
    for (struct p2p_chunk *at = queue->first; at != NULL && done < size; at = at->next) {
        size_t here = (size_t)(at->end - at->start);
        here = here < size - done ? here : size - done;
        mem_copy(out + done, at->bytes + at->start, here);
        done += here;
    }
    return done;
}

void p2p_queue_skip(struct p2p_queue *queue, struct p2p_account *account, size_t size)
{
    ASSERT(size <= queue->size);
    queue->size -= size;
    while (size > 0 || (queue->first != NULL && queue->first->start == queue->first->end)) {
        struct p2p_chunk *first = queue->first;
        ASSERT(first != NULL);
        size_t here = (size_t)(first->end - first->start);
        if (here > size) {
            first->start = (u16)(first->start + size);
            break;
        }
        size -= here;
        queue->first = first->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
        chunk_give(account, first);
    }
}

void p2p_queue_drop(struct p2p_queue *queue, struct p2p_account *account)
{
    p2p_queue_skip(queue, account, queue->size);
}
