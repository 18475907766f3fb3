// SPDX-License-Identifier: GPL-3.0-or-later
// The devices redshirt:io/stdio and redshirt:io/log over the process's own descriptors (stream.h).
//
// A write that wants an answer is written out of the message's body, which stays until it is
// answered. One that wants none is copied; when too many of those wait, the device takes no more
// messages, so they stay with the kernel, charged to their senders.
#define _GNU_SOURCE 1
#include <stdlib.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/assert.h"
#include "core/base/text.h"
#include "core/kernel/device.h"
#include "interfaces/log.h"
#include "interfaces/stdio.h"
#include "machines/hosted/devices.h"
#include "machines/hosted/log_line.h"
#include "machines/hosted/log_ring.h"
#include "machines/hosted/loop.h"
#include "machines/hosted/stream.h"
#include "machines/hosted/terminal.h"

enum { STANDARD_STREAMS = 3, READ_PREFIX_BYTES = 5 };

struct standard_device {
    struct hosted_device device;
    struct hosted_standard *standard;
    u64 unanswered_bytes; // atomic: what was copied and is not written yet
    u8 answer[READ_PREFIX_BYTES + HOSTED_IO_BYTES]; // of a read: the input's thread alone
};

struct request {
    struct stream_request stream;
    struct standard_device *owner;
    u32 copy_bytes; // of `copy` and the struct, counted in unanswered_bytes; 0: nothing was copied
    u8 copy[];
};

// ---- life of the streams

enum err hosted_standard_start(struct hosted_standard *standard)
{
    *standard = (struct hosted_standard){0};
    standard->streams = calloc(STANDARD_STREAMS, sizeof(struct stream));
    standard->log = calloc(1, sizeof *standard->log);
    if (standard->streams == NULL || standard->log == NULL) {
        return ERR_NO_MEMORY;
    }
    int failed = pthread_mutex_init(&standard->log->lock, NULL);
    ASSERT(failed == 0);
    for (int i = 0; i < STANDARD_STREAMS; i++) {
        standard->is_terminal[i] = isatty(i) == 1;
        TRY(stream_start(&standard->streams[i], i, i == STDIN_FILENO));
        terminal_stream(i, standard->is_terminal[i] ? &standard->streams[i] : NULL);
    }
    return ERR_OK;
}

void hosted_standard_stop(struct hosted_standard *standard)
{
    for (int i = 0; standard->streams != NULL && i < STANDARD_STREAMS; i++) {
        terminal_stream(i, NULL);
        stream_stop(&standard->streams[i], &standard->is_abandoned);
    }
    free(standard->streams);
    free(standard->log);
    standard->streams = NULL;
    standard->log = NULL;
}

// ---- writing

static void request_free(struct request *request)
{
    struct standard_device *owner = request->owner;
    if (request->copy_bytes != 0) {
        u64 before =
            __atomic_fetch_sub(&owner->unanswered_bytes, request->copy_bytes, __ATOMIC_ACQ_REL);
        if (before >= HOSTED_UNANSWERED_BYTES) {
            hosted_device_resume(&owner->device);
        }
    }
    free(request);
}

static struct request *request_make(struct standard_device *owner,
                                    const struct interface_message *message, size_t copy_bytes)
{
    struct request *request = malloc(sizeof *request + copy_bytes);
    if (request != NULL) {
        *request = (struct request){.owner = owner};
        request->stream.client = message->client;
        request->stream.message = message->id;
    }
    return request;
}

// Counts what a request copied, and lets the device rest when that is too much.
static void request_count(struct request *request, size_t copied)
{
    struct standard_device *owner = request->owner;
    request->copy_bytes = (u32)(sizeof *request + copied);
    u64 after = __atomic_add_fetch(&owner->unanswered_bytes, request->copy_bytes, __ATOMIC_ACQ_REL);
    if (after >= HOSTED_UNANSWERED_BYTES) {
        __atomic_store_n(&owner->device.is_paused, true, __ATOMIC_RELEASE);
        // The writer may have come below the bound before it could see the pause.
        if (__atomic_load_n(&owner->unanswered_bytes, __ATOMIC_ACQUIRE) < HOSTED_UNANSWERED_BYTES) {
            hosted_device_resume(&owner->device);
        }
    }
}

