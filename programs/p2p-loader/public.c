// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/public.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/multiaddr.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/history.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/sources.h"

static bool is_on;
static struct p2p_hint bootstraps[P2P_BOOTSTRAPS];
static u32 bootstrap_count;
static struct public_server servers[P2P_ROUTERS + P2P_GATEWAYS]; // routers first
static u32 router_count, gateway_count;

static enum err bootstrap_add(struct span text, struct report *report)
{
    struct multiaddr address;
    struct multiaddr_target target;
    TRY(multiaddr_parse(text, &address, report));
    struct span bytes = span_of(address.bytes, address.size);
    TRY(multiaddr_target(bytes, &target, report));
    if (!target.has_peer) {
        return report_err(report, ERR_MALFORMED, 0, "the address does not end in /p2p/ID");
    }
    if (bootstrap_count == P2P_BOOTSTRAPS) {
        return report_err(report, ERR_LIMIT, 0, "one node to begin with too many");
    }
    // Who the user names may be anywhere; the scopes are for what others say.
    struct p2p_hint hint = {.peer = target.peer};
    if (!p2p_hint_add(&hint, P2P_SCOPE_PUBLIC, bytes) &&
        !p2p_hint_add(&hint, P2P_SCOPE_LAN, bytes)) {
        return report_err(report, ERR_UNSUPPORTED, 0, "the address is none to connect to");
    }
    bootstraps[bootstrap_count++] = hint;
    return ERR_OK;
}

enum err public_add(enum public_kind kind, struct span text, struct report *report)
{
    if (kind == PUBLIC_BOOTSTRAP) {
        return bootstrap_add(text, report);
    }
    bool is_router = kind == PUBLIC_ROUTER;
    u32 *count = is_router ? &router_count : &gateway_count;
    struct public_server server = {.text = text};
    TRY(web_address_parse(text, &server.address, report));
    if (*count == (u32)(is_router ? P2P_ROUTERS : P2P_GATEWAYS)) {
        return report_err(report, ERR_LIMIT, 0, "one web server too many");
    }
    servers[(is_router ? 0 : P2P_ROUTERS) + (*count)++] = server;
    return ERR_OK;
}

void public_begin(void)
{
    is_on = true;
    if (bootstrap_count != 0 || router_count != 0) {
        sources_enable(SOURCE_PUBLIC);
    }
    if (gateway_count != 0) {
        sources_enable(SOURCE_GATEWAY);
    }
}

bool public_is_on(void)
{
    return is_on;
}

bool public_named(const struct peer_id *peer, struct span address)
{
    for (u32 i = 0; i < bootstrap_count; i++) {
        const struct p2p_hint *hint = &bootstraps[i];
        for (u32 j = 0; j < hint->address_count && peer_id_equal(&hint->peer, peer); j++) {
            if (span_equal(p2p_hint_address(hint, j), address)) {
                return true;
            }
        }
    }
    return false;
}

void public_seed(struct dht_search *search)
{
    for (u32 i = 0; i < bootstrap_count; i++) {
        dht_add(search, &bootstraps[i]);
    }
}

u32 public_count(enum public_kind kind)
{
    return kind == PUBLIC_BOOTSTRAP ? bootstrap_count
           : kind == PUBLIC_ROUTER  ? router_count
                                    : gateway_count;
}

struct public_server *public_server(enum public_kind kind, u32 index)
{
    ASSERT(kind != PUBLIC_BOOTSTRAP && index < public_count(kind));
    return &servers[(kind == PUBLIC_ROUTER ? 0 : P2P_ROUTERS) + index];
}

void public_is_bad(struct node *node, struct public_server *server, u64 bytes, const char *words)
{
    server->is_bad = true;
    server->said = words;
    history_bad(node, server->text, bytes, words);
}

void public_has_failed(struct node *node)
{
    for (u32 i = 0; i < router_count; i++) {
        if (servers[i].named != 0) {
            history_bad(node, servers[i].text, 0, "named peers that do not give it");
            servers[i].named = 0;
        }
    }
}

u32 public_named_count(void)
{
    u32 count = 0;
    for (u32 i = 0; i < router_count; i++) {
        count += servers[i].named;
    }
    return count;
}

static void server_tell(struct text *out, const struct public_server *server)
{
    text_string(out, ", ");
    text_printable(out, server->text);
    text_char(out, ' ');
    if (server->named != 0) {
        text_string(out, "named ");
        text_u64(out, server->named);
        text_string(out, " that did not give it");
    } else {
        text_string(out, server->said == NULL ? "was not asked" : server->said);
    }
}

void public_tell(struct text *out)
{
    if (!is_on) {
        text_string(out, "; the public network is off (`redshirt network public on`)");
    }
    for (u32 i = 0; is_on && i < router_count; i++) {
        server_tell(out, &servers[i]);
    }
    for (u32 i = 0; is_on && i < gateway_count; i++) {
        server_tell(out, &servers[P2P_ROUTERS + i]);
    }
}
