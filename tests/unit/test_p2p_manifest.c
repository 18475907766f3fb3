// SPDX-License-Identifier: GPL-3.0-or-later
// Does a manifest say what its publisher signed, in the one form that it has?
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/cbor.h"
#include "lib/p2p/manifest.h"
#include "lib/p2p/proto.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct p2p_dice dice = {1};
static struct p2p_crypto crypto;
static const u8 seed[P2P_SECRET_BYTES] = {7};
static u8 block[MANIFEST_BYTES];
static char letters[1024];

static int start(void **state)
{
    (void)state;
    crypto = p2p_crypto_sodium(&dice);
    memset(letters, 'a', sizeof letters);
    return 0;
}

static struct peer_id publisher(void)
{
    u8 key[P2P_POINT_BYTES];
    crypto.identity(crypto.context, seed, key);
    return peer_id_of_ed25519(key);
}

static struct span text_of(size_t size)
{
    return span_of(letters, size);
}

static struct manifest small(void)
{
    struct manifest manifest = {.name = SPAN_LITERAL("hello"),
                                .version = SPAN_LITERAL("1.0"),
                                .sequence = 3,
                                .program = {.codec = CID_RAW, .digest = {9}},
                                .interface_count = 2,
                                .yank_count = 1};
    manifest.interfaces[0] = (struct manifest_interface){
        .hash = {1}, .name = SPAN_LITERAL("redshirt:io/tcp"), .limits = SPAN_LITERAL("host:80")};
    manifest.interfaces[1] =
        (struct manifest_interface){.hash = {2}, .name = SPAN_LITERAL("redshirt:io/log")};
    manifest.yanked[0] = (struct manifest_yank){.program = {.codec = CID_RAW, .digest = {8}},
                                                .reason = SPAN_LITERAL("leaks keys")};
    return manifest;
}

static struct manifest full(void)
{
    struct manifest manifest = {.name = text_of(MANIFEST_NAME_BYTES),
                                .version = text_of(MANIFEST_VERSION_BYTES),
                                .sequence = UINT64_MAX,
                                .program = {.codec = CID_DAG_PB},
                                .interface_count = MANIFEST_INTERFACES,
                                .yank_count = MANIFEST_YANKS};
    for (u32 i = 0; i < MANIFEST_INTERFACES; i++) {
        manifest.interfaces[i] =
            (struct manifest_interface){.hash = {(u8)i},
                                        .name = text_of(MANIFEST_INTERFACE_NAME_BYTES),
                                        .limits = text_of(MANIFEST_LIMITS_BYTES)};
    }
    for (u32 i = 0; i < MANIFEST_YANKS; i++) {
        manifest.yanked[i] = (struct manifest_yank){.program = {CID_RAW, {(u8)i}},
                                                    .reason = text_of(MANIFEST_REASON_BYTES)};
    }
    return manifest;
}

static void assert_back(const struct manifest *manifest)
{
    static struct manifest back;
    struct peer_id who = publisher();
    size_t size = manifest_write(&crypto, seed, manifest, block);
    u8 *copy = malloc(size);
    memcpy(copy, block, size);
    struct report report = {0};
    assert_true(manifest_is_one(span_of(copy, size)));
    if (manifest_verify(&crypto, span_of(copy, size), &who, &back, &report) != ERR_OK) {
        fail_msg("%s", report.text);
    }
    assert_int_equal(manifest_verify(&crypto, span_of(copy, size), NULL, &back, NULL), ERR_OK);
    assert_true(peer_id_equal(&back.publisher, &who));
    assert_true(span_equal(back.name, manifest->name));
    assert_true(span_equal(back.version, manifest->version));
    assert_true(back.sequence == manifest->sequence);
    assert_true(cid_equal(&back.program, &manifest->program));
    assert_int_equal(back.interface_count, manifest->interface_count);
    for (u32 i = 0; i < back.interface_count; i++) {
        assert_memory_equal(back.interfaces[i].hash, manifest->interfaces[i].hash, 32);
        assert_true(span_equal(back.interfaces[i].name, manifest->interfaces[i].name));
        assert_true(span_equal(back.interfaces[i].limits, manifest->interfaces[i].limits));
    }
    assert_int_equal(back.yank_count, manifest->yank_count);
    for (u32 i = 0; i < back.yank_count; i++) {
        const struct manifest_yank *yank = manifest_yanked(&back, &manifest->yanked[i].program);
        assert_ptr_equal(yank, &back.yanked[i]);
        assert_true(span_equal(yank->reason, manifest->yanked[i].reason));
    }
    assert_null(manifest_yanked(&back, &back.program));
    // One manifest, one encoding.
    assert_int_equal(manifest_write(&crypto, seed, &back, block), size);
    assert_memory_equal(block, copy, size);
    free(copy);
}