// Hands a request to a stream; when that refuses, answers busy.
static void request_hand_over(struct request *request, enum stdio_stream stream)
{
    struct standard_device *owner = request->owner;
    u64 message = request->stream.message;
    if (stream_request(&owner->standard->streams[stream], &request->stream) != ERR_OK) {
        request_free(request);
        hosted_answer_error(&owner->device, message, E_BUSY);
    }
}

static enum stdio_error error_of(enum err err)
{
    return err == ERR_CLOSED ? STDIO_ERROR_CLOSED : STDIO_ERROR_FAILED;
}

static void answer_written(struct standard_device *owner, u64 message, enum err err)
{
    u8 body[STDIO_WRITE_RESULT_BYTES];
    struct stdio_result_none_error result = {.ok = err == ERR_OK};
    if (err != ERR_OK) {
        result.error = error_of(err);
    }
    size_t size = stdio_write_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    hosted_answer(&owner->device, message, span_of(body, size));
}

static void written(struct stream_request *stream, enum err err, struct span bytes)
{
    (void)bytes;
    struct request *request = CONTAINER_OF(stream, struct request, stream);
    answer_written(request->owner, request->stream.message, err);
    request_free(request);
}

// What `redshirt log` shows.
static void log_add(struct stream_request *stream, struct span bytes)
{
    const struct request *request = CONTAINER_OF(stream, struct request, stream);
    log_ring_add(request->owner->standard->log, bytes);
}

static void do_write(void *context, const struct interface_message *message,
                     const struct stdio_write_call *arguments)
{
    struct standard_device *owner = context;
    struct span bytes = arguments->bytes;
    if (arguments->stream == STDIO_STREAM_INPUT || bytes.size > HOSTED_IO_BYTES) {
        answer_written(owner, message->id, ERR_INVALID);
        return;
    }
    bool copies = message->id == 0;
    struct request *request = request_make(owner, message, copies ? bytes.size : 0);
    if (request == NULL) {
        hosted_answer_error(&owner->device, message->id, E_NO_MEMORY);
        return;
    }
    request->stream.done = written;
    request->stream.accepted = arguments->stream == STDIO_STREAM_ERROR ? log_add : NULL;
    request->stream.bytes = bytes;
    if (copies) {
        mem_copy(request->copy, bytes.data, bytes.size);
        request->stream.bytes = span_of(request->copy, bytes.size);
        request_count(request, bytes.size);
    }
    request_hand_over(request, arguments->stream);
}

// ---- reading

static void answer_read(struct standard_device *owner, u64 message, enum err err, struct span bytes)
{
    if (err != ERR_OK) {
        u8 body[16];
        struct stdio_result_bytes_error result = {.error = error_of(err)};
        size_t size = stdio_read_encode_result(body, sizeof body, &result);
        ASSERT(size <= sizeof body);
        hosted_answer(&owner->device, message, span_of(body, size));
        return;
    }
    struct stdio_result_bytes_error result = {.ok = true, .value = bytes};
    size_t size = stdio_read_encode_result(owner->answer, sizeof owner->answer, &result);
    ASSERT(size <= sizeof owner->answer);
    hosted_answer(&owner->device, message, span_of(owner->answer, size));
}

static void was_read(struct stream_request *stream, enum err err, struct span bytes)
{
    struct request *request = CONTAINER_OF(stream, struct request, stream);
    answer_read(request->owner, request->stream.message, err, bytes);
    request_free(request);
}

static void do_read(void *context, const struct interface_message *message,
                    const struct stdio_read_call *arguments)
{
    struct standard_device *owner = context;
    if (message->id == 0) {
        return; // the bytes would be lost
    }
    struct request *request = request_make(owner, message, 0);
    if (request == NULL || arguments->max == 0) {
        free(request);
        hosted_answer_error(&owner->device, message->id,
                            arguments->max == 0 ? E_MALFORMED : E_NO_MEMORY);
        return;
    }
    request->stream.done = was_read;
    request->stream.max = arguments->max < HOSTED_IO_BYTES ? arguments->max : HOSTED_IO_BYTES;
    request_hand_over(request, STDIO_STREAM_INPUT);
}

static void do_is_terminal(void *context, const struct interface_message *message,
                           const struct stdio_is_terminal_call *arguments)
{
    struct standard_device *owner = context;
    u8 body[STDIO_IS_TERMINAL_RESULT_BYTES];
    size_t size = stdio_is_terminal_encode_result(body, sizeof body,
                                                  owner->standard->is_terminal[arguments->stream]);
    ASSERT(size <= sizeof body);
    hosted_answer(&owner->device, message->id, span_of(body, size));
}

