// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/limits.h: every bound of the server.
#pragma once

enum {
    SERVER_CONNECTIONS = 128, // at once; more wait in the machine's backlog
    SERVER_BACKLOG = 128,     //
    SERVER_ACCEPTS = 4,       // accepts under way, so that a burst needs no turn for each
    SERVER_READ_BYTES = 8192, // of a connection's buffer: one head of the longest, HTTP_HEAD_BYTES
    SERVER_WRITE_BYTES = 32768, // of one write; longer answers take several
    SERVER_DRAIN_BYTES = 65536, // read over after a refusal, at most
    SERVER_TURN_NS =
        1000000000, // of the timer: idle connections are looked at, failed accepts sent again
    SERVER_IDLE_TURNS = 30,  // a connection on which nothing moved that long is closed
    SERVER_PROCESSES = 256,  // shown on the page; the others are counted
    SERVER_NAME_BYTES = 96,  // of a program's or an interface's name on the page; the rest is cut
    SERVER_INTERFACES = 256, // for Prometheus; the page shows as many as inspect says
    SERVER_BOND_PARTS = 4,   // answers of inspect about bonds, of 1024 places each
    SERVER_EDGES = 1024,     // who talks to whom; the others are left out, and that is said
    SERVER_REFUSALS = 64,    // as many as inspect says
    SERVER_SERIES = 6000,    // samples for Prometheus at most; it takes some ten times as many
    SERVER_PEERS = 128,      // shown on the page; the others are counted
    SERVER_FILES = 16,       // that are fetched, likewise
    SERVER_OFFENCES = 16,    // of peers, likewise
    SERVER_LISTENS = 16,     // addresses of the node, likewise
};
