// SPDX-License-Identifier: GPL-3.0-or-later
// Uses redshirt:io/crypto well (by the vectors of its RFCs) and badly, and prints what it saw. With
// "keys": holds as many keys as it gets, and how many that were.
#include "interfaces/crypto.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/crypto_client.h"
#include "interfaces/crypto_section.h"
#include "programs/rt/redshirt.h"

enum {
    BYTES = 131072,
    BLOCK_BYTES = 2 << 20,
    BOXES = 64,
    BUFFER_BYTES = BLOCK_BYTES + 1024,
    TAG = 16,
};

static u8 buffer[BUFFER_BYTES], zeros[BLOCK_BYTES + 1], saved[BYTES];
static u32 bond, other_bond, failed;

static void check(bool good, const char *what)
{
    (void)rt_print(good ? "ok    " : "FAIL  ");
    (void)rt_print(what);
    (void)rt_print("\n");
    failed += !good;
}

static struct span hex(const char *text, u8 *out)
{
    size_t size = 0;
    for (; text[2 * size] != 0; size++) {
        u32 value = 0;
        for (u32 i = 0; i < 2; i++) {
            u8 c = (u8)text[2 * size + i];
            value = value << 4 | (u32)(c <= '9' ? c - '0' : c - 'a' + 10);
        }
        out[size] = (u8)value;
    }
    return span_of(out, size);
}

static bool gave(i64 error, const struct crypto_result_bytes_error *result, const char *expected)
{
    u8 bytes[256];
    return error == 0 && result->ok && span_equal(result->value, hex(expected, bytes));
}

static bool refused(i64 error, const struct crypto_result_bytes_error *result,
                    enum crypto_error expected)
{
    return error == 0 && !result->ok && result->error == expected;
}

static void test_sha256(void)
{
    struct crypto_result_bytes_error result = {0};
    struct crypto_sha256_call call = {SPAN_LITERAL("abc")};
    i64 error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
          "sha256 of abc");
    call.bytes = span_of(NULL, 0);
    error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
          "sha256 of nothing");
    call.bytes = span_of(zeros, BYTES);
    error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "fa43239bcee7b97ca62f007cc68487560a39e19f74f3dde7486db3f98df8e471"),
          "sha256 of as much as is computed at once");
    call.bytes = span_of(zeros, BYTES + 1);
    error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "d281209cc72d47b090175b22621840d9eb8267d09cc05dc122bfaa759a82830f"),
          "sha256 of one byte more");
    call.bytes = span_of(zeros, BLOCK_BYTES);
    error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "5647f05ec18958947d32874eeb788fa396a05d0bab7c1b71f112ceb7e9b31eee"),
          "sha256 of a block");
    call.bytes = span_of(zeros, BLOCK_BYTES + 1);
    error = crypto_sha256(bond, buffer, sizeof buffer, &call, &result);
    check(refused(error, &result, CRYPTO_ERROR_LIMIT), "sha256 beyond the bound");
}

static void test_x25519(void)
{
    // RFC 7748, section 6.1.
    u8 secret[32], point[33];
    struct crypto_result_bytes_error result = {0};
    struct crypto_x25519_call call = {
        .secret = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb", secret)};
    i64 error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"),
          "x25519 with the base point");
    call.point.some = true;
    call.point.value =
        hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", point);
    error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(gave(error, &result, "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"),
          "x25519 with a point");
    call.point.value = span_of(zeros, 32);
    error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(refused(error, &result, CRYPTO_ERROR_REFUSED), "a product of zeros");
    call.point.value = span_of(zeros, 31);
    error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(refused(error, &result, CRYPTO_ERROR_MALFORMED), "a point of 31 bytes");
    call.point.value = span_of(zeros, 33);
    error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(refused(error, &result, CRYPTO_ERROR_MALFORMED), "a point of 33 bytes");
    call.secret = span_of(NULL, 0);
    error = crypto_x25519(bond, buffer, sizeof buffer, &call, &result);
    check(refused(error, &result, CRYPTO_ERROR_MALFORMED), "no secret");
}

static bool verifies(struct span key, struct span message, struct span signature, bool *refuses)
{
    struct crypto_result_bool_error result = {0};
    struct crypto_ed25519_verify_call call = {key, message, signature};
    i64 error = crypto_ed25519_verify(bond, buffer, sizeof buffer, &call, &result);
    *refuses = error == 0 && !result.ok && result.error == CRYPTO_ERROR_MALFORMED;
    return error == 0 && result.ok && result.value;
}

