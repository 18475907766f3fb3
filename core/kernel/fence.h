// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/fence.h: the interfaces that a process's parent has left it, by name: it may bind and
// register for no others, whatever the user has granted. What it starts is behind the same fence,
// or a narrower one.
//
// Use     fence_new; then fence_share and fence_give, one for each process.
// Owner   shared by all who are behind it.
// Locks   kernel->lock.
// Limits  core/kernel/limits.h: KERNEL_FENCE_NAMES.
// Source  interfaces/processes.wit
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct fence; // NULL is none
struct kernel;
struct processes_list_string;

// A fence around those of the names that `within` leaves open.
// ERR_LIMIT      too many names
// ERR_NO_MEMORY
enum err fence_new(struct kernel *kernel, const struct fence *within,
                   const struct processes_list_string *names, struct fence **out);
struct fence *fence_share(struct fence *fence);
void fence_give(struct kernel *kernel, struct fence *fence);

bool fence_allows(const struct fence *fence, struct span name);
