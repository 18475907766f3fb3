// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/timers.h: who waits until when, the earliest first.
//
// A binary heap by time: what is added, removed or first costs as many steps as the number of
// those who wait has bits, whatever times they wait for.
//
// Use     timers_init; timers_reserve before there are more that may wait; timers_add and
//         timers_remove, which cannot fail; timers_first is whose time is over first. A struct
//         timer lies in whoever waits (CONTAINER_OF finds them), and is all zeros at first.
// Owner   the struct owns its pieces, takes them from `memory` and keeps them until timers_drop;
//         timers are their owners', and stay where they are while they are added.
// Limits  `limit` timers. Those of one time come in no order that is promised.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
struct memory;

enum { TIMERS_PIECE = 512 }; // places of a piece: 8 KiB

struct timer {
    u32 place; // from 1; 0: not added
};

struct timers_place {
    u64 until_ns;
    struct timer *timer;
};

struct timers {
    struct memory *memory;
    struct timers_place **pieces; // limit / TIMERS_PIECE of them, those from piece_count on NULL
    u32 piece_count;
    u32 limit;
    u32 count;
    u64 moves; // places written so far: what all of it has cost
};

// ERR_NO_MEMORY  no room for the table of pieces
enum err timers_init(struct timers *timers, struct memory *memory, u32 limit);
// Gives all memory back, whoever still waits.
void timers_drop(struct timers *timers);

// Makes room for `count` timers, at most the limit; false when memory is out.
bool timers_reserve(struct timers *timers, u32 count);
// One that is not added. There is room.
void timers_add(struct timers *timers, struct timer *timer, u64 until_ns);
// One that is added.
void timers_remove(struct timers *timers, struct timer *timer);
// Asserts that every place is where it belongs.
void timers_check(const struct timers *timers);

static inline bool timer_is_added(const struct timer *timer)
{
    return timer->place != 0;
}

// Whose time is over first; NULL: nobody waits.
static inline struct timer *timers_first(const struct timers *timers)
{
    return timers->count == 0 ? NULL : timers->pieces[0][0].timer;
}

// And when; UINT64_MAX: nobody waits.
static inline u64 timers_first_ns(const struct timers *timers)
{
    return timers->count == 0 ? UINT64_MAX : timers->pieces[0][0].until_ns;
}
