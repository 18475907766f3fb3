// SPDX-License-Identifier: GPL-3.0-or-later
// Pipes, and what a process sends to stdio about a stream that leads into one or nowhere. After
// whatever changes a pipe, pump_locked moves what can be moved: bytes of calls that wait into the
// ring, and out of it into answers. Only so many calls wait for one pipe that this takes no longer
// than a sweep.
#include "core/kernel/pipe.h"
#include "core/kernel/answer.h"
#include "core/kernel/internal.h"
#include "interfaces/processes.h"
#include "interfaces/stdio.h"

struct pipe {
    struct pool_item item;
    struct process *family; // charged for it
    struct list reads;      // struct message by handler_note.node, PENDING_READ
    struct list writes;     // the same, PENDING_WRITE: none while there is room in the ring
    u32 read_count;
    u32 write_count;
    u32 readers; // shares in its ends
    u32 writers;
    u32 start; // of the bytes that are in it
    u32 size;
    u8 *bytes; // KERNEL_PIPE_BYTES of kernel->memory
};

enum { READ_PREFIX_BYTES = 5 }; // of an answer with bytes: that it is one, and how many

STATIC_ASSERT(KERNEL_PIPE_WAITING <= KERNEL_SWEEP);
STATIC_ASSERT(READ_PREFIX_BYTES + KERNEL_PIPE_BYTES <= KERNEL_BODY_BYTES);

enum err pipes_init(struct kernel *kernel)
{
    struct memory *memory = kernel_memory(kernel);
    TRY(pool_init(&kernel->pipes, memory, sizeof(struct pipe), KERNEL_PIPES));
    return pool_init(&kernel->pipe_ends, memory, sizeof(struct pipe_end), 2 * KERNEL_PIPES);
}

void pipes_drop(struct kernel *kernel)
{
    ASSERT(kernel->pipes.used == 0 && kernel->pipe_ends.used == 0);
    pool_drop(&kernel->pipes);
    pool_drop(&kernel->pipe_ends);
}

// ---- the ring

static void ring_put(struct pipe *pipe, const u8 *from, u32 size)
{
    ASSERT(size <= KERNEL_PIPE_BYTES - pipe->size);
    u32 at = (pipe->start + pipe->size) % KERNEL_PIPE_BYTES;
    u32 first = size < KERNEL_PIPE_BYTES - at ? size : KERNEL_PIPE_BYTES - at;
    mem_copy(pipe->bytes + at, from, first);
    mem_copy(pipe->bytes, from + first, size - first);
    pipe->size += size;
}

static void ring_take(struct pipe *pipe, u8 *to, u32 size)
{
    ASSERT(size <= pipe->size);
    u32 at = pipe->start;
    u32 first = size < KERNEL_PIPE_BYTES - at ? size : KERNEL_PIPE_BYTES - at;
    mem_copy(to, pipe->bytes + at, first);
    mem_copy(to + first, pipe->bytes, size - first);
    pipe->start = (at + size) % KERNEL_PIPE_BYTES;
    pipe->size -= size;
}

// ---- answers: the same things come about for calls of two interfaces

enum outcome { DONE, CLOSED, NOT_HELD, TOO_MANY, TOO_LONG };

static enum processes_pipe_error pipe_error_of(enum outcome outcome)
{
    switch (outcome) {
    case CLOSED:
        return PROCESSES_PIPE_ERROR_CLOSED;
    case NOT_HELD:
        return PROCESSES_PIPE_ERROR_NOT_FOUND;
    default:
        return PROCESSES_PIPE_ERROR_LIMIT;
    }
}

static void answer_written(struct kernel *kernel, struct message *message, enum outcome outcome)
{
    if (message != NULL && message->function == STDIO_WRITE_ID) {
        struct stdio_result_none_error result = {.ok = outcome == DONE};
        if (!result.ok) {
            result.error = outcome == CLOSED ? STDIO_ERROR_CLOSED : STDIO_ERROR_FAILED;
        }
        ANSWER(kernel, message, stdio_write_encode_result, &result);
        return;
    }
    struct processes_result_none_pipe_error result = {.ok = outcome == DONE};
    if (!result.ok) {
        result.error = pipe_error_of(outcome);
    }
    ANSWER(kernel, message, processes_write_encode_result, &result);
}

