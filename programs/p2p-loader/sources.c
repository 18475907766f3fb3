// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/sources.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/text.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"

enum { WHY_BYTES = 64 };

struct target {
    struct multiaddr address;
    enum source source;
    const struct link *link; // NULL: there is none
    u64 next_ns;             // when it may be dialled
    bool is_bad;             // it lied
    char why[WHY_BYTES];     // the last link is gone
};

static struct target targets[LOADER_TARGETS];
static u32 target_count, hint_at;
static bool is_on[SOURCE_COUNT];
static bool was_wanted;
static u64 wanted_ns; // since when something is looked for
static u64 good_ns;   // since when no block has come

void sources_enable(enum source source)
{
    is_on[source] = true;
}

void sources_disable(enum source source)
{
    is_on[source] = false;
}

bool sources_are_on(enum source source)
{
    return is_on[source];
}

enum err sources_add(const struct multiaddr *address)
{
    struct multiaddr_target where;
    enum err err = multiaddr_target(span_of(address->bytes, address->size), &where, NULL);
    if (err != ERR_OK) {
        return err;
    }
    if (target_count == LOADER_TARGETS) {
        return ERR_LIMIT;
    }
    targets[target_count++] = (struct target){.address = *address, .source = SOURCE_USER};
    is_on[SOURCE_USER] = true;
    return ERR_OK;
}

// When the turn of a kind comes, if no block comes before.
static u64 stage_ns(enum source source)
{
    u64 at_ns = good_ns;
    for (u32 i = 0; i < source; i++) {
        at_ns += is_on[i] ? LOADER_STAGE_MS * NS_PER_MS : 0;
    }
    return at_ns;
}

bool sources_may_begin(const struct node *node, enum source source)
{
    return was_wanted && is_on[source] && node->now_ns >= stage_ns(source);
}

// ---- hints

static bool is_known(const struct multiaddr *address)
{
    for (u32 i = 0; i < target_count; i++) {
        if (span_equal(span_of(targets[i].address.bytes, targets[i].address.size),
                       span_of(address->bytes, address->size))) {
            return true;
        }
    }
    return false;
}

// Puts it behind the others, or in the place of a hint that is not in use.
static void hint_put(const struct multiaddr *address, enum source source)
{
    struct target target = {.address = *address, .source = source};
    if (target_count < LOADER_TARGETS) {
        targets[target_count++] = target;
        return;
    }
    for (u32 i = 0; i < LOADER_TARGETS; i++) {
        struct target *old = &targets[(hint_at + i) % LOADER_TARGETS];
        if (old->source != SOURCE_USER && old->link == NULL) {
            hint_at = (hint_at + i + 1) % LOADER_TARGETS;
            *old = target;
            return;
        }
    }
}

static bool is_loopback(struct span address)
{
    struct multiaddr_target where;
    return multiaddr_target(address, &where, NULL) == ERR_OK && p2p_ip_is_loopback(where.host);
}

void sources_hint(const struct node *node, const struct p2p_hint *hint, enum source source)
{
    struct link *link = link_to(node, &hint->peer);
    if (link != NULL) {
        link_exchange(link); // perhaps it was only there to be asked of others
        return;
    }
    for (u32 i = 0; i < hint->address_count; i++) {
        if (source == SOURCE_LAN && is_loopback(p2p_hint_address(hint, i)) &&
            !links_reach_loopback(node)) {
            continue;
        }
        char words[P2P_MULTIADDR_TEXT_BYTES];
        struct text text = text_over(words, sizeof words);
        struct multiaddr address;
        multiaddr_write(&text, p2p_hint_address(hint, i));
        text_string(&text, "/p2p/");
        peer_id_write(&text, &hint->peer);
        if (multiaddr_parse(span_of(text.data, text.size), &address, NULL) == ERR_OK &&
            !is_known(&address)) {
            hint_put(&address, source);
        }
    }
}

void sources_are_good(const struct node *node)
{
    good_ns = node->now_ns;
}

// ---- dialling

// Whether that peer is there already, by whatever address.
static bool is_linked(const struct node *node, const struct target *target)
{
    struct multiaddr_target where;
    return multiaddr_target(span_of(target->address.bytes, target->address.size), &where, NULL) ==
               ERR_OK &&
           where.has_peer &&
           (link_to(node, &where.peer) != NULL || peer_id_equal(&node->host.id, &where.peer));
}

// When that one may be dialled; UINT64_MAX: it need not be.
static u64 target_ns(const struct node *node, const struct target *target)
{
    // What was heard is worth a try at once.
    u64 at_ns = target->source == SOURCE_USER ? stage_ns(SOURCE_USER) : 0;
    if (target->link != NULL || target->is_bad || is_linked(node, target)) {
        return UINT64_MAX;
    }
    return target->next_ns > at_ns ? target->next_ns : at_ns;
}

