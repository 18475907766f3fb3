// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/fetch.h: files that are brought into the store.
//
// A file is walked from its root on (lib/p2p/walk.h). Each block is looked for in the store first,
// so what was interrupted goes on where it was; then it is wanted of peers. What comes has been
// checked against its name by the engine, is checked once more by the machine, and is on the disk
// before anybody is told.
//
// Use     fetch_begin for a client; fetch_turn in each turn; fetch_event for the events of the
//         engine that are about getting.
// Limits  LOADER_FETCHES, _WAITING, _CLIENTS, _WANTS, _LOOKUPS, _PUTS; 256 KiB for each file.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"
#include "core/base/types.h"
#include "interfaces/fetch.h"
struct bitswap_event;
struct node;

// `message` is answered when the file is there or will not come; 0: `fetch_ended` is called.
// False: too many wait; nothing will be answered.
bool fetch_begin(struct node *node, u64 message, const struct cid *cid);
// The client does not want it any more.
void fetch_cancelled(struct node *node, u64 message);

// Whether something is looked for that the store lacks.
bool fetch_needs_peers(void);
// Whether the next block that arrives can be taken.
bool fetch_has_room(void);
void fetch_event(struct node *node, const struct bitswap_event *event);
// A block that came by another way, and is what its name says. Nothing happens when nobody wants it
// any more.
//   bytes  within node->machine.blocks
//   from   who gave it, a word for people
void fetch_block(struct node *node, const struct cid *cid, struct span bytes, struct span from);
// Somebody sent something else than he was asked for.
void fetch_was_lied_to(struct span who, u64 bytes);
// Returns when to be called at the latest.
u64 fetch_turn(struct node *node);

// How far a file is.
struct fetch_state {
    struct cid root;
    u64 began_ns;
    u64 done_bytes; // of the file, that are here
    bool has_size;
    u64 size_bytes; // of the file
    u64 got_bytes;  // from peers, nodes included
    u64 got_blocks;
};
// The file that has the place `index` below LOADER_FETCHES; false: none.
bool fetch_state(u32 index, struct fetch_state *out);

// ---- main.c

// A file that was begun without a message has come (NULL) or not.
void fetch_ended(struct node *node, const struct fetch_error *error);