static void answer_unread(struct kernel *kernel, struct message *message, enum outcome outcome)
{
    ASSERT(outcome != DONE);
    if (message->function == STDIO_READ_ID) {
        struct stdio_result_bytes_error result = {.error = STDIO_ERROR_FAILED};
        ANSWER(kernel, message, stdio_read_encode_result, &result);
        return;
    }
    struct processes_result_bytes_pipe_error result = {.error = pipe_error_of(outcome)};
    ANSWER(kernel, message, processes_read_encode_result, &result);
}

// Answers with the next bytes, as many as the call wants and there are: none at the end. When they
// have nowhere to go they stay.
static void answer_read(struct kernel *kernel, struct message *message, struct pipe *pipe, u32 max)
{
    u32 count = pipe->size < max ? pipe->size : max;
    u32 size = READ_PREFIX_BYTES + count;
    if (!message_fits_client(message, size)) {
        message_answer_error_locked(kernel, message, -E_TOO_LONG);
        return;
    }
    struct answer_room room;
    if (!answer_room_take(kernel, &room, size)) {
        message_answer_error_locked(kernel, message, -E_NO_MEMORY);
        return;
    }
    // Both interfaces say it alike: a list is its count and its bytes (docs/wire.md).
    struct stdio_result_bytes_error none = {.ok = true};
    size_t prefix = stdio_read_encode_result(room.bytes, READ_PREFIX_BYTES, &none);
    ASSERT(prefix == READ_PREFIX_BYTES);
    mem_store_u32(room.bytes + 1, count);
    ring_take(pipe, room.bytes + READ_PREFIX_BYTES, count);
    message_answer_locked(kernel, message, span_of(room.bytes, size), room.allocated);
}

// ---- moving

// The call waits no more, and is to be answered.
static void leave(struct message *message)
{
    struct pipe *pipe = message->pipe;
    u32 *count = message->pending == PENDING_READ ? &pipe->read_count : &pipe->write_count;
    ASSERT(*count > 0);
    (*count)--;
    list_remove(&message->handler_note.node);
    message->pipe = NULL;
    message->piped = 0;
    message->pending = PENDING_NONE;
}

static void join(struct message *message, struct pipe *pipe, enum message_pending pending)
{
    bool is_read = pending == PENDING_READ;
    message->pending = (u8)pending;
    message->pipe = pipe;
    list_append(is_read ? &pipe->reads : &pipe->writes, &message->handler_note.node);
    *(is_read ? &pipe->read_count : &pipe->write_count) += 1;
}

static struct message *first_of(const struct list *list)
{
    struct list_node *node = list_first(list);
    return node == NULL ? NULL : LIST_ITEM(node, struct message, handler_note.node);
}

// Lets the first call that waits for room put in what fits. False: nothing has changed.
static bool take_in(struct kernel *kernel, struct pipe *pipe)
{
    struct message *message = first_of(&pipe->writes);
    if (message == NULL) {
        return false;
    }
    u32 left = message->body_len - message->piped;
    u32 room = KERNEL_PIPE_BYTES - pipe->size;
    if (left <= room) {
        ring_put(pipe, message->body + message->piped, left);
        leave(message);
        answer_written(kernel, message, DONE);
        return true;
    }
    ring_put(pipe, message->body + message->piped, room);
    message->piped += room;
    return room > 0;
}

// Gives the first call that waits for bytes what there is. False: nothing has changed.
static bool hand_out(struct kernel *kernel, struct pipe *pipe)
{
    struct message *message = first_of(&pipe->reads);
    bool is_at_end = pipe->writers == 0 && list_is_empty(&pipe->writes);
    if (message == NULL || (pipe->size == 0 && !is_at_end)) {
        return false;
    }
    u32 max = message->piped;
    leave(message);
    answer_read(kernel, message, pipe, max);
    return true;
}

static void pump_locked(struct kernel *kernel, struct pipe *pipe)
{
    while (take_in(kernel, pipe) || hand_out(kernel, pipe)) {
    }
}

