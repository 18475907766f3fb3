// SPDX-License-Identifier: GPL-3.0-or-later
// A dag-pb node is a protobuf message: first a field 2 for each link { 1: CID, 2: name, 3: Tsize },
// then field 1 with the UnixFS message { 1: type, 2: bytes, 3: file size, 4: size below each link
// }.
//
// The builder keeps one unfinished node for each row above the leaves. A full one is written when
// one more link comes, not before: so at the end the lowest row that has a single link and nothing
// above it is the root.
#include "core/base/unixfs.h"
#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/varint.h"

// Protobuf's tags: the field's number << 3 | 0 for a varint, 2 for a run of bytes.
enum {
    NODE_LINK = 2 << 3 | 2,
    NODE_DATA = 1 << 3 | 2,
    LINK_CID = 1 << 3 | 2,
    LINK_NAME = 2 << 3 | 2,
    LINK_TREE_BYTES = 3 << 3 | 0,
    FILE_TYPE = 1 << 3 | 0,
    FILE_DATA = 2 << 3 | 2,
    FILE_BYTES = 3 << 3 | 0,
    FILE_LINK_BYTES = 4 << 3 | 0,
    FILE_MODE = 7 << 3 | 0,
    FILE_TIME = 8 << 3 | 2,
};

enum { TYPE_RAW = 0, TYPE_FILE = 2 };

// ---- building

void unixfs_builder_init(struct unixfs_builder *builder, struct arena *arena,
                         sha256_function sha256, unixfs_sink sink, void *context)
{
    *builder =
        (struct unixfs_builder){.arena = arena, .sha256 = sha256, .sink = sink, .context = context};
}

static size_t put_number(u8 *out, u8 tag, u64 value)
{
    out[0] = tag;
    return 1 + varint_write(value, out + 1);
}

static size_t put_link(u8 *out, const struct unixfs_link *link)
{
    size_t body = 2 + CID_BINARY_BYTES + 2 + 1 + varint_size(link->tree_bytes);
    ASSERT(body < 0x80);
    size_t size = put_number(out, NODE_LINK, body);
    size += put_number(out + size, LINK_CID, CID_BINARY_BYTES);
    cid_write_binary(&link->cid, out + size);
    size += CID_BINARY_BYTES;
    size += put_number(out + size, LINK_NAME, 0); // empty, and always written
    size += put_number(out + size, LINK_TREE_BYTES, link->tree_bytes);
    ASSERT(size == 2 + body);
    return size;
}

// Encodes a node over `level`'s links. Its bytes lie in builder->node.
static enum err encode_node(struct unixfs_builder *builder, const struct unixfs_level *level,
                            struct span *out, struct unixfs_link *link)
{
    if (builder->node == NULL) {
        builder->node = arena_alloc(builder->arena, 1, UNIXFS_NODE_BYTES, 1);
        if (builder->node == NULL) {
            return ERR_NO_MEMORY;
        }
    }
    u8 *node = builder->node;
    size_t size = 0;
    size_t sizes_size = 0;
    *link = (struct unixfs_link){0};
    for (u32 i = 0; i < level->count; i++) {
        size += put_link(node + size, &level->links[i]);
        sizes_size += 1 + varint_size(level->links[i].file_bytes);
        link->file_bytes += level->links[i].file_bytes;
        link->tree_bytes += level->links[i].tree_bytes;
    }
    size_t data_size = 2 + 1 + varint_size(link->file_bytes) + sizes_size;
    size += put_number(node + size, NODE_DATA, data_size);
    size += put_number(node + size, FILE_TYPE, TYPE_FILE);
    size += put_number(node + size, FILE_BYTES, link->file_bytes);
    for (u32 i = 0; i < level->count; i++) {
        size += put_number(node + size, FILE_LINK_BYTES, level->links[i].file_bytes);
    }
    ASSERT(size <= UNIXFS_NODE_BYTES);
    *out = span_of(node, size);
    link->tree_bytes += size;
    return ERR_OK;
}

// Names a block and hands it to the sink.
static enum err emit(struct unixfs_builder *builder, enum cid_codec codec, struct span bytes,
                     struct cid *out)
{
    *out = cid_of_block(codec, bytes, builder->sha256);
    return builder->sink == NULL ? ERR_OK : builder->sink(builder->context, out, bytes);
}

