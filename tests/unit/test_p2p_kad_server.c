// SPDX-License-Identifier: GPL-3.0-or-later
// Does a local network of our own peers keep who has what, within its bounds?
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/kad_lookup.h"
#include "lib/p2p/kad_provide.h"
#include "lib/p2p/kad_server.h"
#include "lib/p2p/multiaddr.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS ((u64)1000000)
#define CLOCK ((u64)1800000000 * 1000 * MS)

enum { NODES = 24 };

static struct p2p_dice dice = {1};
static struct p2p_crypto crypto;
static struct kad_server servers[NODES];
static u8 answer[P2P_KAD_ANSWER_BYTES];

static int start(void **state)
{
    (void)state;
    crypto = p2p_crypto_sodium(&dice);
    return 0;
}

static void seed_of(u32 number, u8 out[P2P_SECRET_BYTES])
{
    memset(out, 0, P2P_SECRET_BYTES);
    memcpy(out, &number, sizeof number);
}

static bool is_guest; // who speaks to the server

static struct p2p_hint peer_of(u32 number)
{
    u8 seed[P2P_SECRET_BYTES], key[P2P_POINT_BYTES], ip[4] = {10, 0, (u8)(number >> 8), (u8)number};
    seed_of(number, seed);
    crypto.identity(crypto.context, seed, key);
    struct p2p_hint hint = {.peer = peer_id_of_ed25519(key)};
    struct multiaddr address = multiaddr_of_tcp(span_of(ip, 4), 4001);
    assert_true(p2p_hint_add(&hint, P2P_SCOPE_LAN, span_of(address.bytes, address.size)));
    return hint;
}

static struct kad_key key_of(u32 number)
{
    struct cid cid = {.codec = CID_RAW};
    memcpy(cid.digest, &number, sizeof number);
    return kad_key_of_block(&cid);
}

static void begin(u32 number)
{
    struct p2p_hint self = peer_of(number);
    kad_server_init(&servers[0], &crypto, &self.peer);
}

static u64 wall = CLOCK;

// One message of `from` to a server; `size` receives the answer's.
static enum err say(struct kad_server *server, const struct p2p_hint *from,
                    const struct kad_message *message, u64 now, size_t *size)
{
    static struct kad_serving serving;
    static u8 bytes[64 * 1024];
    size_t whole = kad_write(message, bytes, sizeof bytes), taken;
    kad_serving_init(&serving, from);
    serving.is_guest = is_guest;
    enum err err = kad_server_receive(server, &serving, span_of(bytes, whole), now, wall, &taken,
                                      answer, size, NULL);
    assert_true(err != ERR_OK || taken == whole);
    return err;
}

struct heard {
    u32 closer, providers;
    struct p2p_hint first_closer, last_provider;
    size_t value_size;
    enum kad_type type;
};

static struct heard read_answer(size_t size)
{
    static struct kad_reader reader;
    struct heard heard = {0};
    struct kad_event event = {.part = KAD_PART_TYPE};
    kad_reader_init(&reader, P2P_SCOPE_LAN);
    for (size_t at = 0, taken; event.part != KAD_PART_MORE; at += taken) {
        struct span rest = span_of(answer + at, size - at);
        assert_int_equal(kad_read(&reader, rest, &taken, &event, NULL), ERR_OK);
        if (event.part == KAD_PART_CLOSER && heard.closer++ == 0) {
            heard.first_closer = event.hint;
        } else if (event.part == KAD_PART_PROVIDER) {
            heard.providers++;
            heard.last_provider = event.hint;
        } else if (event.part == KAD_PART_RECORD) {
            heard.value_size = event.bytes.size;
        } else if (event.part == KAD_PART_TYPE) {
            heard.type = event.type;
        }
    }
    return heard;
}

static struct heard ask(enum kad_type type, const struct kad_key *key, u64 now)
{
    size_t size;
    struct p2p_hint asker = peer_of(9999);
    struct kad_message message = {.type = type, .key = span_of(key->bytes, key->size)};
    assert_int_equal(say(&servers[0], &asker, &message, now, &size), ERR_OK);
    return read_answer(size);
}

static enum err announce(const struct p2p_hint *from, const struct p2p_hint *provider,
                         const struct kad_key *key, u64 now)
{
    size_t size;
    struct kad_message message = {.type = KAD_ADD_PROVIDER,
                                  .key = span_of(key->bytes, key->size),
                                  .providers = &provider,
                                  .provider_count = 1};
    enum err err = say(&servers[0], from, &message, now, &size);
    assert_true(err != ERR_OK || size == 0);
    return err;
}

