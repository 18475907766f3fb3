// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/run.h: does what a list of commands says.
#pragma once
struct parsed;

// Runs the pipelines of a list one after another, as they are joined; shell.status is the last
// one's. Stops early where the user interrupts or the shell is to exit.
void run_list(const struct parsed *list);
