// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/routing.h: asks a web server who has a block (delegated routing), or for the block itself
// (a trustless gateway). Fallbacks: nothing that they say is believed before it is hashed or
// reached.
//
// Use     the request's bytes from routing_providers_request, gateway_block_request or
//         routing_name_request, over TCP. What comes back goes through lib/http's
//         http_response_read; the body of 200 then:
//           providers  routing_read, piece by piece
//           a block    is the body: hash it. Nothing that the server's headers say matters
//           a name     is the body: ipns_record_verify it
//         404 is "nobody is known" and "I do not have it".
// Owner   the caller's.
// Limits  ROUTING_*. Unknown fields are read over, records without an address too.
// Source  IPFS specifications, "Delegated Routing V1 HTTP API", "Trustless Gateway".
#pragma once
#include "core/base/cid.h"
#include "core/base/err.h"
#include "core/base/span.h"
#include "lib/json/json.h"
#include "lib/p2p/hint.h"
#include "lib/p2p/limits.h"
struct report;

// Requests: they return their size. `host` is what the user typed ("router.example:8080") and has
// passed http_host_is_valid.
size_t routing_providers_request(struct span host, const struct cid *cid,
                                 char out[ROUTING_REQUEST_BYTES]);
size_t routing_name_request(struct span host, const struct peer_id *name,
                            char out[ROUTING_REQUEST_BYTES]);
size_t gateway_block_request(struct span host, const struct cid *cid,
                             char out[ROUTING_REQUEST_BYTES]);
// Asks for the empty block "bafkqaaa": a trustless gateway answers 200 with nothing.
size_t gateway_probe_request(struct span host, char out[ROUTING_REQUEST_BYTES]);

struct routing_reader {
    enum p2p_scope scope; // of the addresses that are kept
    struct json_reader json;
    bool is_list;   // within "Providers" or "Peers"
    u8 field;       // enum field of routing.c: whose value comes next
    u32 records;    // objects that were begun
    bool has_peer;  // of the record that is being read: its "ID",
    bool is_peer;   // a schema that tells of peers,
    bool has_claim; // and whom its addresses name, before the ID was read
    struct p2p_hint hint;
};

void routing_reader_init(struct routing_reader *reader, enum p2p_scope scope);

// Takes bytes of the body, {"Providers": [...]} or lines of records, until a peer is told.
//   taken     receives how many bytes were taken; call again with the rest until all are
//   has_hint  receives whether *hint was filled
// ERR_MALFORMED, ERR_LIMIT  as json_next; more than ROUTING_RECORDS
enum err routing_read(struct routing_reader *reader, struct span bytes, size_t *taken,
                      struct p2p_hint *hint, bool *has_hint, struct report *report);

// The body ends here. ERR_MALFORMED: in the middle.
enum err routing_end(struct routing_reader *reader, struct report *report);
