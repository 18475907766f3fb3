// SPDX-License-Identifier: GPL-3.0-or-later
// programs/shell/loop.h: messages under way, and what is to be done when they are answered.
//
// Use     loop_init first. wait_send, then loop_turn until what is awaited has come: each turn
//         takes one answer to whoever waits for it.
// Owner   the caller owns a wait, and keeps it until it is done or was cancelled.
#pragma once
#include "core/base/map.h"
#include "core/base/span.h"
#include "core/base/types.h"

struct wait {
    struct map_node node; // its key is the message's id
    bool is_waiting;
    // The answer: its body, or a negative error. May send the wait anew, and turns no loop.
    void (*done)(struct wait *wait, i32 error, struct span body);
};

void loop_init(void);

// Sends a message whose answer goes to wait->done. False: it could not be sent.
bool wait_send(struct wait *wait, u32 bond, u64 function, const void *body, size_t size);

// Gives the answer up; `done` is not called. Nothing when it does not wait.
void wait_cancel(struct wait *wait);

// Waits for one answer.
void loop_turn(void);

// Takes the answers that are there, and waits for none.
void loop_look(void);
