// SPDX-License-Identifier: GPL-3.0-or-later
// When to speak, and what of it. Messages are in mdns_message.c.
#include "lib/p2p/mdns.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "lib/p2p/crypto.h"

#define MS ((u64)1000000)
#define NEVER UINT64_MAX

// A time at random of those by which peers keep out of each other's way (RFC 6762, section 6).
static u64 delay_ns(const struct mdns *mdns)
{
    u8 dice[2];
    mdns->crypto->random(mdns->crypto->context, dice, sizeof dice);
    u64 span_ms = MDNS_DELAY_MAX_MS - MDNS_DELAY_MIN_MS;
    return (MDNS_DELAY_MIN_MS + mem_load_u16(dice) % (span_ms + 1)) * MS;
}

void mdns_init(struct mdns *mdns, const struct p2p_crypto *crypto, const struct peer_id *self,
               const struct multiaddr *addresses, u32 address_count, u64 now_ns)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    ASSERT(address_count <= MDNS_ADDRESSES);
    *mdns = (struct mdns){.crypto = crypto,
                          .self = *self,
                          .address_count = address_count,
                          .interval_ns = MDNS_QUERY_MS * MS,
                          .answer_ns = NEVER};
    u8 dice[MDNS_LABEL_BYTES];
    crypto->random(crypto->context, dice, sizeof dice);
    for (size_t i = 0; i < sizeof dice; i++) {
        mdns->label[i] = letters[dice[i] % (sizeof letters - 1)];
    }
    for (u32 i = 0; i < address_count; i++) {
        mdns->addresses[i] = addresses[i];
    }
    mdns->query_ns = now_ns + delay_ns(mdns);
}

// The earliest time for what may be done once in `interval_ms` and was last done at `last_ns`.
static u64 no_earlier(u64 now_ns, u64 last_ns, u64 interval_ms)
{
    u64 allowed = last_ns == 0 ? now_ns : last_ns + interval_ms * MS;
    return now_ns > allowed ? now_ns : allowed;
}

static void hear_question(struct mdns *mdns, u64 now_ns)
{
    if (mdns->answer_ns == NEVER && mdns->address_count != 0) {
        mdns->answer_ns = no_earlier(now_ns + delay_ns(mdns), mdns->answered_ns, MDNS_ANSWER_MS);
    }
    if (!mdns->was_postponed && mdns->query_ns < now_ns + mdns->interval_ns) {
        mdns->was_postponed = true;
        mdns->query_ns = now_ns + mdns->interval_ns;
    }
}

static void keep_hint(struct mdns *mdns, const struct p2p_hint *hint)
{
    if (peer_id_equal(&hint->peer, &mdns->self)) {
        return;
    }
    for (u32 i = 0; i < mdns->hint_count; i++) {
        struct p2p_hint *known = &mdns->hints[(mdns->hint_first + i) % MDNS_HINTS];
        if (peer_id_equal(&known->peer, &hint->peer)) {
            p2p_hint_merge(known, hint);
            return;
        }
    }
    if (mdns->hint_count == MDNS_HINTS) {
        mdns->hint_first = (mdns->hint_first + 1) % MDNS_HINTS;
        mdns->hint_count--;
    }
    mdns->hints[(mdns->hint_first + mdns->hint_count) % MDNS_HINTS] = *hint;
    mdns->hint_count++;
}

enum err mdns_receive(struct mdns *mdns, struct span packet, u64 now_ns, struct report *report)
{
    struct mdns_message message;
    TRY(mdns_read(packet, &message, report));
    if (message.is_query) {
        hear_question(mdns, now_ns);
    }
    for (u32 i = 0; i < message.hint_count; i++) {
        keep_hint(mdns, &message.hints[i]);
    }
    return ERR_OK;
}

void mdns_ask(struct mdns *mdns, u64 now_ns)
{
    u64 soon = no_earlier(now_ns, mdns->queried_ns, MDNS_QUERY_MS);
    mdns->interval_ns = MDNS_QUERY_MS * MS;
    mdns->was_postponed = true;
    if (soon < mdns->query_ns) {
        mdns->query_ns = soon;
    }
}

size_t mdns_send(struct mdns *mdns, u8 out[MDNS_PACKET_BYTES], u64 now_ns)
{
    if (now_ns >= mdns->query_ns) {
        mdns->queried_ns = now_ns;
        mdns->query_ns = now_ns + mdns->interval_ns;
        mdns->was_postponed = false;
        if (mdns->interval_ns < MDNS_QUERY_MAX_MS * MS) {
            mdns->interval_ns *= 2;
        }
        if (mdns->interval_ns > MDNS_QUERY_MAX_MS * MS) {
            mdns->interval_ns = MDNS_QUERY_MAX_MS * MS;
        }
        return mdns_query_write(out);
    }
    if (now_ns >= mdns->answer_ns) {
        mdns->answer_ns = NEVER;
        mdns->answered_ns = now_ns;
        return mdns_answer_write(mdns, out);
    }
    return 0;
}

u64 mdns_wake(const struct mdns *mdns)
{
    return mdns->query_ns < mdns->answer_ns ? mdns->query_ns : mdns->answer_ns;
}

bool mdns_next_hint(struct mdns *mdns, struct p2p_hint *out)
{
    if (mdns->hint_count == 0) {
        return false;
    }
    *out = mdns->hints[mdns->hint_first];
    mdns->hint_first = (mdns->hint_first + 1) % MDNS_HINTS;
    mdns->hint_count--;
    return true;
}
