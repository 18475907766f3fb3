// SPDX-License-Identifier: GPL-3.0-or-later
// Does core/base/cid.h keep its promises: exact round trips, and a refusal that names what is
// wrong?
#include "core/base/cid.h"
#include "core/base/limits.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/varint.h"
#include "tests/unit/sha256.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define EMPTY "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"

static void text_and_binary_round_trip(void **state)
{
    (void)state;
    u8 bytes[64];
    for (u32 n = 0; n < 500; n++) {
        memset(bytes, (int)n, sizeof bytes);
        bytes[0] = (u8)(n >> 8);
        enum cid_codec codec = n % 2 == 0 ? CID_RAW : CID_DAG_PB;
        struct cid cid = cid_of_block(codec, span_of(bytes, n % sizeof bytes), test_sha256);
        struct cid again;
        char text[CID_TEXT_BYTES];
        u8 binary[CID_BINARY_BYTES];
        cid_write_text(&cid, text);
        assert_int_equal(strlen(text), CID_TEXT_LETTERS);
        assert_int_equal(cid_parse_text(span_string(text), &again, NULL), ERR_OK);
        assert_true(cid_equal(&cid, &again));
        cid_write_binary(&cid, binary);
        assert_int_equal(cid_parse_binary(span_of(binary, sizeof binary), &again, NULL), ERR_OK);
        assert_true(cid_equal(&cid, &again));
    }
}

static void empty_block_has_its_known_name(void **state)
{
    (void)state;
    struct cid cid = cid_of_block(CID_RAW, (struct span){0}, test_sha256);
    char text[CID_TEXT_BYTES];
    cid_write_text(&cid, text);
    assert_string_equal(text, EMPTY);
}

struct refusal {
    const char *text;
    enum err err;
    const char *reason;
};

static void refusals_say_what_is_wrong(void **state)
{
    (void)state;
    const struct refusal cases[] = {
        {"", ERR_MALFORMED, "CID is empty"},
        {"b", ERR_MALFORMED, "unexpected end"},
        {"hello.wasm", ERR_UNSUPPORTED, "base32z"},
        {"/some/file", ERR_MALFORMED, "does not begin with b"},
        {"QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", ERR_UNSUPPORTED, "version 0"},
        {"zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW", ERR_UNSUPPORTED, "base58btc"},
        {"BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU", ERR_UNSUPPORTED,
         "base32 in upper case"},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk", ERR_MALFORMED, ""},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykua", ERR_MALFORMED, ""},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykuaa", ERR_MALFORMED,
         "too long"},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv", ERR_MALFORMED,
         "bits that belong to no byte"},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyk1", ERR_MALFORMED, "\"1\""},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykU", ERR_MALFORMED, "\"U\""},
        {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuz", ERR_MALFORMED, ""},
        // sha2-512, blake3 and sha1 of some raw block, and the codec dag-cbor
        {"bafkrgqgpqpq35bnvivirlw4qwxz5v6o5qflrzbqqjizw3oq5xhcqpp3qw7yqvrwd4vbt2smkr22gyrzrrg2xngq"
         "kpekpjqbzfyryzwlb6ikj4",
         ERR_UNSUPPORTED, "sha2-512"},
        {"bafkr4ihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", ERR_UNSUPPORTED, "blake3"},
        {"bafyreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", ERR_UNSUPPORTED,
         "dag-cbor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct report report;
        struct cid cid;
        memset(&cid, 0x77, sizeof cid);
        report_clear(&report);
        assert_int_equal(cid_parse_text(span_string(cases[i].text), &cid, &report), cases[i].err);
        assert_non_null(strstr(report.text, cases[i].reason));
        assert_true(report.text[0] != 0);
        assert_int_equal(cid.codec, 0x77);
        assert_int_equal(cid.digest[31], 0x77);
    }
}

