// SPDX-License-Identifier: GPL-3.0-or-later
// What web servers answer, as programs/p2p-loader puts the readers together: HTTP, and in the body
// of a 200 peers, a block or a record. The first byte says in what pieces it comes. What comes out
// does not depend on them.
#include "core/base/assert.h"
#include "lib/http/client.h"
#include "lib/http/limits.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/routing.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

enum { HTTP_GOOD = 200 };

struct told {
    u32 status, peers;
    u64 block_bytes;
    bool is_list_good, is_whole;
};

static void read_peers(struct routing_reader *reader, struct span bytes, struct told *told)
{
    while (told->is_list_good && bytes.size != 0) {
        struct p2p_hint hint;
        struct multiaddr_target target;
        size_t taken;
        bool has_hint;
        told->is_list_good = routing_read(reader, bytes, &taken, &hint, &has_hint, NULL) == ERR_OK;
        if (!told->is_list_good) {
            return;
        }
        for (u32 i = 0; has_hint && i < hint.address_count; i++) {
            ASSERT(multiaddr_target(p2p_hint_address(&hint, i), &target, NULL) == ERR_OK);
            bool is_number = target.kind == MULTIADDR_HOST_IP4 || target.kind == MULTIADDR_HOST_IP6;
            ASSERT(!is_number || p2p_ip_is_of(target.host, P2P_SCOPE_PUBLIC));
        }
        told->peers += has_hint;
        bytes = span_slice(bytes, taken, bytes.size);
    }
}

// As web.c: what a piece brings stands behind what was not taken.
static struct told read_answer(struct span input, size_t piece)
{
    static u8 held[4 * HTTP_HEAD_BYTES];
    static struct routing_reader peers;
    struct http_response_reader reader;
    struct told told = {.is_list_good = true};
    size_t held_size = 0;
    http_response_reader_init(&reader);
    routing_reader_init(&peers, P2P_SCOPE_PUBLIC);
    for (;;) {
        struct http_part part;
        size_t taken;
        if (http_response_read(&reader, span_of(held, held_size), &taken, &part, NULL) != ERR_OK) {
            return told;
        }
        if (part.kind == HTTP_PART_HEAD) {
            told.status = part.response.status;
        } else if (part.kind == HTTP_PART_BODY && told.status == HTTP_GOOD) {
            read_peers(&peers, part.bytes, &told);
            told.block_bytes += part.bytes.size;
        }
        held_size -= taken;
        memmove(held, held + taken, held_size);
        if (part.kind == HTTP_PART_END) {
            told.is_whole = true;
            return told;
        }
        if (part.kind == HTTP_PART_MORE) {
            size_t room = sizeof held - held_size;
            size_t more = piece < input.size ? piece : input.size;
            ASSERT(room >= HTTP_HEAD_BYTES); // or nothing could be read any more
            more = more < room ? more : room;
            if (more == 0) {
                told.is_whole = http_response_end(&reader, NULL) == ERR_OK;
                return told;
            }
            memcpy(held + held_size, input.data, more);
            held_size += more;
            input = span_slice(input, more, input.size);
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    static u8 scratch[IPNS_SCRATCH_BYTES];
    static struct p2p_dice dice;
    struct p2p_crypto crypto = p2p_crypto_sodium(&dice);
    struct peer_id name = {.size = 2};
    struct ipns_record record;
    if (size < 1) {
        return 0;
    }
    struct span answer = span_of(data + 1, size - 1);
    struct told whole = read_answer(answer, SIZE_MAX);
    struct told cut = read_answer(answer, (size_t)data[0] + 1);
    ASSERT(whole.status == cut.status && whole.is_whole == cut.is_whole);
    ASSERT(whole.peers == cut.peers && whole.block_bytes == cut.block_bytes);
    ASSERT(whole.block_bytes <= size);
    // A body that is a record proves nothing without its key.
    ASSERT(answer.size > IPNS_RECORD_BYTES ||
           ipns_record_verify(&crypto, answer, &name, 1, scratch, &record, NULL) != ERR_OK);
    return 0;
}
