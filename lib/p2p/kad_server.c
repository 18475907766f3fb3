// SPDX-License-Identifier: GPL-3.0-or-later
// A question is collected field by field, then answered as a whole.
#include "lib/p2p/kad_server.h"
#include "core/base/assert.h"
#include "core/base/compiler.h"
#include "core/base/reader.h"
#include "core/base/report.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/multihash.h"

#define MS ((u64)1000000)
#define NEVER UINT64_MAX
#define NAME_PREFIX SPAN_LITERAL("/ipns/")

// An answer at its bounds: k peers and k providers, each with its head, its id and its addresses, a
// key twice, a name's record, and heads.
STATIC_ASSERT(2 * P2P_KAD_K *
                      (8 + P2P_PEER_ID_BYTES + P2P_HINT_ADDRESSES * (2 + P2P_HINT_ADDRESS_BYTES)) +
                  2 * P2P_KAD_KEY_BYTES + P2P_KAD_NAME_BYTES + 64 <=
              P2P_KAD_ANSWER_BYTES);

void kad_server_init(struct kad_server *server, const struct p2p_crypto *crypto,
                     const struct peer_id *self)
{
    mem_zero(server, sizeof *server);
    server->crypto = crypto;
    kad_table_init(&server->table, crypto, self);
}

static void serving_reset(struct kad_serving *serving)
{
    serving->has_type = false;
    serving->has_provider = false;
    serving->has_value = false;
    serving->key.size = 0;
    serving->value_size = 0;
}

void kad_serving_init(struct kad_serving *serving, const struct p2p_hint *peer)
{
    serving->peer = *peer;
    serving->is_guest = false;
    serving->questions = 0;
    serving_reset(serving);
    kad_reader_init(&serving->reader, P2P_SCOPE_LAN);
}

// ---- who has what

// The place of a peer that provides; P2P_KAD_RECORD_PEERS: there is no room for it.
static u16 peer_of(struct kad_server *server, const struct p2p_hint *hint)
{
    u16 free = P2P_KAD_RECORD_PEERS;
    for (u16 i = 0; i < P2P_KAD_RECORD_PEERS; i++) {
        struct kad_record_peer *peer = &server->peers[i];
        if (peer->records == 0) {
            free = free < i ? free : i;
        } else if (peer_id_equal(&peer->hint.peer, &hint->peer)) {
            return i;
        }
    }
    return free;
}

// The record of a peer for a key, or one that is free; NULL: neither.
static struct kad_record *record_for(struct kad_server *server, const struct kad_place *key,
                                     u16 peer)
{
    struct kad_record *free = NULL;
    for (u32 i = 0; i < P2P_KAD_RECORDS; i++) {
        struct kad_record *record = &server->records[i];
        if (!record->is_used) {
            free = free != NULL ? free : record;
        } else if (record->peer == peer && kad_place_compare(&record->key, key) == 0) {
            return record;
        }
    }
    return free;
}

static bool add_record(struct kad_server *server, const struct kad_key *key,
                       const struct p2p_hint *hint, u32 most, u64 until_ns)
{
    struct kad_place place = kad_place_of(server->crypto, span_of(key->bytes, key->size));
    u16 peer = peer_of(server, hint);
    if (peer == P2P_KAD_RECORD_PEERS) {
        return false;
    }
    struct kad_record *record = record_for(server, &place, peer);
    if (record == NULL || (!record->is_used && server->peers[peer].records >= most)) {
        return false;
    }
    server->peers[peer].hint = *hint;
    server->peers[peer].records += !record->is_used;
    *record = (struct kad_record){true, peer, place, until_ns};
    return true;
}

static void drop_record(struct kad_server *server, struct kad_record *record)
{
    ASSERT(server->peers[record->peer].records > 0);
    record->is_used = false;
    server->peers[record->peer].records--;
}

enum err kad_server_provide(struct kad_server *server, const struct kad_key *key,
                            const struct p2p_hint *self)
{
    return add_record(server, key, self, P2P_KAD_RECORDS, NEVER) ? ERR_OK : ERR_LIMIT;
}

void kad_server_withdraw(struct kad_server *server, const struct kad_key *key)
{
    struct kad_place place = kad_place_of(server->crypto, span_of(key->bytes, key->size));
    for (u32 i = 0; i < P2P_KAD_RECORDS; i++) {
        struct kad_record *record = &server->records[i];
        if (record->is_used && kad_place_compare(&record->key, &place) == 0 &&
            peer_id_equal(&server->peers[record->peer].hint.peer, &server->table.self)) {
            drop_record(server, record);
        }
    }
}

void kad_server_tick(struct kad_server *server, u64 now_ns)
{
    for (u32 i = 0; i < P2P_KAD_RECORDS; i++) {
        struct kad_record *record = &server->records[i];
        if (record->is_used && record->until_ns <= now_ns) {
            drop_record(server, record);
        }
    }
    for (u32 i = 0; i < P2P_KAD_NAMES; i++) {
        server->names[i].is_used &= server->names[i].until_ns > now_ns;
    }
}

