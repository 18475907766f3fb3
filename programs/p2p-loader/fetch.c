// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/fetch.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/keep.h"
#include "lib/p2p/walk.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/gateway.h"
#include "programs/p2p-loader/history.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/progress.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/search.h"
#include "programs/p2p-loader/sources.h"
#include "programs/rt/redshirt.h"

enum {
    LOOK_MS = 1000, // between two turns, where nothing happens
    REQUEST_BYTES = 128,
    PUT_HEAD_BYTES = 4 + CID_TEXT_LETTERS + 4, // of a message with a block: its name, its size
    LIAR_BYTES = WEB_ADDRESS_BYTES + 1,        // longer than a peer as it is shown
    TELL_PEERS = 8, // that are told of, when nobody has something; the others are counted
};

// Where is searched, as enum p2p_scope has it.
enum { FETCH_SEARCHES = P2P_SCOPE_PUBLIC + 1 };

struct fetch {
    bool is_used;
    u32 generation; // so that answers of the store find the right one
    u32 session;
    struct cid root;
    u32 client_count;
    u64 clients[LOADER_CLIENTS];
    bool has_inner;   // fetch_ended is called
    bool needs_peers; // the store lacks some of it
    struct p2p_walk walk;
    struct p2p_walk_item *items;
    u32 wanted_count; // blocks that the walk asked for and that are not there
    u32 put_count;
    u64 got_bytes, got_blocks; // from peers
    u64 began_ns;
    u64 good_ns;     // when a block of it was last there, or kept
    u64 lan_ns;      // when the local network was searched
    bool is_missing; // nobody has `missing`
    struct cid missing;
    struct search *searches[FETCH_SEARCHES]; // NULL: none is under way
    bool has_searched[FETCH_SEARCHES];
    u32 public_answers;    // nodes of the public DHT that said something
    char liar[LIAR_BYTES]; // empty: nobody is known to be one
    u64 liar_bytes;
};

// A call to the store about one block.
struct store_call {
    struct call call;
    struct node *node;
    struct fetch *fetch;
    u32 generation;
    struct cid cid;
};

struct waiting {
    u64 message;
    struct cid cid;
};

static struct fetch fetches[LOADER_FETCHES];
static u32 fetch_count;
static struct store_call lookups[LOADER_LOOKUPS];
static struct store_call writes[LOADER_PUTS];
static struct waiting waiting[LOADER_WAITING];
static u32 waiting_count;

// ---- endings

static struct fetch_error error_of(enum fetch_error_kind kind, const struct text *words)
{
    struct fetch_error error = {.kind = kind};
    error.as.failed = span_of(words->data, words->size); // every case is one string
    return error;
}

static void client_answer(struct node *node, u64 message, const struct fetch_error *error)
{
    u8 body[LOADER_TEXT_BYTES + 16];
    struct fetch_result_none_error result = {.ok = error == NULL};
    if (message == 0) {
        fetch_ended(node, error);
        return;
    }
    if (error != NULL) {
        result.error = *error;
    }
    size_t size = fetch_fetch_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    (void)rt_answer(message, body, (u32)size);
}

// ---- who else may have it

static void lan_done(void *context, u32 answers)
{
    struct fetch *fetch = context;
    (void)answers;
    fetch->searches[P2P_SCOPE_LAN] = NULL;
}

static void public_done(void *context, u32 answers)
{
    struct fetch *fetch = context;
    fetch->public_answers = answers;
    fetch->searches[P2P_SCOPE_PUBLIC] = NULL;
}

// Until when they are waited for whom only the local network names. What they say of others moves
// that once: when its DHT is searched.
static u64 hearsay_ns(const struct fetch *fetch)
{
    u64 since_ns = fetch->good_ns > fetch->lan_ns ? fetch->good_ns : fetch->lan_ns;
    return since_ns + LOADER_HEARSAY_MS * NS_PER_MS;
}

static void search_in(struct node *node, struct fetch *fetch, enum p2p_scope scope)
{
    struct search_user user = {.context = fetch,
                               .done = scope == P2P_SCOPE_LAN ? lan_done : public_done};
    fetch->has_searched[scope] = true;
    fetch->searches[scope] = search_block(node, scope, &fetch->root, &user);
}

