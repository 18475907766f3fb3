// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/serve.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "core/base/unixfs.h"
#include "interfaces/blocks.h"
#include "interfaces/keep.h"
#include "programs/p2p-loader/announce.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/names.h"
#include "programs/p2p-loader/node.h"
#include "programs/rt/redshirt.h"

enum {
    REQUEST_BYTES = 128,
    SERVED_FIRST = 1024, // places of the table at first
    DEPTH = UNIXFS_DEPTH,
};

// A block on its way from the store to a peer, or to hear whether it is there.
struct give {
    struct call call;
    struct node *node;
    bool is_used;
    bool is_block;
    bool is_taken_back; // its peer was let go
    u64 order;
    struct cid cid;
    u64 since_ns;                    // it is used
    const struct bitswap_peer *peer; // which may have gone: to be compared with others only
    u64 neighbourhood;               // of its link
    u8 *bytes;                       // from rt_memory; NULL: none
    size_t size;
};

// Names of what is served: 16 bytes of a digest are as good as all 32 against chance, and who could
// make two of the same may as well publish the file.
struct served {
    u64 a, b; // both 0: nothing
};

static struct give gives[LOADER_GIVES];
static u32 give_count; // that are used
static u64 freed_ns;   // when one last got free by itself
static u64 ended_ns;   // when a peer was last let go
static struct served *table;
static u32 table_size, table_count;
static bool is_full; // there was more than LOADER_SERVED
static u8 *pins;     // the list as it was read
static size_t pins_size;
static u64 pins_ns; // when it is looked at next
static struct call pins_call;
static struct node *of_pins;

// ---- the table

static struct served name_of(const struct cid *cid)
{
    // The lowest bit tells the codec: a node and a raw block of the same bytes are two names.
    struct served name = {mem_load_u64(cid->digest), mem_load_u64(cid->digest + 8)};
    name.a = (name.a & ~(u64)1) | (cid->codec == CID_DAG_PB);
    name.b |= 1;
    return name;
}

static struct served *place_of(struct served name)
{
    u32 at = (u32)(name.b >> 32) & (table_size - 1);
    while (table[at].b != 0 && (table[at].a != name.a || table[at].b != name.b)) {
        at = (at + 1) & (table_size - 1);
    }
    return &table[at];
}

static bool is_served(const struct cid *cid)
{
    return table != NULL && place_of(name_of(cid))->b != 0;
}

u32 serve_count(void)
{
    return table_count;
}

// Makes the table twice as large. False: there is no memory, or it would be too large.
static bool table_grow(void)
{
    struct served *old = table;
    u32 old_size = table_size;
    u32 size = old == NULL ? SERVED_FIRST : 2 * old_size;
    struct served *bigger =
        size > 2 * LOADER_SERVED ? NULL : memory_take(rt_memory(), size * sizeof *bigger);
    if (bigger == NULL) {
        return false;
    }
    mem_zero(bigger, size * sizeof *bigger);
    table = bigger;
    table_size = size;
    for (u32 i = 0; i < old_size; i++) {
        if (old[i].b != 0) {
            *place_of(old[i]) = old[i];
        }
    }
    if (old != NULL) {
        memory_give(rt_memory(), old, old_size * sizeof *old);
    }
    return true;
}

// False: it is there already, or there is no room.
static bool table_add(const struct cid *cid)
{
    if (2 * table_count >= table_size && !table_grow()) {
        is_full = true;
        return false;
    }
    struct served *place = place_of(name_of(cid));
    if (place->b != 0) {
        return false;
    }
    *place = name_of(cid);
    table_count++;
    return true;
}

static void table_clear(void)
{
    if (table != NULL) {
        memory_give(rt_memory(), table, table_size * sizeof *table);
    }
    table = NULL;
    table_size = table_count = 0;
    is_full = false;
}

// ---- the list

