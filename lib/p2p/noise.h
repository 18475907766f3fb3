// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/noise.h: the handshake Noise_XX_25519_ChaChaPoly_SHA256, and what libp2p says in it.
//
// Use     noise_init; then three messages in turn, the dialler's, the listener's, the dialler's, by
//         noise_write and noise_read; then noise_split. The second and third carry a payload:
//         noise_payload_write makes ours, noise_payload_read checks the peer's against the static
//         key that the handshake showed (noise_peer_static). Afterwards each direction is a cipher:
//         messages of at most P2P_NOISE_PLAIN_BYTES, each sealed with nothing beside it.
//         On the wire every message, of handshake or transport, stands behind its size (2 bytes,
//         big-endian): that is the caller's.
// Owner   a struct noise holds keys: noise_drop overwrites them, whether or not it got to its end.
// Limits  P2P_HANDSHAKE_BYTES, P2P_MUXERS.
// Source  The Noise Protocol Framework, revision 34; libp2p specifications, "noise" and "Stream
//         multiplexer negotiation in security handshake".
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/p2p/crypto.h"
#include "lib/p2p/limits.h"
#include "lib/p2p/peer_id.h"
struct report;

struct noise_key {
    u8 secret[P2P_SECRET_BYTES];
    u8 public[P2P_POINT_BYTES];
};

struct noise {
    const struct p2p_crypto *crypto;
    bool is_dialler;
    u8 messages; // written and read so far; 3 is all
    bool has_cipher;
    struct p2p_cipher cipher;
    u8 hash[P2P_SHA256_BYTES];
    u8 chain[P2P_SHA256_BYTES];
    struct noise_key fixed;   // "s"
    struct noise_key passing; // "e"
    u8 peer_fixed[P2P_POINT_BYTES];
    u8 peer_passing[P2P_POINT_BYTES];
};

// What the handshake adds to a payload: two keys and two tags.
enum {
    NOISE_MESSAGE_EXTRA_BYTES = 2 * P2P_POINT_BYTES + 2 * P2P_NOISE_TAG_BYTES,
};

// A new pair of keys; false when the crypto refuses, which must not happen.
bool noise_key_make(const struct p2p_crypto *crypto, struct noise_key *out);

//   fixed     our static keys, for one or many handshakes
//   passing   the ephemeral keys, for this handshake alone
//   prologue  what both sides must have said before; libp2p: empty
void noise_init(struct noise *noise, const struct p2p_crypto *crypto, bool is_dialler,
                const struct noise_key *fixed, const struct noise_key *passing,
                struct span prologue);
void noise_drop(struct noise *noise);

// Is it ours to write the next message? (Not, when it is the peer's, or there is none.)
bool noise_writes(const struct noise *noise);

// Writes the next message.
//   out  at least payload.size + NOISE_MESSAGE_EXTRA_BYTES
// Returns its size, 0 when the peer's keys are not fit to be multiplied with.
size_t noise_write(struct noise *noise, struct span payload, u8 *out);

// Reads the peer's next message, which is decrypted where it lies.
//   payload  receives the part of `message` that is its payload
// ERR_MALFORMED  too short
// ERR_MISMATCH   not sealed for us, or a key that makes a product of zeros
enum err noise_read(struct noise *noise, u8 *message, size_t size, struct span *payload,
                    struct report *report);

// After all three messages: the ciphers of both directions.
void noise_split(struct noise *noise, struct p2p_cipher *send, struct p2p_cipher *receive);

static inline const u8 *noise_peer_static(const struct noise *noise)
{
    return noise->peer_fixed;
}

// ---- libp2p's payload

struct noise_payload {
    struct peer_id peer;
    u32 muxer_count;
    struct span muxers[P2P_MUXERS]; // in the peer's order; into the payload
};

enum { NOISE_SIGNATURE_TEXT_BYTES = 24 }; // "noise-libp2p-static-key:"

// Signs a static key of Noise with an Ed25519 identity. Done once for each static key.
void noise_sign(const struct p2p_crypto *crypto, const u8 seed[P2P_SECRET_BYTES],
                const u8 fixed[P2P_POINT_BYTES], u8 out[P2P_SIGNATURE_BYTES]);

// Writes a payload; returns its size, which may be more than `capacity`: then it is cut.
size_t noise_payload_write(const u8 identity[P2P_POINT_BYTES],
                           const u8 signature[P2P_SIGNATURE_BYTES], const struct span *muxers,
                           size_t muxer_count, u8 *out, size_t capacity);

// Checks a payload: the key in it signed the static key that the handshake showed.
//   expected  NULL, or who the peer must be
// ERR_MALFORMED    not such a payload
// ERR_LIMIT        a key beyond P2P_KEY_BYTES
// ERR_UNSUPPORTED  a key that is not Ed25519
// ERR_MISMATCH     a wrong signature, or another peer than expected
enum err noise_payload_read(const struct p2p_crypto *crypto, struct span bytes,
                            const u8 fixed[P2P_POINT_BYTES], const struct peer_id *expected,
                            struct noise_payload *out, struct report *report);
