// SPDX-License-Identifier: GPL-3.0-or-later
// Do the handshake and the negotiation keep their headers' promises? Vectors that another
// implementation of Noise made (flynn/noise, vectors.txt), then all that a peer might say instead.
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/multistream.h"
#include "lib/p2p/noise.h"
#include "lib/p2p/proto.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGE_BYTES = 512, TAG = P2P_NOISE_TAG_BYTES };

static struct p2p_dice dice = {1};

static size_t hex(const char *text, u8 *out)
{
    size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (u8)strtoul(pair, NULL, 16);
    }
    return size;
}

// ---- vectors

struct vector {
    const char *prologue;
    struct {
        const char *payload;
        const char *sealed;
    } messages[5];
};

#define E_1 "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254"
#define E_2_S                                                                                      \
    "64b101b1d0be5a8704bd078f9895001fc03e8e9f9522f188dd128d9846d48466"                             \
    "3414af878d3e46a2f58911a816d6e8346d4ea17a6f2a0bb4ef4ed56c133cff45"
#define S_1 "87f864c11ba449f46a0a4f4e2eacbb7b0457784f4fca1937f572c93603e9c4d9"
#define AFTER                                                                                      \
    {"79656c6c6f777375626d6172696e65",                                                             \
     "a52ef02ba60e12696d1d6b9ef4245c88fca757b6134ad6e76b56e310a6adf6"},                            \
        {"7375626d6172696e6579656c6c6f77",                                                         \
         "2445aa438ebd649281c636cc7269ca82f1d9023d72520943aeabf909cdf521"}

static const struct vector vectors[] = {
    {"",
     {{"", E_1},
      {"", E_2_S "60a34e36ea82109f26cf2e5a5caf992b608d55c747f615e5a3425a7a19eefb8f"},
      {"", S_1 "7e5ea11b16f3968710b23a3be3202dc1b5e1ce3c963347491e74f5c0768a9b42"},
      AFTER}},
    {"",
     {{"746573745f6d73675f30", E_1 "746573745f6d73675f30"},
      {"746573745f6d73675f31", E_2_S
       "72e7a2ba5123ac30618b3d205f5c2d17f50cbca216483ac56bcc78e33bf520303278db641e5e731b2e3a"},
      {"746573745f6d73675f32",
       S_1 "f27e318e43ba630594c4d08eeb3b36d97c7377a2f4f9144b2f0c8095ad92140505b2ab53eff244b14138"},
      AFTER}},
    {"6e6f74736563726574",
     {{"", E_1},
      {"", E_2_S "88f043d1e49a3289b1beeab8f96b0551a48cddf9f38b1a12e46c6908644198f3"},
      {"", S_1 "5a04fa1f1c41fb3f00d496f242c1e44ce5b749b3d54bf74cea2dad086d601fb6"},
      AFTER}},
    {"6e6f74736563726574",
     {{"746573745f6d73675f30", E_1 "746573745f6d73675f30"},
      {"746573745f6d73675f31", E_2_S
       "45958c588d17d6373e0c1dcfa3755d37f50cbca216483ac56bcc98f5095870aa814ba40c08079c11f087"},
      {"746573745f6d73675f32",
       S_1 "c1e9a1a313d02b78871cfd178a521a4c7c7377a2f4f9144b2f0ccedc84d379151b466741e4b266db6023"},
      AFTER}},
};

static struct noise_key key_of(const struct p2p_crypto *crypto, const char *secret)
{
    struct noise_key key;
    hex(secret, key.secret);
    assert_true(crypto->x25519(crypto->context, key.secret, NULL, key.public));
    return key;
}

