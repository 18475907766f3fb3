// SPDX-License-Identifier: GPL-3.0-or-later
// tests/interop/links.h: connections of lib/p2p over sockets of loopback, for programs that talk to
// other implementations.
//
// Use     links_start once, links_dial; links_wait again and again, which calls on_event for all
//         that happens; links_stop at the end, which also checks that all was given back.
// Limits  one host for each program; LINKS connections; IPv4.
#pragma once
#include "lib/p2p/connection.h"
#include "tests/unit/p2p_crypto.h"
struct report;

enum { LINKS = 32, LINK_BYTES = 256 * 1024 };

struct link {
    int fd; // -1: free
    bool is_peer_done;
    bool is_open; // streams may be opened
    struct p2p_connection connection;
    size_t in_size, out_start, out_size;
    u8 in[LINK_BYTES];
    u8 out[LINK_BYTES];
};

struct links_config {
    const struct span *protocols;
    u32 protocol_count;
    bool listens; // peers are told where; else there is an address and nobody knows it
    bool is_late; // does not name the muxer in the handshake
    void (*on_event)(struct link *link, struct p2p_event event);
};

extern struct p2p_host links_host;
extern struct p2p_crypto links_crypto;

// Fails by ending the program.
void links_start(const struct links_config *config);
void links_stop(void);

// Connects to an address of IPv4 and TCP, with the peer that must be there. NULL: nobody is.
struct link *links_dial(struct span address, const struct peer_id *peer, struct report *report);
struct link *links_dial_text(const char *address, struct report *report);

// The link to a peer, or NULL.
struct link *links_find(const struct peer_id *peer);

// Waits for at most 100 ms. False: stdin has ended, and this program listens.
bool links_wait(void);

// Where we listen, with our id.
struct span links_listen_address(void);
void links_address(char *out, size_t capacity);

u64 now_ns(void);
// Prints a line and flushes it.
void say(const char *word, const char *more);
