// SPDX-License-Identifier: GPL-3.0-or-later
// Do the DHT's messages and lookups keep their headers' promises? Lookups walk networks that are
// made from a seed, with peers that are silent, that lie, or that know nobody.
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "lib/p2p/kad_lookup.h"
#include "lib/p2p/kad_provide.h"
#include "lib/p2p/multiaddr.h"
#include "lib/p2p/proto.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS ((u64)1000000)

static struct p2p_dice dice;
static struct p2p_crypto crypto;

static int start(void **state)
{
    (void)state;
    dice.state = 1;
    crypto = p2p_crypto_sodium(&dice);
    return 0;
}

// Peer `number`, at 10.x.y.z of the local network or a.b.x.1 of the public one.
static struct p2p_hint peer_of(u32 number, enum p2p_scope scope)
{
    u8 key[P2P_POINT_BYTES] = {0};
    memcpy(key, &number, sizeof number);
    struct p2p_hint hint = {.peer = peer_id_of_ed25519(key)};
    u8 lan[4] = {10, (u8)(number >> 16), (u8)(number >> 8), (u8)number};
    u8 wide[4] = {(u8)(40 + number % 40), (u8)(number / 40), 1, 1};
    struct multiaddr address =
        multiaddr_of_tcp(span_of(scope == P2P_SCOPE_LAN ? lan : wide, 4), 4001);
    assert_true(p2p_hint_add(&hint, scope, span_of(address.bytes, address.size)));
    return hint;
}

// ---- keys and messages

static void keys_are_those_of_the_specification(void **state)
{
    (void)state;
    struct cid cid;
    static const char *const place =
        "d623250f3f660ab4c3a53d3c97b3f6a0194c548053488d093520206248253bcb";
    assert_int_equal(
        cid_parse_text(SPAN_LITERAL("bafybeihfg3d7rdltd43u3tfvncx7n5loqofbsobojcadtmokrljfthuc7y"),
                       &cid, NULL),
        ERR_OK);
    struct kad_key key = kad_key_of_block(&cid);
    assert_int_equal(key.size, 34);
    struct kad_place found = kad_place_of(&crypto, span_of(key.bytes, key.size));
    for (size_t i = 0; i < sizeof found.bytes; i++) {
        char digits[3] = {place[2 * i], place[2 * i + 1], 0};
        assert_int_equal(found.bytes[i], strtoul(digits, NULL, 16));
    }
    struct p2p_hint peer = peer_of(1, P2P_SCOPE_LAN);
    key = kad_key_of_name(&peer.peer);
    assert_int_equal(key.size, 6 + peer.peer.size);
    assert_memory_equal(key.bytes, "/ipns/", 6);
}

static void distances_are_xor(void **state)
{
    (void)state;
    struct kad_place a = {{0x80}}, b = {{0x81, 1}}, zero = {{0}}, one = {{[31] = 1}};
    struct kad_place distance = kad_distance(&a, &b);
    assert_int_equal(distance.bytes[0], 1);
    assert_int_equal(distance.bytes[1], 1);
    assert_true(kad_place_compare(&a, &b) < 0);
    assert_true(kad_place_compare(&a, &a) == 0);
    assert_int_equal(kad_common_bits(&a, &b), 7);
    assert_int_equal(kad_common_bits(&a, &zero), 0);
    assert_int_equal(kad_common_bits(&one, &zero), 255);
    assert_int_equal(kad_common_bits(&one, &one), 256);
}

struct heard {
    u32 types, keys, records, closer, providers, ends;
    enum kad_type type;
    struct p2p_hint last;
    size_t value_size;
};

static enum err read_in_pieces(struct span bytes, size_t piece, struct heard *heard)
{
    static struct kad_reader reader;
    kad_reader_init(&reader, P2P_SCOPE_LAN);
    *heard = (struct heard){0};
    struct kad_event event = {.part = KAD_PART_TYPE};
    for (size_t at = 0; at < bytes.size || event.part != KAD_PART_MORE;) {
        size_t end = at + piece < bytes.size ? at + piece : bytes.size, taken;
        enum err err = kad_read(&reader, span_slice(bytes, at, end), &taken, &event, NULL);
        if (err != ERR_OK) {
            return err;
        }
        assert_true(event.part != KAD_PART_MORE || taken == end - at);
        at += taken;
        switch (event.part) {
        case KAD_PART_TYPE:
            heard->types++;
            heard->type = event.type;
            break;
        case KAD_PART_KEY:
            heard->keys++;
            break;
        case KAD_PART_RECORD:
            heard->records++;
            heard->value_size = event.bytes.size;
            break;
        case KAD_PART_CLOSER:
            heard->closer++;
            heard->last = event.hint;
            break;
        case KAD_PART_PROVIDER:
            heard->providers++;
            heard->last = event.hint;
            break;
        case KAD_PART_END:
            heard->ends++;
            break;
        default:
            break;
        }
    }
    return ERR_OK;
}

