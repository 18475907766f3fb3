// SPDX-License-Identifier: GPL-3.0-or-later
// tests/fuzz/one_device.h: one device of the hosted machine, without its loop and without a kernel;
// what it leaves to the host's threads is done at once.
//
// Use     hosted_NAME_add of the device; one_device_tell for each event; one_device_drop.
#pragma once
#include "core/base/types.h"
struct hosted_loop;
struct kernel_event;

// For hosted_NAME_add.
extern struct hosted_loop one_device_loop;

// Hands the device an event, whose id is 1; its body is copied to memory of its own, at an odd
// address, so that the sanitizers see its end. A message is answered once, and anything else is
// not. Returns the code of the error answer; 0: none.
i32 one_device_tell(const struct kernel_event *event);
void one_device_drop(void);

// For a test that plays a part of the kernel itself: the device has answered so.
void one_device_answered(u64 message, const u8 *body, u32 size);
