// SPDX-License-Identifier: GPL-3.0-or-later
// What lib/p2p has for finding, over sockets, for tests against other implementations.
//
//   finder serve                      prints "listening ADDRESS"; serves the local DHT until stdin
//                                     ends
//   finder find ADDRESS CID           asks the DHT from that peer on; prints "ok provider ID" for
//                                     each
//   finder provide ADDRESS CID        tells the nearest that we have it; prints "ok provided ID
//   COUNT" finder publish ADDRESS VALUE N    puts a record with sequence N; prints "ok published
//   NAME COUNT" finder resolve ADDRESS NAME       prints "ok value VALUE N" of the newest record
//   finder record VALUE N             prints "ok record NAME HEX"
//   finder verify NAME HEX            prints "ok value VALUE N"
//   finder mdns query|answer          prints "ok packet HEX"
//   finder mdns HEX                   reads one; prints "ok query" or "ok peer ID ADDRESS"
//
// It leaves with 0 when it said ok, and prints "fail REASON" when not.
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/p2p/ipns.h"
#include "lib/p2p/kad_lookup.h"
#include "lib/p2p/kad_provide.h"
#include "lib/p2p/kad_server.h"
#include "lib/p2p/mdns.h"
#include "tests/interop/links.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    SERVINGS = 64,
    PROVIDERS = 16,
    PATIENCE_S = 20,
    RECORD_DAYS = 2,
};

#define SECOND ((u64)1000000000)

static u8 scratch[IPNS_SCRATCH_BYTES];

static int fail(const char *why)
{
    say("fail", why);
    return 1;
}

static u64 unix_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (u64)time.tv_sec * SECOND + (u64)time.tv_nsec;
}

// ---- the server

static struct kad_server server;
static struct kad_serving servings[SERVINGS];
static struct p2p_stream *served[SERVINGS]; // whose each is; NULL: free

static struct p2p_hint hint_of(const struct p2p_connection *connection)
{
    struct p2p_hint hint = {.peer = connection->peer};
    for (u32 i = 0; i < connection->identity.address_count; i++) {
        p2p_hint_add(&hint, P2P_SCOPE_LAN,
                     span_of(connection->identity.addresses[i].bytes,
                             connection->identity.addresses[i].size));
    }
    return hint;
}

static struct kad_serving *serving_of(struct p2p_stream *stream)
{
    for (u32 i = 0; stream->context == NULL && i < SERVINGS; i++) {
        if (served[i] == NULL) {
            struct p2p_hint peer = hint_of(stream->connection);
            served[i] = stream;
            stream->context = &servings[i];
            kad_serving_init(&servings[i], &peer);
        }
    }
    return stream->context;
}

static void leave(struct p2p_stream *stream, bool is_reset)
{
    for (u32 i = 0; i < SERVINGS; i++) {
        served[i] = served[i] == stream ? NULL : served[i];
    }
    if (is_reset) {
        p2p_stream_reset(stream);
    }
    p2p_stream_close(stream);
}

static void serve(struct p2p_stream *stream)
{
    static u8 answer[P2P_KAD_ANSWER_BYTES];
    struct kad_serving *serving = serving_of(stream);
    struct report report = {0};
    struct span front;
    if (serving == NULL) {
        leave(stream, true);
        return;
    }
    while ((front = p2p_stream_front(stream)).size != 0) {
        size_t taken, size;
        if (kad_server_receive(&server, serving, front, now_ns(), unix_ns(), &taken, answer, &size,
                               &report) != ERR_OK) {
            fprintf(stderr, "a question is refused: %s\n", report.text);
            leave(stream, true);
            return;
        }
        p2p_stream_skip(stream, taken);
        ASSERT(p2p_stream_write(stream, span_of(answer, size)) == size);
    }
    if (p2p_stream_is_ended(stream) || p2p_stream_is_failed(stream)) {
        leave(stream, false);
    }
}

