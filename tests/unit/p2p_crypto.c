// SPDX-License-Identifier: GPL-3.0-or-later
#include "tests/unit/p2p_crypto.h"
#include "core/base/mem.h"
#include "lib/p2p/limits.h"
#include <sodium/core.h>
#include <sodium/crypto_aead_chacha20poly1305.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/crypto_scalarmult_curve25519.h>
#include <sodium/crypto_sign_ed25519.h>

u64 p2p_dice_roll(struct p2p_dice *dice)
{
    u64 z = dice->state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static void dice_random(void *context, u8 *out, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        out[i] = (u8)p2p_dice_roll(context);
    }
}

static void keep(void *context, struct p2p_cipher *cipher)
{
    (void)context;
    (void)cipher;
}

// ---- libsodium

static void sodium_sha256(void *context, struct span first, struct span second,
                          u8 out[P2P_SHA256_BYTES])
{
    (void)context;
    static const u8 none;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, first.size == 0 ? &none : first.data, first.size);
    crypto_hash_sha256_update(&state, second.size == 0 ? &none : second.data, second.size);
    crypto_hash_sha256_final(&state, out);
}

static bool sodium_x25519(void *context, const u8 secret[P2P_SECRET_BYTES], const u8 *point,
                          u8 out[P2P_POINT_BYTES])
{
    (void)context;
    if (point == NULL) {
        return crypto_scalarmult_curve25519_base(out, secret) == 0;
    }
    return crypto_scalarmult_curve25519(out, secret, point) == 0;
}

struct nonce {
    u8 bytes[12];
};

static struct nonce nonce_of(u64 number)
{
    struct nonce nonce = {0};
    mem_store_u64(nonce.bytes + 4, number);
    return nonce;
}

static bool sodium_seal(void *context, struct p2p_cipher *cipher, struct span data,
                        struct p2p_box *boxes, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct nonce nonce = nonce_of(cipher->nonce + i);
        crypto_aead_chacha20poly1305_ietf_encrypt(boxes[i].bytes, NULL, boxes[i].bytes,
                                                  boxes[i].size, data.data, data.size, NULL,
                                                  nonce.bytes, cipher->key);
    }
    return true;
}

static bool sodium_open(void *context, struct p2p_cipher *cipher, struct span data,
                        struct p2p_box *boxes, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        struct nonce nonce = nonce_of(cipher->nonce + i);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(
                boxes[i].bytes, NULL, NULL, boxes[i].bytes,
                (unsigned long long)boxes[i].size + P2P_NOISE_TAG_BYTES, data.data, data.size,
                nonce.bytes, cipher->key) != 0) {
            return false;
        }
    }
    return true;
}

static void sodium_identity(void *context, const u8 seed[P2P_SECRET_BYTES], u8 out[P2P_POINT_BYTES])
{
    (void)context;
    u8 secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(out, secret, seed);
}

static void sodium_sign(void *context, const u8 seed[P2P_SECRET_BYTES], struct span message,
                        u8 out[P2P_SIGNATURE_BYTES])
{
    (void)context;
    u8 public[P2P_POINT_BYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(public, secret, seed);
    crypto_sign_ed25519_detached(out, NULL, message.data, message.size, secret);
}

static bool sodium_verify(void *context, const u8 key[P2P_POINT_BYTES], struct span message,
                          const u8 signature[P2P_SIGNATURE_BYTES])
{
    (void)context;
    return crypto_sign_ed25519_verify_detached(signature, message.data, message.size, key) == 0;
}

bool p2p_sodium_start(void)
{
    return sodium_init() >= 0;
}

struct p2p_crypto p2p_crypto_sodium(struct p2p_dice *dice)
{
    return (struct p2p_crypto){.context = dice,
                               .sha256 = sodium_sha256,
                               .x25519 = sodium_x25519,
                               .seal = sodium_seal,
                               .open = sodium_open,
                               .forget = keep,
                               .identity = sodium_identity,
                               .sign = sodium_sign,
                               .verify = sodium_verify,
                               .random = dice_random};
}

// ---- none at all

static void plain_sha256(void *context, struct span first, struct span second,
                         u8 out[P2P_SHA256_BYTES])
{
    (void)context;
    u64 sum = first.size * 31 + second.size;
    for (size_t i = 0; i < first.size; i++) {
        sum = sum * 131 + first.data[i];
    }
    for (size_t i = 0; i < second.size; i++) {
        sum = sum * 131 + second.data[i];
    }
    for (size_t i = 0; i < P2P_SHA256_BYTES; i++) {
        sum = sum * 6364136223846793005 + 1442695040888963407;
        out[i] = (u8)(sum >> 56);
    }
}

static bool plain_x25519(void *context, const u8 secret[P2P_SECRET_BYTES], const u8 *point,
                         u8 out[P2P_POINT_BYTES])
{
    (void)context;
    for (size_t i = 0; i < P2P_POINT_BYTES; i++) {
        out[i] = (u8)(secret[i] | (point == NULL ? 0 : point[i]));
    }
    return true;
}

static bool plain_seal(void *context, struct p2p_cipher *cipher, struct span data,
                       struct p2p_box *boxes, size_t count)
{
    (void)context;
    (void)cipher;
    (void)data;
    for (size_t i = 0; i < count; i++) {
        mem_zero(boxes[i].bytes + boxes[i].size, P2P_NOISE_TAG_BYTES);
    }
    return true;
}

static bool plain_open(void *context, struct p2p_cipher *cipher, struct span data,
                       struct p2p_box *boxes, size_t count)
{
    (void)context;
    (void)cipher;
    (void)data;
    (void)boxes;
    (void)count;
    return true;
}

static void plain_identity(void *context, const u8 seed[P2P_SECRET_BYTES], u8 out[P2P_POINT_BYTES])
{
    (void)context;
    mem_copy(out, seed, P2P_POINT_BYTES);
}

static void plain_sign(void *context, const u8 seed[P2P_SECRET_BYTES], struct span message,
                       u8 out[P2P_SIGNATURE_BYTES])
{
    (void)context;
    (void)seed;
    (void)message;
    mem_zero(out, P2P_SIGNATURE_BYTES);
}

static bool plain_verify(void *context, const u8 key[P2P_POINT_BYTES], struct span message,
                         const u8 signature[P2P_SIGNATURE_BYTES])
{
    (void)context;
    (void)key;
    (void)message;
    (void)signature;
    return true;
}

struct p2p_crypto p2p_crypto_plain(struct p2p_dice *dice)
{
    return (struct p2p_crypto){.context = dice,
                               .sha256 = plain_sha256,
                               .x25519 = plain_x25519,
                               .seal = plain_seal,
                               .open = plain_open,
                               .forget = keep,
                               .identity = plain_identity,
                               .sign = plain_sign,
                               .verify = plain_verify,
                               .random = dice_random};
}
