// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/console.h: the serial line: words out, and typed bytes kept until they are read.
//
// Limits  CONSOLE_INPUT_BYTES are kept; what is typed beyond is dropped.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Writes bytes; each newline becomes carriage return and newline, as terminals want.
void console_write(struct span bytes);
// Takes up to `size` typed bytes. 0: nothing was typed.
size_t console_read(u8 *out, size_t size);
bool console_has_input(void);
// From the tick: keeps what has come.
void console_poll(void);
