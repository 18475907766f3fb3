// SPDX-License-Identifier: GPL-3.0-or-later
// Do core/base/unixfs.h's names agree with another implementation's, and does its parser take
// exactly the nodes that the builder makes?
#include "core/base/arena.h"
#include "core/base/report.h"
#include "core/base/unixfs.h"
#include "tests/unit/sha256.h"
#include "tests/unit/support.h"
#include "tests/unit/unixfs_vectors.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PATTERN_BYTES = 1000003, MIB = 1 << 20 };
static u8 pattern[PATTERN_BYTES];

static int make_pattern(void **state)
{
    (void)state;
    u32 word = 1;
    for (u32 i = 0; i < PATTERN_BYTES; i++) {
        word = word * 1664525 + 1013904223;
        pattern[i] = (u8)(word >> 24);
    }
    return 0;
}

static void streamed_names_agree_with_another_implementation(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unixfs_vectors / sizeof unixfs_vectors[0]; i++) {
        struct test_memory memory = test_memory_over_malloc(-1);
        struct arena arena;
        struct unixfs_builder builder;
        struct cid cid;
        char text[CID_TEXT_BYTES];
        arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
        unixfs_builder_init(&builder, &arena, test_sha256, NULL, NULL);
        u64 size;
        for (u64 left = unixfs_vectors[i].size; left != 0; left -= size) {
            size = left < PATTERN_BYTES ? left : PATTERN_BYTES;
            assert_int_equal(unixfs_builder_write(&builder, span_of(pattern, size)), ERR_OK);
        }
        assert_int_equal(unixfs_builder_finish(&builder, &cid), ERR_OK);
        cid_write_text(&cid, text);
        assert_string_equal(text, unixfs_vectors[i].cid);
        arena_drop(&arena);
        assert_int_equal(memory.blocks, 0);
    }
}

static void whole_names_agree_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unixfs_vectors / sizeof unixfs_vectors[0]; i++) {
        size_t size = unixfs_vectors[i].size;
        if (size > 64 * MIB) {
            continue; // the streamed test covers these
        }
        struct test_memory memory = test_memory_over_malloc(-1);
        struct arena arena;
        struct cid cid;
        char text[CID_TEXT_BYTES];
        u8 *bytes = malloc(size + 1);
        for (size_t at = 0; at < size; at++) {
            bytes[at] = pattern[at % PATTERN_BYTES];
        }
        arena_init(&arena, &memory.memory, 256 * 1024);
        assert_int_equal(unixfs_cid(span_of(bytes, size), test_sha256, &arena, &cid), ERR_OK);
        cid_write_text(&cid, text);
        assert_string_equal(text, unixfs_vectors[i].cid);
        assert_true(size > MIB || memory.bytes == 0);
        arena_drop(&arena);
        free(bytes);
    }
}

static void pieces_do_not_matter(void **state)
{
    (void)state;
    const size_t pieces[] = {1, 4096, 65537, MIB - 1, MIB, MIB + 1, 2 * MIB + 5};
    static u8 bytes[5 * MIB / 2];
    struct test_memory memory = test_memory_over_malloc(-1);
    struct cid expected;
    struct arena arena;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = pattern[i % PATTERN_BYTES];
    }
    arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
    assert_int_equal(unixfs_cid(span_of(bytes, sizeof bytes), test_sha256, &arena, &expected),
                     ERR_OK);
    arena_drop(&arena);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        struct unixfs_builder builder;
        struct cid cid;
        unixfs_builder_init(&builder, &arena, test_sha256, NULL, NULL);
        for (size_t at = 0; at < sizeof bytes; at += pieces[i]) {
            size_t size = sizeof bytes - at < pieces[i] ? sizeof bytes - at : pieces[i];
            assert_int_equal(unixfs_builder_write(&builder, span_of(bytes + at, size)), ERR_OK);
        }
        assert_int_equal(unixfs_builder_finish(&builder, &cid), ERR_OK);
        assert_true(cid_equal(&cid, &expected));
        arena_drop(&arena);
    }
}

// A stand-in that is quick: size and first bytes decide. Only for trees too large to hash.
static void quick_hash(struct span bytes, u8 out[32])
{
    memset(out, 0, 32);
    memcpy(out, &bytes.size, sizeof bytes.size);
    memcpy(out + 8, bytes.data, bytes.size < 24 ? bytes.size : 24);
}

