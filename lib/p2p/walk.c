// SPDX-License-Identifier: GPL-3.0-or-later
// Every link that is known and not yet read is one item: to be asked for (`todo`, in the order of
// the file, so that what is near the front is finished and its items are free before what is far
// behind begins), under way (`asked`), or a node that found no room for its links (`later`). A
// node's links take its item's place.
#include "lib/p2p/walk.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "lib/p2p/limits.h"

#define NONE UINT32_MAX

// ---- lists of items

static struct p2p_walk_item *item_at(const struct p2p_walk *walk, u32 index)
{
    ASSERT(index != NONE);
    return &walk->items[index];
}

static void push(struct p2p_walk *walk, u32 *list, u32 index)
{
    item_at(walk, index)->next = *list;
    *list = index;
}

static u32 pop(struct p2p_walk *walk, u32 *list)
{
    u32 index = *list;
    *list = item_at(walk, index)->next;
    return index;
}

static void give(struct p2p_walk *walk, u32 index)
{
    push(walk, &walk->free, index);
    walk->free_count++;
}

static u32 take(struct p2p_walk *walk)
{
    ASSERT(walk->free_count > 0);
    walk->free_count--;
    return pop(walk, &walk->free);
}

// The place that names the first item under way with this CID; NULL: there is none.
static u32 *find_asked(struct p2p_walk *walk, const struct cid *cid)
{
    for (u32 *at = &walk->asked; *at != NONE; at = &item_at(walk, *at)->next) {
        if (cid_equal(&item_at(walk, *at)->cid, cid)) {
            return at;
        }
    }
    return NULL;
}

void p2p_walk_init(struct p2p_walk *walk, struct p2p_walk_item *items, u32 item_count,
                   const struct cid *root, u64 limit_bytes)
{
    ASSERT(item_count > 0 && item_count < NONE);
    *walk = (struct p2p_walk){.items = items,
                              .limit_bytes = limit_bytes,
                              .free = NONE,
                              .todo = NONE,
                              .asked = NONE,
                              .later = NONE};
    for (u32 i = item_count; i > 0; i--) {
        give(walk, i - 1);
    }
    u32 first = take(walk);
    items[first] = (struct p2p_walk_item){.cid = *root};
    push(walk, &walk->todo, first);
}

// ---- asking

// Items that a node which nothing was kept for may use.
static u32 room(const struct p2p_walk *walk)
{
    ASSERT(walk->kept_count <= walk->free_count);
    return walk->free_count - walk->kept_count;
}

// Takes the item that is to be asked for next; NONE: none now. A node that found no room comes from
// nearer the front, but waits until there is some, which is kept for it then; or until nothing is
// left that could make any, which it will be told when it comes.
static u32 choose(struct p2p_walk *walk)
{
    struct p2p_walk_item *later = walk->later == NONE ? NULL : item_at(walk, walk->later);
    if (later != NULL && later->needs <= room(walk)) {
        walk->kept_count += later->needs;
        return pop(walk, &walk->later);
    }
    if (walk->todo != NONE) {
        return pop(walk, &walk->todo);
    }
    if (walk->asked == NONE && later != NULL) {
        later->needs = 0;
        return pop(walk, &walk->later);
    }
    return NONE;
}

bool p2p_walk_next(struct p2p_walk *walk, struct cid *out)
{
    for (u32 index; (index = choose(walk)) != NONE;) {
        struct p2p_walk_item *item = item_at(walk, index);
        bool is_asked = find_asked(walk, &item->cid) != NULL;
        push(walk, &walk->asked, index);
        if (!is_asked) {
            walk->asked_count++;
            *out = item->cid;
            return true;
        }
    }
    return false;
}

void p2p_walk_lost(struct p2p_walk *walk, const struct cid *cid)
{
    u32 *at;
    bool was_asked = false;
    while ((at = find_asked(walk, cid)) != NULL) {
        u32 index = *at;
        struct p2p_walk_item *item = item_at(walk, index);
        *at = item->next;
        push(walk, item->needs == 0 ? &walk->todo : &walk->later, index);
        walk->kept_count -= item->needs;
        was_asked = true;
    }
    walk->asked_count -= was_asked ? 1 : 0;
}

// ---- reading

