// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/prompt.h: the shell at a terminal: reads lines with the editor, completes words,
// keeps the history.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

// Prepares the terminal. False: there is none to type at.
bool prompt_init(void);

// Reads commands and runs them until the user ends it.
void prompt_run(void);

// What is to be said while a line is edited stands above it: hides the line, or does nothing.
void prompt_hide(void);
void prompt_show(void);