// Makes a node of a level's links, which are then gone.
static enum err emit_level(struct unixfs_builder *builder, u32 index, struct unixfs_link *out)
{
    struct unixfs_level *level = &builder->levels[index];
    struct span node;
    ASSERT(level->count > 0 && level->count <= UNIXFS_LINKS);
    TRY(encode_node(builder, level, &node, out));
    level->count = 0;
    return emit(builder, CID_DAG_PB, node, &out->cid);
}

// Adds a link to level `index`; where it is full, to the levels above what that makes.
static enum err add_link(struct unixfs_builder *builder, u32 index, struct unixfs_link link)
{
    for (;; index++) {
        if (index == UNIXFS_LEVELS) {
            return ERR_LIMIT;
        }
        struct unixfs_level *level = &builder->levels[index];
        if (level->links == NULL) {
            level->links = arena_alloc(builder->arena, UNIXFS_LINKS, sizeof *level->links,
                                       _Alignof(struct unixfs_link));
            if (level->links == NULL) {
                return ERR_NO_MEMORY;
            }
        }
        struct unixfs_link full = {0};
        bool was_full = level->count == UNIXFS_LINKS;
        if (was_full) {
            TRY(emit_level(builder, index, &full));
        }
        level->links[level->count++] = link;
        if (!was_full) {
            return ERR_OK;
        }
        link = full;
    }
}

static enum err add_leaf(struct unixfs_builder *builder, struct span bytes)
{
    struct unixfs_link link = {.file_bytes = bytes.size, .tree_bytes = bytes.size};
    ASSERT(bytes.size <= UNIXFS_CHUNK_BYTES);
    TRY(emit(builder, CID_RAW, bytes, &link.cid));
    builder->leaf_count++;
    return add_link(builder, 0, link);
}

enum err unixfs_builder_write(struct unixfs_builder *builder, struct span bytes)
{
    while (bytes.size != 0) {
        if (builder->chunk_bytes == 0 && bytes.size >= UNIXFS_CHUNK_BYTES) { // no copy
            TRY(add_leaf(builder, span_slice(bytes, 0, UNIXFS_CHUNK_BYTES)));
            bytes = span_slice(bytes, UNIXFS_CHUNK_BYTES, bytes.size);
            continue;
        }
        if (builder->chunk == NULL) {
            builder->chunk = arena_alloc(builder->arena, 1, UNIXFS_CHUNK_BYTES, 1);
            if (builder->chunk == NULL) {
                return ERR_NO_MEMORY;
            }
        }
        size_t size = UNIXFS_CHUNK_BYTES - builder->chunk_bytes;
        if (size > bytes.size) {
            size = bytes.size;
        }
        mem_copy(builder->chunk + builder->chunk_bytes, bytes.data, size);
        builder->chunk_bytes += (u32)size;
        bytes = span_slice(bytes, size, bytes.size);
        if (builder->chunk_bytes == UNIXFS_CHUNK_BYTES) {
            TRY(add_leaf(builder, span_of(builder->chunk, UNIXFS_CHUNK_BYTES)));
            builder->chunk_bytes = 0;
        }
    }
    return ERR_OK;
}

static bool is_empty_above(const struct unixfs_builder *builder, u32 index)
{
    for (u32 i = index + 1; i < UNIXFS_LEVELS; i++) {
        if (builder->levels[i].count != 0) {
            return false;
        }
    }
    return true;
}

// Closes the open nodes from the bottom up until one link is left: the root.
static enum err close_levels(struct unixfs_builder *builder, struct cid *out)
{
    for (u32 index = 0; index < UNIXFS_LEVELS; index++) {
        struct unixfs_level *level = &builder->levels[index];
        struct unixfs_link link;
        bool is_top = is_empty_above(builder, index);
        if (level->count == 1 && is_top) {
            *out = level->links[0].cid;
            return ERR_OK;
        }
        TRY(emit_level(builder, index, &link));
        if (is_top) { // all that is left is below this node
            *out = link.cid;
            return ERR_OK;
        }
        TRY(add_link(builder, index + 1, link));
    }
    UNREACHABLE();
}

