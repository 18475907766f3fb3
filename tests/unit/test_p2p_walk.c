// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/p2p/walk.h read files of every layout from blocks in any order, and refuse what is none?
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "lib/p2p/cid_text.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/multibase.h"
#include "lib/p2p/proto.h"
#include "lib/p2p/walk.h"
#include "tests/unit/file_blocks.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/sha256.h"
#include "tests/unit/unixfs_vectors.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_BYTES = 64 << 20, WINDOW = 64 };

static struct p2p_walk_item items[P2P_WALK_ITEMS];

// What a reading came to.
struct reading {
    enum err err;
    u8 *bytes; // of the file, from malloc
    u64 size;
    u32 asked; // blocks
    char reason[REPORT_TEXT_BYTES];
};

struct how {
    u32 item_count;
    u32 window;   // blocks under way
    u64 seed;     // of the order in which they come
    u32 lost_one; // of so many is lost; 0: none
    u64 limit_bytes;
};

static const struct how plain = {P2P_WALK_ITEMS, 16, 1, 0, LIMIT_BYTES};

// Hands one block in; false: the reading has ended.
static bool hand_in(struct p2p_walk *walk, const struct file_blocks *blocks, const struct cid *cid,
                    struct reading *out)
{
    struct report report;
    struct p2p_walk_piece piece;
    const struct file_block *block = file_blocks_find(blocks, cid);
    assert_non_null(block);
    u32 count = 0;
    report_clear(&report);
    while ((out->err = p2p_walk_block(walk, cid, block->bytes, &piece, &report)) == ERR_OK) {
        count++;
        if (out->bytes == NULL && walk->has_size) {
            out->size = walk->file_bytes;
            out->bytes = calloc(1, out->size + 1);
        }
        assert_true(piece.offset + piece.bytes.size <= out->size);
        mem_copy(out->bytes + piece.offset, piece.bytes.data, piece.bytes.size);
    }
    if (out->err == ERR_NOT_FOUND) {
        assert_true(count != 0);
        return true;
    }
    memcpy(out->reason, report.text, sizeof out->reason);
    return false;
}

static struct reading read_file(const struct file_blocks *blocks, const struct cid *root,
                                struct how how)
{
    struct reading out = {0};
    struct p2p_walk walk;
    struct p2p_dice dice = {how.seed};
    struct cid asked[WINDOW];
    u32 count = 0;
    p2p_walk_init(&walk, items, how.item_count, root, how.limit_bytes);
    do {
        while (count < how.window && p2p_walk_next(&walk, &asked[count])) {
            out.asked++;
            count++;
        }
        assert_int_equal(count, walk.asked_count);
        if (count == 0) {
            break;
        }
        u32 which = (u32)(p2p_dice_roll(&dice) % count);
        struct cid cid = asked[which];
        asked[which] = asked[--count];
        if (how.lost_one != 0 && p2p_dice_roll(&dice) % how.lost_one == 0) {
            p2p_walk_lost(&walk, &cid);
        } else if (!hand_in(&walk, blocks, &cid, &out)) {
            return out;
        }
    } while (true);
    assert_true(p2p_walk_is_done(&walk));
    assert_int_equal(walk.free_count, how.item_count);
    out.err = ERR_OK;
    return out;
}

static void expect(const struct file_blocks *blocks, const struct cid *root, struct how how,
                   struct span bytes)
{
    struct reading reading = read_file(blocks, root, how);
    assert_int_equal(reading.err, ERR_OK);
    assert_int_equal(reading.size, bytes.size);
    assert_memory_equal(reading.bytes, bytes.data, bytes.size);
    free(reading.bytes);
}

static void refuse(const struct file_blocks *blocks, const struct cid *root, struct how how,
                   enum err err, const char *reason)
{
    struct reading reading = read_file(blocks, root, how);
    free(reading.bytes);
    assert_int_equal(reading.err, err);
    assert_non_null(strstr(reading.reason, reason));
}

// ---- layouts

static void name_of(const struct cid *cid, bool is_version_0, char out[CID_TEXT_BYTES])
{
    u8 binary[CID_BINARY_BYTES];
    cid_write_binary(cid, binary);
    if (!is_version_0) {
        cid_write_text(cid, out);
        return;
    }
    struct text text = text_over(out, CID_TEXT_BYTES);
    multibase_write(&text, MULTIBASE_58, span_of(binary + 2, 34));
}

