// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/names.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/fetch.h"
#include "interfaces/keep.h"
#include "interfaces/keep_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/kad_server.h"
#include "lib/p2p/name_list.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/fetch.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/search.h"
#include "programs/p2p-loader/sources.h"
#include "programs/rt/redshirt.h"

enum {
    BODY_BYTES = 64,                      // of a message, beside a record
    NAME_SEARCHES = P2P_SCOPE_PUBLIC + 1, // as enum p2p_scope has them
};

// What is looked for; one at a time.
static struct {
    bool is_on;
    struct peer_id key;
    u64 since_ns; // that it is looked for, or that the local network is searched
    struct search *searches[NAME_SEARCHES]; // NULL: none is under way
    bool has_searched[NAME_SEARCHES];
    bool has_record;           // the best so far,
    u64 record_ns;             // and since when there is one
    struct ipns_record record; // its value points into `bytes`
    size_t size;
    u8 bytes[P2P_KAD_NAME_BYTES];
    struct node *node;
} wanted;

// Who asks us.
struct questioner {
    struct link *link;
    struct p2p_stream *stream;
    u32 answer_start, answer_end;
    u8 answer[P2P_KAD_ANSWER_BYTES];
    struct kad_serving serving;
};

static struct questioner *questioners[LOADER_QUESTIONERS];
static struct kad_server *server; // NULL: we are no node of the DHT
static struct node *of_server;
static u64 tick_ns; // when it forgets what is too old
static u8 scratch[IPNS_SCRATCH_BYTES];

static u64 wall_ns(struct node *node)
{
    u64 now_ns = 0;
    (void)time_wall(node->time, &now_ns);
    return now_ns;
}

// ---- the list

// The machine's record, in `answer`, which the caller gives back.
static struct span list_get(struct node *node, struct span *answer)
{
    struct keep_get_call get = {SPAN_LITERAL("names")};
    struct keep_result_bytes_error result = {0};
    u8 body[BODY_BYTES];
    size_t size = keep_get_encode_call(body, sizeof body, &get);
    i64 got = rt_call_large(node->keep, KEEP_GET_ID, body, (u32)size, answer);
    if (got < 0 || keep_get_decode_result(*answer, &result) != ERR_OK || !result.ok) {
        return (struct span){0};
    }
    return result.value;
}

// Writes the list with what was found of the key.
// ERR_BUSY  the list has become another meanwhile; others: it cannot be written
static enum err list_set(struct node *node, struct span old, const struct name_line *line)
{
    size_t list_room = old.size + NAME_LINE_BYTES + 1;
    size_t room = list_room + old.size + list_room + BODY_BYTES;
    char *words = memory_take(rt_memory(), room);
    if (words == NULL) {
        return ERR_NO_MEMORY;
    }
    size_t size = name_list_set(old, line, words);
    struct keep_replace_call replace = {SPAN_LITERAL("names"), old, span_of(words, size)};
    struct keep_result_bool_error result = {0};
    i64 error = size == 0 ? 0
                          : keep_replace(node->keep, words + list_room, (u32)(room - list_room),
                                         &replace, &result);
    memory_give(rt_memory(), words, room);
    if (error != 0 || !result.ok) {
        return size == 0 ? ERR_LIMIT : ERR_IO;
    }
    return result.value ? ERR_OK : ERR_BUSY;
}

// ---- asking

// Takes a record up if it is newer than what there is. False: it is wrong.
static bool record_take(void *context, struct span bytes)
{
    struct ipns_record record;
    struct node *node = wanted.node;
    (void)context;
    if (bytes.size > sizeof wanted.bytes ||
        ipns_record_verify(&node->crypto, bytes, &wanted.key, wall_ns(node), scratch, &record,
                           NULL) != ERR_OK) {
        return false;
    }
    if (wanted.has_record && !ipns_record_is_newer(&record, &wanted.record)) {
        return true;
    }
    wanted.record_ns = wanted.has_record ? wanted.record_ns : node->now_ns;
    mem_copy(wanted.bytes, bytes.data, bytes.size);
    wanted.size = bytes.size;
    wanted.has_record =
        ipns_record_verify(&node->crypto, span_of(wanted.bytes, wanted.size), &wanted.key,
                           wall_ns(node), scratch, &wanted.record, NULL) == ERR_OK;
    return true;
}

