// SPDX-License-Identifier: GPL-3.0-or-later
// Clients of redshirt:kernel/fetch, and what the store, the peers and the gateways say to
// programs/p2p-loader/fetch.c: an input is a row of steps, each a byte and what it needs. Whatever
// happens, in whatever order, each message is answered once, and in the end all memory is given
// back.
// The kernel's imports are none here, and nothing calls them.
#pragma clang diagnostic ignored "-Wunknown-attributes"

#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "interfaces/blocks.h"
#include "interfaces/keep.h"
#include "lib/p2p/cid_text.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/gateway.h"
#include "programs/p2p-loader/history.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/progress.h"
#include "programs/p2p-loader/public.h"
#include "programs/p2p-loader/search.h"
#include "programs/p2p-loader/sources.h"
#include "programs/rt/redshirt.h"
#include "tests/unit/p2p_crypto.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programs/p2p-loader/fetch.c"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum {
    MESSAGES = 200,
    CALLS = 16,
    BLOCKS = 8, // that there are, by their bytes
    BODY_BYTES = 4096,
};

void assert_fail(const char *claim, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, claim);
    abort();
}

// ---- what stands in the program's place

static struct {
    struct call *call;
    u64 function;
    struct cid cid; // of a get
} calls[CALLS];
static u32 answers[MESSAGES]; // of each message
static u32 message_count;
static struct search_user searching[P2P_KAD_ALPHA];
static bool is_searching[P2P_KAD_ALPHA];
static bool is_coming, may_begin;
static size_t live_bytes;
static struct span stock[BLOCKS];
static struct cid stock_names[BLOCKS];
static u32 stock_count;

static void *resize(struct memory *self, void *block, size_t old_size, size_t new_size)
{
    (void)self;
    live_bytes += new_size - old_size;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    return calloc(1, new_size);
}

struct memory *rt_memory(void)
{
    static struct memory memory = {resize};
    return &memory;
}

i32 rt_answer(u64 message, const void *body, u32 body_len)
{
    struct fetch_result_none_error result;
    ASSERT(message != 0 && message < MESSAGES && answers[message]++ == 0);
    ASSERT(fetch_fetch_decode_result(span_of(body, body_len), &result) == ERR_OK);
    return 0;
}

i32 rt_answer_error(u64 message, enum abi_error error)
{
    (void)error;
    ASSERT(message != 0 && message < MESSAGES && answers[message]++ == 0);
    return 0;
}

const char *rt_error_name(i64 error)
{
    (void)error;
    return "E_?";
}

void fetch_ended(struct node *node, const struct fetch_error *error)
{
    (void)node;
    (void)error;
    ASSERT(false); // nothing was begun without a message
}

bool call_send(struct call *call, u32 bond, u64 function, const void *body, size_t size,
               void (*done)(struct call *call, const struct rt_event *event))
{
    struct blocks_get_call get;
    (void)bond;
    ASSERT(!call->is_waiting);
    for (u32 i = 0; i < CALLS; i++) {
        if (calls[i].call == NULL) {
            calls[i].call = call;
            calls[i].function = function;
            call->is_waiting = true;
            call->done = done;
            if (function == BLOCKS_GET_ID) {
                ASSERT(blocks_get_decode_call(span_of(body, size), &get) == ERR_OK);
                ASSERT(cid_parse_text(get.cid, &calls[i].cid, NULL) == ERR_OK);
            }
            return true;
        }
    }
    return false;
}

struct search *search_block(struct node *node, enum p2p_scope scope, const struct cid *cid,
                            const struct search_user *user)
{
    (void)node;
    (void)scope;
    (void)cid;
    for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
        if (!is_searching[i]) {
            searching[i] = *user;
            is_searching[i] = true;
            return (struct search *)&searching[i];
        }
    }
    return NULL;
}

void search_end(struct search *search)
{
    size_t i = (size_t)((struct search_user *)search - searching);
    ASSERT(i < P2P_KAD_ALPHA && is_searching[i]);
    is_searching[i] = false;
}

bool sources_are_asked(const struct node *node)
{
    (void)node;
    return may_begin;
}

bool sources_are_coming(const struct node *node, u64 until_ns)
{
    (void)until_ns;
    (void)node;
    return is_coming;
}

bool sources_may_begin(const struct node *node, enum source source)
{
    (void)node;
    (void)source;
    return may_begin;
}

bool sources_are_on(enum source source)
{
    (void)source;
    return may_begin;
}

u32 sources_tell(struct text *out, u32 before)
{
    (void)out;
    return before == 0;
}

bool gateways_are_coming(const struct node *node)
{
    (void)node;
    return false;
}

u32 public_count(enum public_kind kind)
{
    (void)kind;
    return 1;
}