// Their names are those that another implementation gives, so this is what there is to be read.
static void files_of_every_layout_are_read(void **state)
{
    (void)state;
    static u8 bytes[64 << 20];
    file_pattern(bytes, sizeof bytes);
    for (size_t i = 0; i < COUNT_OF(layout_vectors); i++) {
        const struct layout_vector *vector = &layout_vectors[i];
        struct file_blocks *blocks = calloc(1, sizeof *blocks);
        char name[CID_TEXT_BYTES];
        struct span file = span_of(bytes, vector->size);
        struct cid root =
            file_blocks_make(blocks, vector->is_version_0 ? file_version_0 : file_raw, file);
        name_of(&root, vector->is_version_0, name);
        assert_string_equal(name, vector->cid);
        struct cid parsed;
        assert_int_equal(p2p_cid_parse_text(span_string(vector->cid), &parsed, NULL), ERR_OK);
        assert_true(cid_equal(&parsed, &root));
        expect(blocks, &root, plain, file);
        if (vector->size < 8 << 20) {
            for (u32 window = 1; window <= WINDOW; window *= 8) {
                expect(blocks, &root, (struct how){P2P_WALK_ITEMS, window, i, 5, LIMIT_BYTES},
                       file);
            }
        }
        file_blocks_drop(blocks);
        free(blocks);
    }
}

static void the_profiles_files_are_read(void **state)
{
    (void)state;
    static u8 bytes[64 << 20];
    file_pattern(bytes, sizeof bytes);
    for (size_t i = 0; i < COUNT_OF(unixfs_vectors); i++) {
        if (unixfs_vectors[i].size > sizeof bytes) {
            continue;
        }
        struct file_blocks *blocks = calloc(1, sizeof *blocks);
        char name[CID_TEXT_BYTES];
        struct span file = span_of(bytes, unixfs_vectors[i].size);
        struct cid root = file_blocks_make(blocks, file_profile, file);
        cid_write_text(&root, name);
        assert_string_equal(name, unixfs_vectors[i].cid);
        expect(blocks, &root, plain, file);
        file_blocks_drop(blocks);
        free(blocks);
    }
}

static void any_tree_is_read_in_any_order(void **state)
{
    (void)state;
    static u8 bytes[6000];
    file_pattern(bytes, sizeof bytes);
    struct p2p_dice dice = {7};
    for (u32 round = 0; round < 1000; round++) {
        struct file_blocks *blocks = calloc(1, sizeof *blocks);
        struct file_layout layout = {.chunk_bytes = 1 + (u32)(p2p_dice_roll(&dice) % 700),
                                     .links = 4 + (u32)(p2p_dice_roll(&dice) % 40),
                                     .has_raw_leaves = p2p_dice_roll(&dice) % 2 == 0,
                                     .has_raw_type = p2p_dice_roll(&dice) % 2 == 0,
                                     .is_version_0 = p2p_dice_roll(&dice) % 2 == 0};
        layout.is_version_0 = layout.is_version_0 && !layout.has_raw_leaves;
        if (layout.chunk_bytes < 10) {
            layout.links += 10; // for eight rows at most
        }
        size_t size = (size_t)(p2p_dice_roll(&dice) % sizeof bytes);
        if (round % 8 == 0) { // many places of one block
            memset(bytes, 0, sizeof bytes);
        } else if (round % 8 == 1) {
            file_pattern(bytes, sizeof bytes);
        }
        struct span file = span_of(bytes, size);
        struct cid root = file_blocks_make(blocks, layout, file);
        struct how how = {.item_count = P2P_WALK_ITEMS,
                          .window = 1 + (u32)(p2p_dice_roll(&dice) % WINDOW),
                          .seed = round,
                          .lost_one = round % 3 == 0 ? 4 : 0,
                          .limit_bytes = size};
        // What one path needs is enough, and a few more for what else is under way.
        how.item_count = round % 2 == 0 ? P2P_WALK_ITEMS : 9 * layout.links + how.window;
        struct reading reading = read_file(blocks, &root, how);
        assert_int_equal(reading.err, ERR_OK);
        assert_int_equal(reading.size, size);
        assert_memory_equal(reading.bytes, bytes, size);
        free(reading.bytes);
        file_blocks_drop(blocks);
        free(blocks);
    }
}

// ---- nodes made by hand

struct hand {
    struct file_blocks *blocks;
    u8 node[UNIXFS_LINKS_READ * 64];
    u8 file[UNIXFS_LINKS_READ * 16];
    struct proto_writer links;
    struct proto_writer sizes;
    u64 file_bytes;
};

