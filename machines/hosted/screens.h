// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/screens.h: which of its two screens a terminal shows, by what programs wrote to
// it: a program that fills the screen takes the other one, and what stood there comes back behind
// it.
//
// Use     zero at first; screens_take with all that is written, in pieces of any size.
// Source  ECMA-48, 8.3.125 and 8.3.106 (SM, RM); xterm's control sequences, private modes 47, 1047
//         and 1049; RIS shows the first screen.
// Limits  a program that wants to hide which one it is on can; what counts on this may look wrong
//         then, and must not be wrong.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

enum screens_shown { SCREENS_AS_BEFORE, SCREENS_FIRST, SCREENS_OTHER };

struct screens {
    u8 state;
    bool is_switch; // the sequence names one of those modes
    u32 number;     // of the sequence, the one that is being read
};

// Which one the last of these bytes leaves on the terminal.
enum screens_shown screens_take(struct screens *screens, struct span bytes);
