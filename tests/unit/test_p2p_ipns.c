// SPDX-License-Identifier: GPL-3.0-or-later
// Are names what their keys signed, and nothing else? With dag-cbor and the times in records.
#include "core/base/cid.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/cbor.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/proto.h"
#include "lib/p2p/rfc3339.h"
#include "tests/unit/ipns_vectors.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND ((u64)1000000000)
#define NOW ((u64)1800000000 * SECOND) // in 2027

static struct p2p_dice dice = {1};
static struct p2p_crypto crypto;
static u8 scratch[IPNS_SCRATCH_BYTES];

static int start(void **state)
{
    (void)state;
    crypto = p2p_crypto_sodium(&dice);
    return 0;
}

static u8 digit(char c)
{
    return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

// Bytes in a block of exactly their size. One at a time.
static struct span hex(const char *text)
{
    static u8 *bytes;
    size_t size = strlen(text) / 2;
    free(bytes);
    bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (u8)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    }
    return span_of(bytes, size);
}

static struct peer_id name_of(const char *text)
{
    struct peer_id name;
    assert_int_equal(peer_id_parse(span_string(text), &name, NULL), ERR_OK);
    return name;
}

// ---- times

static void times_are_read_and_written(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u64 ns;
    } rows[] = {
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"2000-02-29T12:34:56.789000000Z", 951827696789000000},
        {"2038-01-19T03:14:08.000000000Z", 2147483648 * SECOND},
        {"2100-03-01T00:00:00.000000000Z", 4107542400 * SECOND},
        {"2553-12-31T23:59:59.999999999Z", 18429292799999999999u},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[RFC3339_BYTES + 1];
        u64 ns;
        assert_int_equal(rfc3339_read(span_string(rows[i].text), &ns, NULL), ERR_OK);
        assert_true(ns == rows[i].ns);
        rfc3339_write(ns, text);
        assert_string_equal(text, rows[i].text);
    }
    static const struct {
        const char *text;
        u64 s;
        enum err err;
    } others[] = {
        {"1985-04-12T23:20:50Z", 482196050, ERR_OK}, // the RFC's own, without its fraction
        {"1996-12-19T16:39:57-08:00", 851042397, ERR_OK},
        {"1970-01-01T00:00:00+00:01", 0, ERR_MALFORMED},
        {"1970-01-01T00:01:00.0000000009+00:01", 0, ERR_OK},
        {"1990-12-31T23:59:60Z", 0, ERR_MALFORMED}, // a leap second
        {"1900-01-01T00:00:00Z", 0, ERR_LIMIT},
        {"2554-01-01T00:00:00Z", 0, ERR_LIMIT},
        {"2001-02-29T00:00:00Z", 0, ERR_MALFORMED},
        {"2100-02-29T00:00:00Z", 0, ERR_MALFORMED},
        {"2001-13-01T00:00:00Z", 0, ERR_MALFORMED},
        {"2001-00-01T00:00:00Z", 0, ERR_MALFORMED},
        {"2001-01-01T24:00:00Z", 0, ERR_MALFORMED},
        {"2001-01-01 00:00:00Z", 0, ERR_MALFORMED},
        {"2001-01-01T00:00:00.Z", 0, ERR_MALFORMED},
        {"2001-01-01T00:00:00", 0, ERR_MALFORMED},
        {"2001-01-01T00:00:00ZZ", 0, ERR_MALFORMED},
        {"2001-01-01T00:00:00+24:00", 0, ERR_MALFORMED},
        {"2001-01-1", 0, ERR_MALFORMED},
        {"", 0, ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        u64 ns = 0;
        if (rfc3339_read(span_string(others[i].text), &ns, NULL) != others[i].err ||
            ns / SECOND != others[i].s) {
            fail_msg("%s", others[i].text);
        }
    }
}

// ---- dag-cbor

