// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/lessons.h: what somebody has just allowed for ever, on its way into the file of
// grants: the kernel says so with its lock held, and a file takes its time.
//
// Use     zero at first. lessons_note by the kernel (kernel_config.learned); lessons_next and
//         lessons_took by who writes the file, until there is none.
// Owner   texts are copies; a line points into its lesson until lessons_took.
// Threads one that notes at a time, and one of the others.
// Limits  LESSONS_MOST at once: what is beyond holds until the system stops, and lessons_lost says
//         so.
#pragma once
#include "core/base/cid.h"
#include "core/base/types.h"
#include "tools/redshirt/grants_text.h"
struct kernel_learned;

enum { LESSONS_MOST = 64 }; // a person answers one after another; a program that answers may not

struct lesson {
    enum kernel_right right;
    struct cid program;
    u8 interface[32];
    u32 name_size;
    char name[GRANTS_NAME_BYTES];
};

struct lessons {
    u32 noted;                         // atomic
    u32 kept;                          // atomic: of them
    bool has_lost;                     // atomic
    struct lesson items[LESSONS_MOST]; // around
};

// What cannot stand in the file is left out.
void lessons_note(struct lessons *lessons, const struct kernel_learned *learned);

// The next one, as a line of the file. False: there is none.
bool lessons_next(const struct lessons *lessons, struct grants_line *out);
// It is kept.
void lessons_took(struct lessons *lessons);

// Whether there was one too many since this was asked last.
bool lessons_lost(struct lessons *lessons);
