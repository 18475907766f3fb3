// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/talker.c: says a word after every few turns of a loop, without an end. It
// never has a worker for long, as it waits for the answer each time.
#include "programs/rt/redshirt.h"

enum { TURNS = 50 };

u32 program_main(void)
{
    u32 state = 1;
    for (;;) {
        for (u32 i = 0; i < TURNS; i++) {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
        }
        if (rt_print(state == 0 ? "no\n" : "yes\n") != 0) {
            return 1;
        }
    }
}
