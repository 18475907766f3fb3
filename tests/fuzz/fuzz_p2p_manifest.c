// SPDX-License-Identifier: GPL-3.0-or-later
// Manifests, whose signatures are always right here: what is accepted has one encoding.
#include "core/base/assert.h"
#include "lib/p2p/manifest.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    enum { HEAD_BYTES = 7, TAIL_BYTES = P2P_SIGNATURE_BYTES };
    static struct p2p_dice dice = {1};
    static struct manifest manifest;
    static u8 again[MANIFEST_BYTES];
    struct p2p_crypto crypto = p2p_crypto_plain(&dice);
    u8 seed[P2P_SECRET_BYTES] = {0};
    if (manifest_verify(&crypto, span_of(data, size), NULL, &manifest, NULL) != ERR_OK) {
        return 0;
    }
    ASSERT(manifest_is_one(span_of(data, size)));
    ASSERT(manifest_check(&manifest, NULL) == ERR_OK);
    ASSERT(manifest_write(&crypto, seed, &manifest, again) == size);
    size_t start = HEAD_BYTES + P2P_POINT_BYTES; // keys and signatures are others
    ASSERT(mem_equal(data + start, again + start, size - start - TAIL_BYTES));
    return 0;
}
