// SPDX-License-Identifier: GPL-3.0-or-later
// Whom to ask for what. Each want has a list of the peers that were asked for it and what they
// said. A want that nobody is about to send is looked at: among the peers that gave something for
// the same session, or are thought to have it, the one that owes us least is asked for the block;
// with nobody known, one peer is asked for the block and others whether they have it. A peer that
// makes no progress, or lies, keeps its asks until it is late, but others are asked beside it; and
// who has nothing left to send is asked for what another has not sent for long.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "lib/p2p/bitswap.h"
#include "lib/p2p/bitswap_internal.h"

#define ASK_OF_WANT(node) LIST_ITEM(node, struct bitswap_ask, of_want)
#define ASK_OF_PEER(node) LIST_ITEM(node, struct bitswap_ask, of_peer)
#define WANT_OF(node) LIST_ITEM(node, struct bitswap_want, of_engine)
#define PEER_OF(node) LIST_ITEM(node, struct bitswap_peer, of_engine)
#define MS(count) ((count) * BITSWAP_NS_PER_MS)

void bitswap_wants_init(struct bitswap *engine)
{
    const struct bitswap_config *config = &engine->config;
    list_init(&engine->free_wants);
    list_init(&engine->look_wants);
    list_init(&engine->missing_wants);
    list_init(&engine->idle_wants);
    list_init(&engine->free_asks);
    for (u32 i = 0; i < P2P_BITSWAP_HASHES; i++) {
        list_init(&engine->want_hash[i]);
    }
    for (u32 i = 0; i < config->want_count; i++) {
        config->wants[i] = (struct bitswap_want){0};
        list_append(&engine->free_wants, &config->wants[i].of_engine);
    }
    for (u32 i = 0; i < config->ask_count; i++) {
        config->asks[i] = (struct bitswap_ask){0};
        list_append(&engine->free_asks, &config->asks[i].of_want);
    }
}

static struct bitswap_want *find_want(const struct bitswap *engine, const struct cid *cid)
{
    const struct list *list = &engine->want_hash[bitswap_hash(engine, cid)];
    for (struct list_node *at = list_first(list); at != NULL; at = list_next(list, at)) {
        struct bitswap_want *want = LIST_ITEM(at, struct bitswap_want, of_hash);
        if (cid_equal(&want->cid, cid)) {
            return want;
        }
    }
    return NULL;
}

static struct bitswap_ask *find_ask(const struct bitswap_want *want,
                                    const struct bitswap_peer *peer)
{
    for (struct list_node *at = list_first(&want->asks); at != NULL;
         at = list_next(&want->asks, at)) {
        if (ASK_OF_WANT(at)->peer == peer) {
            return ASK_OF_WANT(at);
        }
    }
    return NULL;
}

static void look(struct bitswap *engine, struct bitswap_want *want)
{
    list_remove(&want->of_engine);
    list_append(&engine->look_wants, &want->of_engine);
}

// ---- asks

static bool is_pending(const struct bitswap_ask *ask)
{
    return ask->state == BITSWAP_ASK_NEW || ask->state == BITSWAP_ASK_SENT;
}

// Another state, or none at all: what is counted follows.
static void uncount(struct bitswap_ask *ask)
{
    struct bitswap_peer *peer = ask->peer;
    if (ask->state == BITSWAP_ASK_NEW) {
        peer->unsent_count--;
    }
    if (is_pending(ask) && ask->is_block) {
        peer->asked_count--;
    }
}

static void ask_free(struct bitswap *engine, struct bitswap_ask *ask)
{
    uncount(ask);
    list_remove(&ask->of_want);
    list_remove(&ask->of_peer);
    *ask = (struct bitswap_ask){0};
    list_prepend(&engine->free_asks, &ask->of_want);
}

