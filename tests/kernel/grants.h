// SPDX-License-Identifier: GPL-3.0-or-later
// tests/kernel/grants.h: the user's words on a stage.
//
// Use     grants_stage_open in place of stage_open; then grants_say and grants_forget. Programs are
//         named by their CIDs, NULL: all of them; so are interfaces.
#pragma once
#include "core/kernel/grant.h"
#include "tests/kernel/stage.h"

// What moves puppets.
extern const struct stage_interface grants_puppet;

// Puppets may use what moves them; otherwise, `unknown` is the word for what no row is about.
void grants_stage_open(struct stage *stage, u64 seed, enum kernel_word unknown);
// Fills in the program and the interface.
void grants_name(struct kernel_grant *grant, const char *cid,
                 const struct stage_interface *interface);
void grants_say(struct stage *stage, enum kernel_right right, enum kernel_word word,
                const char *cid, const struct stage_interface *interface, const char *limit);
void grants_forget(struct stage *stage, enum kernel_right right, const char *cid,
                   const struct stage_interface *interface);
u32 grants_count(struct stage *stage);