static u32 find_providers(const struct kad_server *server, const struct kad_place *key, u64 now_ns,
                          const struct p2p_hint *out[P2P_KAD_K])
{
    u32 count = 0;
    for (u32 i = 0; i < P2P_KAD_RECORDS && count < P2P_KAD_K; i++) {
        const struct kad_record *record = &server->records[i];
        if (record->is_used && record->until_ns > now_ns &&
            kad_place_compare(&record->key, key) == 0) {
            out[count++] = &server->peers[record->peer].hint;
        }
    }
    return count;
}

// A peer announces itself. Others, and keys that are no multihash, are read over.
static void take_provider(struct kad_server *server, struct kad_serving *serving, u64 now_ns)
{
    struct multihash hash;
    struct reader key = reader_over(span_of(serving->key.bytes, serving->key.size));
    if (!serving->has_provider || multihash_read(&key, &hash, NULL) != ERR_OK ||
        reader_left(&key) != 0) {
        return;
    }
    p2p_hint_merge(&serving->provider, &serving->peer);
    add_record(server, &serving->key, &serving->provider, P2P_KAD_PEER_RECORDS,
               now_ns + P2P_KAD_RECORD_MS * MS);
}

// ---- names

static bool name_of_key(const struct kad_key *key, struct peer_id *out)
{
    struct span prefix = NAME_PREFIX, bytes = span_of(key->bytes, key->size);
    return bytes.size > prefix.size && mem_equal(bytes.data, prefix.data, prefix.size) &&
           peer_id_read(span_slice(bytes, prefix.size, bytes.size), out, NULL) == ERR_OK;
}

static struct kad_name *find_name(struct kad_server *server, const struct peer_id *name)
{
    for (u32 i = 0; i < P2P_KAD_NAMES; i++) {
        if (server->names[i].is_used && peer_id_equal(&server->names[i].name, name)) {
            return &server->names[i];
        }
    }
    return NULL;
}

// A place for a new name that somebody brings; NULL: there is none for them.
static struct kad_name *find_room(struct kad_server *server, const struct peer_id *from)
{
    struct kad_name *free = NULL;
    bool is_ours = peer_id_equal(from, &server->table.self);
    u32 most = is_ours ? P2P_KAD_OWN_NAMES : P2P_KAD_PEER_NAMES;
    u32 brought = 0;
    u32 strangers = 0; // who together leave us our places
    for (u32 i = 0; i < P2P_KAD_NAMES; i++) {
        if (!server->names[i].is_used) {
            free = &server->names[i];
        } else {
            brought += peer_id_equal(&server->names[i].from, from);
            strangers += !peer_id_equal(&server->names[i].from, &server->table.self);
        }
    }
    bool has_place = is_ours || strangers < P2P_KAD_NAMES - P2P_KAD_OWN_NAMES;
    return brought < most && has_place ? free : NULL;
}

// For as long as somebody who has brought it may be silent; what is ours, as long as we are here.
static void keep_name(const struct kad_server *server, struct kad_name *place,
                      const struct peer_id *from, u64 now_ns)
{
    u64 until_ns =
        peer_id_equal(from, &server->table.self) ? UINT64_MAX : now_ns + P2P_KAD_RECORD_MS * MS;
    place->until_ns = place->until_ns < until_ns ? until_ns : place->until_ns;
}

// Takes a record that is right, and newer than the one that is there.
static enum err take_name(struct kad_server *server, const struct kad_serving *serving, u64 now_ns,
                          u64 now_unix_ns, struct report *report)
{
    struct peer_id name;
    struct ipns_record record, known;
    struct span value = span_of(serving->value, serving->value_size);
    if (now_unix_ns == 0 || !serving->has_value || !name_of_key(&serving->key, &name) ||
        ipns_record_verify(server->crypto, value, &name, now_unix_ns, server->scratch, &record,
                           NULL) != ERR_OK) {
        return report_err(report, ERR_INVALID, 0, "kad: a record that is not taken");
    }
    struct kad_name *place = find_name(server, &name);
    if (place != NULL) {
        enum err err = ipns_record_verify(server->crypto, span_of(place->bytes, place->size), &name,
                                          now_unix_ns, server->scratch, &known, NULL);
        // One that has expired counts, too: an older one that has not is not to follow it.
        bool is_known = err == ERR_OK || err == ERR_CLOSED;
        if (is_known && !ipns_record_is_newer(&record, &known)) {
            if (!span_equal(span_of(place->bytes, place->size), value)) {
                return report_err(report, ERR_INVALID, 0, "kad: a newer record is known");
            }
            keep_name(server, place, &serving->peer.peer, now_ns); // told anew
            return ERR_OK;
        }
    } else {
        place = find_room(server, &serving->peer.peer);
    }
    if (place == NULL) {
        return report_err(report, ERR_INVALID, 0, "kad: there is no room for more names");
    }
    place->is_used = true;
    place->name = name;
    place->from = serving->peer.peer;
    place->until_ns = 0;
    keep_name(server, place, &serving->peer.peer, now_ns);
    place->size = serving->value_size;
    mem_copy(place->bytes, value.data, value.size);
    return ERR_OK;
}