struct counts {
    u64 leaves;
    u64 nodes;
    u64 node_links;
    u64 root_bytes;
};

static enum err count_blocks(void *context, const struct cid *cid, struct span bytes)
{
    struct counts *counts = context;
    if (cid->codec == CID_RAW) {
        counts->leaves++;
        return ERR_OK;
    }
    struct unixfs_node node;
    struct unixfs_link link;
    u64 sum = 0;
    u32 links = 0;
    assert_int_equal(unixfs_node_parse(bytes, &node, NULL), ERR_OK);
    while (unixfs_node_next(&node, &link)) {
        sum += link.file_bytes;
        assert_true(link.tree_bytes >= link.file_bytes);
        links++;
    }
    assert_int_equal(links, node.link_count);
    assert_int_equal(sum, node.file_bytes);
    counts->nodes++;
    counts->node_links += links;
    counts->root_bytes = node.file_bytes;
    return ERR_OK;
}

static void rows_grow_as_the_profile_says(void **state)
{
    (void)state;
    const struct {
        u64 leaves;
        u64 nodes;
    } cases[] = {
        {1, 0},
        {2, 1},
        {1024, 1},
        {1025, 3},
        {2048, 3},
        {2049, 4},
        {1 << 20, 1025}, // 1024 nodes of leaves and the root
        {(1 << 20) + 1, 1024 + 1 + 1 + 1 + 1},
    };
    static u8 chunk[MIB];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_memory memory = test_memory_over_malloc(-1);
        struct arena arena;
        struct unixfs_builder builder;
        struct counts counts = {0};
        struct cid cid;
        arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
        unixfs_builder_init(&builder, &arena, quick_hash, count_blocks, &counts);
        for (u64 n = 0; n < cases[i].leaves; n++) {
            assert_int_equal(unixfs_builder_write(&builder, span_of(chunk, MIB)), ERR_OK);
        }
        assert_int_equal(unixfs_builder_finish(&builder, &cid), ERR_OK);
        assert_int_equal(counts.leaves, cases[i].leaves);
        assert_int_equal(counts.nodes, cases[i].nodes);
        // every block but the root is somebody's child
        assert_int_equal(counts.node_links, counts.leaves + counts.nodes - 1);
        assert_int_equal(cid.codec, cases[i].leaves == 1 ? CID_RAW : CID_DAG_PB);
        if (counts.nodes != 0) {
            assert_int_equal(counts.root_bytes, cases[i].leaves * MIB);
        }
        arena_drop(&arena);
    }
}

static enum err refuse_dag_pb(void *context, const struct cid *cid, struct span bytes)
{
    (void)context;
    (void)bytes;
    return cid->codec == CID_DAG_PB ? ERR_IO : ERR_OK;
}

static void failures_of_sink_and_memory_come_back(void **state)
{
    (void)state;
    static u8 bytes[MIB + 1];
    struct unixfs_builder builder;
    struct arena arena;
    struct cid cid;
    enum err err = ERR_NO_MEMORY;
    u32 failures = 0;
    for (i64 n = 0; err == ERR_NO_MEMORY; n++) {
        struct test_memory memory = test_memory_over_malloc(n);
        arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
        unixfs_builder_init(&builder, &arena, test_sha256, NULL, NULL);
        err = unixfs_builder_write(&builder, span_of(bytes, sizeof bytes));
        if (err == ERR_OK) {
            err = unixfs_builder_finish(&builder, &cid);
        }
        failures += err == ERR_NO_MEMORY;
        arena_drop(&arena);
        assert_int_equal(memory.blocks, 0);
    }
    assert_int_equal(err, ERR_OK);
    assert_int_equal(failures, 3); // links, chunk, node
    struct test_memory memory = test_memory_over_malloc(-1);
    arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
    unixfs_builder_init(&builder, &arena, test_sha256, refuse_dag_pb, NULL);
    assert_int_equal(unixfs_builder_write(&builder, span_of(bytes, sizeof bytes)), ERR_OK);
    assert_int_equal(unixfs_builder_finish(&builder, &cid), ERR_IO);
    arena_drop(&arena);
}

