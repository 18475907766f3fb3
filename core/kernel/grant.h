// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/grant.h: the user's words: which program may use, or handle, which interface.
//
// A program may use an interface when the word for it and for every program above it (its parent's,
// and so on) is `allow`: so nobody gets more by starting somebody else. The word for a program and
// an interface is that of the first row there is: for both; for this program and all interfaces;
// for all programs and this interface; else the kernel_config's. It is looked up when a process
// binds or registers, and never for a message: the bond is the capability.
//
// Use     kernel_grant_set and kernel_grant_forget, before programs start and at any time later.
//         When they return, no bond is left that the rows do not allow: messages that were under
//         way on it have got one answer, the error answer E_DENIED, or one before that.
//         Rows for `redshirt:kernel/budget` are the kernel's own: core/kernel/budget.h.
// Owner   the kernel copies what it is given.
// Limits  core/kernel/limits.h: KERNEL_GRANTS, KERNEL_GRANT_LIMIT_BYTES.
// Source  docs/grants.md.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;

enum kernel_right {
    KERNEL_USE,    // bind it
    KERNEL_HANDLE, // register for it
};
enum { KERNEL_RIGHTS = 2 };

enum kernel_word {
    KERNEL_DENY, // what nobody has said anything about, unless the machine says otherwise
    KERNEL_ASK,  // whoever handles `consent`; nobody: denied
    KERNEL_ALLOW,
};

// A row. Programs and interfaces are 32 zero bytes for "all": no SHA-256 that anybody knows.
struct kernel_grant {
    enum kernel_right right;
    enum kernel_word word;
    u8 program[32];    // digest of the program's CID
    u8 interface[32];  // I
    struct span limit; // KERNEL_USE and KERNEL_ALLOW: what the handler is told (client-limits of
                       // the system interface); means something to it alone. Empty: all of it
    bool is_learned;   // the answer `always` of who handles `consent`: to be kept on disk
};

// Adds the row, or puts it in the place of the one for the same right, program and interface.
// For all programs and all interfaces it takes the place of what the kernel_config said.
// ERR_INVALID    the latter, with a limit
// ERR_LIMIT      KERNEL_GRANTS rows, or a limit beyond KERNEL_GRANT_LIMIT_BYTES
// ERR_NO_MEMORY
enum err kernel_grant_set(struct kernel *kernel, const struct kernel_grant *grant);

// What it allowed is revoked, also where the row behind it allows the same.
// ERR_NOT_FOUND  there is no such row
enum err kernel_grant_forget(struct kernel *kernel, enum kernel_right right, const u8 program[32],
                             const u8 interface[32]);

// The row at or behind *at, which is moved behind it; *at is 0 at first. False: there are no more.
//   limit  room for KERNEL_GRANT_LIMIT_BYTES, in which out->limit lies
bool kernel_grant_next(struct kernel *kernel, u32 *at, struct kernel_grant *out, u8 *limit);