static void hear_server(struct link *link, struct p2p_event event)
{
    if (event.kind == P2P_EVENT_IDENTIFIED &&
        (link->connection.identity.protocols >> P2P_SERVICES & 1) != 0) {
        struct p2p_hint hint = hint_of(&link->connection);
        kad_table_seen(&server.table, &hint, now_ns());
    }
    if (event.kind == P2P_EVENT_ACCEPTED || event.kind == P2P_EVENT_CHANGED) {
        serve(event.stream);
    }
}

static int do_serve(void)
{
    char address[P2P_MULTIADDR_TEXT_BYTES];
    struct span protocol = KAD_LAN;
    links_start(&(struct links_config){
        .protocols = &protocol, .protocol_count = 1, .listens = true, .on_event = hear_server});
    kad_server_init(&server, &links_crypto, &links_host.id);
    links_address(address, sizeof address);
    say("listening", address);
    while (links_wait()) {
    }
    links_stop();
    return 0;
}

// ---- the client

static struct kad_lookup lookup;
static struct {
    bool is_asked;
    struct peer_id peer;
    struct p2p_stream *stream;
} asks[P2P_KAD_ALPHA];

static void ask_drop(u32 ask)
{
    if (asks[ask].stream != NULL) {
        p2p_stream_close(asks[ask].stream);
    }
    asks[ask].stream = NULL;
    asks[ask].is_asked = false;
}

static void ask_go_on(u32 ask)
{
    struct p2p_stream *stream = asks[ask].stream;
    struct span front;
    size_t taken;
    while ((front = p2p_stream_front(stream)).size != 0) {
        struct report report = {0};
        if (kad_lookup_receive(&lookup, ask, front, &taken, &report) != ERR_OK) {
            fprintf(stderr, "an answer is refused: %s\n", report.text);
        }
        if (taken == 0) {
            return;
        }
        p2p_stream_skip(stream, taken);
    }
    if (p2p_stream_is_ended(stream) || p2p_stream_is_failed(stream)) {
        kad_lookup_fail(&lookup, ask);
    }
}

// Opens the stream of an ask once its peer is connected, and hears what it brings.
static void ask_run(u32 ask)
{
    struct link *link = links_find(&asks[ask].peer);
    if (link == NULL && asks[ask].stream == NULL) {
        kad_lookup_fail(&lookup, ask);
    } else if (asks[ask].stream != NULL) {
        ask_go_on(ask);
    } else if (link->is_open) {
        u8 request[P2P_KAD_REQUEST_BYTES];
        size_t size = kad_lookup_request(&lookup, request, sizeof request);
        if (p2p_stream_open(&link->connection, KAD_LAN, &asks[ask].stream, NULL) != ERR_OK) {
            kad_lookup_fail(&lookup, ask);
            return;
        }
        p2p_stream_write(asks[ask].stream, span_of(request, size));
    }
}

static void hear_client(struct link *link, struct p2p_event event)
{
    (void)link; // streams are looked at in turn
    if (event.kind == P2P_EVENT_ACCEPTED) {
        p2p_stream_reset(event.stream);
        p2p_stream_close(event.stream);
    }
}

static void begin_ask(const struct kad_step *step)
{
    asks[step->ask].is_asked = true;
    asks[step->ask].peer = step->hint->peer;
    if (links_find(&step->hint->peer) == NULL) {
        for (u32 i = 0; i < step->hint->address_count; i++) {
            struct report report = {0};
            if (links_dial(p2p_hint_address(step->hint, i), &step->hint->peer, &report) != NULL) {
                return;
            }
        }
    }
}

// What a lookup finds beside the nearest.
struct found {
    u32 provider_count;
    struct peer_id providers[PROVIDERS];
    bool has_record;
    struct ipns_record record;
    u8 value[IPNS_VALUE_BYTES];
};

