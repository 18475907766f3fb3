// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/refusal.h: what programs were refused of late, for inspect (interfaces/inspect.wit).
//
// Use     refusal_note_locked wherever a process is refused something for want of a grant: it also
//         tells the machine (kernel_config.refused). refusal_before to read what is there, the
//         latest first.
// Owner   the kernel has the table; a row's texts are copies.
// Locks   kernel->lock.
// Limits  KERNEL_REFUSALS rows of different program, interface or right, of which one program has
//         KERNEL_PROGRAM_REFUSALS at most, and one family (whoever was refused last)
//         KERNEL_FAMILY_REFUSALS: then its own oldest goes, so that nobody hides what others were
//         refused behind a crowd of its own. Else the oldest goes.
#pragma once
#include "core/base/types.h"
#include "core/base/wire.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
struct kernel;
struct process;

struct refusal_row {
    u64 count;   // 0: the row is free
    u64 number;  // of its last one, among all; grows
    u64 last_ns; // when that was, in platform_clock_ns
    u64 process; // who that was: its number,
    u64 family;  // that of the process that the machine started for it,
    u32 started_as_size;
    char started_as[KERNEL_INSPECT_NAME]; // and what it was started as
    u8 right;                             // enum kernel_right
    u8 codec;                             // of the program's CID
    u8 program[32];
    u8 interface[32];
    u32 name_size;
    char name[INTERFACE_NAME_BYTES];
};

struct refusals {
    u64 total;
    struct refusal_row rows[KERNEL_REFUSALS];
};

// The process is refused what `refusal` says of a program whose CID has that codec: its own, or one
// above it. refusal->cid is set for the machine meanwhile.
void refusal_note_locked(struct kernel *kernel, const struct process *process,
                         struct kernel_refusal *refusal, u8 codec);

// The row of the last refusal before number `before` (at first UINT64_MAX), or NULL.
const struct refusal_row *refusal_before(const struct refusals *refusals, u64 before);
