// SPDX-License-Identifier: GPL-3.0-or-later
// tests/boot/kernel_sums.h as a program.
#include "programs/rt/redshirt.h"
#include "tests/boot/kernel_sums.h"

static void say(const char *line)
{
    (void)rt_print(line);
}

u32 program_main(void)
{
    kernel_sums(say);
    return 0;
}
