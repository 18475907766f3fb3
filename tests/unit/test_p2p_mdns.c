// SPDX-License-Identifier: GPL-3.0-or-later
// Does lib/p2p find the peers of a network by multicast, and only them? The packets of others are
// js-libp2p's (@libp2p/mdns 12), as it writes them.
#include "core/base/compiler.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/mdns.h"
#include "tests/unit/p2p_crypto.h"
#include "tests/unit/support.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS ((u64)1000000)
#define ID "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
#define OTHER_ID "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"

static struct p2p_dice dice = {1};
static struct p2p_crypto crypto;

static int start(void **state)
{
    (void)state;
    crypto = p2p_crypto_sodium(&dice);
    return 0;
}

static struct peer_id id_of(const char *text)
{
    struct peer_id id;
    assert_int_equal(peer_id_parse(span_string(text), &id, NULL), ERR_OK);
    return id;
}

static struct multiaddr address_of(const char *text)
{
    struct multiaddr address;
    assert_int_equal(multiaddr_parse(span_string(text), &address, NULL), ERR_OK);
    return address;
}

// ---- hints

static bool add(struct p2p_hint *hint, enum p2p_scope scope, const char *text)
{
    struct multiaddr address = address_of(text);
    return p2p_hint_add(hint, scope, span_of(address.bytes, address.size));
}

static void hints_stay_in_their_scope(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        bool is_lan, is_public;
    } rows[] = {
        {"/ip4/10.0.0.1/tcp/1", true, false},
        {"/ip4/100.64.0.1/tcp/1", true, false},
        {"/ip4/100.63.255.255/tcp/1", false, true},
        {"/ip4/127.0.0.1/tcp/1", true, false},
        {"/ip4/169.254.3.4/tcp/1", true, false},
        {"/ip4/172.15.0.1/tcp/1", false, true},
        {"/ip4/172.31.255.255/tcp/1", true, false},
        {"/ip4/172.32.0.1/tcp/1", false, true},
        {"/ip4/192.168.1.1/tcp/1", true, false},
        {"/ip4/192.0.2.1/tcp/1", false, false},
        {"/ip4/198.19.0.1/tcp/1", false, false},
        {"/ip4/0.0.0.0/tcp/1", false, false},
        {"/ip4/224.0.0.251/tcp/1", false, false},
        {"/ip4/255.255.255.255/tcp/1", false, false},
        {"/ip4/223.255.255.255/tcp/1", false, true},
        {"/ip4/8.8.8.8/tcp/1", false, true},
        {"/ip4/8.8.8.8/tcp/0", false, false},
        {"/ip4/8.8.8.8/udp/1", false, false},
        {"/ip6/::1/tcp/1", true, false},
        {"/ip6/::/tcp/1", false, false},
        {"/ip6/fd00::1/tcp/1", true, false},
        {"/ip6/fe80::1/tcp/1", false, false},
        {"/ip6/ff02::1/tcp/1", false, false},
        {"/ip6/::ffff:127.0.0.1/tcp/1", false, false},
        {"/ip6/2001:4860::1/tcp/1", false, true},
        {"/ip6/2001:db8::1/tcp/1", false, false},
        {"/ip6/2001::1/tcp/1", false, false},
        {"/ip6/2002:7f00:1::/tcp/1", false, false},
        {"/dns4/example.com/tcp/1", false, true},
        {"/ip4/10.0.0.1/tcp/1/ws", false, false},
        {"/ip4/10.0.0.1/tcp/1/p2p/" ID, true, false},
        {"/ip4/10.0.0.1/tcp/1/p2p/" OTHER_ID, false, false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct p2p_hint lan = {.peer = id_of(ID)}, wide = lan;
        if (add(&lan, P2P_SCOPE_LAN, rows[i].address) != rows[i].is_lan ||
            add(&wide, P2P_SCOPE_PUBLIC, rows[i].address) != rows[i].is_public) {
            fail_msg("%s", rows[i].address);
        }
    }
    assert_false(p2p_ip_is_of(span_of("abc", 3), P2P_SCOPE_LAN));
    assert_true(p2p_ip_is_loopback(span_of("\x7f\1\2\3", 4)));
    assert_false(p2p_ip_is_loopback(span_of("\x0a\1\2\3", 4)));
    assert_true(p2p_ip_is_loopback(span_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16)));
    assert_false(p2p_ip_is_loopback(span_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16)));
}