// A node of two leaves, 1 MiB and 1 byte, as another implementation encodes it; the digests are
// made up.
#define DIGEST_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define DIGEST_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LINK_A "\x12\x2c\x0a\x24\x01\x55\x12\x20" DIGEST_A "\x12\x00\x18\x80\x80\x40"
#define LINK_B "\x12\x2a\x0a\x24\x01\x55\x12\x20" DIGEST_B "\x12\x00\x18\x01"
#define DATA_HEAD "\x08\x02\x18\x81\x80\x40"
#define SIZES "\x20\x80\x80\x40\x20\x01"

struct node_case {
    struct span block;
    enum err err;
    const char *reason;
};

static void parser_refuses_what_is_no_file(void **state)
{
    (void)state;
    const struct node_case cases[] = {
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c" DATA_HEAD SIZES), ERR_OK, ""},
        {SPAN_LITERAL(""), ERR_MALFORMED, "not a dag-pb node"},
        {SPAN_LITERAL(LINK_A LINK_B), ERR_MALFORMED, "not a dag-pb node"},
        {SPAN_LITERAL("\x0a\x0c" DATA_HEAD SIZES LINK_A LINK_B), ERR_MALFORMED, "bytes follow"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c" DATA_HEAD SIZES "\x0a\x00"), ERR_MALFORMED,
         "bytes follow"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0d" DATA_HEAD SIZES), ERR_MALFORMED, "beyond"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x8c\x00" DATA_HEAD SIZES), ERR_MALFORMED, "shortest"},
        {SPAN_LITERAL(LINK_A "\x0a\x0c" DATA_HEAD SIZES), ERR_MALFORMED, "more sizes than links"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0a" DATA_HEAD "\x20\x80\x80\x40"), ERR_MALFORMED,
         "fewer sizes"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c\x08\x02\x18\x82\x80\x40" SIZES), ERR_MALFORMED,
         "do not add up"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0e\x08\x02\x18\x82\x80\x80\x01"
                                    "\x20\x81\x80\x80\x01\x20\x01"),
         ERR_UNSUPPORTED, "more than 2 MiB"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0a" DATA_HEAD "\x20\x00\x20\x00"), ERR_MALFORMED,
         "link to nothing"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c\x08\x01\x18\x81\x80\x40" SIZES), ERR_UNSUPPORTED,
         "directory"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c\x08\x09\x18\x81\x80\x40" SIZES), ERR_MALFORMED,
         "does not exist"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0f\x08\x02\x12\x01x\x18\x81\x80\x40" SIZES),
         ERR_MALFORMED, "do not add up"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c\x08\x00\x18\x81\x80\x40" SIZES), ERR_MALFORMED,
         "raw leaf has links"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x0f" DATA_HEAD SIZES "\x38\xa4\x03"), ERR_UNSUPPORTED,
         "mode"},
        {SPAN_LITERAL(LINK_A LINK_B "\x0a\x08\x08\x02" SIZES), ERR_MALFORMED, "without its size"},
        {SPAN_LITERAL("\x12\x02\x12\x00\x0a\x00"), ERR_MALFORMED, "without a CID"},
        {SPAN_LITERAL("\x12\x2b\x0a\x24\x01\x55\x12\x20" DIGEST_B "\x12\x01x\x18\x01\x0a\x06"
                      "\x08\x02\x18\x01\x20\x01"),
         ERR_UNSUPPORTED, "has a name"},
        {SPAN_LITERAL("\x12\x2a\x0a\x24\x01\x71\x12\x20" DIGEST_B "\x12\x00\x18\x01\x0a\x06"
                      "\x08\x02\x18\x01\x20\x01"),
         ERR_UNSUPPORTED, "dag-cbor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct report report;
        struct unixfs_node node = {.link_count = 77};
        report_clear(&report);
        enum err err = unixfs_node_parse(cases[i].block, &node, &report);
        assert_int_equal(err, cases[i].err);
        assert_non_null(strstr(report.text, cases[i].reason));
        assert_int_equal(node.link_count, err == ERR_OK ? 2 : 77);
    }
}

