// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/sources.h"
#include "core/base/reader.h"
#include "core/base/span.h"
#include "core/base/text.h"
#include "programs/p2p-loader/lan.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"

enum { WHY_BYTES = 64 };

struct target {
    struct multiaddr address;
    bool is_hint;
    const struct link *link; // NULL: there is none
    u64 next_ns;             // when it may be dialled
    char why[WHY_BYTES];     // the last link is gone
};

static struct target targets[LOADER_TARGETS];
static u32 target_count, hint_at;
static bool was_wanted;
static u64 wanted_ns; // since when something is looked for
static u64 good_ns;   // since when no block has come

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
    targets[target_count++] = (struct target){.address = *address};
    return ERR_OK;
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
static void hint_put(const struct multiaddr *address)
{
    struct target target = {.address = *address, .is_hint = true};
    if (target_count < LOADER_TARGETS) {
        targets[target_count++] = target;
        return;
    }
    for (u32 i = 0; i < LOADER_TARGETS; i++) {
        struct target *old = &targets[(hint_at + i) % LOADER_TARGETS];
        if (old->is_hint && old->link == NULL) {
            hint_at = (hint_at + i + 1) % LOADER_TARGETS;
            *old = target;
            return;
        }
    }
}

void sources_hint(const struct p2p_hint *hint)
{
    for (u32 i = 0; i < hint->address_count; i++) {
        char words[P2P_MULTIADDR_TEXT_BYTES];
        struct text text = text_over(words, sizeof words);
        struct multiaddr address;
        multiaddr_write(&text, p2p_hint_address(hint, i));
        text_string(&text, "/p2p/");
        peer_id_write(&text, &hint->peer);
        if (multiaddr_parse(span_of(text.data, text.size), &address, NULL) == ERR_OK &&
            !is_known(&address)) {
            hint_put(&address);
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
    if (multiaddr_target(span_of(target->address.bytes, target->address.size), &where, NULL) !=
            ERR_OK ||
        !where.has_peer) {
        return false;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        const struct peer_id *peer = link_is_open(link) ? &link->connection.peer : &link->expected;
        if (peer_id_equal(peer, &where.peer)) {
            return true;
        }
    }
    return peer_id_equal(&node->host.id, &where.peer);
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
        u64 stage_ns = lan_is_on() && !target->is_hint ? LOADER_STAGE_MS * NS_PER_MS : 0;
        u64 at_ns = target->next_ns > good_ns + stage_ns ? target->next_ns : good_ns + stage_ns;
        if (target->link != NULL || is_linked(node, target)) {
            continue;
        }
        if (at_ns > node->now_ns) {
            wake = at_ns < wake ? at_ns : wake;
            continue;
        }
        target->link = link_dial(node, &target->address);
        target->next_ns = node->now_ns + LOADER_REDIAL_MS * NS_PER_MS;
    }
    if (is_wanted && lan_is_on() && wanted_ns + LOADER_LAN_MS * NS_PER_MS > node->now_ns) {
        u64 at_ns = wanted_ns + LOADER_LAN_MS * NS_PER_MS;
        wake = at_ns < wake ? at_ns : wake;
    }
    return wake;
}

// Whether a target was not dialled yet.
static bool has_untried(const struct node *node)
{
    for (u32 i = 0; i < target_count; i++) {
        if (targets[i].next_ns == 0 && targets[i].link == NULL && !is_linked(node, &targets[i])) {
            return true;
        }
    }
    return false;
}

bool sources_are_coming(const struct node *node)
{
    if (lan_is_on() && wanted_ns + LOADER_LAN_MS * NS_PER_MS > node->now_ns) {
        return true;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (link->is_dialler && link_is_coming(link)) {
            return true;
        }
    }
    return has_untried(node);
}

static struct target *target_of(const struct link *link)
{
    for (u32 i = 0; i < target_count; i++) {
        if (targets[i].link == link) {
            return &targets[i];
        }
    }
    return NULL;
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
        if (is_open || target->is_hint) {
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
