// SPDX-License-Identifier: GPL-3.0-or-later
#include "programs/http/peers.h"
#include "core/base/mem.h"
#include "core/base/memory.h"
#include "core/base/text.h"
#include "interfaces/peers.h"
#include "interfaces/peers_section.h"
#include "programs/http/json.h"
#include "programs/http/limits.h"
#include "programs/rt/redshirt.h"

enum {
    HEAD_BYTES = 1024, // around the lists
    ITEM_BYTES = 512,  // of numbers and names of fields, for each peer, file and offence
    ITEM_STRINGS = 3,  // of each, at most
    ITEMS = SERVER_PEERS + SERVER_FILES + SERVER_OFFENCES + SERVER_LISTENS + 1,
    JSON_BYTES = HEAD_BYTES + ITEMS * (ITEM_BYTES + ITEM_STRINGS * JSON_STRING_BYTES),
};

static i64 bond = -1;
static bool is_looked_at;
static struct span last; // JSON, in memory from rt_memory; empty: nothing is known

// ---- JSON

static void json_traffic(struct text *out, const struct peers_traffic *moved)
{
    json_number(out, "bytesIn", moved->bytes_in);
    json_number(out, "bytesOut", moved->bytes_out);
    json_number(out, "blocksIn", moved->blocks_in);
    json_number(out, "blocksOut", moved->blocks_out);
}

static void json_peer(struct text *out, const struct peers_peer *peer)
{
    text_string(out, "{\"id\":");
    json_string(out, peer->id);
    json_name(out, "address", peer->address);
    json_name(out, "agent", peer->agent);
    text_string(out, peer->is_ours ? ",\"ours\":true" : ",\"ours\":false");
    json_number(out, "age", peer->age);
    json_traffic(out, &peer->moved);
    json_number(out, "asked", peer->asked);
    json_number(out, "owed", peer->owed);
    json_number(out, "unasked", peer->unasked);
    text_char(out, '}');
}

static void json_file(struct text *out, const struct peers_file *file)
{
    text_string(out, "{\"cid\":");
    json_string(out, file->cid);
    json_number(out, "done", file->done);
    if (file->size.some) {
        json_number(out, "size", file->size.value);
    }
    json_number(out, "age", file->age);
    text_char(out, '}');
}

static void json_offence(struct text *out, const struct peers_offence *offence)
{
    text_string(out, "{\"peer\":");
    json_string(out, offence->peer);
    json_name(out, "words", offence->words);
    json_number(out, "bytes", offence->bytes);
    json_number(out, "age", offence->age);
    text_char(out, '}');
}

static void json_lists(struct text *out, struct peers_state *state)
{
    struct peers_peer peer;
    struct peers_file file;
    struct peers_offence offence;
    struct span address;
    text_string(out, ",\"listens\":[");
    for (u32 i = 0; i < SERVER_LISTENS && peers_list_string_next(&state->listens, &address); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_string(out, address);
    }
    text_string(out, "],\"peers\":[");
    for (u32 i = 0; i < SERVER_PEERS && peers_list_peer_next(&state->peers, &peer); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_peer(out, &peer);
    }
    text_string(out, "],\"files\":[");
    for (u32 i = 0; i < SERVER_FILES && peers_list_file_next(&state->files, &file); i++) {
        text_string(out, i == 0 ? "" : ",");
        json_file(out, &file);
    }
    text_string(out, "],\"offences\":[");
    for (u32 i = 0; i < SERVER_OFFENCES && peers_list_offence_next(&state->offences, &offence);
         i++) {
        text_string(out, i == 0 ? "" : ",");
        json_offence(out, &offence);
    }
    text_string(out, "]}\n");
}

static void json_state(struct text *out, struct peers_state *state)
{
    text_string(out, "{\"self\":");
    json_string(out, state->self);
    json_number(out, "connected", state->connected);
    json_traffic(out, &state->moved);
    json_number(out, "wanted", state->wanted);
    json_number(out, "offered", state->offered);
    json_lists(out, state);
}

// ---- what was said last

static void forget(void)
{
    memory_give(rt_memory(), (void *)last.data, last.size);
    last = (struct span){0};
}

i64 peers_bond(void)
{
    if (!is_looked_at) {
        return -1;
    }
    is_looked_at = false;
    if (bond < 0) {
        bond = rt_bind(&peers_interface, false); // the node may have come since
    }
    return bond;
}

void peers_take(const struct rt_event *event)
{
    struct peers_state state;
    forget();
    if (event->error != 0 || peers_show_decode_result(event->body, &state) != ERR_OK) {
        return;
    }
    char *block = memory_take(rt_memory(), JSON_BYTES);
    if (block != NULL) {
        struct text text = text_over(block, JSON_BYTES);
        json_state(&text, &state);
        // what was reserved for the worst of names and not used goes back, in place
        (void)rt_memory()->resize(rt_memory(), block, JSON_BYTES, text.size);
        last = span_of(block, text.size);
    }
}

struct page peers_page(void)
{
    struct page page = {
        .status = 200, .content_type = "application/json", .body = SPAN_LITERAL("null\n")};
    is_looked_at = true;
    u8 *copy = last.size == 0 ? NULL : memory_take(rt_memory(), last.size);
    if (copy != NULL) {
        mem_copy(copy, last.data, last.size);
        page.body = span_of(copy, last.size);
        page.owned_bytes = last.size;
    }
    return page;
}