static void messages_come_in_any_pieces(void **state)
{
    (void)state;
    static u8 bytes[2 * P2P_KAD_VALUE_BYTES], value[P2P_KAD_VALUE_BYTES];
    struct p2p_hint peers[3] = {peer_of(1, P2P_SCOPE_LAN), peer_of(2, P2P_SCOPE_LAN),
                                peer_of(3, P2P_SCOPE_LAN)};
    const struct p2p_hint *list[3] = {&peers[0], &peers[1], &peers[2]};
    struct kad_key key = kad_key_of_name(&peers[0].peer);
    struct kad_message message = {.type = KAD_GET_VALUE,
                                  .key = span_of(key.bytes, key.size),
                                  .value = span_of(value, sizeof value),
                                  .closer = list,
                                  .closer_count = 2,
                                  .providers = list,
                                  .provider_count = 3};
    size_t size = kad_write(&message, bytes, sizeof bytes);
    assert_true(size <= sizeof bytes);
    assert_int_equal(kad_write(&message, bytes, 1), size);
    kad_write(&message, bytes, sizeof bytes);
    size += kad_write(&(struct kad_message){.type = KAD_PING}, bytes + size, sizeof bytes - size);
    for (size_t piece = 1; piece < 80; piece++) {
        struct heard heard;
        assert_int_equal(read_in_pieces(span_of(bytes, size), piece, &heard), ERR_OK);
        assert_int_equal(heard.types, 2);
        assert_int_equal(heard.keys, 1);
        assert_int_equal(heard.records, 1);
        assert_int_equal(heard.value_size, sizeof value);
        assert_int_equal(heard.closer, 2);
        assert_int_equal(heard.providers, 3);
        assert_int_equal(heard.ends, 2);
        assert_int_equal(heard.type, KAD_PING);
        assert_true(peer_id_equal(&heard.last.peer, &peers[2].peer));
        assert_int_equal(heard.last.address_count, 1);
    }
}

static void broken_messages_are_refused(void **state)
{
    (void)state;
    static const struct {
        u8 size;
        u8 bytes[12];
        enum err err;
        u32 ends;
    } rows[] = {
        {1, {0}, ERR_OK, 1},                         // nothing but a size
        {3, {2, 8, 4}, ERR_OK, 1},                   // FIND_NODE
        {3, {2, 8, 6}, ERR_MALFORMED, 0},            // a type that does not exist
        {3, {2, 10, 1}, ERR_MALFORMED, 0},           // a type of bytes, and they are not there
        {4, {3, 10, 1, 0}, ERR_MALFORMED, 0},        // a type of bytes
        {2, {1, 8}, ERR_MALFORMED, 0},               // cut off
        {3, {2, 0x12, 1}, ERR_MALFORMED, 0},         // beyond its message
        {3, {2, 0x10, 1}, ERR_MALFORMED, 0},         // a key that is a number
        {3, {2, 0x0b, 1}, ERR_MALFORMED, 0},         // a group
        {3, {2, 0, 1}, ERR_MALFORMED, 0},            // field 0
        {5, {4, 0x1a, 2, 8, 1}, ERR_MALFORMED, 0},   // a record's key that is a number
        {5, {4, 0x42, 2, 8, 1}, ERR_MALFORMED, 0},   // a peer's id that is a number
        {5, {4, 0x42, 2, 10, 1}, ERR_MALFORMED, 0},  // a peer's id beyond the peer
        {5, {4, 0x42, 2, 10, 0}, ERR_OK, 1},         // an id that is none: read over
        {3, {2, 0x42, 0}, ERR_OK, 1},                // a peer without an id
        {4, {0x80, 0x80, 0x40, 0}, ERR_OK, 0},       // 1 MiB, of which little is here
        {3, {0x81, 0x80, 0x40}, ERR_LIMIT, 0},       // and one more
        {2, {0x80, 0}, ERR_MALFORMED, 0},            // not the shortest form
        {8, {7, 0x7d, 1, 2, 3, 4, 8, 5}, ERR_OK, 1}, // a field not known, of 4 bytes
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece <= rows[i].size; piece++) {
            struct heard heard;
            assert_int_equal(read_in_pieces(span_of(rows[i].bytes, rows[i].size), piece, &heard),
                             rows[i].err);
            assert_int_equal(heard.ends, rows[i].ends);
        }
    }
}

