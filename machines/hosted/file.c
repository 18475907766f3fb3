// SPDX-License-Identifier: GPL-3.0-or-later
#define _GNU_SOURCE 1
#include "machines/hosted/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/arena.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "core/platform.h"
#include "machines/hosted/memory.h"
#include "machines/hosted/store.h"

// ---- adding

struct adding {
    struct store *store; // or NULL
    struct report *report;
};

static enum err block_keep(void *context, const struct cid *cid, struct span bytes)
{
    struct adding *adding = context;
    return adding->store == NULL ? ERR_OK : store_put(adding->store, cid, bytes, adding->report);
}

static enum err file_feed(int file, u8 *buffer, struct unixfs_builder *builder,
                          hosted_progress progress, void *context, struct report *report)
{
    u64 total = 0;
    for (;;) {
        ssize_t count = read(file, buffer, UNIXFS_CHUNK_BYTES);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return report_err(report, ERR_IO, total,
                              errno == EISDIR ? "it is a folder" : "the file cannot be read");
        }
        if (count == 0) {
            return ERR_OK;
        }
        TRY(unixfs_builder_write(builder, span_of(buffer, (size_t)count)));
        total += (u64)count;
        if (progress != NULL && !progress(context, total)) {
            return report_err(report, ERR_LIMIT, total, "it is too large");
        }
    }
}

enum err hosted_file_add(struct store *store, int file, hosted_progress progress, void *context,
                         struct cid *out, struct report *report)
{
    struct hosted_memory memory;
    hosted_memory_init(&memory, UNIXFS_BUILDER_BYTES + UNIXFS_CHUNK_BYTES);
    u8 *buffer = memory_take(&memory.base, UNIXFS_CHUNK_BYTES);
    if (buffer == NULL) {
        return report_err(report, ERR_NO_MEMORY, 0, "no memory to read the file");
    }
    struct arena arena;
    arena_init(&arena, &memory.base, UNIXFS_BUILDER_BYTES);
    struct adding adding = {store, report};
    struct unixfs_builder builder;
    unixfs_builder_init(&builder, &arena, platform_sha256, block_keep, &adding);
    enum err err = file_feed(file, buffer, &builder, progress, context, report);
    if (err == ERR_OK) {
        err = unixfs_builder_finish(&builder, out);
    }
    arena_drop(&arena);
    memory_give(&memory.base, buffer, UNIXFS_CHUNK_BYTES);
    return err == ERR_OK ? ERR_OK : report_err(report, err, 0, "the file is too large to be named");
}

// ---- reading

// The nodes from the first block down to the one being read.
struct walk {
    struct store *store;
    struct report *report;
    u32 depth;
    struct {
        struct span block; // from malloc
        struct unixfs_node node;
    } levels[UNIXFS_DEPTH];
};

static enum err sizes_differ(const struct cid *cid, struct report *report)
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    return report_err_detail(report, ERR_MALFORMED, 0,
                             "a node says another size than this block of the file has",
                             span_string(name));
}

// Goes down into a node, whose own bytes of the file come first. `file_bytes` is what its parent
// says, UINT64_MAX for the first.
static enum err walk_enter(struct walk *walk, const struct cid *cid, u64 file_bytes,
                           hosted_sink sink, void *context)
{
    ASSERT(cid->codec == CID_DAG_PB);
    if (walk->depth == COUNT_OF(walk->levels)) {
        return report_err(walk->report, ERR_UNSUPPORTED, 0, "the file's nodes lie too deep");
    }
    struct span block;
    TRY(store_get(walk->store, cid, &block, walk->report));
    struct unixfs_node node;
    enum err err = unixfs_node_parse(block, &node, walk->report);
    if (err == ERR_OK && file_bytes != UINT64_MAX && node.file_bytes != file_bytes) {
        err = sizes_differ(cid, walk->report);
    }
    if (err == ERR_OK && node.data.size != 0) {
        err = sink(context, node.data);
    }
    if (err != ERR_OK) {
        free((void *)block.data);
        return err;
    }
    walk->levels[walk->depth].block = block;
    walk->levels[walk->depth].node = node;
    walk->depth++;
    return ERR_OK;
}

static enum err leaf_read(struct walk *walk, const struct unixfs_link *link, hosted_sink sink,
                          void *context)
{
    struct span block;
    TRY(store_get(walk->store, &link->cid, &block, walk->report));
    enum err err = block.size == link->file_bytes ? sink(context, block)
                                                  : sizes_differ(&link->cid, walk->report);
    free((void *)block.data);
    return err;
}

static enum err walk_all(struct walk *walk, hosted_sink sink, void *context)
{
    while (walk->depth > 0) {
        struct unixfs_link link;
        if (!unixfs_node_next(&walk->levels[walk->depth - 1].node, &link)) {
            walk->depth--;
            free((void *)walk->levels[walk->depth].block.data);
        } else if (link.cid.codec == CID_DAG_PB) {
            TRY(walk_enter(walk, &link.cid, link.file_bytes, sink, context));
        } else {
            TRY(leaf_read(walk, &link, sink, context));
        }
    }
    return ERR_OK;
}

enum err hosted_file_read(struct store *store, const struct cid *cid, hosted_sink sink,
                          void *context, struct report *report)
{
    struct walk walk = {.store = store, .report = report};
    if (cid->codec == CID_RAW) {
        struct span block;
        TRY(store_get(store, cid, &block, report));
        enum err err = sink(context, block);
        free((void *)block.data);
        return err;
    }
    enum err err = walk_enter(&walk, cid, UINT64_MAX, sink, context);
    if (err == ERR_OK) {
        err = walk_all(&walk, sink, context);
    }
    while (walk.depth > 0) {
        free((void *)walk.levels[--walk.depth].block.data);
    }
    return err;
}

enum err hosted_file_size(struct store *store, const struct cid *cid, u64 *bytes,
                          struct report *report)
{
    struct span block;
    TRY(store_get(store, cid, &block, report));
    struct unixfs_node node;
    enum err err = ERR_OK;
    if (cid->codec == CID_RAW) {
        *bytes = block.size;
    } else {
        err = unixfs_node_parse(block, &node, report);
        *bytes = err == ERR_OK ? node.file_bytes : 0;
    }
    free((void *)block.data);
    return err;
}