// ---- the table

static void tables_keep_whom_they_have(void **state)
{
    (void)state;
    static struct kad_table table;
    struct p2p_hint self = peer_of(0);
    kad_table_init(&table, &crypto, &self.peer);
    assert_false(kad_table_seen(&table, &self, MS));
    u32 taken = 0;
    for (u32 i = 1; i <= 2000; i++) {
        struct p2p_hint peer = peer_of(i);
        taken += kad_table_seen(&table, &peer, (u64)i * MS);
    }
    // Half of all fall into the first bucket, a quarter into the second ...: each keeps its first.
    assert_int_equal(kad_table_count(&table), taken);
    assert_in_range(taken, 6 * P2P_KAD_BUCKET_PEERS, 10 * P2P_KAD_BUCKET_PEERS);
    struct p2p_hint first = peer_of(1);
    assert_true(kad_table_seen(&table, &first, 3000 * MS));
    assert_int_equal(kad_table_count(&table), taken);
    kad_table_lost(&table, &first.peer);
    kad_table_lost(&table, &first.peer);
    assert_int_equal(kad_table_count(&table), taken - 1);
    // Who was not seen for an hour makes room.
    u32 late = 0;
    for (u32 i = 3000; i < 3100; i++) {
        struct p2p_hint peer = peer_of(i);
        late += kad_table_seen(&table, &peer, (4000 + (u64)P2P_KAD_STALE_MS) * MS);
    }
    assert_true(late >= 30);
}

static void the_nearest_come_first(void **state)
{
    (void)state;
    static struct kad_table table;
    const struct p2p_hint *found[P2P_KAD_K];
    struct p2p_hint self = peer_of(0);
    kad_table_init(&table, &crypto, &self.peer);
    struct kad_place place = table.place;
    assert_int_equal(kad_table_nearest(&table, &place, NULL, found, P2P_KAD_K), 0);
    for (u32 i = 1; i < 300; i++) {
        struct p2p_hint peer = peer_of(i);
        kad_table_seen(&table, &peer, MS);
    }
    for (u32 most = 1; most <= P2P_KAD_K; most++) {
        assert_int_equal(kad_table_nearest(&table, &place, NULL, found, most), most);
        for (u32 i = 0; i < most; i++) {
            struct kad_place at = kad_place_of(&crypto, peer_id_span(&found[i]->peer));
            struct kad_place far = kad_distance(&at, &place);
            u32 nearer = 0;
            for (u32 j = 0; j < P2P_KAD_BUCKETS * P2P_KAD_BUCKET_PEERS; j++) {
                const struct kad_table_peer *peer = &table.peers[0][0] + j;
                struct kad_place other = kad_distance(&peer->place, &place);
                nearer += peer->is_used && kad_place_compare(&other, &far) < 0;
            }
            assert_int_equal(nearer, i);
        }
    }
    struct peer_id nearest = found[0]->peer;
    kad_table_nearest(&table, &place, &nearest, found, 1);
    assert_false(peer_id_equal(&found[0]->peer, &nearest));
}

// ---- questions

static void questions_are_answered(void **state)
{
    (void)state;
    begin(0);
    struct kad_key key = key_of(1), none = {0};
    struct p2p_hint peer = peer_of(5), asker = peer_of(9999);
    size_t size;
    assert_true(kad_table_seen(&servers[0].table, &peer, MS));
    assert_true(kad_table_seen(&servers[0].table, &asker, MS));
    struct heard heard = ask(KAD_FIND_NODE, &key, MS);
    assert_int_equal(heard.type, KAD_FIND_NODE);
    assert_int_equal(heard.closer, 1); // the asker knows itself
    assert_true(peer_id_equal(&heard.first_closer.peer, &peer.peer));
    assert_int_equal(heard.first_closer.address_count, 1);
    heard = ask(KAD_PING, &none, MS);
    assert_int_equal(heard.type, KAD_PING);
    assert_int_equal(heard.closer, 0);
    struct kad_message message = {.type = KAD_FIND_NODE};
    assert_int_equal(say(&servers[0], &asker, &message, MS, &size), ERR_INVALID);
    // Two questions in one piece, and one that is broken.
    static struct kad_serving serving;
    u8 both[] = {2, 8, 5, 2, 8, 5, 2, 8, 6};
    size_t taken;
    kad_serving_init(&serving, &asker);
    struct span rest = span_of(both, sizeof both);
    for (u32 i = 0; i < 2; i++) {
        assert_int_equal(
            kad_server_receive(&servers[0], &serving, rest, MS, CLOCK, &taken, answer, &size, NULL),
            ERR_OK);
        assert_int_equal(taken, 3);
        assert_int_equal(read_answer(size).type, KAD_PING);
        rest = span_slice(rest, taken, rest.size);
    }
    assert_int_equal(
        kad_server_receive(&servers[0], &serving, rest, MS, CLOCK, &taken, answer, &size, NULL),
        ERR_MALFORMED);
}