static void vector_runs(const struct vector *vector, const struct p2p_crypto *crypto)
{
    struct noise sides[2];
    struct p2p_cipher ciphers[2][2]; // of each side: to send, to receive
    u8 payload[MESSAGE_BYTES], sealed[MESSAGE_BYTES], message[MESSAGE_BYTES];
    struct noise_key fixed[2] = {
        key_of(crypto, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        key_of(crypto, "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20")};
    struct noise_key passing[2] = {
        key_of(crypto, "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"),
        key_of(crypto, "4142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f60")};
    struct span prologue = span_of(payload, hex(vector->prologue, payload));
    for (u32 i = 0; i < 2; i++) {
        noise_init(&sides[i], crypto, i == 0, &fixed[i], &passing[i], prologue);
    }
    for (u32 i = 0; i < 5; i++) {
        size_t payload_size = hex(vector->messages[i].payload, payload);
        size_t size = hex(vector->messages[i].sealed, sealed);
        u32 from = i < 3 ? i % 2 : i - 3, to = 1 - from; // behind the handshake, each once
        if (i < 3) {
            struct span got;
            assert_true(noise_writes(&sides[from]) && !noise_writes(&sides[to]));
            assert_int_equal(noise_write(&sides[from], span_of(payload, payload_size), message),
                             size);
            assert_memory_equal(message, sealed, size);
            assert_int_equal(noise_read(&sides[to], message, size, &got, NULL), ERR_OK);
            assert_true(span_equal(got, span_of(payload, payload_size)));
            continue;
        }
        if (i == 3) {
            noise_split(&sides[0], &ciphers[0][0], &ciphers[0][1]);
            noise_split(&sides[1], &ciphers[1][0], &ciphers[1][1]);
        }
        memcpy(message, payload, payload_size);
        struct p2p_box box = {message, (u32)payload_size};
        struct span none = span_of(NULL, 0);
        assert_true(crypto->seal(crypto->context, &ciphers[from][0], none, &box, 1));
        assert_int_equal(size, payload_size + TAG);
        assert_memory_equal(message, sealed, size);
        assert_true(crypto->open(crypto->context, &ciphers[to][1], none, &box, 1));
        assert_memory_equal(message, payload, payload_size);
    }
    noise_drop(&sides[0]);
    noise_drop(&sides[1]);
}

static void vectors_agree(void **state)
{
    (void)state;
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        vector_runs(&vectors[i], &crypto);
    }
}

static void hkdf_is_that_of_the_rfc(void **state)
{
    (void)state;
    // RFC 4231, test case 2: HMAC-SHA-256 of "what do ya want for nothing?" under "Jefe".
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    u8 expected[P2P_SHA256_BYTES], out[P2P_SHA256_BYTES];
    hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", expected);
    p2p_hmac(&crypto, SPAN_LITERAL("Jefe"), SPAN_LITERAL("what do ya want "),
             SPAN_LITERAL("for nothing?"), out);
    assert_memory_equal(out, expected, sizeof out);
}

// ---- what a peer might say instead

// Two sides of which the handshake has got to `messages`.
struct sides {
    struct p2p_crypto crypto;
    struct noise noise[2];
};

static void sides_make(struct sides *sides, u32 messages)
{
    sides->crypto = p2p_crypto_sodium(&dice);
    for (u32 i = 0; i < 2; i++) {
        struct noise_key fixed, passing;
        assert_true(noise_key_make(&sides->crypto, &fixed));
        assert_true(noise_key_make(&sides->crypto, &passing));
        noise_init(&sides->noise[i], &sides->crypto, i == 0, &fixed, &passing, span_of(NULL, 0));
    }
    for (u32 i = 0; i < messages; i++) {
        u8 message[MESSAGE_BYTES];
        struct span payload;
        size_t size = noise_write(&sides->noise[i % 2], span_of(NULL, 0), message);
        assert_int_equal(noise_read(&sides->noise[1 - i % 2], message, size, &payload, NULL),
                         ERR_OK);
    }
}

static void changed_messages_are_refused(void **state)
{
    (void)state;
    // Every byte of the second and third message, and every shorter one. A changed first message
    // shows in the second.
    for (u32 turn = 1; turn < 3; turn++) {
        struct sides sides;
        u8 good[MESSAGE_BYTES];
        sides_make(&sides, turn);
        size_t size = noise_write(&sides.noise[turn % 2], SPAN_LITERAL("payload"), good);
        struct noise *reader = &sides.noise[1 - turn % 2];
        for (size_t at = 0; at < 2 * size; at++) {
            u8 *bad = malloc(size);
            struct noise copy = *reader;
            struct span payload;
            memcpy(bad, good, size);
            enum err err;
            if (at < size) {
                bad[at] ^= 0x40;
                err = noise_read(&copy, bad, size, &payload, NULL);
                assert_int_equal(err, ERR_MISMATCH);
            } else {
                err = noise_read(&copy, bad, at - size, &payload, NULL);
                assert_true(err == ERR_MISMATCH || err == ERR_MALFORMED);
            }
            free(bad);
        }
    }
}