// Begins what it is time for. True: somebody may still be found.
static bool fetch_search(struct node *node, struct fetch *fetch)
{
    if (!fetch->has_searched[P2P_SCOPE_PUBLIC] && sources_may_begin(node, SOURCE_PUBLIC)) {
        search_in(node, fetch, P2P_SCOPE_PUBLIC);
    }
    // Those who are connected have it not, or say nothing: they are asked who has.
    u64 until_ns = hearsay_ns(fetch);
    bool is_silent = node->now_ns >= until_ns && !sources_are_asked(node);
    if (!fetch->has_searched[P2P_SCOPE_LAN] && (fetch->is_missing || is_silent) &&
        !sources_are_coming(node, until_ns)) {
        fetch->lan_ns = node->now_ns;
        search_in(node, fetch, P2P_SCOPE_LAN);
    } else if (fetch->searches[P2P_SCOPE_LAN] != NULL && node->now_ns >= until_ns) {
        search_end(fetch->searches[P2P_SCOPE_LAN]);
        fetch->searches[P2P_SCOPE_LAN] = NULL;
    }
    return fetch->searches[P2P_SCOPE_LAN] != NULL || fetch->searches[P2P_SCOPE_PUBLIC] != NULL ||
           (sources_are_on(SOURCE_PUBLIC) && !fetch->has_searched[P2P_SCOPE_PUBLIC]);
}

static void searches_end(struct fetch *fetch)
{
    for (u32 i = 0; i < FETCH_SEARCHES; i++) {
        if (fetch->searches[i] != NULL) {
            search_end(fetch->searches[i]);
            fetch->searches[i] = NULL;
        }
    }
}

// Answers everybody and is free again.
static void fetch_end(struct node *node, struct fetch *fetch, const struct fetch_error *error)
{
    bitswap_session_end(&node->bitswap, fetch->session, node->now_ns);
    searches_end(fetch);
    history_keep(node);
    progress_clear();
    for (u32 i = 0; i < fetch->client_count; i++) {
        client_answer(node, fetch->clients[i], error);
    }
    if (fetch->has_inner) {
        client_answer(node, 0, error);
    }
    memory_give(rt_memory(), fetch->items, P2P_WALK_ITEMS * sizeof *fetch->items);
    fetch->is_used = false;
    fetch->generation++;
    fetch_count--;
}

static void fetch_fail(struct node *node, struct fetch *fetch, enum fetch_error_kind kind,
                       const struct cid *cid, const char *words, struct span detail)
{
    char sentence[LOADER_TEXT_BYTES], name[CID_TEXT_BYTES];
    struct text text = text_over(sentence, sizeof sentence);
    cid_write_text(cid, name);
    text_string(&text, "block ");
    text_string(&text, name);
    text_string(&text, words);
    text_printable(&text, detail);
    struct fetch_error error = error_of(kind, &text);
    fetch_end(node, fetch, &error);
}

// The walk refuses what the block's bytes say.
static void fetch_refuse(struct node *node, struct fetch *fetch, const struct cid *cid,
                         enum err err, const struct report *report)
{
    fetch_fail(node, fetch, err == ERR_LIMIT ? FETCH_ERROR_TOO_LARGE : FETCH_ERROR_REFUSED, cid,
               " is not part of a file that can be fetched: ", span_string(report->text));
}

static const char *said_words(enum bitswap_said said)
{
    switch (said) {
    case BITSWAP_HAS:
        return "said to have it and sent nothing";
    case BITSWAP_LACKS:
        return "does not have it";
    case BITSWAP_LATE:
    case BITSWAP_ASKED:
        return "did not say";
    case BITSWAP_NOT_ASKED:
        return "was not asked";
    }
    return "";
}

// Who was asked, and what each said.
static void peers_tell(struct node *node, const struct cid *cid, struct text *out)
{
    u32 count = 0;
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (!link_is_open(link) || !link->has_bitswap) {
            continue;
        }
        if (count++ >= TELL_PEERS) {
            continue;
        }
        text_string(out, count == 1 ? "" : ", ");
        link_peer_write(out, &link->connection.peer);
        text_char(out, ' ');
        text_string(out, said_words(bitswap_said(&node->bitswap, cid, &link->bitswap)));
    }
    if (count > TELL_PEERS) {
        text_string(out, " and ");
        text_u64(out, count - TELL_PEERS);
        text_string(out, " more");
    }
    if (sources_tell(out, count) + count == 0) {
        text_string(out,
                    public_named_count() != 0 ? "no peer could be reached" : "no peer is known");
    }
}

