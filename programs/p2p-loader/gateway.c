// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/gateway.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "lib/p2p/routing.h"
#include "programs/p2p-loader/fetch.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/sources.h"
#include "programs/p2p-loader/web.h"

enum { HTTP_GOOD = 200, HTTP_ABSENT = 404 };

#define TOO_LONG "sent a longer block than there may be"

static u8 *block; // NULL: there is no gateway
static u32 block_bytes;
static bool is_ready;    // it is whole, and right
static bool is_too_long; // it has more bytes than there may be
static struct web *web;
static struct public_server *asked; // NULL: nobody is
static struct cid wanted;
static bool is_over[P2P_GATEWAYS]; // not asked until something new is looked for
static struct node *of_gateway;

void gateway_begin(u8 *buffer)
{
    block = buffer;
}

void gateways_hear(void)
{
    mem_zero(is_over, sizeof is_over);
}

// The next gateway to ask; the count of them: none.
static u32 next_gateway(void)
{
    u32 count = block == NULL ? 0 : public_count(PUBLIC_GATEWAY);
    u32 at = 0;
    while (at < count && (is_over[at] || public_server(PUBLIC_GATEWAY, at)->is_bad)) {
        at++;
    }
    return at;
}

bool gateways_are_coming(const struct node *node)
{
    (void)node;
    return block != NULL &&
           (asked != NULL || is_ready || next_gateway() < public_count(PUBLIC_GATEWAY));
}

static void gateway_is_over(void)
{
    for (u32 i = 0; i < public_count(PUBLIC_GATEWAY); i++) {
        is_over[i] = is_over[i] || public_server(PUBLIC_GATEWAY, i) == asked;
    }
}

static const char *block_body(void *context, struct span bytes)
{
    (void)context;
    if (bytes.size > P2P_BLOCK_BYTES - block_bytes) {
        is_too_long = true;
        return TOO_LONG;
    }
    mem_copy(block + block_bytes, bytes.data, bytes.size);
    block_bytes += (u32)bytes.size;
    return NULL;
}

static void is_lie(const char *words)
{
    public_is_bad(of_gateway, asked, block_bytes, words);
    fetch_was_lied_to(asked->text, block_bytes);
}

static void block_done(void *context, u32 status, const char *why)
{
    u8 digest[P2P_SHA256_BYTES];
    (void)context;
    web = NULL;
    asked->said = status == HTTP_ABSENT ? "does not have it" : why;
    if (status != 0 && status != HTTP_ABSENT && status != HTTP_GOOD) {
        asked->said = "refuses to give it";
    }
    if (status == HTTP_GOOD && why == NULL) {
        of_gateway->crypto.sha256(of_gateway->crypto.context, span_of(block, block_bytes),
                                  (struct span){0}, digest);
        is_ready = mem_equal(digest, wanted.digest, sizeof digest);
        asked->said = "gave what it has";
        if (!is_ready) {
            is_lie("sent what nobody asked for");
        }
    } else if (is_too_long) {
        is_lie(TOO_LONG);
    }
    if (!is_ready) {
        gateway_is_over();
        asked = NULL;
    }
}

static void block_ask(struct node *node, u32 gateway)
{
    char request[ROUTING_REQUEST_BYTES];
    static const struct web_user user = {NULL, block_body, block_done, LOADER_PACE_BYTES};
    of_gateway = node;
    asked = public_server(PUBLIC_GATEWAY, gateway);
    size_t size = gateway_block_request(asked->address.host, &wanted, request);
    block_bytes = 0;
    is_too_long = false;
    web = web_get(node, &asked->address, span_of(request, size), &user);
    if (web == NULL) {
        asked->said = "could not be asked";
        gateway_is_over();
        asked = NULL;
    }
}

void gateway_turn(struct node *node)
{
    u32 at = 0, sessions, gateway;
    bool is_missing;
    if (is_ready && fetch_has_room()) {
        is_ready = false;
        fetch_block(node, &wanted, span_of(block, block_bytes), asked->text);
        asked = NULL;
    }
    if (asked != NULL || is_ready || !sources_may_begin(node, SOURCE_GATEWAY)) {
        return;
    }
    gateway = next_gateway();
    if (gateway < public_count(PUBLIC_GATEWAY) &&
        bitswap_wanted(&node->bitswap, &at, &wanted, &sessions, &is_missing)) {
        block_ask(node, gateway);
    }
}