static void points_of_small_order_are_refused(void **state)
{
    (void)state;
    // RFC 7748, section 6.1: a product of zeros. As the dialler's key and as the listener's.
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (size_t i = 0; i < COUNT_OF(points); i++) {
        struct sides sides;
        u8 message[MESSAGE_BYTES];
        struct span payload;
        sides_make(&sides, 0);
        hex(points[i], message);
        assert_int_equal(noise_read(&sides.noise[1], message, 32, &payload, NULL), ERR_OK);
        assert_int_equal(noise_write(&sides.noise[1], span_of(NULL, 0), message), 0);
        sides_make(&sides, 1);
        size_t size = noise_write(&sides.noise[1], span_of(NULL, 0), message);
        hex(points[i], message);
        assert_int_equal(noise_read(&sides.noise[0], message, size, &payload, NULL), ERR_MISMATCH);
    }
}

// ---- payloads

struct payload_parts {
    struct p2p_crypto crypto;
    u8 seed[P2P_SECRET_BYTES], identity[P2P_POINT_BYTES], fixed[P2P_POINT_BYTES];
    u8 signature[P2P_SIGNATURE_BYTES];
    struct peer_id id;
};

static void parts_make(struct payload_parts *parts)
{
    *parts = (struct payload_parts){.crypto = p2p_crypto_sodium(&dice), .seed = {7}, .fixed = {9}};
    parts->crypto.identity(NULL, parts->seed, parts->identity);
    parts->id = peer_id_of_ed25519(parts->identity);
    noise_sign(&parts->crypto, parts->seed, parts->fixed, parts->signature);
}

static void payloads_go_round(void **state)
{
    (void)state;
    struct payload_parts parts;
    parts_make(&parts);
    struct span muxers[] = {SPAN_LITERAL("/mplex/6.7.0"), SPAN_LITERAL("/yamux/1.0.0")};
    for (size_t count = 0; count <= COUNT_OF(muxers); count++) {
        u8 bytes[MESSAGE_BYTES];
        struct noise_payload payload;
        size_t size = noise_payload_write(parts.identity, parts.signature, muxers, count, bytes,
                                          sizeof bytes);
        assert_int_equal(
            size, noise_payload_write(parts.identity, parts.signature, muxers, count, NULL, 0));
        assert_int_equal(noise_payload_read(&parts.crypto, span_of(bytes, size), parts.fixed,
                                            &parts.id, &payload, NULL),
                         ERR_OK);
        assert_true(peer_id_equal(&payload.peer, &parts.id));
        assert_int_equal(payload.muxer_count, count);
        if (count == 2) {
            assert_true(span_equal(payload.muxers[0], muxers[0]));
            assert_true(span_equal(payload.muxers[1], muxers[1]));
        }
        u8 other[P2P_POINT_BYTES] = {10};
        assert_int_equal(
            noise_payload_read(&parts.crypto, span_of(bytes, size), other, NULL, &payload, NULL),
            ERR_MISMATCH); // the signature is of another key
        struct peer_id wrong = peer_id_of_ed25519(other);
        assert_int_equal(noise_payload_read(&parts.crypto, span_of(bytes, size), parts.fixed,
                                            &wrong, &payload, NULL),
                         ERR_MISMATCH);
        for (size_t cut = 0; cut < size; cut++) {
            u8 *copy = malloc(cut);
            memcpy(copy, bytes, cut);
            enum err err = noise_payload_read(&parts.crypto, span_of(copy, cut), parts.fixed, NULL,
                                              &payload, NULL);
            assert_true(err != ERR_OK || cut == 36 + 2 + 64 + 2);
            free(copy);
        }
    }
}

