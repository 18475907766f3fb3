// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/names.h: names for programs, as the machine gives them: by which a process can spawn
// them without knowing a CID (interfaces/processes.wit), and that it is told of. A name is no
// right: who starts a program by it starts it as by its CID.
//
// Use     kernel_name_add, before programs start and at any time later.
// Owner   the kernel copies what it is given.
// Limits  core/kernel/limits.h: KERNEL_NAMES, KERNEL_PROGRAM_NAME_BYTES.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;

// Adds the name, or lets it mean another program from now on.
//   name  of visible ASCII, without a slash, so that it is no path
// ERR_INVALID    no such name, or no CID
// ERR_LIMIT      KERNEL_NAMES of them
// ERR_NO_MEMORY
enum err kernel_name_add(struct kernel *kernel, struct span name, struct span cid);

// ---- for this row

struct program_name;
struct name_table {
    u32 count;
    u32 capacity;
    struct program_name *items; // in order of their bytes, from kernel->memory
};

void names_drop(struct kernel *kernel);
// The CID that a name, which may be anything, means; empty: nobody gave it.
struct span name_find_locked(const struct kernel *kernel, struct span name);
// The place of the first name that begins so, and how many there are.
u32 names_begin_locked(const struct kernel *kernel, struct span prefix, u32 *count);
struct span name_at_locked(const struct kernel *kernel, u32 place);