static void questions_have_a_bound(void **state)
{
    (void)state;
    begin(0);
    static struct kad_serving serving;
    struct p2p_hint asker = peer_of(9999);
    kad_serving_init(&serving, &asker);
    for (u32 i = 0; i <= P2P_KAD_QUESTIONS; i++) {
        u8 ping[] = {2, 8, 5};
        size_t taken, size;
        assert_int_equal(kad_server_receive(&servers[0], &serving, span_of(ping, 3), MS, CLOCK,
                                            &taken, answer, &size, NULL),
                         i < P2P_KAD_QUESTIONS ? ERR_OK : ERR_LIMIT);
    }
}

// ---- records

static void providers_announce_themselves(void **state)
{
    (void)state;
    begin(0);
    struct kad_key key = key_of(1), other = key_of(2);
    struct p2p_hint peer = peer_of(5), stranger = peer_of(6);
    assert_int_equal(announce(&peer, &peer, &key, MS), ERR_OK);
    assert_int_equal(announce(&peer, &peer, &key, MS), ERR_OK); // again
    assert_int_equal(announce(&peer, &stranger, &key, MS), ERR_OK);
    struct heard heard = ask(KAD_GET_PROVIDERS, &key, MS);
    assert_int_equal(heard.providers, 1);
    assert_true(peer_id_equal(&heard.last_provider.peer, &peer.peer));
    assert_int_equal(heard.last_provider.address_count, 1);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &other, MS).providers, 0);
    // A key that is no multihash.
    struct kad_key bad = key;
    bad.bytes[1] = 1;
    assert_int_equal(announce(&peer, &peer, &bad, MS), ERR_OK);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &bad, MS).providers, 0);
    // They die after 48 hours, asked about or not.
    u64 later = (1 + (u64)P2P_KAD_RECORD_MS) * MS;
    assert_int_equal(ask(KAD_GET_PROVIDERS, &key, later - 1).providers, 1);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &key, later).providers, 0);
    kad_server_tick(&servers[0], later);
    assert_int_equal(servers[0].peers[0].records, 0);
    // Ours stay.
    struct p2p_hint self = peer_of(0);
    assert_int_equal(kad_server_provide(&servers[0], &key, &self), ERR_OK);
    kad_server_tick(&servers[0], UINT64_MAX - 1);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &key, UINT64_MAX - 1).providers, 1);
    kad_server_withdraw(&servers[0], &other);
    kad_server_withdraw(&servers[0], &key);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &key, MS).providers, 0);
}

static void records_are_bounded(void **state)
{
    (void)state;
    begin(0);
    struct p2p_hint peer = peer_of(5), self = peer_of(0);
    // Of one peer.
    for (u32 i = 0; i <= P2P_KAD_PEER_RECORDS; i++) {
        struct kad_key key = key_of(i);
        assert_int_equal(announce(&peer, &peer, &key, MS), ERR_OK);
        assert_int_equal(ask(KAD_GET_PROVIDERS, &key, MS).providers, i < P2P_KAD_PEER_RECORDS);
    }
    // Of all peers: who comes when all places are taken is read over, and does not replace others.
    for (u32 i = 1; i <= P2P_KAD_RECORD_PEERS; i++) {
        struct p2p_hint more = peer_of(100 + i);
        struct kad_key key = key_of(1000 + i);
        assert_int_equal(announce(&more, &more, &key, MS), ERR_OK);
        assert_int_equal(ask(KAD_GET_PROVIDERS, &key, MS).providers, i < P2P_KAD_RECORD_PEERS);
    }
    struct kad_key key = key_of(7);
    assert_int_equal(kad_server_provide(&servers[0], &key, &self), ERR_LIMIT);
    // Of all records.
    begin(0);
    for (u32 i = 0; i <= P2P_KAD_RECORDS; i++) {
        key = key_of(i);
        assert_int_equal(kad_server_provide(&servers[0], &key, &self),
                         i < P2P_KAD_RECORDS ? ERR_OK : ERR_LIMIT);
    }
    key = key_of(5000);
    assert_int_equal(announce(&peer, &peer, &key, MS), ERR_OK);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &key, MS).providers, 0);
}

