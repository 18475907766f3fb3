// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/channel_answer.h: what a session answers to the calls of the user's other commands
// (interfaces/control.wit, interfaces/inspect.wit).
//
// Threads one caller at a time. None of them waits for the system, but for the kernel's lock.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct session;

// Answers a call; what it says is checked whole before anything is done.
//   out   room for KERNEL_INSPECT_BYTES; *size of them are the answer's body
// Returns 0, or the code of an error answer (docs/abi.md): then *size is 0.
u32 channel_answer(struct session *session, u64 function, struct span body, u8 *out, size_t *size);
