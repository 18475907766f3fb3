// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/pauses.h: what happens while the kernel's lock is given back in the middle of
// something, on a machine where nothing happens at the same time.
//
// Use     pauses_begin; then each time the kernel gives its lock back, `meanwhile` is called, which
//         may do what another worker would; what that does is no pause of its own. pauses_end
//         before the stage is moved on.
// Owner   the caller has the struct, one at a time.
#pragma once
#include "core/base/types.h"
struct stage;

struct pauses {
    void (*meanwhile)(void *context, u32 count); // NULL: they are only counted
    void *context;
    u32 count; // so far
    struct stage *stage;
    void (*wake)(void *context); // of the stage's device, by which the pauses are noticed
    bool is_inside;
};

void pauses_begin(struct pauses *pauses, struct stage *stage);
void pauses_end(struct pauses *pauses);