static void many_muxers_are_read_over(void **state)
{
    (void)state;
    struct payload_parts parts;
    parts_make(&parts);
    struct span muxers[P2P_MUXERS + 3];
    for (size_t i = 0; i < COUNT_OF(muxers); i++) {
        muxers[i] = SPAN_LITERAL("/x");
    }
    u8 bytes[MESSAGE_BYTES];
    struct noise_payload payload;
    size_t size = noise_payload_write(parts.identity, parts.signature, muxers, COUNT_OF(muxers),
                                      bytes, sizeof bytes);
    assert_int_equal(
        noise_payload_read(&parts.crypto, span_of(bytes, size), parts.fixed, NULL, &payload, NULL),
        ERR_OK);
    assert_int_equal(payload.muxer_count, P2P_MUXERS);
}

static bool never_verify(void *context, const u8 *key, struct span message, const u8 *signature)
{
    (void)context;
    (void)key;
    (void)message;
    (void)signature;
    fail_msg("a signature was looked at");
    return false;
}

static void other_keys_are_refused_unread(void **state)
{
    (void)state;
    // RSA of 2048, 8192 and 16384 bits, and an ECDSA key: refused before anything is computed.
    static const struct {
        size_t size;
        u8 type;
        enum err err;
    } keys[] = {{294, 0, ERR_UNSUPPORTED},
                {1062, 0, ERR_UNSUPPORTED},
                {2086, 0, ERR_LIMIT},
                {91, 3, ERR_UNSUPPORTED}};
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    crypto.verify = never_verify;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        u8 data[4096] = {0}, key[4096], bytes[4096], fixed[P2P_POINT_BYTES] = {0};
        struct proto_writer inner = proto_writer_over(key, sizeof key);
        proto_number(&inner, 1, keys[i].type);
        proto_bytes(&inner, 2, span_of(data, keys[i].size));
        struct proto_writer out = proto_writer_over(bytes, sizeof bytes);
        proto_bytes(&out, 1, span_of(key, inner.size));
        proto_bytes(&out, 2, span_of(data, 256));
        struct noise_payload payload;
        assert_int_equal(
            noise_payload_read(&crypto, span_of(bytes, out.size), fixed, NULL, &payload, NULL),
            keys[i].err);
    }
}

// ---- multistream

static const struct span spoken[] = {{(const u8 *)"/a/1", 4}, {(const u8 *)"/b/1", 4}};

// Lets the listener read `bytes`, in blocks of exactly what is there; its last step.
static enum err listen(const char *bytes, size_t size, enum multistream_step *step, u32 *agreed,
                       char *replies)
{
    struct multistream stream = {0};
    size_t at = 0;
    *replies = 0;
    *step = MULTISTREAM_MORE;
    for (size_t end = 0; end <= size;) {
        u8 *block = malloc(end - at);
        struct multistream_answer answer;
        memcpy(block, bytes + at, end - at);
        enum err err = multistream_read(&stream, span_of(block, end - at), spoken, COUNT_OF(spoken),
                                        step, &answer, NULL);
        free(block);
        if (err != ERR_OK) {
            return err;
        }
        strncat(replies, (char *)answer.reply, answer.reply_size);
        at += answer.taken;
        if (*step == MULTISTREAM_AGREED) {
            *agreed = answer.agreed;
            return ERR_OK;
        }
        end += *step == MULTISTREAM_MORE;
    }
    return ERR_OK;
}

#define HEADER "\x13/multistream/1.0.0\n"

static void listeners_agree(void **state)
{
    (void)state;
    char replies[512];
    enum multistream_step step;
    u32 agreed = 9;
    const char plain[] = HEADER "\x05/b/1\nrest";
    assert_int_equal(listen(plain, sizeof plain - 1, &step, &agreed, replies), ERR_OK);
    assert_true(step == MULTISTREAM_AGREED && agreed == 1);
    assert_string_equal(replies, HEADER "\x05/b/1\n");
    const char vain[] = HEADER "\x05/c/1\n\x03ls\n\x05/a/1\n";
    assert_int_equal(listen(vain, sizeof vain - 1, &step, &agreed, replies), ERR_OK);
    assert_true(step == MULTISTREAM_AGREED && agreed == 0);
    assert_string_equal(replies, HEADER "\x03na\n\x03na\n\x05/a/1\n");
}

