// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/links.h: connections to peers, each a socket under a p2p_connection.
//
// Use     link_dial, links_listen; links_turn after events, which sends, ticks and frees.
//         One that came to us is of the local network when it comes from this machine, or from a
//         private address while the user has the local network or peers of their own on; from
//         anywhere else it is a guest.
// Owner   a link is made here, and freed by links_turn after node_gone.
// Limits  LOADER_LINKS_*, LOADER_KNOCKING, at which room.h says who goes; a link asks the machine
//         for more bytes only when it has handed on all it got, so a peer waits for us and not we
//         for memory.
#pragma once
#include "core/base/err.h"
#include "interfaces/net.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/multiaddr.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/node.h"
struct report;
struct text;

enum link_kind {
    LINK_LOCAL,  // of the local network, or of the user's addresses
    LINK_PUBLIC, // of the public network: blocks are asked of it
    LINK_ASKED,  // of the public network, and only asked who has something
    LINK_GUEST,  // came to us from elsewhere: is given what it wants, asked and told nothing
};

enum link_stage {
    LINK_RESOLVES, // the name
    LINK_CONNECTS,
    LINK_IS_UP, // has a socket; the connection says how far it is
    LINK_IS_OVER,
};

struct link_write {
    struct call call;
    struct link *link;
};

struct link {
    struct list_node of_node;
    struct node *node;
    enum link_stage stage;
    enum link_kind kind;
    bool is_dialler;
    bool is_knocking; // counted among node->knocking_count
    bool is_known;    // node_opened was called
    bool is_heard;    // a stranger gave its name, which must lead to public addresses
    u64 socket;
    u64 deadline_ns; // of names and connects
    u64 since_ns;
    u64 used_ns;       // something last happened on a stream, or since_ns
    u64 neighbourhood; // of the address of one that came (room.h)
    u64 read_bytes, written_bytes;
    struct multiaddr address; // of the peer
    bool has_expected;
    struct peer_id expected;
    u32 endpoint_count, endpoint_next; // to be tried
    struct net_endpoint endpoints[LOADER_ADDRESSES];
    struct call setup; // of a name or a connect
    struct call read;
    struct link_write writes[LOADER_WRITES];
    u8 *held; // bytes that the connection has not taken: [held_start, held_end)
    u32 held_start, held_end;
    const char *why; // it is over; NULL: as it should
    bool has_bitswap;
    struct bitswap_peer bitswap;
    struct p2p_connection connection;
};

// Begins to connect. NULL: there are as many links as there may be, or no memory.
//   address  that multiaddr_target accepts
struct link *link_dial(struct node *node, const struct multiaddr *address, enum link_kind kind);
// The same to one of the addresses of a hint, as far as they are numbers; without any, to its name.
// NULL also: as many as may be dialled on the word of others were (lib/p2p/hint.h). An address of
// the machine itself is left out unless links_reach_loopback.
struct link *link_dial_hint(struct node *node, const struct p2p_hint *hint, enum link_kind kind);
// Counts a link_dial to an address that others told. False: not now.
bool links_may_dial_heard(const struct node *node, enum link_kind kind);
// Whether a peer of this machine itself is there: nobody else may name its inner addresses to us.
bool links_reach_loopback(const struct node *node);
// One that was only asked is asked for blocks, too.
void link_exchange(struct link *link);

// Accepts at an address.
//   at   receives where, with the port that it got
// ERR_UNSUPPORTED  not an address to listen at; ERR_BUSY: taken; ERR_LIMIT; ERR_IO
enum err links_listen(struct node *node, const struct multiaddr *address, struct multiaddr *at,
                      struct report *report);

// Ends it. `why` is a literal.
void link_end(struct link *link, const char *why);

// Is it not known yet who is there, or whether anybody is? (Until node_gone, where nobody is.)
bool link_is_coming(const struct link *link);
bool link_is_open(const struct link *link);
// The link that is there to a peer, or comes, no guest's; NULL: none.
struct link *link_to(const struct node *node, const struct peer_id *peer);
// The same, of that network.
struct link *link_in(const struct node *node, const struct peer_id *peer, enum p2p_scope scope);
// Whether it may be asked in a DHT: by what it says of itself, and in which it is.
bool link_may_be_asked(const struct link *link, enum p2p_scope scope);
// Is any?
bool links_are_open(const struct node *node);

// A peer for people: the beginning and the end of its id, which is long.
void link_peer_write(struct text *out, const struct peer_id *peer);

// Hands on what arrived and sends what there is; ticks, and frees what is over. Returns when to be
// called at the latest.
u64 links_turn(struct node *node);
