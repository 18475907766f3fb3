// SPDX-License-Identifier: GPL-3.0-or-later
// Runs for ever and asks for nothing: its neighbours must not notice, and Ctrl-C must end it.
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    for (volatile u32 i = 0;; i++) {
    }
}