// The item at `index`, and all others under way that are the same node, find no room for its links.
static enum err postpone(struct p2p_walk *walk, u32 index, u32 needs, struct report *report)
{
    const struct cid cid = item_at(walk, index)->cid;
    while (index != NONE) {
        struct p2p_walk_item *item = item_at(walk, index);
        walk->kept_count -= item->needs;
        item->needs = needs;
        push(walk, &walk->later, index);
        u32 *at = find_asked(walk, &cid);
        index = at == NULL ? NONE : pop(walk, at);
    }
    if (walk->todo == NONE && walk->asked == NONE && needs > walk->free_count) {
        return report_err(report, ERR_LIMIT, 0, "the file has more links than there is room for");
    }
    return ERR_OK;
}

// What arrived for an item, `bytes` of the file, against what is known of it.
static enum err check_size(struct p2p_walk *walk, const struct p2p_walk_item *item, u64 bytes,
                           struct report *report)
{
    if (item->depth != 0 && item->bytes != bytes) {
        return report_err(report, ERR_MISMATCH, 0,
                          "a block has not the size that the node above it says");
    }
    if (bytes > walk->limit_bytes) {
        return report_err(report, ERR_LIMIT, 0, "the file is larger than it may be");
    }
    if (item->depth == 0) {
        walk->file_bytes = bytes;
        walk->has_size = true;
    }
    return ERR_OK;
}

// Puts the links of a node where its item was, which is free. There is room.
static void expand(struct p2p_walk *walk, struct p2p_walk_item item, struct unixfs_node *node)
{
    struct unixfs_link link;
    u64 offset = item.offset + node->data.size;
    u32 rest = walk->todo;
    u32 *at = &walk->todo;
    while (unixfs_node_next(node, &link)) {
        u32 index = take(walk);
        walk->items[index] = (struct p2p_walk_item){.cid = link.cid,
                                                    .depth = (u8)(item.depth + 1),
                                                    .next = rest,
                                                    .offset = offset,
                                                    .bytes = link.file_bytes};
        *at = index;
        at = &walk->items[index].next;
        offset += link.file_bytes;
    }
    ASSERT(offset == item.offset + node->file_bytes);
}

// Reads a node for the item at `index`, which is in no list.
static enum err read_node(struct p2p_walk *walk, u32 index, struct span block, struct span *data,
                          struct report *report)
{
    struct p2p_walk_item *item = item_at(walk, index);
    struct unixfs_node node;
    TRY(unixfs_node_parse(block, &node, report));
    TRY(check_size(walk, item, node.file_bytes, report));
    if (item->depth >= UNIXFS_DEPTH) {
        return report_err(report, ERR_LIMIT, 0, "the file has more than 8 rows of nodes");
    }
    // One link takes the item's own place.
    if (item->needs == 0 && node.link_count > room(walk) + 1) {
        return postpone(walk, index, node.link_count - 1, report);
    }
    ASSERT(item->needs == 0 || node.link_count == item->needs + 1);
    struct p2p_walk_item gone = *item;
    walk->kept_count -= gone.needs;
    walk->blocks++;
    give(walk, index);
    expand(walk, gone, &node);
    *data = node.data;
    return ERR_OK;
}

enum err p2p_walk_block(struct p2p_walk *walk, const struct cid *cid, struct span block,
                        struct p2p_walk_piece *out, struct report *report)
{
    u32 *at = find_asked(walk, cid);
    if (at == NULL) {
        return ERR_NOT_FOUND;
    }
    if (walk->blocks == P2P_WALK_BLOCKS) {
        return report_err(report, ERR_LIMIT, 0, "the file has too many blocks");
    }
    u32 index = pop(walk, at);
    struct p2p_walk_item *item = item_at(walk, index);
    struct p2p_walk_piece piece = {.offset = item->offset};
    if (cid->codec == CID_RAW) {
        TRY(check_size(walk, item, block.size, report));
        give(walk, index);
        walk->blocks++;
        piece.bytes = block;
    } else {
        TRY(read_node(walk, index, block, &piece.bytes, report));
    }
    walk->asked_count -= find_asked(walk, cid) == NULL ? 1 : 0;
    walk->read_bytes += piece.bytes.size;
    ASSERT(walk->read_bytes <= walk->file_bytes);
    *out = piece;
    return ERR_OK;
}

bool p2p_walk_is_done(const struct p2p_walk *walk)
{
    bool done = walk->has_size && walk->todo == NONE && walk->asked == NONE && walk->later == NONE;
    ASSERT(!done || walk->read_bytes == walk->file_bytes);
    return done;
}