static struct hand *hand_make(void)
{
    struct hand *hand = calloc(1, sizeof *hand);
    hand->blocks = calloc(1, sizeof *hand->blocks);
    return hand;
}

static void hand_begin(struct hand *hand)
{
    hand->links = proto_writer_over(hand->node, sizeof hand->node);
    hand->sizes = proto_writer_over(hand->file, sizeof hand->file);
    hand->file_bytes = 0;
}

static void hand_link(struct hand *hand, struct cid cid, u64 file_bytes)
{
    u8 binary[CID_BINARY_BYTES];
    cid_write_binary(&cid, binary);
    proto_head(&hand->links, 2, 2 + sizeof binary);
    proto_bytes(&hand->links, 1, span_of(binary, sizeof binary));
    proto_number(&hand->sizes, 4, file_bytes);
    hand->file_bytes += file_bytes;
}

static struct cid hand_end(struct hand *hand)
{
    u8 head[32];
    struct proto_writer file = proto_writer_over(head, sizeof head);
    proto_number(&file, 1, 2);
    proto_number(&file, 3, hand->file_bytes);
    proto_head(&hand->links, 1, file.size + hand->sizes.size);
    proto_raw(&hand->links, span_of(head, file.size));
    proto_raw(&hand->links, span_of(hand->file, hand->sizes.size));
    assert_true(proto_fits(&hand->links) && proto_fits(&hand->sizes));
    return file_blocks_add(hand->blocks, CID_DAG_PB, span_of(hand->node, hand->links.size));
}

static void hand_drop(struct hand *hand)
{
    file_blocks_drop(hand->blocks);
    free(hand->blocks);
    free(hand);
}

static struct cid raw_block(struct hand *hand, const char *letters)
{
    return file_blocks_add(hand->blocks, CID_RAW, span_string(letters));
}

static void nodes_with_data_and_links_are_read(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid leaf = raw_block(hand, "world");
    u8 binary[CID_BINARY_BYTES], node[128];
    struct proto_writer out = proto_writer_over(node, sizeof node);
    cid_write_binary(&leaf, binary);
    proto_head(&out, 2, 2 + sizeof binary);
    proto_bytes(&out, 1, span_of(binary, sizeof binary));
    proto_bytes(&out, 1, SPAN_LITERAL("\x08\x02\x12\x06hello \x18\x0b\x20\x05"));
    struct cid root = file_blocks_add(hand->blocks, CID_DAG_PB, span_of(node, out.size));
    expect(hand->blocks, &root, plain, SPAN_LITERAL("hello world"));
    hand_drop(hand);
}

static void small_files_have_their_known_names(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid name;
    struct cid root =
        file_blocks_add(hand->blocks, CID_DAG_PB, SPAN_LITERAL("\x0a\x04\x08\x02\x18\x00"));
    assert_int_equal(
        p2p_cid_parse_text(SPAN_LITERAL("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"), &name,
                           NULL),
        ERR_OK);
    assert_true(cid_equal(&root, &name));
    expect(hand->blocks, &root, plain, SPAN_LITERAL(""));
    root = file_blocks_add(hand->blocks, CID_DAG_PB,
                           SPAN_LITERAL("\x0a\x12\x08\x02\x12\x0chello world\n\x18\x0c"));
    assert_int_equal(
        p2p_cid_parse_text(SPAN_LITERAL("QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"), &name,
                           NULL),
        ERR_OK);
    assert_true(cid_equal(&root, &name));
    expect(hand->blocks, &root, plain, SPAN_LITERAL("hello world\n"));
    hand_drop(hand);
}

// ---- bounds

static void a_file_has_eight_rows_of_nodes(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid below = raw_block(hand, "leaf");
    for (u32 rows = 1; rows <= UNIXFS_DEPTH + 1; rows++) {
        hand_begin(hand);
        hand_link(hand, below, 4);
        below = hand_end(hand);
        if (rows <= UNIXFS_DEPTH) {
            expect(hand->blocks, &below, plain, SPAN_LITERAL("leaf"));
        } else {
            refuse(hand->blocks, &below, plain, ERR_LIMIT, "8 rows");
        }
    }
    hand_drop(hand);
}

