// SPDX-License-Identifier: GPL-3.0-or-later
#include "tools/redshirt/keys.h"

#include <sodium.h>

#include "core/base/mem.h"
#include "core/platform.h"

static const u8 *bytes_of(struct span span)
{
    static const u8 none;
    return span.size == 0 ? &none : span.data;
}

static void key_sha256(void *context, struct span first, struct span second,
                       u8 out[P2P_SHA256_BYTES])
{
    (void)context;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, bytes_of(first), first.size);
    crypto_hash_sha256_update(&state, bytes_of(second), second.size);
    crypto_hash_sha256_final(&state, out);
}

static void key_identity(void *context, const u8 seed[P2P_SECRET_BYTES], u8 out[P2P_POINT_BYTES])
{
    (void)context;
    u8 secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(out, secret, seed);
    sodium_memzero(secret, sizeof secret);
}

static void key_sign(void *context, const u8 seed[P2P_SECRET_BYTES], struct span message,
                     u8 out[P2P_SIGNATURE_BYTES])
{
    (void)context;
    u8 public[crypto_sign_ed25519_PUBLICKEYBYTES], secret[crypto_sign_ed25519_SECRETKEYBYTES];
    crypto_sign_ed25519_seed_keypair(public, secret, seed);
    crypto_sign_ed25519_detached(out, NULL, bytes_of(message), message.size, secret);
    sodium_memzero(secret, sizeof secret);
}

static bool key_verify(void *context, const u8 key[P2P_POINT_BYTES], struct span message,
                       const u8 signature[P2P_SIGNATURE_BYTES])
{
    (void)context;
    return crypto_sign_ed25519_verify_detached(signature, bytes_of(message), message.size, key) ==
           0;
}

static void key_random(void *context, u8 *out, size_t size)
{
    (void)context;
    platform_random(out, size);
}

const struct p2p_crypto keys_crypto = {
    .sha256 = key_sha256,
    .identity = key_identity,
    .sign = key_sign,
    .verify = key_verify,
    .random = key_random,
};
