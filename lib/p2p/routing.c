// SPDX-License-Identifier: GPL-3.0-or-later
// A record is an object: of a list within the outermost object, or the outermost itself, on a line
// of its own. Its fields come in any order.
#include "lib/p2p/routing.h"
#include "core/base/assert.h"
#include "core/base/report.h"
#include "core/base/text.h"
#include "lib/http/client.h"
#include "lib/p2p/multiaddr.h"

enum field { FIELD_OTHER, FIELD_SCHEMA, FIELD_ID, FIELD_ADDRESSES };

// What stands around the members of a record, and of a list's record.
enum { RECORD_DEPTH = 1, LIST_DEPTH = 1, LIST_RECORD_DEPTH = 3 };

// ---- requests

static size_t request(struct span host, const char *path, const char *name, const char *query,
                      const char *accept, char out[ROUTING_REQUEST_BYTES])
{
    char target[ROUTING_REQUEST_BYTES / 2];
    struct text path_text = text_over(target, sizeof target);
    struct text text = text_over(out, ROUTING_REQUEST_BYTES);
    text_string(&path_text, path);
    text_string(&path_text, name);
    text_string(&path_text, query);
    http_request_head(&text, host, span_of(target, path_text.size), accept);
    ASSERT(!path_text.cut && !text.cut);
    return text.size;
}

size_t routing_providers_request(struct span host, const struct cid *cid,
                                 char out[ROUTING_REQUEST_BYTES])
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    return request(host, "/routing/v1/providers/", name, "",
                   "application/x-ndjson, application/json", out);
}

size_t routing_name_request(struct span host, const struct peer_id *name,
                            char out[ROUTING_REQUEST_BYTES])
{
    char letters[P2P_PEER_ID_TEXT_BYTES];
    struct text text = text_over(letters, sizeof letters);
    peer_id_write_name(&text, name);
    return request(host, "/routing/v1/ipns/", letters, "", "application/vnd.ipfs.ipns-record", out);
}

size_t gateway_block_request(struct span host, const struct cid *cid,
                             char out[ROUTING_REQUEST_BYTES])
{
    char name[CID_TEXT_BYTES];
    cid_write_text(cid, name);
    return request(host, "/ipfs/", name, "?format=raw", "application/vnd.ipld.raw", out);
}

size_t gateway_probe_request(struct span host, char out[ROUTING_REQUEST_BYTES])
{
    return request(host, "/ipfs/", "bafkqaaa", "?format=raw", "application/vnd.ipld.raw", out);
}

// ---- answers

static void begin_record(struct routing_reader *reader)
{
    reader->field = FIELD_OTHER;
    reader->has_peer = false;
    reader->is_peer = false;
    reader->has_claim = false;
    reader->hint = (struct p2p_hint){0};
}

void routing_reader_init(struct routing_reader *reader, enum p2p_scope scope)
{
    reader->scope = scope;
    json_reader_init(&reader->json);
    reader->is_list = false;
    reader->records = 0;
    begin_record(reader);
}

static bool is_text(const struct json_event *event, const char *text)
{
    return !event->is_cut && span_equal(event->text, span_string(text));
}

static void read_id(struct routing_reader *reader, struct span text)
{
    struct peer_id id;
    if (peer_id_parse(text, &id, NULL) != ERR_OK) {
        return;
    }
    if (reader->has_claim && !peer_id_equal(&id, &reader->hint.peer)) {
        reader->hint.address_count = 0; // they were somebody else's
    }
    reader->has_peer = true;
    reader->hint.peer = id;
}

static void read_address(struct routing_reader *reader, struct span text)
{
    struct multiaddr address;
    struct multiaddr_target target;
    if (multiaddr_parse(text, &address, NULL) != ERR_OK) {
        return;
    }
    struct span bytes = span_of(address.bytes, address.size);
    if (multiaddr_target(bytes, &target, NULL) != ERR_OK) {
        return;
    }
    if (target.has_peer && !reader->has_peer && !reader->has_claim) {
        reader->has_claim = true;
        reader->hint.peer = target.peer;
    }
    p2p_hint_add(&reader->hint, reader->scope, bytes);
}

static void read_name(struct routing_reader *reader, const struct json_event *event, u32 depth)
{
    if (event->depth != depth) {
        if (event->depth == LIST_DEPTH) { // a member beside the list
            reader->is_list = false;
        }
        return;
    }
    reader->field = FIELD_OTHER;
    if (is_text(event, "Schema")) {
        reader->field = FIELD_SCHEMA;
    } else if (is_text(event, "ID")) {
        reader->field = FIELD_ID;
    } else if (is_text(event, "Addrs")) {
        reader->field = FIELD_ADDRESSES;
    } else if (depth == RECORD_DEPTH && (is_text(event, "Providers") || is_text(event, "Peers"))) {
        reader->is_list = true;
        reader->field = FIELD_OTHER;
    }
}

static void read_string(struct routing_reader *reader, const struct json_event *event, u32 depth)
{
    if (event->is_cut) {
        return;
    }
    if (event->depth == depth && reader->field == FIELD_SCHEMA) {
        reader->is_peer = is_text(event, "peer") || is_text(event, "bitswap"); // its former name
    } else if (event->depth == depth && reader->field == FIELD_ID) {
        read_id(reader, event->text);
    } else if (event->depth == depth + 1 && reader->field == FIELD_ADDRESSES) {
        read_address(reader, event->text);
    }
}

// What an event says; true: a record with a peer is whole.
static enum err read_event(struct routing_reader *reader, const struct json_event *event,
                           bool *has_hint, struct report *report)
{
    u32 depth = reader->is_list ? LIST_RECORD_DEPTH : RECORD_DEPTH;
    switch (event->kind) {
    case JSON_OBJECT:
        if (event->depth == 0) {
            reader->is_list = false;
        }
        if (event->depth == 0 || event->depth + 1 == depth) {
            if (reader->records++ == ROUTING_RECORDS) {
                return report_err(report, ERR_LIMIT, 0, "routing: more than 512 records");
            }
            begin_record(reader);
        }
        return ERR_OK;
    case JSON_OBJECT_END:
        if (event->depth + 1 == depth) {
            *has_hint = reader->has_peer && reader->is_peer && reader->hint.address_count != 0;
            reader->is_peer = false; // told once
        }
        return ERR_OK;
    case JSON_NAME:
        read_name(reader, event, depth);
        return ERR_OK;
    case JSON_STRING:
        read_string(reader, event, depth);
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

enum err routing_read(struct routing_reader *reader, struct span bytes, size_t *taken,
                      struct p2p_hint *hint, bool *has_hint, struct report *report)
{
    *taken = 0;
    *has_hint = false;
    while (*taken < bytes.size && !*has_hint) {
        struct json_event event;
        size_t took;
        struct span rest = span_slice(bytes, *taken, bytes.size);
        TRY(json_next(&reader->json, rest, &took, &event, report));
        *taken += took;
        TRY(read_event(reader, &event, has_hint, report));
    }
    if (*has_hint) {
        *hint = reader->hint;
    }
    return ERR_OK;
}

enum err routing_end(struct routing_reader *reader, struct report *report)
{
    struct json_event event;
    return json_end(&reader->json, &event, report);
}
