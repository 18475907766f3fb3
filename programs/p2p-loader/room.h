// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/room.h: who goes when there is no room for one who comes.
//
// Use     at the bound of links.h, the link that is told is ended, and the newcomer has its place.
// Order   of those who came to us, the neighbourhood (an IPv4 address, a /64 of IPv6) that has the
//         most places gives one up: an idle crowd of one address displaces itself and nobody else.
//         Who is being served keeps its place, but for one of a neighbourhood that holds half of
//         all places, when somebody comes from elsewhere: a busy crowd keeps nobody else out.
// Limits  LOADER_KNOCKING, LOADER_LINKS_*, LOADER_IDLE_MS.
#pragma once
#include "core/base/types.h"
#include "interfaces/net.h"
struct link;
struct node;

u64 room_neighbourhood(const struct net_endpoint *peer);

// Of those who have not said who they are: the one that has been there for longest. NULL: nobody
// knocks.
struct link *room_knocking(const struct node *node);
// Of those who are there: the one that has wanted nothing for longest, with no stream and nothing
// asked of it, for LOADER_IDLE_MS at least, unless its neighbourhood has half of all places. NULL:
// there is none.
struct link *room_idle(const struct node *node);
// The same where all of them are busy: of a neighbourhood that has half of all places and is not
// the newcomer's, the one on whose streams nothing has happened for longest. NULL: there is none.
struct link *room_crowding(const struct node *node, u64 neighbourhood);