// It is to be sent.
static void ask_begin(struct bitswap *engine, struct bitswap_ask *ask)
{
    struct bitswap_peer *peer = ask->peer;
    ask->state = BITSWAP_ASK_NEW;
    ask->since_ns = engine->now_ns;
    ask->tries++;
    ask->want->is_told = false;
    peer->unsent_count++;
    if (ask->is_block) {
        peer->progress_ns = peer->asked_count == 0 ? engine->now_ns : peer->progress_ns;
        peer->asked_count++;
    }
}

// False: there is no memory for one more.
static bool ask_make(struct bitswap *engine, struct bitswap_want *want, struct bitswap_peer *peer,
                     bool is_block)
{
    struct bitswap_ask *ask = find_ask(want, peer);
    if (ask != NULL) {
        ask_free(engine, ask);
    }
    struct list_node *node = list_take(&engine->free_asks);
    if (node == NULL) {
        return false;
    }
    ask = ASK_OF_WANT(node);
    *ask = (struct bitswap_ask){.want = want, .peer = peer, .is_block = is_block};
    list_append(&want->asks, &ask->of_want);
    list_append(&peer->asks, &ask->of_peer);
    ask_begin(engine, ask);
    return true;
}

static struct bitswap_recent *find_recent(struct bitswap_peer *peer,
                                          const u8 digest[CID_DIGEST_BYTES])
{
    for (u32 i = 0; i < P2P_BITSWAP_RECENT; i++) {
        struct bitswap_recent *recent = &peer->recent[i];
        if (recent->since_ns != 0 && mem_equal(recent->cid.digest, digest, CID_DIGEST_BYTES)) {
            return recent;
        }
    }
    return NULL;
}

// The peer was asked and is not any more: it is told, and what it may have sent is expected.
static void give_up(struct bitswap_ask *ask)
{
    struct bitswap_peer *peer = ask->peer;
    if (ask->state != BITSWAP_ASK_SENT) {
        return;
    }
    struct bitswap_recent *recent = find_recent(peer, ask->want->cid.digest);
    if (recent == NULL) {
        recent = &peer->recent[peer->recent_at];
        peer->recent_at = (peer->recent_at + 1) % P2P_BITSWAP_RECENT;
    }
    peer->cancel_count -= recent->cancels ? 1 : 0;
    peer->cancel_count++;
    *recent = (struct bitswap_recent){
        .cid = ask->want->cid, .since_ns = ask->since_ns, .is_owed = true, .cancels = true};
}

static void want_free(struct bitswap *engine, struct bitswap_want *want)
{
    struct list_node *node;
    while ((node = list_first(&want->asks)) != NULL) {
        give_up(ASK_OF_WANT(node));
        ask_free(engine, ASK_OF_WANT(node));
    }
    list_remove(&want->of_engine);
    list_remove(&want->of_hash);
    *want = (struct bitswap_want){0};
    list_prepend(&engine->free_wants, &want->of_engine);
    engine->want_count--;
}

// ---- what the caller wants

enum err bitswap_want(struct bitswap *engine, u32 session, const struct cid *cid, u64 now_ns)
{
    ASSERT(session < P2P_BITSWAP_SESSIONS);
    ASSERT(cid->codec == CID_RAW || cid->codec == CID_DAG_PB);
    engine->now_ns = now_ns;
    struct bitswap_want *want = find_want(engine, cid);
    if (want == NULL) {
        struct list_node *node = list_take(&engine->free_wants);
        if (node == NULL) {
            return ERR_BUSY;
        }
        want = WANT_OF(node);
        *want = (struct bitswap_want){.cid = *cid, .serial = engine->want_serial++};
        list_init(&want->asks);
        list_append(&engine->idle_wants, &want->of_engine);
        list_append(&engine->want_hash[bitswap_hash(engine, cid)], &want->of_hash);
        engine->want_count++;
    }
    want->sessions |= (u32)1 << session;
    want->is_told = false;
    look(engine, want);
    return ERR_OK;
}

static void leave_session(struct bitswap *engine, struct bitswap_want *want, u32 session)
{
    want->sessions &= ~((u32)1 << session);
    if (want->sessions == 0) {
        want_free(engine, want);
    }
}