// ---- shares

static void share_take(struct pipe *pipe, bool is_writer)
{
    *(is_writer ? &pipe->writers : &pipe->readers) += 1;
}

static void pipe_drop(struct kernel *kernel, struct pipe *pipe)
{
    struct process *family = pipe->family;
    ASSERT(list_is_empty(&pipe->reads) && list_is_empty(&pipe->writes));
    ASSERT(family->family_pipes > 0);
    memory_give(kernel_memory(kernel), pipe->bytes, KERNEL_PIPE_BYTES);
    pool_give(&kernel->pipes, pipe);
    family->family_pipes--;
    budget_family_give(family, KERNEL_PIPE_BYTES);
}

static void share_give(struct kernel *kernel, struct pipe *pipe, bool is_writer)
{
    u32 *shares = is_writer ? &pipe->writers : &pipe->readers;
    ASSERT(*shares > 0);
    (*shares)--;
    if (pipe->readers == 0) {
        pipe->size = 0;
        struct message *message;
        while ((message = first_of(&pipe->writes)) != NULL) { // at most KERNEL_PIPE_WAITING
            leave(message);
            answer_written(kernel, message, CLOSED);
        }
    }
    pump_locked(kernel, pipe);
    if (pipe->readers == 0 && pipe->writers == 0) {
        pipe_drop(kernel, pipe);
    }
}

// ---- ends

static struct pipe_end *end_new(struct kernel *kernel, struct process *holder, struct pipe *pipe,
                                bool is_writer)
{
    struct pipe_end *end = pool_take(&kernel->pipe_ends);
    if (end == NULL) {
        return NULL;
    }
    STATIC_ASSERT(2 * KERNEL_PIPES <= 1 << 24);
    end->id = (u64)kernel_tag_locked(kernel) << 24 | end->item.slot;
    end->pipe = pipe;
    end->holder = holder;
    end->is_writer = is_writer;
    list_append(&holder->pipe_ends, &end->of_holder);
    share_take(pipe, is_writer);
    return end;
}

static void end_drop(struct kernel *kernel, struct pipe_end *end)
{
    struct pipe *pipe = end->pipe;
    bool is_writer = end->is_writer;
    list_remove(&end->of_holder);
    pool_give(&kernel->pipe_ends, end);
    share_give(kernel, pipe, is_writer);
}

// A pipe that nobody has a share in.
static enum err pipe_new(struct kernel *kernel, struct process *family, struct pipe **out)
{
    if (family->family_pipes == KERNEL_FAMILY_PIPES || kernel->pipes.used == KERNEL_PIPES ||
        !budget_family_take(family, KERNEL_PIPE_BYTES)) {
        return ERR_LIMIT;
    }
    struct pipe *pipe = pool_take(&kernel->pipes);
    u8 *bytes = pipe == NULL ? NULL : memory_take(kernel_memory(kernel), KERNEL_PIPE_BYTES);
    if (bytes == NULL) {
        if (pipe != NULL) {
            pool_give(&kernel->pipes, pipe);
        }
        budget_family_give(family, KERNEL_PIPE_BYTES);
        return ERR_NO_MEMORY;
    }
    pipe->family = family;
    pipe->bytes = bytes;
    list_init(&pipe->reads);
    list_init(&pipe->writes);
    family->family_pipes++;
    *out = pipe;
    return ERR_OK;
}

enum err pipe_make_locked(struct kernel *kernel, struct process *process, u64 *reader, u64 *writer)
{
    struct process *holder = process->leader;
    struct pipe *pipe;
    TRY(pipe_new(kernel, holder->family, &pipe));
    struct pipe_end *reading = end_new(kernel, holder, pipe, false);
    struct pipe_end *writing = reading == NULL ? NULL : end_new(kernel, holder, pipe, true);
    if (writing == NULL) {
        if (reading == NULL) {
            pipe_drop(kernel, pipe);
        } else {
            end_drop(kernel, reading); // its only share
        }
        return ERR_NO_MEMORY;
    }
    *reader = reading->id;
    *writer = writing->id;
    return ERR_OK;
}

