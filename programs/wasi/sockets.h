// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/sockets.h: descriptors of connections and listeners.
//
// A program begins with a listener for each ADDRESS:PORT, between commas, in its variable
// REDSHIRT_LISTEN, if it may listen there; they come before its folders, from 3 on.
//
// Limits  WASI_LISTENERS (limits.h) of them.
#pragma once
#include "core/base/types.h"
#include "programs/wasi/buffers.h"
struct descriptor;

// Calls descriptor_preopen for each listener; what cannot be listened at is told on stderr.
void listeners_preopen(void);

// Lets go what the descriptor, a connection or listener, stands for. An errno.
i32 socket_release(struct descriptor *descriptor);

// fd_read and fd_write of a connection, over a list that was checked. An errno.
i32 socket_list_read(struct descriptor *socket, struct buffers list, u64 total, u32 *size);
i32 socket_list_write(struct descriptor *socket, struct buffers list, u64 total, u32 *size);
