// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader: speaks to the IPFS network. Fetches files from peers into the store, for
// whoever asks redshirt:kernel/fetch; gives peers what the user has added or pinned.
//
// Use     p2p-loader [--peer MULTIADDR]... [--listen MULTIADDR]... [--lan] [--public]
//         [--bootstrap MULTIADDR]... [--router URL]... [--gateway URL]... [--progress COLUMNS]
//         [--verbose] [--stay | --get CID | --resolve KEY]
//         --peer    who is asked; nobody is dialled before something is looked for
//         --lan     peers of the local network are asked too, and told where we listen
//         --public  the public network is asked too, last, and told what a node that stays has: its
//                   DHT through the nodes of --bootstrap, the routers and the gateways
//         --listen  where peers may come; prints "listening MULTIADDR"
//         --stay    serves until it is ended, under the identity that the machine keeps. Without it
//                   the identity is made anew, so that nobody can tell two fetches to be of one
//                   machine
//         --get     fetches one file and ends: 0, or a code of `redshirt` (docs/man/redshirt.1)
//         --progress  the standard error is a terminal of that width: fetches are shown there
//         --verbose   says in the log what was fetched, also where it does not stay
//         --resolve asks what a key stands for, fetches the manifest and ends, likewise
// It is trusted with nothing: the machine checks every block that it keeps, and the kernel every
// program that it runs.
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/blocks_section.h"
#include "interfaces/crypto.h"
#include "interfaces/crypto_section.h"
#include "interfaces/dns.h"
#include "interfaces/dns_section.h"
#include "interfaces/fetch.h"
#include "interfaces/fetch_section.h"
#include "interfaces/keep.h"
#include "interfaces/keep_client.h"
#include "interfaces/keep_section.h"
#include "interfaces/log.h"
#include "interfaces/log_section.h"
#include "interfaces/random.h"
#include "interfaces/random_section.h"
#include "interfaces/tcp.h"
#include "interfaces/tcp_section.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "interfaces/time_section.h"
#include "lib/p2p/cid_text.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/dht.h"
#include "programs/p2p-loader/fetch.h"
#include "programs/p2p-loader/gateway.h"
#include "programs/p2p-loader/history.h"
#include "programs/p2p-loader/lan.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/names.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/progress.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/search.h"
#include "programs/p2p-loader/serve.h"
#include "programs/p2p-loader/show.h"
#include "programs/p2p-loader/sources.h"
#include "programs/p2p-loader/web.h"
#include "programs/rt/redshirt.h"

enum {
    LINE_BYTES = 1200,
    TURNS = 16, // of the protocols, before events are looked at again
};

// As the command has them (tools/redshirt/command.h).
enum code {
    CODE_USAGE = 64,
    CODE_NOT_FOUND = 66,
    CODE_REFUSED = 67,
    CODE_LIED_TO = 68,
    CODE_MACHINE = 71,
    CODE_TOO_LARGE = 73,
    CODE_IO = 74,
};

static struct node node;
static struct multiaddr listens[LOADER_LISTENERS];
static u32 listen_count;
static struct multiaddr told[LOADER_LISTENERS]; // those of them that others can use
static u32 told_count;
static bool wants_lan, wants_public;
static bool has_name;
static struct peer_id name;
static bool has_wanted;
static struct cid wanted;

static NORETURN void fail(enum code code, const char *words, struct span detail)
{
    char line[LINE_BYTES];
    struct text text = text_over(line, sizeof line);
    text_string(&text, "redshirt: ");
    text_string(&text, words);
    text_printable(&text, detail);
    text_char(&text, '\n');
    (void)rt_print_error(line);
    rt_exit(code);
}

void node_say(struct node *self, enum node_level level, struct span line)
{
    u8 body[LINE_BYTES];
    struct log_write_call call = {level == NODE_INFO ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, line};
    size_t size = log_write_encode_call(body, sizeof body, &call);
    if (self->log >= 0 && size <= sizeof body) {
        (void)rt_tell((u32)self->log, LOG_WRITE_ID, body, (u32)size);
    }
}

// ---- what is told

void node_opened(struct node *self, struct link *link)
{
    if (peer_id_equal(&link->connection.peer, &self->host.id)) {
        p2p_connection_close(&link->connection, self->now_ns); // our own address
        return;
    }
    sources_opened(link);
}

void node_gone(struct node *self, struct link *link, struct span why)
{
    if (link->has_bitswap) {
        self->gone_blocks_in += link->bitswap.wanted_count;
        self->gone_blocks_out += link->bitswap.served_count;
    }
    sources_gone(link, why);
}

