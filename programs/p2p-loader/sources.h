// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/sources.h: who may have what is looked for, and how to reach them.
//
// Use     sources_add for each address that the user gave, sources_hint for what was heard.
//         sources_turn with is_wanted while something is looked for that the store lacks: peers are
//         dialled then and not before, so a program that is in the store costs no packet.
//         sources_are_coming says whether somebody may still be heard of; sources_may_begin whether
//         it is the turn of a kind that somebody else looks after.
// Order   the store, then the local network, the user's addresses, the public network (its DHT and
//         its routers) and gateways, those of them that are on, each after LOADER_STAGE_MS in which
//         no block came.
// Limits  LOADER_TARGETS; the oldest hint gives way. A peer that was not there is dialled again
//         after LOADER_REDIAL_MS, and one that lied not at all. Of what others say about the local
//         network, addresses of this machine itself are taken only while a peer of this machine is
//         there; what they say at all is dialled P2P_HEARSAY_*_HOUR times in an hour.
#pragma once
#include "core/base/err.h"
#include "core/base/types.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/multiaddr.h"
struct link;
struct node;
struct text;

enum source {
    SOURCE_LAN,
    SOURCE_USER,
    SOURCE_PUBLIC,
    SOURCE_GATEWAY,
    SOURCE_COUNT,
};

// That kind is on; addresses of the user's are so by themselves.
void sources_enable(enum source source);
void sources_disable(enum source source);
bool sources_are_on(enum source source);

// ERR_UNSUPPORTED  not an address of TCP; ERR_LIMIT
enum err sources_add(const struct multiaddr *address);

//   source  SOURCE_LAN or SOURCE_PUBLIC: where it was heard
void sources_hint(const struct node *node, const struct p2p_hint *hint, enum source source);
// A block came: there is no hurry to ask further.
void sources_are_good(const struct node *node);

// Returns when to be called at the latest.
u64 sources_turn(struct node *node, bool is_wanted);
//   until_ns  till then those count, too, whom only the local network names
bool sources_are_coming(const struct node *node, u64 until_ns);
// Whether somebody was asked for a block whom not only the local network names.
bool sources_are_asked(const struct node *node);
// Whether something is looked for, that kind is on, and those before it have been silent.
bool sources_may_begin(const struct node *node, enum source source);

// A link that sources_turn dialled is open, or is gone.
void sources_opened(const struct link *link);
void sources_gone(const struct link *link, struct span why);
// The peer at the other end is not dialled again: it lied.
void sources_ban(const struct link *link);

// Appends, for each address of the user's that has no open link, what became of it. Returns how
// many.
//   before  so many stand in the list before them
u32 sources_tell(struct text *out, u32 before);