// ---- questions

static void collect(struct kad_serving *serving, const struct kad_event *event)
{
    switch (event->part) {
    case KAD_PART_TYPE:
        serving->has_type = true;
        serving->type = event->type;
        break;
    case KAD_PART_KEY:
        serving->key.size = (u32)event->bytes.size;
        mem_copy(serving->key.bytes, event->bytes.data, event->bytes.size);
        break;
    case KAD_PART_RECORD:
        if (event->bytes.size != 0 && event->bytes.size <= P2P_KAD_NAME_BYTES) {
            serving->has_value = true;
            serving->value_size = (u32)event->bytes.size;
            mem_copy(serving->value, event->bytes.data, event->bytes.size);
        }
        break;
    case KAD_PART_PROVIDER:
        if (peer_id_equal(&event->hint.peer, &serving->peer.peer)) {
            serving->has_provider = true;
            serving->provider = event->hint;
        }
        break;
    default:
        break;
    }
}

// What a guest hears: a name of ours, and nothing of others.
static enum err answer_guest(struct kad_server *server, const struct kad_serving *serving,
                             struct kad_message *message, u64 now_ns, struct report *report)
{
    struct peer_id name;
    if (message->type == KAD_PUT_VALUE) {
        return report_err(report, ERR_INVALID, 0, "kad: a record that a guest brings");
    }
    if (message->type == KAD_GET_VALUE && name_of_key(&serving->key, &name)) {
        const struct kad_name *known = find_name(server, &name);
        if (known != NULL && known->until_ns > now_ns &&
            peer_id_equal(&known->from, &server->table.self)) {
            message->value = span_of(known->bytes, known->size);
        }
    }
    return ERR_OK;
}

// Writes the answer to the question that was collected.
static enum err answer(struct kad_server *server, struct kad_serving *serving, u64 now_ns,
                       u64 now_unix_ns, u8 *out, size_t *size, struct report *report)
{
    const struct p2p_hint *closer[P2P_KAD_K], *providers[P2P_KAD_K];
    enum kad_type type = serving->has_type ? serving->type : KAD_PUT_VALUE; // 0 may be left out
    struct kad_message message = {.type = type,
                                  .key = span_of(serving->key.bytes, serving->key.size),
                                  .closer = closer,
                                  .providers = providers};
    if (type != KAD_PING && message.key.size == 0) {
        return report_err(report, ERR_INVALID, 0, "kad: a question without a key");
    }
    if (serving->is_guest) {
        TRY(answer_guest(server, serving, &message, now_ns, report));
        *size = type == KAD_ADD_PROVIDER ? 0 : kad_write(&message, out, P2P_KAD_ANSWER_BYTES);
        return ERR_OK;
    }
    struct kad_place place = kad_place_of(server->crypto, message.key);
    struct peer_id name;
    struct kad_name *known;
    switch (type) {
    case KAD_ADD_PROVIDER:
        take_provider(server, serving, now_ns);
        return ERR_OK; // nobody waits for an answer
    case KAD_PUT_VALUE:
        TRY(take_name(server, serving, now_ns, now_unix_ns, report));
        message.value = span_of(serving->value, serving->value_size);
        break;
    case KAD_GET_VALUE:
        known = name_of_key(&serving->key, &name) ? find_name(server, &name) : NULL;
        if (known != NULL && known->until_ns > now_ns) {
            message.value = span_of(known->bytes, known->size);
        }
        break;
    case KAD_GET_PROVIDERS:
        message.provider_count = find_providers(server, &place, now_ns, providers);
        break;
    default:
        break;
    }
    if (type != KAD_PING && type != KAD_PUT_VALUE) {
        message.closer_count =
            kad_table_nearest(&server->table, &place, &serving->peer.peer, closer, P2P_KAD_K);
    }
    *size = kad_write(&message, out, P2P_KAD_ANSWER_BYTES);
    ASSERT(*size <= P2P_KAD_ANSWER_BYTES);
    return ERR_OK;
}

enum err kad_server_receive(struct kad_server *server, struct kad_serving *serving,
                            struct span bytes, u64 now_ns, u64 now_unix_ns, size_t *taken,
                            u8 out[P2P_KAD_ANSWER_BYTES], size_t *size, struct report *report)
{
    struct kad_event event = {.part = KAD_PART_TYPE};
    *taken = 0;
    *size = 0;
    while (event.part != KAD_PART_MORE && *size == 0) {
        size_t took;
        struct span rest = span_slice(bytes, *taken, bytes.size);
        TRY(kad_read(&serving->reader, rest, &took, &event, report));
        *taken += took;
        if (event.part != KAD_PART_END) {
            collect(serving, &event);
            continue;
        }
        if (serving->questions++ == P2P_KAD_QUESTIONS) {
            return report_err(report, ERR_LIMIT, 0, "kad: more than 256 questions on a stream");
        }
        TRY(answer(server, serving, now_ns, now_unix_ns, out, size, report));
        serving_reset(serving);
    }
    return ERR_OK;
}