// Asks the store for a node and waits. The caller gives `answer` back.
static enum err node_get(struct node *node, const struct cid *cid, struct span *answer,
                         struct unixfs_node *out)
{
    char name[CID_TEXT_BYTES];
    u8 body[REQUEST_BYTES];
    struct blocks_result_bytes_error result;
    cid_write_text(cid, name);
    struct blocks_get_call get = {span_of(name, CID_TEXT_LETTERS)};
    size_t size = blocks_get_encode_call(body, sizeof body, &get);
    ASSERT(size <= sizeof body);
    i64 got = rt_call_large(node->blocks, BLOCKS_GET_ID, body, (u32)size, answer);
    if (got < 0 || blocks_get_decode_result(*answer, &result) != ERR_OK || !result.ok) {
        return ERR_NOT_FOUND;
    }
    return unixfs_node_parse(result.value, out, NULL);
}

// Adds a block and all below it. Row by row, each node read once for each place it has.
static void file_add(struct node *node, const struct cid *root)
{
    struct {
        struct span answer;
        struct unixfs_node node;
    } rows[DEPTH];
    u32 depth = 0;
    if (!table_add(root) || root->codec != CID_DAG_PB) {
        return;
    }
    rows[0].answer = (struct span){0};
    bool is_node = node_get(node, root, &rows[0].answer, &rows[0].node) == ERR_OK;
    depth = 1;
    while (depth > 0) {
        struct unixfs_link link;
        if (!is_node || !unixfs_node_next(&rows[depth - 1].node, &link)) {
            depth--;
            if (rows[depth].answer.data != NULL) {
                memory_give(rt_memory(), (void *)rows[depth].answer.data, rows[depth].answer.size);
            }
            is_node = true;
            continue;
        }
        if (table_add(&link.cid) && link.cid.codec == CID_DAG_PB && depth < DEPTH) {
            rows[depth].answer = (struct span){0};
            is_node = node_get(node, &link.cid, &rows[depth].answer, &rows[depth].node) == ERR_OK;
            depth++;
        }
    }
}

static void pins_read(struct node *node, struct span list)
{
    u32 count = 0;
    table_clear();
    for (size_t start = 0; start < list.size && count < LOADER_PINS;) {
        size_t end = start;
        struct cid cid;
        while (end < list.size && list.data[end] != '\n') {
            end++;
        }
        if (cid_parse_text(span_slice(list, start, end), &cid, NULL) == ERR_OK) {
            file_add(node, &cid);
            count++;
        }
        start = end + 1;
    }
    if (is_full) {
        node_say(node, NODE_WARNING,
                 SPAN_LITERAL("more is pinned than is served; the last files are not"));
    }
}

static void pins_done(struct call *call, const struct rt_event *event)
{
    struct keep_result_bytes_error result;
    struct span list = {0};
    (void)call;
    if (event->error == 0 && keep_get_decode_result(event->body, &result) == ERR_OK && result.ok) {
        list = result.value;
    }
    if (list.size == pins_size && mem_equal(list.data, pins, pins_size)) {
        return;
    }
    if (pins != NULL) {
        memory_give(rt_memory(), pins, pins_size);
    }
    pins_size = list.size;
    pins = list.size == 0 ? NULL : memory_take(rt_memory(), list.size);
    if (pins == NULL) {
        pins_size = 0;
    } else {
        mem_copy(pins, list.data, list.size);
    }
    pins_read(of_pins, span_of(pins, pins_size));
    announce_pins(of_pins, span_of(pins, pins_size));
    names_offer(of_pins); // who publishes pins too
}

static void pins_look(struct node *node)
{
    struct keep_get_call get = {SPAN_LITERAL("pins")};
    u8 body[REQUEST_BYTES];
    size_t size = keep_get_encode_call(body, sizeof body, &get);
    pins_ns = node->now_ns + LOADER_PINS_MS * NS_PER_MS;
    of_pins = node;
    if (!pins_call.is_waiting) {
        (void)call_send(&pins_call, node->keep, KEEP_GET_ID, body, size, pins_done);
    }
}

