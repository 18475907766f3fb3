// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/consent.h: the user, as a running kernel sees him: asked on the terminal, told of
// refusals, and heard when he changes his mind in another window.
//
// Use     consent_refused goes into the machine's config; consent_start once the kernel is there,
//         before it runs; consent_stop when it has stopped, before it goes.
//         consent_manifest before consent_start where a publisher says something of the program.
// Threads one of its own. What a question waits for holds up nobody but who asks.
// Limits  LESSONS_MOST (lessons.h) answers `always` that are to be kept at once: what is beyond
//         holds until the system stops, and that is said.
//         REFUSALS_MOST (refusals.h) different refusals are told; one question at a time is
//         shown, those behind it wait. Programs read nothing of the terminal and write nothing
//         to it meanwhile (machines/hosted/terminal.h); what they had made of it before, text
//         that hides or a part that scrolls, is undone.
#pragma once
#include "core/base/types.h"
struct kernel;
struct kernel_learned;
struct kernel_refusal;
struct manifest;
struct store;

// kernel_config.refused.
void consent_refused(void *context, const struct kernel_refusal *refusal);
// kernel_config.learned: it goes into the file of grants, whoever gave the answer.
void consent_learned(void *context, const struct kernel_learned *learned);

// Applies what the user said until now, and takes questions. When the standard input is a terminal
// they are shown there; else the answer is no. Says what fails; returns EXIT_GOOD or the exit code.
int consent_start(struct kernel *kernel, struct store *store);
// Says what there still is to say. Nothing happens when it was not started.
void consent_stop(void);

// Questions about the manifest's program are shown with its name, version and publisher, and with
// the interfaces that it is said to want; what the program wants beyond them is marked. It is
// copied.
void consent_manifest(const struct manifest *manifest);

// Whether something was refused that the user was not asked about.
bool consent_has_refused(void);