static const struct {
    const char *bytes;
    enum err err;
    enum cbor_kind kind;
    u64 value;
} items[] = {
    // Appendix A of RFC 8949, where dag-cbor allows it
    {"00", ERR_OK, CBOR_NUMBER, 0},
    {"17", ERR_OK, CBOR_NUMBER, 23},
    {"1818", ERR_OK, CBOR_NUMBER, 24},
    {"1903e8", ERR_OK, CBOR_NUMBER, 1000},
    {"1a000f4240", ERR_OK, CBOR_NUMBER, 1000000},
    {"1b000000e8d4a51000", ERR_OK, CBOR_NUMBER, 1000000000000},
    {"1bffffffffffffffff", ERR_OK, CBOR_NUMBER, UINT64_MAX},
    {"3863", ERR_OK, CBOR_NEGATIVE, 99},
    {"4401020304", ERR_OK, CBOR_BYTES, 4},
    {"62c3bc", ERR_OK, CBOR_TEXT, 2},
    {"83", ERR_OK, CBOR_ARRAY, 3},
    {"a2", ERR_OK, CBOR_MAP, 2},
    {"f4", ERR_OK, CBOR_SIMPLE, 20},
    {"f6", ERR_OK, CBOR_SIMPLE, 22},
    {"fb3ff199999999999a", ERR_OK, CBOR_SIMPLE, 0x3ff199999999999a},
    {"d82a", ERR_OK, CBOR_TAG, 42},
    // not the shortest form
    {"1817", ERR_MALFORMED, 0, 0},
    {"1900ff", ERR_MALFORMED, 0, 0},
    {"1a0000ffff", ERR_MALFORMED, 0, 0},
    {"1b00000000ffffffff", ERR_MALFORMED, 0, 0},
    {"5801", ERR_MALFORMED, 0, 0},
    // sizes that are not known, other tags, other simple values, other floats
    {"1c", ERR_MALFORMED, 0, 0},
    {"5f", ERR_MALFORMED, 0, 0},
    {"9f", ERR_MALFORMED, 0, 0},
    {"ff", ERR_MALFORMED, 0, 0},
    {"c1", ERR_MALFORMED, 0, 0},
    {"d82b", ERR_MALFORMED, 0, 0},
    {"f3", ERR_MALFORMED, 0, 0},
    {"f7", ERR_MALFORMED, 0, 0},
    {"f818", ERR_MALFORMED, 0, 0},
    {"f93c00", ERR_MALFORMED, 0, 0},
    {"fa47c35000", ERR_MALFORMED, 0, 0},
    // cut off; not UTF-8
    {"", ERR_MALFORMED, 0, 0},
    {"18", ERR_MALFORMED, 0, 0},
    {"1900", ERR_MALFORMED, 0, 0},
    {"42aa", ERR_MALFORMED, 0, 0},
    {"5bffffffffffffffff", ERR_MALFORMED, 0, 0},
    {"61ff", ERR_MALFORMED, 0, 0},
};

static void items_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        struct span bytes = hex(items[i].bytes);
        struct reader in = reader_over(bytes);
        struct cbor_item item = {0};
        if (cbor_next(&in, &item, NULL) != items[i].err) {
            fail_msg("%s", items[i].bytes);
        }
        assert_true(item.kind == items[i].kind && item.value == items[i].value);
        if (items[i].err == ERR_OK) { // as it is read, so it is written
            u8 back[16];
            struct proto_writer out = proto_writer_over(back, sizeof back);
            if (item.kind == CBOR_BYTES) {
                cbor_write_bytes(&out, item.bytes);
            } else if (item.kind == CBOR_TEXT) {
                cbor_write_text(&out, item.bytes);
            } else if (item.kind != CBOR_SIMPLE) {
                cbor_write_head(&out, item.kind, item.value);
            }
            assert_true(item.kind == CBOR_SIMPLE || span_equal(span_of(back, out.size), bytes));
        } else {
            assert_ptr_equal(in.next, in.start);
        }
    }
}

static void keys_ascend(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum err err; // of the second
    } rows[] = {
        {"61616162", ERR_OK},        // "a" "b"
        {"6162626161", ERR_OK},      // "b" "aa": the shorter is first
        {"61626161", ERR_MALFORMED}, // "b" "a"
        {"61616161", ERR_MALFORMED}, // twice
        {"62616161", ERR_MALFORMED}, // "aa" "a"
        {"616101", ERR_MALFORMED},   // a number
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct reader in = reader_over(hex(rows[i].bytes));
        struct span last = {0};
        assert_int_equal(cbor_key(&in, &last, NULL), ERR_OK);
        assert_int_equal(cbor_key(&in, &last, NULL), rows[i].err);
    }
    struct reader in = reader_over(hex("60"));
    struct span last = {0};
    assert_int_equal(cbor_key(&in, &last, NULL), ERR_MALFORMED);
}