static void take_value(const struct kad_step *step, const struct peer_id *name, struct found *found)
{
    struct ipns_record record;
    struct report report = {0};
    if (ipns_record_verify(&links_crypto, step->value, name, unix_ns(), scratch, &record,
                           &report) != ERR_OK) {
        fprintf(stderr, "a record is refused: %s\n", report.text);
        return;
    }
    if (!found->has_record || ipns_record_is_newer(&record, &found->record)) {
        found->has_record = true;
        found->record = record;
        memcpy(found->value, record.value.data, record.value.size);
        found->record.value.data = found->value;
    }
}

// Runs a lookup from one peer on to its end.
static bool run(const char *address, enum kad_goal goal, const struct kad_key *key,
                const struct peer_id *name, struct found *found)
{
    struct report report = {0};
    u64 end = now_ns() + (u64)PATIENCE_S * SECOND;
    struct link *first = links_dial_text(address, &report);
    if (first == NULL) {
        return fail(report.text) == 0;
    }
    struct p2p_hint hint = {.peer = first->connection.expected};
    kad_lookup_init(&lookup, &links_crypto, goal, P2P_SCOPE_LAN, key, &links_host.id, 1, now_ns());
    kad_lookup_add(&lookup, &hint);
    while (now_ns() < end) {
        struct kad_step step = kad_lookup_next(&lookup, now_ns());
        switch (step.kind) {
        case KAD_STEP_ASK:
            begin_ask(&step);
            continue;
        case KAD_STEP_LEAVE:
            ask_drop(step.ask);
            continue;
        case KAD_STEP_PROVIDER:
            if (found->provider_count < PROVIDERS) {
                found->providers[found->provider_count++] = step.hint->peer;
            }
            continue;
        case KAD_STEP_VALUE:
            take_value(&step, name, found);
            continue;
        case KAD_STEP_DONE:
            return true;
        default:
            break;
        }
        links_wait();
        for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
            if (asks[i].is_asked) {
                ask_run(i);
            }
        }
    }
    return fail("the lookup takes too long") == 0;
}

// Sends one message to each of the nearest; returns how many took it: answered it, where an answer
// is due, or else ended the stream, which js-libp2p does by a reset.
static u32 tell_nearest(struct span message, bool is_answered)
{
    static struct kad_reader reader;
    const struct p2p_hint *closest[P2P_KAD_K];
    u32 count = kad_lookup_closest(&lookup, closest), taken_count = 0;
    for (u32 i = 0; i < count; i++) {
        struct link *link = links_find(&closest[i]->peer);
        struct p2p_stream *stream;
        u64 end = now_ns() + 5 * SECOND;
        bool is_done = false, has_spoken = false;
        if (link == NULL || p2p_stream_open(&link->connection, KAD_LAN, &stream, NULL) != ERR_OK) {
            continue;
        }
        kad_reader_init(&reader, P2P_SCOPE_LAN);
        p2p_stream_write(stream, message);
        p2p_stream_finish(stream);
        while (!is_done && now_ns() < end && !p2p_stream_is_failed(stream)) {
            links_wait();
            has_spoken |= stream->stage == P2P_STREAM_SPEAKS;
            struct kad_event event = {.part = KAD_PART_TYPE};
            while (event.part != KAD_PART_MORE) {
                size_t taken;
                struct span front = p2p_stream_front(stream);
                if (kad_read(&reader, front, &taken, &event, NULL) != ERR_OK) {
                    break;
                }
                p2p_stream_skip(stream, taken);
                is_done |= event.part == KAD_PART_RECORD;
            }
            is_done |= !is_answered && has_spoken &&
                       (p2p_stream_is_ended(stream) || p2p_stream_is_failed(stream));
        }
        taken_count += is_done;
        p2p_stream_close(stream);
    }
    return taken_count;
}

static void client_start(void)
{
    links_start(&(struct links_config){.on_event = hear_client});
}

static struct kad_key block_key(const char *text)
{
    struct cid cid;
    struct report report = {0};
    if (cid_parse_text(span_string(text), &cid, &report) != ERR_OK) {
        exit(fail(report.text));
    }
    return kad_key_of_block(&cid);
}

