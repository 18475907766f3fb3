// SPDX-License-Identifier: GPL-3.0-or-later
// programs/tools/common/keys.h: the terminal of a tool that draws on it: keys as they are typed,
// and how many rows there are.
//
// Use     keys_begin, then the others. The terminal is as it was when the tool has ended.
// Errors  what may not be used is as if it were not there: the user has other ways to end a tool.
#pragma once
#include "core/base/types.h"

void keys_begin(void);
// Waits until the time is over or a key is typed. False: that was q or Ctrl-C, or the input is at
// its end.
bool keys_wait(u64 ms);
// 0: nobody knows.
u64 keys_rows(void);
