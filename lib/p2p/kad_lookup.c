// SPDX-License-Identifier: GPL-3.0-or-later
// Candidates lie in one array, and their indices, sorted by distance, in another; an ask holds its
// candidate's index, so one that is being asked keeps its place until the ask is over.
#include "lib/p2p/kad_lookup.h"
#include "core/base/assert.h"
#include "core/base/reader.h"
#include "lib/p2p/multiaddr.h"

#define MS ((u64)1000000)

enum candidate_state { HEARD_OF, ASKED, ANSWERED, FAILED };

enum { IP4_NETWORK_BYTES = 2, IP6_NETWORK_BYTES = 4, BYTE_BITS = 8 };

void kad_lookup_init(struct kad_lookup *lookup, const struct p2p_crypto *crypto, enum kad_goal goal,
                     enum p2p_scope scope, const struct kad_key *key, const struct peer_id *self,
                     u32 providers_wanted, u64 now_ns)
{
    ASSERT(goal != KAD_GOAL_PROVIDERS ||
           (providers_wanted != 0 && providers_wanted <= P2P_KAD_PROVIDERS));
    lookup->crypto = crypto;
    lookup->goal = goal;
    lookup->scope = scope;
    lookup->key = *key;
    lookup->target = kad_place_of(crypto, span_of(key->bytes, key->size));
    lookup->self = *self;
    lookup->providers_wanted = providers_wanted;
    lookup->ask_count = 0;
    lookup->has_converged = false;
    lookup->is_done = false;
    lookup->deadline_ns = now_ns + P2P_KAD_LOOKUP_MS * MS;
    lookup->has_horizon = false;
    lookup->candidate_count = 0;
    lookup->provider_count = 0;
    lookup->has_value = false;
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        lookup->asks[i].is_open = false;
        lookup->asks[i].is_over = false;
        lookup->asks[i].candidate = 0;
        lookup->asks[i].deadline_ns = 0;
    }
}

// ---- candidates

static struct kad_candidate *at(struct kad_lookup *lookup, u32 place)
{
    return &lookup->candidates[lookup->order[place]];
}

// The network of an address, as a number; 0: a name's, which is not known.
static u64 network_of(struct span address)
{
    struct reader in = reader_over(address);
    struct multiaddr_part part;
    if (multiaddr_next(&in, &part, NULL) != ERR_OK ||
        (part.code != MULTIADDR_IP4 && part.code != MULTIADDR_IP6)) {
        return 0;
    }
    u64 network = (u64)part.code;
    u32 bytes = part.code == MULTIADDR_IP4 ? IP4_NETWORK_BYTES : IP6_NETWORK_BYTES;
    for (u32 i = 0; i < bytes; i++) {
        network = network << BYTE_BITS | part.value.data[i];
    }
    return network;
}

static bool has_network(const struct p2p_hint *hint, u64 network)
{
    for (u32 i = 0; i < hint->address_count; i++) {
        if (network_of(p2p_hint_address(hint, i)) == network) {
            return true;
        }
    }
    return false;
}

static bool is_crowded(struct kad_lookup *lookup, u64 network)
{
    u32 count = 0;
    for (u32 i = 0; i < lookup->candidate_count; i++) {
        count += has_network(&at(lookup, i)->hint, network);
    }
    return count >= P2P_KAD_PREFIX;
}

// The peer with those of its addresses whose networks have room. False: none has.
static bool thin_out(struct kad_lookup *lookup, struct p2p_hint *hint)
{
    struct p2p_hint kept = {.peer = hint->peer};
    for (u32 i = 0; i < hint->address_count; i++) {
        struct span address = p2p_hint_address(hint, i);
        u64 network = network_of(address);
        if (network == 0 || !is_crowded(lookup, network)) {
            p2p_hint_add(&kept, lookup->scope, address);
        }
    }
    *hint = kept;
    return kept.address_count != 0;
}

// The place of the farthest that is not being asked.
static u32 find_victim(struct kad_lookup *lookup)
{
    u32 place = lookup->candidate_count - 1;
    while (at(lookup, place)->state == ASKED) { // only P2P_KAD_ALPHA are
        ASSERT(place > 0);
        place--;
    }
    return place;
}

