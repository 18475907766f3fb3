// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/stream.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "core/base/abi.h"
#include "core/base/assert.h"

enum {
    STOP_SIGNAL = SIGUSR1,  // ends a read or write that blocks; its handler does nothing
    STOP_PATIENCE_MS = 10,  // between two of them: one may come just before the thread blocks
    BLOCKED_POLL_MS = 1000, // for a descriptor that somebody else made non-blocking
};

static void lock(struct stream *stream)
{
    int failed = pthread_mutex_lock(&stream->lock);
    ASSERT(failed == 0);
}

static void unlock(struct stream *stream)
{
    int failed = pthread_mutex_unlock(&stream->lock);
    ASSERT(failed == 0);
}

static struct stream_request *request_of(struct list_node *node)
{
    return node == NULL ? NULL : LIST_ITEM(node, struct stream_request, node);
}

static struct stream_request *first(struct stream *stream)
{
    return request_of(list_first(&stream->requests));
}

static void forget(struct stream *stream, struct stream_request *request)
{
    list_remove(&request->node);
    if (request->message != 0) {
        ASSERT(stream->request_count > 0);
        stream->request_count--;
    }
}

// After a call that failed: whether to try again.
static bool is_passing(struct stream *stream)
{
    if (errno == EINTR) {
        return true;
    }
    if (errno != EAGAIN) {
        return false;
    }
    struct pollfd ready = {.fd = stream->file, .events = stream->is_input ? POLLIN : POLLOUT};
    (void)poll(&ready, 1, BLOCKED_POLL_MS);
    return true;
}

static bool is_abandoned(struct stream *stream)
{
    return __atomic_load_n(&stream->is_abandoned, __ATOMIC_ACQUIRE);
}

static enum err write_error(void)
{
    return errno == EPIPE || errno == EBADF ? ERR_CLOSED : ERR_IO;
}

// Before the host is asked: not while the stream is held, unless that would hold up its end.
static void asking_begin(struct stream *stream)
{
    lock(stream);
    while (stream->is_held && !stream->is_abandoned && (stream->is_input || !stream->is_stopping)) {
        int failed = pthread_cond_wait(&stream->changed, &stream->lock);
        ASSERT(failed == 0);
    }
    stream->is_asking = true;
    unlock(stream);
}

// Keeps errno.
static void asking_end(struct stream *stream)
{
    int error = errno;
    lock(stream);
    stream->is_asking = false;
    int failed = pthread_cond_broadcast(&stream->changed);
    ASSERT(failed == 0);
    unlock(stream);
    errno = error;
}

static enum err write_all(struct stream *stream, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.size) {
        asking_begin(stream);
        bool ends = is_abandoned(stream);
        ssize_t count = ends ? -1 : write(stream->file, bytes.data + done, bytes.size - done);
        if (count > 0 && stream->wrote != NULL) {
            stream->wrote(stream, span_of(bytes.data + done, (size_t)count));
        }
        asking_end(stream);
        if (ends) {
            return ERR_IO;
        }
        if (count < 0 && !is_passing(stream)) {
            return write_error();
        }
        done += count < 0 ? 0 : (size_t)count;
    }
    return ERR_OK;
}

// Serves the first request of an output. The lock is held, and let go meanwhile.
static void serve_write(struct stream *stream)
{
    struct stream_request *request = first(stream);
    forget(stream, request); // a write that has begun cannot be taken back
    stream->is_writing = true;
    unlock(stream);
    enum err err = write_all(stream, request->bytes);
    request->done(request, err, (struct span){0});
    lock(stream);
    stream->is_writing = false;
}