static void messages_have_bounds(void **state)
{
    (void)state;
    static u8 bytes[64 * 1024];
    struct heard heard;
    // Peers without an id: counted, and read over.
    for (u32 count = P2P_KAD_MESSAGE_PEERS; count <= P2P_KAD_MESSAGE_PEERS + 1; count++) {
        struct proto_writer out = proto_writer_over(bytes, sizeof bytes);
        proto_varint(&out, 2 * (u64)count);
        for (u32 i = 0; i < count; i++) {
            proto_bytes(&out, 8, span_of(NULL, 0));
        }
        assert_int_equal(read_in_pieces(span_of(bytes, out.size), 1000, &heard),
                         count <= P2P_KAD_MESSAGE_PEERS ? ERR_OK : ERR_LIMIT);
    }
    // A record as long as a field may be, and one that is read over; what follows is read.
    static const u8 zeros[P2P_KAD_FIELD_BYTES];
    for (size_t size = P2P_KAD_FIELD_BYTES; size <= P2P_KAD_FIELD_BYTES + 1; size++) {
        struct proto_writer out = proto_writer_over(bytes, sizeof bytes);
        proto_varint(&out, size + 2);
        size_t inner = size - 3; // the head: a tag and a size of two bytes
        proto_head(&out, 3, inner);
        proto_bytes(&out, 2, span_of(zeros, inner - 3));
        proto_number(&out, 1, KAD_PING);
        for (size_t piece = 1; piece < 9; piece += 7) {
            assert_int_equal(read_in_pieces(span_of(bytes, out.size), piece, &heard), ERR_OK);
            assert_int_equal(heard.records, size <= P2P_KAD_FIELD_BYTES);
            assert_int_equal(heard.types, 1);
            assert_int_equal(heard.ends, 1);
        }
    }
    // A key.
    for (size_t size = P2P_KAD_KEY_BYTES; size <= P2P_KAD_KEY_BYTES + 1; size++) {
        struct proto_writer out = proto_writer_over(bytes, sizeof bytes);
        proto_varint(&out, size + 2);
        proto_bytes(&out, 2, span_of(zeros, size));
        assert_int_equal(read_in_pieces(span_of(bytes, out.size), 7, &heard), ERR_OK);
        assert_int_equal(heard.keys, size <= P2P_KAD_KEY_BYTES);
    }
}

// ---- a network

enum { PEERS_MAX = 400, KNOWN = 40, IN_FLIGHT = P2P_KAD_ALPHA, ANSWER_BYTES = 64 * 1024 };

enum manner {
    HONEST,
    SILENT,   // takes the question and never answers
    AWAY,     // cannot be reached
    BROKEN,   // answers with other bytes
    LIAR,     // tells peers that do not exist, all of one network
    ENDLESS,  // tells ever new peers that do not exist
    ENDS_NOW, // ends the stream in the middle of its answer
};

struct node {
    struct p2p_hint hint;
    struct kad_place place;
    enum manner manner;
    bool has_block;
    u32 asked;
};

static struct {
    u32 count;
    enum p2p_scope scope;
    struct node nodes[PEERS_MAX];
    struct kad_place target;
    u32 invented;
} net;

static int by_distance(const void *a, const void *b)
{
    struct kad_place first = kad_distance(&net.nodes[*(const u32 *)a].place, &net.target);
    struct kad_place second = kad_distance(&net.nodes[*(const u32 *)b].place, &net.target);
    return kad_place_compare(&first, &second);
}

static void net_make(u32 count, enum p2p_scope scope, const struct kad_key *key)
{
    net.count = count;
    net.scope = scope;
    net.invented = 1000;
    net.target = kad_place_of(&crypto, span_of(key->bytes, key->size));
    for (u32 i = 0; i < count; i++) {
        struct node *node = &net.nodes[i];
        *node = (struct node){.hint = peer_of(i + 1, scope)};
        node->place = kad_place_of(&crypto, peer_id_span(&node->hint.peer));
    }
}

// All nodes, the nearest to the target first.
static void net_order(u32 *order)
{
    for (u32 i = 0; i < net.count; i++) {
        order[i] = i;
    }
    qsort(order, net.count, sizeof *order, by_distance);
}

static struct node *net_find(const struct peer_id *peer)
{
    for (u32 i = 0; i < net.count; i++) {
        if (peer_id_equal(&net.nodes[i].hint.peer, peer)) {
            return &net.nodes[i];
        }
    }
    return NULL;
}

// What a node answers: of those it knows (all that share more bits with it than others do, and some
// at random) the k nearest; of itself that it has the block.
static size_t net_answer(struct node *node, enum kad_goal goal, u8 *out)
{
    const struct p2p_hint *closer[PEERS_MAX], *self = &node->hint;
    static struct p2p_hint invented[P2P_KAD_K];
    u32 order[PEERS_MAX], count = 0;
    if (node->manner == LIAR || node->manner == ENDLESS) {
        for (count = 0; count < P2P_KAD_K; count++) {
            invented[count] = peer_of(net.invented++, net.scope);
            if (node->manner == LIAR && net.scope == P2P_SCOPE_PUBLIC) {
                u8 ip[4] = {99, 99, (u8)(net.invented >> 8), (u8)net.invented};
                struct multiaddr address = multiaddr_of_tcp(span_of(ip, 4), 1);
                invented[count].address_count = 0;
                p2p_hint_add(&invented[count], net.scope, span_of(address.bytes, address.size));
            }
            closer[count] = &invented[count];
        }
    } else {
        net_order(order);
        u32 seed = (u32)(node - net.nodes);
        for (u32 i = 0; i < net.count && count < P2P_KAD_K; i++) {
            struct node *other = &net.nodes[order[i]];
            u32 bits = kad_common_bits(&node->place, &other->place);
            bool is_known = other != node && (bits >= 4 || (order[i] * 7 + seed) % 5 == 0);
            if (is_known) {
                closer[count++] = &other->hint;
            }
        }
    }
    struct kad_message message = {.type = KAD_FIND_NODE,
                                  .closer = closer,
                                  .closer_count = count,
                                  .providers = &self,
                                  .provider_count = node->has_block && goal == KAD_GOAL_PROVIDERS};
    size_t size = kad_write(&message, out, ANSWER_BYTES);
    assert_true(size <= ANSWER_BYTES);
    return size;
}

