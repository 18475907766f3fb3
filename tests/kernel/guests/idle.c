// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/guests/idle.c: the smallest program: waits for ever, or (with an import that says
// so) returns.
#include "core/base/types.h"

__attribute__((import_module("redshirt"), import_name("wait"))) i32 redshirt_wait(void *buf,
                                                                                  u32 len,
                                                                                  u32 flags);
void start(void);

__attribute__((export_name("_start"))) void start(void)
{
    (void)redshirt_wait(0, 0, 0);
}
