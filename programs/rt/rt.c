// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/rt.c: calls, events and answers over the three imports. Notifications arrive in one
// buffer of this file's and are handed out one by one; the kernel is asked again when it is empty.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "programs/rt/limits.h"
#include "programs/rt/redshirt.h"

enum { HEADER_BYTES = sizeof(struct abi_notification) };

static ALIGNED(8) u8 buffer_first[RT_EVENT_BYTES_FIRST];
static u8 *buffer = buffer_first;
static u32 buffer_bytes = RT_EVENT_BYTES_FIRST;
static u32 start; // notifications not yet handed out: [start, end) of the buffer
static u32 end;

// ---- names

static const char *const names[] = {
    "E_?",      "E_FAULT",  "E_HANDLE",      "E_FUNCTION",  "E_FLAGS",     "E_TOO_LONG",
    "E_LIMIT",  "E_BUFFER", "E_NO_HANDLER",  "E_GONE",      "E_CANCELLED", "E_MALFORMED",
    "E_DENIED", "E_BUSY",   "E_UNSUPPORTED", "E_NO_MEMORY",
};
STATIC_ASSERT(COUNT_OF(names) == 1 - E_NO_MEMORY);

const char *rt_error_name(i64 error)
{
    return error < 0 && -error < (i64)COUNT_OF(names) ? names[-error] : names[0];
}

// ---- notifications

// The negative error of an error answer's body.
static i32 error_of(const void *body, u32 body_len)
{
    ASSERT(body_len == sizeof(u32));
    i32 code = (i32)mem_load_u32(body);
    ASSERT(code > 0);
    return -code;
}

static void event_read(const u8 *notification, struct rt_event *event)
{
    struct abi_notification header;
    mem_copy(&header, notification, sizeof header);
    ASSERT(header.size >= HEADER_BYTES && header.body_len <= header.size - HEADER_BYTES);
    *event = (struct rt_event){
        .kind = (enum abi_notification_kind)header.kind,
        .id = header.id,
        .function = header.function,
        .client = header.client,
        .registration = header.registration,
        .body = span_of(notification + HEADER_BYTES, header.body_len),
    };
    if (header.flags & NOTIFICATION_IS_ERROR) {
        event->error = error_of(event->body.data, header.body_len);
        event->body.size = 0;
    }
}

static void buffer_drop(void)
{
    if (buffer != buffer_first) {
        memory_give(rt_memory(), buffer, buffer_bytes);
    }
    buffer = buffer_first;
    buffer_bytes = RT_EVENT_BYTES_FIRST;
}

// Makes an empty buffer at least `bytes` long.
static void buffer_grow(u32 bytes)
{
    u32 doubled = bytes <= RT_EVENT_BYTES_KEEP ? buffer_bytes * 2 : bytes;
    buffer_drop();
    buffer_bytes = bytes > doubled ? bytes : doubled;
    buffer = memory_take(rt_memory(), buffer_bytes);
    ASSERT(buffer != NULL); // the kernel would keep the notification for ever: better to end here
}

// Takes the result of a wait into the buffer; grows it where the first notification does not fit.
// False: there was nothing.
static bool buffer_fill(i32 result, u32 flags)
{
    while (result == E_BUFFER) {
        buffer_grow(((const struct abi_notification *)(const void *)buffer)->size);
        result = redshirt_wait(buffer, buffer_bytes, flags);
    }
    ASSERT(result >= 0 && (u32)result <= buffer_bytes);
    start = 0;
    end = (u32)result;
    return end != 0;
}

static bool next(struct rt_event *event, u32 flags)
{
    if (start == end) {
        if (buffer_bytes > RT_EVENT_BYTES_KEEP) {
            buffer_drop();
        }
        if (!buffer_fill(redshirt_wait(buffer, buffer_bytes, flags), flags)) {
            return false;
        }
    }
    event_read(buffer + start, event);
    start += ((const struct abi_notification *)(const void *)(buffer + start))->size;
    ASSERT(start <= end);
    return true;
}

void rt_next(struct rt_event *event)
{
    bool found = next(event, 0);
    ASSERT(found);
}

