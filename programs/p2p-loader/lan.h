// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/lan.h: peers of the local network, by multicast DNS (lib/p2p/mdns.h).
//
// Use     lan_begin where the user wants it; lan_turn in each turn, with is_wanted while something
//         is looked for. What is heard goes to sources_hint.
// Limits  a machine with several networks hears all of them and asks on its first (udp.wit). We are
//         told of at the addresses that we listen at, so one who listens at all of them is not.
#pragma once
#include "core/base/types.h"
#include "lib/p2p/multiaddr.h"
struct node;

// The network is not touched before something is looked for, or offered by one who stays; a machine
// that has no multicast then is told so in the log.
void lan_begin(struct node *node, const struct multiaddr *addresses, u32 count);
// Returns when to be called at the latest.
u64 lan_turn(struct node *node, bool is_wanted);
