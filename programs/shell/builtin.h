// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/builtin.h: what the shell does itself.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct text;

//   arguments  the name first
//   out        what it says
// Returns its status; what is wrong it has said by shell_say.
typedef u32 builtin_function(const struct span *arguments, u32 count, struct text *out);

// NULL: there is none of this name.
//   changes  receives whether it is about the shell itself, and so is of no use in a pipeline
builtin_function *builtin_find(struct span name, bool *changes);

// Ends the shell after this command; the first time, it only says what that would end, if somebody
// types and there is something. Returns whether it does.
bool builtin_exit(void);

// Where a builtin may say something: empty, and until the next call.
struct text builtin_out(void);

// The name of the builtin `index`; empty behind the last.
struct span builtin_name(u32 index);