bool link_is_open(const struct link *link)
{
    (void)link;
    return false;
}

void sources_are_good(const struct node *node)
{
    (void)node;
}

void gateways_hear(void)
{
}

void public_tell(struct text *out)
{
    text_string(out, "; nobody else");
}

void public_has_failed(struct node *node)
{
    (void)node;
}

void link_peer_write(struct text *out, const struct peer_id *peer)
{
    peer_id_write(out, peer);
}

void history_block(struct node *node, const struct cid *cid, struct span from, size_t bytes)
{
    (void)node;
    (void)cid;
    ASSERT(from.size != 0 && bytes <= P2P_BLOCK_BYTES);
}

void history_bad(struct node *node, struct span who, u64 bytes, const char *words)
{
    (void)node;
    (void)bytes;
    ASSERT(who.size != 0 && words[0] != 0);
}

void history_keep(struct node *node)
{
    (void)node;
}

void progress_done(struct node *node, const struct fetch_state *state)
{
    (void)node;
    ASSERT(state->done_bytes <= LOADER_FETCH_BYTES);
}

void progress_clear(void)
{
}

// ---- steps

static struct p2p_dice dice = {1};
static struct node node;
static u8 blocks[P2P_MACHINE_HEAD_BYTES + BODY_BYTES];

// As main.c has it.
static void on_fetch(void *context, const struct interface_message *message,
                     const struct fetch_fetch_call *call)
{
    struct cid cid;
    bool *is_taken = context;
    if (p2p_cid_parse_text(call->cid, &cid, NULL) != ERR_OK) {
        return;
    }
    *is_taken = fetch_begin(&node, message->id, &cid);
}

static void message_give(struct span body)
{
    static const struct fetch_handler handler = {.fetch = on_fetch};
    if (message_count + 1 >= MESSAGES) {
        return;
    }
    struct interface_message message = {
        .id = ++message_count, .function = FETCH_FETCH_ID, .client = 1, .body = body};
    bool is_taken = false;
    if (fetch_dispatch(&handler, &is_taken, &message) != ERR_OK || !is_taken) {
        answers[message.id]++; // main.c refuses it
    }
}

static void sha256(struct span bytes, u8 out[CID_DIGEST_BYTES])
{
    node.crypto.sha256(node.crypto.context, bytes, (struct span){0}, out);
}

// A block of the input's bytes is one that there is; its file is wanted.
static void block_add(enum cid_codec codec, struct span bytes)
{
    char name[CID_TEXT_BYTES];
    u8 body[128];
    struct cid cid = cid_of_block(codec, bytes, sha256);
    if (stock_count < BLOCKS) {
        stock[stock_count] = bytes;
        stock_names[stock_count++] = cid;
    }
    cid_write_text(&cid, name);
    struct fetch_fetch_call call = {span_of(name, CID_TEXT_LETTERS)};
    size_t size = fetch_fetch_encode_call(body, sizeof body, &call);
    message_give(span_of(body, size));
}

static void answer(u32 index, struct span body, i32 error)
{
    struct call *call = calls[index].call;
    struct rt_event event = {.kind = NOTIFICATION_ANSWER, .error = error, .body = body};
    calls[index].call = NULL;
    call->is_waiting = false;
    call->done(call, &event);
}

// Answers a call of the store's as it should be, as far as there is such a block.
static void answer_well(u32 index)
{
    static u8 body[BODY_BYTES + 64];
    size_t size;
    if (calls[index].function != BLOCKS_GET_ID) {
        struct keep_result_none_error kept = {.ok = true};
        size = keep_block_encode_result(body, sizeof body, &kept);
    } else {
        struct blocks_result_bytes_error got = {.error = {.kind = BLOCKS_ERROR_NOT_FOUND}};
        for (u32 i = 0; i < stock_count; i++) {
            if (cid_equal(&stock_names[i], &calls[index].cid)) {
                got = (struct blocks_result_bytes_error){.ok = true, .value = stock[i]};
            }
        }
        size = blocks_get_encode_result(body, sizeof body, &got);
    }
    ASSERT(size <= sizeof body);
    answer(index, span_of(body, size), 0);
}

static void engine_turn(void)
{
    bitswap_run(&node.bitswap, node.now_ns);
    while (fetch_has_room()) {
        struct bitswap_event event = bitswap_next(&node.bitswap);
        if (event.kind == BITSWAP_EVENT_NONE) {
            break;
        }
        fetch_event(&node, &event);
    }
    (void)fetch_turn(&node);
    node.now_ns += 100 * NS_PER_MS;
}