static void lan_done(void *context, u32 answers)
{
    (void)context;
    (void)answers;
    wanted.searches[P2P_SCOPE_LAN] = NULL;
}

static void public_done(void *context, u32 answers)
{
    (void)context;
    (void)answers;
    wanted.searches[P2P_SCOPE_PUBLIC] = NULL;
}

static void fail(enum fetch_error_kind kind, const char *words)
{
    struct fetch_error error = {.kind = kind};
    error.as.failed = span_string(words);
    wanted.is_on = false;
    fetch_ended(wanted.node, &error);
}

void names_resolve(struct node *node, const struct peer_id *key)
{
    wanted.is_on = true;
    wanted.key = *key;
    wanted.node = node;
}

bool names_need_peers(void)
{
    return wanted.is_on;
}

static void search_in(struct node *node, enum p2p_scope scope)
{
    struct search_user user = {.value = record_take,
                               .done = scope == P2P_SCOPE_LAN ? lan_done : public_done};
    wanted.has_searched[scope] = true;
    wanted.searches[scope] = search_name(node, scope, &wanted.key, &user);
}

static void searches_end(void)
{
    for (u32 i = 0; i < NAME_SEARCHES; i++) {
        if (wanted.searches[i] != NULL) {
            search_end(wanted.searches[i]);
            wanted.searches[i] = NULL;
        }
    }
}

// What this home has seen of the name, whether that is still valid (ERR_OK) or not (ERR_CLOSED).
static enum err known_find(struct node *node, struct span list, struct name_line *line,
                           struct ipns_record *out)
{
    if (!name_list_find(list, &wanted.key, line)) {
        return ERR_NOT_FOUND;
    }
    return ipns_record_verify(&node->crypto, span_of(line->bytes, line->size), &wanted.key,
                              wall_ns(node), scratch, out, NULL);
}

// Puts what was said into the list if it is newer than what this home knows.
//   out  the newest of both
// ERR_CLOSED  which is no longer valid
// ERR_BUSY    others have changed the list meanwhile
// ERR_LIMIT, ERR_NO_MEMORY, ERR_IO  the list cannot be written
static enum err newest_keep(struct node *node, struct ipns_record *out)
{
    static struct name_line known; // `out` points into it
    struct span answer = {0};
    struct span list = list_get(node, &answer);
    enum err err = known_find(node, list, &known, out);
    bool has_known = err == ERR_OK || err == ERR_CLOSED;
    if (!has_known || ipns_record_is_newer(&wanted.record, out)) {
        struct name_line line = {.key = wanted.key, .size = wanted.size};
        mem_copy(line.bytes, wanted.bytes, wanted.size);
        bool is_mine = has_known && known.is_mine;
        err = is_mine ? ERR_OK : list_set(node, list, &line);
        *out = wanted.record;
    }
    if (answer.data != NULL) {
        memory_give(rt_memory(), (void *)answer.data, answer.size);
    }
    return err;
}

// Nobody will say more.
static void resolved(struct node *node)
{
    struct ipns_record newest;
    struct cid cid;
    if (!wanted.has_record) {
        fail(FETCH_ERROR_NOT_FOUND, "nobody who was asked knows the name");
        return;
    }
    enum err err = ERR_BUSY;
    for (u32 i = 0; i < LOADER_LIST_TRIES && err == ERR_BUSY; i++) {
        err = newest_keep(node, &newest);
    }
    if (err == ERR_CLOSED) {
        fail(FETCH_ERROR_NOT_FOUND, "who was asked knows nothing newer than what has expired");
    } else if (err == ERR_BUSY) {
        fail(FETCH_ERROR_FAILED, "the list of names is changed by others all the time");
    } else if (err == ERR_LIMIT) {
        fail(FETCH_ERROR_FAILED, "the list of names is full of the user's own");
    } else if (err != ERR_OK) {
        fail(FETCH_ERROR_FAILED, "what the name stands for cannot be kept");
    } else if (ipns_value_cid(newest.value, &cid, NULL) != ERR_OK) {
        fail(FETCH_ERROR_REFUSED, "the name stands for something that is not fetched");
    } else {
        wanted.is_on = false;
        (void)fetch_begin(node, 0, &cid); // it alone is under way
    }
}

