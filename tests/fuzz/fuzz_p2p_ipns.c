// SPDX-License-Identifier: GPL-3.0-or-later
// Records of names, whose signatures are always right here, and the times in them.
#include "core/base/assert.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/rfc3339.h"
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
    static struct p2p_dice dice = {1};
    static u8 scratch[IPNS_SCRATCH_BYTES], again[IPNS_RECORD_BYTES];
    struct p2p_crypto crypto = p2p_crypto_plain(&dice);
    struct ipns_record record, back;
    u8 key[P2P_POINT_BYTES] = {0};
    struct peer_id name = peer_id_of_ed25519(key);
    enum err err =
        ipns_record_verify(&crypto, span_of(data, size), &name, 0, scratch, &record, NULL);
    if (err == ERR_OK) {
        ASSERT(record.value.size <= IPNS_VALUE_BYTES && size <= IPNS_RECORD_BYTES);
        size_t written = ipns_record_write(&crypto, key, &record, scratch, again, sizeof again);
        ASSERT(written <= sizeof again);
        err = ipns_record_verify(&crypto, span_of(again, written), &name, 0, scratch, &back, NULL);
        ASSERT(err == ERR_OK && back.sequence == record.sequence);
        ASSERT(back.valid_until_ns == record.valid_until_ns && back.ttl_ns == record.ttl_ns);
    }
    u64 ns, same;
    if (rfc3339_read(span_of(data, size), &ns, NULL) == ERR_OK) {
        char text[RFC3339_BYTES + 1];
        rfc3339_write(ns, text);
        ASSERT(rfc3339_read(span_string(text), &same, NULL) == ERR_OK && same == ns);
    }
    return 0;
}
