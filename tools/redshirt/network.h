// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/network.h: the program p2p-loader in a session.
//
// Use     network_option for each option of the command line; network_settings once the store is
//         open; session_open with `fetches` where network_is_on; network_start before session_run.
// Owner   addresses are the command line's own strings, and those of the settings.
// Limits  as many addresses as a program has arguments.
#pragma once
#include "core/base/types.h"
#include "core/kernel/limits.h"
#include "tools/redshirt/settings.h"
struct command;
struct options;
struct session;
struct store;

struct network {
    const char *peers[KERNEL_ARGUMENTS];
    u32 peer_count;
    const char *listens[KERNEL_ARGUMENTS];
    u32 listen_count;
    bool is_public; // the public network is asked too, last
    struct settings settings;
    bool lan;            // peers of the local network are asked too, and told
    const char *get;     // NULL, or the CID of what is fetched; then it ends
    const char *resolve; // NULL, or a key whose newest record is fetched; then it ends
    bool stays;          // serves until it is ended
};

// Takes --peer ADDRESS, --listen ADDRESS, --lan or --public, and checks it.
//   is_mine  receives whether it is one of them
// Returns EXIT_GOOD or the exit code.
int network_option(const struct command *command, struct network *network, struct options *options,
                   const char *option, const char *value, bool *is_mine);

// Adds what the user has said once for all. They stay until the command ends.
int network_settings(struct store *store, struct network *network);

// Whether somebody may be asked.
static inline bool network_is_on(const struct network *network)
{
    return network->peer_count != 0 || network->lan || network->is_public;
}

// Starts p2p-loader. Says what fails; returns EXIT_GOOD or the exit code.
//   is_main  its end is the end of the session
int network_start(struct session *session, const struct network *network, bool is_main);
// A session of p2p-loader alone, from its beginning to its end: until it has what it was told to
// get, or, where it stays, until it is stopped.
int network_alone(struct store *store, const struct network *network);