u64 sources_turn(struct node *node, bool is_wanted)
{
    u64 wake = UINT64_MAX;
    if (is_wanted && !was_wanted) {
        wanted_ns = good_ns = node->now_ns;
    }
    was_wanted = is_wanted;
    for (u32 i = 0; i < target_count && is_wanted; i++) {
        struct target *target = &targets[i];
        u64 at_ns = target_ns(node, target);
        if (at_ns > node->now_ns) {
            wake = at_ns < wake ? at_ns : wake;
            continue;
        }
        enum link_kind kind = target->source == SOURCE_PUBLIC ? LINK_PUBLIC : LINK_LOCAL;
        if (target->source == SOURCE_USER || links_may_dial_heard(node, kind)) {
            target->link = link_dial(node, &target->address, kind);
        }
        target->next_ns = node->now_ns + LOADER_REDIAL_MS * NS_PER_MS;
    }
    for (u32 i = 0; i < SOURCE_COUNT && is_wanted; i++) {
        u64 at_ns = i == SOURCE_LAN ? wanted_ns + LOADER_LAN_MS * NS_PER_MS : stage_ns(i);
        if (is_on[i] && at_ns > node->now_ns) {
            wake = at_ns < wake ? at_ns : wake;
        }
    }
    return wake;
}

// Whose link it is; NULL: nobody's.
static struct target *target_of(const struct link *link)
{
    for (u32 i = 0; i < target_count; i++) {
        if (targets[i].link == link) {
            return &targets[i];
        }
    }
    return NULL;
}

// Whether only the local network names it: a target of its own, or a node of its DHT.
static bool is_hearsay(const struct target *target)
{
    return target == NULL || target->source == SOURCE_LAN;
}

// Whether a target was not dialled yet.
static bool has_untried(const struct node *node, bool with_hearsay)
{
    for (u32 i = 0; i < target_count; i++) {
        if (targets[i].next_ns == 0 && target_ns(node, &targets[i]) != UINT64_MAX &&
            (with_hearsay || !is_hearsay(&targets[i]))) {
            return true;
        }
    }
    return false;
}

bool sources_are_coming(const struct node *node, u64 until_ns)
{
    bool with_hearsay = node->now_ns < until_ns;
    if (is_on[SOURCE_LAN] && wanted_ns + LOADER_LAN_MS * NS_PER_MS > node->now_ns) {
        return true;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        const struct target *target = target_of(link);
        bool is_again = target != NULL && target->why[0] != 0; // nobody waits a second time
        bool counts = with_hearsay || link->kind == LINK_PUBLIC || !is_hearsay(target);
        if (link->is_dialler && link->kind != LINK_ASKED && link_is_coming(link) && !is_again &&
            counts) {
            return true;
        }
    }
    return has_untried(node, with_hearsay);
}

bool sources_are_asked(const struct node *node)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        bool is_asked = link->has_bitswap && link->bitswap.asked_count != 0;
        if (is_asked && (link->kind == LINK_PUBLIC || !is_hearsay(target_of(link)))) {
            return true;
        }
    }
    return false;
}

void sources_opened(const struct link *link)
{
    struct target *target = target_of(link);
    if (target != NULL) {
        target->why[0] = 0;
    }
}

void sources_gone(const struct link *link, struct span why)
{
    struct target *target = target_of(link);
    if (target != NULL) {
        struct text text = text_over(target->why, sizeof target->why);
        text_bytes(&text, why);
        target->link = NULL;
    }
}

void sources_ban(const struct link *link)
{
    struct target *target = target_of(link);
    if (target != NULL) {
        target->is_bad = true;
    }
}

// The address without the peer's id.
static struct span place_of(const struct multiaddr *address)
{
    struct reader in = reader_over(span_of(address->bytes, address->size));
    struct multiaddr_part part;
    size_t size = 0;
    while (reader_left(&in) != 0 && multiaddr_next(&in, &part, NULL) == ERR_OK &&
           part.code != MULTIADDR_P2P) {
        size = address->size - reader_left(&in);
    }
    return span_of(address->bytes, size);
}

u32 sources_tell(struct text *out, u32 before)
{
    u32 count = 0;
    for (u32 i = 0; i < target_count; i++) {
        const struct target *target = &targets[i];
        bool is_open = target->link != NULL && link_is_open(target->link);
        if (is_open || target->source != SOURCE_USER) {
            continue;
        }
        text_string(out, before + count == 0 ? "" : ", ");
        multiaddr_write(out, place_of(&target->address));
        text_string(out, ": ");
        text_string(out, target->why[0] == 0 ? "it hung up" : target->why);
        count++;
    }
    return count;
}