static void a_node_has_2048_links(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid leaf = raw_block(hand, "x");
    static u8 bytes[UNIXFS_LINKS_READ];
    memset(bytes, 'x', sizeof bytes);
    for (u32 count = UNIXFS_LINKS_READ; count <= UNIXFS_LINKS_READ + 1; count++) {
        hand_begin(hand);
        for (u32 i = 0; i < count; i++) {
            hand_link(hand, leaf, 1);
        }
        struct cid root = hand_end(hand);
        if (count == UNIXFS_LINKS_READ) {
            expect(hand->blocks, &root, plain, span_of(bytes, sizeof bytes));
            // Each link is an item.
            struct how how = plain;
            how.item_count = UNIXFS_LINKS_READ;
            expect(hand->blocks, &root, how, span_of(bytes, sizeof bytes));
            how.item_count--;
            refuse(hand->blocks, &root, how, ERR_LIMIT, "more links than there is room for");
        } else {
            refuse(hand->blocks, &root, plain, ERR_LIMIT, "over 2048 links");
        }
    }
    hand_drop(hand);
}

static void a_file_has_a_million_blocks(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid leaf = raw_block(hand, "x");
    hand_begin(hand);
    for (u32 i = 0; i < UNIXFS_LINKS_READ; i++) {
        hand_link(hand, leaf, 1);
    }
    struct cid row = hand_end(hand);
    for (u32 beyond = 0; beyond < 2; beyond++) {
        // 511 rows of 2048 leaves and their nodes, and single leaves up to the bound.
        hand_begin(hand);
        u32 blocks = 1;
        for (; blocks + 1 + UNIXFS_LINKS_READ <= P2P_WALK_BLOCKS; blocks += 1 + UNIXFS_LINKS_READ) {
            hand_link(hand, row, UNIXFS_LINKS_READ);
        }
        for (; blocks < P2P_WALK_BLOCKS + beyond; blocks++) {
            hand_link(hand, leaf, 1);
        }
        struct cid root = hand_end(hand);
        struct reading reading = read_file(hand->blocks, &root, plain);
        assert_int_equal(reading.err, beyond == 0 ? ERR_OK : ERR_LIMIT);
        free(reading.bytes);
    }
    hand_drop(hand);
}

static void sizes_are_checked_from_the_root_on(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    struct cid leaf = raw_block(hand, "12345");
    struct how how = plain;
    how.limit_bytes = 10;
    hand_begin(hand);
    hand_link(hand, leaf, 5);
    hand_link(hand, leaf, 5);
    struct cid root = hand_end(hand);
    expect(hand->blocks, &root, how, SPAN_LITERAL("1234512345"));
    how.limit_bytes = 9;
    refuse(hand->blocks, &root, how, ERR_LIMIT, "larger than it may be");
    // Nothing below the root is asked for.
    struct reading reading = read_file(hand->blocks, &root, how);
    assert_int_equal(reading.asked, 1);
    how.limit_bytes = 4;
    refuse(hand->blocks, &leaf, how, ERR_LIMIT, "larger than it may be");
    for (u64 wrong = 4; wrong <= 6; wrong += 2) {
        hand_begin(hand);
        hand_link(hand, leaf, wrong);
        struct cid lying = hand_end(hand);
        refuse(hand->blocks, &lying, plain, ERR_MISMATCH, "not the size");
        hand_begin(hand);
        hand_link(hand, root, 10 + wrong);
        lying = hand_end(hand);
        refuse(hand->blocks, &lying, plain, ERR_MISMATCH, "not the size");
    }
    hand_begin(hand);
    hand_link(hand, leaf, UNIXFS_BLOCK_BYTES + 1);
    struct cid large = hand_end(hand);
    refuse(hand->blocks, &large, plain, ERR_UNSUPPORTED, "more than 2 MiB");
    hand_drop(hand);
}

