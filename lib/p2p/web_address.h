// SPDX-License-Identifier: GPL-3.0-or-later
// lib/p2p/web_address.h: where a web server is, as people write it: "http://router.example:8080".
//
// Use     web_address_parse what a person typed; connect to the number or the name that it says,
//         and put `host` into the request.
// Owner   everything points into the text.
// Limits  WEB_ADDRESS_BYTES of text. http alone: this transport has no TLS, and what comes is
//         hashed or proved by a key anyhow.
// Source  RFC 3986 for the form, of which a path, a query and a user are refused.
#pragma once
#include "core/base/err.h"
#include "core/base/span.h"
#include "core/base/types.h"
struct report;

enum web_host {
    WEB_HOST_IP4,
    WEB_HOST_IP6,
    WEB_HOST_NAME,
};

struct web_address {
    struct span host; // with its port where one was given, as a request says it
    enum web_host kind;
    struct span name; // of WEB_HOST_NAME
    u8 ip[16];        // 4 or 16 bytes otherwise
    u16 port;
};

// *out is left alone on failure.
// ERR_MALFORMED    not such an address; ERR_UNSUPPORTED: https; ERR_LIMIT: WEB_ADDRESS_BYTES
enum err web_address_parse(struct span text, struct web_address *out, struct report *report);
