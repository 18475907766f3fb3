// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/internal.h: what the files of this row share: all of it, in the order of the idea.
// docs/kernel.md tells how it fits together.
//
//   message.h      messages, notes, and the parties that are told
//   interface.h    definitions, seats, registrations, bonds; routes and replacing
//   permission.h   the user's words: grants, budgets, questions
//   program.h      programs by name
//   process.h      processes, and what watches them
//   guest.h        linear memories
//   worker.h       workers, and what is ready for them
//   call.h         host calls, and the interfaces that the kernel handles
//   whole.h        the kernel itself
//   fast.h         what every message passes through, inline
//
// Threads everything there is guarded by kernel->lock, but for what says otherwise. A process that
//         is RUNNING belongs to one worker, which alone touches its instance, thread and memory;
//         any other worker may only set its `kill`. Functions named *_locked want the lock held.
#pragma once
#include "core/base/abi.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/list.h"
#include "core/base/lock.h"
#include "core/base/map.h"
#include "core/base/memory.h"
#include "core/base/pool.h"
#include "core/base/reader.h"
#include "core/base/timers.h"
#include "core/base/wire.h"
#include "core/jit/jit.h"
#include "core/kernel/budget.h"
#include "core/kernel/call.h"
#include "core/kernel/compiled.h"
#include "core/kernel/device.h"
#include "core/kernel/fence.h"
#include "core/kernel/grant.h"
#include "core/kernel/group.h"
#include "core/kernel/guest.h"
#include "core/kernel/interface.h"
#include "core/kernel/job.h"
#include "core/kernel/kernel.h"
#include "core/kernel/limits.h"
#include "core/kernel/locks.h"
#include "core/kernel/message.h"
#include "core/kernel/names.h"
#include "core/kernel/permission.h"
#include "core/kernel/pipe.h"
#include "core/kernel/process.h"
#include "core/kernel/program.h"
#include "core/kernel/record.h"
#include "core/kernel/refusal.h"
#include "core/kernel/whole.h"
#include "core/kernel/worker.h"
#include "core/wasm/instance.h"
#include "core/wasm/limits.h"
#include "core/wasm/module.h"
#include "core/wasm/thread.h"
#include "interfaces/system.h"

#include "core/kernel/fast.h"
