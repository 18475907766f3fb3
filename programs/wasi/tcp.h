// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/tcp.h: redshirt:io/tcp in the words of preview1. The only file here that knows that
// interface.
//
// Errors  every function gives an errno, WASI_OK when all is well.
// Owner   what a struct span shows is valid until the next message.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Reads ADDRESS:PORT, where the address is 127.0.0.1 or [::1] in any spelling without a scope or
// an embedded IPv4 address, and listens there. EINVAL: it is not such a thing.
i32 socket_listen(struct span at, u64 *listener);

// Waits for the next connection; or sends for it, and reads the answer.
i32 socket_accept_send(u64 listener, u64 *id);
i32 socket_accept_answer(struct span body, u64 *connection);

// Between 1 and `max` bytes, at most CHUNK_BYTES; none at the end.
i32 socket_read(u64 socket, u32 max, struct span *bytes);
i32 socket_read_send(u64 socket, u32 max, u64 *id);
i32 socket_read_answer(struct span body, u32 max, struct span *bytes);

// At most CHUNK_BYTES; *count of them, all when all is well, are written.
i32 socket_write(u64 socket, struct span bytes, u32 *count);
// No more will be written.
i32 socket_shutdown(u64 socket);
i32 socket_close(u64 socket);
