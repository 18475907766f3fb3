// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/refusals.h: what programs were refused, each thing once, and what the user has
// just said no to, which he need not be told.
//
// Use     zero at first. refusals_note by whoever refuses; refusals_said_no and refusals_next by
//         who speaks to the user.
// Threads one that notes at a time, and one of the others.
// Limits  REFUSALS_MOST different ones, and as many noes; beyond, has_more says so.
#pragma once
#include "core/base/cid.h"
#include "core/base/types.h"
struct kernel_refusal;

enum {
    REFUSALS_MOST = 64,       // a program that wants more than that has been told of enough
    REFUSALS_NAME_BYTES = 128 // of a process or an interface, as it is shown
};

struct refusal {
    u8 right; // enum kernel_right
    u8 program[32];
    u8 interface[32];
    char cid[CID_TEXT_BYTES];
    char started_as[REFUSALS_NAME_BYTES]; // these as they may be shown; empty: nothing
    char name[REFUSALS_NAME_BYTES];
};

struct refusals {
    u32 count;     // atomic
    u32 told;      // of them
    u32 no_count;  // atomic
    bool has_more; // atomic
    struct refusal items[REFUSALS_MOST];
    u8 noes[REFUSALS_MOST][65]; // programs, interfaces, rights
};

// False: it was noted before, or there is no room.
bool refusals_note(struct refusals *refusals, const struct kernel_refusal *refusal);
// `right` is an enum kernel_right.
void refusals_said_no(struct refusals *refusals, const u8 program[32], const u8 interface[32],
                      u8 right);

// The next one to tell; NULL: there is none.
const struct refusal *refusals_next(struct refusals *refusals);

// Whether something was refused that the user was not asked about.
bool refusals_is_any(const struct refusals *refusals);
