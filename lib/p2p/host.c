// SPDX-License-Identifier: GPL-3.0-or-later
#include "lib/p2p/host.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "lib/p2p/connection.h"

static enum err check(const struct p2p_host_config *config, struct report *report)
{
    if (config->protocol_count > P2P_PROTOCOLS - P2P_SERVICES) {
        return report_err(report, ERR_LIMIT, 0, "p2p: a host speaks more than 64 protocols");
    }
    for (u32 i = 0; i < config->protocol_count; i++) {
        if (config->protocols[i].size == 0 || config->protocols[i].size > P2P_PROTOCOL_BYTES) {
            return report_err_detail(report, ERR_LIMIT, i,
                                     "p2p: no name of a protocol:", config->protocols[i]);
        }
    }
    if (config->address_count > P2P_IDENTIFY_ADDRESSES || config->agent.size >= P2P_AGENT_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "p2p: too much to say about the host");
    }
    if (config->window_bytes < YAMUX_WINDOW_BYTES) {
        return report_err(report, ERR_INVALID, 0, "p2p: a window is below 256 KiB");
    }
    return ERR_OK;
}

enum err p2p_host_init(struct p2p_host *host, const struct p2p_host_config *config,
                       struct report *report)
{
    TRY(check(config, report));
    mem_zero(host, sizeof *host);
    host->config = *config;
    const struct p2p_crypto *crypto = config->crypto;
    if (!noise_key_make(crypto, &host->fixed)) {
        return report_err(report, ERR_INVALID, 0, "p2p: the crypto makes no keys");
    }
    crypto->identity(crypto->context, config->seed, host->identity);
    host->id = peer_id_of_ed25519(host->identity);
    noise_sign(crypto, config->seed, host->fixed.public, host->signature);
    host->names[P2P_SERVICE_IDENTIFY] = SPAN_LITERAL("/ipfs/id/1.0.0");
    host->names[P2P_SERVICE_PUSH] = SPAN_LITERAL("/ipfs/id/push/1.0.0");
    host->names[P2P_SERVICE_PING] = SPAN_LITERAL("/ipfs/ping/1.0.0");
    for (u32 i = 0; i < config->protocol_count; i++) {
        host->names[P2P_SERVICES + i] = config->protocols[i];
    }
    host->name_count = P2P_SERVICES + config->protocol_count;
    u8 observed[P2P_MULTIADDR_BYTES] = {0}; // the longest that a peer may be told
    if (p2p_identify_write(host, span_of(observed, sizeof observed), NULL, 0) >
        P2P_IDENTIFY_BYTES) {
        return report_err(report, ERR_LIMIT, 0, "p2p: too much to say about the host");
    }
    p2p_pool_init(&host->pool, config->chunks, config->chunk_count);
    yamux_streams_init(&host->streams);
    for (u32 i = 0; i < config->stream_count; i++) {
        yamux_streams_add(&host->streams, &config->streams[i].yamux);
    }
    return ERR_OK;
}

void p2p_host_drop(struct p2p_host *host)
{
    ASSERT(host->connection_count == 0);
    ASSERT(host->pool.free_count == host->pool.count);
    ASSERT(host->streams.free_count == host->config.stream_count);
    mem_zero(host, sizeof *host);
}
