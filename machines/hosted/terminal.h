// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/terminal.h: how the terminal of standard input treats what is typed, and that it
// is put back as it was.
//
// Use     terminal_open; terminal_set_raw as often as wanted; terminal_close. Where something is
//         asked meanwhile that wants a line, terminal_borrow around it. Who leaves the process in
//         another way calls terminal_restore first; for crashes, terminal_open has seen to that.
// Owner   one terminal in a process, and its settings are everybody's who has it open.
// Threads any, but for terminal_open and terminal_close.
// Signals terminal_open takes those of a crash, before machines/hosted/interrupts.h does, and hands
//         them on to who had them.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct stream;

void terminal_open(void);
void terminal_close(void);

// Raw: bytes as they are typed, without echo and signals; output is as before. Else as at
// terminal_open.
// ERR_NOT_FOUND  standard input is no terminal
// ERR_IO         the host refuses, or we are in the background: it is another program's now
enum err terminal_set_raw(bool raw);

// While it is borrowed, it is as at terminal_open, whatever else is set, and programs read nothing
// of it and write nothing to it: what they write waits. Returns when nothing is under way.
void terminal_borrow(bool borrow);
// `returned` is called when it was borrowed and is not any more: what programs had drawn is not
// what stands there now. A lock is held meanwhile: it does no more than wake somebody. NULL: nobody
// is told any more.
void terminal_tell(void (*returned)(void));

// Whether programs have it show its other screen (screens.h); what was begun is known while it is
// borrowed.
bool terminal_is_other_screen(void);

// The stream by which programs reach it: descriptor `file`, one of 0, 1 and 2; NULL: there is none
// any more.
void terminal_stream(int file, struct stream *stream);

// As at terminal_open, for good. Allowed in a signal handler.
void terminal_restore(void);

// False: standard output is no terminal, or one that does not know.
bool terminal_size(u32 *columns, u32 *rows);
