// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/net.h: between interfaces/net.wit and the host's addresses and errors.
#pragma once
#include <netinet/in.h>
#include <sys/socket.h>

#include "core/base/types.h"
#include "interfaces/net.h"
#include "machines/hosted/calls.h"

// An endpoint on the wire, at most: the kind, sixteen bytes and a scope, the port.
enum { NET_ENDPOINT_BYTES = 1 + 16 + 4 + 2 };

// Always succeeds: every endpoint is an address of the host, if perhaps one that it refuses.
void hosted_address_from(const struct net_endpoint *endpoint, struct sockaddr_storage *out);

// False: an address of another family, which no socket of ours has.
bool hosted_address_to(const struct sockaddr *address, struct net_endpoint *out);

// What a device of sockets bears that may have one in `share` of the host's descriptors, and one
// process half of them: some are left for the store and for others.
struct calls_limits hosted_socket_limits(u32 share);

// For a libuv error, below 0.
enum net_error hosted_net_error(int uv_error);
