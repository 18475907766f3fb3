// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/show.h: what a page about peers shows: the handler of redshirt:net/peers, for
// clients that the user grants it.
//
// Use     show_begin once; show_event for each message that came over show_registration;
//         show_offence where a peer breaks a rule.
// Limits  LOADER_SHOWN peers, LOADER_OFFENCES. All that an answer needs is taken for it and given
//         back.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct node;
struct rt_event;

// Where somebody else answers the interface, or the user denied it, nothing is shown.
void show_begin(struct node *node);
// Whether a message is one of those that show_event takes.
bool show_is_for(const struct rt_event *event);
void show_event(const struct rt_event *event);

//   words  printable; what is longer than LOADER_OFFENCE_BYTES is cut
//   who    a peer or a web server, one word
void show_offence(struct node *node, struct span who, u64 bytes, const char *words);
