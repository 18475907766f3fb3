// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/limits.h: every bound of the program. Those of the protocols are in
// lib/p2p/limits.h.
#pragma once

enum {
    // ---- peers

    // Connections at once: of a node that stays, and of one that only fetches. Beyond: one that
    // wants nothing goes, or one of a crowd (room.h), or the newest that knocks is closed.
    LOADER_LINKS_SERVING = 1024,
    LOADER_LINKS_FETCHING = 32,
    // Of them, how many the other side has begun and not yet brought to an end of the handshake:
    // so many cost no more memory than a peer. Beyond: one of them goes (room.h).
    LOADER_KNOCKING = 64,
    LOADER_KNOCK_MS = 500,  // that each has before it may have to; who comes waits in the machine
    LOADER_IDLE_MS = 10000, // without a want or a stream, before one may have to go for another
    // Streams for each connection, and some for whoever is busy. Beyond: refused.
    LOADER_STREAMS_EACH = 4,
    LOADER_STREAMS_SPARE = 256,
    // Chunks of 4 KiB that all connections share: of a node that fetches, which has 8 MiB in all,
    // and of one that stays.
    LOADER_CHUNKS_FETCHING = 320,
    LOADER_CHUNKS_SERVING = 1024,
    // Addresses on the command line and from hints that may be dialled. Beyond: the oldest hint
    // gives way.
    LOADER_TARGETS = 64,
    LOADER_LISTENERS = 4,
    LOADER_ACCEPTS = 4,        // under way at each
    LOADER_ADDRESSES = 4,      // of one name that are tried
    LOADER_READ_BYTES = 65536, // of one message of tcp, either way
    LOADER_WRITES = 2,         // under way for each connection: one is sent, one waits
    LOADER_WRITES_ALL = 768,   // and for all. Beyond: who has something to send waits
    // Messages under way at most: a read of each link, those writes, and room for everything else.
    // A process has 2048 (docs/abi.md); at that bound it could not even ask the time.
    LOADER_CALLS = LOADER_LINKS_SERVING + LOADER_WRITES_ALL + 128,
    LOADER_CONNECT_MS = 5000, // for a name and a connection. Beyond: the peer is not there
    LOADER_REDIAL_MS = 5000,  // until a peer that was not there is tried again
    LOADER_STAGE_MS = 300,    // of silence before the next kind of source is asked
    LOADER_LAN_MS = 1500,     // for the local network to answer: js-libp2p takes a second
    // For whom only the local network names, while no block comes: to be reached, and again for
    // what they say in its DHT. Then they are not waited for any more, whoever else they name.
    LOADER_HEARSAY_MS = 3000,
    // And for the blocks that they were asked for. Beyond: nobody has it.
    LOADER_SILENCE_MS = 5000,
    LOADER_EVENTS = 64, // taken before the protocols have their turn

    // ---- the public network

    // Questions to web servers under way: to all routers, for each search, and to a gateway.
    // Beyond: that server is passed over.
    LOADER_WEBS = 9,
    LOADER_WEB_BYTES = 32 << 10,  // of an answer that are not taken: a head of HTTP, and more
    LOADER_WEB_QUIET_MS = 3000,   // without a byte. Beyond: it does not answer
    LOADER_PACE_BYTES = 16 << 10, // of a block in that time, or all that is left. Beyond: likewise
    LOADER_WEB_MS = 20000,        // for all of an answer: a block at 100 kB/s
    LOADER_NAME_MS = 2000,        // for newer records of a name, when there is one
    // To put a record into the list of names. Each that fails is another's that did not, so this is
    // how many may run in one home at once. Beyond: the name is not resolved.
    LOADER_LIST_TRIES = 64,

    // ---- announcing

    LOADER_NAMES =
        64, // names of ours, as many as a node of the DHT keeps; further ones are not told
    // Lookups to announce something, in an hour, all DHTs together: what may be pinned is told
    // within some hours, and who pins and publishes again and again disturbs nobody.
    LOADER_ANNOUNCES_HOUR = 256,
    LOADER_GIFT_MS = 10000, // for those near a key to take what is theirs, connecting included
    LOADER_MEET_MS = 3000,  // peers are dialled for so long, when there is something to tell
    LOADER_MEET_AGAIN_MS = 600000, // and again after this

    // ---- being asked

    LOADER_QUESTIONERS = 32, // streams on which peers ask our part of the DHT. Beyond: reset

    // ---- getting

    LOADER_FETCHES = 4,           // files at once; more wait
    LOADER_WAITING = 64,          // of them. Beyond: E_BUSY
    LOADER_CLIENTS = 16,          // that wait for one file. Beyond: E_BUSY
    LOADER_FETCH_BYTES = 1 << 30, // of a file; a terabyte would fill somebody's disk unasked
    LOADER_WANTS = 64,            // blocks of one file under way: at peers, and in the store
    LOADER_LOOKUPS = 4,           // of them, asked of the store
    LOADER_ASKS = 1024,           // who was asked for what: four peers for each block
    LOADER_PUTS = 3,              // blocks that the store is writing, up to 2 MiB each
    LOADER_BUFFERS = 2,           // blocks that arrive at once
    LOADER_LOG_BYTES = 128 << 10, // of what `redshirt why` shows; then the oldest lines go

    LOADER_SEARCHES = 4,  // of the DHT, at once
    LOADER_PROVIDERS = 8, // of one block that are looked for

    // ---- giving

    LOADER_ORDERS_FETCHING = 256,
    LOADER_ORDERS_SERVING = 8192, // blocks that all peers want of us. Beyond: refused
    LOADER_INBOXES_EACH = 2,
    LOADER_GIVES = 32, // blocks that are read from the store or on their way to peers, up to 2 MiB
    // Of them, how many one peer may have several of. Beyond: one for each peer.
    LOADER_GIVES_FREE = 8,
    // With all of them used, somebody waiting, and none that got free for so long (by then each
    // takes less than 16 KiB a second), the peer that has held its block for longest is let go, and
    // the next so much later, until one gets free again.
    LOADER_GIVES_MS = 2000,
    LOADER_GIVES_EACH_MS = 100,
    LOADER_PINS = 4096,              // what the user has added or pinned; a record holds no more
    LOADER_SERVED = 1 << 18,         // blocks of all that; what goes beyond is not served
    LOADER_BUDGET_BYTES = 256 << 20, // that one peer gets in a second
    LOADER_PINS_MS = 2000,           // how often the list is looked at
    LOADER_DAMAGE_MS = 10000, // how often the owner hears of damaged blocks that are asked for
    LOADER_TICK_MS = 60000,   // how often our part of the DHT forgets what is too old
    LOADER_STATUS_MS = 2000,  // how often `redshirt peers` sees something new

    // ---- showing

    LOADER_SHOWN = 128,        // peers on a page; the others are counted
    LOADER_OFFENCES = 16,      // the latest that are told; the same of one peer is told once
    LOADER_OFFENCE_BYTES = 63, // of their words

    LOADER_WHO_BYTES = 80,    // a peer's id, or a web address
    LOADER_TEXT_BYTES = 1024, // a sentence about who has what
};