struct outcome {
    u32 asks, leaves, providers, in_flight_max;
    u64 took_ms;
    struct peer_id provider;
};

static void net_reply(struct kad_lookup *lookup, u32 ask, struct node *node)
{
    static u8 answer[ANSWER_BYTES];
    size_t size, taken;
    enum err err;
    node->asked++;
    switch (node->manner) {
    case SILENT:
        return;
    case AWAY:
        kad_lookup_fail(lookup, ask);
        return;
    case BROKEN:
        err = kad_lookup_receive(lookup, ask, span_of("\x01\x0b", 2), &taken, NULL);
        assert_int_equal(err, ERR_MALFORMED);
        assert_int_equal(taken, 2);
        return;
    default:
        size = net_answer(node, lookup->goal, answer);
        size = node->manner == ENDS_NOW ? size / 2 : size;
        for (size_t at = 0; at < size; at += taken) {
            size_t piece = 1 + p2p_dice_roll(&dice) % 500;
            piece = piece < size - at ? piece : size - at;
            err = kad_lookup_receive(lookup, ask, span_of(answer + at, piece), &taken, NULL);
            assert_int_equal(err, ERR_OK);
            assert_int_equal(taken, piece);
        }
        if (node->manner == ENDS_NOW) {
            kad_lookup_fail(lookup, ask);
        }
    }
}

// Runs a lookup until it is done; replies come in an order that the dice choose.
static struct outcome net_run(struct kad_lookup *lookup, u64 now)
{
    struct outcome outcome = {0};
    struct peer_id open[IN_FLIGHT] = {0};
    bool is_open[IN_FLIGHT] = {false};
    u32 flying = 0;
    u64 began = now;
    for (u32 turn = 0; turn < 100000; turn++) {
        struct kad_step step = kad_lookup_next(lookup, now);
        switch (step.kind) {
        case KAD_STEP_ASK:
            assert_true(step.ask < IN_FLIGHT && !is_open[step.ask]);
            assert_true(step.hint->address_count != 0);
            is_open[step.ask] = true;
            open[step.ask] = step.hint->peer;
            outcome.asks++;
            flying++;
            outcome.in_flight_max = flying > outcome.in_flight_max ? flying : outcome.in_flight_max;
            continue;
        case KAD_STEP_LEAVE:
            assert_true(is_open[step.ask]);
            is_open[step.ask] = false;
            outcome.leaves++;
            flying--;
            continue;
        case KAD_STEP_PROVIDER:
            outcome.providers++;
            outcome.provider = step.hint->peer;
            continue;
        case KAD_STEP_DONE:
            assert_int_equal(flying, 0);
            assert_true(kad_lookup_wake(lookup) == UINT64_MAX);
            assert_int_equal(kad_lookup_next(lookup, now).kind, KAD_STEP_DONE);
            outcome.took_ms = (now - began) / MS;
            return outcome;
        default:
            break;
        }
        // One of those that are open replies; when only silent ones are left, time passes.
        bool has_replied = false;
        u32 first = (u32)(p2p_dice_roll(&dice) % IN_FLIGHT);
        for (u32 i = 0; i < IN_FLIGHT && !has_replied; i++) {
            u32 ask = (first + i) % IN_FLIGHT;
            struct node *node = is_open[ask] ? net_find(&open[ask]) : NULL;
            if (is_open[ask] && node == NULL) { // invented
                kad_lookup_fail(lookup, ask);
                has_replied = true;
            } else if (node != NULL && node->manner != SILENT) {
                net_reply(lookup, ask, node);
                has_replied = true;
            }
        }
        if (!has_replied) {
            u64 wake = kad_lookup_wake(lookup);
            assert_true(wake > now && wake != UINT64_MAX);
            now = wake;
        }
    }
    fail_msg("no end");
    return outcome;
}

static struct kad_lookup lookup;

static struct kad_key some_key(u32 number)
{
    struct cid cid = {.codec = CID_RAW};
    memcpy(cid.digest, &number, sizeof number);
    return kad_key_of_block(&cid);
}

static void lookup_begin(enum kad_goal goal, const struct kad_key *key, u32 seeds)
{
    struct p2p_hint self = peer_of(0, net.scope);
    kad_lookup_init(&lookup, &crypto, goal, net.scope, key, &self.peer, 1, MS);
    kad_lookup_add(&lookup, &self); // never asked
    for (u32 i = 0; i < seeds; i++) {
        kad_lookup_add(&lookup, &net.nodes[i * 13 % net.count].hint);
    }
}

