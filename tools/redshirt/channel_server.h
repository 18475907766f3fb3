// SPDX-License-Identifier: GPL-3.0-or-later
// tools/redshirt/channel_server.h: the socket by which the user's other commands reach a session:
// HOME/systems/NUMBER, of the process's number; for this user alone.
//
// A thread of its own takes calls and answers them, one after another. It never waits for who is
// connected: who does not read his answer gets no other one, who says nothing for CHANNEL_IDLE_MS
// is sent away, and where there are CHANNEL_CLIENTS, the one that has been silent longest goes.
//
// Use     channel_server_start when the session is about to run, channel_server_stop when it has.
// Limits  below.
// Source  docs/control.md.
#pragma once
struct channel_server;
struct session;

enum {
    CHANNEL_CLIENTS = 16,    // a user with a `top` in each of a few terminals, and scripts
    CHANNEL_IDLE_MS = 10000, // several times the second between two questions of `top`
};

// NULL: the host refuses a socket or a thread. The session is as good, but cannot be reached.
struct channel_server *channel_server_start(struct session *session);
// Also with NULL.
void channel_server_stop(struct channel_server *server);
