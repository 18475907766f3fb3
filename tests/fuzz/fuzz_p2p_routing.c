// SPDX-License-Identifier: GPL-3.0-or-later
// Answers of delegated routing: what is told is a peer with addresses that may be dialled.
#include "core/base/assert.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/routing.h"
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
    static struct routing_reader reader;
    u32 told = 0;
    routing_reader_init(&reader, P2P_SCOPE_PUBLIC);
    for (size_t at = 0; at < size;) {
        struct p2p_hint hint;
        struct multiaddr_target target;
        size_t taken;
        bool has_hint;
        enum err err =
            routing_read(&reader, span_of(data + at, size - at), &taken, &hint, &has_hint, NULL);
        if (err != ERR_OK) {
            ASSERT(err == ERR_MALFORMED || err == ERR_LIMIT);
            return 0;
        }
        ASSERT(has_hint || taken == size - at);
        at += taken;
        told += has_hint;
        ASSERT(told <= ROUTING_RECORDS);
        for (u32 i = 0; has_hint && i < hint.address_count; i++) {
            ASSERT(multiaddr_target(p2p_hint_address(&hint, i), &target, NULL) == ERR_OK);
            ASSERT(!target.has_peer && hint.peer.size != 0);
        }
    }
    (void)(routing_end(&reader, NULL) == ERR_OK);
    return 0;
}