static void the_nearest_are_found(void **state)
{
    (void)state;
    for (u32 seed = 0; seed < 40; seed++) {
        struct kad_key key = some_key(seed);
        u32 order[PEERS_MAX];
        net_make(100 + seed * 7, seed % 2 == 0 ? P2P_SCOPE_LAN : P2P_SCOPE_PUBLIC, &key);
        for (u32 i = 0; i < net.count; i++) { // a third is away or silent
            u64 roll = p2p_dice_roll(&dice) % 9;
            net.nodes[i].manner = roll == 0 ? SILENT : roll < 3 ? AWAY : HONEST;
        }
        net.nodes[0].manner = HONEST;
        lookup_begin(KAD_GOAL_CLOSEST, &key, 5);
        struct outcome outcome = net_run(&lookup, MS);
        assert_int_equal(outcome.asks, outcome.leaves);
        assert_true(outcome.in_flight_max <= P2P_KAD_ALPHA);
        assert_true(outcome.took_ms <= P2P_KAD_LOOKUP_MS);
        const struct p2p_hint *closest[P2P_KAD_K];
        u32 count = kad_lookup_closest(&lookup, closest), found = 0, place = 0;
        net_order(order);
        for (u32 i = 0; i < net.count && place < P2P_KAD_K; i++) {
            struct node *node = &net.nodes[order[i]];
            assert_true(node->asked <= 1);
            if (node->manner == HONEST) {
                place++;
                for (u32 k = 0; k < count; k++) {
                    found += peer_id_equal(&closest[k]->peer, &node->hint.peer);
                }
            }
        }
        // All of them but those of a crowded network, which the public DHT leaves out.
        assert_int_equal(count, P2P_KAD_K);
        assert_true(found >= (net.scope == P2P_SCOPE_LAN ? 18 : 15));
    }
}

static void providers_are_found(void **state)
{
    (void)state;
    for (u32 seed = 0; seed < 40; seed++) {
        struct kad_key key = some_key(1000 + seed);
        u32 order[PEERS_MAX];
        net_make(150, P2P_SCOPE_LAN, &key);
        net_order(order);
        for (u32 i = 0; i < net.count; i++) {
            net.nodes[i].manner = (enum manner)(p2p_dice_roll(&dice) % 12);
            net.nodes[i].manner = net.nodes[i].manner > ENDS_NOW ? HONEST : net.nodes[i].manner;
        }
        net.nodes[0].manner = HONEST;
        for (u32 i = 0; i < 8; i++) { // of the nearest, some are honest and have it
            net.nodes[order[i]].has_block = true;
            net.nodes[order[i]].manner = i % 2 == 0 ? HONEST : net.nodes[order[i]].manner;
        }
        lookup_begin(KAD_GOAL_PROVIDERS, &key, 5);
        struct outcome outcome = net_run(&lookup, MS);
        assert_true(outcome.providers >= 1);
        assert_true(net_find(&outcome.provider)->has_block);
        assert_int_equal(outcome.asks, outcome.leaves);
    }
}

static void nobody_is_asked_for_ever(void **state)
{
    (void)state;
    // Everybody invents peers, or is silent: it ends, with P2P_KAD_ASKS and P2P_KAD_LOOKUP_MS kept.
    static const enum manner manners[] = {ENDLESS, LIAR, SILENT, AWAY, BROKEN, ENDS_NOW};
    for (size_t i = 0; i < COUNT_OF(manners); i++) {
        struct kad_key key = some_key(2000);
        net_make(100, i % 2 == 0 ? P2P_SCOPE_LAN : P2P_SCOPE_PUBLIC, &key);
        for (u32 n = 0; n < net.count; n++) {
            net.nodes[n].manner = manners[i];
        }
        lookup_begin(KAD_GOAL_CLOSEST, &key, 90);
        struct outcome outcome = net_run(&lookup, MS);
        assert_int_equal(outcome.asks, outcome.leaves);
        assert_true(outcome.asks <= P2P_KAD_ASKS);
        assert_true(outcome.took_ms <= P2P_KAD_LOOKUP_MS);
    }
    // Nobody to begin with.
    lookup_begin(KAD_GOAL_CLOSEST, &(struct kad_key){.size = 1}, 0);
    assert_int_equal(net_run(&lookup, MS).asks, 0);
}

static int by_distance_of_hints(const void *a, const void *b)
{
    const struct p2p_hint *hints[2] = {a, b};
    struct kad_place far[2];
    for (u32 i = 0; i < 2; i++) {
        struct kad_place place = kad_place_of(&crypto, peer_id_span(&hints[i]->peer));
        far[i] = kad_distance(&place, &net.target);
    }
    return kad_place_compare(&far[1], &far[0]); // the farthest first
}

static void asks_have_a_bound(void **state)
{
    (void)state;
    // Each answer names two peers that are nearer than all before, and away.
    static u8 answer[ANSWER_BYTES];
    static struct p2p_hint peers[4 * P2P_KAD_ASKS];
    struct kad_key key = some_key(3000);
    net_make(1, P2P_SCOPE_LAN, &key);
    for (u32 i = 0; i < COUNT_OF(peers); i++) {
        peers[i] = peer_of(5000 + i, P2P_SCOPE_LAN);
    }
    qsort(peers, COUNT_OF(peers), sizeof peers[0], by_distance_of_hints);
    lookup_begin(KAD_GOAL_CLOSEST, &key, 1);
    u32 asks = 0, named = 0;
    for (u32 turn = 0; turn < 100000; turn++) {
        struct kad_step step = kad_lookup_next(&lookup, MS);
        if (step.kind == KAD_STEP_DONE) {
            break;
        }
        if (step.kind == KAD_STEP_ASK) {
            asks++;
            const struct p2p_hint *list[2] = {&peers[named], &peers[named + 1]};
            named += 2;
            struct kad_message message = {.closer = list, .closer_count = 2, .key = {key.bytes, 1}};
            size_t size = kad_write(&message, answer, sizeof answer), taken;
            // All but the last byte, then away.
            assert_int_equal(
                kad_lookup_receive(&lookup, step.ask, span_of(answer, size - 1), &taken, NULL),
                ERR_OK);
            kad_lookup_fail(&lookup, step.ask);
        }
    }
    assert_int_equal(asks, P2P_KAD_ASKS);
    assert_int_equal(lookup.candidate_count, P2P_KAD_CANDIDATES);
}