static void gateway_gives(u32 choice)
{
    struct span block = stock_count == 0 ? (struct span){0} : stock[choice % stock_count];
    if (stock_count == 0 || block.size > BODY_BYTES || !fetch_has_room()) {
        return;
    }
    memcpy(blocks + P2P_MACHINE_HEAD_BYTES, block.data, block.size);
    fetch_block(&node, &stock_names[choice % stock_count],
                span_of(blocks + P2P_MACHINE_HEAD_BYTES, block.size), SPAN_LITERAL("http://a"));
}

static void search_ends(u32 choice)
{
    u32 i = choice % P2P_KAD_ALPHA;
    if (is_searching[i]) {
        is_searching[i] = false;
        searching[i].done(searching[i].context, choice);
    }
}

// One step; returns how many bytes it took, of `size` that are there.
static size_t step(u8 what, const u8 *data, size_t size)
{
    size_t length = size == 0 ? 0 : data[0] * 4u;
    length = size == 0 ? 0 : length < size - 1 ? length : size - 1;
    struct span bytes = span_of(data + (size != 0), length);
    u32 choice = size == 0 ? 0 : data[0];
    switch (what % 10) {
    case 0:
        block_add(CID_RAW, bytes);
        return size == 0 ? 0 : length + 1;
    case 1:
        block_add(CID_DAG_PB, bytes);
        return size == 0 ? 0 : length + 1;
    case 2:
        message_give(bytes);
        return size == 0 ? 0 : length + 1;
    case 3:
        if (message_count != 0 && answers[1 + choice % message_count] == 0) {
            fetch_cancelled(&node, 1 + choice % message_count);
        }
        return size != 0;
    case 4:
        if (calls[choice % CALLS].call != NULL) {
            answer_well(choice % CALLS);
        }
        return size != 0;
    case 5:
        if (calls[choice % CALLS].call != NULL) {
            answer(choice % CALLS, bytes, choice < 128 ? 0 : -E_GONE);
        }
        return size == 0 ? 0 : length + 1;
    case 6:
        gateway_gives(choice);
        return size != 0;
    case 7:
        search_ends(choice);
        return size != 0;
    case 8:
        is_coming = (choice & 1) != 0;
        may_begin = (choice & 2) != 0;
        fetch_was_lied_to(SPAN_LITERAL("somebody"), choice);
        return size != 0;
    default:
        engine_turn();
        return 0;
    }
}

static void begin(void)
{
    enum { WANTS = LOADER_FETCHES * LOADER_WANTS };
    static struct bitswap_want wants[WANTS];
    static struct bitswap_ask asks[WANTS];
    static struct bitswap_inbox inboxes[1];
    static struct bitswap_order orders[1];
    static struct bitswap_buffer buffers[1];
    static u8 buffer_memory[64];
    struct bitswap_config config = {.crypto = &node.crypto,
                                    .wants = wants,
                                    .want_count = WANTS,
                                    .asks = asks,
                                    .ask_count = WANTS,
                                    .inboxes = inboxes,
                                    .inbox_count = 1,
                                    .orders = orders,
                                    .order_count = 1,
                                    .buffers = buffers,
                                    .buffer_count = 1,
                                    .buffer_memory = buffer_memory,
                                    .buffer_bytes = sizeof buffer_memory};
    node = (struct node){.now_ns = 1, .log = -1};
    node.crypto = p2p_crypto_sodium(&dice);
    node.machine.blocks = blocks;
    node.machine.blocks_bytes = sizeof blocks;
    list_init(&node.links);
    bitswap_init(&node.bitswap, &config);
    memset(answers, 0, sizeof answers);
    message_count = stock_count = 0;
    is_coming = may_begin = false;
}

static bool is_over(void)
{
    bool is_over = live_bytes == 0;
    for (u32 i = 1; i <= message_count; i++) {
        is_over = is_over && answers[i] != 0;
    }
    for (u32 i = 0; i < CALLS; i++) {
        is_over = is_over && calls[i].call == NULL;
    }
    return is_over;
}

// Nobody else comes, and all calls are answered: everything ends.
static void end(void)
{
    is_coming = may_begin = false;
    for (u32 turn = 0; turn < 10 * MESSAGES && !is_over(); turn++) {
        for (u32 i = 0; i < CALLS; i++) {
            if (calls[i].call != NULL) {
                answer_well(i);
            }
        }
        for (u32 i = 0; i < P2P_KAD_ALPHA; i++) {
            search_ends(i);
        }
        engine_turn();
    }
    for (u32 i = 1; i <= message_count; i++) {
        ASSERT(answers[i] == 1);
    }
    ASSERT(live_bytes == 0 && !fetch_needs_peers());
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    begin();
    for (size_t at = 0; at < size;) {
        u8 what = data[at++];
        at += step(what, data + at, size - at);
    }
    end();
    return 0;
}
