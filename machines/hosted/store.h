// SPDX-License-Identifier: GPL-3.0-or-later
// machines/hosted/store.h: blocks on the host's disk, one file for each, named by CID.
//
// A block lies in HOME/blocks/xx/CID, where xx are the last two letters but one of the CID. The
// file is eight bytes (the word RSB1 and the block's size, u32 little-endian) and the block. The
// size is there so that a file that was cut short is told apart from one whose bytes changed.
//
// Use     store_open, then any of the others, from any thread; store_close when none is inside.
// Writing goes to HOME/tmp, is flushed to the disk and then renamed, so a block is there whole or
//         not at all, also when two write the same one at once or the power fails.
// Reading checks the bytes against the name: what store_get gives is what the CID says.
// Limits  HOSTED_BLOCK_BYTES a block.
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

enum { STORE_HEADER_BYTES = 8 };

struct store {
    int blocks; // descriptors of the two folders, and of the one they lie in
    int temporary;
    int home;
};

// Opens the store in the folder `home`; what is missing of it is made.
// ERR_IO  a folder cannot be made or opened; the report names it
enum err store_open(struct store *store, const char *home, struct report *report);
void store_close(struct store *store);

// Keeps a block. One that is there and sound is left alone; one that is damaged is replaced.
//   bytes   the block; its hash is the CID's (a slow assertion)
// ERR_LIMIT  larger than a block may be
// ERR_IO     the host could not write it; the report says why
enum err store_put(struct store *store, const struct cid *cid, struct span bytes,
                   struct report *report);
// The same without waiting for the disk, which costs most of the time: for what can be had again.
// A loss of power may leave a damaged block, which is found when it is read.
enum err store_put_soon(struct store *store, const struct cid *cid, struct span bytes,
                        struct report *report);

// Reads a block and checks it.
//   out     on success, the block in memory from malloc, which the caller frees; data is never NULL
// ERR_NOT_FOUND  the store does not have it
// ERR_MISMATCH   damaged: the report says whether it was cut short, grew or changed
// ERR_LIMIT      larger than a block may be; the report's offset is its size
// ERR_IO         the host could not read it
// ERR_NO_MEMORY  no memory for it
enum err store_get(struct store *store, const struct cid *cid, struct span *out,
                   struct report *report);
// The same with `front` bytes of room before the block, for what is sent before it. What the caller
// frees begins with them.
enum err store_get_behind(struct store *store, const struct cid *cid, size_t front,
                          struct span *out, struct report *report);

// Whether a file of that name is there, sound or not.
bool store_has(struct store *store, const struct cid *cid);

// Visits every block, in no order; the walk ends with what `visit` returns when that is not ERR_OK.
//   size    bytes of the block as its file's length has it; the block itself is not read
// ERR_LIMIT  more blocks than HOSTED_STORE_BLOCKS
typedef enum err (*store_visit)(void *context, const struct cid *cid, u64 size);
enum err store_list(struct store *store, store_visit visit, void *context, struct report *report);
