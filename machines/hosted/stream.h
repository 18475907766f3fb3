// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/stream.h: one of the process's own descriptors 0, 1 and 2, read or written by a
// thread of its own.
//
// A thread, because a file cannot be waited for and because making a descriptor non-blocking would
// do so for everybody who shares it: the shell that started us, the next program in the pipe. It
// blocks as any command does, and a signal ends that when the machine stops. What a pipe or a
// socket takes at once is written by the caller, when nothing waits before it: to hand a small
// write over takes ten times as long as to write it.
//
// Use     stream_start; stream_request for each request, whose `done` comes once, in the stream's
//         thread or, before stream_request returns, in the caller's; stream_stop.
// Owner   the bytes of a write stay alive until its `done`; those given to a read's `done` live for
//         that call.
// Order   requests are served in the order they come.
// Limits  HOSTED_STREAM_REQUESTS waiting on one stream, HOSTED_STREAM_CLIENT_REQUESTS of them of
//         one client.
#pragma once
#include <pthread.h>

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "machines/hosted/limits.h"

struct stream_request {
    struct list_node node;
    u64 client;
    u64 message; // 0: nobody waits for it, and it does not count among HOSTED_STREAM_REQUESTS
    // ERR_OK      all is written, or `bytes` were read; none: the stream has ended
    // ERR_CLOSED  nobody reads what is written, or it was closed
    // ERR_IO      anything else
    // The request is the callee's again.
    void (*done)(struct stream_request *request, enum err err, struct span bytes);
    // NULL, or called with all bytes of a write that is accepted, before `done`, in the order in
    // which they are written. The stream is locked meanwhile.
    void (*accepted)(struct stream_request *request, struct span bytes);
    struct span bytes; // write: what; it changes until `done`. read: none
    u32 max;           // read: at most so many
};

struct stream {
    int file;
    bool is_input;
    bool is_started;
    pthread_t thread;
    pthread_mutex_t lock; // guards what follows
    pthread_cond_t changed;
    struct list requests;
    u32 request_count; // of those with a message
    bool is_writing;   // a request that is in no queue any more
    bool is_asking;    // the stream's thread reads from the host or writes to it
    bool is_held;      // or must not
    bool blocks;       // the host cannot say whether a write would
    bool is_stopping;  // serve what waits, then end
    bool is_abandoned; // end now
    bool has_ended;
    // NULL, or told of what is written, by the stream's thread, before stream_hold returns; set
    // before there is a request.
    void (*wrote)(struct stream *stream, struct span bytes);
    // Input that was read for a request which was cancelled meanwhile: [start, end) of buffer.
    u32 buffer_start;
    u32 buffer_end;
    u8 buffer[HOSTED_IO_BYTES];
};

enum err stream_start(struct stream *stream, int file, bool is_input);

// ERR_LIMIT  too many requests wait, or the stream is stopping; `done` is not called
enum err stream_request(struct stream *stream, struct stream_request *request);

// Takes a request back that has not been served: true, and `done` is not called. A read that has
// begun can be taken back too; what it reads is kept for the next.
bool stream_cancel(struct stream *stream, u64 message, struct stream_request **out);
// The same for a read of a client that is gone; call until it says false.
bool stream_cancel_client(struct stream *stream, u64 client, struct stream_request **out);

// While it is held, nothing is read or written: the file is somebody else's who talks there. What
// is to be written waits, also the rest of a write that has begun. Returns when the host is asked
// for nothing any more. A stream that stops is not held.
void stream_hold(struct stream *stream, bool hold);

// Output: serves what waits, then ends, unless *abandon becomes true (atomic). Input: ends at once.
// What is not served is done with ERR_IO.
void stream_stop(struct stream *stream, const bool *abandon);