static void fetch_not_found(struct node *node, struct fetch *fetch)
{
    char sentence[LOADER_TEXT_BYTES], name[CID_TEXT_BYTES];
    struct text text = text_over(sentence, sizeof sentence);
    bool is_lie = fetch->liar[0] != 0;
    if (is_lie) {
        text_string(&text, fetch->liar);
        text_string(&text, " sent ");
        text_u64(&text, fetch->liar_bytes);
        text_string(&text, " bytes of something else; ");
    }
    text_string(&text, "nobody has ");
    if (cid_equal(&fetch->missing, &fetch->root)) {
        text_string(&text, "it: ");
    } else {
        cid_write_text(&fetch->missing, name);
        text_string(&text, "its block ");
        text_string(&text, name);
        text_string(&text, ": ");
    }
    peers_tell(node, &fetch->missing, &text);
    if (fetch->has_searched[P2P_SCOPE_PUBLIC] && public_count(PUBLIC_BOOTSTRAP) != 0) {
        text_string(&text, ", ");
        text_u64(&text, fetch->public_answers);
        text_string(&text, " nodes of the public DHT were asked who has it");
    }
    public_tell(&text);
    public_has_failed(node);
    struct fetch_error error =
        error_of(is_lie ? FETCH_ERROR_LIED_TO : FETCH_ERROR_NOT_FOUND, &text);
    fetch_end(node, fetch, &error);
}

// ---- blocks that are here

// Hands a block to the walk, in every place where the file has it. False: the fetch is over.
static bool fetch_take(struct node *node, struct fetch *fetch, const struct cid *cid,
                       struct span bytes)
{
    fetch->good_ns = node->now_ns;
    for (bool is_first = true;; is_first = false) {
        struct p2p_walk_piece piece;
        struct report report;
        report_clear(&report);
        enum err err = p2p_walk_block(&fetch->walk, cid, bytes, &piece, &report);
        if (err == ERR_NOT_FOUND) {
            fetch->wanted_count -= !is_first;
            return true;
        }
        if (err != ERR_OK) {
            fetch_refuse(node, fetch, cid, err, &report);
            return false;
        }
    }
}

static struct store_call *store_call_free(struct store_call *calls, u32 count)
{
    for (u32 i = 0; i < count; i++) {
        if (!calls[i].call.is_waiting) {
            return &calls[i];
        }
    }
    return NULL;
}

static bool is_current(const struct store_call *call)
{
    return call->fetch->is_used && call->fetch->generation == call->generation;
}

static void put_done(struct call *call, const struct rt_event *event)
{
    struct store_call *put = CONTAINER_OF(call, struct store_call, call);
    struct keep_result_none_error result = {0};
    if (!is_current(put)) {
        return;
    }
    put->fetch->put_count--;
    put->fetch->good_ns = put->node->now_ns; // a slow store is nobody else's silence
    if (event->error != 0) {
        fetch_fail(put->node, put->fetch, FETCH_ERROR_FAILED, &put->cid,
                   " cannot be kept: ", span_string(rt_error_name(event->error)));
    } else if (keep_block_decode_result(event->body, &result) != ERR_OK || !result.ok) {
        bool is_told = !result.ok && result.error.kind == KEEP_ERROR_FAILED;
        fetch_fail(put->node, put->fetch, FETCH_ERROR_FAILED, &put->cid, " cannot be kept: ",
                   is_told ? result.error.as.failed : SPAN_LITERAL("the store refuses it"));
    }
}

// Sends the message from where the block lies in the engine's memory: what stands before it is put
// back afterwards.
static bool put_send(struct node *node, struct store_call *put, struct span bytes)
{
    char name[CID_TEXT_BYTES];
    u8 saved[PUT_HEAD_BYTES];
    if (bytes.size == 0) {
        bytes.data = node->machine.blocks + P2P_MACHINE_HEAD_BYTES; // it may be nowhere
    }
    size_t offset = (size_t)(bytes.data - node->machine.blocks);
    STATIC_ASSERT(PUT_HEAD_BYTES <= P2P_MACHINE_HEAD_BYTES);
    ASSERT(offset >= PUT_HEAD_BYTES && offset + bytes.size <= node->machine.blocks_bytes);
    u8 *body = node->machine.blocks + offset - PUT_HEAD_BYTES;
    cid_write_text(&put->cid, name);
    struct keep_block_call call = {span_of(name, CID_TEXT_LETTERS), bytes};
    mem_copy(saved, body, sizeof saved);
    size_t size = keep_block_encode_call(body, PUT_HEAD_BYTES + bytes.size, &call);
    ASSERT(size == PUT_HEAD_BYTES + bytes.size); // so the copy of the block had nothing to move
    bool is_sent = call_send(&put->call, node->keep, KEEP_BLOCK_ID, body, size, put_done);
    mem_copy(body, saved, sizeof saved);
    return is_sent;
}