static void answers_have_room(void **state)
{
    (void)state;
    // k peers and more than k providers, each with as many addresses as are kept.
    begin(0);
    struct kad_key key = key_of(1);
    for (u32 i = 1; i <= 60; i++) {
        struct p2p_hint peer = peer_of(i);
        peer.address_count = P2P_HINT_ADDRESSES;
        for (u32 j = 0; j < P2P_HINT_ADDRESSES; j++) {
            u8 ip[16] = {0xfd, (u8)i, (u8)j};
            struct multiaddr address = multiaddr_of_tcp(span_of(ip, 16), 4001);
            peer.addresses[j].size = (u8)address.size;
            memcpy(peer.addresses[j].bytes, address.bytes, address.size);
        }
        assert_true(kad_table_seen(&servers[0].table, &peer, MS) || i > P2P_KAD_K);
        assert_int_equal(announce(&peer, &peer, &key, MS), ERR_OK);
    }
    struct heard heard = ask(KAD_GET_PROVIDERS, &key, MS);
    assert_int_equal(heard.providers, P2P_KAD_K);
    assert_int_equal(heard.closer, P2P_KAD_K);
    assert_int_equal(heard.last_provider.address_count, P2P_HINT_ADDRESSES);
}

// ---- names

// Puts the record of name `number`.
static enum err put(const struct p2p_hint *from, u32 number, u64 sequence, size_t value_size,
                    u64 until, u64 now)
{
    static u8 scratch[IPNS_SCRATCH_BYTES], bytes[IPNS_RECORD_BYTES], value[IPNS_VALUE_BYTES];
    u8 seed[P2P_SECRET_BYTES];
    struct p2p_hint name = peer_of(number);
    struct ipns_record record = {span_of(value, value_size), sequence, until, 1};
    seed_of(number, seed);
    size_t size = ipns_record_write(&crypto, seed, &record, scratch, bytes, sizeof bytes);
    struct kad_key key = kad_key_of_name(&name.peer);
    struct kad_message message = {
        .type = KAD_PUT_VALUE, .key = span_of(key.bytes, key.size), .value = span_of(bytes, size)};
    return say(&servers[0], from, &message, now, &size);
}

static size_t value_of(u32 number, u64 now)
{
    struct p2p_hint name = peer_of(number);
    struct kad_key key = kad_key_of_name(&name.peer);
    return ask(KAD_GET_VALUE, &key, now).value_size;
}

static void names_that_expired_count(void **state)
{
    (void)state;
    begin(0);
    struct p2p_hint from = peer_of(5);
    assert_int_equal(put(&from, 50, 7, 10, CLOCK + MS, MS), ERR_OK);
    wall = CLOCK + MS; // now it has
    assert_int_equal(put(&from, 50, 1, 20, CLOCK + 2 * MS, MS), ERR_INVALID);
    assert_int_equal(put(&from, 50, 8, 20, CLOCK + 2 * MS, MS), ERR_OK);
    wall = CLOCK;
}

