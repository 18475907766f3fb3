// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/crypto.h: the cryptography that the transport needs and does not contain.
//
// Use     the caller fills a struct p2p_crypto: natively from a library, in a program from the
//         interface redshirt:io/crypto. Everything here computes on what it is given and keeps
//         nothing, but for `held` of a cipher.
// Owner   the table and its context outlive every connection of its host.
// Source  RFC 7748 (X25519), 8032 (Ed25519), 8439 (ChaCha20-Poly1305), 6234 (SHA-256).
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"

enum {
    P2P_SHA256_BYTES = 32,
    P2P_SECRET_BYTES = 32, // of X25519; the seed of Ed25519
    P2P_POINT_BYTES = 32,  // a public key of either
    P2P_SIGNATURE_BYTES = 64,
    P2P_CIPHER_KEY_BYTES = 32,
};

// One direction of a channel.
struct p2p_cipher {
    u8 key[P2P_CIPHER_KEY_BYTES];
    u64 nonce; // of the next box
    u64 held;  // the table's own: a handle, when the key is kept elsewhere. 0 at first
};

// Bytes that are sealed or opened in place. Sealed, a box is P2P_NOISE_TAG_BYTES longer.
struct p2p_box {
    u8 *bytes;
    u32 size; // of the plaintext
};

struct p2p_crypto {
    void *context;
    // SHA-256 of `first` and `second`, one behind the other.
    void (*sha256)(void *context, struct span first, struct span second, u8 out[P2P_SHA256_BYTES]);
    // The product of a secret and a point; `point` NULL stands for the base point. False when the
    // product is all zeros.
    bool (*x25519)(void *context, const u8 secret[P2P_SECRET_BYTES], const u8 *point,
                   u8 out[P2P_POINT_BYTES]);
    // Seals each box with the nonces from cipher->nonce on, 4 zero bytes and then the number in
    // little-endian; the tag goes behind the plaintext. `data` is authenticated with each.
    // False: no box is to be sent. The caller moves the nonce.
    bool (*seal)(void *context, struct p2p_cipher *cipher, struct span data, struct p2p_box *boxes,
                 size_t count);
    // The reverse. False when any box is not what the peer sealed; their bytes are undefined then.
    bool (*open)(void *context, struct p2p_cipher *cipher, struct span data, struct p2p_box *boxes,
                 size_t count);
    // The cipher is of no more use: what is held for it is let go.
    void (*forget)(void *context, struct p2p_cipher *cipher);
    // Ed25519. The public key of a seed; a signature; whether one is right.
    void (*identity)(void *context, const u8 seed[P2P_SECRET_BYTES], u8 out[P2P_POINT_BYTES]);
    void (*sign)(void *context, const u8 seed[P2P_SECRET_BYTES], struct span message,
                 u8 out[P2P_SIGNATURE_BYTES]);
    bool (*verify)(void *context, const u8 key[P2P_POINT_BYTES], struct span message,
                   const u8 signature[P2P_SIGNATURE_BYTES]);
    // Unpredictable bytes.
    void (*random)(void *context, u8 *out, size_t size);
};

// HMAC-SHA-256 (RFC 2104). `key` has at most 64 bytes.
void p2p_hmac(const struct p2p_crypto *crypto, struct span key, struct span first,
              struct span second, u8 out[P2P_SHA256_BYTES]);

// HKDF with two outputs as Noise has it (section 4.3): of a chaining key and some secret.
void p2p_hkdf(const struct p2p_crypto *crypto, const u8 chain[P2P_SHA256_BYTES], struct span secret,
              u8 first[P2P_SHA256_BYTES], u8 second[P2P_SHA256_BYTES]);