static void links_are_read_and_written(void **state)
{
    (void)state;
    struct cid cid = {.codec = CID_RAW, .digest = {1, 2, 3}}, back;
    u8 bytes[64];
    struct proto_writer out = proto_writer_over(bytes, sizeof bytes);
    cbor_write_link(&out, &cid);
    struct reader in = reader_over(span_of(bytes, out.size));
    assert_int_equal(cbor_link(&in, &back, NULL), ERR_OK);
    assert_true(cid_equal(&cid, &back) && reader_left(&in) == 0);
    bytes[4] = 1; // the zero before it
    in = reader_over(span_of(bytes, out.size));
    assert_int_equal(cbor_link(&in, &back, NULL), ERR_MALFORMED);
    in = reader_over(hex("d82a40"));
    assert_int_equal(cbor_link(&in, &back, NULL), ERR_MALFORMED);
    in = reader_over(hex("d82a01"));
    assert_int_equal(cbor_link(&in, &back, NULL), ERR_MALFORMED);
}

// ---- records of others

static void records_of_the_specification(void **state)
{
    (void)state;
    static const struct {
        const char *name, *record, *value;
        enum err err;
    } rows[] = {
        {V1_ONLY_NAME, V1_ONLY, NULL, ERR_UNSUPPORTED},
        {V1_V2_NAME, V1_V2, "/ipfs/bafkqaddwgevxmmraojswg33smq", ERR_OK},
        {V1_OTHER_VALUE_NAME, V1_OTHER_VALUE, NULL, ERR_MISMATCH},
        {BROKEN_V2_NAME, BROKEN_V2, NULL, ERR_MISMATCH},
        {BROKEN_V1_NAME, BROKEN_V1,
         "/ipfs/bafkqahtwgevxmmrao5uxi2bamjzg623fnyqhg2lhnzqxi5lsmuqhmmi", ERR_OK},
        {V2_ONLY_NAME, V2_ONLY, "/ipfs/bafkqadtwgiww63tmpeqhezldn5zgi", ERR_OK},
        {PUBLISHED_NAME, PUBLISHED,
         "/ipfs/bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244", ERR_OK},
        {RSA_NAME, RSA, NULL, ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct peer_id name = name_of(rows[i].name);
        struct ipns_record record = {0};
        struct report report = {0};
        struct span bytes = hex(rows[i].record);
        enum err err = ipns_record_verify(&crypto, bytes, &name, NOW, scratch, &record, &report);
        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].name, report.text);
        }
        if (rows[i].value != NULL) {
            assert_true(span_equal(record.value, span_string(rows[i].value)));
            assert_true(record.valid_until_ns > NOW);
        }
        // Nobody else's name, and no other byte; each bit of it matters but those of V1's
        // signature.
        struct peer_id other = name_of(i == 0 ? V1_V2_NAME : V1_ONLY_NAME);
        assert_int_not_equal(
            ipns_record_verify(&crypto, bytes, &other, NOW, scratch, &record, NULL), ERR_OK);
    }
}

static void changed_records_are_refused(void **state)
{
    (void)state;
    struct peer_id name = name_of(V2_ONLY_NAME);
    struct ipns_record record;
    struct span bytes = hex(V2_ONLY);
    u8 *copy = malloc(bytes.size);
    for (size_t i = 0; i < bytes.size * 8; i++) {
        memcpy(copy, bytes.data, bytes.size);
        copy[i / 8] ^= (u8)(1 << i % 8);
        assert_int_not_equal(ipns_record_verify(&crypto, span_of(copy, bytes.size), &name, NOW,
                                                scratch, &record, NULL),
                             ERR_OK);
    }
    for (size_t size = 0; size < bytes.size; size++) {
        u8 *cut = malloc(size);
        memcpy(cut, bytes.data, size);
        assert_int_not_equal(
            ipns_record_verify(&crypto, span_of(cut, size), &name, NOW, scratch, &record, NULL),
            ERR_OK);
        free(cut);
    }
    free(copy);
}

// ---- ours

static const u8 seed[P2P_SECRET_BYTES] = {1, 2, 3};

static struct peer_id our_name(void)
{
    u8 key[P2P_POINT_BYTES];
    crypto.identity(crypto.context, seed, key);
    return peer_id_of_ed25519(key);
}

