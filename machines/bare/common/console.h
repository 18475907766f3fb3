// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/console.h: the serial line. What is to be said goes through a ring, so that
// nobody waits for the line; typed bytes are kept in another until they are read.
//
// Use     write, and let the tick and console_drain bring it out.
// Limits  CONSOLE_OUTPUT_BYTES wait for the line: a writer beyond that waits too, so one that can
//         wait asks for room first. CONSOLE_INPUT_BYTES are kept; what is typed beyond is dropped.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Writes all bytes; each newline becomes carriage return and newline, as terminals want.
void console_write(struct span bytes);
// How many bytes can be written now without waiting, were they all newlines.
size_t console_room(void);
// Brings out what the line takes now.
void console_drain(void);
// Waits until the line has taken everything, or does not move any more.
void console_flush(void);

// Takes up to `size` typed bytes, none behind the first that is `stop`. 0: nothing was typed.
size_t console_read(u8 *out, size_t size, u8 stop);
bool console_has_input(void);
// From the tick: keeps what has come, brings out what the line takes. True: something has come.
bool console_poll(void);