// Begins a lookup, asks its first peer and gives it an answer.
static u32 ask_first(enum kad_goal goal, enum p2p_scope scope, const struct kad_message *message,
                     size_t *taken)
{
    static u8 answer[ANSWER_BYTES];
    struct kad_key key = some_key(4000);
    net_make(40, scope, &key);
    lookup_begin(goal, &key, 1);
    struct kad_step step = kad_lookup_next(&lookup, MS);
    assert_int_equal(step.kind, KAD_STEP_ASK);
    size_t size = kad_write(message, answer, sizeof answer);
    assert_int_equal(kad_lookup_receive(&lookup, step.ask, span_of(answer, size), taken, NULL),
                     ERR_OK);
    return step.ask;
}

static void one_network_does_not_crowd_out(void **state)
{
    (void)state;
    struct p2p_hint peers[P2P_KAD_K];
    const struct p2p_hint *list[P2P_KAD_K];
    for (u32 i = 0; i < P2P_KAD_K; i++) {
        peers[i] = peer_of(6000 + i, P2P_SCOPE_PUBLIC);
        list[i] = &peers[i];
        u8 ip[4] = {99, 99, (u8)i, 1}, ip6[16] = {0x2a, 0, 1, 2, (u8)i};
        struct multiaddr address = multiaddr_of_tcp(i < 10 ? span_of(ip, 4) : span_of(ip6, 16), 1);
        peers[i].address_count = 0;
        p2p_hint_add(&peers[i], P2P_SCOPE_PUBLIC, span_of(address.bytes, address.size));
    }
    struct kad_message message = {.closer = list, .closer_count = P2P_KAD_K};
    size_t taken;
    ask_first(KAD_GOAL_CLOSEST, P2P_SCOPE_PUBLIC, &message, &taken);
    assert_int_equal(lookup.candidate_count, 1 + 2 * P2P_KAD_PREFIX);
    // Neither do addresses of the other scope come through, nor grow those who are there.
    peers[0] = peer_of(7000, P2P_SCOPE_LAN);
    message.closer_count = 1;
    ask_first(KAD_GOAL_CLOSEST, P2P_SCOPE_PUBLIC, &message, &taken);
    assert_int_equal(lookup.candidate_count, 1);
}

static void values_are_told_one_by_one(void **state)
{
    (void)state;
    static u8 value[P2P_KAD_VALUE_BYTES + 1];
    struct kad_key key = some_key(4000), other = some_key(4001);
    size_t taken;
    struct kad_message message = {.type = KAD_GET_VALUE,
                                  .key = span_of(key.bytes, key.size),
                                  .value = span_of(value, P2P_KAD_VALUE_BYTES)};
    u32 ask = ask_first(KAD_GOAL_VALUE, P2P_SCOPE_LAN, &message, &taken);
    u8 request[P2P_KAD_REQUEST_BYTES];
    struct heard heard;
    size_t size = kad_lookup_request(&lookup, request, sizeof request);
    assert_int_equal(read_in_pieces(span_of(request, size), 1, &heard), ERR_OK);
    assert_int_equal(heard.type, KAD_GET_VALUE);
    // Another's answer waits until this one was told, however often it is offered.
    u8 more[] = {2, 8, 1};
    lookup.asks[1 - ask].is_open = true; // as if it had been asked too
    lookup.asks[1 - ask].is_over = false;
    assert_int_equal(kad_lookup_receive(&lookup, 1 - ask, span_of(more, 3), &taken, NULL), ERR_OK);
    assert_int_equal(taken, 0);
    struct kad_step step = kad_lookup_next(&lookup, MS);
    assert_int_equal(step.kind, KAD_STEP_VALUE);
    assert_int_equal(step.value.size, P2P_KAD_VALUE_BYTES);
    assert_true(peer_id_equal(&step.peer, &net.nodes[0].hint.peer));
    assert_int_equal(kad_lookup_receive(&lookup, 1 - ask, span_of(more, 3), &taken, NULL), ERR_OK);
    assert_int_equal(taken, 3);
    // One that is too long, one of another key, and one where none was asked for.
    message.value.size++;
    ask_first(KAD_GOAL_VALUE, P2P_SCOPE_LAN, &message, &taken);
    assert_false(lookup.has_value);
    message.value.size = 10;
    message.key = span_of(other.bytes, other.size);
    ask_first(KAD_GOAL_VALUE, P2P_SCOPE_LAN, &message, &taken);
    assert_false(lookup.has_value);
    message.key = span_of(key.bytes, key.size);
    ask_first(KAD_GOAL_CLOSEST, P2P_SCOPE_LAN, &message, &taken);
    assert_false(lookup.has_value);
}