// Writes a block into the store. False: the fetch is over.
static bool put_begin(struct node *node, struct fetch *fetch, const struct cid *cid,
                      struct span bytes)
{
    struct store_call *put = store_call_free(writes, LOADER_PUTS);
    ASSERT(put != NULL); // fetch_has_room
    *put = (struct store_call){
        .node = node, .fetch = fetch, .generation = fetch->generation, .cid = *cid};
    if (!put_send(node, put, bytes)) {
        fetch_fail(node, fetch, FETCH_ERROR_FAILED, cid, " cannot be kept: no memory",
                   (struct span){0});
        return false;
    }
    fetch->put_count++;
    return true;
}

// ---- blocks that are looked for

static void lookup_done(struct call *call, const struct rt_event *event)
{
    struct store_call *lookup = CONTAINER_OF(call, struct store_call, call);
    struct node *node = lookup->node;
    struct fetch *fetch = lookup->fetch;
    struct blocks_result_bytes_error result;
    if (!is_current(lookup)) {
        return;
    }
    if (event->error == 0 && blocks_get_decode_result(event->body, &result) == ERR_OK &&
        result.ok) {
        (void)fetch_take(node, fetch, &lookup->cid, result.value);
        return;
    }
    fetch->needs_peers = true;
    if (bitswap_want(&node->bitswap, fetch->session, &lookup->cid, node->now_ns) != ERR_OK) {
        p2p_walk_lost(&fetch->walk, &lookup->cid); // later
        fetch->wanted_count--;
    }
}

// Asks for the next blocks, as many as may be under way.
static void fetch_look(struct node *node, struct fetch *fetch)
{
    struct store_call *lookup;
    struct cid cid;
    while (fetch->wanted_count < LOADER_WANTS &&
           (lookup = store_call_free(lookups, LOADER_LOOKUPS)) != NULL &&
           p2p_walk_next(&fetch->walk, &cid)) {
        char name[CID_TEXT_BYTES];
        u8 body[REQUEST_BYTES];
        *lookup = (struct store_call){
            .node = node, .fetch = fetch, .generation = fetch->generation, .cid = cid};
        cid_write_text(&cid, name);
        struct blocks_get_call get = {span_of(name, CID_TEXT_LETTERS)};
        size_t size = blocks_get_encode_call(body, sizeof body, &get);
        ASSERT(size <= sizeof body);
        fetch->wanted_count++;
        if (!call_send(&lookup->call, node->blocks, BLOCKS_GET_ID, body, size, lookup_done)) {
            fetch_fail(node, fetch, FETCH_ERROR_FAILED, &cid, ": the store cannot be asked",
                       (struct span){0});
            return;
        }
    }
}

bool fetch_has_room(void)
{
    return store_call_free(writes, LOADER_PUTS) != NULL;
}

// Gives a block to those who want it, and to the store.
static void block_take(struct node *node, const struct cid *cid, struct span bytes, u32 sessions,
                       struct span from)
{
    bool is_kept = false;
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct fetch *fetch = &fetches[i];
        if (!fetch->is_used || (sessions >> fetch->session & 1) == 0) {
            continue;
        }
        fetch->got_bytes += bytes.size;
        fetch->got_blocks++;
        if (!is_kept) {
            history_block(node, cid, from, bytes.size);
            is_kept = true;
            if (!put_begin(node, fetch, cid, bytes)) {
                continue;
            }
        }
        (void)fetch_take(node, fetch, cid, bytes);
    }
}

static void block_came(struct node *node, const struct bitswap_event *event)
{
    char words[P2P_PEER_ID_TEXT_BYTES];
    struct text from = text_over(words, sizeof words);
    peer_id_write(&from, event->peer == NULL ? &node->host.id : &event->peer->connection->peer);
    sources_are_good(node);
    block_take(node, &event->cid, event->bytes, event->sessions, span_of(from.data, from.size));
}