enum err unixfs_builder_finish(struct unixfs_builder *builder, struct cid *out)
{
    if (builder->chunk_bytes != 0) {
        TRY(add_leaf(builder, span_of(builder->chunk, builder->chunk_bytes)));
    }
    if (builder->leaf_count == 0) { // an empty file is an empty raw block
        return emit(builder, CID_RAW, (struct span){0}, out);
    }
    return close_levels(builder, out);
}

void unixfs_naming_begin(struct unixfs_naming *naming, struct span bytes, sha256_function sha256,
                         struct arena *scratch)
{
    *naming = (struct unixfs_naming){.left = bytes, .is_short = bytes.size <= UNIXFS_CHUNK_BYTES};
    unixfs_builder_init(&naming->builder, scratch, sha256, NULL, NULL);
}

enum err unixfs_naming_step(struct unixfs_naming *naming, struct cid *out)
{
    struct span left = naming->left;
    if (naming->is_short) {
        *out = cid_of_block(CID_RAW, left, naming->builder.sha256);
        return ERR_OK;
    }
    if (left.size == 0) {
        return unixfs_builder_finish(&naming->builder, out);
    }
    size_t size = left.size < UNIXFS_CHUNK_BYTES ? left.size : UNIXFS_CHUNK_BYTES;
    TRY(add_leaf(&naming->builder, span_slice(left, 0, size))); // in place: no chunk is copied
    naming->left = span_slice(left, size, left.size);
    return ERR_PAUSED;
}

enum err unixfs_cid(struct span bytes, sha256_function sha256, struct arena *scratch,
                    struct cid *out)
{
    struct unixfs_naming naming;
    unixfs_naming_begin(&naming, bytes, sha256, scratch);
    enum err err;
    do {
        err = unixfs_naming_step(&naming, out);
    } while (err == ERR_PAUSED);
    return err;
}

// ---- parsing

// True, and the tag is read, when the next field has it.
static bool accept(struct reader *in, u8 tag)
{
    if (reader_left(in) == 0 || *in->next != tag) {
        return false;
    }
    in->next++;
    return true;
}

// Reads a field's length and makes a reader over its bytes.
static enum err read_sub(struct reader *in, struct reader *out, struct report *report)
{
    u64 size;
    TRY(varint_read(in, &size, report));
    if (size > reader_left(in)) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "field goes beyond the block");
    }
    return reader_sub(in, (size_t)size, out, report);
}

// Reads one link behind its tag; file_bytes is not in it.
static enum err read_link(struct reader *in, struct unixfs_link *out, struct report *report)
{
    struct reader link, field;
    TRY(read_sub(in, &link, report));
    if (!accept(&link, LINK_CID)) {
        return report_err(report, ERR_MALFORMED, reader_offset(&link), "link without a CID");
    }
    TRY(read_sub(&link, &field, report));
    TRY(cid_read_any(&field, &out->cid, report));
    if (reader_left(&field) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&field),
                          "bytes follow a link's CID");
    }
    if (accept(&link, LINK_NAME)) {
        TRY(read_sub(&link, &field, report));
        if (reader_left(&field) != 0) {
            return report_err(report, ERR_UNSUPPORTED, reader_offset(&field),
                              "a file's link has a name");
        }
    }
    out->tree_bytes = 0;
    if (accept(&link, LINK_TREE_BYTES)) {
        TRY(varint_read(&link, &out->tree_bytes, report));
    }
    if (reader_left(&link) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&link),
                          "link holds a field that dag-pb does not have here");
    }
    return ERR_OK;
}

static enum err read_type(struct reader *in, u64 *type, struct report *report)
{
    static const char *const names[] = {"raw", "directory", "file", "metadata", "symlink", "HAMT"};
    u64 offset = reader_offset(in);
    if (!accept(in, FILE_TYPE)) {
        return report_err(report, ERR_MALFORMED, offset, "UnixFS data without a type");
    }
    TRY(varint_read(in, type, report));
    if (*type != TYPE_FILE && *type != TYPE_RAW) {
        return *type < COUNT_OF(names)
                   ? report_err_detail(report, ERR_UNSUPPORTED, offset,
                                       "UnixFS node is not a file's but of type",
                                       span_string(names[*type]))
                   : report_err(report, ERR_MALFORMED, offset, "UnixFS type does not exist");
    }
    return ERR_OK;
}

