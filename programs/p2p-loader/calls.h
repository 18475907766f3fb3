// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/calls.h: messages under way, and who waits for their answers.
//
// Use     embed a struct call where the answer matters; call_send; when its answer comes,
//         calls_answer calls `done`, which may send it again or free what holds it.
// Owner   a struct call stays where it is until its answer came or call_drop.
#pragma once
#include "core/base/map.h"
#include "core/base/types.h"
struct rt_event;

struct call {
    struct map_node node;
    bool is_waiting;
    void (*done)(struct call *call, const struct rt_event *event);
};

void calls_init(void);

// False: it could not be sent, and `done` will not be called. `done` is never called from here.
bool call_send(struct call *call, u32 bond, u64 function, const void *body, size_t size,
               void (*done)(struct call *call, const struct rt_event *event));
// Whoever makes the answer is told that it is of no more interest; `done` is still called, with
// E_CANCELLED or with what was answered before.
void call_cancel(struct call *call);
// The same, and `done` is not called.
void call_drop(struct call *call);

// An event of kind ANSWER.
void calls_answer(const struct rt_event *event);
