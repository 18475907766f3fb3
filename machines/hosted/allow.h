// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/allow.h: which hosts and ports a client of tcp or udp may use: the limits of its
// grants, and the addresses that names have turned out to be.
//
// Use     allow_parse reads one limit (docs/grants.md, Hosts and ports); allow_connect and
//         allow_listen judge by it. A device keeps a struct allow_table, asks allow_client at each
//         connect and listen, and tells allow_gone when a client is gone. The device of dns tells
//         what it has resolved by resolved_add.
// Owner   the table owns what it keeps of its clients; there is one memory of what was resolved.
// Threads whoever is in the loop.
// Limits  HOSTED_ALLOW_PARTS of one limit, HOSTED_RESOLVED addresses, HOSTED_OWNER_RESOLVED of one
//         process: then the oldest is forgotten, and its name has to be resolved again.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/net.h"
#include "machines/hosted/limits.h"
struct kernel_device;
struct report;

enum allow_kind { ALLOW_CONNECT, ALLOW_LISTEN };
enum allow_host { ALLOW_ANY, ALLOW_ADDRESS, ALLOW_NAME };

// An address as it is compared: 16 bytes, IPv4 as the ones that are mapped into IPv6.
struct allow_address {
    u8 bytes[16];
    u32 scope; // 0 but for link-local ones
};

struct allow_part {
    u8 kind; // enum allow_kind
    u8 host; // enum allow_host
    u8 bits; // ALLOW_ADDRESS: so many leading ones count, of 128
    u16 port_first;
    u16 port_last;
    struct allow_address address;
    char name[HOSTED_NAME_BYTES + 1]; // in lower case
};

struct allow {
    u32 count;
    struct allow_part parts[HOSTED_ALLOW_PARTS];
};

// ERR_MALFORMED  the report says what is wrong, and its offset where
// ERR_LIMIT      HOSTED_ALLOW_PARTS
enum err allow_parse(struct span text, struct allow *out, struct report *report);

// Whether a connection to there, or a datagram, is allowed to that owner (abi_client_owner).
bool allow_connect(const struct allow *allow, u64 owner, const struct net_endpoint *to);
// Whether listening there is. Port 0 is any free one: allowed where all ports are.
bool allow_listen(const struct allow *allow, const struct net_endpoint *at);
bool allow_has(const struct allow *allow, enum allow_kind kind);

// ---- clients

struct allow_client {
    struct allow_client *next;
    u64 client;
    u32 count;      // all of them hold; 0: everything is allowed
    bool is_broken; // one of them does not say what it means: nothing is allowed
    struct allow *limits;
};

enum { ALLOW_BUCKETS = 256 }; // zero at first
struct allow_table {
    struct allow_client *buckets[ALLOW_BUCKETS];
};

void allow_table_drop(struct allow_table *table);
// What is known of a client, asked of the kernel the first time. NULL: it is gone, or there is no
// memory: nothing is allowed.
const struct allow_client *allow_client(struct allow_table *table, struct kernel_device *device,
                                        u64 client);
void allow_gone(struct allow_table *table, u64 client);

bool allow_client_connect(const struct allow_client *client, const struct net_endpoint *to);
bool allow_client_listen(const struct allow_client *client, const struct net_endpoint *at);
// Opening a socket of udp to send from: on any free port, where sending to somebody is allowed.
bool allow_client_open(const struct allow_client *client, const struct net_endpoint *at);

// ---- what names have turned out to be

// `name` has that address, for whoever has asked.
void resolved_add(u64 owner, const char *name, const struct net_address *address);
