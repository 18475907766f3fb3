// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/channel.h"

#include "core/base/assert.h"
#include "core/base/mem.h"

enum { SIZE_BYTES = 4 };

struct channel channel_over(u8 *room, size_t capacity)
{
    return (struct channel){.room = room, .capacity = capacity};
}

// The frame that was taken goes, and what was read behind it moves to the front.
static void taken_drop(struct channel *channel)
{
    ASSERT(channel->taken <= channel->size);
    channel->size -= channel->taken;
    mem_move(channel->room, channel->room + channel->taken, channel->size);
    channel->taken = 0;
}

size_t channel_room(const struct channel *channel, u8 **to)
{
    *to = channel->room + channel->size;
    return channel->capacity - channel->size;
}

void channel_got(struct channel *channel, size_t size)
{
    ASSERT(size <= channel->capacity - channel->size);
    channel->size += size;
}

// The next frame of at least `head` bytes, whole.
static enum err frame_take(struct channel *channel, size_t head, struct span *frame)
{
    taken_drop(channel);
    if (channel->size < SIZE_BYTES) {
        return ERR_PAUSED;
    }
    size_t size = SIZE_BYTES + (size_t)mem_load_u32(channel->room);
    if (size < head || size > channel->capacity) {
        return ERR_MALFORMED;
    }
    if (channel->size < size) {
        return ERR_PAUSED;
    }
    channel->taken = size;
    *frame = span_of(channel->room, size);
    return ERR_OK;
}

enum err channel_take_call(struct channel *channel, u64 *function, struct span *body)
{
    struct span frame;
    TRY(frame_take(channel, CHANNEL_CALL_HEAD, &frame));
    *function = mem_load_u64(frame.data + SIZE_BYTES);
    *body = span_slice(frame, CHANNEL_CALL_HEAD, frame.size);
    return ERR_OK;
}

enum err channel_take_answer(struct channel *channel, u32 *code, struct span *body)
{
    struct span frame;
    TRY(frame_take(channel, CHANNEL_ANSWER_HEAD, &frame));
    *code = mem_load_u32(frame.data + SIZE_BYTES);
    *body = span_slice(frame, CHANNEL_ANSWER_HEAD, frame.size);
    return ERR_OK;
}

void channel_write_call(u8 out[CHANNEL_CALL_HEAD], u64 function, size_t body_size)
{
    ASSERT(body_size <= CHANNEL_CALL_BYTES - CHANNEL_CALL_HEAD);
    mem_store_u32(out, (u32)(body_size + CHANNEL_CALL_HEAD - SIZE_BYTES));
    mem_store_u64(out + SIZE_BYTES, function);
}

void channel_write_answer(u8 out[CHANNEL_ANSWER_HEAD], u32 code, size_t body_size)
{
    ASSERT(body_size <= CHANNEL_ANSWER_BYTES - CHANNEL_ANSWER_HEAD);
    mem_store_u32(out, (u32)(body_size + CHANNEL_ANSWER_HEAD - SIZE_BYTES));
    mem_store_u32(out + SIZE_BYTES, code);
}