static void manifests_come_back(void **state)
{
    (void)state;
    struct manifest manifest = small();
    assert_back(&manifest);
    manifest = full();
    assert_back(&manifest);
    manifest.interface_count = 0;
    manifest.yank_count = 0;
    assert_back(&manifest);
}

// Written by hand after docs/p2p.md: whoever reads that page writes the same bytes.
static void the_format_is_the_documented_one(void **state)
{
    (void)state;
    static const char expected[] =
        "a3636b65795820a2fa2f4a355ba2e907a53009e9e37caddf7ac7e66a08ba07631f553072b3f24c"
        "667369676e656458"
        "6b"
        "a7646e616d656161667961"
        "6e6b65648067"
        "70726f6772616dd82a58250001551220"
        "0000000000000000000000000000000000000000000000000000000000000000"
        "6776657273696f6e6131"
        "686d616e6966657374"
        "01"
        "6873657175656e6365"
        "01"
        "6a696e7465726661636573"
        "80"
        "697369676e617475726558"
        "40";
    struct manifest manifest = {.name = SPAN_LITERAL("a"),
                                .version = SPAN_LITERAL("1"),
                                .sequence = 1,
                                .program = {.codec = CID_RAW}};
    size_t size = manifest_write(&crypto, seed, &manifest, block);
    char written[1024];
    struct text text = text_over(written, sizeof written);
    text_hex_bytes(&text, span_of(block, size - P2P_SIGNATURE_BYTES));
    assert_string_equal(written, expected);
}

static void rules_are_checked(void **state)
{
    (void)state;
    static struct manifest manifest;
    struct report report;
    static const struct {
        const char *name, *version, *interface, *limits, *reason;
        enum err err;
    } rows[] = {
        {"a-b_c.D9", "1.0+x", "a", "", "", ERR_OK},
        {"", "1", "a", "", "", ERR_INVALID},
        {"a b", "1", "a", "", "", ERR_INVALID},
        {"a/b", "1", "a", "", "", ERR_INVALID},
        {"a\x1b", "1", "a", "", "", ERR_INVALID},
        {"a", "", "a", "", "", ERR_INVALID},
        {"a", "1 0", "a", "", "", ERR_INVALID},
        {"a", "1\xc2\xa0", "a", "", "", ERR_INVALID},
        {"a", "1", "", "", "", ERR_INVALID},
        {"a", "1", "a b", "", "", ERR_INVALID},
        {"a", "1", "a", "port 80", "some reason", ERR_OK},
        {"a", "1", "a", "\n", "", ERR_INVALID},
        {"a", "1", "a", "", "\x1b[2J", ERR_INVALID},
        {"a", "1", "a", "", "\x7f", ERR_INVALID},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        manifest = small();
        manifest.name = span_string(rows[i].name);
        manifest.version = span_string(rows[i].version);
        manifest.interfaces[0].name = span_string(rows[i].interface);
        manifest.interfaces[0].limits = span_string(rows[i].limits);
        manifest.yanked[0].reason = span_string(rows[i].reason);
        assert_int_equal(manifest_check(&manifest, NULL), rows[i].err);
    }
    manifest = small();
    manifest.interfaces[1].hash[0] = 1; // the same again
    assert_int_equal(manifest_check(&manifest, NULL), ERR_INVALID);
    manifest = small();
    manifest.yank_count = 2;
    manifest.yanked[1] = manifest.yanked[0];
    assert_int_equal(manifest_check(&manifest, NULL), ERR_INVALID);
    // Each bound, and one more.
    manifest = full();
    report_clear(&report);
    assert_int_equal(manifest_check(&manifest, &report), ERR_OK);
    manifest.name.size++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest = full();
    manifest.version.size++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest = full();
    manifest.interfaces[9].name.size++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest = full();
    manifest.interfaces[9].limits.size++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest = full();
    manifest.yanked[9].reason.size++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest.yank_count++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
    manifest.interface_count++;
    assert_int_equal(manifest_check(&manifest, NULL), ERR_LIMIT);
}