void serve_begin(struct node *node)
{
    pins_look(node);
}

// ---- answers

static void give_free(struct give *give)
{
    if (give->bytes != NULL) {
        memory_give(rt_memory(), give->bytes, give->size);
    }
    give_count--;
    freed_ns = give->is_taken_back ? freed_ns : give->node->now_ns;
    *give = (struct give){0};
}

void serve_released(u64 token)
{
    ASSERT(token < LOADER_GIVES && gives[token].is_used);
    give_free(&gives[token]);
}

// The owner hears of it; a peer that asks again and again does not fill the log.
static void damage_say(const struct give *give)
{
    static u64 said_ns;
    char line[CID_TEXT_BYTES + 128], name[CID_TEXT_BYTES];
    struct text text = text_over(line, sizeof line);
    if (said_ns != 0 && give->node->now_ns - said_ns < LOADER_DAMAGE_MS * NS_PER_MS) {
        return;
    }
    said_ns = give->node->now_ns;
    cid_write_text(&give->cid, name);
    text_string(&text, "p2p: block ");
    text_string(&text, name);
    text_string(&text, " of the store is damaged and given to nobody; `redshirt get` with a "
                       "--peer that has it mends it");
    node_say(give->node, NODE_WARNING, span_of(text.data, text.size));
}

static void give_done(struct call *call, const struct rt_event *event)
{
    struct give *give = CONTAINER_OF(call, struct give, call);
    struct bitswap *bitswap = &give->node->bitswap;
    struct blocks_result_bytes_error bytes;
    struct blocks_result_bool_error has;
    if (!give->is_block) {
        bool is_here = event->error == 0 && blocks_has_decode_result(event->body, &has) == ERR_OK &&
                       has.ok && has.value;
        (void)bitswap_answer(bitswap, give->order, is_here, (struct span){0}, 0);
        give_free(give);
        return;
    }
    bool is_answer = event->error == 0 && blocks_get_decode_result(event->body, &bytes) == ERR_OK;
    bool is_here = is_answer && bytes.ok;
    if (is_answer && !bytes.ok && bytes.error.kind == BLOCKS_ERROR_DAMAGED) {
        damage_say(give);
    }
    if (is_here) {
        give->size = bytes.value.size + 1; // a block of nothing has an address too
        give->bytes = memory_take(rt_memory(), give->size);
        is_here = give->bytes != NULL;
    }
    struct span block = {0};
    if (is_here) {
        mem_copy(give->bytes, bytes.value.data, bytes.value.size);
        block = span_of(give->bytes, bytes.value.size);
    }
    bool is_held = bitswap_answer(bitswap, give->order, is_here, block, (u64)(give - gives));
    if (!is_held || !is_here) {
        give_free(give);
    }
}

static struct give *give_take(void)
{
    for (u32 i = 0; i < LOADER_GIVES; i++) {
        if (!gives[i].is_used) {
            return &gives[i];
        }
    }
    return NULL;
}

static void order_answer(struct node *node, struct give *give, const struct bitswap_request *order)
{
    char name[CID_TEXT_BYTES];
    u8 body[REQUEST_BYTES];
    if (!is_served(&order->cid)) {
        (void)bitswap_answer(&node->bitswap, order->id, false, (struct span){0}, 0);
        return;
    }
    *give = (struct give){.node = node,
                          .is_used = true,
                          .is_block = order->is_block,
                          .order = order->id,
                          .cid = order->cid,
                          .since_ns = node->now_ns,
                          .neighbourhood =
                              CONTAINER_OF(order->peer, struct link, bitswap)->neighbourhood,
                          .peer = order->peer};
    give_count++;
    cid_write_text(&order->cid, name);
    struct blocks_get_call get = {span_of(name, CID_TEXT_LETTERS)}; // has takes the same
    size_t size = blocks_get_encode_call(body, sizeof body, &get);
    ASSERT(size <= sizeof body);
    u64 function = order->is_block ? BLOCKS_GET_ID : BLOCKS_HAS_ID;
    if (!call_send(&give->call, node->blocks, function, body, size, give_done)) {
        (void)bitswap_answer(&node->bitswap, order->id, false, (struct span){0}, 0);
        give_free(give);
    }
}