// CVE-2023-23625, -23626, -23631, CVE-2022-2584, -23495: nodes that panicked other readers.
static void directories_and_hamts_are_refused(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    static const struct {
        struct span node;
        enum err err;
        const char *reason;
    } cases[] = {
        {SPAN_LITERAL("\x0a\x02\x08\x01"), ERR_UNSUPPORTED, "directory"},
        // A shard whose bitfield is longer than its fanout, and one of a huge fanout.
        {SPAN_LITERAL("\x0a\x0b\x08\x05\x12\x02\xff\xff\x28\x22\x30\x80\x02"), ERR_UNSUPPORTED,
         "HAMT"},
        {SPAN_LITERAL("\x0a\x0d\x08\x05\x28\x22\x30\xff\xff\xff\xff\xff\xff\xff\x7f"),
         ERR_UNSUPPORTED, "HAMT"},
        {SPAN_LITERAL("\x0a\x02\x08\x04"), ERR_UNSUPPORTED, "symlink"},
        {SPAN_LITERAL("\x0a\x02\x08\x03"), ERR_UNSUPPORTED, "metadata"},
        {SPAN_LITERAL("\x0a\x02\x08\x06"), ERR_MALFORMED, "does not exist"},
        {SPAN_LITERAL(""), ERR_MALFORMED, "not a dag-pb node"},
        {SPAN_LITERAL("\x0a\x00"), ERR_MALFORMED, "without a type"},
        {SPAN_LITERAL("\x0a\x02\x08\x02"), ERR_MALFORMED, "without its size"},
        // A link of no CID; a data field that is a number; one that ends outside.
        {SPAN_LITERAL("\x12\x00\x0a\x04\x08\x02\x18\x00"), ERR_MALFORMED, "without a CID"},
        {SPAN_LITERAL("\x08\x00"), ERR_MALFORMED, "not a dag-pb node"},
        {SPAN_LITERAL("\x0a\x7f\x08\x02"), ERR_MALFORMED, "beyond the block"},
        {SPAN_LITERAL("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x08"), ERR_MALFORMED,
         "beyond the block"},
        // Sizes without links; a size that is not that of the data.
        {SPAN_LITERAL("\x0a\x06\x08\x02\x18\x01\x20\x01"), ERR_MALFORMED, "more sizes than links"},
        {SPAN_LITERAL("\x0a\x07\x08\x02\x12\x01x\x18\x02"), ERR_MALFORMED, "do not add up"},
        {SPAN_LITERAL("\x0a\x07\x08\x02\x18\x00\x38\xa4\x03"), ERR_UNSUPPORTED, "mode"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct cid root = file_blocks_add(hand->blocks, CID_DAG_PB, cases[i].node);
        refuse(hand->blocks, &root, plain, cases[i].err, cases[i].reason);
    }
    hand_drop(hand);
}

// Identity CIDs, short digests and other functions never get past a node.
static void links_to_other_hashes_are_refused(void **state)
{
    (void)state;
    struct hand *hand = hand_make();
    static const struct {
        struct span cid;
        enum err err;
        const char *reason;
    } cases[] = {
        {SPAN_LITERAL("\x01\x55\x00\x01x"), ERR_UNSUPPORTED, "identity"},
        {SPAN_LITERAL("\x01\x55\x12\x04"
                      "abcd"),
         ERR_MALFORMED, "not of 32 bytes"},
        {SPAN_LITERAL("\x12\x04"
                      "abcd"),
         ERR_MALFORMED, "not of 32 bytes"},
        {SPAN_LITERAL("\x01\x55\x11\x14"
                      "abcdefghijklmnopqrst"),
         ERR_UNSUPPORTED, "sha1"},
        {SPAN_LITERAL("\x01\x71\x12\x20"
                      "abcdefghijklmnopqrstuvwxyzabcdef"),
         ERR_UNSUPPORTED, "dag-cbor"},
        {SPAN_LITERAL("\x02"), ERR_UNSUPPORTED, "0x02"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        hand_begin(hand);
        proto_head(&hand->links, 2, 2 + cases[i].cid.size);
        proto_bytes(&hand->links, 1, cases[i].cid);
        proto_number(&hand->sizes, 4, 1);
        hand->file_bytes = 1;
        struct cid root = hand_end(hand);
        refuse(hand->blocks, &root, plain, cases[i].err, cases[i].reason);
    }
    hand_drop(hand);
}

static void blocks_that_are_not_under_way_change_nothing(void **state)
{
    (void)state;
    struct p2p_walk walk;
    struct p2p_walk_piece piece;
    struct cid root = cid_of_block(CID_RAW, SPAN_LITERAL("abc"), test_sha256), asked;
    p2p_walk_init(&walk, items, 1, &root, 3);
    assert_int_equal(p2p_walk_block(&walk, &root, SPAN_LITERAL("abc"), &piece, NULL),
                     ERR_NOT_FOUND);
    assert_true(p2p_walk_next(&walk, &asked));
    assert_false(p2p_walk_next(&walk, &asked));
    p2p_walk_lost(&walk, &root);
    p2p_walk_lost(&walk, &root);
    assert_int_equal(walk.asked_count, 0);
    assert_int_equal(p2p_walk_block(&walk, &root, SPAN_LITERAL("abc"), &piece, NULL),
                     ERR_NOT_FOUND);
    assert_true(p2p_walk_next(&walk, &asked));
    assert_int_equal(p2p_walk_block(&walk, &root, SPAN_LITERAL("abc"), &piece, NULL), ERR_OK);
    assert_true(p2p_walk_is_done(&walk));
    assert_int_equal(p2p_walk_block(&walk, &root, SPAN_LITERAL("abc"), &piece, NULL),
                     ERR_NOT_FOUND);
}

// ---- names

static void names_of_every_base_are_one(void **state)
{
    (void)state;
    u8 binary[CID_BINARY_BYTES];
    char letters[128];
    struct cid cid = cid_of_block(CID_DAG_PB, SPAN_LITERAL("abc"), test_sha256), parsed;
    cid_write_binary(&cid, binary);
    static const struct {
        enum multibase base;
        const char *prefix;
        u32 skip;
    } forms[] = {{MULTIBASE_58, "z", 0},
                 {MULTIBASE_36, "k", 0},
                 {MULTIBASE_32, "b", 0},
                 {MULTIBASE_58, "", 2}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        struct text text = text_over(letters, sizeof letters);
        text_string(&text, forms[i].prefix);
        multibase_write(&text, forms[i].base,
                        span_of(binary + forms[i].skip, sizeof binary - forms[i].skip));
        mem_zero(&parsed, sizeof parsed);
        assert_int_equal(p2p_cid_parse_text(span_of(letters, text.size), &parsed, NULL), ERR_OK);
        assert_true(cid_equal(&parsed, &cid));
        for (size_t cut = 0; cut < text.size; cut++) {
            assert_int_not_equal(p2p_cid_parse_text(span_of(letters, cut), &parsed, NULL), ERR_OK);
        }
    }
}

static void names_are_taken_out_of_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"%s", "/ipfs/%s", "ipfs://%s", "ipfs://%s/"};
    static const char *const bad[] = {"/ipfs/%s/a", "ipfs://%s//", "/ipfs//%s", "/ipfs/ipfs://%s",
                                      "ipfs:/%s",   "/ipns/%s",    "%s/",       " %s"};
    const char *name = "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o";
    struct cid wanted, cid;
    char text[128];
    assert_int_equal(p2p_cid_parse_text(span_string(name), &wanted, NULL), ERR_OK);
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        snprintf(text, sizeof text, good[i], name);
        assert_int_equal(p2p_cid_parse_word(span_string(text), &cid, NULL), ERR_OK);
        assert_true(cid_equal(&cid, &wanted));
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        snprintf(text, sizeof text, bad[i], name);
        assert_int_not_equal(p2p_cid_parse_word(span_string(text), &cid, NULL), ERR_OK);
    }
    assert_int_not_equal(p2p_cid_parse_word(SPAN_LITERAL("/ipfs/"), &cid, NULL), ERR_OK);
}