// Takes a candidate out of the order; returns its index.
static u16 take_out(struct kad_lookup *lookup, u32 place)
{
    u16 index = lookup->order[place];
    lookup->candidate_count--;
    mem_move(lookup->order + place, lookup->order + place + 1,
             (lookup->candidate_count - place) * sizeof lookup->order[0]);
    return index;
}

static struct kad_candidate *find(struct kad_lookup *lookup, const struct peer_id *peer)
{
    for (u32 i = 0; i < lookup->candidate_count; i++) {
        if (peer_id_equal(&at(lookup, i)->hint.peer, peer)) {
            return at(lookup, i);
        }
    }
    return NULL;
}

// The place at which a distance belongs.
static u32 place_of(struct kad_lookup *lookup, const struct kad_place *distance)
{
    u32 low = 0, high = lookup->candidate_count;
    while (low < high) {
        u32 middle = (low + high) / 2;
        if (kad_place_compare(&at(lookup, middle)->distance, distance) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// An index for one that is so far away; P2P_KAD_CANDIDATES: it is too far.
static u16 make_room(struct kad_lookup *lookup, const struct kad_place *distance)
{
    if (lookup->candidate_count < P2P_KAD_CANDIDATES) {
        return (u16)lookup->candidate_count; // indices are taken in turn, and stay in use
    }
    u32 victim = find_victim(lookup);
    if (kad_place_compare(distance, &at(lookup, victim)->distance) >= 0) {
        return P2P_KAD_CANDIDATES;
    }
    lookup->has_horizon = true;
    lookup->horizon = at(lookup, victim)->distance;
    return take_out(lookup, victim);
}

static void add_candidate(struct kad_lookup *lookup, const struct p2p_hint *said, bool is_trusted)
{
    struct p2p_hint hint = *said;
    if (lookup->has_converged || peer_id_equal(&hint.peer, &lookup->self)) {
        return;
    }
    struct kad_candidate *known = find(lookup, &hint.peer);
    bool is_limited = !is_trusted && lookup->scope == P2P_SCOPE_PUBLIC;
    if (is_limited && known == NULL && !thin_out(lookup, &hint)) {
        return;
    }
    if (known != NULL) { // who is there already may not grow by what others say of it
        if (known->hint.address_count == 0) {
            p2p_hint_merge(&known->hint, &hint);
        }
        return;
    }
    if (!is_trusted && hint.address_count == 0) {
        return;
    }
    struct kad_place place = kad_place_of(lookup->crypto, peer_id_span(&hint.peer));
    struct kad_place distance = kad_distance(&place, &lookup->target);
    if (lookup->has_horizon && kad_place_compare(&distance, &lookup->horizon) >= 0) {
        return;
    }
    u16 index = make_room(lookup, &distance);
    if (index == P2P_KAD_CANDIDATES) {
        return;
    }
    lookup->candidates[index] = (struct kad_candidate){hint, distance, HEARD_OF};
    u32 to = place_of(lookup, &distance);
    mem_move(lookup->order + to + 1, lookup->order + to,
             (lookup->candidate_count - to) * sizeof lookup->order[0]);
    lookup->order[to] = index;
    lookup->candidate_count++;
}

void kad_lookup_add(struct kad_lookup *lookup, const struct p2p_hint *hint)
{
    add_candidate(lookup, hint, true);
}

// ---- what peers say

static void add_provider(struct kad_lookup *lookup, const struct p2p_hint *hint)
{
    if (lookup->goal != KAD_GOAL_PROVIDERS || peer_id_equal(&hint->peer, &lookup->self)) {
        return;
    }
    for (u32 i = 0; i < lookup->provider_count; i++) {
        struct kad_provider *known = &lookup->providers[i];
        if (peer_id_equal(&known->hint.peer, &hint->peer)) {
            if (known->hint.address_count == 0 && hint->address_count != 0) {
                known->is_told = false;
            }
            p2p_hint_merge(&known->hint, hint);
            return;
        }
    }
    if (lookup->provider_count < P2P_KAD_PROVIDERS) {
        lookup->providers[lookup->provider_count++] = (struct kad_provider){*hint, false};
    }
}

static void end_ask(struct kad_lookup *lookup, u32 ask, enum candidate_state state)
{
    struct kad_ask *over = &lookup->asks[ask];
    if (over->is_open && !over->is_over) {
        over->is_over = true;
        lookup->candidates[over->candidate].state = (u8)state;
    }
}

static void hear(struct kad_lookup *lookup, u32 ask, const struct kad_event *event)
{
    switch (event->part) {
    case KAD_PART_CLOSER:
        add_candidate(lookup, &event->hint, false);
        break;
    case KAD_PART_PROVIDER:
        add_provider(lookup, &event->hint);
        break;
    case KAD_PART_RECORD: // the first of an answer: there is never another
        if (lookup->goal == KAD_GOAL_VALUE && !lookup->has_value && event->bytes.size != 0 &&
            event->bytes.size <= P2P_KAD_VALUE_BYTES &&
            span_equal(event->key, span_of(lookup->key.bytes, lookup->key.size))) {
            lookup->has_value = true;
            lookup->value_peer = lookup->asks[ask].peer;
            lookup->value_size = (u32)event->bytes.size;
            mem_copy(lookup->value, event->bytes.data, event->bytes.size);
        }
        break;
    case KAD_PART_END:
        end_ask(lookup, ask, ANSWERED);
        break;
    default: // what it repeats of the question
        break;
    }
}

enum err kad_lookup_receive(struct kad_lookup *lookup, u32 ask, struct span bytes, size_t *taken,
                            struct report *report)
{
    ASSERT(ask < P2P_KAD_ALPHA);
    struct kad_ask *asked = &lookup->asks[ask];
    struct kad_event event = {.part = KAD_PART_TYPE};
    *taken = 0;
    if (lookup->has_value && asked->is_open && !asked->is_over) {
        return ERR_OK;
    }
    while (asked->is_open && !asked->is_over && event.part != KAD_PART_MORE) {
        size_t took;
        struct span rest = span_slice(bytes, *taken, bytes.size);
        enum err err = kad_read(&asked->reader, rest, &took, &event, report);
        if (err != ERR_OK) {
            *taken = bytes.size;
            end_ask(lookup, ask, FAILED);
            return err;
        }
        *taken += took;
        hear(lookup, ask, &event);
    }
    *taken = bytes.size; // what follows an answer is dropped
    return ERR_OK;
}

void kad_lookup_fail(struct kad_lookup *lookup, u32 ask)
{
    ASSERT(ask < P2P_KAD_ALPHA);
    end_ask(lookup, ask, FAILED);
}

// ---- what comes next

// Have the nearest that did not fail answered, `count` of them or all that there are?
static bool have_answered(struct kad_lookup *lookup, u32 count)
{
    for (u32 i = 0; i < lookup->candidate_count && count != 0; i++) {
        u8 state = at(lookup, i)->state;
        if (state == HEARD_OF || state == ASKED) {
            return false;
        }
        count -= state == ANSWERED;
    }
    return true;
}

// The nearest whom to ask next; NULL: nobody. Once it has converged, of the k nearest only.
static struct kad_candidate *next_candidate(struct kad_lookup *lookup)
{
    u32 nearer = 0;
    if (lookup->ask_count == P2P_KAD_ASKS) {
        return NULL;
    }
    for (u32 i = 0; i < lookup->candidate_count; i++) {
        struct kad_candidate *candidate = at(lookup, i);
        if (lookup->has_converged && nearer == P2P_KAD_K) {
            return NULL;
        }
        if (candidate->state == HEARD_OF) {
            return candidate;
        }
        nearer += candidate->state != FAILED;
    }
    return NULL;
}

static bool has_enough(const struct kad_lookup *lookup)
{
    return lookup->goal == KAD_GOAL_PROVIDERS && lookup->provider_count >= lookup->providers_wanted;
}

// Ends the asks whose answers are of no more use: when it is late, when there is enough, and of
// those that are not among the nearest once it has converged.
static void end_asks(struct kad_lookup *lookup, u64 now_ns)
{
    bool is_over = now_ns >= lookup->deadline_ns || has_enough(lookup);
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        if (is_over || now_ns >= lookup->asks[i].deadline_ns) {
            end_ask(lookup, i, FAILED);
        }
    }
    u32 nearer = 0;
    for (u32 i = 0; lookup->has_converged && i < lookup->candidate_count; i++) {
        struct kad_candidate *candidate = at(lookup, i);
        for (u32 ask = 0; nearer >= P2P_KAD_K && ask < P2P_KAD_ALPHA; ask++) {
            if (lookup->asks[ask].candidate == lookup->order[i]) {
                end_ask(lookup, ask, FAILED);
            }
        }
        nearer += candidate->state != FAILED;
    }
    lookup->is_done |= is_over;
}

static struct kad_step begin_ask(struct kad_lookup *lookup, u32 ask,
                                 struct kad_candidate *candidate, u64 now_ns)
{
    struct kad_ask *asked = &lookup->asks[ask];
    u64 limit_ms = lookup->scope == P2P_SCOPE_LAN ? P2P_KAD_ASK_LAN_MS : P2P_KAD_ASK_PUBLIC_MS;
    candidate->state = ASKED;
    asked->is_open = true;
    asked->is_over = false;
    asked->candidate = (u16)(candidate - lookup->candidates);
    asked->peer = candidate->hint.peer;
    asked->deadline_ns = now_ns + limit_ms * MS;
    kad_reader_init(&asked->reader, lookup->scope);
    lookup->ask_count++;
    return (struct kad_step){.kind = KAD_STEP_ASK, .ask = ask, .hint = &candidate->hint};
}

// What was heard and is not told yet. WAIT: nothing.
static struct kad_step next_news(struct kad_lookup *lookup)
{
    if (lookup->has_value) {
        lookup->has_value = false;
        return (struct kad_step){.kind = KAD_STEP_VALUE,
                                 .value = span_of(lookup->value, lookup->value_size),
                                 .peer = lookup->value_peer};
    }
    for (u32 i = 0; i < lookup->provider_count; i++) {
        if (!lookup->providers[i].is_told) {
            lookup->providers[i].is_told = true;
            return (struct kad_step){.kind = KAD_STEP_PROVIDER, .hint = &lookup->providers[i].hint};
        }
    }
    return (struct kad_step){.kind = KAD_STEP_WAIT};
}

struct kad_step kad_lookup_next(struct kad_lookup *lookup, u64 now_ns)
{
    struct kad_step news = next_news(lookup);
    if (news.kind != KAD_STEP_WAIT) {
        return news;
    }
    u32 needed = lookup->scope == P2P_SCOPE_LAN ? P2P_KAD_K : P2P_KAD_BETA;
    lookup->has_converged |= have_answered(lookup, needed);
    end_asks(lookup, now_ns);
    u32 free = P2P_KAD_ALPHA, open = 0;
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        struct kad_ask *ask = &lookup->asks[i];
        if (ask->is_open && ask->is_over) {
            ask->is_open = false;
            return (struct kad_step){.kind = KAD_STEP_LEAVE, .ask = i};
        }
        open += ask->is_open;
        free = ask->is_open || free < i ? free : i;
    }
    struct kad_candidate *candidate = lookup->is_done ? NULL : next_candidate(lookup);
    if (candidate != NULL && free < P2P_KAD_ALPHA) {
        return begin_ask(lookup, free, candidate, now_ns);
    }
    lookup->is_done |= candidate == NULL && open == 0;
    return (struct kad_step){.kind = lookup->is_done && open == 0 ? KAD_STEP_DONE : KAD_STEP_WAIT};
}

size_t kad_lookup_request(const struct kad_lookup *lookup, u8 *out, size_t capacity)
{
    static const enum kad_type types[] = {[KAD_GOAL_CLOSEST] = KAD_FIND_NODE,
                                          [KAD_GOAL_PROVIDERS] = KAD_GET_PROVIDERS,
                                          [KAD_GOAL_VALUE] = KAD_GET_VALUE};
    struct kad_message message = {.type = types[lookup->goal],
                                  .key = span_of(lookup->key.bytes, lookup->key.size)};
    return kad_write(&message, out, capacity);
}

u64 kad_lookup_wake(const struct kad_lookup *lookup)
{
    if (lookup->is_done) {
        return UINT64_MAX;
    }
    u64 wake = lookup->deadline_ns;
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        if (lookup->asks[i].is_open && lookup->asks[i].deadline_ns < wake) {
            wake = lookup->asks[i].deadline_ns;
        }
    }
    return wake;
}

u32 kad_lookup_closest(const struct kad_lookup *lookup, const struct p2p_hint *out[P2P_KAD_K])
{
    u32 count = 0;
    for (u32 i = 0; i < lookup->candidate_count && count < P2P_KAD_K; i++) {
        const struct kad_candidate *candidate = &lookup->candidates[lookup->order[i]];
        if (candidate->state == ANSWERED) {
            out[count++] = &candidate->hint;
        }
    }
    return count;
}
