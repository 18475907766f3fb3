// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/forward.h: a program that stands between the clients of an interface and whoever
// handles it (docs/grants.md, Routes), and that neither of them notices.
//
// It handles the interface, binds it for each of its clients anew, so that what they have there is
// not mixed up, and sends on what they send: bodies as they are, errors, and that a client is gone
// or does not want an answer any more. Its owner looks at what passes, and may answer a message
// instead, or change an answer.
//
// Use     forward_run, which returns only when the interface cannot be had.
// Errors  what the handler behind it answers; E_DENIED: what it was bound with was revoked; E_BUSY:
//         the handler's, or more clients or messages than the limits below; E_GONE: nobody handles
//         the interface behind it, and the client may try again.
// Limits  FORWARD_CLIENTS, FORWARD_MESSAGES: what the kernel gives one process. A process, whatever
//         the number of its bonds (abi_client_owner), may have as many clients here, and messages
//         under way, as there still is room for: alone half of them, beside n that take all they
//         can get an equal part, and who has none gets room for one. All who come through another
//         such program are one process here.
//         What the user has limited a client to (client-limits) is told to this program, and not to
//         who is behind it: its owner keeps it, or the user limits this program as well.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct interface_definition;
struct rt_event;

enum {
    FORWARD_CLIENTS = 1000,  // bonds at once; KERNEL_BONDS is 1024
    FORWARD_MESSAGES = 1000, // under way; KERNEL_MESSAGES is 2048
};

struct forward {
    const struct interface_definition *interface;
    // Looks at a message. False: it has been answered (rt_answer, rt_answer_error), and goes
    // nowhere. NULL: all go on.
    bool (*message)(void *context, const struct rt_event *event);
    // Looks at the answer to a message to that function, error answers too; returns the body that
    // goes back, which may be another one, alive until it is called again. NULL: as it came.
    struct span (*answer)(void *context, u64 function, const struct rt_event *event);
    void *context;
};

// Returns the program's exit code, after saying why.
u32 forward_run(const struct forward *forward);
