// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/public.h: who is asked in the public network, and what became of it: nodes of
// the DHT to begin with, routers (web servers that know who has what), gateways (web servers that
// have blocks).
//
// Use     public_add for each address of the command line, then public_begin; search.h and
//         gateway.h ask them. public_tell says what they said.
// Owner   the addresses are the command line's own text.
// Limits  P2P_BOOTSTRAPS, P2P_ROUTERS, P2P_GATEWAYS.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/web_address.h"
struct dht_search;
struct node;
struct text;

enum public_kind {
    PUBLIC_BOOTSTRAP, // a multiaddr that ends in /p2p/ID
    PUBLIC_ROUTER,    // http://HOST:PORT
    PUBLIC_GATEWAY,   // the same
};

// A web server, and what it last said.
struct public_server {
    struct span text;
    struct web_address address;
    u32 named;        // peers, of a router's last answer
    bool is_bad;      // it lied: it is asked nothing more
    const char *said; // NULL: it was not asked
};

// ERR_MALFORMED, ERR_UNSUPPORTED  not such an address; ERR_LIMIT
enum err public_add(enum public_kind kind, struct span text, struct report *report);
// The public network is on: sources.h knows what there is to ask.
void public_begin(void);
bool public_is_on(void);

// Whether the user named that address of that peer, which may be anywhere then.
bool public_named(const struct peer_id *peer, struct span address);
// Gives a search those to begin with.
void public_seed(struct dht_search *search);
u32 public_count(enum public_kind kind);
// Of routers and gateways.
struct public_server *public_server(enum public_kind kind, u32 index);

// The server lied: it is noted, and asked nothing more.
//   words  a literal
void public_is_bad(struct node *node, struct public_server *server, u64 bytes, const char *words);
// Nobody gave what was looked for: routers that named peers for it are noted.
void public_has_failed(struct node *node);
// How many peers the routers named for it.
u32 public_named_count(void);
// Appends what routers and gateways said, or that the public network is off.
void public_tell(struct text *out);
