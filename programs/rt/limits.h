// SPDX-License-Identifier: GPL-3.0-or-later
// programs/rt/limits.h: every bound of the runtime.
#pragma once

enum {
    // First size of the buffer that notifications arrive in; most messages are far smaller.
    RT_EVENT_BYTES_FIRST = 2048,
    // Largest size it grows to. The longest answer is a loader's or a store's block, 2 MiB, with its frame;
    // a notification that is longer is dropped, with the error answer E_TOO_LONG where one is wanted.
    RT_EVENT_BYTES = (2 << 20) + 4096,
    // Most memory that rt_memory hands out: a program of the largest size, twice, and room beside it.
    RT_HEAP_BYTES = 160 << 20,
    // Arguments and environment together, as the kernel limits them.
    RT_START_BYTES = 1 << 20,
};
