// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/supervise.h"

enum { NS_OF_MS = 1000000 };

void supervise_started(struct supervise *supervise, u64 now_ns)
{
    supervise->started_ns = now_ns;
}

enum supervise_word supervise_ended(struct supervise *supervise, bool has_failed, u64 now_ns,
                                    u64 *again_ns)
{
    bool is_wanted = supervise->restart == SYSTEM_ALWAYS ||
                     (supervise->restart == SYSTEM_ON_FAILURE && has_failed);
    if (!is_wanted) {
        return SUPERVISE_DONE;
    }
    if (now_ns - supervise->started_ns >= (u64)SUPERVISE_GOOD_MS * NS_OF_MS) {
        supervise->failures = 0;
    }
    if (supervise->failures == SUPERVISE_FAILURES) {
        return SUPERVISE_GIVE_UP;
    }
    u64 delay_ms = (u64)SUPERVISE_FIRST_MS << supervise->failures;
    if (delay_ms > SUPERVISE_MOST_MS) {
        delay_ms = SUPERVISE_MOST_MS;
    }
    supervise->failures++;
    *again_ns = now_ns + delay_ms * NS_OF_MS;
    return SUPERVISE_AGAIN;
}
