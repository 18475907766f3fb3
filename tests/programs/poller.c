// SPDX-License-Identifier: GPL-3.0-or-later
// Asks for what is not there, for ever: a loop of host calls that its neighbours must not notice.
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    for (;;) {
        u8 note[64];
        (void)redshirt_wait(note, sizeof note, WAIT_POLL);
    }
}
