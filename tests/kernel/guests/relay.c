// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/relay.c: stands in front of redshirt:demo/ping and looks at nothing: what it
// costs to be in the way.
#include "interfaces/ping.h"
#include "interfaces/ping_section.h"
#include "programs/rt/forward.h"
#include "programs/rt/redshirt.h"

u32 program_main(void)
{
    struct forward forward = {.interface = &ping_interface};
    return forward_run(&forward);
}