static struct peer_id name_of(const char *text)
{
    struct peer_id name;
    struct report report = {0};
    if (peer_id_parse(span_string(text), &name, &report) != ERR_OK) {
        exit(fail(report.text));
    }
    return name;
}

static int do_find(const char *address, const char *cid)
{
    struct found found = {0};
    struct kad_key key = block_key(cid);
    client_start();
    if (!run(address, KAD_GOAL_PROVIDERS, &key, NULL, &found)) {
        return 1;
    }
    for (u32 i = 0; i < found.provider_count; i++) {
        char text[P2P_PEER_ID_TEXT_BYTES];
        struct text out = text_over(text, sizeof text);
        peer_id_write(&out, &found.providers[i]);
        say("ok provider", text);
    }
    links_stop();
    return found.provider_count != 0 ? 0 : fail("no provider");
}

static int do_provide(const char *address, const char *cid)
{
    struct found found = {0};
    struct kad_key key = block_key(cid);
    u8 message[P2P_KAD_REQUEST_BYTES];
    client_start();
    if (!run(address, KAD_GOAL_CLOSEST, &key, NULL, &found)) {
        return 1;
    }
    struct p2p_hint self = {.peer = links_host.id};
    p2p_hint_add(&self, P2P_SCOPE_LAN, links_listen_address());
    size_t size = kad_provide_message(&key, &self, message, sizeof message);
    u32 count = tell_nearest(span_of(message, size), false);
    char text[P2P_PEER_ID_TEXT_BYTES + 16];
    struct text out = text_over(text, sizeof text);
    peer_id_write(&out, &links_host.id);
    text_string(&out, " ");
    text_u64(&out, count);
    say("ok provided", text);
    links_stop();
    return 0;
}

// ---- names

static size_t make_record(const char *value, const char *sequence, u8 *out)
{
    struct ipns_record record = {.value = span_string(value),
                                 .sequence = strtoull(sequence, NULL, 10),
                                 .valid_until_ns = unix_ns() + RECORD_DAYS * 86400 * SECOND,
                                 .ttl_ns = 60 * SECOND};
    size_t size = ipns_record_write(&links_crypto, links_host.config.seed, &record, scratch, out,
                                    IPNS_RECORD_BYTES);
    ASSERT(size <= IPNS_RECORD_BYTES);
    return size;
}

static void say_value(const struct ipns_record *record)
{
    char text[2 * IPNS_VALUE_BYTES];
    struct text out = text_over(text, sizeof text);
    text_printable(&out, record->value);
    text_string(&out, " ");
    text_u64(&out, record->sequence);
    say("ok value", text);
}

static int do_publish(const char *address, const char *value, const char *sequence)
{
    static u8 record[IPNS_RECORD_BYTES], message[2 * IPNS_RECORD_BYTES];
    struct found found = {0};
    client_start();
    struct kad_key key = kad_key_of_name(&links_host.id);
    if (!run(address, KAD_GOAL_CLOSEST, &key, NULL, &found)) {
        return 1;
    }
    size_t size = make_record(value, sequence, record);
    struct kad_message put = {
        .type = KAD_PUT_VALUE, .key = span_of(key.bytes, key.size), .value = span_of(record, size)};
    size = kad_write(&put, message, sizeof message);
    u32 count = tell_nearest(span_of(message, size), true);
    char text[P2P_PEER_ID_TEXT_BYTES + 16];
    struct text out = text_over(text, sizeof text);
    peer_id_write_name(&out, &links_host.id);
    text_string(&out, " ");
    text_u64(&out, count);
    say("ok published", text);
    links_stop();
    return 0;
}

static int do_resolve(const char *address, const char *text)
{
    static struct found found;
    struct peer_id name = name_of(text);
    struct kad_key key = kad_key_of_name(&name);
    client_start();
    if (!run(address, KAD_GOAL_VALUE, &key, &name, &found)) {
        return 1;
    }
    if (!found.has_record) {
        return fail("no record");
    }
    say_value(&found.record);
    links_stop();
    return 0;
}

