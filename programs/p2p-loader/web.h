// SPDX-License-Identifier: GPL-3.0-or-later
// programs/p2p-loader/web.h: one question to a web server, over HTTP, and its answer.
//
// Use     web_get; `body` is called with the bytes of an answer of status 200 as they come, then
//         `done` once. web_end gives it up: nothing is called any more. web_turn in each turn.
// Owner   a struct web is of the pool here, and the caller's until `done` or web_end.
// Limits  LOADER_WEBS at once, of LOADER_WEB_BYTES each; LOADER_WEB_QUIET_MS without a byte,
//         LOADER_WEB_MS in all. Redirects are not followed: they are an answer like another.
#pragma once
#include "core/base/span.h"
#include "core/base/types.h"
struct node;
struct web;
struct web_address;

struct web_user {
    void *context;
    // Returns NULL, or why that is enough: then `done` is told so.
    const char *(*body)(void *context, struct span bytes);
    //   status  of the answer; 0: there was none
    //   why     a literal; NULL: the answer is whole
    void (*done)(void *context, u32 status, const char *why);
    u32 pace_bytes; // so many in LOADER_WEB_QUIET_MS, or it does not answer; 0: any
};

// NULL: LOADER_WEBS are under way, or there is no memory.
//   request  at most ROUTING_REQUEST_BYTES, copied; of lib/p2p/routing.h
struct web *web_get(struct node *node, const struct web_address *server, struct span request,
                    const struct web_user *user);
void web_end(struct web *web);
// Returns when to be called at the latest.
u64 webs_turn(struct node *node);
