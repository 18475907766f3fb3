// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/ending.h: how a program has ended: in words, and as an exit code.
#pragma once
struct kernel_ending;
struct text;

// Says what there is to say of the program of that name: nothing where it has exited. Returns the
// exit code that goes with it.
int ending_say(const char *name, const struct kernel_ending *ending);

// What it was, as a sentence that begins with "it".
void ending_write(struct text *out, const struct kernel_ending *ending);