static void records_are_written_and_read(void **state)
{
    (void)state;
    static u8 bytes[IPNS_RECORD_BYTES], value[IPNS_VALUE_BYTES];
    struct peer_id name = our_name();
    memset(value, 'v', sizeof value);
    static const u64 sequences[] = {0, 23, 24, 1000, UINT64_MAX};
    for (size_t i = 0; i < COUNT_OF(sequences); i++) {
        struct ipns_record record = {span_of(value, i == 0 ? 0 : sizeof value), sequences[i],
                                     NOW + 1, 60 * SECOND};
        size_t size = ipns_record_write(&crypto, seed, &record, scratch, bytes, sizeof bytes);
        assert_true(size <= sizeof bytes);
        assert_int_equal(ipns_record_write(&crypto, seed, &record, scratch, bytes, size), size);
        struct ipns_record back;
        struct span span = span_of(bytes, size);
        assert_int_equal(ipns_record_verify(&crypto, span, &name, NOW, scratch, &back, NULL),
                         ERR_OK);
        assert_true(span_equal(back.value, record.value));
        assert_true(back.sequence == record.sequence && back.ttl_ns == record.ttl_ns &&
                    back.valid_until_ns == record.valid_until_ns);
        // A moment later it is over.
        assert_int_equal(ipns_record_verify(&crypto, span, &name, NOW + 1, scratch, &back, NULL),
                         ERR_CLOSED);
    }
}

static void old_records_do_not_come_back(void **state)
{
    (void)state;
    struct ipns_record known = {.sequence = 7, .valid_until_ns = 100};
    struct ipns_record older = {.sequence = 6, .valid_until_ns = 1000};
    struct ipns_record longer = {.sequence = 7, .valid_until_ns = 101};
    struct ipns_record newer = {.sequence = 8, .valid_until_ns = 1};
    assert_false(ipns_record_is_newer(&known, &known));
    assert_false(ipns_record_is_newer(&older, &known));
    assert_true(ipns_record_is_newer(&longer, &known));
    assert_true(ipns_record_is_newer(&newer, &known));
}

// A record whose document is `data`, signed as it stands.
static size_t sign(struct span data, u8 *out, size_t capacity)
{
    static u8 message[2 * IPNS_SCRATCH_BYTES];
    u8 signature[P2P_SIGNATURE_BYTES];
    memcpy(message, "ipns-signature:", 15);
    memcpy(message + 15, data.data, data.size);
    crypto.sign(crypto.context, seed, span_of(message, 15 + data.size), signature);
    struct proto_writer writer = proto_writer_over(out, capacity);
    proto_bytes(&writer, 8, span_of(signature, sizeof signature));
    proto_bytes(&writer, 9, data);
    return writer.size;
}

// A document with `more` fields, each of `item`, behind the five.
static size_t write_document(u8 *out, u32 fields, u32 more, struct span item, size_t value_size)
{
    static const u8 value[2 * IPNS_VALUE_BYTES];
    struct proto_writer writer = proto_writer_over(out, IPNS_RECORD_BYTES);
    cbor_write_head(&writer, CBOR_MAP, fields + more);
    cbor_write_text(&writer, SPAN_LITERAL("TTL"));
    cbor_write_head(&writer, CBOR_NUMBER, 1);
    cbor_write_text(&writer, SPAN_LITERAL("Value"));
    cbor_write_bytes(&writer, span_of(value, value_size));
    cbor_write_text(&writer, SPAN_LITERAL("Sequence"));
    cbor_write_head(&writer, CBOR_NUMBER, 1);
    cbor_write_text(&writer, SPAN_LITERAL("Validity"));
    cbor_write_bytes(&writer, SPAN_LITERAL("2100-01-01T00:00:00Z"));
    if (fields == 5) {
        cbor_write_text(&writer, SPAN_LITERAL("ValidityType"));
        cbor_write_head(&writer, CBOR_NUMBER, 0);
    }
    for (u32 i = 0; i < more; i++) {
        char key[] = "metadata field a";
        key[sizeof key - 2] = (char)('a' + i);
        cbor_write_text(&writer, span_of(key, sizeof key - 1));
        proto_raw(&writer, item);
    }
    return writer.size;
}

static enum err verify_document(struct span data)
{
    static u8 bytes[2 * IPNS_RECORD_BYTES];
    struct peer_id name = our_name();
    struct ipns_record record;
    size_t size = sign(data, bytes, sizeof bytes);
    return ipns_record_verify(&crypto, span_of(bytes, size), &name, NOW, scratch, &record, NULL);
}

