// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/descriptors.h: the client's numbers, what each stands for, and its rights.
//
// Use     descriptor_of for any number, descriptor_with where a kind and rights are needed;
//         descriptor_make for a new one. What the user has given (listeners, then folders) gets its
//         numbers, from 3 on, when the first number beyond the streams is asked for, so that a
//         program that has no use for files never asks for any.
// Owner   a pointer is good until the next descriptor_make.
// Limits  WASI_DESCRIPTORS.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct ahead;

enum descriptor_kind {
    DESCRIPTOR_FREE,
    DESCRIPTOR_STREAM,
    DESCRIPTOR_FILE,
    DESCRIPTOR_FOLDER,
    DESCRIPTOR_LISTENER,
    DESCRIPTOR_SOCKET,
};

enum { STREAM_INPUT, STREAM_OUTPUT, STREAM_ERROR, STREAM_COUNT };

struct descriptor {
    u8 kind;      // enum descriptor_kind
    u8 stream;    // STREAM_INPUT...
    u8 filetype;  // enum wasi_filetype, of all but streams
    bool is_deaf; // a connection that was shut down for reading
    u16 flags;
    u16 name_start; // of what the program began with: in the names
    u16 name_size;  // 0: it did not begin with it
    u64 opened;     // the rights that it was opened with
    u64 rights;     // those that it still has
    u64 inheriting;
    u64 handle;          // of files.wit
    u64 position;        // of a file
    struct ahead *ahead; // of a listener or connection
};

// NULL: not open.
struct descriptor *descriptor_of(u32 fd);

// A file or folder that may be used for all of `rights`; else NULL, and *error says why: EBADF; for
// a file that is a folder EISDIR, the other way round ENOTDIR; for a stream or socket
// `stream_error`; EBADF
// for what was never opened for reading or writing, ENOTCAPABLE for any other right.
//   kind  DESCRIPTOR_FILE, DESCRIPTOR_FOLDER, or DESCRIPTOR_FREE for either of them
struct descriptor *descriptor_with(u32 fd, enum descriptor_kind kind, u64 rights, i32 stream_error,
                                   i32 *error);

// A new number, the lowest from 3 on; EMFILE.
i32 descriptor_make(const struct descriptor *descriptor, u32 *fd);

// What a descriptor that the program began with is called.
struct span descriptor_name(const struct descriptor *descriptor);
// Adds a descriptor that the program begins with. False: there are too many.
bool descriptor_preopen(struct descriptor *descriptor, struct span name);
