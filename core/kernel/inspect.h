// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/inspect.h: what programs ask through the interface inspect, asked by the machine.
//
// Use     at any time, from any thread of the machine. The kernel's lock is held for as long as an
//         answer takes to write, as it is for a program's question, but not for as long as what is
//         told of takes to find.
// Limits  interfaces/inspect.wit names what one answer holds at most: less than
//         KERNEL_INSPECT_BYTES.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;

// Answers a call of that function, both encoded as messages are.
// ERR_MALFORMED  no function of inspect, or not its arguments
// ERR_LIMIT      the answer is longer than `capacity`
// ERR_NO_MEMORY
enum err kernel_inspect(struct kernel *kernel, u64 function, struct span body, u8 *out,
                        size_t capacity, size_t *size);