static void documents_are_flat_and_bounded(void **state)
{
    (void)state;
    static u8 data[2 * IPNS_RECORD_BYTES];
    struct span one = SPAN_LITERAL("\x01");
    assert_int_equal(verify_document(span_of(data, write_document(data, 5, 0, one, 1))), ERR_OK);
    assert_int_equal(verify_document(span_of(data, write_document(data, 4, 0, one, 1))),
                     ERR_MALFORMED);
    for (u32 more = IPNS_FIELDS - 5; more <= IPNS_FIELDS - 5 + 1; more++) {
        assert_int_equal(verify_document(span_of(data, write_document(data, 5, more, one, 1))),
                         more <= IPNS_FIELDS - 5 ? ERR_OK : ERR_LIMIT);
    }
    for (size_t size = IPNS_VALUE_BYTES; size <= IPNS_VALUE_BYTES + 1; size++) {
        assert_int_equal(verify_document(span_of(data, write_document(data, 5, 0, one, size))),
                         size <= IPNS_VALUE_BYTES ? ERR_OK : ERR_LIMIT);
    }
    // Nested: an array of arrays of arrays (CVE-2026-42328), a map, a link. Bytes behind it.
    static u8 deep[8192];
    memset(deep, 0x81, sizeof deep);
    static const struct span nested[] = {
        {deep, sizeof deep}, {(const u8 *)"\xa0", 1}, {(const u8 *)"\xd8\x2a\x41\x00", 4}};
    for (size_t i = 0; i < COUNT_OF(nested); i++) {
        assert_int_equal(verify_document(span_of(data, write_document(data, 5, 1, nested[i], 1))),
                         ERR_MALFORMED);
    }
    size_t size = write_document(data, 5, 0, one, 1);
    assert_int_equal(verify_document(span_of(data, size + 1)), ERR_MALFORMED);
    assert_int_equal(verify_document(span_of(data, 0)), ERR_UNSUPPORTED);
    // 10 KiB, and one byte more: fields of bytes that nobody knows fill it.
    for (u32 over = 0; over < 2; over++) {
        static const u8 zeros[IPNS_RECORD_BYTES];
        static u8 filler[IPNS_RECORD_BYTES], record[2 * IPNS_RECORD_BYTES];
        struct peer_id name = our_name();
        struct ipns_record back;
        struct proto_writer out = proto_writer_over(filler, sizeof filler);
        cbor_write_bytes(&out, span_of(zeros, 9000));
        size = write_document(data, 5, 1, span_of(filler, out.size), 1);
        size_t whole = sign(span_of(data, size), record, sizeof record);
        size_t rest = IPNS_RECORD_BYTES + over - whole; // a field of protobuf not known
        struct proto_writer tail = proto_writer_over(record + whole, sizeof record - whole);
        proto_bytes(&tail, 15, span_of(zeros, rest - 3));
        assert_int_equal(whole + tail.size, IPNS_RECORD_BYTES + over);
        assert_int_equal(ipns_record_verify(&crypto, span_of(record, whole + tail.size), &name, NOW,
                                            scratch, &back, NULL),
                         over == 0 ? ERR_OK : ERR_LIMIT);
    }
}

static void values_stand_for_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum err err;
    } rows[] = {
        {"/ipfs/bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244", ERR_OK},
        {"/ipfs/bafkreidfdrlkeq4m4xnxuyx6iae76fdm4wgl5d4xzsb77ixhyqwumhz244/a", ERR_UNSUPPORTED},
        {"/ipfs/bafkqaddwgevxmmraojswg33smq", ERR_UNSUPPORTED}, // the bytes themselves: identity
        {"/ipns/k51qzi5uqu5dh71qgwangrt6r0nd4094i88nsady6qgd1dhjcyfsaqmpp143ab", ERR_UNSUPPORTED},
        {"/ipfs/", ERR_MALFORMED},
        {"", ERR_UNSUPPORTED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct cid cid;
        if (ipns_value_cid(span_string(rows[i].value), &cid, NULL) != rows[i].err) {
            fail_msg("%s", rows[i].value);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(items_are_read),
        cmocka_unit_test(keys_ascend),
        cmocka_unit_test(links_are_read_and_written),
        cmocka_unit_test(records_of_the_specification),
        cmocka_unit_test(changed_records_are_refused),
        cmocka_unit_test(records_are_written_and_read),
        cmocka_unit_test(old_records_do_not_come_back),
        cmocka_unit_test(documents_are_flat_and_bounded),
        cmocka_unit_test(values_stand_for_blocks),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