struct pipe_end *pipe_end_find_locked(struct kernel *kernel, const struct process *process, u64 id)
{
    struct pipe_end *end = pool_at(&kernel->pipe_ends, id & 0xffffff);
    return end != NULL && end->id == id && end->holder == process->leader ? end : NULL;
}

// Answers those of the list that wait with the end.
static void end_abandon(struct kernel *kernel, const struct pipe_end *end, struct list *list)
{
    struct list_node *node = list_first(list);
    while (node != NULL) { // at most KERNEL_PIPE_WAITING
        struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        node = list_next(list, node);
        // Who holds an end by number has made the pipe: none of its own streams leads there.
        if (message->client->leader != end->holder) {
            continue;
        }
        leave(message);
        if (end->is_writer) {
            answer_written(kernel, message, NOT_HELD);
        } else {
            answer_unread(kernel, message, NOT_HELD);
        }
    }
}

void pipe_end_close_locked(struct kernel *kernel, struct pipe_end *end)
{
    end_abandon(kernel, end, end->is_writer ? &end->pipe->writes : &end->pipe->reads);
    end_drop(kernel, end);
}

// ---- reading and writing

void pipe_read_locked(struct kernel *kernel, struct message *message, struct pipe *pipe, u32 max)
{
    if (message == NULL || message->id == 0) {
        return; // the bytes would be lost
    }
    if (max == 0) {
        message_answer_error_locked(kernel, message, -E_MALFORMED);
    } else if (pipe->read_count == KERNEL_PIPE_WAITING) {
        answer_unread(kernel, message, TOO_MANY);
    } else {
        message->piped = max;
        join(message, pipe, PENDING_READ);
        pump_locked(kernel, pipe);
    }
}

// Keeps what has no room yet. A call that wants no answer gets a message of its own for that.
static void write_later(struct kernel *kernel, struct process *process, struct message *message,
                        struct pipe *pipe, struct span bytes)
{
    bool is_long = bytes.size > KERNEL_BODY_INLINE;
    u8 *copy = is_long ? body_new(kernel, (u32)bytes.size) : NULL;
    struct message *kept = message;
    if (message == NULL && (copy != NULL || !is_long)) {
        kept = message_new_locked(kernel, process, false);
        if (kept != NULL) { // sent over no bond that could be taken back
            kept->bond = NULL;
            kept->function = 0;
            kept->client_number = 0;
        }
    }
    if (kept == NULL || (is_long && copy == NULL)) {
        if (copy != NULL) {
            body_free(kernel, copy, (u32)bytes.size);
        }
        if (message != NULL) {
            message_answer_error_locked(kernel, message, -E_NO_MEMORY);
        }
        return;
    }
    if (copy != NULL) {
        mem_copy(copy, bytes.data, bytes.size);
    }
    kept->state = MESSAGE_PENDING;
    message_set_body_locked(kernel, kept, bytes, copy);
    join(kept, pipe, PENDING_WRITE);
    pump_locked(kernel, pipe);
}

void pipe_write_locked(struct kernel *kernel, struct process *process, struct message *message,
                       struct pipe *pipe, struct span bytes)
{
    if (bytes.size > KERNEL_PIPE_BYTES) {
        answer_written(kernel, message, TOO_LONG);
    } else if (pipe->readers == 0) {
        answer_written(kernel, message, CLOSED);
    } else if (list_is_empty(&pipe->writes) && bytes.size <= KERNEL_PIPE_BYTES - pipe->size) {
        ring_put(pipe, bytes.data, (u32)bytes.size);
        answer_written(kernel, message, DONE);
        pump_locked(kernel, pipe);
    } else if (pipe->write_count == KERNEL_PIPE_WAITING) {
        answer_written(kernel, message, TOO_MANY);
    } else {
        write_later(kernel, process, message, pipe, bytes);
    }
}

void pipe_left_locked(struct message *message)
{
    // Nobody else moves by this: who waits for room behind it finds as little, and its sender's
    // share is there as before.
    leave(message);
}

// ---- streams