static void names_are_kept(void **state)
{
    (void)state;
    begin(0);
    struct p2p_hint from = peer_of(5);
    assert_int_equal(value_of(50, MS), 0);
    assert_int_equal(put(&from, 50, 3, 10, CLOCK + 1, MS), ERR_OK);
    size_t size = value_of(50, MS);
    assert_true(size > 10);
    assert_int_equal(put(&from, 50, 2, 20, CLOCK + 1, MS), ERR_INVALID); // an old one
    assert_int_equal(put(&from, 50, 3, 10, CLOCK + 1, MS), ERR_OK);      // the same
    assert_int_equal(put(&from, 50, 3, 20, CLOCK + 1, MS), ERR_INVALID);
    assert_true(value_of(50, MS) == size);
    assert_int_equal(put(&from, 50, 4, 20, CLOCK + 1, MS), ERR_OK);
    assert_true(value_of(50, MS) > size);
    assert_int_equal(put(&from, 51, 1, 20, CLOCK, MS), ERR_INVALID); // over already
    assert_int_equal(put(&from, 51, 1, IPNS_VALUE_BYTES, CLOCK + 1, MS), ERR_INVALID); // too long
    // Another's record under a name, and a key that is no name.
    struct p2p_hint name = peer_of(52);
    struct kad_key key = kad_key_of_name(&name.peer), block = key_of(1);
    size_t ignored;
    struct kad_message message = {.type = KAD_PUT_VALUE,
                                  .key = span_of(key.bytes, key.size),
                                  .value =
                                      span_of(servers[0].names[0].bytes, servers[0].names[0].size)};
    message.value = span_of(servers[0].names[P2P_KAD_NAMES - 1].bytes,
                            servers[0].names[P2P_KAD_NAMES - 1].size);
    assert_true(message.value.size != 0);
    assert_int_equal(say(&servers[0], &from, &message, MS, &ignored), ERR_INVALID);
    message.key = span_of(block.bytes, block.size);
    assert_int_equal(say(&servers[0], &from, &message, MS, &ignored), ERR_INVALID);
    // Gone after 48 hours, unless it is said again; what is ours never.
    u64 later = (1 + (u64)P2P_KAD_RECORD_MS) * MS;
    struct p2p_hint self = peer_of(0);
    assert_int_equal(put(&from, 50, 4, 20, CLOCK + 1, MS + 2 * MS), ERR_OK); // the same
    kad_server_tick(&servers[0], later);
    assert_true(value_of(50, later) != 0);
    assert_int_equal(put(&self, 53, 1, 20, CLOCK + 1, MS), ERR_OK);
    assert_int_equal(value_of(50, later + 2 * MS), 0);
    kad_server_tick(&servers[0], later + 2 * MS);
    assert_false(servers[0].names[P2P_KAD_NAMES - 1].is_used);
    assert_true(value_of(53, 100 * later) != 0);
}

static void guests_hear_names_of_ours_alone(void **state)
{
    (void)state;
    static const enum kad_type types[] = {KAD_GET_VALUE, KAD_GET_PROVIDERS, KAD_FIND_NODE};
    begin(0);
    struct p2p_hint self = peer_of(0), other = peer_of(5), provider = peer_of(9999);
    struct kad_key block = key_of(1);
    assert_true(kad_table_seen(&servers[0].table, &other, MS));
    assert_int_equal(announce(&other, &other, &block, MS), ERR_OK);
    assert_int_equal(put(&self, 50, 1, 10, CLOCK + 1, MS), ERR_OK);
    assert_int_equal(put(&other, 51, 1, 10, CLOCK + 1, MS), ERR_OK);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &block, MS).providers, 1);
    assert_true(value_of(51, MS) != 0);
    is_guest = true;
    assert_true(value_of(50, MS) != 0);
    assert_int_equal(value_of(51, MS), 0);
    for (u32 i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct heard heard = ask(types[i], &block, MS);
        assert_int_equal(heard.type, types[i]);
        assert_int_equal(heard.closer + heard.providers, 0);
    }
    assert_int_equal(put(&other, 52, 1, 10, CLOCK + 1, MS), ERR_INVALID);
    assert_int_equal(announce(&provider, &provider, &block, MS), ERR_OK); // and nothing comes of it
    is_guest = false;
    assert_int_equal(value_of(52, MS), 0);
    assert_int_equal(ask(KAD_GET_PROVIDERS, &block, MS).providers, 1);
}

static void names_are_bounded(void **state)
{
    (void)state;
    begin(0);
    u32 number = 1000;
    struct p2p_hint self = peer_of(0);
    for (u32 i = 0; i <= P2P_KAD_OWN_NAMES; i++) {
        assert_int_equal(put(&self, number++, 1, 1, CLOCK + 1, MS),
                         i == P2P_KAD_OWN_NAMES ? ERR_INVALID : ERR_OK);
    }
    begin(0);
    enum { STRANGERS = (P2P_KAD_NAMES - P2P_KAD_OWN_NAMES) / P2P_KAD_PEER_NAMES };
    for (u32 i = 0; i <= STRANGERS; i++) {
        struct p2p_hint from = peer_of(100 + i);
        bool is_full = i == STRANGERS;
        for (u32 j = 0; j <= P2P_KAD_PEER_NAMES; j++) {
            assert_int_equal(put(&from, number++, 1, 1, CLOCK + 1, MS),
                             is_full || j == P2P_KAD_PEER_NAMES ? ERR_INVALID : ERR_OK);
        }
    }
    for (u32 i = 0; i < P2P_KAD_OWN_NAMES; i++) { // there is room for ours all the same
        assert_int_equal(put(&self, number++, 1, 1, CLOCK + 1, MS), ERR_OK);
    }
}

