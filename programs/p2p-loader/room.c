// SPDX-License-Identifier: GPL-3.0-or-later
// One pass counts the neighbourhoods, in a table with open addressing; a second one chooses.
#include "programs/p2p-loader/room.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/mem.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"

enum { PLACES = 2 * LOADER_LINKS_SERVING }; // so that a chain of them is short

STATIC_ASSERT((PLACES & (PLACES - 1)) == 0);

struct place {
    u64 neighbourhood;
    u32 count; // 0: free
};

static struct place places[PLACES];

u64 room_neighbourhood(const struct net_endpoint *peer)
{
    // No /64 begins with these bits: they are of multicast.
    return peer->address.kind == NET_ADDRESS_IPV4 ? (u64)0xff << 56 | peer->address.as.ipv4
                                                  : peer->address.as.ipv6.first;
}

static struct place *place_of(u64 neighbourhood)
{
    u32 at = (u32)((neighbourhood * 0x9e3779b97f4a7c15) >> 32) % PLACES;
    while (places[at].count != 0 && places[at].neighbourhood != neighbourhood) {
        at = (at + 1) % PLACES;
    }
    return &places[at];
}

// Whether a link is among those of which one may have to go.
typedef bool is_candidate(const struct link *link);

static bool is_knocking(const struct link *link)
{
    return link->is_knocking && link->stage == LINK_IS_UP;
}

static bool is_visitor(const struct link *link)
{
    return !link->is_dialler && link_is_open(link);
}

// How many links the neighbourhood has that has the most.
static u32 count_all(const struct node *node, is_candidate *is_one)
{
    u32 most = 0;
    mem_zero(places, sizeof places);
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (is_one(link)) {
            struct place *place = place_of(link->neighbourhood);
            place->neighbourhood = link->neighbourhood;
            place->count++;
            most = place->count > most ? place->count : most;
        }
    }
    return most;
}

struct link *room_knocking(const struct node *node)
{
    u32 most = count_all(node, is_knocking);
    // The list is in the order in which they came.
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        if (is_knocking(link) && place_of(link->neighbourhood)->count == most) {
            return link;
        }
    }
    return NULL;
}

static bool is_idle(const struct link *link)
{
    return link->bitswap.order_count == 0 && link->bitswap.asked_count == 0 && !dht_uses(link) &&
           !announce_uses(link);
}

// Does a neighbourhood with so many hold half of the places?
static bool is_crowd(const struct node *node, u32 count)
{
    return count >= node->link_most / 2;
}

struct link *room_idle(const struct node *node)
{
    struct link *longest = NULL;
    u32 most = count_all(node, is_visitor);
    u64 until_ns = node->now_ns;
    if (!is_crowd(node, most)) {
        u64 idle_ns = LOADER_IDLE_MS * NS_PER_MS;
        until_ns = node->now_ns > idle_ns ? node->now_ns - idle_ns : 0;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        bool may_go = is_visitor(link) && place_of(link->neighbourhood)->count == most &&
                      link->used_ns <= until_ns;
        bool is_longer = longest == NULL || link->used_ns < longest->used_ns;
        if (may_go && is_longer && is_idle(link)) {
            longest = link;
        }
    }
    return longest;
}

struct link *room_crowding(const struct node *node, u64 neighbourhood)
{
    struct link *longest = NULL;
    u32 most = count_all(node, is_visitor);
    if (!is_crowd(node, most)) {
        return NULL;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        bool may_go = is_visitor(link) && link->neighbourhood != neighbourhood &&
                      place_of(link->neighbourhood)->count == most;
        if (may_go && (longest == NULL || link->used_ns < longest->used_ns)) {
            longest = link;
        }
    }
    return longest;
}
