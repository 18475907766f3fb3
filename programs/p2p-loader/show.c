// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/show.h"
#include "core/base/assert.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/peers.h"
#include "interfaces/peers_section.h"
#include "programs/p2p-loader/fetch.h"
#include "programs/p2p-loader/history.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/serve.h"
#include "programs/rt/redshirt.h"

enum {
    PEER_TEXT_BYTES = P2P_PEER_ID_TEXT_BYTES + P2P_MULTIADDR_TEXT_BYTES + P2P_AGENT_BYTES,
    TEXT_BYTES = LOADER_SHOWN * PEER_TEXT_BYTES + LOADER_FETCHES * CID_TEXT_BYTES +
                 LOADER_LISTENERS * P2P_MULTIADDR_TEXT_BYTES +
                 (LOADER_OFFENCES + 1) * P2P_PEER_ID_TEXT_BYTES + 1,
};

struct offence {
    char who[LOADER_WHO_BYTES];
    u64 bytes;
    u64 at_ns;
    char words[LOADER_OFFENCE_BYTES + 1]; // ends in zero
};

// One answer while it is made.
struct shown {
    struct span listens[LOADER_LISTENERS];
    struct peers_peer peers[LOADER_SHOWN];
    struct peers_file files[LOADER_FETCHES];
    struct peers_offence offences[LOADER_OFFENCES];
    struct text text;
    char bytes[TEXT_BYTES];
};

static struct offence offences[LOADER_OFFENCES]; // the oldest first
static u32 offence_count;
static struct node *of_show;
static i64 registration = -1;

// ---- offences

void show_offence(struct node *node, struct span who, u64 bytes, const char *words)
{
    struct offence offence = {.bytes = bytes, .at_ns = node->now_ns};
    struct text name = text_over(offence.who, sizeof offence.who);
    text_printable(&name, who);
    struct text text = text_over(offence.words, sizeof offence.words);
    text_printable(&text, span_string(words));
    u32 at = 0;
    while (at < offence_count &&
           !(span_equal(span_string(offences[at].who), span_string(offence.who)) &&
             span_equal(span_string(offences[at].words), span_string(offence.words)))) {
        at++;
    }
    if (at == offence_count && offence_count == LOADER_OFFENCES) {
        at = 0;
    }
    if (at < offence_count) { // again, or the oldest has to go
        mem_move(offences + at, offences + at + 1, (--offence_count - at) * sizeof *offences);
    }
    offences[offence_count++] = offence;
}

// ---- the answer

// What was written since the text had so many bytes.
static struct span text_since(const struct text *text, size_t start)
{
    return span_of(text->data + start, text->size - start);
}

static struct span id_text(struct text *text, const struct peer_id *id)
{
    size_t start = text->size;
    peer_id_write(text, id);
    return text_since(text, start);
}

static struct span address_text(struct text *text, const struct multiaddr *address)
{
    size_t start = text->size;
    multiaddr_write(text, span_of(address->bytes, address->size));
    return text_since(text, start);
}

static struct span printable_text(struct text *text, struct span bytes)
{
    size_t start = text->size;
    text_printable(text, bytes);
    return text_since(text, start);
}

static struct peers_peer peer_shown(struct text *text, const struct link *link)
{
    const struct bitswap_peer *peer = &link->bitswap;
    return (struct peers_peer){
        .id = id_text(text, &link->connection.peer),
        .address = address_text(text, &link->address),
        .agent = printable_text(text, span_string(link->connection.identity.agent)),
        .is_ours = link->is_dialler,
        .age = of_show->now_ns - link->since_ns,
        .moved = {link->read_bytes, link->written_bytes, peer->wanted_count, peer->served_count},
        .asked = peer->asked_count,
        .owed = peer->order_count,
        .unasked = peer->unwanted_bytes,
    };
}