// ---- a network of ours

static struct kad_lookup lookup;

// Runs a lookup of node `self` to its end; returns how many providers were told.
static u32 run(u32 self, enum kad_goal goal, const struct kad_key *key, struct peer_id *provider)
{
    struct p2p_hint me = peer_of(self);
    const struct p2p_hint *known[P2P_KAD_K];
    struct kad_place place = kad_place_of(&crypto, span_of(key->bytes, key->size));
    kad_lookup_init(&lookup, &crypto, goal, P2P_SCOPE_LAN, key, &me.peer, 1, MS);
    u32 count = kad_table_nearest(&servers[self].table, &place, NULL, known, P2P_KAD_K);
    for (u32 i = 0; i < count; i++) {
        kad_lookup_add(&lookup, known[i]);
    }
    u32 providers = 0;
    for (;;) {
        struct kad_step step = kad_lookup_next(&lookup, MS);
        if (step.kind == KAD_STEP_DONE) {
            return providers;
        }
        if (step.kind == KAD_STEP_PROVIDER) {
            providers++;
            *provider = step.hint->peer;
        }
        for (u32 i = 0; step.kind == KAD_STEP_ASK && i < NODES; i++) {
            if (peer_id_equal(&servers[i].table.self, &step.hint->peer)) {
                struct kad_message message = {.type = goal == KAD_GOAL_CLOSEST ? KAD_FIND_NODE
                                                                               : KAD_GET_PROVIDERS,
                                              .key = span_of(key->bytes, key->size)};
                size_t size, taken;
                assert_int_equal(say(&servers[i], &me, &message, MS, &size), ERR_OK);
                assert_int_equal(
                    kad_lookup_receive(&lookup, step.ask, span_of(answer, size), &taken, NULL),
                    ERR_OK);
            }
        }
    }
}

static void a_network_of_ours_finds_what_it_has(void **state)
{
    (void)state;
    for (u32 i = 0; i < NODES; i++) { // a ring: each knows the next two
        struct p2p_hint self = peer_of(i);
        kad_server_init(&servers[i], &crypto, &self.peer);
        for (u32 step = 1; step <= 2; step++) {
            struct p2p_hint next = peer_of((i + step) % NODES);
            assert_true(kad_table_seen(&servers[i].table, &next, MS));
        }
    }
    for (u32 round = 0; round < NODES; round++) {
        struct kad_key key = key_of(7000 + round);
        struct p2p_hint me = peer_of(round);
        struct peer_id provider;
        const struct p2p_hint *closest[P2P_KAD_K];
        run(round, KAD_GOAL_CLOSEST, &key, &provider);
        u32 count = kad_lookup_closest(&lookup, closest);
        assert_int_equal(count, P2P_KAD_K);
        const struct p2p_hint *self = &me;
        struct kad_message message = {.type = KAD_ADD_PROVIDER,
                                      .key = span_of(key.bytes, key.size),
                                      .providers = &self,
                                      .provider_count = 1};
        for (u32 i = 0; i < NODES; i++) {
            size_t size;
            for (u32 k = 0; k < count; k++) {
                if (peer_id_equal(&servers[i].table.self, &closest[k]->peer)) {
                    assert_int_equal(say(&servers[i], &me, &message, MS, &size), ERR_OK);
                }
            }
        }
        assert_int_equal(run((round + 11) % NODES, KAD_GOAL_PROVIDERS, &key, &provider), 1);
        assert_true(peer_id_equal(&provider, &me.peer));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_keep_whom_they_have),
        cmocka_unit_test(the_nearest_come_first),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(questions_have_a_bound),
        cmocka_unit_test(providers_announce_themselves),
        cmocka_unit_test(records_are_bounded),
        cmocka_unit_test(answers_have_room),
        cmocka_unit_test(names_are_kept),
        cmocka_unit_test(names_that_expired_count),
        cmocka_unit_test(guests_hear_names_of_ours_alone),
        cmocka_unit_test(names_are_bounded),
        cmocka_unit_test(a_network_of_ours_finds_what_it_has),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
