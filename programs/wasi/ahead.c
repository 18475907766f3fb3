// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/wasi/ahead.h"

#include "core/base/assert.h"
#include "core/base/mem.h"
#include "programs/rt/redshirt.h"
#include "programs/wasi/tcp.h"
#include "programs/wasi/wasi.h"

struct ahead ahead_input = {.kind = AHEAD_INPUT};

static struct ahead *first; // of those with a message under way

static bool has_some(const struct ahead *ahead)
{
    return ahead->start != ahead->end || ahead->connection != 0 || ahead->over;
}

i32 ahead_ask(struct ahead *ahead)
{
    i32 error = WASI_OK;
    if (ahead->id != 0 || has_some(ahead)) {
        return WASI_OK;
    }
    switch (ahead->kind) {
    case AHEAD_INPUT:
        error = message_read_send(WASI_AHEAD_BYTES, &ahead->id);
        break;
    case AHEAD_SOCKET:
        error = socket_read_send(ahead->socket, WASI_AHEAD_BYTES, &ahead->id);
        break;
    default:
        error = socket_accept_send(ahead->socket, &ahead->id);
        break;
    }
    if (error == WASI_OK) {
        ASSERT(ahead->id != 0);
        ahead->next = first;
        first = ahead;
    }
    return error;
}

bool ahead_is_ready(const struct ahead *ahead, u32 *bytes)
{
    *bytes = ahead->end - ahead->start + (ahead->connection != 0 ? 1 : 0);
    return has_some(ahead);
}

static void unlink_one(struct ahead *ahead)
{
    struct ahead **at = &first;
    while (*at != ahead) {
        at = &(*at)->next;
    }
    *at = ahead->next;
    ahead->id = 0;
}

bool ahead_event(const struct rt_event *event)
{
    struct ahead *ahead = event->kind == NOTIFICATION_ANSWER ? first : NULL;
    while (ahead != NULL && ahead->id != event->id) {
        ahead = ahead->next;
    }
    if (ahead == NULL) {
        return false;
    }
    unlink_one(ahead);
    struct span bytes = {0};
    ahead->error = WASI_IO;
    if (event->error == 0 && ahead->kind == AHEAD_LISTENER) {
        ahead->error = socket_accept_answer(event->body, &ahead->connection);
    } else if (event->error == 0) {
        ahead->error = ahead->kind == AHEAD_INPUT
                           ? message_read_answer(event->body, sizeof ahead->bytes, &bytes)
                           : socket_read_answer(event->body, sizeof ahead->bytes, &bytes);
    }
    ahead->over = ahead->error != WASI_OK || (ahead->kind != AHEAD_LISTENER && bytes.size == 0);
    mem_copy(ahead->bytes, bytes.data, bytes.size);
    ahead->start = 0;
    ahead->end = (u32)bytes.size;
    return true;
}

void ahead_look(void)
{
    struct rt_event event;
    while (rt_poll(&event)) { // what nobody asked for is a timer that nobody waits for any more
        (void)ahead_event(&event);
    }
}

// Waits for what was asked for, if it was.
static void await(const struct ahead *ahead)
{
    while (ahead->id != 0) {
        struct rt_event event;
        rt_next(&event);
        (void)ahead_event(&event);
    }
}

// Asks and looks, for who must not wait.
static i32 try(struct ahead *ahead)
{
    i32 error = ahead_ask(ahead);
    if (error == WASI_OK && ahead->id != 0) {
        ahead_look();
    }
    return error == WASI_OK && ahead->id != 0 ? WASI_AGAIN : error;
}

i32 ahead_read(struct ahead *ahead, u32 max, bool blocks, struct span *bytes)
{
    *bytes = (struct span){0};
    i32 error = blocks ? WASI_OK : try(ahead);
    if (error != WASI_OK) {
        return error;
    }
    await(ahead);
    if (ahead->start != ahead->end) {
        u32 left = ahead->end - ahead->start;
        *bytes = span_of(ahead->bytes + ahead->start, left < max ? left : max);
        ahead->start += (u32)bytes->size;
        return WASI_OK;
    }
    if (ahead->over) { // told once; a terminal may go on after its end
        ahead->over = false;
        return ahead->error;
    }
    return ahead->kind == AHEAD_INPUT ? message_read(max, bytes)
                                      : socket_read(ahead->socket, max, bytes);
}

i32 ahead_peek(struct ahead *ahead, bool blocks, struct span *bytes)
{
    i32 error = blocks ? ahead_ask(ahead) : try(ahead);
    *bytes = (struct span){0};
    if (error != WASI_OK) {
        return error;
    }
    await(ahead);
    *bytes = span_of(ahead->bytes + ahead->start, ahead->end - ahead->start);
    return ahead->over ? ahead->error : WASI_OK;
}

i32 ahead_accept(struct ahead *ahead, bool blocks, u64 *connection)
{
    i32 error = blocks ? ahead_ask(ahead) : try(ahead);
    if (error != WASI_OK) {
        return error;
    }
    await(ahead);
    *connection = ahead->connection;
    ahead->connection = 0;
    error = ahead->over ? ahead->error : WASI_OK;
    ahead->over = false;
    return error;
}

void ahead_drop(struct ahead *ahead)
{
    if (ahead->id != 0) {
        message_cancel(ahead->id);
        unlink_one(ahead);
    }
    if (ahead->connection != 0) {
        (void)socket_close(ahead->connection);
    }
}
