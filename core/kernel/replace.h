// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/replace.h: a handler gives way to a new version of itself, and no message is lost.
//
// The user says which program is to follow whoever handles an interface now. When a process that
// runs it registers, it takes the seat in one step: what clients send from then on, and what had
// not been delivered yet, is its own, in order; what the old one holds, it still answers. Once the
// old one holds nothing and waits, it ends with code 0, unless it handles something else or may
// have threads; what it does for messages that want no answer is nothing that it holds. No client
// notices.
//
// The new one starts with what it is sent and no more: what the old one knew of its clients it
// would have to be told by the old one. Routes that led to the old program lead to the new one;
// those of the old one itself, to who stands behind it, are not the new one's: set those first.
//
// Use     kernel_replace, then start a process of the successor; or the other way round, where it
//         waits before it registers. One that registers before that is told `taken` as ever.
// Limits  an old handler that never answers what it holds stays, with that and nothing else.
// Source  docs/kernel.md, Replacing a handler.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct kernel;

// Says that a process of the program `successor` follows whoever runs `program` and handles the
// interface of that name; 32 zero bytes: nobody does any more, whatever was said before.
// ERR_NOT_FOUND    no process of that program handles it
// ERR_EXISTS       the seat is a route's, and so the successor has one of its own there
enum err kernel_replace(struct kernel *kernel, struct span name, const u8 program[32],
                        const u8 successor[32]);
