// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/name_list.h: the newest record that a home has seen of each name, as text.
//
// A line for each key, in the order in which they were last set:
//     mine KEY HEX    signed here; who asks is given it
//     seen KEY HEX    from the network
// KEY is what peer_id_write_name writes, HEX the IPNS record (ipns.h) in small hexadecimal digits.
// Nothing here looks into a record: who reads one verifies it.
//
// Use     name_list_find reads one key's record, name_list_next all of them. name_list_set writes
//         the whole list anew; what was read and what is written must be one step for everybody
//         else who changes it.
// Limits  P2P_KAD_NAME_BYTES of a record; NAME_LINE_BYTES of a line. What is no such line, or has
//         a longer record, is passed over when read, and stays until its key is set. Beyond
//         NAME_LIST_BYTES of all, the oldest that are not `mine` go: what is forgotten so is asked
//         for again, and of it an old record would be believed.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"

enum {
    NAME_WORD_BYTES = 5, // "mine ", "seen "
    NAME_LINE_BYTES = NAME_WORD_BYTES + P2P_PEER_ID_TEXT_BYTES + 2 * P2P_KAD_NAME_BYTES + 2,
    // What a record of interfaces/keep.wit holds: some 400 names as redshirt publishes them.
    NAME_LIST_BYTES = 256 << 10,
};

struct name_line {
    bool is_mine;
    struct peer_id key;
    size_t size; // of the record
    u8 bytes[P2P_KAD_NAME_BYTES];
};

// Reads the next line that begins at *at or later and moves *at behind it. False: there is none.
bool name_list_next(struct span list, size_t *at, struct name_line *out);
// Reads the line of a key. False: there is none; then *out is undefined.
bool name_list_find(struct span list, const struct peer_id *key, struct name_line *out);

// Whether there is a line that cannot be read, whosever it was; an empty one is none.
bool name_list_is_damaged(struct span list);

// Writes the list with this line at its end, in place of what it has of the key.
//   out  list.size + NAME_LINE_BYTES + 1 bytes, apart from the list
// Returns how many bytes of them the new list has; 0: those that are `mine` leave it no room.
size_t name_list_set(struct span list, const struct name_line *line, char *out);
