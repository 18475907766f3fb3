// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/bitswap_message.h: the messages of bitswap, piece by piece.
//
// Use     reading: a struct bitswap_reader that is all zeros at first, for each stream; the bytes
//         of the stream as they come go through bitswap_read, which says one thing at a time. A
//         block is told as it arrives (BLOCK, BYTES, BLOCK_END), so no message is ever held whole.
//         Writing: the size of a message stands before it, so ask for the sizes of its items first.
// Owner   a reader is a value of bounded size; an item's bytes lie in the input.
// Limits  P2P_MESSAGE_BYTES, P2P_BLOCK_BYTES, P2P_BITSWAP_ITEM_BYTES. Entries and presences which
//         are longer than the last are read over; those whose CID is not one of ours are told with
//         has_cid false, as are blocks whose prefix is not.
// Source  specs.ipfs.tech/bitswap-protocol, version 1.2.0.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/limits.h"
struct report;

enum bitswap_item_kind {
    BITSWAP_ITEM_NONE,  // more bytes are needed
    BITSWAP_ITEM_ENTRY, // of a wantlist
    BITSWAP_ITEM_FULL,  // the wantlist that has just ended is all that the peer wants
    BITSWAP_ITEM_PRESENCE,
    BITSWAP_ITEM_BLOCK,     // begins, with `size` bytes
    BITSWAP_ITEM_BYTES,     // of it
    BITSWAP_ITEM_BLOCK_END, // `has_cid`: its prefix is that of a CID that may be ours
    BITSWAP_ITEM_END,       // of the message
};

struct bitswap_item {
    enum bitswap_item_kind kind;
    bool has_cid;
    bool is_version_0; // so the CID was written
    struct cid cid;    // of BLOCK_END: the codec alone
    i32 priority;      // ENTRY
    bool is_cancel;    // ENTRY
    bool is_block;     // ENTRY: not only whether we have it
    bool wants_no;     // ENTRY: an answer also when we have it not
    bool has;          // PRESENCE
    u32 size;          // BLOCK
    struct span bytes; // BYTES
};

struct bitswap_reader {
    u8 step;
    u8 level; // 0: in the message, 1: in a wantlist or a block of it
    bool is_wantlist;
    bool is_full;
    bool has_data;       // of the block
    bool is_prefix_ours; // of the block, and with this codec
    u8 codec;
    u32 left[3]; // bytes of the message, of what is in it, of a field in that
    u64 tag;
    u64 number; // that is being read, and its bits so far
    u32 number_bits;
    u32 small_size;
    u8 small[P2P_BITSWAP_ITEM_BYTES];
};

// Reads from the front of *in, which moves.
// ERR_MALFORMED  not such a message
// ERR_LIMIT      a message beyond P2P_MESSAGE_BYTES, or a block beyond P2P_BLOCK_BYTES: both are
//                said before they arrive
enum err bitswap_read(struct bitswap_reader *reader, struct span *in, struct bitswap_item *out,
                      struct report *report);
// Is it between messages?
bool bitswap_reader_is_idle(const struct bitswap_reader *reader);

enum {
    BITSWAP_ENTRY_BYTES = 64,
    BITSWAP_PRESENCE_BYTES = 48,
    BITSWAP_BLOCK_HEAD_BYTES = 24,
    BITSWAP_HEAD_BYTES = 16,
};

// Each of these writes at most so many bytes, and returns how many.

// What stands before the entries of a message that is one wantlist.
size_t bitswap_wantlist_head(size_t entries_bytes, u8 out[BITSWAP_HEAD_BYTES]);
// An entry of it. CIDs are written as version 1, which peers look up by their hash.
size_t bitswap_entry_write(const struct bitswap_item *entry, u8 out[BITSWAP_ENTRY_BYTES]);

// What stands before the items of a message of answers.
size_t bitswap_answers_head(size_t items_bytes, u8 out[BITSWAP_HEAD_BYTES]);
// An item of it: a presence, or what stands before a block's bytes. Both repeat the CID's version
// as it was asked for: Go compares it.
size_t bitswap_presence_write(const struct cid *cid, bool is_version_0, bool has,
                              u8 out[BITSWAP_PRESENCE_BYTES]);
size_t bitswap_block_head(const struct cid *cid, bool is_version_0, size_t size,
                          u8 out[BITSWAP_BLOCK_HEAD_BYTES]);