static void test_ed25519(void)
{
    // RFC 8032, section 7.1, test 2.
    u8 seed_bytes[32], key_bytes[32], signature_bytes[65];
    struct crypto_result_bytes_error result = {0};
    struct span seed =
        hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", seed_bytes);
    struct crypto_ed25519_public_call public = {seed};
    i64 error = crypto_ed25519_public(bond, buffer, sizeof buffer, &public, &result);
    check(gave(error, &result, "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
          "ed25519: a public key");
    mem_copy(key_bytes, result.value.data, sizeof key_bytes);
    struct span key = span_of(key_bytes, 32), message = SPAN_LITERAL("r"), signature;
    struct crypto_ed25519_sign_call sign = {seed, message};
    error = crypto_ed25519_sign(bond, buffer, sizeof buffer, &sign, &result);
    check(gave(error, &result,
               "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
               "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
          "ed25519: a signature");
    mem_copy(signature_bytes, result.value.data, 64);
    signature = span_of(signature_bytes, 64);
    bool refuses;
    check(verifies(key, message, signature, &refuses), "ed25519: it is right");
    check(!verifies(key, SPAN_LITERAL("s"), signature, &refuses) && !refuses,
          "ed25519: of another message it is wrong");
    check(!verifies(key, message, span_of(signature_bytes, 65), &refuses) && refuses,
          "ed25519: 65 bytes are none");
    check(!verifies(span_of(zeros, 31), message, signature, &refuses) && refuses,
          "ed25519: 31 bytes are no key");
    check(!verifies(span_of(zeros, 32), message, signature, &refuses) && !refuses,
          "ed25519: a key of small order has signed nothing");
    sign.seed = span_of(zeros, 31);
    error = crypto_ed25519_sign(bond, buffer, sizeof buffer, &sign, &result);
    check(refused(error, &result, CRYPTO_ERROR_MALFORMED), "ed25519: 31 bytes are no seed");
    sign = (struct crypto_ed25519_sign_call){seed, span_of(zeros, BYTES + 1)};
    error = crypto_ed25519_sign(bond, buffer, sizeof buffer, &sign, &result);
    check(refused(error, &result, CRYPTO_ERROR_LIMIT), "ed25519: a message beyond the bound");
}

static i64 hold(u32 with, struct span key, u64 *number)
{
    struct crypto_result_u64_error result = {0};
    struct crypto_hold_call call = {key};
    i64 error = crypto_hold(with, buffer, sizeof buffer, &call, &result);
    *number = result.ok ? result.value : 0;
    return error < 0 ? error : result.ok ? 0 : 1 + (i64)result.error;
}

static bool forget(u32 with, u64 number)
{
    struct crypto_result_none_error result = {0};
    struct crypto_forget_call call = {number};
    i64 error = crypto_forget(with, &call, &result);
    return error == 0 && result.ok;
}

static i64 seal(u32 with, const struct crypto_seal_call *call,
                struct crypto_result_bytes_error *result)
{
    *result = (struct crypto_result_bytes_error){0};
    return crypto_seal(with, buffer, sizeof buffer, call, result);
}

static i64 open_boxes(const struct crypto_seal_call *sealed,
                      struct crypto_result_bytes_error *result)
{
    struct crypto_open_call call = {sealed->key, sealed->nonce, sealed->data, sealed->sizes,
                                    sealed->bytes};
    *result = (struct crypto_result_bytes_error){0};
    return crypto_open(bond, buffer, sizeof buffer, &call, result);
}

static void test_vector(void)
{
    // RFC 8439, appendix A.5: its nonce has bytes where ours has zeros, so sealed here once by
    // another implementation: key 0, 1, 2 ..., nonce 1, data "data", plaintext "box".
    u8 key_bytes[32];
    u64 key;
    for (u32 i = 0; i < 32; i++) {
        key_bytes[i] = (u8)i;
    }
    check(hold(bond, span_of(key_bytes, 32), &key) == 0, "a key is held");
    u32 size = 3;
    struct crypto_result_bytes_error result;
    struct crypto_seal_call call = {
        key, 1, SPAN_LITERAL("data"), {.count = 1, .items = &size}, SPAN_LITERAL("box")};
    check(gave(seal(bond, &call, &result), &result, "fd388bcb5a4cbb973b34936c30600fac12f025"),
          "a box is sealed");
    check(forget(bond, key), "a key is forgotten");
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_UNKNOWN), "and is gone");
    check(!forget(bond, key), "nor is it forgotten twice");
}