// Writes what goes without blocking, if nothing is to be written before it. Where the host cannot
// say (files, terminals), nothing goes. The lock is held. True: all is written, or *err says why
// not; else the rest of it is left in the request.
static bool write_now(struct stream *stream, struct stream_request *request, enum err *err)
{
    if (stream->is_input || stream->is_held || stream->blocks || stream->is_writing ||
        first(stream) != NULL) {
        return false;
    }
    struct span *bytes = &request->bytes;
    struct iovec part = {(void *)(uintptr_t)bytes->data, bytes->size};
    ssize_t count = pwritev2(stream->file, &part, 1, -1, RWF_NOWAIT);
    if (count >= 0) {
        *bytes = span_of(bytes->data + count, bytes->size - (size_t)count);
        *err = ERR_OK;
        return bytes->size == 0;
    }
    stream->blocks = errno == EOPNOTSUPP || errno == ENOSYS;
    *err = write_error();
    return !stream->blocks && errno != EAGAIN && errno != EINTR;
}

static enum err read_some(struct stream *stream, u32 max, u32 *got)
{
    for (;;) {
        asking_begin(stream);
        bool ends = is_abandoned(stream);
        ssize_t count = ends ? -1 : read(stream->file, stream->buffer, max);
        asking_end(stream);
        if (ends) {
            return ERR_IO;
        }
        if (count >= 0) {
            *got = (u32)count;
            return ERR_OK;
        }
        if (!is_passing(stream)) {
            return errno == EBADF ? ERR_CLOSED : ERR_IO;
        }
    }
}

// Serves the first request of the input. The request stays in the queue while the host is asked, so
// that it can be cancelled; the one that is first afterwards gets what came.
static void serve_read(struct stream *stream)
{
    u32 max = first(stream)->max;
    enum err err = ERR_OK;
    bool asked = false;
    if (stream->buffer_start == stream->buffer_end) {
        unlock(stream);
        u32 got = 0;
        err = read_some(stream, max < HOSTED_IO_BYTES ? max : HOSTED_IO_BYTES, &got);
        lock(stream);
        stream->buffer_start = 0;
        stream->buffer_end = got;
        asked = true;
    }
    struct stream_request *request = first(stream);
    if (request == NULL) {
        return; // cancelled: the bytes wait in the buffer
    }
    u32 size = stream->buffer_end - stream->buffer_start;
    ASSERT(asked || size > 0);
    size = size < request->max ? size : request->max;
    struct span bytes = span_of(stream->buffer + stream->buffer_start, size);
    stream->buffer_start += size;
    forget(stream, request);
    unlock(stream);
    request->done(request, err, bytes);
    lock(stream);
}

static void *stream_run(void *context)
{
    struct stream *stream = context;
    lock(stream);
    for (;;) {
        if (stream->is_abandoned || (stream->is_stopping && first(stream) == NULL)) {
            break;
        }
        if (first(stream) == NULL) {
            int failed = pthread_cond_wait(&stream->changed, &stream->lock);
            ASSERT(failed == 0);
        } else if (stream->is_input) {
            serve_read(stream);
        } else {
            serve_write(stream);
        }
    }
    struct stream_request *request;
    while ((request = first(stream)) != NULL) {
        forget(stream, request);
        request->done(request, ERR_IO, (struct span){0});
    }
    stream->has_ended = true;
    int failed = pthread_cond_broadcast(&stream->changed);
    ASSERT(failed == 0);
    unlock(stream);
    return NULL;
}

static void signal_ignore(int number)
{
    (void)number;
}

enum err stream_start(struct stream *stream, int file, bool is_input)
{
    stream->file = file;
    stream->is_input = is_input;
    list_init(&stream->requests);
    struct sigaction nothing = {.sa_handler = signal_ignore};
    int failed = sigaction(STOP_SIGNAL, &nothing, NULL);
    ASSERT(failed == 0);
    pthread_condattr_t monotonic;
    failed = pthread_condattr_init(&monotonic) |
             pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) |
             pthread_cond_init(&stream->changed, &monotonic) |
             pthread_condattr_destroy(&monotonic) | pthread_mutex_init(&stream->lock, NULL);
    ASSERT(failed == 0);
    stream->is_started = pthread_create(&stream->thread, NULL, stream_run, stream) == 0;
    return stream->is_started ? ERR_OK : ERR_NO_MEMORY;
}