static void other_names_are_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"bafkqaaa", "identity"},
        {"bafkqabtimvwgy3yk", "identity"},
        {"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQ0", ""}, // 0 is no letter of base58
        {"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQHH", "not a CID"},
        {"k51qzi5uqu5dlvj2baxnqndepeb86cbk3ng7n3i46uzyxzyqj2xjonzllnv0v8", "libp2p-key"},
        {"z", ""},
        {"k", ""},
        {"uAXASIA", "base64url"},
        {"", "empty"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct report report;
        struct cid cid;
        report_clear(&report);
        assert_int_not_equal(p2p_cid_parse_text(span_string(cases[i].text), &cid, &report), ERR_OK);
        assert_non_null(strstr(report.text, cases[i].reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_every_layout_are_read),
        cmocka_unit_test(the_profiles_files_are_read),
        cmocka_unit_test(any_tree_is_read_in_any_order),
        cmocka_unit_test(nodes_with_data_and_links_are_read),
        cmocka_unit_test(small_files_have_their_known_names),
        cmocka_unit_test(a_file_has_eight_rows_of_nodes),
        cmocka_unit_test(a_node_has_2048_links),
        cmocka_unit_test(a_file_has_a_million_blocks),
        cmocka_unit_test(sizes_are_checked_from_the_root_on),
        cmocka_unit_test(directories_and_hamts_are_refused),
        cmocka_unit_test(links_to_other_hashes_are_refused),
        cmocka_unit_test(blocks_that_are_not_under_way_change_nothing),
        cmocka_unit_test(names_of_every_base_are_one),
        cmocka_unit_test(names_are_taken_out_of_addresses),
        cmocka_unit_test(other_names_are_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
