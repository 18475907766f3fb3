// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/tool.h: what every tool is: a name, a page of help, and how it ends.
//
// Use     a tool defines `tool` and tool_main; what it has put out (out.h) is flushed at its end.
// Errors  one line on the standard error, "NAME: what it is about: why", in which no name can move
//         a terminal's cursor. Exit codes are the tool's own.
#pragma once
#include "core/base/compiler.h"
#include "core/base/types.h"

struct tool {
    const char *name;
    const char *help; // whole lines
    int trouble;      // the exit code of a wrong command line, or output that fails
};
extern const struct tool tool;

// What the tool does; words[0] is the first behind its name. Returns the exit code.
int tool_main(int count, char **words);

// Says why it could not do something.
//   subject  what it is about, NULL: nothing in particular
void tool_say(const char *subject, const char *reason);
// The same, for the last error of libc.
void tool_say_error(const char *subject);
// Says it, and ends with tool.trouble.
NORETURN void tool_fail(const char *subject, const char *reason);
// The same of a wrong command line; says where help is.
NORETURN void tool_fail_usage(const char *subject, const char *reason);
// Flushes what was put out, then ends.
NORETURN void tool_end(int code);

// Digits alone; false: something else, or beyond 64 bits.
bool tool_number(const char *text, u64 *out);

// Memory for as long as the tool runs, or until free. Ends the tool when there is none.
void *tool_memory(void *old, size_t size);
