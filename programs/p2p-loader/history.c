// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/p2p-loader/history.h"
#include "core/base/mem.h"
#include "core/base/text.h"
#include "interfaces/keep.h"
#include "interfaces/keep_client.h"
#include "interfaces/time.h"
#include "interfaces/time_client.h"
#include "programs/p2p-loader/calls.h"
#include "programs/p2p-loader/limits.h"
#include "programs/p2p-loader/links.h"
#include "programs/p2p-loader/node.h"
#include "programs/p2p-loader/show.h"
#include "programs/rt/redshirt.h"

#define NS_PER_S ((u64)1000000000)

enum {
    NOTES_BYTES = 16 << 10, // lines that are not in the record yet; then it is written
    LINE_BYTES = 256,
    STATUS_BYTES = 64 << 10, // some 300 peers; the others are not shown
    BODY_BYTES = 64,         // of a message, beside the record
    PAGE_BYTES = 65536,      // of WebAssembly
};

static char notes[NOTES_BYTES];
static u32 notes_size;
static struct multiaddr listens[LOADER_LISTENERS];
static u32 listen_count;
static u64 status_ns; // when it is due
static struct call status_call;

static u64 wall_s(struct node *node)
{
    u64 now_ns = 0;
    (void)time_wall(node->time, &now_ns);
    return now_ns / NS_PER_S;
}

// ---- why

static void note(struct node *node, const struct text *line)
{
    if (line->cut) {
        return; // an address of a peer cannot be so long
    }
    if (notes_size + line->size > sizeof notes) {
        history_keep(node);
    }
    mem_copy(notes + notes_size, line->data, line->size);
    notes_size += (u32)line->size;
}

void history_block(struct node *node, const struct cid *cid, struct span from, size_t bytes)
{
    char line[LINE_BYTES], name[CID_TEXT_BYTES];
    struct text text = text_over(line, sizeof line);
    cid_write_text(cid, name);
    text_string(&text, "block ");
    text_string(&text, name);
    text_char(&text, ' ');
    text_printable(&text, from);
    text_char(&text, ' ');
    text_u64(&text, bytes);
    text_char(&text, ' ');
    text_u64(&text, wall_s(node));
    text_char(&text, '\n');
    note(node, &text);
}

void history_bad(struct node *node, struct span who, u64 bytes, const char *words)
{
    char line[LINE_BYTES];
    struct text text = text_over(line, sizeof line);
    show_offence(node, who, bytes, words);
    text_string(&text, "bad ");
    text_printable(&text, who);
    text_char(&text, ' ');
    text_u64(&text, bytes);
    text_char(&text, ' ');
    text_u64(&text, wall_s(node));
    text_char(&text, ' ');
    text_string(&text, words);
    text_char(&text, '\n');
    note(node, &text);
}

void history_keep(struct node *node)
{
    static u8 body[NOTES_BYTES + BODY_BYTES];
    struct keep_add_call add = {SPAN_LITERAL("why"), span_of(notes, notes_size), LOADER_LOG_BYTES};
    struct keep_result_none_error result;
    if (notes_size != 0) {
        (void)keep_add(node->keep, body, sizeof body, &add, &result); // lost, if it is not kept
        notes_size = 0;
    }
}

// ---- peers

void history_listens(const struct multiaddr *address)
{
    if (listen_count < LOADER_LISTENERS) {
        listens[listen_count++] = *address;
    }
}

const struct multiaddr *history_listens_at(u32 index)
{
    return index < listen_count ? &listens[index] : NULL;
}

static void peer_tell(struct text *out, const struct link *link)
{
    text_string(out, "peer ");
    peer_id_write(out, &link->connection.peer);
    text_char(out, ' ');
    multiaddr_write(out, span_of(link->address.bytes, link->address.size));
    text_string(out, link->is_dialler ? " out " : " in ");
    text_u64(out, link->read_bytes);
    text_char(out, ' ');
    text_u64(out, link->written_bytes);
    text_char(out, ' ');
    text_printable(out, span_string(link->connection.identity.agent));
    text_char(out, '\n');
}

static void status_done(struct call *call, const struct rt_event *event)
{
    (void)call;
    (void)event; // there is a next one
}

u64 history_turn(struct node *node)
{
    static char status[STATUS_BYTES];
    static u8 body[STATUS_BYTES + BODY_BYTES];
    if (status_ns == 0 && !node->stays) {
        status_ns = node->now_ns + LOADER_STATUS_MS * NS_PER_MS; // a short fetch tells nothing
    }
    if (status_call.is_waiting) {
        return UINT64_MAX;
    }
    if (node->now_ns < status_ns) {
        return status_ns;
    }
    status_ns = node->now_ns + LOADER_STATUS_MS * NS_PER_MS;
    struct text text = text_over(status, sizeof status);
    text_string(&text, "self ");
    peer_id_write(&text, &node->host.id);
    text_char(&text, '\n');
    for (u32 i = 0; i < listen_count; i++) {
        text_string(&text, "listens ");
        multiaddr_write(&text, span_of(listens[i].bytes, listens[i].size));
        text_char(&text, '\n');
    }
    text_string(&text, "memory ");
    text_u64(&text, (u64)__builtin_wasm_memory_size(0) * PAGE_BYTES); // is never given back
    text_char(&text, '\n');
    for (struct list_node *item = list_first(&node->links); item != NULL;
         item = list_next(&node->links, item)) {
        const struct link *link = LIST_ITEM(item, struct link, of_node);
        if (link_is_open(link) && text.size + LINE_BYTES < sizeof status) {
            peer_tell(&text, link);
        }
    }
    struct keep_tell_call tell = {SPAN_LITERAL("peers"), span_of(status, text.size)};
    size_t size = keep_tell_encode_call(body, sizeof body, &tell);
    (void)call_send(&status_call, node->keep, KEEP_TELL_ID, body, size, status_done);
    return status_ns;
}