void fetch_block(struct node *node, const struct cid *cid, struct span bytes, struct span from)
{
    struct cid wanted;
    u32 at = 0, sessions = 0;
    bool is_missing;
    do {
        sessions = 0;
    } while (bitswap_wanted(&node->bitswap, &at, &wanted, &sessions, &is_missing) &&
             !cid_equal(&wanted, cid));
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        if ((sessions >> i & 1) != 0) {
            bitswap_cancel(&node->bitswap, i, cid, node->now_ns);
        }
    }
    block_take(node, cid, bytes, sessions, from);
}

void fetch_was_lied_to(struct span who, u64 bytes)
{
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct text liar = text_over(fetches[i].liar, sizeof fetches[i].liar);
        if (fetches[i].is_used) {
            text_printable(&liar, who);
            fetches[i].liar_bytes = bytes;
        }
    }
}

static void peer_is_bad(struct node *node, const struct bitswap_event *event, const char *words)
{
    const struct peer_id *peer = &event->peer->connection->peer;
    char whole[P2P_PEER_ID_TEXT_BYTES], brief[LIAR_BYTES];
    struct text id = text_over(whole, sizeof whole), who = text_over(brief, sizeof brief);
    peer_id_write(&id, peer);
    link_peer_write(&who, peer);
    history_bad(node, span_of(id.data, id.size), event->peer->unwanted_bytes, words);
    if (event->peer->unwanted_bytes != 0) {
        fetch_was_lied_to(span_of(who.data, who.size), event->peer->unwanted_bytes);
    }
}

static void peer_is_late(struct node *node, const struct bitswap_peer *peer)
{
    char words[P2P_PEER_ID_TEXT_BYTES];
    struct text id = text_over(words, sizeof words);
    peer_id_write(&id, &peer->connection->peer);
    history_bad(node, span_of(id.data, id.size), 0, "sent nothing of what it has");
}

void fetch_event(struct node *node, const struct bitswap_event *event)
{
    switch (event->kind) {
    case BITSWAP_EVENT_BLOCK:
        block_came(node, event);
        return;
    case BITSWAP_EVENT_MISSING:
        for (u32 i = 0; i < LOADER_FETCHES; i++) {
            struct fetch *fetch = &fetches[i];
            if (fetch->is_used && (event->sessions >> fetch->session & 1) != 0) {
                fetch->is_missing = true;
                fetch->missing = event->cid;
            }
        }
        return;
    case BITSWAP_EVENT_UNWANTED:
        peer_is_bad(node, event, "sent what nobody asked for");
        return;
    case BITSWAP_EVENT_DROP:
        peer_is_bad(node, event, event->reason);
        return;
    case BITSWAP_EVENT_LATE:
        peer_is_late(node, event->peer);
        return;
    default:
        return;
    }
}

static struct fetch_state state_of(const struct fetch *fetch)
{
    return (struct fetch_state){.root = fetch->root,
                                .began_ns = fetch->began_ns,
                                .done_bytes = fetch->walk.read_bytes,
                                .has_size = fetch->walk.has_size,
                                .size_bytes = fetch->walk.file_bytes,
                                .got_bytes = fetch->got_bytes,
                                .got_blocks = fetch->got_blocks};
}

// It is all there.
static void fetch_finish(struct node *node, struct fetch *fetch)
{
    struct fetch_state state = state_of(fetch);
    progress_done(node, &state);
    fetch_end(node, fetch, NULL);
}

// ---- files

static struct fetch *fetch_of(const struct cid *cid)
{
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        if (fetches[i].is_used && cid_equal(&fetches[i].root, cid)) {
            return &fetches[i];
        }
    }
    return NULL;
}

static bool client_add(struct fetch *fetch, u64 message)
{
    if (message == 0) {
        fetch->has_inner = true;
        return true;
    }
    if (fetch->client_count == LOADER_CLIENTS) {
        return false;
    }
    fetch->clients[fetch->client_count++] = message;
    return true;
}

// False: there is no place, or no memory.
static bool fetch_start(struct node *node, u64 message, const struct cid *cid)
{
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct fetch *fetch = &fetches[i];
        if (fetch->is_used) {
            continue;
        }
        struct p2p_walk_item *items =
            memory_take(rt_memory(), P2P_WALK_ITEMS * sizeof *fetch->items);
        if (items == NULL) {
            return false;
        }
        *fetch = (struct fetch){.is_used = true,
                                .generation = fetch->generation,
                                .session = i,
                                .root = *cid,
                                .items = items,
                                .began_ns = node->now_ns,
                                .good_ns = node->now_ns};
        p2p_walk_init(&fetch->walk, items, P2P_WALK_ITEMS, cid, LOADER_FETCH_BYTES);
        fetch_count++;
        gateways_hear();
        bool is_added = client_add(fetch, message);
        ASSERT(is_added);
        return true;
    }
    return false;
}