static int do_record(const char *value, const char *sequence)
{
    static u8 record[IPNS_RECORD_BYTES];
    static char text[4 * IPNS_RECORD_BYTES];
    struct text out = text_over(text, sizeof text);
    client_start();
    peer_id_write_name(&out, &links_host.id);
    text_string(&out, " ");
    text_hex_bytes(&out, span_of(record, make_record(value, sequence, record)));
    say("ok record", text);
    links_stop();
    return 0;
}

// Bytes of hexadecimal digits, which are of this test.
static size_t read_hex(const char *text, u8 *out, size_t capacity)
{
    size_t size = strlen(text) / 2;
    ASSERT(size <= capacity);
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {text[2 * i], text[2 * i + 1], 0};
        out[i] = (u8)strtoul(digits, NULL, 16);
    }
    return size;
}

static int do_verify(const char *text, const char *hex)
{
    static u8 bytes[2 * IPNS_RECORD_BYTES];
    struct peer_id name = name_of(text);
    struct ipns_record record;
    struct report report = {0};
    client_start();
    size_t size = read_hex(hex, bytes, sizeof bytes);
    if (ipns_record_verify(&links_crypto, span_of(bytes, size), &name, unix_ns(), scratch, &record,
                           &report) != ERR_OK) {
        return fail(report.text);
    }
    say_value(&record);
    links_stop();
    return 0;
}

// ---- mdns

static int do_mdns(const char *what)
{
    static u8 packet[2 * MDNS_PACKET_BYTES];
    static char text[8 * MDNS_PACKET_BYTES];
    static struct mdns mdns;
    struct mdns_message message;
    struct report report = {0};
    struct text out = text_over(text, sizeof text);
    u8 ip[4] = {192, 168, 7, 9};
    struct multiaddr address = multiaddr_of_tcp(span_of(ip, sizeof ip), 4001);
    client_start();
    mdns_init(&mdns, &links_crypto, &links_host.id, &address, 1, now_ns());
    if (strcmp(what, "query") == 0 || strcmp(what, "answer") == 0) {
        bool is_query = what[0] == 'q';
        size_t size = is_query ? mdns_query_write(packet) : mdns_answer_write(&mdns, packet);
        text_hex_bytes(&out, span_of(packet, size));
        say("ok packet", text);
        return 0;
    }
    size_t size = read_hex(what, packet, sizeof packet);
    if (mdns_read(span_of(packet, size), &message, &report) != ERR_OK) {
        return fail(report.text);
    }
    if (message.is_query) {
        say("ok", "query");
        return 0;
    }
    if (message.hint_count != 1) {
        return fail("not one peer");
    }
    peer_id_write(&out, &message.hints[0].peer);
    text_string(&out, " ");
    multiaddr_write(&out, p2p_hint_address(&message.hints[0], 0));
    say("ok peer", text);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "serve") == 0 && argc == 2) {
        return do_serve();
    }
    if (strcmp(what, "find") == 0 && argc == 4) {
        return do_find(argv[2], argv[3]);
    }
    if (strcmp(what, "provide") == 0 && argc == 4) {
        return do_provide(argv[2], argv[3]);
    }
    if (strcmp(what, "publish") == 0 && argc == 5) {
        return do_publish(argv[2], argv[3], argv[4]);
    }
    if (strcmp(what, "resolve") == 0 && argc == 4) {
        return do_resolve(argv[2], argv[3]);
    }
    if (strcmp(what, "record") == 0 && argc == 4) {
        return do_record(argv[2], argv[3]);
    }
    if (strcmp(what, "verify") == 0 && argc == 4) {
        return do_verify(argv[2], argv[3]);
    }
    if (strcmp(what, "mdns") == 0 && argc == 3) {
        return do_mdns(argv[2]);
    }
    fprintf(stderr, "usage: finder serve | find|provide ADDRESS CID | publish ADDRESS VALUE N |\n"
                    "       resolve ADDRESS NAME | record VALUE N | verify NAME HEX | mdns WHAT\n");
    return 2;
}
