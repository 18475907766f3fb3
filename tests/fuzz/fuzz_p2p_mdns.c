// SPDX-License-Identifier: GPL-3.0-or-later
// Datagrams from the local network: the first byte says how much time passes with each.
#include "core/base/assert.h"
#include "lib/p2p/mdns.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static void check_hints(struct mdns *mdns)
{
    struct p2p_hint hint;
    struct multiaddr_target target;
    while (mdns_next_hint(mdns, &hint)) {
        ASSERT(hint.address_count >= 1 && hint.address_count <= P2P_HINT_ADDRESSES);
        for (u32 i = 0; i < hint.address_count; i++) {
            ASSERT(multiaddr_target(p2p_hint_address(&hint, i), &target, NULL) == ERR_OK);
            ASSERT(!target.has_peer && p2p_ip_is_of(target.host, P2P_SCOPE_LAN));
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct p2p_dice dice = {1};
    static struct mdns mdns;
    u8 key[P2P_POINT_BYTES] = {1}, packet[MDNS_PACKET_BYTES];
    struct p2p_crypto crypto = p2p_crypto_plain(&dice);
    struct peer_id self = peer_id_of_ed25519(key);
    u8 ip[4] = {10, 0, 0, 1};
    struct multiaddr address = multiaddr_of_tcp(span_of(ip, sizeof ip), 4001);
    u64 now_ns = 1;
    mdns_init(&mdns, &crypto, &self, &address, 1, now_ns);
    if (size == 0) {
        return 0;
    }
    u64 step_ns = (u64)data[0] * 10000000;
    for (u32 turn = 0; turn < 4; turn++) {
        enum err err = mdns_receive(&mdns, span_of(data + 1, size - 1), now_ns, NULL);
        ASSERT(err == ERR_OK || err == ERR_MALFORMED || err == ERR_LIMIT);
        u32 sent = 0;
        while (mdns_send(&mdns, packet, now_ns) != 0) {
            sent++;
        }
        ASSERT(sent <= 2 && mdns_wake(&mdns) > now_ns);
        check_hints(&mdns);
        now_ns += step_ns;
    }
    return 0;
}