// Begins what it is time for. True: somebody may still say something.
static bool names_search(struct node *node)
{
    wanted.since_ns = wanted.since_ns == 0 ? node->now_ns : wanted.since_ns;
    u64 until_ns = wanted.since_ns + LOADER_HEARSAY_MS * NS_PER_MS;
    bool is_coming = sources_are_coming(node, until_ns);
    if (!wanted.has_searched[P2P_SCOPE_PUBLIC] && sources_may_begin(node, SOURCE_PUBLIC)) {
        search_in(node, P2P_SCOPE_PUBLIC);
    }
    if (!wanted.has_searched[P2P_SCOPE_LAN] && !is_coming && links_are_open(node)) {
        wanted.since_ns = node->now_ns;
        search_in(node, P2P_SCOPE_LAN);
    } else if (wanted.searches[P2P_SCOPE_LAN] != NULL && node->now_ns >= until_ns) {
        search_end(wanted.searches[P2P_SCOPE_LAN]);
        wanted.searches[P2P_SCOPE_LAN] = NULL;
    }
    return is_coming || wanted.searches[P2P_SCOPE_LAN] != NULL ||
           wanted.searches[P2P_SCOPE_PUBLIC] != NULL ||
           (sources_are_on(SOURCE_PUBLIC) && !wanted.has_searched[P2P_SCOPE_PUBLIC]);
}

u64 names_turn(struct node *node)
{
    if (server != NULL && node->now_ns >= tick_ns) {
        tick_ns = node->now_ns + LOADER_TICK_MS * NS_PER_MS;
        kad_server_tick(server, node->now_ns);
    }
    if (!wanted.is_on) {
        return server == NULL ? UINT64_MAX : tick_ns;
    }
    u64 enough_ns = wanted.record_ns + LOADER_NAME_MS * NS_PER_MS;
    bool is_enough = wanted.has_record && node->now_ns >= enough_ns;
    if (!is_enough && names_search(node)) {
        u64 until_ns = wanted.since_ns + LOADER_HEARSAY_MS * NS_PER_MS;
        return wanted.has_record ? enough_ns : until_ns > node->now_ns ? until_ns : UINT64_MAX;
    }
    searches_end();
    if (!wanted.has_record && !links_are_open(node) && !public_is_on()) {
        fail(FETCH_ERROR_NOT_FOUND, "nobody can be asked what the name stands for");
    } else {
        resolved(node);
    }
    return UINT64_MAX;
}

// ---- being asked

bool names_serve(struct node *node)
{
    server = memory_take(rt_memory(), sizeof *server);
    if (server == NULL) {
        return false;
    }
    of_server = node;
    kad_server_init(server, &node->crypto, &node->host.id);
    return true;
}

// Where a peer is, as the DHT tells it.
static struct p2p_hint hint_of(const struct link *link)
{
    struct p2p_hint hint = {.peer = link->connection.peer};
    const struct p2p_identity *identity = &link->connection.identity;
    for (u32 i = 0; i < identity->address_count; i++) {
        (void)p2p_hint_add(&hint, P2P_SCOPE_LAN,
                           span_of(identity->addresses[i].bytes, identity->addresses[i].size));
    }
    return hint;
}

void names_heard(const struct link *link)
{
    struct p2p_hint hint = hint_of(link);
    bool is_node = (link->connection.identity.protocols >> NODE_KAD_LAN & 1) != 0;
    if (server != NULL && is_node && link->kind == LINK_LOCAL && hint.address_count != 0) {
        (void)kad_table_seen(&server->table, &hint, of_server->now_ns);
    }
}

// Puts a record of ours into the server, by the way that those of others come.
static void offer(struct node *node, struct kad_serving *serving, const struct peer_id *key,
                  struct span record)
{
    static u8 question[P2P_KAD_NAME_BYTES + P2P_KAD_REQUEST_BYTES];
    static u8 answer[P2P_KAD_ANSWER_BYTES];
    struct kad_key name = kad_key_of_name(key);
    struct kad_message message = {
        .type = KAD_PUT_VALUE, .key = span_of(name.bytes, name.size), .value = record};
    struct p2p_hint self = {.peer = node->host.id};
    size_t taken, size;
    size_t total = kad_write(&message, question, sizeof question);
    if (total <= sizeof question) {
        kad_serving_init(serving, &self);
        (void)!kad_server_receive(server, serving, span_of(question, total), node->now_ns,
                                  wall_ns(node), &taken, answer, &size, NULL);
    }
}

