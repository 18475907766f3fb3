// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/route.h: the user's words: which of several handlers of one interface a program is
// led to. So a program can stand between any two others, and neither of them knows.
//
// Without routes an interface has one handler at a time. A route gives it another, in a seat of its
// own: whoever runs the program `handler` and registers takes that seat and no other, and the
// bonds of the program `client` lead to it, whoever sits there now and whether anybody does. What
// counts for a process is the first there is: the route for its own program, for the program above
// it (that spawned it), and so on; for all programs; else the one seat that every interface has. A
// route to its own program is none for a process: what stands before an interface is led on to
// what it stands before. So is who is named in a route with no handler.
//
// Routes are about names and not hashes, as a program that knows an interface with one function
// less is to meet the same handler. What the kernel itself asks of `loader` takes none; a question
// to `consent` takes that of the process on whose behalf it is asked.
//
// Use     kernel_route_set before what it is about is started, as who has registered stays where it
//         is; and at any time later. When it returns, no bond leads where it should not: such a
//         bond is closed as one that is revoked, with E_DENIED for what is under way, and whoever
//         binds anew gets the new handler.
// Owner   the kernel copies what it is given.
// Limits  core/kernel/limits.h: KERNEL_ROUTES.
// Source  docs/grants.md, Routes.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;

struct kernel_route {
    struct span name; // the interface's, "redshirt:io/tcp"
    u8 client[32];    // digest of a program's CID; 32 zero bytes: all programs
    u8 handler[32];   // the same; 32 zero bytes: whoever handles it where there is no route
};

// Adds the route, or puts it in the place of the one for the same interface and client.
// ERR_INVALID    the name is empty, or longer than INTERFACE_NAME_BYTES
// ERR_LIMIT      KERNEL_ROUTES of them, or too many names
// ERR_NO_MEMORY
enum err kernel_route_set(struct kernel *kernel, const struct kernel_route *route);

// ERR_NOT_FOUND  there is no such route
enum err kernel_route_forget(struct kernel *kernel, struct span name, const u8 client[32]);

// Whether somebody who runs the program handles the interface now, in whichever seat.
bool kernel_program_handles(struct kernel *kernel, struct span name, const u8 program[32]);

// The route at or behind *at, which is moved behind it; *at is 0 at first. False: no more.
//   name  room for INTERFACE_NAME_BYTES, in which out->name lies
bool kernel_route_next(struct kernel *kernel, u32 *at, struct kernel_route *out, char *name);
