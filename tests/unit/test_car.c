// SPDX-License-Identifier: GPL-3.0-or-later
// Does core/base/car.h keep its promises: what is written is read again, and whatever is wrong is
// refused?
#include "core/base/car.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "tests/unit/sha256.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

// An archive of three blocks with one root, as bytes.
struct archive {
    u8 bytes[4096];
    size_t size;
    size_t header_size;
    struct cid cids[3];
};

static const char *const texts[3] = {"first", "", "a third block, longer than the others"};

static void build(struct archive *out)
{
    for (u32 i = 0; i < 3; i++) {
        out->cids[i] = cid_of_block(CID_RAW, span_string(texts[i]), test_sha256);
    }
    out->size = car_write_header(&out->cids[1], out->bytes);
    out->header_size = out->size;
    for (u32 i = 0; i < 3; i++) {
        size_t size = strlen(texts[i]);
        out->size += car_write_prefix(&out->cids[i], size, out->bytes + out->size);
        memcpy(out->bytes + out->size, texts[i], size);
        out->size += size;
    }
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct archive archive;
    struct car car;
    struct car_block block;
    build(&archive);
    assert_int_equal(car_open(span_of(archive.bytes, archive.size), &car, NULL), ERR_OK);
    assert_int_equal(car.block_count, 3);
    assert_int_equal(car.root_count, 1);
    assert_true(cid_equal(&car.roots[0], &archive.cids[1]));
    struct reader at = car.blocks;
    for (u32 i = 0; i < 3; i++) {
        struct span found;
        assert_true(car_next(&at, &block));
        assert_true(cid_equal(&block.cid, &archive.cids[i]));
        assert_true(span_equal(block.bytes, span_string(texts[i])));
        assert_int_equal(car_find(&car, &archive.cids[i], &found), ERR_OK);
        assert_true(span_equal(found, block.bytes));
    }
    assert_false(car_next(&at, &block));
    struct cid other = cid_of_block(CID_RAW, SPAN_LITERAL("nobody's"), test_sha256);
    struct span found;
    assert_int_equal(car_find(&car, &other, &found), ERR_NOT_FOUND);
}

// The header of an archive with one root, from the specification: bytes that another writer makes.
static void header_is_that_of_the_specification(void **state)
{
    (void)state;
    struct archive archive;
    build(&archive);
    static const u8 start[] = {0x3a, 0xa2, 0x65, 'r',  'o',  'o',  't',  's',  0x81,
                               0xd8, 0x2a, 0x58, 0x25, 0x00, 0x01, 0x55, 0x12, 0x20};
    static const u8 end[] = {0x67, 'v', 'e', 'r', 's', 'i', 'o', 'n', 0x01};
    assert_int_equal(archive.header_size, 59);
    assert_memory_equal(archive.bytes, start, sizeof start);
    assert_memory_equal(archive.bytes + 59 - sizeof end, end, sizeof end);
}

// Every shorter file is refused but those that end between blocks.
static void truncated_files_are_refused(void **state)
{
    (void)state;
    struct archive archive;
    build(&archive);
    u32 accepted = 0;
    for (size_t size = 0; size < archive.size; size++) {
        struct report report;
        struct car car = {.block_count = 99};
        report_clear(&report);
        enum err err = car_open(span_of(archive.bytes, size), &car, &report);
        if (err == ERR_OK) {
            accepted++;
            assert_int_not_equal(car.block_count, 99);
        } else {
            assert_int_equal(err, ERR_MALFORMED);
            assert_int_equal(report.err, err);
            assert_int_equal(car.block_count, 99); // left alone
        }
    }
    assert_int_equal(accepted, 3); // behind the header, the first and the second block
}

// Every byte of the header matters.
static void changed_headers_are_refused(void **state)
{
    (void)state;
    struct archive archive;
    build(&archive);
    for (size_t at = 0; at < archive.header_size; at++) {
        bool is_digest = at >= 18 && at < 18 + CID_DIGEST_BYTES;
        for (u32 bit = 0; bit < 8; bit++) {
            struct car car;
            archive.bytes[at] ^= (u8)(1u << bit);
            enum err err = car_open(span_of(archive.bytes, archive.size), &car, NULL);
            archive.bytes[at] ^= (u8)(1u << bit);
            if (is_digest) {
                assert_int_equal(err, ERR_OK); // another root, and who is to say which is right
            } else {
                assert_int_not_equal(err, ERR_OK);
            }
        }
    }
}

static void limits_are_kept(void **state)
{
    (void)state;
    struct archive archive;
    struct car car;
    build(&archive);
    size_t size = archive.header_size;
    size += varint_write((u64)CAR_BLOCK_BYTES + CID_BINARY_BYTES + 1, archive.bytes + size);
    assert_int_equal(car_open(span_of(archive.bytes, size), &car, NULL), ERR_LIMIT);
    size = varint_write((u64)CAR_HEADER_BYTES + 1, archive.bytes);
    assert_int_equal(car_open(span_of(archive.bytes, size), &car, NULL), ERR_LIMIT);
    build(&archive);
    archive.bytes[8] = 0x80 + CAR_ROOTS + 1;
    assert_int_equal(car_open(span_of(archive.bytes, archive.size), &car, NULL), ERR_LIMIT);
    archive.bytes[8] = 0x80; // no root where one follows
    assert_int_equal(car_open(span_of(archive.bytes, archive.size), &car, NULL), ERR_MALFORMED);
}

static void sections_without_a_cid_are_refused(void **state)
{
    (void)state;
    struct archive archive;
    struct car car;
    build(&archive);
    archive.bytes[archive.size] = 0;
    assert_int_equal(car_open(span_of(archive.bytes, archive.size + 1), &car, NULL), ERR_MALFORMED);
    archive.bytes[archive.size] = 1;
    archive.bytes[archive.size + 1] = 1;
    assert_int_equal(car_open(span_of(archive.bytes, archive.size + 2), &car, NULL), ERR_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(header_is_that_of_the_specification),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(changed_headers_are_refused),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(sections_without_a_cid_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