bool stream_is_redirected(const struct process *process, u64 function, struct span body)
{
    const struct stream *streams = process->leader->streams;
    if (function == STDIO_READ_ID) {
        return streams[STREAM_INPUT].kind != STREAM_INHERITED;
    }
    bool names_one = function == STDIO_WRITE_ID || function == STDIO_IS_TERMINAL_ID;
    // What is malformed is the handler's to refuse.
    return names_one && body.size > 0 && body.data[0] < STREAMS &&
           streams[body.data[0]].kind != STREAM_INHERITED;
}

// A call, as the functions below see it.
struct stream_call {
    struct kernel *kernel;
    struct process *process;
    struct message *message;
};

static void call_read(void *context, const struct interface_message *unused,
                      const struct stdio_read_call *body)
{
    (void)unused;
    struct stream_call *call = context;
    struct stream *stream = &call->process->leader->streams[STREAM_INPUT];
    if (stream->kind == STREAM_PIPE) {
        pipe_read_locked(call->kernel, call->message, stream->pipe, body->max);
    } else if (call->message != NULL && body->max == 0) { // as in a pipe
        message_answer_error_locked(call->kernel, call->message, -E_MALFORMED);
    } else {
        struct stdio_result_bytes_error end = {.ok = true};
        ANSWER(call->kernel, call->message, stdio_read_encode_result, &end);
    }
}

static void call_write(void *context, const struct interface_message *unused,
                       const struct stdio_write_call *body)
{
    (void)unused;
    struct stream_call *call = context;
    struct stream *stream = &call->process->leader->streams[body->stream];
    if (body->stream == STDIO_STREAM_INPUT || body->bytes.size > KERNEL_PIPE_BYTES) {
        struct stdio_result_none_error failed = {.error = STDIO_ERROR_FAILED};
        ANSWER(call->kernel, call->message, stdio_write_encode_result, &failed);
    } else if (stream->kind == STREAM_PIPE) {
        pipe_write_locked(call->kernel, call->process, call->message, stream->pipe, body->bytes);
    } else {
        struct stdio_result_none_error done = {.ok = true};
        ANSWER(call->kernel, call->message, stdio_write_encode_result, &done);
    }
}

static size_t encode_is_terminal(void *buffer, size_t capacity, const bool *result)
{
    return stdio_is_terminal_encode_result(buffer, capacity, *result);
}

static void call_is_terminal(void *context, const struct interface_message *unused,
                             const struct stdio_is_terminal_call *unused_body)
{
    (void)unused;
    (void)unused_body;
    struct stream_call *call = context;
    bool is_terminal = false;
    ANSWER(call->kernel, call->message, encode_is_terminal, &is_terminal);
}

void stream_call_locked(struct kernel *kernel, struct process *process, u64 function,
                        struct span body, struct message *message)
{
    static const struct stdio_handler handler = {
        .read = call_read, .write = call_write, .is_terminal = call_is_terminal};
    STATIC_ASSERT((int)STREAM_INPUT == (int)STDIO_STREAM_INPUT);
    STATIC_ASSERT((int)STREAM_OUTPUT == (int)STDIO_STREAM_OUTPUT);
    STATIC_ASSERT((int)STREAM_ERROR == (int)STDIO_STREAM_ERROR);
    struct stream_call call = {kernel, process, message};
    struct interface_message in = {.function = function, .body = body};
    enum err err = stdio_dispatch(&handler, &call, &in);
    if (err != ERR_OK && message != NULL) {
        message_answer_error_locked(kernel, message, -E_MALFORMED);
    }
    process->items += 1 + body.size / (KERNEL_FUEL_ITEM * KERNEL_FUEL_BYTES);
}

bool streams_redirect(const struct process *process, struct span interface)
{
    u8 kinds = 0;
    for (u32 i = 0; i < STREAMS; i++) {
        kinds |= process->leader->streams[i].kind;
    }
    STATIC_ASSERT(STREAM_INHERITED == 0);
    return kinds != 0 && span_equal(interface, SPAN_LITERAL(STDIO_NAME));
}