static void an_answer_has_one_record(void **state)
{
    (void)state;
    struct kad_key key = some_key(4000);
    u8 answer[512], records[2][128];
    struct proto_writer out = proto_writer_over(answer, sizeof answer), parts[2];
    size_t size = 0, taken;
    for (u32 i = 0; i < 2; i++) {
        parts[i] = proto_writer_over(records[i], sizeof records[i]);
        proto_bytes(&parts[i], 1, span_of(key.bytes, key.size));
        proto_bytes(&parts[i], 2, span_of("value", i + 1));
        size += 2 + parts[i].size;
    }
    proto_varint(&out, size);
    for (u32 i = 0; i < 2; i++) {
        proto_bytes(&out, 3, span_of(records[i], parts[i].size));
    }
    net_make(40, P2P_SCOPE_LAN, &key);
    lookup_begin(KAD_GOAL_VALUE, &key, 1);
    u32 ask = kad_lookup_next(&lookup, MS).ask;
    assert_int_equal(kad_lookup_receive(&lookup, ask, span_of(answer, out.size), &taken, NULL),
                     ERR_OK);
    assert_int_equal(taken, out.size);
    struct kad_step step = kad_lookup_next(&lookup, MS);
    assert_int_equal(step.kind, KAD_STEP_VALUE);
    assert_int_equal(step.value.size, 1);
    assert_int_equal(kad_lookup_next(&lookup, MS).kind, KAD_STEP_LEAVE); // and it has answered
}

static void who_made_room_does_not_come_again(void **state)
{
    (void)state;
    static struct p2p_hint peers[P2P_KAD_CANDIDATES + 1]; // the farthest first
    struct kad_key key = some_key(3000);
    struct p2p_hint self = peer_of(0, P2P_SCOPE_LAN);
    u32 asks[2];
    net_make(1, P2P_SCOPE_LAN, &key);
    for (u32 i = 0; i < COUNT_OF(peers); i++) {
        peers[i] = peer_of(8000 + i, P2P_SCOPE_LAN);
    }
    qsort(peers, COUNT_OF(peers), sizeof peers[0], by_distance_of_hints);
    kad_lookup_init(&lookup, &crypto, KAD_GOAL_CLOSEST, P2P_SCOPE_LAN, &key, &self.peer, 1, MS);
    // The two farthest are asked; the second is away, and makes room because the first is not over.
    kad_lookup_add(&lookup, &peers[0]);
    kad_lookup_add(&lookup, &peers[1]);
    for (u32 i = 0; i < 2; i++) {
        struct kad_step step = kad_lookup_next(&lookup, MS);
        assert_int_equal(step.kind, KAD_STEP_ASK);
        asks[peer_id_equal(&step.hint->peer, &peers[1].peer)] = step.ask;
    }
    kad_lookup_fail(&lookup, asks[1]);
    for (u32 i = 2; i < COUNT_OF(peers); i++) {
        kad_lookup_add(&lookup, &peers[i]);
    }
    kad_lookup_fail(&lookup, asks[0]);
    kad_lookup_add(&lookup, &peers[1]); // nearer than the first, who is over now
    for (struct kad_step step; (step = kad_lookup_next(&lookup, MS)).kind != KAD_STEP_DONE;) {
        if (step.kind == KAD_STEP_ASK) {
            assert_false(peer_id_equal(&step.hint->peer, &peers[1].peer));
            kad_lookup_fail(&lookup, step.ask);
        }
    }
}

static void providers_have_a_bound(void **state)
{
    (void)state;
    static struct p2p_hint peers[P2P_KAD_PROVIDERS + 2];
    const struct p2p_hint *list[P2P_KAD_PROVIDERS + 2];
    for (u32 i = 0; i < COUNT_OF(peers); i++) {
        peers[i] = peer_of(i, P2P_SCOPE_LAN); // the first is us
        list[i] = &peers[i];
    }
    peers[1].address_count = 0;
    struct kad_message message = {.providers = list, .provider_count = COUNT_OF(list)};
    size_t taken;
    ask_first(KAD_GOAL_PROVIDERS, P2P_SCOPE_LAN, &message, &taken);
    u32 told = 0;
    struct kad_step step;
    while ((step = kad_lookup_next(&lookup, MS)).kind == KAD_STEP_PROVIDER) {
        told++;
        assert_false(peer_id_equal(&step.hint->peer, &peers[0].peer));
    }
    assert_int_equal(told, P2P_KAD_PROVIDERS);
    assert_int_equal(step.kind, KAD_STEP_LEAVE); // enough is known
    assert_int_equal(kad_lookup_next(&lookup, MS).kind, KAD_STEP_DONE);
}

