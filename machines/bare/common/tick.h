// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/tick.h: what the tick records: the end of a slice, typed bytes, and that
// somebody was woken.
//
// Source  defines platform_slice, platform_wait and platform_wake of core/platform.h.
#pragma once
#include "core/base/types.h"

// When the clock reaches that time, a slice under way ends early and whoever waits is woken;
// UINT64_MAX: never. So do typed bytes.
void tick_alarm(u64 deadline_ns);

// Ticks since the start.
u64 tick_count(void);