static void hearsay_has_bounds(void **state)
{
    (void)state;
    const u64 hour = (u64)3600 * 1000000000;
    struct p2p_hearsay hearsay = {0};
    for (u32 i = 0; i < P2P_HEARSAY_LAN_HOUR; i++) {
        assert_true(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_LAN, 5 * hour + i));
    }
    assert_false(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_LAN, 6 * hour - 1));
    for (u32 i = 0; i < P2P_HEARSAY_PUBLIC_HOUR; i++) { // each network has its own
        assert_true(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_PUBLIC, 6 * hour - 1));
    }
    assert_false(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_PUBLIC, 6 * hour - 1));
    assert_true(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_LAN, 6 * hour));
    assert_true(p2p_hearsay_may_dial(&hearsay, P2P_SCOPE_PUBLIC, 6 * hour));
}

static void hints_have_bounds(void **state)
{
    (void)state;
    struct p2p_hint hint = {.peer = id_of(ID)}, more = hint;
    char text[P2P_MULTIADDR_TEXT_BYTES];
    assert_true(add(&hint, P2P_SCOPE_LAN, "/ip4/10.0.0.1/tcp/1/p2p/" ID));
    assert_int_equal(hint.addresses[0].size, 8);                    // without the peer
    assert_false(add(&hint, P2P_SCOPE_LAN, "/ip4/10.0.0.1/tcp/1")); // the same
    for (u32 i = 2; i <= P2P_HINT_ADDRESSES + 1; i++) {
        snprintf(text, sizeof text, "/ip4/10.0.0.1/tcp/%u", i);
        assert_int_equal(add(&hint, P2P_SCOPE_LAN, text), i <= P2P_HINT_ADDRESSES);
    }
    // A name of as many letters as fit, and one more: code, size, letters, /tcp and its port.
    size_t letters = P2P_HINT_ADDRESS_BYTES - 2 - 3;
    for (size_t size = letters; size <= letters + 1; size++) {
        snprintf(text, sizeof text, "/dns/%.*s/tcp/1", (int)size,
                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        assert_int_equal(add(&more, P2P_SCOPE_PUBLIC, text), size == letters);
    }
    p2p_hint_merge(&more, &hint);
    assert_int_equal(more.address_count, P2P_HINT_ADDRESSES);
    assert_false(p2p_hint_add(&more, P2P_SCOPE_LAN, span_of(NULL, 0)));
}

// ---- messages

static u8 digit(char c)
{
    return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

// Reads a packet of exactly its size, so that reading beyond it is seen.
static enum err read_hex(const char *text, struct mdns_message *out)
{
    size_t size = strlen(text) / 2;
    u8 *bytes = malloc(size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (u8)(digit(text[2 * i]) << 4 | digit(text[2 * i + 1]));
    }
    enum err err = mdns_read(span_of(bytes, size), out, NULL);
    free(bytes);
    return err;
}

#define SERVICE "045f703270045f756470056c6f63616c00"
#define QUERY "000000000001000000000000" SERVICE "000c0001"
#define LABEL                                                                                      \
    "3f6162636465666768696a6b6c6d6e6f707172737475767778797a3031323334353637383961626364656667686"  \
    "96a6b6c6d6e6f707172737475767778797a30"
#define INSTANCE LABEL SERVICE
#define JS_ANSWER                                                                                  \
    "000080000000000300000000" SERVICE "000c0001000000780051" INSTANCE INSTANCE                    \
    "0010000100000078005b5a646e73616464723d2f6970342f3139322e3136382e312e352f7463702f343030312f"   \
    "7032702f313244334b6f6f57443365636b69665770526e397751704d4739523968583373443135387a3745714857" \
    "6d776551414a55355341" INSTANCE "001000010000007800636264"                                     \
    "6e73616464723d2f6970342f3139322e3136382e312e352f7564702f34303031"                             \
    "2f717569632d76312f7032702f313244334b6f6f57443365636b69665770526e397751704d473952396858337344" \
    "3135387a37457148576d776551414a55355341"

static void messages_of_js(void **state)
{
    (void)state;
    struct mdns_message message;
    assert_int_equal(read_hex(QUERY, &message), ERR_OK);
    assert_true(message.is_query);
    assert_int_equal(message.hint_count, 0);
    assert_int_equal(read_hex(JS_ANSWER, &message), ERR_OK);
    assert_false(message.is_query);
    assert_int_equal(message.hint_count, 1);
    struct peer_id id = id_of(ID);
    struct multiaddr address = address_of("/ip4/192.168.1.5/tcp/4001");
    assert_true(peer_id_equal(&message.hints[0].peer, &id));
    assert_int_equal(message.hints[0].address_count, 1); // QUIC is not dialled
    assert_true(
        span_equal(p2p_hint_address(&message.hints[0], 0), span_of(address.bytes, address.size)));
    // Ours asks in the same bytes.
    u8 packet[MDNS_PACKET_BYTES];
    char written[2 * MDNS_PACKET_BYTES + 1];
    struct text text = text_over(written, sizeof written);
    text_hex_bytes(&text, span_of(packet, mdns_query_write(packet)));
    assert_string_equal(written, QUERY);
}

static void names_are_compressed(void **state)
{
    (void)state;
    struct mdns_message message;
    // A PTR whose data is a label and a pointer to the service, then a TXT at a pointer to that,
    // in the additional section, as others write it. "Local" in capitals.
    assert_int_equal(read_hex("000084000000000100000001"
                              "045f703270045f756470054c4f43414c00000c0001000000780005"
                              "026162c00c"
                              "c02700108001000000780041"
                              "40646e73616464723d2f6970342f31302e302e302e312f7463702f312f7032702f51"
                              "6d597951536f316331596d376f7257784c597643724d32456d7846544146",
                              &message),
                     ERR_MALFORMED); // cut off
    char packet[2 * MDNS_PACKET_BYTES];
    const char *txt = "dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/" ID;
    size_t size = strlen(txt);
    int at = snprintf(packet, sizeof packet,
                      "000084000000000100000001"
                      "045f703270045f756470054c4f43414c00000c0001000000780005026162c00c"
                      "c0270010800100000078%04zx%02zx",
                      size + 1, size);
    for (size_t i = 0; i < size; i++) {
        at += snprintf(packet + at, sizeof packet - (size_t)at, "%02x", txt[i]);
    }
    assert_int_equal(read_hex(packet, &message), ERR_OK);
    assert_int_equal(message.hint_count, 1);
}

static void broken_packets_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *packet;
        enum err err;
    } rows[] = {
        {"", ERR_MALFORMED},
        {"0000000000010000000000", ERR_MALFORMED},
        {"000000000001000000000000", ERR_MALFORMED},             // a question that is not there
        {"000000000001000000000000c00c000c0001", ERR_MALFORMED}, // points at itself
        {"000000000001000000000000c00e000c0001", ERR_MALFORMED}, // and forth
        {"00000000000100000000000001"
         "61c00c000c0001",
         ERR_MALFORMED}, // into its own label
        {"000000000002000000000000"
         "c000"
         "000c0001"
         "c00c000c0001",
         ERR_OK}, // id 0: the root
        {"000000000001000000000000"
         "40"
         "00000c0001",
         ERR_MALFORMED}, // a label of another kind
        {"000000000001000000000000"
         "80"
         "00000c0001",
         ERR_MALFORMED},
        {QUERY "00", ERR_MALFORMED}, // more than it says
        {"000000000000000000000000", ERR_OK},
        {"0000280000ff0000000000ff", ERR_LIMIT},
        {"000028000001000000000000", ERR_OK}, // another kind of message: its questions unread
        {"000084000000000100000000" INSTANCE "00100001000000780002"
         "05"
         "61",
         ERR_MALFORMED},
        {"000084000000000100000000" INSTANCE "00100001000000780001"
         "00",
         ERR_OK},
        {"000084000000000100000000" INSTANCE "0010000100000078ffff"
         "00",
         ERR_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct mdns_message message;
        if (read_hex(rows[i].packet, &message) != rows[i].err) {
            fail_msg("%s", rows[i].packet);
        }
    }
    // Every beginning of a packet that is right is none that is.
    char cut[sizeof JS_ANSWER];
    for (size_t size = 24; size < sizeof JS_ANSWER - 1; size += 2) {
        struct mdns_message message;
        memcpy(cut, JS_ANSWER, size);
        cut[size] = 0;
        assert_int_equal(read_hex(cut, &message), ERR_MALFORMED);
    }
}

static void pointers_are_bounded(void **state)
{
    (void)state;
    // A question of the root's name, then as many as the bound, each a pointer to the one before.
    for (u32 jumps = MDNS_JUMPS; jumps <= MDNS_JUMPS + 1; jumps++) {
        u8 packet[MDNS_PACKET_BYTES] = {0};
        size_t at = 12;
        packet[5] = (u8)(jumps + 1);
        at += 5; // the root, its type and class
        for (u32 i = 0; i < jumps; i++) {
            packet[at] = 0xc0;
            packet[at + 1] = (u8)(i == 0 ? 12 : at - 6);
            at += 6;
        }
        struct mdns_message message;
        assert_int_equal(mdns_read(span_of(packet, at), &message, NULL),
                         jumps <= MDNS_JUMPS ? ERR_OK : ERR_MALFORMED);
    }
    // Names of 255 bytes and beyond: labels of 62 letters, then one that fills them up.
    for (u32 last = 1; last <= 4; last++) {
        u8 packet[MDNS_PACKET_BYTES] = {[5] = 1};
        size_t at = 12;
        for (u32 i = 0; i < 4; i++) {
            packet[at] = 62;
            memset(packet + at + 1, 'a', 62);
            at += 63;
        }
        packet[at] = (u8)last;
        at += 1 + last + 1 + 4;
        struct mdns_message message;
        size_t size = (size_t)4 * 63 + 1 + last + 1;
        assert_int_equal(mdns_read(span_of(packet, at), &message, NULL),
                         size <= MDNS_NAME_BYTES ? ERR_OK : ERR_LIMIT);
    }
}

static void packets_have_bounds(void **state)
{
    (void)state;
    struct mdns_message message;
    u8 packet[MDNS_PACKET_BYTES + 1] = {0};
    for (u32 count = MDNS_RECORDS; count <= MDNS_RECORDS + 1; count++) {
        packet[5] = (u8)count; // questions of the root's name: 5 bytes each
        assert_int_equal(mdns_read(span_of(packet, 12 + 5 * (size_t)count), &message, NULL),
                         count <= MDNS_RECORDS ? ERR_OK : ERR_LIMIT);
    }
    // One record of as many bytes as make the packet as long as it may be.
    for (size_t size = MDNS_PACKET_BYTES; size <= sizeof packet; size++) {
        memset(packet, 0, sizeof packet);
        packet[7] = 1;
        size_t rest = size - 12 - 11;
        packet[12 + 9] = (u8)(rest >> 8);
        packet[12 + 10] = (u8)rest;
        assert_int_equal(mdns_read(span_of(packet, size), &message, NULL),
                         size <= MDNS_PACKET_BYTES ? ERR_OK : ERR_LIMIT);
    }
}

static void other_services_are_read_over(void **state)
{
    (void)state;
    struct mdns_message message;
    assert_int_equal(
        read_hex("000000000001000000000000045f697070045f746370056c6f63616c00000c0001", &message),
        ERR_OK);
    assert_false(message.is_query);
    // An answer within a question, another type, another class; all types are ours too.
    assert_int_equal(read_hex("000000000001000000000000" SERVICE "00010001", &message), ERR_OK);
    assert_false(message.is_query);
    assert_int_equal(read_hex("000000000001000000000000" SERVICE "000c0003", &message), ERR_OK);
    assert_false(message.is_query);
    assert_int_equal(read_hex("000000000001000000000000" SERVICE "00ff00ff", &message), ERR_OK);
    assert_true(message.is_query);
    assert_int_equal(read_hex("000000000001000000000000" SERVICE "000c8001", &message), ERR_OK);
    assert_true(message.is_query); // it wants the answer for itself: everybody gets it
}

// ---- when

static struct mdns node(const char *id, const char *address)
{
    struct mdns mdns;
    struct multiaddr listens = address_of(address);
    struct peer_id self = id_of(id);
    mdns_init(&mdns, &crypto, &self, &listens, 1, 1000 * MS);
    return mdns;
}

static void peers_find_each_other(void **state)
{
    (void)state;
    struct mdns nodes[2] = {node(ID, "/ip4/10.0.0.1/tcp/4001"),
                            node(OTHER_ID, "/ip6/fd00::2/tcp/4002")};
    bool heard[2] = {false, false};
    u64 now = 1000 * MS;
    for (u32 turn = 0; turn < 16 && !(heard[0] && heard[1]); turn++) {
        u64 first = mdns_wake(&nodes[0]), second = mdns_wake(&nodes[1]);
        now = first < second ? first : second;
        for (u32 i = 0; i < 2; i++) {
            u8 packet[MDNS_PACKET_BYTES];
            size_t size;
            while ((size = mdns_send(&nodes[i], packet, now)) != 0) {
                for (u32 to = 0; to < 2; to++) { // to oneself too
                    assert_int_equal(mdns_receive(&nodes[to], span_of(packet, size), now, NULL),
                                     ERR_OK);
                }
            }
        }
        for (u32 i = 0; i < 2; i++) {
            struct p2p_hint hint;
            while (mdns_next_hint(&nodes[i], &hint)) {
                assert_true(peer_id_equal(&hint.peer, &nodes[1 - i].self));
                assert_int_equal(hint.address_count, 1);
                heard[i] = true;
            }
        }
    }
    assert_true(heard[0] && heard[1]);
    assert_true(now < 1300 * MS);
}

static u32 packets_until(struct mdns *mdns, u64 from, u64 until, u64 step, bool is_flooded)
{
    u8 packet[MDNS_PACKET_BYTES], question[MDNS_PACKET_BYTES];
    size_t size = mdns_query_write(question);
    u32 count = 0;
    for (u64 now = from; now < until; now += step) {
        if (is_flooded) {
            assert_int_equal(mdns_receive(mdns, span_of(question, size), now, NULL), ERR_OK);
        }
        while (mdns_send(mdns, packet, now) != 0) {
            count++;
        }
    }
    return count;
}

static void floods_amplify_nothing(void **state)
{
    (void)state;
    struct mdns mdns = node(ID, "/ip4/10.0.0.1/tcp/4001");
    // 10,000 questions in 100 s: an answer in each second at most, and our own questions still
    // leave, but not more often.
    u32 count = packets_until(&mdns, 1000 * MS, 101000 * MS, 10 * MS, true);
    assert_in_range(count, 60, 110);
    // And none is left when nobody asks any more.
    count = packets_until(&mdns, 101000 * MS, 201000 * MS, 10 * MS, false);
    assert_in_range(count, 1, 4);
}

static void questions_come_less_often(void **state)
{
    (void)state;
    struct mdns mdns = node(ID, "/ip4/10.0.0.1/tcp/4001");
    // At 0, 1, 3, 7, 15, 31 s; then once a minute.
    u32 count = packets_until(&mdns, 1000 * MS, 33000 * MS, 5 * MS, false);
    assert_int_equal(count, 6);
    u64 now = 1000000 * MS;
    packets_until(&mdns, 33000 * MS, now, 100 * MS, false);
    // Who wants a peer now does not wait, but never asks twice in a second.
    mdns_ask(&mdns, now);
    u8 packet[MDNS_PACKET_BYTES];
    now += MDNS_QUERY_MS * MS;
    assert_true(mdns_wake(&mdns) <= now);
    assert_true(mdns_send(&mdns, packet, now) != 0);
    mdns_ask(&mdns, now + 1);
    assert_int_equal(mdns_send(&mdns, packet, now + MDNS_QUERY_MS * MS - 1), 0);
    assert_true(mdns_send(&mdns, packet, now + MDNS_QUERY_MS * MS) != 0);
    // Somebody's question stands for one of ours, once.
    u64 due = mdns.query_ns;
    u8 question[MDNS_PACKET_BYTES];
    size_t size = mdns_query_write(question);
    now = due - 1;
    assert_int_equal(mdns_receive(&mdns, span_of(question, size), now, NULL), ERR_OK);
    assert_true(mdns.query_ns > due);
    due = mdns.query_ns;
    assert_int_equal(mdns_receive(&mdns, span_of(question, size), due - 1, NULL), ERR_OK);
    assert_true(mdns.query_ns == due);
}

static void who_does_not_listen_does_not_answer(void **state)
{
    (void)state;
    struct mdns mdns;
    struct peer_id self = id_of(ID);
    mdns_init(&mdns, &crypto, &self, NULL, 0, 0);
    u8 packet[MDNS_PACKET_BYTES];
    size_t size = mdns_query_write(packet);
    assert_int_equal(mdns_receive(&mdns, span_of(packet, size), 0, NULL), ERR_OK);
    assert_true(mdns.answer_ns == UINT64_MAX);
}

static void waiting_hints_are_bounded(void **state)
{
    (void)state;
    struct mdns mdns = node(ID, "/ip4/10.0.0.1/tcp/4001");
    for (u32 i = 0; i < 3 * MDNS_HINTS; i++) {
        struct mdns other = node(OTHER_ID, "/ip4/10.0.0.1/tcp/4001");
        u8 key[P2P_POINT_BYTES] = {(u8)i}, packet[MDNS_PACKET_BYTES];
        other.self = peer_id_of_ed25519(key);
        size_t size = mdns_answer_write(&other, packet);
        assert_int_equal(mdns_receive(&mdns, span_of(packet, size), 0, NULL), ERR_OK);
        assert_int_equal(mdns_receive(&mdns, span_of(packet, size), 0, NULL), ERR_OK);
    }
    struct p2p_hint hint;
    for (u32 i = 2 * MDNS_HINTS; i < 3 * MDNS_HINTS; i++) { // the latest, in their order
        u8 key[P2P_POINT_BYTES] = {(u8)i};
        struct peer_id id = peer_id_of_ed25519(key);
        assert_true(mdns_next_hint(&mdns, &hint));
        assert_true(peer_id_equal(&hint.peer, &id));
    }
    assert_false(mdns_next_hint(&mdns, &hint));
}

static void answers_fit_their_packet(void **state)
{
    (void)state;
    struct peer_id self = id_of(ID);
    struct multiaddr addresses[MDNS_ADDRESSES];
    char text[P2P_MULTIADDR_TEXT_BYTES];
    for (u32 i = 0; i < MDNS_ADDRESSES; i++) {
        // Text of more than 255 bytes is left out, the rest as far as there is room.
        snprintf(text, sizeof text, i == 0 ? "/dns/%0240u/tcp/1" : "/dns/%0150u/tcp/1", i);
        addresses[i] = address_of(text);
    }
    addresses[1] = address_of("/ip4/10.0.0.1/tcp/4001");
    struct mdns mdns;
    mdns_init(&mdns, &crypto, &self, addresses, MDNS_ADDRESSES, 0);
    u8 packet[MDNS_PACKET_BYTES];
    size_t size = mdns_answer_write(&mdns, packet);
    struct mdns_message message;
    assert_in_range(size, 1000, MDNS_PACKET_BYTES);
    assert_int_equal(mdns_read(span_of(packet, size), &message, NULL), ERR_OK);
    assert_int_equal(message.hint_count, 1);
    assert_int_equal(message.hints[0].address_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hints_stay_in_their_scope),
        cmocka_unit_test(hints_have_bounds),
        cmocka_unit_test(hearsay_has_bounds),
        cmocka_unit_test(messages_of_js),
        cmocka_unit_test(names_are_compressed),
        cmocka_unit_test(broken_packets_are_refused),
        cmocka_unit_test(pointers_are_bounded),
        cmocka_unit_test(packets_have_bounds),
        cmocka_unit_test(other_services_are_read_over),
        cmocka_unit_test(peers_find_each_other),
        cmocka_unit_test(floods_amplify_nothing),
        cmocka_unit_test(questions_come_less_often),
        cmocka_unit_test(who_does_not_listen_does_not_answer),
        cmocka_unit_test(waiting_hints_are_bounded),
        cmocka_unit_test(answers_fit_their_packet),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