static void peers_take(struct shown *shown, struct peers_state *state)
{
    state->peers.items = shown->peers;
    state->moved = (struct peers_traffic){of_show->read_bytes, of_show->written_bytes,
                                          of_show->gone_blocks_in, of_show->gone_blocks_out};
    for (struct list_node *item = list_first(&of_show->links); item != NULL;
         item = list_next(&of_show->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (!link_is_open(link) || !link->has_bitswap) {
            continue;
        }
        state->connected++;
        state->moved.blocks_in += link->bitswap.wanted_count;
        state->moved.blocks_out += link->bitswap.served_count;
        if (state->peers.count < LOADER_SHOWN) {
            shown->peers[state->peers.count++] = peer_shown(&shown->text, link);
        }
    }
}

static void files_take(struct shown *shown, struct peers_state *state)
{
    struct fetch_state file;
    state->files.items = shown->files;
    for (u32 i = 0; i < LOADER_FETCHES; i++) {
        if (!fetch_state(i, &file)) {
            continue;
        }
        char name[CID_TEXT_BYTES];
        cid_write_text(&file.root, name);
        shown->files[state->files.count++] = (struct peers_file){
            .cid = printable_text(&shown->text, span_string(name)),
            .done = file.done_bytes,
            .size = {file.has_size, file.size_bytes},
            .age = of_show->now_ns - file.began_ns,
        };
    }
}

static void offences_take(struct shown *shown, struct peers_state *state)
{
    state->offences.items = shown->offences;
    for (u32 i = 0; i < offence_count; i++) {
        const struct offence *offence = &offences[i];
        shown->offences[state->offences.count++] = (struct peers_offence){
            .peer = span_string(offence->who),
            .words = span_string(offence->words),
            .bytes = offence->bytes,
            .age = of_show->now_ns - offence->at_ns,
        };
    }
}

static void listens_take(struct shown *shown, struct peers_state *state)
{
    const struct multiaddr *address;
    state->listens.items = shown->listens;
    while ((address = history_listens_at(state->listens.count)) != NULL) {
        shown->listens[state->listens.count++] = address_text(&shown->text, address);
    }
}

static void state_take(struct shown *shown, struct peers_state *state)
{
    shown->text = text_over(shown->bytes, sizeof shown->bytes);
    *state = (struct peers_state){
        .self = id_text(&shown->text, &of_show->host.id),
        .wanted = of_show->bitswap.want_count,
        .offered = serve_count(),
    };
    listens_take(shown, state);
    peers_take(shown, state);
    files_take(shown, state);
    offences_take(shown, state);
    ASSERT(!shown->text.cut); // TEXT_BYTES are those of the longest
}

static void on_show(void *context, const struct interface_message *message)
{
    struct peers_state state;
    struct shown *shown = memory_take(rt_memory(), sizeof *shown);
    u8 *body = NULL;
    size_t size = 0;
    (void)context;
    if (shown != NULL) {
        state_take(shown, &state);
        size = peers_show_encode_result(NULL, 0, &state);
        body = memory_take(rt_memory(), size);
    }
    if (body == NULL) {
        (void)rt_answer_error(message->id, E_NO_MEMORY);
    } else {
        size_t used = peers_show_encode_result(body, size, &state);
        ASSERT(used == size);
        (void)rt_answer(message->id, body, (u32)size);
        memory_give(rt_memory(), body, size);
    }
    if (shown != NULL) {
        memory_give(rt_memory(), shown, sizeof *shown);
    }
}

// ---- messages

void show_begin(struct node *node)
{
    of_show = node;
    registration = rt_register(&peers_interface);
}

bool show_is_for(const struct rt_event *event)
{
    return registration >= 0 && event->registration == (u64)registration;
}

void show_event(const struct rt_event *event)
{
    static const struct peers_handler handler = {.show = on_show};
    struct interface_message message = rt_message(event);
    enum err err = peers_dispatch(&handler, NULL, &message);
    if (err != ERR_OK) {
        (void)rt_answer_error(event->id, rt_dispatch_error(err));
    }
}