// Whether one more request of the process behind that client may wait. The lock is held.
static bool has_room(struct stream *stream, const struct stream_request *request)
{
    if (request->message == 0) {
        return true;
    }
    u32 of_owner = 0;
    for (struct list_node *node = list_first(&stream->requests); node != NULL;
         node = list_next(&stream->requests, node)) {
        const struct stream_request *other = request_of(node);
        of_owner += abi_client_owner(other->client) == abi_client_owner(request->client) &&
                    other->message != 0;
    }
    return stream->request_count < HOSTED_STREAM_REQUESTS &&
           of_owner < HOSTED_STREAM_CLIENT_REQUESTS;
}

enum err stream_request(struct stream *stream, struct stream_request *request)
{
    lock(stream);
    enum err err = ERR_LIMIT;
    enum err written;
    struct span bytes = request->bytes;
    bool is_written = !stream->is_stopping && write_now(stream, request, &written);
    bool waits = !is_written && !stream->is_stopping && has_room(stream, request);
    if ((is_written || waits) && request->accepted != NULL) {
        request->accepted(request, bytes);
    }
    if (is_written) {
        unlock(stream);
        request->done(request, written, (struct span){0});
        return ERR_OK;
    }
    if (waits) {
        list_append(&stream->requests, &request->node);
        stream->request_count += request->message != 0;
        int failed = pthread_cond_signal(&stream->changed);
        ASSERT(failed == 0);
        err = ERR_OK;
    }
    unlock(stream);
    return err;
}

static bool cancel(struct stream *stream, u64 client, u64 message, struct stream_request **out)
{
    bool found = false;
    lock(stream);
    for (struct list_node *node = list_first(&stream->requests); node != NULL;
         node = list_next(&stream->requests, node)) {
        struct stream_request *request = request_of(node);
        if (message != 0 ? request->message == message : request->client == client) {
            forget(stream, request);
            *out = request;
            found = true;
            break;
        }
    }
    unlock(stream);
    return found;
}

bool stream_cancel(struct stream *stream, u64 message, struct stream_request **out)
{
    ASSERT(message != 0);
    return cancel(stream, 0, message, out);
}

bool stream_cancel_client(struct stream *stream, u64 client, struct stream_request **out)
{
    return cancel(stream, client, 0, out);
}

// Ends a read or write that blocks, and waits for what comes of it. The lock is held; one signal
// may come just before the thread blocks, so the caller does it again.
static void interrupt(struct stream *stream, bool is_signalled)
{
    if (is_signalled) {
        int failed = pthread_kill(stream->thread, STOP_SIGNAL);
        ASSERT(failed == 0);
    }
    struct timespec until;
    int failed = clock_gettime(CLOCK_MONOTONIC, &until);
    ASSERT(failed == 0);
    u64 ns = (u64)until.tv_nsec + (u64)STOP_PATIENCE_MS * 1000000;
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_cond_timedwait(&stream->changed, &stream->lock, &until);
}

void stream_hold(struct stream *stream, bool hold)
{
    lock(stream);
    stream->is_held = hold;
    int failed = pthread_cond_broadcast(&stream->changed);
    ASSERT(failed == 0);
    while (hold && stream->is_asking && !stream->is_stopping && !stream->has_ended) {
        interrupt(stream, true);
    }
    unlock(stream);
}

void stream_stop(struct stream *stream, const bool *abandon)
{
    if (!stream->is_started) {
        return;
    }
    lock(stream);
    stream->is_stopping = true;
    while (!stream->has_ended) {
        bool is_signalled = stream->is_input || __atomic_load_n(abandon, __ATOMIC_ACQUIRE);
        if (is_signalled) {
            __atomic_store_n(&stream->is_abandoned, true, __ATOMIC_RELEASE);
        }
        int failed = pthread_cond_broadcast(&stream->changed);
        ASSERT(failed == 0);
        interrupt(stream, is_signalled);
    }
    unlock(stream);
    int failed = pthread_join(stream->thread, NULL);
    ASSERT(failed == 0);
    failed = pthread_cond_destroy(&stream->changed) | pthread_mutex_destroy(&stream->lock);
    ASSERT(failed == 0);
}