static struct link *link_of(struct node *node, const struct give *give)
{
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        // One that came later is another, at the same place.
        if (&link->bitswap == give->peer && link->since_ns <= give->since_ns) {
            return link;
        }
    }
    return NULL;
}

// Lets the peer go that has held a block for longest.
static void slowest_end(struct node *node)
{
    char words[LOADER_TEXT_BYTES];
    struct text text = text_over(words, sizeof words);
    const struct give *slowest = NULL;
    for (u32 i = 0; i < LOADER_GIVES; i++) {
        bool is_slower = slowest == NULL || gives[i].since_ns < slowest->since_ns;
        slowest = is_slower && !gives[i].is_taken_back ? &gives[i] : slowest;
    }
    struct link *link = slowest == NULL ? NULL : link_of(node, slowest);
    if (link == NULL) {
        return;
    }
    for (u32 i = 0; i < LOADER_GIVES; i++) {
        gives[i].is_taken_back = gives[i].is_taken_back || gives[i].peer == slowest->peer;
    }
    text_string(&text, "p2p: others wait, and it takes too little: ");
    link_peer_write(&text, &link->connection.peer);
    node_say(node, NODE_WARNING, span_of(text.data, text.size));
    link_end(link, "others waited, and it took too little");
}

// Returns when to be called at the latest.
static u64 gives_turn(struct node *node)
{
    if (give_count < LOADER_GIVES || !bitswap_orders_wait(&node->bitswap)) {
        return UINT64_MAX;
    }
    u64 full_ns = freed_ns + LOADER_GIVES_MS * NS_PER_MS;
    u64 next_ns = ended_ns + LOADER_GIVES_EACH_MS * NS_PER_MS;
    u64 due_ns = full_ns > next_ns ? full_ns : next_ns;
    if (node->now_ns >= due_ns) {
        slowest_end(node);
        ended_ns = node->now_ns;
        due_ns = ended_ns + LOADER_GIVES_EACH_MS * NS_PER_MS;
    }
    return due_ns;
}

// Whoever is of a neighbourhood that has half of all gives lets others come first (room.h).
static void crowd_mark(struct node *node)
{
    u64 crowd = 0; // of whom we dialled
    for (u32 i = 0; i < LOADER_GIVES; i++) {
        u32 count = 0;
        for (u32 k = 0; k < LOADER_GIVES; k++) {
            count += gives[k].is_used && gives[k].neighbourhood == gives[i].neighbourhood ? 1 : 0;
        }
        crowd = count >= LOADER_GIVES / 2 ? gives[i].neighbourhood : crowd;
    }
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        struct link *link = LIST_ITEM(item, struct link, of_node);
        link->bitswap.is_behind = crowd != 0 && link->neighbourhood == crowd;
    }
}

// The next order for which there is room.
static bool order_next(struct node *node, struct bitswap_request *out)
{
    bool is_scarce = give_count >= LOADER_GIVES_FREE;
    if (is_scarce) {
        crowd_mark(node);
    }
    return bitswap_order_next(&node->bitswap, is_scarce, out);
}

u64 serve_turn(struct node *node)
{
    struct give *give;
    struct bitswap_request order;
    if (announce_wants_pins()) {
        announce_pins(node, span_of(pins, pins_size));
    }
    if (node->now_ns >= pins_ns) {
        pins_look(node);
    }
    while ((give = give_take()) != NULL && order_next(node, &order)) {
        order_answer(node, give, &order);
    }
    u64 wake_ns = gives_turn(node);
    return node->stays && pins_ns < wake_ns ? pins_ns : wake_ns;
}
