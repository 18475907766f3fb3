// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/unixfs.h: the name of a file of any size, and the blocks it consists of.
//
// Up to 1 MiB a file is one raw block. Above, its leaves are raw blocks of 1 MiB (the last may be
// shorter) and the rows of dag-pb nodes above them name up to 1024 children each, all leaves at the
// same depth. That is what IPFS does under the profile unixfs-v1-2025, so the names are the same.
//
// Use     to name bytes at hand: unixfs_cid. To write a file's blocks as it streams by:
//         unixfs_builder_init, _write as often as needed, _finish; then drop the arena. To read a
//         file of any layout: unixfs_node_parse on a dag-pb block; the file's bytes below it are
//         its `data`, then those of each link that unixfs_node_next gives.
// Owner   the builder's memory lies in the caller's arena, at most UNIXFS_BUILDER_BYTES of it. A
//         parsed node borrows the block.
// Limits  core/base/limits.h
// Source  github.com/ipfs/specs IPIP-499; specs.ipfs.tech/unixfs; ipld.io/specs/codecs/dag-pb
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct arena;
struct report;

// A child of a node.
struct unixfs_link {
    struct cid cid;
    u64 file_bytes; // of the file's bytes below it
    u64 tree_bytes; // of all blocks below it, itself included: what dag-pb calls Tsize
};

struct unixfs_level {
    struct unixfs_link *links; // UNIXFS_LINKS of them, or NULL before the first
    u32 count;
};

// Receives each block once, children before their parents. `bytes` is valid during the call only.
// What it returns other than ERR_OK ends the building with that error.
typedef enum err (*unixfs_sink)(void *context, const struct cid *cid, struct span bytes);

struct unixfs_builder {
    struct arena *arena;
    sha256_function sha256;
    unixfs_sink sink; // NULL: only the name is wanted
    void *context;
    u8 *chunk; // collects a leaf; NULL before it is needed
    u32 chunk_bytes;
    u8 *node; // a node being encoded; NULL before it is needed
    u64 leaf_count;
    struct unixfs_level levels[UNIXFS_LEVELS]; // [0] holds leaves
};

enum {
    UNIXFS_BUILDER_BYTES = UNIXFS_CHUNK_BYTES + UNIXFS_NODE_BYTES +
                           UNIXFS_LEVELS * UNIXFS_LINKS * (int)sizeof(struct unixfs_link) +
                           (2 + UNIXFS_LEVELS) * 64, // an arena's own cost for so many chunks
};

void unixfs_builder_init(struct unixfs_builder *builder, struct arena *arena,
                         sha256_function sha256, unixfs_sink sink, void *context);
// ERR_NO_MEMORY  the arena has no more
// ERR_LIMIT      the file is beyond UNIXFS_LEVELS
// any other      came from the sink
enum err unixfs_builder_write(struct unixfs_builder *builder, struct span bytes);
// Writes what is left and names the whole file; the builder must not be used afterwards.
enum err unixfs_builder_finish(struct unixfs_builder *builder, struct cid *out);

// The name of a file whose bytes are all at hand.
//   scratch  at most UNIXFS_NODE_BYTES, and 64 KiB for each 1024 MiB begun; nothing for a file of
//            one block
// ERR_NO_MEMORY, ERR_LIMIT  as above
enum err unixfs_cid(struct span bytes, sha256_function sha256, struct arena *scratch,
                    struct cid *out);

// The same, one leaf at a time: begin, then step until it returns something other than ERR_PAUSED.
struct unixfs_naming {
    struct unixfs_builder builder;
    struct span left; // bytes that are not hashed yet
    bool is_short;    // one block
};
void unixfs_naming_begin(struct unixfs_naming *naming, struct span bytes, sha256_function sha256,
                         struct arena *scratch);
enum err unixfs_naming_step(struct unixfs_naming *naming, struct cid *out);

// A node of a file, checked whole: what unixfs_node_next gives needs no further check but these
// two, which only the child's bytes can answer: that they have the link's CID, and as many file
// bytes as it says. The profile's nodes have links and no data.
struct unixfs_node {
    u64 file_bytes;   // of `data`, and the sum of the links' file_bytes
    struct span data; // bytes of the file in the node itself, as the leaves of older layouts have
    u32 link_count;   // 0 .. UNIXFS_LINKS_READ; each has file bytes
    struct reader links;
    struct reader sizes;
};

// Parses a dag-pb block of any layout: links before data, each with CID, empty name and size in
// this order; a UnixFS message of type file or raw, its fields in ascending order.
// ERR_MALFORMED    not a dag-pb block that holds a UnixFS file, or its sums do not agree
// ERR_UNSUPPORTED  legal, but no file that `ipfs add` makes: a directory, a HAMT, a mode or time, a
//                  leaf over UNIXFS_BLOCK_BYTES, names, an unusual order of fields
// ERR_LIMIT        more links than UNIXFS_LINKS_READ
enum err unixfs_node_parse(struct span block, struct unixfs_node *out, struct report *report);

// The next link of a parsed node; false when there are no more.
bool unixfs_node_next(struct unixfs_node *node, struct unixfs_link *out);
