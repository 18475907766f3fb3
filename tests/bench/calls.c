// SPDX-License-Identifier: GPL-3.0-or-later
// tests/bench/calls.c: calls of the kernel that it answers at once, one after another. Prints the
// ns that one of them takes in the quickest of some rounds.
#include "core/base/text.h"
#include "interfaces/system_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "programs/rt/redshirt.h"

enum { ROUNDS = 20, CALLS = 10000 };

u32 program_main(void)
{
    i64 bond = rt_bind(&time_interface, false);
    u64 least_ns = UINT64_MAX;
    for (u32 round = 0; round < ROUNDS; round++) {
        u64 start_ns;
        u64 end_ns;
        if (bond < 0 || time_monotonic((u32)bond, &start_ns) < 0) {
            return 1;
        }
        for (u32 i = 0; i < CALLS; i++) {
            struct system_cancel_call call = {12345}; // nothing of the sort
            struct system_result_none_error result;
            if (system_cancel(RT_SYSTEM_BOND, &call, &result) < 0 || result.ok) {
                return 2;
            }
        }
        if (time_monotonic((u32)bond, &end_ns) < 0) {
            return 1;
        }
        least_ns = end_ns - start_ns < least_ns ? end_ns - start_ns : least_ns;
    }
    char buffer[32];
    struct text text = text_over(buffer, sizeof buffer);
    text_u64(&text, least_ns / CALLS);
    text_char(&text, '\n');
    (void)rt_print(buffer);
    return 0;
}
