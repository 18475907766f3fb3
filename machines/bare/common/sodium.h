// SPDX-License-Identifier: GPL-3.0-or-later
// machines/bare/common/sodium.h: what we call of libsodium's archive, declared here because its own
// headers want a libc. sodium.c defines what the archive in turn calls.
//
// Use     never sodium_init: the portable versions are what the archive starts with.
// Source  libsodium 1.0.18, <sodium/crypto_hash_sha256.h> and <sodium/crypto_stream_chacha20.h>.
#pragma once

int crypto_hash_sha256(unsigned char *out, const unsigned char *in, unsigned long long in_size);
int crypto_stream_chacha20(unsigned char *out, unsigned long long out_size,
                           const unsigned char *nonce, const unsigned char *key);