static void parser_gives_links_in_order(void **state)
{
    (void)state;
    struct unixfs_node node;
    struct unixfs_link link;
    struct span block = SPAN_LITERAL(LINK_A LINK_B "\x0a\x0c" DATA_HEAD SIZES);
    assert_int_equal(unixfs_node_parse(block, &node, NULL), ERR_OK);
    assert_int_equal(node.file_bytes, MIB + 1);
    assert_true(unixfs_node_next(&node, &link));
    assert_memory_equal(link.cid.digest, DIGEST_A, 32);
    assert_int_equal(link.file_bytes, MIB);
    assert_true(unixfs_node_next(&node, &link));
    assert_memory_equal(link.cid.digest, DIGEST_B, 32);
    assert_int_equal(link.file_bytes, 1);
    assert_int_equal(link.tree_bytes, 1);
    assert_false(unixfs_node_next(&node, &link));
    for (size_t size = 0; size < block.size; size++) {
        assert_int_equal(unixfs_node_parse(span_slice(block, 0, size), &node, NULL), ERR_MALFORMED);
    }
}

static void parser_takes_2048_links_and_no_more(void **state)
{
    (void)state;
    static u8 block[(UNIXFS_LINKS_READ + 1) * 66 + 32];
    for (u32 count = UNIXFS_LINKS_READ; count <= UNIXFS_LINKS_READ + 1; count++) {
        size_t size = 0;
        for (u32 i = 0; i < count; i++) {
            memcpy(block + size, LINK_B, sizeof LINK_B - 1);
            size += sizeof LINK_B - 1;
        }
        u32 data = 5 + 2 * count; // type, a size of two bytes, the sizes
        const u8 head[] = {0x0a, (u8)(data | 0x80),  (u8)(data >> 7), 0x08, 0x02,
                           0x18, (u8)(count | 0x80), (u8)(count >> 7)};
        memcpy(block + size, head, sizeof head);
        size += sizeof head;
        for (u32 i = 0; i < count; i++) {
            memcpy(block + size, "\x20\x01", 2);
            size += 2;
        }
        struct unixfs_node node;
        assert_int_equal(unixfs_node_parse(span_of(block, size), &node, NULL),
                         count == UNIXFS_LINKS_READ ? ERR_OK : ERR_LIMIT);
    }
}

// The builder as it stands after 1024^3 leaves, and with one more.
static void a_file_has_three_rows_of_nodes(void **state)
{
    (void)state;
    static const u8 leaf[UNIXFS_CHUNK_BYTES];
    for (u32 beyond = 0; beyond < 2; beyond++) {
        struct test_memory memory = test_memory_over_malloc(-1);
        struct arena arena;
        arena_init(&arena, &memory.memory, UNIXFS_BUILDER_BYTES);
        struct unixfs_builder builder;
        unixfs_builder_init(&builder, &arena, test_sha256, NULL, NULL);
        struct unixfs_link below = {.cid = cid_of_block(CID_RAW, span_of(leaf, 1), test_sha256),
                                    .file_bytes = UNIXFS_CHUNK_BYTES,
                                    .tree_bytes = UNIXFS_CHUNK_BYTES};
        for (u32 i = 0; i < UNIXFS_LEVELS; i++) {
            struct unixfs_level *level = &builder.levels[i];
            level->links = arena_alloc(&arena, UNIXFS_LINKS, sizeof *level->links, 8);
            assert_non_null(level->links);
            level->count = UNIXFS_LINKS - 1;
            for (u32 k = 0; k < level->count; k++) {
                level->links[k] = below;
            }
            below.file_bytes *= UNIXFS_LINKS;
            below.tree_bytes *= UNIXFS_LINKS;
        }
        builder.leaf_count = ((u64)1 << 30) - 1;
        for (u32 i = 0; i <= beyond; i++) {
            assert_int_equal(unixfs_builder_write(&builder, span_of(leaf, sizeof leaf)), ERR_OK);
        }
        struct cid cid = {0};
        assert_int_equal(unixfs_builder_finish(&builder, &cid), beyond ? ERR_LIMIT : ERR_OK);
        assert_true(beyond || cid.codec == CID_DAG_PB);
        arena_drop(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streamed_names_agree_with_another_implementation),
        cmocka_unit_test(whole_names_agree_too),
        cmocka_unit_test(pieces_do_not_matter),
        cmocka_unit_test(rows_grow_as_the_profile_says),
        cmocka_unit_test(failures_of_sink_and_memory_come_back),
        cmocka_unit_test(parser_refuses_what_is_no_file),
        cmocka_unit_test(parser_gives_links_in_order),
        cmocka_unit_test(parser_takes_2048_links_and_no_more),
        cmocka_unit_test(a_file_has_three_rows_of_nodes),
    };
    return cmocka_run_group_tests(tests, make_pattern, NULL);
}
