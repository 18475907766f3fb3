// SPDX-License-Identifier: GPL-3.0-or-later
// Questions to our server of the local DHT, on streams of two peers in turn, and of a guest.
#include "core/base/assert.h"
#include "lib/p2p/kad_server.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

static struct kad_server server;

static void check_records(void)
{
    u32 records = 0, counted = 0;
    for (u32 i = 0; i < P2P_KAD_RECORDS; i++) {
        records += server.records[i].is_used;
    }
    for (u32 i = 0; i < P2P_KAD_RECORD_PEERS; i++) {
        ASSERT(server.peers[i].records <= P2P_KAD_PEER_RECORDS);
        counted += server.peers[i].records;
    }
    ASSERT(records == counted);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static struct p2p_dice dice = {1};
    static struct kad_serving serving;
    static u8 answer[P2P_KAD_ANSWER_BYTES];
    static struct p2p_crypto crypto;
    u64 now_ns = 1;
    if (server.crypto == NULL) { // it lives on: records stay from one input to the next
        struct peer_id self = {.size = 38, .bytes = {0, 36, 8, 1, 18, 32, 9}};
        crypto = p2p_crypto_plain(&dice);
        kad_server_init(&server, &crypto, &self);
    }
    for (u8 turn = 0; turn < 3; turn++) {
        struct p2p_hint peer = {.peer = {.size = 38, .bytes = {0, 36, 8, 1, 18, 32, turn}}};
        kad_serving_init(&serving, &peer);
        serving.is_guest = turn == 2;
        for (size_t at = 0; at < size;) {
            size_t taken, answered;
            enum err err = kad_server_receive(&server, &serving, span_of(data + at, size - at),
                                              now_ns, 1, &taken, answer, &answered, NULL);
            if (err != ERR_OK) {
                break;
            }
            ASSERT(taken <= size - at && answered <= sizeof answer);
            ASSERT(answered != 0 || taken == size - at);
            at += taken;
        }
        kad_table_seen(&server.table, &peer, now_ns);
        check_records();
        now_ns += (u64)1000000 * P2P_KAD_RECORD_MS / 2;
        kad_server_tick(&server, now_ns);
    }
    kad_server_tick(&server, UINT64_MAX);
    check_records();
    return 0;
}
