// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/limits.h: every bound of the runtime.
#pragma once

enum {
    // First size of the buffer that notifications arrive in; most messages are far smaller.
    RT_EVENT_BYTES_FIRST = 1024,
    // A buffer that had to grow beyond this, for one long notification, is given back after it.
    RT_EVENT_BYTES_KEEP = 256 << 10,
    // Most memory that rt_memory hands out: a program of the largest size, twice, and room beside
    // it.
    RT_HEAP_BYTES = 160 << 20,
};