void bitswap_cancel(struct bitswap *engine, u32 session, const struct cid *cid, u64 now_ns)
{
    engine->now_ns = now_ns;
    struct bitswap_want *want = find_want(engine, cid);
    if (want != NULL) {
        leave_session(engine, want, session);
    }
}

void bitswap_session_end(struct bitswap *engine, u32 session, u64 now_ns)
{
    ASSERT(session < P2P_BITSWAP_SESSIONS);
    engine->now_ns = now_ns;
    for (u32 i = 0; i < engine->config.want_count; i++) {
        if (engine->config.wants[i].sessions != 0) {
            leave_session(engine, &engine->config.wants[i], session);
        }
    }
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        PEER_OF(at)->sessions &= ~((u32)1 << session);
        PEER_OF(at)->hints &= ~((u32)1 << session);
    }
}

void bitswap_hint(struct bitswap *engine, u32 session, struct bitswap_peer *peer, u64 now_ns)
{
    ASSERT(session < P2P_BITSWAP_SESSIONS);
    engine->now_ns = now_ns;
    peer->hints |= (u32)1 << session;
    bitswap_wants_look(engine, true);
}

bool bitswap_wanted(const struct bitswap *engine, u32 *at, struct cid *cid, u32 *sessions,
                    bool *is_missing)
{
    for (; *at < engine->config.want_count; (*at)++) {
        const struct bitswap_want *want = &engine->config.wants[*at];
        if (want->sessions != 0) {
            *cid = want->cid;
            *sessions = want->sessions;
            *is_missing = want->is_told;
            (*at)++;
            return true;
        }
    }
    return false;
}

enum bitswap_said bitswap_said(const struct bitswap *engine, const struct cid *cid,
                               const struct bitswap_peer *peer)
{
    static const u8 said[] = {[BITSWAP_ASK_NEW] = BITSWAP_ASKED,
                              [BITSWAP_ASK_SENT] = BITSWAP_ASKED,
                              [BITSWAP_ASK_HAS] = BITSWAP_HAS,
                              [BITSWAP_ASK_LACKS] = BITSWAP_LACKS,
                              [BITSWAP_ASK_LATE] = BITSWAP_LATE};
    const struct bitswap_want *want = find_want(engine, cid);
    const struct bitswap_ask *ask = want == NULL ? NULL : find_ask(want, peer);
    return ask == NULL ? BITSWAP_NOT_ASKED : (enum bitswap_said)said[ask->state];
}

// ---- whom to ask

// How likely it is that a peer has what is wanted; of equal ones, who owes least is asked.
enum rank {
    RANK_NONE,
    RANK_STALLED, // nobody better
    RANK_ANY,
    RANK_KNOWN, // it gave something for the session, or is thought to have it
    RANK_SAID,  // it says so
};

struct choice {
    enum rank rank;
    struct bitswap_peer *peer;
    u32 known_count; // peers of RANK_KNOWN or better, some perhaps with too much to do
    bool waits;      // there are others, later
};

static void consider(struct choice *choice, struct bitswap_peer *peer, enum rank rank)
{
    choice->known_count += rank >= RANK_KNOWN ? 1 : 0;
    if (peer->asked_count >= P2P_BITSWAP_PEER_WANTS) {
        choice->waits = true;
        return;
    }
    bool is_better = rank > choice->rank ||
                     (rank == choice->rank && peer->asked_count < choice->peer->asked_count);
    if (is_better) {
        choice->rank = rank;
        choice->peer = peer;
    }
}

// Of a peer that was not asked for this want, or is only known to have it.
static enum rank rank_of(struct bitswap *engine, const struct bitswap_want *want,
                         struct bitswap_peer *peer, bool has, bool *waits)
{
    if (!bitswap_is_usable(engine, peer)) {
        return RANK_NONE;
    }
    struct bitswap_recent *recent = find_recent(peer, want->cid.digest);
    if (recent != NULL && engine->now_ns - recent->since_ns < MS((u64)P2P_BITSWAP_REASK_MS)) {
        *waits = true;
        return RANK_NONE;
    }
    if (peer->is_stalled) {
        return RANK_STALLED;
    }
    if (has) {
        return RANK_SAID;
    }
    return ((peer->sessions | peer->hints) & want->sessions) != 0 ? RANK_KNOWN : RANK_ANY;
}