static const struct stdio_handler stdio_handler = {
    .read = do_read, .write = do_write, .is_terminal = do_is_terminal};

// ---- lines of log

static void line_written(struct stream_request *stream, enum err err, struct span bytes)
{
    (void)err; // there is nobody else to tell
    (void)bytes;
    struct request *request = CONTAINER_OF(stream, struct request, stream);
    hosted_answer(&request->owner->device, request->stream.message, (struct span){0});
    request_free(request);
}

static void do_log(void *context, const struct interface_message *message,
                   const struct log_write_call *arguments)
{
    struct standard_device *owner = context;
    struct span line = arguments->line;
    line.size = line.size < HOSTED_LOG_BYTES ? line.size : HOSTED_LOG_BYTES;
    size_t capacity = line.size + HOSTED_LOG_BESIDE;
    struct request *request = request_make(owner, message, capacity);
    if (request == NULL) {
        hosted_answer_error(&owner->device, message->id, E_NO_MEMORY);
        return;
    }
    struct text text = text_over((char *)request->copy, capacity);
    hosted_log_line(&text, arguments->level, line);
    ASSERT(!text.cut);
    request->stream.bytes = span_of(request->copy, text.size);
    request->stream.done = line_written;
    request_count(request, capacity);
    request_hand_over(request, STDIO_STREAM_ERROR);
}

static const struct log_handler log_handler = {.write = do_log};

// ---- events

static void stdio_cancel(struct standard_device *owner, u64 message)
{
    struct stream_request *found;
    struct stream *input = &owner->standard->streams[STDIO_STREAM_INPUT];
    if (stream_cancel(input, message, &found)) {
        hosted_answer_error(&owner->device, message, E_CANCELLED);
        request_free(CONTAINER_OF(found, struct request, stream));
    }
}

// What a client wrote before it went is still written; what it wanted to read is kept for others.
static void stdio_client_gone(struct standard_device *owner, u64 client)
{
    struct stream_request *found;
    struct stream *input = &owner->standard->streams[STDIO_STREAM_INPUT];
    while (stream_cancel_client(input, client, &found)) {
        hosted_answer_error(&owner->device, found->message, E_CANCELLED);
        request_free(CONTAINER_OF(found, struct request, stream));
    }
}

static void stdio_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct standard_device *owner = CONTAINER_OF(device, struct standard_device, device);
    struct interface_message message = hosted_message(event);
    switch (event->kind) {
    case KERNEL_EVENT_MESSAGE:
        hosted_dispatched(device, event->id, stdio_dispatch(&stdio_handler, owner, &message));
        return;
    case KERNEL_EVENT_CLIENT_GONE:
        stdio_client_gone(owner, event->client);
        return;
    case KERNEL_EVENT_CANCELLED:
        stdio_cancel(owner, event->id);
        return;
    }
}

static void log_handle(struct hosted_device *device, const struct kernel_event *event)
{
    struct standard_device *owner = CONTAINER_OF(device, struct standard_device, device);
    if (event->kind == KERNEL_EVENT_MESSAGE) {
        struct interface_message message = hosted_message(event);
        hosted_dispatched(device, event->id, log_dispatch(&log_handler, owner, &message));
    }
}

static void standard_drop(struct hosted_device *device)
{
    free(CONTAINER_OF(device, struct standard_device, device));
}

static enum err standard_add(struct hosted_loop *loop, struct kernel *kernel,
                             struct hosted_standard *standard,
                             const struct interface_definition *interface,
                             void (*handle)(struct hosted_device *, const struct kernel_event *))
{
    struct standard_device *owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        return ERR_NO_MEMORY;
    }
    owner->standard = standard;
    owner->device = (struct hosted_device){.handle = handle, .drop = standard_drop};
    enum err err = hosted_device_add(loop, kernel, interface, &owner->device);
    if (err != ERR_OK) {
        free(owner);
    }
    return err;
}

enum err hosted_stdio_add(struct hosted_loop *loop, struct kernel *kernel,
                          struct hosted_standard *standard)
{
    return standard_add(loop, kernel, standard, &stdio_interface, stdio_handle);
}

enum err hosted_log_add(struct hosted_loop *loop, struct kernel *kernel,
                        struct hosted_standard *standard)
{
    return standard_add(loop, kernel, standard, &log_interface, log_handle);
}
