// SPDX-License-Identifier: GPL-3.0-or-later
// Messages of a handshake, in both roles, with cryptography that lets anything pass: the first byte
// says the role, then each message stands behind its size.
#include "core/base/assert.h"
#include "lib/p2p/noise.h"
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
    struct p2p_dice dice = {1};
    struct p2p_crypto crypto = p2p_crypto_plain(&dice);
    struct noise_key fixed, passing;
    struct noise noise;
    if (size == 0) {
        return 0;
    }
    ASSERT(noise_key_make(&crypto, &fixed) && noise_key_make(&crypto, &passing));
    noise_init(&noise, &crypto, (data[0] & 1) != 0, &fixed, &passing, span_of(NULL, 0));
    size_t at = 1;
    while (noise.messages < 3) {
        u8 out[NOISE_MESSAGE_EXTRA_BYTES + 8];
        if (noise_writes(&noise)) {
            size_t written = noise_write(&noise, SPAN_LITERAL("payload"), out);
            ASSERT(written >= P2P_POINT_BYTES && written <= sizeof out);
            continue;
        }
        if (at == size) {
            break;
        }
        size_t length = data[at++];
        length = length < size - at ? length : size - at;
        u8 *message = malloc(length);
        mem_copy(message, data + at, length);
        at += length;
        struct span payload = {0};
        enum err err = noise_read(&noise, message, length, &payload, NULL);
        ASSERT(payload.size <= length);
        struct noise_payload said;
        if (err == ERR_OK && noise_payload_read(&crypto, payload, noise_peer_static(&noise), NULL,
                                                &said, NULL) == ERR_OK) {
            ASSERT(said.muxer_count <= P2P_MUXERS);
        }
        free(message);
        if (err != ERR_OK) {
            break;
        }
    }
    if (noise.messages == 3) {
        struct p2p_cipher send, receive;
        noise_split(&noise, &send, &receive);
    }
    noise_drop(&noise);
    return 0;
}
