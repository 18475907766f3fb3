// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/start.c: where a process begins.
#include "programs/rt/redshirt.h"

__attribute__((export_name("_start"))) void _start(void);

void _start(void)
{
    u32 code = program_main();
    if (code != 0) {
        rt_exit(code);
    }
}
