// SPDX-License-Identifier: GPL-3.0-or-later
// SHA-256 of core/platform.h, on Nettle. Every block is hashed by whoever takes it from somebody,
// so with libsodium (2.8 ns a byte) this was most of what moving one cost. Nettle uses the CPU's
// instructions for it, where there are any (0.6 ns).
#include <nettle/sha2.h>

#include "core/platform.h"

void platform_sha256(struct span bytes, u8 out[32])
{
    struct sha256_ctx state;
    sha256_init(&state);
    if (bytes.size != 0) { // else there may be no address either
        sha256_update(&state, bytes.size, bytes.data);
    }
    sha256_digest(&state, SHA256_DIGEST_SIZE, out);
}