void fetch_ended(struct node *self, const struct fetch_error *error)
{
    (void)self;
    if (error == NULL) {
        rt_exit(0);
    }
    switch (error->kind) {
    case FETCH_ERROR_NOT_FOUND:
        fail(CODE_NOT_FOUND, "", error->as.not_found);
    case FETCH_ERROR_LIED_TO:
        fail(CODE_LIED_TO, "", error->as.lied_to);
    case FETCH_ERROR_REFUSED:
        fail(CODE_REFUSED, "", error->as.refused);
    case FETCH_ERROR_TOO_LARGE:
        fail(CODE_TOO_LARGE, "", error->as.too_large);
    case FETCH_ERROR_FAILED:
        fail(CODE_IO, "", error->as.failed);
    }
    fail(CODE_IO, "what was fetched did not come", (struct span){0});
}

// ---- what clients ask

static void fetch_refuse(u64 message, struct span words)
{
    u8 body[REPORT_TEXT_BYTES + 16];
    struct fetch_result_none_error result = {.error = {.kind = FETCH_ERROR_REFUSED}};
    result.error.as.refused = words;
    size_t size = fetch_fetch_encode_result(body, sizeof body, &result);
    ASSERT(size <= sizeof body);
    (void)rt_answer(message, body, (u32)size);
}

static void on_fetch(void *context, const struct interface_message *message,
                     const struct fetch_fetch_call *call)
{
    (void)context;
    struct cid cid;
    struct report report;
    report_clear(&report);
    if (message->id == 0) {
        return; // who does not wait shall not make us work
    }
    if (p2p_cid_parse_text(call->cid, &cid, &report) != ERR_OK) {
        fetch_refuse(message->id, span_string(report.text));
    } else if (!fetch_begin(&node, message->id, &cid)) {
        (void)rt_answer_error(message->id, E_BUSY);
    }
}

static void on_event(const struct rt_event *event)
{
    static const struct fetch_handler handler = {.fetch = on_fetch};
    if (event->kind == NOTIFICATION_ANSWER) {
        calls_answer(event);
    } else if (event->kind == NOTIFICATION_CANCELLED) {
        fetch_cancelled(&node, event->id);
    } else if (event->kind == NOTIFICATION_MESSAGE && show_is_for(event)) {
        show_event(event);
    } else if (event->kind == NOTIFICATION_MESSAGE) {
        struct interface_message message = rt_message(event);
        enum err err = fetch_dispatch(&handler, NULL, &message);
        if (err != ERR_OK) {
            (void)rt_answer_error(event->id, rt_dispatch_error(err));
        }
    }
}

// ---- turns

// A peer that owes a block, has given none yet and sends something else is not waited for. One that
// gave what was wanted before may send what was wanted before, and is only passed over.
static void unwanted_came(struct bitswap_peer *peer)
{
    struct link *link = CONTAINER_OF(peer, struct link, bitswap);
    if (peer->asked_count != 0 && peer->wanted_bytes == 0) {
        sources_ban(link);
        link_end(link, "it sent something else");
    }
}

// Hands on what the engine of blocks tells; false: nothing.
static bool bitswap_turn(void)
{
    bool has_moved = false;
    while (fetch_has_room()) {
        struct bitswap_event event = bitswap_next(&node.bitswap);
        if (event.kind == BITSWAP_EVENT_NONE) {
            break;
        }
        has_moved = true;
        if (event.kind == BITSWAP_EVENT_RELEASED) {
            serve_released(event.token);
            continue;
        }
        fetch_event(&node, &event);
        if (event.kind == BITSWAP_EVENT_DROP) {
            sources_ban(CONTAINER_OF(event.peer, struct link, bitswap));
            p2p_connection_close(event.peer->connection, node.now_ns);
        } else if (event.kind == BITSWAP_EVENT_UNWANTED) {
            unwanted_came(event.peer);
        }
    }
    return has_moved;
}

static u64 earlier(u64 a, u64 b)
{
    return a < b ? a : b;
}

