// SPDX-License-Identifier: GPL-3.0-or-later
// core/kernel/prepare.h: a program's bytes become a program, in steps. Private to the kernel.
//
// Use     prepare_begin, prepare_step until it returns true, prepare_end. To give up in between:
//         prepare_cancel, and then the same.
// Owner   the preparation is the kernel's memory until prepare_end; what it makes lies in the
//         program's arena, also after a failure.
// Locks   none is held; prepare_step takes the kernel's for a moment.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct preparation;
struct program;
struct report;

// NULL: no memory.
//   is_named  the program's name was computed from its bytes: it need not be again
struct preparation *prepare_begin(struct program *program, bool is_named);

// Goes on for about *fuel units, and takes from *fuel what it used. True: it is done.
bool prepare_step(struct preparation *preparation, i64 *fuel);

// Whatever it has come to, nobody wants it: what is left to do is to give back its memory.
void prepare_cancel(struct preparation *preparation);

// What it came to. *is_name: the fault is the name's. `report` is NULL or receives the reason.
// ERR_LIMIT, ERR_NO_MEMORY  beyond what is allowed, or is there
// ERR_CLOSED                cancelled
// any other                 not a program, or another one (ERR_MISMATCH)
enum err prepare_end(struct preparation *preparation, bool *is_name, struct report *report);
