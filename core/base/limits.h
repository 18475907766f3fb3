// SPDX-License-Identifier: GPL-3.0-or-later
// core/base/limits.h: every bound of the ground floor. Each is the largest value that is accepted.
#pragma once

enum {
    // The chunk of profile unixfs-v1-2025; a file's leaves have this size, the last may be shorter.
    UNIXFS_CHUNK_BYTES = 1 << 20,
    // Links of one node, of the same profile.
    UNIXFS_LINKS = 1024,
    // Rows of nodes above the leaves: three hold 1024^3 leaves, a PiB, more than any disk we meet.
    UNIXFS_LEVELS = 3,
    // A node of the profile: each link costs at most 66 bytes (55 in the node, 11 in its UnixFS
    // data) and what is around them at most 32. The builder's buffer has this size.
    UNIXFS_NODE_BYTES = UNIXFS_LINKS * 66 + 32,
    // What is read, whoever made the file: links of one node, twice those of the widest layout that
    // `ipfs add` has made by default; a block, which is what every implementation takes.
    UNIXFS_LINKS_READ = 2048,
    UNIXFS_BLOCK_BYTES = 2 << 20,
    // And rows of nodes: 256 KiB leaves and 174 links need four for 200 TB, and one more where the
    // leaves are nodes too.
    UNIXFS_DEPTH = 8,
    // Letters of a CID that are decoded to say what is wrong with it. Our own have 59; a 512-bit
    // hash needs 111.
    CID_LETTERS_LOOKED_AT = 160,
};