// What the peers that were asked make of a want.
struct standing {
    u32 blocks; // asked for it, and about to send it
    u32 slow;   // asked for it, and not getting on, or for long
    u32 haves;  // asked whether they have it
};

static struct standing stand(struct bitswap *engine, struct bitswap_want *want)
{
    struct standing standing = {0};
    engine->mark++;
    for (struct list_node *at = list_first(&want->asks); at != NULL;
         at = list_next(&want->asks, at)) {
        const struct bitswap_ask *ask = ASK_OF_WANT(at);
        ask->peer->mark = engine->mark;
        if (!is_pending(ask)) {
            continue;
        }
        bool is_old = engine->now_ns - ask->since_ns >= MS((u64)P2P_BITSWAP_STALL_MS);
        if (!ask->is_block) {
            standing.haves++;
        } else if (ask->peer->is_stalled || is_old) {
            standing.slow++;
        } else {
            standing.blocks++;
        }
    }
    return standing;
}

static struct choice choose(struct bitswap *engine, struct bitswap_want *want)
{
    struct choice choice = {0};
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *peer = PEER_OF(at);
        bool has = false;
        if (peer->mark == engine->mark) {
            const struct bitswap_ask *ask = find_ask(want, peer);
            has = ask->state == BITSWAP_ASK_HAS;
            if (!has) {
                continue;
            }
        }
        enum rank rank = rank_of(engine, want, peer, has, &choice.waits);
        if (rank != RANK_NONE) {
            consider(&choice, peer, rank);
        }
    }
    // The best of them has the least to do of its rank. Enough is enough where they share.
    if (choice.known_count > 1 && choice.peer != NULL &&
        choice.peer->asked_count >= P2P_BITSWAP_SHARED_WANTS) {
        choice.peer = NULL;
        choice.waits = true;
    }
    return choice;
}

// Asks more peers whether they have it.
static u32 ask_around(struct bitswap *engine, struct bitswap_want *want, u32 haves, bool *waits)
{
    for (struct list_node *at = list_first(&engine->peers); at != NULL && haves < P2P_BITSWAP_HAVES;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *peer = PEER_OF(at);
        if (peer->mark == engine->mark || rank_of(engine, want, peer, false, waits) == RANK_NONE) {
            continue;
        }
        peer->mark = engine->mark;
        if (!ask_make(engine, want, peer, false)) {
            break;
        }
        haves++;
    }
    return haves;
}

static bool is_somebody_slow_enough(const struct standing *standing, const struct choice *choice,
                                    const struct bitswap_want *want)
{
    // Beside one that is slow, another is asked if it has nothing to do, or the slow one stalls.
    if (standing->slow == 0 || choice->peer->asked_count == 0) {
        return true;
    }
    for (struct list_node *at = list_first(&want->asks); at != NULL;
         at = list_next(&want->asks, at)) {
        const struct bitswap_ask *ask = ASK_OF_WANT(at);
        if (is_pending(ask) && ask->is_block && !ask->peer->is_stalled) {
            return false;
        }
    }
    return true;
}

// Nobody else is left: one that was late, and has given something before, is asked again. Its last
// ask was cancelled, and is longer ago than P2P_BITSWAP_REASK_MS.
static bool ask_again(struct bitswap *engine, struct bitswap_want *want)
{
    for (struct list_node *at = list_first(&want->asks); at != NULL;
         at = list_next(&want->asks, at)) {
        struct bitswap_ask *ask = ASK_OF_WANT(at);
        if (ask->state == BITSWAP_ASK_LATE && ask->is_block && ask->tries < P2P_BITSWAP_TRIES &&
            ask->peer->wanted_bytes != 0 && bitswap_is_usable(engine, ask->peer)) {
            ask_begin(engine, ask);
            return true;
        }
    }
    return false;
}

