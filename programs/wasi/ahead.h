// SPDX-License-Identifier: GPL-3.0-or-later
// programs/wasi/ahead.h: what arrives by itself, asked for ahead of its reader, so that its arrival
// can be waited for together with other events: bytes of the standard input and of sockets,
// connections of listeners. What came is read first, so that no byte is lost or out of order.
//
// Use     ahead_ask, then ahead_event for each event of the process until ahead_state says ready;
//         ahead_read or ahead_accept takes it, and waits where there is none.
// Owner   a struct ahead is its descriptor's; ahead_drop before it is freed.
// Errors  an errno, WASI_OK when all is well.
// Limits  WASI_AHEAD_BYTES.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "programs/wasi/limits.h"
struct rt_event;

enum ahead_kind { AHEAD_INPUT, AHEAD_SOCKET, AHEAD_LISTENER };

// At most one of: under way (`id`), bytes or a connection at hand, an end or failure not yet told.
struct ahead {
    struct ahead *next; // of those with a message under way
    u64 id;             // of that message; 0: none
    u64 socket;         // AHEAD_SOCKET, AHEAD_LISTENER: its number in tcp.wit
    u64 connection;     // AHEAD_LISTENER: one that came; 0: none
    u32 start;
    u32 end; // bytes at hand: [start, end)
    u8 kind; // enum ahead_kind
    bool over;
    i32 error; // with `over`: why, or WASI_OK at the end
    u8 bytes[WASI_AHEAD_BYTES];
};

extern struct ahead ahead_input; // the standard input's

// Asks, unless that is under way or there is something.
i32 ahead_ask(struct ahead *ahead);
// Whether a read or accept returns at once; *bytes are at hand, none at the end or for a failure.
bool ahead_is_ready(const struct ahead *ahead, u32 *bytes);
// Takes an answer that came; false: nobody here has asked for it.
bool ahead_event(const struct rt_event *event);
// Takes all answers that have come.
void ahead_look(void);

// Between 1 and `max` bytes, none at the end; valid until the next message. EAGAIN where it would
// wait and must not.
i32 ahead_read(struct ahead *ahead, u32 max, bool blocks, struct span *bytes);
// The same, but what is read stays to be read; at most WASI_AHEAD_BYTES.
i32 ahead_peek(struct ahead *ahead, bool blocks, struct span *bytes);
i32 ahead_accept(struct ahead *ahead, bool blocks, u64 *connection);

// Forgets what was asked for; closes a connection that nobody took.
void ahead_drop(struct ahead *ahead);
