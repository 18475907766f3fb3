// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/trace.h: where a program was when it trapped, in lines of its source.
#pragma once
struct kernel_ending;

// Says one line for each frame, and one for each call in it that was inlined. Nothing when no
// program in it says anything of its source (it was compiled without -g).
//
//   #0 quotient (inlined) at /home/me/points.c:6:14
//   #0 compute (function 12, offset 0x1a2f) at /home/me/points.c:14:18
//   #1 main (function 13, offset 0x1b40) at /home/me/points.c:21:12
void trace_say(const struct kernel_ending *ending);
