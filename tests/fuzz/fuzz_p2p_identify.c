// SPDX-License-Identifier: GPL-3.0-or-later
// The protobuf messages of the transport: identify, and the payload of a handshake.
#include "core/base/assert.h"
#include "lib/p2p/identify.h"
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
    static struct p2p_host host;
    static struct p2p_dice dice = {1};
    static struct p2p_crypto crypto;
    if (host.name_count == 0) {
        crypto = p2p_crypto_plain(&dice);
        struct p2p_host_config config = {.crypto = &crypto, .window_bytes = YAMUX_WINDOW_BYTES};
        ASSERT(p2p_host_init(&host, &config, NULL) == ERR_OK);
    }
    struct p2p_identity identity = {0};
    if (p2p_identify_read(&host, &host.id, span_of(data, size), &identity, NULL) == ERR_OK) {
        ASSERT(identity.is_known && identity.address_count <= P2P_IDENTIFY_ADDRESSES);
        ASSERT(identity.agent[P2P_AGENT_BYTES - 1] == 0 && identity.protocols < 8);
        for (u32 i = 0; i < identity.address_count; i++) {
            struct multiaddr address;
            struct span bytes = span_of(identity.addresses[i].bytes, identity.addresses[i].size);
            ASSERT(multiaddr_read(bytes, &address, NULL) == ERR_OK);
        }
    } else {
        ASSERT(!identity.is_known); // left alone
    }
    u8 fixed[P2P_POINT_BYTES] = {0};
    struct noise_payload payload;
    if (noise_payload_read(&crypto, span_of(data, size), fixed, NULL, &payload, NULL) == ERR_OK) {
        ASSERT(payload.muxer_count <= P2P_MUXERS && payload.peer.size == 38);
    }
    return 0;
}