static void want_look(struct bitswap *engine, struct bitswap_want *want)
{
    struct standing standing = stand(engine, want);
    struct choice choice = {0};
    list_remove(&want->of_engine);
    list_append(&engine->idle_wants, &want->of_engine);
    want->waits = standing.slow != 0;
    if (standing.blocks != 0) {
        return;
    }
    choice = choose(engine, want);
    if (choice.peer != NULL && is_somebody_slow_enough(&standing, &choice, want) &&
        !(choice.rank < RANK_KNOWN && choice.known_count != 0)) {
        bool is_around = choice.rank == RANK_ANY && standing.slow == 0;
        choice.peer->mark = engine->mark;
        if (ask_make(engine, want, choice.peer, true)) {
            standing.blocks++;
        }
        if (is_around) {
            standing.haves = ask_around(engine, want, standing.haves, &choice.waits);
        }
    }
    want->waits = want->waits || choice.waits || (choice.peer != NULL && standing.blocks == 0);
    if (standing.blocks + standing.slow + standing.haves == 0 && !want->waits && !want->is_told &&
        !ask_again(engine, want)) {
        list_remove(&want->of_engine);
        list_append(&engine->missing_wants, &want->of_engine);
    }
}

bool bitswap_wants_missing(struct bitswap *engine, struct bitswap_event *out)
{
    struct list_node *node = list_take(&engine->missing_wants);
    if (node == NULL) {
        return false;
    }
    struct bitswap_want *want = WANT_OF(node);
    want->is_told = true;
    list_append(&engine->idle_wants, node);
    out->kind = BITSWAP_EVENT_MISSING;
    out->cid = want->cid;
    out->sessions = want->sessions;
    return true;
}

void bitswap_wants_look(struct bitswap *engine, bool all)
{
    struct list_node *next;
    while (all && (next = list_first(&engine->missing_wants)) != NULL) {
        look(engine, WANT_OF(next));
    }
    for (struct list_node *at = list_first(&engine->idle_wants); at != NULL; at = next) {
        struct bitswap_want *want = WANT_OF(at);
        next = list_next(&engine->idle_wants, at);
        if (all || want->waits) {
            look(engine, want);
        }
    }
}

void bitswap_wants_of(struct bitswap *engine, struct bitswap_peer *peer)
{
    for (struct list_node *at = list_first(&peer->asks); at != NULL;
         at = list_next(&peer->asks, at)) {
        look(engine, ASK_OF_PEER(at)->want);
    }
}

void bitswap_wants_leave(struct bitswap *engine, struct bitswap_peer *peer)
{
    struct list_node *node;
    bitswap_wants_of(engine, peer);
    while ((node = list_first(&peer->asks)) != NULL) {
        ask_free(engine, ASK_OF_PEER(node));
    }
    ASSERT(peer->asked_count == 0 && peer->unsent_count == 0);
}

// ---- what comes

void bitswap_wants_unwanted(struct bitswap *engine, struct bitswap_peer *peer, u32 size)
{
    peer->unwanted_bytes += size;
    peer->liar_count++;
    bitswap_notify(engine, peer, BITSWAP_NOTICE_UNWANTED);
    if (peer->asked_count != 0 && !peer->is_stalled) { // perhaps it was to be the one asked for
        peer->is_stalled = true;
        bitswap_wants_of(engine, peer);
    }
    if (peer->unwanted_bytes > P2P_BITSWAP_UNWANTED_BYTES) {
        bitswap_fail(engine, peer, ERR_LIMIT, "it sends blocks that nobody asked it for");
    }
}

void bitswap_wants_skipped(struct bitswap *engine, struct bitswap_peer *peer, u32 size)
{
    for (u32 i = 0; i < P2P_BITSWAP_RECENT; i++) {
        if (peer->recent[i].is_owed) {
            peer->recent[i].is_owed = false;
            return;
        }
    }
    bitswap_wants_unwanted(engine, peer, size);
}