// Does all that there is to do now. Returns when there is more.
static u64 turn(void)
{
    u64 wake = UINT64_MAX;
    for (u32 i = 0; i < TURNS; i++) {
        bool is_wanted = fetch_needs_peers() || names_need_peers() || announce_needs_peers(&node);
        wake = earlier(sources_turn(&node, is_wanted), lan_turn(&node, is_wanted));
        bitswap_run(&node.bitswap, node.now_ns);
        bool has_moved = bitswap_turn();
        gateway_turn(&node);
        wake = earlier(wake, serve_turn(&node));
        wake = earlier(wake, fetch_turn(&node));
        if (!has_moved) {
            break;
        }
    }
    bitswap_run(&node.bitswap, node.now_ns); // what was wanted just now
    wake = earlier(wake, dht_turn(&node));
    wake = earlier(wake, webs_turn(&node));
    searches_turn();
    wake = earlier(wake, names_turn(&node));
    wake = earlier(wake, announce_turn(&node));
    wake = earlier(wake, history_turn(&node));
    wake = earlier(wake, progress_turn(&node));
    wake = earlier(wake, bitswap_wake(&node.bitswap));
    return earlier(wake, links_turn(&node));
}

static u64 now(void)
{
    u64 now_ns = 0;
    (void)time_monotonic(node.time, &now_ns);
    return now_ns > node.now_ns ? now_ns : node.now_ns;
}

static void timer_done(struct call *call, const struct rt_event *event)
{
    (void)call;
    (void)event; // there is a turn after every event
}

// Waits for events, until `wake` at most, and takes them.
static void events(u64 wake)
{
    static struct call timer;
    static u64 timer_ns;
    u8 body[8];
    if (timer.is_waiting && timer_ns > wake) {
        call_drop(&timer);
    }
    if (!timer.is_waiting && wake != UINT64_MAX) {
        struct time_wait_until_call call = {wake};
        size_t size = time_wait_until_encode_call(body, sizeof body, &call);
        ASSERT(size <= sizeof body);
        timer_ns = wake;
        (void)call_send(&timer, node.time, TIME_WAIT_UNTIL_ID, body, size, timer_done);
    }
    struct rt_event event;
    rt_next(&event);
    node.now_ns = now();
    u32 count = 0;
    do {
        on_event(&event);
    } while (++count < LOADER_EVENTS && rt_poll(&event));
}

// ---- the beginning

static u32 bind(const struct interface_definition *interface)
{
    i64 bond = rt_bind(interface, false);
    if (bond < 0) {
        fail(CODE_MACHINE, "p2p-loader needs ", span_string(interface->name));
    }
    return (u32)bond;
}

static struct multiaddr address_take(struct span text)
{
    struct multiaddr address;
    struct report report;
    report_clear(&report);
    if (multiaddr_parse(text, &address, &report) != ERR_OK) {
        fail(CODE_USAGE, "not an address like /ip4/10.0.0.1/tcp/4001/p2p/12D3Koo...: ", text);
    }
    return address;
}

// Whom to ask in the public network. False: that is no option of it.
static bool public_take(struct span option, struct span value)
{
    static const struct {
        const char *option;
        enum public_kind kind;
    } kinds[] = {{"--bootstrap", PUBLIC_BOOTSTRAP},
                 {"--router", PUBLIC_ROUTER},
                 {"--gateway", PUBLIC_GATEWAY}};
    for (u32 i = 0; i < COUNT_OF(kinds); i++) {
        struct report report;
        report_clear(&report);
        if (!span_equal(option, span_string(kinds[i].option))) {
            continue;
        }
        if (public_add(kinds[i].kind, value, &report) != ERR_OK) {
            fail(CODE_USAGE, report.text, value);
        }
        return true;
    }
    return false;
}

static u32 columns_take(struct span value)
{
    u32 columns = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] < '0' || value.data[i] > '9' || columns > UINT16_MAX) {
            fail(CODE_USAGE, "not so many columns: ", value);
        }
        columns = columns * 10 + (value.data[i] - '0');
    }
    return columns;
}

static void option_take(struct span option, struct span value)
{
    struct report report;
    report_clear(&report);
    if (public_take(option, value)) {
        return;
    }
    if (span_equal(option, SPAN_LITERAL("--peer"))) {
        struct multiaddr address = address_take(value);
        if (sources_add(&address) != ERR_OK) {
            fail(CODE_USAGE, "not an address of TCP, or one too many: ", value);
        }
    } else if (span_equal(option, SPAN_LITERAL("--listen"))) {
        if (listen_count == LOADER_LISTENERS) {
            fail(CODE_USAGE, "too many addresses to listen at: ", value);
        }
        listens[listen_count++] = address_take(value);
    } else if (span_equal(option, SPAN_LITERAL("--get"))) {
        if (p2p_cid_parse_text(value, &wanted, &report) != ERR_OK) {
            fail(CODE_REFUSED, "", span_string(report.text));
        }
        has_wanted = true;
    } else if (span_equal(option, SPAN_LITERAL("--resolve"))) {
        if (peer_id_parse(value, &name, &report) != ERR_OK) {
            fail(CODE_REFUSED, "", span_string(report.text));
        }
        has_name = true;
    } else if (span_equal(option, SPAN_LITERAL("--progress"))) {
        progress_begin(columns_take(value));
    } else {
        fail(CODE_USAGE, "p2p-loader has no option ", option);
    }
}