void streams_inherit_locked(struct process *child, const struct process *parent)
{
    for (u32 i = 0; i < STREAMS; i++) {
        child->streams[i] = parent->streams[i];
        if (child->streams[i].kind == STREAM_PIPE) {
            share_take(child->streams[i].pipe, i != STREAM_INPUT);
        }
    }
}

static void stream_leave(struct kernel *kernel, struct process *process, u32 index)
{
    struct stream stream = process->streams[index];
    process->streams[index] = (struct stream){.kind = STREAM_NOTHING};
    if (stream.kind == STREAM_PIPE) {
        share_give(kernel, stream.pipe, index != STREAM_INPUT);
    }
}

void stream_set_locked(struct kernel *kernel, struct process *child, u32 index,
                       const struct pipe_end *end)
{
    ASSERT(end == NULL || end->is_writer == (index != STREAM_INPUT));
    struct pipe *pipe = end == NULL ? NULL : end->pipe;
    stream_leave(kernel, child, index);
    if (pipe != NULL) {
        child->streams[index] = (struct stream){STREAM_PIPE, pipe};
        share_take(pipe, end->is_writer);
    }
}

void streams_end_locked(struct kernel *kernel, struct process *process)
{
    for (u32 i = 0; i < STREAMS; i++) {
        stream_leave(kernel, process, i);
    }
    struct list_node *node;
    while ((node = list_first(&process->pipe_ends)) != NULL) {
        end_drop(kernel, LIST_ITEM(node, struct pipe_end, of_holder));
        kernel_unlock(kernel); // each may have been waited for by as many as a sweep looks at
        kernel_lock(kernel);
    }
}

// ---- for kernel_check

static u32 check_calls(const struct list *list, const struct pipe *pipe, u32 pending)
{
    u32 count = 0;
    for (struct list_node *node = list_first(list); node != NULL; node = list_next(list, node)) {
        const struct message *message = LIST_ITEM(node, struct message, handler_note.node);
        ASSERT(message->pipe == pipe && message->pending == pending);
        ASSERT(pending != PENDING_WRITE || message->piped <= message->body_len);
        count++;
    }
    return count;
}

u64 pipes_check(struct kernel *kernel)
{
    u32 readers = 0;
    u32 writers = 0;
    u32 of_families = 0;
    for (struct list_node *node = list_first(&kernel->all_processes); node != NULL;
         node = list_next(&kernel->all_processes, node)) {
        const struct process *process = LIST_ITEM(node, struct process, of_kernel);
        of_families += process->family_pipes;
        for (u32 i = 0; i < STREAMS; i++) {
            bool is_pipe = process->streams[i].kind == STREAM_PIPE;
            *(i == STREAM_INPUT ? &readers : &writers) += is_pipe;
        }
        for (struct list_node *end = list_first(&process->pipe_ends); end != NULL;
             end = list_next(&process->pipe_ends, end)) {
            const struct pipe_end *held = LIST_ITEM(end, struct pipe_end, of_holder);
            ASSERT(held->holder == process && process->leader == process);
            *(held->is_writer ? &writers : &readers) += 1;
        }
    }
    for (u32 slot = 0; slot < kernel->pipes.chunk_count * POOL_CHUNK_ITEMS; slot++) {
        const struct pipe *pipe = pool_at(&kernel->pipes, slot);
        if (pipe == NULL) {
            continue;
        }
        ASSERT(check_calls(&pipe->reads, pipe, PENDING_READ) == pipe->read_count);
        ASSERT(check_calls(&pipe->writes, pipe, PENDING_WRITE) == pipe->write_count);
        ASSERT(pipe->readers + pipe->writers > 0 && pipe->size <= KERNEL_PIPE_BYTES);
        ASSERT(pipe->read_count == 0 || (pipe->size == 0 && pipe->writers > 0));
        ASSERT(pipe->write_count == 0 || (pipe->size == KERNEL_PIPE_BYTES && pipe->readers > 0));
        ASSERT(readers >= pipe->readers && writers >= pipe->writers);
        readers -= pipe->readers;
        writers -= pipe->writers;
    }
    ASSERT(readers == 0 && writers == 0 && of_families == kernel->pipes.used);
    return (u64)kernel->pipes.used * KERNEL_PIPE_BYTES;
}
