// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/file_blocks.h: files of every layout that `ipfs add` has made, as blocks in memory.
//
// Use     file_blocks_make adds a file's blocks and names it; file_blocks_find is a store.
//         file_pattern fills in the contents that tests/interop/unixfs_vectors.mjs names too.
// Owner   blocks are copies from malloc until file_blocks_drop.
#pragma once
#include "core/base/cid.h"
#include "core/base/span.h"

struct file_layout {
    u32 chunk_bytes;
    u32 links;
    bool has_raw_leaves; // else nodes of type file
    bool has_raw_type;   // else nodes of type raw, as older ones have
    bool is_version_0;   // how links are written
};

extern const struct file_layout file_version_0; // 256 KiB, 174 links, leaves in nodes
extern const struct file_layout file_raw;       // the same with raw leaves
extern const struct file_layout file_profile;   // 1 MiB, 1024 links, raw leaves

struct file_block {
    struct cid cid;
    struct span bytes;
    u32 next; // of the same hash
};

enum { FILE_HASHES = 4096 };

struct file_blocks {
    struct file_block *blocks;
    u32 count;
    u32 capacity;
    u32 heads[FILE_HASHES]; // index + 1
};

struct cid file_blocks_make(struct file_blocks *blocks, struct file_layout layout,
                            struct span bytes);
// Adds one block, whatever it is, if it is not there.
struct cid file_blocks_add(struct file_blocks *blocks, enum cid_codec codec, struct span bytes);
const struct file_block *file_blocks_find(const struct file_blocks *blocks, const struct cid *cid);
void file_blocks_drop(struct file_blocks *blocks);

void file_pattern(u8 *out, size_t size);
