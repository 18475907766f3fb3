// SPDX-License-Identifier: GPL-3.0-or-later
// Sleeps 3 ms over and over, and prints how many us too late it was woken at worst: what busy
// neighbours cost.
#include "core/base/text.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { ROUNDS = 100, SLEEP_NS = 3000000 };

u32 program_main(void)
{
    char line[80];
    u64 worst_ns = 0;
    i64 bond = rt_bind(&time_interface, true);
    for (u32 i = 0; i < ROUNDS && bond >= 0; i++) {
        u64 now_ns = 0;
        i64 error = time_monotonic((u32)bond, &now_ns);
        struct time_wait_until_call call = {now_ns + SLEEP_NS};
        error = error < 0 ? error : time_wait_until((u32)bond, &call);
        error = error < 0 ? error : time_monotonic((u32)bond, &now_ns);
        if (error < 0 || now_ns < call.monotonic) {
            return 1;
        }
        u64 late_ns = now_ns - call.monotonic;
        worst_ns = late_ns > worst_ns ? late_ns : worst_ns;
    }
    struct text text = text_over(line, sizeof line);
    text_string(&text, "woken too late by at most ");
    text_u64(&text, worst_ns / 1000);
    text_string(&text, " us\n");
    return bond >= 0 && rt_print(line) == 0 ? 0 : 1;
}