static struct bitswap_want *find_digest(struct bitswap *engine, const u8 digest[CID_DIGEST_BYTES])
{
    struct cid cid = {.codec = CID_RAW};
    mem_copy(cid.digest, digest, CID_DIGEST_BYTES);
    struct bitswap_want *want = find_want(engine, &cid);
    cid.codec = CID_DAG_PB;
    return want != NULL ? want : find_want(engine, &cid);
}

bool bitswap_wants_block(struct bitswap *engine, struct bitswap_peer *peer,
                         const u8 digest[CID_DIGEST_BYTES], u32 size, struct cid *cid,
                         u32 *sessions)
{
    struct bitswap_want *want = find_digest(engine, digest);
    struct bitswap_recent *recent = find_recent(peer, digest);
    bool was_owed = recent != NULL && recent->is_owed;
    if (recent != NULL) {
        recent->is_owed = false;
        peer->cancel_count -= recent->cancels ? 1 : 0;
        recent->cancels = false;
    }
    if (want == NULL) {
        if (!was_owed) {
            bitswap_wants_unwanted(engine, peer, size);
        }
        return false;
    }
    struct bitswap_ask *ask = find_ask(want, peer);
    if (ask != NULL) {
        ask_free(engine, ask); // it needs no cancel
    }
    peer->is_stalled = false;
    peer->progress_ns = engine->now_ns;
    peer->sessions |= want->sessions;
    peer->wanted_bytes += size;
    peer->wanted_count++;
    peer->unwanted_bytes -= size < peer->unwanted_bytes ? size : peer->unwanted_bytes;
    *cid = want->cid;
    *sessions = want->sessions;
    want_free(engine, want);
    bitswap_wants_look(engine, false); // the peer has less to do
    return true;
}

void bitswap_wants_presence(struct bitswap *engine, struct bitswap_peer *peer,
                            const struct cid *cid, bool has)
{
    struct bitswap_want *want = find_want(engine, cid);
    struct bitswap_ask *ask = want == NULL ? NULL : find_ask(want, peer);
    if (ask == NULL || ask->state == BITSWAP_ASK_NEW || (has && ask->is_block) ||
        ask->state == (has ? BITSWAP_ASK_HAS : BITSWAP_ASK_LACKS)) {
        return; // nobody asked, the block is to follow, or it is no news
    }
    uncount(ask);
    ask->state = has ? BITSWAP_ASK_HAS : BITSWAP_ASK_LACKS;
    if (has) {
        peer->sessions |= want->sessions;
    } else {
        peer->hints &= ~want->sessions;
    }
    look(engine, want);
}

// ---- time

static void ask_tick(struct bitswap *engine, struct bitswap_ask *ask, bool *late)
{
    struct bitswap_peer *peer = ask->peer;
    u64 age = engine->now_ns - ask->since_ns;
    u64 silence = engine->now_ns - peer->progress_ns;
    // Who sent something else than it was asked for gets no more patience than others get before
    // the same is asked of somebody else.
    u64 patience_ms = peer->liar_count != 0 ? P2P_BITSWAP_STALL_MS : P2P_BITSWAP_LATE_MS;
    if (!is_pending(ask)) {
        return;
    }
    if (!ask->is_block && age >= MS((u64)P2P_BITSWAP_HAVE_MS)) {
        uncount(ask);
        ask->state = BITSWAP_ASK_LATE;
        look(engine, ask->want);
    } else if (ask->is_block && silence >= MS(patience_ms)) {
        give_up(ask);
        uncount(ask);
        ask->state = BITSWAP_ASK_LATE;
        *late = true;
        look(engine, ask->want);
    } else if (ask->is_block && age >= MS((u64)P2P_BITSWAP_STALL_MS)) {
        look(engine, ask->want);
    }
}