// Says it where there are more names of ours than are told, once for each number of them.
static void say_untold(struct node *node, u32 count)
{
    static u32 said;
    char line[192];
    struct text text = text_over(line, sizeof line);
    if (count == said || count <= P2P_KAD_OWN_NAMES) {
        return;
    }
    said = count;
    text_string(&text, "p2p: ");
    text_u64(&text, count);
    text_string(&text, " names are published here; ");
    text_u64(&text, P2P_KAD_OWN_NAMES);
    text_string(&text, " of them are given to who asks, and ");
    text_u64(&text, count < LOADER_NAMES ? count : LOADER_NAMES);
    text_string(&text, " told to others; a home holds no more");
    node_say(node, NODE_WARNING, span_of(text.data, text.size));
}

void names_offer(struct node *node)
{
    static struct name_line line;
    u32 count = 0;
    struct span answer = {0};
    struct kad_serving *serving = server == NULL ? NULL : memory_take(rt_memory(), sizeof *serving);
    if (serving == NULL) {
        return;
    }
    struct span list = list_get(node, &answer);
    for (size_t at = 0; name_list_next(list, &at, &line);) {
        if (line.is_mine) {
            count++;
            offer(node, serving, &line.key, span_of(line.bytes, line.size));
            announce_name(node, &line.key, span_of(line.bytes, line.size));
        }
    }
    say_untold(node, count);
    if (answer.data != NULL) {
        memory_give(rt_memory(), (void *)answer.data, answer.size);
    }
    memory_give(rt_memory(), serving, sizeof *serving);
}

static void questioner_free(u32 index)
{
    p2p_stream_close(questioners[index]->stream);
    memory_give(rt_memory(), questioners[index], sizeof *questioners[index]);
    questioners[index] = NULL;
}

// Writes the answer as far as there is room. True: all of it.
static bool answer_write(struct questioner *questioner)
{
    struct span left = span_of(questioner->answer + questioner->answer_start,
                               questioner->answer_end - questioner->answer_start);
    questioner->answer_start += (u32)p2p_stream_write(questioner->stream, left);
    return questioner->answer_start == questioner->answer_end;
}

// Answers what has come, one question after the other. False: it is over.
static bool questions_answer(struct questioner *questioner)
{
    struct p2p_stream *stream = questioner->stream;
    struct span front;
    while (answer_write(questioner) && (front = p2p_stream_front(stream)).size != 0) {
        size_t taken = 0, size = 0;
        enum err err =
            kad_server_receive(server, &questioner->serving, front, of_server->now_ns,
                               wall_ns(of_server), &taken, questioner->answer, &size, NULL);
        p2p_stream_skip(stream, taken);
        questioner->answer_start = 0;
        questioner->answer_end = (u32)size;
        if (err != ERR_OK) {
            p2p_stream_reset(stream);
            return false;
        }
    }
    return !p2p_stream_is_failed(stream) && !p2p_stream_is_ended(stream);
}

bool names_accept(struct link *link, struct p2p_stream *stream)
{
    for (u32 i = 0; i < LOADER_QUESTIONERS && server != NULL; i++) {
        if (questioners[i] != NULL) {
            continue;
        }
        struct questioner *questioner = memory_take(rt_memory(), sizeof *questioner);
        if (questioner == NULL) {
            return false;
        }
        struct p2p_hint hint = hint_of(link);
        questioner->link = link;
        questioner->stream = stream;
        questioner->answer_start = questioner->answer_end = 0;
        kad_serving_init(&questioner->serving, &hint);
        questioner->serving.is_guest = link->kind == LINK_GUEST;
        questioners[i] = questioner;
        if (!questions_answer(questioner)) {
            questioner_free(i);
        }
        return true;
    }
    return false;
}

bool names_event(struct p2p_event event)
{
    for (u32 i = 0; i < LOADER_QUESTIONERS; i++) {
        if (questioners[i] != NULL && questioners[i]->stream == event.stream) {
            if (!questions_answer(questioners[i])) {
                questioner_free(i);
            }
            return true;
        }
    }
    return false;
}

void names_link_gone(const struct link *link)
{
    if (server != NULL && link->is_dialler && !link->is_known && link->has_expected) {
        kad_table_lost(&server->table, &link->expected);
    }
    for (u32 i = 0; i < LOADER_QUESTIONERS; i++) {
        if (questioners[i] != NULL && questioners[i]->link == link) {
            questioner_free(i);
        }
    }
}
