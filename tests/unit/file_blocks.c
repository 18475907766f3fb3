// SPDX-License-Identifier: GPL-3.0-or-later
// The rows of a balanced tree, made one after another; written apart from core/base/unixfs.c, so
// that they check each other.
#include "tests/unit/file_blocks.h"
#include "core/base/assert.h"
#include "lib/p2p/proto.h"
#include "tests/unit/sha256.h"
#include <stdlib.h>

enum { PATTERN_BYTES = 1000003, TYPE_RAW = 0, TYPE_FILE = 2 };

const struct file_layout file_version_0 = {256 * 1024, 174, false, false, true};
const struct file_layout file_raw = {256 * 1024, 174, true, false, false};
const struct file_layout file_profile = {1 << 20, 1024, true, false, false};

struct child {
    struct cid cid;
    u64 file_bytes;
    u64 tree_bytes;
};

static u32 *head_of(const struct file_blocks *blocks, const struct cid *cid)
{
    return (u32 *)&blocks->heads[mem_load_u16(cid->digest) % FILE_HASHES];
}

const struct file_block *file_blocks_find(const struct file_blocks *blocks, const struct cid *cid)
{
    for (u32 at = *head_of(blocks, cid); at != 0; at = blocks->blocks[at - 1].next) {
        if (cid_equal(&blocks->blocks[at - 1].cid, cid)) {
            return &blocks->blocks[at - 1];
        }
    }
    return NULL;
}

struct cid file_blocks_add(struct file_blocks *blocks, enum cid_codec codec, struct span bytes)
{
    struct cid cid = cid_of_block(codec, bytes, test_sha256);
    if (file_blocks_find(blocks, &cid) != NULL) {
        return cid;
    }
    if (blocks->count == blocks->capacity) {
        blocks->capacity = blocks->capacity * 2 + 64;
        blocks->blocks = realloc(blocks->blocks, blocks->capacity * sizeof *blocks->blocks);
        ASSERT(blocks->blocks != NULL);
    }
    u8 *copy = malloc(bytes.size + 1);
    ASSERT(copy != NULL);
    mem_copy(copy, bytes.data, bytes.size);
    u32 *head = head_of(blocks, &cid);
    blocks->blocks[blocks->count] = (struct file_block){cid, span_of(copy, bytes.size), *head};
    *head = ++blocks->count;
    return cid;
}

void file_blocks_drop(struct file_blocks *blocks)
{
    for (u32 i = 0; i < blocks->count; i++) {
        free((void *)blocks->blocks[i].bytes.data);
    }
    free(blocks->blocks);
    mem_zero(blocks, sizeof *blocks);
}

static void write_node(struct proto_writer *out, struct file_layout layout,
                       const struct child *children, u32 count, struct span data)
{
    u8 cid[CID_BINARY_BYTES];
    u64 file_bytes = data.size;
    for (u32 i = 0; i < count; i++) {
        u8 link[64];
        struct proto_writer body = proto_writer_over(link, sizeof link);
        cid_write_binary(&children[i].cid, cid);
        proto_bytes(&body, 1, layout.is_version_0 ? span_of(cid + 2, 34) : span_of(cid, 36));
        proto_bytes(&body, 2, span_of(NULL, 0));
        proto_number(&body, 3, children[i].tree_bytes);
        proto_bytes(out, 2, span_of(link, body.size));
        file_bytes += children[i].file_bytes;
    }
    u8 *sizes = malloc(32 + (size_t)count * 11 + data.size);
    struct proto_writer body = proto_writer_over(sizes, 32 + (size_t)count * 11 + data.size);
    proto_number(&body, 1, count == 0 && layout.has_raw_type ? TYPE_RAW : TYPE_FILE);
    if (data.size != 0) {
        proto_bytes(&body, 2, data);
    }
    proto_number(&body, 3, file_bytes);
    for (u32 i = 0; i < count; i++) {
        proto_number(&body, 4, children[i].file_bytes);
    }
    ASSERT(proto_fits(&body));
    proto_bytes(out, 1, span_of(sizes, body.size));
    free(sizes);
}

static struct child make_node(struct file_blocks *blocks, struct file_layout layout,
                              const struct child *children, u32 count, struct span data)
{
    size_t capacity = (size_t)count * 80 + data.size + 64;
    u8 *bytes = malloc(capacity);
    struct proto_writer out = proto_writer_over(bytes, capacity);
    write_node(&out, layout, children, count, data);
    ASSERT(proto_fits(&out));
    struct child node = {.cid = file_blocks_add(blocks, CID_DAG_PB, span_of(bytes, out.size)),
                         .file_bytes = data.size,
                         .tree_bytes = out.size};
    for (u32 i = 0; i < count; i++) {
        node.file_bytes += children[i].file_bytes;
        node.tree_bytes += children[i].tree_bytes;
    }
    free(bytes);
    return node;
}

struct cid file_blocks_make(struct file_blocks *blocks, struct file_layout layout,
                            struct span bytes)
{
    size_t count = bytes.size == 0 ? 1 : (bytes.size + layout.chunk_bytes - 1) / layout.chunk_bytes;
    struct child *row = calloc(count, sizeof *row);
    for (size_t i = 0; i < count; i++) {
        size_t start = i * layout.chunk_bytes;
        size_t end =
            bytes.size - start < layout.chunk_bytes ? bytes.size : start + layout.chunk_bytes;
        struct span leaf = span_slice(bytes, start, end);
        if (layout.has_raw_leaves) {
            row[i] = (struct child){file_blocks_add(blocks, CID_RAW, leaf), leaf.size, leaf.size};
        } else {
            row[i] = make_node(blocks, layout, NULL, 0, leaf);
        }
    }
    while (count > 1) {
        size_t above = 0;
        for (size_t i = 0; i < count; i += layout.links) {
            u32 links = count - i < layout.links ? (u32)(count - i) : layout.links;
            row[above++] = make_node(blocks, layout, row + i, links, span_of(NULL, 0));
        }
        count = above;
    }
    struct cid root = row[0].cid;
    free(row);
    return root;
}

void file_pattern(u8 *out, size_t size)
{
    u32 word = 1;
    for (size_t i = 0; i < size; i++) {
        if (i >= PATTERN_BYTES) {
            out[i] = out[i - PATTERN_BYTES];
            continue;
        }
        word = word * 1664525 + 1013904223;
        out[i] = (u8)(word >> 24);
    }
}