bool fetch_begin(struct node *node, u64 message, const struct cid *cid)
{
    struct fetch *fetch = fetch_of(cid);
    if (fetch != NULL) {
        return client_add(fetch, message);
    }
    if (fetch_start(node, message, cid)) {
        return true;
    }
    if (waiting_count == LOADER_WAITING) {
        return false;
    }
    waiting[waiting_count++] = (struct waiting){message, *cid};
    return true;
}

void fetch_cancelled(struct node *node, u64 message)
{
    (void)rt_answer_error(message, E_CANCELLED);
    for (u32 i = 0; i < waiting_count; i++) {
        if (waiting[i].message == message) {
            waiting[i] = waiting[--waiting_count];
            return;
        }
    }
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct fetch *fetch = &fetches[i];
        for (u32 k = 0; fetch->is_used && k < fetch->client_count; k++) {
            if (fetch->clients[k] == message) {
                fetch->clients[k] = fetch->clients[--fetch->client_count];
                if (fetch->client_count == 0 && !fetch->has_inner) {
                    fetch_end(node, fetch, NULL);
                }
                return;
            }
        }
    }
}

bool fetch_needs_peers(void)
{
    bool needs_peers = false;
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        needs_peers = needs_peers || (fetches[i].is_used && fetches[i].needs_peers);
    }
    return needs_peers;
}

bool fetch_state(u32 index, struct fetch_state *out)
{
    const struct fetch *fetch = &fetches[index];
    ASSERT(index < LOADER_FETCHES);
    if (!fetch->is_used) {
        return false;
    }
    *out = state_of(fetch);
    return true;
}

// Whether nobody has some block of it: since that was told it may have come by another way, or
// somebody else is asked.
static bool fetch_is_missing(struct node *node, struct fetch *fetch)
{
    struct cid cid;
    u32 at = 0, sessions;
    bool is_missing;
    while (fetch->is_missing && bitswap_wanted(&node->bitswap, &at, &cid, &sessions, &is_missing)) {
        if (is_missing && (sessions >> fetch->session & 1) != 0) {
            fetch->missing = cid;
            return true;
        }
    }
    fetch->is_missing = false;
    return false;
}

// Whether nobody is left but those whom only the local network names, and they are silent. Then
// `missing` is something that they were asked for.
static bool fetch_is_silent(struct node *node, struct fetch *fetch)
{
    struct cid cid;
    u32 at = 0, sessions;
    bool is_missing;
    u64 until_ns = hearsay_ns(fetch) + (LOADER_SILENCE_MS - LOADER_HEARSAY_MS) * NS_PER_MS;
    if (node->now_ns < until_ns || fetch->put_count != 0 || sources_are_asked(node)) {
        return false;
    }
    while (bitswap_wanted(&node->bitswap, &at, &cid, &sessions, &is_missing)) {
        if ((sessions >> fetch->session & 1) != 0) {
            fetch->missing = cid;
            return true;
        }
    }
    return false;
}

u64 fetch_turn(struct node *node)
{
    while (waiting_count != 0 && fetch_count < LOADER_FETCHES) {
        struct waiting next = waiting[0];
        mem_move(waiting, waiting + 1, --waiting_count * sizeof *waiting);
        if (!fetch_begin(node, next.message, &next.cid) && next.message != 0) {
            (void)rt_answer_error(next.message, E_BUSY);
        }
    }
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        struct fetch *fetch = &fetches[i];
        if (fetch->is_used) {
            fetch_look(node, fetch);
        }
        if (!fetch->is_used) {
            continue;
        }
        if (p2p_walk_is_done(&fetch->walk) && fetch->put_count == 0) {
            fetch_finish(node, fetch);
            continue;
        }
        bool is_searched = fetch->needs_peers && fetch_search(node, fetch);
        bool is_over = fetch_is_missing(node, fetch) || fetch_is_silent(node, fetch);
        if (is_over && !is_searched && !sources_are_coming(node, hearsay_ns(fetch)) &&
            !gateways_are_coming(node)) {
            fetch_not_found(node, fetch);
        }
    }
    return fetch_count == 0 ? UINT64_MAX : node->now_ns + LOOK_MS * NS_PER_MS;
}