static void listeners_refuse(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum err err;
    } bad[] = {
        {"\x05/b/1\n", ERR_MALFORMED}, // no header
        {"\x13/multistream/2.0.0\n", ERR_MALFORMED},
        {"\x05/b/1x", ERR_MALFORMED}, // no newline
        {HEADER "\x01x", ERR_MALFORMED},
        {"\x80\x80", ERR_LIMIT}, // a size of three bytes
        {"\xff\xff\xff\xff", ERR_LIMIT},
        {"\x81\x08", ERR_LIMIT}, // 1025
    };
    char replies[512];
    enum multistream_step step;
    u32 agreed;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_int_equal(listen(bad[i].bytes, strlen(bad[i].bytes), &step, &agreed, replies),
                         bad[i].err);
    }
    assert_int_equal(listen("\0", 1, &step, &agreed, replies), ERR_MALFORMED); // an empty line
    assert_int_equal(listen("\x93\0", 2, &step, &agreed, replies), ERR_MALFORMED);
    // At the bound a line is waited for.
    assert_int_equal(listen("\x80\x08", 2, &step, &agreed, replies), ERR_OK);
    assert_int_equal(step, MULTISTREAM_MORE);
}

static void proposals_have_a_bound(void **state)
{
    (void)state;
    char bytes[512] = HEADER, replies[512];
    enum multistream_step step;
    u32 agreed;
    for (u32 i = 0; i < P2P_PROPOSALS - 1; i++) {
        strcat(bytes, "\x05/c/1\n");
    }
    char *end = bytes + strlen(bytes);
    strcpy(end, "\x05/a/1\n");
    assert_int_equal(listen(bytes, strlen(bytes), &step, &agreed, replies), ERR_OK);
    assert_int_equal(step, MULTISTREAM_AGREED);
    strcpy(end, "\x05/c/1\n\x05/a/1\n");
    assert_int_equal(listen(bytes, strlen(bytes), &step, &agreed, replies), ERR_LIMIT);
}

static void diallers_hear(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        enum err err;
        enum multistream_step step;
    } all[] = {
        {HEADER, ERR_OK, MULTISTREAM_LINE},
        {HEADER "\x05/a/1\n", ERR_OK, MULTISTREAM_AGREED},
        {HEADER "\x03na\n", ERR_OK, MULTISTREAM_REFUSED},
        {HEADER "\x05/b/1\n", ERR_MALFORMED, MULTISTREAM_MORE},
        {"\x03na\n", ERR_MALFORMED, MULTISTREAM_MORE},
    };
    for (size_t i = 0; i < COUNT_OF(all); i++) {
        struct multistream stream = {.is_dialler = true};
        enum multistream_step step = MULTISTREAM_LINE;
        enum err err = ERR_OK;
        size_t at = 0, size = strlen(all[i].bytes);
        while (err == ERR_OK && step == MULTISTREAM_LINE && at < size) {
            struct multistream_answer answer;
            err = multistream_read(&stream, span_of(all[i].bytes + at, size - at), spoken, 1, &step,
                                   &answer, NULL);
            assert_true(err != ERR_OK || answer.reply_size == 0);
            at += answer.taken;
        }
        assert_int_equal(err, all[i].err);
        assert_true(err != ERR_OK || step == all[i].step);
    }
    u8 proposal[MULTISTREAM_PROPOSAL_BYTES];
    size_t size = multistream_propose(spoken[0], proposal);
    assert_true(span_equal(span_of(proposal, size), SPAN_LITERAL(HEADER "\x05/a/1\n")));
    u8 name[P2P_PROTOCOL_BYTES];
    memset(name, 'x', sizeof name);
    assert_int_equal(multistream_propose(span_of(name, sizeof name), proposal), sizeof proposal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_agree),
        cmocka_unit_test(hkdf_is_that_of_the_rfc),
        cmocka_unit_test(changed_messages_are_refused),
        cmocka_unit_test(points_of_small_order_are_refused),
        cmocka_unit_test(payloads_go_round),
        cmocka_unit_test(many_muxers_are_read_over),
        cmocka_unit_test(other_keys_are_refused_unread),
        cmocka_unit_test(listeners_agree),
        cmocka_unit_test(listeners_refuse),
        cmocka_unit_test(proposals_have_a_bound),
        cmocka_unit_test(diallers_hear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