// Reads the UnixFS message, node->sizes, up to the sizes of the links.
static enum err read_file_head(struct unixfs_node *node, struct report *report)
{
    struct reader *in = &node->sizes;
    struct reader data;
    u64 type;
    TRY(read_type(in, &type, report));
    if (type == TYPE_RAW && node->link_count != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "UnixFS raw leaf has links");
    }
    if (accept(in, FILE_DATA)) {
        TRY(read_sub(in, &data, report));
        node->data = span_of(data.next, reader_left(&data));
    }
    if (!accept(in, FILE_BYTES)) {
        return report_err(report, ERR_MALFORMED, reader_offset(in), "UnixFS file without its size");
    }
    return varint_read(in, &node->file_bytes, report);
}

// Checks each link's size against its kind, and their sum.
static enum err check_sizes(struct unixfs_node node, struct report *report)
{
    u64 sum = node.data.size;
    for (u32 i = 0; i < node.link_count; i++) {
        struct unixfs_link link;
        u64 offset = reader_offset(&node.sizes);
        bool is_link = accept(&node.links, NODE_LINK);
        ASSERT(is_link); // all links were read once
        TRY(read_link(&node.links, &link, report));
        if (!accept(&node.sizes, FILE_LINK_BYTES)) {
            return reader_left(&node.sizes) == 0
                       ? report_err(report, ERR_MALFORMED, offset, "fewer sizes than links")
                       : report_err(report, ERR_UNSUPPORTED, offset,
                                    "UnixFS field that a file does not have here");
        }
        TRY(varint_read(&node.sizes, &link.file_bytes, report));
        if (link.file_bytes == 0) {
            return report_err(report, ERR_MALFORMED, offset, "link to nothing");
        }
        if (link.cid.codec == CID_RAW && link.file_bytes > UNIXFS_BLOCK_BYTES) {
            return report_err(report, ERR_UNSUPPORTED, offset, "leaf of more than 2 MiB");
        }
        if (__builtin_add_overflow(sum, link.file_bytes, &sum)) {
            return report_err(report, ERR_MALFORMED, offset, "sizes add up beyond 64 bits");
        }
    }
    if (reader_left(&node.sizes) != 0) {
        u8 tag = *node.sizes.next;
        return tag == FILE_MODE || tag == FILE_TIME
                   ? report_err(report, ERR_UNSUPPORTED, reader_offset(&node.sizes),
                                "file with a mode or a time")
                   : report_err(report, ERR_MALFORMED, reader_offset(&node.sizes),
                                "more sizes than links, or an unknown field");
    }
    if (sum != node.file_bytes) {
        return report_err(report, ERR_MALFORMED, reader_offset(&node.sizes),
                          "sizes of data and links do not add up to the file's");
    }
    return ERR_OK;
}

enum err unixfs_node_parse(struct span block, struct unixfs_node *out, struct report *report)
{
    struct reader in = reader_over(block);
    struct unixfs_node node = {.links = in};
    while (accept(&in, NODE_LINK)) {
        struct unixfs_link link;
        if (node.link_count == UNIXFS_LINKS_READ) {
            return report_err(report, ERR_LIMIT, reader_offset(&in), "node has over 2048 links");
        }
        TRY(read_link(&in, &link, report));
        node.link_count++;
    }
    if (!accept(&in, NODE_DATA)) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in), "not a dag-pb node of a file");
    }
    TRY(read_sub(&in, &node.sizes, report));
    if (reader_left(&in) != 0) {
        return report_err(report, ERR_MALFORMED, reader_offset(&in),
                          "bytes follow the node's data");
    }
    TRY(read_file_head(&node, report));
    TRY(check_sizes(node, report));
    *out = node;
    return ERR_OK;
}

bool unixfs_node_next(struct unixfs_node *node, struct unixfs_link *out)
{
    if (reader_left(&node->sizes) == 0) {
        return false;
    }
    struct unixfs_link link;
    bool is_link =
        accept(&node->links, NODE_LINK) && read_link(&node->links, &link, NULL) == ERR_OK;
    ASSERT(is_link);
    bool has_size = accept(&node->sizes, FILE_LINK_BYTES) &&
                    varint_read(&node->sizes, &link.file_bytes, NULL) == ERR_OK;
    ASSERT(has_size);
    *out = link;
    return true;
}
