// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/frames.h: physical memory, one page at a time.
//
// Use     frames_init once with what the boot loader said; then take and give.
// Owner   whoever takes a frame, until it gives it.
// Limits  memory beyond cpu_identity_end stays unused.
#pragma once
#include "core/base/types.h"
struct boot_info;

// The frames of all usable ranges, less everything reserved. Page 0 is never one of them.
void frames_init(const struct boot_info *boot);

// The address of a frame, its contents arbitrary; 0: there is none left.
u64 frames_take(void);
void frames_give(u64 frame);

// Frames that there are in all, and that are free now.
u64 frames_count(void);
u64 frames_free(void);
