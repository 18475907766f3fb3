// SPDX-License-Identifier: GPL-3.0-or-later
// tests/unit/sha256.h: libsodium's SHA-256 as core/base/cid.h wants it.
#pragma once
#include "core/base/span.h"
#include <sodium/crypto_hash_sha256.h>

static inline void test_sha256(struct span bytes, u8 out[32])
{
    static const u8 none;
    crypto_hash_sha256(out, bytes.size == 0 ? &none : bytes.data, bytes.size);
}