static void a_very_long_text_is_refused_by_its_head(void **state)
{
    (void)state;
    static char text[1 << 20];
    struct report report;
    struct cid cid;
    memset(text, 'a', sizeof text);
    memcpy(text, EMPTY, CID_TEXT_LETTERS);
    report_clear(&report);
    assert_int_equal(cid_parse_text(span_of(text, sizeof text), &cid, &report), ERR_MALFORMED);
    assert_string_equal(report.text, "CID is too long");
    for (size_t size = CID_TEXT_LETTERS + 1; size <= CID_LETTERS_LOOKED_AT + 2; size++) {
        report_clear(&report);
        assert_int_equal(cid_parse_text(span_of(text, size), &cid, &report), ERR_MALFORMED);
        assert_int_not_equal(report.text[0], 0);
    }
    memcpy(text, "bafkr4i", 7);
    report_clear(&report);
    assert_int_equal(cid_parse_text(span_of(text, sizeof text), &cid, &report), ERR_UNSUPPORTED);
    assert_non_null(strstr(report.text, "blake3"));
}

// Every text of the right length that is accepted must be the one that is written back.
static void no_two_texts_are_one_name(void **state)
{
    (void)state;
    u32 accepted = 0;
    for (size_t at = 0; at < CID_TEXT_LETTERS; at++) {
        for (int letter = 1; letter < 256; letter++) {
            char text[CID_TEXT_BYTES] = EMPTY;
            char again[CID_TEXT_BYTES];
            struct cid cid;
            text[at] = (char)letter;
            if (cid_parse_text(span_of(text, CID_TEXT_LETTERS), &cid, NULL) == ERR_OK) {
                cid_write_text(&cid, again);
                assert_memory_equal(text, again, CID_TEXT_LETTERS);
                accepted++;
            }
        }
    }
    assert_in_range(accepted, 31 * 50, 32 * 59);
}

static void binary_refuses_every_prefix_and_a_tail(void **state)
{
    (void)state;
    u8 binary[CID_BINARY_BYTES + 1] = {0};
    struct cid cid = cid_of_block(CID_DAG_PB, SPAN_LITERAL("x"), test_sha256);
    cid_write_binary(&cid, binary);
    for (size_t size = 0; size <= sizeof binary; size++) {
        enum err err = cid_parse_binary(span_of(binary, size), &cid, NULL);
        assert_int_equal(err, size == CID_BINARY_BYTES ? ERR_OK : ERR_MALFORMED);
    }
    struct reader in = reader_over(span_of(binary, sizeof binary));
    assert_int_equal(cid_read(&in, &cid, NULL), ERR_OK);
    assert_int_equal(reader_left(&in), 1);
    assert_int_equal(cid_read(&in, &cid, NULL), ERR_UNSUPPORTED); // version 0 byte
    assert_int_equal(reader_left(&in), 1);
}

static void varints_have_one_form(void **state)
{
    (void)state;
    const u64 values[] = {0, 1, 127, 128, 300, 16383, 16384, UINT32_MAX, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        u8 bytes[VARINT_BYTES + 1];
        size_t size = varint_write(values[i], bytes);
        u64 value;
        assert_int_equal(size, varint_size(values[i]));
        struct reader in = reader_over(span_of(bytes, size));
        assert_int_equal(varint_read(&in, &value, NULL), ERR_OK);
        assert_true(value == values[i]);
        if (size < VARINT_BYTES) { // one byte longer than needed
            bytes[size - 1] |= 0x80;
            bytes[size] = 0;
            in = reader_over(span_of(bytes, size + 1));
            assert_int_equal(varint_read(&in, &value, NULL), ERR_MALFORMED);
            assert_int_equal(reader_left(&in), size + 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_binary_round_trip),
        cmocka_unit_test(empty_block_has_its_known_name),
        cmocka_unit_test(refusals_say_what_is_wrong),
        cmocka_unit_test(a_very_long_text_is_refused_by_its_head),
        cmocka_unit_test(no_two_texts_are_one_name),
        cmocka_unit_test(binary_refuses_every_prefix_and_a_tail),
        cmocka_unit_test(varints_have_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