static void arguments_take(void)
{
    for (u32 i = 1; rt_argument(i).size != 0; i++) {
        if (span_equal(rt_argument(i), SPAN_LITERAL("--stay"))) {
            node.stays = true;
        } else if (span_equal(rt_argument(i), SPAN_LITERAL("--lan"))) {
            wants_lan = true;
        } else if (span_equal(rt_argument(i), SPAN_LITERAL("--public"))) {
            wants_public = true;
        } else if (span_equal(rt_argument(i), SPAN_LITERAL("--verbose"))) {
            node.is_verbose = true;
        } else {
            option_take(rt_argument(i), rt_argument(i + 1));
            i++;
        }
    }
}

// The seed that the machine keeps. False: it keeps none yet.
static bool seed_get(u8 seed[P2P_SECRET_BYTES])
{
    u8 buffer[256];
    struct keep_get_call get = {SPAN_LITERAL("seed")};
    struct keep_result_bytes_error kept = {0};
    i64 error = keep_get(node.keep, buffer, sizeof buffer, &get, &kept);
    bool is_there = error == 0 && kept.ok && kept.value.size == P2P_SECRET_BYTES;
    if (is_there) {
        mem_copy(seed, kept.value.data, P2P_SECRET_BYTES);
    } else if (error != 0 || kept.ok || kept.error.kind != KEEP_ERROR_NOT_FOUND) {
        fail(CODE_IO, "the identity in the record \"seed\" cannot be read", (struct span){0});
    }
    mem_zero(buffer, sizeof buffer);
    return is_there;
}

// The same, made at the first use: of several that make one, all have the first.
static void seed_keep(u8 seed[P2P_SECRET_BYTES])
{
    u8 buffer[256];
    if (seed_get(seed)) {
        return;
    }
    struct keep_replace_call replace = {SPAN_LITERAL("seed"), (struct span){0},
                                        span_of(seed, P2P_SECRET_BYTES)};
    struct keep_result_bool_error done = {0};
    i64 error = keep_replace(node.keep, buffer, sizeof buffer, &replace, &done);
    mem_zero(buffer, sizeof buffer);
    if (error != 0 || !done.ok || (!done.value && !seed_get(seed))) {
        fail(CODE_IO, "the identity cannot be kept", (struct span){0});
    }
}

static void *room(size_t count, size_t bytes)
{
    void *memory = memory_take(rt_memory(), count * bytes);
    if (memory == NULL) {
        fail(CODE_MACHINE, "no memory", (struct span){0});
    }
    mem_zero(memory, count * bytes);
    return memory;
}

// "Every address of this machine" is none that others can use.
static bool is_unspecified(const struct multiaddr *address)
{
    struct multiaddr_target target;
    u8 sum = 0;
    if (multiaddr_target(span_of(address->bytes, address->size), &target, NULL) != ERR_OK) {
        return true;
    }
    for (size_t i = 0; i < target.host.size; i++) {
        sum |= target.host.data[i];
    }
    return sum == 0;
}

static void listen_all(void)
{
    for (u32 i = 0; i < listen_count; i++) {
        struct report report;
        struct multiaddr at;
        report_clear(&report);
        if (links_listen(&node, &listens[i], &at, &report) != ERR_OK) {
            fail(CODE_MACHINE, "cannot listen: ", span_string(report.text));
        }
        listens[i] = at;
        history_listens(&at);
        if (!is_unspecified(&at)) {
            told[told_count++] = at;
        }
    }
}

static void listen_tell(void)
{
    for (u32 i = 0; i < listen_count; i++) {
        char line[P2P_MULTIADDR_TEXT_BYTES + P2P_PEER_ID_TEXT_BYTES];
        struct text text = text_over(line, sizeof line);
        text_string(&text, "listening ");
        multiaddr_write(&text, span_of(listens[i].bytes, listens[i].size));
        text_string(&text, "/p2p/");
        peer_id_write(&text, &node.host.id);
        text_char(&text, '\n');
        (void)rt_print(line);
    }
}

