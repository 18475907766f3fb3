// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/pipe.h: pipes, and the three streams of a process that may lead into them.
//
// A pipe is a ring of bytes, those who wait for some and those who wait for room, each in the order
// they came. It lives as long as somebody has a share in one of its ends: a process that holds the
// end by number, or one of whose streams leads there. Bytes that were written before the last
// writer went are read by whoever reads on; what waits for a pipe without readers is answered
// `closed`. A call of a client that has ended and wanted no answer stays until its bytes are in, as
// a message stays with any handler.
//
// Use     pipe_make_locked gives a process an end of each kind. A child has its parent's streams by
//         streams_inherit_locked, and others by stream_set_locked, before it runs; what the machine
//         starts has those of the handler of `redshirt:io/stdio`. streams_end_locked when a process
//         ends. What it sends to stdio over a bond that `is_redirected` is for stream_call_locked
//         when stream_is_redirected says so, and else for the handler.
// Owner   the pipe's maker's family is charged for it, until it is gone. A message that waits for a
//         pipe is PENDING_READ or PENDING_WRITE, and is the pipe's as long as it is.
// Locks   kernel->lock. A call copies KERNEL_PIPE_BYTES under it at most, twice.
// Limits  core/kernel/limits.h: KERNEL_PIPES, KERNEL_FAMILY_PIPES, KERNEL_PIPE_WAITING,
//         KERNEL_PIPE_BYTES, which count in its family's budget of memory.
// Source  interfaces/processes.wit, interfaces/stdio.wit
#pragma once
#include "core/base/err.h"
#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;
struct message;
struct pipe;
struct process;

enum { STREAM_INPUT, STREAM_OUTPUT, STREAM_ERROR, STREAMS };

enum stream_kind {
    STREAM_INHERITED, // leads to the handler of stdio
    STREAM_NOTHING,
    STREAM_PIPE, // by a share in one end: of the input's for reading, else for writing
};

struct stream {
    u8 kind;           // enum stream_kind
    struct pipe *pipe; // STREAM_PIPE
};

// An end that a process holds by number.
struct pipe_end {
    struct pool_item item;
    u64 id; // random but for its slot
    struct pipe *pipe;
    struct process *holder; // a leader
    struct list_node of_holder;
    bool is_writer;
};

// ---- ends

// ERR_LIMIT, ERR_NO_MEMORY
enum err pipe_make_locked(struct kernel *kernel, struct process *process, u64 *reader, u64 *writer);
// The end of that number, which may be any, if the process holds it; or NULL.
struct pipe_end *pipe_end_find_locked(struct kernel *kernel, const struct process *process, u64 id);
// Calls that wait with it are answered.
void pipe_end_close_locked(struct kernel *kernel, struct pipe_end *end);

// A call of processes.wit, by an end that its sender holds.
//   message  NULL or without an id: no answer is wanted
void pipe_read_locked(struct kernel *kernel, struct message *message, struct pipe *pipe, u32 max);
void pipe_write_locked(struct kernel *kernel, struct process *process, struct message *message,
                       struct pipe *pipe, struct span bytes);

// ---- streams

// Whether a message of this function and body, sent over a bond that is_redirected, is about a
// stream that does not lead to the handler.
bool stream_is_redirected(const struct process *process, u64 function, struct span body);
// Answers it.
void stream_call_locked(struct kernel *kernel, struct process *process, u64 function,
                        struct span body, struct message *message);

// Whether a bond that the process makes to that interface is_redirected.
bool streams_redirect(const struct process *process, struct span interface);
// What the child of a leader has, when nothing else is said of it.
void streams_inherit_locked(struct process *child, const struct process *parent);
// Leads a stream of a child, which nothing was said of yet, elsewhere: to nothing (NULL), or into
// the end's pipe, of the right kind.
void stream_set_locked(struct kernel *kernel, struct process *child, u32 stream,
                       const struct pipe_end *end);
// All its shares go.
void streams_end_locked(struct kernel *kernel, struct process *process);

// ---- for kernel.c, message.c and check.c

// ERR_NO_MEMORY
enum err pipes_init(struct kernel *kernel);
// Every process has ended.
void pipes_drop(struct kernel *kernel);

// The message does not wait for its pipe any more, as somebody else answers it.
void pipe_left_locked(struct message *message);
// Bytes that families are charged for.
u64 pipes_check(struct kernel *kernel);