static void others_are_refused(void **state)
{
    (void)state;
    static struct manifest manifest, back;
    struct peer_id who = publisher(), other = peer_id_of_ed25519(seed);
    manifest = small();
    size_t size = manifest_write(&crypto, seed, &manifest, block);
    assert_int_equal(manifest_verify(&crypto, span_of(block, size), &other, &back, NULL),
                     ERR_MISMATCH);
    // No bit of it can be changed, and no end be cut off or added to.
    for (size_t bit = 0; bit < size * 8; bit++) {
        block[bit / 8] ^= (u8)(1 << bit % 8);
        assert_int_not_equal(manifest_verify(&crypto, span_of(block, size), &who, &back, NULL),
                             ERR_OK);
        block[bit / 8] ^= (u8)(1 << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        u8 *copy = malloc(cut);
        memcpy(copy, block, cut);
        assert_int_equal(manifest_verify(&crypto, span_of(copy, cut), &who, &back, NULL),
                         ERR_MALFORMED);
        free(copy);
    }
    assert_int_equal(manifest_verify(&crypto, span_of(block, size + 1), &who, &back, NULL),
                     ERR_MALFORMED);
    assert_int_equal(manifest_verify(&crypto, span_of(block, size), &who, &back, NULL), ERR_OK);
    static u8 zeros[MANIFEST_BYTES + 1];
    assert_int_equal(manifest_verify(&crypto, span_of(zeros, sizeof zeros), &who, &back, NULL),
                     ERR_LIMIT);
    assert_int_equal(manifest_verify(&crypto, span_of(zeros, sizeof zeros - 1), &who, &back, NULL),
                     ERR_MALFORMED);
    assert_false(manifest_is_one(SPAN_LITERAL("\0asm\1\0\0\0")));
    assert_false(manifest_is_one(span_of(block, 6)));
}

// A block around any payload, rightly signed.
static enum err verify_payload(struct span payload)
{
    static struct manifest back;
    u8 key[P2P_POINT_BYTES], signature[P2P_SIGNATURE_BYTES], message[18 + P2P_SHA256_BYTES];
    struct peer_id who = publisher();
    memcpy(message, "redshirt-manifest:", 18);
    crypto.sha256(crypto.context, payload, span_of(NULL, 0), message + 18);
    crypto.identity(crypto.context, seed, key);
    crypto.sign(crypto.context, seed, span_of(message, sizeof message), signature);
    struct proto_writer out = proto_writer_over(block, sizeof block);
    cbor_write_head(&out, CBOR_MAP, 3);
    cbor_write_text(&out, SPAN_LITERAL("key"));
    cbor_write_bytes(&out, span_of(key, sizeof key));
    cbor_write_text(&out, SPAN_LITERAL("signed"));
    cbor_write_bytes(&out, payload);
    cbor_write_text(&out, SPAN_LITERAL("signature"));
    cbor_write_bytes(&out, span_of(signature, sizeof signature));
    return manifest_verify(&crypto, span_of(block, out.size), &who, &back, NULL);
}

static void payloads_are_strict(void **state)
{
    (void)state;
    // What the publisher signed is checked as strictly as what others say.
    static u8 payload[MANIFEST_BYTES];
    struct manifest manifest = small();
    size_t size = manifest_write(&crypto, seed, &manifest, block);
    size_t at = sizeof block;
    for (size_t i = 0; i + 5 < size; i++) {
        if (memcmp(block + i, "\xa7\x64name", 6) == 0) {
            at = i;
        }
    }
    assert_true(at < size);
    size_t end = size - P2P_SIGNATURE_BYTES - 2 - 10;
    size_t payload_size = end - at;
    memcpy(payload, block + at, payload_size);
    assert_int_equal(verify_payload(span_of(payload, payload_size)), ERR_OK);
    u32 good = 0;
    for (size_t bit = 0; bit < payload_size * 8; bit++) {
        payload[bit / 8] ^= (u8)(1 << bit % 8);
        enum err err = verify_payload(span_of(payload, payload_size));
        assert_true(err == ERR_OK || err == ERR_MALFORMED || err == ERR_LIMIT ||
                    err == ERR_UNSUPPORTED);
        good += err == ERR_OK; // another letter, another digest: well formed all the same
        payload[bit / 8] ^= (u8)(1 << bit % 8);
    }
    assert_true(good < payload_size * 8);
    for (size_t cut = 0; cut < payload_size; cut++) {
        assert_int_equal(verify_payload(span_of(payload, cut)), ERR_MALFORMED);
    }
    assert_int_equal(verify_payload(span_of(payload, payload_size + 1)), ERR_MALFORMED);
    // A version of the format that is not known.
    for (size_t i = 0; i + 9 < payload_size; i++) {
        if (memcmp(payload + i, "\x68manifest", 9) == 0) {
            payload[i + 9] = 2;
        }
    }
    assert_int_equal(verify_payload(span_of(payload, payload_size)), ERR_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(manifests_come_back), cmocka_unit_test(the_format_is_the_documented_one),
        cmocka_unit_test(rules_are_checked),   cmocka_unit_test(others_are_refused),
        cmocka_unit_test(payloads_are_strict),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