void bitswap_wants_tick(struct bitswap *engine)
{
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *peer = PEER_OF(at);
        bool late = false;
        u64 silence = engine->now_ns - peer->progress_ns;
        if (peer->asked_count != 0 && silence >= MS((u64)P2P_BITSWAP_STALL_MS)) {
            peer->is_stalled = true;
        }
        for (struct list_node *node = list_first(&peer->asks); node != NULL;
             node = list_next(&peer->asks, node)) {
            ask_tick(engine, ASK_OF_PEER(node), &late);
        }
        if (late) {
            peer->late_count++;
            bitswap_notify(engine, peer, BITSWAP_NOTICE_LATE);
        }
    }
    bitswap_wants_look(engine, false);
}

// ---- messages

// The next entry for a peer, which is sent now; false: there is none.
static bool next_entry(struct bitswap *engine, struct bitswap_peer *peer, struct bitswap_item *out)
{
    for (u32 i = 0; i < P2P_BITSWAP_RECENT && peer->cancel_count != 0; i++) {
        struct bitswap_recent *recent = &peer->recent[i];
        if (recent->cancels) {
            recent->cancels = false;
            peer->cancel_count--;
            *out = (struct bitswap_item){.cid = recent->cid, .is_cancel = true, .is_block = true};
            return true;
        }
    }
    for (struct list_node *at = list_first(&peer->asks); at != NULL && peer->unsent_count != 0;
         at = list_next(&peer->asks, at)) {
        struct bitswap_ask *ask = ASK_OF_PEER(at);
        if (ask->state == BITSWAP_ASK_NEW) {
            ask->state = BITSWAP_ASK_SENT;
            ask->since_ns = engine->now_ns;
            peer->unsent_count--;
            *out =
                (struct bitswap_item){.cid = ask->want->cid,
                                      .priority = (i32)(INT32_MAX - (ask->want->serial & 0xffffff)),
                                      .is_block = ask->is_block,
                                      .wants_no = true};
            return true;
        }
    }
    return false;
}

static void send_wants(struct bitswap *engine, struct bitswap_peer *peer)
{
    struct p2p_stream *stream = bitswap_outbox_open(engine, peer, &peer->want_box);
    struct bitswap_item entry;
    size_t size = BITSWAP_HEAD_BYTES;
    u8 head[BITSWAP_HEAD_BYTES];
    if (stream == NULL || !p2p_stream_fits(stream, sizeof engine->scratch)) {
        return; // the next tick, or the stream, says when to try again
    }
    while (size + BITSWAP_ENTRY_BYTES <= sizeof engine->scratch &&
           next_entry(engine, peer, &entry)) {
        size += bitswap_entry_write(&entry, engine->scratch + size);
    }
    size_t head_size = bitswap_wantlist_head(size - BITSWAP_HEAD_BYTES, head);
    u8 *start = engine->scratch + BITSWAP_HEAD_BYTES - head_size;
    mem_copy(start, head, head_size);
    size_t message = size - BITSWAP_HEAD_BYTES + head_size;
    size_t done = p2p_stream_write(stream, span_of(start, message));
    ASSERT(done == message);
    peer->want_box.used_ns = engine->now_ns;
}

// New wants of a peer with enough to do go in a batch.
static bool is_due(const struct bitswap_peer *peer)
{
    return peer->cancel_count != 0 || peer->unsent_count >= P2P_BITSWAP_BATCH ||
           (peer->unsent_count != 0 && peer->asked_count <= P2P_BITSWAP_BATCH + peer->unsent_count);
}

void bitswap_wants_run(struct bitswap *engine)
{
    struct list_node *node;
    while ((node = list_first(&engine->look_wants)) != NULL) {
        want_look(engine, WANT_OF(node));
    }
    for (struct list_node *at = list_first(&engine->peers); at != NULL;
         at = list_next(&engine->peers, at)) {
        struct bitswap_peer *peer = PEER_OF(at);
        u32 left = peer->cancel_count + peer->unsent_count;
        while (is_due(peer) && bitswap_is_usable(engine, peer)) {
            send_wants(engine, peer);
            if (peer->cancel_count + peer->unsent_count == left) {
                break;
            }
            left = peer->cancel_count + peer->unsent_count;
        }
    }
}