static void host_start(void)
{
    static const struct span protocols[] = {{(const u8 *)"/ipfs/bitswap/1.2.0", 19},
                                            {(const u8 *)"/ipfs/lan/kad/1.0.0", 19}};
    u32 streams = node.link_most * LOADER_STREAMS_EACH + LOADER_STREAMS_SPARE;
    u32 chunks = node.stays ? LOADER_CHUNKS_SERVING : LOADER_CHUNKS_FETCHING;
    struct p2p_host_config config = {
        .crypto = &node.crypto,
        .protocols = protocols,
        .protocol_count = node.stays ? 2 : 1, // one who goes again is no node of the DHT
        .agent = SPAN_LITERAL("redshirt/0.1"),
        .addresses = told,
        .address_count = told_count,
        .has_early_muxer = true,
        .window_bytes = P2P_WINDOW_BYTES,
        .chunks = room(chunks, sizeof(struct p2p_chunk)),
        .chunk_count = chunks,
        .streams = room(streams, sizeof(struct p2p_stream)),
        .stream_count = streams,
    };
    node.crypto.random(node.crypto.context, config.seed, sizeof config.seed);
    if (node.stays) {
        seed_keep(config.seed);
    }
    struct report report;
    report_clear(&report);
    if (p2p_host_init(&node.host, &config, &report) != ERR_OK) {
        fail(CODE_MACHINE, "the identity cannot be used: ", span_string(report.text));
    }
    mem_zero(config.seed, sizeof config.seed);
}

static void bitswap_start(void)
{
    u32 inboxes = node.link_most * LOADER_INBOXES_EACH;
    u32 orders = node.stays ? LOADER_ORDERS_SERVING : LOADER_ORDERS_FETCHING;
    struct bitswap_config config = {
        .crypto = &node.crypto,
        .protocol = P2P_SERVICES,
        .wants = room(LOADER_FETCHES * LOADER_WANTS, sizeof(struct bitswap_want)),
        .want_count = LOADER_FETCHES * LOADER_WANTS,
        .asks = room(LOADER_ASKS, sizeof(struct bitswap_ask)),
        .ask_count = LOADER_ASKS,
        .inboxes = room(inboxes, sizeof(struct bitswap_inbox)),
        .inbox_count = inboxes,
        .orders = room(orders, sizeof(struct bitswap_order)),
        .order_count = orders,
        .buffers = room(LOADER_BUFFERS, sizeof(struct bitswap_buffer)),
        .buffer_count = LOADER_BUFFERS,
        .buffer_memory = node.machine.blocks + P2P_MACHINE_HEAD_BYTES,
        .buffer_bytes = P2P_BLOCK_BYTES,
        .budget_bytes = LOADER_BUDGET_BYTES,
    };
    bitswap_init(&node.bitswap, &config);
}

// Memory for blocks that arrive, from peers and from a gateway.
static void blocks_start(void)
{
    bool has_gateway = public_is_on() && public_count(PUBLIC_GATEWAY) != 0;
    node.machine.blocks_bytes = NODE_BLOCKS_BYTES + (has_gateway ? P2P_BLOCK_BYTES : 0);
    node.machine.blocks = room(1, node.machine.blocks_bytes);
    if (has_gateway) {
        gateway_begin(node.machine.blocks + NODE_BLOCKS_BYTES);
    }
}

static void start(void)
{
    calls_init();
    list_init(&node.links);
    node.tcp = bind(&tcp_interface);
    node.dns = bind(&dns_interface);
    node.time = bind(&time_interface);
    node.blocks = bind(&blocks_interface);
    node.keep = bind(&keep_interface);
    node.log = rt_bind(&log_interface, false);
    node.machine.crypto_bond = bind(&crypto_interface);
    node.machine.random_bond = bind(&random_interface);
    arguments_take();
    if (wants_public) {
        public_begin();
    }
    blocks_start();
    node.crypto = p2p_crypto_over(&node.machine);
    node.link_most = node.stays ? LOADER_LINKS_SERVING : LOADER_LINKS_FETCHING;
    node.now_ns = now();
    listen_all();
    host_start();
    bitswap_start();
    if (node.stays) {
        announce_begin(&node, told, told_count);
    }
    serve_begin(&node);
    if (node.stays && names_serve(&node)) {
        names_offer(&node);
    }
    if (wants_lan) {
        lan_begin(&node, told, told_count);
    }
    listen_tell();
    if (!has_name && !has_wanted) {
        show_begin(&node);
    }
    if (has_name) {
        names_resolve(&node, &name);
    } else if (has_wanted) {
        bool has_begun = fetch_begin(&node, 0, &wanted);
        ASSERT(has_begun);
    } else if (rt_register(&fetch_interface) < 0 && !node.stays) {
        fail(CODE_MACHINE, "somebody else fetches already", (struct span){0});
    }
}

u32 program_main(void)
{
    start();
    for (;;) {
        events(turn());
    }
}