static void test_boxes(u64 key)
{
    u32 sizes[BOXES + 1], sealed_sizes[BOXES + 1];
    size_t sum = 0;
    for (u32 i = 0; i < BOXES; i++) {
        sizes[i] = i * 10;
        sealed_sizes[i] = sizes[i] + TAG;
        sum += sizes[i];
    }
    struct crypto_result_bytes_error result;
    struct crypto_seal_call call = {
        key, 77, span_of(NULL, 0), {.count = BOXES, .items = sizes}, span_of(zeros, sum)};
    i64 error = seal(bond, &call, &result);
    size_t sealed = sum + BOXES * TAG;
    check(error == 0 && result.ok && result.value.size == sealed, "64 boxes are sealed");
    mem_copy(saved, result.value.data, sealed);
    struct crypto_seal_call back = {
        key, 77, span_of(NULL, 0), {.count = BOXES, .items = sealed_sizes}, span_of(saved, sealed)};
    error = open_boxes(&back, &result);
    check(error == 0 && result.ok && result.value.size == sum &&
              mem_equal(result.value.data, zeros, sum),
          "and opened");
    saved[sealed - 1] ^= 1;
    check(refused(open_boxes(&back, &result), &result, CRYPTO_ERROR_REFUSED),
          "but not when one was changed");
    saved[sealed - 1] ^= 1;
    back.nonce = 78;
    check(refused(open_boxes(&back, &result), &result, CRYPTO_ERROR_REFUSED),
          "nor under another nonce");
    back.nonce = 77;
    back.data = SPAN_LITERAL("x");
    check(refused(open_boxes(&back, &result), &result, CRYPTO_ERROR_REFUSED),
          "nor with other data");
    call.sizes.count = BOXES + 1;
    sizes[BOXES] = 0;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_LIMIT), "65 boxes are refused");
    call.sizes.count = 0;
    call.bytes = span_of(NULL, 0);
    error = seal(bond, &call, &result);
    check(error == 0 && result.ok && result.value.size == 0, "no boxes are none");
}

static void test_bad_boxes(u64 key)
{
    struct crypto_result_bytes_error result;
    u32 sizes[2] = {BYTES - TAG, 0};
    struct crypto_seal_call call = {
        key, 0, span_of(NULL, 0), {.count = 1, .items = sizes}, span_of(zeros, BYTES - TAG)};
    i64 error = seal(bond, &call, &result);
    check(error == 0 && result.ok && result.value.size == BYTES, "a box at the bound");
    sizes[0]++;
    call.bytes.size++;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_LIMIT), "and beyond it");
    sizes[0] = 10;
    call.bytes.size = 11;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_MALFORMED),
          "bytes behind the boxes");
    sizes[0] = 12;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_MALFORMED),
          "a box beyond the bytes");
    sizes[0] = 0xfffffff0;
    sizes[1] = 27; // which is 11 with the first, in 32 bits
    call.sizes.count = 2;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_MALFORMED),
          "sizes that overflow");
    sizes[0] = 11;
    call.sizes.count = 1;
    call.nonce = ~(u64)0;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_MALFORMED),
          "a nonce that would come again");
    call.nonce = 0;
    check(refused(open_boxes(&call, &result), &result, CRYPTO_ERROR_MALFORMED),
          "a sealed box of 11 bytes");
    call.key = key + 1000000;
    check(refused(seal(bond, &call, &result), &result, CRYPTO_ERROR_UNKNOWN), "an unknown key");
    call.key = key;
    check(refused(seal(other_bond, &call, &result), &result, CRYPTO_ERROR_UNKNOWN),
          "the key of another client");
    check(!forget(other_bond, key), "which it does not forget either");
}

static void test_keys(void)
{
    u64 key;
    check(hold(bond, span_of(zeros, 31), &key) == 1 + CRYPTO_ERROR_MALFORMED, "a key of 31 bytes");
    check(hold(bond, span_of(zeros, 33), &key) == 1 + CRYPTO_ERROR_MALFORMED, "a key of 33 bytes");
    check(hold(bond, span_of(zeros, 32), &key) == 0, "a key of 32 bytes");
    test_boxes(key);
    test_bad_boxes(key);
    check(forget(bond, key), "it is forgotten");
}

static u32 do_keys(void)
{
    char line[64];
    struct text text = text_over(line, sizeof line);
    u64 key, count = 0;
    i64 error;
    while ((error = hold(count % 2 == 0 ? bond : other_bond, span_of(zeros, 32), &key)) == 0) {
        count++;
    }
    text_u64(&text, count);
    text_string(&text, error == 1 + CRYPTO_ERROR_LIMIT ? " keys\n" : " keys, then an error\n");
    (void)rt_print(line);
    return 0;
}

u32 program_main(void)
{
    i64 first = rt_bind(&crypto_interface, false), second = rt_bind(&crypto_interface, false);
    check(first >= 0 && second >= 0 && first != second, "redshirt:io/crypto");
    bond = (u32)first;
    other_bond = (u32)second;
    if (span_equal(rt_argument(1), SPAN_LITERAL("keys"))) {
        return do_keys();
    }
    test_sha256();
    test_x25519();
    test_ed25519();
    test_vector();
    test_keys();
    return failed == 0 ? 0 : 1;
}
