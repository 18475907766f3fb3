// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/supervise.h: whether a program that has ended is started again, and when. Time in,
// a time out: it starts nothing itself.
//
// The first time after SUPERVISE_FIRST_MS, then twice as long, up to SUPERVISE_MOST_MS. One that
// has run for SUPERVISE_GOOD_MS is as good as new; one that has not for SUPERVISE_FAILURES times in
// a row is given up.
#pragma once
#include "core/base/types.h"
#include "tools/redshirt/system_file.h"

enum {
    SUPERVISE_FIRST_MS = 100,
    SUPERVISE_MOST_MS = 30000,
    SUPERVISE_GOOD_MS = 10000,
    SUPERVISE_FAILURES = 10,
};

struct supervise {
    enum system_restart restart;
    u32 failures; // in a row, or ends that came as soon
    u64 started_ns;
};

enum supervise_word {
    SUPERVISE_DONE,    // it was not to be started again
    SUPERVISE_AGAIN,   // at *again_ns
    SUPERVISE_GIVE_UP, // it has failed too often
};

// It was started.
void supervise_started(struct supervise *supervise, u64 now_ns);
// It has ended.
enum supervise_word supervise_ended(struct supervise *supervise, bool has_failed, u64 now_ns,
                                    u64 *again_ns);