static void providers_without_an_address_are_told_again(void **state)
{
    (void)state;
    struct p2p_hint known = peer_of(9, P2P_SCOPE_LAN), unknown = known;
    unknown.address_count = 0;
    const struct p2p_hint *list[2] = {&unknown, &known};
    struct kad_message message = {.providers = list, .provider_count = 1};
    struct kad_key key = some_key(4000);
    size_t taken;
    net_make(40, P2P_SCOPE_LAN, &key);
    lookup_begin(KAD_GOAL_PROVIDERS, &key, 2);
    lookup.providers_wanted = 2;
    u32 asks[2], told = 0;
    for (u32 i = 0; i < 2; i++) {
        asks[i] = kad_lookup_next(&lookup, MS).ask;
    }
    for (u32 i = 0; i < 2; i++) {
        u8 answer[P2P_KAD_REQUEST_BYTES];
        message.providers = &list[i];
        size_t size = kad_write(&message, answer, sizeof answer);
        for (u32 again = 0; again < 2; again++) { // the second time it is over
            assert_int_equal(
                kad_lookup_receive(&lookup, asks[i], span_of(answer, size), &taken, NULL), ERR_OK);
        }
        struct kad_step step = kad_lookup_next(&lookup, MS);
        assert_int_equal(step.kind, KAD_STEP_PROVIDER);
        assert_int_equal(step.hint->address_count, i);
        told++;
    }
    assert_int_equal(told, 2);
    assert_int_equal(lookup.provider_count, 1);
}

static void late_bytes_are_dropped(void **state)
{
    (void)state;
    size_t taken;
    u32 ask = ask_first(KAD_GOAL_CLOSEST, P2P_SCOPE_LAN, &(struct kad_message){0}, &taken);
    assert_int_equal(kad_lookup_next(&lookup, MS).kind, KAD_STEP_LEAVE);
    assert_int_equal(kad_lookup_receive(&lookup, ask, span_of("\xff\xff", 2), &taken, NULL),
                     ERR_OK);
    assert_int_equal(taken, 2);
    kad_lookup_fail(&lookup, ask);
    assert_int_equal(kad_lookup_next(&lookup, MS).kind, KAD_STEP_DONE);
}

// ---- what is provided

static void records_are_said_again(void **state)
{
    (void)state;
    static struct kad_provides provides;
    struct kad_key first = some_key(1), second = some_key(2);
    provides.count = 0;
    assert_null(kad_provides_next(&provides, MS));
    assert_true(kad_provides_wake(&provides) == UINT64_MAX);
    assert_int_equal(kad_provides_add(&provides, &first, MS), ERR_OK);
    assert_int_equal(kad_provides_add(&provides, &first, MS), ERR_OK);
    assert_int_equal(kad_provides_add(&provides, &second, 2 * MS), ERR_OK);
    assert_int_equal(provides.count, 2);
    const struct kad_key *key = kad_provides_next(&provides, 2 * MS);
    assert_non_null(key);
    assert_memory_equal(key->bytes, first.bytes, first.size);
    kad_provides_done(&provides, &first, true, 3 * MS);
    key = kad_provides_next(&provides, 3 * MS);
    assert_memory_equal(key->bytes, second.bytes, second.size);
    assert_null(kad_provides_next(&provides, 4 * MS)); // not before its time
    kad_provides_done(&provides, &second, false, 4 * MS);
    assert_true(kad_provides_wake(&provides) == (4 + (u64)P2P_KAD_RETRY_MS) * MS);
    kad_provides_remove(&provides, &second);
    kad_provides_remove(&provides, &second);
    assert_true(kad_provides_wake(&provides) == (3 + (u64)P2P_KAD_REPROVIDE_MS) * MS);
    for (u32 i = 0; i < P2P_KAD_PROVIDES; i++) {
        struct kad_key more = some_key(10 + i);
        assert_int_equal(kad_provides_add(&provides, &more, MS),
                         i + 1 < P2P_KAD_PROVIDES ? ERR_OK : ERR_LIMIT);
    }
    struct p2p_hint self = peer_of(9, P2P_SCOPE_LAN);
    u8 message[P2P_KAD_REQUEST_BYTES];
    struct heard heard;
    size_t size = kad_provide_message(&first, &self, message, sizeof message);
    assert_true(size <= sizeof message);
    assert_int_equal(read_in_pieces(span_of(message, size), 3, &heard), ERR_OK);
    assert_int_equal(heard.type, KAD_ADD_PROVIDER);
    assert_int_equal(heard.providers, 1);
    assert_true(peer_id_equal(&heard.last.peer, &self.peer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_those_of_the_specification),
        cmocka_unit_test(distances_are_xor),
        cmocka_unit_test(messages_come_in_any_pieces),
        cmocka_unit_test(broken_messages_are_refused),
        cmocka_unit_test(messages_have_bounds),
        cmocka_unit_test(the_nearest_are_found),
        cmocka_unit_test(providers_are_found),
        cmocka_unit_test(nobody_is_asked_for_ever),
        cmocka_unit_test(asks_have_a_bound),
        cmocka_unit_test(one_network_does_not_crowd_out),
        cmocka_unit_test(values_are_told_one_by_one),
        cmocka_unit_test(an_answer_has_one_record),
        cmocka_unit_test(who_made_room_does_not_come_again),
        cmocka_unit_test(providers_have_a_bound),
        cmocka_unit_test(providers_without_an_address_are_told_again),
        cmocka_unit_test(late_bytes_are_dropped),
        cmocka_unit_test(records_are_said_again),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
