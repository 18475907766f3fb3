// SPDX-License-Identifier: GPL-3.0-or-later
// programs/http/peers.h: /api/peers, what the handler of redshirt:net/peers says, as JSON; `null`
// where nobody handles it or http may not use it.
//
// The server waits for no other process: a request is answered with what was said last, and makes
// the server ask again. So a page that looks every second is a second behind.
//
// Use     peers_page for a request; then peers_bond, and where it gives a bond, PEERS_SHOW_ID is
//         sent over it, and peers_take is given the event of its answer. One at a time.
// Limits  SERVER_PEERS, SERVER_FILES, SERVER_OFFENCES of the lists; what was said last is forgotten
//         when the handler is gone.
#pragma once
#include "core/base/types.h"
#include "programs/http/pages.h"
struct rt_event;

struct page peers_page(void);
// The bond to ask over, where somebody has looked since it was asked last; -1: none.
i64 peers_bond(void);
void peers_take(const struct rt_event *event);
