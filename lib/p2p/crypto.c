// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/crypto.h"
#include "core/base/assert.h"

enum { BLOCK_BYTES = 64 };

void p2p_hmac(const struct p2p_crypto *crypto, struct span key, struct span first,
              struct span second, u8 out[P2P_SHA256_BYTES])
{
    ASSERT(key.size <= BLOCK_BYTES);
    ASSERT(first.size + second.size <= BLOCK_BYTES);
    u8 inner[2 * BLOCK_BYTES];
    u8 outer[BLOCK_BYTES];
    u8 digest[P2P_SHA256_BYTES];
    mem_zero(inner, BLOCK_BYTES);
    mem_copy(inner, key.data, key.size);
    for (size_t i = 0; i < BLOCK_BYTES; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }
    mem_copy(inner + BLOCK_BYTES, first.data, first.size);
    mem_copy(inner + BLOCK_BYTES + first.size, second.data, second.size);
    crypto->sha256(crypto->context, span_of(inner, BLOCK_BYTES + first.size + second.size),
                   span_of(NULL, 0), digest);
    crypto->sha256(crypto->context, span_of(outer, sizeof outer), span_of(digest, sizeof digest),
                   out);
}

void p2p_hkdf(const struct p2p_crypto *crypto, const u8 chain[P2P_SHA256_BYTES], struct span secret,
              u8 first[P2P_SHA256_BYTES], u8 second[P2P_SHA256_BYTES])
{
    static const u8 one = 1, two = 2;
    u8 extracted[P2P_SHA256_BYTES];
    p2p_hmac(crypto, span_of(chain, P2P_SHA256_BYTES), secret, span_of(NULL, 0), extracted);
    struct span key = span_of(extracted, sizeof extracted);
    p2p_hmac(crypto, key, span_of(&one, 1), span_of(NULL, 0), first);
    p2p_hmac(crypto, key, span_of(first, P2P_SHA256_BYTES), span_of(&two, 1), second);
    mem_zero(extracted, sizeof extracted);
}