bool rt_poll(struct rt_event *event)
{
    return next(event, WAIT_POLL);
}

// ---- calls

// Takes the kernel's first notification, an answer too long for its call, into memory of its own.
static i64 answer_take(struct span *answer)
{
    struct abi_notification header;
    i32 result = redshirt_wait(&header, sizeof header, 0);
    if (result == E_BUFFER) {
        u8 *block = memory_take(rt_memory(), header.size);
        ASSERT(block != NULL); // as in buffer_grow
        result = redshirt_wait(block, header.size, 0);
        ASSERT(result == (i32)header.size);
        struct rt_event event;
        event_read(block, &event);
        mem_move(block, event.body.data, event.body.size);
        // shrinks in place
        (void)rt_memory()->resize(rt_memory(), block, header.size, event.body.size);
        *answer = span_of(block, event.body.size);
        return event.error != 0 ? event.error : (i64)event.body.size;
    }
    ASSERT(result == HEADER_BYTES); // an empty body is never too long for its call
    *answer = (struct span){0};
    return 0;
}

i64 rt_call(u32 bond, u64 function, const void *body, u32 body_len, void *answer, u32 answer_len)
{
    u8 code[sizeof(u32)]; // an error answer always finds room
    bool small = answer_len < sizeof code;
    i64 result = redshirt_send(bond, function, body, body_len, small ? code : answer,
                               small ? sizeof code : answer_len, SEND_WAIT);
    if (result == E_BUFFER) {
        struct span dropped;
        (void)answer_take(&dropped);
        memory_give(rt_memory(), (void *)dropped.data, dropped.size);
        return E_BUFFER;
    }
    if (result >= 0 && (result & ANSWER_IS_ERROR)) {
        return error_of(small ? code : answer, (u32)result);
    }
    if (small && result > 0) {
        if ((u64)result > answer_len) {
            return E_BUFFER;
        }
        mem_copy(answer, code, (size_t)result);
    }
    return result;
}

i64 rt_call_large(u32 bond, u64 function, const void *body, u32 body_len, struct span *answer)
{
    u8 code[sizeof(u32)];
    *answer = (struct span){0};
    i64 result = redshirt_send(bond, function, body, body_len, code, sizeof code, SEND_WAIT);
    if (result == E_BUFFER) {
        return answer_take(answer);
    }
    if (result >= 0 && (result & ANSWER_IS_ERROR)) {
        return error_of(code, (u32)result);
    }
    if (result > 0) {
        u8 *block = memory_take(rt_memory(), (size_t)result);
        ASSERT(block != NULL);
        mem_copy(block, code, (size_t)result);
        *answer = span_of(block, (size_t)result);
    }
    return result;
}

i64 rt_send(u32 bond, u64 function, const void *body, u32 body_len)
{
    return redshirt_send(bond, function, body, body_len, NULL, 0, 0);
}

i64 rt_tell(u32 bond, u64 function, const void *body, u32 body_len)
{
    return redshirt_send(bond, function, body, body_len, NULL, 0, SEND_NO_ANSWER);
}

// ---- answers

i32 rt_answer(u64 message, const void *body, u32 body_len)
{
    return message == 0 ? 0 : redshirt_answer(message, body, body_len, NULL, 0, 0);
}

i32 rt_answer_error(u64 message, enum abi_error error)
{
    u32 code = (u32)-error;
    return message == 0 ? 0 : redshirt_answer(message, &code, sizeof code, NULL, 0, ANSWER_ERROR);
}

void rt_answer_next(u64 message, const void *body, u32 body_len, struct rt_event *event)
{
    if (message != 0 && start == end) {
        i32 result = redshirt_answer(message, body, body_len, buffer, buffer_bytes, ANSWER_WAIT);
        if (result >= 0 || result == E_BUFFER) { // answered, in both cases
            (void)buffer_fill(result, 0);
        } else if (result == E_TOO_LONG) {
            (void)rt_answer_error(message, E_TOO_LONG);
        }
    } else if (rt_answer(message, body, body_len) == E_TOO_LONG) {
        (void)rt_answer_error(message, E_TOO_LONG);
    }
    rt_next(event);
}
