// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/debugger.h: lets a debugger on this host into the main program of a session: a
// socket and a thread between lib/gdb/server.h and core/kernel/debug.h.
//
// Use     debugger_open behind session_open, which must be of a session that is debugged; start the
//         program with debugger_debug; debugger_stop behind session_run, which tells the debugger
//         how it ended; debugger_free behind session_close. NULL does nothing.
// Threads one of its own. It reads and answers; the program runs where it always does.
// Hostile whoever may connect to a port of 127.0.0.1 or ::1 may connect here, once, and then has
//         the program in his hands, but nothing else of the session.
#pragma once
#include "core/base/types.h"
struct debugger;
struct kernel;
struct kernel_debug;

// Says what fails; returns EXIT_GOOD or the exit code.
//   name  of the program, for the debugger: the path of a file is where it finds the source's lines
int debugger_open(struct kernel *kernel, u16 port, const char *name, struct debugger **out);
struct kernel_debug *debugger_debug(struct debugger *debugger);
void debugger_stop(struct debugger *debugger);
void debugger_free(struct debugger *debugger);
