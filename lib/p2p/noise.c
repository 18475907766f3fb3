// SPDX-License-Identifier: GPL-3.0-or-later
// Pattern XX:  -> e    <- e, ee, s, es    -> s, se
// Both sides hash everything that passes (`hash`) and mix each product of keys into `chain`, of
// which the next cipher comes.
#include "lib/p2p/noise.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/proto.h"

enum { MESSAGES = 3, TAG = P2P_NOISE_TAG_BYTES, POINT = P2P_POINT_BYTES };

// As long as a digest, so it is the first hash as it is.
static const u8 name[P2P_SHA256_BYTES] = "Noise_XX_25519_ChaChaPoly_SHA256";

static void mix_hash(struct noise *noise, struct span bytes)
{
    u8 next[P2P_SHA256_BYTES];
    noise->crypto->sha256(noise->crypto->context, span_of(noise->hash, sizeof noise->hash), bytes,
                          next);
    mem_copy(noise->hash, next, sizeof next);
}

static void set_key(struct noise *noise, const u8 key[P2P_CIPHER_KEY_BYTES])
{
    if (noise->has_cipher) {
        noise->crypto->forget(noise->crypto->context, &noise->cipher);
    }
    noise->has_cipher = true;
    noise->cipher = (struct p2p_cipher){0};
    mem_copy(noise->cipher.key, key, sizeof noise->cipher.key);
}

// Mixes in the product of one of our keys and one of the peer's.
static bool mix_product(struct noise *noise, const struct noise_key *ours, const u8 *theirs)
{
    u8 product[POINT], key[P2P_SHA256_BYTES], chain[P2P_SHA256_BYTES];
    bool good = noise->crypto->x25519(noise->crypto->context, ours->secret, theirs, product);
    u8 any = 0;
    for (size_t i = 0; i < sizeof product; i++) {
        any |= product[i];
    }
    if (!good || any == 0) { // also where the crypto does not look
        return false;
    }
    p2p_hkdf(noise->crypto, noise->chain, span_of(product, sizeof product), chain, key);
    mem_copy(noise->chain, chain, sizeof chain);
    set_key(noise, key);
    mem_zero(product, sizeof product);
    mem_zero(key, sizeof key);
    return true;
}

// Seals the `size` bytes at `bytes`, behind which is room for a tag; before there is a cipher, only
// hashes them. Returns the size of what goes out, 0 on failure of a cipher.
static size_t seal(struct noise *noise, u8 *bytes, size_t size)
{
    size_t sealed = size;
    if (noise->has_cipher) {
        struct p2p_box box = {bytes, (u32)size};
        if (!noise->crypto->seal(noise->crypto->context, &noise->cipher,
                                 span_of(noise->hash, sizeof noise->hash), &box, 1)) {
            return 0;
        }
        noise->cipher.nonce++;
        sealed += TAG;
    }
    mix_hash(noise, span_of(bytes, sealed));
    return sealed;
}

// The reverse over `size` bytes; a false one leaves the handshake of no use.
static bool unseal(struct noise *noise, u8 *bytes, size_t size)
{
    u8 before[P2P_SHA256_BYTES];
    mem_copy(before, noise->hash, sizeof before);
    mix_hash(noise, span_of(bytes, size));
    if (!noise->has_cipher) {
        return true;
    }
    ASSERT(size >= TAG);
    struct p2p_box box = {bytes, (u32)(size - TAG)};
    bool good = noise->crypto->open(noise->crypto->context, &noise->cipher,
                                    span_of(before, sizeof before), &box, 1);
    noise->cipher.nonce++;
    return good;
}

bool noise_key_make(const struct p2p_crypto *crypto, struct noise_key *out)
{
    crypto->random(crypto->context, out->secret, sizeof out->secret);
    return crypto->x25519(crypto->context, out->secret, NULL, out->public);
}

void noise_init(struct noise *noise, const struct p2p_crypto *crypto, bool is_dialler,
                const struct noise_key *fixed, const struct noise_key *passing,
                struct span prologue)
{
    *noise = (struct noise){
        .crypto = crypto, .is_dialler = is_dialler, .fixed = *fixed, .passing = *passing};
    mem_copy(noise->hash, name, sizeof name);
    mem_copy(noise->chain, name, sizeof name);
    mix_hash(noise, prologue); // also when it is empty
}

void noise_drop(struct noise *noise)
{
    if (noise->has_cipher) {
        noise->crypto->forget(noise->crypto->context, &noise->cipher);
    }
    mem_zero(noise, sizeof *noise);
}

bool noise_writes(const struct noise *noise)
{
    return noise->messages < MESSAGES && (noise->messages % 2 == 0) == noise->is_dialler;
}

static size_t append(struct noise *noise, u8 *out, struct span bytes)
{
    mem_copy(out, bytes.data, bytes.size);
    return seal(noise, out, bytes.size);
}

size_t noise_write(struct noise *noise, struct span payload, u8 *out)
{
    ASSERT(noise_writes(noise));
    size_t size = 0;
    if (noise->messages < 2) { // e, in the clear
        mem_copy(out, noise->passing.public, POINT);
        mix_hash(noise, span_of(out, POINT));
        size += POINT;
    }
    if (noise->messages == 1 && !mix_product(noise, &noise->passing, noise->peer_passing)) { // ee
        return 0;
    }
    if (noise->messages != 0) { // s, then es or se, which of us is the same product
        size_t sealed = append(noise, out + size, span_of(noise->fixed.public, POINT));
        if (sealed == 0 || !mix_product(noise, &noise->fixed, noise->peer_passing)) {
            return 0;
        }
        size += sealed;
    }
    size_t sealed = append(noise, out + size, payload);
    if (sealed == 0 && noise->has_cipher) {
        return 0;
    }
    noise->messages++;
    return size + sealed;
}

static enum err refuse(struct report *report)
{
    return report_err(report, ERR_MISMATCH, 0, "noise: a message is not sealed for us");
}

// The peer's static key, sealed; `at` moves behind it.
static enum err read_fixed(struct noise *noise, u8 *message, size_t *at, struct report *report)
{
    if (!unseal(noise, message + *at, POINT + TAG)) {
        return refuse(report);
    }
    mem_copy(noise->peer_fixed, message + *at, POINT);
    *at += POINT + TAG;
    return ERR_OK;
}

static enum err mix(struct noise *noise, const struct noise_key *ours, const u8 *theirs,
                    struct report *report)
{
    if (!mix_product(noise, ours, theirs)) {
        return report_err(report, ERR_MISMATCH, 0, "noise: the peer's key makes no secret");
    }
    return ERR_OK;
}

enum err noise_read(struct noise *noise, u8 *message, size_t size, struct span *payload,
                    struct report *report)
{
    static const u8 least[MESSAGES] = {POINT, POINT + POINT + TAG + TAG, POINT + TAG + TAG};
    ASSERT(noise->messages < MESSAGES && !noise_writes(noise));
    if (size < least[noise->messages]) {
        return report_err(report, ERR_MALFORMED, 0, "noise: a message is too short");
    }
    size_t at = 0;
    if (noise->messages < 2) {
        mem_copy(noise->peer_passing, message, POINT);
        mix_hash(noise, span_of(message, POINT));
        at = POINT;
    }
    if (noise->messages == 1) { // we dialled: ee, s, es
        TRY(mix(noise, &noise->passing, noise->peer_passing, report));
        TRY(read_fixed(noise, message, &at, report));
        TRY(mix(noise, &noise->passing, noise->peer_fixed, report));
    }
    if (noise->messages == 2) { // we listen: s, se
        TRY(read_fixed(noise, message, &at, report));
        TRY(mix(noise, &noise->passing, noise->peer_fixed, report));
    }
    if (!unseal(noise, message + at, size - at)) {
        return refuse(report);
    }
    *payload = span_of(message + at, size - at - (noise->has_cipher ? TAG : 0));
    noise->messages++;
    return ERR_OK;
}

void noise_split(struct noise *noise, struct p2p_cipher *send, struct p2p_cipher *receive)
{
    ASSERT(noise->messages == MESSAGES);
    struct p2p_cipher *first = noise->is_dialler ? send : receive;
    struct p2p_cipher *second = noise->is_dialler ? receive : send;
    *first = (struct p2p_cipher){0};
    *second = (struct p2p_cipher){0};
    p2p_hkdf(noise->crypto, noise->chain, span_of(NULL, 0), first->key, second->key);
}
